//! A small WebDriver client: a real Chromium, its pages, pointers, keys and console.
#![forbid(unsafe_code)]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests of the page run beside the model and may read the clock"
)]

use base64::Engine as _;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use xtask::{serve::Server, setup};

/// How long a condition may take to come true. Generous: it is a bound on hanging, not on speed.
const PATIENCE: Duration = Duration::from_secs(60);

/// The page as a visitor loads it: built, served on two ports, which are two origins.
pub struct Site {
    /// The page.
    pub page: Server,
    /// Somebody else's server, with the same files.
    pub elsewhere: Server,
}

impl Site {
    /// Serves the page, and builds it first unless `CONVERGE_DIST` says where it is.
    pub fn start() -> Site {
        let dist = std::env::var_os("CONVERGE_DIST").map(PathBuf::from).unwrap_or_else(|| {
            let dist = xtask::root().join("dist");
            xtask::build::page(&dist).expect("the page builds");
            dist
        });
        let start = || Server::start(&dist, 0).expect("a free port");
        Site { page: start(), elsewhere: start() }
    }

    /// Opens the page in a browser of its own, and waits until it is there.
    pub fn visit(&self, look: Look, path: &str) -> Browser {
        let browser = Browser::start(look);
        browser.open(&self.at(path));
        browser.wait("document.querySelector('.transport .clock')?.textContent");
        browser
    }

    /// An address on the page's server.
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.page.address())
    }
}

/// Nothing was complained of in the console since this was asked last.
pub fn clean(browser: &Browser) {
    assert_eq!(browser.complaints(), Vec::<String>::new(), "the console is not clean");
}

/// Waits until a service's badge says so.
pub fn is(browser: &Browser, service: &str, state: &str) {
    browser
        .wait(&format!("document.querySelector('[data-node=\"{service}\"] .badge')?.textContent.trim() === '{state}'"));
}

/// Clicks a button of the inspector by what it says.
pub fn press(browser: &Browser, label: &str) {
    press_in(browser, ".inspector", label);
}

/// Clicks a button within something by what it says.
pub fn press_in(browser: &Browser, place: &str, label: &str) {
    let all = format!("[...document.querySelectorAll('{place} button')]");
    let find = format!("{all}.find(b => b.textContent === {})", json!(label));
    browser.wait(&find);
    browser.run(&format!("{find}.click()"));
}

/// Selects a wire by a click on its middle.
pub fn select_wire(browser: &Browser, index: u32) {
    let middle = format!(
        "const p = document.querySelectorAll('.wires path.reach')[{index}]; const m = p.getPointAtLength(p.getTotalLength() / 2).matrixTransform(p.getScreenCTM()); return [m.x, m.y]"
    );
    let at = browser.run(&middle);
    let (x, y) = (at[0].as_f64().expect("a place"), at[1].as_f64().expect("a place"));
    browser.drag((x, y), (x, y));
}

/// What a window looks like.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Width of the viewport, px.
    pub width: u32,
    /// Height, px.
    pub height: u32,
    /// The system is dark.
    pub dark: bool,
    /// A phone: touch, and two dots a pixel.
    pub phone: bool,
}

/// The common window.
pub const WIDE: Look = Look { width: 1280, height: 800, dark: false, phone: false };
/// A common phone.
pub const PHONE: Look = Look { width: 390, height: 844, dark: false, phone: true };

/// A browser of its own, with an empty profile.
pub struct Browser {
    driver: Child,
    session: String,
    agent: ureq::Agent,
    profile: PathBuf,
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.agent.delete(&self.session).call();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("its address").port()
}

impl Browser {
    /// Starts one.
    pub fn start(look: Look) -> Browser {
        let found = setup::browser().expect("a browser");
        let port = free_port();
        let driver = Command::new(&found.driver)
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("ChromeDriver starts");
        let profile = std::env::temp_dir().join(format!("converge-browser-{}-{port}", std::process::id()));
        let config = ureq::Agent::config_builder().http_status_as_error(false).build();
        let agent: ureq::Agent = config.into();
        let base = format!("http://127.0.0.1:{port}");
        let deadline = Instant::now() + PATIENCE;
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
        let mut browser = Browser { driver, session: base.clone(), agent, profile };
        let answer = browser.post(&format!("{base}/session"), json!({ "capabilities": { "alwaysMatch": wanted } }));
        browser.session = format!("{base}/session/{}", answer["sessionId"].as_str().expect("a session"));
        browser.call("/timeouts", json!({ "script": 600_000 }));
        if !look.phone {
            let metrics =
                json!({ "width": look.width, "height": look.height, "deviceScaleFactor": 1, "mobile": false });
            browser.devtools("Emulation.setDeviceMetricsOverride", metrics);
        }
        if look.dark {
            let features = json!([{ "name": "prefers-color-scheme", "value": "dark" }]);
            browser.devtools("Emulation.setEmulatedMedia", json!({ "features": features }));
        }
        browser
    }

