//! Areas behind the cards: a rounded hull around the members of a replica group, and a frame around a region.

use super::parts::{SceneLink, SceneNode};
use crate::app::cut_mark::{CUT_MARK, CUT_MARK_RADIUS};
use crate::app::detail::Detail;
use crate::app::geometry::{Point, Rect, point};
use crate::scenario::{Data, Group, Protocol, RaftReads, Scenario};
use crate::text;

/// Distance between a hull and its members' cards.
const MARGIN: f64 = 14.0;
/// Radius of a hull's rounded corners.
const RADIUS: f64 = 26.0;
/// Distance between a region's frame and its cards.
const FRAME: f64 = 46.0;
/// The same distance where cards are close.
const NARROW_FRAME: f64 = 10.0;
/// Width of a letter of a name, as a share of its size.
const LETTER: f64 = 0.62;
/// Above this number of pairs of an area and a link, names do not avoid links.
const MAX_PAIRS: usize = 20_000;
/// Least distance between a name and a link.
const CLEARANCE: f64 = 3.0;
/// Width of the padding at both sides of a name.
const PADDING: f64 = 8.0;

/// An area with its name.
#[derive(Clone, Debug, PartialEq)]
pub struct Area {
    /// The group's or region's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// A group's protocol, quorums and data type in a few words; empty for a region.
    pub description: String,
    /// Whether it is a region, not a group.
    pub region: bool,
    /// Its outline, as the `d` of an SVG path.
    pub outline: String,
    /// The rectangle around it.
    pub rect: Rect,
    /// The lower left corner of its label.
    pub label_at: Point,
    /// The right end of its upper edge.
    top_right: f64,
    /// The letters that its label shows.
    letters: usize,
}

impl Area {
    /// Returns the place of its name and description.
    pub(super) fn name_rect(&self, detail: Detail) -> Rect {
        let size = detail.text().max(12.0);
        let w = self.letters as f64 * LETTER * size + 2.0 * PADDING;
        let h = if self.region { 1.4 * size } else { (24.0 * detail.factor()).max(1.4 * size + 4.0) };
        Rect { x: self.label_at.x, y: self.label_at.y - h, w, h }
    }
}

/// Returns the areas of a scenario, regions first. Where the layout is not the document's, areas are narrow, and a region
/// is not shown if its frame would contain cards of others.
pub(super) fn areas(scenario: &Scenario, nodes: &[SceneNode], is_narrow: bool) -> Vec<Area> {
    let find = |id: &str| nodes.iter().find(|node| &*node.id == id).map(|node| node.rect);
    let name_or_id = |id: &str, name: &str| if name.is_empty() { id.to_string() } else { name.to_string() };
    let mut areas = Vec::new();
    for region in &scenario.regions {
        let rects = region.nodes.iter().filter_map(|id| find(id));
        let Some(all) = rects.reduce(|a, b| a.union(&b)) else { continue };
        let rect = all.grown(if is_narrow { NARROW_FRAME } else { FRAME });
        let is_of_others = |node: &&SceneNode| !region.nodes.iter().any(|id| **id == *node.id);
        if is_narrow && nodes.iter().filter(is_of_others).any(|node| node.rect.overlaps(&rect)) {
            continue;
        }
        let Rect { x, y, w, h } = rect;
        let name = name_or_id(&region.id, &region.name);
        areas.push(Area {
            id: region.id.clone(),
            letters: name.chars().count(),
            name,
            description: String::new(),
            region: true,
            outline: format!("M{x:.1} {y:.1}h{w:.1}v{h:.1}h{:.1}z", -w),
            rect,
            label_at: point(x + 2.0, y - 2.0),
            top_right: x + w,
        });
    }
    for group in &scenario.groups {
        let rects: Vec<Rect> = group.members.iter().filter_map(|id| find(id)).collect();
        let corners = hull(rects.iter().flat_map(corners).collect());
        let Some(top) = corners.iter().copied().min_by(|a, b| a.y.total_cmp(&b.y).then(a.x.total_cmp(&b.x))) else {
            continue;
        };
        let rect = rects.iter().copied().reduce(|a, b| a.union(&b)).unwrap_or(Rect { x: 0.0, y: 0.0, w: 0.0, h: 0.0 });
        let name = name_or_id(&group.id, &group.name);
        let description = Some(describe_group(group)).filter(|text| *text != group.name).unwrap_or_default();
        // A narrow page shows the name alone.
        let described = if is_narrow { 0 } else { 1 + description.chars().count() };
        areas.push(Area {
            id: group.id.clone(),
            letters: name.chars().count() + described,
            name,
            description,
            region: false,
            outline: rounded(&corners),
            rect: rect.grown(MARGIN),
            label_at: point(top.x + 4.0, top.y - 2.0),
            top_right: corners.iter().filter(|at| at.y - top.y < 1.0).map(|at| at.x).fold(top.x, f64::max),
        });
    }
    areas
}

