//! Linearizability of a register whose writes all differ, in O(n log n).
//!
//! Gibbons and Korach 1997 ("Testing shared memories", section 4): a write and the reads that returned its value form a
//! cluster. The cluster's zone lies between its first end and its last start. In a forward zone, where the end comes first,
//! the register holds the value all the time; in a backward zone it holds it at some time. The history is linearizable if and
//! only if no read ends before its write starts, no two forward zones overlap, and no backward zone lies within a forward one.
//!
//! A write that ended `unknown` counts as a write that never ends if some read returned it; otherwise it is ignored.

use super::explanations;
use super::verdict::Witness;
use crate::analysis::history::{History, Invocation, Operation, ValueId};
use crate::trace::Outcome;
use litemap::LiteMap;

/// A write and the reads of its value.
#[derive(Clone, Copy)]
struct Cluster {
    /// `None` for the initial value.
    write: Option<usize>,
    /// The earliest end and its operation; before everything for the initial value.
    first_end: (i64, Option<usize>),
    /// The latest start and its operation.
    last_start: (i64, Option<usize>),
}

impl Cluster {
    fn is_forward(&self) -> bool {
        self.first_end.0 < self.last_start.0
    }

    fn zone(&self) -> (i64, i64) {
        let (a, b) = (self.first_end.0, self.last_start.0);
        (a.min(b), a.max(b))
    }
}

/// Returns whether two clusters contradict each other.
fn conflict(a: &Cluster, b: &Cluster) -> bool {
    let ((a0, a1), (b0, b1)) = (a.zone(), b.zone());
    match (a.is_forward(), b.is_forward()) {
        (true, true) => a0 < b1 && b0 < a1,
        (true, false) => a0 < b0 && b1 < a1,
        (false, true) => b0 < a0 && a1 < b1,
        (false, false) => false,
    }
}

/// Returns whether the operations are reads and writes of a register whose writes differ from each other and from the
/// initial value.
pub(super) fn applies(history: &History, places: &[usize]) -> bool {
    let key = places.first().map_or(0, |place| history.operations[*place].key);
    let mut written = vec![history.initial_of(key).value];
    for &place in places {
        let operation = &history.operations[place];
        match operation.invocation {
            Invocation::Write(value) => written.push(value),
            Invocation::Read => {}
            Invocation::CompareAndSet { .. }
            | Invocation::Increment(_)
            | Invocation::Add(_)
            | Invocation::Remove(_)
            | Invocation::Append(_) => {
                return false;
            }
        }
    }
    let all = written.len();
    written.sort_unstable();
    written.dedup();
    written.len() == all
}

/// Returns the operations that prove that one key's history is not linearizable, or none if it is. `places` are the
/// operations of one key, for which [`applies`] is true.
pub(super) fn check(history: &History, places: &[usize]) -> Option<Witness> {
    let operations = &history.operations;
    let key = operations[*places.first()?].key;
    let initial = history.initial_of(key).value;
    let mut writes: Vec<(ValueId, usize)> = places
        .iter()
        .filter_map(|place| match operations[*place].invocation {
            Invocation::Write(value) => Some((value, *place)),
            Invocation::Read
            | Invocation::CompareAndSet { .. }
            | Invocation::Increment(_)
            | Invocation::Add(_)
            | Invocation::Remove(_)
            | Invocation::Append(_) => None,
        })
        .collect();
    writes.sort_unstable();
    let writer = |value: ValueId| writes.binary_search_by_key(&value, |(value, _)| *value).ok().map(|at| writes[at].1);
    let reads = || places.iter().copied().filter_map(|place| Some((place, operations[place].returned()?)));

    if let Some(witness) = impossible_read(history, reads(), initial, &writer) {
        return Some(witness);
    }
    if let Some(witness) = superseded(history, places, initial, &writer) {
        return Some(witness);
    }

    let mut clusters: LiteMap<ValueId, Cluster> = LiteMap::new();
    for &(value, write) in &writes {
        let operation = &operations[write];
        if operation.outcome != Outcome::Fail {
            let cluster = Cluster {
                write: Some(write),
                first_end: (operation.ended.into(), Some(write)),
                last_start: (operation.invoked.into(), Some(write)),
            };
            clusters.insert(value, cluster);
        }
    }
    clusters.insert(initial, Cluster { write: None, first_end: (-1, None), last_start: (-1, None) });
    let mut read_of: Vec<ValueId> = Vec::new();
    for (read, value) in reads() {
        let operation = &operations[read];
        read_of.push(value);
        if let Some(cluster) = clusters.get_mut(&value) {
            cluster.first_end = cluster.first_end.min((operation.ended.into(), Some(read)));
            cluster.last_start = cluster.last_start.max((operation.invoked.into(), Some(read)));
        }
    }
    read_of.sort_unstable();
    // An unread write that ended `unknown` is ignored.
    clusters.retain(|value, cluster| {
        let unknown = cluster.write.is_some_and(|write| operations[write].outcome == Outcome::Unknown);
        !unknown || read_of.binary_search(value).is_ok()
    });
    let proof =
        conflicts(clusters.values().copied().collect()).into_iter().map(|(a, b)| smallest_conflict(history, &a, &b));
    let (old, new, chosen) = proof.min_by_key(|(_, _, chosen)| chosen.len())?;
    Some(Witness { sentence: explanations::inverted(history, old, new, &chosen), operations: chosen })
}

