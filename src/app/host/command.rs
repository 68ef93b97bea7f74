//! The commands of the host page.

use super::{HostAction, event, shared};
use crate::app::model::{DocumentMsg, LiveMsg, Model, Msg, PlaybackMsg, PreferencesMsg, Theme};
use crate::scenario::{Command, Scenario, ScenarioError, Step, link, micros};
use serde_json::{Value, json};

/// The commands, besides `hello`.
pub const COMMANDS: [&str; 19] = [
    "load",
    "getScenario",
    "getLink",
    "getState",
    "setState",
    "play",
    "pause",
    "step",
    "stepBack",
    "seek",
    "setSpeed",
    "reset",
    "publish",
    "injectFault",
    "heal",
    "set",
    "freeze",
    "setTheme",
    "destroy",
];

/// The maximum speed, in virtual seconds per second.
const MAX_SPEED: f64 = 100.0;
/// The latest time, ms.
const MAX_TIME: f64 = 1e9;

/// Why a command is not executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// A stable word: `version`, `unknown`, `invalid`, `link`, `refused`, `busy`.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// The field that is wrong; empty for the whole message.
    pub path: String,
    /// What was expected; empty if the message states it.
    pub expected: String,
}

impl Failure {
    /// Creates a failure whose message states what was expected at a path.
    pub fn new(code: &'static str, path: &str, expected: &str) -> Failure {
        let prefix = if path.is_empty() { String::new() } else { format!("{path}: ") };
        Failure { code, message: format!("{prefix}expected {expected}"), path: path.into(), expected: expected.into() }
    }

    /// The payload of the error message.
    pub fn payload(&self) -> Value {
        let mut payload = json!({ "code": self.code, "message": self.message });
        for (name, text) in [("path", &self.path), ("expected", &self.expected)] {
            if !text.is_empty() {
                payload[name] = json!(text);
            }
        }
        payload
    }
}

/// What a command leads to.
pub(super) enum Done {
    /// An answer at once.
    Answer(Value),
    /// Actions; the answer follows once the engine has executed them.
    Actions(Vec<HostAction>),
}

/// Executes a command, or returns what the page must do for it.
pub(super) fn execute(name: &str, payload: &Value, model: &Model) -> Result<Done, Failure> {
    let update = |msg| Ok(Done::Actions(vec![HostAction::Update(msg)]));
    let playback = |msg| update(Msg::Playback(msg));
    let live = |command| update(Msg::Live(LiveMsg::Execute(command)));
    match name {
        "load" => load(payload),
        "getScenario" => Ok(Done::Answer(json!({ "scenario": shared(model).to_value() }))),
        "getLink" => Ok(Done::Answer(json!({ "link": run_link(model)? }))),
        "getState" => Ok(Done::Answer(event::state(model, run_link(model).ok()))),
        "setState" => {
            let link = text(payload, "link")?;
            Ok(Done::Actions(vec![HostAction::Open(link.into())]))
        }
        "play" if model.playback.playing() => Ok(Done::Answer(event::clock(model))),
        "play" => playback(PlaybackMsg::Toggle),
        "pause" => playback(PlaybackMsg::Pause),
        "step" => playback(PlaybackMsg::Step),
        "stepBack" => playback(PlaybackMsg::StepBack),
        "reset" => playback(PlaybackMsg::Reset),
        "seek" => playback(PlaybackMsg::Seek(micros(number(payload, "t", 0.0, MAX_TIME)?))),
        "setSpeed" => playback(PlaybackMsg::Speed(number(payload, "speed", 0.01, MAX_SPEED)?)),
        "publish" => publish(payload, model),
        "injectFault" => live(command(&payload["fault"], model)?),
        "heal" => live(Command::HealAll),
        "set" => set(payload, model),
        "freeze" => match payload["frozen"].as_bool() {
            Some(locked) => Ok(Done::Actions(vec![HostAction::Lock(locked)])),
            None => Err(Failure::new("invalid", "payload.frozen", "true or false")),
        },
        "setTheme" => match payload["theme"].as_str() {
            Some(word @ ("auto" | "light" | "dark")) => {
                update(Msg::Preferences(PreferencesMsg::Theme(Theme::from_word(word))))
            }
            Some(_) | None => Err(Failure::new("invalid", "payload.theme", "auto, light or dark")),
        },
        "destroy" => {
            Ok(Done::Actions(vec![HostAction::Update(Msg::Playback(PlaybackMsg::Pause)), HostAction::Destroy]))
        }
        _ => Err(Failure::new("unknown", "type", &COMMANDS.join(", "))),
    }
}

/// The link of the run: with its live commands, time and digest.
fn run_link(model: &Model) -> Result<String, Failure> {
    let link = link::encode(&shared(model)).map_err(|error| Failure {
        message: error.to_string(),
        ..Failure::new("link", "", "a drawing that fits into a link")
    })?;
    if model.run.now == 0 {
        return Ok(link);
    }
    Ok(format!("{link}&t={}&digest={}", model.run.now as f64 / 1e3, model.run.digest))
}

