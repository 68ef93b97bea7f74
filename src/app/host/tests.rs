use super::*;
use crate::app::model::test_page::{TestPage, write};
use crate::app::model::{Opening, PlaybackMsg};
use crate::language::{Language, in_language};
use crate::scenario::link::decode;

const ORIGIN: &str = "https://course.example";

/// A page that is embedded: after each message of the host, its actions are executed.
struct Embedded {
    page: TestPage,
    host: Host,
    wall: f64,
    received: Vec<Outgoing>,
}

impl Embedded {
    fn new(options: HostOptions) -> Embedded {
        let (page, host) = (TestPage::new(), Host::new(options));
        let mut embedded = Embedded { page, host, wall: 0.0, received: Vec::new() };
        embedded.serve();
        embedded
    }

    /// An embed whose host has sent `hello`.
    fn greeted(events: &[&str]) -> Embedded {
        let mut embedded = Embedded::new(HostOptions { messages: true, ..HostOptions::default() });
        let hello = json!({ "app": "converge", "v": 1, "type": "hello", "payload": { "v": 1, "events": events } });
        embedded.post(&hello);
        embedded.received.clear();
        embedded
    }

    fn serve(&mut self) {
        for _ in 0..20 {
            self.wall += 1000.0;
            self.page.update(Msg::Tick(self.wall));
            self.host.observe(&mut self.page.model, self.wall);
        }
        self.received.extend(self.host.take_outgoing());
    }

    fn post(&mut self, message: &Value) {
        self.post_from(message, ORIGIN);
    }

    fn post_from(&mut self, message: &Value, origin: &str) {
        for action in self.host.receive(message, origin, &self.page.model) {
            match action {
                HostAction::Update(msg) => self.page.update(msg),
                HostAction::Open(_) | HostAction::Lock(_) | HostAction::Destroy => {}
            }
        }
        self.serve();
    }

    /// Posts a command, and returns its answer: the type and the payload.
    fn command(&mut self, name: &str, payload: Value) -> (String, Value) {
        self.post(&json!({ "app": "converge", "v": 1, "type": name, "id": 7, "payload": payload }));
        let answer = self.received.iter().rev().find(|outgoing| outgoing.message["id"] == 7).expect("an answer");
        (answer.message["type"].as_str().expect("a type").into(), answer.message["payload"].clone())
    }

    /// Returns the payloads of the events of one name.
    fn events(&self, name: &str) -> Vec<Value> {
        let named = self.received.iter().filter(|outgoing| outgoing.message["type"] == name);
        named.map(|outgoing| outgoing.message["payload"].clone()).collect()
    }
}

#[test]
fn before_the_hello_only_ready_is_sent_and_no_command_is_executed() {
    let mut embedded = Embedded::new(HostOptions { messages: true, ..HostOptions::default() });
    let types: Vec<&Value> = embedded.received.iter().map(|outgoing| &outgoing.message["type"]).collect();
    assert_eq!(types, [&json!("ready")]);
    assert_eq!(embedded.events("ready")[0]["protocols"], json!([1]));
    embedded.post(&json!({ "app": "converge", "v": 1, "type": "play", "id": 1 }));
    assert!(!embedded.page.model.playback.playing());
    assert_eq!(embedded.received.len(), 1, "nothing is sent to a page that has not sent hello");
}

#[test]
fn only_messages_of_the_origin_of_the_hello_are_accepted_and_answered() {
    let mut embedded = Embedded::greeted(&[]);
    let play = json!({ "app": "converge", "v": 1, "type": "play", "id": 1 });
    embedded.post_from(&play, "https://other.example");
    assert!(!embedded.page.model.playback.playing());
    embedded.post(&play);
    assert!(embedded.page.model.playback.playing());
    assert!(embedded.received.iter().all(|outgoing| outgoing.to == Audience::Origin(ORIGIN.into())));
}

