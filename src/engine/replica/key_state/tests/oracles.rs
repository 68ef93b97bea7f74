//! Comparison of the data types with those of the crate `crdts` on random histories of three replicas.

use super::{OperationAt, Step, elements, fields, list, merge_from, number, replay, steps};
use crate::engine::replica::key_state::KeyState;
use crate::random::{self, random_tests};
use crate::scenario::{Data, Operation};
use crdts::{CmRDT, CvRDT, List, MVReg, Map, Orswot, PNCounter};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

random_tests! { agreement, 2000;
    #[test]
    fn a_set_agrees_with_the_oracle(steps in steps()) {
        let states = replay(&Data::Set, &steps);
        let mut oracles: [Orswot<i64, u8>; 3] = Default::default();
        for step in &steps {
            match *step {
                Step::Change(OperationAt { at, number, is_removal, .. }) => {
                    let oracle = &oracles[at];
                    let op = match is_removal {
                        true => oracle.rm(number, oracle.contains(&number).derive_rm_ctx()),
                        false => oracle.add(number, oracle.read_ctx().derive_add_ctx(at as u8)),
                    };
                    oracles[at].apply(op);
                }
                Step::Merge { at, from } => merge_oracle(&mut oracles, at, from),
            }
        }
        for (state, oracle) in states.iter().zip(oracles) {
            let expected: BTreeSet<i64> = oracle.read().val.into_iter().collect();
            prop_assert_eq!(elements(&Data::Set, state), expected);
        }
    }

    #[test]
    fn siblings_agree_with_the_oracle(steps in steps()) {
        // The oracle has no deletions.
        let steps: Vec<Step> = steps.into_iter().map(|step| match step {
            Step::Change(operation) => Step::Change(OperationAt { is_removal: false, is_blind: false, ..operation }),
            Step::Merge { at, from } => Step::Merge { at, from },
        }).collect();
        let states = replay(&Data::MultiValue, &steps);
        let mut oracles: [MVReg<i64, u8>; 3] = Default::default();
        for step in &steps {
            match *step {
                Step::Change(OperationAt { at, number, .. }) => {
                    let op = oracles[at].write(number, oracles[at].read_ctx().derive_add_ctx(at as u8));
                    oracles[at].apply(op);
                }
                Step::Merge { at, from } => merge_oracle(&mut oracles, at, from),
            }
        }
        for (state, oracle) in states.iter().zip(oracles) {
            let mut expected = oracle.read().val;
            let mut siblings: Vec<i64> = state.siblings(&Data::MultiValue).iter().map(number).collect();
            expected.sort_unstable();
            siblings.sort_unstable();
            prop_assert_eq!(siblings, expected);
        }
    }

    /// The oracle gives a value the whole causal context of its map. So a concurrent removal that observed less leaves an
    /// old value beside a new one of the same field. With removals, our values are a subset of the oracle's.
    #[test]
    fn a_map_agrees_with_the_oracle(steps in steps(), has_removals in any::<bool>()) {
        let is_kept = |step: &Step| has_removals || !matches!(step, Step::Change(OperationAt { is_removal: true, .. }));
        let steps: Vec<Step> = steps.into_iter().filter(is_kept).collect();
        let states = replay(&Data::Map, &steps);
        let mut oracles = OperationBasedOracles::<Map<String, MVReg<i64, u8>, u8>>::default();
        for step in &steps {
            match *step {
                Step::Change(operation) => {
                    let OperationAt { at, number, is_removal, .. } = operation;
                    let (map, field) = (&oracles.replicas[at], operation.field());
                    let op = match is_removal {
                        true => map.rm(field.clone(), map.get(&field).derive_rm_ctx()),
                        false => {
                            let context = map.read_ctx().derive_add_ctx(at as u8);
                            map.update(field, context, |field, context| field.write(number, context))
                        }
                    };
                    oracles.execute(at, op);
                }
                Step::Merge { at, from } => oracles.deliver(at, from),
            }
        }
        for (state, oracle) in states.iter().zip(&oracles.replicas) {
            let read = oracle.iter().map(|field| (field.val.0.clone(), field.val.1.read().val.into_iter().collect()));
            let expected: BTreeMap<String, BTreeSet<i64>> = read.collect();
            let held = fields(state);
            if !has_removals {
                prop_assert_eq!(&held, &expected);
            }
            prop_assert!(held.keys().eq(expected.keys()), "{:?} {:?}", held, expected);
            let is_subset = held.iter().all(|(field, values)| values.is_subset(&expected[field]));
            prop_assert!(is_subset, "{:?} {:?}", held, expected);
        }
    }

    #[test]
    fn a_counter_agrees_with_the_oracle(steps in steps()) {
        let states = replay(&Data::Counter, &steps);
        let mut oracles: [PNCounter<u8>; 3] = Default::default();
        for step in &steps {
            match *step {
                Step::Change(OperationAt { at, number, is_removal, .. }) => {
                    let (oracle, amount) = (&oracles[at], number.unsigned_abs());
                    let op = match is_removal {
                        true => oracle.dec_many(at as u8, amount),
                        false => oracle.inc_many(at as u8, amount),
                    };
                    oracles[at].apply(op);
                }
                Step::Merge { at, from } => merge_oracle(&mut oracles, at, from),
            }
        }
        for (state, oracle) in states.iter().zip(oracles) {
            let value = state.value(&Data::Counter).as_ref().map_or(0, number);
            prop_assert_eq!(value.to_string(), oracle.read().to_string());
        }
    }

    /// The oracle breaks ties differently. So concurrent histories are compared without the order, and sequential ones,
    /// in which each change is delivered to all at once, with it.
    #[test]
    fn a_list_agrees_with_the_oracle(steps in steps(), is_sequential in any::<bool>()) {
        let data = Data::Sequence;
        let mut states = [(); 3].map(|()| KeyState::empty(&data));
        let mut oracles = OperationBasedOracles::<List<i64, u8>>::default();
        // Each element is unique.
        for (element, step) in (0i64..).zip(&steps) {
            match *step {
                Step::Change(operation) => {
                    let OperationAt { at, number, is_removal, is_blind } = operation;
                    // The same index is another element if the orders differ.
                    if is_removal && !is_sequential {
                        continue;
                    }
                    let oracle = &oracles.replicas[at];
                    let op = match is_removal {
                        true => oracle.delete_index(number as usize, at as u8),
                        false if is_blind => Some(oracle.append(element, at as u8)),
                        false => Some(oracle.insert_index(number as usize, element, at as u8)),
                    };
                    let change = match is_removal {
                        true => Operation::RemoveAt { key: String::new(), at: number as u32 },
                        false => Operation::Insert { key: String::new(), at: (!is_blind).then_some(number as u32), element: element.into() },
                    };
                    let change = states[at].execute(&data, operation.origin(), &change, None);
                    prop_assert_eq!(change.is_ok(), op.is_some());
                    if let Some(op) = op {
                        oracles.execute(at, op);
                    }
                    for other in (0..3).filter(|other| is_sequential && *other != at) {
                        merge_from(&mut states, other, at);
                        oracles.deliver(other, at);
                    }
                }
                Step::Merge { at, from } => {
                    merge_from(&mut states, at, from);
                    oracles.deliver(at, from);
                }
            }
        }
        for (state, oracle) in states.iter().zip(&oracles.replicas) {
            let mut expected: Vec<i64> = oracle.iter().copied().collect();
            let mut held = list(state);
            if !is_sequential {
                expected.sort_unstable();
                held.sort_unstable();
            }
            prop_assert_eq!(held, expected);
        }
    }
}

