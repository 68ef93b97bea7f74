//! Session guarantees (Terry et al. 1994), as far as clients can observe them.
//!
//! Registers whose writes all differ: a guarantee requires that the result of a read is no older than certain writes. If the
//! history has versions, they order the writes of a key. Then the last two guarantees also require that a write is newer than
//! the writes that its process had made (monotonic writes) or read (writes follow reads) before. Without versions, a write is
//! assumed to be newer than these. Real time orders no writes: a server may apply them in another order than that of their
//! acknowledgements. These facts, and the requirements of one process's reads, are edges between the writes of a key. The
//! process satisfies the guarantees if and only if the edges form no cycle. Two processes may see writes of unknown order in
//! either order. A compare-and-set has read the write that it replaced. O(n log n) for n operations, times the number of
//! processes for the last two guarantees.
//!
//! Sets without removals, and lists: a read must contain the required elements; a list as often as they were appended. If an element
//! was added several times, a read that shows it may have seen any of these additions: see [`repeated`].

mod repeated;

use crate::analysis::history::{History, Invocation, Model, Output};
use crate::trace::Outcome;
use std::collections::{BTreeMap, BTreeSet};

/// The session guarantees to check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SessionGuarantees {
    /// Read your writes.
    pub own_writes: bool,
    /// Monotonic reads.
    pub reads: bool,
    /// Monotonic writes: a process that sees a write sees the earlier writes of the writing process.
    pub writes: bool,
    /// Writes follow reads: a process that sees a write sees the writes that the writing process had seen before.
    pub follow: bool,
}

/// The write of a key's initial value.
const INITIAL: usize = usize::MAX;

/// A write that a process made or saw.
#[derive(Clone, Copy)]
struct KnownWrite {
    key: u32,
    write: usize,
    /// Whether the process made it.
    own: bool,
}

struct SessionChecker<'a> {
    history: &'a History,
    models: BTreeMap<u32, Model>,
    /// The writes of each value, by key and value. Those of a register differ.
    writers: BTreeMap<(u32, u32), Vec<usize>>,
    removed: BTreeSet<(u32, u32)>,
    /// The writes that each process made and saw, in order.
    steps: BTreeMap<u32, Vec<KnownWrite>>,
    /// The process that made each write, and the position of the write in the steps of this process.
    place_in: BTreeMap<usize, (u32, usize)>,
    /// Edges from the writes that a process had made or read to its next write, by key. They count where no versions do.
    causes: BTreeMap<u32, Vec<(usize, usize)>>,
    /// Edges that the reads of one process require, by key.
    required: BTreeMap<u32, Vec<(usize, usize)>>,
    /// Whether a read may violate the guarantees, because it shows an element that was added several times.
    is_uncertain: bool,
}

/// The writes that a read returned, or that a compare-and-set replaced.
#[derive(Default)]
struct SeenWrites {
    /// Those that are certain.
    writes: Vec<usize>,
    /// The elements of which only some additions are in the result, and it does not show which.
    repeated: Vec<u32>,
}

/// Whether operations keep session guarantees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SessionResult {
    Kept,
    Violated,
    /// It depends on which of several additions of an element a read has seen.
    Uncertain,
}

/// The writes that later reads of a key must reflect.
#[derive(Default)]
struct Requirements {
    /// The writes, in the order in which they were added.
    writes: Vec<usize>,
    /// The same writes as a set.
    all: BTreeSet<usize>,
    /// How often each element must be shown at least, because an earlier read showed it.
    shown: BTreeMap<u32, usize>,
}

/// Returns the operations at these places by process.
fn by_process(history: &History, places: &[usize]) -> BTreeMap<u32, Vec<usize>> {
    let mut processes: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for &place in places {
        processes.entry(history.operations[place].process).or_default().push(place);
    }
    processes
}

/// Returns whether versions alone show that the operations at these places violate the guarantees: they put a write before one
/// that its process had made or read earlier.
pub(super) fn is_order_violated(history: &History, places: &[usize], wanted: SessionGuarantees) -> bool {
    let (checker, _) = SessionChecker::new(history, places);
    by_process(history, places).values().any(|own| checker.orders_wrongly(own, wanted))
}

/// Returns whether the operations at these places certainly violate the guarantees.
pub(super) fn is_violated(history: &History, places: &[usize], wanted: SessionGuarantees) -> bool {
    check(history, places, wanted) == SessionResult::Violated
}

/// Returns whether the operations at these places keep the guarantees.
pub(super) fn check(history: &History, places: &[usize], wanted: SessionGuarantees) -> SessionResult {
    let (mut checker, keys) = SessionChecker::new(history, places);
    match (checker.find_violation(&by_process(history, places), &keys, wanted), checker.is_uncertain) {
        (true, _) => SessionResult::Violated,
        (false, true) => SessionResult::Uncertain,
        (false, false) => SessionResult::Kept,
    }
}

