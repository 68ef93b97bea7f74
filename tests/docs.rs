//! The documents and lessons are correct and short: the commands and scenarios in them work, the files and examples that they
//! name exist, the page on the command line lists every command and option, the engine confirms what lessons claim, and the
//! static pages that are made of lessons are up to date.

use converge::app::titles::title_in;
use converge::language::Language;
use converge::lessons::LESSONS;
use converge::lessons::lesson::{Lesson, glossary};
use converge::scenario::Scenario;
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

/// The code blocks of a document whose info string is `info`.
fn blocks(text: &str, info: &str) -> Vec<String> {
    let (mut found, mut open) = (Vec::new(), None::<(bool, String)>);
    for line in text.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(start)) => open = Some((start.trim() == info, String::new())),
            (Some((wanted, block)), Some(_)) => {
                if *wanted {
                    found.push(std::mem::take(block));
                }
                open = None;
            }
            (Some((_, block)), None) => {
                block.push_str(line);
                block.push('\n');
            }
            (None, None) => {}
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
