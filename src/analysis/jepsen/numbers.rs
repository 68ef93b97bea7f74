//! The numbers of a history: within a range in which sums cannot overflow, and exact.

use serde_json::Value;

/// The greatest number of a counter, so that no sum or difference overflows.
pub(super) const MAX_NUMBER: i64 = 1 << 62;
/// The numbers that a counter can hold, as stated in errors.
pub(super) const COUNTED: &str = "a whole number from -2^62 to 2^62";

/// Returns the number of a counter.
pub(super) fn counted(value: &Value) -> Option<i64> {
    value.as_i64().filter(|number| number.unsigned_abs() <= MAX_NUMBER.unsigned_abs())
}

/// Returns whether every number in a value is exact: a larger one could equal another after rounding.
pub(super) fn is_exact(value: &Value) -> bool {
    match value {
        Value::Number(number) => {
            let is_rounded = |number: f64| number.abs() >= (1u64 << 53) as f64;
            !number.is_f64() || !number.as_f64().is_some_and(is_rounded)
        }
        Value::Array(elements) => elements.iter().all(is_exact),
        Value::Object(fields) => fields.values().all(is_exact),
        Value::Null | Value::Bool(_) | Value::String(_) => true,
    }
}