impl<'a> SessionChecker<'a> {
    /// Returns a checker without the operations of processes, and the operations by key.
    fn new(history: &'a History, places: &[usize]) -> (Self, BTreeMap<u32, Vec<usize>>) {
        let mut checker = SessionChecker {
            history,
            models: BTreeMap::new(),
            writers: BTreeMap::new(),
            removed: BTreeSet::new(),
            steps: BTreeMap::new(),
            place_in: BTreeMap::new(),
            causes: BTreeMap::new(),
            required: BTreeMap::new(),
            is_uncertain: false,
        };
        let mut keys: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for &place in places {
            let operation = &history.operations[place];
            keys.entry(operation.key).or_default().push(place);
            match operation.invocation {
                Invocation::Write(value)
                | Invocation::CompareAndSet { value, .. }
                | Invocation::Add(value)
                | Invocation::Append(value) => {
                    if operation.outcome != Outcome::Fail {
                        checker.writers.entry((operation.key, value)).or_default().push(place);
                    }
                }
                Invocation::Remove(value) => {
                    checker.removed.insert((operation.key, value));
                }
                Invocation::Read | Invocation::Increment(_) => {}
            }
        }
        for (key, places) in keys.iter() {
            checker.models.insert(*key, history.model_of(places).unwrap_or(Model::Register));
        }
        (checker, keys)
    }

    /// Returns whether the operations violate the guarantees, which are given by process and by key.
    fn find_violation(
        &mut self,
        processes: &BTreeMap<u32, Vec<usize>>,
        keys: &BTreeMap<u32, Vec<usize>>,
        wanted: SessionGuarantees,
    ) -> bool {
        for (process, own) in processes {
            if self.orders_wrongly(own, wanted) {
                return true;
            }
            self.add_process(*process, own);
        }
        // Without versions, a write is newer than those that its process had seen, unless this order has a cycle.
        if wanted.follow && keys.iter().any(|(key, places)| self.is_violated(*key, places, &[])) {
            return true;
        }
        // If the edges of all processes together form no cycle, which is common, those of no process do.
        let mut together: BTreeMap<u32, Vec<(usize, usize)>> = BTreeMap::new();
        let mut edges_of_processes = Vec::new();
        for own in processes.values() {
            if self.violates(own, wanted) {
                return true;
            }
            let required = std::mem::take(&mut self.required);
            required.iter().for_each(|(key, edges)| together.entry(*key).or_default().extend(edges));
            edges_of_processes.push(required);
        }
        together.iter().any(|(key, all)| {
            let is_violated = |required: &[(usize, usize)]| self.is_violated(*key, &keys[key], required);
            let of_key = || edges_of_processes.iter().filter_map(|required| required.get(key));
            is_violated(all) && !is_violated(&[]) && of_key().any(|required| is_violated(required))
        })
    }

    /// Returns the writes that a read returned, or that a compare-and-set replaced.
    fn seen_writes(&self, place: usize) -> SeenWrites {
        let operation = &self.history.operations[place];
        let writer = |value: &u32| self.writers.get(&(operation.key, *value)).and_then(|all| all.last()).copied();
        let of_value = |value: &u32| SeenWrites { writes: writer(value).into_iter().collect(), repeated: Vec::new() };
        if let Invocation::CompareAndSet { expected, .. } = operation.invocation {
            return of_value(&expected);
        }
        match &operation.output {
            Output::Value(value) => of_value(value),
            Output::Elements(elements) => self.seen_additions(operation.key, elements),
            Output::Nothing | Output::Number(_) => SeenWrites::default(),
        }
    }

    /// Returns whether versions put a write of a process before one that the process had made or read earlier.
    fn orders_wrongly(&self, own: &[usize], wanted: SessionGuarantees) -> bool {
        // For each key, the highest rank of the writes that the process had made, and of those that it had read.
        let mut newest: BTreeMap<u32, (u32, u32)> = BTreeMap::new();
        own.iter().any(|&place| {
            let operation = &self.history.operations[place];
            if operation.invocation.changes() && operation.outcome == Outcome::Fail {
                return false;
            }
            let (made, read) = newest.entry(operation.key).or_default();
            for write in self.seen_writes(place).writes {
                *read = self.history.operations[write].rank.first.max(*read);
            }
            let rank = operation.rank;
            let is_older = (wanted.writes && rank.last < *made) || (wanted.follow && rank.last < *read);
            *made = rank.first.max(*made);
            rank.is_known() && is_older
        })
    }

