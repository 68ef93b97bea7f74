//! What stands where: cards, links, and the points that messages pass, from a scenario and how many rows
//! its cards show. Pure; the components and the painter only draw it.

use super::areas::{Area, areas};
use super::geometry::{Curve, Point, Rect, point};
use super::layout::{self, Card};
use crate::scenario::{Latency, Scenario};
use crate::trace::NodeId;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Rows that a service's card shows at most; the others are counted below them.
pub const SHOWN_ROWS: usize = 6;
/// Lanes that a bus's card shows at most; the others are counted below them.
pub const SHOWN_LANES: usize = 8;
/// Connections that a card's name tells at most.
const TOLD_LINKS: usize = 6;
/// Height of a card's head, with the border round the card.
const HEAD: f64 = 40.0;
/// Height of a row.
const ROW: f64 = 24.0;
/// Height of the rows' own border and padding.
const ROWS: f64 = 11.0;
/// Height of a service's foot.
const FOOT: f64 = 29.0;
/// Height of a lane, and of the padding round them.
const LANE: f64 = 30.0;
const LANES: f64 = 15.0;
/// Distance between links at the same edge of a card.
const PORT: f64 = 26.0;
/// Members of larger groups have no links between them: there would be too many to see anything.
const MOST_LINKED_MEMBERS: usize = 6;

/// What a card is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// A service.
    Service,
    /// An event bus.
    Bus,
    /// A client.
    Client,
    /// A replica group: not a card, but an area round its members.
    Group,
}

impl NodeKind {
    /// As people say it.
    pub fn word(self) -> &'static str {
        match self {
            NodeKind::Service => "Service",
            NodeKind::Bus => "Bus",
            NodeKind::Client => "Client",
            NodeKind::Group => "Replica group",
        }
    }
}

/// A card.
#[derive(Clone, Debug, PartialEq)]
pub struct SceneNode {
    /// The node's id in the document.
    pub id: Rc<str>,
    /// What people see.
    pub name: Rc<str>,
    /// What it is.
    pub kind: NodeKind,
    /// Where it stands.
    pub rect: Rect,
    /// What it is connected with, as a sentence for its name.
    pub connections: Rc<str>,
}

/// Why there is a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkKind {
    /// A service publishes to a bus.
    Publishes,
    /// A bus delivers to a service.
    Delivers,
    /// A service calls another and waits.
    Calls,
    /// A client asks a service.
    Asks,
    /// Members of a group replicate to each other.
    Replicates,
}

impl LinkKind {
    /// As people say it.
    pub fn word(self) -> &'static str {
        match self {
            LinkKind::Publishes => "publishes to",
            LinkKind::Delivers => "delivers to",
            LinkKind::Calls => "calls",
            LinkKind::Asks => "asks",
            LinkKind::Replicates => "replicates with",
        }
    }
}

/// A link between two cards, drawn once for both directions.
#[derive(Clone, Debug, PartialEq)]
pub struct SceneLink {
    /// Index of the card at its start.
    pub from: usize,
    /// Index of the card at its end.
    pub to: usize,
    /// Why it is there.
    pub kind: LinkKind,
    /// Its way.
    pub curve: Rc<Curve>,
    /// Latency, and loss where there is any.
    pub label: Rc<str>,
    /// Where the label stands: the middle of its base line.
    pub label_at: Point,
}

/// How cards are laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Layout {
    /// As the document says.
    #[default]
    Free,
    /// In one column of that width.
    Column(f64),
}

/// Everything that stands on the canvas.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scene {
    /// The cards, by node number: services, buses, clients.
    pub nodes: Vec<SceneNode>,
    /// The links.
    pub links: Vec<SceneLink>,
    /// What stands behind the cards: groups and regions.
    pub areas: Vec<Area>,
    /// Where the publish button stands, and for which service.
    pub publish: Option<Publish>,
    by_ends: BTreeMap<(u32, u32), usize>,
}

