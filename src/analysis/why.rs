//! Why a copy is stale, conflicted or diverged: from what it lacks back through what should have carried it, to what became
//! of that. And what follows for the whole: whether the copies will come to agree.

use super::{Analysis, CopyState, Tables};
use crate::scenario::{
    ClientStep, Command, GossipStyle, Micros, Operation, Protocol, Publication, ReadRepair, Scenario, Service, micros,
};
use crate::trace::{
    DropCause, DropReason, Fact, HandlingFailure, KeyId, MessageId, MessageKind, Names, NodeId, Record, SubscriptionId,
    Trace, UpdateId,
};
use std::collections::{BTreeMap, BTreeSet};

/// What may still bring an update to a copy, or why nothing will.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prospect {
    /// A message that carries it is under way.
    Arriving {
        /// When it would arrive.
        due: Micros,
    },
    /// It stands in a queue of a bus.
    Queued {
        /// Not delivered before.
        not_before: Micros,
        /// Deliveries so far.
        deliveries: u32,
        /// It was delivered, and is being handled or its acknowledgement awaited.
        delivered: bool,
    },
    /// Its event is still to be published by a service that will.
    Unpublished(NodeId),
    /// A member of the copy's group handles its event, and awaits the group's answer.
    Handled(NodeId),
    /// It has promised to commit it, and that service will tell it the decision.
    Promised(NodeId),
    /// Somebody keeps it for the copy.
    Hinted(NodeId),
    /// The group's protocol compares or sends again until every member has it.
    Mending,
    /// A read will find that it is missing, and clients still read.
    OnRead,
    /// Something is broken now that is to be mended at that instant.
    AfterHealing(Micros),
    /// The service is down, and nothing restarts it.
    Down(NodeId),
    /// No member that has it reaches this one: links are cut or the others down.
    CutOff,
    /// It lies in a dead-letter queue.
    DeadLettered(SubscriptionId),
    /// It is a poison message: every delivery of it fails.
    Poison(SubscriptionId),
    /// The bus gave it up.
    Discarded(DropReason),
    /// Its event was never published, and will not be.
    NeverPublished(NodeId),
    /// It has been taken in; what is there differs for another reason.
    TakenIn,
    /// Siblings stay until somebody writes what replaces them.
    Siblings,
    /// Nothing that carries it is under way.
    Lost,
}

impl Prospect {
    /// Whether the copy can come to agree without anybody doing anything.
    pub fn hopeful(self) -> bool {
        match self {
            Prospect::Arriving { .. }
            | Prospect::Queued { .. }
            | Prospect::Unpublished(_)
            | Prospect::Handled(_)
            | Prospect::Promised(_)
            | Prospect::Hinted(_)
            | Prospect::Mending
            | Prospect::OnRead
            | Prospect::AfterHealing(_) => true,
            Prospect::Down(_)
            | Prospect::CutOff
            | Prospect::DeadLettered(_)
            | Prospect::Poison(_)
            | Prospect::Discarded(_)
            | Prospect::NeverPublished(_)
            | Prospect::TakenIn
            | Prospect::Siblings
            | Prospect::Lost => false,
        }
    }
}

/// Why one copy is not as it should be.
#[derive(Clone, Debug, PartialEq)]
pub struct Why {
    /// The service.
    pub node: NodeId,
    /// The key.
    pub key: KeyId,
    /// The update that it lacks; for siblings and a diverged copy one that made it so.
    pub update: Option<UpdateId>,
    /// Numbers of the records that tell the story, in order.
    pub steps: Vec<u64>,
    /// What is to be expected.
    pub prospect: Prospect,
}

/// Whether the copies come to agree.
#[derive(Clone, Debug, PartialEq)]
pub enum Convergence {
    /// All that are up equal the reference, and nothing is under way.
    Converged,
    /// Not yet; what is under way is enough. One copy that waits, for each.
    Converging(Vec<Why>),
    /// Not, as things stand: the copies for which nothing is under way.
    Never(Vec<Why>),
    /// Neither could be shown.
    Unknown(&'static str),
}

/// What a question needs to know of a run.
pub struct Look<'a> {
    /// Its records, as far as they are kept.
    pub trace: &'a Trace,
    /// What they mean.
    pub analysis: &'a Analysis,
    /// What people wrote.
    pub names: &'a Names,
    /// What is simulated, live commands in the script.
    pub scenario: &'a Scenario,
    /// Where the run stands.
    pub now: Micros,
}

