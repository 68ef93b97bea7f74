//! The connection of a member to buses: the events that it handles and publishes.

use super::publications::{PendingPublications, PublicationModes};
use crate::engine::consumer::{Consumer, Handler};
use crate::engine::context::Context;
use crate::engine::message::{Delivery, Request};
use crate::engine::publishing::{Publisher, Publishing};
use crate::trace::{NodeId, OperationId};
use litemap::LiteMap;
use std::sync::Arc;

/// An event whose write the group has not replied to.
#[derive(Clone, Debug)]
pub struct PendingEvent {
    /// The delivery of the event.
    pub delivery: Arc<Delivery>,
    /// The write that was requested of the group.
    pub request: Arc<Request>,
    /// How many members it was sent to.
    pub attempts: usize,
}

/// The connection of a member to buses.
#[derive(Clone, Debug)]
pub struct Events {
    /// Receives events.
    pub consumer: Consumer,
    /// Publishes events.
    pub publishing: Publishing,
    /// Events in progress, by the operation that writes them.
    pub pending: LiteMap<OperationId, PendingEvent>,
}

impl Events {
    /// Returns the connection of a member; `None` if it neither publishes nor subscribes.
    pub fn new(node: NodeId, publishers: Vec<Publisher>, handlers: Vec<Handler>) -> Option<Self> {
        let is_connected = !publishers.is_empty() || !handlers.is_empty();
        is_connected.then(|| Events {
            consumer: Consumer::new(handlers),
            publishing: Publishing::new(node, publishers),
            pending: LiteMap::new(),
        })
    }

    /// Returns the empty list of writes to publish.
    pub fn publications(&self) -> PendingPublications {
        let (on_acknowledged, on_stored) = self.publishing.modes();
        PendingPublications::new(PublicationModes { on_acknowledged, on_stored })
    }

    /// Discards the events in progress. Publishing and the handlers keep their durable state.
    pub fn crash(&mut self, lose_disk: bool, ctx: &mut Context) {
        debug_assert!(
            self.pending.is_empty() || !self.consumer.handlers.is_empty(),
            "an event in progress has a handler"
        );
        self.pending.clear();
        self.consumer.crash(lose_disk, ctx);
        self.publishing.crash(lose_disk, ctx);
        debug_assert!(self.pending.is_empty(), "a crash forgets all events in progress");
    }
}
