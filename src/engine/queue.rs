//! The queue of scheduled events, in a total order.

use crate::scenario::Micros;
use crate::trace::NodeId;

/// The order of events at the same instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
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

/// The purpose of a node's timer, with an id of the node. Ids are never reused, so a timer whose reason is gone has no
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

/// An entry of the heap. It has three words, so that the four children of a node fit into two cache lines.
#[derive(Clone, Copy, Debug)]
struct QueueEntry {
    at: Micros,
    /// The priority, then the sequence number.
    tie: u64,
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
            _ => Timer::Resend(id),
        };
        ScheduledEvent::Timer(node, timer)
    }
}

impl QueueEntry {
    #[inline]
    fn key(&self) -> u128 {
        (u128::from(self.at) << 64) | u128::from(self.tie)
    }
}

/// Scheduled events in the order (time, priority, sequence number): a heap with four children per node, which touches half the
/// cache lines of a binary heap.
#[derive(Clone, Debug, Default)]
pub struct Queue {
    heap: Vec<QueueEntry>,
    sequence: u64,
}

const CHILDREN: usize = 4;

impl Queue {
    /// Schedules an event.
    #[inline]
    pub fn push(&mut self, at: Micros, priority: Priority, event: ScheduledEvent) {
        debug_assert!(self.sequence < 1 << 56, "sequence numbers leave room for the priority");
        let entry = QueueEntry { at, tie: ((priority as u64) << 56) | self.sequence, event: event.into() };
        self.sequence += 1;
        self.heap.push(entry);
        self.sift_up(self.heap.len() - 1);
        debug_assert!(self.heap[0].at <= at, "the earliest event is first");
    }

    /// Returns the number of scheduled events.
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Returns the time of the next event.
    #[inline]
    pub fn next_at(&self) -> Option<Micros> {
        self.heap.first().map(|entry| entry.at)
    }

    /// Removes the next event.
    #[inline]
    pub fn pop(&mut self) -> Option<(Micros, ScheduledEvent)> {
        debug_assert!(self.heap.len() as u64 <= self.sequence, "each event has its own number");
        let last = self.heap.pop()?;
        let Some(first) = self.heap.first_mut() else { return Some((last.at, last.event.into())) };
        let first = std::mem::replace(first, last);
        self.sift_down();
        debug_assert!(first.key() <= self.heap[0].key(), "events leave the queue in order");
        Some((first.at, first.event.into()))
    }

    #[inline]
    fn sift_up(&mut self, mut i: usize) {
        debug_assert!(i < self.heap.len(), "the entry is in the heap");
        let entry = self.heap[i];
        while i > 0 {
            let parent = (i - 1) / CHILDREN;
            if self.heap[parent].key() <= entry.key() {
                break;
            }
            self.heap[i] = self.heap[parent];
            i = parent;
        }
        self.heap[i] = entry;
        debug_assert!(
            i == 0 || self.heap[(i - 1) / CHILDREN].key() < entry.key(),
            "a parent comes before its children"
        );
    }

    /// Moves the first entry down along the least children to the bottom, then up to its place: it was the last entry, so it
    /// rarely moves up.
    #[inline]
    fn sift_down(&mut self) {
        debug_assert!(!self.heap.is_empty(), "the first entry exists");
        let length = self.heap.len();
        let entry = self.heap[0];
        let mut i = 0;
        loop {
            let first = i * CHILDREN + 1;
            if first >= length {
                break;
            }
            let least = first + least_of(&self.heap[first..(first + CHILDREN).min(length)]);
            self.heap[i] = self.heap[least];
            i = least;
        }
        self.heap[i] = entry;
        self.sift_up(i);
        let mut children = self.heap.iter().skip(1).take(CHILDREN);
        debug_assert!(children.all(|child| self.heap[0].key() < child.key()), "the least entry is first");
    }
}

/// Returns the index of the least of one to four entries, without branches on comparisons, half of which would be
/// mispredicted.
#[inline]
fn least_of(entries: &[QueueEntry]) -> usize {
    if let [a, b, c, d] = entries {
        let (a, b, c, d) = (a.key(), b.key(), c.key(), d.key());
        let (left, right) = (usize::from(b < a), 2 + usize::from(d < c));
        return if d.min(c) < b.min(a) { right } else { left };
    }
    (1..entries.len()).fold(0, |least, i| if entries[i].key() < entries[least].key() { i } else { least })
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
        ];
        let timers = timers.map(|timer| ScheduledEvent::Timer(NodeId(NODE_LIMIT - 1), timer));
        for event in timers.into_iter().chain([ScheduledEvent::Arrival(u32::MAX), ScheduledEvent::Command(8)]) {
            assert_eq!(ScheduledEvent::from(PackedEvent::from(event)), event);
        }
    }

    proptest! {
        #[test]
        fn events_are_processed_by_time_then_priority_then_order_of_scheduling(
            things in prop::collection::vec((0u64..20, 0u8..3), 0..300)
        ) {
            let mut queue = Queue::default();
            let mut expected = Vec::new();
            for (n, &(at, class)) in things.iter().enumerate() {
                let class = [Priority::Arrival, Priority::Timer, Priority::Command][class as usize];
                queue.push(at, class, ScheduledEvent::Arrival(n as u32));
                expected.push((at, class, n as u32));
            }
            expected.sort();
            for (at, _, n) in expected {
                prop_assert_eq!(queue.pop(), Some((at, ScheduledEvent::Arrival(n))));
            }
            prop_assert_eq!(queue.pop(), None);
        }
    }
}
