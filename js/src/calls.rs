//! The functions of the module and their options. Scenarios are given as text: a JSON document, a link, or `ex=ID`.

use converge::analysis::check::BUDGET;
use converge::analysis::jepsen::DataModel;
use converge::engine::Limits;
use converge::grading::{self, GradeReport, Grader};
use converge::report::{self, CheckReport, InputError, ReasonsReport, RunReport, ValidationReport, scenario_from};
use converge::scenario::examples::EXAMPLES;
use converge::scenario::link::{self, LinkError};
use converge::scenario::{Scenario, ScenarioError, micros};
use converge::session::Run;
use converge::session::sweep::{MAX_EVENTS, Sweep};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The largest integer that a JavaScript number represents exactly, plus one.
const NUMBER_LIMIT: u64 = 1 << 53;

fn default_max_events() -> u64 {
    MAX_EVENTS
}

fn default_budget() -> u64 {
    BUDGET
}

/// Options of `run`.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RunOptions {
    /// The branch of the scenario; by default the one that the page opens.
    #[serde(default)]
    pub branch: Option<String>,
    /// The seed; by default the scenario's.
    #[serde(default)]
    pub seed: Option<u64>,
    /// The end of the run, ms; by default the scenario's.
    #[serde(default)]
    pub until_ms: Option<f64>,
    /// The run is halted after this number of events, so that no call blocks the page for ever.
    #[serde(default = "default_max_events")]
    pub max_events: u64,
}

impl Default for RunOptions {
    fn default() -> Self {
        RunOptions { branch: None, seed: None, until_ms: None, max_events: MAX_EVENTS }
    }
}

/// Options of `sweep`.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SweepOptions {
    /// The seeds from the first to the second, without the second.
    pub seeds: (u64, u64),
    /// The branch of the scenario; by default the one that the page opens.
    #[serde(default)]
    pub branch: Option<String>,
    /// The end of each run, ms; by default the scenario's.
    #[serde(default)]
    pub until_ms: Option<f64>,
    /// A run is halted after this number of events. After this number of events in all runs, no further run starts; the
    /// report's `seeds` are those that were run.
    #[serde(default = "default_max_events")]
    pub max_events: u64,
}

/// Options of `why`.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WhyOptions {
    /// The branch of the scenario; by default the one that the page opens.
    #[serde(default)]
    pub branch: Option<String>,
    /// The seed; by default the scenario's.
    #[serde(default)]
    pub seed: Option<u64>,
    /// The time to examine, ms; by default the scenario's end.
    #[serde(default)]
    pub at_ms: Option<f64>,
    /// The id of a service; by default all are explained.
    #[serde(default)]
    pub service: Option<String>,
    /// A key; by default all are explained.
    #[serde(default)]
    pub key: Option<String>,
    /// The run is halted after this number of events.
    #[serde(default = "default_max_events")]
    pub max_events: u64,
}

impl Default for WhyOptions {
    fn default() -> Self {
        WhyOptions { branch: None, seed: None, at_ms: None, service: None, key: None, max_events: MAX_EVENTS }
    }
}

/// Options of `check`.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CheckOptions {
    /// The guarantees; by default `linearizable`.
    #[serde(default)]
    pub guarantees: Vec<String>,
    /// What a key holds; by default inferred from the operations.
    #[serde(default)]
    pub model: Option<DataModel>,
    /// Whether values are `[key, value]`; by default inferred.
    #[serde(default)]
    pub keyed: bool,
    /// The initial value of every key; by default null.
    #[serde(default)]
    pub initial: Option<Value>,
    /// The most acknowledged changes that a read may lack, for bounded staleness.
    #[serde(default)]
    pub k: Option<u32>,
    /// The longest time for which a read may lack a change, ms, for bounded staleness.
    #[serde(default)]
    pub t: Option<f64>,
    /// Steps of a search after which the verdict is unknown.
    #[serde(default = "default_budget")]
    pub budget: u64,
}

impl Default for CheckOptions {
    fn default() -> Self {
        let (guarantees, model, keyed, initial) = (Vec::new(), None, false, None);
        CheckOptions { guarantees, model, keyed, initial, k: None, t: None, budget: BUDGET }
    }
}