/// Finds a read of a value that was never written, whose write failed, or that was written only after the read.
fn impossible_read(
    history: &History,
    reads: impl Iterator<Item = (usize, ValueId)> + Clone,
    initial: ValueId,
    writer: &impl Fn(ValueId) -> Option<usize>,
) -> Option<Witness> {
    let operations = &history.operations;
    for (read, value) in reads.clone() {
        if value == initial {
            continue;
        }
        let Some(write) = writer(value) else {
            return Some(Witness { operations: vec![read], sentence: explanations::never_written(history, read) });
        };
        if operations[write].outcome == Outcome::Fail {
            return Some(Witness {
                operations: vec![write, read],
                sentence: explanations::of_a_failed_write(history, write, read),
            });
        }
    }
    for (read, value) in reads {
        if value != initial
            && let Some(write) = writer(value)
            && operations[read].precedes(&operations[write])
        {
            return Some(Witness {
                operations: vec![read, write],
                sentence: explanations::before_its_write(history, read, write),
            });
        }
    }
    None
}

/// Finds the most common violation: a read returned a value that was replaced before the read started.
fn superseded(
    history: &History,
    places: &[usize],
    initial: ValueId,
    writer: &impl Fn(ValueId) -> Option<usize>,
) -> Option<Witness> {
    let operations = &history.operations;
    // The acknowledged writes by their end, and for each the write that started last among it and those before it.
    let mut ended: Vec<usize> = places.iter().copied().filter(|place| operations[*place].acknowledged()).collect();
    history.sort_by_end(&mut ended);
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
            return Some(Witness { sentence: explanations::never_saw(history, newer, read), operations });
        }
        let Some(write) = writer(value) else { continue };
        if operations[write].precedes(&operations[newer]) && found.is_none() {
            let operations = vec![write, newer, read];
            found = Some(Witness { sentence: explanations::replaced(history, write, newer, read), operations });
        }
    }
    found
}

/// Returns contradicting pairs of clusters: at least one pair for each cluster that contradicts another.
fn conflicts(mut clusters: Vec<Cluster>) -> Vec<(Cluster, Cluster)> {
    const MAX_PAIRS: usize = 256;
    clusters.sort_unstable_by_key(Cluster::zone);
    let mut found = Vec::new();
    // The forward zone that ends last among those that started. Without overlaps, only one is open.
    let mut open: Option<Cluster> = None;
    for cluster in clusters {
        if let Some(last) = open
            && conflict(&last, &cluster)
        {
            found.push((last, cluster));
            if found.len() == MAX_PAIRS {
                break;
            }
        }
        if cluster.is_forward() && open.is_none_or(|last| last.zone().1 < cluster.zone().1) {
            open = Some(cluster);
        }
    }
    found
}

/// Returns the writes of two contradicting clusters, and the fewest operations of both that still contradict, each read with
/// its write.
fn smallest_conflict(history: &History, a: &Cluster, b: &Cluster) -> (Option<usize>, Option<usize>, Vec<usize>) {
    let of = |cluster: &Cluster| [cluster.first_end.1, cluster.last_start.1];
    let sides = [of(a), of(b)];
    let writes = [a.write, b.write];
    let mut best: Option<Vec<usize>> = None;
    for mask in 0..16u32 {
        let mut chosen: Vec<usize> = Vec::new();
        let mut built = Vec::new();
        for side in 0..2 {
            let mut cluster = match writes[side] {
                None => Cluster { write: None, first_end: (-1, None), last_start: (-1, None) },
                Some(write) => {
                    chosen.push(write);
                    let operation = &history.operations[write];
                    Cluster {
                        write: Some(write),
                        first_end: (operation.ended.into(), Some(write)),
                        last_start: (operation.invoked.into(), Some(write)),
                    }
                }
            };
            for (bit, operation) in sides[side].iter().enumerate() {
                if let (Some(place), true) = (operation, mask >> (side * 2 + bit) & 1 == 1) {
                    let operation = &history.operations[*place];
                    cluster.first_end = cluster.first_end.min((operation.ended.into(), Some(*place)));
                    cluster.last_start = cluster.last_start.max((operation.invoked.into(), Some(*place)));
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

/// Returns whether a read returned the value of a write.
pub(super) fn reads_from(read: &Operation, write: &Operation) -> bool {
    read.returned().is_some() && read.returned() == write.invocation.leaves()
}
