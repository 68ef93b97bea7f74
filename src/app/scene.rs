//! The scene: the places of cards, links and areas on the canvas. Pure; the components and the painter only draw it.

mod areas;
mod cards;
mod labels;
#[cfg(test)]
mod legibility;
mod links;
mod message_labels;
mod parts;
mod publish;
mod relations;
mod routing;

pub use areas::{Area, describe_group};
pub use message_labels::LabelPlaces;
pub use parts::{
    Layout, LinkKind, MEMBER, MEMBER_PITCH, NodeKind, SHOWN_ROWS, SHOWN_SUBSCRIPTIONS, SceneLink, SceneNode, TextAnchor,
};
pub use publish::PublishButton;

use super::detail::Detail;
use super::geometry::{Point, Rect, point};
use super::layout::{self, Card};
use crate::scenario::Scenario;
use crate::trace::NodeId;
use std::collections::{BTreeMap, BTreeSet};

/// Distance of replies from the middle of a link, so that they do not hide the messages of the other direction.
const REPLY_OFFSET: f64 = 8.0;
/// Minimum distance between the label of a link and the edge of a column.
const LABEL_EDGE: f64 = 4.0;
/// Maximum distance of a link's label outside of the drawing.
const LABEL_MARGIN: f64 = 16.0;
/// Height of the verdict chips over a column.
const CHIPS: f64 = 38.0;
/// Height of a group's label, which is above the group's topmost card.
const LABEL_HEIGHT: f64 = 28.0;

/// Everything on the canvas.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scene {
    /// The cards, by node number: services, buses, clients.
    pub nodes: Vec<SceneNode>,
    /// The links.
    pub links: Vec<SceneLink>,
    /// The areas behind the cards: groups and regions.
    pub areas: Vec<Area>,
    /// The publish button.
    pub publish: Option<PublishButton>,
    /// The level of detail for which the labels of links have their places.
    pub detail: Detail,
    /// The width of the column; infinite without one.
    width: f64,
    /// The index of the link between two nodes, by the nodes at its start and end.
    link_of_ends: BTreeMap<(u32, u32), usize>,
}

impl Scene {
    /// Lays out a scenario. `row_counts` holds the number of rows of each service's card, `drag_offsets` the
    /// displacement of cards that are being dragged, and `writer` the service of the publish button.
    pub fn new(
        scenario: &Scenario,
        layout: Layout,
        row_counts: &[usize],
        drag_offsets: &BTreeMap<String, (f64, f64)>,
        writer: Option<usize>,
    ) -> Scene {
        let (mut nodes, positions) = cards::cards(scenario, row_counts);
        let relations = relations::relations(scenario);
        let edges: Vec<(usize, usize)> = relations.iter().map(|relation| (relation.from, relation.to)).collect();
        let size =
            |(node, wanted): (&SceneNode, &Option<[i32; 2]>)| Card { w: node.rect.w, h: node.rect.h, wanted: *wanted };
        let sizes: Vec<Card> = nodes.iter().zip(&positions).map(size).collect();
        let (mut rects, width, spacing) = match layout {
            Layout::Free => (layout::free(&sizes, &edges), f64::INFINITY, routing::WIDE),
            Layout::Column(width) => (layout::column(&sizes, &edges, width), width, routing::NARROW),
            Layout::Grid => (layout::grid(&sizes, &edges, &groups(scenario, &nodes)), f64::INFINITY, routing::WIDE),
        };
        layout::make_room(&mut rects, &cards::growth(scenario, &nodes));
        arrange_members(&nodes, &mut rects, width);
        for (node, rect) in nodes.iter_mut().zip(rects) {
            let (dx, dy) = drag_offsets.get(&*node.id).copied().unwrap_or_default();
            node.rect = Rect { x: rect.x + dx, y: rect.y + dy, ..rect };
        }
        let publish = writer.filter(|node| *node < nodes.len());
        let mut areas = areas::areas(scenario, &nodes, layout != Layout::Free);
        if width.is_finite() {
            // The name of an area that begins the column is below the verdict chips.
            let top = areas.iter().map(|area| area.name_rect(Detail::default()).y).fold(f64::INFINITY, f64::min);
            let down = (CHIPS - top).clamp(0.0, CHIPS);
            nodes.iter_mut().for_each(|node| node.rect.y += down);
            areas = areas::areas(scenario, &nodes, true);
        }
        let names: Vec<Rect> = areas.iter().map(|area| area.name_rect(Detail::at(0.5))).collect();
        let publish = publish.map(|node| publish::publish_button(&nodes, &relations, &names, node));
        let links = links::links(scenario, &nodes, &relations, publish.as_ref(), spacing);
        let button = publish.iter().map(PublishButton::rect);
        let taken: Vec<Rect> = nodes.iter().map(|node| node.rect).chain(button).collect();
        areas::clear_names(&mut areas, &taken, &links);
        cards::describe_connections(&mut nodes, &links);
        let ends = |link: &SceneLink| (link.from as u32, link.to as u32);
        let mut link_of_ends = BTreeMap::new();
        link_of_ends.extend(links.iter().enumerate().map(|(index, link)| (ends(link), index)));
        let mut scene = Scene { nodes, links, areas, publish, detail: Detail::default(), width, link_of_ends };
        scene.place_labels(Detail::default());
        scene
    }

