//! A small WebDriver client for tests of the page in Chromium and Firefox.
#![forbid(unsafe_code)]
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "tests may read the clock")]

mod digests;
mod driver;
mod marionette;

pub use digests::worker_digests;

use base64::Engine as _;
use converge::scenario::examples;
use driver::{ChromeDriver, Driver, is_unloaded};
use marionette::Marionette;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use xtask::serve::Server;

/// How long a condition may take to become true. It detects a page that hangs; it does not measure speed.
const TIMEOUT: Duration = Duration::from_secs(60);

/// How long a script may run, ms.
const SCRIPT_MS: u32 = 600_000;

/// The built page, served on two ports, which are two origins.
pub struct Site {
    /// The page.
    pub page: Server,
    /// The same files on another origin.
    pub elsewhere: Server,
    folder: PathBuf,
}

impl Site {
    /// Serves the page in the folder `CONVERGE_DIST`, or else builds it first.
    pub fn start() -> Site {
        let dist = std::env::var_os("CONVERGE_DIST").map(PathBuf::from).unwrap_or_else(|| {
            let dist = xtask::root().join("dist");
            xtask::build::page(&dist).expect("the page builds");
            dist
        });
        let start = || Server::start(&dist, 0).expect("a free port");
        Site { page: start(), elsewhere: start(), folder: dist }
    }

    /// Opens the page in a new browser and waits until it is rendered and, where the path names an instant, shows it.
    pub fn visit(&self, look: Look, path: &str) -> Browser {
        let browser = Browser::start(look);
        browser.open(&self.at(path));
        browser.wait_for_instant(path);
        browser
    }

    /// Opens the page in Firefox and waits as [`Site::visit`] does.
    pub fn visit_in_firefox(&self, path: &str) -> Browser {
        let browser = Browser::start_firefox();
        browser.open(&self.at(path));
        browser.wait_for_instant(path);
        browser
    }

    /// The folder with the built page.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns an address on the page's server.
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.page.address())
    }
}

/// Asserts that the console has no errors or warnings since the last call.
pub fn assert_clean_console(browser: &Browser) {
    assert_eq!(browser.console_problems(), Vec::<String>::new(), "the console is not clean");
}

/// Waits until a service's badge shows a state.
pub fn wait_for_state(browser: &Browser, service: &str, state: &str) {
    browser
        .wait(&format!("document.querySelector('[data-node=\"{service}\"] .badge')?.textContent.trim() === '{state}'"));
}

/// Runs a script with the text of a saved SVG picture as its argument. It runs in an empty document, because the page's trusted
/// types forbid to parse markup.
pub fn read_picture(svg: &str, script: &str) -> Value {
    let browser = Browser::start(WIDE);
    browser.open("about:blank");
    browser.run_with(script, svg)
}

/// Publishes by the pointer and waits until the copy has been stale and is consistent.
pub fn publish_and_converge(browser: &Browser) {
    // A new embed moves its cards into view; until then something else may cover the button.
    browser.wait(
        "[document.querySelector('.publish, .publish-wide')].some(button => { const r = button?.getBoundingClientRect(); \
         return r && button.contains(document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2)); })",
    );
    browser.click(".publish, .publish-wide");
    wait_for_state(browser, "notification", "stale");
    wait_for_state(browser, "notification", "consistent");
}

/// Draws the scissors across the link from the bus to its consumer, and publishes: the message is lost.
pub fn publish_across_a_cut(browser: &Browser) {
    browser.click(".palette button:nth-of-type(6)");
    let bus = browser.middle("[data-node=\"stock_updated\"]");
    let consumer = browser.middle("[data-node=\"notification\"]");
    let x = (bus.0 + consumer.0) / 2.0;
    browser.drag((x, bus.1 - 160.0), (x, bus.1 + 160.0));
    browser.wait("document.querySelector('.link.cut')");
    browser.click(".palette button:nth-of-type(6)");
    browser.click(".publish");
    wait_for_state(browser, "notification", "stale");
    browser.click(".transport [data-action=Log]");
    browser.wait("document.querySelector('.log')?.textContent.includes('dropped: link cut')");
}

/// Opens an embed in a course page that sends hello, gives it `state` by SPLICE, and collects its messages in `received`. Its
/// address follows the one of the embed's folder.
pub fn embed_in_course_page(browser: &Browser, address: &str, state: &Value) {
    let script = format!(
        "window.received = []; addEventListener('message', event => {{ received.push(event.data); \
         if (event.data.type === 'ready') event.source.postMessage({{ app: 'converge', v: 1, type: 'hello', payload: {{ v: 1 }} }}, '*'); \
         if (event.data.subject === 'SPLICE.getState') event.source.postMessage({{ subject: 'SPLICE.getState.response', message_id: event.data.message_id, \
         state: {state} }}, '*'); }}); \
         document.body.innerHTML = ''; const frame = document.createElement('iframe'); frame.src = '../embed/' + arguments[0]; \
         frame.width = 1200; frame.height = 700; document.body.append(frame)"
    );
    browser.run_with(&script, address);
}

