//! Checks the ranges and the sizes of the parts of a scenario.

use super::checker::{Checker, MAX_MS, MAX_NAME_LENGTH};
use crate::language::{phrase, sentence};
use crate::scenario::{
    Acks, Arrivals, Attachment, Client, CommitRule, Keys, Limit, Operation, Order, PublishMode, ReaderSession,
    Replication, Scenario, Service, Step, Subscription, Workload,
};

const MAX_COUNT: u32 = 100_000;
const MAX_SCRIPTED: usize = 100_000;
/// The maximum number of brokers of a bus.
const MAX_BROKERS: u32 = 9;
/// The maximum rate of a generated workload: one operation per microsecond.
const FASTEST_PER_SECOND: f64 = 1e6;

impl Checker {
    pub(super) fn parts(&mut self, scenario: &Scenario) {
        for (i, service) in scenario.services.iter().enumerate() {
            self.service(&format!("services[{i}]"), service);
        }
        for (i, bus) in scenario.buses.iter().enumerate() {
            self.text(&format!("buses[{i}].name"), &bus.name, MAX_NAME_LENGTH);
            self.at_most(&format!("buses[{i}].topics"), bus.topics.len(), 1000);
            self.duration(&format!("buses[{i}].flush_ms"), bus.flush_ms);
            if let Some(replication) = &bus.replication {
                self.replication(&format!("buses[{i}].replication"), replication);
            }
            for (j, topic) in bus.topics.iter().enumerate() {
                let path = format!("buses[{i}].topics[{j}]");
                self.key(&format!("{path}.name"), &topic.name);
                self.count(&format!("{path}.partitions"), topic.partitions, 1, 1000);
                if let Some(window) = topic.dedup_ms {
                    self.duration(&format!("{path}.dedup_ms"), window);
                }
                if let Some(retention) = topic.retention_ms {
                    self.duration(&format!("{path}.retention_ms"), retention);
                }
                if bus.topics[..j].iter().any(|other| other.name == topic.name) {
                    self.error(
                        format!("{path}.name"),
                        sentence!("the bus already has a topic `{}`", "der Bus hat schon ein Topic `{}`", topic.name),
                    );
                }
            }
        }
        for (i, client) in scenario.clients.iter().enumerate() {
            self.client(&format!("clients[{i}]"), client);
        }
        for (i, link) in scenario.links.iter().enumerate() {
            let path = format!("links[{i}]");
            if let Some(latency) = &link.latency {
                self.latency(&format!("{path}.latency"), latency);
            }
            self.probability(&format!("{path}.loss"), link.loss);
            self.probability(&format!("{path}.duplicate"), link.duplicate);
        }
        for (i, step) in scenario.script.iter().enumerate() {
            self.step(&format!("script[{i}]"), step);
        }
    }

    pub(super) fn step(&mut self, path: &str, step: &Step) {
        self.duration(&format!("{path}.at_ms"), step.at_ms);
        self.command_settings(&format!("{path}.do."), &step.command);
    }

    fn service(&mut self, path: &str, service: &Service) {
        self.text(&format!("{path}.name"), &service.name, MAX_NAME_LENGTH);
        self.at_most(&format!("{path}.data"), service.data.len(), 10_000);
        for (key, value) in &service.data {
            self.name_in(&format!("{path}.data"), key, phrase("a key", "ein Schlüssel"));
            self.value(&format!("{path}.data.{key}"), value);
        }
        self.latency(&format!("{path}.service_time"), &service.service_time);
        self.count(&format!("{path}.concurrency"), service.concurrency, 1, MAX_COUNT);
        self.count(&format!("{path}.queue"), service.queue, 0, 10_000_000);
        self.number(&format!("{path}.clock.offset_ms"), service.clock.offset_ms, -1e9, 1e9);
        self.number(&format!("{path}.clock.offset_sd_ms"), service.clock.offset_sd_ms, 0.0, 1e9);
        self.number(&format!("{path}.clock.drift_ppm"), service.clock.drift_ppm, -1e5, 1e5);
        for (i, call) in service.calls.iter().enumerate() {
            self.duration(&format!("{path}.calls[{i}].timeout_ms"), call.timeout_ms);
        }
        for (i, publication) in service.publishes.iter().enumerate() {
            let path = format!("{path}.publishes[{i}]");
            self.duration(&format!("{path}.gap_ms"), publication.gap_ms);
            let relay = match &publication.mode {
                PublishMode::AfterCommit | PublishMode::BeforeCommit => None,
                PublishMode::Outbox { poll_ms, batch } => Some(("outbox", poll_ms, batch)),
                PublishMode::ChangeDataCapture { poll_ms, batch, flush_ms } => {
                    self.duration(&format!("{path}.mode.change_data_capture.flush_ms"), *flush_ms);
                    Some(("change_data_capture", poll_ms, batch))
                }
            };
            if let Some((mode, poll_ms, batch)) = relay {
                self.number(&format!("{path}.mode.{mode}.poll_ms"), *poll_ms, 0.001, MAX_MS);
                self.count(&format!("{path}.mode.{mode}.batch"), *batch, 1, MAX_COUNT);
            }
            if publication.forward.is_some() && publication.mode == PublishMode::BeforeCommit {
                let problem = phrase(
                    "must be absent with `before_commit`: an event is published after it was applied",
                    "muss bei `before_commit` fehlen: ein Event wird \
                     veröffentlicht, nachdem es angewendet wurde",
                );
                self.error(format!("{path}.forward"), problem);
            }
            if publication.acks == Acks::None && (publication.retry.is_some() || relay.is_some()) {
                let problem = phrase(
                    "must be `leader` or `all`, because retries wait for an acknowledgement",
                    "muss `leader` oder `all` sein, denn Wiederholungen warten auf eine Bestätigung",
                );
                self.error(format!("{path}.acks"), problem);
            }
            if let Some(retry) = &publication.retry {
                let path = format!("{path}.retry");
                self.number(&format!("{path}.timeout_ms"), retry.timeout_ms, 0.001, MAX_MS);
                self.count(&format!("{path}.attempts"), retry.attempts, 1, MAX_COUNT);
            }
        }
        for (i, subscription) in service.subscribes.iter().enumerate() {
            self.subscription(&format!("{path}.subscribes[{i}]"), subscription);
        }
    }

