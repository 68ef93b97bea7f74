//! The general search: is there an order of the operations that explains every answer?
//!
//! Wing and Gong 1993, with the memory of Lowe 2017: depth first over the orders; a state of the search (which operations
//! have been taken, and what the object holds then) that was met before is not gone into again. Exponential in how many
//! operations overlap, at worst; what is measured in steps is bounded by a budget. Three things keep it small: a read that
//! fits is taken at once and never reconsidered, since it changes nothing; a register's value that is still to be read and
//! that nobody can write again is not overwritten; and of changes that may have taken effect or not, the earliest of those
//! that say the same goes first, one of a register only right before what wants its value, and a state that was met before
//! with fewer of them is not gone into again.

use super::seen::Seen;
use crate::analysis::history::{Answer, Call, Initial, Model, NEVER, ValueId};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

/// An operation as the search sees it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Item {
    /// Its place in the history.
    pub place: usize,
    pub process: u32,
    pub call: Call,
    pub answer: Answer,
    pub invoked: u32,
    /// [`NEVER`] if it may take effect at any time, or never.
    pub ended: u32,
}

impl Item {
    fn required(&self) -> bool {
        self.ended != NEVER
    }
}

/// What an order must respect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// What ended before another began comes first.
    RealTime,
    /// The operations of one process keep their order.
    Process,
}

/// What came of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// There is such an order.
    Order,
    /// There is none. No order got past the end at this place.
    Nothing(u32),
    /// The budget was used up.
    Unknown,
}

/// What the object holds.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// A register's value, a counter's number, how many elements a list has.
    Number(i64),
    /// Which elements a set has, a bit each.
    Bits(Vec<u64>),
}

struct Frame {
    item: usize,
    state: State,
    low: usize,
    /// A read that fitted: there is nothing else to try here.
    forced: bool,
    /// Whether what came before was optional, and its value is to be used next.
    used_next: bool,
}

struct Search<'a> {
    items: Vec<&'a Item>,
    /// Where the optional ones begin: all required ones come before, each part by invocation.
    optional: usize,
    order: Order,
    model: Model,
    /// The list that the longest read returned: every shorter one is a part of it.
    longest: &'a [ValueId],
    elements: BTreeMap<ValueId, usize>,
    taken: Vec<bool>,
    left: usize,
    low: usize,
    /// The required operations of each process in order, and how many of them are taken. What may never have taken effect is
    /// the last that its process did.
    lanes: Vec<Vec<usize>>,
    heads: Vec<usize>,
    /// The lane of each item; none for an optional one whose process did nothing else.
    lane_of: Vec<Option<usize>>,
    /// Optional ones by the value that they leave in a register; all of them under 0 for other models.
    free: BTreeMap<ValueId, Vec<usize>>,
    /// What optional compare-and-sets expect.
    chained: Vec<ValueId>,
    /// For each optional item the one before it that says the same.
    twins: Vec<Option<usize>>,
    /// Of a register, by value: how many required ones still need it, and how many can still write it.
    needs: BTreeMap<ValueId, (u32, u32)>,
    /// The last end, in time, before which not all could be taken.
    furthest: Cell<u32>,
    seen: Seen,
    key: Vec<u64>,
    spent: Vec<u64>,
}

/// Looks for an order. `budget` is how many steps it may take, and what is left of them.
pub(super) fn search(items: &[Item], model: Model, initial: &Initial, order: Order, budget: &mut u64) -> Found {
    let lists = items.iter().filter_map(|item| match &item.answer {
        Answer::Elements(elements) if item.call == Call::Read => Some(elements.as_slice()),
        Answer::Elements(_) | Answer::Nothing | Answer::Value(_) | Answer::Number(_) => None,
    });
    let longest = lists.clone().max_by_key(|list| list.len()).unwrap_or_default();
    let longest = if longest.len() < initial.elements.len() { initial.elements.as_slice() } else { longest };
    let parts = |list: &[ValueId]| longest.starts_with(list);
    if model == Model::Append && !(parts(&initial.elements) && lists.clone().all(parts)) {
        return Found::Nothing(NEVER);
    }
    let mut search = Search::new(items, model, longest, order);
    let nowhere =
        |(value, (needed, sources)): (&ValueId, &(u32, u32))| *needed > 0 && *sources == 0 && *value != initial.value;
    if search.needs.iter().any(nowhere) {
        return Found::Nothing(NEVER);
    }
    search.run(search.first(initial), budget)
}

/// What no answer can tell whether it took effect need not be tried.
fn useful(item: &Item, needed: &BTreeSet<ValueId>, added: &BTreeSet<ValueId>) -> bool {
    item.required()
        || match item.call {
            Call::Read => false,
            Call::Write(value) | Call::CompareAndSet { value, .. } | Call::Add(value) | Call::Append(value) => {
                needed.contains(&value)
            }
            Call::Remove(value) => added.contains(&value),
            Call::Increment(by) => by != 0,
        }
}

