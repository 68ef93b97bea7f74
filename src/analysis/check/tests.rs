mod implications;
mod witnesses;

use super::search::{Order, SearchOperation, SearchResult};
use super::verdicts::search_operations;
use super::*;
use crate::analysis::history::{
    ABSENT, Initial, Invocation, LossCounts, Model, NEVER, Operation, Output, Rank, ValueId,
};
use crate::random::{self, random_tests};
use proptest::prelude::*;

/// Parses a history of the key `x`, such as `0:w1[0,3] 1:r1[4,5]`: process, operation, and the positions of its invocation
/// and end; the end `?` means unknown, `!` after the brackets means failed. `w1` is a write, `r1` a read of 1 (`r-` of no value),
/// `c12` a compare-and-set from 1 to 2, `i3` an increment, `n3` a read of a counter, `a1` an addition, `d1` a removal, `s123` a
/// read of a set, `p1` an append, `l123` a read of a list. A `y` before the operation means the key `y`.
fn history(text: &str) -> History {
    let mut history = History {
        values: (0..10).map(|n| if n == 0 { "nothing".into() } else { n.to_string() }).collect(),
        keys: vec!["x".into(), "y".into()],
        processes: (0..10).map(|n| format!("process {n}")).collect(),
        ..History::default()
    };
    for (index, word) in text.split_whitespace().enumerate() {
        let (process, rest) = word.split_once(':').expect("a process");
        let (invocation, rest) = rest.split_once('[').expect("an interval");
        let (invocation, key) = invocation.strip_prefix('y').map_or((invocation, 0), |invocation| (invocation, 1));
        let (from, to) = rest.trim_end_matches(['!', ']']).split_once(',').expect("two ends");
        let digits: Vec<ValueId> =
            invocation[1..].bytes().map(|b| if b == b'-' { ABSENT } else { u32::from(b - b'0') }).collect();
        let (invocation, output) = match &invocation[..1] {
            "w" => (Invocation::Write(digits[0]), Output::Nothing),
            "c" => (Invocation::CompareAndSet { expected: digits[0], value: digits[1] }, Output::Nothing),
            "i" => (Invocation::Increment(digits[0].into()), Output::Nothing),
            "a" => (Invocation::Add(digits[0]), Output::Nothing),
            "d" => (Invocation::Remove(digits[0]), Output::Nothing),
            "p" => (Invocation::Append(digits[0]), Output::Nothing),
            "r" => (Invocation::Read, Output::Value(digits[0])),
            "n" => (Invocation::Read, Output::Number(digits[0].into())),
            "s" | "l" => (Invocation::Read, Output::Elements(digits)),
            other => panic!("no invocation {other}"),
        };
        let ended = to.parse().unwrap_or(NEVER);
        history.operations.push(Operation {
            index: index as i64,
            process: process.parse().expect("a number"),
            key,
            function: invocation.function(),
            invocation,
            output,
            outcome: match ended {
                _ if rest.ends_with('!') => Outcome::Fail,
                NEVER => Outcome::Unknown,
                _ => Outcome::Ok,
            },
            invoked: from.parse().expect("a place"),
            ended,
            times: Some((from.parse::<i64>().expect("a place") * 1000, i64::from(ended) * 1000)),
            rank: Rank::default(),
        });
    }
    history.operations.sort_by_key(|operation| operation.invoked);
    history
}

fn witness(text: &str, guarantee: Guarantee) -> Option<Vec<i64>> {
    let history = history(text);
    match check(&history, guarantee, BUDGET) {
        Verdict::Holds => None,
        Verdict::Violated(witness) => {
            assert!(witness.sentence.ends_with('.'), "{}", witness.sentence);
            let mut found: Vec<i64> =
                witness.operations.iter().map(|operation| history.operations[*operation].index).collect();
            found.sort_unstable();
            Some(found)
        }
        // Nothing in the history could have violated the guarantee.
        Verdict::Unknown(why) if why.starts_with("no ") => None,
        Verdict::Unknown(why) => panic!("unknown: {why}"),
    }
}

use Guarantee::*;

#[test]
fn three_operations_prove_a_stale_read() {
    let text = "0:w1[0,1] 0:w2[2,3] 1:r1[4,5] 1:r2[6,7]";
    assert_eq!(witness(text, Linearizable), Some(vec![0, 1, 2]));
    assert_eq!(witness(text, Regular), Some(vec![0, 1, 2]));
    assert_eq!(witness(text, Sequential), None);
}

