use super::*;
use crate::scenario::{Merge, VersionClock};
use crdts::{CmRDT, CvRDT, List, MVReg, Orswot, PNCounter};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// What happens to three replicas of a key.
#[derive(Clone, Debug)]
enum Event {
    /// A replica changes its own state: an element, a value, a field or a number.
    Change { at: usize, what: i64, remove: bool, blind: bool },
    /// A replica merges another's state.
    Merge { at: usize, from: usize },
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let change = (0usize..3, 0i64..5, any::<bool>(), any::<bool>())
        .prop_map(|(at, what, remove, blind)| Event::Change { at, what, remove, blind });
    let merge = (0usize..3, 0usize..3).prop_map(|(at, from)| Event::Merge { at, from });
    prop::collection::vec(prop_oneof![2 => change, 1 => merge], 0..40)
}

fn types() -> Vec<Data> {
    let merged = [Merge::Union, Merge::Intersection, Merge::Max, Merge::Min].map(|by| Data::Merged { by });
    let mut types = vec![Data::Register { clock: VersionClock::Lamport }, Data::MultiValue, Data::Counter, Data::Set];
    types.extend([Data::RemoveWinsSet, Data::Map, Data::Sequence]);
    types.extend(merged);
    types
}

/// What a change asks, by the data type.
fn asked(data: &Data, what: i64, remove: bool, blind: bool) -> Ask {
    match data {
        Data::Register { .. } | Data::MultiValue if remove => Ask::Delete,
        Data::Register { .. } | Data::MultiValue => Ask::Write(what.into()),
        // A write of a set, or a change of what the siblings make together.
        Data::Merged { .. } if blind => Ask::Write(Value::from_iter([what.into()])),
        Data::Set | Data::RemoveWinsSet | Data::Merged { .. } if remove => Ask::Remove(what.into()),
        Data::Set | Data::RemoveWinsSet | Data::Merged { .. } => Ask::Add(what.into()),
        Data::Map if remove => Ask::Remove(Value::Int(what % 2)),
        Data::Map => Ask::Put((what % 2).to_string().into(), what.into()),
        Data::Sequence if remove => Ask::RemoveAt(what as u32),
        Data::Sequence => Ask::Insert((!blind).then_some(what as u32), what.into()),
        Data::Counter => Ask::Increment(if remove { -what } else { what }),
    }
}

fn change(cell: &mut Cell, data: &Data, at: usize, what: i64, remove: bool, blind: bool) {
    let origin = at as u32 + 1;
    if let Cell::Register(register) = cell {
        let version = Version::counted(register.version.counter + 1, origin);
        *register = Register { version, value: (!remove).then_some(what.into()), update: None, made: None };
        return;
    }
    let seen = blind.then(VersionVector::new);
    match cell.change(data, origin, &asked(data, what, remove, blind), seen.as_ref()) {
        Ok(_) => {}
        // Of what merges into something else than a set there is nothing to add to, and no place behind the end.
        Err(Refusal::WrongType) if matches!(data, Data::Merged { .. }) => {}
        Err(Refusal::NotAsExpected) if *data == Data::Sequence => {}
        Err(cause) => panic!("{data:?}: {cause:?}"),
    }
}

fn played(data: &Data, events: &[Event]) -> [Cell; 3] {
    let mut cells = [Cell::empty(data), Cell::empty(data), Cell::empty(data)];
    for event in events {
        match *event {
            Event::Change { at, what, remove, blind } => change(&mut cells[at], data, at, what, remove, blind),
            Event::Merge { at, from } => {
                let other = cells[from].clone();
                cells[at].merge(&other);
            }
        }
    }
    cells
}

