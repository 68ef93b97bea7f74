//! Copies of a replica group's keys: every replica should hold every write, whoever coordinated it.

use super::{Committed, Held, Staleness};
use crate::analysis::Derived;
use crate::scenario::Micros;
use crate::scenario::Value;
use crate::trace::{Fact, KeyId, NodeId, UpdateId, Version};
use std::collections::BTreeSet;
use std::sync::Arc;

impl Staleness {
    pub(super) fn observe_group(&mut self, at: Micros, fact: &Fact, derived: &Derived) {
        match fact {
            Fact::KeyPlaced { group, key, replicas } => self.place(*group, *key, replicas),
            // What carries an update that was made elsewhere is none of its own.
            Fact::WriteCoordinated { update, .. } if derived.source(*update).is_some() => {}
            Fact::WriteCoordinated { update, node, key, version, .. } => {
                self.await_acknowledgement(*update, Committed { node: *node, key: *key, version: *version });
                if self.flows.contains_key(node) {
                    self.follow_flows(*node, *key);
                }
            }
            Fact::ReplicaStored { update, node, key, version, value, changed } => {
                let source = update.and_then(|update| derived.source(update));
                let (update, version) =
                    source.map_or((*update, *version), |source| (Some(source.update), source.version));
                self.store(
                    at,
                    *node,
                    *key,
                    version,
                    update,
                    value.as_ref(),
                    *changed,
                    source.is_some_and(|it| it.adds),
                );
            }
            Fact::StateMerged { update, node, key, context, values } => {
                let copy = self.copy(*node, *key);
                copy.context = Some(context.clone());
                copy.siblings = siblings(values);
                let newest = context.iter().map(|(_, count)| *count).max().unwrap_or(0);
                let value =
                    if values.len() > 1 { Some(values.iter().cloned().collect()) } else { values.first().cloned() };
                copy.held = Some(Held { value, version: Version::counted(newest, 0), update: *update });
                self.reflect(at, *node, *key);
            }
            // It still reflects the deletion: nothing is there to be read.
            Fact::TombstonePurged { node, key } => self.copy(*node, *key).forgotten = true,
            Fact::WriteRolledBack { update, node, key } => {
                let source = derived.source(*update);
                let said = source.map_or(*update, |source| source.update);
                let copy = self.copy(*node, *key);
                if copy.held.as_ref().is_some_and(|held| held.update == Some(said)) {
                    copy.taken_in = Version::default();
                }
                match source {
                    Some(source) => self.take_back(*node, *key, source.version),
                    None => self.leave_phantoms(at, *update, *key),
                }
            }
            _ => {}
        }
    }

    #[expect(clippy::too_many_arguments, reason = "what a replica took in, and how")]
    fn store(
        &mut self,
        at: Micros,
        node: NodeId,
        key: KeyId,
        version: Version,
        update: Option<UpdateId>,
        value: Option<&Value>,
        changed: bool,
        adds: bool,
    ) {
        let copy = self.copy(node, key);
        if let (true, true, Some(update), Some(Value::Int(sum))) = (changed, adds || copy.sum.is_some(), update, value)
        {
            self.add(at, update, node, key, version, *sum);
            if !adds && let Some(sum) = self.copy(node, key).sum.as_mut() {
                sum.mixed = true;
            }
        } else if changed {
            let held = Held { value: value.cloned(), version, update };
            self.hold(at, node, key, (!version.is_none()).then_some(held));
        } else {
            self.take_in(at, node, key, version);
        }
    }

    /// A copy that adds differences has thrown one away again.
    fn take_back(&mut self, node: NodeId, key: KeyId, version: Version) {
        let entry = self.keys.entry(key).or_default();
        let (acknowledged, copy) = (entry.acknowledged.get(&version), entry.copies.entry(node).or_default());
        let Some(sum) = &mut copy.sum else { return };
        sum.early.remove(&version);
        if let Some(acknowledged) = acknowledged {
            copy.behind.insert(version, acknowledged.behind);
            copy.missing.insert(version);
        }
    }

    /// A group threw an update away that nobody was told of: who got its event holds what never was.
    fn leave_phantoms(&mut self, at: Micros, update: UpdateId, key: KeyId) {
        let Some(entry) = self.keys.get_mut(&key) else { return };
        let (holders, acknowledged) = (&entry.holders, &entry.acknowledged);
        let outside = |node: &NodeId| !holders.values().any(|all| all.contains(node));
        let mut left = Vec::new();
        for (node, copy) in entry.copies.iter_mut().filter(|(node, _)| outside(node)) {
            let holds = copy.held.as_ref().filter(|held| held.update == Some(update));
            if holds.is_some_and(|held| !acknowledged.contains_key(&held.version)) {
                copy.phantom = true;
                left.push(*node);
            }
        }
        for node in left {
            self.settle(at, node, key);
        }
    }

    fn place(&mut self, group: NodeId, key: KeyId, replicas: &[NodeId]) {
        let entry = self.keys.entry(key).or_default();
        entry.holders.insert(group, replicas.iter().copied().collect::<BTreeSet<NodeId>>());
        for node in replicas {
            self.copy(*node, key);
        }
    }
}

/// What was said at the same time, where that is more than one value: of a key, or of the fields of its map.
fn siblings(values: &[Value]) -> Vec<Value> {
    match values {
        [Value::Map(fields)] => {
            let of_field = |name: &Arc<str>, value: &Value| match value {
                Value::Set(values) => values.iter().map(|value| (name.clone(), value.clone())).collect(),
                Value::Int(_) | Value::Text(_) | Value::List(_) | Value::Map(_) => Vec::new(),
            };
            let all = fields.iter().flat_map(|(name, value)| of_field(name, value));
            all.map(|field| Value::Map(Arc::new([field].into_iter().collect()))).collect()
        }
        [_] | [] => Vec::new(),
        several => several.to_vec(),
    }
}
