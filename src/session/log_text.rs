//! The sentences of the log.

use super::{content, labels};
use crate::analysis::Analysis;
use crate::trace::{
    BrokerChange, DetachReason, DropReason, Fact, HandlingFailure, LeaveReason, MessageId, Names, NodeId, OperationId,
    Outcome, Record, SubscriptionId, UpdateId,
};
use labels::{duration, trimmed};

/// A row of the log.
pub struct Sentence {
    /// The fact's name, as in `message_dropped`.
    pub name: &'static str,
    /// What happened.
    pub text: String,
    /// The update that it is about.
    pub update: Option<UpdateId>,
    /// The nodes that it is about.
    pub nodes: Vec<NodeId>,
}

/// Describes how an update was lost: overwritten by another one, or rolled back by its group.
pub fn lost_update(update: UpdateId, by: UpdateId, analysis: &Analysis, names: &Names) -> String {
    let lost = self::update(update, analysis, names);
    match update == by {
        true => format!("{lost} was rolled back"),
        false => format!("{} overwrote {lost}", self::update(by, analysis, names)),
    }
}

/// An update: `widget = 42 (v3)`.
pub fn update(id: UpdateId, analysis: &Analysis, names: &Names) -> String {
    labels::update(&content::update(id, analysis, names))
}

/// An operation: `write widget 42`.
pub fn operation(id: OperationId, analysis: &Analysis, names: &Names) -> String {
    labels::operation(&content::operation(id, analysis, names))
}

/// A message: `Inventory → Stock updated: event widget = 42 (v3)`.
fn message(id: MessageId, analysis: &Analysis, names: &Names) -> String {
    let Some(info) = analysis.messages.recall(id) else { return format!("message {}", id.0 + 1) };
    let (from, to) = (names.label(info.from), names.label(info.to));
    let label = labels::message(info.kind, &content::message(info, analysis, names));
    let attempt = if info.attempt > 1 { format!(", delivery attempt {}", info.attempt) } else { String::new() };
    let duplicate = if info.duplicate { " (duplicate)" } else { "" };
    format!("{from} → {to}: {label}{attempt}{duplicate}")
}

/// The update and the ends of a message.
fn message_subject(id: MessageId, analysis: &Analysis) -> (Option<UpdateId>, Vec<NodeId>) {
    analysis.messages.recall(id).map_or((None, Vec::new()), |info| (info.update, vec![info.from, info.to]))
}

/// Describes a record in one sentence.
pub fn sentence(record: &Record, analysis: &Analysis, names: &Names) -> Sentence {
    let text = Text { analysis, names };
    let (text, update, nodes) = text.of(record);
    Sentence { name: record.fact.name(), text, update, nodes }
}

/// A fact's sentence, update and nodes.
type Row = (String, Option<UpdateId>, Vec<NodeId>);

struct Text<'a> {
    analysis: &'a Analysis,
    names: &'a Names,
}

