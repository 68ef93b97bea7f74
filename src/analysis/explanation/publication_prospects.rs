//! The prospects of updates that no queue has: whether they will still be published.

use super::handling_times::{longest_ms, shortest_ms};
use super::prospects::ProspectFinder;
use crate::analysis::prospect::{Obstacle, Prospect, Uncertainty};
use crate::scenario::{Acks, Micros, Publication, PublishRetry, Service, micros};
use crate::trace::{DropReason, NodeId, UpdateId};

/// The time after which a relay without settings for retries publishes again, ms.
const RELAY_RETRIES_MS: f64 = 1000.0;

/// The times at which the attempts of a publication arrive.
struct Arrivals {
    /// The earliest arrival of the first attempt.
    first: Micros,
    /// The earliest arrival of the last attempt but one.
    last_but_one: Micros,
    /// The latest arrival of the last attempt.
    last: Micros,
}

impl<'a> ProspectFinder<'a> {
    /// Returns the prospect of an update that no queue has: its publication, or what prevents it. None if it was
    /// published already, or no service publishes it.
    pub(super) fn unpublished(&mut self, from: NodeId, update: UpdateId) -> Option<Prospect> {
        let run = self.run;
        let publishers = self.publishers(from);
        let publications = |bus: NodeId| {
            let all = publishers.iter().flat_map(|(_, service)| &service.publishes);
            all.filter(move |publication| run.names.find_node(&publication.to) == Some(bus))
        };
        let is_publisher = |node: NodeId| publishers.iter().any(|(publisher, _)| *publisher == node);
        let is_retried = |bus: NodeId| publications(bus).any(|publication| publication.retry.is_some());
        // A crash of the publisher does not stop a publication in flight.
        let mut sent = self.work.publications.get(&update).into_iter().flatten();
        let accepted = sent.find(|(by, bus, due)| is_publisher(*by) && self.is_accepted(*by, *bus, *due));
        let unless_lost = |by: NodeId, bus: NodeId| match self.may_lose_attempts(by, bus, update, publications(bus)) {
            true => Prospect::Uncertain(Uncertainty::Possible(Obstacle::Chance)),
            false => Prospect::Unpublished(from),
        };
        if let Some((by, bus, _)) = accepted {
            return Some(unless_lost(*by, *bus));
        }
        let mut stopped = self.delayed(from, update, &publishers);
        if let Some(found) = stopped.filter(|found| found.can_converge()) {
            return Some(found);
        }
        for (by, bus) in run.analysis.faults.publishers(update).filter(|(by, _)| is_publisher(*by)) {
            match self.to_bus(by, bus) {
                Prospect::Unpublished(_) if is_retried(bus) && self.is_sent_again(by, bus, update) => {
                    // Without a leader, the bus accepts nothing.
                    match self.work.healing.elected_at(bus) {
                        Some(at) if self.gives_up_before(at, 0, update, by, publications(bus)) => {}
                        Some(at) if self.gives_up_before(at, 2, update, by, publications(bus)) => {
                            return Some(Prospect::Uncertain(Uncertainty::Attempts));
                        }
                        Some(_) | None => return Some(unless_lost(by, bus)),
                    }
                }
                Prospect::Unpublished(_) if is_retried(bus) => {}
                Prospect::AfterHealing(at) if self.gives_up_before(at, 0, update, by, publications(bus)) => {}
                Prospect::AfterHealing(at) if self.gives_up_before(at, 2, update, by, publications(bus)) => {
                    return Some(Prospect::Uncertain(Uncertainty::Attempts));
                }
                prospect => {
                    let is_better = is_retried(bus) && stopped.is_none_or(|earlier| !earlier.can_converge());
                    stopped = if is_better { Some(prospect) } else { stopped };
                }
            }
        }
        if stopped.is_some() {
            return stopped;
        }
        // The bus has stored the event, and the publisher has received no acknowledgement.
        let mut resent = run.analysis.unacknowledged_publications.awaited().filter(|(by, bus, sent)| {
            let is_unaccepted = run.analysis.faults.publishers(update).any(|path| path == (*by, *bus));
            *sent == update && is_publisher(*by) && !is_unaccepted
        });
        if let Some((by, bus, _)) = resent.next()
            && !self.deduplicates(bus)
            && self.to_bus(by, bus).can_converge()
        {
            return Some(self.to_bus(by, bus));
        }
        if let Some(found) = self.read_from_log(&publishers, from, update) {
            return Some(found);
        }
        self.not_published(&publishers, from, update)
    }

