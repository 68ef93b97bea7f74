//! A new version that replaces the one which a visitor has open, caches with files of an earlier version, and hosts that do not
//! know the media type of wasm files.

use crate::SITE;
use browser_tests::{Browser, PHONE, WIDE, assert_clean_console, wait_for_state};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use xtask::layout;
use xtask::serve::Server;

/// The folder of a host, which is removed at the end.
struct Host {
    folder: PathBuf,
    server: Server,
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Host {
    /// A host with the page.
    fn start(name: &str) -> Host {
        let folder = std::env::temp_dir().join(format!("converge-host-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        for file in layout::files(SITE.folder()).expect("the page's files") {
            let target = folder.join(&file);
            fs::create_dir_all(target.parent().expect("a folder")).expect("it can be made");
            fs::copy(SITE.folder().join(&file), target).expect("it can be copied");
        }
        let server = Server::start(&folder, 0).expect("a free port");
        Host { folder, server }
    }

    /// The name of the version's folder.
    fn version(&self) -> String {
        let folder = layout::version_folder(&self.folder).expect("a version");
        folder.file_name().expect("a name").to_string_lossy().into_owned()
    }

    /// Deploys another version of the page in place, and removes the files of the one before.
    fn deploy(&self) {
        let before = self.version();
        let after = before.chars().rev().collect::<String>() + "0";
        let versions = self.folder.join(layout::VERSIONS);
        fs::rename(versions.join(&before), versions.join(&after)).expect("the version's folder");
        for entry in ["index.html", "embed/index.html", "start.js"] {
            let text = fs::read_to_string(self.folder.join(entry)).expect("an entry");
            fs::write(self.folder.join(entry), text.replace(&before, &after)).expect("an entry");
        }
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.folder.join(file)).expect("a file of the page")
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.folder.join(file), text).expect("a file of the page");
    }

    fn visit(&self, path: &str) -> Browser {
        let browser = Browser::start(WIDE);
        browser.open(&format!("{}{path}", self.server.address()));
        browser
    }
}

fn wait_until_styled(browser: &Browser) {
    browser.wait("document.querySelector('[data-node] .badge')");
    browser.wait("getComputedStyle(document.querySelector('.page')).display === 'grid'");
}

#[test]
fn a_page_that_is_open_during_a_deployment_asks_for_a_reload_and_keeps_the_drawing() {
    let host = Host::start("open");
    let browser = host.visit("");
    wait_until_styled(&browser);
    host.deploy();
    browser.click("[data-action=Verdicts]");
    browser.wait("document.querySelector('.notice')?.textContent.includes('Reload the page')");
    browser.open(&host.server.address());
    wait_until_styled(&browser);
    browser.click("[data-action=Verdicts]");
    browser.wait("document.querySelector('.verdicts')");
}

#[test]
fn an_open_page_continues_where_the_files_of_its_version_remain() {
    let host = Host::start("kept");
    let browser = host.visit("");
    wait_until_styled(&browser);
    let before = host.folder.join(layout::VERSIONS).join(host.version());
    let kept = before.with_extension("kept");
    copy(&before, &kept);
    host.deploy();
    fs::rename(kept, before).expect("the files of the version before");
    browser.click("[data-action=Verdicts]");
    browser.wait("document.querySelector('.verdicts')");
    assert_clean_console(&browser);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for file in layout::files(from).expect("files") {
        fs::copy(from.join(&file), to.join(&file)).expect("a copy");
    }
}

#[test]
fn an_index_of_an_earlier_version_loads_the_present_one() {
    for (entry, path) in [("index.html", ""), ("embed/index.html", "embed/#ex=first-update")] {
        let host = Host::start("index");
        let cached = host.read(entry);
        host.deploy();
        host.write(entry, &cached);
        let browser = host.visit(path);
        wait_until_styled(&browser);
        browser.click(".publish, .publish-wide");
        wait_for_state(&browser, "notification", "stale");
        let requested = host.server.requested();
        assert!(requested.iter().any(|file| file.ends_with(&format!("{}/style.css", host.version()))), "{requested:?}");
    }
}

