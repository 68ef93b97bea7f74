//! When facts of a run have happened, for code whose lines wait for facts.

use super::log_text;
use super::protocol::Report;
use super::run::Run;
use crate::trace::NodeId;

/// The greatest number of records that one answer covers.
const MOST_RECORDS: u64 = 20_000;

/// Reports when facts have happened since a record, by its index. A fact is given by its name and, if it matters, by the
/// node that it is about first.
pub(super) fn since(run: &Run, marks: &[(String, Option<NodeId>)], from: u64) -> Report {
    let trace = run.engine().trace();
    let from = from.max(trace.oldest());
    let next = trace.total().min(from + MOST_RECORDS);
    let mut reached = Vec::new();
    for index in from..next {
        let Some(record) = trace.get(index) else { continue };
        let place = marks.iter().position(|(name, node)| is_at(run, index, name, *node));
        reached.extend(place.map(|place| (record.at, place as u32)));
    }
    Report::Facts { next, reached }
}

/// Returns whether a record, by its index, is of a fact with this name, which is about this node first.
pub(super) fn is_at(run: &Run, index: u64, name: &str, node: Option<NodeId>) -> bool {
    let Some(record) = run.engine().trace().get(index).filter(|record| record.fact.name() == name) else {
        return false;
    };
    node.is_none_or(|node| {
        let sentence = log_text::sentence(record, run.analysis(), run.engine().names());
        sentence.nodes.first() == Some(&node)
    })
}
