//! Elements that were added several times. A read that shows such an element may have seen any of its additions, or only the
//! initial value.
//!
//! A set shows whether it contains an element, so each result may be explained by one addition of the element, independently of
//! the others: it is consistent if an addition exists such that this read and all later reads of the process contain what the
//! adding process had made or read before. A list that shows fewer occurrences than appends does not show which of them it
//! contains, and no choice is independent: its result is uncertain.

use super::{KnownWrite, SeenWrites, SessionChecker, SessionGuarantees, SessionResult, counts};
use crate::analysis::history::{Model, Output};
use std::collections::BTreeMap;

/// When the reads of a process contain all that some addition of a repeated element requires.
#[derive(Default)]
pub(super) struct RepeatedElements {
    /// By key and element: the place among the operations of the process from which on its reads do, for some addition of the
    /// element; and the same for the additions that require only elements of sets. None for a list.
    sets: BTreeMap<(u32, u32), Option<(usize, usize)>>,
}

impl RepeatedElements {
    /// Returns whether the operation at `at` among those of its process, which shows these repeated elements, keeps the guarantees.
    pub(super) fn check(&self, key: u32, elements: &[u32], at: usize) -> SessionResult {
        let mut result = SessionResult::Kept;
        for element in elements {
            match self.sets.get(&(key, *element)) {
                Some(Some((any, _))) if *any > at => return SessionResult::Violated,
                Some(Some((_, of_sets))) if *of_sets > at => result = SessionResult::Uncertain,
                Some(None) => result = SessionResult::Uncertain,
                Some(Some(_)) | None => {}
            }
        }
        result
    }
}

impl SessionChecker<'_> {
    /// Returns the additions that a read of elements has certainly seen, and the elements of which it has seen only some.
    pub(super) fn seen_additions(&self, key: u32, elements: &[u32]) -> SeenWrites {
        let is_list = self.models.get(&key) == Some(&Model::Append);
        let initial = counts(self.history.initial_of(key).elements.into_iter());
        let mut seen = SeenWrites::default();
        for (element, count) in counts(elements.iter().copied()) {
            let additions = self.writers.get(&(key, element)).map_or(&[][..], Vec::as_slice);
            let added = count.saturating_sub(initial.get(&element).copied().unwrap_or(0));
            match (added, additions.len()) {
                (0, _) | (_, 0) => {}
                (added, all) if all == 1 || (is_list && added >= all) => seen.writes.extend(additions),
                (_, _) => seen.repeated.push(element),
            }
        }
        seen
    }

    /// Returns an addition of each of these elements of a set, which requires the element like any other. Of a list, it could be
    /// counted twice.
    pub(super) fn any_additions(&self, key: u32, elements: &[u32]) -> Vec<usize> {
        if self.models.get(&key) != Some(&Model::Set) {
            return Vec::new();
        }
        elements.iter().filter_map(|element| self.writers.get(&(key, *element))?.first().copied()).collect()
    }

    /// Returns what the additions of repeated elements require of the reads of one process.
    pub(super) fn repeated_elements(&self, own: &[usize], wanted: SessionGuarantees) -> RepeatedElements {
        let mut found = RepeatedElements::default();
        if !wanted.writes && !wanted.follow {
            return found;
        }
        let repeated: Vec<(u32, u32)> = own
            .iter()
            .filter_map(|place| match &self.history.operations[*place].output {
                Output::Elements(elements) => Some((self.history.operations[*place].key, elements)),
                Output::Nothing | Output::Value(_) | Output::Number(_) => None,
            })
            .flat_map(|(key, elements)| {
                self.seen_additions(key, elements).repeated.into_iter().map(move |element| (key, element))
            })
            .collect();
        if repeated.is_empty() {
            return found;
        }
        let required_until = self.required_until(own, wanted);
        for (key, element) in repeated {
            let of_addition = |write: &usize| {
                let (process, at) = self.place_in.get(write)?;
                required_until.get(process)?.get(*at).copied()
            };
            let best = || {
                let additions = self.writers.get(&(key, element))?.iter();
                let all: Vec<(usize, bool)> = additions.map(|write| of_addition(write).unwrap_or_default()).collect();
                let any = all.iter().map(|(from, _)| *from).min()?;
                let of_sets = all.iter().filter(|(_, other)| !other).map(|(from, _)| *from).min();
                Some((any, of_sets.unwrap_or(usize::MAX)))
            };
            let is_set = self.models.get(&key) == Some(&Model::Set);
            found.sets.entry((key, element)).or_insert_with(|| if is_set { best() } else { None });
        }
        found
    }

    /// Returns for each process and each number of its first steps: the place among `own` from which on the reads of sets contain
    /// all elements of these steps, and whether the steps also contain writes of other keys than sets.
    fn required_until(&self, own: &[usize], wanted: SessionGuarantees) -> BTreeMap<u32, Vec<(usize, bool)>> {
        // The reads of each set, and for each element the place after the last one that lacks it.
        let mut reads: BTreeMap<u32, Vec<(usize, &[u32])>> = BTreeMap::new();
        for (at, place) in own.iter().enumerate() {
            let operation = &self.history.operations[*place];
            if let Output::Elements(elements) = &operation.output {
                reads.entry(operation.key).or_default().push((at, elements));
            }
        }
        let mut lacking: BTreeMap<(u32, u32), usize> = BTreeMap::new();
        let mut after_lacking = |step: &KnownWrite| {
            let Some(value) = self.history.operations[step.write].invocation.puts() else { return 0 };
            if self.removed.contains(&(step.key, value)) {
                return 0;
            }
            *lacking.entry((step.key, value)).or_insert_with(|| {
                let of_key = reads.get(&step.key).map_or(&[][..], Vec::as_slice);
                let last = of_key.iter().rev().find(|(_, elements)| !elements.contains(&value));
                last.map_or(0, |(at, _)| at + 1)
            })
        };
        let mut until = BTreeMap::new();
        for (process, steps) in &self.steps {
            let (mut from, mut has_others) = (0, false);
            let mut prefixes = vec![(from, has_others)];
            for step in steps {
                if if step.own { wanted.writes } else { wanted.follow } {
                    if self.models.get(&step.key) == Some(&Model::Set) {
                        from = after_lacking(step).max(from);
                    } else {
                        has_others = true;
                    }
                }
                prefixes.push((from, has_others));
            }
            until.insert(*process, prefixes);
        }
        until
    }
}
