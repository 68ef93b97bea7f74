//! Parts of a document cross between page and worker as JSON text. Their serde attributes (untagged values, skipped fields) need
//! a self-describing format such as JSON, and the compact format of the other messages is not one. The functions that write and
//! read documents also write and read their parts, so the page has one writer and one reader.

use crate::scenario::json;
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Writes a part of a document.
pub fn serialize<T: Serialize, S: Serializer>(part: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&json::pretty(part))
}

/// Reads a part of a document.
pub fn deserialize<'de, T: DeserializeOwned, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer)?;
    let value = json::parse(&text).map_err(|error| D::Error::custom(error.to_string()))?;
    json::read(&value).map_err(|errors| D::Error::custom(errors[0].to_string()))
}
