//! The places of the labels of links: beside their link, never over a card or another label.

use super::parts::{SceneLink, SceneNode};
use crate::app::detail::{Detail, Level};
use crate::app::geometry::{Curve, Point, Rect, point};

/// Width of a letter of the smallest text, as a share of its size.
const LETTER: f64 = 0.6;
/// Distance between a link and its label.
const GAP: f64 = 5.0;
/// Shares of a link's length at which its label may be, the best first.
const SHARES: [f64; 7] = [0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8];
/// Above this number of pairs of a link and a card, labels are not compared with cards.
const MAX_PAIRS: usize = 200_000;

/// Returns the size of a text, in canvas units.
pub(super) fn text_size(text: &str, detail: Detail) -> (f64, f64) {
    (text.chars().count() as f64 * LETTER * detail.text(), 1.3 * detail.text())
}

impl SceneLink {
    /// Returns the place of its label, if it has one.
    pub fn label_rect(&self, detail: Detail) -> Option<Rect> {
        let (at, (w, h)) = (self.label_at?, text_size(&self.label, detail));
        Some(Rect { x: at.x - w / 2.0, y: at.y - 0.75 * h, w, h })
    }
}

/// Sets the place of each label, inside of a column of this width. A label without a free place is not shown.
pub(super) fn place(links: &mut [SceneLink], nodes: &[SceneNode], taken: &[Rect], width: f64, detail: Detail) {
    let mut placed: Vec<Rect> = taken.to_vec();
    let is_crowded = links.len() * nodes.len() > MAX_PAIRS;
    for link in links {
        link.label_at = None;
        if detail.level < Level::Values || is_crowded {
            continue;
        }
        let size = text_size(&link.label, detail);
        let is_inside = |place: &Rect| width.is_infinite() || (place.x >= 0.0 && place.right() <= width);
        let free = candidates(&link.curve, size).find(|place| {
            is_inside(place)
                && !nodes.iter().any(|node| node.rect.overlaps(place))
                && !placed.iter().any(|other| other.overlaps(place))
        });
        if let Some(place) = free {
            placed.push(place);
            // The base line is at three quarters of the height.
            link.label_at = Some(point(place.center().x, place.y + 0.75 * place.h));
        }
    }
}

/// Returns the places beside a link: above and below where it is level, right and left of it where it is steep.
fn candidates(curve: &Curve, (w, h): (f64, f64)) -> impl Iterator<Item = Rect> {
    SHARES.into_iter().flat_map(move |share| {
        let (at, along) = (curve.at(share), curve.direction(share));
        let centers = if along.x.abs() >= along.y.abs() {
            // A sloping link needs more distance.
            let distance = h / 2.0 + GAP + w / 2.0 * (along.y / along.x).abs();
            [point(at.x, at.y - distance), point(at.x, at.y + distance)]
        } else {
            let distance = w / 2.0 + GAP + h / 2.0 * (along.x / along.y).abs();
            [point(at.x + distance, at.y), point(at.x - distance, at.y)]
        };
        centers.map(|center: Point| Rect { x: center.x - w / 2.0, y: center.y - h / 2.0, w, h })
    })
}
