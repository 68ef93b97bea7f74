//! The fixed little-endian layout in which facts enter the digest.
//!
//! A record is its time, the number of its fact, the fixed part of each field, then the variable part of each field, both
//! in the order in which [`Fact`](super::Fact) declares the fields. Numbers are little-endian. Optional ids take eight bytes: one
//! more than the id, 0 for none. A flag (a `bool`, or whether an optional value is there) takes a byte; neighbouring flags
//! share one, from the lowest bit. A list is its length, then its elements.
//!
//! Scenario links carry digests, so this layout must never change.

use super::{
    BrokerChange, DetachReason, Digest, DropCause, DropReason, HandlingFailure, LeaveReason, MessageKind, NodeId,
    OperationKind, Outcome, Refusal, Version, VersionVector,
};
use crate::scenario::Value;

/// How a field enters the digest.
pub(super) trait Layout {
    /// Writes the part whose length does not depend on texts and lists.
    fn write_fixed(&self, bytes: &mut Bytes);

    /// Writes texts and lists.
    fn write_variable(&self, _digest: &mut Digest) {}
}

/// The maximum number of bytes that [`Bytes`] holds.
pub(super) const CAPACITY: usize = 1024;
/// An upper bound of the fixed part of a record.
pub(super) const MAX_FIXED_PART: usize = 80;

/// Laid out bytes that wait for the hash, which takes many bytes at once faster than a few.
#[derive(Clone)]
pub(super) struct Bytes {
    buffer: [u8; CAPACITY],
    length: usize,
    /// Where the last byte of flags ends; 0 for none.
    flags_end: usize,
    /// How many flags that byte holds.
    flag_count: u32,
}

impl Bytes {
    pub fn new() -> Self {
        Bytes { buffer: [0; CAPACITY], length: 0, flags_end: 0, flag_count: 0 }
    }

    pub fn as_slice(&self) -> &[u8] {
        &self.buffer[..self.length]
    }

    pub fn clear(&mut self) {
        (self.length, self.flags_end) = (0, 0);
    }

    /// The free bytes that remain.
    pub fn room(&self) -> usize {
        CAPACITY - self.length
    }

    pub fn put<const N: usize>(&mut self, bytes: [u8; N]) {
        self.buffer[self.length..self.length + N].copy_from_slice(&bytes);
        self.length += N;
    }

    /// Appends bytes of any number. Panics if they do not fit.
    pub fn put_slice(&mut self, bytes: &[u8]) {
        self.buffer[self.length..self.length + bytes.len()].copy_from_slice(bytes);
        self.length += bytes.len();
    }

    /// Appends a flag, into the last byte if that holds flags.
    fn put_flag(&mut self, flag: bool) {
        if self.flags_end == self.length && self.length > 0 {
            debug_assert!(self.flag_count < 8, "a byte holds eight flags");
            self.buffer[self.length - 1] |= u8::from(flag) << self.flag_count;
            self.flag_count += 1;
        } else {
            self.put([u8::from(flag)]);
            (self.flags_end, self.flag_count) = (self.length, 1);
        }
    }
}

macro_rules! numbers {
    ($($number:ty),*) => {
        $(impl Layout for $number {
            fn write_fixed(&self, bytes: &mut Bytes) {
                bytes.put(self.to_le_bytes());
            }
        })*
    };
}

numbers!(u32, u64, i64);

macro_rules! one_byte {
    ($($kind:ty),*) => {
        $(impl Layout for $kind {
            fn write_fixed(&self, bytes: &mut Bytes) {
                bytes.put([*self as u8]);
            }
        })*
    };
}

one_byte!(DropCause, DropReason, HandlingFailure, MessageKind, OperationKind, Outcome, Refusal);

macro_rules! four_bytes {
    ($($kind:ty),*) => {
        $(impl Layout for $kind {
            fn write_fixed(&self, bytes: &mut Bytes) {
                (*self as u32).write_fixed(bytes);
            }
        })*
    };
}

four_bytes!(BrokerChange, DetachReason, LeaveReason);

impl Layout for bool {
    fn write_fixed(&self, bytes: &mut Bytes) {
        bytes.put_flag(*self);
    }
}

