//! The publication of updates as events: directly before or after the commit, or through an outbox or the store's log, whose
//! relay publishes at least once.

use super::context::Context;
use super::message::{About, LinkId, Payload, Publication, Update};
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
    /// By a relay that polls the rows of an outbox or the entries of a log.
    Relay {
        /// The interval between polls.
        interval: Micros,
        /// The maximum number of rows of a poll.
        batch: u32,
        /// The relay keeps the order of the commits: after a missing acknowledgement it publishes all later rows again.
        log: bool,
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
    /// What the bus must have done before it acknowledges.
    pub acks: Acks,
    /// The timeout of an acknowledgement, and the maximum number of attempts; no retries if none.
    pub retry: Option<(Micros, u32)>,
}

/// A row of an outbox, or an entry of a log, that the bus has not acknowledged.
#[derive(Clone, Debug)]
struct Row {
    update: Arc<Update>,
    /// The publication whose acknowledgement is awaited.
    publication: Option<u32>,
    attempts: u32,
}

/// A direct publication that the bus has not acknowledged.
#[derive(Clone, Debug)]
struct Unconfirmed {
    publisher: usize,
    update: Arc<Update>,
    attempts: u32,
}

/// The publishers of a service or of a member. Rows are durable; the rest is lost in a crash.
#[derive(Clone, Debug)]
pub struct Publishing {
    node: NodeId,
    publishers: Vec<Publisher>,
    /// By publisher.
    rows: Vec<VecDeque<Row>>,
    /// By publisher: the timer of its relay's next poll.
    polls: Vec<Option<u32>>,
    /// Events whose gap after the commit runs.
    delayed: BTreeMap<u32, (usize, Arc<Update>)>,
    unconfirmed: BTreeMap<u32, Unconfirmed>,
    next: u32,
}

impl Publishing {
    /// Returns publishers that have published nothing.
    pub fn new(node: NodeId, publishers: Vec<Publisher>) -> Self {
        let (rows, polls) = (vec![VecDeque::new(); publishers.len()], vec![None; publishers.len()]);
        Publishing { node, publishers, rows, polls, delayed: BTreeMap::new(), unconfirmed: BTreeMap::new(), next: 0 }
    }

    fn next_number(&mut self) -> u32 {
        self.next += 1;
        self.next - 1
    }

    /// Publishes what is published before the commit, and returns how long the commit waits; none if nothing was published.
    pub fn before_commit(&mut self, now: Micros, update: &Arc<Update>, ctx: &mut Context) -> Option<Micros> {
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
        self.on_commit_where(now, update, |_| true, ctx);
    }

    /// Publishes an update that a group has acknowledged, without a relay; called at the member that coordinated it.
    pub fn on_acknowledged(&mut self, now: Micros, update: &Arc<Update>, ctx: &mut Context) {
        self.on_commit_where(now, update, |mode| !matches!(mode, Mode::Relay { .. }), ctx);
    }

    /// Adds an update to the rows of the relays; called at each member that stores it.
    pub fn on_stored(&mut self, now: Micros, update: &Arc<Update>, ctx: &mut Context) {
        self.on_commit_where(now, update, |mode| matches!(mode, Mode::Relay { .. }), ctx);
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
        selects: impl Fn(Mode) -> bool,
        ctx: &mut Context,
    ) {
        for index in 0..self.publishers.len() {
            match self.publishers[index].mode {
                mode if !selects(mode) => {}
                Mode::Before(_) => {}
                Mode::After(0) => self.publish(now, index, update.clone(), ctx),
                Mode::After(gap) => {
                    let number = self.next_number();
                    self.delayed.insert(number, (index, update.clone()));
                    ctx.wake(now + gap, Timer::PublishDue(number));
                }
                Mode::Relay { .. } => {
                    let bus = self.publishers[index].bus;
                    ctx.record(Fact::OutboxRowWritten { node: self.node, bus, update: update.id });
                    self.rows[index].push_back(Row { update: update.clone(), publication: None, attempts: 0 });
                    self.schedule_poll(now, index, ctx);
                }
            }
        }
    }

    /// Sets the timer of a relay's next poll, at a multiple of its interval, if any row is unpublished.
    fn schedule_poll(&mut self, now: Micros, index: usize, ctx: &mut Context) {
        let Mode::Relay { interval, .. } = self.publishers[index].mode else { return };
        let has_unpublished = self.rows[index].iter().any(|row| row.publication.is_none());
        if has_unpublished && self.polls[index].is_none() {
            let number = self.next_number();
            self.polls[index] = Some(number);
            ctx.wake((now / interval + 1) * interval, Timer::RelayPoll(number));
        }
    }

