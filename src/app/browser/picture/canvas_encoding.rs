//! Encodes the content of a canvas.

use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, FileReader, HtmlCanvasElement};

/// Encodes the content of a canvas as a PNG, outside of the page's thread. Returns none if the browser refuses.
pub async fn encode(canvas: &HtmlCanvasElement) -> Option<Blob> {
    let encoded = Promise::new(&mut |resolve, _| {
        if canvas.to_blob(&resolve).is_err() {
            let _ = resolve.call0(&JsValue::NULL);
        }
    });
    JsFuture::from(encoded).await.ok()?.dyn_into().ok()
}

/// Returns the content of a canvas as a data URL of a PNG.
pub async fn data_url(canvas: &HtmlCanvasElement) -> Option<String> {
    let blob = encode(canvas).await?;
    let reader = FileReader::new().ok()?;
    let read = Promise::new(&mut |resolve, _| {
        reader.set_onloadend(Some(&resolve));
        let _ = reader.read_as_data_url(&blob);
    });
    JsFuture::from(read).await.ok()?;
    reader.result().ok()?.as_string()
}
