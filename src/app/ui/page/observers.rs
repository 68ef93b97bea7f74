//! The page's event listeners and observers: address, first input, keys, size, visibility.

use super::focus::{LastFocus, observe_focus};
use super::{Page, PageMsg, input};
use crate::app::browser::{engine, files};
use crate::app::ui::lazy_views;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{
    ClipboardEvent, DragEvent, Element, IntersectionObserver, IntersectionObserverEntry, KeyboardEvent, ResizeObserver,
};
use yew::html::Scope;

type OnEvent = Closure<dyn FnMut(web_sys::Event)>;
type OnKey = Closure<dyn FnMut(KeyboardEvent)>;
type OnDrag = Closure<dyn FnMut(DragEvent)>;
type OnPaste = Closure<dyn FnMut(ClipboardEvent)>;
type OnVisibility = Closure<dyn FnMut(js_sys::Array)>;

/// The observers with their closures, which live as long as the page.
#[derive(Default)]
pub(super) struct Observers {
    /// Shortcuts of a single character are on.
    pub(super) single_keys: Rc<Cell<bool>>,
    _keys: Vec<OnKey>,
    _drops: Vec<OnDrag>,
    _paste: Option<OnPaste>,
    _address: Option<OnEvent>,
    _left: Option<OnEvent>,
    _shown: Option<OnEvent>,
    _stored: Option<OnEvent>,
    _input: Option<OnEvent>,
    _focus: Option<OnEvent>,
    size: Option<(ResizeObserver, Closure<dyn FnMut()>)>,
    visibility: Option<(IntersectionObserver, OnVisibility)>,
}

impl Observers {
    /// Observes the address, the first input, the size of some elements, and whether an embed's canvas is visible.
    pub(super) fn start(
        link: &Scope<Page>,
        resized: impl Iterator<Item = Element>,
        embed_canvas: Option<&Element>,
        last_focus: &Rc<RefCell<LastFocus>>,
    ) -> Observers {
        let single_keys = Rc::new(Cell::new(true));
        Observers {
            _keys: observe_keys(link, &single_keys),
            _drops: observe_drops(link),
            _paste: observe_paste(link.clone()),
            single_keys,
            _address: observe_window(link, "hashchange", || PageMsg::AddressChanged),
            _left: observe_window(link, "pagehide", || PageMsg::Left),
            _shown: observe_window(link, "pageshow", || PageMsg::Shown),
            _stored: observe_window(link, "storage", || PageMsg::StoredElsewhere),
            _input: observe_input(),
            _focus: observe_focus(link.clone(), last_focus.clone()),
            size: observe_size(link.clone(), resized),
            visibility: embed_canvas.and_then(|canvas| observe_visibility(link.clone(), canvas)),
        }
    }

    /// Observes the size of one more element.
    pub(super) fn observe(&self, element: &Element) {
        if let Some((observer, _)) = &self.size {
            observer.observe(element);
        }
    }

    /// Observes size and visibility of elements that have replaced the former ones.
    pub(super) fn replace(&self, resized: impl Iterator<Item = Element>, embed_canvas: Option<&Element>) {
        if let Some((observer, _)) = &self.size {
            observer.disconnect();
            resized.for_each(|element| observer.observe(&element));
        }
        if let Some((observer, _)) = &self.visibility {
            observer.disconnect();
            embed_canvas.into_iter().for_each(|canvas| observer.observe(canvas));
        }
    }
}

/// Observes an event of the window.
fn observe_window(link: &Scope<Page>, event: &str, msg: impl Fn() -> PageMsg + 'static) -> Option<OnEvent> {
    let link = link.clone();
    let happened = OnEvent::new(move |_: web_sys::Event| link.send_message(msg()));
    let _ = web_sys::window()?.add_event_listener_with_callback(event, happened.as_ref().unchecked_ref());
    Some(happened)
}

/// Fetches the code that is loaded on demand when the visitor's pointer, finger or key first reaches the page, so that it
/// is there at the first action. A failure is ignored here: the action fetches the code again.
fn observe_input() -> Option<OnEvent> {
    let mut is_first = true;
    let reached = OnEvent::new(move |_: web_sys::Event| {
        if std::mem::take(&mut is_first) {
            spawn_local(async {
                let _ = engine::load_requests().await;
                let _ = lazy_views::load().await;
            });
        }
    });
    let window = web_sys::window()?;
    for event in ["pointermove", "pointerdown", "keydown"] {
        let _ = window.add_event_listener_with_callback(event, reached.as_ref().unchecked_ref());
    }
    Some(reached)
}

