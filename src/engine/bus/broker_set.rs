//! The state of the brokers that store a bus's events. The model contains only the length of each broker's log; the events
//! themselves are stored once.

use super::subscription_queue::PublicationAck;
use crate::scenario::{CommitRule, InSync, Micros};
use crate::trace::UpdateId;
use litemap::LiteMap;
use std::collections::VecDeque;

/// A broker.
#[derive(Clone, Debug)]
pub(super) struct Broker {
    pub(super) up: bool,
    /// The number of log entries that it has.
    pub(super) end: u64,
    /// Whether the leader regards it as in sync. A stopped broker is in sync until its session is over.
    pub(super) in_sync: bool,
    /// When the last of its fetches completes. Fetches complete in order, so none completes earlier.
    pub(super) last_due: Micros,
    /// How often it stopped or started.
    pub(super) incarnation: u32,
}

/// The purpose of a timer. A timer has no effect if the broker has stopped or started since, or if another one leads.
#[derive(Clone, Copy, Debug)]
pub(super) enum BrokerTimer {
    /// A follower's fetch completes.
    Fetched { broker: usize, end: u64, incarnation: u32, epoch: u32 },
    /// A follower may have missed an entry for too long.
    Lags { broker: usize, end: u64, incarnation: u32, epoch: u32 },
    /// The session of a stopped broker is over.
    SessionOver { broker: usize, incarnation: u32 },
}

/// An uncommitted entry of the log.
#[derive(Clone, Debug)]
pub(super) struct LogEntry {
    pub(super) offset: u64,
    pub(super) topic: u32,
    pub(super) update: UpdateId,
    pub(super) published_at: Micros,
    pub(super) events: Vec<u32>,
    /// Publications to be acknowledged after the commit; several if the update was published again.
    pub(super) acks: Vec<PublicationAck>,
}

/// The brokers of a bus.
#[derive(Clone, Debug)]
pub(super) struct BrokerSet {
    pub(super) all: Vec<Broker>,
    pub(super) leader: Option<usize>,
    /// Incremented with each leader.
    pub(super) epoch: u32,
    /// The number of committed entries.
    pub(super) committed: u64,
    pub(super) uncommitted: VecDeque<LogEntry>,
    pub(super) timers: LiteMap<u32, BrokerTimer>,
    pub(super) next_timer: u32,
    /// The in-sync set that was recorded last, as bits.
    pub(super) reported_in_sync: u32,
}

impl BrokerSet {
    /// Returns brokers that are up and in sync; the first one leads.
    pub(super) fn new(replicas: usize) -> BrokerSet {
        let broker = Broker { up: true, end: 0, in_sync: true, last_due: 0, incarnation: 0 };
        BrokerSet {
            all: vec![broker; replicas],
            leader: Some(0),
            epoch: 0,
            committed: 0,
            uncommitted: VecDeque::new(),
            timers: LiteMap::new(),
            next_timer: 0,
            reported_in_sync: (1 << replicas) - 1,
        }
    }

    /// Returns whether a broker that is up leads.
    pub(super) fn is_led(&self) -> bool {
        self.leader.is_some_and(|leader| self.all[leader].up)
    }

    pub(super) fn in_sync(&self) -> u32 {
        self.all.iter().filter(|broker| broker.in_sync).count() as u32
    }

    pub(super) fn has_majority(&self) -> bool {
        self.all.iter().filter(|broker| broker.up).count() * 2 > self.all.len()
    }

    /// Returns the number of entries that are on enough brokers to be committed.
    pub(super) fn committable(&self, commit: &CommitRule) -> u64 {
        match commit {
            CommitRule::InSync(_) => {
                self.all.iter().filter(|broker| broker.in_sync).map(|broker| broker.end).min().unwrap_or(0)
            }
            CommitRule::Majority => {
                let mut ends: Vec<u64> = self.all.iter().map(|broker| broker.end).collect();
                ends.sort_unstable();
                // A majority has at least as many entries as this one.
                ends[(ends.len() - 1) / 2]
            }
        }
    }

    /// Returns the next leader: the current one if it is eligible, else the first eligible one; for a majority, the one with
    /// the most entries.
    pub(super) fn candidate(&self, commit: &CommitRule) -> Option<usize> {
        let up = || (0..self.all.len()).filter(|at| self.all[*at].up);
        // Of several with the most entries, the first one.
        let longest_log = || up().max_by_key(|at| (self.all[*at].end, std::cmp::Reverse(*at)));
        match commit {
            CommitRule::InSync(InSync { unclean_election, .. }) => {
                let mut in_sync = up().filter(|at| self.all[*at].in_sync);
                let stays = self.leader.filter(|at| self.all[*at].up && self.all[*at].in_sync);
                stays.or_else(|| in_sync.next()).or_else(|| longest_log().filter(|_| *unclean_election))
            }
            CommitRule::Majority => {
                let longest_end = longest_log().map(|at| self.all[at].end);
                let stays = self.leader.filter(|at| self.all[*at].up && Some(self.all[*at].end) == longest_end);
                stays.or_else(longest_log).filter(|_| self.has_majority())
            }
        }
    }
}
