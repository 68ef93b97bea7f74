//! The figures of a sweep, and how two sweeps merge.

use crate::engine::Limits;
use crate::scenario::{Micros, Scenario};
use crate::session::first_halt::FirstHalt;
use crate::session::quantile_sketch::QuantileSketch;
use crate::session::sweep::unended::{Reflection, Unended};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use xxhash_rust::xxh3::xxh3_64;

/// The version of the format of a sweep. In version 1, buckets of sketches had no smallest and largest value.
pub const FORMAT: u32 = 2;

/// The times at which curves are sampled, µs: 0 and 1, 2, 5 times each power of ten from 0.1 ms to 100 s.
pub const GRID: [Micros; 20] = [
    0,
    100,
    200,
    500,
    1_000,
    2_000,
    5_000,
    10_000,
    20_000,
    50_000,
    100_000,
    200_000,
    500_000,
    1_000_000,
    2_000_000,
    5_000_000,
    10_000_000,
    20_000_000,
    50_000_000,
    100_000_000,
];

/// Limit of the events of a run; beyond it the run counts as halted.
pub const MAX_EVENTS: u64 = Limits::DEFAULT.events;

/// How operations of one kind ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct Outcomes {
    /// As ok.
    pub ok: u64,
    /// As fail.
    pub fail: u64,
    /// As unknown: timed out.
    pub unknown: u64,
    /// Still pending at the end of the run.
    pub pending: u64,
}

/// A share at one point of the grid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct Share {
    /// Number of cases.
    pub of: u64,
    /// Number of cases that hold.
    pub held: u64,
    /// Number of further cases that were not observed for so long, and did not hold at the end of their run.
    #[serde(default)]
    pub open: u64,
    /// The number of those that will never: their run is quiet, and its copies will not converge.
    #[serde(default)]
    pub never: u64,
}

impl Share {
    /// Counts a case.
    pub(super) fn add(&mut self, held: bool) {
        self.of += 1;
        self.held += u64::from(held);
    }

    fn merge(&mut self, other: &Share) {
        self.of += other.of;
        self.held += other.held;
        self.open += other.open;
        self.never += other.never;
    }

    /// Creates a share of cases that were all observed.
    pub fn new(held: u64, of: u64) -> Self {
        Share { of, held, ..Share::default() }
    }

    /// Returns the share; none without cases.
    pub fn value(self) -> Option<f64> {
        (self.of > 0).then(|| self.held as f64 / self.of as f64)
    }

    /// Returns its standard error, sqrt(p(1 − p)/n).
    pub fn standard_error(self) -> Option<f64> {
        self.value().map(|p| (p * (1.0 - p) / self.of as f64).sqrt())
    }
}

/// What reads returned.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct Reads {
    /// Reads that ended as ok.
    pub count: u64,
    /// Reads that did not reflect an update acknowledged before they were issued.
    pub stale: u64,
    /// The number of such updates, of stale reads.
    pub k: QuantileSketch,
    /// The time between the acknowledgement of the oldest such update and the read, of stale reads, µs.
    pub t_us: QuantileSketch,
    /// The reads that were issued so long after the newest acknowledgement of an update of their key, and how many of them were
    /// fresh, for each interval of the grid.
    pub fresh: Vec<Share>,
}

