//! The queue of a subscription, or of a group of subscriptions that share their events.

use super::config::{SessionConfig, SubscriptionConfig};
use crate::engine::message::{LinkId, Update};
use crate::scenario::{Micros, Order};
use crate::trace::{KeyId, UpdateId};
use litemap::LiteMap;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// An event stored for one queue.
#[derive(Clone, Debug)]
pub(super) struct StoredEvent {
    /// The index of the queue.
    pub(super) queue: u32,
    pub(super) update: Arc<Update>,
    pub(super) partition: u32,
    /// The number of deliveries so far.
    pub(super) deliveries: u32,
    /// The delivery whose acknowledgement is awaited, and the index of the member that it was sent to.
    pub(super) delivery: Option<(u32, u32)>,
    /// The number of its last delivery.
    pub(super) last_delivery: Option<u32>,
    /// The time of the last delivery.
    pub(super) sent: Micros,
    /// Its number in its partition, in a log.
    pub(super) log_offset: u32,
    /// The position of the last delivery, in a log.
    pub(super) position: u32,
    pub(super) published_at: Micros,
    /// The offset in the log of several brokers; `None` for a redriven dead letter.
    pub(super) offset: Option<u64>,
    /// The end of its retention.
    pub(super) expires: Option<Micros>,
    /// The last wait before a redelivery, ms.
    pub(super) last_wait: f64,
}

/// An event in a dead-letter queue.
#[derive(Clone, Debug)]
pub(super) struct DeadLetter {
    pub(super) event: u32,
    pub(super) update: Arc<Update>,
    pub(super) partition: u32,
    pub(super) expires: Option<Micros>,
}

/// A publication to be acknowledged later.
#[derive(Clone, Copy, Debug)]
pub(super) struct PublicationAck {
    pub(super) link: LinkId,
    /// The publisher's number of the publication.
    pub(super) number: u32,
    pub(super) update: UpdateId,
}

/// A partition of a log, as one consumer group sees it.
#[derive(Clone, Debug, Default)]
pub(super) struct PartitionLog {
    /// Events after the last commit, in order.
    pub(super) events: VecDeque<u32>,
    /// The number of events that were appended.
    pub(super) appended: u32,
    /// How many of `events` are delivered.
    pub(super) delivered: usize,
    /// The member that reads the partition.
    pub(super) member: usize,
    /// The number of times that the partition was assigned; with sessions, also redelivered. Positions and commits of earlier
    /// generations are void.
    pub(super) generation: u32,
    /// The position of the last delivery; 0 before the first.
    pub(super) position: u32,
    /// Whether the next delivery is the first one after the last commit, again.
    pub(super) restarts: bool,
    /// The event whose redelivery the log waits for.
    pub(super) waits_for: Option<u32>,
    /// The number of redeliveries since the last commit.
    pub(super) redeliveries: u32,
}

/// The membership of a reader with a session in its consumer group.
#[derive(Clone, Debug)]
pub(super) struct Membership {
    /// The configuration of the session.
    pub(super) config: SessionConfig,
    /// The incarnation of the reader, by its heartbeats. Messages of earlier incarnations are ignored.
    pub(super) incarnation: u32,
    pub(super) is_active: bool,
    /// Whether the reader itself left the group; one that was removed learns of it from the coordinator.
    pub(super) has_left: bool,
    /// Whether the reader has joined the group again for the rebalance that is under way.
    pub(super) has_rejoined: bool,
    /// The time of the last heartbeat, or of the start of the session.
    pub(super) last_heartbeat: Micros,
    /// A later incarnation, which may join when the session of this one is over, because the bus cannot know that both are the
    /// same process before and after a restart.
    pub(super) next_incarnation: Option<u32>,
    /// Whether the timer of the session is set.
    pub(super) has_timer: bool,
}

/// A consumer's request for events that was not answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpenReceive {
    pub(super) number: u32,
    /// The maximum number of events that it requests.
    pub(super) max_events: u32,
    /// When the bus sends an empty reply.
    pub(super) until: Micros,
}

/// The attachment of a consumer.
#[derive(Clone, Debug)]
pub(super) struct ConsumerConnection {
    pub(super) is_open: bool,
    /// The number of the connection, or of the last receive. Messages of earlier ones are ignored.
    pub(super) incarnation: u32,
    /// The time of the last message of the consumer about the connection.
    pub(super) last_heard: Micros,
    /// Whether the timer that checks for missing heartbeats is set.
    pub(super) has_timer: bool,
    /// The open request of a consumer that polls.
    pub(super) receive: Option<OpenReceive>,
}

impl ConsumerConnection {
    /// Returns the connection at the start of a run, when all consumers are attached.
    fn new() -> ConsumerConnection {
        ConsumerConnection { is_open: true, incarnation: 0, last_heard: 0, has_timer: false, receive: None }
    }
}

