//! Executes the commands.

use crate::options::{
    CheckOptions, Cli, Commands, CompareOptions, ExampleCommands, GradeOptions, LessonCommands, LinkCommands,
    RunOptions, Source, SweepOptions, WhyOptions,
};
use crate::{
    check_text, comparison, grade_text, lessons, long_run, output, parallel_sweep, reasons_text, run_files, run_text,
    sweep_text,
};
use clap::Parser;
use converge::engine::Limits;
use converge::grading::{self, GradeReport, Grader};
use converge::report::{self, InputError, ReasonsReport, RunReport, SweepReport, scenario_from};
use converge::scenario::examples::{self, EXAMPLES};
use converge::scenario::{Scenario, ScenarioError, link, micros, schema};
use converge::session::Run;
use converge::session::sweep::{FORMAT, Sweep};
use serde::Serialize;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

/// Why the input is not valid: the lines to print on standard error.
pub(crate) struct BadInput(pub(crate) Vec<String>);

impl BadInput {
    pub(crate) fn new(problem: impl Into<String>) -> Self {
        BadInput(vec![problem.into()])
    }
}

impl From<Vec<ScenarioError>> for BadInput {
    fn from(errors: Vec<ScenarioError>) -> Self {
        BadInput(errors.iter().map(ToString::to_string).collect())
    }
}

impl From<Vec<InputError>> for BadInput {
    fn from(errors: Vec<InputError>) -> Self {
        BadInput(errors.iter().map(ToString::to_string).collect())
    }
}

impl From<link::LinkError> for BadInput {
    fn from(error: link::LinkError) -> Self {
        if let link::LinkError::Invalid(errors) = error {
            return errors.into();
        }
        BadInput::new(format!("link: {error}"))
    }
}

pub(crate) type CommandResult = Result<ExitCode, BadInput>;

pub fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Commands::Run(options) => run(&options),
        Commands::Sweep(options) => sweep_seeds(&options),
        Commands::Compare(options) => compare(&options),
        Commands::Why(options) => why(&options),
        Commands::Check(options) => check_history(&options),
        Commands::Grade(options) => grade(&options),
        Commands::Merge { files, json } => merge(&files, json),
        Commands::Lesson(LessonCommands::Check { file }) => lessons::check(&file),
        Commands::Lesson(LessonCommands::Show { file }) => lessons::show(&file),
        Commands::Lesson(LessonCommands::List) => lessons::list(),
        Commands::Link(LinkCommands::Encode { file }) => encode_link(&file),
        Commands::Link(LinkCommands::Decode { link }) => decode_link(&link),
        Commands::Examples(ExampleCommands::List) => list_examples(),
        Commands::Examples(ExampleCommands::Show { id }) => show_example(&id),
        Commands::Validate { file, json } => validate(&file, json),
        Commands::Schema => print(&schema::json_schema()),
    };
    result.unwrap_or_else(|BadInput(lines)| {
        for line in lines {
            eprintln!("error: {}", output::line(&line));
        }
        ExitCode::from(2)
    })
}

/// Prints to standard output. A closed pipe is not an error: `head` closes its input early.
pub(crate) fn print(text: &str) -> CommandResult {
    match output::write(output::STANDARD, &output::visible(text)) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) => Err(BadInput::new(format!("standard output: {error}"))),
    }
}

/// The exit code of a halted run: 130 after Ctrl-C, otherwise 2.
pub(crate) fn halted() -> ExitCode {
    ExitCode::from(if STOP.load(Ordering::Relaxed) { 130 } else { 2 })
}

/// Prints a report as JSON.
fn print_json(report: &impl Serialize) -> CommandResult {
    print(&(serde_json::to_string_pretty(report).expect("a report is valid JSON") + "\n"))
}

/// Reads a file, or standard input for `-`.
pub(crate) fn read(file: &str) -> Result<String, BadInput> {
    let mut text = String::new();
    let read = if file == "-" {
        std::io::stdin().read_to_string(&mut text)
    } else {
        File::open(file).and_then(|mut opened| opened.read_to_string(&mut text))
    };
    match read {
        Ok(_) => Ok(text),
        Err(error) if error.kind() == ErrorKind::InvalidData => {
            Err(BadInput::new(format!("{}: a text in UTF-8 is expected, not other bytes", output::source(file))))
        }
        Err(error) => Err(BadInput::new(format!("{}: {error}", output::source(file)))),
    }
}

