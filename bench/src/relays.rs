//! Loads that run natively and in the browser alike. Message forwarding: 64 nodes, 1,024 messages in flight,
//! exponential delays; each message that arrives is passed on to a random node. A sweep of seeds. And a long run in which to
//! stand at any instant.

pub mod crowd;

use converge::engine::{Engine, Stream};
use converge::scenario::{Arrivals, Keys, Scenario, Workload, examples};
use converge::session::Session;
use converge::session::protocol::{Report, Request, ToEngine, Written};
use converge::session::sweep::Sweep;
use converge::trace::Level;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen::prelude::wasm_bindgen;

/// Nodes.
pub const NODES: u32 = 64;
/// Messages in flight.
pub const MESSAGES: u32 = 1024;

/// The engine with that load.
#[cfg_attr(target_arch = "wasm32", wasm_bindgen)]
#[derive(Debug)]
pub struct Relays(Engine);

#[cfg_attr(target_arch = "wasm32", wasm_bindgen)]
impl Relays {
    /// At time 0, with the whole trace or none.
    #[cfg_attr(target_arch = "wasm32", wasm_bindgen(constructor))]
    pub fn new(traced: bool) -> Relays {
        let level = if traced { Level::Full } else { Level::Off };
        Relays(Engine::relays(NODES, MESSAGES, 10.0, 1, level))
    }

    /// Lets so many events happen, and returns how many there have been.
    pub fn run(&mut self, events: u32) -> f64 {
        self.0.run_until(u64::MAX, u64::from(events));
        self.0.events() as f64
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
        let scenario = Written::from(&crowd::scenario(12.0, 1000.0, 1e6));
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