    /// Handles the poll of a relay.
    pub fn on_poll(&mut self, now: Micros, number: u32, ctx: &mut Context) {
        debug_assert!(number < self.next, "the timer was set by this node");
        let Some(index) = self.polls.iter().position(|poll| *poll == Some(number)) else { return };
        self.polls[index] = None;
        let Mode::Relay { batch, .. } = self.publishers[index].mode else { return };
        let timeout = self.publishers[index].retry.map_or(RELAY_TIMEOUT, |(timeout, _)| timeout);
        let mut capacity = batch;
        for at in 0..self.rows[index].len() {
            if capacity == 0 {
                break;
            }
            if self.rows[index][at].publication.is_some() {
                continue;
            }
            capacity -= 1;
            let number = self.next_number();
            let row = &mut self.rows[index][at];
            row.publication = Some(number);
            row.attempts += 1;
            send(&self.publishers[index], Some(number), &row.update, row.attempts, ctx);
            ctx.wake(now + timeout, Timer::PublishTimeout(number));
        }
        self.schedule_poll(now, index, ctx);
    }

    /// Publishes an event whose gap after the commit is over.
    pub fn on_due(&mut self, now: Micros, number: u32, ctx: &mut Context) {
        if let Some((index, update)) = self.delayed.remove(&number) {
            self.publish(now, index, update, ctx);
        }
    }

    fn publish(&mut self, now: Micros, index: usize, update: Arc<Update>, ctx: &mut Context) {
        let awaited = self.publishers[index].retry.map(|(timeout, _)| {
            let number = self.next_number();
            ctx.wake(now + timeout, Timer::PublishTimeout(number));
            number
        });
        send(&self.publishers[index], awaited, &update, 1, ctx);
        if let Some(number) = awaited {
            let previous = self.unconfirmed.insert(number, Unconfirmed { publisher: index, update, attempts: 1 });
            debug_assert!(previous.is_none(), "numbers of publications are unique");
        }
    }

    /// Handles the acknowledgement of a publication.
    pub fn on_published(&mut self, number: u32, ctx: &mut Context) {
        debug_assert!(number < self.next, "the bus acknowledges publications of this node");
        self.unconfirmed.remove(&number);
        for index in 0..self.rows.len() {
            if let Some(at) = self.rows[index].iter().position(|row| row.publication == Some(number))
                && let Some(row) = self.rows[index].remove(at)
            {
                let bus = self.publishers[index].bus;
                ctx.record(Fact::OutboxRowPublished { node: self.node, bus, update: row.update.id });
            }
        }
    }

    /// Handles the timeout of an acknowledgement.
    pub fn on_timeout(&mut self, now: Micros, number: u32, ctx: &mut Context) {
        if let Some(event) = self.unconfirmed.get_mut(&number) {
            let publisher = &self.publishers[event.publisher];
            let Some((timeout, attempts)) = publisher.retry else { return };
            if event.attempts >= attempts {
                let update = event.update.id;
                ctx.record(Fact::PublishAbandoned { node: self.node, bus: publisher.bus, update });
                self.unconfirmed.remove(&number);
                return;
            }
            event.attempts += 1;
            send(publisher, Some(number), &event.update, event.attempts, ctx);
            ctx.wake(now + timeout, Timer::PublishTimeout(number));
            return;
        }
        for index in 0..self.rows.len() {
            let Some(at) = self.rows[index].iter().position(|row| row.publication == Some(number)) else { continue };
            let log = matches!(self.publishers[index].mode, Mode::Relay { log: true, .. });
            let last = if log { self.rows[index].len() } else { at + 1 };
            for row in self.rows[index].range_mut(at..last) {
                row.publication = None;
            }
            self.schedule_poll(now, index, ctx);
        }
    }

    /// Loses delayed and unacknowledged publications; rows are lost only with the disk.
    pub fn crash(&mut self, lose_disk: bool, ctx: &mut Context) {
        self.unconfirmed.clear();
        self.polls.fill(None);
        for (_, (index, update)) in std::mem::take(&mut self.delayed) {
            let bus = self.publishers[index].bus;
            ctx.record(Fact::PublicationLost { node: self.node, bus, update: update.id });
        }
        for (publisher, rows) in self.publishers.iter().zip(&mut self.rows) {
            for row in rows.iter_mut() {
                row.publication = None;
                if lose_disk {
                    let (node, bus) = (self.node, publisher.bus);
                    ctx.record(Fact::PublicationLost { node, bus, update: row.update.id });
                }
            }
            if lose_disk {
                rows.clear();
            }
        }
    }

    /// Restarts the relays.
    pub fn restart(&mut self, now: Micros, ctx: &mut Context) {
        for index in 0..self.publishers.len() {
            self.schedule_poll(now, index, ctx);
        }
    }
}

fn send(publisher: &Publisher, awaited: Option<u32>, update: &Arc<Update>, attempt: u32, ctx: &mut Context) {
    let about = About { update: Some(update.id), operation: None, attempt };
    let publication = Publication { topic: publisher.topic, awaited, acks: publisher.acks, update: update.clone() };
    ctx.send(publisher.link, Payload::Publish(Arc::new(publication)), about);
}
