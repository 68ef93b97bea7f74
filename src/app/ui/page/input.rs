//! Turns DOM events of the canvas into messages.

use super::{PageMsg, focus};
use crate::app::actions;
use crate::app::geometry::{Point, point};
use crate::app::gesture::{Press, Target};
use crate::app::keys::{self, Modifiers};
use crate::app::model::{CanvasItem, KeyboardMsg, Msg, PanelsMsg, PointerMsg, ViewportMsg};
use wasm_bindgen::prelude::*;
use web_sys::Element;
use yew::prelude::*;

/// Pixels per line, where the browser measures a wheel's movement in lines.
const LINE: f64 = 16.0;
/// Pixels per page, where it measures the movement in pages.
const PAGE: f64 = 400.0;

/// Returns an attribute of the event's target, or of its nearest ancestor that has it.
pub(super) fn target_attribute(event: &web_sys::Event, name: &str) -> Option<String> {
    let element = event.target()?.dyn_into::<Element>().ok()?;
    element.closest(&format!("[{name}]")).ok()??.get_attribute(name)
}

/// Returns whether the event's target is part of a control, which handles the event itself.
pub(super) fn is_control(event: &web_sys::Event) -> bool {
    let element = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    element
        .and_then(|element| element.closest("button, a, input, select, textarea, [role=menu], dialog").ok().flatten())
        .is_some()
}

/// Returns whether the event's target is a field, which handles text itself.
pub(super) fn is_field(event: &web_sys::Event) -> bool {
    let element = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    element
        .and_then(|element| element.closest("input:not([type=range]), select, textarea, dialog").ok().flatten())
        .is_some()
}

/// Returns the position of an event, in px from the canvas's corner.
pub(super) fn position(canvas: &NodeRef, event: &MouseEvent) -> Point {
    let rect = canvas.cast::<Element>().map(|canvas| canvas.get_bounding_client_rect());
    let (left, top) = rect.map_or((0.0, 0.0), |rect| (rect.left(), rect.top()));
    point(f64::from(event.client_x()) - left, f64::from(event.client_y()) - top)
}

/// Returns the message for a pressed pointer.
pub(super) fn pointer_down(event: &PointerEvent, at: Point) -> Option<PageMsg> {
    if is_control(event) || !matches!(event.button(), 0 | 1) {
        return None;
    }
    let target = match (target_attribute(event, "data-handle"), target_attribute(event, "data-node")) {
        (Some(id), _) => Target::Handle(id),
        (None, Some(id)) => Target::Node(id),
        (None, None) => Target::Empty,
    };
    Some(PageMsg::Model(Msg::Pointer(PointerMsg::Down(Press {
        id: event.pointer_id(),
        at,
        target,
        key: target_attribute(event, "data-key"),
        shift: event.shift_key(),
        control: event.ctrl_key() || event.meta_key(),
        touch: event.pointer_type() == "touch",
        alt: event.alt_key(),
        pan: event.button() == 1,
    }))))
}

/// Returns the message for a turned wheel. In an embed, the wheel without Ctrl scrolls the host page.
pub(super) fn wheel(event: &WheelEvent, at: Point, is_embed: bool) -> Option<PageMsg> {
    let zoom = event.ctrl_key() || event.meta_key();
    if is_embed && !zoom {
        return Some(PageMsg::Model(Msg::Viewport(ViewportMsg::WheelPassed)));
    }
    event.prevent_default();
    let unit = match event.delta_mode() {
        WheelEvent::DOM_DELTA_LINE => LINE,
        WheelEvent::DOM_DELTA_PAGE => PAGE,
        _ => 1.0,
    };
    let (mut dx, mut dy) = (event.delta_x() * unit, event.delta_y() * unit);
    if event.shift_key() && dx == 0.0 {
        (dx, dy) = (dy, 0.0);
    }
    Some(PageMsg::Model(Msg::Viewport(ViewportMsg::Wheel { at, dx, dy, zoom })))
}

/// Returns the message that opens the context menu.
pub(super) fn context_menu(event: &MouseEvent, at: Point) -> Option<PageMsg> {
    if is_control(event) {
        return None;
    }
    event.prevent_default();
    let of = target_attribute(event, "data-node").map(CanvasItem::Node);
    Some(PageMsg::Model(Msg::Panels(PanelsMsg::OpenMenu { at, item: of })))
}

