//! The places of the labels of links: beside their link, never over a card, the name of an area, or another label.

use super::parts::{SceneLink, SceneNode, TextAnchor};
use crate::app::detail::{Detail, Level};
use crate::app::geometry::{Curve, Rect, point};
use crate::text;

/// Width of a letter of the smallest text, as a share of its size.
const LETTER: f64 = 0.62;
/// Distance between a link and its label.
const GAP: f64 = 5.0;
/// Distance between a label and a card, where there is room.
const EDGE: f64 = 3.0;
/// Width and height of the mark of a fault above a card.
const MARK: (f64, f64) = (150.0, 20.0);
/// Shares of a link's length at which its label may be, the best first.
const SHARES: [f64; 7] = [0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8];
/// Above this number of pairs of a link and a card, labels are not compared with cards.
const MAX_PAIRS: usize = 200_000;
/// Above this number of links, labels are not compared with links.
const MAX_LINKS: usize = 60;

/// Returns the size of a text with a number of letters, in canvas units.
fn size_of(letters: usize, detail: Detail) -> (f64, f64) {
    (letters as f64 * LETTER * detail.text(), 1.3 * detail.text())
}

impl SceneLink {
    /// Returns the place of its label, if it has one.
    pub fn label_rect(&self, detail: Detail) -> Option<Rect> {
        let (at, (w, h)) = (self.label_at?, size_of(self.label_letters, detail));
        let x = match self.label_anchor {
            TextAnchor::Start => at.x,
            TextAnchor::Middle => at.x - w / 2.0,
            TextAnchor::End => at.x - w,
        };
        Some(Rect { x, y: at.y - 0.75 * h, w, h })
    }

    /// Returns what its label shows while messages do not pass in some direction, or are disturbed. It is shorter where the
    /// label has no room for it: scissors mark a cut link, and its line a disturbed one.
    pub fn faulty_label(&self, (forward_cut, backward_cut): (bool, bool)) -> &'static str {
        let (words, sign) = match (forward_cut, backward_cut) {
            (true, true) => (text!("cut"), ""),
            (true, false) => (text!("cut →"), "→"),
            (false, true) => (text!("← cut"), "←"),
            (false, false) => (text!("disturbed"), ""),
        };
        // Beside the scissors, it begins a letter later.
        if words.chars().count() < self.label_letters { words } else { sign }
    }
}

/// Sets the place of each label, between a left and a right edge. A label without a free place is not shown.
pub(super) fn place(
    links: &mut [SceneLink],
    nodes: &[SceneNode],
    taken: &[Rect],
    (left, right): (f64, f64),
    detail: Detail,
) {
    let mut placed: Vec<Rect> = taken.to_vec();
    let is_hidden = detail.level < Level::Values || links.len() * nodes.len() > MAX_PAIRS;
    let words = [text!("cut →"), text!("← cut"), text!("disturbed")];
    let longest_word = words.map(|word| word.chars().count()).into_iter().max().unwrap_or_default() + 1;
    for index in 0..links.len() {
        links[index].label_at = None;
        if is_hidden {
            continue;
        }
        let is_free = |place: &Rect, edge: f64| {
            (place.x >= left && place.right() <= right)
                && !nodes.iter().any(|node| node.rect.grown(edge).overlaps(place))
                && !placed.iter().any(|other| other.overlaps(place))
        };
        let is_clear = |place: &Rect| {
            let others = links.iter().enumerate().filter(|(other, _)| *other != index && links.len() <= MAX_LINKS);
            let mut lines = others.flat_map(|(_, link)| link.curve.points().windows(2));
            !lines.any(|line| place.is_crossed(line[0], line[1]))
        };
        let is_marked = |place: &Rect| nodes.iter().any(|node| fault_mark(node).overlaps(place));
        // Room for the words of a fault, a place that no other link crosses and no mark of a fault covers, or as much of that as there is.
        let letters = links[index].label.chars().count();
        let wishes =
            [(letters.max(longest_word), true), (letters, true), (letters.max(longest_word), false), (letters, false)];
        // A label touches a card only if it would have no place otherwise.
        let found =
            [EDGE, 0.0].into_iter().flat_map(|edge| wishes.map(|wish| (edge, wish))).find_map(|(edge, wish)| {
                let (letters, alone) = wish;
                let mut free = candidates(&links[index].curve, size_of(letters, detail));
                let place =
                    free.find(|(place, _)| is_free(place, edge) && (!alone || is_clear(place) && !is_marked(place)))?;
                Some((place, letters))
            });
        if let Some(((place, anchor), letters)) = found {
            placed.push(place);
            let x = match anchor {
                TextAnchor::Start => place.x,
                TextAnchor::Middle => place.center().x,
                TextAnchor::End => place.right(),
            };
            // The base line is at three quarters of the height.
            let link = &mut links[index];
            (link.label_at, link.label_anchor) = (Some(point(x, place.y + 0.75 * place.h)), anchor);
            link.label_letters = letters;
        }
    }
}

/// Returns the place of the mark of a fault, at the card's upper right corner.
fn fault_mark(node: &SceneNode) -> Rect {
    let Rect { y, .. } = node.rect;
    Rect { x: node.rect.right() - MARK.0, y: y - MARK.1, w: MARK.0, h: MARK.1 }
}

/// Returns the places beside a link: above and below where it is level, right and left of it where it is steep.
fn candidates(curve: &Curve, (w, h): (f64, f64)) -> impl Iterator<Item = (Rect, TextAnchor)> {
    SHARES.into_iter().flat_map(move |share| {
        let (at, along) = (curve.at(share), curve.direction(share));
        let centers = if along.x.abs() >= along.y.abs() {
            // A sloping link needs more distance.
            let distance = h / 2.0 + GAP + w / 2.0 * (along.y / along.x).abs();
            [(at.x, at.y - distance, TextAnchor::Middle), (at.x, at.y + distance, TextAnchor::Middle)]
        } else {
            let distance = w / 2.0 + GAP + h / 2.0 * (along.x / along.y).abs();
            [(at.x + distance, at.y, TextAnchor::Start), (at.x - distance, at.y, TextAnchor::End)]
        };
        centers.map(|(x, y, anchor)| (Rect { x: x - w / 2.0, y: y - h / 2.0, w, h }, anchor))
    })
}
