//! How deep each subscription's queue was, over time.

use super::{Buses, Look};
use crate::scenario::Micros;
use crate::trace::SubscriptionId;

/// By subscription, how many events its queue held at each of these instants, which are in order; all that happened then
/// included. None where the log no longer holds the beginning.
pub fn depths(look: &Look, instants: &[Micros]) -> Option<Vec<Vec<u32>>> {
    if look.trace.oldest() > 0 {
        return None;
    }
    let mut depths = vec![Vec::with_capacity(instants.len()); look.names.subscription_count()];
    let (mut buses, mut records) = (Buses::default(), look.trace.since(0).peekable());
    for instant in instants {
        while let Some(record) = records.next_if(|record| record.at <= *instant) {
            buses.observe(record);
        }
        for (id, depth) in (0..).map(SubscriptionId).zip(&mut depths) {
            depth.push(buses.get(id).map_or(0, |lane| lane.kept.len() as u32));
        }
    }
    Some(depths)
}
