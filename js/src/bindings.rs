//! Converts between JavaScript and Rust values with serde-wasm-bindgen.

use crate::calls::{self, CheckOptions, Errors, GradeOptions, RunOptions, StepwiseSweep, SweepOptions, WhyOptions};
use converge::report::{InputError, SweepReport, plain_types};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use wasm_bindgen::prelude::*;

/// Converts a result to plain objects: maps become objects, and absent values null.
///
/// The result passes through a JSON value, since keys of JavaScript objects are strings, as in JSON.
fn to_js(result: &impl Serialize) -> Result<JsValue, JsValue> {
    let value = serde_json::to_value(result).map_err(|error| JsValue::from(js_sys::Error::new(&error.to_string())))?;
    value.serialize(&serde_wasm_bindgen::Serializer::json_compatible()).map_err(JsValue::from)
}

/// Converts a plain JavaScript value. `name` is the parameter's name, with which the path of an error begins.
fn from_js<T: DeserializeOwned>(name: &str, value: JsValue) -> Result<T, JsValue> {
    // Of an object, serde-wasm-bindgen reads only the fields that a struct has. As a JSON value, it keeps the unknown ones.
    let value: Value = serde_wasm_bindgen::from_value(value)
        .map_err(|error| to_error(vec![InputError::new(name, error.to_string())]))?;
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = match error.path().to_string().as_str() {
            "." => name.to_string(),
            path => format!("{name}.{path}"),
        };
        to_error(vec![InputError::new(path, plain_types(&error.into_inner().to_string()))])
    })
}

/// Converts the options of a call; all have defaults where none are given.
fn options<T: DeserializeOwned + Default>(value: JsValue) -> Result<T, JsValue> {
    if value.is_undefined() || value.is_null() { Ok(T::default()) } else { from_js("options", value) }
}

/// Returns a document as text: strings as they are, plain objects and arrays as JSON.
fn text_of(name: &str, value: JsValue) -> Result<String, JsValue> {
    match value.as_string() {
        Some(text) => Ok(text),
        None => from_js::<Value>(name, value).map(|value| value.to_string()),
    }
}

/// Creates an `Error` with the fields `path` and `expected` of the first error, and all errors in `errors`.
fn to_error(errors: Errors) -> JsValue {
    let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
    let error = js_sys::Error::new(&lines.join("\n"));
    error.set_name("ConvergeError");
    let first = errors.first();
    let fields = [
        ("path", first.map_or(JsValue::NULL, |error| error.path.as_str().into())),
        ("expected", first.map_or(JsValue::NULL, |error| error.expected.as_str().into())),
        ("errors", to_js(&errors).unwrap_or(JsValue::NULL)),
    ];
    for (name, value) in fields {
        // Fails only for frozen objects.
        let _ = js_sys::Reflect::set(&error, &name.into(), &value);
    }
    error.into()
}

/// Validates a scenario and returns all errors.
#[wasm_bindgen(skip_typescript)]
pub fn validate(scenario: JsValue) -> Result<JsValue, JsValue> {
    to_js(&calls::validate(&text_of("scenario", scenario)?))
}

/// Runs a scenario.
#[wasm_bindgen(skip_typescript)]
pub fn run(scenario: JsValue, run_options: JsValue) -> Result<JsValue, JsValue> {
    let run_options: RunOptions = options(run_options)?;
    to_js(&calls::run(&text_of("scenario", scenario)?, &run_options).map_err(to_error)?)
}

/// Explains copies that are not consistent.
#[wasm_bindgen(skip_typescript)]
pub fn why(scenario: JsValue, why_options: JsValue) -> Result<JsValue, JsValue> {
    let why_options: WhyOptions = options(why_options)?;
    to_js(&calls::why(&text_of("scenario", scenario)?, &why_options).map_err(to_error)?)
}

/// Runs a scenario with several seeds.
#[wasm_bindgen(skip_typescript)]
pub fn sweep(scenario: JsValue, sweep_options: JsValue) -> Result<JsValue, JsValue> {
    let mut sweep = stepwise(scenario, sweep_options)?;
    while sweep.step() {}
    to_js(&SweepReport::new(sweep.sweep()))
}

