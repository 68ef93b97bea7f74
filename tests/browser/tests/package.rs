//! The page in one file, opened without a server, the archive, and the npm package of the engine.

use browser_tests::{Browser, Site, WIDE, wait_for_state};
use converge::report::RunReport;
use converge::scenario::examples::EXAMPLES;
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;
use xtask::package::{Packages, package};

static PACKAGES: LazyLock<Packages> = LazyLock::new(|| {
    let out = std::env::temp_dir().join(format!("converge-package-{}", std::process::id()));
    package(Site::start().folder(), &out).expect("the page is packed")
});

fn digest_of_first_example() -> String {
    let report = RunReport::of(&EXAMPLES[0].scenario(), 1_000_000);
    serde_json::to_value(&report).expect("JSON")["digest"].as_str().expect("a digest").to_string()
}

#[test]
fn the_page_in_one_file_opens_from_the_disk_runs_and_has_its_lessons() {
    let browser = Browser::start(WIDE);
    browser.open(&format!("file://{}", PACKAGES.single_file.display()));
    browser.wait("document.querySelector('.transport .clock')?.textContent");
    browser.click(".publish, .publish-wide");
    for state in ["stale", "consistent"] {
        wait_for_state(&browser, "notification", state);
    }
    browser.click("[data-action=Verdicts]");
    browser.wait("document.querySelector('.verdicts')");
    // The lessons are in the file too; one that is not there is reported.
    browser
        .open(&format!("file://{}#lesson=lessons/eventual-consistency.md&step=watch", PACKAGES.single_file.display()));
    browser.wait("document.querySelector('#lesson-step')");
    browser.wait("document.querySelectorAll('[data-node]').length > 0");
    browser.open(&format!("file://{}#lesson=lessons/none.md", PACKAGES.single_file.display()));
    browser.wait("document.body.textContent.includes('This file has no lesson lessons/none.md.')");
    // The browser reports that it starts no worker from a file; then the engine runs on the page's thread.
    let problems: Vec<String> =
        browser.console_problems().into_iter().filter(|text| !text.contains("worker script")).collect();
    assert_eq!(problems, Vec::<String>::new());
}

#[test]
fn the_archive_contains_the_page() {
    let bytes = std::fs::read(&PACKAGES.archive).expect("the archive");
    let contains = |name: &str| bytes.windows(name.len()).any(|part| part == name.as_bytes());
    for name in ["converge/index.html", "converge/start.js", "converge/embed/index.html", "/converge_bg.wasm"] {
        assert!(contains(name), "{name}");
    }
}

#[test]
fn the_npm_package_runs_in_node_with_the_digest_of_the_native_engine() {
    if Command::new("node").arg("--version").output().is_err() {
        println!("node is not installed: skipped");
        return;
    }
    let modules = PACKAGES.npm.with_file_name("node_modules");
    std::fs::create_dir_all(modules.join("converge-engine")).expect("a folder");
    for file in xtask::layout::files(&PACKAGES.npm).expect("files") {
        let target: PathBuf = modules.join("converge-engine").join(&file);
        std::fs::copy(PACKAGES.npm.join(&file), target).expect("a copy");
    }
    let document = std::fs::read_to_string(xtask::root().join("docs/embedding.md")).expect("a document");
    let block =
        document.split("```js node\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a script for Node");
    let script = format!("{block}console.log(run('ex={}').digest);", EXAMPLES[0].id);
    let file = modules.with_file_name("test.mjs");
    std::fs::write(&file, script).expect("a script");
    let output = Command::new("node").arg(&file).output().expect("node runs");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert_eq!(printed.trim(), digest_of_first_example(), "{}", String::from_utf8_lossy(&output.stderr));
}