/// Chooses an entry of the gallery: the id of an example, `-` for a new drawing, or `~` for the previous one.
pub fn open_from_gallery(browser: &Browser, entry: &str) {
    browser.click("[data-action=Examples]");
    let find = format!("document.querySelector('.gallery [data-open=\"{entry}\"]')");
    browser.wait(&find);
    browser.run(&format!("{find}.click()"));
}

/// Clicks a button of the inspector by its text.
pub fn press(browser: &Browser, label: &str) {
    press_in(browser, ".inspector", label);
}

/// Clicks a button by its text, inside of the elements that a selector matches.
pub fn press_in(browser: &Browser, container: &str, label: &str) {
    let buttons = format!("[...document.querySelectorAll('{container} button')]");
    let find = format!("{buttons}.find(b => b.textContent === {})", json!(label));
    browser.wait(&find);
    browser.run(&format!("{find}.click()"));
}

/// Selects a link by a click on its middle.
pub fn select_link(browser: &Browser, index: u32) {
    let middle = format!(
        "const p = document.querySelectorAll('.links path.reach')[{index}]; const m = p.getPointAtLength(p.getTotalLength() / 2).matrixTransform(p.getScreenCTM()); return [m.x, m.y]"
    );
    let at = browser.run(&middle);
    let (x, y) = (at[0].as_f64().expect("a coordinate"), at[1].as_f64().expect("a coordinate"));
    browser.drag((x, y), (x, y));
}

/// How long a page waits for something in one script, ms; then the driver asks again, also if the page was replaced.
const SLICE_MS: u32 = 500;
/// The time between two looks of a page, ms.
const LOOK_MS: u32 = 8;

/// The window of a browser.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Width of the viewport, px.
    pub width: u32,
    /// Height, px.
    pub height: u32,
    /// The system prefers dark colours.
    pub dark: bool,
    /// A phone: touch, and two screen pixels per px.
    pub phone: bool,
}

/// A common desktop window.
pub const WIDE: Look = Look { width: 1280, height: 800, dark: false, phone: false };
/// A common phone.
pub const PHONE: Look = Look { width: 390, height: 844, dark: false, phone: true };

/// A browser that holds no data of a page when a test starts.
pub struct Browser {
    /// Always there until the browser is dropped.
    driver: Option<Box<dyn Driver>>,
}

impl Drop for Browser {
    fn drop(&mut self) {
        if let Some(driver) = self.driver.take() {
            driver.finish();
        }
    }
}

impl Browser {
    /// Starts Chromium, or takes one that another test has left. What it fetched before is in its cache.
    pub fn start(look: Look) -> Browser {
        Browser::with(ChromeDriver::reuse_or_start(look), look)
    }

    /// Starts Chromium with an empty profile and an empty cache.
    pub fn start_new(look: Look) -> Browser {
        Browser::with(ChromeDriver::start(look), look)
    }

    fn with(driver: ChromeDriver, look: Look) -> Browser {
        let browser = Browser { driver: Some(Box::new(driver)) };
        browser.call("/timeouts", json!({ "script": SCRIPT_MS }));
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

    /// Starts Firefox, with a window like [`WIDE`].
    pub fn start_firefox() -> Browser {
        let browser = Browser { driver: Some(Box::new(Marionette::start())) };
        browser.call("/timeouts", json!({ "script": SCRIPT_MS }));
        let frame = browser.run("return [outerWidth - innerWidth, outerHeight - innerHeight]");
        let outer = |size: u32, frame: &Value| i64::from(size) + frame.as_i64().expect("whole px");
        let size = json!({ "width": outer(WIDE.width, &frame[0]), "height": outer(WIDE.height, &frame[1]) });
        browser.call("/window/rect", size);
        browser
    }

    fn driver(&self) -> &dyn Driver {
        self.driver.as_deref().expect("the browser is open")
    }

    /// Returns the driver's answer, which may be an error.
    fn answer(&self, path: &str, body: Value) -> Value {
        self.driver().answer(path, body)
    }

    fn call(&self, path: &str, body: Value) -> Value {
        let value = self.answer(path, body);
        assert!(value.get("error").is_none(), "{path}: {value:#}");
        value
    }

    /// Executes a command of the DevTools protocol and returns its answer.
    pub fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.call("/goog/cdp/execute", json!({ "cmd": command, "params": parameters }))
    }