/// The publish button.
#[derive(Clone, Debug, PartialEq)]
pub struct Publish {
    /// The service, by number.
    pub node: usize,
    /// Where it stands on a free canvas.
    pub at: Point,
}

/// Size of the publish button.
pub const PUBLISH: (f64, f64) = (164.0, 36.0);

impl Scene {
    /// The scene of a scenario. `rows` says how many rows a service's card has; `moved` shifts cards that
    /// are being dragged; `writer` is the service that the publish button writes to.
    pub fn new(
        scenario: &Scenario,
        layout: Layout,
        rows: &[usize],
        moved: &BTreeMap<String, (f64, f64)>,
        writer: Option<usize>,
    ) -> Scene {
        let mut nodes = cards(scenario, rows);
        let relations = relations(scenario);
        let edges: Vec<(usize, usize)> = relations.iter().map(|(from, to, _)| (*from, *to)).collect();
        let sizes: Vec<Card> =
            nodes.iter().map(|(placed, wanted)| Card { w: placed.rect.w, h: placed.rect.h, wanted: *wanted }).collect();
        let rects = match layout {
            Layout::Free => layout::free(&sizes, &edges),
            Layout::Column(width) => layout::column(&sizes, &edges, width),
        };
        for ((placed, _), rect) in nodes.iter_mut().zip(rects) {
            placed.rect = rect;
            if let Some((dx, dy)) = moved.get(&*placed.id) {
                placed.rect.x += dx;
                placed.rect.y += dy;
            }
        }
        let mut nodes: Vec<SceneNode> = nodes.into_iter().map(|(placed, _)| placed).collect();
        let links = links(scenario, &nodes, &relations);
        tell_links(&mut nodes, &links);
        let by_ends = links.iter().enumerate().map(|(i, link)| ((link.from as u32, link.to as u32), i)).collect();
        let publish = writer.filter(|node| *node < nodes.len()).map(|node| publish(&nodes, node));
        let areas = areas(scenario, &nodes);
        Scene { nodes, links, areas, publish, by_ends }
    }

    /// The link that a message between the two passes, and whether it goes against the link's arrow.
    pub fn link_between(&self, from: NodeId, to: NodeId) -> Option<(usize, bool)> {
        let forward = self.by_ends.get(&(from.0, to.0)).map(|link| (*link, false));
        forward.or_else(|| self.by_ends.get(&(to.0, from.0)).map(|link| (*link, true)))
    }

    /// Where a message between the two is when it has gone that share of its way, and where it heads.
    pub fn on_way(&self, from: NodeId, to: NodeId, share: f64) -> Option<(Point, Point)> {
        let Some((link, back)) = self.link_between(from, to) else {
            // Members of a large group have no links: straight from card to card.
            let centre = |node: NodeId| Some(self.nodes.get(node.index())?.rect.center());
            let (a, b) = (centre(from)?, centre(to)?);
            let length = a.distance(b).max(1.0);
            return Some((a.mix(b, share), point((b.x - a.x) / length, (b.y - a.y) / length)));
        };
        let curve = &self.links[link].curve;
        if !back {
            return Some((curve.at(share), curve.direction(share)));
        }
        // Answers keep to one side, so that they do not hide what comes towards them.
        let (at, along) = (curve.at(1.0 - share), curve.direction(1.0 - share));
        Some((point(at.x - along.y * 8.0, at.y + along.x * 8.0), point(-along.x, -along.y)))
    }

    /// The smallest rectangle round everything.
    pub fn bounds(&self) -> Rect {
        let button =
            self.publish.as_ref().map(|publish| Rect { x: publish.at.x, y: publish.at.y, w: PUBLISH.0, h: PUBLISH.1 });
        // A group's label stands above its topmost card.
        let labels =
            self.areas.iter().map(|area| Rect { x: area.label_at.x, y: area.label_at.y - 18.0, w: 1.0, h: 18.0 });
        let areas = self.areas.iter().map(|area| area.rect);
        let all = self.nodes.iter().map(|node| node.rect).chain(button).chain(areas).chain(labels);
        all.reduce(|a, b| a.union(&b)).unwrap_or(Rect { x: 0.0, y: 0.0, w: 400.0, h: 300.0 })
    }