    fn add_process(&mut self, process: u32, own: &[usize]) {
        let mut steps = Vec::new();
        // For each key the last own write, and the writes read since.
        let mut before: BTreeMap<u32, BTreeSet<usize>> = BTreeMap::new();
        for &place in own {
            let operation = &self.history.operations[place];
            let known = before.entry(operation.key).or_default();
            if operation.invocation.changes() {
                if operation.outcome != Outcome::Fail {
                    for write in self.seen_writes(place).writes {
                        known.insert(write);
                        steps.push(KnownWrite { key: operation.key, write, own: false });
                    }
                    let causes = std::mem::replace(known, BTreeSet::from([place])).into_iter();
                    let edges = causes.filter(|cause| *cause != place).map(|cause| (cause, place));
                    self.causes.entry(operation.key).or_default().extend(edges);
                    self.place_in.insert(place, (process, steps.len()));
                    steps.push(KnownWrite { key: operation.key, write: place, own: true });
                }
            } else {
                let seen = self.seen_writes(place);
                if let (Output::Value(_), [write]) = (&operation.output, seen.writes.as_slice()) {
                    known.insert(*write);
                }
                let any = self.any_additions(operation.key, &seen.repeated);
                let writes = seen.writes.into_iter().chain(any);
                steps.extend(writes.map(|write| KnownWrite { key: operation.key, write, own: false }));
            }
        }
        self.steps.insert(process, steps);
    }

    /// Collects the requirements of one process's reads, and adds edges to `required` for registers. Returns whether a read of a
    /// set or list misses a required element.
    fn violates(&mut self, own: &[usize], wanted: SessionGuarantees) -> bool {
        let mut requirements: BTreeMap<u32, Requirements> = BTreeMap::new();
        let mut known: BTreeMap<u32, usize> = BTreeMap::new();
        let repeated = self.repeated_elements(own, wanted);
        for (at, &place) in own.iter().enumerate() {
            let operation = &self.history.operations[place];
            let replaces =
                matches!(operation.invocation, Invocation::CompareAndSet { .. }) && operation.outcome != Outcome::Fail;
            if operation.output == Output::Nothing && !replaces {
                if wanted.own_writes && operation.acknowledged() {
                    self.require(&mut requirements, operation.key, place);
                }
                continue;
            }
            let SeenWrites { writes: seen, repeated: elements } = self.seen_writes(place);
            match repeated.check(operation.key, &elements, at) {
                SessionResult::Kept => {}
                SessionResult::Violated => return true,
                SessionResult::Uncertain => self.is_uncertain = true,
            }
            if wanted.writes || wanted.follow {
                // A read of several elements sees all of them at once.
                let at_once = matches!(operation.output, Output::Elements(_));
                if at_once {
                    self.add_implied(&seen, &mut known, &mut requirements, wanted);
                }
                if self.misses(place, &seen, requirements.get(&operation.key)) {
                    return true;
                }
                if !at_once {
                    self.add_implied(&seen, &mut known, &mut requirements, wanted);
                }
            } else if self.misses(place, &seen, requirements.get(&operation.key)) {
                return true;
            }
            if let (Output::Elements(elements), true) = (&operation.output, wanted.reads) {
                requirements.entry(operation.key).or_default().require_shown(elements);
            } else if wanted.reads {
                seen.iter().for_each(|write| self.require(&mut requirements, operation.key, *write));
            }
            if wanted.own_writes && operation.acknowledged() {
                self.require(&mut requirements, operation.key, place);
            }
        }
        false
    }

    /// Adds a write that later reads of the key must reflect. For a register, it replaces required writes that are older.
    fn require(&self, requirements: &mut BTreeMap<u32, Requirements>, key: u32, write: usize) {
        let requirements = requirements.entry(key).or_default();
        if !requirements.all.insert(write) {
            return;
        }
        if self.models.get(&key) == Some(&Model::Register) {
            let operations = &self.history.operations;
            // Without versions, only the order of the writes of one process is known.
            let replaced = |other: &usize| {
                let (other, write) = (&operations[*other], &operations[write]);
                match other.rank.is_known() || write.rank.is_known() {
                    true => other.rank.precedes(write.rank),
                    false => other.process == write.process && other.precedes(write),
                }
            };
            requirements.writes.iter().filter(|other| replaced(other)).for_each(|other| {
                requirements.all.remove(other);
            });
            requirements.writes.retain(|other| !replaced(other));
        }
        requirements.writes.push(write);
    }

