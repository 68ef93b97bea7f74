//! The conditions of goals on one run.

use crate::analysis::check::{BUDGET, GUARANTEES, Verdict, check};
use crate::analysis::history::{History, HistoryRecorder};
use crate::analysis::{InvariantStatus, Invariants};
use crate::language::{phrase, sentence};
use crate::scenario::goal::Condition;
use crate::scenario::{Micros, Promise, Scenario};
use crate::session::{Run, halt_text};

/// The conditions of a task's goals, in the order of the goals; `None` for a goal about another figure.
pub(super) struct Conditions {
    conditions: Vec<Option<Condition>>,
    /// The invariants of the conditions `finally`, evaluated only at the end of the run.
    finally: Invariants,
}

/// Why a condition is not met, and the instant at which it failed if that is before the end of the run.
type Failure = (Option<Micros>, String);

impl Conditions {
    /// Returns the conditions, and the scenario with the invariants of the conditions `always`.
    pub(super) fn new(conditions: Vec<Option<Condition>>, scenario: &Scenario) -> (Self, Scenario) {
        let (mut always, mut finally) = (Vec::new(), Vec::new());
        for condition in conditions.iter().flatten() {
            match condition {
                Condition::Always(invariant) => always.push(invariant.clone()),
                Condition::Finally(invariant) => finally.push(invariant.clone()),
                Condition::Converged
                | Condition::AllOperationsOk
                | Condition::NoStaleReads
                | Condition::NoLostUpdates
                | Condition::Keeps(_) => {}
            }
        }
        let at_end = Scenario { invariants: finally, ..scenario.clone() };
        let finally = Invariants::new(&at_end);
        (Conditions { conditions, finally }, Scenario { invariants: always, ..scenario.clone() })
    }

    /// Returns whether a condition needs the history of operations.
    pub(super) fn needs_history(&self) -> bool {
        self.conditions.iter().flatten().any(|condition| matches!(condition, Condition::Keeps(_)))
    }

    /// Judges a run that has ended. `recorder` has observed it if a condition needs the history.
    pub(super) fn judge(&self, run: &Run, recorder: Option<&HistoryRecorder>) -> Vec<Option<Result<(), Failure>>> {
        let names = run.engine().names();
        let history = recorder.map(|recorder| {
            let lost = recorder.lost_changes(run.analysis(), names);
            History { lost, ..recorder.history(|key| names.qualified_key(key), |by, _| names.label(by).into()) }
        });
        let mut at_end = self.finally.clone();
        at_end.evaluate(run.engine().now(), run.analysis(), names);
        let always = run.invariants();
        let (mut always, mut finally) = (always.iter(), at_end.statuses());
        let mut judged = Vec::with_capacity(self.conditions.len());
        for condition in &self.conditions {
            judged.push(condition.as_ref().map(|condition| {
                let result = match condition {
                    Condition::Converged => {
                        promise(run, &Promise::Converged, phrase("Not converged", "Nicht konvergiert"))
                    }
                    Condition::AllOperationsOk => promise(
                        run,
                        &Promise::AllOperationsOk,
                        phrase("Not every operation succeeded", "Nicht jede Operation gelang"),
                    ),
                    Condition::NoStaleReads => {
                        promise(run, &Promise::NoStaleReads, phrase("Stale reads", "Veraltete Lesevorgänge"))
                    }
                    Condition::NoLostUpdates => {
                        let none = Promise::LostUpdates { count: 0 };
                        promise(run, &none, phrase("Lost updates", "Verlorene Änderungen"))
                    }
                    Condition::Keeps(name) => guarantee(name, history.as_ref()),
                    Condition::Always(_) => status(always.next()),
                    Condition::Finally(_) => status(finally.next()),
                };
                // A halted run meets no condition, since the rest of it is unknown.
                match halt_text::sentence(run) {
                    Some(why) => Err((None, why)),
                    None => result,
                }
            }));
        }
        judged
    }
}

/// Checks that a run, which is not halted, keeps a promise of the scenario's format. `missed` states what is wrong otherwise.
fn promise(run: &Run, promise: &Promise, missed: &str) -> Result<(), Failure> {
    run.why_missed(promise).map_or(Ok(()), |why| Err((None, format!("{missed}: {why}"))))
}

/// Checks that an invariant holds. Without data it was never evaluated, so it is not met.
fn status(status: Option<&InvariantStatus>) -> Result<(), Failure> {
    match status {
        Some(InvariantStatus::Holds) => Ok(()),
        Some(InvariantStatus::Violated { at, values, .. }) => Err((Some(*at), values.get().into())),
        Some(InvariantStatus::Unknown) | None => Err((
            None,
            phrase(
                "it was never evaluated: no service has the data",
                "sie wurde nie ausgewertet: kein Service hat die Daten",
            )
            .into(),
        )),
    }
}

/// Checks that a history keeps a guarantee.
fn guarantee(name: &str, history: Option<&History>) -> Result<(), Failure> {
    let guarantee = GUARANTEES.iter().find(|(known, _)| *known == name);
    let (Some((_, guarantee)), Some(history)) = (guarantee, history) else {
        return Err((None, sentence!("{name} cannot be checked", "{name} lässt sich nicht prüfen")));
    };
    match check(history, *guarantee, BUDGET) {
        Verdict::Holds => Ok(()),
        Verdict::Unknown(why) => Err((None, sentence!("unknown: {why}", "unbekannt: {why}"))),
        Verdict::Violated(witness) => {
            let last = witness.operations.iter().filter_map(|index| history.operations[*index].times);
            let at = last.map(|(_, end)| end).filter(|end| *end < i64::MAX).max();
            Err((at.and_then(|at| Micros::try_from(at).ok()), witness.sentence))
        }
    }
}
