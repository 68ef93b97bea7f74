//! Bounds on the age of a read's result, and lost updates.

use super::explanations;
use super::verdict::{Verdict, Witness};
use crate::analysis::history::{History, Invocation, Model, Output, ValueId};
use crate::language::{phrase, sentence};
use crate::trace::Outcome;
use std::collections::BTreeMap;

/// Returns the changes that may have written each value of a register; `None` for the initial value.
fn sources(history: &History, places: &[usize]) -> BTreeMap<ValueId, Vec<Option<usize>>> {
    let mut found: BTreeMap<ValueId, Vec<Option<usize>>> = BTreeMap::new();
    if let Some(&first) = places.first() {
        found.entry(history.initial_of(history.operations[first].key).value).or_default().push(None);
    }
    for &place in places {
        let operation = &history.operations[place];
        if let (Some(value), true) = (operation.invocation.leaves(), operation.outcome != Outcome::Fail) {
            found.entry(value).or_default().push(Some(place));
        }
    }
    found
}

/// Returns the changes acknowledged before a read was invoked that are newer than the change it returned.
fn newer(history: &History, acknowledged: &[usize], read: usize, source: Option<usize>) -> Vec<usize> {
    let operations = &history.operations;
    let before = acknowledged.partition_point(|place| operations[*place].precedes(&operations[read]));
    let is_newer = |place: usize| match source {
        None => true,
        Some(source) if operations[source].rank.is_known() && operations[place].rank.is_known() => {
            operations[source].rank.precedes(operations[place].rank)
        }
        Some(source) => operations[source].precedes(&operations[place]),
    };
    acknowledged[..before].iter().copied().filter(|place| is_newer(*place)).collect()
}

/// Returns the acknowledged changes of a key, by their ends.
fn acknowledged(history: &History, places: &[usize]) -> Vec<usize> {
    let operations = &history.operations;
    let mut all: Vec<usize> = places.iter().copied().filter(|place| operations[*place].acknowledged()).collect();
    history.sort_by_end(&mut all);
    all
}

/// Checks a regular register (Lamport 1986; for several writers the weak definition of Shao, Pierce and Welch 2003): a read
/// returns the value of a write that did not start after the read, and after which no other write started and was
/// acknowledged before the read was invoked. O(n log n) if the values differ.
pub(super) fn regular(history: &History, places: &[usize]) -> Option<Witness> {
    let operations = &history.operations;
    let sources = sources(history, places);
    let acknowledged = acknowledged(history, places);
    // For each acknowledged change, the latest start among it and those that ended before.
    let mut latest: Vec<usize> = Vec::with_capacity(acknowledged.len());
    for &place in &acknowledged {
        let best = latest.last().copied().filter(|best| operations[*best].invoked > operations[place].invoked);
        latest.push(best.unwrap_or(place));
    }
    for &read in places {
        let Some(value) = operations[read].returned() else { continue };
        let Some(candidates) = sources.get(&value) else {
            return Some(Witness { sentence: explanations::never_written(history, read), operations: vec![read] });
        };
        let before = acknowledged.partition_point(|place| operations[*place].precedes(&operations[read]));
        let last = before.checked_sub(1).map(|at| latest[at]);
        let fits = |source: &Option<usize>| match (source, last) {
            (None, None) => true,
            (None, Some(_)) => false,
            (Some(source), _) if operations[read].precedes(&operations[*source]) => false,
            (Some(_), None) => true,
            (Some(source), Some(last)) => !operations[*source].precedes(&operations[last]),
        };
        if candidates.iter().any(fits) {
            continue;
        }
        // The last candidate that started before the read ended; otherwise the initial value, or the next one.
        let has_started = |write: &&usize| !operations[read].precedes(&operations[**write]);
        let nearest = candidates.iter().flatten().rfind(has_started);
        let next = candidates.iter().flatten().next().filter(|_| !candidates.contains(&None));
        let nearest = nearest.or(next);
        return Some(match (nearest, last) {
            (Some(&write), _) if operations[read].precedes(&operations[write]) => Witness {
                sentence: explanations::before_its_write(history, read, write),
                operations: vec![read, write],
            },
            (Some(&write), Some(last)) => Witness {
                sentence: explanations::replaced(history, write, last, read),
                operations: vec![write, last, read],
            },
            (None, Some(last)) => {
                Witness { sentence: explanations::never_saw(history, last, read), operations: vec![last, read] }
            }
            (_, None) => Witness { sentence: explanations::never_written(history, read), operations: vec![read] },
        });
    }
    None
}