    /// Adds the requirements that follow from seeing writes: the earlier writes that their processes made or saw.
    fn add_implied(
        &self,
        seen: &[usize],
        known: &mut BTreeMap<u32, usize>,
        requirements: &mut BTreeMap<u32, Requirements>,
        wanted: SessionGuarantees,
    ) {
        for write in seen {
            let Some((process, at)) = self.place_in.get(write).copied() else { continue };
            let from = known.get(&process).copied().unwrap_or(0);
            let Some(steps) = self.steps.get(&process) else { continue };
            for step in steps.iter().take(at).skip(from) {
                if if step.own { wanted.writes } else { wanted.follow } {
                    self.require(requirements, step.key, step.write);
                }
            }
            known.insert(process, from.max(at));
        }
    }

    /// Returns whether a read of a set or list misses a required element. For a register, adds edges to `required` instead.
    fn misses(&mut self, read: usize, seen: &[usize], requirements: Option<&Requirements>) -> bool {
        let Some(requirements) = requirements else { return false };
        let operation = &self.history.operations[read];
        match &operation.output {
            Output::Elements(elements) => {
                let is_list = self.models.get(&operation.key) == Some(&Model::Append);
                let mut least = requirements.shown.clone();
                let writes = requirements.writes.iter();
                let required = writes.filter_map(|write| self.history.operations[*write].invocation.puts());
                for (value, count) in counts(required) {
                    let least = least.entry(value).or_default();
                    *least = (*least).max(if is_list { count } else { 1 });
                }
                let shown = counts(elements.iter().copied());
                least.into_iter().any(|(value, least)| {
                    let is_missing = shown.get(&value).is_none_or(|count| *count < least);
                    is_missing && !self.removed.contains(&(operation.key, value))
                })
            }
            Output::Number(_) => false,
            // A read of a register, or a compare-and-set.
            Output::Value(_) | Output::Nothing => {
                let shown = seen.first().copied().unwrap_or(INITIAL);
                let required = self.required.entry(operation.key).or_default();
                required
                    .extend(requirements.writes.iter().filter(|write| **write != shown).map(|write| (*write, shown)));
                false
            }
        }
    }

    /// Returns whether the edges `required` contradict the order of a key's writes.
    fn is_violated(&self, key: u32, places: &[usize], required: &[(usize, usize)]) -> bool {
        let operations = &self.history.operations;
        let is_write =
            |place: &usize| operations[*place].invocation.changes() && operations[*place].outcome != Outcome::Fail;
        let writes: Vec<usize> = places.iter().copied().filter(is_write).collect();
        let is_ordered = writes.iter().any(|write| operations[*write].rank.is_known());
        let is_repeated = || writes.iter().any(|write| operations[*write].rank.is_repeated());
        // The versions of a write that was executed more than once do not show which execution a read has seen.
        let is_cyclic = || self.has_cycle(key, &writes, required);
        // Versions order all writes that have one. Of another, only the initial value is known to be older.
        let is_misordered = |(older, newer): &(usize, usize)| {
            *newer == INITIAL || operations[*newer].rank.precedes(operations[*older].rank)
        };
        match is_ordered {
            true => required.iter().any(is_misordered) || (is_repeated() && is_cyclic()),
            false => is_cyclic(),
        }
    }

    /// Returns whether the edges between a key's writes without versions, with `required`, form a cycle.
    fn has_cycle(&self, key: u32, writes: &[usize], required: &[(usize, usize)]) -> bool {
        let number: BTreeMap<usize, usize> = writes.iter().enumerate().map(|(i, write)| (*write, i + 1)).collect();
        let of = |write: usize| if write == INITIAL { Some(0) } else { number.get(&write).copied() };
        let count = writes.len();
        let mut after: Vec<Vec<usize>> = vec![Vec::new(); count + 1];
        after[0].extend(1..=count);
        for (older, newer) in self.causes.get(&key).into_iter().flatten().chain(required) {
            if let (Some(older), Some(newer)) = (of(*older), of(*newer)) {
                after[older].push(newer);
            }
        }
        is_cyclic(&after)
    }
}

impl Requirements {
    /// Requires that later reads show these elements as often.
    fn require_shown(&mut self, elements: &[u32]) {
        for (value, count) in counts(elements.iter().copied()) {
            let least = self.shown.entry(value).or_default();
            *least = count.max(*least);
        }
    }
}

/// Returns how often each value occurs.
fn counts(values: impl Iterator<Item = u32>) -> BTreeMap<u32, usize> {
    let mut counts = BTreeMap::new();
    values.for_each(|value| *counts.entry(value).or_default() += 1);
    counts
}

/// Returns whether a graph has a cycle, by topological sorting (Kahn 1962).
fn is_cyclic(after: &[Vec<usize>]) -> bool {
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
