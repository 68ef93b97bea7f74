use super::*;
use crate::scenario::VersionClock;
use crdts::{CmRDT, CvRDT, Orswot};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// What happens to three replicas of a key.
#[derive(Clone, Debug)]
enum Event {
    /// A replica changes its own state: an element, a value or a number.
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

fn types() -> [Data; 4] {
    [Data::Register { clock: VersionClock::Lamport }, Data::MultiValue, Data::Counter, Data::Set]
}

fn change(cell: &mut Cell, data: &Data, at: usize, what: i64, remove: bool, blind: bool) {
    let origin = at as u32 + 1;
    let value = Value::Int(what);
    match (cell, data) {
        (Cell::Register(register), _) => {
            let version = Version::counted(register.version.counter + 1, origin);
            *register = Register { version, value: (!remove).then_some(value), update: None };
        }
        (Cell::Dotted(dotted), Data::Set) if remove => _ = dotted.remove(origin, &value),
        (Cell::Dotted(dotted), Data::Set) => _ = dotted.add(origin, value),
        (Cell::Dotted(dotted), _) => {
            let seen = if blind { Context::new() } else { dotted.seen() };
            dotted.put(origin, (!remove).then_some(value), &seen);
        }
        (Cell::Counter(counter), _) => _ = counter.add(origin, if remove { -what } else { what }),
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
            let held: BTreeSet<i64> = match ours {
                Cell::Dotted(dotted) => dotted.values.values().filter_map(|value| match value {
                    Value::Int(n) => Some(*n),
                    _ => None,
                }).collect(),
                _ => unreachable!("a set"),
            };
            prop_assert_eq!(held, expected);
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
        let held = match all.value(&Data::Counter) {
            Some(Value::Int(n)) => n,
            _ => 0,
        };
        prop_assert_eq!(held, sum);
    }
}
