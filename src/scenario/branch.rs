//! Branches: alternative runs of the same drawing, with other settings, further steps, or both.

use super::{Step, is_default};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An alternative run: how it differs from the document.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Branch {
    /// Unique name of at most 80 characters.
    pub name: String,
    /// Settings that differ: the path `<id>.<field>` of a node's or a group's field, with its value as JSON or as plain
    /// text.
    #[serde(default, skip_serializing_if = "is_default")]
    pub set: BTreeMap<String, String>,
    /// Steps in addition to the document's script.
    #[serde(default, skip_serializing_if = "is_default")]
    pub script: Vec<Step>,
}
