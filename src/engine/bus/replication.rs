//! Replication of a bus's events over several brokers (Kafka, RabbitMQ quorum queues, JetStream): a leader accepts events and
//! delivers committed ones; followers fetch from it in order.
//!
//! The communication between brokers crosses no link of the scenario, and is not part of the message trace.

use super::Bus;
use super::broker_set::{BrokerSet, BrokerTimer, LogEntry};
use super::subscription_queue::PublicationAck;
use crate::engine::context::Context;
use crate::engine::message::{LinkId, Publication};
use crate::engine::queue::Timer;
use crate::scenario::{Acks, CommitRule, Micros};
use crate::trace::{BrokerChange, DropReason, Fact};

impl Bus {
    /// Returns the number of brokers; 0 for a bus without replication.
    pub fn brokers(&self) -> u32 {
        self.brokers.as_ref().map_or(0, |brokers| brokers.all.len() as u32)
    }

    fn commit_rule(&self) -> &CommitRule {
        &self.config.replication.as_ref().expect("called only for a bus with brokers").commit
    }

    fn set_broker_timer(&mut self, at: Micros, timer: BrokerTimer, ctx: &mut Context) {
        debug_assert!(self.brokers.is_some(), "only a bus with brokers has their timers");
        if let Some(brokers) = &mut self.brokers {
            let previous = brokers.timers.insert(brokers.next_timer, timer);
            debug_assert!(previous.is_none(), "numbers of timers are not reused");
            ctx.wake(at, Timer::BrokerCheck(brokers.next_timer));
            brokers.next_timer += 1;
        }
    }

    /// Appends a publication to the leader's log, and acknowledges it as the publisher requires. A refused publication gets
    /// no reply: the publisher retries after its timeout. Returns whether the publication is in the log.
    pub fn append(
        &mut self,
        now: Micros,
        publication: &Publication,
        reply_link: Option<LinkId>,
        ctx: &mut Context,
    ) -> bool {
        debug_assert!(self.up, "a bus that is down accepts nothing");
        let Publication { topic, awaited, acks, ref update, .. } = *publication;
        let ack = awaited.zip(reply_link).map(|(number, link)| PublicationAck { link, number, update: update.id });
        let needed = self.min_insync();
        let Some(brokers) = &mut self.brokers else { return false };
        let Some(leader) = brokers.leader else { return false };
        let in_sync = brokers.in_sync();
        if acks == Acks::All && in_sync < needed {
            let (bus, update) = (self.config.node, update.id);
            ctx.record(Fact::PublishRefused { bus, update, in_sync, needed });
            return false;
        }
        let (at_once, at_commit) = match acks {
            Acks::All => (None, ack),
            Acks::None | Acks::Leader => (ack, None),
        };
        if self.is_duplicate(now, topic, update.id, ctx) {
            let uncommitted = self.brokers.iter_mut().flat_map(|brokers| &mut brokers.uncommitted);
            match uncommitted.into_iter().find(|entry| (entry.topic, entry.update) == (topic, update.id)) {
                Some(entry) => entry.acks.extend(at_commit),
                None => at_commit.into_iter().for_each(|ack| self.acknowledge_publication(now, ack, ctx)),
            }
            at_once.into_iter().for_each(|ack| self.acknowledge_publication(now, ack, ctx));
            return true;
        }
        let offset = brokers_mut(&mut self.brokers).all[leader].end;
        let events = self.accept(now, topic, update, Some(offset), ctx);
        let brokers = brokers_mut(&mut self.brokers);
        brokers.all[leader].end = offset + 1;
        debug_assert!(brokers.committed <= offset, "a new entry is not committed");
        let acks = at_commit.into_iter().collect();
        brokers.uncommitted.push_back(LogEntry { offset, topic, update: update.id, published_at: now, events, acks });
        if let Some(ack) = at_once {
            self.acknowledge_publication(now, ack, ctx);
        }
        for broker in 0..self.brokers() as usize {
            self.fetch(now, broker, ctx);
        }
        self.advance(now, ctx);
        true
    }

