//! Reduction of a violation to few operations.

use super::search::{Order, SearchOperation, SearchResult, search};
use crate::analysis::history::{History, Initial, Invocation, Model, NEVER, Output, ValueId};
use crate::trace::Outcome;

/// Removes operations, in ever smaller parts, as long as the rest is `violated`. The rest keeps the write of each value that it
/// reads, so it is a history itself. The result is minimal: no single operation can be removed. O(n log n) checks if few
/// operations remain.
pub(super) fn minimize(history: &History, places: &[usize], violated: impl Fn(&[usize]) -> bool) -> Vec<usize> {
    let mut kept = places.to_vec();
    let mut part = kept.len().div_ceil(2);
    while part > 0 {
        let mut at = 0;
        while at < kept.len() {
            let without = without_part(history, &kept, at..(at + part).min(kept.len()));
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

/// Returns the operations without a part, but with the writes whose values the rest reads.
fn without_part(history: &History, kept: &[usize], part: std::ops::Range<usize>) -> Vec<usize> {
    let mut read: Vec<(u32, ValueId)> = Vec::new();
    for (i, &place) in kept.iter().enumerate() {
        let operation = &history.operations[place];
        if part.contains(&i) {
            continue;
        }
        // A compare-and-set has read the value that it expected.
        let expected = match operation.invocation {
            Invocation::CompareAndSet { expected, .. } if operation.outcome != Outcome::Fail => Some(expected),
            Invocation::CompareAndSet { .. } | Invocation::Read | Invocation::Write(_) => None,
            Invocation::Increment(_) | Invocation::Add(_) | Invocation::Remove(_) | Invocation::Append(_) => None,
        };
        read.extend(operation.returned().into_iter().chain(expected).map(|value| (operation.key, value)));
    }
    read.sort_unstable();
    read.dedup();
    let stays = |i: usize, place: usize| {
        let operation = &history.operations[place];
        !part.contains(&i)
            || operation.invocation.puts().is_some_and(|value| read.binary_search(&(operation.key, value)).is_ok())
    };
    kept.iter().enumerate().filter(|(i, place)| stays(*i, **place)).map(|(_, place)| *place).collect()
}

/// Maximum number of steps of each search of [`minimize_search`].
const STEPS_PER_SEARCH: u64 = 100_000;

/// Reduces a history that the general search refuted. Reads are removed. Changes become optional, which only allows more orders,
/// and are then removed if no remaining operation needs their value. `stuck` is the position that the search
/// returned, and `steps` limits the steps of all searches.
pub(super) fn minimize_search(
    items: &[SearchOperation],
    model: Model,
    initial: &Initial,
    (order, stuck): (Order, u32),
    steps: u64,
) -> Vec<usize> {
    let mut spent = 0;
    let mut refuted_from = |items: &[SearchOperation], initials: &[Initial]| {
        initials.iter().all(|initial| {
            let mut budget = STEPS_PER_SEARCH.min(steps.saturating_sub(spent));
            let before = budget;
            let found = search(items, model, initial, order, &mut budget);
            spent += before - budget + items.len() as u64;
            matches!(found, SearchResult::NoOrder(_))
        })
    };
    // Look for a refuted part of the history, for any value of the register at the start of that part.
    let mut initials = vec![initial.clone()];
    let mut kept = items.to_vec();
    if (model, order) == (Model::Register, Order::RealTime) {
        let known = until(items, stuck);
        let mut ends: Vec<u32> = known.iter().map(|item| item.ended).filter(|end| *end != NEVER).collect();
        ends.sort_unstable();
        let mut last = 8;
        while last < ends.len() {
            let part = without_unneeded(since(&known, ends[ends.len() - last]));
            let any = possible_initials(&part);
            if refuted_from(&part, &any) {
                (kept, initials) = (part, any);
                break;
            }
            last *= 2;
        }
    }
    let mut refuted = |items: &[SearchOperation]| refuted_from(items, &initials);
    // The history until the end that no order passed is refuted, unless later reads were the reason.
    let cut = without_unneeded(until(items, stuck));
    if order == Order::RealTime && refuted(&cut) {
        kept = cut;
    }
    // Keep only the last operations required, as few as are refuted: optional operations keep searches short.
    let mut by_end = kept.clone();
    by_end.sort_by_key(|item| item.ended);
    let required: Vec<usize> = by_end.iter().filter(|item| item.ended != NEVER).map(|item| item.place).collect();
    let mut last = 16;
    while order == Order::RealTime && last < required.len() {
        let mut early = required[..required.len() - last].to_vec();
        early.sort_unstable();
        let without = relax(&relax(&kept, &early, true), &early, false);
        if refuted(&without) {
            kept = without;
            break;
        }
        last *= 2;
    }
    // Reads first: an optional change stays in the proof while a read needs its value.
    for reads in [true, false] {
        remove_while(&mut kept, reads, &mut refuted);
    }
    kept.iter().map(|item| item.place).collect()
}

/// Relaxes reads, or changes, in ever smaller parts, as long as the rest is refuted.
fn remove_while(kept: &mut Vec<SearchOperation>, reads: bool, refuted: &mut impl FnMut(&[SearchOperation]) -> bool) {
    let left = |kept: &[SearchOperation]| -> Vec<usize> {
        let of_kind = kept.iter().filter(|item| item.ended != NEVER && reads == (item.invocation == Invocation::Read));
        of_kind.map(|item| item.place).collect()
    };
    let mut part = left(kept).len().div_ceil(2);
    while part > 0 {
        let targets = left(kept);
        let mut removed = false;
        for some in targets.chunks(part) {
            let without = relax(kept, some, reads);
            if refuted(&without) {
                *kept = without;
                removed = true;
            }
        }
        // Repeat with single operations until none can be removed.
        part = if part == 1 { usize::from(removed) } else { part.div_ceil(2) };
    }
}

/// Returns the operations that started after an end. Changes that overlap it become optional.
fn since(items: &[SearchOperation], end: u32) -> Vec<SearchOperation> {
    let one = |item: &SearchOperation| match item.invoked > end {
        true => Some(item.clone()),
        false if item.ended <= end || item.invocation == Invocation::Read => None,
        false => Some(SearchOperation { ended: NEVER, process: u32::MAX - item.place as u32, ..item.clone() }),
    };
    items.iter().filter_map(one).collect()
}

/// Returns the initial values of a register that these operations can distinguish.
fn possible_initials(items: &[SearchOperation]) -> Vec<Initial> {
    let mut values: Vec<ValueId> =
        items.iter().filter_map(SearchOperation::needed_value).chain([ValueId::MAX]).collect();
    values.sort_unstable();
    values.dedup();
    values.into_iter().map(|value| Initial { value, ..Initial::default() }).collect()
}

/// Returns the operations without some reads, or with some changes made optional.
fn relax(kept: &[SearchOperation], some: &[usize], reads: bool) -> Vec<SearchOperation> {
    let optional = |item: &SearchOperation| SearchOperation {
        invoked: 0,
        ended: NEVER,
        process: u32::MAX - item.place as u32,
        ..item.clone()
    };
    let one = |item: &SearchOperation| match some.binary_search(&item.place) {
        Err(_) => Some(item.clone()),
        Ok(_) if reads != (item.invocation == Invocation::Read) => Some(item.clone()),
        Ok(_) if reads => None,
        Ok(_) => Some(optional(item)),
    };
    without_unneeded(kept.iter().filter_map(one).collect())
}

/// Removes optional changes whose value no operation needs.
fn without_unneeded(mut items: Vec<SearchOperation>) -> Vec<SearchOperation> {
    let mut values: Vec<ValueId> = Vec::new();
    for item in &items {
        match (item.invocation, &item.output) {
            (Invocation::Read, Output::Value(value)) => values.push(*value),
            (Invocation::Read, Output::Elements(elements)) => values.extend(elements),
            (Invocation::CompareAndSet { expected, .. }, _) => values.push(expected),
            (
                Invocation::Read
                | Invocation::Write(_)
                | Invocation::Increment(_)
                | Invocation::Add(_)
                | Invocation::Remove(_)
                | Invocation::Append(_),
                _,
            ) => {}
        }
    }
    values.sort_unstable();
    items.retain(|item| match item.invocation {
        Invocation::Write(value)
        | Invocation::CompareAndSet { value, .. }
        | Invocation::Add(value)
        | Invocation::Append(value) => item.ended != NEVER || values.binary_search(&value).is_ok(),
        Invocation::Read | Invocation::Increment(_) | Invocation::Remove(_) => true,
    });
    items
}

/// Returns the history as known at an end.
fn until(items: &[SearchOperation], end: u32) -> Vec<SearchOperation> {
    let began = items.iter().filter(|item| item.invoked <= end);
    began
        .filter(|item| item.invocation != Invocation::Read || item.ended <= end)
        .map(|item| if item.ended <= end { item.clone() } else { SearchOperation { ended: NEVER, ..item.clone() } })
        .collect()
}
