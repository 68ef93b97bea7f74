use super::*;
use crate::analysis::check::GUARANTEES;
use crate::scenario::goal::HISTORY_GUARANTEES;
use serde_json::json;

/// An update whose event is lost if the publisher crashes between commit and publication.
fn document() -> serde_json::Value {
    json!({
        "converge": 1,
        "until_ms": 5000,
        "services": [
            { "id": "inventory", "data": { "widget": 50 }, "publishes": [{ "to": "bus", "gap_ms": 50 }] },
            { "id": "copy", "data": { "widget": 50 }, "subscribes": [{ "to": "bus" }] }
        ],
        "buses": [{ "id": "bus" }],
        "script": [
            { "at_ms": 500, "do": { "operate": { "service": "inventory", "operation": { "write": { "key": "widget", "value": 48 } } } } },
            { "at_ms": 520, "do": { "crash": { "service": "inventory" } } },
            { "at_ms": 2000, "do": { "restart": { "service": "inventory" } } }
        ],
        "tasks": [{
            "id": "keep",
            "change": ["inventory.publishes"],
            "goals": [
                { "id": "arrives", "must": "runs(finally copy.widget == 48) == 1", "points": 3 },
                { "id": "cheap", "must": "messages <= 10" }
            ]
        }]
    })
}

fn scenario(json: &serde_json::Value) -> Scenario {
    Scenario::from_json(&json.to_string()).expect("valid")
}

fn grade_of(document: &serde_json::Value, answer: &serde_json::Value) -> TaskGrade {
    let (document, answer) = (scenario(document), scenario(answer));
    let mut grader = Grader::new(&document, &document.tasks[0], &answer, 1_000_000).expect("a grader");
    grader.complete();
    grader.grade()
}

fn with(change: impl FnOnce(&mut serde_json::Value)) -> serde_json::Value {
    let mut answer = document();
    change(&mut answer);
    answer
}

#[test]
fn a_figure_that_misses_its_bound_has_a_run_that_shows_it() {
    let document = with(|document| document["tasks"][0]["goals"][1]["must"] = json!("never_published == 0"));
    let grade = grade_of(&document, &document);
    let failure = grade.goals[1].failure.as_ref().expect("a run");
    assert_eq!((grade.goals[1].met, failure.seed, &*failure.because), (false, 1, "in this run, the figure is 1"));
    assert!(failure.link.is_some());
    let met = grade_of(&self::document(), &self::document());
    assert_eq!(met.goals[1].failure, None);
}

#[test]
fn what_will_never_be_reflected_is_not_called_missing_so_far() {
    let of = |until_ms: f64, steps: usize| {
        let document = with(|document| {
            document["until_ms"] = json!(until_ms);
            document["script"].as_array_mut().expect("steps").truncate(steps);
            document["tasks"][0]["goals"] = json!([
                { "id": "window", "must": "window_ms.max <= 100" }, { "id": "convergence", "must": "convergence_ms.max <= 100" }
            ]);
        });
        let goals = grade_of(&document, &document).goals.into_iter();
        goals.map(|goal| goal.failure.expect("a run").because).collect::<Vec<String>>()
    };
    // The publisher has crashed, and will never publish the event.
    let never = [
        "at the end, a copy lacks an update and will never have it",
        "at the end, a copy is not consistent and will never be",
    ];
    assert_eq!(of(5000.0, 3), never);
    // Without the crash, the event is on its way.
    assert_eq!(of(556.0, 1), ["at the end, a copy lacks an update", "at the end, a copy is not consistent"]);
}

#[test]
fn an_answer_gets_points_for_each_goal_that_it_meets() {
    let start = grade_of(&document(), &document());
    assert_eq!((start.passed, start.points, start.of, start.runs, start.complete), (false, 1, 4, 200, true));
    let failure = start.goals[0].failure.as_ref().expect("a failing run");
    assert_eq!(failure.seed, 1);
    let link = failure.link.as_ref().expect("a link");
    assert!(link::decode(link).is_ok_and(|opened| opened.at.is_some()), "{link}");
    let solved = grade_of(
        &document(),
        &with(|answer| {
            answer["services"][0]["publishes"][0] =
                json!({ "to": "bus", "mode": { "outbox": { "poll_ms": 100, "batch": 10 } } })
        }),
    );
    assert_eq!((solved.passed, solved.points, solved.goals[0].figure), (true, 4, Some(1.0)));
    assert_ne!(solved.digest, start.digest);
}

