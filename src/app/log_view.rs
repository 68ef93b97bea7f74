//! The rows of the log that the page has loaded.

use crate::session::protocol::{LogRow, Query, Request};
use std::collections::VecDeque;
use std::rc::Rc;

/// Number of rows in one request.
const CHUNK: u32 = 500;
/// The maximum number of loaded rows. Beyond it, the oldest are discarded.
const MAX_ROWS: usize = 20_000;
/// Number of rows before the newest one that are loaded when the log is opened.
const INITIAL_ROWS: u64 = 2_000;
/// The height of the rows in the document above and below the visible ones, px.
const SPARE: f64 = 400.0;
/// Least time between two requests, ms of real time.
const INTERVAL: f64 = 200.0;

/// Height of a row of one line, and of each further line, px at the default size of the font.
pub const ROW: f64 = 24.0;
const LINE: f64 = 16.0;

/// Returns the estimated height of a row, from the number of characters of its text and of a line (`per_line`).
fn row_height(characters: usize, per_line: f64) -> f64 {
    let lines = (characters as f64 / per_line.max(1.0)).ceil().max(1.0);
    ROW + (lines - 1.0) * LINE
}

/// The rows that are in the document, and the height of the space above and below them, px.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct VisibleRows {
    /// The first row.
    pub from: usize,
    /// The row after the last one.
    pub to: usize,
    /// The height of the rows above, estimated from the lengths of their texts.
    pub above: f64,
    /// The height of the rows below.
    pub below: f64,
}

/// Returns the rows around the visible part of the list, with a spare part on both sides.
pub fn visible_rows(rows: &[Rc<LogRow>], top: f64, height: f64, per_line: f64) -> VisibleRows {
    let (first, last) = (top - SPARE, top + height + SPARE);
    let mut visible = VisibleRows::default();
    let mut at = 0.0;
    for (index, row) in rows.iter().enumerate() {
        let tall = row_height(row.text.len(), per_line);
        if at + tall < first {
            (visible.from, visible.above) = (index + 1, at + tall);
        }
        if at <= last {
            visible.to = index + 1;
        } else {
            visible.below += tall;
        }
        at += tall;
    }
    // A list that is scrolled beyond its estimated end shows its last rows.
    visible.from = visible.from.min(visible.to);
    visible
}

/// The loaded rows and the filter.
#[derive(Clone, Debug, Default)]
pub struct LogView {
    /// Whether the log is open.
    pub open: bool,
    /// The text that shown rows contain.
    pub filter: Rc<str>,
    rows: VecDeque<Rc<LogRow>>,
    shown: Rc<Vec<Rc<LogRow>>>,
    /// The index of the oldest row that the engine still has.
    oldest: u64,
    /// Whether a request is pending.
    waiting: bool,
    /// When the last request for new rows was made, ms of real time.
    last: f64,
}

impl LogView {
    /// Returns the rows that match the filter, oldest first.
    pub fn shown(&self) -> Rc<Vec<Rc<LogRow>>> {
        self.shown.clone()
    }

    /// Returns whether the engine has older rows than the loaded ones.
    pub fn has_older(&self) -> bool {
        self.rows.front().is_some_and(|row| row.index > self.oldest)
    }

    /// Returns whether the engine has newer rows than the loaded ones.
    pub fn is_behind(&self, records: u64) -> bool {
        self.rows.back().map_or(0, |row| row.index + 1) < records
    }

    /// Returns the request for newer rows, if it is time for one.
    pub fn next_request(&mut self, records: u64, wall: f64) -> Option<Request> {
        if !self.open || self.waiting || !self.is_behind(records) || wall - self.last < INTERVAL {
            return None;
        }
        self.last = wall;
        self.waiting = true;
        let from = match self.rows.back() {
            Some(row) if records - row.index <= INITIAL_ROWS => row.index + 1,
            Some(_) | None => {
                self.rows.clear();
                records.saturating_sub(INITIAL_ROWS)
            }
        };
        Some(Request::Query(Query::Log { from, count: CHUNK }))
    }