/// Checks bounded staleness: the result of a read is missing at most `versions` changes that were acknowledged before the
/// read was invoked, none of them for more than `us` µs. Versions order two changes, if the history has them; otherwise a
/// change is newer if it started after the other was acknowledged. O(n) for each read.
pub(super) fn stale(
    history: &History,
    places: &[usize],
    model: Model,
    versions: Option<u32>,
    us: Option<i64>,
) -> Result<Option<Witness>, String> {
    let operations = &history.operations;
    if us.is_some() && places.iter().any(|place| operations[*place].times.is_none()) {
        return Err(phrase(
            "the history has no times of its operations (`time`)",
            "der Historie fehlen die Zeiten ihrer Operationen (`time`)",
        )
        .into());
    }
    if model == Model::Counter {
        return Err(phrase(
            "the value of a counter does not show which increments it contains",
            "der Wert eines Zählers zeigt nicht, welche Erhöhungen er enthält",
        )
        .into());
    }
    let sources = sources(history, places);
    let acknowledged = acknowledged(history, places);
    let removed: Vec<ValueId> = places.iter().filter_map(|place| operations[*place].invocation.removes()).collect();
    for &read in places {
        let operation = &operations[read];
        let missed = match &operation.output {
            Output::Value(value) if operation.outcome == Outcome::Ok => {
                let Some(candidates) = sources.get(value) else {
                    return Ok(Some(Witness {
                        sentence: explanations::never_written(history, read),
                        operations: vec![read],
                    }));
                };
                let all = candidates.iter().map(|source| newer(history, &acknowledged, read, *source));
                all.min_by_key(Vec::len).unwrap_or_default()
            }
            Output::Elements(elements) => {
                let is_missing = |place: &usize| {
                    let added = operations[*place].invocation.puts();
                    added.is_some_and(|value| !elements.contains(&value) && !removed.contains(&value))
                };
                let before = acknowledged.iter().copied().filter(|place| operations[*place].precedes(operation));
                before.filter(is_missing).collect()
            }
            Output::Nothing | Output::Value(_) | Output::Number(_) => continue,
        };
        let Some(&oldest) = missed.first() else { continue };
        if let Some(versions) = versions
            && missed.len() > versions as usize
        {
            let mut operations: Vec<usize> = missed[missed.len() - versions as usize - 1..].to_vec();
            operations.push(read);
            return Ok(Some(Witness { sentence: explanations::behind(history, &missed, read, versions), operations }));
        }
        let age = |place: usize| Some(operation.times?.0 - operations[place].times?.1);
        if let (Some(us), Some(age)) = (us, age(oldest))
            && age > us
        {
            return Ok(Some(Witness {
                sentence: explanations::aged(history, oldest, read, age),
                operations: vec![oldest, read],
            }));
        }
    }
    Ok(None)
}

/// Checks that no acknowledged change is lost: the last reads return it, or a change that replaced it. For a register, also
/// that no two compare-and-sets succeeded on the same write. Without a read after an acknowledged change it is unknown.
pub(super) fn lost(history: &History, places: &[usize], model: Model) -> Verdict {
    if let Some(witness) = lost_change(history, places, model) {
        return Verdict::Violated(witness);
    }
    let operations = &history.operations;
    let Some(&first) = acknowledged(history, places).first() else { return Verdict::Holds };
    let is_later =
        |place: &usize| operations[*place].output != Output::Nothing && operations[first].precedes(&operations[*place]);
    if places.iter().any(is_later) {
        return Verdict::Holds;
    }
    Verdict::Unknown(sentence!(
        "no read follows the {}",
        "kein Lesevorgang folgt auf das {}",
        explanations::name(history, first)
    ))
}

