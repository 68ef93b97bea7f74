//! Random changes of a text.

use crate::random::Random;

/// Texts that often matter: limits of numbers, characters with a meaning in one of the formats, and unusual ones.
const INTERESTING: &[&str] = &[
    "0",
    "-1",
    "1",
    "2147483648",
    "4294967296",
    "9007199254740993",
    "18446744073709551615",
    "-9223372036854775808",
    "1e308",
    "1e-308",
    "1e999",
    "NaN",
    "0.1",
    "null",
    "true",
    "{}",
    "[]",
    "\"",
    "\\",
    "\\u0000",
    "\\ud800",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "#",
    "&",
    "=",
    "%",
    "%00",
    "%ff",
    "%25",
    "&amp;",
    "+",
    "-",
    "_",
    ".",
    "/",
    "\n",
    "\r\n",
    "\t",
    " ",
    "\u{0}",
    "\u{feff}",
    "\u{a0}",
    "\u{202e}",
    "ä",
    "\u{1f600}",
    "e\u{301}",
    "<script>",
    "</",
    "`",
    "```",
    "---",
    "__proto__",
    "constructor",
    "$",
    "@",
];

/// The maximum length of an input, bytes, so that each needs little time.
pub const MAX_LENGTH: usize = 8 * 1024;

/// Returns the text with one to four changes. `words` are those of the format, and parts of `donor` are inserted.
pub fn changed(text: &str, donor: &str, words: &[&str], random: &mut Random) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    for _ in 0..=random.below(4) {
        change(&mut characters, donor, words, random);
    }
    limited(characters.into_iter().collect())
}

/// Returns the start of a text that is too long.
pub fn limited(mut text: String) -> String {
    if text.len() > MAX_LENGTH {
        let end = (0..=MAX_LENGTH).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
        text.truncate(end);
    }
    text
}

fn change(text: &mut Vec<char>, donor: &str, words: &[&str], random: &mut Random) {
    let at = random.below(text.len() + 1);
    let length = short(random).min(text.len() - at);
    match random.below(9) {
        0 => drop(text.drain(at..at + length)),
        1 => text.truncate(at),
        2 => insert(text, at, random.pick::<&str>(INTERESTING)),
        3 if !words.is_empty() => insert(text, at, random.pick::<&str>(words)),
        3 | 4 => {
            let part: Vec<char> = text[at..at + length].to_vec();
            let to = random.below(text.len() + 1);
            text.splice(to..to, part);
        }
        5 => {
            let (from, length) = (random.below(donor.len() + 1), short(random));
            let part: Vec<char> = donor.chars().skip(from).take(length).collect();
            text.splice(at..at + length.min(text.len() - at), part);
        }
        6 => {
            let part: Vec<char> = text[at..at + length].to_vec();
            let times = 1 << random.below(8);
            text.splice(at..at, std::iter::repeat_n(part, times).flatten().take(MAX_LENGTH));
        }
        7 => replace_number(text, at, random),
        _ => {
            if let Some(character) = text.get_mut(at) {
                *character = char::from(b' ' + random.below(95) as u8);
            }
        }
    }
}

/// A length that is mostly short.
fn short(random: &mut Random) -> usize {
    let bits = random.below(7);
    random.below(1 << bits) + 1
}

fn insert(text: &mut Vec<char>, at: usize, part: &str) {
    text.splice(at..at, part.chars());
}

/// Replaces the number that follows a place.
fn replace_number(text: &mut Vec<char>, at: usize, random: &mut Random) {
    let is_digit = |c: &char| c.is_ascii_digit();
    let Some(start) = text[at..].iter().position(is_digit).map(|offset| at + offset) else { return };
    let end = start + text[start..].iter().take_while(|c| is_digit(c)).count();
    let number = match random.below(3) {
        0 => random.below(10).to_string(),
        1 => random.number().to_string(),
        _ => (*random.pick(INTERESTING)).to_string(),
    };
    text.splice(start..end, number.chars());
}
