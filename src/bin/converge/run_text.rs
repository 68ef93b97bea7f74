//! Formats the report of `converge run`.

use crate::output;
use converge::analysis::CopyState;
use converge::report::{CopyReport, RunReport};
use converge::scenario::Micros;
use converge::session::labels;

/// Formats the report of a run.
pub fn text(report: &RunReport) -> String {
    let mut lines: Vec<String> = report.halted.iter().map(|why| labels::capitalized(why)).collect();
    lines.extend([
        format!("{} (seed {})", if report.title.is_empty() { "untitled" } else { &report.title }, report.seed),
        format!("digest {}  events {}  end {} ms", report.digest, report.events, report.end_ms),
        String::new(),
    ]);
    for (id, service) in &report.services {
        lines.push(format!("{id}: {}", service.state.name()));
        lines.extend(service.keys.iter().map(|(key, copy)| copy_line(key, copy, report.end_ms)));
    }
    lines.push(format!("convergence: {}", report.convergence.verdict));
    lines.extend(report.convergence.because.iter().map(|reason| format!("  {reason}")));
    for invariant in &report.invariants {
        let at = invariant.at_ms.map(|ms| format!(" at {ms} ms")).unwrap_or_default();
        let because = if invariant.because.is_empty() { String::new() } else { format!(": {}", invariant.because) };
        lines.push(format!("invariant {}: {}{at}{because}", invariant.invariant, invariant.verdict));
    }
    for (id, client) in &report.clients {
        lines.push(format!(
            "operations of {id}: {} ok, {} fail, {} unknown, {} pending; reads: {} ok, {} of them stale",
            client.ok, client.fail, client.unknown, client.pending, client.reads, client.stale_reads
        ));
    }
    if report.lost_updates > 0 {
        lines.push(format!("lost updates: {}", report.lost_updates));
    }
    for (id, events) in &report.buses {
        lines.push(format!(
            "events of {id}: {} published, {} acknowledged, {} queued, {} delivered and unacknowledged, {} dead-lettered, \
             {} expired, {} discarded",
            events.published,
            events.acknowledged,
            events.queued,
            events.in_flight,
            events.dead_lettered,
            events.expired,
            events.discarded
        ));
    }
    let messages = &report.messages;
    lines.push(format!(
        "messages: {} sent, {} duplicated, {} delivered, {} dropped by loss, {} by a disturbance, {} by a cut link, \
         {} because the receiver was down, {} in flight",
        messages.sent,
        messages.duplicated,
        messages.delivered,
        messages.dropped_loss,
        messages.dropped_disturbance,
        messages.dropped_link_cut,
        messages.dropped_receiver_down,
        messages.in_flight
    ));
    lines.extend(report.missed.iter().map(|promise| format!("missed promise: {promise}")));
    output::lines(&lines)
}

fn copy_line(key: &str, copy: &CopyReport, end_ms: f64) -> String {
    let value = copy.value.as_ref().map_or("absent".to_string(), ToString::to_string);
    let lasts = |since: f64| labels::duration(((end_ms - since) * 1000.0).max(0.0) as Micros);
    let behind = match copy.stale_since_ms {
        None => String::new(),
        // It has applied every update.
        Some(since) if copy.state == CopyState::Diverged => format!(" for {}", lasts(since)),
        Some(since) => format!(", {} behind for {}", copy.behind, lasts(since)),
    };
    let version = copy.clock_ms.map_or_else(|| format!("v{}", copy.version), |ms| format!("written at {ms} ms"));
    format!("  {key} = {value} ({version}) {}{behind}", copy.state.name())
}
