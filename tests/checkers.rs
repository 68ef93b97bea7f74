//! Our verdicts on random small histories beside those of other checkers: stateright's two testers, and the WGL checker of
//! todc-utils. Operations that are unknown are among them.

mod common;

use common::random;
use converge::analysis::check::{BUDGET, Guarantee, Verdict, check};
use converge::analysis::history::{ABSENT, Answer, Call, History, NEVER, Operation};
use converge::trace::Outcome;
use stateright::semantics::{ConsistencyTester, LinearizabilityTester, SequentialConsistencyTester, SequentialSpec};
use todc_utils::specifications::Specification;
use todc_utils::{Action, History as OtherHistory, WGLChecker};

/// A register with compare-and-set, as the others want it. Values are small numbers; 0 is absent.
#[derive(Clone, Debug, Default, Hash, PartialEq, Eq)]
struct Register(u32);

#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
enum Ask {
    Read,
    Write(u32),
    Swap(u32, u32),
}

#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq)]
enum Told {
    Value(u32),
    Done,
    Refused,
}

impl SequentialSpec for Register {
    type Op = Ask;
    type Ret = Told;

    fn invoke(&mut self, ask: &Ask) -> Told {
        match *ask {
            Ask::Read => Told::Value(self.0),
            Ask::Write(value) => {
                self.0 = value;
                Told::Done
            }
            Ask::Swap(from, to) if self.0 == from => {
                self.0 = to;
                Told::Done
            }
            Ask::Swap(..) => Told::Refused,
        }
    }
}

/// The same with its answer; none where it is not known.
impl Specification for Register {
    type State = u32;
    type Operation = (Ask, Option<Told>);

    fn init() -> u32 {
        ABSENT
    }

    fn apply((ask, told): &(Ask, Option<Told>), state: &u32) -> (bool, u32) {
        let mut register = Register(*state);
        let told_here = register.invoke(ask);
        // What is unknown may have been refused, or have come at the very end.
        (told.is_none_or(|told| told == told_here), register.0)
    }
}

/// Small, fast, and the same everywhere (Steele et al. 2014).
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

/// What happened, in order: a process asks, or is told; none for what nobody will know.
type Events = Vec<(usize, Ask, Option<Option<Told>>)>;

/// A random history: answers come from a register that now and then lies.
fn random_history(seed: u64) -> Events {
    let mut chance = SplitMix(seed);
    let (swaps, distinct) = (chance.below(2) == 0, chance.below(3) == 0);
    let (mut register, mut before) = (Register::default(), Register::default());
    let mut waiting: [Option<(Ask, Option<Told>)>; 3] = [None; 3];
    let (mut events, mut written, mut asked) = (Events::new(), 0, 0);
    let count = 2 + chance.below(6);
    while asked < count || waiting.iter().any(Option::is_some) {
        let lane = chance.below(3) as usize;
        match waiting[lane] {
            None if asked < count => {
                asked += 1;
                let value = 1 + chance.below(3) as u32;
                let ask = match chance.below(if swaps { 6 } else { 4 }) {
                    0 | 1 => Ask::Read,
                    2 | 3 if distinct => {
                        written += 1;
                        Ask::Write(written)
                    }
                    2 | 3 => Ask::Write(value),
                    _ => Ask::Swap(chance.below(3) as u32, value),
                };
                events.push((lane, ask, None));
                waiting[lane] = Some((ask, None));
            }
            Some((ask, None)) => {
                before = if chance.below(4) == 0 { register.clone() } else { before };
                let lies = ask == Ask::Read && chance.below(5) == 0;
                let told = if lies { before.clone().invoke(&ask) } else { register.invoke(&ask) };
                waiting[lane] = Some((ask, Some(told)));
            }
            Some((ask, Some(told))) => {
                waiting[lane] = None;
                events.push((lane, ask, Some((chance.below(6) > 0).then_some(told))));
            }
            None => {}
        }
    }
    renamed(events)
}

