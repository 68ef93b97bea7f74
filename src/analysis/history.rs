//! Histories: what clients asked and what they were told, in the order in which that happened.

use crate::scenario::{Micros, Value};
use crate::trace::{Fact, KeyId, NodeId, OperationId, OperationKind, Outcome, Record, Version};
use std::collections::{BTreeMap, BTreeSet};

/// The id of a value in its history, dense; [`ABSENT`] is that of no value.
pub type ValueId = u32;

/// The value of a key that nobody has written yet.
pub const ABSENT: ValueId = 0;

/// The place of an end that never came.
pub const NEVER: u32 = u32::MAX;

/// What an operation asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    /// Return what is there.
    Read,
    /// Set the value.
    Write(ValueId),
    /// Set the value if it is as expected.
    CompareAndSet {
        /// What must be there.
        expected: ValueId,
        /// What is there then.
        value: ValueId,
    },
    /// Add to a number.
    Increment(i64),
    /// Add an element to a set.
    Add(ValueId),
    /// Remove an element from a set.
    Remove(ValueId),
    /// Put an element behind a list.
    Append(ValueId),
}

impl Call {
    /// Whether it changes anything.
    pub fn changes(self) -> bool {
        self != Call::Read
    }

    /// The value that it puts there, be it as the whole or as one of several.
    pub fn puts(self) -> Option<ValueId> {
        match self {
            Call::Write(value) | Call::CompareAndSet { value, .. } | Call::Add(value) | Call::Append(value) => {
                Some(value)
            }
            Call::Read | Call::Increment(_) | Call::Remove(_) => None,
        }
    }

    /// What it leaves in a register.
    pub fn leaves(self) -> Option<ValueId> {
        match self {
            Call::Write(value) | Call::CompareAndSet { value, .. } => Some(value),
            Call::Read | Call::Increment(_) | Call::Add(_) | Call::Remove(_) | Call::Append(_) => None,
        }
    }
}

/// What a read returned.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Nothing is known, or nothing was to be returned.
    Nothing,
    /// A register's value.
    Value(ValueId),
    /// A counter's number.
    Number(i64),
    /// A set's elements in the order of their ids, or a list's in its own.
    Elements(Vec<ValueId>),
}

/// One operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// Its number where the history came from.
    pub index: u64,
    /// Who asked: operations of one process follow each other.
    pub process: u32,
    /// The key.
    pub key: u32,
    /// What was asked.
    pub call: Call,
    /// What was returned; only of a read that ended as ok.
    pub answer: Answer,
    /// How it ended. Unknown: it may have taken effect at any time after it was invoked, or never.
    pub outcome: Outcome,
    /// Place of its invocation among all invocations and ends.
    pub invoked: u32,
    /// Place of its end; [`NEVER`] if it is not known to have ended.
    pub ended: u32,
    /// When it was invoked and ended, µs, where that is known.
    pub times: Option<(i64, i64)>,
    /// For a change of a register: its place in the order of versions, from 1, where that order is known; else 0.
    pub rank: u32,
}

impl Operation {
    /// What a read of a register returned.
    pub fn returned(&self) -> Option<ValueId> {
        match self.answer {
            Answer::Value(value) if self.outcome == Outcome::Ok => Some(value),
            Answer::Value(_) | Answer::Nothing | Answer::Number(_) | Answer::Elements(_) => None,
        }
    }

    /// Whether it ended before the other was invoked.
    pub fn precedes(&self, other: &Operation) -> bool {
        self.ended < other.invoked
    }

    /// A change that is known to have taken effect.
    pub fn acknowledged(&self) -> bool {
        self.call.changes() && self.outcome == Outcome::Ok
    }
}

/// What the keys of a history hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// Read, write and compare-and-set of a value.
    Register,
    /// A number that is added to.
    Counter,
    /// A set that elements are added to and removed from.
    Set,
    /// A list that elements are put behind.
    Append,
}

