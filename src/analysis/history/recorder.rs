use super::key_values::KeyValues;
use super::recorded_operation::RecordedOperation;
use super::{ABSENT, Function, History, Invocation, Loss, LostChanges, NEVER, Operation, Output, Rank};
use crate::analysis::Analysis;
use crate::analysis::tombstones::PurgedTombstones;
use crate::language::phrase;
use crate::scenario::{Micros, Value};
use crate::trace::{
    Fact, KeyId, Names, NodeId, OperationId, OperationKind, Outcome, Record, UpdateId, Version, facts_about,
};
use litemap::LiteMap;
use std::collections::{BTreeMap, BTreeSet};

/// The number of changes of each key's operations.
#[derive(Clone, Debug, Default)]
pub struct Revisions(LiteMap<KeyId, u32>);

impl Revisions {
    /// Returns the revision of a key's operations, which grows with each change of them; of all operations for none.
    pub fn revision(&self, key: Option<u32>) -> u32 {
        match key {
            Some(key) => self.0.get(&KeyId(key)).copied().unwrap_or_default(),
            None => self.0.values().sum(),
        }
    }
}

/// Builds the history of a run from its trace. The version that a read of a register returned identifies the write, so values
/// may repeat.
#[derive(Clone, Debug, Default)]
pub struct HistoryRecorder {
    operations: Vec<RecordedOperation>,
    indexes: LiteMap<OperationId, usize>,
    /// The invocations (none) and ends, in order.
    events: Vec<(usize, Option<Outcome>)>,
    /// The current process of each session, and whether it has a pending operation.
    sessions: LiteMap<(NodeId, u32), (u32, bool)>,
    processes: Vec<(NodeId, u32)>,
    /// The initial value of each key, with its version.
    initial: BTreeMap<KeyId, (Value, Version)>,
    /// The number of changes of each key's operations.
    revisions: LiteMap<KeyId, u32>,
    tombstones: PurgedTombstones,
}

impl HistoryRecorder {
    /// Observes the next record.
    pub fn observe(&mut self, record: &Record) {
        self.tombstones.observe(&record.fact);
        match &record.fact {
            Fact::Seeded { key, value, version, .. }
            | Fact::ReplicaStored { update: None, key, value: Some(value), version, .. }
                if self.operations.is_empty() =>
            {
                self.initial.insert(*key, (value.clone(), *version));
            }
            Fact::OperationIssued { operation, by, session, to, kind, key, value, expected } => {
                self.indexes.insert(*operation, self.operations.len());
                *self.revisions.entry(*key).or_default() += 1;
                let process = self.next_process(*by, *session);
                self.operations.push(RecordedOperation {
                    operation: *operation,
                    by: *by,
                    to: *to,
                    process,
                    kind: *kind,
                    key: *key,
                    value: value.clone(),
                    expected: expected.clone(),
                    served: None,
                    unordered: false,
                    times: (time(record.at), time(record.at)),
                    version: None,
                    executions: Vec::new(),
                    written: None,
                    outcome: Outcome::Unknown,
                    has_ended: false,
                    invoked: self.events.len() as u32,
                    ended: NEVER,
                });
                self.events.push((self.operations.len() - 1, None));
            }
            Fact::ReadServed { operation, version, value, context, .. } => {
                // A duplicate of the request may be served after the operation has ended.
                if let Some(&place) = self.indexes.get(operation)
                    && let Some(recorded) = self.operations.get_mut(place).filter(|recorded| !recorded.has_ended)
                {
                    // A read that found the key absent returned the deletion whose tombstone is purged.
                    let purged = self.tombstones.of_key(recorded.key).filter(|_| version.is_none());
                    (recorded.version, recorded.served) = (Some(purged.unwrap_or(*version)), value.clone());
                    recorded.unordered = context.is_some();
                    let key = recorded.key;
                    *self.revisions.entry(key).or_default() += 1;
                }
            }
            Fact::WriteCoordinated { operation, update, version, value, .. } => {
                self.set_version(*operation, (*update, *version), value.clone());
            }
            Fact::UpdateCommitted { operation, update, version, value, .. } => {
                self.set_version(*operation, (*update, *version), Some(value.clone()));
            }
            Fact::OperationEnded { operation, outcome } => self.end(record.at, *operation, *outcome),
            facts_about!(declarations, messages, events, faults, repair, leaders, transactions)
            | Fact::OperationRefused { .. }
            | Fact::UpdateProposed { .. }
            | Fact::UpdateAcknowledged { .. }
            | Fact::UpdateApplied { .. }
            | Fact::KeyPlaced { .. }
            | Fact::ReplicaStored { .. }
            | Fact::StateMerged { .. }
            | Fact::WriteRolledBack { .. } => {}
        }
    }

