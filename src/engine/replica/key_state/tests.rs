//! The laws of merging, and the definitions of the data types, on random histories of three replicas.

mod oracles;

use super::operations::Change;
use super::*;
use crate::random::{self, random_tests};
use crate::scenario::{Merge, Operation, VersionClock};
use crate::trace::Refusal;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// A step of a history.
#[derive(Clone, Debug)]
enum Step {
    /// A replica executes an operation.
    Change(OperationAt),
    /// The replica `at` merges the state of the replica `from`.
    Merge { at: usize, from: usize },
}

/// An operation at the replica `at`. The data type decides whether `number` is an element, a value, a field or an
/// amount.
#[derive(Clone, Copy, Debug)]
struct OperationAt {
    at: usize,
    number: i64,
    is_removal: bool,
    /// A put that has observed no sibling, or an insertion at the end.
    is_blind: bool,
}

impl OperationAt {
    fn origin(self) -> u32 {
        self.at as u32 + 1
    }

    /// Returns the operation as a request for a key of this data type.
    fn operation(self, data: &Data) -> Operation {
        let OperationAt { number, is_removal, is_blind, .. } = self;
        match data {
            Data::Register { .. } | Data::MultiValue if is_removal => Operation::Delete { key: String::new() },
            Data::Register { .. } | Data::MultiValue => Operation::Write { key: String::new(), value: number.into() },
            // Either replaces all siblings with a set, or changes the merged value.
            Data::Merged { .. } if is_blind => {
                Operation::Write { key: String::new(), value: Value::from_iter([number.into()]) }
            }
            Data::Set | Data::RemoveWinsSet | Data::Merged { .. } if is_removal => {
                Operation::Remove { key: String::new(), element: number.into() }
            }
            Data::Set | Data::RemoveWinsSet | Data::Merged { .. } => {
                Operation::Add { key: String::new(), element: number.into() }
            }
            Data::Map if is_removal => Operation::Remove { key: String::new(), element: Value::Int(number % 2) },
            Data::Map => Operation::Put { key: String::new(), field: self.field(), value: number.into() },
            Data::Sequence if is_removal => Operation::RemoveAt { key: String::new(), at: number as u32 },
            Data::Sequence => Operation::Insert {
                key: String::new(),
                at: (!is_blind).then_some(number as u32),
                element: number.into(),
            },
            Data::Counter => Operation::Increment { key: String::new(), by: self.amount() },
        }
    }

    fn amount(self) -> i64 {
        if self.is_removal { -self.number } else { self.number }
    }

