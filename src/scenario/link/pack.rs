//! A JSON document in few bytes.
//!
//! One walk over the tree, the same for writing and reading: what stands there is told to the coder choice by choice,
//! each with the contexts that make it likely: the way to its place (without positions in lists), what stood there the last time, what came
//! just before. So a second link costs what is new about it, and no schema is needed; a field that this
//! version does not know is spelled out.
//!
//! - First the ids of the document, so that references are places in their list.
//! - Keys and texts: one of the document's own ids or texts so far, one of a dictionary to which later versions only append, or spelled letter by
//!   letter. An id where its turn has come, or a name that is the id as people read it, costs next to nothing.
//! - Numbers are decimals: sign, power of ten, length and digits in binary. Times of steps are differences in their list.
//! - Before all that the model learns from a made-up document, the primer, as if it had just been coded.

use super::coder::{CONTEXTS, Coder, join};
use super::decimal::Decimal;
use super::dictionary::{DICTIONARY, PRIMER};
use serde_json::{Map, Number, Value};
use std::collections::BTreeMap;

/// Deeper documents are refused: none of ours is.
const DEEPEST: u32 = 64;
/// Values in a document at most.
const MOST_VALUES: u32 = 1 << 15;
/// Bytes of text that is spelled out, at most.
const MOST_SPELLED: usize = 64 * 1024;
/// Bytes of all text, keys included, in an unpacked document at most: a reference is short, but what it stands for is copied.
const MOST_TEXT: usize = 1 << 20;
/// Keys whose numbers mostly grow along their list: written as differences.
const ASCENDING: &str = "at_ms";

/// Kinds of values.
const NULL: u32 = 0;
const FALSE: u32 = 1;
const TRUE: u32 = 2;
const NUMBER: u32 = 3;
const STRING: u32 = 4;
const ARRAY: u32 = 5;
const OBJECT: u32 = 6;

/// How a text is told.
const NEXT_ID: u32 = 0;
const AN_ID: u32 = 1;
const READABLE: u32 = 2;
const KNOWN: u32 = 3;
const AGAIN: u32 = 4;
const SPELLED: u32 = 5;

/// How a key is told; from 3 on, the dictionary's.
const NO_MORE: u32 = 0;
const SPELLED_KEY: u32 = 1;
const KEY_AGAIN: u32 = 2;
const FIRST_KEY: u32 = 3;
/// Bits of a place in the dictionary.
const PLACE_BITS: u32 = 10;

/// Sets of weights.
const OF_KIND: usize = 0;
const OF_KEY: usize = 1;
const OF_MORE: usize = 2;
const OF_MANNER: usize = 3;
const OF_ID: usize = 4;
const OF_KNOWN: usize = 5;
const OF_AGAIN: usize = 6;
const OF_LETTER: usize = 7;
const OF_SCALE: usize = 8;
const OF_LENGTH: usize = 9;
const OF_DIGITS: usize = 10;

/// A variable-length integer, and what comes behind it.
pub(super) fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
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

/// Packs a value; none if it holds more than a link may.
pub(super) fn pack(value: &Value) -> Option<Vec<u8>> {
    let mut walk = Walk::primed();
    walk.coder.write();
    walk.document(Some(value))?;
    Some(walk.coder.finish())
}

/// Unpacks a value; none if the bytes are not a packed one, or it holds more than a link may.
pub(super) fn unpack(bytes: &[u8]) -> Option<Value> {
    let mut walk = Walk::primed();
    walk.coder.read(bytes);
    let value = walk.document(None)?;
    walk.coder.at_end().then_some(value)
}

/// Where a value stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    /// The keys on the way, without positions in lists.
    path: u32,
    /// The last of them.
    key: &'a str,
    /// Its position in its list.
    nth: u32,
    /// How much deeper it may go.
    depth: u32,
}

