//! The internal state of a member of a group, and the responses that operations wait for.

use super::content;
use super::protocol::internals::{
    CopyInternals, GroupInternals, HintView, LogEntryView, LogInternals, PhaseKind, QuorumOperation, QuorumPhase,
    ReplicaResponse, TombstoneView, TreeComparison, ValueInternals, ValueOrigin, WriteView,
};
use super::run::{Run, merged};
use crate::analysis::{
    CoordinatedWrite, Coordination, KeyCopy, Logs, Phase, Provenance, Quorums, RunContext, Tombstone, tree_comparisons,
};
use crate::scenario::{Group, Micros, Protocol, Scenario, Step, Value, micros};
use crate::trace::{KeyId, NodeId, UpdateId, node_of};

/// Limit of copies, hints and tree_comparisons.
const MAX: usize = 24;
/// Limit of the entries of a log.
const MAX_ENTRIES: usize = 8;
/// Limit of operations.
const MAX_OPERATIONS: usize = 3;

/// Returns the internal state of a node.
pub(super) fn internals(run: &Run, scenario: &Scenario, live: &[Step], node: NodeId) -> GroupInternals {
    let scenario = merged(scenario, live);
    let context = run.context(&scenario);
    let mut internals =
        GroupInternals { now: context.now, truncated: context.trace.oldest() > 0, ..GroupInternals::default() };
    // An edit may have removed the node that the page asks about.
    if node.index() >= context.names.node_count() {
        return internals;
    }
    let group = context.names.group(node).filter(|group| *group != node);
    if let Some((home, group)) = group.and_then(|home| Some((home, context.group(home)?))) {
        let origins = Provenance::read(&context, node);
        internals.clock_ahead = group.is_ordered_by_clock().then(|| run.engine().clock_ahead(node));
        internals.copies = copies(&context, node, group, &origins);
        internals.hints = hints(&context, &origins);
        internals.log = log(&context, node, home);
        internals.prepared =
            origins.promised().map(|update| content::update(update, context.analysis, context.names)).collect();
        internals.trees = trees(&context, node, group);
    }
    internals.quorums = quorums(&context, node);
    internals
}

fn copies(context: &RunContext, node: NodeId, group: &Group, origins: &Provenance) -> Vec<CopyInternals> {
    let mut copies: Vec<CopyInternals> = context
        .analysis
        .staleness
        .copies_of(node)
        .map(|(key, copy)| CopyInternals {
            key: context.names.key(key).into(),
            values: values(key, copy, origins),
            vector: origins.context(key).iter().map(|(origin, count)| (node_of(*origin), *count)).collect(),
            tombstone: origins.tombstone(key).map(|purge| tombstone(purge, group)),
        })
        .collect();
    copies.sort_by(|a, b| a.key.cmp(&b.key));
    copies.truncate(MAX);
    copies
}

fn values(key: KeyId, copy: &KeyCopy, origins: &Provenance) -> Vec<ValueInternals> {
    if !copy.siblings().is_empty() {
        return copy.siblings().iter().map(|value| written(value, &origins.of_sibling(key, value))).collect();
    }
    let Some(held) = copy.held() else { return Vec::new() };
    let Some(value) = &held.value else { return Vec::new() };
    let of_update = held.update.and_then(|update| origins.write(key, update));
    let writes = match of_update {
        // In data without a total order the newest update is not always the visible one.
        Some(write) if origins.context(key).is_empty() => vec![write],
        Some(_) | None => origins.of_sibling(key, value),
    };
    if writes.is_empty() && !origins.context(key).is_empty() {
        // No single write made a sum, a set, a map or a list.
        return vec![ValueInternals { value: value.clone(), origin: ValueOrigin::Merged }];
    }
    vec![written(value, &writes)]
}

/// A value with the writes that may have written it.
fn written(value: &Value, writes: &[&CoordinatedWrite]) -> ValueInternals {
    let view = |write: &&CoordinatedWrite| WriteView {
        update: write.update.0,
        version: write.version,
        by: write.by,
        at: write.at,
        clock_ahead: write.version.reading().map(|_| write.clock - write.at as i64),
    };
    let origin = match writes {
        [] => ValueOrigin::Document,
        writes => ValueOrigin::Writes(writes.iter().map(view).collect()),
    };
    ValueInternals { value: value.clone(), origin }
}

