use super::*;
use crate::analysis::history::{ABSENT, Answer, Operation, ValueId};
use proptest::prelude::*;

/// A history of one key `x`, written as `0:w1[0,3] 1:r1[4,5]`: process, call, answer, and the places of its invocation and
/// end; `?` is an end that never came, `!` behind the brackets a failure. `w1` write, `r1` read of 1 (`r-` of nothing), `c12`
/// compare-and-set from 1 to 2, `i3` increment, `n3` counter's read, `a1` add, `d1` remove, `s123` set's read, `p1` append,
/// `l123` list's read. A `y` before the call makes it another key.
fn history(text: &str) -> History {
    let mut history = History {
        values: (0..10).map(|n| if n == 0 { "nothing".into() } else { n.to_string() }).collect(),
        keys: vec!["x".into(), "y".into()],
        processes: (0..10).map(|n| format!("process {n}")).collect(),
        ..History::default()
    };
    for (index, word) in text.split_whitespace().enumerate() {
        let (process, rest) = word.split_once(':').expect("a process");
        let (call, rest) = rest.split_once('[').expect("an interval");
        let (call, key) = call.strip_prefix('y').map_or((call, 0), |call| (call, 1));
        let (from, to) = rest.trim_end_matches(['!', ']']).split_once(',').expect("two ends");
        let digits: Vec<ValueId> =
            call[1..].bytes().map(|b| if b == b'-' { ABSENT } else { u32::from(b - b'0') }).collect();
        let (call, answer) = match &call[..1] {
            "w" => (Call::Write(digits[0]), Answer::Nothing),
            "c" => (Call::CompareAndSet { expected: digits[0], value: digits[1] }, Answer::Nothing),
            "i" => (Call::Increment(digits[0].into()), Answer::Nothing),
            "a" => (Call::Add(digits[0]), Answer::Nothing),
            "d" => (Call::Remove(digits[0]), Answer::Nothing),
            "p" => (Call::Append(digits[0]), Answer::Nothing),
            "r" => (Call::Read, Answer::Value(digits[0])),
            "n" => (Call::Read, Answer::Number(digits[0].into())),
            "s" | "l" => (Call::Read, Answer::Elements(digits)),
            other => panic!("no call {other}"),
        };
        let ended = to.parse().unwrap_or(NEVER);
        history.operations.push(Operation {
            index: index as u64,
            process: process.parse().expect("a number"),
            key,
            call,
            answer,
            outcome: match ended {
                _ if rest.ends_with('!') => Outcome::Fail,
                NEVER => Outcome::Unknown,
                _ => Outcome::Ok,
            },
            invoked: from.parse().expect("a place"),
            ended,
            times: Some((from.parse::<i64>().expect("a place") * 1000, i64::from(ended) * 1000)),
            rank: 0,
        });
    }
    history.operations.sort_by_key(|operation| operation.invoked);
    history
}

fn witness(text: &str, guarantee: Guarantee) -> Option<Vec<u64>> {
    let history = history(text);
    match check(&history, guarantee, BUDGET) {
        Verdict::Holds => None,
        Verdict::Violated(witness) => {
            assert!(witness.sentence.ends_with('.'), "{}", witness.sentence);
            let mut found: Vec<u64> = witness.operations.iter().map(|it| history.operations[*it].index).collect();
            found.sort_unstable();
            Some(found)
        }
        Verdict::Unknown(why) => panic!("unknown: {why}"),
    }
}

use Guarantee::*;

#[test]
fn a_stale_read_is_proved_by_three_operations() {
    let text = "0:w1[0,1] 0:w2[2,3] 1:r1[4,5] 1:r2[6,7]";
    assert_eq!(witness(text, Linearizable), Some(vec![0, 1, 2]));
    assert_eq!(witness(text, Regular), Some(vec![0, 1, 2]));
    assert_eq!(witness(text, Sequential), None);
}

