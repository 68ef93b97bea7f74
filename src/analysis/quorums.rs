//! What the coordinators of leaderless groups asked of which replicas, and who answered when.
//!
//! An answer within a group does not say which operation it is about. A replica answers in the order in which it was
//! asked, and what it takes in just before an acknowledgement says which write that is about; so all is exact but for a
//! replica with several workers whose times are chance, where two reads by one coordinator may change places.

use super::Look;
use crate::scenario::{Group, Micros, Protocol, Quorum, ReadRepair, Route};
use crate::trace::{
    DropCause, Fact, KeyId, MessageId, MessageKind, NodeId, OperationId, OperationKind, Outcome, Record, UpdateId,
};
use std::collections::{BTreeMap, VecDeque};

/// What a coordinator asks of replicas, in the order in which it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// What do you hold? R must say.
    Read,
    /// Take this in. W must have it.
    Write,
    /// Take in what a read returns, before it does: blocking repair, or writing back.
    Settle,
}

/// One replica's part in an operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The replica, or who stands in for one.
    pub node: NodeId,
    /// What it was asked.
    pub phase: Phase,
    /// When.
    pub asked: Micros,
    /// When its answer reached the coordinator.
    pub answered: Option<Micros>,
    /// When the question or the answer was lost, and why, if no other copy of it arrived.
    pub lost: Option<(Micros, DropCause)>,
    /// Enough others had answered before.
    pub late: bool,
}

/// An operation at its coordinator.
#[derive(Clone, Debug, PartialEq)]
pub struct Coordination {
    /// The operation.
    pub operation: OperationId,
    /// Who coordinates it: a member, or the client itself.
    pub at: NodeId,
    /// Who asked.
    pub by: NodeId,
    /// What was asked.
    pub kind: OperationKind,
    /// Of which key.
    pub key: KeyId,
    /// When the first replica was asked.
    pub begun: Micros,
    /// When the coordinator had a read's answer.
    pub served: Option<Micros>,
    /// When it ended for its client, and how.
    pub ended: Option<(Micros, Outcome)>,
    /// Who was asked.
    pub parts: Vec<Part>,
    /// How many answers each phase takes, in the order of [`Phase`].
    pub needed: [u32; 3],
    /// When there were so many.
    pub enough: [Option<Micros>; 3],
}

impl Coordination {
    /// The phase that it is in, or came to last.
    pub fn phase(&self) -> Phase {
        self.parts.last().map_or(Phase::Read, |part| part.phase)
    }
}

/// A question that reached a replica and awaits its answer.
#[derive(Clone, Copy, Debug)]
struct Question {
    /// How it will be answered.
    by: MessageKind,
    update: Option<UpdateId>,
    /// Operation and part, by place; none for what no operation awaits.
    about: Option<(usize, usize)>,
}

/// All operations of all leaderless groups that the log still tells of, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Quorums {
    /// The operations.
    pub all: Vec<Coordination>,
    places: BTreeMap<(OperationId, NodeId), usize>,
    /// Of an operation that has not ended, every round at every coordinator: a client may ask again.
    rounds: BTreeMap<OperationId, Vec<usize>>,
    questions: BTreeMap<MessageId, (usize, usize)>,
    answers: BTreeMap<MessageId, (usize, usize)>,
    /// By replica and coordinator, in the order of arrival.
    waiting: BTreeMap<(NodeId, NodeId), VecDeque<Question>>,
    asked: BTreeMap<OperationId, (NodeId, OperationKind, KeyId)>,
    replicas: BTreeMap<KeyId, Vec<NodeId>>,
    /// The operations of writes, by place.
    writes: BTreeMap<UpdateId, usize>,
    /// What a replica took in, if that is the last record.
    taken: Option<(NodeId, UpdateId)>,
}

impl Quorums {
    /// Reads the log.
    pub fn of(look: &Look) -> Quorums {
        let mut quorums = Quorums::default();
        let groups: Vec<(NodeId, &Group)> =
            look.scenario.groups.iter().filter_map(|group| Some((look.names.find_node(&group.id)?, group))).collect();
        let plans: BTreeMap<NodeId, &Quorum> = groups
            .iter()
            .filter_map(|(node, group)| match &group.protocol {
                Protocol::Quorum(plan) => Some((*node, plan)),
                Protocol::Primary(_)
                | Protocol::Raft(_)
                | Protocol::Chain
                | Protocol::TwoPhase(_)
                | Protocol::Gossip(_) => None,
            })
            .collect();
        if !plans.is_empty() {
            for record in look.trace.since(look.trace.oldest()) {
                quorums.observe(record, &plans, look);
            }
        }
        quorums
    }

