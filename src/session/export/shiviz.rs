//! The log of a run in ShiViz's format.

use super::record_cursor::RecordCursor;
use crate::language::{decimal, sentence};
use crate::scenario::milliseconds;
use crate::session::log_text;
use crate::session::run::Run;
use crate::trace::{Fact, MessageId, NodeId, Record, facts_about};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Writes the log, record by record.
#[derive(Debug)]
pub(super) struct ShivizWriter {
    cursor: RecordCursor,
    /// The vector clock of each node.
    clocks: Vec<BTreeMap<NodeId, u64>>,
    /// The vector clock of each message in flight.
    message_clocks: BTreeMap<MessageId, BTreeMap<NodeId, u64>>,
}

impl ShivizWriter {
    pub fn new(run: &Run) -> Self {
        let trace = run.engine().trace();
        let clocks = vec![BTreeMap::new(); run.engine().names().node_count()];
        ShivizWriter { cursor: RecordCursor::new(trace), clocks, message_clocks: BTreeMap::new() }
    }

    /// Writes a part of the log. Returns whether it was the last.
    pub fn write(&mut self, run: &Run, out: &mut String) -> bool {
        let trace = run.engine().trace();
        for record in self.cursor.next_part(trace) {
            self.write_record(run, record, out);
        }
        self.cursor.is_at_end()
    }

    fn write_record(&mut self, run: &Run, record: &Record, out: &mut String) {
        let (analysis, names) = (run.analysis(), run.engine().names());
        let sentence = log_text::sentence(record, analysis, names);
        // Declarations and drops do not happen at a node.
        let node = match &record.fact {
            Fact::FlowDeclared { .. } | Fact::MessageDropped { .. } => return,
            Fact::MessageDelivered { message } => analysis.messages.recall(*message).map(|info| info.to),
            facts_about!(requests, events, faults, groups)
            | Fact::Seeded { .. }
            | Fact::QueueShared { .. }
            | Fact::WorkerDeclared { .. }
            | Fact::StoreShared { .. }
            | Fact::MessageSent { .. }
            | Fact::MessageDuplicated { .. } => sentence.nodes.first().copied(),
        };
        let Some(node) = node else { return };
        let clock = &mut self.clocks[node.index()];
        if let Fact::MessageDelivered { message } = &record.fact {
            for (other, count) in self.message_clocks.remove(message).unwrap_or_default().iter() {
                let own = clock.entry(*other).or_default();
                *own = (*own).max(*count);
            }
        }
        *clock.entry(node).or_default() += 1;
        if let Fact::MessageSent { message, .. } | Fact::MessageDuplicated { copy: message, .. } = &record.fact {
            self.message_clocks.insert(*message, clock.clone());
        }
        let entries: Vec<String> =
            clock.iter().map(|(node, count)| format!("\"{}\":{count}", names.node(*node))).collect();
        // ShiViz reads each event from one line.
        let text = sentence.text.replace(char::is_control, " ");
        let text = sentence!("{text} at {} ms", "{text} bei {} ms", decimal(milliseconds(record.at)));
        let _ = writeln!(out, "{} {{{}}}\n{text}", names.node(node), entries.join(","));
    }
}
