//! The brokers that keep a bus's events (Kafka, RabbitMQ quorum queues, JetStream): a leader, which takes them in and
//! delivers what is committed, and followers, which fetch from it in order.
//!
//! How many entries of the leader's log a broker has is all that is known of it: the events themselves are kept once. What
//! brokers tell each other crosses no link of the drawing, and is no message.

use super::{Bus, PublicationAck};
use crate::engine::context::Context;
use crate::engine::message::{LinkId, Publication};
use crate::engine::queue::Timer;
use crate::scenario::{Acks, CommitRule, InSync, Micros};
use crate::trace::{BrokerChange, DropReason, Fact, UpdateId};
use std::collections::{BTreeMap, VecDeque};

/// One of them.
#[derive(Clone, Debug)]
struct Broker {
    up: bool,
    /// How many entries of the log it has.
    end: u64,
    /// It is in sync, as far as is known: one that is down is until it is missed.
    in_sync: bool,
    /// What it fetches comes in order: nothing before this.
    last_due: Micros,
    /// How often it stopped or started.
    life: u32,
}

/// What a timer is for; nothing, where the broker stopped or started since, or another leads.
#[derive(Clone, Copy, Debug)]
enum BrokerTimer {
    /// What a follower fetched is there.
    Fetched { broker: usize, upto: u64, life: u32, epoch: u32 },
    /// A follower may lack an entry for too long.
    Lags { broker: usize, upto: u64, life: u32, epoch: u32 },
    /// A broker has been down for long enough to be missed.
    Missed { broker: usize, life: u32 },
}

/// An entry of the log that is not committed.
#[derive(Clone, Debug)]
struct Entry {
    offset: u64,
    topic: u32,
    update: UpdateId,
    published_at: Micros,
    events: Vec<u32>,
    /// Who waits for the commit; more than one where it was published again.
    confirms: Vec<PublicationAck>,
}

/// All of them.
#[derive(Clone, Debug)]
pub(super) struct Brokers {
    all: Vec<Broker>,
    leader: Option<usize>,
    /// How often another began to lead.
    epoch: u32,
    /// How many entries are committed.
    committed: u64,
    waiting: VecDeque<Entry>,
    checks: BTreeMap<u32, BrokerTimer>,
    next_check: u32,
    /// Who is in sync, as it was told last.
    reported_in_sync: u32,
}

impl Brokers {
    /// A run begins with all of them up and in sync, and the first leads.
    pub(super) fn new(replicas: usize) -> Brokers {
        let broker = Broker { up: true, end: 0, in_sync: true, last_due: 0, life: 0 };
        Brokers {
            all: vec![broker; replicas],
            leader: Some(0),
            epoch: 0,
            committed: 0,
            waiting: VecDeque::new(),
            checks: BTreeMap::new(),
            next_check: 0,
            reported_in_sync: (1 << replicas) - 1,
        }
    }

    /// Whether one that is up leads.
    pub(super) fn is_led(&self) -> bool {
        self.leader.is_some_and(|leader| self.all[leader].up)
    }

    fn in_sync(&self) -> u32 {
        self.all.iter().filter(|broker| broker.in_sync).count() as u32
    }

    fn has_majority(&self) -> bool {
        self.all.iter().filter(|broker| broker.up).count() * 2 > self.all.len()
    }

    /// How many entries are where they must be to be committed.
    fn committable(&self, commit: &CommitRule) -> u64 {
        match commit {
            CommitRule::InSync(_) => self.all.iter().filter(|it| it.in_sync).map(|it| it.end).min().unwrap_or(0),
            CommitRule::Majority => {
                let mut ends: Vec<u64> = self.all.iter().map(|broker| broker.end).collect();
                ends.sort_unstable();
                // So many or more have that much: a majority.
                ends[(ends.len() - 1) / 2]
            }
        }
    }

    /// Who is to lead: whoever does, if it may; else the first that may, or of a majority the one that has most.
    fn candidate(&self, commit: &CommitRule) -> Option<usize> {
        let up = || (0..self.all.len()).filter(|at| self.all[*at].up);
        // The first of those that have as much.
        let most = || up().max_by_key(|at| (self.all[*at].end, std::cmp::Reverse(*at)));
        match commit {
            CommitRule::InSync(InSync { unclean_election, .. }) => {
                let mut in_sync = up().filter(|at| self.all[*at].in_sync);
                let stays = self.leader.filter(|at| self.all[*at].up && self.all[*at].in_sync);
                stays.or_else(|| in_sync.next()).or_else(|| most().filter(|_| *unclean_election))
            }
            CommitRule::Majority => {
                let longest = most().map(|at| self.all[at].end);
                let stays = self.leader.filter(|at| self.all[*at].up && Some(self.all[*at].end) == longest);
                stays.or_else(most).filter(|_| self.has_majority())
            }
        }
    }
}

