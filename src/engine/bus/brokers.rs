//! The brokers that keep a bus's events (Kafka, RabbitMQ quorum queues, JetStream): a leader, which takes them in and
//! delivers what is committed, and followers, which fetch from it in order.
//!
//! How many entries of the leader's log a broker has is all that is known of it: the events themselves are kept once. What
//! brokers tell each other crosses no link of the drawing, and is no message.

use super::{Bus, Unflushed};
use crate::engine::message::{LinkId, Publication};
use crate::engine::outbox::Outbox;
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
enum Check {
    /// What a follower fetched is there.
    Fetched { broker: usize, upto: u64, life: u32, reign: u32 },
    /// A follower may lack an entry for too long.
    Lags { broker: usize, upto: u64, life: u32, reign: u32 },
    /// A broker has been down for long enough to be missed.
    Missed { broker: usize, life: u32 },
}

/// An entry of the log that is not committed.
#[derive(Clone, Debug)]
struct Entry {
    offset: u64,
    topic: u32,
    update: UpdateId,
    since: Micros,
    events: Vec<u32>,
    /// Who waits for the commit; more than one where it was published again.
    confirms: Vec<Unflushed>,
}

/// All of them.
#[derive(Clone, Debug)]
pub(super) struct Brokers {
    all: Vec<Broker>,
    leader: Option<usize>,
    /// How often another began to lead.
    reign: u32,
    /// How many entries are committed.
    committed: u64,
    waiting: VecDeque<Entry>,
    checks: BTreeMap<u32, Check>,
    next_check: u32,
    /// Who is in sync, as it was told last.
    told: u32,
}

