//! The messages of SPLICE (cssplice.org), a protocol of course systems. An embed saves and restores its state by them, and reports
//! a score: for a task, the share of the points of the last answer; for a lesson, the share of the questions that were right on
//! the first try.

use super::{HostAction, shared};
use crate::app::kept_answers::Tries;
use crate::app::model::{LessonMsg, Model, Msg, TaskMsg};
use crate::scenario::{Scenario, link};
use crate::session::protocol::BranchList;
use serde_json::{Value, json};
use std::rc::Rc;

/// This page's state of the exchange with the course system.
#[derive(Debug, Default)]
pub(super) struct Splice {
    ids: u32,
    /// The id of the request for the state, until it is answered.
    state_request: Option<String>,
    /// The content of the last report.
    reported: Option<Reported>,
}

/// The drawing, the live commands, the answers to a lesson, and the records and the score of tasks.
type Reported = (Rc<Scenario>, Rc<BranchList>, Tries, Option<String>, Option<(u32, u32)>);

impl Splice {
    /// Returns a new id for a message.
    pub fn next_id(&mut self) -> String {
        self.ids += 1;
        format!("converge-{}", self.ids)
    }

    /// Returns the request for the state that the course system kept at the last visit.
    pub fn get_state(&mut self) -> Value {
        let id = self.next_id();
        self.state_request = Some(id.clone());
        json!({ "subject": "SPLICE.getState", "message_id": id })
    }

    /// Handles a message, if it is the answer to the request for the state: restores the run.
    pub fn receive(&mut self, data: &Value) -> Option<Vec<HostAction>> {
        let request = self.state_request.as_deref()?;
        if data["subject"] != "SPLICE.getState.response" || data["message_id"] != request {
            return None;
        }
        self.state_request = None;
        let state = &data["state"];
        if state["lesson"].is_object() {
            let tries = serde_json::from_value(state["lesson"]["answers"].clone()).unwrap_or_default();
            return Some(vec![HostAction::Update(Msg::Lesson(LessonMsg::Restore(tries)))]);
        }
        let mut actions = Vec::new();
        if state["tasks"].is_object() {
            actions.push(HostAction::Update(Msg::Task(TaskMsg::Restore(state["tasks"].to_string()))));
        }
        let link = state["link"].as_str().or(state.as_str()).filter(|link| !link.is_empty());
        actions.extend(link.map(|link| HostAction::Open(link.into())));
        Some(actions)
    }

    /// Reports the state, if it has changed since the last report.
    pub fn report(&mut self, model: &Model) -> Option<Value> {
        if !model.document.is_open() || !model.playback.is_settled() {
            return None;
        }
        let (scenario, branches, tries) =
            (model.document.scenario.clone(), model.branches.clone(), model.lesson.tries.clone());
        let now = (scenario, branches, tries, model.tasks.kept.clone(), model.tasks.score);
        let is_same = match &self.reported {
            Some(before) => {
                let has_same_run = Rc::ptr_eq(&before.0, &now.0) && before.1 == now.1;
                has_same_run && (&before.2, &before.3, &before.4) == (&now.2, &now.3, &now.4)
            }
            // The visitor may have been faster than the connection to the host page.
            None => !model.document.can_undo(),
        };
        self.reported = Some(now);
        if is_same {
            return None;
        }
        let run = link::encode(&shared(model)).ok()?;
        let at = model.run.now as f64 / 1e3;
        let mut state = json!({ "link": format!("{run}&t={at}") });
        let id = self.next_id();
        let mut message = json!({ "subject": "SPLICE.reportScoreAndState", "message_id": id });
        if let Some(records) = model.task().and(model.tasks.kept.as_deref()) {
            state["tasks"] = serde_json::from_str(records).unwrap_or_default();
        }
        if let Some((points, of)) = model.tasks.score.filter(|(_, of)| *of > 0) {
            message["score"] = json!(f64::from(points) / f64::from(of));
        }
        if let Some(page) = model.lesson.page() {
            let (right, _, all) = model.lesson.score();
            state["lesson"] = json!({ "id": page.id, "answers": model.lesson.tries });
            if all > 0 {
                message["score"] = json!(right as f64 / all as f64);
            }
        }
        message["state"] = state;
        Some(message)
    }
}