fn merged(a: &Cell, b: &Cell) -> Cell {
    let mut merged = a.clone();
    merged.merge(b);
    merged
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Law 15.
    #[test]
    fn merging_is_commutative_associative_idempotent_and_loses_nothing(events in events()) {
        for data in types() {
            let [a, b, c] = played(&data, &events);
            prop_assert_eq!(merged(&a, &b), merged(&b, &a), "{:?}", data);
            prop_assert_eq!(merged(&merged(&a, &b), &c), merged(&a, &merged(&b, &c)), "{:?}", data);
            prop_assert_eq!(&merged(&a, &a), &a, "{:?}", data);
            let both = merged(&a, &b);
            prop_assert!(both.covers(&a) && both.covers(&b), "{:?}", data);
            prop_assert!(!a.mark().lacks(&a.mark()) && !both.mark().lacks(&b.mark()), "{:?}", data);
            // A merge that changed something says so, and only then.
            prop_assert_eq!(a.covers(&b), merged(&a, &b) == a, "{:?}", data);
        }
    }

    #[test]
    fn every_order_of_delivery_and_every_duplicate_ends_in_the_same_state(
        events in events(), order in prop::collection::vec(0usize..3, 0..8)
    ) {
        for data in types() {
            let cells = played(&data, &events);
            let mut end = Cell::empty(&data);
            for i in order.iter().chain(&[2, 0, 1]) {
                end.merge(&cells[*i]);
            }
            let straight = merged(&merged(&cells[0], &cells[1]), &cells[2]);
            prop_assert_eq!(end, straight, "{:?}", data);
        }
    }

    #[test]
    fn the_set_holds_what_the_oracle_holds(events in events()) {
        let ours = played(&Data::Set, &events);
        let mut theirs: [Orswot<i64, u8>; 3] = Default::default();
        for event in &events {
            match *event {
                Event::Change { at, what, remove: false, .. } => {
                    let op = theirs[at].add(what, theirs[at].read_ctx().derive_add_ctx(at as u8));
                    theirs[at].apply(op);
                }
                Event::Change { at, what, remove: true, .. } => {
                    let op = theirs[at].rm(what, theirs[at].contains(&what).derive_rm_ctx());
                    theirs[at].apply(op);
                }
                Event::Merge { at, from } => {
                    let other = theirs[from].clone();
                    theirs[at].merge(other);
                }
            }
        }
        for (ours, theirs) in ours.iter().zip(theirs) {
            let expected: BTreeSet<i64> = theirs.read().val.into_iter().collect();
            prop_assert_eq!(elements(&Data::Set, ours), expected);
        }
    }

    /// By its definition over the whole history: some addition has every removal of the element before it.
    #[test]
    fn a_set_in_which_removals_win_holds_what_its_definition_says(events in events()) {
        let ours = played(&Data::RemoveWinsSet, &events);
        let changes = Changes::of(&events);
        for (ours, has) in ours.iter().zip(&changes.has) {
            let there = |element: i64| {
                let of = |removal: bool| {
                    let all = &changes.all;
                    has.iter().filter(move |i| (all[**i].0, all[**i].1) == (element, removal))
                };
                of(false).any(|addition| of(true).all(|removal| changes.all[*addition].2.contains(removal)))
            };
            let expected: BTreeSet<i64> = (0..5).filter(|element| there(*element)).collect();
            prop_assert_eq!(elements(&Data::RemoveWinsSet, ours), expected);
        }
    }

    #[test]
    fn siblings_are_those_of_the_oracle(events in events()) {
        // A deletion is none of the oracle's operations.
        let events: Vec<Event> = events.into_iter().map(|event| match event {
            Event::Change { at, what, blind: _, .. } => Event::Change { at, what, remove: false, blind: false },
            merge => merge,
        }).collect();
        let ours = played(&Data::MultiValue, &events);
        let mut theirs: [MVReg<i64, u8>; 3] = Default::default();
        for event in &events {
            match *event {
                Event::Change { at, what, .. } => {
                    let op = theirs[at].write(what, theirs[at].read_ctx().derive_add_ctx(at as u8));
                    theirs[at].apply(op);
                }
                Event::Merge { at, from } => {
                    let other = theirs[from].clone();
                    theirs[at].merge(other);
                }
            }
        }
        for (ours, theirs) in ours.iter().zip(theirs) {
            let mut expected = theirs.read().val;
            expected.sort_unstable();
            let mut held: Vec<i64> = ours.values(&Data::MultiValue).iter().map(number).collect();
            held.sort_unstable();
            prop_assert_eq!(held, expected);
        }
    }

    /// The oracle stamps a value with all that its map had seen, so a removal that has not seen as much leaves the value
    /// beside another of the same field: what we hold is held there; the fields, and all where nothing is removed, agree.
    #[test]
    fn the_map_holds_what_the_oracle_holds(events in events(), removals in any::<bool>()) {
        let keeps = |event: &Event| removals || !matches!(event, Event::Change { remove: true, .. });
        let events: Vec<Event> = events.into_iter().filter(keeps).collect();
        let ours = played(&Data::Map, &events);
        let mut theirs = Oracles::<crdts::Map<String, MVReg<i64, u8>, u8>>::default();
        for event in &events {
            match *event {
                Event::Change { at, what, remove, .. } => {
                    let (map, field) = (&theirs.replicas[at], (what % 2).to_string());
                    let op = match remove {
                        true => map.rm(field.clone(), map.get(&field).derive_rm_ctx()),
                        false => {
                            let context = map.read_ctx().derive_add_ctx(at as u8);
                            map.update(field, context, |field, context| field.write(what, context))
                        }
                    };
                    theirs.apply(at, op);
                }
                Event::Merge { at, from } => theirs.tell(at, from),
            }
        }
        let theirs = theirs.replicas;
        for (ours, theirs) in ours.iter().zip(theirs) {
            let read = theirs.iter().map(|field| (field.val.0.clone(), field.val.1.read().val.into_iter().collect()));
            let expected: BTreeMap<String, BTreeSet<i64>> = read.collect();
            let held = fields(ours);
            if !removals {
                prop_assert_eq!(&held, &expected);
            }
            prop_assert!(held.keys().eq(expected.keys()), "{:?} {:?}", held, expected);
            prop_assert!(held.iter().all(|(field, values)| values.is_subset(&expected[field])), "{:?} {:?}", held, expected);
        }
    }

    /// By its definition over the whole history: what was put is there until a put or a removal that has seen it.
    #[test]
    fn a_map_holds_what_its_definition_says(events in events()) {
        let ours = played(&Data::Map, &events);
        let changes = Changes::of(&events);
        for (ours, has) in ours.iter().zip(&changes.has) {
            let mut expected: BTreeMap<String, BTreeSet<i64>> = BTreeMap::new();
            for put in has.iter().filter(|i| !changes.all[**i].1) {
                let (what, ..) = changes.all[*put];
                let later = |i: &&usize| changes.all[**i].0 % 2 == what % 2 && changes.all[**i].2.contains(put);
                if !has.iter().any(|i| later(&i)) {
                    expected.entry((what % 2).to_string()).or_default().insert(what);
                }
            }
            prop_assert_eq!(fields(ours), expected);
        }
    }

    #[test]
    fn the_counter_is_the_oracle_s(events in events()) {
        let ours = played(&Data::Counter, &events);
        let mut theirs: [PNCounter<u8>; 3] = Default::default();
        for event in &events {
            match *event {
                Event::Change { at, what, remove, .. } => {
                    let by = what.unsigned_abs();
                    let op = if remove { theirs[at].dec_many(at as u8, by) } else { theirs[at].inc_many(at as u8, by) };
                    theirs[at].apply(op);
                }
                Event::Merge { at, from } => {
                    let other = theirs[from].clone();
                    theirs[at].merge(other);
                }
            }
        }
        for (ours, theirs) in ours.iter().zip(theirs) {
            let held = ours.value(&Data::Counter).as_ref().map_or(0, number);
            prop_assert_eq!(held.to_string(), theirs.read().to_string());
        }
    }

    /// The oracle breaks ties in another way, so the elements are compared, and the order where nothing was concurrent.
    #[test]
    fn the_list_holds_what_the_oracle_holds(events in events(), together in any::<bool>()) {
        let mut ours = [(); 3].map(|()| Cell::empty(&Data::Sequence));
        let mut theirs = Oracles::<List<i64, u8>>::default();
        for (n, event) in events.iter().enumerate() {
            let merge = |at: usize, from: usize, ours: &mut [Cell; 3]| {
                let other = ours[from].clone();
                ours[at].merge(&other);
            };
            match *event {
                Event::Change { at, what, remove, blind } => {
                    // Each element is another, so that places can be told apart.
                    let element = n as i64;
                    let op = match remove {
                        true => theirs.replicas[at].delete_index(what as usize, at as u8),
                        false if blind => Some(theirs.replicas[at].append(element, at as u8)),
                        false => Some(theirs.replicas[at].insert_index(what as usize, element, at as u8)),
                    };
                    let ask = match remove {
                        true => Ask::RemoveAt(what as u32),
                        false => Ask::Insert((!blind).then_some(what as u32), element.into()),
                    };
                    // What the two number differently is removed in the same order only where all are told at once.
                    if remove && !together {
                        continue;
                    }
                    let changed = ours[at].change(&Data::Sequence, at as u32 + 1, &ask, None);
                    prop_assert_eq!(changed.is_ok(), op.is_some());
                    if let Some(op) = op {
                        theirs.apply(at, op);
                    }
                    for other in (0..3).filter(|other| together && *other != at) {
                        merge(other, at, &mut ours);
                        theirs.tell(other, at);
                    }
                }
                Event::Merge { at, from } => {
                    merge(at, from, &mut ours);
                    theirs.tell(at, from);
                }
            }
        }
        for (ours, theirs) in ours.iter().zip(theirs.replicas) {
            let mut expected: Vec<i64> = theirs.iter().copied().collect();
            let mut held = list(ours);
            if !together {
                expected.sort_unstable();
                held.sort_unstable();
            }
            prop_assert_eq!(held, expected);
        }
    }

    /// What a list is for: nothing that two have seen ever changes places.
    #[test]
    fn no_two_replicas_ever_see_two_elements_of_a_list_in_different_orders(events in events()) {
        let mut cells = [(); 3].map(|()| Cell::empty(&Data::Sequence));
        let mut before: BTreeSet<(i64, i64)> = BTreeSet::new();
        for (n, event) in events.iter().enumerate() {
            match *event {
                Event::Change { at, what, remove, blind } => {
                    let ask = match remove {
                        true => Ask::RemoveAt(what as u32),
                        false => Ask::Insert((!blind).then_some(what as u32), (n as i64).into()),
                    };
                    let place = list(&cells[at]).len().min(if blind { usize::MAX } else { what as usize });
                    if cells[at].change(&Data::Sequence, at as u32 + 1, &ask, None).is_ok() && !remove {
                        prop_assert_eq!(list(&cells[at])[place], n as i64, "it stands where it was put");
                    }
                }
                Event::Merge { at, from } => {
                    let other = cells[from].clone();
                    cells[at].merge(&other);
                }
            }
            for cell in &cells {
                let held = list(cell);
                for (i, first) in held.iter().enumerate() {
                    for second in &held[i + 1..] {
                        before.insert((*first, *second));
                        prop_assert!(!before.contains(&(*second, *first)), "{} and {}", first, second);
                    }
                }
            }
        }
    }

    #[test]
    fn the_counter_is_the_sum_of_all_that_was_added_wherever_it_was(events in events()) {
        let cells = played(&Data::Counter, &events);
        let sum: i64 = events.iter().map(|event| match event {
            Event::Change { what, remove, .. } => if *remove { -what } else { *what },
            Event::Merge { .. } => 0,
        }).sum();
        let all = merged(&merged(&cells[0], &cells[1]), &cells[2]);
        prop_assert_eq!(all.value(&Data::Counter).as_ref().map_or(0, number), sum);
    }
}