/// Moves each name along the upper edge of its area to the first place that no link crosses and where it covers nothing. A
/// name without such a place interrupts the links behind it, but covers no mark of a cut link; or else it stays.
pub(super) fn clear_names(areas: &mut [Area], taken: &[Rect], links: &[SceneLink]) {
    let detail = Detail::default();
    if areas.len() * links.len() > MAX_PAIRS {
        return;
    }
    let marks = links.iter().map(|link| link.curve.at(CUT_MARK));
    let marks: Vec<Rect> = marks.map(|at| Rect { x: at.x, y: at.y, w: 0.0, h: 0.0 }.grown(CUT_MARK_RADIUS)).collect();
    for index in 0..areas.len() {
        let name = areas[index].name_rect(detail).grown(CLEARANCE);
        let others = areas.iter().enumerate().filter(|(other, _)| *other != index);
        let others = others.map(|(_, area)| area.name_rect(detail));
        let covered = taken.iter().chain(&marks).copied().chain(others);
        let covered = covered.filter(|rect| rect.y < name.bottom() && rect.bottom() > name.y);
        let covered: Vec<(f64, f64)> = covered.map(|rect| (rect.x, rect.right())).collect();
        let lines = links.iter().flat_map(|link| link.curve.points().windows(2));
        let crossed = lines.filter_map(|line| within(line[0], line[1], (name.y, name.bottom())));
        let crossed = crossed.chain(covered.iter().copied()).collect();
        let last = areas[index].top_right - name.w + CLEARANCE;
        let place = [crossed, covered].into_iter().map(|blocked| first_place(&name, blocked)).find(|x| *x <= last);
        if let Some(x) = place {
            areas[index].label_at.x += x - name.x;
        }
    }
}

/// Returns the left edge of the first place of a name, at its own or to the right of it, that none of the ranges in x reaches into.
fn first_place(name: &Rect, mut blocked: Vec<(f64, f64)>) -> f64 {
    blocked.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut x = name.x;
    for (from, to) in blocked {
        if from < x + name.w && to > x {
            x = to;
        }
    }
    x
}

/// Returns the range in x of the part of a line that is between two heights.
fn within(a: Point, b: Point, (top, bottom): (f64, f64)) -> Option<(f64, f64)> {
    let (upper, lower) = if a.y <= b.y { (a, b) } else { (b, a) };
    if lower.y <= top || upper.y >= bottom {
        return None;
    }
    let at = |y: f64| upper.mix(lower, ((y - upper.y) / (lower.y - upper.y).max(1e-9)).clamp(0.0, 1.0)).x;
    let (from, to) =
        if lower.y - upper.y < 1e-9 { (a.x, b.x) } else { (at(top.max(upper.y)), at(bottom.min(lower.y))) };
    Some((from.min(to), from.max(to)))
}

