//! The words for kinds, causes, versions and contents. The page, the log and the command line share them.

use super::protocol::{Change, CopyState, MessageContent, OperationRequest, OperationView, UpdateView};
use crate::language::{decimal, phrase, sentence};
use crate::scenario::Micros;
use crate::trace::{DropCause, HandlingFailure, MessageKind, OperationKind, Outcome, Refusal, Version};

/// A sentence with a capital letter.
pub fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// The numbers of those brokers of a bus whose bits are set, from 1.
pub fn broker_numbers(bits: u32, replicas: u32) -> Vec<String> {
    (0..replicas).filter(|at| bits >> at & 1 == 1).map(|at| (at + 1).to_string()).collect()
}

/// An update: `widget = 42 (v3)`.
pub fn update(view: &UpdateView) -> String {
    match &view.change {
        Some(change) => format!("{} ({})", self::change(change), version(change.version)),
        None => sentence!("update {}", "Änderung {}", view.update + 1),
    }
}

/// The version of an update: `v3`.
pub fn short_update(view: &UpdateView) -> String {
    match &view.change {
        Some(change) => version(change.version),
        None => sentence!("update {}", "Änderung {}", view.update + 1),
    }
}

/// A change of a key, without its version: `widget = 42`.
pub fn change(change: &Change) -> String {
    match &change.value {
        Some(value) => format!("{} = {value}", change.key),
        None => sentence!("{} deleted", "{} gelöscht", change.key),
    }
}

/// A version: `v3`; `v2:5` for entry 5 of term 2 of a log, which is not version 5 of the key; `written at 12.5 ms` if a clock
/// orders the writes.
pub fn version(version: Version) -> String {
    match version.reading() {
        None if version.time > 0 => format!("v{}:{}", version.time, version.counter),
        None => format!("v{}", version.counter),
        Some(reading) => {
            sentence!(
                "written at {}{}",
                "geschrieben bei {}{}",
                if reading < 0 { "−" } else { "" },
                duration(reading.unsigned_abs())
            )
        }
    }
}

/// An operation: `write widget 42`.
pub fn operation(view: &OperationView) -> String {
    match &view.request {
        Some(request) => self::request(request),
        None => sentence!("operation {}", "Operation {}", view.operation + 1),
    }
}

/// Describes what an operation requests: `write widget 42`.
pub fn request(request: &OperationRequest) -> String {
    let value = request.value.as_ref().map(|value| format!(" {value}")).unwrap_or_default();
    format!("{} {}{value}", operation_kind(request.kind), request.key)
}

/// A message: `event widget = 42 (v3)`, `call read widget`, `heartbeat`.
pub fn message(kind: MessageKind, content: &MessageContent) -> String {
    let replicates = kind == MessageKind::Replication;
    let kind = message_kind(kind);
    match content {
        // Members forward operations that no update exists for yet; the operation states its kind.
        MessageContent::Operation(view) if replicates => operation(view),
        MessageContent::Update(update) => format!("{kind} {}", self::update(update)),
        MessageContent::Operation(operation) => format!("{kind} {}", self::operation(operation)),
        MessageContent::Response(operation) => {
            sentence!("{kind}: response to {}", "{kind}: Antwort auf {}", self::operation(operation))
        }
        MessageContent::NoEvents | MessageContent::EndOfPolling | MessageContent::Empty => {
            short_content(content).unwrap_or(kind).into()
        }
    }
}

/// Describes the content of a message about a poll; `None` for a message of another kind, whose kind names it.
pub fn short_content(content: &MessageContent) -> Option<&'static str> {
    match content {
        MessageContent::NoEvents => Some(phrase("empty answer", "leere Antwort")),
        MessageContent::EndOfPolling => Some(phrase("end of its polling", "Ende der Abfragen")),
        MessageContent::Update(_)
        | MessageContent::Operation(_)
        | MessageContent::Response(_)
        | MessageContent::Empty => None,
    }
}

