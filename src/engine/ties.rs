//! Ties between writes whose wall clocks had the same reading: a deletion wins, then the larger value (Cassandra).
//!
//! A version cannot contain a value, so the coordinator of the later write chooses a counter and an origin that order its
//! version among those of the earlier writes. Where the later node of the document has the larger value, nothing changes.

use crate::scenario::Value;
use crate::trace::{KeyId, Version};
use std::collections::{BTreeMap, VecDeque};

/// The maximum number of kept readings of clocks. A tie at an older one goes to the later node.
const REMEMBERED: usize = 4096;

/// A write: whether it is a deletion, its value, and the counter and the origin of its version as one number.
type Write = ((bool, Option<Value>), u64);

/// The latest writes, by key and reading of the clock.
#[derive(Clone, Debug, Default)]
pub struct Ties {
    writes: BTreeMap<(KeyId, i64), Vec<Write>>,
    order: VecDeque<(KeyId, i64)>,
}

impl Ties {
    /// Returns the version of a write, and keeps it.
    pub fn order_version(&mut self, key: KeyId, version: Version, value: Option<&Value>) -> Version {
        debug_assert!(self.order.len() == self.writes.len(), "each reading of the clock is remembered once");
        let place = (key, version.time);
        let rank = (value.is_none(), value.cloned());
        let number = u64::from(version.counter) << 32 | u64::from(version.origin);
        let writes = self.writes.entry(place).or_insert_with(|| {
            self.order.push_back(place);
            Vec::new()
        });
        let lower = writes.iter().filter(|(other, _)| *other < rank).map(|(_, number)| *number).max();
        let upper = writes.iter().filter(|(other, _)| *other > rank).map(|(_, number)| *number).min();
        let fits = lower.is_none_or(|lower| lower < number) && upper.is_none_or(|upper| number < upper);
        let placed = match (lower, upper) {
            _ if fits => number,
            (Some(lower), None) => lower.saturating_add(1 << 32),
            (lower, upper) => {
                let (lower, upper) = (lower.unwrap_or(0), upper.unwrap_or(u64::MAX));
                lower + (upper.saturating_sub(lower)) / 2
            }
        };
        // Two adjacent versions have no room between them. A version that is neither the newest nor equal is placed below both.
        let is_taken = |number: u64| writes.iter().any(|(_, other)| *other == number);
        let placed = (0..=placed).rev().find(|number| !is_taken(*number)).unwrap_or(placed);
        writes.push((rank, placed));
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.writes.remove(&oldest);
        }
        debug_assert!(self.order.len() <= REMEMBERED, "old writes are forgotten");
        Version { counter: (placed >> 32) as u32, origin: placed as u32, ..version }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn version(node: u32) -> Version {
        Version { time: 7, counter: 1, origin: node }
    }

    #[test]
    fn a_tie_that_the_later_node_wins_anyway_keeps_its_versions() {
        let mut ties = Ties::default();
        assert_eq!(ties.order_version(KeyId(0), version(1), Some(&Value::from("apple"))), version(1));
        assert_eq!(ties.order_version(KeyId(0), version(2), Some(&Value::from("zebra"))), version(2));
        assert_eq!(ties.order_version(KeyId(0), version(3), None), version(3));
        assert_eq!(ties.order_version(KeyId(1), version(4), Some(&Value::from("apple"))), version(4));
    }

    proptest! {
        #[test]
        fn a_deletion_is_the_newest_and_otherwise_the_largest_value(
            values in prop::collection::vec(prop::option::of(0i64..1000), 2..12)
        ) {
            let mut ties = Ties::default();
            let mut placed: Vec<(Version, (bool, Option<i64>))> = Vec::new();
            for (node, value) in (1..).zip(&values) {
                let written = value.map(Value::Int);
                let version = ties.order_version(KeyId(0), version(node), written.as_ref());
                placed.push((version, (value.is_none(), *value)));
            }
            let newest = placed.iter().max_by_key(|(version, _)| *version).map(|(_, rank)| rank);
            prop_assert_eq!(newest, placed.iter().map(|(_, rank)| rank).max());
            placed.sort_unstable_by_key(|(version, _)| *version);
            prop_assert!(placed.windows(2).all(|pair| pair[0].0 < pair[1].0), "{placed:?}");
        }
    }
}
