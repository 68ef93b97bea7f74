//! The verdict on each guarantee: which checks apply to a history, and in which order they are tried.

use super::guarantee::Guarantee;
use super::read_sources::distinct_writes;
use super::search::{Order, SearchOperation, SearchResult};
use super::sessions::{SessionGuarantees, SessionResult};
use super::verdict::{Verdict, VerdictCache, Witness};
use super::{bounds, causal, explanations, quick_refutations, search, sessions, shrink, zones};
use crate::analysis::history::{History, Initial, Invocation, Model, NEVER, Operation, Output, ValueId};
use crate::language::{phrase, sentence};
use crate::trace::Outcome;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Checks one guarantee.
pub(super) fn verdict(
    history: &History,
    guarantee: Guarantee,
    cache: &mut VerdictCache<'_>,
    budget: &mut u64,
) -> Verdict {
    match guarantee {
        Guarantee::Causal => cache.verdict(None, || causal(history, budget)),
        Guarantee::ReadYourWrites
        | Guarantee::MonotonicReads
        | Guarantee::MonotonicWrites
        | Guarantee::WritesFollowReads
        | Guarantee::Session => cache.verdict(None, || session(history, guarantee, budget)),
        Guarantee::Linearizable => {
            check_keys(history, cache, |places, model| linearizable(history, places, model, budget))
        }
        Guarantee::Sequential => check_keys(history, cache, |places, model| sequential(history, places, model, budget)),
        Guarantee::Regular => check_keys(history, cache, |places, model| match model {
            Model::Register => from_witness(bounds::regular(history, places)),
            Model::Counter | Model::Set | Model::Append => Verdict::Unknown(
                phrase("it is defined for registers only", "diese Garantie ist nur für Register definiert").into(),
            ),
        }),
        Guarantee::BoundedStaleness { versions, us } => check_keys(history, cache, |places, model| {
            bounds::stale(history, places, model, versions, us).map_or_else(Verdict::Unknown, from_witness)
        }),
        Guarantee::NoLostUpdate => check_keys(history, cache, |places, model| bounds::lost(history, places, model)),
    }
}

fn from_witness(witness: Option<Witness>) -> Verdict {
    witness.map_or(Verdict::Holds, Verdict::Violated)
}

/// Checks each key. Returns the smallest witness of a violation; otherwise the first unknown verdict.
fn check_keys(
    history: &History,
    cache: &mut VerdictCache<'_>,
    mut verdict_of: impl FnMut(&[usize], Model) -> Verdict,
) -> Verdict {
    let mut unknown = None;
    let mut best: Option<Witness> = None;
    for (key, places) in history.by_key() {
        let verdict = cache.verdict(Some(key), || match history.model_of(&places) {
            Some(model) => verdict_of(&places, model),
            None => Verdict::Unknown(no_model(history, key).into()),
        });
        match verdict {
            Verdict::Holds => {}
            Verdict::Violated(witness) => {
                if best.as_ref().is_none_or(|best| witness.operations.len() < best.operations.len()) {
                    best = Some(witness);
                }
            }
            Verdict::Unknown(why) => {
                let name = history.keys.get(key as usize).filter(|name| !name.is_empty());
                unknown.get_or_insert(name.map_or(why.clone(), |name| format!("{name}: {why}")));
            }
        }
    }
    match (best, unknown) {
        (Some(witness), _) => Verdict::Violated(witness),
        (None, Some(why)) => Verdict::Unknown(why),
        (None, None) => Verdict::Holds,
    }
}

fn linearizable(history: &History, places: &[usize], model: Model, budget: &mut u64) -> Verdict {
    if model == Model::Register && zones::applies(history, places) {
        return from_witness(zones::check(history, places));
    }
    search_verdict(history, places, model, Order::RealTime, budget)
}

