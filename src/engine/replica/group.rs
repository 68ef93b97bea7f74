//! A replica group, as all of its members know it.

use crate::engine::context::Context;
use crate::scenario::{Data, Protocol, VersionClock};
use crate::trace::{Fact, KeyId, NodeId};
use xxhash_rust::xxh3::xxh3_64;

/// A replica group.
#[derive(Clone, Debug)]
pub struct Group {
    /// The group's own node id.
    pub node: NodeId,
    /// Its members, in the scenario's order.
    pub members: Vec<NodeId>,
    /// The data type of all keys.
    pub data: Data,
    /// The replication protocol.
    pub protocol: Protocol,
    /// The number of members that hold a key (N).
    pub replicas: usize,
    /// Whether any member publishes or subscribes. Then the group shares its keys with the services around it.
    pub is_connected: bool,
    /// Whether any member publishes.
    pub publishes: bool,
}

impl Group {
    /// Returns the key's preference list (DeCandia et al. 2007, 4.3): all members, of which the first N hold the key.
    /// Records the replicas of a key that is new.
    pub fn preference_list(&self, key: KeyId, ctx: &mut Context) -> Vec<usize> {
        let members = self.members.len();
        debug_assert!((1..=members).contains(&self.replicas), "every key has a replica");
        let is_partial = self.replicas < members;
        let first = if is_partial { (xxh3_64(ctx.names.key(key).as_bytes()) % members as u64) as usize } else { 0 };
        let list: Vec<usize> = (0..members).map(|i| (first + i) % members).collect();
        if ctx.place_key(self.node, key) {
            let replicas = list[..self.replicas].iter().map(|i| self.members[*i]).collect();
            ctx.record(Fact::KeyPlaced { group: self.node, key, replicas });
        }
        list
    }

    /// Records the replicas of a key that is new.
    pub fn place(&self, key: KeyId, ctx: &mut Context) {
        _ = self.preference_list(key, ctx);
    }

    /// Returns the index of a node among the members.
    pub fn index(&self, node: NodeId) -> Option<usize> {
        // The members of a group are mostly consecutive nodes.
        let guess = node.0.wrapping_sub(self.members[0].0) as usize;
        let is_right = |index: &usize| self.members.get(*index) == Some(&node);
        Some(guess).filter(is_right).or_else(|| self.members.iter().position(|member| *member == node))
    }

    /// Returns the smallest number of members that is more than half of the group.
    pub fn majority(&self) -> usize {
        self.members.len() / 2 + 1
    }

    /// Returns the clock that orders the writes of registers.
    pub fn clock(&self) -> VersionClock {
        match self.data {
            Data::Register { clock } => clock,
            Data::MultiValue
            | Data::Merged { .. }
            | Data::Counter
            | Data::Set
            | Data::RemoveWinsSet
            | Data::Map
            | Data::Sequence => VersionClock::Lamport,
        }
    }
}
