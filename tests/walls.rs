//! The walls between the modules and a few conventions, checked in the source files.

mod assertions;
mod import_graph;
mod texts;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The modules, each with those that its files may name besides itself and `language`.
const MODULES: &[(&str, &[&str])] = &[
    ("language", &[]),
    ("scenario", &[]),
    ("trace", &["scenario"]),
    ("engine", &["scenario", "trace"]),
    ("analysis", &["scenario", "trace"]),
    ("session", &["scenario", "trace", "engine", "analysis"]),
    ("grading", &["scenario", "analysis", "session"]),
    ("lessons", &["scenario", "trace", "session", "grading"]),
    ("report", &["scenario", "trace", "engine", "analysis", "session"]),
    // The page uses the session, not the engine, the analysis, reports or grades directly.
    ("app", &["scenario", "trace", "session", "lessons"]),
];

/// The maximum number of lines of a file. A longer file may have two responsibilities.
const MAX_LENGTH: usize = 500;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the files of a folder, or one file, each with its text.
fn sources(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    if folder.is_file() {
        let name = folder.strip_prefix(root()).expect("within").display().to_string();
        return vec![(name, fs::read_to_string(folder).expect("readable"))];
    }
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root()).expect("within").display().to_string();
            found.push((name, fs::read_to_string(&path).expect("readable")));
        }
    }
    found
}

/// Returns the lines that name something forbidden, except comments.
fn breaches(name: &str, text: &str, forbidden: &[&str]) -> Vec<String> {
    let code = text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"));
    let bad = code.filter(|(_, line)| forbidden.iter().any(|word| line.contains(word)));
    bad.map(|(i, line)| format!("{name}:{}: {}", i + 1, line.trim())).collect()
}

/// Returns the paths of the modules that the files of a module may not name.
fn forbidden(module: &str, allowed: &[&str]) -> Vec<String> {
    let others = MODULES.iter().map(|(other, _)| *other).filter(|other| *other != module && *other != "language");
    others.filter(|other| !allowed.contains(other)).map(|other| format!("crate::{other}")).collect()
}

