//! The outline's commands. They take the same paths as gestures and keys on the canvas.

use super::{Effect, Model};
use crate::app::outline::OutlineMsg;

impl Model {
    pub(super) fn update_outline(&mut self, msg: OutlineMsg, effects: &mut Vec<Effect>) {
        self.redraw.page = true;
        match msg {
            OutlineMsg::Toggle => {
                self.outline.open = !self.outline.open;
                self.diagram.open &= !self.outline.open;
                self.panels.menu = None;
                let focus = self.selection.focus.clone().filter(|_| !self.outline.open);
                effects.push(focus.map_or(Effect::FocusCanvas, Effect::Focus));
            }
            OutlineMsg::ToggleFaults(item) => {
                let is_open = self.outline.faults_of.as_ref() == Some(&item);
                self.outline.faults_of = (!is_open).then_some(item);
            }
            OutlineMsg::Connect { from, to } => {
                if self.may_edit() {
                    self.connect(&from, &to, effects);
                }
            }
            OutlineMsg::Delete(item) => self.delete_row(item, effects),
            OutlineMsg::Publish(node) => self.publish_at(Some(node), effects),
        }
    }
}