    fn min_insync(&self) -> u32 {
        match self.commit_rule() {
            CommitRule::InSync(in_sync) => in_sync.min_insync,
            CommitRule::Majority => 0,
        }
    }

    /// Lets a follower that is up fetch all entries of the leader.
    fn fetch(&mut self, now: Micros, broker: usize, ctx: &mut Context) {
        let Some(config) = &mut self.config.replication else { return };
        let Some(brokers) = &mut self.brokers else { return };
        let (Some(leader), epoch) = (brokers.leader, brokers.epoch) else { return };
        let end = brokers.all[leader].end;
        let follower = &mut brokers.all[broker];
        if broker == leader || !follower.up {
            return;
        }
        debug_assert!(follower.end <= end, "a follower has no entry that its leader lacks");
        let due = (now + config.latency.draw(&mut config.fetches[broker])).max(follower.last_due);
        follower.last_due = due;
        debug_assert!(due >= now, "a fetch takes time");
        let incarnation = follower.incarnation;
        let lag = match &config.commit {
            CommitRule::InSync(in_sync) => Some(now + crate::scenario::micros(in_sync.lag_ms)),
            CommitRule::Majority => None,
        };
        self.set_broker_timer(due, BrokerTimer::Fetched { broker, end, incarnation, epoch }, ctx);
        if let Some(at) = lag.filter(|at| *at < due) {
            self.set_broker_timer(at, BrokerTimer::Lags { broker, end, incarnation, epoch }, ctx);
        }
    }

    /// Handles a timer of the brokers.
    pub fn on_broker_timer(&mut self, now: Micros, number: u32, ctx: &mut Context) {
        debug_assert!(now == ctx.now || self.missed_timers.is_empty(), "a missed timer is handled at the start");
        let Some(brokers) = &mut self.brokers else { return };
        debug_assert!(number < brokers.next_timer, "the timer was set by this bus");
        let Some(timer) = brokers.timers.remove(&number) else { return };
        match timer {
            BrokerTimer::Fetched { broker, end, incarnation, epoch } => {
                let follower = &mut brokers.all[broker];
                if (follower.incarnation, brokers.epoch) == (incarnation, epoch) {
                    follower.end = follower.end.max(end);
                    // A follower that has all committed entries is in sync.
                    follower.in_sync |= follower.end >= brokers.committed;
                    self.advance(now, ctx);
                }
            }
            BrokerTimer::Lags { broker, end, incarnation, epoch } => {
                let follower = &mut brokers.all[broker];
                if (follower.incarnation, brokers.epoch) == (incarnation, epoch) && follower.end < end {
                    follower.in_sync = false;
                    self.advance(now, ctx);
                }
            }
            BrokerTimer::SessionOver { broker, incarnation } if brokers.all[broker].incarnation == incarnation => {
                if brokers.leader == Some(broker) {
                    self.elect(now, ctx);
                } else {
                    self.leave_in_sync(broker);
                    self.advance(now, ctx);
                }
            }
            BrokerTimer::SessionOver { .. } => {}
        }
    }

    /// Removes a broker from the in-sync set. The last one remains, since no other broker has all committed entries.
    fn leave_in_sync(&mut self, broker: usize) {
        if let Some(brokers) = &mut self.brokers
            && brokers.in_sync() > 1
        {
            brokers.all[broker].in_sync = false;
        }
    }

    fn report_in_sync(&mut self, ctx: &mut Context) {
        debug_assert!(ctx.node == self.config.node, "a bus reports its own brokers");
        let in_sync = matches!(self.commit_rule(), CommitRule::InSync(_));
        let Some(brokers) = self.brokers.as_mut().filter(|_| in_sync) else { return };
        let in_sync_bits = brokers
            .all
            .iter()
            .zip(0..)
            .filter(|(broker, _)| broker.in_sync)
            .fold(0, |in_sync_bits, (_, at)| in_sync_bits | 1 << at);
        debug_assert!(in_sync_bits != 0, "one broker remains in sync");
        if std::mem::replace(&mut brokers.reported_in_sync, in_sync_bits) != in_sync_bits {
            let replicas = brokers.all.len() as u32;
            ctx.record(Fact::InSyncChanged { bus: self.config.node, brokers: in_sync_bits, replicas });
        }
    }

