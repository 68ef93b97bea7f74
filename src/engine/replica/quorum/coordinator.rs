//! The coordinator of a leaderless group. It sends each operation to all replicas of the key, replies at the W-th
//! acknowledgement or the R-th response, and still uses those that arrive later (DeCandia et al. 2007).
//!
//! A member coordinates the requests that it receives; a client that routes to `itself` coordinates its own.

mod reads;
mod writes;

use super::timers::QuorumTimer;
use crate::engine::context::Context;
use crate::engine::message::{LinkId, ReadResult};
use crate::engine::numbering::next_number;
use crate::engine::replica::event_rules;
use crate::engine::replica::group::Group;
use crate::engine::replica::key_state::KeyState;
use crate::engine::replica::member::{Member, send_over};
use crate::engine::replica::messages::QuorumMessage;
use crate::engine::replica::request::{ClientRequest, OperationReply, Reply};
use crate::engine::replica::version_generator::VersionGenerator;
use crate::scenario::{Data, Micros, Operation, Quorum as QuorumConfig, micros};
use crate::trace::{Fact, KeyId, NodeId, OperationId, Outcome, Refusal, UpdateId, Version};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A write that is sent to replicas.
#[derive(Clone, Debug)]
struct QuorumWrite {
    state: Arc<KeyState>,
    update: UpdateId,
    version: Version,
}

#[derive(Clone, Debug)]
enum Phase {
    /// Awaits R responses to a read.
    Reading,
    /// Awaits R responses, whose merged value the operation then changes.
    ReadingForUpdate,
    /// Awaits W acknowledgements.
    Writing(QuorumWrite),
    /// Awaits acknowledgements of the value that a read returns, before it returns it.
    WritingBack(ReadResult),
}

/// An operation in progress.
#[derive(Clone, Debug)]
struct PendingOperation {
    client: ClientRequest,
    preference_list: Vec<usize>,
    phase: Phase,
    contacted: Vec<usize>,
    /// Members that responded in this phase, each with its state where it is a read.
    responses: Vec<(usize, Option<Arc<KeyState>>)>,
    /// How many responses the reply needs.
    needed: usize,
    has_replied: bool,
    /// The stand-ins that were contacted, each with its replica.
    stand_ins: Vec<(usize, usize)>,
}

impl PendingOperation {
    fn has_response_of(&self, member: usize) -> bool {
        self.responses.iter().any(|(other, _)| *other == member)
    }

    fn has_all_responses(&self) -> bool {
        self.responses.len() >= self.contacted.len()
    }

    /// Returns whether a replica or one of its stand-ins responded.
    fn has_response_for(&self, replica: usize) -> bool {
        let mut stand_ins = self.stand_ins.iter().filter(|(_, of)| *of == replica);
        self.has_response_of(replica) || stand_ins.any(|(stand_in, _)| self.has_response_of(*stand_in))
    }
}

/// A write that is kept for a replica that did not acknowledge it (hinted handoff).
#[derive(Clone, Debug)]
pub struct Hint {
    /// The state to send.
    pub state: Arc<KeyState>,
    /// The update.
    pub update: Option<UpdateId>,
    /// When the hint is discarded, so that it revives no key whose tombstone is purged; never without a grace period.
    pub expires: Option<Micros>,
}

/// The state of a coordinator. A crash loses all but the hints.
#[derive(Clone, Debug)]
pub struct Coordinator {
    group: Arc<Group>,
    node: NodeId,
    config: QuorumConfig,
    /// Its own index among the members; `None` for a client.
    own_index: Option<usize>,
    links: Arc<Vec<Option<LinkId>>>,
    pending: BTreeMap<u32, PendingOperation>,
    next_request: u32,
    /// Members that did not respond in time, until they send a message.
    suspected: BTreeSet<usize>,
    /// A client generates versions here; a member, in its store.
    versions: VersionGenerator,
    hints: BTreeMap<(usize, KeyId), Hint>,
}

impl Coordinator {
    /// Returns the coordinator at a member or a client. `links` lead to the members, by index.
    pub fn new(mut config: QuorumConfig, group: Arc<Group>, node: NodeId, links: Arc<Vec<Option<LinkId>>>) -> Self {
        let own_index = group.index(node);
        if config.sloppy {
            // Stand-ins of a sloppy quorum keep hints.
            config.hints.get_or_insert_default();
        }
        Coordinator {
            group,
            node,
            config,
            own_index,
            links,
            pending: BTreeMap::new(),
            next_request: 1,
            suspected: BTreeSet::new(),
            versions: VersionGenerator::default(),
            hints: BTreeMap::new(),
        }
    }

    /// Returns the settings of the group.
    pub fn config(&self) -> &QuorumConfig {
        &self.config
    }