fn tombstone(tombstone: Tombstone, group: &Group) -> TombstoneView {
    let grace = match &group.protocol {
        Protocol::Quorum(plan) => plan.tombstone_grace_ms.map(micros),
        Protocol::Primary(_) | Protocol::Raft(_) | Protocol::Chain | Protocol::TwoPhase(_) | Protocol::Gossip(_) => {
            None
        }
    };
    let Tombstone { since, deleted, purged } = tombstone;
    TombstoneView { since, purged, expires: grace.map(|grace| deleted + grace) }
}

fn hints(context: &RunContext, origins: &Provenance) -> Vec<HintView> {
    let hint = |(replica, key, since, update): (NodeId, KeyId, Micros, Option<UpdateId>)| HintView {
        replica,
        key: context.names.key(key).into(),
        update: update.map(|update| content::update(update, context.analysis, context.names)),
        since,
    };
    origins.hints().map(hint).take(MAX).collect()
}

fn log(context: &RunContext, node: NodeId, group: NodeId) -> Option<LogInternals> {
    let logs = Logs::read(context, group)?;
    let member = context.analysis.members.get(node).cloned().unwrap_or_default();
    let entries = logs.entries(node);
    let entry = |entry: &crate::analysis::LogEntry| LogEntryView {
        index: entry.index,
        term: entry.term,
        update: entry.update.map(|update| content::update(update, context.analysis, context.names)),
    };
    Some(LogInternals {
        leads: member.leads,
        term: member.term,
        last: member.log.0,
        committed: member.log.1,
        entries: entries[entries.len().saturating_sub(MAX_ENTRIES)..].iter().map(entry).collect(),
    })
}

fn trees(context: &RunContext, node: NodeId, group: &Group) -> Vec<TreeComparison> {
    let Protocol::Quorum(plan) = &group.protocol else { return Vec::new() };
    let Some(plan) = &plan.anti_entropy else { return Vec::new() };
    let tree = |comparison: crate::analysis::TreeComparison| TreeComparison {
        with: comparison.with,
        own: comparison.own,
        at: comparison.at,
        levels: comparison.levels,
        depth: plan.depth,
        under_way: comparison.in_progress,
    };
    tree_comparisons(context, node).into_iter().take(MAX).map(tree).collect()
}

/// The newest operations that a node coordinates, issued or takes part in; for a group those of all its members.
fn quorums(context: &RunContext, node: NodeId) -> Vec<QuorumOperation> {
    let is_group = context.names.group(node) == Some(node);
    let concerns = |coordination: &&Coordination| {
        let has_part = |of: NodeId| coordination.requests.iter().any(|part| part.node == of);
        match is_group {
            true => coordination.requests.iter().any(|part| context.names.group(part.node) == Some(node)),
            false => coordination.at == node || coordination.by == node || has_part(node),
        }
    };
    let all = Quorums::read(context).all;
    all.iter().rev().filter(concerns).take(MAX_OPERATIONS).map(|coordination| quorum(context, coordination)).collect()
}

fn quorum(context: &RunContext, coordination: &Coordination) -> QuorumOperation {
    let phase = |phase: Phase| {
        let parts: Vec<ReplicaResponse> = coordination
            .requests
            .iter()
            .filter(|part| part.phase == phase)
            .map(|part| ReplicaResponse {
                node: part.node,
                asked: part.sent,
                answered: part.answered,
                lost: part.lost.filter(|_| part.answered.is_none()),
                late: part.late,
            })
            .collect();
        let kind = match phase {
            Phase::Read => PhaseKind::Read,
            Phase::Write => PhaseKind::Write,
            Phase::Repair => PhaseKind::WriteBack,
        };
        let (needed, enough) = (coordination.needed[phase as usize], coordination.reached[phase as usize]);
        (!parts.is_empty()).then_some(QuorumPhase { kind, needed, enough, parts })
    };
    QuorumOperation {
        operation: content::operation(coordination.operation, context.analysis, context.names),
        by: coordination.by,
        at: coordination.at,
        begun: coordination.begun,
        ended: coordination.ended,
        phases: [Phase::Read, Phase::Write, Phase::Repair].into_iter().filter_map(phase).collect(),
    }
}
