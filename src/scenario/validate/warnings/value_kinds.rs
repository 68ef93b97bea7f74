//! Which kinds of values a key can have: a number, a text, a set, a list or a map.

use crate::language::phrase;
use crate::scenario::{Command, Data, Group, Keys, Operation, Scenario, Service, Value};
use std::collections::{BTreeMap, BTreeSet};

/// The kind of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ValueKind {
    Absent,
    Number,
    Text,
    Set,
    List,
    Map,
}

impl ValueKind {
    fn of(value: Option<&Value>) -> ValueKind {
        match value {
            None => ValueKind::Absent,
            Some(Value::Int(_)) => ValueKind::Number,
            Some(Value::Text(_)) => ValueKind::Text,
            Some(Value::Set(_)) => ValueKind::Set,
            Some(Value::List(_)) => ValueKind::List,
            Some(Value::Map(_)) => ValueKind::Map,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            ValueKind::Absent => phrase("absent", "nicht vorhanden"),
            ValueKind::Number => phrase("a number", "eine Zahl"),
            ValueKind::Text => phrase("a text", "ein Text"),
            ValueKind::Set => phrase("a set", "eine Menge"),
            ValueKind::List => phrase("a list", "eine Liste"),
            ValueKind::Map => phrase("a map", "eine Map"),
        }
    }

    /// Returns the name of what an operation needs.
    pub(super) fn needed(self) -> &'static str {
        match self {
            ValueKind::Absent => phrase("an absent key", "ein fehlender Schlüssel"),
            other => other.name(),
        }
    }
}

/// An operation that does not fit its key.
pub(super) struct Mismatch {
    pub(super) held: ValueKind,
    pub(super) expected: ValueKind,
}

/// Returns the kinds of values to which an operation applies, the main one first; none if it applies to all.
fn applies_to(operation: &Operation) -> Vec<ValueKind> {
    match operation {
        Operation::Read { .. } | Operation::Write { .. } | Operation::Delete { .. } => Vec::new(),
        Operation::Add { .. } => vec![ValueKind::Set, ValueKind::Absent],
        Operation::Remove { .. } => vec![ValueKind::Set, ValueKind::Map, ValueKind::Absent],
        Operation::Put { .. } => vec![ValueKind::Map, ValueKind::Absent],
        Operation::Insert { .. } => vec![ValueKind::List, ValueKind::Absent],
        Operation::RemoveAt { .. } => vec![ValueKind::List],
        Operation::Increment { .. } => vec![ValueKind::Number, ValueKind::Absent],
        Operation::CompareAndSet { expect, .. } => vec![ValueKind::of(expect.as_ref())],
    }
}

/// Returns the kind of value that an operation leaves behind if the key is absent.
fn creates(operation: &Operation) -> Option<ValueKind> {
    match operation {
        Operation::Read { .. } | Operation::Delete { .. } | Operation::RemoveAt { .. } => None,
        Operation::Write { value, .. } | Operation::CompareAndSet { value, .. } => Some(ValueKind::of(Some(value))),
        Operation::Add { .. } | Operation::Remove { .. } => Some(ValueKind::Set),
        Operation::Put { .. } => Some(ValueKind::Map),
        Operation::Insert { .. } => Some(ValueKind::List),
        Operation::Increment { .. } => Some(ValueKind::Number),
    }
}

/// The kinds of values that the keys of a scenario can have, anywhere and at any time.
pub(super) struct ValueKinds<'a> {
    services: BTreeMap<&'a str, &'a Service>,
    /// The kind of the value that members have at the start, by group and key.
    of_groups: BTreeMap<(&'a str, &'a str), ValueKind>,
    kinds: BTreeMap<&'a str, BTreeSet<ValueKind>>,
    /// Keys to which a service forwards the value of another key.
    forwarded: BTreeSet<&'a str>,
    /// Keys that clients generate numbers for, and prefixes of numbered ones.
    generated: BTreeSet<&'a str>,
    generated_prefixes: BTreeSet<&'a str>,
    /// Any key may become absent, because a disk is lost.
    loses_disks: bool,
}