/// Returns the message for a double click, which renames a card or edits a value or a latency.
pub(super) fn double_click(event: &MouseEvent) -> Option<PageMsg> {
    (!is_control(event)).then_some(PageMsg::Model(Msg::Pointer(PointerMsg::DoubleClick)))
}

/// Returns whether a key may be a shortcut although a button, a link, the scrubber or the diagram has the focus: a character that
/// these do not use. A click leaves the focus on a button, which the space presses only for visitors who have moved the focus
/// there by the keyboard. Lists and tabs may use characters themselves.
fn is_shortcut_on_button(event: &KeyboardEvent) -> bool {
    let element = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let is_inside =
        |selector: &str| element.as_ref().is_some_and(|element| element.closest(selector).ok().flatten().is_some());
    let has_own_keys = is_field(event) || is_inside("[role=menu], [role=listbox], [role=tablist], [role=tree]");
    let is_pressed_by = |key: &str| key == " " && is_inside("button, a") && !focus::is_moved_by_pointer();
    let has_focus = is_inside("button, a, [type=range], .diagram");
    has_focus && !has_own_keys && keys::is_single(&event.key()) && !is_pressed_by(&event.key())
}

/// Returns the message for a pressed key. Keys of a single character may be turned off.
pub(super) fn key_down(event: &KeyboardEvent, single_keys: bool) -> Option<PageMsg> {
    if is_control(event) && event.key() != "Escape" && !is_shortcut_on_button(event) {
        return None;
    }
    let (key, code) = (event.key(), event.code());
    let held =
        Modifiers { shift: event.shift_key(), control: event.ctrl_key() || event.meta_key(), alt: event.alt_key() };
    let key = keys::unshifted(&key, &code, held.shift);
    let plain = !held.control && !held.alt;
    if key == " " && plain {
        event.prevent_default();
        return Some(PageMsg::Model(Msg::Pointer(PointerMsg::Space(true))));
    }
    if held.control && key.eq_ignore_ascii_case("v") {
        // The browser's paste event follows, with the text of the system's clipboard.
        return None;
    }
    let msg = actions::message_for_key(key, held).filter(|_| single_keys || !plain || !keys::is_single(key))?;
    event.prevent_default();
    Some(PageMsg::Model(msg))
}

/// Returns the message for a released key.
pub(super) fn key_up(event: &KeyboardEvent) -> Option<PageMsg> {
    (event.key() == " " && !is_control(event)).then_some(PageMsg::Model(Msg::Pointer(PointerMsg::Space(false))))
}

/// Returns whether an event belongs to the page as a whole: no element has the focus, and no dialog is open.
fn is_without_focus(event: &KeyboardEvent) -> bool {
    let element = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let document =
        element.as_ref().filter(|element| element.tag_name() == "BODY").and_then(|body| body.owner_document());
    document.is_some_and(|document| document.query_selector("dialog[open]").ok().flatten().is_none())
}

/// Returns the message for a key that was pressed outside of the canvas. The canvas's keys act while nothing has the focus,
/// Escape and shortcuts of characters also on buttons, and the command palette opens from everywhere.
pub(super) fn page_key_down(event: &KeyboardEvent, single_keys: bool) -> Option<PageMsg> {
    if event.default_prevented() {
        return None;
    }
    if event.key().eq_ignore_ascii_case("k") && (event.ctrl_key() || event.meta_key()) && !event.shift_key() {
        event.prevent_default();
        return Some(PageMsg::Model(Msg::Panels(PanelsMsg::ToggleCommands)));
    }
    if is_without_focus(event) {
        return key_down(event, single_keys);
    }
    let element = event.target()?.dyn_into::<Element>().ok()?;
    let is_inside = |selector: &str| element.closest(selector).ok().flatten().is_some();
    // The browser closes a dialog by itself.
    let has_dialog = element.owner_document()?.query_selector("dialog[open]").ok().flatten().is_some();
    let is_free = !has_dialog && !is_inside("main.canvas, dialog, [role=menu]") && !is_field(event);
    match event.key() == "Escape" {
        _ if !is_free => None,
        true => Some(PageMsg::Model(Msg::Keyboard(KeyboardMsg::Escape))),
        false => is_shortcut_on_button(event).then(|| key_down(event, single_keys))?,
    }
}

/// Returns the message for a key that was released outside of the canvas: it may have been pressed on the canvas before the focus
/// moved.
pub(super) fn page_key_up(event: &KeyboardEvent) -> Option<PageMsg> {
    (event.key() == " ").then_some(PageMsg::Model(Msg::Pointer(PointerMsg::Space(false))))
}
