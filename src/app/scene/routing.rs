//! Ways round cards: a shortest path in the graph of the corners that see each other (Lozano-Pérez and Wesley, 1979).

use crate::app::geometry::{Point, Rect, point};

/// How far paths keep from cards.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spacing {
    /// Least distance between a path and the cards that it avoids.
    pub clearance: f64,
    /// Distance between a card and the corners of the ways round it. A path fits between two cards whose distance is at
    /// least `clearance + turn`.
    pub turn: f64,
    /// Length of the straight ends of a path.
    pub stub: f64,
}

/// The distances where cards have space around them.
pub(super) const WIDE: Spacing = Spacing { clearance: 8.0, turn: 16.0, stub: 20.0 };
/// The distances in the column of a narrow page, in whose gaps and margins a path must fit.
pub(super) const NARROW: Spacing = Spacing { clearance: 4.0, turn: 8.0, stub: 8.0 };

/// The length by which a path may be longer to have one corner fewer.
const CORNER_COST: f64 = 40.0;
/// Distance from the straight path within which cards are avoided.
const CORRIDOR: f64 = 320.0;
/// The greatest number of cards in the corridor; among more, a link crosses cards.
const MAX_CARDS: usize = 40;

/// Returns whether a line comes close to a card.
fn is_free(a: Point, b: Point, cards: &[Rect], clearance: f64) -> bool {
    cards.iter().all(|card| !card.grown(clearance).is_crossed(a, b))
}

/// Returns the corners of the shortest path from `start` to `end` round all cards. Both are outside of all cards.
/// Returns `None` if there is no such path.
pub(super) fn path_around(start: Point, end: Point, cards: &[Rect], spacing: Spacing) -> Option<Vec<Point>> {
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
            if !is_done[next]
                && cost < costs[next]
                && is_free(corners[nearest], corners[next], &near, spacing.clearance)
            {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_round_a_card_and_straight_where_it_is_free() {
        let card = Rect { x: 100.0, y: 0.0, w: 100.0, h: 100.0 };
        let (start, end) = (point(0.0, 50.0), point(300.0, 40.0));
        assert_eq!(path_around(start, end, &[], WIDE), Some(vec![start, end]));
        let path = path_around(start, end, &[card], WIDE).expect("a path");
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
        assert_eq!(path_around(point(150.0, 150.0), point(500.0, 150.0), &walls, WIDE), None);
    }
}
