//! The coordinator of a leaderless quorum: it sends each operation to all replicas of the key, ends it at the W-th
//! acknowledgement or the R-th response, and still counts what comes later (Dynamo 2007; ABD 1995 for writing back).
//!
//! A member coordinates what it is asked; a client that routes to `itself` coordinates its own.

use crate::engine::context::Context;
use crate::engine::message::{Ask, LinkId, ReadResult, Request};
use crate::engine::queue::Timer;
use crate::engine::replica::cell::{Cell, Register, SharedCell};
use crate::engine::replica::member::{record_read, result, tell};
use crate::engine::replica::stamp::Stamps;
use crate::engine::replica::wire::{Body, Why};
use crate::engine::replica::{Answer, Asker, Done, Group, Member, after};
use crate::scenario::{Data, Micros, Quorum, ReadRepair, Value, micros};
use crate::trace::{Fact, KeyId, NodeId, OperationId, Outcome, Refusal, UpdateId, Version};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a write is: its cell, its update and the version that the client is told.
type Writing = (SharedCell, Option<UpdateId>, Version);

#[derive(Clone, Debug)]
enum Phase {
    /// R responses are awaited, for the client.
    Reading,
    /// R responses are awaited, to be changed and written back.
    Changing,
    /// W acknowledgements are awaited.
    Writing(Writing),
    /// A read's answer waits until so many replicas have it.
    Settling(ReadResult),
}

#[derive(Clone, Debug)]
struct Pending {
    asker: Asker,
    request: Arc<Request>,
    /// Members by preference; the first N hold the key.
    order: Vec<usize>,
    phase: Phase,
    asked: Vec<usize>,
    /// Who answered in this phase, and what it holds.
    heard: Vec<(usize, Option<SharedCell>)>,
    needed: usize,
    ended: bool,
    /// Stand-ins were asked after the first timeout.
    stood_in: bool,
}

/// A write that is kept for a replica that did not take it.
#[derive(Clone, Debug)]
pub struct Hint {
    /// What it is to be sent.
    pub cell: SharedCell,
    /// The update.
    pub update: Option<UpdateId>,
    /// Until when.
    pub expires: Micros,
}

/// A coordinator's state; all but the hints is lost in a crash.
#[derive(Clone, Debug)]
pub struct Coordinator {
    /// The group.
    pub group: Arc<Group>,
    /// Which node it runs at.
    pub node: NodeId,
    /// Its settings.
    pub plan: Quorum,
    own: Option<usize>,
    links: Arc<Vec<Option<LinkId>>>,
    pending: BTreeMap<u32, Pending>,
    next: u32,
    /// Members that did not answer in time, until they are heard of again.
    suspected: BTreeSet<usize>,
    /// For a client, which has no store: what it knows of versions.
    stamps: Stamps,
    /// By member and key.
    pub hints: BTreeMap<(usize, KeyId), Hint>,
}

/// Kinds of a quorum's timers, in the two lowest bits of their number.
pub const TIMEOUT: u32 = 0;

impl Coordinator {
    /// For a member, or a client, with its links to the members.
    pub fn new(mut plan: Quorum, group: Arc<Group>, node: NodeId, links: Arc<Vec<Option<LinkId>>>) -> Self {
        let own = group.index(node);
        if plan.sloppy {
            // What stand-ins keep are hints.
            plan.hints.get_or_insert_default();
        }
        Coordinator {
            group,
            node,
            plan,
            own,
            links,
            pending: BTreeMap::new(),
            next: 1,
            suspected: BTreeSet::new(),
            stamps: Stamps::default(),
            hints: BTreeMap::new(),
        }
    }

    /// What is under way is gone.
    pub fn crash(&mut self, lose_disk: bool) {
        self.pending.clear();
        self.suspected.clear();
        if lose_disk {
            self.hints.clear();
        }
    }

    /// A number for an answer, never used again.
    pub fn number(&mut self) -> u32 {
        self.next += 1;
        self.next - 1
    }

    /// A member was heard of.
    pub fn heard_of(&mut self, member: usize) {
        self.suspected.remove(&member);
    }

    /// Sends something to another member.
    pub fn tell(&self, to: usize, body: Body, operation: Option<OperationId>, ctx: &mut Context) {
        if let Some(link) = self.links[to] {
            tell(self.node, link, body, operation, ctx);
        }
    }

