use crate::trace::{Fact, NodeId, Record, UpdateId};
use std::collections::{BTreeMap, BTreeSet};

/// What is broken now, and what publishers still try; each fault with the number of the record that began it.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    down: BTreeMap<NodeId, u64>,
    cut: BTreeMap<(NodeId, NodeId), u64>,
    disturbed: BTreeMap<(NodeId, NodeId), u64>,
    /// Events sent to a bus that has not taken them in: by publisher, bus and update.
    unconfirmed: BTreeSet<(NodeId, NodeId, UpdateId)>,
    records: u64,
}

impl Faults {
    pub(super) fn observe(&mut self, record: &Record) {
        let number = self.records;
        self.records += 1;
        match &record.fact {
            Fact::ServiceCrashed { node, .. } | Fact::BusStopped { bus: node, .. } => {
                self.down.insert(*node, number);
                // What was tried again and again is forgotten with the memory.
                self.unconfirmed.retain(|(publisher, ..)| publisher != node);
            }
            Fact::ServiceRestarted { node } | Fact::BusStarted { bus: node } => {
                self.down.remove(node);
            }
            Fact::LinkCut { from, to } => {
                self.cut.insert((*from, *to), number);
            }
            Fact::LinkHealed { from, to } => {
                self.cut.remove(&(*from, *to));
                self.disturbed.remove(&(*from, *to));
            }
            Fact::LinkDisturbed { from, to, .. } => {
                self.disturbed.insert((*from, *to), number);
            }
            Fact::MessageSent { kind: crate::trace::MessageKind::Publish, from, to, update: Some(update), .. } => {
                self.unconfirmed.insert((*from, *to, *update));
            }
            Fact::EventPublished { bus, update, .. } | Fact::EventDeduplicated { bus, update } => {
                self.unconfirmed.retain(|(_, to, what)| (to, what) != (bus, update));
            }
            Fact::PublishAbandoned { node, bus, update } | Fact::PublicationLost { node, bus, update } => {
                self.unconfirmed.remove(&(*node, *bus, *update));
            }
            _ => {}
        }
    }

    /// The record that stopped a node, if it is down.
    pub fn down(&self, node: NodeId) -> Option<u64> {
        self.down.get(&node).copied()
    }

    /// The record that cut one direction of a link, if it is cut.
    pub fn cut(&self, from: NodeId, to: NodeId) -> Option<u64> {
        self.cut.get(&(from, to)).copied()
    }

    /// The record that disturbed one direction of a link, if it is disturbed.
    pub fn disturbed(&self, from: NodeId, to: NodeId) -> Option<u64> {
        self.disturbed.get(&(from, to)).copied()
    }

    /// Who has sent an update's event to a bus that has not taken it in.
    pub fn publishers(&self, update: UpdateId) -> impl Iterator<Item = (NodeId, NodeId)> {
        self.unconfirmed.iter().filter(move |(.., what)| *what == update).map(|(from, to, _)| (*from, *to))
    }
}
