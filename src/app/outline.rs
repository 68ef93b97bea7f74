//! The outline: the canvas as tables with ordinary controls, for visitors who use a screen reader or do not drag.

use super::canvas_item::CanvasItem;
use super::playback;
use super::status_text;
use crate::session::protocol::{BusView, ClientView, ServiceView};
use crate::text;

/// The state of the outline.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outline {
    /// Whether the outline replaces the canvas.
    pub open: bool,
    /// The item whose row shows its faults.
    pub faults_of: Option<CanvasItem>,
}

/// An action of the visitor in the outline.
#[derive(Clone, Debug, PartialEq)]
pub enum OutlineMsg {
    /// Open or close the outline.
    Toggle,
    /// Show or hide the faults of an item.
    ToggleFaults(CanvasItem),
    /// Connect two nodes.
    Connect {
        /// The source.
        from: String,
        /// The target.
        to: String,
    },
    /// Delete an item.
    Delete(CanvasItem),
    /// Publish an update at a service, by its number.
    Publish(usize),
}

/// Describes a service's load: `2 behind · 1 busy`.
pub fn service_summary(view: &ServiceView) -> String {
    let parts = [
        (u64::from(view.busy), text!("busy")),
        (u64::from(view.waiting), text!("waiting")),
        (u64::from(view.blocked), text!("blocked")),
        (u64::from(view.outbox), text!("in outbox")),
        (view.applied_already, text!("already applied")),
    ];
    let behind = if view.behind > 0 { text!("{} behind", view.behind) } else { String::new() };
    [behind, counts(&parts)].into_iter().filter(|part| !part.is_empty()).collect::<Vec<String>>().join(" · ")
}

/// Describes a bus's queues: `3 queued · 1 dead letters`.
pub fn bus_summary(view: &BusView) -> String {
    let sum = |of: fn(&crate::session::protocol::SubscriptionView) -> u32| {
        u64::from(view.subscriptions.iter().map(of).sum::<u32>())
    };
    let queued = sum(|subscription| subscription.depth);
    let rest = counts(&[
        (sum(|subscription| subscription.dead), text!("dead letters")),
        (sum(|subscription| subscription.discarded), text!("discarded")),
    ]);
    if rest.is_empty() { text!("{} queued", queued) } else { format!("{} · {rest}", text!("{} queued", queued)) }
}

/// Describes a client's operations: `5 ok · 1 pending · last: read, 0.2 s`.
pub fn client_summary(view: &ClientView) -> String {
    let failures =
        [(view.fail, text!("fail")), (view.unknown, text!("unknown")), (u64::from(view.pending), text!("pending"))];
    let last = view
        .last
        .as_ref()
        .map(|last| text!("last: {}, {}", status_text::last_operation(last), playback::short(last.took)));
    let parts = [text!("{} ok", view.ok), counts(&failures), last.unwrap_or_default()];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<String>>().join(" · ")
}

/// Joins the counts that are not zero: `2 behind · 1 busy`.
fn counts(parts: &[(u64, &str)]) -> String {
    let nonzero = parts.iter().filter(|(n, _)| *n > 0);
    nonzero.map(|(n, word)| format!("{n} {word}")).collect::<Vec<String>>().join(" · ")
}
