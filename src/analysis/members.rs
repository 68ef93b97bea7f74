use crate::trace::{Fact, KeyId, NodeId, Record};
use std::collections::{BTreeMap, BTreeSet};

/// What a member of a group is at, beside its data; of a service that commits with others, what it has promised.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Member {
    /// It leads its group.
    pub leads: bool,
    /// The term that it knows of.
    pub term: u32,
    /// Its log: the last entry, and the last that is committed.
    pub log: (u32, u32),
    /// What it keeps for others.
    pub hints: BTreeSet<(NodeId, KeyId)>,
    /// Keys that it has promised, and locks.
    pub promised: BTreeSet<KeyId>,
    /// The last comparison of its Merkle tree: with whom, how many hashes of which level, and how many differ.
    pub compared: Option<(NodeId, u32, u32, u32)>,
}

/// The members of all groups that have anything to show.
#[derive(Clone, Debug, Default)]
pub struct Members {
    members: BTreeMap<NodeId, Member>,
    grouped: BTreeSet<NodeId>,
    changed: BTreeSet<NodeId>,
}

impl Members {
    pub(super) fn observe(&mut self, record: &Record) {
        match &record.fact {
            Fact::KeyPlaced { replicas, .. } => self.grouped.extend(replicas.iter().copied()),
            Fact::LeaderElected { node, term } => {
                let member = self.of(*node);
                (member.leads, member.term) = (true, *term);
            }
            Fact::LeaderSteppedDown { node, term } => {
                let member = self.of(*node);
                (member.leads, member.term) = (false, *term);
            }
            Fact::LogChanged { node, last, committed, term } => {
                let member = self.of(*node);
                (member.log, member.term) = ((*last, *committed), *term);
            }
            Fact::ServiceCrashed { node, lost_disk } if self.members.contains_key(node) => {
                let member = self.of(*node);
                member.leads = false;
                if *lost_disk {
                    // The disk held the log, the hints and the promises.
                    (member.log, member.hints, member.promised) = ((0, 0), BTreeSet::default(), BTreeSet::default());
                }
            }
            Fact::HintStored { node, replica, key, .. } => {
                self.of(*node).hints.insert((*replica, *key));
            }
            Fact::HintRemoved { node, replica, key, .. } => {
                self.of(*node).hints.remove(&(*replica, *key));
            }
            Fact::WritePromised { node, key, .. } => {
                self.of(*node).promised.insert(*key);
            }
            Fact::PromiseReleased { node, key, .. } => {
                self.of(*node).promised.remove(key);
            }
            // A promised write that is taken in is committed.
            Fact::ReplicaStored { node, key, .. }
            | Fact::UpdateCommitted { node, key, .. }
            | Fact::UpdateApplied { node, key, .. }
                if self.members.get(node).is_some_and(|member| member.promised.contains(key)) =>
            {
                self.of(*node).promised.remove(key);
            }
            Fact::TreesCompared { node, peer, level, compared, differing } => {
                self.of(*node).compared = Some((*peer, *level, *compared, *differing));
            }
            _ => {}
        }
    }

    fn of(&mut self, node: NodeId) -> &mut Member {
        self.changed.insert(node);
        self.members.entry(node).or_default()
    }

    /// Whether a node is a member of a group, of which a key was mentioned.
    pub fn is_member(&self, node: NodeId) -> bool {
        self.grouped.contains(&node)
    }

    /// A member, if it has anything to show.
    pub fn get(&self, node: NodeId) -> Option<&Member> {
        self.members.get(&node)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (NodeId, &Member)> {
        self.members.iter().map(|(node, member)| (*node, member))
    }

    /// Those of which anything changed since the last call.
    pub fn take_changed(&mut self) -> BTreeSet<NodeId> {
        std::mem::take(&mut self.changed)
    }
}
