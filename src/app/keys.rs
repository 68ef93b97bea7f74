//! Keyboard shortcuts of the canvas.

use crate::language::phrase;
use crate::text;
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

    /// Returns whether the key with the held modifiers is this shortcut. With `any_shift`, Shift makes no difference:
    /// many layouts need it to type a character.
    pub(super) fn matches(&self, key: &str, held: Modifiers, any_shift: bool) -> bool {
        // Some layouts have the brackets behind AltGr, which counts as Ctrl and Alt.
        if matches!(self.key, "[" | "]") {
            return self.key == key;
        }
        let is_shift_right = held.shift == self.shift || (any_shift && !self.shift && !self.control);
        self.key.eq_ignore_ascii_case(key) && !held.alt && held.control == self.control && is_shift_right
    }
}

impl fmt::Display for Shortcut {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let key = match self.key {
            " " => text!("Space"),
            "Escape" => text!("Esc"),
            "ContextMenu" => text!("Menu key"),
            "Home" => text!("Home"),
            "End" => text!("End"),
            "Backspace" => text!("Backspace"),
            // The text of the button “Delete” has another translation.
            "Delete" => phrase("Delete", "Entf"),
            key => key,
        };
        let (control, shift) =
            (if self.control { text!("Ctrl+") } else { "" }, if self.shift { text!("Shift+") } else { "" });
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
