//! A run with its analysis: the analysis observes each record that the engine writes.

use super::{labels, under_way};
use crate::analysis::check::hidden_losses;
use crate::analysis::{
    Analysis, Convergence, CopyState, InvariantStatus, Invariants, LostUpdates, Metrics, RepeatedEvent, RunContext,
    Sample, TimedOperation,
};
use crate::engine::{CommandRefused, Engine, HaltCause, Limits};
use crate::language::{phrase, sentence};
use crate::scenario::{Command, Micros, Promise, Scenario, Step, micros};
use crate::trace::{Level, Record};

/// A scenario being simulated and analysed.
#[derive(Clone, Debug)]
pub struct Run {
    engine: Engine,
    analysis: Analysis,
    invariants: Invariants,
    metrics: Metrics,
    observed: u64,
    /// The number of events at which the memory is estimated next.
    next_estimate: u64,
    /// Whether a service subscribes to a topic to which no update is published.
    has_unreached_subscription: bool,
}

/// Returns why the verdicts on a halted run are unknown.
pub fn halted_early() -> &'static str {
    phrase("the run was halted before its end", "der Lauf wurde vor seinem Ende angehalten")
}

/// Returns why it is unknown whether an update was lost.
pub(super) fn unknown_loss(lost: &LostUpdates) -> String {
    if lost.hidden() > 0 {
        return sentence!("unknown, because {}", "unbekannt, denn {}", hidden_losses());
    }
    phrase(
        "unknown, because no acknowledged update was followed by a read or another update of its key",
        "unbekannt, denn auf keine bestätigte Änderung folgte ein Lesevorgang oder eine weitere Änderung ihres Schlüssels",
    )
    .into()
}

/// Events between two observations of the trace: few enough that the trace discards no record before it is observed.
const STRIDE: u64 = 4096;

impl Run {
    /// Creates a run of a validated scenario, at time 0.
    pub fn new(scenario: &Scenario) -> Self {
        let engine = Engine::new(scenario, Level::Full);
        let mut run = Run {
            analysis: Analysis::new(scenario, engine.names()),
            engine,
            invariants: Invariants::new(scenario),
            metrics: Metrics::new(micros(scenario.until_ms), scenario.services.len() as u32),
            observed: 0,
            next_estimate: 0,
            has_unreached_subscription: !scenario.unreached_subscriptions().is_empty(),
        };
        run.observe(&mut |_, _, _| {});
        run
    }

    /// Creates a run of a validated scenario with other limits, at time 0.
    pub fn with_limits(scenario: &Scenario, limits: Limits) -> Self {
        let mut run = Run::new(scenario);
        run.engine.set_limits(limits);
        run
    }

    /// Creates a run of a scenario with live commands after those of its script.
    pub fn with_live(scenario: &Scenario, live: &[Step]) -> Self {
        Run::new(&merged(scenario, live))
    }

    /// Returns the engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Returns the analysis of its trace.
    pub fn analysis(&self) -> &Analysis {
        &self.analysis
    }

    /// Returns the analysis, to take the sets of changes.
    pub fn analysis_mut(&mut self) -> &mut Analysis {
        &mut self.analysis
    }

    /// Runs all events that are due up to `to`, but no more than `budget`. Returns whether `to` is reached or the run halted.
    /// `on_record` receives each record after the analysis has observed it.
    pub fn advance(
        &mut self,
        to: Micros,
        mut budget: u64,
        on_record: &mut impl FnMut(&Record, &Analysis, &Engine),
    ) -> bool {
        loop {
            let part = budget.min(STRIDE);
            let reached = self.engine.run_until(to, part);
            self.observe(on_record);
            self.check_memory();
            budget -= part;
            if reached || budget == 0 {
                return reached;
            }
        }
    }

    /// Halts the run if it needs too much memory. The estimate visits each copy, so it is made less often where there are many.
    fn check_memory(&mut self) {
        if self.engine.events() < self.next_estimate {
            return;
        }
        self.next_estimate = self.engine.events() + STRIDE.max(u64::from(self.analysis.staleness.copies()) / 4);
        if self.memory() > self.engine.limits().memory {
            self.engine.halt_at(HaltCause::Memory);
        }
    }

    /// Returns the estimated memory of the run, bytes.
    pub fn memory(&self) -> u64 {
        self.engine.memory() + self.analysis.memory()
    }

