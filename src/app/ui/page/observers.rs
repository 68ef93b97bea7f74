//! The page's event listener and observers: address, size, visibility.

use super::{Page, PageMsg};
use wasm_bindgen::prelude::*;
use web_sys::{Element, IntersectionObserver, IntersectionObserverEntry, ResizeObserver};
use yew::html::Scope;

type OnVisibility = Closure<dyn FnMut(js_sys::Array)>;

/// The observers with their closures, which live as long as the page.
#[derive(Default)]
pub(super) struct Observers {
    _address: Option<Closure<dyn FnMut(web_sys::Event)>>,
    _size: Option<(ResizeObserver, Closure<dyn FnMut()>)>,
    _visibility: Option<(IntersectionObserver, OnVisibility)>,
}

impl Observers {
    /// Observes the address, the size of some elements, and whether an embed's canvas is visible.
    pub(super) fn start(
        link: &Scope<Page>,
        resized: impl Iterator<Item = Element>,
        embed_canvas: Option<&Element>,
    ) -> Observers {
        Observers {
            _address: observe_address(link.clone()),
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
