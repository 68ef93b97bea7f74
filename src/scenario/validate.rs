//! Validation: ids are unique and resolve, numbers are finite and in range, sizes are bounded.

mod atomic;
mod checker;
mod commands;
mod connected;
mod groups;
mod parts;
mod references;
mod tasks;
mod warnings;

use super::{Command, FORMAT, Invariant, Operation, Scenario, ScenarioError, Step};
use crate::language::{phrase, sentence};
use checker::{Checker, MAX_NAME_LENGTH, SAFE_INTEGER};
use std::collections::BTreeMap;
pub(super) use warnings::warnings;

/// The maximum length of a run, ms: about 11 days.
const MAX_RUN_MS: f64 = 1e9;
const MAX_NOTE_LENGTH: usize = 2_000;
const MAX_NODES: usize = 10_000;
const MAX_ENTRIES: usize = 100_000;
const MAX_BRANCHES: usize = 16;
const MAX_SETTINGS: usize = 100;
/// The maximum number of settings of all branches times that of nodes, links and steps, because each setting is checked with the
/// whole document.
const MAX_SETTING_WORK: usize = 200_000;
const MAX_INVARIANTS: usize = 50;

/// Validates a scenario and returns all errors.
pub(super) fn check(scenario: &Scenario) -> Result<(), Vec<ScenarioError>> {
    let mut checker = Checker::default();
    checker.head(scenario);
    if checker.sizes(scenario) {
        checker.parts(scenario);
        checker.references(scenario);
        checker.invariants(scenario);
        checker.tasks(scenario);
        checker.branches(scenario);
    }
    if checker.errors.is_empty() { Ok(()) } else { Err(checker.errors) }
}

/// Returns what is expected of each whole number of a document, by path.
pub(super) fn ranges(scenario: &Scenario) -> BTreeMap<String, String> {
    let mut checker = Checker { ranges: Some(BTreeMap::new()), ..Checker::default() };
    checker.head(scenario);
    if checker.sizes(scenario) {
        checker.parts(scenario);
        checker.references(scenario);
        checker.tasks(scenario);
    }
    checker.ranges.unwrap_or_default()
}

/// Converts the path of a step in the combined script to its path in the branch's script.
fn path_in_branch(path: &str, before: usize) -> String {
    let rest = path.strip_prefix("script[").and_then(|rest| rest.split_once(']'));
    let index = rest.and_then(|(index, rest)| Some((index.parse::<usize>().ok()?.checked_sub(before)?, rest)));
    index.map_or_else(|| path.into(), |(index, rest)| format!("script[{index}]{rest}"))
}

/// Returns the error for a document of a newer format.
pub(super) fn newer(format: u64) -> ScenarioError {
    let problem = sentence!(
        "must be at most {FORMAT}, not {format}: the document was made by a newer version",
        "darf höchstens {FORMAT} sein, nicht {format}: \
         das Dokument stammt von einer neueren Version"
    );
    ScenarioError::new("converge", problem)
}

/// Validates an operation, independent of a scenario.
pub(super) fn check_operation(operation: &Operation) -> Result<(), Vec<ScenarioError>> {
    let mut checker = Checker::default();
    checker.operation("operate.operation", operation);
    if checker.errors.is_empty() { Ok(()) } else { Err(checker.errors) }
}

/// Validates the settings of a command, independent of a scenario.
pub(super) fn check_command(command: &Command) -> Result<(), Vec<ScenarioError>> {
    let mut checker = Checker::default();
    checker.command_settings("", command);
    if checker.errors.is_empty() { Ok(()) } else { Err(checker.errors) }
}

/// Returns those steps that are valid in a scenario; none if the scenario is not valid even without steps.
pub(super) fn valid_steps(scenario: &Scenario, steps: &[Step]) -> Vec<Step> {
    let scenario = Scenario { script: Vec::new(), branches: Vec::new(), branch: String::new(), ..scenario.clone() };
    if check(&scenario).is_err() {
        return Vec::new();
    }
    let mut checker = Checker::default();
    let nodes = checker.ids(&scenario);
    let mut is_valid = |step: &Step| {
        checker.errors.clear();
        checker.step("", step);
        checker.command_references("", &step.command, &nodes);
        checker.errors.is_empty()
    };
    steps.iter().filter(|step| is_valid(step)).cloned().collect()
}

