//! Pointer gestures on the canvas, and the tools that change their meaning.

use super::canvas_item::CanvasItem;
use super::geometry::Point;
use std::collections::BTreeSet;

/// The gesture of a pointer on the canvas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Tool {
    /// Select, move and pan.
    #[default]
    Select,
    /// Connect two cards: the first click chooses the source, the second the target.
    Connect {
        /// The source, once it is chosen.
        from: Option<String>,
    },
    /// The scissors: cut or heal links that are clicked or crossed.
    Cut,
}

/// The part of the page on which a pointer was pressed.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// The empty canvas.
    Empty,
    /// A card.
    Node(String),
    /// The handle of a card, from which links are drawn.
    Handle(String),
}

/// A pointer that was pressed.
#[derive(Clone, Debug, PartialEq)]
pub struct Press {
    /// The pointer's id.
    pub id: i32,
    /// The position, in px from the canvas's corner.
    pub at: Point,
    /// The element that was pressed.
    pub target: Target,
    /// The key of the row of a card, if it was pressed on one.
    pub key: Option<String>,
    /// Whether Shift was held: adds to the selection, or draws a selection box.
    pub shift: bool,
    /// Whether Ctrl or ⌘ was held: adds to the selection.
    pub control: bool,
    /// Whether a finger pressed, which is less exact.
    pub touch: bool,
    /// Whether Alt was held: moves a copy.
    pub alt: bool,
    /// Whether the middle button was pressed or Space was held: pans, also from a card.
    pub pan: bool,
}

/// A gesture in progress. Points without a unit are in canvas units.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Gesture {
    /// None.
    #[default]
    None,
    /// The pointer is down and has not moved yet.
    Pressed(Press),
    /// Pans the view.
    Pan {
        /// The pointer's id.
        id: i32,
        /// Its last position, px.
        last: Point,
    },
    /// Zooms with two fingers.
    Pinch {
        /// The fingers' ids and last positions, px.
        fingers: [(i32, Point); 2],
    },
    /// Moves cards.
    Move {
        /// The moved cards.
        ids: Vec<String>,
        /// The card below the pointer, which snaps to the grid.
        lead: String,
        /// Where the move started.
        from: Point,
        /// The distance, snapped to the grid.
        by: (f64, f64),
        /// Whether copies are moved; the cards keep their places.
        copies: bool,
    },
    /// Draws a selection box.
    Box {
        /// Where it started.
        from: Point,
        /// Where the pointer is.
        to: Point,
        /// The selection before it.
        before: BTreeSet<CanvasItem>,
    },
    /// Draws a link.
    Connect {
        /// The source.
        from: String,
        /// Where the pointer is.
        to: Point,
        /// The card that the link would connect to.
        over: Option<String>,
    },
    /// Draws the line of the scissors.
    Cut {
        /// Where it started.
        from: Point,
        /// Where the pointer is.
        to: Point,
    },
}

impl Gesture {
    /// Returns whether it is a drag that acts on the drawing or the selection, not on the view.
    pub fn is_drag(&self) -> bool {
        match self {
            Gesture::None | Gesture::Pressed(_) | Gesture::Pan { .. } | Gesture::Pinch { .. } => false,
            Gesture::Move { .. } | Gesture::Box { .. } | Gesture::Connect { .. } | Gesture::Cut { .. } => true,
        }
    }
}