#[test]
fn an_update_is_reported_from_its_publication_to_its_convergence() {
    let mut embedded = Embedded::greeted(&[]);
    assert_eq!(embedded.command("publish", json!({ "node": "inventory", "key": "widget", "value": 7 })).0, "result");
    assert_eq!(embedded.command("seek", json!({ "t": 3000 })).0, "result");
    // A jump reports no events of the way, as it may lead anywhere.
    assert_eq!(embedded.events("seek")[0]["t"], 3000.0);
    let mut embedded = Embedded::greeted(&[]);
    embedded.command("publish", json!({ "node": "inventory", "key": "widget", "value": 7 }));
    embedded.command("play", Value::Null);
    for _ in 0..200 {
        embedded.serve();
    }
    let published = &embedded.events("publish")[0];
    assert_eq!(
        (&published["node"], &published["key"], &published["value"]),
        (&json!("inventory"), &json!("widget"), &json!(7))
    );
    let delivered = embedded.events("delivered");
    assert!(
        delivered.iter().any(|message| message["to"] == "notification" && message["key"] == "widget"),
        "{delivered:?}"
    );
    let states: Vec<Value> = embedded.events("replicaState");
    let of_notification = states.iter().filter(|state| state["replica"] == "notification");
    let words: Vec<&str> = of_notification.filter_map(|state| state["state"].as_str()).collect();
    assert_eq!(words, ["stale", "consistent"]);
    assert!(embedded.events("converged")[0]["tookMs"].as_f64().expect("a duration") > 0.0);
    assert!(!embedded.events("timeUpdate").is_empty() && embedded.events("ended").len() == 1);
    let verdicts = embedded.events("verdict");
    assert!(verdicts.iter().any(|verdict| verdict["guarantee"] == "convergence" && verdict["result"] == "holds"));
}

#[test]
fn a_verdict_is_named_by_an_id_that_does_not_depend_on_its_title() {
    let invariant = "inventory.widget >= 0";
    let mut scenario = Scenario::first();
    scenario.invariants = vec![invariant.into()];
    for language in Language::ALL {
        let mut embedded = Embedded::greeted(&["verdict"]);
        embedded.page.update(Msg::Document(DocumentMsg::Open(Box::new(Opening::own(scenario.clone())))));
        in_language(language, || {
            embedded.command("publish", json!({ "node": "inventory", "key": "widget", "value": 7 }));
            embedded.command("play", Value::Null);
            (0..200).for_each(|_| embedded.serve());
        });
        let verdicts = embedded.events("verdict");
        let ids: BTreeSet<&str> = verdicts.iter().filter_map(|verdict| verdict["guarantee"].as_str()).collect();
        for id in ["convergence", "linearizable", "read-your-writes", "no-lost-update", invariant] {
            assert!(ids.contains(id), "{language:?}: {id}: {ids:?}");
        }
        assert!(verdicts.iter().all(|verdict| verdict["title"] != verdict["guarantee"]), "{verdicts:?}");
    }
}

#[test]
fn a_host_receives_only_the_events_that_it_requested() {
    let mut embedded = Embedded::greeted(&["pause"]);
    embedded.command("play", Value::Null);
    embedded.command("pause", Value::Null);
    let types: Vec<&str> = embedded.received.iter().filter_map(|outgoing| outgoing.message["type"].as_str()).collect();
    assert_eq!(types, ["result", "pause", "result"]);
}

#[test]
fn a_fault_of_the_host_is_the_script_s_command_and_heals() {
    let mut embedded = Embedded::greeted(&[]);
    let fault = json!({ "fault": { "crash": { "service": "notification" } } });
    assert_eq!(embedded.command("injectFault", fault).0, "result");
    assert_eq!(embedded.events("fault")[0]["node"], "notification");
    assert_eq!(embedded.command("heal", Value::Null).0, "result");
    assert_eq!(embedded.events("healed")[0]["kind"], "crash");
}

