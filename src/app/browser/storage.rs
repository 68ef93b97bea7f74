//! The browser's local storage, and the storage of this tab. In a frame without an origin, or if the visitor forbids it, storage throws; then nothing
//! is kept, and the page works without it.

/// Returns the text kept under a name.
pub fn kept(name: &str) -> Option<String> {
    web_sys::window()?.local_storage().ok()??.get_item(name).ok()?
}

/// Keeps a text under a name, if storage works.
pub fn keep(name: &str, text: &str) {
    if let Some(Ok(Some(storage))) = web_sys::window().map(|window| window.local_storage()) {
        // A full storage throws; the drawing on the page remains.
        let _ = storage.set_item(name, text);
    }
}

/// Forgets the text kept under a name.
pub fn forget(name: &str) {
    if let Some(Ok(Some(storage))) = web_sys::window().map(|window| window.local_storage()) {
        let _ = storage.remove_item(name);
    }
}

/// Returns the text that this tab keeps under a name, also while it is reloaded.
pub fn kept_in_tab(name: &str) -> Option<String> {
    web_sys::window()?.session_storage().ok()??.get_item(name).ok()?
}

/// Keeps a text under a name in this tab, or forgets it, if storage works.
pub fn keep_in_tab(name: &str, text: Option<&str>) {
    if let Some(Ok(Some(storage))) = web_sys::window().map(|window| window.session_storage()) {
        let _ = match text {
            Some(text) => storage.set_item(name, text),
            None => storage.remove_item(name),
        };
    }
}
