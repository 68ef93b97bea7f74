//! The sentences about events: their publications, queues, handling and consumers.

use super::{Row, Text, about_update};
use crate::language::{phrase, sentence};
use crate::scenario::Micros;
use crate::session::labels::{self, after};
use crate::trace::{DetachReason, DropReason, Fact, LeaveReason, NodeId, Outcome, UpdateId, facts_about};

impl Text<'_> {
    /// Facts about publications at their publisher.
    pub(super) fn publisher(&self, fact: &Fact) -> Row {
        match fact {
            Fact::PublishAbandoned { node: at, bus, update } => {
                let text = sentence!(
                    "{} stopped publishing {}: no acknowledgement from {}",
                    "{} veröffentlicht {} nicht mehr: keine Bestätigung von {}",
                    self.node(at),
                    self.update(update),
                    self.node(bus)
                );
                (text, Some(*update), vec![*at, *bus])
            }
            Fact::OutboxRowWritten { node, bus, update } => self.stored_publication(node, bus, update, false),
            Fact::OutboxRowPublished { node, bus, update } => self.stored_publication(node, bus, update, true),
            Fact::PositionLost { node: at, bus, update } => {
                let event = self.update(update);
                let text = sentence!(
                    "{} lost its position: it will publish {event} to {} again",
                    "{} hat die eigene Position verloren: {event} wird noch einmal auf {} veröffentlicht",
                    self.node(at),
                    self.node(bus)
                );
                (text, Some(*update), vec![*at, *bus])
            }
            Fact::PublicationLost { node: at, bus, update } => {
                let event = self.update(update);
                let text = sentence!(
                    "{} crashed before it published {event} to {}",
                    "{} ist abgestürzt, bevor {event} auf {} veröffentlicht war",
                    self.node(at),
                    self.node(bus)
                );
                (text, Some(*update), vec![*at, *bus])
            }
            facts_about!(
                declarations,
                requests,
                messages,
                publications,
                queues,
                handling,
                attachments,
                faults,
                groups
            ) => {
                unreachable!("another subject")
            }
        }
    }

    /// Facts about publications that a publisher stores with its commits: in an outbox, or in its log.
    fn stored_publication(&self, at: &NodeId, bus: &NodeId, update: &UpdateId, is_published: bool) -> Row {
        let (node, row) = (self.node(at), self.update(update));
        let text = match (is_published, self.names.relays_log(*at, *bus)) {
            (false, true) => sentence!(
                "{node} wrote {row} to its log with the commit",
                "{node} hat {row} mit dem Commit ins Log geschrieben"
            ),
            (false, false) => sentence!(
                "{node} wrote {row} to its outbox with the commit",
                "{node} hat {row} mit dem Commit in die Outbox geschrieben"
            ),
            (true, true) => sentence!(
                "{node} published {row} from its log to {}",
                "{node} hat {row} aus dem Log auf {} veröffentlicht",
                self.node(bus)
            ),
            (true, false) => sentence!(
                "{node} published the outbox row {row} to {}",
                "{node} hat die Outbox-Zeile {row} auf {} veröffentlicht",
                self.node(bus)
            ),
        };
        if is_published { (text, Some(*update), vec![*at, *bus]) } else { about_update(at, update, text) }
    }

    /// Facts about publications at their bus.
    pub(super) fn publication(&self, fact: &Fact) -> Row {
        match fact {
            Fact::EventPublished { bus, update, subscriptions, partition, .. } => {
                let event = self.update(update);
                let text = sentence!(
                    "{} accepted {event} in partition {partition} for {}",
                    "{} hat {event} in Partition {partition} für {} angenommen",
                    self.node(bus),
                    labels::count(
                        (*subscriptions).into(),
                        phrase("subscription", "Abonnement"),
                        phrase("subscriptions", "Abonnements")
                    )
                );
                about_update(bus, update, text)
            }
            Fact::EventDeduplicated { bus, update } => {
                let text = sentence!(
                    "{} ignored {}: it has this event already",
                    "{} hat {} ignoriert: dieses Event ist schon vorhanden",
                    self.node(bus),
                    self.update(update)
                );
                about_update(bus, update, text)
            }
            Fact::PublicationSkipped { bus, update } => {
                let text = sentence!(
                    "{} skipped {}: its predecessor is missing",
                    "{} hat {} übersprungen: der Vorgänger fehlt",
                    self.node(bus),
                    self.update(update)
                );
                about_update(bus, update, text)
            }
            Fact::PublishRefused { bus, update, in_sync, needed } => {
                let event = self.update(update);
                let text = sentence!(
                    "{} refused {event}: {} in sync, {needed} required",
                    "{} hat {event} abgelehnt: {} synchron, {needed} nötig",
                    self.node(bus),
                    labels::count((*in_sync).into(), phrase("broker", "Broker"), phrase("brokers", "Broker"))
                );
                about_update(bus, update, text)
            }
            facts_about!(
                declarations,
                requests,
                messages,
                publishers,
                queues,
                handling,
                attachments,
                faults,
                groups
            ) => {
                unreachable!("another subject")
            }
        }
    }

    /// Facts about the queues of a bus.
    pub(super) fn queued_event(&self, fact: &Fact, now: Micros) -> Row {
        match fact {
            Fact::EventQueued { subscription, update, not_before, deliveries, .. } => {
                self.queue_row(subscription, update, |bus, consumer, event| match deliveries {
                    0 => {
                        sentence!("{bus} queued {event} for {consumer}", "{bus} hat {event} für {consumer} eingereiht")
                    }
                    _ => {
                        let (attempt, when) = (deliveries + 1, after(not_before - now));
                        sentence!(
                            "{bus} requeued {event} for {consumer}, delivery attempt {attempt} {when}",
                            "{bus} hat {event} für {consumer} wieder eingereiht, Zustellversuch {attempt} {when}"
                        )
                    }
                })
            }
            Fact::EventSent { subscription, update, attempt, .. } => {
                self.event_row(subscription, update, |bus, consumer, event| {
                    sentence!(
                        "{bus} sent {event} to {consumer}, delivery attempt {attempt}",
                        "{bus} hat {event} an {consumer} gesendet, Zustellversuch {attempt}"
                    )
                })
            }
            Fact::EventAcknowledged { subscription, update, .. } => {
                let acknowledges = self.names.subscription(*subscription).acknowledges;
                self.event_row(subscription, update, |bus, consumer, event| match acknowledges {
                    true => sentence!(
                        "{consumer} acknowledged {event} to {bus}",
                        "{consumer} hat {event} gegenüber {bus} bestätigt"
                    ),
                    false => sentence!(
                        "{bus} treats {event} as delivered to {consumer}: the subscription has no acknowledgements",
                        "{bus} betrachtet {event} als an {consumer} zugestellt: \
                         das Abonnement sieht keine Bestätigungen vor"
                    ),
                })
            }
            Fact::AcknowledgementExpired { subscription, update, .. } => {
                self.event_row(subscription, update, |bus, consumer, event| {
                    sentence!(
                        "{bus} ignored the acknowledgement of {event} by {consumer}: its delivery had ended",
                        "{bus} hat die Bestätigung von {event} durch {consumer} \
                         ignoriert: die Zustellung war schon beendet"
                    )
                })
            }
            Fact::EventDeadLettered { .. } | Fact::EventDiscarded { .. } | Fact::EventRedriven { .. } => {
                self.undelivered_event(fact)
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

    /// Facts about events that a bus no longer delivers, or delivers again.
    fn undelivered_event(&self, fact: &Fact) -> Row {
        match fact {
            Fact::EventDeadLettered { subscription, update, deliveries, .. } => {
                self.queue_row(subscription, update, |bus, consumer, event| {
                    sentence!(
                        "{bus} dead-lettered {event} for {consumer} after {}",
                        "{bus} hat {event} für {consumer} nach {} als unzustellbar abgelegt",
                        labels::count(
                            (*deliveries).into(),
                            phrase("delivery", "Zustellung"),
                            phrase("deliveries", "Zustellungen")
                        )
                    )
                })
            }
            Fact::EventDiscarded { subscription, update, reason, .. } => {
                self.queue_row(subscription, update, |bus, consumer, event| {
                    sentence!(
                        "{bus} discarded {event} for {consumer}: {}",
                        "{bus} hat {event} für {consumer} verworfen: {}",
                        discard_reason(*reason)
                    )
                })
            }
            Fact::EventRedriven { subscription, update, .. } => {
                self.queue_row(subscription, update, |bus, consumer, event| {
                    sentence!(
                        "{bus} redrove the dead letter {event} for {consumer}",
                        "{bus} stellt das unzustellbare Event {event} für {consumer} erneut zu"
                    )
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
            )
            | Fact::EventQueued { .. }
            | Fact::EventSent { .. }
            | Fact::EventAcknowledged { .. }
            | Fact::AcknowledgementExpired { .. } => {
                unreachable!("another subject")
            }
        }
    }

    /// Facts about events at their consumers.
    pub(super) fn handled_event(&self, fact: &Fact) -> Row {
        match fact {
            Fact::HandlingFailed { subscription, update, attempt, cause } => {
                let consumer = self.names.subscription(*subscription).service;
                let (event, cause) = (self.update(update), labels::handling_failure(*cause));
                let text = sentence!(
                    "{} did not handle {event} (delivery attempt {attempt}): {cause}",
                    "{} hat {event} nicht verarbeitet (Zustellversuch {attempt}): {cause}",
                    self.node(&consumer)
                );
                about_update(&consumer, update, text)
            }
            Fact::InboxHit { node: at, update, attempt, .. } => {
                let event = self.update(update);
                about_update(
                    at,
                    update,
                    sentence!(
                        "{} had already applied {event} (delivery attempt {attempt})",
                        "{} hatte {event} schon angewendet (Zustellversuch {attempt})",
                        self.node(at)
                    ),
                )
            }
            Fact::DeliveryDiscarded { subscription, update, attempt } => {
                let (consumer, event) = (self.names.subscription(*subscription).service, self.update(update));
                let text = sentence!(
                    "{} discarded {event} (delivery attempt {attempt}) without handling it",
                    "{} hat {event} unverarbeitet verworfen (Zustellversuch {attempt})",
                    self.node(&consumer)
                );
                about_update(&consumer, update, text)
            }
            Fact::EventWriteStarted { node: at, update, attempt, .. } => {
                let event = self.update(update);
                let text = sentence!(
                    "{} sent {event} to its group to write (attempt {attempt})",
                    "{} hat {event} zum Schreiben an die eigene Gruppe gesendet (Versuch {attempt})",
                    self.node(at)
                );
                about_update(at, update, text)
            }
            Fact::EventWriteEnded { node: at, update, outcome, written, .. } => {
                let (at_node, event) = (self.node(at), self.update(update));
                let text = write_end(*outcome, written.is_some(), at_node, event);
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
                let text = sentence!(
                    "{} is attached to {} again",
                    "{} ist wieder an {} angebunden",
                    self.node(&ends.service),
                    self.node(&ends.bus)
                );
                (text, None, vec![ends.service, ends.bus])
            }
            Fact::ConsumerDetached { subscription, reason } => {
                let ends = self.names.subscription(*subscription);
                let why = match reason {
                    DetachReason::Closed if ends.polls => phrase("it no longer polls", "es wird nicht mehr abgefragt"),
                    other => detach_reason(*other),
                };
                let text = sentence!(
                    "{} is no longer attached to {}: {why}",
                    "{} ist nicht mehr an {} angebunden: {why}",
                    self.node(&ends.service),
                    self.node(&ends.bus)
                );
                (text, None, vec![ends.service, ends.bus])
            }
            Fact::ReaderLeft { subscription, reason } => {
                let ends = self.names.subscription(*subscription);
                let (bus, reader) = (self.node(&ends.bus), self.node(&ends.service));
                let text = reader_left(*reason, bus, reader);
                (text, None, vec![ends.bus, ends.service])
            }
            Fact::ReaderJoined { subscription } => {
                let ends = self.names.subscription(*subscription);
                let text = sentence!(
                    "{} rejoined its consumer group at {}",
                    "{} ist wieder in der Consumer-Gruppe bei {}",
                    self.node(&ends.service),
                    self.node(&ends.bus)
                );
                (text, None, vec![ends.bus, ends.service])
            }
            Fact::PartitionsReleased { subscription } => {
                let ends = self.names.subscription(*subscription);
                let text = sentence!(
                    "{} committed and gave its partitions back to {} for a rebalance",
                    "{} hat committet und {} seine Partitionen für ein Rebalancing zurückgegeben",
                    self.node(&ends.service),
                    self.node(&ends.bus)
                );
                (text, None, vec![ends.service, ends.bus])
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

/// Describes why a reader left its group.
fn reader_left(reason: LeaveReason, bus: &str, reader: &str) -> String {
    match reason {
        LeaveReason::Silent => {
            sentence!(
                "{bus} removed {reader} from its consumer group: no heartbeat within the session timeout",
                "{bus} hat {reader} aus der Consumer-Gruppe entfernt: \
                             kein Heartbeat innerhalb des Sitzungs-Timeouts"
            )
        }
        LeaveReason::PolledTooRarely => {
            sentence!(
                "{reader} left its consumer group at {bus}: it polled too rarely",
                "{reader} hat die Consumer-Gruppe bei {bus} verlassen: zu seltene Abfragen"
            )
        }
        LeaveReason::AcknowledgementOverdue => {
            sentence!(
                "{bus} removed {reader} from its consumer group: no acknowledgement within the deadline",
                "{bus} hat {reader} aus der Consumer-Gruppe entfernt: keine Bestätigung innerhalb der Frist"
            )
        }
    }
}

/// Describes how a group ended the write of an event.
fn write_end(outcome: Outcome, is_written: bool, node: &str, event: String) -> String {
    match (outcome, is_written) {
        (Outcome::Ok, true) => {
            sentence!("group of {} wrote {}", "die Gruppe von {} hat {} geschrieben", node, event)
        }
        (Outcome::Ok, false) => {
            sentence!(
                "group of {} did not need to write {}",
                "die Gruppe von {} musste {} nicht schreiben",
                node,
                event
            )
        }
        (Outcome::Fail, _) => {
            sentence!(
                "group of {} refused to write {}",
                "die Gruppe von {} hat abgelehnt, {} zu schreiben",
                node,
                event
            )
        }
        (Outcome::Unknown, _) => {
            sentence!(
                "group of {} did not report whether it wrote {}",
                "die Gruppe von {} hat nicht gemeldet, ob sie {} geschrieben hat",
                node,
                event
            )
        }
    }
}

fn detach_reason(reason: DetachReason) -> &'static str {
    match reason {
        DetachReason::Closed => phrase("its connection was closed", "die Verbindung wurde geschlossen"),
        DetachReason::Silent => phrase("the bus received no heartbeat", "der Bus hat keinen Heartbeat empfangen"),
        DetachReason::AcknowledgementOverdue => {
            phrase("an acknowledgement was overdue", "eine Bestätigung war überfällig")
        }
    }
}

fn discard_reason(reason: DropReason) -> &'static str {
    match reason {
        DropReason::DeliveriesUsedUp => phrase("the last delivery failed", "die letzte Zustellung ist fehlgeschlagen"),
        DropReason::Expired => phrase("its retention time is over", "die Aufbewahrungszeit ist abgelaufen"),
        DropReason::NotFlushed => phrase(
            "it was not flushed when the bus stopped",
            "es war nicht auf der Platte, als der Bus angehalten wurde",
        ),
        DropReason::Purged => phrase("it was purged", "die Dead-Letter-Queue wurde geleert"),
        DropReason::NotReplicated => phrase("the new leader never had it", "der neue Leader hatte es nie"),
        DropReason::NotConnected => phrase("no consumer was connected", "kein Consumer war verbunden"),
    }
}
