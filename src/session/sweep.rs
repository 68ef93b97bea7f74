//! Sweeps: runs of one scenario with many seeds, measured together. All counts are integers, so shards that are merged
//! in any order give the same figures, bit for bit.

mod figures;
mod run_observer;
mod unended;

use super::first_halt::FirstHalt;
pub use figures::{FORMAT, GRID, MAX_EVENTS, MergeError, Outcomes, Reads, Share, Sweep};
pub use unended::Unended;

use super::halt_text;
use super::run::Run;
use crate::analysis::Convergence;
use crate::engine::Limits;
use crate::scenario::{Micros, Scenario, micros};
use crate::trace::Record;
use run_observer::RunObserver;
use unended::Reflection;

/// The run of one seed, which is measured in parts.
#[derive(Debug)]
pub struct SweepRun {
    run: Run,
    observer: RunObserver,
    /// The scenario with the run's seed.
    scenario: Scenario,
    end: Micros,
}

impl Sweep {
    /// Runs the scenario with a seed to its end, and measures it.
    ///
    /// # Errors
    /// The seed was run already.
    pub fn run(&mut self, scenario: &Scenario, seed: u64) -> Result<(), MergeError> {
        self.run_within(scenario, seed, MAX_EVENTS)
    }

    /// Runs the scenario with a seed, and measures it; halts the run after `max_events` events.
    ///
    /// # Errors
    /// The seed was run already.
    pub fn run_within(&mut self, scenario: &Scenario, seed: u64, max_events: u64) -> Result<(), MergeError> {
        self.measure(scenario, seed, max_events, &mut |_| {}).map(|_| ())
    }

    /// Runs the scenario with a seed as [`Sweep::run_within`] does, passes each record to `on_record`, and returns the run at its
    /// end.
    ///
    /// # Errors
    /// The seed was run already.
    pub fn measure(
        &mut self,
        scenario: &Scenario,
        seed: u64,
        max_events: u64,
        on_record: &mut dyn FnMut(&Record),
    ) -> Result<Run, MergeError> {
        let mut part = self.begin(scenario, seed, max_events, on_record)?;
        while !self.advance(&mut part, 65_536, on_record) {}
        Ok(self.finish(part))
    }

    /// Begins to measure the run of a seed, in parts.
    ///
    /// # Errors
    /// The seed was run already.
    pub fn begin(
        &mut self,
        scenario: &Scenario,
        seed: u64,
        max_events: u64,
        on_record: &mut dyn FnMut(&Record),
    ) -> Result<SweepRun, MergeError> {
        self.add_seeds(seed, seed + 1)?;
        let scenario = Scenario { seed, ..scenario.clone() };
        let end = micros(scenario.until_ms);
        let mut run = Run::with_limits(&scenario, Limits::with_events(max_events));
        run.analysis_mut().staleness.watch_each_copy();
        let mut observer = RunObserver::new(end);
        for record in run.engine().trace().since(0) {
            observer.observe(self, record, run.analysis());
            on_record(record);
        }
        Ok(SweepRun { run, observer, scenario, end })
    }

    /// Advances a run by at most `events` events, and passes each record to `on_record`. Returns whether it is at its end.
    pub fn advance(&mut self, part: &mut SweepRun, events: u64, on_record: &mut dyn FnMut(&Record)) -> bool {
        let SweepRun { run, observer, end, .. } = part;
        let is_at_end = run.advance(*end, events, &mut |record, analysis, _| {
            observer.observe(self, record, analysis);
            on_record(record);
        });
        // Notices are taken regularly, so that they do not accumulate.
        observer.notices(self, run);
        is_at_end
    }

    /// Adds the figures of a run that has ended, and returns the run.
    pub fn finish(&mut self, part: SweepRun) -> Run {
        let SweepRun { run, observer, scenario, end } = part;
        observer.end(self);
        self.count_run(&run, &scenario, end);
        run
    }

    fn count_run(&mut self, run: &Run, scenario: &Scenario, end: Micros) {
        let (staleness, operations) = (&run.analysis().staleness, &run.analysis().operations);
        self.runs += 1;
        if let Some(why) = halt_text::sentence(run) {
            self.halted += 1;
            self.keep_first_halt(Some(&FirstHalt { seed: scenario.seed, why }));
        }
        self.events += run.engine().events();
        self.updates += staleness.acknowledged();
        let (reads, all) = operations.pending_of_clients();
        self.read_outcomes.pending += reads;
        self.write_outcomes.pending += all - reads;
        let all_consistent = staleness.stale() + staleness.diverged() + staleness.conflicted() == 0;
        let never_ends =
            !all_consistent && run.is_quiet() && matches!(run.convergence(scenario), Convergence::WillNotConverge(_));
        let reflection = if never_ends { Reflection::Never } else { Reflection::Open };
        for (since, copies) in staleness.open_windows() {
            self.windows_open += 1;
            self.window_unended.add(end.saturating_sub(since), never_ends);
            self.count_everywhere(since, reflection, end);
            for _ in 0..copies {
                self.reflect(since, reflection, end);
            }
        }
        if let Some(last) = staleness.last_acknowledged() {
            if all_consistent && run.engine().halt().is_none() {
                self.converged += 1;
                self.convergence_us.add(staleness.consistent_since().saturating_sub(last));
            } else {
                self.convergence_unended.add(end.saturating_sub(last), never_ends);
            }
        }
    }
}
