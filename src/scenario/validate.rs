//! Validation: ids are unique and resolve, numbers are finite and in range, sizes are bounded.

mod atomic;
mod commands;
mod connected;
mod groups;
mod parts;
mod references;

use super::{Command, FORMAT, Invariant, Latency, Operation, Scenario, ScenarioError, Step, Value};

/// The longest duration, ms: about 115 days.
const LONGEST_MS: f64 = 1e10;
/// The longest run, ms: about 11 days.
const LONGEST_RUN_MS: f64 = 1e9;
/// The largest whole number that JavaScript represents exactly.
const SAFE_INTEGER: i64 = 1 << 53;
/// Characters of ids, names, titles, keys and texts at most.
pub(super) const LONGEST_NAME: usize = 80;
const LONGEST_NOTE: usize = 2_000;
const MOST_NODES: usize = 10_000;
const MOST_ENTRIES: usize = 100_000;
const MOST_SAMPLES: usize = 10_000;
const MOST_ELEMENTS: usize = 100;
const MOST_BRANCHES: usize = 16;
const MOST_SETTINGS: usize = 100;
const MOST_INVARIANTS: usize = 50;
const DEEPEST_MIXTURE: usize = 4;

/// Validates a scenario and returns all errors.
pub(super) fn check(scenario: &Scenario) -> Result<(), Vec<ScenarioError>> {
    let mut checker = Checker { errors: Vec::new() };
    checker.head(scenario);
    if checker.sizes(scenario) {
        checker.parts(scenario);
        checker.references(scenario);
        checker.invariants(scenario);
        checker.branches(scenario);
    }
    if checker.errors.is_empty() { Ok(()) } else { Err(checker.errors) }
}

/// Converts the path of a step in the combined script to its path in the branch's script.
fn path_in_branch(path: &str, before: usize) -> String {
    let rest = path.strip_prefix("script[").and_then(|rest| rest.split_once(']'));
    let place = rest.and_then(|(place, rest)| Some((place.parse::<usize>().ok()?.checked_sub(before)?, rest)));
    place.map_or_else(|| path.into(), |(place, rest)| format!("script[{place}]{rest}"))
}

/// The error for a document of a newer format.
pub(super) fn newer(format: u64) -> ScenarioError {
    let problem = format!("must be at most {FORMAT}, not {format}: the document was made by a newer version");
    ScenarioError::new("converge", problem)
}

/// Validates an operation, independent of a scenario.
pub(super) fn check_operation(operation: &Operation) -> Result<(), Vec<ScenarioError>> {
    let mut checker = Checker { errors: Vec::new() };
    checker.operation("operate.operation", operation);
    if checker.errors.is_empty() { Ok(()) } else { Err(checker.errors) }
}

/// Validates the settings of a command, independent of a scenario.
pub(super) fn check_command(command: &Command) -> Result<(), Vec<ScenarioError>> {
    let mut checker = Checker { errors: Vec::new() };
    checker.command_settings("", command);
    if checker.errors.is_empty() { Ok(()) } else { Err(checker.errors) }
}

/// Returns those steps that are valid in a scenario; none if the scenario is not valid even without steps.
pub(super) fn valid_steps(scenario: &Scenario, steps: &[Step]) -> Vec<Step> {
    let scenario = Scenario { script: Vec::new(), branches: Vec::new(), branch: String::new(), ..scenario.clone() };
    if check(&scenario).is_err() {
        return Vec::new();
    }
    let mut checker = Checker { errors: Vec::new() };
    let nodes = checker.ids(&scenario);
    let mut is_valid = |step: &Step| {
        checker.errors.clear();
        checker.step("", step);
        checker.command_references("", &step.command, &nodes);
        checker.errors.is_empty()
    };
    steps.iter().filter(|step| is_valid(step)).cloned().collect()
}

/// Collects errors. Its methods take the path of the part that they check.
struct Checker {
    errors: Vec<ScenarioError>,
}

impl Checker {
    fn error(&mut self, path: impl Into<String>, problem: impl Into<String>) {
        self.errors.push(ScenarioError::new(path, problem));
    }