#[test]
fn the_initial_value_is_stale_after_a_write() {
    assert_eq!(witness("0:w1[0,1] 1:r-[2,3]", Linearizable), Some(vec![0, 1]));
    assert_eq!(witness("0:w1[0,2] 1:r-[1,3]", Linearizable), None);
}

#[test]
fn a_quorum_inversion_is_regular_and_not_linearizable() {
    let text = "0:w1[0,1] 0:w2[2,9] 1:r2[3,4] 2:r1[5,6]";
    assert_eq!(witness(text, Linearizable), Some(vec![0, 1, 2, 3]));
    assert_eq!(witness(text, Regular), None);
    assert_eq!(witness(text, Sequential), None);
}

#[test]
fn an_unknown_write_may_take_effect_late_or_never() {
    assert_eq!(witness("0:w1[0,?] 1:r-[2,3] 1:r-[4,5]", Linearizable), None);
    assert_eq!(witness("0:w1[0,?] 1:r-[2,3] 1:r1[4,5]", Linearizable), None);
    assert_eq!(witness("0:w1[0,?] 1:r1[2,3] 1:r-[4,5]", Linearizable), Some(vec![0, 1, 2]));
    assert_eq!(witness("0:c01[0,?] 1:r-[2,3] 1:r1[4,5] 1:r1[6,7]", Linearizable), None);
    assert_eq!(witness("0:c01[0,?] 1:r1[2,3] 1:r-[4,5]", Linearizable), Some(vec![0, 1, 2]));
}

#[test]
fn a_read_of_a_failed_write_is_a_violation() {
    assert_eq!(witness("0:w1[0,1]! 1:r1[2,3]", Linearizable), Some(vec![1]));
    assert_eq!(witness("0:w1[0,1]! 1:r-[2,3]", Linearizable), None);
    assert_eq!(witness("0:w1[0,1] 1:r3[2,3]", Linearizable), Some(vec![1]));
    assert_eq!(witness("0:w1[0,1] 0:w1[2,3] 1:r3[4,5]", Linearizable), Some(vec![2]));
    assert_eq!(witness("0:w1[4,5] 1:r1[2,3]", Linearizable), Some(vec![0, 1]));
}

#[test]
fn repeated_values_are_searched() {
    assert_eq!(witness("0:w1[0,1] 0:w2[2,3] 0:w1[4,5] 1:r1[6,7]", Linearizable), None);
    assert_eq!(
        witness("0:w1[0,1] 0:w2[2,3] 0:w1[4,5] 0:w3[6,7] 1:r2[8,9]", Linearizable).map(|operations| operations.len()),
        Some(3)
    );
}

#[test]
fn two_compare_and_sets_of_one_value_cannot_both_succeed() {
    let text = "0:w1[0,1] 0:c12[2,5] 1:c13[3,4]";
    assert_eq!(witness(text, Linearizable), Some(vec![0, 1, 2]));
    assert_eq!(witness(text, NoLostUpdate), Some(vec![0, 1, 2]));
    assert_eq!(witness("0:w1[0,1] 0:c12[2,5] 1:c23[3,4]", Linearizable), None);
}

#[test]
fn counters_sets_and_lists_are_checked_by_their_models() {
    assert_eq!(witness("0:i2[0,1] 1:i3[2,6] 2:n5[3,4] 2:n5[7,8]", Linearizable), None);
    assert_eq!(witness("0:i2[0,1] 1:i3[2,3] 2:n2[4,5]", Linearizable), Some(vec![1, 2]));
    assert_eq!(witness("0:i2[0,1] 1:i3[2,3] 2:n2[4,5]", NoLostUpdate), Some(vec![1, 2]));
    // The addition of 1 explains nothing, and is not needed; its removal explains nothing either.
    assert_eq!(witness("0:a1[0,1] 0:d1[2,3] 0:a2[4,5] 1:s[6,7]", Linearizable), Some(vec![2, 3]));
    assert_eq!(witness("0:a1[0,1] 1:a2[2,5] 2:s12[3,4] 2:s12[6,7]", Linearizable), None);
    assert_eq!(witness("0:a1[0,1] 2:s[3,4]", Linearizable), Some(vec![0, 1]));
    assert_eq!(witness("0:a1[0,1] 1:d1[2,5] 2:s[3,4] 2:s1[6,7]", Linearizable), Some(vec![0, 1, 3]));
    assert_eq!(witness("0:p1[0,1] 1:p2[2,5] 2:l12[3,4] 2:l12[6,7]", Linearizable), None);
    assert_eq!(
        witness("0:p1[0,3] 1:p2[0,3] 2:l12[4,5] 3:l21[4,5]", Linearizable).map(|operations| operations.len() >= 2),
        Some(true)
    );
    assert_eq!(witness("0:p1[0,1] 1:p2[2,3] 2:l21[4,5]", Linearizable), Some(vec![0, 1, 2]));
    assert_eq!(witness("0:a1[0,1] 1:a2[2,3] 2:s1[4,5] 2:s12[6,7] 2:s1[8,9]", NoLostUpdate), Some(vec![1, 4]));
}

