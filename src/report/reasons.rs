//! The report of why copies are stale, conflicted or diverged.

use crate::analysis::{Convergence, Explanation};
use crate::scenario::Scenario;
use crate::session::{Run, halt_text, reasons};
use crate::trace::{KeyId, NodeId};
use serde::Serialize;

/// Whether the copies come to agree, and the reason for each copy that does not agree yet.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct ReasonsReport {
    /// Why the run was halted before that time; null if it was not. Then the verdict is unknown.
    pub halted: Option<String>,
    /// `converged`, `converging`, `will not converge` or `unknown`.
    pub verdict: &'static str,
    /// The time at which the run was examined, ms.
    pub at_ms: f64,
    /// The reasons for a verdict that no copy explains, a sentence each.
    pub because: Vec<String>,
    /// One entry for each update that a copy lacks.
    pub copies: Vec<ReasonReport>,
}

/// A copy and one update that it lacks.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct ReasonReport {
    /// The service's id.
    pub service: String,
    /// The key.
    pub key: String,
    /// Whether the copy can still become consistent without intervention.
    pub can_converge: bool,
    /// What the copy lacks and what may still bring it.
    pub sentence: String,
    /// The records that led to this state, in order.
    pub steps: Vec<StepReport>,
}

/// A record of the trace that explains the state of a copy.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct StepReport {
    /// The number of the record in the trace.
    pub record: u64,
    /// The time of the record, ms.
    pub at_ms: f64,
    /// The sentence of the page's log.
    pub text: String,
}

impl ReasonsReport {
    /// Explains the state of `copies` in a run of `scenario`.
    pub fn new(run: &Run, scenario: &Scenario, copies: impl Iterator<Item = (NodeId, KeyId)>) -> Self {
        let context = run.context(scenario);
        let reason = |why: Explanation| ReasonReport {
            service: context.names.node(why.node).into(),
            key: context.names.key(why.key).into(),
            can_converge: why.prospect.can_converge(),
            sentence: reasons::sentence(&why, &context),
            steps: reasons::steps(&why, &context)
                .into_iter()
                .map(|step| StepReport { record: step.record, at_ms: step.at as f64 / 1000.0, text: step.text })
                .collect(),
        };
        let copies: Vec<ReasonReport> = copies.flat_map(|(node, key)| context.explain(node, key)).map(reason).collect();
        let (judged, repeated) = run.judge(scenario);
        let (verdict, reasons) = reasons::convergence_with(&judged, &repeated, &context);
        let is_explained = match &judged {
            Convergence::Converging(copies) | Convergence::WillNotConverge(copies) => !copies.is_empty(),
            Convergence::Converged | Convergence::Unknown(_) => false,
        };
        let because = if is_explained || !copies.is_empty() { Vec::new() } else { reasons };
        let at_ms = run.engine().now() as f64 / 1000.0;
        ReasonsReport { halted: halt_text::sentence(run), verdict, at_ms, because, copies }
    }
}