    fn head(&mut self, scenario: &Scenario) {
        match scenario.converge {
            FORMAT => {}
            format if format > FORMAT => self.errors.push(newer(format.into())),
            older => self.error("converge", format!("must be {FORMAT}, not {older}")),
        }
        self.text("title", &scenario.title, LONGEST_NAME);
        self.text("note", &scenario.note, LONGEST_NOTE);
        if scenario.seed > SAFE_INTEGER as u64 {
            self.error("seed", format!("must be a whole number from 0 to 2^53, not {}", scenario.seed));
        }
        self.number("until_ms", scenario.until_ms, 0.001, LONGEST_RUN_MS);
        self.latency("default_latency", &scenario.default_latency);
    }

    /// Checks sizes, and returns whether the document is small enough to check each of its parts.
    fn sizes(&mut self, scenario: &Scenario) -> bool {
        let before = self.errors.len();
        let nodes = scenario.services.len() + scenario.buses.len() + scenario.clients.len();
        if nodes > MOST_NODES {
            self.error("", format!("must have at most {MOST_NODES} services, buses and clients, not {nodes}"));
        }
        for (path, count) in [("links", scenario.links.len()), ("script", scenario.script.len())] {
            self.at_most(path, count, MOST_ENTRIES);
        }
        self.errors.len() == before
    }

    fn invariants(&mut self, scenario: &Scenario) {
        self.at_most("invariants", scenario.invariants.len(), MOST_INVARIANTS);
        for (i, text) in scenario.invariants.iter().enumerate().take(MOST_INVARIANTS) {
            if let Err(problem) = Invariant::parse(text, scenario) {
                self.error(format!("invariants[{i}]"), problem);
            }
        }
    }

    /// Validates each branch as a scenario. Errors of the document itself are not repeated.
    fn branches(&mut self, scenario: &Scenario) {
        let known = self.errors.len();
        if scenario.branches.len() > MOST_BRANCHES {
            self.error(
                "branches",
                format!("must have at most {MOST_BRANCHES} entries, not {}", scenario.branches.len()),
            );
            return;
        }
        for (i, branch) in scenario.branches.iter().enumerate() {
            let at = format!("branches[{i}]");
            self.text(&format!("{at}.name"), &branch.name, LONGEST_NAME);
            if branch.name.is_empty() {
                self.error(format!("{at}.name"), "must not be empty");
            }
            if scenario.branches[..i].iter().any(|other| other.name == branch.name) {
                self.error(format!("{at}.name"), format!("another branch already has the name `{}`", branch.name));
            }
            self.at_most(&format!("{at}.set"), branch.set.len(), MOST_SETTINGS);
            if known > 0 || branch.set.len() > MOST_SETTINGS {
                continue;
            }
            match scenario.at_branch(i) {
                Err(error) => self.errors.push(error),
                Ok(whole) => {
                    let own = format!("{at}.");
                    for ScenarioError { path, problem } in check(&whole).err().unwrap_or_default() {
                        self.errors.push(ScenarioError::new(
                            own.clone() + &path_in_branch(&path, scenario.script.len()),
                            problem,
                        ));
                    }
                }
            }
        }
        let opens = scenario.branch.as_str();
        if !opens.is_empty() && !scenario.branches.iter().any(|branch| branch.name == opens) {
            self.error("branch", format!("must be the name of a branch, not `{opens}`"));
        }
    }

    fn at_most(&mut self, path: &str, count: usize, most: usize) {
        if count > most {
            self.error(path, format!("must have at most {most} entries, not {count}"));
        }
    }

    /// Checks that a number is finite and in range.
    fn number(&mut self, path: &str, value: f64, low: f64, high: f64) {
        if !(low..=high).contains(&value) {
            self.error(path, format!("must be a number from {low} to {high}, not {value}"));
        }
    }

    fn duration(&mut self, path: &str, ms: f64) {
        if !(0.0..=LONGEST_MS).contains(&ms) {
            self.error(path, format!("must be a duration from 0 to {LONGEST_MS} ms, not {ms}"));
        }
    }

    fn probability(&mut self, path: &str, p: f64) {
        if !(0.0..=1.0).contains(&p) {
            self.error(path, format!("must be a probability from 0 to 1, not {p}"));
        }
    }

    fn count(&mut self, path: &str, count: u32, low: u32, high: u32) {
        if !(low..=high).contains(&count) {
            self.error(path, format!("must be a whole number from {low} to {high}, not {count}"));
        }
    }