    /// Returns why an update that nothing publishes has no event: its bus discarded it, or its publisher never sent it.
    fn not_published(&self, publishers: &[(NodeId, &Service)], from: NodeId, update: UpdateId) -> Option<Prospect> {
        match self.history.discarded.get(&update) {
            // A bus that lost an event before it acknowledged it receives the event again.
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

    /// The prospect of the publications of an update whose gap after the commit has not elapsed. Their attempts begin at its end.
    fn delayed(&self, from: NodeId, update: UpdateId, publishers: &[(NodeId, &Service)]) -> Option<Prospect> {
        let run = self.run;
        let mut stopped = None;
        for delayed in run.analysis.delayed_publications.of(update) {
            let (by, bus) = (delayed.publisher, delayed.bus);
            let config = publishers.iter().find(|(publisher, _)| *publisher == by);
            let is_paused = run.analysis.faults.paused(by).is_some();
            let Some((_, config)) = config.filter(|_| is_paused || delayed.due >= run.now) else { continue };
            let to_bus = || config.publishes.iter().filter(|it| run.names.find_node(&it.to) == Some(bus));
            let retry = to_bus().filter_map(|it| it.retry.as_ref()).max_by_key(|retry| retry.attempts);
            let found = match (self.to_bus(by, bus), self.work.healing.up_from(run, by)) {
                (Prospect::Unpublished(_), _) if self.may_lose_attempts(by, bus, update, to_bus()) => {
                    Prospect::Uncertain(Uncertainty::Possible(Obstacle::Chance))
                }
                (Prospect::Unpublished(_), _) => Prospect::Unpublished(from),
                (Prospect::AfterHealing(at), Some(resumed)) => {
                    let arrivals = self.arrivals(by, bus, delayed.due.max(resumed), retry);
                    match at {
                        _ if at <= arrivals.first && !is_paused => Prospect::Unpublished(from),
                        _ if at <= arrivals.last_but_one => Prospect::AfterHealing(at),
                        _ if at <= arrivals.last => Prospect::Uncertain(Uncertainty::Attempts),
                        _ => Prospect::NeverPublished(from),
                    }
                }
                (found, _) => found,
            };
            if found.can_converge() {
                return Some(found);
            }
            stopped = stopped.or(Some(found));
        }
        stopped
    }

    /// Returns whether a link may lose all remaining attempts of a publication, with the one in flight.
    fn may_lose_attempts<'p>(
        &self,
        publisher: NodeId,
        bus: NodeId,
        update: UpdateId,
        mut publications: impl Iterator<Item = &'p Publication>,
    ) -> bool {
        let now = self.run.now;
        let first = self.history.first_published.get(&(update, publisher)).copied().unwrap_or(now);
        let remaining = |retry: &PublishRetry| {
            let sent = now.saturating_sub(first) / micros(retry.timeout_ms).max(1);
            retry.attempts.saturating_sub(u32::try_from(sent).unwrap_or(u32::MAX)).max(1)
        };
        publications.any(|publication| {
            let attempts = publication.retry.as_ref().map_or(1, remaining);
            !publication.mode.is_relayed() && self.run.analysis.faults.may_lose_all(publisher, bus, attempts)
        })
    }

    /// Returns the prospect that was found for an event at a service that will forward it, or that of the service's publication
    /// if it does not arrive, or may not arrive.
    pub(super) fn forwarded_later<'p>(
        &self,
        found: Prospect,
        forwarder: NodeId,
        publications: impl Iterator<Item = &'p Publication>,
    ) -> Prospect {
        if !found.can_converge() || found.is_uncertain() {
            return found;
        }
        let resumed = self.work.healing.up_from(self.run, forwarder).unwrap_or(self.run.now);
        let mut stopped = None;
        for publication in publications {
            let Some(bus) = self.run.names.find_node(&publication.to) else { continue };
            let attempts = publication.retry.as_ref().map_or(1, |retry| retry.attempts);
            let timeout = publication.retry.as_ref().map_or(0, |retry| micros(retry.timeout_ms));
            let last = timeout.saturating_mul(u64::from(attempts.saturating_sub(1)));
            let is_limited = !publication.mode.is_relayed();
            let forwarded = match self.to_bus(forwarder, bus) {
                Prospect::Unpublished(_)
                    if is_limited && self.run.analysis.faults.may_lose_all(forwarder, bus, attempts) =>
                {
                    Prospect::Uncertain(Uncertainty::Possible(Obstacle::Chance))
                }
                Prospect::AfterHealing(at) if is_limited && resumed.saturating_add(last) < at => {
                    Prospect::Uncertain(Uncertainty::Attempts)
                }
                Prospect::Unpublished(_) | Prospect::AfterHealing(_) => found,
                closed => closed,
            };
            if forwarded.can_converge() {
                return forwarded;
            }
            stopped = stopped.or(Some(forwarded));
        }
        stopped.unwrap_or(found)
    }

