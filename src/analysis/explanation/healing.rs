//! The faults that the script heals, and when.

use super::broker_healing::BrokerHealing;
use crate::analysis::prospect::Prospect;
use crate::analysis::run_context::RunContext;
use crate::scenario::{Command, Micros, micros};
use crate::trace::NodeId;
use std::collections::{BTreeMap, BTreeSet};

/// The fault that a command heals.
enum Healing<'a> {
    Node(&'a str),
    Paused(&'a str),
    Link { from: &'a str, to: &'a str, one_way: bool },
    Everything,
}

fn healing(command: &Command) -> Option<Healing<'_>> {
    match command {
        Command::Restart { service: node }
        | Command::StartBus { bus: node }
        | Command::StartBroker { bus: node, .. } => Some(Healing::Node(node)),
        Command::Resume { node } => Some(Healing::Paused(node)),
        Command::HealLink { from, to, one_way } => Some(Healing::Link { from, to, one_way: *one_way }),
        Command::HealAll => Some(Healing::Everything),
        Command::Operate { .. }
        | Command::CutLink { .. }
        | Command::DisturbLink { .. }
        | Command::Partition { .. }
        | Command::Crash { .. }
        | Command::Pause { .. }
        | Command::SlowDown { .. }
        | Command::SetClock { .. }
        | Command::JumpClock { .. }
        | Command::StopBus { .. }
        | Command::StopBroker { .. }
        | Command::Rebalance { .. }
        | Command::Redrive { .. }
        | Command::Purge { .. } => None,
    }
}

/// The next time at which the script heals each node and link.
#[derive(Clone, Debug, Default)]
pub(super) struct HealingTimes {
    now: Micros,
    nodes: BTreeMap<NodeId, Micros>,
    resumed: BTreeMap<NodeId, Micros>,
    links: BTreeMap<(NodeId, NodeId), Micros>,
    everything: Option<Micros>,
    /// The times from which the brokers of each replicated bus serve.
    brokers: BTreeMap<NodeId, BrokerHealing>,
}

impl HealingTimes {
    pub fn new(run: &RunContext) -> Self {
        let mut times = HealingTimes { now: run.now, ..HealingTimes::default() };
        let brokers = run.analysis.brokers.iter();
        times.brokers = brokers.map(|(bus, brokers)| (bus, BrokerHealing::new(run, bus, brokers))).collect();
        for step in &run.scenario.script {
            let at = micros(step.at_ms);
            if at > run.now {
                times.add(run, at, &step.command);
            }
        }
        times
    }

    fn add(&mut self, run: &RunContext, at: Micros, command: &Command) {
        let earliest = |time: Option<Micros>| time.map_or(at, |time| time.min(at));
        match healing(command) {
            Some(Healing::Node(id)) => {
                if let Some(node) = run.names.find_node(id) {
                    self.nodes.insert(node, earliest(self.nodes.get(&node).copied()));
                }
            }
            Some(Healing::Paused(id)) => {
                if let Some(node) = run.names.find_node(id) {
                    self.resumed.insert(node, earliest(self.resumed.get(&node).copied()));
                }
            }
            Some(Healing::Link { from, to, one_way }) => {
                let Some((from, to)) = run.names.find_node(from).zip(run.names.find_node(to)) else { return };
                let directions = if one_way { vec![(from, to)] } else { vec![(from, to), (to, from)] };
                for link in directions {
                    self.links.insert(link, earliest(self.links.get(&link).copied()));
                }
            }
            Some(Healing::Everything) => self.everything = Some(earliest(self.everything)),
            None => {}
        }
    }

    /// Returns the time from which a node is up and not paused: now if it is, none if nothing restarts or resumes it.
    pub fn up_from(&self, run: &RunContext, node: NodeId) -> Option<Micros> {
        let healed = |is_faulty: bool, at: Option<&Micros>| match is_faulty {
            true => at.copied().into_iter().chain(self.everything).min(),
            false => Some(self.now),
        };
        let is_down = run.analysis.faults.down(node).is_some();
        let up = match self.brokers.get(&node).filter(|_| is_down) {
            Some(brokers) => brokers.led_from?,
            None => healed(is_down, self.nodes.get(&node))?,
        };
        let resumed = healed(run.analysis.faults.paused(node).is_some(), self.resumed.get(&node))?;
        Some(up.max(resumed))
    }

    /// Returns the time from which a bus that is up accepts publications that all brokers in sync have to store: now if enough
    /// brokers may be in sync, none if nothing starts enough.
    pub fn in_sync_from(&self, bus: NodeId) -> Option<Micros> {
        self.brokers.get(&bus).map_or(Some(self.now), |brokers| brokers.in_sync_from)
    }

    /// Returns when those brokers of a bus that are up now elect a leader, if none leads.
    pub fn elected_at(&self, bus: NodeId) -> Option<Micros> {
        self.brokers.get(&bus)?.elected_at
    }

    /// Returns the time from which one direction of a link is open: now if messages can arrive, none if nothing heals it.
    pub fn open_from(&self, run: &RunContext, from: NodeId, to: NodeId) -> Option<Micros> {
        if run.analysis.faults.loses_all(from, to) {
            return None;
        }
        if run.analysis.faults.passes(from, to) {
            return Some(self.now);
        }
        self.links.get(&(from, to)).copied().into_iter().chain(self.everything).min()
    }

    /// Checks whether messages from one node reach another now.
    ///
    /// # Errors
    /// The receiver is down or the link is cut, for ever or until a healing.
    pub fn path(&self, run: &RunContext, from: NodeId, to: NodeId) -> Result<(), Prospect> {
        let up = self.up_from(run, to).ok_or(Prospect::Down(to))?;
        let open = self.open_from(run, from, to).ok_or(Prospect::Cut(from, to))?;
        match up.max(open) {
            at if at <= self.now => Ok(()),
            at => Err(Prospect::AfterHealing(at)),
        }
    }

    /// Returns now and all times of healing, in order.
    pub fn instants(&self) -> BTreeSet<Micros> {
        self.nodes
            .values()
            .chain(self.resumed.values())
            .chain(self.links.values())
            .copied()
            .chain(self.everything)
            .chain([self.now])
            .collect()
    }
}
