//! The layout of cards without a position in the document: layers from senders (left) to receivers (right). On a narrow
//! page, all cards form one column.

use super::geometry::{Point, Rect, point};
use std::collections::BTreeMap;

/// Distance between the left edges of two layers.
const LAYER: f64 = 310.0;
/// Distance between two cards of a layer.
const GAP: f64 = 40.0;
/// Least distance between a card that has grown and the card below it.
const CLOSE: f64 = 16.0;
/// The height up to which a layer is always one column, px.
const MAX_COLUMN: f64 = 1000.0;
/// The ratio of width to height of a large drawing.
const ASPECT_RATIO: f64 = 1.6;
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
/// count. Takes time in proportion to the number of cards and edges.
pub fn layers(count: usize, edges: &[(usize, usize)]) -> Vec<usize> {
    let mut senders: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (from, to) in edges {
        if from != to {
            senders[*to].push(*from);
        }
    }
    let (mut known, mut in_progress) = (vec![None; count], vec![false; count]);
    for card in 0..count {
        // The cards in progress, each with the next of its senders to look at, and the deepest layer so far.
        let mut path: Vec<(usize, usize, usize)> = Vec::new();
        if known[card].is_none() {
            path.push((card, 0, 0));
            in_progress[card] = true;
        }
        while let Some((card, next, deepest)) = path.last_mut() {
            let Some(&sender) = senders[*card].get(*next) else {
                (known[*card], in_progress[*card]) = (Some(*deepest), false);
                path.pop();
                continue;
            };
            match known[sender] {
                Some(depth) => {
                    *deepest = (*deepest).max(depth + 1);
                    *next += 1;
                }
                None if in_progress[sender] => *next += 1,
                None => {
                    path.push((sender, 0, 0));
                    in_progress[sender] = true;
                }
            }
        }
    }
    known.into_iter().map(Option::unwrap_or_default).collect()
}

/// Width of the strips that index placed cards.
const STRIP: f64 = LAYER;

/// Placed cards by vertical strip, so that only near ones are compared.
#[derive(Default)]
struct Strips(BTreeMap<i32, Vec<Rect>>);

impl Strips {
    fn range(x: f64, w: f64) -> std::ops::RangeInclusive<i32> {
        (x / STRIP).floor() as i32..=((x + w) / STRIP).floor() as i32
    }

    /// Adds a card with the gap around it.
    fn add(&mut self, rect: Rect) {
        let grown = rect.grown(GAP - 1.0);
        for strip in Strips::range(grown.x, grown.w) {
            self.0.entry(strip).or_default().push(rect);
        }
    }

    /// Returns a card that a rectangle overlaps or is too close to.
    fn find(&self, rect: &Rect) -> Option<&Rect> {
        let near = Strips::range(rect.x, rect.w).filter_map(|strip| self.0.get(&strip));
        near.flatten().find(|other| other.grown(GAP - 1.0).overlaps(rect))
    }
}

/// The column of a layer that is being filled.
struct LayerColumn {
    x: f64,
    /// The upper edge of the next card.
    top: f64,
    height: f64,
    /// The number of columns of the layer that are still empty.
    empty: usize,
}

impl LayerColumn {
    /// Returns the upper edge of a column with this middle.
    fn start(&self, middle: f64) -> f64 {
        ((middle - self.height / 2.0) / 10.0).round() * 10.0
    }
}

/// Returns the first column of each layer, from the heights of the layers. A layer that would be much taller than the drawing
/// is wide has several columns.
fn columns_of_layers(heights: Vec<f64>) -> Vec<LayerColumn> {
    let area: f64 = heights.iter().map(|height| height * LAYER).sum();
    let limit = MAX_COLUMN.max((area / ASPECT_RATIO).sqrt());
    let mut x = ORIGIN.x;
    let column = |height: f64| {
        let count = (height / limit).ceil().max(1.0);
        let column = LayerColumn { x, top: 0.0, height: height / count, empty: count as usize - 1 };
        x += LAYER * count;
        column
    };
    heights.into_iter().map(column).collect()
}

