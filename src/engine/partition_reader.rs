//! The consumer's view of a partition of a log, whose events it handles in order, one after the other (as a Kafka consumer's
//! poll loop); and the session by which a reader remains in its group.

use super::message::{Delivery, LogPlace, Position, Presence};
use crate::scenario::Micros;
use litemap::LiteMap;
use std::collections::VecDeque;
use std::sync::Arc;

/// The state of reading one partition.
#[derive(Clone, Debug, Default)]
pub struct PartitionReader {
    /// The position of the last delivery in order that was received; 0 before the first.
    last: u32,
    /// The position at which the bus began to deliver, or to deliver again from the last commit.
    restarted_at: u32,
    /// Deliveries that arrived before their predecessor, by position.
    out_of_order: LiteMap<u32, Arc<Delivery>>,
    /// Deliveries in order that wait to be handled.
    queue: VecDeque<Arc<Delivery>>,
    /// The event that is being handled.
    handling: Option<u32>,
    /// The offset of its event; none if its handling no longer counts, because the bus delivers from the last commit again.
    handled_offset: Option<u32>,
    /// The offset after the last event that was handled. What is delivered once more before it is skipped.
    next_offset: u32,
    /// Deliveries that were discarded since the last call of [`PartitionReader::take_discarded`].
    discarded: Vec<Arc<Delivery>>,
    /// The number of queued deliveries of the last poll, with a session; else none.
    polled: Option<usize>,
    /// The generation of the deliveries.
    generation: u32,
    /// The last event committed in that generation.
    committed: Option<u32>,
}

impl PartitionReader {
    /// Returns a reader with a session, which handles all events of a poll before it polls again.
    pub fn polling() -> PartitionReader {
        PartitionReader { polled: Some(0), ..PartitionReader::default() }
    }

    fn assert_valid(&self) {
        debug_assert!(self.polled.is_none_or(|left| left <= self.queue.len()), "events of a poll are queued");
        debug_assert!(self.queue.iter().all(|delivery| delivery.place.position <= self.last), "queued in order");
        let next = self.out_of_order.first().map(|(_, delivery)| delivery.place);
        debug_assert!(next.is_none_or(|place| place.after > self.last), "an event is queued as soon as it is in order");
    }

    /// Receives a delivery, and queues all deliveries that are in order now.
    pub fn on_delivery(&mut self, delivery: Arc<Delivery>) {
        if delivery.generation < self.generation {
            self.discarded.push(delivery);
            return;
        }
        if delivery.generation > self.generation {
            self.discard_all();
            (self.committed, self.generation) = (None, delivery.generation);
            (self.handled_offset, self.next_offset) = (None, 0);
            self.restarted_at = delivery.place.first;
        }
        debug_assert!(delivery.generation == self.generation, "events of an ended generation are discarded");
        let LogPlace { position, first, restarts, .. } = delivery.place;
        debug_assert!(first <= position, "the log contains the delivered event");
        if position > self.last {
            if restarts {
                self.restart_at(position);
            }
            self.last = self.last.max(first - 1);
            self.out_of_order.insert(position, delivery);
            self.enqueue_in_order();
        } else {
            self.discarded.push(delivery);
        }
        self.assert_valid();
    }

    fn discard_all(&mut self) {
        self.discarded.extend(self.queue.drain(..));
        self.discarded.extend(std::mem::take(&mut self.out_of_order).into_iter().map(|(_, delivery)| delivery));
        self.polled = self.polled.map(|_| 0);

        self.assert_valid();
    }

    /// Discards all deliveries before the first one after a restart. Later ones may have overtaken it.
    fn restart_at(&mut self, position: u32) {
        let (overtaking, obsolete) =
            std::mem::take(&mut self.out_of_order).into_iter().partition(|(later, _)| *later > position);
        self.out_of_order = obsolete;
        self.discard_all();
        (self.out_of_order, self.restarted_at) = (overtaking, position);
        debug_assert!(position > self.last, "a restart follows the deliveries before it");
        debug_assert!(self.queue.is_empty(), "what was queued before a restart is discarded");
    }

    /// Queues the deliveries whose predecessors have arrived or will never arrive.
    fn enqueue_in_order(&mut self) {
        while let Some((&position, next)) = self.out_of_order.first()
            && next.place.after <= self.last
        {
            let Some(delivery) = self.out_of_order.remove(&position) else { return };
            debug_assert!(delivery.generation == self.generation, "deliveries of this generation are queued");
            if position > self.last {
                self.last = position;
                self.queue.push_back(delivery);
            } else {
                self.discarded.push(delivery);
            }
        }
        self.assert_valid();
    }

