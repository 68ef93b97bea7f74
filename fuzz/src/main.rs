//! Checks random inputs, and reports those with which something is wrong: `cargo xtask fuzz`.
#![forbid(unsafe_code)]
#![allow(clippy::disallowed_methods, reason = "progress and endless work are about real time")]

use converge_fuzz::campaign::{Campaign, Finding, Observer};
use converge_fuzz::targets::{ALL, Target};
use cpu_time::{ProcessTime, ThreadTime};
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Inputs of a target, unless the command line states another number.
const INPUTS: u64 = 10_000_000;
/// The processor time after which an input is regarded as endless. The time of other programs does not count.
const ENDLESS: Duration = Duration::from_secs(30);
/// The stack of a page's thread, bytes.
const STACK: usize = 1 << 20;

static STOPPED: AtomicBool = AtomicBool::new(false);

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(problem) => {
            eprintln!("error: {problem}");
            return ExitCode::from(2);
        }
    };
    if let Err(error) = ctrlc::set_handler(|| STOPPED.store(true, Ordering::Relaxed)) {
        eprintln!("Ctrl-C ends this program at once: {error}");
    }
    println!("seed {}", options.seed);
    let mut findings = 0;
    for target in options.targets {
        findings += run(target, options.inputs, options.seed, options.record.clone());
        if STOPPED.load(Ordering::Relaxed) {
            println!("stopped");
            return ExitCode::from(if findings > 0 { 1 } else { 130 });
        }
    }
    if findings > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

struct Options {
    targets: Vec<&'static Target>,
    inputs: u64,
    seed: u64,
    /// The file to which each input is written before it is checked.
    record: Option<PathBuf>,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
        let seed = Instant::now().elapsed().as_nanos() as u64 ^ u64::from(std::process::id()) << 20;
        let mut options = Options { targets: Vec::new(), inputs: INPUTS, seed, record: None };
        while let Some(argument) = arguments.next() {
            let mut number = || {
                let text = arguments.next().unwrap_or_default();
                text.replace('_', "")
                    .parse()
                    .map_err(|_| format!("{argument}: a whole number is expected, not `{text}`"))
            };
            match argument.as_str() {
                "--inputs" => options.inputs = number()?,
                "--seed" => options.seed = number()?,
                "--record" => options.record = arguments.next().map(PathBuf::from),
                name => {
                    let names = || ALL.iter().map(|target| target.name).collect::<Vec<_>>().join(", ");
                    let target = ALL.iter().find(|target| target.name == name);
                    options
                        .targets
                        .push(target.ok_or_else(|| format!("one of {} is expected, not `{name}`", names()))?);
                }
            }
        }
        if options.targets.is_empty() {
            options.targets = ALL.iter().collect();
        }
        Ok(options)
    }
}

/// What the thread that checks inputs shares with the one that watches it.
#[derive(Default)]
struct Shared {
    /// The number of inputs that were begun.
    begun: AtomicU64,
    input: Mutex<String>,
}

struct Watched {
    shared: Arc<Shared>,
    record: Option<PathBuf>,
    begun: ThreadTime,
    slowest: (Duration, String),
}

impl Observer for Watched {
    fn begin(&mut self, input: &str) {
        if let Some(file) = &self.record {
            let _ = std::fs::write(file, input);
        }
        if let Ok(mut shared) = self.shared.input.lock() {
            shared.clear();
            shared.push_str(input);
        }
        self.shared.begun.fetch_add(1, Ordering::Relaxed);
        self.begun = ThreadTime::now();
    }

    fn end(&mut self) -> bool {
        let took = self.begun.elapsed();
        if took > self.slowest.0 {
            let input = self.shared.input.lock().map(|input| input.clone()).unwrap_or_default();
            self.slowest = (took, input);
        }
        !STOPPED.load(Ordering::Relaxed)
    }
}

/// Checks the inputs of a target, and returns the number of findings.
fn run(target: &'static Target, inputs: u64, seed: u64, record: Option<PathBuf>) -> usize {
    let shared = Arc::new(Shared::default());
    let start = Instant::now();
    let shared_with_worker = shared.clone();
    let worker = move || {
        let slowest = (Duration::ZERO, String::new());
        let mut watched = Watched { shared: shared_with_worker, record, begun: ThreadTime::now(), slowest };
        let mut campaign = Campaign::new(target, seed);
        let done = campaign.run(inputs, &mut watched);
        (done, campaign.findings.clone(), campaign.answers(), campaign.peak, watched.slowest)
    };
    let worker = std::thread::Builder::new().stack_size(STACK).spawn(worker);
    let Ok(worker) = worker else {
        eprintln!("error: no thread could be started");
        return 1;
    };
    let is_terminal = std::io::stderr().is_terminal();
    let (mut seen, mut since) = (0, ProcessTime::now());
    while !worker.is_finished() {
        std::thread::sleep(Duration::from_millis(if is_terminal { 200 } else { 20 }));
        let begun = shared.begun.load(Ordering::Relaxed);
        if begun != seen {
            (seen, since) = (begun, ProcessTime::now());
        } else if since.elapsed() > ENDLESS && !worker.is_finished() {
            let input = shared.input.lock().map(|input| input.clone()).unwrap_or_default();
            let fault = format!("it takes more than {} s of the processor", ENDLESS.as_secs());
            report(target, 0, &Finding { input, fault });
            std::process::exit(1);
        }
        if is_terminal {
            let rate = begun as f64 / start.elapsed().as_secs_f64();
            eprint!("\r{}: {begun} of {inputs} inputs, {rate:.0}/s   ", target.name);
        }
    }
    if is_terminal {
        eprint!("\r{}\r", " ".repeat(70));
    }
    let Ok((done, findings, answers, peak, slowest)) = worker.join() else {
        eprintln!("error: the program itself failed");
        return 1;
    };
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{}: {done} inputs in {seconds:.0} s, {:.0}/s, {answers} kinds of answers, at most {} KiB, the slowest {:.0} ms, {} findings",
        target.name,
        done as f64 / seconds.max(1e-9),
        peak / 1024,
        slowest.0.as_secs_f64() * 1e3,
        findings.len()
    );
    if slowest.0 > Duration::from_secs(1) {
        println!("  the slowest input is in {}", write(&format!("{}-slowest.txt", target.name), &slowest.1));
    }
    for (number, finding) in findings.iter().enumerate() {
        report(target, number + 1, finding);
    }
    findings.len()
}

/// Prints a finding, and writes its input to a file.
fn report(target: &Target, number: usize, finding: &Finding) {
    let file = write(&format!("{}-{number}.txt", target.name), &finding.input);
    let shown: String = finding.input.chars().take(1000).collect();
    let fault: String = finding.fault.chars().take(1000).collect();
    println!("{}: {fault}\n  input, also in {file}:\n{shown}", target.name);
    let _ = std::io::stdout().flush();
}

/// Writes a file beside the pictures of failed tests, and returns its path or why it could not be written.
fn write(name: &str, text: &str) -> String {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../test-output/fuzz"));
    let folder =
        folder.canonicalize().or_else(|_| std::fs::create_dir_all(&folder).and_then(|()| folder.canonicalize()));
    let written = folder.and_then(|folder| std::fs::write(folder.join(name), text).map(|()| folder.join(name)));
    written.map_or_else(|error| format!("no file ({error})"), |file| file.display().to_string())
}
