//! The events of a run for the host page.

use super::content;
use super::protocol::{Change, HostEvent, HostEventKind, HostMessage, Report};
use super::run::Run;
use crate::trace::{Fact, MessageId, NodeId, OperationId, OperationKind, Outcome, Version, facts_about};
use std::collections::BTreeMap;

/// The maximum number of records that one answer covers.
const MAX_RECORDS: usize = 20_000;

/// Reports what happened since a record, by its index.
pub(super) fn since(run: &Run, from: u64) -> Report {
    let trace = run.engine().trace();
    let from = from.max(trace.oldest());
    let mut events = Vec::new();
    let mut next = from;
    // Reads that end now may have been served a while before.
    let before = from.saturating_sub(MAX_RECORDS as u64).max(trace.oldest());
    let behind = run.timed().map(|timed| (timed.operation, timed.behind)).collect();
    let mut reads = Reads { served: BTreeMap::new(), behind };
    let earlier = usize::try_from(from - before).unwrap_or(MAX_RECORDS);
    trace.since(before).take(earlier).for_each(|record| reads.observe(&record.fact));
    for record in trace.since(from).take(MAX_RECORDS) {
        reads.observe(&record.fact);
        let kind = kind(run, &reads, &record.fact);
        events.extend(kind.map(|kind| HostEvent { at: record.at, kind }));
        next += 1;
    }
    Report::HostEvents { next, events }
}

/// The known reads.
struct Reads {
    /// The newest version that a replica returned, and the replica.
    served: BTreeMap<OperationId, (Version, NodeId)>,
    /// The number of updates that each of the reads that ended last did not reflect.
    behind: BTreeMap<OperationId, u32>,
}

impl Reads {
    fn observe(&mut self, fact: &Fact) {
        if let Fact::ReadServed { operation, node, version, .. } = fact {
            let newest = self.served.entry(*operation).or_insert((*version, *node));
            // Of several with the same version, the first counts.
            if *version > newest.0 {
                *newest = (*version, *node);
            }
        }
    }
}

fn kind(run: &Run, reads: &Reads, fact: &Fact) -> Option<HostEventKind> {
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
        Fact::OperationEnded { operation, outcome: Outcome::Ok } => read(run, reads, *operation),
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
fn read(run: &Run, reads: &Reads, operation: OperationId) -> Option<HostEventKind> {
    let info = run.analysis().operations.recall(operation).filter(|info| info.kind == OperationKind::Read)?;
    let behind = *reads.behind.get(&operation)?;
    let (version, replica) = *reads.served.get(&operation)?;
    let key = run.engine().names().key(info.key).into();
    Some(HostEventKind::Read { by: info.by, replica, key, version, behind })
}
