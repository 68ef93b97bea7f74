//! What Raft, primary-replica and chain have in common: writes become entries of a log, entries become registers.

use super::cell::{Cell, Register};
use super::events;
use super::log::{Entry, Log};
use super::{Answer, Asker, Done, Member, after};
use crate::engine::context::Context;
use crate::engine::message::{Ask, Request};
use crate::scenario::Micros;
use crate::trace::{Fact, OperationId, Outcome, Refusal, Version};
use std::collections::BTreeMap;

/// Who awaits which entry: by its number, with its term.
pub type Waiting = BTreeMap<u32, (Asker, OperationId, u32)>;

/// The version of an entry's register: logs are ordered by term, then by number.
pub fn version(index: u32, term: u32) -> Version {
    Version::logged(term, index)
}

/// Ends an operation that has no effect.
pub fn refused(request: &Request, asker: Asker, cause: Refusal) -> Vec<Done> {
    vec![Done { operation: request.operation, asker, answer: Answer::Refused(cause, Outcome::Fail) }]
}

/// Makes the entry of a write at the end of the leader's log, and says its number.
///
/// # Errors
/// The operation does not fit what the key would hold.
pub fn append(
    now: Micros,
    log: &mut Log,
    applied: u32,
    term: u32,
    request: &Request,
    member: &mut Member,
    ctx: &mut Context,
) -> Result<u32, Refusal> {
    let _ = member.group.preference(request.key, ctx);
    let held = member.cell(request.key).value(&member.group.data);
    let tail = log.latest(request.key, applied);
    let over = tail.map_or(member.cell(request.key).version(), |(index, entry)| version(index, entry.term));
    if let Some(event) = &request.event {
        let there = tail.map_or(member.cell(request.key).origin(), |(index, entry)| {
            events::origin(version(index, entry.term), entry.made.as_deref())
        });
        if !events::is_news(event, log.handled(event.update), there, now, member.node, ctx) {
            // That there is nothing to change is known once all before it is committed.
            let (operation, key) = (Some(request.operation), request.key);
            return Ok(log.push(Entry { term, update: None, operation, key, value: None, made: None }));
        }
    }
    let present = tail.map_or(held, |(_, entry)| entry.value.clone());
    let value = after(present.as_ref(), &request.ask)?;
    let (update, operation, key) = (ctx.next_update(), request.operation, request.key);
    let (made, said) = (member.made(now, request), value.clone());
    let entry = Entry { term, update: Some(update), operation: Some(operation), key, value: said, made: made.clone() };
    let index = log.push(entry);
    let version = version(index, term);
    member.coordinate(update, (key, version), value.as_ref(), present.as_ref(), made.as_deref());
    let (node, clock) = (member.node, member.clock(now));
    ctx.record(Fact::WriteCoordinated { update, operation, node, key, version, value, clock, replaces: over });
    Ok(index)
}

/// Lets an entry take effect.
pub fn apply(index: u32, entry: &Entry, member: &mut Member, ctx: &mut Context) {
    if let Some(update) = entry.update {
        member.absorb(entry.key, &cell(index, entry), Some(update), ctx);
    }
}

fn cell(index: u32, entry: &Entry) -> Cell {
    let (version, value, made) = (version(index, entry.term), entry.value.clone(), entry.made.clone());
    Cell::Register(Register { version, value, update: entry.update, made })
}

/// What whoever asked for an entry is told once it is committed.
pub fn answer(index: u32, entry: &Entry) -> Answer {
    match entry.update {
        Some(update) => Answer::Written(update, version(index, entry.term)),
        None => Answer::Unchanged,
    }
}

/// Throws away the entries from a number on; with `applied`, what they did is undone.
pub fn roll_back(log: &mut Log, from: u32, applied: bool, member: &mut Member, ctx: &mut Context) {
    for entry in log.truncate(from) {
        let Some(update) = entry.update else { continue };
        ctx.record(Fact::WriteRolledBack { update, node: member.node, key: entry.key });
        if !applied {
            continue;
        }
        let left = (1..=log.last()).rev().find_map(|index| {
            let entry = log.get(index).filter(|left| left.key == entry.key && left.update.is_some())?;
            Some(cell(index, entry))
        });
        let seed = || member.seeds.iter().find(|(key, _)| *key == entry.key).map(|(_, cell)| cell.clone());
        let cell = left.or_else(seed).unwrap_or_else(|| Cell::empty(&member.group.data));
        member.set(entry.key, cell, ctx);
    }
}

/// A read of what is held here.
pub fn read(asker: Asker, request: &Request, member: &Member, ctx: &mut Context) -> Done {
    let _ = member.group.preference(request.key, ctx);
    let result = member.result(&member.cell(request.key));
    super::member::record_read(request.operation, member.node, request.key, &result, ctx);
    Done { operation: request.operation, asker, answer: Answer::Read(result) }
}

/// Whether an operation only reads.
pub fn is_read(request: &Request) -> bool {
    request.ask == Ask::Read
}

/// Ends whoever waits for entries from a number on: they may still take effect, or never.
pub fn give_up(waiting: &mut Waiting) -> Vec<Done> {
    let gone = std::mem::take(waiting);
    let end = |(_, (asker, operation, _))| Done {
        operation,
        asker,
        answer: Answer::Refused(Refusal::NoLeader, Outcome::Unknown),
    };
    gone.into_iter().map(end).collect()
}