fn load(payload: &Value) -> Result<Done, Failure> {
    let open = |text: String| Ok(Done::Actions(vec![HostAction::Open(text)]));
    match (&payload["link"], &payload["example"], &payload["scenario"]) {
        (Value::String(link), Value::Null, Value::Null) => open(link.clone()),
        (Value::Null, Value::String(id), Value::Null) => open(format!("#ex={id}")),
        (Value::Null, Value::Null, scenario @ Value::Object(_)) => match Scenario::from_value(scenario) {
            Ok(_) => open(scenario.to_string()),
            Err(errors) => Err(invalid("payload.scenario", &errors)),
        },
        _ => Err(Failure::new("invalid", "payload", "one of link, example and scenario")),
    }
}

/// The first error of a document, with the path from the message.
fn invalid(prefix: &str, errors: &[ScenarioError]) -> Failure {
    let first = errors.first().cloned().unwrap_or_else(|| ScenarioError::new("", "is not valid"));
    let path = if first.path.is_empty() { prefix.to_string() } else { format!("{prefix}.{}", first.path) };
    Failure { code: "invalid", message: format!("{path}: {}", first.problem), path, expected: first.problem }
}

fn publish(payload: &Value, model: &Model) -> Result<Done, Failure> {
    let node = match &payload["node"] {
        Value::Null => None,
        Value::String(id) => Some(id),
        _ => return Err(Failure::new("invalid", "payload.node", "the id of a service")),
    };
    let services = &model.document.scenario.services;
    let index = match node {
        Some(id) => match services.iter().position(|service| service.id == *id) {
            Some(index) => Some(index),
            None => {
                let ids: Vec<&str> = services.iter().map(|service| &*service.id).collect();
                return Err(Failure::new("invalid", "payload.node", &format!("one of {}", ids.join(", "))));
            }
        },
        None => model.writer(),
    };
    let Some(index) = index else {
        return Err(Failure::new("refused", "", "a drawing with a service"));
    };
    let id = &services[index].id;
    let written = match (&payload["key"], &payload["value"]) {
        (Value::Null, Value::Null) => model.next_update_at(index),
        (Value::String(key), value) if !value.is_null() => {
            let step =
                json!({ "operate": { "service": id, "operation": { "write": { "key": key, "value": value } } } });
            Some(command(&step, model)?)
        }
        (Value::String(_), _) => return Err(Failure::new("invalid", "payload.value", "a value")),
        _ => return Err(Failure::new("invalid", "payload.key", "the name of a key")),
    };
    match written {
        Some(command) => Ok(Done::Actions(vec![HostAction::Update(Msg::Live(LiveMsg::Execute(command)))])),
        None => Err(Failure::new("refused", "", "a service that can publish")),
    }
}

/// Reads a command as in the script of a document, and checks it in this drawing.
fn command(fault: &Value, model: &Model) -> Result<Command, Failure> {
    let mut document = Scenario { script: Vec::new(), ..Scenario::clone(&model.document.scenario) }.to_value();
    document["script"] = json!([{ "at_ms": 0, "do": fault }]);
    let read = Scenario::from_value(&document).and_then(|scenario| scenario.validate().map(|()| scenario));
    let scenario = read.map_err(|errors| {
        let inside = |error: &ScenarioError| {
            let path = error.path.strip_prefix("script[0].do").map(|path| path.trim_start_matches('.'));
            ScenarioError::new(path.unwrap_or(&error.path), &*error.problem)
        };
        invalid("payload.fault", &errors.iter().map(inside).collect::<Vec<ScenarioError>>())
    })?;
    let step: Option<Step> = scenario.script.into_iter().next();
    step.map(|step| step.command).ok_or_else(|| Failure::new("invalid", "payload.fault", "a command of the script"))
}

/// Sets a field of a node or group: `{path: "inventory.concurrency", value: 2}`.
fn set(payload: &Value, model: &Model) -> Result<Done, Failure> {
    let path = text(payload, "path")?;
    let value = match &payload["value"] {
        Value::Null => return Err(Failure::new("invalid", "payload.value", "a value")),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match model.document.scenario.with_setting(path, &value) {
        Ok(scenario) => {
            let edit = Msg::Document(DocumentMsg::Edit(Box::new(scenario)));
            Ok(Done::Actions(vec![HostAction::Update(edit)]))
        }
        Err(problem) => Err(Failure {
            message: format!("{path}: {problem}"),
            path: format!("payload.path {path}"),
            ..Failure::new("invalid", "", &problem)
        }),
    }
}

fn text<'a>(payload: &'a Value, field: &str) -> Result<&'a str, Failure> {
    let path = format!("payload.{field}");
    payload[field].as_str().filter(|text| !text.is_empty()).ok_or_else(|| Failure::new("invalid", &path, "a text"))
}

fn number(payload: &Value, field: &str, min: f64, max: f64) -> Result<f64, Failure> {
    let expected = || Failure::new("invalid", &format!("payload.{field}"), &format!("a number from {min} to {max}"));
    payload[field].as_f64().filter(|number| (min..=max).contains(number)).ok_or_else(expected)
}