/// Nothing where it is absent, and no flag.
impl Layout for Option<i64> {
    fn write_fixed(&self, bytes: &mut Bytes) {
        if let Some(number) = self {
            number.write_fixed(bytes);
        }
    }
}

impl Layout for Version {
    fn write_fixed(&self, bytes: &mut Bytes) {
        self.counter.write_fixed(bytes);
        self.origin.write_fixed(bytes);
        self.time.write_fixed(bytes);
    }
}

impl Layout for Value {
    fn write_fixed(&self, _bytes: &mut Bytes) {}

    fn write_variable(&self, digest: &mut Digest) {
        let length = |length: usize| (length as u32).to_le_bytes();
        match self {
            Value::Int(n) => {
                digest.put(&[0]);
                digest.put(&n.to_le_bytes());
            }
            Value::Text(text) => {
                digest.put(&[1]);
                digest.put(&length(text.len()));
                digest.put(text.as_bytes());
            }
            Value::Set(elements) => {
                digest.put(&[2]);
                digest.put(&length(elements.len()));
                for element in elements.iter() {
                    element.write_variable(digest);
                }
            }
            Value::List(elements) => {
                digest.put(&[3]);
                digest.put(&length(elements.len()));
                for element in elements.iter() {
                    element.write_variable(digest);
                }
            }
            Value::Map(fields) => {
                digest.put(&[4]);
                digest.put(&length(fields.len()));
                for (name, value) in fields.iter() {
                    digest.put(&length(name.len()));
                    digest.put(name.as_bytes());
                    value.write_variable(digest);
                }
            }
        }
    }
}

impl Layout for Option<Value> {
    fn write_fixed(&self, bytes: &mut Bytes) {
        bytes.put_flag(self.is_some());
    }

    fn write_variable(&self, digest: &mut Digest) {
        if let Some(value) = self {
            value.write_variable(digest);
        }
    }
}

impl Layout for Vec<Value> {
    fn write_fixed(&self, _bytes: &mut Bytes) {}

    fn write_variable(&self, digest: &mut Digest) {
        digest.put(&(self.len() as u32).to_le_bytes());
        for value in self {
            value.write_variable(digest);
        }
    }
}

impl Layout for Vec<NodeId> {
    fn write_fixed(&self, _bytes: &mut Bytes) {}

    fn write_variable(&self, digest: &mut Digest) {
        digest.put(&(self.len() as u32).to_le_bytes());
        for NodeId(node) in self {
            digest.put(&node.to_le_bytes());
        }
    }
}

/// Its length counts numbers, two for each origin.
impl Layout for VersionVector {
    fn write_fixed(&self, _bytes: &mut Bytes) {}

    fn write_variable(&self, digest: &mut Digest) {
        digest.put(&(self.len() as u32 * 2).to_le_bytes());
        for (origin, count) in self {
            digest.put(&origin.to_le_bytes());
            digest.put(&count.to_le_bytes());
        }
    }
}

impl Layout for Option<VersionVector> {
    fn write_fixed(&self, bytes: &mut Bytes) {
        bytes.put_flag(self.is_some());
    }

    fn write_variable(&self, digest: &mut Digest) {
        if let Some(vector) = self {
            vector.write_variable(digest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_flags_share_a_byte_and_others_do_not() {
        let mut bytes = Bytes::new();
        7_u32.write_fixed(&mut bytes);
        true.write_fixed(&mut bytes);
        Some(Value::Int(1)).write_fixed(&mut bytes);
        8_u32.write_fixed(&mut bytes);
        true.write_fixed(&mut bytes);
        assert_eq!(bytes.as_slice(), [7, 0, 0, 0, 3, 8, 0, 0, 0, 1]);
    }

    #[test]
    fn flags_of_a_cleared_buffer_are_forgotten() {
        let mut bytes = Bytes::new();
        bytes.put([9]);
        true.write_fixed(&mut bytes);
        bytes.clear();
        bytes.put([9, 9]);
        true.write_fixed(&mut bytes);
        assert_eq!(bytes.as_slice(), [9, 9, 1]);
    }
}
