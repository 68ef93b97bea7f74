//! What it means: how each copy of each key stands, what operations saw, what buses hold. Reads the trace
//! alone, rebuilds its own state, and shares no code with the engine.

mod buses;
pub mod check;
mod copy_state;
mod derived;
mod faults;
pub mod history;
mod invariants;
pub mod jepsen;
mod logs;
mod lost;
mod members;
mod messages;
mod metrics;
mod operations;
mod origins;
mod queues;
mod quorums;
mod recent;
mod staleness;
mod tables;
mod trees;
mod updates;
mod why;

pub use buses::{Buses, Kept, Lane};
pub use copy_state::CopyState;
pub use derived::{Derived, Source};
pub use faults::Faults;
pub use invariants::{Invariants, Stands};
pub use logs::{Entry, Logs};
pub use lost::LostUpdates;
pub use members::{Member, Members};
pub use messages::{InFlight, Messages};
pub use metrics::{Metrics, Sample, Timed};
pub use operations::{Asked, Ended, Operations, Tally};
pub use origins::{Origins, Tombstone, Write};
pub use queues::depths;
pub use quorums::{Coordination, Part, Phase, Quorums};
pub use staleness::{Copy, Held, Notice, Staleness, Window};
pub use tables::{AllTables, Handled, Tables};
pub use trees::{Comparison, comparisons};
pub use updates::{UpdateInfo, Updates};
pub use why::{Convergence, Look, Prospect, Why};

use crate::trace::{MessageKind, Record};

/// Everything that is known of a run from its trace so far. It takes the records one by one, in order.
#[derive(Clone, Debug, Default)]
pub struct Analysis {
    /// What each recent update says.
    pub updates: Updates,
    /// Which writes of groups carry updates that were made elsewhere.
    pub derived: Derived,
    /// How each copy of each key stands.
    pub staleness: Staleness,
    /// What became of each client's operations.
    pub operations: Operations,
    /// What each subscription's queue holds.
    pub buses: Buses,
    /// What stands in outboxes, and what inboxes met again.
    pub tables: AllTables,
    /// Messages under way.
    pub messages: Messages,
    /// Acknowledged writes of a group's registers that another took the place of, unseen.
    pub lost: LostUpdates,
    /// Who leads, how logs stand, what is kept for others.
    pub members: Members,
    /// What is broken now.
    pub faults: Faults,
}

impl Analysis {
    /// Takes in the next record.
    pub fn observe(&mut self, record: &Record) {
        self.updates.observe(record);
        self.derived.observe(record);
        // Operations look at the copies as they were when a read was issued, so they come first.
        self.operations.observe(record, &self.staleness);
        self.staleness.observe(record, &self.derived);
        self.buses.observe(record);
        self.tables.observe(record);
        self.messages.observe(record);
        self.lost.observe(record);
        self.members.observe(record);
        self.faults.observe(record);
    }

    /// Whether nothing is under way any more that a client or a copy waits for.
    pub fn is_quiet(&self) -> bool {
        let buses = self.buses.iter().all(|(_, lane)| lane.kept.is_empty());
        let messages = self.messages.iter().all(|(_, message)| self.says_nothing_new(message));
        let promised = self.members.iter().any(|(_, member)| !member.promised.is_empty());
        buses && messages && self.operations.pending() == 0 && !promised && !self.derived.is_waiting()
    }

    /// Whether a message cannot change any copy: it carries no update, or one that its receiver reflects.
    fn says_nothing_new(&self, message: &InFlight) -> bool {
        match message.kind {
            MessageKind::Election | MessageKind::Heartbeat | MessageKind::Comparison | MessageKind::Acknowledgement => {
                message.operation.is_none()
            }
            MessageKind::Replication | MessageKind::Repair => {
                let said = message.update.and_then(|update| self.updates.get(self.derived.update(update)));
                said.is_none_or(|said| {
                    let copy = self.staleness.at(message.to, said.key);
                    copy.is_some_and(|copy| copy.reflects(said.version))
                })
            }
            // A member that pulls has asked for what is there.
            MessageKind::Call => message.operation.is_none() && message.update.is_none(),
            MessageKind::Reply | MessageKind::Publish | MessageKind::Delivery | MessageKind::Refusal => false,
        }
    }
}
