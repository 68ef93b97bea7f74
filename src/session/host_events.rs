//! The events of a run for the host page.

use super::content;
use super::protocol::{Change, HostEvent, HostEventKind, HostMessage, Report};
use super::run::Run;
use crate::trace::{Fact, MessageId, OperationId, OperationKind, Outcome, facts_about};

/// The greatest number of records that one answer covers.
const MOST_RECORDS: usize = 20_000;

/// Reports what happened since a record, by its index.
pub(super) fn since(run: &Run, from: u64) -> Report {
    let trace = run.engine().trace();
    let from = from.max(trace.oldest());
    let mut events = Vec::new();
    let mut next = from;
    for record in trace.since(from).take(MOST_RECORDS) {
        let kind = kind(run, next, &record.fact);
        events.extend(kind.map(|kind| HostEvent { at: record.at, kind }));
        next += 1;
    }
    Report::HostEvents { next, events }
}

fn kind(run: &Run, index: u64, fact: &Fact) -> Option<HostEventKind> {
    let names = run.engine().names();
    match fact {
        Fact::UpdateCommitted { node, key, version, value, .. } => {
            let change = Change { key: names.key(*key).into(), value: Some(value.clone()), version: *version };
            Some(HostEventKind::Published { node: *node, change })
        }
        Fact::WriteCoordinated { node, key, version, value, .. } => {
            let change = Change { key: names.key(*key).into(), value: value.clone(), version: *version };
            Some(HostEventKind::Published { node: *node, change })
        }
        Fact::MessageDelivered { message } => Some(HostEventKind::Delivered(host_message(run, *message)?)),
        Fact::MessageDropped { message, cause } => {
            Some(HostEventKind::Dropped { message: host_message(run, *message)?, cause: *cause })
        }
        Fact::OperationEnded { operation, outcome: Outcome::Ok } => read(run, index, *operation),
        // Faults and recoveries are marks of the timeline, and states of copies are in the frames.
        facts_about!(declarations, events, faults, repair, leaders, transactions)
        | Fact::OperationIssued { .. }
        | Fact::ReadServed { .. }
        | Fact::OperationRefused { .. }
        | Fact::OperationEnded { .. }
        | Fact::UpdateProposed { .. }
        | Fact::UpdateAcknowledged { .. }
        | Fact::UpdateApplied { .. }
        | Fact::MessageSent { .. }
        | Fact::MessageDuplicated { .. }
        | Fact::KeyPlaced { .. }
        | Fact::ReplicaStored { .. }
        | Fact::StateMerged { .. }
        | Fact::WriteRolledBack { .. } => None,
    }
}

fn host_message(run: &Run, message: MessageId) -> Option<HostMessage> {
    let info = run.analysis().messages.recall(message)?;
    let update = info.update.map(|update| content::update(update, run.analysis(), run.engine().names()));
    let key = update.and_then(|update| update.change).map(|change| change.key);
    Some(HostMessage { from: info.from, to: info.to, kind: info.kind, key })
}

/// A read that ended at a record. The replica is the one whose version the read returned: the newest that was read.
fn read(run: &Run, index: u64, operation: OperationId) -> Option<HostEventKind> {
    let (trace, analysis) = (run.engine().trace(), run.analysis());
    let info = analysis.operations.recall(operation).filter(|info| info.kind == OperationKind::Read)?;
    let timed = run.timed().find(|timed| timed.operation == operation)?;
    let earlier = (trace.oldest()..index).rev().map_while(|index| trace.get(index));
    let served = earlier.take_while(|record| record.at >= timed.at).filter_map(|record| {
        let Fact::ReadServed { operation: read, node, version, .. } = &record.fact else { return None };
        (*read == operation).then_some((*version, *node))
    });
    let (version, replica) = served.max_by_key(|(version, _)| *version)?;
    let key = run.engine().names().key(info.key).into();
    Some(HostEventKind::Read { by: info.by, replica, key, version, behind: timed.behind })
}
