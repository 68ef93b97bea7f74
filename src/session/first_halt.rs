//! The halted run that reports of many runs name.

use serde::{Deserialize, Serialize};

/// The halted run with the smallest seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct FirstHalt {
    /// Its seed.
    pub seed: u64,
    /// Why it was halted, a sentence that names the limit, the nodes and the loop.
    pub why: String,
}