    /// The operation that a message answers, and whether it came late.
    pub fn answer(&self, message: MessageId) -> Option<(OperationId, bool)> {
        let (place, part) = self.answers.get(&message)?;
        let coordination = &self.all[*place];
        Some((coordination.operation, coordination.parts[*part].late))
    }

    fn observe(&mut self, record: &Record, plans: &BTreeMap<NodeId, &Quorum>, look: &Look) {
        let taken = self.taken.take();
        match &record.fact {
            Fact::OperationIssued { operation, by, kind, key, .. } => {
                self.asked.insert(*operation, (*by, *kind, *key));
            }
            Fact::KeyPlaced { key, replicas, .. } => {
                self.replicas.insert(*key, replicas.clone());
            }
            Fact::MessageSent { message, from, to, kind, update, operation: Some(operation), .. } => {
                let plan = look.names.group(*to).and_then(|group| plans.get(&group).copied());
                if let Some((plan, (phase, _))) = plan.zip(asks(*kind))
                    && coordinates(*from, *operation, phase, self, look)
                {
                    self.ask(record.at, *message, *operation, (*from, *to), phase, plan);
                    if let Some((update, (place, _))) = update.zip(self.questions.get(message).copied()) {
                        self.writes.insert(update, place);
                    }
                }
            }
            Fact::MessageSent { message, from, to, kind, operation: None, .. } => {
                let said = taken.filter(|(node, _)| node == from).map(|(_, update)| update);
                self.take_answer(*message, (*from, *to), *kind, said);
            }
            Fact::MessageDuplicated { message, copy, .. } => {
                if let Some(about) = self.questions.get(message).copied() {
                    self.questions.insert(*copy, about);
                }
                if let Some(about) = self.answers.get(message).copied() {
                    self.answers.insert(*copy, about);
                }
            }
            Fact::MessageDelivered { message } => self.deliver(record.at, *message, look),
            Fact::MessageDropped { message, cause } => {
                if let Some((place, part)) = self.questions.get(message).or_else(|| self.answers.get(message)) {
                    self.all[*place].parts[*part].lost = Some((record.at, *cause));
                }
            }
            Fact::ReplicaStored { node, update: Some(update), .. }
            | Fact::StateMerged { node, update: Some(update), .. } => self.taken = Some((*node, *update)),
            Fact::HintStored { node, update: Some(update), .. } => {
                self.taken = Some((*node, *update));
                let sloppy =
                    look.names.group(*node).and_then(|group| plans.get(&group)).is_some_and(|plan| plan.sloppy);
                if let Some(place) = self.writes.get(update).copied().filter(|_| sloppy) {
                    self.stand_in_itself(record.at, place, *node);
                }
            }
            Fact::ReadServed { operation, node, .. } => {
                if let Some(place) = self.places.get(&(*operation, *node)) {
                    self.all[*place].served = Some(record.at);
                }
            }
            Fact::OperationEnded { operation, outcome } => self.end(record.at, *operation, *outcome),
            // What it was asked is gone.
            Fact::ServiceCrashed { node, .. } => self.waiting.retain(|(replica, _), _| replica != node),
            _ => {}
        }
    }

    /// A coordinator asks a replica.
    fn ask(
        &mut self,
        at: Micros,
        message: MessageId,
        operation: OperationId,
        (from, to): (NodeId, NodeId),
        phase: Phase,
        plan: &Quorum,
    ) {
        let again = |place: &usize| self.all[*place].parts.iter().any(|part| part.phase == phase && part.node == to);
        let place = match self.places.get(&(operation, from)).copied().filter(|place| !again(place)) {
            Some(place) => place,
            None => self.begin(at, operation, from, plan),
        };
        let coordination = &mut self.all[place];
        // What a read sends on when it has ended is repaired in its own time: nobody waits for that.
        let awaited = plan.write_back || plan.read_repair == ReadRepair::Blocking;
        if phase == Phase::Settle && (coordination.served.is_some() || !awaited) {
            return;
        }
        if !coordination.parts.iter().any(|part| part.phase == phase) {
            // The coordinator's own copy answers at once. Of those that are repaired it tells nothing if it is one.
            let own = self.replicas.get(&coordination.key).is_some_and(|replicas| replicas.contains(&from));
            if own && (phase != Phase::Settle || plan.write_back) {
                let (asked, answered) = (at, Some(at));
                coordination.parts.push(Part { node: from, phase, asked, answered, lost: None, late: false });
                enough(coordination, phase, at);
            }
        }
        coordination.parts.push(Part { node: to, phase, asked: at, answered: None, lost: None, late: false });
        if phase == Phase::Settle && !plan.write_back {
            coordination.needed[2] += 1;
        }
        self.questions.insert(message, (place, coordination.parts.len() - 1));
    }

