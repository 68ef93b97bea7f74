//! The requests that services have received and not answered yet. Their callers may have given up.

use super::messages::Messages;
use crate::scenario::{Commit, Micros, Scenario, Service, micros};
use crate::trace::{Fact, MessageId, MessageKind, Names, NodeId, OperationId, Record, UpdateId, facts_about};
use litemap::LiteMap;
use std::collections::BTreeMap;

/// A request to a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Request {
    /// Execute an operation.
    Operation(OperationId),
    /// Apply an update of the caller.
    Update(UpdateId),
    /// Vote on a transaction.
    Vote(UpdateId),
}

/// A request that a service handles.
#[derive(Clone, Copy, Debug)]
struct Handled {
    caller: NodeId,
    /// When the service gives up, if it waits for a service that it called itself.
    until: Option<Micros>,
}

/// The calls of a service to others.
#[derive(Clone, Debug)]
struct Calls {
    /// The services that it calls, and how long it waits for each.
    to: Vec<(NodeId, Micros)>,
    /// Whether it coordinates transactions.
    is_atomic: bool,
}

/// The requests that services handle.
#[derive(Clone, Debug, Default)]
pub struct Requests {
    /// The services without a group.
    services: LiteMap<NodeId, Calls>,
    handled: BTreeMap<(NodeId, Request), Handled>,
}

impl Requests {
    pub(super) fn new(scenario: &Scenario, names: &Names) -> Self {
        let calls = |service: &Service| {
            let to = service
                .calls
                .iter()
                .filter_map(|call| Some((names.find_node(&call.to)?, micros(call.timeout_ms))))
                .collect();
            Calls { to, is_atomic: service.commit == Commit::TwoPhase }
        };
        let services = (0..).map(NodeId).zip(&scenario.services).filter(|(node, _)| names.group(*node).is_none());
        Requests {
            services: services.map(|(node, service)| (node, calls(service))).collect(),
            handled: BTreeMap::new(),
        }
    }

    pub(super) fn observe(&mut self, record: &Record, messages: &Messages) {
        match &record.fact {
            Fact::MessageDelivered { message } if !self.services.is_empty() => self.note_delivered(*message, messages),
            Fact::MessageSent { from, to, kind, update, operation, .. } if !self.handled.is_empty() => match kind {
                MessageKind::Reply => self.end_answered(*from, *to, *operation, *update),
                MessageKind::Acknowledgement => {
                    _ = update.and_then(|update| self.handled.remove(&(*from, Request::Vote(update))));
                }
                MessageKind::Call => self.note_call(record.at, *from, *to, *update),
                MessageKind::Replication
                | MessageKind::Repair
                | MessageKind::Publish
                | MessageKind::Delivery
                | MessageKind::Refusal
                | MessageKind::Comparison
                | MessageKind::Election
                | MessageKind::Heartbeat
                | MessageKind::Poll
                | MessageKind::Connection => {}
            },
            Fact::UpdateApplied { update, node, .. } => {
                self.handled.remove(&(*node, Request::Update(*update)));
            }
            Fact::ServiceCrashed { node, .. } => self.handled.retain(|(at, _), _| at != node),
            facts_about!(declarations, operations, messages, events, links, disturbances, brokers, groups)
            | Fact::UpdateProposed { .. }
            | Fact::UpdateCommitted { .. }
            | Fact::UpdateAcknowledged { .. }
            | Fact::ServiceRestarted { .. }
            | Fact::BusStopped { .. }
            | Fact::BusStarted { .. } => {}
        }
    }

    fn note_delivered(&mut self, message: MessageId, messages: &Messages) {
        let Some(message) = messages.recall(message) else { return };
        let Some(calls) = self.services.get(&message.to) else { return };
        // A participant asks the coordinator of a transaction for its decision.
        let is_inquiry = calls.is_atomic && calls.to.iter().any(|(callee, _)| *callee == message.from);
        let request = match (message.kind, message.operation, message.update) {
            (MessageKind::Call, Some(operation), None) => Request::Operation(operation),
            (MessageKind::Call, _, Some(update)) if !is_inquiry => Request::Update(update),
            // A decision belongs to no operation.
            (MessageKind::Replication, Some(_), Some(transaction)) => Request::Vote(transaction),
            _ => return,
        };
        self.handled.insert((message.to, request), Handled { caller: message.from, until: None });
    }

    /// Removes the request that a service answered. A reply that an update was not applied need not name the update.
    fn end_answered(&mut self, from: NodeId, to: NodeId, operation: Option<OperationId>, update: Option<UpdateId>) {
        let of_caller = |(node, request): &(NodeId, Request), handled: &Handled| {
            *node == from && handled.caller == to && matches!(request, Request::Update(_))
        };
        let unnamed = || self.handled.iter().find(|(key, handled)| of_caller(key, handled)).map(|(key, _)| *key);
        let answered = match (operation, update) {
            (Some(operation), _) => Some((from, Request::Operation(operation))),
            (None, Some(update)) => Some((from, Request::Update(update))),
            (None, None) => unnamed(),
        };
        answered.map(|answered| self.handled.remove(&answered));
    }

    /// Notes that a service called another one with the update that it has to apply, and the end of its wait. If the other
    /// one does not reply by then, the service gives up without a reply.
    fn note_call(&mut self, at: Micros, from: NodeId, to: NodeId, update: Option<UpdateId>) {
        let calls = self.services.get(&from).into_iter().flat_map(|calls| &calls.to);
        let timeout = calls.filter(|(callee, _)| *callee == to).map(|(_, timeout)| *timeout).max();
        let Some((update, timeout)) = update.zip(timeout) else { return };
        if let Some(handled) = self.handled.get_mut(&(from, Request::Update(update))) {
            handled.until = Some(at.saturating_add(timeout));
        }
    }

    /// Iterates over the requests that services handle at a time.
    pub(super) fn handled(&self, now: Micros) -> impl Iterator<Item = (NodeId, Request)> {
        let all = self.handled.iter();
        all.filter(move |(_, handled)| handled.until.is_none_or(|until| until >= now))
            .map(|((node, request), _)| (*node, *request))
    }
}