    /// Commits entries that are on enough brokers, delivers their events, and acknowledges their publications. If too few
    /// brokers are in sync, the entries are committed, but not acknowledged.
    fn advance(&mut self, now: Micros, ctx: &mut Context) {
        debug_assert!(now == ctx.now, "entries are committed now");
        self.report_in_sync(ctx);
        if !self.up {
            return;
        }
        let needed = self.min_insync();
        let end = self.brokers.as_ref().map_or(0, |brokers| brokers.committable(self.commit_rule()));
        let brokers = brokers_mut(&mut self.brokers);
        brokers.committed = brokers.committed.max(end);
        let has_committed = |leader: usize| brokers.committed <= brokers.all[leader].end;
        debug_assert!(brokers.leader.is_some_and(has_committed), "the leader has all committed entries");
        let acknowledges = brokers.in_sync() >= needed;
        let committed = brokers.uncommitted.iter().take_while(|entry| entry.offset < brokers.committed).count();
        for entry in brokers.uncommitted.drain(..committed).collect::<Vec<LogEntry>>() {
            for event in entry.events {
                self.enqueue(now, event, ctx);
            }
            for ack in entry.acks.into_iter().filter(|_| acknowledges) {
                self.acknowledge_publication(now, ack, ctx);
            }
        }
    }

    /// Stops a broker; the leader if none is given.
    pub fn stop_broker(&mut self, now: Micros, broker: Option<u32>, lose_disk: bool, ctx: &mut Context) {
        let (Some(config), Some(brokers)) = (&self.config.replication, &mut self.brokers) else { return };
        let Some(broker) = broker.map(|number| number as usize - 1).or(brokers.leader) else { return };
        debug_assert!(broker < brokers.all.len(), "the broker exists");
        let session_end = now + config.session;
        let stopped = &mut brokers.all[broker];
        if !stopped.up {
            return;
        }
        (stopped.up, stopped.incarnation) = (false, stopped.incarnation + 1);
        let incarnation = stopped.incarnation;
        if lose_disk {
            stopped.end = 0;
        }
        let number = broker as u32 + 1;
        let change = if lose_disk { BrokerChange::LostDisk } else { BrokerChange::Stopped };
        ctx.record(Fact::BrokerChanged { bus: self.config.node, broker: number, change });
        if lose_disk {
            // A broker that returns without its log is known to lack committed entries (KIP-966).
            self.leave_in_sync(broker);
        }
        self.set_broker_timer(session_end, BrokerTimer::SessionOver { broker, incarnation }, ctx);
        self.step_down(now, ctx);
        debug_assert!(
            !self.up || self.brokers.as_ref().is_some_and(BrokerSet::is_led),
            "without a leader a bus is down"
        );
    }

    /// Ends the leadership of a leader that is down or has no majority.
    fn step_down(&mut self, now: Micros, ctx: &mut Context) {
        debug_assert!(now == ctx.now, "a leader steps down now");
        let majority = matches!(self.commit_rule(), CommitRule::Majority);
        let Some(brokers) = &mut self.brokers else { return };
        if majority && !brokers.has_majority() {
            brokers.leader = None;
        }
        if !brokers.is_led() {
            // Fetches in progress from the old leader do not complete.
            brokers.epoch += 1;
        }
        self.update_availability(now, ctx);
        self.advance(now, ctx);
        debug_assert!(
            !self.up || self.brokers.as_ref().is_some_and(BrokerSet::is_led),
            "without a leader a bus is down"
        );
    }

