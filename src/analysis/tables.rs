use crate::scenario::Micros;
use crate::trace::{Fact, NodeId, Outcome, Record, SubscriptionId, UpdateId};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// How many of the events that a service handled are remembered.
const HANDLED: usize = 8;

/// An event that a service handled: where its subscription has an inbox, a row of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handled {
    /// The subscription.
    pub by: SubscriptionId,
    /// The update.
    pub update: UpdateId,
    /// When.
    pub at: Micros,
    /// It came again, and the inbox knew it.
    pub again: bool,
}

/// What stands in a service's outbox, and what its inboxes know.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tables {
    /// Rows that the bus has not acknowledged, by bus and update.
    pub outbox: BTreeSet<(NodeId, UpdateId)>,
    /// Events that the inboxes said were applied already.
    pub applied_already: u64,
    /// The events that it handled last, oldest first.
    pub handled: VecDeque<Handled>,
}

/// The tables of every service that has any.
#[derive(Clone, Debug, Default)]
pub struct AllTables {
    services: BTreeMap<NodeId, Tables>,
    changed: BTreeSet<NodeId>,
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
            Fact::UpdateApplied { node, by: Some(by), update, .. }
            | Fact::EventWriteEnded { node, subscription: by, update, outcome: Outcome::Ok, .. } => {
                let handled = &mut self.of(*node).handled;
                if handled.len() == HANDLED {
                    handled.pop_front();
                }
                handled.push_back(Handled { by: *by, update: *update, at: record.at, again: false });
            }
            Fact::InboxHit { node, subscription, update, .. } => {
                let tables = self.of(*node);
                tables.applied_already += 1;
                let known = tables.handled.iter_mut().rev().find(|it| (it.by, it.update) == (*subscription, *update));
                if let Some(known) = known {
                    known.again = true;
                }
            }
            Fact::ServiceCrashed { node, lost_disk: true } => self.of(*node).handled.clear(),
            _ => {}
        }
    }

    fn of(&mut self, node: NodeId) -> &mut Tables {
        self.changed.insert(node);
        self.services.entry(node).or_default()
    }

    /// Those whose tables changed since the last call.
    pub fn take_changed(&mut self) -> BTreeSet<NodeId> {
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
