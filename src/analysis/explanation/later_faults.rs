//! The faults that the script causes later.

use crate::analysis::run_context::RunContext;
use crate::scenario::{Command, Micros, Step, micros};
use crate::trace::NodeId;
use std::collections::BTreeSet;

/// The part of the system that a later fault stops or cuts.
#[derive(Clone, Debug)]
enum Target {
    Node(NodeId),
    /// A service with its disk, and so its copies.
    Disk,
    Link(NodeId, NodeId),
    /// Every link between nodes of different parts.
    Parts(Vec<Vec<NodeId>>),
}

/// A fault that the script causes after now.
#[derive(Clone, Debug)]
pub(super) struct LaterFault {
    pub at: Micros,
    target: Target,
    /// Whether a service crashes, which may restart.
    pub crashes: bool,
}

impl LaterFault {
    /// Reads the script after now.
    pub fn all(run: &RunContext) -> Vec<LaterFault> {
        let later = run.scenario.script.iter().filter(|step| micros(step.at_ms) > run.now);
        let fault = |step: &Step| {
            let crashes = matches!(step.command, Command::Crash { .. });
            Some(LaterFault { at: micros(step.at_ms), target: target(run, &step.command)?, crashes })
        };
        later.filter_map(fault).collect()
    }

    /// Returns whether it stops or cuts something between these nodes.
    pub fn touches(&self, path: &BTreeSet<NodeId>) -> bool {
        match &self.target {
            Target::Node(node) => path.contains(node),
            Target::Disk => true,
            Target::Link(from, to) => path.contains(from) && path.contains(to),
            Target::Parts(parts) => parts.iter().filter(|part| part.iter().any(|node| path.contains(node))).count() > 1,
        }
    }
}

/// Returns the node that a command stops, the link that it cuts, or the parts between which it cuts the network; `None` if it
/// does none of these.
fn target(run: &RunContext, command: &Command) -> Option<Target> {
    let node = |id: &str| run.names.find_node(id);
    match command {
        Command::CutLink { from, to, .. } => node(from).zip(node(to)).map(|(from, to)| Target::Link(from, to)),
        Command::DisturbLink { from, to, loss, .. } if *loss > 0.0 => {
            node(from).zip(node(to)).map(|(from, to)| Target::Link(from, to))
        }
        Command::Partition { groups } => {
            let part = |ids: &Vec<String>| ids.iter().filter_map(|id| node(id)).collect();
            Some(Target::Parts(groups.iter().map(part).collect()))
        }
        Command::Crash { lose_disk: true, .. } => Some(Target::Disk),
        Command::Crash { service: id, lose_disk: false }
        | Command::Pause { node: id }
        | Command::StopBus { bus: id, .. }
        | Command::StopBroker { bus: id, .. }
        | Command::Purge { bus: id, .. } => node(id).map(Target::Node),
        Command::Operate { .. }
        | Command::DisturbLink { .. }
        | Command::HealLink { .. }
        | Command::Restart { .. }
        | Command::Resume { .. }
        | Command::SlowDown { .. }
        | Command::SetClock { .. }
        | Command::JumpClock { .. }
        | Command::StartBus { .. }
        | Command::StartBroker { .. }
        | Command::Rebalance { .. }
        | Command::Redrive { .. }
        | Command::HealAll => None,
    }
}
