use crate::scenario::{Micros, Value};
use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl $name {
            /// The id as an index into a dense table.
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

id!(
    /// A node of the run: services first, then buses, then clients, each in the document's order.
    NodeId(u32)
);
id!(
    /// A key of the run, in order of first mention.
    KeyId(u32)
);
id!(
    /// A message, duplicates included; the n-th is n.
    MessageId(u64)
);
id!(
    /// An update: a change of one key committed at one service.
    UpdateId(u32)
);
id!(
    /// An operation of a client, or of the person at the page.
    OperationId(u32)
);
id!(
    /// A subscription of the run: by service, then in the document's order.
    SubscriptionId(u32)
);

/// The version of a key's value, ordered by counter, then by origin: a Lamport timestamp (Lamport 1978)
/// per key. Ties between services that wrote at the same count go to the later node of the document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Version {
    /// One more than the version that the writer had; 0 is no version.
    pub counter: u32,
    /// One more than the index of the node that wrote it; 0 for what stood in the document.
    pub origin: u32,
}

/// What a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum MessageKind {
    /// A request that awaits a reply: from a client, or a blocking call between services.
    Call = 0,
    /// The answer to a call.
    Reply = 1,
    /// An event on its way to a bus.
    Publish = 2,
    /// An event on its way from a bus to a consumer.
    Delivery = 3,
    /// A bus's acknowledgement to a publisher, or a consumer's to a bus.
    Acknowledgement = 4,
    /// A consumer's refusal: handling failed, deliver again.
    Refusal = 5,
    /// A token passed between relays: load without meaning.
    Token = 6,
}

/// What an operation asks; the data is in the document or the update.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum OperationKind {
    /// Return the value.
    Read = 0,
    /// Set the value.
    Write = 1,
    /// Add an element to a set.
    Add = 2,
    /// Remove an element from a set.
    Remove = 3,
    /// Add to a number.
    Increment = 4,
    /// Set the value if it is as expected.
    CompareAndSet = 5,
}

/// How an operation ended, as far as its client can know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Outcome {
    /// It took effect, and the client was told.
    Ok = 0,
    /// It certainly had no effect.
    Fail = 1,
    /// It timed out, or the service could not say: it may have taken effect, or still may.
    Unknown = 2,
}

/// Why a message was not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum DropCause {
    /// The link lost it, by its loss probability.
    Loss = 0,
    /// The link was cut when it would have arrived.
    LinkCut = 1,
    /// The receiver was down when it would have arrived.
    ReceiverDown = 2,
    /// It was lost by a disturbance of its link.
    Disturbance = 3,
}

/// Why a bus gave up an event for one subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum DropReason {
    /// It was delivered as often as allowed, and the subscription has no dead-letter queue.
    DeliveriesUsedUp = 0,
    /// It was kept as long as its topic keeps events.
    Expired = 1,
    /// The bus stopped before it was flushed.
    NotFlushed = 2,
    /// It was purged from the dead-letter queue.
    Purged = 3,
}

/// How much of a record stream is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Nothing: counters alone.
    Off,
    /// The digest and the number of records.
    Digest,
    /// Digest and records.
    Full,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// When, in microseconds of virtual time.
    pub at: Micros,
    /// What.
    pub fact: Fact,
}

