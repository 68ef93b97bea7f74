//! A consumer's reading of a log: each partition in order, one event after the other (as a Kafka consumer's poll loop).

use super::message::Delivery;
use crate::ordered::Map;
use std::collections::VecDeque;
use std::sync::Arc;

/// One partition, as its reader sees it.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    /// The event that was lined up last.
    last: Option<u32>,
    /// Deliveries that came before what they follow, by that.
    early: Map<u32, Arc<Delivery>>,
    /// Deliveries whose turn comes, in order.
    line: VecDeque<Arc<Delivery>>,
    busy: bool,
}

impl Reader {
    /// A delivery came; lines up what is in order now.
    pub fn on_delivery(&mut self, delivery: Arc<Delivery>) {
        match delivery.follows {
            // Read again from the last commit: what came before is void.
            None => {
                self.early.clear();
                self.line.clear();
                self.line_up(delivery);
            }
            Some(event) if self.last == Some(event) => self.line_up(delivery),
            Some(event) => {
                self.early.insert(event, delivery);
            }
        }
    }

    fn line_up(&mut self, delivery: Arc<Delivery>) {
        let mut next = Some(delivery);
        while let Some(delivery) = next {
            self.last = Some(delivery.event);
            next = self.early.remove(&delivery.event);
            self.line.push_back(delivery);
        }
    }

    /// The next event to handle, unless one is being handled.
    pub fn take(&mut self) -> Option<Arc<Delivery>> {
        if self.busy {
            return None;
        }
        let next = self.line.pop_front();
        self.busy = next.is_some();
        next
    }

    /// The event is handled.
    pub fn done(&mut self) {
        self.busy = false;
    }

    /// The event could not be handled: what follows it waits until the bus delivers it again.
    pub fn failed(&mut self) {
        *self = Reader::default();
    }
}