    /// Begins an operation. `reading` is the coordinator's own clock, µs; `local` its store, if it has one.
    pub fn begin(
        &mut self,
        now: Micros,
        asker: Asker,
        request: Arc<Request>,
        reading: i64,
        local: Option<&mut Member>,
        ctx: &mut Context,
    ) -> Vec<Done> {
        let register = matches!(self.group.data, Data::Register { .. });
        // The version that an event carries needs no older one.
        let carried = request.event.and_then(|event| event.carries());
        match (&request.ask, register) {
            (Ask::Read, _) => self.begin_read(now, asker, request, Phase::Reading, local, ctx),
            // With several writers ABD asks a quorum for the newest version first (Lynch and Shvartsman 1997).
            (Ask::Write(_) | Ask::Delete, true) if self.plan.write_back && carried.is_none() => {
                self.begin_read(now, asker, request, Phase::Changing, local, ctx)
            }
            (Ask::Write(_) | Ask::Delete, true) => {
                let value = match &request.ask {
                    Ask::Write(value) => Some(value.clone()),
                    _ => None,
                };
                self.begin_register_write(now, asker, request, (value, Version::default()), reading, local, ctx)
            }
            (
                Ask::Increment(_) | Ask::Add(_) | Ask::Remove(_) | Ask::Put(..) | Ask::Insert(..) | Ask::RemoveAt(_),
                true,
            ) => self.begin_read(now, asker, request, Phase::Changing, local, ctx),
            (Ask::CompareAndSet { .. }, _) => refused(&request, asker, Refusal::NotOffered),
            (_, false) => match local {
                Some(local) => self.begin_dotted_write(now, asker, request, local, reading, ctx),
                None => refused(&request, asker, Refusal::NotOffered),
            },
        }
    }

    #[expect(clippy::too_many_arguments, reason = "what a write is, who asked for it, and where it is coordinated")]
    fn begin_register_write(
        &mut self,
        now: Micros,
        asker: Asker,
        request: Arc<Request>,
        (value, over): (Option<Value>, Version),
        reading: i64,
        mut local: Option<&mut Member>,
        ctx: &mut Context,
    ) -> Vec<Done> {
        let (clock, key) = (self.group.clock(), request.key);
        let behind = if self.plan.write_back { over.max(request.seen.version) } else { request.seen.version };
        let over = local.as_deref().map_or(over, |member| over.max(member.cell(key).version()));
        let stamps = local.as_deref_mut().map_or(&mut self.stamps, |member| &mut member.stamps);
        let carried = request.event.and_then(|event| event.carries());
        let version = carried.unwrap_or_else(|| stamps.next(clock, reading, key, behind, self.node.0 + 1));
        let update = ctx.next_update();
        let made = local.as_deref().and_then(|member| member.made(now, &request));
        if let Some(member) = local.as_deref_mut() {
            let before = member.cell(key).value(&self.group.data);
            member.coordinate(update, (key, version), value.as_ref(), before.as_ref(), made.as_deref());
        }
        let cell = Arc::new(Cell::Register(Register { version, value: value.clone(), update: Some(update), made }));
        self.begin_write(now, asker, request, (cell, Some(update), version), (value, over), reading, local, ctx)
    }

    /// Of all data but registers the coordinator changes its own state, and sends that.
    fn begin_dotted_write(
        &mut self,
        now: Micros,
        asker: Asker,
        request: Arc<Request>,
        local: &mut Member,
        reading: i64,
        ctx: &mut Context,
    ) -> Vec<Done> {
        let mut cell = local.cell(request.key);
        let changed = cell.change(&self.group.data, local.origin(), &request.ask, request.seen.context.as_ref());
        let (dot, value) = match changed {
            Ok(changed) => changed,
            Err(cause) => return refused(&request, asker, cause),
        };
        let (update, version) = (ctx.next_update(), Version::counted(dot.1, dot.0));
        let writing = (Arc::new(cell), Some(update), version);
        self.begin_write(now, asker, request, writing, (value, Version::default()), reading, Some(local), ctx)
    }

