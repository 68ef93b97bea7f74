use super::recent::Recent;
use crate::scenario::Value;
use crate::trace::{Fact, KeyId, NodeId, Record, UpdateId, Version};

/// The content of an update.
#[derive(Clone, Debug, PartialEq)]
pub struct UpdateInfo {
    /// The service that committed it.
    pub node: NodeId,
    /// The key.
    pub key: KeyId,
    /// The value; `None` for a deletion.
    pub value: Option<Value>,
    /// Its version.
    pub version: Version,
}

/// The content of the newest 65,536 updates, by id. An update is known once it is committed, or applied by a
/// callee before its commit.
#[derive(Clone, Debug, Default)]
pub struct Updates {
    infos: Recent<Option<UpdateInfo>>,
}

impl Updates {
    pub(super) fn observe(&mut self, record: &Record) {
        if let Fact::UpdateCommitted { update, node, key, version, value, .. }
        | Fact::UpdateProposed { update, node, key, version, value }
        | Fact::UpdateApplied { update, node, key, version, value, .. } = &record.fact
        {
            let value = Some(value.clone());
            self.insert(*update, UpdateInfo { node: *node, key: *key, value, version: *version });
        }
        if let Fact::WriteCoordinated { update, node, key, version, value, .. } = &record.fact {
            let value = value.clone();
            self.insert(*update, UpdateInfo { node: *node, key: *key, value, version: *version });
        }
    }

    fn insert(&mut self, update: UpdateId, info: UpdateInfo) {
        while self.infos.total() <= u64::from(update.0) {
            self.infos.push(None);
        }
        if self.infos.get(update.0.into()).is_some_and(Option::is_none)
            && let Some(slot) = self.infos.get_mut(update.0.into())
        {
            *slot = Some(info);
        }
    }

    /// Returns the content of an update, if it is remembered.
    pub fn get(&self, update: UpdateId) -> Option<&UpdateInfo> {
        self.infos.get(update.0.into())?.as_ref()
    }
}
