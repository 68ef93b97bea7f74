use super::recorded_operation::RecordedOperation;
use super::{ABSENT, History, Initial, Invocation, Model, Output, Rank, ValueId};
use crate::language::phrase;
use crate::scenario::Value;
use crate::trace::{KeyId, OperationKind, Outcome, Version};
use std::collections::{BTreeMap, BTreeSet};

/// Sets the values of one key's operations in a history.
pub(super) struct KeyValues<'a> {
    history: &'a mut History,
    operations: &'a [RecordedOperation],
    key: KeyId,
    model: Option<Model>,
    /// Whether the version of a read identifies the write that it returned.
    by_version: bool,
    /// The initial value and its version.
    initial: Option<&'a (Value, Version)>,
    ids: BTreeMap<Option<Value>, ValueId>,
    /// The values of the writes with each version: several after a member has lost its disk, and its counter.
    versions: BTreeMap<Version, Vec<ValueId>>,
}

impl<'a> KeyValues<'a> {
    /// Prepares to set the values. `operations` are all recorded operations, `places` the indexes of this key's operations.
    pub fn new(
        history: &'a mut History,
        operations: &'a [RecordedOperation],
        key: KeyId,
        initial: Option<&'a (Value, Version)>,
        places: &[usize],
    ) -> Self {
        let model = history.model_of(places);
        let mut kinds = places.iter().map(|place| operations[*place].kind);
        // A compare-and-set compares values. Otherwise the version identifies the write that a read returned.
        let by_version = model == Some(Model::Register) && !kinds.any(|kind| kind == OperationKind::CompareAndSet);
        let ids = BTreeMap::from([(None, ABSENT)]);
        KeyValues { history, operations, key, model, by_version, initial, ids, versions: BTreeMap::new() }
    }

    /// Sets the initial value of the key, and the values of its operations.
    pub fn fill(&mut self, places: &[usize]) {
        let initial = self.initial_value();
        if self.by_version {
            self.rank_writes(places);
        }
        for &place in places {
            self.history.operations[place].invocation = self.invocation(place);
            if let Some(output) = self.output(place) {
                self.history.operations[place].output = output;
            }
        }
        if initial != Initial::default() {
            self.history.initial.insert(self.key.0, initial);
        }
    }

    fn initial_value(&mut self) -> Initial {
        let mut initial = Initial::default();
        match (self.initial.map(|(value, _)| value), self.model) {
            (Some(Value::Int(number)), Some(Model::Counter)) => initial.number = *number,
            (Some(Value::Set(elements)), _) => {
                initial.elements = self.ids(elements.iter());
                initial.elements.sort_unstable();
            }
            (Some(Value::List(elements)), _) => initial.elements = self.ids(elements.iter()),
            (Some(value), _) => initial.value = self.id(Some(value)),
            (None, _) => {}
        }
        initial
    }

    /// Assigns each write with a version a distinct value, and its rank in the order of versions. Writes of a value share it if a
    /// read that returned the value does not show which write it returned.
    fn rank_writes(&mut self, places: &[usize]) {
        let writes = places.iter().filter(|place| self.operations[**place].kind != OperationKind::Read);
        let mut versioned: Vec<(Version, usize)> = writes
            .flat_map(|place| self.operations[*place].executions.iter().map(|(_, version)| (*version, *place)))
            .collect();
        versioned.sort_unstable();
        let unidentified = self.unidentified(places, &versioned);
        let mut ranks: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
        for (rank, (_, place)) in versioned.iter().enumerate() {
            ranks.entry(*place).or_default().push(rank as u32 + 1);
        }
        for (place, ranks) in ranks {
            let recorded = &self.operations[place];
            let written = recorded.written.clone();
            let id = match unidentified.contains(&written) {
                true => self.id(written.as_ref()),
                false => self.add(written.as_ref()),
            };
            for (_, version) in &recorded.executions {
                self.versions.entry(*version).or_default().push(id);
            }
            self.history.operations[place].invocation = Invocation::Write(id);
            self.history.operations[place].rank = Rank::of(&ranks);
        }
    }

