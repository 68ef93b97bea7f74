//! One service's copy of a key: the value that it holds, the updates that it misses, and the state that follows from them.

use super::pools::PooledValues;
use crate::analysis::copy_state::CopyState;
use crate::scenario::{Micros, Value};
use crate::trace::{NodeId, UpdateId, Version, VersionVector};
use std::collections::{BTreeMap, BTreeSet};

/// The value that a copy holds.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredValue {
    /// The value; `None` for a tombstone.
    pub value: Option<Value>,
    /// Its version.
    pub version: Version,
    /// The update that wrote it; `None` for an initial value of the document.
    pub update: Option<UpdateId>,
}

/// An acknowledged update that a copy does not reflect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MissingUpdate {
    pub update: Option<UpdateId>,
    /// When it was acknowledged.
    pub acknowledged: Micros,
    /// Whether the copy reflected it before.
    pub again: bool,
}

/// An update that some copies hold and another one lacks, and that was never acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnacknowledgedWrite {
    /// The update.
    pub update: UpdateId,
    /// The node of a copy that lacks it.
    pub lacking: NodeId,
}

/// One service's copy of one key.
#[derive(Clone, Debug, Default)]
pub struct KeyCopy {
    pub(super) held: Option<StoredValue>,
    /// Acknowledged updates that should reach this copy and are not reflected, by version.
    pub(super) behind: BTreeMap<Version, MissingUpdate>,
    /// The versions of `behind` for which the copy has applied neither them nor a newer one.
    pub(super) missing: BTreeSet<Version>,
    /// The newest version that was ever applied.
    pub(super) newest_applied: Version,
    /// The newest acknowledged version that should reach this copy.
    pub(super) newest_acknowledged: Version,
    /// The state under which the totals count it.
    pub(super) counted_as: CopyState,
    /// When it was consistent last; meaningful only while it is not.
    pub(super) inconsistent_since: Micros,
    /// Whether it holds an update that was never committed.
    pub(super) phantom: bool,
    /// Whether the group's protocol rolls back updates that it applied.
    pub(super) is_rolling_back: bool,
    /// An update that it holds, that was never acknowledged, and that another copy lacks.
    pub(super) unacknowledged: Option<UnacknowledgedWrite>,
    /// The increments that the copy of a counter contains; `None` for other data.
    pub(super) sum: Option<Box<Sum>>,
    /// The updates that the copy contains; `None` for data with a total order.
    pub(super) context: Option<VersionVector>,
    /// The values that a read returns, if there is more than one.
    pub(super) siblings: Vec<Value>,
    /// Whether it held a tombstone that was purged.
    pub(super) tombstone_purged: bool,
    /// The newest tombstone that a replica of its group purged, which it reflects while it has no value.
    pub(super) purged: Version,
    /// The value that each service holds, for a copy that several services hold together.
    pub(super) pooled: Option<Box<PooledValues>>,
}

/// The additions of a counter's copy. It reflects an update once it has added it, in any order.
#[derive(Clone, Debug, Default)]
pub(super) struct Sum {
    /// Versions that were added and are not acknowledged yet.
    pub(super) early: BTreeSet<Version>,
    /// The value of the newest acknowledged update: the expected sum if every added update is acknowledged.
    pub(super) reference: Option<Value>,
    /// Whether the copy was also written directly, so that no expected sum is known.
    pub(super) mixed: bool,
    /// Whether the difference of an update was added more than once.
    pub(super) doubled: bool,
}

impl KeyCopy {
    /// Returns the values that a read returns, if there is more than one.
    pub fn siblings(&self) -> &[Value] {
        &self.siblings
    }

    /// Returns the stored value; `None` for an absent key.
    pub fn held(&self) -> Option<&StoredValue> {
        self.held.as_ref()
    }

    /// Returns the value at one of the services that hold the copy together; the value of the copy if only one service holds it.
    pub fn held_at(&self, node: NodeId) -> Option<&StoredValue> {
        match &self.pooled {
            Some(pooled) => pooled.own.get(&node),
            None => self.held(),
        }
    }

    /// Returns whether it holds a tombstone.
    pub fn is_tombstone(&self) -> bool {
        !self.tombstone_purged && self.held.as_ref().is_some_and(|held| held.value.is_none())
    }

    /// Returns whether it holds a version of its key or a newer one, also if that is a tombstone, unless that is purged.
    pub fn keeps(&self, version: Version) -> bool {
        !self.tombstone_purged && self.held.as_ref().is_some_and(|held| held.version >= version)
    }

    /// Returns the number of acknowledged updates that it does not reflect (k-staleness).
    pub fn behind(&self) -> u32 {
        self.behind.len() as u32
    }

