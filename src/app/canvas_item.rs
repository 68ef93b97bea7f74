//! The items of the canvas that can be selected.

/// A card or a link.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CanvasItem {
    /// A card or a group, by the id of the node.
    Node(String),
    /// A link, by the ids of its ends.
    Link {
        /// The node at its start.
        from: String,
        /// The node at its end.
        to: String,
    },
}
