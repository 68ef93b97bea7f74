//! Breaks in long work, so that the browser can react meanwhile.

use js_sys::Promise;
use wasm_bindgen_futures::JsFuture;

/// Waits for the next task of the page's thread. Input that has arrived meanwhile is handled before.
pub async fn next_task() {
    let Some(window) = web_sys::window() else { return };
    let promise = Promise::new(&mut |resolve, _| {
        let _ = window.set_timeout_with_callback(&resolve);
    });
    let _ = JsFuture::from(promise).await;
}
