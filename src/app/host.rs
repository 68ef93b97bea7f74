//! The messages between an embed and the page that embeds it (`&api=1`, `&api=splice`, `&resize=`).
//!
//! [`Host`] receives messages as JSON values, returns what the page must do, and collects the messages to post. It observes
//! the model after each change, so that every event that it posts is something that the engine or the visitor did.

mod command;
mod event;
mod reported;
mod splice;

pub use command::COMMANDS;
pub use event::{EVENTS, HostEventName};

use super::chrome::Locked;
use super::model::{DocumentMsg, Mode, Model, Msg, Origin};
use crate::scenario::{FORMAT, Scenario, link};
use command::Failure;
use reported::Reported;
use serde_json::{Value, json};
use splice::Splice;
use std::collections::BTreeSet;

/// The version of the messages.
pub const VERSION: u64 = 1;
/// The maximum number of requests that wait for the engine at the same time.
const MAX_PENDING: usize = 100;

/// The messages that the address of an embed requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostOptions {
    /// `api=1`: the messages of this page.
    pub messages: bool,
    /// `api=splice`: the messages of SPLICE (cssplice.org).
    pub splice: bool,
    /// `resize=lti`: the height in the message of LTI.
    pub lti: bool,
    /// `resize=h5p`: the height in the message of H5P.
    pub h5p: bool,
}

impl HostOptions {
    /// Returns whether the embed sends or receives any messages.
    pub fn any(self) -> bool {
        self.messages || self.splice || self.lti || self.h5p
    }
}

/// An action that the page must execute.
#[derive(Clone, Debug)]
pub enum HostAction {
    /// Change the model, even where the mode of the embed denies that to the visitor.
    Update(Msg),
    /// Open a link, an example or a document, and report the result to [`Host::opened`].
    Open(String),
    /// Lock the embed, so that the visitor can change and operate nothing, or unlock it.
    Lock(bool),
    /// Send and accept no further messages.
    Destroy,
}

/// The pages that may read a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Any host page, or none.
    Anyone,
    /// The origin that has sent `hello`.
    Origin(String),
}

/// A message to post.
#[derive(Clone, Debug, PartialEq)]
pub struct Outgoing {
    /// The message.
    pub message: Value,
    /// The pages that may read it.
    pub to: Audience,
}

/// A request that the engine has not executed yet.
#[derive(Clone, Debug)]
struct Pending {
    id: Value,
    /// The number of notices when the request arrived.
    notices: u32,
    /// The number of refusals when the request arrived: a later one states why the request was refused.
    refusals: u32,
    /// Whether a document is being opened.
    opens: bool,
    /// Whether the document was opened. A later notice is about it, and refuses nothing.
    has_opened: bool,
}

/// The connection to the host page.
#[derive(Debug)]
pub struct Host {
    options: HostOptions,
    /// The origin of the hello.
    origin: Option<String>,
    /// The events that the host page wants; all if empty.
    events: BTreeSet<String>,
    pending: Vec<Pending>,
    /// Why the document of the address could not be opened, and what is unknown in the address: code and message.
    problems: Vec<(&'static str, String)>,
    destroyed: bool,
    has_interacted: bool,
    reported: Reported,
    splice: Splice,
    outgoing: Vec<Outgoing>,
}

impl Host {
    /// Opens the connection, and announces it.
    pub fn new(options: HostOptions) -> Host {
        let mut host = Host {
            options,
            origin: None,
            events: BTreeSet::new(),
            pending: Vec::new(),
            problems: Vec::new(),
            destroyed: false,
            has_interacted: false,
            reported: Reported::default(),
            splice: Splice::default(),
            outgoing: Vec::new(),
        };
        if options.messages {
            let payload = json!({
                "protocols": [VERSION],
                "build": env!("CARGO_PKG_VERSION"),
                "schema": FORMAT,
                "semantics": link::SEMANTICS_VERSION,
                "capabilities": { "commands": COMMANDS, "events": EVENTS },
            });
            host.post_to(Audience::Anyone, envelope("ready", None, payload));
        }
        if options.splice {
            let message = host.splice.get_state();
            host.post_to(Audience::Anyone, message);
        }
        if options.h5p {
            host.post_to(Audience::Anyone, json!({ "context": "h5p", "action": "hello" }));
        }
        host
    }

    /// Returns whether the host page listens to events of the run.
    pub fn wants_run_events(&self) -> bool {
        self.origin.is_some() && ["publish", "delivered", "dropped", "read"].iter().any(|name| self.wants(name))
    }

