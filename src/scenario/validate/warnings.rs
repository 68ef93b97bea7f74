//! What is valid and has no effect, or never ends.

use crate::language::{phrase, sentence};
use crate::scenario::{
    Acknowledge, Arrivals, Backoff, Client, Command, ConsumerGroups, Data, Group, Latency, OnFailure, Operation,
    Protocol, Scenario, ScenarioError, Service, Step, Subscription, UnreachedSubscription,
};
use std::collections::BTreeMap;

/// Returns the warnings about a valid scenario.
pub(in crate::scenario) fn warnings(scenario: &Scenario) -> Vec<ScenarioError> {
    let mut warnings = Warnings::new(scenario);
    warnings.clients();
    warnings.subscriptions();
    warnings.event_chains();
    warnings.groups();
    warnings.script();
    warnings.found
}

struct Warnings<'a> {
    scenario: &'a Scenario,
    /// Settings of listed links, by their ends.
    links: BTreeMap<(&'a str, &'a str), &'a Option<Latency>>,
    regions: BTreeMap<&'a str, &'a str>,
    consumer_groups: ConsumerGroups<'a>,
    found: Vec<ScenarioError>,
}

impl<'a> Warnings<'a> {
    fn new(scenario: &'a Scenario) -> Self {
        let mut links = BTreeMap::new();
        for link in &scenario.links {
            links.insert((link.from.as_str(), link.to.as_str()), &link.latency);
        }
        let mut regions = BTreeMap::new();
        for region in &scenario.regions {
            for node in &region.nodes {
                regions.insert(node.as_str(), region.id.as_str());
            }
        }
        let consumer_groups = ConsumerGroups::new(scenario);
        Warnings { scenario, links, regions, consumer_groups, found: Vec::new() }
    }

    fn warn(&mut self, path: impl Into<String>, problem: impl Into<String>) {
        self.found.push(ScenarioError::new(path, problem));
    }

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