    fn post(&self, url: &str, body: Value) -> Value {
        let mut answer = self.agent.post(url).send_json(&body).expect("the driver answers");
        let value = answer.body_mut().read_json::<Value>().expect("JSON")["value"].take();
        assert!(value.get("error").is_none(), "{url}: {value:#}");
        value
    }

    fn call(&self, path: &str, body: Value) -> Value {
        self.post(&format!("{}{path}", self.session), body)
    }

    /// A command of the DevTools protocol, and its answer.
    pub fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.call("/goog/cdp/execute", json!({ "cmd": command, "params": parameters }))
    }

    /// Opens an address.
    pub fn open(&self, url: &str) {
        self.call("/url", json!({ "url": url }));
    }

    /// What a script returns.
    pub fn run(&self, script: &str) -> Value {
        self.call("/execute/sync", json!({ "script": script, "args": [] }))
    }

    /// What a script with one argument returns.
    pub fn run_with(&self, script: &str, argument: &str) -> Value {
        self.call("/execute/sync", json!({ "script": script, "args": [argument] }))
    }

    /// What a script hands to its callback `done`, later.
    pub fn later(&self, script: &str) -> Value {
        let script = format!("const done = arguments[arguments.length - 1]; {script}");
        self.call("/execute/async", json!({ "script": script, "args": [] }))
    }

    /// Runs a script in every document from now on, before anything of its own.
    pub fn before_documents(&self, script: &str) {
        self.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": script }));
    }

    /// The text of what a selector finds first; empty if it finds nothing.
    pub fn text(&self, selector: &str) -> String {
        let script = "const e = document.querySelector(arguments[0]); return e ? e.textContent : ''";
        self.run_with(script, selector).as_str().unwrap_or_default().to_string()
    }

    /// Waits until an expression is true, and returns what it is.
    pub fn wait(&self, expression: &str) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let value = self.run(&format!("return ({expression})"));
            if !matches!(value, Value::Null | Value::Bool(false)) && value != json!(0) && value != json!("") {
                return value;
            }
            if Instant::now() > deadline {
                self.shot(Path::new("test-output/timeout.png"));
                panic!("never true: {expression}\npage: {}", self.run("return document.body.innerText"));
            }
            std::thread::yield_now();
        }
    }

    fn element(&self, selector: &str) -> String {
        self.wait(&format!("document.querySelector({}) !== null", json!(selector)));
        let found = self.call("/element", json!({ "using": "css selector", "value": selector }));
        let id = found.as_object().and_then(|object| object.values().next()).and_then(Value::as_str);
        id.expect("an element").to_string()
    }

    /// Clicks what a selector finds first, as a hand would.
    pub fn click(&self, selector: &str) {
        let element = self.element(selector);
        self.call(&format!("/element/{element}/click"), json!({}));
    }

    /// Types into what a selector finds first, replacing what was there.
    pub fn fill(&self, selector: &str, text: &str) {
        let element = self.element(selector);
        // Clearing would be a change of its own; a hand selects what is there and types over it.
        self.run_with("document.querySelector(arguments[0]).select()", selector);
        self.call(&format!("/element/{element}/value"), json!({ "text": format!("{text}\u{E007}") }));
    }

    /// Presses keys one after the other; `+` holds what stands before it: `Control+z`.
    pub fn keys(&self, keys: &[&str]) {
        let code = |key: &str| match key {
            "Control" => "\u{E009}".to_string(),
            "Shift" => "\u{E008}".to_string(),
            "Enter" => "\u{E007}".to_string(),
            "Escape" => "\u{E00C}".to_string(),
            "Tab" => "\u{E004}".to_string(),
            "Delete" => "\u{E017}".to_string(),
            "Space" => " ".to_string(),
            "Left" => "\u{E012}".to_string(),
            "Up" => "\u{E013}".to_string(),
            "Right" => "\u{E014}".to_string(),
            "Down" => "\u{E015}".to_string(),
            other => other.to_string(),
        };
        let mut actions = Vec::new();
        for chord in keys {
            let held: Vec<String> = chord.split('+').map(code).collect();
            actions.extend(held.iter().map(|key| json!({ "type": "keyDown", "value": key })));
            actions.extend(held.iter().rev().map(|key| json!({ "type": "keyUp", "value": key })));
        }
        self.call("/actions", json!({ "actions": [{ "type": "key", "id": "keys", "actions": actions }] }));
    }

    /// Drags from one point of the window to another.
    pub fn drag(&self, from: (f64, f64), to: (f64, f64)) {
        let step = |share: f64| {
            let at = (from.0 + (to.0 - from.0) * share, from.1 + (to.1 - from.1) * share);
            json!({ "type": "pointerMove", "duration": 10, "x": at.0 as i64, "y": at.1 as i64 })
        };
        let mut actions = vec![step(0.0), json!({ "type": "pointerDown", "button": 0 })];
        actions.extend((1..=8).map(|i| step(f64::from(i) / 8.0)));
        actions.push(json!({ "type": "pointerUp", "button": 0 }));
        let pointer =
            json!({ "type": "pointer", "id": "hand", "parameters": { "pointerType": "mouse" }, "actions": actions });
        self.call("/actions", json!({ "actions": [pointer] }));
    }

    /// Fingers that go down at the first of their points, stay for so many milliseconds, go through the others together, and
    /// come up.
    pub fn touch(&self, fingers: &[&[(f64, f64)]], stay: u64) {
        let finger = |(i, points): (usize, &&[(f64, f64)])| {
            let go = |at: (f64, f64), ms: u64| json!({ "type": "pointerMove", "duration": ms, "x": at.0 as i64, "y": at.1 as i64 });
            let mut actions = vec![go(points[0], 0), json!({ "type": "pointerDown", "button": 0 })];
            actions.push(json!({ "type": "pause", "duration": stay }));
            actions.extend(points[1..].iter().map(|at| go(*at, 100)));
            actions.push(json!({ "type": "pointerUp", "button": 0 }));
            json!({ "type": "pointer", "id": format!("finger {i}"), "parameters": { "pointerType": "touch" }, "actions": actions })
        };
        let all: Vec<Value> = fingers.iter().enumerate().map(finger).collect();
        self.call("/actions", json!({ "actions": all }));
    }

    /// The middle of what a selector finds first, in the window.
    pub fn middle(&self, selector: &str) -> (f64, f64) {
        self.element(selector);
        let script = "const r = document.querySelector(arguments[0]).getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]";
        let point = self.run_with(script, selector);
        (point[0].as_f64().expect("x"), point[1].as_f64().expect("y"))
    }

    /// Goes into a frame, or back out of all.
    pub fn frame(&self, selector: Option<&str>) {
        let id = match selector {
            Some(selector) => json!({ "element-6066-11e4-a52e-4f735466cecf": self.element(selector) }),
            None => Value::Null,
        };
        self.call("/frame", json!({ "id": id }));
    }

    /// Writes a picture of the window.
    pub fn shot(&self, file: &Path) {
        let file = xtask::root().join(file);
        let mut answer = self.agent.get(format!("{}/screenshot", self.session)).call().expect("a picture");
        let picture = answer.body_mut().read_json::<Value>().expect("JSON")["value"].take();
        let bytes = base64::prelude::BASE64_STANDARD.decode(picture.as_str().unwrap_or_default()).expect("base64");
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).expect("a folder");
        }
        std::fs::write(&file, bytes).expect("the picture can be written");
    }

    /// Errors and refused policies in the console since the last call.
    pub fn complaints(&self) -> Vec<String> {
        let log = self.call("/se/log", json!({ "type": "browser" }));
        let entries = log.as_array().cloned().unwrap_or_default();
        let bad = entries.iter().filter(|entry| matches!(entry["level"].as_str(), Some("SEVERE" | "WARNING")));
        bad.map(|entry| entry["message"].as_str().unwrap_or_default().to_string()).collect()
    }

    /// What axe-core finds wrong with the page as it stands: rule, and where.
    pub fn axe(&self) -> Vec<String> {
        self.run(include_str!("../vendor/axe.min.js"));
        let script = "axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }) \
            .then(r => done(r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.target.join(' ') + ' ' + (n.failureSummary || '')).join('; '))))";
        let found = self.later(script);
        found.as_array().into_iter().flatten().filter_map(|line| line.as_str().map(str::to_string)).collect()
    }
}
