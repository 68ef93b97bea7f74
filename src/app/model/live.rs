//! Commands to the running system: the next update of the publish button, and faults.

use super::{Effect, Model};
use crate::app::drawing;
use crate::scenario::{Command, Data, Operation, Value};
use crate::session::protocol::Request;

/// Merges siblings to one value: the union of sets, or else the greatest value.
fn merged(siblings: &[Value]) -> Option<Value> {
    let sets = siblings.iter().filter_map(|value| match value {
        Value::Set(elements) => Some(elements),
        Value::Int(_) | Value::Text(_) | Value::List(_) | Value::Map(_) => None,
    });
    let elements: Vec<Value> = sets.flat_map(|set| set.iter().cloned()).collect();
    if elements.is_empty() { siblings.iter().max().cloned() } else { Some(elements.into_iter().collect()) }
}

/// Acts on the running system. Each message becomes a live command, unlike an edit of the drawing.
#[derive(Clone, Debug, PartialEq)]
pub enum LiveMsg {
    /// Publish an update at the service with the publish button.
    Publish,
    /// Execute a command.
    Execute(Command),
}

impl Model {
    pub(super) fn update_live(&mut self, msg: LiveMsg, effects: &mut Vec<Effect>) {
        match msg {
            LiveMsg::Publish => self.publish_at(None, effects),
            LiveMsg::Execute(command) => {
                if self.may_act() {
                    self.execute_live(command);
                }
            }
        }
    }

    /// Returns the service that the publish button writes to: the selected one, or else the first one that publishes
    /// or calls, or else the first member of a group, or else the first one.
    pub fn writer(&self) -> Option<usize> {
        let scenario = &self.document.scenario;
        let services = &scenario.services;
        let selected = || {
            let nodes = self.selected_nodes();
            let id = nodes.first().filter(|_| self.selection.items.len() == 1)?;
            let is_member = drawing::group_of(scenario, id).is_some();
            services.iter().position(|service| service.id == *id && (!service.publishes.is_empty() || is_member))
        };
        let sender = || services.iter().position(|s| !s.publishes.is_empty() || !s.calls.is_empty());
        let member = || {
            let first = scenario.groups.first()?.members.first()?;
            services.iter().position(|service| service.id == *first)
        };
        selected().or_else(sender).or_else(member).or(if services.is_empty() { None } else { Some(0) })
    }

    /// Returns the command of the publish button: it gives the writer's first key its next value.
    pub fn next_update(&self) -> Option<Command> {
        self.next_update_at(self.writer()?)
    }

    /// Returns the command that gives a service's first key its next value.
    fn next_update_at(&self, writer: usize) -> Option<Command> {
        let service = self.document.scenario.services.get(writer)?;
        let row = self.run.services.get(writer).and_then(|view| view.rows.first());
        let (key, value) = match (row, service.data.first_key_value()) {
            // The publisher has seen the siblings and replaces all of them by one value.
            (Some(row), _) => (row.key.clone(), row.value.clone().or_else(|| merged(&row.siblings))),
            (None, Some((key, value))) => (key.clone(), Some(value.clone())),
            (None, None) => ("item".to_string(), None),
        };
        let scenario = &self.document.scenario;
        let data = drawing::group_of(scenario, &service.id).map(|group| &scenario.groups[group].data);
        let operation = match value {
            _ if data == Some(&Data::Counter) => Operation::Increment { key, by: 1 },
            value if data == Some(&Data::Map) => {
                Operation::Put { key, field: "n".into(), value: next_field_value(value) }
            }
            Some(Value::Map(_)) => Operation::Put { key, field: "n".into(), value: next_field_value(value) },
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
            Some(Value::Text(text)) => Operation::Write { key, value: next_text(&text).as_str().into() },
            Some(Value::Set(elements)) => Operation::Write { key, value: Value::Set(elements) },
        };
        Some(Command::Operate { service: service.id.clone(), operation, poison: false })
    }

    /// Publishes an update at a service, or at the writer if absent. At the end of the run, extends it first.
    pub(super) fn publish_at(&mut self, service: Option<usize>, effects: &mut Vec<Effect>) {
        if !self.may_act() {
            return;
        }
        let Some(command) = service.or(self.writer()).and_then(|service| self.next_update_at(service)) else {
            self.notify("There is no service that could publish an update. Add one first.".into());
            return;
        };
        if self.playback.at_end() {
            return self.extend(Some(command), effects);
        }
        self.execute_live(command);
        self.playback.play(true);
    }

    /// Sends a command to the running system.
    pub(super) fn execute_live(&mut self, command: Command) {
        self.playback.enqueue(Request::Act { command });
    }
}

/// Returns the next value of the field `n` of a map: its number plus one.
fn next_field_value(map: Option<Value>) -> Value {
    match map {
        Some(Value::Map(fields)) => match fields.get("n") {
            Some(Value::Int(n)) => Value::Int(n.saturating_add(1)),
            Some(Value::Text(_) | Value::Set(_) | Value::List(_) | Value::Map(_)) | None => Value::Int(1),
        },
        Some(Value::Int(_) | Value::Text(_) | Value::Set(_) | Value::List(_)) | None => Value::Int(1),
    }
}

/// Returns the text that follows: `shipped 2` after `shipped`, then `shipped 3`.
fn next_text(text: &str) -> String {
    let (stem, number) = match text.rsplit_once(' ') {
        Some((stem, number)) => (stem, number.parse::<u64>().ok()),
        None => (text, None),
    };
    match number {
        Some(n) => format!("{stem} {}", n + 1),
        None => format!("{} 2", text.chars().take(70).collect::<String>()),
    }
}
