use super::recent::Recent;
use super::staleness::Staleness;
use crate::scenario::{Micros, Value};
use crate::trace::{
    Fact, KeyId, NodeId, NodeSet, OperationId, OperationKind, Outcome, Record, Refusal, Version, facts_about,
};
use litemap::LiteMap;
use std::collections::BTreeMap;

/// An operation that has not ended.
#[derive(Clone, Debug)]
struct Pending {
    by: NodeId,
    to: NodeId,
    kind: OperationKind,
    key: KeyId,
    value: Option<Value>,
    issued: Micros,
    /// For a read: the newest version that had been acknowledged when it was issued.
    acknowledged: Version,
    /// When that version was acknowledged.
    acknowledged_at: Option<Micros>,
    /// For a read: number of acknowledged updates that it did not reflect, and when the oldest of them was acknowledged.
    missed: (u32, Micros),
    refusal: Option<Refusal>,
}

/// An operation that ended for its client.
#[derive(Clone, Debug, PartialEq)]
pub struct EndedOperation {
    /// The operation.
    pub operation: OperationId,
    /// The service that it was sent to.
    pub to: NodeId,
    /// Its kind.
    pub kind: OperationKind,
    /// The key.
    pub key: KeyId,
    /// The value to write; for a read the returned value.
    pub value: Option<Value>,
    /// Its outcome.
    pub outcome: Outcome,
    /// Why the service refused it.
    pub refusal: Option<Refusal>,
    /// When it was issued.
    pub issued: Micros,
    /// Its latency.
    pub took: Micros,
    /// Whether it is a read that did not reflect an update acknowledged before the read was issued.
    pub stale: bool,
    /// For a stale read: the number of such updates (k-staleness).
    pub behind: u32,
    /// For a stale read: time from the acknowledgement of the oldest of them until the read was issued (t-staleness).
    pub stale_for: Micros,
    /// For a read: time from the newest acknowledgement of an update of its key until the read was issued.
    pub since_acknowledged: Option<Micros>,
}

/// A client's operations, counted by outcome. Operations of the page's user count under the service that they were sent to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OperationTally {
    /// Pending operations.
    pub pending: u32,
    /// Operations that ended `ok`.
    pub ok: u64,
    /// Operations that ended `fail`.
    pub fail: u64,
    /// Operations that ended `unknown`.
    pub unknown: u64,
    /// Reads that ended `ok`.
    pub reads: u64,
    /// Stale reads among them.
    pub stale_reads: u64,
    /// The operation that ended last.
    pub last: Option<EndedOperation>,
}

/// The content of an operation.
#[derive(Clone, Debug, PartialEq)]
pub struct OperationInfo {
    /// The client that issued it, or the service itself.
    pub by: NodeId,
    /// Its kind.
    pub kind: OperationKind,
    /// The key.
    pub key: KeyId,
    /// The value to write, add or remove; the number to add.
    pub value: Option<Value>,
}

/// The operations of all clients.
#[derive(Clone, Debug, Default)]
pub struct Operations {
    recent: Recent<OperationInfo>,
    pending: BTreeMap<OperationId, Pending>,
    tallies: LiteMap<NodeId, OperationTally>,
    changed: NodeSet,
    /// The client whose operation ended last.
    last: Option<NodeId>,
}

