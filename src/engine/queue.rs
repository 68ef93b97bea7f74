//! The queue of scheduled events, in a total order: by time, then priority, then order of scheduling.
//!
//! Time only moves forward, so a radix heap is enough (Ahuja, Mehlhorn, Orlin and Tarjan, "Faster algorithms for the shortest
//! path problem", JACM 1990). It moves events in sequence through memory, whereas each level of a heap of 100,000 messages in
//! flight costs a cache miss.

use crate::scenario::Micros;
use crate::trace::NodeId;
use std::collections::VecDeque;

/// The order of events at the same instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Priority {
    /// Messages arrive before timers expire, so a reply in the last microsecond is in time.
    Arrival = 0,
    /// Timers of nodes.
    Timer = 1,
    /// Commands come last, whether they are live or scripted.
    Command = 2,
}

/// An event to be processed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScheduledEvent {
    /// The arrival of the message in this slot of the network.
    Arrival(u32),
    /// A node's timer expires.
    Timer(NodeId, Timer),
    /// The command with this number is executed.
    Command(u32),
}

/// The purpose of a node's timer, with an id of the node. Ids are never reused, so an obsolete timer has no
/// effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// A service or member: the service time of a job is over.
    JobDone(u32),
    /// A service: the timeout of a call.
    CallTimeout(u32),
    /// A publisher: the timeout of an acknowledgement.
    PublishTimeout(u32),
    /// A publisher: the gap between a commit and its publication is over.
    PublishDue(u32),
    /// A publisher: the poll of a relay.
    RelayPoll(u32),
    /// A publisher: the flush of a relay's position.
    PositionFlush(u32),
    /// A consumer: a handler commits its offsets.
    CommitOffsets(u32),
    /// A consumer: a reader's next heartbeat.
    HeartbeatDue(u32),
    /// A bus: a reader's session may be over.
    SessionTimeout(u32),
    /// A bus: the time for a queue's readers to join their group again is over.
    RebalanceTimeout(u32),
    /// A bus: a receive without an answer may have waited long enough.
    ReceiveOver(u32),
    /// Any node: its connection sends a lost message again.
    Resend(u32),
    /// A bus: a timer of its brokers.
    BrokerCheck(u32),
    /// A bus: the end of an event's retention.
    EventExpiry(u32),
    /// A bus: a publication is flushed.
    FlushDone(u32),
    /// A bus: the wait before the redelivery of a partition is over.
    PartitionRetry(u32),
    /// A bus: the deadline for the acknowledgement of a delivery.
    AckDeadline(u32),
    /// A bus: the wait before the redelivery of an event is over.
    EventRetry(u32),
    /// A member of a group, or a client that coordinates its operations: a timer of the protocol.
    Protocol(u32),
    /// A client: its n-th scripted operation.
    ScriptedOperation(u32),
    /// A client: a session's next generated operation.
    GeneratedOperation(u32),
    /// A client: a session retries its optimistic write.
    OptimisticRetry(u32),
    /// A client: the timeout of an operation.
    OperationTimeout(u32),
    /// A service: it resends the decision of a transaction, or asks for it.
    TransactionRetry(u32),
}

/// An entry of the queue.
#[derive(Clone, Copy, Debug)]
struct QueueEntry {
    at: Micros,
    event: PackedEvent,
}

/// A [`ScheduledEvent`] in one word: its kind in the highest byte, the node in the next three, the id in the rest.
#[derive(Clone, Copy, Debug)]
struct PackedEvent(u64);

/// The number of nodes that fit into a packed word.
const NODE_LIMIT: u32 = 1 << 24;

impl From<ScheduledEvent> for PackedEvent {
    #[inline]
    fn from(event: ScheduledEvent) -> PackedEvent {
        let (kind, node, id) = match event {
            ScheduledEvent::Arrival(slot) => (0, NodeId(0), slot),
            ScheduledEvent::Command(number) => (1, NodeId(0), number),
            ScheduledEvent::Timer(node, timer) => match timer {
                Timer::JobDone(id) => (2, node, id),
                Timer::CallTimeout(id) => (3, node, id),
                Timer::PublishTimeout(id) => (4, node, id),
                Timer::AckDeadline(id) => (5, node, id),
                Timer::EventRetry(id) => (6, node, id),
                Timer::ScriptedOperation(id) => (7, node, id),
                Timer::GeneratedOperation(id) => (8, node, id),
                Timer::OperationTimeout(id) => (9, node, id),
                Timer::PublishDue(id) => (10, node, id),
                Timer::RelayPoll(id) => (11, node, id),
                Timer::CommitOffsets(id) => (12, node, id),
                Timer::EventExpiry(id) => (13, node, id),
                Timer::FlushDone(id) => (14, node, id),
                Timer::PartitionRetry(id) => (15, node, id),
                Timer::OptimisticRetry(id) => (16, node, id),
                Timer::Protocol(id) => (17, node, id),
                Timer::HeartbeatDue(id) => (18, node, id),
                Timer::SessionTimeout(id) => (19, node, id),
                Timer::BrokerCheck(id) => (20, node, id),
                Timer::TransactionRetry(id) => (21, node, id),
                Timer::PositionFlush(id) => (22, node, id),
                Timer::ReceiveOver(id) => (23, node, id),
                Timer::Resend(id) => (24, node, id),
                Timer::RebalanceTimeout(id) => (25, node, id),
            },
        };
        debug_assert!(node.0 < NODE_LIMIT, "the node fits into its three bytes");
        PackedEvent(kind << 56 | u64::from(node.0) << 32 | u64::from(id))
    }
}