#[test]
fn a_read_of_a_counter_that_no_increments_explain_is_a_witness_by_itself() {
    for guarantee in [Linearizable, Sequential] {
        assert_eq!(witness("0:i2[0,1] 1:i3[2,3] 2:n9[4,5]", guarantee), Some(vec![2]));
        // The increment of 2 alone explains the second read; the first needs one that was not invoked yet.
        assert_eq!(witness("0:i2[0,1] 1:i3[2,5] 2:n4[3,4] 2:n2[6,7]", guarantee), Some(vec![2]));
    }
    assert_eq!(witness("2:n3[0,1] 0:i3[2,3]", Linearizable), Some(vec![0]));
    assert_eq!(witness("2:n3[0,1] 0:i3[2,3]", Sequential), None);
    assert_eq!(witness("0:i2[0,1] 1:i3[2,?] 2:n3[4,5]", Linearizable), Some(vec![0, 2]));
}

#[test]
fn sequential_consistency_ignores_real_time() {
    assert_eq!(witness("0:w1[0,1] 1:w2[2,3] 2:r2[4,5] 2:r1[6,7]", Sequential), None);
    let two = "0:w1[0,1] 1:w2[0,1] 2:r2[4,5] 2:r1[6,7] 3:r1[4,5] 3:r2[6,7]";
    assert_eq!(witness(two, Sequential), Some(vec![0, 1, 2, 3, 4, 5]));
    assert_eq!(witness(two, Causal), None);
}

#[test]
fn a_read_of_an_effect_without_its_cause_violates_causal_memory() {
    let text = "0:w1[0,1] 1:r1[2,3] 1:w2[4,5] 2:r2[6,7] 2:r1[8,9]";
    assert_eq!(witness(text, Causal), Some(vec![0, 1, 2, 3, 4]));
    let keys = "0:w1[0,1] 1:r1[2,3] 1:yw2[4,5] 2:yr2[6,7] 2:r-[8,9]";
    assert_eq!(witness(keys, Causal), Some(vec![0, 1, 2, 3, 4]));
    assert_eq!(witness("0:w1[0,1] 0:w2[2,3] 1:r2[4,5] 1:r1[6,7]", Causal), Some(vec![0, 1, 2, 3]));
}

#[test]
fn a_process_that_sees_two_writes_alternate_violates_causal_memory() {
    assert_eq!(witness("0:w1[0,1] 1:w2[0,1] 2:r1[2,3] 2:r2[4,5] 2:r1[6,7]", Causal), Some(vec![0, 1, 2, 3, 4]));
}

#[test]
fn sessions_read_their_writes_and_read_monotonically() {
    assert_eq!(witness("0:w1[0,1] 0:w2[2,3] 0:r1[4,5]", ReadYourWrites), Some(vec![0, 1, 2]));
    assert_eq!(witness("0:w1[0,1] 0:r-[4,5]", ReadYourWrites), Some(vec![0, 1]));
    // Real time does not show in which order the servers applied the writes of two processes.
    assert_eq!(witness("1:w1[0,1] 0:w2[2,3] 0:r1[4,5]", ReadYourWrites), None);
    assert_eq!(witness("1:w1[0,1] 0:w2[2,3] 2:r2[4,5] 2:r1[6,7]", MonotonicReads), None);
    let known = "1:w1[0,1] 0:r1[2,3] 0:w2[4,5] 0:r1[6,7]";
    assert_eq!(witness(known, ReadYourWrites), Some(vec![0, 1, 2, 3]));
    assert_eq!(witness("1:w1[0,3] 0:w2[2,3] 0:r1[4,5]", ReadYourWrites), None);
    assert_eq!(witness("0:w1[0,1] 0:w2[2,3] 1:r1[4,5]", ReadYourWrites), None);
    let back = "0:w1[0,1] 0:w2[2,3] 1:r2[4,5] 1:r1[6,7]";
    assert_eq!(witness(back, MonotonicReads), Some(vec![0, 1, 2, 3]));
    assert_eq!(witness("0:w1[0,1] 0:w2[2,3] 1:r1[4,5] 1:r2[6,7]", Session), None);
    assert_eq!(
        witness("0:w1[0,1] 1:w2[0,1] 2:r1[2,3] 2:r2[4,5] 2:r1[6,7]", MonotonicReads).map(|operations| operations.len()),
        Some(5)
    );
    assert_eq!(witness("0:a1[0,1] 0:s[2,3]", ReadYourWrites), Some(vec![0, 1]));
    assert_eq!(witness("0:a1[0,1] 1:s1[2,3] 1:s[4,5]", MonotonicReads), Some(vec![0, 1, 2]));
}

