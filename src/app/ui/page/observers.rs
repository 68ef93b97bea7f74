//! The page's event listeners and observers: address, first input, size, visibility.

use super::{Page, PageMsg};
use crate::app::browser::engine;
use crate::app::ui::lazy_views;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Element, IntersectionObserver, IntersectionObserverEntry, ResizeObserver};
use yew::html::Scope;

type OnVisibility = Closure<dyn FnMut(js_sys::Array)>;

/// The observers with their closures, which live as long as the page.
#[derive(Default)]
pub(super) struct Observers {
    _address: Option<Closure<dyn FnMut(web_sys::Event)>>,
    _input: Option<Closure<dyn FnMut(web_sys::Event)>>,
    _size: Option<(ResizeObserver, Closure<dyn FnMut()>)>,
    _visibility: Option<(IntersectionObserver, OnVisibility)>,
}

impl Observers {
    /// Observes the address, the first input, the size of some elements, and whether an embed's canvas is visible.
    pub(super) fn start(
        link: &Scope<Page>,
        resized: impl Iterator<Item = Element>,
        embed_canvas: Option<&Element>,
    ) -> Observers {
        Observers {
            _address: observe_address(link.clone()),
            _input: observe_input(),
            _size: observe_size(link.clone(), resized),
            _visibility: embed_canvas.and_then(|canvas| observe_visibility(link.clone(), canvas)),
        }
    }
}

fn observe_address(link: Scope<Page>) -> Option<Closure<dyn FnMut(web_sys::Event)>> {
    let changed = Closure::<dyn FnMut(web_sys::Event)>::new(move |_| link.send_message(PageMsg::AddressChanged));
    let _ = web_sys::window()?.add_event_listener_with_callback("hashchange", changed.as_ref().unchecked_ref());
    Some(changed)
}

/// Fetches the code that is loaded on demand when the visitor's pointer, finger or key first reaches the page, so that it
/// is there at the first action. A failure is ignored here: the action fetches the code again.
fn observe_input() -> Option<Closure<dyn FnMut(web_sys::Event)>> {
    let mut is_first = true;
    let reached = Closure::<dyn FnMut(web_sys::Event)>::new(move |_| {
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

fn observe_size(
    link: Scope<Page>,
    elements: impl Iterator<Item = Element>,
) -> Option<(ResizeObserver, Closure<dyn FnMut()>)> {
    let resized = Closure::<dyn FnMut()>::new(move || link.send_message(PageMsg::Resized));
    let observer = ResizeObserver::new(resized.as_ref().unchecked_ref()).ok()?;
    elements.for_each(|element| observer.observe(&element));
    Some((observer, resized))
}

/// Of many embeds in a page, only the visible ones run.
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
