use crate::trace::{Fact, KeyId, MessageKind, NodeId, NodeSet, Record, UpdateId, facts_about};
use litemap::LiteMap;
use std::collections::{BTreeMap, BTreeSet};

/// Maximum number of remembered updates of one hint.
const MOST_HINTED: usize = 64;

/// The protocol state of a group's member, apart from its data. Also of a service that takes part in transactions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MemberState {
    /// Whether it leads its group.
    pub leads: bool,
    /// Whether it led when it crashed. A primary that restarts leads again.
    pub(super) led: bool,
    /// The newest term that it knows.
    pub term: u32,
    /// Index of the last entry of its log, and of the last committed entry.
    pub log: (u32, u32),
    /// The hints that it stores, by replica and key.
    pub hints: BTreeSet<(NodeId, KeyId)>,
    /// The newest updates that each of them was stored for.
    pub(super) hinted: BTreeMap<(NodeId, KeyId), BTreeSet<UpdateId>>,
    /// Keys locked by promised writes, with the update.
    pub promised: LiteMap<KeyId, UpdateId>,
    /// The node that decides on each of those writes, if the member has sent its vote.
    pub(super) coordinators: LiteMap<KeyId, Coordinator>,
    /// The last comparison of its Merkle tree: the peer, the level, the number of hashes, and the number that differ.
    pub compared: Option<(NodeId, u32, u32, u32)>,
}

/// The node that decides on a promised write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Coordinator {
    pub node: NodeId,
    /// The update of the whole transaction.
    pub transaction: UpdateId,
    /// Whether it has lost its disk since the vote, and with it any decision.
    pub forgot: bool,
}

/// The protocol state of the members of all groups.
#[derive(Clone, Debug, Default)]
pub struct Members {
    members: LiteMap<NodeId, MemberState>,
    grouped: NodeSet,
    changed: NodeSet,
    /// The members whose disk was ever lost.
    lost_disks: NodeSet,
    /// The promise whose vote is the next record.
    voting: Option<(NodeId, KeyId)>,
}

impl Members {
    pub(super) fn observe(&mut self, record: &Record) {
        let voting = self.voting.take();
        match &record.fact {
            Fact::MessageSent { from, to, kind: MessageKind::Acknowledgement, update: Some(transaction), .. } => {
                self.note_vote(voting, *from, *to, *transaction);
            }
            Fact::KeyPlaced { replicas, .. } => self.grouped.extend(replicas.iter().map(|node| (*node, ()))),
            Fact::LeaderElected { node, term } => {
                let member = self.member_mut(*node);
                (member.leads, member.led, member.term) = (true, false, *term);
            }
            Fact::LeaderSteppedDown { node, term } => {
                let member = self.member_mut(*node);
                (member.leads, member.led, member.term) = (false, false, *term);
            }
            Fact::LogChanged { node, last, committed, term } => {
                let member = self.member_mut(*node);
                (member.log, member.term) = ((*last, *committed), *term);
            }
            Fact::ServiceCrashed { node, lost_disk } => self.crash(*node, *lost_disk),
            Fact::HintStored { node, replica, key, update } => {
                let member = self.member_mut(*node);
                member.hints.insert((*replica, *key));
                let hinted = member.hinted.entry((*replica, *key)).or_default();
                hinted.extend(*update);
                if hinted.len() > MOST_HINTED {
                    hinted.pop_first();
                }
            }
            Fact::HintRemoved { node, replica, key, .. } => {
                let member = self.member_mut(*node);
                member.hints.remove(&(*replica, *key));
                member.hinted.remove(&(*replica, *key));
            }
            Fact::WritePromised { update, node, key } => {
                let member = self.member_mut(*node);
                member.promised.insert(*key, *update);
                member.coordinators.remove(key);
                self.voting = Some((*node, *key));
            }
            Fact::PromiseReleased { node, key, .. } => {
                self.member_mut(*node).promised.remove(key);
            }
            // A promised write that is stored has been committed.
            Fact::ReplicaStored { node, key, .. }
            | Fact::UpdateCommitted { node, key, .. }
            | Fact::UpdateApplied { node, key, .. }
                if self.members.get(node).is_some_and(|member| member.promised.contains_key(key)) =>
            {
                self.member_mut(*node).promised.remove(key);
            }
            Fact::TreesCompared { node, peer, level, compared, differing } => {
                self.member_mut(*node).compared = Some((*peer, *level, *compared, *differing));
            }
            facts_about!(declarations, requests, messages, events, links, disturbances, brokers)
            | Fact::ServiceRestarted { .. }
            | Fact::BusStopped { .. }
            | Fact::BusStarted { .. }
            | Fact::WriteCoordinated { .. }
            | Fact::ReplicaStored { .. }
            | Fact::StateMerged { .. }
            | Fact::WriteRolledBack { .. }
            | Fact::TombstonePurged { .. } => {}
        }
    }

    /// Notes the vote that a member sent on the write that it has just promised.
    fn note_vote(&mut self, voting: Option<(NodeId, KeyId)>, from: NodeId, to: NodeId, transaction: UpdateId) {
        if let Some((node, key)) = voting.filter(|(node, _)| *node == from) {
            let coordinator = Coordinator { node: to, transaction, forgot: false };
            self.member_mut(node).coordinators.insert(key, coordinator);
        }
    }

    fn crash(&mut self, node: NodeId, lost_disk: bool) {
        if lost_disk {
            self.forget_decisions(node);
            self.lost_disks.insert(node, ());
        }
        if !self.members.contains_key(&node) {
            return;
        }
        let member = self.member_mut(node);
        (member.leads, member.led) = (false, member.leads);
        if lost_disk {
            // The disk held the log, the hints and the promises.
            (member.log, member.promised, member.coordinators) = ((0, 0), LiteMap::new(), LiteMap::new());
            (member.hints, member.hinted) = (BTreeSet::default(), BTreeMap::default());
        }
    }

    /// Notes that a coordinator lost its disk, and with it its decisions.
    fn forget_decisions(&mut self, coordinator: NodeId) {
        for (_, member) in self.members.iter_mut() {
            let entries = member.coordinators.iter_mut().filter(|(_, known)| known.node == coordinator);
            entries.for_each(|(_, known)| known.forgot = true);
        }
    }

    fn member_mut(&mut self, node: NodeId) -> &mut MemberState {
        self.changed.insert(node, ());
        self.members.entry(node).or_default()
    }

    /// Returns whether a node is a replica of a group's key.
    pub fn is_member(&self, node: NodeId) -> bool {
        self.grouped.contains_key(&node)
    }

    /// Returns a member's state, if any was recorded.
    pub fn get(&self, node: NodeId) -> Option<&MemberState> {
        self.members.get(&node)
    }

    /// Returns whether a member ever lost its disk.
    pub(super) fn lost_disk(&self, node: NodeId) -> bool {
        self.lost_disks.contains_key(&node)
    }

    /// Iterates over all members with recorded state.
    pub fn iter(&self) -> impl Iterator<Item = (NodeId, &MemberState)> {
        self.members.iter().map(|(node, member)| (*node, member))
    }

    /// Returns the members whose state changed since the last call.
    pub fn take_changed(&mut self) -> NodeSet {
        std::mem::take(&mut self.changed)
    }
}
