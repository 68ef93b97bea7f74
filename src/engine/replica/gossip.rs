//! Gossip (Demers 1987): whoever is asked takes a write in and answers at once; members pass on what they have to others
//! at random. With a constant interval all members' rounds begin together, and what a round's contact finds is what was
//! there when the round began.

use super::cell::{Cell, Register, SharedCell};
use super::logged::{self, refused};
use super::wire::{Body, Wire};
use super::{Answer, Asker, Done, Member, after};
use crate::engine::context::Context;
use crate::engine::message::{Ask, Request};
use crate::engine::queue::Timer;
use crate::engine::random::{Sampler, Stream};
use crate::scenario::{Gossip as Plan, GossipStyle, Latency, Micros, Value};
use crate::trace::{Fact, KeyId, Refusal, UpdateId, Version};
use std::collections::BTreeMap;
use std::sync::Arc;

type Cells = Arc<Vec<(KeyId, SharedCell)>>;

/// News that a member still spreads.
#[derive(Clone, Debug)]
struct Hot {
    key: KeyId,
    cell: SharedCell,
    /// Contacts that knew it already, since the last that did not.
    unnecessary: u32,
}

/// A member's protocol state.
#[derive(Clone, Debug)]
pub struct Gossip {
    style: GossipStyle,
    every: Sampler,
    chance: Stream,
    fan_out: u32,
    /// What was there when the round began, where rounds begin together.
    round: Option<Cells>,
    round_began: Micros,
    hot: BTreeMap<UpdateId, Hot>,
    /// When a rumor was first heard.
    heard: BTreeMap<UpdateId, Micros>,
    epoch: u32,
}

impl Gossip {
    /// Nothing to tell.
    pub fn new(plan: &Plan, chance: Stream) -> Self {
        Gossip {
            style: plan.style,
            every: Sampler::new(&plan.every),
            chance,
            fan_out: plan.fan_out,
            round: matches!(plan.every, Latency::Constant { .. }).then(Cells::default),
            round_began: 0,
            hot: BTreeMap::new(),
            heard: BTreeMap::new(),
            epoch: 0,
        }
    }

    /// Sets the timer of the first round.
    pub fn start(&mut self, now: Micros, ctx: &mut Context) {
        self.epoch += 1;
        self.plan_round(now, ctx);
    }

    fn plan_round(&mut self, now: Micros, ctx: &mut Context) {
        let every = self.every.draw(&mut self.chance).max(1);
        // Rounds that begin together do so after a restart, too.
        let at = if self.round.is_some() { (now / every + 1) * every } else { now + every };
        ctx.wake(at, Timer::Protocol(self.epoch));
    }

    /// News and rounds are not durable.
    pub fn crash(&mut self, lose_disk: bool) {
        self.hot.clear();
        if lose_disk {
            self.heard.clear();
        }
    }

    /// Asked by a client.
    pub fn operate(
        &mut self,
        now: Micros,
        asker: Asker,
        request: &Request,
        member: &mut Member,
        ctx: &mut Context,
    ) -> Vec<Done> {
        if logged::is_read(request) {
            return vec![logged::read(asker, request, member, ctx)];
        }
        let (key, operation) = (request.key, request.operation);
        let _ = member.group.preference(key, ctx);
        let (cell, value) = match self.changed(now, request, member) {
            Ok(changed) => changed,
            Err(cause) => return refused(request, asker, cause),
        };
        let (over, before) = (member.cell(key).version(), member.cell(key).value(&member.group.data));
        let update = ctx.next_update();
        let (cell, version) = match cell {
            Cell::Register(register) => {
                (Cell::Register(Register { update: Some(update), ..register.clone() }), register.version)
            }
            other => {
                let own = member.origin();
                let count = other.context().iter().flatten().find(|(origin, _)| *origin == own).map_or(0, |at| at.1);
                (other, Version::counted(count, own))
            }
        };
        let (node, clock) = (member.node, member.clock(now));
        ctx.record(Fact::WriteCoordinated { update, operation, node, key, version, value, clock, replaces: over });
        if let Cell::Register(register) = &cell {
            member.coordinate(
                update,
                (key, version),
                register.value.as_ref(),
                before.as_ref(),
                register.made.as_deref(),
            );
        }
        member.absorb(key, &cell, Some(update), ctx);
        self.learn(now, update, key, Arc::new(cell));
        vec![Done { operation, asker, answer: Answer::Written(update, version) }]
    }

