//! Verdicts on consistency guarantees of a history.
//!
//! A verdict is *holds*, *violated* with as few operations as prove it, or *unknown* with the reason. Operations that ended
//! `unknown` may have taken effect at any time after their invocation, or never.

mod bounds;
mod causal;
mod evidence;
mod explanations;
mod guarantee;
mod minimal;
mod quick_refutations;
mod read_sources;
mod search;
mod sessions;
mod shrink;
#[cfg(test)]
mod tests;
mod verdict;
mod verdicts;
mod visited_states;
mod zones;

use super::history::{History, LossCounts, LostChanges};
use crate::language::{phrase, sentence};
use crate::trace::Outcome;
use std::collections::BTreeMap;
use verdict::{ReducedWitness, VerdictCache};

pub use guarantee::{GUARANTEES, Guarantee};
pub use verdict::{Verdict, VerdictMemo, Witness};

/// Default maximum number of steps of the searches of a check.
pub const BUDGET: u64 = 5_000_000;

/// Checks one guarantee of a complete history. See [`check_slice`].
pub fn check(history: &History, guarantee: Guarantee, budget: u64) -> Verdict {
    let verdict = check_slice(history, guarantee, budget, &mut VerdictMemo::default(), &|_| 0, &|| false);
    verdict.unwrap_or_else(|| Verdict::Unknown(phrase("the check has paused", "die Prüfung pausiert").into()))
}

/// Checks one guarantee of a growing history. `revision` returns the revision of a key's operations (none: of all operations),
/// and `memo` holds earlier verdicts. `budget` limits the steps of all searches together; if it does not suffice, the verdict
/// is unknown. A history that could not have violated the guarantee is unknown.
///
/// `pauses` is called before each part of the work: the check of a key, and the reduction of the witness. If it returns true, the
/// result is none, and a later call with the same history continues.
pub fn check_slice(
    history: &History,
    guarantee: Guarantee,
    mut budget: u64,
    memo: &mut VerdictMemo,
    revision: &dyn Fn(Option<u32>) -> u32,
    pauses: &dyn Fn() -> bool,
) -> Option<Verdict> {
    if !history.operations.iter().any(|operation| operation.outcome == Outcome::Ok) {
        return Some(Verdict::Unknown(phrase("no operation succeeded", "keine Operation ist gelungen").into()));
    }
    if let (Guarantee::NoLostUpdate, Some(lost)) = (guarantee, &history.lost) {
        return Some(match lost.counts.count() {
            0 if lost.hidden > 0 => Verdict::Unknown(hidden_losses().into()),
            0 => evidence::missing(history, guarantee).map_or(Verdict::Holds, Verdict::Unknown),
            _ => Verdict::Violated(lost_witness(history, lost)),
        });
    }
    // The sentences name keys only where there are several.
    let has_several_keys = u32::from(history.has_several_keys);
    let revision = &|key| revision(key).wrapping_mul(2).wrapping_add(has_several_keys);
    let index = memo.verdicts.iter().position(|(of, _)| *of == guarantee).unwrap_or_else(|| {
        memo.verdicts.push((guarantee, BTreeMap::new()));
        memo.verdicts.len() - 1
    });
    let mut cache = VerdictCache { verdicts: &mut memo.verdicts[index].1, revision, pauses, is_paused: false };
    let verdict = verdicts::verdict(history, guarantee, &mut cache, &mut budget);
    if cache.is_paused {
        return None;
    }
    match verdict {
        Verdict::Violated(of) => {
            let revision = revision(None);
            let known = |reduced: &&ReducedWitness| {
                (reduced.guarantee, reduced.revision) == (guarantee, revision) && reduced.of == of
            };
            if let Some(reduced) = memo.reduced.iter().find(known) {
                return Some(Verdict::Violated(reduced.witness.clone()));
            }
            if pauses() {
                return None;
            }
            let mut witness = minimal::reduce(history, guarantee, of.clone());
            witness.operations.sort_unstable();
            memo.reduced.retain(|reduced| reduced.guarantee != guarantee);
            memo.reduced.push(ReducedWitness { guarantee, revision, of, witness: witness.clone() });
            Some(Verdict::Violated(witness))
        }
        Verdict::Holds => Some(evidence::missing(history, guarantee).map_or(Verdict::Holds, Verdict::Unknown)),
        Verdict::Unknown(_) => Some(verdict),
    }
}

