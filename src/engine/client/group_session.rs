//! A client of a replica group: which member it asks, where it goes on when that one cannot help, and the version token
//! that enforces its sessions' guarantees (Terry 1994; the token is per key).

use super::{Awaited, Client};
use crate::engine::context::Context;
use crate::engine::message::{About, Ask, LinkId, Payload, ReadResult, Request, SessionToken};
use crate::engine::queue::Timer;
use crate::engine::random::Stream;
use crate::engine::replica::{ClientRequest, Coordinator, Group, OperationReply, Requester};
use crate::scenario::{Micros, Operation, Route, SessionGuarantee};
use crate::trace::{KeyId, NodeId, OperationId, Version, VersionVector};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How long a client waits before it asks again, where every member was asked, or none knows who leads, µs.
const AGAIN: Micros = 10_000;
/// Kinds of the timers beside those of the coordinator, in the two lowest bits of their number.
const ASK_AGAIN: u32 = 1;

/// What a session knows of a key.
#[derive(Clone, Debug, Default)]
struct Token {
    written: Version,
    read: Version,
    /// Of data without a total order.
    context: VersionVector,
}

/// A client's dealings with a group.
#[derive(Clone, Debug)]
pub struct GroupSession {
    group: Arc<Group>,
    links: Arc<Vec<Option<LinkId>>>,
    write_route: Route,
    read_route: Route,
    guarantees: Vec<SessionGuarantee>,
    nearest: usize,
    /// Who takes writes, as far as it knows.
    leader: usize,
    /// By session.
    homes: Vec<usize>,
    chance: Stream,
    coordinator: Option<Coordinator>,
    tokens: BTreeMap<(u32, KeyId), Token>,
}

impl GroupSession {
    /// A client that has not asked anything. `links` are its own to each member; `nearest` the member with the lowest
    /// mean latency; `coordinator` is there if it routes to itself.
    #[expect(clippy::too_many_arguments, reason = "a client's settings, of which it keeps each")]
    pub fn new(
        group: Arc<Group>,
        links: Arc<Vec<Option<LinkId>>>,
        routes: (Route, Route),
        guarantees: Vec<SessionGuarantee>,
        nearest: usize,
        sessions: u32,
        mut chance: Stream,
        coordinator: Option<Coordinator>,
    ) -> Self {
        let members = group.members.len() as u32;
        let homes = (0..sessions).map(|_| chance.below(members) as usize).collect();
        let (write_route, read_route) = routes;
        let tokens = BTreeMap::new();
        GroupSession {
            group,
            links,
            write_route,
            read_route,
            guarantees,
            nearest,
            leader: 0,
            homes,
            chance,
            coordinator,
            tokens,
        }
    }

    /// Where a node stands among the members.
    pub fn index(&self, node: NodeId) -> Option<usize> {
        self.group.index(node)
    }

    /// Lets the coordinator do something, if there is one.
    pub fn coordinator(&mut self, act: impl FnOnce(&mut Coordinator) -> Vec<OperationReply>) -> Vec<OperationReply> {
        self.coordinator.as_mut().map_or_else(Vec::new, act)
    }

    /// The member to ask; none if the client coordinates itself.
    fn choose(&mut self, session: u32, read: bool) -> Option<usize> {
        match if read { self.read_route } else { self.write_route } {
            Route::Sticky => Some(self.homes[session as usize % self.homes.len()]),
            Route::Any => Some(self.chance.below(self.group.members.len() as u32) as usize),
            Route::Nearest => Some(self.nearest),
            Route::Primary => Some(self.leader),
            Route::Itself => None,
        }
    }

    fn promises(&self, guarantee: SessionGuarantee) -> bool {
        self.guarantees.contains(&guarantee)
    }

    /// What the request says that its session has seen.
    fn seen(&self, session: u32, key: KeyId) -> SessionToken {
        let token = self.tokens.get(&(session, key)).cloned().unwrap_or_default();
        let mut version = Version::default();
        if self.promises(SessionGuarantee::MonotonicWrites) {
            version = version.max(token.written);
        }
        if self.promises(SessionGuarantee::WritesFollowReads) {
            version = version.max(token.read);
        }
        SessionToken { version, context: Some(token.context) }
    }

    /// Whether a result reflects all that its session is promised.
    fn reflects(&self, session: u32, key: KeyId, result: &ReadResult) -> bool {
        let Some(token) = self.tokens.get(&(session, key)) else { return true };
        let own = self.promises(SessionGuarantee::ReadYourWrites);
        let monotonic = self.promises(SessionGuarantee::MonotonicReads);
        match &result.context {
            None => (!own || result.version >= token.written) && (!monotonic || result.version >= token.read),
            Some(context) => {
                let covers = |origin: u32, count: u32| context.iter().any(|(at, upto)| *at == origin && *upto >= count);
                let written = token.written.is_none() || covers(token.written.origin, token.written.counter);
                let read = token.context.iter().all(|(origin, count)| covers(*origin, *count));
                (!own || written) && (!monotonic || read)
            }
        }
    }
}

