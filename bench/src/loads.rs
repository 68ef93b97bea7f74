//! Loads that run both natively and in the browser: services that forward messages, a sweep of seeds, and seeks within a
//! long run.

pub mod crowd;
pub mod forwarding;

use converge::engine::{Engine, Limits, Stream};
use converge::scenario::{Arrivals, Keys, Scenario, Workload, examples};
use converge::session::Session;
use converge::session::protocol::{Report, Request, ToEngine};
use converge::session::sweep::Sweep;
use converge::trace::Level;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen::prelude::wasm_bindgen;

/// The number of events between two checks of the number of delivered messages.
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
        let mut engine = Engine::new(&forwarding::scenario(), level);
        engine.set_limits(Limits::with_events(u64::MAX));
        Forwarding(engine)
    }

    /// Returns the number of events processed so far.
    pub fn events(&self) -> u64 {
        self.0.events()
    }
}

/// A sweep of `inventory-notification` with a workload that causes about 1,000 events a run.
#[cfg_attr(target_arch = "wasm32", wasm_bindgen)]
#[derive(Debug)]
pub struct Seeds {
    scenario: Scenario,
    sweep: Sweep,
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen)]
impl Seeds {
    /// Creates the sweep without any run.
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

    /// Runs the next `seeds` seeds, and returns the number of events of all runs so far.
    pub fn run(&mut self, seeds: u32) -> f64 {
        let from = self.sweep.runs;
        for seed in from..from + u64::from(seeds) {
            self.sweep.run(&self.scenario, seed).expect("each seed is run once");
        }
        self.sweep.events as f64
    }
}

/// Random seeks in a run of the [`crowd`] scenario.
#[cfg_attr(target_arch = "wasm32", wasm_bindgen)]
#[derive(Debug)]
pub struct Seeks {
    session: Session,
    end: u64,
    random: Stream,
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen)]
impl Seeks {
    /// Creates the session and advances its run until it has processed `events` events.
    #[cfg_attr(target_arch = "wasm32", wasm_bindgen(constructor))]
    pub fn new(events: u32) -> Seeks {
        let mut seeks = Seeks { session: Session::default(), end: 0, random: Stream::named(1, "bench", "seek") };
        let scenario = Box::new(crowd::scenario(12.0, 1000.0, 1e6));
        let mut processed = seeks.request_frame(Request::Load { scenario, at: 0 }).1;
        while processed < u64::from(events) {
            let to = seeks.end + 166_667;
            (seeks.end, processed) = seeks.request_frame(Request::Advance { to, budget: 100_000 });
        }
        seeks
    }

    /// Seeks to a random time and requests its frame, as the page does; returns the number of events before it.
    pub fn seek(&mut self) -> f64 {
        let to = (self.random.unit() * self.end as f64) as u64;
        self.request_frame(Request::Seek { to }).1 as f64
    }

    /// Sends a request; returns the time and the number of events of the frame that answers it.
    fn request_frame(&mut self, request: Request) -> (u64, u64) {
        match self.session.handle(ToEngine { epoch: 1, request }).report {
            Report::Frame(frame) => (frame.now, frame.events),
            other => panic!("a frame is expected, not {other:?}"),
        }
    }
}
