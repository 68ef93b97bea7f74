//! The facts by subject, as patterns.

/// A pattern that matches each fact about the named subjects. A reader of the trace ignores whole subjects with it, and
/// names each ignored fact of a subject that it reads: a new fact must be placed here, and then considered by those readers.
macro_rules! facts_about {
    // The start of a run.
    (declarations) => {
        $crate::trace::Fact::FlowDeclared { .. }
            | $crate::trace::Fact::Seeded { .. }
            | $crate::trace::Fact::QueueShared { .. }
            | $crate::trace::Fact::WorkerDeclared { .. }
            | $crate::trace::Fact::StoreShared { .. }
    };
    (operations) => {
        $crate::trace::Fact::OperationIssued { .. }
            | $crate::trace::Fact::ReadServed { .. }
            | $crate::trace::Fact::OperationRefused { .. }
            | $crate::trace::Fact::OperationEnded { .. }
    };
    // Updates of the stores of services.
    (updates) => {
        $crate::trace::Fact::UpdateProposed { .. }
            | $crate::trace::Fact::UpdateCommitted { .. }
            | $crate::trace::Fact::UpdateAcknowledged { .. }
            | $crate::trace::Fact::UpdateApplied { .. }
    };
    (messages) => {
        $crate::trace::Fact::MessageSent { .. }
            | $crate::trace::Fact::MessageDuplicated { .. }
            | $crate::trace::Fact::MessageDelivered { .. }
            | $crate::trace::Fact::MessageDropped { .. }
    };
    // Publications at their publisher.
    (publishers) => {
        $crate::trace::Fact::OutboxRowWritten { .. }
            | $crate::trace::Fact::OutboxRowPublished { .. }
            | $crate::trace::Fact::PositionLost { .. }
            | $crate::trace::Fact::PublicationLost { .. }
            | $crate::trace::Fact::PublishAbandoned { .. }
    };
    // Publications at their bus.
    (publications) => {
        $crate::trace::Fact::EventPublished { .. }
            | $crate::trace::Fact::EventDeduplicated { .. }
            | $crate::trace::Fact::PublicationSkipped { .. }
            | $crate::trace::Fact::PublishRefused { .. }
    };
    // Events in the queues of a bus.
    (queues) => {
        $crate::trace::Fact::EventQueued { .. }
            | $crate::trace::Fact::EventSent { .. }
            | $crate::trace::Fact::EventAcknowledged { .. }
            | $crate::trace::Fact::AcknowledgementExpired { .. }
            | $crate::trace::Fact::EventDeadLettered { .. }
            | $crate::trace::Fact::EventDiscarded { .. }
            | $crate::trace::Fact::EventRedriven { .. }
    };
    // Events at their consumers.
    (handling) => {
        $crate::trace::Fact::HandlingFailed { .. }
            | $crate::trace::Fact::InboxHit { .. }
            | $crate::trace::Fact::DeliveryDiscarded { .. }
            | $crate::trace::Fact::EventWriteStarted { .. }
            | $crate::trace::Fact::EventWriteEnded { .. }
    };
    // The relation of consumers to their bus.
    (attachments) => {
        $crate::trace::Fact::ConsumerAttached { .. }
            | $crate::trace::Fact::ConsumerDetached { .. }
            | $crate::trace::Fact::ReaderLeft { .. }
            | $crate::trace::Fact::ReaderJoined { .. }
            | $crate::trace::Fact::PartitionsReleased { .. }
    };
    (links) => {
        $crate::trace::Fact::LinkCut { .. }
            | $crate::trace::Fact::LinkHealed { .. }
            | $crate::trace::Fact::LinkDisturbed { .. }
    };
    (outages) => {
        $crate::trace::Fact::ServiceCrashed { .. }
            | $crate::trace::Fact::ServiceRestarted { .. }
            | $crate::trace::Fact::BusStopped { .. }
            | $crate::trace::Fact::BusStarted { .. }
    };
    // Pauses, slow work and wrong clocks.
    (disturbances) => {
        $crate::trace::Fact::NodePaused { .. }
            | $crate::trace::Fact::NodeResumed { .. }
            | $crate::trace::Fact::ServiceSlowed { .. }
            | $crate::trace::Fact::ClockSet { .. }
    };
    (brokers) => {
        $crate::trace::Fact::BrokerChanged { .. } | $crate::trace::Fact::InSyncChanged { .. }
    };
    // Writes at the members of a group.
    (replication) => {
        $crate::trace::Fact::KeyPlaced { .. }
            | $crate::trace::Fact::WriteCoordinated { .. }
            | $crate::trace::Fact::ReplicaStored { .. }
            | $crate::trace::Fact::StateMerged { .. }
            | $crate::trace::Fact::WriteRolledBack { .. }
    };
    // Work of the members of a group in the background.
    (repair) => {
        $crate::trace::Fact::TombstonePurged { .. }
            | $crate::trace::Fact::HintStored { .. }
            | $crate::trace::Fact::HintRemoved { .. }
            | $crate::trace::Fact::TreesCompared { .. }
    };
    (leaders) => {
        $crate::trace::Fact::LeaderElected { .. }
            | $crate::trace::Fact::LeaderSteppedDown { .. }
            | $crate::trace::Fact::LogChanged { .. }
    };
    (transactions) => {
        $crate::trace::Fact::WritePromised { .. } | $crate::trace::Fact::PromiseReleased { .. }
    };

    (requests) => {
        $crate::trace::facts_about!(operations, updates)
    };
    (events) => {
        $crate::trace::facts_about!(publishers, publications, queues, handling, attachments)
    };
    (faults) => {
        $crate::trace::facts_about!(links, outages, disturbances, brokers)
    };
    (groups) => {
        $crate::trace::facts_about!(replication, repair, leaders, transactions)
    };

    ($($subject:ident),+) => {
        $($crate::trace::facts_about!($subject))|+
    };
}

pub(crate) use facts_about;