    /// Opens an address.
    pub fn open(&self, url: &str) {
        self.call("/url", json!({ "url": url }));
    }

    /// Runs a script and returns its result.
    pub fn run(&self, script: &str) -> Value {
        self.call("/execute/sync", json!({ "script": script, "args": [] }))
    }

    /// Runs a script with one argument and returns its result.
    pub fn run_with(&self, script: &str, argument: &str) -> Value {
        self.call("/execute/sync", json!({ "script": script, "args": [argument] }))
    }

    /// Runs a script and returns what it passes to its callback `done`.
    pub fn run_async(&self, script: &str) -> Value {
        let script = format!("const done = arguments[arguments.length - 1]; {script}");
        self.call("/execute/async", json!({ "script": script, "args": [] }))
    }

    /// Runs a script in every new document, before the document's own scripts.
    pub fn before_documents(&self, script: &str) {
        self.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": script }));
    }

    /// Returns the text of the first element that a selector matches; empty without one.
    pub fn text(&self, selector: &str) -> String {
        let script = "const e = document.querySelector(arguments[0]); return e ? e.textContent : ''";
        self.run_with(script, selector).as_str().unwrap_or_default().to_string()
    }

    /// Waits until an expression is truthy and returns its value; for an element, `true`. It is false while an element that it
    /// reads is missing. The page itself looks again and again, which costs far less than asking the driver each time.
    pub fn wait(&self, expression: &str) -> Value {
        let script = format!(
            "const done = arguments[0], until = performance.now() + {SLICE_MS}; \
             const look = () => {{ let value; try {{ value = ({expression}); }} \
             catch (error) {{ if (!(error instanceof TypeError)) return done(String(error)); }} \
             if (value || performance.now() > until) done([value?.nodeType ? true : value || null]); else setTimeout(look, {LOOK_MS}); }}; look()"
        );
        let deadline = Instant::now() + TIMEOUT;
        loop {
            let answer = self.answer("/execute/async", json!({ "script": script, "args": [] }));
            match &answer[0] {
                Value::Null if answer.is_array() => {}
                // A page that is being replaced ends its scripts.
                Value::Null if is_unloaded(&answer) => {}
                Value::Null => panic!("{expression}: {answer:#}"),
                value => return value.clone(),
            }
            if Instant::now() > deadline {
                self.shot(Path::new("test-output/timeout.png"));
                let shown =
                    self.run("return [document.activeElement?.outerHTML.slice(0, 200), document.body.innerText]");
                panic!("timeout: {expression}\nfocus: {}\npage: {}", shown[0], shown[1]);
            }
        }
    }

    /// Waits until the clock is rendered and shows at least the instant that a path names with `t`, or else the one at which
    /// the page opens the example that it names. Until then the page shows the instants on the way there.
    pub fn wait_for_instant(&self, path: &str) {
        let parameter = |name| path.split(['#', '&']).find_map(|part| part.strip_prefix(name));
        let opens_at_its_point = path.starts_with(['#', '?']) && parameter("autoplay=1").is_none();
        let example = parameter("ex=").filter(|_| opens_at_its_point).and_then(examples::find);
        let at =
            parameter("t=").and_then(|ms| ms.parse().ok()).or(example.map(|example| example.opens_at_ms)).unwrap_or(0);
        let seconds = "parseFloat(document.querySelector('.transport .clock')?.textContent.replace(',', '.'))";
        self.wait(&format!("{seconds} * 1000 >= {at}"));
    }

    fn element(&self, selector: &str) -> String {
        self.wait(&format!("document.querySelector({}) !== null", json!(selector)));
        let found = self.call("/element", json!({ "using": "css selector", "value": selector }));
        let id = found.as_object().and_then(|object| object.values().next()).and_then(Value::as_str);
        id.expect("an element").to_string()
    }

    /// Clicks the first element that a selector matches, with the pointer.
    pub fn click(&self, selector: &str) {
        let element = self.element(selector);
        self.call(&format!("/element/{element}/click"), json!({}));
    }

    /// Replaces the text of the first input that a selector matches.
    pub fn fill(&self, selector: &str, text: &str) {
        let element = self.element(selector);
        // Clearing the input would be a separate change, so select its text and type over it.
        self.run_with("document.querySelector(arguments[0]).select()", selector);
        self.call(&format!("/element/{element}/value"), json!({ "text": format!("{text}\u{E007}") }));
    }

