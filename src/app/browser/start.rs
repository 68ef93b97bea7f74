//! Where the wasm file starts, on the page and in the worker.

use super::{address, engine, library, storage};
use crate::app::model::KEPT_WORK;
use crate::app::ui::page::Page;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::DedicatedWorkerGlobalScope;

/// The page's entry and the worker's: one file serves both.
#[wasm_bindgen(start)]
pub fn start() {
    if let Some(document) = web_sys::window().and_then(|window| window.document()) {
        if let Some(root) = document.get_element_by_id("app") {
            spawn_local(async {
                // Until it is here, the static shell stands: there is nothing else to show.
                let own = !address::is_embed() && storage::kept(KEPT_WORK).is_some();
                if own || address::read(&address::fragment()).names {
                    let _ = library::fetch().await;
                }
                root.set_inner_html("");
                yew::Renderer::<Page>::with_root(root).render();
            });
        }
    } else if let Ok(scope) = js_sys::global().dyn_into::<DedicatedWorkerGlobalScope>() {
        engine::serve(scope);
    }
}
