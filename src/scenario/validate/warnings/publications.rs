//! Services and their publications: settings of a mode, a clock or a store that nothing uses.

use super::{Warnings, awaits_acknowledgement};
use crate::language::{phrase, sentence};
use crate::scenario::{
    Acks, Clock, Command, Commit, CommitRule, Order, Publication, PublishMode, Replication, Service, Subscription,
};

impl<'a> Warnings<'a> {
    pub(super) fn services(&mut self) {
        let scenario = self.scenario;
        for (i, service) in scenario.services.iter().enumerate() {
            let path = format!("services[{i}]");
            self.store(&path, service);
            if service.commit == Commit::TwoPhase && service.calls.is_empty() {
                let why = phrase("the service calls no other service", "der Service ruft keinen anderen auf");
                self.no_effect(format!("{path}.commit"), why);
            }
            if service.clock != Clock::default() && !self.reads_clock(&service.id) {
                self.no_effect(format!("{path}.clock"), unread_clock());
            }
            self.times_of_requests(&path, service);
            self.queue(&path, service);
            for (j, call) in service.calls.iter().enumerate() {
                if let Some(operation) = &call.operation {
                    self.operation(&format!("{path}.calls[{j}].do"), operation, &call.to, None);
                }
            }
            for (j, publication) in service.publishes.iter().enumerate() {
                self.publication(&format!("{path}.publishes[{j}]"), publication);
                self.captured_store(&format!("{path}.publishes[{j}].mode"), service, publication);
            }
        }
    }

    /// Warns of settings for the requests of a service that receives none.
    fn times_of_requests(&mut self, path: &str, service: &'a Service) {
        let default = Service::default();
        let receives_requests = self.group_of(&service.id).is_some() || self.receives_requests(service);
        if service.service_time != default.service_time && !receives_requests && !service.subscribes.is_empty() {
            let why = phrase(
                "the service only handles events, whose duration is `processing`",
                "der Service verarbeitet nur Events, deren Dauer `processing` ist",
            );
            self.no_effect(format!("{path}.service_time"), why);
        }
    }

    /// Warns of a queue in which nothing waits: the service handles one event of each partition at a time, and has as many workers.
    fn queue(&mut self, path: &str, service: &'a Service) {
        let only_reads_logs = self.group_of(&service.id).is_none()
            && !self.receives_requests(service)
            && !service.subscribes.is_empty()
            && service.subscribes.iter().all(|it| self.consumer_groups.as_served(it).order == Order::Log);
        let partitions = |it: &Subscription| self.topic(it).map_or(1, |topic| u64::from(topic.partitions));
        let at_once: u64 = service.subscribes.iter().map(partitions).sum();
        if service.queue != Service::default().queue && only_reads_logs && at_once <= u64::from(service.concurrency) {
            let why = sentence!(
                "the service handles one event of a partition at a time, and {at_once} at most; the others stay in the log",
                "der Service verarbeitet von einer Partition ein Event auf einmal, und höchstens {at_once}; die anderen \
                 bleiben im Log"
            );
            self.no_effect(format!("{path}.queue"), &why);
        }
    }

    /// Returns whether a client, another service or the script requests operations of a service.
    fn receives_requests(&self, service: &Service) -> bool {
        let scenario = self.scenario;
        let operates = |command: &Command| matches!(command, Command::Operate { service: id, .. } if *id == service.id);
        scenario
            .clients
            .iter()
            .any(|client| client.target == service.id || client.reads_from.as_ref() == Some(&service.id))
            || scenario.services.iter().any(|caller| caller.calls.iter().any(|call| call.to == service.id))
            || scenario.script.iter().any(|step| operates(&step.command))
    }

    fn store(&mut self, path: &str, service: &Service) {
        let Some(store) = &service.store else { return };
        if !self.shares_store(service) {
            let why = sentence!(
                "no other service uses the store `{store}`",
                "kein anderer Service benutzt den Speicher `{store}`"
            );
            self.no_effect(format!("{path}.store"), &why);
        }
    }

