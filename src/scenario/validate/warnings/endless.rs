//! Loops in which no time passes.

use super::Warnings;
use crate::language::sentence;
use crate::scenario::{Acknowledge, Arrivals, Backoff, Client, OnFailure, Order, Service, Subscription};

impl Warnings<'_> {
    /// Returns whether messages from one node to another take no time.
    fn is_instant(&self, from: &str, to: &str) -> bool {
        let listed = self.links.get(&(from, to)).or_else(|| self.links.get(&(to, from)));
        if let Some(Some(latency)) = listed {
            return latency.is_zero();
        }
        if let (Some(a), Some(b)) = (self.regions.get(from), self.regions.get(to)) {
            let between = |region: &&crate::scenario::Region| region.id == **a || region.id == **b;
            let regions = self.scenario.regions.iter().filter(between);
            let latency = regions.flat_map(|region| {
                let other = if region.id == **a { *b } else { *a };
                region.latency.iter().filter(move |latency| latency.to == other)
            });
            if let Some(latency) = latency.into_iter().next() {
                return latency.latency.is_zero();
            }
        }
        self.scenario.default_latency.is_zero()
    }

    fn are_instant(&self, a: &str, b: &str) -> bool {
        self.is_instant(a, b) && self.is_instant(b, a)
    }

    /// Returns whether an operation at a service takes no time.
    fn serves_at_once(&self, client: &str, id: &str) -> bool {
        let calls = |service: &Service| service.calls.iter().all(|call| self.are_instant(id, &call.to));
        self.are_instant(client, id)
            && self.service(id).is_some_and(|service| service.service_time.is_zero() && calls(service))
    }

    /// Returns whether a service refuses some of these sessions' operations at once, because all of its workers are busy.
    fn refuses_at_once(&self, client: &Client, id: &str) -> bool {
        let is_full = |service: &Service| service.queue == 0 && service.concurrency < client.sessions;
        self.are_instant(&client.id, id) && self.service(id).is_some_and(is_full)
    }

    /// Warns of clients whose writes follow each other in a circle and take no time, and so never end.
    pub(super) fn circle_of_writes(&mut self, path: &str, client: &Client) {
        let mut next = client;
        for _ in 0..self.scenario.clients.len() {
            let Some(workload) = &next.generate else { return };
            let Arrivals::After { client: other, ms } = &workload.arrivals else { return };
            if *ms > 0.0 || workload.read_share > 0.0 || !self.serves_at_once(&next.id, &next.target) {
                return;
            }
            let Some(followed) = self.scenario.clients.iter().find(|client| client.id == *other) else { return };
            next = followed;
            if next.id == client.id {
                let problem = sentence!(
                    "never ends: the write of `{}` that follows leads to another one in no time",
                    "endet nie: der Schreibvorgang von `{}`, der folgt, führt ohne Zeit zu einem weiteren",
                    client.id
                );
                return self.never_ends(format!("{path}.generate.arrivals.after"), problem);
            }
        }
    }

    /// Warns of a closed loop whose operations and think time take no time, and which so never ends.
    pub(super) fn closed_loop(&mut self, path: &str, client: &Client) {
        let Some(workload) = &client.generate else { return };
        let Arrivals::Closed { think } = &workload.arrivals else { return };
        if !think.is_zero() {
            return;
        }
        let targets: Vec<&str> = match self.group(&client.target) {
            Some(group) => group.members.iter().map(String::as_str).collect(),
            None => client.reads_from.iter().chain([&client.target]).map(String::as_str).collect(),
        };
        if targets.iter().any(|id| self.serves_at_once(&client.id, id)) {
            let problem = sentence!(
                "never ends: neither the operations at `{}` nor the think time take \
                 any time, so `{}` issues operations without end at one instant",
                "endet nie: weder die Operationen bei `{}` noch die Denkzeit \
                 dauern, also beginnt `{}` in einem Augenblick Operationen ohne Ende",
                client.target,
                client.id
            );
            self.never_ends(format!("{path}.generate.arrivals.closed.think"), problem);
        } else if let Some(id) = targets.iter().find(|id| self.refuses_at_once(client, id)) {
            let problem = sentence!(
                "never ends: while all workers of `{id}` are busy, it refuses operations at once, and `{}` \
                 issues the next one without a think time",
                "endet nie: während alle Worker von `{id}` beschäftigt sind, weist es Operationen sofort ab, \
                 und `{}` beginnt ohne Denkzeit die nächste",
                client.id
            );
            self.never_ends(format!("{path}.generate.arrivals.closed.think"), problem);
        }
    }

    /// Warns of failed deliveries that are repeated without a wait and without a limit, and so never end.
    pub(super) fn redelivery(&mut self, path: &str, service: &Service, subscription: &Subscription, poison: bool) {
        let waits = match &subscription.backoff {
            Backoff::None => false,
            Backoff::Fixed { ms } => *ms > 0.0,
            Backoff::Exponential { base_ms, cap_ms }
            | Backoff::EqualJitter { base_ms, cap_ms }
            | Backoff::FullJitter { base_ms, cap_ms }
            | Backoff::DecorrelatedJitter { base_ms, cap_ms } => *base_ms > 0.0 && *cap_ms > 0.0,
        };
        let is_bounded =
            subscription.max_deliveries.is_some() || subscription.acknowledge != Acknowledge::AfterProcessing;
        if waits
            || is_bounded
            || subscription.after_failure() == OnFailure::Wait
            || !self.are_instant(&subscription.to, &service.id)
        {
            return;
        }
        let (bus, id) = (&subscription.to, &service.id);
        let never_ends = sentence!(
            "never ends: `{bus}` redelivers it to `{id}` at once and without a limit",
            "endet nie: `{bus}` stellt es `{id}` sofort und ohne Grenze erneut zu"
        );
        if subscription.processing.is_zero() && subscription.fails >= 1.0 {
            self.never_ends(
                format!("{path}.fails"),
                sentence!(
                    "an event that fails every time {never_ends}",
                    "ein Event, das jedes Mal scheitert, {never_ends}"
                ),
            );
        } else if subscription.processing.is_zero() && poison {
            self.never_ends(
                format!("{path}.max_deliveries"),
                sentence!("a poison message {never_ends}", "eine vergiftete Nachricht {never_ends}"),
            );
        }
        // A log sends the events of a partition again only after the first of them.
        if service.queue == 0 && subscription.order != Order::Log {
            self.never_ends(
                format!("{path}.max_deliveries"),
                sentence!(
                    "an event that finds no free worker {never_ends}",
                    "ein Event, das keinen freien Worker findet, {never_ends}"
                ),
            );
        }
    }
}
