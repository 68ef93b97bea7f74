//! A consumer's reading of a log: each partition in order, one event after the other (as a Kafka consumer's poll loop); and
//! how it keeps its place in its group.

use super::message::{Delivery, Position};
use crate::scenario::Micros;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// One partition, as its reader sees it.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    /// The event that was lined up last.
    last: Option<u32>,
    /// Deliveries that came before what they follow, by that.
    early: BTreeMap<u32, Arc<Delivery>>,
    /// Deliveries whose turn comes, in order.
    line: VecDeque<Arc<Delivery>>,
    busy: bool,
    /// Where the reader has a session: how many of those in line the last poll returned. Else it does not matter.
    polled: Option<usize>,
    /// As the deliveries say that it goes by.
    generation: u32,
    /// The event that it committed last in that generation.
    committed: Option<u32>,
}

impl Reader {
    /// Of a reader with a session, which handles what it polled before it polls again.
    pub fn polling() -> Reader {
        Reader { polled: Some(0), ..Reader::default() }
    }

    /// A delivery came; lines up what is in order now.
    pub fn on_delivery(&mut self, delivery: Arc<Delivery>) {
        if delivery.generation < self.generation {
            return;
        }
        if delivery.generation > self.generation {
            self.void();
            (self.last, self.committed, self.generation) = (None, None, delivery.generation);
        }
        match delivery.follows {
            // A second copy of the first.
            None if self.polled.is_some() && self.last.is_some() => {}
            // Read again from the last commit: what came before is void.
            None => {
                self.void();
                self.line_up(delivery);
            }
            Some(event) if self.last == Some(event) => self.line_up(delivery),
            Some(event) => {
                self.early.insert(event, delivery);
            }
        }
    }

    fn void(&mut self) {
        self.early.clear();
        self.line.clear();
        self.polled = self.polled.map(|_| 0);
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
        if self.busy || self.polled == Some(0) {
            return None;
        }
        let next = self.line.pop_front();
        self.busy = next.is_some();
        if self.busy {
            self.polled = self.polled.map(|left| left - 1);
        }
        next
    }

    /// A poll returns what is in line, up to so many; how many that is.
    pub fn poll(&mut self, most: usize) -> usize {
        let returned = self.line.len().min(most);
        self.polled = Some(returned);
        returned
    }

    /// Whether all that the last poll returned is handled.
    pub fn is_through(&self) -> bool {
        !self.busy && self.polled == Some(0)
    }

    /// The event is handled.
    pub fn done(&mut self) {
        self.busy = false;
    }

    /// The event could not be handled: what follows it waits until the bus delivers it again.
    pub fn failed(&mut self) {
        self.void();
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
pub struct SessionPlan {
    /// Between two heartbeats.
    pub heartbeat: Micros,
    /// How long what one poll returned may take.
    pub max_poll: Micros,
    /// How many events one poll returns at most, over all partitions.
    pub most: u32,
}

/// A reader's place in its group, as it sees it itself.
#[derive(Clone, Debug)]
pub struct Session {
    /// Its settings.
    pub plan: SessionPlan,
    /// It begins a new life when its process is started again, and when it joins after it left.
    pub life: u32,
    /// It did not leave.
    pub inside: bool,
    /// When it polled last.
    pub polled: Micros,
    /// The timer of its next heartbeat.
    pub timer: Option<u32>,
}

impl Session {
    /// A run begins with all readers in their groups.
    pub fn new(plan: SessionPlan) -> Session {
        Session { plan, life: 0, inside: true, polled: 0, timer: None }
    }
}
