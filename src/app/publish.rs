//! What the publish button does: who writes, what it writes next, and time for it.

use super::change::Change;
use super::drawing;
use super::model::{CanvasItem, Effect, Model};
use crate::scenario::{Command, Data, Operation, Value};
use crate::session::protocol::Request;

/// One value for siblings: all elements of sets, else the greatest.
fn together(siblings: &[Value]) -> Option<Value> {
    let sets = siblings.iter().filter_map(|value| match value {
        Value::Set(elements) => Some(elements),
        Value::Int(_) | Value::Text(_) | Value::List(_) | Value::Map(_) => None,
    });
    let elements: Vec<Value> = sets.flat_map(|set| set.iter().cloned()).collect();
    if elements.is_empty() { siblings.iter().max().cloned() } else { Some(elements.into_iter().collect()) }
}

impl Model {
    /// The service that the publish button writes to: the selected one, else the first that tells others,
    /// else the first.
    pub fn writer(&self) -> Option<usize> {
        let services = &self.scenario.services;
        let selected = || {
            let mut ids = self.selection.iter().filter_map(|item| match item {
                CanvasItem::Node(id) => Some(id),
                CanvasItem::Link { .. } => None,
            });
            let id = ids.next().filter(|_| self.selection.len() == 1)?;
            let writes = |id: &str| drawing::group_of(&self.scenario, id).is_some();
            services.iter().position(|service| service.id == *id && (!service.publishes.is_empty() || writes(id)))
        };
        let telling = || services.iter().position(|s| !s.publishes.is_empty() || !s.calls.is_empty());
        let member = || {
            let first = self.scenario.groups.first()?.members.first()?;
            services.iter().position(|service| service.id == *first)
        };
        selected().or_else(telling).or_else(member).or(if services.is_empty() { None } else { Some(0) })
    }

    /// What the publish button does: the writer's first key gets its next value.
    pub fn next_update(&self) -> Option<Command> {
        self.next_update_at(self.writer()?)
    }

    /// The next value of a service's first key.
    fn next_update_at(&self, writer: usize) -> Option<Command> {
        let service = self.scenario.services.get(writer)?;
        let row = self.run.services.get(writer).and_then(|view| view.rows.first());
        let (key, value) = match (row, service.data.first_key_value()) {
            // Whoever publishes has seen the siblings, and puts one value in the place of all.
            (Some(row), _) => (row.key.clone(), row.value.clone().or_else(|| together(&row.siblings))),
            (None, Some((key, value))) => (key.clone(), Some(value.clone())),
            (None, None) => ("item".to_string(), None),
        };
        let data = drawing::group_of(&self.scenario, &service.id).map(|group| &self.scenario.groups[group].data);
        let operation = match value {
            _ if data == Some(&Data::Counter) => Operation::Increment { key, by: 1 },
            value if data == Some(&Data::Map) => {
                Operation::Put { key, field: "n".into(), value: following_field(value) }
            }
            Some(Value::Map(_)) => Operation::Put { key, field: "n".into(), value: following_field(value) },
            Some(Value::List(elements)) => {
                Operation::Insert { key, at: None, element: Value::Int(elements.len() as i64 + 1) }
            }
            _ if data == Some(&Data::Sequence) => Operation::Insert { key, at: None, element: Value::Int(1) },
            Some(Value::Set(elements)) if data != Some(&Data::MultiValue) => {
                Operation::Add { key, element: Value::Int(elements.len() as i64 + 1) }
            }
            _ if matches!(data, Some(Data::Set | Data::RemoveWinsSet)) => {
                Operation::Add { key, element: Value::Int(1) }
            }
            None => Operation::Write { key, value: Value::Int(1) },
            Some(Value::Int(n)) => Operation::Write { key, value: Value::Int(n.saturating_add(1)) },
            Some(Value::Text(text)) => Operation::Write { key, value: following_text(&text).as_str().into() },
            Some(Value::Set(elements)) => Operation::Write { key, value: Value::Set(elements) },
        };
        Some(Command::Operate { service: service.id.clone(), operation, poison: false })
    }

    /// Publishes at a service, by number; where the publish button stands unless given.
    pub(super) fn publish_at(&mut self, service: Option<usize>, effects: &mut Vec<Effect>) {
        if !self.may_act() {
            return;
        }
        let Some(command) = service.or(self.writer()).and_then(|service| self.next_update_at(service)) else {
            self.tell("There is no service to publish an update: add one first.".into());
            return;
        };
        if self.playback.at_end() {
            return self.change(Change::Extend(Some(command)), effects);
        }
        self.playback.order(Request::Act { command });
        self.playback.play(true);
    }
}

/// What is put next into the field `n` of a map: one more than its number.
fn following_field(map: Option<Value>) -> Value {
    match map {
        Some(Value::Map(fields)) => match fields.get("n") {
            Some(Value::Int(n)) => Value::Int(n.saturating_add(1)),
            Some(Value::Text(_) | Value::Set(_) | Value::List(_) | Value::Map(_)) | None => Value::Int(1),
        },
        Some(Value::Int(_) | Value::Text(_) | Value::Set(_) | Value::List(_)) | None => Value::Int(1),
    }
}

/// `shipped` becomes `shipped 2`, that `shipped 3`.
fn following_text(text: &str) -> String {
    let (stem, number) = match text.rsplit_once(' ') {
        Some((stem, number)) => (stem, number.parse::<u64>().ok()),
        None => (text, None),
    };
    match number {
        Some(n) => format!("{stem} {}", n + 1),
        None => format!("{} 2", text.chars().take(70).collect::<String>()),
    }
}
