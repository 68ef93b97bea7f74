//! The entry point of the wasm file, for the page and for the worker.

use super::{crash_report, engine, language};
use crate::app::texts;
use crate::app::ui::page::{Page, PageProps, opening};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::DedicatedWorkerGlobalScope;

/// Renders the page, or serves the session where the global scope is a worker.
#[wasm_bindgen(start)]
pub fn start() {
    crash_report::install();
    if let Some(document) = web_sys::window().and_then(|window| window.document()) {
        if let Some(root) = document.get_element_by_id("app") {
            // Opening a drawing may already report a problem.
            texts::set_language(language::of_page());
            spawn_local(async {
                // The static shell stays until the drawing is known.
                let opened = opening::open_address(true).await;
                root.set_text_content(None);
                yew::Renderer::<Page>::with_root_and_props(root, PageProps { opened }).render();
            });
        }
    } else if let Ok(scope) = js_sys::global().dyn_into::<DedicatedWorkerGlobalScope>() {
        engine::serve(scope);
    }
}