/// The changes of a history, and which of them each replica has in the end.
#[derive(Default)]
struct Changes {
    has: [BTreeSet<usize>; 3],
    /// What, whether it is a removal, and which its replica had by then.
    all: Vec<(i64, bool, BTreeSet<usize>)>,
}

impl Changes {
    fn of(events: &[Event]) -> Changes {
        let mut changes = Changes::default();
        for event in events {
            match *event {
                Event::Change { at, what, remove, .. } => {
                    changes.all.push((what, remove, changes.has[at].clone()));
                    changes.has[at].insert(changes.all.len() - 1);
                }
                Event::Merge { at, from } => {
                    let other = changes.has[from].clone();
                    changes.has[at].extend(other);
                }
            }
        }
        changes
    }
}

/// Three replicas of an oracle that are told of each other's operations, each once and in causal order.
struct Oracles<C: CmRDT> {
    replicas: [C; 3],
    operations: Vec<C::Op>,
    told: [BTreeSet<usize>; 3],
}

impl<C: CmRDT + Default> Default for Oracles<C> {
    fn default() -> Self {
        Oracles { replicas: Default::default(), operations: Vec::new(), told: Default::default() }
    }
}

impl<C: CmRDT<Op: Clone>> Oracles<C> {
    fn apply(&mut self, at: usize, operation: C::Op) {
        self.told[at].insert(self.operations.len());
        self.replicas[at].apply(operation.clone());
        self.operations.push(operation);
    }

