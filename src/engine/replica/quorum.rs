//! A member of a leaderless group: it coordinates what it is asked, serves other coordinators, keeps hints, and repairs.

mod coordinator;
mod merkle;

pub use coordinator::Coordinator;

use super::cell::{Cell, SharedCell};
use super::wire::{Body, Why, Wire};
use super::{Asker, Done, Member};
use crate::engine::context::Context;
use crate::engine::message::{LinkId, Request};
use crate::engine::queue::Timer;
use crate::engine::random::Stream;
use crate::scenario::{Micros, Quorum as Plan, micros};
use crate::trace::{Fact, KeyId, NodeId, UpdateId, Version};
use coordinator::TIMEOUT;
use merkle::AntiEntropy;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Kinds of its timers, in the two lowest bits of their number.
const HINTS: u32 = 1;
const COMPARE: u32 = 2;
const PURGE: u32 = 3;

/// A member's protocol state.
#[derive(Clone, Debug)]
pub struct Quorum {
    coordinator: Coordinator,
    anti_entropy: Option<AntiEntropy>,
    /// Hints that are being sent: by the number for the answer.
    handing_off: BTreeMap<u32, (usize, KeyId, SharedCell)>,
    hints_timed: bool,
    /// Deletions by the number of their timer.
    tombstones: BTreeMap<u32, (KeyId, Version)>,
    next_tombstone: u32,
    /// A timer of anti-entropy that was set before a restart finds another number.
    epoch: u32,
}

impl Quorum {
    /// A member that has nothing under way.
    pub fn new(plan: Plan, member: &Member, chance: &dyn Fn(&str) -> Stream) -> Self {
        let anti_entropy = plan.anti_entropy.as_ref().map(|plan| AntiEntropy::new(plan, chance("anti-entropy")));
        Quorum {
            coordinator: Coordinator::new(plan, member.group.clone(), member.node, member.links.clone()),
            anti_entropy,
            handing_off: BTreeMap::new(),
            hints_timed: false,
            tombstones: BTreeMap::new(),
            next_tombstone: 0,
            epoch: 0,
        }
    }

    /// Sets its first timers.
    pub fn start(&mut self, now: Micros, ctx: &mut Context) {
        self.epoch += 1;
        if let Some(anti_entropy) = &mut self.anti_entropy {
            ctx.wake(now + anti_entropy.first_wait(), Timer::Protocol(self.epoch << 2 | COMPARE));
        }
        self.hints_timed = false;
        self.time_hints(now, ctx);
        // What was to be purged while it was down is purged a grace period later.
        let (grace, tombstones) = (self.coordinator.plan.tombstone_grace_ms, self.tombstones.clone());
        for number in tombstones.keys() {
            if let Some(grace) = grace {
                ctx.wake(now + micros(grace), Timer::Protocol(number << 2 | PURGE));
            }
        }
    }

    /// Whatever was under way is gone.
    pub fn crash(&mut self, lose_disk: bool) {
        self.coordinator.crash(lose_disk);
        self.handing_off.clear();
        if lose_disk {
            self.tombstones.clear();
        }
    }

    /// Coordinates an operation.
    pub fn operate(
        &mut self,
        now: Micros,
        asker: Asker,
        request: Arc<Request>,
        member: &mut Member,
        ctx: &mut Context,
    ) -> Vec<Done> {
        let (reading, key) = (member.clock(now), request.key);
        let done = self.coordinator.begin(now, asker, request, reading, Some(member), ctx);
        self.time_tombstone(now, key, member, ctx);
        self.time_hints(now, ctx);
        done
    }

    /// Something was said to it.
    pub fn on_wire(
        &mut self,
        now: Micros,
        wire: &Wire,
        back: Option<LinkId>,
        member: &mut Member,
        ctx: &mut Context,
    ) -> Vec<Done> {
        let from = member.group.index(wire.from);
        if let Some(from) = from {
            self.coordinator.heard_of(from);
        }
        match (&wire.body, from) {
            (Body::Write { op, key, cell, update, why }, _) => {
                self.on_write(now, *key, cell, *update, *why, member, ctx);
                if let (Some(back), true) = (back, *op != 0) {
                    super::member::tell(member.node, back, Body::Taken { op: *op }, None, ctx);
                }
                Vec::new()
            }
            (Body::Read { op, key, stand_in }, _) => {
                let hint = stand_in.and_then(|replica| self.hint_for(replica, *key, member));
                let cell = hint.unwrap_or_else(|| Arc::new(member.cell(*key)));
                if let Some(back) = back {
                    super::member::tell(member.node, back, Body::Holds { op: *op, key: *key, cell }, None, ctx);
                }
                Vec::new()
            }
            (Body::Taken { op }, Some(from)) => {
                if let Some((replica, key, cell)) = self.handing_off.remove(op) {
                    let sent = self.coordinator.hints.get(&(replica, key)).is_some_and(|hint| *hint.cell == *cell);
                    if sent {
                        self.coordinator.hints.remove(&(replica, key));
                        let replica = member.group.members[replica];
                        ctx.record(Fact::HintRemoved { node: member.node, replica, key, delivered: true });
                    }
                    return Vec::new();
                }
                self.coordinator.on_taken(*op, from, ctx)
            }
            (Body::Holds { op, key, cell }, Some(from)) => {
                let done = self.coordinator.on_holds(now, *op, from, cell.clone(), Some(member), ctx);
                self.time_tombstone(now, *key, member, ctx);
                done
            }
            (Body::Compare { .. } | Body::Marks { .. } | Body::Wanted { .. }, Some(from)) => {
                if let Some(anti_entropy) = &mut self.anti_entropy {
                    anti_entropy.on_wire(&wire.body, from, member, ctx);
                }
                Vec::new()
            }
            _ => unreachable!("no such message is sent within a leaderless group"),
        }
    }

