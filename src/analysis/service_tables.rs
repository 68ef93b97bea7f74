use crate::scenario::Micros;
use crate::trace::{Fact, NodeId, NodeSet, Outcome, Record, SubscriptionId, UpdateId, facts_about};
use litemap::LiteMap;
use std::collections::{BTreeSet, VecDeque};

/// Maximum number of handled events that are remembered for each service.
const MAX_HANDLED: usize = 8;

/// An event that a service handled; a row of the inbox, if the subscription has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandledEvent {
    /// The subscription.
    pub by: SubscriptionId,
    /// The update.
    pub update: UpdateId,
    /// When it was handled.
    pub at: Micros,
    /// Whether it was delivered again and found in the inbox.
    pub redelivered: bool,
}

/// The outbox of a service, and the newest rows of its inboxes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServiceTables {
    /// Outbox rows that the bus has not acknowledged, by bus and update.
    pub outbox: BTreeSet<(NodeId, UpdateId)>,
    /// Number of deliveries that an inbox recognised as handled before.
    pub inbox_hits: u64,
    /// The events that the service handled last, oldest first.
    pub handled: VecDeque<HandledEvent>,
}

/// The tables of all services.
#[derive(Clone, Debug, Default)]
pub struct AllTables {
    services: LiteMap<NodeId, ServiceTables>,
    changed: NodeSet,
    /// Number of rows in all outboxes.
    rows: usize,
}

impl AllTables {
    pub(super) fn observe(&mut self, record: &Record) {
        match &record.fact {
            Fact::OutboxRowWritten { node, bus, update } | Fact::PositionLost { node, bus, update } => {
                let is_new = self.tables_mut(*node).outbox.insert((*bus, *update));
                self.rows += usize::from(is_new);
            }
            Fact::OutboxRowPublished { node, bus, update } | Fact::PublicationLost { node, bus, update } => {
                let was_there = self.tables_mut(*node).outbox.remove(&(*bus, *update));
                self.rows -= usize::from(was_there);
            }
            Fact::UpdateApplied { node, by: Some(by), update, .. }
            | Fact::EventWriteEnded { node, subscription: by, update, outcome: Outcome::Ok, .. } => {
                let handled = &mut self.tables_mut(*node).handled;
                if handled.len() == MAX_HANDLED {
                    handled.pop_front();
                }
                handled.push_back(HandledEvent { by: *by, update: *update, at: record.at, redelivered: false });
            }
            Fact::InboxHit { node, subscription, update, .. } => {
                let tables = self.tables_mut(*node);
                tables.inbox_hits += 1;
                let known = tables
                    .handled
                    .iter_mut()
                    .rev()
                    .find(|handled| (handled.by, handled.update) == (*subscription, *update));
                if let Some(known) = known {
                    known.redelivered = true;
                }
            }
            Fact::ServiceCrashed { node, lost_disk: true } => self.tables_mut(*node).handled.clear(),
            facts_about!(declarations, requests, messages, publications, queues, attachments, faults, groups)
            | Fact::PublishAbandoned { .. }
            | Fact::HandlingFailed { .. }
            | Fact::DeliveryDiscarded { .. }
            | Fact::EventWriteStarted { .. }
            | Fact::EventWriteEnded { .. } => {}
        }
    }

    fn tables_mut(&mut self, node: NodeId) -> &mut ServiceTables {
        self.changed.insert(node, ());
        self.services.entry(node).or_default()
    }

    /// Returns the services whose tables changed since the last call.
    pub fn take_changed(&mut self) -> NodeSet {
        std::mem::take(&mut self.changed)
    }

    /// Iterates over the rows of all outboxes: the service, the bus and the update.
    pub(super) fn unpublished(&self) -> impl Iterator<Item = (NodeId, NodeId, UpdateId)> {
        let services = self.services.iter().filter(|_| self.rows > 0);
        services.flat_map(|(service, tables)| tables.outbox.iter().map(|(bus, update)| (*service, *bus, *update)))
    }

    /// Iterates over the services that have had tables.
    pub fn iter(&self) -> impl Iterator<Item = (NodeId, &ServiceTables)> {
        self.services.iter().map(|(node, tables)| (*node, tables))
    }

    /// Returns the tables of a service, if it has had any.
    pub fn get(&self, node: NodeId) -> Option<&ServiceTables> {
        self.services.get(&node)
    }
}