    /// Returns a copy of the run to go back to. Of a trace without its beginning it keeps 2^14 records, so that the
    /// snapshots of a long run do not contain many traces.
    pub(super) fn snapshot(&self) -> Self {
        let mut run = self.clone();
        run.engine.truncate_to_newest(4);
        run
    }

    /// Halts the run because a person stopped it.
    pub fn interrupt(&mut self) {
        self.engine.halt_at(HaltCause::Interrupted);
    }

    /// Runs to a time, or until it halts, without an observer.
    pub fn complete(&mut self, to: Micros) {
        while !self.advance(to, 1 << 16, &mut |_, _, _| {}) {
            // The notices are not used here.
            self.analysis.staleness.take_notices();
        }
    }

    /// Executes a command now.
    ///
    /// # Errors
    /// The command is invalid in this run.
    pub fn act(
        &mut self,
        command: Command,
        on_record: &mut impl FnMut(&Record, &Analysis, &Engine),
    ) -> Result<(), CommandRefused> {
        self.engine.act(command)?;
        self.observe(on_record);
        Ok(())
    }

    /// Schedules a command.
    pub fn schedule(&mut self, step: &Step) {
        self.engine.schedule(micros(step.at_ms), step.command.clone());
    }

    fn observe(&mut self, on_record: &mut impl FnMut(&Record, &Analysis, &Engine)) {
        for record in self.engine.trace().since(self.observed) {
            self.metrics.advance_to(record.at, &self.analysis);
            self.invariants.advance_to(record.at, &self.analysis, self.engine.names());
            self.analysis.observe(record);
            self.metrics.observe(record, &self.analysis);
            on_record(record, &self.analysis, &self.engine);
        }
        self.observed = self.engine.trace().total();
    }

    /// Returns whether the run is quiet, as [`Analysis::is_quiet`] defines it.
    pub fn is_quiet(&self) -> bool {
        self.analysis.is_quiet()
    }

    /// Returns the run for explanations. `scenario` is the simulated one, with live commands in its script.
    pub fn context<'a>(&'a self, scenario: &'a Scenario) -> RunContext<'a> {
        let (trace, names) = (self.engine.trace(), self.engine.names());
        RunContext { trace, analysis: &self.analysis, names, scenario, now: self.engine.now() }
    }

    /// Returns whether the copies converge. For a halted run it is unknown.
    pub fn convergence(&self, scenario: &Scenario) -> Convergence {
        self.judge(scenario).0
    }

    /// Returns the verdict on convergence, and the events that change consistent copies.
    pub(crate) fn judge(&self, scenario: &Scenario) -> (Convergence, Vec<RepeatedEvent>) {
        if self.engine.halt().is_some() {
            return (Convergence::Unknown(halted_early()), Vec::new());
        }
        self.context(scenario).convergence()
    }

    /// Returns the status of the scenario's invariants, the present time included. Of a halted run, one that held until then
    /// is unknown.
    pub fn invariants(&self) -> Vec<InvariantStatus> {
        let mut invariants = self.invariants.clone();
        // Since the last record nothing has changed, so a condition that is false now was false then.
        invariants.evaluate_pending(&self.analysis, self.engine.names());
        let is_halted = self.engine.halt().is_some();
        let status = |status: &InvariantStatus| match status {
            InvariantStatus::Holds if is_halted => InvariantStatus::Unknown,
            InvariantStatus::Holds | InvariantStatus::Unknown | InvariantStatus::Violated { .. } => status.clone(),
        };
        invariants.statuses().map(status).collect()
    }

    /// Returns metrics over time, the present time last.
    pub fn metrics(&self) -> Vec<Sample> {
        self.metrics.samples_until(self.engine.now(), &self.analysis)
    }

    /// Returns the operations that ended last.
    pub fn timed(&self) -> impl Iterator<Item = &TimedOperation> {
        self.metrics.timed()
    }

    /// Returns the promises that the run does not keep now, a message for each. Of a halted run, all are unknown.
    pub fn missed(&self, promises: &[Promise]) -> Vec<String> {
        if self.engine.halt().is_some() {
            return promises
                .iter()
                .map(|promise| {
                    sentence!("{}: unknown, because {}", "{}: unbekannt, denn {}", promise.name(), halted_early())
                })
                .collect();
        }
        promises.iter().filter_map(|promise| self.miss(promise)).collect()
    }

    fn miss(&self, promise: &Promise) -> Option<String> {
        Some(format!("{}: {}", promise.name(), self.why_missed(promise)?))
    }

