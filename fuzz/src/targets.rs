//! The checked readers of inputs that strangers write.

mod histories;
mod lessons;
mod links;
mod messages;
mod scenarios;

use crate::random::Random;

/// A reader of inputs.
pub struct Target {
    /// Its name on the command line.
    pub name: &'static str,
    /// Returns valid inputs.
    pub seeds: fn() -> Vec<String>,
    /// Changes an input. Parts of the second one may be inserted.
    pub change: fn(&str, &str, &mut Random) -> String,
    /// Checks an input. Returns the kind of its answer, or the problem.
    pub check: fn(&str) -> Result<String, String>,
    /// The memory that one input may need, bytes.
    pub memory: usize,
}

/// All targets.
pub static ALL: [Target; 5] = [links::TARGET, scenarios::TARGET, messages::TARGET, histories::TARGET, lessons::TARGET];

/// Returns an error if two values that should be equal differ.
fn expect_same<T: PartialEq + std::fmt::Debug>(what: &str, first: &T, second: &T) -> Result<(), String> {
    if first == second { Ok(()) } else { Err(format!("{what}: \"{second:?}\" is not equal to \"{first:?}\"")) }
}

/// Returns the texts of the hostile inputs of a kind.
fn hostile(kind: &str) -> Vec<String> {
    let inputs: serde_json::Value =
        serde_json::from_str(include_str!("../../tests/hostile/inputs.json")).unwrap_or_default();
    let inputs = inputs.as_array().into_iter().flatten().filter(|input| input["kind"] == kind);
    let text = |input: &serde_json::Value| -> String {
        let pieces = input["input"].as_array().into_iter().flatten();
        let piece = |piece: &serde_json::Value| {
            piece[0].as_str().unwrap_or_default().repeat(piece[1].as_u64().unwrap_or_default() as usize)
        };
        pieces.map(piece).collect()
    };
    inputs.map(text).map(crate::text::limited).collect()
}

/// Returns the fields of a value, which are the kind of an input that was accepted.
fn fields(value: &serde_json::Value) -> String {
    fn collect<'a>(value: &'a serde_json::Value, names: &mut std::collections::BTreeSet<&'a str>) {
        match value {
            serde_json::Value::Array(items) => items.iter().for_each(|item| collect(item, names)),
            serde_json::Value::Object(object) => object.iter().for_each(|(name, item)| {
                names.insert(name);
                collect(item, names);
            }),
            _ => {}
        }
    }
    let mut names = std::collections::BTreeSet::new();
    collect(value, &mut names);
    names.into_iter().collect::<Vec<_>>().join(" ")
}
