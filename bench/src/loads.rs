//! Loads that run both natively and in the browser: services that forward messages, a sweep of seeds, and seeks within a
//! long run.

pub mod crowd;
pub mod forwarding;

use converge::engine::{Engine, Stream};
use converge::scenario::{Arrivals, Keys, Scenario, Workload, examples};
use converge::session::Session;
use converge::session::protocol::{Report, Request, ScenarioJson, ToEngine};
use converge::session::sweep::Sweep;
use converge::trace::Level;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen::prelude::wasm_bindgen;

/// Events between two looks at the number of delivered messages.
const EVENTS_BETWEEN_CHECKS: u64 = 1_000;

/// A run of the [`forwarding`] scenario, driven without a session.
#[cfg_attr(target_arch = "wasm32", wasm_bindgen)]
#[derive(Debug)]
pub struct Forwarding(Engine);

#[cfg_attr(target_arch = "wasm32", wasm_bindgen)]
impl Forwarding {
    /// Builds the engine at time 0, with the full trace or with none.
    #[cfg_attr(target_arch = "wasm32", wasm_bindgen(constructor))]
    pub fn new(traced: bool) -> Forwarding {
        Forwarding::with_level(if traced { Level::Full } else { Level::Off })
    }

    /// Runs until at least `messages` messages have been delivered, and returns how many have been.
    pub fn run(&mut self, messages: u32) -> f64 {
        while self.0.messages().delivered < u64::from(messages) {
            self.0.run_until(u64::MAX, EVENTS_BETWEEN_CHECKS);
        }
        self.0.messages().delivered as f64
    }
}

impl Forwarding {
    /// Builds the engine at time 0, with the given level of detail in the trace.
    pub fn with_level(level: Level) -> Forwarding {
        Forwarding(Engine::new(&forwarding::scenario(), level))
    }

    /// Returns the number of events processed so far.
    pub fn events(&self) -> u64 {
        self.0.events()
    }
}

/// A sweep of `inventory-notification`, with so many writes that a run has about 1,000 events.
#[cfg_attr(target_arch = "wasm32", wasm_bindgen)]
#[derive(Debug)]
pub struct Seeds {
    scenario: Scenario,
    sweep: Sweep,
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen)]
impl Seeds {
    /// Nothing run yet.
    #[cfg_attr(target_arch = "wasm32", wasm_bindgen(constructor))]
    #[allow(clippy::new_without_default, reason = "JavaScript has no defaults")]
    pub fn new() -> Seeds {
        let mut scenario = examples::find("inventory-notification").expect("the example").scenario();
        scenario.clients[0].generate = Some(Workload {
            arrivals: Arrivals::Periodic { every_ms: 60.0 },
            keys: Keys::One { key: "widget".into() },
            read_share: 0.0,
            optimistic: None,
            from_ms: 0.0,
            until_ms: None,
        });
        let sweep = Sweep::new(&scenario);
        Seeds { scenario, sweep }
    }

    /// Runs so many further seeds, and returns how many events there have been in all.
    pub fn run(&mut self, seeds: u32) -> f64 {
        let from = self.sweep.runs;
        for seed in from..from + u64::from(seeds) {
            self.sweep.run(&self.scenario, seed).expect("each seed is run once");
        }
        self.sweep.events as f64
    }
}

/// A run of the [`crowd`] under a session, to stand at one instant after another.
#[cfg_attr(target_arch = "wasm32", wasm_bindgen)]
#[derive(Debug)]
pub struct Seeks {
    session: Session,
    end: u64,
    chance: Stream,
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen)]
impl Seeks {
    /// Played until so many events have happened.
    #[cfg_attr(target_arch = "wasm32", wasm_bindgen(constructor))]
    pub fn new(events: u32) -> Seeks {
        let mut seeks = Seeks { session: Session::default(), end: 0, chance: Stream::named(1, "bench", "seek") };
        let scenario = ScenarioJson::from(&crowd::scenario(12.0, 1000.0, 1e6));
        let mut happened = seeks.ask(Request::Load { scenario, at: 0 }).1;
        while happened < u64::from(events) {
            let to = seeks.end + 166_667;
            (seeks.end, happened) = seeks.ask(Request::Advance { to, budget: 100_000 });
        }
        seeks
    }

    /// Stands at a random instant, told by its frame, as the page asks for it; returns how many events come before it.
    pub fn seek(&mut self) -> f64 {
        let to = (self.chance.unit() * self.end as f64) as u64;
        self.ask(Request::Seek { to }).1 as f64
    }

    /// The instant and its number of events.
    fn ask(&mut self, request: Request) -> (u64, u64) {
        match self.session.handle(ToEngine { epoch: 1, request }).report {
            Report::Frame(frame) => (frame.now, frame.events),
            other => panic!("no frame but {other:?}"),
        }
    }
}