#[test]
fn a_read_of_a_write_requires_the_writes_before_it() {
    let writes = "0:w1[0,1] 0:yw2[2,3] 1:yr2[4,5] 1:r-[6,7]";
    assert_eq!(witness(writes, MonotonicWrites), Some(vec![0, 1, 2, 3]));
    assert_eq!(witness(writes, WritesFollowReads), None);
    let follow = "2:w1[0,1] 0:r1[2,3] 0:yw2[4,5] 1:yr2[6,7] 1:r-[8,9]";
    assert_eq!(witness(follow, WritesFollowReads), Some(vec![0, 1, 2, 3, 4]));
    assert_eq!(witness(follow, MonotonicWrites), None);
    assert_eq!(witness(follow, ReadYourWrites), None);
    assert_eq!(witness(follow, MonotonicReads), None);
    assert_eq!(witness("0:p1[0,1] 0:p2[2,3] 1:l2[4,5]", MonotonicWrites), Some(vec![0, 1, 2]));
}

#[test]
fn staleness_is_counted_in_acknowledged_writes_and_time() {
    let text = "0:w1[0,1] 0:w2[2,3] 0:w3[4,5] 1:r1[9,10]";
    let bound = |versions, us| witness(text, BoundedStaleness { versions, us });
    assert_eq!(bound(Some(2), None), None);
    assert_eq!(bound(Some(1), None), Some(vec![0, 1, 2, 3]));
    assert_eq!(bound(None, Some(6000)), None);
    assert_eq!(bound(None, Some(5999)), Some(vec![0, 1, 3]));
}

#[test]
fn a_write_missing_from_the_last_read_is_lost() {
    assert_eq!(witness("0:w1[0,1] 0:w2[2,3] 1:r1[4,5]", NoLostUpdate), Some(vec![0, 1, 2]));
    assert_eq!(witness("0:w1[0,1] 0:w2[2,3] 1:r1[4,5] 1:r2[6,7]", NoLostUpdate), None);
}

#[test]
fn a_history_without_successful_operations_is_unknown() {
    let history = history("0:w1[0,?]");
    assert!(matches!(check(&history, Linearizable, BUDGET), Verdict::Unknown(_)));
}

#[test]
fn an_insufficient_budget_makes_the_verdict_unknown() {
    let history = history("0:w1[0,9] 1:w2[1,8] 2:w1[2,7] 3:r1[10,11] 3:r2[12,13] 3:r1[14,15]");
    assert!(matches!(check(&history, Linearizable, 3), Verdict::Unknown(_)));
    assert!(matches!(check(&history, Linearizable, BUDGET), Verdict::Violated(_)));
}