impl Bus {
    /// How many brokers keep its events; 0 where it is not replicated.
    pub fn brokers(&self) -> u32 {
        self.brokers.as_ref().map_or(0, |brokers| brokers.all.len() as u32)
    }

    fn commit_rule(&self) -> &CommitRule {
        &self.config.replication.as_ref().expect("only a bus with brokers asks them").commit
    }

    fn check(&mut self, at: Micros, check: BrokerTimer, ctx: &mut Context) {
        if let Some(brokers) = &mut self.brokers {
            brokers.checks.insert(brokers.next_check, check);
            ctx.wake(at, Timer::BrokerCheck(brokers.next_check));
            brokers.next_check += 1;
        }
    }

    /// The leader takes a publication in, and acknowledges it as the publisher asks. One that it refuses it does not answer:
    /// the publisher tries again when its timeout is over.
    pub fn append(&mut self, now: Micros, publication: &Publication, back: Option<LinkId>, ctx: &mut Context) {
        let Publication { topic, awaited, acks, ref update } = *publication;
        let acknowledge_publication =
            awaited.zip(back).map(|(number, link)| PublicationAck { link, number, update: update.id });
        let needed = self.min_insync();
        let Some(brokers) = &mut self.brokers else { return };
        let Some(leader) = brokers.leader else { return };
        let in_sync = brokers.in_sync();
        if acks == Acks::All && in_sync < needed {
            let (bus, update) = (self.config.node, update.id);
            return ctx.record(Fact::PublishRefused { bus, update, in_sync, needed });
        }
        let (at_once, at_commit) = match acks {
            Acks::All => (None, acknowledge_publication),
            Acks::None | Acks::Leader => (acknowledge_publication, None),
        };
        if self.is_duplicate(now, topic, update.id, ctx) {
            let waiting = self.brokers.iter_mut().flat_map(|brokers| &mut brokers.waiting);
            match waiting.into_iter().find(|entry| (entry.topic, entry.update) == (topic, update.id)) {
                Some(entry) => entry.confirms.extend(at_commit),
                None => at_commit.into_iter().for_each(|acknowledge_publication| {
                    self.acknowledge_publication(now, acknowledge_publication, ctx)
                }),
            }
            return at_once
                .into_iter()
                .for_each(|acknowledge_publication| self.acknowledge_publication(now, acknowledge_publication, ctx));
        }
        let offset = brokers_mut(&mut self.brokers).all[leader].end;
        let events = self.accept(now, topic, update, Some(offset), ctx);
        let brokers = brokers_mut(&mut self.brokers);
        brokers.all[leader].end = offset + 1;
        let confirms = at_commit.into_iter().collect();
        brokers.waiting.push_back(Entry { offset, topic, update: update.id, published_at: now, events, confirms });
        if let Some(acknowledge_publication) = at_once {
            self.acknowledge_publication(now, acknowledge_publication, ctx);
        }
        for broker in 0..self.brokers() as usize {
            self.fetch(now, broker, ctx);
        }
        self.advance(now, ctx);
    }

    fn min_insync(&self) -> u32 {
        match self.commit_rule() {
            CommitRule::InSync(in_sync) => in_sync.min_insync,
            CommitRule::Majority => 0,
        }
    }

    /// A follower that is up fetches all that the leader has now.
    fn fetch(&mut self, now: Micros, broker: usize, ctx: &mut Context) {
        let Some(config) = &mut self.config.replication else { return };
        let Some(brokers) = &mut self.brokers else { return };
        let (Some(leader), epoch) = (brokers.leader, brokers.epoch) else { return };
        let upto = brokers.all[leader].end;
        let follower = &mut brokers.all[broker];
        if broker == leader || !follower.up {
            return;
        }
        let due = (now + config.latency.draw(&mut config.fetches[broker])).max(follower.last_due);
        follower.last_due = due;
        let life = follower.life;
        let lag = match &config.commit {
            CommitRule::InSync(in_sync) => Some(now + crate::scenario::micros(in_sync.lag_ms)),
            CommitRule::Majority => None,
        };
        self.check(due, BrokerTimer::Fetched { broker, upto, life, epoch }, ctx);
        if let Some(at) = lag.filter(|at| *at < due) {
            self.check(at, BrokerTimer::Lags { broker, upto, life, epoch }, ctx);
        }
    }

