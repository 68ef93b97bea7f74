//! What the browser keeps for the visitor. In a frame without an origin, and where the visitor forbids it,
//! storage throws: then nothing is kept, and nothing else suffers.

/// What is kept under a name.
pub fn kept(name: &str) -> Option<String> {
    web_sys::window()?.local_storage().ok()??.get_item(name).ok()?
}

/// Keeps a text under a name, if it can.
pub fn keep(name: &str, text: &str) {
    if let Some(Ok(Some(storage))) = web_sys::window().map(|window| window.local_storage()) {
        // A full storage throws; the drawing on the page is not lost by that.
        let _ = storage.set_item(name, text);
    }
}
