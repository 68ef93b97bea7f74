//! A document under control: its branches, the run of the one that is shown, and the run it is compared with.

use super::branches::Branches;
use super::export::{self, RunExport};
use super::measurement::ConsistencyMeasurement;
use super::protocol::lesson::FactMark;
use super::protocol::{BranchCommand, ExportKind, Frame, Query, Report, Request};
use super::run::merged;
use super::seekable_run::SeekableRun;
use super::time_limit::TimeLimit;
use super::{diagram, fact_times, host_events, internals, verdicts};
use crate::language::phrase;
use crate::scenario::{Command, Micros, Scenario};
use std::cell::Cell;

/// A document under control.
#[derive(Debug)]
pub(super) struct OpenDocument {
    /// The document without its branches.
    base: Scenario,
    branches: Branches,
    shown: SeekableRun,
    /// The branch that is compared with the shown one, by its index in the list.
    compared: Option<(usize, SeekableRun)>,
    /// The last comparison of the consistency levels of a group.
    measured: Option<Measured>,
    /// The export in progress.
    export: Option<RunExport>,
    /// The time that the present request may take.
    time: TimeLimit,
}

/// A comparison of consistency levels, seed by seed.
#[derive(Debug)]
struct Measured {
    scenario: Scenario,
    group: usize,
    compared: ConsistencyMeasurement,
    /// Whether the last request did not run its seed to the end at each level.
    is_unfinished: bool,
}

impl Measured {
    /// Returns whether a request to run a seed is about this measurement.
    fn continues(&self, scenario: &Scenario, group: usize, seed: u64) -> bool {
        let is_begun = seed > 1 || (self.is_unfinished && self.scenario == *scenario);
        is_begun && self.group == group
    }
}

impl OpenDocument {
    /// Opens the first scenario.
    pub fn first() -> Self {
        let base = Scenario::first();
        // The page knows the branches of the first scenario.
        let branches = Branches { changed: false, ..Branches::only() };
        let shown = SeekableRun::start(base.clone(), Vec::new());
        OpenDocument { base, branches, shown, compared: None, measured: None, export: None, time: TimeLimit::default() }
    }

    /// Reports the first scenario before its first event.
    pub fn first_frame(&mut self) -> Report {
        Report::Frame(Box::new(self.shown.frame(true)))
    }

    /// Opens a valid document at a time. Returns whether it was reached within the budget.
    pub fn load(mut base: Scenario, at: Micros, time: TimeLimit) -> (Self, bool) {
        let branches = Branches::out_of(&mut base);
        let (scenario, live) = branches.of(&base, branches.current);
        let (shown, reached) = SeekableRun::new(scenario, live, at, time);
        (OpenDocument { base, branches, shown, compared: None, measured: None, export: None, time }, reached)
    }

    /// Begins a request, which may take some time.
    pub fn begin(&mut self, request: &Request, time: TimeLimit) {
        self.time = time;
        if !matches!(request, Request::Advance { .. } | Request::Step | Request::Query(_)) {
            self.export = None;
        }
        if matches!(request, Request::Reset | Request::Seek { .. }) {
            self.shown.leave();
        }
        self.shown.begin(matches!(request, Request::Advance { .. } | Request::Query(_)), time);
        if let Some((_, compared)) = &mut self.compared {
            compared.begin(true, time);
        }
    }

    /// Runs up to a time, or for a maximum number of events.
    pub fn advance(&mut self, to: Micros, budget: u32) -> Report {
        let forks = self.shown.is_forking();
        let reached = match self.shown.resume() {
            Some(reached) => {
                // The branch has received its command.
                self.branches.changed |= forks && reached;
                reached
            }
            None => self.shown.advance(to, u64::from(budget)),
        };
        self.report(reached)
    }

    /// Runs the next event.
    pub fn step(&mut self) -> Report {
        self.shown.step();
        self.report(true)
    }

    /// Undoes the last event.
    pub fn step_back(&mut self) -> Report {
        let reached = self.shown.step_back();
        self.report(reached)
    }

    /// Runs to the next mark of the timeline.
    pub fn seek_next_mark(&mut self) -> Report {
        let reached = self.shown.seek_next_mark();
        self.report(reached)
    }

    /// Runs to the next time that a fact happens.
    pub fn seek_next_fact(&mut self, mark: FactMark) -> Report {
        let reached = self.shown.seek_next_fact(mark);
        self.report(reached)
    }

    /// Goes to a time.
    pub fn seek(&mut self, to: Micros) -> Report {
        let reached = self.shown.seek(to);
        self.report(reached)
    }

    /// Goes to the start, and discards the live commands of a document with a single branch.
    pub fn reset(&mut self) -> Report {
        if self.branches.are_many() {
            return self.seek(0);
        }
        let (fresh, reached) = SeekableRun::new(self.shown.scenario.clone(), Vec::new(), 0, self.time);
        self.shown = fresh;
        self.branches.changed = true;
        self.report(reached)
    }

