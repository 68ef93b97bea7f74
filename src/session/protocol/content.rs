//! What updates, operations and messages contain, as fields.

use super::values;
use crate::scenario::Value;
use crate::trace::{OperationKind, Version};
use serde::{Deserialize, Serialize};

/// An update.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UpdateView {
    /// Its number, from 0, which determines its colour.
    pub update: u32,
    /// What it changes; none if the run has discarded it.
    pub change: Option<Change>,
}

/// A change of a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The key.
    pub key: String,
    /// The new value; none if the key is deleted.
    #[serde(serialize_with = "values::serialize", deserialize_with = "values::optional")]
    pub value: Option<Value>,
    /// The version that it creates.
    pub version: Version,
}

/// An operation of a client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OperationView {
    /// Its number, from 0.
    pub operation: u32,
    /// What is requested; none if the run has discarded it.
    pub request: Option<OperationRequest>,
}

/// What an operation requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OperationRequest {
    /// Its kind.
    pub kind: OperationKind,
    /// The key.
    pub key: String,
    /// The value, if the kind has one.
    #[serde(serialize_with = "values::serialize", deserialize_with = "values::optional")]
    pub value: Option<Value>,
}

/// What a message contains.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum MessageContent {
    /// An update.
    Update(UpdateView),
    /// An operation.
    Operation(OperationView),
    /// A response to an operation.
    Response(OperationView),
    /// The answer of a bus to a poll, without events.
    NoEvents,
    /// The notice that a consumer no longer polls, because its process has ended.
    EndOfPolling,
    /// Nothing besides its kind.
    Empty,
}

impl MessageContent {
    /// Returns the update that the message contains.
    pub fn update(&self) -> Option<&UpdateView> {
        match self {
            MessageContent::Update(update) => Some(update),
            MessageContent::Operation(_)
            | MessageContent::Response(_)
            | MessageContent::NoEvents
            | MessageContent::EndOfPolling
            | MessageContent::Empty => None,
        }
    }
}
