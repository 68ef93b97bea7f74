//! One run under control: load, advance, step, seek, act, edit, fork, compare; and the protocol of the worker.
//!
//! A run is a function of its scenario, its live commands and the time it has reached. So an edit, an undo
//! or a seek into the past runs the scenario again up to that time, and a link that carries the scenario
//! with the live commands in its script reproduces the run anywhere.

mod branches;
mod bus_reasons;
mod content;
mod convergence_check;
pub mod crossing;
mod diagram;
mod expectations;
pub mod export;
pub mod fact_times;
mod first_frame;
pub mod first_halt;
mod frame;
pub mod halt_text;
mod holders;
mod host_events;
mod internals;
pub mod labels;
pub mod log_text;
pub mod measurement;
mod open_document;
pub mod protocol;
pub mod quantile_sketch;
pub mod reasons;
mod run;
mod seekable_run;
mod snapshots;
pub mod sweep;
mod time_limit;
mod under_way;
mod verdicts;

pub use first_frame::first_frame;
pub use frame::service_view;
pub use run::{Run, halted_early, merged};

use crate::language::phrase;
use crate::scenario::{Micros, Scenario, ScenarioError};
use open_document::OpenDocument;
use protocol::{FromEngine, Report, Request, ToEngine};
pub use time_limit::Clock;
use time_limit::TimeLimit;

/// One run under control. The worker, the page's main thread where workers are refused, and native tests
/// call [`Session::handle`]; nothing else drives an engine for the page.
#[derive(Debug, Default)]
pub struct Session {
    document: Option<OpenDocument>,
    /// The clock, and the time that a request may take, ms.
    slice: Option<(Clock, f64)>,
}

impl Session {
    /// Creates a session whose requests take little more than `ms` milliseconds of a clock, however expensive the events are.
    /// A frame states whether there is more to do.
    pub fn with_clock(clock: Clock, ms: f64) -> Session {
        Session { document: None, slice: Some((clock, ms)) }
    }

    /// Bounds the time of requests, as [`Session::with_clock`] does.
    pub fn set_clock(&mut self, clock: Clock, ms: f64) {
        self.slice = Some((clock, ms));
    }

    fn time_limit(&self) -> TimeLimit {
        self.slice.map_or_else(TimeLimit::default, |(clock, ms)| TimeLimit::after(Some(clock), ms))
    }

    /// Executes a request and returns its answer.
    pub fn handle(&mut self, message: ToEngine) -> FromEngine {
        let time = self.time_limit();
        if let Some(document) = &mut self.document {
            document.begin(&message.request, time);
        }
        let report = match message.request {
            Request::First => self.open_first(),
            Request::Advance { to, budget } => self.control(|document| document.advance(to, budget)),
            Request::Step => self.control(OpenDocument::step),
            Request::Query(query) => self.control(|document| document.answer(&query)),
            Request::Load { scenario, at } => self.load(*scenario, at),
            Request::Edit { scenario } => self.edit(*scenario),
            Request::StepBack => self.control(OpenDocument::step_back),
            Request::NextMark => self.control(OpenDocument::seek_next_mark),
            Request::NextFact(mark) => self.control(|document| document.seek_next_fact(mark)),
            Request::Lesson(_) | Request::Grade(_) => Report::Unanswered(
                phrase(
                    "Lessons are measured and answers graded apart from the run.",
                    "Lektionen werden getrennt vom Lauf gemessen, Antworten getrennt vom Lauf bewertet.",
                )
                .into(),
            ),
            Request::Act { command } => self.control(|document| document.act(command)),
            Request::Seek { to } => self.control(|document| document.seek(to)),
            Request::Reset => self.control(OpenDocument::reset),
            Request::Branch(command) => self.control(|document| document.change_branches(command)),
        };
        FromEngine { epoch: message.epoch, report }
    }

    /// Opens the first scenario, before its first event.
    fn open_first(&mut self) -> Report {
        self.document.insert(OpenDocument::first()).first_frame()
    }

    fn control(&mut self, execute: impl FnOnce(&mut OpenDocument) -> Report) -> Report {
        match &mut self.document {
            Some(document) => execute(document),
            None => Report::Refused {
                errors: vec![ScenarioError::new("", phrase("no scenario is loaded", "kein Szenario ist geladen"))],
            },
        }
    }

    fn load(&mut self, scenario: Scenario, at: Micros) -> Report {
        match scenario.validate() {
            Ok(()) => {
                let time = self.time_limit();
                self.open(OpenDocument::load(scenario, at, time))
            }
            Err(errors) => Report::Refused { errors },
        }
    }

    fn edit(&mut self, scenario: Scenario) -> Report {
        if self.document.is_none() {
            return self.load(scenario, 0);
        }
        match scenario.validate() {
            Ok(()) => self.control(|document| document.edit(scenario)),
            Err(errors) => Report::Refused { errors },
        }
    }

    fn open(&mut self, (document, reached): (OpenDocument, bool)) -> Report {
        self.document.insert(document).report(reached)
    }
}
