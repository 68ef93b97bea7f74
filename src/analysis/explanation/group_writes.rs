//! The writes of leaderless groups that are neither in a message nor in a store: members have received and not stored them, or
//! their coordinators wait for the replicas.

use crate::analysis::run_context::RunContext;
use crate::scenario::{Group, Micros, Protocol, Quorum, micros};
use crate::trace::{Fact, KeyId, MessageId, MessageKind, NodeId, Record, UpdateId};
use std::collections::{BTreeMap, BTreeSet};

/// The writes that leaderless groups are executing.
#[derive(Clone, Debug, Default)]
pub(super) struct GroupWrites {
    /// Members that received a write and have not stored it yet.
    unstored: BTreeSet<(NodeId, UpdateId)>,
    /// The coordinators of writes, and until when they wait for replicas. A crash ends that.
    awaited: BTreeMap<UpdateId, (NodeId, Micros)>,
    /// When deletions were coordinated.
    deleted: BTreeMap<UpdateId, Micros>,
    /// Since when a member keeps a hint for a replica and key.
    hinted: BTreeMap<(NodeId, NodeId, KeyId), Micros>,
}

impl GroupWrites {
    pub fn observe(&mut self, run: &RunContext, record: &Record) {
        if let Fact::HintStored { node, replica, key, update } = &record.fact {
            self.hinted.entry((*node, *replica, *key)).or_insert(record.at);
            self.note_contacted(run, *node, *update, record.at);
        } else if let Fact::MessageSent { from, update, kind: MessageKind::Replication, .. } = &record.fact {
            self.note_contacted(run, *from, *update, record.at);
        } else if let Fact::HintRemoved { node, replica, key, .. } = &record.fact {
            self.hinted.remove(&(*node, *replica, *key));
        }
        if let Fact::MessageDelivered { message } = &record.fact {
            self.unstored.extend(received_write(run, *message));
        } else if let Fact::ReplicaStored { node, update: Some(update), .. }
        | Fact::StateMerged { node, update: Some(update), .. }
        | Fact::HintStored { node, update: Some(update), .. } = &record.fact
        {
            self.unstored.remove(&(*node, *update));
        } else if let Fact::WriteCoordinated { node, update, value, .. } = &record.fact {
            self.note_coordinated(run, *node, *update, record.at);
            if value.is_none() {
                self.deleted.insert(*update, record.at);
            }
        } else if let Fact::ServiceCrashed { node, lost_disk } = &record.fact {
            self.unstored.retain(|(at, _)| at != node);
            self.awaited.retain(|_, (at, _)| at != node);
            if *lost_disk {
                self.hinted.retain(|(at, ..), _| at != node);
            }
        }
    }

    /// Notes a write whose coordinator will keep hints for the replicas that do not answer, or find stand-ins that do.
    fn note_coordinated(&mut self, run: &RunContext, node: NodeId, update: UpdateId, at: Micros) {
        let Some(quorum) = coordinated_quorum(run, node) else { return };
        if !quorum.sloppy && (quorum.hints.is_none() || run.names.group(node).is_none()) {
            return;
        }
        self.awaited.retain(|_, (_, until)| *until >= at);
        self.awaited.insert(update, (node, at.saturating_add(micros(quorum.timeout_ms))));
    }

    /// Notes that the coordinator of a sloppy write contacted a stand-in, and waits for it.
    fn note_contacted(&mut self, run: &RunContext, node: NodeId, update: Option<UpdateId>, at: Micros) {
        let Some((coordinator, until)) = update.and_then(|update| self.awaited.get_mut(&update)) else { return };
        if *coordinator == node
            && let Some(quorum) = coordinated_quorum(run, node).filter(|quorum| quorum.sloppy)
        {
            *until = at.saturating_add(micros(quorum.timeout_ms));
        }
    }

    /// Iterates over the members that received a write and have not stored it yet.
    pub fn unstored(&self) -> impl Iterator<Item = (NodeId, UpdateId)> {
        self.unstored.iter().copied()
    }

    /// Returns when the replicas of a group purge the tombstone of a deletion; none if they never do.
    pub fn purged_at(&self, group: &Group, update: UpdateId) -> Option<Micros> {
        Some(self.deleted.get(&update)?.saturating_add(grace_period(group)?))
    }

    /// Returns when a member discards its hint for a replica and key; none if it never does.
    pub fn hint_expires_at(&self, group: &Group, member: NodeId, replica: NodeId, key: KeyId) -> Option<Micros> {
        Some(self.hinted.get(&(member, replica, key))?.saturating_add(grace_period(group)?))
    }

    /// Returns the coordinator of a write that still waits for replicas or stand-ins, and then keeps hints for those that do not
    /// answer or contacts the next stand-ins; and until when it waits.
    pub fn awaited(&self, run: &RunContext, update: UpdateId) -> Option<(NodeId, Micros)> {
        let waits = |(node, until): &(NodeId, Micros)| *until >= run.now || run.analysis.faults.paused(*node).is_some();
        self.awaited.get(&update).copied().filter(waits)
    }
}

/// Returns the settings of the leaderless group whose operations a member or a client coordinates.
fn coordinated_quorum<'a>(run: &RunContext<'a>, node: NodeId) -> Option<&'a Quorum> {
    match &run.group(run.coordinated_group(node)?)?.protocol {
        Protocol::Quorum(quorum) => Some(quorum),
        Protocol::Primary(_) | Protocol::Raft(_) | Protocol::Chain | Protocol::TwoPhase(_) | Protocol::Gossip(_) => {
            None
        }
    }
}

/// Returns the time for which a group keeps tombstones and hints; none if for ever.
fn grace_period(group: &Group) -> Option<Micros> {
    match &group.protocol {
        Protocol::Quorum(quorum) => quorum.tombstone_grace_ms.map(micros),
        Protocol::Primary(_) | Protocol::Raft(_) | Protocol::Chain | Protocol::TwoPhase(_) | Protocol::Gossip(_) => {
            None
        }
    }
}

/// Returns the member of a leaderless group that received a write with a message, and the write.
fn received_write(run: &RunContext, message: MessageId) -> Option<(NodeId, UpdateId)> {
    let message = run.analysis.messages.recall(message)?;
    let is_write = matches!(message.kind, MessageKind::Replication | MessageKind::Repair);
    let group = run.names.group(message.to).filter(|_| is_write).and_then(|group| run.group(group))?;
    let is_leaderless = matches!(group.protocol, Protocol::Quorum(_) | Protocol::Gossip(_));
    message.update.filter(|_| is_leaderless).map(|update| (message.to, update))
}
