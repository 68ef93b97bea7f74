//! Causal memory of registers whose writes all differ.
//!
//! Ahamad et al. 1995: for each process there is an order of its operations and all writes that respects what caused what,
//! in which every read returns the last write. Bouajjani et al. 2017 (theorem 4) tell it by what must not be: a read of what
//! nobody wrote, a cycle of causes, and, in what a process may know to have happened before, a read that returns what was
//! replaced before it. What is before an operation is a beginning of every process, so it is kept as one count a process:
//! O(n p) words for n operations of p processes, and as many passes as the longest chain of consequences needs.

use super::zones::reads_from;
use crate::analysis::history::{Call, History};
use crate::trace::Outcome;
use std::collections::BTreeMap;

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// A read of what nobody wrote, or of a failed write.
    FromNowhere(usize),
    /// Causes in a circle.
    Circle,
    /// A read that returned what had been replaced, as far as its process may know.
    Replaced(usize),
}

struct Node {
    place: usize,
    lane: usize,
    at: u32,
    /// The node that wrote what it returned.
    from: Option<usize>,
    reads: bool,
}

/// The first thing that breaks causal memory in the operations at these places, if any. A register of each key.
pub(super) fn broken(history: &History, places: &[usize]) -> Option<Broken> {
    let operations = &history.operations;
    let mut writers: BTreeMap<(u32, u32), usize> = BTreeMap::new();
    for &place in places {
        if let (Some(value), true) = (operations[place].call.leaves(), operations[place].outcome != Outcome::Fail) {
            writers.insert((operations[place].key, value), place);
        }
    }
    let mut sources: BTreeMap<usize, Option<usize>> = BTreeMap::new();
    for &place in places {
        let replaced = match operations[place].call {
            Call::CompareAndSet { expected, .. } if operations[place].outcome != Outcome::Fail => Some(expected),
            Call::CompareAndSet { .. } | Call::Read | Call::Write(_) => None,
            Call::Increment(_) | Call::Add(_) | Call::Remove(_) | Call::Append(_) => None,
        };
        let Some(value) = replaced.or(operations[place].returned()) else { continue };
        let key = operations[place].key;
        match writers.get(&(key, value)) {
            Some(write) => sources.insert(place, Some(*write)),
            None if value == history.first_of(key).value => sources.insert(place, None),
            None => return Some(Broken::FromNowhere(place)),
        };
    }
    let mut lanes: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    let mut nodes: Vec<Node> = Vec::new();
    // Where a read, and where a write stands among the nodes. A compare-and-set is a read and then a write.
    let mut node_of: [BTreeMap<usize, usize>; 2] = [BTreeMap::new(), BTreeMap::new()];
    for &place in places {
        let operation = &operations[place];
        let writes = operation.call.changes() && operation.outcome != Outcome::Fail;
        for (reads, counts) in [(true, sources.contains_key(&place)), (false, writes)] {
            if counts {
                let lane = lanes.entry(operation.process).or_default();
                node_of[usize::from(!reads)].insert(place, nodes.len());
                nodes.push(Node { place, lane: 0, at: lane.len() as u32, from: None, reads });
                lane.push(nodes.len() - 1);
            }
        }
    }
    let lanes: Vec<Vec<usize>> = lanes.values().cloned().collect();
    for (number, lane) in lanes.iter().enumerate() {
        for &node in lane {
            nodes[node].lane = number;
        }
    }
    for (read, write) in sources.iter() {
        let writer = write.as_ref().and_then(|write| node_of[1].get(write));
        let (Some(read), Some(write)) = (node_of[0].get(read), writer) else { continue };
        nodes[*read].from = Some(*write);
    }
    let mut writes: BTreeMap<(usize, u32), Vec<usize>> = BTreeMap::new();
    for (number, lane) in lanes.iter().enumerate() {
        for &node in lane.iter().filter(|node| !nodes[**node].reads) {
            writes.entry((number, operations[nodes[node].place].key)).or_default().push(node);
        }
    }
    let view = View { history, nodes: &nodes, lanes: &lanes, writes: &writes };
    let mut past = Past { width: lanes.len(), counts: vec![0; nodes.len() * lanes.len()] };
    if !view.close(&mut past, None) {
        return Some(Broken::Circle);
    }
    if let Some(node) = view.replaced(&past, None) {
        return Some(Broken::Replaced(nodes[node].place));
    }
    for lane in 0..lanes.len() {
        let mut own = Past { width: past.width, counts: past.counts.clone() };
        match view.saturate(&mut own, lane) {
            Saturated::Fine => {}
            Saturated::Circle => return Some(Broken::Circle),
            Saturated::Replaced(node) => return Some(Broken::Replaced(nodes[node].place)),
        }
    }
    None
}

/// For each operation how many of each process's come before it, itself included.
struct Past {
    width: usize,
    counts: Vec<u32>,
}

impl Past {
    fn of(&self, node: usize) -> &[u32] {
        &self.counts[node * self.width..(node + 1) * self.width]
    }

