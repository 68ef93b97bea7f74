//! What `converge run` prints. The fields of `--json` are described in the README.

use converge::analysis::{Copy, CopyState, Stands};
use converge::engine::{EventCounts, Halt, MessageCounts};
use converge::scenario::{Micros, Scenario, Value, micros};
use converge::session::{Run, reasons, words};
use converge::trace::{Fact, NodeId};
use serde::Serialize;
use std::collections::BTreeMap;

/// Whether the copies come to agree.
#[derive(Serialize)]
pub struct ConvergenceReport {
    /// `converged`, `converging`, `will not converge` or `unknown`.
    pub verdict: &'static str,
    /// What that rests on, a sentence each.
    pub because: Vec<String>,
}

/// How an invariant of the scenario stands.
#[derive(Serialize)]
pub struct InvariantReport {
    pub invariant: String,
    /// `holds`, `violated` or `unknown`.
    pub verdict: &'static str,
    /// When it was broken first, ms.
    pub at_ms: Option<f64>,
    /// By which values, or why nobody can tell.
    pub because: String,
}

/// What came of a run.
#[derive(Serialize)]
pub struct Report {
    pub title: String,
    pub seed: u64,
    /// XXH3-64 of the trace, 16 hexadecimal digits.
    pub digest: String,
    /// Events of the engine: arrivals, timers, commands.
    pub events: u64,
    /// Records of the trace.
    pub records: u64,
    /// Where the run stands, ms.
    pub end_ms: f64,
    /// Whether something is still due after that.
    pub unfinished: bool,
    /// Why the run could not go on, if so.
    pub halted: Option<&'static str>,
    pub copies: Copies,
    pub services: BTreeMap<String, ServiceReport>,
    pub clients: BTreeMap<String, ClientReport>,
    pub convergence: ConvergenceReport,
    /// The scenario's invariants, in the order of the document.
    pub invariants: Vec<InvariantReport>,
    /// Acknowledged writes of replica groups that others took the place of, unseen.
    pub lost_updates: u64,
    pub messages: MessageCounts,
    pub buses: BTreeMap<String, EventCounts>,
    /// Promises of the scenario that the run missed, in words.
    pub missed: Vec<String>,
}

#[derive(Serialize)]
pub struct Copies {
    pub total: u32,
    pub stale: u32,
    pub diverged: u32,
    /// Those that show siblings.
    pub conflicted: u32,
    /// The inconsistency window that closed last, ms.
    pub last_window_ms: Option<f64>,
}

#[derive(Serialize)]
pub struct ServiceReport {
    /// `consistent`, `conflicted`, `diverged`, `stale` or `down`: the worst of its copies.
    pub state: CopyState,
    pub keys: BTreeMap<String, CopyReport>,
}

#[derive(Serialize)]
pub struct CopyReport {
    /// What a read would return; null for an absent key.
    pub value: Option<Value>,
    /// What a read returns, where that is more than one value.
    pub siblings: Vec<Value>,
    /// Version counter; 0 for an absent key.
    pub version: u32,
    /// Where a clock orders the register: its reading when this was written.
    pub clock_ms: Option<f64>,
    pub state: CopyState,
    /// Acknowledged updates that it does not reflect.
    pub behind: u32,
    /// Since when, ms.
    pub stale_since_ms: Option<f64>,
}

#[derive(Serialize)]
pub struct ClientReport {
    pub ok: u64,
    pub fail: u64,
    pub unknown: u64,
    pub pending: u32,
    pub reads: u64,
    pub stale_reads: u64,
}

/// A line of `--trace`.
#[derive(Serialize)]
pub struct TraceLine<'a> {
    pub index: u64,
    pub at_us: Micros,
    pub name: &'static str,
    pub text: String,
    pub fact: &'a Fact,
}

fn ms(us: Micros) -> f64 {
    us as f64 / 1000.0
}