impl From<PackedEvent> for ScheduledEvent {
    #[inline]
    fn from(PackedEvent(word): PackedEvent) -> ScheduledEvent {
        let (node, id) = (NodeId((word >> 32) as u32 & (NODE_LIMIT - 1)), word as u32);
        let timer = match word >> 56 {
            0 => return ScheduledEvent::Arrival(id),
            1 => return ScheduledEvent::Command(id),
            2 => Timer::JobDone(id),
            3 => Timer::CallTimeout(id),
            4 => Timer::PublishTimeout(id),
            5 => Timer::AckDeadline(id),
            6 => Timer::EventRetry(id),
            7 => Timer::ScriptedOperation(id),
            8 => Timer::GeneratedOperation(id),
            9 => Timer::OperationTimeout(id),
            10 => Timer::PublishDue(id),
            11 => Timer::RelayPoll(id),
            12 => Timer::CommitOffsets(id),
            13 => Timer::EventExpiry(id),
            14 => Timer::FlushDone(id),
            15 => Timer::PartitionRetry(id),
            16 => Timer::OptimisticRetry(id),
            17 => Timer::Protocol(id),
            18 => Timer::HeartbeatDue(id),
            19 => Timer::SessionTimeout(id),
            20 => Timer::BrokerCheck(id),
            21 => Timer::TransactionRetry(id),
            22 => Timer::PositionFlush(id),
            23 => Timer::ReceiveOver(id),
            24 => Timer::Resend(id),
            _ => Timer::RebalanceTimeout(id),
        };
        ScheduledEvent::Timer(node, timer)
    }
}

impl PackedEvent {
    #[inline]
    fn priority(self) -> Priority {
        match self.0 >> 56 {
            0 => Priority::Arrival,
            1 => Priority::Command,
            _ => Priority::Timer,
        }
    }
}

/// The number of buckets: one for each bit of a time.
const BUCKETS: usize = Micros::BITS as usize;

/// The number of priorities.
const PRIORITIES: usize = 3;

/// Later events, in the order in which they were scheduled.
#[derive(Clone, Debug)]
struct Bucket {
    entries: Vec<QueueEntry>,
    /// The earliest time of an entry. Entries leave a bucket only together.
    earliest: Micros,
}

impl Default for Bucket {
    fn default() -> Bucket {
        Bucket { entries: Vec::new(), earliest: Micros::MAX }
    }
}

/// Scheduled events in the order (time, priority, order of scheduling): a radix heap.
///
/// The bucket of a later event is the highest bit in which its time differs from `instant`. When no event of `instant` is left,
/// the earliest event is in the first bucket that is not empty, and all other events of that bucket move to earlier buckets.
/// Events with the same time are in the same bucket in the order in which they were scheduled, and moving them preserves this
/// order.
#[derive(Clone, Debug)]
pub struct Queue {
    /// The time of the events in `current`. No event is earlier.
    instant: Micros,
    /// The events at `instant`, by priority.
    current: [VecDeque<PackedEvent>; PRIORITIES],
    /// The later events.
    later: [Bucket; BUCKETS],
    /// The buckets of `later` that are not empty, a bit each.
    occupied: u64,
    length: usize,
}

impl Default for Queue {
    fn default() -> Queue {
        Queue {
            instant: 0,
            current: Default::default(),
            later: std::array::from_fn(|_| Bucket::default()),
            occupied: 0,
            length: 0,
        }
    }
}

impl Queue {
    /// Schedules an event, which must not be earlier than the last that was removed.
    #[inline]
    pub fn push(&mut self, at: Micros, event: ScheduledEvent) {
        debug_assert!(at >= self.instant, "no event is scheduled in the past");
        self.insert(QueueEntry { at, event: event.into() });
        self.length += 1;
        debug_assert!(self.next_at().is_some_and(|next| next <= at), "the earliest event is next");
    }

