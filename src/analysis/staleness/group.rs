//! Copies of a replica group's keys: every replica should hold every write, whoever coordinated it.

use super::{Committed, Held, Staleness};
use crate::ordered::Set;
use crate::scenario::Micros;
use crate::scenario::Value;
use crate::trace::{Fact, KeyId, NodeId, Version};
use std::sync::Arc;

impl Staleness {
    pub(super) fn observe_group(&mut self, at: Micros, fact: &Fact) {
        match fact {
            Fact::KeyPlaced { key, replicas, .. } => self.place(*key, replicas),
            Fact::WriteCoordinated { update, node, key, version, .. } => {
                self.await_acknowledgement(*update, Committed { node: *node, key: *key, version: *version });
            }
            Fact::ReplicaStored { update, node, key, version, value, changed: true } => {
                let held = Held { value: value.clone(), version: *version, update: *update };
                self.hold(at, *node, *key, (!version.is_none()).then_some(held));
            }
            Fact::ReplicaStored { node, key, version, changed: false, .. } => self.take_in(at, *node, *key, *version),
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
                let copy = self.copy(*node, *key);
                if copy.held.as_ref().is_some_and(|held| held.update == Some(*update)) {
                    copy.taken_in = Version::default();
                }
            }
            _ => {}
        }
    }

    fn place(&mut self, key: KeyId, replicas: &[NodeId]) {
        let entry = self.keys.or_default(key);
        entry.holders = Some(replicas.iter().copied().collect::<Set<NodeId>>());
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
