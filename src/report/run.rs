//! The report of one run.

use crate::analysis::{CopyState, InvariantStatus, KeyCopy};
use crate::engine::{EventCounts, Limits, MessageCounts};
use crate::scenario::{Micros, Scenario, Value, micros};
use crate::session::{Run, halt_text, reasons};
use crate::trace::{Fact, NodeId};
use serde::Serialize;
use std::collections::BTreeMap;

/// Whether the copies come to agree.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct ConvergenceReport {
    /// `converged`, `converging`, `will not converge` or `unknown`.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(extend("enum" = ["converged", "converging", "will not converge", "unknown"])))]
    pub verdict: &'static str,
    /// The reasons for the verdict, a sentence each.
    pub because: Vec<String>,
}

/// The verdict on an invariant of the scenario.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct InvariantReport {
    /// The invariant as it is written in the scenario.
    pub invariant: String,
    /// `holds`, `violated` or `unknown`.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(extend("enum" = ["holds", "violated", "unknown"])))]
    pub verdict: &'static str,
    /// The time of the first violation, ms.
    pub at_ms: Option<f64>,
    /// The values that violate it, or why the verdict is unknown.
    pub because: String,
}

/// The result of one run.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct RunReport {
    /// Why the run was halted before its end, a sentence that names the limit, the nodes and the loop; or null. The verdicts
    /// on a halted run are unknown.
    pub halted: Option<String>,
    /// The scenario's title.
    pub title: String,
    /// The seed of the run.
    pub seed: u64,
    /// XXH3-64 of the trace, 16 hexadecimal digits.
    pub digest: String,
    /// Events that the engine processed: arrivals, timers and commands.
    pub events: u64,
    /// Records of the trace.
    pub records: u64,
    /// The time at which the run ended, ms.
    pub end_ms: f64,
    /// Whether events remain that are due later.
    pub unfinished: bool,
    /// All copies together.
    pub copies: CopiesReport,
    /// Services by id.
    pub services: BTreeMap<String, ServiceReport>,
    /// Clients by id. The user at the page is listed under the id of the service that the user operates.
    pub clients: BTreeMap<String, ClientReport>,
    /// Whether the copies come to agree.
    pub convergence: ConvergenceReport,
    /// The scenario's invariants, in the order of the document.
    pub invariants: Vec<InvariantReport>,
    /// Acknowledged writes of replica groups that a write unaware of them replaced, or that their group rolled back, deletions whose
    /// older value came back, and updates whose last copy was lost with a disk, as a read showed.
    pub lost_updates: u64,
    /// Messages by their fate.
    pub messages: MessageCounts,
    /// Event buses by id, over all subscriptions.
    pub buses: BTreeMap<String, EventCounts>,
    /// Promises of the scenario that the run missed, a sentence each.
    pub missed: Vec<String>,
}

/// Counts of copies by state.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct CopiesReport {
    /// All copies.
    pub total: u32,
    /// Copies that lack an acknowledged update.
    pub stale: u32,
    /// Copies that differ from the reference without lacking an update.
    pub diverged: u32,
    /// Copies with more than one value (siblings).
    pub conflicted: u32,
    /// The inconsistency window that closed last, ms.
    pub last_window_ms: Option<f64>,
}

/// The state of a service.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct ServiceReport {
    /// The worst state of its copies: `consistent`, `conflicted`, `diverged`, `stale` or `down`.
    pub state: CopyState,
    /// Its copies by key.
    pub keys: BTreeMap<String, CopyReport>,
}

/// The state of a copy of a key.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct CopyReport {
    /// The value that a read returns; null for an absent key.
    pub value: Option<Value>,
    /// All values that a read returns, where there are several.
    pub siblings: Vec<Value>,
    /// Version counter; 0 for an absent key.
    pub version: u32,
    /// The clock reading of the write, ms, where a clock orders the register.
    pub clock_ms: Option<f64>,
    /// `consistent`, `conflicted`, `diverged`, `stale` or `down`.
    pub state: CopyState,
    /// Acknowledged updates that it does not reflect; a diverged copy has applied them, and lost them again.
    pub behind: u32,
    /// The time since which it has been stale or diverged without having been consistent in between, ms.
    pub stale_since_ms: Option<f64>,
}

/// Operations of a client by outcome.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct ClientReport {
    /// Operations that succeeded.
    pub ok: u64,
    /// Operations that failed.
    pub fail: u64,
    /// Operations that timed out, so that their effect is unknown.
    pub unknown: u64,
    /// Operations that had not ended when the run did.
    pub pending: u32,
    /// Reads that succeeded.
    pub reads: u64,
    /// Reads that lacked an update acknowledged before they were issued.
    pub stale_reads: u64,
}

