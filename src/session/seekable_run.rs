//! A run that can be moved in time: advance, seek, step back, act, forget what lay ahead.

use super::frame::FrameBuilder;
use super::protocol::{self, Frame, LogRow, Report};
use super::snapshots::Snapshots;
use super::verdicts::GuaranteeChecks;
use super::{Run, words};
use crate::scenario::{Command, Micros, Scenario, Step, micros};

/// Events that one request runs at most; the page asks again for the rest, and can be asked meanwhile.
pub(super) const BUDGET: u64 = 2_000_000;
/// Rows of the log in one answer at most.
const MOST_ROWS: u32 = 500;

#[derive(Debug)]
pub(super) struct SeekableRun {
    pub scenario: Scenario,
    pub live: Vec<Step>,
    pub run: Run,
    pub frames: FrameBuilder,
    past: Snapshots,
    /// What its verdicts rest on.
    pub checks: GuaranteeChecks,
    /// The latest instant at which the run has stood, with what was done live.
    furthest: Micros,
}

impl SeekableRun {
    /// The scenario with live commands, at an instant.
    pub fn new(scenario: Scenario, live: Vec<Step>, at: Micros) -> (Self, bool) {
        let run = Run::with_live(&scenario, &live);
        let mut frames = FrameBuilder::new();
        frames.look_at_clocks(&run, &scenario);
        // Records of the first instant, made before anybody could look.
        for record in run.engine().trace().since(0) {
            frames.look(record, run.analysis(), run.engine());
        }
        let mut loaded = SeekableRun {
            scenario,
            live,
            run,
            frames,
            past: Snapshots::new(),
            checks: GuaranteeChecks::default(),
            furthest: 0,
        };
        let there = loaded.advance(at, BUDGET);
        (loaded, there)
    }

    pub fn now(&self) -> Micros {
        self.run.engine().now()
    }

    pub fn advance(&mut self, to: Micros, mut budget: u64) -> bool {
        loop {
            let part = budget.min(self.past.left(&self.run).max(1));
            let frames = &mut self.frames;
            let look = &mut |record: &_, analysis: &_, engine: &_| frames.look(record, analysis, engine);
            let there = self.run.advance(to, part, look);
            if self.past.left(&self.run) == 0 {
                self.past.add(&self.run, &self.frames, self.live.len());
            }
            self.furthest = self.furthest.max(self.now());
            budget -= part;
            if there || budget == 0 {
                return there;
            }
        }
    }

    /// Lets the next thing happen.
    pub fn step(&mut self) {
        let frames = &mut self.frames;
        self.run.step(&mut |record, analysis, engine| frames.look(record, analysis, engine));
        self.furthest = self.furthest.max(self.now());
    }

    /// Stands where the next mark is, or at the end.
    pub fn seek_next_mark(&mut self) -> bool {
        let (before, until) = (self.frames.marked(&mut self.run), micros(self.scenario.until_ms));
        for _ in 0..BUDGET {
            if self.advance(until, 1) {
                return true;
            }
            if self.frames.marked(&mut self.run) > before {
                return self.advance(self.now(), BUDGET);
            }
        }
        false
    }

    /// Stands at the latest snapshot that `before` allows, or at the start; where the run is, if that is later and allowed.
    fn nearest(&mut self, before: impl Fn(&Run) -> bool) {
        let stays = before(&self.run);
        let events = self.run.engine().events();
        match self.past.latest(&self.live, &before) {
            Some(moment) if stays && moment.run.engine().events() <= events => {}
            None if stays => {}
            Some(_) | None => self.stand(before),
        }
        self.frames.make_whole();
    }

    /// Stands at the latest snapshot that `before` allows, or at the start, with all live commands ahead.
    fn stand(&mut self, before: impl Fn(&Run) -> bool) {
        self.checks = GuaranteeChecks::default();
        match self.past.latest(&self.live, before) {
            Some(moment) => {
                (self.run, self.frames) = (moment.run.clone(), moment.frames.clone());
                for step in &self.live[moment.live..] {
                    self.run.schedule(step);
                }
            }
            None => {
                let start = SeekableRun::new(self.scenario.clone(), self.live.clone(), 0).0;
                (self.run, self.frames) = (start.run, start.frames);
            }
        }
    }

    /// Stands at another instant.
    pub fn seek(&mut self, to: Micros) -> bool {
        self.nearest(|run| run.engine().now() <= to);
        self.advance(to, BUDGET)
    }

    /// Goes where another run stands; back, too.
    pub fn follow(&mut self, to: Micros) -> bool {
        if self.now() > to { self.seek(to) } else { self.advance(to, BUDGET) }
    }

    /// Stands where the run stood one event ago.
    pub fn step_back(&mut self) {
        let target = self.run.engine().events().saturating_sub(1);
        self.nearest(|run| run.engine().events() <= target);
        let left = target.saturating_sub(self.run.engine().events());
        self.advance(Micros::MAX, left);
    }

    pub fn frame(&mut self, there: bool) -> Frame {
        self.frames.frame(&mut self.run, &self.scenario, !there)
    }

    /// Whether the run has been later than it stands, or something was done live that lies ahead.
    pub fn has_future(&self) -> bool {
        self.furthest > self.now() || self.live.iter().any(|step| micros(step.at_ms) > self.now())
    }

    /// The live commands up to now.
    pub fn done(&self) -> Vec<Step> {
        self.live.iter().filter(|step| micros(step.at_ms) <= self.now()).cloned().collect()
    }

    /// Whether a command makes no sense now, in words.
    pub fn refuses(&self, command: &Command) -> Option<String> {
        self.run.clone().act(command.clone(), &mut |_, _, _| {}).err().map(|refused| refused.to_string())
    }

    /// Nothing lies ahead but what the scenario says. The run stands where it stood.
    pub fn forget_future(&mut self) {
        let (now, events, done) = (self.now(), self.run.engine().events(), self.done());
        self.past.forget_after(now, done.len());
        // What was done live and lies ahead is on the engine's timeline: it takes a run that never knew of it.
        if done.len() < self.live.len() {
            self.live = done;
            self.stand(|run| run.engine().events() <= events);
            let left = events.saturating_sub(self.run.engine().events());
            self.advance(now, left);
            self.frames.make_whole();
        }
        self.furthest = now;
    }

    pub fn act(&mut self, command: Command) -> Option<String> {
        let at = self.now();
        let frames = &mut self.frames;
        let look = &mut |record: &_, analysis: &_, engine: &_| frames.look(record, analysis, engine);
        match self.run.act(command.clone(), look) {
            Ok(()) => {
                self.past.forget_after(at, self.live.len());
                self.live.push(protocol::step(at, command));
                None
            }
            Err(refused) => Some(refused.to_string()),
        }
    }

    pub fn log(&self, from: u64, count: u32) -> Report {
        let trace = self.run.engine().trace();
        let from = from.max(trace.oldest());
        let rows = trace.since(from).take(count.min(MOST_ROWS) as usize).enumerate().map(|(i, record)| {
            let sentence = words::sentence(record, self.run.analysis(), self.run.engine().names());
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
