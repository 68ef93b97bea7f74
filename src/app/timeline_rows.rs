//! The rows of the timeline: one for each service, or one for all members of a large group.

use crate::scenario::Scenario;
use std::collections::BTreeSet;

/// Groups with more members have one row until the visitor opens it.
const MAX_SEPARATE: usize = 24;
/// The height of a row, px: of few, and of more than [`FEW`], so that the canvas keeps its room.
const HEIGHTS: (f64, f64) = (22.0, 18.0);
const FEW: usize = 4;
/// The maximum height of the timeline, px, until the visitor changes it: on a wide page, and on a narrow one.
const TALLEST: (f64, f64) = (180.0, 126.0);
/// The minimum height that the visitor can choose, px.
const MIN_SIZE: f64 = 36.0;

/// A row of the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// A service, by its number.
    Service(usize),
    /// The members of a large group.
    Group {
        /// The group's id.
        id: String,
        /// Its name.
        name: String,
        /// The numbers of its members.
        members: Vec<usize>,
        /// Whether the rows of its members follow.
        is_open: bool,
    },
}

/// The rows of the timeline, from top to bottom.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TimelineRows {
    /// The rows.
    pub rows: Vec<Row>,
    /// The index of the row of each service.
    row_of_service: Vec<usize>,
    /// The height of a row, px.
    pub height: f64,
}

impl TimelineRows {
    /// Returns the rows of a scenario. `open` holds the ids of the groups whose members have rows, and `unit` the size of the
    /// visitor's font.
    pub fn new(scenario: &Scenario, open: &BTreeSet<String>, unit: f64) -> TimelineRows {
        let number = |id: &String| scenario.services.iter().position(|service| service.id == *id);
        let mut large: Vec<Row> = Vec::new();
        let mut group_of_service = vec![None; scenario.services.len()];
        for group in scenario.groups.iter().filter(|group| group.members.len() > MAX_SEPARATE) {
            let members: Vec<usize> = group.members.iter().filter_map(number).collect();
            members.iter().for_each(|member| group_of_service[*member] = Some(large.len()));
            let name = if group.name.is_empty() { &group.id } else { &group.name };
            let (id, name, is_open) = (group.id.clone(), name.clone(), open.contains(&group.id));
            large.push(Row::Group { id, name, members, is_open });
        }
        let (mut rows, mut row_of_service) = (Vec::new(), vec![0; scenario.services.len()]);
        let mut row_of_group = vec![None; large.len()];
        for (service, group) in group_of_service.into_iter().enumerate() {
            let Some(group) = group else {
                row_of_service[service] = rows.len();
                rows.push(Row::Service(service));
                continue;
            };
            let row = *row_of_group[group].get_or_insert_with(|| {
                rows.push(large[group].clone());
                rows.len() - 1
            });
            row_of_service[service] = row;
            if matches!(large[group], Row::Group { is_open: true, .. }) {
                row_of_service[service] = rows.len();
                rows.push(Row::Service(service));
            }
        }
        let height = unit * if rows.len() <= FEW { HEIGHTS.0 } else { HEIGHTS.1 };
        TimelineRows { rows, row_of_service, height }
    }

    /// Returns the index of the row of a service.
    pub fn of_service(&self, service: usize) -> Option<usize> {
        self.row_of_service.get(service).copied()
    }

    /// Returns the height of all rows, px: the marks, the services, the faults.
    pub fn full_height(&self) -> f64 {
        self.height * (self.rows.len() + 2) as f64
    }

    /// Returns the height of the visible part, px: what the visitor has chosen, or what the rows need.
    pub fn visible_height(&self, chosen: Option<f64>, narrow: bool, unit: f64) -> f64 {
        let tallest = if narrow { TALLEST.1 } else { TALLEST.0 };
        chosen.unwrap_or(tallest * unit).clamp(MIN_SIZE * unit, self.full_height().max(MIN_SIZE * unit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::examples;

    #[test]
    fn a_large_group_has_one_row_until_it_is_opened() {
        let scenario = examples::find("gossip-rumor").expect("an example").scenario();
        let closed = TimelineRows::new(&scenario, &BTreeSet::new(), 1.0);
        assert_eq!((closed.rows.len(), closed.of_service(150)), (1, Some(0)));
        let open = TimelineRows::new(&scenario, &[scenario.groups[0].id.clone()].into(), 1.0);
        assert_eq!((open.rows.len(), open.of_service(150)), (201, Some(151)));
    }

    #[test]
    fn the_height_follows_the_rows_and_the_visitor() {
        let scenario = examples::find("raft-and-quorum").expect("an example").scenario();
        let rows = TimelineRows::new(&scenario, &BTreeSet::new(), 1.0);
        assert_eq!(rows.visible_height(None, false, 1.0), rows.full_height());
        assert_eq!(rows.visible_height(Some(80.0), false, 1.0), 80.0);
        assert_eq!(rows.visible_height(Some(5.0), false, 1.0), MIN_SIZE);
        assert_eq!(rows.visible_height(Some(5_000.0), false, 1.0), rows.full_height());
    }
}
