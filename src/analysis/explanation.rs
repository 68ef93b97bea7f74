//! Explanations of stale, conflicted and diverged copies, from the missing update back to the fault; and the convergence
//! verdict that follows from them.

mod event_history;
mod healing;
mod prospects;
mod steps;

use super::copy_state::CopyState;
use super::prospect::Prospect;
use super::run_context::RunContext;
use crate::language::phrase;
use crate::trace::{KeyId, NodeId, UpdateId};
use prospects::ProspectFinder;

/// The explanation of one copy that is not consistent.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The service.
    pub node: NodeId,
    /// The key.
    pub key: KeyId,
    /// The missing update; for a conflicted or diverged copy none.
    pub update: Option<UpdateId>,
    /// Numbers of the records that led to the copy's state, in order.
    pub steps: Vec<u64>,
    /// What is expected to happen.
    pub prospect: Prospect,
}

/// Whether the copies will become consistent.
#[derive(Clone, Debug, PartialEq)]
pub enum Convergence {
    /// All copies at services that are up equal the reference, and no work is pending.
    Converged,
    /// Some copies are not consistent, and pending work suffices for each of them. Contains their explanations.
    Converging(Vec<Explanation>),
    /// Some copies are not consistent, and no pending work can change that. Contains their explanations.
    WillNotConverge(Vec<Explanation>),
    /// Neither could be shown.
    Unknown(&'static str),
}

/// Maximum number of explanations in a verdict.
const MAX_EXPLANATIONS: usize = 8;

impl RunContext<'_> {
    /// Returns the convergence verdict. `quiet` states that no work is pending that a client or a copy waits for.
    pub fn convergence(&self, quiet: bool) -> Convergence {
        let staleness = &self.analysis.staleness;
        if staleness.acknowledged() == 0 {
            return Convergence::Unknown(phrase(
                "no update has been acknowledged yet",
                "noch wurde keine Änderung bestätigt",
            ));
        }
        let mut finder = ProspectFinder::new(self);
        let (mut waiting, mut stuck) = (Vec::new(), Vec::new());
        for (node, key, state) in staleness.inconsistent_copies() {
            for (update, prospect) in self.prospects(&mut finder, node, key, state) {
                let list = if prospect.is_hopeful() { &mut waiting } else { &mut stuck };
                if list.len() < MAX_EXPLANATIONS {
                    list.push(Explanation { node, key, update, steps: Vec::new(), prospect });
                }
            }
            if stuck.len() == MAX_EXPLANATIONS {
                break;
            }
        }
        self.find_delivery_steps(&mut stuck);
        match (stuck.is_empty(), waiting.is_empty()) {
            (false, _) => Convergence::WillNotConverge(stuck),
            (true, false) => Convergence::Converging(waiting),
            (true, true) if quiet && !self.scenario.unheard().is_empty() => Convergence::Unknown(phrase(
                "a service subscribes to a topic to which no update is published",
                "ein Service abonniert ein Topic, auf dem keine Änderung veröffentlicht wird",
            )),
            (true, true) if quiet => Convergence::Converged,
            (true, true) => Convergence::Converging(Vec::new()),
        }
    }

    /// Explains a copy that is not consistent: one explanation for each missing update, the oldest first. Returns `None` for a
    /// consistent copy.
    pub fn explain(&self, node: NodeId, key: KeyId) -> Vec<Explanation> {
        let Some(copy) = self.analysis.staleness.copy(node, key) else { return Vec::new() };
        let prospects = self.prospects(&mut ProspectFinder::new(self), node, key, copy.state());
        let explanation = |(update, prospect)| Explanation { node, key, update, steps: Vec::new(), prospect };
        let mut explanations: Vec<Explanation> =
            prospects.into_iter().take(MAX_EXPLANATIONS).map(explanation).collect();
        match copy.state() {
            CopyState::Stale | CopyState::Down => self.find_delivery_steps(&mut explanations),
            CopyState::Diverged | CopyState::Conflicted | CopyState::Consistent => {
                let steps = self.write_steps(node, key);
                explanations.iter_mut().for_each(|explanation| explanation.steps = steps.clone());
            }
        }
        explanations
    }

    /// Finds the steps of the explanations that are about an update, in one reading of the records.
    fn find_delivery_steps(&self, explanations: &mut [Explanation]) {
        let about = |it: &Explanation| it.update.map(|update| (it.node, update));
        let mut steps = self.delivery_steps(explanations.iter().filter_map(about)).into_iter();
        for explanation in explanations.iter_mut().filter(|it| it.update.is_some()) {
            explanation.steps = steps.next().unwrap_or_default();
        }
    }

    fn prospects(
        &self,
        finder: &mut ProspectFinder,
        node: NodeId,
        key: KeyId,
        state: CopyState,
    ) -> Vec<(Option<UpdateId>, Prospect)> {
        let Some(copy) = self.analysis.staleness.copy(node, key) else { return Vec::new() };
        match state {
            CopyState::Consistent => Vec::new(),
            CopyState::Conflicted => vec![(None, Prospect::Siblings)],
            CopyState::Diverged => vec![(None, Prospect::Applied)],
            CopyState::Stale | CopyState::Down => {
                copy.missing_updates().map(|update| (update, finder.prospect(node, key, update))).collect()
            }
        }
    }
}
