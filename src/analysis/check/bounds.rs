//! How old what a read returned may be, and what must not get lost.

use super::{Witness, say};
use crate::analysis::history::{Answer, Call, History, Model, ValueId};
use crate::trace::Outcome;
use std::collections::BTreeMap;

/// Changes of a key that may be what a read of a register returned: none for what was there at first.
fn sources(history: &History, places: &[usize]) -> BTreeMap<ValueId, Vec<Option<usize>>> {
    let mut found: BTreeMap<ValueId, Vec<Option<usize>>> = BTreeMap::new();
    if let Some(&first) = places.first() {
        found.entry(history.first_of(history.operations[first].key).value).or_default().push(None);
    }
    for &place in places {
        let operation = &history.operations[place];
        if let (Some(value), true) = (operation.call.leaves(), operation.outcome != Outcome::Fail) {
            found.entry(value).or_default().push(Some(place));
        }
    }
    found
}

/// The acknowledged changes that are newer than what a read returned, of those acknowledged before it was invoked.
fn newer(history: &History, acknowledged: &[usize], read: usize, source: Option<usize>) -> Vec<usize> {
    let operations = &history.operations;
    let before = acknowledged.partition_point(|place| operations[*place].precedes(&operations[read]));
    let is_newer = |place: usize| match source {
        None => true,
        Some(source) if operations[source].rank > 0 && operations[place].rank > 0 => {
            operations[place].rank > operations[source].rank
        }
        Some(source) => operations[source].precedes(&operations[place]),
    };
    acknowledged[..before].iter().copied().filter(|place| is_newer(*place)).collect()
}

/// The acknowledged changes of a key by their ends.
fn acknowledged(history: &History, places: &[usize]) -> Vec<usize> {
    let operations = &history.operations;
    let mut all: Vec<usize> = places.iter().copied().filter(|place| operations[*place].acknowledged()).collect();
    all.sort_unstable_by_key(|place| operations[*place].ended);
    all
}

