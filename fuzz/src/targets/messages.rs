//! Messages of a host page to an embed.
//!
//! An input is a list of messages; a field `origin` replaces the origin of one. The first may be `{"options": [...]}`.

use super::Target;
use crate::random::Random;
use crate::{json, text};
use converge::app::host::{Audience, Host, HostAction, HostOptions, Outgoing, begin_host_action, end_host_action};
use converge::app::model::{DocumentMsg, Effect, Mode, Model, Msg, Opening, Sizes, ViewportMsg, update};
use converge::scenario::{Scenario, link};
use converge::session::Session;
use converge::session::protocol::{FromEngine, Report};
use serde_json::{Value, json};
use std::cell::Cell;

pub const TARGET: Target = Target { name: "messages", seeds, change, check, memory: 64 << 20 };

const ORIGIN: &str = "https://course.example";
/// Frames of the screen after each message.
const FRAMES: usize = 3;
/// The maximum number of messages of one input.
const MAX_MESSAGES: usize = 12;

fn message(name: &str, payload: Value) -> Value {
    json!({ "app": "converge", "v": 1, "type": name, "id": name, "payload": payload })
}

fn seeds() -> Vec<String> {
    let hello = message("hello", json!({ "v": 1, "events": ["publish", "converged", "verdict"] }));
    let all = message("hello", json!({ "v": 1 }));
    let first = Scenario::first().to_value();
    let commands = [
        ("load", json!({ "example": "lost-event" })),
        ("load", json!({ "link": "ex=outbox&t=5&seed=3" })),
        ("load", json!({ "scenario": first })),
        ("getScenario", json!(null)),
        ("getLink", json!(null)),
        ("getState", json!(null)),
        ("setState", json!({ "link": "ex=lost-event&t=100" })),
        ("play", json!(null)),
        ("pause", json!(null)),
        ("step", json!(null)),
        ("stepBack", json!(null)),
        ("seek", json!({ "t": 400 })),
        ("setSpeed", json!({ "speed": 2 })),
        ("reset", json!(null)),
        ("publish", json!({ "node": "inventory", "key": "widget", "value": 7 })),
        ("publish", json!({})),
        ("injectFault", json!({ "fault": { "crash": { "service": "notification" } } })),
        ("injectFault", json!({ "fault": { "cut_link": { "from": "inventory", "to": "notification" } } })),
        ("heal", json!(null)),
        ("set", json!({ "path": "inventory.concurrency", "value": 2 })),
        ("freeze", json!({ "frozen": true })),
        ("setTheme", json!({ "theme": "dark" })),
        ("destroy", json!(null)),
    ];
    let mut seeds: Vec<Value> = commands
        .iter()
        .map(|(name, payload)| json!([hello, message(name, payload.clone()), message("step", json!(null))]))
        .collect();
    let publish = message("publish", json!({ "node": "inventory", "key": "widget", "value": 7 }));
    let play = message("play", json!(null));
    seeds.push(json!([all, publish, play, message("seek", json!({ "t": 1000 })), message("getState", json!(null))]));
    seeds.push(json!([publish, play, { "app": "other" }, 7, null]));
    let state = json!({ "link": "ex=lost-event" });
    let splice = json!({ "subject": "SPLICE.getState.response", "message_id": "converge-1", "state": state });
    seeds.push(json!([{ "options": ["messages", "splice", "lti", "h5p"] }, splice, hello, publish]));
    let mut other = play.clone();
    other["origin"] = json!("https://other.example");
    seeds.push(json!([hello, other, hello]));
    seeds.into_iter().map(|seed| seed.to_string()).collect()
}

