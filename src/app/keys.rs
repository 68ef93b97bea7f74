//! Keys of the canvas, each to its command.

/// What a key asks for while the canvas has focus.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum KeyCommand {
    /// Play or pause.
    TogglePlay,
    /// The next event.
    Step,
    /// The event before.
    StepBack,
    /// The next or the previous mark of the timeline.
    Mark {
        /// The next.
        forward: bool,
    },
    /// To the start of the run.
    Home,
    /// To the end of the run.
    End,
    /// The next faster or slower speed.
    Speed {
        /// Faster.
        faster: bool,
    },
    /// Publish an update.
    Publish,
    /// Zoom about the middle.
    Zoom {
        /// The factor.
        factor: f64,
    },
    /// Zoom to 100 %.
    ZoomActual,
    /// Show everything.
    Fit,
    /// Show the selection.
    FitSelection,
    /// Select all cards.
    SelectAll,
    /// Give up: the gesture, the tool, the selection.
    Escape,
    /// Delete the selection.
    Delete,
    /// Undo.
    Undo,
    /// Redo.
    Redo,
    /// Nudge the selection, or go to the neighbour.
    DiagramMessage {
        /// To the right.
        dx: i32,
        /// Downwards.
        dy: i32,
        /// With Shift: five times as far.
        far: bool,
    },
    /// Select the card that has the focus; rename it where it is selected already.
    Enter,
    /// Rename.
    Rename,
    /// The context menu.
    Menu,
    /// The palette's n-th entry, from 1.
    Palette(u8),
    /// Help.
    Help,
    /// The outline.
    Outline,
    /// Duplicate the selection.
    Duplicate,
    /// Copy the selection.
    Copy,
    /// Cut the selection.
    CutOut,
    /// Paste.
    Paste,
}

/// The keys and gestures, for people: what they do, and how.
pub const TABLE: &[(&str, &str)] = &[
    ("Play or pause", "Space"),
    ("Next, previous event", ". and ,"),
    ("Next, previous mark of the timeline", "Shift+. and Shift+,"),
    ("Start, end of the run", "Home, End"),
    ("Slower, faster", "[ and ]"),
    ("Publish an update", "P"),
    ("Undo, redo", "Ctrl+Z, Ctrl+Shift+Z or Ctrl+Y"),
    ("Select", "Click; Shift or Ctrl+click adds; Shift+drag a box; Ctrl+A; Esc"),
    ("Move", "Drag a card, with Ctrl off the grid; arrow keys, with Shift five times as far"),
    ("Connect", "Drag from the dot at a card's edge; or 5, then click both cards, or Enter on both"),
    ("Rename", "Double click, F2, or Enter on a selected card"),
    ("Delete", "Delete or Backspace"),
    ("Duplicate, copy, cut, paste", "Alt+drag or Ctrl+D, Ctrl+C, Ctrl+X, Ctrl+V"),
    ("Add a service, a bus, a client, a group", "1, 2, 3, 4, or drag from the palette"),
    ("Cut or heal links", "6, then click links or draw a line across them"),
    ("Lay all cards out anew", "7"),
    ("Outline: all of this in tables", "O"),
    ("Pan", "Drag empty space, or anything with Space held; the wheel"),
    ("Zoom", "Ctrl+wheel or pinch; = and -; 0 for 100 %; Shift+1 fits all, Shift+2 the selection"),
    ("Timeline", "Drag to go there; Ctrl+wheel zooms, Shift+wheel pans"),
    ("Menu", "Right click, Shift+F10, or a long press"),
];

/// The modifier keys held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Modifiers {
    /// Shift.
    pub shift: bool,
    /// Ctrl or ⌘.
    pub control: bool,
    /// Alt.
    pub alt: bool,
}

/// What stands on a key of the common layouts without Shift, where Shift writes something else on each: the digits, full
/// stop and comma. `code` is the place of the key on the keyboard.
pub fn unshifted<'a>(key: &'a str, code: &'a str, shift: bool) -> &'a str {
    match code {
        "Period" if shift => ".",
        "Comma" if shift => ",",
        "Digit1" | "Digit2" if shift => &code[5..],
        _ => key,
    }
}

/// Whether a key is a single character: those can be turned off.
pub fn is_single(key: &str) -> bool {
    key.chars().count() == 1
}

