//! The load of message forwarding, the same natively and in the browser: 64 nodes, 1,024 messages in flight,
//! exponential delays. Each message that arrives is passed on to a random node.

use converge::engine::Engine;
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
