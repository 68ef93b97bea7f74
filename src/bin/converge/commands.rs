//! The commands and their options.

use crate::{check, compare, jepsen, reasons_report, report, sweep};
use clap::{Args, Parser, Subcommand};
use converge::analysis::check::BUDGET;
use converge::analysis::history::Recorder;
use converge::scenario::examples::{self, EXAMPLES};
use converge::scenario::{Scenario, ScenarioError, link, micros, schema};
use converge::session::sweep::Sweep;
use converge::session::{Run, export, words};
use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

/// Simulates services, event buses and copies of data, message by message.
#[derive(Parser)]
#[command(name = "converge", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Commands,
}

#[derive(Subcommand)]
enum Commands {
    /// Run a scenario to its end; exit 1 if it misses what it promises
    Run(RunOptions),
    /// Run a scenario with many seeds and measure them together
    Sweep(SweepOptions),
    /// Run a scenario under eventual, read-after-write and strong consistency, and put what each costs side by side
    Compare(CompareOptions),
    /// Run a scenario and say why copies are stale, conflicted or diverged, step by step
    Why(WhyOptions),
    /// Say which guarantees a history keeps, and prove which it does not; exit 1 if any is violated, 3 if any is unknown
    Check(CheckOptions),
    /// Put the measurements of several sweeps of one scenario together
    Merge {
        /// What `sweep --json` printed, each of other seeds; - reads standard input
        #[arg(required = true)]
        files: Vec<String>,
        /// Print one JSON object instead of text
        #[arg(long)]
        json: bool,
    },
    /// Turn a scenario into a link, or a link into a scenario
    #[command(subcommand)]
    Link(LinkCommands),
    /// The scenarios that come with the program
    #[command(subcommand)]
    Examples(ExampleCommands),
    /// Check a scenario and say everything that is wrong with it
    Validate {
        /// A scenario as JSON; - reads standard input
        file: String,
    },
    /// Print the JSON Schema of scenarios
    Schema,
}

#[derive(Args)]
struct Source {
    /// A scenario as JSON, a link, or the id of an example as ex=ID; - reads standard input
    file: String,
    /// The branch of the scenario; the one that opens unless given
    #[arg(long, value_name = "NAME")]
    branch: Option<String>,
}

#[derive(Args)]
struct RunOptions {
    #[command(flatten)]
    source: Source,
    /// Run with this seed instead of the scenario's
    #[arg(long)]
    seed: Option<u64>,
    /// Run until this time, in ms, instead of the scenario's end
    #[arg(long, value_name = "MS")]
    until: Option<f64>,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
    /// Write the log, a JSON object a line
    #[arg(long, value_name = "FILE")]
    trace: Option<String>,
    /// Write what clients asked and were told, in Jepsen's shape, a JSON object a line
    #[arg(long, value_name = "FILE")]
    history: Option<String>,
    /// Write metrics over time as CSV
    #[arg(long, value_name = "FILE")]
    metrics: Option<String>,
    /// Write the messages as a Mermaid sequence diagram
    #[arg(long, value_name = "FILE")]
    mermaid: Option<String>,
    /// Write the log with vector clocks, for ShiViz
    #[arg(long, value_name = "FILE")]
    shiviz: Option<String>,
}

