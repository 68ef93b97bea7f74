//! The requests of coordinators in leaderless groups to replicas, and their responses.
//!
//! A response within a group does not name its operation. A replica responds in the order of the requests, and the update that
//! it stores just before an acknowledgement identifies the write. The assignment is therefore exact, except for a replica with
//! several workers and random service times, where two reads of one coordinator may be exchanged.

use super::run_context::RunContext;
use crate::scenario::{Group, Micros, Protocol, Quorum, ReadRepair, Route};
use crate::trace::{
    DropCause, Fact, KeyId, MessageId, MessageKind, NodeId, OperationId, OperationKind, Outcome, Record, UpdateId,
    facts_about,
};
use litemap::LiteMap;
use std::collections::VecDeque;

/// The phases of a coordinated operation, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Replicas are read; R must respond.
    Read,
    /// The write is sent to replicas; W must acknowledge.
    Write,
    /// The repair before a read returns: its value is sent to replicas, by blocking read repair or write-back.
    Repair,
}

/// A coordinator's request to one replica.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplicaRequest {
    /// The replica, or its substitute in a sloppy quorum.
    pub node: NodeId,
    /// The phase of the operation.
    pub phase: Phase,
    /// When the request was sent.
    pub sent: Micros,
    /// When the response reached the coordinator.
    pub answered: Option<Micros>,
    /// When the request or the response was lost, and why, if no other copy of it arrived.
    pub lost: Option<(Micros, DropCause)>,
    /// Whether enough others had responded before.
    pub late: bool,
}

/// An operation at its coordinator.
#[derive(Clone, Debug, PartialEq)]
pub struct Coordination {
    /// The operation.
    pub operation: OperationId,
    /// The coordinator: a member, or the client itself.
    pub at: NodeId,
    /// The client that issued it.
    pub by: NodeId,
    /// Its kind.
    pub kind: OperationKind,
    /// Its key.
    pub key: KeyId,
    /// When the first request was sent.
    pub begun: Micros,
    /// When the coordinator had a read's result.
    pub served: Option<Micros>,
    /// When it ended for its client, and its outcome.
    pub ended: Option<(Micros, Outcome)>,
    /// The requests to replicas.
    pub requests: Vec<ReplicaRequest>,
    /// The number of responses that each phase requires, in the order of [`Phase`].
    pub needed: [u32; 3],
    /// When that number of responses was reached.
    pub reached: [Option<Micros>; 3],
}

impl Coordination {
    /// Returns the current or last phase.
    pub fn phase(&self) -> Phase {
        self.requests.last().map_or(Phase::Read, |request| request.phase)
    }
}

/// A request that reached a replica and awaits its response.
#[derive(Clone, Copy, Debug)]
struct PendingRequest {
    /// The kind of message that will answer it.
    response: MessageKind,
    update: Option<UpdateId>,
    /// Indexes of the operation and of its request; none if no operation awaits the response.
    request: Option<(usize, usize)>,
}

/// The operations of all leaderless groups in the records that the trace still holds, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Quorums {
    /// The operations.
    pub all: Vec<Coordination>,
    places: LiteMap<(OperationId, NodeId), usize>,
    /// The rounds of each pending operation at every coordinator. A client may retry, so there may be several.
    rounds: LiteMap<OperationId, Vec<usize>>,
    requests: LiteMap<MessageId, (usize, usize)>,
    responses: LiteMap<MessageId, (usize, usize)>,
    /// Requests by replica and coordinator, in order of arrival.
    waiting: LiteMap<(NodeId, NodeId), VecDeque<PendingRequest>>,
    issued: LiteMap<OperationId, (NodeId, OperationKind, KeyId)>,
    replicas: LiteMap<KeyId, Vec<NodeId>>,
    /// The operation of each write, as an index into `all`.
    writes: LiteMap<UpdateId, usize>,
    /// The replica and the update that it stored, if the last record is about that.
    stored: Option<(NodeId, UpdateId)>,
}

