//! Areas behind the cards: a soft hull round the members of a replica group, and a frame round a region.

use super::geometry::{Point, Rect, point};
use super::scene::SceneNode;
use crate::scenario::{Data, Group, Protocol, RaftReads, Scenario};

/// How far a hull stands off its members' cards.
const MARGIN: f64 = 14.0;
/// How much of a hull's corners is rounded off.
const ROUND: f64 = 26.0;
/// How far a region's frame stands off its cards.
const FRAME: f64 = 34.0;

/// An area with its name.
#[derive(Clone, Debug, PartialEq)]
pub struct Area {
    /// The group's or region's id.
    pub id: String,
    /// What people see.
    pub name: String,
    /// A group's protocol and quorums in a few words; empty for a region.
    pub says: String,
    /// It is a region.
    pub region: bool,
    /// Its outline, as SVG.
    pub outline: String,
    /// What it takes up.
    pub rect: Rect,
    /// Where its label stands: the lower left corner.
    pub label_at: Point,
}

/// The areas of a scenario, regions first.
pub fn areas(scenario: &Scenario, nodes: &[SceneNode]) -> Vec<Area> {
    let find = |id: &str| nodes.iter().find(|node| &*node.id == id).map(|node| node.rect);
    let named = |id: &str, name: &str| if name.is_empty() { id.to_string() } else { name.to_string() };
    let mut areas = Vec::new();
    for region in &scenario.regions {
        let rects = region.nodes.iter().filter_map(|id| find(id));
        let Some(all) = rects.reduce(|a, b| a.union(&b)) else { continue };
        let rect = all.grown(FRAME);
        let Rect { x, y, w, h } = rect;
        areas.push(Area {
            id: region.id.clone(),
            name: named(&region.id, &region.name),
            says: String::new(),
            region: true,
            outline: format!("M{x:.1} {y:.1}h{w:.1}v{h:.1}h{:.1}z", -w),
            rect,
            label_at: point(x + 10.0, y + h - 10.0),
        });
    }
    for group in &scenario.groups {
        let rects: Vec<Rect> = group.members.iter().filter_map(|id| find(id)).collect();
        let corners = hull(rects.iter().flat_map(corners).collect());
        let Some(top) = corners.iter().copied().min_by(|a, b| a.y.total_cmp(&b.y).then(a.x.total_cmp(&b.x))) else {
            continue;
        };
        let rect = rects.iter().copied().reduce(|a, b| a.union(&b)).unwrap_or(Rect { x: 0.0, y: 0.0, w: 0.0, h: 0.0 });
        areas.push(Area {
            id: group.id.clone(),
            name: named(&group.id, &group.name),
            says: says(group),
            region: false,
            outline: rounded(&corners),
            rect: rect.grown(MARGIN),
            label_at: point(top.x + 4.0, top.y - 2.0),
        });
    }
    areas
}

/// `leaderless · R 2 · W 1 · N 3`.
pub fn says(group: &Group) -> String {
    let n = group.members.len();
    let protocol = match &group.protocol {
        Protocol::Quorum(quorum) => {
            let n = quorum.replicas.map_or(n, |replicas| replicas as usize);
            let sloppy = if quorum.sloppy { " · sloppy" } else { "" };
            let back = if quorum.write_back { " · writes back" } else { "" };
            format!("N {n} · R {} · W {}{sloppy}{back}", quorum.read, quorum.write)
        }
        Protocol::Primary(primary) => match primary.acknowledgements as usize {
            0 => "primary, asynchronous".to_string(),
            k if k + 1 == n => "primary, synchronous".to_string(),
            k => format!("primary, waits for {k} of {}", n - 1),
        },
        Protocol::Raft(raft) if raft.reads == RaftReads::Local => "Raft, local reads".to_string(),
        Protocol::Raft(_) => "Raft".to_string(),
        Protocol::Chain => "chain".to_string(),
        Protocol::TwoPhase(_) => "two-phase commit".to_string(),
        Protocol::Gossip(_) => format!("gossip, {n} members"),
    };
    match group.data {
        Data::Register { .. } => protocol,
        Data::MultiValue => format!("{protocol} · siblings"),
        Data::Counter => format!("{protocol} · counter"),
        Data::Merged { .. } => format!("{protocol} · siblings merged"),
        Data::Set => format!("{protocol} · set"),
        Data::RemoveWinsSet => format!("{protocol} · set, removals win"),
        Data::Map => format!("{protocol} · map"),
        Data::Sequence => format!("{protocol} · list"),
    }
}

/// A closed outline with its corners rounded off.
fn rounded(corners: &[Point]) -> String {
    let n = corners.len();
    let mut outline = String::new();
    for (i, corner) in corners.iter().enumerate() {
        let towards = |other: Point| corner.mix(other, (ROUND / corner.distance(other).max(1.0)).min(0.5));
        let (from, to) = (towards(corners[(i + n - 1) % n]), towards(corners[(i + 1) % n]));
        let letter = if i == 0 { 'M' } else { 'L' };
        outline.push_str(&format!(
            "{letter}{:.1} {:.1}Q{:.1} {:.1} {:.1} {:.1}",
            from.x, from.y, corner.x, corner.y, to.x, to.y
        ));
    }
    outline + "z"
}

fn corners(rect: &Rect) -> [Point; 4] {
    let (left, top) = (rect.x - MARGIN, rect.y - MARGIN);
    let (right, bottom) = (rect.right() + MARGIN, rect.bottom() + MARGIN);
    [point(left, top), point(right, top), point(right, bottom), point(left, bottom)]
}

/// The convex hull, clockwise on the screen (Andrew 1979).
fn hull(mut points: Vec<Point>) -> Vec<Point> {
    points.sort_by(|a, b| a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)));
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
    fn hull_goes_round_the_outermost_points_alone() {
        let points = [(0.0, 0.0), (4.0, 0.0), (2.0, 1.0), (4.0, 4.0), (0.0, 4.0), (2.0, 0.0)];
        let round = hull(points.iter().map(|(x, y)| point(*x, *y)).collect());
        let round: Vec<(f64, f64)> = round.iter().map(|p| (p.x, p.y)).collect();
        assert_eq!(round, [(0.0, 0.0), (4.0, 0.0), (4.0, 4.0), (0.0, 4.0)]);
    }
}