    /// The card with that id.
    pub fn find(&self, id: &str) -> Option<usize> {
        self.nodes.iter().position(|node| &*node.id == id)
    }

    /// The nearest card in a direction (-1, 0 or 1 along each axis), for the arrow keys.
    pub fn neighbour(&self, from: usize, dx: i32, dy: i32) -> Option<usize> {
        let origin = self.nodes.get(from)?.rect.center();
        let cost = |i: usize| {
            let p = self.nodes[i].rect.center();
            let (along, across) = if dx != 0 {
                ((p.x - origin.x) * f64::from(dx), (p.y - origin.y).abs())
            } else {
                ((p.y - origin.y) * f64::from(dy), (p.x - origin.x).abs())
            };
            (along > 1.0).then_some(along + 2.0 * across)
        };
        let others = (0..self.nodes.len()).filter(|i| *i != from);
        others.filter_map(|i| Some((i, cost(i)?))).min_by(|a, b| a.1.total_cmp(&b.1)).map(|(i, _)| i)
    }

    /// Indices of the cards inside a rectangle, as a box selection means it: touched is enough.
    pub fn touched(&self, area: &Rect) -> impl Iterator<Item = usize> {
        let area = *area;
        self.nodes.iter().enumerate().filter(move |(_, node)| node.rect.overlaps(&area)).map(|(i, _)| i)
    }
}

/// What each card is connected with.
fn tell_links(nodes: &mut [SceneNode], links: &[SceneLink]) {
    let mut told: Vec<(usize, String)> = vec![(0, String::new()); nodes.len()];
    let mut tell = |node: usize, verb: &str, other: usize| {
        let (count, text) = &mut told[node];
        *count += 1;
        if *count <= TOLD_LINKS {
            let comma = if text.is_empty() { "" } else { ", " };
            text.push_str(&format!("{comma}{verb} {}", nodes[other].name));
        }
    };
    for link in links {
        tell(link.from, link.kind.word(), link.to);
        let verb = match link.kind {
            LinkKind::Publishes | LinkKind::Delivers => "receives from",
            LinkKind::Calls => "called by",
            LinkKind::Asks => "asked by",
            LinkKind::Replicates => "replicates with",
        };
        tell(link.to, verb, link.from);
    }
    for (node, (count, mut text)) in nodes.iter_mut().zip(told) {
        if count > TOLD_LINKS {
            text.push_str(&format!(", and {} more", count - TOLD_LINKS));
        }
        node.connections = text.into();
    }
}

fn cards(scenario: &Scenario, rows: &[usize]) -> Vec<(SceneNode, Option<[i32; 2]>)> {
    let card = |id: &str, name: &str, kind, w, h, position: Option<[i32; 2]>| {
        let name = if name.is_empty() { id } else { name };
        (
            SceneNode {
                id: id.into(),
                name: name.into(),
                kind,
                rect: Rect { x: 0.0, y: 0.0, w, h },
                connections: "".into(),
            },
            position,
        )
    };
    let services = scenario.services.iter().enumerate().map(|(i, service)| {
        let rows = rows.get(i).copied().unwrap_or(service.data.len());
        card(&service.id, &service.name, NodeKind::Service, 224.0, service_height(rows), service.position)
    });
    let buses = scenario.buses.iter().map(|bus| {
        let lanes = scenario.services.iter().flat_map(|s| &s.subscribes).filter(|s| s.to == bus.id).count();
        let shown = if lanes > SHOWN_LANES { SHOWN_LANES + 1 } else { lanes.max(1) };
        let height = HEAD + LANES + LANE * shown as f64;
        card(&bus.id, &bus.name, NodeKind::Bus, 224.0, height, bus.position)
    });
    let clients = scenario.clients.iter().map(|client| {
        card(&client.id, &client.name, NodeKind::Client, 224.0, HEAD + ROWS + 2.0 * ROW, client.position)
    });
    services.chain(buses).chain(clients).collect()
}

