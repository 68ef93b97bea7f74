//! Numbers of operations, updates, publications and requests, which are never reused.

/// Returns the next number of a counter.
pub fn next_number(counter: &mut u32) -> u32 {
    debug_assert!(*counter < u32::MAX, "numbers are not reused");
    let next = *counter + 1;
    std::mem::replace(counter, next)
}
