//! Unpacks links with the codec `d`, deflated tables, which are no longer written.
//!
//! A value starts with a variable-length integer: the kind in its lowest three bits, and an argument. A string is written
//! once and then referred to by index, first into the strings of the document so far, then into the dictionary. An object
//! refers to its list of keys, which is also written once, and contains only the values. A list of objects with the same keys is
//! a table: it contains the keys once, and the values column by column.

use super::dictionary::DICTIONARY;
use super::varint;
use serde_json::{Map, Number, Value};

/// The maximum number of bytes of an inflated link.
const MAX_INFLATED: usize = 64 * 1024;

const LITERAL: u64 = 0;
const NATURAL: u64 = 1;
const NEGATIVE: u64 = 2;
const DECIMAL: u64 = 3;
const KNOWN: u64 = 4;
const STRING: u64 = 5;
const ARRAY: u64 = 6;
const OBJECT: u64 = 7;

/// Arguments of [`LITERAL`] besides null, false and true: a table, and a column of whole numbers as differences.
const TABLE: u64 = 3;
const DIFFERENCES: u64 = 4;

/// The maximum number of levels of nesting.
const MAX_DEPTH: u32 = 64;
/// The maximum number of values in a document. A regular link cannot have more in 64 KiB.
const MAX_VALUES: u32 = 1 << 17;

/// The maximum number of bytes of all texts and keys of a document.
const MAX_TEXT: usize = 1 << 20;

/// Reads packed bytes. No input makes it panic or use much memory.
struct Reader<'a> {
    bytes: &'a [u8],
    strings: Vec<String>,
    shapes: Vec<Vec<String>>,
    values: u32,
    /// Bytes of text so far. Without a limit, short references could copy much text.
    text_bytes: usize,
}

/// Why bytes cannot be unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UnpackError {
    /// The bytes inflate to more than a link may have.
    TooLarge,
    /// The bytes are not a packed value.
    Invalid,
}

/// Inflates and unpacks a value.
pub(super) fn unpack(deflated: &[u8]) -> Result<Value, UnpackError> {
    let inflated = miniz_oxide::inflate::decompress_to_vec_with_limit(deflated, MAX_INFLATED);
    let bytes = inflated.map_err(|error| match error.status {
        miniz_oxide::inflate::TINFLStatus::HasMoreOutput => UnpackError::TooLarge,
        _ => UnpackError::Invalid,
    })?;
    let mut reader = Reader { bytes: &bytes, strings: Vec::new(), shapes: Vec::new(), values: 0, text_bytes: 0 };
    let value = reader.value(MAX_DEPTH).filter(|_| reader.bytes.is_empty());
    value.ok_or(UnpackError::Invalid)
}

impl Reader<'_> {
    fn varint(&mut self) -> Option<u64> {
        let (n, rest) = varint::read(self.bytes)?;
        self.bytes = rest;
        Some(n)
    }

    fn value(&mut self, depth: u32) -> Option<Value> {
        self.values += 1;
        if depth == 0 || self.values > MAX_VALUES {
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
                self.count_text(text.len())?;
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

    /// Counts bytes of text; none if they exceed the limit.
    fn count_text(&mut self, bytes: usize) -> Option<()> {
        self.text_bytes += bytes;
        (self.text_bytes <= MAX_TEXT).then_some(())
    }

    fn text(&mut self, length: u64) -> Option<String> {
        let length = usize::try_from(length).ok().filter(|&length| length <= self.bytes.len())?;
        let (text, rest) = self.bytes.split_at(length);
        self.bytes = rest;
        std::str::from_utf8(text).ok().map(ToString::to_string)
    }

    fn table(&mut self, depth: u32) -> Option<Value> {
        let rows = usize::try_from(self.varint()?).ok().filter(|&rows| rows <= MAX_VALUES as usize)?;
        let token = self.varint().filter(|token| token & 7 == OBJECT)?;
        let keys = self.shape(token >> 3)?;
        // Rows without columns would use memory without any bytes.
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
                self.count_text(key.len())?;
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
        self.count_text(keys.iter().map(String::len).sum())?;
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
    fn a_large_or_deeply_nested_value_is_refused_before_it_uses_memory() {
        assert_eq!(unpack(&deflated(&[0; MAX_INFLATED + 1])), Err(UnpackError::TooLarge));
        // Lists of one value, nested deeper than the limit.
        let nested = [[(1 << 3 | ARRAY) as u8; 200].to_vec(), vec![LITERAL as u8]].concat();
        assert_eq!(unpack(&deflated(&nested)), Err(UnpackError::Invalid));
    }

    #[test]
    fn a_table_without_columns_is_refused() {
        let rows = [(TABLE << 3 | LITERAL) as u8, 0xff, 0xff, 3, OBJECT as u8, 0];
        assert_eq!(unpack(&deflated(&rows)), Err(UnpackError::Invalid));
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = unpack(&bytes);
            let _ = unpack(&deflated(&bytes));
        }
    }
}
