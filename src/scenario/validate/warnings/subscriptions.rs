//! Subscriptions: settings that another setting excludes, and subscriptions that no event reaches.

use super::{Warnings, is_zero};
use crate::language::{phrase, sentence};
use crate::scenario::{
    Acknowledge, Attachment, Backoff, Command, Connection, Limit, Order, Polling, Service, Subscription, Topic,
    UnreachedSubscription, presets,
};

impl<'a> Warnings<'a> {
    pub(super) fn subscriptions(&mut self) {
        let scenario = self.scenario;
        let poison = scenario.script.iter().any(|step| matches!(step.command, Command::Operate { poison: true, .. }));
        for (i, service) in scenario.services.iter().enumerate() {
            for (j, subscription) in service.subscribes.iter().enumerate() {
                let path = format!("services[{i}].subscribes[{j}]");
                self.redelivery(&path, service, subscription, poison);
                match subscription.acknowledge {
                    Acknowledge::Never => self.never_acknowledged(&path, service, subscription),
                    Acknowledge::BeforeProcessing => self.acknowledged_before(&path, subscription),
                    Acknowledge::AfterProcessing => {}
                }
                self.limits(&path, subscription);
                self.dead_letters(&path, subscription);
                self.attached(&path, service, subscription);
                self.log_settings(&path, subscription);
                self.rules_of_the_queue(&path, subscription);
            }
        }
    }

    /// Warns of settings for acknowledgements that never come: such a delivery ends when the bus sends it.
    fn never_acknowledged(&mut self, path: &str, service: &Service, subscription: &Subscription) {
        let default = Subscription::default();
        let is_preset = presets::is_of_system(subscription);
        // A member of a replica group waits that long for the write of an event.
        let is_member = self.group_of(&service.id).is_some();
        let repeats = [
            ("max_deliveries", subscription.max_deliveries.is_some()),
            ("backoff", subscription.backoff != Backoff::None),
            ("commit_every_ms", subscription.commit_every_ms.is_some()),
            ("ack_deadline_ms", subscription.ack_deadline_ms != default.ack_deadline_ms && !is_member),
            ("dead_letter", !subscription.dead_letter && !is_preset),
            ("late_acknowledgement", subscription.late_acknowledgement.is_some() && !is_preset),
            ("on_failure", subscription.on_failure.is_some() && !is_preset),
        ];
        let why = phrase(
            "a delivery that is never acknowledged is never repeated",
            "eine Zustellung, die nie bestätigt wird, wird nie wiederholt",
        );
        for (field, _) in repeats.into_iter().filter(|(_, is_set)| *is_set) {
            self.no_effect(format!("{path}.{field}"), why);
        }
        let Attachment::Connection(connection) = self.consumer_groups.as_served(subscription).attachment() else {
            return;
        };
        let in_flight = [
            ("max_in_flight", subscription.max_in_flight != default.max_in_flight && subscription.session.is_none()),
            ("attach.connection.prefetch", connection.prefetch.is_some()),
        ];
        let why = phrase(
            "no delivery waits for an acknowledgement, because none is ever acknowledged",
            "keine Zustellung wartet auf eine Bestätigung, denn keine wird je bestätigt",
        );
        for (field, _) in in_flight.into_iter().filter(|(_, is_set)| *is_set) {
            self.no_effect(format!("{path}.{field}"), why);
        }
    }

    /// Warns of refusals by a consumer that has already acknowledged the event.
    fn acknowledged_before(&mut self, path: &str, subscription: &Subscription) {
        if subscription.on_failure.is_some() && !presets::is_of_system(subscription) {
            let why = phrase(
                "an event is acknowledged before the handler can fail",
                "ein Event wird bestätigt, bevor der Handler scheitern kann",
            );
            self.no_effect(format!("{path}.on_failure"), why);
        }
    }

    /// Warns of limits that are never reached.
    fn limits(&mut self, path: &str, subscription: &Subscription) {
        // Without `attach`, this limit also means a channel as in RabbitMQ.
        let implies_attachment = subscription.attach.is_none() && subscription.order != Order::Log;
        if subscription.limit != Limit::default() && subscription.max_deliveries.is_none() && !implies_attachment {
            let why = phrase("`max_deliveries` is absent", "`max_deliveries` fehlt");
            self.no_effect(format!("{path}.limit"), why);
        }
        let is_given_up = subscription.max_deliveries == Some(1) && subscription.limit == Limit::Deliveries;
        if is_given_up && subscription.backoff != Backoff::None && subscription.order != Order::Log {
            let why = phrase("an event is delivered only once", "ein Event wird nur einmal zugestellt");
            self.no_effect(format!("{path}.backoff"), why);
        }
        if subscription.inbox.as_ref().is_some_and(|inbox| inbox.window_ms.is_some_and(is_zero)) {
            let why = phrase(
                "a row that is kept for 0 ms recognizes no redelivered event",
                "eine Zeile, die 0 ms lang bleibt, erkennt kein erneut zugestelltes Event",
            );
            self.no_effect(format!("{path}.inbox.window_ms"), why);
        }
    }

