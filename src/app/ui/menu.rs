//! The context menu of a card, a link or the canvas.

use crate::app::context_menu::{MenuEntry, entries};
use crate::app::geometry::Point;
use crate::app::model::{ContextMenu, Model, Msg, PanelsMsg, SelectionMsg};
use web_sys::{Element, HtmlElement};
use yew::prelude::*;

/// Draws the context menu, if it is open.
pub fn menu(model: &Model, send: &Callback<Msg>) -> Html {
    let Some(ContextMenu { at, item }) = &model.panels.menu else { return html! {} };
    let items = entries(model, item.as_ref());
    // The menu does not extend beyond the canvas.
    let height = 12.0 + 30.0 * items.len() as f64;
    let position =
        (at.x.min((model.viewport.size.0 - 200.0).max(0.0)), at.y.min((model.viewport.size.1 - height).max(0.0)));
    html! { <Menu {items} at={Point { x: position.0, y: position.1 }} send={send.clone()} /> }
}

#[derive(Clone, Properties)]
struct MenuProps {
    items: Vec<MenuEntry>,
    at: Point,
    send: Callback<Msg>,
}

impl PartialEq for MenuProps {
    fn eq(&self, other: &Self) -> bool {
        // Items with equal labels send equal messages.
        self.at == other.at && self.items.iter().map(|item| &item.label).eq(other.items.iter().map(|item| &item.label))
    }
}

/// The menu. Arrow keys move between its items; Escape and a choice close it.
#[component]
fn Menu(props: &MenuProps) -> Html {
    let root = use_node_ref();
    use_effect_with((root.clone(), props.at.x, props.at.y), |(root, x, y)| {
        let Some(element) = root.cast::<HtmlElement>() else { return };
        let _ = element.style().set_property("left", &format!("{x}px"));
        let _ = element.style().set_property("top", &format!("{y}px"));
        step(&element, 0);
    });
    let on_key = {
        let (root, send) = (root.clone(), props.send.clone());
        Callback::from(move |event: KeyboardEvent| {
            event.stop_propagation();
            let Some(element) = root.cast::<HtmlElement>() else { return };
            match event.key().as_str() {
                "ArrowDown" => step(&element, 1),
                "ArrowUp" => step(&element, -1),
                "Escape" | "Tab" => {
                    send.emit(Msg::Panels(PanelsMsg::CloseMenu));
                    send.emit(Msg::Selection(SelectionMsg::EnterCanvas));
                }
                _ => return,
            }
            event.prevent_default();
        })
    };
    let buttons = props.items.iter().map(|MenuEntry { label, msg }| {
        let (send, msg) = (props.send.clone(), msg.clone());
        let choose = Callback::from(move |_: MouseEvent| {
            send.emit(Msg::Panels(PanelsMsg::CloseMenu));
            send.emit(msg.clone());
        });
        html! { <button key={label.clone()} role="menuitem" tabindex="-1" onclick={choose}>{ label }</button> }
    });
    html! { <div ref={root} class="menu" role="menu" aria-label="Actions" onkeydown={on_key}>{ for buttons }</div> }
}

/// Moves the focus by a number of items.
fn step(menu: &Element, by: i32) {
    let items = menu.children();
    let count = items.length() as i32;
    let active = menu.owner_document().and_then(|document| document.active_element());
    let current = (0..count).find(|i| items.item(*i as u32) == active).unwrap_or(0);
    if count > 0
        && let Some(item) = items.item((current + by).rem_euclid(count) as u32)
    {
        use wasm_bindgen::JsCast;
        if let Ok(item) = item.dyn_into::<HtmlElement>() {
            let _ = item.focus();
        }
    }
}