/// The measurements of a sweep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct Sweep {
    /// Runs that were halted at a limit, so that their figures are incomplete.
    pub halted: u64,
    /// Why the halted run with the smallest seed was halted; null if none was.
    #[serde(default)]
    pub first_halt: Option<FirstHalt>,
    /// Version of this format: 2.
    pub converge_sweep: u32,
    /// The scenario's title.
    #[serde(default)]
    pub title: String,
    /// XXH3-64 of the scenario's document with seed 0, 16 hexadecimal digits. Only sweeps of the same scenario merge.
    pub scenario: String,
    /// The seeds that were run, as ranges [from, to) in order.
    pub seeds: Vec<(u64, u64)>,
    /// Number of runs.
    pub runs: u64,
    /// Events of the engine.
    pub events: u64,
    /// Outcomes of reads.
    pub read_outcomes: Outcomes,
    /// Outcomes of writes: all operations that change a key.
    pub write_outcomes: Outcomes,
    /// What reads returned.
    pub reads: Reads,
    /// Latency of reads that ended as ok, µs.
    pub read_latency_us: QuantileSketch,
    /// Latency of writes that ended as ok, µs.
    pub write_latency_us: QuantileSketch,
    /// The copies that should receive an update, and how many of them reflected it so long after its acknowledgement, at each
    /// point of the grid. Updates acknowledged later than that before the run's end do not count.
    pub reflected: Vec<Share>,
    /// The acknowledged updates, and how many of their inconsistency windows had closed so long after the acknowledgement, at
    /// each point of the grid: every copy that should hold them reflected them at a moment, and may have lost them again.
    /// Counted as `reflected`.
    #[serde(default = "grid")]
    pub visible_everywhere: Vec<Share>,
    /// Inconsistency windows: from an update's acknowledgement until every copy that should hold it reflects it, µs.
    pub window_us: QuantileSketch,
    /// Windows to the last stale read: from an update's acknowledgement until the last read that lacked it was issued, µs.
    /// Of updates that were the oldest that a read lacked.
    #[serde(default)]
    pub stale_read_window_us: QuantileSketch,
    /// Windows that are open at the end of a run.
    pub windows_open: u64,
    /// How long these windows had been open.
    #[serde(default)]
    pub window_unended: Unended,
    /// The time from the last acknowledgement until every copy stays consistent, µs; of converged runs.
    pub convergence_us: QuantileSketch,
    /// The time from the last acknowledgement to the end of the other runs with an acknowledged update.
    #[serde(default)]
    pub convergence_unended: Unended,
    /// Runs with at least one acknowledged update whose copies are all consistent at the end.
    pub converged: u64,
    /// Updates that were acknowledged.
    pub updates: u64,
    /// Published events, counted once for each subscription.
    pub published: u64,
    /// Deliveries of each event that was acknowledged, dead-lettered or discarded.
    pub deliveries: QuantileSketch,
    /// Handler executions that did not fail: effects and inbox hits.
    pub executions: u64,
    /// Handler executions with an effect.
    pub effects: u64,
    /// Events acknowledged by their consumer.
    pub acknowledged: u64,
    /// Events dead-lettered.
    pub dead_lettered: u64,
    /// Events that were discarded, expired, or lost with a bus's disk.
    pub discarded: u64,
    /// Updates whose event was never published, because of a crash or because the publisher stopped retrying.
    pub never_published: u64,
    /// Messages sent, by kind.
    pub messages: BTreeMap<String, u64>,
    /// Messages that were dropped.
    pub dropped: u64,
}

/// Why two sweeps do not merge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MergeError {
    /// The sweeps are of different scenarios.
    OtherScenario,
    /// The sweeps have a common seed.
    SeedTwice(u64),
}

impl std::fmt::Display for MergeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            MergeError::OtherScenario => f.write_str("the sweeps are of different scenarios"),
            MergeError::SeedTwice(seed) => write!(f, "seed {seed} is in both sweeps"),
        }
    }
}

/// Counts a case in a curve over the time since an acknowledgement.
fn count(shares: &mut [Share], since: Micros, reflected: Reflection, end: Micros) {
    for (share, &t) in shares.iter_mut().zip(&GRID) {
        match reflected {
            Reflection::After(took) if since + t <= end => share.add(took <= t),
            Reflection::After(_) => {}
            Reflection::Open | Reflection::Never if since + t <= end => share.add(false),
            Reflection::Open => share.open += 1,
            Reflection::Never => {
                share.open += 1;
                share.never += 1;
            }
        }
    }
}

fn grid() -> Vec<Share> {
    vec![Share::default(); GRID.len()]
}

impl Sweep {
    /// Creates a sweep without runs.
    pub fn new(scenario: &Scenario) -> Sweep {
        let text = Scenario { seed: 0, ..scenario.clone() }.to_json();
        Sweep {
            halted: 0,
            first_halt: None,
            converge_sweep: FORMAT,
            title: scenario.title.clone(),
            scenario: format!("{:016x}", xxh3_64(text.as_bytes())),
            seeds: Vec::new(),
            runs: 0,
            events: 0,
            read_outcomes: Outcomes::default(),
            write_outcomes: Outcomes::default(),
            reads: Reads { fresh: grid(), ..Reads::default() },
            read_latency_us: QuantileSketch::default(),
            write_latency_us: QuantileSketch::default(),
            reflected: grid(),
            visible_everywhere: grid(),
            window_us: QuantileSketch::default(),
            stale_read_window_us: QuantileSketch::default(),
            windows_open: 0,
            window_unended: Unended::default(),
            convergence_us: QuantileSketch::default(),
            convergence_unended: Unended::default(),
            converged: 0,
            updates: 0,
            published: 0,
            deliveries: QuantileSketch::default(),
            executions: 0,
            effects: 0,
            acknowledged: 0,
            dead_lettered: 0,
            discarded: 0,
            never_published: 0,
            messages: BTreeMap::new(),
            dropped: 0,
        }
    }

