//! A clone of a part of the page, from which a picture is made in several tasks while the page continues to work.

use wasm_bindgen::prelude::*;
use web_sys::{CanvasRenderingContext2d, Element, HtmlCanvasElement, HtmlElement, Node};

/// The cards of a drawing, which a clone shows one after another.
pub const CARDS: &str = "[data-node]";
/// The parts of a drawing that a picture may omit.
const PARTS: &str = "[data-node], [data-link], .hull, .region, .area-label";

/// A clone of a part of the page as it was at one instant, outside of the window. It is removed when it is dropped.
pub struct OffscreenClone {
    host: HtmlElement,
    /// The cloned element.
    pub root: Element,
}

impl Drop for OffscreenClone {
    fn drop(&mut self) {
        self.host.remove();
    }
}

impl OffscreenClone {
    /// Clones an element, in this size, with its ancestors, which determine its style, but without what `omits` selects. Its
    /// cards are hidden, since the browser would compute the layout of all of them in one task.
    pub fn of(root: &Element, size: (f64, f64), omits: &dyn Fn(&Element) -> bool) -> Option<OffscreenClone> {
        let window = web_sys::window()?;
        let body = window.document()?.body()?;
        let clone = root.clone_node_with_deep(true).ok()?.dyn_into::<Element>().ok()?;
        for (from, to) in descendants(root, "canvas").into_iter().zip(descendants(&clone, "canvas")) {
            copy_canvas(&from, &to);
        }
        for part in descendants(&clone, PARTS) {
            if omits(&part) {
                part.remove();
            }
        }
        descendants(&clone, CARDS).iter().for_each(|card| set_shown(card, false));
        if let Some(clone) = clone.dyn_ref::<HtmlElement>() {
            set_styles(clone, &[("position", "absolute".into()), ("left", "0".into()), ("top", "0".into())]);
            set_styles(clone, &[("width", format!("{}px", size.0)), ("height", format!("{}px", size.1))]);
        }
        let mut inner: Node = clone.clone().into();
        let mut ancestor = root.parent_element();
        while let Some(element) = ancestor.filter(|element| !element.is_same_node(Some(&body))) {
            let shell = element.clone_node().ok()?;
            shell.append_child(&inner).ok()?;
            inner = shell;
            ancestor = element.parent_element();
        }
        let host = window.document()?.create_element("div").ok()?.dyn_into::<HtmlElement>().ok()?;
        host.set_attribute("aria-hidden", "true").ok()?;
        host.set_attribute("inert", "").ok()?;
        let length = |side: Result<JsValue, JsValue>| side.ok().and_then(|side| side.as_f64()).unwrap_or(0.0);
        let (width, height) = (length(window.inner_width()), length(window.inner_height()));
        set_styles(&host, &[("position", "fixed".into()), ("left", "-99999px".into()), ("top", "0".into())]);
        set_styles(&host, &[("width", format!("{width}px")), ("height", format!("{height}px"))]);
        host.append_child(&inner).ok()?;
        body.append_child(&host).ok()?;
        Some(OffscreenClone { host, root: clone })
    }
}

/// Returns the elements inside an element that a selector matches.
fn descendants(root: &Element, selector: &str) -> Vec<Element> {
    let Ok(found) = root.query_selector_all(selector) else { return Vec::new() };
    (0..found.length()).filter_map(|i| found.get(i)?.dyn_into::<Element>().ok()).collect()
}

/// Sets CSS properties of an element.
fn set_styles(element: &HtmlElement, styles: &[(&str, String)]) {
    for (name, value) in styles {
        let _ = element.style().set_property(name, value);
    }
}

/// Shows or hides a card of a clone.
pub fn set_shown(card: &Element, is_shown: bool) {
    let Some(card) = card.dyn_ref::<HtmlElement>() else { return };
    let _ = match is_shown {
        true => card.style().remove_property("display").map(|_| ()),
        false => card.style().set_property("display", "none"),
    };
}

/// Copies the content of a canvas.
fn copy_canvas(from: &Element, to: &Element) {
    let (Some(from), Some(to)) = (from.dyn_ref::<HtmlCanvasElement>(), to.dyn_ref::<HtmlCanvasElement>()) else {
        return;
    };
    let context = to.get_context("2d").ok().flatten();
    if let Some(context) = context.and_then(|context| context.dyn_into::<CanvasRenderingContext2d>().ok()) {
        let _ = context.draw_image_with_html_canvas_element(from, 0.0, 0.0);
    }
}