    /// Takes the next event to be handled, unless one is being handled. Events before it that were handled are added to `skipped`.
    pub fn take(&mut self, skipped: &mut Vec<Arc<Delivery>>) -> Option<Arc<Delivery>> {
        self.assert_valid();
        while self.handling.is_none() && self.polled != Some(0) {
            let next = self.queue.pop_front()?;
            self.polled = self.polled.map(|left| left - 1);
            if next.place.offset >= self.next_offset {
                (self.handling, self.handled_offset) = (Some(next.event), Some(next.place.offset));
                return Some(next);
            }
            self.discarded.push(next.clone());
            skipped.push(next);
        }
        None
    }

    /// Polls up to `capacity` queued events, and returns their number.
    pub fn poll(&mut self, capacity: usize) -> usize {
        debug_assert!(self.has_handled_all(), "a poll follows the handling of the previous one");
        let returned = self.queue.len().min(capacity);
        self.polled = Some(returned);
        self.assert_valid();
        returned
    }

    /// Returns whether all events of the last poll were handled.
    pub fn has_handled_all(&self) -> bool {
        self.handling.is_none() && self.polled == Some(0)
    }

    /// Ends the handling of an event.
    pub fn on_handled(&mut self) {
        self.handling = None;
        if let Some(offset) = self.handled_offset.take() {
            debug_assert!(offset >= self.next_offset, "an event that was handled is skipped");
            self.next_offset = offset + 1;
        }
        self.assert_valid();
    }

    /// Discards the events after one that could not be handled, and returns to the position of that one. The bus redelivers it
    /// and them, or gives it up and redelivers those after it.
    pub fn on_failed(&mut self, position: u32) {
        (self.handling, self.handled_offset) = (None, None);
        // The bus may have begun again while the event was handled.
        if (self.restarted_at..=self.last).contains(&position) {
            self.discard_all();
            self.last = position.saturating_sub(1);
        }
        self.assert_valid();
    }

    /// Returns the deliveries that were discarded since the last call, except those of an event that another delivery still carries.
    pub fn take_discarded(&mut self) -> Vec<Arc<Delivery>> {
        let mut discarded = std::mem::take(&mut self.discarded);
        discarded.retain(|delivery| !self.holds(delivery.event));
        debug_assert!(self.discarded.is_empty(), "each discarded delivery is returned once");
        self.assert_valid();
        discarded
    }

    fn holds(&self, event: u32) -> bool {
        let mut received = self.queue.iter().chain(self.out_of_order.values());
        self.handling == Some(event) || received.any(|delivery| delivery.event == event)
    }

    /// Notes the commit of an event that was delivered in a generation.
    pub fn on_commit(&mut self, event: u32, generation: u32) {
        if generation == self.generation {
            self.committed = Some(event);
        }
    }

    /// Returns the reader's position.
    pub fn position(&self, partition: u32) -> Position {
        Position { partition, generation: self.generation, last: self.last, committed: self.committed }
    }
}

/// The configuration of a reader's session.
#[derive(Clone, Copy, Debug)]
pub struct ReaderSessionConfig {
    /// The interval between heartbeats.
    pub heartbeat: Micros,
    /// How long the handling of one poll may take.
    pub max_poll: Micros,
    /// The maximum number of events of one poll, over all partitions.
    pub max_events: u32,
}

/// A reader's session, as the reader sees it.
#[derive(Clone, Debug)]
pub struct ReaderSession {
    /// The configuration.
    pub config: ReaderSessionConfig,
    /// Incremented when the process restarts, and when the reader joins its group again.
    pub incarnation: u32,
    /// Whether the reader is in its group, as far as it knows.
    pub is_member: bool,
    /// Whether it joins its group again at its next poll, as the coordinator asked it to.
    pub must_rejoin: bool,
    /// What its heartbeats report: whether this incarnation continues a membership.
    pub presence: Presence,
    /// Its positions when it joined its group again, until that is confirmed by a delivery.
    pub released: Vec<Position>,
    /// The time of its last poll.
    pub polled: Micros,
    /// The timer of its next heartbeat.
    pub timer: Option<u32>,
}

impl ReaderSession {
    /// Returns the session at the start of a run, when all readers are in their groups.
    pub fn new(config: ReaderSessionConfig) -> ReaderSession {
        ReaderSession {
            config,
            incarnation: 0,
            is_member: true,
            must_rejoin: false,
            presence: Presence::Alive,
            released: Vec::new(),
            polled: 0,
            timer: None,
        }
    }
}
