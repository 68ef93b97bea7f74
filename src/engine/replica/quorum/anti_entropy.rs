//! Anti-entropy with Merkle trees (Demers et al. 1987; DeCandia et al. 2007, 4.7): two replicas compare hashes from the
//! root downwards, then the versions of the keys whose leaves differ, and send each other the newer states.

use crate::engine::context::Context;
use crate::engine::random::Stream;
use crate::engine::replica::key_state::StateVersion;
use crate::engine::replica::member::Member;
use crate::engine::replica::messages::{AntiEntropyMessage, QuorumMessage, WritePurpose};
use crate::scenario::{AntiEntropy as AntiEntropyConfig, Micros, micros};
use crate::trace::{Fact, KeyId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// A member's part in anti-entropy.
#[derive(Clone, Debug)]
pub struct AntiEntropy {
    interval: Micros,
    /// The depth of the tree, whose leaves are on this level. The root is on level 0.
    depth: u32,
    random: Stream,
}

impl AntiEntropy {
    /// Returns a member's part in anti-entropy.
    pub fn new(config: &AntiEntropyConfig, random: Stream) -> Self {
        AntiEntropy { interval: micros(config.every_ms).max(1), depth: config.depth, random }
    }

    /// Returns the time between two comparisons that this member begins, µs.
    pub fn interval(&self) -> Micros {
        self.interval
    }

    /// Returns the time before the first comparison, which is random, so that members do not all begin at once.
    pub fn first_wait(&mut self) -> Micros {
        (self.random.unit() * self.interval as f64) as Micros + 1
    }

    /// Begins a comparison: sends the hash of the root to a random other member.
    pub fn begin(&mut self, member: &Member, ctx: &mut Context) {
        let others = member.group.members.len() as u32 - 1;
        if others == 0 {
            return;
        }
        let peer = self.random.below(others) as usize;
        let peer = if peer >= member.index { peer + 1 } else { peer };
        debug_assert!(peer != member.index, "a member compares with others");
        debug_assert!(peer < member.group.members.len(), "the peer is a member");
        let root = self.hash(0, 0, &self.leaf_hashes(peer, member, ctx));
        member.send(peer, AntiEntropyMessage::CompareHashes { level: 0, hashes: vec![(0, root)] }, None, ctx);
    }

    /// Handles a message from another member.
    pub fn on_message(&self, from: usize, message: &AntiEntropyMessage, member: &Member, ctx: &mut Context) {
        debug_assert!(from != member.index, "a member compares with others");
        match message {
            AntiEntropyMessage::CompareHashes { level, hashes } => {
                self.compare_hashes(*level, hashes, from, member, ctx);
            }
            AntiEntropyMessage::CompareVersions { leaves, versions } => {
                self.compare_versions(leaves, versions, from, member, ctx);
            }
            AntiEntropyMessage::RequestKeys { keys } => {
                for key in keys {
                    send_state(*key, from, member, ctx);
                }
            }
        }
    }

    fn compare_hashes(&self, level: u32, hashes: &[(u32, u64)], from: usize, member: &Member, ctx: &mut Context) {
        debug_assert!(level <= self.depth, "the leaves are on the last level");
        let leaves = self.leaf_hashes(from, member, ctx);
        let differs = |(index, hash): &&(u32, u64)| self.hash(level, *index, &leaves) != *hash;
        let differing: Vec<u32> = hashes.iter().filter(differs).map(|(index, _)| *index).collect();
        ctx.record(Fact::TreesCompared {
            node: member.node,
            peer: member.group.members[from],
            level,
            compared: hashes.len() as u32,
            differing: differing.len() as u32,
        });
        if differing.is_empty() {
            return;
        }
        if level < self.depth {
            let children = differing.iter().flat_map(|index| [index << 1, index << 1 | 1]);
            let hashes = children.map(|index| (index, self.hash(level + 1, index, &leaves))).collect();
            return member.send(from, AntiEntropyMessage::CompareHashes { level: level + 1, hashes }, None, ctx);
        }
        let keys = self.keys_of_leaves(&differing, from, member, ctx);
        let versions = keys.into_iter().map(|key| (key, member.state(key).state_version())).collect();
        member.send(from, AntiEntropyMessage::CompareVersions { leaves: differing, versions }, None, ctx);
    }

    /// Sends the states that are newer here, and requests those that are newer there.
    fn compare_versions(
        &self,
        leaves: &[u32],
        versions: &[(KeyId, StateVersion)],
        from: usize,
        member: &Member,
        ctx: &mut Context,
    ) {
        let own_keys = self.keys_of_leaves(leaves, from, member, ctx);
        let mut peer_versions: BTreeMap<KeyId, &StateVersion> = BTreeMap::new();
        peer_versions.extend(versions.iter().map(|(key, version)| (*key, version)));
        let mut keys: BTreeSet<KeyId> = BTreeSet::new();
        keys.extend(own_keys.iter().chain(peer_versions.keys()));
        let absent = StateVersion::default();
        let mut outdated = Vec::new();
        for key in keys {
            let own = member.state(key).state_version();
            let other = peer_versions.get(&key).copied().unwrap_or(&absent);
            if other.is_missing_updates_of(&own) {
                send_state(key, from, member, ctx);
            }
            if own.is_missing_updates_of(other) {
                outdated.push(key);
            }
        }
        if !outdated.is_empty() {
            member.send(from, AntiEntropyMessage::RequestKeys { keys: outdated }, None, ctx);
        }
    }

    /// Returns the hashes of all leaves that have keys, counting only keys that both members replicate.
    fn leaf_hashes(&self, peer: usize, member: &Member, ctx: &mut Context) -> BTreeMap<u32, u64> {
        let mut leaves: BTreeMap<u32, u64> = BTreeMap::new();
        for key in shared_keys(peer, member, ctx) {
            let version = member.state(key).state_version();
            let mut bytes = xxh3_64(ctx.names.key(key).as_bytes()).to_le_bytes().to_vec();
            bytes.extend(version.register.time.to_le_bytes());
            for n in [version.register.counter, version.register.origin] {
                bytes.extend(n.to_le_bytes());
            }
            for (origin, count) in &version.vector {
                bytes.extend(origin.to_le_bytes());
                bytes.extend(count.to_le_bytes());
            }
            // A sum does not depend on the order of the keys, which differs between members.
            let hash = leaves.entry(self.leaf_of(key, ctx)).or_default();
            *hash = hash.wrapping_add(xxh3_64(&bytes));
        }
        leaves
    }

    fn leaf_of(&self, key: KeyId, ctx: &Context) -> u32 {
        (xxh3_64(ctx.names.key(key).as_bytes()) >> 32) as u32 & ((1 << self.depth) - 1)
    }

    /// Returns the hash of a node of the tree, from the leaves below it; 0 for a node without keys.
    fn hash(&self, level: u32, index: u32, leaves: &BTreeMap<u32, u64>) -> u64 {
        let height = self.depth - level;
        let (first, last) = (index << height, (index << height) + (1 << height) - 1);
        leaves
            .range(first..=last)
            .fold(0, |hash, (leaf, leaf_hash)| xxh3_64_with_seed(&leaf_hash.to_le_bytes(), hash ^ u64::from(*leaf)))
    }

    fn keys_of_leaves(&self, leaves: &[u32], peer: usize, member: &Member, ctx: &mut Context) -> Vec<KeyId> {
        let keys = shared_keys(peer, member, ctx);
        keys.into_iter().filter(|key| leaves.contains(&self.leaf_of(*key, ctx))).collect()
    }
}

fn send_state(key: KeyId, to: usize, member: &Member, ctx: &mut Context) {
    let state = member.state(key);
    let (update, purpose) = (state.update(), WritePurpose::Repair);
    let message = QuorumMessage::Write { request: None, key, state: Arc::new(state), update, purpose };
    member.send(to, message, None, ctx);
}

/// Returns the keys in the member's store that both members replicate.
fn shared_keys(peer: usize, member: &Member, ctx: &mut Context) -> Vec<KeyId> {
    let (group, keys) = (&member.group, member.states.keys().copied());
    if group.replicas == group.members.len() {
        return keys.collect();
    }
    keys.filter(|key| {
        let preference_list = group.preference_list(*key, ctx);
        let replicas = &preference_list[..group.replicas];
        replicas.contains(&peer) && replicas.contains(&member.index)
    })
    .collect()
}
