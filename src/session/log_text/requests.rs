//! The sentences about the start of a run, operations, updates and messages.

use super::{Row, Text, about_update, one_node, operation};
use crate::scenario::Micros;
use crate::session::labels::{self, duration};
use crate::trace::{Fact, Outcome, SubscriptionId, facts_about};

impl Text<'_> {
    /// Facts about what is declared at the start.
    pub(super) fn declaration(&self, fact: &Fact) -> Row {
        match fact {
            Fact::FlowDeclared { from, to } => {
                (format!("{} should reach {}", self.node(from), self.node(to)), None, vec![*from, *to])
            }
            Fact::Seeded { node: at, key: id, value, .. } => {
                one_node(at, format!("{} started with {} = {value}", self.node(at), self.key(id)))
            }
            Fact::QueueShared { subscription, queue } => {
                let service = |id: &SubscriptionId| self.names.subscription(*id).service;
                let (worker, first) = (service(subscription), service(queue));
                (format!("{} shares a queue with {}", self.node(&worker), self.node(&first)), None, vec![worker, first])
            }
            Fact::WorkerDeclared { worker, from, .. } => {
                let text = format!("{} is one of the workers that {} should reach", self.node(worker), self.node(from));
                (text, None, vec![*worker, *from])
            }
            Fact::StoreShared { node: at, holder } => {
                (format!("{} uses the store of {}", self.node(at), self.node(holder)), None, vec![*at, *holder])
            }
            facts_about!(requests, messages, events, faults, groups) => unreachable!("another subject"),
        }
    }

    /// Facts about operations.
    pub(super) fn operation(&self, fact: &Fact) -> Row {
        match fact {
            Fact::OperationIssued { by, to, operation: id, .. } => {
                let request = operation(*id, self.analysis, self.names);
                let issuer = if by == to { "you" } else { self.node(by) };
                let text = format!("{issuer} issued operation {} at {}: {request}", id.0 + 1, self.node(to));
                (text, None, vec![*by, *to])
            }
            Fact::ReadServed { node: at, key: id, version, value, operation, .. } => {
                let result = match value {
                    Some(value) if version.is_none() => value.to_string(),
                    Some(value) => format!("{value} ({})", labels::version(*version)),
                    None => "nothing".into(),
                };
                let text = format!("{} read {}: {result} (operation {})", self.node(at), self.key(id), operation.0 + 1);
                one_node(at, text)
            }
            Fact::OperationRefused { operation, node: at, cause } => {
                let cause = labels::refusal(*cause);
                one_node(at, format!("{} refused operation {}: {cause}", self.node(at), operation.0 + 1))
            }
            Fact::OperationEnded { operation, outcome } => {
                let ended = match outcome {
                    Outcome::Ok => "succeeded",
                    Outcome::Fail => "failed",
                    Outcome::Unknown => "got no reply; its outcome is unknown",
                };
                let number = operation.0 + 1;
                match self.analysis.operations.recall(*operation) {
                    Some(info) => {
                        let kind = labels::operation_kind(info.kind);
                        let text = format!("{}’s {kind} {ended} (operation {number})", self.node(&info.by));
                        (text, None, vec![info.by])
                    }
                    None => (format!("operation {number} {ended}"), None, vec![]),
                }
            }
            facts_about!(declarations, updates, messages, events, faults, groups) => unreachable!("another subject"),
        }
    }

    /// Facts about updates of the stores of services.
    pub(super) fn store_update(&self, fact: &Fact) -> Row {
        match fact {
            Fact::UpdateCommitted { update, node: at, .. } => {
                about_update(at, update, format!("{} committed {}", self.node(at), self.update(update)))
            }
            Fact::UpdateAcknowledged { update, .. } => {
                (format!("{} was acknowledged", self.update(update)), Some(*update), vec![])
            }
            Fact::UpdateApplied { update, node: at, sum: Some(sum), .. } => {
                let text = format!("{} added the change of {}; the sum is {sum}", self.node(at), self.update(update));
                about_update(at, update, text)
            }
            Fact::UpdateApplied { update, node: at, key: id, version, changed, .. } => {
                let held = self.analysis.staleness.copy(*at, *id).and_then(|copy| Some(copy.held()?.version));
                let text = match changed {
                    true => format!("{} applied {}", self.node(at), self.update(update)),
                    false if held == Some(*version) => {
                        format!("{} ignored {}: it already has this version", self.node(at), self.update(update))
                    }
                    false => format!("{} ignored {}: it has a newer version", self.node(at), self.update(update)),
                };
                about_update(at, update, text)
            }
            Fact::UpdateProposed { update, node: at, .. } => {
                let text = format!("{} published {} before the commit", self.node(at), self.update(update));
                about_update(at, update, text)
            }
            facts_about!(declarations, operations, messages, events, faults, groups) => unreachable!("another subject"),
        }
    }

    /// Facts about messages.
    pub(super) fn message(&self, fact: &Fact, now: Micros) -> Row {
        match fact {
            Fact::MessageSent { message, due, .. } => {
                self.message_row(message, format!(" sent, due in {}", duration(due - now)))
            }
            Fact::MessageDuplicated { copy, due, .. } => {
                self.message_row(copy, format!(" duplicated, due in {}", duration(due - now)))
            }
            Fact::MessageDelivered { message } => self.message_row(message, " received".into()),
            Fact::MessageDropped { message, cause } => {
                self.message_row(message, format!(" dropped: {}", labels::drop_cause(*cause)))
            }
            facts_about!(declarations, requests, events, faults, groups) => unreachable!("another subject"),
        }
    }
}
