//! The warnings about a document with its branches: a setting has an effect if it has one in any branch.

use super::Warnings;
use crate::scenario::{Branch, Scenario, ScenarioError};
use std::collections::BTreeSet;

/// Returns the warnings about a valid scenario.
pub(in crate::scenario) fn warnings(scenario: &Scenario) -> Vec<ScenarioError> {
    let Warnings { endless, mut without_effect, .. } = Warnings::of(scenario);
    let wholes = (0..scenario.branches.len()).map(|at| scenario.at_branch(at).ok());
    let of_branches: Vec<(Vec<ScenarioError>, Vec<ScenarioError>)> = wholes
        .map(|whole| {
            let found = whole.as_ref().map(Warnings::of);
            found.map(|found| (found.endless, found.without_effect)).unwrap_or_default()
        })
        .collect();
    for (_, of_branch) in &of_branches {
        let of_branch = keys(of_branch);
        without_effect.retain(|warning| of_branch.contains(&key(warning)));
    }
    let mut found = endless;
    found.append(&mut without_effect);
    let mut further = Vec::new();
    let known = keys(&found);
    let before = scenario.script.len();
    for (at, (branch, (endless, without_effect))) in scenario.branches.iter().zip(&of_branches).enumerate() {
        let own_path = |warning: &ScenarioError| path_of_own_step(&warning.path, before);
        let is_own = |warning: &&ScenarioError| own_path(warning).is_some() || is_set(scenario, branch, &warning.path);
        let of_branch = endless.iter().chain(without_effect.iter().filter(is_own));
        further.extend(of_branch.filter(|warning| !known.contains(&key(warning))).map(|warning| {
            let path = own_path(warning).unwrap_or_else(|| warning.path.clone());
            ScenarioError::new(format!("branches[{at}].{path}"), warning.problem.clone())
        }));
    }
    found.append(&mut further);
    found
}

fn key(warning: &ScenarioError) -> (&str, &str) {
    (&warning.path, &warning.problem)
}

fn keys(warnings: &[ScenarioError]) -> BTreeSet<(&str, &str)> {
    let mut keys = BTreeSet::new();
    keys.extend(warnings.iter().map(key));
    keys
}

/// Converts the path of a step in the combined script to its path in the branch's script; `None` if it is not the branch's.
fn path_of_own_step(path: &str, before: usize) -> Option<String> {
    let (place, rest) = path.strip_prefix("script[")?.split_once(']')?;
    let place = place.parse::<usize>().ok()?.checked_sub(before)?;
    Some(format!("script[{place}]{rest}"))
}

/// Returns whether a branch sets the field at a path of the document.
fn is_set(scenario: &Scenario, branch: &Branch, path: &str) -> bool {
    let Some((node, field)) = path.split_once("].") else { return false };
    let Some((list, index)) = node.split_once('[') else { return false };
    let Ok(index) = index.parse::<usize>() else { return false };
    let id = match list {
        "services" => scenario.services.get(index).map(|node| &node.id),
        "buses" => scenario.buses.get(index).map(|node| &node.id),
        "clients" => scenario.clients.get(index).map(|node| &node.id),
        "groups" => scenario.groups.get(index).map(|group| &group.id),
        _ => None,
    };
    let Some(id) = id else { return false };
    let setting = format!("{id}.{}", field.replace('[', ".").replace(']', ""));
    let names =
        |set: &String| setting.strip_prefix(set.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    branch.set.keys().any(names)
}