impl<'a> Search<'a> {
    fn new(all: &'a [Item], model: Model, longest: &'a [ValueId], order: Order) -> Self {
        let (mut needed, mut added) = (BTreeSet::new(), BTreeSet::new());
        for item in all {
            match (&item.call, &item.answer) {
                (Call::Read, Answer::Value(value)) => {
                    needed.insert(*value);
                }
                (Call::Read, Answer::Elements(elements)) => {
                    for element in elements {
                        needed.insert(*element);
                        added.insert(*element);
                    }
                }
                (Call::CompareAndSet { expected, .. }, _) => {
                    needed.insert(*expected);
                }
                (Call::Add(value), _) => {
                    added.insert(*value);
                }
                (Call::Read | Call::Write(_) | Call::Increment(_) | Call::Remove(_) | Call::Append(_), _) => {}
            }
        }
        let mut items: Vec<&Item> = all.iter().filter(|item| useful(item, &needed, &added)).collect();
        items.sort_by_key(|item| (!item.required(), item.invoked));
        let optional = items.iter().position(|item| !item.required()).unwrap_or(items.len());
        let mut elements = BTreeMap::new();
        if model == Model::Set {
            for element in &added {
                let next = elements.len();
                elements.entry(*element).or_insert_with(|| next);
            }
        }
        let mut needs: BTreeMap<ValueId, (u32, u32)> = BTreeMap::new();
        if model == Model::Register {
            for item in &items {
                if let (Some(value), true) = (needs_of(item), item.required()) {
                    needs.entry(value).or_default().0 += 1;
                }
                if let Some(value) = item.call.leaves() {
                    needs.entry(value).or_default().1 += 1;
                }
            }
        }
        let (mut free, mut last): (BTreeMap<ValueId, Vec<usize>>, BTreeMap<Call, usize>) =
            (BTreeMap::new(), BTreeMap::new());
        let (mut chained, mut twins) = (Vec::new(), Vec::new());
        for (at, item) in items.iter().enumerate().skip(optional) {
            let value = if model == Model::Register { item.call.leaves().unwrap_or_default() } else { 0 };
            free.entry(value).or_default().push(at);
            chained.extend(needs_of(item));
            twins.push(last.insert(item.call, at));
        }
        let mut search = Search {
            taken: vec![false; items.len()],
            left: optional,
            low: 0,
            heads: Vec::new(),
            lanes: Vec::new(),
            lane_of: vec![None; items.len()],
            free,
            chained,
            twins,
            items,
            optional,
            order,
            model,
            longest,
            elements,
            needs,
            furthest: Cell::new(0),
            seen: Seen::default(),
            key: Vec::new(),
            spent: Vec::new(),
        };
        if order == Order::Process {
            search.lay_lanes();
        }
        search
    }

    fn lay_lanes(&mut self) {
        let mut lanes: BTreeMap<u32, usize> = BTreeMap::new();
        for (at, item) in self.items.iter().enumerate() {
            if at < self.optional {
                let next = self.lanes.len();
                let lane = *lanes.entry(item.process).or_insert_with(|| next);
                if lane == next {
                    self.lanes.push(Vec::new());
                }
                self.lanes[lane].push(at);
            }
            self.lane_of[at] = lanes.get(&item.process).copied();
        }
        self.heads = vec![0; self.lanes.len()];
    }

    fn first(&self, initial: &Initial) -> State {
        match self.model {
            Model::Register => State::Number(initial.value.into()),
            Model::Counter => State::Number(initial.number),
            Model::Append => State::Number(initial.elements.len() as i64),
            Model::Set => {
                let mut bits = vec![0u64; self.elements.len() / 64 + 1];
                for element in initial.elements.iter().filter_map(|it| self.elements.get(it)) {
                    bits[element / 64] |= 1 << (element % 64);
                }
                State::Bits(bits)
            }
        }
    }

