//! A run that can go to any time: it advances, seeks, steps back, executes live commands, and discards its future.

use super::frame::FrameBuilder;
use super::protocol::lesson::FactMark;
use super::protocol::{self, Frame, LogRow, Report};
use super::run::Run;
use super::snapshots::Snapshots;
use super::time_limit::TimeLimit;
use super::verdicts::GuaranteeChecks;
use super::{fact_times, halt_text, labels, log_text};
use crate::language::Texts;
use crate::scenario::{Command, Micros, Scenario, Step, micros};

/// Limit of the events of one request. The page requests the rest, and can send other requests in between.
const BUDGET: u64 = 2_000_000;
/// Limit of the rows of the log in one answer.
const MAX_ROWS: u32 = 500;

#[derive(Debug)]
pub(super) struct SeekableRun {
    pub scenario: Scenario,
    /// The live commands, in order.
    pub live: Vec<Step>,
    pub run: Run,
    pub frames: FrameBuilder,
    snapshots: Snapshots,
    /// The history that verdicts are based on.
    pub checks: GuaranteeChecks,
    /// The latest time that the run has reached with these live commands.
    furthest: Micros,
    /// How long the current request may take.
    time: TimeLimit,
    /// The number of events between two readings of the clock, adapted so that they take about [`PART`].
    pace: u64,
    /// The work of an earlier request that its time did not suffice for.
    unfinished: Option<Unfinished>,
}

/// Work that the next requests to advance continue.
#[derive(Debug)]
enum Unfinished {
    /// Going back to the state after this number of events.
    StepBack(u64),
    /// Looking for a fact.
    FactSearch(FactSearch),
    /// Executing a live command in the past, once the run without the later live commands has processed this number of events.
    Fork(Command, u64),
}

/// A search for the next time that a fact happens.
#[derive(Clone, Debug)]
struct FactSearch {
    mark: FactMark,
    /// Where it began.
    start: Micros,
    /// Whether it continues from the start of the run.
    is_again: bool,
    /// The next record to examine.
    from: u64,
}

/// The desired time between two readings of the clock, ms.
const PART: f64 = 4.0;
/// The maximum number of events between two readings of the clock.
const MAX_EVENTS_OF_PART: u64 = 1 << 16;

impl SeekableRun {
    /// Creates the run of a scenario with live commands, before its first event.
    pub fn start(scenario: Scenario, live: Vec<Step>) -> Self {
        let run = Run::with_live(&scenario, &live);
        let frames = FrameBuilder::new(&run, &scenario);
        let (snapshots, checks) = (Snapshots::new(), GuaranteeChecks::default());
        let (time, pace, unfinished) = (TimeLimit::default(), 64, None);
        SeekableRun { scenario, live, run, frames, snapshots, checks, furthest: 0, time, pace, unfinished }
    }

    /// Runs the scenario with live commands to a time. Returns whether it was reached within the budget and the time.
    pub fn new(scenario: Scenario, live: Vec<Step>, at: Micros, time: TimeLimit) -> (Self, bool) {
        // A link may carry a time after the end, and an edit may move the end before the present time.
        let mut run = SeekableRun::start(scenario, live);
        run.time = time;
        let reached = run.advance(at.min(micros(run.scenario.until_ms)), BUDGET);
        (run, reached)
    }

    /// Begins a request, which may take some time. All but those that continue end the unfinished work of an earlier one; a
    /// live command is never lost.
    pub fn begin(&mut self, continues: bool, time: TimeLimit) {
        if !continues {
            self.finish_fork();
            self.unfinished = None;
        }
        self.time = time;
    }

    /// Leaves the present for another time. A live command that has not been executed yet is scheduled at the time of its
    /// fork, where the run will execute it.
    pub fn leave(&mut self) {
        if let Some(Unfinished::Fork(command, _)) = self.unfinished.take() {
            let step = protocol::step(self.furthest, command);
            debug_assert!(self.now() <= self.furthest, "the repeated run has not passed the fork");
            self.run.schedule(&step);
            self.snapshots.forget_after(self.now(), self.live.len());
            self.live.push(step);
        }
        debug_assert!(self.unfinished.is_none(), "no work is left");
    }

    /// Returns whether a live command in the past has not been executed yet.
    pub fn is_forking(&self) -> bool {
        matches!(self.unfinished, Some(Unfinished::Fork(..)))
    }

    /// Executes the live command that has not been executed yet, however long it takes.
    pub fn finish_fork(&mut self) {
        if self.is_forking() {
            let time = std::mem::take(&mut self.time);
            self.resume();
            self.time = time;
        }
    }

    pub fn now(&self) -> Micros {
        self.run.engine().now()
    }

