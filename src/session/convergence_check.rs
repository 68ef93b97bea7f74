//! The explanations of copies' states and the verdict on convergence, at one instant, in slices of work.

use super::protocol::{VerdictStatus, VerdictStep, VerdictSubject, VerdictView};
use super::run::{Run, halted_early};
use super::{labels, log_text, reasons};
use crate::analysis::{
    Convergence, CopyState, EventHistory, Explanation, Inquiry, RepeatedEvent, RunContext, VerdictSteps,
};
use crate::language::{phrase, sentence};
use crate::scenario::Scenario;
use crate::trace::NodeId;

/// Limit of explained copies.
const MAX: usize = 12;
/// The id of the verdict on convergence.
pub(super) const CONVERGENCE: &str = "Convergence";
/// How often the work begins again because a run that is too large to be copied continues.
const MAX_RESTARTS: u32 = 2;
/// Estimated memory of a run that is copied, without its trace, bytes. A copy shares most of the trace.
const MAX_COPIED: u64 = 16 << 20;

/// The explanations of copies and the verdict on convergence, worked on in slices. The run may continue in the meantime.
#[derive(Clone, Debug)]
pub(super) struct ConvergenceCheck {
    /// The events of the run at the instant that the inquiry is about.
    events: u64,
    /// The run at that instant, if it has continued since the first slice.
    instant: Option<Box<Run>>,
    inquiry: Inquiry,
    /// The service whose copies come first.
    node: Option<NodeId>,
    /// The number of times that the run continued before the inquiry was finished.
    restarts: u32,
}

/// The results of a check.
#[derive(Clone, Debug)]
pub(super) struct Findings {
    /// The verdict on convergence with all its reasons; none if the run is too large to be copied and advances faster than the
    /// check.
    pub convergence: Option<VerdictView>,
    /// The explanations of copies.
    pub explanations: Vec<VerdictView>,
}

impl ConvergenceCheck {
    /// Begins an inquiry about the present instant, first about the copies of `node`.
    pub fn begin(run: &Run, scenario: &Scenario, node: Option<NodeId>) -> Self {
        let context = run.context(scenario);
        let copies = |is_asked_for: bool| {
            let copies = context.analysis.staleness.inconsistent_copies().map(|(at, key, _)| (at, key));
            copies.filter(move |(at, _)| (node == Some(*at)) == is_asked_for)
        };
        let first = copies(true).chain(copies(false)).take(MAX).collect();
        let judges = run.engine().halt().is_none().then_some(VerdictSteps::LeftOut);
        let inquiry = Inquiry::new(first, MAX, judges);
        ConvergenceCheck { events: run.engine().events(), instant: None, inquiry, node, restarts: 0 }
    }

    /// Begins again about the present instant, and keeps a copy of the run unless it is too large.
    fn begin_again(&mut self, run: &Run, scenario: &Scenario) {
        let memory = run.memory().saturating_sub(run.engine().trace().memory());
        let instant = (memory <= MAX_COPIED).then(|| Box::new(run.clone()));
        let restarts = self.restarts + u32::from(instant.is_none());
        *self = ConvergenceCheck { instant, restarts, ..ConvergenceCheck::begin(run, scenario, self.node) };
    }

    /// Returns a check that has given up, because the run advances too fast.
    #[cfg(test)]
    pub fn given_up(run: &Run, scenario: &Scenario) -> Self {
        ConvergenceCheck { restarts: MAX_RESTARTS + 1, ..ConvergenceCheck::begin(run, scenario, None) }
    }

    /// Continues the work. Returns none if it pauses. If the run continues in the meantime, the findings are about an instant
    /// before.
    pub fn advance(
        &mut self,
        run: &Run,
        scenario: &Scenario,
        events: &mut EventHistory,
        pauses: &dyn Fn() -> bool,
    ) -> Option<Findings> {
        let has_gone_on = self.instant.is_none() && self.events != run.engine().events();
        if has_gone_on && !self.inquiry.settle() {
            self.begin_again(run, scenario);
        }
        let run = self.instant.as_deref().unwrap_or(run);
        let context = run.context(scenario);
        if self.restarts > MAX_RESTARTS {
            return Some(Findings { convergence: None, explanations: Vec::new() });
        }
        let answer = self.inquiry.advance(&context, events, pauses)?;
        let is_inconsistent = |why: &&Explanation| {
            let copy = context.analysis.staleness.copy(why.node, why.key);
            copy.is_some_and(|copy| copy.state() != CopyState::Consistent)
        };
        let explanations =
            answer.explanations.iter().filter(is_inconsistent).map(|why| reason(why, &context)).collect();
        let verdict = answer.convergence.unwrap_or(Convergence::Unknown(halted_early()));
        Some(Findings { convergence: Some(convergence(&verdict, &answer.repeated, &context)), explanations })
    }
}

/// Returns the verdict on convergence of a run that advances too fast and was never judged.
pub(super) fn never_judged() -> VerdictView {
    let why = phrase(
        "the run continues faster than its missing updates are judged; pause it for the verdict",
        "der Lauf geht schneller weiter, als seine fehlenden Änderungen beurteilt werden; pausiere ihn für das Urteil",
    );
    let (name, because) = reasons::unknown_convergence(why);
    verdict_view(VerdictStatus::Unknown, name, &because)
}

fn convergence(verdict: &Convergence, repeated: &[RepeatedEvent], context: &RunContext) -> VerdictView {
    let status = match verdict {
        Convergence::Converged => VerdictStatus::Holds,
        Convergence::Converging(_) => VerdictStatus::Pending,
        Convergence::WillNotConverge(_) => VerdictStatus::Violated,
        Convergence::Unknown(_) => VerdictStatus::Unknown,
    };
    let (name, because) = reasons::convergence_with(verdict, repeated, context);
    verdict_view(status, name, &because)
}

fn verdict_view(status: VerdictStatus, name: &str, because: &[String]) -> VerdictView {
    VerdictView {
        about: VerdictSubject::Convergence,
        node: None,
        id: CONVERGENCE.into(),
        title: sentence!("Convergence: {name}", "Konvergenz: {name}"),
        status,
        because: because.join(" "),
        steps: Vec::new(),
    }
}

/// Returns the explanation of one copy's state.
fn reason(why: &Explanation, context: &RunContext) -> VerdictView {
    let step = |step: reasons::ExplanationStep| {
        let nodes = context
            .trace
            .get(step.record)
            .map(|record| log_text::sentence(record, context.analysis, context.names).nodes);
        VerdictStep { at: step.at, text: step.text, nodes: nodes.unwrap_or_default() }
    };
    let copy = context.analysis.staleness.copy(why.node, why.key);
    let state = labels::copy_state(copy.map(|copy| copy.state()).unwrap_or_default());
    let (key, node) = (context.names.key(why.key), context.names.label(why.node));
    VerdictView {
        about: VerdictSubject::Copy,
        node: Some(why.node),
        id: format!("{key} at {node}"),
        title: sentence!("Why is {key} {state} at {node}?", "Warum ist {key} bei {node} {state}?"),
        status: match why.prospect {
            uncertain if uncertain.is_uncertain() => VerdictStatus::Unknown,
            prospect if prospect.can_converge() => VerdictStatus::Pending,
            _ => VerdictStatus::Violated,
        },
        because: reasons::sentence(why, context),
        steps: reasons::steps(why, context).into_iter().map(step).collect(),
    }
}
