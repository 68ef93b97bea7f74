//! The sentences about the start of a run, operations, updates and messages.

use super::{Row, Text, about_update, one_node, operation};
use crate::language::{phrase, sentence};
use crate::scenario::Micros;
use crate::session::labels::{self, after};
use crate::trace::{Fact, Outcome, SubscriptionId, facts_about};

impl Text<'_> {
    /// Facts that declare something at the start.
    pub(super) fn declaration(&self, fact: &Fact) -> Row {
        match fact {
            Fact::FlowDeclared { from, to } => (
                sentence!("{} should reach {}", "{} soll {} erreichen", self.node(from), self.node(to)),
                None,
                vec![*from, *to],
            ),
            Fact::Seeded { node: at, key: id, value, .. } => one_node(
                at,
                sentence!(
                    "{} started with {} = {value}",
                    "{} hat mit {} = {value} begonnen",
                    self.node(at),
                    self.key(id)
                ),
            ),
            Fact::QueueShared { subscription, queue } => {
                let service = |id: &SubscriptionId| self.names.subscription(*id).service;
                let (worker, first) = (service(subscription), service(queue));
                (
                    sentence!(
                        "{} shares a queue with {}",
                        "{} teilt sich eine Warteschlange mit {}",
                        self.node(&worker),
                        self.node(&first)
                    ),
                    None,
                    vec![worker, first],
                )
            }
            Fact::WorkerDeclared { worker, from, .. } => {
                let text = sentence!(
                    "{} is one of the workers that {} should reach",
                    "{} ist einer der Worker, die {} erreichen soll",
                    self.node(worker),
                    self.node(from)
                );
                (text, None, vec![*worker, *from])
            }
            Fact::StoreShared { node: at, holder } => (
                sentence!(
                    "{} uses the store of {}",
                    "{} benutzt den Speicher von {}",
                    self.node(at),
                    self.node(holder)
                ),
                None,
                vec![*at, *holder],
            ),
            facts_about!(requests, messages, events, faults, groups) => unreachable!("another subject"),
        }
    }

    /// Facts about operations.
    pub(super) fn operation(&self, fact: &Fact) -> Row {
        match fact {
            Fact::OperationIssued { by, to, operation: id, .. } => {
                let request = operation(*id, self.analysis, self.names);
                let number = id.0 + 1;
                let text = match by == to {
                    true => sentence!(
                        "you issued operation {number} at {}: {request}",
                        "du hast Operation {number} an {} gerichtet: {request}",
                        self.node(to)
                    ),
                    false => sentence!(
                        "{} issued operation {number} at {}: {request}",
                        "{} hat Operation {number} an {} gerichtet: {request}",
                        self.node(by),
                        self.node(to)
                    ),
                };
                (text, None, vec![*by, *to])
            }
            Fact::ReadServed { node: at, key: id, version, value, operation, .. } => {
                let result = match value {
                    Some(value) if version.is_none() => value.to_string(),
                    Some(value) => format!("{value} ({})", labels::version(*version)),
                    None => phrase("nothing", "nichts").into(),
                };
                let text = sentence!(
                    "{} read {}: {result} (operation {})",
                    "{} hat {} gelesen: {result} (Operation {})",
                    self.node(at),
                    self.key(id),
                    operation.0 + 1
                );
                one_node(at, text)
            }
            Fact::OperationRefused { operation, node: at, cause } => {
                let cause = labels::refusal(*cause);
                one_node(
                    at,
                    sentence!(
                        "{} refused operation {}: {cause}",
                        "{} hat Operation {} abgelehnt: {cause}",
                        self.node(at),
                        operation.0 + 1
                    ),
                )
            }
            Fact::OperationEnded { operation, outcome } => {
                let info = self.analysis.operations.recall(*operation);
                let ended = ended(*outcome, info.is_some_and(|info| info.is_refused));
                let number = operation.0 + 1;
                match info {
                    Some(info) => {
                        let kind = labels::operation_noun(info.kind);
                        let text = sentence!(
                            "{}’s {kind} {ended} (operation {number})",
                            "{kind} von {} {ended} (Operation {number})",
                            self.node(&info.by)
                        );
                        (text, None, vec![info.by])
                    }
                    None => (sentence!("operation {number} {ended}", "Operation {number} {ended}"), None, vec![]),
                }
            }
            facts_about!(declarations, updates, messages, events, faults, groups) => unreachable!("another subject"),
        }
    }

    /// Facts about updates of the stores of services.
    pub(super) fn store_update(&self, fact: &Fact) -> Row {
        match fact {
            Fact::UpdateCommitted { update, node: at, .. } => about_update(
                at,
                update,
                sentence!("{} committed {}", "{} hat {} committet", self.node(at), self.update(update)),
            ),
            Fact::UpdateAcknowledged { update, .. } => {
                (sentence!("{} was acknowledged", "{} wurde bestätigt", self.update(update)), Some(*update), vec![])
            }
            Fact::UpdateApplied { update, node: at, sum: Some(sum), .. } => {
                let text = sentence!(
                    "{} added the change of {}; the sum is {sum}",
                    "{} hat die Änderung von {} addiert; die Summe ist {sum}",
                    self.node(at),
                    self.update(update)
                );
                about_update(at, update, text)
            }
            Fact::UpdateApplied { update, node: at, key: id, version, changed, .. } => {
                let held = self.analysis.staleness.copy(*at, *id).and_then(|copy| Some(copy.held()?.version));
                let text = match changed {
                    true => sentence!("{} applied {}", "{} hat {} angewendet", self.node(at), self.update(update)),
                    false if held == Some(*version) => {
                        sentence!(
                            "{} ignored {}: it already has this version",
                            "{} hat {} ignoriert: diese Version ist schon vorhanden",
                            self.node(at),
                            self.update(update)
                        )
                    }
                    false => sentence!(
                        "{} ignored {}: it has a newer version",
                        "{} hat {} ignoriert: eine neuere Version ist vorhanden",
                        self.node(at),
                        self.update(update)
                    ),
                };
                about_update(at, update, text)
            }
            Fact::UpdateProposed { update, node: at, .. } => {
                let text = sentence!(
                    "{} published {} before the commit",
                    "{} hat {} vor dem Commit veröffentlicht",
                    self.node(at),
                    self.update(update)
                );
                about_update(at, update, text)
            }
            facts_about!(declarations, operations, messages, events, faults, groups) => unreachable!("another subject"),
        }
    }

    /// Facts about messages.
    pub(super) fn message(&self, fact: &Fact, now: Micros) -> Row {
        match fact {
            Fact::MessageSent { message, due, .. } => {
                self.message_row(message, sentence!(" sent, due {}", " gesendet, fällig {}", after(due - now)))
            }
            Fact::MessageDuplicated { copy, due, .. } => {
                let due = after(due - now);
                self.copy_row(
                    copy,
                    &sentence!(" duplicated; the copy is due {due}", " verdoppelt; die Kopie ist {due} fällig"),
                )
            }
            Fact::MessageDelivered { message } => self.message_row(message, phrase(" received", " empfangen").into()),
            Fact::MessageDropped { message, cause } => {
                self.message_row(message, sentence!(" dropped: {}", " verworfen: {}", labels::drop_cause(*cause)))
            }
            facts_about!(declarations, requests, events, faults, groups) => unreachable!("another subject"),
        }
    }
}

/// Describes how an operation ended, after its name. `is_refused` is whether its client knows that it was refused.
fn ended(outcome: Outcome, is_refused: bool) -> &'static str {
    match outcome {
        Outcome::Ok => phrase("succeeded", "ist gelungen"),
        Outcome::Fail => phrase("failed", "ist fehlgeschlagen"),
        Outcome::Unknown if is_refused => phrase("has an unknown outcome", "hat ein unbekanntes Ergebnis"),
        Outcome::Unknown => {
            phrase("got no reply; its outcome is unknown", "hat keine Antwort erhalten; das Ergebnis ist unbekannt")
        }
    }
}
