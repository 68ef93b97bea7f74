//! Cases from outside: what messaging systems do, each in a small scenario under `tests/outside/` with the right result.

mod common;

use common::runs;
use converge::report::RunReport;
use converge::scenario::{Scenario, Value};
use converge::session::Run;
use converge::trace::{Fact, MessageKind, NodeId};

fn outside(name: &str) -> Scenario {
    let path = format!("{}/tests/outside/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    Scenario::from_json(&text).unwrap_or_else(|errors| panic!("{name}: {errors:?}"))
}

#[allow(dead_code, reason = "each case uses some of this")]
/// A run of a scenario to its end, with its facts.
struct Outcome {
    run: Run,
    facts: Vec<(u64, Fact)>,
    report: RunReport,
}

fn outcome(scenario: &Scenario) -> Outcome {
    let (run, facts) = runs::run_with_facts(scenario);
    let report = RunReport::new(&run, scenario);
    Outcome { run, facts, report }
}

#[allow(dead_code, reason = "each case uses some of this")]
impl Outcome {
    fn value(&self, service: &str, key: &str) -> Option<Value> {
        self.report.services[service].keys.get(key).and_then(|copy| copy.value.clone())
    }

    fn node(&self, id: &str) -> NodeId {
        runs::node(&self.run, id)
    }

    /// The times, ms, of facts and what they are about.
    fn select<T>(&self, select: impl Fn(&Fact) -> Option<T>) -> Vec<(u64, T)> {
        self.facts.iter().filter_map(|(at, fact)| Some((at / 1000, select(fact)?))).collect()
    }

    /// The consumers that the bus sent events to, with the times, ms.
    fn deliveries(&self) -> Vec<(u64, String)> {
        let names = self.run.engine().names();
        self.select(|fact| match fact {
            Fact::EventSent { subscription, .. } => Some(names.node(names.subscription(*subscription).service).into()),
            _ => None,
        })
    }
}

#[test]
fn change_data_capture_publishes_all_that_follow_a_lost_event_again() {
    let outcome = outcome(&outside("m-cdc-order"));
    assert_eq!(outcome.value("view", "k"), Some(2.into()));
    assert_eq!(outcome.report.convergence.verdict, "converged");
    // The relay sent the second event twice, and the bus accepted both events in the order of the commits.
    let publications = outcome.select(|fact| match fact {
        Fact::MessageSent { kind: MessageKind::Publish, update, .. } => *update,
        _ => None,
    });
    let of = |id: u32| publications.iter().filter(|(_, update)| update.0 == id).count();
    assert_eq!((of(0), of(1)), (2, 2), "{publications:?}");
    let accepted = outcome.select(|fact| match fact {
        Fact::EventPublished { update, .. } => Some(update.0),
        _ => None,
    });
    assert_eq!(accepted.iter().map(|(_, update)| *update).collect::<Vec<u32>>(), [0, 1]);
}
