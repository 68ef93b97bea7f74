//! A run that can go to any time: it advances, seeks, steps back, executes live commands, and discards its future.

use super::frame::FrameBuilder;
use super::protocol::{self, Frame, LogRow, Report};
use super::run::Run;
use super::snapshots::Snapshots;
use super::time_limit::TimeLimit;
use super::verdicts::GuaranteeChecks;
use super::{fact_times, halt_text, labels, log_text};
use crate::scenario::{Command, Micros, Scenario, Step, micros};
use crate::trace::NodeId;

/// Limit of the events of one request. The page requests the rest, and can send other requests in between.
const BUDGET: u64 = 2_000_000;
/// Limit of the rows of the log in one answer.
const MOST_ROWS: u32 = 500;

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
    /// The number of events between two looks at the clock, adapted so that they take about [`PART`].
    pace: u64,
    /// The number of events at which an unfinished step back ends.
    step_back_to: Option<u64>,
}

/// The time between two looks at the clock to aim at, ms.
const PART: f64 = 4.0;
/// The most events between two looks at the clock.
const MOST_EVENTS_OF_PART: u64 = 1 << 16;

impl SeekableRun {
    /// Creates the run of a scenario with live commands, before its first event.
    pub fn start(scenario: Scenario, live: Vec<Step>) -> Self {
        let run = Run::with_live(&scenario, &live);
        let frames = FrameBuilder::new(&run, &scenario);
        let (snapshots, checks) = (Snapshots::new(), GuaranteeChecks::default());
        let (time, pace, step_back_to) = (TimeLimit::default(), 64, None);
        SeekableRun { scenario, live, run, frames, snapshots, checks, furthest: 0, time, pace, step_back_to }
    }

    /// Runs the scenario with live commands to a time. Returns whether it was reached within the budget and the time.
    pub fn new(scenario: Scenario, live: Vec<Step>, at: Micros, time: TimeLimit) -> (Self, bool) {
        // A link may carry a time after the end, and an edit may move the end before the present time.
        let mut run = SeekableRun::start(scenario, live);
        run.time = time;
        let reached = run.advance(at.min(micros(run.scenario.until_ms)), BUDGET);
        (run, reached)
    }

    /// Begins a request and limits its time. Unless it continues a step back, an unfinished step back is abandoned.
    pub fn begin(&mut self, continues: bool, time: TimeLimit) {
        self.time = time;
        if !continues {
            self.step_back_to = None;
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
            self.pace = (self.pace * 2).min(MOST_EVENTS_OF_PART);
        }
    }

    /// Runs the next event.
    pub fn step(&mut self) {
        let frames = &mut self.frames;
        self.run.step(&mut |record, analysis, engine| frames.observe(record, analysis, engine));
        self.after_events();
    }

    /// Updates the latest time that the run has reached, and why it halted.
    fn after_events(&mut self) {
        self.furthest = self.furthest.max(self.now());
        if self.run.engine().halt().is_some() && self.frames.halted.is_none() {
            self.frames.halted = halt_text::sentence(&self.run).map(|text| labels::capitalized(&text));
        }
    }

    /// Runs to the next mark of the timeline, or to the end. Returns whether it was reached within the budget.
    pub fn seek_next_mark(&mut self) -> bool {
        let (before, until) = (self.frames.marked(&mut self.run), micros(self.scenario.until_ms));
        for n in 0..BUDGET {
            if n % 16 == 15 && self.time.is_over() {
                return false;
            }
            if self.advance(until, 1) {
                return true;
            }
            if self.frames.marked(&mut self.run) > before {
                return self.advance(self.now(), BUDGET);
            }
        }
        false
    }

    /// Runs to the next fact with this name, of a node if one is given. After the last one it goes on at the start of the run.
    /// Without any, it goes to the end. Returns whether the fact or the end was reached within the budget.
    pub fn seek_next_fact(&mut self, name: &str, node: Option<NodeId>) -> bool {
        let (start, until) = (self.now(), micros(self.scenario.until_ms));
        for starts_over in [false, true] {
            if starts_over {
                self.go_to_nearest(|run| run.engine().now() == 0 && start > 0);
            }
            let mut from = self.run.engine().trace().total();
            for _ in 0..BUDGET {
                let is_at_end = self.advance(until, 1);
                let total = self.run.engine().trace().total();
                if (from..total).any(|index| fact_times::is_at(&self.run, index, name, node)) {
                    return self.advance(self.now(), BUDGET);
                }
                from = total;
                if is_at_end {
                    break;
                }
            }
        }
        true
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
        self.step_back_to = Some(target);
        self.resume_step_back().unwrap_or(true)
    }

    /// Continues a step back. Returns whether its state is reached; none if none is unfinished.
    pub fn resume_step_back(&mut self) -> Option<bool> {
        let target = self.step_back_to?;
        let left = target.saturating_sub(self.run.engine().events());
        // Without an event left, the clock would jump to the limit.
        let is_over = left == 0 || self.advance(Micros::MAX, left) || self.run.engine().events() >= target;
        if is_over {
            self.step_back_to = None;
        }
        Some(is_over)
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

    /// Discards the live commands and the snapshots later than now. The run keeps its state.
    pub fn discard_future(&mut self) {
        let (now, events, executed) = (self.now(), self.run.engine().events(), self.executed_commands());
        self.snapshots.forget_after(now, executed.len());
        // The engine has scheduled the discarded commands, so the run is repeated without them.
        if executed.len() < self.live.len() {
            self.live = executed;
            self.go_to_snapshot(|run| run.engine().events() <= events);
            let left = events.saturating_sub(self.run.engine().events());
            // The command that forks the run is executed after this event, so the time limit must not end the run earlier.
            let time = std::mem::take(&mut self.time);
            self.advance(now, left);
            self.time = time;
            debug_assert_eq!(self.run.engine().events(), events, "the repeated run has the same events");
            self.frames.make_whole();
        }
        self.furthest = now;
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
        let rows = trace.since(from).take(count.min(MOST_ROWS) as usize).enumerate().map(|(i, record)| {
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
