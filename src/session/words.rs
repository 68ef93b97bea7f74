//! What happened, in words: labels of messages and sentences of the log.

use crate::analysis::{Analysis, MessageInFlight};
use crate::scenario::Micros;
use crate::trace::{
    BrokerChange, DropCause, DropReason, Fact, HandlingFailure, LeaveReason, MessageId, MessageKind, Names, NodeId,
    OperationId, OperationKind, Outcome, Record, Refusal, SubscriptionId, UpdateId, Version,
};

/// How an update was lost: to another that took its place, or thrown away by its group.
pub fn lost_update(update: UpdateId, by: UpdateId, analysis: &Analysis, names: &Names) -> String {
    let said = self::update(update, analysis, names);
    match update == by {
        true => format!("{said} is thrown away"),
        false => format!("{} took the place of {said}", self::update(by, analysis, names)),
    }
}

/// What an update says: `widget = 42 (v3)`.
pub fn update(id: UpdateId, analysis: &Analysis, names: &Names) -> String {
    match analysis.updates.get(id) {
        Some(info) => match &info.value {
            Some(value) => format!("{} = {value} ({})", names.key(info.key), version(info.version)),
            None => format!("{} deleted ({})", names.key(info.key), version(info.version)),
        },
        None => format!("update {}", id.0 + 1),
    }
}

/// A version: `v3`, or `@12.5 ms` where a clock orders.
pub fn version(version: Version) -> String {
    match version.reading() {
        None => format!("v{}", version.counter),
        Some(reading) => format!("@{}{}", if reading < 0 { "−" } else { "" }, duration(reading.unsigned_abs())),
    }
}

/// What an operation asks: `write widget 42`.
pub fn asked(id: OperationId, analysis: &Analysis, names: &Names) -> String {
    match analysis.operations.recall(id) {
        Some(asked) => {
            let value = asked.value.as_ref().map(|value| format!(" {value}")).unwrap_or_default();
            format!("{} {}{value}", operation(asked.kind), names.key(asked.key))
        }
        None => format!("operation {}", id.0 + 1),
    }
}

/// What a message carries: `widget = 42 (v3)`, `read widget`.
pub fn payload(message: &MessageInFlight, analysis: &Analysis, names: &Names) -> String {
    match (message.update, message.operation) {
        (Some(id), _) => update(id, analysis, names),
        (None, Some(id)) => asked(id, analysis, names),
        (None, None) => kind(message.kind).into(),
    }
}

/// Why a message did not arrive.
pub fn drop_cause(cause: DropCause) -> &'static str {
    match cause {
        DropCause::Loss => "lost by the link",
        DropCause::Disturbance => "link disturbed",
        DropCause::LinkCut => "link cut",
        DropCause::ReceiverDown => "receiver down",
    }
}

/// Why a service refused an operation.
pub fn refusal(cause: Refusal) -> &'static str {
    match cause {
        Refusal::QueueFull => "its queue is full",
        Refusal::NotAsExpected => "the key does not hold what was expected",
        Refusal::WrongType => "the key holds another type",
        Refusal::CalleeSilent => "a service that it calls did not answer in time",
        Refusal::CalleeRefused => "a service that it calls refused",
        Refusal::ServiceDown => "it is down",
        Refusal::NotOffered => "it does not take such operations",
        Refusal::NoLeader => "it does not lead its group",
        Refusal::TooFewReplicas => "too few replicas answered in time",
        Refusal::NotPromised => "a participant did not promise in time",
    }
}

/// What an operation asks.
pub fn operation(kind: OperationKind) -> &'static str {
    match kind {
        OperationKind::Read => "read",
        OperationKind::Write => "write",
        OperationKind::Add => "add",
        OperationKind::Remove => "remove",
        OperationKind::Increment => "increment",
        OperationKind::CompareAndSet => "compare-and-set",
        OperationKind::Delete => "delete",
        OperationKind::Put => "put",
        OperationKind::Insert => "insert",
        OperationKind::RemoveAt => "remove at",
    }
}

/// How an operation ended.
pub fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ok => "ok",
        Outcome::Fail => "fail",
        Outcome::Unknown => "unknown",
    }
}

/// What a message is called.
pub fn kind(kind: MessageKind) -> &'static str {
    match kind {
        MessageKind::Call => "call",
        MessageKind::Reply => "reply",
        MessageKind::Publish => "event",
        MessageKind::Delivery => "event",
        MessageKind::Acknowledgement => "acknowledgement",
        MessageKind::Refusal => "refusal",
        MessageKind::Replication => "write",
        MessageKind::Repair => "repair",
        MessageKind::Election => "heartbeat or vote",
        MessageKind::Comparison => "comparison",
        MessageKind::Heartbeat => "heartbeat",
    }
}

