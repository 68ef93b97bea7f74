//! The scenario, which states what to simulate: the document, its validation, its JSON and its link.
//!
//! A [`Scenario`] is plain data with field names that people write by hand. [`Scenario::from_json`] and [`link::decode`]
//! validate it, so that stepping a run cannot fail. This module uses no other module of the crate.

mod attachment;
mod branch;
mod branching;
mod brokers;
pub mod challenges;
mod client;
mod command;
mod consistency;
mod consumer_groups;
mod document;
mod error;
mod event_chain;
pub mod examples;
pub mod goal;
mod group;
mod invariant;
pub mod json;
mod latency;
pub mod link;
mod messaging;
mod operation;
pub mod presets;
mod protocol;
mod region;
#[cfg(not(target_arch = "wasm32"))]
pub mod schema;
mod service;
mod task;
pub mod task_changes;
mod topology;
mod validate;
mod value;

pub use attachment::{Attachment, Connection, LateAcknowledgement, OnFailure, Polling};
pub use branch::Branch;
pub use brokers::{Acks, CommitRule, InSync, Replication};
pub use client::{Arrivals, Client, ClientStep, Keys, Route, SessionGuarantee, Workload};
pub use command::{Command, Step};
pub use consistency::Consistency;
pub use consumer_groups::ConsumerGroups;
pub use document::{FORMAT, Link, Promise, Scenario};
pub use error::ScenarioError;
pub use event_chain::{Forward, Topics, UnreachedSubscription};
pub use group::{Data, Group, Merge, VersionClock};
pub use invariant::{Formula, Invariant, Relation, Term, Variable};
pub use latency::{Latency, Weighted};
pub use messaging::{
    Acknowledge, Backoff, Bus, Effect, Inbox, Limit, Order, Publication, PublishMode, PublishRetry, ReaderSession,
    Subscription, Topic,
};
pub use operation::Operation;
pub use protocol::{
    AntiEntropy, Gossip, GossipStyle, Hints, Primary, Protocol, Quorum, Raft, RaftReads, ReadRepair, TwoPhase,
};
pub use region::{Region, RegionLatency};
pub use service::{Call, Clock, Commit, Service};
pub use task::{Goal, ReadOut, Task, TaskNode};
pub use value::Value;

/// Microseconds of virtual time, the engine's unit of instants and durations.
pub type Micros = u64;

/// Converts milliseconds of a document to microseconds, rounded to the nearest.
pub fn micros(ms: f64) -> Micros {
    (ms * 1000.0).round() as Micros
}

/// Converts microseconds to milliseconds.
pub fn milliseconds(time: Micros) -> f64 {
    time as f64 / 1000.0
}

/// Parses a finite number as people type it.
pub fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

pub(crate) fn one() -> u32 {
    1
}

pub(crate) fn one_i64() -> i64 {
    1
}

pub(crate) fn is_one(n: &u32) -> bool {
    *n == 1
}

impl Scenario {
    /// Reads and validates a document.
    ///
    /// # Errors
    /// All errors, each with its path and what was expected.
    pub fn from_json(text: &str) -> Result<Scenario, Vec<ScenarioError>> {
        let scenario = Scenario::read(text)?;
        scenario.validate()?;
        Ok(scenario)
    }

    /// Reads a document without validating it.
    ///
    /// # Errors
    /// All errors of syntax and shape, each with its path and what was expected.
    pub fn read(text: &str) -> Result<Scenario, Vec<ScenarioError>> {
        // Some editors begin a file with a byte-order mark.
        json::parse(text.trim_start_matches('\u{feff}'))
            .map_err(|error| vec![error.into()])
            .and_then(|json| Scenario::from_value(&json))
    }

    /// Reads a document from a JSON value without validating it.
    ///
    /// # Errors
    /// All errors of shape, each with its path and what was expected.
    pub fn from_value(value: &serde_json::Value) -> Result<Scenario, Vec<ScenarioError>> {
        json::read_in_ranges(value, validate::ranges).map_err(|errors| {
            // A newer format may have fields that are unknown here; then the format is the error to report.
            let format = value["converge"].as_u64().unwrap_or_default();
            if format > u64::from(FORMAT) { vec![validate::newer(format)] } else { errors }
        })
    }

    /// Returns the document as a JSON value.
    pub fn to_value(&self) -> serde_json::Value {
        json::to_value(self)
    }

    /// Writes the document as JSON, indented by two spaces, without default values.
    pub fn to_json(&self) -> String {
        json::pretty(self)
    }

    /// Checks what the types do not ensure: ids, references, ranges and sizes.
    ///
    /// # Errors
    /// All errors, each with its path and what was expected.
    pub fn validate(&self) -> Result<(), Vec<ScenarioError>> {
        validate::check(self)
    }

    /// Returns a warning for each setting without effect and each loop that never ends, with its path. Assumes that the scenario is
    /// valid.
    pub fn warnings(&self) -> Vec<ScenarioError> {
        validate::warnings(self)
    }
}

impl Operation {
    /// Checks keys, ranges and sizes of an operation, independent of a scenario.
    ///
    /// # Errors
    /// All errors, each with its path and what was expected.
    pub fn check(&self) -> Result<(), Vec<ScenarioError>> {
        validate::check_operation(self)
    }
}

impl Command {
    /// Checks ranges and sizes of a command, independent of a scenario.
    ///
    /// # Errors
    /// All errors, each with its path and what was expected.
    pub fn check(&self) -> Result<(), Vec<ScenarioError>> {
        validate::check_command(self)
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_are_parsed_as_people_type_them() {
        let cases =
            [("5", 5.0), (" 2.50 ", 2.5), ("+3", 3.0), (".5", 0.5), ("-.25", -0.25), ("7.", 7.0), ("1e3", 1000.0)];
        for (text, number) in cases {
            assert_eq!(super::number(text), Some(number), "{text}");
        }
        for text in ["", "-", ".", "x", "1,5", "0x10", "inf", "NaN", "--1", "1 2"] {
            assert_eq!(super::number(text), None, "{text}");
        }
    }
}
