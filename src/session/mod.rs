//! One run under control: load, advance, step, seek, act, edit; and the protocol spoken across the worker.
//!
//! A run is a function of its scenario, its live commands and the instant at which it stands. So an edit,
//! an undo or a seek into the past runs the scenario again to that instant, and a link that carries the
//! scenario with the live commands in its script makes the same run anywhere.

mod findings;
mod frame;
mod past;
pub mod protocol;
pub mod reasons;
mod run;
pub mod sketch;
pub mod sweep;
pub mod words;

pub use frame::service_view;
pub use run::{Run, merged};

use crate::scenario::{Command, Micros, Scenario, ScenarioError, Step};
use frame::Reporter;
use past::Past;
use protocol::{Frame, FromEngine, LogRow, Report, Request, ToEngine};

/// Events that one request runs at most; the page asks again for the rest, and can be asked meanwhile.
const BUDGET: u64 = 2_000_000;
/// Rows of the log in one answer at most.
const MOST_ROWS: u32 = 500;

/// One run under control. The worker, the page's main thread where there is no worker, and native tests
/// call [`Session::handle`]; nothing else drives an engine for the page.
#[derive(Debug, Default)]
pub struct Session {
    loaded: Option<Loaded>,
}

#[derive(Debug)]
struct Loaded {
    scenario: Scenario,
    live: Vec<Step>,
    run: Run,
    reporter: Reporter,
    past: Past,
}

impl Loaded {
    /// The scenario with live commands, at an instant.
    fn new(scenario: Scenario, live: Vec<Step>, at: Micros) -> (Self, bool) {
        let run = Run::with_live(&scenario, &live);
        let mut reporter = Reporter::new();
        // Records of the first instant, made before anybody could look.
        for record in run.engine().trace().since(0) {
            reporter.look(record, run.analysis(), run.engine());
        }
        let mut loaded = Loaded { scenario, live, run, reporter, past: Past::new() };
        let there = loaded.advance(at, BUDGET);
        (loaded, there)
    }

    fn advance(&mut self, to: Micros, mut budget: u64) -> bool {
        loop {
            let part = budget.min(self.past.left(&self.run).max(1));
            let reporter = &mut self.reporter;
            let look = &mut |record: &_, analysis: &_, engine: &_| reporter.look(record, analysis, engine);
            let there = self.run.advance(to, part, look);
            self.past.keep(&self.run, &self.reporter, self.live.len());
            budget -= part;
            if there || budget == 0 {
                return there;
            }
        }
    }

    /// Stands at the latest snapshot that `before` allows, or at the start; where the run is, if that is later and allowed.
    fn nearest(&mut self, before: impl Fn(&Run) -> bool) {
        let stays = before(&self.run);
        let events = self.run.engine().events();
        match self.past.latest(&self.live, before) {
            Some(moment) if stays && moment.run.engine().events() <= events => {}
            None if stays => {}
            Some(moment) => {
                (self.run, self.reporter) = (moment.run.clone(), moment.reporter.clone());
                for step in &self.live[moment.live..] {
                    self.run.schedule(step);
                }
            }
            None => {
                let start = Loaded::new(self.scenario.clone(), self.live.clone(), 0).0;
                (self.run, self.reporter) = (start.run, start.reporter);
            }
        }
        self.reporter.make_whole();
    }

    /// Stands at another instant.
    fn seek(&mut self, to: Micros) -> bool {
        self.nearest(|run| run.engine().now() <= to);
        self.advance(to, BUDGET)
    }

    /// Stands where the run stood one event ago.
    fn step_back(&mut self) {
        let target = self.run.engine().events().saturating_sub(1);
        self.nearest(|run| run.engine().events() <= target);
        let left = target.saturating_sub(self.run.engine().events());
        self.advance(Micros::MAX, left);
    }

    fn frame(&mut self, there: bool) -> Frame {
        self.reporter.frame(&mut self.run, &self.scenario, !there)
    }