    /// Returns the times at which the attempts of a publication arrive, from the time at which the first is sent.
    fn arrivals(&self, publisher: NodeId, bus: NodeId, sent: Micros, retry: Option<&PublishRetry>) -> Arrivals {
        let latency = self.run.scenario.latency(self.run.names.node(publisher), self.run.names.node(bus));
        let earliest = sent.saturating_add(micros(shortest_ms(latency)));
        let arrival_of = |number: u32| match retry {
            Some(retry) => earliest.saturating_add(micros(retry.timeout_ms).saturating_mul(u64::from(number))),
            None => earliest,
        };
        let attempts = retry.map_or(1, |retry| retry.attempts);
        let last =
            arrival_of(attempts.saturating_sub(1)).saturating_add(micros(longest_ms(latency) - shortest_ms(latency)));
        Arrivals { first: earliest, last_but_one: arrival_of(attempts.saturating_sub(2)), last }
    }

    /// The prospect of a publisher's next attempt to reach a bus.
    pub(super) fn to_bus(&self, publisher: NodeId, bus: NodeId) -> Prospect {
        let resumed = match self.work.healing.up_from(self.run, publisher) {
            _ if self.run.analysis.faults.paused(publisher).is_none() => self.run.now,
            Some(at) => at,
            None => return Prospect::Down(publisher),
        };
        let accepted = self.accepted_from(publisher, bus).map(|at| at.max(resumed));
        match (self.work.healing.path(self.run, publisher, bus), accepted) {
            (Err(stopped), _) if !stopped.can_converge() => stopped,
            (_, None) => Prospect::OutOfSync(bus),
            (Err(Prospect::AfterHealing(healed)), Some(at)) => Prospect::AfterHealing(healed.max(at)),
            (Err(stopped), _) => stopped,
            (Ok(()), Some(at)) if at > self.run.now => Prospect::AfterHealing(at),
            (Ok(()), Some(_)) => Prospect::Unpublished(publisher),
        }
    }

    /// Returns the time from which enough brokers of a bus are in sync for the publications of a publisher; none if they never
    /// are.
    fn accepted_from(&self, publisher: NodeId, bus: NodeId) -> Option<Micros> {
        let service = self.run.scenario.services.get(publisher.index());
        let publications = service.into_iter().flat_map(|service| &service.publishes);
        let mut to_bus = publications.filter(|publication| self.run.names.find_node(&publication.to) == Some(bus));
        match to_bus.any(|publication| publication.acks != Acks::All) {
            true => Some(self.run.now),
            false => self.work.healing.in_sync_from(bus),
        }
    }

    /// Returns whether a bus may ignore an event that it receives once more.
    pub(super) fn deduplicates(&self, bus: NodeId) -> bool {
        let mut all = self.run.scenario.buses.iter().filter(|config| self.run.names.find_node(&config.id) == Some(bus));
        all.any(|bus| bus.topics.iter().any(|topic| topic.dedup_ms.is_some()))
    }

