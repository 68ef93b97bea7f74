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
use super::texts::Text;

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
pub const GESTURES: &[(Text, Text)] = &[
    (Text::new("Select with the pointer"), Text::new("Click; Shift+click or Ctrl+click adds; Shift+drag draws a box")),
    (Text::new("Move"), Text::new("Drag a card, with Ctrl off the grid; arrow keys, with Shift five times as far")),
    (Text::new("Move the focus"), Text::new("Arrow keys, if nothing is selected")),
    (Text::new("Connect with the pointer"), Text::new("Drag from the dot at a card's edge")),
    (Text::new("Duplicate with the pointer"), Text::new("Alt+drag")),
    (Text::new("Rename with the pointer"), Text::new("Double-click a card")),
    (
        Text::new("Edit a value or a latency"),
        Text::new("Double-click it; Enter keeps it, Esc cancels, arrow keys go to the next value"),
    ),
    (Text::new("Inject a fault with the pointer"), Text::new("The buttons above a card")),
    (Text::new("Add with the pointer"), Text::new("Drag from the palette onto the canvas")),
    (Text::new("Pan"), Text::new("Drag empty space, or anything with Space held; turn the wheel")),
    (Text::new("Zoom with the pointer"), Text::new("Ctrl+wheel or pinch")),
    (Text::new("Move along the timeline"), Text::new("Drag; Ctrl+wheel zooms, Shift+wheel pans")),
    (Text::new("Open the menu with the pointer"), Text::new("Right-click or long press")),
];

/// Returns the rows of the help: what each action with a shortcut does and its keys, then the gestures.
pub fn help_rows() -> impl Iterator<Item = (&'static str, String)> {
    let actions = ACTIONS.iter().filter(|action| !action.shortcuts.is_empty());
    let gestures = GESTURES.iter().map(|(effect, gesture)| (effect.get(), gesture.get().to_string()));
    actions.map(|action| (action.help(), action.keys())).chain(gestures)
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
