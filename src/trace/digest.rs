use super::layout::{Bytes, Layout, MAX_FIXED_PART};
use super::{Fact, OperationKind, Record};
use xxhash_rust::xxh3::Xxh3;

/// Digest of a trace: XXH3 (64 bits, seed 0) over every record in the layout of the module `layout`. The same trace has
/// the same digest on every target; the golden cases in `tests/golden/` guard it.
#[derive(Clone)]
pub struct Digest {
    hash: Box<Xxh3>,
    pending: Box<Bytes>,
}

impl Default for Digest {
    fn default() -> Self {
        Digest { hash: Box::new(Xxh3::new()), pending: Box::new(Bytes::new()) }
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Digest({:016x})", self.value())
    }
}

impl Digest {
    /// Adds the next record.
    #[inline]
    pub fn update(&mut self, record: &Record) {
        if self.pending.room() < MAX_FIXED_PART {
            self.flush();
        }
        record.at.write_fixed(&mut self.pending);
        record.fact.write_fixed(&mut self.pending);
        record.fact.write_variable(self);
        // Only a compare-and-set adds its expected value. The index of an insertion has never been part of the digest.
        if let Fact::OperationIssued { kind: OperationKind::CompareAndSet, expected, .. } = &record.fact {
            self.put(&[u8::from(expected.is_some())]);
            expected.write_variable(self);
        }
    }

    fn flush(&mut self) {
        self.hash.update(self.pending.as_slice());
        self.pending.clear();
    }

    /// Adds any number of bytes.
    pub(super) fn put(&mut self, bytes: &[u8]) {
        if bytes.len() > self.pending.room() {
            self.flush();
        }
        if bytes.len() > self.pending.room() {
            self.hash.update(bytes);
        } else {
            self.pending.put_slice(bytes);
        }
    }

    /// Returns the digest of all records so far.
    pub fn value(&self) -> u64 {
        let mut hash = self.hash.clone();
        hash.update(self.pending.as_slice());
        hash.digest()
    }

    /// Returns the digest as 16 hexadecimal digits.
    pub fn hex(&self) -> String {
        format!("{:016x}", self.value())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{MessageId, NodeId};

    fn digest_of(facts: &[Fact]) -> u64 {
        let mut digest = Digest::default();
        for fact in facts {
            digest.update(&Record { at: 5, fact: fact.clone() });
        }
        digest.value()
    }

    #[test]
    fn order_and_content_of_records_change_the_digest() {
        let a = Fact::MessageDelivered { message: MessageId(1) };
        let b = Fact::ServiceRestarted { node: NodeId(1) };
        assert_ne!(digest_of(&[a.clone(), b.clone()]), digest_of(&[b.clone(), a.clone()]));
        assert_ne!(digest_of(&[a]), digest_of(&[Fact::MessageDelivered { message: MessageId(2) }]));
        assert_ne!(digest_of(&[b]), digest_of(&[Fact::ServiceRestarted { node: NodeId(2) }]));
    }

    #[test]
    fn the_layout_of_a_record_is_the_published_one() {
        let fact = Fact::MessageDelivered { message: MessageId(1) };
        // XXH3-64 of 0500000000000000 0b 0100000000000000, as the reference tool prints it.
        assert_eq!(
            digest_of(&[fact]),
            xxhash_rust::xxh3::xxh3_64(&[5, 0, 0, 0, 0, 0, 0, 0, 11, 1, 0, 0, 0, 0, 0, 0, 0])
        );
    }
}
