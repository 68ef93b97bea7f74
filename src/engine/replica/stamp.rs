//! The clocks that order the writes of registers.

use crate::scenario::VersionClock;
use crate::trace::{KeyId, Version};
use std::collections::BTreeMap;

/// What a coordinator knows of versions.
#[derive(Clone, Debug, Default)]
pub struct Stamps {
    /// Lamport: the highest count seen of a key.
    counts: BTreeMap<KeyId, u32>,
    /// Hybrid: the latest time seen, and the count within it; wall: the last one given out.
    last: (i64, u32),
}

impl Stamps {
    /// Takes note of a version that came by.
    pub fn see(&mut self, clock: VersionClock, key: KeyId, version: Version) {
        match clock {
            VersionClock::Wall => {}
            VersionClock::Lamport => {
                let count = self.counts.entry(key).or_default();
                *count = (*count).max(version.counter);
            }
            VersionClock::Hybrid => self.last = self.last.max((version.time, version.counter)),
        }
    }

    /// The version of the next write, behind `after` in any case. `reading` is the coordinator's own clock, µs.
    pub fn next(&mut self, clock: VersionClock, reading: i64, key: KeyId, after: Version, origin: u32) -> Version {
        let wall = reading + Version::EPOCH;
        let version = match clock {
            VersionClock::Lamport => {
                let count = self.counts.entry(key).or_default();
                *count = (*count).max(after.counter) + 1;
                return Version::counted(*count, origin);
            }
            VersionClock::Wall if wall == self.last.0 => Version { time: wall, counter: self.last.1 + 1, origin },
            VersionClock::Hybrid if wall <= self.last.0 => {
                Version { time: self.last.0, counter: self.last.1 + 1, origin }
            }
            VersionClock::Wall | VersionClock::Hybrid => Version { time: wall, counter: 1, origin },
        };
        let version =
            if version > after { version } else { Version { time: after.time, counter: after.counter + 1, origin } };
        self.last = (version.time, version.counter);
        version
    }
}
