//! The packing of links that begin with `1d`, which are read for ever and no longer written: deflated tables.
//!
//! A value is one variable-length integer, its lowest three bits the kind and the rest an argument, and what
//! follows from that. Strings are written once and then named by number: first those of this document so far, then the
//! dictionary. Objects name their list of keys, written once, by number too, and then give only their values. A list
//! of objects with the same keys is a table: it names them once, and gives the values column by column.

use super::dictionary::DICTIONARY;
use super::pack;
use serde_json::{Map, Number, Value};

/// What a link inflates to at most, bytes.
const MOST_INFLATED: usize = 64 * 1024;

const LITERAL: u64 = 0;
const NATURAL: u64 = 1;
const NEGATIVE: u64 = 2;
const DECIMAL: u64 = 3;
const KNOWN: u64 = 4;
const STRING: u64 = 5;
const ARRAY: u64 = 6;
const OBJECT: u64 = 7;

/// Arguments of [`LITERAL`] beyond null, false and true: what marks a table, and a column of whole numbers that stands
/// there as differences.
const TABLE: u64 = 3;
const DIFFERENCES: u64 = 4;

/// Deeper documents are refused: none of ours is.
const DEEPEST: u32 = 64;
/// Values in a document at most: a link of 64 KiB cannot hold more but by a trick.
const MOST_VALUES: u32 = 1 << 17;

/// Bytes of text, keys included, in an unpacked document at most.
const MOST_TEXT: usize = 1 << 20;

/// Reads packed bytes; nothing that it is given makes it panic or take much memory.
struct Reader<'a> {
    bytes: &'a [u8],
    strings: Vec<String>,
    shapes: Vec<Vec<String>>,
    values: u32,
    /// Bytes of text in what was unpacked: a reference is short, but what it stands for is copied.
    text: usize,
}

/// Why nothing was unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unpacked {
    /// It inflates to more than a link may.
    TooLarge,
    /// The bytes are no packed value.
    Nothing,
}

/// Inflates and unpacks a value.
pub(super) fn unpack(deflated: &[u8]) -> Result<Value, Unpacked> {
    let inflated = miniz_oxide::inflate::decompress_to_vec_with_limit(deflated, MOST_INFLATED);
    let bytes = inflated.map_err(|error| match error.status {
        miniz_oxide::inflate::TINFLStatus::HasMoreOutput => Unpacked::TooLarge,
        _ => Unpacked::Nothing,
    })?;
    let mut reader = Reader { bytes: &bytes, strings: Vec::new(), shapes: Vec::new(), values: 0, text: 0 };
    let value = reader.value(DEEPEST).filter(|_| reader.bytes.is_empty());
    value.ok_or(Unpacked::Nothing)
}