impl<'a> ValueKinds<'a> {
    pub(super) fn new(scenario: &'a Scenario) -> Self {
        let publications = scenario.services.iter().flat_map(|service| &service.publishes);
        let loses_disk = |command: &Command| matches!(command, Command::Crash { lose_disk: true, .. });
        let mut found = ValueKinds {
            services: scenario.services.iter().map(|service| (service.id.as_str(), service)).collect(),
            of_groups: BTreeMap::new(),
            kinds: BTreeMap::new(),
            forwarded: publications.filter_map(|publication| publication.forward.as_ref()?.key.as_deref()).collect(),
            generated: BTreeSet::new(),
            generated_prefixes: BTreeSet::new(),
            loses_disks: scenario.script.iter().any(|step| loses_disk(&step.command)),
        };
        for (key, value) in scenario.services.iter().flat_map(|service| &service.data) {
            found.kinds.entry(key).or_default().insert(ValueKind::of(Some(value)));
        }
        for group in &scenario.groups {
            let members = group.members.iter().filter_map(|id| found.services.get(id.as_str()));
            let data = members.flat_map(|member| &member.data);
            found.of_groups.extend(data.map(|(key, value)| ((&*group.id, &**key), ValueKind::of(Some(value)))));
        }
        let workloads = scenario.clients.iter().filter_map(|client| client.generate.as_ref());
        for workload in workloads.filter(|workload| workload.read_share < 1.0) {
            match &workload.keys {
                Keys::One { key } => found.generated.insert(key),
                Keys::Uniform { prefix, .. } | Keys::Zipf { prefix, .. } => found.generated_prefixes.insert(prefix),
            };
        }
        found.add_operations(scenario);
        found
    }

    /// Adds the kinds of values that operations leave behind.
    fn add_operations(&mut self, scenario: &'a Scenario) {
        let operations = operations(scenario);
        let deletes = |operation: &Operation| matches!(operation, Operation::Delete { .. });
        let deleted = operations.iter().filter(|(_, operation, _)| deletes(operation));
        let deleted: BTreeSet<&str> = deleted.map(|(_, operation, _)| operation.key()).collect();
        for (target, operation, group) in operations {
            let key = operation.key();
            let is_deleted = deleted.contains(key);
            let is_absent = is_deleted || self.loses_disks || self.at_start(target, group, key) == ValueKind::Absent;
            let replaces = matches!(operation, Operation::Write { .. } | Operation::CompareAndSet { .. });
            let kinds = self.kinds.entry(key).or_default();
            kinds.extend(creates(operation).filter(|_| is_absent || replaces));
            kinds.extend(is_deleted.then_some(ValueKind::Absent));
        }
    }

    /// Returns the kind of a key's value at a service or group at the start of a run.
    fn at_start(&self, target: &str, group: Option<&Group>, key: &str) -> ValueKind {
        match group {
            Some(group) => self.of_groups.get(&(&*group.id, key)).copied().unwrap_or(ValueKind::Absent),
            None => ValueKind::of(self.services.get(target).and_then(|service| service.data.get(key))),
        }
    }

    /// Returns whether a client writes numbers to a key.
    fn is_generated(&self, key: &str) -> bool {
        let prefix = key.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        self.generated.contains(key)
            || (prefix..key.len()).any(|length| self.generated_prefixes.contains(&key[..length]))
    }

    /// Returns whether a key has a value anywhere at any time.
    pub(super) fn is_held(&self, key: &str) -> bool {
        self.forwarded.contains(key)
            || self.is_generated(key)
            || self.kinds.get(key).is_some_and(|kinds| !kinds.is_empty())
    }

    fn can_have(&self, key: &str, kind: ValueKind) -> bool {
        self.forwarded.contains(key)
            || (kind == ValueKind::Number && self.is_generated(key))
            || (kind == ValueKind::Absent && self.loses_disks)
            || self.kinds.get(key).is_some_and(|kinds| kinds.contains(&kind))
    }

    /// Returns why an operation at a service or group never applies to its key; `None` if it may.
    pub(super) fn mismatch(&self, operation: &Operation, target: &str, group: Option<&Group>) -> Option<Mismatch> {
        // Other data types decide which operations they offer.
        if group.is_some_and(|group| !matches!(group.data, Data::Register { .. })) {
            return None;
        }
        let applies_to = applies_to(operation);
        let held = self.at_start(target, group, operation.key());
        let expected = *applies_to.first()?;
        let applies = |kind: &ValueKind| *kind == held || self.can_have(operation.key(), *kind);
        (!applies_to.iter().any(applies)).then_some(Mismatch { held, expected })
    }
}

/// Returns all operations of a scenario, with the service or group that executes them.
fn operations(scenario: &Scenario) -> Vec<(&str, &Operation, Option<&Group>)> {
    let mut groups: BTreeMap<&str, &Group> = BTreeMap::new();
    for group in &scenario.groups {
        groups.insert(&group.id, group);
        groups.extend(group.members.iter().map(|member| (member.as_str(), group)));
    }
    let mut operations: Vec<(&str, &Operation)> = Vec::new();
    for step in &scenario.script {
        if let Command::Operate { service, operation, .. } = &step.command {
            operations.push((service, operation));
        }
    }
    for client in &scenario.clients {
        operations.extend(client.script.iter().map(|step| (client.target.as_str(), &step.operation)));
    }
    for call in scenario.services.iter().flat_map(|service| &service.calls) {
        operations.extend(call.operation.iter().map(|operation| (call.to.as_str(), operation)));
    }
    operations.into_iter().map(|(target, operation)| (target, operation, groups.get(target).copied())).collect()
}
