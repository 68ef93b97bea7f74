//! The timers of a leaderless group. The two lowest bits of a timer's number are its kind.

use crate::engine::queue::Timer;

/// A timer of a member or a coordinator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuorumTimer {
    /// The time for responses to this operation is over.
    OperationTimeout(u32),
    /// Hinted handoff is due, in this incarnation of the member.
    Handoff(u32),
    /// Anti-entropy is due, in this incarnation of the member.
    AntiEntropy(u32),
    /// The grace period of this tombstone is over.
    PurgeTombstone(u32),
}

impl QuorumTimer {
    /// Returns the timer in the form in which it is set.
    pub fn encode(self) -> Timer {
        let (number, kind) = match self {
            QuorumTimer::OperationTimeout(operation) => (operation, 0),
            QuorumTimer::Handoff(incarnation) => (incarnation, 1),
            QuorumTimer::AntiEntropy(incarnation) => (incarnation, 2),
            QuorumTimer::PurgeTombstone(tombstone) => (tombstone, 3),
        };
        Timer::Protocol(number << 2 | kind)
    }

    /// Returns the timer that has this number.
    pub fn decode(number: u32) -> QuorumTimer {
        match number & 3 {
            0 => QuorumTimer::OperationTimeout(number >> 2),
            1 => QuorumTimer::Handoff(number >> 2),
            2 => QuorumTimer::AntiEntropy(number >> 2),
            _ => QuorumTimer::PurgeTombstone(number >> 2),
        }
    }
}
