//! Sentences that explain why a guarantee is violated.

use crate::analysis::history::{ABSENT, Function, History, Invocation, Operation, Output};
use crate::language::{phrase, sentence};
use crate::trace::Outcome;

/// Describes an operation: `write of 4 (operation 14, client)`; `write of 4 (operation 14 on x, client)` if there are several keys.
pub(super) fn name(history: &History, place: usize) -> String {
    let operation = &history.operations[place];
    let process = history.processes.get(operation.process as usize).map_or("?", String::as_str);
    let action = action(history, operation);
    let key = history.keys.get(operation.key as usize).filter(|_| history.has_several_keys);
    let on_key = key.map(|key| sentence!(" on {key}", " auf {key}")).unwrap_or_default();
    sentence!(
        "{action} (operation {}{on_key}, {process})",
        "{action} (Operation {}{on_key}, {process})",
        operation.index
    )
}

/// Describes the function of an operation with its argument.
fn action(history: &History, operation: &Operation) -> String {
    let argument = match operation.invocation {
        Invocation::Read => String::new(),
        Invocation::Write(value) | Invocation::Add(value) | Invocation::Remove(value) | Invocation::Append(value) => {
            history.value(value).into()
        }
        Invocation::CompareAndSet { expected, value } => {
            sentence!("{} to {}", "{} auf {}", history.value(expected), history.value(value))
        }
        Invocation::Increment(by) if operation.function == Function::Decrement => (-i128::from(by)).to_string(),
        Invocation::Increment(by) => by.to_string(),
    };
    match operation.function {
        Function::Read => phrase("read", "Lesen").into(),
        Function::Write => sentence!("write of {argument}", "Schreiben von {argument}"),
        Function::Delete => phrase("delete", "Löschen").into(),
        Function::CompareAndSet => sentence!("compare-and-set from {argument}", "Compare-and-Set von {argument}"),
        Function::Increment => sentence!("increment by {argument}", "Erhöhen um {argument}"),
        Function::Decrement => sentence!("decrement by {argument}", "Verringern um {argument}"),
        Function::Add => sentence!("add of {argument}", "Hinzufügen von {argument}"),
        Function::Remove => sentence!("removal of {argument}", "Entfernen von {argument}"),
        Function::Append => sentence!("append of {argument}", "Anhängen von {argument}"),
        Function::Put => sentence!("put of {argument}", "Setzen von {argument}"),
        Function::Insert => sentence!("insert of {argument}", "Einfügen von {argument}"),
        Function::RemoveAt => sentence!("removal at {argument}", "Entfernen an Stelle {argument}"),
    }
}

/// Describes the result of a read.
pub(super) fn returned(history: &History, place: usize) -> String {
    match &history.operations[place].output {
        Output::Nothing => phrase("nothing", "nichts").into(),
        Output::Value(value) => history.value(*value).into(),
        Output::Number(number) => number.to_string(),
        Output::Elements(elements) => {
            let all: Vec<&str> = elements.iter().map(|element| history.value(*element)).collect();
            if all.len() > 8 {
                sentence!("[{} … {} elements]", "[{} … {} Elemente]", all[..8].join(" "), all.len())
            } else {
                format!("[{}]", all.join(" "))
            }
        }
    }
}

fn read(history: &History, place: usize) -> String {
    sentence!("The {} returned {}", "Das {} lieferte {}", name(history, place), returned(history, place))
}

pub(super) fn never_written(history: &History, at: usize) -> String {
    if let Invocation::CompareAndSet { expected, .. } = history.operations[at].invocation {
        return sentence!(
            "The {} replaced {}, but no operation wrote this value.",
            "Das {} hat {} ersetzt, aber keine Operation hat diesen Wert geschrieben.",
            name(history, at),
            history.value(expected)
        );
    }
    sentence!(
        "{}, but no operation wrote this value.",
        "{}, aber keine Operation hat diesen Wert geschrieben.",
        read(history, at)
    )
}

