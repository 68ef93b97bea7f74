//! Checks, prints and lists lessons; prints and lists challenges.

use crate::commands::{BadInput, CommandResult, STOP, halted, handle_interrupts, print, read};
use crate::output;
use converge::lessons::LESSONS;
use converge::lessons::lesson::{Lesson, Measurements};
use converge::scenario::challenges::{self, CHALLENGES, Challenge};
use converge::scenario::{Goal, Task, TaskNode};
use converge::session::labels;
use std::process::ExitCode;
use std::sync::atomic::Ordering;

/// Returns the id after a prefix such as `lesson=`, which may be written in capitals.
fn id_after<'a>(prefix: &str, text: &'a str) -> Option<&'a str> {
    text.get(..prefix.len()).filter(|start| start.eq_ignore_ascii_case(prefix)).map(|_| &text[prefix.len()..])
}

/// Returns the challenge that an argument names; none if it names something else.
fn named_challenge(argument: &str) -> Option<Result<&'static Challenge, BadInput>> {
    let id = id_after("challenge=", argument)?;
    let unknown = || BadInput::new(format!("no challenge has the id `{id}`; `converge lesson list` prints them"));
    Some(challenges::find(id).ok_or_else(unknown))
}

/// Reads a lesson and measures it.
fn measured(file: &str) -> Result<(Lesson, Measurements), BadInput> {
    let built_in = |id: &str| LESSONS.iter().find(|(_, text)| Lesson::parse(text).is_ok_and(|lesson| lesson.id == id));
    let text = match id_after("lesson=", file) {
        None => read(file)?,
        Some(id) => match built_in(id) {
            Some((_, text)) => (*text).to_string(),
            None => {
                return Err(BadInput::new(format!("no lesson has the id `{id}`; `converge lesson list` prints them")));
            }
        },
    };
    let lesson = Lesson::parse(&text)
        .map_err(|errors| BadInput(errors.iter().map(|error| format!("{file}: {error}")).collect()))?;
    handle_interrupts()?;
    let measured = lesson.measure_in_parts(&mut || !STOP.load(Ordering::Relaxed)).map_err(|error| vec![error])?;
    Ok((lesson, measured))
}

pub fn check(file: &str) -> CommandResult {
    if let Some(challenge) = named_challenge(file) {
        let id = challenge?.id;
        let problem = "a lesson is expected, not a challenge, which has no measured numbers";
        return Err(BadInput::new(format!("{file}: {problem}; `converge grade challenge={id}` grades an answer")));
    }
    let (lesson, measured) = measured(file)?;
    if STOP.load(Ordering::Relaxed) {
        return Ok(halted());
    }
    let (halts, unknown, refuted) = (measured.halts(), lesson.unknown(&measured), lesson.refuted(&measured));
    let lines = [("halted", &halts), ("unknown", &unknown), ("refuted", &refuted)];
    let mut text: Vec<String> =
        lines.iter().flat_map(|(kind, lines)| lines.iter().map(move |line| format!("{kind}: {line}"))).collect();
    let (steps, scenarios) = (lesson.steps.len(), lesson.scenarios.len());
    let (numbers, questions) = (lesson.expressions.len(), lesson.questions.len());
    let unknown = if halts.is_empty() { String::new() } else { format!(", {} unknown", unknown.len()) };
    let count = |n: usize, one: &str, many: &str| labels::count(n as u64, one, many);
    text.push(format!(
        "{}: {}, {}, {}, {}; {} refuted{unknown}",
        lesson.id,
        count(steps, "step", "steps"),
        count(scenarios, "scenario", "scenarios"),
        count(numbers, "measured number", "measured numbers"),
        count(questions, "question", "questions"),
        refuted.len()
    ));
    print(&output::lines(&text))?;
    Ok(if halts.is_empty() { ExitCode::from(u8::from(!refuted.is_empty())) } else { halted() })
}

pub fn show(file: &str) -> CommandResult {
    if let Some(challenge) = named_challenge(file) {
        return print(&challenge_text(challenge?));
    }
    let (lesson, measured) = measured(file)?;
    if STOP.load(Ordering::Relaxed) {
        return Ok(halted());
    }
    print(&lesson.text(&measured))
}

/// Describes what a challenge asks for.
fn challenge_text(challenge: &Challenge) -> String {
    let scenario = challenge.scenario();
    let mut lines = vec![format!("# {}", scenario.title), String::new()];
    for task in &scenario.tasks {
        add_task(&mut lines, task);
    }
    let id = challenge.id;
    lines.push(format!("`converge link decode challenge={id}` prints the scenario, and"));
    lines.push(format!("`converge grade challenge={id} --answer FILE` grades an answer."));
    output::lines(&lines)
}

fn add_task(lines: &mut Vec<String>, task: &Task) {
    lines.extend([task.text.clone(), String::new(), format!("Goals, over {} runs:", task.runs), String::new()]);
    for Goal { id, text, must, points, .. } in &task.goals {
        let points = labels::count((*points).into(), "point", "points");
        lines.push(format!("- {id} ({points}): {text}"));
        lines.push(format!("  `{must}`"));
    }
    lines.push(String::new());
    let nodes = task.palette.iter().map(|node| match node {
        TaskNode::Service => "services",
        TaskNode::Bus => "buses",
        TaskNode::Client => "clients",
        TaskNode::Group => "groups",
    });
    let added: Vec<&str> = nodes.chain(task.faults.then_some("commands of the script")).collect();
    for (what, all) in [("Permitted changes", task.change.join(", ")), ("Permitted additions", added.join(", "))] {
        if !all.is_empty() {
            lines.extend([format!("{what}: {all}"), String::new()]);
        }
    }
}

pub fn list() -> CommandResult {
    let mut text = String::new();
    for lesson in LESSONS.iter().filter_map(|(_, text)| Lesson::parse(text).ok()) {
        text += &format!("lesson={}  {}\n", lesson.id, lesson.title);
    }
    for challenge in CHALLENGES {
        text += &format!("challenge={}  {}\n", challenge.id, challenge.scenario().title);
    }
    print(&text)
}