impl Quorums {
    /// Reads the trace of a run.
    pub fn read(run: &RunContext) -> Quorums {
        let mut quorums = Quorums::default();
        let groups: Vec<(NodeId, &Group)> =
            run.scenario.groups.iter().filter_map(|group| Some((run.names.find_node(&group.id)?, group))).collect();
        let configs: LiteMap<NodeId, &Quorum> = groups
            .iter()
            .filter_map(|(node, group)| match &group.protocol {
                Protocol::Quorum(config) => Some((*node, config)),
                Protocol::Primary(_)
                | Protocol::Raft(_)
                | Protocol::Chain
                | Protocol::TwoPhase(_)
                | Protocol::Gossip(_) => None,
            })
            .collect();
        if !configs.is_empty() {
            for record in run.trace.since(run.trace.oldest()) {
                quorums.observe(record, &configs, run);
            }
        }
        quorums
    }

    /// Returns the operation that a message responds to, and whether it was late.
    pub fn response(&self, message: MessageId) -> Option<(OperationId, bool)> {
        let (place, request) = self.responses.get(&message)?;
        let coordination = &self.all[*place];
        Some((coordination.operation, coordination.requests[*request].late))
    }

    fn observe(&mut self, record: &Record, configs: &LiteMap<NodeId, &Quorum>, run: &RunContext) {
        let stored = self.stored.take();
        match &record.fact {
            Fact::OperationIssued { operation, by, kind, key, .. } => {
                self.issued.insert(*operation, (*by, *kind, *key));
            }
            Fact::KeyPlaced { key, replicas, .. } => {
                self.replicas.insert(*key, replicas.clone());
            }
            Fact::MessageSent { message, from, to, kind, update, operation: Some(operation), .. } => {
                let config = run.names.group(*to).and_then(|group| configs.get(&group).copied());
                if let Some((config, (phase, _))) = config.zip(request_phase(*kind))
                    && is_coordinator(*from, *operation, phase, self, run)
                {
                    self.send_request(record.at, *message, *operation, (*from, *to), phase, config);
                    self.writes.extend(update.zip(self.requests.get(message).map(|(place, _)| *place)));
                }
            }
            Fact::MessageSent { message, from, to, kind, operation: None, .. } => {
                let update = stored.filter(|(node, _)| node == from).map(|(_, update)| update);
                self.send_response(*message, (*from, *to), *kind, update);
            }
            Fact::MessageDuplicated { message, copy, .. } => {
                for messages in [&mut self.requests, &mut self.responses] {
                    if let Some(request) = messages.get(message).copied() {
                        messages.insert(*copy, request);
                    }
                }
            }
            Fact::MessageDelivered { message } => self.deliver(record.at, *message, run),
            Fact::MessageDropped { message, cause } => {
                if let Some((place, request)) = self.requests.get(message).or_else(|| self.responses.get(message)) {
                    self.all[*place].requests[*request].lost = Some((record.at, *cause));
                }
            }
            Fact::ReplicaStored { node, update: Some(update), .. }
            | Fact::StateMerged { node, update: Some(update), .. } => self.stored = Some((*node, *update)),
            Fact::HintStored { node, update: Some(update), .. } => {
                self.stored = Some((*node, *update));
                let config = run.names.group(*node).and_then(|group| configs.get(&group));
                let place = self.writes.get(update).copied();
                if let Some(place) = place.filter(|_| config.is_some_and(|config| config.sloppy)) {
                    self.count_own_hint(record.at, place, *node);
                }
            }
            Fact::ReadServed { operation, node, .. } => self.serve(record.at, *operation, *node),
            Fact::OperationEnded { operation, outcome } => self.end(record.at, *operation, *outcome),
            // A crash discards the pending requests.
            Fact::ServiceCrashed { node, .. } => self.waiting.retain(|(replica, _), _| replica != node),
            facts_about!(
                declarations,
                updates,
                events,
                links,
                disturbances,
                brokers,
                repair,
                leaders,
                transactions
            )
            | Fact::OperationRefused { .. }
            | Fact::ServiceRestarted { .. }
            | Fact::BusStopped { .. }
            | Fact::BusStarted { .. }
            | Fact::WriteCoordinated { .. }
            | Fact::ReplicaStored { .. }
            | Fact::StateMerged { .. }
            | Fact::WriteRolledBack { .. } => {}
        }
    }