fn sequential(history: &History, places: &[usize], model: Model, budget: &mut u64) -> Verdict {
    if model == Model::Register && zones::applies(history, places) {
        if zones::check(history, places).is_none() {
            return Verdict::Holds;
        }
        // Sequential consistency implies causal consistency.
        if let Verdict::Violated(witness) = causal_at(history, places) {
            return Verdict::Violated(witness);
        }
    }
    if matches!(model, Model::Set | Model::Append) {
        // Sequential consistency implies the session guarantees.
        let all = effective(history, places.to_vec());
        let wanted = SessionGuarantees { own_writes: true, reads: true, writes: true, follow: true };
        let is_violated = |places: &[usize]| sessions::is_violated(history, places, wanted);
        if is_violated(&all) {
            let operations = shrink::minimize(history, &all, is_violated);
            let sentence = explanations::session(
                history,
                &operations,
                phrase(
                    "A process saw an older state than its session allows",
                    "Ein Prozess sah einen älteren Zustand, als seine Sitzung erlaubt",
                ),
            );
            return Verdict::Violated(Witness { operations, sentence });
        }
    }
    // Linearizability implies sequential consistency, and real time leaves fewer orders to search.
    let items = search_operations(history, places);
    let initial =
        places.first().map_or_else(Initial::default, |place| history.initial_of(history.operations[*place].key));
    if search::search(&items, model, &initial, Order::RealTime, &mut (*budget / 2)) == SearchResult::Order {
        return Verdict::Holds;
    }
    search_verdict(history, places, model, Order::Process, budget)
}

/// Returns the operations to search: reads that returned, and changes that did not fail.
pub(super) fn search_operations(history: &History, places: &[usize]) -> Vec<SearchOperation> {
    let operations = places.iter().map(|place| (*place, &history.operations[*place]));
    let counts = operations.filter(|(_, operation)| match operation.outcome {
        Outcome::Ok => true,
        Outcome::Unknown => operation.invocation.changes(),
        Outcome::Fail => false,
    });
    let item = |(place, operation): (usize, &Operation)| SearchOperation {
        place,
        process: operation.process,
        invocation: operation.invocation,
        output: operation.output.clone(),
        invoked: operation.invoked,
        ended: if operation.outcome == Outcome::Ok { operation.ended } else { NEVER },
    };
    counts.map(item).collect()
}

fn search_verdict(history: &History, places: &[usize], model: Model, order: Order, budget: &mut u64) -> Verdict {
    let unwritten = quick_refutations::unwritten(history, places);
    if let Some(witness) = unwritten.or_else(|| quick_refutations::contradiction(history, places, model, order)) {
        return Verdict::Violated(witness);
    }
    let items = search_operations(history, places);
    // The reduction of the witness may use more steps if the budget is large.
    let steps_to_minimize = *budget * 2;
    let key = places.first().map_or(0, |place| history.operations[*place].key);
    let initial: Initial = history.initial_of(key);
    match search::search(&items, model, &initial, order, budget) {
        SearchResult::Order => Verdict::Holds,
        SearchResult::OutOfBudget => {
            Verdict::Unknown(phrase("the search used up its budget", "die Suche hat ihr Budget aufgebraucht").into())
        }
        SearchResult::NoOrder(stuck) => {
            let mut operations = shrink::minimize_search(&items, model, &initial, (order, stuck), steps_to_minimize);
            operations.sort_unstable();
            let sentence = explanations::no_order(history, &operations);
            Verdict::Violated(Witness { operations, sentence })
        }
    }
}

fn causal(history: &History, budget: &mut u64) -> Verdict {
    if let Some(key) = history.siblings.iter().chain(history.unsupported.iter()).next() {
        return Verdict::Unknown(no_model(history, *key).into());
    }
    let places: Vec<usize> = (0..history.operations.len()).collect();
    if is_linearizable(history, budget) {
        return Verdict::Holds;
    }
    let Err(why) = causal::applies(history, &places) else { return causal_at(history, &effective(history, places)) };
    let registers = history.by_key().iter().all(|(_, places)| history.model_of(places) == Some(Model::Register));
    if !registers {
        return Verdict::Unknown(why);
    }
    if let Some(witness) = history.by_key().iter().find_map(|(_, places)| quick_refutations::unwritten(history, places))
    {
        return Verdict::Violated(witness);
    }
    let price = history.processes.len() as u64;
    check_ambiguous(history, &places, why, (budget, price), |history, places| {
        causal::violation(history, &effective(history, places.to_vec())).is_some()
    })
}