    fn dead_letters(&mut self, path: &str, subscription: &'a Subscription) {
        let is_preset = presets::is_of_system(subscription);
        if subscription.acknowledge != Acknowledge::Never
            && subscription.max_deliveries.is_none()
            && !subscription.dead_letter
            // Logs have no dead-letter queues in Kafka.
            && subscription.order != Order::Log
            && !is_preset
        {
            let why = phrase(
                "no event is given up, because `max_deliveries` is absent",
                "kein Event wird aufgegeben, denn `max_deliveries` fehlt",
            );
            self.no_effect(format!("{path}.dead_letter"), why);
        }
        if !subscription.dead_letter_renews_time {
            return;
        }
        let why = if !subscription.dead_letter {
            phrase("the subscription has no dead-letter queue", "das Abonnement hat keine Dead-Letter-Queue")
        } else if is_preset {
            return;
        } else if subscription.max_deliveries.is_none() || subscription.acknowledge == Acknowledge::Never {
            phrase("no event enters the dead-letter queue", "kein Event kommt in die Dead-Letter-Queue")
        } else if !self.has_retention(subscription) && subscription.order != Order::FifoPerKey {
            // The queues of SQS FIFO always renew it.
            phrase("the topic keeps events for ever", "das Topic bewahrt Events für immer auf")
        } else {
            return;
        };
        self.no_effect(format!("{path}.dead_letter_renews_time"), why);
    }

    fn has_retention(&self, subscription: &Subscription) -> bool {
        self.topic(subscription).is_some_and(|topic| topic.retention_ms.is_some())
    }

    /// Returns the settings of a subscription's topic, if the bus lists its topics.
    pub(super) fn topic(&self, subscription: &Subscription) -> Option<&'a Topic> {
        let topics = self.bus(&subscription.to).map(|bus| bus.topics.as_slice()).unwrap_or_default();
        let named = topics.iter().find(|topic| subscription.topic.as_ref() == Some(&topic.name));
        named.or(topics.first())
    }

    /// Warns of the greater one of two limits on the deliveries to a consumer.
    fn attached(&mut self, path: &str, service: &Service, subscription: &Subscription) {
        match &subscription.attach {
            Some(Attachment::Connection(Connection { prefetch: Some(prefetch), .. }))
                if subscription.acknowledge != Acknowledge::Never =>
            {
                let max_in_flight = subscription.max_in_flight;
                if *prefetch > max_in_flight {
                    let why = sentence!(
                        "`max_in_flight` is less: {max_in_flight}",
                        "`max_in_flight` ist kleiner: {max_in_flight}"
                    );
                    self.no_effect(format!("{path}.attach.connection.prefetch"), &why);
                } else if *prefetch < max_in_flight && max_in_flight != Subscription::default().max_in_flight {
                    let why = sentence!("`prefetch` is less: {prefetch}", "`prefetch` ist kleiner: {prefetch}");
                    self.no_effect(format!("{path}.max_in_flight"), &why);
                }
            }
            Some(Attachment::Polling(Polling { batch, prefetch, .. })) => {
                let workers = service.concurrency.saturating_add(*prefetch);
                if *batch > workers && *batch != Polling::default().batch {
                    let events = if workers == 1 { phrase("event", "Event") } else { phrase("events", "Events") };
                    let why = sentence!(
                        "the consumer requests at most {workers} {events}, as many as its workers and `prefetch`",
                        "der Konsument fordert höchstens {workers} {events} an, so viele wie seine Worker und `prefetch`"
                    );
                    self.no_effect(format!("{path}.attach.polling.batch"), &why);
                }
            }
            Some(Attachment::Connection(_)) | None => {}
        }
    }

    /// Warns of sessions of consumers that do not read a log.
    fn log_settings(&mut self, path: &str, subscription: &Subscription) {
        if subscription.session.is_some() && self.consumer_groups.as_served(subscription).order != Order::Log {
            let why = phrase(
                "only the readers of a log have sessions; set `order` to `log`",
                "nur die Leser eines Logs haben Sitzungen; setze `order` auf `log`",
            );
            self.no_effect(format!("{path}.session"), why);
        }
    }

    /// Warns of settings for the queue of a consumer group, which follows the group's first subscription.
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
                subscription.late_acknowledgement.is_none_or(|late| late == first.late_acknowledgements()),
            ),
        ];
        for (field, _) in same.into_iter().filter(|(_, is_same)| !is_same) {
            let problem = phrase(
                "has no effect: it differs from the first subscription of \
                 the consumer group, which determines the settings of the group's queue",
                "hat keine Wirkung: es weicht vom ersten Abonnement der \
                 Consumer-Gruppe ab, das für die Warteschlange der Gruppe entscheidet",
            );
            self.warn(format!("{path}.{field}"), problem);
        }
    }

    /// Warns of subscriptions that no event will reach.
    pub(super) fn event_chains(&mut self) {
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
                "no event will reach this subscription of `{service_id}`: {why}",
                "kein Event wird dieses Abonnement von `{service_id}` erreichen: {why}"
            );
            self.warn(format!("services[{service}].subscribes[{subscription}]"), problem);
        }
    }
}
