//! `converge.d.ts` is generated from the Rust types, and this test fails when they differ.

mod typescript;

use converge::grading::GradeReport;
use converge::report::{CheckReport, InputError, ReasonsReport, RunReport, SweepReport, ValidationReport};
use converge::scenario::Scenario;
use converge_js::calls::{CheckOptions, ExampleReport, GradeOptions, RunOptions, SweepOptions, WhyOptions};
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};
use std::fs;
use std::path::Path;

/// JSON Schemas by the name of the type.
type Schemas = Map<String, Value>;

/// The schemas of all types that cross the module's edge, and of the types that they contain.
fn schemas() -> Schemas {
    let mut inputs = SchemaSettings::draft2020_12().for_deserialize().into_generator();
    inputs.subschema_for::<Scenario>();
    inputs.subschema_for::<RunOptions>();
    inputs.subschema_for::<SweepOptions>();
    inputs.subschema_for::<WhyOptions>();
    inputs.subschema_for::<CheckOptions>();
    inputs.subschema_for::<GradeOptions>();
    let mut outputs = SchemaSettings::draft2020_12().for_serialize().into_generator();
    outputs.subschema_for::<ValidationReport>();
    outputs.subschema_for::<InputError>();
    outputs.subschema_for::<RunReport>();
    outputs.subschema_for::<SweepReport<'static>>();
    outputs.subschema_for::<ReasonsReport>();
    outputs.subschema_for::<CheckReport>();
    outputs.subschema_for::<GradeReport>();
    let mut schemas = outputs.take_definitions(true);
    // A scenario has the same type as input and in `linkDecode`.
    schemas.append(&mut inputs.take_definitions(true));
    let mut examples = SchemaSettings::draft2020_12().for_serialize().into_generator();
    examples.subschema_for::<ExampleReport>();
    let example = examples.take_definitions(true).remove("ExampleReport").expect("its schema");
    schemas.insert("ExampleReport".into(), example);
    schemas
}

fn declarations() -> String {
    let mut text = include_str!("../src/functions.d.ts").to_string();
    for (name, schema) in &schemas() {
        text.push('\n');
        text.push_str(&typescript::declaration(name, schema));
    }
    text
}

#[test]
fn the_published_types_are_those_of_the_engine() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("converge.d.ts");
    let expected = declarations();
    if std::env::var_os("CONVERGE_RENEW").is_some() {
        fs::write(&file, &expected).expect("the file can be written");
    }
    let published = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        published == expected,
        "js/converge.d.ts is outdated: renew it with CONVERGE_RENEW=1 cargo test -p converge-js"
    );
}

#[test]
fn every_name_that_a_type_uses_is_declared() {
    let schemas = schemas();
    let text = declarations();
    for schema in schemas.values() {
        for name in typescript::references(schema) {
            assert!(schemas.contains_key(&name), "{name} is not declared");
        }
    }
    for name in
        ["Scenario", "RunReport", "SweepReport", "CheckReport", "ValidationReport", "ExampleReport", "InputError"]
    {
        assert_eq!(text.matches(&format!("export interface {name} ")).count(), 1, "{name}");
    }
}

#[test]
fn field_names_are_those_of_the_json_reports() {
    let text = declarations();
    let reports = ["end_ms: number;", "halted: string | null;", "lost_updates: number;", "converge_sweep: number;"];
    for field in reports.into_iter().chain(["buckets: { [key: string]: Bucket };"]) {
        assert!(text.contains(field), "{field}");
    }
    for field in ["untilMs?: number | null;", "maxEvents?: number;", "seeds: [number, number];"] {
        assert!(text.contains(field), "{field}");
    }
}
