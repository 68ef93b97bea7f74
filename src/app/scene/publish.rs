//! The publish button and its place beside the card of its service. Links lead around it.

use super::parts::SceneNode;
use super::relations::{Relation, Side, has_links};
use crate::app::detail::Detail;
use crate::app::geometry::{Point, Rect, point};
use crate::text;

/// Minimum width and height of the button.
const MIN_SIZE: (f64, f64) = (164.0, 36.0);
/// Maximum width of the button, that of a card. A longer text has two lines.
const WIDEST: f64 = 232.0;
/// Maximum height of the button at any level of detail that shows it.
const HIGHEST: f64 = 64.0;
/// Width of a letter of the button's text, as a share of its size.
const LETTER: f64 = 0.68;
/// Width of the padding at both sides of the text.
const PADDING: f64 = 28.0;
/// Minimum height of the button on the screen, px: a target of 24 px, and its border.
const MIN_ON_SCREEN: f64 = 26.0;
/// Distance between the button and the cards.
const GAP: f64 = 16.0;
/// Room for links that lead around the button.
const TURN: f64 = 40.0;
/// Distance between the button and the nearest link that leaves the card at the same side.
const LINK_GAP: f64 = 10.0;

/// The publish button.
#[derive(Clone, Debug, PartialEq)]
pub struct PublishButton {
    /// The service that it writes to.
    pub node: usize,
    /// The side of the card at which it is.
    pub(super) side: Side,
    /// Its upper left corner, or the upper right one if it grows to the left.
    corner: Point,
    grows_left: bool,
}

impl PublishButton {
    /// Returns the place of the button at a level of detail: its text grows as others do, and the button with it.
    pub fn rect_at(&self, detail: Detail) -> Rect {
        let text = detail.text().max(13.0);
        let one_line = text!("Publish update").chars().count() as f64 * LETTER * text + PADDING;
        let lines = if one_line > WIDEST { 2.0 } else { 1.0 };
        let (w, h) =
            (one_line.clamp(MIN_SIZE.0, WIDEST), (MIN_ON_SCREEN * detail.factor()).max(1.2 * text * lines + 6.0));
        self.rect_of(w, h.max(MIN_SIZE.1))
    }

    /// Returns the place of the button at 100 %.
    pub fn rect(&self) -> Rect {
        self.rect_at(Detail::default())
    }

    /// Returns the place of the button at 100 %, with its maximum width.
    pub(super) fn widest(&self) -> Rect {
        Rect { h: self.rect().h, ..self.largest() }
    }

    /// Returns the rectangle that the button never leaves.
    pub(super) fn largest(&self) -> Rect {
        self.rect_of(WIDEST, HIGHEST)
    }

    fn rect_of(&self, w: f64, h: f64) -> Rect {
        Rect { x: if self.grows_left { self.corner.x - w } else { self.corner.x }, y: self.corner.y, w, h }
    }

    /// Returns the part of a side of its card at which links can end, as distances from the side's beginning.
    pub(super) fn free_part(&self, card: &Rect, side: Side) -> Option<(f64, f64)> {
        let button = self.largest();
        let (from, to) = match side {
            _ if side != self.side => return None,
            Side::Top | Side::Bottom => (button.right() - card.x + LINK_GAP, card.w - 14.0),
            Side::Left | Side::Right => (button.bottom() - card.y + LINK_GAP, card.h - 10.0),
        };
        (from < to).then_some((from, to))
    }
}

/// Places the publish button below its service's card, or at another side if another card or the name of an area is in the
/// way.
pub(super) fn publish_button(
    nodes: &[SceneNode],
    relations: &[Relation],
    names: &[Rect],
    node: usize,
) -> PublishButton {
    // The button of a member of a large group is outside of the group.
    let is_beside = |other: &&SceneNode| other.group.is_some() && other.group == nodes[node].group;
    let rect =
        nodes.iter().filter(is_beside).map(|other| other.rect).fold(nodes[node].rect, |all, rect| all.union(&rect));
    let above_or_below = |side: Side, y: f64| {
        // Links that leave the same side use its right end.
        let grows_left = has_links(nodes, relations, node, side);
        let x = if grows_left { rect.x + MIN_SIZE.0 } else { rect.x };
        PublishButton { node, side, corner: point(x, y), grows_left }
    };
    let places = [
        above_or_below(Side::Bottom, rect.bottom() + GAP),
        above_or_below(Side::Top, rect.y - GAP - MIN_SIZE.1),
        PublishButton { node, side: Side::Left, corner: point(rect.x - GAP, rect.y), grows_left: true },
        PublishButton { node, side: Side::Right, corner: point(rect.right() + GAP, rect.y), grows_left: false },
    ];
    let covers = |area: Rect| nodes.iter().any(|other| other.rect.overlaps(&area));
    let is_free = |button: &&PublishButton| {
        let area = button.largest();
        // The links that leave beside the button need room to turn.
        let (above, below) = match button.side {
            Side::Top if button.grows_left => (TURN, 0.0),
            Side::Bottom if button.grows_left => (0.0, TURN),
            _ => (0.0, 0.0),
        };
        !covers(Rect { y: area.y - above, h: area.h + above + below, ..area })
            && !names.iter().any(|name| name.overlaps(&button.largest()))
    };
    let is_almost_free = |button: &&PublishButton| !covers(button.rect());
    let found = places.iter().find(is_free).or_else(|| places.iter().find(is_almost_free));
    found.unwrap_or(&places[0]).clone()
}