    /// What the object holds after an operation; none if its answer does not fit.
    fn apply(&self, state: &State, item: &Item) -> Option<State> {
        match (state, item.call) {
            (State::Number(now), Call::Read) => {
                let fits = match &item.answer {
                    Answer::Nothing => true,
                    Answer::Value(value) => *now == i64::from(*value),
                    Answer::Number(number) => now == number,
                    Answer::Elements(elements) => *now == elements.len() as i64,
                };
                fits.then(|| state.clone())
            }
            (State::Number(_), Call::Write(value)) => Some(State::Number(value.into())),
            (State::Number(now), Call::CompareAndSet { expected, value }) => {
                (*now == i64::from(expected)).then(|| State::Number(value.into()))
            }
            (State::Number(now), Call::Increment(by)) => Some(State::Number(now.wrapping_add(by))),
            (State::Number(now), Call::Append(value)) => {
                let fits = self.longest.get(*now as usize).is_none_or(|next| *next == value);
                fits.then(|| State::Number(now + 1))
            }
            (State::Bits(bits), Call::Read) => {
                let Answer::Elements(elements) = &item.answer else { return Some(state.clone()) };
                let has = |it: &ValueId| self.elements.get(it).is_some_and(|at| bits[at / 64] >> (at % 64) & 1 == 1);
                let count: u32 = bits.iter().map(|word| word.count_ones()).sum();
                (count as usize == elements.len() && elements.iter().all(has)).then(|| state.clone())
            }
            (State::Bits(bits), Call::Add(value) | Call::Remove(value)) => {
                let mut bits = bits.clone();
                if let Some(at) = self.elements.get(&value) {
                    let bit = 1 << (at % 64);
                    if matches!(item.call, Call::Add(_)) {
                        bits[at / 64] |= bit;
                    } else {
                        bits[at / 64] &= !bit;
                    }
                }
                Some(State::Bits(bits))
            }
            // Operations of another type than the object's: the reader of histories refuses them.
            (State::Number(_), Call::Add(_) | Call::Remove(_))
            | (State::Bits(_), Call::Write(_) | Call::CompareAndSet { .. } | Call::Increment(_) | Call::Append(_)) => {
                None
            }
        }
    }

    fn take(&mut self, at: usize) {
        self.taken[at] = true;
        self.heads_move(at, true);
        if at < self.optional {
            self.left -= 1;
        }
        self.count(at, false);
        while self.low < self.optional && self.taken[self.low] {
            self.low += 1;
        }
    }

    fn put_back(&mut self, at: usize, low: usize) {
        self.taken[at] = false;
        self.heads_move(at, false);
        if at < self.optional {
            self.left += 1;
        }
        self.count(at, true);
        self.low = low;
    }

    fn heads_move(&mut self, at: usize, forward: bool) {
        if let (Some(lane), true) = (self.lane_of[at], at < self.optional) {
            let head = &mut self.heads[lane];
            *head = if forward { *head + 1 } else { *head - 1 };
        }
    }

    fn count(&mut self, at: usize, back: bool) {
        if self.model != Model::Register {
            return;
        }
        let item = self.items[at];
        let change = |count: &mut u32| *count = if back { *count + 1 } else { *count - 1 };
        if let (Some(value), true) = (needs_of(item), item.required())
            && let Some((needed, _)) = self.needs.get_mut(&value)
        {
            change(needed);
        }
        if let Some(value) = item.call.leaves()
            && let Some((_, sources)) = self.needs.get_mut(&value)
        {
            change(sources);
        }
    }

    /// Whether taking an item, which is done, overwrote a value that is needed still and that nobody will write.
    fn is_dead(&self, before: &State, after: &State) -> bool {
        match before {
            State::Number(value) if self.model == Model::Register && before != after => {
                let left = self.needs.get(&(*value as ValueId));
                left.is_some_and(|(needed, sources)| *needed > 0 && *sources == 0)
            }
            State::Number(_) | State::Bits(_) => false,
        }
    }

    /// The next item that may come now, from a place on.
    fn candidate(&self, from: usize) -> Option<usize> {
        let mut bound = NEVER;
        let mut needed: Vec<ValueId> = Vec::new();
        let mut next: Option<usize> = None;
        let mut look = |at: usize| {
            if at >= from {
                next = Some(next.map_or(at, |next| next.min(at)));
            }
            needed.extend(needs_of(self.items[at]));
        };
        match self.order {
            Order::Process => {
                for (lane, head) in self.lanes.iter().zip(&self.heads) {
                    lane.get(*head).copied().into_iter().for_each(&mut look);
                }
            }
            Order::RealTime => {
                let mut at = self.low;
                while at < self.optional && self.items[at].invoked < bound {
                    if !self.taken[at] {
                        look(at);
                        bound = bound.min(self.items[at].ended);
                    }
                    at += 1;
                }
                self.furthest.set(self.furthest.get().max(bound));
            }
        }
        next.or_else(|| self.optional_candidate(from, bound, needed))
    }