/// Observes keys outside of the canvas.
fn observe_keys(link: &Scope<Page>, single_keys: &Rc<Cell<bool>>) -> Vec<OnKey> {
    let Some(document) = web_sys::window().and_then(|window| window.document()) else { return Vec::new() };
    let (down_link, up_link, single_keys) = (link.clone(), link.clone(), single_keys.clone());
    let down = OnKey::new(move |event: KeyboardEvent| {
        if let Some(msg) = input::page_key_down(&event, single_keys.get()) {
            down_link.send_message(msg);
        }
    });
    let up = OnKey::new(move |event: KeyboardEvent| {
        if let Some(msg) = input::page_key_up(&event) {
            up_link.send_message(msg);
        }
    });
    for (name, listener) in [("keydown", &down), ("keyup", &up)] {
        let _ = document.add_event_listener_with_callback(name, listener.as_ref().unchecked_ref());
    }
    vec![down, up]
}

/// Opens files and links that are dropped on the page.
fn observe_drops(link: &Scope<Page>) -> Vec<OnDrag> {
    let Some(document) = web_sys::window().and_then(|window| window.document()) else { return Vec::new() };
    // Without this, the browser would leave the page and show the file.
    let over = OnDrag::new(|event: DragEvent| {
        if !input::is_field(&event) {
            event.prevent_default();
        }
    });
    let link = link.clone();
    let drop = OnDrag::new(move |event: DragEvent| {
        if input::is_field(&event) {
            return;
        }
        event.prevent_default();
        let Some(data) = event.data_transfer() else { return };
        let link = link.clone();
        match data.files().and_then(|files| files.get(0)) {
            Some(file) => files::read(&file, move |text| link.send_message(PageMsg::Dropped(text))),
            None => {
                // Some programs drag a link without its text.
                let texts = ["text/plain", "text/uri-list"].map(|kind| data.get_data(kind).unwrap_or_default());
                if let Some(text) = texts.into_iter().find(|text| !text.is_empty()) {
                    link.send_message(PageMsg::Dropped(Some(text)));
                }
            }
        }
    });
    for (name, listener) in [("dragover", &over), ("drop", &drop)] {
        let _ = document.add_event_listener_with_callback(name, listener.as_ref().unchecked_ref());
    }
    vec![over, drop]
}

/// Pastes outside of fields.
fn observe_paste(link: Scope<Page>) -> Option<OnPaste> {
    let pasted = OnPaste::new(move |event: ClipboardEvent| {
        if input::is_field(&event) {
            return;
        }
        event.prevent_default();
        let data = event.clipboard_data();
        if let Some(file) = data.as_ref().and_then(|data| data.files()?.get(0)) {
            let link = link.clone();
            return files::read(&file, move |text| link.send_message(PageMsg::Dropped(text)));
        }
        let text = data.and_then(|data| data.get_data("text/plain").ok()).unwrap_or_default();
        link.send_message(PageMsg::Pasted(text));
    });
    let document = web_sys::window()?.document()?;
    let _ = document.add_event_listener_with_callback("paste", pasted.as_ref().unchecked_ref());
    Some(pasted)
}

fn observe_size(
    link: Scope<Page>,
    elements: impl Iterator<Item = Element>,
) -> Option<(ResizeObserver, Closure<dyn FnMut()>)> {
    let resized = Closure::<dyn FnMut()>::new(move || link.send_message(PageMsg::Resized));
    let observer = ResizeObserver::new(resized.as_ref().unchecked_ref()).ok()?;
    elements.for_each(|element| observer.observe(&element));
    Some((observer, resized))
}

/// Observes whether an embed is visible: of many embeds in a page, only the visible ones run.
fn observe_visibility(link: Scope<Page>, canvas: &Element) -> Option<(IntersectionObserver, OnVisibility)> {
    let changed = OnVisibility::new(move |entries: js_sys::Array| {
        if let Ok(last) = entries.pop().dyn_into::<IntersectionObserverEntry>() {
            link.send_message(PageMsg::Visible(last.is_intersecting()));
        }
    });
    let observer = IntersectionObserver::new(changed.as_ref().unchecked_ref()).ok()?;
    observer.observe(canvas);
    Some((observer, changed))
}