    /// Presses keys one after the other. `+` joins a modifier and a key: `Control+z`.
    pub fn keys(&self, keys: &[&str]) {
        let code = |key: &str| match key {
            "Control" => "\u{E009}".to_string(),
            "Shift" => "\u{E008}".to_string(),
            "Enter" => "\u{E007}".to_string(),
            "Escape" => "\u{E00C}".to_string(),
            "Tab" => "\u{E004}".to_string(),
            "Delete" => "\u{E017}".to_string(),
            "Space" => " ".to_string(),
            "Home" => "\u{E011}".to_string(),
            "End" => "\u{E010}".to_string(),
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

    /// Touches with fingers that go down at their first points, wait (ms), move through their other points, and go up.
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

    /// Returns the middle of the first element that a selector matches, in px of the window.
    pub fn middle(&self, selector: &str) -> (f64, f64) {
        self.element(selector);
        let script = "const r = document.querySelector(arguments[0]).getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]";
        let point = self.run_with(script, selector);
        (point[0].as_f64().expect("x"), point[1].as_f64().expect("y"))
    }

    /// Opens an address in a new tab, and goes there. Returns the tab before and the new one.
    pub fn open_tab(&self, url: &str) -> (String, String) {
        let before = self.call("/window", Value::Null);
        let new = self.call("/window/new", json!({ "type": "tab" }))["handle"].take();
        let handle = |value: &Value| value.as_str().expect("a handle").to_string();
        let (before, new) = (handle(&before), handle(&new));
        self.go_to_tab(&new);
        self.open(url);
        (before, new)
    }

    /// Goes to a tab.
    pub fn go_to_tab(&self, handle: &str) {
        self.call("/window", json!({ "handle": handle }));
    }

    /// Enters a frame, or leaves all frames.
    pub fn frame(&self, selector: Option<&str>) {
        let id = match selector {
            Some(selector) => json!({ "element-6066-11e4-a52e-4f735466cecf": self.element(selector) }),
            None => Value::Null,
        };
        self.call("/frame", json!({ "id": id }));
    }

    /// Returns the memory of the browser's processes that render pages, MB.
    pub fn memory(&self) -> u64 {
        let of_process = |process: &Path| {
            let status = std::fs::read_to_string(process.join("status")).ok()?;
            let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
            line.split_whitespace().nth(1)?.parse::<u64>().ok()
        };
        self.renderers().iter().filter_map(|process| of_process(process)).sum::<u64>() / 1024
    }

    /// Returns the processor time that these processes have used so far, s.
    pub fn processor_time(&self) -> f64 {
        // Linux counts it in hundredths of a second, after the name in parentheses.
        let of_process = |process: &Path| {
            let status = std::fs::read_to_string(process.join("stat")).ok()?;
            let fields = status.rsplit_once(") ")?.1.split(' ').skip(11).take(2);
            Some(fields.filter_map(|field| field.parse::<f64>().ok()).sum::<f64>())
        };
        self.renderers().iter().filter_map(|process| of_process(process)).sum::<f64>() / 100.0
    }

    /// Returns the folders in `/proc` of the processes that render pages.
    fn renderers(&self) -> Vec<PathBuf> {
        let profile = self.driver().profile().display().to_string();
        let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let draws_pages = |process: &PathBuf| {
            let command = std::fs::read(process.join("cmdline")).unwrap_or_default();
            let command = String::from_utf8_lossy(&command).into_owned();
            command.contains(&profile) && command.contains("--type=renderer")
        };
        processes.map(|process| process.path()).filter(draws_pages).collect()
    }

    /// Saves a screenshot of the window.
    pub fn shot(&self, file: &Path) {
        let file = xtask::root().join(file);
        let picture = self.call("/screenshot", Value::Null);
        let bytes = base64::prelude::BASE64_STANDARD.decode(picture.as_str().unwrap_or_default()).expect("base64");
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).expect("a folder");
        }
        std::fs::write(&file, bytes).expect("the picture can be written");
    }

    /// Returns the errors and warnings in the console since the last call.
    pub fn console_problems(&self) -> Vec<String> {
        let log = self.call("/se/log", json!({ "type": "browser" }));
        let entries = log.as_array().cloned().unwrap_or_default();
        let bad = entries.iter().filter(|entry| matches!(entry["level"].as_str(), Some("SEVERE" | "WARNING")));
        bad.map(|entry| entry["message"].as_str().unwrap_or_default().to_string()).collect()
    }

    /// Returns the violations that axe-core finds on the page: rule and element.
    pub fn axe(&self) -> Vec<String> {
        self.run(include_str!("../vendor/axe.min.js"));
        let script = "axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }) \
            .then(r => done(r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.target.join(' ') + ' ' + (n.failureSummary || '')).join('; '))))";
        let found = self.run_async(script);
        found.as_array().into_iter().flatten().filter_map(|line| line.as_str().map(str::to_string)).collect()
    }
}