    /// Executes a live command. In the past it forks the run: the former future remains as the branch that was shown.
    pub fn act(&mut self, command: Command) -> Report {
        if !self.shown.has_future() {
            let refused = self.act_now(command);
            return self.report_refusal(refused);
        }
        if let Some(refused) = self.shown.refusal(&command) {
            return self.report_refusal(Some(refused));
        }
        if let Err(full) = self.branches.fork(&self.shown.live, Default::default(), None) {
            return self.report_refusal(Some(full));
        }
        // With the live commands, the page can restart a crashed engine.
        self.branches.changed = true;
        let reached = self.shown.fork(command);
        self.report(reached)
    }

    fn act_now(&mut self, command: Command) -> Option<String> {
        // With the live commands, the page can restart a crashed engine.
        self.branches.changed = true;
        self.shown.act(command)
    }

    /// Replaces the drawing, and keeps the branches and the time.
    pub fn edit(&mut self, mut scenario: Scenario) -> Report {
        // The page's branches are those of the time before the edit.
        let _ = Branches::out_of(&mut scenario);
        self.branches.list = self.branches.with(&self.shown.live);
        self.base = scenario;
        self.branches.fit(&self.base);
        let at = self.shown.now();
        let compared = self.compared.take().map(|(index, _)| index);
        let reached = self.show(self.branches.current, at);
        if let Some(index) = compared {
            self.compare(index);
        }
        self.report(reached)
    }

    /// Answers a question about the run.
    pub fn answer(&mut self, query: &Query) -> Report {
        if matches!(query, Query::Describe) {
            self.shown.finish_fork();
        }
        let SeekableRun { run, scenario, live, checks, .. } = &mut self.shown;
        match query {
            Query::Verdicts { node } => {
                let (time, has_begun) = (self.time, Cell::new(false));
                // Each request does a part of the work.
                let pauses = || has_begun.replace(true) && time.is_over();
                let found = verdicts::verdicts(run, &merged(scenario, live), checks, *node, &pauses);
                found.map_or(Report::VerdictsPending, Report::Verdicts)
            }
            Query::Diagram { from, to } => Report::Diagram(diagram::messages(run, scenario, *from, *to)),
            Query::Charts => Report::Charts(Box::new(export::charts(run, scenario))),
            Query::Internals { node } => Report::Internals(Box::new(internals::internals(run, scenario, live, *node))),
            Query::Measure { group, seed } => self.measure(*group, *seed),
            Query::Export { kind, slice } => self.export(*kind, *slice),
            Query::Log { from, count } => self.shown.log(*from, *count),
            Query::HostEvents { from } => host_events::since(run, *from),
            Query::Facts { marks, from } => fact_times::since(run, marks, *from),
            Query::Describe => self.describe(),
        }
    }

    /// Writes a slice of the run as a text. The first slice begins again.
    fn export(&mut self, kind: ExportKind, slice: u32) -> Report {
        let (run, time) = (&self.shown.run, self.time);
        let export = match self.export.take() {
            Some(export) if slice > 0 && export.is_continued_by(kind, slice) => Some(export),
            _ => (slice == 0).then(|| RunExport::begin(run, kind)),
        };
        let Some(mut export) = export else {
            let why = phrase(
                "The run moved to another time before it was saved. Save it again.",
                "Der Lauf ist zu einem anderen Zeitpunkt gesprungen, bevor er gespeichert war. Speichere ihn erneut.",
            );
            return Report::Unanswered(why.into());
        };
        let (text, more) = export.next_slice(run, &self.shown.scenario, &|| time.is_over());
        let name = export.name();
        self.export = more.then_some(export);
        Report::Text { kind, slice, name, text, more }
    }

    /// The run as a document.
    fn describe(&self) -> Report {
        let (branches, shown) = (&self.branches, &self.shown);
        Report::Document {
            scenario: Box::new(branches.document(&self.base, &shown.live)),
            digest: shown.run.engine().trace().digest().hex(),
            now: shown.now(),
            live: if branches.are_many() { 0 } else { shown.live.len() as u32 },
        }
    }

    /// Runs one more seed at each consistency level of a group. Seed 1 starts over with the scenario as it is. If the time does
    /// not suffice, reports the rows without this seed; the same request continues.
    fn measure(&mut self, group: u32, seed: u64) -> Report {
        let scenario = &self.shown.scenario;
        // Seeds are counted from 1.
        let seed = seed.max(1);
        if scenario.groups.get(group as usize).is_none() {
            return Report::Unanswered(phrase("The group no longer exists.", "Die Gruppe gibt es nicht mehr.").into());
        }
        let measured = match &mut self.measured {
            Some(measured) if measured.continues(scenario, group as usize, seed) => measured,
            entry => {
                let (scenario, group) = (scenario.clone(), group as usize);
                let compared = ConsistencyMeasurement::new(&scenario, group);
                entry.insert(Measured { scenario, group, compared, is_unfinished: false })
            }
        };
        let time = self.time;
        let is_finished = measured.compared.run(&measured.scenario, measured.group, seed, &|| time.is_over());
        measured.is_unfinished = !is_finished;
        Report::Measured { seed: if is_finished { seed } else { seed - 1 }, rows: measured.compared.rows() }
    }