/// Returns the proof that the servers lost changes, for which one of them is enough.
fn lost_witness(history: &History, lost: &LostChanges) -> Witness {
    let all = lost_changes(&lost.counts);
    let first = lost.operations.first().map(|(place, _)| *place);
    let sentence = match first.filter(|_| lost.counts.count() > 1) {
        Some(place) => {
            let name = explanations::name(history, place);
            sentence!("{all} One of them: the {name}.", "{all} Einer davon: das {name}.")
        }
        None => all,
    };
    Witness { operations: first.into_iter().collect(), sentence }
}

/// States how many acknowledged changes the servers lost, and how.
pub fn lost_changes(counts: &LossCounts) -> String {
    let LossCounts { overwritten, rolled_back, resurrected, disk_lost } = *counts;
    match (overwritten, rolled_back, resurrected, disk_lost) {
        (1, 0, 0, 0) => phrase(
            "An acknowledged write was overwritten without having been seen.",
            "Ein bestätigter Schreibvorgang wurde überschrieben, ohne gesehen worden zu sein.",
        )
        .into(),
        (n, 0, 0, 0) => sentence!(
            "{n} acknowledged writes were overwritten without having been seen.",
            "{n} bestätigte Schreibvorgänge wurden überschrieben, ohne gesehen worden zu sein."
        ),
        (0, 1, 0, 0) => phrase(
            "An acknowledged write was rolled back by its group.",
            "Ein bestätigter Schreibvorgang wurde von seiner Gruppe zurückgerollt.",
        )
        .into(),
        (0, n, 0, 0) => sentence!(
            "{n} acknowledged writes were rolled back by their group.",
            "{n} bestätigte Schreibvorgänge wurden von ihrer Gruppe zurückgerollt."
        ),
        (0, 0, 1, 0) => phrase(
            "An acknowledged deletion was undone: an older value came back after the tombstone was purged.",
            "Eine bestätigte Löschung ging verloren: ein älterer Wert kam wieder, nachdem der Tombstone entfernt war.",
        )
        .into(),
        (0, 0, n, 0) => sentence!(
            "{n} acknowledged deletions were undone: older values came back after the tombstones were purged.",
            "{n} bestätigte Löschungen gingen verloren: ältere Werte kamen wieder, nachdem die Tombstones entfernt waren."
        ),
        (0, 0, 0, 1) => phrase(
            "The last copy of an acknowledged write was lost with a disk.",
            "Die letzte Kopie eines bestätigten Schreibvorgangs ging mit einer Platte verloren.",
        )
        .into(),
        (0, 0, 0, n) => sentence!(
            "The last copies of {n} acknowledged writes were lost with disks.",
            "Die letzten Kopien von {n} bestätigten Schreibvorgängen gingen mit Platten verloren."
        ),
        _ => mixed_losses(counts),
    }
}

/// States how many acknowledged changes were lost in each of several ways.
fn mixed_losses(counts: &LossCounts) -> String {
    let LossCounts { overwritten, rolled_back, resurrected, disk_lost } = *counts;
    let parts = [
        (overwritten, phrase("overwritten without having been seen", "überschrieben, ohne gesehen worden zu sein")),
        (rolled_back, phrase("rolled back by their group", "von ihrer Gruppe zurückgerollt")),
        (
            resurrected,
            phrase(
                "undone, as an older value came back after the tombstone was purged",
                "aufgehoben, weil ein älterer Wert wiederkam, nachdem der Tombstone entfernt war",
            ),
        ),
        (disk_lost, phrase("with their last copy on a disk", "mit ihrer letzten Kopie auf einer Platte")),
    ];
    let parts = parts.iter().filter(|(n, _)| *n > 0).map(|(n, how)| format!("{n} {how}"));
    sentence!(
        "{} acknowledged changes were lost: {}.",
        "{} bestätigte Änderungen gingen verloren: {}.",
        counts.count(),
        parts.collect::<Vec<String>>().join(", ")
    )
}

/// States why it is unknown whether changes were lost of which no copy is left.
pub fn hidden_losses() -> &'static str {
    phrase(
        "no operation read a key after the last copy of an acknowledged change of it was lost with a disk",
        "keine Operation hat einen Schlüssel gelesen, nachdem die letzte Kopie einer bestätigten Änderung von ihm mit einer \
         Platte verloren ging",
    )
}

/// Describes an operation, with the result of a read.
pub fn describe(history: &History, place: usize) -> String {
    match history.operations[place].invocation.changes() {
        true => explanations::name(history, place),
        false => sentence!(
            "{} returned {}",
            "{} lieferte {}",
            explanations::name(history, place),
            explanations::returned(history, place)
        ),
    }
}