    #[inline]
    fn insert(&mut self, entry: QueueEntry) {
        debug_assert!(entry.at >= self.instant, "an entry is not in the past");
        match (entry.at ^ self.instant).checked_ilog2() {
            None => self.current[entry.event.priority() as usize].push_back(entry.event),
            Some(bucket) => {
                let later = &mut self.later[bucket as usize];
                later.earliest = later.earliest.min(entry.at);
                later.entries.push(entry);
                self.occupied |= 1 << bucket;
            }
        }
        debug_assert!(entry.at == self.instant || self.occupied != 0, "a later entry is in a bucket");
    }

    /// Returns the number of scheduled events.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Returns the time of the next event.
    #[inline]
    pub fn next_at(&self) -> Option<Micros> {
        if self.current.iter().any(|events| !events.is_empty()) {
            return Some(self.instant);
        }
        self.later.get(self.occupied.trailing_zeros() as usize).map(|bucket| bucket.earliest)
    }

    /// Removes the next event.
    #[inline]
    pub fn pop(&mut self) -> Option<(Micros, ScheduledEvent)> {
        let at = self.next_at()?;
        if at > self.instant {
            self.move_on(at);
        }
        let event = self.current.iter_mut().find_map(VecDeque::pop_front);
        debug_assert!(event.is_some(), "an event is scheduled at the earliest time");
        self.length -= 1;
        debug_assert!(self.next_at().is_some() == (self.length > 0), "the next event is known");
        event.map(|event| (at, event.into()))
    }

    /// Moves the events of the first bucket to earlier ones, those at the earliest time `at` to `current`.
    fn move_on(&mut self, at: Micros) {
        debug_assert!(self.current.iter().all(VecDeque::is_empty), "no event of the last instant is left");
        let bucket = self.occupied.trailing_zeros() as usize;
        debug_assert!(self.later[bucket].earliest == at, "`at` is the earliest time");
        self.instant = at;
        self.occupied &= self.occupied - 1;
        let mut entries = std::mem::take(&mut self.later[bucket]).entries;
        for entry in entries.drain(..) {
            self.insert(entry);
        }
        // Its memory is used again.
        self.later[bucket].entries = entries;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn packing_preserves_every_event() {
        let timers = [
            Timer::JobDone(1),
            Timer::CallTimeout(u32::MAX),
            Timer::PublishTimeout(2),
            Timer::AckDeadline(3),
            Timer::EventRetry(4),
            Timer::ScriptedOperation(5),
            Timer::GeneratedOperation(6),
            Timer::OperationTimeout(7),
            Timer::OptimisticRetry(9),
            Timer::Protocol(u32::MAX),
            Timer::TransactionRetry(10),
            Timer::Resend(11),
            Timer::RebalanceTimeout(12),
        ];
        let timers = timers.map(|timer| ScheduledEvent::Timer(NodeId(NODE_LIMIT - 1), timer));
        for event in timers.into_iter().chain([ScheduledEvent::Arrival(u32::MAX), ScheduledEvent::Command(8)]) {
            assert_eq!(ScheduledEvent::from(PackedEvent::from(event)), event);
        }
    }

    proptest! {
        #[test]
        fn events_are_processed_by_time_then_priority_then_order_of_scheduling(
            things in prop::collection::vec((0u64..20, 0u8..3, 0u32..50, 0usize..3), 0..300)
        ) {
            let mut queue = Queue::default();
            let mut expected = Vec::new();
            let mut now = 0;
            for (n, &(delay, kind, magnitude, removed)) in things.iter().enumerate() {
                let (at, n) = (now + (delay << magnitude), n as u32);
                let event = match kind {
                    0 => ScheduledEvent::Arrival(n),
                    1 => ScheduledEvent::Timer(NodeId(1), Timer::Protocol(n)),
                    _ => ScheduledEvent::Command(n),
                };
                queue.push(at, event);
                expected.push((at, kind, n, event));
                expected.sort_by_key(|&(at, kind, n, _)| (at, kind, n));
                for _ in 0..removed.min(expected.len()) {
                    prop_assert_eq!(queue.next_at(), Some(expected[0].0));
                    let (at, _, _, event) = expected.remove(0);
                    prop_assert_eq!(queue.pop(), Some((at, event)));
                    now = at;
                }
                prop_assert_eq!(queue.len(), expected.len());
            }
            for (at, _, _, event) in expected {
                prop_assert_eq!(queue.pop(), Some((at, event)));
            }
            prop_assert_eq!((queue.pop(), queue.next_at(), queue.len()), (None, None, 0));
        }
    }
}
