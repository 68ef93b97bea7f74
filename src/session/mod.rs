//! One run under control: load, advance, step, seek, act, edit; and the protocol spoken across the worker.

pub mod protocol;

use protocol::{FromEngine, ToEngine};

/// One run under control. The worker, the main-thread fallback, native tests and the command line call [`Session::handle`].
#[derive(Debug, Default)]
pub struct Session {}

impl Session {
    /// Carries out one request and says what came of it.
    pub fn handle(&mut self, _message: ToEngine) -> Vec<FromEngine> {
        Vec::new()
    }
}
