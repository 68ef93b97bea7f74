use super::Fact;
use crate::scenario::Micros;
use serde::Serialize;

/// A fact and its time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Record {
    /// Virtual time in microseconds.
    pub at: Micros,
    /// The fact.
    pub fact: Fact,
}
