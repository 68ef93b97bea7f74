//! The trace of a run: the one log that every other part reads.
//!
//! The engine appends a [`Record`] for everything that can be observed. Records refer to nodes, keys, messages, updates and
//! operations by dense ids that are never reused; [`Names`] maps nodes and keys to their names. [`Trace`] keeps the newest
//! records in bounded memory, and the number and digest of all records.

mod content;
mod digest;
mod fact;
mod kinds;
mod layout;
mod log;
mod names;
mod record;
mod subjects;

pub use digest::Digest;
pub use fact::Fact;
pub use kinds::{
    BrokerChange, DetachReason, DropCause, DropReason, HandlingFailure, KeyId, LeaveReason, Level, MessageId,
    MessageKind, NodeId, NodeSet, OperationId, OperationKind, Outcome, Refusal, SubscriptionId, UpdateId, Version,
    VersionVector, node_of, origin_of,
};
pub use log::{CHUNK, Trace};
pub use names::{Names, Subscriber};
pub use record::Record;
pub(crate) use subjects::facts_about;