    fn end(&mut self, at: Micros, operation: OperationId, outcome: Outcome) {
        let Some(&place) = self.indexes.get(&operation) else { return };
        let position = self.events.len() as u32;
        self.events.push((place, Some(outcome)));
        let recorded = &mut self.operations[place];
        (recorded.outcome, recorded.has_ended) = (outcome, true);
        recorded.times.1 = time(at);
        if outcome != Outcome::Unknown {
            recorded.ended = position;
        }
        let (process, key) = (recorded.process, recorded.key);
        *self.revisions.entry(key).or_default() += 1;
        // After an operation with an unknown outcome, the session continues as a new process.
        let session = self.processes[process as usize];
        if self.sessions.get(&session).is_some_and(|(now, _)| *now == process) {
            if outcome == Outcome::Unknown {
                self.sessions.remove(&session);
            } else {
                self.sessions.insert(session, (process, false));
            }
        }
    }

    /// Returns the process of a session's next operation. A process has at most one pending operation.
    fn next_process(&mut self, by: NodeId, session: u32) -> u32 {
        match self.sessions.get(&(by, session)) {
            Some((process, false)) => {
                let process = *process;
                self.sessions.insert((by, session), (process, true));
                process
            }
            Some((_, true)) | None => {
                let process = self.processes.len() as u32;
                self.processes.push((by, session));
                self.sessions.insert((by, session), (process, true));
                process
            }
        }
    }

    fn find(&mut self, operation: OperationId) -> Option<&mut RecordedOperation> {
        let place = *self.indexes.get(&operation)?;
        self.operations.get_mut(place)
    }

    fn set_version(&mut self, operation: OperationId, (update, version): (UpdateId, Version), value: Option<Value>) {
        let is_new = |recorded: &&mut RecordedOperation| recorded.executions.iter().all(|(other, _)| *other != update);
        if let Some(recorded) = self.find(operation).filter(is_new) {
            recorded.executions.push((update, version));
            recorded.written = value;
            let key = recorded.key;
            *self.revisions.entry(key).or_default() += 1;
        }
    }

    /// Returns the revisions of all keys' operations.
    pub fn revisions(&self) -> Revisions {
        Revisions(self.revisions.clone())
    }

    /// Returns the client and session of each process.
    pub fn processes(&self) -> &[(NodeId, u32)] {
        &self.processes
    }

    /// Iterates over the initial values of keys.
    pub fn initial_values(&self) -> impl Iterator<Item = (KeyId, &Value)> {
        self.initial.iter().map(|(key, (value, _))| (*key, value))
    }

    /// Returns whether a key has increments.
    pub fn has_increments(&self, key: KeyId) -> bool {
        self.operations.iter().any(|recorded| recorded.key == key && recorded.kind == OperationKind::Increment)
    }

    /// Iterates over the invocations and the ends with their outcomes, in order, without the first `from`. Each has the index of
    /// its operation in the history.
    pub fn events_from(&self, from: usize) -> impl Iterator<Item = (Option<Outcome>, usize, &RecordedOperation)> {
        self.events.iter().skip(from).map(|(place, outcome)| (*outcome, *place, &self.operations[*place]))
    }

