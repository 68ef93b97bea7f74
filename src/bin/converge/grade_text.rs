//! The text of a grade, and the progress of grading.

use converge::grading::{GradeReport, TaskGrade};
use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::time::{Duration, Instant};

/// Reports the progress on standard error: every second on a terminal, otherwise every 10 seconds.
pub struct Progress {
    last: Instant,
    is_terminal: bool,
}

impl Progress {
    #[expect(clippy::disallowed_methods, reason = "progress is reported in real time")]
    pub fn new() -> Self {
        Progress { last: Instant::now(), is_terminal: std::io::stderr().is_terminal() }
    }

    #[expect(clippy::disallowed_methods, reason = "progress is reported in real time")]
    pub fn report(&mut self, task: &str, (done, all): (u64, u64)) {
        let interval = Duration::from_secs(if self.is_terminal { 1 } else { 10 });
        if self.last.elapsed() < interval {
            return;
        }
        self.last = Instant::now();
        let end = if self.is_terminal { "\r" } else { "\n" };
        eprint!("{task}: {done} of {all} runs{end}");
        let _ = std::io::stderr().flush();
    }
}

/// Returns the grade as text.
pub fn text(report: &GradeReport) -> String {
    let mut out = String::new();
    for task in &report.tasks {
        if let Some(first) = &task.first_halt {
            let TaskGrade { task, halted, runs, .. } = task;
            let (seed, why) = (first.seed, &first.why);
            let _ =
                writeln!(out, "{task}: halted: {halted} of {runs} runs, so no goal is met. With seed {seed}, {why}");
        }
    }
    for task in &report.tasks {
        write_task(&mut out, task);
    }
    let verdict = if report.passed { "passed" } else { "not passed" };
    let _ = writeln!(out, "{verdict}: {} of {} points", report.points, report.of);
    out
}

fn write_task(out: &mut String, task: &TaskGrade) {
    let _ = writeln!(out, "{}: {} of {} points, {} runs", task.task, task.points, task.of, task.runs);
    for refused in &task.not_permitted {
        let _ = writeln!(out, "  {}: {}", refused.path, refused.expected);
    }
    if !task.not_permitted.is_empty() {
        return;
    }
    if !task.complete {
        out.push_str("  stopped before its last run, so no goal is met\n");
    }
    for goal in &task.goals {
        let met = if goal.met { "met    " } else { "missed " };
        let figure = match goal.figure {
            Some(figure) => format!("{figure}"),
            None if task.halted > 0 => "unknown".into(),
            None => "nothing was counted".into(),
        };
        let _ = writeln!(out, "  {met} {}: {} (it is {figure})", goal.id, goal.must);
        if !goal.text.is_empty() {
            let _ = writeln!(out, "          {}", goal.text);
        }
        if let Some(failure) = &goal.failure {
            let _ = writeln!(out, "          seed {}, {} ms: {}", failure.seed, failure.at_ms, failure.because);
            if let Some(link) = &failure.link {
                let _ = writeln!(out, "          #{link}");
            }
        }
    }
}