/// What happened, in the past tense.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// At the start: what is committed at `from` should in time be reflected by `to`.
    FlowDeclared {
        /// The service that commits.
        from: NodeId,
        /// The service that should hold it.
        to: NodeId,
    },
    /// At the start: a store held a value, as version 1 of its key.
    Seeded {
        /// The service.
        node: NodeId,
        /// The key.
        key: KeyId,
        /// What the store held.
        value: Value,
        /// Its version.
        version: Version,
    },
    /// A client, or the person at the page, issued an operation.
    OperationIssued {
        /// The operation.
        operation: OperationId,
        /// The client; the service itself where the person at the page asked it directly.
        by: NodeId,
        /// The client's session, from 0.
        session: u32,
        /// The service that is asked.
        to: NodeId,
        /// What is asked.
        kind: OperationKind,
        /// The key.
        key: KeyId,
        /// What is to be written, added, removed; the number to add.
        value: Option<Value>,
    },
    /// A service read its store for an operation.
    ReadServed {
        /// The operation.
        operation: OperationId,
        /// The service.
        node: NodeId,
        /// The key.
        key: KeyId,
        /// Version of what it returned; counter 0 for an absent key.
        version: Version,
        /// What it returned.
        value: Option<Value>,
    },
    /// A service could not or would not do what an operation asked.
    OperationRefused {
        /// The operation.
        operation: OperationId,
        /// The service.
        node: NodeId,
        /// Why.
        cause: Refusal,
    },
    /// An operation ended for its client.
    OperationEnded {
        /// The operation.
        operation: OperationId,
        /// How.
        outcome: Outcome,
    },
    /// A service committed an operation's change to its own store.
    UpdateCommitted {
        /// The update.
        update: UpdateId,
        /// The operation that asked for it.
        operation: OperationId,
        /// The service.
        node: NodeId,
        /// The key.
        key: KeyId,
        /// The new value's version.
        version: Version,
        /// The key's new value.
        value: Value,
        /// Reading of the service's own clock when it made the update, before any calls, µs; may be negative.
        clock: i64,
    },
    /// The client was told that the operation of an update succeeded. Staleness counts from here.
    UpdateAcknowledged {
        /// The update.
        update: UpdateId,
        /// Its operation.
        operation: OperationId,
    },
    /// A service took in an update that another had made.
    UpdateTakenIn {
        /// The update.
        update: UpdateId,
        /// The service.
        node: NodeId,
        /// The key.
        key: KeyId,
        /// Version of what the update says.
        version: Version,
        /// What the update says.
        value: Value,
        /// Whether the store changed; an older version under `set_if_newer` changes nothing.
        changed: bool,
        /// The subscription whose event said it; none for a blocking call.
        by: Option<SubscriptionId>,
        /// Where the update's difference was added to what was there: the number that the store holds now.
        sum: Option<i64>,
    },
    /// A message was sent.
    MessageSent {
        /// The message.
        message: MessageId,
        /// Sender.
        from: NodeId,
        /// Receiver.
        to: NodeId,
        /// What it is for.
        kind: MessageKind,
        /// The update that it carries or is about.
        update: Option<UpdateId>,
        /// The operation that it belongs to.
        operation: Option<OperationId>,
        /// Which delivery of the event, from 1; 0 where that means nothing.
        attempt: u32,
        /// When it would arrive.
        due: Micros,
    },
    /// A link will deliver a message a second time.
    MessageDuplicated {
        /// The message.
        message: MessageId,
        /// The second copy.
        copy: MessageId,
        /// When the copy would arrive.
        due: Micros,
    },
    /// A message arrived.
    MessageDelivered {
        /// The message.
        message: MessageId,
    },
    /// A message did not arrive.
    MessageDropped {
        /// The message.
        message: MessageId,
        /// Why.
        cause: DropCause,
    },
    /// A bus took in an event: one copy for each subscription of the topic.
    EventPublished {
        /// The bus.
        bus: NodeId,
        /// The update that it is about.
        update: UpdateId,
        /// Index of the topic in the bus.
        topic: u32,
        /// The partition.
        partition: u32,
        /// How many subscriptions get it.
        subscriptions: u32,
    },
    /// An event waits in a subscription's queue, for the first time or again.
    EventQueued {
        /// The subscription.
        subscription: SubscriptionId,
        /// Number of the event in its bus: an update that was published twice is two events.
        event: u32,
        /// The update.
        update: UpdateId,
        /// Before this instant it is not delivered.
        not_before: Micros,
        /// Deliveries so far.
        deliveries: u32,
    },
    /// A bus sent an event to a consumer.
    EventSent {
        /// The subscription.
        subscription: SubscriptionId,
        /// Number of the event in its bus: an update that was published twice is two events.
        event: u32,
        /// The update.
        update: UpdateId,
        /// Which delivery, from 1.
        attempt: u32,
    },
    /// A consumer's acknowledgement reached the bus (or none is wanted): the event is done.
    EventAcknowledged {
        /// The subscription.
        subscription: SubscriptionId,
        /// Number of the event in its bus: an update that was published twice is two events.
        event: u32,
        /// The update.
        update: UpdateId,
    },
    /// An event used up its deliveries and lies in the dead-letter queue.
    EventDeadLettered {
        /// The subscription.
        subscription: SubscriptionId,
        /// Number of the event in its bus: an update that was published twice is two events.
        event: u32,
        /// The update.
        update: UpdateId,
        /// How often it was delivered.
        deliveries: u32,
    },
    /// A bus gave up an event.
    EventDiscarded {
        /// The subscription.
        subscription: SubscriptionId,
        /// Number of the event in its bus: an update that was published twice is two events.
        event: u32,
        /// The update.
        update: UpdateId,
        /// Why.
        reason: DropReason,
    },
    /// A consumer's handler failed and left the store as it was.
    HandlingFailed {
        /// The subscription.
        subscription: SubscriptionId,
        /// The update.
        update: UpdateId,
        /// Which delivery.
        attempt: u32,
        /// Why.
        cause: HandlingFailure,
    },
    /// A publisher gave up waiting for the bus after its last attempt.
    PublishAbandoned {
        /// The publisher.
        node: NodeId,
        /// The bus.
        bus: NodeId,
        /// The update.
        update: UpdateId,
    },
    /// One direction of a link was cut.
    LinkCut {
        /// Sender.
        from: NodeId,
        /// Receiver.
        to: NodeId,
    },
    /// One direction of a link was mended.
    LinkHealed {
        /// Sender.
        from: NodeId,
        /// Receiver.
        to: NodeId,
    },
    /// A service stopped; what was not durable is gone.
    ServiceCrashed {
        /// The service.
        node: NodeId,
        /// Its store is gone too.
        lost_disk: bool,
    },
    /// A link was made bad, beside its own settings.
    LinkDisturbed {
        /// Sender.
        from: NodeId,
        /// Receiver.
        to: NodeId,
        /// Chance of loss, parts in a million.
        loss: u32,
        /// Chance of a second delivery, parts in a million.
        duplicate: u32,
        /// Chance of being overtaken, parts in a million.
        reorder: u32,
        /// Whether each message takes longer.
        delayed: bool,
    },
    /// A node is held: what reaches it waits, and so does what it would do.
    NodePaused {
        /// The node.
        node: NodeId,
    },
    /// A held node goes on.
    NodeResumed {
        /// The node.
        node: NodeId,
    },
    /// A service's work takes that many thousandths of its configured time from now on.
    ServiceSlowed {
        /// The service.
        node: NodeId,
        /// Thousandths; 1,000 is as configured.
        permille: u32,
    },
    /// A service's clock was set, or jumped.
    ClockSet {
        /// The service.
        node: NodeId,
        /// Its reading now less true time, µs.
        offset: i64,
        /// Its drift, parts in a thousand million.
        drift: i64,
    },
    /// A bus stopped; its queues are durable, but for what it had not flushed.
    BusStopped {
        /// The bus.
        bus: NodeId,
        /// What it had not flushed is gone.
        lost_unflushed: bool,
    },
    /// A bus started again.
    BusStarted {
        /// The bus.
        bus: NodeId,
    },
    /// A bus has a publication already, and does not queue it again.
    EventDeduplicated {
        /// The bus.
        bus: NodeId,
        /// The update.
        update: UpdateId,
    },
    /// A dead event is queued again, with no deliveries counted.
    EventRedriven {
        /// The subscription.
        subscription: SubscriptionId,
        /// Number of the event in its bus.
        event: u32,
        /// The update.
        update: UpdateId,
    },
    /// A consumer's inbox says that it handled an event before: no effect again.
    InboxHit {
        /// The consumer.
        node: NodeId,
        /// The subscription.
        subscription: SubscriptionId,
        /// The update.
        update: UpdateId,
        /// Which delivery.
        attempt: u32,
    },
    /// A service is about to commit an update, whose event it publishes first.
    UpdateProposed {
        /// The update.
        update: UpdateId,
        /// The service.
        node: NodeId,
        /// The key.
        key: KeyId,
        /// The new value's version.
        version: Version,
        /// The key's new value.
        value: Value,
    },
    /// A commit wrote an event's row into the service's outbox, or an entry into its log.
    OutboxRowWritten {
        /// The service.
        node: NodeId,
        /// The bus that it is for.
        bus: NodeId,
        /// The update.
        update: UpdateId,
    },
    /// The bus has the event of a row.
    OutboxRowPublished {
        /// The service.
        node: NodeId,
        /// The bus.
        bus: NodeId,
        /// The update.
        update: UpdateId,
    },
    /// A crash came between a commit and the publishing of its event, or took the outbox: it will never be published.
    PublicationLost {
        /// The service.
        node: NodeId,
        /// The bus.
        bus: NodeId,
        /// The update.
        update: UpdateId,
    },
    /// A service started again, with what its disk held.
    ServiceRestarted {
        /// The service.
        node: NodeId,
    },
}

/// Why a consumer did not handle an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum HandlingFailure {
    /// The handler failed, by its failure probability.
    Failed = 0,
    /// The consumer's queue was full.
    QueueFull = 1,
    /// It is a poison message.
    Poison = 2,
    /// It says a difference of what is no number.
    WrongType = 3,
}

/// Why a service refused an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Refusal {
    /// Its queue was full: it did nothing.
    QueueFull = 0,
    /// The key held another value than compare-and-set expected.
    NotAsExpected = 1,
    /// The key holds another type than the operation needs (an increment of a text).
    WrongType = 2,
    /// A service that it must call first did not answer in time: nothing was committed here.
    CalleeSilent = 3,
    /// A service that it must call first refused: nothing was committed here.
    CalleeRefused = 4,
    /// The service is down; only the person at the page is told so directly.
    ServiceDown = 5,
}
