//! The time that one request may take. The owner of a session supplies the clock; no engine reads it.

/// A clock: milliseconds since any instant.
pub type Clock = fn() -> f64;

/// When the work of a request must stop. The page requests the rest.
#[derive(Clone, Copy, Debug, Default)]
pub struct TimeLimit {
    clock: Option<Clock>,
    until: f64,
}

impl TimeLimit {
    /// Returns a limit that is reached after a number of milliseconds; never without a clock.
    pub fn after(clock: Option<Clock>, ms: f64) -> Self {
        TimeLimit { clock, until: clock.map_or(0.0, |clock| clock() + ms) }
    }

    /// Returns the time, ms; 0 without a clock.
    pub fn now(&self) -> f64 {
        self.clock.map_or(0.0, |clock| clock())
    }

    /// Returns whether the limit is reached.
    pub fn is_over(&self) -> bool {
        self.clock.is_some_and(|clock| clock() >= self.until)
    }

    /// Returns whether there is a clock.
    pub fn is_set(&self) -> bool {
        self.clock.is_some()
    }
}