impl Client {
    pub(super) fn issue_at_group(
        &mut self,
        now: Micros,
        session: u32,
        generated: bool,
        operation: &Operation,
        ctx: &mut Context,
    ) {
        let Some(at) = &mut self.config.group else { return };
        let member = at.choose(session, operation.is_read());
        let to = member.map_or(at.group.node, |member| at.group.members[member]);
        let mut request = ctx.issue(self.config.node, session, to, operation);
        let id = request.operation;
        request.token = at.seen(session, request.key);
        let request = Arc::new(request);
        self.pending.insert(id, Awaited { session, generated, request: Some(request.clone()), asked: 1, timeouts: 0 });
        ctx.wake(now + self.config.timeout, Timer::OperationTimeout(id.0));
        match member {
            Some(member) => self.send_request(id, member, ctx),
            None => {
                let done = at.coordinator(|it| it.begin(now, local_request(request), None, ctx));
                self.end_coordinated(now, done, ctx);
            }
        }
    }

    fn send_request(&self, id: OperationId, member: usize, ctx: &mut Context) {
        let at = self.config.group.as_ref().and_then(|at| at.links[member]);
        let request = self.pending.get(&id).and_then(|awaited| awaited.request.clone());
        if let (Some(link), Some(request)) = (at, request) {
            ctx.send(link, Payload::Operate(request), About { operation: Some(id), ..About::default() });
        }
    }

    /// A member says who takes such operations, or that it does not know.
    pub(super) fn on_redirect(&mut self, now: Micros, id: OperationId, to: Option<NodeId>, ctx: &mut Context) {
        let (Some(awaited), Some(at)) = (self.pending.get_mut(&id), &mut self.config.group) else { return };
        awaited.asked += 1;
        let members = at.group.members.len() as u32;
        match to.and_then(|node| at.group.index(node)) {
            // Two members that send on to each other are not asked in an endless round within one instant.
            Some(member) if awaited.asked % (members + 1) != 0 => {
                // A chain's tail takes reads alone: only who takes writes is remembered.
                if awaited.request.as_ref().is_some_and(|request| request.ask != Ask::Read) {
                    at.leader = member;
                }
                self.send_request(id, member, ctx);
            }
            Some(_) | None => ctx.wake(now + AGAIN, Timer::Protocol(id.0 << 2 | ASK_AGAIN)),
        }
    }

    pub(super) fn on_protocol_timer(&mut self, now: Micros, n: u32, ctx: &mut Context) {
        if n & 3 == ASK_AGAIN {
            let id = OperationId(n >> 2);
            let (Some(awaited), Some(at)) = (self.pending.get(&id), &self.config.group) else { return };
            let member = (at.leader + awaited.asked as usize) % at.group.members.len();
            return self.send_request(id, member, ctx);
        }
        let Some(at) = &mut self.config.group else { return };
        let done = at.coordinator(|it| it.on_timeout(now, n >> 2, None, ctx));
        self.end_coordinated(now, done, ctx);
    }

    /// A member was silent: the session asks another from now on.
    pub(super) fn avoid_silent_member(&mut self, id: OperationId) {
        if let (Some(awaited), Some(at)) = (self.pending.get(&id), &mut self.config.group) {
            let members = at.group.members.len();
            let home = awaited.session as usize % at.homes.len();
            at.homes[home] = (at.homes[home] + 1) % members;
            at.leader = (at.leader + 1) % members;
        }
    }

    /// Asks an operation that was not answered once more.
    pub(super) fn retry_at_group(&mut self, now: Micros, id: OperationId, request: Arc<Request>, ctx: &mut Context) {
        let (Some(awaited), Some(at)) = (self.pending.get(&id), &mut self.config.group) else { return };
        match at.choose(awaited.session, request.ask == Ask::Read) {
            Some(member) => self.send_request(id, member, ctx),
            None => {
                let done = at.coordinator(|it| it.begin(now, local_request(request), None, ctx));
                self.end_coordinated(now, done, ctx);
            }
        }
    }

    /// Takes note of a write's version.
    pub(super) fn record_write(&mut self, id: OperationId, version: Version) {
        let (Some(awaited), Some(at)) = (self.pending.get(&id), &mut self.config.group) else { return };
        let Some(request) = &awaited.request else { return };
        let token = at.tokens.entry((awaited.session, request.key)).or_default();
        token.written = token.written.max(version);
    }

    /// Whether a read's result is what its session is promised; if not, it is asked again elsewhere.
    pub(super) fn check_guarantees(
        &mut self,
        now: Micros,
        id: OperationId,
        result: &ReadResult,
        ctx: &mut Context,
    ) -> bool {
        let Some(awaited) = self.pending.get_mut(&id) else { return true };
        let (Some(request), Some(at)) = (awaited.request.clone(), &mut self.config.group) else { return true };
        let (session, key) = (awaited.session, request.key);
        if at.reflects(session, key, result) {
            let token = at.tokens.entry((session, key)).or_default();
            token.read = token.read.max(result.version);
            if let Some(context) = &result.context {
                token.context = context.clone();
            }
            return true;
        }
        awaited.asked += 1;
        let (asked, members) = (awaited.asked as usize, at.group.members.len());
        if at.coordinator.is_some() {
            let done = at.coordinator(|it| it.begin(now, local_request(request), None, ctx));
            self.end_coordinated(now, done, ctx);
        } else if asked % members == 0 {
            ctx.wake(now + AGAIN, Timer::Protocol(id.0 << 2 | ASK_AGAIN));
        } else {
            let next = (at.homes[session as usize % at.homes.len()] + asked - 1) % members;
            self.send_request(id, next, ctx);
        }
        false
    }
}

/// A request that the client coordinates itself.
fn local_request(request: Arc<Request>) -> ClientRequest {
    ClientRequest { requester: Requester::Local, request }
}