/// Describes a group's protocol and data type: `N 3 · R 2 · W 1 · siblings`.
pub fn describe_group(group: &Group) -> String {
    let members = group.members.len();
    let protocol = match &group.protocol {
        Protocol::Quorum(quorum) => {
            let n = quorum.replicas.map_or(members, |replicas| replicas as usize);
            let mut text = format!("N {n} · R {} · W {}", quorum.read, quorum.write);
            let extra = [quorum.sloppy.then(|| text!("sloppy")), quorum.write_back.then(|| text!("writes back"))];
            extra.into_iter().flatten().for_each(|extra| text.push_str(&format!(" · {extra}")));
            text
        }
        Protocol::Primary(primary) => match primary.acknowledgements as usize {
            0 => text!("primary, asynchronous").to_string(),
            k if k + 1 == members => text!("primary, synchronous").to_string(),
            k => text!("primary, waits for {} of {}", k, members - 1),
        },
        Protocol::Raft(raft) if raft.reads == RaftReads::Local => text!("Raft, local reads").to_string(),
        Protocol::Raft(_) => text!("Raft").to_string(),
        Protocol::Chain => text!("chain").to_string(),
        Protocol::TwoPhase(_) => text!("two-phase commit").to_string(),
        Protocol::Gossip(_) => text!("gossip, {} members", members),
    };
    match group.data {
        Data::Register { .. } => protocol,
        Data::MultiValue => text!("{} · siblings", protocol),
        Data::Counter => text!("{} · counter", protocol),
        Data::Merged { .. } => text!("{} · siblings merged", protocol),
        Data::Set => text!("{} · set", protocol),
        Data::RemoveWinsSet => text!("{} · set, removals win", protocol),
        Data::Map => text!("{} · map", protocol),
        Data::Sequence => text!("{} · list", protocol),
    }
}

/// Returns a closed outline with rounded corners, as the `d` of an SVG path.
fn rounded(corners: &[Point]) -> String {
    let n = corners.len();
    let mut outline = String::new();
    for (i, corner) in corners.iter().enumerate() {
        let towards = |other: Point| corner.mix(other, (RADIUS / corner.distance(other).max(1.0)).min(0.5));
        let (from, to) = (towards(corners[(i + n - 1) % n]), towards(corners[(i + 1) % n]));
        let letter = if i == 0 { 'M' } else { 'L' };
        outline.push_str(&format!(
            "{letter}{:.1} {:.1}Q{:.1} {:.1} {:.1} {:.1}",
            from.x, from.y, corner.x, corner.y, to.x, to.y
        ));
    }
    outline + "z"
}

/// Returns the corners of a rectangle with the hull's margin around it.
fn corners(rect: &Rect) -> [Point; 4] {
    let (left, top) = (rect.x - MARGIN, rect.y - MARGIN);
    let (right, bottom) = (rect.right() + MARGIN, rect.bottom() + MARGIN);
    [point(left, top), point(right, top), point(right, bottom), point(left, bottom)]
}

/// Returns the convex hull, clockwise on the screen (Andrew's monotone chain, 1979).
fn hull(mut points: Vec<Point>) -> Vec<Point> {
    points.sort_unstable_by(|a, b| a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)));
    let turn = |a: Point, b: Point, c: Point| (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
    let chain = |points: &mut dyn Iterator<Item = Point>| {
        let mut chain: Vec<Point> = Vec::new();
        for p in points {
            while chain.len() > 1 && turn(chain[chain.len() - 2], chain[chain.len() - 1], p) <= 0.0 {
                chain.pop();
            }
            chain.push(p);
        }
        chain.pop();
        chain
    };
    let mut hull = chain(&mut points.iter().copied());
    hull.extend(chain(&mut points.iter().rev().copied()));
    hull
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_of_a_line_between_two_heights() {
        let part = |a, b| within(a, b, (10.0, 20.0));
        assert_eq!(part(point(0.0, 0.0), point(40.0, 40.0)), Some((10.0, 20.0)));
        assert_eq!(part(point(5.0, 15.0), point(1.0, 15.0)), Some((1.0, 5.0)));
        assert_eq!(part(point(9.0, 12.0), point(3.0, 12.0 + 4.0)), Some((3.0, 9.0)));
        assert_eq!((part(point(0.0, 0.0), point(9.0, 9.0)), part(point(0.0, 30.0), point(9.0, 21.0))), (None, None));
    }

    #[test]
    fn the_hull_consists_of_the_outermost_points() {
        let points = [(0.0, 0.0), (4.0, 0.0), (2.0, 1.0), (4.0, 4.0), (0.0, 4.0), (2.0, 0.0)];
        let hull = hull(points.iter().map(|(x, y)| point(*x, *y)).collect());
        let hull: Vec<(f64, f64)> = hull.iter().map(|p| (p.x, p.y)).collect();
        assert_eq!(hull, [(0.0, 0.0), (4.0, 0.0), (4.0, 4.0), (0.0, 4.0)]);
    }
}
