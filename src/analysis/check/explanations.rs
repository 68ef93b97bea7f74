//! Sentences that explain why a guarantee is violated.

use crate::analysis::history::{History, Invocation, Output};
use crate::trace::Outcome;

/// Describes an operation: `write of 4 (operation 14, client)`.
pub(super) fn name(history: &History, place: usize) -> String {
    let operation = &history.operations[place];
    let process = history.processes.get(operation.process as usize).map_or("?", String::as_str);
    let value = |value: u32| history.value(value);
    let action = match operation.invocation {
        Invocation::Read => "read".to_string(),
        Invocation::Write(it) => format!("write of {}", value(it)),
        Invocation::CompareAndSet { expected, value: it } => {
            format!("compare-and-set from {} to {}", value(expected), value(it))
        }
        Invocation::Increment(by) => format!("increment by {by}"),
        Invocation::Add(it) => format!("add of {}", value(it)),
        Invocation::Remove(it) => format!("removal of {}", value(it)),
        Invocation::Append(it) => format!("append of {}", value(it)),
    };
    format!("{action} (operation {}, {process})", operation.index)
}

/// Describes the result of a read.
pub(super) fn returned(history: &History, place: usize) -> String {
    match &history.operations[place].output {
        Output::Nothing => "nothing".into(),
        Output::Value(value) => history.value(*value).into(),
        Output::Number(number) => number.to_string(),
        Output::Elements(elements) => {
            let all: Vec<&str> = elements.iter().map(|it| history.value(*it)).collect();
            if all.len() > 8 {
                format!("[{} … {} elements]", all[..8].join(" "), all.len())
            } else {
                format!("[{}]", all.join(" "))
            }
        }
    }
}

fn read(history: &History, place: usize) -> String {
    format!("The {} returned {}", name(history, place), returned(history, place))
}

pub(super) fn never_written(history: &History, at: usize) -> String {
    format!("{}, but no operation wrote this value.", read(history, at))
}

/// A read returned a value, or an element of a set or list, that was never written.
pub(super) fn phantom(history: &History, at: usize, value: u32) -> String {
    match &history.operations[at].output {
        Output::Elements(_) => format!("{}, but no operation added {}.", read(history, at), history.value(value)),
        Output::Nothing | Output::Value(_) | Output::Number(_) => never_written(history, at),
    }
}

/// A read misses an element that an earlier operation `by` added or returned; `put` is `None` for an initial element.
pub(super) fn missing_element(history: &History, at: usize, put: Option<u32>, by: usize) -> String {
    let value = put.map_or("an initial element", |value| history.value(value));
    let known =
        if history.operations[by].invocation == Invocation::Read { "had returned it" } else { "had been acknowledged" };
    format!("{}, without {value}, although the {} {known} before it started.", read(history, at), name(history, by))
}

pub(super) fn too_many_copies(history: &History, at: usize, value: u32, puts: usize) -> String {
    let times = if puts == 1 { "once".into() } else { format!("{puts} times") };
    format!("{}, but {} was added only {times}.", read(history, at), history.value(value))
}

pub(super) fn wrong_order(history: &History, at: usize, shown_first: usize, was_first: usize) -> String {
    format!(
        "{}, although the {} was acknowledged before the {} started.",
        read(history, at),
        name(history, was_first),
        name(history, shown_first)
    )
}

pub(super) fn incompatible_reads(history: &History, a: usize, b: usize) -> String {
    format!(
        "{}, and the {} returned {}: neither read can come first.",
        read(history, a),
        name(history, b),
        returned(history, b)
    )
}

pub(super) fn wrong_sum(
    history: &History,
    first: Option<usize>,
    at: usize,
    added: i128,
    least: i128,
    most: i128,
) -> String {
    let since = match first {
        Some(first) => format!(" {added:+} after the {} returned {}", name(history, first), returned(history, first)),
        None => String::new(),
    };
    let range = if least == most { format!("exactly {least:+}") } else { format!("from {least:+} to {most:+}") };
    format!("{},{since} but the increments until then add {range}.", read(history, at))
}

/// A read of a counter returned less than its process had added or read; `known` is the last of these operations.
pub(super) fn decreased_sum(history: &History, at: usize, known: usize, least: i128) -> String {
    format!("{}, but its process must see at least {least} after the {}.", read(history, at), name(history, known))
}

pub(super) fn of_a_failed_write(history: &History, write: usize, at: usize) -> String {
    format!("{}, although the {} failed.", read(history, at), name(history, write))
}

pub(super) fn before_its_write(history: &History, at: usize, write: usize) -> String {
    format!("{} and ended before the {} started.", read(history, at), name(history, write))
}

