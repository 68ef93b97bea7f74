//! What contradicts itself plainly: a few operations, found in one pass, that no order can explain. Nothing found here
//! says nothing; then the search must tell.

use super::search::Order;
use super::sessions::Wanted;
use super::{Witness, say};
use crate::analysis::history::{Answer, Call, History, Model, NEVER, ValueId};
use crate::trace::Outcome;
use std::collections::BTreeMap;

fn reads<'a>(history: &'a History, places: &'a [usize]) -> impl Iterator<Item = usize> + 'a {
    places.iter().copied().filter(|place| history.operations[*place].answer != Answer::Nothing)
}

/// A read of what nobody put there, or of what failed to be put there.
pub(super) fn nowhere(history: &History, places: &[usize]) -> Option<Witness> {
    let operations = &history.operations;
    let first = history.first_of(operations[*places.first()?].key);
    let mut put: BTreeMap<ValueId, usize> = BTreeMap::new();
    for &place in places {
        if let Some(value) = operations[place].call.puts()
            && put.get(&value).is_none_or(|other| operations[*other].outcome == Outcome::Fail)
        {
            put.insert(value, place);
        }
    }
    let proof = |read: usize, value: ValueId| match put.get(&value) {
        Some(&write) if operations[write].outcome != Outcome::Fail => None,
        Some(&write) => {
            Some(Witness { operations: vec![write, read], sentence: say::of_a_failed_write(history, write, read) })
        }
        None => Some(Witness { operations: vec![read], sentence: say::phantom(history, read, value) }),
    };
    reads(history, places).find_map(|read| match &operations[read].answer {
        Answer::Value(value) if *value != first.value => proof(read, *value),
        Answer::Elements(elements) => {
            let new = elements.iter().filter(|value| !first.elements.contains(value));
            new.into_iter().find_map(|value| proof(read, *value))
        }
        Answer::Nothing | Answer::Value(_) | Answer::Number(_) => None,
    })
}

/// What is plainly not linearizable, or not sequential.
pub(super) fn contradiction(history: &History, places: &[usize], model: Model, order: Order) -> Option<Witness> {
    match (model, order) {
        (Model::Register, Order::RealTime) => super::bounds::regular(history, places),
        (Model::Counter, Order::RealTime) => counted(history, places),
        (Model::Register | Model::Counter, Order::Process) => None,
        (Model::Set | Model::Append, _) => Elements::of(history, places).contradiction(model, order),
    }
}

/// An element of a set or a list.
#[derive(Default)]
struct Element {
    /// What put it there, unless it failed.
    puts: Vec<usize>,
    /// It was there at first.
    initial: bool,
    /// It may have been taken away.
    removed: bool,
    /// Since when it is known to be there, and by which operation.
    known: Option<(u32, usize)>,
}

struct Elements<'a> {
    history: &'a History,
    number: BTreeMap<ValueId, usize>,
    all: Vec<Element>,
    /// Each read with the numbers of what it returned, in its own order.
    reads: Vec<(usize, Vec<usize>)>,
}

impl<'a> Elements<'a> {
    fn of(history: &'a History, places: &'a [usize]) -> Self {
        let mut this = Elements { history, number: BTreeMap::new(), all: Vec::new(), reads: Vec::new() };
        let operations = &history.operations;
        let key = places.first().map_or(0, |place| operations[*place].key);
        for value in history.first_of(key).elements {
            let number = this.numbered(value);
            this.all[number].initial = true;
        }
        for &place in places.iter().filter(|place| operations[**place].outcome != Outcome::Fail) {
            let operation = &operations[place];
            if let Some(value) = operation.call.puts() {
                let number = this.numbered(value);
                this.all[number].puts.push(place);
                if operation.acknowledged() {
                    this.know(number, place);
                }
            }
            if let Call::Remove(value) = operation.call {
                let number = this.numbered(value);
                this.all[number].removed = true;
            }
        }
        for read in reads(history, places) {
            let Answer::Elements(elements) = &operations[read].answer else { continue };
            let shown: Vec<usize> = elements.iter().map(|value| this.numbered(*value)).collect();
            shown.iter().for_each(|number| this.know(*number, read));
            this.reads.push((read, shown));
        }
        this
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
        let missing = timed.then(|| self.too_early_or_missing()).flatten();
        let twice = || list.then(|| self.twice()).flatten();
        let out_of_turn = || (timed && list).then(|| self.out_of_turn()).flatten();
        missing.or_else(twice).or_else(out_of_turn).or_else(|| self.apart(model))
    }

