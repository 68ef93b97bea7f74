//! The type of an action of the page.

use crate::app::keys::Shortcut;
use crate::app::model::{Model, Msg};
use crate::app::texts::Text;

/// The name of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the action's help text describes each")]
pub enum ActionId {
    Play,
    Step,
    StepBack,
    NextMark,
    PreviousMark,
    Start,
    End,
    Slower,
    Faster,
    Reset,
    Extend,
    Publish,
    CrashCard,
    FreezeCard,
    HealCard,
    HealAll,
    EditValue,
    Undo,
    Redo,
    SelectAll,
    Select,
    Cancel,
    Rename,
    Delete,
    Duplicate,
    Copy,
    Cut,
    Paste,
    AddService,
    AddBus,
    AddClient,
    AddGroup,
    Connect,
    Scissors,
    Tidy,
    ZoomIn,
    ZoomOut,
    ZoomActual,
    Fit,
    FitSelection,
    Map,
    Outline,
    Diagram,
    Branches,
    Verdicts,
    Log,
    Menu,
    EditScenario,
    Lesson,
    Task,
    Share,
    Theme,
    Language,
    Help,
    Legend,
    Commands,
    FileMenu,
    MyDrawings,
    Save,
    SaveCopy,
    Download,
    NewDrawing,
    OtherDrawing,
    Examples,
}

/// The heading under which the help dialog lists an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionGroup {
    /// The clock of the run.
    Playback,
    /// The running system.
    Run,
    /// The drawing.
    Drawing,
    /// The visible part of the canvas.
    View,
    /// Panels, dialogs and preferences.
    Page,
}

/// Something that the visitor can do.
#[derive(Clone, Copy, Debug)]
pub struct Action {
    /// Its name.
    pub id: ActionId,
    /// The group in the help.
    pub group: ActionGroup,
    /// The text of buttons and menu items.
    label: Text,
    /// A description of its effect.
    help: Text,
    /// The keys that trigger it while the canvas has the focus.
    pub shortcuts: &'static [Shortcut],
    /// Whether it would have an effect now.
    pub is_enabled: fn(&Model) -> bool,
    /// Whether it is switched on; absent if it is not a switch.
    pub is_on: Option<fn(&Model) -> bool>,
    /// The message that executes it.
    pub msg: fn() -> Msg,
}

impl Action {
    /// Returns the text of buttons and menu items.
    pub fn label(&self) -> &'static str {
        self.label.get()
    }

    /// Returns the description of the action, for tooltip and help. No full stop at the end.
    pub fn help(&self) -> &'static str {
        self.help.get()
    }

    /// Returns the tooltip: the help text and the first shortcut.
    pub fn tooltip(&self) -> String {
        match self.shortcuts.first() {
            Some(shortcut) => format!("{} ({shortcut})", self.help()),
            None => self.help().to_string(),
        }
    }

    /// Returns the shortcuts as a text: `Ctrl+Y or Ctrl+Shift+Z`.
    pub fn keys(&self) -> String {
        self.shortcuts
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<String>>()
            .join(&format!(" {} ", crate::text!("or")))
    }

    /// Creates an action that is always enabled and is not a switch.
    pub(super) const fn new(
        group: ActionGroup,
        id: ActionId,
        label: &str,
        help: &str,
        shortcuts: &'static [Shortcut],
        msg: fn() -> Msg,
    ) -> Action {
        let (label, help) = (Text::new(label), Text::new(help));
        Action { id, group, label, help, shortcuts, is_enabled: |_| true, is_on: None, msg }
    }

    /// Adds the predicate that enables it.
    pub(super) const fn enabled_if(mut self, is_enabled: fn(&Model) -> bool) -> Action {
        self.is_enabled = is_enabled;
        self
    }

    /// Makes it a switch.
    pub(super) const fn on_if(mut self, is_on: fn(&Model) -> bool) -> Action {
        self.is_on = Some(is_on);
        self
    }
}
