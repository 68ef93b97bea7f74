//! Causal memory of registers whose writes all differ.
//!
//! Ahamad et al. 1995: for each process there is an order of its operations and all writes that respects causality, in which
//! every read returns the last write. Bouajjani et al. 2017 (theorem 4) characterise violations: a read of a value that was
//! never written, a cycle in the causal order, or, in the happened-before order of one process, a read of a value that was
//! replaced before. The operations before an operation are a prefix of each process, so one count for each process represents
//! them: O(n p) words for n operations of p processes, and as many passes as the longest chain of consequences requires.

use super::zones::reads_from;
use crate::analysis::history::{History, Invocation};
use crate::language::{phrase, sentence};
use crate::trace::Outcome;
use std::collections::BTreeMap;

/// A violation of causal memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CausalViolation {
    /// A read of a value that was never written, or of a failed write.
    NeverWritten(usize),
    /// A cycle in the causal order.
    Cycle,
    /// A read of a value that was replaced in the happened-before order of the read's process.
    Replaced(usize),
}

/// The read or the write of an operation.
struct Node {
    /// The index of the operation in the history.
    place: usize,
    process_index: usize,
    /// The position among the nodes of its process.
    at: u32,
    /// The node of the write that a read returned.
    from: Option<usize>,
    /// Whether it is a read.
    reads: bool,
}

/// Returns the write that each read returned, and that each compare-and-set replaced; `None` for an initial value. Fails with a
/// read of a value that was never written.
fn sources(history: &History, places: &[usize]) -> Result<BTreeMap<usize, Option<usize>>, usize> {
    let operations = &history.operations;
    let mut writers: BTreeMap<(u32, u32), usize> = BTreeMap::new();
    for &place in places {
        if let (Some(value), true) = (operations[place].invocation.leaves(), operations[place].outcome != Outcome::Fail)
        {
            writers.insert((operations[place].key, value), place);
        }
    }
    let mut sources: BTreeMap<usize, Option<usize>> = BTreeMap::new();
    for &place in places {
        let replaced = match operations[place].invocation {
            Invocation::CompareAndSet { expected, .. } if operations[place].outcome != Outcome::Fail => Some(expected),
            Invocation::CompareAndSet { .. } | Invocation::Read | Invocation::Write(_) => None,
            Invocation::Increment(_) | Invocation::Add(_) | Invocation::Remove(_) | Invocation::Append(_) => None,
        };
        let Some(value) = replaced.or(operations[place].returned()) else { continue };
        let key = operations[place].key;
        match writers.get(&(key, value)) {
            Some(write) => sources.insert(place, Some(*write)),
            None if value == history.initial_of(key).value => sources.insert(place, None),
            None => return Err(place),
        };
    }
    Ok(sources)
}

