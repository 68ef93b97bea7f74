//! Leaderless replication with quorums (DeCandia et al. 2007): a member coordinates the requests that it receives, serves
//! other coordinators as a replica, hands off hints, purges tombstones, and takes part in anti-entropy.

mod anti_entropy;
mod coordinator;
mod timers;

pub use coordinator::Coordinator;

use super::key_state::KeyState;
use super::member::{Member, send_over};
use super::messages::{AntiEntropyMessage, QuorumMessage, WritePurpose};
use super::request::{ClientRequest, OperationReply};
use crate::engine::context::Context;
use crate::engine::message::LinkId;
use crate::engine::random::Stream;
use crate::scenario::{Micros, Quorum as QuorumConfig, micros};
use crate::trace::{Fact, KeyId, NodeId, UpdateId, Version};
use anti_entropy::AntiEntropy;
use litemap::LiteMap;
use std::sync::Arc;
use timers::QuorumTimer;

/// A hint that was sent, and is not acknowledged.
#[derive(Clone, Debug)]
struct Handoff {
    replica: usize,
    key: KeyId,
    state: Arc<KeyState>,
}

/// The state of a member.
#[derive(Clone, Debug)]
pub struct Quorum {
    coordinator: Coordinator,
    anti_entropy: Option<AntiEntropy>,
    /// Hints in flight, by the number that the acknowledgement will carry.
    handoffs: LiteMap<u32, Handoff>,
    is_handoff_timer_set: bool,
    /// Deleted registers, by the number of the timer that purges them: the key, the version, and the end of the grace period.
    tombstones: LiteMap<u32, (KeyId, Version, Micros)>,
    next_tombstone: u32,
    /// Counts restarts, so that a timer set before a crash is ignored.
    incarnation: u32,
}

impl Quorum {
    /// Returns a member without operations in progress.
    pub fn new(config: QuorumConfig, member: &Member, random: impl Fn(&str) -> Stream) -> Self {
        let anti_entropy = config.anti_entropy.as_ref().map(|config| AntiEntropy::new(config, random("anti-entropy")));
        Quorum {
            coordinator: Coordinator::new(config, member.group.clone(), member.node, member.links.clone()),
            anti_entropy,
            handoffs: LiteMap::new(),
            is_handoff_timer_set: false,
            tombstones: LiteMap::new(),
            next_tombstone: 0,
            incarnation: 0,
        }
    }

    /// Starts, or restarts. Tombstones whose grace period ended while the member was down are purged now.
    pub fn start(&mut self, now: Micros, ctx: &mut Context) {
        debug_assert!(self.handoffs.is_empty(), "a crash forgets the hints in flight");
        debug_assert!(now == ctx.now, "a member starts now");
        self.incarnation += 1;
        if let Some(anti_entropy) = &mut self.anti_entropy {
            let wait = anti_entropy.first_wait();
            ctx.wake(now + wait, QuorumTimer::AntiEntropy(self.incarnation).encode());
        }
        self.is_handoff_timer_set = false;
        self.set_handoff_timer(now, ctx);
        for (number, (_, _, end)) in &self.tombstones {
            ctx.wake(now.max(*end), QuorumTimer::PurgeTombstone(*number).encode());
        }
    }

    /// Panics if an invariant is broken. Called after each event, in debug builds.
    pub fn assert_invariants(&self) {
        assert!(self.tombstones.keys().all(|number| *number < self.next_tombstone), "numbers are never reused");
        self.coordinator.assert_invariants();
    }

    /// Forgets the operations in progress; with its disk, hints and tombstones too.
    pub fn crash(&mut self, lose_disk: bool) {
        debug_assert!(self.incarnation > 0, "a member has started");
        self.coordinator.crash(lose_disk);
        self.handoffs.clear();
        if lose_disk {
            self.tombstones.clear();
        }
        debug_assert!(!lose_disk || self.coordinator.hints().is_empty(), "hints are on the disk");
    }

    /// Coordinates a client's request.
    pub fn execute(
        &mut self,
        now: Micros,
        client: ClientRequest,
        member: &mut Member,
        ctx: &mut Context,
    ) -> Vec<OperationReply> {
        ctx.assert_handler(member.node, now);
        let key = client.request.key;
        let replies = self.coordinator.begin(now, client, Some(member), ctx);
        self.watch_tombstone(now, key, member, ctx);
        self.set_handoff_timer(now, ctx);
        replies
    }

