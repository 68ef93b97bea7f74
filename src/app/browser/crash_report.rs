//! Reports a panic with its message and the command line that reproduces it. The worker sends its message to the page,
//! which shows it; for a panic of the page itself, an overlay offers to reload it.

use super::{documents, drawings};
use crate::app::kept_drawings::DrawingsRequest;
use crate::app::model::RunRecord;
use crate::app::texts::Text;
use crate::text;
use std::cell::{Cell, RefCell};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{DedicatedWorkerGlobalScope, Document, Element, HtmlElement};

const KEPT: Text = Text::new("Your drawing is kept in this browser. Reload the page to continue.");

thread_local! {
    static RUN: RefCell<RunRecord> = RefCell::default();
    static HAS_CRASHED: Cell<bool> = const { Cell::new(false) };
}

/// Remembers the run that the page shows, for the report of a panic.
pub fn remember(run: RunRecord) {
    RUN.set(run);
}

/// Returns whether this thread has panicked.
pub fn has_crashed() -> bool {
    HAS_CRASHED.get()
}

/// Installs the panic hook of this thread: of the page, or of the worker.
pub fn install() {
    // Yew would replace a hook that was set by the standard library alone.
    yew::set_custom_panic_hook(Box::new(|panic| {
        let message = panic.to_string();
        web_sys::console::error_1(&JsValue::from_str(&message));
        match js_sys::global().dyn_into::<DedicatedWorkerGlobalScope>() {
            // The page distinguishes this text from answers, which are bytes.
            Ok(worker) => drop(worker.post_message(&JsValue::from_str(&message))),
            // Without a document, the console is the only place for the report.
            Err(_) => drop(show_overlay(message)),
        }
    }));
}

/// Shows a panic of the page. The components no longer work, so the overlay is plain DOM.
fn show_overlay(message: String) -> Result<(), JsValue> {
    HAS_CRASHED.set(true);
    let Some(window) = web_sys::window() else { return Ok(()) };
    let Some(document) = window.document() else { return Ok(()) };
    let run = RUN.with(|run| run.try_borrow().map(|run| run.clone()).unwrap_or_default());
    let overlay = document.create_element("section")?;
    overlay.set_class_name("crash overlay");
    overlay.set_attribute("role", "alertdialog")?;
    overlay.set_attribute("aria-label", text!("The page stopped"))?;
    append(&document, &overlay, "h2", text!("The page stopped"))?;
    let kept = append(&document, &overlay, "p", text!("Saving your drawing…"))?;
    append(&document, &overlay, "pre", &message)?;
    append(&document, &overlay, "p", &text!("Seed {}. To reproduce the run:", run.scenario.seed))?;
    let command = append(&document, &overlay, "pre", "")?;
    let drawing = run.drawing.clone().map(|id| DrawingsRequest::Recover { id, scenario: run.kept() });
    let is_kept = drawing.is_some();
    // Saving and encoding a link use no state of the page, so they work after a panic.
    spawn_local(async move {
        let saved = match drawing {
            Some(drawing) => drawings::request(drawing, None).await.map(drop),
            None => Ok(()),
        };
        let sentence = saved.err().map(|problem| problem.sentence());
        kept.set_text_content(Some(sentence.as_deref().unwrap_or(KEPT.get())));
        let text = match documents::reproducing_command(run).await {
            Ok(Some(text)) => text,
            Ok(None) => text!("The drawing is too large for a link.").into(),
            Err(_) => text!("The command could not be fetched.").into(),
        };
        command.set_text_content(Some(&text));
    });
    let button = append(&document, &overlay, "button", text!("Reload"))?.dyn_into::<HtmlElement>()?;
    button.set_class_name("primary");
    let location = window.location();
    // A native function, because a function of this module might use state that the panic left inconsistent.
    let reload = js_sys::Reflect::get(&location, &"reload".into())?.dyn_into::<js_sys::Function>()?;
    button.set_onclick(Some(&reload.bind0(&location)));
    document.body().ok_or("no body")?.append_child(&overlay)?;
    if is_kept {
        // The drawing that was changed last opens at the address without a fragment.
        let path = format!("{}{}", location.pathname()?, location.search()?);
        window.history()?.replace_state_with_url(&JsValue::NULL, "", Some(&path))?;
    }
    button.focus()
}

/// Appends an element with a text.
fn append(document: &Document, parent: &Element, tag: &str, text: &str) -> Result<Element, JsValue> {
    let element = document.create_element(tag)?;
    element.set_text_content(Some(text));
    parent.append_child(&element)?;
    Ok(element)
}
