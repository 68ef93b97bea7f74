//! Quick refutations: a few operations, found in one pass, that no order can explain. If none is found, the search decides.

use super::explanations;
use super::search::Order;
use super::sessions::SessionGuarantees;
use super::verdict::Witness;
use crate::analysis::history::{History, Invocation, Model, NEVER, Output, ValueId};
use crate::trace::Outcome;
use std::collections::BTreeMap;

fn reads<'a>(history: &'a History, places: &'a [usize]) -> impl Iterator<Item = usize> + 'a {
    places.iter().copied().filter(|place| history.operations[*place].output != Output::Nothing)
}

/// Finds a read of a value that was never written, or whose write failed.
pub(super) fn unwritten(history: &History, places: &[usize]) -> Option<Witness> {
    let operations = &history.operations;
    let first = history.initial_of(operations[*places.first()?].key);
    let mut put: BTreeMap<ValueId, usize> = BTreeMap::new();
    for &place in places {
        if let Some(value) = operations[place].invocation.puts()
            && put.get(&value).is_none_or(|other| operations[*other].outcome == Outcome::Fail)
        {
            put.insert(value, place);
        }
    }
    // The read alone is the proof: a failed write had no effect, so the history is violated without it too.
    let proof = |read: usize, value: ValueId| match put.get(&value) {
        Some(&write) if operations[write].outcome != Outcome::Fail => None,
        Some(&write) if !operations[read].precedes(&operations[write]) => {
            Some(Witness { operations: vec![read], sentence: explanations::of_a_failed_write(history, write, read) })
        }
        Some(_) | None => {
            Some(Witness { operations: vec![read], sentence: explanations::phantom(history, read, value) })
        }
    };
    reads(history, places).find_map(|read| match &operations[read].output {
        Output::Value(value) if *value != first.value => proof(read, *value),
        Output::Elements(elements) => {
            let new = elements.iter().filter(|value| !first.elements.contains(value));
            new.into_iter().find_map(|value| proof(read, *value))
        }
        Output::Nothing | Output::Value(_) | Output::Number(_) => None,
    })
}

/// Finds a contradiction to linearizability or sequential consistency.
pub(super) fn contradiction(history: &History, places: &[usize], model: Model, order: Order) -> Option<Witness> {
    match (model, order) {
        (Model::Register, Order::RealTime) => super::bounds::regular(history, places),
        (Model::Counter, Order::RealTime) => wrong_sum(history, places),
        (Model::Register | Model::Counter, Order::Process) => None,
        (Model::Set | Model::Append, _) => Elements::of(history, places).contradiction(model, order),
    }
}

/// An element of a set or a list.
#[derive(Default)]
struct Element {
    /// The operations that added it, except failed ones.
    puts: Vec<usize>,
    /// Whether it is an initial element.
    initial: bool,
    /// Whether an operation may have removed it.
    removed: bool,
    /// The earliest end of an operation that added or returned it, and that operation.
    known: Option<(u32, usize)>,
}

struct Elements<'a> {
    history: &'a History,
    number: BTreeMap<ValueId, usize>,
    all: Vec<Element>,
    /// Each read with the numbers of the returned elements, in the returned order.
    reads: Vec<(usize, Vec<usize>)>,
}

impl<'a> Elements<'a> {
    fn of(history: &'a History, places: &'a [usize]) -> Self {
        let mut found = Elements { history, number: BTreeMap::new(), all: Vec::new(), reads: Vec::new() };
        let operations = &history.operations;
        let key = places.first().map_or(0, |place| operations[*place].key);
        for value in history.initial_of(key).elements {
            let number = found.numbered(value);
            found.all[number].initial = true;
        }
        for &place in places.iter().filter(|place| operations[**place].outcome != Outcome::Fail) {
            let operation = &operations[place];
            if let Some(value) = operation.invocation.puts() {
                let number = found.numbered(value);
                found.all[number].puts.push(place);
                if operation.acknowledged() {
                    found.know(number, place);
                }
            }
            if let Invocation::Remove(value) = operation.invocation {
                let number = found.numbered(value);
                found.all[number].removed = true;
            }
        }
        for read in reads(history, places) {
            let Output::Elements(elements) = &operations[read].output else { continue };
            let shown: Vec<usize> = elements.iter().map(|value| found.numbered(*value)).collect();
            shown.iter().for_each(|number| found.know(*number, read));
            found.reads.push((read, shown));
        }
        found
    }

