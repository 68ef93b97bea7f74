//! The history: edits, live commands and opened drawings, in the order in which they were made.

use super::{CanvasItem, Effect, Mode, Model, Origin, Redraw};
use crate::scenario::{Command, Micros, Scenario};
use crate::session::protocol::{BranchCommand, BranchList, Report, Request};
use crate::text;
use serde::{Deserialize, Serialize};
use std::rc::Rc;

/// The time by which a run is extended, in ms and in µs.
const EXTENSION: (f64, u64) = (5_000.0, 5_000_000);
/// The maximum number of steps that can be undone.
const MAX_STEPS: usize = 200;

/// A step of the history: the drawing and its run before a change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Past {
    pub(super) scenario: Rc<Scenario>,
    pub(super) origin: Origin,
    pub(super) drawing: Option<Rc<str>>,
    pub(super) address: String,
    pub(super) caption: Rc<str>,
    /// The number of the opened document.
    pub(super) opened: u32,
    /// The branches with their live commands.
    pub(super) branches: Rc<BranchList>,
    /// The number of live commands after which `branches` are the present ones, while the engine has not reported them.
    pub(super) awaited: Option<u64>,
    /// The time to return to; the present time if absent.
    pub(super) at: Option<Micros>,
    /// A description of the change: `Deleted Inventory`.
    pub(super) change: String,
}

/// The changes that can be undone and redone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    pub(super) undo: Vec<Past>,
    redo: Vec<Past>,
    /// The number of live commands that were sent, and of those that the engine has answered.
    sent: u64,
    answered: u64,
    /// The cards that the arrow keys are moving: all moves until another change are one step.
    nudged: Vec<String>,
}

impl History {
    /// Returns the change that the next undo reverts.
    pub fn undoable(&self) -> Option<&str> {
        self.undo.last().map(|past| past.change.as_str())
    }

    /// Returns the change that the next redo repeats.
    pub fn redoable(&self) -> Option<&str> {
        self.redo.last().map(|past| past.change.as_str())
    }

    /// Returns whether a live command has no answer yet.
    pub(super) fn is_waiting(&self) -> bool {
        self.sent != self.answered
    }

    /// Ends a series of moves by the arrow keys.
    pub(super) fn end_nudge(&mut self) {
        self.nudged.clear();
    }

    /// Forgets the older half of the steps that can be undone, then those that can be redone. Returns whether there were any.
    pub(super) fn forget_older_half(&mut self) -> bool {
        let steps = if self.undo.is_empty() { &mut self.redo } else { &mut self.undo };
        let half = steps.len().div_ceil(2);
        steps.drain(..half);
        half > 0
    }

    /// Counts an answered live command, and sets the branches of the steps that awaited it.
    fn count_answer(&mut self, branches: &Rc<BranchList>) {
        self.answered += 1;
        for past in self.undo.iter_mut().chain(&mut self.redo) {
            if past.awaited == Some(self.answered) {
                (past.branches, past.awaited) = (branches.clone(), None);
            }
        }
    }

    /// Forgets live commands that will not be answered.
    pub(super) fn forget_unanswered(&mut self) {
        self.sent = self.answered;
        self.undo.iter_mut().chain(&mut self.redo).for_each(|past| past.awaited = None);
    }
}

impl Model {
    /// Returns the present state, for the history.
    pub(super) fn present(&self, at: Option<Micros>, change: String) -> Past {
        let (document, history) = (&self.document, &self.document.history);
        Past {
            scenario: document.scenario.clone(),
            origin: document.origin,
            drawing: document.drawing.clone(),
            address: document.address.clone(),
            caption: document.caption.clone(),
            opened: document.opened,
            branches: self.branches.clone(),
            awaited: history.is_waiting().then_some(history.sent),
            at,
            change,
        }
    }

    /// Adds a step to the history, before the change that it describes. With `at`, undo returns to that time.
    pub(super) fn push_step(&mut self, change: String, at: Option<Micros>) {
        self.dismiss_former_notice();
        let past = self.present(at, change);
        let history = &mut self.document.history;
        history.undo.push(past);
        if history.undo.len() > MAX_STEPS {
            history.undo.remove(0);
        }
        history.redo.clear();
        history.end_nudge();
    }

    /// Replaces the drawing by a changed one, or notifies the visitor why the change is impossible.
    pub(super) fn try_edit(&mut self, changed: Result<Scenario, String>, change: &str, effects: &mut Vec<Effect>) {
        match changed {
            Ok(scenario) => {
                self.edit(scenario, change, effects);
            }
            Err(why) => self.refuse(why),
        }
    }

