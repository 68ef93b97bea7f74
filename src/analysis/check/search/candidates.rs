//! The operations that may come next in an order.

use super::object::State;
use super::{Order, Search};
use crate::analysis::history::{Invocation, Model, NEVER, ValueId};

impl Search<'_> {
    /// Returns the next operation, from index `from` on, that the constraint allows now.
    pub(super) fn candidate(&self, from: usize) -> Option<usize> {
        let mut bound = NEVER;
        let mut needed: Vec<ValueId> = Vec::new();
        let mut next: Option<usize> = None;
        let mut consider = |at: usize| {
            if at >= from {
                next = Some(next.map_or(at, |next| next.min(at)));
            }
            needed.extend(self.items[at].needed_value());
        };
        match self.order {
            Order::Process => {
                for (operations, head) in self.processes.iter().zip(&self.heads) {
                    operations.get(*head).copied().into_iter().for_each(&mut consider);
                }
            }
            Order::RealTime => {
                let mut at = self.low;
                while at < self.optional && self.items[at].invoked < bound {
                    if !self.taken[at] {
                        consider(at);
                        bound = bound.min(self.items[at].ended);
                    }
                    at += 1;
                }
                self.furthest.set(self.furthest.get().max(bound));
            }
        }
        next.or_else(|| self.optional_candidate(from, bound, needed))
    }

    /// Returns the next optional operation that the constraint allows now; for a register only one whose value is needed next.
    fn optional_candidate(&self, from: usize, bound: u32, mut needed: Vec<ValueId>) -> Option<usize> {
        let is_allowed = |at: usize| {
            let in_time = match self.order {
                Order::RealTime => self.items[at].invoked < bound,
                Order::Process => self.process_of[at]
                    .is_none_or(|process_index| self.heads[process_index] == self.processes[process_index].len()),
            };
            // The earliest of equal operations comes first if it is at least as free as the later ones.
            let has_equal_before = self.equal_before[at - self.optional].is_some_and(|equal| {
                !self.taken[equal] && (self.order == Order::RealTime || self.process_of[equal].is_none())
            });
            !self.taken[at] && in_time && !has_equal_before
        };
        if self.model == Model::Register {
            needed.extend(&self.expected_by_optional);
        } else {
            needed = vec![0];
        }
        let of = |value: ValueId| {
            let all = self.optional_by_value.get(&value)?;
            all[all.partition_point(|at| *at < from)..].iter().copied().find(|at| is_allowed(*at))
        };
        needed.into_iter().filter_map(of).min()
    }

    /// Returns a read that the constraint allows now and whose output fits.
    pub(super) fn fitting_read(&self, state: &State) -> Option<usize> {
        let mut from = 0;
        while let Some(item) = self.candidate(from).filter(|item| *item < self.optional) {
            if self.items[item].invocation == Invocation::Read && self.apply(state, self.items[item]).is_some() {
                return Some(item);
            }
            from = item + 1;
        }
        None
    }
}
