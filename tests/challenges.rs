//! Each challenge fails as it is given, accepts the intended solution, and does not accept an obvious wrong idea.

use converge::grading::{Grader, TaskGrade};
use converge::scenario::Scenario;
use converge::scenario::challenges::{CHALLENGES, Challenge};
use converge::session::sweep::MAX_EVENTS;
use serde_json::{Map, Value};

/// The fields that the solution and the wrong idea of each challenge change, by their JSON pointers.
fn answers() -> Value {
    serde_json::from_str(include_str!("challenges/answers.json")).expect("valid JSON")
}

/// Returns the challenge with other fields.
fn changed(challenge: &Challenge, changes: &Map<String, Value>) -> Scenario {
    // Changes the JSON text, because a document that is read and written again omits fields that have their defaults.
    let mut document: Value = serde_json::from_str(challenge.json).expect("valid JSON");
    for (pointer, value) in changes {
        let (parent, field) = pointer.rsplit_once('/').expect("a pointer");
        let parent = document.pointer_mut(parent).unwrap_or_else(|| panic!("{}: {pointer}", challenge.id));
        match parent {
            Value::Array(items) => items[field.parse::<usize>().expect("an index")] = value.clone(),
            Value::Object(fields) => drop(fields.insert(field.into(), value.clone())),
            _ => panic!("{}: {pointer} is no field", challenge.id),
        }
    }
    Scenario::from_json(&document.to_string()).unwrap_or_else(|errors| panic!("{}: {errors:?}", challenge.id))
}

fn grade(challenge: &Challenge, answer: &Scenario) -> TaskGrade {
    let document = challenge.scenario();
    let mut grader = Grader::new(&document, &document.tasks[0], answer, MAX_EVENTS).expect("a grader");
    grader.complete();
    grader.grade()
}

#[test]
fn the_given_start_of_each_challenge_fails() {
    for challenge in CHALLENGES {
        let document = challenge.scenario();
        assert_eq!((document.tasks.len(), document.tasks[0].id.as_str()), (1, challenge.id));
        assert!(!document.tasks[0].hints.is_empty(), "{} has no hint", challenge.id);
        let grade = grade(challenge, &document);
        assert!(!grade.passed && grade.complete, "{}: {grade:#?}", challenge.id);
    }
}

#[test]
fn the_intended_solution_of_each_challenge_passes() {
    let answers = answers();
    for challenge in CHALLENGES {
        let solution = answers[challenge.id]["solution"].as_object().expect("a solution");
        let grade = grade(challenge, &changed(challenge, solution));
        assert!(grade.passed && grade.points == grade.of, "{}: {grade:#?}", challenge.id);
        assert!(grade.runs >= 200, "{}", challenge.id);
    }
}

#[test]
fn an_obvious_wrong_idea_for_each_challenge_fails_without_breaking_a_rule() {
    let answers = answers();
    for challenge in CHALLENGES {
        let wrong = answers[challenge.id]["wrong"].as_object().expect("a wrong idea");
        let grade = grade(challenge, &changed(challenge, wrong));
        assert!(!grade.passed && grade.not_permitted.is_empty(), "{}: {grade:#?}", challenge.id);
    }
}
