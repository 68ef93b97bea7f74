use super::id_set::IdSet;
use super::recent::Recent;
use crate::scenario::Micros;
use crate::trace::{Fact, MessageId, MessageKind, NodeId, OperationId, Record, UpdateId, facts_about};

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
    in_flight: IdSet,
    recent: Recent<MessageInFlight>,
    /// The messages in flight that are not among the recent ones, by number. It contains others until they are the majority, so
    /// the end of a message costs the same however many are in flight.
    older: Vec<(MessageId, MessageInFlight)>,
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
                if let Some(&original) = self.get(*message) {
                    self.remember(*copy, MessageInFlight { duplicate: true, due: *due, ..original });
                }
            }
            Fact::MessageDelivered { message } | Fact::MessageDropped { message, .. } => {
                self.in_flight.remove(message.0);
            }
            facts_about!(declarations, requests, events, faults, groups) => {}
        }
    }

    fn remember(&mut self, id: MessageId, message: MessageInFlight) {
        debug_assert_eq!(id.0, self.recent.total(), "message ids are dense");
        debug_assert!(message.sent <= message.due, "a message arrives after it was sent");
        self.in_flight.push(id.0);
        if let Some((first, messages)) = self.recent.push(message) {
            if self.older.len() > 2 * self.in_flight.len() {
                self.older.retain(|(id, _)| self.in_flight.contains(id.0));
            }
            let numbered = (first..).zip(messages.iter());
            let in_flight = numbered.filter(|(id, _)| self.in_flight.contains(*id));
            self.older.extend(in_flight.map(|(id, message)| (MessageId(id), *message)));
        }
    }

    /// Returns a sent message, if it is remembered. Message ids are dense.
    pub fn recall(&self, message: MessageId) -> Option<&MessageInFlight> {
        self.recent.get(message.0)
    }

    /// Returns a message in flight.
    pub fn get(&self, message: MessageId) -> Option<&MessageInFlight> {
        if !self.in_flight.contains(message.0) {
            return None;
        }
        self.recall(message).or_else(|| {
            let index = self.older.binary_search_by_key(&message, |(id, _)| *id).ok()?;
            Some(&self.older[index].1)
        })
    }

    /// Iterates over the messages in flight, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (MessageId, &MessageInFlight)> {
        self.since(MessageId(0))
    }

    /// Iterates over the messages in flight from an id on, oldest first.
    pub fn since(&self, from: MessageId) -> impl Iterator<Item = (MessageId, &MessageInFlight)> {
        self.in_flight.since(from.0).filter_map(|id| Some((MessageId(id), self.get(MessageId(id))?)))
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
        self.in_flight.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_is_in_flight_for_long_is_still_known() {
        let mut messages = Messages::default();
        for number in 0..200_000 {
            let message = MessageId(number);
            let fact = Fact::MessageSent {
                message,
                from: NodeId(0),
                to: NodeId(1),
                kind: MessageKind::Delivery,
                update: None,
                operation: None,
                attempt: 0,
                due: number + 1,
            };
            messages.observe(&Record { at: number, fact });
            if number % 50_000 > 0 {
                messages.observe(&Record { at: number + 1, fact: Fact::MessageDelivered { message } });
            }
        }
        let sent: Vec<Micros> = messages.iter().map(|(_, message)| message.sent).collect();
        assert_eq!(sent, [0, 50_000, 100_000, 150_000]);
        assert_eq!(messages.since(MessageId(60_000)).count(), 2);
        messages.observe(&Record { at: 200_001, fact: Fact::MessageDelivered { message: MessageId(0) } });
        assert_eq!((messages.len(), messages.get(MessageId(0))), (3, None));
        assert!(messages.older.len() <= 8, "delivered messages are discarded: {} are kept", messages.older.len());
    }
}
