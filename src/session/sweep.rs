//! Sweeps: runs of one scenario with many seeds, measured together. All counts are integers, so shards that are merged
//! in any order give the same figures, bit for bit.

mod figures;
mod run_observer;

pub use figures::{FirstHalt, GRID, MOST_EVENTS, MergeError, Outcomes, Reads, Share, Sweep};

use super::halt_text;
use super::run::Run;
use crate::engine::Limits;
use crate::scenario::{Micros, Scenario, micros};
use crate::trace::Record;
use run_observer::RunObserver;

impl Sweep {
    /// Runs the scenario with a seed to its end, and measures it.
    ///
    /// # Errors
    /// The seed was run already.
    pub fn run(&mut self, scenario: &Scenario, seed: u64) -> Result<(), MergeError> {
        self.run_within(scenario, seed, MOST_EVENTS)
    }

    /// Runs the scenario with a seed, and measures it; halts the run after `max_events` events.
    ///
    /// # Errors
    /// The seed was run already.
    pub fn run_within(&mut self, scenario: &Scenario, seed: u64, max_events: u64) -> Result<(), MergeError> {
        self.measure(scenario, seed, max_events, &mut |_| {}).map(|_| ())
    }

    /// Runs the scenario with a seed as [`Sweep::run_within`] does, passes each record to `look`, and returns the run at its end.
    ///
    /// # Errors
    /// The seed was run already.
    pub fn measure(
        &mut self,
        scenario: &Scenario,
        seed: u64,
        max_events: u64,
        look: &mut dyn FnMut(&Record),
    ) -> Result<Run, MergeError> {
        self.add_seeds(seed, seed + 1)?;
        let scenario = Scenario { seed, ..scenario.clone() };
        let end = micros(scenario.until_ms);
        let mut run = Run::with_limits(&scenario, Limits::with_events(max_events));
        run.analysis_mut().staleness.watch_each_copy();
        run.engine().trace().since(0).for_each(&mut *look);
        let mut observer = RunObserver::new(self, end);
        let mut at_end = false;
        while !at_end {
            at_end = run.advance(end, 65_536, &mut |record, analysis, _| {
                observer.observe(record, analysis);
                look(record);
            });
            // Notices are taken regularly, so that they do not accumulate.
            observer.notices(&mut run);
        }
        observer.end();
        self.finish(&run, seed, end);
        Ok(run)
    }

    fn finish(&mut self, run: &Run, seed: u64, end: Micros) {
        let (staleness, operations) = (&run.analysis().staleness, &run.analysis().operations);
        self.runs += 1;
        if let Some(why) = halt_text::sentence(run) {
            self.halted += 1;
            self.keep_first_halt(Some(&FirstHalt { seed, why }));
        }
        self.events += run.engine().events();
        self.updates += staleness.acknowledged();
        let (reads, all) = operations.pending_reads();
        self.read_outcomes.pending += reads;
        self.write_outcomes.pending += all - reads;
        for (since, copies) in staleness.open_windows() {
            self.windows_open += 1;
            self.see_everywhere(since, None, end);
            for _ in 0..copies {
                self.reflect(since, None, end);
            }
        }
        let all_consistent = staleness.stale() + staleness.diverged() + staleness.down() == 0;
        if all_consistent
            && run.engine().halt().is_none()
            && let Some(last) = staleness.last_acknowledged()
        {
            self.converged += 1;
            self.convergence_us.add(staleness.consistent_since().saturating_sub(last));
        }
    }
}
