use super::run_state::Analysis;
use crate::scenario::{Micros, Scenario};
use crate::trace::{Names, NodeId, Record, Trace};

/// A run with everything that a question about it needs.
pub struct RunContext<'a> {
    /// Its records, as far as they are kept.
    pub trace: &'a Trace,
    /// Its state.
    pub analysis: &'a Analysis,
    /// The names of nodes and keys.
    pub names: &'a Names,
    /// The scenario, with live commands in its script.
    pub scenario: &'a Scenario,
    /// The current time.
    pub now: Micros,
}

impl<'a> RunContext<'a> {
    /// Iterates over the kept records, with their numbers.
    pub(super) fn records(&self) -> impl Iterator<Item = (u64, &'a Record)> {
        (self.trace.oldest()..).zip(self.trace.since(self.trace.oldest()))
    }

    /// Iterates over the members of a group.
    pub(super) fn members(&self, group: NodeId) -> impl Iterator<Item = NodeId> {
        let group = self.scenario.groups.iter().find(|it| self.names.find_node(&it.id) == Some(group));
        group.into_iter().flat_map(|group| &group.members).filter_map(|id| self.names.find_node(id))
    }

    /// Returns whether an event that `consumer` applies reaches the copy at `node`: its own, or one of its group.
    pub(super) fn delivers_to(&self, consumer: NodeId, node: NodeId) -> bool {
        let group = self.names.group(node);
        consumer == node || (group.is_some() && self.names.group(consumer) == group)
    }
}