/// Returns the place of each card: its position in the document, or else a place in its layer below the cards that are
/// already there.
pub fn free(cards: &[Card], edges: &[(usize, usize)]) -> Vec<Rect> {
    let at = |card: &Card, p: Point| Rect { x: p.x, y: p.y, w: card.w, h: card.h };
    let mut placed: Vec<Option<Rect>> =
        cards.iter().map(|card| card.wanted.map(|[x, y]| at(card, point(f64::from(x), f64::from(y))))).collect();
    if placed.iter().any(Option::is_none) {
        let layers = layers(cards.len(), edges);
        let mut heights = vec![0.0; layers.iter().copied().max().unwrap_or(0) + 1];
        for (card, layer) in cards.iter().zip(&layers).filter(|(card, _)| card.wanted.is_none()) {
            heights[*layer] += card.h + GAP;
        }
        let mut columns = columns_of_layers(heights);
        let tallest = columns.iter().map(|column| column.height).fold(0.0, f64::max);
        // On the level of the cards that have a position, or else below the origin.
        let occupied = placed.iter().flatten().copied().reduce(|a, b| a.union(&b));
        let middle = occupied.map_or(ORIGIN.y + tallest / 2.0, |rect| rect.center().y + GAP / 2.0);
        let mut strips = Strips::default();
        placed.iter().flatten().for_each(|rect| strips.add(*rect));
        columns.iter_mut().for_each(|column| column.top = column.start(middle));
        for (i, card) in cards.iter().enumerate() {
            if placed[i].is_some() {
                continue;
            }
            let column = &mut columns[layers[i]];
            if column.top - column.start(middle) >= column.height && column.empty > 0 {
                (column.top, column.x, column.empty) = (column.start(middle), column.x + LAYER, column.empty - 1);
            }
            let mut rect = at(card, point(column.x, column.top));
            while let Some(other) = strips.find(&rect) {
                rect.y = ((other.bottom() + GAP) / 10.0).ceil() * 10.0;
            }
            column.top = ((rect.bottom() + GAP) / 10.0).ceil() * 10.0;
            // A wide card reaches into the next layer.
            if card.w > LAYER - GAP {
                strips.add(rect);
            }
            placed[i] = Some(rect);
        }
    }
    placed.into_iter().map(|rect| rect.expect("every card was placed")).collect()
}

/// Moves cards down that would be covered by a card above them that has grown, because it has received data in the run. Cards
/// that the document places one on another stay there.
pub fn make_room(rects: &mut [Rect], growth: &[f64]) {
    let mut order: Vec<usize> = (0..rects.len()).collect();
    order.sort_by(|a, b| rects[*a].y.total_cmp(&rects[*b].y).then(a.cmp(b)));
    let before: Vec<Rect> =
        rects.iter().zip(growth).map(|(rect, growth)| Rect { h: rect.h - growth.max(0.0), ..*rect }).collect();
    // Only cards that have grown, or have been moved, can cover others.
    let mut active: Vec<usize> = Vec::new();
    for card in order {
        for &above in &active {
            let (grown, is_level) =
                (rects[above], rects[above].x < rects[card].right() && rects[card].x < rects[above].right());
            if is_level && !before[above].overlaps(&before[card]) && grown.bottom() + CLOSE > rects[card].y {
                rects[card].y = grown.bottom() + CLOSE;
            }
        }
        if growth[card] > 0.0 || rects[card].y > before[card].y {
            active.push(card);
        }
    }
}

/// Returns places in one column of this width, layer by layer. If the column is wide enough, two cards of a layer are
/// side by side.
pub fn column(cards: &[Card], edges: &[(usize, usize)], width: f64) -> Vec<Rect> {
    let (margin, gap) = (14.0, 48.0);
    let available = (width - 2.0 * margin).max(200.0);
    // A link passes between the cards, and beside them.
    let half = (available - CLOSE) / 2.0;
    let layers = layers(cards.len(), edges);
    let mut by_layer: Vec<Vec<usize>> = vec![Vec::new(); layers.iter().copied().max().unwrap_or(0) + 1];
    for (i, layer) in layers.iter().enumerate() {
        by_layer[*layer].push(i);
    }
    let mut placed = vec![Rect::default(); cards.len()];
    let mut y = 56.0;
    for members in by_layer {
        let side_by_side = members.len() > 1 && half >= 136.0;
        for row in members.chunks(if side_by_side { 2 } else { 1 }) {
            let mut tallest: f64 = 0.0;
            for (place, &i) in row.iter().enumerate() {
                let w = if row.len() == 2 { half } else { available };
                placed[i] = Rect { x: margin + place as f64 * (half + CLOSE), y, w, h: cards[i].h };
                tallest = tallest.max(cards[i].h);
            }
            y += tallest + if side_by_side { CLOSE } else { gap };
        }
        if side_by_side {
            y += gap - CLOSE;
        }
    }
    placed
}

/// Columns of a [`grid`].
const COLUMNS: usize = 3;
/// Width of its cards, and the distances between its columns, its rows, and above a row that a group begins.
const GRID: (f64, f64, f64, f64) = (205.0, 46.0, 52.0, 92.0);

