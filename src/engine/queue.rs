//! The event queue: a total order, and nothing scheduled into the past.

use crate::scenario::Micros;
use crate::trace::NodeId;

/// Which of the things due at the same instant goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Messages arrive before timers run out, so an answer on the last microsecond is in time.
    Arrival = 0,
    /// Timers of nodes.
    Timer = 1,
    /// Commands come last: what a person does at an instant follows all else of that instant, whether
    /// it came live or from the script.
    Command = 2,
}

/// Something that will happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScheduledEvent {
    /// The message in that slot of the network arrives.
    Arrival(u32),
    /// A node's timer runs out.
    Timer(NodeId, Timer),
    /// The command with that number is carried out.
    Command(u32),
}

/// What a node's timer is for. Ids are the node's own and never reused, so a timer whose reason is gone
/// finds nothing and does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// A service: the work of a job is done.
    JobDone(u32),
    /// A service: a callee has not answered.
    CallTimeout(u32),
    /// A service: the bus has not acknowledged a publication.
    PublishTimeout(u32),
    /// A service: the gap between a commit and its publishing is over.
    PublishDue(u32),
    /// A service: the relay of an outbox or a log looks.
    RelayPoll(u32),
    /// A service: a handler's acknowledgements go out together.
    CommitOffsets(u32),
    /// A service: the reader of a log tells the bus that it is there.
    HeartbeatDue(u32),
    /// A bus: a reader of a log may have been silent for its session.
    SessionTimeout(u32),
    /// A bus: what one of its brokers fetched is there, or it is missed, or lags.
    BrokerCheck(u32),
    /// A bus: an event has been kept long enough.
    EventExpiry(u32),
    /// A bus: a publication is safe, and is acknowledged.
    FlushDone(u32),
    /// A bus: a partition is delivered again from its last commit on.
    PartitionRetry(u32),
    /// A bus: a delivery has not been acknowledged.
    AckDeadline(u32),
    /// A bus: an event may be delivered again.
    EventRetry(u32),
    /// A member of a group, or a client that coordinates itself: what its protocol set.
    Protocol(u32),
    /// A client: the n-th scripted operation is due.
    ScriptedOperation(u32),
    /// A client: a session's next generated operation is due.
    GeneratedOperation(u32),
    /// A client: a session tries its optimistic write again.
    OptimisticRetry(u32),
    /// A client: an operation has not been answered.
    OperationTimeout(u32),
    /// A service: a transaction's decision is told again, or asked for.
    TransactionRetry(u32),
}

/// Three words, so that the four children of a node stand in two cache lines.
#[derive(Clone, Copy, Debug)]
struct QueueEntry {
    at: Micros,
    /// Class, then sequence number.
    tie: u64,
    event: PackedEvent,
}

/// A [`Due`] in one word: its kind in the highest byte, the node in the next three, the id in the rest.
#[derive(Clone, Copy, Debug)]
struct PackedEvent(u64);

/// Nodes that fit into a packed word.
const MOST_NODES: u32 = 1 << 24;

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
            },
        };
        debug_assert!(node.0 < MOST_NODES);
        PackedEvent(kind << 56 | u64::from(node.0) << 32 | u64::from(id))
    }
}

impl From<PackedEvent> for ScheduledEvent {
    #[inline]
    fn from(PackedEvent(word): PackedEvent) -> ScheduledEvent {
        let (node, id) = (NodeId((word >> 32) as u32 & (MOST_NODES - 1)), word as u32);
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
            _ => Timer::TransactionRetry(id),
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

/// Things due, in the order (time, class, sequence number): a heap with four children a node, which
/// touches half the cache lines of a binary one.
#[derive(Clone, Debug, Default)]
pub struct Queue {
    heap: Vec<QueueEntry>,
    sequence: u64,
}

const CHILDREN: usize = 4;

impl Queue {
    /// Schedules something.
    #[inline]
    pub fn push(&mut self, at: Micros, class: Priority, event: ScheduledEvent) {
        let entry = QueueEntry { at, tie: ((class as u64) << 56) | self.sequence, event: event.into() };
        self.sequence += 1;
        self.heap.push(entry);
        self.sift_up(self.heap.len() - 1);
    }

    /// When the next thing is due.
    #[inline]
    pub fn next_at(&self) -> Option<Micros> {
        self.heap.first().map(|entry| entry.at)
    }

    /// Takes out the next thing.
    #[inline]
    pub fn pop(&mut self) -> Option<(Micros, ScheduledEvent)> {
        let last = self.heap.pop()?;
        let Some(first) = self.heap.first_mut() else { return Some((last.at, last.event.into())) };
        let first = std::mem::replace(first, last);
        self.sift_down();
        Some((first.at, first.event.into()))
    }

    #[inline]
    fn sift_up(&mut self, mut i: usize) {
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
    }

    /// Moves the first entry down along the least children to the bottom, then up to where it belongs: it
    /// came from the bottom, so it rarely has to rise.
    #[inline]
    fn sift_down(&mut self) {
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
    }
}

/// Index of the least of one to four entries. The choices are sums of comparisons, since a branch on them
/// would be predicted wrong half the time.
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
    fn whatever_is_due_comes_out_as_it_went_in() {
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
        let timers = timers.map(|timer| ScheduledEvent::Timer(NodeId(MOST_NODES - 1), timer));
        for event in timers.into_iter().chain([ScheduledEvent::Arrival(u32::MAX), ScheduledEvent::Command(8)]) {
            assert_eq!(ScheduledEvent::from(PackedEvent::from(event)), event);
        }
    }

    proptest! {
        #[test]
        fn things_come_out_by_time_then_class_then_order_of_scheduling(
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