/// What a key asks for; none if it is not the canvas's.
pub fn command(key: &str, held: Modifiers) -> Option<KeyCommand> {
    let Modifiers { shift, control, alt } = held;
    // Where a layout has the brackets behind AltGr, that counts as Ctrl and Alt.
    match key {
        "[" => return Some(KeyCommand::Speed { faster: false }),
        "]" => return Some(KeyCommand::Speed { faster: true }),
        _ => {}
    }
    if alt {
        return None;
    }
    if control {
        return match (key, shift) {
            ("a" | "A", false) => Some(KeyCommand::SelectAll),
            ("z" | "Z", false) => Some(KeyCommand::Undo),
            ("z" | "Z", true) | ("y" | "Y", false) => Some(KeyCommand::Redo),
            ("d" | "D", false) => Some(KeyCommand::Duplicate),
            ("c" | "C", false) => Some(KeyCommand::Copy),
            ("x" | "X", false) => Some(KeyCommand::CutOut),
            ("v" | "V", false) => Some(KeyCommand::Paste),
            _ => None,
        };
    }
    let arrow = |dx, dy| Some(KeyCommand::DiagramMessage { dx, dy, far: shift });
    match key {
        " " => Some(KeyCommand::TogglePlay),
        "." if shift => Some(KeyCommand::Mark { forward: true }),
        "," if shift => Some(KeyCommand::Mark { forward: false }),
        "." => Some(KeyCommand::Step),
        "," => Some(KeyCommand::StepBack),
        "Home" => Some(KeyCommand::Home),
        "End" => Some(KeyCommand::End),
        "o" | "O" => Some(KeyCommand::Outline),
        "p" | "P" => Some(KeyCommand::Publish),
        "=" | "+" => Some(KeyCommand::Zoom { factor: 1.25 }),
        "-" => Some(KeyCommand::Zoom { factor: 0.8 }),
        "0" => Some(KeyCommand::ZoomActual),
        "1" if shift => Some(KeyCommand::Fit),
        "2" if shift => Some(KeyCommand::FitSelection),
        "Escape" => Some(KeyCommand::Escape),
        "Delete" | "Backspace" => Some(KeyCommand::Delete),
        "ArrowLeft" => arrow(-1, 0),
        "ArrowRight" => arrow(1, 0),
        "ArrowUp" => arrow(0, -1),
        "ArrowDown" => arrow(0, 1),
        "Enter" => Some(KeyCommand::Enter),
        "F2" => Some(KeyCommand::Rename),
        "F10" if shift => Some(KeyCommand::Menu),
        "ContextMenu" => Some(KeyCommand::Menu),
        "?" => Some(KeyCommand::Help),
        _ => match key.parse() {
            Ok(n @ 1..=9) if !shift => Some(KeyCommand::Palette(n)),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tab_and_the_browsers_own_keys_are_left_alone() {
        let control = Modifiers { control: true, ..Modifiers::default() };
        assert_eq!(command("Tab", Modifiers::default()), None);
        assert_eq!(command("r", control), None);
        assert_eq!(command("F5", Modifiers::default()), None);
        assert_eq!(command("ArrowLeft", Modifiers { alt: true, ..Modifiers::default() }), None);
    }

    #[test]
    fn keys_ask_for_what_the_table_says() {
        let plain = Modifiers::default();
        let shift = Modifiers { shift: true, ..plain };
        let control = Modifiers { control: true, ..plain };
        assert_eq!(command(" ", plain), Some(KeyCommand::TogglePlay));
        assert_eq!(command("1", shift), Some(KeyCommand::Fit));
        assert_eq!(command(".", shift), Some(KeyCommand::Mark { forward: true }));
        let alt_graph = Modifiers { control: true, alt: true, shift: false };
        assert_eq!(command("]", alt_graph), Some(KeyCommand::Speed { faster: true }));
        assert_eq!(command("3", plain), Some(KeyCommand::Palette(3)));
        assert_eq!(command("y", control), Some(KeyCommand::Redo));
        assert_eq!(command("z", Modifiers { shift: true, ..control }), Some(KeyCommand::Redo));
        assert_eq!(command("ArrowUp", shift), Some(KeyCommand::DiagramMessage { dx: 0, dy: -1, far: true }));
        assert_eq!(command("F10", shift), Some(KeyCommand::Menu));
    }
}
