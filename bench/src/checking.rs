//! Checks histories of a register for linearizability: by zones, by the general search, and with the checkers of
//! stateright and todc-utils. Each history has eight processes, and is checked as it is and with one stale read near its
//! end.

use converge::analysis::check::{BUDGET, Guarantee, Verdict, check};
use converge::analysis::history::{ABSENT, History, Invocation, NEVER, Operation, Output, Rank};
use converge::trace::Outcome;
use stateright::semantics::register::{Register, RegisterOp, RegisterRet};
use stateright::semantics::{ConsistencyTester, LinearizabilityTester};
use std::time::Instant;
use todc_utils::specifications::register::{RegisterOperation, RegisterSpecification};
use todc_utils::{Action, History as OtherHistory, WGLChecker};

const PROCESSES: usize = 8;

/// Generates a history of `count` operations, half of them reads. With `stale`, one read near the end returns an
/// overwritten value.
fn history(count: usize, stale: bool) -> History {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move |n: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % n as u64) as usize
    };
    let mut history = History { processes: vec![String::new(); PROCESSES], ..History::default() };
    // For each process the operation in progress, and whether it has taken effect.
    let mut open: [Option<(usize, bool)>; PROCESSES] = [None; PROCESSES];
    let (mut register, mut written, mut at) = (ABSENT, 0, 0u32);
    while history.operations.len() < count || open.iter().any(Option::is_some) {
        let process = random(PROCESSES);
        match open[process] {
            None if history.operations.len() < count => {
                let invocation = if random(2) == 0 {
                    Invocation::Read
                } else {
                    written += 1;
                    Invocation::Write(written)
                };
                open[process] = Some((history.operations.len(), false));
                history.operations.push(Operation {
                    index: at.into(),
                    process: process as u32,
                    key: 0,
                    function: invocation.function(),
                    invocation,
                    output: Output::Nothing,
                    outcome: Outcome::Ok,
                    invoked: at,
                    ended: NEVER,
                    times: None,
                    rank: Rank::default(),
                });
                at += 1;
            }
            Some((index, false)) => {
                let operation = &mut history.operations[index];
                match operation.invocation {
                    Invocation::Write(value) => register = value,
                    _ => operation.output = Output::Value(register),
                }
                open[process] = Some((index, true));
            }
            Some((index, true)) => {
                history.operations[index].ended = at;
                at += 1;
                open[process] = None;
            }
            None => {}
        }
    }
    if stale {
        let last =
            history.operations.iter_mut().rfind(|operation| operation.returned().is_some_and(|value| value > 40));
        if let Some(read) = last
            && let Output::Value(value) = &mut read.output
        {
            *value -= 30;
        }
    }
    history.values = (0..=written).map(|value| value.to_string()).collect();
    history
}

/// Returns the fastest of several executions in milliseconds, and the result.
fn timed(times: usize, mut run: impl FnMut() -> bool) -> (f64, bool) {
    let mut best = f64::INFINITY;
    let mut output = false;
    for _ in 0..times {
        let start = Instant::now();
        output = run();
        best = best.min(start.elapsed().as_secs_f64() * 1000.0);
    }
    (best, output)
}

fn by_converge(history: &History) -> bool {
    check(history, Guarantee::Linearizable, BUDGET) == Verdict::Holds
}

/// Checks with the general search, which is used when a value is written twice.
fn by_search(history: &History) -> bool {
    let mut history = history.clone();
    if let Some(mut repeated) = history.operations.iter().find(|operation| operation.invocation.changes()).cloned() {
        let end = history.operations.iter().map(|operation| operation.ended).max().unwrap_or(0);
        (repeated.invoked, repeated.ended) = (end + 1, end + 2);
        history.operations.push(repeated);
    }
    by_converge(&history)
}

/// Returns invocations and completions in order: the time, the operation's index, and whether it is the completion.
fn events(history: &History) -> Vec<(u32, usize, bool)> {
    let both =
        |(index, operation): (usize, &Operation)| [(operation.invoked, index, false), (operation.ended, index, true)];
    let mut all: Vec<(u32, usize, bool)> = history.operations.iter().enumerate().flat_map(both).collect();
    all.sort_unstable();
    all
}

fn by_stateright(history: &History) -> bool {
    let mut tester = LinearizabilityTester::new(Register(ABSENT));
    for (_, index, end) in events(history) {
        let operation = &history.operations[index];
        let done = match (operation.invocation, end) {
            (Invocation::Write(value), false) => tester.on_invoke(operation.process, RegisterOp::Write(value)),
            (Invocation::Write(_), true) => tester.on_return(operation.process, RegisterRet::WriteOk),
            (_, false) => tester.on_invoke(operation.process, RegisterOp::Read),
            (_, true) => {
                tester.on_return(operation.process, RegisterRet::ReadOk(operation.returned().unwrap_or(ABSENT)))
            }
        };
        assert!(done.is_ok());
    }
    tester.is_consistent()
}

fn by_todc(history: &History) -> bool {
    let action = |(_, index, end): (u32, usize, bool)| {
        let recorded = &history.operations[index];
        let operation = match recorded.invocation {
            Invocation::Write(value) => RegisterOperation::Write(value),
            _ => RegisterOperation::Read(if end { recorded.returned() } else { None }),
        };
        (recorded.process as usize, if end { Action::Response(operation) } else { Action::Call(operation) })
    };
    let actions = events(history).into_iter().map(action).collect();
    WGLChecker::<RegisterSpecification<u32>>::is_linearizable(OtherHistory::from_actions(actions))
}

/// Prints the figures.
pub fn run() {
    println!("checking a register for linearizability, {PROCESSES} processes, ms");
    for count in [1_000, 10_000, 100_000] {
        for stale in [false, true] {
            let history = history(count, stale);
            let (zones, output) = timed(5, || by_converge(&history));
            assert_eq!(output, !stale);
            let (search, output) = timed(1, || by_search(&history));
            assert_eq!(output, !stale);
            let result = if stale { "with one stale read" } else { "holds" };
            print!(
                "  {count} operations, {result}: zones {zones:.2}, search {search:.1} ({:.0} times)",
                search / zones
            );
            // Larger histories take todc-utils too long and overflow the stack of stateright.
            if count <= 1_000 {
                let (todc, output) = timed(1, || by_todc(&history));
                assert_eq!(output, !stale);
                print!(", todc-utils {todc:.0} ({:.0} times)", todc / zones);
            }
            println!();
        }
    }
    let small = history(14, false);
    let (zones, _) = timed(5, || by_converge(&small));
    let (stateright, output) = timed(5, || by_stateright(&small));
    assert!(output);
    println!("  14 operations, holds: zones {zones:.4}, stateright {stateright:.4} ({:.0} times)", stateright / zones);
}
