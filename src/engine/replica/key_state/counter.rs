//! A PN-counter (Shapiro et al. 2011, specification 7): the sum of the numbers that each replica added or subtracted.

use crate::trace::VersionVector;
use litemap::LiteMap;

/// The increments of one replica.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Contribution {
    /// The number of increments.
    increments: u32,
    /// The sum of the increments.
    sum: i64,
}

/// A counter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counter {
    contributions: LiteMap<u32, Contribution>,
}

impl Counter {
    /// Returns the counter with the scenario's initial value.
    pub fn initial(value: i64) -> Counter {
        let mut counter = Counter::default();
        counter.contributions.insert(0, Contribution { increments: 1, sum: value });
        counter
    }

    /// Adds a number at a replica. Returns the dot of the increment.
    pub fn add(&mut self, origin: u32, amount: i64) -> (u32, u32) {
        debug_assert!(origin > 0, "origin 0 is that of the scenario's data");
        let contribution = self.contributions.entry(origin).or_default();
        debug_assert!(contribution.increments > 0 || contribution.sum == 0, "a sum has increments");
        contribution.increments += 1;
        contribution.sum = contribution.sum.saturating_add(amount);
        (origin, contribution.increments)
    }

    /// Returns the number; `None` for an absent key.
    pub fn value(&self) -> Option<i64> {
        let sum = self.contributions.values().fold(0i64, |sum, contribution| sum.saturating_add(contribution.sum));
        (!self.contributions.is_empty()).then_some(sum)
    }

    /// Returns the number of increments by replica.
    pub fn version_vector(&self) -> VersionVector {
        self.contributions.iter().map(|(origin, contribution)| (*origin, contribution.increments)).collect()
    }

    /// Merges another state into this one. Returns whether this state changed.
    pub fn merge(&mut self, other: &Counter) -> bool {
        let mut changed = false;
        for (origin, theirs) in &other.contributions {
            debug_assert!(theirs.increments > 0, "a contribution has increments");
            let ours = self.contributions.entry(*origin).or_default();
            if theirs.increments > ours.increments {
                *ours = *theirs;
                changed = true;
            }
        }
        debug_assert!(self.contributions.len() >= other.contributions.len(), "a merge forgets no replica");
        changed
    }
}