/// A duration: `840 µs`, `12.5 ms`, `3.2 s`.
pub fn duration(us: Micros) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..1_000_000 => format!("{} ms", trimmed(us as f64 / 1e3)),
        1_000_000.. => format!("{} s", trimmed(us as f64 / 1e6)),
    }
}

fn trimmed(x: f64) -> String {
    let text = if x < 10.0 { format!("{x:.2}") } else { format!("{x:.1}") };
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

/// A row of the log: the fact's name, its sentence, the update, and the nodes that it is about.
pub struct Sentence {
    /// As in `message_dropped`.
    pub name: &'static str,
    /// What happened.
    pub text: String,
    /// The update that it is about.
    pub update: Option<UpdateId>,
    /// The nodes that it is about.
    pub nodes: Vec<NodeId>,
}

/// `Inventory → bus: event widget = 42 (v3)`, with its number, its update and its ends.
fn message(id: MessageId, analysis: &Analysis, names: &Names) -> (String, Option<UpdateId>, Vec<NodeId>) {
    let Some(info) = analysis.messages.recall(id) else {
        return (format!("message {}", id.0 + 1), None, Vec::new());
    };
    let copy = if info.duplicate { " (duplicate)" } else { "" };
    let again = if info.attempt > 1 { format!(", attempt {}", info.attempt) } else { String::new() };
    let text = format!(
        "{} → {}: {} {}{again}{copy}",
        names.label(info.from),
        names.label(info.to),
        kind(info.kind),
        payload(info, analysis, names),
    );
    (text, info.update, vec![info.from, info.to])
}

/// What a record says.
pub fn sentence(record: &Record, analysis: &Analysis, names: &Names) -> Sentence {
    let node = |id: &NodeId| names.label(*id).to_string();
    let says = |id: &UpdateId| update(*id, analysis, names);
    let ends = |id: &SubscriptionId| names.subscription(*id);
    let (text, update, nodes): (String, Option<UpdateId>, Vec<NodeId>) = match &record.fact {
        Fact::FlowDeclared { from, to } => {
            (format!("{} should reach {}", node(from), node(to)), None, vec![*from, *to])
        }
        Fact::Seeded { node: at, key, value, .. } => {
            (format!("{} starts with {} = {value}", node(at), names.key(*key)), None, vec![*at])
        }
        Fact::OperationIssued { by, to, operation: id, .. } => {
            let who = if by == to { "you ask".to_string() } else { format!("{} asks", node(by)) };
            let text = format!("{who} {}: {} (operation {})", node(to), asked(*id, analysis, names), id.0 + 1);
            (text, None, vec![*by, *to])
        }
        Fact::ReadServed { node: at, key, version: at_version, value, operation, .. } => {
            let what = match value {
                Some(value) if at_version.is_none() => value.to_string(),
                Some(value) => format!("{value} ({})", version(*at_version)),
                None => "nothing".into(),
            };
            let text = format!("{} reads {}: {what} (operation {})", node(at), names.key(*key), operation.0 + 1);
            (text, None, vec![*at])
        }
        Fact::OperationRefused { operation, node: at, cause } => {
            let text = format!("{} refuses operation {}: {}", node(at), operation.0 + 1, refusal(*cause));
            (text, None, vec![*at])
        }
        Fact::OperationEnded { operation, outcome: how } => {
            (format!("operation {} ends: {}", operation.0 + 1, outcome(*how)), None, vec![])
        }
        Fact::UpdateCommitted { update, node: at, .. } => {
            (format!("{} commits {}", node(at), says(update)), Some(*update), vec![*at])
        }
        Fact::UpdateAcknowledged { update, .. } => (format!("{} is acknowledged", says(update)), Some(*update), vec![]),
        Fact::UpdateApplied { update, node: at, sum: Some(sum), .. } => {
            let text = format!("{} adds what {} changed, and holds {sum}", node(at), says(update));
            (text, Some(*update), vec![*at])
        }
        Fact::UpdateApplied { update, node: at, changed, .. } => {
            let how = if *changed { "takes in" } else { "already has something newer than" };
            (format!("{} {how} {}", node(at), says(update)), Some(*update), vec![*at])
        }
        Fact::MessageSent { message: id, due, .. } => {
            let (text, update, nodes) = message(*id, analysis, names);
            (format!("{text}, arrives in {}", duration(due - record.at)), update, nodes)
        }
        Fact::MessageDuplicated { copy, due, .. } => {
            let (text, update, nodes) = message(*copy, analysis, names);
            let text = format!("{text}: a second copy, arrives in {}", duration(due - record.at));
            (text, update, nodes)
        }
        Fact::MessageDelivered { message: id } => {
            let (text, update, nodes) = message(*id, analysis, names);
            (format!("{text} arrived"), update, nodes)
        }
        Fact::MessageDropped { message: id, cause } => {
            let (text, update, nodes) = message(*id, analysis, names);
            (format!("{text} is lost: {}", drop_cause(*cause)), update, nodes)
        }
        Fact::EventPublished { bus, update, subscriptions, partition, .. } => {
            let text = format!(
                "{} takes in {} (partition {partition}) for {subscriptions} subscriptions",
                node(bus),
                says(update)
            );
            (text, Some(*update), vec![*bus])
        }
        Fact::EventQueued { subscription, update, not_before, deliveries, .. } => {
            let ends = ends(subscription);
            let text = match deliveries {
                0 => format!("{} waits for {}", says(update), node(&ends.service)),
                _ => format!(
                    "{} waits again for {}, delivery {} in {}",
                    says(update),
                    node(&ends.service),
                    deliveries + 1,
                    duration(not_before - record.at)
                ),
            };
            (text, Some(*update), vec![ends.bus, ends.service])
        }
        Fact::EventSent { subscription, update, attempt, .. } => {
            let ends = ends(subscription);
            let text =
                format!("{} delivers {} to {}, attempt {attempt}", node(&ends.bus), says(update), node(&ends.service));
            (text, Some(*update), vec![ends.bus, ends.service])
        }
        Fact::EventAcknowledged { subscription, update, .. } => {
            let ends = ends(subscription);
            let text = format!("{} is done with {} for {}", node(&ends.bus), says(update), node(&ends.service));
            (text, Some(*update), vec![ends.bus, ends.service])
        }
        Fact::EventDeadLettered { subscription, update, deliveries, .. } => {
            let ends = ends(subscription);
            let text = format!(
                "{} for {} goes to the dead-letter queue after {deliveries} deliveries",
                says(update),
                node(&ends.service)
            );
            (text, Some(*update), vec![ends.bus, ends.service])
        }
        Fact::EventDiscarded { subscription, update, reason, .. } => {
            let ends = ends(subscription);
            let why = match reason {
                DropReason::DeliveriesUsedUp => "its deliveries are used up",
                DropReason::Expired => "it was kept as long as its topic keeps events",
                DropReason::NotFlushed => "it was not flushed when the bus stopped",
                DropReason::Purged => "it was purged",
                DropReason::NotReplicated => "the broker that leads now never had it",
            };
            let text = format!("{} gives up {} for {}: {why}", node(&ends.bus), says(update), node(&ends.service));
            (text, Some(*update), vec![ends.bus, ends.service])
        }
        Fact::HandlingFailed { subscription, update, attempt, cause } => {
            let ends = ends(subscription);
            let why = match cause {
                HandlingFailure::Failed => "its handler failed",
                HandlingFailure::QueueFull => "its queue is full",
                HandlingFailure::Poison => "it is a poison message",
                HandlingFailure::WrongType => "it says a difference of what is no number",
                HandlingFailure::NotWritten => "its group did not write it, or its key is locked",
            };
            let text = format!("{} does not handle {} (attempt {attempt}): {why}", node(&ends.service), says(update));
            (text, Some(*update), vec![ends.service])
        }
        Fact::PublishAbandoned { node: at, bus, update } => {
            let text = format!("{} gives up publishing {}: {} did not acknowledge", node(at), says(update), node(bus));
            (text, Some(*update), vec![*at, *bus])
        }
        Fact::LinkCut { from, to } => {
            (format!("the link {} → {} is cut", node(from), node(to)), None, vec![*from, *to])
        }
        Fact::LinkHealed { from, to } => {
            (format!("the link {} → {} is healed", node(from), node(to)), None, vec![*from, *to])
        }
        Fact::ServiceCrashed { node: at, lost_disk } => {
            let disk = if *lost_disk { " and loses its disk" } else { "" };
            (format!("{} crashes{disk}", node(at)), None, vec![*at])
        }
        Fact::ServiceRestarted { node: at } => (format!("{} restarts", node(at)), None, vec![*at]),
        Fact::LinkDisturbed { from, to, loss, duplicate, reorder, delayed } => {
            let chances = [("loss", loss), ("duplication", duplicate), ("reordering", reorder)];
            let mut how: Vec<String> = Vec::new();
            for (what, ppm) in chances.into_iter().filter(|(_, ppm)| **ppm > 0) {
                how.push(format!("{what} {} %", trimmed(f64::from(*ppm) / 1e4)));
            }
            if *delayed {
                how.push("delay".into());
            }
            let text = format!("the link {} → {} is disturbed: {}", node(from), node(to), how.join(", "));
            (text, None, vec![*from, *to])
        }
        Fact::NodePaused { node: at } => (format!("{} is paused", node(at)), None, vec![*at]),
        Fact::NodeResumed { node: at } => (format!("{} goes on", node(at)), None, vec![*at]),
        Fact::ServiceSlowed { node: at, permille } => {
            let times = trimmed(f64::from(*permille) / 1000.0);
            (format!("{} takes {times} times as long as configured", node(at)), None, vec![*at])
        }
        Fact::ClockSet { node: at, offset, drift } => {
            let ahead = if *offset < 0 { "behind" } else { "ahead" };
            let text = format!(
                "the clock of {} is {} {ahead}, drift {} ppm",
                node(at),
                duration(offset.unsigned_abs()),
                trimmed(*drift as f64 / 1000.0)
            );
            (text, None, vec![*at])
        }
        Fact::BusStopped { bus, lost_unflushed } => {
            let lost = if *lost_unflushed { " and loses what it has not flushed" } else { "" };
            (format!("{} is out{lost}", node(bus)), None, vec![*bus])
        }
        Fact::BusStarted { bus } => (format!("{} is back", node(bus)), None, vec![*bus]),
        Fact::EventDeduplicated { bus, update } => {
            let text = format!("{} has {} already, and does not queue it again", node(bus), says(update));
            (text, Some(*update), vec![*bus])
        }
        Fact::EventRedriven { subscription, update, .. } => {
            let ends = ends(subscription);
            let text = format!("{} for {} leaves the dead-letter queue", says(update), node(&ends.service));
            (text, Some(*update), vec![ends.bus, ends.service])
        }
        Fact::InboxHit { node: at, update, attempt, .. } => {
            let text = format!("{} has applied {} already (attempt {attempt})", node(at), says(update));
            (text, Some(*update), vec![*at])
        }
        Fact::UpdateProposed { update, node: at, .. } => {
            let text = format!("{} publishes {} before it commits", node(at), says(update));
            (text, Some(*update), vec![*at])
        }
        Fact::OutboxRowWritten { node: at, update, .. } => {
            let text = format!("{} writes {} into its outbox with the commit", node(at), says(update));
            (text, Some(*update), vec![*at])
        }
        Fact::OutboxRowPublished { node: at, bus, update } => {
            let text = format!("{} has the outbox row of {} from {}", node(bus), says(update), node(at));
            (text, Some(*update), vec![*at, *bus])
        }
        Fact::PublicationLost { node: at, bus, update } => {
            let text = format!("{} will never tell {} of {}: a crash came first", node(at), node(bus), says(update));
            (text, Some(*update), vec![*at, *bus])
        }
        Fact::KeyPlaced { group, key, replicas } => {
            let holders: Vec<String> = replicas.iter().map(node).collect();
            let text = format!("{} keeps {} at {}", node(group), names.key(*key), holders.join(", "));
            (text, None, replicas.clone())
        }
        Fact::WriteCoordinated { update, node: at, .. } => {
            (format!("{} coordinates {}", node(at), says(update)), Some(*update), vec![*at])
        }
        Fact::ReplicaStored { update, node: at, key, value, changed, .. } => {
            let what = match (update, value) {
                (Some(update), _) => says(update),
                (None, Some(value)) => format!("{} = {value}", names.key(*key)),
                (None, None) => format!("nothing for {}", names.key(*key)),
            };
            let how = if *changed { "takes in" } else { "already has what is as new as" };
            (format!("{} {how} {what}", node(at)), *update, vec![*at])
        }
        Fact::StateMerged { update, node: at, key, values, .. } => {
            let shown: Vec<String> = values.iter().map(ToString::to_string).collect();
            let shown = match shown.as_slice() {
                [] => "nothing".to_string(),
                [one] => one.clone(),
                siblings => format!("{} siblings: {}", siblings.len(), siblings.join(" | ")),
            };
            (format!("{} merges, {} is now {shown}", node(at), names.key(*key)), *update, vec![*at])
        }
        Fact::TombstonePurged { node: at, key } => {
            (format!("{} forgets that {} was deleted", node(at), names.key(*key)), None, vec![*at])
        }
        Fact::HintStored { node: at, replica, key, update } => {
            let what = update.as_ref().map_or_else(|| names.key(*key).to_string(), says);
            (format!("{} keeps {what} as a hint for {}", node(at), node(replica)), *update, vec![*at, *replica])
        }
        Fact::HintRemoved { node: at, replica, key, delivered } => {
            let why = if *delivered { "it has it" } else { "its time is up" };
            let text = format!("{} drops its hint of {} for {}: {why}", node(at), names.key(*key), node(replica));
            (text, None, vec![*at, *replica])
        }
        Fact::TreesCompared { node: at, peer, level, compared, differing } => {
            let text = format!(
                "{} compares {compared} hashes of level {level} with {}: {differing} differ",
                node(at),
                node(peer)
            );
            (text, None, vec![*at, *peer])
        }
        Fact::LeaderElected { node: at, term } => {
            (format!("{} leads from now on, term {term}", node(at)), None, vec![*at])
        }
        Fact::LeaderSteppedDown { node: at, term } => {
            (format!("{} leads no more: term {term}", node(at)), None, vec![*at])
        }
        Fact::LogChanged { node: at, last, committed, term } => {
            let text = format!("the log of {} has {last} entries, {committed} committed, term {term}", node(at));
            (text, None, vec![*at])
        }
        Fact::WriteRolledBack { update, node: at, .. } => {
            let text = format!("{} throws {} away: its leader does not have it", node(at), says(update));
            (text, Some(*update), vec![*at])
        }
        Fact::WritePromised { update, node: at, key } => {
            let text = format!("{} promises {} and locks {}", node(at), says(update), names.key(*key));
            (text, Some(*update), vec![*at])
        }
        Fact::PromiseReleased { update, node: at, .. } => {
            (format!("{} drops its promise of {}", node(at), says(update)), Some(*update), vec![*at])
        }
        Fact::ReaderLeft { subscription, reason } => {
            let ends = ends(subscription);
            let (bus, reader) = (node(&ends.bus), node(&ends.service));
            let text = match reason {
                LeaveReason::Silent => {
                    format!("{bus} has had no heartbeat of {reader} for its session, and takes its partitions away")
                }
                LeaveReason::PolledTooRarely => {
                    format!(
                        "{reader} took too long with what it polled: it leaves its group, and {bus} takes its partitions away"
                    )
                }
            };
            (text, None, vec![ends.bus, ends.service])
        }
        Fact::ReaderJoined { subscription } => {
            let ends = ends(subscription);
            let text = format!("{} joins its group at {} again", node(&ends.service), node(&ends.bus));
            (text, None, vec![ends.bus, ends.service])
        }
        Fact::BrokerChanged { bus, broker, change } => {
            let what = match change {
                BrokerChange::Stopped => "stops",
                BrokerChange::LostDisk => "stops and loses its disk",
                BrokerChange::Started => "is back",
                BrokerChange::Leads => "leads from now on",
            };
            (format!("broker {broker} of {} {what}", node(bus)), None, vec![*bus])
        }
        Fact::InSyncChanged { bus, brokers, replicas } => {
            let who: Vec<String> =
                (0..*replicas).filter(|at| brokers >> at & 1 == 1).map(|at| (at + 1).to_string()).collect();
            let text = format!("in sync at {}: {} of {replicas} brokers ({})", node(bus), who.len(), who.join(", "));
            (text, None, vec![*bus])
        }
        Fact::PublishRefused { bus, update, in_sync, needed } => {
            let text = format!("{} refuses {}: {in_sync} in sync, {needed} needed", node(bus), says(update));
            (text, Some(*update), vec![*bus])
        }
        Fact::EventWriteStarted { node: at, update, attempt, .. } => {
            let text = format!("{} asks its group to write {} (attempt {attempt})", node(at), says(update));
            (text, Some(*update), vec![*at])
        }
        Fact::EventWriteEnded { node: at, update, outcome: how, written, .. } => {
            let what = match (how, written) {
                (Outcome::Ok, Some(_)) => "has written",
                (Outcome::Ok, None) => "need not write",
                (Outcome::Fail, _) => "refused to write",
                (Outcome::Unknown, _) => "did not say whether it wrote",
            };
            let text = format!("the group of {} {what} {}", node(at), says(update));
            (text, Some(*update), vec![*at])
        }
    };
    Sentence { name: record.fact.name(), text, update, nodes }
}
