//! Commands of the script that change nothing.

use super::broken_parts::idle_steps;
use super::publications::unread_clock;
use super::{Warnings, is_zero};
use crate::language::{phrase, sentence};
use crate::scenario::{Acknowledge, Command, Operation, Order, PublishMode, Subscription};
use std::collections::BTreeSet;

impl<'a> Warnings<'a> {
    pub(super) fn script(&mut self) {
        let scenario = self.scenario;
        let mut disturbed = BTreeSet::new();
        disturbed.extend(scenario.script.iter().filter_map(|step| disturbed_link(&step.command)));
        let idle = idle_steps(scenario);
        for (i, step) in scenario.script.iter().enumerate() {
            let path = format!("script[{i}].do");
            self.command(&path, &step.command);
            if let Some((field, why)) = idle.get(&i) {
                self.no_effect(format!("{path}.{field}").trim_end_matches('.'), why);
            }
            if let Command::DisturbLink { from, to, .. } = &step.command
                && !disturbed.contains(&(from, to))
                && !disturbed.contains(&(to, from))
            {
                let why = phrase(
                    "it neither loses, duplicates, delays nor reorders messages",
                    "sie verliert, verdoppelt, verzögert und vertauscht keine Nachrichten",
                );
                self.no_effect(format!("{path}.disturb_link"), why);
            }
            self.ends_before(&format!("script[{i}].at_ms"), step.at_ms);
        }
    }

    fn command(&mut self, path: &str, command: &'a Command) {
        match command {
            Command::Operate { service, operation, poison } => {
                let group = self.group_of(service);
                self.operation(&format!("{path}.operate.operation"), operation, service, group);
                if *poison {
                    self.poison(&format!("{path}.operate.poison"), service, operation);
                }
            }
            Command::CutLink { from, to, one_way } => {
                self.faulty_link(&format!("{path}.cut_link"), from, to, *one_way);
            }
            Command::DisturbLink { from, to, one_way, .. } => {
                self.faulty_link(&format!("{path}.disturb_link"), from, to, *one_way);
            }
            Command::Partition { groups } => self.partition(&format!("{path}.partition.groups"), groups),
            Command::Crash { service, lose_disk: true } => self.lost_disk(&format!("{path}.crash.lose_disk"), service),
            Command::SetClock { service, .. } if !self.reads_clock(service) => {
                self.no_effect(format!("{path}.set_clock"), unread_clock());
            }
            Command::JumpClock { service, .. } if !self.reads_clock(service) => {
                self.no_effect(format!("{path}.jump_clock"), unread_clock());
            }
            Command::StopBus { bus, lose_unflushed: true } => {
                self.unflushed(&format!("{path}.stop_bus.lose_unflushed"), bus);
            }
            Command::Rebalance { bus } => {
                let is_log =
                    |subscription: &Subscription| self.consumer_groups.as_served(subscription).order == Order::Log;
                if !self.subscriptions_to(bus).any(is_log) {
                    let why = phrase(
                        "no subscription with the order `log` reads from the bus",
                        "kein Abonnement mit der Ordnung `log` liest von dem Bus",
                    );
                    self.no_effect(format!("{path}.rebalance"), why);
                }
            }
            Command::Redrive { bus, service } => self.dead_letter_queue(&format!("{path}.redrive"), bus, service),
            Command::Purge { bus, service } => self.dead_letter_queue(&format!("{path}.purge"), bus, service),
            Command::HealLink { .. }
            | Command::Crash { .. }
            | Command::Restart { .. }
            | Command::Pause { .. }
            | Command::Resume { .. }
            | Command::SlowDown { .. }
            | Command::SetClock { .. }
            | Command::JumpClock { .. }
            | Command::StopBus { .. }
            | Command::StartBus { .. }
            | Command::StopBroker { .. }
            | Command::StartBroker { .. }
            | Command::HealAll => {}
        }
    }

