//! The values of keys in the compact format of messages. In documents they are serialized without a tag, which only a
//! self-describing format such as JSON can read.

use crate::scenario::Value;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::sync::Arc;

/// A value with a tag that states its type.
#[derive(Serialize, Deserialize)]
enum TaggedValue {
    Int(i64),
    Text(Arc<str>),
    Set(Vec<TaggedValue>),
    List(Vec<TaggedValue>),
    Map(Vec<(Arc<str>, TaggedValue)>),
}

impl From<&Value> for TaggedValue {
    fn from(value: &Value) -> Self {
        match value {
            Value::Int(number) => TaggedValue::Int(*number),
            Value::Text(text) => TaggedValue::Text(text.clone()),
            Value::Set(elements) => TaggedValue::Set(elements.iter().map(TaggedValue::from).collect()),
            Value::List(elements) => TaggedValue::List(elements.iter().map(TaggedValue::from).collect()),
            Value::Map(fields) => {
                TaggedValue::Map(fields.iter().map(|(name, value)| (name.clone(), value.into())).collect())
            }
        }
    }
}

impl From<TaggedValue> for Value {
    fn from(value: TaggedValue) -> Self {
        match value {
            TaggedValue::Int(number) => Value::Int(number),
            TaggedValue::Text(text) => Value::Text(text),
            TaggedValue::Set(elements) => elements.into_iter().map(Value::from).collect(),
            TaggedValue::List(elements) => Value::List(elements.into_iter().map(Value::from).collect()),
            TaggedValue::Map(fields) => {
                Value::with_fields(fields.into_iter().map(|(name, value)| (name, value.into())))
            }
        }
    }
}

/// Writes the values of a list, or the value of an option.
pub fn serialize<T, S: Serializer>(values: &T, serializer: S) -> Result<S::Ok, S::Error>
where
    for<'a> &'a T: IntoIterator<Item = &'a Value>,
{
    values.into_iter().map(TaggedValue::from).collect::<Vec<_>>().serialize(serializer)
}

/// Reads a list of values.
pub fn all<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Value>, D::Error> {
    Ok(Vec::<TaggedValue>::deserialize(deserializer)?.into_iter().map(Value::from).collect())
}

/// Reads an optional value.
pub fn optional<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Ok(all(deserializer)?.pop())
}
