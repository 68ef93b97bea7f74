//! The reads that will repair a member of a leaderless group, and whether they do so for certain.

use super::prospects::ProspectFinder;
use crate::analysis::prospect::{Prospect, Uncertainty};
use crate::scenario::{Client, ClientStep, Group, Micros, Operation, Protocol, Quorum, ReadRepair, Route, micros};
use crate::trace::{KeyId, NodeId, UpdateId};
use std::collections::BTreeSet;

/// The members of a group at the time of a read.
struct Members<'a> {
    quorum: &'a Quorum,
    up: Vec<NodeId>,
    /// The members that have the update.
    holders: BTreeSet<NodeId>,
    at: Micros,
}

/// The responses by which a blocking read repairs members.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Responses {
    /// The responses of one read, which are the first ones to arrive.
    First,
    /// Any responses: of many reads, one gets the right ones.
    Any,
}

impl ProspectFinder<'_> {
    /// The prospect of a copy that reads by clients may repair.
    pub(super) fn repaired_by_read(
        &mut self,
        config: &Group,
        up: Micros,
        (node, key): (NodeId, KeyId),
        update: Option<UpdateId>,
    ) -> Option<Prospect> {
        let Protocol::Quorum(quorum) = &config.protocol else { return None };
        // One response shows no difference, so it is not written back to anyone.
        let is_blocking = quorum.read_repair == ReadRepair::Blocking;
        if !quorum.write_back && (quorum.read_repair == ReadRepair::None || (is_blocking && quorum.read < 2)) {
            return None;
        }
        let readers = self.run.scenario.clients.iter().filter(|client| client.target == config.id);
        let faults = &self.run.analysis.faults;
        let nodes = || config.members.iter().filter_map(|id| self.run.names.find_node(id));
        let is_lossy = nodes().any(|from| nodes().any(|to| faults.may_lose(from, to)));
        let mut is_possible = false;
        for client in readers {
            for at in self.scripted_reads(client, key, up) {
                let members = self.members_at(config, quorum, (key, update), at);
                let coordinators = self.coordinators(config, client);
                let is_certain =
                    |coordinator: &NodeId| self.is_repaired(&members, client, *coordinator, node, Responses::First);
                if !is_lossy && coordinators.iter().all(is_certain) {
                    return Some(Prospect::ReadRepair);
                }
                is_possible = true;
            }
            let generated = client.generate.as_ref().filter(|generated| generated.read_share > 0.0);
            let end = generated.map(|generated| micros(generated.until_ms.unwrap_or(self.run.scenario.until_ms)));
            if end.is_some_and(|end| end > up) {
                is_possible = true;
                let members = self.members_at(config, quorum, (key, update), up);
                // One of many reads is enough.
                let is_possible =
                    |coordinator: &NodeId| self.is_repaired(&members, client, *coordinator, node, Responses::Any);
                if self.coordinators(config, client).iter().any(is_possible) {
                    return Some(Prospect::ReadRepair);
                }
            }
        }
        let last = self.work.healing.instants().last().copied();
        let is_connected =
            is_possible && last.is_some_and(|at| self.may_spread(config, quorum, (node, key), update, at));
        is_connected.then_some(Prospect::Uncertain(Uncertainty::Reads))
    }

    /// The times after `up` at which a client will read a key.
    fn scripted_reads(&self, client: &Client, key: KeyId, up: Micros) -> Vec<Micros> {
        let name = self.run.names.key(key);
        let is_read = |step: &&ClientStep| {
            micros(step.at_ms) > up && matches!(&step.operation, Operation::Read { key } if &**key == name)
        };
        client.script.iter().filter(is_read).map(|step| micros(step.at_ms)).collect()
    }

    /// The nodes that may coordinate a client's reads.
    fn coordinators(&self, config: &Group, client: &Client) -> Vec<NodeId> {
        let names = self.run.names;
        match client.read_route.unwrap_or(client.route) {
            Route::Itself => names.find_node(&client.id).into_iter().collect(),
            Route::Nearest => {
                let nearest = self.run.scenario.nearest(&client.id, config);
                nearest.and_then(|id| names.find_node(id)).into_iter().collect()
            }
            Route::Sticky | Route::Any | Route::Primary => {
                config.members.iter().filter_map(|id| names.find_node(id)).collect()
            }
        }
    }

    fn members_at<'a>(
        &self,
        config: &Group,
        quorum: &'a Quorum,
        (key, update): (KeyId, Option<UpdateId>),
        at: Micros,
    ) -> Members<'a> {
        let up = self.up_at(config, at);
        let holders = self.holders(&up, key, update);
        Members { quorum, up, holders, at }
    }

    /// Returns whether a read at a coordinator repairs a member for certain.
    fn is_repaired(
        &self,
        members: &Members,
        client: &Client,
        coordinator: NodeId,
        node: NodeId,
        responses: Responses,
    ) -> bool {
        let Members { quorum, up, holders, at } = members;
        let Some(reader) = self.run.names.find_node(&client.id) else { return false };
        let is_asked =
            coordinator == reader || (up.contains(&coordinator) && self.is_open_at(reader, coordinator, *at));
        let responding: BTreeSet<NodeId> =
            up.iter().copied().filter(|member| self.are_connected_at(coordinator, *member, *at)).collect();
        let needed = quorum.read as usize;
        if !is_asked || !responding.contains(&node) || responding.len() < needed {
            return false;
        }
        let having = responding.intersection(holders).count();
        match (quorum.write_back, quorum.read_repair) {
            // The first responses are merged, and written to all.
            (true, _) => needed + having > responding.len(),
            // It repairs only members whose responses are among the first ones, so all have to be.
            (false, ReadRepair::Blocking) => having > 0 && (responses == Responses::Any || needed == responding.len()),
            (false, ReadRepair::Async) => having > 0,
            (false, ReadRepair::None) => false,
        }
    }

    /// Returns whether reads may bring an update to a member, perhaps through others.
    fn may_spread(
        &self,
        config: &Group,
        quorum: &Quorum,
        (node, key): (NodeId, KeyId),
        update: Option<UpdateId>,
        at: Micros,
    ) -> bool {
        let Members { up, holders: mut reached, .. } = self.members_at(config, quorum, (key, update), at);
        let run = self.run;
        let readers = run.scenario.clients.iter().filter(|client| client.target == config.id);
        let coordinators: BTreeSet<NodeId> = readers.flat_map(|client| self.coordinators(config, client)).collect();
        // A response takes one direction of a link, the request for it and the repair the other one.
        loop {
            let is_reached = |to: &NodeId| {
                coordinators.iter().any(|coordinator| {
                    self.is_open_at(*coordinator, *to, at)
                        && reached.iter().any(|from| self.are_connected_at(*coordinator, *from, at))
                })
            };
            let next: Vec<NodeId> =
                up.iter().copied().filter(|member| !reached.contains(member) && is_reached(member)).collect();
            if next.is_empty() {
                return reached.contains(&node);
            }
            reached.extend(next);
        }
    }
}
