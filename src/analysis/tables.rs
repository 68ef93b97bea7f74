use crate::ordered::{Map, Set};
use crate::trace::{Fact, NodeId, Record, UpdateId};

/// What stands in a service's outbox, and how often its inboxes met an event again.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tables {
    /// Rows that the bus has not acknowledged, by bus and update.
    pub outbox: Set<(NodeId, UpdateId)>,
    /// Events that the inboxes said were applied already.
    pub applied_already: u64,
}

/// The tables of every service that has any.
#[derive(Clone, Debug, Default)]
pub struct AllTables {
    services: Map<NodeId, Tables>,
    changed: Set<NodeId>,
}

impl AllTables {
    pub(super) fn observe(&mut self, record: &Record) {
        match &record.fact {
            Fact::OutboxRowWritten { node, bus, update } => {
                self.of(*node).outbox.insert((*bus, *update));
            }
            Fact::OutboxRowPublished { node, bus, update } | Fact::PublicationLost { node, bus, update } => {
                self.of(*node).outbox.remove(&(*bus, *update));
            }
            Fact::InboxHit { node, .. } => self.of(*node).applied_already += 1,
            _ => {}
        }
    }

    fn of(&mut self, node: NodeId) -> &mut Tables {
        self.changed.insert(node);
        self.services.or_default(node)
    }

    /// Those whose tables changed since the last call.
    pub fn take_changed(&mut self) -> Set<NodeId> {
        std::mem::take(&mut self.changed)
    }

    /// All services that ever had any.
    pub fn iter(&self) -> impl Iterator<Item = (NodeId, &Tables)> {
        self.services.iter().map(|(node, tables)| (*node, tables))
    }

    /// The tables of a service; none if it never had any.
    pub fn get(&self, node: NodeId) -> Option<&Tables> {
        self.services.get(&node)
    }
}