    /// A timer of the brokers ran out.
    pub fn on_broker(&mut self, now: Micros, number: u32, ctx: &mut Context) {
        let Some(brokers) = &mut self.brokers else { return };
        let Some(check) = brokers.checks.remove(&number) else { return };
        match check {
            BrokerTimer::Fetched { broker, upto, life, epoch } => {
                let follower = &mut brokers.all[broker];
                if (follower.life, brokers.epoch) == (life, epoch) {
                    follower.end = follower.end.max(upto);
                    // It has all that is committed, and counts for what comes.
                    follower.in_sync |= follower.end >= brokers.committed;
                    self.advance(now, ctx);
                }
            }
            BrokerTimer::Lags { broker, upto, life, epoch } => {
                let follower = &mut brokers.all[broker];
                if (follower.life, brokers.epoch) == (life, epoch) && follower.end < upto {
                    follower.in_sync = false;
                    self.advance(now, ctx);
                }
            }
            BrokerTimer::Missed { broker, life } if brokers.all[broker].life == life => {
                if brokers.leader == Some(broker) {
                    self.elect(now, ctx);
                } else {
                    self.leave_in_sync(broker);
                    self.advance(now, ctx);
                }
            }
            BrokerTimer::Missed { .. } => {}
        }
    }

    /// A broker is in sync no more; the last one that is stays so, for nobody else has all that is committed.
    fn leave_in_sync(&mut self, broker: usize) {
        if let Some(brokers) = &mut self.brokers
            && brokers.in_sync() > 1
        {
            brokers.all[broker].in_sync = false;
        }
    }

    fn report_in_sync(&mut self, ctx: &mut Context) {
        let in_sync = matches!(self.commit_rule(), CommitRule::InSync(_));
        let Some(brokers) = self.brokers.as_mut().filter(|_| in_sync) else { return };
        let who =
            brokers.all.iter().zip(0..).filter(|(broker, _)| broker.in_sync).fold(0, |who, (_, at)| who | 1 << at);
        if std::mem::replace(&mut brokers.reported_in_sync, who) != who {
            let replicas = brokers.all.len() as u32;
            ctx.record(Fact::InSyncChanged { bus: self.config.node, brokers: who, replicas });
        }
    }

    /// Commits what is where it must be: it is delivered from now on, and whoever waited for it is told. (Where too few
    /// are in sync by then it is committed, and yet nobody told.)
    fn advance(&mut self, now: Micros, ctx: &mut Context) {
        self.report_in_sync(ctx);
        if !self.up {
            return;
        }
        let needed = self.min_insync();
        let upto = self.brokers.as_ref().map_or(0, |brokers| brokers.committable(self.commit_rule()));
        let brokers = brokers_mut(&mut self.brokers);
        brokers.committed = brokers.committed.max(upto);
        let reported_in_sync = brokers.in_sync() >= needed;
        let committed = brokers.waiting.iter().take_while(|entry| entry.offset < brokers.committed).count();
        for entry in brokers.waiting.drain(..committed).collect::<Vec<Entry>>() {
            for event in entry.events {
                self.enqueue(now, event, ctx);
            }
            for acknowledge_publication in entry.confirms.into_iter().filter(|_| reported_in_sync) {
                self.acknowledge_publication(now, acknowledge_publication, ctx);
            }
        }
    }

    /// Stops a broker; the one that leads where none is named.
    pub fn stop_broker(&mut self, now: Micros, broker: Option<u32>, lose_disk: bool, ctx: &mut Context) {
        let (Some(config), Some(brokers)) = (&self.config.replication, &mut self.brokers) else { return };
        let Some(broker) = broker.map(|number| number as usize - 1).or(brokers.leader) else { return };
        let missed_at = now + config.session;
        let stopped = &mut brokers.all[broker];
        if !stopped.up {
            return;
        }
        (stopped.up, stopped.life) = (false, stopped.life + 1);
        let life = stopped.life;
        if lose_disk {
            stopped.end = 0;
        }
        let number = broker as u32 + 1;
        let change = if lose_disk { BrokerChange::LostDisk } else { BrokerChange::Stopped };
        ctx.record(Fact::BrokerChanged { bus: self.config.node, broker: number, change });
        if lose_disk {
            // Whoever comes back with nothing is known to lack what was there (KIP-966).
            self.leave_in_sync(broker);
        }
        self.check(missed_at, BrokerTimer::Missed { broker, life }, ctx);
        self.step_down(now, ctx);
    }