    fn hint_for(&self, replica: NodeId, key: KeyId, member: &Member) -> Option<SharedCell> {
        let replica = member.group.index(replica)?;
        self.coordinator.hints.get(&(replica, key)).map(|hint| hint.cell.clone())
    }

    #[expect(clippy::too_many_arguments, reason = "what is written, and why")]
    fn on_write(
        &mut self,
        now: Micros,
        key: KeyId,
        cell: &SharedCell,
        update: Option<UpdateId>,
        why: Why,
        member: &mut Member,
        ctx: &mut Context,
    ) {
        match why {
            Why::StandIn(replica) => {
                if let Some(replica) = member.group.index(replica) {
                    self.coordinator.keep_hint(now, replica, key, cell.clone(), update, ctx);
                    self.time_hints(now, ctx);
                }
            }
            Why::Write | Why::Repair => {
                member.absorb(key, cell, update, ctx);
                self.time_tombstone(now, key, member, ctx);
            }
        }
    }

    /// The mark of a deletion is forgotten after its grace period.
    fn time_tombstone(&mut self, now: Micros, key: KeyId, member: &Member, ctx: &mut Context) {
        let Some(grace) = self.coordinator.plan.tombstone_grace_ms else { return };
        let Some(Cell::Register(register)) = member.cells.get(&key) else { return };
        let known = self.tombstones.values().any(|known| *known == (key, register.version));
        if register.value.is_some() || register.version.is_none() || known {
            return;
        }
        let number = self.next_tombstone;
        self.next_tombstone += 1;
        self.tombstones.insert(number, (key, register.version));
        ctx.wake(now + micros(grace), Timer::Protocol(number << 2 | PURGE));
    }

    fn time_hints(&mut self, now: Micros, ctx: &mut Context) {
        let Some(hints) = &self.coordinator.plan.hints else { return };
        if !self.hints_timed && !self.coordinator.hints.is_empty() {
            self.hints_timed = true;
            ctx.wake(now + micros(hints.every_ms).max(1), Timer::Protocol(self.epoch << 2 | HINTS));
        }
    }

    /// Sends every hint to the replica that it is for.
    fn hand_off(&mut self, now: Micros, member: &Member, ctx: &mut Context) {
        self.handing_off.clear();
        let hints: Vec<((usize, KeyId), coordinator::Hint)> =
            self.coordinator.hints.iter().map(|(at, hint)| (*at, hint.clone())).collect();
        for ((replica, key), hint) in hints {
            if hint.expires <= now {
                self.coordinator.hints.remove(&(replica, key));
                let replica = member.group.members[replica];
                ctx.record(Fact::HintRemoved { node: member.node, replica, key, delivered: false });
                continue;
            }
            let op = self.coordinator.number();
            self.handing_off.insert(op, (replica, key, hint.cell.clone()));
            let body = Body::Write { op, key, cell: hint.cell, update: hint.update, why: Why::Repair };
            self.coordinator.tell(replica, body, None, ctx);
        }
        self.hints_timed = false;
        self.time_hints(now, ctx);
    }

    /// A timer ran out; if its reason is gone, nothing happens.
    pub fn on_timer(&mut self, now: Micros, n: u32, member: &mut Member, ctx: &mut Context) -> Vec<Done> {
        let number = n >> 2;
        match n & 3 {
            TIMEOUT => {
                let done = self.coordinator.on_timeout(now, number, Some(member), ctx);
                self.time_hints(now, ctx);
                return done;
            }
            HINTS if number == self.epoch => self.hand_off(now, member, ctx),
            COMPARE if number == self.epoch => {
                if let Some(anti_entropy) = &mut self.anti_entropy {
                    anti_entropy.begin(member, ctx);
                    ctx.wake(now + anti_entropy.every, Timer::Protocol(n));
                }
            }
            PURGE => {
                if let Some((key, version)) = self.tombstones.remove(&number)
                    && member.cells.get(&key).is_some_and(|cell| cell.version() == version)
                {
                    member.cells.remove(&key);
                    ctx.record(Fact::TombstonePurged { node: member.node, key });
                }
            }
            _ => {}
        }
        Vec::new()
    }
}