    /// Handles a message of the host page. Messages of other programs are ignored.
    pub fn receive(&mut self, data: &Value, origin: &str, model: &Model) -> Vec<HostAction> {
        if self.destroyed {
            return Vec::new();
        }
        if self.options.splice
            && let Some(actions) = self.splice.receive(data)
        {
            return actions;
        }
        if !self.options.messages || data["app"] != "converge" {
            return Vec::new();
        }
        let id = data["id"].clone();
        if data["type"] == "hello" && self.origin.as_deref().is_none_or(|known| known == origin) {
            self.hello(data, origin, model);
            return Vec::new();
        }
        if self.origin.as_deref() != Some(origin) {
            // Before its hello, a page is not known; afterwards, only messages of its origin are accepted.
            return Vec::new();
        }
        let Some(name) = data["type"].as_str() else { return Vec::new() };
        if data["v"] != VERSION {
            self.fail(&id, &Failure::new("version", "v", "1"));
            return Vec::new();
        }
        match command::execute(name, &data["payload"], model) {
            Err(failure) => {
                self.fail(&id, &failure);
                Vec::new()
            }
            Ok(command::Done::Answer(payload)) => {
                self.answer(&id, payload);
                Vec::new()
            }
            Ok(command::Done::Actions(actions)) => self.begin(&id, actions, model),
        }
    }

    fn begin(&mut self, id: &Value, actions: Vec<HostAction>, model: &Model) -> Vec<HostAction> {
        if self.pending.len() >= MAX_PENDING {
            self.fail(id, &Failure::new("busy", "", "fewer requests at the same time"));
            return Vec::new();
        }
        if actions.iter().any(|action| matches!(action, HostAction::Destroy)) {
            self.answer(id, Value::Null);
            self.destroyed = true;
            return actions;
        }
        let opens = actions.iter().any(|action| matches!(action, HostAction::Open(_)));
        self.pending.push(Pending {
            id: id.clone(),
            notices: model.notices.count,
            refusals: model.notices.refusals,
            opens,
            has_opened: false,
        });
        actions
    }

    /// Learns the origin and the wishes of the host page, and reports the state.
    fn hello(&mut self, data: &Value, origin: &str, model: &Model) {
        let payload = &data["payload"];
        let wanted = payload["v"].as_u64().or(data["v"].as_u64());
        let known = self.origin.replace(origin.into());
        if wanted != Some(VERSION) {
            self.fail(&data["id"], &Failure::new("version", "v", "1"));
            self.origin = known;
            return;
        }
        if !matches!(payload["events"], Value::Array(_) | Value::Null) {
            self.fail(&data["id"], &Failure::new("invalid", "payload.events", "a list of names of events"));
            self.origin = known;
            return;
        }
        let names = payload["events"].as_array().map(Vec::as_slice).unwrap_or_default();
        let unknown = names.iter().find(|name| name.as_str().is_none_or(|name| !EVENTS.contains(&name)));
        if let Some(unknown) = unknown {
            let failure = Failure::new("unknown", "events", &EVENTS.join(", "));
            let name: String = unknown.to_string().chars().take(80).collect();
            self.fail(&data["id"], &Failure { message: format!("there is no event {name}"), ..failure });
        }
        self.events = names.iter().filter_map(Value::as_str).map(String::from).collect();
        self.answer(&data["id"], json!({ "v": VERSION }));
        for (code, message) in self.problems.clone() {
            self.post("error", None, json!({ "code": code, "message": message }));
        }
        if self.problems.iter().any(|(code, _)| *code == "link") {
            return;
        }
        if model.playback.is_settled() {
            self.post_loaded(model);
        } else {
            self.reported.forget_document();
        }
    }

    /// Reports the result of opening a document: the one of the address, or the one of the oldest such request.
    pub fn opened(&mut self, problem: Option<&str>) {
        let index = self.pending.iter().position(|pending| pending.opens);
        match (index, problem) {
            // The document before stays.
            (Some(index), Some(problem)) => {
                let pending = self.pending.remove(index);
                self.fail(&pending.id, &Failure { message: problem.into(), ..Failure::new("link", "", "") });
            }
            (Some(index), None) => {
                (self.pending[index].opens, self.pending[index].has_opened) = (false, true);
                self.problems.clear();
            }
            (None, problem) => {
                self.problems.clear();
                if let Some(problem) = problem {
                    self.report_problem("link", problem.into());
                }
            }
        }
    }

    /// Reports parts of the address that are not known.
    pub fn report_unknown(&mut self, parts: &[String]) {
        if !parts.is_empty() {
            self.report_problem("address", format!("unknown or repeated parts of the address: {}", parts.join(", ")));
        }
    }

    fn report_problem(&mut self, code: &'static str, message: String) {
        self.post("error", None, json!({ "code": code, "message": message }));
        self.problems.push((code, message));
    }

    /// Reports that the visitor has pressed a key or a pointer for the first time.
    pub fn interacted(&mut self) {
        if !std::mem::replace(&mut self.has_interacted, true) {
            self.post("firstInteraction", None, json!({}));
        }
    }

