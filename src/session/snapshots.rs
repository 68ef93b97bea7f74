//! Snapshots of a run, to stand at an earlier instant without beginning anew.

use super::Run;
use super::frame::FrameBuilder;
use crate::scenario::{Micros, Step, micros};

/// Snapshots that are kept at most; then every second one goes, and the next are twice as far apart.
const MOST: usize = 32;
/// Events between two of them, at first.
const EVERY: u64 = 4096;

/// A run as it was once.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub run: Run,
    pub frames: FrameBuilder,
    /// How many of the live commands it knows of.
    pub live: usize,
}

/// The snapshots of a run, oldest first.
#[derive(Debug)]
pub(super) struct Snapshots {
    every: u64,
    moments: Vec<Snapshot>,
}

impl Snapshots {
    pub fn new() -> Self {
        Snapshots { every: EVERY, moments: Vec::new() }
    }

    /// Events until the next snapshot is due.
    pub fn left(&self, run: &Run) -> u64 {
        let last = self.moments.last().map_or(0, |moment| moment.run.engine().events());
        (last + self.every).saturating_sub(run.engine().events())
    }

    /// Adds a snapshot of a run that knows of so many live commands.
    pub fn add(&mut self, run: &Run, frames: &FrameBuilder, live: usize) {
        self.moments.push(Snapshot { run: run.snapshot(), frames: frames.clone(), live });
        if self.moments.len() > MOST {
            let mut even = false;
            self.moments.retain(|_| {
                even = !even;
                even
            });
            self.every *= 2;
        }
    }

    /// Something was done at an instant: what came after it is no more, nor what knows of more live commands than these.
    pub fn forget_after(&mut self, at: Micros, live: usize) {
        self.moments.retain(|moment| moment.run.engine().now() <= at && moment.live <= live);
    }

    /// The latest snapshot that `before` allows, and that no live command came before that it does not know of.
    pub fn latest(&self, live: &[Step], before: impl Fn(&Run) -> bool) -> Option<&Snapshot> {
        let knows = |moment: &&Snapshot| {
            let now: Micros = moment.run.engine().now();
            live[moment.live..].iter().all(|step| micros(step.at_ms) >= now)
        };
        self.moments.iter().rev().filter(knows).find(|moment| before(&moment.run))
    }
}