    /// Adds all that is before one operation to another; whether that is news.
    fn join(&mut self, into: usize, from: usize) -> bool {
        let mut news = false;
        for lane in 0..self.width {
            let theirs = self.counts[from * self.width + lane];
            let ours = &mut self.counts[into * self.width + lane];
            if theirs > *ours {
                *ours = theirs;
                news = true;
            }
        }
        news
    }

    fn has(&self, node: usize, other: &Node) -> bool {
        self.counts[node * self.width + other.lane] > other.at
    }
}

enum Saturated {
    Fine,
    Circle,
    Replaced(usize),
}

struct View<'a> {
    history: &'a History,
    nodes: &'a [Node],
    lanes: &'a [Vec<usize>],
    /// The writes of each process and key, in order.
    writes: &'a BTreeMap<(usize, u32), Vec<usize>>,
}

impl View<'_> {
    fn key(&self, node: usize) -> u32 {
        self.history.operations[self.nodes[node].place].key
    }

    /// Carries what is before each operation on to those after it, with further pairs that must be in order. False if
    /// something comes before itself.
    fn close(&self, past: &mut Past, further: Option<&[(usize, usize)]>) -> bool {
        for (index, node) in self.nodes.iter().enumerate() {
            let own = &mut past.counts[index * past.width + node.lane];
            *own = (*own).max(node.at + 1);
        }
        loop {
            let mut news = false;
            for (earlier, later) in further.unwrap_or_default() {
                news |= past.join(*later, *earlier);
            }
            for lane in self.lanes {
                for (i, &node) in lane.iter().enumerate() {
                    if i > 0 {
                        news |= past.join(node, lane[i - 1]);
                    }
                    if let Some(write) = self.nodes[node].from {
                        news |= past.join(node, write);
                    }
                    // It knows of more of its own process than there is up to itself.
                    if past.of(node)[self.nodes[node].lane] > self.nodes[node].at + 1 {
                        return false;
                    }
                }
            }
            if !news {
                return true;
            }
        }
    }

    /// The last write of a key by a process that is before an operation, the operation itself apart.
    fn last_before(&self, past: &Past, node: usize, lane: usize, key: u32) -> Option<usize> {
        let writes = self.writes.get(&(lane, key))?;
        let known = past.of(node)[lane];
        let before = writes.partition_point(|write| self.nodes[*write].at < known);
        writes.get(before.checked_sub(1)?).copied()
    }

    /// A read, of one process if so asked, that returned what a write before it replaced.
    fn replaced(&self, past: &Past, only: Option<usize>) -> Option<usize> {
        (0..self.nodes.len())
            .filter(|read| self.nodes[*read].reads && only.is_none_or(|lane| self.nodes[*read].lane == lane))
            .find(|&read| {
                (0..self.lanes.len()).any(|lane| match self.last_before(past, read, lane, self.key(read)) {
                    None => false,
                    Some(newer) => match self.nodes[read].from {
                        None => true,
                        Some(own) => newer != own && past.has(newer, &self.nodes[own]),
                    },
                })
            })
    }

    /// What one process may know: a write before a read that returned another must be before that other.
    fn saturate(&self, past: &mut Past, lane: usize) -> Saturated {
        let mut further: Vec<(usize, usize)> = Vec::new();
        loop {
            let mut news = false;
            for &read in self.lanes[lane].iter().filter(|node| self.nodes[**node].reads) {
                let Some(own) = self.nodes[read].from else { continue };
                for other in 0..self.lanes.len() {
                    if let Some(write) = self.last_before(past, read, other, self.key(read))
                        && write != own
                        && !past.has(own, &self.nodes[write])
                    {
                        further.push((write, own));
                        news = true;
                    }
                }
            }
            if !news {
                return match self.replaced(past, Some(lane)) {
                    Some(read) => Saturated::Replaced(read),
                    None => Saturated::Fine,
                };
            }
            if !self.close(past, Some(&further)) {
                return Saturated::Circle;
            }
        }
    }
}

/// Whether what is there allows to ask: every key a register whose writes differ. Else why not.
pub(super) fn applies(history: &History, places: &[usize]) -> Result<(), String> {
    let mut written: BTreeMap<(u32, u32), usize> = BTreeMap::new();
    for &place in places {
        let operation = &history.operations[place];
        match operation.call {
            Call::Read => {}
            Call::Write(value) | Call::CompareAndSet { value, .. } if operation.outcome != Outcome::Fail => {
                let twice = written.insert((operation.key, value), place).is_some();
                if twice || value == history.first_of(operation.key).value {
                    let value = history.value(value);
                    return Err(format!(
                        "{value} is written more than once, so that nobody can tell whose write a read returned"
                    ));
                }
            }
            Call::Write(_) | Call::CompareAndSet { .. } => {}
            Call::Increment(_) | Call::Add(_) | Call::Remove(_) | Call::Append(_) => {
                return Err("only operations on registers can be checked for it".into());
            }
        }
    }
    Ok(())
}

/// The write that a read of the witness should have returned nothing older than.
pub(super) fn newer(history: &History, witness: &[usize], read: usize) -> Option<usize> {
    let operations = &history.operations;
    let same = |place: &&usize| operations[**place].key == operations[read].key && operations[**place].call.changes();
    witness.iter().filter(same).find(|place| !reads_from(&operations[read], &operations[**place])).copied()
}
