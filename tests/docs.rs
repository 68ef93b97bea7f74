//! The documents and lessons are correct and short: the commands, scenarios and lessons in them work, the files and examples
//! that they name exist, the pages on the command line and on the scenario format list every option and every field, the engine
//! confirms what lessons claim, and the static pages that are made of lessons are up to date.

use converge::app::titles::title_in;
use converge::language::Language;
use converge::lessons::LESSONS;
use converge::lessons::lesson::{Lesson, glossary};
use converge::scenario::Scenario;
use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The README and the pages of `docs/`, by name.
fn documents() -> Vec<(String, String)> {
    let pages = fs::read_dir(root().join("docs")).expect("docs/ exists").flatten().map(|entry| entry.path());
    let mut paths: Vec<PathBuf> =
        pages.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect();
    paths.push(root().join("README.md"));
    paths.sort();
    let read = |path: PathBuf| {
        let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
        (name, fs::read_to_string(&path).expect("a document is readable"))
    };
    paths.into_iter().map(read).collect()
}

/// The code blocks of a document whose info string is `info`. A block ends at a line of as many backticks as it began with.
fn blocks(text: &str, info: &str) -> Vec<String> {
    let (mut found, mut open) = (Vec::new(), None::<(usize, bool, String)>);
    for line in text.lines() {
        let rest = line.trim_start_matches('`');
        let ticks = line.len() - rest.len();
        match &mut open {
            None if ticks >= 3 => open = Some((ticks, rest.trim() == info, String::new())),
            None => {}
            Some((fence, wanted, block)) if ticks >= *fence && rest.is_empty() => {
                if *wanted {
                    found.push(std::mem::take(block));
                }
                open = None;
            }
            Some((_, _, block)) => {
                block.push_str(line);
                block.push('\n');
            }
        }
    }
    assert!(open.is_none(), "a code block is not closed");
    found
}

#[test]
fn every_scenario_in_the_documents_is_valid() {
    let mut checked = 0;
    for (name, text) in documents() {
        for block in blocks(&text, "json scenario") {
            let scenario = Scenario::from_json(&block).unwrap_or_else(|errors| panic!("{name}: {errors:?}\n{block}"));
            scenario.validate().unwrap_or_else(|errors| panic!("{name}: {errors:?}\n{block}"));
            checked += 1;
        }
    }
    assert!(checked >= 2, "only {checked} scenarios were found");
}

/// Returns why a value has not the form of a type of the scenario format, if it has not.
fn format_error(type_name: &str, line: &str) -> Option<serde_json::Error> {
    use converge::scenario as format;
    macro_rules! read {
        ($($name:ident)*) => {
            match type_name {
                $(stringify!($name) => serde_json::from_str::<format::$name>(line).err(),)*
                other => panic!("docs/scenario-fields.md describes `{other}`, which this test does not know"),
            }
        };
    }
    read!(Arrivals Attachment Backoff Branch Bus Client Command Data Group Keys Latency Link Operation Promise Protocol
        Publication Region Service Subscription Value)
}

