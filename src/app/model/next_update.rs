//! The value that the publish button writes next. It is new each time, also if the run has not executed the last one yet.

use super::Model;
use crate::app::drawing;
use crate::scenario::{Command, Data, Operation, Value, micros};

impl Model {
    /// Returns the command of the publish button: it gives the writer's first key its next value.
    pub fn next_update(&self) -> Option<Command> {
        self.next_update_at(self.writer()?)
    }

    /// Returns the command that gives a service's first key its next value.
    pub fn next_update_at(&self, writer: usize) -> Option<Command> {
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
        let written = self.written(&key);
        let next_number = |minimum: i64| written.iter().filter_map(number).fold(minimum, i64::max).saturating_add(1);
        let operation = match value {
            _ if data == Some(&Data::Counter) => Operation::Increment { key, by: 1 },
            value if data == Some(&Data::Map) => put(key, next_number(field_number(value.as_ref()))),
            Some(Value::Map(fields)) => put(key, next_number(field_number(Some(&Value::Map(fields))))),
            Some(Value::List(elements)) => {
                Operation::Insert { key, at: None, element: Value::Int(next_number(elements.len() as i64)) }
            }
            _ if data == Some(&Data::Sequence) => {
                Operation::Insert { key, at: None, element: Value::Int(next_number(0)) }
            }
            Some(Value::Set(elements)) if data != Some(&Data::MultiValue) => {
                Operation::Add { key, element: Value::Int(next_number(elements.len() as i64)) }
            }
            _ if matches!(data, Some(Data::Set | Data::RemoveWinsSet)) => {
                Operation::Add { key, element: Value::Int(next_number(0)) }
            }
            None => Operation::Write { key, value: Value::Int(next_number(0)) },
            Some(Value::Int(n)) => Operation::Write { key, value: Value::Int(next_number(n)) },
            Some(Value::Text(text)) => Operation::Write { key, value: next_text(&text, &written).as_str().into() },
            Some(Value::Set(elements)) => Operation::Write { key, value: Value::Set(elements) },
        };
        Some(Command::Operate { service: service.id.clone(), operation, poison: false })
    }

    /// Returns the values that commands up to the present have written, or will write, to a key.
    fn written(&self, key: &str) -> Vec<Value> {
        let script = &self.document.scenario.script;
        let past = script.iter().filter(|step| micros(step.at_ms) <= self.run.now);
        let live = self.branches.list.get(self.branches.current as usize).into_iter().flat_map(|branch| &branch.script);
        let commands = past.chain(live).map(|step| &step.command).chain(self.playback.pending_commands());
        let operations = commands.filter_map(|command| {
            let Command::Operate { operation, .. } = command else { return None };
            written_value(operation).filter(|_| operation.key() == key)
        });
        operations.cloned().collect()
    }
}

/// Merges siblings to one value: the union of sets, or else the greatest value.
fn merged(siblings: &[Value]) -> Option<Value> {
    let sets = siblings.iter().filter_map(|value| match value {
        Value::Set(elements) => Some(elements),
        Value::Int(_) | Value::Text(_) | Value::List(_) | Value::Map(_) => None,
    });
    let elements: Vec<Value> = sets.flat_map(|set| set.iter().cloned()).collect();
    if elements.is_empty() { siblings.iter().max().cloned() } else { Some(elements.into_iter().collect()) }
}

fn number(value: &Value) -> Option<i64> {
    if let Value::Int(n) = value { Some(*n) } else { None }
}

/// Returns the value that an operation writes.
fn written_value(operation: &Operation) -> Option<&Value> {
    match operation {
        Operation::Write { value, .. } | Operation::Put { value, .. } => Some(value),
        Operation::Insert { element, .. } | Operation::Add { element, .. } => Some(element),
        Operation::CompareAndSet { .. }
        | Operation::Read { .. }
        | Operation::Remove { .. }
        | Operation::RemoveAt { .. }
        | Operation::Increment { .. }
        | Operation::Delete { .. } => None,
    }
}

fn put(key: String, number: i64) -> Operation {
    Operation::Put { key, field: "n".into(), value: Value::Int(number) }
}

/// Returns the number in the field `n` of a map, or 0.
fn field_number(map: Option<&Value>) -> i64 {
    match map {
        Some(Value::Map(fields)) => fields.get("n").and_then(number).unwrap_or(0),
        Some(Value::Int(_) | Value::Text(_) | Value::Set(_) | Value::List(_)) | None => 0,
    }
}

/// Splits a text into its stem and its number: `shipped 2` into `shipped` and 2, `shipped` into itself and 1.
fn numbered(text: &str) -> (&str, u64) {
    let (stem, number) = text.rsplit_once(' ').unwrap_or((text, ""));
    number.parse().map_or((text, 1), |number| (stem, number))
}

/// Returns the text that follows: `shipped 2` after `shipped`, then `shipped 3`.
fn next_text(text: &str, written: &[Value]) -> String {
    let (stem, number) = numbered(text);
    let texts = written.iter().filter_map(|value| if let Value::Text(text) = value { Some(&**text) } else { None });
    let numbers = texts.map(numbered).filter(|(other, _)| *other == stem).map(|(_, number)| number);
    let next = numbers.fold(number, u64::max).saturating_add(1);
    format!("{} {next}", stem.chars().take(70).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::model::{DocumentMsg, LiveMsg, Msg, update};

    #[test]
    fn pressed_twice_fast_the_publish_button_writes_two_values() {
        let mut model = Model::default();
        update(&mut model, Msg::Document(DocumentMsg::OpenFirst));
        // The engine has answered none of these.
        for _ in 0..50 {
            update(&mut model, Msg::Live(LiveMsg::Publish));
        }
        let values: Vec<i64> = model.written("widget").iter().filter_map(number).collect();
        assert_eq!(values, (51..=100).collect::<Vec<i64>>());
    }

    #[test]
    fn texts_are_numbered() {
        assert_eq!(next_text("shipped", &[]), "shipped 2");
        assert_eq!(next_text("shipped", &["shipped 2".into(), "lost 7".into()]), "shipped 3");
    }
}
