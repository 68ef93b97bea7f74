//! What the page has asked about the inside of what is selected: a member of a group, a client of one, or the group.

use super::canvas_item::CanvasItem;
use super::scene::Scene;
use crate::scenario::{Micros, Scenario};
use crate::session::protocol::{Packed, Query, Request};
use crate::trace::NodeId;
use std::rc::Rc;

/// Distance between two requests while the run goes on, ms of true time.
const DISTANCE: f64 = 300.0;

/// The answer, and what was asked.
#[derive(Clone, Debug, Default)]
pub struct InternalsView {
    /// Whose inside it is, with the answer: an [`GroupInternals`](crate::session::protocol::internals::GroupInternals).
    told: Option<(NodeId, Rc<Packed>)>,
    /// What was asked last, when the run had so many records.
    asked: Option<(NodeId, u64)>,
    waiting: bool,
    last: f64,
}

impl InternalsView {
    /// Whether there is something to ask about a node when the run has so many records.
    pub fn is_behind(&self, about: Option<NodeId>, records: u64) -> bool {
        about.is_some_and(|node| self.asked != Some((node, records)))
    }

    /// The request that brings the answer, if it is time for one; at once where another node is asked about.
    pub fn next_request(&mut self, about: Option<NodeId>, records: u64, wall: f64) -> Option<Request> {
        let node = about.filter(|_| !self.waiting && self.is_behind(about, records))?;
        let other = self.told.as_ref().is_none_or(|(told, _)| *told != node);
        if !other && wall - self.last < DISTANCE {
            return None;
        }
        (self.waiting, self.last) = (true, wall);
        self.asked = Some((node, records));
        Some(Request::Query(Query::Internals { node }))
    }

    /// Takes the answer in.
    pub fn receive(&mut self, inside: Packed) {
        self.waiting = false;
        self.told = self.asked.map(|(node, _)| (node, Rc::new(inside)));
    }

    /// What was asked will not be answered; when the run has gone on, it is asked again.
    pub fn cancel_request(&mut self) {
        self.waiting = false;
    }

    /// The run stands elsewhere, and is asked at once; until it has answered, what was told stays.
    pub fn reset_request(&mut self) {
        (self.waiting, self.asked, self.last) = (false, None, f64::MIN);
    }

    /// What was told about a node.
    pub fn of(&self, node: NodeId) -> Option<Rc<Packed>> {
        self.told.as_ref().filter(|(told, _)| *told == node).map(|(_, inside)| inside.clone())
    }
}

/// The node whose inside is asked for where something is selected; none where there are no groups. Of what has to do with
/// none the answer is that there is nothing to tell.
pub fn about(scenario: &Scenario, scene: &Scene, selected: Option<&CanvasItem>) -> Option<NodeId> {
    let Some(CanvasItem::Node(id)) = selected else { return None };
    // Groups come behind all nodes that have cards.
    let group = scenario.groups.iter().position(|group| group.id == *id).map(|group| scene.nodes.len() + group);
    if scenario.groups.is_empty() { None } else { Some(NodeId(group.or_else(|| scene.find(id))? as u32)) }
}

/// Names of all nodes for people, in the order of their ids.
pub fn names(scenario: &Scenario) -> Vec<Rc<str>> {
    let or_id = |id: &str, name: &str| -> Rc<str> { if name.is_empty() { id.into() } else { name.into() } };
    let services = scenario.services.iter().map(|it| or_id(&it.id, &it.name));
    let buses = scenario.buses.iter().map(|it| or_id(&it.id, &it.name));
    let clients = scenario.clients.iter().map(|it| or_id(&it.id, &it.name));
    let groups = scenario.groups.iter().map(|it| or_id(&it.id, &it.name));
    services.chain(buses).chain(clients).chain(groups).collect()
}

/// Where an instant stands on an axis from one to another, %.
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
    fn the_inside_of_members_clients_and_groups_is_asked_for_by_their_places_in_the_run() {
        let of = |scenario: &Scenario, id: &str| {
            let rows: Vec<usize> = scenario.services.iter().map(|it| it.data.len()).collect();
            let scene = Scene::new(scenario, Layout::Free, &rows, &std::collections::BTreeMap::new(), None);
            about(scenario, &scene, Some(&CanvasItem::Node(id.into())))
        };
        let scenario = examples::find("quorum-inversion").expect("an example").scenario();
        let found = ["b", "writer", "shop", "gone"].map(|id| of(&scenario, id));
        assert_eq!(found, [Some(NodeId(1)), Some(NodeId(3)), Some(NodeId(6)), None]);
        assert_eq!(&*names(&scenario)[6], "Price");
        let scenario = examples::find("lost-event").expect("an example").scenario();
        assert!(scenario.services.iter().all(|it| of(&scenario, &it.id).is_none()), "there are no groups");
    }

    #[test]
    fn another_node_is_asked_about_at_once_and_the_same_one_when_the_run_has_gone_on() {
        let mut view = InternalsView { last: f64::MIN, ..InternalsView::default() };
        let (a, b) = (Some(NodeId(0)), Some(NodeId(1)));
        assert_eq!(view.next_request(None, 1, 0.0), None, "nothing is selected");
        assert!(view.next_request(a, 1, 0.0).is_some());
        assert_eq!(view.next_request(b, 1, 1.0), None, "an answer is awaited");
        view.receive(Packed::of(&1u32));
        assert_eq!(view.next_request(a, 1, 900.0), None, "nothing has happened");
        assert_eq!(view.next_request(a, 2, 1.0), None, "not so often");
        assert!(view.next_request(b, 2, 2.0).is_some());
        view.receive(Packed::of(&2u32));
        assert_eq!((view.of(NodeId(0)), view.of(NodeId(1)).and_then(|it| it.read::<u32>())), (None, Some(2)));
    }
}
