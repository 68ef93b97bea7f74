//! The logs of members whose group orders its writes: Raft, primary-replica, chain.
//!
//! The trace records appended entries, and each log's length and commit index. The uncommitted entries of a Raft follower
//! follow from log matching: once a follower has an entry of a term, its log up to that entry equals the log of the term's
//! leader (Ongaro and Ousterhout 2014, 5.3).

use super::run_context::RunContext;
use crate::scenario::Protocol;
use crate::trace::{Fact, NodeId, Record, UpdateId, facts_about};
use litemap::LiteMap;

/// An entry of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// Its index, from 1.
    pub index: u32,
    /// The term, or epoch, in which it was created.
    pub term: u32,
    /// The update; `None` for the empty entry with which a Raft leader begins its term.
    pub update: Option<UpdateId>,
}

/// The logs of a group's members, rebuilt from the records that the trace still holds.
#[derive(Clone, Debug, Default)]
pub struct Logs {
    members: LiteMap<NodeId, Vec<LogEntry>>,
    /// The leader of each Raft term, and its log during that term.
    leader_logs: LiteMap<u32, (NodeId, Vec<LogEntry>)>,
    /// The last index and the commit index that each member recorded last.
    recorded: LiteMap<NodeId, (u32, u32)>,
    is_raft: bool,
}

impl Logs {
    /// Reads the trace of a run. Returns `None` for a group that keeps no logs.
    pub fn read(run: &RunContext, group: NodeId) -> Option<Logs> {
        let is_raft = match run.group(group)?.protocol {
            Protocol::Raft(_) => true,
            Protocol::Primary(_) | Protocol::Chain => false,
            Protocol::Quorum(_) | Protocol::TwoPhase(_) | Protocol::Gossip(_) => return None,
        };
        let mut logs = Logs { is_raft, ..Logs::default() };
        for record in run.trace.since(run.trace.oldest()) {
            logs.observe(record, |node| run.names.group(node) == Some(group));
        }
        Some(logs)
    }

    /// Returns the known entries of a member's log, in order.
    pub fn entries(&self, member: NodeId) -> &[LogEntry] {
        self.members.get(&member).map_or(&[], Vec::as_slice)
    }

    fn observe(&mut self, record: &Record, is_member: impl Fn(NodeId) -> bool) {
        match &record.fact {
            Fact::LeaderElected { node, term } if self.is_raft && is_member(*node) => {
                let last = self.recorded.get(node).map_or(0, |recorded| recorded.0);
                let log = self.members.entry(*node).or_default();
                truncate_and_append(log, LogEntry { index: last + 1, term: *term, update: None });
                self.leader_logs.insert(*term, (*node, log.clone()));
            }
            Fact::WriteCoordinated { update, node, version, .. } if is_member(*node) => {
                let entry = LogEntry { index: version.counter, term: version.time as u32, update: Some(*update) };
                truncate_and_append(self.members.entry(*node).or_default(), entry);
                if let Some((_, log)) = self.leader_logs.get_mut(&entry.term) {
                    truncate_and_append(log, entry);
                }
            }
            // An applied entry is known exactly. A rollback stores an earlier entry again, which the log already contains.
            Fact::ReplicaStored { update: Some(update), node, version, .. } if is_member(*node) => {
                let entry = LogEntry { index: version.counter, term: version.time as u32, update: Some(*update) };
                let log = self.members.entry(*node).or_default();
                let known = log.binary_search_by_key(&entry.index, |known| known.index).ok();
                if known.is_none_or(|at| log[at] != entry) {
                    truncate_and_append(log, entry);
                }
            }
            Fact::WriteRolledBack { update, node, .. } if is_member(*node) => {
                let log = self.members.entry(*node).or_default();
                if let Some(at) = log.iter().position(|entry| entry.update == Some(*update)) {
                    log.truncate(at);
                }
            }
            Fact::LogChanged { node, last, committed, term } if is_member(*node) => {
                self.set_indexes(*node, *last, *committed, *term)
            }
            Fact::ServiceCrashed { node, lost_disk: true } if is_member(*node) => {
                self.members.remove(node);
                self.recorded.remove(node);
            }
            facts_about!(declarations, requests, messages, events, faults, groups) => {}
        }
    }

    fn set_indexes(&mut self, node: NodeId, last: u32, committed: u32, term: u32) {
        let before = self.recorded.insert(node, (last, committed)).unwrap_or_default();
        let log = self.members.entry(node).or_default();
        log.truncate(log.partition_point(|entry| entry.index <= last));
        let Some((_, leader_log)) = self.leader_logs.get(&term).filter(|(leader, _)| *leader != node) else { return };
        // A changed length means that an entry came from the leader, and with it all entries before; otherwise only the committed
        // entries are certain to equal the leader's.
        let matching = if last != before.0 { last } else { committed };
        if last != before.0 || committed != before.1 {
            copy_prefix(leader_log, log, matching);
        }
    }
}

/// Appends an entry at its index, and discards the entries from that index on.
fn truncate_and_append(log: &mut Vec<LogEntry>, entry: LogEntry) {
    log.truncate(log.partition_point(|before| before.index < entry.index));
    log.push(entry);
    debug_assert!(log.is_sorted_by_key(|entry| entry.index), "a log is in order of its indexes");
}

/// Makes a log equal to the leader's up to an index, by log matching.
fn copy_prefix(leader_log: &[LogEntry], log: &mut Vec<LogEntry>, matching: u32) {
    let until = leader_log.partition_point(|entry| entry.index <= matching);
    let rest = log.partition_point(|entry| entry.index <= matching);
    log.splice(..rest, leader_log[..until].iter().copied());
}
