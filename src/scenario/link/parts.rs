//! The parts of an address's fragment: a drawing and options, in any order.
//!
//! Programs that transmit links change them: they append punctuation, break lines, and encode characters. This module undoes
//! all of that.

use super::percent_decoded;

/// Characters that programs append to a link, besides white space.
pub(super) const APPENDED: &[char] = &[
    '<', '>', '"', '\'', '(', ')', '[', ']', ',', ';', '.', '!', '?', ':', '*', '_', '“', '”', '‘', '’', '«', '»', '…',
    '|', '`',
];

/// The parts of a fragment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// The drawing: a payload, `ex=ID` or `challenge=ID`.
    pub drawing: Option<String>,
    /// Names and values of options, in their order.
    pub options: Vec<(String, String)>,
    /// Parts without a meaning.
    pub unknown: Vec<String>,
}

/// Splits a link: alone, after a `#`, or as part of a whole address.
pub fn split(text: &str) -> Parts {
    let text = text.trim().trim_start_matches(APPENDED);
    let fragment = fragment_of(text);
    let mut parts = Parts::default();
    let fragment = fragment.trim_start_matches('#');
    for part in fragment.split('&').flat_map(pieces) {
        if parts.drawing.is_none()
            && let Some(payload) = payload(part)
        {
            parts.drawing = Some(payload);
        } else {
            match part.split_once('=') {
                Some((name, id)) if parts.drawing.is_none() && matches!(&*option_name(name), "ex" | "challenge") => {
                    let id = percent_decoded(id);
                    parts.drawing = Some(format!("{}={}", option_name(name), id.trim().trim_matches(APPENDED)));
                }
                Some((name, value)) => parts.options.push((option_name(name), option_value(name, value))),
                None => parts.unknown.push(part.into()),
            }
        }
    }
    // A text without any part of an address is a payload that has lost its beginning.
    if parts.drawing.is_none() && parts.options.is_empty() && !parts.unknown.is_empty() {
        parts.drawing = Some(parts.unknown.remove(0));
    }
    parts
}

/// Returns a part without white space and without the rest of an escaped `&`. The text after another `#` behind a drawing is a
/// separate part.
fn pieces(part: &str) -> impl Iterator<Item = &str> {
    let part = part.strip_prefix("amp;").unwrap_or(part).trim();
    let (first, rest) = match part.split_once('#') {
        Some((first, rest)) if payload(first).is_some() || is_named(first) => (first, rest),
        Some(_) | None => (part, ""),
    };
    [first, rest].into_iter().filter(|piece| !piece.is_empty())
}

/// Returns whether a part names an example or a challenge.
fn is_named(part: &str) -> bool {
    part.split_once('=').is_some_and(|(name, _)| matches!(&*option_name(name), "ex" | "challenge"))
}

/// Returns the text after the `#`. A mail program may have encoded the whole address.
fn fragment_of(text: &str) -> String {
    let encoded = text.contains('%') && !text.contains('#') && !text.contains('&');
    let text = if encoded { percent_decoded(text) } else { text.to_string() };
    text.split_once('#').map_or(text.clone(), |(_, fragment)| fragment.to_string())
}

/// Returns the payload if a part is one: a number, letters and a dot come first, before any `=`.
fn payload(part: &str) -> Option<String> {
    let decoded = percent_decoded(part);
    let payload: String = decoded.chars().filter(|c| !c.is_whitespace()).collect();
    let (head, _) = payload.split_once('.')?;
    let is_head = head.len() <= 8
        && head.starts_with(|c: char| c.is_ascii_digit())
        && head.chars().all(|c| c.is_ascii_digit() || c.is_ascii_lowercase());
    // A `_` or `.` at the end may belong to a payload that was cut short.
    is_head.then(|| payload.trim_end_matches(|c| APPENDED.contains(&c) && !matches!(c, '_' | '.')).to_string())
}

