//! The sentences about events: their publications, queues, handling and consumers.

use super::{Row, Text, about_update};
use crate::scenario::Micros;
use crate::session::labels::{self, duration};
use crate::trace::{DetachReason, DropReason, Fact, HandlingFailure, LeaveReason, Outcome, facts_about};

impl Text<'_> {
    /// Facts about publications.
    pub(super) fn publication(&self, fact: &Fact) -> Row {
        match fact {
            Fact::EventPublished { bus, update, subscriptions, partition, .. } => {
                let event = self.update(update);
                let text = format!(
                    "{} accepted {event} in partition {partition} for {}",
                    self.node(bus),
                    labels::count((*subscriptions).into(), "subscription", "subscriptions")
                );
                about_update(bus, update, text)
            }
            Fact::PublishAbandoned { node: at, bus, update } => {
                let text = format!(
                    "{} stopped publishing {}: no acknowledgement from {}",
                    self.node(at),
                    self.update(update),
                    self.node(bus)
                );
                (text, Some(*update), vec![*at, *bus])
            }
            Fact::EventDeduplicated { bus, update } => {
                let text = format!("{} ignored {}: it has this event already", self.node(bus), self.update(update));
                about_update(bus, update, text)
            }
            Fact::OutboxRowWritten { node: at, update, .. } => {
                let text = format!("{} wrote {} to its outbox with the commit", self.node(at), self.update(update));
                about_update(at, update, text)
            }
            Fact::OutboxRowPublished { node: at, bus, update } => {
                let text =
                    format!("{} published the outbox row {} to {}", self.node(at), self.update(update), self.node(bus));
                (text, Some(*update), vec![*at, *bus])
            }
            Fact::PositionLost { node: at, bus, update } => {
                let event = self.update(update);
                let text =
                    format!("{} lost its position: it will publish {event} to {} again", self.node(at), self.node(bus));
                (text, Some(*update), vec![*at, *bus])
            }
            Fact::PublicationSkipped { bus, update } => {
                let text = format!("{} skipped {}: its predecessor is missing", self.node(bus), self.update(update));
                about_update(bus, update, text)
            }
            Fact::PublicationLost { node: at, bus, update } => {
                let event = self.update(update);
                let text = format!("{} crashed before it published {event} to {}", self.node(at), self.node(bus));
                (text, Some(*update), vec![*at, *bus])
            }
            Fact::PublishRefused { bus, update, in_sync, needed } => {
                let event = self.update(update);
                let text = format!("{} refused {event}: {in_sync} brokers in sync, {needed} required", self.node(bus));
                about_update(bus, update, text)
            }
            facts_about!(declarations, requests, messages, queues, handling, attachments, faults, groups) => {
                unreachable!("another subject")
            }
        }
    }

    /// Facts about the queues of a bus.
    pub(super) fn queued_event(&self, fact: &Fact, now: Micros) -> Row {
        match fact {
            Fact::EventQueued { subscription, update, not_before, deliveries, .. } => {
                self.event_row(subscription, update, |bus, consumer, event| match deliveries {
                    0 => format!("{bus} queued {event} for {consumer}"),
                    _ => {
                        let (attempt, delay) = (deliveries + 1, duration(not_before - now));
                        format!("{bus} requeued {event} for {consumer}, delivery attempt {attempt} in {delay}")
                    }
                })
            }
            Fact::EventSent { subscription, update, attempt, .. } => {
                self.event_row(subscription, update, |bus, consumer, event| {
                    format!("{bus} sent {event} to {consumer}, delivery attempt {attempt}")
                })
            }
            Fact::EventAcknowledged { subscription, update, .. } => {
                self.event_row(subscription, update, |bus, consumer, event| {
                    format!("{consumer} acknowledged {event} to {bus}")
                })
            }
            Fact::EventDeadLettered { subscription, update, deliveries, .. } => {
                self.event_row(subscription, update, |bus, consumer, event| {
                    format!(
                        "{bus} dead-lettered {event} for {consumer} after {}",
                        labels::count((*deliveries).into(), "delivery", "deliveries")
                    )
                })
            }
            Fact::EventDiscarded { subscription, update, reason, .. } => {
                self.event_row(subscription, update, |bus, consumer, event| {
                    format!("{bus} discarded {event} for {consumer}: {}", discard_reason(*reason))
                })
            }
            Fact::EventRedriven { subscription, update, .. } => {
                self.event_row(subscription, update, |bus, consumer, event| {
                    format!("{bus} redrove the dead letter {event} for {consumer}")
                })
            }
            Fact::AcknowledgementExpired { subscription, update, .. } => {
                self.event_row(subscription, update, |bus, consumer, event| {
                    format!("{bus} ignored the acknowledgement of {event} by {consumer}: its delivery had ended")
                })
            }
            facts_about!(
                declarations,
                requests,
                messages,
                publishers,
                publications,
                handling,
                attachments,
                faults,
                groups
            ) => {
                unreachable!("another subject")
            }
        }
    }

    /// Facts about events at their consumers.
    pub(super) fn handled_event(&self, fact: &Fact) -> Row {
        match fact {
            Fact::HandlingFailed { subscription, update, attempt, cause } => {
                let consumer = self.names.subscription(*subscription).service;
                let (event, cause) = (self.update(update), handling_failure(*cause));
                let text =
                    format!("{} did not handle {event} (delivery attempt {attempt}): {cause}", self.node(&consumer));
                about_update(&consumer, update, text)
            }
            Fact::InboxHit { node: at, update, attempt, .. } => {
                let event = self.update(update);
                about_update(
                    at,
                    update,
                    format!("{} had already applied {event} (delivery attempt {attempt})", self.node(at)),
                )
            }
            Fact::EventWriteStarted { node: at, update, attempt, .. } => {
                let event = self.update(update);
                let text = format!("{} sent {event} to its group to write (attempt {attempt})", self.node(at));
                about_update(at, update, text)
            }
            Fact::EventWriteEnded { node: at, update, outcome, written, .. } => {
                let what = match (outcome, written) {
                    (Outcome::Ok, Some(_)) => "wrote",
                    (Outcome::Ok, None) => "did not need to write",
                    (Outcome::Fail, _) => "refused to write",
                    (Outcome::Unknown, _) => "did not report whether it wrote",
                };
                let text = format!("group of {} {what} {}", self.node(at), self.update(update));
                about_update(at, update, text)
            }
            facts_about!(
                declarations,
                requests,
                messages,
                publishers,
                publications,
                queues,
                attachments,
                faults,
                groups
            ) => {
                unreachable!("another subject")
            }
        }
    }

    /// Facts about consumers and their bus.
    pub(super) fn attachment(&self, fact: &Fact) -> Row {
        match fact {
            Fact::ConsumerAttached { subscription } => {
                let ends = self.names.subscription(*subscription);
                let text = format!("{} is attached to {} again", self.node(&ends.service), self.node(&ends.bus));
                (text, None, vec![ends.service, ends.bus])
            }
            Fact::ConsumerDetached { subscription, reason } => {
                let ends = self.names.subscription(*subscription);
                let why = match reason {
                    DetachReason::Closed => "its connection was closed",
                    DetachReason::Silent => "the bus received no heartbeat",
                    DetachReason::AcknowledgementOverdue => "an acknowledgement was overdue",
                };
                let text =
                    format!("{} is no longer attached to {}: {why}", self.node(&ends.service), self.node(&ends.bus));
                (text, None, vec![ends.service, ends.bus])
            }
            Fact::ReaderLeft { subscription, reason } => {
                let ends = self.names.subscription(*subscription);
                let (bus, reader) = (self.node(&ends.bus), self.node(&ends.service));
                let text = match reason {
                    LeaveReason::Silent => {
                        format!(
                            "{bus} removed {reader} from its consumer group: no heartbeat within the session timeout"
                        )
                    }
                    LeaveReason::PolledTooRarely => {
                        format!("{reader} left its consumer group at {bus}: it polled too rarely")
                    }
                };
                (text, None, vec![ends.bus, ends.service])
            }
            Fact::ReaderJoined { subscription } => {
                let ends = self.names.subscription(*subscription);
                let text =
                    format!("{} rejoined its consumer group at {}", self.node(&ends.service), self.node(&ends.bus));
                (text, None, vec![ends.bus, ends.service])
            }
            facts_about!(
                declarations,
                requests,
                messages,
                publishers,
                publications,
                queues,
                handling,
                faults,
                groups
            ) => {
                unreachable!("another subject")
            }
        }
    }
}

fn discard_reason(reason: DropReason) -> &'static str {
    match reason {
        DropReason::DeliveriesUsedUp => "the last delivery failed",
        DropReason::Expired => "its retention time is over",
        DropReason::NotFlushed => "it was not flushed when the bus stopped",
        DropReason::Purged => "it was purged",
        DropReason::NotReplicated => "the new leader never had it",
        DropReason::NotConnected => "no consumer was connected",
    }
}

fn handling_failure(cause: HandlingFailure) -> &'static str {
    match cause {
        HandlingFailure::Failed => "its handler failed",
        HandlingFailure::QueueFull => "its queue is full",
        HandlingFailure::Poison => "it is a poison message",
        HandlingFailure::WrongType => "it increments a value that is not a number",
        HandlingFailure::NotWritten => "its group did not write it, or its key is locked",
    }
}
