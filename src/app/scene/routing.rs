//! Paths around cards: a shortest path in the visibility graph of their corners (Lozano-Pérez and Wesley, 1979).

use crate::app::geometry::{Point, Rect, point};

/// The distances of paths from cards and from each other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spacing {
    /// Minimum distance between a path and the cards that it avoids.
    pub clearance: f64,
    /// Distance between a card and the corners of the paths around it. A path fits between two cards whose distance is at
    /// least `clearance + turn`.
    pub turn: f64,
    /// Length of the straight ends of a path.
    pub stub: f64,
    /// Distance between paths that share their way.
    pub lane: f64,
}

/// The distances in a drawing whose cards have space around them.
pub(super) const WIDE: Spacing = Spacing { clearance: 8.0, turn: 16.0, stub: 22.0, lane: 5.0 };
/// The distances in the column of a narrow page, in whose gaps and margins a path must fit.
pub(super) const NARROW: Spacing = Spacing { clearance: 4.0, turn: 8.0, stub: 8.0, lane: 2.4 };

/// The lanes of paths that share their way, in order of preference. The outermost one is still off the cards and inside the window.
const LANES: [f64; 5] = [0.0, 1.0, -1.0, 2.0, -2.0];
/// Two paths share a lane if they are closer than this distance over more than this length.
const SHARED: (f64, f64) = (5.0, 4.0);

/// The length by which a path may be longer to have one corner fewer.
const CORNER_COST: f64 = 40.0;
/// The length by which a path may be longer to avoid a stretch that another path has.
const LANE_COST: f64 = 60.0;
/// The maximum number of stretches of other paths that are avoided.
const MAX_STRETCHES: usize = 200;
/// Distance from the straight path within which cards are avoided.
const CORRIDOR: f64 = 320.0;
/// The maximum number of cards in the corridor; among more, a link crosses cards.
const MAX_CARDS: usize = 40;

/// Returns whether a line keeps its distance from all cards.
fn is_free(a: Point, b: Point, cards: &[Rect], clearance: f64) -> bool {
    cards.iter().all(|card| !card.grown(clearance).is_crossed(a, b))
}

/// A straight part of a path.
pub(super) type Stretch = (Point, Point);

/// Returns the corners of the shortest path from `start` to `end` around all cards. Both are outside of all cards. A path
/// that shares its way with `others` counts as longer.
/// Returns `None` if there is no such path.
pub(super) fn path_around(
    start: Point,
    end: Point,
    cards: &[Rect],
    others: &[Stretch],
    spacing: Spacing,
) -> Option<Vec<Point>> {
    let others = if others.len() > MAX_STRETCHES { &[] } else { others };
    let corridor = Rect::between(start, end).grown(CORRIDOR);
    let near: Vec<Rect> = cards.iter().filter(|card| card.overlaps(&corridor)).copied().collect();
    if near.len() > MAX_CARDS {
        return None;
    }
    let mut corners = vec![start, end];
    for card in &near {
        let turn = card.grown(spacing.turn);
        let around = [
            point(turn.x, turn.y),
            point(turn.right(), turn.y),
            point(turn.x, turn.bottom()),
            point(turn.right(), turn.bottom()),
        ];
        corners.extend(
            around.into_iter().filter(|at| !near.iter().any(|other| other.grown(spacing.clearance).contains(*at))),
        );
    }
    // Dijkstra's algorithm over few corners needs no heap.
    let mut costs = vec![f64::INFINITY; corners.len()];
    let mut before = vec![0; corners.len()];
    let mut is_done = vec![false; corners.len()];
    costs[0] = 0.0;
    loop {
        let open = (0..corners.len()).filter(|corner| !is_done[*corner] && costs[*corner].is_finite());
        let nearest = open.min_by(|a, b| costs[*a].total_cmp(&costs[*b]))?;
        if nearest == 1 {
            break;
        }
        is_done[nearest] = true;
        for next in 0..corners.len() {
            let cost = costs[nearest] + corners[nearest].distance(corners[next]) + CORNER_COST;
            let (from, to) = (corners[nearest], corners[next]);
            if is_done[next] || cost >= costs[next] || !is_free(from, to, &near, spacing.clearance) {
                continue;
            }
            let shared = others.iter().filter(|other| share_a_lane((from, to), **other)).count();
            let cost = cost + LANE_COST * shared as f64;
            if cost < costs[next] {
                (costs[next], before[next]) = (cost, nearest);
            }
        }
    }
    let mut path = vec![end];
    let mut at = 1;
    while at != 0 {
        at = before[at];
        path.push(corners[at]);
    }
    path.reverse();
    Some(path)
}

