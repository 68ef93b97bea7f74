//! Exports of a run for other tools: metrics as CSV, messages as a Mermaid diagram or a ShiViz log, operations as a
//! history in Jepsen's format.

use super::protocol::{Charts, ExportKind, WindowBar};
use super::run::Run;
use super::{content, labels, log_text};
use crate::analysis::history::HistoryRecorder;
use crate::analysis::{Sample, Window, queue_depths};
use crate::language::{decimal, phrase, sentence};
use crate::scenario::{Micros, Scenario, Value};
use crate::trace::{Fact, MessageId, Names, NodeId, OperationKind, Outcome, SubscriptionId, facts_about};
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Limit of the queues with separate lines in a chart; more queues have a single line.
const MOST_QUEUES: usize = 64;
/// Limit of the messages of a Mermaid diagram, which cannot lay out more.
const MOST_MESSAGES: usize = 500;

fn ms(us: Micros) -> f64 {
    us as f64 / 1000.0
}

/// Returns metrics as CSV, a line for each of about 400 times. The first line names the columns; `behind:<id>` is a
/// service.
pub fn csv(run: &Run, scenario: &Scenario) -> String {
    let samples = run.metrics();
    let mut out = String::from(
        "t_ms,stale_copies,updates_behind,oldest_ms,messages_in_flight,events_queued,operations_pending,ok,fail,unknown,reads,stale_reads",
    );
    let each = samples.first().is_some_and(|sample| !sample.behind_of.is_empty());
    for service in scenario.services.iter().filter(|_| each) {
        let _ = write!(out, ",behind:{}", service.id);
    }
    for sample in &samples {
        let [ok, fail, unknown] = sample.ended;
        let [reads, stale_reads] = sample.reads;
        let _ = write!(
            out,
            "\n{},{},{},{},{},{},{},{ok},{fail},{unknown},{reads},{stale_reads}",
            ms(sample.at),
            sample.stale,
            sample.behind,
            ms(sample.age),
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
    let each = samples.first().map_or(0, |sample| sample.behind_of.len());
    let behind = match each {
        0 => vec![line(phrase("all services", "alle Services"), &|sample| sample.behind)],
        _ => (0..each).map(|i| line(names.label(NodeId(i as u32)), &|sample| sample.behind_of[i])).collect(),
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
        let depths = queue_depths(&run.context(scenario), &at).filter(|depths| depths.len() <= MOST_QUEUES);
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
    let bar = |Window { update, since, took }| WindowBar {
        update: content::update(update, analysis, names),
        since,
        took: took.unwrap_or(now - since),
        open: took.is_none(),
    };
    let mut all: Vec<WindowBar> = analysis.staleness.windows().map(bar).collect();
    all.sort_by_key(|window| window.since);
    all
}

/// Returns the run as a text for other tools, with a name for its file. What a program reads is English; the labels of a Mermaid
/// diagram and the sentences of a ShiViz log, which people read, are in the language of this thread.
pub(super) fn text(run: &Run, scenario: &Scenario, kind: ExportKind) -> (String, String) {
    let (ending, text) = match kind {
        ExportKind::Csv => ("csv", csv(run, scenario)),
        ExportKind::Mermaid => ("mmd", mermaid(run, scenario)),
        ExportKind::Shiviz => ("shiviz.log", shiviz(run)),
        ExportKind::History => {
            let mut recorder = HistoryRecorder::default();
            let trace = run.engine().trace();
            trace.since(trace.oldest()).for_each(|record| recorder.observe(record));
            ("jsonl", history(&recorder, run.engine().names()))
        }
    };
    (format!("converge.{ending}"), text)
}

/// How a message ended.
enum Fate {
    MessageInFlight,
    Delivered,
    Dropped(&'static str),
}

/// Returns the messages of the log as a Mermaid sequence diagram; the newest if there are too many.
pub fn mermaid(run: &Run, scenario: &Scenario) -> String {
    let (trace, analysis, names) = (run.engine().trace(), run.analysis(), run.engine().names());
    let mut fates: BTreeMap<MessageId, (Micros, Fate)> = BTreeMap::new();
    for record in trace.since(trace.oldest()) {
        match &record.fact {
            Fact::MessageSent { message, .. } | Fact::MessageDuplicated { copy: message, .. } => {
                fates.insert(*message, (record.at, Fate::MessageInFlight));
            }
            Fact::MessageDelivered { message } => {
                if let Some((_, fate)) = fates.get_mut(message) {
                    *fate = Fate::Delivered;
                }
            }
            Fact::MessageDropped { message, cause } => {
                if let Some((_, fate)) = fates.get_mut(message) {
                    *fate = Fate::Dropped(labels::drop_cause(*cause));
                }
            }
            facts_about!(declarations, requests, events, faults, groups) => {}
        }
    }
    let mut out = String::from("sequenceDiagram\n");
    if !scenario.title.is_empty() {
        let _ = writeln!(out, "    %% {}", scenario.title.replace(['\n', '\r'], " "));
    }
    let skipped = fates.len().saturating_sub(MOST_MESSAGES);
    if skipped > 0 || trace.oldest() > 0 {
        let shown = sentence!(
            "the last {} messages; earlier ones are left out",
            "die letzten {} Nachrichten; frühere sind weggelassen",
            fates.len() - skipped
        );
        let _ = writeln!(out, "    %% {shown}");
    }
    for node in 0..names.node_count() as u32 {
        let node = NodeId(node);
        // Members send messages, not their group.
        if names.group(node) != Some(node) {
            let _ = writeln!(out, "    participant n{} as {}", node.0, plain(names.label(node)));
        }
    }
    for (message, (at, fate)) in fates.iter().skip(skipped) {
        let Some(info) = analysis.messages.recall(*message) else { continue };
        let (arrow, end) = match fate {
            Fate::Delivered => ("->>", String::new()),
            Fate::MessageInFlight => ("--)", phrase(", in flight", ", unterwegs").into()),
            Fate::Dropped(why) => ("-x", sentence!(", dropped: {why}", ", verloren: {why}")),
        };
        let content = content::message(info, analysis, names);
        let label = plain(&labels::message(info.kind, &content));
        let at = decimal(ms(*at));
        let _ = writeln!(out, "    n{}{arrow}n{}: {label} ({at} ms{end})", info.from.0, info.to.0);
    }
    out
}

/// Escapes the characters that Mermaid interprets.
fn plain(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '#' | ';' | '%' | '<' | '>' | '&' | '"' | '\\' | '{' | '}' => {
                let _ = write!(escaped, "#{};", u32::from(character));
            }
            control if control.is_control() => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Returns the log in ShiViz's format (Beschastnikh et al. 2016): two lines for each record, the node with its vector
/// clock, and the sentence. ShiViz parses it with its default expression.
pub fn shiviz(run: &Run) -> String {
    let (trace, analysis, names) = (run.engine().trace(), run.analysis(), run.engine().names());
    let mut clocks: Vec<BTreeMap<NodeId, u64>> = vec![BTreeMap::new(); names.node_count()];
    let mut carried: BTreeMap<MessageId, BTreeMap<NodeId, u64>> = BTreeMap::new();
    let mut out = String::new();
    for record in trace.since(trace.oldest()) {
        let sentence = log_text::sentence(record, analysis, names);
        // Declarations and drops do not happen at a node.
        let node = match &record.fact {
            Fact::FlowDeclared { .. } | Fact::MessageDropped { .. } => continue,
            Fact::MessageDelivered { message } => analysis.messages.recall(*message).map(|info| info.to),
            facts_about!(requests, events, faults, groups)
            | Fact::Seeded { .. }
            | Fact::QueueShared { .. }
            | Fact::WorkerDeclared { .. }
            | Fact::StoreShared { .. }
            | Fact::MessageSent { .. }
            | Fact::MessageDuplicated { .. } => sentence.nodes.first().copied(),
        };
        let Some(node) = node else { continue };
        let clock = &mut clocks[node.index()];
        if let Fact::MessageDelivered { message } = &record.fact {
            for (other, count) in carried.remove(message).unwrap_or_default().iter() {
                let own = clock.entry(*other).or_default();
                *own = (*own).max(*count);
            }
        }
        *clock.entry(node).or_default() += 1;
        if let Fact::MessageSent { message, .. } | Fact::MessageDuplicated { copy: message, .. } = &record.fact {
            carried.insert(*message, clock.clone());
        }
        let parts: Vec<String> =
            clock.iter().map(|(node, count)| format!("\"{}\":{count}", names.node(*node))).collect();
        // An event is one line.
        let text = sentence.text.replace(char::is_control, " ");
        let text = sentence!("{text} at {} ms", "{text} bei {} ms", decimal(ms(record.at)));
        let _ = writeln!(out, "{} {{{}}}\n{text}", names.node(node), parts.join(","));
    }
    out
}

/// A value as plain JSON: lists and maps without their tags.
fn bare(value: Option<&Value>) -> serde_json::Value {
    match value {
        Some(Value::List(elements)) => json!(**elements),
        Some(Value::Map(fields)) => json!(**fields),
        Some(Value::Int(_) | Value::Text(_) | Value::Set(_)) | None => json!(value),
    }
}

/// Returns a run's history in Jepsen's format, a JSON object in each line. A separate process first writes the initial
/// values; times are nanoseconds.
pub fn history(recorder: &HistoryRecorder, names: &Names) -> String {
    let mut out = String::new();
    let mut index = 0u64;
    let mut line = |mut event: serde_json::Value| {
        event["index"] = json!(index);
        index += 1;
        let _ = writeln!(out, "{event}");
    };
    let first = recorder.processes().len();
    for (key, value) in recorder.initial_values() {
        let parts: Vec<(&str, serde_json::Value)> = match value {
            Value::Set(elements) => elements.iter().map(|it| ("add", json!(it))).collect(),
            Value::Int(number) if recorder.has_increments(key) => vec![("increment", json!(number))],
            Value::List(elements) => elements.iter().map(|it| ("append", json!(it))).collect(),
            Value::Map(fields) => {
                fields.iter().map(|(name, value)| ("put", json!({ name.to_string(): value }))).collect()
            }
            Value::Int(_) | Value::Text(_) => vec![("write", json!(value))],
        };
        for (f, value) in parts {
            for kind in ["invoke", "ok"] {
                let key = names.qualified_key(key);
                line(json!({ "type": kind, "f": f, "key": key, "value": value, "process": first, "time": 0 }));
            }
        }
    }
    for (event, operation) in recorder.events() {
        let f = match operation.kind {
            OperationKind::Read => "read",
            OperationKind::Write => "write",
            OperationKind::Delete => "delete",
            OperationKind::Add => "add",
            OperationKind::Remove => "remove",
            OperationKind::Increment => "increment",
            OperationKind::CompareAndSet => "cas",
            OperationKind::Put => "put",
            OperationKind::Insert if operation.expected.is_none() => "append",
            OperationKind::Insert => "insert",
            OperationKind::RemoveAt => "remove-at",
        };
        let requested = match operation.kind {
            OperationKind::CompareAndSet => json!([operation.expected, operation.value]),
            OperationKind::Insert if operation.expected.is_some() => json!([operation.expected, operation.value]),
            OperationKind::Put => bare(operation.value.as_ref()),
            OperationKind::Read
            | OperationKind::Write
            | OperationKind::Delete
            | OperationKind::Add
            | OperationKind::Remove
            | OperationKind::Insert
            | OperationKind::RemoveAt
            | OperationKind::Increment => json!(operation.value),
        };
        let (kind, value, us) = match event {
            None => ("invoke", requested, operation.times.0),
            Some(Outcome::Ok) if operation.kind == OperationKind::Read => {
                ("ok", bare(operation.served.as_ref()), operation.times.1)
            }
            Some(Outcome::Ok) => ("ok", requested, operation.times.1),
            Some(Outcome::Fail) => ("fail", requested, operation.times.1),
            Some(Outcome::Unknown) => ("info", requested, operation.times.1),
        };
        line(json!({
            "type": kind, "f": f, "key": names.qualified_key(operation.key), "value": value, "process": operation.process,
            "time": us * 1000, "client": names.node(operation.by), "to": names.node(operation.to),
        }));
    }
    out
}