/// Tries all orders, as an oracle for the search.
fn any_order(items: &[SearchOperation], model: Model, order: Order) -> bool {
    fn fits(state: &mut Vec<i64>, item: &SearchOperation) -> bool {
        match (item.invocation, &item.output) {
            (Invocation::Read, Output::Value(value)) => *state == [i64::from(*value)],
            (Invocation::Read, Output::Number(number)) => *state == [*number],
            // The elements of a set are sorted.
            (Invocation::Read, Output::Elements(elements)) => {
                state.iter().copied().eq(elements.iter().map(|element| i64::from(*element)))
            }
            (Invocation::Read, Output::Nothing) => true,
            (Invocation::Write(value), _) => {
                *state = vec![value.into()];
                true
            }
            (Invocation::CompareAndSet { expected, value }, _) => {
                let fits = *state == [i64::from(expected)];
                *state = vec![value.into()];
                fits
            }
            (Invocation::Increment(by), _) => {
                state[0] += by;
                true
            }
            (Invocation::Append(value), _) => {
                state.push(value.into());
                true
            }
            (Invocation::Add(value), _) => {
                state.push(value.into());
                state.sort_unstable();
                state.dedup();
                true
            }
            (Invocation::Remove(value), _) => {
                state.retain(|element| *element != i64::from(value));
                true
            }
        }
    }
    /// Returns whether the operations that are not taken can follow those that are.
    fn completes(items: &[SearchOperation], taken: &mut Vec<bool>, state: &[i64], order: Order) -> bool {
        if items.iter().zip(taken.iter()).all(|(item, taken)| *taken || item.ended == NEVER) {
            return true;
        }
        for i in 0..items.len() {
            let before = |other: &SearchOperation| match order {
                Order::RealTime => other.ended < items[i].invoked,
                Order::Process => other.process == items[i].process && other.invoked < items[i].invoked,
            };
            let is_blocked = items.iter().zip(taken.iter()).any(|(other, taken)| !taken && before(other));
            let mut after = state.to_vec();
            if taken[i] || is_blocked || !fits(&mut after, &items[i]) {
                continue;
            }
            taken[i] = true;
            if completes(items, taken, &after, order) {
                return true;
            }
            taken[i] = false;
        }
        false
    }
    let first = if matches!(model, Model::Set | Model::Append) { vec![] } else { vec![0] };
    completes(items, &mut vec![false; items.len()], &first, order)
}

/// Generates small histories of a few processes. `operation_of` makes an invocation and its output from three small numbers.
fn random(
    operation_of: impl Fn(u32, u32, u32) -> (Invocation, Output) + Copy + 'static,
) -> impl Strategy<Value = History> {
    let operation = (0..3u32, 0..8u32, 0..3u32, 0..3u32, 1..4u32, 0..4u32, 0..6u32);
    proptest::collection::vec(operation, 1..7).prop_map(move |drawn| {
        let mut free = [0u32; 3];
        let mut unknown_ends = [0u32; 3];
        let mut all = Vec::new();
        for (index, (process, kind, a, b, length, gap, fate)) in drawn.into_iter().enumerate() {
            let process_index = process as usize;
            let invoked = free[process_index] + gap;
            free[process_index] = invoked + length + 1;
            let (invocation, output) = operation_of(kind, a, b);
            let unknown = fate == 0;
            all.push((
                invoked,
                invoked + length,
                index,
                process + 3 * unknown_ends[process_index],
                invocation,
                output,
                unknown,
            ));
            unknown_ends[process_index] += u32::from(unknown);
        }
        // Distinct positions: at the same time, ends come after invocations.
        let mut events: Vec<(u32, bool, usize)> = all
            .iter()
            .enumerate()
            .flat_map(|(i, (invoked, ended, ..))| [(*invoked, false, i), (*ended, true, i)])
            .collect();
        events.sort_unstable();
        let place = |i: usize, end: bool| {
            events.iter().position(|event| event.2 == i && event.1 == end).expect("an event") as u32
        };
        let mut history = history("");
        for (i, (_, _, index, process, invocation, output, unknown)) in all.iter().enumerate() {
            history.operations.push(Operation {
                index: *index as i64,
                process: *process,
                key: 0,
                function: invocation.function(),
                invocation: *invocation,
                output: if *unknown { Output::Nothing } else { output.clone() },
                outcome: if *unknown { Outcome::Unknown } else { Outcome::Ok },
                invoked: place(i, false),
                ended: if *unknown { NEVER } else { place(i, true) },
                times: None,
                rank: Rank::default(),
            });
        }
        history.processes = (0..30).map(|n| format!("process {n}")).collect();
        history.operations.sort_by_key(|operation| operation.invoked);
        history
    })
}

fn registers(kind: u32, a: u32, b: u32) -> (Invocation, Output) {
    match kind {
        0..=3 => (Invocation::Read, Output::Value(a)),
        4..=5 => (Invocation::Write(a), Output::Nothing),
        _ => (Invocation::CompareAndSet { expected: a, value: b }, Output::Nothing),
    }
}

