use super::messages::Messages;
use super::recent::Recent;
use super::staleness::Staleness;
use crate::scenario::{Micros, Value};
use crate::trace::{
    Fact, KeyId, MessageKind, NodeId, NodeSet, OperationId, OperationKind, Outcome, Record, Refusal, Version,
    facts_about,
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
    /// The newest version that had been acknowledged when a read was issued.
    acknowledged: Version,
    /// When that version was acknowledged.
    acknowledged_at: Option<Micros>,
    /// The number of acknowledged updates that a read did not reflect, and when the oldest of them was acknowledged.
    missed: (u32, Micros),
    refusal: Option<Refusal>,
    /// Whether its client knows of the refusal.
    is_answered: bool,
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
    /// Why the service refused it, if its client knows.
    pub refusal: Option<Refusal>,
    /// When it was issued.
    pub issued: Micros,
    /// Its latency.
    pub took: Micros,
    /// Whether it is a read that did not reflect an update acknowledged before the read was issued.
    pub stale: bool,
    /// The number of such updates that a stale read missed (k-staleness).
    pub behind: u32,
    /// The time from the acknowledgement of the oldest of them until a stale read was issued (t-staleness).
    pub stale_for: Micros,
    /// The time from the newest acknowledgement of an update of its key until a read was issued.
    pub since_acknowledged: Option<Micros>,
}

/// The operations of a client, the calls of a service, or the operations that were issued on the page at a service, counted by
/// outcome.
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
    /// The service or group that it was sent to.
    pub to: NodeId,
    /// Its kind.
    pub kind: OperationKind,
    /// The key.
    pub key: KeyId,
    /// The value to write, add or remove; the number to add.
    pub value: Option<Value>,
    /// Whether it ended `unknown` because a refusal reached its client, and not for lack of a reply.
    pub is_refused: bool,
}

/// The issuer of operations: a client or a calling service, or the user of the page at a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Issuer {
    node: NodeId,
    is_page: bool,
}

impl Issuer {
    fn of(by: NodeId, to: NodeId) -> Self {
        // On the page, operations are issued at the service itself.
        Issuer { node: by, is_page: by == to }
    }
}

impl Pending {
    fn issuer(&self) -> Issuer {
        Issuer::of(self.by, self.to)
    }
}

/// The operations of clients: of nodes that are clients, and of the script and the page at services. The calls of services, which
/// have ids and outcomes too, are counted separately.
#[derive(Clone, Debug, Default)]
pub struct Operations {
    /// The number of services, which are the first nodes.
    services: u32,
    recent: Recent<OperationInfo>,
    pending: BTreeMap<OperationId, Pending>,
    tallies: LiteMap<Issuer, OperationTally>,
    changed: NodeSet,
    /// The issuer of the operation that ended last.
    last: Option<Issuer>,
}

impl Operations {
    /// Returns those of a run that has not begun, whose first `services` nodes are services.
    pub(super) fn new(services: u32) -> Self {
        Operations { services, ..Operations::default() }
    }

