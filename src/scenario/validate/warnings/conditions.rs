//! Invariants and goals about keys that nothing writes.

use super::Warnings;
use crate::language::sentence;
use crate::scenario::goal::{Condition, Figure, Requirement};
use crate::scenario::invariant::{Formula, Invariant, Place, Term};

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
        let mut places = Vec::new();
        places_of(&invariant.formula, &mut places);
        if let Some(Place { key, .. }) = places.into_iter().find(|place| !self.value_kinds.is_held(&place.key)) {
            let why = sentence!(
                "no service or group has the key `{key}`",
                "kein Service und keine Gruppe hat den Schlüssel `{key}`"
            );
            self.no_effect(path, &why);
        }
    }
}

fn places_of<'a>(formula: &'a Formula, places: &mut Vec<&'a Place>) {
    match formula {
        Formula::Compare(_, left, right) => {
            places_of_term(left, places);
            places_of_term(right, places);
        }
        Formula::Not(inner) => places_of(inner, places),
        Formula::And(left, right) | Formula::Or(left, right) => {
            places_of(left, places);
            places_of(right, places);
        }
    }
}

fn places_of_term<'a>(term: &'a Term, places: &mut Vec<&'a Place>) {
    match term {
        Term::Constant(_) => {}
        Term::Read(place) | Term::Behind(place) => places.push(place),
        Term::Count(inner) => places_of_term(inner, places),
        Term::Sum(left, right) | Term::Product(left, right) => {
            places_of_term(left, places);
            places_of_term(right, places);
        }
    }
}
