//! Whole numbers of variable length: seven bits a byte, the lowest first, the high bit set in all bytes but the last (LEB128).

/// Appends a number.
pub(super) fn write(bytes: &mut Vec<u8>, mut n: u64) {
    while n > 0x7f {
        bytes.push(n as u8 | 0x80);
        n >>= 7;
    }
    bytes.push(n as u8);
}

/// Returns the number at the start of the bytes, and the bytes behind it; none if it does not end or exceeds 64 bits.
pub(super) fn read(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut n = 0u64;
    for (i, &byte) in bytes.iter().take(10).enumerate() {
        let bits = u64::from(byte & 0x7f);
        if i == 9 && bits > 1 {
            return None;
        }
        n |= bits << (7 * i);
        if byte & 0x80 == 0 {
            return Some((n, &bytes[i + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_reads_back_and_a_cut_or_oversized_one_is_refused() {
        for n in [0, 1, 127, 128, 300, 1 << 35, u64::MAX] {
            let mut bytes = Vec::new();
            write(&mut bytes, n);
            assert_eq!(read(&[&bytes[..], &[7]].concat()), Some((n, &[7][..])), "{n}");
            assert_eq!(read(&bytes[..bytes.len() - 1]), None, "{n}");
        }
        assert_eq!(read(&[0xff; 11]), None);
    }
}