fn change(messages: &str, donor: &str, random: &mut Random) -> String {
    if random.once_in(32) {
        return text::changed(messages, donor, &[], random);
    }
    let (Ok(value), Ok(donor)) = (serde_json::from_str(messages), serde_json::from_str::<Value>(donor)) else {
        return text::changed(messages, donor, &[], random);
    };
    let mut changed = json::changed(&value, &donor, random);
    // A command of the other input, so that commands meet in every order.
    if let (Value::Array(list), Some(others)) = (&mut changed, donor.as_array().filter(|others| !others.is_empty())) {
        list.insert(random.below(list.len() + 1), random.pick(others).clone());
        list.truncate(MAX_MESSAGES);
    }
    text::limited(changed.to_string())
}

thread_local! {
    /// An embed whose last host page has changed nothing: to make one takes most of the time.
    static IDLE: Cell<Option<Embed>> = const { Cell::new(None) };
    /// The clock of the session. It advances when it is read, so a request does the same work in every run.
    static CLOCK: Cell<f64> = const { Cell::new(0.0) };
}

fn clock() -> f64 {
    CLOCK.set(CLOCK.get() + 1.0);
    CLOCK.get()
}

/// The time that one request may take, in readings of the clock.
const SLICE: f64 = 4.0;

/// An embed with its engine.
struct Embed {
    model: Model,
    session: Session,
    host: Host,
    unlocked_mode: Option<Mode>,
    wall: f64,
    heard: Vec<Outgoing>,
}

impl Embed {
    fn new() -> Embed {
        CLOCK.set(0.0);
        let mut embed = Embed {
            model: Model { mode: Mode::Play, ..Model::default() },
            session: Session::with_clock(clock, SLICE),
            host: Host::new(HostOptions::default()),
            unlocked_mode: None,
            wall: 0.0,
            heard: Vec::new(),
        };
        let canvas = (800.0, 480.0);
        let sizes = Sizes { canvas, room: canvas, unit: 1.0, ..Sizes::default() };
        embed.update(Msg::Viewport(ViewportMsg::Resized(sizes)));
        embed.update(Msg::Document(DocumentMsg::OpenFirst));
        embed.update(Msg::Engine(FromEngine { epoch: 0, report: Report::Ready }.into()));
        embed.draw();
        embed
    }

    /// Begins the exchange with a host page.
    fn connect(&mut self, options: HostOptions) {
        self.host = Host::new(options);
        self.host.opened(None);
        self.heard.clear();
        self.host.observe(&mut self.model, self.wall);
        self.post();
    }

    fn update(&mut self, msg: Msg) {
        for effect in update(&mut self.model, msg) {
            if let Effect::Send(request) = effect {
                let answer = self.session.handle(*request);
                self.update(Msg::Engine(answer.into()));
            }
        }
    }

    /// Draws frames of the screen.
    fn draw(&mut self) {
        for _ in 0..FRAMES {
            self.wall += 100.0;
            self.update(Msg::Tick(self.wall));
            self.host.observe(&mut self.model, self.wall);
        }
    }

    fn post(&mut self) {
        self.heard.extend(self.host.take_outgoing());
    }

    /// Does what the page does for an action.
    fn act(&mut self, action: HostAction) {
        match action {
            HostAction::Update(msg) => {
                let rights = begin_host_action(&mut self.model, &msg);
                self.update(msg);
                end_host_action(&mut self.model, rights);
            }
            HostAction::Open(text) => {
                let opened = match text.starts_with('{') {
                    true => {
                        Scenario::from_json(&text).map(|scenario| (scenario, 0)).map_err(|errors| errors[0].to_string())
                    }
                    false => link::decode(&text)
                        .map(|opened| (opened.scenario, opened.at.unwrap_or_default()))
                        .map_err(|error| error.to_string()),
                };
                self.host.opened(opened.as_ref().err().map(String::as_str));
                if let Ok((scenario, at)) = opened {
                    self.update(Msg::Document(DocumentMsg::Open(Box::new(Opening { at, ..Opening::own(scenario) }))));
                }
            }
            HostAction::Lock(true) if self.unlocked_mode.is_none() => {
                self.unlocked_mode = Some(std::mem::replace(&mut self.model.mode, Mode::View));
            }
            HostAction::Lock(locks) => {
                if let Some(mode) = self.unlocked_mode.take_if(|_| !locks) {
                    self.model.mode = mode;
                }
            }
            HostAction::Destroy => {}
        }
    }
}

