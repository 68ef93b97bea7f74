use crate::scenario::Value;
use crate::trace::{Fact, KeyId, NodeId, Record, UpdateId, Version};
use std::collections::VecDeque;

/// What an update says.
#[derive(Clone, Debug, PartialEq)]
pub struct UpdateInfo {
    /// The service that committed it.
    pub node: NodeId,
    /// The key.
    pub key: KeyId,
    /// The value; none for a deletion.
    pub value: Option<Value>,
    /// Its version.
    pub version: Version,
}

/// How many updates are remembered.
const REMEMBERED: usize = 1 << 16;

/// What the newest 65,536 updates say, by id. An update is known once it is committed, or taken in by a
/// callee before its commit.
#[derive(Clone, Debug, Default)]
pub struct Updates {
    first: u32,
    infos: VecDeque<Option<UpdateInfo>>,
}

impl Updates {
    pub(super) fn observe(&mut self, record: &Record) {
        if let Fact::UpdateCommitted { update, node, key, version, value, .. }
        | Fact::UpdateProposed { update, node, key, version, value }
        | Fact::UpdateTakenIn { update, node, key, version, value, .. } = &record.fact
        {
            let value = Some(value.clone());
            self.learn(*update, UpdateInfo { node: *node, key: *key, value, version: *version });
        }
        if let Fact::WriteCoordinated { update, node, key, version, value, .. } = &record.fact {
            let value = value.clone();
            self.learn(*update, UpdateInfo { node: *node, key: *key, value, version: *version });
        }
    }

    fn learn(&mut self, update: UpdateId, info: UpdateInfo) {
        let Some(index) = update.0.checked_sub(self.first).map(|index| index as usize) else { return };
        if self.infos.len() <= index {
            self.infos.resize(index + 1, None);
        }
        self.infos[index].get_or_insert(info);
        while self.infos.len() > REMEMBERED {
            self.infos.pop_front();
            self.first += 1;
        }
    }

    /// What an update says, if it is remembered.
    pub fn get(&self, update: UpdateId) -> Option<&UpdateInfo> {
        let index = update.0.checked_sub(self.first)?;
        self.infos.get(index as usize)?.as_ref()
    }
}