    /// Starts a stopped broker; all of them if none is given.
    pub fn start_brokers(&mut self, now: Micros, broker: Option<u32>, ctx: &mut Context) {
        let exists = |number: u32| (1..=self.brokers()).contains(&number);
        debug_assert!(self.brokers.is_none() || broker.is_none_or(exists), "the broker exists");
        for at in 0..self.brokers() as usize {
            let brokers = brokers_mut(&mut self.brokers);
            let started = &mut brokers.all[at];
            if started.up || broker.is_some_and(|number| number as usize != at + 1) {
                continue;
            }
            (started.up, started.incarnation, started.last_due) = (true, started.incarnation + 1, now);
            let (bus, change) = (self.config.node, BrokerChange::Started);
            ctx.record(Fact::BrokerChanged { bus, broker: at as u32 + 1, change });
            // It truncates its log to the leader's.
            match brokers.leader.filter(|leader| *leader != at && brokers.all[*leader].up) {
                Some(leader) => {
                    let end = brokers.all[leader].end;
                    brokers.all[at].end = brokers.all[at].end.min(end);
                    self.fetch(now, at, ctx);
                }
                // While the session of the stopped leader lasts, only the leader itself may lead again.
                None if brokers.leader.is_none_or(|leader| leader == at) => self.elect(now, ctx),
                None => {}
            }
        }
        let mut all = self.brokers.iter().flat_map(|brokers| &brokers.all);
        debug_assert!(broker.is_some() || all.all(|broker| broker.up), "all brokers are started");
    }

    /// Elects a leader. Entries that it does not have are lost, even if other brokers have them.
    fn elect(&mut self, now: Micros, ctx: &mut Context) {
        let Some(brokers) = &self.brokers else { return };
        let Some(leader) = brokers.candidate(self.commit_rule()) else {
            brokers_mut(&mut self.brokers).leader = None;
            return self.update_availability(now, ctx);
        };
        let brokers = brokers_mut(&mut self.brokers);
        let (end, clean) = (brokers.all[leader].end, brokers.all[leader].in_sync);
        debug_assert!(brokers.all[leader].up, "a leader is up");
        (brokers.leader, brokers.epoch) = (Some(leader), brokers.epoch + 1);
        brokers.committed = brokers.committed.min(end);
        for (at, broker) in brokers.all.iter_mut().enumerate() {
            // Followers truncate their logs to the leader's.
            broker.end = broker.end.min(end);
            broker.last_due = now;
            broker.in_sync = at == leader || clean && broker.in_sync && broker.up;
        }
        debug_assert!(brokers.all.iter().all(|broker| broker.end <= end), "no broker has more than the leader");
        let change = BrokerChange::Leads;
        ctx.record(Fact::BrokerChanged { bus: self.config.node, broker: leader as u32 + 1, change });
        self.lose_from(now, end, ctx);
        self.update_availability(now, ctx);
        for broker in 0..self.brokers() as usize {
            self.fetch(now, broker, ctx);
        }
        self.advance(now, ctx);
    }

    /// Loses all entries from an offset on. Their updates are accepted if they are published again.
    fn lose_from(&mut self, now: Micros, from: u64, ctx: &mut Context) {
        debug_assert!(now == ctx.now, "entries are lost now");
        debug_assert!(
            self.brokers.as_ref().is_some_and(|brokers| brokers.committed <= from),
            "committed entries remain"
        );
        brokers_mut(&mut self.brokers).uncommitted.retain(|entry| entry.offset < from);
        let lost = self.stored.iter().filter(|(_, stored)| stored.offset.is_some_and(|offset| offset >= from));
        let lost: Vec<u32> = lost.map(|(event, _)| *event).collect();
        if !lost.is_empty() {
            self.end_streams();
        }
        for event in lost {
            self.forget_publication(event);
            self.discard(now, event, DropReason::NotReplicated, ctx);
        }
    }

    /// Loses the pending acknowledgements of entries that were not flushed when all brokers stopped.
    pub(super) fn forget_pending_acks(&mut self, now: Micros) {
        debug_assert!(self.stopped && !self.up, "only a stopped bus loses what is not flushed");
        debug_assert!(self.pending_acks.is_empty(), "no acknowledgement waits for a flush");
        let flush = self.config.flush;
        if let Some(brokers) = &mut self.brokers {
            brokers.uncommitted.retain(|entry| entry.published_at + flush <= now);
        }
    }
}

fn brokers_mut(brokers: &mut Option<BrokerSet>) -> &mut BrokerSet {
    brokers.as_mut().expect("called only for a bus with brokers")
}
