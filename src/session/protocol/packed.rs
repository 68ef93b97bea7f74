//! What only a later part of the page reads.

use crate::wire::{self, Bytes, Wire};

/// Something as bytes: so what opening the page loads, which only hands it on, need not know it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Packed(Vec<u8>);

impl Packed {
    /// Something, packed.
    pub fn of(what: &impl Wire) -> Packed {
        Packed(wire::written(what))
    }

    /// What is in it; none where that is something else, as in what was never filled.
    pub fn read<T: Wire>(&self) -> Option<T> {
        let (read, problem) = wire::read(&self.0);
        problem.is_none().then_some(read)
    }
}

impl Wire for Packed {
    fn put(&self, bytes: &mut Vec<u8>) {
        wire::put_number(bytes, self.0.len() as u64);
        bytes.extend_from_slice(&self.0);
    }

    #[inline(never)]
    fn take(bytes: &mut Bytes<'_>) -> Self {
        let length = bytes.number() as usize;
        Packed(bytes.slice(length).to_vec())
    }
}
