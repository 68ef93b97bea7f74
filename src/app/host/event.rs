//! The payloads of events and answers.

use super::shared;
use crate::app::lesson_view::Prediction;
use crate::app::model::Model;
use crate::app::task_view::JudgedGoal;
use crate::scenario::Micros;
use crate::session::protocol::{
    Change, CopyState, HostEvent, HostEventKind, HostMessage, Mark, MarkKind, ServiceView, VerdictStatus,
    VerdictSubject, VerdictView,
};
use crate::trace::{NodeId, Version};
use serde_json::{Value, json};

/// The name of an event.
pub type HostEventName = &'static str;

/// The events.
pub const EVENTS: [HostEventName; 23] = [
    "ready",
    "error",
    "loaded",
    "firstInteraction",
    "play",
    "pause",
    "seek",
    "timeUpdate",
    "publish",
    "delivered",
    "dropped",
    "fault",
    "healed",
    "read",
    "replicaState",
    "converged",
    "verdict",
    "prediction",
    "goal",
    "edited",
    "ended",
    "halted",
    "resize",
];

fn ms(at: Micros) -> f64 {
    at as f64 / 1e3
}

/// The id of a node.
fn node(id: NodeId, model: &Model) -> Value {
    model.scene.nodes.get(id.index()).map_or(Value::Null, |node| json!(&*node.id))
}

/// A version: its counter, or the reading of the wall clock that made it, ms.
fn version(version: Version) -> Value {
    match (version.is_none(), version.reading()) {
        (true, _) => Value::Null,
        (false, Some(reading)) => json!({ "writtenAtMs": reading as f64 / 1e3 }),
        (false, None) => json!(version.counter),
    }
}

/// An answer to a question of a lesson.
pub(super) fn prediction(prediction: &Prediction) -> Value {
    json!({ "questionId": prediction.question, "answer": prediction.answer, "correct": prediction.correct })
}

/// A goal of a task that was judged.
pub(super) fn goal(goal: &JudgedGoal) -> Value {
    json!({ "id": goal.goal, "task": goal.task, "met": goal.met })
}

/// The present time, and whether the run plays.
pub(super) fn clock(model: &Model) -> Value {
    json!({ "t": ms(model.run.now), "playing": model.playback.playing(), "digest": model.run.digest })
}

/// Describes the loaded drawing. The hash is the same for the same drawing.
pub(super) fn loaded(model: &Model) -> Value {
    let scenario = shared(model);
    let hash = xxhash_rust::xxh3::xxh3_64(scenario.to_json().as_bytes());
    json!({ "scenarioHash": format!("{hash:016x}"), "title": scenario.title, "seed": scenario.seed,
        "t": ms(model.run.now), "untilMs": ms(model.run.until) })
}

/// The state of the run: the answer to `getState`, which `setState` restores.
pub(super) fn state(model: &Model, link: Option<String>) -> Value {
    let copies = model.run.services.iter().flat_map(|service| {
        service.rows.iter().map(move |row| {
            json!({ "replica": node(service.node, model), "key": row.key, "value": row.value, "siblings": row.siblings,
                "version": row.version.map_or(Value::Null, version), "state": row.state.name(), "behind": row.behind })
        })
    });
    let copies: Vec<Value> = copies.collect();
    let verdicts: Vec<Value> = model.verdicts.findings.iter().filter_map(verdict).collect();
    json!({ "t": ms(model.run.now), "playing": model.playback.playing(), "speed": model.playback.speed(),
        "digest": model.run.digest, "link": link, "copies": copies, "verdicts": verdicts, "halted": model.run.halted })
}

/// Returns the payload of `verdict` for a finding about convergence, an invariant or a guarantee; `None` for the explanation of a
/// copy.
pub(super) fn verdict(finding: &VerdictView) -> Option<Value> {
    let guarantee = match finding.about {
        VerdictSubject::Convergence => "convergence",
        VerdictSubject::Invariant | VerdictSubject::Guarantee => &finding.id,
        VerdictSubject::Copy => return None,
    };
    let result = match finding.status {
        VerdictStatus::Holds => "holds",
        VerdictStatus::Violated => "violated",
        VerdictStatus::Pending => "pending",
        VerdictStatus::Unknown => "unknown",
    };
    Some(json!({ "guarantee": guarantee, "result": result, "title": finding.title }))
}

/// The state of a service's copies.
pub(super) fn replica_state(view: &ServiceView, model: &Model) -> Value {
    json!({ "replica": node(view.node, model), "state": view.state.name(), "stale": view.state == CopyState::Stale,
        "behind": view.behind, "t": ms(model.run.now) })
}

/// Returns the event that a mark of the timeline reports, if any.
pub(super) fn mark(mark: &Mark, model: &Model) -> Option<(HostEventName, Value)> {
    let (event, kind) = match mark.kind {
        MarkKind::Crash => ("fault", "crash"),
        MarkKind::Cut => ("fault", "cut"),
        MarkKind::Fault => ("fault", "fault"),
        MarkKind::Restart => ("healed", "crash"),
        MarkKind::Heal => ("healed", "cut"),
        MarkKind::FaultEnded => ("healed", "fault"),
        MarkKind::Converged => {
            let took = model.run.summary.window.as_ref().map(|window| ms(window.took));
            return Some(("converged", json!({ "t": ms(mark.at), "tookMs": took })));
        }
        MarkKind::Update | MarkKind::FirstStale | MarkKind::Lost => return None,
    };
    let to = mark.to.map_or(Value::Null, |to| node(to, model));
    let payload =
        json!({ "kind": kind, "node": node(mark.node, model), "to": to, "t": ms(mark.at), "text": mark.label });
    Some((event, payload))
}

/// An event of the engine.
pub(super) fn run_event(event: &HostEvent, model: &Model) -> (HostEventName, Value) {
    let t = ms(event.at);
    match &event.kind {
        HostEventKind::Published { node: at, change: Change { key, value, version: made } } => (
            "publish",
            json!({ "key": key, "value": value, "version": version(*made), "node": node(*at, model), "t": t }),
        ),
        HostEventKind::Delivered(message) => ("delivered", message_payload(message, t, model)),
        HostEventKind::Dropped { message, cause } => {
            let mut payload = message_payload(message, t, model);
            payload["reason"] = json!(cause);
            ("dropped", payload)
        }
        HostEventKind::Read { by, replica, key, version: read, behind } => (
            "read",
            json!({ "replica": node(*replica, model), "by": node(*by, model), "key": key, "version": version(*read),
                "stale": *behind > 0, "behind": behind, "t": t }),
        ),
    }
}

fn message_payload(message: &HostMessage, t: f64, model: &Model) -> Value {
    json!({ "from": node(message.from, model), "to": node(message.to, model), "kind": message.kind, "key": message.key,
        "t": t })
}
