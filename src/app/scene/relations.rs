//! The connections of a scenario's nodes, and the sides of cards at which their links end.

use super::parts::{LinkKind, SceneNode};
use crate::app::geometry::Rect;
use crate::scenario::Scenario;
use litemap::LiteMap;

/// The maximum number of members whose replication is drawn. More links would hide everything else.
const MAX_LINKED_MEMBERS: usize = 6;
/// Distance between cards from which a link leaves at the sides instead of top and bottom.
const SIDE_GAP: f64 = 10.0;

/// A connection of two nodes in the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Relation {
    /// The card at its start.
    pub from: usize,
    /// The card at its end.
    pub to: usize,
    /// Its purpose.
    pub kind: LinkKind,
}

/// Returns the connections of a scenario. Each pair of nodes occurs once in each direction, for its first purpose.
pub(super) fn relations(scenario: &Scenario) -> Vec<Relation> {
    let services = scenario.services.iter().map(|node| node.id.as_str());
    let buses = scenario.buses.iter().map(|node| node.id.as_str());
    let clients = scenario.clients.iter().map(|node| node.id.as_str());
    let mut numbers: LiteMap<&str, usize> = LiteMap::new();
    numbers.extend(services.chain(buses).chain(clients).zip(0..));
    let mut relations: Vec<Relation> = Vec::new();
    let mut add = |from: usize, to: Option<usize>, kind: LinkKind| {
        let Some(to) = to else { return };
        if !relations.iter().any(|other| (other.from, other.to) == (from, to)) {
            relations.push(Relation { from, to, kind });
        }
    };
    let number = |id: &str| numbers.get(id).copied();
    for (node, service) in scenario.services.iter().enumerate() {
        service.publishes.iter().for_each(|publication| add(node, number(&publication.to), LinkKind::Publishes));
        for bus in service.subscribes.iter().filter_map(|subscription| number(&subscription.to)) {
            add(bus, Some(node), LinkKind::Delivers);
        }
        service.calls.iter().for_each(|call| add(node, number(&call.to), LinkKind::Calls));
    }
    let first_client = scenario.services.len() + scenario.buses.len();
    for (index, client) in scenario.clients.iter().enumerate() {
        let node = first_client + index;
        add(node, number(&client.target), LinkKind::Asks);
        client.reads_from.iter().for_each(|service| add(node, number(service), LinkKind::Asks));
        scenario.asked_members(client).into_iter().for_each(|member| add(node, number(member), LinkKind::Asks));
    }
    for group in scenario.groups.iter().filter(|group| group.members.len() <= MAX_LINKED_MEMBERS) {
        let members: Vec<usize> = group.members.iter().filter_map(|id| number(id)).collect();
        for (index, member) in members.iter().enumerate() {
            members[index + 1..].iter().for_each(|other| add(*member, Some(*other), LinkKind::Replicates));
        }
    }
    relations
}

/// A side of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    Left,
    Right,
    Top,
    Bottom,
}

impl Side {
    pub(super) fn is_vertical(self) -> bool {
        matches!(self, Side::Left | Side::Right)
    }
}

/// The sides of two cards that a link connects.
pub(super) fn sides(from: &Rect, to: &Rect) -> (Side, Side) {
    if to.x - from.right() >= SIDE_GAP {
        (Side::Right, Side::Left)
    } else if from.x - to.right() >= SIDE_GAP {
        (Side::Left, Side::Right)
    } else if to.center().y >= from.center().y {
        (Side::Bottom, Side::Top)
    } else {
        (Side::Top, Side::Bottom)
    }
}

/// Returns whether a link ends at a side of a card.
pub(super) fn has_links(nodes: &[SceneNode], relations: &[Relation], node: usize, side: Side) -> bool {
    relations.iter().any(|relation| {
        let (start, end) = sides(&nodes[relation.from].rect, &nodes[relation.to].rect);
        (relation.from, start) == (node, side) || (relation.to, end) == (node, side)
    })
}
