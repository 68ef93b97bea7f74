//! What it means: how each copy of each key stands, what operations saw, what buses hold. Reads the trace
//! alone, rebuilds its own state, and shares no code with the engine.

mod buses;
pub mod check;
mod faults;
pub mod history;
mod lost;
mod members;
mod messages;
mod operations;
mod recent;
mod staleness;
mod tables;
mod updates;
mod why;

pub use buses::{Buses, Kept, Lane};
pub use faults::Faults;
pub use lost::LostUpdates;
pub use members::{Member, Members};
pub use messages::{InFlight, Messages};
pub use operations::{Asked, Ended, Operations, Tally};
pub use staleness::{Copy, Held, Notice, Staleness, State};
pub use tables::{AllTables, Tables};
pub use updates::{UpdateInfo, Updates};
pub use why::{Convergence, Look, Prospect, Why};

use crate::trace::Record;

/// Everything that is known of a run from its trace so far. It takes the records one by one, in order.
#[derive(Clone, Debug, Default)]
pub struct Analysis {
    /// What each recent update says.
    pub updates: Updates,
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
        // Operations look at the copies as they were when a read was issued, so they come first.
        self.operations.observe(record, &self.staleness);
        self.staleness.observe(record);
        self.buses.observe(record);
        self.tables.observe(record);
        self.messages.observe(record);
        self.lost.observe(record);
        self.members.observe(record);
        self.faults.observe(record);
    }
}
