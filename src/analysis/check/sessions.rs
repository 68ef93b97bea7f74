//! What one session may rely on (Terry et al. 1994), as far as clients can see it.
//!
//! Registers whose writes all differ: a guarantee asks that what a read returned be no older than certain writes. Which of
//! two writes is older is known by their versions, where the history has them; else a write is older than those that began
//! after it was acknowledged, and than those that its maker had seen. All of that, and what the reads of one process ask, are
//! arrows between the writes of a key; the process keeps the guarantees if and only if they make no circle. Of two writes
//! whose age nobody can tell, two processes may see either first. A compare-and-set has seen the write that it replaced.
//! O(n log n) for n operations, times the number of processes for the last two.
//!
//! Sets that nothing is removed from, and lists: a read must hold the elements themselves.

use crate::analysis::history::{Answer, Call, History, Model};
use crate::trace::Outcome;
use std::collections::{BTreeMap, BTreeSet};

/// Which of the four are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Read your writes.
    pub own_writes: bool,
    /// Monotonic reads.
    pub reads: bool,
    /// Monotonic writes: who sees a write sees those that its process made before.
    pub writes: bool,
    /// Writes follow reads: who sees a write sees those that its process had seen before.
    pub follow: bool,
}

/// What stands for the value that was there at first.
const FIRST: usize = usize::MAX;

/// A write that a process made, or saw.
#[derive(Clone, Copy)]
struct Step {
    key: u32,
    write: usize,
    /// Its own, in the order of its operations.
    own: bool,
}

struct Look<'a> {
    history: &'a History,
    models: BTreeMap<u32, Model>,
    /// By key and value.
    writers: BTreeMap<(u32, u32), usize>,
    removed: BTreeSet<(u32, u32)>,
    /// For each process what it made and saw, in order, and where in that each of its writes stands.
    steps: BTreeMap<u32, Vec<Step>>,
    place_in: BTreeMap<usize, (u32, usize)>,
    /// By key, from each write to those that are known to be newer.
    arrows: BTreeMap<u32, Vec<(usize, usize)>>,
    /// The same by what the reads of one process ask.
    asked: BTreeMap<u32, Vec<(usize, usize)>>,
}

/// What reads of a key must show from now on.
#[derive(Default)]
struct Must {
    writes: Vec<usize>,
    all: BTreeSet<usize>,
}

/// Whether the operations at these places break what is wanted.
pub(super) fn broken(history: &History, places: &[usize], wanted: Wanted) -> bool {
    let operations = &history.operations;
    let mut look = Look {
        history,
        models: BTreeMap::new(),
        writers: BTreeMap::new(),
        removed: BTreeSet::new(),
        steps: BTreeMap::new(),
        place_in: BTreeMap::new(),
        arrows: BTreeMap::new(),
        asked: BTreeMap::new(),
    };
    let mut keys: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for &place in places {
        let operation = &operations[place];
        keys.entry(operation.key).or_default().push(place);
        match operation.call {
            Call::Write(value) | Call::CompareAndSet { value, .. } | Call::Add(value) | Call::Append(value) => {
                if operation.outcome != Outcome::Fail {
                    look.writers.insert((operation.key, value), place);
                }
            }
            Call::Remove(value) => {
                look.removed.insert((operation.key, value));
            }
            Call::Read | Call::Increment(_) => {}
        }
    }
    for (key, places) in keys.iter() {
        look.models.insert(*key, history.model_of(places).unwrap_or(Model::Register));
    }
    let mut processes: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for &place in places {
        processes.entry(operations[place].process).or_default().push(place);
    }
    for (process, own) in processes.iter() {
        look.walk(*process, own);
    }
    // What all ask together mostly makes no circle, and then that of none does.
    let mut together: BTreeMap<u32, Vec<(usize, usize)>> = BTreeMap::new();
    let mut each = Vec::new();
    for own in processes.values() {
        if look.demand(own, wanted) {
            return true;
        }
        let asked = std::mem::take(&mut look.asked);
        asked.iter().for_each(|(key, arrows)| together.entry(*key).or_default().extend(arrows));
        each.push(asked);
    }
    together.iter().any(|(key, all)| {
        let circle = |asked: &[(usize, usize)]| look.circle(*key, &keys[key], asked);
        circle(all) && each.iter().filter_map(|asked| asked.get(key)).any(|asked| circle(asked))
    })
}

