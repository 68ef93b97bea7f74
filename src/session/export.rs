//! Exports of a run for other tools: metrics as CSV, messages as a Mermaid diagram or a ShiViz log, operations as a
//! history in Jepsen's format. All but the metrics, which are few, are written in slices of work.

mod jepsen;
mod mermaid;
mod record_cursor;
mod shiviz;

use super::content;
use super::protocol::{Charts, ExportKind, WindowBar};
use super::run::Run;
use crate::analysis::history::HistoryRecorder;
use crate::analysis::{Sample, Window, queue_depths};
use crate::language::phrase;
use crate::scenario::{Micros, Scenario, milliseconds};
use crate::trace::{NodeId, SubscriptionId};
use jepsen::JepsenWriter;
use mermaid::MermaidWriter;
use shiviz::ShivizWriter;
use std::fmt::Write;

/// Limit of the queues with separate lines in a chart; more queues have a single line.
const MAX_QUEUES: usize = 64;
/// Bytes of one slice of the text, about. A slice crosses to the page in one piece.
const SLICE: usize = 1 << 18;

/// Returns metrics as CSV, a line for each of about 400 times. The first line names the columns; `behind:<id>` is a
/// service.
pub fn csv(run: &Run, scenario: &Scenario) -> String {
    let samples = run.metrics();
    let mut out = String::from(
        "t_ms,stale_copies,updates_behind,oldest_ms,messages_in_flight,events_queued,operations_pending,ok,fail,unknown,reads,stale_reads",
    );
    let has_services = samples.first().is_some_and(|sample| !sample.behind_of.is_empty());
    for service in scenario.services.iter().filter(|_| has_services) {
        let _ = write!(out, ",behind:{}", service.id);
    }
    for sample in &samples {
        let [ok, fail, unknown] = sample.ended;
        let [reads, stale_reads] = sample.reads;
        let _ = write!(
            out,
            "\n{},{},{},{},{},{},{},{ok},{fail},{unknown},{reads},{stale_reads}",
            milliseconds(sample.at),
            sample.stale,
            sample.behind,
            milliseconds(sample.age),
            sample.in_flight,
            sample.queued,
            sample.pending,
        );
        for behind in &sample.behind_of {
            let _ = write!(out, ",{behind}");
        }
    }
    out + "\n"
}

/// Returns the charts of metrics and operations.
pub(super) fn charts(run: &Run, scenario: &Scenario) -> Charts {
    let (samples, names) = (run.metrics(), run.engine().names());
    let line = |name: &str, of: &dyn Fn(&Sample) -> u32| (name.to_string(), samples.iter().map(of).collect());
    let service_count = samples.first().map_or(0, |sample| sample.behind_of.len());
    let behind = match service_count {
        0 => vec![line(phrase("all services", "alle Services"), &|sample| sample.behind)],
        _ => (0..service_count).map(|i| line(names.label(NodeId(i as u32)), &|sample| sample.behind_of[i])).collect(),
    };
    let work = vec![
        line(phrase("messages", "Nachrichten"), &|sample| sample.in_flight),
        line(phrase("operations", "Operationen"), &|sample| sample.pending),
    ];
    let mut counts = vec![
        (phrase("Updates behind", "Fehlende Änderungen").into(), behind),
        (phrase("In flight", "Unterwegs").into(), work),
    ];
    let at: Vec<Micros> = samples.iter().map(|sample| sample.at).collect();
    if !scenario.buses.is_empty() {
        let depths = queue_depths(&run.context(scenario), &at).filter(|depths| depths.len() <= MAX_QUEUES);
        let service = |i: usize| names.label(names.subscription(SubscriptionId(i as u32)).service).to_string();
        counts.push(match depths {
            Some(depths) => {
                let lines = depths.into_iter().enumerate().map(|(i, depth)| (service(i), depth));
                (phrase("Queue depth, by subscriber", "Länge der Warteschlange, nach Abonnent").into(), lines.collect())
            }
            None => (
                phrase("Queue depth", "Länge der Warteschlange").into(),
                vec![line(phrase("all queues", "alle Warteschlangen"), &|sample| sample.queued)],
            ),
        });
    }
    let operations = run.timed().copied().collect();
    Charts { at, counts, operations, windows: windows(run) }
}

/// The inconsistency windows, in the order of their start.
fn windows(run: &Run) -> Vec<WindowBar> {
    let (analysis, names, now) = (run.analysis(), run.engine().names(), run.engine().now());
    let is_missed_again = |update| {
        let info = analysis.updates.get(update);
        info.is_some_and(|info| analysis.staleness.is_missed_again(info.key, info.version))
    };
    let bar = |Window { update, since, took }| WindowBar {
        update: content::update(update, analysis, names),
        since,
        took: took.unwrap_or(now - since),
        open: took.is_none(),
        missed_again: took.is_some() && is_missed_again(update),
    };
    let mut all: Vec<WindowBar> = analysis.staleness.windows().map(bar).collect();
    all.sort_by_key(|window| window.since);
    all
}