#[test]
fn a_wrong_field_is_reported_with_path_and_expectation_and_changes_nothing() {
    let mut embedded = Embedded::greeted(&[]);
    let before = (embedded.page.model.run.digest.clone(), embedded.page.model.document.scenario.clone());
    let cases = [
        ("seek", json!({ "t": -1 }), "payload.t", "a number from 0"),
        ("seek", json!({ "t": "soon" }), "payload.t", "a number from 0"),
        ("setSpeed", json!({ "speed": 0 }), "payload.speed", "a number from 0.01"),
        ("setTheme", json!({ "theme": "pink" }), "payload.theme", "auto, light or dark"),
        ("freeze", json!({}), "payload.frozen", "true or false"),
        ("publish", json!({ "node": "nobody" }), "payload.node", "one of inventory"),
        ("publish", json!({ "node": "inventory", "key": "k" }), "payload.value", "a value"),
        ("load", json!({}), "payload", "one of link, example and scenario"),
        ("load", json!({ "scenario": { "services": [{}] } }), "payload.scenario", ""),
        ("injectFault", json!({ "fault": { "explode": {} } }), "payload.fault", ""),
        ("injectFault", json!({ "fault": { "crash": { "service": "nobody" } } }), "payload.fault", ""),
        ("injectFault", json!({}), "payload.fault", ""),
        ("set", json!({ "path": "inventory.wings", "value": 2 }), "payload.path", ""),
        ("set", json!({ "path": "inventory.concurrency" }), "payload.value", "a value"),
    ];
    for (name, payload, path, expected) in cases {
        let (kind, error) = embedded.command(name, payload.clone());
        assert_eq!(kind, "error", "{name} {payload}");
        let text = |field: &str| error[field].as_str().unwrap_or_default().to_string();
        assert!(text("path").starts_with(path), "{name} {payload}: {error}");
        assert!(text("expected").contains(expected) && !text("message").is_empty(), "{name} {payload}: {error}");
    }
    assert_eq!(embedded.command("dance", Value::Null).1["code"], "unknown");
    assert_eq!(embedded.page.model.run.digest, before.0);
    assert_eq!(embedded.page.model.document.scenario, before.1);
}

#[test]
fn a_field_that_the_host_sets_is_an_edit() {
    let mut embedded = Embedded::greeted(&[]);
    assert_eq!(embedded.command("set", json!({ "path": "inventory.concurrency", "value": 3 })).0, "result");
    assert_eq!(embedded.events("edited").len(), 1);
    let (_, answer) = embedded.command("getScenario", Value::Null);
    assert_eq!(answer["scenario"]["services"][0]["concurrency"], 3);
}

#[test]
fn a_state_restores_the_run_with_its_live_commands() {
    let mut embedded = Embedded::greeted(&[]);
    embedded.command("publish", json!({ "node": "inventory", "key": "widget", "value": 7 }));
    embedded.command("seek", json!({ "t": 400 }));
    let (_, state) = embedded.command("getState", Value::Null);
    assert_eq!(state["t"], 400.0);
    let opened = decode(state["link"].as_str().expect("a link")).expect("a valid link");
    assert_eq!((opened.at, opened.scenario.script.len()), (Some(400_000), 1));
    assert_eq!(opened.digest.as_deref(), state["digest"].as_str());
    let copies = state["copies"].as_array().expect("copies");
    assert!(copies.iter().any(|copy| copy["replica"] == "inventory" && copy["value"] == 7), "{copies:?}");
    let restored = embedded.host.receive(
        &json!({ "app": "converge", "v": 1, "type": "setState", "id": 8, "payload": state }),
        ORIGIN,
        &embedded.page.model,
    );
    assert!(matches!(&restored[..], [HostAction::Open(link)] if state["link"] == **link));
}

#[test]
fn a_link_that_does_not_open_is_an_error_with_its_reason() {
    let mut embedded = Embedded::new(HostOptions { messages: true, ..HostOptions::default() });
    embedded.host.opened(Some("This link is damaged."));
    embedded.host.report_unknown(&["wat=1".into()]);
    let hello = json!({ "app": "converge", "v": 1, "type": "hello", "payload": { "v": 1 } });
    embedded.post(&hello);
    assert!(!embedded.events("error").is_empty());
    embedded.post(&json!({ "app": "converge", "v": 1, "type": "load", "id": 7, "payload": { "link": "1r.x" } }));
    embedded.host.opened(Some("This link is damaged."));
    embedded.serve();
    let failed = embedded.received.iter().find(|outgoing| outgoing.message["id"] == 7).expect("an answer");
    assert_eq!(failed.message["payload"]["message"], "This link is damaged.");
}

