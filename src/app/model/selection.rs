//! Selection, keyboard focus, renaming in place, and the clipboard.

use super::{CanvasItem, Effect, InPlace, Model};
use crate::app::edit;
use crate::app::gesture::Gesture;
use crate::scenario::Scenario;
use crate::text;
use std::collections::BTreeSet;
use std::rc::Rc;

/// Copied nodes, with the drawing that they were copied from.
#[derive(Clone, Debug)]
pub struct Clipboard {
    pub(super) source: Rc<Scenario>,
    pub(super) nodes: BTreeSet<String>,
}

/// The selection, and the item on which the keyboard acts.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// The selected items.
    pub items: Rc<BTreeSet<CanvasItem>>,
    /// The card that had the focus last.
    pub focus: Option<String>,
    /// The card that is being renamed in place.
    pub renaming: Option<String>,
    /// The value or latency that is being edited on the canvas.
    pub editing: Option<InPlace>,
    pub(super) clipboard: Option<Clipboard>,
    /// Whether it was made by a drag or for a menu, which do not open the inspector.
    pub(super) is_quiet: bool,
}

impl Selection {
    /// Returns whether there is something to paste.
    pub fn has_clipboard(&self) -> bool {
        self.clipboard.is_some()
    }
}

/// Changes the selection or the focus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SelectionMsg {
    /// Select this item only, or nothing.
    Select(Option<CanvasItem>),
    /// Select all cards.
    SelectAll,
    /// Give the focus to a card.
    FocusCard(String),
    /// A card received the focus.
    Focused(String),
    /// Give the focus to the canvas's tab stop.
    EnterCanvas,
    /// Start to rename a card in place.
    StartRename(String),
    /// Start to rename the focused card in place.
    RenameFocused,
    /// Rename the card, or leave its name if absent.
    FinishRename(Option<String>),
    /// Copy the selected cards.
    Copy,
}

impl Model {
    pub(super) fn update_selection(&mut self, msg: SelectionMsg, effects: &mut Vec<Effect>) {
        match msg {
            SelectionMsg::Select(item) => {
                self.panels.scenario_inspector = false;
                self.redraw.page = true;
                self.select(item.into_iter().collect());
            }
            SelectionMsg::SelectAll => {
                let nodes = self.scene.nodes.iter().map(|node| CanvasItem::Node(node.id.to_string()));
                self.select(nodes.collect());
            }
            SelectionMsg::FocusCard(id) => effects.push(Effect::Focus(id)),
            SelectionMsg::Focused(id) => {
                // Tab comes to a card that may be anywhere.
                if self.pointer.gesture == Gesture::None && !self.viewport.narrow && !self.shows_middle(&id) {
                    self.reveal_cards(std::slice::from_ref(&id));
                }
                if self.selection.focus.as_ref() != Some(&id) {
                    self.selection.focus = Some(id);
                    self.redraw.page = true;
                }
            }
            SelectionMsg::EnterCanvas => {
                let first = || self.scene.nodes.first().map(|node| node.id.to_string());
                let focus = self.selection.focus.clone().or_else(first);
                effects.push(focus.map_or(Effect::FocusCanvas, Effect::Focus));
            }
            SelectionMsg::StartRename(id) => self.start_rename(id),
            SelectionMsg::RenameFocused => {
                if let Some(id) = self.focused_node() {
                    self.start_rename(id);
                }
            }
            SelectionMsg::FinishRename(name) => {
                let Some(id) = self.selection.renaming.take() else { return };
                self.redraw.page = true;
                effects.push(Effect::Focus(id.clone()));
                if let Some(name) = name {
                    self.rename(&id, &name, effects);
                }
            }
            SelectionMsg::Copy => {
                self.copy();
                self.copy_to_system(effects);
                if let Some(Clipboard { nodes, .. }) = &self.selection.clipboard {
                    let items = nodes.iter().cloned().map(CanvasItem::Node).collect();
                    let text = text!("Copied {}", self.describe_items(&items));
                    self.notices.announcer.announce(text);
                }
            }
        }
    }

    pub(super) fn start_rename(&mut self, id: String) {
        if self.may_edit() {
            self.reveal_cards(std::slice::from_ref(&id));
            self.selection.renaming = Some(id);
            self.redraw.page = true;
        }
    }

    /// Selects exactly these items, without opening the inspector.
    pub(super) fn select_quietly(&mut self, items: BTreeSet<CanvasItem>) {
        let was_open = self.inspector_open();
        self.select(items);
        self.selection.is_quiet = !was_open;
    }

    /// Selects exactly these items.
    pub(super) fn select(&mut self, items: BTreeSet<CanvasItem>) {
        self.selection.is_quiet = false;
        if *self.selection.items == items {
            return;
        }
        self.document.history.end_nudge();
        let writer = self.writer();
        self.selection.items = Rc::new(items);
        if writer != self.writer() {
            // The publish button moves to the new writer; the camera must not move with it.
            let fitted = std::mem::replace(&mut self.viewport.fitted, false);
            self.update_scene();
            self.viewport.fitted = fitted;
        }
        self.redraw.page = true;
    }

    /// Returns the ids of the selected nodes.
    pub fn selected_nodes(&self) -> Vec<String> {
        let nodes = self.selection.items.iter().filter_map(|item| match item {
            CanvasItem::Node(id) => Some(id.clone()),
            CanvasItem::Link { .. } => None,
        });
        nodes.collect()
    }

    /// Returns the card that keys act on: the focused one, or else the first selected one.
    pub(super) fn focused_node(&self) -> Option<String> {
        let exists = |id: &String| self.scene.find(id).is_some();
        self.selection.focus.clone().filter(exists).or_else(|| self.selected_nodes().into_iter().next())
    }

    /// Puts the copied cards on the system's clipboard, as a separate drawing.
    pub(super) fn copy_to_system(&self, effects: &mut Vec<Effect>) {
        let Some(Clipboard { source, nodes }) = &self.selection.clipboard else { return };
        if let Ok((cards, _)) = edit::copy_into(&Scenario::default(), source, nodes, [0, 0]) {
            effects.push(Effect::CopyText(Rc::new(cards)));
        }
    }

    /// Copies the selected cards.
    pub(super) fn copy(&mut self) {
        let nodes: BTreeSet<String> = self.selected_nodes().into_iter().collect();
        if !nodes.is_empty() {
            self.selection.clipboard = Some(Clipboard { source: self.document.scenario.clone(), nodes });
        }
    }
}