    #[expect(clippy::too_many_arguments, reason = "what a write is, who asked for it, and where it is coordinated")]
    fn begin_write(
        &mut self,
        now: Micros,
        asker: Asker,
        request: Arc<Request>,
        writing: Writing,
        (value, over): (Option<Value>, Version),
        reading: i64,
        local: Option<&mut Member>,
        ctx: &mut Context,
    ) -> Vec<Done> {
        let (key, operation) = (request.key, request.operation);
        let order = self.group.preference(key, ctx);
        let (cell, update, version) = writing.clone();
        if let Some(update) = update {
            let node = self.node;
            ctx.record(Fact::WriteCoordinated {
                update,
                operation,
                node,
                key,
                version,
                value,
                clock: reading,
                replaces: over,
            });
        }
        let op = self.number();
        let mut asked: Vec<usize> = order[..self.group.replicas].to_vec();
        let stand_ins = self.stand_ins(&order, &asked);
        asked.extend(stand_ins.iter().map(|(stand_in, _)| *stand_in));
        let pending = Pending {
            asker,
            request,
            phase: Phase::Writing(writing),
            asked,
            heard: Vec::new(),
            needed: self.plan.write as usize,
            ended: false,
            stood_in: false,
            order: order.clone(),
        };
        self.pending.insert(op, pending);
        for &replica in &order[..self.group.replicas] {
            if Some(replica) != self.own {
                let body = Body::Write { op, key, cell: cell.clone(), update, why: Why::Write };
                self.tell(replica, body, Some(operation), ctx);
            }
        }
        for (stand_in, replica) in stand_ins {
            self.ask_stand_in(now, op, stand_in, replica, &(cell.clone(), update, version), key, operation, ctx);
        }
        ctx.wake(now + micros(self.plan.timeout_ms), Timer::Protocol(op << 2 | TIMEOUT));
        let own = self.own.filter(|own| order[..self.group.replicas].contains(own));
        match (own, local) {
            (Some(own), Some(member)) => {
                member.absorb(key, &cell, update, ctx);
                self.on_taken(op, own, ctx)
            }
            (Some(_) | None, _) => Vec::new(),
        }
    }

    /// Who stands in for suspected replicas, and for whom.
    fn stand_ins(&self, order: &[usize], asked: &[usize]) -> Vec<(usize, usize)> {
        if !self.plan.sloppy {
            return Vec::new();
        }
        let missing = order[..self.group.replicas].iter().filter(|replica| self.suspected.contains(replica));
        let able = order[self.group.replicas..].iter().filter(|member| !self.suspected.contains(member));
        able.filter(|member| !asked.contains(member)).copied().zip(missing.copied()).collect()
    }

    #[expect(clippy::too_many_arguments, reason = "what is written, and for whom who keeps it")]
    fn ask_stand_in(
        &mut self,
        now: Micros,
        op: u32,
        stand_in: usize,
        replica: usize,
        writing: &Writing,
        key: KeyId,
        operation: OperationId,
        ctx: &mut Context,
    ) {
        let (cell, update, _) = writing.clone();
        if Some(stand_in) == self.own {
            self.keep_hint(now, replica, key, cell, update, ctx);
            // Its own acknowledgement needs no message.
            if let Some(pending) = self.pending.get_mut(&op) {
                pending.heard.push((stand_in, None));
            }
            return;
        }
        let why = Why::StandIn(self.group.members[replica]);
        self.tell(stand_in, Body::Write { op, key, cell, update, why }, Some(operation), ctx);
    }

    /// Keeps a write for a replica that did not take it.
    pub fn keep_hint(
        &mut self,
        now: Micros,
        replica: usize,
        key: KeyId,
        cell: SharedCell,
        update: Option<UpdateId>,
        ctx: &mut Context,
    ) {
        let Some(hints) = &self.plan.hints else { return };
        let expires = now + micros(hints.window_ms);
        let hint = match self.hints.get(&(replica, key)) {
            Some(held) => {
                let mut merged = (*held.cell).clone();
                merged.merge(&cell);
                Hint { cell: Arc::new(merged), update, expires: held.expires }
            }
            None => Hint { cell, update, expires },
        };
        self.hints.insert((replica, key), hint);
        ctx.record(Fact::HintStored { node: self.node, replica: self.group.members[replica], key, update });
    }

    fn begin_read(
        &mut self,
        now: Micros,
        asker: Asker,
        request: Arc<Request>,
        phase: Phase,
        local: Option<&mut Member>,
        ctx: &mut Context,
    ) -> Vec<Done> {
        let (key, operation) = (request.key, request.operation);
        let order = self.group.preference(key, ctx);
        let op = self.number();
        let mut asked: Vec<usize> = order[..self.group.replicas].to_vec();
        let stand_ins = self.stand_ins(&order, &asked);
        for &replica in asked.iter().filter(|replica| Some(**replica) != self.own) {
            self.tell(replica, Body::Read { op, key, stand_in: None }, Some(operation), ctx);
        }
        for (stand_in, replica) in stand_ins.iter().filter(|(stand_in, _)| Some(*stand_in) != self.own) {
            let stands_for = Some(self.group.members[*replica]);
            self.tell(*stand_in, Body::Read { op, key, stand_in: stands_for }, Some(operation), ctx);
            asked.push(*stand_in);
        }
        let own = self.own.filter(|own| asked.contains(own));
        let needed = self.plan.read as usize;
        let (heard, ended) = (Vec::new(), false);
        let pending = Pending { asker, request, order, phase, asked, heard, needed, ended, stood_in: false };
        self.pending.insert(op, pending);
        ctx.wake(now + micros(self.plan.timeout_ms), Timer::Protocol(op << 2 | TIMEOUT));
        match (own, local) {
            (Some(own), Some(member)) => {
                let cell = Arc::new(member.cell(key));
                self.on_holds(now, op, own, cell, Some(member), ctx)
            }
            (Some(_) | None, _) => Vec::new(),
        }
    }