fn service_height(rows: usize) -> f64 {
    let shown = if rows > SHOWN_ROWS { SHOWN_ROWS + 1 } else { rows.max(1) };
    HEAD + ROWS + ROW * shown as f64 + FOOT
}

/// Who sends to whom and why, by card; each pair once, for its first reason.
fn relations(scenario: &Scenario) -> Vec<(usize, usize, LinkKind)> {
    let ids: Vec<&str> = scenario
        .services
        .iter()
        .map(|s| s.id.as_str())
        .chain(scenario.buses.iter().map(|b| b.id.as_str()))
        .chain(scenario.clients.iter().map(|c| c.id.as_str()))
        .collect();
    let number: BTreeMap<&str, usize> = ids.iter().enumerate().map(|(i, id)| (*id, i)).collect();
    let mut all = Vec::new();
    let mut add = |from: usize, to: usize, kind| {
        if !all.iter().any(|(f, t, _)| (*f, *t) == (from, to)) {
            all.push((from, to, kind));
        }
    };
    for (i, service) in scenario.services.iter().enumerate() {
        for to in service.publishes.iter().filter_map(|p| number.get(p.to.as_str())) {
            add(i, *to, LinkKind::Publishes);
        }
        for from in service.subscribes.iter().filter_map(|s| number.get(s.to.as_str())) {
            add(*from, i, LinkKind::Delivers);
        }
        for to in service.calls.iter().filter_map(|c| number.get(c.to.as_str())) {
            add(i, *to, LinkKind::Calls);
        }
    }
    let first_client = scenario.services.len() + scenario.buses.len();
    for (i, client) in scenario.clients.iter().enumerate() {
        for to in [Some(&client.target), client.reads_from.as_ref()].into_iter().flatten() {
            if let Some(to) = number.get(to.as_str()) {
                add(first_client + i, *to, LinkKind::Asks);
            }
        }
        for member in scenario.asked_members(client) {
            if let Some(to) = number.get(member) {
                add(first_client + i, *to, LinkKind::Asks);
            }
        }
    }
    for group in scenario.groups.iter().filter(|group| group.members.len() <= MOST_LINKED_MEMBERS) {
        let members: Vec<usize> = group.members.iter().filter_map(|id| number.get(id.as_str()).copied()).collect();
        for (i, from) in members.iter().enumerate() {
            members[i + 1..].iter().for_each(|to| add(*from, *to, LinkKind::Replicates));
        }
    }
    all
}

/// The edge of a card at which a link ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Left,
    Right,
    Top,
    Bottom,
}

fn sides(a: &Rect, b: &Rect) -> (Side, Side) {
    if b.x - a.right() >= 24.0 {
        (Side::Right, Side::Left)
    } else if a.x - b.right() >= 24.0 {
        (Side::Left, Side::Right)
    } else if b.center().y >= a.center().y {
        (Side::Bottom, Side::Top)
    } else {
        (Side::Top, Side::Bottom)
    }
}

/// Ends of links at one edge of a card: where the other end lies, which link, whether it starts here.
type Ports = BTreeMap<(usize, Side), Vec<(f64, usize, bool)>>;

