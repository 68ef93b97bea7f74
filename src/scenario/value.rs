use crate::ordered::{Map, Set};
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
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
    Set(Arc<Set<Value>>),
    /// Integers and texts in an order of their own, any of them several times.
    List(Arc<[Value]>),
    /// Integers and texts by the names of their fields; of a field that was put at the same time in two places the set of
    /// what was put.
    Map(Arc<Map<Arc<str>, Value>>),
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

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a whole number, a text, a set of those in brackets, {\"list\": […]} or {\"map\": {…}}")
    }

    fn visit_i64<E: de::Error>(self, n: i64) -> Result<Value, E> {
        Ok(Value::Int(n))
    }

    fn visit_u64<E: de::Error>(self, n: u64) -> Result<Value, E> {
        i64::try_from(n).map(Value::Int).map_err(|_| E::invalid_value(de::Unexpected::Unsigned(n), &self))
    }

    // JavaScript knows one kind of number, so whole ones may arrive as floats.
    fn visit_f64<E: de::Error>(self, n: f64) -> Result<Value, E> {
        if n.fract() == 0.0 && n.abs() <= 9_007_199_254_740_992.0 {
            Ok(Value::Int(n as i64))
        } else {
            Err(E::invalid_value(de::Unexpected::Float(n), &self))
        }
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::from(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut elements = Set::new();
        while let Some(element) = seq.next_element::<Value>()? {
            if !element.is_simple() {
                return Err(de::Error::custom("a set holds whole numbers and texts, not other lists"));
            }
            elements.insert(element);
        }
        Ok(Value::Set(Arc::new(elements)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let value = match map.next_key::<String>()?.as_deref() {
            Some("list") => {
                let elements: Vec<Value> = map.next_value()?;
                if !elements.iter().all(Value::is_simple) {
                    return Err(de::Error::custom("a list holds whole numbers and texts"));
                }
                Value::List(elements.into())
            }
            Some("map") => {
                let fields: Map<String, Value> = map.next_value()?;
                // A set is what was put at the same time.
                if fields.values().any(|value| matches!(value, Value::List(_) | Value::Map(_))) {
                    return Err(de::Error::custom("a map holds whole numbers and texts"));
                }
                Value::Map(Arc::new(fields.into_iter().map(|(name, value)| (name.into(), value)).collect()))
            }
            Some(other) => return Err(de::Error::unknown_field(other, &["list", "map"])),
            None => return Err(de::Error::invalid_length(0, &self)),
        };
        match map.next_key::<String>()? {
            Some(other) => Err(de::Error::unknown_field(&other, &[])),
            None => Ok(value),
        }
    }
}

impl<'de> serde::Deserialize<'de> for Value {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
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