    fn tell(&mut self, at: usize, from: usize) {
        let missing: Vec<usize> = self.told[from].difference(&self.told[at]).copied().collect();
        for i in missing {
            self.replicas[at].apply(self.operations[i].clone());
            self.told[at].insert(i);
        }
    }
}

fn number(value: &Value) -> i64 {
    match value {
        Value::Int(n) => *n,
        other => panic!("{other} is no number"),
    }
}

/// The numbers of a set, or the one that stands for itself.
fn numbers(value: &Value) -> BTreeSet<i64> {
    match value {
        Value::Set(elements) => elements.iter().map(number).collect(),
        one => BTreeSet::from([number(one)]),
    }
}

fn elements(data: &Data, cell: &Cell) -> BTreeSet<i64> {
    cell.value(data).as_ref().map(numbers).unwrap_or_default()
}

fn fields(cell: &Cell) -> BTreeMap<String, BTreeSet<i64>> {
    match cell.value(&Data::Map) {
        Some(Value::Map(fields)) => fields.iter().map(|(name, value)| (name.to_string(), numbers(value))).collect(),
        None => BTreeMap::new(),
        Some(other) => panic!("{other} is no map"),
    }
}

fn list(cell: &Cell) -> Vec<i64> {
    match cell.value(&Data::Sequence) {
        Some(Value::List(elements)) => elements.iter().map(number).collect(),
        None => Vec::new(),
        Some(other) => panic!("{other} is no list"),
    }
}