#[test]
fn a_hello_of_another_origin_or_with_invalid_content_is_ignored() {
    let mut embedded = Embedded::greeted(&["pause"]);
    let hello = |payload: Value| json!({ "app": "converge", "v": 1, "type": "hello", "id": 3, "payload": payload });
    embedded.post_from(&hello(json!({ "v": 1 })), "https://other.example");
    assert_eq!(embedded.received, Vec::new(), "another origin is not answered");
    for payload in
        [json!({ "v": 2 }), json!({ "v": 1, "events": "pause" }), json!({ "v": 1, "events": { "pause": 1 } })]
    {
        embedded.received.clear();
        embedded.post(&hello(payload.clone()));
        let types: Vec<&Value> = embedded.received.iter().map(|outgoing| &outgoing.message["type"]).collect();
        assert_eq!(types, [&json!("error")], "{payload}");
    }
    // The first hello still counts.
    embedded.received.clear();
    embedded.command("play", Value::Null);
    embedded.command("pause", Value::Null);
    assert_eq!(embedded.events("pause").len(), 1);
    assert_eq!(embedded.events("play").len(), 0);
}

#[test]
fn unknown_parts_of_the_address_are_an_error_beside_the_loaded_document() {
    let mut embedded = Embedded::new(HostOptions { messages: true, ..HostOptions::default() });
    embedded.host.opened(None);
    embedded.host.report_unknown(&["wat=1".into()]);
    embedded.post(&json!({ "app": "converge", "v": 1, "type": "hello", "payload": { "v": 1 } }));
    let errors = embedded.events("error");
    assert_eq!(errors.iter().map(|error| &error["code"]).collect::<Vec<_>>(), [&json!("address")]);
    assert_eq!(embedded.events("loaded").len(), 1);
}

#[test]
fn a_document_that_opens_with_a_notice_is_a_result_with_the_notice() {
    let mut embedded = Embedded::greeted(&[]);
    let load = json!({ "app": "converge", "v": 1, "type": "load", "id": 7, "payload": { "link": "1d.x" } });
    embedded.post(&load);
    // The page opens it, and reports that the engine has changed since.
    embedded.host.opened(None);
    embedded.page.update(Msg::Document(crate::app::model::DocumentMsg::OpenFirst));
    embedded.page.update(Msg::Notify("The engine has changed since this link was made.".into()));
    embedded.serve();
    let answer = embedded.received.iter().find(|outgoing| outgoing.message["id"] == 7).expect("an answer");
    assert_eq!(answer.message["type"], "result");
    assert_eq!(answer.message["payload"]["notice"], "The engine has changed since this link was made.");
}

#[test]
fn a_reset_that_discards_live_commands_is_a_result_with_a_notice() {
    let mut embedded = Embedded::greeted(&[]);
    embedded.command("publish", json!({ "node": "inventory", "key": "widget", "value": 7 }));
    embedded.command("play", Value::Null);
    let (kind, answer) = embedded.command("reset", Value::Null);
    assert_eq!((kind.as_str(), &answer["t"]), ("result", &json!(0.0)), "{answer}");
    assert_eq!(answer["notice"], "The live commands were discarded. Undo brings them back.");
}

