//! Active faults, as fields.

use crate::trace::NodeId;
use serde::{Deserialize, Serialize};

/// A fault of a node or a link that is neither a crash nor a cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActiveFault {
    /// The node; for a link the sender.
    pub node: NodeId,
    /// The receiver of a link.
    pub to: Option<NodeId>,
    /// The fault.
    pub kind: FaultKind,
}

/// The kind of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FaultKind {
    /// A link loses, duplicates, reorders or delays messages.
    Disturbed,
    /// The node is paused.
    Paused,
    /// A service takes longer than configured.
    Slowed {
        /// The time that it takes, in thousandths of the configured time.
        permille: u32,
    },
    /// A clock is wrong.
    ClockOff {
        /// How far it is ahead of true time, µs; negative if it is behind.
        ahead: i64,
    },
    /// A bus is stopped.
    BusStopped,
    /// A consumer is not in its consumer group.
    OutOfGroup,
    /// Some replicas of a bus are not in sync.
    OutOfSync {
        /// Brokers in sync.
        in_sync: u32,
        /// All brokers.
        replicas: u32,
    },
    /// A broker is down.
    BrokerDown {
        /// Its number, from 1.
        broker: u32,
    },
}