/// Returns the first violation of causal memory in the operations with these indices, if any. Each key is a register.
pub(super) fn violation(history: &History, places: &[usize]) -> Option<CausalViolation> {
    let operations = &history.operations;
    let sources = match sources(history, places) {
        Ok(sources) => sources,
        Err(read) => return Some(CausalViolation::NeverWritten(read)),
    };
    let mut processes: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    let mut nodes: Vec<Node> = Vec::new();
    // The node of each operation's read and of its write. A compare-and-set is a read followed by a write.
    let mut node_of: [BTreeMap<usize, usize>; 2] = [BTreeMap::new(), BTreeMap::new()];
    for &place in places {
        let operation = &operations[place];
        let writes = operation.invocation.changes() && operation.outcome != Outcome::Fail;
        for (reads, counts) in [(true, sources.contains_key(&place)), (false, writes)] {
            if counts {
                let own = processes.entry(operation.process).or_default();
                node_of[usize::from(!reads)].insert(place, nodes.len());
                nodes.push(Node { place, process_index: 0, at: own.len() as u32, from: None, reads });
                own.push(nodes.len() - 1);
            }
        }
    }
    let processes: Vec<Vec<usize>> = processes.values().cloned().collect();
    for (process_index, own) in processes.iter().enumerate() {
        for &node in own {
            nodes[node].process_index = process_index;
        }
    }
    for (read, write) in sources.iter() {
        let writer = write.as_ref().and_then(|write| node_of[1].get(write));
        let (Some(read), Some(write)) = (node_of[0].get(read), writer) else { continue };
        nodes[*read].from = Some(*write);
    }
    let mut writes: BTreeMap<(usize, u32), Vec<usize>> = BTreeMap::new();
    for (process_index, own) in processes.iter().enumerate() {
        for &node in own.iter().filter(|node| !nodes[**node].reads) {
            writes.entry((process_index, operations[nodes[node].place].key)).or_default().push(node);
        }
    }
    let view = View { history, nodes: &nodes, processes: &processes, writes: &writes };
    let mut past = Past { width: processes.len(), counts: vec![0; nodes.len() * processes.len()] };
    if !view.close(&mut past, None) {
        return Some(CausalViolation::Cycle);
    }
    if let Some(node) = view.replaced(&past, None) {
        return Some(CausalViolation::Replaced(nodes[node].place));
    }
    for process_index in 0..processes.len() {
        let mut own = Past { width: past.width, counts: past.counts.clone() };
        match view.saturate(&mut own, process_index) {
            Saturated::Fine => {}
            Saturated::Cycle => return Some(CausalViolation::Cycle),
            Saturated::Replaced(node) => return Some(CausalViolation::Replaced(nodes[node].place)),
        }
    }
    None
}

/// The number of operations of each process that come before each operation, itself included.
struct Past {
    width: usize,
    counts: Vec<u32>,
}

impl Past {
    fn of(&self, node: usize) -> &[u32] {
        &self.counts[node * self.width..(node + 1) * self.width]
    }

    /// Adds everything before `from` to everything before `into`. Returns whether that changed anything.
    fn join(&mut self, into: usize, from: usize) -> bool {
        let mut changed = false;
        for process_index in 0..self.width {
            let theirs = self.counts[from * self.width + process_index];
            let ours = &mut self.counts[into * self.width + process_index];
            if theirs > *ours {
                *ours = theirs;
                changed = true;
            }
        }
        changed
    }

    fn has(&self, node: usize, other: &Node) -> bool {
        self.counts[node * self.width + other.process_index] > other.at
    }
}

/// The result of the saturation of one process's order.
enum Saturated {
    Fine,
    Cycle,
    Replaced(usize),
}

/// The operations whose causal order is examined.
struct View<'a> {
    history: &'a History,
    nodes: &'a [Node],
    processes: &'a [Vec<usize>],
    /// The writes of each process and key, in order.
    writes: &'a BTreeMap<(usize, u32), Vec<usize>>,
}