#[test]
fn splice_restores_the_state_and_reports_each_change() {
    let mut embedded = Embedded::new(HostOptions { splice: true, ..HostOptions::default() });
    let asked = embedded.received[0].message.clone();
    assert_eq!(asked["subject"], "SPLICE.getState");
    let state = json!({ "link": "ex=lost-event&t=5" });
    let answer = json!({ "subject": "SPLICE.getState.response", "message_id": asked["message_id"], "state": state });
    let actions = embedded.host.receive(&answer, ORIGIN, &embedded.page.model);
    assert!(matches!(&actions[..], [HostAction::Open(link)] if link == "ex=lost-event&t=5"));
    // A second answer restores nothing, nor does one without the id.
    for second in [answer, json!({ "subject": "SPLICE.getState.response", "state": state })] {
        assert!(embedded.host.receive(&second, ORIGIN, &embedded.page.model).is_empty());
    }
    embedded.received.clear();
    embedded.page.update(write(7));
    embedded.serve();
    let reports: Vec<&Value> = embedded.received.iter().map(|outgoing| &outgoing.message).collect();
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert_eq!(reports[0]["subject"], "SPLICE.reportScoreAndState");
    assert_eq!(reports[0].get("score"), None, "nothing was graded");
    assert!(decode(reports[0]["state"]["link"].as_str().expect("a link")).is_ok());
}

#[test]
fn splice_reports_a_change_that_was_made_before_the_connection() {
    let mut embedded = Embedded::new(HostOptions::default());
    embedded.page.update(write(7));
    embedded.host = Host::new(HostOptions { splice: true, ..HostOptions::default() });
    embedded.serve();
    let subjects: Vec<&Value> = embedded.received.iter().map(|outgoing| &outgoing.message["subject"]).collect();
    assert_eq!(subjects, ["SPLICE.getState", "SPLICE.reportScoreAndState"]);
    // An embed without changes reports nothing.
    let untouched = Embedded::new(HostOptions { splice: true, ..HostOptions::default() });
    assert_eq!(untouched.received.len(), 1);
}

#[test]
fn the_height_is_reported_once_in_each_dialect() {
    let all = HostOptions { messages: true, splice: false, lti: true, h5p: true };
    let mut embedded = Embedded::new(all);
    embedded.received.clear();
    embedded.host.report_height(420.4);
    embedded.host.report_height(420.4);
    embedded.serve();
    let messages: Vec<Value> = embedded.received.iter().map(|outgoing| outgoing.message.clone()).collect();
    assert_eq!(messages.len(), 3);
    assert_eq!(messages[0]["payload"]["height"], 420.0);
    assert_eq!((&messages[1]["subject"], &messages[1]["height"]), (&json!("lti.frameResize"), &json!(420.0)));
    assert_eq!((&messages[2]["context"], &messages[2]["scrollHeight"]), (&json!("h5p"), &json!(420.0)));
}

#[test]
fn a_destroyed_embed_sends_no_more_messages() {
    let mut embedded = Embedded::greeted(&[]);
    embedded.command("destroy", Value::Null);
    embedded.received.clear();
    embedded.page.update(Msg::Playback(PlaybackMsg::Seek(100_000)));
    embedded.serve();
    embedded.post(&json!({ "app": "converge", "v": 1, "type": "play", "id": 9 }));
    embedded.host.interacted();
    embedded.host.opened(Some("This link is damaged."));
    embedded.host.report_unknown(&["wat=1".into()]);
    embedded.host.report_height(900.0);
    embedded.serve();
    assert_eq!(embedded.received, Vec::new());
}

#[test]
fn messages_of_other_programs_and_invalid_messages_are_ignored() {
    let mut embedded = Embedded::greeted(&[]);
    for message in [
        json!(null),
        json!("play"),
        json!(7),
        json!([1, 2]),
        json!({}),
        json!({ "app": "other", "type": "play" }),
        json!({ "app": "converge", "v": 1 }),
        json!({ "app": "converge", "v": 1, "type": 5 }),
        json!({ "subject": "SPLICE.getState.response" }),
    ] {
        embedded.post(&message);
    }
    assert_eq!(embedded.received, Vec::new());
    embedded.post(&json!({ "app": "converge", "v": 2, "type": "play", "id": 1 }));
    assert_eq!(embedded.events("error")[0]["code"], "version");
}