    /// Warns of a poison message that no handler receives.
    fn poison(&mut self, path: &str, service: &'a str, operation: &Operation) {
        let why = if operation.is_read() {
            phrase("a read publishes no event", "ein Lesevorgang veröffentlicht kein Event").to_string()
        } else if self.has_handlers(service) {
            return;
        } else {
            sentence!(
                "no subscription receives an event of an update at `{service}`",
                "kein Abonnement erhält ein Event einer Änderung bei `{service}`"
            )
        };
        self.no_effect(path, &why);
    }

    /// Returns whether the event of an update at a service reaches a subscription: the service, the members of its group, or the
    /// services that apply the update by its calls publish it.
    fn has_handlers(&self, service: &'a str) -> bool {
        let mut open: Vec<&str> = match self.group_of(service) {
            Some(group) => group.members.iter().map(String::as_str).collect(),
            None => vec![service],
        };
        let mut visited = BTreeSet::new();
        while let Some(id) = open.pop() {
            let Some(service) = self.service(id).filter(|_| visited.insert(id)) else { continue };
            if service.publishes.iter().any(|publication| self.has_subscribers(publication)) {
                return true;
            }
            let applies = service.calls.iter().filter(|call| call.operation.is_none());
            open.extend(applies.map(|call| call.to.as_str()));
        }
        false
    }

    fn lost_disk(&mut self, path: &str, service: &str) {
        let shared = self.service(service).filter(|service| self.shares_store(service));
        if let Some(store) = shared.and_then(|service| service.store.as_ref()) {
            let why = sentence!(
                "the store `{store}` is shared, and not on the service's disk",
                "der Speicher `{store}` wird geteilt und ist nicht auf der Platte des Services"
            );
            self.no_effect(path, &why);
        }
    }

    fn unflushed(&mut self, path: &str, id: &'a str) {
        let is_flushed = self.bus(id).is_some_and(|bus| is_zero(bus.flush_ms) && bus.replication.is_none());
        // The relays of logs start again.
        let is_log = |mode: &PublishMode| matches!(mode, PublishMode::ChangeDataCapture { .. });
        if is_flushed && !self.publications_to(id).any(|publication| is_log(&publication.mode)) {
            let why = phrase(
                "every event is flushed at once, because `flush_ms` is 0",
                "jedes Event ist sofort auf der Platte, denn `flush_ms` ist 0",
            );
            self.no_effect(path, why);
        }
    }

    /// Warns of a command for the dead letters of a service that has none.
    fn dead_letter_queue(&mut self, path: &str, bus: &'a str, service: &str) {
        let subscriptions = self.service(service).map(|service| service.subscribes.as_slice()).unwrap_or_default();
        let gives_up = |subscription: &Subscription| {
            let group = self.consumer_groups.group_of(subscription);
            let first = group.first().copied().unwrap_or(subscription);
            let acknowledges = |member: &&Subscription| member.acknowledge != Acknowledge::Never;
            first.dead_letter
                && first.max_deliveries.is_some()
                && (acknowledges(&subscription) || group.iter().any(acknowledges))
        };
        if !subscriptions.iter().any(|subscription| subscription.to == bus && gives_up(subscription)) {
            let why = sentence!(
                "`{service}` has no subscription to `{bus}` with a delivery limit and a dead-letter queue",
                "`{service}` hat kein Abonnement von `{bus}` mit Zustellgrenze und Dead-Letter-Queue"
            );
            self.no_effect(path, &why);
        }
    }
}

/// Returns the ends of the link that a command disturbs; `None` if it changes no message.
fn disturbed_link(command: &Command) -> Option<(&String, &String)> {
    let Command::DisturbLink { from, to, loss, duplicate, delay, reorder, .. } = command else { return None };
    let delays = delay.as_ref().is_some_and(|delay| !delay.is_zero());
    (delays || [loss, duplicate, reorder].into_iter().any(|p| *p > 0.0)).then_some((from, to))
}
