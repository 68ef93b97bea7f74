//! The scenarios that the branches of a document describe.

use super::{Scenario, ScenarioError, Step, json, validate};
use crate::language::{phrase, sentence};
use serde_json::Value as Json;

impl Scenario {
    /// Returns the scenario of the branch with this name; without a name that of the branch that is open at the start, or the
    /// document itself if it has no branches.
    ///
    /// # Errors
    /// No branch has this name, or one of its settings cannot be applied.
    pub fn of_branch(&self, name: Option<&str>) -> Result<Scenario, ScenarioError> {
        let wanted = name.unwrap_or(&self.branch);
        let index = self.branches.iter().position(|branch| branch.name == wanted);
        match (index, name, self.branches.is_empty()) {
            (Some(index), _, _) => self.at_branch(index),
            (None, None, true) if self.branch.is_empty() => Ok(self.clone()),
            (None, None, false) if self.branch.is_empty() => self.at_branch(0),
            (None, _, _) => {
                let names: Vec<String> = self.branches.iter().map(|branch| format!("`{}`", branch.name)).collect();
                let has = if names.is_empty() {
                    phrase("it has none", "es hat keine").into()
                } else {
                    sentence!("it has {}", "es hat {}", names.join(", "))
                };
                Err(ScenarioError::new(
                    "branch",
                    sentence!(
                        "the document has no branch `{wanted}`; {has}",
                        "das Dokument hat keinen Zweig `{wanted}`; {has}"
                    ),
                ))
            }
        }
    }

    /// Returns the scenario of the branch at an index.
    ///
    /// # Errors
    /// One of its settings cannot be applied.
    ///
    /// # Panics
    /// The index is beyond the end of the list.
    pub fn at_branch(&self, index: usize) -> Result<Scenario, ScenarioError> {
        let mut scenario = self.with_settings_of(index)?;
        scenario.script.extend(self.branches[index].script.iter().cloned());
        Ok(scenario)
    }

    /// As [`Scenario::at_branch`], without the branch's steps.
    pub(crate) fn with_settings_of(&self, index: usize) -> Result<Scenario, ScenarioError> {
        let mut scenario = Scenario { branches: Vec::new(), branch: String::new(), ..self.clone() };
        for (path, value) in &self.branches[index].set {
            scenario = scenario
                .with_setting(path, value)
                .map_err(|problem| ScenarioError::new(format!("branches[{index}].set.{path}"), problem))?;
        }
        Ok(scenario)
    }

    /// Returns an error for each setting of a branch that cannot be applied to those before it.
    pub(crate) fn setting_errors(&self, index: usize) -> Vec<ScenarioError> {
        let mut scenario = Scenario { branches: Vec::new(), branch: String::new(), ..self.clone() };
        let mut errors = Vec::new();
        for (path, value) in &self.branches[index].set {
            match scenario.with_setting(path, value) {
                Ok(changed) => scenario = changed,
                Err(problem) => errors.push(ScenarioError::new(format!("branches[{index}].set.{path}"), problem)),
            }
        }
        errors
    }

    /// Returns those steps that are valid in this drawing; none if the drawing itself is not valid.
    pub fn valid_steps(&self, steps: &[Step]) -> Vec<Step> {
        validate::valid_steps(self, steps)
    }

    /// Removes settings and steps of branches that are no longer valid after the drawing has changed.
    pub fn fit_branches(&mut self) {
        let base = Scenario { branches: Vec::new(), branch: String::new(), ..self.clone() };
        for branch in &mut self.branches {
            let mut scenario = base.clone();
            branch.set.retain(|path, value| match scenario.with_setting(path, value) {
                Ok(changed) => {
                    scenario = changed;
                    true
                }
                Err(_) => false,
            });
            branch.script = scenario.valid_steps(&branch.script);
        }
    }

    /// Returns the scenario with another value of the field `<id>.<field>` of a node or group. The value is read as JSON if
    /// possible, otherwise as a text.
    ///
    /// # Errors
    /// A message: no node has this id, it has no such field, or the value is not valid there.
    pub fn with_setting(&self, path: &str, value: &str) -> Result<Scenario, String> {
        with_setting(self, path, value)
    }

    /// Iterates over the ids of all nodes and groups.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &str> {
        let services = self.services.iter().map(|service| service.id.as_str());
        let buses = self.buses.iter().map(|bus| bus.id.as_str());
        let clients = self.clients.iter().map(|client| client.id.as_str());
        services.chain(buses).chain(clients).chain(self.groups.iter().map(|group| group.id.as_str()))
    }

    /// Returns whether the path `<id>` or `<id>.<field>` names a field that a node of this kind can have.
    pub(crate) fn has_field(&self, path: &str) -> bool {
        if self.ids().any(|id| id == path) {
            return true;
        }
        // Only the node counts, because a document may have many such paths.
        let is_here = |id: &str| path.strip_prefix(id).is_some_and(|rest| rest.starts_with('.'));
        let id = self.ids().filter(|id| is_here(id)).max_by_key(|id| id.len()).unwrap_or_default();
        let scenario = Scenario {
            services: self.services.iter().filter(|node| node.id == id).cloned().collect(),
            buses: self.buses.iter().filter(|node| node.id == id).cloned().collect(),
            clients: self.clients.iter().filter(|node| node.id == id).cloned().collect(),
            groups: self.groups.iter().filter(|group| group.id == id).cloned().collect(),
            ..Scenario::default()
        };
        scenario.with_setting(path, "null").err().is_none_or(|problem| !problem.contains("unknown field"))
    }
}

