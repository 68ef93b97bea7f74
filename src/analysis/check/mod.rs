//! Verdicts: which guarantee a history keeps, and if not, the operations that prove it.
//!
//! Three-valued: what holds, holds; what is violated comes with as few operations as prove it; where neither could be shown,
//! the verdict is unknown and says why. Operations that ended as unknown may have taken effect at any time after they were
//! invoked, or never.

mod bounds;
mod causal;
mod plain;
mod say;
mod search;
mod seen;
mod sessions;
mod shrink;
#[cfg(test)]
mod tests;
mod whose;
mod zones;

use super::history::{Answer, Call, History, Initial, Model, NEVER, ValueId};
use crate::trace::Outcome;
use search::{Found, Item, Order};
use sessions::Wanted;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// A guarantee of consistency.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Guarantee {
    /// Each operation takes effect at one instant between its invocation and its end (Herlihy and Wing 1990). Checked key by
    /// key, since it is local. O(n log n) for registers whose writes differ; else a search within the budget.
    Linearizable,
    /// A read returns the last value acknowledged before it, or one whose write overlaps it (Lamport 1986). O(n log n).
    Regular,
    /// There is one order that respects each process's own (Lamport 1979), key by key. A search within the budget.
    Sequential,
    /// Causal memory (Ahamad et al. 1995) over all keys, of registers; a compare-and-set reads and then writes. Where writes
    /// repeat, every way is tried in which reads can have got their values, within the budget.
    Causal,
    /// A process sees its own writes.
    ReadYourWrites,
    /// A process sees nothing older than what it has seen.
    MonotonicReads,
    /// Who sees a process's write sees those that it made before.
    MonotonicWrites,
    /// Who sees a process's write sees what that had seen before.
    WritesFollowReads,
    /// All four of a session.
    Session,
    /// What is read lacks at most so many acknowledged changes, and none that is older than so long.
    BoundedStaleness {
        /// How many.
        versions: Option<u32>,
        /// For how long, µs.
        us: Option<i64>,
    },
    /// No acknowledged change is gone in the end.
    NoLostUpdate,
}

/// Those that need no numbers, by the names that people write.
pub const GUARANTEES: &[(&str, Guarantee)] = &[
    ("linearizable", Guarantee::Linearizable),
    ("sequential", Guarantee::Sequential),
    ("regular", Guarantee::Regular),
    ("causal", Guarantee::Causal),
    ("session", Guarantee::Session),
    ("read-your-writes", Guarantee::ReadYourWrites),
    ("monotonic-reads", Guarantee::MonotonicReads),
    ("monotonic-writes", Guarantee::MonotonicWrites),
    ("writes-follow-reads", Guarantee::WritesFollowReads),
    ("no-lost-update", Guarantee::NoLostUpdate),
];

/// Proof that a guarantee is violated.
#[derive(Clone, Debug, PartialEq)]
pub struct Witness {
    /// Places of the operations in the history, in order.
    pub operations: Vec<usize>,
    /// Why they prove it.
    pub sentence: String,
}

/// What can be said of a guarantee.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It is kept.
    Holds,
    /// It is not.
    Violated(Witness),
    /// Neither could be shown.
    Unknown(String),
}

/// How many steps a search may take unless asked otherwise.
pub const BUDGET: u64 = 5_000_000;

/// By key, or of all together: how much had been learnt, and the verdict.
type ByKey = BTreeMap<Option<u32>, (u32, Verdict)>;

/// Verdicts found before, each of a key or of all keys together, which hold as long as nothing more is learnt of them. So
/// verdicts follow a run that goes on at the cost of what is new.
#[derive(Clone, Debug, Default)]
pub struct Memo {
    found: Vec<(Guarantee, ByKey)>,
}

/// What is known already of one guarantee.
struct Known<'a> {
    found: &'a mut ByKey,
    learnt: &'a dyn Fn(Option<u32>) -> u32,
}

impl Known<'_> {
    /// The verdict of a key, or of all together; looked for only where there is news.
    fn verdict(&mut self, key: Option<u32>, look: impl FnOnce() -> Verdict) -> Verdict {
        let learnt = (self.learnt)(key);
        match self.found.get(&key) {
            Some((then, verdict)) if *then == learnt => verdict.clone(),
            Some(_) | None => {
                let verdict = look();
                self.found.insert(key, (learnt, verdict.clone()));
                verdict
            }
        }
    }
}

/// Checks one guarantee of a history that is whole. See [`check_on`].
pub fn check(history: &History, guarantee: Guarantee, budget: u64) -> Verdict {
    check_on(history, guarantee, budget, &mut Memo::default(), &|_| 0)
}

