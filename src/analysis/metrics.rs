//! Metrics over time: how things stood at instants that are equally far apart.

use super::{Analysis, Ended};
use crate::scenario::Micros;
use crate::trace::{Fact, NodeId, OperationKind, Outcome, Record};
use crate::wire::Wire;
use std::collections::VecDeque;

/// How many instants a run is looked at.
const SAMPLES: Micros = 400;
/// The least distance between two of them, µs.
const CLOSEST: Micros = 1_000;
/// Services that are looked at one by one; of more only the whole is kept.
const MOST_SERVICES: u32 = 64;
/// Operations that are remembered.
const MOST_OPERATIONS: usize = 2_000;

/// How things stood at an instant, all that happened then included.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sample {
    /// The instant.
    pub at: Micros,
    /// Copies that are stale.
    pub stale: u32,
    /// Acknowledged updates that copies do not reflect, over all copies.
    pub behind: u32,
    /// The same by service.
    pub behind_of: Vec<u32>,
    /// How long the oldest of them has been acknowledged, µs.
    pub age: Micros,
    /// Messages under way.
    pub in_flight: u32,
    /// Events in the buses' queues.
    pub queued: u32,
    /// Operations that are awaited.
    pub pending: u32,
    /// Operations that have ended as ok, fail and unknown.
    pub ended: [u64; 3],
    /// Reads among those that are ok, and stale ones among them.
    pub reads: [u64; 2],
}

/// An operation that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Wire)]
pub struct Timed {
    /// When it was issued.
    pub at: Micros,
    /// From then to its end, µs.
    pub took: Micros,
    /// It ended as ok.
    pub ok: bool,
    /// A read that ended as ok.
    pub read: bool,
    /// Acknowledged updates that it lacked when it was issued (k-staleness); 0 for a fresh read, and for what is no read.
    pub behind: u32,
    /// How long before its issue the oldest of them was acknowledged (t-staleness), µs.
    pub stale_for: Micros,
}

/// The samples of a run so far.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    step: Micros,
    services: u32,
    samples: Vec<Sample>,
    timed: VecDeque<Timed>,
}

impl Metrics {
    /// For a run of that length, µs, in which the first nodes are that many services.
    pub fn new(until: Micros, services: u32) -> Self {
        Metrics { step: (until / SAMPLES).max(CLOSEST), services, samples: Vec::new(), timed: VecDeque::new() }
    }

    /// The clock has come to `now`: instants before it are over.
    pub fn pass(&mut self, now: Micros, analysis: &Analysis) {
        while self.next() < now && self.samples.len() as Micros <= SAMPLES {
            self.samples.push(self.sample(self.next(), analysis));
        }
    }

    /// Takes note of a record that the analysis has taken in.
    pub fn note(&mut self, record: &Record, analysis: &Analysis) {
        if let (Fact::OperationEnded { operation, .. }, Some(last)) = (&record.fact, analysis.operations.last())
            && last.operation == *operation
        {
            let Ended { issued, took, outcome, kind, stale, behind, stale_for, .. } = *last;
            let ok = outcome == Outcome::Ok;
            let (read, behind) = (ok && kind == OperationKind::Read, if stale { behind } else { 0 });
            self.timed.push_back(Timed { at: issued, took, ok, read, behind, stale_for });
            if self.timed.len() > MOST_OPERATIONS {
                self.timed.pop_front();
            }
        }
    }

    /// The operations that ended last, in that order.
    pub fn timed(&self) -> impl Iterator<Item = &Timed> {
        self.timed.iter()
    }

    /// All samples up to `now`, of which what comes last is how things stand.
    pub fn upto(&self, now: Micros, analysis: &Analysis) -> Vec<Sample> {
        let mut upto = self.clone();
        upto.pass(now, analysis);
        upto.samples.push(self.sample(now, analysis));
        upto.samples
    }

    fn next(&self) -> Micros {
        self.samples.len() as Micros * self.step
    }

    fn sample(&self, at: Micros, analysis: &Analysis) -> Sample {
        let mut sample = Sample {
            at,
            stale: analysis.staleness.stale(),
            in_flight: analysis.messages.len() as u32,
            queued: analysis.buses.iter().map(|(_, lane)| lane.kept.len() as u32).sum(),
            pending: analysis.operations.pending() as u32,
            ..Sample::default()
        };
        for service in 0..self.services {
            let mut behind = 0;
            // What is not stale lacks nothing that was acknowledged.
            if sample.stale > 0 {
                for (_, copy) in analysis.staleness.copies_of(NodeId(service)) {
                    behind += copy.behind();
                    sample.age = sample.age.max(copy.stale_since().map_or(0, |since| at.saturating_sub(since)));
                }
            }
            sample.behind += behind;
            if self.services <= MOST_SERVICES {
                sample.behind_of.push(behind);
            }
        }
        for (_, tally) in analysis.operations.iter() {
            let ended = [tally.ok, tally.fail, tally.unknown];
            sample.ended.iter_mut().zip(ended).for_each(|(all, one)| *all += one);
            sample.reads = [sample.reads[0] + tally.reads, sample.reads[1] + tally.stale_reads];
        }
        sample
    }
}