    fn numbered(&mut self, value: ValueId) -> usize {
        let next = self.all.len();
        let number = *self.number.entry(value).or_insert_with(|| next);
        if number == next {
            self.all.push(Element::default());
        }
        number
    }

    fn know(&mut self, number: usize, by: usize) {
        let end = self.history.operations[by].ended;
        let known = &mut self.all[number].known;
        if known.is_none_or(|(other, _)| end < other) {
            *known = Some((end, by));
        }
    }

    fn contradiction(mut self, model: Model, order: Order) -> Option<Witness> {
        let (timed, list) = (order == Order::RealTime, model == Model::Append);
        let missing = timed.then(|| self.early_or_missing()).flatten();
        let copies = || list.then(|| self.too_many_copies()).flatten();
        let wrong_order = || (timed && list).then(|| self.wrong_order()).flatten();
        missing.or_else(copies).or_else(wrong_order).or_else(|| self.incompatible_reads(model))
    }

    /// Finds a read that returned an element before it was added, or that misses an element that was known before the read.
    fn early_or_missing(&self) -> Option<Witness> {
        let operations = &self.history.operations;
        let mut shown_by = vec![usize::MAX; self.all.len()];
        for (read, shown) in &self.reads {
            let operation = &operations[*read];
            for &number in shown {
                shown_by[number] = *read;
                let element = &self.all[number];
                if let (Some(&put), false) = (element.puts.first(), element.initial)
                    && operation.precedes(&operations[put])
                {
                    let sentence = explanations::before_its_write(self.history, *read, put);
                    return Some(Witness { sentence, operations: vec![*read, put] });
                }
            }
            let lacks =
                |element: &Element| element.known.filter(|(end, _)| *end < operation.invoked && !element.removed);
            let missing = self.all.iter().zip(&shown_by).filter(|(_, by)| **by != *read);
            if let Some((element, by)) = missing.into_iter().find_map(|(element, _)| Some((element, lacks(element)?.1)))
            {
                let mut proof = vec![by, *read];
                if operations[by].invocation == Invocation::Read {
                    proof.extend(element.puts.first());
                }
                return Some(Witness { sentence: self.lacking(element, by, *read), operations: proof });
            }
        }
        None
    }

    fn lacking(&self, element: &Element, by: usize, read: usize) -> String {
        let put = element.puts.first().and_then(|put| self.history.operations[*put].invocation.puts());
        explanations::missing_element(self.history, read, put, by)
    }

    /// Finds a list that contains an element more often than it was added.
    fn too_many_copies(&self) -> Option<Witness> {
        let mut counts = vec![0; self.all.len()];
        self.reads.iter().find_map(|(read, shown)| {
            counts.fill(0);
            shown.iter().for_each(|number| counts[*number] += 1);
            let often = |number: &&usize| {
                let element = &self.all[**number];
                !element.initial && counts[**number] > element.puts.len()
            };
            let element = &self.all[*shown.iter().find(often)?];
            let mut operations = element.puts.clone();
            operations.push(*read);
            let value = self.history.operations[*element.puts.first()?].invocation.puts()?;
            Some(Witness {
                sentence: explanations::too_many_copies(self.history, *read, value, element.puts.len()),
                operations,
            })
        })
    }

    /// Finds a list with an element before another that was acknowledged before the first was appended.
    fn wrong_order(&self) -> Option<Witness> {
        let operations = &self.history.operations;
        let (read, shown) = self.reads.iter().max_by_key(|(_, shown)| shown.len())?;
        let mut latest: Option<usize> = None;
        for number in shown {
            let [put] = self.all[*number].puts.as_slice() else { continue };
            if let Some(before) = latest
                && operations[*put].precedes(&operations[before])
            {
                let sentence = explanations::wrong_order(self.history, *read, before, *put);
                return Some(Witness { sentence, operations: vec![*put, before, *read] });
            }
            if latest.is_none_or(|before| operations[before].invoked < operations[*put].invoked) {
                latest = Some(*put);
            }
        }
        None
    }