    /// Returns whether the cards form the column of a narrow page.
    pub fn is_column(&self) -> bool {
        self.width.is_finite()
    }

    /// Places the labels of links for a level of detail.
    pub fn place_labels(&mut self, detail: Detail) {
        self.detail = detail;
        let publish = self.publish.iter().map(|button| button.rect_at(detail));
        let taken: Vec<Rect> = publish.chain(self.names_of_areas()).collect();
        // A fitted drawing has a margin.
        let bounds = self.bounds();
        let edges = match self.is_column() {
            true => (LABEL_EDGE, self.width - LABEL_EDGE),
            false => (bounds.x - LABEL_MARGIN, bounds.right() + LABEL_MARGIN),
        };
        labels::place(&mut self.links, &self.nodes, &taken, edges, detail);
    }

    /// Returns the places of the names of groups and regions.
    pub fn names_of_areas(&self) -> impl Iterator<Item = Rect> {
        self.areas.iter().map(|area| area.name_rect(self.detail))
    }

    /// Returns the link between two nodes, and whether it is drawn in the opposite direction.
    pub fn link_between(&self, from: NodeId, to: NodeId) -> Option<(usize, bool)> {
        let same_direction = self.link_of_ends.get(&(from.0, to.0)).map(|link| (*link, false));
        same_direction.or_else(|| self.link_of_ends.get(&(to.0, from.0)).map(|link| (*link, true)))
    }

    /// Returns the position and the direction of a message that has travelled a share (0 to 1) of its way.
    pub fn message_position(&self, from: NodeId, to: NodeId, share: f64) -> Option<(Point, Point)> {
        let Some((link, is_opposite)) = self.link_between(from, to) else {
            // Members of a large group have no links, so the message moves straight from card to card.
            let center = |node: NodeId| Some(self.nodes.get(node.index())?.rect.center());
            let (start, end) = (center(from)?, center(to)?);
            let length = start.distance(end).max(1.0);
            let direction = point((end.x - start.x) / length, (end.y - start.y) / length);
            return Some((start.mix(end, share), direction));
        };
        let curve = &self.links[link].curve;
        if !is_opposite {
            return Some((curve.at(share), curve.direction(share)));
        }
        let (at, along) = (curve.at(1.0 - share), curve.direction(1.0 - share));
        let position = point(at.x - along.y * REPLY_OFFSET, at.y + along.x * REPLY_OFFSET);
        Some((position, point(-along.x, -along.y)))
    }

    /// Returns the smallest rectangle around everything.
    pub fn bounds(&self) -> Rect {
        let button = self.publish.iter().map(PublishButton::widest);
        let label = |at: Point| Rect { x: at.x, y: at.y - LABEL_HEIGHT, w: 1.0, h: LABEL_HEIGHT };
        let areas = self.areas.iter().flat_map(|area| [area.rect, label(area.label_at)]);
        let rects = self.nodes.iter().map(|node| node.rect).chain(button).chain(areas);
        rects.reduce(|a, b| a.union(&b)).unwrap_or(Rect { x: 0.0, y: 0.0, w: 400.0, h: 300.0 })
    }

    /// Returns the smallest rectangle around some cards, or around everything.
    pub fn bounds_of(&self, only: Option<&BTreeSet<usize>>) -> Rect {
        let cards = only.into_iter().flatten().filter_map(|node| self.nodes.get(*node)).map(|node| node.rect);
        let lines = only.is_none().then(|| self.links.iter().flat_map(|link| link.curve.points().iter()));
        let lines = lines.into_iter().flatten().map(|at| Rect { x: at.x, y: at.y, w: 0.0, h: 0.0 });
        let everything = only.is_none().then(|| self.bounds());
        let all = cards.chain(everything).chain(lines);
        all.reduce(|a, b| a.union(&b)).unwrap_or_else(|| self.bounds())
    }

    /// Returns the index of the card with this id.
    pub fn find(&self, id: &str) -> Option<usize> {
        self.nodes.iter().position(|node| &*node.id == id)
    }

    /// Returns the nearest card in a direction, for the arrow keys. `dx` and `dy` are -1, 0 or 1.
    pub fn neighbour(&self, from: usize, dx: i32, dy: i32) -> Option<usize> {
        let origin = self.nodes.get(from)?.rect.center();
        let cost = |node: usize| {
            let center = self.nodes[node].rect.center();
            let (along, across) = if dx != 0 {
                ((center.x - origin.x) * f64::from(dx), (center.y - origin.y).abs())
            } else {
                ((center.y - origin.y) * f64::from(dy), (center.x - origin.x).abs())
            };
            (along > 1.0).then_some(along + 2.0 * across)
        };
        let others = (0..self.nodes.len()).filter(|node| *node != from);
        others.filter_map(|node| Some((node, cost(node)?))).min_by(|a, b| a.1.total_cmp(&b.1)).map(|(node, _)| node)
    }

