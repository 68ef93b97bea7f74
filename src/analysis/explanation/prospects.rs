//! How a missing update may still reach a copy, or why it will not.

use super::event_history::EventHistory;
use super::pending_work::PendingWork;
use crate::analysis::prospect::Prospect;
use crate::analysis::run_context::RunContext;
use crate::scenario::{
    Attachment, ClientStep, Effect, GossipStyle, Group, Micros, Operation, Order, Protocol, Publication, ReadRepair,
    Service, Subscription, Topics, micros,
};
use crate::trace::{DropReason, KeyId, NodeId, Subscriber, SubscriptionId, UpdateId};
use std::cell::LazyCell;
use std::collections::BTreeSet;

/// Finds the prospects of copies, by the index of pending work.
pub(super) struct ProspectFinder<'a> {
    pub run: &'a RunContext<'a>,
    pub work: &'a mut PendingWork,
    pub history: &'a EventHistory,
}

impl<'a> ProspectFinder<'a> {
    /// Returns the prospect of an update that a copy is missing; of an initial value of the document if `update` is none. If
    /// services hold the copy together, one that is up is enough.
    pub fn prospect(&mut self, node: NodeId, key: KeyId, update: Option<UpdateId>) -> Prospect {
        let own = self.own_prospect(node, key, update);
        if own.is_hopeful() || matches!(own, Prospect::Poison(queue) if self.is_blocked(queue)) {
            return own;
        }
        self.superseded(node, key, update).map_or(own, Prospect::Superseded)
    }

    /// Returns whether a poison message in a queue keeps back the later events of its key for ever.
    fn is_blocked(&self, queue: SubscriptionId) -> bool {
        let Subscriber { service, bus, .. } = self.run.names.subscription(queue);
        let mut all = self.run.scenario.services.get(service.index()).into_iter().flat_map(|it| &it.subscribes);
        let blocks = |it: &Subscription| it.order != Order::None && it.max_deliveries.is_none();
        all.any(|it| self.run.names.find_node(&it.to) == Some(bus) && blocks(it))
    }

    /// A newer update that is under way to a copy, so that the copy needs no older one.
    fn superseded(&mut self, node: NodeId, key: KeyId, update: Option<UpdateId>) -> Option<UpdateId> {
        let run = self.run;
        let copy = run.analysis.staleness.copy(node, key).filter(|copy| copy.needs_only_the_newest())?;
        // A lost difference is not in a later one.
        if self.work.adding.iter().any(|consumer| run.delivers_to(*consumer, node)) {
            return None;
        }
        let (version, newest) = copy.newest_missing()?;
        if newest.is_some() && newest != update && self.own_prospect(node, key, newest).is_hopeful() {
            return newest;
        }
        // One that is not acknowledged yet.
        run.analysis.staleness.holders_of(node, key).into_iter().find_map(|holder| {
            let (carried, newer) = self.work.newest_carried.get(&(holder, key)).copied()?;
            (carried > version && self.prospect_at(holder, key, Some(newer)).is_hopeful()).then_some(newer)
        })
    }

    /// The prospect of an update itself.
    fn own_prospect(&mut self, node: NodeId, key: KeyId, update: Option<UpdateId>) -> Prospect {
        let mut first = None;
        for holder in self.run.analysis.staleness.holders_of(node, key) {
            let prospect = self.prospect_at(holder, key, update);
            if prospect.is_hopeful() {
                return prospect;
            }
            // A service that is down is the least informative reason.
            match first {
                None | Some(Prospect::Down(_)) => first = Some(prospect),
                Some(_) => {}
            }
        }
        first.unwrap_or(Prospect::Lost)
    }

    fn prospect_at(&mut self, node: NodeId, key: KeyId, update: Option<UpdateId>) -> Prospect {
        if !self.run.analysis.faults.is_stopped(node) {
            return self.prospect_from(self.run.now, node, key, update);
        }
        let Prospect::AfterHealing(up) = self.when_up(node) else { return Prospect::Down(node) };
        match self.prospect_from(up, node, key, update) {
            Prospect::AfterHealing(later) => Prospect::AfterHealing(later.max(up)),
            found if found.is_hopeful() => Prospect::AfterHealing(up),
            found => found,
        }
    }

