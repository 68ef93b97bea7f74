//! The actions of the page, one object each: label, help, shortcuts, predicates and message in one place.
//!
//! Components take button labels, tooltips and enabled states from here, the keyboard finds its messages here, and the
//! help dialog and the menus list these objects. To add an action, add an [`ActionId`] and its object in [`ACTIONS`].

mod action;
mod table;

pub use action::{Action, ActionGroup, ActionId};
pub use table::ACTIONS;

use super::keys::Modifiers;
use super::model::{KeyboardMsg, Msg};

impl ActionId {
    /// Returns the action with this name.
    pub fn action(self) -> &'static Action {
        ACTIONS.iter().find(|action| action.id == self).expect("a test checks that every name has an action")
    }

    /// Returns the message that executes the action.
    pub fn msg(self) -> Msg {
        (self.action().msg)()
    }
}

/// Gestures and keys that are not actions: the effect, and the gesture.
pub const GESTURES: &[(&str, &str)] = &[
    ("Select with the pointer", "Click; Shift+click or Ctrl+click adds; Shift+drag draws a box"),
    ("Move", "Drag a card, with Ctrl off the grid; arrow keys, with Shift five times as far"),
    ("Move the focus", "Arrow keys, if nothing is selected"),
    ("Connect with the pointer", "Drag from the dot at a card's edge"),
    ("Duplicate with the pointer", "Alt+drag"),
    ("Rename with the pointer", "Double-click a card"),
    ("Edit a value or a latency", "Double-click it; Enter keeps it, Esc cancels, arrow keys go to the next value"),
    ("Inject a fault with the pointer", "The buttons above a card"),
    ("Add with the pointer", "Drag from the palette onto the canvas"),
    ("Pan", "Drag empty space, or anything with Space held; turn the wheel"),
    ("Zoom with the pointer", "Ctrl+wheel or pinch"),
    ("Move along the timeline", "Drag; Ctrl+wheel zooms, Shift+wheel pans"),
    ("Open the menu with the pointer", "Right-click or long press"),
];

/// Returns the rows of the help: what each action with a shortcut does and its keys, then the gestures.
pub fn help_rows() -> impl Iterator<Item = (&'static str, String)> {
    let actions = ACTIONS.iter().filter(|action| !action.shortcuts.is_empty());
    let gestures = GESTURES.iter().map(|(effect, gesture)| (*effect, (*gesture).to_string()));
    actions.map(|action| (action.help, action.keys())).chain(gestures)
}

/// Returns the action of a key, if it is a shortcut.
pub fn for_key(key: &str, held: Modifiers) -> Option<&'static Action> {
    let find = |any_shift: bool| {
        ACTIONS.iter().find(|action| action.shortcuts.iter().any(|shortcut| shortcut.matches(key, held, any_shift)))
    };
    find(false).or_else(|| find(true))
}

/// Returns the message of a key: that of its action, or a move with the arrow keys.
pub fn message_for_key(key: &str, held: Modifiers) -> Option<Msg> {
    let (dx, dy) = match key {
        "ArrowLeft" => (-1, 0),
        "ArrowRight" => (1, 0),
        "ArrowUp" => (0, -1),
        "ArrowDown" => (0, 1),
        _ => return for_key(key, held).map(|action| (action.msg)()),
    };
    let is_plain = !held.control && !held.alt;
    is_plain.then_some(Msg::Keyboard(KeyboardMsg::Arrow { dx, dy, far: held.shift }))
}

#[cfg(test)]
mod tests;
