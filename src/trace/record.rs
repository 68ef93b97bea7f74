use super::kinds::{
    BrokerChange, DropCause, DropReason, HandlingFailure, KeyId, LeaveReason, MessageId, MessageKind, NodeId,
    OperationId, OperationKind, Outcome, Refusal, SubscriptionId, UpdateId, Version, VersionVector,
};
use crate::scenario::{Micros, Value};
use serde::Serialize;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Record {
    /// When, in microseconds of virtual time.
    pub at: Micros,
    /// What.
    pub fact: Fact,
}

/// What happened, in the past tense.
#[derive(Clone, Debug, PartialEq, Serialize)]
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
        /// What is to be written, added, inserted, removed; the number to add; the field with what is put there; the place
        /// of what is removed from a list.
        value: Option<Value>,
        /// What compare-and-set expects to be there; none for an absent key. Of an insertion its place; none for the end.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expected: Option<Value>,
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
        /// Of a group's data without a total order: for each origin how many of its updates are in what it returned.
        context: Option<VersionVector>,
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
    UpdateApplied {
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
    /// At its first mention a key of a group has its replicas.
    KeyPlaced {
        /// The group.
        group: NodeId,
        /// The key.
        key: KeyId,
        /// Who should hold it.
        replicas: Vec<NodeId>,
    },
    /// A group gave a write its version; each replica that takes it in says so.
    WriteCoordinated {
        /// The update.
        update: UpdateId,
        /// The operation that asked for it.
        operation: OperationId,
        /// Who coordinates: a member, or the client itself.
        node: NodeId,
        /// The key.
        key: KeyId,
        /// The new version.
        version: Version,
        /// What is written; none for a deletion.
        value: Option<Value>,
        /// Reading of the coordinator's own clock, µs.
        clock: i64,
        /// The version that it knowingly replaces; none for a blind write.
        replaces: Version,
    },
    /// A replica took in a version of a register.
    ReplicaStored {
        /// The update; none for what stood in the document.
        update: Option<UpdateId>,
        /// The replica.
        node: NodeId,
        /// The key.
        key: KeyId,
        /// The version.
        version: Version,
        /// What it says; none for a deletion.
        value: Option<Value>,
        /// Whether the replica held something older before.
        changed: bool,
    },
    /// A replica merged what it got of a key into what it had.
    StateMerged {
        /// What it merged; none if that is more than one update.
        update: Option<UpdateId>,
        /// The replica.
        node: NodeId,
        /// The key.
        key: KeyId,
        /// For each origin, how many of its updates it has.
        context: VersionVector,
        /// What a read there would return: siblings where there is more than one.
        values: Vec<Value>,
    },
    /// A replica forgot the mark of a deletion.
    TombstonePurged {
        /// The replica.
        node: NodeId,
        /// The key.
        key: KeyId,
    },
    /// A node keeps a write for a replica that did not take it.
    HintStored {
        /// Who keeps it.
        node: NodeId,
        /// For whom.
        replica: NodeId,
        /// The key.
        key: KeyId,
        /// The update.
        update: Option<UpdateId>,
    },
    /// A hint is gone: its replica has the write, or its time is up.
    HintRemoved {
        /// Who kept it.
        node: NodeId,
        /// For whom.
        replica: NodeId,
        /// The key.
        key: KeyId,
        /// Whether the replica has it.
        delivered: bool,
    },
    /// A replica compared hashes of a Merkle tree with another's.
    TreesCompared {
        /// Who compared.
        node: NodeId,
        /// With whom.
        peer: NodeId,
        /// Level of the tree, 0 for the root.
        level: u32,
        /// How many hashes.
        compared: u32,
        /// How many of them differ.
        differing: u32,
    },
    /// A member leads its group from now on.
    LeaderElected {
        /// The member.
        node: NodeId,
        /// The term, or epoch.
        term: u32,
    },
    /// A member that led its group does so no more.
    LeaderSteppedDown {
        /// The member.
        node: NodeId,
        /// The term that it knows of now.
        term: u32,
    },
    /// How a member's log stands.
    LogChanged {
        /// The member.
        node: NodeId,
        /// Its last entry.
        last: u32,
        /// Its last committed entry.
        committed: u32,
        /// Its term.
        term: u32,
    },
    /// A member threw away a write that its group's leader does not have.
    WriteRolledBack {
        /// The update.
        update: UpdateId,
        /// The member.
        node: NodeId,
        /// The key.
        key: KeyId,
    },
    /// A participant promised to commit a write, and locks its key.
    WritePromised {
        /// The update.
        update: UpdateId,
        /// The participant.
        node: NodeId,
        /// The key.
        key: KeyId,
    },
    /// A promised write was called off.
    PromiseReleased {
        /// The update.
        update: UpdateId,
        /// The participant.
        node: NodeId,
        /// The key.
        key: KeyId,
    },
    /// A member of a group, handling an event, asks its group to write what that says. Nobody else awaits the operation.
    EventWriteStarted {
        /// The operation; it is issued by nobody.
        operation: OperationId,
        /// The member.
        node: NodeId,
        /// The subscription.
        subscription: SubscriptionId,
        /// The update that the event is about.
        update: UpdateId,
        /// The key.
        key: KeyId,
        /// Version of what the update says, given where it was made.
        version: Version,
        /// Its difference is added to what is there.
        adds: bool,
        /// Which delivery.
        attempt: u32,
    },
    /// The group answered the member that handles an event, or did not in time.
    EventWriteEnded {
        /// The operation.
        operation: OperationId,
        /// The member.
        node: NodeId,
        /// The subscription.
        subscription: SubscriptionId,
        /// The update that the event is about.
        update: UpdateId,
        /// How it ended.
        outcome: Outcome,
        /// The group's own write; none where there was nothing to change.
        written: Option<UpdateId>,
    },
    /// A log's reader is in its group no longer; its partitions are given to the others.
    ReaderLeft {
        /// Its subscription.
        subscription: SubscriptionId,
        /// Why.
        reason: LeaveReason,
    },
    /// A log's reader is in its group again; the partitions are given out anew.
    ReaderJoined {
        /// Its subscription.
        subscription: SubscriptionId,
    },
    /// One of the brokers that keep a bus's events stopped, started again, or leads from now on.
    BrokerChanged {
        /// The bus.
        bus: NodeId,
        /// Which, from 1.
        broker: u32,
        /// What became of it.
        change: BrokerChange,
    },
    /// Other brokers of a bus are in sync than before.
    InSyncChanged {
        /// The bus.
        bus: NodeId,
        /// Who is: the n-th bit stands for broker n + 1.
        brokers: u32,
        /// How many brokers there are.
        replicas: u32,
    },
    /// A bus refused a publication that waits for all, since too few brokers are in sync.
    PublishRefused {
        /// The bus.
        bus: NodeId,
        /// The update.
        update: UpdateId,
        /// How many are in sync.
        in_sync: u32,
        /// How many it takes.
        needed: u32,
    },
}
