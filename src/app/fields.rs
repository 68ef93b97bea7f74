//! What the inspector shows: every field of what is selected, with its unit, its choices and what it means. Pure;
//! the component draws whatever stands here, and a test proves that no field of the document is forgotten.

mod client;
mod command;
mod group;
mod histogram;
mod latency;
mod messaging;
mod node;
mod scenario;

pub use histogram::Histogram;

use super::canvas_item::CanvasItem;
use super::edit::Path;
use crate::scenario::Scenario;
use serde_json::Value as Json;

/// How a field is edited.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// One line of text.
    Text,
    /// Several lines of text.
    Note,
    /// A number; the document holds what is typed times `scale`. Empty means absent where that is allowed.
    Number {
        /// What the typed number is multiplied by.
        scale: f64,
        /// May be left empty.
        optional: bool,
    },
    /// A whole number, a text, or texts and numbers with commas in braces.
    Value,
    /// Numbers, one a line.
    Numbers,
    /// Lists of ids: commas within a list, bars between lists.
    Groups,
    /// Ids, with commas.
    Ids,
    /// Yes or no.
    Toggle,
    /// One of several; each with the value that the field gets.
    Choice(Vec<(String, Json)>),
}

/// A field of the document.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Where it stands in the document.
    pub path: Path,
    /// What people call it.
    pub label: String,
    /// Its unit, shown in its box.
    pub unit: &'static str,
    /// How it is edited.
    pub kind: Kind,
    /// What it holds, as it is typed.
    pub text: String,
    /// What it means.
    pub help: &'static str,
    /// Of a preset that is in force: what of the real system is not modelled.
    pub leaves_out: Option<&'static str>,
}

/// A button that appends to a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Adder {
    /// What it says.
    pub label: String,
    /// The list; where `asks_name` is set, the object that gets a field of the typed name.
    pub path: Path,
    /// What is appended.
    pub item: Json,
    /// It asks for a name first, with this as its label.
    pub asks_name: Option<&'static str>,
}

/// Fields that belong together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Section {
    /// Its heading.
    pub title: String,
    /// Its fields.
    pub fields: Vec<Field>,
    /// What taking it out removes, if it can be taken out.
    pub remove: Option<Path>,
    /// What can be added to it.
    pub adders: Vec<Adder>,
}

/// The sections of what is selected; of the scenario itself where nothing is.
pub fn sections(scenario: &Scenario, selected: Option<&CanvasItem>) -> Vec<Section> {
    match selected {
        None => scenario::sections(scenario),
        Some(CanvasItem::Link { from, to }) => scenario::link_sections(scenario, from, to),
        Some(CanvasItem::Node(id)) => {
            if let Some(i) = scenario.services.iter().position(|node| node.id == *id) {
                let mut sections = node::service(scenario, i);
                // What a member does is its group's.
                if let Some(group) = scenario.groups.iter().position(|group| group.members.contains(id)) {
                    sections.splice(1..1, group::sections(scenario, group));
                }
                sections
            } else if let Some(i) = scenario.groups.iter().position(|group| group.id == *id) {
                group::sections(scenario, i)
            } else if let Some(i) = scenario.buses.iter().position(|node| node.id == *id) {
                node::bus(scenario, i)
            } else if let Some(i) = scenario.clients.iter().position(|node| node.id == *id) {
                client::sections(scenario, i)
            } else {
                Vec::new()
            }
        }
    }
}

/// The name of a node or group, and where its card stands if the drawing says so.
pub fn identity(scenario: &Scenario, id: &str) -> Vec<Field> {
    let at = |list: &str, i: usize| At::new(&[list]).to(i);
    if let Some(i) = scenario.services.iter().position(|node| node.id == id) {
        node::identity(&at("services", i), &scenario.services[i].name, scenario.services[i].position)
    } else if let Some(i) = scenario.buses.iter().position(|node| node.id == id) {
        node::identity(&at("buses", i), &scenario.buses[i].name, scenario.buses[i].position)
    } else if let Some(i) = scenario.clients.iter().position(|node| node.id == id) {
        node::identity(&at("clients", i), &scenario.clients[i].name, scenario.clients[i].position)
    } else if let Some(i) = scenario.groups.iter().position(|group| group.id == id) {
        node::identity(&at("groups", i), &scenario.groups[i].name, None)
    } else {
        Vec::new()
    }
}

/// What a typed text means for the document.
///
/// # Errors
/// It cannot be read; says what is expected.
pub fn parse(kind: &Kind, typed: &str) -> Result<Json, String> {
    let typed = typed.trim();
    match kind {
        Kind::Text | Kind::Note => Ok(if typed.is_empty() { Json::Null } else { typed.into() }),
        Kind::Number { optional: true, .. } if typed.is_empty() => Ok(Json::Null),
        Kind::Number { scale, .. } => {
            let number = crate::scenario::number(&typed.replace(',', ".")).ok_or("A number is expected.")?;
            if *scale == PERCENT && !(0.0..=100.0).contains(&number) {
                return Err("Between 0 and 100 %.".into());
            }
            number_of(rounded(number * scale))
        }
        Kind::Value => Ok(value_of(typed)),
        Kind::Numbers => {
            let words =
                typed.split(|c: char| c.is_whitespace() || c == ',' || c == ';').filter(|word| !word.is_empty());
            let numbers = words.enumerate().map(|(i, word)| {
                let number = crate::scenario::number(word)
                    .ok_or_else(|| format!("The {}. entry, “{word}”, is not a number.", i + 1))?;
                number_of(number)
            });
            numbers.collect::<Result<Vec<Json>, String>>().map(Json::Array)
        }
        Kind::Groups => Ok(Json::Array(typed.split('|').map(words).collect())),
        Kind::Ids => Ok(words(typed)),
        Kind::Toggle => Ok(Json::Bool(typed == "true")),
        Kind::Choice(choices) => {
            let chosen = choices.iter().find(|(label, _)| label == typed);
            chosen.map(|(_, value)| value.clone()).ok_or_else(|| "One of the list is expected.".into())
        }
    }
}

