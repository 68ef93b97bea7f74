//! The internals of the selected item: of a member of a replica group, a client of a group, or the group itself.

use super::canvas_item::CanvasItem;
use super::scene::Scene;
use crate::scenario::{Micros, Scenario};
use crate::session::protocol::internals::GroupInternals;
use crate::session::protocol::{Query, Request};
use crate::trace::NodeId;
use std::rc::Rc;

/// Least time between two requests about the same node, ms of real time.
const INTERVAL: f64 = 300.0;

/// The internals that the engine has reported, and the last request.
#[derive(Clone, Debug, Default)]
pub struct InternalsView {
    /// The node, and its [`GroupInternals`](crate::session::protocol::internals::GroupInternals).
    received: Option<(NodeId, Rc<GroupInternals>)>,
    /// The node of the last request, and how many records the run had.
    asked: Option<(NodeId, u64)>,
    /// Whether a request is pending.
    waiting: bool,
    /// When the last request was made, ms of real time.
    last: f64,
}

impl InternalsView {
    /// Returns whether the internals of a node are older than the run, which has `records` records.
    pub fn is_behind(&self, about: Option<NodeId>, records: u64) -> bool {
        about.is_some_and(|node| self.asked != Some((node, records)))
    }

    /// Returns the request for a node's internals, if it is time for one. For another node it is always time.
    pub fn next_request(&mut self, about: Option<NodeId>, records: u64, wall: f64) -> Option<Request> {
        let node = about.filter(|_| !self.waiting && self.is_behind(about, records))?;
        let is_other = self.received.as_ref().is_none_or(|(received, _)| *received != node);
        if !is_other && wall - self.last < INTERVAL {
            return None;
        }
        (self.waiting, self.last) = (true, wall);
        self.asked = Some((node, records));
        Some(Request::Query(Query::Internals { node }))
    }

    /// Stores the internals that were asked for.
    pub fn receive(&mut self, internals: GroupInternals) {
        self.waiting = false;
        self.received = self.asked.map(|(node, _)| (node, Rc::new(internals)));
    }

    /// Gives up the pending request. The next one follows when the run has changed.
    pub fn cancel_request(&mut self) {
        self.waiting = false;
    }

    /// Gives up the pending request, because the run is at another time, and permits the next one at once. The internals
    /// stay until the answer arrives.
    pub fn reset_request(&mut self) {
        (self.waiting, self.asked, self.last) = (false, None, f64::MIN);
    }

    /// Returns the internals of a node, if they were reported.
    pub fn of(&self, node: NodeId) -> Option<Rc<GroupInternals>> {
        self.received.as_ref().filter(|(received, _)| *received == node).map(|(_, inside)| inside.clone())
    }
}

/// Returns the node of the selected item, if the scenario has groups. Groups have numbers too: behind all nodes.
pub fn about(scenario: &Scenario, scene: &Scene, selected: Option<&CanvasItem>) -> Option<NodeId> {
    let Some(CanvasItem::Node(id)) = selected else { return None };
    let group = scenario.groups.iter().position(|group| group.id == *id).map(|group| scene.nodes.len() + group);
    if scenario.groups.is_empty() { None } else { Some(NodeId(group.or_else(|| scene.find(id))? as u32)) }
}

/// Returns the names of all nodes and groups, in the order of their numbers.
pub fn names(scenario: &Scenario) -> Vec<Rc<str>> {
    let or_id = |id: &str, name: &str| -> Rc<str> { if name.is_empty() { id.into() } else { name.into() } };
    let services = scenario.services.iter().map(|service| or_id(&service.id, &service.name));
    let buses = scenario.buses.iter().map(|bus| or_id(&bus.id, &bus.name));
    let clients = scenario.clients.iter().map(|client| or_id(&client.id, &client.name));
    let groups = scenario.groups.iter().map(|group| or_id(&group.id, &group.name));
    services.chain(buses).chain(clients).chain(groups).collect()
}

/// Returns the position of an instant on an axis, in percent.
pub fn share(at: Micros, from: Micros, to: Micros) -> f64 {
    let length = to.saturating_sub(from).max(1) as f64;
    (at.saturating_sub(from) as f64 / length * 100.0).clamp(0.0, 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::scene::Layout;
    use crate::scenario::examples;

    #[test]
    fn members_clients_and_groups_have_internals() {
        let of = |scenario: &Scenario, id: &str| {
            let rows: Vec<usize> = scenario.services.iter().map(|service| service.data.len()).collect();
            let scene = Scene::new(scenario, Layout::Free, &rows, &std::collections::BTreeMap::new(), None);
            about(scenario, &scene, Some(&CanvasItem::Node(id.into())))
        };
        let scenario = examples::find("quorum-inversion").expect("an example").scenario();
        let found = ["b", "writer", "shop", "gone"].map(|id| of(&scenario, id));
        assert_eq!(found, [Some(NodeId(1)), Some(NodeId(3)), Some(NodeId(6)), None]);
        assert_eq!(&*names(&scenario)[6], "Price");
        let scenario = examples::find("lost-event").expect("an example").scenario();
        assert!(scenario.services.iter().all(|service| of(&scenario, &service.id).is_none()), "there are no groups");
    }

    #[test]
    fn another_node_is_requested_at_once_and_the_same_one_when_the_run_has_changed() {
        let mut view = InternalsView { last: f64::MIN, ..InternalsView::default() };
        let (a, b) = (Some(NodeId(0)), Some(NodeId(1)));
        assert_eq!(view.next_request(None, 1, 0.0), None, "nothing is selected");
        assert!(view.next_request(a, 1, 0.0).is_some());
        assert_eq!(view.next_request(b, 1, 1.0), None, "a request is pending");
        view.receive(GroupInternals::default());
        assert_eq!(view.next_request(a, 1, 900.0), None, "the run has not changed");
        assert_eq!(view.next_request(a, 2, 1.0), None, "too soon");
        assert!(view.next_request(b, 2, 2.0).is_some());
        view.receive(GroupInternals { now: 2, ..GroupInternals::default() });
        assert_eq!((view.of(NodeId(0)), view.of(NodeId(1)).map(|internals| internals.now)), (None, Some(2)));
    }
}
