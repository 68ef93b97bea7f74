use super::guarantee::Guarantee;
use crate::language::phrase;
use std::collections::BTreeMap;

/// A proof that a guarantee is violated.
#[derive(Clone, Debug, PartialEq)]
pub struct Witness {
    /// Indexes of the operations in the history, in order.
    pub operations: Vec<usize>,
    /// The explanation.
    pub sentence: String,
}

/// The verdict on a guarantee.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// The history satisfies it.
    Holds,
    /// The history violates it.
    Violated(Witness),
    /// Neither could be shown, for this reason.
    Unknown(String),
}

/// The revision of the operations and the verdict, by key; the key `None` covers all keys together.
pub(super) type VerdictsByKey = BTreeMap<Option<u32>, (u32, Verdict)>;

/// Verdicts found before. A verdict stays valid until the revision of its key's operations changes, so that checking a growing
/// history costs only the changed keys.
#[derive(Clone, Debug, Default)]
pub struct VerdictMemo {
    pub(super) verdicts: Vec<(Guarantee, VerdictsByKey)>,
    pub(super) reduced: Vec<ReducedWitness>,
}

/// A minimal witness.
#[derive(Clone, Debug)]
pub(super) struct ReducedWitness {
    pub guarantee: Guarantee,
    /// The revision of all operations.
    pub revision: u32,
    /// The witness before its reduction.
    pub of: Witness,
    pub witness: Witness,
}

/// The verdicts on one guarantee found before.
pub(super) struct VerdictCache<'a> {
    pub verdicts: &'a mut VerdictsByKey,
    pub revision: &'a dyn Fn(Option<u32>) -> u32,
    /// Returns whether the check pauses before the next key that it has to check.
    pub pauses: &'a dyn Fn() -> bool,
    /// Whether the check has paused, so that the verdicts of this call are incomplete.
    pub is_paused: bool,
}

impl<'a> VerdictCache<'a> {
    /// Returns a cache of a check that does not pause.
    pub fn fresh(verdicts: &'a mut VerdictsByKey) -> Self {
        VerdictCache { verdicts, revision: &|_| 0, pauses: &|| false, is_paused: false }
    }

    /// Returns the verdict on a key, or on all keys together. Checks it only if the revision changed.
    pub fn verdict(&mut self, key: Option<u32>, check: impl FnOnce() -> Verdict) -> Verdict {
        let revision = (self.revision)(key);
        match self.verdicts.get(&key) {
            Some((checked, verdict)) if *checked == revision => verdict.clone(),
            Some(_) | None if self.is_paused || (self.pauses)() => {
                self.is_paused = true;
                Verdict::Unknown(phrase("the check has paused", "die Prüfung pausiert").into())
            }
            Some(_) | None => {
                let verdict = check();
                self.verdicts.insert(key, (revision, verdict.clone()));
                verdict
            }
        }
    }
}
