//! The publication of updates as events: directly before or after the commit, or through an outbox or the store's log, whose
//! relay publishes at least once.
//!
//! The relay of a log sends a numbered stream, of which the bus accepts no entry before its predecessor. After a missing
//! acknowledgement it starts a new stream with the entry and all later ones; after a restart, with the first entry after the
//! position that it flushed last.

use super::context::Context;
use super::message::{About, LinkId, Payload, Publication, StreamPosition, Update};
use super::numbering::next_number;
use super::queue::Timer;
use crate::scenario::{Acks, Micros};
use crate::trace::{Fact, NodeId};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// How long a relay waits for an acknowledgement if the scenario does not specify it, µs.
const RELAY_TIMEOUT: Micros = 1_000_000;

/// When an event is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// This long after the commit.
    After(Micros),
    /// This long before the commit.
    Before(Micros),
    /// A relay, which polls the rows of an outbox or the entries of a log.
    Relay {
        /// The interval between polls.
        interval: Micros,
        /// The maximum number of rows of a poll.
        batch: u32,
        /// The interval at which the relay of a log, which keeps the order of the commits, flushes its position; 0 for at once.
        log: Option<Micros>,
    },
}

/// The configuration of a publisher.
#[derive(Clone, Debug)]
pub struct Publisher {
    /// The link to the bus.
    pub link: LinkId,
    /// The bus.
    pub bus: NodeId,
    /// The topic.
    pub topic: u32,
    /// When it publishes.
    pub mode: Mode,
    /// The condition for the acknowledgement of the bus.
    pub acks: Acks,
    /// The applied events that it publishes too.
    pub forward: Option<ForwardConfig>,
    /// The timeout of an acknowledgement, and the maximum number of attempts; no retries if none.
    pub retry: Option<(Micros, u32)>,
}

/// The applied events that a publisher publishes, and the updates as which it publishes them.
#[derive(Clone, Debug)]
pub struct ForwardConfig {
    /// The bus whose events it publishes; all if none.
    pub from: Option<NodeId>,
    /// Whether the same update is published, rather than a separate one of the service.
    pub same: bool,
    /// The key of the separate update; the event's key if none.
    pub key: Option<Arc<str>>,
    /// The factor and the summand by which a number is changed.
    pub change: (i64, i64),
}

/// A row of an outbox, or an entry of a log after the flushed position.
#[derive(Clone, Debug)]
struct Row {
    update: Arc<Update>,
    /// Its last publication.
    publication: Option<u32>,
    attempts: u32,
    /// Whether the bus has acknowledged it. Only entries of a log remain after that, until the position is flushed.
    acknowledged: bool,
}

/// The stream of a log's relay.
#[derive(Clone, Copy, Debug, Default)]
struct Stream {
    /// The number of the stream.
    stream: u32,
    /// The number of the next entry in it.
    next: u32,
    /// Whether the timer of the next flush of the position is set.
    has_flush_timer: bool,
}

impl Stream {
    /// Starts a new stream.
    fn restart(&mut self) {
        (self.stream, self.next) = (self.stream + 1, 0);
    }
}

/// A direct publication that the bus has not acknowledged.
#[derive(Clone, Debug)]
struct UnacknowledgedPublication {
    publisher: usize,
    update: Arc<Update>,
    attempts: u32,
}

/// The publishers of a service or of a member. Rows are durable; the rest is lost in a crash.
#[derive(Clone, Debug)]
pub struct Publishing {
    node: NodeId,
    publishers: Vec<Publisher>,
    /// The rows of each publisher's outbox, or the entries of its log after the flushed position.
    rows: Vec<VecDeque<Row>>,
    /// The timer of the next poll of each publisher's relay.
    polls: Vec<Option<u32>>,
    /// The stream of each publisher's relay.
    streams: Vec<Stream>,
    /// Events whose gap after the commit has not elapsed, by number: the publisher and the update.
    delayed: BTreeMap<u32, (usize, Arc<Update>)>,
    unacknowledged: BTreeMap<u32, UnacknowledgedPublication>,
    /// The next number of a publication, a poll or a delay.
    next: u32,
}

impl Publishing {
    /// Returns publishers that have published nothing.
    pub fn new(node: NodeId, publishers: Vec<Publisher>) -> Self {
        let (rows, polls) = (vec![VecDeque::new(); publishers.len()], vec![None; publishers.len()]);
        let streams = vec![Stream::default(); publishers.len()];
        let (delayed, unacknowledged) = (BTreeMap::new(), BTreeMap::new());
        Publishing { node, publishers, rows, polls, streams, delayed, unacknowledged, next: 0 }
    }

