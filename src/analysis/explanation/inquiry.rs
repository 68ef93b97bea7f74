//! The convergence verdict and the explanations of copies at one instant, in slices of work.

use super::event_history::EventHistory;
use super::pending_work::PendingWork;
use super::prospects::ProspectFinder;
use super::steps::StepsReader;
use super::{Convergence, Explanation, MAX_EXPLANATIONS, PART, RepeatedEvent};
use crate::analysis::copy_state::CopyState;
use crate::analysis::prospect::{Prospect, Uncertainty};
use crate::analysis::run_context::RunContext;
use crate::analysis::staleness::{KeyCopy, UnacknowledgedWrite};
use crate::language::phrase;
use crate::trace::{KeyId, NodeId, UpdateId};

/// Whether the explanations of a verdict have steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerdictSteps {
    /// Each explanation has its steps.
    Found,
    /// No explanation has steps.
    LeftOut,
}

/// The result of an inquiry.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// The explanations of the requested copies, in their order.
    pub explanations: Vec<Explanation>,
    /// The convergence verdict, if it was requested.
    pub convergence: Option<Convergence>,
    /// The events that change copies which are all consistent.
    pub repeated: Vec<RepeatedEvent>,
}

/// The next stage of an inquiry's work.
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

/// Questions about the copies of a run at one instant. If the run continues before the answer, the work is lost unless it is
/// settled.
#[derive(Clone, Debug)]
pub struct Inquiry {
    /// The copies that remain to be explained, in reverse order.
    copies: Vec<(NodeId, KeyId)>,
    /// The maximum number of explanations of these copies.
    max_explanations: usize,
    judges: Option<VerdictSteps>,
    stage: Stage,
    work: Option<PendingWork>,
    answer: Answer,
    scan: Scan,
    waiting: Vec<Explanation>,
    stuck: Vec<Explanation>,
    /// The first reason why it is uncertain whether a copy will become consistent.
    uncertainty: Option<Uncertainty>,
    steps: Option<StepsReader>,
}

/// A position among the differences of all copies.
#[derive(Clone, Debug, Default)]
struct Scan {
    /// The next key.
    next: u32,
    /// The copies of the key before it that are not consistent, in reverse order.
    copies: Vec<(NodeId, CopyState)>,
    /// The copy whose differences are next.
    copy: Option<NodeId>,
    /// The differences of that copy, in reverse order.
    differences: Vec<Difference>,
}

/// How a copy differs from the reference or from another copy.
#[derive(Clone, Copy, Debug)]
enum Difference {
    /// It misses an update; an initial value of the scenario if that is none.
    Missing(Option<UpdateId>),
    /// It shows an update that was never acknowledged and that another copy lacks.
    Unacknowledged(UnacknowledgedWrite),
    /// It shows siblings.
    Siblings,
    /// It applied all updates, and its value differs.
    Value,
}

impl Inquiry {
    /// Returns an inquiry about copies, with at most `max_explanations`, and about the convergence verdict if `judges` is given.
    pub fn new(mut copies: Vec<(NodeId, KeyId)>, max_explanations: usize, judges: Option<VerdictSteps>) -> Self {
        copies.reverse();
        Inquiry {
            copies,
            max_explanations,
            judges,
            stage: Stage::Index,
            work: None,
            answer: Answer::default(),
            scan: Scan::default(),
            waiting: Vec::new(),
            stuck: Vec::new(),
            uncertainty: None,
            steps: None,
        }
    }

    /// Notes that the run has continued. Returns whether the verdict about the earlier instant is known nevertheless: all
    /// copies were judged, or one of them cannot become consistent.
    pub fn settle(&mut self) -> bool {
        if self.stage == Stage::Judge && !self.stuck.is_empty() {
            self.stage = Stage::Steps;
        }
        self.stage == Stage::Steps
    }

    /// Continues the work. Returns none if it pauses. `history` may be that of an earlier inquiry about the same run.
    pub fn advance(
        &mut self,
        run: &RunContext,
        history: &mut EventHistory,
        pauses: &dyn Fn() -> bool,
    ) -> Option<Answer> {
        if self.stage == Stage::Index {
            history.read(run, pauses)?;
            let work = self.work.get_or_insert_with(|| PendingWork::begin(run));
            work.index(run, pauses)?;
            work.index_unstored(run, &history.writes);
            work.index_deleted_rows(run, history);
            if history.has_rejected() {
                ProspectFinder { run, work, history }.events_of_keys();
            }
            self.stage = Stage::Explain;
        }
        if self.stage == Stage::Explain {
            self.explain(run, history, pauses)?;
            self.stage = if self.judges.is_some() { Stage::Judge } else { Stage::Steps };
        }
        if self.stage == Stage::Judge {
            self.judge(run, history, pauses)?;
            self.answer.convergence = (self.stuck.is_empty()).then(|| self.verdict(run, history));
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
            let differences = differences(run, node, key, copy.state()).take(MAX_EXPLANATIONS);
            let explanations = differences.map(|difference| explanation(&mut finder, node, key, difference));
            self.answer.explanations.extend(explanations);
            if self.answer.explanations.len() >= self.max_explanations {
                self.answer.explanations.truncate(self.max_explanations);
                break;
            }
        }
        Some(())
    }

