//! What is expected of a copy, in a sentence that states its state and the cause before.

use super::labels;
use crate::analysis::{CopyState, Prospect, RunContext};
use crate::language::{phrase, sentence};
use crate::trace::HandlingFailure;

/// Describes a prospect after the state and the cause; `None` if its usual description fits both.
pub(super) fn expectation(
    prospect: Prospect,
    state: CopyState,
    cause: Option<&str>,
    context: &RunContext,
) -> Option<String> {
    if prospect == Prospect::Applied && state == CopyState::Stale {
        let text = phrase(
            "the updates that it lacks do not correct its value: an earlier one was applied twice, out of order, or without \
             being committed at its origin",
            "die fehlenden Änderungen berichtigen den Wert nicht: eine frühere wurde doppelt, in falscher Reihenfolge oder \
             ohne Commit an ihrem Ursprung angewendet",
        );
        return Some(text.into());
    }
    let Prospect::Poison(subscription) = prospect else { return None };
    let poison = labels::handling_failure(HandlingFailure::Poison);
    cause.is_some_and(|cause| cause.ends_with(poison)).then(|| {
        sentence!(
            "every delivery to {} fails",
            "jede Zustellung an {} schlägt fehl",
            context.names.label(context.names.subscription(subscription).service)
        )
    })
}
