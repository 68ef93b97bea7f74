//! The scenario of a block: an example or a challenge with other settings, or a whole document.

use crate::language::{phrase, sentence};
use crate::scenario::{Scenario, ScenarioError, json};

/// Settings of a scenario's block at most: each is checked with the whole scenario.
const MOST_SETTINGS: usize = 50;

/// Builds a scenario from a base and the settings in a block, or from the document in it.
pub(super) fn build(
    base: Option<Scenario>,
    branch: Option<&str>,
    until: Option<f64>,
    body: &str,
) -> Result<Scenario, Vec<String>> {
    let texts = |errors: Vec<ScenarioError>| errors.iter().map(ToString::to_string).collect::<Vec<_>>();
    let mut scenario = match base {
        None => Scenario::from_json(body).map_err(texts)?,
        Some(mut scenario) => {
            if branch.is_some() || !body.trim().is_empty() {
                scenario = scenario.of_branch(branch).map_err(|error| vec![error.to_string()])?;
            }
            if !body.trim().is_empty() {
                let settings = json::parse(body).map_err(|error| vec![error.to_string()])?;
                let settings = settings.as_object().ok_or(vec![
                    phrase("an object of settings is expected", "ein Objekt mit Einstellungen wird erwartet")
                        .to_string(),
                ])?;
                if settings.len() > MOST_SETTINGS {
                    return Err(vec![sentence!(
                        "at most {MOST_SETTINGS} settings are expected, not {}",
                        "höchstens {MOST_SETTINGS} Einstellungen sind erlaubt, nicht {}",
                        settings.len()
                    )]);
                }
                for (path, value) in settings {
                    let changed = scenario.with_setting(path, &value.to_string());
                    scenario = changed.map_err(|problem| vec![format!("{path}: {problem}")])?;
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
