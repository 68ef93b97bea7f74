//! Formats the report of `converge why`.

use crate::output;
use converge::report::ReasonsReport;
use converge::session::labels;

/// Formats the verdict, and the missing updates of each copy with the records that led there.
pub fn text(report: &ReasonsReport) -> String {
    let mut lines: Vec<String> = report.halted.iter().map(|why| labels::capitalized(why)).collect();
    lines.push(report.verdict.to_string());
    lines.extend(report.because.iter().cloned());
    for reason in &report.copies {
        lines.push(reason.sentence.clone());
        for step in &reason.steps {
            lines.push(format!("  {:>10}  {}", labels::duration((step.at_ms * 1000.0) as u64), step.text));
        }
    }
    output::lines(&lines)
}