    /// Forgets the operations in progress; with its disk, the hints too.
    pub fn crash(&mut self, lose_disk: bool) {
        let newest = self.pending.last_key_value().map(|(number, _)| *number);
        debug_assert!(newest.is_none_or(|number| number < self.next_request), "numbers are never reused");
        debug_assert!(self.hints.is_empty() || self.config.hints.is_some(), "the group uses hints");
        self.pending.clear();
        self.suspected.clear();
        if lose_disk {
            self.hints.clear();
        }
    }

    /// Panics if an invariant is broken. Called after each event, in debug builds.
    pub fn assert_invariants(&self) {
        for (number, operation) in &self.pending {
            assert!(*number < self.next_request, "numbers are never reused");
            assert!(operation.responses.len() <= operation.contacted.len(), "only contacted members respond");
        }
    }

    /// Returns a number for an acknowledgement or a response, which is never used again.
    pub fn next_request(&mut self) -> u32 {
        next_number(&mut self.next_request)
    }

    /// Stops suspecting a member, which has sent a message.
    pub fn on_sign_of_life(&mut self, member: usize) {
        debug_assert!(member < self.group.members.len(), "the sender is a member");
        self.suspected.remove(&member);
    }

    /// Sends a message to another member.
    pub fn send(&self, to: usize, message: QuorumMessage, operation: Option<OperationId>, ctx: &mut Context) {
        if let Some(link) = self.links[to] {
            send_over(link, self.node, message, operation, ctx);
        }
    }

    /// Begins an operation. `local` is the coordinator's own store; `None` for a client.
    pub fn begin(
        &mut self,
        now: Micros,
        client: ClientRequest,
        local: Option<&mut Member>,
        ctx: &mut Context,
    ) -> Vec<OperationReply> {
        debug_assert!(ctx.node == self.node, "a coordinator begins its own operations");
        debug_assert!(local.is_some() == self.own_index.is_some(), "a member has a store");
        let is_register = matches!(self.group.data, Data::Register { .. });
        let request = &client.request;
        // The version that an event carries replaces one that depends on older writes.
        let carries_version = request.event.as_ref().and_then(event_rules::carried_version).is_some();
        match (&request.action, is_register) {
            (Operation::Read { .. }, _) => self.begin_read(now, client, Phase::Reading, local, ctx),
            // With several writers, ABD reads the newest version from a quorum first (Lynch and Shvartsman 1997).
            (Operation::Write { .. } | Operation::Delete { .. }, true)
                if self.config.write_back && !carries_version =>
            {
                self.begin_read(now, client, Phase::ReadingForUpdate, local, ctx)
            }
            (Operation::Write { value, .. }, true) => {
                let value = Some(value.clone());
                self.begin_register_write(now, client, value, Version::default(), local, ctx)
            }
            (Operation::Delete { .. }, true) => {
                self.begin_register_write(now, client, None, Version::default(), local, ctx)
            }
            (
                Operation::Increment { .. }
                | Operation::Add { .. }
                | Operation::Remove { .. }
                | Operation::Put { .. }
                | Operation::Insert { .. }
                | Operation::RemoveAt { .. },
                true,
            ) => self.begin_read(now, client, Phase::ReadingForUpdate, local, ctx),
            (Operation::CompareAndSet { .. }, _) => vec![client.refuse(Refusal::NotOffered)],
            (
                Operation::Write { .. }
                | Operation::Delete { .. }
                | Operation::Increment { .. }
                | Operation::Add { .. }
                | Operation::Remove { .. }
                | Operation::Put { .. }
                | Operation::Insert { .. }
                | Operation::RemoveAt { .. },
                false,
            ) => match local {
                Some(local) => self.begin_state_write(now, client, local, ctx),
                None => vec![client.refuse(Refusal::NotOffered)],
            },
        }
    }

    fn set_timeout(&self, now: Micros, number: u32, ctx: &mut Context) {
        ctx.wake(now + micros(self.config.timeout_ms), QuorumTimer::OperationTimeout(number).encode());
    }

    /// Pairs suspected replicas with members that stand in for them: (stand-in, replica).
    fn stand_ins(&self, preference_list: &[usize]) -> Vec<(usize, usize)> {
        if !self.config.sloppy {
            return Vec::new();
        }
        let (replicas, others) = preference_list.split_at(self.group.replicas);
        let missing = replicas.iter().filter(|replica| self.suspected.contains(replica));
        let able = others.iter().filter(|member| !self.suspected.contains(member));
        able.copied().zip(missing.copied()).collect()
    }