impl Checker {
    fn head(&mut self, scenario: &Scenario) {
        self.expects("converge", || FORMAT.to_string());
        self.expects("seed", || phrase("a whole number from 0 to 2^53", "eine ganze Zahl von 0 bis 2^53").into());
        match scenario.converge {
            FORMAT => {}
            format if format > FORMAT => self.errors.push(newer(format.into())),
            older => {
                self.error("converge", sentence!("must be {FORMAT}, not {older}", "muss {FORMAT} sein, nicht {older}"))
            }
        }
        self.text("title", &scenario.title, MAX_NAME_LENGTH);
        self.text("note", &scenario.note, MAX_NOTE_LENGTH);
        if scenario.seed > SAFE_INTEGER as u64 {
            self.error(
                "seed",
                sentence!(
                    "must be a whole number from 0 to 2^53, not {}",
                    "muss eine ganze Zahl von 0 bis 2^53 sein, nicht {}",
                    scenario.seed
                ),
            );
        }
        self.number("until_ms", scenario.until_ms, 0.001, MAX_RUN_MS);
        self.latency("default_latency", &scenario.default_latency);
    }

    /// Checks sizes, and returns whether the document is small enough to check each of its parts.
    fn sizes(&mut self, scenario: &Scenario) -> bool {
        let before = self.errors.len();
        let nodes = scenario.services.len() + scenario.buses.len() + scenario.clients.len();
        if nodes > MAX_NODES {
            self.error(
                "",
                sentence!(
                    "must have at most {MAX_NODES} services, buses and clients, not {nodes}",
                    "darf höchstens {MAX_NODES} Services, Busse und Clients haben, nicht {nodes}"
                ),
            );
        }
        for (path, count) in [("links", scenario.links.len()), ("script", scenario.script.len())] {
            self.at_most(path, count, MAX_ENTRIES);
        }
        self.errors.len() == before
    }

    fn invariants(&mut self, scenario: &Scenario) {
        self.at_most("invariants", scenario.invariants.len(), MAX_INVARIANTS);
        for (i, text) in scenario.invariants.iter().enumerate().take(MAX_INVARIANTS) {
            if let Err(problem) = Invariant::parse(text, scenario) {
                self.error(format!("invariants[{i}]"), problem);
            }
        }
    }

    /// Validates each branch as a scenario. Errors of the document itself are not repeated.
    fn branches(&mut self, scenario: &Scenario) {
        let errors_before = self.errors.len();
        if scenario.branches.len() > MAX_BRANCHES {
            self.error(
                "branches",
                sentence!(
                    "must have at most {MAX_BRANCHES} entries, not {}",
                    "darf höchstens {MAX_BRANCHES} Einträge haben, nicht {}",
                    scenario.branches.len()
                ),
            );
            return;
        }
        let nodes = scenario.services.len() + scenario.buses.len() + scenario.clients.len();
        let settings: usize = scenario.branches.iter().map(|branch| branch.set.len()).sum();
        let limit = MAX_SETTING_WORK / (nodes + scenario.links.len() + scenario.script.len()).max(1);
        if settings > limit {
            return self.error(
                "branches",
                sentence!(
                    "must have at most {limit} settings in all in a document of this size, not {settings}",
                    "darf in einem Dokument dieser Größe zusammen \
                     höchstens {limit} Einstellungen haben, nicht {settings}"
                ),
            );
        }
        for (i, branch) in scenario.branches.iter().enumerate() {
            let at = format!("branches[{i}]");
            self.text(&format!("{at}.name"), &branch.name, MAX_NAME_LENGTH);
            if branch.name.is_empty() {
                self.error(format!("{at}.name"), phrase("must not be empty", "darf nicht leer sein"));
            }
            if scenario.branches[..i].iter().any(|other| other.name == branch.name) {
                self.error(
                    format!("{at}.name"),
                    sentence!(
                        "another branch already has the name `{}`",
                        "ein anderer Zweig heißt schon `{}`",
                        branch.name
                    ),
                );
            }
            self.at_most(&format!("{at}.set"), branch.set.len(), MAX_SETTINGS);
            if errors_before > 0 || branch.set.len() > MAX_SETTINGS {
                continue;
            }
            match scenario.at_branch(i) {
                Err(_) => self.errors.extend(scenario.setting_errors(i)),
                Ok(whole) => {
                    let whole = Scenario { tasks: Vec::new(), ..whole };
                    let prefix = format!("{at}.");
                    for ScenarioError { path, problem } in check(&whole).err().unwrap_or_default() {
                        self.errors.push(ScenarioError::new(
                            prefix.clone() + &path_in_branch(&path, scenario.script.len()),
                            problem,
                        ));
                    }
                }
            }
        }
        let opens = scenario.branch.as_str();
        if !opens.is_empty() && !scenario.branches.iter().any(|branch| branch.name == opens) {
            self.error(
                "branch",
                sentence!(
                    "must be the name of a branch, not `{opens}`",
                    "muss der Name eines Zweigs sein, nicht `{opens}`"
                ),
            );
        }
    }
}
