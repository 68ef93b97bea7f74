//! Files and the clipboard.

use crate::app::model::FileSlice;
use crate::app::texts::Text;
use crate::text;
use js_sys::Uint8Array;
use std::cell::RefCell;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Blob, BlobPropertyBag, Event, File, HtmlElement, HtmlInputElement, Response, Url};

/// Returns a title as the name of a file, without its ending.
pub fn name_of(title: &str) -> String {
    let name = title.trim().to_lowercase();
    let name: String = name.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
    if name.is_empty() { "scenario".into() } else { name }
}

thread_local! {
    /// The slices of the file that is being exported. The browser keeps them outside of the page's memory.
    static SLICES: RefCell<Vec<Blob>> = RefCell::default();
}

/// Appends a slice to a text file, and downloads the file after the last.
pub fn download_slice(slice: &FileSlice) {
    let text = js_sys::Array::of1(&JsValue::from_str(&slice.text));
    let Ok(blob) = Blob::new_with_str_sequence(&text) else { return };
    let mut slices = if slice.is_first { Vec::new() } else { SLICES.take() };
    slices.push(blob);
    if slice.is_last {
        download_parts(&slice.name, "text/plain", &slices.into_iter().collect());
    } else {
        SLICES.set(slices);
    }
}

/// Downloads a text as a file with a media type.
pub fn download(name: &str, media_type: &str, text: &str) {
    download_parts(name, media_type, &js_sys::Array::of1(&JsValue::from_str(text)));
}

/// Downloads a file that consists of texts or blobs.
fn download_parts(name: &str, media_type: &str, parts: &js_sys::Array) {
    let options = BlobPropertyBag::new();
    options.set_type(media_type);
    let Ok(blob) = Blob::new_with_str_sequence_and_options(parts, &options) else { return };
    download_blob(name, &blob);
}

/// Downloads a blob as a file.
pub fn download_blob(name: &str, blob: &Blob) {
    let Ok(url) = Url::create_object_url_with_blob(blob) else { return };
    save(&url, name);
    let _ = Url::revoke_object_url(&url);
}

/// Downloads the content of an address as a file.
fn save(url: &str, name: &str) {
    let document = web_sys::window().and_then(|window| window.document());
    let link = document.and_then(|document| document.create_element("a").ok());
    if let Some(link) = link.and_then(|link| link.dyn_into::<HtmlElement>().ok()) {
        let _ = link.set_attribute("href", url);
        let _ = link.set_attribute("download", name);
        link.click();
    }
}

/// Copies a text to the clipboard and reports whether that worked.
pub fn copy(text: &str, then: impl FnOnce(bool) + 'static) {
    let Some(window) = web_sys::window() else { return then(false) };
    // Without a secure origin, the browser has no clipboard.
    let clipboard = js_sys::Reflect::get(&window.navigator(), &"clipboard".into()).unwrap_or(JsValue::UNDEFINED);
    let Ok(clipboard) = clipboard.dyn_into::<web_sys::Clipboard>() else { return then(false) };
    let promise = clipboard.write_text(text);
    spawn_local(async move { then(JsFuture::from(promise).await.is_ok()) });
}

/// Returns the file that the visitor has chosen in a field. The same file can be chosen there again, for example after it
/// was corrected.
pub fn chosen(event: &Event) -> Option<File> {
    let input = event.target()?.dyn_into::<HtmlInputElement>().ok()?;
    let file = input.files()?.get(0);
    input.set_value("");
    file
}

/// The maximum size of a file that is read, bytes.
const MAX_SIZE: f64 = 32.0 * 1024.0 * 1024.0;
/// The error for a file that [`read`] does not read.
pub const UNREADABLE: Text = Text::new("The file cannot be read as text, or is larger than 32 MiB.");

/// Reads a file as text; `None` if that fails or the file is too large.
pub fn read(file: &File, then: impl FnOnce(Option<String>) + 'static) {
    if file.size() > MAX_SIZE {
        return then(None);
    }
    let promise = file.text();
    spawn_local(async move { then(JsFuture::from(promise).await.ok().and_then(|text| text.as_string())) });
}

/// The maximum length of a lesson's file, in bytes.
const MAX_LESSON_LENGTH: usize = 1 << 20;

/// Returns the content of a lesson's file that the page itself contains, as the page in one file does; none if the page fetches
/// its files.
fn contained_lesson(address: &str) -> Option<Result<String, String>> {
    let global = js_sys::global();
    let files = js_sys::Reflect::get(&global, &"convergeFiles".into()).ok().filter(JsValue::is_object)?;
    let bytes = js_sys::Reflect::get(&files, &address.into()).ok().and_then(|file| file.dyn_into::<Uint8Array>().ok());
    let text = bytes.and_then(|bytes| String::from_utf8(bytes.to_vec()).ok());
    Some(text.ok_or_else(|| text!("This file has no lesson {}.", address)))
}

/// Fetches the text of a lesson, whose address is relative to the page and of the same origin.
///
/// # Errors
/// The reason why the file has no text, a sentence.
pub async fn fetch_lesson(address: &str) -> Result<String, String> {
    if let Some(contained) = contained_lesson(address) {
        return contained;
    }
    let window = web_sys::window().ok_or("There is no window.")?;
    let base = super::address::script_folder().unwrap_or_default();
    let url = Url::new_with_base(address, &base).map_err(|_| text!("`{}` is not an address.", address))?;
    let origin = window.location().origin().unwrap_or_default();
    if url.origin() != origin {
        return Err(text!("A lesson is a file of the same site ({}), not of {}.", origin, url.origin()));
    }
    let failed = |_: JsValue| text!("The lesson {} could not be fetched. Check the network.", address);
    let response = JsFuture::from(window.fetch_with_str(&url.href())).await.map_err(failed)?;
    let response: Response = response.dyn_into().map_err(failed)?;
    // The site may have redirected to another one.
    let came_from = Url::new(&response.url()).map(|url| url.origin()).unwrap_or_default();
    if !response.ok() || came_from != origin {
        return Err(text!("The lesson {} is not here (status {}).", address, response.status()));
    }
    let text = JsFuture::from(response.text().map_err(failed)?).await.map_err(failed)?.as_string().unwrap_or_default();
    if text.len() > MAX_LESSON_LENGTH {
        return Err(text!("The lesson {} is too large: at most 1 MiB is expected.", address));
    }
    Ok(text)
}