    /// Handles a message from a member or a client. `from` is the index of a member; `back` the link to the sender.
    pub fn on_message(
        &mut self,
        now: Micros,
        from: Option<usize>,
        message: &QuorumMessage,
        back: Option<LinkId>,
        member: &mut Member,
        ctx: &mut Context,
    ) -> Vec<OperationReply> {
        ctx.assert_handler(member.node, now);
        if let Some(from) = from {
            self.coordinator.on_sign_of_life(from);
        }
        match message {
            QuorumMessage::Write { request, key, state, update, purpose } => {
                match *purpose {
                    WritePurpose::Hint(replica) => self.keep_hint(now, replica, *key, state, *update, member, ctx),
                    WritePurpose::Operation | WritePurpose::Repair => {
                        member.merge(*key, state, *update, ctx);
                        self.watch_tombstone(now, *key, member, ctx);
                    }
                }
                if let (Some(back), Some(request)) = (back, *request) {
                    send_over(back, member.node, QuorumMessage::WriteAck { request }, None, ctx);
                }
                Vec::new()
            }
            QuorumMessage::Read { request, key, stand_in_for } => {
                let hint = stand_in_for.and_then(|replica| self.hinted_state(replica, *key, member));
                let state = hint.unwrap_or_else(|| Arc::new(member.state(*key)));
                if let Some(back) = back {
                    let message = QuorumMessage::ReadReply { request: *request, key: *key, state };
                    send_over(back, member.node, message, None, ctx);
                }
                Vec::new()
            }
            QuorumMessage::WriteAck { request } => {
                let Some(from) = from else { return Vec::new() };
                match self.handoffs.remove(request) {
                    Some(handoff) => {
                        self.complete_handoff(&handoff, ctx);
                        Vec::new()
                    }
                    None => self.coordinator.on_write_ack(*request, from, ctx),
                }
            }
            QuorumMessage::ReadReply { request, key, state } => {
                let Some(from) = from else { return Vec::new() };
                let replies = self.coordinator.on_read_reply(now, *request, from, state.clone(), Some(member), ctx);
                self.watch_tombstone(now, *key, member, ctx);
                replies
            }
        }
    }

    /// Handles another member's part of anti-entropy.
    pub fn on_anti_entropy(&mut self, from: usize, message: &AntiEntropyMessage, member: &Member, ctx: &mut Context) {
        debug_assert!(from != member.index, "a member compares with others");
        debug_assert!(ctx.node == member.node, "a message is handled by its receiver");
        self.coordinator.on_sign_of_life(from);
        if let Some(anti_entropy) = &self.anti_entropy {
            anti_entropy.on_message(from, message, member, ctx);
        }
    }

    /// Handles a timer.
    pub fn on_timer(
        &mut self,
        now: Micros,
        number: u32,
        member: &mut Member,
        ctx: &mut Context,
    ) -> Vec<OperationReply> {
        ctx.assert_handler(member.node, now);
        let timer = QuorumTimer::decode(number);
        match timer {
            QuorumTimer::OperationTimeout(request) => {
                let replies = self.coordinator.on_timeout(now, request, Some(member), ctx);
                self.set_handoff_timer(now, ctx);
                return replies;
            }
            QuorumTimer::Handoff(incarnation) => {
                if incarnation == self.incarnation {
                    self.hand_off_hints(now, ctx);
                }
            }
            QuorumTimer::AntiEntropy(incarnation) => {
                if let Some(anti_entropy) = &mut self.anti_entropy
                    && incarnation == self.incarnation
                {
                    anti_entropy.begin(member, ctx);
                    ctx.wake(now + anti_entropy.interval(), timer.encode());
                }
            }
            QuorumTimer::PurgeTombstone(tombstone) => self.purge_tombstone(tombstone, member, ctx),
        }
        Vec::new()
    }
}

/// Hinted handoff (DeCandia et al. 2007, 4.6).
impl Quorum {
    #[expect(clippy::too_many_arguments, reason = "the fields of a message, and the replica that the hint is for")]
    fn keep_hint(
        &mut self,
        now: Micros,
        replica: NodeId,
        key: KeyId,
        state: &Arc<KeyState>,
        update: Option<UpdateId>,
        member: &Member,
        ctx: &mut Context,
    ) {
        debug_assert!(ctx.node == member.node, "a message is handled by its receiver");
        debug_assert!(replica != member.node, "a member keeps hints for others");
        if let Some(replica) = member.group.index(replica) {
            self.coordinator.keep_hint(now, replica, key, state.clone(), update, ctx);
            self.set_handoff_timer(now, ctx);
        }
    }