/// What a key held before the first operation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Initial {
    /// Of a register.
    pub value: ValueId,
    /// Of a counter.
    pub number: i64,
    /// Of a set or a list.
    pub elements: Vec<ValueId>,
}

/// What clients asked and were told.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// By the place of their invocations.
    pub operations: Vec<Operation>,
    /// How values are written; the first stands for none.
    pub values: Vec<String>,
    /// How keys are written.
    pub keys: Vec<String>,
    /// How processes are written.
    pub processes: Vec<String>,
    /// What each key held at first: of all keys that are not here the default.
    pub initial: BTreeMap<u32, Initial>,
    /// Keys of which a read returned several values at once, as siblings: no register, whatever is written to them.
    pub siblings: BTreeSet<u32>,
    /// Keys that are maps, or lists that are changed elsewhere than at their ends: no model is about those.
    pub foreign: BTreeSet<u32>,
}

impl History {
    /// How a value is written.
    pub fn value(&self, value: ValueId) -> &str {
        self.values.get(value as usize).map_or("?", String::as_str)
    }

    /// What a key held at first.
    pub fn first_of(&self, key: u32) -> Initial {
        self.initial.get(&key).cloned().unwrap_or_default()
    }

    /// The places in `operations` of each key's, in order.
    pub fn by_key(&self) -> Vec<(u32, Vec<usize>)> {
        let most = self.operations.iter().map(|operation| operation.key).max().map_or(0, |key| key as usize + 1);
        let mut keys: Vec<Vec<usize>> = vec![Vec::new(); most];
        for (place, operation) in self.operations.iter().enumerate() {
            keys[operation.key as usize].push(place);
        }
        keys.into_iter()
            .enumerate()
            .map(|(key, places)| (key as u32, places))
            .filter(|(_, it)| !it.is_empty())
            .collect()
    }

    /// What the operations at these places are done to; none if that is more than one thing.
    pub fn model_of(&self, places: &[usize]) -> Option<Model> {
        let key = places.first().map(|place| self.operations[*place].key);
        if key.is_some_and(|key| self.siblings.contains(&key) || self.foreign.contains(&key)) {
            return None;
        }
        let mut model = None;
        for &place in places {
            let this = match self.operations[place].call {
                Call::Read => continue,
                Call::Write(_) | Call::CompareAndSet { .. } => Model::Register,
                Call::Increment(_) => Model::Counter,
                Call::Add(_) | Call::Remove(_) => Model::Set,
                Call::Append(_) => Model::Append,
            };
            if *model.get_or_insert(this) != this {
                return None;
            }
        }
        model
            .or_else(|| {
                let answers = places.iter().map(|place| &self.operations[*place].answer);
                answers.rev().find_map(|answer| match answer {
                    Answer::Nothing => None,
                    Answer::Value(_) => Some(Model::Register),
                    Answer::Number(_) => Some(Model::Counter),
                    Answer::Elements(_) => Some(Model::Set),
                })
            })
            .or(Some(Model::Register))
    }
}

/// An operation of a run as its trace tells it.
#[derive(Clone, Debug)]
pub struct Told {
    /// Its number in the run.
    pub operation: OperationId,
    /// Who asked.
    pub by: NodeId,
    /// Who was asked.
    pub to: NodeId,
    /// The process that it belongs to: a client's session, until an operation of it ends as unknown.
    pub process: u32,
    /// What was asked.
    pub kind: OperationKind,
    /// The key.
    pub key: KeyId,
    /// What was to be written, added, removed.
    pub value: Option<Value>,
    /// What compare-and-set expected.
    pub expected: Option<Value>,
    /// What a read returned.
    pub served: Option<Value>,
    /// It may have been siblings.
    unordered: bool,
    /// When it was invoked and ended, µs.
    pub times: (i64, i64),
    /// The version that a read returned, or that a change was given.
    version: Option<Version>,
    /// What a change with a version left there.
    left: Option<Value>,
    outcome: Outcome,
    /// It has ended, however.
    over: bool,
    invoked: u32,
    ended: u32,
}

