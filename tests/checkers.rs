//! Verdicts on random small histories, with unknown operations, compared with other checkers: the two testers of stateright,
//! and the WGL checker of todc-utils.

use crate::common::random;
use converge::analysis::check::{BUDGET, Guarantee, Verdict, check};
use converge::analysis::history::{ABSENT, History, Invocation, NEVER, Operation, Output, Rank};
use converge::trace::Outcome;
use stateright::semantics::{ConsistencyTester, LinearizabilityTester, SequentialConsistencyTester, SequentialSpec};
use todc_utils::specifications::Specification;
use todc_utils::{Action, History as OtherHistory, WGLChecker};

/// A register with compare-and-set as the other checkers define it. Values are small numbers; 0 is absent.
#[derive(Clone, Debug, Default, Hash, PartialEq, Eq)]
struct Register(u32);

#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
enum Request {
    Read,
    Write(u32),
    CompareAndSet(u32, u32),
}

#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
enum Response {
    Value(u32),
    Done,
    Refused,
}

impl SequentialSpec for Register {
    type Op = Request;
    type Ret = Response;

    fn invoke(&mut self, request: &Request) -> Response {
        match *request {
            Request::Read => Response::Value(self.0),
            Request::Write(value) => {
                self.0 = value;
                Response::Done
            }
            Request::CompareAndSet(from, to) if self.0 == from => {
                self.0 = to;
                Response::Done
            }
            Request::CompareAndSet(..) => Response::Refused,
        }
    }
}

/// An operation with its output; `None` for an unknown output.
impl Specification for Register {
    type State = u32;
    type Operation = (Request, Option<Response>);

    fn init() -> u32 {
        ABSENT
    }

    fn apply((request, response): &(Request, Option<Response>), state: &u32) -> (bool, u32) {
        let mut register = Register(*state);
        let expected = register.invoke(request);
        // An unknown operation may have been refused, or take effect at the very end.
        (response.is_none_or(|response| response == expected), register.0)
    }
}

/// A small, portable random number generator (Steele et al. 2014).
struct SplitMix(u64);

