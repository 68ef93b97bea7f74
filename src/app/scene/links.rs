//! The links of a scene: the curves between cards that avoid other cards, and the labels.

use super::parts::{SceneLink, SceneNode, TextAnchor};
use super::publish::PublishButton;
use super::relations::{Relation, Side, sides};
use super::routing::{Path, Spacing, Stretch, path_around, separate};
use crate::app::geometry::{Curve, Point, Rect, point};
use crate::language::decimal;
use crate::scenario::{Latency, Scenario};
use crate::text;
use litemap::LiteMap;
use std::rc::Rc;

/// Distance between the ends of links at the same side of a card.
const PORT_DISTANCE: f64 = 26.0;
/// The maximum number of cards among which links avoid cards.
const MAX_AVOIDED: usize = 80;
/// Distance between a card and the tip of an arrow that points to it from the left or from above.
const TIP_GAP: f64 = 4.0;

/// An end of a link at a side of a card.
struct Port {
    /// The coordinate of the other card along the side. Ports are in this order, so links do not cross at the card.
    order: f64,
    link: usize,
    is_start: bool,
}

/// Where a link ends, and at which side of the card.
type End = (Point, Side);

/// Returns the start and the end of each link.
fn ends(nodes: &[SceneNode], relations: &[Relation], publish: Option<&PublishButton>) -> Vec<(End, End)> {
    let mut ports: LiteMap<(usize, Side), Vec<Port>> = LiteMap::new();
    for (link, relation) in relations.iter().enumerate() {
        let (from, to) = (&nodes[relation.from].rect, &nodes[relation.to].rect);
        let (start_side, end_side) = sides(from, to);
        let order = |side: Side, other: &Rect| if side.is_vertical() { other.center().y } else { other.center().x };
        let start = Port { order: order(start_side, to), link, is_start: true };
        let end = Port { order: order(end_side, from), link, is_start: false };
        ports.entry((relation.from, start_side)).or_default().push(start);
        ports.entry((relation.to, end_side)).or_default().push(end);
    }
    let unset = ((Point::default(), Side::Right), (Point::default(), Side::Left));
    let mut ends = vec![unset; relations.len()];
    for ((node, side), mut side_ports) in ports {
        side_ports.sort_unstable_by(|a, b| {
            a.order.total_cmp(&b.order).then(a.link.cmp(&b.link)).then(b.is_start.cmp(&a.is_start))
        });
        let rect = &nodes[node].rect;
        let free_part = publish.filter(|button| button.node == node).and_then(|button| button.free_part(rect, side));
        for (index, port) in side_ports.iter().enumerate() {
            let end = (port_position(rect, side, free_part, (index, side_ports.len())), side);
            if port.is_start {
                ends[port.link].0 = end;
            } else {
                ends[port.link].1 = end;
            }
        }
    }
    ends
}

/// Returns the position of the port `index` of `count` at a side of a card, or at the part of it that is free.
fn port_position(rect: &Rect, side: Side, part: Option<(f64, f64)>, (index, count): (usize, usize)) -> Point {
    let (length, ends) = if side.is_vertical() { (rect.h, 20.0) } else { (rect.w, 30.0) };
    let (from, to) = part.unwrap_or((ends, length - ends));
    let step = if count > 1 { PORT_DISTANCE.min((to - from).max(8.0) / (count - 1) as f64) } else { 0.0 };
    let along = (from + to) / 2.0 + (index as f64 - (count - 1) as f64 / 2.0) * step;
    match side {
        Side::Left => point(rect.x - TIP_GAP, rect.y + along),
        Side::Right => point(rect.right(), rect.y + along),
        Side::Top => point(rect.x + along, rect.y - TIP_GAP),
        Side::Bottom => point(rect.x + along, rect.bottom()),
    }
}

/// Returns the links with their curves. Their labels have no places yet.
pub(super) fn links(
    scenario: &Scenario,
    nodes: &[SceneNode],
    relations: &[Relation],
    publish: Option<&PublishButton>,
    spacing: Spacing,
) -> Vec<SceneLink> {
    let cards = if nodes.len() <= MAX_AVOIDED { nodes } else { &[] };
    let cards: Vec<Rect> = cards.iter().map(|node| node.rect).chain(publish.map(PublishButton::largest)).collect();
    let ends = ends(nodes, relations, publish);
    let mut lines: Vec<Line> = Vec::new();
    // Each line avoids the ways of the lines before it, and in a second round those of all.
    for round in 0..2 {
        for (index, (relation, ends)) in relations.iter().zip(&ends).enumerate() {
            if matches!(lines.get(index), Some(Line::Curve(_))) {
                continue;
            }
            let others = lines.iter().enumerate().filter(|(other, _)| *other != index);
            let others: Vec<Stretch> = others.flat_map(|(_, line)| line.stretches()).collect();
            let line = line(*ends, (relation.from, relation.to), &cards, &others, spacing);
            if round == 0 { lines.push(line) } else { lines[index] = line }
        }
    }
    let mut paths: Vec<&mut Path> = lines.iter_mut().filter_map(Line::path).collect();
    separate(&mut paths, spacing);
    let link = |((relation, ends), line): ((&Relation, &(End, End)), Line)| SceneLink {
        from: relation.from,
        to: relation.to,
        kind: relation.kind,
        label: label(scenario, &nodes[relation.from].id, &nodes[relation.to].id).into(),
        label_at: None,
        label_anchor: TextAnchor::default(),
        label_letters: 0,
        curve: Rc::new(line.into_curve(ends.0.0, ends.1.0)),
    };
    relations.iter().zip(&ends).zip(lines).map(link).collect()
}