fn options(first: Option<&Value>) -> HostOptions {
    let Some(words) = first.and_then(|first| first["options"].as_array()) else {
        return HostOptions { messages: true, ..HostOptions::default() };
    };
    let has = |word: &str| words.iter().any(|other| other == word);
    HostOptions { messages: has("messages"), splice: has("splice"), lti: has("lti"), h5p: has("h5p") }
}

fn check(input: &str) -> Result<String, String> {
    let Ok(Value::Array(messages)) = serde_json::from_str(input) else { return Ok("no list".into()) };
    let mut embed = IDLE.take().unwrap_or_else(Embed::new);
    embed.connect(options(messages.first()));
    let (mut kinds, mut has_acted) = (Vec::new(), false);
    for message in messages.iter().take(MAX_MESSAGES) {
        let origin = message["origin"].as_str().unwrap_or(ORIGIN);
        let before = (embed.model.run.digest.clone(), embed.model.document.scenario.clone());
        let heard = embed.heard.len();
        let actions = embed.host.receive(message, origin, &embed.model);
        let is_refused = actions.is_empty();
        has_acted |= !is_refused;
        for action in actions {
            embed.act(action);
        }
        if is_refused && before != (embed.model.run.digest.clone(), embed.model.document.scenario.clone()) {
            return Err("a message without actions changes the run".into());
        }
        if has_acted {
            embed.draw();
        }
        embed.post();
        for Outgoing { message, to } in &embed.heard[heard..] {
            check_outgoing(message, to)?;
            kinds.push(format!("{} {}", message["type"], message["payload"]["code"]));
        }
    }
    check_answers(&messages, &embed)?;
    if !has_acted {
        // Nothing has changed, so the next input may have this embed.
        IDLE.set(Some(embed));
    }
    kinds.sort();
    kinds.dedup();
    Ok(kinds.join(",").replace('"', ""))
}

/// Checks a message of the embed.
fn check_outgoing(message: &Value, to: &Audience) -> Result<(), String> {
    let kind = message["type"].as_str().unwrap_or_default();
    let is_ours = message["app"] == "converge";
    if is_ours && *to == Audience::Anyone && !["ready", "resize"].contains(&kind) {
        return Err(format!("{kind} goes out to any page"));
    }
    if kind == "error" && message["payload"]["message"].as_str().is_none_or(str::is_empty) {
        return Err("an error has no message".into());
    }
    if let Some(link) = message["payload"]["link"].as_str() {
        link::decode(link).map_err(|error| format!("the embed posts a link that is refused: {error}"))?;
    }
    Ok(())
}

/// Checks that each request has at most one answer, and exactly one if the engine is idle.
fn check_answers(messages: &[Value], embed: &Embed) -> Result<(), String> {
    let mut ids: Vec<&Value> = messages.iter().take(MAX_MESSAGES).map(|message| &message["id"]).collect();
    ids.retain(|id| !id.is_null());
    let answers = |id: &Value| {
        let is_answer = |outgoing: &&Outgoing| {
            matches!(outgoing.message["type"].as_str(), Some("result" | "error")) && outgoing.message["id"] == *id
        };
        embed.heard.iter().filter(is_answer).count()
    };
    for id in &ids {
        let asked = ids.iter().filter(|other| *other == id).count();
        let answered = answers(id);
        // A hello may be answered twice: by an error about its events, and by the result.
        let hellos = messages.iter().filter(|message| message["type"] == "hello" && message["id"] == **id).count();
        if answered > asked + hellos {
            return Err(format!("{asked} requests with the same id have {answered} answers"));
        }
    }
    Ok(())
}
