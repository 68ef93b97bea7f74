//! Firefox, driven by Marionette, its own protocol: lists in JSON over TCP, each after its length. Debian has no
//! geckodriver, which would only translate WebDriver's commands into these.

use crate::TIMEOUT;
use crate::driver::{Driver, new_profile};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use xtask::setup;

/// Settings of the profile: a free port, and nothing that asks the visitor or the network.
const SETTINGS: [(&str, &str); 9] = [
    ("marionette.port", "0"),
    ("app.update.disabledForTesting", "true"),
    ("browser.shell.checkDefaultBrowser", "false"),
    ("browser.startup.page", "0"),
    ("datareporting.policy.dataSubmissionEnabled", "false"),
    ("network.captive-portal-service.enabled", "false"),
    ("network.connectivity-service.enabled", "false"),
    ("toolkit.startup.max_resumed_crashes", "-1"),
    ("ui.prefersReducedMotion", "0"),
];

/// Firefox and the connection to it.
pub struct Marionette {
    process: Child,
    profile: PathBuf,
    connection: Mutex<Connection>,
}

struct Connection {
    stream: BufReader<TcpStream>,
    /// The number of the last command.
    last: u64,
}

impl Marionette {
    /// Starts Firefox with an empty profile.
    pub fn start() -> Marionette {
        let firefox = setup::firefox().expect("Firefox");
        let profile = new_profile("firefox");
        let settings = SETTINGS.map(|(name, value)| format!("user_pref(\"{name}\", {value});\n")).concat();
        std::fs::write(profile.join("user.js"), settings).expect("the settings can be written");
        let process = Command::new(firefox)
            .args(["--headless", "--marionette", "--no-remote", "--profile"])
            .arg(&profile)
            .env("MOZ_CRASHREPORTER_DISABLE", "1")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Firefox starts");
        let stream = BufReader::new(connect(&profile));
        let mut connection = Connection { stream, last: 0 };
        let hello = connection.receive();
        assert_eq!(hello["marionetteProtocol"], json!(3), "{hello}");
        let session = connection.command("WebDriver:NewSession", &json!({}));
        assert!(session.get("error").is_none(), "{session:#}");
        Marionette { process, profile, connection: Mutex::new(connection) }
    }
}

/// Connects to Firefox, which writes its port into the profile as soon as it listens.
fn connect(profile: &Path) -> TcpStream {
    let deadline = Instant::now() + TIMEOUT;
    loop {
        let port = std::fs::read_to_string(profile.join("MarionetteActivePort")).ok();
        if let Some(port) = port.and_then(|port| port.trim().parse::<u16>().ok())
            && let Ok(stream) = TcpStream::connect(("127.0.0.1", port))
        {
            return stream;
        }
        assert!(Instant::now() < deadline, "Firefox does not answer");
        std::thread::yield_now();
    }
}

impl Connection {
    /// Reads the next message: its length, a colon, and that many bytes of JSON.
    fn receive(&mut self) -> Value {
        let mut length = Vec::new();
        self.stream.read_until(b':', &mut length).expect("Firefox answers");
        let length = String::from_utf8_lossy(&length);
        let mut message = vec![0; length.trim_end_matches(':').parse().expect("a length")];
        self.stream.read_exact(&mut message).expect("the whole message");
        serde_json::from_slice(&message).expect("JSON")
    }

    /// Executes a command and returns its result, or its error.
    fn command(&mut self, name: &str, parameters: &Value) -> Value {
        self.last += 1;
        let message = json!([0, self.last, name, parameters]).to_string();
        let framed = format!("{}:{message}", message.len());
        self.stream.get_mut().write_all(framed.as_bytes()).expect("Firefox listens");
        let mut answer = self.receive();
        assert_eq!((&answer[0], &answer[1]), (&json!(1), &json!(self.last)), "{answer}");
        if answer[2].is_null() { answer[3].take() } else { answer[2].take() }
    }
}

/// Returns the command of a path of WebDriver, with the parameters that the path holds.
fn command_of(path: &str, body: &Value) -> (&'static str, Value) {
    let mut parameters = if body.is_null() { json!({}) } else { body.clone() };
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let name = match parts.as_slice() {
        ["url"] => "WebDriver:Navigate",
        ["timeouts"] => "WebDriver:SetTimeouts",
        ["execute", "sync"] => "WebDriver:ExecuteScript",
        ["execute", "async"] => "WebDriver:ExecuteAsyncScript",
        ["actions"] => "WebDriver:PerformActions",
        ["element"] => "WebDriver:FindElement",
        ["element", id, rest] => {
            parameters["id"] = json!(id);
            if *rest == "click" { "WebDriver:ElementClick" } else { "WebDriver:ElementSendKeys" }
        }
        ["frame"] => {
            let element = &body["id"]["element-6066-11e4-a52e-4f735466cecf"];
            parameters = json!({ "element": element, "id": null });
            "WebDriver:SwitchToFrame"
        }
        ["window", "rect"] => "WebDriver:SetWindowRect",
        ["window", "new"] => "WebDriver:NewWindow",
        ["window"] if body.is_null() => "WebDriver:GetWindowHandle",
        ["window"] => "WebDriver:SwitchToWindow",
        ["screenshot"] => {
            parameters = json!({ "full": false });
            "WebDriver:TakeScreenshot"
        }
        _ => panic!("Firefox has no command for {path}"),
    };
    (name, parameters)
}

impl Driver for Marionette {
    fn answer(&self, path: &str, body: Value) -> Value {
        let (name, parameters) = command_of(path, &body);
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let mut answer = connection.command(name, &parameters);
        // Some commands answer with a value alone, others with an object.
        match answer.get_mut("value") {
            Some(value) => value.take(),
            None => answer,
        }
    }

    fn profile(&self) -> &Path {
        &self.profile
    }

    fn finish(self: Box<Self>) {}
}

impl Drop for Marionette {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}