    /// Shows, opens, renames, deletes or compares branches.
    pub fn change_branches(&mut self, command: BranchCommand) -> Report {
        let refused = self.try_change_branches(command).err();
        self.report_refusal(refused)
    }

    fn try_change_branches(&mut self, command: BranchCommand) -> Result<(), String> {
        match command {
            BranchCommand::Show(index) => self.show_branch(self.branch_index(index)?),
            BranchCommand::New { name, set } => {
                let (at, done) = (self.shown.now(), self.shown.executed_commands());
                self.branches.fork(&self.shown.live, set, name)?;
                let index = self.branches.current;
                self.branches.list[index].script = done;
                self.show(index, at);
            }
            BranchCommand::Rename(index, name) => {
                let index = self.branch_index(index)?;
                self.branches.rename(index, name)?;
            }
            BranchCommand::Remove(index) => {
                let index = self.branch_index(index)?;
                if self.branches.list.len() == 1 {
                    return Err(phrase(
                        "The only branch cannot be deleted.",
                        "Der einzige Zweig lässt sich nicht löschen.",
                    )
                    .into());
                }
                self.remove_branch(index);
            }
            BranchCommand::Compare(None) => {
                self.compared = None;
                self.branches.changed = true;
            }
            BranchCommand::Compare(Some(index)) => {
                let index = self.branch_index(index)?;
                if index == self.branches.current {
                    return Err(phrase(
                        "A branch cannot be compared with itself.",
                        "Ein Zweig lässt sich nicht mit sich selbst vergleichen.",
                    )
                    .into());
                }
                self.compare(index);
            }
        }
        Ok(())
    }

    /// Returns the index of a branch, if it exists.
    fn branch_index(&self, index: u32) -> Result<usize, String> {
        let index = index as usize;
        if index < self.branches.list.len() {
            Ok(index)
        } else {
            Err(phrase("The branch no longer exists.", "Den Zweig gibt es nicht mehr.").into())
        }
    }

    fn show_branch(&mut self, index: usize) {
        let at = self.shown.now();
        self.branches.list = self.branches.with(&self.shown.live);
        if self.compared.as_ref().is_some_and(|(compared, _)| *compared == index) {
            // The two branches change sides.
            let before = self.branches.current;
            self.show(index, at);
            self.compare(before);
        } else {
            self.show(index, at);
        }
    }

    fn remove_branch(&mut self, index: usize) {
        let (at, current) = (self.shown.now(), self.branches.current);
        self.compared = None;
        self.branches.list = self.branches.with(&self.shown.live);
        self.branches.list.remove(index);
        self.branches.changed = true;
        if index == current {
            self.show(current.saturating_sub(1), at);
        } else if index < current {
            self.branches.current -= 1;
        }
    }

    /// Shows a branch with the steps of the list, at a time. Returns whether it was reached within the budget.
    fn show(&mut self, index: usize, at: Micros) -> bool {
        self.branches.current = index;
        self.branches.changed = true;
        let (scenario, live) = self.branches.of(&self.base, index);
        let (shown, reached) = SeekableRun::new(scenario, live, at, self.time);
        self.shown = shown;
        reached
    }

    /// Compares a branch with the shown one.
    fn compare(&mut self, index: usize) {
        let (scenario, live) = self.branches.of(&self.base, index);
        self.compared = Some((index, SeekableRun::new(scenario, live, self.shown.now(), self.time).0));
        self.branches.changed = true;
    }

    /// Reports what changed, and whether the time that was asked for is reached.
    pub fn report(&mut self, reached: bool) -> Report {
        Report::Frame(Box::new(self.frame(reached)))
    }

    fn report_refusal(&mut self, refused: Option<String>) -> Report {
        Report::Frame(Box::new(Frame { refused, ..self.frame(true) }))
    }

    /// Returns the frame of the shown branch. The compared branch follows its clock.
    fn frame(&mut self, reached: bool) -> Frame {
        let mut frame = self.shown.frame(reached);
        if let Some((_, compared)) = &mut self.compared {
            let reached = compared.follow(frame.now);
            if frame.whole {
                compared.frames.make_whole();
            }
            let other = compared.frame(reached);
            frame.more |= other.more;
            frame.compared = Some(Box::new(other));
        }
        let is_plain = self.shown.live.is_empty() && !self.branches.are_many();
        if std::mem::take(&mut self.branches.changed) || (frame.whole && !is_plain) {
            let compared = self.compared.as_ref().map(|(index, _)| *index);
            frame.branches = Some(Box::new(self.branches.view(&self.shown.live, compared)));
        }
        frame
    }
}