    /// Returns whether a bus ignores all further attempts of a publication that it has accepted: the last one comes within the
    /// time for which the bus recognises it.
    pub(super) fn deduplicates_all(&self, publisher: NodeId, bus: NodeId, update: UpdateId) -> bool {
        let run = self.run;
        let config = run.scenario.buses.iter().find(|config| run.names.find_node(&config.id) == Some(bus));
        let windows = config.into_iter().flat_map(|bus| &bus.topics).filter_map(|topic| topic.dedup_ms);
        let Some(window) = windows.map(micros).max() else { return false };
        let Some(accepted) = self.history.accepted_at(bus, update) else { return true };
        // The attempts end with the last one, or after an acknowledgement can arrive.
        let healing = &self.work.healing;
        let heard = healing.up_from(run, publisher).zip(healing.open_from(run, bus, publisher));
        let heard = heard.map_or(Micros::MAX, |(up, open)| up.max(open));
        let first = self.history.first_published.get(&(update, publisher)).copied().unwrap_or(accepted);
        let service = run.scenario.services.get(publisher.index());
        let publications = service.into_iter().flat_map(|service| &service.publishes);
        let last = |publication: &Publication| {
            let (timeout, attempts) = match &publication.retry {
                Some(retry) if publication.mode.is_relayed() => (retry.timeout_ms, None),
                Some(retry) => (retry.timeout_ms, Some(retry.attempts)),
                None => (RELAY_RETRIES_MS, None),
            };
            let timeout = micros(timeout);
            let after =
                |attempts: u32| first.saturating_add(timeout.saturating_mul(u64::from(attempts.saturating_sub(1))));
            heard.saturating_add(timeout).min(attempts.map_or(Micros::MAX, after))
        };
        let mut to_bus = publications.filter(|publication| run.names.find_node(&publication.to) == Some(bus));
        to_bus.all(|publication| last(publication) <= accepted.saturating_add(window))
    }

    /// Returns whether a publication in flight reaches its bus.
    pub(super) fn is_accepted(&self, publisher: NodeId, bus: NodeId, due: Micros) -> bool {
        let in_time = |from: Option<Micros>| from.is_some_and(|from| from <= due.max(self.run.now));
        in_time(self.work.healing.open_from(self.run, publisher, bus))
            && in_time(self.work.healing.up_from(self.run, bus))
            && self.work.healing.elected_at(bus).is_none_or(|at| at < due)
            && in_time(self.accepted_from(publisher, bus))
    }

    /// Returns whether a publisher will send a publication once more: it awaits the acknowledgement, or it is not known whether
    /// it does.
    fn is_sent_again(&self, by: NodeId, bus: NodeId, update: UpdateId) -> bool {
        let mut awaited = self.run.analysis.unacknowledged_publications.awaited();
        awaited.any(|found| found == (by, bus, update))
            || !self.run.analysis.unacknowledged_publications.counts(by, bus)
    }

    /// Returns whether a publisher's attempts end before a healing: the timeout of its last attempt, or of the attempt `margin`
    /// before its last one, is over by then.
    fn gives_up_before<'p>(
        &self,
        healing: Micros,
        margin: u32,
        update: UpdateId,
        publisher: NodeId,
        mut publications: impl Iterator<Item = &'p Publication>,
    ) -> bool {
        let Some(first) = self.history.first_published.get(&(update, publisher)) else { return false };
        publications.all(|publication| {
            let retry = publication.retry.as_ref().filter(|_| !publication.mode.is_relayed());
            retry.is_some_and(|retry| {
                let attempts =
                    micros(retry.timeout_ms).saturating_mul(u64::from(retry.attempts.saturating_sub(margin)));
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

    /// Returns the prospect of an update that will reach a member whose log is read for publication.
    fn read_from_log(&mut self, publishers: &[(NodeId, &Service)], from: NodeId, update: UpdateId) -> Option<Prospect> {
        let run = self.run;
        let info = run.analysis.updates.get(update).filter(|_| run.names.group(from).is_some())?;
        let relayed = publishers
            .iter()
            .filter(|(_, service)| service.publishes.iter().any(|publication| publication.mode.is_relayed()));
        for (node, _) in relayed {
            let copy = run.analysis.staleness.copy(*node, info.key);
            if copy.is_none_or(|copy| copy.reflects(info.version)) {
                continue;
            }
            let prospect = self.own_prospect(*node, info.key, Some(update));
            if matches!(prospect, Prospect::Down(_) | Prospect::AfterHealing(_)) {
                return Some(prospect);
            }
            if prospect.can_converge() {
                return Some(Prospect::Unpublished(*node));
            }
        }
        None
    }

    /// Returns whether a publisher that retries still waits for a bus to acknowledge an update.
    fn awaits_bus(&self, from: NodeId, service: &Service, update: UpdateId) -> bool {
        let run = self.run;
        let is_retried = |bus: NodeId| {
            service
                .publishes
                .iter()
                .any(|publication| run.names.find_node(&publication.to) == Some(bus) && publication.retry.is_some())
        };
        self.history.awaited_buses(from, update).any(is_retried)
    }
}