/// A document whose run halts at 1 s: a poison message is delivered again and again within one instant.
const HALTING: &str = r#"{"converge": 1, "until_ms": 5000, "default_latency": {"constant": {"ms": 0}}, "services": [
    {"id": "a", "service_time": {"constant": {"ms": 0}}, "publishes": [{"to": "b"}]},
    {"id": "w", "subscribes": [{"to": "b", "processing": {"constant": {"ms": 0}}}]}], "buses": [{"id": "b"}], "script": [
    {"at_ms": 1000, "do": {"operate": {"service": "a", "operation": {"write": {"key": "k", "value": 1}}, "poison": true}}}
]}"#;

#[test]
fn a_command_on_whose_way_the_run_halts_is_answered_with_the_reason_and_is_not_refused() {
    let mut embedded = Embedded::greeted(&["halted"]);
    let scenario = Scenario::from_json(HALTING).expect("a valid scenario");
    embedded.page.update(Msg::Document(DocumentMsg::Open(Box::new(Opening::own(scenario)))));
    embedded.serve();
    embedded.received.clear();
    let (kind, payload) = embedded.command("seek", json!({ "t": 3000 }));
    assert_eq!((kind.as_str(), &payload["t"]), ("result", &json!(1000.0)), "{payload}");
    let notice = payload["notice"].as_str().expect("a notice");
    assert!(notice.contains("halted at 1 s: more than 500000 events happened at one instant"), "{notice}");
    assert_eq!(embedded.events("halted"), [json!({ "t": 1000.0, "text": notice })]);
    // The run before that instant can be used.
    let (kind, payload) = embedded.command("seek", json!({ "t": 500 }));
    assert_eq!((kind.as_str(), &payload["t"]), ("result", &json!(500.0)), "{payload}");
    let fault = json!({ "fault": { "crash": { "service": "w" } } });
    assert_eq!(embedded.command("injectFault", fault).0, "result");
}

/// The schema that the page publishes.
const SCHEMA: &str = include_str!("../../../www/messages.schema.json");

#[test]
fn the_schema_describes_each_command_and_each_event() {
    let schema: Value = serde_json::from_str(SCHEMA).expect("JSON");
    let names = |part: &str| {
        let described = schema["$defs"][part].as_object().expect("an object");
        described.keys().map(String::as_str).collect::<BTreeSet<&str>>()
    };
    assert_eq!(names("commands"), COMMANDS.into_iter().chain(["hello"]).collect());
    assert_eq!(names("events"), EVENTS.into_iter().collect());
}

#[test]
fn each_event_has_the_fields_of_the_schema() {
    let schema: Value = serde_json::from_str(SCHEMA).expect("JSON");
    let mut embedded = Embedded::greeted(&[]);
    embedded.command("injectFault", json!({ "fault": { "crash": { "service": "notification" } } }));
    embedded.command("publish", json!({ "node": "inventory", "key": "widget", "value": 7 }));
    embedded.command("play", Value::Null);
    for _ in 0..50 {
        embedded.serve();
    }
    embedded.command("heal", Value::Null);
    for _ in 0..150 {
        embedded.serve();
    }
    let mut seen = BTreeSet::new();
    for Outgoing { message, .. } in &embedded.received {
        let name = message["type"].as_str().expect("a type");
        let described = &schema["$defs"]["events"][name];
        if name == "result" {
            continue;
        }
        let payload = message["payload"].as_object().expect("fields");
        let known = described["properties"].as_object().expect("fields");
        assert!(payload.keys().all(|field| known.contains_key(field)), "{name} {payload:?}");
        let required = described["required"].as_array().expect("a list");
        assert!(
            required.iter().all(|field| payload.contains_key(field.as_str().expect("a name"))),
            "{name} {payload:?}"
        );
        seen.insert(name);
    }
    for name in ["publish", "delivered", "dropped", "fault", "healed", "replicaState", "verdict", "timeUpdate", "pause"]
    {
        assert!(seen.contains(name), "{name} was not posted: {seen:?}");
    }
}

#[test]
fn each_command_is_executed_or_reports_the_wrong_field() {
    for name in COMMANDS {
        let (kind, payload) = Embedded::greeted(&[]).command(name, Value::Null);
        assert!(kind == "result" || payload["path"].is_string(), "{name}: {payload}");
        assert_ne!(payload["code"], "unknown", "{name}");
    }
}