fn links(scenario: &Scenario, nodes: &[SceneNode], relations: &[(usize, usize, LinkKind)]) -> Vec<SceneLink> {
    // In the order of their other ends, so that links do not cross at the edge.
    let mut ports = Ports::new();
    for (i, (from, to, _)) in relations.iter().enumerate() {
        let (a, b) = (&nodes[*from].rect, &nodes[*to].rect);
        let (at_a, at_b) = sides(a, b);
        let key = |side: Side, other: &Rect| match side {
            Side::Left | Side::Right => other.center().y,
            Side::Top | Side::Bottom => other.center().x,
        };
        ports.entry((*from, at_a)).or_default().push((key(at_a, b), i, true));
        ports.entry((*to, at_b)).or_default().push((key(at_b, a), i, false));
    }
    let mut ends = vec![(Point::default(), Point::default(), Side::Right, Side::Left); relations.len()];
    for ((node, side), mut list) in ports {
        list.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        for (place, (_, link, start)) in list.iter().enumerate() {
            let p = port(&nodes[node].rect, side, place, list.len());
            let end = &mut ends[*link];
            if *start {
                (end.0, end.2) = (p, side);
            } else {
                (end.1, end.3) = (p, side);
            }
        }
    }
    relations
        .iter()
        .zip(ends)
        .map(|((from, to, kind), (start, end, leaves, arrives))| {
            let reach = handle_length(start, end);
            let curve = Curve::new([start, off(start, leaves, reach), off(end, arrives, reach), end]);
            let (dx, dy) = ((end.x - start.x).abs(), end.y - start.y);
            let label_at = if dy.abs() > dx {
                let middle = curve.at(0.5);
                point(middle.x + 10.0, middle.y + 4.0)
            } else if dy.abs() < 30.0 {
                let middle = curve.at(0.5);
                point(middle.x, middle.y - 10.0)
            } else {
                // On the side that a sloping link turns away from.
                let early = curve.at(0.22);
                point(early.x, early.y + if dy > 0.0 { -9.0 } else { 17.0 })
            };
            SceneLink {
                from: *from,
                to: *to,
                kind: *kind,
                curve: Rc::new(curve),
                label: link_label(scenario, &nodes[*from].id, &nodes[*to].id).into(),
                label_at,
            }
        })
        .collect()
}

fn port(rect: &Rect, side: Side, place: usize, of: usize) -> Point {
    let (length, room) = match side {
        Side::Left | Side::Right => (rect.h, rect.h - 40.0),
        Side::Top | Side::Bottom => (rect.w, rect.w - 60.0),
    };
    let step = if of > 1 { PORT.min(room.max(8.0) / (of - 1) as f64) } else { 0.0 };
    let along = length / 2.0 + (place as f64 - (of - 1) as f64 / 2.0) * step;
    match side {
        Side::Left => point(rect.x - 4.0, rect.y + along),
        Side::Right => point(rect.right(), rect.y + along),
        Side::Top => point(rect.x + along, rect.y - 4.0),
        Side::Bottom => point(rect.x + along, rect.bottom()),
    }
}

fn handle_length(a: Point, b: Point) -> f64 {
    (a.distance(b) * 0.45).clamp(12.0, 160.0)
}

fn off(p: Point, side: Side, by: f64) -> Point {
    match side {
        Side::Left => point(p.x - by, p.y),
        Side::Right => point(p.x + by, p.y),
        Side::Top => point(p.x, p.y - by),
        Side::Bottom => point(p.x, p.y + by),
    }
}

/// Below the service's card, or where the canvas is free near it.
fn publish(nodes: &[SceneNode], node: usize) -> Publish {
    let rect = nodes[node].rect;
    let (w, h) = PUBLISH;
    let spots = [
        point(rect.x, rect.bottom() + 16.0),
        point(rect.x, rect.y - 16.0 - h),
        point(rect.x - 16.0 - w, rect.y),
        point(rect.right() - w, rect.bottom() + 16.0),
    ];
    let free = |p: &Point| {
        let area = Rect { x: p.x, y: p.y, w, h };
        nodes.iter().all(|other| !other.rect.overlaps(&area))
    };
    Publish { node, at: spots.iter().copied().find(free).unwrap_or(spots[0]) }
}

fn link_label(scenario: &Scenario, from: &str, to: &str) -> String {
    let link = scenario
        .links
        .iter()
        .find(|link| link.from == from && link.to == to)
        .or_else(|| scenario.links.iter().find(|link| link.from == to && link.to == from));
    let latency = scenario.latency(from, to);
    let mut label = latency_label(latency);
    if let Some(link) = link {
        if link.loss > 0.0 {
            label.push_str(&format!(", {} lost", percent(link.loss)));
        }
        if link.duplicate > 0.0 {
            label.push_str(&format!(", {} twice", percent(link.duplicate)));
        }
    }
    label
}