    /// Panics if an invariant is broken. Called after each event, in debug builds.
    pub fn assert_invariants(&self) {
        let publishers = self.publishers.len();
        let lengths = [self.rows.len(), self.polls.len(), self.streams.len()];
        assert!(lengths == [publishers; 3], "each publisher has rows, a poll and a stream: {lengths:?}");
        let newest = self.unacknowledged.last_key_value().map(|(number, _)| *number);
        assert!(newest.is_none_or(|number| number < self.next), "numbers of publications are never reused");
    }

    fn next_number(&mut self) -> u32 {
        next_number(&mut self.next)
    }

    /// Publishes the events of the mode `before_commit`, and returns how long the commit waits; none if nothing was published.
    pub fn before_commit(&mut self, now: Micros, update: &Arc<Update>, ctx: &mut Context) -> Option<Micros> {
        ctx.assert_handler(self.node, now);
        let mut gap = None;
        for index in 0..self.publishers.len() {
            if let Mode::Before(wait) = self.publishers[index].mode {
                if gap.is_none() {
                    let Update { id, key, ref value, version, .. } = **update;
                    let value = value.clone();
                    ctx.record(Fact::UpdateProposed { update: id, node: self.node, key, version, value });
                }
                gap = Some(gap.unwrap_or(0).max(wait));
                self.publish(now, index, update.clone(), ctx);
            }
        }
        gap
    }

    /// Publishes a committed update, now or later.
    pub fn on_commit(&mut self, now: Micros, update: &Arc<Update>, ctx: &mut Context) {
        self.on_commit_where(now, update, |_, _| true, ctx);
    }

    /// Returns the publishers that publish the applied events of a bus, by index.
    pub fn forwarders(&self, bus: NodeId) -> Vec<(usize, ForwardConfig)> {
        let accepts = |forward: &ForwardConfig| forward.from.is_none_or(|from| from == bus);
        let publishers = self.publishers.iter().enumerate();
        publishers.filter_map(|(index, publisher)| Some((index, publisher.forward.clone().filter(accepts)?))).collect()
    }

    /// Publishes an update at one publisher.
    pub fn forward(&mut self, now: Micros, publisher: usize, update: &Arc<Update>, ctx: &mut Context) {
        debug_assert!(self.publishers[publisher].forward.is_some(), "the publisher forwards events");
        self.on_commit_where(now, update, |index, _| index == publisher, ctx);
    }

    /// Publishes an update that a group has acknowledged, without a relay; called at the member that coordinated it.
    pub fn on_acknowledged(&mut self, now: Micros, update: &Arc<Update>, ctx: &mut Context) {
        self.on_commit_where(now, update, |_, mode| !matches!(mode, Mode::Relay { .. }), ctx);
    }

    /// Adds an update to the rows of the relays; called at each member that stores it.
    pub fn on_stored(&mut self, now: Micros, update: &Arc<Update>, ctx: &mut Context) {
        self.on_commit_where(now, update, |_, mode| matches!(mode, Mode::Relay { .. }), ctx);
    }

    /// Returns whether any publisher publishes without a relay, and whether any uses one.
    pub fn modes(&self) -> (bool, bool) {
        let relays = self.publishers.iter().filter(|publisher| matches!(publisher.mode, Mode::Relay { .. })).count();
        (relays < self.publishers.len(), relays > 0)
    }

    fn on_commit_where(
        &mut self,
        now: Micros,
        update: &Arc<Update>,
        selects: impl Fn(usize, Mode) -> bool,
        ctx: &mut Context,
    ) {
        debug_assert!(self.rows.len() == self.publishers.len(), "each publisher has its rows");
        for index in 0..self.publishers.len() {
            match self.publishers[index].mode {
                mode if !selects(index, mode) => {}
                Mode::Before(_) => {}
                Mode::After(0) => self.publish(now, index, update.clone(), ctx),
                Mode::After(gap) => {
                    let number = self.next_number();
                    let previous = self.delayed.insert(number, (index, update.clone()));
                    debug_assert!(previous.is_none(), "numbers of delays are not reused");
                    ctx.wake(now + gap, Timer::PublishDue(number));
                }
                Mode::Relay { .. } => {
                    let bus = self.publishers[index].bus;
                    ctx.record(Fact::OutboxRowWritten { node: self.node, bus, update: update.id });
                    let row = Row { update: update.clone(), publication: None, attempts: 0, acknowledged: false };
                    self.rows[index].push_back(row);
                    self.schedule_poll(now, index, ctx);
                }
            }
        }
    }

