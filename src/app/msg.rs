//! Everything that can happen to the page, and what it has done outside.

use super::geometry::Point;
use super::gesture::Press;
use super::keys::KeyCommand;
use super::model::{CanvasItem, Origin, Theme, Tool};
use super::scene::NodeKind;
use super::{diagram, outline, time_view};
use crate::scenario::{Command, Micros, Scenario};
use crate::session::protocol::{BranchCommand, ExportKind, FromEngine, ScenarioJson, ToEngine};
use crate::trace::NodeId;
use std::rc::Rc;

/// What the visitor, the engine or the clock brings.
#[derive(Clone, Debug)]
pub enum Msg {
    /// An answer of the engine; whoever heard it is the only one to hold it.
    Engine(Rc<FromEngine>),
    /// The engine is gone or could not be started.
    EngineFailed(String),
    /// A frame of the screen, at so many ms of true time.
    Tick(f64),
    /// The canvas has that size; `narrow` is the one-column page.
    Resized {
        /// Width of the canvas, px.
        width: f64,
        /// Height, px.
        height: f64,
        /// The window is narrower than 720 px.
        narrow: bool,
    },
    /// Open the first scenario.
    OpenFirst,
    /// Open a scenario, and stand at an instant.
    Open(Box<Opening>),
    /// Open an empty drawing.
    OpenEmpty,
    /// Open the visitor's drawing that is not on the page: the kept one, or the one before it.
    OpenOther,
    /// Open an example, by its id.
    OpenExample(String),
    /// Why a link could not be opened.
    LinkFailed(String),
    /// The visitor makes the previewed scenario their own.
    EditCopy,
    /// A changed drawing; one step of undo.
    Edited(Box<Scenario>),
    /// A change that was refused, and why.
    EditRefused(String),
    /// Add a card.
    Add {
        /// What.
        kind: NodeKind,
        /// Where its middle is, px from the canvas's corner; in the middle of what is seen where it is absent.
        at: Option<Point>,
    },
    /// Delete what is selected.
    Delete,
    /// Give the focus to the canvas's tab stop.
    EnterCanvas,
    /// Undo the last change of the drawing.
    Undo,
    /// Redo it.
    Redo,
    /// Play or pause.
    TogglePlay,
    /// Pause.
    Pause,
    /// The next event.
    Step,
    /// Stand before the last event.
    StepBack,
    /// Stand at the next or the previous mark of the timeline.
    Mark {
        /// The next.
        forward: bool,
    },
    /// Space went down on the canvas, or up.
    Space(bool),
    /// Keys of a single character act on the canvas, or no longer.
    SingleKeys(bool),
    /// The wheel turned over an embed, where it belongs to the page around.
    WheelPassed,
    /// Stand at an instant.
    Seek(Micros),
    /// Forget what was done live and stand at the start.
    Reset,
    /// Another speed.
    Speed(f64),
    /// Let the run go on beyond its end.
    Extend,
    /// Publish an update where the publish button stands.
    Publish,
    /// Do something to the running system.
    Act(Command),
    /// Put it into the script, at the instant where the run stands.
    Script(Command),
    /// A key of the canvas.
    Key(KeyCommand),
    /// A pointer went down on the canvas.
    PointerDown(Press),
    /// A pointer moved over the canvas.
    PointerMove {
        /// Which pointer.
        id: i32,
        /// Where, px from the canvas's corner.
        at: Point,
        /// Ctrl inverts snapping.
        control: bool,
    },
    /// A pointer went up.
    PointerUp {
        /// Which pointer.
        id: i32,
        /// Where.
        at: Point,
    },
    /// A pointer was taken away by the browser.
    PointerCancel,
    /// The pointer left the canvas.
    PointerLeave,
    /// The wheel turned over the canvas.
    Wheel {
        /// Where.
        at: Point,
        /// To the right, px.
        dx: f64,
        /// Downwards, px.
        dy: f64,
        /// With Ctrl, or a pinch of a touchpad.
        zoom: bool,
    },
    /// Zoom about the middle.
    Zoom(f64),
    /// Show everything.
    Fit,
    /// Zoom to 100 %.
    ZoomActual,
    /// Select this alone.
    Select(Option<CanvasItem>),
    /// Take up a tool.
    Take(Tool),
    /// A card got the focus.
    Focused(String),
    /// Start renaming a card.
    Rename(String),
    /// End renaming: the new name, or none to leave it.
    Renamed(Option<String>),
    /// Show, open, name, delete or compare branches.
    Branch(BranchCommand),
    /// Open or close the list of branches.
    ToggleBranches,
    /// What the visitor does to the time axis.
    Time(time_view::TimeMsg),
    /// Save the run as a text.
    Export(ExportKind),
    /// What the visitor does to the space-time diagram.
    Diagram(diagram::DiagramMsg),
    /// What the visitor does in the outline.
    Outline(outline::OutlineMsg),
    /// Lay all cards out anew.
    Tidy,
    /// Open or close the verdicts.
    ToggleVerdicts,
    /// Ask for the verdicts, and why the copies of a service (or all) are as they are.
    Examine(Option<NodeId>),
    /// Mark the steps of a finding, by its title, on canvas, timeline and diagram; or no longer.
    MarkProof(String),
    /// Stand at an instant, and show where something happened.
    Jump(Micros, Vec<NodeId>),
    /// Open or close the log.
    ToggleLog,
    /// Show only rows of the log with this text.
    FilterLog(String),
    /// Load older rows.
    OlderLog,
    /// Ask for the run as a document.
    Describe,
    /// Measure a group, by its place, under each consistency.
    Measure(usize),
    /// Another theme.
    Theme(Theme),
    /// Less motion, or as much as there is.
    ReducedMotion(bool),
    /// Close the notice.
    Dismiss,
    /// The context menu of a card, a wire or the canvas, at a point of the window.
    OpenMenu {
        /// Where.
        at: Point,
        /// Of what.
        of: Option<CanvasItem>,
    },
    /// Close the context menu.
    CloseMenu,
    /// Open or close the help.
    Help(bool),
    /// Show the scenario itself in the inspector.
    Inspect,
    /// Open or close the share dialog.
    Share(bool),
    /// Duplicate the selected cards.
    Duplicate,
}

/// A scenario to be opened.
#[derive(Clone, Debug, PartialEq)]
pub struct Opening {
    /// The scenario.
    pub scenario: Scenario,
    /// The same, for the engine.
    pub written: ScenarioJson,
    /// Where it came from.
    pub origin: Origin,
    /// Where to stand.
    pub at: Micros,
    /// Digest of the run that was shared, where it stood.
    pub digest: Option<String>,
}

impl Opening {
    /// The visitor's own, at its start.
    pub fn own(scenario: Scenario) -> Self {
        Opening { written: ScenarioJson::from(&scenario), scenario, origin: Origin::Own, at: 0, digest: None }
    }
}

/// What has to be done outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Send to the engine.
    Send(Box<ToEngine>),
    /// Give the focus to a card.
    Focus(String),
    /// Give the focus to the canvas.
    FocusCanvas,
    /// Keep under a name, if the browser allows it.
    Keep(&'static str, String),
    /// What is kept as the visitor's work is another drawing: keep it as the one before.
    SetAside,
    /// Open the visitor's drawing that is not on the page.
    OpenOther,
    /// Open what a fragment names.
    OpenNamed(String),
    /// Show in this theme.
    Theme(Theme),
    /// Show with less motion, or with all.
    LessMotion(bool),
    /// Offer a text as a file of this name.
    Save(String, String),
}