#[test]
fn no_module_crosses_its_wall() {
    let mut found = Vec::new();
    for (module, allowed) in MODULES {
        let forbidden = forbidden(module, allowed);
        let forbidden: Vec<&str> = forbidden.iter().map(String::as_str).collect();
        let folder = root().join("src").join(module);
        let files = sources(&if folder.exists() { folder } else { folder.with_extension("rs") });
        assert!(!files.is_empty(), "{module} is empty");
        for (name, text) in files {
            found.extend(breaches(&name, &text, &forbidden));
        }
    }
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn a_crossed_wall_is_reported() {
    let app = ["crate::engine"];
    assert_eq!(breaches("a.rs", "use crate::engine::Engine;", &app), ["a.rs:1: use crate::engine::Engine;"]);
    assert!(breaches("a.rs", "// crate::engine is forbidden here", &app).is_empty());
    assert_eq!(
        forbidden("lessons", &["scenario", "trace", "session", "grading"]),
        ["crate::engine", "crate::analysis", "crate::report", "crate::app"]
    );
}

#[test]
fn each_module_of_the_library_has_its_wall() {
    let mut modules: Vec<String> = Vec::new();
    for entry in fs::read_dir(root().join("src")).expect("a folder").flatten() {
        let name = entry.path().file_stem().expect("a name").to_string_lossy().into_owned();
        modules.extend(["lib", "bin"].iter().all(|other| *other != name).then_some(name));
    }
    modules.sort();
    let mut walled: Vec<&str> = MODULES.iter().map(|(module, _)| *module).collect();
    walled.sort();
    assert_eq!(modules, walled);
}

#[test]
fn no_files_of_the_engine_or_the_session_import_each_other_in_cycles() {
    for folder in ["src/engine", "src/session"] {
        let files = sources(&root().join(folder));
        assert_eq!(import_graph::files_in_cycles(folder, &files), Vec::<String>::new(), "{folder}");
    }
}

/// Returns the files of a folder and of the folders below it, by folder.
fn files_by_folder(folder: &str) -> BTreeMap<String, Vec<(String, String)>> {
    let mut folders: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for (name, text) in sources(&root().join(folder)) {
        let folder = name.rsplit_once('/').expect("a file in a folder").0.to_string();
        folders.entry(folder).or_default().push((name, text));
    }
    folders
}

#[test]
fn no_files_of_one_folder_import_each_other_in_cycles() {
    // The engine and the session are free of cycles across folders, too.
    let is_checked_above = |folder: &str| ["src/engine", "src/session"].iter().any(|root| folder.starts_with(root));
    for (folder, mut files) in files_by_folder("src").into_iter().filter(|(folder, _)| !is_checked_above(folder)) {
        files.retain(|(name, _)| !name.ends_with("/mod.rs") && !name.ends_with("/lib.rs"));
        assert_eq!(import_graph::files_in_cycles(&folder, &files), Vec::<String>::new(), "{folder}");
    }
}

/// Returns the wildcard arms of matches over facts, as `name:line`.
fn wildcards_over_facts(name: &str, text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let depth = |line: &str| line.len() - line.trim_start().len();
    let wildcards = lines.iter().enumerate().filter(|(_, line)| line.trim_start().starts_with("_ =>"));
    let over_facts = wildcards.filter(|(at, wildcard)| {
        let inside = lines[..*at].iter().rev().take_while(|line| line.is_empty() || depth(line) >= depth(wildcard));
        let mut arms = inside.filter(|line| depth(line) == depth(wildcard));
        arms.any(|line| line.trim_start().trim_start_matches("| ").starts_with("Fact::"))
    });
    over_facts.map(|(at, _)| format!("{name}:{}", at + 1)).collect()
}

#[test]
fn each_reader_of_the_trace_names_the_facts_that_it_ignores() {
    for (name, text) in sources(&root().join("src")) {
        assert_eq!(wildcards_over_facts(&name, &text), Vec::<String>::new());
    }
    let text = "    match fact {\n        Fact::LinkCut { .. } => cut(),\n        _ => {}\n    }\n";
    assert_eq!(wildcards_over_facts("a.rs", text), ["a.rs:3"]);
    assert!(wildcards_over_facts("a.rs", &text.replace("Fact", "Value")).is_empty());
}

#[test]
fn only_the_page_is_loaded_in_parts() {
    for folder in ["src/scenario", "src/trace", "src/engine", "src/analysis", "src/session", "src/report"] {
        for (name, text) in sources(&root().join(folder)) {
            assert_eq!(breaches(&name, &text, &["wasm_split"]), Vec::<String>::new());
        }
    }
}

#[test]
fn serialization_is_left_to_libraries_and_no_node_exists_for_benchmarks() {
    for (name, text) in sources(&root().join("src")) {
        let own = ["trait Wire", "trait Document", "impl Serializer for", "Relay(", "MessageKind::Token"];
        assert_eq!(breaches(&name, &text, &own), Vec::<String>::new());
    }
    assert!(!root().join("derive").exists(), "serde derives; a derive crate is not needed");
}

#[test]
fn browser_crates_are_dependencies_of_wasm32_only() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("a manifest");
    let mut section = "";
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line;
        }
        let browser = ["wasm-bindgen", "js-sys", "web-sys", "yew", "gloo"].iter().any(|name| line.starts_with(name));
        assert!(!browser || section.contains("target_arch = \"wasm32\""), "{line} is in {section}");
    }
}

#[test]
fn files_stay_small_and_contain_no_unfinished_code() {
    for folder in ["src", "js", "xtask", "tests"] {
        for (name, text) in sources(&root().join(folder)) {
            let lines = text.lines().count();
            assert!(
                lines <= MAX_LENGTH,
                "{name} has {lines} lines, more than {MAX_LENGTH}: has it two responsibilities?"
            );
        }
    }
    for (name, text) in sources(&root().join("src")) {
        let unfinished = breaches(&name, &text, &["todo!(", "unimplemented!(", "dbg!(", "#[ignore"]);
        assert_eq!(unfinished, Vec::<String>::new());
    }
}

#[test]
fn functions_that_change_the_engine_state_assert_what_they_rely_on() {
    let files = sources(&root().join("src/engine"));
    let lacking = files.iter().filter(|(name, _)| !name.contains("/tests")).flat_map(|(name, text)| {
        let functions = assertions::functions(text).into_iter().filter(assertions::Function::lacks_assertions);
        functions.map(move |function| format!("{name}: {}", function.name))
    });
    let lacking: Vec<String> = lacking.collect();
    assert!(lacking.is_empty(), "these have fewer than two assertions:\n{}", lacking.join("\n"));
}

