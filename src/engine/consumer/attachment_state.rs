//! The state of a handler's attachment to a bus.

use crate::scenario::Micros;

/// The attachment of a handler without a session, as the consumer sees it.
#[derive(Clone, Debug)]
pub(super) struct AttachmentState {
    /// The number of the connection, or of the last receive.
    pub(super) incarnation: u32,
    /// The number of the connection among all connections of the consumer, from 1.
    pub(super) connection: u32,
    /// Whether the bus has confirmed the connection.
    pub(super) is_open: bool,
    /// The time of the last confirmation.
    pub(super) last_heard: Micros,
    /// The timer of the next heartbeat or attempt, or of the reply to a receive.
    pub(super) timer: Option<u32>,
    /// The open receive of a consumer that polls, if any, and how many deliveries of its response are missing.
    pub(super) receive: Option<Option<u32>>,
}

impl AttachmentState {
    /// Returns the state at the start of a run, when all consumers are attached.
    pub(super) fn new(connection: u32) -> AttachmentState {
        AttachmentState { incarnation: 0, connection, is_open: true, last_heard: 0, timer: None, receive: None }
    }

    /// Discards the state that a crash loses.
    pub(super) fn crash(&mut self) {
        (self.timer, self.receive) = (None, None);
    }
}
