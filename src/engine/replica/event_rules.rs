//! Decides whether a group writes an event, by the effect that its subscription chose.
//!
//! Where the protocol orders all writes, `set_if_newer` and `last_writer_wins` compare the event with the key's value.
//! In a leaderless group, or one of gossip, the write instead carries the event's version or its writer's clock, as
//! Cassandra's `USING TIMESTAMP` does.

use super::write_metadata::SourceVersion;
use crate::engine::context::Context;
use crate::engine::message::EventWrite;
use crate::scenario::{Effect, Micros};
use crate::trace::{Fact, NodeId, Version};

/// Returns whether an event replaces a value with this source version.
fn replaces(event: &EventWrite, present: SourceVersion) -> bool {
    match event.effect {
        Effect::SetIfNewer => event.version > present.version,
        Effect::LastWriterWins => (event.clock, event.version) > (present.clock, present.version),
        Effect::Overwrite => event.version != present.version,
        Effect::Increment => true,
    }
}

/// Returns the version that an event's write carries in a group that does not order all writes; `None` if the
/// coordinator generates it.
pub fn carried_version(event: &EventWrite) -> Option<Version> {
    let time = event.clock + Version::EPOCH;
    match event.effect {
        Effect::SetIfNewer => Some(event.version),
        Effect::LastWriterWins => Some(Version { time, ..event.version }),
        Effect::Overwrite | Effect::Increment => None,
    }
}

/// Returns whether an event is to be written: the inbox has no row for it, and its effect replaces the key's value.
/// `handled_at` is when the inbox's row was written.
pub fn is_to_be_written(
    event: &EventWrite,
    handled_at: Option<Micros>,
    present: SourceVersion,
    now: Micros,
    node: NodeId,
    ctx: &mut Context,
) -> bool {
    let is_in = |window: Option<Micros>| handled_at.is_some_and(|at| window.is_none_or(|window| at + window > now));
    if event.inbox.is_some_and(is_in) {
        let EventWrite { subscription, update, attempt, .. } = *event;
        ctx.record(Fact::InboxHit { node, subscription, update, attempt });
        return false;
    }
    replaces(event, present)
}
