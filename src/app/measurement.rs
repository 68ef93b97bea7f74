//! What was measured of a group under each consistency, as it comes in seed by seed.

use crate::scenario::{Consistency, Scenario};
use crate::session::measurement::SEEDS;
use crate::session::protocol::{Packed, Query, Request};
use std::rc::Rc;

/// The comparison.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measurement {
    /// The group, by its place, and the drawing, whatever consistency was chosen when it began.
    about: Option<(usize, Scenario)>,
    /// Seeds that are in it.
    pub seeds: u64,
    /// The numbers: [`Row`](crate::session::measurement::Row)s.
    pub rows: Rc<Packed>,
}

impl Measurement {
    /// Begins anew.
    pub fn begin(&mut self, scenario: &Scenario, group: usize) -> Request {
        *self = Measurement {
            about: Some((group, scenario.under(group, Consistency::Eventual))),
            ..Measurement::default()
        };
        Request::Query(Query::Measure { group: group as u32, seed: 1 })
    }

    /// Takes in what a seed more has shown; what to ask next.
    pub fn receive(&mut self, seed: u64, rows: Packed) -> Option<Request> {
        (self.seeds, self.rows) = (seed, Rc::new(rows));
        self.next()
    }

    /// What to ask next.
    pub fn next(&self) -> Option<Request> {
        let (group, _) = self.about.as_ref().filter(|_| self.seeds < SEEDS)?;
        Some(Request::Query(Query::Measure { group: *group as u32, seed: self.seeds + 1 }))
    }

    /// The drawing has changed; what it no longer tells about is forgotten.
    pub fn follow(&mut self, scenario: &Scenario) {
        let still = |(group, about): &(usize, Scenario)| scenario.under(*group, Consistency::Eventual) == *about;
        if !self.about.as_ref().is_some_and(still) {
            *self = Measurement::default();
        }
    }

    /// Whether it is about a group, by its place.
    pub fn is_about(&self, group: usize) -> bool {
        self.about.as_ref().is_some_and(|(about, _)| *about == group)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::examples;

    #[test]
    fn numbers_stay_when_the_consistency_is_switched_and_go_when_the_drawing_changes() {
        let scenario = examples::find("oversold").expect("an example").scenario();
        let mut measurement = Measurement::default();
        assert_eq!(measurement.begin(&scenario, 0), Request::Query(Query::Measure { group: 0, seed: 1 }));
        let next = measurement.receive(1, Packed::of(&1u32));
        assert_eq!(next, Some(Request::Query(Query::Measure { group: 0, seed: 2 })));
        measurement.follow(&scenario.under(0, Consistency::Strong));
        assert!(measurement.is_about(0) && measurement.seeds == 1);
        assert_eq!(measurement.receive(SEEDS, Packed::default()), None);
        measurement.follow(&Scenario { until_ms: 1.0, ..scenario });
        assert!(!measurement.is_about(0) && measurement.next().is_none());
    }
}