    /// A replica says what it holds.
    pub fn on_holds(
        &mut self,
        now: Micros,
        op: u32,
        from: usize,
        cell: SharedCell,
        local: Option<&mut Member>,
        ctx: &mut Context,
    ) -> Vec<Done> {
        self.heard_of(from);
        let Some(pending) = self.pending.get_mut(&op) else { return Vec::new() };
        if !matches!(pending.phase, Phase::Reading | Phase::Changing)
            || pending.heard.iter().any(|(member, _)| *member == from)
        {
            return Vec::new();
        }
        pending.heard.push((from, Some(cell)));
        let whole = pending.heard.len() == pending.asked.len();
        let enough = pending.heard.len() == pending.needed && !pending.ended;
        if enough {
            return self.conclude(now, op, local, ctx);
        }
        if whole && pending.ended {
            self.repair_late(op, local, ctx);
        }
        Vec::new()
    }

    /// The R-th response is there.
    fn conclude(&mut self, now: Micros, op: u32, mut local: Option<&mut Member>, ctx: &mut Context) -> Vec<Done> {
        let Some(pending) = self.pending.get_mut(&op) else { return Vec::new() };
        let (asker, request) = (pending.asker, pending.request.clone());
        let newest = Arc::new(merged(&self.group.data, &pending.heard));
        let clock = self.group.clock();
        let stamps = local.as_deref_mut().map_or(&mut self.stamps, |member| &mut member.stamps);
        stamps.see(clock, request.key, newest.version());
        if matches!(pending.phase, Phase::Changing) {
            self.pending.remove(&op);
            let present = newest.value(&self.group.data);
            return match after(present.as_ref(), &request.ask) {
                Err(cause) => refused(&request, asker, cause),
                Ok(value) => {
                    let reading = local.as_deref().map_or(now as i64, |member| member.clock(now));
                    self.begin_register_write(now, asker, request, (value, newest.version()), reading, local, ctx)
                }
            };
        }
        let answer = result(&self.group.data, &newest);
        let behind: Vec<usize> = pending
            .heard
            .iter()
            .filter(|(_, cell)| cell.as_ref().is_some_and(|cell| !cell.covers(&newest)))
            .map(|(member, _)| *member)
            .collect();
        let settle: Vec<usize> = match (self.plan.write_back, self.plan.read_repair) {
            (true, _) => pending.order[..self.group.replicas].to_vec(),
            (false, ReadRepair::Blocking) => behind,
            (false, ReadRepair::None | ReadRepair::Async) => Vec::new(),
        };
        // An absent key need not be written anywhere.
        if settle.is_empty() || *newest == Cell::empty(&self.group.data) {
            pending.ended = true;
            let whole = pending.heard.len() == pending.asked.len();
            record_read(request.operation, self.node, request.key, &answer, ctx);
            if whole {
                self.repair_late(op, local, ctx);
            }
            return vec![Done { operation: request.operation, asker, answer: Answer::Read(answer) }];
        }
        pending.needed = if self.plan.write_back { self.plan.write as usize } else { settle.len() };
        (pending.phase, pending.asked, pending.heard) = (Phase::Settling(answer), settle.clone(), Vec::new());
        let (key, update) = (request.key, newest.update());
        for &replica in settle.iter().filter(|replica| Some(**replica) != self.own) {
            let body = Body::Write { op, key, cell: newest.clone(), update, why: Why::Repair };
            self.tell(replica, body, Some(request.operation), ctx);
        }
        match (self.own.filter(|own| settle.contains(own)), local) {
            (Some(own), Some(member)) => {
                member.absorb(key, &newest, update, ctx);
                self.on_taken(op, own, ctx)
            }
            (Some(_) | None, _) => Vec::new(),
        }
    }

