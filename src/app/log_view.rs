//! The rows of the log that the page has fetched.

use crate::session::protocol::{LogRow, Query, Request};
use std::collections::VecDeque;
use std::rc::Rc;

/// Rows of one request.
const CHUNK: u32 = 500;
/// Rows kept at most; beyond, the oldest go.
const MOST: usize = 20_000;
/// Rows before the newest that are fetched when the log is opened.
const BEFORE: u64 = 2_000;
/// Distance between two requests, ms of true time.
const DISTANCE: f64 = 200.0;

/// Rows of the log.
#[derive(Clone, Debug, Default)]
pub struct LogView {
    /// It is on the page.
    pub open: bool,
    /// What rows must contain.
    pub filter: Rc<str>,
    rows: VecDeque<Rc<LogRow>>,
    shown: Rc<Vec<Rc<LogRow>>>,
    oldest: u64,
    asked: bool,
    last: f64,
}

impl LogView {
    /// The rows that the filter lets through, oldest first.
    pub fn shown(&self) -> Rc<Vec<Rc<LogRow>>> {
        self.shown.clone()
    }

    /// Whether the run has older rows than those here.
    pub fn has_older(&self) -> bool {
        self.rows.front().is_some_and(|row| row.index > self.oldest)
    }

    /// Whether the run has newer rows than those here.
    pub fn is_behind(&self, records: u64) -> bool {
        self.rows.back().map_or(0, |row| row.index + 1) < records
    }

    /// The request that brings the newest rows, if it is time for one.
    pub fn next_request(&mut self, records: u64, wall: f64) -> Option<Request> {
        if !self.open || self.asked || !self.is_behind(records) || wall - self.last < DISTANCE {
            return None;
        }
        self.last = wall;
        self.asked = true;
        let from = match self.rows.back() {
            Some(row) if records - row.index <= BEFORE => row.index + 1,
            Some(_) | None => {
                self.rows.clear();
                records.saturating_sub(BEFORE)
            }
        };
        Some(Request::Query(Query::Log { from, count: CHUNK }))
    }

    /// The request that brings older rows.
    pub fn request_older(&mut self) -> Option<Request> {
        let first = self.rows.front()?.index;
        if self.asked || first <= self.oldest {
            return None;
        }
        self.asked = true;
        let from = first.saturating_sub(u64::from(CHUNK)).max(self.oldest);
        Some(Request::Query(Query::Log { from, count: (first - from) as u32 }))
    }

    /// Takes rows in.
    pub fn receive(&mut self, from: u64, oldest: u64, rows: Vec<LogRow>) {
        self.asked = false;
        self.oldest = oldest;
        let newer = self.rows.back().is_none_or(|row| from > row.index);
        if newer {
            self.rows.extend(rows.into_iter().map(Rc::new));
        } else {
            for row in rows.into_iter().rev() {
                self.rows.push_front(Rc::new(row));
            }
        }
        while self.rows.len() > MOST {
            self.rows.pop_front();
        }
        self.apply_filter();
    }

    /// Lets through only rows that contain this.
    pub fn set_filter(&mut self, filter: String) {
        self.filter = filter.into();
        self.apply_filter();
    }

    /// What was asked will not be answered; it may be asked again.
    pub fn cancel_request(&mut self) {
        self.asked = false;
    }

    /// The run is another now.
    pub fn reset(&mut self) {
        self.rows.clear();
        self.asked = false;
        self.last = 0.0;
        self.apply_filter();
    }

    /// Case counts for nothing among the letters A to Z; the tables of all others would weigh 20 KB on the page.
    fn apply_filter(&mut self) {
        let wanted = self.filter.trim().to_ascii_lowercase();
        let passes = |row: &&Rc<LogRow>| {
            wanted.is_empty() || row.text.to_ascii_lowercase().contains(&wanted) || row.name.contains(&wanted)
        };
        self.shown = Rc::new(self.rows.iter().filter(passes).cloned().collect());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(range: std::ops::Range<u64>) -> Vec<LogRow> {
        range
            .map(|index| LogRow {
                index,
                at: index,
                name: "message_sent".into(),
                text: format!("row {index}"),
                update: None,
                nodes: Vec::new(),
            })
            .collect()
    }

    #[test]
    fn log_fetches_the_newest_rows_and_older_ones_on_demand() {
        let mut log = LogView { open: true, ..LogView::default() };
        assert_eq!(log.next_request(3000, 1000.0), Some(Request::Query(Query::Log { from: 1000, count: 500 })));
        assert_eq!(log.next_request(3000, 9000.0), None, "one request at a time");
        log.receive(1000, 0, rows(1000..1500));
        assert_eq!(log.next_request(3000, 1100.0), None, "not too often");
        assert_eq!(log.next_request(3000, 9000.0), Some(Request::Query(Query::Log { from: 1500, count: 500 })));
        log.receive(1500, 0, rows(1500..2000));
        assert_eq!(log.request_older(), Some(Request::Query(Query::Log { from: 500, count: 500 })));
        log.receive(500, 0, rows(500..1000));
        assert_eq!(log.shown().len(), 1500);
        assert!(log.shown().windows(2).all(|pair| pair[0].index + 1 == pair[1].index));
    }

    #[test]
    fn filter_shows_only_rows_that_contain_it() {
        let mut log = LogView { open: true, ..LogView::default() };
        log.receive(0, 0, rows(0..30));
        log.set_filter("Row 2".into());
        assert_eq!(log.shown().len(), 11);
    }
}
