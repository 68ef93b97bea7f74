//! Session guarantees of histories with versions, which may contradict the order of time: the clocks of last-writer-wins can be
//! skewed.

use super::cases::{converge, out};
use super::checker::assert_minimal;
use converge::analysis::check::{GUARANTEES, Guarantee, Verdict, check};
use converge::analysis::history::History;
use converge::analysis::jepsen::{ReadOptions, read};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// An operation on a key: a write with its version, or a read of a version, 0 for the initial value.
#[derive(Clone, Copy, Debug)]
struct Step {
    process: usize,
    key: usize,
    writes: bool,
    version: usize,
    /// Whether it is a write that ended unknown.
    unknown: bool,
}

/// What a random step is made of: the process, the key, whether it writes, what orders its version or chooses what it reads, and
/// whether its end is unknown.
type Drawn = (usize, usize, bool, u8, bool);

/// Returns steps, of which none overlap. A read returns a version that was written before, or the initial value.
fn steps(drawn: &[Drawn]) -> Vec<Step> {
    let mut ranks: BTreeMap<usize, Vec<(u8, usize)>> = BTreeMap::new();
    for (at, (_, key, _, order, _)) in drawn.iter().enumerate().filter(|(_, (_, _, writes, ..))| *writes) {
        ranks.entry(*key).or_default().push((*order, at));
    }
    ranks.values_mut().for_each(|all| all.sort_unstable());
    let (mut steps, mut names) = (Vec::<Step>::new(), [0, 1, 2]);
    for (at, (process, key, writes, choice, unknown)) in drawn.iter().copied().enumerate() {
        let version = if writes {
            ranks[&key].iter().position(|(_, of)| *of == at).expect("a write has a version") + 1
        } else {
            let written = steps.iter().filter(|step| step.writes && step.key == key).map(|step| step.version);
            let all: Vec<usize> = std::iter::once(0).chain(written).collect();
            all[usize::from(choice) % all.len()]
        };
        let unknown = writes && unknown;
        steps.push(Step { process: names[process], key, writes, version, unknown });
        if unknown {
            names[process] += 3;
        }
    }
    steps
}

/// Returns the history of these steps. The write of version `n` writes the text `vn`.
fn history(steps: &[Step]) -> History {
    let line = |step: &Step, kind: &str| {
        let value = if step.version == 0 { Value::Null } else { json!(format!("v{}", step.version)) };
        let (f, shown) = (if step.writes { "write" } else { "read" }, step.writes || kind == "ok");
        let value = if shown { value } else { Value::Null };
        let mut line =
            json!({ "type": kind, "f": f, "key": format!("k{}", step.key), "value": value, "process": step.process });
        if step.version > 0 && (kind == "invoke") == step.writes {
            line["version"] = json!(step.version);
        }
        line.to_string()
    };
    let ended = |step: &Step| line(step, if step.unknown { "info" } else { "ok" });
    let lines: Vec<String> = steps.iter().flat_map(|step| [line(step, "invoke"), ended(step)]).collect();
    read(&lines.join("\n"), &ReadOptions::default()).expect("a valid history").0
}

/// Returns whether steps violate a guarantee by its definition. Writes that ended unknown and were not read do not count.
fn is_violated(steps: &[Step], guarantee: Guarantee) -> bool {
    let is_read =
        |write: &Step| steps.iter().any(|step| !step.writes && (step.key, step.version) == (write.key, write.version));
    let steps: Vec<Step> = steps.iter().filter(|step| !step.unknown || is_read(step)).copied().collect();
    let reads = |read: &Step, write: &Step| {
        !read.writes && write.writes && (read.key, read.version) == (write.key, write.version)
    };
    // What a process did before a step, as far as a guarantee is about it.
    let before = |at: usize, process: usize| steps[..at].iter().filter(move |step| step.process == process);
    // The versions, with their keys, that must not be newer than a write of the guarantee.
    let needed = |at: usize| -> Vec<(usize, usize)> {
        let made = guarantee == Guarantee::MonotonicWrites;
        let relevant = before(at, steps[at].process).filter(|step| step.writes == made && step.version > 0);
        relevant.map(|step| (step.key, step.version)).collect()
    };
    (0..steps.len()).any(|at| {
        let step = &steps[at];
        let is_newer_than_shown = |(key, version): &(usize, usize)| *key == step.key && *version > step.version;
        match guarantee {
            Guarantee::ReadYourWrites => {
                let mut own = before(at, step.process).filter(|own| own.writes && !own.unknown);
                !step.writes && own.any(|own| is_newer_than_shown(&(own.key, own.version)))
            }
            Guarantee::MonotonicReads => {
                let mut own = before(at, step.process).filter(|own| !own.writes);
                !step.writes && own.any(|own| is_newer_than_shown(&(own.key, own.version)))
            }
            // The order of versions contains that of the session, and a process that sees a write sees those that it needs.
            _ if step.writes => needed(at).iter().any(is_newer_than_shown),
            _ => before(at + 1, step.process).any(|seen| {
                let mut writes = (0..steps.len()).filter(|write| reads(seen, &steps[*write]));
                writes.any(|write| needed(write).iter().any(is_newer_than_shown))
            }),
        }
    })
}