/// The line of a link: a curve, or a bent line round the cards that the curve would cross.
enum Line {
    Curve(Curve),
    Bent(Path),
}

impl Line {
    fn path(&mut self) -> Option<&mut Path> {
        match self {
            Line::Curve(_) => None,
            Line::Bent(path) => Some(path),
        }
    }

    fn stretches(&self) -> impl Iterator<Item = Stretch> {
        let path = match self {
            Line::Curve(_) => None,
            Line::Bent(path) => Some(path),
        };
        path.into_iter().flat_map(Path::stretches)
    }

    fn into_curve(self, start: Point, end: Point) -> Curve {
        match self {
            Line::Curve(curve) => curve,
            Line::Bent(path) => Curve::through(&[&[start][..], &path.corners, &[end]].concat()),
        }
    }
}

fn line(
    ((start, start_side), (end, end_side)): (End, End),
    cards_of_ends: (usize, usize),
    cards: &[Rect],
    others: &[Stretch],
    spacing: Spacing,
) -> Line {
    let reach = (start.distance(end) * 0.45).clamp(12.0, 160.0);
    let curve = Curve::new([start, outward(start, start_side, reach), outward(end, end_side, reach), end]);
    let mut avoided = cards.iter().enumerate().filter(|(card, _)| *card != cards_of_ends.0 && *card != cards_of_ends.1);
    let is_crossed = |card: &Rect| curve.points().windows(2).any(|pair| card.is_crossed(pair[0], pair[1]));
    if !avoided.any(|(_, card)| is_crossed(card)) {
        return Line::Curve(curve);
    }
    // The tips of arrows keep away from the left and upper sides; the turns are as far from all sides.
    let gap = |side: Side| if matches!(side, Side::Left | Side::Top) { TIP_GAP } else { 0.0 };
    let stub = |at: Point, side: Side| outward(at, side, spacing.stub - gap(side));
    let (from, to) = (stub(start, start_side), stub(end, end_side));
    match path_around(from, to, cards, others, spacing) {
        Some(corners) => Line::Bent(Path { corners, level_ends: (start_side.is_vertical(), end_side.is_vertical()) }),
        None => Line::Curve(curve),
    }
}

/// Moves a point away from a side of a card.
fn outward(p: Point, side: Side, by: f64) -> Point {
    match side {
        Side::Left => point(p.x - by, p.y),
        Side::Right => point(p.x + by, p.y),
        Side::Top => point(p.x, p.y - by),
        Side::Bottom => point(p.x, p.y + by),
    }
}

fn label(scenario: &Scenario, from: &str, to: &str) -> String {
    let find = |from: &str, to: &str| scenario.links.iter().find(|link| link.from == from && link.to == to);
    let mut label = latency_label(scenario.latency(from, to));
    if let Some(link) = find(from, to).or_else(|| find(to, from)) {
        if link.loss > 0.0 {
            label.push_str(&format!(", {}", text!("{} lost", percent(link.loss))));
        }
        if link.duplicate > 0.0 {
            label.push_str(&format!(", {}", text!("{} duplicated", percent(link.duplicate))));
        }
    }
    label
}

fn percent(share: f64) -> String {
    decimal(format_args!("{} %", (share * 1000.0).round() / 10.0))
}

fn latency_label(latency: &Latency) -> String {
    match latency {
        Latency::Constant { ms } => milliseconds(*ms),
        Latency::Uniform { low_ms, high_ms } if *high_ms >= 1000.0 => {
            decimal(format_args!("{}–{} s", round(*low_ms / 1000.0), round(*high_ms / 1000.0)))
        }
        Latency::Uniform { low_ms, high_ms } => decimal(format_args!("{}–{} ms", round(*low_ms), round(*high_ms))),
        Latency::Exponential { mean_ms } | Latency::Normal { mean_ms, .. } => {
            format!("~{}", milliseconds(*mean_ms))
        }
        Latency::Lognormal { median_ms, .. } => format!("~{}", milliseconds(*median_ms)),
        Latency::Pareto { scale_ms, .. } => format!("≥ {}", milliseconds(*scale_ms)),
        Latency::Mixture { .. } => text!("mixture").into(),
        Latency::Samples { ms } => {
            let mut sorted = ms.clone();
            sorted.sort_unstable_by(f64::total_cmp);
            sorted
                .get(sorted.len() / 2)
                .map_or(text!("measured").into(), |median| format!("~{}", milliseconds(*median)))
        }
    }
}

/// Formats a latency: `30 ms`, `1.5 s`.
fn milliseconds(ms: f64) -> String {
    decimal(if ms >= 1000.0 { format!("{} s", round(ms / 1000.0)) } else { format!("{} ms", round(ms)) })
}

/// Rounds to tenths below 100, and to whole numbers above.
fn round(x: f64) -> f64 {
    if x >= 100.0 { x.round() } else { (x * 10.0).round() / 10.0 }
}
