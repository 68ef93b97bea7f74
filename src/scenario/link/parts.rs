//! The parts of an address's fragment: a drawing and options, in any order.
//!
//! Programs that transmit links change them: they append punctuation, break and quote lines, insert invisible characters, and
//! encode others. This module undoes all of that. What remains is a payload whose checksum decides whether it is whole.

use super::{declared_length, percent_decoded};

/// Characters that programs append to a link, besides white space.
pub(super) const APPENDED: &[char] = &[
    '<', '>', '"', '\'', '(', ')', '[', ']', ',', ';', '.', '!', '?', ':', '*', '_', '“', '”', '‘', '’', '«', '»', '…',
    '|', '`', '{', '}', '/', '\\', '~', '„', '‚', '「', '」', '（', '）', '，', '。', '、', '！', '？',
];

/// Returns whether a character is invisible: a soft hyphen, a space without width, a mark of the direction of writing.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

/// Returns whether a character is added at the start or end of a link.
fn is_added(c: char) -> bool {
    c.is_whitespace() || is_invisible(c) || APPENDED.contains(&c)
}

/// Returns a text without invisible characters and without breaks of lines, also of quoted ones.
fn without_breaks(text: &str) -> String {
    let mut lines = text.split(['\n', '\r']);
    let mut joined = lines.next().unwrap_or_default().to_string();
    for line in lines {
        joined += line.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '>' | '|'));
    }
    joined.retain(|c| !is_invisible(c));
    joined
}

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
    let is_before = |c: char| !c.is_alphanumeric() && !matches!(c, '%' | '&');
    let text = unescaped(text.trim_start_matches(|c| c != '#' && is_before(c)));
    let fragment = fragment_of(&text);
    let mut parts = Parts::default();
    let fragment = fragment.trim_start_matches(is_before);
    for part in fragment.split('&').flat_map(pieces) {
        if parts.drawing.is_none()
            && let Some(payload) = payload(part)
        {
            parts.drawing = Some(payload);
        } else {
            match part.split_once('=') {
                Some((name, id)) if parts.drawing.is_none() && matches!(&*option_name(name), "ex" | "challenge") => {
                    let id = without_breaks(&percent_decoded(id));
                    let is_behind = |c| is_added(c) || matches!(c, '-' | '–' | '—' | '=' | '$' | '@' | '^' | '+' | '%');
                    let id = id.trim_start_matches(|c| c != '/' && is_added(c)).trim_end_matches(is_behind);
                    parts.drawing = Some(format!("{}={id}", option_name(name)));
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
    let part = part.trim();
    let is_escaped = part.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("amp;"));
    let part = if is_escaped { part[4..].trim() } else { part };
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

/// Returns a text without the escapes of HTML and JSON for `&` and `#`, and without the soft line breaks of mails.
fn unescaped(text: &str) -> String {
    let mut text = text.to_string();
    if !['&', '\\', '='].iter().any(|&first| text.contains(first)) {
        return text;
    }
    for (escaped, plain) in [
        ("&#38;", "&"),
        ("&#038;", "&"),
        ("&#x26;", "&"),
        ("&#35;", "#"),
        ("&#x23;", "#"),
        ("\\u0026", "&"),
        ("=\r\n", "\n"),
        ("=\n", "\n"),
    ] {
        if text.contains(escaped) {
            text = text.replace(escaped, plain);
        }
    }
    text
}

/// Returns the text after the `#`. Mail programs may have encoded the whole address, each of them once more.
fn fragment_of(text: &str) -> String {
    let mut text = text.to_string();
    for _ in 0..3 {
        if text.contains('%') && !text.contains('#') && !text.contains('&') {
            text = percent_decoded(&text);
        }
    }
    text.split_once('#').map_or(text.clone(), |(_, fragment)| fragment.to_string())
}

/// Returns the payload if a part is one: a number, letters and a dot come first, before any `=`.
fn payload(part: &str) -> Option<String> {
    let (payload, whole) = cleaned(&percent_decoded(part))?;
    let payload = whole.map_or(payload.as_str(), |length| &payload[..length]);
    // A `_` or `.` at the end may belong to a payload that was cut short.
    Some(payload.trim_end_matches(|c| APPENDED.contains(&c) && !matches!(c, '_' | '.')).to_string())
}

/// Returns a payload without what programs insert into it, and the length in bytes that it should have, if other text follows
/// there. A letter or digit directly behind is no such text: then the payload itself has changed.
fn cleaned(decoded: &str) -> Option<(String, Option<usize>)> {
    let mut payload = String::new();
    // The lengths after which the next character does not follow directly.
    let mut gaps = Vec::new();
    for c in decoded.chars() {
        match c {
            _ if c.is_whitespace() || is_invisible(c) || matches!(c, '>' | '|' | '\\') => gaps.push(payload.len()),
            // Programs for text replace hyphens by dashes.
            '\u{2010}'..='\u{2013}' | '\u{2212}' => payload.push('-'),
            '\u{2014}' => payload.push_str("--"),
            _ => payload.push(c),
        }
    }
    let (head, rest) = payload.split_once('.')?;
    let is_head = head.len() <= 8
        && head.starts_with(|c: char| c.is_ascii_digit())
        && head.chars().all(|c| c.is_ascii_digit() || c.is_ascii_lowercase());
    if !is_head {
        return None;
    }
    let length = declared_length(head.len() + 1, rest).ok().map(|(_, length)| length);
    let is_end = |length: &usize| {
        let mut behind = payload.get(*length..).unwrap_or_default().chars();
        let next = behind.next();
        payload.is_char_boundary(*length)
            && next.is_some_and(|next| !next.is_ascii_alphanumeric() || gaps.binary_search(length).is_ok())
    };
    let whole = length.filter(is_end);
    Some((payload, whole))
}

/// Returns a value without appended punctuation. The value of a field may end with any character.
fn option_value(name: &str, value: &str) -> String {
    let value = percent_decoded(value);
    if name.contains('.') {
        return value;
    }
    let value = without_breaks(&value);
    // These consist of letters and digits.
    let is_number = matches!(&*option_name(name), "t" | "seed" | "digest");
    value.trim().trim_end_matches(|c: char| is_added(c) || (is_number && !c.is_alphanumeric())).to_string()
}

/// Names of options have no capitals, apart from paths of fields and ids.
fn option_name(name: &str) -> String {
    let name = without_breaks(&percent_decoded(name));
    let name = name.trim().to_string();
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
