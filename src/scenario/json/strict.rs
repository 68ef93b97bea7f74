//! Parses JSON text and refuses an object that has the same field twice, of which `serde_json` would keep the last.

use crate::language::{Language, language, phrase, sentence};
use crate::scenario::ScenarioError;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::{Map, Value as Json};
use std::fmt;

/// The number of lists and objects inside of each other from which on `serde_json` reads no further.
const MAX_NESTING: usize = 127;
/// The error of `serde_json` about deeper nesting.
const TOO_DEEP: &str = "recursion limit exceeded";

/// Why a text is not accepted as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// The line of the text, counted from 1.
    pub line: usize,
    /// The error in words, which include the line and the column.
    pub error: ScenarioError,
    /// Whether the text may be JSON, but is nested too deeply.
    pub is_too_deep: bool,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for SyntaxError {}

impl From<SyntaxError> for ScenarioError {
    fn from(error: SyntaxError) -> Self {
        error.error
    }
}

/// Parses JSON text.
///
/// # Errors
/// The text is not JSON, is nested too deeply, or an object has a field twice. The error contains the line and the
/// column, both counted from 1.
pub fn parse(text: &str) -> Result<Json, SyntaxError> {
    serde_json::from_str::<Strict>(text).map(|Strict(json)| json).map_err(|error| {
        let line = error.line();
        let message = error.to_string();
        let problem = message.rsplit_once(" at line ").map_or(message.as_str(), |(problem, _)| problem);
        let place = sentence!("line {}, column {}", "Zeile {}, Spalte {}", error.line(), error.column());
        let is_too_deep = problem == TOO_DEEP;
        let error = match error.classify() {
            Category::Data => ScenarioError::new(place, problem),
            Category::Syntax if is_too_deep => {
                let text = phrase("nested too deeply", "zu tief verschachtelt");
                ScenarioError::new("", format!("{text} ({place}): {}", nesting_limit()))
            }
            category @ (Category::Syntax | Category::Eof | Category::Io) => {
                let german = in_german(category, problem);
                let problem = match language() {
                    Language::English => problem,
                    Language::German => german,
                };
                ScenarioError::new(
                    "",
                    sentence!("this is not JSON ({place}): {problem}", "das ist kein JSON ({place}): {problem}"),
                )
            }
        };
        SyntaxError { line, error, is_too_deep }
    })
}

/// Returns what is expected of the nesting of JSON text.
fn nesting_limit() -> String {
    sentence!("at most {MAX_NESTING} levels are expected", "höchstens {MAX_NESTING} Ebenen sind erlaubt")
}

/// Returns what is wrong with a text that `serde_json` has refused because it is nested too deeply; none if that is not why.
pub fn nested_too_deeply(error: &serde_json::Error) -> Option<String> {
    error.to_string().starts_with(TOO_DEEP).then(|| format!("nested too deeply: {}", nesting_limit()))
}

/// The errors of `serde_json` with their German translations. Those of a text that ends too early are not listed, because they
/// have one translation together.
pub(super) const GERMAN: &[(&str, &str)] = &[
    ("control character (\\u0000-\\u001F) found while parsing a string", "in einem Text steht ein Steuerzeichen"),
    ("expected `,` or `]`", "erwartet wird `,` oder `]`"),
    ("expected `,` or `}`", "erwartet wird `,` oder `}`"),
    ("expected `:`", "erwartet wird `:`"),
    ("expected ident", "hier steht kein Wert"),
    ("expected value", "hier steht kein Wert"),
    ("invalid escape", INVALID_ESCAPE),
    ("invalid number", "die Zahl ist ungültig"),
    ("key must be a string", "der Name eines Felds muss in Anführungszeichen stehen"),
    ("lone leading surrogate in hex escape", INVALID_ESCAPE),
    ("number out of range", "die Zahl ist zu groß"),
    ("trailing characters", "nach dem Ende des Dokuments folgen weitere Zeichen"),
    ("trailing comma", "vor der Klammer steht ein Komma zu viel"),
    ("unexpected end of hex escape", INVALID_ESCAPE),
];
const INVALID_ESCAPE: &str = "ein Text enthält eine ungültige Escape-Sequenz";

/// Returns an error of `serde_json` in German.
fn in_german(category: Category, problem: &str) -> &'static str {
    if category == Category::Eof {
        return "der Text endet zu früh";
    }
    let translation = GERMAN.iter().find(|(english, _)| *english == problem);
    translation.map_or("der Text ist an dieser Stelle kein JSON", |(_, german)| german)
}

struct Strict(Json);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Strict)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Json, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let mut items = Vec::new();
        while let Some(Strict(item)) = access.next_element()? {
            items.push(item);
        }
        Ok(Json::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let mut fields = Map::new();
        while let Some(name) = access.next_key::<String>()? {
            if fields.contains_key(&name) {
                return Err(A::Error::custom(sentence!(
                    "duplicate field `{name}`",
                    "das Feld `{name}` kommt zweimal vor"
                )));
            }
            let Strict(value) = access.next_value()?;
            fields.insert(name, value);
        }
        Ok(Json::Object(fields))
    }
}