    /// Of what may have taken effect or not, the next that may come now: of a register only what is wanted at once.
    fn optional_candidate(&self, from: usize, bound: u32, mut needed: Vec<ValueId>) -> Option<usize> {
        let may = |at: usize| {
            let in_time = match self.order {
                Order::RealTime => self.items[at].invoked < bound,
                Order::Process => self.lane_of[at].is_none_or(|lane| self.heads[lane] == self.lanes[lane].len()),
            };
            // Of those that say the same the earliest goes first, where that is as free as the later.
            let twin = self.twins[at - self.optional].is_some_and(|twin| {
                !self.taken[twin] && (self.order == Order::RealTime || self.lane_of[twin].is_none())
            });
            !self.taken[at] && in_time && !twin
        };
        if self.model == Model::Register {
            needed.extend(&self.chained);
        } else {
            needed = vec![0];
        }
        let of = |value: ValueId| {
            let all = self.free.get(&value)?;
            all[all.partition_point(|at| *at < from)..].iter().copied().find(|at| may(*at))
        };
        needed.into_iter().filter_map(of).min()
    }

    /// Whether this state of the search is new.
    fn remember(&mut self, state: &State) -> bool {
        let (mut key, mut spent) = (std::mem::take(&mut self.key), std::mem::take(&mut self.spent));
        key.clear();
        spent.clear();
        pack(&mut spent, &self.taken[self.optional..]);
        match self.order {
            Order::Process => key.extend(self.heads.iter().map(|head| *head as u64)),
            Order::RealTime => {
                key.push(self.low as u64);
                // Only a few beyond the first that is not taken are.
                let mut bound = NEVER;
                let mut end = self.low;
                while end < self.optional && self.items[end].invoked < bound {
                    if !self.taken[end] {
                        bound = bound.min(self.items[end].ended);
                    }
                    end += 1;
                }
                pack(&mut key, &self.taken[self.low..end]);
            }
        }
        // The last part alone may be longer or shorter.
        match state {
            State::Number(number) => key.insert(0, *number as u64),
            State::Bits(bits) => key.splice(0..0, bits.iter().copied()).for_each(drop),
        }
        let new = self.seen.insert(&key, &spent);
        (self.key, self.spent) = (key, spent);
        new
    }

    fn run(&mut self, first: State, budget: &mut u64) -> Found {
        let mut state = first;
        let mut stack: Vec<Frame> = Vec::new();
        let mut from = 0;
        let mut use_next = false;
        loop {
            if self.left == 0 {
                return Found::Order;
            }
            if from == 0
                && let Some(item) = self.fitting_read(&state)
            {
                stack.push(Frame { item, state: state.clone(), low: self.low, forced: true, used_next: use_next });
                use_next = false;
                self.take(item);
                continue;
            }
            if *budget == 0 {
                return Found::Unknown;
            }
            *budget -= 1;
            if let Some(item) = self.candidate(from) {
                from = item + 1;
                if use_next && needs_of(self.items[item]).is_none() {
                    continue;
                }
                let Some(after) = self.apply(&state, self.items[item]) else { continue };
                let low = self.low;
                self.take(item);
                if self.is_dead(&state, &after) || !self.remember(&after) {
                    self.put_back(item, low);
                    continue;
                }
                let before = std::mem::replace(&mut state, after);
                stack.push(Frame { item, state: before, low, forced: false, used_next: use_next });
                use_next = self.model == Model::Register && item >= self.optional;
                from = 0;
                continue;
            }
            // Back to the last choice.
            loop {
                let Some(frame) = stack.pop() else { return Found::Nothing(self.furthest.get()) };
                self.put_back(frame.item, frame.low);
                state = frame.state;
                use_next = frame.used_next;
                if !frame.forced {
                    from = frame.item + 1;
                    break;
                }
            }
        }
    }

    /// A read that may come now and whose answer fits.
    fn fitting_read(&self, state: &State) -> Option<usize> {
        let mut from = 0;
        while let Some(item) = self.candidate(from).filter(|item| *item < self.optional) {
            if self.items[item].call == Call::Read && self.apply(state, self.items[item]).is_some() {
                return Some(item);
            }
            from = item + 1;
        }
        None
    }
}

/// The value that a register must hold for an operation.
fn needs_of(item: &Item) -> Option<ValueId> {
    match (item.call, &item.answer) {
        (Call::Read, Answer::Value(value)) => Some(*value),
        (Call::CompareAndSet { expected, .. }, _) => Some(expected),
        (Call::Read | Call::Write(_) | Call::Increment(_) | Call::Add(_) | Call::Remove(_) | Call::Append(_), _) => {
            None
        }
    }
}

/// Packs bits into words; trailing empty ones left out.
fn pack(words: &mut Vec<u64>, bits: &[bool]) {
    let at = words.len();
    for chunk in bits.chunks(64) {
        words.push(chunk.iter().enumerate().fold(0, |word, (i, bit)| word | u64::from(*bit) << i));
    }
    while words.len() > at && words.last() == Some(&0) {
        words.pop();
    }
}