/// The kind of a message.
pub fn message_kind(kind: MessageKind) -> &'static str {
    match kind {
        MessageKind::Call => phrase("call", "Aufruf"),
        MessageKind::Reply => phrase("reply", "Antwort"),
        MessageKind::Publish => phrase("event", "Event"),
        MessageKind::Delivery => phrase("delivery", "Zustellung"),
        MessageKind::Acknowledgement => phrase("acknowledgement", "Bestätigung"),
        MessageKind::Refusal => phrase("refusal", "Ablehnung"),
        MessageKind::Replication => phrase("write", "Schreiben"),
        MessageKind::Repair => phrase("repair", "Reparatur"),
        MessageKind::Election => phrase("heartbeat or vote", "Heartbeat oder Stimme"),
        MessageKind::Comparison => phrase("comparison", "Vergleich"),
        MessageKind::Heartbeat => phrase("heartbeat", "Heartbeat"),
        MessageKind::Poll => phrase("poll", "Abfrage"),
        MessageKind::Connection => phrase("connection", "Verbindung"),
    }
}

/// Returns why a message was dropped.
pub fn drop_cause(cause: DropCause) -> &'static str {
    match cause {
        DropCause::Loss => phrase("lost by the link", "auf der Verbindung verloren"),
        DropCause::Disturbance => phrase("link disturbed", "Verbindung gestört"),
        DropCause::LinkCut => phrase("link cut", "Verbindung getrennt"),
        DropCause::ReceiverDown => phrase("receiver down", "Empfänger ausgefallen"),
    }
}

/// Returns why a service refused an operation, in few words for a card.
pub fn short_refusal(cause: Refusal) -> &'static str {
    match cause {
        Refusal::QueueFull => phrase("queue full", "Warteschlange voll"),
        Refusal::NotAsExpected => phrase("unexpected value", "unerwarteter Wert"),
        Refusal::WrongType => phrase("wrong type", "falscher Typ"),
        Refusal::CalleeSilent => phrase("call timed out", "Aufruf ohne Antwort"),
        Refusal::CalleeRefused => phrase("call refused", "Aufruf abgelehnt"),
        Refusal::ServiceDown => refusal(cause),
        Refusal::NotOffered => phrase("not supported", "nicht unterstützt"),
        Refusal::NoLeader => phrase("not the leader", "führt nicht"),
        Refusal::TooFewReplicas => phrase("too few replicas", "zu wenige Replikate"),
        Refusal::OutOfRange => phrase("sum out of range", "Summe zu groß"),
        Refusal::NotPromised => phrase("not prepared", "nicht vorbereitet"),
    }
}

/// Returns why a service refused an operation.
pub fn refusal(cause: Refusal) -> &'static str {
    match cause {
        Refusal::QueueFull => phrase("its queue is full", "die Warteschlange ist voll"),
        Refusal::NotAsExpected => {
            phrase("the key does not have the expected value", "der Schlüssel hat nicht den erwarteten Wert")
        }
        Refusal::WrongType => {
            phrase("the key has a value of another type", "der Schlüssel hat einen Wert anderen Typs")
        }
        Refusal::CalleeSilent => phrase(
            "a service that it calls did not answer in time",
            "ein aufgerufener Service hat nicht rechtzeitig geantwortet",
        ),
        Refusal::CalleeRefused => phrase("a service that it calls refused", "ein aufgerufener Service hat abgelehnt"),
        Refusal::ServiceDown => phrase("it is down", "ausgefallen"),
        Refusal::NotOffered => phrase("it does not support this operation", "diese Operation wird nicht unterstützt"),
        Refusal::NoLeader => phrase("it does not lead its group", "führt die Gruppe nicht"),
        Refusal::TooFewReplicas => {
            phrase("too few replicas answered in time", "zu wenige Replikate haben rechtzeitig geantwortet")
        }
        Refusal::OutOfRange => phrase("the sum would be beyond 2^53", "die Summe läge jenseits von 2^53"),
        Refusal::NotPromised => {
            phrase("a participant did not prepare in time", "ein Teilnehmer hat nicht rechtzeitig vorbereitet")
        }
    }
}

/// The kind of an operation, before its key.
pub fn operation_kind(kind: OperationKind) -> &'static str {
    match kind {
        OperationKind::Read => phrase("read", "lese"),
        OperationKind::Write => phrase("write", "schreibe"),
        OperationKind::Add => phrase("add", "ergänze"),
        OperationKind::Remove => phrase("remove", "entferne"),
        OperationKind::Increment => phrase("increment", "erhöhe"),
        OperationKind::CompareAndSet => phrase("compare-and-set", "Compare-and-Set"),
        OperationKind::Delete => phrase("delete", "lösche"),
        OperationKind::Put => phrase("put", "setze"),
        OperationKind::Insert => phrase("insert", "füge ein"),
        OperationKind::RemoveAt => phrase("remove at", "entferne an Stelle"),
    }
}