impl Report {
    pub fn new(run: &Run, scenario: &Scenario) -> Self {
        let (engine, analysis) = (run.engine(), run.analysis());
        let node = |id: &str| engine.names().find_node(id).unwrap_or(NodeId(0));
        let services =
            scenario.services.iter().map(|service| (service.id.clone(), service_report(run, node(&service.id))));
        // The person at the page is a client of the service itself, and stands under its id.
        let askers = scenario.services.iter().map(|service| &service.id);
        let clients = scenario.clients.iter().map(|client| &client.id).chain(askers).filter_map(|id| {
            let tally = analysis.operations.get(node(id))?;
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
        let look = run.look(scenario);
        let (verdict, because) = reasons::convergence(&run.convergence(scenario), &look);
        Report {
            title: scenario.title.clone(),
            seed: scenario.seed,
            digest: engine.trace().digest().hex(),
            events: engine.events(),
            records: engine.trace().total(),
            end_ms: ms(engine.now().min(micros(scenario.until_ms))),
            unfinished: engine.next_at().is_some(),
            halted: engine.halt().map(|halt| match halt {
                Halt::TooManyMessages => "too many messages under way",
            }),
            copies: Copies {
                total: analysis.staleness.copies(),
                stale: analysis.staleness.stale(),
                diverged: analysis.staleness.diverged(),
                conflicted: analysis.staleness.conflicted(),
                last_window_ms: analysis.staleness.last_window().map(|(_, took)| ms(took)),
            },
            convergence: ConvergenceReport { verdict, because },
            invariants: scenario.invariants.iter().zip(run.invariants()).map(invariant).collect(),
            services: services.collect(),
            clients: clients.collect(),
            lost_updates: analysis.lost.count(),
            messages: engine.messages(),
            buses: scenario.buses.iter().map(|bus| bus.id.clone()).zip(engine.bus_events()).collect(),
            missed: run.missed(&scenario.promises),
        }
    }

    /// The report for people.
    pub fn text(&self) -> String {
        let mut lines = vec![
            format!("{} (seed {})", if self.title.is_empty() { "untitled" } else { &self.title }, self.seed),
            format!("digest {}  events {}  end {} ms", self.digest, self.events, self.end_ms),
            String::new(),
        ];
        for (id, service) in &self.services {
            lines.push(format!("{id}: {}", service.state.name()));
            for (key, copy) in &service.keys {
                let value = copy.value.as_ref().map_or("absent".to_string(), ToString::to_string);
                let behind = match (copy.behind, copy.stale_since_ms) {
                    (0, _) | (_, None) => String::new(),
                    (behind, Some(since)) => {
                        let for_how_long = ((self.end_ms - since) * 1000.0).max(0.0) as Micros;
                        format!(", {behind} behind for {}", words::duration(for_how_long))
                    }
                };
                let version = copy.clock_ms.map_or_else(|| format!("v{}", copy.version), |ms| format!("@{ms} ms"));
                lines.push(format!("  {key} = {value} ({version}) {}{behind}", copy.state.name()));
            }
        }
        lines.push(format!("convergence: {}", self.convergence.verdict));
        lines.extend(self.convergence.because.iter().map(|why| format!("  {why}")));
        for it in &self.invariants {
            let at = it.at_ms.map(|ms| format!(" at {ms} ms")).unwrap_or_default();
            let because = if it.because.is_empty() { String::new() } else { format!(": {}", it.because) };
            lines.push(format!("invariant {}: {}{at}{because}", it.invariant, it.verdict));
        }
        for (id, client) in &self.clients {
            lines.push(format!(
                "operations of {id}: {} ok, {} fail, {} unknown, {} pending; {} reads, {} of them stale",
                client.ok, client.fail, client.unknown, client.pending, client.reads, client.stale_reads
            ));
        }
        if self.lost_updates > 0 {
            lines.push(format!("lost updates: {}", self.lost_updates));
        }
        let m = &self.messages;
        lines.push(format!(
            "messages: {} sent, {} duplicated, {} delivered, {} lost, {} met a cut link, {} met a service that was down, {} under way",
            m.sent, m.duplicated, m.delivered, m.dropped_loss, m.dropped_link_cut, m.dropped_receiver_down, m.in_flight
        ));
        lines.extend(self.halted.map(|why| format!("halted: {why}")));
        lines.extend(self.missed.iter().map(|promise| format!("missed promise: {promise}")));
        lines.join("\n") + "\n"
    }
}

fn invariant((text, stands): (&String, Stands)) -> InvariantReport {
    let (verdict, at_ms, because) = match stands {
        Stands::Holds => ("holds", None, String::new()),
        Stands::Unknown => ("unknown", None, reasons::NEVER_LOOKED.into()),
        Stands::Violated { at, said, .. } => ("violated", Some(ms(at)), said),
    };
    InvariantReport { invariant: text.clone(), verdict, at_ms, because }
}

fn service_report(run: &Run, node: NodeId) -> ServiceReport {
    let staleness = &run.analysis().staleness;
    let copy = |copy: &Copy| CopyReport {
        value: copy.held().and_then(|held| held.value.clone()),
        siblings: copy.siblings().to_vec(),
        clock_ms: copy.held().and_then(|held| held.version.reading()).map(|us| us as f64 / 1000.0),
        version: copy.held().map_or(0, |held| held.version.counter),
        state: copy.state(),
        behind: copy.behind(),
        stale_since_ms: copy.stale_since().map(ms),
    };
    let keys = staleness.copies_of(node).map(|(key, it)| (run.engine().names().key(key).to_string(), copy(it)));
    ServiceReport { state: staleness.state(node), keys: keys.collect() }
}