/// Returns the text of a scenario: a link or the name of an example as it is, otherwise what the file contains.
fn scenario_text(source: &str) -> Result<String, BadInput> {
    let is_link = report::is_link(source) && !Path::new(source).exists();
    if is_link {
        return Ok(source.to_string());
    }
    let text = read(source)?;
    if text.trim_start_matches('\u{feff}').trim().is_empty() {
        return Err(BadInput::new(format!(
            "{}: a scenario as JSON is expected, but nothing is in it",
            output::source(source)
        )));
    }
    Ok(text)
}

fn scenario_in(source: &str) -> Result<Scenario, BadInput> {
    Ok(scenario_from(&scenario_text(source)?)?)
}

/// Reads a scenario, selects its branch, and prints warnings on standard error.
fn branch_in(source: &Source) -> Result<Scenario, BadInput> {
    let document = scenario_in(&source.file)?;
    let scenario = document.of_branch(source.branch.as_deref()).map_err(|error| vec![error])?;
    for warning in document.warnings() {
        eprintln!("warning: {}", output::line(&warning.to_string()));
    }
    Ok(scenario)
}

fn validate(file: &str, json: bool) -> CommandResult {
    let report = report::validate(&scenario_text(file)?);
    if json {
        print_json(&report)?;
        return Ok(if report.valid { ExitCode::SUCCESS } else { ExitCode::from(2) });
    }
    for warning in &report.warnings {
        eprintln!("warning: {}", output::line(&warning.to_string()));
    }
    if report.valid { Ok(ExitCode::SUCCESS) } else { Err(report.errors.into()) }
}