/// Writes the text of a run for other tools, in slices. It is about the records of the instant when it begins; the run may go
/// on meanwhile, but not back.
#[derive(Debug)]
pub(super) struct RunExport {
    kind: ExportKind,
    /// Number of slices so far.
    slices: u32,
    text: TextWriter,
}

/// What is written, in which format.
#[derive(Debug)]
enum TextWriter {
    Csv,
    Mermaid(MermaidWriter),
    Shiviz(ShivizWriter),
    Jepsen(Box<JepsenWriter>),
}

impl RunExport {
    /// Begins the export of a run.
    pub fn begin(run: &Run, kind: ExportKind) -> Self {
        let text = match kind {
            ExportKind::Csv => TextWriter::Csv,
            ExportKind::Mermaid => TextWriter::Mermaid(MermaidWriter::new(run)),
            ExportKind::Shiviz => TextWriter::Shiviz(ShivizWriter::new(run)),
            ExportKind::History => TextWriter::Jepsen(Box::new(JepsenWriter::new(run))),
        };
        RunExport { kind, slices: 0, text }
    }

    /// Returns whether a request for a slice continues this export.
    pub fn is_continued_by(&self, kind: ExportKind, slice: u32) -> bool {
        self.kind == kind && self.slices == slice
    }

    /// Returns the name of the file.
    pub fn name(&self) -> String {
        let ending = match self.kind {
            ExportKind::Csv => "csv",
            ExportKind::Mermaid => "mmd",
            ExportKind::Shiviz => "shiviz.log",
            ExportKind::History => "jsonl",
        };
        format!("converge.{ending}")
    }

    /// Returns the next slice of the text, and whether there is more. What a program reads is English; the labels of a Mermaid
    /// diagram and the sentences of a ShiViz log, which people read, are in the language of this thread. `pauses` is called
    /// before each part of the work; the first part is always done.
    pub fn next_slice(&mut self, run: &Run, scenario: &Scenario, pauses: &dyn Fn() -> bool) -> (String, bool) {
        self.slices += 1;
        let mut out = String::new();
        let mut is_over = false;
        while !is_over {
            is_over = match &mut self.text {
                TextWriter::Csv => {
                    out.push_str(&csv(run, scenario));
                    true
                }
                TextWriter::Mermaid(writer) => writer.write(run, scenario, &mut out),
                TextWriter::Shiviz(writer) => writer.write(run, &mut out),
                TextWriter::Jepsen(writer) => writer.write(run, &mut out),
            };
            if out.len() >= SLICE || pauses() {
                break;
            }
        }
        (out, !is_over)
    }
}

/// Returns the messages of the log as a Mermaid sequence diagram; the newest if there are too many.
pub fn mermaid(run: &Run, scenario: &Scenario) -> String {
    let (mut writer, mut out) = (MermaidWriter::new(run), String::new());
    while !writer.write(run, scenario, &mut out) {}
    out
}

/// Returns the log in ShiViz's format (Beschastnikh et al. 2016): two lines for each record, the node with its vector
/// clock, and the sentence. ShiViz parses it with its default expression.
pub fn shiviz(run: &Run) -> String {
    let (mut writer, mut out) = (ShivizWriter::new(run), String::new());
    while !writer.write(run, &mut out) {}
    out
}

/// Returns a run's history in Jepsen's format, a JSON object in each line. A separate process first writes the initial
/// values; times are nanoseconds. Additional fields state what clients do not observe.
pub fn history(recorder: &HistoryRecorder, run: &Run) -> String {
    let (mut lines, mut out) = (jepsen::Lines::default(), String::new());
    while !lines.write(recorder, run, &mut out) {}
    out
}

#[cfg(test)]
mod tests {
    use super::windows;
    use crate::scenario::{examples, micros};
    use crate::session::run::Run;

    #[test]
    fn a_window_whose_update_a_copy_has_lost_again_is_marked() {
        let mut run = Run::new(&examples::find("reordering").expect("an example").scenario());
        let marked = |run: &Run| windows(run).iter().filter(|window| window.missed_again).count();
        run.complete(micros(1_500.0));
        assert_eq!(marked(&run), 0);
        run.complete(micros(5_000.0));
        assert_eq!(marked(&run), 1);
        assert!(windows(&run).iter().all(|window| !(window.open && window.missed_again)));
    }
}