    fn act(&mut self, command: Command) -> Option<String> {
        let at = self.run.engine().now();
        let reporter = &mut self.reporter;
        let look = &mut |record: &_, analysis: &_, engine: &_| reporter.look(record, analysis, engine);
        match self.run.act(command.clone(), look) {
            Ok(()) => {
                self.past.forget_after(at);
                self.live.push(protocol::step(at, command));
                None
            }
            Err(refused) => Some(refused.to_string()),
        }
    }

    fn log(&self, from: u64, count: u32) -> Report {
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

impl Session {
    /// Carries out one request and says what came of it.
    pub fn handle(&mut self, message: ToEngine) -> Vec<FromEngine> {
        let report = self.answer(message.request);
        vec![FromEngine { epoch: message.epoch, report }]
    }

    fn answer(&mut self, request: Request) -> Report {
        match request {
            Request::Load { scenario, at } => self.load(*scenario, Vec::new(), at),
            Request::Edit { scenario } => {
                let (live, at) = match &self.loaded {
                    Some(loaded) => (still_sensible(&scenario, &loaded.live), loaded.run.engine().now()),
                    None => (Vec::new(), 0),
                };
                self.load(*scenario, live, at)
            }
            Request::Seek { to } => match self.loaded.take() {
                Some(mut loaded) => {
                    let there = loaded.seek(to);
                    self.show(loaded, there)
                }
                None => nothing_loaded(),
            },
            Request::Reset => match self.loaded.take() {
                Some(loaded) => {
                    let (loaded, there) = Loaded::new(loaded.scenario, Vec::new(), 0);
                    self.show(loaded, there)
                }
                None => nothing_loaded(),
            },
            other => match &mut self.loaded {
                Some(loaded) => answer_loaded(loaded, other),
                None => nothing_loaded(),
            },
        }
    }

    fn load(&mut self, scenario: Scenario, live: Vec<Step>, at: Micros) -> Report {
        if let Err(errors) = scenario.validate() {
            return Report::Refused { errors };
        }
        let (loaded, there) = Loaded::new(scenario, live, at);
        self.show(loaded, there)
    }

    fn show(&mut self, loaded: Loaded, there: bool) -> Report {
        let loaded = self.loaded.insert(loaded);
        Report::Frame(Box::new(loaded.frame(there)))
    }
}

/// The requests that neither load nor leave a run.
fn answer_loaded(loaded: &mut Loaded, request: Request) -> Report {
    match request {
        Request::Advance { to, budget } => {
            let there = loaded.advance(to, u64::from(budget));
            Report::Frame(Box::new(loaded.frame(there)))
        }
        Request::Step => {
            let reporter = &mut loaded.reporter;
            loaded.run.step(&mut |record, analysis, engine| reporter.look(record, analysis, engine));
            Report::Frame(Box::new(loaded.frame(true)))
        }
        Request::StepBack => {
            loaded.step_back();
            Report::Frame(Box::new(loaded.frame(true)))
        }
        Request::Diagram { from, to } => Report::Arrows(findings::arrows(&loaded.run, from, to)),
        Request::Examine { node } => {
            Report::Findings(findings::findings(&loaded.run, &loaded.scenario, &loaded.live, node))
        }
        Request::Act { command } => {
            let refused = loaded.act(command);
            Report::Frame(Box::new(Frame { refused, ..loaded.frame(true) }))
        }
        Request::Log { from, count } => loaded.log(from, count),
        Request::Describe => Report::Run {
            scenario: Box::new(merged(&loaded.scenario, &loaded.live)),
            digest: loaded.run.engine().trace().digest().hex(),
            now: loaded.run.engine().now(),
            live: loaded.live.len() as u32,
        },
        Request::Load { .. } | Request::Edit { .. } | Request::Seek { .. } | Request::Reset => {
            unreachable!("answered by the session")
        }
    }
}

/// The live commands that still name things of a changed scenario.
fn still_sensible(scenario: &Scenario, live: &[Step]) -> Vec<Step> {
    let sensible = |step: &&Step| merged(scenario, &[(*step).clone()]).validate().is_ok();
    live.iter().filter(sensible).cloned().collect()
}

fn nothing_loaded() -> Report {
    Report::Refused { errors: vec![ScenarioError::new("", "no scenario is loaded")] }
}