/// Options of `grade`.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GradeOptions {
    /// The id of a task; by default all tasks are graded.
    #[serde(default)]
    pub task: Option<String>,
    /// A run is halted after this number of events, and then meets no condition.
    #[serde(default = "default_max_events")]
    pub max_events: u64,
}

impl Default for GradeOptions {
    fn default() -> Self {
        GradeOptions { task: None, max_events: MAX_EVENTS }
    }
}

/// An example.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct ExampleReport {
    /// The id, as in `ex=ID`.
    pub id: &'static str,
    /// What the example shows.
    pub shows: &'static str,
    /// The scenario.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "Scenario"))]
    pub scenario: Value,
}

/// Errors of the input, at least one.
pub type Errors = Vec<InputError>;

fn input_errors(errors: Vec<ScenarioError>) -> Errors {
    errors.into_iter().map(InputError::from).collect()
}

fn link_errors(error: LinkError) -> Errors {
    match error {
        LinkError::Invalid(errors) => input_errors(errors),
        other => vec![InputError::new("link", other.to_string())],
    }
}

/// Reads a scenario and applies the options that `run` and `sweep` have in common.
fn prepare(scenario: &str, branch: Option<&str>, seed: Option<u64>, until_ms: Option<f64>) -> Result<Scenario, Errors> {
    let scenario = scenario_from(scenario)?;
    let mut scenario = scenario.of_branch(branch).map_err(|error| input_errors(vec![error]))?;
    scenario.seed = seed.unwrap_or(scenario.seed);
    scenario.until_ms = until_ms.unwrap_or(scenario.until_ms);
    scenario.validate().map_err(input_errors)?;
    Ok(scenario)
}

/// Validates a scenario.
pub fn validate(scenario: &str) -> ValidationReport {
    report::validate(scenario)
}

/// Runs a scenario.
///
/// # Errors
/// The scenario or an option is not valid.
pub fn run(scenario: &str, options: &RunOptions) -> Result<RunReport, Errors> {
    let scenario = prepare(scenario, options.branch.as_deref(), options.seed, options.until_ms)?;
    Ok(RunReport::of(&scenario, options.max_events))
}

/// Runs a scenario, and explains each copy that is not consistent at a time.
///
/// # Errors
/// The scenario or an option is not valid.
pub fn why(scenario: &str, options: &WhyOptions) -> Result<ReasonsReport, Errors> {
    let scenario = prepare(scenario, options.branch.as_deref(), options.seed, None)?;
    let at = options.at_ms.unwrap_or(scenario.until_ms);
    if !(0.0..=scenario.until_ms).contains(&at) {
        let expected = format!("a time from 0 to {} ms is expected", scenario.until_ms);
        return Err(vec![InputError::new("options.atMs", expected)]);
    }
    if let Some(id) = options.service.as_ref().filter(|id| scenario.services.iter().all(|service| service.id != **id)) {
        return Err(vec![InputError::new("options.service", format!("no service has the id `{id}`"))]);
    }
    let mut run = Run::with_limits(&scenario, Limits::with_events(options.max_events));
    run.complete(micros(at));
    let names = run.engine().names();
    if let Some(key) = options.key.as_ref().filter(|key| names.keys().all(|known| known != key.as_str())) {
        return Err(vec![InputError::new("options.key", format!("the run has no key `{key}`"))]);
    }
    let is_selected = |name: &str, wanted: &Option<String>| wanted.as_ref().is_none_or(|wanted| wanted == name);
    let copies =
        run.analysis().staleness.inconsistent_copies().map(|(node, key, _)| (node, key)).filter(|(node, key)| {
            is_selected(names.node(*node), &options.service) && is_selected(names.key(*key), &options.key)
        });
    Ok(ReasonsReport::new(&run, &scenario, copies))
}

/// A sweep whose runs are made one by one.
pub struct StepwiseSweep {
    scenario: Scenario,
    sweep: Sweep,
    seeds: (u64, u64),
    next: u64,
    max_events: u64,
}