/// Returns whether two segments overlap: they are closer than a distance over a length.
fn share_a_lane((a, b): Stretch, (c, d): Stretch) -> bool {
    let (distance, length) = SHARED;
    let overlap = |a: f64, b: f64, c: f64, d: f64| a.max(b).min(c.max(d)) - a.min(b).max(c.min(d)) > length;
    let is_close = |a: f64, b: f64| (a - b).abs() < distance;
    let is_horizontal = is_close(a.y, b.y) && is_close(c.y, d.y) && is_close(a.y, c.y) && overlap(a.x, b.x, c.x, d.x);
    let is_vertical = is_close(a.x, b.x) && is_close(c.x, d.x) && is_close(a.x, c.x) && overlap(a.y, b.y, c.y, d.y);
    let are_same = |a: Point, b: Point, c: Point, d: Point| a.distance(c) < distance && b.distance(d) < distance;
    is_horizontal || is_vertical || are_same(a, b, c, d) || are_same(a, b, d, c)
}

/// A path with the directions in which its first and its last corner can move: those of the sides of the cards.
pub(super) struct Path {
    /// Its corners.
    pub corners: Vec<Point>,
    /// Whether its start and its end leave the left or right side of their cards, not the upper or lower one.
    pub level_ends: (bool, bool),
}

impl Path {
    /// Returns its straight parts.
    pub(super) fn stretches(&self) -> impl Iterator<Item = Stretch> {
        self.corners.windows(2).map(|pair| (pair[0], pair[1]))
    }
}

/// Moves paths apart that share their way, so that the eye can follow each link.
pub(super) fn separate(paths: &mut [&mut Path], spacing: Spacing) {
    let segments: Vec<Vec<Stretch>> = paths.iter().map(|path| path.stretches().collect()).collect();
    let meet =
        |a: usize, b: usize| segments[a].iter().any(|one| segments[b].iter().any(|other| share_a_lane(*one, *other)));
    let mut lanes: Vec<usize> = Vec::new();
    for path in 0..paths.len() {
        let mut used = [0usize; LANES.len()];
        (0..path).filter(|other| meet(path, *other)).for_each(|other| used[lanes[other]] += 1);
        let lane = (0..LANES.len()).min_by_key(|lane| used[*lane]).unwrap_or(0);
        lanes.push(lane);
    }
    for (path, lane) in paths.iter_mut().zip(lanes) {
        let (by, last) = (LANES[lane] * spacing.lane, path.corners.len() - 1);
        let (start_level, end_level) = path.level_ends;
        for (i, corner) in path.corners.iter_mut().enumerate() {
            let (moves_x, moves_y) = match i {
                0 => (start_level, !start_level),
                _ if i == last => (end_level, !end_level),
                _ => (true, true),
            };
            *corner =
                point(if moves_x { corner.x + by } else { corner.x }, if moves_y { corner.y + by } else { corner.y });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_round_a_card_and_straight_where_it_is_free() {
        let card = Rect { x: 100.0, y: 0.0, w: 100.0, h: 100.0 };
        let (start, end) = (point(0.0, 50.0), point(300.0, 40.0));
        assert_eq!(path_around(start, end, &[], &[], WIDE), Some(vec![start, end]));
        let path = path_around(start, end, &[card], &[], WIDE).expect("a path");
        assert!(
            path.len() > 2 && path.windows(2).all(|pair| is_free(pair[0], pair[1], &[card], WIDE.clearance)),
            "{path:?}"
        );
        assert!(path.iter().all(|at| at.y < 50.1), "the shorter path is above: {path:?}");
    }

    #[test]
    fn there_is_no_path_out_of_an_enclosure() {
        let walls =
            [(0.0, 0.0, 300.0, 20.0), (0.0, 280.0, 300.0, 20.0), (0.0, 0.0, 20.0, 300.0), (280.0, 0.0, 20.0, 300.0)];
        let walls = walls.map(|(x, y, w, h)| Rect { x, y, w, h });
        assert_eq!(path_around(point(150.0, 150.0), point(500.0, 150.0), &walls, &[], WIDE), None);
    }
}