impl Operations {
    pub(super) fn observe(&mut self, record: &Record, copies: &Staleness) {
        match &record.fact {
            Fact::OperationIssued { operation, by, to, kind, key, value, .. } => {
                let pending = Pending {
                    by: *by,
                    to: *to,
                    kind: *kind,
                    key: *key,
                    value: value.clone(),
                    issued: record.at,
                    acknowledged: copies.newest_acknowledged(*key, *to),
                    acknowledged_at: copies.newest_acknowledged_at(*key, *to),
                    missed: (0, 0),
                    refusal: None,
                };
                self.pending.insert(*operation, pending);
                self.recent.push(OperationInfo { by: *by, kind: *kind, key: *key, value: value.clone() });
                self.tally(*by).pending += 1;
            }
            // No client issued it, but it has an operation id.
            Fact::EventWriteStarted { node, key, adds, .. } => {
                let kind = if *adds { OperationKind::Increment } else { OperationKind::Write };
                self.recent.push(OperationInfo { by: *node, kind, key: *key, value: None });
            }
            Fact::ReadServed { operation, node, version, value, context, .. } => {
                if let Some(pending) = self.pending.get_mut(operation) {
                    pending.value = value.clone();
                    pending.missed = (0, 0);
                    let version = copies.reflected_by_read(pending.key, *version);
                    if context.is_some() || version < pending.acknowledged {
                        pending.missed =
                            copies.missed_updates(pending.key, *node, version, context.as_ref(), pending.issued);
                    }
                }
            }
            Fact::OperationRefused { operation, cause, .. } => {
                if let Some(pending) = self.pending.get_mut(operation) {
                    pending.refusal = Some(*cause);
                }
            }
            Fact::OperationEnded { operation, outcome } => self.end(record.at, *operation, *outcome),
            facts_about!(
                declarations,
                updates,
                messages,
                publishers,
                publications,
                queues,
                attachments,
                faults,
                groups
            )
            | Fact::HandlingFailed { .. }
            | Fact::InboxHit { .. }
            | Fact::EventWriteEnded { .. } => {}
        }
    }

    fn end(&mut self, at: Micros, operation: OperationId, outcome: Outcome) {
        let Some(pending) = self.pending.remove(&operation) else { return };
        self.last = Some(pending.by);
        let tally = self.tally(pending.by);
        debug_assert!(tally.pending > 0, "the operation was counted as pending");
        debug_assert!(pending.issued <= at, "an operation is issued before it ends");
        tally.pending -= 1;
        match outcome {
            Outcome::Ok => tally.ok += 1,
            Outcome::Fail => tally.fail += 1,
            Outcome::Unknown => tally.unknown += 1,
        }
        let read = pending.kind == OperationKind::Read;
        let (behind, oldest) = pending.missed;
        let stale = read && outcome == Outcome::Ok && behind > 0;
        if read && outcome == Outcome::Ok {
            tally.reads += 1;
            tally.stale_reads += u64::from(stale);
        }
        tally.last = Some(EndedOperation {
            operation,
            to: pending.to,
            kind: pending.kind,
            key: pending.key,
            value: pending.value,
            outcome,
            refusal: pending.refusal,
            issued: pending.issued,
            took: at - pending.issued,
            stale,
            behind,
            stale_for: if stale { pending.issued.saturating_sub(oldest) } else { 0 },
            since_acknowledged: pending.acknowledged_at.filter(|_| read).map(|then| pending.issued - then),
        });
    }

    fn tally(&mut self, client: NodeId) -> &mut OperationTally {
        self.changed.insert(client, ());
        self.tallies.entry(client).or_default()
    }

    /// Returns the content of an operation, if it is one of those that are kept, the newest ones.
    pub fn recall(&self, operation: OperationId) -> Option<&OperationInfo> {
        self.recent.get(operation.0.into())
    }

    /// Returns the counts of a client's operations.
    pub fn get(&self, client: NodeId) -> Option<&OperationTally> {
        self.tallies.get(&client)
    }

    /// Iterates over the clients that issued an operation.
    pub fn iter(&self) -> impl Iterator<Item = (NodeId, &OperationTally)> {
        self.tallies.iter().map(|(node, tally)| (*node, tally))
    }

    /// Returns the operation that ended last.
    pub fn last(&self) -> Option<&EndedOperation> {
        self.tallies.get(&self.last?)?.last.as_ref()
    }

    /// Returns the number of pending reads and of all pending operations.
    pub fn pending_reads(&self) -> (u64, u64) {
        let reads = self.pending.values().filter(|pending| pending.kind == OperationKind::Read).count();
        (reads as u64, self.pending.len() as u64)
    }

    /// Iterates over the pending operations: who issued each, and the service or group that it is sent to.
    pub(super) fn pending_paths(&self) -> impl Iterator<Item = (NodeId, NodeId)> {
        self.pending.values().map(|pending| (pending.by, pending.to))
    }

    /// Returns the number of pending operations.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Returns the clients whose counts changed since the last call.
    pub fn take_changed(&mut self) -> NodeSet {
        std::mem::take(&mut self.changed)
    }
}
