//! Executes the commands.

use crate::options::{
    CheckOptions, Cli, Commands, CompareOptions, ExampleCommands, LinkCommands, RunOptions, Source, SweepOptions,
    WhyOptions,
};
use crate::{check_text, comparison, parallel_sweep, reasons_text, run_text, sweep_text};
use clap::Parser;
use converge::analysis::history::HistoryRecorder;
use converge::report::{self, InputError, ReasonsReport, RunReport, SweepReport, TraceLine, scenario_from};
use converge::scenario::examples::{self, EXAMPLES};
use converge::scenario::{Scenario, ScenarioError, link, micros, schema};
use converge::session::sweep::Sweep;
use converge::session::{Run, export, log_text};
use serde::Serialize;
use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

/// The input is not valid: the lines to print on standard error.
struct BadInput(Vec<String>);

impl BadInput {
    fn new(problem: impl Into<String>) -> Self {
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
        match error {
            link::LinkError::Invalid(errors) => errors.into(),
            other => BadInput::new(format!("link: {other}")),
        }
    }
}

type CommandResult = Result<ExitCode, BadInput>;

pub fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Commands::Run(options) => run(&options),
        Commands::Sweep(options) => sweep_seeds(&options),
        Commands::Compare(options) => compare(&options),
        Commands::Why(options) => why(&options),
        Commands::Check(options) => check_history(&options),
        Commands::Merge { files, json } => merge(&files, json),
        Commands::Link(LinkCommands::Encode { file }) => encode_link(&file),
        Commands::Link(LinkCommands::Decode { link }) => decode_link(&link),
        Commands::Examples(ExampleCommands::List) => list_examples(),
        Commands::Examples(ExampleCommands::Show { id }) => show_example(&id),
        Commands::Validate { file, json } => validate(&file, json),
        Commands::Schema => print(&schema::json_schema()),
    };
    result.unwrap_or_else(|BadInput(lines)| {
        for line in lines {
            eprintln!("error: {line}");
        }
        ExitCode::from(2)
    })
}

/// Prints to standard output. A closed pipe is not an error, so that `head` works.
fn print(text: &str) -> CommandResult {
    let _ = std::io::stdout().write_all(text.as_bytes());
    Ok(ExitCode::SUCCESS)
}

/// Prints a report as JSON.
fn print_json(report: &impl Serialize) -> CommandResult {
    print(&(serde_json::to_string_pretty(report).expect("a report is valid JSON") + "\n"))
}

/// Reads a file, or standard input for `-`.
fn read(file: &str) -> Result<String, BadInput> {
    let mut text = String::new();
    let read = if file == "-" {
        std::io::stdin().read_to_string(&mut text)
    } else {
        File::open(file).and_then(|mut opened| opened.read_to_string(&mut text))
    };
    match read {
        Ok(_) => Ok(text),
        Err(error) => Err(BadInput::new(format!("{file}: {error}"))),
    }
}

/// Returns the text of a scenario: a link or the name of an example as it is, otherwise what the file contains.
fn scenario_text(source: &str) -> Result<String, BadInput> {
    let is_link = source.starts_with("ex=")
        || source.starts_with("1d.")
        || source.starts_with("1r.")
        || (source.contains('#') && !Path::new(source).exists());
    if is_link { Ok(source.to_string()) } else { read(source) }
}

fn scenario_in(source: &str) -> Result<Scenario, BadInput> {
    Ok(scenario_from(&scenario_text(source)?)?)
}

/// Reads a scenario and selects its branch.
fn branch_in(source: &Source) -> Result<Scenario, BadInput> {
    Ok(scenario_in(&source.file)?.of_branch(source.branch.as_deref()).map_err(|error| vec![error])?)
}

fn validate(file: &str, json: bool) -> CommandResult {
    let report = report::validate(&scenario_text(file)?);
    if json {
        print_json(&report)?;
        return Ok(if report.valid { ExitCode::SUCCESS } else { ExitCode::from(2) });
    }
    if report.valid { Ok(ExitCode::SUCCESS) } else { Err(report.errors.into()) }
}

/// Formats a run as text.
type Export = fn(&Run, &Scenario) -> String;

