use super::json::{Document, Reader, Writer};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

/// What a key holds: an integer, a text, or a set, list or map of those. In JSON `42`, `"shipped"`, `["a", "b"]`,
/// `{ "list": ["b", "a", "b"] }`, `{ "map": { "size": 3 } }`.
///
/// Cloning is cheap: all but integers are shared and never changed in place, so a message's copy of a
/// value stays as it was when it was sent. The order is by kind, then by content.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// A whole number.
    Int(i64),
    /// A text of at most 80 characters.
    Text(Arc<str>),
    /// A set of integers and texts, in order.
    Set(Arc<BTreeSet<Value>>),
    /// Integers and texts in an order of their own, any of them several times.
    List(Arc<[Value]>),
    /// Integers and texts by the names of their fields; of a field that was put at the same time in two places the set of
    /// what was put.
    Map(Arc<BTreeMap<Arc<str>, Value>>),
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
    /// Whether it is a whole number or a text, which can be elements of all else.
    pub fn is_simple(&self) -> bool {
        matches!(self, Value::Int(_) | Value::Text(_))
    }

    /// What a person typed: a whole number if it reads as one, else a text.
    pub fn from_typed(text: &str) -> Value {
        text.trim().parse().map_or_else(|_| Value::from(text.trim()), Value::Int)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut before = "";
        let mut part = |f: &mut fmt::Formatter<'_>, name: &str, value: &Value| {
            write!(f, "{}{name}{value}", std::mem::replace(&mut before, ", "))
        };
        match self {
            Value::Int(n) => write!(f, "{n}"),
            Value::Text(text) => f.write_str(text),
            Value::Set(elements) => {
                f.write_str("{")?;
                elements.iter().try_for_each(|element| part(f, "", element))?;
                f.write_str("}")
            }
            Value::List(elements) => {
                f.write_str("[")?;
                elements.iter().try_for_each(|element| part(f, "", element))?;
                f.write_str("]")
            }
            Value::Map(fields) => {
                f.write_str("{")?;
                fields.iter().try_for_each(|(name, value)| part(f, &format!("{name}: "), value))?;
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
            Value::List(elements) => tagged(serializer, "list", &**elements),
            Value::Map(fields) => tagged(serializer, "map", &**fields),
        }
    }
}

fn tagged<S: Serializer>(serializer: S, tag: &str, value: &(impl Serialize + ?Sized)) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry(tag, value)?;
    map.end()
}

impl Document for Value {
    fn read(reader: &mut Reader<'_>) -> Self {
        // JavaScript knows one kind of number, so whole ones may arrive as floats.
        let whole = |n: f64| (n.fract() == 0.0 && n.abs() <= 9_007_199_254_740_992.0).then_some(n as i64);
        let read = match reader.at() {
            Json::Number(number) => number.as_i64().or_else(|| number.as_f64().and_then(whole)).map(Value::Int),
            Json::String(text) => Some(Value::from(text.as_str())),
            Json::Array(_) => Some(Vec::<Value>::read(reader).into_iter().collect()),
            Json::Object(_) => Some(read_tagged(reader)),
            Json::Null | Json::Bool(_) => None,
        };
        match read {
            Some(Value::Set(elements)) if !elements.iter().all(Value::is_simple) => {
                reader.error("a set holds whole numbers and texts, not other lists");
                Value::Set(elements)
            }
            Some(value) => value,
            None => {
                reader
                    .expected("a whole number, a text, a set of those in brackets, {\"list\": […]} or {\"map\": {…}}");
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
            Value::List(elements) => {
                writer.open('{');
                writer.field("list", &elements.to_vec());
                writer.close('}');
            }
            Value::Map(fields) => {
                let fields: BTreeMap<String, Value> =
                    fields.iter().map(|(name, it)| (name.to_string(), it.clone())).collect();
                writer.open('{');
                writer.field("map", &fields);
                writer.close('}');
            }
        }
    }
}

/// Reads a list or a map by its name.
fn read_tagged(reader: &mut Reader<'_>) -> Value {
    let object = reader.object(&["list", "map"]);
    let list: Option<Vec<Value>> = reader.present(object, "list");
    let map: Option<BTreeMap<String, Value>> = reader.present(object, "map");
    match (list, map) {
        (Some(elements), None) => {
            if !elements.iter().all(Value::is_simple) {
                reader.error("a list holds whole numbers and texts");
            }
            Value::List(elements.into())
        }
        (None, Some(fields)) => {
            // A set is what was put at the same time.
            if fields.values().any(|value| matches!(value, Value::List(_) | Value::Map(_))) {
                reader.error("a map holds whole numbers and texts");
            }
            Value::Map(Arc::new(fields.into_iter().map(|(name, value)| (name.into(), value)).collect()))
        }
        (None, None) | (Some(_), Some(_)) => {
            reader.error("an object with one field is expected, `list` or `map`");
            Value::Int(0)
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
            "description": "What a key holds: a whole number, a text, or a set, list or map of those.",
            "anyOf": [
                { "type": "integer" },
                { "type": "string", "maxLength": 80 },
                { "type": "array", "items": { "type": ["integer", "string"] }, "uniqueItems": true },
                { "type": "object", "additionalProperties": false, "required": ["list"], "properties": {
                    "list": { "type": "array", "items": { "type": ["integer", "string"] } } } },
                { "type": "object", "additionalProperties": false, "required": ["map"], "properties": {
                    "map": { "type": "object", "additionalProperties": { "type": ["integer", "string"] } } } },
            ]
        })
    }
}
