//! Packs a JSON document into few bytes.
//!
//! [`DocumentCodec`] walks over the document in the same way to encode and to decode. It splits every value into binary
//! choices and passes each to the entropy coder, with contexts that predict it: the path (without list indices), the previous
//! value at this path, and the value coded last. Repeated structure costs next to nothing, and no schema is needed: a field
//! that is unknown to this version is spelled, letter by letter.
//!
//! - First come the ids of the document, so that references are indices into that list.
//! - Keys and texts (`texts`) are an id or an earlier text of the document, an entry of the dictionary, or spelled.
//! - Numbers (`numbers`) are decimals. Times of steps are differences to the previous step.
//! - Before the first choice the model learns from fixed documents, the primer.
//!
//! Links depend on every choice, context and set of weights: none of them may change.

mod numbers;
mod texts;

use super::coder::{CONTEXTS, Coder, join};
use super::decimal::Decimal;
use super::dictionary::{DICTIONARY, PRIMER};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The maximum number of levels of nesting.
const MAX_DEPTH: u32 = 64;
/// The maximum number of values in a document.
const MAX_VALUES: u32 = 1 << 15;
/// The maximum number of bytes of spelled text.
const MAX_SPELLED: usize = 64 * 1024;
/// The maximum number of bytes of all texts and keys of a document. Without this limit, a short link could repeat one text very
/// often.
const MAX_TEXT: usize = 1 << 20;
/// The key whose numbers are encoded as differences, because they mostly increase along their list.
const ASCENDING: &str = "at_ms";

/// Symbols for kinds of values.
const NULL: u32 = 0;
const FALSE: u32 = 1;
const TRUE: u32 = 2;
const NUMBER: u32 = 3;
const STRING: u32 = 4;
const ARRAY: u32 = 5;
const OBJECT: u32 = 6;

/// Symbols for forms of texts.
const NEXT_ID: u32 = 0;
const LISTED_ID: u32 = 1;
const READABLE_ID: u32 = 2;
const DICTIONARY_TEXT: u32 = 3;
const EARLIER: u32 = 4;
const SPELLED: u32 = 5;

/// Symbols for keys; those from `FIRST_KEY` on are entries of the dictionary.
const NO_MORE: u32 = 0;
const SPELLED_KEY: u32 = 1;
const EARLIER_KEY: u32 = 2;
const FIRST_KEY: u32 = 3;
/// Bits of an index into the dictionary.
const INDEX_BITS: u32 = 10;

/// Sets of weights, one for each kind of choice.
const SET_KIND: usize = 0;
const SET_KEY: usize = 1;
const SET_MORE: usize = 2;
const SET_TEXT_FORM: usize = 3;
const SET_ID: usize = 4;
const SET_DICTIONARY: usize = 5;
const SET_EARLIER: usize = 6;
const SET_LETTER: usize = 7;
const SET_SCALE: usize = 8;
const SET_LENGTH: usize = 9;
const SET_DIGITS: usize = 10;

/// Packs a document; none if it exceeds a limit of links.
pub(super) fn pack(value: &Value) -> Option<Vec<u8>> {
    let mut codec = DocumentCodec::primed();
    codec.coder.write();
    codec.document(Some(value))?;
    Some(codec.coder.finish())
}

/// Unpacks a document; none if the bytes are not a packed document or exceed a limit of links.
pub(super) fn unpack(bytes: &[u8]) -> Option<Value> {
    let mut codec = DocumentCodec::primed();
    codec.coder.read(bytes);
    let value = codec.document(None)?;
    codec.coder.at_end().then_some(value)
}

/// Position of a value in the document.
#[derive(Clone, Copy)]
struct Position<'a> {
    /// Hash of the keys from the root, without list indices.
    path: u32,
    /// The last key.
    key: &'a str,
    /// Index in its list.
    index: u32,
    /// Levels of nesting that remain.
    depth: u32,
}