/// Returns whether the history is linearizable, which implies the weaker guarantees.
fn is_linearizable(history: &History, budget: &mut u64) -> bool {
    let mut verdicts = BTreeMap::new();
    let fresh = &mut VerdictCache::fresh(&mut verdicts);
    check_keys(history, fresh, |places, model| linearizable(history, places, model, &mut (*budget / 2)))
        == Verdict::Holds
}

/// Checks registers whose written values repeat: tries every assignment of reads to writes, within the budget. `places` may be a
/// part of the history.
fn check_ambiguous(
    history: &History,
    places: &[usize],
    why: String,
    (budget, price): (&mut u64, u64),
    is_violated: impl Fn(&History, &[usize]) -> bool,
) -> Verdict {
    let distinct = RefCell::new(distinct_writes(history, places));
    let is_whole = places.len() == history.operations.len();
    let violated =
        |places: &[usize], budget: &mut u64| distinct.borrow_mut().is_violated(places, price, budget, &is_violated);
    match violated(places, budget) {
        Some(false) if is_whole => Verdict::Holds,
        Some(false) | None => Verdict::Unknown(why),
        Some(true) => {
            let budget_of_attempt = *budget / 16;
            let operations = shrink::minimize(history, places, |places| {
                violated(places, &mut budget_of_attempt.clone()) == Some(true)
            });
            let sentence = explanations::session(
                history,
                &operations,
                phrase(
                    "For any assignment of these reads to writes, a read is too old",
                    "Wie man diese Lesevorgänge den Schreibvorgängen auch zuordnet, einer ist zu alt",
                ),
            );
            Verdict::Violated(Witness { operations, sentence })
        }
    }
}

fn causal_at(history: &History, places: &[usize]) -> Verdict {
    if let Err(why) = causal::applies(history, places) {
        return Verdict::Unknown(why);
    }
    let Some(violation) = causal::violation(history, places) else { return Verdict::Holds };
    let operations = match violation {
        causal::CausalViolation::NeverWritten(read) => vec![read],
        causal::CausalViolation::Cycle | causal::CausalViolation::Replaced(_) => {
            shrink::minimize(history, places, |places| causal::violation(history, places).is_some())
        }
    };
    let sentence = match causal::violation(history, &operations) {
        Some(causal::CausalViolation::NeverWritten(read)) => explanations::never_written(history, read),
        Some(causal::CausalViolation::Replaced(read)) => match causal::newer(history, &operations, read) {
            Some(newer) => explanations::session(
                history,
                &operations,
                &sentence!(
                    "{} had been replaced by the {}",
                    "{} war durch das {} ersetzt worden",
                    explanations::value_read(history, read),
                    explanations::name(history, newer)
                ),
            ),
            None => explanations::no_order(history, &operations),
        },
        Some(causal::CausalViolation::Cycle) | None => explanations::session(
            history,
            &operations,
            phrase(
                "Each of these operations would have to precede itself",
                "Jede dieser Operationen müsste sich selbst vorausgehen",
            ),
        ),
    };
    Verdict::Violated(Witness { operations, sentence })
}

/// A value of a key.
type Written = (u32, ValueId);

