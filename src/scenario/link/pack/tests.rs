//! What is packed comes out again, and nothing else does.

use super::*;
use proptest::prelude::*;
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

/// Numbers compared as numbers: 5.0 comes back as 5, which means the same to a document.
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
    fn whatever_is_packed_comes_out_again(value in any_json()) {
        let unpacked = pack(&value).and_then(|bytes| unpack(&bytes));
        prop_assert!(unpacked.as_ref().is_some_and(|other| same(&value, other)), "{:?}", unpacked);
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = unpack(&bytes);
    }
}

#[test]
fn the_dictionary_names_nothing_twice() {
    let mut sorted: Vec<&str> = DICTIONARY.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted.len(), DICTIONARY.len());
}

#[test]
fn what_is_new_to_this_version_is_carried_too() {
    let value =
        json!({ "converge": 1, "brand_new": [{ "id": "ü\u{0}", "zero": -0.5 }, { "id": "b", "zero": 1e-300 }] });
    assert_eq!(pack(&value).and_then(|bytes| unpack(&bytes)), Some(value));
}

#[test]
fn a_bomb_of_references_to_one_long_text_is_refused() {
    let text = "a".repeat(1_000);
    let bomb = Value::Array(vec![Value::String(text); 10_000]);
    assert_eq!(pack(&bomb), None, "ten megabytes in few bytes");
}

#[test]
fn a_bomb_of_values_is_refused() {
    assert_eq!(pack(&Value::Array(vec![Value::Null; 1 << 15])), None);
    let nested = (0..DEEPEST).fold(Value::Null, |inner, _| Value::Array(vec![inner]));
    assert_eq!(pack(&nested), None);
}

#[test]
fn a_bomb_of_letters_is_refused() {
    let text = |n: usize| Value::String("a".repeat(n));
    assert!(pack(&text(MOST_SPELLED - 10)).is_some());
    assert_eq!(pack(&text(MOST_SPELLED + 1)), None);
}

#[test]
fn bytes_that_end_too_soon_are_refused() {
    let bytes = pack(&json!({ "title": "x".repeat(50), "services": [{ "id": "a" }] })).expect("small");
    for length in 0..bytes.len() {
        let cut = unpack(&bytes[..length]);
        assert!(cut.is_none_or(|value| value != unpack(&bytes).expect("whole")), "{length} of {}", bytes.len());
    }
    assert_eq!(unpack(&[bytes, vec![0; 5]].concat()), None, "and those that end too late");
}