impl SplitMix {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

/// Invocations and ends, in order: process, request, and for an end the response, none if it is unknown.
type Events = Vec<(usize, Request, Option<Option<Response>>)>;

/// Returns a random history: the outputs come from a register that sometimes returns an earlier state.
fn random_history(seed: u64) -> Events {
    let mut random = SplitMix(seed);
    let (compare_and_sets, distinct) = (random.below(2) == 0, random.below(3) == 0);
    let (mut register, mut before) = (Register::default(), Register::default());
    let mut pending: [Option<(Request, Option<Response>)>; 3] = [None; 3];
    let (mut events, mut written, mut invoked) = (Events::new(), 0, 0);
    let count = 2 + random.below(6);
    while invoked < count || pending.iter().any(Option::is_some) {
        let process = random.below(3) as usize;
        match pending[process] {
            None if invoked < count => {
                invoked += 1;
                let value = 1 + random.below(3) as u32;
                let request = match random.below(if compare_and_sets { 6 } else { 4 }) {
                    0 | 1 => Request::Read,
                    2 | 3 if distinct => {
                        written += 1;
                        Request::Write(written)
                    }
                    2 | 3 => Request::Write(value),
                    _ => Request::CompareAndSet(random.below(3) as u32, value),
                };
                events.push((process, request, None));
                pending[process] = Some((request, None));
            }
            Some((request, None)) => {
                before = if random.below(4) == 0 { register.clone() } else { before };
                let is_wrong = request == Request::Read && random.below(5) == 0;
                let response = if is_wrong { before.clone().invoke(&request) } else { register.invoke(&request) };
                pending[process] = Some((request, Some(response)));
            }
            Some((request, Some(response))) => {
                pending[process] = None;
                events.push((process, request, Some((random.below(6) > 0).then_some(response))));
            }
            None => {}
        }
    }
    with_new_processes(events)
}

/// Continues as a new process after an operation with an unknown outcome.
fn with_new_processes(mut events: Events) -> Events {
    let mut names = [0, 1, 2];
    for (process, _, end) in &mut events {
        let name = &mut names[*process];
        *process = *name;
        if *end == Some(None) {
            *name += 3;
        }
    }
    events
}

fn ours(events: &Events) -> History {
    let mut history = History {
        values: (0..20).map(|n| n.to_string()).collect(),
        keys: vec![String::new()],
        processes: (0..40).map(|n| format!("process {n}")).collect(),
        ..History::default()
    };
    for (at, (process, request, end)) in events.iter().enumerate() {
        let process = *process as u32;
        let Some(end) = end else {
            let invocation = match *request {
                Request::Read => Invocation::Read,
                Request::Write(value) => Invocation::Write(value),
                Request::CompareAndSet(expected, value) => Invocation::CompareAndSet { expected, value },
            };
            history.operations.push(Operation {
                index: at as i64,
                process,
                key: 0,
                function: invocation.function(),
                invocation,
                output: Output::Nothing,
                outcome: Outcome::Unknown,
                invoked: at as u32,
                ended: NEVER,
                times: None,
                rank: Rank::default(),
            });
            continue;
        };
        let operation =
            history.operations.iter_mut().rfind(|operation| operation.process == process).expect("an invocation");
        match end {
            None => {}
            Some(Response::Refused) => (operation.outcome, operation.ended) = (Outcome::Fail, at as u32),
            Some(Response::Done) => (operation.outcome, operation.ended) = (Outcome::Ok, at as u32),
            Some(Response::Value(value)) => {
                (operation.outcome, operation.ended) = (Outcome::Ok, at as u32);
                operation.output = Output::Value(*value);
            }
        }
    }
    history
}

/// Removes failed operations, which the other checkers do not support.
fn without_failed(events: &Events) -> Events {
    let failed = |i: usize| {
        let (process, _, end) = events[i];
        let end = end.or_else(|| events[i + 1..].iter().find(|event| event.0 == process).and_then(|event| event.2));
        end == Some(Some(Response::Refused))
    };
    events.iter().enumerate().filter(|(i, _)| !failed(*i)).map(|(_, event)| *event).collect()
}

fn tested(tester: &mut impl ConsistencyTester<usize, Register>, events: &Events) -> bool {
    for (process, request, end) in events {
        match end {
            None => tester.on_invoke(*process, *request).map(|_| ()),
            Some(Some(response)) => tester.on_return(*process, *response).map(|_| ()),
            Some(None) => Ok(()),
        }
        .expect("a valid history");
    }
    tester.is_consistent()
}

fn wgl(events: &Events) -> bool {
    let mut actions = Vec::new();
    let mut unknown = Vec::new();
    for (process, request, end) in events {
        match end {
            None => actions.push((*process, Action::Call((*request, None)))),
            Some(Some(response)) => actions.push((*process, Action::Response((*request, Some(*response))))),
            Some(None) => unknown.push((*process, Action::Response((*request, None)))),
        }
    }
    // An unknown operation may take effect at any time, so it ends last.
    actions.extend(unknown);
    actions.is_empty() || WGLChecker::<Register>::is_linearizable(OtherHistory::from_actions(actions))
}

fn holds(history: &History, guarantee: Guarantee) -> bool {
    match check(history, guarantee, BUDGET) {
        Verdict::Holds => true,
        Verdict::Violated(_) => false,
        // Without a successful operation nothing is violated.
        Verdict::Unknown(_) => true,
    }
}

/// Returns whether a check reports a violation.
fn is_violated(history: &History, guarantee: Guarantee) -> bool {
    matches!(check(history, guarantee, BUDGET), Verdict::Violated(_))
}

#[test]
fn no_guarantee_that_a_stronger_one_implies_is_violated_where_the_stronger_one_holds() {
    const SESSION: [Guarantee; 5] = [
        Guarantee::MonotonicReads,
        Guarantee::ReadYourWrites,
        Guarantee::MonotonicWrites,
        Guarantee::WritesFollowReads,
        Guarantee::Session,
    ];
    let (mut sequential, mut violated) = (0, [0; 5]);
    for seed in random::seeds(50_000) {
        let history = ours(&random_history(seed));
        let [is_linearizable, is_sequential] =
            [Guarantee::Linearizable, Guarantee::Sequential].map(|guarantee| !is_violated(&history, guarantee));
        assert!(!is_linearizable || is_sequential, "seed {seed}: {history:?}");
        let is_causal = !is_violated(&history, Guarantee::Causal);
        assert!(!is_sequential || is_causal, "causal, seed {seed}: {history:?}");
        sequential += u64::from(is_sequential && !is_linearizable);
        for (guarantee, count) in SESSION.into_iter().zip(&mut violated) {
            let is_violated = is_violated(&history, guarantee);
            assert!(!(is_causal && is_violated), "{guarantee:?}, seed {seed}: {history:?}");
            *count += u64::from(is_violated);
        }
    }
    println!("{sequential} sequential and not linearizable, violated session guarantees: {violated:?}");
    assert!(sequential > 500 && violated[0] > 100 && violated[1] > 100, "{sequential} {violated:?}");
}

#[test]
fn verdicts_agree_with_those_of_other_checkers_on_random_histories() {
    const HISTORIES: u64 = 100_000;
    let (mut linearizable, mut sequential, mut unknown, mut compare_and_sets) = (0, 0, 0, 0);
    for seed in random::seeds(HISTORIES) {
        let events = random_history(seed);
        let history = ours(&events);
        let others = without_failed(&events);
        let ours_linearizable = holds(&history, Guarantee::Linearizable);
        let ours_sequential = holds(&history, Guarantee::Sequential);
        let theirs = tested(&mut LinearizabilityTester::new(Register::default()), &others);
        assert_eq!(ours_linearizable, theirs, "stateright, linearizable, seed {seed}: {events:?}");
        let theirs = tested(&mut SequentialConsistencyTester::new(Register::default()), &others);
        assert_eq!(ours_sequential, theirs, "stateright, sequential, seed {seed}: {events:?}");
        assert_eq!(ours_linearizable, wgl(&others), "todc-utils, seed {seed}: {events:?}");
        linearizable += u64::from(ours_linearizable);
        sequential += u64::from(ours_sequential);
        unknown += u64::from(events.iter().any(|(_, _, end)| *end == Some(None)));
        compare_and_sets +=
            u64::from(events.iter().any(|(_, request, _)| matches!(request, Request::CompareAndSet(..))));
    }
    // The comparison needs enough histories of every kind.
    println!(
        "of {HISTORIES}: {linearizable} linearizable, {sequential} sequential, {unknown} with unknown ones, {compare_and_sets} with compare-and-sets"
    );
    for count in [
        linearizable,
        HISTORIES - linearizable,
        sequential - linearizable,
        HISTORIES - sequential,
        unknown,
        compare_and_sets,
    ] {
        assert!(count > HISTORIES / 200, "{count} of {HISTORIES}");
    }
}
