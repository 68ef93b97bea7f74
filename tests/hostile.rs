//! Hostile inputs: each is refused with its message, quickly and without a panic. `hostile/inputs.json` lists them; the browser
//! tests open those that are links, and check that the visitor's work is unchanged.

use converge::lessons::lesson::Lesson;
use converge::report::{CheckOptions, check};
use converge::scenario::{Scenario, link};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};

/// A hostile input.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Hostile {
    /// What reads it: `link`, `scenario`, `history` or `lesson`.
    kind: String,
    name: String,
    /// Texts, each with the number of its repetitions.
    input: Vec<(String, usize)>,
    /// The message with which it is refused.
    message: String,
}

fn inputs_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile/inputs.json")
}

fn inputs() -> Vec<Hostile> {
    serde_json::from_str(&fs::read_to_string(inputs_file()).expect("the inputs")).expect("valid JSON")
}

/// Returns why an input is refused; empty if it is not.
fn refusal(kind: &str, input: &str) -> String {
    match kind {
        "link" => link::decode(input).err().map(|error| error.to_string()),
        "scenario" => Scenario::from_json(input).err().map(|errors| errors[0].to_string()),
        "history" => check(input, &CheckOptions::default()).err().map(|error| error.to_string()),
        "lesson" => Lesson::parse(input).err().map(|errors| format!("line {}: {}", errors[0].line, errors[0].problem)),
        other => panic!("unknown kind {other}"),
    }
    .unwrap_or_default()
}

#[test]
fn each_hostile_input_is_refused_with_its_message() {
    let mut inputs = inputs();
    let renew = std::env::var_os("CONVERGE_RENEW").is_some();
    let mut accepted = Vec::new();
    for hostile in &mut inputs {
        let input: String = hostile.input.iter().map(|(text, times)| text.repeat(*times)).collect();
        let message = refusal(&hostile.kind, &input);
        if message.is_empty() {
            accepted.push(hostile.name.clone());
        } else if renew {
            hostile.message = message;
        } else {
            assert_eq!(message, hostile.message, "{}", hostile.name);
        }
    }
    if renew {
        let text = serde_json::to_string_pretty(&inputs).expect("JSON");
        fs::write(inputs_file(), text + "\n").expect("the file can be written");
    }
    assert_eq!(accepted, Vec::<String>::new(), "accepted");
    assert!(inputs.len() >= 50);
    assert!(inputs.iter().all(|hostile| hostile.message.chars().count() < 400), "a message does not repeat its input");
}

#[test]
fn each_test_that_the_security_page_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/security.md")).expect("the page");
    let mut named = 0;
    for row in page.lines().filter(|line| line.starts_with("| ") && line.contains(".rs` `")) {
        let words: Vec<&str> = row.rsplit('|').nth(1).unwrap_or_default().split('`').collect();
        let (file, test) = (words[1], words[3]);
        let code = fs::read_to_string(root.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(code.contains(&format!("fn {test}(")), "{file} has no test {test}");
        named += 1;
    }
    assert!(named >= 15, "{named}");
}