/// Returns the lines of a view's source with texts that are not from the table of texts, as `name:line`.
fn texts_outside_the_table(name: &str, text: &str) -> Vec<String> {
    // A single letter is a unit or a key.
    let begins_text = |after: &str| after.chars().take(2).filter(|c| c.is_alphabetic()).count() == 2;
    let has_text = |line: &str| {
        ["aria-label=\"", "title=\"", "placeholder=\"", "aria-description=\"", ">{ \""].iter().any(|before| {
            line.split(before).skip(1).any(|after| begins_text(after) && !after.starts_with("Converge\""))
        })
    };
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//") && has_text(line));
    lines.map(|(i, _)| format!("{name}:{}", i + 1)).collect()
}

#[test]
fn views_take_their_texts_from_the_table() {
    assert_eq!(
        texts_outside_the_table("a.rs", "<h3>{ \"Goals\" }</h3>\n<h3>{ text!(\"Goals\") }</h3>\n<b title=\"More\">"),
        ["a.rs:1", "a.rs:3"]
    );
    let files = sources(&root().join("src/app/ui"));
    let outside: Vec<String> = files.iter().flat_map(|(name, text)| texts_outside_the_table(name, text)).collect();
    assert_eq!(outside, Vec::<String>::new());
}

/// Texts that are the same in both languages.
const SAME_IN_BOTH: &[&str] = &["compare-and-set", "ok"];

/// The modules whose texts the page shows.
const WRITERS: &[&str] = &["src/trace", "src/engine", "src/analysis", "src/session", "src/grading"];

/// Where errors of documents and lessons are written.
const DOCUMENTS: &[&str] = &[
    "src/lessons/lesson/markdown",
    "src/lessons/lesson/markdown.rs",
    "src/lessons/lesson/question.rs",
    "src/lessons/lesson/scenario_block.rs",
    "src/scenario/branching.rs",
    "src/scenario/goal.rs",
    "src/scenario/json/error_collector.rs",
    "src/scenario/invariant",
    "src/scenario/link.rs",
    "src/scenario/task_changes.rs",
    "src/scenario/validate",
    "src/scenario/validate.rs",
    "src/scenario/value.rs",
];

/// Files whose texts are read by programs, or by the users of the command line alone.
const ENGLISH: &[&str] =
    &["src/analysis/jepsen", "src/session/export.rs", "src/session/export/jepsen.rs", "src/session/sweep/figures.rs"];

/// Literals of several words that are no texts: ids, names of random streams, messages of checks.
const NO_TEXTS: &[&str] = &[
    // Of the syntax of a Mermaid diagram.
    "    participant n{} as {}",
    // Of the JSON schema.
    "The value of a key: a whole number, a text, or a set, list or map of those.",
    "unknown field",
    "service time",
    "the variant's comment explains the fields",
    "Grader({}: {} of {} runs)",
    "{} bytes follow the end of the message",
];

#[test]
fn each_text_of_the_simulator_has_a_translation_with_the_same_values() {
    let files = WRITERS.iter().chain(&["src/lessons", "src/scenario"]).flat_map(|folder| sources(&root().join(folder)));
    let all: Vec<texts::Bilingual> = files.flat_map(|(name, text)| texts::bilingual(&name, &text)).collect();
    assert!(all.len() > 250, "{}", all.len());
    let faults: Vec<String> = all.iter().filter_map(|text| text.faults(SAME_IN_BOTH)).collect();
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn the_simulator_writes_no_text_in_english_alone() {
    let files = WRITERS.iter().chain(DOCUMENTS).flat_map(|folder| sources(&root().join(folder)));
    let shown =
        files.filter(|(name, _)| !name.contains("tests") && !ENGLISH.iter().any(|folder| name.starts_with(folder)));
    let untranslated: Vec<String> =
        shown.flat_map(|(name, text)| texts::in_one_language(&name, &text, NO_TEXTS)).collect();
    assert_eq!(untranslated, Vec::<String>::new());
}