/// Encodes or decodes a document. Each method takes the value to encode (`given`; none while decoding) and returns the value.
#[derive(Clone)]
struct DocumentCodec<'a> {
    coder: Coder<'a>,
    /// The ids of the document.
    ids: Vec<String>,
    /// The index of the first id that is not used yet.
    next_id: usize,
    /// Texts and keys that were spelled.
    strings: Vec<String>,
    /// The hash of the previous value at each path.
    previous: BTreeMap<u32, u32>,
    /// Hash of the last number, text or spelled key.
    last: u32,
    /// The previous time in this list.
    previous_time: Option<Decimal>,
    /// All spelled bytes.
    letters: Vec<u8>,
    /// The index after the last occurrence of each three letters.
    trigrams: BTreeMap<u32, usize>,
    /// The numbers of values, of bytes of spelled text, and of bytes of all texts and keys, which are limited.
    values: u32,
    spelled_bytes: usize,
    text_bytes: usize,
}

impl DocumentCodec<'_> {
    /// Returns a codec whose model has learned from the primer. Learning takes most of the time of coding a link, so it happens
    /// once.
    fn primed() -> Self {
        static PRIMED: LazyLock<DocumentCodec<'static>> = LazyLock::new(DocumentCodec::prime);
        PRIMED.clone()
    }

    fn prime() -> Self {
        let mut codec = DocumentCodec {
            coder: Coder::new(),
            ids: Vec::new(),
            next_id: 0,
            strings: Vec::new(),
            previous: BTreeMap::new(),
            last: 0,
            previous_time: None,
            letters: Vec::new(),
            trigrams: BTreeMap::new(),
            values: 0,
            spelled_bytes: 0,
            text_bytes: 0,
        };
        let primer: Vec<Value> = serde_json::from_str(PRIMER).expect("the primer is valid JSON");
        for document in &primer {
            codec.document(Some(document)).expect("the primer is within the limits");
        }
        codec
    }

    /// Codes a document: its ids, then its value.
    fn document(&mut self, given: Option<&Value>) -> Option<Value> {
        (self.next_id, self.values, self.spelled_bytes, self.text_bytes) = (0, 0, 0, 0);
        self.ids.clear();
        self.strings.clear();
        self.previous.clear();
        (self.last, self.previous_time) = (0, None);
        let mut ids = Vec::new();
        if let Some(value) = given {
            collect_ids(value, &mut ids);
        }
        let position = Position { path: 1, key: "id", index: 0, depth: MAX_DEPTH };
        while self.has_next(position, self.ids.len(), given.map(|_| self.ids.len() < ids.len())) {
            let id = self.spell(position, ids.get(self.ids.len()).map(String::as_str))?;
            self.ids.push(id);
        }
        self.value(Position { path: 2, key: "", index: 0, depth: MAX_DEPTH }, given)
    }

    /// Codes a symbol of a number of bits, the highest bit first. `set` selects the weights, `contexts` predict the symbol.
    fn symbol(&mut self, set: usize, contexts: [u32; CONTEXTS], bits: u32, given: u32) -> u32 {
        let mut node = 1;
        for bit in (0..bits).rev() {
            let bit_contexts = contexts.map(|context| join(context, node));
            node = node << 1 | u32::from(self.coder.bit(set, &bit_contexts, given >> bit & 1 == 1));
        }
        node - (1 << bits)
    }

    /// Returns the contexts of a choice about a value. The salt distinguishes kinds of choices.
    fn contexts(&self, position: Position, salt: u32) -> [u32; CONTEXTS] {
        let path = join(position.path, salt);
        let key = join(hash(position.key), salt + 100);
        let before = self.previous.get(&position.path).copied().unwrap_or_default();
        [
            path,
            join(path, join(self.last, 1)),
            join(path, join(before, 2)),
            join(key, join(self.last, 3)),
            join(path, join(position.index.min(2), 4)),
            join(key, 5),
        ]
    }

    /// Codes whether a list has more than `count` items.
    fn has_next(&mut self, position: Position, count: usize, given: Option<bool>) -> bool {
        let path = join(position.path, 7);
        let before = self.previous.get(&path).copied().unwrap_or_default();
        let count = count as u32;
        let contexts = [
            join(path, count.min(255)),
            join(path, 1000 + count.min(2)),
            join(join(path, before), count),
            join(hash(position.key), count.min(3)),
            join(path, 2000 + count / 4),
            join(3, count),
        ];
        let more = self.coder.bit(SET_MORE, &contexts, given.unwrap_or_default()) && !self.coder.exhausted();
        if !more {
            self.previous.insert(path, count);
        }
        more
    }

    fn value(&mut self, position: Position, given: Option<&Value>) -> Option<Value> {
        self.values += 1;
        if position.depth == 0 || self.values > MAX_VALUES || self.coder.exhausted() {
            return None;
        }
        let kind = self.symbol(SET_KIND, self.contexts(position, 11), 3, given.map_or(0, kind_of));
        match kind {
            NULL => Some(Value::Null),
            FALSE | TRUE => Some(Value::Bool(kind == TRUE)),
            NUMBER => {
                let given = given.and_then(Value::as_number).map(Decimal::of);
                self.number(position, given.unwrap_or_default()).map(Value::Number)
            }
            STRING => self.string(position, given.and_then(Value::as_str)).map(Value::String),
            ARRAY => self.array(position, given.and_then(Value::as_array)).map(Value::Array),
            OBJECT => self.object(position, given.and_then(Value::as_object)).map(Value::Object),
            _ => None,
        }
    }

    fn array(&mut self, position: Position, given: Option<&Vec<Value>>) -> Option<Vec<Value>> {
        let time = self.previous_time.take();
        let mut items = Vec::new();
        while self.has_next(position, items.len(), given.map(|given| items.len() < given.len())) {
            let inner = Position {
                path: join(position.path, 21),
                index: items.len() as u32,
                depth: position.depth - 1,
                ..position
            };
            items.push(self.value(inner, given.map(|given| &given[items.len()]))?);
        }
        self.previous_time = time;
        Some(items)
    }

    fn object(&mut self, position: Position, given: Option<&Map<String, Value>>) -> Option<Map<String, Value>> {
        let mut remaining_keys: Vec<&String> = given.map(|fields| fields.keys().collect()).unwrap_or_default();
        remaining_keys.sort_by_key(|key| (dictionary_index(key).unwrap_or(DICTIONARY.len()), *key));
        let mut remaining_keys = remaining_keys.into_iter();
        let mut fields = Map::new();
        let mut keys_hash = 0;
        let mut previous_key = 0;
        while let Some((key, spelled)) = self.key(position, previous_key, keys_hash, remaining_keys.next())? {
            // A spelled key keeps the same context when a later dictionary contains it.
            previous_key = hash(if spelled { "" } else { &key });
            keys_hash = join(keys_hash, previous_key);
            let inner =
                Position { path: join(position.path, previous_key), key: &key, index: 0, depth: position.depth - 1 };
            let value = self.value(inner, given.map(|fields| &fields[&key]))?;
            fields.insert(key, value);
        }
        self.previous.insert(join(position.path, 31), keys_hash);
        Some(fields)
    }

    /// Remembers the value at a position as context for later ones.
    fn remember(&mut self, position: Position, value_hash: u32) {
        self.previous.insert(position.path, value_hash);
        self.last = value_hash;
    }

    /// Counts bytes of text; none if they exceed the limit.
    fn count_text(&mut self, bytes: usize) -> Option<()> {
        self.text_bytes += bytes;
        (self.text_bytes <= MAX_TEXT).then_some(())
    }
}

fn hash(text: &str) -> u32 {
    text.bytes().fold(text.len() as u32, |hash, byte| join(hash, byte.into()))
}

fn dictionary_index(text: &str) -> Option<usize> {
    DICTIONARY.iter().position(|known| *known == text)
}

fn kind_of(value: &Value) -> u32 {
    match value {
        Value::Null => NULL,
        Value::Bool(b) => FALSE + u32::from(*b),
        Value::Number(_) => NUMBER,
        Value::String(_) => STRING,
        Value::Array(_) => ARRAY,
        Value::Object(_) => OBJECT,
    }
}

/// Collects the ids in the order in which the document is coded.
fn collect_ids(value: &Value, ids: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect_ids(item, ids)),
        Value::Object(fields) => {
            let mut keys: Vec<&String> = fields.keys().collect();
            keys.sort_by_key(|key| (dictionary_index(key).unwrap_or(DICTIONARY.len()), *key));
            for key in keys {
                match &fields[key] {
                    Value::String(id) if key == "id" => {
                        if !ids.contains(id) {
                            ids.push(id.clone());
                        }
                    }
                    value => collect_ids(value, ids),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests;
