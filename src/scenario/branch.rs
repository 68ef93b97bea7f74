//! Ways that a run could go: the same drawing with other settings, other steps, or both.

use super::json::{self, Document};
use super::{Scenario, ScenarioError, Step, is_default};
use crate::wire::Wire;
use std::collections::BTreeMap;

/// A branch: what the scenario is besides what the document says.
#[derive(Clone, Debug, Default, PartialEq, Document, Wire)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema, serde::Serialize))]
#[serde(deny_unknown_fields)]
pub struct Branch {
    /// What people call it: unique, at most 80 characters.
    pub name: String,
    /// Fields of nodes and groups that are different: `<id>.<field>`, as `&set.` in a link, with its value as JSON or as
    /// plain text.
    #[serde(default, skip_serializing_if = "is_default")]
    #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "std::collections::BTreeMap<String, String>"))]
    pub set: BTreeMap<String, String>,
    /// Steps behind those of the document's script.
    #[serde(default, skip_serializing_if = "is_default")]
    pub script: Vec<Step>,
}

impl Scenario {
    /// What is run of a document that has branches: the one with this name; without a name the one that opens. A document
    /// without branches is what is run itself.
    ///
    /// # Errors
    /// There is no such branch, or one of its settings has no place.
    pub fn of_branch(&self, name: Option<&str>) -> Result<Scenario, ScenarioError> {
        let wanted = name.unwrap_or(&self.branch);
        let at = self.branches.iter().position(|branch| branch.name == wanted);
        match (at, name, self.branches.is_empty()) {
            (Some(at), _, _) => self.at_branch(at),
            (None, None, true) if self.branch.is_empty() => Ok(self.clone()),
            (None, None, false) if self.branch.is_empty() => self.at_branch(0),
            (None, _, _) => {
                let names: Vec<String> = self.branches.iter().map(|branch| format!("`{}`", branch.name)).collect();
                let has =
                    if names.is_empty() { "there are none".into() } else { format!("it has {}", names.join(", ")) };
                Err(ScenarioError::new("branch", format!("the document has no branch `{wanted}`: {has}")))
            }
        }
    }

    /// What is run of the branch at this place of the list, which must be there.
    ///
    /// # Errors
    /// One of its settings has no place.
    pub fn at_branch(&self, place: usize) -> Result<Scenario, ScenarioError> {
        let mut scenario = self.set_as(place)?;
        scenario.script.extend(self.branches[place].script.iter().cloned());
        Ok(scenario)
    }

    /// The same without the branch's steps.
    pub(crate) fn set_as(&self, place: usize) -> Result<Scenario, ScenarioError> {
        let mut scenario = Scenario { branches: Vec::new(), branch: String::new(), ..self.clone() };
        for (path, value) in &self.branches[place].set {
            scenario = scenario
                .with_setting(path, value)
                .map_err(|problem| ScenarioError::new(format!("branches[{place}].set.{path}"), problem))?;
        }
        Ok(scenario)
    }

    /// The steps that name things of this drawing.
    pub fn sensible(&self, steps: &[Step]) -> Vec<Step> {
        let alone = |step: &Step| {
            let branches = (Vec::new(), String::new());
            Scenario { script: vec![step.clone()], branches: branches.0, branch: branches.1, ..self.clone() }
        };
        steps.iter().filter(|step| alone(step).validate().is_ok()).cloned().collect()
    }

    /// Leaves out of the branches what no longer fits a changed drawing.
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
            branch.script = scenario.sensible(&branch.script);
        }
    }

    /// The same with another value in the field `<id>.<field>` of a node or group; the value is read as JSON if it is
    /// that, else as a text.
    ///
    /// # Errors
    /// No node has that id, it has no such field, or the value does not fit, in words.
    pub fn with_setting(&self, path: &str, value: &str) -> Result<Scenario, String> {
        set(self, path, value)
    }
}

