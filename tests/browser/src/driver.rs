//! The interface through which WebDriver's commands reach a browser, and its implementation for ChromeDriver, over HTTP.

use crate::{Look, TIMEOUT};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use xtask::setup;

/// Carries commands to a browser.
pub trait Driver: Send + Sync {
    /// Executes the command with this path of a WebDriver session and returns its value, or an object with `error` and
    /// `message`. A command without a body reads.
    fn answer(&self, path: &str, body: Value) -> Value;

    /// The folder of the browser's profile.
    fn profile(&self) -> &Path;

    /// Ends the browser, or keeps it for another test, without what this test left in it.
    fn finish(self: Box<Self>);
}

/// Returns a new folder for the profile of a browser.
pub fn new_profile(name: &str) -> PathBuf {
    remove_abandoned_profiles();
    let profile = std::env::temp_dir().join(format!("{PROFILE}{}-{name}-{}", std::process::id(), free_port()));
    std::fs::create_dir_all(&profile).expect("a folder");
    profile
}

/// How the names of profiles begin, before the number of the process that tests.
const PROFILE: &str = "converge-profile-";

/// Removes the profiles of processes that have ended: a browser may write to its profile while it ends with its process.
fn remove_abandoned_profiles() {
    for entry in std::fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten() {
        let name = entry.file_name().into_string().unwrap_or_default();
        let process = name.strip_prefix(PROFILE).and_then(|rest| rest.split('-').next());
        if process.is_some_and(|process| !Path::new("/proc").join(process).exists()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("its address").port()
}

/// Chromium behind ChromeDriver. Dropping it ends both.
pub struct ChromeDriver {
    /// A shell around ChromeDriver. It ends the browser when its input is closed, also if this program was killed.
    shell: Child,
    profile: PathBuf,
    session: String,
    agent: ureq::Agent,
    /// The viewport of a phone, which stays while the browser runs.
    phone: Option<(u32, u32)>,
}

/// Starts ChromeDriver, waits until its input is closed, ends it, and removes the profile.
const SHELL: &str = r#""$0" --port="$1" </dev/null & read -r _; kill $!; wait; rm -rf "$2""#;

/// Browsers that wait for another test. Starting one takes a second of a processor.
static IDLE: Mutex<Vec<ChromeDriver>> = Mutex::new(Vec::new());

impl ChromeDriver {
    /// Returns a Chromium with one empty tab, without data of a page before: an idle one, or else a new one.
    pub fn reuse_or_start(look: Look) -> ChromeDriver {
        let phone = look.phone.then_some((look.width, look.height));
        let found = {
            let mut idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
            idle.iter().position(|driver| driver.phone == phone).map(|i| idle.swap_remove(i))
        };
        found.unwrap_or_else(|| ChromeDriver::start(look))
    }

    /// Starts Chromium with an empty profile.
    pub fn start(look: Look) -> ChromeDriver {
        let found = setup::browser().expect("a browser");
        let port = free_port();
        let profile = new_profile("chromium");
        let shell = Command::new("sh")
            .args(["-c", SHELL])
            .arg(&found.driver)
            .arg(port.to_string())
            .arg(&profile)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("ChromeDriver starts");
        let config = ureq::Agent::config_builder().http_status_as_error(false).build();
        let agent: ureq::Agent = config.into();
        let base = format!("http://127.0.0.1:{port}");
        let deadline = Instant::now() + TIMEOUT;
        while agent.get(format!("{base}/status")).call().is_err() {
            assert!(Instant::now() < deadline, "ChromeDriver does not answer");
            std::thread::yield_now();
        }
        let mut arguments: Vec<String> = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            // Chromium ends when ChromeDriver does.
            "--remote-debugging-pipe",
        ]
        .map(String::from)
        .to_vec();
        arguments.push(format!("--window-size={},{}", look.width, look.height));
        arguments.push(format!("--user-data-dir={}", profile.display()));
        let mut options = json!({ "binary": found.chromium, "args": arguments });
        if look.phone {
            let metrics = json!({ "width": look.width, "height": look.height, "pixelRatio": 2, "touch": true });
            options["mobileEmulation"] = json!({ "deviceMetrics": metrics });
        }
        let wanted = json!({ "goog:loggingPrefs": { "browser": "ALL" }, "goog:chromeOptions": options });
        let phone = look.phone.then_some((look.width, look.height));
        let mut driver = ChromeDriver { shell, profile, session: base.clone(), agent, phone };
        let answer = driver.answer("/session", json!({ "capabilities": { "alwaysMatch": wanted } }));
        let session = answer["sessionId"].as_str().unwrap_or_else(|| panic!("no session: {answer:#}"));
        driver.session = format!("{base}/session/{session}");
        driver
    }

    /// Closes all tabs but a new one, and removes what pages have stored. Returns whether that succeeded.
    fn clear(&self) -> bool {
        let tabs = self.answer("/window/handles", Value::Null);
        let new = self.answer("/window/new", json!({ "type": "tab" }))["handle"].take();
        for tab in tabs.as_array().into_iter().flatten() {
            self.answer("/window", json!({ "handle": tab }));
            let _ = self.agent.delete(format!("{}/window", self.session)).call();
        }
        self.answer("/window", json!({ "handle": new }));
        let all = json!({ "cmd": "Storage.clearDataForOrigin", "params": { "origin": "*", "storageTypes": "all" } });
        let cleared = self.answer("/goog/cdp/execute", all);
        self.answer("/se/log", json!({ "type": "browser" }));
        self.answer("/window/handles", Value::Null) == json!([new]) && cleared.get("error").is_none()
    }
}

impl Driver for ChromeDriver {
    fn answer(&self, path: &str, body: Value) -> Value {
        let url = format!("{}{path}", self.session);
        let answer = if body.is_null() { self.agent.get(url).call() } else { self.agent.post(url).send_json(&body) };
        answer.expect("the driver answers").body_mut().read_json::<Value>().expect("JSON")["value"].take()
    }

    fn profile(&self) -> &Path {
        &self.profile
    }

    fn finish(self: Box<Self>) {
        // A test that failed may have left the browser in any state.
        if !std::thread::panicking() && self.clear() {
            IDLE.lock().unwrap_or_else(PoisonError::into_inner).push(*self);
        }
    }
}

impl Drop for ChromeDriver {
    fn drop(&mut self) {
        let _ = self.agent.delete(&self.session).call();
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

/// Returns whether an error of the driver means that the page was replaced.
pub fn is_unloaded(error: &Value) -> bool {
    let message = error["message"].as_str().unwrap_or_default().to_lowercase();
    ["unloaded", "navigat", "execution context"].iter().any(|reason| message.contains(reason))
}
