//! Buses: settings of the disk, of brokers and of topics that concern no event.

use super::publications::needs_insync;
use super::{Warnings, awaits_acknowledgement, is_zero};
use crate::language::phrase;
use crate::scenario::{Acks, Bus, CommitRule, InSync, Replication};

impl<'a> Warnings<'a> {
    pub(super) fn buses(&mut self) {
        let scenario = self.scenario;
        for (i, bus) in scenario.buses.iter().enumerate() {
            let path = format!("buses[{i}]");
            if bus.acknowledges_flushed {
                self.acknowledges_flushed(&path, bus);
            }
            if let Some(replication) = &bus.replication {
                self.replication(&format!("{path}.replication"), bus, replication);
            }
            for (j, topic) in bus.topics.iter().enumerate() {
                let path = format!("{path}.topics[{j}]");
                if topic.dedup_ms.is_some_and(is_zero) {
                    let why = phrase("no event is published within 0 ms", "in 0 ms wird kein Event veröffentlicht");
                    self.no_effect(format!("{path}.dedup_ms"), why);
                }
            }
        }
    }

    fn acknowledges_flushed(&mut self, path: &str, bus: &'a Bus) {
        let why = if is_zero(bus.flush_ms) {
            phrase(
                "every event is flushed at once, because `flush_ms` is 0",
                "jedes Event ist sofort auf der Platte, denn `flush_ms` ist 0",
            )
        } else if !self.publications_to(&bus.id).any(awaits_acknowledgement) {
            phrase("no publisher waits for an acknowledgement", "kein Veröffentlichender wartet auf eine Bestätigung")
        } else {
            return;
        };
        self.no_effect(format!("{path}.acknowledges_flushed"), why);
    }

    fn replication(&mut self, path: &str, bus: &'a Bus, replication: &Replication) {
        let default = Replication::default();
        if let CommitRule::InSync(in_sync) = &replication.commit {
            let (path, default) = (format!("{path}.commit.in_sync"), InSync::default());
            let mut publications = self.publications_to(&bus.id).peekable();
            if needs_insync(replication) > 1
                && publications.peek().is_some()
                && publications.all(|publication| publication.acks != Acks::All)
            {
                let why =
                    phrase("no publication has `acks` of `all`", "keine Veröffentlichung hat `acks` gleich `all`");
                self.no_effect(format!("{path}.min_insync"), why);
            }
            let settings =
                [("lag_ms", in_sync.lag_ms != default.lag_ms), ("unclean_election", in_sync.unclean_election)];
            for (field, _) in settings.into_iter().filter(|(_, is_set)| *is_set && replication.replicas == 1) {
                self.no_effect(format!("{path}.{field}"), one_broker());
            }
        }
        let settings = [
            ("latency", replication.latency != default.latency),
            ("session_ms", replication.session_ms != default.session_ms),
        ];
        for (field, _) in settings.into_iter().filter(|(_, is_set)| *is_set && replication.replicas == 1) {
            self.no_effect(format!("{path}.{field}"), one_broker());
        }
    }
}

fn one_broker() -> &'static str {
    phrase("the bus has one broker", "der Bus hat einen Broker")
}
