//! Services that hold their data together: the workers of a consumer group, and services that use one store. Their copies of
//! a key are judged as one, which is recorded under the first of them.

use super::{KeyCopy, Staleness, StoredValue, key_mut};
use crate::scenario::{Micros, Value};
use crate::trace::{KeyId, NodeId, NodeSet, Version};
use litemap::LiteMap;

/// The services that hold their data together.
#[derive(Clone, Debug, Default)]
pub(super) struct Pools {
    /// The first service of each set, for each service in it.
    holders: LiteMap<NodeId, NodeId>,
    /// Pairs of services of which the second receives the updates of the first only as a worker of a group.
    shared_flows: LiteMap<(NodeId, NodeId), ()>,
    /// The first of the services that use one store.
    stores: NodeSet,
}

impl Pools {
    /// Returns whether no services hold data together.
    pub(super) fn is_empty(&self) -> bool {
        self.holders.is_empty()
    }

    /// Returns the services that hold their data together with this one, itself included.
    fn members(&self, node: NodeId) -> Vec<NodeId> {
        let Some(holder) = self.holders.get(&node) else { return vec![node] };
        self.holders.iter().filter(|(_, other)| *other == holder).map(|(member, _)| *member).collect()
    }

    /// Returns the node under which the copy of a service is recorded. `separate` are those that hold the key alone.
    pub(super) fn holder(&self, node: NodeId, separate: &NodeSet) -> NodeId {
        match self.holders.get(&node) {
            Some(holder) if !separate.contains_key(&node) && !separate.contains_key(holder) => *holder,
            Some(_) | None => node,
        }
    }

    /// Returns whether a service holds the updates of another one alone, and not together with other workers.
    pub(super) fn is_separate(&self, from: NodeId, to: NodeId) -> bool {
        let Some(holder) = self.holders.get(&to) else { return false };
        !self.stores.contains_key(holder)
            && self.holders.get(&from) != Some(holder)
            && !self.shared_flows.contains_key(&(from, to))
    }
}

/// The updates that each of the services that hold a key together holds itself.
#[derive(Clone, Debug, Default)]
pub(super) struct PooledValues {
    pub(super) own: LiteMap<NodeId, StoredValue>,
    /// The numbers with which they started.
    seeds: LiteMap<NodeId, i64>,
}

impl PooledValues {
    /// Returns the newest value that any of them holds.
    fn newest(&self) -> Option<StoredValue> {
        self.own.values().max_by_key(|held| held.version).cloned()
    }

    /// Returns the number with which the key started, and all that they added to it.
    fn sum(&self) -> i64 {
        let number = |held: &StoredValue| match &held.value {
            Some(Value::Int(number)) => *number,
            Some(_) | None => 0,
        };
        let seed = |node: &NodeId| self.seeds.get(node).copied().unwrap_or(0);
        let added = self.own.iter().map(|(node, held)| number(held).wrapping_sub(seed(node)));
        added.fold(self.seeds.values().copied().max().unwrap_or(0), i64::wrapping_add)
    }
}

impl Staleness {
    pub(super) fn declare_worker(&mut self, worker: NodeId, holder: NodeId, from: NodeId) {
        self.pools.holders.insert(worker, holder);
        self.pools.shared_flows.insert((from, worker), ());
        self.flows.entry(from).or_default().insert(holder, ());
        self.flows.entry(worker).or_default().insert(holder, ());
    }

    pub(super) fn share_store(&mut self, node: NodeId, holder: NodeId) {
        self.pools.stores.insert(holder, ());
        for member in [node, holder] {
            self.pools.holders.insert(member, holder);
            self.flows.entry(member).or_default().insert(holder, ());
        }
        for (_, reached) in self.flows.iter_mut() {
            if reached.contains_key(&node) {
                reached.insert(holder, ());
            }
        }
    }

    /// Returns the node under which a service's copy of a key is recorded.
    pub(super) fn holder(&self, node: NodeId, key: KeyId) -> NodeId {
        match self.keys.get(key.index()) {
            Some(entry) => self.pools.holder(node, &entry.separate),
            None => self.pools.holder(node, &NodeSet::new()),
        }
    }

