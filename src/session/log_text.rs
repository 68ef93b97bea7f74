//! The sentences of the log.

mod events;
mod faults;
mod groups;
mod requests;

use super::{content, labels};
use crate::analysis::{Analysis, LossCause, LostUpdate};
use crate::language::{phrase, sentence};
use crate::trace::{KeyId, MessageId, Names, NodeId, OperationId, Record, SubscriptionId, UpdateId, facts_about};

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

/// Describes how an update was lost.
pub fn lost_update(update: &LostUpdate, analysis: &Analysis, names: &Names) -> String {
    let lost = self::update(update.update, analysis, names);
    let text = |by: UpdateId| self::update(by, analysis, names);
    match update.cause {
        LossCause::DiskLost => sentence!(
            "the last copy of {lost} was lost with a disk",
            "die letzte Kopie von {lost} ging mit einer Platte verloren"
        ),
        LossCause::RolledBack => sentence!("{lost} was rolled back", "{lost} wurde zurückgerollt"),
        LossCause::Overwritten(by) => sentence!("{} overwrote {lost}", "{} hat {lost} überschrieben", text(by)),
        LossCause::Resurrected(Some(by)) => sentence!(
            "{} came back: the tombstone of {lost} was purged before every member had it",
            "{} ist wieder da: der Tombstone von {lost} wurde entfernt, bevor jedes Mitglied ihn hatte",
            text(by)
        ),
        LossCause::Resurrected(None) => sentence!(
            "the initial value came back: the tombstone of {lost} was purged before every member had it",
            "der Anfangswert ist wieder da: der Tombstone von {lost} wurde entfernt, bevor jedes Mitglied ihn hatte"
        ),
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

/// A message, and whether it is a duplicate: `Inventory → Stock updated: event widget = 42 (v3) (duplicate)`.
fn message(id: MessageId, analysis: &Analysis, names: &Names) -> String {
    let is_duplicate = analysis.messages.recall(id).is_some_and(|info| info.duplicate);
    let duplicate = if is_duplicate { phrase(" (duplicate)", " (Duplikat)") } else { "" };
    format!("{}{duplicate}", message_or_copy(id, analysis, names))
}

/// A message, or the copy of one: `Inventory → Stock updated: event widget = 42 (v3)`.
fn message_or_copy(id: MessageId, analysis: &Analysis, names: &Names) -> String {
    let Some(info) = analysis.messages.recall(id) else { return sentence!("message {}", "Nachricht {}", id.0 + 1) };
    let (from, to) = (names.label(info.from), names.label(info.to));
    let label = labels::message(info.kind, &content::message(info, analysis, names));
    let attempt = if info.attempt > 1 {
        sentence!(", delivery attempt {}", ", Zustellversuch {}", info.attempt)
    } else {
        String::new()
    };
    format!("{from} → {to}: {label}{attempt}")
}

/// The update and the ends of a message.
fn message_subject(id: MessageId, analysis: &Analysis) -> (Option<UpdateId>, Vec<NodeId>) {
    analysis.messages.recall(id).map_or((None, Vec::new()), |info| (info.update, vec![info.from, info.to]))
}

/// Describes a record in one sentence.
pub fn sentence(record: &Record, analysis: &Analysis, names: &Names) -> Sentence {
    let text = Text { analysis, names };
    let (text, update, nodes) = text.row(record);
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

    fn node(&self, id: &NodeId) -> &str {
        self.names.label(*id)
    }

    fn key(&self, id: &KeyId) -> &str {
        self.names.key(*id)
    }

    /// A row about a direction of a link.
    fn link_row(&self, from: &NodeId, to: &NodeId, predicate: &str) -> Row {
        (
            sentence!("link {} → {} {predicate}", "Verbindung {} → {} {predicate}", self.node(from), self.node(to)),
            None,
            vec![*from, *to],
        )
    }

    /// A row about a message.
    fn message_row(&self, id: &MessageId, predicate: String) -> Row {
        let (update, nodes) = message_subject(*id, self.analysis);
        (format!("{}{predicate}", message(*id, self.analysis, self.names)), update, nodes)
    }

    /// A row about a message of which a link made a copy.
    fn copy_row(&self, copy: &MessageId, predicate: &str) -> Row {
        let (update, nodes) = message_subject(*copy, self.analysis);
        (format!("{}{predicate}", message_or_copy(*copy, self.analysis, self.names)), update, nodes)
    }

    /// A row about an event of a subscription. `text` receives the names of the bus and the consumer.
    fn event_row(
        &self,
        subscription: &SubscriptionId,
        update: &UpdateId,
        text: impl FnOnce(&str, &str, String) -> String,
    ) -> Row {
        let ends = self.names.subscription(*subscription);
        let (bus, consumer) = (self.names.label(ends.bus), self.names.label(ends.service));
        (text(bus, consumer, self.update(update)), Some(*update), vec![ends.bus, ends.service])
    }

    /// A row about an event in a queue. `text` receives the names of the bus, and of the consumer or the group whose workers
    /// share the queue.
    fn queue_row(
        &self,
        subscription: &SubscriptionId,
        update: &UpdateId,
        text: impl FnOnce(&str, &str, String) -> String,
    ) -> Row {
        let group = self.names.consumer_group(*subscription).map(labels::consumer_group);
        self.event_row(subscription, update, |bus, consumer, event| {
            text(bus, group.as_deref().unwrap_or(consumer), event)
        })
    }

    fn row(&self, record: &Record) -> Row {
        let (fact, now) = (&record.fact, record.at);
        match fact {
            facts_about!(declarations) => self.declaration(fact),
            facts_about!(operations) => self.operation(fact),
            facts_about!(updates) => self.store_update(fact),
            facts_about!(messages) => self.message(fact, now),
            facts_about!(publishers) => self.publisher(fact),
            facts_about!(publications) => self.publication(fact),
            facts_about!(queues) => self.queued_event(fact, now),
            facts_about!(handling) => self.handled_event(fact),
            facts_about!(attachments) => self.attachment(fact),
            facts_about!(links) => self.link(fact),
            facts_about!(outages, disturbances) => self.node_fault(fact),
            facts_about!(brokers) => self.brokers(fact),
            facts_about!(replication) => self.replication(fact),
            facts_about!(repair) => self.repair(fact),
            facts_about!(leaders, transactions) => self.leaders_and_transactions(fact),
        }
    }
}

fn one_node(node: &NodeId, text: String) -> Row {
    (text, None, vec![*node])
}

fn about_update(node: &NodeId, update: &UpdateId, text: String) -> Row {
    (text, Some(*update), vec![*node])
}