impl Text<'_> {
    fn update(&self, id: &UpdateId) -> String {
        update(*id, self.analysis, self.names)
    }

    /// A row about a message.
    fn message(&self, id: &MessageId, what: String) -> Row {
        let (update, nodes) = message_subject(*id, self.analysis);
        (format!("{}{what}", message(*id, self.analysis, self.names)), update, nodes)
    }

    /// A row about an event of a subscription. `text` receives the names of the bus and the consumer.
    fn event(
        &self,
        subscription: &SubscriptionId,
        update: &UpdateId,
        text: impl FnOnce(&str, &str, String) -> String,
    ) -> Row {
        let ends = self.names.subscription(*subscription);
        let (bus, consumer) = (self.names.label(ends.bus), self.names.label(ends.service));
        (text(bus, consumer, self.update(update)), Some(*update), vec![ends.bus, ends.service])
    }

    /// One arm for each fact.
    fn of(&self, record: &Record) -> Row {
        let Text { analysis, names } = *self;
        let node = |id: &NodeId| names.label(*id);
        let key = |id| names.key(id);
        let of = |at: &NodeId, text: String| (text, None, vec![*at]);
        let about = |at: &NodeId, update: &UpdateId, text: String| (text, Some(*update), vec![*at]);
        let link = |from: &NodeId, to: &NodeId, what: &str| {
            (format!("link {} → {} {what}", node(from), node(to)), None, vec![*from, *to])
        };
        match &record.fact {
            Fact::FlowDeclared { from, to } => {
                (format!("{} should reach {}", node(from), node(to)), None, vec![*from, *to])
            }
            Fact::Seeded { node: at, key: id, value, .. } => {
                of(at, format!("{} started with {} = {value}", node(at), key(*id)))
            }
            Fact::OperationIssued { by, to, operation: id, .. } => {
                let request = operation(*id, analysis, names);
                let issuer = if by == to { "you" } else { node(by) };
                let text = format!("{issuer} issued operation {} at {}: {request}", id.0 + 1, node(to));
                (text, None, vec![*by, *to])
            }
            Fact::ReadServed { node: at, key: id, version, value, operation, .. } => {
                let result = match value {
                    Some(value) if version.is_none() => value.to_string(),
                    Some(value) => format!("{value} ({})", labels::version(*version)),
                    None => "nothing".into(),
                };
                let text = format!("{} read {}: {result} (operation {})", node(at), key(*id), operation.0 + 1);
                of(at, text)
            }
            Fact::OperationRefused { operation, node: at, cause } => {
                let cause = labels::refusal(*cause);
                of(at, format!("{} refused operation {}: {cause}", node(at), operation.0 + 1))
            }
            Fact::OperationEnded { operation, outcome } => {
                let ended = match outcome {
                    Outcome::Ok => "succeeded",
                    Outcome::Fail => "failed",
                    Outcome::Unknown => "got no reply; its outcome is unknown",
                };
                let number = operation.0 + 1;
                match analysis.operations.recall(*operation) {
                    Some(info) => {
                        let kind = labels::operation_kind(info.kind);
                        let text = format!("{}’s {kind} {ended} (operation {number})", node(&info.by));
                        (text, None, vec![info.by])
                    }
                    None => (format!("operation {number} {ended}"), None, vec![]),
                }
            }
            Fact::UpdateCommitted { update, node: at, .. } => {
                about(at, update, format!("{} committed {}", node(at), self.update(update)))
            }
            Fact::UpdateAcknowledged { update, .. } => {
                (format!("{} was acknowledged", self.update(update)), Some(*update), vec![])
            }
            Fact::UpdateApplied { update, node: at, sum: Some(sum), .. } => {
                let text = format!("{} added the change of {}; the sum is {sum}", node(at), self.update(update));
                about(at, update, text)
            }
            Fact::UpdateApplied { update, node: at, key: id, version, changed, .. } => {
                let held = analysis.staleness.copy(*at, *id).and_then(|copy| Some(copy.held()?.version));
                let text = match changed {
                    true => format!("{} applied {}", node(at), self.update(update)),
                    false if held == Some(*version) => {
                        format!("{} ignored {}: it already has this version", node(at), self.update(update))
                    }
                    false => format!("{} ignored {}: it has a newer version", node(at), self.update(update)),
                };
                about(at, update, text)
            }
            Fact::MessageSent { message, due, .. } => {
                self.message(message, format!(" sent, due in {}", duration(due - record.at)))
            }
            Fact::MessageDuplicated { copy, due, .. } => {
                self.message(copy, format!(" duplicated, due in {}", duration(due - record.at)))
            }
            Fact::MessageDelivered { message } => self.message(message, " received".into()),
            Fact::MessageDropped { message, cause } => {
                self.message(message, format!(" dropped: {}", labels::drop_cause(*cause)))
            }
            Fact::EventPublished { bus, update, subscriptions, partition, .. } => {
                let event = self.update(update);
                let text = format!(
                    "{} accepted {event} in partition {partition} for {}",
                    node(bus),
                    labels::count((*subscriptions).into(), "subscription", "subscriptions")
                );
                about(bus, update, text)
            }
            Fact::EventQueued { subscription, update, not_before, deliveries, .. } => {
                self.event(subscription, update, |bus, consumer, event| match deliveries {
                    0 => format!("{bus} queued {event} for {consumer}"),
                    _ => {
                        let (attempt, delay) = (deliveries + 1, duration(not_before - record.at));
                        format!("{bus} requeued {event} for {consumer}, delivery attempt {attempt} in {delay}")
                    }
                })
            }
            Fact::EventSent { subscription, update, attempt, .. } => {
                self.event(subscription, update, |bus, consumer, event| {
                    format!("{bus} sent {event} to {consumer}, delivery attempt {attempt}")
                })
            }
            Fact::EventAcknowledged { subscription, update, .. } => {
                self.event(subscription, update, |bus, consumer, event| {
                    format!("{consumer} acknowledged {event} to {bus}")
                })
            }
            Fact::EventDeadLettered { subscription, update, deliveries, .. } => {
                self.event(subscription, update, |bus, consumer, event| {
                    format!(
                        "{bus} dead-lettered {event} for {consumer} after {}",
                        labels::count((*deliveries).into(), "delivery", "deliveries")
                    )
                })
            }
            Fact::EventDiscarded { subscription, update, reason, .. } => {
                self.event(subscription, update, |bus, consumer, event| {
                    format!("{bus} discarded {event} for {consumer}: {}", discard_reason(*reason))
                })
            }
            Fact::HandlingFailed { subscription, update, attempt, cause } => {
                let consumer = names.subscription(*subscription).service;
                let (event, cause) = (self.update(update), handling_failure(*cause));
                let text = format!("{} did not handle {event} (delivery attempt {attempt}): {cause}", node(&consumer));
                about(&consumer, update, text)
            }
            Fact::PublishAbandoned { node: at, bus, update } => {
                let text = format!(
                    "{} stopped publishing {}: no acknowledgement from {}",
                    node(at),
                    self.update(update),
                    node(bus)
                );
                (text, Some(*update), vec![*at, *bus])
            }
            Fact::LinkCut { from, to } => link(from, to, "was cut"),
            Fact::LinkHealed { from, to } => link(from, to, "was healed"),
            Fact::LinkDisturbed { from, to, loss, duplicate, reorder, delayed } => {
                let chances = [("loss", loss), ("duplication", duplicate), ("reordering", reorder)];
                let chances = chances.into_iter().filter(|(_, ppm)| **ppm > 0);
                let mut how: Vec<String> =
                    chances.map(|(what, ppm)| format!("{what} {} %", trimmed(f64::from(*ppm) / 1e4))).collect();
                if *delayed {
                    how.push("delay".into());
                }
                link(from, to, &format!("was disturbed: {}", how.join(", ")))
            }
            Fact::ServiceCrashed { node: at, lost_disk } => {
                let disk = if *lost_disk { " and lost its disk" } else { "" };
                of(at, format!("{} crashed{disk}", node(at)))
            }
            Fact::ServiceRestarted { node: at } => of(at, format!("{} restarted", node(at))),
            Fact::NodePaused { node: at } => of(at, format!("{} was frozen", node(at))),
            Fact::NodeResumed { node: at } => of(at, format!("{} was unfrozen", node(at))),
            Fact::ServiceSlowed { node: at, permille } => {
                let times = trimmed(f64::from(*permille) / 1000.0);
                of(at, format!("{} now takes {times} × the configured time", node(at)))
            }
            Fact::ClockSet { node: at, offset, drift } => {
                let ahead = if *offset < 0 { "behind" } else { "ahead" };
                let (offset, drift) = (duration(offset.unsigned_abs()), trimmed(*drift as f64 / 1000.0));
                of(at, format!("clock of {} was set {offset} {ahead}, drift {drift} ppm", node(at)))
            }
            Fact::BusStopped { bus, lost_unflushed } => {
                let lost = if *lost_unflushed { " and lost its unflushed events" } else { "" };
                of(bus, format!("{} stopped{lost}", node(bus)))
            }
            Fact::BusStarted { bus } => of(bus, format!("{} started", node(bus))),
            Fact::EventDeduplicated { bus, update } => {
                let text = format!("{} ignored {}: it has this event already", node(bus), self.update(update));
                about(bus, update, text)
            }
            Fact::EventRedriven { subscription, update, .. } => {
                self.event(subscription, update, |bus, consumer, event| {
                    format!("{bus} redrove the dead letter {event} for {consumer}")
                })
            }
            Fact::InboxHit { node: at, update, attempt, .. } => {
                let event = self.update(update);
                about(at, update, format!("{} had already applied {event} (delivery attempt {attempt})", node(at)))
            }
            Fact::UpdateProposed { update, node: at, .. } => {
                let text = format!("{} published {} before the commit", node(at), self.update(update));
                about(at, update, text)
            }
            Fact::OutboxRowWritten { node: at, update, .. } => {
                let text = format!("{} wrote {} to its outbox with the commit", node(at), self.update(update));
                about(at, update, text)
            }
            Fact::OutboxRowPublished { node: at, bus, update } => {
                let text = format!("{} published the outbox row {} to {}", node(at), self.update(update), node(bus));
                (text, Some(*update), vec![*at, *bus])
            }
            Fact::QueueShared { subscription, queue } => {
                let service = |id: &SubscriptionId| names.subscription(*id).service;
                let (worker, first) = (service(subscription), service(queue));
                (format!("{} shares a queue with {}", node(&worker), node(&first)), None, vec![worker, first])
            }
            Fact::WorkerDeclared { worker, from, .. } => {
                let text = format!("{} is one of the workers that {} should reach", node(worker), node(from));
                (text, None, vec![*worker, *from])
            }
            Fact::StoreShared { node: at, holder } => {
                (format!("{} uses the store of {}", node(at), node(holder)), None, vec![*at, *holder])
            }
            Fact::ConsumerAttached { subscription } => {
                let ends = names.subscription(*subscription);
                let text = format!("{} is attached to {} again", node(&ends.service), node(&ends.bus));
                (text, None, vec![ends.service, ends.bus])
            }
            Fact::ConsumerDetached { subscription, reason } => {
                let ends = names.subscription(*subscription);
                let why = match reason {
                    DetachReason::Closed => "its connection was closed",
                    DetachReason::Silent => "the bus received no heartbeat",
                    DetachReason::AcknowledgementOverdue => "an acknowledgement was overdue",
                };
                let text = format!("{} is no longer attached to {}: {why}", node(&ends.service), node(&ends.bus));
                (text, None, vec![ends.service, ends.bus])
            }
            Fact::AcknowledgementExpired { subscription, update, .. } => {
                self.event(subscription, update, |bus, consumer, event| {
                    format!("{bus} ignored the acknowledgement of {event} by {consumer}: its delivery had ended")
                })
            }
            Fact::PositionLost { node: at, bus, update } => {
                let event = self.update(update);
                let text = format!("{} lost its position: it will publish {event} to {} again", node(at), node(bus));
                (text, Some(*update), vec![*at, *bus])
            }
            Fact::PublicationSkipped { bus, update } => {
                let text = format!("{} skipped {}: its predecessor is missing", node(bus), self.update(update));
                about(bus, update, text)
            }
            Fact::PublicationLost { node: at, bus, update } => {
                let event = self.update(update);
                let text = format!("{} crashed before it published {event} to {}", node(at), node(bus));
                (text, Some(*update), vec![*at, *bus])
            }
            Fact::KeyPlaced { group, key: id, replicas } => {
                let holders: Vec<&str> = replicas.iter().map(node).collect();
                let text = format!("{} placed {} on {}", node(group), key(*id), holders.join(", "));
                (text, None, replicas.clone())
            }
            Fact::WriteCoordinated { update, node: at, .. } => {
                about(at, update, format!("{} coordinated {}", node(at), self.update(update)))
            }
            Fact::ReplicaStored { update, node: at, key: id, value, changed, .. } => {
                let what = match (update, value) {
                    (Some(update), _) => self.update(update),
                    (None, Some(value)) => format!("{} = {value}", key(*id)),
                    (None, None) => format!("the absence of {}", key(*id)),
                };
                let text = match changed {
                    true => format!("{} applied {what}", node(at)),
                    false => format!("{} ignored {what}: its version is as new", node(at)),
                };
                (text, *update, vec![*at])
            }
            Fact::StateMerged { update, node: at, key: id, values, .. } => {
                let values: Vec<String> = values.iter().map(ToString::to_string).collect();
                let values = match values.as_slice() {
                    [] => "absent".to_string(),
                    [one] => one.clone(),
                    siblings => format!("{} siblings: {}", siblings.len(), siblings.join(" | ")),
                };
                let text = format!("{} merged {}; it is now {values}", node(at), key(*id));
                (text, *update, vec![*at])
            }
            Fact::TombstonePurged { node: at, key: id } => {
                of(at, format!("{} purged the tombstone of {}", node(at), key(*id)))
            }
            Fact::HintStored { node: at, replica, key: id, update } => {
                let what = update.as_ref().map_or_else(|| key(*id).to_string(), |update| self.update(update));
                let text = format!("{} stored a hint for {}: {what}", node(at), node(replica));
                (text, *update, vec![*at, *replica])
            }
            Fact::HintRemoved { node: at, replica, key: id, delivered } => {
                let why = if *delivered { "delivered" } else { "expired" };
                let text = format!("{} removed its hint of {} for {}: {why}", node(at), key(*id), node(replica));
                (text, None, vec![*at, *replica])
            }
            Fact::TreesCompared { node: at, peer, level, compared, differing } => {
                let (at, peer) = (*at, *peer);
                let text = format!(
                    "{} compared {compared} hashes of level {level} with {}: {differing} differ",
                    node(&at),
                    node(&peer)
                );
                (text, None, vec![at, peer])
            }
            Fact::LeaderElected { node: at, term } => of(at, format!("{} became the leader, term {term}", node(at))),
            Fact::LeaderSteppedDown { node: at, term } => {
                of(at, format!("{} stepped down as leader, term {term}", node(at)))
            }
            Fact::LogChanged { node: at, last, committed, term } => {
                let text = format!("log of {} has {last} entries, {committed} committed, term {term}", node(at));
                of(at, text)
            }
            Fact::WriteRolledBack { update, node: at, .. } => {
                let text = format!("{} rolled back {}: its leader does not have it", node(at), self.update(update));
                about(at, update, text)
            }
            Fact::WritePromised { update, node: at, key: id } => {
                let text = format!("{} prepared {} and locked {}", node(at), self.update(update), key(*id));
                about(at, update, text)
            }
            Fact::PromiseReleased { update, node: at, .. } => {
                let text = format!("{} released the prepared write {}", node(at), self.update(update));
                about(at, update, text)
            }
            Fact::ReaderLeft { subscription, reason } => {
                let ends = names.subscription(*subscription);
                let (bus, reader) = (node(&ends.bus), node(&ends.service));
                let text = match reason {
                    LeaveReason::Silent => {
                        format!(
                            "{bus} removed {reader} from its consumer group: no heartbeat within the session timeout"
                        )
                    }
                    LeaveReason::PolledTooRarely => {
                        format!("{reader} left its consumer group at {bus}: it polled too rarely")
                    }
                };
                (text, None, vec![ends.bus, ends.service])
            }
            Fact::ReaderJoined { subscription } => {
                let ends = names.subscription(*subscription);
                let text = format!("{} rejoined its consumer group at {}", node(&ends.service), node(&ends.bus));
                (text, None, vec![ends.bus, ends.service])
            }
            Fact::BrokerChanged { bus, broker, change } => {
                let what = match change {
                    BrokerChange::Stopped => "stopped",
                    BrokerChange::LostDisk => "stopped and lost its disk",
                    BrokerChange::Started => "started",
                    BrokerChange::Leads => "became the leader",
                };
                of(bus, format!("broker {broker} of {} {what}", node(bus)))
            }
            Fact::InSyncChanged { bus, brokers, replicas } => {
                let numbers = (0..*replicas).filter(|at| brokers >> at & 1 == 1);
                let numbers: Vec<String> = numbers.map(|at| (at + 1).to_string()).collect();
                let (count, list) = (numbers.len(), numbers.join(", "));
                of(bus, format!("{}: {count} of {replicas} brokers in sync ({list})", node(bus)))
            }
            Fact::PublishRefused { bus, update, in_sync, needed } => {
                let event = self.update(update);
                let text = format!("{} refused {event}: {in_sync} brokers in sync, {needed} required", node(bus));
                about(bus, update, text)
            }
            Fact::EventWriteStarted { node: at, update, attempt, .. } => {
                let event = self.update(update);
                let text = format!("{} sent {event} to its group to write (attempt {attempt})", node(at));
                about(at, update, text)
            }
            Fact::EventWriteEnded { node: at, update, outcome, written, .. } => {
                let what = match (outcome, written) {
                    (Outcome::Ok, Some(_)) => "wrote",
                    (Outcome::Ok, None) => "did not need to write",
                    (Outcome::Fail, _) => "refused to write",
                    (Outcome::Unknown, _) => "did not report whether it wrote",
                };
                let text = format!("group of {} {what} {}", node(at), self.update(update));
                about(at, update, text)
            }
        }
    }
}

fn discard_reason(reason: DropReason) -> &'static str {
    match reason {
        DropReason::DeliveriesUsedUp => "the last delivery failed",
        DropReason::Expired => "its retention time is over",
        DropReason::NotFlushed => "it was not flushed when the bus stopped",
        DropReason::Purged => "it was purged",
        DropReason::NotReplicated => "the new leader never had it",
        DropReason::NotConnected => "no consumer was connected",
    }
}

fn handling_failure(cause: HandlingFailure) -> &'static str {
    match cause {
        HandlingFailure::Failed => "its handler failed",
        HandlingFailure::QueueFull => "its queue is full",
        HandlingFailure::Poison => "it is a poison message",
        HandlingFailure::WrongType => "it increments a value that is not a number",
        HandlingFailure::NotWritten => "its group did not write it, or its key is locked",
    }
}