/// Removes the changes that ended `unknown` and were not read, as if they had not taken effect.
fn effective(history: &History, mut places: Vec<usize>) -> Vec<usize> {
    let operations = &history.operations;
    let mut read_values: Vec<Written> = Vec::new();
    // A compare-and-set that took effect read the value that it replaced. Chains are followed from their ends.
    let mut replaced: Vec<(Option<u32>, Written)> = Vec::new();
    for operation in places.iter().map(|place| &operations[*place]) {
        if let Invocation::CompareAndSet { expected, value } = operation.invocation {
            match operation.outcome {
                Outcome::Ok => read_values.push((operation.key, expected)),
                Outcome::Unknown => replaced.push((Some(value), (operation.key, expected))),
                Outcome::Fail => {}
            }
        }
        match &operation.output {
            Output::Value(value) => read_values.push((operation.key, *value)),
            Output::Elements(elements) => read_values.extend(elements.iter().map(|value| (operation.key, *value))),
            Output::Nothing | Output::Number(_) => {}
        }
    }
    loop {
        read_values.sort_unstable();
        let before = read_values.len();
        for (value, expected) in &mut replaced {
            if value.is_some_and(|value| read_values[..before].binary_search(&(expected.0, value)).is_ok()) {
                *value = None;
                read_values.push(*expected);
            }
        }
        if read_values.len() == before {
            break;
        }
    }
    places.retain(|place| {
        let operation = &operations[*place];
        let Some(value) = operation.invocation.puts() else { return true };
        operation.outcome != Outcome::Unknown || read_values.binary_search(&(operation.key, value)).is_ok()
    });
    places.sort_unstable();
    places
}

/// Returns the reason why a key's data type cannot be checked.
fn no_model(history: &History, key: u32) -> &'static str {
    match (history.siblings.contains(&key), history.unsupported.contains(&key)) {
        (true, _) => phrase(
            "a read returned siblings, which a register cannot have",
            "ein Lesevorgang lieferte Siblings, die ein Register nicht haben kann",
        ),
        (false, true) => phrase(
            "it is a map, or a list with changes other than appends",
            "es ist eine Map oder eine Liste, an die nicht nur angehängt wird",
        ),
        (false, false) => phrase(
            "its operations belong to different data types",
            "die Operationen gehören zu verschiedenen Datentypen",
        ),
    }
}

/// States what a violation of a session guarantee is.
fn broken_session(guarantee: Guarantee) -> &'static str {
    match guarantee {
        Guarantee::ReadYourWrites => {
            phrase("A process did not see its own write", "Ein Prozess sah seinen eigenen Schreibvorgang nicht")
        }
        Guarantee::MonotonicReads => {
            phrase("A process saw an older state than before", "Ein Prozess sah einen älteren Zustand als zuvor")
        }
        Guarantee::MonotonicWrites => phrase(
            "A read contains a write without an earlier write of the same process",
            "Ein Lesevorgang enthält einen Schreibvorgang ohne einen früheren desselben Prozesses",
        ),
        Guarantee::WritesFollowReads => phrase(
            "A read contains a write without the writes that its process had seen before",
            "Ein Lesevorgang enthält einen Schreibvorgang, aber nicht \
                 die Schreibvorgänge, die dessen Prozess zuvor gesehen hatte",
        ),
        Guarantee::Session
        | Guarantee::Linearizable
        | Guarantee::Regular
        | Guarantee::Sequential
        | Guarantee::Causal
        | Guarantee::BoundedStaleness { .. }
        | Guarantee::NoLostUpdate => phrase(
            "A process saw an older state than its session allows",
            "Ein Prozess sah einen älteren Zustand, als seine Sitzung erlaubt",
        ),
    }
}

