//! The run that proves or refutes a choice, and the instant that shows it.

use super::Lesson;
use super::measure::{GoalOwner, ScenarioMeasurement};
use crate::grading::GoalGrade;
use crate::language::{decimal, phrase, sentence};
use crate::scenario::goal::{Condition, Figure, Requirement};
use crate::scenario::{Micros, Scenario, micros};
use crate::session::{Run, log_text};
use crate::trace::{Fact, Outcome};

/// A run at an instant.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Instant {
    /// The seed of the run.
    pub seed: u64,
    /// When.
    pub at: Micros,
    /// A sentence about what the run shows then.
    pub because: String,
}

impl Lesson {
    /// Finds the run that shows a choice. If the goal requires a condition to be rare, that is a run that violates the
    /// condition, at the violation. Otherwise it is the first run that shows what the figure counts.
    pub(super) fn instant(&self, question: usize, choice: usize, measurement: &ScenarioMeasurement) -> Option<Instant> {
        let proof = &self.questions.get(question)?.choices.get(choice)?.shown_by;
        let scenario = self.scenarios.get(&proof.scenario)?.of_branch(None).ok()?;
        let owner = GoalOwner::Choice(question, choice);
        let grade = measurement.results().into_iter().find(|(other, _)| *other == owner).map(|(_, grade)| grade);
        let requirement = Requirement::parse(&proof.must, &scenario).ok()?;
        let from_grade = grade.as_ref().and_then(|grade| violation(grade, &requirement));
        Some(from_grade.unwrap_or_else(|| first_that_shows(&scenario, &requirement.figure)))
    }
}

/// Returns the first run that violates a condition that few runs meet.
fn violation(grade: &GoalGrade, requirement: &Requirement) -> Option<Instant> {
    let failure = grade.failure.as_ref()?;
    let is_rare = !requirement.bound.is_met(1.0, requirement.number);
    is_rare.then(|| Instant { seed: failure.seed, at: micros(failure.at_ms), because: failure.because.clone() })
}

/// Returns the first seed and instant of an event that a figure counts; the end of the first run if there is none.
fn first_that_shows(scenario: &Scenario, figure: &Figure) -> Instant {
    for seed in 1..=20 {
        if let Some((at, because)) = event_of(&Scenario { seed, ..scenario.clone() }, figure) {
            return Instant { seed, at, because };
        }
    }
    Instant { seed: 1, at: micros(scenario.until_ms), because: String::new() }
}

/// The first event of a run that a figure counts, and its sentence; none if the end of the run shows it.
fn event_of(scenario: &Scenario, figure: &Figure) -> Option<(Micros, String)> {
    let mut run = Run::new(scenario);
    let (mut found, mut lost) = (None, 0);
    run.advance(micros(scenario.until_ms), u64::MAX, &mut |record, analysis, engine| {
        let is_new_loss = analysis.lost.count() > std::mem::replace(&mut lost, analysis.lost.count());
        let is_counted = match figure {
            Figure::Number("lost_updates") | Figure::Runs(Condition::NoLostUpdates) => is_new_loss,
            Figure::Number(name) | Figure::Statistic(name, _) => is_counted(&record.fact, name),
            Figure::Runs(_) | Figure::Curve(..) | Figure::Error(_) => false,
        };
        if is_counted && found.is_none() {
            found = Some((record.at, log_text::sentence(record, analysis, engine.names()).text));
        }
    });
    let longest = |reads: bool| {
        let operations = run.timed().filter(|timed| timed.read == reads);
        operations.max_by_key(|timed| timed.took).map(|timed| {
            let ms = decimal(format_args!("{:.1}", timed.took as f64 / 1e3));
            let text = match reads {
                true => sentence!("A read has taken {} ms.", "Ein Lesevorgang hat {} ms gedauert.", ms),
                false => sentence!("A write has taken {} ms.", "Ein Schreibvorgang hat {} ms gedauert.", ms),
            };
            (timed.at + timed.took, text)
        })
    };
    match figure {
        Figure::Number("stale_read_share") | Figure::Statistic("stale_read_t_ms" | "stale_read_k", _) => {
            let stale = run.timed().find(|timed| timed.behind > 0);
            stale.map(|timed| {
                (
                    timed.at + timed.took,
                    phrase("A read returns an old value.", "Ein Lesevorgang liefert einen alten Wert.").into(),
                )
            })
        }
        Figure::Statistic("read_latency_ms", _) => longest(true),
        Figure::Statistic("write_latency_ms", _) => longest(false),
        Figure::Runs(_) | Figure::Number(_) | Figure::Statistic(..) | Figure::Curve(..) | Figure::Error(_) => found,
    }
}

/// Returns whether a fact is one that a figure counts.
fn is_counted(fact: &Fact, figure: &str) -> bool {
    let names: &[&str] = match figure {
        "write_ok_share" | "read_ok_share" => {
            return matches!(fact, Fact::OperationEnded { outcome: Outcome::Fail | Outcome::Unknown, .. });
        }
        "never_published" => &["publication_lost", "publish_abandoned"],
        "dead_lettered" => &["event_dead_lettered"],
        "discarded" => &["event_discarded"],
        "window_ms" | "windows_open" | "stale_read_window_ms" => &["update_acknowledged"],
        _ => &[],
    };
    names.contains(&fact.name())
}
