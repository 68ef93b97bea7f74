//! The events of the run for the host page: which are received, and which are asked for next.

use crate::session::protocol::{HostEvent, Query, Request};

/// Least time between two requests, ms of real time.
const INTERVAL: f64 = 50.0;

/// The events for the host page.
#[derive(Clone, Debug, Default)]
pub struct HostFeed {
    /// Whether the host page listens to events of the run.
    pub wanted: bool,
    /// The events that were received and not yet posted, oldest first.
    received: Vec<HostEvent>,
    /// The index of the next record; absent until the run is known.
    next: Option<u64>,
    waiting: bool,
    last: f64,
}

impl HostFeed {
    /// Begins at a record: the run is at another time, and what happened before was reported or is not news.
    pub fn restart(&mut self, records: u64) {
        (self.next, self.waiting) = (Some(records), false);
        self.received.clear();
    }

    /// Returns whether there are events that were not asked for.
    pub fn is_behind(&self, records: u64) -> bool {
        self.wanted && self.next.is_some_and(|next| next < records)
    }

    /// Returns the request for the next events, if it is time for one.
    pub fn next_request(&mut self, records: u64, wall: f64) -> Option<Request> {
        if !self.wanted {
            self.next = Some(records);
        }
        if self.waiting || !self.is_behind(records) || wall - self.last < INTERVAL {
            return None;
        }
        (self.waiting, self.last) = (true, wall);
        Some(Request::Query(Query::HostEvents { from: self.next.unwrap_or(records) }))
    }

    /// Stores the events that were asked for.
    pub fn receive(&mut self, next: u64, events: Vec<HostEvent>) {
        (self.waiting, self.next) = (false, Some(next));
        self.received.extend(events);
    }

    /// Gives up the pending request.
    pub fn cancel_request(&mut self) {
        self.waiting = false;
    }

    /// Returns whether all events up to the present were received and posted.
    pub fn is_done(&self, records: u64) -> bool {
        !self.is_behind(records) && !self.waiting && self.received.is_empty()
    }

    /// Returns the events that were received since the last call.
    pub fn take(&mut self) -> Vec<HostEvent> {
        std::mem::take(&mut self.received)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_before_the_embedding_page_listens_are_not_asked_for() {
        let mut feed = HostFeed::default();
        assert_eq!(feed.next_request(40, 1000.0), None);
        feed.wanted = true;
        assert_eq!(feed.next_request(40, 2000.0), None);
        assert_eq!(feed.next_request(45, 3000.0), Some(Request::Query(Query::HostEvents { from: 40 })));
        assert_eq!(feed.next_request(50, 4000.0), None, "one request at a time");
        feed.receive(45, Vec::new());
        assert_eq!(feed.next_request(50, 5000.0), Some(Request::Query(Query::HostEvents { from: 45 })));
    }

    #[test]
    fn after_a_jump_in_time_only_what_follows_is_reported() {
        let mut feed = HostFeed { wanted: true, ..HostFeed::default() };
        feed.restart(10);
        assert!(!feed.is_behind(10));
        feed.restart(100);
        assert_eq!(feed.next_request(101, 1000.0), Some(Request::Query(Query::HostEvents { from: 100 })));
    }
}
