//! Regions: nodes that are close to each other.

use super::{Latency, is_default};
use serde::{Deserialize, Serialize};

/// Nodes that are close to each other.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// Unique among the regions.
    pub id: String,
    /// Displayed name; the id if absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub name: String,
    /// Ids of its nodes; a node is in at most one region.
    pub nodes: Vec<String>,
    /// Latency to other regions or within this one, in each direction; the scenario's default if absent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub latency: Vec<RegionLatency>,
}

/// Latency between two regions, in each direction, for links without a latency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RegionLatency {
    /// The other region, or the region itself for links within it.
    pub to: String,
    /// Latency of a message.
    pub latency: Latency,
}