    fn text(&mut self, path: &str, text: &str, longest: usize) {
        let length = text.chars().count();
        if length > longest {
            self.error(path, format!("must have at most {longest} characters, not {length}"));
        }
    }

    /// Checks the name of a key or a topic.
    fn key(&mut self, path: &str, key: &str) {
        if key.is_empty() {
            self.error(path, "must not be empty");
        }
        self.text(path, key, LONGEST_NAME);
    }

    fn value(&mut self, path: &str, value: &Value) {
        match value {
            Value::Int(n) if n.unsigned_abs() > SAFE_INTEGER as u64 => {
                self.error(path, format!("must be a whole number from -2^53 to 2^53, not {n}"));
            }
            Value::Int(_) => {}
            Value::Text(text) => self.text(path, text, LONGEST_NAME),
            Value::Set(elements) => {
                self.at_most(path, elements.len(), MOST_ELEMENTS);
                for (i, element) in elements.iter().enumerate() {
                    self.value(&format!("{path}[{i}]"), element);
                }
            }
            Value::List(elements) => {
                self.at_most(path, elements.len(), MOST_ELEMENTS);
                for (i, element) in elements.iter().enumerate() {
                    self.value(&format!("{path}.list[{i}]"), element);
                }
            }
            Value::Map(fields) => {
                self.at_most(path, fields.len(), MOST_ELEMENTS);
                for (name, value) in fields.iter() {
                    self.key(&format!("{path}.map"), name);
                    self.element(&format!("{path}.map.{name}"), value);
                }
            }
        }
    }

    fn element(&mut self, path: &str, element: &Value) {
        if !element.is_simple() {
            self.error(path, "must be a whole number or a text, because it is an element");
        }
        self.value(path, element);
    }

    fn latency(&mut self, path: &str, latency: &Latency) {
        self.latency_within(path, latency, DEEPEST_MIXTURE);
    }

    fn latency_within(&mut self, path: &str, latency: &Latency, depth: usize) {
        let at = |field: &str| format!("{path}.{field}");
        match latency {
            Latency::Constant { ms } => self.duration(&at("constant.ms"), *ms),
            Latency::Uniform { low_ms, high_ms } => {
                self.duration(&at("uniform.low_ms"), *low_ms);
                self.duration(&at("uniform.high_ms"), *high_ms);
                if low_ms > high_ms {
                    self.error(at("uniform.high_ms"), format!("must be at least `low_ms`, {low_ms}, not {high_ms}"));
                }
            }
            Latency::Exponential { mean_ms } => self.duration(&at("exponential.mean_ms"), *mean_ms),
            Latency::Normal { mean_ms, sd_ms } => {
                self.duration(&at("normal.mean_ms"), *mean_ms);
                self.duration(&at("normal.sd_ms"), *sd_ms);
            }
            Latency::Lognormal { median_ms, sigma } => {
                self.duration(&at("lognormal.median_ms"), *median_ms);
                self.number(&at("lognormal.sigma"), *sigma, 0.0, 10.0);
            }
            Latency::Pareto { scale_ms, shape } => {
                self.duration(&at("pareto.scale_ms"), *scale_ms);
                self.number(&at("pareto.shape"), *shape, 0.01, 1000.0);
            }
            Latency::Mixture { parts } => {
                if parts.is_empty() {
                    self.error(at("mixture.parts"), "must have at least one part");
                }
                if depth == 0 {
                    return self.error(path, format!("must be nested in at most {DEEPEST_MIXTURE} mixtures"));
                }
                self.at_most(&at("mixture.parts"), parts.len(), MOST_ELEMENTS);
                for (i, part) in parts.iter().enumerate() {
                    let path = at(&format!("mixture.parts[{i}]"));
                    self.number(&format!("{path}.weight"), part.weight, 1e-9, 1e9);
                    self.latency_within(&format!("{path}.of"), &part.of, depth - 1);
                }
            }
            Latency::Samples { ms } => {
                if ms.is_empty() {
                    self.error(at("samples.ms"), "must have at least one duration");
                }
                self.at_most(&at("samples.ms"), ms.len(), MOST_SAMPLES);
                for (i, ms) in ms.iter().enumerate() {
                    self.duration(&at(&format!("samples.ms[{i}]")), *ms);
                }
            }
        }
    }
}
