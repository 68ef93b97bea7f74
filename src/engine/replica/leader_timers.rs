//! The two timers of a group with a leader, for Raft and primary-replica.

use crate::engine::context::Context;
use crate::engine::queue::Timer;
use crate::scenario::Micros;

/// A kind of timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaderTimer {
    /// A follower received nothing from a leader for too long.
    Election,
    /// A leader must send a heartbeat.
    Heartbeat,
}

/// The timers that are set. Of each kind only the last one set is valid.
#[derive(Clone, Copy, Debug, Default)]
pub struct LeaderTimers {
    count: u32,
    election: u32,
    heartbeat: u32,
}

impl LeaderTimers {
    /// Sets a timer, which replaces the one of its kind.
    pub fn set(&mut self, kind: LeaderTimer, at: Micros, ctx: &mut Context) {
        debug_assert!(at >= ctx.now, "a timer expires in the future");
        self.count += 1;
        let (latest, bit) = match kind {
            LeaderTimer::Election => (&mut self.election, 0),
            LeaderTimer::Heartbeat => (&mut self.heartbeat, 1),
        };
        debug_assert!(*latest < self.count, "numbers of timers are not reused");
        *latest = self.count;
        ctx.wake(at, Timer::Protocol(self.count << 1 | bit));
    }

    /// Returns the kind of the timer that fired; `None` if it was replaced.
    pub fn fired(&self, number: u32) -> Option<LeaderTimer> {
        let (kind, latest) = match number & 1 {
            0 => (LeaderTimer::Election, self.election),
            _ => (LeaderTimer::Heartbeat, self.heartbeat),
        };
        debug_assert!(number >> 1 <= self.count, "only timers that were set fire");
        (number >> 1 == latest).then_some(kind)
    }
}
