use super::recent::Recent;
use crate::scenario::Micros;
use crate::trace::{Fact, MessageId, MessageKind, NodeId, OperationId, Record, UpdateId, facts_about};
use std::collections::BTreeMap;

/// A message in flight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MessageInFlight {
    /// Sender.
    pub from: NodeId,
    /// Receiver.
    pub to: NodeId,
    /// Its purpose.
    pub kind: MessageKind,
    /// The update that it carries or refers to.
    pub update: Option<UpdateId>,
    /// The operation that it belongs to.
    pub operation: Option<OperationId>,
    /// Number of the delivery of an event, from 1; 0 for other messages.
    pub attempt: u32,
    /// Whether it is a second copy that the link made.
    pub duplicate: bool,
    /// When it was sent.
    pub sent: Micros,
    /// When it would arrive.
    pub due: Micros,
}

/// The messages in flight by number, and the newest 65,536 messages sent.
#[derive(Clone, Debug, Default)]
pub struct Messages {
    in_flight: BTreeMap<MessageId, MessageInFlight>,
    recent: Recent<MessageInFlight>,
}

impl Messages {
    pub(super) fn observe(&mut self, record: &Record) {
        match &record.fact {
            Fact::MessageSent { message, from, to, kind, update, operation, attempt, due } => {
                let in_flight = MessageInFlight {
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
                    self.remember(*copy, MessageInFlight { duplicate: true, due: *due, ..original });
                }
            }
            Fact::MessageDelivered { message } | Fact::MessageDropped { message, .. } => {
                self.in_flight.remove(message);
            }
            facts_about!(declarations, requests, events, faults, groups) => {}
        }
    }

    fn remember(&mut self, id: MessageId, message: MessageInFlight) {
        debug_assert_eq!(id.0, self.recent.total(), "message ids are dense");
        debug_assert!(message.sent <= message.due, "a message arrives after it was sent");
        self.in_flight.insert(id, message);
        self.recent.push(message);
    }

    /// Returns a sent message, if it is remembered. Message ids are dense.
    pub fn recall(&self, message: MessageId) -> Option<&MessageInFlight> {
        self.recent.get(message.0)
    }

    /// Returns a message in flight.
    pub fn get(&self, message: MessageId) -> Option<&MessageInFlight> {
        self.in_flight.get(&message)
    }

    /// Iterates over the messages in flight, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (MessageId, &MessageInFlight)> {
        self.in_flight.iter().map(|(id, message)| (*id, message))
    }

    /// Iterates over the messages in flight from an id on, oldest first.
    pub fn since(&self, from: MessageId) -> impl Iterator<Item = (MessageId, &MessageInFlight)> {
        self.in_flight.range(from..).map(|(id, message)| (*id, message))
    }

    /// Returns the id of the next message.
    pub fn next_id(&self) -> MessageId {
        MessageId(self.recent.total())
    }

    /// Returns the number of messages in flight.
    pub fn len(&self) -> usize {
        self.in_flight.len()
    }

    /// Returns whether no message is in flight.
    pub fn is_empty(&self) -> bool {
        self.in_flight.is_empty()
    }
}
