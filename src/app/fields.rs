//! The fields that the inspector shows for the selected item: label, unit, choices, value and help. Pure; the component
//! only draws them. A test checks that every field of the document has one.

mod bus;
mod client;
mod command;
mod group;
mod histogram;
mod identity;
mod latency;
mod messaging;
mod operation;
mod protocol;
mod region;
mod scenario;
mod service;
mod shared;
mod workload;

pub use histogram::Histogram;
pub use shared::shared_sections;

use super::canvas_item::CanvasItem;
use super::drawing;
use super::edit::Path;
use super::texts::{Text, translated};
use crate::scenario::Scenario;
use crate::text;
use serde_json::Value as Json;

/// How a field is edited.
#[derive(Clone, Debug, PartialEq)]
pub enum FieldKind {
    /// One line of text.
    Text,
    /// Several lines of text.
    Note,
    /// A number. The document contains the typed number times `scale`.
    Number {
        /// The factor from the typed number to the document.
        scale: f64,
        /// Whether it may be empty, which means absent.
        optional: bool,
    },
    /// A value: a whole number, a text, a set `{a, 3}`, a map `{size: 3}`, or a list `[a, 3]`.
    Value,
    /// Numbers, one in each line.
    Numbers,
    /// Lists of nodes, separated by bars; nodes are separated by commas. Each node is its label, with its id.
    Groups(Vec<(String, String)>),
    /// Some of several nodes, separated by commas. Each is its label, with its id.
    Ids(Vec<(String, String)>),
    /// Yes or no.
    Toggle,
    /// One of several labels, each with the value for the document.
    Choice(Vec<(String, Json)>),
}

/// A field of the document.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its path in the document.
    pub path: Path,
    /// Its label.
    pub label: String,
    /// Its unit, shown in its box.
    pub unit: &'static str,
    /// How it is edited.
    pub kind: FieldKind,
    /// Its current value, as it would be typed.
    pub text: String,
    /// Its meaning.
    pub help: &'static str,
    /// The parts of the real system that a shown preset does not model.
    pub leaves_out: Option<&'static str>,
    /// The paths of the same field of other selected nodes, which it sets too.
    pub also: Vec<Path>,
}

/// A button that appends an item to a list.
#[derive(Clone, Debug, PartialEq)]
pub struct AddButton {
    /// Its label.
    pub label: String,
    /// The path of the list. If `asks_name` is set, the path of the object to which a field with the typed name is added.
    pub path: Path,
    /// The appended item.
    pub item: Json,
    /// The label of the name field, if a name is asked for first.
    pub asks_name: Option<&'static str>,
}

/// A group of fields.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Section {
    /// Its heading.
    pub title: String,
    /// Its fields.
    pub fields: Vec<Field>,
    /// The path that the remove button removes, if there is one.
    pub remove: Option<Path>,
    /// Buttons that add items.
    pub adders: Vec<AddButton>,
}

/// Returns the sections of the selected item, or of the scenario if nothing is selected.
pub fn sections(scenario: &Scenario, selected: Option<&CanvasItem>) -> Vec<Section> {
    match selected {
        None => scenario::sections(scenario),
        Some(CanvasItem::Link { from, to }) => scenario::link_sections(scenario, from, to),
        Some(CanvasItem::Node(id)) => {
            if let Some(i) = scenario.services.iter().position(|node| node.id == *id) {
                let mut sections = service::sections(scenario, i);
                // A member's behaviour is that of its group.
                if let Some(group) = scenario.groups.iter().position(|group| group.members.contains(id)) {
                    sections.splice(1..1, group::sections(scenario, group));
                }
                sections
            } else if let Some(i) = scenario.groups.iter().position(|group| group.id == *id) {
                group::sections(scenario, i)
            } else if let Some(i) = scenario.buses.iter().position(|node| node.id == *id) {
                bus::sections(scenario, i)
            } else if let Some(i) = scenario.clients.iter().position(|node| node.id == *id) {
                client::sections(scenario, i)
            } else {
                Vec::new()
            }
        }
    }
}

