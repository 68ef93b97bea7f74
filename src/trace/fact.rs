use super::Digest;
use super::kinds::{
    BrokerChange, DetachReason, DropCause, DropReason, HandlingFailure, KeyId, LeaveReason, MessageId, MessageKind,
    NodeId, OperationId, OperationKind, Outcome, Refusal, SubscriptionId, UpdateId, Version, VersionVector,
};
use super::layout::{Bytes, Layout};
use crate::scenario::{Micros, Value};
use serde::Serialize;

/// Declares the facts. From a variant's number and fields come the enum, the layout in which it enters the digest
/// (see `layout`), and its serde form. A field followed by `as omitted` is not part of the digest.
macro_rules! facts {
    ($(
        $(#[$doc:meta])*
        $number:literal => $name:ident {
            $($(#[$field_attribute:meta])* $field:ident: $type:ty $(as $omitted:ident)?),* $(,)?
        }
    )*) => {
        /// Something that happened, in the past tense.
        #[derive(Clone, Debug, PartialEq, Serialize, strum::IntoStaticStr, strum::VariantNames)]
        #[serde(rename_all = "snake_case")]
        #[strum(serialize_all = "snake_case")]
        pub enum Fact {
            $($(#[$doc])* $name {
                $($(#[$field_attribute])* #[allow(missing_docs, reason = "the variant's comment explains the fields")] $field: $type),*
            },)*
        }

        impl Fact {
            /// Writes the number and the fixed part of each field.
            #[inline]
            pub(super) fn write_fixed(&self, bytes: &mut Bytes) {
                match self {
                    $(Fact::$name { $($field),* } => {
                        bytes.put::<1>([$number]);
                        $(unless_omitted!($($omitted)? $field.write_fixed(bytes));)*
                    })*
                }
            }

            /// Writes the texts and lists of the fields.
            #[inline]
            pub(super) fn write_variable(&self, digest: &mut Digest) {
                match self {
                    $(Fact::$name { $($field),* } => {
                        $(unless_omitted!($($omitted)? $field.write_variable(digest));)*
                    })*
                }
            }
        }

        #[cfg(test)]
        const NUMBERS: &[u8] = &[$($number),*];
    };
}

macro_rules! unless_omitted {
    (omitted $field:ident.$write:ident($to:ident)) => {
        let _ = $field;
    };
    ($field:ident.$write:ident($to:ident)) => {
        $field.$write($to)
    };
}

impl Fact {
    /// The variant's name in snake case, as in JSON.
    pub fn name(&self) -> &'static str {
        self.into()
    }
}

facts! {
    /// A flow was declared at the start: `to` should eventually reflect the commits at `from`.
    0 => FlowDeclared { from: NodeId, to: NodeId }

    /// A store received a value of the document at the start.
    1 => Seeded { node: NodeId, key: KeyId, value: Value, version: Version }

    /// A client, or the user of the page, issued an operation.
    2 => OperationIssued {
        operation: OperationId,
        /// The client, or the service itself where the user of the page issued the operation there.
        by: NodeId,
        /// The client's session, from 0.
        session: u32,
        /// The service that the operation is sent to.
        to: NodeId,
        kind: OperationKind,
        key: KeyId,
        /// The value to write, add, insert or remove; the number to add; the field and its value; the index to remove at.
        value: Option<Value>,
        /// The value that compare-and-set expects (`None` for an absent key), or the index to insert at (`None` for the end).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expected: Option<Value> as omitted,
    }

    /// A service read its store for an operation.
    3 => ReadServed {
        operation: OperationId,
        node: NodeId,
        key: KeyId,
        /// Version of the returned value; counter 0 for an absent key.
        version: Version,
        value: Option<Value>,
        /// The updates that the returned state contains, for data of a group without a total order.
        context: Option<VersionVector>,
    }

    /// A service refused an operation.
    4 => OperationRefused { operation: OperationId, node: NodeId, cause: Refusal }

    /// An operation ended for its client.
    5 => OperationEnded { operation: OperationId, outcome: Outcome }

    /// A service committed an operation's change to its own store.
    6 => UpdateCommitted {
        update: UpdateId,
        operation: OperationId,
        node: NodeId,
        key: KeyId,
        /// Version of the new value.
        version: Version,
        /// The key's new value.
        value: Value,
        /// Reading of the service's clock when it made the update, before any calls, µs; may be negative.
        clock: i64,
    }

    /// The client of an update's operation received `ok`. Staleness counts from here.
    7 => UpdateAcknowledged { update: UpdateId, operation: OperationId }

    /// A service applied an update that was made elsewhere.
    8 => UpdateApplied {
        update: UpdateId,
        node: NodeId,
        key: KeyId,
        /// Version of the update.
        version: Version,
        /// Value of the update.
        value: Value,
        /// Whether the store changed; an older version under `set_if_newer` changes nothing.
        changed: bool,
        /// The subscription that delivered it; `None` for a blocking call.
        by: Option<SubscriptionId>,
        /// The number that the store now holds, where the update's difference was added to it.
        sum: Option<i64>,
    }

    /// A message was sent.
    9 => MessageSent {
        message: MessageId,
        from: NodeId,
        to: NodeId,
        kind: MessageKind,
        /// The update that it carries or refers to.
        update: Option<UpdateId>,
        /// The operation that it belongs to.
        operation: Option<OperationId>,
        /// Number of the delivery of the event, from 1; 0 for other messages.
        attempt: u32,
        /// When it would arrive.
        due: Micros,
    }

    /// A link will deliver a message twice; `copy` would arrive at `due`.
    10 => MessageDuplicated { message: MessageId, copy: MessageId, due: Micros }

    /// A message arrived.
    11 => MessageDelivered { message: MessageId }

    /// A message did not arrive.
    12 => MessageDropped { message: MessageId, cause: DropCause }

    /// A bus accepted an event: one copy for each subscription of the topic.
    13 => EventPublished {
        bus: NodeId,
        update: UpdateId,
        /// Index of the topic in the bus.
        topic: u32,
        partition: u32,
        /// The number of subscriptions that receive the event.
        subscriptions: u32,
    }

    /// An event entered a subscription's queue, for the first time or again.
    14 => EventQueued {
        subscription: SubscriptionId,
        /// Number of the event in its bus: an update that was published twice is two events.
        event: u32,
        update: UpdateId,
        /// The earliest time of its delivery.
        not_before: Micros,
        /// Deliveries so far.
        deliveries: u32,
    }

    /// A bus sent an event to the consumer of this subscription; `attempt` counts its deliveries from 1.
    15 => EventSent { subscription: SubscriptionId, event: u32, update: UpdateId, attempt: u32 }

    /// A consumer's acknowledgement reached the bus, or none is required: the event is done.
    16 => EventAcknowledged { subscription: SubscriptionId, event: u32, update: UpdateId }

    /// An event used up its deliveries and entered the dead-letter queue.
    17 => EventDeadLettered { subscription: SubscriptionId, event: u32, update: UpdateId, deliveries: u32 }

    /// A bus gave up an event.
    18 => EventDiscarded { subscription: SubscriptionId, event: u32, update: UpdateId, reason: DropReason }

    /// A consumer's handler failed and left the store unchanged.
    19 => HandlingFailed { subscription: SubscriptionId, update: UpdateId, attempt: u32, cause: HandlingFailure }

    /// A publisher stopped retrying after its last attempt.
    20 => PublishAbandoned { node: NodeId, bus: NodeId, update: UpdateId }

    /// One direction of a link was cut.
    21 => LinkCut { from: NodeId, to: NodeId }

    /// One direction of a link was healed.
    22 => LinkHealed { from: NodeId, to: NodeId }

    /// A service crashed and lost its volatile state.
    23 => ServiceCrashed {
        node: NodeId,
        /// Its store is lost too.
        lost_disk: bool,
    }

    /// A service restarted with the content of its disk.
    24 => ServiceRestarted { node: NodeId }

    /// A link was disturbed, in addition to its own settings.
    25 => LinkDisturbed {
        from: NodeId,
        to: NodeId,
        /// Probability of loss, parts in a million.
        loss: u32,
        /// Probability of a second delivery, parts in a million.
        duplicate: u32,
        /// Probability of being overtaken, parts in a million.
        reorder: u32,
        /// Whether each message takes longer.
        delayed: bool,
    }

    /// A node was paused: messages to it and its own work wait.
    26 => NodePaused { node: NodeId }

    /// A paused node resumed.
    27 => NodeResumed { node: NodeId }

    /// A service's work takes `permille` thousandths of its configured time from now on.
    28 => ServiceSlowed { node: NodeId, permille: u32 }

    /// A service's clock was set, or jumped.
    29 => ClockSet {
        node: NodeId,
        /// The clock's reading minus true time, µs.
        offset: i64,
        /// Its drift, parts in a thousand million.
        drift: i64,
    }

    /// A bus stopped. Its queues are durable, except for events that it had not flushed.
    30 => BusStopped {
        bus: NodeId,
        /// Whether the events that it had not flushed are lost.
        lost_unflushed: bool,
    }

    /// A bus started again.
    31 => BusStarted { bus: NodeId }

    /// A bus recognised a publication that it already had, and did not queue it again.
    32 => EventDeduplicated { bus: NodeId, update: UpdateId }

    /// An event was moved from the dead-letter queue back to the queue, with no deliveries counted.
    33 => EventRedriven { subscription: SubscriptionId, event: u32, update: UpdateId }

    /// A consumer's inbox contained the event's row: the event had no second effect.
    34 => InboxHit { node: NodeId, subscription: SubscriptionId, update: UpdateId, attempt: u32 }

    /// A service is about to commit an update whose event it publishes first.
    35 => UpdateProposed { update: UpdateId, node: NodeId, key: KeyId, version: Version, value: Value }

    /// A commit wrote an event's row into the service's outbox, or an entry into its log.
    36 => OutboxRowWritten { node: NodeId, bus: NodeId, update: UpdateId }

    /// The bus has the event of an outbox row.
    37 => OutboxRowPublished { node: NodeId, bus: NodeId, update: UpdateId }

    /// A crash between a commit and its publication, or the loss of the outbox: the event will never be published.
    38 => PublicationLost { node: NodeId, bus: NodeId, update: UpdateId }

    /// A group assigned replicas to a key at its first use.
    39 => KeyPlaced { group: NodeId, key: KeyId, replicas: Vec<NodeId> }

    /// A group gave a write its version. Each replica records separately that it stores the write.
    40 => WriteCoordinated {
        update: UpdateId,
        operation: OperationId,
        /// The coordinator: a member, or the client itself.
        node: NodeId,
        key: KeyId,
        version: Version,
        /// The version that the coordinator knew it would replace; `None` for a blind write.
        replaces: Version,
        /// Reading of the coordinator's clock, µs.
        clock: i64,
        /// The written value; `None` for a deletion.
        value: Option<Value>,
    }

    /// A replica received a version of a register.
    41 => ReplicaStored {
        /// The update; `None` for a value of the document.
        update: Option<UpdateId>,
        node: NodeId,
        key: KeyId,
        version: Version,
        /// Whether the replica held an older version before.
        changed: bool,
        /// The version's value; `None` for a deletion.
        value: Option<Value>,
    }

    /// A replica merged a received state of a key into its own.
    42 => StateMerged {
        /// The update that the received state carried; none if there was more than one.
        update: Option<UpdateId>,
        node: NodeId,
        key: KeyId,
        /// The updates that the replica now has.
        context: VersionVector,
        /// What a read of the replica would return: siblings if there is more than one.
        values: Vec<Value>,
    }

    /// A replica removed a tombstone.
    43 => TombstonePurged { node: NodeId, key: KeyId }

    /// A node stored a hint: a write for a `replica` that did not acknowledge it.
    44 => HintStored { node: NodeId, replica: NodeId, key: KeyId, update: Option<UpdateId> }

    /// A node removed a hint: the replica has the write, or the hint expired.
    45 => HintRemoved { node: NodeId, replica: NodeId, key: KeyId, delivered: bool }

    /// A replica compared hashes of a Merkle tree with those of a peer.
    46 => TreesCompared {
        node: NodeId,
        peer: NodeId,
        /// Level of the tree, 0 for the root.
        level: u32,
        /// How many hashes were compared.
        compared: u32,
        /// How many of them differ.
        differing: u32,
    }

    /// A member became the leader of its group. The term of Raft is the epoch of a primary.
    47 => LeaderElected { node: NodeId, term: u32 }

    /// A leader stepped down, because it received a newer term.
    48 => LeaderSteppedDown { node: NodeId, term: u32 }

    /// A member's log changed: index of its last entry, index of its last committed entry, its term.
    49 => LogChanged { node: NodeId, last: u32, committed: u32, term: u32 }

    /// A member discarded a write that its group's leader does not have.
    50 => WriteRolledBack { update: UpdateId, node: NodeId, key: KeyId }

    /// A participant of a transaction promised to commit a write, and locked its key.
    51 => WritePromised { update: UpdateId, node: NodeId, key: KeyId }

    /// A participant released a promised write, which was aborted.
    52 => PromiseReleased { update: UpdateId, node: NodeId, key: KeyId }

    /// A member of a group handles an event: it asked its group to write the event's update.
    53 => EventWriteStarted {
        /// The operation, which no client issued.
        operation: OperationId,
        node: NodeId,
        subscription: SubscriptionId,
        update: UpdateId,
        key: KeyId,
        /// Number of the delivery, from 1.
        attempt: u32,
        /// The version that the update got where it was made.
        version: Version,
        /// Whether the update's difference is added to the group's value.
        adds: bool,
    }

    /// The group answered the member that handles an event, or the member's deadline passed.
    54 => EventWriteEnded {
        operation: OperationId,
        node: NodeId,
        subscription: SubscriptionId,
        update: UpdateId,
        outcome: Outcome,
        /// The group's own write; none if nothing had to change.
        written: Option<UpdateId>,
    }

    /// A reader of a log left its group; its partitions are assigned to the others, once they have joined the group again.
    55 => ReaderLeft { subscription: SubscriptionId, reason: LeaveReason }

    /// A reader of a log that was no member joined its group; all partitions are assigned again, once the others have joined the
    /// group again.
    56 => ReaderJoined { subscription: SubscriptionId }

    /// A broker of a replicated bus stopped, started or became the leader. Brokers are counted from 1.
    57 => BrokerChanged { bus: NodeId, broker: u32, change: BrokerChange }

    /// The set of in-sync brokers of a bus changed.
    58 => InSyncChanged {
        bus: NodeId,
        /// Bit n is set if broker n + 1 is in sync.
        brokers: u32,
        /// How many brokers there are.
        replicas: u32,
    }

    /// A bus refused a publication because only `in_sync` of the `needed` brokers are in sync.
    59 => PublishRefused { bus: NodeId, update: UpdateId, in_sync: u32, needed: u32 }

    /// A crash lost the position of change data capture since its last flush: the entry will be published again.
    60 => PositionLost { node: NodeId, bus: NodeId, update: UpdateId }

    /// A bus ignored an entry of a log's relay whose predecessor it does not have.
    61 => PublicationSkipped { bus: NodeId, update: UpdateId }

    /// A subscription shares the queue of another one, the first of its consumer group. Facts about the queue name
    /// the first subscription; facts about a delivery name the subscription of its consumer.
    62 => QueueShared { subscription: SubscriptionId, queue: SubscriptionId }

    /// A worker was declared at the start: the commits at `from` reach `worker` only as one of the workers of a consumer group,
    /// which hold the data together. `holder` is the first of them.
    63 => WorkerDeclared { worker: NodeId, holder: NodeId, from: NodeId }

    /// Two services use the same store, from the start.
    64 => StoreShared { node: NodeId, holder: NodeId }

    /// A consumer is attached to a subscription again: it connected, or it polls.
    65 => ConsumerAttached { subscription: SubscriptionId }

    /// A consumer is no longer attached: nothing is delivered to it.
    66 => ConsumerDetached { subscription: SubscriptionId, reason: DetachReason }

    /// An acknowledgement arrived after the end of its delivery, and had no effect.
    67 => AcknowledgementExpired { subscription: SubscriptionId, event: u32, update: UpdateId }

    /// A reader of a log gave its partitions back, committed, and joined its group again for a rebalance. It discarded the events
    /// that it had not polled.
    68 => PartitionsReleased { subscription: SubscriptionId }

    /// A reader of a log discarded a delivery without handling it: the event is behind its position, or the log delivers again from
    /// the last commit.
    69 => DeliveryDiscarded { subscription: SubscriptionId, update: UpdateId, attempt: u32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fact_has_a_number_of_its_own() {
        assert!(NUMBERS.iter().enumerate().all(|(index, number)| index == usize::from(*number)), "{NUMBERS:?}");
    }

    #[test]
    fn the_name_of_a_fact_is_its_key_in_json() {
        let fact = Fact::EventWriteEnded {
            operation: OperationId(0),
            node: NodeId(0),
            subscription: SubscriptionId(0),
            update: UpdateId(0),
            outcome: Outcome::Ok,
            written: None,
        };
        assert_eq!(fact.name(), "event_write_ended");
        let json = serde_json::to_value(&fact).expect("a fact");
        assert!(json.get(fact.name()).is_some(), "{json}");
    }
}