    /// A read that shows what was not put there yet, or lacks what was known to be there before it began.
    fn too_early_or_missing(&self) -> Option<Witness> {
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
                    let sentence = say::before_its_write(self.history, *read, put);
                    return Some(Witness { sentence, operations: vec![*read, put] });
                }
            }
            let lacks =
                |element: &Element| element.known.filter(|(end, _)| *end < operation.invoked && !element.removed);
            let missing = self.all.iter().zip(&shown_by).filter(|(_, by)| **by != *read);
            if let Some((element, by)) = missing.into_iter().find_map(|(it, _)| Some((it, lacks(it)?.1))) {
                let mut proof = vec![by, *read];
                if operations[by].call == Call::Read {
                    proof.extend(element.puts.first());
                }
                return Some(Witness { sentence: self.lacking(element, by, *read), operations: proof });
            }
        }
        None
    }

    fn lacking(&self, element: &Element, by: usize, read: usize) -> String {
        let put = element.puts.first().and_then(|put| self.history.operations[*put].call.puts());
        say::lacks(self.history, read, put, by)
    }

    /// A list that shows something more often than it was put there.
    fn twice(&self) -> Option<Witness> {
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
            let value = self.history.operations[*element.puts.first()?].call.puts()?;
            Some(Witness { sentence: say::too_often(self.history, *read, value, element.puts.len()), operations })
        })
    }

    /// A list that shows one thing before another that was there before the first was begun.
    fn out_of_turn(&self) -> Option<Witness> {
        let operations = &self.history.operations;
        let (read, shown) = self.reads.iter().max_by_key(|(_, shown)| shown.len())?;
        let mut latest: Option<usize> = None;
        for number in shown {
            let [put] = self.all[*number].puts.as_slice() else { continue };
            if let Some(before) = latest
                && operations[*put].precedes(&operations[before])
            {
                let sentence = say::out_of_turn(self.history, *read, before, *put);
                return Some(Witness { sentence, operations: vec![*put, before, *read] });
            }
            if latest.is_none_or(|before| operations[before].invoked < operations[*put].invoked) {
                latest = Some(*put);
            }
        }
        None
    }

    /// Two reads of which each shows what the other lacks, though nothing of that is ever taken away; of a list also two
    /// that begin differently.
    fn apart(&mut self, model: Model) -> Option<Witness> {
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
                return Some(Witness { sentence: say::apart(self.history, *a, *b), operations });
            }
        }
        None
    }
}

/// How much increments may have made in a time: at least and at most.
struct Range<'a> {
    history: &'a History,
    changes: &'a [usize],
}

