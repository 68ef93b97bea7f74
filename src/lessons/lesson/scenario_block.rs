//! The scenario of a block: an example or a challenge with other settings, or a whole document.

use crate::language::{phrase, sentence};
use crate::scenario::{Scenario, ScenarioError, json};

/// Maximum number of settings of a scenario's block. Each one is checked with the whole scenario.
const MAX_SETTINGS: usize = 50;

/// Builds a scenario from a base and the settings in a block, or from the document in it. An error of syntax has a line in the
/// block, counted from 1; other errors have none.
pub(super) fn build(
    base: Option<Scenario>,
    branch: Option<&str>,
    until: Option<f64>,
    body: &str,
) -> Result<Scenario, Vec<(Option<usize>, String)>> {
    let texts = |errors: Vec<ScenarioError>| errors.iter().map(|error| (None, error.to_string())).collect::<Vec<_>>();
    let single = |problem: String| vec![(None, problem)];
    let parse = |text: &str| json::parse(text).map_err(|error| vec![(Some(error.line), error.to_string())]);
    let mut scenario = match base {
        None => {
            let scenario = Scenario::from_value(&parse(body)?).map_err(texts)?;
            scenario.validate().map_err(texts)?;
            scenario
        }
        Some(mut scenario) => {
            if branch.is_some() || !body.trim().is_empty() {
                scenario = scenario.of_branch(branch).map_err(|error| single(error.to_string()))?;
            }
            if !body.trim().is_empty() {
                let settings = parse(body)?;
                let settings = settings.as_object().ok_or_else(|| {
                    single(
                        phrase("an object of settings is expected", "ein Objekt mit Einstellungen wird erwartet")
                            .into(),
                    )
                })?;
                if settings.len() > MAX_SETTINGS {
                    return Err(single(sentence!(
                        "at most {MAX_SETTINGS} settings are expected, not {}",
                        "höchstens {MAX_SETTINGS} Einstellungen sind erlaubt, nicht {}",
                        settings.len()
                    )));
                }
                for (path, value) in settings {
                    let changed = scenario.with_setting(path, &value.to_string());
                    scenario = changed.map_err(|problem| single(format!("{path}: {problem}")))?;
                }
            }
            scenario
        }
    };
    scenario.until_ms = until.unwrap_or(scenario.until_ms);
    scenario.promises.clear();
    scenario.validate().map_err(texts)?;
    Ok(scenario)
}
