//! The depth of each subscription's queue over time.

use super::run_context::RunContext;
use super::subscription_queues::SubscriptionQueues;
use crate::scenario::Micros;
use crate::trace::SubscriptionId;

/// Returns, for each subscription, the number of events in its queue after each of these instants, which are in ascending order.
/// Returns none if the trace no longer contains the beginning of the run.
pub fn queue_depths(run: &RunContext, instants: &[Micros]) -> Option<Vec<Vec<u32>>> {
    if run.trace.oldest() > 0 {
        return None;
    }
    let mut depths = vec![Vec::with_capacity(instants.len()); run.names.subscription_count()];
    let (mut queues, mut records) = (SubscriptionQueues::default(), run.trace.since(0).peekable());
    for instant in instants {
        while let Some(record) = records.next_if(|record| record.at <= *instant) {
            queues.observe(record);
        }
        for (id, depth) in (0..).map(SubscriptionId).zip(&mut depths) {
            depth.push(queues.get(id).map_or(0, |queue| queue.events.len() as u32));
        }
    }
    Some(depths)
}
