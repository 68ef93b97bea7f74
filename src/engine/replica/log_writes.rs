//! Writes as entries of a log, for the protocols that order all writes: Raft, primary-replica and chain replication.

use super::event_rules;
use super::key_state::operations::register_after;
use super::key_state::{KeyState, Register};
use super::member::Member;
use super::replicated_log::{LogEntry, LogPosition, ReplicatedLog};
use super::request::{ClientRequest, OperationReply, Reply, Requester};
use super::write_metadata::SourceVersion;
use crate::engine::context::Context;
use crate::engine::message::Request;
use crate::scenario::Micros;
use crate::trace::{Fact, OperationId, Outcome, Refusal};
use std::collections::VecDeque;

/// Operations that wait until their log entries are committed.
#[derive(Clone, Debug, Default)]
pub struct PendingWrites {
    /// The operations with the indices of their entries, in ascending order.
    by_index: VecDeque<(u32, (Requester, OperationId))>,
}

impl PendingWrites {
    fn assert_valid(&self) {
        let Some(((first, _), (last, _))) = self.by_index.front().zip(self.by_index.back()) else { return };
        debug_assert!(*first > 0, "indices begin at 1");
        debug_assert!((last - first) as usize + 1 >= self.by_index.len(), "an operation waits for its own entry");
    }

    /// Adds an operation that waits for an entry.
    pub fn add(&mut self, index: u32, client: &ClientRequest) {
        debug_assert!(index > 0, "indices begin at 1");
        debug_assert!(self.by_index.back().is_none_or(|(last, _)| *last < index), "a leader appends entries in order");
        self.by_index.push_back((index, (client.requester, client.request.operation)));
    }

    /// Returns the replies to all operations whose entries are committed, in the order of the log.
    pub fn complete(&mut self, log: &ReplicatedLog, is_committed: impl Fn(u32) -> bool) -> Vec<OperationReply> {
        self.assert_valid();
        let mut replies = Vec::new();
        while self.by_index.front().is_some_and(|(index, _)| is_committed(*index))
            && let Some((index, (requester, operation))) = self.by_index.pop_front()
        {
            let Some(entry) = log.get(index) else { continue };
            let position = LogPosition { term: entry.term, index };
            let reply = entry.update.map_or(Reply::Unchanged, |update| Reply::Written(update, position.version()));
            replies.push(OperationReply { operation, requester, reply });
        }
        replies
    }

    /// Returns refusals of all operations, when the leader steps down: their entries may still be committed.
    pub fn abandon(&mut self) -> Vec<OperationReply> {
        self.assert_valid();
        let abandoned = std::mem::take(&mut self.by_index);
        let refuse = |(_, (requester, operation))| OperationReply {
            operation,
            requester,
            reply: Reply::Refused(Refusal::NoLeader, Outcome::Unknown),
        };
        abandoned.into_iter().map(refuse).collect()
    }

    /// Discards all operations in a crash.
    pub fn clear(&mut self) {
        self.by_index.clear();
    }
}