/// Explains that a read returned a value, or an element of a set or list, that was never written.
pub(super) fn phantom(history: &History, at: usize, value: u32) -> String {
    match &history.operations[at].output {
        Output::Elements(_) => sentence!(
            "{}, but no operation added {}.",
            "{}, aber keine Operation hat {} hinzugefügt.",
            read(history, at),
            history.value(value)
        ),
        Output::Nothing | Output::Value(_) | Output::Number(_) => never_written(history, at),
    }
}

/// Explains that a read misses an element that an earlier operation `by` added or returned; `put` is `None` for an initial
/// element.
pub(super) fn missing_element(history: &History, at: usize, put: Option<u32>, by: usize) -> String {
    let value = put.map_or(phrase("an initial element", "ein anfängliches Element"), |value| history.value(value));
    let known = if history.operations[by].invocation == Invocation::Read {
        phrase("had returned it", "es geliefert hatte")
    } else {
        phrase("had been acknowledged", "bestätigt worden war")
    };
    sentence!(
        "{}, without {value}, although the {} {known} before it started.",
        "{}, ohne {value}, obwohl das {} {known}, bevor dieses Lesen begann.",
        read(history, at),
        name(history, by)
    )
}

pub(super) fn too_many_copies(history: &History, at: usize, value: u32, puts: usize) -> String {
    let times = if puts == 1 { phrase("once", "einmal").into() } else { sentence!("{puts} times", "{puts}-mal") };
    sentence!(
        "{}, but {} was added only {times}.",
        "{}, aber {} wurde nur {times} hinzugefügt.",
        read(history, at),
        history.value(value)
    )
}

pub(super) fn wrong_order(history: &History, at: usize, shown_first: usize, was_first: usize) -> String {
    sentence!(
        "{}, although the {} was acknowledged before the {} started.",
        "{}, obwohl das {} bestätigt war, bevor das {} begann.",
        read(history, at),
        name(history, was_first),
        name(history, shown_first)
    )
}

pub(super) fn incompatible_reads(history: &History, a: usize, b: usize) -> String {
    sentence!(
        "{}, and the {} returned {}: neither read can come first.",
        "{}, und das {} lieferte {}: keines von beiden kann das erste sein.",
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
        Some(first) => sentence!(
            " {added:+} after the {} returned {}",
            " {added:+}, nachdem das {} {} geliefert hatte,",
            name(history, first),
            returned(history, first)
        ),
        None => String::new(),
    };
    let range = if least == most {
        sentence!("exactly {least:+}", "genau {least:+}")
    } else {
        sentence!("from {least:+} to {most:+}", "{least:+} bis {most:+}")
    };
    sentence!(
        "{},{since} but the increments until then add {range}.",
        "{},{since} aber die Erhöhungen bis dahin ergeben {range}.",
        read(history, at)
    )
}

/// Explains that a read of a counter returned less than its process had added or read; `known` is the last of these operations.
pub(super) fn decreased_sum(history: &History, at: usize, known: usize, least: i128) -> String {
    sentence!(
        "{}, but its process must see at least {least} after the {}.",
        "{}, aber mindestens {least} muss der Prozess nach dem {} sehen.",
        read(history, at),
        name(history, known)
    )
}

pub(super) fn of_a_failed_write(history: &History, write: usize, at: usize) -> String {
    sentence!(
        "{}, although the {} failed.",
        "{}, obwohl das {} fehlgeschlagen ist.",
        read(history, at),
        name(history, write)
    )
}

pub(super) fn before_its_write(history: &History, at: usize, write: usize) -> String {
    sentence!(
        "{} and ended before the {} started.",
        "{} und endete, bevor das {} begann.",
        read(history, at),
        name(history, write)
    )
}

pub(super) fn never_saw(history: &History, write: usize, at: usize) -> String {
    sentence!(
        "{}, the initial value, although the {} was acknowledged before it started.",
        "{}, den Anfangswert, obwohl das {} bestätigt war, bevor dieses Lesen begann.",
        read(history, at),
        name(history, write)
    )
}