    /// Sets the timer of a relay's next poll, at a multiple of its interval, if any row is unpublished.
    fn schedule_poll(&mut self, now: Micros, index: usize, ctx: &mut Context) {
        let Mode::Relay { interval, .. } = self.publishers[index].mode else { return };
        debug_assert!(interval > 0, "a relay polls at an interval");
        let has_unpublished = self.rows[index].iter().any(|row| row.publication.is_none());
        if has_unpublished && self.polls[index].is_none() {
            let number = self.next_number();
            self.polls[index] = Some(number);
            ctx.wake((now / interval + 1) * interval, Timer::RelayPoll(number));
        }
        debug_assert!(self.polls[index].is_some() || !has_unpublished, "unpublished rows are polled");
    }

    /// Handles the poll of a relay.
    pub fn on_poll(&mut self, now: Micros, number: u32, ctx: &mut Context) {
        debug_assert!(number < self.next, "the timer was set by this node");
        let Some(index) = self.polls.iter().position(|poll| *poll == Some(number)) else { return };
        self.polls[index] = None;
        let Mode::Relay { batch, log, .. } = self.publishers[index].mode else { return };
        let timeout = self.publishers[index].retry.map_or(RELAY_TIMEOUT, |(timeout, _)| timeout);
        debug_assert!(batch > 0, "a poll publishes rows");
        let mut capacity = batch;
        for position in 0..self.rows[index].len() {
            if capacity == 0 {
                break;
            }
            if self.rows[index][position].publication.is_some() {
                continue;
            }
            capacity -= 1;
            let number = self.next_number();
            let row = &mut self.rows[index][position];
            row.publication = Some(number);
            row.attempts += 1;
            let stream_position = log.map(|_| {
                let Stream { stream, next, .. } = self.streams[index];
                self.streams[index].next += 1;
                StreamPosition { publisher: self.node, stream, number: next }
            });
            send(&self.publishers[index], Some(number), stream_position, &row.update, row.attempts, ctx);
            ctx.wake(now + timeout, Timer::PublishTimeout(number));
        }
        self.schedule_poll(now, index, ctx);
    }

    /// Publishes an event whose gap after the commit has elapsed.
    pub fn on_due(&mut self, now: Micros, number: u32, ctx: &mut Context) {
        debug_assert!(now == ctx.now, "a timer is handled when it expires");
        debug_assert!(number < self.next, "the timer was set by this node");
        if let Some((index, update)) = self.delayed.remove(&number) {
            self.publish(now, index, update, ctx);
        }
    }

    fn publish(&mut self, now: Micros, index: usize, update: Arc<Update>, ctx: &mut Context) {
        ctx.assert_handler(self.node, now);
        let awaited = self.publishers[index].retry.map(|(timeout, _)| {
            let number = self.next_number();
            ctx.wake(now + timeout, Timer::PublishTimeout(number));
            number
        });
        send(&self.publishers[index], awaited, None, &update, 1, ctx);
        if let Some(number) = awaited {
            let previous =
                self.unacknowledged.insert(number, UnacknowledgedPublication { publisher: index, update, attempts: 1 });
            debug_assert!(previous.is_none(), "numbers of publications are unique");
        }
    }

    /// Handles the acknowledgement of a publication.
    pub fn on_published(&mut self, now: Micros, number: u32, ctx: &mut Context) {
        debug_assert!(self.rows.len() == self.publishers.len(), "each publisher has its rows");
        debug_assert!(number < self.next, "the bus acknowledges publications of this node");
        self.unacknowledged.remove(&number);
        for index in 0..self.rows.len() {
            let is_published = |row: &Row| row.publication == Some(number) && !row.acknowledged;
            let Some(at) = self.rows[index].iter().position(is_published) else { continue };
            let bus = self.publishers[index].bus;
            let mut record_published = |row: &Row| {
                ctx.record(Fact::OutboxRowPublished { node: self.node, bus, update: row.update.id });
            };
            if matches!(self.publishers[index].mode, Mode::Relay { log: Some(_), .. }) {
                // The bus accepts a stream in order, so it has all earlier entries too.
                for row in self.rows[index].range_mut(..=at).filter(|row| !row.acknowledged) {
                    row.acknowledged = true;
                    record_published(row);
                }
                self.schedule_flush(now, index, ctx);
            } else if let Some(row) = self.rows[index].remove(at) {
                record_published(&row);
            }
        }
    }

    /// Flushes the position of a relay after the acknowledged entries, at once or at a multiple of the interval.
    fn schedule_flush(&mut self, now: Micros, index: usize, ctx: &mut Context) {
        let is_acknowledged = |row: &Row| row.acknowledged;
        debug_assert!(self.rows[index].front().is_some_and(is_acknowledged), "an acknowledged entry is to be flushed");
        match self.publishers[index].mode {
            Mode::Relay { log: Some(0), .. } => self.flush_position(index as u32),
            Mode::Relay { log: Some(interval), .. } if !self.streams[index].has_flush_timer => {
                self.streams[index].has_flush_timer = true;
                ctx.wake((now / interval + 1) * interval, Timer::PositionFlush(index as u32));
            }
            Mode::Relay { .. } | Mode::After(_) | Mode::Before(_) => {}
        }
        let is_flushed = !self.rows[index].front().is_some_and(is_acknowledged);
        debug_assert!(
            is_flushed || self.streams[index].has_flush_timer,
            "acknowledged entries are flushed now or later"
        );
    }

