//! The JavaScript module `engine/converge.js` gives the results of the native engine, and throws errors that name the
//! path.

use crate::SITE;
use browser_tests::{Browser, WIDE, assert_clean_console};
use converge::grading::{GradeReport, Grader};
use converge::report::{self, RunReport, SweepReport};
use converge::scenario::challenges;
use converge::scenario::examples::{self, EXAMPLES};
use converge::scenario::{Scenario, link};
use converge::session::sweep::Sweep;
use serde_json::{Value, json};

/// Opens the example page, whose strict policy also applies to the scripts of the tests.
fn open() -> Browser {
    let browser = Browser::start(WIDE);
    browser.open(&SITE.at("examples/engine.html"));
    browser.wait("document.querySelector('#window').textContent");
    browser
}

/// Evaluates an expression with the module as `engine` and the argument as `given`. An error becomes an object with its
/// fields.
fn evaluate(browser: &Browser, expression: &str, given: &Value) -> Value {
    let script = format!(
        "import('{module}').then(async engine => {{ \
            await engine.default(); \
            const given = {given}; \
            try {{ done({expression}); }} \
            catch (error) {{ \
                const {{ name, message, path, expected, errors }} = error; \
                done({{ thrown: error instanceof Error, name, message, path, expected, errors }}); \
            }} \
        }}).catch(error => done(String(error)))",
        module = SITE.at("engine/converge.js"),
    );
    browser.run_async(&script)
}

fn example(id: &str) -> Scenario {
    examples::find(id).expect("an example").scenario()
}

/// Replaces each number by its value as a float: JavaScript has no other numbers.
fn with_floats(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(items) => items.iter().map(with_floats).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), with_floats(value))).collect(),
        Value::Null | Value::Bool(_) | Value::String(_) => value.clone(),
    }
}

fn same(from_browser: &Value, native: &Value, what: &str) {
    assert_eq!(with_floats(from_browser), with_floats(native), "{what}");
}

#[test]
fn a_run_equals_the_native_run_for_every_field() {
    let browser = open();
    for id in ["first-update", "inventory-orders", "duplicate-delivery", "raft-and-quorum", "cart-siblings"] {
        for seed in [1, 7, 4_294_967_296] {
            let scenario = Scenario { seed, ..example(id) };
            let native = RunReport::of(&scenario, u64::MAX);
            let given = json!({ "scenario": scenario.to_value(), "name": format!("ex={id}"), "seed": seed });
            let report = evaluate(&browser, "engine.run(given.scenario)", &given);
            assert_eq!(report["digest"], native.digest, "{id}, seed {seed}");
            same(&report, &serde_json::to_value(&native).expect("JSON"), id);
            let named = evaluate(&browser, "engine.run(given.name, { seed: given.seed })", &given);
            assert_eq!(named["digest"], native.digest, "{id} by name, seed {seed}");
        }
    }
    assert_clean_console(&browser);
}

#[test]
fn a_sweep_equals_the_native_sweep() {
    let browser = open();
    for id in ["cassandra-hints", "lost-event"] {
        let scenario = example(id);
        let mut native = Sweep::new(&scenario);
        (3..23).for_each(|seed| native.run(&scenario, seed).expect("a new seed"));
        let report = evaluate(&browser, "engine.sweep(given, { seeds: [3, 23] })", &scenario.to_value());
        same(&report, &serde_json::to_value(SweepReport::new(&native)).expect("JSON"), id);
    }
}

#[test]
fn an_event_limit_halts_a_run_and_ends_a_sweep() {
    let browser = open();
    let report = evaluate(&browser, "engine.run('ex=inventory-orders', { maxEvents: 10 })", &Value::Null);
    assert_eq!(report["events"], json!(10));
    let halted = report["halted"].as_str().expect("a sentence");
    assert!(halted.contains("10 events, its limit"), "{halted}");
    let options = "{ seeds: [1, 1000000000], maxEvents: 100 }";
    let sweep = evaluate(&browser, &format!("engine.sweep('ex=inventory-orders', {options})"), &Value::Null);
    assert!(sweep["runs"].as_u64().is_some_and(|runs| (1..100).contains(&runs)), "{}", sweep["runs"]);
}

#[test]
fn a_history_is_checked_as_objects_and_as_text() {
    let browser = open();
    let history = json!([
        { "type": "invoke", "f": "write", "value": 1, "process": 0 },
        { "type": "ok", "f": "write", "value": 1, "process": 0 },
        { "type": "invoke", "f": "read", "value": null, "process": 1 },
        { "type": "ok", "f": "read", "value": null, "process": 1 },
    ]);
    let options = report::CheckOptions {
        guarantees: vec!["linearizable".into(), "session".into()],
        ..report::CheckOptions::default()
    };
    let native = report::check(&history.to_string(), &options).expect("a history");
    let native = serde_json::to_value(&native).expect("JSON");
    assert_eq!(native["verdicts"][0]["verdict"], "violated");
    for call in ["given", "JSON.stringify(given)", "given.map(one => JSON.stringify(one)).join('\\n')"] {
        let call = format!("engine.check({call}, {{ guarantees: ['linearizable', 'session'] }})");
        same(&evaluate(&browser, &call, &history), &native, &call);
    }
}

#[test]
fn links_and_examples_round_trip() {
    let browser = open();
    for example in EXAMPLES.iter().take(8) {
        let scenario = example.scenario();
        let made = evaluate(&browser, "engine.linkEncode(given)", &scenario.to_value());
        assert_eq!(made, json!(link::encode(&scenario).expect("a link")), "{}", example.id);
        let decoded = evaluate(&browser, "engine.linkDecode(engine.linkEncode(given))", &scenario.to_value());
        same(&decoded, &scenario.to_value(), example.id);
    }
    let listed =
        evaluate(&browser, "engine.examples().map(one => [one.id, one.shows, one.scenario.title])", &Value::Null);
    let native = EXAMPLES.iter().map(|one| json!([one.id, one.shows, one.scenario().title])).collect::<Value>();
    assert_eq!(listed, native);
}

