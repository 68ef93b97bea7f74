//! The context menu of a card, a link or the canvas.

use crate::app::faults::{dead_letters, faults};
use crate::app::geometry::Point;
use crate::app::model::{CanvasItem, Model, Msg};
use crate::app::outline::OutlineMsg;
use crate::app::scene::NodeKind;
use crate::scenario::Command;
use web_sys::{Element, HtmlElement};
use yew::prelude::*;

/// Maximum number of links in the menu of a card.
const MAX_LINKS: usize = 6;

/// Draws the context menu, if it is open.
pub fn menu(model: &Model, send: &Callback<Msg>) -> Html {
    let Some((at, of)) = &model.menu else { return html! {} };
    let items = match of {
        Some(CanvasItem::Node(id)) => node_items(model, id),
        Some(CanvasItem::Link { from, to }) => link_items(model, from, to),
        None => canvas_items(),
    };
    // The menu does not extend beyond the canvas.
    let height = 12.0 + 30.0 * items.len() as f64;
    let position = (at.x.min((model.size.0 - 200.0).max(0.0)), at.y.min((model.size.1 - height).max(0.0)));
    html! { <Menu {items} at={Point { x: position.0, y: position.1 }} send={send.clone()} /> }
}

/// The label and the message of a menu item.
type MenuItem = (String, Msg);

fn node_items(model: &Model, id: &str) -> Vec<MenuItem> {
    let mut items = fault_items(model, &CanvasItem::Node(id.into()));
    let node = model.scene.find(id);
    if let Some(bus) = node.and_then(|node| model.run.buses.get(&(node as u32))) {
        items.extend(
            dead_letters(&model.scenario, id, bus).into_iter().map(|(label, command)| (label, Msg::Act(command))),
        );
    }
    items.extend(node.into_iter().flat_map(|node| card_link_items(model, node)));
    items.push(("Rename".into(), Msg::Rename(id.into())));
    items.push(("Duplicate".into(), Msg::Duplicate));
    items.push(("Delete".into(), Msg::Delete));
    items
}

/// Returns items that cut and heal the links of a card: arrow keys reach cards, but not links.
fn card_link_items(model: &Model, node: usize) -> Vec<MenuItem> {
    let own = model.scene.links.iter().filter(|link| link.from == node || link.to == node).take(MAX_LINKS);
    let items = own.map(|link| {
        let other = &model.scene.nodes[if link.from == node { link.to } else { link.from }];
        let (from, to) = (model.scene.nodes[node].id.to_string(), other.id.to_string());
        let cut = model.run.is_cut(link.from, link.to);
        let command = match cut {
            true => Command::HealLink { from, to, one_way: false },
            false => Command::CutLink { from, to, one_way: false },
        };
        (format!("{} the link with {}", if cut { "Heal" } else { "Cut" }, other.name), Msg::Act(command))
    });
    items.collect()
}

fn link_items(model: &Model, from: &str, to: &str) -> Vec<MenuItem> {
    let mut items = fault_items(model, &CanvasItem::Link { from: from.into(), to: to.into() });
    items.push(("Delete".into(), Msg::Delete));
    items
}

fn fault_items(model: &Model, item: &CanvasItem) -> Vec<MenuItem> {
    let all = faults(&model.scenario, Some(item), &model.condition(Some(item)));
    all.into_iter().map(|(label, command)| (label, Msg::Act(command))).collect()
}

fn canvas_items() -> Vec<MenuItem> {
    vec![
        ("Add a service".into(), Msg::Add { kind: NodeKind::Service, at: None }),
        ("Add a bus".into(), Msg::Add { kind: NodeKind::Bus, at: None }),
        ("Add a client".into(), Msg::Add { kind: NodeKind::Client, at: None }),
        ("Add a replica group".into(), Msg::Add { kind: NodeKind::Group, at: None }),
        ("Heal everything".into(), Msg::Act(Command::HealAll)),
        ("Fit".into(), Msg::Fit),
        ("Tidy".into(), Msg::Tidy),
        ("Open the outline".into(), Msg::Outline(OutlineMsg::Toggle)),
    ]
}

#[derive(Clone, Properties)]
struct MenuProps {
    items: Vec<MenuItem>,
    at: Point,
    send: Callback<Msg>,
}

impl PartialEq for MenuProps {
    fn eq(&self, other: &Self) -> bool {
        // Items with equal labels send equal messages.
        self.at == other.at && self.items.iter().map(|item| &item.0).eq(other.items.iter().map(|item| &item.0))
    }
}

/// The menu. DiagramMessage keys move between its items; Escape and a choice close it.
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
                    send.emit(Msg::CloseMenu);
                    send.emit(Msg::EnterCanvas);
                }
                _ => return,
            }
            event.prevent_default();
        })
    };
    let buttons = props.items.iter().map(|(text, msg)| {
        let (send, msg) = (props.send.clone(), msg.clone());
        let choose = Callback::from(move |_: MouseEvent| {
            send.emit(Msg::CloseMenu);
            send.emit(msg.clone());
        });
        html! { <button key={text.clone()} role="menuitem" tabindex="-1" onclick={choose}>{ text }</button> }
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