impl StepwiseSweep {
    /// Prepares a sweep of a scenario.
    ///
    /// # Errors
    /// The scenario or an option is not valid.
    pub fn new(scenario: &str, options: &SweepOptions) -> Result<Self, Errors> {
        let scenario = prepare(scenario, options.branch.as_deref(), None, options.until_ms)?;
        let (from, to) = options.seeds;
        if from >= to || to > NUMBER_LIMIT {
            let expected = "a range [from, to] with from < to <= 2^53 is expected";
            return Err(vec![InputError::new("options.seeds", expected)]);
        }
        let sweep = Sweep::new(&scenario);
        Ok(StepwiseSweep { scenario, sweep, seeds: options.seeds, next: from, max_events: options.max_events })
    }

    /// Makes the next run. Returns whether there is another one.
    pub fn step(&mut self) -> bool {
        self.sweep.run_within(&self.scenario, self.next, self.max_events).expect("each seed is run once");
        self.next += 1;
        self.next < self.seeds.1 && self.sweep.events < self.max_events
    }

    /// Returns the number of runs made and of all runs.
    pub fn progress(&self) -> (u64, u64) {
        (self.next - self.seeds.0, self.seeds.1 - self.seeds.0)
    }

    /// Returns the measurements of the runs made.
    pub fn sweep(&self) -> &Sweep {
        &self.sweep
    }
}

/// Checks a history in Jepsen's format: JSON Lines, a JSON array, or EDN.
///
/// # Errors
/// The history or an option is not valid.
pub fn check(history: &str, options: &CheckOptions) -> Result<CheckReport, Errors> {
    let CheckOptions { guarantees, model, keyed, initial, k, t, budget } = options.clone();
    let initial = initial.map(|value| value.to_string());
    let options = report::CheckOptions { guarantees, model, keyed, initial, k, t, budget };
    report::check(history, &options).map_err(|InputError { path, expected }| {
        let path = match path.as_str() {
            "history" => path,
            "guarantee" => "options.guarantees".into(),
            option => format!("options.{option}"),
        };
        vec![InputError { path, expected }]
    })
}

/// Grades an answer to the tasks of a scenario. `progress` receives the number of runs made and of all runs of the current
/// task, and returns whether to continue.
///
/// # Errors
/// The scenario, the answer or an option is not valid. The path of an error in the answer starts with `answer`.
pub fn grade(
    scenario: &str,
    answer: &str,
    options: &GradeOptions,
    progress: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<GradeReport, Errors> {
    let document = scenario_from(scenario)?;
    let of_answer = |error: InputError| {
        let path = if error.path.is_empty() { "answer".into() } else { format!("answer.{}", error.path) };
        InputError { path, ..error }
    };
    let answer = scenario_from(answer).map_err(|errors| errors.into_iter().map(of_answer).collect::<Errors>())?;
    let tasks = grading::tasks(&document, options.task.as_deref()).map_err(|error| input_errors(vec![error]))?;
    let mut grades = Vec::new();
    let mut continues = true;
    for task in tasks {
        let grader = Grader::new(&document, task, &answer, options.max_events);
        let mut grader = grader.map_err(|error| input_errors(vec![error]))?;
        while continues && grader.step() {
            let (done, all) = grader.progress();
            continues = progress(done, all);
        }
        grades.push(grader.grade());
    }
    Ok(GradeReport::new(grades))
}

/// Encodes a scenario as a link.
///
/// # Errors
/// The scenario is not valid, or too large for a link.
pub fn link_encode(scenario: &str) -> Result<String, Errors> {
    link::encode(&scenario_from(scenario)?).map_err(link_errors)
}

/// Decodes a link, or an address that ends in a link, to the scenario's document.
///
/// # Errors
/// The text is not a link, or its scenario is not valid.
pub fn link_decode(text: &str) -> Result<Value, Errors> {
    link::decode(text).map(|opened| opened.scenario.to_value()).map_err(link_errors)
}

/// Returns all examples.
pub fn examples() -> Vec<ExampleReport> {
    let report = |example: &converge::scenario::examples::Example| ExampleReport {
        id: example.id,
        shows: example.shows,
        scenario: example.scenario().to_value(),
    };
    EXAMPLES.iter().map(report).collect()
}
