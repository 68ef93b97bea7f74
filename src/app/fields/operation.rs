//! Fields of operations.

use super::{Field, FieldKind, FieldsAt};
use crate::scenario::Operation;
use crate::text;
use serde_json::json;

/// Returns the fields of an operation.
pub(super) fn fields(at: &FieldsAt, name: &str, operation: &Operation) -> Vec<Field> {
    let key = operation.key();
    let kinds = vec![
        (text!("read"), json!({ "read": { "key": key } })),
        (text!("write"), json!({ "write": { "key": key, "value": 1 } })),
        (text!("add"), json!({ "add": { "key": key, "element": 1 } })),
        (text!("remove"), json!({ "remove": { "key": key, "element": 1 } })),
        (text!("put"), json!({ "put": { "key": key, "field": "size", "value": 1 } })),
        (text!("insert"), json!({ "insert": { "key": key, "element": 1 } })),
        (text!("remove at"), json!({ "remove_at": { "key": key, "at": 0 } })),
        (text!("increment"), json!({ "increment": { "key": key, "by": 1 } })),
        (text!("delete"), json!({ "delete": { "key": key } })),
        (text!("compare and set"), json!({ "compare_and_set": { "key": key, "expect": null, "value": 1 } })),
    ];
    let operation_at = at.to(name);
    let (chosen, tag) = match operation {
        Operation::Read { .. } => (text!("read"), "read"),
        Operation::Write { .. } => (text!("write"), "write"),
        Operation::Add { .. } => (text!("add"), "add"),
        Operation::Remove { .. } => (text!("remove"), "remove"),
        Operation::Put { .. } => (text!("put"), "put"),
        Operation::Insert { .. } => (text!("insert"), "insert"),
        Operation::RemoveAt { .. } => (text!("remove at"), "remove_at"),
        Operation::Increment { .. } => (text!("increment"), "increment"),
        Operation::Delete { .. } => (text!("delete"), "delete"),
        Operation::CompareAndSet { .. } => (text!("compare and set"), "compare_and_set"),
    };
    let nested = operation_at.to(tag);
    let mut fields = vec![
        at.choice(name, text!("Operation"), kinds, chosen, text!("The operation.")),
        nested.text("key", text!("Key"), key, text!("The key of the operation.")),
    ];
    match operation {
        Operation::Read { .. } | Operation::Delete { .. } => {}
        Operation::Write { value, .. } => {
            fields.push(nested.value("value", text!("Value"), value, text!("The new value.")))
        }
        Operation::Add { element, .. } | Operation::Remove { element, .. } => {
            fields.push(nested.value("element", text!("Element"), element, text!("A whole number or a text.")));
        }
        Operation::Put { field, value, .. } => {
            fields.push(nested.text("field", text!("Field"), field, text!("Its name in the map.")));
            fields.push(nested.value("value", text!("Value"), value, text!("A whole number or a text.")));
        }
        Operation::Insert { at, element, .. } => {
            let help = text!("How many elements are before it; empty: at the end.");
            fields.push(nested.optional("at", text!("Index"), "", at.map(f64::from), help));
            fields.push(nested.value("element", text!("Element"), element, text!("A whole number or a text.")));
        }
        Operation::RemoveAt { at, .. } => {
            fields.push(nested.number("at", text!("Index"), "", *at, text!("How many elements are before it.")));
        }
        Operation::Increment { by, .. } => {
            fields.push(nested.number("by", text!("By"), "", *by as f64, text!("May be negative.")))
        }
        Operation::CompareAndSet { expect, value, .. } => {
            let text = expect.as_ref().map(ToString::to_string).unwrap_or_default();
            let help = text!("The value that the key must have; empty: absent.");
            fields.push(nested.field("expect", text!("Expects"), "", FieldKind::Value, text, help));
            fields.push(nested.value("value", text!("Value"), value, text!("The new value.")));
        }
    }
    fields
}
