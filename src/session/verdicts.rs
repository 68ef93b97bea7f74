//! Verdicts on a run: guarantees, convergence, and explanations of the states of copies.

use super::convergence_check::{CONVERGENCE, ConvergenceCheck, Findings, never_judged};
use super::protocol::{NO_LOST_UPDATE, VerdictStatus, VerdictStep, VerdictSubject, VerdictView};
use super::run::{Run, halted_early, unknown_loss};
use super::{halt_text, labels, log_text, reasons};
use crate::analysis::check::{self, GUARANTEES, Guarantee, Verdict, VerdictMemo};
use crate::analysis::history::{History, HistoryRecorder, Revisions};
use crate::analysis::{EventHistory, InvariantStatus, LostUpdate, RunContext};
use crate::language::{Language, language, phrase, sentence};
use crate::scenario::Scenario;
use crate::trace::{Fact, NodeId, OperationId, Trace};

/// Budget of search steps of each guarantee. Searches do not pause, so this bounds the time of one in the browser.
const BUDGET: u64 = 100_000;
/// Limit of the steps of lost updates.
const MAX: usize = 12;
/// Number of records that one part of the work observes.
const RECORDS_PER_PART: usize = 4096;

/// Returns all verdicts on a run of a scenario whose script contains the live commands. `pauses` is called before each part of
/// the work: if it returns true, this returns none, and the next call continues.
pub(super) fn verdicts(
    run: &Run,
    scenario: &Scenario,
    checks: &mut GuaranteeChecks,
    node: Option<NodeId>,
    pauses: &dyn Fn() -> bool,
) -> Option<Vec<VerdictView>> {
    let context = run.context(scenario);
    checks.write_in(language());
    checks.check_guarantees(&context, pauses)?;
    let mut found = checks.explain(run, scenario, node, pauses)?;
    let round = checks.round.take()?;
    let why = reasons::unknown_invariant(run);
    found.extend(scenario.invariants.iter().zip(run.invariants()).map(|(text, status)| invariant(text, status, why)));
    found.extend(round.done);
    if let Some(halted) = halt_text::sentence(run) {
        found.iter_mut().for_each(make_unknown);
        // The verdict on convergence is the first.
        found[0] = halt(labels::capitalized(&halted));
    }
    Some(found)
}

/// Returns why a run was halted, in place of the verdict on convergence.
fn halt(because: String) -> VerdictView {
    let (about, status, steps) = (VerdictSubject::Convergence, VerdictStatus::Unknown, Vec::new());
    VerdictView {
        about,
        node: None,
        id: CONVERGENCE.into(),
        title: phrase("The run was halted", "Der Lauf wurde angehalten").into(),
        status,
        because,
        steps,
    }
}

/// Makes a verdict on a halted run unknown, unless it is a violation: what held or was pending may have changed later.
fn make_unknown(view: &mut VerdictView) {
    match view.status {
        VerdictStatus::Holds | VerdictStatus::Pending => {
            view.status = VerdictStatus::Unknown;
            view.because = labels::capitalized(&format!("{}.", halted_early()));
        }
        VerdictStatus::Unknown | VerdictStatus::Violated => {}
    }
}

fn invariant(text: &str, status: InvariantStatus, why_unknown: &str) -> VerdictView {
    let (status, because, steps) = match status {
        InvariantStatus::Holds => (VerdictStatus::Holds, String::new(), Vec::new()),
        InvariantStatus::Unknown => {
            (VerdictStatus::Unknown, format!("{}.", labels::capitalized(why_unknown)), Vec::new())
        }
        InvariantStatus::Violated { at, values, nodes, recovered } => {
            let now = if recovered {
                phrase("It was violated, and holds again.", "Sie war verletzt und gilt wieder.")
            } else {
                phrase("It is violated.", "Sie ist verletzt.")
            };
            (VerdictStatus::Violated, now.into(), vec![VerdictStep { at, text: values.get().into(), nodes }])
        }
    };
    VerdictView {
        about: VerdictSubject::Invariant,
        node: None,
        id: text.into(),
        title: sentence!("“{text}”", "„{text}“"),
        status,
        because,
        steps,
    }
}

/// An operation, its client, and the node that it was sent to.
type IssuedOperation = (OperationId, NodeId, NodeId);

