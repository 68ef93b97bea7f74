//! A JSON value in few bytes, self-describing, so that it can be read for ever.
//!
//! A value is one variable-length integer, its lowest three bits the kind and the rest an argument, and what
//! follows from that. Strings are written once and then named by number: first those of this document so far, then a
//! dictionary of known strings, to which later versions only append. Objects name their list of keys,
//! written once, by number too, and then give only their values. A list of objects with the same keys is a
//! table: it names them once, and gives the values column by column, which deflates better.

use super::dictionary::DICTIONARY;
use serde_json::{Map, Number, Value};

const LITERAL: u64 = 0;
const NATURAL: u64 = 1;
const NEGATIVE: u64 = 2;
const DECIMAL: u64 = 3;
const KNOWN: u64 = 4;
const STRING: u64 = 5;
const ARRAY: u64 = 6;
const OBJECT: u64 = 7;

/// Arguments of [`LITERAL`] beyond null, false and true: what marks a table, and a column of whole numbers that is written
/// as differences.
const TABLE: u64 = 3;
const DIFFERENCES: u64 = 4;

/// Deeper documents are refused: none of ours is.
const DEEPEST: u32 = 64;
/// Values in a document at most: a link of 64 KiB cannot hold more but by a trick.
const MOST_VALUES: u32 = 1 << 17;

/// Bytes of text, keys included, in an unpacked document at most.
const MOST_TEXT: usize = 1 << 20;

/// Appends a variable-length integer: seven bits a byte, lowest first.
pub(super) fn put_varint(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

#[derive(Default)]
struct Writer {
    out: Vec<u8>,
    strings: Vec<String>,
    shapes: Vec<Vec<String>>,
}

/// Packs a value.
pub(super) fn pack(value: &Value) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.value(value);
    writer.out
}

impl Writer {
    fn token(&mut self, kind: u64, argument: u64) {
        put_varint(&mut self.out, argument << 3 | kind);
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.token(LITERAL, 0),
            Value::Bool(b) => self.token(LITERAL, 1 + u64::from(*b)),
            Value::Number(n) => self.number(n),
            Value::String(text) => self.string(text),
            Value::Array(items) => match columns(items) {
                Some((keys, rows)) => {
                    self.token(LITERAL, TABLE);
                    put_varint(&mut self.out, items.len() as u64);
                    self.shape(keys.clone());
                    for key in &keys {
                        self.column(&rows.iter().map(|row| &row[key]).collect::<Vec<_>>());
                    }
                }
                None => {
                    self.token(ARRAY, items.len() as u64);
                    items.iter().for_each(|item| self.value(item));
                }
            },
            Value::Object(fields) => {
                self.shape(fields.keys().cloned().collect());
                fields.values().for_each(|value| self.value(value));
            }
        }
    }

    fn column(&mut self, values: &[&Value]) {
        let whole = values.iter().map(|value| whole_number(value)).collect::<Option<Vec<i64>>>();
        match whole.filter(|numbers| numbers.len() > 2) {
            Some(numbers) => {
                self.token(LITERAL, DIFFERENCES);
                let mut before = 0;
                for n in numbers {
                    let difference = n - before;
                    put_varint(&mut self.out, ((difference << 1) ^ (difference >> 63)) as u64);
                    before = n;
                }
            }
            None => values.iter().for_each(|value| self.value(value)),
        }
    }

    fn number(&mut self, n: &Number) {
        // Numbers that an argument of 61 bits cannot hold go as decimals.
        if let Some(n) = n.as_u64().filter(|n| n >> 60 == 0) {
            return self.token(NATURAL, n);
        }
        if let Some(n) = n.as_i64().map(i64::unsigned_abs).filter(|n| n >> 60 == 0) {
            return self.token(NEGATIVE, n);
        }
        // The shortest text that reads back as the same number, as digits and a power of ten.
        let text = format!("{:e}", n.as_f64().unwrap_or_default());
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let negative = digits.starts_with('-');
        let (whole, fraction) =
            digits.trim_start_matches('-').split_once('.').unwrap_or((digits.trim_start_matches('-'), ""));
        let mantissa: u64 = format!("{whole}{fraction}").parse().unwrap_or_default();
        let exponent = exponent.parse::<i64>().unwrap_or_default() - fraction.len() as i64;
        if (0..=15).contains(&exponent) && mantissa < 1 << 40 && mantissa * 10u64.pow(exponent as u32) < 1 << 53 {
            let n = mantissa * 10u64.pow(exponent as u32);
            return self.token(if negative { NEGATIVE } else { NATURAL }, n);
        }
        let zigzag = ((exponent << 1) ^ (exponent >> 63)) as u64;
        self.token(DECIMAL, zigzag << 1 | u64::from(negative));
        put_varint(&mut self.out, mantissa);
    }

    fn string(&mut self, text: &str) {
        match self.known(text) {
            Some(number) => self.token(KNOWN, number),
            None => {
                self.token(STRING, text.len() as u64);
                self.new_string(text);
            }
        }
    }

    /// A string's number, if it has one.
    fn known(&self, text: &str) -> Option<u64> {
        let here = self.strings.iter().position(|known| known == text);
        let number = here.or_else(|| Some(self.strings.len() + DICTIONARY.iter().position(|known| *known == text)?));
        number.map(|number| number as u64)
    }

    fn new_string(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
        self.strings.push(text.into());
    }

    /// Names a list of keys, and writes it where it is new: each key by its number, or 0 and the key itself.
    fn shape(&mut self, keys: Vec<String>) {
        match self.shapes.iter().position(|shape| *shape == keys) {
            Some(index) => self.token(OBJECT, index as u64),
            None => {
                self.token(OBJECT, self.shapes.len() as u64);
                put_varint(&mut self.out, keys.len() as u64);
                for key in &keys {
                    match DICTIONARY.iter().position(|known| known == key) {
                        Some(index) => put_varint(&mut self.out, index as u64 + 1),
                        None => {
                            put_varint(&mut self.out, 0);
                            put_varint(&mut self.out, key.len() as u64);
                            self.out.extend_from_slice(key.as_bytes());
                        }
                    }
                }
                self.shapes.push(keys);
            }
        }
    }
}