    /// The prospect at a node that is up from a time on: now, or the time of its restart.
    fn prospect_from(&mut self, up: Micros, node: NodeId, key: KeyId, update: Option<UpdateId>) -> Prospect {
        let run = self.run;
        if let Some(found) = update.and_then(|update| self.in_transit(up, node, update)) {
            return found;
        }
        let hints = self.work.hints.get(&(node, key)).into_iter().flatten();
        if let Some(holder) = hints.copied().find(|holder| !run.analysis.faults.is_stopped(*holder)) {
            return Prospect::Hinted(holder);
        }
        let info = update.and_then(|update| run.analysis.updates.get(update));
        if let Some(group) = run.names.group(node) {
            // The protocol cannot deliver an update from outside that no member has.
            let foreign = info.is_some_and(|info| run.names.group(info.node) != Some(group));
            let has_update = |member: NodeId| {
                let copy = run.analysis.staleness.copy(member, key);
                info.zip(copy).is_some_and(|(info, copy)| copy.reflects(info.version))
            };
            if !foreign || run.members(group).any(has_update) {
                return self.within_group(group, up, (node, key), update);
            }
        }
        let Some((update, info)) = update.zip(info) else { return Prospect::Lost };
        if run.analysis.members.get(node).is_some_and(|member| member.promised.contains_key(&key)) {
            return match run.analysis.faults.is_stopped(info.node) {
                false => Prospect::Promised(info.node),
                true => self.when_up(info.node),
            };
        }
        if let Some(found) = self.forwarded(node, key, update) {
            return found;
        }
        self.unpublished(info.node, update).unwrap_or(Prospect::Lost)
    }

    /// What a service does that forwards events to another one: it may not have the update yet, or publish it still.
    fn forwarded(&mut self, node: NodeId, key: KeyId, update: UpdateId) -> Option<Prospect> {
        let run = self.run;
        let topics = LazyCell::new(|| Topics::new(run.scenario));
        let reaches_node = |publication: &Publication| {
            let subscribed =
                run.scenario.services.get(node.index()).into_iter().flat_map(|service| &service.subscribes);
            let is_published = |it: &Subscription| topics.of_subscription(it) == topics.of_publication(publication);
            publication.forward.is_some() && subscribed.into_iter().any(is_published)
        };
        let services = (0..).map(NodeId).zip(&run.scenario.services);
        let forwarders = services.filter(|(_, service)| service.publishes.iter().any(reaches_node));
        let version = run.analysis.updates.get(update)?.version;
        let mut found = None;
        for (forwarder, _) in forwarders {
            let Some(copy) = run.analysis.staleness.copy(forwarder, key) else { continue };
            let prospect = match copy.reflects(version) {
                false => Some(self.own_prospect(forwarder, key, Some(update))),
                true => match self.unpublished(forwarder, update) {
                    Some(found) if found.is_hopeful() => Some(found),
                    found => self.forwarded_again(forwarder, update).or(found),
                },
            };
            if prospect.is_some_and(Prospect::is_hopeful) {
                return prospect;
            }
            found = found.or(prospect);
        }
        found
    }

    /// The redelivery of an event to a service that applies and forwards it once more, after a crash or a disconnection.
    fn forwarded_again(&self, forwarder: NodeId, update: UpdateId) -> Option<Prospect> {
        let run = self.run;
        let service = run.scenario.services.get(forwarder.index())?;
        let is_repeated =
            |it: &Subscription| it.inbox.is_none() && matches!(it.effect, Effect::Overwrite | Effect::Increment);
        let queued = self.work.queued.get(&update).into_iter().flatten();
        let mut returned = queued.filter(|(subscription, event)| {
            let bus = run.names.subscription(*subscription).bus;
            let carriers = self.work.carriers.get(&(update, bus)).into_iter().flatten();
            let is_acknowledged = carriers.into_iter().any(|(from, _)| *from == forwarder);
            let was_stopped = !event.in_flight || run.analysis.faults.down(forwarder).is_some();
            event.deliveries > 0 && was_stopped && !is_acknowledged && run.queue_reaches(*subscription, forwarder)
        });
        (service.subscribes.iter().any(is_repeated) && returned.next().is_some())
            .then(|| self.at_buses(forwarder, update))?
            .filter(|found| found.is_hopeful())
    }

