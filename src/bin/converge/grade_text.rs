//! The text of a grade, and the progress of grading.

use crate::output;
use converge::grading::{GradeReport, TaskGrade};
use converge::session::labels;
use std::io::{IsTerminal, Write};
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
    let mut lines = Vec::new();
    for task in &report.tasks {
        if let Some(first) = &task.first_halt {
            let TaskGrade { task, halted, runs, .. } = task;
            let (seed, why) = (first.seed, &first.why);
            lines.push(format!("{task}: halted: {halted} of {runs} runs, so no goal is met. With seed {seed}, {why}"));
        }
    }
    for task in &report.tasks {
        add_task(&mut lines, task);
    }
    let verdict = if report.passed { "passed" } else { "not passed" };
    lines.push(format!("{verdict}: {} of {}", report.points, points(report.of)));
    output::lines(&lines)
}

fn points(of: u32) -> String {
    labels::count(of.into(), "point", "points")
}

fn add_task(lines: &mut Vec<String>, task: &TaskGrade) {
    lines.push(format!(
        "{}: {} of {}, {}",
        task.task,
        task.points,
        points(task.of),
        labels::count(task.runs, "run", "runs")
    ));
    lines.extend(task.not_permitted.iter().map(|refused| format!("  {}: {}", refused.path, refused.expected)));
    if !task.not_permitted.is_empty() {
        return;
    }
    if !task.complete {
        lines.push("  stopped before its last run, so no goal is met".into());
    }
    for goal in &task.goals {
        let met = if goal.met { "met    " } else { "missed " };
        let figure = match goal.figure {
            Some(figure) => format!("{figure}"),
            None if task.halted > 0 => "unknown".into(),
            None if goal.met || goal.failure.is_some() => "not known exactly".into(),
            None => "nothing was counted".into(),
        };
        lines.push(format!("  {met} {}: {} (it is {figure})", goal.id, goal.must));
        if !goal.text.is_empty() {
            lines.push(format!("          {}", goal.text));
        }
        if let Some(failure) = &goal.failure {
            lines.push(format!("          seed {}, {} ms: {}", failure.seed, failure.at_ms, failure.because));
            lines.extend(failure.link.iter().map(|link| format!("          #{link}")));
        }
    }
}
