//! What `converge why` prints.

use converge::scenario::Scenario;
use converge::session::{Run, reasons, words};
use converge::trace::{KeyId, NodeId};
use serde::Serialize;

/// Whether the copies come to agree, and why some are not as they should be.
#[derive(Serialize)]
pub struct Reasons {
    /// `converged`, `converging`, `will not converge` or `unknown`.
    pub verdict: &'static str,
    pub at_ms: f64,
    pub copies: Vec<Reason>,
}

/// One copy and one update that it lacks.
#[derive(Serialize)]
pub struct Reason {
    pub service: String,
    pub key: String,
    /// Whether it can come to agree without anybody doing anything.
    pub hopeful: bool,
    pub sentence: String,
    pub steps: Vec<Step>,
}

#[derive(Serialize)]
pub struct Step {
    /// Number of the record in the log.
    pub record: u64,
    pub at_ms: f64,
    pub text: String,
}

impl Reasons {
    pub fn new(run: &Run, scenario: &Scenario, copies: impl Iterator<Item = (NodeId, KeyId)>) -> Self {
        let look = run.look(scenario);
        let whys = copies.flat_map(|(node, key)| look.why(node, key));
        let reason = |why: converge::analysis::Why| Reason {
            service: look.names.node(why.node).into(),
            key: look.names.key(why.key).into(),
            hopeful: why.prospect.hopeful(),
            sentence: reasons::sentence(&why, &look),
            steps: reasons::steps(&why, &look)
                .into_iter()
                .map(|step| Step { record: step.record, at_ms: step.at as f64 / 1000.0, text: step.text })
                .collect(),
        };
        let copies = whys.map(reason).collect();
        let verdict = reasons::convergence(&run.convergence(scenario), &look).0;
        Reasons { verdict, at_ms: run.engine().now() as f64 / 1000.0, copies }
    }

    pub fn text(&self) -> String {
        let mut lines = vec![self.verdict.to_string()];
        for reason in &self.copies {
            lines.push(reason.sentence.clone());
            for step in &reason.steps {
                lines.push(format!("  {:>10}  {}", words::duration((step.at_ms * 1000.0) as u64), step.text));
            }
        }
        lines.join("\n") + "\n"
    }
}
