//! The words for kinds, causes, versions and contents. The page, the log and the command line share them.

use super::protocol::{Change, MessageContent, OperationRequest, OperationView, UpdateView};
use crate::scenario::Micros;
use crate::trace::{DropCause, MessageKind, OperationKind, Outcome, Refusal, Version};

/// A sentence with a capital letter.
pub fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// An update: `widget = 42 (v3)`.
pub fn update(view: &UpdateView) -> String {
    match &view.change {
        Some(change) => format!("{} ({})", self::change(change), version(change.version)),
        None => format!("update {}", view.update + 1),
    }
}

/// The version of an update: `v3`.
pub fn short_update(view: &UpdateView) -> String {
    match &view.change {
        Some(change) => version(change.version),
        None => format!("update {}", view.update + 1),
    }
}

/// A change of a key, without its version: `widget = 42`.
pub fn change(change: &Change) -> String {
    match &change.value {
        Some(value) => format!("{} = {value}", change.key),
        None => format!("{} deleted", change.key),
    }
}

/// A version: `v3`, or `written at 12.5 ms` if a clock orders the writes.
pub fn version(version: Version) -> String {
    match version.reading() {
        None => format!("v{}", version.counter),
        Some(reading) => {
            format!("written at {}{}", if reading < 0 { "−" } else { "" }, duration(reading.unsigned_abs()))
        }
    }
}

/// An operation: `write widget 42`.
pub fn operation(view: &OperationView) -> String {
    match &view.request {
        Some(request) => self::request(request),
        None => format!("operation {}", view.operation + 1),
    }
}

/// What an operation requests: `write widget 42`.
pub fn request(request: &OperationRequest) -> String {
    let value = request.value.as_ref().map(|value| format!(" {value}")).unwrap_or_default();
    format!("{} {}{value}", operation_kind(request.kind), request.key)
}

/// A message: `event widget = 42 (v3)`, `call read widget`, `heartbeat`.
pub fn message(kind: MessageKind, content: &MessageContent) -> String {
    let kind = message_kind(kind);
    match content {
        MessageContent::Update(update) => format!("{kind} {}", self::update(update)),
        MessageContent::Operation(operation) => format!("{kind} {}", self::operation(operation)),
        MessageContent::Response(operation) => format!("{kind}: response to {}", self::operation(operation)),
        MessageContent::Empty => kind.into(),
    }
}

/// The kind of a message.
pub fn message_kind(kind: MessageKind) -> &'static str {
    match kind {
        MessageKind::Call => "call",
        MessageKind::Reply => "reply",
        MessageKind::Publish => "event",
        MessageKind::Delivery => "delivery",
        MessageKind::Acknowledgement => "acknowledgement",
        MessageKind::Refusal => "refusal",
        MessageKind::Replication => "write",
        MessageKind::Repair => "repair",
        MessageKind::Election => "heartbeat or vote",
        MessageKind::Comparison => "comparison",
        MessageKind::Heartbeat => "heartbeat",
        MessageKind::Poll => "poll",
        MessageKind::Connection => "connection",
    }
}

/// Returns why a message was dropped.
pub fn drop_cause(cause: DropCause) -> &'static str {
    match cause {
        DropCause::Loss => "lost by the link",
        DropCause::Disturbance => "link disturbed",
        DropCause::LinkCut => "link cut",
        DropCause::ReceiverDown => "receiver down",
    }
}

/// Returns why a service refused an operation.
pub fn refusal(cause: Refusal) -> &'static str {
    match cause {
        Refusal::QueueFull => "its queue is full",
        Refusal::NotAsExpected => "the key does not have the expected value",
        Refusal::WrongType => "the key has a value of another type",
        Refusal::CalleeSilent => "a service that it calls did not answer in time",
        Refusal::CalleeRefused => "a service that it calls refused",
        Refusal::ServiceDown => "it is down",
        Refusal::NotOffered => "it does not support this operation",
        Refusal::NoLeader => "it does not lead its group",
        Refusal::TooFewReplicas => "too few replicas answered in time",
        Refusal::OutOfRange => "the sum would be beyond 2^53",
        Refusal::NotPromised => "a participant did not prepare in time",
    }
}

/// The kind of an operation.
pub fn operation_kind(kind: OperationKind) -> &'static str {
    match kind {
        OperationKind::Read => "read",
        OperationKind::Write => "write",
        OperationKind::Add => "add",
        OperationKind::Remove => "remove",
        OperationKind::Increment => "increment",
        OperationKind::CompareAndSet => "compare-and-set",
        OperationKind::Delete => "delete",
        OperationKind::Put => "put",
        OperationKind::Insert => "insert",
        OperationKind::RemoveAt => "remove at",
    }
}

/// How an operation ended.
pub fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ok => "ok",
        Outcome::Fail => "fail",
        Outcome::Unknown => "unknown",
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

/// A number with at most two decimals, without trailing zeros.
pub fn trimmed(x: f64) -> String {
    let text = if x < 10.0 { format!("{x:.2}") } else { format!("{x:.1}") };
    text.trim_end_matches('0').trim_end_matches('.').to_string()
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
}
