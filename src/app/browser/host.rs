//! Posts and receives the messages of an embed. Its code is loaded only for embeds whose address asks for messages.

use crate::app::host::{Audience, Host, HostAction, HostOptions};
use crate::app::model::Model;
use serde::Serialize;
use std::fmt::Debug;
use wasm_bindgen::prelude::*;
use wasm_split_helpers::{SplitLoaderError, wasm_split};

/// The maximum length of a message, in characters of JSON.
const MAX_LENGTH: u32 = 2_000_000;

/// The connection to the host page of an embed, see [`Host`].
pub trait HostPort: Debug {
    /// Handles a message.
    fn handle_message(&mut self, data: &JsValue, origin: &str, model: &Model) -> Vec<HostAction>;
    /// Reports the result of opening a document.
    fn opened(&mut self, problem: Option<&str>);
    /// Reports parts of the address that are not known.
    fn report_unknown(&mut self, parts: &[String]);
    /// Reports the first action of the visitor.
    fn interacted(&mut self);
    /// Observes the model after a change.
    fn observe(&mut self, model: &mut Model);
    /// Reports the height at which everything has room.
    fn report_height(&mut self, height: f64);
}

/// Connects an embed to its host page.
///
/// # Errors
/// The code could not be fetched.
#[wasm_split(host, fallible)]
pub fn connect(options: HostOptions) -> Result<Box<dyn HostPort>, SplitLoaderError> {
    let mut port = Port { host: Host::new(options) };
    port.post();
    Ok(Box::new(port))
}

#[derive(Debug)]
struct Port {
    host: Host,
}

impl HostPort for Port {
    fn handle_message(&mut self, data: &JsValue, origin: &str, model: &Model) -> Vec<HostAction> {
        // A value without JSON (a circle, a function) is no message of this protocol.
        let Ok(text) = js_sys::JSON::stringify(data) else { return Vec::new() };
        let message = Some(text).filter(|text| text.length() <= MAX_LENGTH);
        let message = message.and_then(|text| serde_json::from_str(&text.as_string()?).ok());
        let actions = message.map_or_else(Vec::new, |message| self.host.receive(&message, origin, model));
        self.post();
        actions
    }

    fn opened(&mut self, problem: Option<&str>) {
        self.host.opened(problem);
        self.post();
    }

    fn report_unknown(&mut self, parts: &[String]) {
        self.host.report_unknown(parts);
        self.post();
    }

    fn interacted(&mut self) {
        self.host.interacted();
        self.post();
    }

    fn observe(&mut self, model: &mut Model) {
        self.host.observe(model, js_sys::Date::now());
        self.post();
    }

    fn report_height(&mut self, height: f64) {
        self.host.report_height(height);
        self.post();
    }
}

impl Port {
    fn post(&mut self) {
        let Some(parent) = web_sys::window().and_then(|window| window.parent().ok().flatten()) else { return };
        for outgoing in self.host.take_outgoing() {
            let Ok(message) = outgoing.message.serialize(&serde_wasm_bindgen::Serializer::json_compatible()) else {
                continue;
            };
            let origin = match &outgoing.to {
                // An origin without a name cannot be addressed; only the parent frame receives the message.
                Audience::Origin(origin) if origin != "null" => origin,
                Audience::Origin(_) | Audience::Anyone => "*",
            };
            // It fails if the parent is at another origin by now.
            let _ = parent.post_message(&message, origin);
        }
    }
}
