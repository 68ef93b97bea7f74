//! What the script has broken at the time of each step, and the steps that change nothing then.

use crate::language::phrase;
use crate::scenario::{Command, Scenario, micros};
use std::collections::{BTreeMap, BTreeSet};

/// What is broken, as far as the script alone determines it.
#[derive(Default)]
struct BrokenParts<'a> {
    /// Services that are down.
    down: BTreeSet<&'a str>,
    paused: BTreeSet<&'a str>,
    /// The factors of services that work more slowly or faster than configured.
    factors: BTreeMap<&'a str, f64>,
    /// Buses that are stopped.
    stopped: BTreeSet<&'a str>,
    /// Buses of which a broker was stopped. The run decides which of them lead and whether the bus is up.
    without_brokers: BTreeSet<&'a str>,
    /// Directions of links that are cut or disturbed.
    links: BTreeSet<(&'a str, &'a str)>,
    is_partitioned: bool,
}

/// A part of a step without effect, and why it has none.
pub(super) type Idle = (&'static str, &'static str);

/// Returns the steps that change nothing, because what they repair works or what they break is broken already, by index.
pub(super) fn idle_steps(scenario: &Scenario) -> BTreeMap<usize, Idle> {
    let mut steps: Vec<_> = scenario.script.iter().enumerate().collect();
    steps.retain(|(_, step)| step.at_ms <= scenario.until_ms);
    steps.sort_by_key(|(_, step)| micros(step.at_ms));
    let mut broken = BrokenParts::default();
    steps.into_iter().filter_map(|(at, step)| Some((at, broken.execute(&step.command)?))).collect()
}

impl<'a> BrokenParts<'a> {
    /// Executes a command. Returns why it changes nothing, if that is certain.
    fn execute(&mut self, command: &'a Command) -> Option<Idle> {
        match command {
            Command::Crash { service, .. } => (!self.down.insert(service))
                .then(|| ("crash", phrase("the service is down already", "der Service ist schon ausgefallen"))),
            Command::Restart { service } => (!self.down.remove(service.as_str()))
                .then(|| ("restart", phrase("the service is running", "der Service läuft"))),
            Command::Pause { node } => (!self.paused.insert(node))
                .then(|| ("pause", phrase("the node is frozen already", "der Knoten ist schon eingefroren"))),
            Command::Resume { node } => (!self.paused.remove(node.as_str()))
                .then(|| ("resume", phrase("the node is not frozen", "der Knoten ist nicht eingefroren"))),
            Command::SlowDown { service, factor } => {
                let before = self.factors.insert(service, *factor).unwrap_or(1.0);
                let why = phrase(
                    "the service works at this speed already",
                    "der Service arbeitet schon mit dieser Geschwindigkeit",
                );
                (before == *factor).then_some(("slow_down", why))
            }
            Command::CutLink { from, to, one_way } | Command::DisturbLink { from, to, one_way, .. } => {
                self.links.extend(directions(from, to, *one_way));
                None
            }
            Command::HealLink { from, to, one_way } => {
                let healed = directions(from, to, *one_way).filter(|link| self.links.remove(link)).count();
                let why =
                    phrase("the link is neither cut nor disturbed", "die Verbindung ist weder getrennt noch gestört");
                (healed == 0 && !self.is_partitioned).then_some(("heal_link", why))
            }
            Command::Partition { .. } => {
                self.is_partitioned = true;
                None
            }
            Command::HealAll => {
                let is_broken = std::mem::take(self).is_broken();
                (!is_broken).then(|| ("", phrase("nothing is broken", "nichts ist gestört")))
            }
            Command::StopBus { .. }
            | Command::StartBus { .. }
            | Command::StopBroker { .. }
            | Command::StartBroker { .. }
            | Command::Rebalance { .. }
            | Command::Redrive { .. }
            | Command::Purge { .. } => self.execute_at_bus(command),
            Command::Operate { .. } | Command::SetClock { .. } | Command::JumpClock { .. } => None,
        }
    }

    /// Executes a command for a bus.
    fn execute_at_bus(&mut self, command: &'a Command) -> Option<Idle> {
        let is_stopped = || phrase("the bus is stopped", "der Bus ist angehalten");
        match command {
            Command::StopBus { bus, .. } if self.stopped.contains(bus.as_str()) => Some(("stop_bus", is_stopped())),
            Command::StopBus { bus, .. } => {
                // A bus without a leader is down, and then the command does nothing.
                self.stopped.extend((!self.without_brokers.contains(bus.as_str())).then_some(bus.as_str()));
                None
            }
            Command::StartBus { bus } => {
                let is_broken = self.stopped.remove(bus.as_str()) || self.without_brokers.contains(bus.as_str());
                (!is_broken).then(|| ("start_bus", phrase("the bus is running", "der Bus läuft")))
            }
            Command::StopBroker { bus, .. } => {
                self.without_brokers.insert(bus);
                None
            }
            Command::StartBroker { bus, .. } => {
                let why = phrase("no broker of the bus is stopped", "kein Broker des Busses ist angehalten");
                (!self.without_brokers.contains(bus.as_str())).then_some(("start_broker", why))
            }
            Command::Rebalance { bus } => self.stopped.contains(bus.as_str()).then(|| ("rebalance", is_stopped())),
            Command::Redrive { bus, .. } => self.stopped.contains(bus.as_str()).then(|| ("redrive", is_stopped())),
            Command::Purge { bus, .. } => self.stopped.contains(bus.as_str()).then(|| ("purge", is_stopped())),
            Command::Operate { .. }
            | Command::CutLink { .. }
            | Command::DisturbLink { .. }
            | Command::HealLink { .. }
            | Command::Partition { .. }
            | Command::Crash { .. }
            | Command::Restart { .. }
            | Command::Pause { .. }
            | Command::Resume { .. }
            | Command::SlowDown { .. }
            | Command::SetClock { .. }
            | Command::JumpClock { .. }
            | Command::HealAll => None,
        }
    }

    fn is_broken(&self) -> bool {
        self.is_partitioned
            || self.factors.values().any(|factor| *factor != 1.0)
            || [&self.down, &self.paused, &self.stopped, &self.without_brokers].iter().any(|parts| !parts.is_empty())
            || !self.links.is_empty()
    }
}

/// Returns the directions of a link that a command concerns.
fn directions<'a>(from: &'a str, to: &'a str, one_way: bool) -> impl Iterator<Item = (&'a str, &'a str)> {
    [Some((from, to)), (!one_way).then_some((to, from))].into_iter().flatten()
}