    /// Makes the position of a relay durable: a restart continues after the acknowledged entries.
    pub fn flush_position(&mut self, publisher: u32) {
        let index = publisher as usize;
        let is_log = |publisher: &Publisher| matches!(publisher.mode, Mode::Relay { log: Some(_), .. });
        debug_assert!(self.publishers.get(index).is_some_and(is_log), "the relay of a log has a position");
        debug_assert!(index < self.publishers.len(), "a timer names a publisher");
        self.streams[index].has_flush_timer = false;
        while self.rows[index].front().is_some_and(|row| row.acknowledged) {
            self.rows[index].pop_front();
        }
    }

    /// Handles the timeout of an acknowledgement.
    pub fn on_timeout(&mut self, now: Micros, number: u32, ctx: &mut Context) {
        debug_assert!(number < self.next, "the timer was set by this node");
        if let Some(event) = self.unacknowledged.get_mut(&number) {
            let publisher = &self.publishers[event.publisher];
            let Some((timeout, attempts)) = publisher.retry else { return };
            if event.attempts >= attempts {
                let update = event.update.id;
                ctx.record(Fact::PublishAbandoned { node: self.node, bus: publisher.bus, update });
                self.unacknowledged.remove(&number);
                return;
            }
            event.attempts += 1;
            send(publisher, Some(number), None, &event.update, event.attempts, ctx);
            ctx.wake(now + timeout, Timer::PublishTimeout(number));
            return;
        }
        for index in 0..self.rows.len() {
            let is_unpublished = |row: &Row| row.publication == Some(number) && !row.acknowledged;
            let Some(at) = self.rows[index].iter().position(is_unpublished) else { continue };
            let is_log = matches!(self.publishers[index].mode, Mode::Relay { log: Some(_), .. });
            let end = if is_log { self.rows[index].len() } else { at + 1 };
            for row in self.rows[index].range_mut(at..end) {
                debug_assert!(!row.acknowledged, "entries are acknowledged in order");
                row.publication = None;
            }
            if is_log {
                self.streams[index].restart();
            }
            self.schedule_poll(now, index, ctx);
        }
    }

    /// Loses delayed and unacknowledged publications, and the position of a log's relay since its last flush; rows are lost only
    /// with the disk.
    pub fn crash(&mut self, lose_disk: bool, ctx: &mut Context) {
        debug_assert!(ctx.node == self.node, "a node loses its own publications");
        debug_assert!(self.rows.len() == self.publishers.len(), "each publisher has its rows");
        self.unacknowledged.clear();
        self.polls.fill(None);
        for (_, (index, update)) in std::mem::take(&mut self.delayed) {
            let bus = self.publishers[index].bus;
            ctx.record(Fact::PublicationLost { node: self.node, bus, update: update.id });
        }
        self.streams.iter_mut().for_each(Stream::restart);
        for (publisher, rows) in self.publishers.iter().zip(&mut self.rows) {
            let (node, bus) = (self.node, publisher.bus);
            for row in rows.iter_mut() {
                row.publication = None;
                let (update, acknowledged) = (row.update.id, std::mem::take(&mut row.acknowledged));
                match (lose_disk, acknowledged) {
                    (true, false) => ctx.record(Fact::PublicationLost { node, bus, update }),
                    (false, true) => ctx.record(Fact::PositionLost { node, bus, update }),
                    (true, true) | (false, false) => {}
                }
            }
            if lose_disk {
                rows.clear();
            }
        }
    }

    /// Sets the timers of the relays after a restart of the node.
    pub fn restart(&mut self, now: Micros, ctx: &mut Context) {
        ctx.assert_handler(self.node, now);
        for index in 0..self.publishers.len() {
            self.schedule_poll(now, index, ctx);
        }
    }
}

fn send(
    publisher: &Publisher,
    awaited: Option<u32>,
    position: Option<StreamPosition>,
    update: &Arc<Update>,
    attempt: u32,
    ctx: &mut Context,
) {
    let about = About { update: Some(update.id), operation: None, attempt };
    let (topic, acks, update) = (publisher.topic, publisher.acks, update.clone());
    let publication = Publication { topic, awaited, acks, position, update };
    ctx.send(publisher.link, Payload::Publish(Arc::new(publication)), about);
}
