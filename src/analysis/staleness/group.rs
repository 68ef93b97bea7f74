//! Copies of a replica group's keys. Every replica should hold every write of its group.

use super::{Committed, Staleness, StoredValue, key_mut, windows};
use crate::analysis::event_writes::EventWrites;
use crate::scenario::Micros;
use crate::scenario::Value;
use crate::trace::{Fact, KeyId, NodeId, UpdateId, Version, facts_about};
use std::sync::Arc;

impl Staleness {
    pub(super) fn observe_group(&mut self, at: Micros, fact: &Fact, event_writes: &EventWrites) {
        match fact {
            Fact::KeyPlaced { group, key, replicas } => self.place(*group, *key, replicas),
            // A write that carries an update made elsewhere is not itself an update.
            Fact::WriteCoordinated { update, .. } if event_writes.source(*update).is_some() => {}
            Fact::WriteCoordinated { update, operation, node, key, version, .. } => {
                if self.flows.contains_key(node) {
                    self.create_copies(*node, *key);
                }
                let committed = Committed { node: *node, key: *key, version: *version };
                self.await_acknowledgement(at, *operation, *update, committed);
            }
            Fact::ReplicaStored { update, node, key, version, value, changed } => {
                let source = update.and_then(|update| event_writes.source(update));
                let (update, version) =
                    source.map_or((*update, *version), |source| (Some(source.update), source.version));
                self.store_register(
                    at,
                    *node,
                    *key,
                    version,
                    update,
                    value.as_ref(),
                    *changed,
                    source.is_some_and(|source| source.adds),
                );
            }
            Fact::StateMerged { update, node, key, context, values } => {
                let copy = self.copy_mut(*node, *key);
                copy.context = Some(context.clone());
                copy.siblings = siblings(values);
                let newest = context.iter().map(|(_, count)| *count).max().unwrap_or(0);
                let value =
                    if values.len() > 1 { Some(values.iter().cloned().collect()) } else { values.first().cloned() };
                copy.held = Some(StoredValue { value, version: Version::counted(newest, 0), update: *update });
                self.update_missing(at, *node, *key);
            }
            Fact::TombstonePurged { node, key } => self.purge(at, *node, *key),
            Fact::WriteRolledBack { update, node, key } => {
                let source = event_writes.source(*update);
                // The copy is stored again if it had applied the update.
                self.copy_mut(*node, *key).is_rolling_back = true;
                match source {
                    Some(source) => self.subtract(*node, *key, source.version),
                    None => self.mark_rolled_back(at, *update, *key),
                }
            }
            facts_about!(declarations, requests, messages, events, faults, leaders, transactions)
            | Fact::HintStored { .. }
            | Fact::HintRemoved { .. }
            | Fact::TreesCompared { .. } => {}
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of `ReplicaStored`")]
    fn store_register(
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
        let copy = self.copy_mut(node, key);
        if let (true, true, Some(update), Some(Value::Int(sum))) = (changed, adds || copy.sum.is_some(), update, value)
        {
            self.add(at, update, node, key, version, *sum);
            if !adds && let Some(sum) = self.copy_mut(node, key).sum.as_mut() {
                sum.mixed = true;
            }
        } else if changed {
            let held = StoredValue { value: value.cloned(), version, update };
            self.store(at, node, key, (!version.is_none()).then_some(held));
        } else {
            self.apply(at, node, key, version);
        }
    }

    /// Notes that a replica purged a tombstone. Its copy still reflects the deletion, since a read finds no value, and so does a replica's
    /// copy without a value.
    fn purge(&mut self, at: Micros, node: NodeId, key: KeyId) {
        let copy = self.copy_mut(node, key);
        copy.tombstone_purged = true;
        let version = copy.version();
        let entry = key_mut(&mut self.keys, key);
        entry.purged = entry.purged.max(version);
        let holders = &entry.holders;
        let replicas = entry.copies.iter_mut().filter(|(node, _)| holders.values().any(|all| all.contains_key(*node)));
        let mut absent = Vec::new();
        for (replica, copy) in replicas {
            copy.purged = copy.purged.max(version);
            if copy.held.is_none() {
                absent.push(*replica);
            }
        }
        for replica in absent {
            self.update_missing(at, replica, key);
        }
    }

    /// Removes a difference that a counter's copy has rolled back.
    fn subtract(&mut self, node: NodeId, key: KeyId, version: Version) {
        let entry = key_mut(&mut self.keys, key);
        let (acknowledged, copy) = (entry.acknowledged.get(&version), entry.copies.entry(node).or_default());
        let Some(sum) = &mut copy.sum else { return };
        sum.early.remove(&version);
        if let Some(acknowledged) = acknowledged {
            windows::miss_again(&mut self.windows, &mut copy.behind, version, acknowledged.behind);
            copy.missing.insert(version);
        }
    }

    fn place(&mut self, group: NodeId, key: KeyId, replicas: &[NodeId]) {
        let entry = key_mut(&mut self.keys, key);
        entry.holders.insert(group, replicas.iter().map(|node| (*node, ())).collect());
        for node in replicas {
            self.copy_mut(*node, key);
        }
    }
}

/// Returns the concurrent values if there is more than one: of a key, or of the fields of its map.
fn siblings(values: &[Value]) -> Vec<Value> {
    match values {
        [Value::Map(fields)] => {
            let of_field = |name: &Arc<str>, value: &Value| match value {
                Value::Set(values) => values.iter().map(|value| (name.clone(), value.clone())).collect(),
                Value::Int(_) | Value::Text(_) | Value::List(_) | Value::Map(_) => Vec::new(),
            };
            let all = fields.iter().flat_map(|(name, value)| of_field(name, value));
            all.map(|(name, value)| Value::with_field(name, value)).collect()
        }
        [_] | [] => Vec::new(),
        several => several.to_vec(),
    }
}