impl View<'_> {
    fn key(&self, node: usize) -> u32 {
        self.history.operations[self.nodes[node].place].key
    }

    /// Computes the transitive closure, with `further` pairs in order. Returns false if there is a cycle.
    fn close(&self, past: &mut Past, further: Option<&[(usize, usize)]>) -> bool {
        for (index, node) in self.nodes.iter().enumerate() {
            let own = &mut past.counts[index * past.width + node.process_index];
            *own = (*own).max(node.at + 1);
        }
        loop {
            let mut changed = false;
            for (earlier, later) in further.unwrap_or_default() {
                changed |= past.join(*later, *earlier);
            }
            for own in self.processes {
                for (i, &node) in own.iter().enumerate() {
                    if i > 0 {
                        changed |= past.join(node, own[i - 1]);
                    }
                    if let Some(write) = self.nodes[node].from {
                        changed |= past.join(node, write);
                    }
                    // A later operation of the same process precedes it: a cycle.
                    if past.of(node)[self.nodes[node].process_index] > self.nodes[node].at + 1 {
                        return false;
                    }
                }
            }
            if !changed {
                return true;
            }
        }
    }

    /// Returns the last write of a key by a process before an operation, excluding the operation itself.
    fn last_before(&self, past: &Past, node: usize, process_index: usize, key: u32) -> Option<usize> {
        let writes = self.writes.get(&(process_index, key))?;
        let known = past.of(node)[process_index];
        let before = writes.partition_point(|write| self.nodes[*write].at < known);
        writes.get(before.checked_sub(1)?).copied()
    }

    /// Returns a read of a value that a write before the read replaced; only of one process if `only` is given.
    fn replaced(&self, past: &Past, only: Option<usize>) -> Option<usize> {
        (0..self.nodes.len())
            .filter(|read| {
                self.nodes[*read].reads
                    && only.is_none_or(|process_index| self.nodes[*read].process_index == process_index)
            })
            .find(|&read| {
                (0..self.processes.len()).any(|process_index| {
                    match self.last_before(past, read, process_index, self.key(read)) {
                        None => false,
                        Some(newer) => match self.nodes[read].from {
                            None => true,
                            Some(own) => newer != own && past.has(newer, &self.nodes[own]),
                        },
                    }
                })
            })
    }

    /// Computes the happened-before order of one process: a write before a read comes before the write that the read returned.
    fn saturate(&self, past: &mut Past, process_index: usize) -> Saturated {
        let mut further: Vec<(usize, usize)> = Vec::new();
        loop {
            let mut changed = false;
            for &read in self.processes[process_index].iter().filter(|node| self.nodes[**node].reads) {
                let Some(own) = self.nodes[read].from else { continue };
                for other in 0..self.processes.len() {
                    if let Some(write) = self.last_before(past, read, other, self.key(read))
                        && write != own
                        && !past.has(own, &self.nodes[write])
                    {
                        further.push((write, own));
                        changed = true;
                    }
                }
            }
            if !changed {
                return match self.replaced(past, Some(process_index)) {
                    Some(read) => Saturated::Replaced(read),
                    None => Saturated::Fine,
                };
            }
            if !self.close(past, Some(&further)) {
                return Saturated::Cycle;
            }
        }
    }
}

/// Checks that every key is a register whose writes differ. Returns the reason if not.
pub(super) fn applies(history: &History, places: &[usize]) -> Result<(), String> {
    let mut written: BTreeMap<(u32, u32), usize> = BTreeMap::new();
    for &place in places {
        let operation = &history.operations[place];
        match operation.invocation {
            Invocation::Read => {}
            Invocation::Write(value) | Invocation::CompareAndSet { value, .. }
                if operation.outcome != Outcome::Fail =>
            {
                let twice = written.insert((operation.key, value), place).is_some();
                if twice || value == history.initial_of(operation.key).value {
                    let value = history.value(value);
                    return Err(sentence!(
                        "{value} is written more than once, so the write that a read returned is ambiguous",
                        "{value} wird mehrmals geschrieben, sodass unklar \
                         ist, welchen Schreibvorgang ein Lesevorgang lieferte"
                    ));
                }
            }
            Invocation::Write(_) | Invocation::CompareAndSet { .. } => {}
            Invocation::Increment(_) | Invocation::Add(_) | Invocation::Remove(_) | Invocation::Append(_) => {
                return Err(phrase(
                    "it is defined for registers only",
                    "diese Garantie ist nur für Register definiert",
                )
                .into());
            }
        }
    }
    Ok(())
}

/// Returns the write in the witness that replaced the value of a read.
pub(super) fn newer(history: &History, witness: &[usize], read: usize) -> Option<usize> {
    let operations = &history.operations;
    let same =
        |place: &&usize| operations[**place].key == operations[read].key && operations[**place].invocation.changes();
    witness.iter().filter(same).find(|place| !reads_from(&operations[read], &operations[**place])).copied()
}
