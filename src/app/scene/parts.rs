//! The parts of a scene.

use crate::app::geometry::{Curve, Point, Rect};
use crate::text;
use std::rc::Rc;

/// The maximum number of rows on a service's card. The card states how many more there are.
pub use crate::session::protocol::SHOWN_ROWS;
/// The maximum number of subscriptions on a bus's card. The card states how many more there are.
pub const SHOWN_SUBSCRIPTIONS: usize = 8;
/// Groups with more members are drawn as a field of small members.
pub const MAX_CARDS_OF_GROUP: usize = 40;
/// Width and height of a member of a large group.
pub const MEMBER: f64 = 26.0;
/// Distance between the left edges of two such members.
pub const MEMBER_PITCH: f64 = 32.0;

/// The kind of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// A service.
    Service,
    /// An event bus.
    Bus,
    /// A client.
    Client,
    /// A replica group: no card, but an area around its members.
    Group,
}

impl NodeKind {
    /// Returns the word for the kind.
    pub fn word(self) -> &'static str {
        match self {
            NodeKind::Service => text!("Service"),
            NodeKind::Bus => text!("Bus"),
            NodeKind::Client => text!("Client"),
            NodeKind::Group => text!("Replica group"),
        }
    }
}

/// A card.
#[derive(Clone, Debug, PartialEq)]
pub struct SceneNode {
    /// The node's id in the document.
    pub id: Rc<str>,
    /// The node's name.
    pub name: Rc<str>,
    /// The node's kind.
    pub kind: NodeKind,
    /// The large group of which it is a member: it is drawn as a small field without text.
    pub group: Option<Rc<str>>,
    /// The place of the card.
    pub rect: Rect,
    /// The node's connections in words, for the card's accessible name.
    pub connections: Rc<str>,
}

/// The purpose of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkKind {
    /// A service publishes to a bus.
    Publishes,
    /// A bus delivers to a service.
    Delivers,
    /// A service calls another and waits for the reply.
    Calls,
    /// A client sends operations to a service.
    Asks,
    /// Members of a group replicate to each other.
    Replicates,
}

impl LinkKind {
    /// Returns the verb between start and end.
    pub fn word(self) -> &'static str {
        match self {
            LinkKind::Publishes => text!("publishes to"),
            LinkKind::Delivers => text!("delivers to"),
            LinkKind::Calls => text!("calls"),
            LinkKind::Asks => text!("asks"),
            LinkKind::Replicates => text!("replicates with"),
        }
    }

    /// Returns the verb between end and start.
    pub fn inverse_word(self) -> &'static str {
        match self {
            LinkKind::Publishes | LinkKind::Delivers => text!("receives from"),
            LinkKind::Calls => text!("called by"),
            LinkKind::Asks => text!("asked by"),
            LinkKind::Replicates => text!("replicates with"),
        }
    }
}

/// A link between two cards, drawn once for both directions.
#[derive(Clone, Debug, PartialEq)]
pub struct SceneLink {
    /// The card at its start.
    pub from: usize,
    /// The card at its end.
    pub to: usize,
    /// Its purpose.
    pub kind: LinkKind,
    /// Its path.
    pub curve: Rc<Curve>,
    /// Its latency, loss and duplication.
    pub label: Rc<str>,
    /// The point of the label's base line at which it is anchored; none if it has no room.
    pub label_at: Option<Point>,
    /// The part of the label that is at this point.
    pub label_anchor: TextAnchor,
    /// The number of letters for which there is room.
    pub label_letters: usize,
}

/// The part of a text that is at its position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TextAnchor {
    /// Its left end.
    Start,
    /// Its middle.
    #[default]
    Middle,
    /// Its right end.
    End,
}

impl TextAnchor {
    /// Returns the value of SVG's `text-anchor`.
    pub fn word(self) -> &'static str {
        match self {
            TextAnchor::Start => "start",
            TextAnchor::Middle => "middle",
            TextAnchor::End => "end",
        }
    }
}

/// The layout of the cards.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Layout {
    /// The positions of the document.
    #[default]
    Free,
    /// One column of this width.
    Column(f64),
    /// Rows of three cards: all of a drawing in little room.
    Grid,
}