/// The events that wait for one subscription, or for a group of them.
#[derive(Clone, Debug, Default)]
pub(super) struct SubscriptionQueue {
    /// The indexes of the subscriptions. The first one decides the order, redelivery and dead letters of the queue.
    pub(super) members: Vec<u32>,
    /// The member that receives the next event.
    pub(super) next_member: usize,
    /// The number of unacknowledged deliveries of each member.
    pub(super) in_flight: Vec<u32>,
    /// The attachment of each member's consumer.
    pub(super) connections: Vec<ConsumerConnection>,
    /// Events that may be delivered again now, in order. They precede those in `ready`.
    pub(super) redeliveries: VecDeque<u32>,
    /// Events that may be delivered now for the first time, in order.
    pub(super) ready: VecDeque<u32>,
    /// FIFO per key: the events of each key in order; only the first may be delivered.
    pub(super) key_queues: BTreeMap<KeyId, VecDeque<u32>>,
    /// A log: its partitions.
    pub(super) logs: LiteMap<u32, PartitionLog>,
    /// The membership of each member, in a log whose readers have sessions; else empty.
    pub(super) memberships: Vec<Membership>,
    /// The time at which the rebalance that is under way no longer waits for members.
    pub(super) rebalance_until: Option<Micros>,
    /// By how many members the assignment of partitions is shifted: one for each rebalance that a command caused.
    pub(super) shift: usize,
    pub(super) dead_letters: Vec<DeadLetter>,
}

impl PartitionLog {
    /// Returns an empty log that is read by a member.
    pub(super) fn read_by(member: usize) -> PartitionLog {
        PartitionLog { member, ..PartitionLog::default() }
    }
}

impl Membership {
    /// Returns the membership at the start of a run, when all readers are in their groups.
    pub(super) fn new(config: SessionConfig) -> Membership {
        Membership {
            config,
            incarnation: 0,
            is_active: true,
            has_left: false,
            has_rejoined: false,
            last_heartbeat: 0,
            next_incarnation: None,
            has_timer: false,
        }
    }
}

impl SubscriptionQueue {
    /// Returns one queue for each group, and one for each subscription without a group.
    pub(super) fn all(subscriptions: &[SubscriptionConfig]) -> Vec<SubscriptionQueue> {
        let mut queues: Vec<SubscriptionQueue> = Vec::new();
        for (index, config) in subscriptions.iter().enumerate() {
            let shares_events = |queue: &&mut SubscriptionQueue| {
                let first = &subscriptions[queue.members[0] as usize];
                config.group.is_some() && first.group == config.group && first.topic == config.topic
            };
            match queues.iter_mut().find(shares_events) {
                Some(queue) => {
                    queue.members.push(index as u32);
                    queue.in_flight.push(0);
                    queue.connections.push(ConsumerConnection::new());
                    // Either all readers of a group have a session, or none.
                    let session = config.session.filter(|_| !queue.memberships.is_empty());
                    queue.memberships.extend(session.map(Membership::new));
                }
                None => {
                    let session = config.session.filter(|_| config.order == Order::Log);
                    queues.push(SubscriptionQueue {
                        members: vec![index as u32],
                        in_flight: vec![0],
                        connections: vec![ConsumerConnection::new()],
                        memberships: session.map(Membership::new).into_iter().collect(),
                        ..SubscriptionQueue::default()
                    });
                }
            }
        }
        queues
    }

    /// Panics, in debug builds, unless the queue has this member, and all that each member has.
    pub(super) fn assert_member(&self, member: usize) {
        let members = self.members.len();
        debug_assert!(member < members, "the queue has the member");
        let lengths = (self.in_flight.len(), self.connections.len());
        debug_assert!(lengths == (members, members), "each member has a connection: {lengths:?}");
        let sessions = self.memberships.len();
        debug_assert!(sessions == 0 || sessions == members, "all readers of a group have a session, or none");
    }

    /// Returns whether partitions are assigned to a member: it is in the group by its session, or else attached.
    pub(super) fn is_active(&self, member: usize) -> bool {
        self.memberships.get(member).map_or(self.connections[member].is_open, |membership| membership.is_active)
    }

    /// Returns whether a member is attached, so that events can be delivered to it.
    pub(super) fn is_attached(&self, member: usize) -> bool {
        self.is_active(member) && self.connections[member].is_open
    }

    /// Returns whether a member has given its partitions back for a rebalance, and none are assigned to it yet.
    pub(super) fn awaits_assignment(&self, member: usize) -> bool {
        let membership = self.memberships.get(member).filter(|_| self.rebalance_until.is_some());
        membership.is_some_and(|membership| membership.has_rejoined)
    }

    /// Returns the partitions of a log that hold or held events.
    pub(super) fn partitions(&self) -> Vec<u32> {
        self.logs.keys().copied().collect()
    }
}
