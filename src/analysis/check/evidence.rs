//! The evidence for a guarantee: a history without operations that could violate it does not show that it holds.

use super::guarantee::{GUARANTEES, Guarantee};
use crate::analysis::history::{History, Operation, Output};
use crate::language::{phrase, sentence};
use crate::trace::Outcome;
use std::collections::BTreeMap;

/// A summary of the operations of one process.
#[derive(Default)]
struct Session {
    /// Whether it read a key after it had changed it.
    reads_own_change: bool,
    /// The keys that it changed.
    changed: Vec<u32>,
    reads: u32,
    changes: u32,
    changes_after_read: bool,
}

fn is_read(operation: &Operation) -> bool {
    operation.output != Output::Nothing && operation.outcome == Outcome::Ok
}

/// Returns why a history without a violation does not show that a guarantee holds; none if it could have violated it.
pub(super) fn missing(history: &History, guarantee: Guarantee) -> Option<String> {
    let whole = missing_of(history, guarantee);
    if whole.is_some() || guarantee != Guarantee::Session {
        return whole.map(String::from);
    }
    // The whole holds only if each of its parts does.
    let is_part = |guarantee: &Guarantee| {
        matches!(
            guarantee,
            Guarantee::ReadYourWrites
                | Guarantee::MonotonicReads
                | Guarantee::MonotonicWrites
                | Guarantee::WritesFollowReads
        )
    };
    let parts = GUARANTEES.iter().filter(|(_, guarantee)| is_part(guarantee));
    let unknown: Vec<String> =
        parts.filter_map(|(name, part)| missing_of(history, *part).map(|why| format!("{name} ({why})"))).collect();
    (!unknown.is_empty()).then(|| sentence!("no operation shows {}", "keine Operation zeigt {}", unknown.join(", ")))
}

/// The same for one guarantee, without the guarantees that it consists of.
fn missing_of(history: &History, guarantee: Guarantee) -> Option<&'static str> {
    let operations = &history.operations;
    if guarantee == Guarantee::NoLostUpdate {
        return missing_loss(history);
    }
    let is_compare_and_set = |change: &Operation| {
        change.acknowledged() && change.invocation.leaves().is_some() && !change.invocation.is_blind()
    };
    if !operations.iter().any(|operation| is_read(operation) || is_compare_and_set(operation)) {
        return Some(phrase("no read returned a value", "kein Lesevorgang hat einen Wert geliefert"));
    }
    let sessions = sessions(history);
    let any_session = |has: &dyn Fn(&Session) -> bool| sessions.values().any(has);
    let own = any_session(&|session| session.reads_own_change);
    let reads = any_session(&|session| session.reads > 1);
    let writes = any_session(&|session| session.changes > 1);
    let follow = any_session(&|session| session.changes_after_read);
    match guarantee {
        Guarantee::ReadYourWrites if !own => Some(phrase(
            "no process read a key after it had changed it",
            "kein Prozess hat einen Schlüssel gelesen, nachdem er ihn geändert hatte",
        )),
        Guarantee::MonotonicReads if !reads => {
            Some(phrase("no process read twice", "kein Prozess hat zweimal gelesen"))
        }
        Guarantee::MonotonicWrites if !writes => {
            Some(phrase("no process made two changes", "kein Prozess hat zwei Änderungen gemacht"))
        }
        Guarantee::WritesFollowReads if !follow => Some(phrase(
            "no process made a change after a read",
            "kein Prozess hat nach einem Lesevorgang etwas geändert",
        )),
        Guarantee::Session if sessions.values().all(|session| session.reads + session.changes < 2) => {
            Some(phrase("no process has two operations", "kein Prozess hat zwei Operationen"))
        }
        Guarantee::BoundedStaleness { .. } if !operations.iter().any(Operation::acknowledged) => {
            Some(phrase("no change was acknowledged", "keine Änderung wurde bestätigt"))
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

/// Returns why the history does not show that no update was lost. None if an operation read a key after a change of the key was
/// acknowledged; or if the servers report the changes that they lost, and a key has two acknowledged changes, of which one could
/// have overwritten the other blindly, or one and a failed compare-and-set.
fn missing_loss(history: &History) -> Option<&'static str> {
    let operations = &history.operations;
    // For each key, the end of the acknowledged change that ended first, and the number of acknowledged changes.
    let mut changes: BTreeMap<u32, (u32, u32)> = BTreeMap::new();
    for change in operations.iter().filter(|operation| operation.acknowledged()) {
        let (first, count) = changes.entry(change.key).or_insert((change.ended, 0));
        (*first, *count) = (change.ended.min(*first), *count + 1);
    }
    if changes.is_empty() {
        return Some(phrase("no change was acknowledged", "keine Änderung wurde bestätigt"));
    }
    let reads =
        |operation: &Operation| is_read(operation) || (operation.acknowledged() && !operation.invocation.is_blind());
    let is_later =
        |operation: &Operation| changes.get(&operation.key).is_some_and(|(first, _)| *first < operation.invoked);
    let is_read_later = operations.iter().any(|operation| reads(operation) && is_later(operation));
    let is_refused = |key: u32| {
        let fails = |change: &Operation| change.outcome == Outcome::Fail && !change.invocation.is_blind();
        let mut changes = operations.iter().filter(|operation| operation.key == key && operation.invocation.changes());
        changes.any(fails)
    };
    let is_known = history.lost.is_some() && changes.iter().any(|(key, (_, count))| *count > 1 || is_refused(*key));
    (!is_read_later && !is_known).then(|| {
        phrase(
            "no operation read a key after a change of it was acknowledged",
            "keine Operation hat einen Schlüssel gelesen, nachdem eine Änderung von ihm bestätigt war",
        )
    })
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
