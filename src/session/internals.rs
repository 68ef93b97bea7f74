//! What the page is told when it asks what is inside a member of a group, and what operations ask of whom.

use super::protocol::internals::{
    CopyInternals, GroupInternals, HintView, LogEntryView, LogInternals, QuorumOperation, QuorumPhase, ReplicaResponse,
    TreeComparison, ValueInternals,
};
use super::{Run, merged, words};
use crate::analysis::{
    CoordinatedWrite, Coordination, KeyCopy, Logs, Phase, Provenance, Quorums, RunContext, Tombstone, tree_comparisons,
};
use crate::scenario::{Group, Micros, Protocol, Scenario, Step, micros};
use crate::trace::{KeyId, NodeId};

/// Copies, hints and comparisons at most.
const MOST: usize = 24;
/// Entries of a log at most.
const MOST_ENTRIES: usize = 8;
/// Operations at most.
const MOST_OPERATIONS: usize = 3;

/// Everything that can be said of a node.
pub(super) fn internals(run: &Run, scenario: &Scenario, live: &[Step], node: NodeId) -> GroupInternals {
    let scenario = merged(scenario, live);
    let look = run.look(&scenario);
    let mut internals = GroupInternals { now: look.now, cut: look.trace.oldest() > 0, ..GroupInternals::default() };
    // The page may ask of a node that an edit has taken away.
    if node.index() >= look.names.node_count() {
        return internals;
    }
    let group = look.names.group(node).filter(|group| *group != node);
    if let Some((home, group)) = group.and_then(|home| Some((home, group_of(&look, home)?))) {
        let origins = Provenance::read(&look, node);
        if group.is_ordered_by_clock() {
            internals.clock = ahead(run.engine().clock_ahead(node));
        }
        internals.copies = copies(&look, node, group, &origins);
        internals.hints = hints(&look, &origins);
        internals.log = log(&look, node, home);
        internals.promised = origins.promised().map(|it| words::update(it, look.analysis, look.names)).collect();
        internals.trees = trees(&look, node, group);
    }
    internals.quorums = quorums(&look, node);
    internals
}

fn group_of<'a>(look: &RunContext<'a>, node: NodeId) -> Option<&'a Group> {
    look.scenario.groups.iter().find(|group| group.id == look.names.node(node))
}

/// How far a clock is ahead of true time: `300 ms behind`.
fn ahead(offset: i64) -> String {
    match offset {
        0 => "exact".into(),
        _ => format!("{} {}", words::duration(offset.unsigned_abs()), if offset < 0 { "behind" } else { "ahead" }),
    }
}

fn copies(look: &RunContext, node: NodeId, group: &Group, origins: &Provenance) -> Vec<CopyInternals> {
    let mut copies: Vec<CopyInternals> = look
        .analysis
        .staleness
        .copies_of(node)
        .map(|(key, copy)| CopyInternals {
            key: look.names.key(key).into(),
            values: values(look, key, copy, origins),
            vector: origins.context(key).iter().map(|(origin, count)| (origin_of(look, *origin), *count)).collect(),
            tombstone: origins.tombstone(key).map(|it| tombstone(look, it, group)).unwrap_or_default(),
        })
        .collect();
    copies.sort_by(|a, b| a.key.cmp(&b.key));
    copies.truncate(MOST);
    copies
}

/// Who an origin of a version is.
fn origin_of(look: &RunContext, origin: u32) -> String {
    match origin.checked_sub(1).map(NodeId).filter(|node| node.index() < look.names.node_count()) {
        Some(node) => look.names.label(node).into(),
        None => "document".into(),
    }
}

fn values(look: &RunContext, key: KeyId, copy: &KeyCopy, origins: &Provenance) -> Vec<ValueInternals> {
    if !copy.siblings().is_empty() {
        return copy
            .siblings()
            .iter()
            .map(|value| sibling(look, &value.to_string(), &origins.of_sibling(key, value)))
            .collect();
    }
    let Some(held) = copy.held() else { return Vec::new() };
    let Some(value) = &held.value else { return Vec::new() };
    let of_update = held.update.and_then(|update| origins.write(key, update));
    let writes = match of_update {
        // Of data without a total order an update is only what came last, not always what is seen.
        Some(write) if origins.context(key).is_empty() => vec![write],
        Some(_) | None => origins.of_sibling(key, value),
    };
    if writes.is_empty() && !origins.context(key).is_empty() {
        // A sum, a set, a map, a list: no single write said it; its clock is the version vector.
        let (version, by) = (String::new(), String::new());
        return vec![ValueInternals { value: value.to_string(), version, update: None, by, at: None }];
    }
    vec![sibling(look, &value.to_string(), &writes)]
}

/// A value with the writes that may have said it: one, or of two origins that said the same either.
fn sibling(look: &RunContext, value: &str, writes: &[&CoordinatedWrite]) -> ValueInternals {
    let who = |write: &&CoordinatedWrite| {
        let label = look.names.label(write.by);
        let clock = match write.version.reading() {
            Some(_) if write.clock != write.at as i64 => {
                format!(", its clock {}", ahead(write.clock - write.at as i64))
            }
            Some(_) | None => String::new(),
        };
        format!("{label}{clock}")
    };
    let by: Vec<String> = writes.iter().map(who).collect();
    ValueInternals {
        value: value.into(),
        version: writes.first().map(|write| version(look, write)).unwrap_or_default(),
        update: writes.first().map(|write| write.update.0),
        by: if by.is_empty() { "stood in the document".into() } else { format!("written at {}", by.join(" or ")) },
        at: writes.first().map(|write| write.at),
    }
}

