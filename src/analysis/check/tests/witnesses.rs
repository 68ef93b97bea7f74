//! A witness alone is violated, and its sentence names no other operation.

use super::*;

/// Returns the history of some operations alone.
fn part_of(history: &History, places: &[usize]) -> History {
    let mut part = history.clone_without_operations();
    part.operations = places.iter().map(|place| history.operations[*place].clone()).collect();
    part
}

/// Checks that the witness of each violated guarantee proves the violation alone.
fn proves_alone(history: &History) -> Result<(), TestCaseError> {
    let bounded = BoundedStaleness { versions: Some(1), us: None };
    let others = GUARANTEES.iter().map(|(_, guarantee)| *guarantee);
    for guarantee in others.filter(|other| !matches!(other, BoundedStaleness { .. })).chain([bounded]) {
        let Verdict::Violated(witness) = check(history, guarantee, BUDGET) else { continue };
        let alone = check(&part_of(history, &witness.operations), guarantee, BUDGET);
        prop_assert!(matches!(alone, Verdict::Violated(_)), "{:?}: {:?}, alone {:?}", guarantee, witness, alone);
        prop_assert!(!witness.sentence.contains('?'), "{:?}: {:?}", guarantee, witness);
    }
    Ok(())
}

/// Returns a history in which the acknowledged changes whose bit is set have failed.
fn with_failures(mut history: History, failures: u32) -> History {
    for operation in &mut history.operations {
        let fails = failures >> operation.index & 1 == 1;
        if fails && operation.invocation.changes() && operation.outcome == Outcome::Ok {
            operation.outcome = Outcome::Fail;
        }
    }
    history
}

/// An operation of a register whose written values may repeat, also the initial one.
fn blind_registers(kind: u32, a: u32, b: u32) -> (Invocation, Output) {
    if kind < 4 { (Invocation::Read, Output::Value(a)) } else { (Invocation::Write(b), Output::Nothing) }
}

random_tests! { all_orders, 4000;
    #[test]
    fn a_witness_of_a_register_is_violated_alone(history in random(blind_registers), failures in 0..256u32) {
        proves_alone(&with_failures(history, failures & failures >> 2))?;
    }

    #[test]
    fn a_witness_of_compare_and_sets_is_violated_alone(history in random(registers), failures in 0..256u32) {
        proves_alone(&with_failures(history, failures & failures >> 2))?;
    }

    #[test]
    fn a_witness_of_a_counter_is_violated_alone(
        history in random(|kind, a, b| if kind < 4 { (Invocation::Read, Output::Number((a + b).into())) } else { (Invocation::Increment(a.into()), Output::Nothing) })
    ) {
        proves_alone(&history)?;
    }

    #[test]
    fn a_witness_of_a_set_is_violated_alone(
        history in random(|kind, a, b| match kind {
            0..=3 => (Invocation::Read, Output::Elements([vec![], vec![a], vec![a.min(b), 3]][b as usize].clone())),
            4..=5 => (Invocation::Add(a), Output::Nothing),
            6 => (Invocation::Add(3), Output::Nothing),
            _ => (Invocation::Remove(a), Output::Nothing),
        })
    ) {
        proves_alone(&history)?;
    }

    #[test]
    fn a_witness_of_a_list_is_violated_alone(
        history in random(|kind, a, b| match kind {
            0..=3 => (Invocation::Read, Output::Elements([vec![], vec![a], vec![a, b]][b as usize].clone())),
            _ => (Invocation::Append(a), Output::Nothing),
        })
    ) {
        proves_alone(&history)?;
    }
}

#[test]
fn a_later_write_of_the_initial_value_proves_no_stale_read() {
    for guarantee in [Linearizable, Regular] {
        assert_eq!(witness("1:w3[0,1] 1:r-[2,3] 1:w0[4,5]", guarantee), Some(vec![0, 1]), "{guarantee:?}");
    }
}

#[test]
fn a_failed_write_of_a_value_takes_no_write_of_it_out_of_the_proof() {
    assert_eq!(witness("0:r1[0,1] 0:w1[2,3] 0:w1[4,5]!", Causal), Some(vec![0, 1]));
}

#[test]
fn the_write_that_a_compare_and_set_replaced_stays_in_the_proof() {
    assert_eq!(witness("0:c42[0,2] 1:w4[1,4] 0:r-[3,5]", Causal), Some(vec![0, 1, 2]));
}

#[test]
fn a_witness_of_hundreds_of_operations_is_reduced_too() {
    let mut text: String = (0..250).map(|i| format!("0:i1[{},{}] ", 2 * i, 2 * i + 1)).collect();
    text += "1:n5[600,601]";
    let found = witness(&text, NoLostUpdate).expect("a violation");
    assert!(found.len() <= 7, "{} operations", found.len());
}
