//! Keeps the focus on the page: where the page removes, disables or hides the focused element, its neighbour receives the focus.
//! Only a visitor who presses the pointer beside all controls, or leaves the page by Tab, takes the focus off the page.

use super::{Page, PageMsg};
use std::cell::{Cell, RefCell};
use std::iter::successors;
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use web_sys::{Document, Element, Event, HtmlElement, KeyboardEvent};
use yew::html::Scope;

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

/// The maximum time between the press of a tap and its click, ms.
const MAX_TAP: f64 = 5000.0;

/// The maximum number of attempts to move a lost focus, one for each frame.
const MAX_ATTEMPTS: u32 = 120;

thread_local! {
    static MOVED_BY_POINTER: Cell<bool> = const { Cell::new(false) };
}

/// Returns whether the focus is where the visitor has pressed the pointer.
pub(super) fn is_moved_by_pointer() -> bool {
    MOVED_BY_POINTER.get()
}

/// The last focused element, and attempts to restore the focus.
#[derive(Default)]
pub(super) struct LastFocus {
    element: Option<Element>,
    /// The area that had the focus, and the index of the focused control in it; none if the canvas had the focus.
    area: Option<(&'static str, u32)>,
    /// The number of attempts to move the focus since it was lost.
    attempts: u32,
    /// Whether the visitor has pressed the pointer or Tab since.
    is_moved_by_visitor: bool,
    /// Whether the next frame checks the focus again: a browser takes it from a disabled or hidden element only after a frame.
    pub(super) is_checked_again: bool,
}

impl LastFocus {
    fn set(&mut self, document: &Document, element: Element) {
        if self.element.as_ref() != Some(&element) {
            (self.area, self.element, self.attempts) = (area_of(document, &element), Some(element), 0);
        }
        self.is_moved_by_visitor = false;
    }
}

/// Observes where the focus goes, and what the visitor does that may move it. Stops a click where something has appeared below a
/// finger that has tapped something else: a browser sends the click to the element that is there after the tap.
pub(super) fn observe_focus(link: Scope<Page>, last: Rc<RefCell<LastFocus>>) -> Option<Closure<dyn FnMut(Event)>> {
    let document = web_sys::window()?.document()?;
    let (focus_document, mut pressed) = (document.clone(), None::<(Vec<Element>, f64)>);
    let on_event = Closure::<dyn FnMut(Event)>::new(move |event: Event| {
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        if event.type_() == "keydown" {
            // The next click is one of the keyboard.
            pressed = None;
        }
        match (&*event.type_(), target) {
            ("focusin", Some(element)) => {
                MOVED_BY_POINTER.set(pressed.is_some());
                last.borrow_mut().set(&focus_document, element);
            }
            ("pointerdown", target) => {
                MOVED_BY_POINTER.set(true);
                last.borrow_mut().is_moved_by_visitor = true;
                pressed = Some((successors(target, |element| element.parent_element()).collect(), event.time_stamp()));
            }
            ("click", Some(target))
                if event.is_trusted() && is_after_tap(pressed.take(), &target, event.time_stamp()) =>
            {
                event.prevent_default();
                event.stop_propagation();
            }
            ("keydown", _) if event.dyn_ref::<KeyboardEvent>().is_some_and(|event| event.key() == "Tab") => {
                last.borrow_mut().is_moved_by_visitor = true;
            }
            // Its effect may take the focus, also in a component that the page does not render.
            _ => link.send_message(PageMsg::Acted),
        }
    });
    for event in ["focusin", "pointerdown", "keydown", "click"] {
        let listener = on_event.as_ref().unchecked_ref();
        let _ = document.add_event_listener_with_callback_and_bool(event, listener, true);
    }
    Some(on_event)
}

/// Returns whether a click follows a tap on something else, which is neither around its target nor inside it. `pressed` is the
/// element that was tapped and all around it: the page may have replaced the inner ones since.
fn is_after_tap(pressed: Option<(Vec<Element>, f64)>, target: &Element, now: f64) -> bool {
    pressed.is_some_and(|(pressed, at)| {
        let kept = pressed.iter().find(|element| element.is_connected());
        let is_related = |kept: &Element| kept.contains(Some(target)) || target.contains(Some(kept));
        now - at < MAX_TAP && kept.is_some_and(|kept| !is_related(kept))
    })
}

impl Page {
    /// Moves a lost focus to the neighbour of the element that had it, or else to the canvas. Runs after each rendering and
    /// painting, and in the frame after it: components in the page may render later than the page itself.
    pub(super) fn keep_focus(&mut self) {
        let Some(document) = web_sys::window().and_then(|window| window.document()) else { return };
        let active = document.active_element().filter(|element| element.tag_name() != "BODY");
        let mut last = self.last_focus.borrow_mut();
        match active {
            // A browser leaves the focus for a while on an element that is disabled.
            Some(element) if !element.has_attribute("disabled") => return last.set(&document, element),
            Some(_) | None => {}
        }
        let Some(element) = last.element.clone() else { return };
        let is_still_shown = is_shown(&element);
        if is_still_shown && (last.is_moved_by_visitor || !document.has_focus().unwrap_or(false)) {
            return;
        }
        // Behind a dialog that is about to close, nothing receives the focus yet: the next frames try again.
        last.attempts += 1;
        let (area, tries_again) = (last.area, last.attempts < MAX_ATTEMPTS);
        last.is_checked_again |= tries_again;
        // Moving the focus calls the observers, which borrow `last`.
        drop(last);
        let same = element.dyn_into::<HtmlElement>().ok().filter(|_| is_still_shown);
        match same.or_else(|| area.and_then(|(area, index)| neighbour(&document, area, index))) {
            Some(target) => drop(target.focus()),
            None => self.focus(&self.model.selection.focus.clone().unwrap_or_default()),
        }
        if tries_again {
            self.request_frame();
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

/// Returns the part of the space-time diagram that receives the focus, if it is open.
pub(super) fn diagram() -> Option<Element> {
    web_sys::window()?.document()?.get_element_by_id("diagram")
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