#[test]
fn the_grade_is_the_same_each_time_and_depends_on_no_title_or_position() {
    let answer = with(|answer| {
        answer["title"] = json!("mine");
        answer["seed"] = json!(99);
        answer["services"][0]["name"] = json!("Stock");
        answer["services"][0]["position"] = json!([1, 2]);
    });
    let (first, second) = (grade_of(&document(), &document()), grade_of(&document(), &answer));
    assert_eq!(first.digest, second.digest);
    assert!(second.not_permitted.is_empty(), "{:?}", second.not_permitted);
}

#[test]
fn changes_without_permission_are_refused_and_earn_nothing() {
    type Change = fn(&mut serde_json::Value);
    let cases: [(Change, &str); 7] = [
        (|answer| answer["script"].as_array_mut().expect("a list").truncate(1), "script"),
        (|answer| answer["script"][1]["at_ms"] = json!(900), "script"),
        (|answer| answer["services"][1]["subscribes"][0]["effect"] = json!("overwrite"), "copy.subscribes.0.effect"),
        (|answer| answer["until_ms"] = json!(400), "until_ms"),
        (|answer| answer["services"][1]["data"]["more"] = json!(1), "copy.data.more"),
        (|answer| answer["links"] = json!([{ "from": "inventory", "to": "bus" }]), "links"),
        (|answer| answer["services"].as_array_mut().expect("a list").push(json!({ "id": "more" })), "more"),
    ];
    for (change, path) in cases {
        let grade = grade_of(&document(), &with(change));
        let paths: Vec<&str> = grade.not_permitted.iter().map(|refused| refused.path.as_str()).collect();
        assert_eq!((paths, grade.points, grade.runs), (vec![path], 0, 0));
        assert!(grade.not_permitted[0].expected.contains("`inventory.publishes`"), "{:?}", grade.not_permitted);
    }
}

#[test]
fn a_palette_and_permission_for_faults_allow_additions() {
    let document = with(|document| {
        document["tasks"][0]["palette"] = json!(["service"]);
        document["tasks"][0]["faults"] = json!(true);
    });
    let mut answer = document.clone();
    answer["services"].as_array_mut().expect("a list").push(json!({ "id": "more", "subscribes": [{ "to": "bus" }] }));
    answer["links"] = json!([{ "from": "bus", "to": "more", "loss": 0.5 }]);
    answer["script"].as_array_mut().expect("a list").push(json!({ "at_ms": 1, "do": "heal_all" }));
    assert_eq!(grade_of(&document, &answer).not_permitted, []);
    answer["buses"].as_array_mut().expect("a list").push(json!({ "id": "second" }));
    assert_eq!(grade_of(&document, &answer).not_permitted[0].path, "second");
}

#[test]
fn a_goal_about_a_node_that_the_answer_removed_is_not_met() {
    let document = with(|document| document["tasks"][0]["change"] = json!(["copy", "links"]));
    let mut answer = document.clone();
    answer["services"].as_array_mut().expect("a list").pop();
    answer["tasks"] = json!([]);
    let grade = grade_of(&document, &answer);
    assert_eq!(grade.not_permitted, []);
    assert!(!grade.goals[0].met && grade.goals[0].failure.is_some(), "{:?}", grade.goals[0]);
}

#[test]
fn a_grade_that_was_cancelled_meets_no_goal() {
    let document = scenario(&document());
    let mut grader = Grader::new(&document, &document.tasks[0], &document, 1_000_000).expect("a grader");
    assert!(grader.step());
    assert_eq!(grader.progress(), (1, 200));
    let grade = grader.grade();
    assert_eq!((grade.complete, grade.points), (false, 0));
}

#[test]
fn a_halted_run_meets_no_condition() {
    let document = scenario(&with(|document| document["tasks"][0]["goals"][0]["must"] = json!("runs(converged) == 0")));
    let mut grader = Grader::new(&document, &document.tasks[0], &document, 3).expect("a grader");
    grader.step();
    let failure = grader.grade().goals[0].failure.clone().expect("the run is halted");
    assert!(failure.because.contains('3'), "{failure:?}");
}

#[test]
fn figures_of_halted_runs_meet_no_goal() {
    for must in ["never_published == 0", "lost_updates == 0", "runs(converged) == 0", "messages >= 0"] {
        let document = scenario(&with(|document| document["tasks"][0]["goals"][0]["must"] = json!(must)));
        let mut grader = Grader::new(&document, &document.tasks[0], &document, 3).expect("a grader");
        grader.complete();
        let grade = grader.grade();
        assert_eq!((grade.passed, grade.points, grade.halted, grade.complete), (false, 0, 200, true), "{must}");
        assert_eq!(grade.first_halt.as_ref().map(|first| first.seed), Some(1), "{must}");
        assert_eq!(grade.goals[0].figure, None, "{must}");
        let report = GradeReport::new(vec![grade]);
        assert_eq!((report.passed, report.halted, report.first_halt.is_some()), (false, 200, true), "{must}");
    }
}

