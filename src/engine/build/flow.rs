//! Where updates should arrive.

use crate::trace::NodeId;

/// A pair of services of which the second should eventually reflect the commits of the first.
pub(super) struct Flow {
    pub(super) from: NodeId,
    pub(super) to: NodeId,
    /// The first of the workers that hold the data together, if the updates arrive only through consumer groups.
    pub(super) holder: Option<NodeId>,
}
