//! Recovery from a crash of the engine: a report that reproduces it, and a restart with the drawing and its live commands.

use super::{Effect, Model, Redraw};
use crate::scenario::{Command, Micros, Scenario, Step, link};
use crate::session::protocol::{BranchList, Request};
use crate::text;
use std::rc::Rc;

/// A crash of the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crash {
    /// The message of the panic.
    pub message: String,
    /// The seed of the run.
    pub seed: u64,
    /// The command line that reproduces the crash; `None` if the drawing is too large for a link.
    pub command: Option<String>,
}

/// A run, as far as the engine was asked to execute it.
#[derive(Clone, Debug, Default)]
pub struct RunRecord {
    /// The drawing.
    pub scenario: Rc<Scenario>,
    /// The branches with their live commands.
    pub branches: Rc<BranchList>,
    /// A live command without an answer yet, and its instant.
    pub unanswered: Option<(Micros, Command)>,
    /// The end of the last request.
    pub until: Micros,
    /// The id of the drawing, if the browser keeps it.
    pub drawing: Option<Rc<str>>,
}

impl RunRecord {
    /// Returns the drawing with its branches, and so with all live commands.
    pub fn document(&self) -> Scenario {
        let mut scenario = Scenario::clone(&self.scenario);
        if let Some(current) = self.branches.list.get(self.branches.current as usize) {
            scenario.branch = current.name.clone();
            scenario.branches = self.branches.list.clone();
        }
        scenario
    }

    /// Returns the drawing as the browser keeps it: with its branches and live commands, if it has any.
    pub fn kept(&self) -> Rc<Scenario> {
        let list = &self.branches.list;
        let is_plain = list.len() <= 1 && list.iter().all(|branch| branch.set.is_empty() && branch.script.is_empty());
        if is_plain { self.scenario.clone() } else { Rc::new(self.document()) }
    }

    /// Describes a crash of this run.
    pub fn crash(&self, message: String) -> Crash {
        Crash { message, seed: self.scenario.seed, command: self.command() }
    }

    /// Returns the drawing with all live commands in its script, as a link contains it.
    pub fn shared(&self) -> Scenario {
        let mut scenario = self.document();
        let step = |(at, command): &(Micros, Command)| Step { at_ms: *at as f64 / 1e3, command: command.clone() };
        let unanswered = self.unanswered.as_ref().map(step);
        match scenario.branches.as_mut_slice() {
            [] => scenario.script.extend(unanswered),
            // The link of a single branch needs no name.
            [only] => {
                scenario.script.append(&mut only.script);
                scenario.script.extend(unanswered);
                (scenario.branch, scenario.branches) = (String::new(), Vec::new());
            }
            several => several[self.branches.current as usize].script.extend(unanswered),
        }
        scenario
    }

    /// Returns the command line that reproduces this run; `None` if the drawing is too large for a link.
    pub fn command(&self) -> Option<String> {
        let link = link::encode(&self.shared()).ok()?;
        Some(format!("converge run '{link}' --until {}", self.until as f64 / 1e3))
    }
}

impl Model {
    /// Returns the run that the engine executes.
    pub fn run_record(&self) -> RunRecord {
        let unanswered = self.playback.unanswered_command().map(|command| (self.run.now, command.clone()));
        RunRecord {
            scenario: self.document.scenario.clone(),
            branches: self.branches.clone(),
            unanswered,
            until: self.playback.requested_until(),
            drawing: self.document.drawing.clone(),
        }
    }

    /// Reports a crash of the engine. A second report of the same crash is ignored.
    pub(super) fn report_crash(&mut self, message: String) {
        if self.crash.is_some() {
            return;
        }
        self.notices.announcer.announce(text!("The engine stopped").into());
        self.crash = Some(self.run_record().crash(message));
        self.playback.play(false);
        self.redraw = Redraw { page: true, paint: true };
    }

    /// Starts a new engine with the drawing and its live commands, paused at the last reported instant.
    pub(super) fn restart_engine(&mut self, effects: &mut Vec<Effect>) {
        let document = self.run_record().document();
        self.crash = None;
        self.playback.reconnect();
        self.lesson.read_again();
        self.tasks.reconnect();
        self.document.history.forget_unanswered();
        effects.push(Effect::RestartEngine);
        self.playback.enqueue(Request::Load { scenario: Box::new(document), at: self.run.now });
        self.redraw = Redraw { page: true, paint: true };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::model::test_page::{TestPage as Page, ready, write};
    use crate::app::model::{Msg, PlaybackMsg, update};

    #[test]
    fn a_restarted_engine_has_the_live_commands_and_the_instant_of_the_crashed_one() {
        let mut page = Page::new();
        page.update(Msg::Playback(PlaybackMsg::Seek(400_000)));
        page.update(write(7));
        page.update(Msg::Playback(PlaybackMsg::Seek(900_000)));
        let (digest, now) = (page.model.run.digest.clone(), page.model.run.now);
        page.update(Msg::EngineFailed("panicked".into()));
        page.update(Msg::EngineFailed("the error event of the same panic".into()));
        assert_eq!(page.model.crash.as_ref().map(|crash| &*crash.message), Some("panicked"));
        page.update(Msg::RestartEngine);
        page.update(ready());
        assert_eq!((page.restarts, page.model.crash.is_none()), (1, true));
        assert_eq!((page.model.run.digest.clone(), page.model.run.now), (digest, now));
    }

    #[test]
    fn the_command_of_a_crash_contains_live_commands_and_ends_where_the_engine_was_to_go() {
        let mut page = Page::new();
        page.update(Msg::Playback(PlaybackMsg::Seek(400_000)));
        page.update(write(7));
        page.update(Msg::Playback(PlaybackMsg::Seek(900_000)));
        page.update(Msg::EngineFailed("panicked".into()));
        let crash = page.model.crash.expect("a crash");
        let command = crash.command.expect("the first scenario fits into a link");
        let (link, until) = command.split_once("' --until ").expect("a link and a time");
        assert_eq!(until, "900");
        let link = link.strip_prefix("converge run '").expect("the command");
        let scenario = link::decode(link).expect("a valid link").scenario;
        let live = scenario.script.iter().filter(|step| step.at_ms == 400.0).count();
        assert_eq!((live, scenario.seed), (1, crash.seed));
    }

    #[test]
    fn a_command_that_crashes_the_engine_is_in_the_report_but_not_in_the_restarted_run() {
        let mut page = Page::new();
        // The engine does not answer this request.
        update(&mut page.model, write(7));
        let record = page.model.run_record();
        assert!(record.unanswered.is_some());
        page.update(Msg::EngineFailed("panicked".into()));
        let crash = page.model.crash.clone().expect("a crash");
        let link = crash.command.expect("a link").split('\'').nth(1).expect("quoted").to_string();
        assert_eq!(link::decode(&link).expect("a valid link").scenario.script.len(), 1);
        page.update(Msg::RestartEngine);
        page.update(ready());
        assert!(page.model.branches.list.iter().all(|branch| branch.script.is_empty()));
    }
}