/// The history of a run's operations so far, with the results of earlier checks.
#[derive(Clone, Debug, Default)]
pub(super) struct GuaranteeChecks {
    recorder: HistoryRecorder,
    /// The operations, each with its client and the node that it was sent to.
    issued: Vec<IssuedOperation>,
    /// Number of the next record to observe.
    next: u64,
    /// Whether the trace has discarded records before they were observed.
    missed: bool,
    memo: VerdictMemo,
    /// The language of the results.
    language: Language,
    /// What the records so far show of the events.
    events: EventHistory,
    /// The last verdict on convergence, with all its reasons.
    convergence: Option<VerdictView>,
    /// The checks in progress.
    round: Option<CheckRound>,
}

/// Checks of all guarantees on the history as it was at one time, in slices of work.
#[derive(Clone, Debug)]
struct CheckRound {
    history: History,
    revisions: Revisions,
    /// Whether the history lacks the beginning of the run.
    missed: bool,
    /// The verdicts so far, in the order of the guarantees.
    done: Vec<VerdictView>,
    /// The verdict on convergence and the explanations.
    convergence: Option<ConvergenceCheck>,
}

impl GuaranteeChecks {
    /// Explains copies, those of `node` first, and finds the verdict on convergence, which is the first in the list. If the run
    /// continues faster than the check, returns the previous verdict. Returns none if the work pauses.
    fn explain(
        &mut self,
        run: &Run,
        scenario: &Scenario,
        node: Option<NodeId>,
        pauses: &dyn Fn() -> bool,
    ) -> Option<Vec<VerdictView>> {
        let GuaranteeChecks { events, round, convergence, .. } = self;
        let check = round.as_mut()?.convergence.get_or_insert_with(|| ConvergenceCheck::begin(run, scenario, node));
        let Findings { convergence: judged, explanations } = check.advance(run, scenario, events, pauses)?;
        if judged.is_some() {
            *convergence = judged;
        }
        let mut verdict = convergence.clone().unwrap_or_else(never_judged);
        // The explained copies are the reasons of the verdict.
        if !explanations.is_empty() {
            verdict.because.clear();
        }
        Some(std::iter::once(verdict).chain(explanations).collect())
    }

    /// Discards the results in another language.
    fn write_in(&mut self, language: Language) {
        if std::mem::replace(&mut self.language, language) != language {
            (self.memo, self.round, self.convergence) = (VerdictMemo::default(), None, None);
        }
    }

    /// Observes the new records. Returns none if the work pauses.
    fn observe(&mut self, trace: &Trace, pauses: &dyn Fn() -> bool) -> Option<()> {
        if trace.oldest() > self.next {
            *self = GuaranteeChecks {
                missed: true,
                next: trace.oldest(),
                language: self.language,
                ..GuaranteeChecks::default()
            };
        }
        while self.next < trace.total() {
            if pauses() {
                return None;
            }
            for record in trace.since(self.next).take(RECORDS_PER_PART) {
                self.recorder.observe(record);
                if let Fact::OperationIssued { operation, by, to, .. } = &record.fact {
                    self.issued.push((*operation, *by, *to));
                }
                self.next += 1;
            }
        }
        Some(())
    }

    /// Checks the guarantees on the history so far, or continues the checks in progress. Returns none if the work pauses.
    fn check_guarantees(&mut self, context: &RunContext, pauses: &dyn Fn() -> bool) -> Option<()> {
        self.observe(context.trace, pauses)?;
        let GuaranteeChecks { recorder, issued, missed, memo, round, .. } = self;
        let names = context.names;
        if round.is_none() && pauses() {
            return None;
        }
        let round = round.get_or_insert_with(|| {
            // Without its beginning, a history proves nothing.
            let unknown = HistoryRecorder::default();
            let recorder = if *missed { &unknown } else { &*recorder };
            CheckRound {
                history: recorder.history(|key| names.qualified_key(key), |by, _| names.label(by).into()),
                revisions: recorder.revisions(),
                missed: *missed,
                done: Vec::new(),
                convergence: None,
            }
        });
        // The trace of a group shows lost updates that clients never observe, and distinguishes them from stale reads.
        let is_of_groups = issued.iter().all(|(_, _, to)| names.group(*to).is_some());
        let hidden = context.analysis.lost.hidden();
        let all = GUARANTEES.iter().map(|(_, guarantee)| *guarantee);
        for guarantee in all.filter(|guarantee| *guarantee != Guarantee::Session).skip(round.done.len()) {
            let view = match lost_updates(context) {
                Some(lost)
                    if guarantee == Guarantee::NoLostUpdate
                        && (is_of_groups || lost.status == VerdictStatus::Violated || hidden > 0) =>
                {
                    lost
                }
                Some(_) | None => round.check(guarantee, issued, memo, pauses)?,
            };
            round.done.push(view);
        }
        Some(())
    }
}

