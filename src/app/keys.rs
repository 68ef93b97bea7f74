//! Keyboard shortcuts of the canvas.

use super::actions::{ACTIONS, Action};
use super::model::{KeyboardMsg, Msg};
use std::fmt;

/// The modifier keys that are held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Modifiers {
    /// Shift.
    pub shift: bool,
    /// Ctrl or ⌘.
    pub control: bool,
    /// Alt.
    pub alt: bool,
}

/// A key that triggers an action, with its modifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortcut {
    key: &'static str,
    control: bool,
    shift: bool,
}

impl Shortcut {
    /// A key without modifiers, as `KeyboardEvent.key` names it. Letters are written in upper case.
    pub const fn new(key: &'static str) -> Shortcut {
        Shortcut { key, control: false, shift: false }
    }

    /// The same key with Ctrl or ⌘.
    pub const fn control(self) -> Shortcut {
        Shortcut { control: true, ..self }
    }

    /// The same key with Shift.
    pub const fn shift(self) -> Shortcut {
        Shortcut { shift: true, ..self }
    }

    fn matches(&self, key: &str, held: Modifiers) -> bool {
        // Some layouts have the brackets behind AltGr, which counts as Ctrl and Alt.
        let is_bracket = matches!(self.key, "[" | "]");
        if is_bracket || !self.key.eq_ignore_ascii_case(key) {
            return is_bracket && self.key == key;
        }
        // Shift distinguishes shortcuts with Ctrl, digits and a few others. Where it does not, it is ignored: many
        // layouts need it to type the character.
        let shift_counts = self.control || self.shift || has_shifted_shortcut(self.key);
        !held.alt && held.control == self.control && (!shift_counts || held.shift == self.shift)
    }
}

/// Returns whether the same key with Shift is another shortcut.
fn has_shifted_shortcut(key: &str) -> bool {
    let mut shortcuts = ACTIONS.iter().flat_map(|action| action.shortcuts);
    shortcuts.any(|other| other.key == key && other.shift && !other.control)
}

impl fmt::Display for Shortcut {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let key = match self.key {
            " " => "Space",
            "Escape" => "Esc",
            "ContextMenu" => "Menu key",
            key => key,
        };
        let (control, shift) = (if self.control { "Ctrl+" } else { "" }, if self.shift { "Shift+" } else { "" });
        write!(f, "{control}{shift}{key}")
    }
}

/// Returns the character of a key without Shift, for the keys whose shortcuts combine with Shift. `code` is the key's
/// place on the keyboard, as `KeyboardEvent.code` names it.
pub fn unshifted<'a>(key: &'a str, code: &'a str, shift: bool) -> &'a str {
    match code {
        "Period" if shift => ".",
        "Comma" if shift => ",",
        "Digit1" | "Digit2" if shift => &code[5..],
        _ => key,
    }
}

/// Returns whether a key is a single character. Such shortcuts can be turned off.
pub fn is_single(key: &str) -> bool {
    key.chars().count() == 1
}

/// Returns the action of a key, if it is a shortcut.
pub fn action(key: &str, held: Modifiers) -> Option<&'static Action> {
    ACTIONS.iter().find(|action| action.shortcuts.iter().any(|shortcut| shortcut.matches(key, held)))
}

/// Returns the message of a key: that of its action, or a move with the arrow keys.
pub fn message(key: &str, held: Modifiers) -> Option<Msg> {
    let (dx, dy) = match key {
        "ArrowLeft" => (-1, 0),
        "ArrowRight" => (1, 0),
        "ArrowUp" => (0, -1),
        "ArrowDown" => (0, 1),
        _ => return action(key, held).map(|action| (action.msg)()),
    };
    let is_plain = !held.control && !held.alt;
    is_plain.then_some(Msg::Keyboard(KeyboardMsg::Arrow { dx, dy, far: held.shift }))
}
