//! Alignment guides: while a card is dragged, its edges and its middle meet those of other cards.

use super::geometry::{Point, Rect, point};

/// How near an edge or a middle must be to another one to meet it, in canvas units.
const CATCH: f64 = 6.0;
/// The maximum number of shown guides.
const MAX_GUIDES: usize = 4;

/// The left edge, the middle and the right edge; or the upper edge, the middle and the lower edge.
fn lines(start: f64, size: f64) -> [f64; 3] {
    [start, start + size / 2.0, start + size]
}

/// Returns the smallest distance that makes an edge or a middle meet another one, if one is near.
fn nearest(own: [f64; 3], others: impl Iterator<Item = [f64; 3]>) -> Option<f64> {
    let distances = others.flat_map(|other| own.into_iter().zip(other).map(|(own, line)| line - own));
    distances.filter(|distance| distance.abs() <= CATCH).min_by(|a, b| a.abs().total_cmp(&b.abs()))
}

/// Returns how far a dragged card must move so that it meets other cards, horizontally and vertically.
pub fn attraction(card: &Rect, others: &[Rect]) -> (Option<f64>, Option<f64>) {
    let x = nearest(lines(card.x, card.w), others.iter().map(|other| lines(other.x, other.w)));
    let y = nearest(lines(card.y, card.h), others.iter().map(|other| lines(other.y, other.h)));
    (x, y)
}

/// Returns the lines along which a card meets other cards.
pub fn guides(card: &Rect, others: &[Rect]) -> Vec<(Point, Point)> {
    let mut guides = Vec::new();
    let meets = |own: [f64; 3], other: [f64; 3]| {
        own.into_iter().zip(other).find(|(line, other)| (other - line).abs() < 0.5).map(|(line, _)| line)
    };
    for other in others {
        let both = card.union(other);
        if let Some(x) = meets(lines(card.x, card.w), lines(other.x, other.w)) {
            guides.push((point(x, both.y), point(x, both.bottom())));
        }
        if let Some(y) = meets(lines(card.y, card.h), lines(other.y, other.h)) {
            guides.push((point(both.x, y), point(both.right(), y)));
        }
    }
    guides.sort_by(|a, b| a.0.distance(a.1).total_cmp(&b.0.distance(b.1)));
    guides.truncate(MAX_GUIDES);
    guides
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_meets_the_middle_of_a_higher_card_and_the_guide_shows_it() {
        let other = Rect { x: 400.0, y: 100.0, w: 224.0, h: 150.0 };
        let card = Rect { x: 40.0, y: 126.0, w: 224.0, h: 104.0 };
        let (x, y) = attraction(&card, &[other]);
        assert_eq!((x, y), (None, Some(-3.0)), "its middle is at 178, the other's at 175");
        let moved = Rect { y: card.y - 3.0, ..card };
        assert_eq!(guides(&moved, &[other]), vec![(point(40.0, 175.0), point(624.0, 175.0))]);
        assert!(guides(&card, &[other]).is_empty());
    }
}
