//! A scenario on its way between the page and the session.

use crate::scenario::json;
use crate::scenario::{Scenario, ScenarioError};
use serde::{Deserialize, Serialize};

/// A scenario as JSON text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScenarioJson(String);

impl ScenarioJson {
    /// Reads the scenario.
    ///
    /// # Errors
    /// All fields with a wrong type, each with its path.
    pub fn read(&self) -> Result<Scenario, Vec<ScenarioError>> {
        Scenario::read(&self.0)
    }
}

impl From<&Scenario> for ScenarioJson {
    fn from(scenario: &Scenario) -> Self {
        ScenarioJson(json::compact(scenario))
    }
}

#[cfg(test)]
mod tests {
    use super::ScenarioJson;
    use crate::session::Session;
    use crate::session::protocol::{Report, Request, ToEngine};

    #[test]
    fn invalid_document_is_refused_with_its_path() {
        let scenario = ScenarioJson("{\"converge\": 1, \"seed\": []}".into());
        let answer = Session::default().handle(ToEngine { epoch: 7, request: Request::Load { scenario, at: 0 } });
        let Report::Refused { errors } = &answer.report else { panic!("{answer:?}") };
        assert_eq!(
            (answer.epoch, errors[0].to_string().as_str()),
            (7, "seed: must be a whole number from 0 to 18446744073709551615, not a list")
        );
    }
}
