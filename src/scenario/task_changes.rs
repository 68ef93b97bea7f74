//! What an answer changed in the document of a task, and whether the task permits it. The page and the grader use the same rules.

use super::{Scenario, ScenarioError, Task, TaskNode};
use crate::language::{phrase, sentence};
use serde_json::Value as Json;

/// The lists of nodes in a document, and the kind that a task's palette names.
const LISTS: [(&str, TaskNode); 4] = [
    ("services", TaskNode::Service),
    ("buses", TaskNode::Bus),
    ("clients", TaskNode::Client),
    ("groups", TaskNode::Group),
];

/// Returns several nodes of a kind in words.
fn plural(kind: TaskNode) -> &'static str {
    match kind {
        TaskNode::Service => phrase("services", "Services"),
        TaskNode::Bus => phrase("buses", "Busse"),
        TaskNode::Client => phrase("clients", "Clients"),
        TaskNode::Group => phrase("replica groups", "Replikatgruppen"),
    }
}

/// Fields of a node that have no influence on a run.
pub const FREE: [&str; 2] = ["name", "position"];

impl Task {
    /// Returns what the answer changed without permission, each with its path and what is permitted. The start and the answer
    /// have no branches.
    pub fn not_permitted(&self, start: &Scenario, answer: &Scenario) -> Vec<ScenarioError> {
        let mut found = Changes { task: self, errors: Vec::new() };
        let (before, after) = (start.to_value(), answer.to_value());
        for (list, kind) in LISTS {
            found.nodes(&before[list], &after[list], self.palette.contains(&kind), plural(kind));
        }
        for field in ["regions", "default_latency", "until_ms"] {
            found.compare(field, &before[field], &after[field]);
        }
        // Links of added nodes come with them.
        let links = |document: &Json| -> Vec<Json> {
            let is_known = |id: &Json| id.as_str().is_some_and(|id| start.ids().any(|known| known == id));
            let links = document["links"].as_array().map(Vec::as_slice).unwrap_or_default();
            links.iter().filter(|link| is_known(&link["from"]) && is_known(&link["to"])).cloned().collect()
        };
        found.compare("links", &Json::Array(links(&before)), &Json::Array(links(&after)));
        found.script(start, answer);
        found.errors
    }

    /// Returns whether it permits to change a field: `<id>.<field>`, or a whole node.
    pub fn permits(&self, path: &str) -> bool {
        self.change.iter().any(|rule| covers(rule, path))
    }

    /// Returns whether it permits to change a field, a part of it, or something that contains it.
    pub fn permits_part_of(&self, path: &str) -> bool {
        self.change.iter().any(|rule| covers(rule, path) || covers(path, rule))
    }
}

/// Returns whether a path is another one or a field below it.
fn covers(above: &str, path: &str) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

struct Changes<'a> {
    task: &'a Task,
    errors: Vec<ScenarioError>,
}

impl Changes<'_> {
    fn refuse(&mut self, path: &str, reason: &str) {
        let change = &self.task.change;
        let permitted = if change.is_empty() {
            phrase("nothing", "nichts").to_string()
        } else {
            format!("`{}`", change.join("`, `"))
        };
        self.errors.push(ScenarioError::new(
            path,
            sentence!(
                "{reason}; the task permits changes of {permitted}",
                "{reason}; die Aufgabe erlaubt Änderungen an {permitted}"
            ),
        ));
    }

    /// Compares the nodes of one kind by their ids.
    fn nodes(&mut self, before: &Json, after: &Json, may_add: bool, plural: &str) {
        let list = |nodes: &Json| nodes.as_array().cloned().unwrap_or_default();
        let (before, after) = (list(before), list(after));
        let id = |node: &Json| node["id"].as_str().unwrap_or_default().to_string();
        for node in &before {
            let path = id(node);
            match after.iter().find(|other| other["id"] == node["id"]) {
                Some(other) => self.compare(&path, node, other),
                None if self.task.permits(&path) => {}
                None => self.refuse(&path, phrase("must not be removed", "darf nicht entfernt werden")),
            }
        }
        for node in after.iter().filter(|node| !before.iter().any(|other| other["id"] == node["id"])) {
            if !may_add {
                self.refuse(
                    &id(node),
                    &sentence!(
                        "must not be added, because the task's palette has no {plural}",
                        "darf nicht hinzugefügt werden, denn die Palette der Aufgabe hat keine {plural}"
                    ),
                );
            }
        }
    }

    /// Compares a field and reports the deepest fields that differ without permission.
    fn compare(&mut self, path: &str, before: &Json, after: &Json) {
        if before == after || self.task.permits(path) {
            return;
        }
        let is_node = !path.contains('.') || before["id"].is_string();
        match (before, after) {
            (Json::Object(old), Json::Object(new)) => {
                let added = new.keys().filter(|name| !old.contains_key(*name));
                for name in old.keys().chain(added).filter(|name| !is_node || !FREE.contains(&name.as_str())) {
                    self.compare(&format!("{path}.{name}"), &before[name], &after[name]);
                }
            }
            (Json::Array(old), Json::Array(new)) if old.len() == new.len() => {
                for (i, (old, new)) in old.iter().zip(new).enumerate() {
                    self.compare(&format!("{path}.{i}"), old, new);
                }
            }
            // A field whose value is the default is not in the document.
            (Json::Null, Json::Object(new)) if self.is_above_a_rule(path) => {
                for (name, value) in new {
                    self.compare(&format!("{path}.{name}"), &Json::Null, value);
                }
            }
            (Json::Object(old), Json::Null) if self.is_above_a_rule(path) => {
                for (name, value) in old {
                    self.compare(&format!("{path}.{name}"), value, &Json::Null);
                }
            }
            _ => self.refuse(path, phrase("must not be changed", "darf nicht geändert werden")),
        }
    }

    fn is_above_a_rule(&self, path: &str) -> bool {
        self.task.change.iter().any(|rule| rule.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
    }

    /// Checks that the script keeps its commands. With permission for faults, commands may be added.
    fn script(&mut self, start: &Scenario, answer: &Scenario) {
        if self.task.permits("script") {
            return;
        }
        let mut added: Vec<_> = answer.script.iter().collect();
        for step in &start.script {
            match added.iter().position(|other| *other == step) {
                Some(index) => drop(added.remove(index)),
                None => return self.refuse("script", phrase("must keep its commands", "muss seine Befehle behalten")),
            }
        }
        if !added.is_empty() && !self.task.faults {
            self.refuse("script", phrase("must have no further commands", "darf keine weiteren Befehle haben"));
        }
    }
}
