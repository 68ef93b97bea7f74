//! The convergence verdict and the explanations of copies at one instant, in slices of work.

use super::event_history::EventHistory;
use super::pending_work::PendingWork;
use super::prospects::ProspectFinder;
use super::steps::StepsReader;
use super::{Convergence, Explanation, MAX_EXPLANATIONS, PART};
use crate::analysis::copy_state::CopyState;
use crate::analysis::prospect::Prospect;
use crate::analysis::run_context::RunContext;
use crate::language::phrase;
use crate::trace::{KeyId, NodeId, UpdateId};

/// Whether the explanations of a verdict have steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerdictSteps {
    /// They are found.
    Found,
    /// They are left out.
    LeftOut,
}

/// The result of an inquiry.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// The explanations of the copies that were asked for, in their order.
    pub explanations: Vec<Explanation>,
    /// The convergence verdict, if it was asked for.
    pub convergence: Option<Convergence>,
}

/// What an inquiry does next.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stage {
    /// Index the pending work.
    Index,
    /// Find the prospects of the copies to explain.
    Explain,
    /// Find the prospects of all copies that are not consistent.
    Judge,
    /// Find the steps of the explanations.
    Steps,
}

/// Questions about the copies of a run at one instant. If the run goes on before the answer, the work is lost unless it is
/// settled.
#[derive(Clone, Debug)]
pub struct Inquiry {
    /// The copies to explain, in reverse order.
    copies: Vec<(NodeId, KeyId)>,
    /// Limit of the explanations.
    most: usize,
    judges: Option<VerdictSteps>,
    stage: Stage,
    work: Option<PendingWork>,
    answer: Answer,
    scan: Scan,
    waiting: Vec<Explanation>,
    stuck: Vec<Explanation>,
    steps: Option<StepsReader>,
}

/// A place among the missing updates of all copies.
#[derive(Clone, Debug, Default)]
struct Scan {
    /// The next key.
    next: u32,
    /// The copies of the key before it that are not consistent, in reverse order.
    copies: Vec<(NodeId, CopyState)>,
    /// The copy whose missing updates are next.
    copy: Option<NodeId>,
    /// Those updates, in reverse order.
    updates: Vec<Option<UpdateId>>,
}

impl Inquiry {
    /// Returns an inquiry about copies, with at most so many explanations, and about the convergence verdict if it is wanted.
    pub fn new(mut copies: Vec<(NodeId, KeyId)>, most: usize, judges: Option<VerdictSteps>) -> Self {
        copies.reverse();
        Inquiry {
            copies,
            most,
            judges,
            stage: Stage::Index,
            work: None,
            answer: Answer::default(),
            scan: Scan::default(),
            waiting: Vec::new(),
            stuck: Vec::new(),
            steps: None,
        }
    }

    /// Called when the run has gone on. Returns whether the verdict about the earlier instant is known nevertheless: all copies were
    /// judged, or one of them cannot become consistent.
    pub fn settle(&mut self) -> bool {
        if self.stage == Stage::Judge && !self.stuck.is_empty() {
            self.stage = Stage::Steps;
        }
        self.stage == Stage::Steps
    }

    /// Continues the work. Returns none if it pauses. `quiet` returns whether no work is pending that a client or a copy waits
    /// for; `history` may be that of an earlier inquiry about the same run.
    pub fn advance(
        &mut self,
        run: &RunContext,
        quiet: &dyn Fn() -> bool,
        history: &mut EventHistory,
        pauses: &dyn Fn() -> bool,
    ) -> Option<Answer> {
        if self.stage == Stage::Index {
            history.read(run, pauses)?;
            self.work.get_or_insert_with(|| PendingWork::begin(run)).index(run, pauses)?;
            self.stage = Stage::Explain;
        }
        if self.stage == Stage::Explain {
            self.explain(run, history, pauses)?;
            self.stage = if self.judges.is_some() { Stage::Judge } else { Stage::Steps };
        }
        if self.stage == Stage::Judge {
            self.judge(run, history, pauses)?;
            self.answer.convergence = (self.stuck.is_empty()).then(|| self.verdict(run, quiet));
            self.stage = Stage::Steps;
        }
        self.find_steps(run, pauses)?;
        Some(std::mem::take(&mut self.answer))
    }

    fn explain(&mut self, run: &RunContext, history: &EventHistory, pauses: &dyn Fn() -> bool) -> Option<()> {
        let work = self.work.as_mut()?;
        let mut finder = ProspectFinder { run, work, history };
        while let Some((node, key)) = self.copies.last().copied() {
            if pauses() {
                return None;
            }
            self.copies.pop();
            let Some(copy) = run.analysis.staleness.copy(node, key) else { continue };
            let updates = missing(run, node, key, copy.state()).take(MAX_EXPLANATIONS);
            let explanations = updates.map(|update| explanation(&mut finder, node, key, copy.state(), update));
            self.answer.explanations.extend(explanations);
            if self.answer.explanations.len() >= self.most {
                self.answer.explanations.truncate(self.most);
                break;
            }
        }
        Some(())
    }

