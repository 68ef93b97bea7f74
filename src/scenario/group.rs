//! Replica groups: services that hold the same data under one replication protocol.

use super::{Protocol, is_default};
use serde::{Deserialize, Serialize};

/// Services that hold the same data under one replication protocol. Unless members publish or subscribe, its keys are
/// separate from keys of the same name elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Unique among all nodes: letters, digits, `_`, `-`, `.`.
    pub id: String,
    /// Displayed name; the id if absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub name: String,
    /// Ids of its services. A service is a member of at most one group and calls no other service. Members of a group of
    /// registers may publish and subscribe.
    pub members: Vec<String>,
    /// Data type of its keys, and how two versions of a key are merged.
    #[serde(default, skip_serializing_if = "is_default")]
    pub data: Data,
    /// Replication protocol of its members.
    #[serde(default, skip_serializing_if = "is_default")]
    pub protocol: Protocol,
}

impl Group {
    /// Members at most that have a link for each pair.
    pub const MAX_LINKED: usize = 1_000;

    /// Returns whether its protocol orders all writes of a key, so that a write can depend on the current value.
    pub fn orders_writes(&self) -> bool {
        match self.protocol {
            Protocol::Primary(_) | Protocol::Raft(_) | Protocol::Chain | Protocol::TwoPhase(_) => true,
            Protocol::Quorum(_) | Protocol::Gossip(_) => false,
        }
    }

    /// Returns whether its members have no separate links, but all reach each other as over a link that is not listed.
    pub fn is_wide(&self) -> bool {
        self.members.len() > Group::MAX_LINKED
    }

    /// Returns whether clocks of its members order writes. Protocols with a log order writes by position in it.
    pub fn is_ordered_by_clock(&self) -> bool {
        let clock = matches!(self.data, Data::Register { clock: VersionClock::Wall | VersionClock::Hybrid });
        clock && matches!(self.protocol, Protocol::Quorum(_) | Protocol::Gossip(_))
    }
}

/// Data type of a group's keys, and how two versions of a key are merged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Data {
    /// A register: the newest write wins. Changes of a number, set, map or list read the value, change it and write it back,
    /// and so lose concurrent changes.
    Register {
        /// The clock that orders writes.
        #[serde(default, skip_serializing_if = "is_default")]
        clock: VersionClock,
    },
    /// A multi-value register: concurrent writes are kept as siblings, by dotted version vectors. A write of a session
    /// that has read the siblings replaces them.
    MultiValue,
    /// A multi-value register whose reads merge the siblings into one value, to which operations apply.
    Merged {
        /// The rule for merging.
        by: Merge,
    },
    /// A counter: increments at all replicas add up (PN-counter).
    Counter,
    /// A set in which an addition wins over a concurrent removal (OR-set without tombstones).
    Set,
    /// A set in which a removal wins over a concurrent addition (RW-set). Tombstones of removals are kept until the
    /// element is added again.
    RemoveWinsSet,
    /// A map of fields: a put wins over a concurrent removal, and concurrent puts are kept as siblings of the field.
    Map,
    /// A list in which each element follows the element behind which it was inserted (RGA). Of several elements inserted
    /// at one place, the latest by Lamport clock comes first; ties go to the later node of the document. Tombstones of
    /// removals are kept.
    Sequence,
}

/// How the siblings of a key are merged into one value. The rule depends on the siblings alone, so that replicas with the
/// same siblings return the same value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Merge {
    /// Union of sets (any other value counts as a set of one element): keeps all additions, loses removals.
    #[default]
    Union,
    /// Intersection of sets: keeps all removals, loses additions.
    Intersection,
    /// Maximum, where numbers are less than texts, and texts less than sets, lists and maps.
    Max,
    /// Minimum in the same order.
    Min,
}

impl Default for Data {
    fn default() -> Self {
        Data::Register { clock: VersionClock::default() }
    }
}

/// The clock that orders writes of a register. Of writes with the same reading of wall clocks, a deletion wins, then the
/// larger value; other ties go to the later node of the document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum VersionClock {
    /// The coordinator's wall clock, which may be skewed.
    #[default]
    Wall,
    /// A Lamport clock: one more than the highest count of the key that the coordinator has seen (Lamport 1978).
    Lamport,
    /// A hybrid logical clock: the wall clock, but never behind what the coordinator has seen (Kulkarni 2014).
    Hybrid,
}
