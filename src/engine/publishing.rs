//! How a service's updates become events: directly beside the commit, or through an outbox or the store's log, whose
//! relay publishes at least once.

use super::context::Context;
use super::message::{About, LinkId, Payload, Publication, Update};
use super::queue::Timer;
use crate::scenario::{Acks, Micros};
use crate::trace::{Fact, NodeId};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// After how long a relay publishes a row again where the scenario does not say.
const RELAY_TIMEOUT: Micros = 1_000_000;

/// When an event is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// So long after the commit.
    After(Micros),
    /// So long before the commit.
    Before(Micros),
    /// By a relay that looks so often and takes so many rows; in the order of a log, or each row for itself.
    Relay {
        /// Between two looks.
        every: Micros,
        /// Rows at a time.
        batch: u32,
        /// The order of the commits is kept: where one row fails, all after it are published again.
        log: bool,
    },
}

/// Where updates are published.
#[derive(Clone, Debug)]
pub struct Publisher {
    /// The link to the bus.
    pub link: LinkId,
    /// The bus.
    pub bus: NodeId,
    /// The topic.
    pub topic: u32,
    /// When.
    pub mode: Mode,
    /// What the bus must have done before it acknowledges.
    pub acks: Acks,
    /// How long the bus's acknowledgement is awaited, and how often the event is sent at most.
    pub retry: Option<(Micros, u32)>,
}

/// A row of an outbox, or an entry of a log, that the bus has not acknowledged.
#[derive(Clone, Debug)]
struct Row {
    update: Arc<Update>,
    /// The publication that is awaited.
    sent: Option<u32>,
    attempts: u32,
}

/// An event that the bus has not acknowledged yet.
#[derive(Clone, Debug)]
struct Unconfirmed {
    publisher: usize,
    update: Arc<Update>,
    attempts: u32,
}

/// A service's publishers. Rows are durable; what else is under way is lost in a crash.
#[derive(Clone, Debug)]
pub struct Publishing {
    node: NodeId,
    publishers: Vec<Publisher>,
    /// By publisher.
    rows: Vec<VecDeque<Row>>,
    /// The timer of each relay's next look.
    polls: Vec<Option<u32>>,
    /// Events whose gap after the commit runs.
    due: BTreeMap<u32, (usize, Arc<Update>)>,
    unconfirmed: BTreeMap<u32, Unconfirmed>,
    next: u32,
}

impl Publishing {
    /// Nothing published yet.
    pub fn new(node: NodeId, publishers: Vec<Publisher>) -> Self {
        let (rows, polls) = (vec![VecDeque::new(); publishers.len()], vec![None; publishers.len()]);
        Publishing { node, publishers, rows, polls, due: BTreeMap::new(), unconfirmed: BTreeMap::new(), next: 0 }
    }

    fn number(&mut self) -> u32 {
        self.next += 1;
        self.next - 1
    }

    /// Publishes what goes out before the commit, and says how long the commit comes after it; none if nothing does.
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

    /// The update is committed: publishes it, or sees to it that it will be.
    pub fn on_commit(&mut self, now: Micros, update: &Arc<Update>, ctx: &mut Context) {
        self.on_commit_where(now, update, |_| true, ctx);
    }

    /// Of a group that has acknowledged the update, the member that coordinated it: publishes beside the commit.
    pub fn on_acknowledged(&mut self, now: Micros, update: &Arc<Update>, ctx: &mut Context) {
        self.on_commit_where(now, update, |mode| !matches!(mode, Mode::Relay { .. }), ctx);
    }

    /// Of a group, whichever member stores the update: its relays find it in its log.
    pub fn on_stored(&mut self, now: Micros, update: &Arc<Update>, ctx: &mut Context) {
        self.on_commit_where(now, update, |mode| matches!(mode, Mode::Relay { .. }), ctx);
    }

    /// Whether any event is published beside the commit, and whether any by a relay.
    pub fn modes(&self) -> (bool, bool) {
        let relays = self.publishers.iter().filter(|publisher| matches!(publisher.mode, Mode::Relay { .. })).count();
        (relays < self.publishers.len(), relays > 0)
    }

    fn on_commit_where(&mut self, now: Micros, update: &Arc<Update>, of: impl Fn(Mode) -> bool, ctx: &mut Context) {
        for index in 0..self.publishers.len() {
            match self.publishers[index].mode {
                mode if !of(mode) => {}
                Mode::Before(_) => {}
                Mode::After(0) => self.publish(now, index, update.clone(), ctx),
                Mode::After(gap) => {
                    let number = self.number();
                    self.due.insert(number, (index, update.clone()));
                    ctx.wake(now + gap, Timer::PublishDue(number));
                }
                Mode::Relay { .. } => {
                    let bus = self.publishers[index].bus;
                    ctx.record(Fact::OutboxRowWritten { node: self.node, bus, update: update.id });
                    self.rows[index].push_back(Row { update: update.clone(), sent: None, attempts: 0 });
                    self.schedule_poll(now, index, ctx);
                }
            }
        }
    }

