use super::Staleness;
use super::recent::Recent;
use crate::scenario::{Micros, Value};
use crate::trace::{Fact, KeyId, NodeId, OperationId, OperationKind, Outcome, Record, Refusal, Version};
use std::collections::{BTreeMap, BTreeSet};

/// An operation that is awaited.
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
    /// When that one was.
    acknowledged_at: Option<Micros>,
    /// For a read: acknowledged updates that it did not reflect, and when the oldest of them was.
    missed: (u32, Micros),
    refusal: Option<Refusal>,
}

/// An operation that ended for its client.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    /// The operation.
    pub operation: OperationId,
    /// The service that was asked.
    pub to: NodeId,
    /// What was asked.
    pub kind: OperationKind,
    /// The key.
    pub key: KeyId,
    /// What was to be written; for a read what it returned.
    pub value: Option<Value>,
    /// How it ended.
    pub outcome: Outcome,
    /// Why the service refused it.
    pub refusal: Option<Refusal>,
    /// When it was issued.
    pub issued: Micros,
    /// From then to its end.
    pub took: Micros,
    /// A read whose state did not reflect an update acknowledged before it was issued.
    pub stale: bool,
    /// For a stale read: how many such updates (k-staleness).
    pub behind: u32,
    /// For a stale read: how long before its issue the oldest of them was acknowledged (t-staleness).
    pub stale_for: Micros,
    /// For a read: how long before its issue the newest update that concerns it was acknowledged.
    pub since_acknowledged: Option<Micros>,
}

/// How a client's operations ended. The person at the page counts as a client of the service itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// Awaited.
    pub pending: u32,
    /// Ended as ok.
    pub ok: u64,
    /// Ended as fail.
    pub fail: u64,
    /// Ended as unknown.
    pub unknown: u64,
    /// Reads that ended as ok.
    pub reads: u64,
    /// Stale ones among them.
    pub stale_reads: u64,
    /// The one that ended last.
    pub last: Option<Ended>,
}

/// What an operation asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// What was asked.
    pub kind: OperationKind,
    /// The key.
    pub key: KeyId,
    /// What was to be written, added, removed; the number to add.
    pub value: Option<Value>,
}

/// What became of each client's operations.
#[derive(Clone, Debug, Default)]
pub struct Operations {
    recent: Recent<Asked>,
    pending: BTreeMap<OperationId, Pending>,
    tallies: BTreeMap<NodeId, Tally>,
    changed: BTreeSet<NodeId>,
    /// Whose operation ended last.
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
                self.recent.push(Asked { kind: *kind, key: *key, value: value.clone() });
                self.tally(*by).pending += 1;
            }
            // Nobody's, but it has a number.
            Fact::EventWriteStarted { key, adds, .. } => {
                let kind = if *adds { OperationKind::Increment } else { OperationKind::Write };
                self.recent.push(Asked { kind, key: *key, value: None });
            }
            Fact::ReadServed { operation, node, version, value, context, .. } => {
                if let Some(pending) = self.pending.get_mut(operation) {
                    pending.value = value.clone();
                    pending.missed = (0, 0);
                    if context.is_some() || *version < pending.acknowledged {
                        pending.missed = copies.missed(pending.key, *node, *version, context.as_ref(), pending.issued);
                    }
                }
            }
            Fact::OperationRefused { operation, cause, .. } => {
                if let Some(pending) = self.pending.get_mut(operation) {
                    pending.refusal = Some(*cause);
                }
            }
            Fact::OperationEnded { operation, outcome } => self.end(record.at, *operation, *outcome),
            _ => {}
        }
    }

    fn end(&mut self, at: Micros, operation: OperationId, outcome: Outcome) {
        let Some(pending) = self.pending.remove(&operation) else { return };
        self.last = Some(pending.by);
        let tally = self.tally(pending.by);
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
        tally.last = Some(Ended {
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

    fn tally(&mut self, client: NodeId) -> &mut Tally {
        self.changed.insert(client);
        self.tallies.entry(client).or_default()
    }

    /// What an operation asked, if it is remembered. Operation ids are dense.
    pub fn recall(&self, operation: OperationId) -> Option<&Asked> {
        self.recent.get(operation.0.into())
    }

    /// How a client's operations ended.
    pub fn get(&self, client: NodeId) -> Option<&Tally> {
        self.tallies.get(&client)
    }

    /// All who ever issued an operation.
    pub fn iter(&self) -> impl Iterator<Item = (NodeId, &Tally)> {
        self.tallies.iter().map(|(node, tally)| (*node, tally))
    }

    /// The operation that ended last.
    pub fn last(&self) -> Option<&Ended> {
        self.tallies.get(&self.last?)?.last.as_ref()
    }

    /// Reads that are awaited, and all operations that are.
    pub fn pending_reads(&self) -> (u64, u64) {
        let reads = self.pending.values().filter(|pending| pending.kind == OperationKind::Read).count();
        (reads as u64, self.pending.len() as u64)
    }

    /// Operations that are awaited.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Those whose numbers changed since the last call.
    pub fn take_changed(&mut self) -> BTreeSet<NodeId> {
        std::mem::take(&mut self.changed)
    }
}
