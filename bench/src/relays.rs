//! Loads that run natively and in the browser alike. Message forwarding: 64 nodes, 1,024 messages in flight,
//! exponential delays; each message that arrives is passed on to a random node. And a sweep of seeds.

use converge::engine::Engine;
use converge::scenario::{Arrivals, Keys, Scenario, Workload, examples};
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
