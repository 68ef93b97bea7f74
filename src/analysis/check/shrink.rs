//! The fewest operations that still prove a violation.

use super::search::{Found, Item, Order, search};
use crate::analysis::history::{Call, History, Initial, Model, NEVER, ValueId};

/// Leaves out operations, in parts that get smaller, as long as what is left is `violated`. What is left holds the write of
/// each value that it reads, so it is a history of its own. The fewest in the sense that none of them can go; O(n log n)
/// questions where few remain.
pub(super) fn fewest(history: &History, places: &[usize], violated: impl Fn(&[usize]) -> bool) -> Vec<usize> {
    let mut kept = places.to_vec();
    let mut part = kept.len().div_ceil(2);
    while part > 0 {
        let mut at = 0;
        while at < kept.len() {
            let without = closed(history, &kept, at..(at + part).min(kept.len()));
            if without.len() < kept.len() && violated(&without) {
                kept = without;
            } else {
                at += part;
            }
        }
        part = if part == 1 { 0 } else { part.div_ceil(2) };
    }
    kept
}

/// What is left without a part, but for writes that the rest reads.
fn closed(history: &History, kept: &[usize], part: std::ops::Range<usize>) -> Vec<usize> {
    let mut read: Vec<(u32, ValueId)> = Vec::new();
    for (i, &place) in kept.iter().enumerate() {
        let operation = &history.operations[place];
        if part.contains(&i) || operation.call.changes() {
            continue;
        }
        read.extend(operation.returned().map(|value| (operation.key, value)));
        if let crate::analysis::history::Answer::Elements(elements) = &operation.answer {
            read.extend(elements.iter().map(|value| (operation.key, *value)));
        }
    }
    read.sort_unstable();
    read.dedup();
    let says = |call: Call| match call {
        Call::Write(value) | Call::CompareAndSet { value, .. } | Call::Add(value) | Call::Append(value) => Some(value),
        Call::Read | Call::Increment(_) | Call::Remove(_) => None,
    };
    let stays = |i: usize, place: usize| {
        let operation = &history.operations[place];
        !part.contains(&i)
            || says(operation.call).is_some_and(|value| read.binary_search(&(operation.key, value)).is_ok())
    };
    kept.iter().enumerate().filter(|(i, place)| stays(*i, **place)).map(|(_, place)| *place).collect()
}

/// How many steps each question of [`fewest_of_search`] may take, and all of them together.
const EACH: u64 = 100_000;
const TOGETHER: u64 = 5_000_000;

/// The same for the general search, where a change that is left out might have taken effect: reads are left out, changes
/// become free to take effect at any time or never, which only makes more orders possible. In the end those are left out
/// too whose value nobody that is left wants.
pub(super) fn fewest_of_search(items: &[Item], model: Model, initial: &Initial, order: Order) -> Vec<usize> {
    let mut spent = 0;
    let mut refuted = |items: &[Item]| {
        let mut budget = EACH.min(TOGETHER.saturating_sub(spent));
        let before = budget;
        let found = search(items, model, initial, order, &mut budget);
        spent += before - budget + 1;
        found == Found::Nothing
    };
    let mut kept = items.to_vec();
    if order == Order::RealTime {
        // What had been seen by some end is refuted by every later one too.
        let mut ends: Vec<u32> = kept.iter().map(|item| item.ended).filter(|end| *end != NEVER).collect();
        ends.sort_unstable();
        let first = ends.partition_point(|end| !refuted(&until(&kept, *end)));
        if let Some(end) = ends.get(first) {
            kept = until(&kept, *end);
        }
    }
    // Reads first: what is free still stands in the proof where its value is wanted.
    for reads in [true, false] {
        let mut part = kept.len().div_ceil(2);
        while part > 0 {
            let mut at = 0;
            while at < kept.len() {
                let end = (at + part).min(kept.len());
                let without = less(&kept, at..end, reads);
                let gone = kept.len() - without.len();
                if without != kept && refuted(&without) {
                    kept = without;
                    at = end - gone;
                } else {
                    at = end;
                }
            }
            part = if part == 1 { 0 } else { part.div_ceil(2) };
        }
    }
    // Free changes that the proof can do without.
    let mut at = 0;
    while at < kept.len() {
        let free = kept[at].ended == NEVER;
        let wanted = kept.iter().any(|item| item.ended != NEVER && wants(item, kept[at].call));
        if free && !wanted {
            kept.remove(at);
        } else {
            at += 1;
        }
    }
    kept.iter().map(|item| item.place).collect()
}

/// Without a part's reads, or with its changes free.
fn less(kept: &[Item], part: std::ops::Range<usize>, reads: bool) -> Vec<Item> {
    let free = |item: &Item| Item { invoked: 0, ended: NEVER, process: u32::MAX - item.place as u32, ..item.clone() };
    let one = |(i, item): (usize, &Item)| match part.contains(&i) && reads == (item.call == Call::Read) {
        false => Some(item.clone()),
        true if reads => None,
        true => Some(free(item)),
    };
    kept.iter().enumerate().filter_map(one).collect()
}

/// Whether an operation is about what a change leaves.
fn wants(item: &Item, change: Call) -> bool {
    use crate::analysis::history::Answer;
    let value = match change {
        Call::Write(value) | Call::CompareAndSet { value, .. } | Call::Add(value) | Call::Append(value) => value,
        Call::Remove(_) | Call::Increment(_) => return true,
        Call::Read => return false,
    };
    match (item.call, &item.answer) {
        (Call::Read, Answer::Value(it)) => *it == value,
        (Call::Read, Answer::Elements(elements)) => elements.contains(&value),
        (Call::CompareAndSet { expected, .. }, _) => expected == value,
        (Call::Read | Call::Write(_) | Call::Increment(_) | Call::Add(_) | Call::Remove(_) | Call::Append(_), _) => {
            false
        }
    }
}

/// The history as it was known at an end.
fn until(items: &[Item], end: u32) -> Vec<Item> {
    let began = items.iter().filter(|item| item.invoked <= end);
    began
        .filter(|item| item.call != Call::Read || item.ended <= end)
        .map(|item| if item.ended <= end { item.clone() } else { Item { ended: NEVER, ..item.clone() } })
        .collect()
}