    /// Runs to a time, for at most `budget` events and no longer than the request may take, and takes snapshots on the way.
    /// Returns whether the time was reached.
    pub fn advance(&mut self, to: Micros, mut budget: u64) -> bool {
        loop {
            let mut part = budget.min(self.snapshots.events_until_next(&self.run).max(1));
            if self.time.is_set() {
                part = part.min(self.pace);
            }
            let (start, before) = (self.time.now(), self.run.engine().events());
            let frames = &mut self.frames;
            let observe = &mut |record: &_, analysis: &_, engine: &_| frames.observe(record, analysis, engine);
            let reached = self.run.advance(to, part, observe);
            if self.snapshots.events_until_next(&self.run) == 0 {
                self.snapshots.add(&self.run, &self.frames, self.live.len());
            }
            self.after_events();
            budget -= part;
            if reached || budget == 0 {
                return reached;
            }
            self.adapt_pace(self.time.now() - start, self.run.engine().events() - before);
            if self.time.is_over() {
                return false;
            }
        }
    }

    /// Adapts the number of events of a part, after a part of `events` events that took `took` ms.
    fn adapt_pace(&mut self, took: f64, events: u64) {
        if took > PART {
            self.pace = (self.pace / 2).max(1);
        } else if took < PART / 2.0 && events >= self.pace {
            self.pace = (self.pace * 2).min(MAX_EVENTS_OF_PART);
        }
    }

    /// Runs the next event, or moves to the end of the run if no event is due before it.
    pub fn step(&mut self) {
        self.advance(micros(self.scenario.until_ms), 1);
    }

    /// Updates the latest time that the run has reached, and why it halted.
    fn after_events(&mut self) {
        self.furthest = self.furthest.max(self.now());
        if self.run.engine().halt().is_some() && self.frames.halted.is_none() {
            let text = || labels::capitalized(&halt_text::sentence(&self.run).unwrap_or_default());
            self.frames.halted = Some(Texts::new(text));
        }
    }

    /// Runs to the next mark of the timeline, or to the end. Returns whether it was reached within the budget.
    pub fn seek_next_mark(&mut self) -> bool {
        let (before, until) = (self.frames.marked(&mut self.run), micros(self.scenario.until_ms));
        for _ in 0..BUDGET {
            if self.advance(until, 1) {
                return true;
            }
            if self.frames.marked(&mut self.run) > before {
                return self.advance(self.now(), BUDGET);
            }
            if self.time.is_over() {
                return false;
            }
        }
        false
    }

    /// Runs to the next time that a fact happens; from the start if it does not happen again. If it never happens, the run
    /// ends at its end. Returns whether it was reached; the next requests to advance continue the search.
    pub fn seek_next_fact(&mut self, mark: FactMark) -> bool {
        let (start, from) = (self.now(), self.run.engine().trace().total());
        self.continue_fact_search(FactSearch { mark, start, is_again: false, from })
    }

    fn continue_fact_search(&mut self, mut search: FactSearch) -> bool {
        let until = micros(self.scenario.until_ms);
        loop {
            let is_at_end = self.advance(until, 1);
            let total = self.run.engine().trace().total();
            let mut records = search.from..total;
            if records.any(|index| fact_times::is_at(&self.run, index, &search.mark)) {
                return self.advance(self.now(), BUDGET);
            }
            search.from = total;
            if is_at_end && std::mem::replace(&mut search.is_again, true) {
                return true;
            } else if is_at_end {
                let start = search.start;
                self.go_to_nearest(|run| run.engine().now() == 0 && start > 0);
                search.from = self.run.engine().trace().total();
            }
            if self.time.is_over() {
                self.unfinished = Some(Unfinished::FactSearch(search));
                return false;
            }
        }
    }

    /// Goes to the latest snapshot that `allows` accepts, or to the start. Keeps the present run if `allows` accepts it and
    /// no accepted snapshot is later.
    fn go_to_nearest(&mut self, allows: impl Fn(&Run) -> bool) {
        let keeps = allows(&self.run);
        let events = self.run.engine().events();
        match self.snapshots.latest(&self.live, &allows) {
            Some(snapshot) if keeps && snapshot.run.engine().events() <= events => {}
            None if keeps => {}
            Some(_) | None => self.go_to_snapshot(allows),
        }
        self.frames.make_whole();
    }

    /// Goes to the latest snapshot that `allows` accepts, or to the start, with all live commands scheduled.
    fn go_to_snapshot(&mut self, allows: impl Fn(&Run) -> bool) {
        self.checks = GuaranteeChecks::default();
        match self.snapshots.latest(&self.live, allows) {
            Some(snapshot) => {
                (self.run, self.frames) = (snapshot.run.clone(), snapshot.frames.clone());
                for step in &self.live[snapshot.live..] {
                    self.run.schedule(step);
                }
            }
            None => {
                let start = SeekableRun::new(self.scenario.clone(), self.live.clone(), 0, TimeLimit::default()).0;
                (self.run, self.frames) = (start.run, start.frames);
            }
        }
    }

    /// Goes to a time. Returns whether it was reached within the budget.
    pub fn seek(&mut self, to: Micros) -> bool {
        self.go_to_nearest(|run| run.engine().now() <= to);
        self.advance(to, BUDGET)
    }