    fn serve(&mut self, at: Micros, operation: OperationId, node: NodeId) {
        if let Some(place) = self.places.get(&(operation, node)) {
            self.all[*place].served = Some(at);
        }
    }

    /// Notes a request that a coordinator sent to a replica.
    fn send_request(
        &mut self,
        at: Micros,
        message: MessageId,
        operation: OperationId,
        (from, to): (NodeId, NodeId),
        phase: Phase,
        config: &Quorum,
    ) {
        let is_repeated = |place: &usize| {
            self.all[*place].requests.iter().any(|request| request.phase == phase && request.node == to)
        };
        let place = match self.places.get(&(operation, from)).copied().filter(|place| !is_repeated(place)) {
            Some(place) => place,
            None => self.begin(at, operation, from, config),
        };
        let coordination = &mut self.all[place];
        // No operation waits for a repair that is sent after the read's result is known.
        let awaited = config.write_back || config.read_repair == ReadRepair::Blocking;
        if phase == Phase::Repair && (coordination.served.is_some() || !awaited) {
            return;
        }
        if !coordination.requests.iter().any(|request| request.phase == phase) {
            // The coordinator's own copy responds at once. Read repair of that copy is not recorded.
            let own = self.replicas.get(&coordination.key).is_some_and(|replicas| replicas.contains(&from));
            if own && (phase != Phase::Repair || config.write_back) {
                let (sent, answered) = (at, Some(at));
                coordination.requests.push(ReplicaRequest {
                    node: from,
                    phase,
                    sent,
                    answered,
                    lost: None,
                    late: false,
                });
                note_if_reached(coordination, phase, at);
            }
        }
        coordination.requests.push(ReplicaRequest {
            node: to,
            phase,
            sent: at,
            answered: None,
            lost: None,
            late: false,
        });
        if phase == Phase::Repair && !config.write_back {
            coordination.needed[2] += 1;
        }
        self.requests.insert(message, (place, coordination.requests.len() - 1));
    }

    fn begin(&mut self, at: Micros, operation: OperationId, from: NodeId, config: &Quorum) -> usize {
        let unknown = (from, OperationKind::Read, KeyId(0));
        let (by, kind, key) = self.issued.get(&operation).copied().unwrap_or(unknown);
        let needed = [config.read, config.write, if config.write_back { config.write } else { 0 }];
        let (served, ended, requests, reached) = (None, None, Vec::new(), [None; 3]);
        let begun = at;
        self.all.push(Coordination {
            operation,
            at: from,
            by,
            kind,
            key,
            begun,
            served,
            ended,
            requests,
            needed,
            reached,
        });
        self.places.insert((operation, from), self.all.len() - 1);
        self.rounds.entry(operation).or_default().push(self.all.len() - 1);
        self.all.len() - 1
    }

    /// Notes the delivery of a request or a response.
    fn deliver(&mut self, at: Micros, message: MessageId, run: &RunContext) {
        if let Some((place, request)) = self.responses.get(&message).copied() {
            let coordination = &mut self.all[place];
            let phase = coordination.requests[request].phase;
            if coordination.requests[request].answered.is_none() {
                coordination.requests[request].late = coordination.reached[phase as usize].is_some();
                coordination.requests[request].answered = Some(at);
                note_if_reached(coordination, phase, at);
            }
            return;
        }
        let Some(info) = run.analysis.messages.recall(message) else { return };
        let Some((_, response)) = request_phase(info.kind) else { return };
        let request = self.requests.get(&message).copied();
        // A replica also acknowledges a hint that it receives. Another kind of message answers requests of clients.
        if request.is_some() || info.kind == MessageKind::Repair {
            let waiting = self.waiting.entry((info.to, info.from)).or_default();
            waiting.push_back(PendingRequest { response, update: info.update, request });
        }
    }

