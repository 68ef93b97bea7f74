//! The layout of cards without a position in the document: layers from senders (left) to receivers (right). On a narrow
//! page, all cards form one column.

use super::geometry::{Point, Rect, point};

/// Distance between the left edges of two layers.
const LAYER: f64 = 310.0;
/// Distance between two cards of a layer.
const GAP: f64 = 40.0;
/// Least distance between a card that has grown and the card below it.
const CLOSE: f64 = 16.0;
/// The upper left corner of the first card.
const ORIGIN: Point = point(40.0, 120.0);

/// The size of a card, and its position in the document.
#[derive(Clone, Copy, Debug)]
pub struct Card {
    /// Width.
    pub w: f64,
    /// Height.
    pub h: f64,
    /// The upper left corner in the document.
    pub wanted: Option<[i32; 2]>,
}

/// Returns the layer of each card: one more than the deepest layer of its senders. The edge that closes a cycle does not
/// count.
pub fn layers(count: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    fn depth(card: usize, edges: &[(usize, usize)], known: &mut [Option<usize>], in_progress: &mut [bool]) -> usize {
        if let Some(depth) = known[card] {
            return depth;
        }
        in_progress[card] = true;
        let senders = edges.iter().filter(|(from, to)| *to == card && *from != card);
        let mut deepest = 0;
        for (from, _) in senders {
            if !in_progress[*from] {
                deepest = deepest.max(depth(*from, edges, known, in_progress) + 1);
            }
        }
        in_progress[card] = false;
        known[card] = Some(deepest);
        deepest
    }
    let (mut known, mut in_progress) = (vec![None; count], vec![false; count]);
    (0..count).map(|card| depth(card, edges, &mut known, &mut in_progress)).collect()
}

/// Returns the place of each card: its position in the document, or else a place in its layer below the cards that are
/// already there.
pub fn free(cards: &[Card], edges: &[(usize, usize)]) -> Vec<Rect> {
    let at = |card: &Card, p: Point| Rect { x: p.x, y: p.y, w: card.w, h: card.h };
    let mut placed: Vec<Option<Rect>> =
        cards.iter().map(|card| card.wanted.map(|[x, y]| at(card, point(f64::from(x), f64::from(y))))).collect();
    if placed.iter().any(Option::is_none) {
        let layers = layers(cards.len(), edges);
        let height_of = |layer: usize| -> f64 {
            let members = cards.iter().zip(&layers).filter(|(card, l)| card.wanted.is_none() && **l == layer);
            members.map(|(card, _)| card.h + GAP).sum()
        };
        let tallest = (0..=layers.iter().copied().max().unwrap_or(0)).map(height_of).fold(0.0, f64::max);
        // On the level of the cards that have a position, or else below the origin.
        let occupied = placed.iter().flatten().copied().reduce(|a, b| a.union(&b));
        let middle = occupied.map_or(ORIGIN.y + tallest / 2.0, |rect| rect.center().y + GAP / 2.0);
        for (i, card) in cards.iter().enumerate() {
            if placed[i].is_some() {
                continue;
            }
            let top = ((middle - height_of(layers[i]) / 2.0) / 10.0).round() * 10.0;
            let mut rect = at(card, point(ORIGIN.x + LAYER * layers[i] as f64, top));
            while let Some(other) = placed.iter().flatten().find(|other| other.grown(GAP - 1.0).overlaps(&rect)) {
                rect.y = ((other.bottom() + GAP) / 10.0).ceil() * 10.0;
            }
            placed[i] = Some(rect);
        }
    }
    placed.into_iter().map(|rect| rect.expect("every card was placed")).collect()
}

/// Moves cards down that would be covered by a card above them that has grown, because it has got data in the run. Cards
/// that the document places one on another stay there.
pub fn make_room(rects: &mut [Rect], growth: &[f64]) {
    let mut order: Vec<usize> = (0..rects.len()).collect();
    order.sort_by(|a, b| rects[*a].y.total_cmp(&rects[*b].y).then(a.cmp(b)));
    let before: Vec<Rect> =
        rects.iter().zip(growth).map(|(rect, growth)| Rect { h: rect.h - growth.max(0.0), ..*rect }).collect();
    for (place, &card) in order.iter().enumerate() {
        for &above in &order[..place] {
            let (grown, is_level) =
                (rects[above], rects[above].x < rects[card].right() && rects[card].x < rects[above].right());
            let has_grown = growth[above] > 0.0 || rects[above].y > before[above].y;
            if has_grown && is_level && !before[above].overlaps(&before[card]) && grown.bottom() + CLOSE > rects[card].y
            {
                rects[card].y = grown.bottom() + CLOSE;
            }
        }
    }
}