    /// The prospect of an update that waits for a node that is down.
    fn when_up(&self, node: NodeId) -> Prospect {
        self.work.healing.up_from(self.run, node).map_or(Prospect::Down(node), Prospect::AfterHealing)
    }

    /// The message, handler, queue or outbox that has an update for a service.
    fn in_transit(&self, up: Micros, node: NodeId, update: UpdateId) -> Option<Prospect> {
        let run = self.run;
        // What arrives while the node is down is lost; a paused node receives it when it is resumed.
        let is_down = run.analysis.faults.down(node).is_some();
        let is_open = |from: NodeId, due: Micros| {
            let open = self.work.healing.open_from(run, from, node);
            open.is_some_and(|open| open <= due.max(run.now)) && !(is_down && due < up)
        };
        let carriers = self.work.carriers.get(&(update, node)).into_iter().flatten();
        if let Some(due) = carriers.filter(|(from, due)| is_open(*from, *due)).map(|(_, due)| *due).min() {
            return Some(Prospect::Arriving { due });
        }
        let group = run.names.group(node);
        let in_group = |member: NodeId| group.is_some() && run.names.group(member) == group;
        let mut handling = run.analysis.event_writes.in_progress();
        if let Some((member, _)) = handling.find(|(member, handled)| *handled == update && in_group(*member)) {
            return Some(Prospect::BeingHandled(member));
        }
        let found = self.at_buses(node, update);
        // The bus needs no acknowledgement, or has it already.
        let is_handled = group.is_none() && self.history.received.contains(&(node, update));
        match found {
            None if is_handled => Some(Prospect::Arriving { due: run.now }),
            found => found,
        }
    }

    /// The queue, outbox or dead-letter queue that has an update's event for a service.
    fn at_buses(&self, node: NodeId, update: UpdateId) -> Option<Prospect> {
        let run = self.run;
        let reaches = |queue: SubscriptionId| run.queue_reaches(queue, node);
        let mut queued = self.work.queued.get(&update).into_iter().flatten();
        if let Some((subscription, event)) = queued.find(|(subscription, _)| reaches(*subscription)) {
            let bus = run.names.subscription(*subscription).bus;
            if self.work.healing.up_from(run, bus).is_none_or(|at| at > run.now) {
                return Some(self.when_up(bus));
            }
            if event.deliveries > 0 && self.history.poison.contains(&(*subscription, update)) {
                return Some(Prospect::Poison(*subscription));
            }
            let is_received = event.reader.is_some_and(|reader| {
                self.history.received.contains(&(run.names.subscription(reader).service, update))
            });
            if !(event.in_flight && is_received)
                && let Err(stopped) = self.path_to_consumer(*subscription, node)
            {
                return Some(stopped);
            }
            let (not_before, deliveries) = (event.not_before, event.deliveries);
            return Some(Prospect::Queued { not_before, deliveries, delivered: event.in_flight });
        }
        if let Some((service, bus)) = self.work.outboxes.get(&update).copied() {
            return Some(match run.analysis.faults.is_stopped(service) {
                false => self.to_bus(service, bus),
                true => self.when_up(service),
            });
        }
        let dead = self.work.dead_letters.get(&update).into_iter().flatten().copied().rfind(|it| reaches(*it));
        dead.map(Prospect::DeadLettered)
    }