/// Words between commas.
fn words(list: &str) -> Json {
    Json::Array(list.split(',').map(str::trim).filter(|word| !word.is_empty()).map(Json::from).collect())
}

/// What turns percent into a share.
const PERCENT: f64 = 0.01;

/// Without the dust that multiplying by 0.01 leaves.
fn rounded(number: f64) -> f64 {
    (number * 1e9).round() / 1e9
}

fn number_of(number: f64) -> Result<Json, String> {
    if number.fract() == 0.0 && number.abs() < 9e15 {
        return Ok((number as i64).into());
    }
    serde_json::Number::from_f64(number).map(Json::Number).ok_or_else(|| "A finite number is expected.".into())
}

/// `{a, 3}` is a set, `{size: 3}` a map, `[a, 3]` a list, `3` a number, anything else a text.
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

/// Builds the fields of one part of the document.
struct At(Path);

impl At {
    fn new(path: &[&str]) -> At {
        At(path.iter().map(ToString::to_string).collect())
    }

    fn to(&self, step: impl ToString) -> At {
        let mut path = self.0.clone();
        path.push(step.to_string());
        At(path)
    }

    fn field(
        &self,
        name: &str,
        label: &str,
        unit: &'static str,
        kind: Kind,
        text: String,
        help: &'static str,
    ) -> Field {
        Field { path: self.to(name).0, label: label.into(), unit, kind, text, help, leaves_out: None }
    }

    fn text(&self, name: &str, label: &str, text: &str, help: &'static str) -> Field {
        self.field(name, label, "", Kind::Text, text.into(), help)
    }

    fn number(&self, name: &str, label: &str, unit: &'static str, number: impl Into<f64>, help: &'static str) -> Field {
        let kind = Kind::Number { scale: 1.0, optional: false };
        self.field(name, label, unit, kind, number.into().to_string(), help)
    }

    fn optional(&self, name: &str, label: &str, unit: &'static str, number: Option<f64>, help: &'static str) -> Field {
        let kind = Kind::Number { scale: 1.0, optional: true };
        self.field(name, label, unit, kind, number.map(|n| n.to_string()).unwrap_or_default(), help)
    }

    fn percent(&self, name: &str, label: &str, share: f64, help: &'static str) -> Field {
        let kind = Kind::Number { scale: PERCENT, optional: false };
        self.field(name, label, "%", kind, rounded(share * 100.0).to_string(), help)
    }

    fn toggle(&self, name: &str, label: &str, on: bool, help: &'static str) -> Field {
        self.field(name, label, "", Kind::Toggle, on.to_string(), help)
    }

    /// One of several; `chosen` is a label.
    fn choice(&self, name: &str, label: &str, choices: Vec<(&str, Json)>, chosen: &str, help: &'static str) -> Field {
        let choices = choices.into_iter().map(|(label, value)| (label.to_string(), value)).collect();
        self.field(name, label, "", Kind::Choice(choices), chosen.into(), help)
    }

    /// One of several for the part as a whole.
    fn whole(&self, label: &str, choices: Vec<(&str, Json)>, chosen: &str, help: &'static str) -> Field {
        let choices = choices.into_iter().map(|(label, value)| (label.to_string(), value)).collect();
        let (path, kind) = (self.0.clone(), Kind::Choice(choices));
        Field { path, label: label.into(), unit: "", kind, text: chosen.into(), help, leaves_out: None }
    }

    /// Whose defaults it has, of those that are offered or its own: the name, and what that leaves out.
    fn imitates(&self, choices: Vec<(&str, Json)>, like: Option<(&'static str, &'static str)>) -> Field {
        let help = "The defaults of a real system, or settings of its own.";
        let field = self.whole("Imitates", choices, like.map_or("its own", |(name, _)| name), help);
        Field { leaves_out: like.map(|(_, leaves_out)| leaves_out), ..field }
    }

    /// One of the ids that fit.
    fn id(&self, name: &str, label: &str, ids: Vec<String>, chosen: &str, help: &'static str) -> Field {
        let choices = ids.into_iter().map(|id| (id.clone(), id.into())).collect();
        self.field(name, label, "", Kind::Choice(choices), chosen.into(), help)
    }

    fn value(&self, name: &str, label: &str, value: &crate::scenario::Value, help: &'static str) -> Field {
        self.field(name, label, "", Kind::Value, value.to_string(), help)
    }

    fn groups(&self, name: &str, label: &str, groups: &[Vec<String>], help: &'static str) -> Field {
        let lists: Vec<String> = groups.iter().map(|group| group.join(", ")).collect();
        self.field(name, label, "", Kind::Groups, lists.join(" | "), help)
    }

    fn adder(&self, label: &str, item: Json) -> Adder {
        Adder { label: label.into(), path: self.0.clone(), item, asks_name: None }
    }
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