impl CheckRound {
    /// Checks one guarantee. Returns none if the work pauses.
    fn check(
        &self,
        guarantee: Guarantee,
        issued: &[IssuedOperation],
        memo: &mut VerdictMemo,
        pauses: &dyn Fn() -> bool,
    ) -> Option<VerdictView> {
        let history = &self.history;
        let verdict = match self.missed {
            true => Verdict::Unknown(
                phrase(
                    "the log no longer contains the beginning of the run",
                    "das Log enthält den Anfang des Laufs nicht mehr",
                )
                .into(),
            ),
            false => {
                let revision = |key| self.revisions.revision(key);
                check::check_slice(history, guarantee, BUDGET, memo, &revision, pauses)?
            }
        };
        let (status, because, operations) = match verdict {
            Verdict::Holds => (VerdictStatus::Holds, String::new(), Vec::new()),
            Verdict::Unknown(why) => (VerdictStatus::Unknown, why, Vec::new()),
            Verdict::Violated(witness) => (VerdictStatus::Violated, witness.sentence, witness.operations),
        };
        let id = GUARANTEES.iter().find(|(_, known)| *known == guarantee).map_or("", |(name, _)| name).into();
        let title = title(guarantee).into();
        let steps = operations.into_iter().map(|index| step(history, index, issued)).collect();
        Some(VerdictView { about: VerdictSubject::Guarantee, node: None, id, title, status, because, steps })
    }
}

/// Returns the title of the verdict on a guarantee.
fn title(guarantee: Guarantee) -> &'static str {
    match guarantee {
        Guarantee::Linearizable => phrase("Linearizable", "Linearisierbar"),
        Guarantee::Regular => phrase("Regular", "Regulär"),
        Guarantee::Sequential => phrase("Sequential", "Sequenziell"),
        Guarantee::Causal => phrase("Causal", "Kausal"),
        Guarantee::ReadYourWrites => phrase("Read your writes", "Read Your Writes"),
        Guarantee::MonotonicReads => phrase("Monotonic reads", "Monotonic Reads"),
        Guarantee::MonotonicWrites => phrase("Monotonic writes", "Monotonic Writes"),
        Guarantee::WritesFollowReads => phrase("Writes follow reads", "Writes Follow Reads"),
        Guarantee::Session => phrase("Session", "Sitzung"),
        Guarantee::BoundedStaleness { .. } => phrase("Bounded staleness", "Begrenztes Veralten"),
        Guarantee::NoLostUpdate => phrase("No lost update", "Keine verlorene Änderung"),
    }
}

/// Returns the verdict on lost updates by the trace of the engine; none if nothing was acknowledged.
fn lost_updates(context: &RunContext) -> Option<VerdictView> {
    let lost = context.analysis.lost.all();
    let step = |lost: &LostUpdate| {
        let info = context.analysis.updates.get(lost.update);
        VerdictStep {
            at: lost.at,
            text: log_text::lost_update(lost, context.analysis, context.names),
            nodes: info.map(|info| vec![info.node]).unwrap_or_default(),
        }
    };
    let (status, because) = match lost.len() as u64 {
        0 if context.analysis.lost.is_unknown() => {
            (VerdictStatus::Unknown, format!("{}.", labels::capitalized(&unknown_loss(&context.analysis.lost))))
        }
        0 => (VerdictStatus::Holds, String::new()),
        _ => (VerdictStatus::Violated, check::lost_changes(&context.analysis.lost.counts())),
    };
    (context.analysis.staleness.acknowledged() > 0).then(|| VerdictView {
        about: VerdictSubject::Guarantee,
        node: None,
        id: NO_LOST_UPDATE.into(),
        title: title(Guarantee::NoLostUpdate).into(),
        status,
        because,
        steps: lost.iter().take(MAX).map(step).collect(),
    })
}

/// Returns the step of a witness that an operation is.
fn step(history: &History, index: usize, issued: &[IssuedOperation]) -> VerdictStep {
    let operation = &history.operations[index];
    let at = operation.times.map_or(0, |(from, _)| from as u64);
    let issued = issued.iter().find(|(id, ..)| i64::from(id.0) == operation.index);
    VerdictStep {
        at,
        text: check::describe(history, index),
        nodes: issued.map(|(_, by, to)| vec![*by, *to]).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests;