impl Range<'_> {
    fn by(&self, place: usize) -> i64 {
        match self.history.operations[place].call {
            Call::Increment(by) => by,
            Call::Read | Call::Write(_) | Call::CompareAndSet { .. } => 0,
            Call::Add(_) | Call::Remove(_) | Call::Append(_) => 0,
        }
    }

    /// Those that must have taken effect after the end of one read, if any, and before another began; and those that may.
    fn between(&self, first: Option<usize>, read: usize) -> (Vec<usize>, Vec<usize>) {
        let operations = &self.history.operations;
        let (mut sure, mut maybe) = (Vec::new(), Vec::new());
        for &place in self.changes {
            let it = &operations[place];
            let after = first.is_none_or(|first| operations[first].precedes(it));
            let before_first = first.is_some_and(|first| it.precedes(&operations[first]));
            if after && it.outcome == Outcome::Ok && it.precedes(&operations[read]) {
                sure.push(place);
            } else if !before_first && it.invoked < operations[read].ended {
                maybe.push(place);
            }
        }
        (sure, maybe)
    }

    /// What contradicts that so much was added.
    fn contradicts(&self, first: Option<usize>, read: usize, added: i64) -> Option<Witness> {
        let (sure, maybe) = self.between(first, read);
        let total = |places: &[usize], sign: i64| -> i64 {
            places.iter().map(|place| self.by(*place)).filter(|by| by.signum() == sign).sum()
        };
        let base = total(&sure, 1) + total(&sure, -1);
        let (least, most) = (base + total(&maybe, -1), base + total(&maybe, 1));
        if (least..=most).contains(&added) {
            return None;
        }
        let mut operations: Vec<usize> = first.into_iter().chain([read]).collect();
        // Whatever speaks against it, and of what proves it the largest until they do.
        let sign = if added < least { 1 } else { -1 };
        let against = sure.iter().chain(&maybe).copied().filter(|place| self.by(*place).signum() == -sign);
        operations.extend(against);
        let mut sum: i64 = operations.iter().map(|place| self.by(*place)).sum();
        let mut proving: Vec<usize> = sure.iter().copied().filter(|place| self.by(*place).signum() == sign).collect();
        proving.sort_by_key(|place| -self.by(*place).abs());
        for place in proving {
            if (sum - added) * sign > 0 {
                break;
            }
            sum += self.by(place);
            operations.push(place);
        }
        Some(Witness { sentence: say::counted(self.history, first, read, added, least, most), operations })
    }
}

/// Looks at pairs of reads of a counter at most.
const PAIRS: usize = 20_000_000;

/// A counter's number that is more or less than the increments since the last read before it, or since the beginning, can
/// have made; of all such the fewest operations.
fn counted(history: &History, places: &[usize]) -> Option<Witness> {
    let operations = &history.operations;
    let number = |place: usize| match operations[place].answer {
        Answer::Number(number) => Some(number),
        Answer::Nothing | Answer::Value(_) | Answer::Elements(_) => None,
    };
    let changes: Vec<usize> = places
        .iter()
        .copied()
        .filter(|place| operations[*place].call.changes() && operations[*place].outcome != Outcome::Fail)
        .collect();
    let mut by_end: Vec<usize> = reads(history, places).filter(|place| operations[*place].ended != NEVER).collect();
    by_end.sort_unstable_by_key(|place| operations[*place].ended);
    if by_end.len().saturating_mul(changes.len()) > PAIRS {
        return None;
    }
    let range = Range { history, changes: &changes };
    let start = history.first_of(operations[*places.first()?].key).number;
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

/// A number of a counter that lacks what its reader had added, or had read before, even if all that takes away from it had
/// come in between.
pub(super) fn counted_back(history: &History, places: &[usize], wanted: Wanted) -> Option<Witness> {
    let operations = &history.operations;
    let by = |place: usize| match operations[place].call {
        Call::Increment(by) => by,
        Call::Read | Call::Write(_) | Call::CompareAndSet { .. } => 0,
        Call::Add(_) | Call::Remove(_) | Call::Append(_) => 0,
    };
    let less: Vec<usize> =
        places.iter().copied().filter(|place| by(*place) < 0 && operations[*place].outcome != Outcome::Fail).collect();
    let taken: i64 = less.iter().map(|place| by(*place)).sum();
    let start = history.first_of(operations[*places.first()?].key).number;
    // For each process what it added, and what it read last.
    let mut added: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    let mut read: BTreeMap<u32, (usize, i64)> = BTreeMap::new();
    for &place in places {
        let process = operations[place].process;
        let added = added.entry(process).or_default();
        if by(place) > 0 && operations[place].acknowledged() {
            added.push(place);
        }
        let Answer::Number(number) = operations[place].answer else { continue };
        let own = start + taken + added.iter().map(|place| by(*place)).sum::<i64>();
        let proof = if wanted.own_writes && number < own {
            Some((added.clone(), own))
        } else {
            let last = read.get(&process).filter(|(_, before)| wanted.reads && number < before + taken);
            last.map(|(read, before)| (vec![*read], before + taken))
        };
        if let Some((mut operations, least)) = proof {
            let sentence = say::counted_back(history, place, operations[operations.len() - 1], least);
            operations.extend(&less);
            operations.push(place);
            return Some(Witness { sentence, operations });
        }
        read.insert(process, (place, number));
    }
    None
}
