//! A packed document unpacks to the same document, and limits hold.

use super::*;
use proptest::prelude::*;
use serde_json::Number;
use serde_json::json;

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(|n| json!(n >> (n & 63))),
        any::<f64>().prop_filter_map("finite", |n| Number::from_f64(n).map(Value::Number)),
        (0i32..100_000).prop_map(|n| json!(f64::from(n) / 1000.0)),
        "[a-z]{0,6}".prop_map(Value::String),
    ];
    leaf.prop_recursive(4, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::btree_map("[a-e]{1,2}", inner, 0..5)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Compares numbers by value: 5.0 unpacks as 5, which is equal in a document.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|((k, a), (l, b))| k == l && same(a, b))
        }
        _ => a == b,
    }
}

proptest! {
    #[test]
    fn a_packed_value_unpacks_to_the_same_value(value in any_json()) {
        let unpacked = pack(&value).and_then(|bytes| unpack(&bytes));
        prop_assert!(unpacked.as_ref().is_some_and(|other| same(&value, other)), "{:?}", unpacked);
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = unpack(&bytes);
    }
}

#[test]
fn the_dictionary_has_no_duplicates() {
    let mut sorted: Vec<&str> = DICTIONARY.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted.len(), DICTIONARY.len());
}

#[test]
fn unknown_fields_and_unusual_texts_are_kept() {
    let value =
        json!({ "converge": 1, "brand_new": [{ "id": "ü\u{0}", "zero": -0.5 }, { "id": "b", "zero": 1e-300 }] });
    assert_eq!(pack(&value).and_then(|bytes| unpack(&bytes)), Some(value));
}

#[test]
fn too_many_references_to_a_long_text_are_refused() {
    let text = "a".repeat(1_000);
    let bomb = Value::Array(vec![Value::String(text); 10_000]);
    assert_eq!(pack(&bomb), None, "ten megabytes of text in a few bytes");
}

#[test]
fn too_many_or_too_deeply_nested_values_are_refused() {
    assert_eq!(pack(&Value::Array(vec![Value::Null; 1 << 15])), None);
    let nested = (0..MAX_DEPTH).fold(Value::Null, |inner, _| Value::Array(vec![inner]));
    assert_eq!(pack(&nested), None);
}

#[test]
fn too_long_a_text_is_refused() {
    let text = |n: usize| Value::String("a".repeat(n));
    assert!(pack(&text(MAX_SPELLED - 10)).is_some());
    assert_eq!(pack(&text(MAX_SPELLED + 1)), None);
}

#[test]
fn bytes_that_are_cut_or_extended_are_refused() {
    let bytes = pack(&json!({ "title": "x".repeat(50), "services": [{ "id": "a" }] })).expect("small");
    for length in 0..bytes.len() {
        let cut = unpack(&bytes[..length]);
        assert!(cut.is_none_or(|value| value != unpack(&bytes).expect("whole")), "{length} of {}", bytes.len());
    }
    assert_eq!(unpack(&[bytes, vec![0; 5]].concat()), None, "extended");
}