    /// Notes a response that a replica sent to a coordinator.
    fn send_response(
        &mut self,
        message: MessageId,
        (from, to): (NodeId, NodeId),
        kind: MessageKind,
        update: Option<UpdateId>,
    ) {
        let Some(waiting) = self.waiting.get_mut(&(from, to)) else { return };
        let is_answered =
            |pending: &PendingRequest| pending.response == kind && (update.is_none() || pending.update == update);
        let may_be_answered = |pending: &PendingRequest| pending.response == kind && pending.request.is_some();
        let Some(at) = waiting.iter().position(is_answered).or_else(|| waiting.iter().position(may_be_answered)) else {
            return;
        };
        if let Some(PendingRequest { request: Some(request), .. }) = waiting.remove(at) {
            self.responses.insert(message, request);
        }
    }

    /// Counts the hint of a coordinator that is no replica of the key as an acknowledgement, in a sloppy quorum.
    fn count_own_hint(&mut self, at: Micros, place: usize, node: NodeId) {
        let coordination = &mut self.all[place];
        if coordination.at == node && !coordination.requests.iter().any(|request| request.node == node) {
            let (phase, sent, answered) = (Phase::Write, at, Some(at));
            coordination.requests.push(ReplicaRequest { node, phase, sent, answered, lost: None, late: false });
            note_if_reached(coordination, phase, at);
        }
    }

    fn end(&mut self, at: Micros, operation: OperationId, outcome: Outcome) {
        for place in self.rounds.remove(&operation).unwrap_or_default() {
            self.all[place].ended = Some((at, outcome));
        }
    }
}

/// Notes the time at which enough replicas have responded.
fn note_if_reached(coordination: &mut Coordination, phase: Phase, at: Micros) {
    let answered = coordination.requests.iter().filter(|request| request.phase == phase && request.answered.is_some());
    if answered.count() as u32 >= coordination.needed[phase as usize] {
        coordination.reached[phase as usize].get_or_insert(at);
    }
}

/// Returns the phase of a request, and the kind of message that answers it; `None` for messages that are not requests.
fn request_phase(kind: MessageKind) -> Option<(Phase, MessageKind)> {
    match kind {
        MessageKind::Call => Some((Phase::Read, MessageKind::Reply)),
        MessageKind::Replication => Some((Phase::Write, MessageKind::Acknowledgement)),
        MessageKind::Repair => Some((Phase::Repair, MessageKind::Acknowledgement)),
        MessageKind::Reply
        | MessageKind::Publish
        | MessageKind::Delivery
        | MessageKind::Acknowledgement
        | MessageKind::Refusal
        | MessageKind::Election
        | MessageKind::Comparison
        | MessageKind::Heartbeat
        | MessageKind::Poll
        | MessageKind::Connection => None,
    }
}

/// Returns whether the sender of an operation's message coordinates it, rather than forwards it to a member.
fn is_coordinator(from: NodeId, operation: OperationId, phase: Phase, quorums: &Quorums, run: &RunContext) -> bool {
    if phase != Phase::Read || run.names.group(from).is_some() {
        return true;
    }
    let reads = quorums.issued.get(&operation).is_some_and(|(_, kind, _)| *kind == OperationKind::Read);
    let client = run.scenario.clients.iter().find(|client| client.id == run.names.node(from));
    client.is_some_and(|client| match client.read_route.filter(|_| reads) {
        Some(route) => route == Route::Itself,
        None => client.route == Route::Itself,
    })
}