    /// Counts a copy that should receive an update acknowledged at `since`, by whether it reflected it.
    pub(super) fn reflect(&mut self, since: Micros, reflected: Reflection, end: Micros) {
        count(&mut self.reflected, since, reflected, end);
    }

    /// Counts an update acknowledged at `since`, by whether every copy reflected it.
    pub(super) fn count_everywhere(&mut self, since: Micros, reflected: Reflection, end: Micros) {
        count(&mut self.visible_everywhere, since, reflected, end);
    }

    /// Keeps the halt of the smallest seed, so that merged sweeps do not depend on the order.
    pub(super) fn keep_first_halt(&mut self, other: Option<&FirstHalt>) {
        if let Some(other) = other
            && self.first_halt.as_ref().is_none_or(|mine| other.seed < mine.seed)
        {
            self.first_halt = Some(other.clone());
        }
    }

    /// Adds a range of seeds.
    ///
    /// # Errors
    /// One of them was run already.
    pub(super) fn add_seeds(&mut self, from: u64, to: u64) -> Result<(), MergeError> {
        let after = self.seeds.partition_point(|range| range.0 < from);
        if after > 0 && self.seeds[after - 1].1 > from {
            return Err(MergeError::SeedTwice(from));
        }
        if let Some(next) = self.seeds.get(after)
            && next.0 < to
        {
            return Err(MergeError::SeedTwice(next.0));
        }
        self.seeds.insert(after, (from, to));
        // Adjacent ranges are joined.
        let mut joined: Vec<(u64, u64)> = Vec::with_capacity(self.seeds.len());
        for range in &self.seeds {
            match joined.last_mut() {
                Some(last) if last.1 == range.0 => last.1 = range.1,
                Some(_) | None => joined.push(*range),
            }
        }
        self.seeds = joined;
        Ok(())
    }

    /// Adds the measurements of another sweep of the same scenario.
    ///
    /// # Errors
    /// The other sweep is of another scenario, or has a common seed. This one is unchanged.
    pub fn merge(&mut self, other: &Sweep) -> Result<(), MergeError> {
        if self.scenario != other.scenario {
            return Err(MergeError::OtherScenario);
        }
        let seeds = self.seeds.clone();
        for (from, to) in &other.seeds {
            if let Err(error) = self.add_seeds(*from, *to) {
                self.seeds = seeds;
                return Err(error);
            }
        }
        let sums: [(&mut u64, u64); 16] = [
            (&mut self.runs, other.runs),
            (&mut self.halted, other.halted),
            (&mut self.events, other.events),
            (&mut self.reads.count, other.reads.count),
            (&mut self.reads.stale, other.reads.stale),
            (&mut self.windows_open, other.windows_open),
            (&mut self.converged, other.converged),
            (&mut self.updates, other.updates),
            (&mut self.published, other.published),
            (&mut self.executions, other.executions),
            (&mut self.effects, other.effects),
            (&mut self.acknowledged, other.acknowledged),
            (&mut self.dead_lettered, other.dead_lettered),
            (&mut self.discarded, other.discarded),
            (&mut self.never_published, other.never_published),
            (&mut self.dropped, other.dropped),
        ];
        for (sum, more) in sums {
            *sum += more;
        }
        let outcomes =
            [(&mut self.read_outcomes, &other.read_outcomes), (&mut self.write_outcomes, &other.write_outcomes)];
        for (sum, more) in outcomes {
            sum.ok += more.ok;
            sum.fail += more.fail;
            sum.unknown += more.unknown;
            sum.pending += more.pending;
        }
        let sketches = [
            (&mut self.reads.k, &other.reads.k),
            (&mut self.reads.t_us, &other.reads.t_us),
            (&mut self.read_latency_us, &other.read_latency_us),
            (&mut self.write_latency_us, &other.write_latency_us),
            (&mut self.window_us, &other.window_us),
            (&mut self.stale_read_window_us, &other.stale_read_window_us),
            (&mut self.convergence_us, &other.convergence_us),
            (&mut self.deliveries, &other.deliveries),
        ];
        for (sketch, more) in sketches {
            sketch.merge(more);
        }
        for (mine, theirs) in [
            (&mut self.reads.fresh, &other.reads.fresh),
            (&mut self.reflected, &other.reflected),
            (&mut self.visible_everywhere, &other.visible_everywhere),
        ] {
            for (share, more) in mine.iter_mut().zip(theirs) {
                share.merge(more);
            }
        }
        self.window_unended.merge(&other.window_unended);
        self.convergence_unended.merge(&other.convergence_unended);
        self.keep_first_halt(other.first_halt.as_ref());
        for (kind, count) in &other.messages {
            *self.messages.entry(kind.clone()).or_default() += count;
        }
        Ok(())
    }
}