    /// The prospect of a publisher's next attempt to reach a bus.
    fn to_bus(&self, publisher: NodeId, bus: NodeId) -> Prospect {
        self.work.healing.path(self.run, publisher, bus).err().unwrap_or(Prospect::Unpublished(publisher))
    }

    /// Checks whether the deliveries of a queue reach a consumer that applies them to a copy. One such consumer is enough.
    ///
    /// # Errors
    /// The cause that stops them.
    fn path_to_consumer(&self, queue: SubscriptionId, node: NodeId) -> Result<(), Prospect> {
        let run = self.run;
        let all = (0..run.names.subscription_count() as u32).map(SubscriptionId);
        let consumers = all.filter(|it| run.analysis.buses.queue_of(*it) == queue).map(|it| run.names.subscription(it));
        let mut stopped: Option<Prospect> = None;
        for Subscriber { service, bus, .. } in consumers.filter(|it| run.delivers_to(it.service, node)) {
            let config = run.scenario.services.get(service.index());
            let mut to_bus = config.into_iter().flat_map(|it| &it.subscribes);
            let polls = to_bus.any(|it| {
                run.names.find_node(&it.to) == Some(bus) && matches!(it.attachment(), Attachment::Polling(_))
            });
            let asks = if polls { self.work.healing.path(run, service, bus) } else { Ok(()) };
            match self.work.healing.path(run, bus, service).and(asks) {
                Ok(()) => return Ok(()),
                Err(prospect) if stopped.is_none_or(|it| !it.is_hopeful()) => stopped = Some(prospect),
                Err(_) => {}
            }
        }
        stopped.map_or(Ok(()), Err)
    }

    /// The publication of an update that no queue has.
    fn unpublished(&mut self, from: NodeId, update: UpdateId) -> Option<Prospect> {
        let run = self.run;
        let publishers = self.publishers(from);
        let publications = |bus: NodeId| {
            let all = publishers.iter().flat_map(|(_, service)| &service.publishes);
            all.filter(move |it| run.names.find_node(&it.to) == Some(bus))
        };
        let is_publisher = |node: NodeId| publishers.iter().any(|(publisher, _)| *publisher == node);
        let is_retried = |bus: NodeId| publications(bus).any(|it| it.retry.is_some());
        // A publisher that crashes does not stop what it has sent.
        let mut sent = self.work.publications.get(&update).into_iter().flatten();
        if sent.any(|(by, bus, due)| is_publisher(*by) && self.is_accepted(*by, *bus, *due)) {
            return Some(Prospect::Unpublished(from));
        }
        let mut stopped: Option<Prospect> = None;
        for (by, bus) in run.analysis.faults.publishers(update).filter(|(by, _)| is_publisher(*by)) {
            match self.to_bus(by, bus) {
                Prospect::Unpublished(_) if is_retried(bus) => {
                    return Some(Prospect::Unpublished(from));
                }
                Prospect::AfterHealing(at) if self.gives_up_before(at, update, by, publications(bus)) => {}
                prospect => {
                    let is_better = is_retried(bus) && stopped.is_none_or(|it| !it.is_hopeful());
                    stopped = if is_better { Some(prospect) } else { stopped };
                }
            }
        }
        if stopped.is_some() {
            return stopped;
        }
        if let Some(found) = self.read_from_log(&publishers, from, update) {
            return Some(found);
        }
        match self.history.discarded.get(&update) {
            // A bus that lost an event before it acknowledged it gets the event again.
            Some(DropReason::NotReplicated) => {
                let sender = publishers.iter().find(|(node, service)| self.awaits_bus(*node, service, update));
                let lost = Prospect::Discarded(DropReason::NotReplicated);
                return Some(sender.map_or(lost, |(node, _)| Prospect::Unpublished(*node)));
            }
            Some(reason) => return Some(Prospect::Discarded(*reason)),
            None => {}
        }
        let never_published = !publishers.is_empty() && !self.history.published.contains(&update);
        never_published.then_some(Prospect::NeverPublished(from))
    }