fn merge_oracle<C: CvRDT + Clone>(oracles: &mut [C; 3], at: usize, from: usize) {
    let other = oracles[from].clone();
    oracles[at].merge(other);
}

/// Three replicas of an operation-based oracle. Each receives every operation once, in causal order.
struct OperationBasedOracles<C: CmRDT> {
    replicas: [C; 3],
    operations: Vec<C::Op>,
    delivered: [BTreeSet<usize>; 3],
}

impl<C: CmRDT + Default> Default for OperationBasedOracles<C> {
    fn default() -> Self {
        OperationBasedOracles { replicas: Default::default(), operations: Vec::new(), delivered: Default::default() }
    }
}

impl<C: CmRDT<Op: Clone>> OperationBasedOracles<C> {
    fn execute(&mut self, at: usize, operation: C::Op) {
        self.delivered[at].insert(self.operations.len());
        self.replicas[at].apply(operation.clone());
        self.operations.push(operation);
    }

    /// Delivers to one replica all operations that another has.
    fn deliver(&mut self, at: usize, from: usize) {
        let missing: Vec<usize> = self.delivered[from].difference(&self.delivered[at]).copied().collect();
        for i in missing {
            self.replicas[at].apply(self.operations[i].clone());
            self.delivered[at].insert(i);
        }
    }
}
