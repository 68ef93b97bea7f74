//! The outline: the canvas as tables with ordinary controls, for whoever reads rather than looks, or does not drag. What
//! is done in it goes the ways that gestures and keys of the canvas go.

use super::canvas_item::CanvasItem;
use super::playback;
use crate::session::protocol::{BusView, ClientView, ServiceView};

/// What is open of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outline {
    /// It stands in the canvas's place.
    pub open: bool,
    /// The row whose faults are shown.
    pub faults_of: Option<CanvasItem>,
}

/// What the visitor does in it.
#[derive(Clone, Debug, PartialEq)]
pub enum OutlineMsg {
    /// Open or close it.
    Toggle,
    /// Show or hide the faults of a row.
    ToggleFaults(CanvasItem),
    /// Connect two nodes.
    Connect {
        /// The source.
        from: String,
        /// The target.
        to: String,
    },
    /// Delete a row.
    Delete(CanvasItem),
    /// Publish at a service, by number.
    Publish(usize),
}

/// How a service stands, beyond its state.
pub fn service_says(view: &ServiceView) -> String {
    let parts = [
        (u64::from(view.behind), "behind"),
        (u64::from(view.busy), "busy"),
        (u64::from(view.waiting), "waiting"),
        (u64::from(view.blocked), "blocked"),
        (u64::from(view.outbox), "in outbox"),
        (view.applied_already, "already applied"),
    ];
    said(&parts)
}

/// How a bus stands.
pub fn bus_says(view: &BusView) -> String {
    let sum = |of: fn(&crate::session::protocol::SubscriptionView) -> u32| {
        u64::from(view.subscriptions.iter().map(of).sum::<u32>())
    };
    let queued = sum(|lane| lane.depth);
    let rest = said(&[(sum(|lane| lane.dead), "dead letters"), (sum(|lane| lane.discarded), "given up")]);
    if rest.is_empty() { format!("{queued} queued") } else { format!("{queued} queued · {rest}") }
}

/// How a client fares.
pub fn client_says(view: &ClientView) -> String {
    let counts = [(view.fail, "fail"), (view.unknown, "unknown"), (u64::from(view.pending), "pending")];
    let last = view.last.as_ref().map(|last| format!("last: {}, {}", last.label, playback::short(last.took)));
    let parts = [format!("{} ok", view.ok), said(&counts), last.unwrap_or_default()];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<String>>().join(" · ")
}

fn said(parts: &[(u64, &str)]) -> String {
    let there = parts.iter().filter(|(n, _)| *n > 0);
    there.map(|(n, word)| format!("{n} {word}")).collect::<Vec<String>>().join(" · ")
}
