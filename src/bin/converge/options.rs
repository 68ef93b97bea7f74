//! The options of each command, which clap turns into help texts.

use clap::builder::{PossibleValuesParser, StringValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use converge::analysis::check::BUDGET;
use converge::analysis::jepsen::DataModel;
use converge::engine::Limits;

/// Simulates services, event buses and replicated data, message by message
#[derive(Parser)]
#[command(name = "converge", version, about)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Commands,
}

#[derive(Subcommand)]
pub enum Commands {
    /// Run a scenario to its end; exit 1 if it misses a promise or violates an invariant, 2 if it is halted at a limit
    Run(RunOptions),
    /// Run a scenario with many seeds and aggregate the measurements
    Sweep(SweepOptions),
    /// Compare the cost and the staleness of eventual, read-after-write and strong consistency
    Compare(CompareOptions),
    /// Run a scenario and explain why copies are stale, conflicted or diverged
    Why(WhyOptions),
    /// Check which guarantees a history keeps; exit 1 if one is violated, 3 if a verdict is unknown
    Check(CheckOptions),
    /// Grade an answer to the tasks of a scenario; exit 1 if a goal is not met
    Grade(GradeOptions),
    /// Merge the results of several sweeps of one scenario
    Merge {
        /// Output of `sweep --json`, each with different seeds; - reads standard input
        #[arg(required = true)]
        files: Vec<String>,
        /// Print one JSON object instead of text
        #[arg(long)]
        json: bool,
    },
    /// Check, measure and print lessons
    #[command(subcommand)]
    Lesson(LessonCommands),
    /// Convert between scenarios and links
    #[command(subcommand)]
    Link(LinkCommands),
    /// List or print the examples
    #[command(subcommand)]
    Examples(ExampleCommands),
    /// Check a scenario and print all errors
    Validate {
        /// A scenario as JSON, a link, ex=ID for an example or challenge=ID for a challenge; - reads standard input
        file: String,
        /// Print one JSON object instead of text
        #[arg(long)]
        json: bool,
    },
    /// Print the JSON Schema of scenarios
    Schema,
}

#[derive(Args)]
pub struct Source {
    /// A scenario as JSON, a link, ex=ID for an example or challenge=ID for a challenge; - reads standard input
    pub file: String,
    /// The branch of the scenario [default: the branch that the page opens]
    #[arg(long, value_name = "NAME")]
    pub branch: Option<String>,
    /// Events after which a run is halted
    #[arg(long, value_name = "N", default_value_t = Limits::DEFAULT.events, value_parser = whole(0, u64::MAX), allow_negative_numbers = true)]
    pub max_events: u64,
}

#[derive(Args)]
pub struct RunOptions {
    #[command(flatten)]
    pub source: Source,
    /// The seed [default: the scenario's]
    #[arg(long, value_parser = whole(0, 1 << 53), allow_negative_numbers = true)]
    pub seed: Option<u64>,
    /// The end of the run, ms [default: the scenario's]
    #[arg(long, value_name = "MS", value_parser = time(0.001, 1e9), allow_hyphen_values = true)]
    pub until: Option<f64>,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
    /// Write the trace as JSON Lines; - writes to standard output, instead of the report
    #[arg(long, value_name = "FILE")]
    pub trace: Option<String>,
    /// Write the operations of all clients in Jepsen's format as JSON Lines; - as above
    #[arg(long, value_name = "FILE")]
    pub history: Option<String>,
    /// Write metrics over time as CSV; - as above
    #[arg(long, value_name = "FILE")]
    pub metrics: Option<String>,
    /// Write the messages as a Mermaid sequence diagram; - as above
    #[arg(long, value_name = "FILE")]
    pub mermaid: Option<String>,
    /// Write the trace with vector clocks for ShiViz; - as above
    #[arg(long, value_name = "FILE")]
    pub shiviz: Option<String>,
}