#[test]
fn errors_have_the_path_and_what_was_expected_and_come_all_at_once() {
    let browser = open();
    let invalid = json!({ "converge": 1, "services": [{ "id": "a b" }, { "id": "c", "calls": [{ "to": "d" }] }] });
    let native: Vec<Value> = report::validate(&invalid.to_string()).errors.iter().map(|error| json!(error)).collect();
    let thrown = evaluate(&browser, "engine.run(given)", &invalid);
    assert_eq!((&thrown["thrown"], &thrown["name"]), (&json!(true), &json!("ConvergeError")));
    assert_eq!(thrown["errors"], json!(native));
    assert_eq!((&thrown["path"], &thrown["expected"]), (&native[0]["path"], &native[0]["expected"]));
    assert_eq!(thrown["path"], "services[0].id");
    let report = evaluate(&browser, "engine.validate(given)", &invalid);
    assert_eq!(report, json!({ "valid": false, "errors": native, "warnings": [] }));
    assert_eq!(evaluate(&browser, "engine.validate('ex=first-update').valid", &Value::Null), json!(true));
    for (call, path) in [
        ("engine.run('ex=first-update', { seed: 'one' })", "options.seed"),
        ("engine.run('ex=first-update', { sead: 1 })", "options.sead"),
        ("engine.run('ex=first-update', { branch: 'none' })", "branch"),
        ("engine.run('ex=nothing')", "link"),
        ("engine.sweep('ex=first-update', { seeds: [3, 3] })", "options.seeds"),
        ("engine.sweep('ex=first-update', { seeds: [3] })", "options.seeds"),
        ("engine.check([])", "history"),
        ("engine.check([], { guarantees: ['perfect'] })", "options.guarantees"),
        ("engine.linkDecode('1r.broken')", "link"),
    ] {
        let thrown = evaluate(&browser, call, &Value::Null);
        assert_eq!((&thrown["thrown"], &thrown["path"]), (&json!(true), &json!(path)), "{call}: {thrown}");
        assert!(thrown["expected"].as_str().is_some_and(|text| !text.is_empty()), "{call}: {thrown}");
    }
}

#[test]
fn the_module_exports_the_functions_that_its_types_declare() {
    let browser = open();
    let exported = evaluate(&browser, "Object.keys(engine).filter(name => name !== 'default').sort()", &Value::Null);
    let types = include_str!("../../../js/converge.d.ts");
    let mut declared: Vec<&str> =
        types.lines().filter_map(|line| line.strip_prefix("export function ")?.split('(').next()).collect();
    declared.sort_unstable();
    assert_eq!(exported, json!(declared));
}

#[test]
fn the_example_page_shows_a_run_and_a_sweep() {
    let browser = open();
    let native = RunReport::of(&example("cassandra-hints"), u64::MAX);
    assert_eq!(browser.text("#digest"), native.digest);
    assert_eq!(browser.text("#error"), "");
    browser.run(
        "const s = document.querySelector('#example'); s.value = 'first-update'; s.dispatchEvent(new Event('change'))",
    );
    assert_eq!(browser.text("#digest"), RunReport::of(&example("first-update"), u64::MAX).digest);
    assert_eq!(browser.axe(), Vec::<String>::new());
    assert_clean_console(&browser);
}

/// Returns the JavaScript blocks of a document.
fn script_blocks(document: &str) -> Vec<String> {
    let text = std::fs::read_to_string(xtask::root().join(document)).expect("a document");
    let blocks = text.split("```js\n").skip(1);
    blocks.map(|rest| rest.split("```").next().expect("a closed block").to_string()).collect()
}

#[test]
fn a_grade_equals_the_native_grade_to_the_last_bit() {
    let browser = open();
    let document = challenges::find("lost-event").expect("a challenge").scenario();
    let task = document.tasks.first().expect("a task");
    let mut grader = Grader::new(&document, task, &document, u64::MAX).expect("a valid challenge");
    while grader.step() {}
    let native = serde_json::to_value(GradeReport::new(vec![grader.grade()])).expect("JSON");
    let given = serde_json::to_value(&document).expect("JSON");
    let grade = evaluate(&browser, "engine.grade(given, given)", &given);
    assert!(native["tasks"][0]["digest"].is_string(), "{native}");
    same(&grade, &native, "the grade of a challenge");
    assert_clean_console(&browser);
}

#[test]
fn the_scripts_in_the_documents_run() {
    let browser = open();
    let module = SITE.at("engine/converge.js");
    for document in ["README.md", "docs/embedding.md"] {
        let blocks = script_blocks(document);
        assert!(!blocks.is_empty(), "{document} has no script");
        for block in blocks {
            let script = block.replace("import init, {", "const { default: init,");
            let address = "from \"https://your.host/converge/engine/converge.js\"";
            let script = script.replace(address, &format!("= await import('{module}')"));
            assert!(!script.contains("import init"), "{document}: {block}");
            let run =
                format!("(async () => {{ {script}; done(report.digest); }})().catch(error => done(String(error)))");
            let digest = browser.run_async(&run);
            let native = RunReport::of(&Scenario { seed: 7, ..example("lost-event") }, u64::MAX).digest;
            assert_eq!(digest, json!(native), "{document}: {block}");
        }
    }
}