/// Copies named by a verdict at most.
const NAMED: usize = 8;
/// Steps of one story at most: the first and the last.
const STEPS: usize = 14;

impl Look<'_> {
    /// Whether the copies come to agree; `quiet` if nothing is under way that a client or a copy waits for.
    pub fn convergence(&self, quiet: bool) -> Convergence {
        let staleness = &self.analysis.staleness;
        if staleness.acknowledged() == 0 {
            return Convergence::Unknown("no update was acknowledged yet");
        }
        let (mut waiting, mut never) = (Vec::new(), Vec::new());
        for (node, key, state) in staleness.unsettled() {
            for (update, prospect) in self.prospects(node, key, state) {
                let list = if prospect.hopeful() { &mut waiting } else { &mut never };
                if list.len() < NAMED {
                    let told = update.filter(|_| !prospect.hopeful());
                    let steps = told.map(|update| self.story(node, update)).unwrap_or_default();
                    list.push(Why { node, key, update, steps, prospect });
                }
            }
            if never.len() == NAMED {
                break;
            }
        }
        match (never.is_empty(), waiting.is_empty()) {
            (false, _) => Convergence::Never(never),
            (true, false) => Convergence::Converging(waiting),
            (true, true) if quiet => Convergence::Converged,
            (true, true) => Convergence::Converging(Vec::new()),
        }
    }

    /// Why a copy is not consistent, one answer for each update that it lacks, the oldest first; none if it is.
    pub fn why(&self, node: NodeId, key: KeyId) -> Vec<Why> {
        let Some(copy) = self.analysis.staleness.at(node, key) else { return Vec::new() };
        let all = self.prospects(node, key, copy.state());
        let told = all.into_iter().take(NAMED).map(|(update, prospect)| {
            let steps = match (copy.state(), update) {
                (CopyState::Stale | CopyState::Down, Some(update)) => self.story(node, update),
                (CopyState::Stale | CopyState::Down, None) => Vec::new(),
                (CopyState::Diverged | CopyState::Conflicted | CopyState::Consistent, _) => self.made(node, key),
            };
            Why { node, key, update, steps, prospect }
        });
        told.collect()
    }

    fn prospects(&self, node: NodeId, key: KeyId, state: CopyState) -> Vec<(Option<UpdateId>, Prospect)> {
        let Some(copy) = self.analysis.staleness.at(node, key) else { return Vec::new() };
        match state {
            CopyState::Consistent => Vec::new(),
            CopyState::Conflicted => vec![(None, Prospect::Siblings)],
            CopyState::Diverged => vec![(None, Prospect::TakenIn)],
            CopyState::Stale | CopyState::Down => {
                copy.lacks().map(|update| (update, self.prospect(node, key, update))).collect()
            }
        }
    }

    /// When the script mends something, after now.
    fn healing(&self) -> Option<Micros> {
        let mends = |command: &Command| {
            matches!(
                command,
                Command::HealLink { .. } | Command::HealAll | Command::Restart { .. } | Command::StartBus { .. }
            )
        };
        let later = self.scenario.script.iter().filter(|step| micros(step.at_ms) > self.now && mends(&step.command));
        later.map(|step| micros(step.at_ms)).min()
    }

    fn prospect(&self, node: NodeId, key: KeyId, update: Option<UpdateId>) -> Prospect {
        let (analysis, faults) = (self.analysis, &self.analysis.faults);
        if faults.down(node).is_some() {
            return self.healing().map_or(Prospect::Down(node), Prospect::AfterHealing);
        }
        let group = self.names.group(node);
        if let Some(update) = update {
            let said = |it: Option<UpdateId>| it.map(|it| analysis.derived.update(it)) == Some(update);
            let carries = analysis.messages.iter().filter(|(_, it)| said(it.update) && it.to == node);
            let open = |from: NodeId| faults.cut(from, node).is_none();
            if let Some(due) = carries.filter(|(_, it)| open(it.from)).map(|(_, it)| it.due).min() {
                return Prospect::Arriving { due };
            }
            let of_group = |at: NodeId| group.is_some() && self.names.group(at) == group;
            let mut handled = analysis.derived.handled().filter(|(at, it)| *it == update && of_group(*at));
            if let Some((member, _)) = handled.next() {
                return Prospect::Handled(member);
            }
            if let Some(found) = self.at_buses(node, update) {
                return found;
            }
        }
        for (member, standing) in analysis.members.iter() {
            if standing.hints.contains(&(node, key)) && faults.down(member).is_none() {
                return Prospect::Hinted(member);
            }
        }
        let info = update.and_then(|update| analysis.updates.get(update));
        if let Some(group) = group {
            // What came from outside, and no member has, its protocol cannot bring.
            let foreign = info.is_some_and(|info| self.names.group(info.node) != Some(group));
            let arrived = |member: NodeId| {
                let copy = analysis.staleness.at(member, key);
                info.zip(copy).is_some_and(|(info, copy)| copy.reflects(info.version))
            };
            if !foreign || self.members(group).any(arrived) {
                return self.in_group(group, node, key, update);
            }
        }
        if let Some(info) = info
            && analysis.members.get(node).is_some_and(|member| member.promised.contains(&key))
        {
            return match faults.down(info.node) {
                None => Prospect::Promised(info.node),
                Some(_) => self.healing().map_or(Prospect::Down(info.node), Prospect::AfterHealing),
            };
        }
        match (update, info) {
            (Some(update), Some(info)) => self.unpublished(info.node, update).unwrap_or(Prospect::Lost),
            (Some(_), None) | (None, _) => Prospect::Lost,
        }
    }

    fn members(&self, group: NodeId) -> impl Iterator<Item = NodeId> {
        let drawn = self.scenario.groups.iter().find(|it| self.names.find_node(&it.id) == Some(group));
        drawn.into_iter().flat_map(|drawn| &drawn.members).filter_map(|id| self.names.find_node(id))
    }

    /// What buses hold of an update for a service.
    fn at_buses(&self, node: NodeId, update: UpdateId) -> Option<Prospect> {
        let faults = &self.analysis.faults;
        let mut dead = None;
        for (subscription, lane) in self.analysis.buses.iter() {
            let ends = self.names.subscription(subscription);
            if !self.brings(ends.service, node) {
                continue;
            }
            if let Some(kept) = lane.kept.values().find(|kept| kept.update == update) {
                if faults.down(ends.bus).is_some() {
                    return Some(self.healing().map_or(Prospect::Down(ends.bus), Prospect::AfterHealing));
                }
                if kept.deliveries > 0 && self.is_poison(subscription, update) {
                    return Some(Prospect::Poison(subscription));
                }
                let (not_before, deliveries) = (kept.not_before, kept.deliveries);
                return Some(Prospect::Queued { not_before, deliveries, delivered: kept.in_flight });
            }
            if lane.dead.values().any(|it| *it == update) {
                dead = Some(Prospect::DeadLettered(subscription));
            }
        }
        let holds = |(_, rows): &(NodeId, &Tables)| rows.outbox.iter().any(|(_, what)| *what == update);
        if let Some((service, _)) = self.analysis.tables.iter().find(holds) {
            return Some(match faults.down(service) {
                None => Prospect::Unpublished(service),
                Some(_) => self.healing().map_or(Prospect::Down(service), Prospect::AfterHealing),
            });
        }
        dead
    }

    /// Whether what a service takes from a bus comes to a copy: its own, or one of its group.
    fn brings(&self, consumer: NodeId, node: NodeId) -> bool {
        let group = self.names.group(node);
        consumer == node || (group.is_some() && self.names.group(consumer) == group)
    }

    fn is_poison(&self, of: SubscriptionId, update: UpdateId) -> bool {
        self.records().any(|(_, record)| match &record.fact {
            Fact::HandlingFailed { subscription, update: it, cause: HandlingFailure::Poison, .. } => {
                (*subscription, *it) == (of, update)
            }
            _ => false,
        })
    }

    /// The records that are kept, with their numbers.
    fn records(&self) -> impl Iterator<Item = (u64, &Record)> {
        (self.trace.oldest()..).zip(self.trace.since(self.trace.oldest()))
    }

    /// A rumor that nobody has told for two of its intervals has died out (as far as can be seen from outside).
    fn rumored(&self, update: Option<UpdateId>, every_ms: f64) -> bool {
        let since = self.now.saturating_sub(micros(2.0 * every_ms));
        self.records().any(|(_, record)| match &record.fact {
            Fact::MessageSent { update: it, .. } => it.is_some() && *it == update && record.at >= since,
            _ => false,
        })
    }

    /// An update that no bus has taken in: is it still being published?
    fn unpublished(&self, from: NodeId, update: UpdateId) -> Option<Prospect> {
        // Of a group each member publishes what it stores, or coordinates.
        let publishers: Vec<(NodeId, &Service)> = match self.names.group(from) {
            Some(group) => self.members(group).collect(),
            None => vec![from],
        }
        .into_iter()
        .filter_map(|node| Some((node, self.scenario.services.get(node.index())?)))
        .filter(|(_, service)| !service.publishes.is_empty())
        .collect();
        let retried = |bus: NodeId| {
            let publications = publishers.iter().flat_map(|(_, service)| &service.publishes);
            publications.filter(|it| self.names.find_node(&it.to) == Some(bus)).any(|it| it.retry.is_some())
        };
        let on_its_way = self
            .analysis
            .messages
            .iter()
            .any(|(_, message)| message.update == Some(update) && message.kind == MessageKind::Publish);
        let tries = |by: NodeId| publishers.iter().any(|(node, _)| *node == by);
        if on_its_way || self.analysis.faults.publishers(update).any(|(by, bus)| tries(by) && retried(bus)) {
            return Some(Prospect::Unpublished(from));
        }
        // A member whose log is read will find it there.
        if let Some(info) = self.analysis.updates.get(update)
            && self.names.group(from).is_some()
        {
            let read = |it: &&(NodeId, &Service)| it.1.publishes.iter().any(|it| it.mode.is_relayed());
            for (node, _) in publishers.iter().filter(read) {
                let lacks = self.analysis.staleness.at(*node, info.key).is_some_and(|it| !it.reflects(info.version));
                match lacks.then(|| self.prospect(*node, info.key, Some(update))) {
                    Some(down @ (Prospect::Down(_) | Prospect::AfterHealing(_))) => return Some(down),
                    Some(expected) if expected.hopeful() => return Some(Prospect::Unpublished(*node)),
                    Some(_) | None => {}
                }
            }
        }
        let published =
            |record: &Record| matches!(&record.fact, Fact::EventPublished { update: it, .. } if *it == update);
        match self.discarded(update) {
            // A bus that lost it never said that it has it, so it is sent again.
            Some(DropReason::NotReplicated) => {
                let sends = publishers.iter().find(|(node, service)| self.still_sends(*node, service, update));
                return Some(
                    sends.map_or(Prospect::Discarded(DropReason::NotReplicated), |(node, _)| {
                        Prospect::Unpublished(*node)
                    }),
                );
            }
            Some(reason) => return Some(Prospect::Discarded(reason)),
            None => {}
        }
        let publishes = !publishers.is_empty();
        let before = self.records().any(|(_, record)| published(record));
        (publishes && !before).then_some(Prospect::NeverPublished(from))
    }

    /// Whether a publisher that tries again still waits for a bus to acknowledge an update that it sent.
    fn still_sends(&self, from: NodeId, service: &Service, update: UpdateId) -> bool {
        let (mut waits, mut answers) = (false, BTreeSet::new());
        for (_, record) in self.records() {
            match &record.fact {
                Fact::MessageSent { kind: MessageKind::Publish, from: by, to, update: Some(it), .. }
                    if (*by, *it) == (from, update) =>
                {
                    let tries = |it: &&Publication| self.names.find_node(&it.to) == Some(*to) && it.retry.is_some();
                    waits |= service.publishes.iter().find(tries).is_some();
                }
                Fact::MessageSent { message, kind: MessageKind::Acknowledgement, to, update: Some(it), .. }
                    if (*to, *it) == (from, update) =>
                {
                    answers.insert(*message);
                }
                Fact::MessageDelivered { message } if answers.contains(message) => waits = false,
                Fact::PublishAbandoned { node, update: it, .. } if (*node, *it) == (from, update) => waits = false,
                Fact::ServiceCrashed { node, .. } if *node == from => waits = false,
                _ => {}
            }
        }
        waits
    }

    fn discarded(&self, update: UpdateId) -> Option<DropReason> {
        self.records().find_map(|(_, record)| match &record.fact {
            Fact::EventDiscarded { update: it, reason, .. } if *it == update => Some(*reason),
            _ => None,
        })
    }

    /// What a group's protocol does about a member that lacks something.
    fn in_group(&self, group: NodeId, node: NodeId, key: KeyId, update: Option<UpdateId>) -> Prospect {
        let Some(drawn) = self.scenario.groups.iter().find(|it| self.names.find_node(&it.id) == Some(group)) else {
            return Prospect::Lost;
        };
        let faults = &self.analysis.faults;
        let said = update.and_then(|update| self.analysis.updates.get(update)).map(|info| info.version);
        let member = |id: &String| self.names.find_node(id);
        let reaches = drawn.members.iter().filter_map(member).any(|other| {
            let copy = self.analysis.staleness.at(other, key);
            let has = copy.is_some_and(|copy| copy.behind() == 0 || said.is_some_and(|it| copy.reflects(it)));
            let open = faults.cut(other, node).is_none() && faults.cut(node, other).is_none();
            other != node && has && faults.down(other).is_none() && open
        });
        let mends = match &drawn.protocol {
            Protocol::Gossip(gossip) if matches!(gossip.style, GossipStyle::Rumor { .. }) => {
                self.rumored(update, gossip.every.mean_ms())
            }
            Protocol::Raft(_)
            | Protocol::Primary(_)
            | Protocol::Chain
            | Protocol::TwoPhase(_)
            | Protocol::Gossip(_) => true,
            Protocol::Quorum(quorum) => quorum.anti_entropy.is_some(),
        };
        let reads = match &drawn.protocol {
            Protocol::Quorum(quorum) => quorum.read_repair != ReadRepair::None || quorum.write_back,
            Protocol::Raft(_)
            | Protocol::Primary(_)
            | Protocol::Chain
            | Protocol::TwoPhase(_)
            | Protocol::Gossip(_) => false,
        };
        if mends && reaches {
            return Prospect::Mending;
        }
        if let (true, Some(at)) = (mends, self.healing()) {
            return Prospect::AfterHealing(at);
        }
        if reads && self.still_read(drawn.id.as_str()) {
            return Prospect::OnRead;
        }
        if mends { Prospect::CutOff } else { Prospect::Lost }
    }

    /// Whether clients will still read of a group.
    fn still_read(&self, group: &str) -> bool {
        let end = |until: Option<f64>| micros(until.unwrap_or(self.scenario.until_ms));
        self.scenario.clients.iter().filter(|client| client.target == group).any(|client| {
            let generated =
                client.generate.as_ref().is_some_and(|it| it.read_share > 0.0 && end(it.until_ms) > self.now);
            let read =
                |step: &ClientStep| micros(step.at_ms) > self.now && matches!(step.operation, Operation::Read { .. });
            generated || client.script.iter().any(read)
        })
    }

    /// The records that tell what became of an update on its way to a service, with the faults behind.
    fn story(&self, node: NodeId, update: UpdateId) -> Vec<u64> {
        let mine = |subscription: &SubscriptionId| self.brings(self.names.subscription(*subscription).service, node);
        // A group's write that carries it is told as the update itself.
        let is = |it: &UpdateId| self.analysis.derived.update(*it) == update;
        let mut sent: BTreeMap<MessageId, (NodeId, NodeId)> = BTreeMap::new();
        let mut faults: BTreeMap<(NodeId, NodeId), u64> = BTreeMap::new();
        let mut steps: Vec<u64> = Vec::new();
        for (number, record) in self.records() {
            let about = match &record.fact {
                Fact::LinkCut { from, to } | Fact::LinkDisturbed { from, to, .. } => {
                    faults.insert((*from, *to), number);
                    false
                }
                Fact::ServiceCrashed { node: at, .. } | Fact::BusStopped { bus: at, .. } => {
                    faults.insert((*at, *at), number);
                    // It took with it what it had not published, or what it held.
                    false
                }
                Fact::UpdateCommitted { update: it, .. }
                | Fact::WriteCoordinated { update: it, .. }
                | Fact::UpdateAcknowledged { update: it, .. }
                | Fact::OutboxRowWritten { update: it, .. }
                | Fact::OutboxRowPublished { update: it, .. }
                | Fact::PublicationLost { update: it, .. }
                | Fact::PublishAbandoned { update: it, .. }
                | Fact::EventPublished { update: it, .. }
                | Fact::PublishRefused { update: it, .. }
                | Fact::WriteRolledBack { update: it, .. } => is(it),
                Fact::UpdateApplied { update: it, node: at, .. }
                | Fact::WritePromised { update: it, node: at, .. }
                | Fact::PromiseReleased { update: it, node: at, .. } => is(it) && *at == node,
                Fact::EventWriteStarted { update: it, node: at, .. }
                | Fact::EventWriteEnded { update: it, node: at, .. } => *it == update && self.brings(*at, node),
                Fact::ReplicaStored { update: it, node: at, .. } => it.is_some_and(|it| is(&it)) && *at == node,
                Fact::HintStored { update: it, replica, .. } => it.is_some_and(|it| is(&it)) && *replica == node,
                Fact::EventSent { update: it, subscription, .. }
                | Fact::EventDeadLettered { update: it, subscription, .. }
                | Fact::EventDiscarded { update: it, subscription, .. }
                | Fact::EventRedriven { update: it, subscription, .. }
                | Fact::HandlingFailed { update: it, subscription, .. } => *it == update && mine(subscription),
                // Once the update has a story, it is part of it that nobody reads, or that all is read again.
                Fact::ReaderLeft { subscription, .. } | Fact::ReaderJoined { subscription } => {
                    mine(subscription) && !steps.is_empty()
                }
                Fact::MessageSent { message, from, to, update: Some(it), kind, .. } if is(it) => {
                    let (publish, delivery) = (*kind == MessageKind::Publish, *kind == MessageKind::Delivery);
                    if *to == node || publish || (delivery && self.brings(*to, node)) {
                        sent.insert(*message, (*from, *to));
                    }
                    // A delivery is told by its event.
                    *to == node && !delivery
                }
                Fact::MessageDuplicated { message, copy, .. } => {
                    if let Some(ends) = sent.get(message).copied() {
                        sent.insert(*copy, ends);
                    }
                    false
                }
                Fact::MessageDropped { message, cause } => {
                    if let Some((from, to)) = sent.get(message) {
                        let fault = match cause {
                            DropCause::LinkCut | DropCause::Disturbance => faults.get(&(*from, *to)),
                            DropCause::ReceiverDown => faults.get(&(*to, *to)),
                            DropCause::Loss => None,
                        };
                        steps.extend(fault.filter(|fault| !steps.contains(fault)));
                        true
                    } else {
                        false
                    }
                }
                _ => false,
            };
            if about {
                if let Fact::PublicationLost { node: at, .. } = &record.fact {
                    steps.extend(faults.get(&(*at, *at)));
                }
                steps.push(number);
            }
        }
        // What stands in the way now.
        let faults = &self.analysis.faults;
        steps.extend(faults.down(node).filter(|fault| !steps.contains(fault)));
        steps.sort_unstable();
        steps.dedup();
        shortened(steps)
    }

    /// The last records that made a copy what it is.
    fn made(&self, node: NodeId, key: KeyId) -> Vec<u64> {
        let mut steps = Vec::new();
        for (number, record) in self.records() {
            let about = match &record.fact {
                Fact::UpdateApplied { node: at, key: it, .. }
                | Fact::ReplicaStored { node: at, key: it, .. }
                | Fact::StateMerged { node: at, key: it, .. }
                | Fact::UpdateCommitted { node: at, key: it, .. } => *at == node && *it == key,
                Fact::WriteCoordinated { key: it, .. } => *it == key,
                _ => false,
            };
            if about {
                steps.push(number);
            }
        }
        let from = steps.len().saturating_sub(STEPS / 2);
        steps.split_off(from)
    }
}

/// The first and the last of a long story.
fn shortened(mut steps: Vec<u64>) -> Vec<u64> {
    if steps.len() > STEPS {
        let last = steps.split_off(steps.len() - STEPS / 2);
        steps.truncate(STEPS / 2);
        steps.extend(last);
    }
    steps
}
