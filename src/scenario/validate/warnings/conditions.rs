//! Invariants and goals about keys that nothing writes.

use super::Warnings;
use super::copies::no_holder;
use crate::scenario::goal::{Condition, Figure, Requirement};
use crate::scenario::{Invariant, Variable};

impl Warnings<'_> {
    pub(super) fn conditions(&mut self) {
        let scenario = self.scenario;
        for (i, text) in scenario.invariants.iter().enumerate() {
            self.condition(&format!("invariants[{i}]"), text);
        }
        for (i, task) in scenario.tasks.iter().enumerate() {
            for (j, goal) in task.goals.iter().enumerate() {
                let figure = Requirement::parse(&goal.must, scenario).map(|requirement| requirement.figure);
                if let Ok(Figure::Runs(Condition::Always(text) | Condition::Finally(text))) = figure {
                    self.condition(&format!("tasks[{i}].goals[{j}].must"), &text);
                }
            }
        }
    }

    /// Warns of a condition about a key that no service or group has at any time.
    fn condition(&mut self, path: &str, text: &str) {
        let Ok(invariant) = Invariant::parse(text, self.scenario) else { return };
        let mut variables = invariant.formula.variables().into_iter();
        if let Some(Variable { key, .. }) = variables.find(|variable| !self.value_kinds.is_held(&variable.key)) {
            self.no_effect(path, &no_holder(key));
        }
    }
}