    /// What the key holds after a write here, and what the write says.
    fn changed(&self, now: Micros, request: &Request, member: &mut Member) -> Result<(Cell, Option<Value>), Refusal> {
        let (mut cell, origin) = (member.cell(request.key), member.origin());
        let said = match (&mut cell, &request.ask) {
            (Cell::Register(_), Ask::CompareAndSet { .. }) => return Err(Refusal::NotOffered),
            (Cell::Register(register), ask) => {
                let value = after(register.value.as_ref(), ask)?;
                let (clock, reading) = (member.group.clock(), member.clock(now));
                let carried = request.event.and_then(|event| event.carries());
                let version = carried
                    .unwrap_or_else(|| member.stamps.next(clock, reading, request.key, request.seen.version, origin));
                let made = member.made(now, request);
                *register = Register { version, value: value.clone(), update: None, made };
                value
            }
            (cell, ask) => cell.change(&member.group.data, origin, ask, request.seen.context.as_ref())?.1,
        };
        Ok((cell, said))
    }

    fn learn(&mut self, now: Micros, update: UpdateId, key: KeyId, cell: SharedCell) {
        if matches!(self.style, GossipStyle::Rumor { .. }) {
            self.heard.insert(update, now);
            self.hot.insert(update, Hot { key, cell, unnecessary: 0 });
        }
    }

    /// A round begins.
    pub fn on_timer(&mut self, now: Micros, n: u32, member: &mut Member, ctx: &mut Context) {
        if n != self.epoch {
            return;
        }
        if let Some(round) = &mut self.round {
            *round = Arc::new(member.all());
            self.round_began = now;
        }
        let others = member.group.members.len() as u32 - 1;
        for _ in 0..self.fan_out.min(others) {
            let peer = self.chance.below(others) as usize;
            let peer = if peer >= member.index { peer + 1 } else { peer };
            self.contact(peer, member, ctx);
        }
        self.plan_round(now, ctx);
    }

    fn contact(&self, peer: usize, member: &Member, ctx: &mut Context) {
        let cells = self.told(member);
        match self.style {
            GossipStyle::Push if !cells.is_empty() => {
                member.tell(peer, Body::State { cells, answer: false }, None, ctx);
            }
            GossipStyle::Push => {}
            GossipStyle::Pull => member.tell(peer, Body::Wanted { keys: None }, None, ctx),
            GossipStyle::PushPull => member.tell(peer, Body::State { cells, answer: true }, None, ctx),
            GossipStyle::Rumor { .. } => {
                for (update, hot) in self.hot.iter() {
                    let body = Body::Rumor { update: *update, key: hot.key, cell: hot.cell.clone() };
                    member.tell(peer, body, None, ctx);
                }
            }
        }
    }

    /// What a contact is told.
    fn told(&self, member: &Member) -> Cells {
        self.round.clone().unwrap_or_else(|| Arc::new(member.all()))
    }

    /// Something was said to it.
    pub fn on_wire(&mut self, now: Micros, wire: &Wire, member: &mut Member, ctx: &mut Context) {
        let Some(from) = member.group.index(wire.from) else { return };
        match &wire.body {
            Body::State { cells, answer } => {
                if *answer {
                    let mine = self.told(member);
                    member.tell(from, Body::State { cells: mine, answer: false }, None, ctx);
                }
                for (key, cell) in cells.iter() {
                    // What it has already says nothing.
                    if !member.cell(*key).covers(cell) {
                        member.absorb(*key, cell, None, ctx);
                    }
                }
            }
            Body::Wanted { .. } => {
                let cells = self.told(member);
                member.tell(from, Body::State { cells, answer: false }, None, ctx);
            }
            Body::Rumor { update, key, cell } => {
                let known = match self.heard.get(update) {
                    None => false,
                    // Judged on the state when the round began.
                    Some(at) => self.round.is_none() || *at < self.round_began,
                };
                if !self.heard.contains_key(update) {
                    member.absorb(*key, cell, Some(*update), ctx);
                    self.learn(now, *update, *key, cell.clone());
                }
                member.tell(from, Body::Feedback { update: *update, known }, None, ctx);
            }
            Body::Feedback { update, known } => {
                let GossipStyle::Rumor { lose_interest_after } = self.style else { return };
                let Some(hot) = self.hot.get_mut(update) else { return };
                hot.unnecessary = if *known { hot.unnecessary + 1 } else { 0 };
                if hot.unnecessary >= lose_interest_after {
                    self.hot.remove(update);
                }
            }
            _ => unreachable!("no such message is sent within a gossip group"),
        }
    }
}