    fn hinted_state(&self, replica: NodeId, key: KeyId, member: &Member) -> Option<Arc<KeyState>> {
        let replica = member.group.index(replica)?;
        self.coordinator.hints().get(&(replica, key)).map(|hint| hint.state.clone())
    }

    fn set_handoff_timer(&mut self, now: Micros, ctx: &mut Context) {
        debug_assert!(self.incarnation > 0, "a member has started");
        let Some(hints) = &self.coordinator.config().hints else { return };
        if !self.is_handoff_timer_set && !self.coordinator.hints().is_empty() {
            let wait = micros(hints.every_ms).max(1);
            self.is_handoff_timer_set = true;
            ctx.wake(now + wait, QuorumTimer::Handoff(self.incarnation).encode());
        }
        debug_assert!(self.is_handoff_timer_set || self.coordinator.hints().is_empty(), "hints are handed off");
    }

    /// Sends every hint to its replica, and discards those that have expired.
    fn hand_off_hints(&mut self, now: Micros, ctx: &mut Context) {
        debug_assert!(self.is_handoff_timer_set, "the timer was set");
        self.handoffs.clear();
        for ((replica, key), hint) in self.coordinator.hints().clone() {
            if hint.expires.is_some_and(|at| at <= now) {
                self.coordinator.remove_hint(replica, key, false, ctx);
                continue;
            }
            let request = self.coordinator.next_request();
            let (state, update, purpose) = (hint.state, hint.update, WritePurpose::Repair);
            self.handoffs.insert(request, Handoff { replica, key, state: state.clone() });
            let message = QuorumMessage::Write { request: Some(request), key, state, update, purpose };
            self.coordinator.send(replica, message, None, ctx);
        }
        self.is_handoff_timer_set = false;
        self.set_handoff_timer(now, ctx);
        debug_assert!(self.handoffs.len() <= self.coordinator.hints().len(), "a hint is sent once");
    }

    /// Discards a hint that its replica has acknowledged, unless a later write was merged into it.
    fn complete_handoff(&mut self, handoff: &Handoff, ctx: &mut Context) {
        if self.coordinator.hints().get(&(handoff.replica, handoff.key)).is_some_and(|hint| hint.state == handoff.state)
        {
            self.coordinator.remove_hint(handoff.replica, handoff.key, true, ctx);
        }
    }
}

/// Tombstones.
impl Quorum {
    /// Sets the timer that purges the tombstone of a deleted register at the end of its grace period, which begins with the deletion.
    fn watch_tombstone(&mut self, now: Micros, key: KeyId, member: &Member, ctx: &mut Context) {
        debug_assert!(now == ctx.now, "a tombstone is stored now");
        let Some(grace) = self.coordinator.config().tombstone_grace_ms else { return };
        let Some(KeyState::Register(register)) = member.states.get(&key) else { return };
        let is_tombstone = register.value.is_none() && !register.version.is_none();
        let is_watched = self.tombstones.values().any(|(of, version, _)| (*of, *version) == (key, register.version));
        if !is_tombstone || is_watched {
            return;
        }
        let end = register.deleted_at.unwrap_or(now).saturating_add(micros(grace));
        let number = self.next_tombstone;
        self.next_tombstone += 1;
        let previous = self.tombstones.insert(number, (key, register.version, end));
        debug_assert!(previous.is_none(), "the number of a timer is used once");
        ctx.wake(now.max(end), QuorumTimer::PurgeTombstone(number).encode());
    }

    fn purge_tombstone(&mut self, number: u32, member: &mut Member, ctx: &mut Context) {
        debug_assert!(number < self.next_tombstone, "only timers that were set fire");
        if let Some((key, version, _)) = self.tombstones.remove(&number)
            && member.states.get(&key).is_some_and(|state| state.version() == version)
        {
            debug_assert!(member.value(key).is_none(), "a deleted key has no value");
            member.states.remove(&key);
            ctx.record(Fact::TombstonePurged { node: member.node, key });
        }
    }
}