    /// Returns the cards that a selection box touches.
    pub fn touched(&self, area: &Rect) -> impl Iterator<Item = usize> {
        let area = *area;
        self.nodes.iter().enumerate().filter(move |(_, node)| node.rect.overlaps(&area)).map(|(i, _)| i)
    }
}

/// Returns the group of each card, by its index in the scenario.
fn groups(scenario: &Scenario, nodes: &[SceneNode]) -> Vec<Option<usize>> {
    let group =
        |node: &SceneNode| scenario.groups.iter().position(|group| group.members.iter().any(|id| **id == *node.id));
    nodes.iter().map(group).collect()
}

/// Arranges the members of each large group in rows, beginning at the uppermost and leftmost of them.
fn arrange_members(nodes: &[SceneNode], rects: &mut [Rect], width: f64) {
    let mut members: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (node, placed) in nodes.iter().enumerate() {
        if let Some(group) = &placed.group {
            members.entry(group).or_default().push(node);
        }
    }
    for members in members.into_values() {
        let left = members.iter().map(|node| rects[*node].x).fold(f64::INFINITY, f64::min);
        let top = members.iter().map(|node| rects[*node].y).fold(f64::INFINITY, f64::min);
        let room = ((width - 2.0 * left.max(0.0)) / MEMBER_PITCH).max(1.0);
        // About twice as wide as high, as most windows are.
        let columns = (libm::sqrt(2.0 * members.len() as f64).ceil()).min(room.floor()) as usize;
        for (place, node) in members.into_iter().enumerate() {
            let (row, column) = (place / columns, place % columns);
            let (x, y) = (left + MEMBER_PITCH * column as f64, top + MEMBER_PITCH * row as f64);
            rects[node] = Rect { x, y, w: MEMBER, h: MEMBER };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::examples;

    fn first() -> (Scenario, Scene) {
        let scenario = Scenario::first();
        let scene = Scene::new(&scenario, Layout::Free, &[1, 1], &BTreeMap::new(), Some(0));
        (scenario, scene)
    }

    #[test]
    fn an_event_and_its_acknowledgement_move_along_the_same_link() {
        let (_, scene) = first();
        let (inventory, bus) = (NodeId(0), NodeId(2));
        let forth = scene.link_between(inventory, bus).expect("a link");
        let back = scene.link_between(bus, inventory).expect("a link");
        assert_eq!((forth.0, forth.1, back.1), (back.0, false, true));
        let (start, _) = scene.message_position(inventory, bus, 0.0).expect("on the link");
        let (end, _) = scene.message_position(bus, inventory, 1.0).expect("on the link");
        assert!(start.distance(end) < 10.0, "{start:?} {end:?}");
    }

    #[test]
    fn the_publish_button_covers_no_card() {
        let (scenario, scene) = first();
        let publish = scene.publish.expect("a button");
        assert_eq!(scenario.services[publish.node].id, "inventory");
        assert!(scene.nodes.iter().all(|node| !node.rect.overlaps(&publish.rect())));
    }

    #[test]
    fn the_label_of_a_link_contains_its_latency() {
        let (_, scene) = first();
        assert_eq!(&*scene.links[0].label, "150–250 ms");
        assert_eq!(&*scene.links[1].label, "~600 ms");
    }

    #[test]
    fn arrow_keys_move_to_the_nearest_card() {
        let (_, scene) = first();
        assert_eq!(scene.neighbour(0, 1, 0), Some(2));
        assert_eq!(scene.neighbour(2, 1, 0), Some(1));
        assert_eq!(scene.neighbour(0, -1, 0), None);
    }

    #[test]
    fn links_move_with_a_dragged_card() {
        let (scenario, scene) = first();
        let offsets = [("inventory".to_string(), (30.0, -20.0))].into_iter().collect();
        let dragged = Scene::new(&scenario, Layout::Free, &[1, 1], &offsets, Some(0));
        let (before, after) = (scene.links[0].curve.at(0.0), dragged.links[0].curve.at(0.0));
        assert_eq!((after.x - before.x, after.y - before.y), (30.0, -20.0));
    }

    #[test]
    fn every_example_has_links_or_a_group() {
        for example in examples::EXAMPLES {
            let scenario = example.scenario();
            let scene = Scene::new(&scenario, Layout::Column(390.0), &[], &BTreeMap::new(), None);
            assert!(!scene.links.is_empty() || scene.areas.iter().any(|area| !area.region), "{}", example.id);
        }
    }
}