impl Brokers {
    /// A run begins with all of them up and in sync, and the first leads.
    pub(super) fn new(replicas: usize) -> Brokers {
        let broker = Broker { up: true, end: 0, in_sync: true, last_due: 0, life: 0 };
        Brokers {
            all: vec![broker; replicas],
            leader: Some(0),
            reign: 0,
            committed: 0,
            waiting: VecDeque::new(),
            checks: BTreeMap::new(),
            next_check: 0,
            told: (1 << replicas) - 1,
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
        &self.plan.replication.as_ref().expect("only a bus with brokers asks them").commit
    }

    fn check(&mut self, at: Micros, check: Check, out: &mut Outbox) {
        if let Some(brokers) = &mut self.brokers {
            brokers.checks.insert(brokers.next_check, check);
            out.wake(at, Timer::Broker(brokers.next_check));
            brokers.next_check += 1;
        }
    }

    /// The leader takes a publication in, and acknowledges it as the publisher asks. One that it refuses it does not answer:
    /// the publisher tries again when its timeout is over.
    pub fn append(&mut self, now: Micros, publication: &Publication, back: Option<LinkId>, out: &mut Outbox) {
        let Publication { topic, awaited, acks, ref update } = *publication;
        let confirm = awaited.zip(back).map(|(number, link)| Unflushed { link, number, update: update.id });
        let needed = self.min_insync();
        let Some(brokers) = &mut self.brokers else { return };
        let Some(leader) = brokers.leader else { return };
        let in_sync = brokers.in_sync();
        if acks == Acks::All && in_sync < needed {
            let (bus, update) = (self.plan.node, update.id);
            return out.record(Fact::PublishRefused { bus, update, in_sync, needed });
        }
        let (at_once, at_commit) = match acks {
            Acks::All => (None, confirm),
            Acks::None | Acks::Leader => (confirm, None),
        };
        if self.is_again(now, topic, update.id, out) {
            let waiting = self.brokers.iter_mut().flat_map(|brokers| &mut brokers.waiting);
            match waiting.into_iter().find(|entry| (entry.topic, entry.update) == (topic, update.id)) {
                Some(entry) => entry.confirms.extend(at_commit),
                None => at_commit.into_iter().for_each(|confirm| self.confirm(now, confirm, out)),
            }
            return at_once.into_iter().for_each(|confirm| self.confirm(now, confirm, out));
        }
        let offset = brokers_mut(&mut self.brokers).all[leader].end;
        let events = self.take_in(now, topic, update, Some(offset), out);
        let brokers = brokers_mut(&mut self.brokers);
        brokers.all[leader].end = offset + 1;
        let confirms = at_commit.into_iter().collect();
        brokers.waiting.push_back(Entry { offset, topic, update: update.id, since: now, events, confirms });
        if let Some(confirm) = at_once {
            self.confirm(now, confirm, out);
        }
        for broker in 0..self.brokers() as usize {
            self.fetch(now, broker, out);
        }
        self.advance(now, out);
    }

    fn min_insync(&self) -> u32 {
        match self.commit_rule() {
            CommitRule::InSync(in_sync) => in_sync.min_insync,
            CommitRule::Majority => 0,
        }
    }

    /// A follower that is up fetches all that the leader has now.
    fn fetch(&mut self, now: Micros, broker: usize, out: &mut Outbox) {
        let Some(plan) = &mut self.plan.replication else { return };
        let Some(brokers) = &mut self.brokers else { return };
        let (Some(leader), reign) = (brokers.leader, brokers.reign) else { return };
        let upto = brokers.all[leader].end;
        let follower = &mut brokers.all[broker];
        if broker == leader || !follower.up {
            return;
        }
        let due = (now + plan.latency.draw(&mut plan.fetches[broker])).max(follower.last_due);
        follower.last_due = due;
        let life = follower.life;
        let lag = match &plan.commit {
            CommitRule::InSync(in_sync) => Some(now + crate::scenario::micros(in_sync.lag_ms)),
            CommitRule::Majority => None,
        };
        self.check(due, Check::Fetched { broker, upto, life, reign }, out);
        if let Some(at) = lag.filter(|at| *at < due) {
            self.check(at, Check::Lags { broker, upto, life, reign }, out);
        }
    }

    /// A timer of the brokers ran out.
    pub fn on_broker(&mut self, now: Micros, number: u32, out: &mut Outbox) {
        let Some(brokers) = &mut self.brokers else { return };
        let Some(check) = brokers.checks.remove(&number) else { return };
        match check {
            Check::Fetched { broker, upto, life, reign } => {
                let follower = &mut brokers.all[broker];
                if (follower.life, brokers.reign) == (life, reign) {
                    follower.end = follower.end.max(upto);
                    // It has all that is committed, and counts for what comes.
                    follower.in_sync |= follower.end >= brokers.committed;
                    self.advance(now, out);
                }
            }
            Check::Lags { broker, upto, life, reign } => {
                let follower = &mut brokers.all[broker];
                if (follower.life, brokers.reign) == (life, reign) && follower.end < upto {
                    follower.in_sync = false;
                    self.advance(now, out);
                }
            }
            Check::Missed { broker, life } if brokers.all[broker].life == life => {
                if brokers.leader == Some(broker) {
                    self.elect(now, out);
                } else {
                    self.leave_in_sync(broker);
                    self.advance(now, out);
                }
            }
            Check::Missed { .. } => {}
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

    fn tell_in_sync(&mut self, out: &mut Outbox) {
        let in_sync = matches!(self.commit_rule(), CommitRule::InSync(_));
        let Some(brokers) = self.brokers.as_mut().filter(|_| in_sync) else { return };
        let who =
            brokers.all.iter().zip(0..).filter(|(broker, _)| broker.in_sync).fold(0, |who, (_, at)| who | 1 << at);
        if std::mem::replace(&mut brokers.told, who) != who {
            let replicas = brokers.all.len() as u32;
            out.record(Fact::InSyncChanged { bus: self.plan.node, brokers: who, replicas });
        }
    }

    /// Commits what is where it must be: it is delivered from now on, and whoever waited for it is told. (Where too few
    /// are in sync by then it is committed, and yet nobody told.)
    fn advance(&mut self, now: Micros, out: &mut Outbox) {
        self.tell_in_sync(out);
        if !self.up {
            return;
        }
        let needed = self.min_insync();
        let upto = self.brokers.as_ref().map_or(0, |brokers| brokers.committable(self.commit_rule()));
        let brokers = brokers_mut(&mut self.brokers);
        brokers.committed = brokers.committed.max(upto);
        let told = brokers.in_sync() >= needed;
        let committed = brokers.waiting.iter().take_while(|entry| entry.offset < brokers.committed).count();
        for entry in brokers.waiting.drain(..committed).collect::<Vec<Entry>>() {
            for event in entry.events {
                self.line_up(now, event, out);
            }
            for confirm in entry.confirms.into_iter().filter(|_| told) {
                self.confirm(now, confirm, out);
            }
        }
    }

    /// Stops a broker; the one that leads where none is named.
    pub fn stop_broker(&mut self, now: Micros, broker: Option<u32>, lose_disk: bool, out: &mut Outbox) {
        let (Some(plan), Some(brokers)) = (&self.plan.replication, &mut self.brokers) else { return };
        let Some(broker) = broker.map(|number| number as usize - 1).or(brokers.leader) else { return };
        let missed_at = now + plan.session;
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
        out.record(Fact::BrokerChanged { bus: self.plan.node, broker: number, change });
        if lose_disk {
            // Whoever comes back with nothing is known to lack what was there (KIP-966).
            self.leave_in_sync(broker);
        }
        self.check(missed_at, Check::Missed { broker, life }, out);
        self.step_down(now, out);
    }

    /// Nobody leads, where whoever did is down or without a majority.
    fn step_down(&mut self, now: Micros, out: &mut Outbox) {
        let majority = matches!(self.commit_rule(), CommitRule::Majority);
        let Some(brokers) = &mut self.brokers else { return };
        if majority && !brokers.has_majority() {
            brokers.leader = None;
        }
        if !brokers.is_led() {
            // What was being fetched from it does not come.
            brokers.reign += 1;
        }
        self.settle(now, out);
        self.advance(now, out);
    }

    /// Starts a broker that is stopped; all of them where none is named.
    pub fn start_brokers(&mut self, now: Micros, broker: Option<u32>, out: &mut Outbox) {
        for at in 0..self.brokers() as usize {
            let brokers = brokers_mut(&mut self.brokers);
            let started = &mut brokers.all[at];
            if started.up || broker.is_some_and(|number| number as usize != at + 1) {
                continue;
            }
            (started.up, started.life, started.last_due) = (true, started.life + 1, now);
            let (bus, change) = (self.plan.node, BrokerChange::Started);
            out.record(Fact::BrokerChanged { bus, broker: at as u32 + 1, change });
            // It knows of the leader whether it leads itself, and how much of what it has is still said.
            match brokers.leader.filter(|leader| *leader != at && brokers.all[*leader].up) {
                Some(leader) => {
                    let end = brokers.all[leader].end;
                    brokers.all[at].end = brokers.all[at].end.min(end);
                    self.fetch(now, at, out);
                }
                // Until the leader is missed, nobody but itself takes its place.
                None if brokers.leader.is_none_or(|leader| leader == at) => self.elect(now, out),
                None => {}
            }
        }
    }

    /// Another leads, or the same again. What it does not have is lost, whoever else has it.
    fn elect(&mut self, now: Micros, out: &mut Outbox) {
        let Some(brokers) = &self.brokers else { return };
        let Some(leader) = brokers.candidate(self.commit_rule()) else {
            brokers_mut(&mut self.brokers).leader = None;
            return self.settle(now, out);
        };
        let brokers = brokers_mut(&mut self.brokers);
        let (end, clean) = (brokers.all[leader].end, brokers.all[leader].in_sync);
        (brokers.leader, brokers.reign) = (Some(leader), brokers.reign + 1);
        brokers.committed = brokers.committed.min(end);
        for (at, broker) in brokers.all.iter_mut().enumerate() {
            // What goes beyond the leader's log is cut off.
            broker.end = broker.end.min(end);
            broker.last_due = now;
            broker.in_sync = at == leader || clean && broker.in_sync && broker.up;
        }
        let change = BrokerChange::Leads;
        out.record(Fact::BrokerChanged { bus: self.plan.node, broker: leader as u32 + 1, change });
        self.lose(now, end, out);
        self.settle(now, out);
        for broker in 0..self.brokers() as usize {
            self.fetch(now, broker, out);
        }
        self.advance(now, out);
    }

    /// Loses all entries from an offset on. What is published again is taken in again.
    fn lose(&mut self, now: Micros, from: u64, out: &mut Outbox) {
        brokers_mut(&mut self.brokers).waiting.retain(|entry| entry.offset < from);
        let gone = self.kept.iter().filter(|(_, kept)| kept.offset.is_some_and(|offset| offset >= from));
        for event in gone.map(|(event, _)| *event).collect::<Vec<u32>>() {
            self.forget_publication(event);
            self.discard(now, event, DropReason::NotReplicated, out);
        }
    }

    /// All brokers were stopped before they had flushed: nobody is told of what was lost so.
    pub(super) fn forget_unflushed(&mut self, now: Micros) {
        let flush = self.plan.flush;
        if let Some(brokers) = &mut self.brokers {
            brokers.waiting.retain(|entry| entry.since + flush <= now);
        }
    }
}

fn brokers_mut(brokers: &mut Option<Brokers>) -> &mut Brokers {
    brokers.as_mut().expect("only a bus with brokers asks them")
}