/// Appends the entry of a write to the leader's log, and returns its index. `last_applied` is the last entry whose
/// effect the member's store contains.
///
/// # Errors
/// The operation does not fit the key's value.
pub fn append_write(
    now: Micros,
    request: &Request,
    term: u32,
    log: &mut ReplicatedLog,
    last_applied: u32,
    member: &mut Member,
    ctx: &mut Context,
) -> Result<u32, Refusal> {
    let (key, operation) = (request.key, request.operation);
    member.group.place(key, ctx);
    let stored = member.state(key);
    // The newest write of the key that the store does not contain yet.
    let unapplied = log.last_write_after(last_applied, key);
    let replaces = unapplied.map_or(stored.version(), |(position, _)| position.version());
    if let Some(event) = &request.event {
        let present = unapplied.map_or(stored.source_version(), |(position, entry)| {
            SourceVersion::of(position.version(), entry.metadata.as_deref())
        });
        let handled_at = log.handled_at(event.update);
        if !event_rules::is_to_be_written(event, handled_at, present, now, member.node, ctx) {
            // The reply still waits until all earlier entries are committed.
            return Ok(log.append(LogEntry::no_op(term, Some(operation), key)));
        }
    }
    let current = unapplied.map_or(stored.value(&member.group.data), |(_, entry)| entry.value.clone());
    let value = register_after(current.as_ref(), &request.action)?;
    let (update, metadata) = (ctx.next_update(), member.write_metadata(now, request));
    let entry = LogEntry { term, update: Some(update), operation: Some(operation), key, value, metadata };
    let register = register_of(LogPosition { term, index: log.last_index() + 1 }, &entry);
    let index = log.append(entry);
    member.note_coordinated(key, &register, current.as_ref());
    let (node, clock) = (member.node, member.clock(now));
    let Register { version, value, .. } = register;
    debug_assert!(log.last().version() == version, "the new entry is the last");
    debug_assert!(term > 0, "the first term is 1");
    ctx.record(Fact::WriteCoordinated { update, operation, node, key, version, value, clock, replaces });
    Ok(index)
}

/// Applies an entry of the log to the member's store.
pub fn apply_entry(log: &ReplicatedLog, index: u32, member: &mut Member, ctx: &mut Context) {
    debug_assert!((1..=log.last_index()).contains(&index), "the log has the entry");
    if let Some(entry) = log.get(index)
        && let Some(update) = entry.update
    {
        debug_assert!(entry.term > 0, "the first term is 1");
        let register = register_of(LogPosition { term: entry.term, index }, entry);
        member.merge(entry.key, &KeyState::Register(register), Some(update), ctx);
    }
}

fn register_of(position: LogPosition, entry: &LogEntry) -> Register {
    let (value, metadata) = (entry.value.clone(), entry.metadata.clone());
    Register { version: position.version(), value, update: entry.update, metadata, deleted_at: None }
}

/// When a protocol applies the entries of its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Application {
    /// When they are committed (Raft).
    OnCommit,
    /// When they are appended (primary-replica).
    OnAppend,
}

/// Appends a leader's entries to a follower's log, after an index at which the logs match. Entries of the follower that
/// conflict with them are rolled back. Returns the index of the last of these entries.
pub fn append_leader_entries(
    log: &mut ReplicatedLog,
    previous_index: u32,
    entries: &[LogEntry],
    application: Application,
    member: &mut Member,
    ctx: &mut Context,
) -> u32 {
    let mut index = previous_index;
    for entry in entries {
        index += 1;
        if log.term_at(index) == Some(entry.term) {
            continue;
        }
        if log.last_index() >= index {
            roll_back(log, index, application, member, ctx);
        }
        let appended = log.append(entry.clone());
        debug_assert!(appended == index, "a log has no gaps");
        if application == Application::OnAppend {
            apply_entry(log, index, member, ctx);
        }
    }
    debug_assert!(log.last_index() >= index, "the log includes all entries of the message");
    index
}

/// Removes all entries from the index `from` on, and undoes their effects if they were applied.
pub fn roll_back(log: &mut ReplicatedLog, from: u32, application: Application, member: &mut Member, ctx: &mut Context) {
    debug_assert!(from > 0, "indices begin at 1");
    for entry in log.truncate_from(from) {
        let (Some(update), key) = (entry.update, entry.key) else { continue };
        ctx.record(Fact::WriteRolledBack { update, node: member.node, key });
        if application == Application::OnAppend {
            let earlier = log.last_write_after(0, key);
            let earlier = earlier.map(|(position, entry)| KeyState::Register(register_of(position, entry)));
            let initial = || member.initial_states.iter().find(|(other, _)| *other == key);
            let state = earlier.or_else(|| initial().map(|(_, state)| state.clone()));
            member.set(key, state.unwrap_or_else(|| KeyState::empty(&member.group.data)), ctx);
        }
    }
    debug_assert!(log.last_index() < from, "no entry remains from the index on");
}
