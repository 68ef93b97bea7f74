use super::json::{Document, Reader, Writer};
use crate::ordered::Set;
use serde::ser::{Serialize, SerializeSeq, Serializer};
use serde_json::Value as Json;
use std::fmt;
use std::sync::Arc;

/// What a key holds: an integer, a text, or a set of those. In JSON `42`, `"shipped"`, `["a", "b"]`.
///
/// Cloning is cheap: text and sets are shared and never changed in place, so a message's copy of a
/// value stays as it was when it was sent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// A whole number.
    Int(i64),
    /// A text of at most 80 characters.
    Text(Arc<str>),
    /// A set of integers and texts, in order.
    Set(Arc<Set<Value>>),
}

impl From<i64> for Value {
    fn from(n: i64) -> Self {
        Value::Int(n)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.into())
    }
}

impl FromIterator<Value> for Value {
    fn from_iter<I: IntoIterator<Item = Value>>(elements: I) -> Self {
        Value::Set(Arc::new(elements.into_iter().collect()))
    }
}

impl Value {
    /// What a person typed: a whole number if it reads as one, else a text.
    pub fn from_typed(text: &str) -> Value {
        text.trim().parse().map_or_else(|_| Value::from(text.trim()), Value::Int)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Int(n) => write!(f, "{n}"),
            Value::Text(text) => f.write_str(text),
            Value::Set(elements) => {
                f.write_str("{")?;
                for (i, element) in elements.iter().enumerate() {
                    if i > 0 {
                        f.write_str(", ")?;
                    }
                    write!(f, "{element}")?;
                }
                f.write_str("}")
            }
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Int(n) => serializer.serialize_i64(*n),
            Value::Text(text) => serializer.serialize_str(text),
            Value::Set(elements) => {
                let mut seq = serializer.serialize_seq(Some(elements.len()))?;
                for element in elements.iter() {
                    seq.serialize_element(element)?;
                }
                seq.end()
            }
        }
    }
}

impl Document for Value {
    fn read(reader: &mut Reader<'_>) -> Self {
        // JavaScript knows one kind of number, so whole ones may arrive as floats.
        let whole = |n: f64| (n.fract() == 0.0 && n.abs() <= 9_007_199_254_740_992.0).then_some(n as i64);
        let read = match reader.at() {
            Json::Number(number) => number.as_i64().or_else(|| number.as_f64().and_then(whole)).map(Value::Int),
            Json::String(text) => Some(Value::from(text.as_str())),
            Json::Array(_) => Some(Vec::<Value>::read(reader).into_iter().collect()),
            Json::Null | Json::Bool(_) | Json::Object(_) => None,
        };
        match read {
            Some(Value::Set(elements)) if elements.iter().any(|element| matches!(element, Value::Set(_))) => {
                reader.error("a set holds whole numbers and texts, not other lists");
                Value::Set(elements)
            }
            Some(value) => value,
            None => {
                reader.expected("a whole number, a text, or a list of those");
                Value::Int(0)
            }
        }
    }

    fn write(&self, writer: &mut Writer) {
        match self {
            Value::Int(n) => writer.scalar(*n),
            Value::Text(text) => writer.text(text),
            Value::Set(elements) => {
                writer.open('[');
                for element in elements.iter() {
                    writer.item();
                    element.write(writer);
                }
                writer.close(']');
            }
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
impl schemars::JsonSchema for Value {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Value".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "What a key holds: a whole number, a text, or a set of those.",
            "anyOf": [
                { "type": "integer" },
                { "type": "string", "maxLength": 80 },
                { "type": "array", "items": { "type": ["integer", "string"] }, "uniqueItems": true },
            ]
        })
    }
}
