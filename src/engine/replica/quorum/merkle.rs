//! Anti-entropy by Merkle trees: two replicas compare hashes from the root down, and exchange what differs in the
//! direction of the newer version (Demers 1987; Dynamo 2007, 4.7). Every hash crosses in a message.

use crate::engine::context::Context;
use crate::engine::random::Stream;
use crate::engine::replica::Member;
use crate::engine::replica::cell::Mark;
use crate::engine::replica::wire::{Body, Why};
use crate::scenario::{AntiEntropy as Plan, Micros, micros};
use crate::trace::{Fact, KeyId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// A replica's part in it.
#[derive(Clone, Debug)]
pub struct AntiEntropy {
    /// How often it begins.
    pub every: Micros,
    depth: u32,
    chance: Stream,
}

impl AntiEntropy {
    /// From the document's settings.
    pub fn new(plan: &Plan, chance: Stream) -> Self {
        AntiEntropy { every: micros(plan.every_ms).max(1), depth: plan.depth, chance }
    }

    /// How long until it begins for the first time: replicas do not all begin at once.
    pub fn first_wait(&mut self) -> Micros {
        (self.chance.unit() * self.every as f64) as Micros + 1
    }

    /// Sends the hash of the root to a random other replica.
    pub fn begin(&mut self, member: &Member, ctx: &mut Context) {
        let others = member.group.members.len() as u32 - 1;
        if others == 0 {
            return;
        }
        let peer = self.chance.below(others) as usize;
        let peer = if peer >= member.index { peer + 1 } else { peer };
        let root = self.hash(0, 0, &self.leaves(member, peer, ctx));
        member.tell(peer, Body::Compare { level: 0, hashes: vec![(0, root)] }, None, ctx);
    }

    /// Hashes of the leaves that have keys which both replicas should hold.
    fn leaves(&self, member: &Member, peer: usize, ctx: &mut Context) -> BTreeMap<u32, u64> {
        let mut leaves: BTreeMap<u32, u64> = BTreeMap::new();
        for key in shared_keys(member, peer, ctx) {
            let mark = member.cell(key).mark();
            let mut bytes = xxh3_64(ctx.names.key(key).as_bytes()).to_le_bytes().to_vec();
            bytes.extend(mark.version.time.to_le_bytes());
            for n in [mark.version.counter, mark.version.origin] {
                bytes.extend(n.to_le_bytes());
            }
            for (origin, count) in &mark.context {
                bytes.extend(origin.to_le_bytes());
                bytes.extend(count.to_le_bytes());
            }
            let leaf = leaves.entry(self.leaf(key, ctx)).or_default();
            *leaf = leaf.wrapping_add(xxh3_64(&bytes));
        }
        leaves
    }

    fn leaf(&self, key: KeyId, ctx: &Context) -> u32 {
        (xxh3_64(ctx.names.key(key).as_bytes()) >> 32) as u32 & ((1 << self.depth) - 1)
    }

    /// Hash of a node of the tree, from the leaves below it; 0 for one without keys.
    fn hash(&self, level: u32, index: u32, leaves: &BTreeMap<u32, u64>) -> u64 {
        let below = self.depth - level;
        let (first, last) = (index << below, (index << below) + (1 << below) - 1);
        let mut hash = 0;
        for (leaf, of) in leaves.range(first..=last) {
            hash = xxh3_64_with_seed(&of.to_le_bytes(), hash ^ u64::from(*leaf));
        }
        hash
    }

    /// Another replica goes on comparing.
    pub fn on_wire(&mut self, body: &Body, from: usize, member: &mut Member, ctx: &mut Context) {
        match body {
            Body::Compare { level, hashes } => self.compare(*level, hashes, from, member, ctx),
            Body::Marks { leaves, marks } => self.exchange(leaves, marks, from, member, ctx),
            Body::Wanted { keys } => {
                for key in keys.iter().flatten() {
                    send(*key, from, member, ctx);
                }
            }
            _ => {}
        }
    }

    fn compare(&mut self, level: u32, hashes: &[(u32, u64)], from: usize, member: &Member, ctx: &mut Context) {
        let leaves = self.leaves(member, from, ctx);
        let differing: Vec<u32> = hashes
            .iter()
            .filter(|(index, hash)| self.hash(level, *index, &leaves) != *hash)
            .map(|(index, _)| *index)
            .collect();
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
            return member.tell(from, Body::Compare { level: level + 1, hashes }, None, ctx);
        }
        let marks = self.keys_of(&differing, member, from, ctx).into_iter().map(|key| (key, member.cell(key).mark()));
        let marks = marks.collect();
        member.tell(from, Body::Marks { leaves: differing, marks }, None, ctx);
    }

    fn keys_of(&self, leaves: &[u32], member: &Member, peer: usize, ctx: &mut Context) -> Vec<KeyId> {
        let keys = shared_keys(member, peer, ctx);
        keys.into_iter().filter(|key| leaves.contains(&self.leaf(*key, ctx))).collect()
    }

    /// Sends what is newer here, and asks for what is newer there.
    fn exchange(&self, leaves: &[u32], marks: &[(KeyId, Mark)], from: usize, member: &Member, ctx: &mut Context) {
        let here = self.keys_of(leaves, member, from, ctx);
        let theirs: BTreeMap<KeyId, &Mark> = marks.iter().map(|(key, mark)| (*key, mark)).collect();
        let all: BTreeSet<KeyId> = here.iter().copied().chain(theirs.keys().copied()).collect();
        let nothing = Mark { version: Default::default(), context: Vec::new() };
        let mut wanted = Vec::new();
        for key in all.iter() {
            let (mine, other) = (member.cell(*key).mark(), theirs.get(key).copied().unwrap_or(&nothing));
            if other.lacks(&mine) {
                send(*key, from, member, ctx);
            }
            if mine.lacks(other) {
                wanted.push(*key);
            }
        }
        if !wanted.is_empty() {
            member.tell(from, Body::Wanted { keys: Some(wanted) }, None, ctx);
        }
    }
}

fn send(key: KeyId, to: usize, member: &Member, ctx: &mut Context) {
    let cell = member.cell(key);
    let update = cell.update();
    member.tell(to, Body::Write { op: 0, key, cell: Arc::new(cell), update, why: Why::Repair }, None, ctx);
}

/// Keys here that the other should hold too.
fn shared_keys(member: &Member, peer: usize, ctx: &mut Context) -> Vec<KeyId> {
    let (group, keys) = (&member.group, member.cells.keys().copied());
    if group.replicas == group.members.len() {
        return keys.collect();
    }
    let held = |key: &KeyId, ctx: &mut Context| {
        let order = group.preference(*key, ctx);
        let holders = &order[..group.replicas];
        holders.contains(&peer) && holders.contains(&member.index)
    };
    keys.filter(|key| held(key, ctx)).collect()
}