/// A regular register (Lamport 1986, for several writers: Shao, Pierce and Welch 2003, weak): a read returns a value whose
/// write did not begin after it, and after which no other was begun and acknowledged before the read was invoked. O(n log n)
/// where values differ.
pub(super) fn regular(history: &History, places: &[usize]) -> Option<Witness> {
    let operations = &history.operations;
    let sources = sources(history, places);
    let acknowledged = acknowledged(history, places);
    // For each end, the change among those before it that began last.
    let mut latest: Vec<usize> = Vec::with_capacity(acknowledged.len());
    for &place in &acknowledged {
        let best = latest.last().copied().filter(|best| operations[*best].invoked > operations[place].invoked);
        latest.push(best.unwrap_or(place));
    }
    for &read in places {
        let Some(value) = operations[read].returned() else { continue };
        let Some(candidates) = sources.get(&value) else {
            return Some(Witness { sentence: say::from_nowhere(history, read), operations: vec![read] });
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
        // The nearest of those that had begun; else what is still to come.
        let begun = |write: &&usize| !operations[read].precedes(&operations[**write]);
        let nearest = candidates.iter().flatten().rfind(begun).or(candidates.iter().flatten().next());
        return Some(match (nearest, last) {
            (Some(&write), _) if operations[read].precedes(&operations[write]) => {
                Witness { sentence: say::before_its_write(history, read, write), operations: vec![read, write] }
            }
            (Some(&write), Some(last)) => {
                Witness { sentence: say::replaced(history, write, last, read), operations: vec![write, last, read] }
            }
            (None, Some(last)) => {
                Witness { sentence: say::never_saw(history, last, read), operations: vec![last, read] }
            }
            (_, None) => Witness { sentence: say::from_nowhere(history, read), operations: vec![read] },
        });
    }
    None
}

/// Bounded staleness: what a read returned lacked at most `versions` changes that had been acknowledged before it was
/// invoked, and the oldest of those for at most `us`. Which of two changes is newer: by their versions if the history has
/// them, else the one that began after the other was acknowledged. O(n) a read.
pub(super) fn stale(
    history: &History,
    places: &[usize],
    model: Model,
    versions: Option<u32>,
    us: Option<i64>,
) -> Result<Option<Witness>, String> {
    let operations = &history.operations;
    if us.is_some() && places.iter().any(|place| operations[*place].times.is_none()) {
        return Err("the history does not say when its operations began and ended (`time`)".into());
    }
    if model == Model::Counter {
        return Err("a counter's number does not tell which increments are in it".into());
    }
    let sources = sources(history, places);
    let acknowledged = acknowledged(history, places);
    let removed: Vec<ValueId> = places
        .iter()
        .filter_map(|place| match operations[*place].call {
            Call::Remove(value) => Some(value),
            Call::Read
            | Call::Write(_)
            | Call::CompareAndSet { .. }
            | Call::Increment(_)
            | Call::Add(_)
            | Call::Append(_) => None,
        })
        .collect();
    for &read in places {
        let operation = &operations[read];
        let missed = match &operation.answer {
            Answer::Value(value) if operation.outcome == Outcome::Ok => {
                let Some(candidates) = sources.get(value) else {
                    return Ok(Some(Witness { sentence: say::from_nowhere(history, read), operations: vec![read] }));
                };
                let all = candidates.iter().map(|source| newer(history, &acknowledged, read, *source));
                all.min_by_key(Vec::len).unwrap_or_default()
            }
            Answer::Elements(elements) => {
                let lacks = |place: &usize| match operations[*place].call {
                    Call::Add(value) | Call::Append(value) => !elements.contains(&value) && !removed.contains(&value),
                    Call::Read | Call::Write(_) | Call::CompareAndSet { .. } | Call::Increment(_) | Call::Remove(_) => {
                        false
                    }
                };
                let before = acknowledged.iter().copied().filter(|place| operations[*place].precedes(operation));
                before.filter(lacks).collect()
            }
            Answer::Nothing | Answer::Value(_) | Answer::Number(_) => continue,
        };
        let Some(&oldest) = missed.first() else { continue };
        if let Some(versions) = versions
            && missed.len() > versions as usize
        {
            let mut operations: Vec<usize> = missed[missed.len() - versions as usize - 1..].to_vec();
            operations.push(read);
            return Ok(Some(Witness { sentence: say::behind(history, &missed, read, versions), operations }));
        }
        let age = |place: usize| Some(operation.times?.0 - operations[place].times?.1);
        if let (Some(us), Some(age)) = (us, age(oldest))
            && age > us
        {
            return Ok(Some(Witness {
                sentence: say::aged(history, oldest, read, age),
                operations: vec![oldest, read],
            }));
        }
    }
    Ok(None)
}

/// No acknowledged change is lost: the last reads hold it, or what replaced it. Of a register also: no two compare-and-sets
/// succeeded on top of one and the same write, neither of which so knew of the other.
pub(super) fn lost(history: &History, places: &[usize], model: Model) -> Option<Witness> {
    let operations = &history.operations;
    let acknowledged = acknowledged(history, places);
    if model == Model::Register {
        let sources = sources(history, places);
        let mut based_on: BTreeMap<ValueId, usize> = BTreeMap::new();
        for &place in places {
            if let (Call::CompareAndSet { expected, .. }, Outcome::Ok) =
                (operations[place].call, operations[place].outcome)
                && let Some(other) = based_on.insert(expected, place)
                && sources.get(&expected).is_none_or(|all| all.len() < 2)
            {
                let sentence = say::both(history, other, place, expected);
                return Some(Witness { sentence, operations: vec![other, place] });
            }
        }
    }
    // The last reads: none began after they had ended.
    let begun = places.iter().filter(|place| operations[**place].answer != Answer::Nothing);
    let last = begun.clone().map(|place| operations[*place].invoked).max()?;
    let sources = sources(history, places);
    for &read in begun.filter(|place| operations[**place].ended > last) {
        let operation = &operations[read];
        let known = acknowledged.partition_point(|place| operations[*place].precedes(operation));
        let gone = match &operation.answer {
            Answer::Value(value) => sources.get(value).and_then(|all| {
                let missed = all.iter().map(|source| newer(history, &acknowledged, read, *source));
                missed.min_by_key(Vec::len).and_then(|missed| missed.last().copied())
            }),
            Answer::Elements(elements) => {
                let gone = |place: &usize| {
                    let call = operations[*place].call;
                    let (Call::Add(value) | Call::Append(value)) = call else { return false };
                    let taken = |other: &usize| operations[*other].call == Call::Remove(value);
                    !elements.contains(&value) && !places.iter().any(taken)
                };
                acknowledged[..known].iter().copied().find(gone)
            }
            Answer::Number(number) => return short(history, places, &acknowledged[..known], read, *number),
            Answer::Nothing => None,
        };
        if let Some(gone) = gone {
            return Some(Witness { sentence: say::gone(history, gone, read), operations: vec![gone, read] });
        }
    }
    None
}

/// A counter's last number is less than what all acknowledged increments make, whichever of the unknown ones took effect.
fn short(history: &History, places: &[usize], known: &[usize], read: usize, number: i64) -> Option<Witness> {
    let operations = &history.operations;
    let by = |place: &usize| match operations[*place].call {
        Call::Increment(by) => by,
        Call::Read | Call::Write(_) | Call::CompareAndSet { .. } | Call::Add(_) | Call::Remove(_) | Call::Append(_) => {
            0
        }
    };
    let first = history.first_of(operations[read].key).number;
    let sure: i64 = known.iter().map(by).sum::<i64>() + first;
    let maybe = places.iter().filter(|place| {
        operations[**place].outcome != Outcome::Fail && !known.contains(place) && operations[**place].call.changes()
    });
    let least = sure + maybe.map(by).filter(|by| *by < 0).sum::<i64>();
    (number < least).then(|| {
        let mut operations = known.to_vec();
        operations.push(read);
        Witness { sentence: say::too_few(history, read, number, least), operations }
    })
}