/// Runs a scenario with several seeds, and lets the page do other work between the runs. `control` may have a function
/// `onProgress` of the runs made and all runs, and an AbortSignal `signal`.
#[wasm_bindgen(js_name = sweepAsync, skip_typescript)]
pub async fn sweep_async(scenario: JsValue, sweep_options: JsValue, control: JsValue) -> Result<JsValue, JsValue> {
    let mut sweep = stepwise(scenario, sweep_options)?;
    let part = |object: &JsValue, name: &str| {
        if object.is_object() { js_sys::Reflect::get(object, &name.into()) } else { Ok(JsValue::UNDEFINED) }
    };
    let signal = part(&control, "signal")?;
    let on_progress: Option<js_sys::Function> = part(&control, "onProgress")?.dyn_into().ok();
    loop {
        if part(&signal, "aborted")?.is_truthy() {
            return Err(part(&signal, "reason")?);
        }
        let continues = sweep.step();
        if let Some(function) = &on_progress {
            let (done, all) = sweep.progress();
            function.call2(&JsValue::NULL, &(done as f64).into(), &(all as f64).into())?;
        }
        if !continues {
            return to_js(&SweepReport::new(sweep.sweep()));
        }
        pause().await?;
    }
}

fn stepwise(scenario: JsValue, sweep_options: JsValue) -> Result<StepwiseSweep, JsValue> {
    let sweep_options: SweepOptions = from_js("options", sweep_options)?;
    StepwiseSweep::new(&text_of("scenario", scenario)?, &sweep_options).map_err(to_error)
}

/// Lets the page handle its events.
async fn pause() -> Result<JsValue, JsValue> {
    let set_timeout: js_sys::Function = js_sys::Reflect::get(&js_sys::global(), &"setTimeout".into())?.dyn_into()?;
    let promise = js_sys::Promise::new(&mut |resolve, _| {
        // `setTimeout` does not throw.
        let _ = set_timeout.call2(&JsValue::UNDEFINED, &resolve, &0.into());
    });
    wasm_bindgen_futures::JsFuture::from(promise).await
}

/// Checks a history.
#[wasm_bindgen(skip_typescript)]
pub fn check(history: JsValue, check_options: JsValue) -> Result<JsValue, JsValue> {
    let check_options: CheckOptions = options(check_options)?;
    to_js(&calls::check(&text_of("history", history)?, &check_options).map_err(to_error)?)
}

/// Grades an answer. `progress` is a function of the runs made and all runs; the grading stops if it returns false.
#[wasm_bindgen(skip_typescript)]
pub fn grade(
    scenario: JsValue,
    answer: JsValue,
    grade_options: JsValue,
    progress: JsValue,
) -> Result<JsValue, JsValue> {
    let grade_options: GradeOptions = options(grade_options)?;
    let (scenario, answer) = (text_of("scenario", scenario)?, text_of("answer", answer)?);
    let progress: Option<js_sys::Function> = progress.dyn_into().ok();
    let mut thrown = None;
    let mut report_progress = |done: u64, all: u64| match &progress {
        None => true,
        Some(function) => match function.call2(&JsValue::NULL, &(done as f64).into(), &(all as f64).into()) {
            Ok(answer) => answer != JsValue::FALSE,
            Err(error) => {
                thrown = Some(error);
                false
            }
        },
    };
    let report = calls::grade(&scenario, &answer, &grade_options, &mut report_progress).map_err(to_error)?;
    thrown.map_or_else(|| to_js(&report), Err)
}

/// Encodes a scenario as a link.
#[wasm_bindgen(js_name = linkEncode, skip_typescript)]
pub fn link_encode(scenario: JsValue) -> Result<String, JsValue> {
    calls::link_encode(&text_of("scenario", scenario)?).map_err(to_error)
}

/// Decodes a link to a scenario.
#[wasm_bindgen(js_name = linkDecode, skip_typescript)]
pub fn link_decode(link: String) -> Result<JsValue, JsValue> {
    to_js(&calls::link_decode(&link).map_err(to_error)?)
}

/// Returns all examples.
#[wasm_bindgen(skip_typescript)]
pub fn examples() -> Result<JsValue, JsValue> {
    to_js(&calls::examples())
}
