//! The interface through which WebDriver's commands reach a browser, and its implementation for ChromeDriver, over HTTP.

use crate::{Look, TIMEOUT};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Instant;
use xtask::setup;

/// Carries commands to a browser.
pub trait Driver: Send + Sync {
    /// Executes the command with this path of a WebDriver session and returns its value, or an object with `error` and
    /// `message`. A command without a body reads.
    fn answer(&self, path: &str, body: Value) -> Value;

    /// Ends the browser.
    fn quit(&mut self);
}

/// Returns a new folder for the profile of a browser.
pub fn new_profile(name: &str) -> PathBuf {
    let profile = std::env::temp_dir().join(format!("converge-{name}-{}-{}", std::process::id(), free_port()));
    std::fs::create_dir_all(&profile).expect("a folder");
    profile
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("its address").port()
}

/// Chromium behind ChromeDriver.
pub struct ChromeDriver {
    process: Child,
    session: String,
    agent: ureq::Agent,
}

impl ChromeDriver {
    /// Starts Chromium with an empty profile, whose folder it returns.
    pub fn start(look: Look) -> (ChromeDriver, PathBuf) {
        let found = setup::browser().expect("a browser");
        let port = free_port();
        let process = Command::new(&found.driver)
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("ChromeDriver starts");
        let profile = new_profile("chromium");
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
        let mut driver = ChromeDriver { process, session: base.clone(), agent };
        let answer = driver.answer("/session", json!({ "capabilities": { "alwaysMatch": wanted } }));
        let session = answer["sessionId"].as_str().unwrap_or_else(|| panic!("no session: {answer:#}"));
        driver.session = format!("{base}/session/{session}");
        (driver, profile)
    }
}

impl Driver for ChromeDriver {
    fn answer(&self, path: &str, body: Value) -> Value {
        let url = format!("{}{path}", self.session);
        let answer = if body.is_null() { self.agent.get(url).call() } else { self.agent.post(url).send_json(&body) };
        answer.expect("the driver answers").body_mut().read_json::<Value>().expect("JSON")["value"].take()
    }

    fn quit(&mut self) {
        let _ = self.agent.delete(&self.session).call();
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