fn run(options: &RunOptions) -> CommandResult {
    let mut scenario = branch_in(&options.source)?;
    scenario.seed = options.seed.unwrap_or(scenario.seed);
    scenario.until_ms = options.until.unwrap_or(scenario.until_ms);
    scenario.validate()?;
    let mut run = match &options.trace {
        None => Run::new(&scenario),
        Some(file) => run_with_trace(&scenario, file).map_err(|error| BadInput::new(format!("{file}: {error}")))?,
    };
    run.advance(micros(scenario.until_ms), u64::MAX, &mut |_, _, _| {});
    if let Some(file) = &options.history {
        write_history(&scenario, file).map_err(|error| BadInput::new(format!("{file}: {error}")))?;
    }
    let texts: [(&Option<String>, Export); 3] = [
        (&options.metrics, export::csv),
        (&options.mermaid, export::mermaid),
        (&options.shiviz, |run, _| export::shiviz(run)),
    ];
    for (file, text) in texts {
        if let Some(file) = file {
            std::fs::write(file, text(&run, &scenario)).map_err(|error| BadInput::new(format!("{file}: {error}")))?;
        }
    }
    let report = RunReport::new(&run, &scenario);
    if options.json {
        print_json(&report)?
    } else {
        print(&run_text::text(&report))?
    };
    let is_violated = report.invariants.iter().any(|invariant| invariant.verdict == "violated");
    Ok(if report.missed.is_empty() && !is_violated { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Runs the scenario to its end and writes the operations of its clients.
fn write_history(scenario: &Scenario, file: &str) -> std::io::Result<()> {
    let mut recorder = HistoryRecorder::default();
    let mut run = Run::new(scenario);
    for record in run.engine().trace().since(0) {
        recorder.observe(record);
    }
    run.advance(micros(scenario.until_ms), u64::MAX, &mut |record, _, _| recorder.observe(record));
    let mut out = BufWriter::new(File::create(file)?);
    out.write_all(export::history(&recorder, run.engine().names()).as_bytes())?;
    out.flush()
}

fn why(options: &WhyOptions) -> CommandResult {
    let mut scenario = branch_in(&options.source)?;
    scenario.seed = options.seed.unwrap_or(scenario.seed);
    let at = options.at.unwrap_or(scenario.until_ms);
    if !(0.0..=scenario.until_ms).contains(&at) {
        return Err(BadInput::new(format!("--at: a time from 0 to {} ms is expected, not {at}", scenario.until_ms)));
    }
    let mut run = Run::new(&scenario);
    run.advance(micros(at), u64::MAX, &mut |_, _, _| {});
    if let Some(id) = options.service.as_ref().filter(|id| scenario.services.iter().all(|service| service.id != **id)) {
        let ids: Vec<&str> = scenario.services.iter().map(|service| service.id.as_str()).collect();
        return Err(BadInput::new(format!("--service: one of {} is expected, not {id}", ids.join(", "))));
    }
    let names = run.engine().names();
    let is_selected = |name: &str, wanted: &Option<String>| wanted.as_ref().is_none_or(|wanted| wanted == name);
    let copies =
        run.analysis().staleness.inconsistent_copies().map(|(node, key, _)| (node, key)).filter(|(node, key)| {
            is_selected(names.node(*node), &options.service) && is_selected(names.key(*key), &options.key)
        });
    let report = ReasonsReport::new(&run, &scenario, copies);
    if options.json { print_json(&report) } else { print(&reasons_text::text(&report)) }
}

fn check_history(options: &CheckOptions) -> CommandResult {
    let history = read(&options.history)?;
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

/// Set by Ctrl-C. The runs in progress are completed and the results so far are printed.
static STOP: AtomicBool = AtomicBool::new(false);

/// Parses the seeds, chooses the number of threads, and installs the handler of Ctrl-C.
fn prepare_sweep(seeds: &str, jobs: Option<usize>) -> Result<(std::ops::Range<u64>, usize), BadInput> {
    let seeds = parallel_sweep::seeds(seeds).map_err(|error| BadInput::new(format!("--seeds: {error}")))?;
    let jobs = match jobs {
        Some(0) => return Err(BadInput::new("--jobs: 1 or more is expected, not 0")),
        Some(jobs) => jobs.min(1024),
        None => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
    };
    // A second Ctrl-C ends the program at once.
    let on_interrupt = || {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    };
    ctrlc::set_handler(on_interrupt).map_err(|error| BadInput::new(format!("the handler of Ctrl-C: {error}")))?;
    Ok((seeds, jobs))
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
    let compared = comparison::compare(&scenario, group, &seeds, jobs, &STOP);
    if options.json {
        print_json(&comparison::report(&compared))?;
    } else {
        let title = if scenario.title.is_empty() { "untitled" } else { &scenario.title };
        print(&comparison::text(&compared, title, &scenario.groups[group].id))?;
    }
    let is_stopped = STOP.load(Ordering::Relaxed);
    Ok(if is_stopped { ExitCode::from(130) } else { ExitCode::SUCCESS })
}

fn sweep_seeds(options: &SweepOptions) -> CommandResult {
    let mut scenario = branch_in(&options.source)?;
    scenario.until_ms = options.until.unwrap_or(scenario.until_ms);
    scenario.validate()?;
    let (seeds, jobs) = prepare_sweep(&options.seeds, options.jobs)?;
    let runs = seeds.end - seeds.start;
    let sweep = parallel_sweep::sweep(&scenario, seeds, jobs, &STOP);
    print_sweep(&sweep, &scenario.title, options.json)?;
    if sweep.runs < runs {
        eprintln!("stopped after {} of {runs} runs", sweep.runs);
        return Ok(ExitCode::from(130));
    }
    Ok(ExitCode::SUCCESS)
}

fn print_sweep(sweep: &Sweep, title: &str, json: bool) -> CommandResult {
    if json {
        print_json(&SweepReport::new(sweep))
    } else {
        print(&sweep_text::text(sweep, if title.is_empty() { "untitled" } else { title }))
    }
}

fn merge(files: &[String], json: bool) -> CommandResult {
    let mut total: Option<Sweep> = None;
    for file in files {
        let part: Sweep = serde_json::from_str(&read(file)?).map_err(|error| {
            BadInput::new(format!("{file}: the output of `converge sweep --json` is expected: {error}"))
        })?;
        if part.converge_sweep != 1 {
            let format = part.converge_sweep;
            return Err(BadInput::new(format!("{file}: converge_sweep: format 1 is expected, not {format}")));
        }
        match &mut total {
            None => total = Some(part),
            Some(total) => total.merge(&part).map_err(|error| BadInput::new(format!("{file}: {error}")))?,
        }
    }
    match total {
        Some(total) => print_sweep(&total, &format!("scenario {}", total.scenario), json),
        None => Err(BadInput::new("at least one sweep is expected")),
    }
}

/// Runs the scenario to its end and writes each record as it happens.
fn run_with_trace(scenario: &Scenario, file: &str) -> std::io::Result<Run> {
    let mut out = BufWriter::new(File::create(file)?);
    let mut failed = None;
    let mut run = Run::new(scenario);
    let mut index = 0u64;
    let mut write = |record: &converge::trace::Record, analysis: &_, engine: &converge::engine::Engine| {
        let sentence = log_text::sentence(record, analysis, engine.names());
        let line = TraceLine { index, at_us: record.at, name: sentence.name, text: sentence.text, fact: &record.fact };
        index += 1;
        let json = serde_json::to_string(&line).expect("a record is valid JSON");
        if let Err(error) = writeln!(out, "{json}") {
            failed.get_or_insert(error);
        }
    };
    for record in run.engine().trace().since(0) {
        write(record, run.analysis(), run.engine());
    }
    run.advance(micros(scenario.until_ms), u64::MAX, &mut write);
    match failed {
        Some(error) => Err(error),
        None => out.flush().map(|()| run),
    }
}

fn encode_link(file: &str) -> CommandResult {
    let scenario = Scenario::from_json(&read(file)?)?;
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
    match examples::find(id) {
        Some(example) => print(example.json()),
        None => {
            let ids: Vec<&str> = EXAMPLES.iter().map(|example| example.id).collect();
            Err(BadInput::new(format!("no example has the id `{id}`; the examples are {}", ids.join(", "))))
        }
    }
}