pub(super) fn replaced(history: &History, old: usize, newer: usize, at: usize) -> String {
    sentence!(
        "{}, although the {} was acknowledged before it started, and started after the {} had ended.",
        "{}, obwohl das {} vor diesem Lesen bestätigt war und erst begann, als das {} beendet war.",
        read(history, at),
        name(history, newer),
        name(history, old)
    )
}

pub(super) fn inverted(history: &History, a: Option<usize>, b: Option<usize>, chosen: &[usize]) -> String {
    let value = |write: Option<usize>| match write.and_then(|write| history.operations[write].invocation.leaves()) {
        Some(value) => history.value(value).to_string(),
        None => phrase("the initial value", "dem Anfangswert").into(),
    };
    let mut by_end: Vec<usize> =
        chosen.iter().copied().filter(|place| history.operations[*place].invocation == Invocation::Read).collect();
    history.sort_by_end(&mut by_end);
    match by_end.as_slice() {
        [first, .., last] if history.operations[*first].precedes(&history.operations[*last]) => sentence!(
            "{}, and the {}, which started later, returned {}: no single order of {} and {} explains both.",
            "{}, und das {}, das später begann, lieferte {}: keine Reihenfolge von {} und {} erklärt beides.",
            read(history, *first),
            name(history, *last),
            returned(history, *last),
            value(a),
            value(b)
        ),
        _ => no_order(history, chosen),
    }
}

/// States that no order of the operations explains their outputs.
pub(super) fn no_order(history: &History, chosen: &[usize]) -> String {
    let reads: Vec<String> = chosen
        .iter()
        .filter(|place| history.operations[**place].invocation == Invocation::Read)
        .map(|place| {
            sentence!("the {} returned {}", "das {} lieferte {}", name(history, *place), returned(history, *place))
        })
        .collect();
    // Any increment may have contributed to a sum.
    let counters = chosen.iter().map(|place| &history.operations[*place]);
    let counters = counters.filter(|operation| matches!(operation.output, Output::Number(_)));
    let keys: Vec<u32> = counters.map(|operation| operation.key).collect();
    let contributes = |operation: &&Operation| {
        let changes = operation.invocation.changes() && operation.outcome != Outcome::Fail;
        changes && keys.contains(&operation.key)
    };
    let changes = match keys.as_slice() {
        [] => chosen.iter().filter(|place| history.operations[**place].invocation.changes()).count(),
        _ => history.operations.iter().filter(contributes).count(),
    };
    let has_unknown = chosen.iter().any(|place| {
        history.operations[*place].invocation.changes() && history.operations[*place].outcome == Outcome::Unknown
    });
    let whether = if has_unknown {
        phrase(", whether or not the unknown ones took effect", ", ob die unbekannten nun wirkten oder nicht")
    } else {
        ""
    };
    let of_changes = match changes {
        1 => phrase("1 change", "1 Änderung").into(),
        _ => sentence!("{changes} changes", "{changes} Änderungen"),
    };
    match reads.as_slice() {
        [] if changes == 1 => sentence!(
            "This operation cannot succeed in any order{whether}.",
            "Diese Operation kann in keiner Reihenfolge gelingen{whether}."
        ),
        [] => sentence!(
            "These {changes} operations cannot all succeed in any order{whether}.",
            "Diese {changes} Operationen können in keiner Reihenfolge alle gelingen{whether}."
        ),
        [only] => {
            sentence!(
                "No order of {of_changes} explains this: {only}{whether}.",
                "Keine Reihenfolge von {of_changes} erklärt dies: {only}{whether}."
            )
        }
        many => sentence!(
            "No order of {of_changes} explains these reads: {}{whether}.",
            "Keine Reihenfolge von {of_changes} erklärt diese Lesevorgänge: {}{whether}.",
            joined(many, "; ")
        ),
    }
}

/// Joins the first few parts.
fn joined(parts: &[String], by: &str) -> String {
    const MAX: usize = 8;
    match parts.get(..MAX) {
        Some(first) if parts.len() > MAX => {
            sentence!("{}; and {} more", "{}; und {} weitere", first.join(by), parts.len() - MAX)
        }
        Some(_) | None => parts.join(by),
    }
}