fn lost_change(history: &History, places: &[usize], model: Model) -> Option<Witness> {
    let operations = &history.operations;
    let acknowledged = acknowledged(history, places);
    if model == Model::Register {
        let sources = sources(history, places);
        let mut based_on: BTreeMap<ValueId, usize> = BTreeMap::new();
        for &place in places {
            if let (Invocation::CompareAndSet { expected, .. }, Outcome::Ok) =
                (operations[place].invocation, operations[place].outcome)
                && let Some(other) = based_on.insert(expected, place)
                && sources.get(&expected).is_none_or(|all| all.len() < 2)
            {
                let sentence = explanations::both(history, other, place, expected);
                return Some(Witness { sentence, operations: vec![other, place] });
            }
        }
    }
    // The last reads: those that no other read follows.
    let begun = places.iter().filter(|place| operations[**place].output != Output::Nothing);
    let last = begun.clone().map(|place| operations[*place].invoked).max()?;
    let sources = sources(history, places);
    for &read in begun.filter(|place| operations[**place].ended > last) {
        let operation = &operations[read];
        let known = acknowledged.partition_point(|place| operations[*place].precedes(operation));
        let lost = match &operation.output {
            Output::Value(value) => {
                // A value that no operation wrote contains no change.
                let sources = sources.get(value).map_or(&[None][..], Vec::as_slice);
                let missed = sources.iter().map(|source| newer(history, &acknowledged, read, *source));
                missed.min_by_key(Vec::len).and_then(|missed| missed.last().copied())
            }
            Output::Elements(elements) => {
                let is_lost = |place: &usize| {
                    let invocation = operations[*place].invocation;
                    let (Invocation::Add(value) | Invocation::Append(value)) = invocation else { return false };
                    let removes = |other: &usize| operations[*other].invocation == Invocation::Remove(value);
                    !elements.contains(&value) && !places.iter().any(removes)
                };
                if let Some(lost) = lost_removal(history, places, &acknowledged[..known], read, elements) {
                    return Some(lost);
                }
                acknowledged[..known].iter().copied().find(is_lost)
            }
            Output::Number(number) => return short(history, places, &acknowledged[..known], read, *number),
            Output::Nothing => None,
        };
        if let Some(lost) = lost {
            return Some(Witness {
                sentence: explanations::never_read_again(history, lost, read),
                operations: vec![lost, read],
            });
        }
    }
    None
}

/// A removal of an element that the last read contains, although no addition can have come after the removal.
fn lost_removal(
    history: &History,
    places: &[usize],
    known: &[usize],
    read: usize,
    elements: &[ValueId],
) -> Option<Witness> {
    let operations = &history.operations;
    known.iter().copied().find_map(|removal| {
        let Invocation::Remove(value) = operations[removal].invocation else { return None };
        let is_addition = |place: &usize| {
            operations[*place].invocation == Invocation::Add(value) && operations[*place].outcome != Outcome::Fail
        };
        let mut witness: Vec<usize> = places.iter().copied().filter(is_addition).collect();
        let is_earlier = |place: &usize| operations[*place].precedes(&operations[removal]);
        if !elements.contains(&value) || witness.is_empty() || !witness.iter().all(is_earlier) {
            return None;
        }
        witness.extend([removal, read]);
        witness.sort_unstable();
        Some(Witness { sentence: explanations::removed_for_nothing(history, removal, read), operations: witness })
    })
}

/// Checks that the last value of a counter contains all acknowledged increments, for any effect of the unknown ones.
fn short(history: &History, places: &[usize], known: &[usize], read: usize, number: i64) -> Option<Witness> {
    let operations = &history.operations;
    let by = |place: &usize| match operations[*place].invocation {
        Invocation::Increment(by) => i128::from(by),
        Invocation::Read
        | Invocation::Write(_)
        | Invocation::CompareAndSet { .. }
        | Invocation::Add(_)
        | Invocation::Remove(_)
        | Invocation::Append(_) => 0,
    };
    let first = i128::from(history.initial_of(operations[read].key).number);
    let sure: i128 = known.iter().map(by).sum::<i128>() + first;
    let is_maybe = |place: &&usize| {
        let operation = &operations[**place];
        operation.outcome != Outcome::Fail && !known.contains(place) && operation.invocation.changes()
    };
    let maybe: Vec<i128> = places.iter().filter(is_maybe).map(by).collect();
    let lowest = sure + maybe.iter().filter(|by| **by < 0).sum::<i128>();
    let highest = sure + maybe.iter().filter(|by| **by > 0).sum::<i128>();
    // Too much is a lost decrement, unless an increment that took effect twice could explain it.
    let only_falls = known.iter().map(by).chain(maybe).all(|by| by <= 0);
    let sentence = if i128::from(number) < lowest {
        explanations::too_few(history, read, number, lowest)
    } else if i128::from(number) > highest && only_falls {
        explanations::too_many(history, read, number, highest)
    } else {
        return None;
    };
    let mut operations = known.to_vec();
    operations.push(read);
    Some(Witness { operations, sentence })
}
