//! The general search for an order of the operations that explains every output.
//!
//! Wing and Gong 1993, with the memoization of Lowe 2017: a depth-first search over orders that visits each state (the taken
//! operations, and the object's value) once. The worst case is exponential in the number of overlapping operations; a budget
//! bounds the steps. Three rules keep the search small:
//! - A read that fits is taken at once and never reconsidered, since it changes nothing.
//! - A register's value is not overwritten while a read still needs it and no remaining operation writes it.
//! - Optional operations, which ended `unknown`: of equal ones the earliest comes first; one of a register comes only
//!   directly before an operation that needs its value; a state that was visited with fewer of them is not visited again.

mod candidates;
mod object;

use super::visited_states::VisitedStates;
use crate::analysis::history::{Initial, Invocation, Model, NEVER, Output, ValueId};
use object::State;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

/// An operation of the search.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SearchOperation {
    /// Its index in the history.
    pub place: usize,
    pub process: u32,
    pub invocation: Invocation,
    pub output: Output,
    pub invoked: u32,
    /// [`NEVER`] for an optional operation, which may take effect at any time or never.
    pub ended: u32,
}

impl SearchOperation {
    fn is_required(&self) -> bool {
        self.ended != NEVER
    }

    /// Returns the value that a register must hold before the operation.
    pub fn needed_value(&self) -> Option<ValueId> {
        match (self.invocation, &self.output) {
            (Invocation::Read, Output::Value(value)) => Some(*value),
            (Invocation::CompareAndSet { expected, .. }, _) => Some(expected),
            (
                Invocation::Read
                | Invocation::Write(_)
                | Invocation::Increment(_)
                | Invocation::Add(_)
                | Invocation::Remove(_)
                | Invocation::Append(_),
                _,
            ) => None,
        }
    }
}

/// The constraint on an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// An operation that ended before another started comes first.
    RealTime,
    /// The operations of one process keep their order.
    Process,
}

/// The result of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SearchResult {
    /// An order exists.
    Order,
    /// No order exists. Contains the position of the latest end before which some operation could not be taken.
    NoOrder(u32),
    /// The budget was used up.
    OutOfBudget,
}

/// An operation that was taken, with the search's state before it.
struct Frame {
    item: usize,
    state: State,
    low: usize,
    /// Whether the item is a fitting read, which has no alternatives.
    forced: bool,
    /// Whether the item before is optional, so that this item must need its value.
    used_next: bool,
}

struct Search<'a> {
    items: Vec<&'a SearchOperation>,
    /// Index of the first optional operation. Required and optional operations are each sorted by invocation.
    optional: usize,
    order: Order,
    model: Model,
    /// The longest list that a read returned: all others are its prefixes.
    longest: &'a [ValueId],
    /// The index of the bit of each element of a set.
    elements: BTreeMap<ValueId, usize>,
    /// Whether each operation is taken.
    taken: Vec<bool>,
    /// The number of required operations that are not taken.
    left: usize,
    /// The index of the first required operation that is not taken.
    low: usize,
    /// The required operations of each process in order. An optional operation is the last of its process.
    processes: Vec<Vec<usize>>,
    /// The number of required operations of each process that are taken.
    heads: Vec<usize>,
    /// The process of each operation; `None` for an optional operation that is the only one of its process.
    process_of: Vec<Option<usize>>,
    /// Optional operations by the value that they write to a register; all of them under 0 for other models.
    optional_by_value: BTreeMap<ValueId, Vec<usize>>,
    /// The values that optional compare-and-sets expect.
    expected_by_optional: Vec<ValueId>,
    /// The previous operation with the same invocation, for each optional operation.
    equal_before: Vec<Option<usize>>,
    /// The number of required operations that still need each value of a register, and of those that can still write it.
    needs: BTreeMap<ValueId, (u32, u32)>,
    /// The latest end before which some operation could not be taken.
    furthest: Cell<u32>,
    visited: VisitedStates,
    /// Buffers for the key and the mask of a visited state.
    key: Vec<u64>,
    used: Vec<u64>,
}

/// Searches for an order. Subtracts the steps it takes from `budget`.
pub(super) fn search(
    items: &[SearchOperation],
    model: Model,
    initial: &Initial,
    order: Order,
    budget: &mut u64,
) -> SearchResult {
    let lists = items.iter().filter_map(|item| match &item.output {
        Output::Elements(elements) if item.invocation == Invocation::Read => Some(elements.as_slice()),
        Output::Elements(_) | Output::Nothing | Output::Value(_) | Output::Number(_) => None,
    });
    let longest = lists.clone().max_by_key(|list| list.len()).unwrap_or_default();
    let longest = if longest.len() < initial.elements.len() { initial.elements.as_slice() } else { longest };
    let is_prefix = |list: &[ValueId]| longest.starts_with(list);
    if model == Model::Append && !(is_prefix(&initial.elements) && lists.clone().all(is_prefix)) {
        return SearchResult::NoOrder(NEVER);
    }
    let mut search = Search::new(items, model, longest, order);
    let has_no_source =
        |(value, (needed, sources)): (&ValueId, &(u32, u32))| *needed > 0 && *sources == 0 && *value != initial.value;
    if search.needs.iter().any(has_no_source) {
        return SearchResult::NoOrder(NEVER);
    }
    search.run(search.initial_state(initial), budget)
}