    /// Finds two reads that each contain an element, never removed, that the other misses; or two lists with different
    /// prefixes.
    fn incompatible_reads(&mut self, model: Model) -> Option<Witness> {
        let all = &self.all;
        if model == Model::Set {
            self.reads.iter_mut().for_each(|(_, shown)| shown.retain(|number| !all[*number].removed));
        }
        self.reads.sort_by_key(|(_, shown)| shown.len());
        let mut shown_by = vec![usize::MAX; self.all.len()];
        for pair in self.reads.windows(2) {
            let [(a, less), (b, more)] = pair else { continue };
            let two = if model == Model::Append {
                let differs = less.iter().zip(more).find(|(x, y)| x != y);
                differs.map(|(x, y)| (*x, *y))
            } else {
                more.iter().for_each(|number| shown_by[*number] = *b);
                let of_a = less.iter().find(|number| shown_by[**number] != *b);
                less.iter().for_each(|number| shown_by[*number] = *a);
                let of_b = more.iter().find(|number| shown_by[**number] != *a);
                of_a.zip(of_b).map(|(x, y)| (*x, *y))
            };
            if let Some((x, y)) = two {
                let mut operations = vec![*a, *b];
                operations.extend([x, y].iter().filter_map(|number| self.all[*number].puts.first()));
                return Some(Witness { sentence: explanations::incompatible_reads(self.history, *a, *b), operations });
            }
        }
        None
    }
}

/// The possible sums of the increments between two reads.
struct Range<'a> {
    history: &'a History,
    changes: &'a [usize],
}

impl Range<'_> {
    fn by(&self, place: usize) -> i128 {
        match self.history.operations[place].invocation {
            Invocation::Increment(by) => by.into(),
            Invocation::Read | Invocation::Write(_) | Invocation::CompareAndSet { .. } => 0,
            Invocation::Add(_) | Invocation::Remove(_) | Invocation::Append(_) => 0,
        }
    }

    /// Returns the changes that certainly took effect between the end of one read, if any, and the start of another; and those
    /// that may have.
    fn between(&self, first: Option<usize>, read: usize) -> (Vec<usize>, Vec<usize>) {
        let operations = &self.history.operations;
        let (mut sure, mut maybe) = (Vec::new(), Vec::new());
        for &place in self.changes {
            let operation = &operations[place];
            let after = first.is_none_or(|first| operations[first].precedes(operation));
            let before_first = first.is_some_and(|first| operation.precedes(&operations[first]));
            if after && operation.outcome == Outcome::Ok && operation.precedes(&operations[read]) {
                sure.push(place);
            } else if !before_first && operation.invoked < operations[read].ended {
                maybe.push(place);
            }
        }
        (sure, maybe)
    }

    /// Returns a witness if the increments cannot add up to `added`.
    fn contradicts(&self, first: Option<usize>, read: usize, added: i128) -> Option<Witness> {
        let (sure, maybe) = self.between(first, read);
        let total = |places: &[usize], sign: i128| -> i128 {
            places.iter().map(|place| self.by(*place)).filter(|by| by.signum() == sign).sum()
        };
        let base = total(&sure, 1) + total(&sure, -1);
        let (least, most) = (base + total(&maybe, -1), base + total(&maybe, 1));
        if (least..=most).contains(&added) {
            return None;
        }
        let mut operations: Vec<usize> = first.into_iter().chain([read]).collect();
        // All changes in the other direction, and the largest in this direction until they suffice.
        let sign = if added < least { 1 } else { -1 };
        let against = sure.iter().chain(&maybe).copied().filter(|place| self.by(*place).signum() == -sign);
        operations.extend(against);
        let mut sum: i128 = operations.iter().map(|place| self.by(*place)).sum();
        let mut proving: Vec<usize> = sure.iter().copied().filter(|place| self.by(*place).signum() == sign).collect();
        proving.sort_by_key(|place| -self.by(*place).abs());
        for place in proving {
            if (sum - added) * sign > 0 {
                break;
            }
            sum += self.by(place);
            operations.push(place);
        }
        Some(Witness { sentence: explanations::wrong_sum(self.history, first, read, added, least, most), operations })
    }
}

