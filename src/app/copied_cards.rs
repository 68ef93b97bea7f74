//! The text of copied cards on the system's clipboard: a JSON object with one key, whose value is a document with the cards.

use crate::scenario::{Scenario, json};

/// The key. A scenario's document does not have it.
const KEY: &str = "converge_cards";

/// Writes cards.
pub fn written(cards: &Scenario) -> String {
    format!("{{\"{KEY}\":{}}}", cards.to_json())
}

/// Returns whether a text may be that of cards; only [`read`] can be sure.
pub fn may_be_cards(text: &str) -> bool {
    text.starts_with('{') && text.contains(KEY)
}

/// Reads cards, also from a text that an editor has formatted; `None` if the text is another one, or the cards are invalid.
pub fn read(text: &str) -> Option<Scenario> {
    // Most documents need not be read twice.
    let text = text.trim().trim_start_matches('\u{feff}');
    let parsed = may_be_cards(text).then(|| json::parse(text).ok())??;
    let cards = Scenario::from_value(parsed.as_object().filter(|object| object.len() == 1)?.get(KEY)?).ok()?;
    cards.validate().is_ok().then_some(cards)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_are_recognised_however_their_text_is_formatted() {
        let cards = Scenario::first();
        let text = written(&cards);
        let value = json::parse(&text).expect("JSON");
        let pretty = serde_json::to_string_pretty(&value).expect("JSON");
        let compact = serde_json::to_string(&value).expect("JSON");
        let marked = format!("\u{feff}{pretty}\r\n");
        for text in
            [&text, &pretty, &compact, &pretty.replace('\n', "\r\n"), &pretty.replace("\": ", "\" :\t"), &marked]
        {
            assert_eq!(read(text).as_ref(), Some(&cards), "{text}");
        }
    }

    #[test]
    fn a_document_that_mentions_cards_is_no_cards() {
        let note = "A text with \"converge_cards\"".to_string();
        let document = Scenario { note, ..Scenario::first() };
        for text in [&*document.to_json(), "converge_cards", "{ \"converge_cards\": 1 }", "{ \"converge_cards\": {", ""]
        {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