    /// Pairs replicas for which no one responded to a write with the next members that may stand in for them: (stand-in, replica).
    /// Members that this coordinator suspects come last.
    fn next_stand_ins(&self, pending: &PendingOperation) -> Vec<(usize, usize)> {
        if !self.config.sloppy {
            return Vec::new();
        }
        let (replicas, others) = pending.preference_list.split_at(self.group.replicas);
        let missed = replicas.iter().copied().filter(|replica| !pending.has_response_for(*replica));
        let mut able: Vec<usize> =
            others.iter().copied().filter(|member| !pending.contacted.contains(member)).collect();
        able.sort_by_key(|member| self.suspected.contains(member));
        able.into_iter().zip(missed).collect()
    }

    /// Handles the timeout of an operation. A sloppy write continues with the next stand-ins until the preference list ends.
    pub fn on_timeout(
        &mut self,
        now: Micros,
        number: u32,
        local: Option<&mut Member>,
        ctx: &mut Context,
    ) -> Vec<OperationReply> {
        debug_assert!(local.is_some() == self.own_index.is_some(), "a member has a store");
        debug_assert!(number < self.next_request, "the timer was set by this coordinator");
        let Some(pending) = self.pending.get(&number) else { return Vec::new() };
        let silent = pending.contacted.iter().copied().filter(|member| !pending.has_response_of(*member));
        let silent: Vec<usize> = silent.collect();
        self.suspected.extend(&silent);
        let Phase::Writing(write) = &pending.phase else {
            if pending.has_replied {
                self.finish_read(number, local, ctx);
                return Vec::new();
            }
            let pending = self.pending.remove(&number);
            return pending.iter().map(|pending| pending.client.refuse(Refusal::TooFewReplicas)).collect();
        };
        let write = write.clone();
        let next = self.next_stand_ins(pending);
        if !next.is_empty() {
            return self.write_to_stand_ins(now, number, &next, ctx);
        }
        let replicas = &pending.preference_list[..self.group.replicas];
        let missed: Vec<usize> = silent.into_iter().filter(|member| replicas.contains(member)).collect();
        let key = pending.client.request.key;
        if !self.config.sloppy && local.is_some() {
            // Hints at the coordinator do not count as acknowledgements, as in Cassandra.
            for replica in missed {
                self.keep_hint(now, replica, key, write.state.clone(), Some(write.update), ctx);
            }
        }
        let pending = self.pending.remove(&number).filter(|pending| !pending.has_replied);
        let refusal = Reply::Refused(Refusal::TooFewReplicas, Outcome::Unknown);
        pending.iter().map(|pending| pending.client.reply(refusal.clone())).collect()
    }
}

/// Hints.
impl Coordinator {
    /// Keeps a state for a replica, merged with the one that is already kept. A coordinator keeps no new hint for a replica that
    /// has been unreachable for longer than the window. A stand-in of a sloppy quorum always keeps one, because its hint counts
    /// as an acknowledgement.
    pub fn keep_hint(
        &mut self,
        now: Micros,
        replica: usize,
        key: KeyId,
        state: Arc<KeyState>,
        update: Option<UpdateId>,
        ctx: &mut Context,
    ) {
        debug_assert!(ctx.node == self.node, "a member keeps its own hints");
        debug_assert!(Some(replica) != self.own_index, "hints are for other members");
        let Some(config) = &self.config.hints else { return };
        let window = micros(config.window_ms);
        let is_over = |since: Micros| since.saturating_add(window) < now;
        if !self.config.sloppy && ctx.unreachable_since(self.group.members[replica]).is_some_and(is_over) {
            return;
        }
        let expires = self.config.tombstone_grace_ms.map(|grace| now.saturating_add(micros(grace)));
        let hint = match self.hints.get(&(replica, key)) {
            Some(held) => {
                let mut merged = (*held.state).clone();
                merged.merge(&state);
                Hint { state: Arc::new(merged), update, expires: held.expires }
            }
            None => Hint { state, update, expires },
        };
        self.hints.insert((replica, key), hint);
        ctx.record(Fact::HintStored { node: self.node, replica: self.group.members[replica], key, update });
    }

    /// Returns all hints, by replica and key.
    pub fn hints(&self) -> &BTreeMap<(usize, KeyId), Hint> {
        &self.hints
    }

    /// Discards a hint, which was delivered or has expired.
    pub fn remove_hint(&mut self, replica: usize, key: KeyId, delivered: bool, ctx: &mut Context) {
        debug_assert!(Some(replica) != self.own_index, "hints are for other members");
        let removed = self.hints.remove(&(replica, key));
        debug_assert!(removed.is_some(), "the hint was kept");
        let replica = self.group.members[replica];
        ctx.record(Fact::HintRemoved { node: self.node, replica, key, delivered });
    }
}