    fn service(&self, id: &str) -> Option<&'a Service> {
        self.scenario.services.iter().find(|service| service.id == id)
    }

    fn group(&self, id: &str) -> Option<&'a Group> {
        self.scenario.groups.iter().find(|group| group.id == id)
    }

    fn group_of(&self, member: &str) -> Option<&'a Group> {
        self.scenario.groups.iter().find(|group| group.members.iter().any(|id| id == member))
    }

    /// Returns whether an operation at a service takes no time.
    fn serves_at_once(&self, client: &str, id: &str) -> bool {
        let calls = |service: &Service| service.calls.iter().all(|call| self.are_instant(id, &call.to));
        self.are_instant(client, id)
            && self.service(id).is_some_and(|service| service.service_time.is_zero() && calls(service))
    }

    fn clients(&mut self) {
        let scenario = self.scenario;
        for (i, client) in scenario.clients.iter().enumerate() {
            self.closed_loop(&format!("clients[{i}]"), client);
            let group = self.group(&client.target);
            for (j, step) in client.script.iter().enumerate() {
                self.offered(&format!("clients[{i}].script[{j}].do"), &step.operation, group);
            }
            let is_optimistic = client.generate.as_ref().is_some_and(|workload| workload.optimistic.is_some());
            if let Some(group) = group.filter(|group| is_optimistic && !group.orders_writes()) {
                self.warn(format!("clients[{i}].generate.optimistic"), no_compare_and_set(group));
            }
            if group.is_none() && !client.guarantees.is_empty() {
                let problem = phrase(
                    "has no effect: guarantees are enforced by the \
                     version tokens of a replica group's clients",
                    "hat keine Wirkung: Garantien werden durch die \
                     Versions-Tokens der Clients einer Replikatgruppe durchgesetzt",
                );
                self.warn(format!("clients[{i}].guarantees"), problem);
            }
            if group.is_none() && client.read_route.is_some() {
                let problem = phrase(
                    "has no effect: only a client of a replica group chooses a member",
                    "hat keine Wirkung: nur ein Client einer Replikatgruppe wählt ein Mitglied",
                );
                self.warn(format!("clients[{i}].read_route"), problem);
            }
            if client.sessions > 1 && client.generate.is_none() {
                let problem = phrase(
                    "has no effect: only generated operations are issued by several sessions",
                    "hat keine Wirkung: nur erzeugte Operationen kommen aus mehreren Sitzungen",
                );
                self.warn(format!("clients[{i}].sessions"), problem);
            }
        }
    }

    /// A closed loop whose operations and think time take no time never ends.
    fn closed_loop(&mut self, path: &str, client: &Client) {
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
            self.warn(format!("{path}.generate.arrivals.closed.think"), problem);
        }
    }

    fn subscriptions(&mut self) {
        let scenario = self.scenario;
        let poison = scenario.script.iter().any(|step| matches!(step.command, Command::Operate { poison: true, .. }));
        for (i, service) in scenario.services.iter().enumerate() {
            for (j, subscription) in service.subscribes.iter().enumerate() {
                let path = format!("services[{i}].subscribes[{j}]");
                self.redelivery(&path, service, subscription, poison);
                self.ignored_options(&path, subscription);
                self.rules_of_the_queue(&path, subscription);
            }
        }
    }

    /// A failed delivery that is repeated at once, without a limit and without a wait, never ends.
    fn redelivery(&mut self, path: &str, service: &Service, subscription: &Subscription, poison: bool) {
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
            self.warn(
                format!("{path}.fails"),
                sentence!(
                    "an event that fails every time {never_ends}",
                    "ein Event, das jedes Mal scheitert, {never_ends}"
                ),
            );
        } else if subscription.processing.is_zero() && poison {
            self.warn(
                format!("{path}.max_deliveries"),
                sentence!("a poison message {never_ends}", "eine vergiftete Nachricht {never_ends}"),
            );
        }
        if service.queue == 0 {
            self.warn(
                format!("{path}.max_deliveries"),
                sentence!(
                    "an event that finds no free worker {never_ends}",
                    "ein Event, das keinen freien Worker findet, {never_ends}"
                ),
            );
        }
    }

    fn ignored_options(&mut self, path: &str, subscription: &Subscription) {
        if subscription.acknowledge == Acknowledge::Never {
            let set = [
                ("max_deliveries", subscription.max_deliveries.is_some()),
                ("backoff", subscription.backoff != Backoff::None),
                ("commit_every_ms", subscription.commit_every_ms.is_some()),
            ];
            for (field, _) in set.into_iter().filter(|(_, is_set)| *is_set) {
                let problem = phrase(
                    "has no effect: a delivery that is never acknowledged is never repeated",
                    "hat keine Wirkung: eine Zustellung, die nie bestätigt wird, wird nie wiederholt",
                );
                self.warn(format!("{path}.{field}"), problem);
            }
        }
        if subscription.dead_letter_renews_time && !subscription.dead_letter {
            let problem = phrase(
                "has no effect: the subscription has no dead-letter queue",
                "hat keine Wirkung: das Abonnement hat keine Dead-Letter-Queue",
            );
            self.warn(format!("{path}.dead_letter_renews_time"), problem);
        }
    }

    /// A consumer group has one queue, which follows its first subscription.
    fn rules_of_the_queue(&mut self, path: &str, subscription: &Subscription) {
        let Some(first) = self.consumer_groups.group_of(subscription).first() else { return };
        let same = [
            ("order", subscription.order == first.order),
            ("max_deliveries", subscription.max_deliveries == first.max_deliveries),
            ("limit", subscription.limit == first.limit),
            ("backoff", subscription.backoff == first.backoff),
            ("dead_letter", subscription.dead_letter == first.dead_letter),
            ("dead_letter_renews_time", subscription.dead_letter_renews_time == first.dead_letter_renews_time),
            (
                "late_acknowledgement",
                subscription.late_acknowledgement.is_none_or(|it| it == first.late_acknowledgements()),
            ),
        ];
        for (field, _) in same.into_iter().filter(|(_, is_same)| !is_same) {
            let problem = phrase(
                "has no effect: it differs from the first subscription of \
                 the consumer group, which decides for the group's queue",
                "hat keine Wirkung: es weicht vom ersten Abonnement der \
                 Consumer-Gruppe ab, das für die Warteschlange der Gruppe entscheidet",
            );
            self.warn(format!("{path}.{field}"), problem);
        }
    }

    /// A subscription that no event will reach.
    fn event_chains(&mut self) {
        let scenario = self.scenario;
        for UnreachedSubscription { service, subscription, publisher } in scenario.unreached_subscriptions() {
            let service_id = &scenario.services[service].id;
            let Subscription { to: bus, topic, .. } = &scenario.services[service].subscribes[subscription];
            let why = match (publisher.map(|publisher| &scenario.services[publisher].id), topic) {
                (Some(publisher), _) => sentence!(
                    "`{publisher}` publishes to `{bus}` only what it commits itself; set \
                     `forward` of its publication to publish the events that it applies",
                    "`{publisher}` veröffentlicht auf `{bus}` nur eigene Commits; setze \
                     `forward` der Veröffentlichung, um angewendete Events zu veröffentlichen"
                ),
                (None, Some(topic)) => sentence!(
                    "no service publishes to the topic `{topic}` of `{bus}`",
                    "kein Service veröffentlicht auf dem Topic `{topic}` von `{bus}`"
                ),
                (None, None) => sentence!("no service publishes to `{bus}`", "kein Service veröffentlicht auf `{bus}`"),
            };
            let problem = sentence!(
                "`{service_id}` will never hear of an update: {why}",
                "`{service_id}` wird nie von einer Änderung hören: {why}"
            );
            self.warn(format!("services[{service}].subscribes[{subscription}]"), problem);
        }
    }

    fn groups(&mut self) {
        let scenario = self.scenario;
        for (i, group) in scenario.groups.iter().enumerate() {
            let path = format!("groups[{i}]");
            if group.orders_writes() && group.data != Data::default() {
                let problem = phrase(
                    "the clock has no effect: the protocol orders writes by their positions in a log",
                    "die Uhr hat keine Wirkung: das Protokoll ordnet \
                     Schreibvorgänge nach ihren Positionen in einem Log",
                );
                self.warn(format!("{path}.data"), problem);
            }
            let Protocol::Quorum(quorum) = &group.protocol else { continue };
            if quorum.tombstone_grace_ms.is_some()
                && matches!(
                    group.data,
                    Data::Counter
                        | Data::Set
                        | Data::RemoveWinsSet
                        | Data::Map
                        | Data::Sequence
                        | Data::MultiValue
                        | Data::Merged { .. }
                )
            {
                let problem = phrase(
                    "has no effect: only registers keep tombstones with a grace period",
                    "hat keine Wirkung: nur Register bewahren Tombstones für eine Frist auf",
                );
                self.warn(format!("{path}.protocol.quorum.tombstone_grace_ms"), problem);
            }
            if quorum.sloppy && quorum.replicas.is_none_or(|replicas| replicas as usize >= group.members.len()) {
                let problem = phrase(
                    "has no effect: every member is a replica of every key, so no other can stand in",
                    "hat keine Wirkung: jedes Mitglied ist ein Replikat \
                     jedes Schlüssels, also kann kein anderes einspringen",
                );
                self.warn(format!("{path}.protocol.quorum.sloppy"), problem);
            }
        }
    }

    fn script(&mut self) {
        let scenario = self.scenario;
        self.steps("script", &scenario.script);
        for (i, branch) in scenario.branches.iter().enumerate() {
            self.steps(&format!("branches[{i}].script"), &branch.script);
        }
    }

    fn steps(&mut self, path: &str, steps: &[Step]) {
        for (i, step) in steps.iter().enumerate() {
            if let Command::Operate { service, operation, .. } = &step.command {
                let group = self.group_of(service);
                self.offered(&format!("{path}[{i}].do.operate.operation"), operation, group);
            }
            if step.at_ms > self.scenario.until_ms {
                let problem = sentence!(
                    "has no effect: the run ends at {} ms",
                    "hat keine Wirkung: der Lauf endet bei {} ms",
                    self.scenario.until_ms
                );
                self.warn(format!("{path}[{i}].at_ms"), problem);
            }
        }
    }

    /// An operation that the data type of its group, or a service, does not offer is always refused.
    fn offered(&mut self, path: &str, operation: &Operation, group: Option<&Group>) {
        let is_delete = matches!(operation, Operation::Delete { .. });
        let Some(group) = group else {
            if is_delete {
                let problem = phrase(
                    "has no effect: a service outside of replica \
                     groups keeps no tombstones and refuses deletions",
                    "hat keine Wirkung: ein Service außerhalb von Replikatgruppen \
                     bewahrt keine Tombstones auf und lehnt Löschen ab",
                );
                self.warn(format!("{path}.delete"), problem);
            }
            return;
        };
        let publishes = |member: &Service| group.members.contains(&member.id) && !member.publishes.is_empty();
        if is_delete && self.scenario.services.iter().any(publishes) {
            let problem = sentence!(
                "has no effect: `{}` publishes events, which carry values, and refuses deletions",
                "hat keine Wirkung: `{}` veröffentlicht \
                 Events, die Werte tragen, und lehnt Löschen ab",
                group.id
            );
            return self.warn(format!("{path}.delete"), problem);
        }
        if let (Operation::CompareAndSet { .. }, false) = (operation, group.orders_writes()) {
            self.warn(format!("{path}.compare_and_set"), no_compare_and_set(group));
        } else if !group.data.offers(operation) {
            let problem = sentence!(
                "has no effect: the data of `{}` does not offer this operation",
                "hat keine Wirkung: die Daten von `{}` bieten diese Operation nicht",
                group.id
            );
            self.warn(path, problem);
        }
    }
}

