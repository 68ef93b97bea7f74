//! What stands in the log of a member whose group orders its writes: Raft, primary-replica, chain.
//!
//! The trace tells who appends what, how far each log is and how far it is committed. What a follower of Raft has before it
//! takes effect follows from log matching: once an entry came from the leader of a term, the whole log up to there is
//! that leader's (Ongaro and Ousterhout 2014, 5.3).

use super::Look;
use crate::scenario::{Group, Protocol};
use crate::trace::{Fact, NodeId, Record, UpdateId};
use std::collections::BTreeMap;

/// An entry of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number, from 1.
    pub index: u32,
    /// The term, or epoch, in which it was made.
    pub term: u32,
    /// What it says; none for one that says nothing, with which a leader of Raft begins its term.
    pub update: Option<UpdateId>,
}

/// The logs of a group's members, as far as the trace still tells of them.
#[derive(Clone, Debug, Default)]
pub struct Logs {
    members: BTreeMap<NodeId, Vec<Entry>>,
    /// Of each leader of Raft by its term: what its log was while it led.
    led: BTreeMap<u32, (NodeId, Vec<Entry>)>,
    /// How far a log was, and how far committed, when that was told last.
    told: BTreeMap<NodeId, (u32, u32)>,
    raft: bool,
}

impl Logs {
    /// Reads the log of the run; none for a group that keeps no logs.
    pub fn of(look: &Look, group: NodeId) -> Option<Logs> {
        let of = |it: &&Group| it.id == look.names.node(group);
        let raft = match look.scenario.groups.iter().find(of)?.protocol {
            Protocol::Raft(_) => true,
            Protocol::Primary(_) | Protocol::Chain => false,
            Protocol::Quorum(_) | Protocol::TwoPhase(_) | Protocol::Gossip(_) => return None,
        };
        let mut logs = Logs { raft, ..Logs::default() };
        for record in look.trace.since(look.trace.oldest()) {
            logs.observe(record, |node| look.names.group(node) == Some(group));
        }
        Some(logs)
    }

    /// The entries of a member that are known, in their order.
    pub fn entries(&self, member: NodeId) -> &[Entry] {
        self.members.get(&member).map_or(&[], Vec::as_slice)
    }

    fn observe(&mut self, record: &Record, ours: impl Fn(NodeId) -> bool) {
        match &record.fact {
            Fact::LeaderElected { node, term } if self.raft && ours(*node) => {
                let last = self.told.get(node).map_or(0, |told| told.0);
                let log = self.members.entry(*node).or_default();
                put(log, Entry { index: last + 1, term: *term, update: None });
                self.led.insert(*term, (*node, log.clone()));
            }
            Fact::WriteCoordinated { update, node, version, .. } if ours(*node) => {
                let entry = Entry { index: version.counter, term: version.time as u32, update: Some(*update) };
                put(self.members.entry(*node).or_default(), entry);
                if let Some((_, log)) = self.led.get_mut(&entry.term) {
                    put(log, entry);
                }
            }
            // What has taken effect is known exactly, whoever sent it. A rollback sets what was before, which is there.
            Fact::ReplicaStored { update: Some(update), node, version, .. } if ours(*node) => {
                let entry = Entry { index: version.counter, term: version.time as u32, update: Some(*update) };
                let log = self.members.entry(*node).or_default();
                if !log.contains(&entry) {
                    put(log, entry);
                }
            }
            Fact::WriteRolledBack { update, node, .. } if ours(*node) => {
                let log = self.members.entry(*node).or_default();
                if let Some(at) = log.iter().position(|entry| entry.update == Some(*update)) {
                    log.truncate(at);
                }
            }
            Fact::LogChanged { node, last, committed, term } if ours(*node) => {
                self.move_to(*node, *last, *committed, *term)
            }
            Fact::ServiceCrashed { node, lost_disk: true } if ours(*node) => {
                self.members.remove(node);
                self.told.remove(node);
            }
            _ => {}
        }
    }

    fn move_to(&mut self, node: NodeId, last: u32, committed: u32, term: u32) {
        let before = self.told.insert(node, (last, committed)).unwrap_or_default();
        let log = self.members.entry(node).or_default();
        log.retain(|entry| entry.index <= last);
        let Some((_, led)) = self.led.get(&term).filter(|(leader, _)| *leader != node) else { return };
        // An entry more or less came from the leader, and with it all before; else only what is committed is surely its.
        let upto = if last != before.0 { last } else { committed };
        if last != before.0 || committed != before.1 {
            let rest = log.iter().filter(|entry| entry.index > upto).copied().collect::<Vec<_>>();
            *log = led.iter().take_while(|entry| entry.index <= upto).copied().chain(rest).collect();
        }
    }
}

/// Puts an entry in its place; what stood there and behind is gone.
fn put(log: &mut Vec<Entry>, entry: Entry) {
    log.retain(|before| before.index < entry.index);
    log.push(entry);
}
