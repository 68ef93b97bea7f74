//! The measurement of a group under each consistency level, seed by seed.

use crate::scenario::{Consistency, Scenario};
use crate::session::measurement::SEEDS;
use crate::session::protocol::{MeasurementRow, Query, Request};
use std::rc::Rc;

/// A measurement in progress or finished.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measurement {
    /// The group's index, and the drawing with this group set to eventual consistency, so that switching the level does not
    /// end the measurement.
    about: Option<(usize, Scenario)>,
    /// The number of measured seeds.
    pub seeds: u64,
    /// The results: one row for each consistency.
    pub rows: Rc<Vec<MeasurementRow>>,
}

impl Measurement {
    /// Starts a new measurement and returns its first request.
    pub fn begin(&mut self, scenario: &Scenario, group: usize) -> Request {
        *self = Measurement {
            about: Some((group, scenario.with_consistency(group, Consistency::Eventual))),
            ..Measurement::default()
        };
        Request::Query(Query::Measure { group: group as u32, seed: 1 })
    }

    /// Stores the results with one more seed and returns the next request.
    pub fn receive(&mut self, seed: u64, rows: Vec<MeasurementRow>) -> Option<Request> {
        (self.seeds, self.rows) = (seed, Rc::new(rows));
        self.next()
    }

    /// Returns the next request, until all seeds are measured.
    pub fn next(&self) -> Option<Request> {
        let (group, _) = self.about.as_ref().filter(|_| self.seeds < SEEDS)?;
        Some(Request::Query(Query::Measure { group: *group as u32, seed: self.seeds + 1 }))
    }

    /// Discards the measurement if the drawing has changed in more than the consistency level.
    pub fn follow(&mut self, scenario: &Scenario) {
        let is_same =
            |(group, about): &(usize, Scenario)| scenario.with_consistency(*group, Consistency::Eventual) == *about;
        if !self.about.as_ref().is_some_and(is_same) {
            *self = Measurement::default();
        }
    }

    /// Returns whether the measurement is about this group.
    pub fn is_about(&self, group: usize) -> bool {
        self.about.as_ref().is_some_and(|(about, _)| *about == group)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::examples;

    #[test]
    fn switching_the_consistency_keeps_the_measurement_and_an_edit_discards_it() {
        let scenario = examples::find("oversold").expect("an example").scenario();
        let mut measurement = Measurement::default();
        assert_eq!(measurement.begin(&scenario, 0), Request::Query(Query::Measure { group: 0, seed: 1 }));
        let next = measurement.receive(1, Vec::new());
        assert_eq!(next, Some(Request::Query(Query::Measure { group: 0, seed: 2 })));
        measurement.follow(&scenario.with_consistency(0, Consistency::Strong));
        assert!(measurement.is_about(0) && measurement.seeds == 1);
        assert_eq!(measurement.receive(SEEDS, Vec::new()), None);
        measurement.follow(&Scenario { until_ms: 1.0, ..scenario });
        assert!(!measurement.is_about(0) && measurement.next().is_none());
    }
}