    /// Returns whether a publication in flight reaches its bus.
    fn is_accepted(&self, publisher: NodeId, bus: NodeId, due: Micros) -> bool {
        let in_time = |from: Option<Micros>| from.is_some_and(|from| from <= due.max(self.run.now));
        in_time(self.work.healing.open_from(self.run, publisher, bus))
            && in_time(self.work.healing.up_from(self.run, bus))
    }

    /// Returns whether a publisher has made its last attempt, and stopped waiting for its acknowledgement, before a healing.
    fn gives_up_before<'p>(
        &self,
        healing: Micros,
        update: UpdateId,
        publisher: NodeId,
        mut publications: impl Iterator<Item = &'p Publication>,
    ) -> bool {
        let Some(first) = self.history.first_published.get(&(update, publisher)) else { return false };
        publications.all(|publication| {
            let retry = publication.retry.as_ref().filter(|_| !publication.mode.is_relayed());
            retry.is_some_and(|retry| {
                let attempts = micros(retry.timeout_ms).saturating_mul(u64::from(retry.attempts));
                first.saturating_add(attempts) <= healing
            })
        })
    }

    /// The services that publish the updates of a node: each member of a group publishes what it stores or coordinates.
    fn publishers(&self, from: NodeId) -> Vec<(NodeId, &'a Service)> {
        let run = self.run;
        let nodes: Vec<NodeId> = match run.names.group(from) {
            Some(group) => run.members(group).collect(),
            None => vec![from],
        };
        let services = nodes.into_iter().filter_map(|node| Some((node, run.scenario.services.get(node.index())?)));
        services.filter(|(_, service)| !service.publishes.is_empty()).collect()
    }

    /// A member whose log will be read for publication, and that will get the update.
    fn read_from_log(&mut self, publishers: &[(NodeId, &Service)], from: NodeId, update: UpdateId) -> Option<Prospect> {
        let run = self.run;
        let info = run.analysis.updates.get(update).filter(|_| run.names.group(from).is_some())?;
        let relayed = publishers.iter().filter(|(_, service)| service.publishes.iter().any(|it| it.mode.is_relayed()));
        for (node, _) in relayed {
            let copy = run.analysis.staleness.copy(*node, info.key);
            if copy.is_none_or(|copy| copy.reflects(info.version)) {
                continue;
            }
            let prospect = self.own_prospect(*node, info.key, Some(update));
            if matches!(prospect, Prospect::Down(_) | Prospect::AfterHealing(_)) {
                return Some(prospect);
            }
            if prospect.is_hopeful() {
                return Some(Prospect::Unpublished(*node));
            }
        }
        None
    }

    /// Returns whether a publisher that retries still waits for a bus to acknowledge an update.
    fn awaits_bus(&self, from: NodeId, service: &Service, update: UpdateId) -> bool {
        let run = self.run;
        let is_retried = |bus: NodeId| {
            service.publishes.iter().any(|it| run.names.find_node(&it.to) == Some(bus) && it.retry.is_some())
        };
        self.history.awaited_buses(from, update).any(is_retried)
    }

    /// What a group's protocol does about a member that is missing an update.
    fn within_group(
        &mut self,
        group: NodeId,
        up: Micros,
        (node, key): (NodeId, KeyId),
        update: Option<UpdateId>,
    ) -> Prospect {
        let run = self.run;
        let Some(config) = run.scenario.groups.iter().find(|it| run.names.find_node(&it.id) == Some(group)) else {
            return Prospect::Lost;
        };
        let repairs = match &config.protocol {
            Protocol::Gossip(gossip) if matches!(gossip.style, GossipStyle::Rumor { .. }) => {
                self.is_rumored(update, gossip.every.mean_ms())
            }
            Protocol::Raft(_)
            | Protocol::Primary(_)
            | Protocol::Chain
            | Protocol::TwoPhase(_)
            | Protocol::Gossip(_) => true,
            Protocol::Quorum(quorum) => quorum.anti_entropy.is_some(),
        };
        if repairs {
            match self.reached_at(config, (group, key, update), node) {
                Some(at) if at <= run.now => return Prospect::Repairing,
                Some(at) => return Prospect::AfterHealing(at),
                None => {}
            }
        }
        let read_repair = match &config.protocol {
            Protocol::Quorum(quorum) => quorum.read_repair != ReadRepair::None || quorum.write_back,
            Protocol::Raft(_)
            | Protocol::Primary(_)
            | Protocol::Chain
            | Protocol::TwoPhase(_)
            | Protocol::Gossip(_) => false,
        };
        match (read_repair && self.is_read_after(&config.id, up), repairs) {
            (true, _) => Prospect::ReadRepair,
            (false, true) => Prospect::CutOff,
            (false, false) => Prospect::Lost,
        }
    }

    /// Returns whether members still spread an update as a rumor: one sent it within the last two gossip intervals.
    fn is_rumored(&self, update: Option<UpdateId>, every_ms: f64) -> bool {
        let since = self.run.now.saturating_sub(micros(2.0 * every_ms));
        update.and_then(|update| self.history.last_sent.get(&update)).is_some_and(|at| *at >= since)
    }

    /// Returns when members that have an update can reach a member, directly or through others: now, or at a healing.
    fn reached_at(
        &mut self,
        config: &Group,
        wanted: (NodeId, KeyId, Option<UpdateId>),
        node: NodeId,
    ) -> Option<Micros> {
        let mut reached = self.work.reached.remove(&wanted).unwrap_or_default();
        for (index, at) in self.work.healing.instants().into_iter().enumerate() {
            if index == reached.len() {
                reached.push((at, self.reachable(config, wanted.1, wanted.2, at)));
            }
            if reached[index].1.contains(&node) {
                break;
            }
        }
        let found = reached.iter().find(|(_, members)| members.contains(&node)).map(|(at, _)| *at);
        self.work.reached.insert(wanted, reached);
        found
    }

    /// The members that an update can reach once everything is healed that the script heals by `at`.
    fn reachable(&self, config: &Group, key: KeyId, update: Option<UpdateId>, at: Micros) -> BTreeSet<NodeId> {
        let run = self.run;
        let version = update.and_then(|update| run.analysis.updates.get(update)).map(|info| info.version);
        let has_update = |member: &NodeId| {
            let copy = run.analysis.staleness.copy(*member, key);
            copy.is_some_and(|copy| copy.behind() == 0 || version.is_some_and(|version| copy.reflects(version)))
        };
        let healed = |time: Option<Micros>| time.is_some_and(|time| time <= at);
        let members = config.members.iter().filter_map(|id| run.names.find_node(id));
        let up = members.filter(|member| healed(self.work.healing.up_from(run, *member)));
        let (mut reached, mut unreached): (BTreeSet<NodeId>, BTreeSet<NodeId>) = up.partition(has_update);
        let mut frontier: Vec<NodeId> = reached.iter().copied().collect();
        while let Some(from) = frontier.pop() {
            let is_open = |to: &NodeId| {
                healed(self.work.healing.open_from(run, from, *to))
                    && healed(self.work.healing.open_from(run, *to, from))
            };
            let next: Vec<NodeId> = unreached.iter().copied().filter(is_open).collect();
            for member in next {
                unreached.remove(&member);
                reached.insert(member);
                frontier.push(member);
            }
        }
        reached
    }

    /// Returns whether clients will read from a group after a time.
    fn is_read_after(&self, group: &str, after: Micros) -> bool {
        let run = self.run;
        let end = |until: Option<f64>| micros(until.unwrap_or(run.scenario.until_ms));
        run.scenario.clients.iter().filter(|client| client.target == group).any(|client| {
            let generated = client.generate.as_ref();
            let is_read =
                |step: &ClientStep| micros(step.at_ms) > after && matches!(step.operation, Operation::Read { .. });
            generated.is_some_and(|it| it.read_share > 0.0 && end(it.until_ms) > after)
                || client.script.iter().any(is_read)
        })
    }
}
