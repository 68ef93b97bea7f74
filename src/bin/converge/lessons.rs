//! Checks, prints and lists lessons.

use crate::commands::{BadInput, CommandResult, STOP, halted, handle_interrupts, print, read};
use crate::output;
use converge::lessons::LESSONS;
use converge::lessons::lesson::{Lesson, Measurements};
use converge::scenario::challenges::CHALLENGES;
use std::process::ExitCode;
use std::sync::atomic::Ordering;

/// Reads a lesson and measures it.
fn measured(file: &str) -> Result<(Lesson, Measurements), BadInput> {
    let built_in = |id: &str| LESSONS.iter().find(|(_, text)| Lesson::parse(text).is_ok_and(|lesson| lesson.id == id));
    let is_named = file.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("lesson="));
    let text = match is_named.then(|| &file[7..]) {
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
    text.push(format!(
        "{}: {steps} steps, {scenarios} scenarios, {numbers} measured numbers, {questions} questions; {} refuted{unknown}",
        lesson.id,
        refuted.len()
    ));
    print(&output::lines(&text))?;
    Ok(if halts.is_empty() { ExitCode::from(u8::from(!refuted.is_empty())) } else { halted() })
}

pub fn show(file: &str) -> CommandResult {
    let (lesson, measured) = measured(file)?;
    if STOP.load(Ordering::Relaxed) {
        return Ok(halted());
    }
    print(&lesson.text(&measured))
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
