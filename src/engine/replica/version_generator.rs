//! Generates the versions that order the writes of registers.

use crate::scenario::VersionClock;
use crate::trace::{KeyId, Version};
use std::collections::BTreeMap;

/// The clocks of a coordinator: Lamport's logical clock (Lamport 1978) for each key, and one hybrid logical clock
/// (Kulkarni et al. 2014). For wall clocks it remembers the last version, so that no two are equal.
#[derive(Clone, Debug, Default)]
pub struct VersionGenerator {
    /// Lamport: the highest counter observed, by key.
    lamport: BTreeMap<KeyId, u32>,
    /// Hybrid: the latest time observed and the counter within it. Wall: those of the last version generated.
    latest: (i64, u32),
}

impl VersionGenerator {
    /// Advances the clock past a version that another coordinator generated.
    pub fn observe(&mut self, clock: VersionClock, key: KeyId, version: Version) {
        match clock {
            VersionClock::Wall => {}
            VersionClock::Lamport => {
                let advance = |counter: &mut u32| *counter = version.counter.max(*counter);
                _ = self.lamport.entry(key).and_modify(advance).or_insert(version.counter)
            }
            VersionClock::Hybrid => self.latest = self.latest.max((version.time, version.counter)),
        }
    }

    /// Returns the version of the next write, which is always greater than `after`. `reading` is the coordinator's
    /// physical clock, µs.
    pub fn next(&mut self, clock: VersionClock, reading: i64, key: KeyId, after: Version, origin: u32) -> Version {
        let wall = reading + Version::EPOCH;
        let version = match clock {
            VersionClock::Lamport => {
                let counter = self.lamport.entry(key).or_default();
                *counter = (*counter).max(after.counter) + 1;
                return Version::counted(*counter, origin);
            }
            VersionClock::Wall if wall == self.latest.0 => Version { time: wall, counter: self.latest.1 + 1, origin },
            VersionClock::Hybrid if wall <= self.latest.0 => {
                Version { time: self.latest.0, counter: self.latest.1 + 1, origin }
            }
            VersionClock::Wall | VersionClock::Hybrid => Version { time: wall, counter: 1, origin },
        };
        let version =
            if version > after { version } else { Version { time: after.time, counter: after.counter + 1, origin } };
        debug_assert!(version > after, "a write is ordered after the version it depends on");
        debug_assert!(
            clock == VersionClock::Wall || (version.time, version.counter) > self.latest,
            "a hybrid logical clock never goes back"
        );
        self.latest = (version.time, version.counter);
        version
    }
}