/// Makes the history of a run from its trace. A read of a register is told from others by the version that it
/// returned, not by its value, so that values may repeat.
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    told: Vec<Told>,
    of: BTreeMap<OperationId, usize>,
    /// What began (none) and ended, in order.
    events: Vec<(usize, Option<Outcome>)>,
    /// The process of each session now, and whether an operation of it is awaited.
    sessions: BTreeMap<(NodeId, u32), (u32, bool)>,
    processes: Vec<(NodeId, u32)>,
    seeded: BTreeMap<KeyId, Value>,
    /// How often something was learnt of each key's operations.
    learnt: BTreeMap<KeyId, u32>,
}

impl Recorder {
    /// Takes in the next record.
    pub fn observe(&mut self, record: &Record) {
        match &record.fact {
            Fact::Seeded { key, value, .. } | Fact::ReplicaStored { update: None, key, value: Some(value), .. }
                if self.told.is_empty() =>
            {
                self.seeded.insert(*key, value.clone());
            }
            Fact::OperationIssued { operation, by, session, to, kind, key, value, expected } => {
                self.of.insert(*operation, self.told.len());
                *self.learnt.entry(*key).or_default() += 1;
                let process = self.process(*by, *session);
                self.told.push(Told {
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
                    left: None,
                    outcome: Outcome::Unknown,
                    over: false,
                    invoked: self.events.len() as u32,
                    ended: NEVER,
                });
                self.events.push((self.told.len() - 1, None));
            }
            Fact::ReadServed { operation, version, value, context, .. } => {
                // A second copy of the request may be served when its first answer has long come.
                if let Some(told) = self.find(*operation).filter(|told| !told.over) {
                    (told.version, told.served) = (Some(*version), value.clone());
                    told.unordered = context.is_some();
                    let key = told.key;
                    *self.learnt.entry(key).or_default() += 1;
                }
            }
            Fact::WriteCoordinated { operation, version, value, .. } => {
                self.give(*operation, *version, value.clone());
            }
            Fact::UpdateCommitted { operation, version, value, .. } => {
                self.give(*operation, *version, Some(value.clone()));
            }
            Fact::OperationEnded { operation, outcome } => {
                let Some(&place) = self.of.get(operation) else { return };
                let at = self.events.len() as u32;
                self.events.push((place, Some(*outcome)));
                let told = &mut self.told[place];
                (told.outcome, told.over) = (*outcome, true);
                told.times.1 = time(record.at);
                if *outcome != Outcome::Unknown {
                    told.ended = at;
                }
                let (process, key) = (told.process, told.key);
                *self.learnt.entry(key).or_default() += 1;
                // After an operation that is unknown the session goes on as another process.
                let session = self.processes[process as usize];
                if self.sessions.get(&session).is_some_and(|(now, _)| *now == process) {
                    if *outcome == Outcome::Unknown {
                        self.sessions.remove(&session);
                    } else {
                        self.sessions.insert(session, (process, false));
                    }
                }
            }
            _ => {}
        }
    }