    /// Replaces the drawing by a changed one, as one step of undo. The engine runs it again up to the same time. Returns
    /// whether the drawing is the changed one: a task may not permit the edit.
    pub(super) fn edit(&mut self, scenario: Scenario, change: &str, effects: &mut Vec<Effect>) -> bool {
        if scenario == *self.document.scenario {
            return true;
        }
        if !self.task_permits(&scenario) {
            // What the visitor has typed is replaced by the value of the drawing.
            self.redraw.page = true;
            return false;
        }
        self.push_step(change.into(), None);
        self.document.scenario = Rc::new(scenario);
        self.apply_edit(effects);
        true
    }

    /// Replaces the drawing after the arrow keys have moved cards. Consecutive moves are one step of undo.
    pub(super) fn nudge(&mut self, scenario: Scenario, ids: &[String], effects: &mut Vec<Effect>) {
        if scenario == *self.document.scenario {
            return;
        }
        if self.document.history.nudged != ids {
            self.push_step(text!("Moved cards").into(), None);
            self.document.history.nudged = ids.to_vec();
        }
        self.document.scenario = Rc::new(scenario);
        self.apply_edit(effects);
    }

    pub(super) fn undo(&mut self, effects: &mut Vec<Effect>) {
        if let Some(past) = self.document.history.undo.pop() {
            self.dismiss_former_notice();
            let present = self.present(past.at.map(|_| self.run.now), past.change.clone());
            self.document.history.redo.push(present);
            self.notices.announcer.announce(text!("Undone: {}", past.change));
            self.restore(past, effects);
        }
    }

    pub(super) fn redo(&mut self, effects: &mut Vec<Effect>) {
        if let Some(past) = self.document.history.redo.pop() {
            self.dismiss_former_notice();
            let present = self.present(past.at.map(|_| self.run.now), past.change.clone());
            self.document.history.undo.push(present);
            self.notices.announcer.announce(text!("Redone: {}", past.change));
            self.restore(past, effects);
        }
    }

    /// Returns to a state of the history: to its drawing, its branches and their live commands.
    fn restore(&mut self, past: Past, effects: &mut Vec<Effect>) {
        let is_other_document = past.opened != self.document.opened;
        let reruns =
            is_other_document || past.at.is_some() || (past.awaited.is_none() && *past.branches != *self.branches);
        let document = &mut self.document;
        let is_edit = is_other_document || past.scenario != document.scenario;
        document.history.end_nudge();
        (document.scenario, document.origin, document.opened) = (past.scenario, past.origin, past.opened);
        if is_other_document {
            (document.drawing, document.address, document.caption) = (past.drawing, past.address, past.caption);
            document.opened_branches = Rc::default();
            effects.push(Effect::Address { fragment: document.fragment(), is_new: false });
            self.forget_run();
        }
        if reruns {
            let compared = self.branches.compared.filter(|_| !is_other_document);
            self.branches = past.branches;
            let (scenario, at) = (Box::new(self.run_record().document()), past.at.unwrap_or(self.run.now));
            if past.at.is_some() {
                self.playback.play(false);
            }
            self.playback.enqueue(Request::Load { scenario, at });
            if compared.is_some_and(|index| (index as usize) < self.branches.list.len()) {
                self.playback.enqueue(Request::Branch(BranchCommand::Compare(compared)));
            }
        } else {
            self.playback.enqueue(Request::Edit { scenario: Box::new(Scenario::clone(&self.document.scenario)) });
        }
        let saves = !is_other_document || self.document.drawing.is_some();
        self.follow_change((saves, is_edit), effects);
    }

    fn apply_edit(&mut self, effects: &mut Vec<Effect>) {
        self.playback.enqueue(Request::Edit { scenario: Box::new(Scenario::clone(&self.document.scenario)) });
        self.follow_change((true, true), effects);
    }

    /// Adapts the page to a changed drawing. Saves the visitor's own drawing if `saves`; without `is_edit`, only its live
    /// commands and branches have changed.
    pub(super) fn follow_change(&mut self, (saves, is_edit): (bool, bool), effects: &mut Vec<Effect>) {
        self.sharing.forget_replay();
        // The engine drops requests about the run before the edit, so the measurement sends its own again.
        self.measurement.follow(&self.document.scenario);
        if let Some(request) = self.measurement.next() {
            self.playback.enqueue(request);
        }
        if self.drawn.is_needed() {
            self.draw_branches();
        }
        self.hide_for_tasks();
        self.update_scene();
        self.deselect_missing_items();
        if saves && self.document.origin == Origin::Own && self.mode == Mode::App {
            if is_edit {
                self.keep(effects);
            } else {
                self.keep_run(effects);
            }
        }
        self.redraw = Redraw { page: true, paint: true };
    }