/// Returns whether an operation can affect an output. Other optional operations are ignored.
fn is_observable(item: &SearchOperation, needed: &BTreeSet<ValueId>, added: &BTreeSet<ValueId>) -> bool {
    item.is_required()
        || match item.invocation {
            Invocation::Read => false,
            Invocation::Write(value)
            | Invocation::CompareAndSet { value, .. }
            | Invocation::Add(value)
            | Invocation::Append(value) => needed.contains(&value),
            Invocation::Remove(value) => added.contains(&value),
            Invocation::Increment(by) => by != 0,
        }
}

/// Returns the values that some operation needs, and the elements that a set may contain.
fn observed_values(all: &[SearchOperation]) -> (BTreeSet<ValueId>, BTreeSet<ValueId>) {
    let (mut needed, mut added) = (BTreeSet::new(), BTreeSet::new());
    for item in all {
        match (&item.invocation, &item.output) {
            (Invocation::Read, Output::Value(value)) => {
                needed.insert(*value);
            }
            (Invocation::Read, Output::Elements(elements)) => {
                for element in elements {
                    needed.insert(*element);
                    added.insert(*element);
                }
            }
            (Invocation::CompareAndSet { expected, .. }, _) => {
                needed.insert(*expected);
            }
            (Invocation::Add(value), _) => {
                added.insert(*value);
            }
            (
                Invocation::Read
                | Invocation::Write(_)
                | Invocation::Increment(_)
                | Invocation::Remove(_)
                | Invocation::Append(_),
                _,
            ) => {}
        }
    }
    (needed, added)
}

/// Counts, for each value of a register, the required operations that need it, and the operations that write it.
fn count_needs(items: &[&SearchOperation]) -> BTreeMap<ValueId, (u32, u32)> {
    let mut needs: BTreeMap<ValueId, (u32, u32)> = BTreeMap::new();
    for item in items {
        if let (Some(value), true) = (item.needed_value(), item.is_required()) {
            needs.entry(value).or_default().0 += 1;
        }
        if let Some(value) = item.invocation.leaves() {
            needs.entry(value).or_default().1 += 1;
        }
    }
    needs
}

impl<'a> Search<'a> {
    fn new(all: &'a [SearchOperation], model: Model, longest: &'a [ValueId], order: Order) -> Self {
        let (needed, added) = observed_values(all);
        let mut items: Vec<&SearchOperation> = all.iter().filter(|item| is_observable(item, &needed, &added)).collect();
        items.sort_by_key(|item| (!item.is_required(), item.invoked));
        let optional = items.iter().position(|item| !item.is_required()).unwrap_or(items.len());
        let mut elements = BTreeMap::new();
        if model == Model::Set {
            for element in &added {
                let next = elements.len();
                elements.entry(*element).or_insert_with(|| next);
            }
        }
        let needs = if model == Model::Register { count_needs(&items) } else { BTreeMap::new() };
        let (mut optional_by_value, mut last): (BTreeMap<ValueId, Vec<usize>>, BTreeMap<Invocation, usize>) =
            (BTreeMap::new(), BTreeMap::new());
        let (mut expected_by_optional, mut equal_before) = (Vec::new(), Vec::new());
        for (at, item) in items.iter().enumerate().skip(optional) {
            let value = if model == Model::Register { item.invocation.leaves().unwrap_or_default() } else { 0 };
            optional_by_value.entry(value).or_default().push(at);
            expected_by_optional.extend(item.needed_value());
            equal_before.push(last.insert(item.invocation, at));
        }
        let mut search = Search {
            taken: vec![false; items.len()],
            left: optional,
            low: 0,
            heads: Vec::new(),
            processes: Vec::new(),
            process_of: vec![None; items.len()],
            optional_by_value,
            expected_by_optional,
            equal_before,
            items,
            optional,
            order,
            model,
            longest,
            elements,
            needs,
            furthest: Cell::new(0),
            visited: VisitedStates::default(),
            key: Vec::new(),
            used: Vec::new(),
        };
        if order == Order::Process {
            search.group_by_process();
        }
        search
    }

