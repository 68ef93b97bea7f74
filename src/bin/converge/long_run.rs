//! Runs one scenario: shows the progress of a long run, and stops it at Ctrl-C.

use converge::analysis::Analysis;
use converge::engine::Engine;
use converge::scenario::Micros;
use converge::session::Run;
use converge::trace::Record;
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The number of events between two checks of the clock and of Ctrl-C.
pub const SLICE: u64 = 4096;

/// Runs to a time. Halts the run when `stop` is set. `observe` receives each record.
pub fn complete(run: &mut Run, to: Micros, stop: &AtomicBool, observe: &mut impl FnMut(&Record, &Analysis, &Engine)) {
    let mut progress = Progress::new(to);
    while !run.advance(to, SLICE, observe) {
        // The notices are not used here.
        run.analysis_mut().staleness.take_notices();
        if stop.load(Ordering::Relaxed) {
            run.interrupt();
        }
        progress.report(run.engine());
    }
    progress.end();
}

/// The progress on standard error: every second on a terminal, otherwise every 10 seconds.
struct Progress {
    to: Micros,
    start: Instant,
    last_report: Instant,
    is_terminal: bool,
    is_shown: bool,
}

#[expect(clippy::disallowed_methods, reason = "progress is reported in real time")]
impl Progress {
    fn new(to: Micros) -> Self {
        let now = Instant::now();
        Progress { to, start: now, last_report: now, is_terminal: std::io::stderr().is_terminal(), is_shown: false }
    }

    fn report(&mut self, engine: &Engine) {
        let now = Instant::now();
        if now - self.last_report < Duration::from_secs(if self.is_terminal { 1 } else { 10 }) {
            return;
        }
        (self.last_report, self.is_shown) = (now, true);
        let seconds = |us: Micros| us as f64 / 1e6;
        let rate = engine.events() as f64 / (now - self.start).as_secs_f64();
        // On a terminal each report overwrites the last one.
        let end = if self.is_terminal { "\x1b[K\r" } else { "\n" };
        let (at, to) = (seconds(engine.now()), seconds(self.to));
        eprint!("{at:.3} of {to:.3} s, {} events, {rate:.0} a second{end}", engine.events());
        let _ = std::io::stderr().flush();
    }

    /// Ends the line of a terminal.
    fn end(&self) {
        if self.is_shown && self.is_terminal {
            eprintln!();
        }
    }
}
