//! Keys on the canvas that depend on selection, focus and gesture.

use super::gestures::GRID;
use super::panels::ContextMenu;
use super::{CanvasItem, Effect, InPlace, Model};
use crate::app::geometry::point;
use crate::app::gesture::{Gesture, Tool};
use std::collections::BTreeSet;

/// How much farther a card moves with Shift held.
const FAR: f64 = 5.0;

/// A key whose effect depends on what is selected, focused or in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyboardMsg {
    /// Move the selection, or move the focus to a neighbour.
    Arrow {
        /// The direction to the right: -1, 0 or 1.
        dx: i32,
        /// Down: -1, 0 or 1.
        dy: i32,
        /// Whether Shift is held: five times as far.
        far: bool,
    },
    /// Select the focused card, or rename it if it is selected.
    Enter,
    /// Cancel the gesture, close the menu, put down the tool, or deselect.
    Escape,
    /// Open the context menu of the focused card.
    Menu,
}

impl Model {
    pub(super) fn update_keyboard(&mut self, msg: KeyboardMsg, effects: &mut Vec<Effect>) {
        match msg {
            KeyboardMsg::Arrow { dx, dy, far } => self.arrow(dx, dy, far, effects),
            KeyboardMsg::Enter => self.enter(effects),
            KeyboardMsg::Escape => self.escape(),
            KeyboardMsg::Menu => self.open_menu_of_focus(),
        }
    }

    fn escape(&mut self) {
        if self.pointer.gesture != Gesture::None {
            self.cancel_gesture();
        } else if self.selection.editing.take().is_some() {
        } else if self.panels.menu.is_some() || self.notices.notice.is_some() {
            self.panels.menu = None;
            self.dismiss_notice();
        } else if self.pointer.tool != Tool::Select {
            self.pointer.tool = Tool::Select;
        } else {
            self.select(BTreeSet::new());
        }
        self.redraw.page = true;
    }

    /// Moves the selected cards; without a selection, moves the focus to a neighbour.
    fn arrow(&mut self, dx: i32, dy: i32, far: bool, effects: &mut Vec<Effect>) {
        let ids = self.selected_nodes();
        let connects = matches!(self.pointer.tool, Tool::Connect { .. });
        if !ids.is_empty() && !self.viewport.narrow && !connects {
            if self.may_edit() {
                let step = if far { FAR * GRID } else { GRID };
                self.viewport.fitted = false;
                let moved = self.with_moved_cards(&ids, (f64::from(dx) * step, f64::from(dy) * step));
                self.nudge(moved, &ids, effects);
                self.reveal_cards(&ids);
            }
            return;
        }
        let next = match self.focused_node().and_then(|id| self.scene.find(&id)) {
            // Without a neighbour, the focus is where it was, in sight.
            Some(from) => self.scene.neighbour(from, dx, dy).or(Some(from)),
            None => (!self.scene.nodes.is_empty()).then_some(0),
        };
        if let Some(next) = next {
            effects.push(Effect::Focus(self.scene.nodes[next].id.to_string()));
        }
    }

    fn enter(&mut self, effects: &mut Vec<Effect>) {
        if let Some(CanvasItem::Link { from, to }) = self.inspected() {
            return self.start_in_place(InPlace::Latency { from, to });
        }
        let Some(id) = self.focused_node() else { return };
        if matches!(self.pointer.tool, Tool::Connect { .. }) {
            self.choose_end(id, effects);
        } else if self.selection.items.contains(&CanvasItem::Node(id.clone())) {
            self.start_rename(id);
        } else {
            self.select([CanvasItem::Node(id)].into());
        }
    }

    fn open_menu_of_focus(&mut self) {
        let id = self.focused_node();
        self.reveal_cards(id.as_slice());
        let at = id.as_ref().and_then(|id| self.scene.find(id)).map_or(self.viewport.middle(), |node| {
            let rect = self.scene.nodes[node].rect;
            self.viewport.camera.to_window(point(rect.x + 24.0, rect.y + 40.0))
        });
        self.panels.menu = Some(ContextMenu { at, item: id.map(CanvasItem::Node), is_file: false });
        self.redraw.page = true;
    }
}
