//! When facts of a run have happened, for code whose lines wait for facts.

use super::log_text;
use super::protocol::Report;
use super::run::Run;
use crate::trace::NodeId;

/// The maximum number of records that one answer covers.
const MAX_RECORDS: u64 = 20_000;

/// Reports when facts have happened since a record, by its index. A fact is given by its name and, if it matters, by the
/// node that it is about first.
pub(super) fn since(run: &Run, marks: &[(String, Option<NodeId>)], from: u64) -> Report {
    let trace = run.engine().trace();
    let from = from.max(trace.oldest());
    let next = trace.total().min(from + MAX_RECORDS);
    let mut reached = Vec::new();
    for index in from..next {
        let Some(record) = trace.get(index) else { continue };
        let mark = marks.iter().position(|(name, node)| is_at(run, index, name, *node));
        reached.extend(mark.map(|mark| (record.at, mark as u32)));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::examples;
    use crate::session::Session;
    use crate::session::protocol::{Query, Request, ToEngine};

    #[test]
    fn the_next_time_of_a_fact_follows_and_after_the_last_comes_the_first() {
        let scenario = examples::find("inventory-notification").expect("an example").scenario();
        let mut session = Session::default();
        let mut send = |request: Request| session.handle(ToEngine { epoch: 1, request }).report;
        let until = crate::scenario::micros(scenario.until_ms);
        send(Request::Load { scenario: Box::new(scenario), at: until });
        let marks = vec![("update_applied".to_string(), None), ("no_fact".to_string(), None)];
        let Report::Facts { reached, .. } = send(Request::Query(Query::Facts { marks, from: 0 })) else { panic!() };
        let times: Vec<u64> = reached.iter().map(|(at, _)| *at).collect();
        assert!(times.len() > 1 && reached.iter().all(|(_, mark)| *mark == 0), "{reached:?}");
        // The run is at its end, so the first comes next.
        for expected in times.iter().chain(&times[..1]) {
            let next = Request::NextFact { name: "update_applied".into(), node: None };
            let Report::Frame(frame) = send(next) else { panic!() };
            assert_eq!(frame.now, *expected);
        }
    }
}