/// Maximum number of pairs of reads and changes of a counter to examine.
const MAX_PAIRS: usize = 20_000_000;

/// Finds a read of a counter whose difference to the previous read, or to the initial value, the increments cannot produce.
/// Returns the witness with the fewest operations.
fn wrong_sum(history: &History, places: &[usize]) -> Option<Witness> {
    let operations = &history.operations;
    let number = |place: usize| match operations[place].output {
        Output::Number(number) => Some(i128::from(number)),
        Output::Nothing | Output::Value(_) | Output::Elements(_) => None,
    };
    let changes: Vec<usize> = places
        .iter()
        .copied()
        .filter(|place| operations[*place].invocation.changes() && operations[*place].outcome != Outcome::Fail)
        .collect();
    let mut by_end: Vec<usize> = reads(history, places).filter(|place| operations[*place].ended != NEVER).collect();
    history.sort_by_end(&mut by_end);
    if by_end.len().saturating_mul(changes.len()) > MAX_PAIRS {
        return None;
    }
    let range = Range { history, changes: &changes };
    let start = i128::from(history.initial_of(operations[*places.first()?].key).number);
    let of_read = |read: usize| {
        let value = number(read)?;
        let before = by_end.partition_point(|place| operations[*place].precedes(&operations[read]));
        match before.checked_sub(1).map(|at| by_end[at]) {
            Some(first) => range.contradicts(Some(first), read, value - number(first)?),
            None => range.contradicts(None, read, value - start),
        }
    };
    let found = by_end.iter().filter_map(|read| of_read(*read)).min_by_key(|witness| witness.operations.len());
    found.or_else(|| by_end.iter().find_map(|read| range.contradicts(None, *read, number(*read)? - start)))
}

/// Finds a read of a counter that misses increments that its process had made or read before, even if all decrements had taken
/// effect in between.
pub(super) fn decreased_sum(history: &History, places: &[usize], wanted: SessionGuarantees) -> Option<Witness> {
    let operations = &history.operations;
    let by = |place: usize| match operations[place].invocation {
        Invocation::Increment(by) => i128::from(by),
        Invocation::Read | Invocation::Write(_) | Invocation::CompareAndSet { .. } => 0,
        Invocation::Add(_) | Invocation::Remove(_) | Invocation::Append(_) => 0,
    };
    let less: Vec<usize> =
        places.iter().copied().filter(|place| by(*place) < 0 && operations[*place].outcome != Outcome::Fail).collect();
    let taken: i128 = less.iter().map(|place| by(*place)).sum();
    let start = i128::from(history.initial_of(operations[*places.first()?].key).number);
    // For each process its increments, and its last read.
    let mut added: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    let mut read: BTreeMap<u32, (usize, i128)> = BTreeMap::new();
    for &place in places {
        let process = operations[place].process;
        let added = added.entry(process).or_default();
        if by(place) > 0 && operations[place].acknowledged() {
            added.push(place);
        }
        let Output::Number(number) = operations[place].output else { continue };
        let number = i128::from(number);
        let own = start + taken + added.iter().map(|place| by(*place)).sum::<i128>();
        let proof = if wanted.own_writes && number < own && !added.is_empty() {
            Some((added.clone(), own))
        } else {
            let last = read.get(&process).filter(|(_, before)| wanted.reads && number < before + taken);
            last.map(|(read, before)| (vec![*read], before + taken))
        };
        if let Some((mut operations, least)) = proof {
            let sentence = explanations::decreased_sum(history, place, operations[operations.len() - 1], least);
            operations.extend(&less);
            operations.push(place);
            return Some(Witness { sentence, operations });
        }
        read.insert(process, (place, number));
    }
    None
}
