//! The paths of updates to copies, on which the script may stop or cut something later.

use super::handling_times::longest_ms;
use super::prospects::ProspectFinder;
use crate::analysis::prospect::{Prospect, Uncertainty};
use crate::scenario::{Latency, Micros, Publication, PublishMode, Subscription, micros};
use crate::trace::{NodeId, UpdateId};
use std::collections::BTreeSet;

/// The maximum time of a handler as a multiple of its mean, because it may wait for others.
const MAX_HANDLING: f64 = 10.0;

impl ProspectFinder<'_> {
    /// Returns the prospect that was found for a copy, or an uncertain one if the script stops or cuts something on the
    /// update's path before it is certain to have arrived.
    pub(super) fn unless_stopped(&mut self, found: Prospect, node: NodeId, update: Option<UpdateId>) -> Prospect {
        let arrives_by = match found {
            _ if found.is_uncertain() || self.work.later_faults.is_empty() => return found,
            Prospect::Arriving { due } => due.saturating_add(self.longest_handling(node)),
            Prospect::Storing(member) => self.run.now.saturating_add(self.longest_handling(member)),
            _ => Micros::MAX,
        };
        let origin = update.and_then(|update| self.run.analysis.updates.get(update)).map(|info| info.node);
        let path = match self.work.paths.get(&(origin, node)) {
            Some(path) => path.clone(),
            None => self.update_path(origin, node),
        };
        // After a crash, change data capture may publish lost updates again.
        let captures = |node: &NodeId| {
            let service = self.run.scenario.services.get(node.index());
            let mut modes =
                service.into_iter().flat_map(|service| &service.publishes).map(|publication| &publication.mode);
            modes.any(|mode| matches!(mode, PublishMode::ChangeDataCapture { .. }))
        };
        let capturing: BTreeSet<NodeId> = path.iter().copied().filter(captures).collect();
        let is_touched = self.work.later_faults.iter().any(|fault| match found.can_converge() {
            true => fault.at <= arrives_by && fault.touches(&path),
            false => fault.crashes && !capturing.is_empty() && fault.touches(&capturing),
        });
        self.work.paths.insert((origin, node), path);
        if is_touched { Prospect::Uncertain(Uncertainty::LaterFaults) } else { found }
    }

    /// The time after which a consumer has handled an event, unless it fails, or a member of a group a message.
    pub(super) fn longest_handling(&self, node: NodeId) -> Micros {
        let Some(service) = self.run.scenario.services.get(node.index()) else { return 0 };
        let events = service.subscribes.iter().map(|it| &it.processing);
        let messages = self.run.names.group(node).map(|_| &service.service_time);
        let longest = |latency: &Latency| longest_ms(latency).max(latency.mean_ms() * MAX_HANDLING);
        micros(events.chain(messages).map(longest).fold(0.0, f64::max) * self.run.analysis.faults.slowness(node))
    }

    /// The nodes on the path of an update from the service that made it to a copy.
    pub(super) fn update_path(&self, origin: Option<NodeId>, node: NodeId) -> BTreeSet<NodeId> {
        let run = self.run;
        let mut path: BTreeSet<NodeId> = origin.into_iter().collect();
        let mut callers: Vec<NodeId> = origin.into_iter().collect();
        while let Some(caller) = callers.pop() {
            let calls = run.scenario.services.get(caller.index()).into_iter().flat_map(|service| &service.calls);
            callers
                .extend(calls.filter_map(|call| run.names.find_node(&call.to)).filter(|callee| path.insert(*callee)));
        }
        let mut next = vec![node];
        while let Some(node) = next.pop() {
            path.insert(node);
            if let Some(group) = run.names.group(node) {
                next.extend(run.members(group).filter(|member| !path.contains(member)));
            }
            let service = run.scenario.services.get(node.index());
            let buses = service
                .into_iter()
                .flat_map(|service| &service.subscribes)
                .filter_map(|subscription: &Subscription| run.names.find_node(&subscription.to));
            for bus in buses.filter(|bus| !path.contains(bus)).collect::<Vec<_>>() {
                path.insert(bus);
                let is_to_bus = |publication: &Publication| run.names.find_node(&publication.to) == Some(bus);
                let services = (0..).map(NodeId).zip(&run.scenario.services);
                let publishers = services.filter(|(_, service)| service.publishes.iter().any(is_to_bus));
                next.extend(publishers.map(|(publisher, _)| publisher).filter(|publisher| !path.contains(publisher)));
            }
        }
        path
    }
}