impl Look<'_> {
    /// The writes that a read shows, or that a compare-and-set replaced.
    fn seen(&self, place: usize) -> Vec<usize> {
        let operation = &self.history.operations[place];
        let writer = |value: &u32| self.writers.get(&(operation.key, *value)).copied();
        if let Call::CompareAndSet { expected, .. } = operation.call {
            return writer(&expected).into_iter().collect();
        }
        match &operation.answer {
            Answer::Value(value) => writer(value).into_iter().collect(),
            Answer::Elements(elements) => elements.iter().filter_map(writer).collect(),
            Answer::Nothing | Answer::Number(_) => Vec::new(),
        }
    }

    fn walk(&mut self, process: u32, own: &[usize]) {
        let mut steps = Vec::new();
        let mut last: BTreeMap<u32, usize> = BTreeMap::new();
        for &place in own {
            let operation = &self.history.operations[place];
            if operation.call.changes() {
                if operation.outcome != Outcome::Fail {
                    for write in self.seen(place) {
                        last.insert(operation.key, write);
                        steps.push(Step { key: operation.key, write, own: false });
                    }
                    // A write comes after what its process had seen of the key.
                    if let Some(before) = last.get(&operation.key) {
                        self.arrows.entry(operation.key).or_default().push((*before, place));
                    }
                    self.place_in.insert(place, (process, steps.len()));
                    steps.push(Step { key: operation.key, write: place, own: true });
                }
            } else {
                let seen = self.seen(place);
                if let (Answer::Value(_), [write]) = (&operation.answer, seen.as_slice()) {
                    last.insert(operation.key, *write);
                }
                steps.extend(seen.into_iter().map(|write| Step { key: operation.key, write, own: false }));
            }
        }
        self.steps.insert(process, steps);
    }

    /// What the reads of one process must show. True if one of a set or list does not; for registers it leaves arrows.
    fn demand(&mut self, own: &[usize], wanted: Wanted) -> bool {
        // By key, what reads from now on must show.
        let mut must: BTreeMap<u32, Must> = BTreeMap::new();
        let mut known: BTreeMap<u32, usize> = BTreeMap::new();
        for &place in own {
            let operation = &self.history.operations[place];
            let replaces = matches!(operation.call, Call::CompareAndSet { .. }) && operation.outcome != Outcome::Fail;
            if operation.answer == Answer::Nothing && !replaces {
                if wanted.own_writes && operation.acknowledged() {
                    self.require(&mut must, operation.key, place);
                }
                continue;
            }
            let seen = self.seen(place);
            if wanted.writes || wanted.follow {
                // A list shows all at once what it shows.
                let at_once = matches!(operation.answer, Answer::Elements(_));
                if at_once {
                    self.reveal(&seen, &mut known, &mut must, wanted);
                }
                if self.misses(place, &seen, must.get(&operation.key)) {
                    return true;
                }
                if !at_once {
                    self.reveal(&seen, &mut known, &mut must, wanted);
                }
            } else if self.misses(place, &seen, must.get(&operation.key)) {
                return true;
            }
            if wanted.reads {
                for write in seen {
                    self.require(&mut must, operation.key, write);
                }
            }
            if wanted.own_writes && operation.acknowledged() {
                self.require(&mut must, operation.key, place);
            }
        }
        false
    }

    /// From now on reads of the key must show nothing older. Of a register's writes, those that another of them is known to
    /// be newer than need not be kept.
    fn require(&self, must: &mut BTreeMap<u32, Must>, key: u32, write: usize) {
        let must = must.entry(key).or_default();
        if !must.all.insert(write) {
            return;
        }
        if self.models.get(&key) == Some(&Model::Register) {
            let operations = &self.history.operations;
            let replaced = |other: &usize| operations[*other].precedes(&operations[write]);
            must.writes.iter().filter(|other| replaced(other)).for_each(|other| {
                must.all.remove(other);
            });
            must.writes.retain(|other| !replaced(other));
        }
        must.writes.push(write);
    }

    /// What the processes of the writes that are seen had made and seen before.
    fn reveal(&self, seen: &[usize], known: &mut BTreeMap<u32, usize>, must: &mut BTreeMap<u32, Must>, wanted: Wanted) {
        for write in seen {
            let Some((process, at)) = self.place_in.get(write).copied() else { continue };
            let from = known.get(&process).copied().unwrap_or(0);
            let Some(steps) = self.steps.get(&process) else { continue };
            for step in steps.iter().take(at).skip(from) {
                if if step.own { wanted.writes } else { wanted.follow } {
                    self.require(must, step.key, step.write);
                }
            }
            known.insert(process, from.max(at));
        }
    }

    fn misses(&mut self, read: usize, seen: &[usize], must: Option<&Must>) -> bool {
        let Some(must) = must else { return false };
        let operation = &self.history.operations[read];
        match &operation.answer {
            Answer::Elements(elements) => {
                let mut elements = elements.clone();
                elements.sort_unstable();
                let lacks = |value: u32| {
                    elements.binary_search(&value).is_err() && !self.removed.contains(&(operation.key, value))
                };
                must.writes.iter().filter_map(|write| self.history.operations[*write].call.puts()).any(lacks)
            }
            Answer::Number(_) => false,
            // Of a register, or what a compare-and-set replaced.
            Answer::Value(_) | Answer::Nothing => {
                let shown = seen.first().copied().unwrap_or(FIRST);
                let asked = self.asked.entry(operation.key).or_default();
                asked.extend(must.writes.iter().filter(|write| **write != shown).map(|write| (*write, shown)));
                false
            }
        }
    }

    /// Whether the arrows between a key's writes, those asked and what is known of their ages make a circle.
    fn circle(&self, key: u32, places: &[usize], asked: &[(usize, usize)]) -> bool {
        let operations = &self.history.operations;
        let mut writes: Vec<usize> = places
            .iter()
            .copied()
            .filter(|place| operations[*place].call.changes() && operations[*place].outcome != Outcome::Fail)
            .collect();
        let none = Vec::new();
        let arrows = self.arrows.get(&key).unwrap_or(&none);
        let ranked = writes.iter().any(|write| operations[*write].rank > 0);
        // Points of time between the writes: as many as there are writes, before each one's beginning.
        writes.sort_unstable_by_key(|write| if ranked { operations[*write].rank } else { operations[*write].invoked });
        let number: BTreeMap<usize, usize> = writes.iter().enumerate().map(|(i, write)| (*write, i + 1)).collect();
        let of = |write: usize| if write == FIRST { Some(0) } else { number.get(&write).copied() };
        let count = writes.len();
        let point = |i: usize| count + 1 + i;
        let mut after: Vec<Vec<usize>> = vec![Vec::new(); 2 * count + 2];
        after[0].push(point(0));
        for (i, &write) in writes.iter().enumerate() {
            after[point(i)].push(i + 1);
            if i + 1 < count {
                after[point(i)].push(point(i + 1));
            }
            let next = if ranked {
                i + 1
            } else {
                writes.partition_point(|later| operations[*later].invoked < operations[write].ended)
            };
            if next < count {
                after[i + 1].push(point(next));
            }
        }
        for (older, newer) in arrows.iter().chain(asked) {
            // Versions tell all there is to tell.
            let told = ranked && *newer != FIRST && operations[*older].rank == 0;
            if let (Some(older), Some(newer), false) = (of(*older), of(*newer), told) {
                after[older].push(newer);
            }
        }
        has_circle(&after)
    }
}

/// Whether arrows make a circle: what is left when nothing is without an arrow to it (Kahn 1962).
fn has_circle(after: &[Vec<usize>]) -> bool {
    let mut before = vec![0u32; after.len()];
    for to in after.iter().flatten() {
        before[*to] += 1;
    }
    let mut free: Vec<usize> = (0..after.len()).filter(|node| before[*node] == 0).collect();
    let mut done = 0;
    while let Some(node) = free.pop() {
        done += 1;
        for to in &after[node] {
            before[*to] -= 1;
            if before[*to] == 0 {
                free.push(*to);
            }
        }
    }
    done < after.len()
}
