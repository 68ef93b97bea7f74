//! The fewest operations that still prove a violation.

use super::search::{Found, Item, Order, search};
use crate::analysis::history::{Answer, Call, History, Initial, Model, NEVER, ValueId};

/// Leaves out operations, in parts that get smaller, as long as what is left is `violated`. What is left holds the write of
/// each register's value that it reads, so it is a history of its own. The fewest in the sense that none of them can go; O(n log n)
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
    }
    read.sort_unstable();
    read.dedup();
    let stays = |i: usize, place: usize| {
        let operation = &history.operations[place];
        !part.contains(&i)
            || operation.call.puts().is_some_and(|value| read.binary_search(&(operation.key, value)).is_ok())
    };
    kept.iter().enumerate().filter(|(i, place)| stays(*i, **place)).map(|(_, place)| *place).collect()
}

/// How many steps each question of [`fewest_of_search`] may take, and all of them together.
const EACH: u64 = 100_000;
const TOGETHER: u64 = 10_000_000;

/// The same for the general search, where a change that is left out might have taken effect: reads are left out, changes
/// become free to take effect at any time or never, which only makes more orders possible, and are left out if nobody that
/// is left wants their value. `stuck` is what the search answered.
pub(super) fn fewest_of_search(
    items: &[Item],
    model: Model,
    initial: &Initial,
    order: Order,
    stuck: u32,
) -> Vec<usize> {
    let mut spent = 0;
    let mut refuted_from = |items: &[Item], initials: &[Initial]| {
        initials.iter().all(|initial| {
            let mut budget = EACH.min(TOGETHER.saturating_sub(spent));
            let before = budget;
            let found = search(items, model, initial, order, &mut budget);
            spent += before - budget + items.len() as u64;
            matches!(found, Found::Nothing(_))
        })
    };
    // A part of the history that nothing explains, whatever the register held when it began.
    let mut initials = vec![initial.clone()];
    let mut kept = items.to_vec();
    if (model, order) == (Model::Register, Order::RealTime) {
        let known = until(items, stuck);
        let mut ends: Vec<u32> = known.iter().map(|item| item.ended).filter(|end| *end != NEVER).collect();
        ends.sort_unstable();
        let mut last = 8;
        while last < ends.len() {
            let part = wanted(since(&known, ends[ends.len() - last]));
            let any = anything(&part);
            if refuted_from(&part, &any) {
                (kept, initials) = (part, any);
                break;
            }
            last *= 2;
        }
    }
    let mut refuted = |items: &[Item]| refuted_from(items, &initials);
    // What was known at the end that no order got past is refuted, unless it was later reads that forbade to pass.
    let cut = wanted(until(items, stuck));
    if order == Order::RealTime && refuted(&cut) {
        kept = cut;
    }
    // Of that the last few, as few as are refuted: what is free makes a search short.
    let mut by_end = kept.clone();
    by_end.sort_by_key(|item| item.ended);
    let required: Vec<usize> = by_end.iter().filter(|item| item.ended != NEVER).map(|item| item.place).collect();
    let mut last = 16;
    while order == Order::RealTime && last < required.len() {
        let mut early = required[..required.len() - last].to_vec();
        early.sort_unstable();
        let without = less(&less(&kept, &early, true), &early, false);
        if refuted(&without) {
            kept = without;
            break;
        }
        last *= 2;
    }
    // Reads first: what is free still stands in the proof where its value is wanted.
    for reads in [true, false] {
        let left = |kept: &[Item]| -> Vec<usize> {
            let of_kind = kept.iter().filter(|item| item.ended != NEVER && reads == (item.call == Call::Read));
            of_kind.map(|item| item.place).collect()
        };
        let mut part = left(&kept).len().div_ceil(2);
        while part > 0 {
            let targets = left(&kept);
            let mut gone = false;
            for some in targets.chunks(part) {
                let without = less(&kept, some, reads);
                if refuted(&without) {
                    kept = without;
                    gone = true;
                }
            }
            // One by one until nothing more goes.
            part = if part == 1 { usize::from(gone) } else { part.div_ceil(2) };
        }
    }
    kept.iter().map(|item| item.place).collect()
}

/// What began after an end; a change that was under way then is free.
fn since(items: &[Item], end: u32) -> Vec<Item> {
    let one = |item: &Item| match item.invoked > end {
        true => Some(item.clone()),
        false if item.ended <= end || item.call == Call::Read => None,
        false => Some(Item { ended: NEVER, process: u32::MAX - item.place as u32, ..item.clone() }),
    };
    items.iter().filter_map(one).collect()
}

/// All that a register may have held before these operations, as far as they can tell it apart.
fn anything(items: &[Item]) -> Vec<Initial> {
    let told = |item: &Item| match (item.call, &item.answer) {
        (Call::Read, Answer::Value(value)) => Some(*value),
        (Call::CompareAndSet { expected, .. }, _) => Some(expected),
        (Call::Read | Call::Write(_) | Call::Increment(_) | Call::Add(_) | Call::Remove(_) | Call::Append(_), _) => {
            None
        }
    };
    let mut values: Vec<ValueId> = items.iter().filter_map(told).chain([ValueId::MAX]).collect();
    values.sort_unstable();
    values.dedup();
    values.into_iter().map(|value| Initial { value, ..Initial::default() }).collect()
}

/// Without some reads, or with some changes free.
fn less(kept: &[Item], some: &[usize], reads: bool) -> Vec<Item> {
    let free = |item: &Item| Item { invoked: 0, ended: NEVER, process: u32::MAX - item.place as u32, ..item.clone() };
    let one = |item: &Item| match some.binary_search(&item.place) {
        Err(_) => Some(item.clone()),
        Ok(_) if reads != (item.call == Call::Read) => Some(item.clone()),
        Ok(_) if reads => None,
        Ok(_) => Some(free(item)),
    };
    wanted(kept.iter().filter_map(one).collect())
}

/// Without free changes whose value nobody wants.
fn wanted(mut items: Vec<Item>) -> Vec<Item> {
    let mut values: Vec<ValueId> = Vec::new();
    for item in &items {
        match (item.call, &item.answer) {
            (Call::Read, Answer::Value(value)) => values.push(*value),
            (Call::Read, Answer::Elements(elements)) => values.extend(elements),
            (Call::CompareAndSet { expected, .. }, _) => values.push(expected),
            (
                Call::Read | Call::Write(_) | Call::Increment(_) | Call::Add(_) | Call::Remove(_) | Call::Append(_),
                _,
            ) => {}
        }
    }
    values.sort_unstable();
    items.retain(|item| match item.call {
        Call::Write(value) | Call::CompareAndSet { value, .. } | Call::Add(value) | Call::Append(value) => {
            item.ended != NEVER || values.binary_search(&value).is_ok()
        }
        Call::Read | Call::Increment(_) | Call::Remove(_) => true,
    });
    items
}

/// The history as it was known at an end.
fn until(items: &[Item], end: u32) -> Vec<Item> {
    let began = items.iter().filter(|item| item.invoked <= end);
    began
        .filter(|item| item.call != Call::Read || item.ended <= end)
        .map(|item| if item.ended <= end { item.clone() } else { Item { ended: NEVER, ..item.clone() } })
        .collect()
}