/// Returns the names by which the inspector shows what a rule of a task permits, `<id>.<field>`: that of the field, or those of
/// the sections with the fields below it.
pub fn names_of(scenario: &Scenario, id: &str, rule: &str) -> Vec<String> {
    let mut names = Vec::new();
    for section in sections(scenario, Some(&CanvasItem::Node(id.into()))) {
        let of = |path: &Path| super::edit::path_of_rule(scenario, path);
        let exact = section.fields.iter().find(|field| of(&field.path) == rule);
        let is_below = |field: &Field| of(&field.path).strip_prefix(rule).is_some_and(|rest| rest.starts_with('.'));
        let name = match exact {
            Some(field) => Some(&field.label),
            None => section.fields.iter().any(is_below).then_some(&section.title),
        };
        if let Some(name) = name.filter(|name| !name.is_empty() && !names.contains(*name)) {
            names.push(name.clone());
        }
    }
    names
}

/// Returns the fields for the name of a node or group and for the position of its card, if it has one.
pub fn identity(scenario: &Scenario, id: &str) -> Vec<Field> {
    let at = |list: &str, i: usize| FieldsAt::new(&[list]).to(i);
    if let Some(i) = scenario.services.iter().position(|node| node.id == id) {
        identity::fields(&at("services", i), &scenario.services[i].name, scenario.services[i].position)
    } else if let Some(i) = scenario.buses.iter().position(|node| node.id == id) {
        identity::fields(&at("buses", i), &scenario.buses[i].name, scenario.buses[i].position)
    } else if let Some(i) = scenario.clients.iter().position(|node| node.id == id) {
        identity::fields(&at("clients", i), &scenario.clients[i].name, scenario.clients[i].position)
    } else if let Some(i) = scenario.groups.iter().position(|group| group.id == id) {
        identity::fields(&at("groups", i), &scenario.groups[i].name, None)
    } else {
        Vec::new()
    }
}

/// Parses a typed text to a value for the document.
///
/// # Errors
/// What is expected.
pub fn parse(kind: &FieldKind, typed: &str) -> Result<Json, String> {
    let typed = typed.trim();
    match kind {
        FieldKind::Text | FieldKind::Note => Ok(if typed.is_empty() { Json::Null } else { typed.into() }),
        FieldKind::Number { optional: true, .. } if typed.is_empty() => Ok(Json::Null),
        FieldKind::Number { scale, .. } => {
            let number = crate::scenario::number(&typed.replace(',', ".")).ok_or(text!("Enter a number."))?;
            if *scale == PERCENT && !(0.0..=100.0).contains(&number) {
                return Err(text!("Between 0 and 100 %.").into());
            }
            number_of(rounded(number * scale))
        }
        FieldKind::Value => Ok(value_of(typed)),
        FieldKind::Numbers => {
            let numbers = samples(typed).into_iter().enumerate().map(|(i, word)| {
                let number = crate::scenario::number(word)
                    .ok_or_else(|| text!("The {}. entry, “{}”, is not a number.", i + 1, word))?;
                number_of(number)
            });
            numbers.collect::<Result<Vec<Json>, String>>().map(Json::Array)
        }
        FieldKind::Groups(nodes) => {
            typed.split('|').map(|list| ids_of(list, nodes)).collect::<Result<_, _>>().map(Json::Array)
        }
        FieldKind::Ids(nodes) => ids_of(typed, nodes),
        FieldKind::Toggle => Ok(Json::Bool(typed == "true")),
        FieldKind::Choice(choices) => {
            let chosen = choices.iter().find(|(label, _)| label == typed);
            chosen.map(|(_, value)| value.clone()).ok_or_else(|| text!("Choose an entry of the list.").into())
        }
    }
}

/// Returns the ids of nodes, which are typed as labels or ids and separated by commas.
fn ids_of(typed: &str, nodes: &[(String, String)]) -> Result<Json, String> {
    let words = typed.split(',').map(str::trim).filter(|word| !word.is_empty());
    let ids = words.map(|word| {
        let known = nodes.iter().find(|(label, _)| label == word).or_else(|| nodes.iter().find(|(_, id)| id == word));
        known.map(|(_, id)| Json::from(id.as_str())).ok_or_else(|| text!("“{}” does not exist.", word))
    });
    ids.collect::<Result<Vec<Json>, String>>().map(Json::Array)
}

/// Returns the labels of nodes: the name, with the id if another node has the same name.
fn labelled(scenario: &Scenario, ids: Vec<String>) -> Vec<(String, String)> {
    let names: Vec<&str> = ids.iter().map(|id| drawing::name(scenario, id)).collect();
    let label = |(id, name): (&String, &&str)| {
        let is_shared = names.iter().filter(|other| *other == name).count() > 1;
        // A comma separates nodes.
        let label = if name.contains([',', '|']) { id.clone() } else { name.to_string() };
        let label = if is_shared && label != *id { format!("{label} ({id})") } else { label };
        (label, id.clone())
    };
    ids.iter().zip(&names).map(label).collect()
}