/// Checks one guarantee of a history that grows: `learnt` counts what was learnt of a key's operations (of all, for none),
/// and `memo` is what was found before. `budget` bounds the steps of searches, all keys together; what it does not suffice for is unknown.
/// A history without any operation that ended is unknown, never held.
pub fn check_on(
    history: &History,
    guarantee: Guarantee,
    mut budget: u64,
    memo: &mut Memo,
    learnt: &dyn Fn(Option<u32>) -> u32,
) -> Verdict {
    if !history.operations.iter().any(|operation| operation.outcome == Outcome::Ok) {
        return Verdict::Unknown("no operation succeeded".into());
    }
    let place = memo.found.iter().position(|(of, _)| *of == guarantee).unwrap_or_else(|| {
        memo.found.push((guarantee, BTreeMap::new()));
        memo.found.len() - 1
    });
    let mut known = Known { found: &mut memo.found[place].1, learnt };
    let verdict = match guarantee {
        Guarantee::Causal => known.verdict(None, || causal(history, &mut budget)),
        Guarantee::ReadYourWrites
        | Guarantee::MonotonicReads
        | Guarantee::MonotonicWrites
        | Guarantee::WritesFollowReads
        | Guarantee::Session => known.verdict(None, || session(history, guarantee, &mut budget)),
        Guarantee::Linearizable
        | Guarantee::Regular
        | Guarantee::Sequential
        | Guarantee::BoundedStaleness { .. }
        | Guarantee::NoLostUpdate => by_key(history, &mut known, |places, model| match guarantee {
            Guarantee::Linearizable => linearizable(history, places, model, &mut budget),
            Guarantee::Sequential => sequential(history, places, model, &mut budget),
            Guarantee::BoundedStaleness { versions, us } => match bounds::stale(history, places, model, versions, us) {
                Ok(witness) => found(witness),
                Err(why) => Verdict::Unknown(why),
            },
            Guarantee::NoLostUpdate => found(bounds::lost(history, places, model)),
            _ if model == Model::Register => found(bounds::regular(history, places)),
            _ => Verdict::Unknown("regular is a word about registers".into()),
        }),
    };
    match verdict {
        Verdict::Violated(mut witness) => {
            witness.operations.sort_unstable();
            Verdict::Violated(witness)
        }
        Verdict::Holds | Verdict::Unknown(_) => verdict,
    }
}

/// An operation in words, with what it returned.
pub fn describe(history: &History, place: usize) -> String {
    match history.operations[place].call.changes() {
        true => say::name(history, place),
        false => format!("{} returned {}", say::name(history, place), say::returned(history, place)),
    }
}

fn found(witness: Option<Witness>) -> Verdict {
    witness.map_or(Verdict::Holds, Verdict::Violated)
}