/// States what the versions of writes show of a violated session guarantee.
fn broken_order(guarantee: Guarantee) -> &'static str {
    match guarantee {
        Guarantee::MonotonicWrites => phrase(
            "By its version, a write precedes an earlier write of the same process",
            "Nach seiner Version liegt ein Schreibvorgang vor einem früheren desselben Prozesses",
        ),
        Guarantee::WritesFollowReads => phrase(
            "By its version, a write precedes a write that its process had seen before",
            "Nach seiner Version liegt ein Schreibvorgang vor einem, den sein Prozess zuvor gesehen hatte",
        ),
        Guarantee::Session
        | Guarantee::ReadYourWrites
        | Guarantee::MonotonicReads
        | Guarantee::Linearizable
        | Guarantee::Regular
        | Guarantee::Sequential
        | Guarantee::Causal
        | Guarantee::BoundedStaleness { .. }
        | Guarantee::NoLostUpdate => phrase(
            "By its version, a write precedes a write that its process had made or seen before",
            "Nach seiner Version liegt ein Schreibvorgang vor einem, den sein Prozess zuvor gemacht oder gesehen hatte",
        ),
    }
}

fn session(history: &History, guarantee: Guarantee, budget: &mut u64) -> Verdict {
    let is_session = guarantee == Guarantee::Session;
    let wanted = SessionGuarantees {
        own_writes: is_session || guarantee == Guarantee::ReadYourWrites,
        reads: is_session || guarantee == Guarantee::MonotonicReads,
        writes: is_session || guarantee == Guarantee::MonotonicWrites,
        follow: is_session || guarantee == Guarantee::WritesFollowReads,
    };
    let (mut places, mut repeating, mut unknown) = (Vec::new(), Vec::new(), None);
    for (key, of_key) in history.by_key() {
        let why = match history.model_of(&of_key) {
            Some(Model::Register) => causal::applies(history, &of_key).err(),
            Some(Model::Set | Model::Append) => None,
            Some(Model::Counter) => {
                if let Some(witness) = quick_refutations::decreased_sum(history, &of_key, wanted) {
                    return Verdict::Violated(witness);
                }
                Some(
                    phrase(
                        "the value of a counter does not show which increments it contains",
                        "der Wert eines Zählers zeigt nicht, welche Erhöhungen er enthält",
                    )
                    .into(),
                )
            }
            None => Some(no_model(history, key).into()),
        };
        match why {
            None => places.extend(of_key),
            Some(why) => {
                if history.model_of(&of_key) == Some(Model::Register) {
                    repeating.extend(of_key);
                }
                unknown.get_or_insert(why);
            }
        }
    }
    let places = effective(history, places);
    let result = sessions::check(history, &places, wanted);
    if result == SessionResult::Violated {
        let operations = shrink::minimize(history, &places, |places| sessions::is_violated(history, places, wanted));
        let is_by_order = sessions::is_order_violated(history, &operations, wanted);
        let broken = if is_by_order { broken_order(guarantee) } else { broken_session(guarantee) };
        return Verdict::Violated(Witness {
            sentence: explanations::session(history, &operations, broken),
            operations,
        });
    }
    if unknown.is_none() && result == SessionResult::Kept {
        return Verdict::Holds;
    }
    if is_linearizable(history, budget) {
        return Verdict::Holds;
    }
    let Some(why) = unknown else { return repeated_elements(history, budget) };
    if result == SessionResult::Uncertain {
        return Verdict::Unknown(why);
    }
    repeating.extend(places);
    repeating.sort_unstable();
    check_ambiguous(history, &repeating, why, (budget, 16), |history, places| {
        sessions::is_violated(history, &effective(history, places.to_vec()), wanted)
    })
}

/// Returns the verdict on session guarantees where it depends on which of several additions of an element a read has seen. The
/// guarantees hold if the history of a single key is sequential.
fn repeated_elements(history: &History, budget: &mut u64) -> Verdict {
    if let [(_, places)] = history.by_key().as_slice()
        && let Some(model) = history.model_of(places)
        && sequential(history, places, model, budget) == Verdict::Holds
    {
        return Verdict::Holds;
    }
    Verdict::Unknown(
        phrase(
            "an element was added several times, and the reads do not show which additions they contain",
            "ein Element wurde mehrmals hinzugefügt, und die Lesevorgänge zeigen nicht, welche davon sie enthalten",
        )
        .into(),
    )
}
