//! The entries of the context menu: of a card, a link, or the canvas.

use super::actions::ActionId;
use super::canvas_item::CanvasItem;
use super::faults::{dead_letters, faults};
use super::model::{InPlace, InPlaceMsg, LiveMsg, Model, Msg, SelectionMsg};
use crate::scenario::Command;
use crate::text;

/// The maximum number of links that the menu of a card offers to cut or heal.
const MAX_LINKS: usize = 6;
/// The maximum number of values that the menu of a card offers to edit.
const MAX_ROWS: usize = 3;
/// Actions of the canvas's menu.
const CANVAS_ACTIONS: [ActionId; 8] = [
    ActionId::AddService,
    ActionId::AddBus,
    ActionId::AddClient,
    ActionId::AddGroup,
    ActionId::HealAll,
    ActionId::Fit,
    ActionId::Tidy,
    ActionId::Outline,
];

/// Actions of the menu of files.
const FILE_ACTIONS: [ActionId; 5] =
    [ActionId::NewDrawing, ActionId::MyDrawings, ActionId::Save, ActionId::SaveCopy, ActionId::Download];

/// An entry of a menu.
#[derive(Clone, Debug)]
pub struct MenuEntry {
    /// Its text.
    pub label: String,
    /// The message that it sends.
    pub msg: Msg,
}

impl MenuEntry {
    fn command(label: String, command: Command) -> MenuEntry {
        MenuEntry { label, msg: Msg::Live(LiveMsg::Execute(command)) }
    }

    fn action(id: ActionId) -> MenuEntry {
        MenuEntry { label: id.action().label().into(), msg: id.msg() }
    }
}

/// Returns the entries of the menu of files.
pub fn file_entries() -> Vec<MenuEntry> {
    FILE_ACTIONS.map(MenuEntry::action).to_vec()
}

/// Returns the entries of the menu of an item, or of the canvas.
pub fn entries(model: &Model, item: Option<&CanvasItem>) -> Vec<MenuEntry> {
    match item {
        Some(CanvasItem::Node(id)) => node_entries(model, id),
        Some(link @ CanvasItem::Link { .. }) => {
            let mut entries = fault_entries(model, link);
            if let CanvasItem::Link { from, to } = link {
                let edit = InPlace::Latency { from: from.clone(), to: to.clone() };
                entries.push(MenuEntry {
                    label: text!("Edit the latency").into(),
                    msg: Msg::InPlace(InPlaceMsg::Start(edit)),
                });
            }
            entries.push(MenuEntry::action(ActionId::Delete));
            entries
        }
        None => CANVAS_ACTIONS.map(MenuEntry::action).to_vec(),
    }
}

fn node_entries(model: &Model, id: &str) -> Vec<MenuEntry> {
    let mut entries = fault_entries(model, &CanvasItem::Node(id.into()));
    let node = model.scene.find(id);
    if let Some(bus) = node.and_then(|node| model.run.buses.get(&(node as u32))) {
        let commands = dead_letters(&model.document.scenario, id, bus).into_iter();
        entries.extend(commands.map(|(label, command)| MenuEntry::command(label, command)));
    }
    entries.extend(node.into_iter().flat_map(|node| link_entries(model, node)));
    let rows = node.and_then(|node| model.run.services.get(node)).into_iter().flat_map(|service| &service.rows);
    entries.extend(rows.take(MAX_ROWS).map(|row| {
        let edit = InPlace::Value { node: id.into(), key: row.key.clone() };
        MenuEntry { label: text!("Edit the value of {}", row.key), msg: Msg::InPlace(InPlaceMsg::Start(edit)) }
    }));
    let rename = Msg::Selection(SelectionMsg::StartRename(id.into()));
    entries.push(MenuEntry { label: ActionId::Rename.action().label().into(), msg: rename });
    entries.extend([ActionId::Duplicate, ActionId::Delete].map(MenuEntry::action));
    entries
}

fn fault_entries(model: &Model, item: &CanvasItem) -> Vec<MenuEntry> {
    let commands = faults(&model.document.scenario, Some(item), &model.condition(Some(item))).into_iter();
    commands.map(|(label, command)| MenuEntry::command(label, command)).collect()
}

/// Returns the entries that cut and heal the links of a card. Arrow keys reach cards, but not links.
fn link_entries(model: &Model, node: usize) -> Vec<MenuEntry> {
    let links = model.scene.links.iter().filter(|link| link.from == node || link.to == node);
    let entries = links.take(MAX_LINKS).map(|link| {
        let other = &model.scene.nodes[if link.from == node { link.to } else { link.from }];
        let (from, to) = (model.scene.nodes[node].id.to_string(), other.id.to_string());
        if model.run.is_cut(link.from, link.to) {
            let command = Command::HealLink { from, to, one_way: false };
            MenuEntry::command(text!("Heal the link with {}", other.name), command)
        } else {
            let command = Command::CutLink { from, to, one_way: false };
            MenuEntry::command(text!("Cut the link with {}", other.name), command)
        }
    });
    entries.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::model::{DocumentMsg, update};

    #[test]
    fn menus_of_cards_links_and_canvas_offer_what_can_be_done_there() {
        let mut model = Model::default();
        update(&mut model, Msg::Document(DocumentMsg::OpenFirst));
        let labels = |item: Option<CanvasItem>| -> Vec<String> {
            entries(&model, item.as_ref()).into_iter().map(|entry| entry.label).collect()
        };
        let card = labels(Some(CanvasItem::Node("inventory".into())));
        for label in ["Crash", "Cut the link with stock_updated", "Rename", "Duplicate", "Delete"] {
            assert!(card.iter().any(|other| other == label), "{label} is not in {card:?}");
        }
        let link = labels(Some(CanvasItem::Link { from: "inventory".into(), to: "stock_updated".into() }));
        assert!(link.contains(&"Cut".to_string()) && !link.contains(&"Rename".to_string()), "{link:?}");
        assert!(labels(None).contains(&"Heal everything".to_string()));
    }
}