/// One walk. Every step takes what is there, where it writes, and gives what is there, either way.
struct Walk<'a> {
    coder: Coder<'a>,
    ids: Vec<String>,
    next_id: usize,
    strings: Vec<String>,
    /// By path: what stood there the last time.
    before: BTreeMap<u32, u32>,
    /// The last number, text or key, whichever its place.
    last: u32,
    /// The last time in this list.
    time: Option<Decimal>,
    /// All letters so far, and where three of them stood last.
    letters: Vec<u8>,
    triples: BTreeMap<u32, usize>,
    values: u32,
    spelled: usize,
    text: usize,
}

impl Walk<'_> {
    fn primed() -> Self {
        let mut walk = Walk {
            coder: Coder::new(),
            ids: Vec::new(),
            next_id: 0,
            strings: Vec::new(),
            before: BTreeMap::new(),
            last: 0,
            time: None,
            letters: Vec::new(),
            triples: BTreeMap::new(),
            values: 0,
            spelled: 0,
            text: 0,
        };
        let primer: Vec<Value> = serde_json::from_str(PRIMER).expect("the primer is JSON");
        for document in &primer {
            walk.document(Some(document)).expect("the primer is small");
        }
        walk
    }

    fn document(&mut self, given: Option<&Value>) -> Option<Value> {
        (self.next_id, self.values, self.spelled, self.text) = (0, 0, 0, 0);
        self.ids.clear();
        self.strings.clear();
        self.before.clear();
        (self.last, self.time) = (0, None);
        let mut ids = Vec::new();
        if let Some(value) = given {
            collect_ids(value, &mut ids);
        }
        let place = Place { path: 1, key: "id", nth: 0, depth: DEEPEST };
        while self.more(place, self.ids.len(), given.map(|_| self.ids.len() < ids.len())) {
            let id = self.spell(place, ids.get(self.ids.len()).map(String::as_str))?;
            self.ids.push(id);
        }
        self.value(Place { path: 2, key: "", nth: 0, depth: DEEPEST }, given)
    }

    /// Codes a symbol of so many bits, highest first.
    fn symbol(&mut self, set: usize, contexts: [u32; CONTEXTS], bits: u32, given: u32) -> u32 {
        let mut node = 1;
        for bit in (0..bits).rev() {
            let here = contexts.map(|context| join(context, node));
            node = node << 1 | u32::from(self.coder.bit(set, &here, given >> bit & 1 == 1));
        }
        node - (1 << bits)
    }

    fn contexts(&self, place: Place, salt: u32) -> [u32; CONTEXTS] {
        let path = join(place.path, salt);
        let key = join(hash(place.key), salt + 100);
        let before = self.before.get(&place.path).copied().unwrap_or_default();
        [
            path,
            join(path, join(self.last, 1)),
            join(path, join(before, 2)),
            join(key, join(self.last, 3)),
            join(path, join(place.nth.min(2), 4)),
            join(key, 5),
        ]
    }

    /// Whether a list goes on behind so many.
    fn more(&mut self, place: Place, count: usize, given: Option<bool>) -> bool {
        let path = join(place.path, 7);
        let before = self.before.get(&path).copied().unwrap_or_default();
        let count = count as u32;
        let contexts = [
            join(path, count.min(255)),
            join(path, 1000 + count.min(2)),
            join(join(path, before), count),
            join(hash(place.key), count.min(3)),
            join(path, 2000 + count / 4),
            join(3, count),
        ];
        let more = self.coder.bit(OF_MORE, &contexts, given.unwrap_or_default()) && !self.coder.exhausted();
        if !more {
            self.before.insert(path, count);
        }
        more
    }

    fn value(&mut self, place: Place, given: Option<&Value>) -> Option<Value> {
        self.values += 1;
        if place.depth == 0 || self.values > MOST_VALUES || self.coder.exhausted() {
            return None;
        }
        let kind = self.symbol(OF_KIND, self.contexts(place, 11), 3, given.map_or(0, kind_of));
        match kind {
            NULL => Some(Value::Null),
            FALSE | TRUE => Some(Value::Bool(kind == TRUE)),
            NUMBER => {
                let given = given.and_then(Value::as_number).map(Decimal::of);
                self.number(place, given.unwrap_or_default()).map(Value::Number)
            }
            STRING => self.string(place, given.and_then(Value::as_str)).map(Value::String),
            ARRAY => self.array(place, given.and_then(Value::as_array)).map(Value::Array),
            OBJECT => self.object(place, given.and_then(Value::as_object)).map(Value::Object),
            _ => None,
        }
    }

    fn array(&mut self, place: Place, given: Option<&Vec<Value>>) -> Option<Vec<Value>> {
        let time = self.time.take();
        let mut items = Vec::new();
        while self.more(place, items.len(), given.map(|given| items.len() < given.len())) {
            let inner = Place { path: join(place.path, 21), nth: items.len() as u32, depth: place.depth - 1, ..place };
            items.push(self.value(inner, given.map(|given| &given[items.len()]))?);
        }
        self.time = time;
        Some(items)
    }

    fn object(&mut self, place: Place, given: Option<&Map<String, Value>>) -> Option<Map<String, Value>> {
        let mut left: Vec<&String> = given.map(|fields| fields.keys().collect()).unwrap_or_default();
        left.sort_by_key(|key| (known(key).unwrap_or(DICTIONARY.len()), *key));
        let mut left = left.into_iter();
        let mut fields = Map::new();
        let mut so_far = 0;
        let mut after = 0;
        while let Some((key, spelled)) = self.key(place, after, so_far, left.next())? {
            // A word that was spelled stays one that was, though the dictionary may know it by now.
            after = hash(if spelled { "" } else { &key });
            so_far = join(so_far, after);
            let inner = Place { path: join(place.path, after), key: &key, nth: 0, depth: place.depth - 1 };
            let value = self.value(inner, given.map(|fields| &fields[&key]))?;
            fields.insert(key, value);
        }
        self.before.insert(join(place.path, 31), so_far);
        Some(fields)
    }

    /// The next key of an object, and whether it was spelled once; none behind the last.
    fn key(&mut self, place: Place, after: u32, so_far: u32, given: Option<&String>) -> Option<Option<(String, bool)>> {
        let path = join(place.path, after);
        let before = self.before.get(&join(place.path, 31)).copied().unwrap_or_default();
        let contexts = [
            join(path, 1),
            join(path, join(so_far, 2)),
            join(path, join(before, 3)),
            join(hash(place.key), join(after, 4)),
            join(path, join(self.last, 5)),
            join(after, 6),
        ];
        let again = given.and_then(|key| self.strings.iter().position(|known| known == key));
        let symbol = match (given, given.and_then(|key| known(key))) {
            (None, _) => NO_MORE,
            (Some(_), Some(index)) => FIRST_KEY + index as u32,
            (Some(_), None) if again.is_some() => KEY_AGAIN,
            (Some(_), None) => SPELLED_KEY,
        };
        let symbol = self.symbol(OF_KEY, contexts, PLACE_BITS, symbol);
        let inner = Place { path: join(place.path, 41), key: "", ..place };
        let key = match symbol {
            NO_MORE => return Some(None),
            SPELLED_KEY => {
                let key = self.spell(inner, given.map(String::as_str))?;
                self.strings.push(key.clone());
                self.last = hash(&key);
                key
            }
            KEY_AGAIN => {
                let key = self.again(inner, again)?;
                self.last = hash(&key);
                key
            }
            known => (*DICTIONARY.get((known - FIRST_KEY) as usize)?).to_string(),
        };
        self.copied(key.len())?;
        Some(Some((key, matches!(symbol, SPELLED_KEY | KEY_AGAIN))))
    }

    fn string(&mut self, place: Place, given: Option<&str>) -> Option<String> {
        let is_next = |given: &str| self.ids.get(self.next_id).is_some_and(|id| place.key == "id" && id == given);
        let an_id = given.and_then(|text| self.ids.iter().position(|id| id == text));
        let name = self.next_id.checked_sub(1).map(|id| readable(&self.ids[id]));
        let place_known = given.and_then(known);
        let again = given.and_then(|text| self.strings.iter().position(|known| known == text));
        let manner = match given {
            None => 0,
            Some(text) if is_next(text) => NEXT_ID,
            Some(_) if an_id.is_some() => AN_ID,
            Some(text) if name.as_deref() == Some(text) => READABLE,
            Some(_) if place_known.is_some() => KNOWN,
            Some(_) if again.is_some() => AGAIN,
            Some(_) => SPELLED,
        };
        let text = match self.symbol(OF_MANNER, self.contexts(place, 12), 3, manner) {
            NEXT_ID => {
                self.next_id += 1;
                self.ids.get(self.next_id - 1)?.clone()
            }
            AN_ID => self.an_id(place, an_id)?,
            READABLE => name?,
            KNOWN => {
                let index = place_known.unwrap_or_default() as u32;
                let index = self.symbol(OF_KNOWN, self.contexts(place, 13), PLACE_BITS, index);
                (*DICTIONARY.get(index as usize)?).to_string()
            }
            AGAIN => self.again(place, again)?,
            SPELLED => {
                let text = self.spell(place, given)?;
                self.strings.push(text.clone());
                text
            }
            _ => return None,
        };
        self.saw(place, hash(&text));
        self.copied(text.len())?;
        Some(text)
    }

    /// One of the ids. What cannot be one, as there are no more, is not asked.
    fn an_id(&mut self, place: Place, given: Option<usize>) -> Option<String> {
        let contexts = self.contexts(place, 14);
        let last = self.ids.len().checked_sub(1)?;
        let mut index = 0;
        for bit in (0..usize::BITS - last.leading_zeros()).rev() {
            if index | 1 << bit <= last {
                let node = (index >> bit | 1 << 20) as u32 + bit;
                let here = contexts.map(|context| join(context, node));
                let one = self.coder.bit(OF_ID, &here, given.unwrap_or_default() >> bit & 1 == 1);
                index |= usize::from(one) << bit;
            }
        }
        Some(self.ids[index].clone())
    }

    /// One of the texts that were spelled before.
    fn again(&mut self, place: Place, given: Option<usize>) -> Option<String> {
        let given = given.unwrap_or_default() as u64;
        let index = self.digits(place, OF_AGAIN, 15, 5, given + 1)?.checked_sub(1)?;
        self.strings.get(usize::try_from(index).ok()?).cloned()
    }

    /// A number that is not 0, or 0: how many bits it has, and those below its highest.
    fn digits(&mut self, place: Place, set: usize, salt: u32, bits: u32, given: u64) -> Option<u64> {
        let contexts = self.contexts(place, salt);
        let lengths = if set == OF_DIGITS { OF_LENGTH } else { set };
        let length = self.symbol(lengths, contexts, bits, 64 - given.leading_zeros());
        let contexts = contexts.map(|context| join(context, length));
        let mut n = match length {
            0 => return Some(0),
            1..=64 => 1u64,
            _ => return None,
        };
        for bit in (0..length - 1).rev() {
            // The lowest digits of a long number are any.
            let set = if set == OF_DIGITS { set + (length - bit).min(12) as usize / 3 } else { set };
            let here = contexts.map(|context| join(context, join(n as u32, (n >> 32) as u32)));
            n = n << 1 | u64::from(self.coder.bit(set, &here, given >> bit & 1 == 1));
        }
        Some(n)
    }

    fn number(&mut self, place: Place, given: Decimal) -> Option<Number> {
        let time = self.time.filter(|_| place.key == ASCENDING);
        let since = time.and_then(|time| given.minus(time).filter(|since| since.plus(time) == Some(given)));
        let contexts = self.contexts(place, 16);
        let relative = time.is_some() && self.coder.bit(OF_SCALE, &contexts, since.is_some());
        let place = Place { path: join(place.path, u32::from(relative)), ..place };
        let given = since.filter(|_| relative).unwrap_or(given);
        let contexts = self.contexts(place, 17);
        let negative = self.coder.bit(OF_SCALE, &contexts, given.negative);
        // Powers of ten beyond the usual are an escape and ten bits.
        let near = u32::try_from(given.exponent + 16).ok().filter(|near| *near < 31).unwrap_or(31);
        let near = self.symbol(OF_SCALE, self.contexts(place, 18), 5, near);
        let exponent = match near {
            31 => self.symbol(OF_SCALE, [0; CONTEXTS], 10, (given.exponent + 512) as u32) as i32 - 512,
            near => near as i32 - 16,
        };
        let digits = self.digits(place, OF_DIGITS, 1000 + near, 7, given.digits)?;
        let told = Decimal { negative, digits, exponent };
        self.saw(place, join(digits as u32, exponent as u32));
        let number = if relative { told.plus(time?)? } else { told };
        if place.key == ASCENDING {
            self.time = Some(number);
        }
        number.number()
    }

    /// Remembers what stood at a place.
    fn saw(&mut self, place: Place, what: u32) {
        self.before.insert(place.path, what);
        self.last = what;
    }

    /// Counts text that is copied; none where it is more than any of our documents holds.
    fn copied(&mut self, bytes: usize) -> Option<()> {
        self.text += bytes;
        (self.text <= MOST_TEXT).then_some(())
    }

    /// A text letter by letter, with a 0 behind it (a letter 0 is told as 255, which no UTF-8 holds).
    fn spell(&mut self, place: Place, given: Option<&str>) -> Option<String> {
        let mut text = Vec::new();
        let mut given = given.map(|text| text.bytes().map(|byte| if byte == 0 { 255 } else { byte }));
        let key = hash(place.key);
        let mut recent = 0u32;
        let mut alike: Option<usize> = None;
        loop {
            let predicted = alike.and_then(|at| self.letters.get(at)).copied();
            let letter = given.as_mut().and_then(Iterator::next).unwrap_or_default();
            let letter = self.letter([key, recent], predicted, letter);
            self.letters.push(letter);
            self.spelled += 1;
            let folded = letter.to_ascii_lowercase();
            recent = recent << 8 | u32::from(folded);
            alike = alike.filter(|_| predicted.is_some_and(|p| p.to_ascii_lowercase() == folded)).map(|at| at + 1);
            let found = self.triples.insert(recent & 0xff_ffff, self.letters.len());
            alike = alike.or(found);
            if letter == 0 {
                break;
            }
            text.push(if letter == 255 { 0 } else { letter });
            if self.spelled > MOST_SPELLED || self.coder.exhausted() {
                return None;
            }
        }
        String::from_utf8(text).ok()
    }

    fn letter(&mut self, [key, recent]: [u32; 2], predicted: Option<u8>, given: u8) -> u8 {
        let mut node = 1u32;
        for bit in (0..8).rev() {
            let expected = match predicted.map(|p| u32::from(p) | 256) {
                Some(p) if p >> (bit + 1) == node => 1 + (p >> bit & 1),
                Some(_) | None => 0,
            };
            let here = [
                join(node, 1),
                join(node, join(key, 2)),
                join(node, join(recent & 0xff, 3)),
                join(node, join(recent & 0xffff, 4)),
                join(node, join(recent & 0xff_ffff, 5)),
                join(expected, if expected == 0 { 6 } else { join(recent & 0xff, 7) }),
            ];
            node = node << 1 | u32::from(self.coder.bit(OF_LETTER, &here, given >> bit & 1 == 1));
        }
        node as u8
    }
}

fn hash(text: &str) -> u32 {
    text.bytes().fold(text.len() as u32, |hash, byte| join(hash, byte.into()))
}

fn known(text: &str) -> Option<usize> {
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

/// The key whose texts are ids of things.
fn collect_ids(value: &Value, ids: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect_ids(item, ids)),
        Value::Object(fields) => {
            let mut keys: Vec<&String> = fields.keys().collect();
            keys.sort_by_key(|key| (known(key).unwrap_or(DICTIONARY.len()), *key));
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

/// An id as people read it: `stock_updated` is `Stock updated`.
fn readable(id: &str) -> String {
    let mut letters = id.chars().map(|c| if matches!(c, '-' | '_' | '.') { ' ' } else { c });
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests;