    /// Warns of services that write to a shared store without change data capture of their own, while another service captures its
    /// log: a relay publishes only the commits of its own service.
    fn captured_store(&mut self, path: &str, service: &Service, publication: &Publication) {
        let scenario = self.scenario;
        let captures = |other: &Publication| {
            matches!(other.mode, PublishMode::ChangeDataCapture { .. })
                && (&other.to, &other.topic) == (&publication.to, &publication.topic)
        };
        if service.store.is_none() || !captures(publication) {
            return;
        }
        let is_written = |id: &String| {
            let operates = |command: &Command| matches!(command, Command::Operate { service, .. } if service == id);
            scenario.clients.iter().any(|client| client.target == *id)
                || scenario.services.iter().any(|caller| caller.calls.iter().any(|call| call.to == *id))
                || scenario.script.iter().any(|step| operates(&step.command))
        };
        let mut others =
            scenario.services.iter().filter(|other| other.id != service.id && other.store == service.store);
        if let Some(other) = others.find(|it| is_written(&it.id) && !it.publishes.iter().any(captures)) {
            let problem = sentence!(
                "the relay publishes what `{0}` commits, and not what `{1}` commits to the same store; \
                 give `{1}` the same publication",
                "das Relay veröffentlicht, was `{0}` festschreibt, und nicht, was `{1}` in denselben Speicher schreibt; \
                 gib `{1}` die gleiche Veröffentlichung",
                service.id,
                other.id
            );
            self.warn(path.to_owned(), problem);
        }
    }

    fn publication(&mut self, path: &str, publication: &'a Publication) {
        if publication.mode.is_relayed() && publication.gap_ms > 0.0 {
            let why = phrase(
                "a relay publishes the event, so no gap follows the commit",
                "ein Relay veröffentlicht das Event, also folgt dem Commit keine Lücke",
            );
            self.no_effect(format!("{path}.gap_ms"), why);
        }
        self.acks(path, publication);
        if !self.has_subscribers(publication) {
            let bus = &publication.to;
            let why = match &publication.topic {
                Some(topic) => sentence!(
                    "no service subscribes to the topic `{topic}` of `{bus}`",
                    "kein Service abonniert das Topic `{topic}` von `{bus}`"
                ),
                None => sentence!("no service subscribes to `{bus}`", "kein Service abonniert `{bus}`"),
            };
            self.no_effect(path, &why);
        }
    }

    /// Returns whether a service subscribes to the topic of a publication.
    pub(super) fn has_subscribers(&self, publication: &'a Publication) -> bool {
        self.subscribed.contains(&self.topics.of_publication(publication))
    }

    /// Warns of `acks` without effect: it has one only if the bus is replicated and the publisher waits, or too few brokers may
    /// be in sync.
    fn acks(&mut self, path: &str, publication: &Publication) {
        if publication.acks == Acks::All {
            return;
        }
        let why = match self.bus(&publication.to).and_then(|bus| bus.replication.as_ref()) {
            None => phrase("the bus is not replicated", "der Bus ist nicht repliziert"),
            Some(replication) if awaits_acknowledgement(publication) || needs_insync(replication) > 1 => return,
            Some(_) => phrase(
                "the publisher does not wait for an acknowledgement",
                "der Veröffentlichende wartet auf keine Bestätigung",
            ),
        };
        self.no_effect(format!("{path}.acks"), why);
    }
}

/// Returns how many brokers must be in sync to accept a publication.
pub(super) fn needs_insync(replication: &Replication) -> u32 {
    match &replication.commit {
        CommitRule::InSync(in_sync) => in_sync.min_insync,
        CommitRule::Majority => 1,
    }
}

/// Returns the reason why a clock has no effect.
pub(super) fn unread_clock() -> &'static str {
    phrase(
        "no write is ordered by this clock; only its reading is shown",
        "diese Uhr ordnet keine Schreibvorgänge; nur ihr Stand wird angezeigt",
    )
}
