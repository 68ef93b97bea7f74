//! The values of a history's text, each with its position: JSON Lines, a JSON array, or EDN.

use super::edn;
use crate::scenario::json::nested_too_deeply;
use serde_json::Value;

/// Parses the text into values, each with its position.
pub(super) fn lines(text: &str) -> Result<Vec<(String, Value)>, String> {
    let text = text.trim_start_matches('\u{feff}');
    let mut characters = text.bytes().filter(|byte| !byte.is_ascii_whitespace());
    let first = characters.next();
    let rest = characters.find(|byte| !b"[{(".contains(byte));
    match (first, rest) {
        (None, _) => Err("the history is empty".into()),
        (Some(b'['), Some(b'"' | b']')) => {
            let all: Vec<Value> = serde_json::from_str(text)
                .map_err(|error| format!("{}: {}", place(error.line(), &error), message_of(&error)))?;
            Ok(all.into_iter().enumerate().map(|(i, value)| (format!("element {i}"), value)).collect())
        }
        (Some(b'{'), Some(b'"' | b'}')) => objects(text),
        (Some(b'{' | b'[' | b'(' | b'#' | b';'), _) => {
            let forms = edn::forms(text).map_err(|error| format!("line {}: {}", error.line, error.expected))?;
            Ok(forms.into_iter().map(|(line, value)| (format!("line {line}"), value)).collect())
        }
        (Some(_), _) => Err("line 1: JSON Lines, a JSON array or EDN is expected, which begins with { or [".into()),
    }
}

/// Parses consecutive JSON objects, usually one per line.
fn objects(text: &str) -> Result<Vec<(String, Value)>, String> {
    let mut all = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let (mut found, mut line, mut counted_to) = (Vec::new(), 1, 0);
    loop {
        let rest = &text[all.byte_offset()..];
        let start = text.len() - rest.trim_start().len();
        line += text[counted_to..start].matches('\n').count();
        counted_to = start;
        match all.next() {
            None => return Ok(found),
            Some(Ok(value)) => found.push((format!("line {line}"), value)),
            Some(Err(error)) => {
                let (place, problem) = (place(error.line().max(line), &error), message_of(&error));
                return Err(match nested_too_deeply(&error) {
                    Some(_) => format!("{place}: {problem}"),
                    None => format!("{place}: a JSON object is expected: {problem}"),
                });
            }
        }
    }
}

fn place(line: usize, error: &serde_json::Error) -> String {
    format!("line {line}, column {}", error.column())
}

/// Returns the message of serde_json without its position, which is relative to the line.
fn message_of(error: &serde_json::Error) -> String {
    if let Some(too_deep) = nested_too_deeply(error) {
        return too_deep;
    }
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or_default().to_string()
}