/// Adds the names of fields, and the texts that are forms, of a part of the JSON Schema and of the types that it uses, except
/// those in `separate`.
fn add_names(schema: &Json, part: &Json, separate: &BTreeSet<&str>, names: &mut BTreeSet<String>) {
    match part {
        Json::Object(fields) => {
            for (field, value) in fields {
                match (field.as_str(), value) {
                    ("properties", Json::Object(properties)) => names.extend(properties.keys().cloned()),
                    ("const", Json::String(text)) => names.extend([text.clone()]),
                    ("enum", Json::Array(texts)) => {
                        names.extend(texts.iter().filter_map(Json::as_str).map(String::from))
                    }
                    ("$ref", Json::String(path)) => {
                        let name = path.trim_start_matches("#/$defs/");
                        if !separate.contains(name) {
                            let mut separate = separate.clone();
                            separate.insert(name);
                            add_names(schema, &schema["$defs"][name], &separate, names);
                        }
                    }
                    _ => {}
                }
                if field != "$defs" {
                    add_names(schema, value, separate, names);
                }
            }
        }
        Json::Array(parts) => parts.iter().for_each(|part| add_names(schema, part, separate, names)),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

#[test]
fn the_documents_describe_every_field_of_the_scenario_format_in_a_valid_form() {
    let read = |file: &str| fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    let (page, fields) = (read("docs/scenario.md"), read("docs/scenario-fields.md"));
    let schema: Json = serde_json::from_str(&read("www/scenario.schema.json")).expect("the schema is JSON");
    let described: BTreeSet<&str> = fields.lines().filter_map(|line| line.strip_prefix("```json ")).collect();
    for name in &described {
        let forms = blocks(&fields, &format!("json {name}")).concat();
        for line in forms.lines() {
            let error = format_error(name, line);
            assert!(error.is_none(), "{name} {line}: {error:?}");
        }
        let mut names = BTreeSet::new();
        add_names(&schema, &schema["$defs"][*name], &described, &mut names);
        // The prose below a block may list texts such as `after_commit`.
        let is_absent =
            |word: &&String| !forms.contains(&format!("\"{word}\"")) && !fields.contains(&format!("`{word}`"));
        let absent: Vec<&String> =
            names.iter().filter(is_absent).filter(|word| !page.contains(&format!("`{word}`"))).collect();
        assert!(absent.is_empty(), "docs/scenario-fields.md lacks {absent:?} of {name}");
    }
    let mut names = BTreeSet::new();
    add_names(&schema, &schema, &described, &mut names);
    let words: BTreeSet<&str> = page.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    let absent: Vec<&String> = names.iter().filter(|name| !words.contains(name.as_str())).collect();
    assert!(absent.is_empty(), "docs/scenario.md lacks {absent:?}");
}

/// Runs a command line of a document. A comment `# exit N` states the exit code, otherwise 0.
fn execute(line: &str, folder: &Path) {
    let (command, comment) = line.split_once(" # ").unwrap_or((line, "exit 0"));
    let expected: i32 = comment.trim().strip_prefix("exit ").and_then(|code| code.parse().ok()).expect("`# exit N`");
    let mut words = command.split_whitespace();
    assert_eq!(words.next(), Some("converge"), "{line}");
    let mut run = Command::new(env!("CARGO_BIN_EXE_converge"));
    let output = run.args(words).current_dir(folder).output().expect("the command line starts");
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(expected), "{line}\n{error}");
    assert!(!output.stdout.is_empty() || line.contains(" validate "), "{line} prints nothing");
}

#[test]
fn every_command_in_the_documents_works() {
    let folder = std::env::temp_dir().join(format!("converge-docs-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a temporary folder");
    let scenarios = fs::read_to_string(root().join("docs/scenario.md")).expect("docs/scenario.md");
    fs::write(folder.join("first.json"), &blocks(&scenarios, "json scenario")[0]).expect("a file");
    let task = &blocks(&scenarios, "json scenario")[2];
    let answer = task.replace("\"acknowledge\": \"never\"", "\"ack_deadline_ms\": 500");
    fs::write(folder.join("task.json"), task).expect("a file");
    fs::write(folder.join("answer.json"), answer).expect("a file");
    let lessons = fs::read_to_string(root().join("docs/lessons.md")).expect("docs/lessons.md");
    fs::write(folder.join("slow-handlers.md"), &blocks(&lessons, "markdown lesson")[0]).expect("a file");
    let mut executed = 0;
    for (_, text) in documents() {
        for block in blocks(&text, "console") {
            for line in block.lines().filter_map(|line| line.strip_prefix("$ ")) {
                execute(line, &folder);
                executed += 1;
            }
        }
    }
    fs::remove_dir_all(&folder).expect("the temporary folder can be removed");
    assert!(executed >= 10, "only {executed} commands were found");
}

#[test]
fn the_command_line_page_lists_every_command_and_option() {
    let page = fs::read_to_string(root().join("docs/command-line.md")).expect("docs/command-line.md");
    let usage = blocks(&page, "").concat();
    let help = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_converge")).args(arguments).arg("--help").output();
        String::from_utf8(output.expect("the command line starts").stdout).expect("help is text")
    };
    let commands: Vec<String> = help(&[])
        .lines()
        .skip_while(|line| !line.starts_with("Commands:"))
        .skip(1)
        .take_while(|line| line.starts_with("  "))
        .filter_map(|line| line.split_whitespace().next().map(str::to_string))
        .filter(|command| command != "help")
        .collect();
    assert!(commands.len() >= 9, "{commands:?}");
    for command in &commands {
        assert!(usage.contains(&format!("converge {command}")), "`{command}` is not in docs/command-line.md");
        let text = help(&[command]);
        let options = text.split_whitespace().filter(|word| word.starts_with("--"));
        for option in options.map(|word| word.trim_end_matches([',', '.', ';', ']'])).filter(|word| word.len() > 2) {
            let documented = page.contains(option) || option == "--help";
            assert!(documented, "`converge {command} {option}` is not in docs/command-line.md");
        }
    }
}

#[test]
fn every_file_and_example_that_the_documents_name_exists() {
    let known: Vec<&str> = converge::scenario::examples::EXAMPLES.iter().map(|example| example.id).collect();
    for (name, text) in documents() {
        let words = text.split(|c: char| c.is_whitespace() || "`()[]|,;\"'&".contains(c));
        for word in words.map(|word| word.trim_end_matches(['.', ':'])) {
            let is_path = ["src/", "docs/", "tests/", "www/", "app/", "engine/", "scenario/", "session/"]
                .iter()
                .any(|folder| word.starts_with(folder) && word.len() > folder.len())
                && !word.contains('<');
            if is_path {
                let exists = [root(), root().join("src")].iter().any(|base| base.join(word).exists());
                assert!(exists, "{name} names {word}, which does not exist");
            }
            if let Some((_, id)) =
                word.split_once("#ex=").or_else(|| word.split_once("ex=")).filter(|(_, id)| *id != "ID")
            {
                assert!(known.contains(&id), "{name} names the example {id}, which does not exist");
            }
        }
    }
}

#[test]
fn the_documents_stay_short() {
    for (name, text) in documents() {
        let limit = if name == "README.md" { 150 } else { 300 };
        assert!(text.lines().count() <= limit, "{name} has more than {limit} lines");
    }
}

/// Compares a static page with the one in the tree, or writes that if `CONVERGE_RENEW` is set.
fn compare(file: &str, page: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("www/lessons").join(file);
    if std::env::var_os("CONVERGE_RENEW").is_some() {
        std::fs::write(&path, page).expect("writable");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == page, "{} is out of date: run this test with CONVERGE_RENEW=1", path.display());
}

#[test]
fn the_engine_confirms_every_claim_and_every_question_of_every_lesson_and_the_static_pages_are_up_to_date() {
    compare("glossary.html", &glossary(Language::English));
    compare("glossary.de.html", &glossary(Language::German));
    for (file, text) in LESSONS {
        let lesson = Lesson::parse(text).unwrap_or_else(|errors| panic!("{errors:#?}"));
        let measured = lesson.measure(&mut || true).expect("it can be measured");
        assert_eq!(lesson.refuted(&measured), Vec::<String>::new(), "{}", lesson.id);
        assert!(!lesson.text(&measured).contains("{{"), "{}", lesson.id);
        let language = Language::from_code(&lesson.language).expect("a language of the page");
        let page = lesson.html(&measured, file, &|title| title_in(title, language));
        compare(&file.replace(".md", ".html"), &page);
    }
}