#[derive(Args)]
pub struct WhyOptions {
    #[command(flatten)]
    pub source: Source,
    /// The time to examine, ms [default: the scenario's end]
    #[arg(long, value_name = "MS", value_parser = time(0.0, 1e9), allow_hyphen_values = true)]
    pub at: Option<f64>,
    /// The seed [default: the scenario's]
    #[arg(long, value_parser = whole(0, 1 << 53), allow_negative_numbers = true)]
    pub seed: Option<u64>,
    /// The service [default: all]
    #[arg(long, value_name = "ID")]
    pub service: Option<String>,
    /// The key [default: all]
    #[arg(long)]
    pub key: Option<String>,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub struct CheckOptions {
    /// A history in Jepsen's format, as JSON Lines, a JSON array or EDN; - reads standard input
    pub history: String,
    /// A guarantee, or several separated by commas [default: linearizable]: linearizable, sequential, regular, causal,
    /// read-your-writes, monotonic-reads, monotonic-writes, writes-follow-reads, session (the previous four),
    /// bounded-staleness, no-lost-update
    #[arg(long, value_name = "G")]
    pub guarantee: Vec<String>,
    /// The data model of the keys [default: inferred from the operations]
    #[arg(long, value_parser = models())]
    pub model: Option<DataModel>,
    /// Read values as [key value] [default: inferred]
    #[arg(long)]
    pub keyed: bool,
    /// The initial value of every key, as JSON [default: null]
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    pub initial: Option<String>,
    /// The most acknowledged changes that a read may lack, for bounded-staleness
    #[arg(long, value_name = "VERSIONS", value_parser = whole(0, u64::from(u32::MAX)).map(|k| k as u32), allow_negative_numbers = true)]
    pub k: Option<u32>,
    /// The longest time for which a read may lack a change, ms, for bounded-staleness
    #[arg(long, value_name = "MS", value_parser = time(0.0, 1e12), allow_hyphen_values = true)]
    pub t: Option<f64>,
    /// Steps of a search after which the verdict is unknown
    #[arg(long, value_name = "STEPS", default_value_t = BUDGET, value_parser = whole(0, u64::MAX), allow_negative_numbers = true)]
    pub budget: u64,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub struct SweepOptions {
    #[command(flatten)]
    pub source: Source,
    /// The seeds: A..B without B, or A..=B
    #[arg(long, value_name = "A..B", allow_hyphen_values = true)]
    pub seeds: String,
    /// The number of threads; the result does not depend on it [default: the number of cores]
    #[arg(long, value_name = "N", value_parser = whole(1, u64::MAX), allow_negative_numbers = true)]
    pub jobs: Option<u64>,
    /// The end of each run, ms [default: the scenario's]
    #[arg(long, value_name = "MS", value_parser = time(0.001, 1e9), allow_hyphen_values = true)]
    pub until: Option<f64>,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub struct CompareOptions {
    #[command(flatten)]
    pub source: Source,
    /// The replica group [default: the first]
    #[arg(long, value_name = "ID")]
    pub group: Option<String>,
    /// The seeds: A..B without B, or A..=B
    #[arg(long, value_name = "A..B", default_value = "1..51", allow_hyphen_values = true)]
    pub seeds: String,
    /// The number of threads; the result does not depend on it [default: the number of cores]
    #[arg(long, value_name = "N", value_parser = whole(1, u64::MAX), allow_negative_numbers = true)]
    pub jobs: Option<u64>,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

#[derive(Args)]
pub struct GradeOptions {
    /// A scenario with tasks as JSON, a link, ex=ID for an example or challenge=ID for a challenge; - reads standard input
    pub file: String,
    /// The answer: the scenario as the learner changed it, as JSON or a link [default: the scenario as it is]
    #[arg(long, value_name = "LINK|FILE")]
    pub answer: Option<String>,
    /// The task [default: all]
    #[arg(long, value_name = "ID")]
    pub task: Option<String>,
    /// Events after which a run is halted
    #[arg(long, value_name = "N", default_value_t = Limits::DEFAULT.events, value_parser = whole(0, u64::MAX), allow_negative_numbers = true)]
    pub max_events: u64,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

#[derive(Subcommand)]
pub enum LinkCommands {
    /// Print the link of a scenario
    Encode {
        /// A scenario as JSON, a link, ex=ID for an example or challenge=ID for a challenge; - reads standard input
        file: String,
    },
    /// Print the scenario of a link
    Decode {
        /// A link, or an address that ends in a link; - reads standard input
        link: String,
    },
}

#[derive(Subcommand)]
pub enum LessonCommands {
    /// Report all errors of a lesson, and every claim and proof that the engine refutes; exit 1 if one is refuted
    Check {
        /// A lesson in Markdown, or lesson=ID; - reads standard input
        file: String,
    },
    /// Print the text of a lesson with its measured numbers, or what a challenge asks for
    Show {
        /// A lesson in Markdown, lesson=ID or challenge=ID; - reads standard input
        file: String,
    },
    /// Print the ids of the lessons and of the challenges, with their titles
    List,
}

#[derive(Subcommand)]
pub enum ExampleCommands {
    /// Print the id and the subject of each example
    List,
    /// Print the scenario of an example
    Show {
        /// The id of the example
        id: String,
    },
}

/// Accepts the name of a data model.
fn models() -> impl TypedValueParser<Value = DataModel> {
    PossibleValuesParser::new(DataModel::ALL.map(DataModel::name)).map(|name| {
        let model = DataModel::ALL.into_iter().find(|model| model.name() == name);
        model.expect("clap accepts only the names above")
    })
}

/// Accepts a whole number in a range.
fn whole(low: u64, high: u64) -> impl TypedValueParser<Value = u64> {
    let expected = match (low, high) {
        (low, u64::MAX) => format!("a whole number, {low} or more, is expected"),
        (low, high) => format!("a whole number from {low} to {high} is expected"),
    };
    let parse = move |text: &str| text.parse().ok().filter(|n| (low..=high).contains(n)).ok_or(expected.clone());
    StringValueParser::new().try_map(move |text| parse(&text))
}

/// Accepts a time in a range, ms.
fn time(low: f64, high: f64) -> impl TypedValueParser<Value = f64> {
    let parse = move |text: &str| {
        let ms = text.parse().ok().filter(|ms| (low..=high).contains(ms));
        ms.ok_or(format!("a time from {low} to {high} ms is expected"))
    };
    StringValueParser::new().try_map(move |text| parse(&text))
}