fn run(options: &RunOptions) -> CommandResult {
    let mut scenario = branch_in(&options.source)?;
    scenario.seed = options.seed.unwrap_or(scenario.seed);
    scenario.until_ms = options.until.unwrap_or(scenario.until_ms);
    scenario.validate()?;
    let files = [&options.trace, &options.history, &options.metrics, &options.mermaid, &options.shiviz];
    let to_standard_output = files.iter().filter(|file| file.as_deref() == Some(output::STANDARD)).count();
    if to_standard_output > 1 {
        return Err(BadInput::new("only one file can be -, standard output"));
    }
    let file_names = files.iter().filter_map(|file| file.as_deref()).filter(|file| *file != output::STANDARD);
    let mut paths: BTreeSet<PathBuf> = output::path(&options.source.file).into_iter().collect();
    if let Some(repeated) =
        file_names.into_iter().find(|file| output::path(file).is_some_and(|path| !paths.insert(path)))
    {
        return Err(BadInput::new(format!("{repeated}: the scenario and the files written must be different files")));
    }
    let files = run_files::open(options)?;
    handle_interrupts()?;
    let (run, history) = run_files::observed_run(&scenario, options)?;
    files.write(&run, &scenario, history)?;
    let report = RunReport::new(&run, &scenario);
    if to_standard_output == 1 {
        report.halted.iter().for_each(|why| eprintln!("{}", output::line(why)));
    } else if options.json {
        print_json(&report)?;
    } else {
        print(&run_text::text(&report))?;
    }
    if report.halted.is_some() {
        return Ok(halted());
    }
    let is_violated = report.invariants.iter().any(|invariant| invariant.verdict == "violated");
    Ok(if report.missed.is_empty() && !is_violated { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn why(options: &WhyOptions) -> CommandResult {
    let mut scenario = branch_in(&options.source)?;
    scenario.seed = options.seed.unwrap_or(scenario.seed);
    let at = options.at.unwrap_or(scenario.until_ms);
    if !(0.0..=scenario.until_ms).contains(&at) {
        return Err(BadInput::new(format!("--at: a time from 0 to {} ms is expected, not {at}", scenario.until_ms)));
    }
    if let Some(id) = options.service.as_ref().filter(|id| scenario.services.iter().all(|service| service.id != **id)) {
        let ids: Vec<&str> = scenario.services.iter().map(|service| service.id.as_str()).collect();
        return Err(BadInput::new(format!("--service: one of {} is expected, not {id}", ids.join(", "))));
    }
    handle_interrupts()?;
    let mut run = Run::with_limits(&scenario, Limits::with_events(options.source.max_events));
    long_run::complete(&mut run, micros(at), &STOP, &mut |_, _, _| {});
    let names = run.engine().names();
    if let Some(key) = options.key.as_ref().filter(|key| names.keys().all(|known| known != **key)) {
        let mut known: Vec<&str> = names.keys().collect();
        known.sort_unstable();
        known.dedup();
        let expected =
            if known.is_empty() { "the run has none".into() } else { format!("one of {}", known.join(", ")) };
        return Err(BadInput::new(format!("--key: a key is expected, {expected}; not {key}")));
    }
    let is_selected = |name: &str, wanted: &Option<String>| wanted.as_ref().is_none_or(|wanted| wanted == name);
    let copies =
        run.analysis().staleness.inconsistent_copies().map(|(node, key, _)| (node, key)).filter(|(node, key)| {
            is_selected(names.node(*node), &options.service) && is_selected(names.key(*key), &options.key)
        });
    let report = ReasonsReport::new(&run, &scenario, copies);
    if options.json {
        print_json(&report)?
    } else {
        print(&reasons_text::text(&report))?
    };
    Ok(if report.halted.is_some() { halted() } else { ExitCode::SUCCESS })
}

fn check_history(options: &CheckOptions) -> CommandResult {
    let history = read(&options.history)?;
    let is_bounded = |names: &String| names.split(',').any(|name| name == "bounded-staleness");
    if !options.guarantee.iter().any(is_bounded) {
        for (name, _) in
            [("k", options.k.is_some()), ("t", options.t.is_some())].into_iter().filter(|(_, is_given)| *is_given)
        {
            eprintln!("warning: --{name}: has no effect: only bounded-staleness has this bound");
        }
    }
    let check_options = report::CheckOptions {
        guarantees: options.guarantee.clone(),
        model: options.model,
        keyed: options.keyed,
        initial: options.initial.clone(),
        k: options.k,
        t: options.t,
        budget: options.budget,
    };
    let report = report::check(&history, &check_options).map_err(|error| {
        let InputError { path, expected } = error;
        let source = if path == "history" { options.history.clone() } else { format!("--{path}") };
        BadInput::new(format!("{source}: {expected}"))
    })?;
    if options.json {
        print_json(&report)?
    } else {
        print(&check_text::text(&report))?
    };
    Ok(ExitCode::from(check_text::exit_code(&report)))
}

/// Set by Ctrl-C. A single run halts, and the runs of a sweep in progress are discarded; the results so far are printed.
pub(crate) static STOP: AtomicBool = AtomicBool::new(false);

/// Parses the seeds, chooses the number of threads, and installs the handler of Ctrl-C.
fn prepare_sweep(seeds: &str, jobs: Option<u64>) -> Result<(std::ops::Range<u64>, usize), BadInput> {
    let seeds = parallel_sweep::seeds(seeds).map_err(|error| BadInput::new(format!("--seeds: {error}")))?;
    let jobs = match jobs {
        Some(jobs) => jobs.min(1024) as usize,
        None => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
    };
    handle_interrupts()?;
    Ok((seeds, jobs))
}

/// Installs the handler of Ctrl-C.
pub(crate) fn handle_interrupts() -> Result<(), BadInput> {
    // A second Ctrl-C ends the program at once.
    let on_interrupt = || {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    };
    ctrlc::set_handler(on_interrupt).map_err(|error| BadInput::new(format!("the handler of Ctrl-C: {error}")))
}

fn compare(options: &CompareOptions) -> CommandResult {
    let scenario = branch_in(&options.source)?;
    let find = |id: &String| scenario.groups.iter().position(|group| group.id == *id);
    let Some(group) = options.group.as_ref().map_or((!scenario.groups.is_empty()).then_some(0), find) else {
        let ids: Vec<&str> = scenario.groups.iter().map(|group| group.id.as_str()).collect();
        let choice = if ids.is_empty() { "the scenario has none".into() } else { format!("one of {}", ids.join(", ")) };
        return Err(BadInput::new(format!("--group: a replica group is expected; {choice}")));
    };
    let (seeds, jobs) = prepare_sweep(&options.seeds, options.jobs)?;
    let compared = comparison::compare(&scenario, group, &seeds, jobs, options.source.max_events, &STOP);
    if options.json {
        print_json(&comparison::report(&compared))?;
    } else {
        let title = if scenario.title.is_empty() { "untitled" } else { &scenario.title };
        print(&comparison::text(&compared, title, &scenario.groups[group].id))?;
    }
    if STOP.load(Ordering::Relaxed) {
        let made: Vec<String> = compared.levels.iter().map(|(_, sweep)| sweep.runs.to_string()).collect();
        eprintln!("stopped after {} of {} each", made.join(", "), sweep_text::runs(seeds.end - seeds.start));
    }
    let is_halted = STOP.load(Ordering::Relaxed) || compared.levels.iter().any(|(_, sweep)| sweep.halted > 0);
    Ok(if is_halted { halted() } else { ExitCode::SUCCESS })
}

fn sweep_seeds(options: &SweepOptions) -> CommandResult {
    let mut scenario = branch_in(&options.source)?;
    scenario.until_ms = options.until.unwrap_or(scenario.until_ms);
    scenario.validate()?;
    let (seeds, jobs) = prepare_sweep(&options.seeds, options.jobs)?;
    let runs = seeds.end - seeds.start;
    let sweep = parallel_sweep::sweep(&scenario, seeds, jobs, options.source.max_events, &STOP);
    let code = print_sweep(&sweep, &scenario.title, options.json)?;
    if sweep.runs < runs {
        eprintln!("stopped after {} of {}", sweep.runs, sweep_text::runs(runs));
        return Ok(ExitCode::from(130));
    }
    Ok(code)
}

/// Prints a sweep, and returns the exit code: 2 if a run was halted.
fn print_sweep(sweep: &Sweep, title: &str, json: bool) -> CommandResult {
    if json {
        print_json(&SweepReport::new(sweep))?
    } else {
        print(&sweep_text::text(sweep, if title.is_empty() { "untitled" } else { title }))?
    };
    Ok(if sweep.halted > 0 { ExitCode::from(2) } else { ExitCode::SUCCESS })
}

fn grade(options: &GradeOptions) -> CommandResult {
    // Two documents are read, so each error names its own.
    let read_named = |source: &String| -> Result<Scenario, BadInput> {
        let is_file = Path::new(source).exists();
        scenario_from(&scenario_text(source)?).map_err(|errors| match BadInput::from(errors) {
            BadInput(problems) if is_file => {
                BadInput(problems.iter().map(|problem| format!("{source}: {problem}")).collect())
            }
            other => other,
        })
    };
    let document = read_named(&options.file)?;
    let answer = match &options.answer {
        Some(answer) => read_named(answer)?,
        None => document.clone(),
    };
    let tasks = grading::tasks(&document, options.task.as_deref()).map_err(|error| vec![error])?;
    handle_interrupts()?;
    let mut grades = Vec::new();
    for task in tasks {
        let mut grader = Grader::new(&document, task, &answer, options.max_events).map_err(|error| vec![error])?;
        let mut progress = grade_text::Progress::new();
        while !STOP.load(Ordering::Relaxed) && grader.step_part() {
            progress.report(&task.id, grader.progress());
        }
        grades.push(grader.grade());
    }
    let report = GradeReport::new(grades);
    if options.json {
        print_json(&report)?
    } else {
        print(&grade_text::text(&report))?
    };
    if STOP.load(Ordering::Relaxed) {
        return Ok(halted());
    }
    Ok(ExitCode::from(match report.halted {
        0 => u8::from(!report.passed),
        _ => 2,
    }))
}

/// The version of a sweep's format, which is read before the rest.
#[derive(serde::Deserialize)]
struct SweepFormat {
    converge_sweep: u32,
}

fn merge(files: &[String], json: bool) -> CommandResult {
    let mut total: Option<Sweep> = None;
    for file in files {
        let text = read(file)?;
        let no_sweep = |error: serde_json::Error| {
            let problem = report::plain_types(&error.to_string());
            BadInput::new(format!("{file}: the output of `converge sweep --json` is expected: {problem}"))
        };
        let SweepFormat { converge_sweep: format } = serde_json::from_str(&text).map_err(no_sweep)?;
        if format != FORMAT {
            let problem = "sweep the scenario again, because other versions of Converge measure differently";
            return Err(BadInput::new(format!(
                "{file}: converge_sweep: format {FORMAT} is expected, not {format}; {problem}"
            )));
        }
        let part: Sweep = serde_json::from_str(&text).map_err(no_sweep)?;
        match &mut total {
            None => total = Some(part),
            Some(total) => total.merge(&part).map_err(|error| BadInput::new(format!("{file}: {error}")))?,
        }
    }
    match total {
        Some(total) => print_sweep(&total, &total.title, json),
        None => Err(BadInput::new("at least one sweep is expected")),
    }
}

fn encode_link(file: &str) -> CommandResult {
    let scenario = scenario_in(file)?;
    print(&(link::encode(&scenario)? + "\n"))
}

fn decode_link(link: &str) -> CommandResult {
    let text = if link == "-" { read("-")? } else { link.to_string() };
    print(&(link::decode(&text)?.scenario.to_json() + "\n"))
}

fn list_examples() -> CommandResult {
    let width = EXAMPLES.iter().map(|example| example.id.len()).max().unwrap_or_default();
    let lines = EXAMPLES.iter().map(|example| format!("{:width$}  {}\n", example.id, example.shows));
    print(&lines.collect::<String>())
}

fn show_example(id: &str) -> CommandResult {
    let is_prefixed = id.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("ex="));
    match examples::find(if is_prefixed { &id[3..] } else { id }) {
        Some(example) => print(example.json()),
        None => {
            let ids: Vec<&str> = EXAMPLES.iter().map(|example| example.id).collect();
            Err(BadInput::new(format!("no example has the id `{id}`; the examples are {}", ids.join(", "))))
        }
    }
}
