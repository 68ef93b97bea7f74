//! The faults that the script heals, and when.

use crate::analysis::run_context::RunContext;
use crate::scenario::{Command, Micros, micros};
use crate::trace::NodeId;
use std::collections::{BTreeMap, BTreeSet};

/// What a command heals.
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

/// The next time at which the script heals each node and link. A healing counts for no other node or link.
#[derive(Default)]
pub(super) struct HealingTimes {
    now: Micros,
    nodes: BTreeMap<NodeId, Micros>,
    resumed: BTreeMap<NodeId, Micros>,
    links: BTreeMap<(NodeId, NodeId), Micros>,
    everything: Option<Micros>,
}

impl HealingTimes {
    pub fn new(run: &RunContext) -> Self {
        let mut times = HealingTimes { now: run.now, ..HealingTimes::default() };
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

    /// Returns since when a node is up and not paused: now if it is, none if nothing restarts or resumes it.
    pub fn up_from(&self, run: &RunContext, node: NodeId) -> Option<Micros> {
        let healed = |is_faulty: bool, at: Option<&Micros>| match is_faulty {
            true => at.copied().into_iter().chain(self.everything).min(),
            false => Some(self.now),
        };
        let up = healed(run.analysis.faults.down(node).is_some(), self.nodes.get(&node))?;
        let resumed = healed(run.analysis.faults.paused(node).is_some(), self.resumed.get(&node))?;
        Some(up.max(resumed))
    }

    /// Returns since when one direction of a link is open: now if it is not cut, none if nothing heals it.
    pub fn open_from(&self, run: &RunContext, from: NodeId, to: NodeId) -> Option<Micros> {
        if run.analysis.faults.cut(from, to).is_none() {
            return Some(self.now);
        }
        self.links.get(&(from, to)).copied().into_iter().chain(self.everything).min()
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