pub(super) fn never_saw(history: &History, write: usize, at: usize) -> String {
    format!(
        "{}, the initial value, although the {} was acknowledged before it started.",
        read(history, at),
        name(history, write)
    )
}

pub(super) fn replaced(history: &History, old: usize, newer: usize, at: usize) -> String {
    format!(
        "{}, although the {} was acknowledged before it started, and started after the {} had ended.",
        read(history, at),
        name(history, newer),
        name(history, old)
    )
}

pub(super) fn inverted(history: &History, a: Option<usize>, b: Option<usize>, chosen: &[usize]) -> String {
    let value = |write: Option<usize>| match write.and_then(|write| history.operations[write].invocation.leaves()) {
        Some(value) => history.value(value).to_string(),
        None => "the initial value".into(),
    };
    let mut by_end: Vec<usize> =
        chosen.iter().copied().filter(|place| history.operations[*place].invocation == Invocation::Read).collect();
    history.sort_by_end(&mut by_end);
    match by_end.as_slice() {
        [first, .., last] if history.operations[*first].precedes(&history.operations[*last]) => format!(
            "{}, and the {}, which started later, returned {}: no single order of {} and {} explains both.",
            read(history, *first),
            name(history, *last),
            returned(history, *last),
            value(a),
            value(b)
        ),
        _ => no_order(history, chosen),
    }
}

/// No order of the operations explains their outputs.
pub(super) fn no_order(history: &History, chosen: &[usize]) -> String {
    let reads: Vec<String> = chosen
        .iter()
        .filter(|place| history.operations[**place].invocation == Invocation::Read)
        .map(|place| format!("the {} returned {}", name(history, *place), returned(history, *place)))
        .collect();
    let changes = chosen.iter().filter(|place| history.operations[**place].invocation.changes()).count();
    let has_unknown = chosen.iter().any(|place| {
        history.operations[*place].invocation.changes() && history.operations[*place].outcome == Outcome::Unknown
    });
    let whether = if has_unknown { ", whether or not the unknown ones took effect" } else { "" };
    match reads.as_slice() {
        [] => format!("These {changes} operations cannot all succeed in any order{whether}."),
        [only] => {
            format!("No order of {changes} changes explains this: {only}{whether}.")
        }
        many => format!("No order of {changes} changes explains these reads: {}{whether}.", joined(many, "; ")),
    }
}

/// Joins the first few parts.
fn joined(parts: &[String], by: &str) -> String {
    const MOST: usize = 8;
    match parts.get(..MOST) {
        Some(first) if parts.len() > MOST => format!("{}; and {} more", first.join(by), parts.len() - MOST),
        Some(_) | None => parts.join(by),
    }
}

pub(super) fn behind(history: &History, missed: &[usize], at: usize, allowed: u32) -> String {
    let count = missed.len();
    format!(
        "{}; it is missing {count} changes that were acknowledged before it started, of which {allowed} are allowed.",
        read(history, at)
    )
}

pub(super) fn aged(history: &History, missed: usize, at: usize, us: i64) -> String {
    let ms = us as f64 / 1000.0;
    format!("{}, although the {} was acknowledged {ms} ms before it started.", read(history, at), name(history, missed))
}

pub(super) fn gone(history: &History, lost: usize, at: usize) -> String {
    format!("{}, and no later read contains it: the acknowledged {} is lost.", read(history, at), name(history, lost))
}

pub(super) fn both(history: &History, a: usize, b: usize, value: u32) -> String {
    format!(
        "The {} and the {} both replaced {} without knowing of each other: one of them is lost.",
        name(history, a),
        name(history, b),
        history.value(value)
    )
}

pub(super) fn too_few(history: &History, at: usize, number: i64, least: i128) -> String {
    format!(
        "The {} returned {number}, although the acknowledged changes add up to at least {least}.",
        name(history, at)
    )
}

pub(super) fn too_many(history: &History, at: usize, number: i64, most: i128) -> String {
    format!("The {} returned {number}, although the acknowledged changes add up to at most {most}.", name(history, at))
}

/// The operations of a violation, in order, after a statement of it.
pub(super) fn session(history: &History, chosen: &[usize], broken: &str) -> String {
    let mut parts: Vec<String> = Vec::new();
    for &place in chosen {
        let operation = &history.operations[place];
        parts.push(if operation.invocation.changes() {
            format!("the {}", name(history, place))
        } else {
            format!("the {} returned {}", name(history, place), returned(history, place))
        });
    }
    format!("{broken}: {}.", joined(&parts, "; then "))
}