    /// Iterates over the updates that it misses, the oldest version first; `None` for an initial value of the document.
    pub fn missing_updates(&self) -> impl Iterator<Item = Option<UpdateId>> {
        self.behind.values().map(|missing| missing.update)
    }

    /// Returns the version and the update of the newest of the updates that it misses.
    pub fn newest_missing(&self) -> Option<(Version, Option<UpdateId>)> {
        self.behind.last_key_value().map(|(version, missing)| (*version, missing.update))
    }

    /// Returns whether a copy that has an update needs no older one. A counter needs each difference, and data without a total
    /// order each concurrent update.
    pub fn needs_only_the_newest(&self) -> bool {
        self.sum.is_none() && self.context.is_none()
    }

    /// Returns when the oldest missing update was acknowledged; t-staleness counts from this time.
    pub fn oldest_missing(&self) -> Option<Micros> {
        self.behind.values().map(|missing| missing.acknowledged).min()
    }

    /// Returns since when it has been stale or diverged: if it is stale, the acknowledgement of the oldest missing update, or
    /// when it was consistent last if that is later, because it had reflected that update before; if it is diverged, when it
    /// was consistent last.
    pub fn stale_since(&self) -> Option<Micros> {
        match self.state() {
            CopyState::Stale => self.oldest_missing().map(|since| since.max(self.inconsistent_since)),
            CopyState::Diverged => Some(self.inconsistent_since),
            CopyState::Consistent | CopyState::Conflicted | CopyState::Down => None,
        }
    }

    /// Returns an update that it holds, that was never acknowledged, and that another copy lacks.
    pub fn unacknowledged(&self) -> Option<UnacknowledgedWrite> {
        self.unacknowledged
    }

    /// Returns whether it added the difference of an update more than once, so that it cannot reach the reference.
    pub fn is_doubled(&self) -> bool {
        self.sum.as_ref().is_some_and(|sum| sum.doubled && !sum.mixed)
    }

    /// Returns its state.
    pub fn state(&self) -> CopyState {
        if self.behind.is_empty() && self.unacknowledged.is_some() {
            return CopyState::Diverged;
        }
        if let Some(sum) = &self.sum {
            let held = self.held.as_ref().and_then(|held| held.value.as_ref());
            let is_expected = sum.early.is_empty() && sum.reference.is_some() && !sum.mixed;
            // While it has added an update that is not acknowledged, only a repetition is certain.
            let is_wrong = if is_expected { held != sum.reference.as_ref() } else { self.is_doubled() };
            return match (self.behind.is_empty(), is_wrong) {
                (false, _) => CopyState::Stale,
                (true, true) => CopyState::Diverged,
                (true, false) => CopyState::Consistent,
            };
        }
        if self.behind.is_empty() && self.phantom {
            CopyState::Diverged
        } else if self.behind.is_empty() && self.siblings.len() > 1 {
            CopyState::Conflicted
        } else if self.behind.is_empty() {
            CopyState::Consistent
        } else if self.missing.is_empty() {
            CopyState::Diverged
        } else {
            CopyState::Stale
        }
    }

    /// Returns whether it reflects a version of its key.
    pub fn reflects(&self, version: Version) -> bool {
        match &self.context {
            Some(context) => covers(context, version),
            None => self.version() >= version,
        }
    }

    /// Returns whether a message with a version of its key would change nothing. Where a tombstone was purged, an older value
    /// would reappear.
    pub fn ignores(&self, version: Version) -> bool {
        let is_purged = self.tombstone_purged || (self.held.is_none() && !self.purged.is_none());
        !is_purged && self.reflects(version)
    }

    /// Returns whether it contains an update of this version that was never acknowledged.
    pub fn contains_unacknowledged(&self, version: Version) -> bool {
        self.sum.as_ref().map_or_else(|| self.reflects(version), |sum| sum.early.contains(&version))
    }

    /// Returns whether a reader of its value sees an update of this version that was never acknowledged.
    pub(super) fn shows_unacknowledged(&self, version: Version) -> bool {
        match (&self.sum, &self.context) {
            (Some(_), _) | (None, Some(_)) => self.contains_unacknowledged(version),
            (None, None) => self.version() == version,
        }
    }

    /// Returns the version that it holds, or that its absence reflects.
    pub(super) fn version(&self) -> Version {
        self.held.as_ref().map_or(self.purged, |held| held.version)
    }
}

/// Returns whether a version vector covers the dot of an update.
pub(super) fn covers(context: &VersionVector, dot: Version) -> bool {
    context.iter().any(|(origin, count)| *origin == dot.origin && *count >= dot.counter)
}
