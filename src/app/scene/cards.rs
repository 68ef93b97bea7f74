//! The sizes and texts of cards.

use super::parts::{MAX_CARDS_OF_GROUP, MEMBER, NodeKind, SHOWN_ROWS, SHOWN_SUBSCRIPTIONS, SceneLink, SceneNode};
use crate::app::geometry::Rect;
use crate::scenario::Scenario;
use crate::text;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Width of a card.
const WIDTH: f64 = 232.0;
/// Height of a card's head, including the card's border.
const HEAD: f64 = 40.0;
/// Height of a row.
const ROW: f64 = 24.0;
/// Height of the border and padding of the rows.
const ROWS_PADDING: f64 = 11.0;
/// Height of the foot of a service or a bus.
const FOOT: f64 = 29.0;
/// Height of a subscription on a bus's card.
const SUBSCRIPTION: f64 = 30.0;
/// Height of the padding around the subscriptions.
const SUBSCRIPTIONS_PADDING: f64 = 15.0;
/// The maximum number of connections in a card's accessible name.
const NAMED_CONNECTIONS: usize = 6;

/// A position in the document: left and top.
type Position = Option<[i32; 2]>;

/// Returns the cards of a scenario without their places, and their positions in the document.
pub(super) fn cards(scenario: &Scenario, row_counts: &[usize]) -> (Vec<SceneNode>, Vec<Position>) {
    let large = scenario.groups.iter().filter(|group| group.members.len() > MAX_CARDS_OF_GROUP);
    let mut group_of: BTreeMap<&str, Rc<str>> = BTreeMap::new();
    for group in large {
        let id: Rc<str> = group.id.as_str().into();
        group_of.extend(group.members.iter().map(|member| (member.as_str(), id.clone())));
    }
    let services = scenario.services.iter().enumerate().map(|(index, service)| {
        let rows = row_counts.get(index).copied().unwrap_or(service.data.len());
        let mut card = card(&service.id, &service.name, NodeKind::Service, service_height(rows));
        card.group = group_of.get(service.id.as_str()).cloned();
        if card.group.is_some() {
            card.rect = Rect { w: MEMBER, h: MEMBER, ..card.rect };
        }
        (card, service.position)
    });
    let buses = scenario.buses.iter().map(|bus| {
        let subscriptions = scenario.services.iter().flat_map(|service| &service.subscribes);
        let height = bus_height(subscriptions.filter(|subscription| subscription.to == bus.id).count());
        (card(&bus.id, &bus.name, NodeKind::Bus, height), bus.position)
    });
    let clients = scenario.clients.iter().map(|client| {
        let height = HEAD + ROWS_PADDING + 3.0 * ROW;
        (card(&client.id, &client.name, NodeKind::Client, height), client.position)
    });
    services.chain(buses).chain(clients).unzip()
}

fn card(id: &str, name: &str, kind: NodeKind, height: f64) -> SceneNode {
    let name = if name.is_empty() { id } else { name };
    let rect = Rect { x: 0.0, y: 0.0, w: WIDTH, h: height };
    SceneNode { id: id.into(), name: name.into(), kind, group: None, rect, connections: "".into() }
}

/// Returns by how much each card is higher than with the data of the document.
pub(super) fn growth(scenario: &Scenario, nodes: &[SceneNode]) -> Vec<f64> {
    let height = |(node, placed): (usize, &SceneNode)| match scenario.services.get(node) {
        Some(service) if placed.group.is_none() => placed.rect.h - service_height(service.data.len()),
        Some(_) | None => 0.0,
    };
    nodes.iter().enumerate().map(height).collect()
}

fn service_height(rows: usize) -> f64 {
    // One row more states how many rows are hidden.
    let lines = if rows > SHOWN_ROWS { SHOWN_ROWS + 1 } else { rows.max(1) };
    HEAD + ROWS_PADDING + ROW * lines as f64 + FOOT
}

fn bus_height(subscriptions: usize) -> f64 {
    let lines = if subscriptions > SHOWN_SUBSCRIPTIONS { SHOWN_SUBSCRIPTIONS + 1 } else { subscriptions.max(1) };
    HEAD + SUBSCRIPTIONS_PADDING + SUBSCRIPTION * lines as f64 + FOOT
}

/// Writes each card's connections: `publishes to Event bus, called by Orders`.
pub(super) fn describe_connections(nodes: &mut [SceneNode], links: &[SceneLink]) {
    let mut connections: Vec<(usize, String)> = vec![(0, String::new()); nodes.len()];
    let mut add = |node: usize, verb: &'static str, other: usize| {
        let (count, text) = &mut connections[node];
        *count += 1;
        if *count <= NAMED_CONNECTIONS {
            let separator = if text.is_empty() { "" } else { ", " };
            text.push_str(&format!("{separator}{} {}", verb, nodes[other].name));
        }
    };
    for link in links {
        add(link.from, link.kind.word(), link.to);
        add(link.to, link.kind.inverse_word(), link.from);
    }
    for (node, (count, mut text)) in nodes.iter_mut().zip(connections) {
        if count > NAMED_CONNECTIONS {
            text.push_str(&format!(", {}", text!("and {} more", count - NAMED_CONNECTIONS)));
        }
        node.connections = text.into();
    }
}