/// Returns places in rows of three cards, layer by layer. Each group begins a row. A chain that does not fit a row continues
/// below the row's end, in the other direction.
pub fn grid(cards: &[Card], edges: &[(usize, usize)], groups: &[Option<usize>]) -> Vec<Rect> {
    let layers = layers(cards.len(), edges);
    let mut order: Vec<usize> = (0..cards.len()).collect();
    let mut layer_of_group: BTreeMap<usize, usize> = BTreeMap::new();
    for (group, layer) in groups.iter().zip(&layers) {
        let first = group.map(|group| layer_of_group.entry(group).or_insert(*layer));
        first.into_iter().for_each(|first| *first = (*first).min(*layer));
    }
    let layer = |card: usize| groups[card].map_or(layers[card], |group| layer_of_group[&group]);
    // A card without senders is directly before its receivers.
    let mut before: Vec<Option<usize>> = vec![None; cards.len()];
    for (from, to) in edges.iter().filter(|(from, _)| layers[*from] == 0 && groups[*from].is_none()) {
        let latest = layer(*to).saturating_sub(1);
        before[*from] = Some(before[*from].map_or(latest, |before| before.min(latest)));
    }
    order.sort_by_key(|card| {
        (before[*card].unwrap_or(layer(*card)), groups[*card].map(|group| (group, layers[*card])), *card)
    });
    let mut placed = vec![Rect::default(); cards.len()];
    let (w, gap, below, above_group) = GRID;
    let (mut y, mut is_reversed) = (0.0, false);
    for block in order.chunk_by(|a, b| groups[*a] == groups[*b]) {
        let group = groups[block[0]];
        if group.is_some() && y > 0.0 {
            y += above_group - below;
        }
        for (index, row) in block.chunks(COLUMNS).enumerate() {
            is_reversed = index > 0 && group.is_none() && !is_reversed;
            for (place, &card) in row.iter().enumerate() {
                // Two cards have the outer columns.
                let column = if row.len() == 2 && index == 0 { 2 * place } else { place };
                let column = if is_reversed { COLUMNS - 1 - column } else { column };
                placed[card] = Rect { x: (w + gap) * column as f64, y, w, h: cards[card].h };
            }
            y += row.iter().map(|card| cards[*card].h).fold(0.0, f64::max) + below;
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
    fn many_cards_of_a_layer_form_a_grid_and_not_one_column() {
        let star: Vec<(usize, usize)> = (1..300).map(|i| (0, i)).collect();
        for edges in [Vec::new(), star] {
            let rects = free(&[card(); 300], &edges);
            let all = rects.iter().copied().reduce(|a, b| a.union(&b)).expect("cards");
            assert!((1.0..2.5).contains(&(all.w / all.h)), "{all:?}");
            assert!(rects[1..].iter().all(|rect| edges.is_empty() || rect.x > rects[0].right()), "receivers are right");
        }
        let few = free(&[card(); 6], &[]);
        assert!(few.iter().all(|rect| rect.x == few[0].x), "a column that fits a page stays one");
    }

    #[test]
    fn ten_thousand_cards_are_placed_without_overlaps() {
        let count = 10_000;
        let chain: Vec<(usize, usize)> = (1..count).map(|i| (i - 1, i)).collect();
        let star: Vec<(usize, usize)> = (1..count).map(|i| (0, i)).collect();
        let circle: Vec<(usize, usize)> = (0..count).map(|i| (i, (i + 1) % count)).collect();
        let random: Vec<(usize, usize)> = (0..3 * count).map(|i| (i * 7919 % count, i * 104_729 % count)).collect();
        let positioned: Vec<Card> = (0..count as i32)
            .map(|i| Card { wanted: (i % 2 == 0).then_some([i % 100 * 300, i / 100 * 200]), ..card() })
            .collect();
        for (cards, edges) in [
            (vec![card(); count], Vec::new()),
            (vec![card(); count], chain),
            (vec![card(); count], star),
            (vec![card(); count], circle),
            (vec![card(); count], random.clone()),
            (positioned, random),
        ] {
            let rects = free(&cards, &edges);
            assert_eq!(column(&cards, &edges, 320.0).len(), count);
            for pair in rects.windows(2) {
                assert!(!pair[0].overlaps(&pair[1]), "{pair:?}");
            }
        }
    }

    #[test]
    fn a_grid_has_rows_of_three_a_row_for_each_group_and_chains_that_turn() {
        let chain = grid(&[card(); 4], &[(0, 1), (1, 2), (2, 3)], &[None; 4]);
        assert_eq!(chain.iter().map(|rect| rect.y > 0.0).collect::<Vec<_>>(), [false, false, false, true]);
        assert_eq!(chain[3].x, chain[2].x, "the chain continues below its end");
        let without_publisher = grid(&[card(); 4], &[(0, 1), (1, 2), (3, 2)], &[None; 4]);
        assert!(without_publisher[0].x < without_publisher[1].x && without_publisher[1].x < without_publisher[3].x);
        let groups = [Some(0), Some(0), Some(0), None, None];
        let cart = grid(&[card(); 5], &[(3, 0), (4, 2), (0, 1), (1, 2)], &groups);
        assert!(
            cart[0].y > cart[3].bottom() && cart[0].y == cart[2].y && cart[3].x == cart[0].x && cart[4].x == cart[2].x
        );
        let width = cart.iter().map(Rect::right).fold(0.0, f64::max);
        assert!(width <= 712.0, "half of it has room on a phone: {width}");
    }

    #[test]
    fn a_column_fits_a_phone() {
        let rects = column(&[card(), card(), card(), card()], &[(0, 1), (1, 2), (1, 3)], 320.0);
        assert!(rects.iter().all(|r| r.x >= 0.0 && r.right() <= 320.0), "{rects:?}");
        assert_eq!(rects[2].y, rects[3].y);
        assert!(rects[2].right() < rects[3].x);
    }
}