#[test]
fn siblings_merge_by_the_rule_that_was_chosen() {
    let set = |elements: &[i64]| elements.iter().map(|n| Value::Int(*n)).collect::<Value>();
    let value = |by, siblings: &[Value]| {
        let data = Data::Merged { by };
        let mut cell = Cell::empty(&data);
        for (i, sibling) in siblings.iter().enumerate() {
            let mut other = Cell::empty(&data);
            other.change(&data, i as u32 + 1, &Ask::Write(sibling.clone()), None).expect("a put");
            cell.merge(&other);
        }
        cell.value(&data)
    };
    let carts = [set(&[1, 2]), set(&[2, 3])];
    assert_eq!(value(Merge::Union, &carts), Some(set(&[1, 2, 3])));
    assert_eq!(value(Merge::Intersection, &carts), Some(set(&[2])));
    assert_eq!(value(Merge::Max, &[3.into(), 7.into(), 5.into()]), Some(7.into()));
    assert_eq!(value(Merge::Min, &[3.into(), 7.into(), 5.into()]), Some(3.into()));
    assert_eq!(value(Merge::Max, &["b".into(), 9.into()]), Some("b".into()), "a text comes behind all numbers");
    assert_eq!(value(Merge::Union, &[1.into(), set(&[2])]), Some(set(&[1, 2])), "one value is a set of one");
    assert_eq!(value(Merge::Union, &[1.into()]), Some(1.into()), "what has no sibling stays what it is");
    assert_eq!(value(Merge::Union, &[]), None);
}

#[test]
fn what_siblings_make_together_is_changed_in_place_of_them_all() {
    let data = Data::Merged { by: Merge::Union };
    let [mut a, mut b] = [(); 2].map(|()| Cell::empty(&data));
    a.change(&data, 1, &Ask::Add(1.into()), None).expect("an addition");
    b.change(&data, 2, &Ask::Add(2.into()), None).expect("an addition");
    a.merge(&b);
    a.change(&data, 1, &Ask::Remove(1.into()), None).expect("a removal");
    assert_eq!(a.value(&data), Some(Value::from_iter([2.into()])));
    b.merge(&a);
    assert_eq!(b, a, "the change covers what it was made of");
    assert_eq!(a.change(&data, 1, &Ask::Increment(1), None), Err(Refusal::WrongType));
}

#[test]
fn what_stands_in_the_document_is_there_and_only_where_it_fits() {
    let set = Value::from_iter([1.into(), 2.into()]);
    let map = Value::Map(Arc::new([(Arc::from("size"), 3.into())].into_iter().collect()));
    let list = Value::List(vec![2.into(), 1.into(), 2.into()].into());
    for (data, fits) in [
        (Data::Set, vec![&set]),
        (Data::RemoveWinsSet, vec![&set]),
        (Data::Map, vec![&map]),
        (Data::Sequence, vec![&list]),
        (Data::MultiValue, vec![&set, &map, &list]),
        (Data::Merged { by: Merge::Max }, vec![&set, &map, &list]),
        (Data::Counter, Vec::new()),
    ] {
        for value in [&set, &map, &list] {
            let held = Cell::seeded(&data, value).map(|cell| cell.value(&data));
            assert_eq!(held, fits.contains(&value).then(|| Some(value.clone())), "{data:?} of {value}");
        }
    }
    let empty = Cell::seeded(&Data::Set, &Value::Set(Arc::new(BTreeSet::new()))).expect("an empty set");
    assert_eq!(empty.value(&Data::Set), Some(Value::Set(Arc::new(BTreeSet::new()))));
    assert!(empty.context().is_some_and(|context| context == [(0, 1)]), "and counts as an update");
}
