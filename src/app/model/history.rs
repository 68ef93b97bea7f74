//! The history of the drawing: edit, undo, redo, and keeping the result as the visitor's work.

use super::{CanvasItem, Effect, Mode, Model, Origin, Redraw};
use crate::scenario::{Command, Scenario};
use crate::session::protocol::{BranchList, Request};
use std::rc::Rc;

/// How much longer the run lasts when it is extended: in ms, and in µs.
const EXTENSION: (f64, u64) = (5_000.0, 5_000_000);

impl Model {
    /// Replaces the drawing by a changed one, or notifies the visitor why the change is impossible.
    pub(super) fn try_edit(&mut self, changed: Result<Scenario, String>, effects: &mut Vec<Effect>) {
        match changed {
            Ok(scenario) => self.edit(scenario, effects),
            Err(why) => self.notify(why),
        }
    }

    /// Replaces the drawing by a changed one, as one step of undo. The engine runs it again up to the same time.
    pub(super) fn edit(&mut self, scenario: Scenario, effects: &mut Vec<Effect>) {
        if scenario == *self.document.scenario {
            return;
        }
        self.document.undo.push(std::mem::replace(&mut self.document.scenario, Rc::new(scenario)));
        self.document.redo.clear();
        self.apply_edit(effects);
    }

    pub(super) fn undo(&mut self, effects: &mut Vec<Effect>) {
        if let Some(before) = self.document.undo.pop() {
            self.document.redo.push(std::mem::replace(&mut self.document.scenario, before));
            self.apply_edit(effects);
        }
    }

    pub(super) fn redo(&mut self, effects: &mut Vec<Effect>) {
        if let Some(after) = self.document.redo.pop() {
            self.document.undo.push(std::mem::replace(&mut self.document.scenario, after));
            self.apply_edit(effects);
        }
    }

    fn apply_edit(&mut self, effects: &mut Vec<Effect>) {
        self.playback.enqueue(Request::Edit { scenario: Box::new(Scenario::clone(&self.document.scenario)) });
        // The engine does not answer requests about the run before the edit.
        self.measurement.follow(&self.document.scenario);
        if let Some(request) = self.measurement.next() {
            self.playback.enqueue(request);
        }
        if self.drawn.is_needed() {
            self.draw_branches();
        }
        self.update_scene();
        self.deselect_missing_items();
        if self.document.origin == Origin::Own && self.mode == Mode::App {
            self.keep(effects);
        }
        self.redraw = Redraw { page: true, paint: true };
    }

    fn deselect_missing_items(&mut self) {
        let scene = self.scene.clone();
        let exists = |item: &CanvasItem| match item {
            CanvasItem::Node(id) => {
                scene.find(id).is_some() || scene.areas.iter().any(|area| !area.region && area.id == *id)
            }
            CanvasItem::Link { from, to } => {
                scene.links.iter().any(|link| *scene.nodes[link.from].id == **from && *scene.nodes[link.to].id == **to)
            }
        };
        if !self.selection.items.iter().all(exists) {
            self.select(self.selection.items.iter().filter(|item| exists(item)).cloned().collect());
        }
    }

    /// Keeps the drawing as the visitor's work. The work before it, if it is another drawing, is set aside.
    pub(super) fn keep(&mut self, effects: &mut Vec<Effect>) {
        if !std::mem::replace(&mut self.document.is_work, true) {
            effects.push(Effect::SetAside);
        }
        effects.push(Effect::KeepWork(self.document.scenario.clone()));
    }

    /// Keeps the branches with the visitor's work when the engine has reported another list of them.
    pub(super) fn keep_branches(&mut self, before: &Rc<BranchList>, effects: &mut Vec<Effect>) {
        let has_branches = !self.document.scenario.branches.is_empty() && !before.list.is_empty();
        let is_own = self.document.origin == Origin::Own && self.mode == Mode::App;
        if has_branches && is_own && !Rc::ptr_eq(before, &self.branches) {
            self.keep(effects);
        }
    }

    /// Lets the run last longer and plays it. `then` is executed once the engine has the longer run.
    pub(super) fn extend(&mut self, then: Option<Command>, effects: &mut Vec<Effect>) {
        let mut scenario = Scenario::clone(&self.document.scenario);
        scenario.until_ms += EXTENSION.0;
        self.edit(scenario, effects);
        // The engine's answer contains the new end; the clock need not wait for it.
        self.playback.lengthen(EXTENSION.1);
        if let Some(command) = then {
            self.execute_live(command);
        }
        self.playback.play(true);
        self.redraw.page = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::model::{DocumentMsg, Msg, update};

    #[test]
    fn an_extended_run_continues_to_play() {
        let mut model = Model::default();
        update(&mut model, Msg::Document(DocumentMsg::OpenFirst));
        let until = model.document.scenario.until_ms;
        update(&mut model, Msg::Document(DocumentMsg::Extend));
        assert_eq!(model.document.scenario.until_ms, until + 5000.0);
        assert!(model.playback.playing());
    }

    #[test]
    fn undo_and_redo_restore_the_drawing() {
        let mut model = Model::default();
        update(&mut model, Msg::Document(DocumentMsg::OpenFirst));
        let before = model.document.scenario.clone();
        update(&mut model, Msg::Document(DocumentMsg::Tidy));
        let after = model.document.scenario.clone();
        assert_ne!(before, after);
        update(&mut model, Msg::Document(DocumentMsg::Undo));
        assert_eq!((&model.document.scenario, model.document.can_undo()), (&before, false));
        update(&mut model, Msg::Document(DocumentMsg::Redo));
        assert_eq!((&model.document.scenario, model.document.can_redo()), (&after, false));
    }
}
