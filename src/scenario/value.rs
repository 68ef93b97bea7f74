use crate::language::{phrase, sentence};
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

/// The value of a key: a whole number, a text, or a set, list or map of those. In JSON `42`, `"shipped"`, `["a", "b"]`,
/// `{ "list": ["b", "a", "b"] }`, `{ "map": { "size": 3 } }`.
///
/// Immutable and cheap to clone: all but numbers are shared. Ordered by variant, then by content.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// A whole number.
    Int(i64),
    /// A text of at most 80 characters.
    Text(Arc<str>),
    /// A set of numbers and texts.
    Set(Arc<BTreeSet<Value>>),
    /// A list of numbers and texts.
    List(Arc<[Value]>),
    /// Numbers and texts by field name. A field with concurrent puts has the set of their values.
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
        let mut set = BTreeSet::new();
        set.extend(elements);
        Value::Set(Arc::new(set))
    }
}

impl Value {
    /// Returns a map with one field.
    pub fn with_field(name: Arc<str>, value: Value) -> Value {
        Value::with_fields(std::iter::once((name, value)))
    }

    /// Returns a map with these fields.
    pub fn with_fields(fields: impl Iterator<Item = (Arc<str>, Value)>) -> Value {
        let mut map = BTreeMap::new();
        map.extend(fields);
        Value::Map(Arc::new(map))
    }

    /// Returns the number of its elements; 0 for a number or a text.
    pub fn elements(&self) -> u64 {
        match self {
            Value::Int(_) | Value::Text(_) => 0,
            Value::Set(elements) => elements.len() as u64,
            Value::List(elements) => elements.len() as u64,
            Value::Map(fields) => fields.len() as u64,
        }
    }

    /// Returns whether it is a whole number or a text, which can be an element of the other variants.
    pub fn is_simple(&self) -> bool {
        matches!(self, Value::Int(_) | Value::Text(_))
    }

    /// Parses what a person typed: a whole number if possible, otherwise a text.
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
            Value::Set(elements) => serializer.collect_seq(&**elements),
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

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(phrase(
            "a whole number, a text, a set of those in brackets, {\"list\": […]} or {\"map\": {…}}",
            "eine ganze Zahl, ein Text, eine Menge davon in eckigen Klammern, {\"list\": […]} oder {\"map\": {…}}",
        ))
    }

    fn visit_i64<E: de::Error>(self, n: i64) -> Result<Value, E> {
        Ok(Value::Int(n))
    }

    fn visit_u64<E: de::Error>(self, n: u64) -> Result<Value, E> {
        i64::try_from(n).map(Value::Int).map_err(|_| E::custom(out_of_range(n)))
    }

    /// JavaScript has one type of numbers, so whole ones may arrive as floats.
    fn visit_f64<E: de::Error>(self, n: f64) -> Result<Value, E> {
        if n.fract() == 0.0 && n.abs() <= 9_007_199_254_740_992.0 {
            return Ok(Value::Int(n as i64));
        }
        if n.fract() == 0.0 {
            // As JSON writes it: digits of a rounded number would look exact.
            return Err(E::custom(out_of_range(serde_json::json!(n))));
        }
        Err(E::custom(sentence!("must be a whole number, not {n}", "erwartet wird eine ganze Zahl, nicht {n}")))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::from(text))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut elements = BTreeSet::new();
        while let Some(element) = access.next_element()? {
            elements.insert(element);
        }
        only_simple(&elements, phrase("a set in brackets", "eine Menge in eckigen Klammern"))?;
        Ok(Value::Set(Arc::new(elements)))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let problem = phrase(
            "must be an object with one field; expected one of `list`, `map`",
            "erwartet wird ein Objekt mit einem Feld; erlaubt sind `list`, `map`",
        );
        let value = match access.next_key::<String>()?.as_deref() {
            Some("list") => {
                let elements: Vec<Value> = access.next_value()?;
                only_simple(&elements, phrase("a list", "eine Liste"))?;
                Value::List(elements.into())
            }
            Some("map") => {
                let fields: BTreeMap<Arc<str>, Value> = access.next_value()?;
                // A set holds what several puts wrote to the field at the same time.
                only_simple(
                    fields.values().filter(|value| !matches!(value, Value::Set(_))),
                    phrase("a map", "eine Map"),
                )?;
                Value::Map(Arc::new(fields))
            }
            Some(name) => return Err(de::Error::unknown_field(name, &["list", "map"])),
            None => return Err(de::Error::custom(problem)),
        };
        match access.next_key::<String>()? {
            None => Ok(value),
            Some(_) => Err(de::Error::custom(problem)),
        }
    }
}

fn out_of_range(found: impl fmt::Display) -> String {
    sentence!(
        "must be a whole number from -2^53 to 2^53, not {found}",
        "muss eine ganze Zahl von -2^53 bis 2^53 sein, nicht {found}"
    )
}

fn only_simple<'v, E: de::Error>(elements: impl IntoIterator<Item = &'v Value>, holder: &str) -> Result<(), E> {
    if elements.into_iter().all(Value::is_simple) {
        return Ok(());
    }
    Err(E::custom(sentence!(
        "{holder} holds only whole numbers and texts",
        "{holder} enthält nur ganze Zahlen und Texte"
    )))
}

#[cfg(not(target_arch = "wasm32"))]
impl schemars::JsonSchema for Value {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Value".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "The value of a key: a whole number, a text, or a set, list or map of those.",
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