/// Gives every lane a new process after an operation that is unknown.
fn renamed(mut events: Events) -> Events {
    let mut names = [0, 1, 2];
    for (lane, _, end) in &mut events {
        let name = &mut names[*lane];
        *lane = *name;
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
    for (at, (process, ask, end)) in events.iter().enumerate() {
        let process = *process as u32;
        let Some(end) = end else {
            history.operations.push(Operation {
                index: at as u64,
                process,
                key: 0,
                call: match *ask {
                    Ask::Read => Call::Read,
                    Ask::Write(value) => Call::Write(value),
                    Ask::Swap(expected, value) => Call::CompareAndSet { expected, value },
                },
                answer: Answer::Nothing,
                outcome: Outcome::Unknown,
                invoked: at as u32,
                ended: NEVER,
                times: None,
                rank: 0,
            });
            continue;
        };
        let operation = history.operations.iter_mut().rfind(|it| it.process == process).expect("it was asked");
        match end {
            None => {}
            Some(Told::Refused) => (operation.outcome, operation.ended) = (Outcome::Fail, at as u32),
            Some(Told::Done) => (operation.outcome, operation.ended) = (Outcome::Ok, at as u32),
            Some(Told::Value(value)) => {
                (operation.outcome, operation.ended) = (Outcome::Ok, at as u32);
                operation.answer = Answer::Value(*value);
            }
        }
    }
    history
}

/// For the others an operation that failed did not happen: it is left out.
fn without_failed(events: &Events) -> Events {
    let failed = |i: usize| {
        let (process, _, end) = events[i];
        let end = end.or_else(|| events[i + 1..].iter().find(|it| it.0 == process).and_then(|it| it.2));
        end == Some(Some(Told::Refused))
    };
    events.iter().enumerate().filter(|(i, _)| !failed(*i)).map(|(_, event)| *event).collect()
}

fn tested(tester: &mut impl ConsistencyTester<usize, Register>, events: &Events) -> bool {
    for (process, ask, end) in events {
        match end {
            None => tester.on_invoke(*process, *ask).map(|_| ()),
            Some(Some(told)) => tester.on_return(*process, *told).map(|_| ()),
            Some(None) => Ok(()),
        }
        .expect("a history that makes sense");
    }
    tester.is_consistent()
}

fn wgl(events: &Events) -> bool {
    let mut actions = Vec::new();
    let mut unknown = Vec::new();
    for (process, ask, end) in events {
        match end {
            None => actions.push((*process, Action::Call((*ask, None)))),
            Some(Some(told)) => actions.push((*process, Action::Response((*ask, Some(*told))))),
            Some(None) => unknown.push((*process, Action::Response((*ask, None)))),
        }
    }
    // What is unknown may come at any time: it ends last.
    actions.extend(unknown);
    actions.is_empty() || WGLChecker::<Register>::is_linearizable(OtherHistory::from_actions(actions))
}

fn holds(history: &History, guarantee: Guarantee) -> bool {
    match check(history, guarantee, BUDGET) {
        Verdict::Holds => true,
        Verdict::Violated(_) => false,
        // Nothing succeeded: nothing is violated.
        Verdict::Unknown(_) => true,
    }
}

#[test]
fn verdicts_agree_with_those_of_other_checkers_on_random_histories() {
    const HISTORIES: u64 = 100_000;
    let (mut linearizable, mut sequential, mut unknown, mut swaps) = (0, 0, 0, 0);
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
        swaps += u64::from(events.iter().any(|(_, ask, _)| matches!(ask, Ask::Swap(..))));
    }
    // Enough of every sort, or the comparison says little.
    println!(
        "of {HISTORIES}: {linearizable} linearizable, {sequential} sequential, {unknown} with unknown ones, {swaps} with swaps"
    );
    for count in
        [linearizable, HISTORIES - linearizable, sequential - linearizable, HISTORIES - sequential, unknown, swaps]
    {
        assert!(count > HISTORIES / 200, "{count} of {HISTORIES}");
    }
}