/// The keys one by one: the smallest proof of any; else what is unknown of any.
fn by_key(history: &History, known: &mut Known<'_>, mut verdict_of: impl FnMut(&[usize], Model) -> Verdict) -> Verdict {
    let mut unknown = None;
    let mut best: Option<Witness> = None;
    for (key, places) in history.by_key() {
        let verdict = known.verdict(Some(key), || match history.model_of(&places) {
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
        return found(zones::check(history, places));
    }
    searched(history, places, model, Order::RealTime, budget)
}

fn sequential(history: &History, places: &[usize], model: Model, budget: &mut u64) -> Verdict {
    if model == Model::Register && zones::applies(history, places) {
        if zones::check(history, places).is_none() {
            return Verdict::Holds;
        }
        // What is sequential is causal.
        if let Verdict::Violated(witness) = causal_at(history, places) {
            return Verdict::Violated(witness);
        }
    }
    if matches!(model, Model::Set | Model::Append) {
        // What is sequential keeps what sessions may rely on.
        let all = effective(history, places.to_vec());
        let wanted = Wanted { own_writes: true, reads: true, writes: true, follow: true };
        let broken = |places: &[usize]| sessions::broken(history, places, wanted);
        if broken(&all) {
            let operations = shrink::fewest(history, &all, broken);
            let sentence = say::session(history, &operations, "A process saw less than it must have known");
            return Verdict::Violated(Witness { operations, sentence });
        }
    }
    // What is linearizable is sequential, and time leaves fewer orders to try.
    let items = items(history, places);
    let initial =
        places.first().map_or_else(Initial::default, |place| history.first_of(history.operations[*place].key));
    if search::search(&items, model, &initial, Order::RealTime, &mut (*budget / 2)) == Found::Order {
        return Verdict::Holds;
    }
    searched(history, places, model, Order::Process, budget)
}

/// The operations that a search is about: reads that returned, and changes that did not fail.
fn items(history: &History, places: &[usize]) -> Vec<Item> {
    let operations = places.iter().map(|place| (*place, &history.operations[*place]));
    let counts = operations.filter(|(_, operation)| match operation.outcome {
        Outcome::Ok => true,
        Outcome::Unknown => operation.call.changes(),
        Outcome::Fail => false,
    });
    let item = |(place, operation): (usize, &super::history::Operation)| Item {
        place,
        process: operation.process,
        call: operation.call,
        answer: operation.answer.clone(),
        invoked: operation.invoked,
        ended: if operation.outcome == Outcome::Ok { operation.ended } else { NEVER },
    };
    counts.map(item).collect()
}

fn searched(history: &History, places: &[usize], model: Model, order: Order, budget: &mut u64) -> Verdict {
    let plain = plain::nowhere(history, places);
    if let Some(witness) = plain.or_else(|| plain::contradiction(history, places, model, order)) {
        return Verdict::Violated(witness);
    }
    let items = items(history, places);
    let key = places.first().map_or(0, |place| history.operations[*place].key);
    let initial: Initial = history.first_of(key);
    match search::search(&items, model, &initial, order, budget) {
        Found::Order => Verdict::Holds,
        Found::Unknown => Verdict::Unknown("the search used up its budget before it found an answer".into()),
        Found::Nothing(stuck) => {
            let mut operations = shrink::fewest_of_search(&items, model, &initial, order, stuck);
            operations.sort_unstable();
            let sentence = say::no_order(history, &operations);
            Verdict::Violated(Witness { operations, sentence })
        }
    }
}

fn causal(history: &History, budget: &mut u64) -> Verdict {
    if let Some(key) = history.siblings.iter().chain(history.foreign.iter()).next() {
        return Verdict::Unknown(no_model(history, *key).into());
    }
    let places: Vec<usize> = (0..history.operations.len()).collect();
    if linear(history, budget) {
        return Verdict::Holds;
    }
    let Err(why) = causal::applies(history, &places) else { return causal_at(history, &effective(history, places)) };
    let registers = history.by_key().iter().all(|(_, places)| history.model_of(places) == Some(Model::Register));
    if !registers {
        return Verdict::Unknown(why);
    }
    if let Some(witness) = history.by_key().iter().find_map(|(_, places)| plain::nowhere(history, places)) {
        return Verdict::Violated(witness);
    }
    let price = history.processes.len() as u64;
    indirect(history, &places, why, (budget, price), |history, places| {
        causal::broken(history, &effective(history, places.to_vec())).is_some()
    })
}

/// What is linearizable keeps all that is weaker.
fn linear(history: &History, budget: &mut u64) -> bool {
    let fresh = &mut Known { found: &mut BTreeMap::new(), learnt: &|_| 0 };
    by_key(history, fresh, |places, model| linearizable(history, places, model, &mut (*budget / 2))) == Verdict::Holds
}

/// Where it cannot be told whose write a read returned: of registers every way in which it can have been is tried, of which
/// there may be too many. `places` may be a part of the history.
fn indirect(
    history: &History,
    places: &[usize],
    why: String,
    (budget, price): (&mut u64, u64),
    broken: impl Fn(&History, &[usize]) -> bool,
) -> Verdict {
    let apart = RefCell::new(whose::apart(history, places));
    let all = places.len() == history.operations.len();
    let asked = |places: &[usize], budget: &mut u64| apart.borrow_mut().broken(places, price, budget, &broken);
    match asked(places, budget) {
        Some(false) if all => Verdict::Holds,
        Some(false) | None => Verdict::Unknown(why),
        Some(true) => {
            let each = *budget / 16;
            let operations = shrink::fewest(history, places, |places| asked(places, &mut each.clone()) == Some(true));
            let sentence = say::session(history, &operations, "Whichever write each read returned, one came too late");
            Verdict::Violated(Witness { operations, sentence })
        }
    }
}

fn causal_at(history: &History, places: &[usize]) -> Verdict {
    if let Err(why) = causal::applies(history, places) {
        return Verdict::Unknown(why);
    }
    let Some(broken) = causal::broken(history, places) else { return Verdict::Holds };
    let operations = match broken {
        causal::Broken::FromNowhere(read) => vec![read],
        causal::Broken::Circle | causal::Broken::Replaced(_) => {
            shrink::fewest(history, places, |places| causal::broken(history, places).is_some())
        }
    };
    let sentence = match causal::broken(history, &operations) {
        Some(causal::Broken::FromNowhere(read)) => say::from_nowhere(history, read),
        Some(causal::Broken::Replaced(read)) => match causal::newer(history, &operations, read) {
            Some(newer) => say::session(
                history,
                &operations,
                &format!(
                    "{} was known to be replaced by the {}",
                    say::returned(history, read),
                    say::name(history, newer)
                ),
            ),
            None => say::no_order(history, &operations),
        },
        Some(causal::Broken::Circle) | None => {
            say::session(history, &operations, "Each of these would have to come before itself")
        }
    };
    Verdict::Violated(Witness { operations, sentence })
}

/// A key and a value of it.
type Written = (u32, ValueId);

/// Without changes of which nobody knows whether they took effect, and that nobody saw: as if they had not.
fn effective(history: &History, mut places: Vec<usize>) -> Vec<usize> {
    let operations = &history.operations;
    let mut seen: Vec<Written> = Vec::new();
    // What compare-and-sets replaced was seen, if they took effect: a chain of them is followed from its end.
    let mut replaced: Vec<(Option<u32>, Written)> = Vec::new();
    for operation in places.iter().map(|place| &operations[*place]) {
        if let Call::CompareAndSet { expected, value } = operation.call {
            match operation.outcome {
                Outcome::Ok => seen.push((operation.key, expected)),
                Outcome::Unknown => replaced.push((Some(value), (operation.key, expected))),
                Outcome::Fail => {}
            }
        }
        match &operation.answer {
            Answer::Value(value) => seen.push((operation.key, *value)),
            Answer::Elements(elements) => seen.extend(elements.iter().map(|value| (operation.key, *value))),
            Answer::Nothing | Answer::Number(_) => {}
        }
    }
    loop {
        seen.sort_unstable();
        let before = seen.len();
        for (value, expected) in &mut replaced {
            if value.is_some_and(|value| seen[..before].binary_search(&(expected.0, value)).is_ok()) {
                *value = None;
                seen.push(*expected);
            }
        }
        if seen.len() == before {
            break;
        }
    }
    places.retain(|place| {
        let operation = &operations[*place];
        let Some(value) = operation.call.puts() else { return true };
        operation.outcome != Outcome::Unknown || seen.binary_search(&(operation.key, value)).is_ok()
    });
    places.sort_unstable();
    places
}

/// Why a key is of no type that can be checked.
fn no_model(history: &History, key: u32) -> &'static str {
    match (history.siblings.contains(&key), history.foreign.contains(&key)) {
        (true, _) => "a read returned several values at once, and no register does",
        (false, true) => "it is a map, or a list that is changed elsewhere than at its end",
        (false, false) => "operations of several types are done to it",
    }
}

fn session(history: &History, guarantee: Guarantee, budget: &mut u64) -> Verdict {
    let all = guarantee == Guarantee::Session;
    let wanted = Wanted {
        own_writes: all || guarantee == Guarantee::ReadYourWrites,
        reads: all || guarantee == Guarantee::MonotonicReads,
        writes: all || guarantee == Guarantee::MonotonicWrites,
        follow: all || guarantee == Guarantee::WritesFollowReads,
    };
    let (mut places, mut repeating, mut unknown) = (Vec::new(), Vec::new(), None);
    for (key, of_key) in history.by_key() {
        let why = match history.model_of(&of_key) {
            Some(Model::Register) => causal::applies(history, &of_key).err(),
            Some(Model::Set | Model::Append) => None,
            Some(Model::Counter) => {
                if let Some(witness) = plain::counted_back(history, &of_key, wanted) {
                    return Verdict::Violated(witness);
                }
                Some("a counter's number does not tell which increments are in it".into())
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
    if sessions::broken(history, &places, wanted) {
        let operations = shrink::fewest(history, &places, |places| sessions::broken(history, places, wanted));
        let broken = match guarantee {
            Guarantee::ReadYourWrites => "It did not see its own write",
            Guarantee::MonotonicReads => "It saw something older than it had seen",
            Guarantee::MonotonicWrites => "A write was seen without one that the same process had made before",
            Guarantee::WritesFollowReads => "A write was seen without what its process had seen before",
            _ => "A session saw something older than it may",
        };
        return Verdict::Violated(Witness { sentence: say::session(history, &operations, broken), operations });
    }
    let Some(why) = unknown else { return Verdict::Holds };
    if linear(history, budget) {
        return Verdict::Holds;
    }
    repeating.extend(places);
    repeating.sort_unstable();
    indirect(history, &repeating, why, (budget, 16), |history, places| {
        sessions::broken(history, &effective(history, places.to_vec()), wanted)
    })
}
