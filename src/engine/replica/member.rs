//! What every protocol has: a place in the group, a durable store of cells, and a clock.

use super::cell::{Cell, SharedCell};
use super::events::{self, Made, Outgoing};
use super::stamp::Stamps;
use super::wire::{Body, Wire};
use crate::engine::context::Context;
use crate::engine::message::{About, LinkId, Payload, ReadResult, Request};
use crate::scenario::{Data, Micros, Protocol, Value, VersionClock};
use crate::trace::{Fact, KeyId, NodeId, OperationId, UpdateId, Version};
use std::collections::BTreeMap;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64;

/// A group, as all of its members know it.
#[derive(Clone, Debug)]
pub struct Group {
    /// The group's own id.
    pub node: NodeId,
    /// Its members, in the document's order.
    pub members: Vec<NodeId>,
    /// What a key holds.
    pub data: Data,
    /// How its members agree.
    pub protocol: Protocol,
    /// How many members hold a key.
    pub replicas: usize,
    /// Any member publishes or subscribes: its keys are those of the services around it.
    pub connected: bool,
    /// Any member publishes.
    pub publishes: bool,
}

impl Group {
    /// The members in the order in which they are asked for a key; the first so many hold it.
    pub fn preference(&self, key: KeyId, ctx: &mut Context) -> Vec<usize> {
        let all = self.members.len();
        let first =
            if self.replicas < all { (xxh3_64(ctx.names.key(key).as_bytes()) % all as u64) as usize } else { 0 };
        let order: Vec<usize> = (0..all).map(|i| (first + i) % all).collect();
        if ctx.is_first(self.node, key) {
            let replicas = order[..self.replicas].iter().map(|i| self.members[*i]).collect();
            ctx.record(Fact::KeyPlaced { group: self.node, key, replicas });
        }
        order
    }

    /// Where a node stands among the members.
    pub fn index(&self, node: NodeId) -> Option<usize> {
        // Members mostly stand in the group as they stand in the document.
        let guess = node.0.wrapping_sub(self.members[0].0) as usize;
        let here = |at: &usize| self.members.get(*at) == Some(&node);
        Some(guess).filter(here).or_else(|| self.members.iter().position(|member| *member == node))
    }

    /// Which clock orders its registers.
    pub fn clock(&self) -> VersionClock {
        match self.data {
            Data::Register { clock } => clock,
            Data::MultiValue
            | Data::Merged { .. }
            | Data::Counter
            | Data::Set
            | Data::RemoveWinsSet
            | Data::Map
            | Data::Sequence => VersionClock::Lamport,
        }
    }
}

/// A member: what is durable of it, and where it stands.
#[derive(Clone, Debug)]
pub struct Member {
    /// Which node it is.
    pub node: NodeId,
    /// The group.
    pub group: Arc<Group>,
    /// Where it stands among the members.
    pub index: usize,
    /// Links to the other members, by place; none to itself. Empty in a group that is too large for that.
    pub links: Arc<Vec<Option<LinkId>>>,
    /// What it holds.
    pub cells: BTreeMap<KeyId, Cell>,
    /// What stood in the document.
    pub seeds: Arc<Vec<(KeyId, Cell)>>,
    /// What it knows of versions.
    pub stamps: Stamps,
    /// Offset of its clock, µs.
    pub clock_offset: i64,
    /// Drift of its clock, parts in a million.
    pub clock_drift: f64,
    /// What it is to publish.
    pub outgoing: Outgoing,
}

impl Member {
    /// Reading of its own clock, µs.
    pub fn clock(&self, now: Micros) -> i64 {
        now as i64 + (now as f64 * self.clock_drift / 1e6).round() as i64 + self.clock_offset
    }

    /// Sets its clock.
    pub fn set_clock(&mut self, now: Micros, offset: i64, drift_ppm: f64, ctx: &mut Context) {
        (self.clock_offset, self.clock_drift) = (offset, drift_ppm);
        let drift = (drift_ppm * 1000.0).round() as i64;
        ctx.record(Fact::ClockSet { node: self.node, offset: self.clock(now) - now as i64, drift });
    }

    /// One more than its index among the nodes: the origin of its versions and dots.
    pub fn origin(&self) -> u32 {
        self.node.0 + 1
    }

    /// Says something to another member.
    pub fn tell(&self, to: usize, body: Body, operation: Option<OperationId>, ctx: &mut Context) {
        match self.links.get(to) {
            Some(Some(link)) => tell(self.node, *link, body, operation, ctx),
            Some(None) => {}
            None => {
                let (about, from) = (About { update: body.update(), operation, attempt: 0 }, self.node);
                ctx.send_to_member(from, self.group.members[to], Payload::Wire(Arc::new(Wire { from, body })), about);
            }
        }
    }