    /// Every replica that answered a read and is behind is sent the newest version.
    fn repair_late(&mut self, op: u32, mut local: Option<&mut Member>, ctx: &mut Context) {
        let Some(pending) = self.pending.remove(&op) else { return };
        if self.plan.read_repair != ReadRepair::Async {
            return;
        }
        let newest = Arc::new(merged(&self.group.data, &pending.heard));
        let (key, update, operation) = (pending.request.key, newest.update(), pending.request.operation);
        for (member, cell) in pending.heard {
            if cell.is_none_or(|cell| cell.covers(&newest)) {
                continue;
            }
            if Some(member) == self.own {
                if let Some(local) = local.as_deref_mut() {
                    local.absorb(key, &newest, update, ctx);
                }
            } else {
                let body = Body::Write { op: 0, key, cell: newest.clone(), update, why: Why::Repair };
                self.tell(member, body, Some(operation), ctx);
            }
        }
    }

    /// A replica has taken a write in.
    pub fn on_taken(&mut self, op: u32, from: usize, ctx: &mut Context) -> Vec<Done> {
        self.heard_of(from);
        let Some(pending) = self.pending.get_mut(&op) else { return Vec::new() };
        if pending.heard.iter().any(|(member, _)| *member == from) {
            return Vec::new();
        }
        pending.heard.push((from, None));
        let (asker, operation, key) = (pending.asker, pending.request.operation, pending.request.key);
        let enough = !pending.ended && pending.heard.len() >= pending.needed;
        let whole = pending.heard.len() >= pending.asked.len();
        let answer = match &pending.phase {
            Phase::Writing((_, Some(update), version)) => Answer::Written(*update, *version),
            Phase::Settling(result) => Answer::Read(result.clone()),
            Phase::Writing((_, None, _)) | Phase::Reading | Phase::Changing => return Vec::new(),
        };
        pending.ended |= enough;
        if whole {
            self.pending.remove(&op);
        }
        if !enough {
            return Vec::new();
        }
        if let Answer::Read(result) = &answer {
            record_read(operation, self.node, key, result, ctx);
        }
        vec![Done { operation, asker, answer }]
    }

    /// An operation's time for answers is up.
    pub fn on_timeout(&mut self, now: Micros, op: u32, local: Option<&mut Member>, ctx: &mut Context) -> Vec<Done> {
        let Some(pending) = self.pending.get(&op) else { return Vec::new() };
        let silent: Vec<usize> = pending
            .asked
            .iter()
            .filter(|asked| !pending.heard.iter().any(|(member, _)| member == *asked))
            .copied()
            .collect();
        for member in &silent {
            self.suspected.insert(*member);
        }
        let (request, asker, ended) = (pending.request.clone(), pending.asker, pending.ended);
        let Phase::Writing(writing) = pending.phase.clone() else {
            if ended {
                self.repair_late(op, local, ctx);
                return Vec::new();
            }
            self.pending.remove(&op);
            return refused(&request, asker, Refusal::TooFewReplicas);
        };
        let replicas = &pending.order[..self.group.replicas];
        let missed: Vec<usize> = silent.into_iter().filter(|member| replicas.contains(member)).collect();
        let (order, asked, again) = (pending.order.clone(), pending.asked.clone(), !pending.stood_in);
        let key = request.key;
        if self.plan.sloppy && again {
            let able = order[self.group.replicas..].iter().copied().filter(|member| !asked.contains(member));
            let pairs: Vec<(usize, usize)> = able.zip(missed).collect();
            if let Some(pending) = self.pending.get_mut(&op) {
                pending.stood_in = true;
                pending.asked.extend(pairs.iter().map(|(stand_in, _)| *stand_in));
            }
            if !pairs.is_empty() {
                for (stand_in, replica) in pairs {
                    self.ask_stand_in(now, op, stand_in, replica, &writing, key, request.operation, ctx);
                }
                ctx.wake(now + micros(self.plan.timeout_ms), Timer::Protocol(op << 2 | TIMEOUT));
                return Vec::new();
            }
        } else if !self.plan.sloppy && local.is_some() {
            // A hint at the coordinator counts for nothing (as Cassandra's).
            for replica in missed {
                self.keep_hint(now, replica, key, writing.0.clone(), writing.1, ctx);
            }
        }
        self.pending.remove(&op);
        if ended {
            return Vec::new();
        }
        let answer = Answer::Refused(Refusal::TooFewReplicas, Outcome::Unknown);
        vec![Done { operation: request.operation, asker, answer }]
    }
}

fn refused(request: &Request, asker: Asker, cause: Refusal) -> Vec<Done> {
    vec![Done { operation: request.operation, asker, answer: Answer::Refused(cause, Outcome::Fail) }]
}

/// The merge of what replicas hold.
fn merged(data: &Data, heard: &[(usize, Option<SharedCell>)]) -> Cell {
    let mut newest = Cell::empty(data);
    for cell in heard.iter().filter_map(|(_, cell)| cell.as_ref()) {
        newest.merge(cell);
    }
    newest
}