/// An operation of a kind, as a noun.
pub fn operation_noun(kind: OperationKind) -> &'static str {
    match kind {
        OperationKind::Read => phrase("read", "Lesen"),
        OperationKind::Write => phrase("write", "Schreiben"),
        OperationKind::Add => phrase("add", "Hinzufügen"),
        OperationKind::Remove => phrase("remove", "Entfernen"),
        OperationKind::Increment => phrase("increment", "Erhöhen"),
        OperationKind::CompareAndSet => phrase("compare-and-set", "Compare-and-Set"),
        OperationKind::Delete => phrase("delete", "Löschen"),
        OperationKind::Put => phrase("put", "Setzen"),
        OperationKind::Insert => phrase("insert", "Einfügen"),
        OperationKind::RemoveAt => phrase("remove at", "Entfernen an Stelle"),
    }
}

/// Describes why a handler did not handle an event.
pub fn handling_failure(cause: HandlingFailure) -> &'static str {
    match cause {
        HandlingFailure::Failed => phrase("its handler failed", "der Handler ist fehlgeschlagen"),
        HandlingFailure::QueueFull => phrase("its queue is full", "die Warteschlange ist voll"),
        HandlingFailure::Poison => phrase("it is a poison message", "das Event ist vergiftet"),
        HandlingFailure::WrongType => {
            phrase("it increments a value that is not a number", "es erhöht einen Wert, der keine Zahl ist")
        }
        HandlingFailure::OutOfRange => {
            phrase("a number would be beyond -2^53 to 2^53", "eine Zahl läge außerhalb von -2^53 bis 2^53")
        }
        HandlingFailure::NotWritten => phrase(
            "its group did not write it, or its key is locked",
            "die Gruppe hat es nicht geschrieben, oder der Schlüssel ist gesperrt",
        ),
    }
}

/// Describes how an operation ended.
pub fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ok => phrase("ok", "ok"),
        Outcome::Fail => phrase("fail", "fehlgeschlagen"),
        Outcome::Unknown => phrase("unknown", "unbekannt"),
    }
}

/// A number with its noun: `1 hint`, `2 hints`.
pub fn count(n: u64, one: &str, many: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {many}") }
}

/// A duration: `840 µs`, `12.5 ms`, `3.2 s`.
pub fn duration(us: Micros) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..1_000_000 => format!("{} ms", trimmed(us as f64 / 1e3)),
        1_000_000.. => format!("{} s", trimmed(us as f64 / 1e6)),
    }
}

/// A consumer group, by its name.
pub fn consumer_group(name: &str) -> String {
    sentence!("consumer group {name}", "die Consumer-Gruppe {name}")
}

/// Describes how long something is ahead: `in 12.5 ms`, `at once`.
pub fn after(wait: Micros) -> String {
    if wait == 0 { phrase("at once", "sofort").into() } else { format!("in {}", duration(wait)) }
}

/// A number with at most two decimals, without trailing zeros.
pub fn trimmed(x: f64) -> String {
    let text = if x < 10.0 { format!("{x:.2}") } else { format!("{x:.1}") };
    decimal(text.trim_end_matches('0').trim_end_matches('.'))
}

/// The state of a copy.
pub fn copy_state(state: CopyState) -> &'static str {
    match state {
        CopyState::Consistent => phrase("consistent", "konsistent"),
        CopyState::Conflicted => phrase("conflicted", "im Konflikt"),
        CopyState::Diverged => phrase("diverged", "divergiert"),
        CopyState::Stale => phrase("stale", "veraltet"),
        CopyState::Down => phrase("down", "ausgefallen"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Value;

    #[test]
    fn update_is_labelled_by_key_value_and_version() {
        let change = Change { key: "widget".into(), value: Some(Value::Int(42)), version: Version::counted(3, 1) };
        let view = UpdateView { update: 6, change: Some(change) };
        assert_eq!((update(&view).as_str(), short_update(&view).as_str()), ("widget = 42 (v3)", "v3"));
        assert_eq!(short_update(&UpdateView { update: 6, change: None }), "update 7");
    }

    #[test]
    fn the_first_write_of_a_group_with_a_log_is_not_labelled_like_its_initial_data() {
        let (initial, first) = (Version::counted(1, 0), Version::logged(2, 1));
        assert_eq!((version(initial).as_str(), version(first).as_str()), ("v1", "v2:1"));
        assert_ne!(version(Version::logged(3, 1)), version(first), "two leaders wrote entry 1");
    }
}
