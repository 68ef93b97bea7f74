//! Decimal numbers: digits and a power of ten.

use serde_json::Number;

/// A decimal number: ±digits · 10^exponent.
#[derive(Clone, Copy, Default, PartialEq)]
pub(super) struct Decimal {
    pub(super) negative: bool,
    pub(super) digits: u64,
    pub(super) exponent: i32,
}

impl Decimal {
    /// Returns the shortest decimal that parses to the number.
    pub(super) fn of(n: &Number) -> Decimal {
        let text = match n.as_f64().filter(|_| n.is_f64()) {
            Some(n) => format!("{n:e}"),
            None => n.to_string(),
        };
        let (text, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = format!("{}{fraction}", whole.trim_start_matches('-'));
        let exponent = exponent.parse::<i32>().unwrap_or_default() - fraction.len() as i32;
        Decimal { negative: whole.starts_with('-'), digits: digits.parse().unwrap_or_default(), exponent }.shortest()
    }

    fn shortest(mut self) -> Self {
        while self.digits != 0 && self.digits.is_multiple_of(10) {
            self.digits /= 10;
            self.exponent += 1;
        }
        if self.digits == 0 { Decimal::default() } else { self }
    }

    /// Returns its signed digits at a lower power of ten.
    fn scaled(self, exponent: i32) -> Option<i64> {
        let factor = 10i64.checked_pow(u32::try_from(self.exponent - exponent).ok()?)?;
        let n = i64::try_from(self.digits).ok()?.checked_mul(factor)?;
        Some(if self.negative { -n } else { n })
    }

    pub(super) fn plus(self, other: Decimal) -> Option<Decimal> {
        let exponent = self.exponent.min(other.exponent);
        let sum = self.scaled(exponent)?.checked_add(other.scaled(exponent)?)?;
        Some(Decimal { negative: sum < 0, digits: sum.unsigned_abs(), exponent }.shortest())
    }

    pub(super) fn minus(self, other: Decimal) -> Option<Decimal> {
        self.plus(Decimal { negative: !other.negative, ..other })
    }

    /// Returns the number, as a whole one if it is whole and has at most 64 bits.
    pub(super) fn number(self) -> Option<Number> {
        let factor = u32::try_from(self.exponent).ok().and_then(|exponent| 10u64.checked_pow(exponent));
        let whole = factor.and_then(|factor| self.digits.checked_mul(factor));
        match whole {
            Some(n) if !self.negative => Some(n.into()),
            Some(n) if n <= 1 << 63 => Some((n as i64).wrapping_neg().into()),
            Some(_) | None => {
                let sign = if self.negative { "-" } else { "" };
                Number::from_f64(crate::scenario::number(&format!("{sign}{}e{}", self.digits, self.exponent))?)
            }
        }
    }
}
