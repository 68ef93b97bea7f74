//! Fields of operations.

use super::{Field, FieldKind, FieldsAt};
use crate::scenario::Operation;
use serde_json::json;

/// Returns the fields of an operation.
pub(super) fn fields(at: &FieldsAt, name: &str, operation: &Operation) -> Vec<Field> {
    let key = operation.key();
    let kinds = vec![
        ("read", json!({ "read": { "key": key } })),
        ("write", json!({ "write": { "key": key, "value": 1 } })),
        ("add", json!({ "add": { "key": key, "element": 1 } })),
        ("remove", json!({ "remove": { "key": key, "element": 1 } })),
        ("put", json!({ "put": { "key": key, "field": "size", "value": 1 } })),
        ("insert", json!({ "insert": { "key": key, "element": 1 } })),
        ("remove at", json!({ "remove_at": { "key": key, "at": 0 } })),
        ("increment", json!({ "increment": { "key": key, "by": 1 } })),
        ("delete", json!({ "delete": { "key": key } })),
        ("compare and set", json!({ "compare_and_set": { "key": key, "expect": null, "value": 1 } })),
    ];
    let place = at.to(name);
    let (chosen, tag) = match operation {
        Operation::Read { .. } => ("read", "read"),
        Operation::Write { .. } => ("write", "write"),
        Operation::Add { .. } => ("add", "add"),
        Operation::Remove { .. } => ("remove", "remove"),
        Operation::Put { .. } => ("put", "put"),
        Operation::Insert { .. } => ("insert", "insert"),
        Operation::RemoveAt { .. } => ("remove at", "remove_at"),
        Operation::Increment { .. } => ("increment", "increment"),
        Operation::Delete { .. } => ("delete", "delete"),
        Operation::CompareAndSet { .. } => ("compare and set", "compare_and_set"),
    };
    let nested = place.to(tag);
    let mut fields = vec![
        at.choice(name, "Operation", kinds, chosen, "The operation."),
        nested.text("key", "Key", key, "The key of the operation."),
    ];
    match operation {
        Operation::Read { .. } | Operation::Delete { .. } => {}
        Operation::Write { value, .. } => fields.push(nested.value("value", "Value", value, "The new value.")),
        Operation::Add { element, .. } | Operation::Remove { element, .. } => {
            fields.push(nested.value("element", "Element", element, "A whole number or a text."));
        }
        Operation::Put { field, value, .. } => {
            fields.push(nested.text("field", "Field", field, "Its name in the map."));
            fields.push(nested.value("value", "Value", value, "A whole number or a text."));
        }
        Operation::Insert { at, element, .. } => {
            let help = "How many elements are before it; empty: at the end.";
            fields.push(nested.optional("at", "Index", "", at.map(f64::from), help));
            fields.push(nested.value("element", "Element", element, "A whole number or a text."));
        }
        Operation::RemoveAt { at, .. } => {
            fields.push(nested.number("at", "Index", "", *at, "How many elements are before it."));
        }
        Operation::Increment { by, .. } => fields.push(nested.number("by", "By", "", *by as f64, "May be negative.")),
        Operation::CompareAndSet { expect, value, .. } => {
            let text = expect.as_ref().map(ToString::to_string).unwrap_or_default();
            let help = "The value that the key must have; empty: absent.";
            fields.push(nested.field("expect", "Expects", "", FieldKind::Value, text, help));
            fields.push(nested.value("value", "Value", value, "The new value."));
        }
    }
    fields
}