/// Returns the numbers of a list or of a table, as text. A header names the columns of a table: the one with the durations
/// counts, or else the last.
fn samples(typed: &str) -> Vec<&str> {
    let is_separator = |c: char| c.is_whitespace() || c == ',' || c == ';';
    let words = |line: &'_ str| -> Vec<String> {
        line.split([',', ';', '\t']).map(|word| word.trim().to_ascii_lowercase()).collect()
    };
    let (header, rows) = typed.split_once('\n').unwrap_or((typed, ""));
    let columns = words(header);
    if rows.trim().is_empty() || columns.iter().any(|word| crate::scenario::number(word).is_some()) {
        return typed.split(is_separator).filter(|word| !word.is_empty()).collect();
    }
    let is_duration =
        |name: &String| ["latency", "duration", "rtt", "elapsed", "ms"].iter().any(|word| name.contains(word));
    let column = columns.iter().position(is_duration).unwrap_or(columns.len() - 1);
    let rows = rows.lines().map(str::trim).filter(|row| !row.is_empty());
    rows.map(|row| row.split([',', ';', '\t']).nth(column).unwrap_or(row).trim()).collect()
}

/// The label of settings that match no preset.
const CUSTOM: Text = Text::new("custom");
/// The factor from percent to a share.
const PERCENT: f64 = 0.01;

/// Rounds away the floating-point error of multiplying by 0.01.
fn rounded(number: f64) -> f64 {
    (number * 1e9).round() / 1e9
}

fn number_of(number: f64) -> Result<Json, String> {
    if number.fract() == 0.0 && number.abs() < 9e15 {
        return Ok((number as i64).into());
    }
    serde_json::Number::from_f64(number).map(Json::Number).ok_or_else(|| text!("Enter a finite number.").into())
}

/// Parses a value: `{a, 3}` is a set, `{size: 3}` a map, `[a, 3]` a list, `3` a number, and anything else a text.
fn value_of(typed: &str) -> Json {
    let within = |open, close| typed.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
    let parts = |inner: &'_ str| -> Vec<String> {
        inner.split(',').map(str::trim).filter(|word| !word.is_empty()).map(String::from).collect()
    };
    if let Some(inner) = within('[', ']') {
        let elements: Vec<Json> = parts(inner).iter().map(|part| value_of(part)).collect();
        return serde_json::json!({ "list": elements });
    }
    let Some(inner) = within('{', '}') else {
        return typed.parse::<i64>().map_or_else(|_| typed.into(), Into::into);
    };
    let parts = parts(inner);
    let fields: Option<Vec<_>> = parts.iter().map(|part| part.split_once(": ")).collect();
    match fields.filter(|fields| !fields.is_empty()) {
        Some(fields) => {
            let fields = fields.into_iter().map(|(name, value)| (name.to_string(), value_of(value)));
            serde_json::json!({ "map": fields.collect::<serde_json::Map<_, _>>() })
        }
        None => Json::Array(parts.iter().map(|part| value_of(part)).collect()),
    }
}

/// Builds the fields of one part of the document, whose path it holds.
struct FieldsAt(Path);

impl FieldsAt {
    fn new(path: &[&str]) -> FieldsAt {
        FieldsAt(path.iter().map(ToString::to_string).collect())
    }

    fn to(&self, step: impl ToString) -> FieldsAt {
        let mut path = self.0.clone();
        path.push(step.to_string());
        FieldsAt(path)
    }

    fn field(
        &self,
        name: &str,
        label: &str,
        unit: &'static str,
        kind: FieldKind,
        text: String,
        help: &'static str,
    ) -> Field {
        Field { path: self.to(name).0, label: label.into(), unit, kind, text, help, leaves_out: None, also: Vec::new() }
    }

    fn text(&self, name: &str, label: &str, text: &str, help: &'static str) -> Field {
        self.field(name, label, "", FieldKind::Text, text.into(), help)
    }

    fn number(&self, name: &str, label: &str, unit: &'static str, number: impl Into<f64>, help: &'static str) -> Field {
        let kind = FieldKind::Number { scale: 1.0, optional: false };
        self.field(name, label, unit, kind, number.into().to_string(), help)
    }