    pub(super) fn observe(&mut self, record: &Record, copies: &Staleness, messages: &Messages) {
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
                    is_answered: false,
                };
                self.tally(pending.issuer()).pending += 1;
                self.pending.insert(*operation, pending);
                let value = value.clone();
                let (by, to, kind, key) = (*by, *to, *kind, *key);
                self.recent.push(OperationInfo { by, to, kind, key, value, is_refused: false });
            }
            // No client issued it, but it has an operation id.
            Fact::EventWriteStarted { node, key, adds, .. } => {
                let kind = if *adds { OperationKind::Increment } else { OperationKind::Write };
                let (by, to, key) = (*node, *node, *key);
                self.recent.push(OperationInfo { by, to, kind, key, value: None, is_refused: false });
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
            Fact::OperationRefused { operation, cause, node } => {
                if let Some(pending) = self.pending.get_mut(operation) {
                    pending.refusal = Some(*cause);
                    // No message reports it to the page, or to a client that coordinates itself.
                    pending.is_answered = *node == pending.by;
                }
            }
            Fact::MessageDelivered { message } => {
                let Some(reply) = messages.get(*message).filter(|message| message.kind == MessageKind::Reply) else {
                    return;
                };
                if let Some(pending) = reply.operation.and_then(|operation| self.pending.get_mut(&operation)) {
                    pending.is_answered |= pending.refusal.is_some() && reply.to == pending.by;
                }
            }
            Fact::OperationEnded { operation, outcome } => self.end(record.at, *operation, *outcome),
            facts_about!(declarations, updates, publishers, publications, queues, attachments, faults, groups)
            | Fact::MessageSent { .. }
            | Fact::MessageDuplicated { .. }
            | Fact::MessageDropped { .. }
            | Fact::HandlingFailed { .. }
            | Fact::DeliveryDiscarded { .. }
            | Fact::InboxHit { .. }
            | Fact::EventWriteEnded { .. } => {}
        }
    }

    fn end(&mut self, at: Micros, operation: OperationId, outcome: Outcome) {
        let Some(pending) = self.pending.remove(&operation) else { return };
        if outcome == Outcome::Unknown
            && pending.is_answered
            && let Some(info) = self.recent.get_mut(operation.0.into())
        {
            info.is_refused = true;
        }
        self.last = Some(pending.issuer());
        let tally = self.tally(pending.issuer());
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
            refusal: pending.refusal.filter(|_| outcome != Outcome::Unknown || pending.is_answered),
            issued: pending.issued,
            took: at - pending.issued,
            stale,
            behind,
            stale_for: if stale { pending.issued.saturating_sub(oldest) } else { 0 },
            since_acknowledged: pending.acknowledged_at.filter(|_| read).map(|then| pending.issued - then),
        });
    }

    fn tally(&mut self, issuer: Issuer) -> &mut OperationTally {
        self.changed.insert(issuer.node, ());
        self.tallies.entry(issuer).or_default()
    }

    /// Returns the content of an operation, if it is one of those that are kept, the newest ones.
    pub fn recall(&self, operation: OperationId) -> Option<&OperationInfo> {
        self.recent.get(operation.0.into())
    }

    /// Returns the counts of a client's operations, or of a service's calls.
    pub fn get(&self, client: NodeId) -> Option<&OperationTally> {
        self.tallies.get(&Issuer { node: client, is_page: false })
    }

    /// Returns the counts of the operations that were issued on the page at a service.
    pub fn of_page(&self, service: NodeId) -> Option<&OperationTally> {
        self.tallies.get(&Issuer { node: service, is_page: true })
    }

    /// Returns whether operations of an issuer are the calls of a service.
    fn is_calling(&self, issuer: Issuer) -> bool {
        !issuer.is_page && issuer.node.0 < self.services
    }

    /// Iterates over the counts of each client, and of each service at which the script or the page issued operations.
    pub fn of_clients(&self) -> impl Iterator<Item = &OperationTally> {
        self.tallies.iter().filter(|(issuer, _)| !self.is_calling(**issuer)).map(|(_, tally)| tally)
    }

    /// Returns the operation of a client that has just ended; none for a call, or if another one ended since.
    pub fn just_ended(&self, operation: OperationId) -> Option<&EndedOperation> {
        let issuer = self.last.filter(|issuer| !self.is_calling(*issuer))?;
        self.tallies.get(&issuer)?.last.as_ref().filter(|last| last.operation == operation)
    }

    /// Returns the number of pending reads and of all pending operations of clients.
    pub fn pending_of_clients(&self) -> (u64, u64) {
        let pending = || self.pending.values().filter(|pending| !self.is_calling(pending.issuer()));
        (pending().filter(|pending| pending.kind == OperationKind::Read).count() as u64, pending().count() as u64)
    }

    /// Iterates over the pending operations: the key of a client's read, none for others; and who issued each, and the service
    /// or group that it is sent to.
    pub(super) fn pending_requests(&self) -> impl Iterator<Item = (Option<KeyId>, (NodeId, NodeId))> {
        self.pending.values().map(|pending| {
            let is_read = pending.kind == OperationKind::Read && !self.is_calling(pending.issuer());
            (is_read.then_some(pending.key), (pending.by, pending.to))
        })
    }

    /// Returns whether an operation is pending.
    pub(super) fn is_pending(&self, operation: OperationId) -> bool {
        self.pending.contains_key(&operation)
    }

    /// Returns the key of an operation that is a client's read, if it is one of those that are kept.
    pub(super) fn key_of_read(&self, operation: OperationId) -> Option<KeyId> {
        let info = self.recall(operation).filter(|info| info.kind == OperationKind::Read)?;
        (!self.is_calling(Issuer::of(info.by, info.to))).then_some(info.key)
    }

    /// Returns the number of pending operations, with the calls of services.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Returns the clients whose counts changed since the last call.
    pub fn take_changed(&mut self) -> NodeSet {
        std::mem::take(&mut self.changed)
    }
}