    fn judge(&mut self, run: &RunContext, history: &EventHistory, pauses: &dyn Fn() -> bool) -> Option<()> {
        let work = self.work.as_mut()?;
        let mut finder = ProspectFinder { run, work, history };
        let staleness = &run.analysis.staleness;
        let mut looked_at = 0;
        while staleness.acknowledged() > 0 && self.stuck.len() < MAX_EXPLANATIONS {
            looked_at += 1;
            if looked_at % JUDGED == 0 && pauses() {
                return None;
            }
            let scan = &mut self.scan;
            if let Some((node, update)) = scan.copy.and_then(|node| Some((node, scan.updates.pop()?))) {
                let key = KeyId(scan.next - 1);
                let state = staleness.copy(node, key).map(|copy| copy.state()).unwrap_or_default();
                let found = explanation(&mut finder, node, key, state, update);
                let list = if found.prospect.is_hopeful() { &mut self.waiting } else { &mut self.stuck };
                if list.len() < MAX_EXPLANATIONS {
                    list.push(found);
                }
            } else if let Some((node, state)) = scan.copies.pop() {
                scan.copy = Some(node);
                scan.updates = missing(run, node, KeyId(scan.next - 1), state).collect();
                scan.updates.reverse();
            } else if (scan.next as usize) < staleness.key_count() {
                scan.copies = staleness.inconsistent_copies_of(KeyId(scan.next)).collect();
                scan.copies.reverse();
                scan.next += 1;
            } else {
                break;
            }
        }
        Some(())
    }

    /// Returns the verdict after all copies were judged and none is stuck.
    fn verdict(&mut self, run: &RunContext, quiet: &dyn Fn() -> bool) -> Convergence {
        if run.analysis.staleness.acknowledged() == 0 {
            return Convergence::Unknown(phrase(
                "no update has been acknowledged yet",
                "noch wurde keine Änderung bestätigt",
            ));
        }
        // The script restarts a publisher or heals its link.
        let is_resent = |(publisher, bus): (NodeId, NodeId)| {
            let healing = self.work.as_ref().map(|work| &work.healing);
            healing.is_some_and(|it| {
                let is_up = it.up_from(run, publisher).is_some();
                is_up && it.path(run, publisher, bus).err().is_none_or(Prospect::is_hopeful)
            })
        };
        let is_quiet = quiet() && !run.analysis.resent().any(is_resent);
        match (self.waiting.is_empty(), is_quiet) {
            (false, _) => Convergence::Converging(std::mem::take(&mut self.waiting)),
            (true, true) if !run.scenario.unreached_subscriptions().is_empty() => Convergence::Unknown(phrase(
                "a service subscribes to a topic to which no update is published",
                "ein Service abonniert ein Topic, auf dem keine Änderung veröffentlicht wird",
            )),
            (true, true) => Convergence::Converged,
            (true, false) => Convergence::Converging(Vec::new()),
        }
    }

    fn find_steps(&mut self, run: &RunContext, pauses: &dyn Fn() -> bool) -> Option<()> {
        let of_verdict = if self.judges == Some(VerdictSteps::Found) { self.stuck.len() } else { 0 };
        let explained = &mut self.answer.explanations;
        let steps = self.steps.get_or_insert_with(|| {
            let mut steps = StepsReader::new(run);
            explained.iter().for_each(|it| steps.add(it, true));
            self.stuck[..of_verdict].iter().for_each(|it| steps.add(it, false));
            steps
        });
        let mut found = steps.read(run, pauses)?.into_iter();
        for explanation in explained.iter_mut().chain(&mut self.stuck[..of_verdict]) {
            explanation.steps = found.next().unwrap_or_default();
        }
        if !self.stuck.is_empty() {
            self.answer.convergence = Some(Convergence::WillNotConverge(std::mem::take(&mut self.stuck)));
        }
        Some(())
    }
}

/// The number of missing updates that are judged between two readings of the clock.
const JUDGED: usize = PART / 32;

/// Iterates over the updates that a copy misses, the oldest first. A copy that is conflicted or diverged misses no update and gives
/// one item, `None`.
fn missing<'a>(
    run: &'a RunContext,
    node: NodeId,
    key: KeyId,
    state: CopyState,
) -> impl Iterator<Item = Option<UpdateId>> + 'a {
    let is_stale = matches!(state, CopyState::Stale | CopyState::Down);
    let copy = run.analysis.staleness.copy(node, key);
    let updates = copy.filter(|_| is_stale).into_iter().flat_map(|copy| copy.missing_updates());
    let differs = matches!(state, CopyState::Conflicted | CopyState::Diverged).then_some(None);
    updates.chain(differs)
}

fn explanation(
    finder: &mut ProspectFinder,
    node: NodeId,
    key: KeyId,
    state: CopyState,
    update: Option<UpdateId>,
) -> Explanation {
    let prospect = match state {
        CopyState::Conflicted => Prospect::Siblings,
        CopyState::Diverged => Prospect::Applied,
        CopyState::Stale | CopyState::Down | CopyState::Consistent => finder.prospect(node, key, update),
    };
    Explanation { node, key, update, steps: Vec::new(), prospect }
}
