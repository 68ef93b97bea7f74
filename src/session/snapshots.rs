//! Snapshots of a run, to go back without running from the start.

use super::frame::FrameBuilder;
use super::run::Run;
use crate::scenario::{Micros, Step, micros};

/// Limit of snapshots. Beyond it every second one is discarded, and the interval doubles.
const MAX: usize = 64;
/// Events between two snapshots, at first.
const INTERVAL: u64 = 4096;
/// Estimated memory of all snapshots, bytes. They share most of their traces.
const MEMORY: u64 = 128 << 20;
/// Estimated memory of the largest run of which a snapshot is taken, without its trace, bytes. The copy of a larger run would
/// take too long.
const MAX_SIZE: u64 = 16 << 20;

/// A run as it was once.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub run: Run,
    pub frames: FrameBuilder,
    /// Number of the live commands that the run had scheduled.
    pub live: usize,
    /// Estimated memory, bytes.
    memory: u64,
}

/// The snapshots of a run, oldest first.
#[derive(Debug)]
pub(super) struct Snapshots {
    interval: u64,
    list: Vec<Snapshot>,
    /// The events of the last run that was too large for a snapshot.
    skipped: u64,
}

impl Snapshots {
    pub fn new() -> Self {
        Snapshots { interval: INTERVAL, list: Vec::new(), skipped: 0 }
    }

    /// Returns the number of events until the next snapshot is due.
    pub fn events_until_next(&self, run: &Run) -> u64 {
        let last = self.list.last().map_or(0, |snapshot| snapshot.run.engine().events()).max(self.skipped);
        (last + self.interval).saturating_sub(run.engine().events())
    }

    /// Adds a snapshot of a run that has scheduled the first `live` live commands.
    pub fn add(&mut self, run: &Run, frames: &FrameBuilder, live: usize) {
        debug_assert!(self.events_until_next(run) == 0, "snapshots are in the order of their events");
        let memory = run.memory().saturating_sub(run.engine().trace().memory());
        if memory > MAX_SIZE {
            self.skipped = run.engine().events();
            return;
        }
        self.list.push(Snapshot { run: run.snapshot(), frames: frames.clone(), live, memory });
        let is_full =
            |list: &[Snapshot]| list.len() > MAX || list.iter().map(|snapshot| snapshot.memory).sum::<u64>() > MEMORY;
        while is_full(&self.list) {
            let mut even = false;
            self.list.retain(|_| {
                even = !even;
                even
            });
            self.interval *= 2;
        }
    }

    /// Discards the snapshots after a time, and those with more live commands than `live`.
    pub fn forget_after(&mut self, at: Micros, live: usize) {
        self.list.retain(|snapshot| snapshot.run.engine().now() <= at && snapshot.live <= live);
        self.skipped = 0;
    }

    /// Returns the latest snapshot that `allows` accepts and that has scheduled every live command before its time.
    pub fn latest(&self, live: &[Step], allows: impl Fn(&Run) -> bool) -> Option<&Snapshot> {
        let is_complete = |snapshot: &&Snapshot| {
            let now: Micros = snapshot.run.engine().now();
            live[snapshot.live..].iter().all(|step| micros(step.at_ms) >= now)
        };
        self.list.iter().rev().filter(is_complete).find(|snapshot| allows(&snapshot.run))
    }
}
