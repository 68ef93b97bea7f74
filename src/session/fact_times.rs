//! When facts of a run have happened, for code whose lines wait for facts.

use super::log_text;
use super::protocol::Report;
use super::protocol::lesson::FactMark;
use super::run::Run;
use crate::analysis::Analysis;
use crate::trace::{Fact, Names, Record};

/// The maximum number of records that one answer covers.
const MAX_RECORDS: u64 = 20_000;

/// Reports when facts have happened since a record, by its index.
pub(super) fn since(run: &Run, marks: &[FactMark], from: u64) -> Report {
    let trace = run.engine().trace();
    let from = from.max(trace.oldest());
    let next = trace.total().min(from + MAX_RECORDS);
    let mut reached = Vec::new();
    for index in from..next {
        let Some(record) = trace.get(index) else { continue };
        let happened = (0..).zip(marks).filter(|(_, mark)| is_at(run, index, mark));
        reached.extend(happened.map(|(mark, _)| (record.at, mark)));
    }
    Report::Facts { next, reached }
}

/// Returns whether a record, by its index, is of a fact that a mark describes.
pub(super) fn is_at(run: &Run, index: u64, mark: &FactMark) -> bool {
    let record = run.engine().trace().get(index);
    record.is_some_and(|record| matches(mark, record, run.analysis(), run.engine().names()))
}

/// Returns whether a mark describes the fact of a record.
pub fn matches(mark: &FactMark, record: &Record, analysis: &Analysis, names: &Names) -> bool {
    if record.fact.name() != mark.name {
        return false;
    }
    if let Fact::MessageSent { kind, .. } = record.fact
        && mark.kind.is_some_and(|marked| marked != kind)
    {
        return false;
    }
    if let Fact::OperationEnded { outcome, .. } = record.fact
        && mark.outcome.is_some_and(|marked| marked != outcome)
    {
        return false;
    }
    mark.nodes.is_empty() || {
        let nodes = log_text::sentence(record, analysis, names).nodes;
        mark.nodes.len() <= nodes.len()
            && mark.nodes.iter().zip(nodes).all(|(id, node)| names.find_node(id) == Some(node))
    }
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
        let mark = |name: &str| FactMark { name: name.into(), ..FactMark::default() };
        let mut session = Session::default();
        let mut send = |request: Request| session.handle(ToEngine { epoch: 1, request }).report;
        let until = crate::scenario::micros(scenario.until_ms);
        send(Request::Load { scenario: Box::new(scenario), at: until });
        let marks = ["update_applied", "no_fact"].map(mark).into();
        let Report::Facts { reached, .. } = send(Request::Query(Query::Facts { marks, from: 0 })) else { panic!() };
        let times: Vec<u64> = reached.iter().map(|(at, _)| *at).collect();
        assert!(times.len() > 1 && reached.iter().all(|(_, mark)| *mark == 0), "{reached:?}");
        // The run is at its end, so the first comes next.
        for expected in times.iter().chain(&times[..1]) {
            let next = Request::NextFact(mark("update_applied"));
            let Report::Frame(frame) = send(next) else { panic!() };
            assert_eq!(frame.now, *expected);
        }
    }
}