#[derive(Args)]
struct WhyOptions {
    #[command(flatten)]
    source: Source,
    /// At this time, in ms; at the scenario's end unless given
    #[arg(long, value_name = "MS")]
    at: Option<f64>,
    /// Run with this seed instead of the scenario's
    #[arg(long)]
    seed: Option<u64>,
    /// The service; all unless given
    #[arg(long, value_name = "ID")]
    service: Option<String>,
    /// The key; all unless given
    #[arg(long)]
    key: Option<String>,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct CheckOptions {
    /// A history in Jepsen's shape, as JSON Lines, a JSON array or EDN; - reads standard input
    history: String,
    /// What to check: linearizable unless given. linearizable, sequential, regular, causal, read-your-writes,
    /// monotonic-reads, monotonic-writes, writes-follow-reads, session (those four), bounded-staleness, no-lost-update
    #[arg(long, value_name = "G")]
    guarantee: Vec<String>,
    /// What a key holds; guessed from the operations unless given
    #[arg(long)]
    model: Option<jepsen::Kind>,
    /// Values are [key value]; guessed unless given
    #[arg(long)]
    keyed: bool,
    /// What every key held at first, as JSON
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    initial: Option<String>,
    /// For bounded-staleness: how many acknowledged changes a read may lack
    #[arg(long, value_name = "VERSIONS")]
    k: Option<u32>,
    /// For bounded-staleness: how old, in ms, what a read lacks may be
    #[arg(long, value_name = "MS")]
    t: Option<f64>,
    /// How many steps a search may take before its answer is unknown
    #[arg(long, value_name = "STEPS", default_value_t = BUDGET)]
    budget: u64,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct SweepOptions {
    #[command(flatten)]
    source: Source,
    /// The seeds: A..B, B left out, or A..=B
    #[arg(long, value_name = "A..B")]
    seeds: String,
    /// How many threads; as many as the machine has cores unless given. The result is the same.
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// Run each until this time, in ms, instead of the scenario's end
    #[arg(long, value_name = "MS")]
    until: Option<f64>,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct CompareOptions {
    #[command(flatten)]
    source: Source,
    /// The replica group; the first one unless given
    #[arg(long, value_name = "ID")]
    group: Option<String>,
    /// The seeds: A..B, B left out, or A..=B
    #[arg(long, value_name = "A..B", default_value = "1..51")]
    seeds: String,
    /// How many threads; as many as the machine has cores unless given. The result is the same.
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
enum LinkCommands {
    /// Print the link of a scenario
    Encode {
        /// A scenario as JSON; - reads standard input
        file: String,
    },
    /// Print the scenario of a link
    Decode {
        /// A link, or an address that ends in one; - reads standard input
        link: String,
    },
}

#[derive(Subcommand)]
enum ExampleCommands {
    /// Print the ids and what each example shows
    List,
    /// Print an example's scenario
    Show {
        /// Its id
        id: String,
    },
}

/// Bad input: what to print on standard error, a line each.
struct BadInput(Vec<String>);

impl From<Vec<ScenarioError>> for BadInput {
    fn from(errors: Vec<ScenarioError>) -> Self {
        BadInput(errors.iter().map(ToString::to_string).collect())
    }
}

impl From<link::LinkError> for BadInput {
    fn from(error: link::LinkError) -> Self {
        match error {
            link::LinkError::Unsound(errors) => errors.into(),
            other => BadInput(vec![format!("link: {other}")]),
        }
    }
}

type Answer = Result<ExitCode, BadInput>;

pub fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Commands::Run(options) => run(&options),
        Commands::Sweep(options) => sweep_seeds(&options),
        Commands::Compare(options) => compare(&options),
        Commands::Why(options) => why(&options),
        Commands::Check(options) => check_history(&options),
        Commands::Merge { files, json } => merge(&files, json),
        Commands::Link(LinkCommands::Encode { file }) => encode(&file),
        Commands::Link(LinkCommands::Decode { link }) => decode(&link),
        Commands::Examples(ExampleCommands::List) => list(),
        Commands::Examples(ExampleCommands::Show { id }) => show(&id),
        Commands::Validate { file } => scenario_in(&file).map(|_| ExitCode::SUCCESS),
        Commands::Schema => print(&schema::json_schema()),
    };
    result.unwrap_or_else(|BadInput(lines)| {
        for line in lines {
            eprintln!("error: {line}");
        }
        ExitCode::from(2)
    })
}

/// Prints to standard output. A reader that went away, like `head`, is no error.
fn print(text: &str) -> Answer {
    let _ = std::io::stdout().write_all(text.as_bytes());
    Ok(ExitCode::SUCCESS)
}

fn read(file: &str) -> Result<String, BadInput> {
    let mut text = String::new();
    let read = if file == "-" {
        std::io::stdin().read_to_string(&mut text)
    } else {
        File::open(file).and_then(|mut opened| opened.read_to_string(&mut text))
    };
    match read {
        Ok(_) => Ok(text),
        Err(error) => Err(BadInput(vec![format!("{file}: {error}")])),
    }
}

/// The scenario of a file, of standard input, of a link, or of an example.
fn scenario_in(source: &str) -> Result<Scenario, BadInput> {
    if source.starts_with("ex=") || source.starts_with("1d.") || source.starts_with("1r.") || source.contains('#') {
        return Ok(link::decode(source)?.scenario);
    }
    Ok(Scenario::from_json(&read(source)?)?)
}

/// What is run of it.
fn branch_in(source: &Source) -> Result<Scenario, BadInput> {
    Ok(scenario_in(&source.file)?.of_branch(source.branch.as_deref()).map_err(|error| vec![error])?)
}

/// A run told as text in some form.
type Export = fn(&Run, &Scenario) -> String;

fn run(options: &RunOptions) -> Answer {
    let mut scenario = branch_in(&options.source)?;
    scenario.seed = options.seed.unwrap_or(scenario.seed);
    scenario.until_ms = options.until.unwrap_or(scenario.until_ms);
    scenario.validate()?;
    let mut run = match &options.trace {
        None => Run::new(&scenario),
        Some(file) => traced(&scenario, file).map_err(|error| BadInput(vec![format!("{file}: {error}")]))?,
    };
    run.advance(micros(scenario.until_ms), u64::MAX, &mut |_, _, _| {});
    if let Some(file) = &options.history {
        record(&scenario, file).map_err(|error| BadInput(vec![format!("{file}: {error}")]))?;
    }
    let texts: [(&Option<String>, Export); 3] = [
        (&options.metrics, export::csv),
        (&options.mermaid, export::mermaid),
        (&options.shiviz, |run, _| export::shiviz(run)),
    ];
    for (file, text) in texts {
        if let Some(file) = file {
            std::fs::write(file, text(&run, &scenario)).map_err(|error| BadInput(vec![format!("{file}: {error}")]))?;
        }
    }
    let report = report::Report::new(&run, &scenario);
    if options.json {
        print(&(serde_json::to_string_pretty(&report).expect("a report always serializes") + "\n"))?;
    } else {
        print(&report.text())?;
    }
    let broken = report.invariants.iter().any(|invariant| invariant.verdict == "violated");
    Ok(if report.missed.is_empty() && !broken { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Runs the scenario to its end for what its clients asked and were told, and writes that.
fn record(scenario: &Scenario, file: &str) -> std::io::Result<()> {
    let mut recorder = Recorder::default();
    let mut run = Run::new(scenario);
    for record in run.engine().trace().since(0) {
        recorder.observe(record);
    }
    run.advance(micros(scenario.until_ms), u64::MAX, &mut |record, _, _| recorder.observe(record));
    let mut out = BufWriter::new(File::create(file)?);
    out.write_all(export::history(&recorder, run.engine().names()).as_bytes())?;
    out.flush()
}

fn why(options: &WhyOptions) -> Answer {
    let mut scenario = branch_in(&options.source)?;
    scenario.seed = options.seed.unwrap_or(scenario.seed);
    let at = options.at.unwrap_or(scenario.until_ms);
    if !(0.0..=scenario.until_ms).contains(&at) {
        return Err(BadInput(vec![format!("--at: a time from 0 to {} ms is expected, not {at}", scenario.until_ms)]));
    }
    let mut run = Run::new(&scenario);
    run.advance(micros(at), u64::MAX, &mut |_, _, _| {});
    if let Some(id) = options.service.as_ref().filter(|id| scenario.services.iter().all(|it| it.id != **id)) {
        let ids: Vec<&str> = scenario.services.iter().map(|it| it.id.as_str()).collect();
        return Err(BadInput(vec![format!("--service: one of {} is expected, not {id}", ids.join(", "))]));
    }
    let names = run.engine().names();
    let asked = |name: &str, wanted: &Option<String>| wanted.as_ref().is_none_or(|wanted| wanted == name);
    let copies = run
        .analysis()
        .staleness
        .unsettled()
        .map(|(node, key, _)| (node, key))
        .filter(|(node, key)| asked(names.node(*node), &options.service) && asked(names.key(*key), &options.key));
    let found = reasons_report::Reasons::new(&run, &scenario, copies);
    if options.json {
        print(&(serde_json::to_string_pretty(&found).expect("reasons always serialize") + "\n"))
    } else {
        print(&found.text())
    }
}

fn check_history(options: &CheckOptions) -> Answer {
    let names: &[String] =
        if options.guarantee.is_empty() { &["linearizable".to_string()] } else { &options.guarantee };
    let mut asked = Vec::new();
    for name in names.iter().flat_map(|names| names.split(',')) {
        let guarantee = check::guarantee(name, options.k, options.t).map_err(|error| BadInput(vec![error]))?;
        asked.push((name.to_string(), guarantee));
    }
    let reading = jepsen::Reading { model: options.model, keyed: options.keyed, initial: options.initial.as_deref() };
    let (history, kind) = jepsen::read(&read(&options.history)?, &reading)
        .map_err(|error| BadInput(vec![format!("{}: {error}", options.history)]))?;
    let found = check::findings(&history, kind, &asked, options.budget);
    if options.json {
        print(&(serde_json::to_string_pretty(&found.json(&history)).expect("verdicts always serialize") + "\n"))?;
    } else {
        print(&found.text(&history))?;
    }
    Ok(ExitCode::from(found.code()))
}

/// Set by Ctrl-C: runs begun are finished, and what was measured is printed.
static STOP: AtomicBool = AtomicBool::new(false);

/// Seeds and threads, and a clean stop on Ctrl-C.
fn prepared(seeds: &str, jobs: Option<usize>) -> Result<(std::ops::Range<u64>, usize), BadInput> {
    let seeds = sweep::seeds(seeds).map_err(|error| BadInput(vec![format!("--seeds: {error}")]))?;
    let jobs = match jobs {
        Some(0) => return Err(BadInput(vec!["--jobs: at least one thread, not 0".into()])),
        Some(jobs) => jobs.min(1024),
        None => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
    };
    // A second Ctrl-C ends the program at once.
    let on_interrupt = || {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    };
    ctrlc::set_handler(on_interrupt).map_err(|error| BadInput(vec![format!("Ctrl-C: {error}")]))?;
    Ok((seeds, jobs))
}

fn compare(options: &CompareOptions) -> Answer {
    let scenario = branch_in(&options.source)?;
    let wanted = |id: &String| scenario.groups.iter().position(|group| group.id == *id);
    let place = options.group.as_ref().map_or((!scenario.groups.is_empty()).then_some(0), wanted);
    let Some(place) = place else {
        let there: Vec<&str> = scenario.groups.iter().map(|group| group.id.as_str()).collect();
        let expected =
            if there.is_empty() { "the scenario has none".into() } else { format!("one of {}", there.join(", ")) };
        return Err(BadInput(vec![format!("--group: a replica group is expected; {expected}")]));
    };
    let (seeds, jobs) = prepared(&options.seeds, options.jobs)?;
    let compared = compare::compare(&scenario, place, &seeds, jobs, &STOP);
    if options.json {
        print(&(serde_json::to_string_pretty(&compare::json(&compared)).expect("sweeps always serialize") + "\n"))?;
    } else {
        let title = if scenario.title.is_empty() { "untitled" } else { &scenario.title };
        print(&compare::text(&compared, title, &scenario.groups[place].id))?;
    }
    let stopped = STOP.load(Ordering::Relaxed);
    Ok(if stopped { ExitCode::from(130) } else { ExitCode::SUCCESS })
}

fn sweep_seeds(options: &SweepOptions) -> Answer {
    let mut scenario = branch_in(&options.source)?;
    scenario.until_ms = options.until.unwrap_or(scenario.until_ms);
    scenario.validate()?;
    let (seeds, jobs) = prepared(&options.seeds, options.jobs)?;
    let whole = seeds.end - seeds.start;
    let measured = sweep::sweep(&scenario, seeds, jobs, &STOP);
    tell(&measured, &scenario.title, options.json)?;
    if measured.runs < whole {
        eprintln!("stopped after {} of {whole} runs", measured.runs);
        return Ok(ExitCode::from(130));
    }
    Ok(ExitCode::SUCCESS)
}

fn tell(measured: &Sweep, title: &str, json: bool) -> Answer {
    if json {
        print(&(serde_json::to_string_pretty(&sweep::json(measured)).expect("a sweep always serializes") + "\n"))
    } else {
        print(&sweep::text(measured, if title.is_empty() { "untitled" } else { title }))
    }
}

fn merge(files: &[String], json: bool) -> Answer {
    let mut total: Option<Sweep> = None;
    for file in files {
        let part: Sweep = serde_json::from_str(&read(file)?)
            .map_err(|error| BadInput(vec![format!("{file}: not what `converge sweep --json` prints: {error}")]))?;
        if part.converge_sweep != 1 {
            let format = part.converge_sweep;
            return Err(BadInput(vec![format!("{file}: converge_sweep: this program reads format 1, not {format}")]));
        }
        match &mut total {
            None => total = Some(part),
            Some(total) => total.merge(&part).map_err(|error| BadInput(vec![format!("{file}: {error}")]))?,
        }
    }
    match total {
        Some(total) => tell(&total, &format!("scenario {}", total.scenario), json),
        None => Err(BadInput(vec!["nothing to merge".into()])),
    }
}

/// The run to its end, each record written as it happens.
fn traced(scenario: &Scenario, file: &str) -> std::io::Result<Run> {
    let mut out = BufWriter::new(File::create(file)?);
    let mut failed = None;
    let mut run = Run::new(scenario);
    let mut index = 0u64;
    let mut write = |record: &converge::trace::Record, analysis: &_, engine: &converge::engine::Engine| {
        let sentence = words::sentence(record, analysis, engine.names());
        let line =
            report::TraceLine { index, at_us: record.at, name: sentence.name, text: sentence.text, fact: &record.fact };
        index += 1;
        let json = serde_json::to_string(&line).expect("a record always serializes");
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

fn encode(file: &str) -> Answer {
    let scenario = Scenario::from_json(&read(file)?)?;
    print(&(link::encode(&scenario)? + "\n"))
}

fn decode(link: &str) -> Answer {
    let text = if link == "-" { read("-")? } else { link.to_string() };
    print(&(link::decode(&text)?.scenario.to_json() + "\n"))
}

fn list() -> Answer {
    let width = EXAMPLES.iter().map(|example| example.id.len()).max().unwrap_or_default();
    let lines = EXAMPLES.iter().map(|example| format!("{:width$}  {}\n", example.id, example.shows));
    print(&lines.collect::<String>())
}

fn show(id: &str) -> Answer {
    match examples::find(id) {
        Some(example) => print(example.json()),
        None => {
            let ids: Vec<&str> = EXAMPLES.iter().map(|example| example.id).collect();
            Err(BadInput(vec![format!("no example has the id `{id}`; there are {}", ids.join(", "))]))
        }
    }
}