    fn subscription(&mut self, path: &str, subscription: &Subscription) {
        self.latency(&format!("{path}.processing"), &subscription.processing);
        self.probability(&format!("{path}.fails"), subscription.fails);
        // With a deadline of 0 the bus would redeliver without end at one instant.
        self.number(&format!("{path}.ack_deadline_ms"), subscription.ack_deadline_ms, 0.001, MAX_MS);
        if let Some(max_deliveries) = subscription.max_deliveries {
            // A limit of 0 redeliveries permits the first delivery.
            let min = if subscription.limit == Limit::Redeliveries { 0 } else { 1 };
            self.count(&format!("{path}.max_deliveries"), max_deliveries, min, MAX_COUNT);
        }
        self.count(&format!("{path}.max_in_flight"), subscription.max_in_flight, 1, 1_000_000);
        if let Some(every) = subscription.commit_every_ms {
            self.number(&format!("{path}.commit_every_ms"), every, 0.001, MAX_MS);
        }
        self.backoff(&format!("{path}.backoff"), &subscription.backoff);
        if let Some(window) = subscription.inbox.as_ref().and_then(|inbox| inbox.window_ms) {
            self.duration(&format!("{path}.inbox.window_ms"), window);
        }
        if let Some(session) = &subscription.session {
            self.session(&format!("{path}.session"), session);
        }
        match &subscription.attach {
            Some(Attachment::Connection(connection)) => {
                let path = format!("{path}.attach.connection");
                if let Some(prefetch) = connection.prefetch {
                    self.count(&format!("{path}.prefetch"), prefetch, 1, 1_000_000);
                }
                if let Some(heartbeat) = connection.heartbeat_ms {
                    self.number(&format!("{path}.heartbeat_ms"), heartbeat, 0.002, MAX_MS);
                }
            }
            Some(Attachment::Polling(polling)) => {
                let path = format!("{path}.attach.polling");
                self.count(&format!("{path}.batch"), polling.batch, 1, MAX_COUNT);
                self.count(&format!("{path}.prefetch"), polling.prefetch, 0, MAX_COUNT);
                // A receive that does not wait would be repeated without end at one instant.
                self.number(&format!("{path}.wait_ms"), polling.wait_ms, 1.0, MAX_MS);
            }
            None => {}
        }
        if subscription.order == Order::Log {
            let settings = [
                ("attach", subscription.attach.is_some()),
                ("late_acknowledgement", subscription.late_acknowledgement.is_some()),
                ("on_failure", subscription.on_failure.is_some()),
            ];
            for (field, _) in settings.into_iter().filter(|(_, is_set)| *is_set) {
                let problem = phrase(
                    "must be absent for a log, whose readers poll their partitions and commit positions",
                    "muss bei einem Log fehlen, dessen Leser ihre \
                     Partitionen abfragen und Positionen committen",
                );
                self.error(format!("{path}.{field}"), problem);
            }
        }
        if let Some(group) = &subscription.group {
            self.text(&format!("{path}.group"), group, MAX_NAME_LENGTH);
        }
    }

    fn replication(&mut self, path: &str, replication: &Replication) {
        self.count(&format!("{path}.replicas"), replication.replicas, 1, MAX_BROKERS);
        self.latency(&format!("{path}.latency"), &replication.latency);
        self.number(&format!("{path}.session_ms"), replication.session_ms, 0.001, MAX_MS);
        match &replication.commit {
            CommitRule::InSync(in_sync) => {
                let path = format!("{path}.commit.in_sync");
                self.count(&format!("{path}.min_insync"), in_sync.min_insync, 1, replication.replicas.max(1));
                self.number(&format!("{path}.lag_ms"), in_sync.lag_ms, 0.001, MAX_MS);
            }
            CommitRule::Majority => {}
        }
    }

