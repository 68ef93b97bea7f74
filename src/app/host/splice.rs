//! The messages of SPLICE (cssplice.org), which course systems hear. An embed keeps its state by them; it does not grade, so
//! it reports no score.

use super::{HostAction, shared};
use crate::app::model::Model;
use crate::scenario::{Scenario, link};
use crate::session::protocol::BranchList;
use serde_json::{Value, json};
use std::rc::Rc;

/// The side of this page.
#[derive(Debug, Default)]
pub(super) struct Splice {
    ids: u32,
    /// The id of the request for the state, until it is answered.
    asked: Option<String>,
    /// The drawing and the live commands that were reported last.
    reported: Option<(Rc<Scenario>, Rc<BranchList>)>,
}

impl Splice {
    /// Returns a new id for a message.
    pub fn next_id(&mut self) -> String {
        self.ids += 1;
        format!("converge-{}", self.ids)
    }

    /// Asks for the state that was kept at the last visit.
    pub fn get_state(&mut self) -> Value {
        let id = self.next_id();
        self.asked = Some(id.clone());
        json!({ "subject": "SPLICE.getState", "message_id": id })
    }

    /// Handles a message, if it is the answer to the request for the state: restores the run.
    pub fn receive(&mut self, data: &Value) -> Option<HostAction> {
        let asked = self.asked.as_deref()?;
        if data["subject"] != "SPLICE.getState.response" || data["message_id"] != asked {
            return None;
        }
        self.asked = None;
        let state = &data["state"];
        let link = state["link"].as_str().or(state.as_str()).filter(|link| !link.is_empty())?;
        Some(HostAction::Open(link.into()))
    }

    /// Reports the state, if it has changed since the last report.
    pub fn report(&mut self, model: &Model) -> Option<Value> {
        if !model.document.is_open() || !model.playback.is_settled() {
            return None;
        }
        let now = (model.document.scenario.clone(), model.branches.clone());
        let before = self.reported.get_or_insert_with(|| now.clone());
        let is_same = Rc::ptr_eq(&before.0, &now.0) && before.1 == now.1;
        if is_same {
            return None;
        }
        self.reported = Some(now);
        let run = link::encode(&shared(model)).ok()?;
        let at = model.run.now as f64 / 1e3;
        let state = json!({ "link": format!("{run}&t={at}") });
        let id = self.next_id();
        Some(json!({ "subject": "SPLICE.reportScoreAndState", "message_id": id, "state": state }))
    }
}