fn with_setting(scenario: &Scenario, path: &str, value: &str) -> Result<Scenario, String> {
    let document = scenario.to_value();
    // Ids may contain full stops: the longest matching id is meant.
    let nodes = ["services", "buses", "clients", "groups"].into_iter().flat_map(|list| {
        let nodes = document[list].as_array().map(Vec::as_slice).unwrap_or_default();
        nodes.iter().enumerate().filter_map(move |(index, node)| Some((list, index, node["id"].as_str()?)))
    });
    let matches = |id: &str| path.strip_prefix(id).is_some_and(|rest| rest.starts_with('.'));
    let longest = nodes.filter(|(_, _, id)| matches(id)).max_by_key(|(_, _, id)| id.len());
    let (list, index, id) =
        longest.ok_or(phrase("no node or group has this id", "kein Knoten und keine Gruppe hat diese Id"))?;
    let fields: Vec<&str> = path[id.len() + 1..].split('.').collect();
    let typed = match json::parse(value) {
        Err(error) if error.is_too_deep => return Err(error.to_string()),
        parsed => parsed.unwrap_or_else(|_| value.into()),
    };
    // Try the value as it is, then as a text, and both as another variant of the present value.
    let attempts = [(false, typed.clone()), (false, value.into()), (true, typed), (true, value.into())];
    let mut first_errors = None;
    for (replace_variant, value) in attempts {
        let mut changed = document.clone();
        *field_mut(&mut changed[list][index], &fields, replace_variant)? = value;
        match Scenario::from_value(&changed).and_then(|scenario| scenario.validate().map(|()| scenario)) {
            Ok(scenario) => return Ok(scenario),
            Err(errors) => {
                first_errors.get_or_insert(errors);
            }
        }
    }
    let messages: Vec<String> = first_errors.iter().flatten().map(ToString::to_string).collect();
    Err(messages.join("; "))
}

/// Returns a field of a part of a document, which is added if it is absent. With `replace_variant` an added field replaces
/// all others of its object, as one variant of an enum replaces another.
fn field_mut<'a>(part: &'a mut Json, fields: &[&str], replace_variant: bool) -> Result<&'a mut Json, String> {
    let mut part = part;
    for (depth, field) in fields.iter().enumerate() {
        part = match part {
            Json::Array(items) => {
                let index: usize = field.parse().map_err(|_| {
                    sentence!("`{field}` is not an index of a list", "`{field}` ist kein Index einer Liste")
                })?;
                items
                    .get_mut(index)
                    .ok_or(sentence!("the list has no item {index}", "die Liste hat kein Element {index}"))?
            }
            Json::Object(fields) => {
                if replace_variant && depth > 0 && !fields.contains_key(*field) {
                    fields.clear();
                }
                fields.entry((*field).to_string()).or_insert(Json::Object(serde_json::Map::new()))
            }
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {
                return Err(sentence!("`{field}` is not a field", "`{field}` ist kein Feld"));
            }
        };
    }
    Ok(part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn document() -> Scenario {
        let json = json!({
            "converge": 1,
            "services": [{ "id": "a", "queue": 9 }, { "id": "b" }],
            "script": [{ "at_ms": 1, "do": { "crash": { "service": "b" } } }],
            "branches": [
                { "name": "as it is" },
                { "name": "small", "set": { "a.queue": "2" }, "script": [{ "at_ms": 5, "do": { "restart": { "service": "b" } } }] }
            ],
        });
        Scenario::from_json(&json.to_string()).expect("valid")
    }

    #[test]
    fn a_branch_is_the_document_with_other_settings_and_further_steps() {
        let document = document();
        let small = document.of_branch(Some("small")).expect("a branch");
        assert_eq!((small.services[0].queue, small.script.len(), small.branches.len()), (2, 2, 0));
        let first = document.of_branch(None).expect("the first branch");
        assert_eq!((first.services[0].queue, first.script.len()), (9, 1));
        let opens = Scenario { branch: "small".into(), ..document.clone() };
        assert_eq!(opens.of_branch(None).expect("a branch"), small);
        assert_eq!(small.of_branch(None).expect("no branches"), small);
    }

    #[test]
    fn the_error_for_an_unknown_branch_lists_the_branches() {
        let message = document().of_branch(Some("big")).expect_err("an unknown branch").to_string();
        assert!(message.contains("no branch `big`; it has `as it is`, `small`"), "{message}");
    }

    #[test]
    fn errors_of_a_branch_have_its_path() {
        let errors_after = |change: fn(&mut Scenario)| {
            let mut document = document();
            change(&mut document);
            let errors = document.validate().expect_err("not valid");
            errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
        };
        let text = errors_after(|document| document.branches[1].name = "as it is".into());
        assert!(text.contains("branches[1].name"), "{text}");
        let text = errors_after(|document| {
            document.branches[1].set.insert("a.queues".into(), "2".into());
        });
        assert!(text.contains("branches[1].set.a.queues"), "{text}");
        let text = errors_after(|document| document.branches[1].script[0].at_ms = -1.0);
        assert!(text.contains("branches[1].script[0].at_ms"), "{text}");
        let text = errors_after(|document| document.branch = "big".into());
        assert!(text.starts_with("branch: "), "{text}");
    }
}
