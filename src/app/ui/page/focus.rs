//! Keeps the focus on the page: where the focused element has disappeared, its neighbour receives the focus.

use super::Page;
use wasm_bindgen::JsCast;
use web_sys::{Document, Element, HtmlElement};

/// The areas of the page, from the smallest: where the focus stays if a control of the area disappears.
const AREAS: [&str; 13] = [
    "dialog",
    ".lesson",
    ".inspector",
    ".log",
    ".verdicts",
    ".branches",
    ".outline tbody",
    ".outline",
    ".diagram",
    ".transport",
    ".palette",
    ".top",
    ".time",
];
/// The elements that can receive the focus.
const CONTROLS: &str =
    "button:not([disabled]), input:not([disabled]), select:not([disabled]), textarea, a[href], summary, [tabindex='0']";

/// The maximum number of attempts to move a lost focus, one for each frame.
const MAX_ATTEMPTS: u32 = 120;

/// Where the focus was at the last rendering.
#[derive(Default)]
pub(super) struct LastFocus {
    element: Option<Element>,
    /// The area that had the focus, and the index of the focused control in it; no index if the canvas itself had the focus.
    area: Option<(&'static str, u32)>,
    /// The number of attempts to move the focus since it was lost.
    attempts: u32,
}

impl Page {
    /// Remembers the focused element. If it has disappeared, moves the focus to its neighbour, or else to the canvas.
    /// Runs after each rendering, and in the frame after it: components in the page may render later than the page itself.
    pub(super) fn keep_focus(&mut self) {
        let Some(document) = web_sys::window().and_then(|window| window.document()) else { return };
        match document.active_element().filter(|element| element.tag_name() != "BODY") {
            Some(element) => {
                if self.last_focus.element.as_ref() != Some(&element) {
                    let area = area_of(&document, &element);
                    self.last_focus = LastFocus { area, element: Some(element), attempts: 0 };
                }
            }
            None => {
                // An element that is still shown has lost the focus for another reason, or is removed by a later rendering.
                if self.last_focus.element.as_ref().is_none_or(is_shown) {
                    return;
                }
                let neighbour = self.last_focus.area.and_then(|(area, index)| neighbour(&document, area, index));
                match neighbour {
                    Some(neighbour) => drop(neighbour.focus()),
                    None => self.focus(&self.model.selection.focus.clone().unwrap_or_default()),
                }
                // Behind a dialog that is about to close, nothing receives the focus yet: the next frames try again.
                if self.last_focus.attempts < MAX_ATTEMPTS {
                    self.last_focus.attempts += 1;
                    self.model.redraw.paint = true;
                    self.request_frame();
                }
            }
        }
    }
}

/// Returns whether an element is on the page and enabled.
fn is_shown(element: &Element) -> bool {
    element.is_connected() && !element.has_attribute("disabled") && element.get_bounding_client_rect().width() > 0.0
}

fn controls(document: &Document, area: &str) -> Vec<HtmlElement> {
    let Some(area) = document.query_selector(area).ok().flatten() else { return Vec::new() };
    let Ok(list) = area.query_selector_all(CONTROLS) else { return Vec::new() };
    (0..list.length()).filter_map(|i| list.get(i)?.dyn_into::<HtmlElement>().ok()).collect()
}

fn area_of(document: &Document, element: &Element) -> Option<(&'static str, u32)> {
    let area = AREAS.into_iter().find(|area| element.closest(area).ok().flatten().is_some())?;
    let index = controls(document, area).iter().position(|control| **control == *element)?;
    Some((area, index as u32))
}

/// Returns the control of an area at an index, or the last one if there are fewer.
fn neighbour(document: &Document, area: &str, index: u32) -> Option<HtmlElement> {
    let controls = controls(document, area);
    let last = controls.len().checked_sub(1)?;
    controls.into_iter().nth((index as usize).min(last))
}

/// Returns the tab of the lesson's current step. Where the row of tabs is wider than the page and the step is not the one
/// of `before`, scrolls the row, so that its middle shows the tab.
pub(super) fn reveal_current_step(before: Option<&Element>) -> Option<Element> {
    let document = web_sys::window()?.document()?;
    let tab = document.query_selector(".lesson-tabs [aria-selected=true]").ok().flatten()?;
    if before != Some(&tab)
        && let Some(row) = tab.parent_element()
    {
        let (tab, shown) = (tab.get_bounding_client_rect(), row.get_bounding_client_rect());
        let by = tab.left() - shown.left() - (shown.width() - tab.width()) / 2.0;
        row.set_scroll_left(row.scroll_left() + by as i32);
    }
    Some(tab)
}

/// Returns how far the text of the lesson or the task is scrolled, as a share of its height.
pub(super) fn text_scroll() -> Option<f64> {
    let text = text_element()?;
    Some(f64::from(text.scroll_top()) / f64::from(text.scroll_height().max(1)))
}

/// Scrolls the text of the lesson or the task.
pub(super) fn scroll_text(share: f64) {
    if let Some(text) = text_element() {
        text.set_scroll_top((share * f64::from(text.scroll_height())).round() as i32);
    }
}

fn text_element() -> Option<Element> {
    web_sys::window()?.document()?.query_selector(".lesson-text").ok()?
}

/// Scrolls to an element and gives it the focus.
pub(super) fn focus_element(id: &str) {
    let document = web_sys::window().and_then(|window| window.document());
    if let Some(element) = document.and_then(|document| document.get_element_by_id(id)) {
        element.scroll_into_view();
        if let Ok(element) = element.dyn_into::<HtmlElement>() {
            let _ = element.focus();
        }
    }
}
