//! Records how far a member's log is, whenever that changes.

use crate::engine::context::Context;
use crate::trace::{Fact, NodeId};

/// How far a log is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogProgress {
    /// Index of the last entry.
    pub last: u32,
    /// Index of the last entry known to be committed.
    pub committed: u32,
    /// The current term, or epoch.
    pub term: u32,
}

impl LogProgress {
    /// Records the current progress of a member's log, unless it was recorded before.
    pub fn record(&mut self, current: LogProgress, node: NodeId, ctx: &mut Context) {
        debug_assert!(current.committed <= current.last, "committed entries are in the log");
        debug_assert!(current.last == 0 || current.term > 0, "the first term is 1");
        if *self != current {
            *self = current;
            let LogProgress { last, committed, term } = current;
            ctx.record(Fact::LogChanged { node, last, committed, term });
        }
    }
}