#[test]
fn a_script_of_an_earlier_version_reloads_once_and_then_offers_to_reload() {
    let host = Host::start("script");
    let cached = host.read("start.js");
    host.deploy();
    let present = host.read("start.js");
    host.write("start.js", &cached);
    let browser = Browser::start(WIDE);
    // The address gives the old script to the page, and the present one past the cache.
    browser.before_documents(&format!(
        "sessionStorage.loads = Number(sessionStorage.loads ?? 0) + 1; const fetched = window.fetch; \
         window.fetch = (url, options) => options?.cache === 'reload' ? Promise.resolve(new Response({})) : fetched(url, options);",
        serde_json::json!(present)
    ));
    browser.open(&host.server.address());
    browser.wait("document.body.innerText.includes('A new version of this page was published.')");
    assert_eq!(browser.run("return sessionStorage.loads"), serde_json::json!("2"));
    host.write("start.js", &present);
    browser.click("#app button");
    wait_until_styled(&browser);
}

#[test]
fn the_page_works_on_a_host_that_does_not_know_wasm_files() {
    let server = Server::without_wasm_type(SITE.folder()).expect("a free port");
    for path in ["", "embed/#ex=first-update"] {
        let browser = Browser::start(WIDE);
        browser.open(&format!("{}{path}", server.address()));
        browser.wait("document.querySelector('[data-node] .badge')");
        browser.click(".publish, .publish-wide");
        for state in ["stale", "consistent"] {
            wait_for_state(&browser, "notification", state);
        }
        browser.click("[data-action=Verdicts]");
        browser.wait("document.querySelector('.verdicts')");
    }
}

#[test]
fn a_page_that_is_opened_from_a_folder_states_what_to_do() {
    let browser = Browser::start(WIDE);
    for entry in ["index.html", "embed/index.html"] {
        browser.open(&format!("file://{}", SITE.folder().join(entry).display()));
        browser.wait("document.querySelector('[role=alert]')?.textContent.includes('Serve the folder')");
    }
}

#[test]
fn where_trusted_types_are_required_no_text_becomes_markup_or_script_and_the_page_works() {
    let policy = "trusted-types default";
    // A host may permit no policy of the page's name; then the engine runs without a worker.
    for (permitted, has_worker) in [(policy, true), ("trusted-types 'none'", false)] {
        let host = Host::start("trusted-types");
        let index = host.read("index.html");
        assert!(index.contains("require-trusted-types-for 'script'") && index.contains(policy), "{index}");
        host.write("index.html", &index.replace(policy, permitted));
        let browser = host.visit("");
        wait_until_styled(&browser);
        browser.click(".publish, .publish-wide");
        wait_for_state(&browser, "notification", "stale");
        let requested = host.server.requested();
        assert_eq!(requested.iter().any(|file| file.ends_with("worker.js")), has_worker, "{requested:?}");
        let refused = "try { document.createElement('p').innerHTML = '<b>b</b>'; return false } catch { return true }";
        assert_eq!(browser.run(refused), true, "text is no markup");
        let refused = "try { new Worker('embed.js'); return false } catch { return true }";
        assert_eq!(browser.run(refused), true, "no other file is run as a worker");
    }
}

#[test]
fn without_scripts_the_page_states_so_and_offers_the_text_of_the_lesson() {
    for look in [WIDE, PHONE] {
        let browser = Browser::start(look);
        browser.devtools("Emulation.setScriptExecutionDisabled", json!({ "value": true }));
        browser.open(&SITE.at("#lesson=lessons/eventual-consistency.md"));
        // What a page without scripts has drawn stays; only the test's own script runs.
        browser.devtools("Emulation.setScriptExecutionDisabled", json!({ "value": false }));
        let seen = "const link = document.querySelector('noscript a'), r = link.getBoundingClientRect(); \
            return document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2) === link && r.right <= innerWidth && r.bottom <= innerHeight";
        assert_eq!(browser.run(seen), json!(true), "{look:?}");
        browser.click("noscript a");
        browser.wait("document.title.includes('Eventual consistency')");
    }
}