    fn optional(&self, name: &str, label: &str, unit: &'static str, number: Option<f64>, help: &'static str) -> Field {
        let kind = FieldKind::Number { scale: 1.0, optional: true };
        self.field(name, label, unit, kind, number.map(|n| n.to_string()).unwrap_or_default(), help)
    }

    fn percent(&self, name: &str, label: &str, share: f64, help: &'static str) -> Field {
        let kind = FieldKind::Number { scale: PERCENT, optional: false };
        self.field(name, label, "%", kind, rounded(share * 100.0).to_string(), help)
    }

    fn toggle(&self, name: &str, label: &str, on: bool, help: &'static str) -> Field {
        self.field(name, label, "", FieldKind::Toggle, on.to_string(), help)
    }

    /// A choice; `chosen` is the label of the current value.
    fn choice(&self, name: &str, label: &str, choices: Vec<(&str, Json)>, chosen: &str, help: &'static str) -> Field {
        let choices = choices.into_iter().map(|(label, value)| (label.to_string(), value)).collect();
        self.field(name, label, "", FieldKind::Choice(choices), chosen.into(), help)
    }

    /// A choice that replaces the whole part.
    fn whole(&self, label: &str, choices: Vec<(&str, Json)>, chosen: &str, help: &'static str) -> Field {
        let choices = choices.into_iter().map(|(label, value)| (label.to_string(), value)).collect();
        let (path, kind) = (self.0.clone(), FieldKind::Choice(choices));
        let text = chosen.into();
        Field { path, label: label.into(), unit: "", kind, text, help, leaves_out: None, also: Vec::new() }
    }

    /// A choice between presets of real systems. `like` holds the name of the current preset and what it does not model.
    fn imitates(&self, choices: Vec<(&str, Json)>, like: Option<(&'static str, &'static str)>) -> Field {
        let help = text!("The defaults of a real system, or custom settings.");
        let field = self.whole(text!("Preset"), choices, like.map_or(CUSTOM.get(), |(name, _)| name), help);
        Field { leaves_out: like.map(|(_, leaves_out)| translated(leaves_out)), ..field }
    }

    /// A choice between nodes. `nodes` holds their labels and ids, `chosen` is an id.
    fn id(&self, name: &str, label: &str, nodes: Vec<(String, String)>, chosen: &str, help: &'static str) -> Field {
        let text = label_of(&nodes, chosen);
        let choices = nodes.into_iter().map(|(label, id)| (label, id.into())).collect();
        self.field(name, label, "", FieldKind::Choice(choices), text, help)
    }

    fn value(&self, name: &str, label: &str, value: &crate::scenario::Value, help: &'static str) -> Field {
        self.field(name, label, "", FieldKind::Value, value.to_string(), help)
    }

    fn groups(
        &self,
        name: &str,
        label: &str,
        nodes: Vec<(String, String)>,
        groups: &[Vec<String>],
        help: &'static str,
    ) -> Field {
        let lists: Vec<String> = groups.iter().map(|group| list_of(&nodes, group)).collect();
        self.field(name, label, "", FieldKind::Groups(nodes), lists.join(" | "), help)
    }

    /// A field for some of several nodes.
    fn ids(&self, name: &str, label: &str, nodes: Vec<(String, String)>, ids: &[String], help: &'static str) -> Field {
        let text = list_of(&nodes, ids);
        self.field(name, label, "", FieldKind::Ids(nodes), text, help)
    }

    fn adder(&self, label: &str, item: Json) -> AddButton {
        AddButton { label: label.into(), path: self.0.clone(), item, asks_name: None }
    }
}

/// Returns the label of a node, or its id if it has none.
fn label_of(nodes: &[(String, String)], id: &str) -> String {
    nodes.iter().find(|(_, other)| other == id).map_or_else(|| id.into(), |(label, _)| label.clone())
}

fn list_of(nodes: &[(String, String)], ids: &[String]) -> String {
    ids.iter().map(|id| label_of(nodes, id)).collect::<Vec<String>>().join(", ")
}

fn service_ids(scenario: &Scenario) -> Vec<String> {
    scenario.services.iter().map(|node| node.id.clone()).collect()
}

fn bus_ids(scenario: &Scenario) -> Vec<String> {
    scenario.buses.iter().map(|node| node.id.clone()).collect()
}

fn node_ids(scenario: &Scenario) -> Vec<String> {
    let clients = scenario.clients.iter().map(|node| node.id.clone());
    service_ids(scenario).into_iter().chain(bus_ids(scenario)).chain(clients).collect()
}

#[cfg(test)]
mod tests;