    /// Follows another run to its time, forwards or backwards. Returns whether it was reached within the budget.
    pub fn follow(&mut self, to: Micros) -> bool {
        if self.now() > to { self.seek(to) } else { self.advance(to, BUDGET) }
    }

    /// Goes back to the state before the last event. Before the first event, goes to the start. Returns whether it was reached.
    pub fn step_back(&mut self) -> bool {
        let Some(target) = self.run.engine().events().checked_sub(1) else {
            return self.seek(0);
        };
        self.go_to_nearest(|run| run.engine().events() <= target);
        self.return_to(target) || {
            self.unfinished = Some(Unfinished::StepBack(target));
            false
        }
    }

    /// Runs to the state after a number of events. Returns whether it was reached within the time.
    fn return_to(&mut self, events: u64) -> bool {
        let left = events.saturating_sub(self.run.engine().events());
        // Without an event left, the clock would jump to the limit.
        left == 0 || self.advance(Micros::MAX, left) || self.run.engine().events() >= events
    }

    /// Continues the unfinished work. Returns whether it is finished; none if there is none.
    pub fn resume(&mut self) -> Option<bool> {
        Some(match self.unfinished.take()? {
            Unfinished::StepBack(events) => {
                let is_over = self.return_to(events);
                self.unfinished = (!is_over).then_some(Unfinished::StepBack(events));
                is_over
            }
            Unfinished::FactSearch(search) => self.continue_fact_search(search),
            Unfinished::Fork(command, events) => self.continue_fork(command, events),
        })
    }

    /// Builds the next frame.
    pub fn frame(&mut self, reached: bool) -> Frame {
        self.frames.frame(&mut self.run, &self.scenario, !reached)
    }

    /// Returns whether the run has been later than now, or has a live command later than now.
    pub fn has_future(&self) -> bool {
        self.furthest > self.now() || self.live.iter().any(|step| micros(step.at_ms) > self.now())
    }

    /// Returns the live commands up to now.
    pub fn executed_commands(&self) -> Vec<Step> {
        self.live.iter().filter(|step| micros(step.at_ms) <= self.now()).cloned().collect()
    }

    /// Returns why a command is invalid now, as a message for people; none if it is valid.
    pub fn refusal(&self, command: &Command) -> Option<String> {
        self.run.engine().check(command).err().map(|refused| refused.to_string())
    }

    /// Discards the live commands later than now, and executes a live command. Returns whether it was executed; the next
    /// requests to advance continue the work. The command is valid now.
    pub fn fork(&mut self, command: Command) -> bool {
        let (now, events, executed) = (self.now(), self.run.engine().events(), self.executed_commands());
        self.snapshots.forget_after(now, executed.len());
        // The engine has scheduled the discarded commands, so the run is repeated without them.
        if executed.len() < self.live.len() {
            self.live = executed;
            self.go_to_snapshot(|run| run.engine().events() <= events);
            self.frames.make_whole();
        }
        self.furthest = now;
        self.continue_fork(command, events)
    }

    fn continue_fork(&mut self, command: Command, events: u64) -> bool {
        let left = events.saturating_sub(self.run.engine().events());
        // The command is executed at this very event, at the time of the fork.
        if !self.advance(self.furthest, left) && self.run.engine().events() < events {
            self.unfinished = Some(Unfinished::Fork(command, events));
            return false;
        }
        debug_assert_eq!(self.run.engine().events(), events, "the repeated run has the same events");
        let refused = self.act(command);
        debug_assert!(refused.is_none(), "the command was valid before: {refused:?}");
        true
    }

    /// Executes a live command now. Returns why it is refused, as a message for people; none if it is executed.
    pub fn act(&mut self, command: Command) -> Option<String> {
        let at = self.now();
        let frames = &mut self.frames;
        let observe = &mut |record: &_, analysis: &_, engine: &_| frames.observe(record, analysis, engine);
        match self.run.act(command.clone(), observe) {
            Ok(()) => {
                self.snapshots.forget_after(at, self.live.len());
                self.live.push(protocol::step(at, command));
                None
            }
            Err(refused) => Some(refused.to_string()),
        }
    }

    /// Returns rows of the log.
    pub fn log(&self, from: u64, count: u32) -> Report {
        let trace = self.run.engine().trace();
        let from = from.max(trace.oldest());
        let rows = trace.since(from).take(count.min(MAX_ROWS) as usize).enumerate().map(|(i, record)| {
            let sentence = log_text::sentence(record, self.run.analysis(), self.run.engine().names());
            LogRow {
                index: from + i as u64,
                at: record.at,
                name: sentence.name.into(),
                text: sentence.text,
                update: sentence.update.map(|update| update.0),
                nodes: sentence.nodes,
            }
        });
        Report::Log { from, total: trace.total(), oldest: trace.oldest(), rows: rows.collect() }
    }
}
