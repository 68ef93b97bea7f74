//! The context menu of a card, a link or the canvas.

use crate::app::actions::ActionId;
use crate::app::context_menu::{MenuEntry, entries, file_entries};
use crate::app::geometry::Point;
use crate::app::model::{ContextMenu, Model, Msg, PanelsMsg};
use crate::app::texts::Text;
use crate::text;
use std::cell::Cell;
use wasm_bindgen::prelude::*;
use web_sys::{Element, HtmlElement, Node};
use yew::prelude::*;

/// Draws the context menu, if it is open.
pub fn menu(model: &Model, send: &Callback<Msg>) -> Html {
    let Some(ContextMenu { at, item, is_file }) = &model.panels.menu else { return html! {} };
    let items = if *is_file { file_entries() } else { entries(model, item.as_ref()) };
    html! { <Menu {items} at={*at} send={send.clone()} /> }
}

/// The headings and the actions of the menu "More".
const MORE: [(Text, &[ActionId]); 4] = [
    (
        Text::new("Add and edit"),
        &[
            ActionId::AddService,
            ActionId::AddBus,
            ActionId::AddClient,
            ActionId::AddGroup,
            ActionId::Connect,
            ActionId::Scissors,
            ActionId::Tidy,
            ActionId::Undo,
            ActionId::Redo,
            ActionId::EditScenario,
        ],
    ),
    (Text::new("Run"), &[ActionId::StepBack, ActionId::Slower, ActionId::Faster, ActionId::Extend, ActionId::HealAll]),
    (Text::new("View"), &[ActionId::ZoomIn, ActionId::ZoomOut, ActionId::ZoomActual, ActionId::Fit]),
    (
        Text::new("Page"),
        &[
            ActionId::Outline,
            ActionId::Diagram,
            ActionId::Branches,
            ActionId::Verdicts,
            ActionId::Log,
            ActionId::Lesson,
            ActionId::Task,
            ActionId::Share,
            ActionId::Legend,
            ActionId::Theme,
            ActionId::Language,
            ActionId::Help,
        ],
    ),
];

/// Draws the menu "More": the actions that have no button on a small page.
pub fn more(model: &Model, send: &Callback<Msg>) -> Html {
    let close = || Msg::Panels(PanelsMsg::ToggleMore);
    let entry = |id: &ActionId| {
        let action = id.action();
        let on = action.is_on.map(|is_on| is_on(model));
        let (send, id) = (send.clone(), *id);
        let onclick = Callback::from(move |_: MouseEvent| {
            send.emit(Msg::Panels(PanelsMsg::ToggleMore));
            send.emit(id.msg());
        });
        let (role, checked) = match on {
            Some(on) => ("menuitemcheckbox", Some(on.to_string())),
            None => ("menuitem", None),
        };
        html! {
            <button key={action.label()} {role} aria-checked={checked} tabindex="-1" title={action.tooltip()} data-more={format!("{id:?}")}
                disabled={!(action.is_enabled)(model)} {onclick}>{ action.label() }</button>
        }
    };
    // Actions that an embed does not permit have no entry.
    let groups = MORE.iter().filter(|(title, _)| model.has_tools() || *title != MORE[0].0).map(|(title, actions)| {
        html! { <>
            <h2 role="presentation">{ title.get() }</h2>
            { for actions.iter().map(entry) }
        </> }
    });
    html! { <MoreMenu on_close={send.reform(move |()| close())}>{ for groups }</MoreMenu> }
}

#[derive(Clone, PartialEq, Properties)]
struct MoreMenuProps {
    on_close: Callback<()>,
    children: Html,
}

/// The menu "More". Arrow keys move between its entries; Escape, and a click elsewhere, close it.
#[component]
fn MoreMenu(props: &MoreMenuProps) -> Html {
    let root = use_node_ref();
    use_effect_with(root.clone(), |root| {
        if let Some(element) = root.cast::<Element>() {
            move_focus(&element, "Home");
        }
    });
    let on_key = {
        let (root, on_close) = (root.clone(), props.on_close.clone());
        Callback::from(move |event: KeyboardEvent| {
            let Some(element) = root.cast::<Element>() else { return };
            match event.key().as_str() {
                "Escape" | "Tab" => {
                    on_close.emit(());
                    focus_button();
                }
                key if move_focus(&element, key) => {}
                _ => return,
            }
            event.prevent_default();
            event.stop_propagation();
        })
    };
    let on_blur = {
        let (root, on_close) = (root.clone(), props.on_close.clone());
        Callback::from(move |event: FocusEvent| {
            let next = event.related_target().and_then(|target| target.dyn_into::<Element>().ok());
            // The button closes the menu itself.
            let stays = next.is_none_or(|next| {
                next.class_list().contains("more-button")
                    || root.cast::<Element>().is_some_and(|root| root.contains(Some(&next)))
            });
            if !stays {
                on_close.emit(());
            }
        })
    };
    html! { <div ref={root} class="menu more" role="menu" aria-label={text!("More actions")} onkeydown={on_key} onfocusout={on_blur}>{ props.children.clone() }</div> }
}