    fn field(self) -> String {
        (self.number % 2).to_string()
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let change = (0usize..3, 0i64..5, any::<bool>(), any::<bool>())
        .prop_map(|(at, number, is_removal, is_blind)| Step::Change(OperationAt { at, number, is_removal, is_blind }));
    let merge = (0usize..3, 0usize..3).prop_map(|(at, from)| Step::Merge { at, from });
    prop::collection::vec(prop_oneof![2 => change, 1 => merge], 0..40)
}

fn data_types() -> Vec<Data> {
    let merged = [Merge::Union, Merge::Intersection, Merge::Max, Merge::Min].map(|by| Data::Merged { by });
    let mut types = vec![Data::Register { clock: VersionClock::Lamport }, Data::MultiValue, Data::Counter, Data::Set];
    types.extend([Data::RemoveWinsSet, Data::Map, Data::Sequence]);
    types.extend(merged);
    types
}

fn execute(state: &mut KeyState, data: &Data, operation: OperationAt) {
    if let KeyState::Register(register) = state {
        let version = Version::counted(register.version.counter + 1, operation.origin());
        let value = (!operation.is_removal).then_some(operation.number.into());
        *register = Register { version, value, update: None, metadata: None, deleted_at: None };
        return;
    }
    let observed = operation.is_blind.then(VersionVector::new);
    match state.execute(data, operation.origin(), &operation.operation(data), observed.as_ref()) {
        Ok(Change { .. }) => {}
        // A merged value that is not a set has no elements, and a short list has no such index.
        Err(Refusal::WrongType) if matches!(data, Data::Merged { .. }) => {}
        Err(Refusal::NotAsExpected) if *data == Data::Sequence => {}
        Err(cause) => panic!("{data:?}: {cause:?}"),
    }
}

/// Returns the states of the three replicas after a history.
fn replay(data: &Data, steps: &[Step]) -> [KeyState; 3] {
    let mut states = [(); 3].map(|()| KeyState::empty(data));
    for step in steps {
        match *step {
            Step::Change(operation) => execute(&mut states[operation.at], data, operation),
            Step::Merge { at, from } => merge_from(&mut states, at, from),
        }
    }
    states
}

fn merge_from(states: &mut [KeyState; 3], at: usize, from: usize) {
    let other = states[from].clone();
    states[at].merge(&other);
}

fn merged(a: &KeyState, b: &KeyState) -> KeyState {
    let mut merged = a.clone();
    merged.merge(b);
    merged
}

random_tests! { laws, 2000;
    #[test]
    fn merging_is_commutative_associative_and_idempotent(steps in steps()) {
        for data in data_types() {
            let [a, b, c] = replay(&data, &steps);
            prop_assert_eq!(merged(&a, &b), merged(&b, &a), "{:?}", data);
            prop_assert_eq!(merged(&merged(&a, &b), &c), merged(&a, &merged(&b, &c)), "{:?}", data);
            prop_assert_eq!(&merged(&a, &a), &a, "{:?}", data);
        }
    }

    #[test]
    fn a_merge_includes_both_states_and_reports_a_change_exactly_if_there_is_one(steps in steps()) {
        for data in data_types() {
            let [a, b, _] = replay(&data, &steps);
            let both = merged(&a, &b);
            prop_assert!(both.includes(&a) && both.includes(&b), "{:?}", data);
            prop_assert!(!both.state_version().is_missing_updates_of(&b.state_version()), "{:?}", data);
            prop_assert_eq!(a.includes(&b), both == a, "{:?}", data);
        }
    }

    #[test]
    fn states_delivered_in_any_order_with_duplicates_give_the_same_result(
        steps in steps(), order in prop::collection::vec(0usize..3, 0..8)
    ) {
        for data in data_types() {
            let states = replay(&data, &steps);
            let mut state = KeyState::empty(&data);
            for i in order.iter().chain(&[2, 0, 1]) {
                state.merge(&states[*i]);
            }
            let straight = merged(&merged(&states[0], &states[1]), &states[2]);
            prop_assert_eq!(state, straight, "{:?}", data);
        }
    }

    /// The definition: some addition of the element observed every removal of it.
    #[test]
    fn a_remove_wins_set_holds_the_elements_of_its_definition(steps in steps()) {
        let states = replay(&Data::RemoveWinsSet, &steps);
        let history = History::of(&steps);
        for (state, received) in states.iter().zip(&history.received) {
            let is_present = |element: i64| {
                let of_element = |is_removal: bool| {
                    let changes = received.iter().map(|i| (*i, &history.changes[*i]));
                    changes.filter(move |(_, change)| {
                        change.operation.number == element && change.operation.is_removal == is_removal
                    })
                };
                of_element(false).any(|(_, addition)| {
                    of_element(true).all(|(removal, _)| addition.observed.contains(&removal))
                })
            };
            let expected: BTreeSet<i64> = (0..5).filter(|element| is_present(*element)).collect();
            prop_assert_eq!(elements(&Data::RemoveWinsSet, state), expected);
        }
    }

    /// The definition: a value is present until a put or a removal of the field that observed it.
    #[test]
    fn a_map_holds_the_fields_of_its_definition(steps in steps()) {
        let states = replay(&Data::Map, &steps);
        let history = History::of(&steps);
        for (state, received) in states.iter().zip(&history.received) {
            let mut expected: BTreeMap<String, BTreeSet<i64>> = BTreeMap::new();
            for put in received.iter().filter(|i| !history.changes[**i].operation.is_removal) {
                let operation = history.changes[*put].operation;
                let is_replaced = received.iter().map(|i| &history.changes[*i]).any(|later| {
                    later.operation.field() == operation.field() && later.observed.contains(put)
                });
                if !is_replaced {
                    expected.entry(operation.field()).or_default().insert(operation.number);
                }
            }
            prop_assert_eq!(fields(state), expected);
        }
    }

    #[test]
    fn a_counter_is_the_sum_of_all_increments(steps in steps()) {
        let states = replay(&Data::Counter, &steps);
        let sum: i64 = steps.iter().map(|step| match step {
            Step::Change(operation) => operation.amount(),
            Step::Merge { .. } => 0,
        }).sum();
        let merged = merged(&merged(&states[0], &states[1]), &states[2]);
        prop_assert_eq!(merged.value(&Data::Counter).as_ref().map_or(0, number), sum);
    }

    #[test]
    fn an_element_is_inserted_at_its_index_and_all_replicas_agree_on_the_order(steps in steps()) {
        let data = Data::Sequence;
        let mut states = [(); 3].map(|()| KeyState::empty(&data));
        let mut before: BTreeSet<(i64, i64)> = BTreeSet::new();
        for (element, step) in (0i64..).zip(&steps) {
            match *step {
                Step::Change(operation) => {
                    let OperationAt { at, number, is_removal, is_blind } = operation;
                    let change = match is_removal {
                        true => Operation::RemoveAt { key: String::new(), at: number as u32 },
                        false => Operation::Insert { key: String::new(), at: (!is_blind).then_some(number as u32), element: element.into() },
                    };
                    let index = list(&states[at]).len().min(if is_blind { usize::MAX } else { number as usize });
                    if states[at].execute(&data, operation.origin(), &change, None).is_ok() && !is_removal {
                        prop_assert_eq!(list(&states[at])[index], element);
                    }
                }
                Step::Merge { at, from } => merge_from(&mut states, at, from),
            }
            for state in &states {
                let list = list(state);
                for (i, first) in list.iter().enumerate() {
                    for second in &list[i + 1..] {
                        before.insert((*first, *second));
                        prop_assert!(!before.contains(&(*second, *first)), "{} and {}", first, second);
                    }
                }
            }
        }
    }
}

/// A change of a history, with the changes that its replica had observed.
struct ObservedChange {
    operation: OperationAt,
    observed: BTreeSet<usize>,
}

/// The changes of a history, and those that each replica has received in the end.
#[derive(Default)]
struct History {
    received: [BTreeSet<usize>; 3],
    changes: Vec<ObservedChange>,
}

impl History {
    fn of(steps: &[Step]) -> History {
        let mut history = History::default();
        for step in steps {
            match *step {
                Step::Change(operation) => {
                    let observed = history.received[operation.at].clone();
                    history.changes.push(ObservedChange { operation, observed });
                    history.received[operation.at].insert(history.changes.len() - 1);
                }
                Step::Merge { at, from } => {
                    let other = history.received[from].clone();
                    history.received[at].extend(other);
                }
            }
        }
        history
    }
}

fn number(value: &Value) -> i64 {
    match value {
        Value::Int(n) => *n,
        other => panic!("{other} is not a number"),
    }
}

/// Returns the numbers of a set, or a single number.
fn numbers(value: &Value) -> BTreeSet<i64> {
    match value {
        Value::Set(elements) => elements.iter().map(number).collect(),
        single => BTreeSet::from([number(single)]),
    }
}

fn elements(data: &Data, state: &KeyState) -> BTreeSet<i64> {
    state.value(data).as_ref().map(numbers).unwrap_or_default()
}

fn fields(state: &KeyState) -> BTreeMap<String, BTreeSet<i64>> {
    match state.value(&Data::Map) {
        Some(Value::Map(fields)) => fields.iter().map(|(name, value)| (name.to_string(), numbers(value))).collect(),
        None => BTreeMap::new(),
        Some(other) => panic!("{other} is not a map"),
    }
}

fn list(state: &KeyState) -> Vec<i64> {
    match state.value(&Data::Sequence) {
        Some(Value::List(elements)) => elements.iter().map(number).collect(),
        None => Vec::new(),
        Some(other) => panic!("{other} is not a list"),
    }
}

#[test]
fn siblings_are_merged_by_the_chosen_rule() {
    let set = |elements: &[i64]| elements.iter().map(|n| Value::Int(*n)).collect::<Value>();
    let value = |by, siblings: &[Value]| {
        let data = Data::Merged { by };
        let mut state = KeyState::empty(&data);
        for (origin, sibling) in (1..).zip(siblings) {
            let mut other = KeyState::empty(&data);
            other
                .execute(&data, origin, &Operation::Write { key: String::new(), value: sibling.clone() }, None)
                .expect("a put");
            state.merge(&other);
        }
        state.value(&data)
    };
    let carts = [set(&[1, 2]), set(&[2, 3])];
    assert_eq!(value(Merge::Union, &carts), Some(set(&[1, 2, 3])));
    assert_eq!(value(Merge::Intersection, &carts), Some(set(&[2])));
    assert_eq!(value(Merge::Max, &[3.into(), 7.into(), 5.into()]), Some(7.into()));
    assert_eq!(value(Merge::Min, &[3.into(), 7.into(), 5.into()]), Some(3.into()));
    assert_eq!(value(Merge::Max, &["b".into(), 9.into()]), Some("b".into()), "texts are greater than numbers");
    assert_eq!(value(Merge::Union, &[1.into(), set(&[2])]), Some(set(&[1, 2])), "a number counts as a set of one");
    assert_eq!(value(Merge::Union, &[1.into()]), Some(1.into()), "a single sibling keeps its type");
    assert_eq!(value(Merge::Union, &[]), None);
}

#[test]
fn a_change_of_the_merged_value_replaces_all_siblings() {
    let data = Data::Merged { by: Merge::Union };
    let [mut a, mut b] = [(); 2].map(|()| KeyState::empty(&data));
    a.execute(&data, 1, &Operation::Add { key: String::new(), element: 1.into() }, None).expect("an addition");
    b.execute(&data, 2, &Operation::Add { key: String::new(), element: 2.into() }, None).expect("an addition");
    a.merge(&b);
    a.execute(&data, 1, &Operation::Remove { key: String::new(), element: 1.into() }, None).expect("a removal");
    assert_eq!(a.value(&data), Some(Value::from_iter([2.into()])));
    b.merge(&a);
    assert_eq!(b, a, "the change observed both siblings");
    assert_eq!(a.execute(&data, 1, &Operation::Increment { key: String::new(), by: 1 }, None), Err(Refusal::WrongType));
}

#[test]
fn an_initial_value_is_held_exactly_if_it_fits_the_data_type() {
    let set = Value::from_iter([1.into(), 2.into()]);
    let map = Value::Map(Arc::new([(Arc::from("size"), 3.into())].into_iter().collect()));
    let list = Value::List(vec![2.into(), 1.into(), 2.into()].into());
    for (data, fitting) in [
        (Data::Set, vec![&set]),
        (Data::RemoveWinsSet, vec![&set]),
        (Data::Map, vec![&map]),
        (Data::Sequence, vec![&list]),
        (Data::MultiValue, vec![&set, &map, &list]),
        (Data::Merged { by: Merge::Max }, vec![&set, &map, &list]),
        (Data::Counter, Vec::new()),
    ] {
        for value in [&set, &map, &list] {
            let held = KeyState::initial(&data, value).map(|state| state.value(&data));
            assert_eq!(held, fitting.contains(&value).then(|| Some(value.clone())), "{data:?} of {value}");
        }
    }
    let empty = KeyState::initial(&Data::Set, &Value::Set(Arc::new(BTreeSet::new()))).expect("an empty set");
    assert_eq!(empty.value(&Data::Set), Some(Value::Set(Arc::new(BTreeSet::new()))));
    assert!(empty.version_vector().is_some_and(|vector| vector == [(0, 1)]), "and is not an absent key");
}
