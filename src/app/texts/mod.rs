//! The texts of the page in each language: one table, whose parts follow the page's areas.
//!
//! [`text!`](crate::text) names a text by its English words and returns it in the page's language:
//! `text!("Publish update")`, `text!("{} of {} in sync", in_sync, replicas)`. [`Text::new`] does the same for constant
//! tables. A text that is not in the table does not compile, nor does a table that is not sorted.

mod actions;
mod challenges;
mod examples;
mod fields;
mod messages;
mod messaging;
mod notices;
mod panels;
mod tasks;
mod views;

pub use crate::language::{Language, language, set_language};

use std::fmt::Display;

/// A text: English, German.
type Entry = (&'static str, &'static str);

/// The table, in parts that are sorted by their English texts.
const PARTS: [&[Entry]; 8] = [
    actions::TEXTS,
    fields::TEXTS,
    messages::TEXTS,
    messaging::TEXTS,
    notices::TEXTS,
    panels::TEXTS,
    tasks::TEXTS,
    views::TEXTS,
];

/// The texts of the documents that are part of the program. A drawing of the visitor may have the words of other parts, and is
/// shown as it is.
const DOCUMENTS: [&[Entry]; 2] = [challenges::TEXTS, examples::TEXTS];

/// Returns all texts: English, German.
pub fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    PARTS.iter().chain(&DOCUMENTS).flat_map(|part| part.iter().copied())
}

/// A text of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text {
    part: u8,
    place: u16,
}

impl Text {
    /// Finds a text by its English words. Evaluate it in a constant, so that a missing text does not compile.
    ///
    /// # Panics
    /// The table has no such text.
    pub const fn new(english: &str) -> Text {
        let mut part = 0;
        while part < PARTS.len() {
            if let Some(index) = place(PARTS[part], english) {
                return Text { part: part as u8, place: index as u16 };
            }
            part += 1;
        }
        panic!("this text is missing in src/app/texts: add it with its translation");
    }

    /// Returns it in the page's language.
    pub fn get(self) -> &'static str {
        self.of(language())
    }

    /// Returns it in a language.
    pub fn of(self, language: Language) -> &'static str {
        let (english, german) = PARTS[self.part as usize][self.place as usize];
        match language {
            Language::English => english,
            Language::German => german,
        }
    }
}

/// Returns a word that the simulator names in English, such as a state, in the page's language; unchanged if the table does not
/// contain it.
pub fn translated(english: &'static str) -> &'static str {
    let found = PARTS.iter().find_map(|part| place(part, english).map(|index| &part[index]));
    match (found, language()) {
        (Some((_, german)), Language::German) => german,
        (Some(_) | None, Language::English) | (None, Language::German) => english,
    }
}

/// Returns a text of an example or a challenge in a language; any other text unchanged.
pub fn of_document(english: &str, language: Language) -> &str {
    let found = DOCUMENTS.iter().find_map(|part| place(part, english).map(|index| part[index].1));
    match language {
        Language::English => english,
        Language::German => found.unwrap_or(english),
    }
}

/// Fills the placeholders of a text: `{}` takes the next value, `{0}` and `{1}` the value of that number.
///
/// # Panics
/// A placeholder has no value; a test fills every text of the table.
pub fn filled(text: &str, values: &[&dyn Display]) -> String {
    let mut result = String::with_capacity(text.len() + 16);
    let (mut rest, mut next) = (text, 0);
    while let Some((before, after)) = rest.split_once('{') {
        let (placeholder, after) = after.split_once('}').expect("a placeholder is closed");
        let number = if placeholder.is_empty() { next } else { placeholder.parse().expect("the number of a value") };
        next += 1;
        result.push_str(before);
        result.push_str(&values[number].to_string());
        rest = after;
    }
    result + rest
}

/// Returns a text of the page in its language. The text is named by its English words and must be in the table; further
/// arguments fill its placeholders.
#[macro_export]
macro_rules! text {
    ($english:literal) => {{
        const FOUND: $crate::app::texts::Text = $crate::app::texts::Text::new($english);
        FOUND.get()
    }};
    ($english:literal, $($value:expr),+ $(,)?) => {
        $crate::app::texts::filled($crate::text!($english), &[$(&$value as &dyn ::std::fmt::Display),+])
    };
}

/// Returns the index of an English text in a sorted part, by binary search.
const fn place(part: &[Entry], english: &str) -> Option<usize> {
    let (mut from, mut to) = (0, part.len());
    while from < to {
        let middle = usize::midpoint(from, to);
        match order(part[middle].0, english) {
            0 => return Some(middle),
            -1 => from = middle + 1,
            _ => to = middle,
        }
    }
    None
}

/// Compares two texts by their bytes: −1, 0 or 1.
const fn order(left: &str, right: &str) -> i8 {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    let mut at = 0;
    while at < left.len() && at < right.len() {
        if left[at] != right[at] {
            return if left[at] < right[at] { -1 } else { 1 };
        }
        at += 1;
    }
    if left.len() == right.len() {
        0
    } else if left.len() < right.len() {
        -1
    } else {
        1
    }
}

const fn is_sorted(part: &[Entry]) -> bool {
    let mut at = 1;
    while at < part.len() {
        if order(part[at - 1].0, part[at].0) != -1 {
            return false;
        }
        at += 1;
    }
    true
}

const _: () = {
    let mut part = 0;
    while part < PARTS.len() {
        assert!(is_sorted(PARTS[part]), "a part of src/app/texts is not sorted by its English texts");
        part += 1;
    }
    assert!(is_sorted(examples::TEXTS) && is_sorted(challenges::TEXTS), "the texts of documents are not sorted");
};

#[cfg(test)]
mod tests;
