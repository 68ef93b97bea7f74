//! Metrics over time: samples of a run at equal intervals.

use super::operations::EndedOperation;
use super::run_state::Analysis;
use crate::scenario::Micros;
use crate::trace::{Fact, NodeId, OperationId, OperationKind, Outcome, Record};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Number of samples of a run.
const SAMPLES: Micros = 400;
/// The shortest interval between samples, µs.
const MIN_INTERVAL: Micros = 1_000;
/// Maximum number of services with their own values in a sample.
const MAX_SERVICES: u32 = 64;
/// Maximum number of ended operations that are remembered.
const MAX_OPERATIONS: usize = 2_000;

/// The state of a run at an instant, after everything that happened at that instant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sample {
    /// The instant.
    pub at: Micros,
    /// Number of stale copies.
    pub stale: u32,
    /// Number of acknowledged updates that copies do not reflect, summed over all copies.
    pub behind: u32,
    /// The same for each service; empty if there are too many.
    pub behind_of: Vec<u32>,
    /// Time since the oldest of them was acknowledged, µs.
    pub age: Micros,
    /// Number of messages in flight.
    pub in_flight: u32,
    /// Number of events in the queues of buses.
    pub queued: u32,
    /// Number of pending operations of clients.
    pub pending: u32,
    /// Number of operations of clients that ended `ok`, `fail` and `unknown`.
    pub ended: [u64; 3],
    /// Number of reads that ended `ok`, and of stale reads among them.
    pub reads: [u64; 2],
}

/// An operation of a client that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimedOperation {
    /// Its number.
    pub operation: OperationId,
    /// When it was issued.
    pub at: Micros,
    /// Its latency, µs.
    pub took: Micros,
    /// Whether it ended `ok`.
    pub ok: bool,
    /// Whether it is a read that ended `ok`.
    pub read: bool,
    /// The number of acknowledged updates that a stale read did not reflect (k-staleness); 0 for other operations.
    pub behind: u32,
    /// Time from the acknowledgement of the oldest of them until the read was issued (t-staleness), µs.
    pub stale_for: Micros,
}

/// The samples of a run so far.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    interval: Micros,
    services: u32,
    samples: Vec<Sample>,
    timed: VecDeque<TimedOperation>,
}

impl Metrics {
    /// Creates metrics for a run of length `until` µs whose first `services` nodes are services.
    pub fn new(until: Micros, services: u32) -> Self {
        Metrics { interval: (until / SAMPLES).max(MIN_INTERVAL), services, samples: Vec::new(), timed: VecDeque::new() }
    }

    /// Takes the samples that are due before `now`.
    pub fn advance_to(&mut self, now: Micros, analysis: &Analysis) {
        let mut last: Option<Sample> = None;
        while self.next_sample_at() < now && self.samples.len() as Micros <= SAMPLES {
            let at = self.next_sample_at();
            // Nothing happened between these samples, so only the age differs.
            let sample = match last {
                Some(last) => Sample { at, age: if last.behind > 0 { last.age + (at - last.at) } else { 0 }, ..last },
                None => self.sample(at, analysis),
            };
            self.samples.push(sample.clone());
            last = Some(sample);
        }
    }

    /// Observes a record after the analysis has observed it.
    pub fn observe(&mut self, record: &Record, analysis: &Analysis) {
        if let Fact::OperationEnded { operation, .. } = &record.fact
            && let Some(last) = analysis.operations.just_ended(*operation)
        {
            let EndedOperation { issued, took, outcome, kind, stale, behind, stale_for, .. } = *last;
            let ok = outcome == Outcome::Ok;
            let (read, behind) = (ok && kind == OperationKind::Read, if stale { behind } else { 0 });
            let operation = *operation;
            self.timed.push_back(TimedOperation { operation, at: issued, took, ok, read, behind, stale_for });
            if self.timed.len() > MAX_OPERATIONS {
                self.timed.pop_front();
            }
        }
    }

    /// Iterates over the operations that ended last, in order of their ends.
    pub fn timed(&self) -> impl Iterator<Item = &TimedOperation> {
        self.timed.iter()
    }

    /// Returns all samples up to `now`, the last of them taken at `now`.
    pub fn samples_until(&self, now: Micros, analysis: &Analysis) -> Vec<Sample> {
        let mut metrics = self.clone();
        metrics.advance_to(now, analysis);
        metrics.samples.push(self.sample(now, analysis));
        metrics.samples
    }

    fn next_sample_at(&self) -> Micros {
        self.samples.len() as Micros * self.interval
    }

    fn sample(&self, at: Micros, analysis: &Analysis) -> Sample {
        let mut sample = Sample {
            at,
            stale: analysis.staleness.stale(),
            in_flight: analysis.messages.len() as u32,
            queued: analysis.buses.iter().map(|(_, queue)| queue.events.len() as u32).sum(),
            pending: analysis.operations.pending_of_clients().1 as u32,
            ..Sample::default()
        };
        for service in 0..self.services {
            let mut behind = 0;
            // Consistent copies reflect every acknowledged update; diverged ones may have lost some again.
            if sample.stale + analysis.staleness.diverged() > 0 {
                for (_, copy) in analysis.staleness.copies_of(NodeId(service)) {
                    behind += copy.behind();
                    sample.age = sample.age.max(copy.oldest_missing().map_or(0, |since| at.saturating_sub(since)));
                }
            }
            sample.behind += behind;
            if self.services <= MAX_SERVICES {
                sample.behind_of.push(behind);
            }
        }
        for tally in analysis.operations.of_clients() {
            let ended = [tally.ok, tally.fail, tally.unknown];
            sample.ended.iter_mut().zip(ended).for_each(|(all, one)| *all += one);
            sample.reads = [sample.reads[0] + tally.reads, sample.reads[1] + tally.stale_reads];
        }
        sample
    }
}