/// A line of `--trace`.
#[derive(Clone, Debug, Serialize)]
pub struct TraceLine<'a> {
    /// The number of the record in the trace.
    pub index: u64,
    /// The time of the record, µs.
    pub at_us: Micros,
    /// The name of the fact.
    pub name: &'static str,
    /// The sentence of the page's log.
    pub text: String,
    /// The fact.
    pub fact: &'a Fact,
}

fn ms(us: Micros) -> f64 {
    us as f64 / 1000.0
}

impl RunReport {
    /// Runs a scenario to its end, or until it has processed `max_events` events, and reports the result.
    pub fn of(scenario: &Scenario, max_events: u64) -> Self {
        let mut run = Run::with_limits(scenario, Limits::with_events(max_events));
        run.complete(micros(scenario.until_ms));
        RunReport::new(&run, scenario)
    }

    /// Reports the state of a run of `scenario`.
    pub fn new(run: &Run, scenario: &Scenario) -> Self {
        let (engine, analysis) = (run.engine(), run.analysis());
        let node = |id: &str| engine.names().find_node(id).unwrap_or(NodeId(0));
        let services =
            scenario.services.iter().map(|service| (service.id.clone(), service_report(run, node(&service.id))));
        let clients = scenario.clients.iter().map(|client| (&client.id, analysis.operations.get(node(&client.id))));
        // The user at the page operates a service directly and is listed under its id.
        let services_of_page = scenario.services.iter().map(|service| &service.id);
        let users = services_of_page.map(|id| (id, analysis.operations.of_page(node(id))));
        let clients = clients.chain(users).filter_map(|(id, tally)| {
            let tally = tally?;
            let report = ClientReport {
                ok: tally.ok,
                fail: tally.fail,
                unknown: tally.unknown,
                pending: tally.pending,
                reads: tally.reads,
                stale_reads: tally.stale_reads,
            };
            Some((id.clone(), report))
        });
        let context = run.context(scenario);
        let (judged, repeated) = run.judge(scenario);
        let (verdict, because) = reasons::convergence_with(&judged, &repeated, &context);
        RunReport {
            halted: halt_text::sentence(run),
            title: scenario.title.clone(),
            seed: scenario.seed,
            digest: engine.trace().digest().hex(),
            events: engine.events(),
            records: engine.trace().total(),
            end_ms: ms(engine.now().min(micros(scenario.until_ms))),
            unfinished: engine.next_at().is_some(),
            copies: CopiesReport {
                total: analysis.staleness.copies(),
                stale: analysis.staleness.stale(),
                diverged: analysis.staleness.diverged(),
                conflicted: analysis.staleness.conflicted(),
                last_window_ms: analysis.staleness.last_window().map(|(_, took)| ms(took)),
            },
            convergence: ConvergenceReport { verdict, because },
            invariants: invariants(run, scenario),
            services: services.collect(),
            clients: clients.collect(),
            lost_updates: analysis.lost.count(),
            messages: engine.messages(),
            buses: scenario.buses.iter().map(|bus| bus.id.clone()).zip(engine.bus_events()).collect(),
            missed: run.missed(&scenario.promises),
        }
    }
}

fn invariants(run: &Run, scenario: &Scenario) -> Vec<InvariantReport> {
    let why = reasons::unknown_invariant(run);
    let statuses = scenario.invariants.iter().zip(run.invariants());
    statuses.map(|(text, status)| invariant_report(text, status, why)).collect()
}

/// `why_unknown` is the reason for an unknown status.
fn invariant_report(text: &str, verdict: InvariantStatus, why_unknown: &str) -> InvariantReport {
    let (verdict, at_ms, because) = match verdict {
        InvariantStatus::Holds => ("holds", None, String::new()),
        InvariantStatus::Unknown => ("unknown", None, why_unknown.into()),
        InvariantStatus::Violated { at, values, .. } => ("violated", Some(ms(at)), values.get().into()),
    };
    InvariantReport { invariant: text.into(), verdict, at_ms, because }
}

fn service_report(run: &Run, node: NodeId) -> ServiceReport {
    let staleness = &run.analysis().staleness;
    let copy = |copy: &KeyCopy| CopyReport {
        value: copy.held_at(node).and_then(|held| held.value.clone()),
        siblings: copy.siblings().to_vec(),
        clock_ms: copy.held_at(node).and_then(|held| held.version.reading()).map(|us| us as f64 / 1000.0),
        version: copy.held_at(node).map_or(0, |held| held.version.counter),
        state: copy.state(),
        behind: copy.behind(),
        stale_since_ms: copy.stale_since().map(ms),
    };
    let keys =
        staleness.copies_of(node).map(|(key, key_copy)| (run.engine().names().key(key).to_string(), copy(key_copy)));
    ServiceReport { state: staleness.state(node), keys: keys.collect() }
}