    /// Nobody leads, where whoever did is down or without a majority.
    fn step_down(&mut self, now: Micros, ctx: &mut Context) {
        let majority = matches!(self.commit_rule(), CommitRule::Majority);
        let Some(brokers) = &mut self.brokers else { return };
        if majority && !brokers.has_majority() {
            brokers.leader = None;
        }
        if !brokers.is_led() {
            // What was being fetched from it does not come.
            brokers.epoch += 1;
        }
        self.update_availability(now, ctx);
        self.advance(now, ctx);
    }

    /// Starts a broker that is stopped; all of them where none is named.
    pub fn start_brokers(&mut self, now: Micros, broker: Option<u32>, ctx: &mut Context) {
        for at in 0..self.brokers() as usize {
            let brokers = brokers_mut(&mut self.brokers);
            let started = &mut brokers.all[at];
            if started.up || broker.is_some_and(|number| number as usize != at + 1) {
                continue;
            }
            (started.up, started.life, started.last_due) = (true, started.life + 1, now);
            let (bus, change) = (self.config.node, BrokerChange::Started);
            ctx.record(Fact::BrokerChanged { bus, broker: at as u32 + 1, change });
            // It knows of the leader whether it leads itself, and how much of what it has is still said.
            match brokers.leader.filter(|leader| *leader != at && brokers.all[*leader].up) {
                Some(leader) => {
                    let end = brokers.all[leader].end;
                    brokers.all[at].end = brokers.all[at].end.min(end);
                    self.fetch(now, at, ctx);
                }
                // Until the leader is missed, nobody but itself takes its place.
                None if brokers.leader.is_none_or(|leader| leader == at) => self.elect(now, ctx),
                None => {}
            }
        }
    }

    /// Another leads, or the same again. What it does not have is lost, whoever else has it.
    fn elect(&mut self, now: Micros, ctx: &mut Context) {
        let Some(brokers) = &self.brokers else { return };
        let Some(leader) = brokers.candidate(self.commit_rule()) else {
            brokers_mut(&mut self.brokers).leader = None;
            return self.update_availability(now, ctx);
        };
        let brokers = brokers_mut(&mut self.brokers);
        let (end, clean) = (brokers.all[leader].end, brokers.all[leader].in_sync);
        (brokers.leader, brokers.epoch) = (Some(leader), brokers.epoch + 1);
        brokers.committed = brokers.committed.min(end);
        for (at, broker) in brokers.all.iter_mut().enumerate() {
            // What goes beyond the leader's log is cut off.
            broker.end = broker.end.min(end);
            broker.last_due = now;
            broker.in_sync = at == leader || clean && broker.in_sync && broker.up;
        }
        let change = BrokerChange::Leads;
        ctx.record(Fact::BrokerChanged { bus: self.config.node, broker: leader as u32 + 1, change });
        self.lose(now, end, ctx);
        self.update_availability(now, ctx);
        for broker in 0..self.brokers() as usize {
            self.fetch(now, broker, ctx);
        }
        self.advance(now, ctx);
    }

    /// Loses all entries from an offset on. What is published again is taken in again.
    fn lose(&mut self, now: Micros, from: u64, ctx: &mut Context) {
        brokers_mut(&mut self.brokers).waiting.retain(|entry| entry.offset < from);
        let gone = self.stored.iter().filter(|(_, stored)| stored.offset.is_some_and(|offset| offset >= from));
        for event in gone.map(|(event, _)| *event).collect::<Vec<u32>>() {
            self.forget_publication(event);
            self.discard(now, event, DropReason::NotReplicated, ctx);
        }
    }

    /// All brokers were stopped before they had flushed: nobody is told of what was lost so.
    pub(super) fn forget_pending_acks(&mut self, now: Micros) {
        let flush = self.config.flush;
        if let Some(brokers) = &mut self.brokers {
            brokers.waiting.retain(|entry| entry.published_at + flush <= now);
        }
    }
}

fn brokers_mut(brokers: &mut Option<Brokers>) -> &mut Brokers {
    brokers.as_mut().expect("only a bus with brokers asks them")
}