    /// Observes the model after a change, at a real time in ms: posts events, and the results of finished requests.
    pub fn observe(&mut self, model: &mut Model, wall: f64) {
        if self.destroyed {
            return;
        }
        model.host.wanted = self.wants_run_events();
        let run_events = model.host.take();
        let predictions = std::mem::take(&mut model.lesson.predictions);
        let judged = std::mem::take(&mut model.tasks.judged);
        if self.options.messages {
            for (name, payload) in self.reported.differences(model, wall, run_events) {
                self.post(name, None, payload);
            }
            for prediction in &predictions {
                self.post("prediction", None, event::prediction(prediction));
            }
            for goal in &judged {
                self.post("goal", None, event::goal(goal));
            }
            if model.playback.is_settled() {
                self.finish(model);
            }
        }
        if self.options.splice
            && let Some(message) = self.splice.report(model)
        {
            self.post_to(self.audience(), message);
        }
    }

    fn post_loaded(&mut self, model: &Model) {
        self.reported.set_document(model);
        self.post("loaded", None, event::loaded(model));
    }

    /// Answers the requests that the engine has executed.
    fn finish(&mut self, model: &Model) {
        let (waiting, finished): (Vec<Pending>, Vec<Pending>) =
            std::mem::take(&mut self.pending).into_iter().partition(|pending| pending.opens);
        self.pending = waiting;
        for pending in finished {
            let notice = model.notices.notice.as_ref().filter(|_| model.notices.count > pending.notices);
            let is_refused = model.notices.refusals > pending.refusals && !pending.has_opened;
            match notice.filter(|_| is_refused) {
                Some(notice) => {
                    let refused = Failure { message: notice.clone(), ..Failure::new("refused", "", "") };
                    self.fail(&pending.id, &refused);
                }
                None => {
                    let mut answer = event::clock(model);
                    if let Some(notice) = notice {
                        answer["notice"] = json!(notice);
                    }
                    self.answer(&pending.id, answer);
                }
            }
        }
    }

    /// Reports the height at which everything has room.
    pub fn report_height(&mut self, height: f64) {
        if !self.reported.is_new_height(height) {
            return;
        }
        let height = height.round();
        if self.options.messages {
            self.post_to(Audience::Anyone, envelope("resize", None, json!({ "height": height })));
        }
        if self.options.lti || self.options.splice {
            let message =
                json!({ "subject": "lti.frameResize", "message_id": self.splice.next_id(), "height": height });
            self.post_to(Audience::Anyone, message);
        }
        if self.options.h5p {
            let message = json!({ "context": "h5p", "action": "resize", "scrollHeight": height });
            self.post_to(Audience::Anyone, message);
        }
    }

    /// Returns the messages to post since the last call.
    pub fn take_outgoing(&mut self) -> Vec<Outgoing> {
        std::mem::take(&mut self.outgoing)
    }

    fn wants(&self, name: &str) -> bool {
        self.events.is_empty() || self.events.contains(name)
    }

    fn audience(&self) -> Audience {
        self.origin.clone().map_or(Audience::Anyone, Audience::Origin)
    }

    /// Posts an event, if the host page has sent `hello` and wants it.
    fn post(&mut self, name: &'static str, id: Option<&Value>, payload: Value) {
        let is_response = id.is_some();
        if let Some(origin) = self.origin.clone()
            && (is_response || name == "error" || self.wants(name))
        {
            self.post_to(Audience::Origin(origin), envelope(name, id, payload));
        }
    }

    fn answer(&mut self, id: &Value, payload: Value) {
        self.post("result", Some(id), payload);
    }

    fn fail(&mut self, id: &Value, failure: &Failure) {
        self.post("error", Some(id), failure.payload());
    }

    fn post_to(&mut self, to: Audience, message: Value) {
        if self.destroyed {
            return;
        }
        self.outgoing.push(Outgoing { message, to });
    }
}

/// The actions that the visitor of an embed may execute while its host page acts.
#[derive(Clone, Copy, Debug)]
pub struct VisitorRights {
    mode: Mode,
    locked: Locked,
}

/// Lets the host page act: its author may do what its visitors may not. Returns what the visitor may do, for
/// [`end_host_action`].
pub fn begin_host_action(model: &mut Model, msg: &Msg) -> VisitorRights {
    if matches!(msg, Msg::Document(DocumentMsg::Edit(_))) {
        model.document.origin = Origin::Own;
    }
    let locked = std::mem::take(&mut model.locked);
    VisitorRights { mode: std::mem::replace(&mut model.mode, Mode::Edit), locked }
}

/// Lets the visitor act again.
pub fn end_host_action(model: &mut Model, rights: VisitorRights) {
    (model.mode, model.locked) = (rights.mode, rights.locked);
}

/// Returns the drawing of a model with all live commands, as a link contains it.
fn shared(model: &Model) -> Scenario {
    model.run_record().shared()
}

/// A message in its envelope.
fn envelope(name: &str, id: Option<&Value>, payload: Value) -> Value {
    let mut message = json!({ "app": "converge", "v": VERSION, "type": name, "payload": payload });
    if let Some(id) = id.filter(|id| !id.is_null()) {
        message["id"] = id.clone();
    }
    message
}

#[cfg(test)]
mod tests;