/// A whole number small enough that differences cannot overflow.
fn whole_number(value: &Value) -> Option<i64> {
    let n = value.as_f64()?;
    (n.fract() == 0.0 && n.abs() <= (1i64 << 52) as f64).then_some(n as i64)
}

type Table<'a> = (Vec<String>, Vec<&'a Map<String, Value>>);

/// The keys and rows of a list of two or more objects that all have the same keys, and any.
fn columns(items: &[Value]) -> Option<Table<'_>> {
    let rows: Vec<&Map<String, Value>> = items.iter().map(Value::as_object).collect::<Option<_>>()?;
    let keys: Vec<String> = rows.first().filter(|_| rows.len() > 1)?.keys().cloned().collect();
    (!keys.is_empty() && rows.iter().all(|row| row.keys().eq(keys.iter()))).then_some((keys, rows))
}

/// Reads packed bytes; nothing that it is given makes it panic or take much memory.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    strings: Vec<String>,
    shapes: Vec<Vec<String>>,
    values: u32,
    /// Bytes of text in what was unpacked: a reference is short, but what it stands for is copied.
    text: usize,
}

/// Unpacks a value; none if the bytes are not a packed one.
pub(super) fn unpack(bytes: &[u8]) -> Option<Value> {
    let mut reader = Reader::new(bytes);
    let value = reader.value(DEEPEST)?;
    reader.bytes.is_empty().then_some(value)
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Reader { bytes, strings: Vec::new(), shapes: Vec::new(), values: 0, text: 0 }
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    pub(super) fn varint(&mut self) -> Option<u64> {
        let mut n = 0u64;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.bytes.split_first()?;
            self.bytes = rest;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return None;
            }
            n |= bits << shift;
            if byte & 0x80 == 0 {
                return Some(n);
            }
        }
        None
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
    use serde_json::json;

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(|n| json!(n >> (n & 63))),
            any::<f64>().prop_filter_map("finite", |n| Number::from_f64(n).map(Value::Number)),
            (0i32..100_000).prop_map(|n| json!(f64::from(n) / 1000.0)),
            "[a-z]{0,6}".prop_map(Value::String),
        ];
        leaf.prop_recursive(4, 64, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
                prop::collection::btree_map("[a-e]{1,2}", inner, 0..5)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    /// Numbers compared as numbers: 5.0 comes back as 5, which means the same to a document.
    fn same(a: &Value, b: &Value) -> bool {
        match (a, b) {
            (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
            (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
            (Value::Object(a), Value::Object(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|((k, a), (l, b))| k == l && same(a, b))
            }
            _ => a == b,
        }
    }

    proptest! {
        #[test]
        fn whatever_is_packed_comes_out_again(value in any_json()) {
            let unpacked = unpack(&pack(&value));
            prop_assert!(unpacked.as_ref().is_some_and(|other| same(&value, other)), "{:?}", unpacked);
        }

        #[test]
        fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = unpack(&bytes);
        }
    }

    #[test]
    fn the_dictionary_names_nothing_twice() {
        let mut sorted: Vec<&str> = DICTIONARY.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), DICTIONARY.len());
    }

    #[test]
    fn a_bomb_of_references_to_one_long_text_is_refused() {
        // A list of ten thousand values: a text of a thousand letters, then references to it.
        let mut bytes = Vec::new();
        put_varint(&mut bytes, 10_000 << 3 | ARRAY);
        put_varint(&mut bytes, 1_000 << 3 | STRING);
        bytes.extend([b'a'; 1_000]);
        bytes.extend(std::iter::repeat_n(KNOWN as u8, 9_999));
        assert_eq!(unpack(&bytes), None);
    }

    #[test]
    fn a_bomb_of_nested_shapes_is_refused() {
        // One shape with many keys, each an object of the same shape.
        let mut bytes = vec![7, 3];
        for key in [b'a', b'b', b'c'] {
            bytes.extend([0, 1, key]);
        }
        bytes.extend(std::iter::repeat_n(7, 100_000));
        assert_eq!(unpack(&bytes), None);
    }
}