    /// Returns the changes that the servers lost. If clients also used nodes other than groups, whose losses the analysis does
    /// not find, this is none unless a change was lost.
    pub fn lost_changes(&self, analysis: &Analysis, names: &Names) -> Option<LostChanges> {
        let lost = analysis.lost.all();
        let is_of_groups = self.operations.iter().all(|recorded| names.group(recorded.to).is_some());
        if analysis.staleness.acknowledged() == 0 || (lost.is_empty() && analysis.lost.hidden() == 0 && !is_of_groups) {
            return None;
        }
        let updates: BTreeMap<UpdateId, Loss> = lost.iter().map(|lost| (lost.update, lost.cause.into())).collect();
        let loss = |recorded: &RecordedOperation| {
            recorded.executions.iter().find_map(|(update, _)| updates.get(update)).copied()
        };
        let operations = (0..).zip(&self.operations);
        let operations = operations.filter_map(|(place, recorded)| Some((place, loss(recorded)?))).collect();
        Some(LostChanges { counts: analysis.lost.counts(), hidden: analysis.lost.hidden(), operations })
    }

    /// Builds the history so far. `key` and `process` return the names of keys and processes.
    pub fn history(&self, key: impl Fn(KeyId) -> String, process: impl Fn(NodeId, u32) -> String) -> History {
        let key_count = self.operations.iter().map(|recorded| recorded.key.0 + 1).max().unwrap_or(0);
        let operation = |recorded: &RecordedOperation| {
            let invocation = invocation_of(recorded.kind, recorded.value.as_ref());
            Operation {
                index: recorded.operation.0.into(),
                process: recorded.process,
                key: recorded.key.0,
                function: Function::of(recorded.kind, invocation, recorded.is_unsupported()),
                invocation,
                output: Output::Nothing,
                outcome: recorded.outcome,
                invoked: recorded.invoked,
                ended: recorded.ended,
                times: Some(recorded.times),
                rank: Rank::default(),
            }
        };
        let first = self.operations.first().map(|recorded| recorded.key);
        let mut history = History {
            has_several_keys: self.operations.iter().any(|recorded| Some(recorded.key) != first),
            operations: self.operations.iter().map(operation).collect(),
            written: Vec::new(),
            values: vec![phrase("nothing", "nichts").into()],
            keys: (0..key_count).map(|id| key(KeyId(id))).collect(),
            processes: self.processes.iter().map(|(by, session)| process(*by, *session)).collect(),
            initial: BTreeMap::new(),
            siblings: BTreeSet::new(),
            unsupported: BTreeSet::new(),
            lost: None,
        };
        history.unsupported = self
            .operations
            .iter()
            .filter(|recorded| recorded.is_unsupported())
            .map(|recorded| recorded.key.0)
            .collect();
        for (id, places) in history.by_key() {
            let (key, initial) = (KeyId(id), self.initial.get(&KeyId(id)));
            KeyValues::new(&mut history, &self.operations, key, initial, &places).fill(&places);
        }
        history
    }
}

fn time(at: Micros) -> i64 {
    at as i64
}

/// Returns the invocation of an operation. Values receive their ids later.
fn invocation_of(kind: OperationKind, value: Option<&Value>) -> Invocation {
    match (kind, value) {
        (OperationKind::Read, _) => Invocation::Read,
        // Puts and removals by index make their key unsupported.
        (OperationKind::Write | OperationKind::Delete | OperationKind::Put | OperationKind::RemoveAt, _) => {
            Invocation::Write(ABSENT)
        }
        (OperationKind::Insert, _) => Invocation::Append(ABSENT),
        (OperationKind::Add, _) => Invocation::Add(ABSENT),
        (OperationKind::Remove, _) => Invocation::Remove(ABSENT),
        (OperationKind::Increment, Some(Value::Int(by))) => Invocation::Increment(*by),
        (OperationKind::Increment, _) => Invocation::Increment(1),
        (OperationKind::CompareAndSet, _) => Invocation::CompareAndSet { expected: ABSENT, value: ABSENT },
    }
}