    /// What it holds of a key.
    pub fn cell(&self, key: KeyId) -> Cell {
        self.cells.get(&key).cloned().unwrap_or_else(|| Cell::empty(&self.group.data))
    }

    /// What a read returns that finds a cell.
    pub fn result(&self, cell: &Cell) -> ReadResult {
        result(&self.group.data, cell)
    }

    /// Where a write that it coordinates comes from, if anybody outside of the group is to know.
    pub fn made(&self, now: Micros, request: &Request) -> Option<Arc<Made>> {
        let (event, poison) = (request.event, request.poison);
        let clock = event.map_or_else(|| self.clock(now), |event| event.clock);
        let event = event.map(|event| (event.update, event.version));
        self.group.connected.then(|| Arc::new(Made { clock, poison, event, at: now }))
    }

    /// Takes note of a write that it coordinates, and publishes; `before` is what the key held.
    pub fn coordinate(
        &mut self,
        update: UpdateId,
        (key, version): (KeyId, Version),
        value: Option<&Value>,
        before: Option<&Value>,
        made: Option<&Made>,
    ) {
        if let (Some(value), Some(made)) = (value, made.filter(|made| made.event.is_none())) {
            self.outgoing.coordinate(events::said(update, key, value.clone(), version, made), before);
        }
    }

    /// Takes in a state of a key; whether that changed anything.
    pub fn absorb(&mut self, key: KeyId, cell: &Cell, update: Option<UpdateId>, ctx: &mut Context) -> bool {
        self.stamps.see(self.group.clock(), key, cell.version());
        let data = self.group.data.clone();
        let mine = self.cells.entry(key).or_insert_with(|| Cell::empty(&data));
        let before = if self.outgoing.wants_stored() { mine.value(&data) } else { None };
        let changed = mine.merge(cell);
        if let (true, true, Cell::Register(register)) = (changed, self.outgoing.wants_stored(), cell)
            && let (Some(id), Some(value), Some(made)) = (register.update, &register.value, &register.made)
            && made.event.is_none()
        {
            let said = events::said(id, key, value.clone(), register.version, made);
            self.outgoing.store(said, before.as_ref());
        }
        self.tell_stored(key, cell, update, changed, ctx);
        changed
    }

    /// Sets a register as it is, newer or older.
    pub fn set(&mut self, key: KeyId, cell: Cell, ctx: &mut Context) {
        self.tell_stored(key, &cell, cell.update(), true, ctx);
        self.cells.insert(key, cell);
    }

    /// Records what it holds of a key after it took something in.
    pub fn tell_stored(&self, key: KeyId, said: &Cell, update: Option<UpdateId>, changed: bool, ctx: &mut Context) {
        let node = self.node;
        if let Cell::Register(register) = said {
            let (version, value) = (register.version, register.value.clone());
            let update = register.update.or(update);
            return ctx.record(Fact::ReplicaStored { update, node, key, version, value, changed });
        }
        if changed {
            let mine = self.cell(key);
            let (context, values) = (mine.context().unwrap_or_default(), mine.values(&self.group.data));
            ctx.record(Fact::StateMerged { update, node, key, context, values });
        }
    }

    /// Records what stood in the document, of data without a total order.
    pub fn record_initial_state(&self, key: KeyId, ctx: &mut Context) {
        let cell = self.cell(key);
        if cell.context().is_some() {
            self.tell_stored(key, &cell, None, true, ctx);
        }
    }

    /// The disk is gone.
    pub fn lose_disk(&mut self) {
        self.cells.clear();
        self.stamps = Stamps::default();
    }

    /// All that it holds.
    pub fn all(&self) -> Vec<(KeyId, SharedCell)> {
        self.cells.iter().map(|(key, cell)| (*key, Arc::new(cell.clone()))).collect()
    }
}

/// What a read returns that finds a cell.
pub fn result(data: &Data, cell: &Cell) -> ReadResult {
    ReadResult { value: cell.value(data), version: cell.version(), origin: cell.origin().0, context: cell.context() }
}

/// Records what a read returned.
pub fn record_read(operation: OperationId, node: NodeId, key: KeyId, result: &ReadResult, ctx: &mut Context) {
    let ReadResult { value, origin: version, context, .. } = result.clone();
    ctx.record(Fact::ReadServed { operation, node, key, version, value, context });
}

/// Says something within a group, over a link.
pub fn tell(from: NodeId, link: LinkId, body: Body, operation: Option<OperationId>, ctx: &mut Context) {
    let about = About { update: body.update(), operation, attempt: 0 };
    ctx.send(link, Payload::Wire(Arc::new(Wire { from, body })), about);
}
