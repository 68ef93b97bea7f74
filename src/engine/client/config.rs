//! The configuration of a client.

use super::group_session::GroupSession;
use crate::engine::message::LinkId;
use crate::engine::random::{Sampler, Stream};
use crate::scenario::{Backoff, Micros, Operation};
use crate::trace::NodeId;
use std::sync::Arc;

/// When generated operations are issued.
#[derive(Clone, Debug)]
pub enum Pace {
    /// An open loop: at intervals that do not depend on the end of operations.
    Open(Sampler),
    /// A closed loop: a think time after the end of the last operation.
    Closed(Sampler),
    /// A follower: after each acknowledged write of another client.
    After,
}

/// The distribution of the keys of generated operations.
#[derive(Clone, Debug)]
pub struct KeyChoice {
    /// The keys.
    pub keys: Vec<Arc<str>>,
    /// The cumulative probability up to and including each key.
    pub cumulative: Vec<f64>,
}

impl KeyChoice {
    /// Draws a key.
    pub fn draw(&self, stream: &mut Stream) -> &str {
        debug_assert!(!self.keys.is_empty(), "a workload has keys");
        debug_assert!(self.keys.len() == self.cumulative.len(), "each key has a probability");
        let u = stream.unit();
        let i = self.cumulative.partition_point(|&end| end <= u);
        &self.keys[i.min(self.keys.len() - 1)]
    }
}

/// The random numbers of a session.
#[derive(Clone, Debug)]
pub struct SessionStreams {
    /// Intervals between operations.
    pub arrivals: Stream,
    /// Keys.
    pub keys: Stream,
    /// Reads or writes.
    pub kinds: Stream,
    /// Waits before an optimistic write is retried.
    pub waits: Stream,
}

/// The configuration of generated operations.
#[derive(Clone, Debug)]
pub struct Generator {
    /// When operations are issued.
    pub pace: Pace,
    /// The keys of the operations.
    pub keys: KeyChoice,
    /// The share of reads.
    pub read_share: f64,
    /// The backoff with which optimistic writes are retried; none if writes are not optimistic.
    pub optimistic: Option<Backoff>,
    /// The time of the first operation.
    pub from: Micros,
    /// The end of the operations.
    pub until: Micros,
    /// The random numbers of each session.
    pub sessions: Vec<SessionStreams>,
}

/// The configuration of a client.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// The node of the client.
    pub node: NodeId,
    /// Where it sends writes.
    pub target: Target,
    /// Where it sends reads.
    pub reads_from: Target,
    /// How long it waits for a reply.
    pub timeout: Micros,
    /// The maximum number of attempts for an operation.
    pub attempts: u32,
    /// Scripted operations with their times.
    pub script: Vec<(Micros, Operation)>,
    /// Generated operations.
    pub generator: Option<Generator>,
    /// Its sessions with a replica group; none if its target is a service.
    pub group: Option<Box<GroupSession>>,
    /// The first value of generated writes, which count up, so that no two clients write the same value.
    pub first_value: i64,
}

/// Where a client sends operations.
#[derive(Clone, Debug)]
pub enum Target {
    /// A service, over this link.
    Service(NodeId, LinkId),
    /// The client's replica group.
    Group,
}