/// A scenario in which the field `<node>.<field>` has another value, read as JSON if it is that, else as a text.
fn set(scenario: &Scenario, path: &str, value: &str) -> Result<Scenario, String> {
    let document = scenario.to_value();
    // Ids may hold dots, so the longest id that fits is meant.
    let ids = ["services", "buses", "clients", "groups"].into_iter().flat_map(|list| {
        let nodes = document[list].as_array().map(Vec::as_slice).unwrap_or_default();
        nodes.iter().enumerate().filter_map(move |(i, node)| Some((list, i, node["id"].as_str()?.to_string())))
    });
    let fits =
        |(_, _, id): &(&str, usize, String)| path.strip_prefix(id.as_str()).is_some_and(|rest| rest.starts_with('.'));
    let (list, i, id) = ids.filter(fits).max_by_key(|(_, _, id)| id.len()).ok_or("no node has that id")?;
    let fields: Vec<&str> = path[id.len() + 1..].split('.').collect();
    let said = |errors: Vec<ScenarioError>| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    let typed = json::parse(value).unwrap_or_else(|_| value.into());
    // As it stands; as a text, where the field is one; and as another variant of what stands there.
    let tries = [(false, typed.clone()), (false, value.into()), (true, typed), (true, value.into())];
    let mut first = None;
    for (replace, value) in tries {
        let mut changed = document.clone();
        *place_of(&mut changed[list][i], &fields, replace)? = value;
        match Scenario::from_value(&changed).and_then(|scenario| scenario.validate().map(|()| scenario)) {
            Ok(scenario) => return Ok(scenario),
            Err(errors) => {
                first.get_or_insert(errors);
            }
        }
    }
    Err(said(first.unwrap_or_default()))
}

/// The place of a field in a part of a document; with `replace` a field that is new to its object takes the others'
/// place, as one variant takes that of another.
fn place_of<'a>(
    part: &'a mut serde_json::Value,
    fields: &[&str],
    replace: bool,
) -> Result<&'a mut serde_json::Value, String> {
    let mut place = part;
    for (depth, field) in fields.iter().enumerate() {
        place = match place {
            serde_json::Value::Array(items) => {
                let index: usize = field.parse().map_err(|_| format!("`{field}` is not a place in a list"))?;
                items.get_mut(index).ok_or(format!("the list has no place {index}"))?
            }
            serde_json::Value::Object(fields) => {
                if replace && depth > 0 && !fields.contains_key(*field) {
                    fields.clear();
                }
                fields.entry((*field).to_string()).or_insert(serde_json::Value::Object(serde_json::Map::new()))
            }
            _ => return Err(format!("`{field}` is not a field")),
        };
    }
    Ok(place)
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
        Scenario::from_json(&json.to_string()).expect("sound")
    }

    #[test]
    fn a_branch_is_the_document_with_its_settings_and_steps() {
        let document = document();
        let small = document.of_branch(Some("small")).expect("there");
        assert_eq!((small.services[0].queue, small.script.len(), small.branches.len()), (2, 2, 0));
        let first = document.of_branch(None).expect("the first opens");
        assert_eq!((first.services[0].queue, first.script.len()), (9, 1));
        let opens = Scenario { branch: "small".into(), ..document.clone() };
        assert_eq!(opens.of_branch(None).expect("named"), small);
        assert_eq!(small.of_branch(None).expect("no branches"), small);
    }

    #[test]
    fn a_branch_that_is_not_there_is_told_with_those_that_are() {
        let said = document().of_branch(Some("big")).expect_err("not there").to_string();
        assert!(said.contains("no branch `big`: it has `as it is`, `small`"), "{said}");
    }

    #[test]
    fn what_is_wrong_with_a_branch_is_told_with_its_place() {
        let said = |change: fn(&mut Scenario)| {
            let mut document = document();
            change(&mut document);
            let errors = document.validate().expect_err("wrong");
            errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
        };
        let text = said(|document| document.branches[1].name = "as it is".into());
        assert!(text.contains("branches[1].name"), "{text}");
        let text = said(|document| {
            document.branches[1].set.insert("a.queues".into(), "2".into());
        });
        assert!(text.contains("branches[1].set.a.queues"), "{text}");
        let text = said(|document| document.branches[1].script[0].at_ms = -1.0);
        assert!(text.contains("branches[1].script[0].at_ms"), "{text}");
        let text = said(|document| document.branch = "big".into());
        assert!(text.starts_with("branch: "), "{text}");
    }
}