    /// Returns the services that hold a key together with this one, itself included.
    pub fn holders_of(&self, node: NodeId, key: KeyId) -> Vec<NodeId> {
        let mut members = self.pools.members(node);
        let holder = self.holder(node, key);
        members.retain(|member| self.holder(*member, key) == holder);
        members
    }

    /// Returns whether two services hold data together.
    pub fn hold_together(&self, one: NodeId, other: NodeId) -> bool {
        self.pools.holders.get(&one).is_some_and(|holder| self.pools.holders.get(&other) == Some(holder))
    }

    /// Returns the other services whose state depends on the copies that are recorded under a node.
    pub(super) fn dependents(&self, holder: NodeId) -> Vec<NodeId> {
        let mut members = self.pools.members(holder);
        members.retain(|member| *member != holder);
        members
    }

    /// Returns the node under which the copies that a service shares are recorded, if that is another one.
    pub(super) fn shared_holder(&self, node: NodeId) -> Option<NodeId> {
        self.pools.holders.get(&node).copied().filter(|holder| *holder != node)
    }

    fn pooled(&mut self, node: NodeId, key: KeyId) -> Option<(NodeId, &mut PooledValues)> {
        let holder = self.holder(node, key);
        let first = self.pools.holders.get(&node)?;
        if *first != holder || self.pools.stores.contains_key(&holder) {
            return None;
        }
        Some((holder, self.copy_mut(holder, key).pooled.get_or_insert_default()))
    }

    /// Notes a new value of a service's copy. Returns the node under which its copy is recorded, and the value there.
    pub(super) fn pool_value(
        &mut self,
        node: NodeId,
        key: KeyId,
        held: Option<StoredValue>,
    ) -> (NodeId, Option<StoredValue>) {
        let Some((holder, pooled)) = self.pooled(node, key) else { return (self.holder(node, key), held) };
        match held {
            Some(held) => _ = pooled.own.insert(node, held),
            None => _ = pooled.own.remove(&node),
        }
        (holder, pooled.newest())
    }

    /// Notes the value with which a service starts.
    pub(super) fn pool_seed(&mut self, node: NodeId, key: KeyId, value: &Value) {
        if let (Some((_, pooled)), Value::Int(number)) = (self.pooled(node, key), value) {
            pooled.seeds.insert(node, *number);
        }
    }

    /// Notes a new sum of a service's copy. Returns the node under which its copy is recorded, and the sum there.
    pub(super) fn pool_sum(&mut self, node: NodeId, key: KeyId, held: StoredValue, sum: i64) -> (NodeId, i64) {
        let Some((holder, pooled)) = self.pooled(node, key) else { return (self.holder(node, key), sum) };
        pooled.own.insert(node, held);
        (holder, pooled.sum())
    }

    /// Clears a service's part of shared copies after it lost its disk. A store that several services use is not on that disk.
    pub(super) fn lose_pooled(&mut self, at: Micros, node: NodeId) {
        for key in (0..self.keys.len() as u32).map(KeyId) {
            let holds = |copy: &KeyCopy| copy.pooled.as_ref().is_some_and(|pooled| pooled.own.contains_key(&node));
            let holder = self.holder(node, key);
            if self.copy(node, key).is_some_and(holds) {
                let (holder, newest) = self.pool_value(node, key, None);
                let version = newest.as_ref().map_or(Version::default(), |held| held.version);
                key_mut(&mut self.keys, key).copies.entry(holder).or_default().newest_applied = version;
                self.store(at, holder, key, newest);
            }
            debug_assert!(self.holder(node, key) == holder, "the loss of a disk does not change who holds a key");
        }
    }

    /// Returns whether the copies of a service are in a store that others use too.
    pub(super) fn uses_shared_store(&self, node: NodeId) -> bool {
        self.pools.holders.get(&node).is_some_and(|holder| self.pools.stores.contains_key(holder))
    }
}
