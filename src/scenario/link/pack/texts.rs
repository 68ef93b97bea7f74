//! Keys and texts of a packed document.

use super::{
    DICTIONARY_TEXT, DocumentCodec, EARLIER, EARLIER_KEY, FIRST_KEY, INDEX_BITS, LISTED_ID, MAX_SPELLED, NEXT_ID,
    NO_MORE, Position, READABLE_ID, SET_DICTIONARY, SET_EARLIER, SET_ID, SET_KEY, SET_LETTER, SET_TEXT_FORM, SPELLED,
    SPELLED_KEY, dictionary_index, hash,
};
use crate::scenario::link::coder::join;
use crate::scenario::link::dictionary::DICTIONARY;

impl DocumentCodec<'_> {
    /// Codes the next key of an object; returns it and whether it was spelled (now or earlier), or none after the last key.
    pub(super) fn key(
        &mut self,
        position: Position,
        previous_key: u32,
        keys_hash: u32,
        given: Option<&String>,
    ) -> Option<Option<(String, bool)>> {
        let path = join(position.path, previous_key);
        let before = self.previous.get(&join(position.path, 31)).copied().unwrap_or_default();
        let contexts = [
            join(path, 1),
            join(path, join(keys_hash, 2)),
            join(path, join(before, 3)),
            join(hash(position.key), join(previous_key, 4)),
            join(path, join(self.last, 5)),
            join(previous_key, 6),
        ];
        let earlier = given.and_then(|key| self.strings.iter().position(|known| known == key));
        let symbol = match (given, given.and_then(|key| dictionary_index(key))) {
            (None, _) => NO_MORE,
            (Some(_), Some(index)) => FIRST_KEY + index as u32,
            (Some(_), None) if earlier.is_some() => EARLIER_KEY,
            (Some(_), None) => SPELLED_KEY,
        };
        let symbol = self.symbol(SET_KEY, contexts, INDEX_BITS, symbol);
        let inner = Position { path: join(position.path, 41), key: "", ..position };
        let key = match symbol {
            NO_MORE => return Some(None),
            SPELLED_KEY => {
                let key = self.spell(inner, given.map(String::as_str))?;
                self.strings.push(key.clone());
                self.last = hash(&key);
                key
            }
            EARLIER_KEY => {
                let key = self.earlier_text(inner, earlier)?;
                self.last = hash(&key);
                key
            }
            known => (*DICTIONARY.get((known - FIRST_KEY) as usize)?).to_string(),
        };
        self.count_text(key.len())?;
        Some(Some((key, matches!(symbol, SPELLED_KEY | EARLIER_KEY))))
    }

    /// Codes a text.
    pub(super) fn string(&mut self, position: Position, given: Option<&str>) -> Option<String> {
        let is_next = |given: &str| self.ids.get(self.next_id).is_some_and(|id| position.key == "id" && id == given);
        let listed_id = given.and_then(|text| self.ids.iter().position(|id| id == text));
        let name = self.next_id.checked_sub(1).map(|id| readable(&self.ids[id]));
        let in_dictionary = given.and_then(dictionary_index);
        let earlier = given.and_then(|text| self.strings.iter().position(|known| known == text));
        let form = match given {
            None => 0,
            Some(text) if is_next(text) => NEXT_ID,
            Some(_) if listed_id.is_some() => LISTED_ID,
            Some(text) if name.as_deref() == Some(text) => READABLE_ID,
            Some(_) if in_dictionary.is_some() => DICTIONARY_TEXT,
            Some(_) if earlier.is_some() => EARLIER,
            Some(_) => SPELLED,
        };
        let text = match self.symbol(SET_TEXT_FORM, self.contexts(position, 12), 3, form) {
            NEXT_ID => {
                self.next_id += 1;
                self.ids.get(self.next_id - 1)?.clone()
            }
            LISTED_ID => self.listed_id(position, listed_id)?,
            READABLE_ID => name?,
            DICTIONARY_TEXT => {
                let index = in_dictionary.unwrap_or_default() as u32;
                let index = self.symbol(SET_DICTIONARY, self.contexts(position, 13), INDEX_BITS, index);
                (*DICTIONARY.get(index as usize)?).to_string()
            }
            EARLIER => self.earlier_text(position, earlier)?,
            SPELLED => {
                let text = self.spell(position, given)?;
                self.strings.push(text.clone());
                text
            }
            _ => return None,
        };
        self.remember(position, hash(&text));
        self.count_text(text.len())?;
        Some(text)
    }

    /// Codes the index of an id. Bits that would exceed the length of the list are not coded.
    fn listed_id(&mut self, position: Position, given: Option<usize>) -> Option<String> {
        let contexts = self.contexts(position, 14);
        let last = self.ids.len().checked_sub(1)?;
        let mut index = 0;
        for bit in (0..usize::BITS - last.leading_zeros()).rev() {
            if index | 1 << bit <= last {
                let node = (index >> bit | 1 << 20) as u32 + bit;
                let bit_contexts = contexts.map(|context| join(context, node));
                let one = self.coder.bit(SET_ID, &bit_contexts, given.unwrap_or_default() >> bit & 1 == 1);
                index |= usize::from(one) << bit;
            }
        }
        Some(self.ids[index].clone())
    }

    /// Codes the index of a text that was spelled before.
    fn earlier_text(&mut self, position: Position, given: Option<usize>) -> Option<String> {
        let given = given.unwrap_or_default() as u64;
        let index = self.digits(position, SET_EARLIER, 15, 5, given + 1)?.checked_sub(1)?;
        self.strings.get(usize::try_from(index).ok()?).cloned()
    }

    /// Spells a text letter by letter, ending with 0. A letter 0 is coded as 255, which does not occur in UTF-8.
    pub(super) fn spell(&mut self, position: Position, given: Option<&str>) -> Option<String> {
        let mut text = Vec::new();
        let mut given = given.map(|text| text.bytes().map(|byte| if byte == 0 { 255 } else { byte }));
        let key = hash(position.key);
        let mut recent = 0u32;
        let mut match_at: Option<usize> = None;
        loop {
            let predicted = match_at.and_then(|at| self.letters.get(at)).copied();
            let letter = given.as_mut().and_then(Iterator::next).unwrap_or_default();
            let letter = self.letter([key, recent], predicted, letter);
            self.letters.push(letter);
            self.spelled_bytes += 1;
            let folded = letter.to_ascii_lowercase();
            recent = recent << 8 | u32::from(folded);
            match_at =
                match_at.filter(|_| predicted.is_some_and(|p| p.to_ascii_lowercase() == folded)).map(|at| at + 1);
            let found = self.trigrams.insert(recent & 0xff_ffff, self.letters.len());
            match_at = match_at.or(found);
            if letter == 0 {
                break;
            }
            text.push(if letter == 255 { 0 } else { letter });
            if self.spelled_bytes > MAX_SPELLED || self.coder.exhausted() {
                return None;
            }
        }
        String::from_utf8(text).ok()
    }

    /// Codes a letter. `predicted` is the letter that followed the same three letters before.
    fn letter(&mut self, [key, recent]: [u32; 2], predicted: Option<u8>, given: u8) -> u8 {
        let mut node = 1u32;
        for bit in (0..8).rev() {
            let expected = match predicted.map(|p| u32::from(p) | 256) {
                Some(p) if p >> (bit + 1) == node => 1 + (p >> bit & 1),
                Some(_) | None => 0,
            };
            let bit_contexts = [
                join(node, 1),
                join(node, join(key, 2)),
                join(node, join(recent & 0xff, 3)),
                join(node, join(recent & 0xffff, 4)),
                join(node, join(recent & 0xff_ffff, 5)),
                join(expected, if expected == 0 { 6 } else { join(recent & 0xff, 7) }),
            ];
            node = node << 1 | u32::from(self.coder.bit(SET_LETTER, &bit_contexts, given >> bit & 1 == 1));
        }
        node as u8
    }
}

/// Returns an id as people write it in a name: `stock_updated` becomes `Stock updated`.
fn readable(id: &str) -> String {
    let mut letters = id.chars().map(|c| if matches!(c, '-' | '_' | '.') { ' ' } else { c });
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}
