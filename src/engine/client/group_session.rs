//! The sessions of a client with a replica group: the member that it sends operations to, and the version tokens that enforce
//! the guarantees of its sessions (Terry 1994), one token for each session and key.

use crate::engine::message::{LinkId, ReadResult, SessionToken};
use crate::engine::random::Stream;
use crate::engine::replica::{Coordinator, Group, OperationReply};
use crate::scenario::{Protocol, Route, SessionGuarantee};
use crate::trace::{KeyId, NodeId, Version, VersionVector};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The versions of a key that a session has written and read.
#[derive(Clone, Debug, Default)]
struct Observed {
    written: Version,
    read: Version,
    /// The version vector of the last read, for data without a total order.
    context: VersionVector,
}

/// The sessions of a client with a group.
#[derive(Clone, Debug)]
pub struct GroupSession {
    group: Arc<Group>,
    /// The link to each member.
    links: Arc<Vec<Option<LinkId>>>,
    write_route: Route,
    read_route: Route,
    guarantees: Vec<SessionGuarantee>,
    nearest: usize,
    /// The member that accepts writes, as far as the client knows.
    leader: usize,
    /// The member of the sticky route of each session.
    homes: Vec<usize>,
    random: Stream,
    coordinator: Option<Coordinator>,
    observed: BTreeMap<(u32, KeyId), Observed>,
}

impl GroupSession {
    /// Returns the sessions of a client that has issued no operation. `links` lead to each member; `nearest` is the member
    /// with the lowest mean latency; `coordinator` is present if the client coordinates its own operations.
    #[expect(clippy::too_many_arguments, reason = "each is a field of the configuration")]
    pub fn new(
        group: Arc<Group>,
        links: Arc<Vec<Option<LinkId>>>,
        (write_route, read_route): (Route, Route),
        guarantees: Vec<SessionGuarantee>,
        nearest: usize,
        sessions: u32,
        mut random: Stream,
        coordinator: Option<Coordinator>,
    ) -> Self {
        let members = group.members.len() as u32;
        let homes = (0..sessions).map(|_| random.below(members) as usize).collect();
        GroupSession {
            group,
            links,
            write_route,
            read_route,
            guarantees,
            nearest,
            leader: 0,
            homes,
            random,
            coordinator,
            observed: BTreeMap::new(),
        }
    }

    /// Returns the number of members.
    pub fn members(&self) -> usize {
        self.group.members.len()
    }

    /// Returns the index of a member.
    pub fn index(&self, node: NodeId) -> Option<usize> {
        self.group.index(node)
    }

    /// Returns the node of a member, or of the group if the client coordinates the operation itself.
    pub fn node(&self, member: Option<usize>) -> NodeId {
        member.map_or(self.group.node, |member| self.group.members[member])
    }

    /// Returns the link to a member.
    pub fn link(&self, member: usize) -> Option<LinkId> {
        self.links[member]
    }

    /// Returns whether the client coordinates its own operations.
    pub fn has_coordinator(&self) -> bool {
        self.coordinator.is_some()
    }

    /// Calls a function with the coordinator, if there is one.
    pub fn coordinate(&mut self, act: impl FnOnce(&mut Coordinator) -> Vec<OperationReply>) -> Vec<OperationReply> {
        self.coordinator.as_mut().map_or_else(Vec::new, act)
    }

    /// Chooses the member for an operation; none if the client coordinates the operation itself.
    pub fn choose(&mut self, session: u32, is_read: bool) -> Option<usize> {
        match if is_read { self.read_route } else { self.write_route } {
            Route::Sticky => Some(self.homes[self.home(session)]),
            Route::Any => Some(self.random.below(self.group.members.len() as u32) as usize),
            Route::Nearest => Some(self.nearest),
            Route::Primary => Some(self.leader),
            Route::Itself => None,
        }
    }

    /// Returns whether only a member that accepts writes may serve the client's reads.
    pub fn reads_at_primary(&self) -> bool {
        self.read_route == Route::Primary && matches!(self.group.protocol, Protocol::Primary(_) | Protocol::Raft(_))
    }

    fn home(&self, session: u32) -> usize {
        session as usize % self.homes.len()
    }

    /// Returns the member that accepts writes, as far as the client knows.
    pub fn leader(&self) -> usize {
        self.leader
    }

    /// Sets the member that accepts writes.
    pub fn set_leader(&mut self, member: usize) {
        debug_assert!(member < self.members(), "a leader is a member");
        self.leader = member;
    }

    /// Directs the operations of a session to the next member, after a member has not replied.
    pub fn avoid_silent_member(&mut self, session: u32) {
        let (home, members) = (self.home(session), self.members());
        debug_assert!(self.leader < members && self.homes[home] < members, "operations are sent to members");
        self.homes[home] = (self.homes[home] + 1) % members;
        self.leader = (self.leader + 1) % members;
        debug_assert!(self.leader < members && self.homes[home] < members, "operations are sent to members");
    }

    /// Returns the member for the n-th retry of a read whose result did not satisfy the guarantees.
    pub fn member_for_retry(&self, session: u32, n: usize) -> usize {
        debug_assert!(n > 0, "retries are counted from 1");
        (self.homes[self.home(session)] + n - 1) % self.members()
    }

    fn has_guarantee(&self, guarantee: SessionGuarantee) -> bool {
        self.guarantees.contains(&guarantee)
    }

    /// Returns the token that a session sends with an operation on a key.
    pub fn token(&self, session: u32, key: KeyId) -> SessionToken {
        let observed = self.observed.get(&(session, key)).cloned().unwrap_or_default();
        let mut version = Version::default();
        if self.has_guarantee(SessionGuarantee::MonotonicWrites) {
            version = version.max(observed.written);
        }
        if self.has_guarantee(SessionGuarantee::WritesFollowReads) {
            version = version.max(observed.read);
        }
        SessionToken { version, context: Some(observed.context) }
    }

    /// Returns whether the result of a read satisfies the guarantees of a session.
    pub fn satisfies_guarantees(&self, session: u32, key: KeyId, result: &ReadResult) -> bool {
        let Some(observed) = self.observed.get(&(session, key)) else { return true };
        let (has_writes, has_reads) = match &result.context {
            None => (result.version >= observed.written, result.version >= observed.read),
            Some(context) => {
                let covers =
                    |origin: u32, count: u32| context.iter().any(|(other, known)| *other == origin && *known >= count);
                let written = observed.written;
                let has_writes = written.is_none() || covers(written.origin, written.counter);
                (has_writes, observed.context.iter().all(|(origin, count)| covers(*origin, *count)))
            }
        };
        (has_writes || !self.has_guarantee(SessionGuarantee::ReadYourWrites))
            && (has_reads || !self.has_guarantee(SessionGuarantee::MonotonicReads))
    }

    /// Records the version of a session's write.
    pub fn observe_write(&mut self, session: u32, key: KeyId, version: Version) {
        debug_assert!(!version.is_none(), "a write has a version");
        debug_assert!((session as usize) < self.homes.len(), "the session exists");
        let observed = self.observed.entry((session, key)).or_default();
        observed.written = observed.written.max(version);
    }

    /// Records the result of a session's read.
    pub fn observe_read(&mut self, session: u32, key: KeyId, result: &ReadResult) {
        debug_assert!((session as usize) < self.homes.len(), "the session exists");
        debug_assert!(self.satisfies_guarantees(session, key, result), "other results are rejected");
        let observed = self.observed.entry((session, key)).or_default();
        observed.read = observed.read.max(result.version);
        if let Some(context) = &result.context {
            observed.context = context.clone();
        }
    }
}