    fn group_by_process(&mut self) {
        let mut processes: BTreeMap<u32, usize> = BTreeMap::new();
        for (at, item) in self.items.iter().enumerate() {
            if at < self.optional {
                let next = self.processes.len();
                let process_index = *processes.entry(item.process).or_insert_with(|| next);
                if process_index == next {
                    self.processes.push(Vec::new());
                }
                self.processes[process_index].push(at);
            }
            self.process_of[at] = processes.get(&item.process).copied();
        }
        self.heads = vec![0; self.processes.len()];
    }

    fn take(&mut self, at: usize) {
        self.taken[at] = true;
        self.move_head(at, true);
        if at < self.optional {
            self.left -= 1;
        }
        self.update_needs(at, false);
        while self.low < self.optional && self.taken[self.low] {
            self.low += 1;
        }
    }

    fn undo(&mut self, at: usize, low: usize) {
        self.taken[at] = false;
        self.move_head(at, false);
        if at < self.optional {
            self.left += 1;
        }
        self.update_needs(at, true);
        self.low = low;
    }

    fn move_head(&mut self, at: usize, forward: bool) {
        if let (Some(process_index), true) = (self.process_of[at], at < self.optional) {
            let head = &mut self.heads[process_index];
            *head = if forward { *head + 1 } else { *head - 1 };
        }
    }

    /// Updates the needs of a register's values after an operation was taken, or, with `back`, after that was undone.
    fn update_needs(&mut self, at: usize, back: bool) {
        if self.model != Model::Register {
            return;
        }
        let item = self.items[at];
        let change = |count: &mut u32| *count = if back { *count + 1 } else { *count - 1 };
        if let (Some(value), true) = (item.needed_value(), item.is_required())
            && let Some((needed, _)) = self.needs.get_mut(&value)
        {
            change(needed);
        }
        if let Some(value) = item.invocation.leaves()
            && let Some((_, sources)) = self.needs.get_mut(&value)
        {
            change(sources);
        }
    }

    /// Returns whether the item taken last overwrote a value that is still needed and that no remaining operation writes.
    fn is_dead_end(&self, before: &State, after: &State) -> bool {
        match before {
            State::Number(value) if self.model == Model::Register && before != after => {
                let left = self.needs.get(&(*value as ValueId));
                left.is_some_and(|(needed, sources)| *needed > 0 && *sources == 0)
            }
            State::Number(_) | State::Bits(_) => false,
        }
    }

    /// Records the state of the search as visited. Returns whether it is new.
    fn visit(&mut self, state: &State) -> bool {
        let (mut key, mut used) = (std::mem::take(&mut self.key), std::mem::take(&mut self.used));
        key.clear();
        used.clear();
        pack(&mut used, &self.taken[self.optional..]);
        match self.order {
            Order::Process => key.extend(self.heads.iter().map(|head| *head as u64)),
            Order::RealTime => {
                key.push(self.low as u64);
                // Only operations that overlap the first one not taken can be taken.
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
        // The value comes first, since only the last part of a key may vary in length.
        match state {
            State::Number(number) => key.insert(0, *number as u64),
            State::Bits(bits) => key.splice(0..0, bits.iter().copied()).for_each(drop),
        }
        let is_new = self.visited.insert(&key, &used);
        (self.key, self.used) = (key, used);
        is_new
    }

    fn run(&mut self, first: State, budget: &mut u64) -> SearchResult {
        let mut state = first;
        let mut stack: Vec<Frame> = Vec::new();
        let mut from = 0;
        let mut use_next = false;
        loop {
            if self.left == 0 {
                return SearchResult::Order;
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
                return SearchResult::OutOfBudget;
            }
            *budget -= 1;
            if let Some(item) = self.candidate(from) {
                from = item + 1;
                if use_next && self.items[item].needed_value().is_none() {
                    continue;
                }
                let Some(after) = self.apply(&state, self.items[item]) else { continue };
                let low = self.low;
                self.take(item);
                if self.is_dead_end(&state, &after) || !self.visit(&after) {
                    self.undo(item, low);
                    continue;
                }
                let before = std::mem::replace(&mut state, after);
                stack.push(Frame { item, state: before, low, forced: false, used_next: use_next });
                use_next = self.model == Model::Register && item >= self.optional;
                from = 0;
                continue;
            }
            // Backtrack to the last choice.
            loop {
                let Some(frame) = stack.pop() else { return SearchResult::NoOrder(self.furthest.get()) };
                self.undo(frame.item, frame.low);
                state = frame.state;
                use_next = frame.used_next;
                if !frame.forced {
                    from = frame.item + 1;
                    break;
                }
            }
        }
    }
}

/// Packs bits into words, without trailing empty words.
fn pack(words: &mut Vec<u64>, bits: &[bool]) {
    let at = words.len();
    for chunk in bits.chunks(64) {
        words.push(chunk.iter().enumerate().fold(0, |word, (i, bit)| word | u64::from(*bit) << i));
    }
    while words.len() > at && words.last() == Some(&0) {
        words.pop();
    }
}