#[test]
fn goals_on_counts_and_on_equal_durations_are_judged_exactly() {
    let document = with(|document| {
        // Each link takes 5 ms, and the handler 1 ms.
        document["default_latency"] = json!({ "constant": { "ms": 5 } });
        document["services"][0]["publishes"] = json!([{ "to": "bus" }]);
        let script = document["script"].as_array_mut().expect("a script");
        script.truncate(1);
        let musts = [
            "deliveries.max == 1",
            "deliveries.p50 == 1",
            "deliveries.max < 1",
            "window_ms.p50 <= 11",
            "window_ms.max == 11",
            "window_ms.p50 > 11",
        ];
        let goals = musts.iter().enumerate().map(|(i, must)| json!({ "id": i.to_string(), "must": must }));
        document["tasks"][0]["goals"] = goals.collect();
    });
    let grade = grade_of(&document, &document);
    let met: Vec<bool> = grade.goals.iter().map(|goal| goal.met).collect();
    assert_eq!(met, [true, true, false, true, true, false], "{:#?}", grade.goals);
}

#[test]
fn goals_can_be_of_every_kind_of_figure() {
    let musts = [
        "runs(converged) == 0",
        "runs(all_operations_ok) == 1",
        "runs(no_stale_reads) == 0",
        "runs(no_lost_updates) == 0", // unknown too
        "runs(linearizable) == 0",    // unknown, because no operation reads
        "runs(always copy.widget >= 48) == 1",
        "runs(finally copy.widget == 50) == 1",
        "never_published == 1",
        "write_ok_share == 1",
        "write_latency_ms.max < 100",
        "windows_open == 1",
        "reflected(1000) == 0",
        "error(reflected) == 0.5",
    ];
    let document = with(|document| {
        let goals = musts.iter().enumerate().map(|(i, must)| json!({ "id": i.to_string(), "must": must }));
        document["tasks"][0]["goals"] = goals.collect();
        document["tasks"][0]["curve"] = json!([[0, 0], [1000, 0.5]]);
    });
    let grade = grade_of(&document, &document);
    let missed: Vec<_> = grade.goals.iter().filter(|goal| !goal.met).collect();
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn links_carry_tasks() {
    let document = scenario(&document());
    let link = link::encode(&document).expect("a link");
    assert_eq!(link::decode(&link).expect("valid").scenario, document);
}

#[test]
fn errors_of_tasks_have_their_path_and_what_was_expected() {
    type Change = fn(&mut serde_json::Value);
    let cases: [(Change, &str, &str); 12] = [
        (|task| task["id"] = json!("a b"), "tasks[0].id", "letters, digits"),
        (|task| task["goals"] = json!([]), "tasks[0].goals", "at least one goal"),
        (|task| task["goals"][1]["id"] = json!("arrives"), "tasks[0].goals[1].id", "already"),
        (|task| task["goals"][0]["must"] = json!("runs(x) == 1"), "tasks[0].goals[0].must", "not a condition"),
        (|task| task["goals"][0]["points"] = json!(0), "tasks[0].goals[0].points", "1 to 100"),
        (|task| task["goals"][0]["must"] = json!("error(fresh) < 1"), "tasks[0].goals[0].must", "`curve`"),
        (|task| task["runs"] = json!(10), "tasks[0].runs", "200 to 10000"),
        (|task| task["attempts"] = json!(0), "tasks[0].attempts", "1 to 1000"),
        (|task| task["change"] = json!(["inventry"]), "tasks[0].change[0]", "`<id>.<field>`"),
        (|task| task["change"] = json!(["inventory.publishs"]), "tasks[0].change[0]", "no field"),
        (|task| task["curve"] = json!([[3, 0.5]]), "tasks[0].curve[0][0]", "grid"),
        (|task| task["hide"] = json!(["everything"]), "tasks[0].hide[0]", "one of"),
    ];
    for (change, path, expected) in cases {
        let json = with(|document| change(&mut document["tasks"][0]));
        let errors = Scenario::from_json(&json.to_string()).expect_err(path);
        let found = errors.iter().any(|error| error.path == path && error.problem.contains(expected));
        assert!(found, "{path}: {errors:?}");
    }
}

#[test]
fn the_guarantees_of_goals_are_those_that_the_checker_knows() {
    let known: Vec<&str> = GUARANTEES.iter().map(|(name, _)| *name).collect();
    assert_eq!(known, HISTORY_GUARANTEES);
}

/// The event of an update is lost in half of the runs, and never sent again. `latency_ms` is that of the link to the copy.
fn lossy(loss: f64, latency_ms: u32, musts: &[&str]) -> serde_json::Value {
    let goals = musts.iter().enumerate().map(|(i, must)| json!({ "id": i.to_string(), "must": must }));
    json!({
        "converge": 1,
        "until_ms": 2000,
        "services": [
            { "id": "inventory", "data": { "widget": 50 }, "publishes": [{ "to": "bus" }] },
            { "id": "copy", "data": { "widget": 50 }, "subscribes": [{ "to": "bus", "acknowledge": "never" }] }
        ],
        "buses": [{ "id": "bus" }],
        "links": [{ "from": "bus", "to": "copy", "loss": loss, "latency": { "constant": { "ms": latency_ms } } }],
        "script": [
            { "at_ms": 100, "do": { "operate": { "service": "inventory", "operation": { "write": { "key": "widget", "value": 48 } } } } }
        ],
        "tasks": [{ "id": "soon", "change": ["copy.subscribes"], "goals": goals.collect::<Vec<_>>() }]
    })
}

#[test]
fn an_update_that_never_arrives_fails_bounds_although_the_run_was_too_short_to_observe_them() {
    let musts = [
        "window_ms.p99 <= 5000",
        "window_ms.max <= 5000",
        "window_ms.mean <= 5000",
        "convergence_ms.p99 <= 5000",
        "visible_everywhere(5000) >= 0.9",
        "reflected(5000) >= 0.9",
    ];
    let document = lossy(0.5, 5, &musts);
    let grade = grade_of(&document, &document);
    for goal in &grade.goals {
        assert!(!goal.met, "{goal:#?}");
    }
    for goal in &grade.goals[..4] {
        let failure = goal.failure.as_ref().expect("the first run in which it never arrives");
        assert!(goal.figure.is_none() && failure.because.contains("at the end, a copy"), "{goal:#?}");
    }
    for goal in &grade.goals[4..] {
        assert!(goal.figure.is_some_and(|share| (share - 0.5).abs() < 0.2), "{goal:#?}");
    }
    // Where every update arrives, the same bounds are met.
    let document = lossy(0.0, 5, &musts);
    let grade = grade_of(&document, &document);
    assert!(grade.passed && grade.goals.iter().all(|goal| goal.figure.is_some()), "{grade:#?}");
}

#[test]
fn an_update_that_is_still_under_way_at_the_end_is_at_least_as_late_as_it_was_so_far() {
    let cases = [
        ("window_ms.max <= 1000", false), // It is longer already.
        ("window_ms.max <= 5000", false), // It may be longer.
        ("window_ms.p50 >= 1000", true),
        ("convergence_ms.max <= 5000", false),
        ("visible_everywhere(1000) == 0", true),
        ("visible_everywhere(5000) >= 0.5", false),
        ("visible_everywhere(5000) <= 1", true),
        ("error(reflected) <= 0.5", false),
    ];
    let mut document = lossy(0.0, 3000, &cases.map(|(must, _)| must));
    document["tasks"][0]["curve"] = json!([[1000, 0], [5000, 1]]);
    let grade = grade_of(&document, &document);
    for ((must, met), goal) in cases.into_iter().zip(&grade.goals) {
        assert_eq!(goal.met, met, "{must}: {goal:#?}");
        assert_eq!(goal.figure.is_some(), must.contains("== 0"), "{must}: {goal:#?}");
    }
}

#[test]
fn a_window_stays_open_while_one_copy_never_had_the_update_and_another_loses_it_and_gets_it_again() {
    let mut document = lossy(0.0, 5, &["windows_open == 1", "visible_everywhere(1000) == 0", "reflected(1000) == 0.5"]);
    document["services"][1]["subscribes"][0] = json!({ "to": "bus", "acknowledge": "never", "ack_deadline_ms": 300 });
    let other =
        json!({ "id": "other", "data": { "widget": 50 }, "subscribes": [{ "to": "bus", "acknowledge": "never" }] });
    document["services"].as_array_mut().expect("a list").push(other);
    let links = document["links"].as_array_mut().expect("a list");
    links.push(json!({ "from": "bus", "to": "other", "loss": 1 }));
    let script = document["script"].as_array_mut().expect("a list");
    script.push(json!({ "at_ms": 200, "do": { "crash": { "service": "copy", "lose_disk": true } } }));
    script.push(json!({ "at_ms": 220, "do": { "restart": { "service": "copy" } } }));
    let grade = grade_of(&document, &document);
    assert!(grade.passed, "{grade:#?}");
}