fn percent(share: f64) -> String {
    format!("{} %", (share * 1000.0).round() / 10.0)
}

fn latency_label(latency: &Latency) -> String {
    match latency {
        Latency::Constant { ms } => milliseconds(*ms),
        Latency::Uniform { low_ms, high_ms } => format!("{}–{} ms", round(*low_ms), round(*high_ms)),
        Latency::Exponential { mean_ms } | Latency::Normal { mean_ms, .. } => {
            format!("~{}", milliseconds(*mean_ms))
        }
        Latency::Lognormal { median_ms, .. } => format!("~{}", milliseconds(*median_ms)),
        Latency::Pareto { scale_ms, .. } => format!("≥ {}", milliseconds(*scale_ms)),
        Latency::Mixture { .. } => "mixture".into(),
        Latency::Samples { ms } => {
            let mut sorted = ms.clone();
            sorted.sort_by(f64::total_cmp);
            sorted.get(sorted.len() / 2).map_or("measured".into(), |median| format!("~{}", milliseconds(*median)))
        }
    }
}

fn milliseconds(ms: f64) -> String {
    format!("{} ms", round(ms))
}

/// Three digits that mean something.
fn round(x: f64) -> f64 {
    if x >= 100.0 { x.round() } else { (x * 10.0).round() / 10.0 }
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
    fn event_and_its_acknowledgement_pass_the_same_wire() {
        let (_, scene) = first();
        let (inventory, bus) = (NodeId(0), NodeId(2));
        let (there, back) =
            (scene.link_between(inventory, bus).expect("a link"), scene.link_between(bus, inventory).expect("a link"));
        assert_eq!((there.0, there.1, back.1), (back.0, false, true));
        let (start, _) = scene.on_way(inventory, bus, 0.0).expect("on the link");
        let (end, _) = scene.on_way(bus, inventory, 1.0).expect("on the link");
        assert!(start.distance(end) < 10.0, "{start:?} {end:?}");
    }

    #[test]
    fn publish_button_covers_no_card() {
        let (scenario, scene) = first();
        let publish = scene.publish.expect("a button");
        let area = Rect { x: publish.at.x, y: publish.at.y, w: PUBLISH.0, h: PUBLISH.1 };
        assert_eq!(scenario.services[publish.node].id, "inventory");
        assert!(scene.nodes.iter().all(|node| !node.rect.overlaps(&area)));
    }

    #[test]
    fn wire_says_its_latency() {
        let (_, scene) = first();
        assert_eq!(&*scene.links[0].label, "150–250 ms");
        assert_eq!(&*scene.links[1].label, "~600 ms");
    }

    #[test]
    fn arrow_keys_walk_from_card_to_card() {
        let (_, scene) = first();
        assert_eq!(scene.neighbour(0, 1, 0), Some(2));
        assert_eq!(scene.neighbour(2, 1, 0), Some(1));
        assert_eq!(scene.neighbour(0, -1, 0), None);
    }

    #[test]
    fn dragged_card_takes_its_wires_along() {
        let (scenario, scene) = first();
        let moved = [("inventory".to_string(), (30.0, -20.0))].into_iter().collect();
        let after = Scene::new(&scenario, Layout::Free, &[1, 1], &moved, Some(0));
        let (a, b) = (scene.links[0].curve.at(0.0), after.links[0].curve.at(0.0));
        assert_eq!((b.x - a.x, b.y - a.y), (30.0, -20.0));
    }

    #[test]
    fn every_example_has_a_wire_for_every_message_path() {
        for example in examples::EXAMPLES {
            let scenario = example.scenario();
            let scene = Scene::new(&scenario, Layout::Column(390.0), &[], &BTreeMap::new(), None);
            assert!(!scene.links.is_empty() || scene.areas.iter().any(|area| !area.region), "{}", example.id);
        }
    }
}
