//! The context menu of a card, a link or the canvas.

use crate::app::faults::{dead_letters, faults};
use crate::app::geometry::Point;
use crate::app::model::{CanvasItem, Model, Msg};
use crate::app::outline::OutlineMsg;
use crate::app::scene::NodeKind;
use crate::scenario::Command;
use web_sys::{Element, HtmlElement};
use yew::prelude::*;

/// Links of a card that its menu offers at most.
const MOST_LINKS: usize = 6;

/// The open menu, if there is one.
pub fn menu(model: &Model, send: &Callback<Msg>) -> Html {
    let Some((at, of)) = &model.menu else { return html! {} };
    let items = match of {
        Some(CanvasItem::Node(id)) => of_node(model, id),
        Some(CanvasItem::Link { from, to }) => of_link(model, from, to),
        None => of_canvas(),
    };
    // It stays on the canvas.
    let height = 12.0 + 30.0 * items.len() as f64;
    let place = (at.x.min((model.size.0 - 200.0).max(0.0)), at.y.min((model.size.1 - height).max(0.0)));
    html! { <Menu {items} at={Point { x: place.0, y: place.1 }} send={send.clone()} /> }
}

type Entry = (String, Msg);

fn of_node(model: &Model, id: &str) -> Vec<Entry> {
    let mut all = of_faults(model, &CanvasItem::Node(id.into()));
    let node = model.scene.find(id);
    if let Some(bus) = node.and_then(|node| model.run.buses.get(&(node as u32))) {
        all.extend(dead_letters(&model.scenario, id, bus).into_iter().map(|(says, command)| (says, Msg::Act(command))));
    }
    all.extend(node.into_iter().flat_map(|node| of_links_at(model, node)));
    all.push(("Rename".into(), Msg::Rename(id.into())));
    all.push(("Duplicate".into(), Msg::Duplicate));
    all.push(("Delete".into(), Msg::Delete));
    all
}

/// Wires have no place in the order of the arrow keys: a card's menu cuts and heals its own.
fn of_links_at(model: &Model, node: usize) -> Vec<Entry> {
    let own = model.scene.links.iter().filter(|link| link.from == node || link.to == node).take(MOST_LINKS);
    let entry = own.map(|link| {
        let other = &model.scene.nodes[if link.from == node { link.to } else { link.from }];
        let (from, to) = (model.scene.nodes[node].id.to_string(), other.id.to_string());
        let cut = model.run.is_cut(link.from, link.to);
        let command = match cut {
            true => Command::HealLink { from, to, one_way: false },
            false => Command::CutLink { from, to, one_way: false },
        };
        (format!("{} the link with {}", if cut { "Heal" } else { "Cut" }, other.name), Msg::Act(command))
    });
    entry.collect()
}

fn of_link(model: &Model, from: &str, to: &str) -> Vec<Entry> {
    let mut all = of_faults(model, &CanvasItem::Link { from: from.into(), to: to.into() });
    all.push(("Delete".into(), Msg::Delete));
    all
}

fn of_faults(model: &Model, item: &CanvasItem) -> Vec<Entry> {
    let all = faults(&model.scenario, Some(item), &model.condition(Some(item)));
    all.into_iter().map(|(label, command)| (label, Msg::Act(command))).collect()
}

fn of_canvas() -> Vec<Entry> {
    vec![
        ("Add a service".into(), Msg::Add { kind: NodeKind::Service, at: None }),
        ("Add a bus".into(), Msg::Add { kind: NodeKind::Bus, at: None }),
        ("Add a client".into(), Msg::Add { kind: NodeKind::Client, at: None }),
        ("Add a replica group".into(), Msg::Add { kind: NodeKind::Group, at: None }),
        ("Mend everything".into(), Msg::Act(Command::HealAll)),
        ("Show everything".into(), Msg::Fit),
        ("Lay out anew".into(), Msg::Tidy),
        ("Outline".into(), Msg::Outline(OutlineMsg::Toggle)),
    ]
}

#[derive(Clone, Properties)]
struct MenuProps {
    items: Vec<Entry>,
    at: Point,
    send: Callback<Msg>,
}

impl PartialEq for MenuProps {
    fn eq(&self, other: &Self) -> bool {
        // Entries are told apart by what they say.
        self.at == other.at && self.items.iter().map(|item| &item.0).eq(other.items.iter().map(|item| &item.0))
    }
}

/// Arrows go from entry to entry, Escape closes, whatever is chosen closes too.
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
    let entries = props.items.iter().map(|(text, msg)| {
        let (send, msg) = (props.send.clone(), msg.clone());
        let choose = Callback::from(move |_: MouseEvent| {
            send.emit(Msg::CloseMenu);
            send.emit(msg.clone());
        });
        html! { <button key={text.clone()} role="menuitem" tabindex="-1" onclick={choose}>{ text }</button> }
    });
    html! { <div ref={root} class="menu" role="menu" aria-label="Actions" onkeydown={on_key}>{ for entries }</div> }
}

/// Gives the focus to the entry so many further on.
fn step(menu: &Element, by: i32) {
    let entries = menu.children();
    let count = entries.length() as i32;
    let active = menu.owner_document().and_then(|document| document.active_element());
    let now = (0..count).find(|i| entries.item(*i as u32) == active).unwrap_or(0);
    if count > 0
        && let Some(entry) = entries.item((now + by).rem_euclid(count) as u32)
    {
        use wasm_bindgen::JsCast;
        if let Ok(entry) = entry.dyn_into::<HtmlElement>() {
            let _ = entry.focus();
        }
    }
}