    /// Returns the request for older rows, if there are any.
    pub fn request_older(&mut self) -> Option<Request> {
        let first = self.rows.front()?.index;
        if self.waiting || first <= self.oldest {
            return None;
        }
        self.waiting = true;
        let from = first.saturating_sub(u64::from(CHUNK)).max(self.oldest);
        Some(Request::Query(Query::Log { from, count: (first - from) as u32 }))
    }

    /// Stores the rows that were asked for. `oldest` is the index of the oldest row that the engine has.
    pub fn receive(&mut self, from: u64, oldest: u64, rows: Vec<LogRow>) {
        self.waiting = false;
        self.oldest = oldest;
        let newer = self.rows.back().is_none_or(|row| from > row.index);
        if newer {
            self.rows.extend(rows.into_iter().map(Rc::new));
        } else {
            for row in rows.into_iter().rev() {
                self.rows.push_front(Rc::new(row));
            }
        }
        while self.rows.len() > MAX_ROWS {
            self.rows.pop_front();
        }
        self.apply_filter();
    }

    /// Shows only rows that contain this text.
    pub fn set_filter(&mut self, filter: String) {
        self.filter = filter.into();
        self.apply_filter();
    }

    /// Gives up the pending request.
    pub fn cancel_request(&mut self) {
        self.waiting = false;
    }

    /// Discards all rows, because the run is at another time.
    pub fn reset(&mut self) {
        self.rows.clear();
        self.waiting = false;
        self.last = 0.0;
        self.apply_filter();
    }

    /// Compares ASCII letters without case. Unicode case tables would add 20 KB to the page.
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
    fn long_rows_take_more_lines_and_the_whole_list_keeps_its_height() {
        let mut all = rows(0..1000);
        for row in all.iter_mut().step_by(3) {
            row.text = "a long sentence ".repeat(6);
        }
        let rows: Vec<Rc<LogRow>> = all.into_iter().map(Rc::new).collect();
        let whole: f64 = rows.iter().map(|row| row_height(row.text.len(), 30.0)).sum();
        for top in [0.0, 5000.0, whole - 600.0, whole * 2.0] {
            let VisibleRows { from, to, above, below } = visible_rows(&rows, top, 600.0, 30.0);
            let shown: f64 = rows[from..to].iter().map(|row| row_height(row.text.len(), 30.0)).sum();
            assert!((above + shown + below - whole).abs() < 1e-6, "{top}");
            assert!(to - from < 80 && above <= top && (to == rows.len() || above + shown >= top + 600.0), "{top}");
        }
        assert_eq!(visible_rows(&[], 0.0, 600.0, 30.0), VisibleRows::default());
    }

    #[test]
    fn the_log_loads_the_newest_rows_and_older_ones_on_demand() {
        let mut log = LogView { open: true, ..LogView::default() };
        assert_eq!(log.next_request(3000, 1000.0), Some(Request::Query(Query::Log { from: 1000, count: 500 })));
        assert_eq!(log.next_request(3000, 9000.0), None, "a request is pending");
        log.receive(1000, 0, rows(1000..1500));
        assert_eq!(log.next_request(3000, 1100.0), None, "too soon");
        assert_eq!(log.next_request(3000, 9000.0), Some(Request::Query(Query::Log { from: 1500, count: 500 })));
        log.receive(1500, 0, rows(1500..2000));
        assert_eq!(log.request_older(), Some(Request::Query(Query::Log { from: 500, count: 500 })));
        log.receive(500, 0, rows(500..1000));
        assert_eq!(log.shown().len(), 1500);
        assert!(log.shown().windows(2).all(|pair| pair[0].index + 1 == pair[1].index));
    }

    #[test]
    fn the_filter_shows_only_rows_that_contain_it() {
        let mut log = LogView { open: true, ..LogView::default() };
        log.receive(0, 0, rows(0..30));
        log.set_filter("Row 2".into());
        assert_eq!(log.shown().len(), 11);
    }
}