fn agrees(history: &History, model: Model) -> Result<(), TestCaseError> {
    let places: Vec<usize> = (0..history.operations.len()).collect();
    let items = search_operations(history, &places);
    for order in [Order::RealTime, Order::Process] {
        let found = search::search(&items, model, &Initial::default(), order, &mut BUDGET.clone());
        let expected = any_order(&items, model, order);
        prop_assert_eq!(found == SearchResult::Order, expected, "{:?} {:?}", order, found);
        if !expected {
            let SearchResult::NoOrder(stuck) = found else { panic!("{found:?}") };
            let fewest = shrink::minimize_search(&items, model, &Initial::default(), (order, stuck), BUDGET);
            let kept: Vec<SearchOperation> =
                items.iter().filter(|item| fewest.contains(&item.place)).cloned().collect();
            prop_assert!(!any_order(&kept, model, order), "{:?} is no proof", fewest);
        }
    }
    Ok(())
}

random_tests! { all_orders, 4000;
    #[test]
    fn the_search_of_registers_agrees_with_trying_all_orders(history in random(registers)) {
        agrees(&history, Model::Register)?;
    }

    #[test]
    fn the_search_of_counters_agrees_with_trying_all_orders(
        history in random(|kind, a, b| if kind < 4 { (Invocation::Read, Output::Number((a + b).into())) } else { (Invocation::Increment(a.into()), Output::Nothing) })
    ) {
        agrees(&history, Model::Counter)?;
    }

    #[test]
    fn the_search_of_sets_agrees_with_trying_all_orders(
        history in random(|kind, a, b| match kind {
            0..=3 => (Invocation::Read, Output::Elements([vec![], vec![a], vec![a.min(b), 3]][b as usize].clone())),
            4..=5 => (Invocation::Add(a), Output::Nothing),
            6 => (Invocation::Add(3), Output::Nothing),
            _ => (Invocation::Remove(a), Output::Nothing),
        })
    ) {
        agrees(&history, Model::Set)?;
    }

    #[test]
    fn the_search_of_lists_agrees_with_trying_all_orders(
        history in random(|kind, a, b| match kind {
            0..=3 => (Invocation::Read, Output::Elements([vec![], vec![a], vec![a, b]][b as usize].clone())),
            _ => (Invocation::Append(a), Output::Nothing),
        })
    ) {
        agrees(&history, Model::Append)?;
    }

    #[test]
    fn zones_agree_with_trying_all_orders(history in random(|kind, a, _| {
        if kind < 5 { (Invocation::Read, Output::Value(a * 2)) } else { (Invocation::Write(0), Output::Nothing) }
    })) {
        let mut history = history;
        let mut next = 0;
        for operation in &mut history.operations {
            if let Invocation::Write(value) = &mut operation.invocation {
                next += 1;
                *value = next;
            }
        }
        let places: Vec<usize> = (0..history.operations.len()).collect();
        prop_assert!(zones::applies(&history, &places));
        let expected = any_order(&search_operations(&history, &places), Model::Register, Order::RealTime);
        let found = zones::check(&history, &places);
        prop_assert_eq!(found.is_none(), expected);
        if let Some(witness) = found {
            let kept: Vec<SearchOperation> = search_operations(&history, &witness.operations);
            prop_assert!(!any_order(&kept, Model::Register, Order::RealTime), "{:?} is no proof", witness);
        }
        // A guarantee implies all weaker ones.
        if expected {
            for weaker in [Regular, Sequential, Causal, Session, NoLostUpdate] {
                let verdict = check(&history, weaker, BUDGET);
                prop_assert!(!matches!(verdict, Verdict::Violated(_)), "{:?}: {:?}", weaker, verdict);
            }
        }
        if any_order(&search_operations(&history, &places), Model::Register, Order::Process) {
            let verdict = check(&history, Causal, BUDGET);
            prop_assert!(!matches!(verdict, Verdict::Violated(_)), "sequential, but {:?}", verdict);
        }
    }
}

#[test]
fn lost_changes_are_summed_up_by_how_they_were_lost() {
    let sentence = |overwritten, rolled_back, resurrected| {
        lost_changes(&LossCounts { overwritten, rolled_back, resurrected, disk_lost: 0 })
    };
    assert_eq!(sentence(0, 0, 1).matches("overwritten").count(), 0);
    assert_eq!(
        sentence(2, 1, 1),
        "4 acknowledged changes were lost: 2 overwritten without having been seen, 1 rolled back by their group, 1 undone, as an \
         older value came back after the tombstone was purged."
    );
    assert_eq!(
        sentence(1, 1, 0),
        "2 acknowledged changes were lost: 1 overwritten without having been seen, 1 rolled back by their group."
    );
}