    /// The relay looks at the multiples of its interval; looks that would find nothing are left out.
    fn schedule_poll(&mut self, now: Micros, index: usize, ctx: &mut Context) {
        let Mode::Relay { every, .. } = self.publishers[index].mode else { return };
        let waits = self.rows[index].iter().any(|row| row.sent.is_none());
        if waits && self.polls[index].is_none() {
            let number = self.number();
            self.polls[index] = Some(number);
            ctx.wake((now / every + 1) * every, Timer::RelayPoll(number));
        }
    }

    /// A timer ran out; if its reason is gone, nothing happens.
    pub fn on_poll(&mut self, now: Micros, number: u32, ctx: &mut Context) {
        let Some(index) = self.polls.iter().position(|poll| *poll == Some(number)) else { return };
        self.polls[index] = None;
        let Mode::Relay { batch, .. } = self.publishers[index].mode else { return };
        let timeout = self.publishers[index].retry.map_or(RELAY_TIMEOUT, |(timeout, _)| timeout);
        let mut left = batch;
        for at in 0..self.rows[index].len() {
            if left == 0 {
                break;
            }
            if self.rows[index][at].sent.is_some() {
                continue;
            }
            left -= 1;
            let number = self.number();
            let row = &mut self.rows[index][at];
            row.sent = Some(number);
            row.attempts += 1;
            send(&self.publishers[index], Some(number), &row.update, row.attempts, ctx);
            ctx.wake(now + timeout, Timer::PublishTimeout(number));
        }
        self.schedule_poll(now, index, ctx);
    }

    /// The gap after a commit is over.
    pub fn on_due(&mut self, now: Micros, number: u32, ctx: &mut Context) {
        if let Some((index, update)) = self.due.remove(&number) {
            self.publish(now, index, update, ctx);
        }
    }

    fn publish(&mut self, now: Micros, index: usize, update: Arc<Update>, ctx: &mut Context) {
        let awaited = self.publishers[index].retry.map(|(timeout, _)| {
            let number = self.number();
            ctx.wake(now + timeout, Timer::PublishTimeout(number));
            number
        });
        send(&self.publishers[index], awaited, &update, 1, ctx);
        if let Some(number) = awaited {
            self.unconfirmed.insert(number, Unconfirmed { publisher: index, update, attempts: 1 });
        }
    }

    /// The bus has a publication.
    pub fn on_published(&mut self, number: u32, ctx: &mut Context) {
        self.unconfirmed.remove(&number);
        for index in 0..self.rows.len() {
            if let Some(at) = self.rows[index].iter().position(|row| row.sent == Some(number))
                && let Some(row) = self.rows[index].remove(at)
            {
                let bus = self.publishers[index].bus;
                ctx.record(Fact::OutboxRowPublished { node: self.node, bus, update: row.update.id });
            }
        }
    }

    /// The bus did not acknowledge a publication in time.
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
            let Some(at) = self.rows[index].iter().position(|row| row.sent == Some(number)) else { continue };
            let log = matches!(self.publishers[index].mode, Mode::Relay { log: true, .. });
            let last = if log { self.rows[index].len() } else { at + 1 };
            for row in self.rows[index].range_mut(at..last) {
                row.sent = None;
            }
            self.schedule_poll(now, index, ctx);
        }
    }

    /// What was about to be published is lost; rows stay unless the disk is lost.
    pub fn crash(&mut self, lose_disk: bool, ctx: &mut Context) {
        self.unconfirmed.clear();
        self.polls.fill(None);
        for (_, (index, update)) in std::mem::take(&mut self.due) {
            let bus = self.publishers[index].bus;
            ctx.record(Fact::PublicationLost { node: self.node, bus, update: update.id });
        }
        for (publisher, rows) in self.publishers.iter().zip(&mut self.rows) {
            for row in rows.iter_mut() {
                row.sent = None;
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

    /// The relays look again.
    pub fn restart(&mut self, now: Micros, ctx: &mut Context) {
        for index in 0..self.publishers.len() {
            self.schedule_poll(now, index, ctx);
        }
    }
}

fn send(by: &Publisher, awaited: Option<u32>, update: &Arc<Update>, attempt: u32, ctx: &mut Context) {
    let about = About { update: Some(update.id), operation: None, attempt };
    let publication = Publication { topic: by.topic, awaited, acks: by.acks, update: update.clone() };
    ctx.send(by.link, Payload::Publish(Arc::new(publication)), about);
}
