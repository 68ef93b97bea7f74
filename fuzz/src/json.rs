//! Random changes of JSON: of its values, not of its text.

use crate::random::Random;
use serde_json::{Map, Number, Value, json};

/// Returns the value with one to four changes. Parts of `donor` are inserted.
pub fn changed(value: &Value, donor: &Value, random: &mut Random) -> Value {
    let mut value = value.clone();
    for _ in 0..=random.below(4) {
        let (to, from) = (random.below(count(&value)), random.below(count(donor)));
        let inserted = nth(donor, &mut { from }).cloned().unwrap_or_default();
        if let Some(part) = nth_mut(&mut value, &mut { to }) {
            change(part, inserted, random);
        }
    }
    value
}

/// Returns the number of values in a value, itself included.
fn count(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(count).sum::<usize>(),
        Value::Object(fields) => 1 + fields.values().map(count).sum::<usize>(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 1,
    }
}

fn nth<'a>(value: &'a Value, remaining: &mut usize) -> Option<&'a Value> {
    if *remaining == 0 {
        return Some(value);
    }
    *remaining -= 1;
    match value {
        Value::Array(items) => items.iter().find_map(|item| nth(item, remaining)),
        Value::Object(fields) => fields.values().find_map(|item| nth(item, remaining)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

fn nth_mut<'a>(value: &'a mut Value, remaining: &mut usize) -> Option<&'a mut Value> {
    if *remaining == 0 {
        return Some(value);
    }
    *remaining -= 1;
    match value {
        Value::Array(items) => items.iter_mut().find_map(|item| nth_mut(item, remaining)),
        Value::Object(fields) => fields.values_mut().find_map(|item| nth_mut(item, remaining)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

fn change(value: &mut Value, inserted: Value, random: &mut Random) {
    match value {
        Value::Array(items) if !random.once_in(8) => change_list(items, inserted, random),
        Value::Object(fields) if !random.once_in(8) => change_object(fields, inserted, random),
        Value::Number(number) if random.once_in(2) => *value = near(number, random),
        Value::String(text) if random.once_in(2) => *text = crate::text::changed(text, "", &[], random),
        Value::Bool(is_true) => *is_true = !*is_true,
        other => *other = if random.once_in(2) { inserted } else { interesting(random) },
    }
}

fn change_list(items: &mut Vec<Value>, inserted: Value, random: &mut Random) {
    let at = random.below(items.len());
    match random.below(5) {
        0 if !items.is_empty() => drop(items.remove(at)),
        1 if !items.is_empty() => items.insert(at, items[at].clone()),
        2 if !items.is_empty() => {
            let other = random.below(items.len());
            items.swap(at, other);
        }
        3 if !items.is_empty() => {
            let copies = 1 << random.below(7);
            let item = items[at].clone();
            items.extend(std::iter::repeat_n(item, copies));
        }
        _ => items.insert(at, inserted),
    }
}

fn change_object(fields: &mut Map<String, Value>, inserted: Value, random: &mut Random) {
    let name = fields.keys().nth(random.below(fields.len())).cloned();
    match (random.below(4), name) {
        (0, Some(name)) => drop(fields.remove(&name)),
        (1, Some(name)) => {
            let value = fields.remove(&name).unwrap_or_default();
            fields.insert(crate::text::changed(&name, "", &[], random), value);
        }
        (2, Some(name)) => drop(fields.insert(name, inserted)),
        (_, _) => match inserted {
            // The fields of an object of the donor, which may be those that are missing.
            Value::Object(others) => fields.extend(others),
            other => drop(fields.insert("x".into(), other)),
        },
    }
}

fn near(number: &Number, random: &mut Random) -> Value {
    let value = number.as_f64().unwrap_or_default();
    match random.below(6) {
        0 => json!(value + 1.0),
        1 => json!(value - 1.0),
        2 => json!(-value),
        3 => json!(value * 1000.0),
        4 => json!(value / 3.0),
        _ => number.as_i64().map_or(json!(0), |number| json!(number.wrapping_add(1))),
    }
}

fn interesting(random: &mut Random) -> Value {
    let all = [
        json!(null),
        json!(0),
        json!(-1),
        json!(1e308),
        json!(-1e308),
        json!(5e-324),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(1u64 << 53),
        json!(0.5),
        json!(""),
        json!("x".repeat(81)),
        json!("\u{202e}\u{0}<script>"),
        json!([]),
        json!({}),
        json!([[[[[[[[1]]]]]]]]),
        json!({ "a": { "a": { "a": { "a": 1 } } } }),
    ];
    random.pick(&all).clone()
}