pub(super) fn behind(history: &History, missed: &[usize], at: usize, allowed: u32) -> String {
    let missing = match missed.len() {
        1 => phrase(
            "a change that was acknowledged before it started is missing",
            "es fehlt eine Änderung, die vor seinem Beginn bestätigt war",
        )
        .into(),
        count => sentence!(
            "{count} changes that were acknowledged before it started are missing",
            "es fehlen {count} Änderungen, die vor seinem Beginn bestätigt waren"
        ),
    };
    sentence!(
        "{}; {missing}; at most {allowed} may be missing.",
        "{}; {missing}; erlaubt: höchstens {allowed}.",
        read(history, at)
    )
}

pub(super) fn aged(history: &History, missed: usize, at: usize, us: i64) -> String {
    let ms = us as f64 / 1000.0;
    sentence!(
        "{}, although the {} was acknowledged {ms} ms before it started.",
        "{}, obwohl das {} schon {ms} ms vor dem Beginn dieses Lesens bestätigt war.",
        read(history, at),
        name(history, missed)
    )
}

pub(super) fn never_read_again(history: &History, lost: usize, at: usize) -> String {
    sentence!(
        "{}, and no later read contains it: the acknowledged {} is lost.",
        "{}, und kein späteres Lesen enthält es: das bestätigte {} ist verloren.",
        read(history, at),
        name(history, lost)
    )
}

pub(super) fn removed_for_nothing(history: &History, removal: usize, at: usize) -> String {
    sentence!(
        "{}, and no later read is without it: the acknowledged {} is lost, because every addition had ended before it \
         started.",
        "{}, und kein späteres Lesen ist ohne es: das bestätigte {} ist verloren, denn jedes Hinzufügen hatte vor seinem \
         Beginn geendet.",
        read(history, at),
        name(history, removal)
    )
}

/// Returns the value that a read returned, as the subject of a sentence.
pub(super) fn value_read(history: &History, place: usize) -> String {
    match history.operations[place].output {
        Output::Value(value) if value == ABSENT => phrase("The absent value", "Der fehlende Wert").into(),
        Output::Value(_) | Output::Nothing | Output::Number(_) | Output::Elements(_) => returned(history, place),
    }
}

pub(super) fn both(history: &History, a: usize, b: usize, value: u32) -> String {
    sentence!(
        "The {} and the {} both replaced {} without knowing of each other: one of them is lost.",
        "Das {} und das {} haben beide {} ersetzt, ohne voneinander zu wissen: eines von ihnen ist verloren.",
        name(history, a),
        name(history, b),
        history.value(value)
    )
}

pub(super) fn too_few(history: &History, at: usize, number: i64, least: i128) -> String {
    sentence!(
        "The {} returned {number}, although the acknowledged changes add up to at least {least}.",
        "Das {} lieferte {number}, obwohl die bestätigten Änderungen zusammen mindestens {least} ergeben.",
        name(history, at)
    )
}

pub(super) fn too_many(history: &History, at: usize, number: i64, most: i128) -> String {
    sentence!(
        "The {} returned {number}, although the acknowledged changes add up to at most {most}.",
        "Das {} lieferte {number}, obwohl die bestätigten Änderungen zusammen höchstens {most} ergeben.",
        name(history, at)
    )
}

/// Lists the operations of a violation, in order, after a statement of the violation.
pub(super) fn session(history: &History, chosen: &[usize], broken: &str) -> String {
    let mut parts: Vec<String> = Vec::new();
    for &place in chosen {
        let operation = &history.operations[place];
        parts.push(if operation.invocation.changes() {
            sentence!("the {}", "das {}", name(history, place))
        } else {
            sentence!("the {} returned {}", "das {} lieferte {}", name(history, place), returned(history, place))
        });
    }
    format!("{broken}: {}.", joined(&parts, phrase("; then ", "; dann ")))
}
