//! Linearizability implies sequential consistency, and that implies the session guarantees: for all models, also if values and
//! elements repeat.

use super::*;

/// The model of a random history, and what an operation of it is.
type Made = (Invocation, Output);

fn blind_registers(kind: u32, a: u32, _: u32) -> Made {
    if kind < 4 { (Invocation::Read, Output::Value(a)) } else { (Invocation::Write(a), Output::Nothing) }
}

fn counters(kind: u32, a: u32, b: u32) -> Made {
    let read = (Invocation::Read, Output::Number((a + b).into()));
    if kind < 4 { read } else { (Invocation::Increment(a.into()), Output::Nothing) }
}

fn sets(kind: u32, a: u32, b: u32) -> Made {
    match kind {
        0..=3 => (Invocation::Read, Output::Elements([vec![], vec![a], vec![0, 1]][b as usize].clone())),
        4..=6 => (Invocation::Add(a.min(1)), Output::Nothing),
        _ => (Invocation::Remove(a), Output::Nothing),
    }
}

fn growing_sets(kind: u32, a: u32, b: u32) -> Made {
    sets(kind.min(6), a, b)
}

fn lists(kind: u32, a: u32, b: u32) -> Made {
    match kind {
        0..=3 => (Invocation::Read, Output::Elements([vec![], vec![a], vec![a, b]][b as usize].clone())),
        _ => (Invocation::Append(a.min(1)), Output::Nothing),
    }
}

/// Returns a history whose reads return what they would if each operation took effect at its invocation. Operations of which a bit is
/// set keep their output, or have no effect if they ended unknown.
fn with_effects(mut history: History, kept: u32) -> History {
    let (mut value, mut number, mut elements) = (0, 0, Vec::new());
    for operation in &mut history.operations {
        let is_kept = kept >> (operation.index % 8) & 1 == 1;
        let is_read = operation.invocation == Invocation::Read;
        if operation.outcome == Outcome::Unknown && (is_read || is_kept) || (is_read && is_kept) {
            continue;
        }
        match operation.invocation {
            Invocation::Read => {
                operation.output = match &operation.output {
                    Output::Nothing => Output::Nothing,
                    Output::Value(_) => Output::Value(value),
                    Output::Number(_) => Output::Number(number),
                    Output::Elements(_) => Output::Elements(elements.clone()),
                }
            }
            Invocation::Write(written) => value = written,
            Invocation::CompareAndSet { expected, value: written } if value == expected => value = written,
            Invocation::CompareAndSet { .. } if operation.outcome == Outcome::Ok => operation.outcome = Outcome::Fail,
            Invocation::CompareAndSet { .. } => {}
            Invocation::Increment(by) => number += by,
            Invocation::Add(element) => {
                elements.retain(|other| *other != element);
                elements.push(element);
                elements.sort_unstable();
            }
            Invocation::Remove(element) => elements.retain(|other| *other != element),
            Invocation::Append(element) => elements.push(element),
        }
    }
    history
}

/// Checks that no weaker guarantee is violated where a stronger one holds.
fn implies_weaker(history: &History, model: Model) -> Result<(), TestCaseError> {
    let places: Vec<usize> = (0..history.operations.len()).collect();
    let items = search_operations(history, &places);
    let sessions = [ReadYourWrites, MonotonicReads, MonotonicWrites, WritesFollowReads, Session, Causal, Sequential];
    let bounded = BoundedStaleness { versions: Some(0), us: None };
    let timed = [Linearizable, Regular, bounded, NoLostUpdate];
    let unviolated = |guarantees: &[Guarantee], order: Order| {
        for guarantee in guarantees {
            let verdict = check(history, *guarantee, BUDGET);
            prop_assert!(!matches!(verdict, Verdict::Violated(_)), "{:?}, but {:?}: {:?}", order, guarantee, verdict);
        }
        Ok(())
    };
    if any_order(&items, model, Order::Process) {
        unviolated(&sessions, Order::Process)?;
    }
    if any_order(&items, model, Order::RealTime) {
        unviolated(&timed, Order::RealTime)?;
    }
    Ok(())
}

random_tests! { implications, 4000;
    #[test]
    fn of_registers(history in random(blind_registers), kept in 0..256u32) {
        implies_weaker(&with_effects(history, kept), Model::Register)?;
    }

    #[test]
    fn of_compare_and_sets(history in random(registers), kept in 0..256u32) {
        implies_weaker(&with_effects(history, kept), Model::Register)?;
    }

    #[test]
    fn of_counters(history in random(counters), kept in 0..256u32) {
        implies_weaker(&with_effects(history, kept), Model::Counter)?;
    }

    #[test]
    fn of_sets(history in random(sets), kept in 0..256u32) {
        implies_weaker(&with_effects(history, kept), Model::Set)?;
    }

    #[test]
    fn of_sets_without_removals(history in random(growing_sets), kept in 0..256u32) {
        implies_weaker(&with_effects(history, kept), Model::Set)?;
    }

    #[test]
    fn of_lists(history in random(lists), kept in 0..256u32) {
        implies_weaker(&with_effects(history, kept), Model::Append)?;
    }

    #[test]
    fn a_witness_of_a_set_with_repeated_elements_is_violated_by_all_its_additions(history in random(growing_sets)) {
        for guarantee in [ReadYourWrites, MonotonicReads, MonotonicWrites, WritesFollowReads] {
            let Verdict::Violated(witness) = check(&history, guarantee, BUDGET) else { continue };
            let mut part = history.clone_without_operations();
            let kept = history.operations.iter().enumerate();
            part.operations = kept
                .filter(|(place, operation)| operation.invocation.changes() || witness.operations.contains(place))
                .map(|(_, operation)| operation.clone())
                .collect();
            let verdict = check(&part, guarantee, BUDGET);
            prop_assert!(matches!(verdict, Verdict::Violated(_)), "{:?}: {:?}, {:?}", guarantee, witness, verdict);
        }
    }
}

#[test]
fn a_read_that_may_have_seen_an_earlier_addition_of_its_element_misses_nothing() {
    // The first read may have seen the first addition of 2.
    assert_eq!(witness("0:a2[0,1] 2:s2[2,3] 1:a1[4,5] 1:a2[6,7]", MonotonicWrites), None);
    assert_eq!(witness("0:a2[0,1] 2:s2[2,3] 1:a1[4,5] 1:a2[6,7] 2:s12[8,9]", Session), None);
    assert_eq!(witness("0:a1[0,1] 0:s1[2,3] 1:a2[4,5] 0:s12[6,7] 0:a1[8,9]", WritesFollowReads), None);
    assert_eq!(witness("0:p2[0,1] 2:l2[2,3] 1:p1[4,5] 1:p2[6,7] 2:l212[8,9]", Session), None);
}

#[test]
fn a_read_that_misses_something_by_each_addition_of_its_element_is_a_violation() {
    let text = "0:a1[0,1] 0:a3[2,3] 1:a2[4,5] 1:a3[6,7] 2:s3[8,9]";
    assert_eq!(witness(text, MonotonicWrites), Some(vec![0, 1, 2, 3, 4]));
    assert_eq!(witness(&format!("{text} 3:a3[10,11]"), MonotonicWrites), None);
    // An element is in the list as often as it was appended.
    assert_eq!(witness("0:p1[0,1] 0:p1[2,3] 0:l1[4,5]", ReadYourWrites), Some(vec![0, 1, 2]));
    assert_eq!(witness("0:p1[0,1] 0:p1[2,3] 1:l11[4,5] 1:l1[6,7]", MonotonicReads), Some(vec![0, 2, 3]));
}