    /// Returns why the run, which is not halted, does not keep a promise now; none if it keeps it.
    pub fn why_missed(&self, promise: &Promise) -> Option<String> {
        match promise {
            Promise::Converged => self.miss_convergence(),
            Promise::Stale { service, key } => self.miss_state(CopyState::Stale, service, key),
            Promise::Conflicted { service, key } => self.miss_state(CopyState::Conflicted, service, key),
            Promise::NoStaleReads => {
                let tallies = self.analysis.operations.of_clients().map(|tally| (tally.reads, tally.stale_reads));
                match tallies.fold((0, 0), |(reads, stale), (r, s)| (reads + r, stale + s)) {
                    (0, _) => Some(phrase("no read ended as ok", "kein Lesevorgang endete mit ok").into()),
                    (_, 0) => None,
                    (reads, stale) => Some(sentence!(
                        "stale reads: {stale} of {reads}",
                        "veraltete Lesevorgänge: {stale} von {reads}"
                    )),
                }
            }
            Promise::LostUpdates { count } => {
                let lost = self.analysis.lost.count();
                match lost == u64::from(*count) {
                    true => self.analysis.lost.is_unknown().then(|| unknown_loss(&self.analysis.lost)),
                    false => Some(sentence!("{lost} lost, not {count}", "{lost} verloren, nicht {count}")),
                }
            }
            Promise::Diverged { service, key } => self.miss_state(CopyState::Diverged, service, key),
            Promise::Consistent { service, key } => self.miss_state(CopyState::Consistent, service, key),
            Promise::AllOperationsOk => self.miss_success(),
        }
    }

    fn miss_convergence(&self) -> Option<String> {
        let staleness = &self.analysis.staleness;
        // A service that is down with copies that equal the reference changes nothing, as in the verdict.
        let stale = staleness.stale();
        let diverged = staleness.diverged() + staleness.conflicted();
        let why = if staleness.acknowledged() == 0 {
            phrase("no update was acknowledged", "keine Änderung wurde bestätigt").into()
        } else if stale + diverged > 0 {
            let copies = |count: u64| labels::count(count, phrase("copy", "Kopie"), phrase("copies", "Kopien"));
            sentence!(
                "{} stale, {diverged} diverged or conflicted",
                "{} veraltet, {diverged} divergiert oder im Konflikt",
                copies(stale as u64)
            )
        } else if self.has_unreached_subscription {
            phrase(
                "unknown, because a service subscribes to a topic to which no update is published",
                "unbekannt, denn ein Service abonniert ein Topic, auf dem keine Änderung veröffentlicht wird",
            )
            .into()
        } else if self.is_quiet() {
            return None;
        } else {
            under_way::text(&self.analysis, self.engine.names())
        };
        Some(why)
    }

    fn miss_success(&self) -> Option<String> {
        let tallies = self.analysis.operations.of_clients();
        let (ok, other) =
            tallies.fold((0, 0), |(ok, other), t| (ok + t.ok, other + t.fail + t.unknown + u64::from(t.pending)));
        match (ok, other) {
            (0, _) => Some(phrase("no operation ended as ok", "keine Operation endete mit ok").into()),
            (_, 0) => None,
            (_, 1) => Some(
                phrase(
                    "1 operation failed, is unknown or is pending",
                    "1 Operation ist fehlgeschlagen, unbekannt oder noch offen",
                )
                .into(),
            ),
            (_, other) => Some(sentence!(
                "{other} operations failed, are unknown or are pending",
                "{other} Operationen sind fehlgeschlagen, unbekannt oder noch offen"
            )),
        }
    }

    fn miss_state(&self, state: CopyState, service: &str, key: &str) -> Option<String> {
        let names = self.engine.names();
        let node = names.find_node(service);
        let at = node.and_then(|node| Some((node, names.find_key(names.scope(node), key)?)));
        let copy = at.and_then(|(node, key)| self.analysis.staleness.copy(node, key));
        let kept = copy.is_some_and(|copy| copy.state() == state);
        let state = labels::copy_state(state);
        (!kept).then(|| sentence!("`{key}` at `{service}` is not {state}", "`{key}` bei `{service}` ist nicht {state}"))
    }
}

/// Returns a scenario with live commands after those of its script.
pub fn merged(scenario: &Scenario, live: &[Step]) -> Scenario {
    let mut scenario = scenario.clone();
    scenario.script.extend(live.iter().cloned());
    scenario
}
