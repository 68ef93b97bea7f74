//! What the protocol of a replication group still does about an update that a member is missing.

use super::prospects::ProspectFinder;
use crate::analysis::prospect::Prospect;
use crate::scenario::{ClientStep, GossipStyle, Group, Micros, Operation, Protocol, ReadRepair, micros};
use crate::trace::{KeyId, NodeId, UpdateId};
use std::collections::BTreeSet;

impl ProspectFinder<'_> {
    /// What a group's protocol does about a member that is missing an update.
    pub(super) fn within_group(
        &mut self,
        group: NodeId,
        up: Micros,
        (node, key): (NodeId, KeyId),
        update: Option<UpdateId>,
    ) -> Prospect {
        let run = self.run;
        let Some(config) = run.scenario.groups.iter().find(|it| run.names.find_node(&it.id) == Some(group)) else {
            return Prospect::Lost;
        };
        let repairs = match &config.protocol {
            Protocol::Gossip(gossip) if matches!(gossip.style, GossipStyle::Rumor { .. }) => {
                self.is_rumored(update, gossip.every.mean_ms())
            }
            Protocol::Raft(_)
            | Protocol::Primary(_)
            | Protocol::Chain
            | Protocol::TwoPhase(_)
            | Protocol::Gossip(_) => true,
            Protocol::Quorum(quorum) => quorum.anti_entropy.is_some(),
        };
        if repairs {
            match self.reached_at(config, (group, key, update), node) {
                Some(at) if at <= run.now => return Prospect::Repairing,
                Some(at) => return Prospect::AfterHealing(at),
                None => {}
            }
        }
        let read_repair = match &config.protocol {
            Protocol::Quorum(quorum) => quorum.read_repair != ReadRepair::None || quorum.write_back,
            Protocol::Raft(_)
            | Protocol::Primary(_)
            | Protocol::Chain
            | Protocol::TwoPhase(_)
            | Protocol::Gossip(_) => false,
        };
        match (read_repair && self.is_read_after(&config.id, up), repairs) {
            (true, _) => Prospect::ReadRepair,
            (false, true) => Prospect::CutOff,
            (false, false) => Prospect::Lost,
        }
    }

    /// Returns whether members still spread an update as a rumor: one sent it within the last two gossip intervals.
    fn is_rumored(&self, update: Option<UpdateId>, every_ms: f64) -> bool {
        let since = self.run.now.saturating_sub(micros(2.0 * every_ms));
        update.and_then(|update| self.history.last_sent.get(&update)).is_some_and(|at| *at >= since)
    }

    /// Returns when members that have an update can reach a member, directly or through others: now, or at a healing.
    fn reached_at(
        &mut self,
        config: &Group,
        wanted: (NodeId, KeyId, Option<UpdateId>),
        node: NodeId,
    ) -> Option<Micros> {
        let mut reached = self.work.reached.remove(&wanted).unwrap_or_default();
        for (index, at) in self.work.healing.instants().into_iter().enumerate() {
            if index == reached.len() {
                reached.push((at, self.reachable(config, wanted.1, wanted.2, at)));
            }
            if reached[index].1.contains(&node) {
                break;
            }
        }
        let found = reached.iter().find(|(_, members)| members.contains(&node)).map(|(at, _)| *at);
        self.work.reached.insert(wanted, reached);
        found
    }

    /// The members that an update can reach once everything is healed that the script heals by `at`.
    fn reachable(&self, config: &Group, key: KeyId, update: Option<UpdateId>, at: Micros) -> BTreeSet<NodeId> {
        let run = self.run;
        let version = update.and_then(|update| run.analysis.updates.get(update)).map(|info| info.version);
        let has_update = |member: &NodeId| {
            let copy = run.analysis.staleness.copy(*member, key);
            copy.is_some_and(|copy| copy.behind() == 0 || version.is_some_and(|version| copy.reflects(version)))
        };
        let healed = |time: Option<Micros>| time.is_some_and(|time| time <= at);
        let members = config.members.iter().filter_map(|id| run.names.find_node(id));
        let up = members.filter(|member| healed(self.work.healing.up_from(run, *member)));
        let (mut reached, mut unreached): (BTreeSet<NodeId>, BTreeSet<NodeId>) = up.partition(has_update);
        let mut frontier: Vec<NodeId> = reached.iter().copied().collect();
        while let Some(from) = frontier.pop() {
            let is_open = |to: &NodeId| {
                healed(self.work.healing.open_from(run, from, *to))
                    && healed(self.work.healing.open_from(run, *to, from))
            };
            let next: Vec<NodeId> = unreached.iter().copied().filter(is_open).collect();
            for member in next {
                unreached.remove(&member);
                reached.insert(member);
                frontier.push(member);
            }
        }
        reached
    }

    /// Returns whether clients will read from a group after a time.
    fn is_read_after(&self, group: &str, after: Micros) -> bool {
        let run = self.run;
        let end = |until: Option<f64>| micros(until.unwrap_or(run.scenario.until_ms));
        run.scenario.clients.iter().filter(|client| client.target == group).any(|client| {
            let generated = client.generate.as_ref();
            let is_read =
                |step: &ClientStep| micros(step.at_ms) > after && matches!(step.operation, Operation::Read { .. });
            generated.is_some_and(|it| it.read_share > 0.0 && end(it.until_ms) > after)
                || client.script.iter().any(is_read)
        })
    }
}
