//! Numbers of a packed document: sign, power of ten, and the digits in binary.

use super::{ASCENDING, DocumentCodec, Position, SET_DIGITS, SET_LENGTH, SET_SCALE};
use crate::scenario::link::coder::{CONTEXTS, join};
use crate::scenario::link::decimal::Decimal;
use serde_json::Number;

impl DocumentCodec<'_> {
    /// Codes a whole number: its number of bits, then the bits after the highest.
    pub(super) fn digits(&mut self, position: Position, set: usize, salt: u32, bits: u32, given: u64) -> Option<u64> {
        let contexts = self.contexts(position, salt);
        let lengths = if set == SET_DIGITS { SET_LENGTH } else { set };
        let length = self.symbol(lengths, contexts, bits, 64 - given.leading_zeros());
        let contexts = contexts.map(|context| join(context, length));
        let mut n = match length {
            0 => return Some(0),
            1..=64 => 1u64,
            _ => return None,
        };
        for bit in (0..length - 1).rev() {
            // Low digits of a long number are unpredictable and have separate weights.
            let set = if set == SET_DIGITS { set + (length - bit).min(12) as usize / 3 } else { set };
            let bit_contexts = contexts.map(|context| join(context, join(n as u32, (n >> 32) as u32)));
            n = n << 1 | u64::from(self.coder.bit(set, &bit_contexts, given >> bit & 1 == 1));
        }
        Some(n)
    }

    /// Codes a number.
    pub(super) fn number(&mut self, position: Position, given: Decimal) -> Option<Number> {
        let time = self.previous_time.filter(|_| position.key == ASCENDING);
        let since = time.and_then(|time| given.minus(time).filter(|since| since.plus(time) == Some(given)));
        let contexts = self.contexts(position, 16);
        let relative = time.is_some() && self.coder.bit(SET_SCALE, &contexts, since.is_some());
        let position = Position { path: join(position.path, u32::from(relative)), ..position };
        let given = since.filter(|_| relative).unwrap_or(given);
        let contexts = self.contexts(position, 17);
        let negative = self.coder.bit(SET_SCALE, &contexts, given.negative);
        // An unusual power of ten is an escape symbol and ten bits.
        let near = u32::try_from(given.exponent + 16).ok().filter(|near| *near < 31).unwrap_or(31);
        let near = self.symbol(SET_SCALE, self.contexts(position, 18), 5, near);
        let exponent = match near {
            31 => self.symbol(SET_SCALE, [0; CONTEXTS], 10, (given.exponent + 512) as u32) as i32 - 512,
            near => near as i32 - 16,
        };
        let digits = self.digits(position, SET_DIGITS, 1000 + near, 7, given.digits)?;
        let coded = Decimal { negative, digits, exponent };
        self.remember(position, join(digits as u32, exponent as u32));
        let number = if relative { coded.plus(time?)? } else { coded };
        if position.key == ASCENDING {
            self.previous_time = Some(number);
        }
        number.number()
    }
}