/// Why a group refuses every compare-and-set.
fn no_compare_and_set(group: &Group) -> String {
    let id = &group.id;
    sentence!(
        "has no effect: `{id}` refuses every compare-and-set, \
         because its protocol does not order writes",
        "hat keine Wirkung: `{id}` lehnt jedes Compare-and-Set \
         ab, denn das Protokoll ordnet keine Schreibvorgänge"
    )
}

impl Data {
    /// Returns whether the data type offers an operation. Compare-and-set also needs a protocol that orders writes.
    pub fn offers(&self, operation: &Operation) -> bool {
        match (self, operation) {
            (_, Operation::Read { .. }) => true,
            (Data::Register { .. }, _) => true,
            (Data::Merged { .. }, operation) => !matches!(operation, Operation::CompareAndSet { .. }),
            (Data::MultiValue, Operation::Write { .. } | Operation::Delete { .. })
            | (Data::Counter, Operation::Increment { .. })
            | (Data::Set | Data::RemoveWinsSet, Operation::Add { .. } | Operation::Remove { .. })
            | (Data::Map, Operation::Put { .. } | Operation::Remove { .. })
            | (Data::Sequence, Operation::Insert { .. } | Operation::RemoveAt { .. }) => true,
            (Data::MultiValue | Data::Counter | Data::Set | Data::RemoveWinsSet | Data::Map | Data::Sequence, _) => {
                false
            }
        }
    }
}
