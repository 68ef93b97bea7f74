//! A register whose writes all differ: linearizable or not, in O(n log n).
//!
//! Gibbons and Korach 1997 ("Testing shared memories", section 4): a write and the reads that returned its value are a
//! cluster. From the cluster's first end to its last beginning reaches its zone: forward if the end comes first, during
//! which the value must be there, else backward, somewhere in which it must be there once. The history is linearizable if
//! and only if no read ends before its write begins, no two forward zones overlap, and no backward zone lies within a
//! forward one.
//!
//! A write of which nobody knows whether it took effect counts if some read returned it, and then ends never; else it is as
//! good as not there.

use super::Witness;
use super::say;
use crate::analysis::history::{Call, History, Operation, ValueId};
use crate::trace::Outcome;
use std::collections::BTreeMap;

/// A write and the reads of its value.
#[derive(Clone, Copy)]
struct Cluster {
    /// None for the value that was there first.
    write: Option<usize>,
    /// Where the first of it ended, and which that is; for the first value before everything.
    first_end: (i64, Option<usize>),
    /// Where the last of it began, and which that is.
    last_begin: (i64, Option<usize>),
}

impl Cluster {
    fn forward(&self) -> bool {
        self.first_end.0 < self.last_begin.0
    }

    fn zone(&self) -> (i64, i64) {
        let (a, b) = (self.first_end.0, self.last_begin.0);
        (a.min(b), a.max(b))
    }
}

/// Whether two clusters cannot both have been.
fn conflict(a: &Cluster, b: &Cluster) -> bool {
    let ((a0, a1), (b0, b1)) = (a.zone(), b.zone());
    match (a.forward(), b.forward()) {
        (true, true) => a0 < b1 && b0 < a1,
        (true, false) => a0 < b0 && b1 < a1,
        (false, true) => b0 < a0 && a1 < b1,
        (false, false) => false,
    }
}

/// Whether the operations are reads and writes of a register, no value written twice or there at first.
pub(super) fn applies(history: &History, places: &[usize]) -> bool {
    let key = places.first().map_or(0, |place| history.operations[*place].key);
    let mut written = vec![history.first_of(key).value];
    for &place in places {
        let operation = &history.operations[place];
        match operation.call {
            Call::Write(value) => written.push(value),
            Call::Read => {}
            Call::CompareAndSet { .. } | Call::Increment(_) | Call::Add(_) | Call::Remove(_) | Call::Append(_) => {
                return false;
            }
        }
    }
    let all = written.len();
    written.sort_unstable();
    written.dedup();
    written.len() == all
}

/// The operations that prove that one key's history is not linearizable; none if it is. `places` are those of one key to
/// which this applies.
pub(super) fn check(history: &History, places: &[usize]) -> Option<Witness> {
    let operations = &history.operations;
    let key = operations[*places.first()?].key;
    let initial = history.first_of(key).value;
    let mut writes: Vec<(ValueId, usize)> = places
        .iter()
        .filter_map(|place| match operations[*place].call {
            Call::Write(value) => Some((value, *place)),
            Call::Read
            | Call::CompareAndSet { .. }
            | Call::Increment(_)
            | Call::Add(_)
            | Call::Remove(_)
            | Call::Append(_) => None,
        })
        .collect();
    writes.sort_unstable();
    let writer = |value: ValueId| writes.binary_search_by_key(&value, |(value, _)| *value).ok().map(|at| writes[at].1);
    let reads = || places.iter().copied().filter_map(|place| Some((place, operations[place].returned()?)));

    // Values that nobody can have put there.
    for (read, value) in reads() {
        if value == initial {
            continue;
        }
        let Some(write) = writer(value) else {
            return Some(Witness { operations: vec![read], sentence: say::from_nowhere(history, read) });
        };
        if operations[write].outcome == Outcome::Fail {
            return Some(Witness {
                operations: vec![write, read],
                sentence: say::of_a_failed_write(history, write, read),
            });
        }
    }
    for (read, value) in reads() {
        if let Some(write) = writer(value)
            && operations[read].precedes(&operations[write])
        {
            return Some(Witness {
                operations: vec![read, write],
                sentence: say::before_its_write(history, read, write),
            });
        }
    }
    if let Some(witness) = superseded(history, places, initial, &writer) {
        return Some(witness);
    }

    let mut clusters: BTreeMap<ValueId, Cluster> = BTreeMap::new();
    for &(value, write) in &writes {
        let it = &operations[write];
        if it.outcome != Outcome::Fail {
            let cluster = Cluster {
                write: Some(write),
                first_end: (it.ended.into(), Some(write)),
                last_begin: (it.invoked.into(), Some(write)),
            };
            clusters.insert(value, cluster);
        }
    }
    clusters.insert(initial, Cluster { write: None, first_end: (-1, None), last_begin: (-1, None) });
    let mut read_of: Vec<ValueId> = Vec::new();
    for (read, value) in reads() {
        let it = &operations[read];
        read_of.push(value);
        if let Some(cluster) = clusters.get_mut(&value) {
            cluster.first_end = cluster.first_end.min((it.ended.into(), Some(read)));
            cluster.last_begin = cluster.last_begin.max((it.invoked.into(), Some(read)));
        }
    }
    read_of.sort_unstable();
    // A write that may never have taken effect, and that nobody read, did not.
    clusters.retain(|value, cluster| {
        let unknown = cluster.write.is_some_and(|write| operations[write].outcome == Outcome::Unknown);
        !unknown || read_of.binary_search(value).is_ok()
    });
    let proof = conflicts(clusters.values().copied().collect()).into_iter().map(|(a, b)| smallest(history, &a, &b));
    let (old, new, chosen) = proof.min_by_key(|(_, _, chosen)| chosen.len())?;
    Some(Witness { sentence: say::inverted(history, old, new, &chosen), operations: chosen })
}