const SESSION: [Guarantee; 4] =
    [Guarantee::ReadYourWrites, Guarantee::MonotonicReads, Guarantee::MonotonicWrites, Guarantee::WritesFollowReads];

fn drawn() -> impl Strategy<Value = Vec<Drawn>> {
    prop::collection::vec((0usize..3, 0usize..2, any::<bool>(), any::<u8>(), prop::bool::weighted(0.15)), 2..9)
}

proptest! {
    #![proptest_config(crate::common::random::corpus(3000))]
    #[test]
    fn session_guarantees_with_versions_are_violated_exactly_by_their_definitions(drawn in drawn()) {
        let steps = steps(&drawn);
        let history = history(&steps);
        let mut any = false;
        for guarantee in SESSION {
            let expected = is_violated(&steps, guarantee);
            let verdict = check(&history, guarantee, 100_000);
            prop_assert_eq!(matches!(verdict, Verdict::Violated(_)), expected, "{:?}: {:?} {:?}", guarantee, steps, verdict);
            any |= expected;
        }
        let verdict = check(&history, Guarantee::Session, 100_000);
        prop_assert_eq!(matches!(verdict, Verdict::Violated(_)), any, "session: {:?} {:?}", steps, verdict);
    }
}

proptest! {
    #![proptest_config(crate::common::random::corpus(800))]
    #[test]
    fn every_operation_of_a_witness_with_versions_is_needed(drawn in drawn()) {
        let history = history(&steps(&drawn));
        for (_, guarantee) in GUARANTEES {
            assert_minimal(&history, *guarantee)?;
        }
    }
}

/// Returns the verdict on a guarantee, and the sentence of a violation.
fn found(text: &str, guarantee: &str) -> (String, String) {
    let output = converge(&["check", "-", "--json", "--guarantee", guarantee], text);
    let found: Value = serde_json::from_str(&out(&output)).expect("JSON");
    let [verdict, sentence] = ["verdict", "sentence"].map(|field| found["verdicts"][0][field].as_str());
    (verdict.unwrap_or_default().into(), sentence.unwrap_or_default().into())
}

#[test]
fn a_write_that_a_slow_clock_puts_before_what_its_process_saw_violates_the_guarantee_of_its_own_process_only() {
    let line = |kind: &str, f: &str, process: u32, value: Value, version: u32| {
        let mut line = json!({ "type": kind, "f": f, "key": "k", "process": process, "value": value });
        if (kind == "invoke") == (f == "write") {
            line["version"] = json!(version);
        }
        line.to_string() + "\n"
    };
    let write = |process, value: u32, version| {
        line("invoke", "write", process, json!(value), version) + &line("ok", "write", process, json!(value), version)
    };
    let read = |process, value: u32, version| {
        line("invoke", "read", process, Value::Null, version) + &line("ok", "read", process, json!(value), version)
    };
    let skewed = write(0, 1, 2) + &read(1, 1, 2) + &read(2, 1, 2) + &write(1, 2, 1) + &read(2, 1, 2);
    assert_eq!(found(&skewed, "monotonic-reads").0, "holds");
    let (verdict, sentence) = found(&skewed, "writes-follow-reads");
    assert_eq!(verdict, "violated");
    assert!(sentence.starts_with("By its version, a write precedes a write that its process had seen"), "{sentence}");
    let (verdict, sentence) = found(&(write(0, 1, 2) + &write(0, 2, 1) + &read(1, 1, 2)), "monotonic-writes");
    assert_eq!(verdict, "violated");
    assert_eq!(
        sentence,
        "By its version, a write precedes an earlier write of the same process: \
         the write of 1 (operation 0, process 0); then the write of 2 (operation 2, process 0)."
    );
}