    fn judge(&mut self, run: &RunContext, history: &EventHistory, pauses: &dyn Fn() -> bool) -> Option<()> {
        let work = self.work.as_mut()?;
        let mut finder = ProspectFinder { run, work, history };
        let staleness = &run.analysis.staleness;
        let mut judged = 0;
        let is_judged = staleness.acknowledged() > 0 || staleness.diverged() > 0;
        while is_judged && self.stuck.len() < MAX_EXPLANATIONS {
            judged += 1;
            if judged % JUDGED == 0 && pauses() {
                return None;
            }
            let scan = &mut self.scan;
            if let Some((node, difference)) = scan.copy.and_then(|node| Some((node, scan.differences.pop()?))) {
                let found = explanation(&mut finder, node, KeyId(scan.next - 1), difference);
                if let Prospect::Uncertain(why) = found.prospect {
                    self.uncertainty.get_or_insert(why);
                }
                let list = if found.prospect.can_converge() { &mut self.waiting } else { &mut self.stuck };
                if list.len() < MAX_EXPLANATIONS {
                    list.push(found);
                }
            } else if let Some((node, state)) = scan.copies.pop() {
                scan.copy = Some(node);
                scan.differences = differences(run, node, KeyId(scan.next - 1), state).collect();
                scan.differences.reverse();
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
    fn verdict(&mut self, run: &RunContext, history: &EventHistory) -> Convergence {
        if run.analysis.staleness.acknowledged() == 0 && self.waiting.is_empty() {
            return Convergence::Unknown(phrase(
                "no update has been acknowledged yet",
                "noch wurde keine Änderung bestätigt",
            ));
        }
        if let Some(why) = self.uncertainty {
            return Convergence::Unknown(why.text());
        }
        let Some(work) = self.work.as_mut() else { return Convergence::Converged };
        let mut finder = ProspectFinder { run, work, history };
        let is_quiet = !finder.is_work_pending();
        let unsettled = (self.waiting.is_empty() && !is_quiet && !run.analysis.awaits_operations())
            .then(|| finder.unsettled())
            .flatten();
        // Events that make a consistent copy diverge do not count as sufficient work.
        let repeated = if is_quiet { Vec::new() } else { finder.repeated_events() };
        if let Some(event) = repeated.first() {
            let why = if event.adds { Uncertainty::Repetition } else { Uncertainty::Order };
            self.answer.repeated = if self.waiting.is_empty() { repeated } else { Vec::new() };
            return Convergence::Unknown(why.text());
        }
        match (self.waiting.is_empty(), is_quiet) {
            (false, _) => Convergence::Converging(std::mem::take(&mut self.waiting)),
            (true, true) if !run.scenario.unreached_subscriptions().is_empty() => Convergence::Unknown(phrase(
                "a service subscribes to a topic to which no update is published",
                "ein Service abonniert ein Topic, auf dem keine Änderung veröffentlicht wird",
            )),
            (true, true) if run.analysis.awaits_operations() => Convergence::Unknown(phrase(
                "an operation waits for a service that never replies",
                "eine Operation wartet auf einen Service, der nie antwortet",
            )),
            (true, true) => Convergence::Converged,
            (true, false) => {
                unsettled.map_or(Convergence::Converging(Vec::new()), |why| Convergence::Unknown(why.text()))
            }
        }
    }

    fn find_steps(&mut self, run: &RunContext, pauses: &dyn Fn() -> bool) -> Option<()> {
        let of_verdict = if self.judges == Some(VerdictSteps::Found) { self.stuck.len() } else { 0 };
        let explained = &mut self.answer.explanations;
        let steps = self.steps.get_or_insert_with(|| {
            let mut steps = StepsReader::new(run);
            explained.iter().for_each(|explanation| steps.add(explanation, true));
            self.stuck[..of_verdict].iter().for_each(|explanation| steps.add(explanation, false));
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

/// The number of differences that are judged between two readings of the clock.
const JUDGED: usize = PART / 32;

/// Iterates over the differences of a copy, the oldest missing update first.
fn differences<'a>(
    run: &'a RunContext,
    node: NodeId,
    key: KeyId,
    state: CopyState,
) -> impl Iterator<Item = Difference> + 'a {
    let staleness = &run.analysis.staleness;
    let copy = staleness.copy(node, key);
    let of = move |wanted: &[CopyState]| copy.filter(|_| wanted.contains(&state)).into_iter();
    let missing = of(&[CopyState::Stale, CopyState::Down]).flat_map(|copy| copy.missing_updates());
    // Siblings remain when every copy has all updates.
    let is_in_conflict = |copy: &&KeyCopy| copy.siblings().len() > 1;
    let siblings =
        of(&[CopyState::Conflicted, CopyState::Diverged]).filter(is_in_conflict).map(|_| Difference::Siblings);
    let is_unacknowledged = copy.is_some_and(|copy| copy.unacknowledged().is_some());
    let diverged = of(&[CopyState::Diverged]);
    let shown = diverged.clone().flat_map(move |_| staleness.unacknowledged_writes(node, key));
    let value = diverged.filter(move |_| !is_unacknowledged).map(|_| Difference::Value);
    // The missing updates do not correct a sum to which one was added twice.
    let doubled = of(&[CopyState::Stale, CopyState::Diverged]).filter(|copy| copy.is_doubled());
    let doubled = doubled.filter(move |_| state == CopyState::Stale || is_unacknowledged).map(|_| Difference::Value);
    missing
        .map(Difference::Missing)
        .chain(siblings)
        .chain(shown.map(Difference::Unacknowledged))
        .chain(value)
        .chain(doubled)
}

fn explanation(finder: &mut ProspectFinder, node: NodeId, key: KeyId, difference: Difference) -> Explanation {
    let (update, lacking, prospect) = match difference {
        Difference::Missing(update) => (update, None, finder.prospect(node, key, update)),
        Difference::Unacknowledged(UnacknowledgedWrite { update, lacking }) => {
            (Some(update), Some(lacking), finder.unacknowledged(node, lacking, key, update))
        }
        Difference::Siblings => (None, None, Prospect::Siblings),
        Difference::Value => (None, None, finder.value(node, key)),
    };
    Explanation { node, key, update, lacking, steps: Vec::new(), prospect }
}
