//! Formats the report of `converge check`.

use crate::output;
use converge::report::{CheckReport, OperationReport, VerdictReport};
use converge::session::labels;
use serde_json::Value;

/// The exit code: 0 if all guarantees hold, 1 if one is violated, otherwise 3.
pub fn exit_code(report: &CheckReport) -> u8 {
    let any = |wanted: fn(&VerdictReport) -> bool| report.verdicts.iter().any(wanted);
    if any(|verdict| matches!(verdict, VerdictReport::Violated { .. })) {
        1
    } else if any(|verdict| matches!(verdict, VerdictReport::Unknown { .. })) {
        3
    } else {
        0
    }
}

/// Formats the verdicts, and the operations that prove a violation.
pub fn text(report: &CheckReport) -> String {
    let CheckReport { operations, ok, fail, unknown, processes, keys, .. } = report;
    let count = |n: &usize, one: &str, many: &str| labels::count(*n as u64, one, many);
    let mut lines = vec![format!(
        "{}: {ok} ok, {fail} fail, {unknown} unknown; {}, {}",
        count(operations, "operation", "operations"),
        count(processes, "process", "processes"),
        count(keys, "key", "keys")
    )];
    for verdict in &report.verdicts {
        match verdict {
            VerdictReport::Holds { guarantee } => lines.push(format!("{guarantee}: holds")),
            VerdictReport::Unknown { guarantee, why } => lines.push(format!("{guarantee}: unknown: {why}")),
            VerdictReport::Violated { guarantee, sentence, operations } => {
                lines.push(format!("{guarantee}: violated. {sentence}"));
                lines.extend(operations.iter().map(line));
            }
        }
    }
    output::lines(&lines)
}

fn line(operation: &OperationReport) -> String {
    let OperationReport { index, process, key, f, value, outcome } = operation;
    let process = match process {
        Value::String(name) => name.clone(),
        number => number.to_string(),
    };
    let key = key.as_ref().filter(|key| !key.is_empty()).map_or(String::new(), |key| format!(" of {key}"));
    // A deletion has no argument.
    let value = if f == "delete" { String::new() } else { format!(" {value}") };
    format!("  {index:>6}  process {process}  {f}{value}{key}  {outcome}")
}