impl Reader<'_> {
    fn varint(&mut self) -> Option<u64> {
        let (n, rest) = pack::varint(self.bytes)?;
        self.bytes = rest;
        Some(n)
    }

    fn value(&mut self, depth: u32) -> Option<Value> {
        self.values += 1;
        if depth == 0 || self.values > MOST_VALUES {
            return None;
        }
        let token = self.varint()?;
        let argument = token >> 3;
        match token & 7 {
            LITERAL => match argument {
                0 => Some(Value::Null),
                1 | 2 => Some(Value::Bool(argument == 2)),
                TABLE => self.table(depth),
                _ => None,
            },
            NATURAL => Some(argument.into()),
            NEGATIVE => Some((-i64::try_from(argument).ok()?).into()),
            DECIMAL => {
                let sign = if argument & 1 == 1 { "-" } else { "" };
                let zigzag = argument >> 1;
                let exponent = (zigzag >> 1) as i64 ^ -((zigzag & 1) as i64);
                let mantissa = self.varint()?;
                let number = crate::scenario::number(&format!("{sign}{mantissa}e{exponent}"))?;
                Number::from_f64(number).map(Value::Number)
            }
            KNOWN => {
                let number = usize::try_from(argument).ok()?;
                let text = match number.checked_sub(self.strings.len()) {
                    None => self.strings.get(number).map(String::as_str),
                    Some(index) => DICTIONARY.get(index).copied(),
                };
                let text = text?.to_string();
                self.spend(text.len())?;
                Some(Value::String(text))
            }
            STRING => {
                let text = self.text(argument)?;
                self.strings.push(text.clone());
                Some(Value::String(text))
            }
            ARRAY => {
                let mut items = Vec::new();
                for _ in 0..argument {
                    items.push(self.value(depth - 1)?);
                }
                Some(Value::Array(items))
            }
            _ => {
                let keys = self.shape(argument)?;
                let mut fields = Map::new();
                for key in keys {
                    let value = self.value(depth - 1)?;
                    fields.insert(key, value);
                }
                Some(Value::Object(fields))
            }
        }
    }

    /// Counts text that is copied; none where it is more than any of our documents holds.
    fn spend(&mut self, bytes: usize) -> Option<()> {
        self.text += bytes;
        (self.text <= MOST_TEXT).then_some(())
    }

    fn text(&mut self, length: u64) -> Option<String> {
        let length = usize::try_from(length).ok().filter(|&length| length <= self.bytes.len())?;
        let (text, rest) = self.bytes.split_at(length);
        self.bytes = rest;
        std::str::from_utf8(text).ok().map(ToString::to_string)
    }

    fn table(&mut self, depth: u32) -> Option<Value> {
        let rows = usize::try_from(self.varint()?).ok().filter(|&rows| rows <= MOST_VALUES as usize)?;
        let token = self.varint().filter(|token| token & 7 == OBJECT)?;
        let keys = self.shape(token >> 3)?;
        // Rows without columns would cost memory and no bytes.
        if keys.is_empty() {
            return None;
        }
        let mut table = Vec::new();
        for (column, key) in keys.iter().enumerate() {
            let differences = self.bytes.first() == Some(&((DIFFERENCES << 3 | LITERAL) as u8));
            if differences {
                self.varint()?;
            }
            let mut before = 0i64;
            for row in 0..rows {
                let value = if differences {
                    let zigzag = self.varint()?;
                    before = before.checked_add((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64))?;
                    before.into()
                } else {
                    self.value(depth - 1)?
                };
                if column == 0 {
                    table.push(Map::new());
                }
                self.spend(key.len())?;
                table[row].insert(key.clone(), value);
            }
        }
        table.resize(rows, Map::new());
        Some(Value::Array(table.into_iter().map(Value::Object).collect()))
    }

    fn shape(&mut self, index: u64) -> Option<Vec<String>> {
        let index = usize::try_from(index).ok()?;
        if index == self.shapes.len() {
            let mut keys = Vec::new();
            for _ in 0..self.varint()? {
                let key = match self.varint()? {
                    0 => {
                        let length = self.varint()?;
                        self.text(length)?
                    }
                    number => (*DICTIONARY.get(usize::try_from(number - 1).ok()?)?).to_string(),
                };
                keys.push(key);
            }
            self.shapes.push(keys);
        }
        let keys = self.shapes.get(index)?.clone();
        self.spend(keys.iter().map(String::len).sum())?;
        Some(keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn deflated(bytes: &[u8]) -> Vec<u8> {
        miniz_oxide::deflate::compress_to_vec(bytes, 6)
    }

    #[test]
    fn a_bomb_is_refused_before_it_is_inflated() {
        assert_eq!(unpack(&deflated(&[0; MOST_INFLATED + 1])), Err(Unpacked::TooLarge));
        // A list of one value, and so on inside: deeper than anything of ours.
        let nested = [[(1 << 3 | ARRAY) as u8; 200].to_vec(), vec![LITERAL as u8]].concat();
        assert_eq!(unpack(&deflated(&nested)), Err(Unpacked::Nothing));
    }

    #[test]
    fn rows_without_columns_cost_nothing_and_are_refused() {
        let rows = [(TABLE << 3 | LITERAL) as u8, 0xff, 0xff, 3, OBJECT as u8, 0];
        assert_eq!(unpack(&deflated(&rows)), Err(Unpacked::Nothing));
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = unpack(&bytes);
            let _ = unpack(&deflated(&bytes));
        }
    }
}