#[test]
fn what_was_there_at_first_is_stale_after_a_write() {
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
fn a_read_of_a_failed_write_is_of_nobody() {
    assert_eq!(witness("0:w1[0,1]! 1:r1[2,3]", Linearizable), Some(vec![0, 1]));
    assert_eq!(witness("0:w1[0,1]! 1:r-[2,3]", Linearizable), None);
    assert_eq!(witness("0:w1[0,1] 1:r3[2,3]", Linearizable), Some(vec![1]));
    assert_eq!(witness("0:w1[0,1] 0:w1[2,3] 1:r3[4,5]", Linearizable), Some(vec![2]));
    assert_eq!(witness("0:w1[4,5] 1:r1[2,3]", Linearizable), Some(vec![0, 1]));
}

#[test]
fn values_that_repeat_are_searched() {
    assert_eq!(witness("0:w1[0,1] 0:w2[2,3] 0:w1[4,5] 1:r1[6,7]", Linearizable), None);
    assert_eq!(witness("0:w1[0,1] 0:w2[2,3] 0:w1[4,5] 0:w3[6,7] 1:r2[8,9]", Linearizable).map(|w| w.len()), Some(3));
}

#[test]
fn two_compare_and_sets_of_one_value_cannot_both_succeed() {
    let text = "0:w1[0,1] 0:c12[2,5] 1:c13[3,4]";
    assert_eq!(witness(text, Linearizable), Some(vec![0, 1, 2]));
    assert_eq!(witness(text, NoLostUpdate), Some(vec![1, 2]));
    assert_eq!(witness("0:w1[0,1] 0:c12[2,5] 1:c23[3,4]", Linearizable), None);
}

#[test]
fn counters_sets_and_lists_have_their_own_rules() {
    assert_eq!(witness("0:i2[0,1] 1:i3[2,6] 2:n5[3,4] 2:n5[7,8]", Linearizable), None);
    assert_eq!(witness("0:i2[0,1] 1:i3[2,3] 2:n2[4,5]", Linearizable), Some(vec![1, 2]));
    assert_eq!(witness("0:i2[0,1] 1:i3[2,3] 2:n2[4,5]", NoLostUpdate), Some(vec![0, 1, 2]));
    assert_eq!(witness("0:a1[0,1] 1:a2[2,5] 2:s12[3,4] 2:s12[6,7]", Linearizable), None);
    assert_eq!(witness("0:a1[0,1] 2:s[3,4]", Linearizable), Some(vec![0, 1]));
    assert_eq!(witness("0:a1[0,1] 1:d1[2,5] 2:s[3,4] 2:s1[6,7]", Linearizable), Some(vec![0, 1, 3]));
    assert_eq!(witness("0:p1[0,1] 1:p2[2,5] 2:l12[3,4] 2:l12[6,7]", Linearizable), None);
    assert_eq!(witness("0:p1[0,3] 1:p2[0,3] 2:l12[4,5] 3:l21[4,5]", Linearizable).map(|w| w.len() >= 2), Some(true));
    assert_eq!(witness("0:p1[0,1] 1:p2[2,3] 2:l21[4,5]", Linearizable), Some(vec![0, 1, 2]));
    assert_eq!(witness("0:a1[0,1] 1:a2[2,3] 2:s1[4,5] 2:s12[6,7] 2:s1[8,9]", NoLostUpdate), Some(vec![1, 4]));
}

#[test]
fn sequential_is_each_process_s_own_order_alone() {
    assert_eq!(witness("0:w1[0,1] 1:w2[2,3] 2:r2[4,5] 2:r1[6,7]", Sequential), None);
    let two = "0:w1[0,1] 1:w2[0,1] 2:r2[4,5] 2:r1[6,7] 3:r1[4,5] 3:r2[6,7]";
    assert_eq!(witness(two, Sequential), Some(vec![0, 1, 2, 3, 4, 5]));
    assert_eq!(witness(two, Causal), None);
}

#[test]
fn a_cause_is_seen_before_its_effect() {
    let text = "0:w1[0,1] 1:r1[2,3] 1:w2[4,5] 2:r2[6,7] 2:r1[8,9]";
    assert_eq!(witness(text, Causal), Some(vec![0, 1, 2, 3, 4]));
    let keys = "0:w1[0,1] 1:r1[2,3] 1:yw2[4,5] 2:yr2[6,7] 2:r-[8,9]";
    assert_eq!(witness(keys, Causal), Some(vec![0, 1, 2, 3, 4]));
    assert_eq!(witness("0:w1[0,1] 0:w2[2,3] 1:r2[4,5] 1:r1[6,7]", Causal), Some(vec![0, 1, 2, 3]));
}

#[test]
fn a_process_that_sees_two_writes_in_turns_and_back_breaks_causal_memory() {
    assert_eq!(witness("0:w1[0,1] 1:w2[0,1] 2:r1[2,3] 2:r2[4,5] 2:r1[6,7]", Causal), Some(vec![0, 1, 2, 3, 4]));
}

#[test]
fn sessions_see_their_own_writes_and_do_not_go_back() {
    assert_eq!(witness("0:w1[0,1] 0:w2[2,3] 0:r1[4,5]", ReadYourWrites), Some(vec![0, 1, 2]));
    assert_eq!(witness("0:w1[0,1] 0:r-[4,5]", ReadYourWrites), Some(vec![0, 1]));
    assert_eq!(witness("1:w1[0,1] 0:w2[2,3] 0:r1[4,5]", ReadYourWrites), Some(vec![0, 1, 2]));
    assert_eq!(witness("1:w1[0,3] 0:w2[2,3] 0:r1[4,5]", ReadYourWrites), None);
    assert_eq!(witness("0:w1[0,1] 0:w2[2,3] 1:r1[4,5]", ReadYourWrites), None);
    let back = "0:w1[0,1] 0:w2[2,3] 1:r2[4,5] 1:r1[6,7]";
    assert_eq!(witness(back, MonotonicReads), Some(vec![0, 1, 2, 3]));
    assert_eq!(witness("0:w1[0,1] 0:w2[2,3] 1:r1[4,5] 1:r2[6,7]", Session), None);
    assert_eq!(witness("0:w1[0,1] 1:w2[0,1] 2:r1[2,3] 2:r2[4,5] 2:r1[6,7]", MonotonicReads).map(|w| w.len()), Some(5));
    assert_eq!(witness("0:a1[0,1] 0:s[2,3]", ReadYourWrites), Some(vec![0, 1]));
    assert_eq!(witness("0:a1[0,1] 1:s1[2,3] 1:s[4,5]", MonotonicReads), Some(vec![0, 1, 2]));
}

#[test]
fn who_sees_a_write_sees_what_came_before_it() {
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
    assert_eq!(bound(Some(1), None), Some(vec![1, 2, 3]));
    assert_eq!(bound(None, Some(6000)), None);
    assert_eq!(bound(None, Some(5999)), Some(vec![1, 3]));
}

#[test]
fn a_write_that_the_last_read_does_not_know_of_is_lost() {
    assert_eq!(witness("0:w1[0,1] 0:w2[2,3] 1:r1[4,5]", NoLostUpdate), Some(vec![1, 2]));
    assert_eq!(witness("0:w1[0,1] 0:w2[2,3] 1:r1[4,5] 1:r2[6,7]", NoLostUpdate), None);
}

#[test]
fn a_history_in_which_nothing_succeeded_is_unknown() {
    let history = history("0:w1[0,?]");
    assert!(matches!(check(&history, Linearizable, BUDGET), Verdict::Unknown(_)));
}

#[test]
fn a_budget_that_does_not_suffice_makes_it_unknown() {
    let history = history("0:w1[0,9] 1:w2[1,8] 2:w1[2,7] 3:r1[10,11] 3:r2[12,13] 3:r1[14,15]");
    assert!(matches!(check(&history, Linearizable, 3), Verdict::Unknown(_)));
    assert!(matches!(check(&history, Linearizable, BUDGET), Verdict::Violated(_)));
}

/// All orders, one by one: what the search must agree with.
fn any_order(items: &[Item], model: Model, order: Order) -> bool {
    fn fits(state: &mut Vec<i64>, item: &Item) -> bool {
        let sorted = |elements: &[ValueId]| {
            let mut all: Vec<i64> = elements.iter().map(|it| i64::from(*it)).collect();
            all.sort_unstable();
            all
        };
        match (item.call, &item.answer) {
            (Call::Read, Answer::Value(value)) => *state == [i64::from(*value)],
            (Call::Read, Answer::Number(number)) => *state == [*number],
            (Call::Read, Answer::Elements(elements)) => *state == sorted(elements),
            (Call::Read, Answer::Nothing) => true,
            (Call::Write(value), _) => {
                *state = vec![value.into()];
                true
            }
            (Call::CompareAndSet { expected, value }, _) => {
                let fits = *state == [i64::from(expected)];
                *state = vec![value.into()];
                fits
            }
            (Call::Increment(by), _) => {
                state[0] += by;
                true
            }
            (Call::Add(value) | Call::Append(value), _) => {
                state.push(value.into());
                state.sort_unstable();
                state.dedup();
                true
            }
            (Call::Remove(value), _) => {
                state.retain(|it| *it != i64::from(value));
                true
            }
        }
    }
    fn go(items: &[Item], taken: &mut Vec<bool>, state: &[i64], order: Order) -> bool {
        if items.iter().zip(taken.iter()).all(|(item, taken)| *taken || item.ended == NEVER) {
            return true;
        }
        for i in 0..items.len() {
            let before = |other: &Item| match order {
                Order::RealTime => other.ended < items[i].invoked,
                Order::Process => other.process == items[i].process && other.invoked < items[i].invoked,
            };
            let waits = items.iter().zip(taken.iter()).any(|(other, taken)| !taken && before(other));
            let mut after = state.to_vec();
            if taken[i] || waits || !fits(&mut after, &items[i]) {
                continue;
            }
            taken[i] = true;
            if go(items, taken, &after, order) {
                return true;
            }
            taken[i] = false;
        }
        false
    }
    let first = if matches!(model, Model::Set | Model::Append) { vec![] } else { vec![0] };
    go(items, &mut vec![false; items.len()], &first, order)
}

/// Random small histories of a few processes; `calls` makes a call and its answer of three small numbers.
fn random(calls: impl Fn(u32, u32, u32) -> (Call, Answer) + Copy + 'static) -> impl Strategy<Value = History> {
    let operation = (0..3u32, 0..8u32, 0..3u32, 0..3u32, 1..4u32, 0..4u32, 0..6u32);
    proptest::collection::vec(operation, 1..7).prop_map(move |drawn| {
        let mut free = [0u32; 3];
        let mut gone = [0u32; 3];
        let mut all = Vec::new();
        for (index, (process, kind, a, b, length, gap, fate)) in drawn.into_iter().enumerate() {
            let lane = process as usize;
            let invoked = free[lane] + gap;
            free[lane] = invoked + length + 1;
            let (call, answer) = calls(kind, a, b);
            let unknown = fate == 0;
            all.push((invoked, invoked + length, index, process + 3 * gone[lane], call, answer, unknown));
            gone[lane] += u32::from(unknown);
        }
        // Places that differ: ends of the same instant come after beginnings.
        let mut events: Vec<(u32, bool, usize)> =
            all.iter().enumerate().flat_map(|(i, it)| [(it.0, false, i), (it.1, true, i)]).collect();
        events.sort_unstable();
        let place = |i: usize, end: bool| events.iter().position(|it| it.2 == i && it.1 == end).expect("there") as u32;
        let mut history = history("");
        for (i, (_, _, index, process, call, answer, unknown)) in all.iter().enumerate() {
            history.operations.push(Operation {
                index: *index as u64,
                process: *process,
                key: 0,
                call: *call,
                answer: if *unknown { Answer::Nothing } else { answer.clone() },
                outcome: if *unknown { Outcome::Unknown } else { Outcome::Ok },
                invoked: place(i, false),
                ended: if *unknown { NEVER } else { place(i, true) },
                times: None,
                rank: 0,
            });
        }
        history.processes = (0..30).map(|n| format!("process {n}")).collect();
        history.operations.sort_by_key(|operation| operation.invoked);
        history
    })
}

fn registers(kind: u32, a: u32, b: u32) -> (Call, Answer) {
    match kind {
        0..=3 => (Call::Read, Answer::Value(a)),
        4..=5 => (Call::Write(a), Answer::Nothing),
        _ => (Call::CompareAndSet { expected: a, value: b }, Answer::Nothing),
    }
}

fn agrees(history: &History, model: Model) -> Result<(), TestCaseError> {
    let places: Vec<usize> = (0..history.operations.len()).collect();
    let items = items(history, &places);
    for order in [Order::RealTime, Order::Process] {
        let found = search::search(&items, model, &Initial::default(), order, &mut BUDGET.clone());
        let expected = any_order(&items, model, order);
        prop_assert_eq!(found == Found::Order, expected, "{:?} {:?}", order, found);
        if !expected {
            let Found::Nothing(stuck) = found else { panic!("{found:?}") };
            let fewest = shrink::fewest_of_search(&items, model, &Initial::default(), order, stuck);
            let kept: Vec<Item> = items.iter().filter(|item| fewest.contains(&item.place)).cloned().collect();
            prop_assert!(!any_order(&kept, model, order), "{:?} is no proof", fewest);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn the_search_of_registers_agrees_with_trying_all_orders(history in random(registers)) {
        agrees(&history, Model::Register)?;
    }

    #[test]
    fn the_search_of_counters_agrees_with_trying_all_orders(
        history in random(|kind, a, b| if kind < 4 { (Call::Read, Answer::Number((a + b).into())) } else { (Call::Increment(a.into()), Answer::Nothing) })
    ) {
        agrees(&history, Model::Counter)?;
    }

    #[test]
    fn the_search_of_sets_agrees_with_trying_all_orders(
        history in random(|kind, a, b| match kind {
            0..=3 => (Call::Read, Answer::Elements([vec![], vec![a], vec![a.min(b), 3]][b as usize].clone())),
            4..=5 => (Call::Add(a), Answer::Nothing),
            6 => (Call::Add(3), Answer::Nothing),
            _ => (Call::Remove(a), Answer::Nothing),
        })
    ) {
        agrees(&history, Model::Set)?;
    }

    #[test]
    fn zones_agree_with_trying_all_orders(history in random(|kind, a, _| {
        if kind < 5 { (Call::Read, Answer::Value(a * 2)) } else { (Call::Write(0), Answer::Nothing) }
    })) {
        let mut history = history;
        let mut next = 0;
        for operation in &mut history.operations {
            if let Call::Write(value) = &mut operation.call {
                next += 1;
                *value = next;
            }
        }
        let places: Vec<usize> = (0..history.operations.len()).collect();
        prop_assert!(zones::applies(&history, &places));
        let expected = any_order(&items(&history, &places), Model::Register, Order::RealTime);
        let found = zones::check(&history, &places);
        prop_assert_eq!(found.is_none(), expected);
        if let Some(witness) = found {
            let kept: Vec<Item> = items(&history, &witness.operations);
            prop_assert!(!any_order(&kept, Model::Register, Order::RealTime), "{:?} is no proof", witness);
        }
        // What is weaker holds where what is stronger does.
        if expected {
            for weaker in [Regular, Sequential, Causal, Session, NoLostUpdate] {
                let verdict = check(&history, weaker, BUDGET);
                prop_assert!(!matches!(verdict, Verdict::Violated(_)), "{:?}: {:?}", weaker, verdict);
            }
        }
        if any_order(&items(&history, &places), Model::Register, Order::Process) {
            let verdict = check(&history, Causal, BUDGET);
            prop_assert!(!matches!(verdict, Verdict::Violated(_)), "sequential, but {:?}", verdict);
        }
    }
}
