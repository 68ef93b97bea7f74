//! Pointers on the canvas and the current tool.

use super::{CanvasItem, Effect, InPlace, Model};
use crate::app::geometry::{Point, Rect};
use crate::app::gesture::{Gesture, Press, Target, Tool};
use crate::app::scene::NodeKind;
use std::rc::Rc;

/// How long a finger must be held down to open the context menu, ms of real time.
const LONG_PRESS: f64 = 500.0;
/// The height of the buttons above a card, px.
const TOOLS_HEIGHT: f64 = 44.0;

/// The state of the pointer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pointer {
    /// The current tool.
    pub tool: Tool,
    /// The gesture in progress.
    pub gesture: Gesture,
    /// When a pointer was pressed that has not moved yet, ms of real time.
    pub(super) pressed_at: Option<f64>,
    /// Whether Space is held, and if so, whether a pointer was pressed meanwhile.
    pub space: Option<bool>,
    /// The pointer's position over the canvas, px.
    pub hover: Option<Point>,
    /// The card below the pointer, or the one whose buttons are below it.
    pub over: Option<Rc<str>>,
    /// What the last two clicks hit, the older one first. The first click of a double click may move the drawing.
    pub(super) clicked: [Option<Clicked>; 2],
    /// An item of the palette is dragged over the canvas: its kind, and the pointer's position, px.
    pub placing: Option<(NodeKind, Point)>,
}

/// The part of the page that a click hit.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Clicked {
    /// A card, or the value of this key on it.
    Card(String, Option<String>),
    /// A link or its label.
    Link(CanvasItem),
}

/// An input of a pointer on the canvas.
#[derive(Clone, Debug, PartialEq)]
pub enum PointerMsg {
    /// A pointer was pressed.
    Down(Press),
    /// A pointer moved.
    Move {
        /// The pointer's id.
        id: i32,
        /// Where, in px from the canvas's corner.
        at: Point,
        /// Whether Ctrl is held: does not snap to the grid.
        control: bool,
    },
    /// A pointer was released.
    Up {
        /// The pointer's id.
        id: i32,
        /// Where, in px from the canvas's corner.
        at: Point,
    },
    /// A double click, after its two clicks.
    DoubleClick,
    /// The browser took the pointer away.
    Cancel,
    /// The pointer left the canvas.
    Leave,
    /// Space was pressed on the canvas, or released.
    Space(bool),
    /// An item of the palette is dragged over the canvas, or no longer.
    Place(Option<(NodeKind, Point)>),
    /// Take a tool, or put it down if it is the current one.
    TakeTool(Tool),
}

impl Model {
    pub(super) fn update_pointer(&mut self, msg: PointerMsg, effects: &mut Vec<Effect>) {
        match msg {
            PointerMsg::Down(press) => self.press(press, effects),
            PointerMsg::Move { id, at, control } => self.move_pointer(id, at, control),
            PointerMsg::Up { id, at } => self.release(id, at, effects),
            PointerMsg::DoubleClick => self.double_click(),
            PointerMsg::Cancel => self.cancel_gesture(),
            PointerMsg::Leave => {
                self.pointer.hover = None;
                self.redraw.page |= self.pointer.over.take().is_some();
                self.redraw.paint = true;
                self.hide_wheel_hint();
            }
            PointerMsg::Space(down) => self.hold_space(down),
            PointerMsg::Place(placing) => {
                self.redraw.page |= self.pointer.placing != placing;
                self.pointer.placing = placing;
            }
            PointerMsg::TakeTool(tool) => {
                self.pointer.tool = if self.pointer.tool == tool { Tool::Select } else { tool };
                self.redraw.page = true;
            }
        }
    }

    /// Opens the context menu after a long press.
    pub(super) fn check_long_press(&mut self, wall: f64) {
        let Gesture::Pressed(press) = &self.pointer.gesture else { return };
        let since = *self.pointer.pressed_at.get_or_insert(wall);
        if press.touch && wall - since >= LONG_PRESS {
            let item = match &press.target {
                Target::Node(id) | Target::Handle(id) => Some(CanvasItem::Node(id.clone())),
                Target::Empty => None,
            };
            let at = press.at;
            self.pointer.gesture = Gesture::None;
            self.open_menu(at, item);
        }
    }

    /// Remembers the card below the pointer. The buttons above a card belong to it.
    pub(super) fn follow_hover(&mut self, at: Point) {
        let unit = self.viewport.unit / self.viewport.camera.scale;
        let inside = self.scene.nodes.iter().rev().find(|node| node.group.is_none() && node.rect.contains(at));
        let stays = |id: &Rc<str>| {
            let card = self.scene.nodes.iter().find(|node| node.id == *id);
            card.is_some_and(|card| {
                let tools = Rect { y: card.rect.y - TOOLS_HEIGHT * unit, h: TOOLS_HEIGHT * unit, ..card.rect };
                tools.contains(at)
            })
        };
        let kept = self.pointer.over.clone().filter(stays);
        let over = kept.or_else(|| inside.map(|node| node.id.clone()));
        if self.pointer.over != over {
            self.pointer.over = over;
            self.redraw.page = true;
        }
    }

    /// Renames the card, or edits the value or the latency, that the first of two clicks hit.
    fn double_click(&mut self) {
        let hit = self.pointer.clicked[0].take();
        // The first click may have moved the drawing, so that the second one has selected something else.
        match &hit {
            Some(Clicked::Card(node, _)) => self.select([CanvasItem::Node(node.clone())].into()),
            Some(Clicked::Link(link)) => self.select([link.clone()].into()),
            None => {}
        }
        match hit {
            Some(Clicked::Card(node, Some(key))) => self.start_in_place(InPlace::Value { node, key }),
            Some(Clicked::Card(id, None)) => self.start_rename(id),
            Some(Clicked::Link(CanvasItem::Link { from, to })) => self.start_in_place(InPlace::Latency { from, to }),
            Some(Clicked::Link(CanvasItem::Node(_))) | None => {}
        }
    }

    /// Holds or releases Space: with a drag meanwhile it pans, otherwise it plays or pauses.
    fn hold_space(&mut self, down: bool) {
        match (down, self.pointer.space) {
            (true, None) => self.pointer.space = Some(false),
            (false, Some(used)) => {
                self.pointer.space = None;
                if !used && self.preferences.single_keys {
                    self.toggle_play();
                }
            }
            (true, Some(_)) | (false, None) => {}
        }
        self.redraw.page = true;
    }
}