    /// The process of a session's next operation: a process does one thing at a time.
    fn process(&mut self, by: NodeId, session: u32) -> u32 {
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

    fn find(&mut self, operation: OperationId) -> Option<&mut Told> {
        let place = *self.of.get(&operation)?;
        self.told.get_mut(place)
    }

    fn give(&mut self, operation: OperationId, version: Version, value: Option<Value>) {
        if let Some(told) = self.find(operation).filter(|told| told.version.is_none()) {
            (told.version, told.left) = (Some(version), value);
            let key = told.key;
            *self.learnt.entry(key).or_default() += 1;
        }
    }

    /// How often something was learnt of a key's operations: while that stays, they are as they were. Of no key: of all together.
    pub fn learnt(&self, key: Option<u32>) -> u32 {
        match key {
            Some(key) => self.learnt.get(&KeyId(key)).copied().unwrap_or_default(),
            None => self.learnt.values().sum(),
        }
    }

    /// Whose process each is: the client and its session.
    pub fn processes(&self) -> &[(NodeId, u32)] {
        &self.processes
    }

    /// What each key held before the first operation.
    pub fn first(&self) -> impl Iterator<Item = (KeyId, &Value)> {
        self.seeded.iter().map(|(key, value)| (*key, value))
    }

    /// Whether anybody adds to the number of a key.
    pub fn counts(&self, key: KeyId) -> bool {
        self.told.iter().any(|told| told.key == key && told.kind == OperationKind::Increment)
    }

    /// What began and what ended, and how, in order.
    pub fn events(&self) -> impl Iterator<Item = (Option<Outcome>, &Told)> {
        self.events.iter().map(|(place, outcome)| (*outcome, &self.told[*place]))
    }

    /// The history so far. `key` says how a key is written.
    pub fn history(&self, key: impl Fn(KeyId) -> String, process: impl Fn(NodeId, u32) -> String) -> History {
        let most = self.told.iter().map(|told| told.key.0 + 1).max().unwrap_or(0);
        let operation = |told: &Told| Operation {
            index: told.operation.0.into(),
            process: told.process,
            key: told.key.0,
            call: call_of(told.kind, told.value.as_ref()),
            answer: Answer::Nothing,
            outcome: told.outcome,
            invoked: told.invoked,
            ended: told.ended,
            times: Some(told.times),
            rank: 0,
        };
        let mut history = History {
            operations: self.told.iter().map(operation).collect(),
            values: vec!["nothing".into()],
            keys: (0..most).map(|id| key(KeyId(id))).collect(),
            processes: self.processes.iter().map(|(by, session)| process(*by, *session)).collect(),
            initial: BTreeMap::new(),
            siblings: BTreeSet::new(),
            foreign: BTreeSet::new(),
        };
        history.foreign = self.told.iter().filter(|told| told.is_foreign()).map(|told| told.key.0).collect();
        for (id, places) in history.by_key() {
            self.fill(&mut history, KeyId(id), &places);
        }
        history
    }

    /// Gives the values of one key's operations their ids.
    fn fill(&self, history: &mut History, key: KeyId, places: &[usize]) {
        let mut ids: BTreeMap<Option<Value>, ValueId> = BTreeMap::new();
        ids.insert(None, ABSENT);
        let model = history.model_of(places);
        let seeded = self.seeded.get(&key).cloned();
        let cas = places.iter().any(|&place| matches!(history.operations[place].call, Call::CompareAndSet { .. }));
        // Compare-and-set is about values; for all else the version tells which write a read returned.
        let by_version = model == Some(Model::Register) && !cas;
        let mut versions: BTreeMap<Version, ValueId> = BTreeMap::new();
        let mut name = |history: &mut History, value: &Option<Value>| -> ValueId {
            if let Some(id) = ids.get(value) {
                return *id;
            }
            let id = history.values.len() as ValueId;
            history.values.push(written(value.as_ref()));
            ids.insert(value.clone(), id);
            id
        };
        let mut initial = Initial::default();
        match (&seeded, model) {
            (Some(Value::Int(number)), Some(Model::Counter)) => initial.number = *number,
            (Some(Value::Set(elements)), _) => {
                initial.elements = elements.iter().map(|it| name(history, &Some(it.clone()))).collect();
                initial.elements.sort_unstable();
            }
            (Some(Value::List(elements)), _) => {
                initial.elements = elements.iter().map(|it| name(history, &Some(it.clone()))).collect();
            }
            (Some(_), _) => initial.value = name(history, &seeded),
            (None, _) => {}
        }
        let mut given: Vec<(Version, usize)> = places
            .iter()
            .filter(|place| by_version && self.told[**place].kind != OperationKind::Read)
            .filter_map(|place| Some((self.told[*place].version?, *place)))
            .collect();
        given.sort_unstable();
        for (rank, (version, place)) in given.iter().enumerate() {
            let id = history.values.len() as ValueId;
            history.values.push(written(self.told[*place].left.as_ref()));
            versions.insert(*version, id);
            history.operations[*place].call = Call::Write(id);
            history.operations[*place].rank = rank as u32 + 1;
        }
        for &place in places {
            let value = &self.told[place].value;
            let call = history.operations[place].call;
            let set = match call {
                Call::Write(_) if by_version && history.operations[place].rank > 0 => call,
                // It never got a version: nobody can have read it.
                Call::Write(_) if by_version => {
                    history.values.push(written(value.as_ref()));
                    Call::Write(history.values.len() as ValueId - 1)
                }
                Call::Write(_) => Call::Write(name(history, value)),
                Call::Add(_) => Call::Add(name(history, value)),
                Call::Remove(_) => Call::Remove(name(history, value)),
                Call::Append(_) => Call::Append(name(history, value)),
                Call::CompareAndSet { .. } => {
                    let expected = name(history, &self.told[place].expected);
                    Call::CompareAndSet { expected, value: name(history, value) }
                }
                Call::Read | Call::Increment(_) => call,
            };
            history.operations[place].call = set;
            let told = &self.told[place];
            let (Some(version), OperationKind::Read, Outcome::Ok) = (told.version, told.kind, told.outcome) else {
                continue;
            };
            let value = &told.served;
            history.operations[place].answer = match (model, value) {
                (Some(Model::Counter), Some(Value::Int(number))) => Answer::Number(*number),
                (Some(Model::Counter), None) => Answer::Number(0),
                (Some(Model::Set | Model::Append), Some(Value::Set(elements))) => {
                    let mut ids: Vec<ValueId> = elements.iter().map(|it| name(history, &Some(it.clone()))).collect();
                    ids.sort_unstable();
                    Answer::Elements(ids)
                }
                (Some(Model::Append), Some(Value::List(elements))) => {
                    Answer::Elements(elements.iter().map(|it| name(history, &Some(it.clone()))).collect())
                }
                (Some(Model::Set | Model::Append), None) => Answer::Elements(Vec::new()),
                (_, value) => Answer::Value(match versions.get(&version) {
                    // Of siblings no single write left the whole.
                    known
                        if by_version && told.unordered && value.is_some() && *value != seeded && {
                            let whole = written(value.as_ref());
                            known.is_none_or(|id| history.values[*id as usize] != whole)
                        } =>
                    {
                        history.siblings.insert(key.0);
                        name(history, value)
                    }
                    Some(id) if by_version => *id,
                    Some(_) | None => name(history, value),
                }),
            };
        }
        if initial != Initial::default() {
            history.initial.insert(key.0, initial);
        }
    }
}

impl Told {
    /// It is of no model.
    fn is_foreign(&self) -> bool {
        match self.kind {
            OperationKind::Put | OperationKind::RemoveAt => true,
            OperationKind::Insert => self.expected.is_some(),
            OperationKind::Read
            | OperationKind::Write
            | OperationKind::Delete
            | OperationKind::Add
            | OperationKind::Remove
            | OperationKind::Increment
            | OperationKind::CompareAndSet => false,
        }
    }
}

fn written(value: Option<&Value>) -> String {
    value.map_or("nothing".into(), ToString::to_string)
}

fn time(at: Micros) -> i64 {
    at as i64
}

/// What was asked; values get their ids later.
fn call_of(kind: OperationKind, value: Option<&Value>) -> Call {
    match (kind, value) {
        (OperationKind::Read, _) => Call::Read,
        // A put or a removal by place makes its key one that no model is about.
        (OperationKind::Write | OperationKind::Delete | OperationKind::Put | OperationKind::RemoveAt, _) => {
            Call::Write(ABSENT)
        }
        (OperationKind::Insert, _) => Call::Append(ABSENT),
        (OperationKind::Add, _) => Call::Add(ABSENT),
        (OperationKind::Remove, _) => Call::Remove(ABSENT),
        (OperationKind::Increment, Some(Value::Int(by))) => Call::Increment(*by),
        (OperationKind::Increment, _) => Call::Increment(1),
        (OperationKind::CompareAndSet, _) => Call::CompareAndSet { expected: ABSENT, value: ABSENT },
    }
}
