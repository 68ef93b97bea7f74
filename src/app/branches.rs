//! What the page knows of branches and of the time that is shown, as the session's frames tell it.

use super::change::Change;
use super::model::{Effect, Mode, Model, Origin};
use crate::session::protocol::{BranchList, Frame, Request};
use std::rc::Rc;

impl Model {
    /// The document follows the branches; they are no step of undo.
    pub(super) fn take_branches(&mut self, frame: &mut Frame) {
        if let Some(told) = frame.branches.take() {
            let many = told.list.len() > 1 || told.list.iter().any(|branch| !branch.set.is_empty());
            let scenario = Rc::make_mut(&mut self.scenario);
            scenario.branch = if many { told.list[told.current as usize].name.clone() } else { String::new() };
            scenario.branches = if many { told.list.clone() } else { Vec::new() };
            if told.list.len() > self.branches.list.len() && !self.branches.list.is_empty() {
                let name = &told.list[told.current as usize].name;
                self.announcer.say(format!("The run parts here: this is {name} now, what lay ahead is kept"));
            }
            self.branches = Rc::new(*told);
            self.redraw.page = true;
        }
        match frame.other.take() {
            Some(other) => {
                self.redraw.page |= self.compared.get_or_insert_default().take(*other).cards;
            }
            None => self.redraw.page |= self.compared.take().is_some(),
        }
    }

    /// The time axis goes with the playhead; a loop goes back to its start.
    pub(super) fn follow(&mut self, was_playing: bool) {
        let (from, to) = self.time_view.window(self.run.until);
        if self.time_view.looping && was_playing && self.run.now >= to {
            self.playback.order(Request::Seek { to: from });
            self.playback.restart(from);
        } else {
            self.time_view.follow(self.run.now, self.run.until);
            self.redraw.page |= self.time_view.window(self.run.until) != (from, to);
        }
    }

    /// Branches belong to the visitor's work.
    pub(super) fn keep_branches(&mut self, before: &Rc<BranchList>, effects: &mut Vec<Effect>) {
        let many = !self.scenario.branches.is_empty() && !before.list.is_empty();
        if many && !Rc::ptr_eq(before, &self.branches) && self.origin == Origin::Own && self.mode == Mode::App {
            self.change(Change::Keep, effects);
        }
    }
}
