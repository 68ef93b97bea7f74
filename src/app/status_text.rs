//! The status of members and faults in a few words.

use crate::session::labels;
use crate::session::protocol::{CopyState, FaultKind, LastOperation, MemberView, OperationRequest, ServiceView};
use crate::text;
use crate::trace::{OperationKind, Outcome};

/// An active fault: `frozen`, `clock −300 ms`.
pub fn fault(kind: FaultKind) -> String {
    match kind {
        FaultKind::Disturbed => text!("disturbed").into(),
        FaultKind::Paused => text!("frozen").into(),
        FaultKind::Slowed { permille } => text!("{} × as long", labels::trimmed(f64::from(permille) / 1000.0)),
        FaultKind::ClockOff { ahead } => {
            let sign = if ahead < 0 { "−" } else { "+" };
            text!("clock {}{}", sign, labels::duration(ahead.unsigned_abs()))
        }
        FaultKind::BusStopped => text!("stopped").into(),
        FaultKind::OutOfGroup => text!("out of its group").into(),
        FaultKind::OutOfSync { in_sync, replicas } => text!("{} of {} in sync", in_sync, replicas),
        FaultKind::BrokerDown { broker } => text!("broker {} down", broker),
    }
}

/// A member of a replica group: `leads, term 3 · log 5, 4 committed`.
pub fn member(member: &MemberView) -> String {
    let mut parts = Vec::new();
    if let Some(term) = member.leads {
        parts.push(text!("leads, term {}", term));
    }
    match (member.last_entry, member.committed) {
        (0, _) => {}
        (last, committed) if last == committed => parts.push(text!("log {}", last)),
        (last, committed) => parts.push(text!("log {}, {} committed", last, committed)),
    }
    if member.hints > 0 {
        parts.push(labels::count(member.hints.into(), text!("hint"), text!("hints")));
    }
    if member.prepared {
        parts.push(text!("prepared, locked").into());
    }
    if let Some(tree) = &member.comparison {
        parts.push(text!("{} of {} hashes differ, level {}", tree.differing, tree.compared, tree.level));
    }
    parts.join(" · ")
}

/// The work of a service and its part in its group: `2 busy · 1 waiting`; `idle` for a consistent service without work.
pub fn service(service: &ServiceView) -> String {
    let member = service.member.as_ref().map(self::member);
    let counts = [
        (u64::from(service.busy), text!("busy")),
        (u64::from(service.waiting), text!("waiting")),
        (u64::from(service.blocked), text!("blocked")),
        (service.applied_already, text!("already applied")),
    ];
    let counts = counts.into_iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}"));
    let parts: Vec<String> = member.into_iter().chain(counts).collect();
    if parts.is_empty() && service.state == CopyState::Consistent { text!("idle").into() } else { parts.join(" · ") }
}

/// The last operation of a client: `read widget → 42`, `write widget = 42`.
pub fn last_operation(last: &LastOperation) -> String {
    let OperationRequest { kind, key, value } = &last.request;
    let text = value.as_ref().map_or(text!("nothing").to_string(), ToString::to_string);
    match kind {
        OperationKind::Read => match (last.refusal, last.outcome) {
            (Some(refusal), _) => text!("read {} → {}", key, labels::short_refusal(refusal)),
            (None, Outcome::Unknown) => text!("read {} → no reply", key),
            (None, Outcome::Ok | Outcome::Fail) => text!("read {} → {}", key, text),
        },
        OperationKind::Write => text!("write {} = {}", key, text),
        OperationKind::Delete => text!("delete {}", key),
        OperationKind::Add
        | OperationKind::Remove
        | OperationKind::Put
        | OperationKind::Insert
        | OperationKind::RemoveAt
        | OperationKind::Increment
        | OperationKind::CompareAndSet => format!("{} {key} {text}", labels::operation_kind(*kind)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn member_status_names_role_log_and_hints() {
        let view = MemberView { leads: Some(3), last_entry: 5, committed: 4, hints: 2, ..MemberView::default() };
        assert_eq!(member(&view), "leads, term 3 · log 5, 4 committed · 2 hints");
        assert_eq!(fault(FaultKind::ClockOff { ahead: -300_000 }), "clock −300 ms");
        assert_eq!(fault(FaultKind::Slowed { permille: 10_000 }), "10 × as long");
    }
}
