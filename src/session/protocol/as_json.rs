//! Parts of a document cross as JSON text. Their serde attributes (untagged values, skipped fields) are made for JSON,
//! and the compact format of the other messages is not self-describing.

use serde::de::{DeserializeOwned, Error};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Writes a part of a document.
pub fn serialize<T: Serialize, S: Serializer>(part: &T, serializer: S) -> Result<S::Ok, S::Error> {
    let text = serde_json::to_string(part).map_err(S::Error::custom)?;
    serializer.serialize_str(&text)
}

/// Reads a part of a document.
pub fn deserialize<'de, T: DeserializeOwned, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer)?;
    serde_json::from_str(&text).map_err(D::Error::custom)
}