    /// Notes the branches after a live command, as the engine's answer reports them. The answer may be about a former run.
    pub(super) fn note_branches(&mut self, report: &Report) {
        if self.playback.unanswered_command().is_none() {
            return;
        }
        let mut branches = self.branches.clone();
        if let Report::Frame(frame) = report
            && let Some(reported) = &frame.branches
        {
            branches = Rc::new(BranchList::clone(reported));
        }
        self.document.history.count_answer(&branches);
    }

    /// Removes the newest steps whose commands the engine has refused: they have changed nothing.
    pub(super) fn forget_refused_steps(&mut self) {
        if self.document.history.is_waiting() {
            return;
        }
        while self.document.history.undo.last().is_some_and(|past| {
            Rc::ptr_eq(&past.scenario, &self.document.scenario) && *past.branches == *self.branches && past.at.is_none()
        }) {
            self.document.history.undo.pop();
        }
    }

    /// Returns to the drawing before the one that the engine refused. Returns whether there is one.
    pub(super) fn pop_refused_drawing(&mut self) -> bool {
        let Some(past) = self.document.history.undo.pop() else { return false };
        let is_other_document = past.opened != self.document.opened;
        let document = &mut self.document;
        (document.scenario, document.origin, document.opened) = (past.scenario, past.origin, past.opened);
        if is_other_document {
            (document.drawing, document.address, document.caption) = (past.drawing, past.address, past.caption);
            document.opened_branches = Rc::default();
            self.branches = past.branches;
        }
        true
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

    /// Saves the visitor's own drawing after the engine has reported other branches or live commands than `before`.
    pub(super) fn save_branches(&mut self, before: &Rc<BranchList>, effects: &mut Vec<Effect>) {
        let is_own = self.document.origin == Origin::Own && self.mode == Mode::App;
        // A comparison is no change of the document.
        let is_same = before.list == self.branches.list && before.current == self.branches.current;
        // The first branches are those of an opened document.
        if is_own && !is_same && !before.list.is_empty() {
            self.keep_run(effects);
        }
    }

    /// Extends the run and plays it. `then` is executed once the engine has the longer run. Both are one step of undo.
    pub(super) fn extend(&mut self, then: Option<Command>, effects: &mut Vec<Effect>) {
        let mut scenario = Scenario::clone(&self.document.scenario);
        scenario.until_ms += EXTENSION.0;
        let change =
            then.as_ref().map_or_else(|| text!("Extended the run").into(), |command| self.describe_command(command));
        if !self.edit(scenario, &change, effects) {
            return;
        }
        // The engine's answer contains the new end; the clock need not wait for it.
        self.playback.lengthen(EXTENSION.1);
        if let Some(command) = then {
            self.send_command(command);
        }
        self.playback.play(true);
        self.redraw.page = true;
    }

    /// Sends a command to the running system, as a part of the newest step of the history.
    fn send_command(&mut self, command: Command) {
        self.document.history.sent += 1;
        self.sharing.forget_replay();
        self.playback.enqueue(Request::Act { command });
    }

    /// Executes commands on the running system, as one step of undo.
    pub(super) fn execute_live(&mut self, commands: impl IntoIterator<Item = Command>, change: String) {
        self.push_step(change, None);
        commands.into_iter().for_each(|command| self.send_command(command));
        self.redraw.page = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::model::test_page::{TestPage, write};
    use crate::app::model::{DocumentMsg, LiveMsg, Msg, PlaybackMsg, update};
    use crate::app::scene::NodeKind;

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
    fn the_notice_of_a_reset_offers_undo_only_where_the_page_has_a_button_for_it() {
        for (mode, offers) in [(Mode::App, true), (Mode::Edit, false), (Mode::Play, false)] {
            let mut page = TestPage::new();
            page.model.mode = mode;
            page.update(write(7));
            page.update(Msg::Playback(PlaybackMsg::Reset));
            let notice = page.model.notices.notice.as_deref().unwrap_or_default();
            assert!(notice.starts_with("The live commands were discarded."), "{mode:?}: {notice}");
            assert_eq!(notice.contains("Undo"), offers, "{mode:?}: {notice}");
        }
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

    fn messages(model: &Model) -> usize {
        model.branches.list.iter().map(|branch| branch.script.len()).sum()
    }

    #[test]
    fn live_commands_and_edits_are_undone_in_the_order_in_which_they_were_made() {
        let mut page = TestPage::new();
        page.update(Msg::Document(DocumentMsg::Tidy));
        let tidied = page.model.document.scenario.clone();
        page.update(Msg::Playback(PlaybackMsg::Seek(400_000)));
        page.update(write(7));
        page.update(write(8));
        page.update(Msg::Document(DocumentMsg::Add { kind: NodeKind::Bus, at: None }));
        page.update(Msg::Playback(PlaybackMsg::Seek(900_000)));
        page.update(Msg::Document(DocumentMsg::Undo));
        assert_eq!((messages(&page.model), page.model.scene.nodes.len()), (2, 3), "the bus first");
        page.update(Msg::Document(DocumentMsg::Undo));
        assert_eq!((messages(&page.model), page.model.run.now), (1, 900_000), "then the newer write; the clock stays");
        page.update(Msg::Document(DocumentMsg::Undo));
        assert_eq!((messages(&page.model), &page.model.document.scenario), (0, &tidied));
        page.update(Msg::Document(DocumentMsg::Undo));
        assert_eq!((&*page.model.document.scenario, page.model.document.can_undo()), (&Scenario::first(), false));
        for _ in 0..4 {
            page.update(Msg::Document(DocumentMsg::Redo));
        }
        assert_eq!((messages(&page.model), page.model.scene.nodes.len()), (2, 4));
    }

    #[test]
    fn an_undone_command_leaves_no_trace_in_the_run() {
        let mut page = TestPage::new();
        page.update(Msg::Playback(PlaybackMsg::Seek(900_000)));
        let digest = page.model.run.digest.clone();
        page.update(Msg::Playback(PlaybackMsg::Seek(400_000)));
        page.update(write(7));
        page.update(Msg::Playback(PlaybackMsg::Seek(900_000)));
        assert_ne!(page.model.run.digest, digest);
        page.update(Msg::Document(DocumentMsg::Undo));
        assert_eq!((page.model.run.digest.clone(), page.model.branches.list.len()), (digest, 1));
    }

    #[test]
    fn reset_can_be_undone() {
        let mut page = TestPage::new();
        page.update(Msg::Playback(PlaybackMsg::Seek(400_000)));
        page.update(write(7));
        page.update(Msg::Playback(PlaybackMsg::Seek(900_000)));
        let digest = page.model.run.digest.clone();
        page.update(Msg::Playback(PlaybackMsg::Reset));
        assert_eq!((messages(&page.model), page.model.run.now), (0, 0));
        page.update(Msg::Document(DocumentMsg::Undo));
        assert_eq!((page.model.run.digest.clone(), page.model.run.now), (digest, 900_000));
    }

    #[test]
    fn a_refused_command_is_no_step() {
        let mut page = TestPage::new();
        page.update(Msg::Live(LiveMsg::Execute(Command::Restart { service: "nobody".into() })));
        assert!(page.model.notices.notice.is_some());
        assert!(!page.model.document.can_undo());
    }

    #[test]
    fn commands_that_the_engine_has_not_answered_yet_are_separate_steps() {
        let mut page = TestPage::new();
        // The first request is under way, so the next ones wait.
        let mut requests = update(&mut page.model, write(7));
        requests.extend(update(&mut page.model, write(8)));
        page.update(Msg::Document(DocumentMsg::Add { kind: NodeKind::Bus, at: None }));
        page.answer_all(requests);
        assert_eq!(messages(&page.model), 2);
        page.update(Msg::Document(DocumentMsg::Undo));
        page.update(Msg::Document(DocumentMsg::Undo));
        assert_eq!(messages(&page.model), 1);
        page.update(Msg::Document(DocumentMsg::Undo));
        assert_eq!(messages(&page.model), 0);
    }

    #[test]
    fn going_to_the_previous_event_before_the_first_one_stays_at_the_start() {
        let mut page = TestPage::new();
        page.update(Msg::Playback(PlaybackMsg::StepBack));
        assert_eq!((page.model.run.now, page.model.playback.at_end()), (0, false));
        page.update(Msg::Playback(PlaybackMsg::Seek(300_000)));
        page.update(Msg::Playback(PlaybackMsg::StepBack));
        assert_eq!(page.model.run.now, 0);
    }

    #[test]
    fn a_chip_about_the_replay_of_a_link_ends_with_the_next_command() {
        let mut page = TestPage::new();
        page.model.sharing.replayed = Some(true);
        page.update(write(7));
        assert_eq!(page.model.sharing.replayed, None);
    }
}