    fn begin(&mut self, at: Micros, operation: OperationId, from: NodeId, plan: &Quorum) -> usize {
        let unknown = (from, OperationKind::Read, KeyId(0));
        let (by, kind, key) = self.asked.get(&operation).copied().unwrap_or(unknown);
        let needed = [plan.read, plan.write, if plan.write_back { plan.write } else { 0 }];
        let (served, ended, parts, enough) = (None, None, Vec::new(), [None; 3]);
        let begun = at;
        self.all.push(Coordination { operation, at: from, by, kind, key, begun, served, ended, parts, needed, enough });
        self.places.insert((operation, from), self.all.len() - 1);
        self.rounds.entry(operation).or_default().push(self.all.len() - 1);
        self.all.len() - 1
    }

    /// A message reached whom it was sent to.
    fn deliver(&mut self, at: Micros, message: MessageId, look: &Look) {
        if let Some((place, part)) = self.answers.get(&message).copied() {
            let coordination = &mut self.all[place];
            let phase = coordination.parts[part].phase;
            if coordination.parts[part].answered.is_none() {
                coordination.parts[part].late = coordination.enough[phase as usize].is_some();
                coordination.parts[part].answered = Some(at);
                enough(coordination, phase, at);
            }
            return;
        }
        let Some(info) = look.analysis.messages.recall(message) else { return };
        let Some((_, by)) = asks(info.kind) else { return };
        let about = self.questions.get(&message).copied();
        // Handed-off hints are acknowledged too; what a client asks is answered in another way.
        if about.is_some() || info.kind == MessageKind::Repair {
            let waiting = self.waiting.entry((info.to, info.from)).or_default();
            waiting.push_back(Question { by, update: info.update, about });
        }
    }

    /// A replica answers a coordinator.
    fn take_answer(
        &mut self,
        message: MessageId,
        (from, to): (NodeId, NodeId),
        kind: MessageKind,
        said: Option<UpdateId>,
    ) {
        let Some(waiting) = self.waiting.get_mut(&(from, to)) else { return };
        let is = |question: &Question| question.by == kind && (said.is_none() || question.update == said);
        let any = |question: &Question| question.by == kind && question.about.is_some();
        let Some(at) = waiting.iter().position(is).or_else(|| waiting.iter().position(any)) else { return };
        if let Some(Question { about: Some(about), .. }) = waiting.remove(at) {
            self.answers.insert(message, about);
        }
    }

    /// A coordinator that holds no copy of the key keeps the write for one that does: that counts.
    fn stand_in_itself(&mut self, at: Micros, place: usize, node: NodeId) {
        let coordination = &mut self.all[place];
        if coordination.at == node && !coordination.parts.iter().any(|part| part.node == node) {
            let (phase, asked, answered) = (Phase::Write, at, Some(at));
            coordination.parts.push(Part { node, phase, asked, answered, lost: None, late: false });
            enough(coordination, phase, at);
        }
    }

    fn end(&mut self, at: Micros, operation: OperationId, outcome: Outcome) {
        for place in self.rounds.remove(&operation).unwrap_or_default() {
            self.all[place].ended = Some((at, outcome));
        }
    }
}

/// Takes note of the instant at which enough have answered.
fn enough(coordination: &mut Coordination, phase: Phase, at: Micros) {
    let answered = coordination.parts.iter().filter(|part| part.phase == phase && part.answered.is_some());
    if answered.count() as u32 >= coordination.needed[phase as usize] {
        coordination.enough[phase as usize].get_or_insert(at);
    }
}

/// What a message asks of a replica, and how that is answered; none for one that asks nothing.
fn asks(kind: MessageKind) -> Option<(Phase, MessageKind)> {
    match kind {
        MessageKind::Call => Some((Phase::Read, MessageKind::Reply)),
        MessageKind::Replication => Some((Phase::Write, MessageKind::Acknowledgement)),
        MessageKind::Repair => Some((Phase::Settle, MessageKind::Acknowledgement)),
        MessageKind::Reply
        | MessageKind::Publish
        | MessageKind::Delivery
        | MessageKind::Acknowledgement
        | MessageKind::Refusal
        | MessageKind::Election
        | MessageKind::Comparison
        | MessageKind::Heartbeat => None,
    }
}

/// Whether somebody who sends a message for an operation coordinates it, rather than asks a member to.
fn coordinates(from: NodeId, operation: OperationId, phase: Phase, quorums: &Quorums, look: &Look) -> bool {
    if phase != Phase::Read || look.names.group(from).is_some() {
        return true;
    }
    let reads = quorums.asked.get(&operation).is_some_and(|(_, kind, _)| *kind == OperationKind::Read);
    let client = look.scenario.clients.iter().find(|client| client.id == look.names.node(from));
    client.is_some_and(|client| match client.read_route.filter(|_| reads) {
        Some(route) => route == Route::Itself,
        None => client.route == Route::Itself,
    })
}