/// The commonest: a read returned what had been replaced before it began.
fn superseded(
    history: &History,
    places: &[usize],
    initial: ValueId,
    writer: &impl Fn(ValueId) -> Option<usize>,
) -> Option<Witness> {
    let operations = &history.operations;
    // Acknowledged writes by their end, each with the one among it and those before it that began last.
    let mut ended: Vec<usize> = places.iter().copied().filter(|place| operations[*place].acknowledged()).collect();
    ended.sort_unstable_by_key(|place| operations[*place].ended);
    let mut latest: Vec<usize> = Vec::with_capacity(ended.len());
    for &place in &ended {
        let best = latest.last().copied().filter(|best| operations[*best].invoked > operations[place].invoked);
        latest.push(best.unwrap_or(place));
    }
    let mut found: Option<Witness> = None;
    for &read in places {
        let Some(value) = operations[read].returned() else { continue };
        let before = ended.partition_point(|place| operations[*place].precedes(&operations[read]));
        let Some(&newer) = before.checked_sub(1).and_then(|at| latest.get(at)) else { continue };
        if value == initial {
            let operations = vec![newer, read];
            return Some(Witness { sentence: say::never_saw(history, newer, read), operations });
        }
        let Some(write) = writer(value) else { continue };
        if operations[write].precedes(&operations[newer]) && found.is_none() {
            let operations = vec![write, newer, read];
            found = Some(Witness { sentence: say::replaced(history, write, newer, read), operations });
        }
    }
    found
}

/// Pairs of clusters that cannot both have been; not all of them, but of each that is in conflict at least one.
fn conflicts(mut clusters: Vec<Cluster>) -> Vec<(Cluster, Cluster)> {
    const ENOUGH: usize = 256;
    clusters.sort_unstable_by_key(Cluster::zone);
    let mut found = Vec::new();
    // The forward zone, of those that began, that ends last; forward zones that do not overlap leave but one open.
    let mut open: Option<Cluster> = None;
    for cluster in clusters {
        if let Some(last) = open
            && conflict(&last, &cluster)
        {
            found.push((last, cluster));
            if found.len() == ENOUGH {
                break;
            }
        }
        if cluster.forward() && open.is_none_or(|last| last.zone().1 < cluster.zone().1) {
            open = Some(cluster);
        }
    }
    found
}

/// The fewest operations of two clusters that still are in conflict, by their place, each read with its write; and the
/// values: what should have come first is not to be told.
fn smallest(history: &History, a: &Cluster, b: &Cluster) -> (Option<usize>, Option<usize>, Vec<usize>) {
    let of = |cluster: &Cluster| [cluster.first_end.1, cluster.last_begin.1];
    let sides = [of(a), of(b)];
    let writes = [a.write, b.write];
    let mut best: Option<Vec<usize>> = None;
    for mask in 0..16u32 {
        let mut chosen: Vec<usize> = Vec::new();
        let mut built = Vec::new();
        for side in 0..2 {
            let mut cluster = match writes[side] {
                None => Cluster { write: None, first_end: (-1, None), last_begin: (-1, None) },
                Some(write) => {
                    chosen.push(write);
                    let it = &history.operations[write];
                    Cluster {
                        write: Some(write),
                        first_end: (it.ended.into(), Some(write)),
                        last_begin: (it.invoked.into(), Some(write)),
                    }
                }
            };
            for (bit, operation) in sides[side].iter().enumerate() {
                if let (Some(place), true) = (operation, mask >> (side * 2 + bit) & 1 == 1) {
                    let it = &history.operations[*place];
                    cluster.first_end = cluster.first_end.min((it.ended.into(), Some(*place)));
                    cluster.last_begin = cluster.last_begin.max((it.invoked.into(), Some(*place)));
                    chosen.push(*place);
                }
            }
            built.push(cluster);
        }
        chosen.sort_unstable();
        chosen.dedup();
        if conflict(&built[0], &built[1]) && best.as_ref().is_none_or(|best| chosen.len() < best.len()) {
            best = Some(chosen);
        }
    }
    (a.write, b.write, best.unwrap_or_default())
}

/// Whether an operation is a read of what another wrote.
pub(super) fn reads_from(read: &Operation, write: &Operation) -> bool {
    read.returned().is_some() && read.returned() == write.call.leaves()
}
