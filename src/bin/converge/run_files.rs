//! The files that `converge run` writes, and the run that it observes for them.

use crate::commands::{BadInput, STOP};
use crate::options::RunOptions;
use crate::{long_run, output};
use converge::analysis::Analysis;
use converge::analysis::history::HistoryRecorder;
use converge::engine::{Engine, Limits};
use converge::report::TraceLine;
use converge::scenario::{Scenario, micros};
use converge::session::{Run, export, log_text};
use converge::trace::Record;
use std::io::Write;

/// Formats a run as text.
type Export = fn(&Run, &Scenario) -> String;
/// A file to be written, with its name.
type OpenFile = Option<(String, Box<dyn Write>)>;

/// The open files of a run, besides its trace.
pub struct RunFiles {
    history: OpenFile,
    metrics: OpenFile,
    mermaid: OpenFile,
    shiviz: OpenFile,
}

/// Opens the files of a run before it begins: a long run must not end with a file that cannot be opened.
pub fn open(options: &RunOptions) -> Result<RunFiles, BadInput> {
    let open = |file: &Option<String>| -> Result<OpenFile, BadInput> {
        match file {
            None => Ok(None),
            Some(file) => {
                let opened = output::open(file).map_err(|error| failed(file, &error))?;
                Ok(Some((file.clone(), opened)))
            }
        }
    };
    Ok(RunFiles {
        history: open(&options.history)?,
        metrics: open(&options.metrics)?,
        mermaid: open(&options.mermaid)?,
        shiviz: open(&options.shiviz)?,
    })
}

impl RunFiles {
    /// Writes all files.
    pub fn write(self, run: &Run, scenario: &Scenario, history: Option<HistoryRecorder>) -> Result<(), BadInput> {
        if let (Some(file), Some(recorder)) = (self.history, history) {
            write_to(file, &export::history(&recorder, run))?;
        }
        let texts: [(OpenFile, Export); 3] =
            [(self.metrics, export::csv), (self.mermaid, export::mermaid), (self.shiviz, |run, _| export::shiviz(run))];
        for (file, text) in texts.into_iter().filter_map(|(file, text)| Some((file?, text))) {
            write_to(file, &text(run, scenario))?;
        }
        Ok(())
    }
}

fn failed(file: &str, error: &std::io::Error) -> BadInput {
    let file = if file == output::STANDARD { "standard output" } else { output::source(file) };
    BadInput::new(format!("{file}: {error}"))
}

fn write_to((file, out): (String, Box<dyn Write>), text: &str) -> Result<(), BadInput> {
    output::write_to(&file, out, text).map_err(|error| failed(&file, &error))
}

/// Runs a scenario to its end. Writes the trace and records the history during the run, if they are requested.
pub fn observed_run(scenario: &Scenario, options: &RunOptions) -> Result<(Run, Option<HistoryRecorder>), BadInput> {
    let mut trace = match &options.trace {
        None => None,
        Some(file) => {
            let out = output::open(file).map_err(|error| failed(file, &error))?;
            Some((file, TraceWriter { out, index: 0, failed: None }))
        }
    };
    let mut history = options.history.as_ref().map(|_| HistoryRecorder::default());
    let mut observe = |record: &Record, analysis: &Analysis, engine: &Engine| {
        if let Some((_, writer)) = &mut trace {
            writer.write(record, analysis, engine);
        }
        if let Some(recorder) = &mut history {
            recorder.observe(record);
        }
    };
    let mut run = Run::with_limits(scenario, Limits::with_events(options.source.max_events));
    for record in run.engine().trace().since(0) {
        observe(record, run.analysis(), run.engine());
    }
    long_run::complete(&mut run, micros(scenario.until_ms), &STOP, &mut observe);
    if let Some((file, writer)) = trace {
        writer.end().map_err(|error| failed(file, &error))?;
    }
    Ok((run, history))
}

/// Writes each record of a run as it happens.
struct TraceWriter {
    out: Box<dyn Write>,
    index: u64,
    failed: Option<std::io::Error>,
}

impl TraceWriter {
    fn write(&mut self, record: &Record, analysis: &Analysis, engine: &Engine) {
        let sentence = log_text::sentence(record, analysis, engine.names());
        let (index, name, text) = (self.index, sentence.name, sentence.text);
        let line = TraceLine { index, at_us: record.at, name, text, fact: &record.fact };
        self.index += 1;
        let json = serde_json::to_string(&line).expect("a record is valid JSON");
        if self.failed.is_none()
            && let Err(error) = writeln!(self.out, "{json}")
        {
            self.failed = Some(error);
        }
    }

    fn end(mut self) -> std::io::Result<()> {
        match self.failed.map_or_else(|| self.out.flush(), Err) {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }
}
