//! Scenario documents.

use super::{Target, expect_same, fields, hostile};
use crate::random::Random;
use crate::{json, text};
use converge::scenario::examples::EXAMPLES;
use converge::scenario::{Scenario, link};
use converge::session::Run;

pub const TARGET: Target = Target { name: "scenarios", seeds, change, check, memory: 64 << 20 };

const WORDS: &[&str] = &[
    "\"converge\": 1",
    "\"services\": [",
    "\"id\": \"a\"",
    "\"until_ms\":",
    "\"script\": [",
    "\"at_ms\":",
    "\"do\":",
    "\"groups\":",
    "\"invariants\": [\"",
    "always ",
    "finally ",
    " when quiescent",
    "\"branches\":",
    "\"tasks\":",
    "\"promises\":",
];

/// Events of a run that show whether a valid document also runs.
const EVENTS: u64 = 200;

fn seeds() -> Vec<String> {
    let mut seeds = hostile("scenario");
    let documents = EXAMPLES.iter().map(|example| example.scenario().to_value().to_string());
    seeds.extend(documents.filter(|text| text.len() < 3000));
    seeds
}

fn change(document: &str, donor: &str, random: &mut Random) -> String {
    if random.once_in(4) {
        return text::changed(document, donor, WORDS, random);
    }
    let Ok(value) = serde_json::from_str(document) else { return text::changed(document, donor, WORDS, random) };
    let donor = serde_json::from_str(donor).unwrap_or_default();
    text::limited(json::changed(&value, &donor, random).to_string())
}

fn check(document: &str) -> Result<String, String> {
    let scenario = match Scenario::from_json(document) {
        Ok(scenario) => scenario,
        Err(errors) => {
            let first = errors.first().ok_or("it is refused without an error")?;
            return Ok(first.to_string());
        }
    };
    let again =
        Scenario::from_json(&scenario.to_json()).map_err(|errors| format!("written, it is refused: {errors:?}"))?;
    expect_same("written and read again", &scenario, &again)?;
    let warnings = scenario.warnings();
    // These need more time than the rest.
    if document.len().is_multiple_of(4) {
        let _ = Run::new(&scenario).advance(u64::MAX, EVENTS, &mut |_, _, _| {});
    }
    if document.len() % 16 == 1
        && let Ok(written) = link::encode(&scenario)
    {
        let opened = link::decode(&written).map_err(|error| format!("its link is refused: {error}"))?;
        expect_same("through a link", &scenario, &opened.scenario)?;
    }
    let kinds: Vec<String> = warnings.iter().map(|warning| warning.problem.clone()).collect();
    Ok(format!("valid {} {}", fields(&scenario.to_value()), kinds.join(" ")))
}
