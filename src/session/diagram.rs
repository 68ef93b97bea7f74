//! The messages of the space-time diagram.

use super::content;
use super::protocol::{DiagramMessage, MessageContent};
use super::run::Run;
use crate::analysis::Quorums;
use crate::scenario::{Micros, Scenario};
use crate::trace::{Fact, MessageId, facts_about};
use std::collections::BTreeMap;

/// Limit of messages.
const MAX_MESSAGES: usize = 1500;

/// Returns the messages that were in flight between two times, in the order of their sending; the newest if there are
/// too many.
pub(super) fn messages(run: &Run, scenario: &Scenario, from: Micros, to: Micros) -> Vec<DiagramMessage> {
    let (trace, analysis, names) = (run.engine().trace(), run.analysis(), run.engine().names());
    let mut messages: BTreeMap<MessageId, DiagramMessage> = BTreeMap::new();
    for record in trace.since(trace.oldest()) {
        match &record.fact {
            Fact::MessageSent { message, .. } | Fact::MessageDuplicated { copy: message, .. } if record.at <= to => {
                let Some(info) = analysis.messages.recall(*message) else { continue };
                let view = DiagramMessage {
                    id: message.0,
                    from: info.from,
                    to: info.to,
                    kind: info.kind,
                    content: MessageContent::Empty,
                    sent: record.at,
                    end: None,
                    dropped: false,
                    late: false,
                };
                messages.insert(*message, view);
            }
            Fact::MessageDelivered { message } | Fact::MessageDropped { message, .. } => {
                if record.at < from {
                    messages.remove(message);
                } else if let Some(message) = messages.get_mut(message) {
                    message.end = Some(record.at);
                    message.dropped = matches!(record.fact, Fact::MessageDropped { .. });
                }
            }
            facts_about!(declarations, requests, events, faults, groups)
            | Fact::MessageSent { .. }
            | Fact::MessageDuplicated { .. } => {}
        }
    }
    let skip = messages.len().saturating_sub(MAX_MESSAGES);
    let quorums = Quorums::read(&run.context(scenario));
    let filled = messages.into_iter().skip(skip).map(|(id, message)| {
        let (content, late) = match quorums.response(id) {
            Some((to, late)) => (MessageContent::Response(content::operation(to, analysis, names)), late),
            None => {
                let info = analysis.messages.recall(id);
                (info.map_or(MessageContent::Empty, |info| content::message(info, analysis, names)), false)
            }
        };
        DiagramMessage { content, late, ..message }
    });
    filled.collect()
}