    fn session(&mut self, path: &str, session: &ReaderSession) {
        self.number(&format!("{path}.timeout_ms"), session.timeout_ms, 0.002, MAX_MS);
        self.number(&format!("{path}.heartbeat_ms"), session.heartbeat_ms, 0.001, MAX_MS);
        self.number(&format!("{path}.max_poll_ms"), session.max_poll_ms, 0.001, MAX_MS);
        if session.heartbeat_ms >= session.timeout_ms {
            self.error(
                format!("{path}.heartbeat_ms"),
                sentence!(
                    "must be less than `timeout_ms`, {}, not {}",
                    "muss kleiner als `timeout_ms` sein, {}, nicht {}",
                    session.timeout_ms,
                    session.heartbeat_ms
                ),
            );
        }
    }

    fn client(&mut self, path: &str, client: &Client) {
        self.text(&format!("{path}.name"), &client.name, MAX_NAME_LENGTH);
        self.count(&format!("{path}.sessions"), client.sessions, 1, 10_000);
        self.number(&format!("{path}.timeout_ms"), client.timeout_ms, 0.001, MAX_MS);
        self.at_most(&format!("{path}.script"), client.script.len(), MAX_SCRIPTED);
        for (i, step) in client.script.iter().enumerate() {
            self.duration(&format!("{path}.script[{i}].at_ms"), step.at_ms);
            self.operation(&format!("{path}.script[{i}].do"), &step.operation);
        }
        if let Some(workload) = &client.generate {
            self.workload(&format!("{path}.generate"), workload);
        }
    }

    fn workload(&mut self, path: &str, workload: &Workload) {
        if let Some(backoff) = &workload.optimistic {
            self.backoff(&format!("{path}.optimistic"), backoff);
        }
        match &workload.arrivals {
            Arrivals::Poisson { per_second } => {
                self.number(&format!("{path}.arrivals.poisson.per_second"), *per_second, 1e-6, FASTEST_PER_SECOND);
            }
            Arrivals::Periodic { every_ms } => {
                self.number(&format!("{path}.arrivals.periodic.every_ms"), *every_ms, 0.001, MAX_MS);
            }
            Arrivals::After { ms, .. } => self.duration(&format!("{path}.arrivals.after.ms"), *ms),
            Arrivals::Closed { think } => self.latency(&format!("{path}.arrivals.closed.think"), think),
        }
        match &workload.keys {
            Keys::One { key } => self.key(&format!("{path}.keys.one.key"), key),
            Keys::Uniform { prefix, count } => {
                self.text(&format!("{path}.keys.uniform.prefix"), prefix, MAX_NAME_LENGTH - 6);
                self.count(&format!("{path}.keys.uniform.count"), *count, 1, MAX_COUNT);
            }
            Keys::Zipf { prefix, count, exponent } => {
                self.text(&format!("{path}.keys.zipf.prefix"), prefix, MAX_NAME_LENGTH - 6);
                self.count(&format!("{path}.keys.zipf.count"), *count, 1, MAX_COUNT);
                self.number(&format!("{path}.keys.zipf.exponent"), *exponent, 0.0, 10.0);
            }
        }
        self.probability(&format!("{path}.read_share"), workload.read_share);
        self.duration(&format!("{path}.from_ms"), workload.from_ms);
        if let Some(until) = workload.until_ms {
            self.duration(&format!("{path}.until_ms"), until);
        }
    }

    pub(super) fn operation(&mut self, path: &str, operation: &Operation) {
        let name = match operation {
            Operation::Read { .. } => "read",
            Operation::Delete { .. } => "delete",
            Operation::Write { value, .. } => {
                self.value(&format!("{path}.write.value"), value);
                "write"
            }
            Operation::Add { element, .. } => {
                self.element(&format!("{path}.add.element"), element);
                "add"
            }
            Operation::Remove { element, .. } => {
                self.element(&format!("{path}.remove.element"), element);
                "remove"
            }
            Operation::Put { field, value, .. } => {
                self.key(&format!("{path}.put.field"), field);
                self.element(&format!("{path}.put.value"), value);
                "put"
            }
            Operation::Insert { element, .. } => {
                self.element(&format!("{path}.insert.element"), element);
                "insert"
            }
            Operation::RemoveAt { .. } => "remove_at",
            Operation::Increment { by, .. } => {
                self.value(&format!("{path}.increment.by"), &(*by).into());
                "increment"
            }
            Operation::CompareAndSet { expect, value, .. } => {
                if let Some(expect) = expect {
                    self.value(&format!("{path}.compare_and_set.expect"), expect);
                }
                self.value(&format!("{path}.compare_and_set.value"), value);
                "compare_and_set"
            }
        };
        self.key(&format!("{path}.{name}.key"), operation.key());
    }
}