/// Gives the focus back to the button that opens the menu "More".
fn focus_button() {
    let document = web_sys::window().and_then(|window| window.document());
    let button = document.and_then(|document| document.query_selector(".more-button").ok().flatten());
    if let Some(button) = button.and_then(|button| button.dyn_into::<HtmlElement>().ok()) {
        let _ = button.focus();
    }
}

#[derive(Clone, Properties)]
struct MenuProps {
    items: Vec<MenuEntry>,
    at: Point,
    send: Callback<Msg>,
}

impl PartialEq for MenuProps {
    fn eq(&self, other: &Self) -> bool {
        // Entries with equal labels send equal messages.
        self.at == other.at && self.items.iter().map(|item| &item.label).eq(other.items.iter().map(|item| &item.label))
    }
}

/// The menu. Arrow keys move between its entries; Escape and a choice close it.
#[component]
fn Menu(props: &MenuProps) -> Html {
    let root = use_node_ref();
    // The size changes with the entries, which depend on the run.
    use_effect_with((root.clone(), props.at, props.items.len()), |(root, at, _)| {
        if let Some(element) = root.cast::<HtmlElement>() {
            place(&element, *at);
        }
    });
    use_effect_with((root.clone(), props.at), |(root, _)| {
        if let Some(element) = root.cast::<HtmlElement>() {
            move_focus(&element, "Home");
        }
    });
    let on_key = {
        let (root, send) = (root.clone(), props.send.clone());
        Callback::from(move |event: KeyboardEvent| {
            let Some(element) = root.cast::<HtmlElement>() else { return };
            match event.key().as_str() {
                "Escape" | "Tab" => {
                    send.emit(Msg::Panels(PanelsMsg::CloseMenu));
                }
                key if move_focus(&element, key) => {}
                _ => return,
            }
            event.prevent_default();
            event.stop_propagation();
        })
    };
    // Whether a pointer was pressed on the menu after it opened.
    let is_armed = use_memo(props.at, |_| Cell::new(false));
    let arm = {
        let is_armed = is_armed.clone();
        Callback::from(move |_: PointerEvent| is_armed.set(true))
    };
    let buttons = props.items.iter().map(|MenuEntry { label, msg }| {
        let (send, msg) = (props.send.clone(), msg.clone());
        let is_armed = is_armed.clone();
        let choose = Callback::from(move |event: MouseEvent| {
            // The finger whose long press opened the menu may be lifted over an entry. That chooses nothing.
            if event.detail() > 0 && !is_armed.get() {
                return;
            }
            send.emit(msg.clone());
            send.emit(Msg::Panels(PanelsMsg::CloseMenu));
        });
        html! { <button key={label.clone()} role="menuitem" tabindex="-1" onclick={choose}>{ label }</button> }
    });
    html! { <div ref={root} class="menu" role="menu" aria-label={text!("Actions")} onkeydown={on_key} onpointerdown={arm}>{ for buttons }</div> }
}

/// Places a menu near a point of the canvas, where the window has room for all of it.
fn place(menu: &HtmlElement, at: Point) -> Option<()> {
    let window = web_sys::window()?;
    let canvas = menu.closest(".canvas").ok()??.get_bounding_client_rect();
    let has = |size: Result<JsValue, JsValue>| size.ok()?.as_f64();
    let (width, height) = (has(window.inner_width())?, has(window.inner_height())?);
    let size = menu.get_bounding_client_rect();
    let left = (canvas.left() + at.x).min(width - size.width()).max(0.0);
    let top = (canvas.top() + at.y).min(height - size.height()).max(0.0);
    menu.style().set_property("left", &format!("{left}px")).ok()?;
    menu.style().set_property("top", &format!("{top}px")).ok()
}

/// Moves the focus to another entry as a key demands. Returns whether it is a key for that.
fn move_focus(menu: &Element, key: &str) -> bool {
    let Ok(items) = menu.query_selector_all("button:not(:disabled)") else { return false };
    let active = menu.owner_document().and_then(|document| document.active_element());
    let is_active = |item: Node| active.as_ref().is_some_and(|active| item.is_same_node(Some(active)));
    let count = items.length().max(1);
    let current = (0..count).find(|i| items.item(*i).is_some_and(is_active)).unwrap_or(0);
    let next = match key {
        "ArrowDown" | "ArrowRight" => current + 1,
        "ArrowUp" | "ArrowLeft" => current + count - 1,
        "Home" => 0,
        "End" => count - 1,
        _ => return false,
    };
    let item = items.item(next % count).and_then(|item| item.dyn_into::<HtmlElement>().ok());
    item.is_some_and(|item| item.focus().is_ok())
}