    /// Returns the values that reads returned with a version that neither a write nor the initial value has.
    fn unidentified(&self, places: &[usize], versioned: &[(Version, usize)]) -> BTreeSet<Option<Value>> {
        let is_known = |version: &Version| {
            let is_initial = version.is_none() || self.initial.is_some_and(|(_, initial)| initial == version);
            is_initial || versioned.binary_search_by_key(version, |(version, _)| *version).is_ok()
        };
        let reads = places.iter().map(|place| &self.operations[*place]).filter(|read| read.kind == OperationKind::Read);
        let unknown = reads.filter(|read| read.version.is_some_and(|version| !is_known(&version)));
        unknown.map(|read| read.served.clone()).collect()
    }

    fn invocation(&mut self, place: usize) -> Invocation {
        let recorded = &self.operations[place];
        let value = recorded.value.as_ref();
        let (invocation, rank) = (self.history.operations[place].invocation, self.history.operations[place].rank);
        match invocation {
            Invocation::Write(id) if self.by_version && rank.is_known() => Invocation::Write(id),
            // A write without a version cannot have been read.
            Invocation::Write(_) if self.by_version => Invocation::Write(self.add(value)),
            Invocation::Write(_) => Invocation::Write(self.id(value)),
            Invocation::Add(_) => Invocation::Add(self.id(value)),
            Invocation::Remove(_) => Invocation::Remove(self.id(value)),
            Invocation::Append(_) => Invocation::Append(self.id(value)),
            Invocation::CompareAndSet { .. } => {
                let expected = self.id(recorded.expected.as_ref());
                Invocation::CompareAndSet { expected, value: self.id(value) }
            }
            unchanged @ (Invocation::Read | Invocation::Increment(_)) => unchanged,
        }
    }

    /// Returns the result of a read that ended `ok`, `None` for another operation.
    fn output(&mut self, place: usize) -> Option<Output> {
        let recorded = &self.operations[place];
        let (Some(version), OperationKind::Read, Outcome::Ok) = (recorded.version, recorded.kind, recorded.outcome)
        else {
            return None;
        };
        Some(match (self.model, recorded.served.as_ref()) {
            (Some(Model::Counter), Some(Value::Int(number))) => Output::Number(*number),
            (Some(Model::Counter), None) => Output::Number(0),
            (Some(Model::Set | Model::Append), Some(Value::Set(elements))) => {
                let mut ids = self.ids(elements.iter());
                ids.sort_unstable();
                Output::Elements(ids)
            }
            (Some(Model::Append), Some(Value::List(elements))) => Output::Elements(self.ids(elements.iter())),
            (Some(Model::Set | Model::Append), None) => Output::Elements(Vec::new()),
            (_, value) => Output::Value(self.read_value(recorded.unordered, version, value)),
        })
    }

    fn read_value(&mut self, unordered: bool, version: Version, value: Option<&Value>) -> ValueId {
        // Siblings as a whole are not the value of a single write.
        let is_whole = |id: ValueId| self.history.values[id as usize] == display(value);
        let written = self.versions.get(&version).filter(|_| self.by_version);
        let written = written.and_then(|all| all.iter().find(|id| is_whole(**id)).or(all.first())).copied();
        if self.by_version
            && unordered
            && value.is_some()
            && value != self.initial.map(|(value, _)| value)
            && !written.is_some_and(is_whole)
        {
            self.history.siblings.insert(self.key.0);
            return self.id(value);
        }
        written.unwrap_or_else(|| self.id(value))
    }

    fn ids<'v>(&mut self, values: impl Iterator<Item = &'v Value>) -> Vec<ValueId> {
        values.map(|value| self.id(Some(value))).collect()
    }

    /// Returns the id of a value, the same for equal values.
    fn id(&mut self, value: Option<&Value>) -> ValueId {
        let value = value.cloned();
        if let Some(id) = self.ids.get(&value) {
            return *id;
        }
        let id = self.add(value.as_ref());
        self.ids.insert(value, id);
        id
    }

    /// Adds a value that differs from all others.
    fn add(&mut self, value: Option<&Value>) -> ValueId {
        self.history.values.push(display(value));
        self.history.values.len() as ValueId - 1
    }
}

/// Returns a value as text.
fn display(value: Option<&Value>) -> String {
    value.map_or_else(|| phrase("nothing", "nichts").into(), ToString::to_string)
}