/// Returns a value without appended punctuation. The value of a field may end with any character.
fn option_value(name: &str, value: &str) -> String {
    let value = percent_decoded(value);
    if name.contains('.') { value } else { value.trim().trim_end_matches(APPENDED).to_string() }
}

/// Names of options have no capitals, apart from paths of fields and ids.
fn option_name(name: &str) -> String {
    let name = percent_decoded(name);
    if name.contains('.') { name } else { name.to_ascii_lowercase() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: &str = "1r.AbC-_9e";

    fn drawing(text: &str) -> Option<String> {
        split(text).drawing
    }

    #[test]
    fn parts_come_in_any_order() {
        let parts = split("#theme=dark&ex=lost-event&t=5");
        assert_eq!(parts.drawing.as_deref(), Some("ex=lost-event"));
        assert_eq!(parts.options, [("theme".into(), "dark".into()), ("t".into(), "5".into())]);
        assert_eq!(drawing(&format!("mode=view&{LINK}")).as_deref(), Some(LINK));
        assert_eq!(drawing("#EX=lost-event").as_deref(), Some("ex=lost-event"));
        assert_eq!(drawing("#seed=3&Challenge=lost-event.").as_deref(), Some("challenge=lost-event"));
        assert_eq!(split("Theme=dark").options, [("theme".into(), "dark".into())]);
    }

    #[test]
    fn a_payload_with_an_equals_sign_is_a_payload() {
        assert_eq!(drawing("1r.Ab=C-_9e&t=5").as_deref(), Some("1r.Ab=C-_9e"));
    }

    #[test]
    fn what_programs_append_is_ignored() {
        for end in [".", ")", ">", "\"", "%3E", "!", ":", "*", "_", "\u{a0}", "…", "?", "**", " ", "\r\n", "’"] {
            let payload = drawing(&format!("https://a.example/x/#{LINK}{end}")).expect("a payload");
            assert_eq!(payload.trim_end_matches(['_', '.']), LINK, "{end:?}");
            assert_eq!(drawing(&format!("#ex=outbox{end}")).as_deref(), Some("ex=outbox"), "{end:?}");
        }
    }

    #[test]
    fn line_breaks_and_encodings_are_undone() {
        for changed in ["1r.Ab\r\nC-_9e", "1r.Ab C-_9e", "%31r.AbC-%5F9e", "1r%2EAbC-_9e", "1r.AbC%2D_9e"] {
            assert_eq!(drawing(changed).as_deref(), Some(LINK), "{changed:?}");
        }
        let whole = split("https%3A%2F%2Fa.example%2F%23ex%3Doutbox%26t%3D5");
        assert_eq!(whole.drawing.as_deref(), Some("ex=outbox"));
        assert_eq!(whole.options, [("t".into(), "5".into())]);
        assert_eq!(split("ex=outbox&amp;t=5").options, [("t".into(), "5".into())]);
        assert_eq!(split("ex=outbox&set.a.name=x%26y%3Dz").options, [("set.a.name".into(), "x&y=z".into())]);
    }

    #[test]
    fn several_number_signs_hide_nothing() {
        assert_eq!(drawing(&format!("https://a.example/##{LINK}")).as_deref(), Some(LINK));
        let parts = split(&format!("#{LINK}#t=5"));
        assert_eq!((parts.drawing.as_deref(), &*parts.options), (Some(LINK), &[("t".into(), "5".into())][..]));
        assert_eq!(split("#ex=outbox#top").unknown, ["top"]);
        assert_eq!(split("#ex=outbox&set.a.name=#1").options, [("set.a.name".into(), "#1".into())]);
    }

    #[test]
    fn a_part_without_a_meaning_is_reported() {
        assert_eq!(split("ex=outbox&wat").unknown, ["wat"]);
        assert_eq!(drawing("wat").as_deref(), Some("wat"));
        assert_eq!(split("").drawing, None);
    }
}
