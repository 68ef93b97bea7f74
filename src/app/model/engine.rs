//! What the engine reports: frames of the run, answers to questions, and failures.

use super::sharing::{FileSlice, SharedRun};
use super::{Effect, Model};
use crate::app::measurement::Measurement;
use crate::session::protocol::{BranchList, Frame, FromEngine, Report, Request};
use crate::text;
use std::rc::Rc;

impl Model {
    pub(super) fn receive(&mut self, answer: FromEngine, effects: &mut Vec<Effect>) {
        let branches = self.branches.clone();
        // A frame at the end of the run pauses it, so ask before.
        let was_playing = self.playback.playing();
        self.note_branches(&answer.report);
        if let Some(report) = self.playback.receive(answer) {
            self.apply_report(report, was_playing, effects);
        }
        if self.branches != branches
            && (self.drawn.is_needed() || self.branches.list.iter().any(|branch| !branch.set.is_empty()))
        {
            effects.push(Effect::DrawBranches);
        }
        self.save_branches(&branches, effects);
        effects.extend(self.sharing.exported.take().map(Effect::SaveSlice));
    }

    fn apply_report(&mut self, report: Report, was_playing: bool, effects: &mut Vec<Effect>) {
        self.redraw.page |= !matches!(
            report,
            Report::Ready
                | Report::Frame(_)
                | Report::Text { .. }
                | Report::HostEvents { .. }
                | Report::Lesson(_)
                | Report::Grade(_)
        );
        match report {
            Report::Ready => {}
            Report::Frame(frame) => self.apply_frame(*frame, was_playing),
            Report::Log { from, total: _, oldest, rows } => self.log.receive(from, oldest, rows),
            Report::HostEvents { next, events } => self.host.receive(next, events),
            Report::Diagram(messages) => self.diagram.receive_messages(messages),
            Report::Charts(charts) => self.diagram.receive_charts(*charts),
            Report::Internals(internals) => self.internals.receive(*internals),
            Report::Measured { seed, rows } => {
                if let Some(request) = self.measurement.receive(seed, rows) {
                    self.playback.enqueue(request);
                }
            }
            Report::Text { kind, slice, name, text, more } => {
                let file = FileSlice { name, text, is_first: slice == 0, is_last: !more };
                let request = self.sharing.receive_slice((kind, slice), file);
                request.into_iter().for_each(|request| self.playback.enqueue(request));
            }
            Report::Verdicts(verdicts) => self.verdicts.receive(verdicts),
            Report::VerdictsPending => self.verdicts.continue_later(),
            Report::Document { scenario, digest, now, live } => {
                self.sharing.shared_run = Some(Rc::new(SharedRun { scenario, digest, now, live }));
            }
            Report::Facts { next, reached } => self.lesson.receive_facts(next, &reached),
            Report::Lesson(report) => effects.push(Effect::AnswerLesson(report)),
            Report::Grade(report) => effects.push(Effect::AnswerGrade(report)),
            Report::Unanswered(why) => {
                // The page asks for verdicts by itself; only a visitor who reads them must know.
                let is_expected = self.verdicts.cancel_request() && !self.verdicts.open;
                self.diagram.cancel_request();
                self.internals.cancel_request();
                self.host.cancel_request();
                self.log.cancel_request();
                self.lesson.cancel_request(&why);
                self.tasks.cancel_request(&why);
                self.sharing.cancel_export();
                self.measurement = Measurement::default();
                if !is_expected {
                    self.refuse(why);
                }
            }
            Report::Refused { errors } => {
                let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
                self.restore_last_valid_drawing();
                self.notices.refusals += 1;
                self.report_problem(errors.join("; "));
            }
        }
    }

    fn apply_frame(&mut self, mut frame: Frame, was_playing: bool) {
        self.apply_branches(&mut frame);
        if let Some(why) = &frame.refused {
            self.refuse(why.clone());
            self.forget_refused_steps();
        }
        if let Some(why) = frame.halted.clone().filter(|_| self.run.halted.is_none()) {
            self.playback.play(false);
            self.report_problem(why);
        } else if frame.halted.is_none() && self.run.halted.is_some() && self.notices.notice == self.run.halted {
            // The run is at an earlier time, or another one.
            self.dismiss_notice();
            self.redraw.page = true;
        }
        if !frame.more
            && let Some(expected) = self.sharing.expected_digest.take()
        {
            self.sharing.replayed = Some(expected == frame.digest);
        }
        if frame.whole {
            self.log.reset();
            self.verdicts.reset_request();
            self.diagram.reset_request();
            self.internals.reset_request();
            self.lesson.restart_facts();
        }
        // A long jump takes several frames.
        if frame.whole || self.playback.shows_jump() {
            self.host.restart(frame.records);
        } else {
            for mark in &frame.marks {
                self.notices.announcer.mark(mark, self.playback.speed());
            }
        }
        let row_counts = self.row_counts();
        let changes = self.run.apply(frame);
        self.verdicts.watch(self.run.events > 0);
        self.follow_time(was_playing);
        self.redraw.page |= changes.cards || changes.timeline;
        self.redraw.paint = true;
        if row_counts != self.row_counts() {
            self.update_scene();
        }
    }

    /// Updates the branches of the document, without a step of undo, and the branch that is compared.
    fn apply_branches(&mut self, frame: &mut Frame) {
        if frame.whole && frame.branches.is_none() && self.branches.list.is_empty() {
            // An opened document without branches and live commands.
            self.branches = Rc::new(BranchList::only());
        }
        if let Some(branches) = frame.branches.take() {
            let is_plain = branches.list.len() == 1 && branches.list[0].set.is_empty();
            let name = branches.list[branches.current as usize].name.clone();
            if branches.list.len() > self.branches.list.len() && !self.branches.list.is_empty() {
                self.notify(text!("New branch: {}. The old future is kept", name));
            }
            if !is_plain || !self.document.scenario.branches.is_empty() {
                let scenario = Rc::make_mut(&mut self.document.scenario);
                scenario.branch = if is_plain { String::new() } else { name };
                scenario.branches = if is_plain { Vec::new() } else { branches.list.clone() };
            }
            self.branches = Rc::new(*branches);
            self.redraw.page = true;
        }
        match frame.compared.take() {
            Some(compared) => self.redraw.page |= self.compared.get_or_insert_default().apply(*compared).cards,
            None => self.redraw.page |= self.compared.take().is_some(),
        }
    }

    /// Returns to the drawing before the one that the engine refused.
    fn restore_last_valid_drawing(&mut self) {
        if self.pop_refused_drawing() {
            self.update_scene();
            // The engine still runs it. Its answers since the edit were dropped, so ask for the whole state.
            self.playback.enqueue(Request::Seek { to: self.run.now });
        } else {
            // An opened scenario was refused; the first one is always valid.
            self.open_first();
        }
    }
}