/// A version as the field writes it: a time, a term and a number, or a dot.
fn version(look: &RunContext, write: &CoordinatedWrite) -> String {
    match (write.version.reading(), write.version.time) {
        (Some(_), _) => words::version(write.version),
        (None, 0) => format!("({}, {})", origin_of(look, write.version.origin), write.version.counter),
        (None, term) => format!("term {term}, entry {}", write.version.counter),
    }
}

fn tombstone(look: &RunContext, it: Tombstone, group: &Group) -> String {
    let grace = match &group.protocol {
        Protocol::Quorum(plan) => plan.tombstone_grace_ms.map(micros),
        Protocol::Primary(_) | Protocol::Raft(_) | Protocol::Chain | Protocol::TwoPhase(_) | Protocol::Gossip(_) => {
            None
        }
    };
    let since = words::duration(it.since);
    match (it.purged, grace) {
        (Some(at), _) => format!("deleted at {since}; the tombstone was forgotten at {}", words::duration(at)),
        (None, Some(grace)) if it.since + grace > look.now => {
            format!("tombstone since {since}, forgotten in {}", words::duration(it.since + grace - look.now))
        }
        (None, _) => format!("tombstone since {since}"),
    }
}

fn hints(look: &RunContext, origins: &Provenance) -> Vec<HintView> {
    let hint = |(replica, key, since, update): (NodeId, KeyId, Micros, Option<crate::trace::UpdateId>)| HintView {
        replica,
        text: update.map_or_else(|| look.names.key(key).to_string(), |it| words::update(it, look.analysis, look.names)),
        update: update.map(|update| update.0),
        since,
    };
    origins.hints().map(hint).take(MOST).collect()
}

fn log(look: &RunContext, node: NodeId, group: NodeId) -> Option<LogInternals> {
    let logs = Logs::read(look, group)?;
    let member = look.analysis.members.get(node).cloned().unwrap_or_default();
    let entries = logs.entries(node);
    let entry = |entry: &crate::analysis::LogEntry| LogEntryView {
        index: entry.index,
        term: entry.term,
        text: match entry.update.map(|update| (update, look.analysis.updates.get(update))) {
            None => "nothing: a leader begins".into(),
            Some((_, Some(said))) => match &said.value {
                Some(value) => format!("{} = {value}", look.names.key(said.key)),
                None => format!("{} deleted", look.names.key(said.key)),
            },
            Some((update, None)) => words::update(update, look.analysis, look.names),
        },
        update: entry.update.map(|update| update.0),
    };
    Some(LogInternals {
        leads: member.leads,
        term: member.term,
        last: member.log.0,
        committed: member.log.1,
        entries: entries[entries.len().saturating_sub(MOST_ENTRIES)..].iter().map(entry).collect(),
    })
}

fn trees(look: &RunContext, node: NodeId, group: &Group) -> Vec<TreeComparison> {
    let Protocol::Quorum(plan) = &group.protocol else { return Vec::new() };
    let Some(plan) = &plan.anti_entropy else { return Vec::new() };
    let tree = |it: crate::analysis::TreeComparison| TreeComparison {
        with: it.with,
        own: it.own,
        at: it.at,
        levels: it.levels,
        depth: plan.depth,
        under_way: it.in_progress,
    };
    tree_comparisons(look, node).into_iter().take(MOST).map(tree).collect()
}

/// The newest operations that a node coordinates, asked for or has a part in; of a group, all of its.
fn quorums(look: &RunContext, node: NodeId) -> Vec<QuorumOperation> {
    let whole = look.names.group(node) == Some(node);
    let concerns = |it: &&Coordination| {
        let has_part = |of: NodeId| it.requests.iter().any(|part| part.node == of);
        match whole {
            true => it.requests.iter().any(|part| look.names.group(part.node) == Some(node)),
            false => it.at == node || it.by == node || has_part(node),
        }
    };
    let all = Quorums::read(look).all;
    all.iter().rev().filter(concerns).take(MOST_OPERATIONS).map(|it| quorum(look, it)).collect()
}

fn quorum(look: &RunContext, it: &Coordination) -> QuorumOperation {
    let phase = |phase: Phase| {
        let parts: Vec<ReplicaResponse> = it
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
        let (needed, asked) = (it.needed[phase as usize], parts.len());
        let text = match phase {
            Phase::Read => format!("{needed} of {asked} responses"),
            Phase::Write => format!("{needed} of {asked} acknowledgements"),
            Phase::Repair => format!("{needed} of {asked} have what it returns"),
        };
        (asked > 0).then_some(QuorumPhase { text, enough: it.reached[phase as usize], parts })
    };
    QuorumOperation {
        operation: it.operation.0 + 1,
        text: words::asked(it.operation, look.analysis, look.names),
        by: it.by,
        at: it.at,
        begun: it.begun,
        ended: it.ended,
        phases: [Phase::Read, Phase::Write, Phase::Repair].into_iter().filter_map(phase).collect(),
    }
}
