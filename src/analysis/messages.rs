use super::recent::Recent;
use crate::scenario::Micros;
use crate::trace::{Fact, MessageId, MessageKind, NodeId, OperationId, Record, UpdateId};
use std::collections::BTreeMap;

/// A message under way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InFlight {
    /// Sender.
    pub from: NodeId,
    /// Receiver.
    pub to: NodeId,
    /// What it is for.
    pub kind: MessageKind,
    /// The update that it is about.
    pub update: Option<UpdateId>,
    /// The operation that it belongs to.
    pub operation: Option<OperationId>,
    /// Which delivery of an event; 0 where that means nothing.
    pub attempt: u32,
    /// It is a link's second copy.
    pub duplicate: bool,
    /// When it was sent.
    pub sent: Micros,
    /// When it would arrive.
    pub due: Micros,
}

/// The messages under way by number, and the newest 65,536 whatever became of them.
#[derive(Clone, Debug, Default)]
pub struct Messages {
    in_flight: BTreeMap<MessageId, InFlight>,
    recent: Recent<InFlight>,
}

impl Messages {
    pub(super) fn observe(&mut self, record: &Record) {
        match &record.fact {
            Fact::MessageSent { message, from, to, kind, update, operation, attempt, due } => {
                let in_flight = InFlight {
                    from: *from,
                    to: *to,
                    kind: *kind,
                    update: *update,
                    operation: *operation,
                    attempt: *attempt,
                    duplicate: false,
                    sent: record.at,
                    due: *due,
                };
                self.remember(*message, in_flight);
            }
            Fact::MessageDuplicated { message, copy, due } => {
                if let Some(&original) = self.in_flight.get(message) {
                    self.remember(*copy, InFlight { duplicate: true, due: *due, ..original });
                }
            }
            Fact::MessageDelivered { message } | Fact::MessageDropped { message, .. } => {
                self.in_flight.remove(message);
            }
            _ => {}
        }
    }

    fn remember(&mut self, id: MessageId, message: InFlight) {
        self.in_flight.insert(id, message);
        self.recent.push(message);
    }

    /// A message that was sent, if it is remembered. Message ids are dense.
    pub fn recall(&self, message: MessageId) -> Option<&InFlight> {
        self.recent.get(message.0)
    }

    /// A message under way.
    pub fn get(&self, message: MessageId) -> Option<&InFlight> {
        self.in_flight.get(&message)
    }

    /// All of them, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (MessageId, &InFlight)> {
        self.in_flight.iter().map(|(id, message)| (*id, message))
    }

    /// How many are under way.
    pub fn len(&self) -> usize {
        self.in_flight.len()
    }

    /// Whether none is under way.
    pub fn is_empty(&self) -> bool {
        self.in_flight.is_empty()
    }
}