/// Returns places in one column of this width, layer by layer. If the column is wide enough, two cards of a layer are
/// side by side.
pub fn column(cards: &[Card], edges: &[(usize, usize)], width: f64) -> Vec<Rect> {
    let (margin, gap) = (12.0, 48.0);
    let whole = (width - 2.0 * margin).max(200.0);
    let half = (whole - margin) / 2.0;
    let layers = layers(cards.len(), edges);
    let mut placed = vec![Rect::default(); cards.len()];
    let mut y = 56.0;
    for layer in 0..=layers.iter().copied().max().unwrap_or(0) {
        let members: Vec<usize> = (0..cards.len()).filter(|i| layers[*i] == layer).collect();
        let side_by_side = members.len() > 1 && half >= 140.0;
        for row in members.chunks(if side_by_side { 2 } else { 1 }) {
            let mut tallest: f64 = 0.0;
            for (place, &i) in row.iter().enumerate() {
                let w = if row.len() == 2 { half } else { whole };
                placed[i] = Rect { x: margin + place as f64 * (half + margin), y, w, h: cards[i].h };
                tallest = tallest.max(cards[i].h);
            }
            y += tallest + if side_by_side { margin } else { gap };
        }
        if side_by_side {
            y += gap - margin;
        }
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card() -> Card {
        Card { w: 212.0, h: 100.0, wanted: None }
    }

    #[test]
    fn a_sender_is_left_of_its_receivers() {
        let rects = free(&[card(), card(), card(), card()], &[(3, 0), (0, 1), (1, 2)]);
        assert!(rects[3].x < rects[0].x && rects[0].x < rects[1].x && rects[1].x < rects[2].x, "{rects:?}");
    }

    #[test]
    fn services_that_call_each_other_do_not_overlap() {
        let rects = free(&[card(), card()], &[(0, 1), (1, 0)]);
        assert!(!rects[0].overlaps(&rects[1]));
    }

    #[test]
    fn a_new_card_covers_no_other() {
        let placed = Card { wanted: Some([40, 120]), ..card() };
        let rects = free(&[placed, card(), card()], &[]);
        assert!(!rects[0].overlaps(&rects[1]) && !rects[1].overlaps(&rects[2]) && !rects[0].overlaps(&rects[2]));
    }

    #[test]
    fn a_card_without_a_position_is_level_with_the_others() {
        let mut cards: Vec<Card> = (0..100).map(|i| Card { wanted: Some([700, i * 10]), ..card() }).collect();
        cards.push(card());
        let edges: Vec<(usize, usize)> = (0..100).map(|i| (100, i)).collect();
        let rects = free(&cards, &edges);
        assert!((0.0..1000.0).contains(&rects[100].y), "{:?}", rects[100]);
    }

    #[test]
    fn a_card_that_has_grown_covers_no_other() {
        let at = |y: f64, h: f64| Rect { x: 0.0, y, w: 200.0, h };
        let beside = Rect { x: 300.0, y: 110.0, w: 200.0, h: 100.0 };
        let mut rects = [at(0.0, 150.0), at(110.0, 100.0), at(220.0, 100.0), beside];
        make_room(&mut rects, &[50.0, 0.0, 0.0, 0.0]);
        assert_eq!(rects.map(|rect| rect.y), [0.0, 166.0, 282.0, 110.0]);
        let mut stacked = [at(0.0, 150.0), at(50.0, 100.0)];
        make_room(&mut stacked, &[50.0, 0.0]);
        assert_eq!(stacked[1].y, 50.0, "the document has one card on the other");
    }

    #[test]
    fn a_column_fits_a_phone() {
        let rects = column(&[card(), card(), card(), card()], &[(0, 1), (1, 2), (1, 3)], 320.0);
        assert!(rects.iter().all(|r| r.x >= 0.0 && r.right() <= 320.0), "{rects:?}");
        assert_eq!(rects[2].y, rects[3].y);
        assert!(rects[2].right() < rects[3].x);
    }
}
