//! The events of a run that the page reports to its host page.

use super::content::Change;
use crate::scenario::Micros;
use crate::trace::{DropCause, MessageKind, NodeId, Version};
use serde::{Deserialize, Serialize};

/// An event of the run that the host page can listen to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HostEvent {
    /// When.
    pub at: Micros,
    /// What happened.
    pub kind: HostEventKind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum HostEventKind {
    /// A node made an update.
    Published {
        /// The service, or the member that coordinates the write.
        node: NodeId,
        /// The update.
        change: Change,
    },
    /// A message arrived.
    Delivered(HostMessage),
    /// A message did not arrive.
    Dropped {
        /// The message.
        message: HostMessage,
        /// Why.
        cause: DropCause,
    },
    /// A read ended `ok`.
    Read {
        /// The client, or the service itself.
        by: NodeId,
        /// The replica whose state was returned.
        replica: NodeId,
        /// The key.
        key: String,
        /// The version that was returned; with counter 0 for an absent key.
        version: Version,
        /// The number of acknowledged updates that the result did not reflect.
        behind: u32,
    },
}

/// A message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HostMessage {
    /// The sender.
    pub from: NodeId,
    /// The receiver.
    pub to: NodeId,
    /// Its kind.
    pub kind: MessageKind,
    /// The key of the update that it carries; none if it carries none.
    pub key: Option<String>,
}
