//! Measures the page: the canvas, the timeline, the visitor's font, and whether there is one column.

use super::Page;
use crate::app::model::{Msg, Sizes, ViewportMsg};
use crate::app::ui::timeline;
use wasm_bindgen::prelude::*;
use web_sys::{Element, HtmlElement};

/// The windows in which the page has one column, as in the style sheet: narrower than 720 px, or with as few letters a
/// line because the visitor's font is larger.
const NARROW: &str = "(max-width: 44.99em)";
/// The size of the font, in px, in which the canvas has its own size.
const FONT_SIZE: f64 = 16.0;
/// Distance of the description from the lower edge of the canvas, as in the style sheet, px.
const CAPTION_MARGIN: f64 = 12.0;

/// Returns whether the window has room for one column only, and the size of the visitor's font, relative to 16 px.
pub(super) fn window_sizes() -> (bool, f64) {
    let window = web_sys::window();
    let query = window.as_ref().and_then(|window| window.match_media(NARROW).ok()?);
    let narrow = query.is_some_and(|query| query.matches());
    let root = window.as_ref().and_then(|window| window.document()?.document_element());
    let style = window.zip(root).and_then(|(window, root)| window.get_computed_style(&root).ok()?);
    let font = style.and_then(|style| style.get_property_value("font-size").ok()).unwrap_or_default();
    let font = JsValue::from_str(font.trim_end_matches("px")).unchecked_into_f64();
    let unit = if font.is_finite() && font > 0.0 { (font / FONT_SIZE).clamp(0.5, 4.0) } else { 1.0 };
    (narrow, unit)
}

/// Returns the room of both drawings while branches are compared, from the size of one. The classes of the page state how
/// the drawings share it.
fn room(canvas: &Element, (width, height): (f64, f64)) -> (f64, f64) {
    let has = |class: &str| canvas.parent_element().is_some_and(|page| page.class_list().contains(class));
    match (has("comparing"), has("stacked"), has("tabbed")) {
        (true, true, _) => (width, 2.0 * height),
        (true, false, false) => (2.0 * width, height),
        (false, ..) | (true, false, true) => (width, height),
    }
}

/// Returns the verdict chips and the description, which are over the canvas of a wide page.
pub(super) fn overlays(canvas: &Element) -> [Option<HtmlElement>; 2] {
    let first = |parent: Option<Element>, class: &str| {
        parent?.get_elements_by_class_name(class).item(0)?.dyn_into::<HtmlElement>().ok()
    };
    [first(Some(canvas.clone()), "chips"), first(canvas.parent_element(), "caption")]
}

impl Page {
    /// Reports the sizes of the page to the model.
    pub(super) fn measure(&mut self) {
        let Some(canvas) = self.canvas_element() else { return };
        let size = (f64::from(canvas.client_width()), f64::from(canvas.client_height()));
        let (narrow, unit) = window_sizes();
        let ribbons = self.painter.refs.ribbons.cast::<Element>();
        let axis_width =
            ribbons.map_or(0.0, |ribbons| (f64::from(ribbons.client_width()) - 2.0 * timeline::MARGIN).max(0.0));
        let is_shown = |element: &HtmlElement| !narrow && element.offset_height() > 0;
        let [chips, caption] = overlays(&canvas).map(|element| element.filter(is_shown));
        let chips = chips.map_or(0.0, |chips| f64::from(chips.offset_height()));
        // On a canvas that is narrow, the description is above the zoom buttons. It is over the lower one of two drawings.
        let lowest = canvas.parent_element().and_then(|page| page.get_elements_by_class_name("compared").item(0));
        let bottom = lowest.as_ref().unwrap_or(&canvas).get_bounding_client_rect().bottom();
        let above_edge = |caption: HtmlElement| {
            let from_bottom = bottom - caption.get_bounding_client_rect().top();
            (from_bottom - CAPTION_MARGIN * unit).max(0.0)
        };
        let overlays = (chips, caption.map_or(0.0, above_edge));
        let sizes = Sizes { canvas: size, room: room(&canvas, size), axis_width, overlays, narrow, unit };
        self.update_model(Msg::Viewport(ViewportMsg::Resized(sizes)));
    }
}
