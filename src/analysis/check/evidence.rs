//! What a verdict rests on: without operations that could violate a guarantee, the history does not show that it holds.

use super::guarantee::Guarantee;
use crate::analysis::history::{History, Operation, Output};
use crate::trace::Outcome;
use std::collections::BTreeMap;

/// What the operations of a process contain.
#[derive(Default)]
struct Session {
    /// Keys that it changed, and whether it read them afterwards.
    reads_own_change: bool,
    changed: Vec<u32>,
    reads: u32,
    changes: u32,
    changes_after_read: bool,
}

fn is_read(operation: &Operation) -> bool {
    operation.output != Output::Nothing && operation.outcome == Outcome::Ok
}

/// Returns why a guarantee that no operation violates is not shown to hold; none if the history could have violated it.
pub(super) fn missing(history: &History, guarantee: Guarantee) -> Option<&'static str> {
    let operations = &history.operations;
    let is_swap = |it: &Operation| it.acknowledged() && it.invocation.leaves().is_some() && !it.invocation.is_blind();
    if !operations.iter().any(|operation| is_read(operation) || is_swap(operation)) {
        return Some("no read returned a value");
    }
    let sessions = sessions(history);
    let any = |has: &dyn Fn(&Session) -> bool| sessions.values().any(has);
    let own = any(&|session| session.reads_own_change);
    let reads = any(&|session| session.reads > 1);
    let writes = any(&|session| session.changes > 1);
    let follow = any(&|session| session.changes_after_read);
    match guarantee {
        Guarantee::ReadYourWrites if !own => Some("no process read a key after it had changed it"),
        Guarantee::MonotonicReads if !reads => Some("no process read twice"),
        Guarantee::MonotonicWrites if !writes => Some("no process made two changes"),
        Guarantee::WritesFollowReads if !follow => Some("no process made a change after a read"),
        Guarantee::Session if !(own || reads || writes || follow) => Some("no process has two operations"),
        Guarantee::BoundedStaleness { .. } if !operations.iter().any(Operation::acknowledged) => {
            Some("no change was acknowledged")
        }
        Guarantee::NoLostUpdate if !operations.iter().any(Operation::acknowledged) => {
            Some("no change was acknowledged")
        }
        Guarantee::ReadYourWrites
        | Guarantee::MonotonicReads
        | Guarantee::MonotonicWrites
        | Guarantee::WritesFollowReads
        | Guarantee::Session
        | Guarantee::BoundedStaleness { .. }
        | Guarantee::NoLostUpdate
        | Guarantee::Linearizable
        | Guarantee::Sequential
        | Guarantee::Regular
        | Guarantee::Causal => None,
    }
}

fn sessions(history: &History) -> BTreeMap<u32, Session> {
    let mut sessions: BTreeMap<u32, Session> = BTreeMap::new();
    for operation in &history.operations {
        let session = sessions.entry(operation.process).or_default();
        if is_read(operation) {
            session.reads_own_change |= session.changed.contains(&operation.key);
            session.reads += 1;
        } else if operation.invocation.changes() && operation.outcome != Outcome::Fail {
            if !session.changed.contains(&operation.key) {
                session.changed.push(operation.key);
            }
            session.changes += 1;
            session.changes_after_read |= session.reads > 0;
        }
    }
    sessions
}
