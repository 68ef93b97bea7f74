//! A consumer's reading of a log: each partition in order, one event after the other (as a Kafka consumer's poll loop); and
//! how it keeps its place in its group.

use super::message::{Delivery, Position};
use crate::scenario::Micros;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// One partition, as its reader sees it.
#[derive(Clone, Debug, Default)]
pub struct PartitionReader {
    /// The event that was lined up last.
    last: Option<u32>,
    /// Deliveries that came before what they follow, by that.
    out_of_order: BTreeMap<u32, Arc<Delivery>>,
    /// Deliveries whose turn comes, in order.
    queue: VecDeque<Arc<Delivery>>,
    busy: bool,
    /// Where the reader has a session: how many of those in line the last poll returned. Else it does not matter.
    polled: Option<usize>,
    /// As the deliveries say that it goes by.
    generation: u32,
    /// The event that it committed last in that generation.
    committed: Option<u32>,
}

impl PartitionReader {
    /// Of a reader with a session, which handles what it polled before it polls again.
    pub fn polling() -> PartitionReader {
        PartitionReader { polled: Some(0), ..PartitionReader::default() }
    }

    /// A delivery came; lines up what is in order now.
    pub fn on_delivery(&mut self, delivery: Arc<Delivery>) {
        if delivery.generation < self.generation {
            return;
        }
        if delivery.generation > self.generation {
            self.discard_all();
            (self.last, self.committed, self.generation) = (None, None, delivery.generation);
        }
        match delivery.follows {
            // A second copy of the first.
            None if self.polled.is_some() && self.last.is_some() => {}
            // Read again from the last commit: what came before is void.
            None => {
                self.discard_all();
                self.enqueue(delivery);
            }
            Some(event) if self.last == Some(event) => self.enqueue(delivery),
            Some(event) => {
                self.out_of_order.insert(event, delivery);
            }
        }
    }

    fn discard_all(&mut self) {
        self.out_of_order.clear();
        self.queue.clear();
        self.polled = self.polled.map(|_| 0);
    }

    fn enqueue(&mut self, delivery: Arc<Delivery>) {
        let mut next = Some(delivery);
        while let Some(delivery) = next {
            self.last = Some(delivery.event);
            next = self.out_of_order.remove(&delivery.event);
            self.queue.push_back(delivery);
        }
    }

    /// The next event to handle, unless one is being handled.
    pub fn take(&mut self) -> Option<Arc<Delivery>> {
        if self.busy || self.polled == Some(0) {
            return None;
        }
        let next = self.queue.pop_front();
        self.busy = next.is_some();
        if self.busy {
            self.polled = self.polled.map(|left| left - 1);
        }
        next
    }

    /// A poll returns what is in line, up to so many; how many that is.
    pub fn poll(&mut self, max_events: usize) -> usize {
        let returned = self.queue.len().min(max_events);
        self.polled = Some(returned);
        returned
    }

    /// Whether all that the last poll returned is handled.
    pub fn has_handled_all(&self) -> bool {
        !self.busy && self.polled == Some(0)
    }

    /// The event is handled.
    pub fn on_handled(&mut self) {
        self.busy = false;
    }

    /// The event could not be handled: what follows it waits until the bus delivers it again.
    pub fn on_failed(&mut self) {
        self.discard_all();
        (self.last, self.busy) = (None, false);
    }

    /// It committed an event that it got in a generation.
    pub fn on_commit(&mut self, event: u32, generation: u32) {
        if generation == self.generation {
            self.committed = Some(event);
        }
    }

    /// How far it is.
    pub fn position(&self, partition: u32) -> Position {
        Position { partition, generation: self.generation, last: self.last, committed: self.committed }
    }
}

/// How a log's reader keeps its place in its group, ready to run.
#[derive(Clone, Copy, Debug)]
pub struct ReaderSessionConfig {
    /// Between two heartbeats.
    pub heartbeat: Micros,
    /// How long what one poll returned may take.
    pub max_poll: Micros,
    /// How many events one poll returns at most, over all partitions.
    pub max_events: u32,
}

/// A reader's place in its group, as it sees it itself.
#[derive(Clone, Debug)]
pub struct ReaderSession {
    /// Its settings.
    pub config: ReaderSessionConfig,
    /// It begins a new life when its process is started again, and when it joins after it left.
    pub life: u32,
    /// It did not leave.
    pub is_member: bool,
    /// When it polled last.
    pub polled: Micros,
    /// The timer of its next heartbeat.
    pub timer: Option<u32>,
}

impl ReaderSession {
    /// A run begins with all readers in their groups.
    pub fn new(config: ReaderSessionConfig) -> ReaderSession {
        ReaderSession { config, life: 0, is_member: true, polled: 0, timer: None }
    }
}
