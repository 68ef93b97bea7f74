//! A scenario crosses as the text of its document: its reader is a tenth of the page's weight, and so there is
//! one of it, [`Scenario::read`], instead of one for each way in.

use crate::scenario::Scenario;
use serde::{Deserialize, Deserializer, Serializer, de};

pub(super) fn serialize<S: Serializer>(scenario: &Scenario, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&scenario.to_json())
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Box<Scenario>, D::Error> {
    let text = String::deserialize(deserializer)?;
    Scenario::read(&text).map(Box::new).map_err(|errors| {
        let all: Vec<String> = errors.iter().map(ToString::to_string).collect();
        de::Error::custom(all.join("; "))
    })
}
