//! Sentences for people: why a guarantee is violated.

use crate::analysis::history::{Answer, Call, History};
use crate::trace::Outcome;

/// An operation in words: `read 14 by client`.
pub(super) fn name(history: &History, place: usize) -> String {
    let operation = &history.operations[place];
    let process = history.processes.get(operation.process as usize).map_or("?", String::as_str);
    let value = |value: u32| history.value(value);
    let what = match operation.call {
        Call::Read => "read".to_string(),
        Call::Write(it) => format!("write of {}", value(it)),
        Call::CompareAndSet { expected, value: it } => {
            format!("compare-and-set from {} to {}", value(expected), value(it))
        }
        Call::Increment(by) => format!("increment by {by}"),
        Call::Add(it) => format!("add of {}", value(it)),
        Call::Remove(it) => format!("removal of {}", value(it)),
        Call::Append(it) => format!("append of {}", value(it)),
    };
    format!("{what} (operation {}, {process})", operation.index)
}

/// What a read returned, in words.
pub(super) fn returned(history: &History, place: usize) -> String {
    match &history.operations[place].answer {
        Answer::Nothing => "nothing".into(),
        Answer::Value(value) => history.value(*value).into(),
        Answer::Number(number) => number.to_string(),
        Answer::Elements(elements) => {
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

pub(super) fn from_nowhere(history: &History, at: usize) -> String {
    format!("{}, which nobody wrote.", read(history, at))
}

/// Of a register's value, or of one element of a set or list.
pub(super) fn phantom(history: &History, at: usize, value: u32) -> String {
    match &history.operations[at].answer {
        Answer::Elements(_) => format!("{}, but nobody put {} there.", read(history, at), history.value(value)),
        Answer::Nothing | Answer::Value(_) | Answer::Number(_) => from_nowhere(history, at),
    }
}

/// What was put there, or nothing if it was there at first, was known by an operation.
pub(super) fn lacks(history: &History, at: usize, put: Option<u32>, by: usize) -> String {
    let value = put.map_or("what was there at first", |value| history.value(value));
    let known = if history.operations[by].call == Call::Read { "had returned it" } else { "had been acknowledged" };
    format!("{} without {value}, though the {} {known} before it began.", read(history, at), name(history, by))
}

pub(super) fn too_often(history: &History, at: usize, value: u32, puts: usize) -> String {
    let times = if puts == 1 { "once".into() } else { format!("{puts} times") };
    format!("{}, but {} was put there {times} only.", read(history, at), history.value(value))
}

pub(super) fn out_of_turn(history: &History, at: usize, shown_first: usize, was_first: usize) -> String {
    format!(
        "{}, though the {} had been acknowledged before the {} began.",
        read(history, at),
        name(history, was_first),
        name(history, shown_first)
    )
}

pub(super) fn apart(history: &History, a: usize, b: usize) -> String {
    format!(
        "{}, and the {} returned {}: neither can have come first.",
        read(history, a),
        name(history, b),
        returned(history, b)
    )
}

pub(super) fn counted(history: &History, first: Option<usize>, at: usize, added: i64, least: i64, most: i64) -> String {
    let since = match first {
        Some(first) => format!(" {added:+} after the {} returned {}", name(history, first), returned(history, first)),
        None => String::new(),
    };
    let range = if least == most { format!("exactly {least:+}") } else { format!("from {least:+} to {most:+}") };
    format!("{},{since} but what was added by then makes {range}.", read(history, at))
}

/// Less than a process had made or read itself, the last of which was `known`.
pub(super) fn counted_back(history: &History, at: usize, known: usize, least: i64) -> String {
    format!("{}, but its process had to see at least {least} after the {}.", read(history, at), name(history, known))
}

pub(super) fn of_a_failed_write(history: &History, write: usize, at: usize) -> String {
    format!("{}, though the {} had failed.", read(history, at), name(history, write))
}

pub(super) fn before_its_write(history: &History, at: usize, write: usize) -> String {
    format!("{} and ended before the {} began.", read(history, at), name(history, write))
}

pub(super) fn never_saw(history: &History, write: usize, at: usize) -> String {
    format!(
        "{}, what was there at first, though the {} had been acknowledged before it began.",
        read(history, at),
        name(history, write)
    )
}

pub(super) fn replaced(history: &History, old: usize, newer: usize, at: usize) -> String {
    format!(
        "{}, though the {} had been acknowledged before it began, and that began after the {} was done.",
        read(history, at),
        name(history, newer),
        name(history, old)
    )
}

pub(super) fn inverted(history: &History, a: Option<usize>, b: Option<usize>, chosen: &[usize]) -> String {
    let value = |write: Option<usize>| match write.and_then(|write| history.operations[write].call.leaves()) {
        Some(value) => history.value(value).to_string(),
        None => "what was there at first".into(),
    };
    let mut by_end: Vec<usize> =
        chosen.iter().copied().filter(|place| history.operations[*place].call == Call::Read).collect();
    by_end.sort_unstable_by_key(|place| history.operations[*place].ended);
    match by_end.as_slice() {
        [first, .., last] if history.operations[*first].precedes(&history.operations[*last]) => format!(
            "{}, and the {}, which began after that one had ended, returned {}: no single order of {} and {} explains both.",
            read(history, *first),
            name(history, *last),
            returned(history, *last),
            value(a),
            value(b)
        ),
        _ => no_order(history, chosen),
    }
}

/// The general case.
pub(super) fn no_order(history: &History, chosen: &[usize]) -> String {
    let reads: Vec<String> = chosen
        .iter()
        .filter(|place| history.operations[**place].call == Call::Read)
        .map(|place| format!("the {} returned {}", name(history, *place), returned(history, *place)))
        .collect();
    let changes = chosen.iter().filter(|place| history.operations[**place].call.changes()).count();
    let unsure = chosen.iter().any(|place| {
        history.operations[*place].call.changes() && history.operations[*place].outcome == Outcome::Unknown
    });
    let whether = if unsure { ", whether those that are unknown took effect or not" } else { "" };
    match reads.as_slice() {
        [] => format!("These {changes} operations cannot all have succeeded, in whatever order{whether}."),
        [only] => {
            format!("No order of {changes} changes explains what was seen: {only}{whether}.")
        }
        many => format!("No order of {changes} changes explains what was seen: {}{whether}.", joined(many, "; ")),
    }
}

/// The first few of them.
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
        "{} and lacks {count} changes that had been acknowledged before it began; {allowed} are allowed.",
        read(history, at)
    )
}

pub(super) fn aged(history: &History, missed: usize, at: usize, us: i64) -> String {
    let ms = us as f64 / 1000.0;
    format!(
        "{}, though the {} had been acknowledged {ms} ms before it began.",
        read(history, at),
        name(history, missed)
    )
}

pub(super) fn gone(history: &History, lost: usize, at: usize) -> String {
    format!("{}, and no later read returned more: the acknowledged {} is lost.", read(history, at), name(history, lost))
}

pub(super) fn both(history: &History, a: usize, b: usize, value: u32) -> String {
    format!(
        "The {} and the {} were both made on top of {}: neither knew of the other, and one of them is lost.",
        name(history, a),
        name(history, b),
        history.value(value)
    )
}

pub(super) fn too_few(history: &History, at: usize, number: i64, least: i64) -> String {
    format!("The {} returned {number}, though what was acknowledged before makes at least {least}.", name(history, at))
}

/// Of a circle of what must be older than what.
pub(super) fn session(history: &History, chosen: &[usize], broken: &str) -> String {
    let mut parts: Vec<String> = Vec::new();
    for &place in chosen {
        let operation = &history.operations[place];
        parts.push(if operation.call.changes() {
            format!("the {}", name(history, place))
        } else {
            format!("the {} returned {}", name(history, place), returned(history, place))
        });
    }
    format!("{broken}: {}.", joined(&parts, "; then "))
}
