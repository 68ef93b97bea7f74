//! The events of a run, as far as its kept records show them.

use crate::analysis::run_context::RunContext;
use crate::scenario::Micros;
use crate::trace::{
    DropReason, Fact, HandlingFailure, MessageId, MessageKind, NodeId, SubscriptionId, UpdateId, facts_about,
};
use std::collections::{BTreeMap, BTreeSet};

/// The fates of events, as far as the kept records contain them.
#[derive(Default)]
pub(super) struct EventHistory {
    pub published: BTreeSet<UpdateId>,
    pub poison: BTreeSet<(SubscriptionId, UpdateId)>,
    /// The first reason for which a bus discarded an update's event.
    pub discarded: BTreeMap<UpdateId, DropReason>,
    /// When a message last carried an update.
    pub last_sent: BTreeMap<UpdateId, Micros>,
    /// When a node first published an update.
    pub first_published: BTreeMap<(UpdateId, NodeId), Micros>,
    /// Consumers that received an update's event and have not ended its handling.
    pub received: BTreeSet<(NodeId, UpdateId)>,
}

impl EventHistory {
    /// Reads the kept records.
    pub fn read(run: &RunContext) -> Self {
        let mut history = EventHistory::default();
        let mut deliveries: BTreeMap<MessageId, (NodeId, UpdateId)> = BTreeMap::new();
        for (_, record) in run.records() {
            match &record.fact {
                Fact::EventPublished { update, .. } => _ = history.published.insert(*update),
                Fact::EventDiscarded { update, reason, .. } => _ = history.discarded.entry(*update).or_insert(*reason),
                Fact::HandlingFailed { subscription, update, cause, .. } => {
                    if *cause == HandlingFailure::Poison {
                        history.poison.insert((run.analysis.buses.queue_of(*subscription), *update));
                    }
                    history.received.remove(&(run.names.subscription(*subscription).service, *update));
                }
                Fact::MessageSent { message, from, to, update: Some(update), kind, .. } => {
                    history.last_sent.insert(*update, record.at);
                    if *kind == MessageKind::Publish {
                        history.first_published.entry((*update, *from)).or_insert(record.at);
                    }
                    if *kind == MessageKind::Delivery {
                        deliveries.insert(*message, (*to, *update));
                    }
                }
                Fact::MessageDuplicated { message, copy, .. } => {
                    deliveries.get(message).copied().and_then(|delivery| deliveries.insert(*copy, delivery));
                }
                Fact::MessageDropped { message, .. } => _ = deliveries.remove(message),
                Fact::MessageDelivered { message } => history.received.extend(deliveries.remove(message)),
                Fact::UpdateApplied { node, update, .. } => _ = history.received.remove(&(*node, *update)),
                Fact::ServiceCrashed { node, .. } => history.received.retain(|(at, _)| at != node),
                facts_about!(
                    declarations,
                    operations,
                    publishers,
                    attachments,
                    links,
                    disturbances,
                    brokers,
                    groups
                )
                | Fact::MessageSent { update: None, .. }
                | Fact::UpdateProposed { .. }
                | Fact::UpdateCommitted { .. }
                | Fact::UpdateAcknowledged { .. }
                | Fact::EventDeduplicated { .. }
                | Fact::PublicationSkipped { .. }
                | Fact::PublishRefused { .. }
                | Fact::EventQueued { .. }
                | Fact::EventSent { .. }
                | Fact::EventAcknowledged { .. }
                | Fact::AcknowledgementExpired { .. }
                | Fact::EventDeadLettered { .. }
                | Fact::EventRedriven { .. }
                | Fact::InboxHit { .. }
                | Fact::EventWriteStarted { .. }
                | Fact::EventWriteEnded { .. }
                | Fact::ServiceRestarted { .. }
                | Fact::BusStopped { .. }
                | Fact::BusStarted { .. } => {}
            }
        }
        history
    }
}
