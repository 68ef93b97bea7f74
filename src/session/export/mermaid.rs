//! The messages of a run as a Mermaid sequence diagram.

use super::record_cursor::RecordCursor;
use crate::language::{decimal, phrase, sentence};
use crate::scenario::{Micros, Scenario, milliseconds};
use crate::session::run::Run;
use crate::session::{content, labels};
use crate::trace::{Fact, MessageId, NodeId, Record, facts_about};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The maximum number of messages of a diagram; Mermaid cannot lay out more.
const MAX_MESSAGES: usize = 500;

/// How a message ended.
#[derive(Debug)]
enum Fate {
    InFlight,
    Delivered,
    Dropped(&'static str),
}

/// Reads the log, and then writes the diagram.
#[derive(Debug)]
pub(super) struct MermaidWriter {
    cursor: RecordCursor,
    /// When each message was sent, and how it ended.
    fates: BTreeMap<MessageId, (Micros, Fate)>,
}

impl MermaidWriter {
    pub fn new(run: &Run) -> Self {
        let trace = run.engine().trace();
        MermaidWriter { cursor: RecordCursor::new(trace), fates: BTreeMap::new() }
    }

    /// Does a part of the work. Returns whether it was the last.
    pub fn write(&mut self, run: &Run, scenario: &Scenario, out: &mut String) -> bool {
        let trace = run.engine().trace();
        for record in self.cursor.next_part(trace) {
            self.read(record);
        }
        let is_read = self.cursor.is_at_end();
        if is_read {
            self.draw(run, scenario, out);
        }
        is_read
    }

    fn read(&mut self, record: &Record) {
        match &record.fact {
            Fact::MessageSent { message, .. } | Fact::MessageDuplicated { copy: message, .. } => {
                self.fates.insert(*message, (record.at, Fate::InFlight));
            }
            Fact::MessageDelivered { message } => {
                if let Some((_, fate)) = self.fates.get_mut(message) {
                    *fate = Fate::Delivered;
                }
            }
            Fact::MessageDropped { message, cause } => {
                if let Some((_, fate)) = self.fates.get_mut(message) {
                    *fate = Fate::Dropped(labels::drop_cause(*cause));
                }
            }
            facts_about!(declarations, requests, events, faults, groups) => {}
        }
    }

    fn draw(&self, run: &Run, scenario: &Scenario, out: &mut String) {
        let (trace, analysis, names) = (run.engine().trace(), run.analysis(), run.engine().names());
        let fates = &self.fates;
        out.push_str("sequenceDiagram\n");
        if !scenario.title.is_empty() {
            let _ = writeln!(out, "    %% {}", scenario.title.replace(['\n', '\r'], " "));
        }
        let skipped = fates.len().saturating_sub(MAX_MESSAGES);
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
                let _ = writeln!(out, "    participant n{} as {}", node.0, escape(names.label(node)));
            }
        }
        for (message, (at, fate)) in fates.iter().skip(skipped) {
            let Some(info) = analysis.messages.recall(*message) else { continue };
            let (arrow, end) = match fate {
                Fate::Delivered => ("->>", String::new()),
                Fate::InFlight => ("--)", phrase(", in flight", ", unterwegs").into()),
                Fate::Dropped(why) => ("-x", sentence!(", dropped: {why}", ", verworfen: {why}")),
            };
            let content = content::message(info, analysis, names);
            let label = escape(&labels::message(info.kind, &content));
            let at = decimal(milliseconds(*at));
            let _ = writeln!(out, "    n{}{arrow}n{}: {label} ({at} ms{end})", info.from.0, info.to.0);
        }
    }
}

/// Escapes the characters that Mermaid interprets.
fn escape(text: &str) -> String {
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
