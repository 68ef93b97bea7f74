//! The messages that change the model, and the effects that the browser must execute.

use super::document::DocumentMsg;
use super::drawings::DrawingsMsg;
use super::in_place::InPlaceMsg;
use super::keyboard::KeyboardMsg;
use super::lesson::LessonMsg;
use super::live::LiveMsg;
use super::log::LogMsg;
use super::panels::PanelsMsg;
use super::playback::PlaybackMsg;
use super::pointer::PointerMsg;
use super::preferences::{PreferencesMsg, Theme};
use super::selection::SelectionMsg;
use super::sharing::{FileSlice, SharingMsg};
use super::tab_record::TabRecord;
use super::task::TaskMsg;
use super::verdicts::VerdictsMsg;
use super::viewport::ViewportMsg;
use crate::app::diagram::DiagramMsg;
use crate::app::kept_drawings::DrawingsRequest;
use crate::app::outline::OutlineMsg;
use crate::app::picture::PictureFormat;
use crate::app::texts::Language;
use crate::app::time_view::TimeMsg;
use crate::scenario::Scenario;
use crate::session::protocol::grade::GradingReport;
use crate::session::protocol::lesson::LessonReport;
use crate::session::protocol::{BranchCommand, FromEngine, ToEngine};
use std::collections::BTreeSet;
use std::rc::Rc;

/// An input of the visitor, the engine or the clock.
#[derive(Clone, Debug)]
pub enum Msg {
    /// An answer of the engine. The sender keeps no other reference to it.
    Engine(Rc<FromEngine>),
    /// The engine crashed, with the message of its panic.
    EngineFailed(String),
    /// Restarts the crashed engine.
    RestartEngine,
    /// A frame of the screen, with the real time in ms.
    Tick(f64),
    /// A problem to report to the visitor.
    Notify(String),
    /// A message to the visitor that confirms or refuses an action.
    Confirm(String),
    /// A key whose effect depends on the selection, the focus or the gesture.
    Keyboard(KeyboardMsg),
    /// Concerns the drawing and its history.
    Document(DocumentMsg),
    /// Concerns the visitor's drawings in the browser.
    Drawings(DrawingsMsg),
    /// Concerns selection and focus.
    Selection(SelectionMsg),
    /// Edits a value or a latency on the canvas.
    InPlace(InPlaceMsg),
    /// Concerns pointers on the canvas and the current tool.
    Pointer(PointerMsg),
    /// Concerns the visible part of the canvas.
    Viewport(ViewportMsg),
    /// Concerns the clock of the run.
    Playback(PlaybackMsg),
    /// Acts on the running system.
    Live(LiveMsg),
    /// Switches, names, deletes or compares branches.
    Branch(BranchCommand),
    /// The branches have changed: compute their drawings.
    DrawBranches,
    /// The tab may be reloaded: keep its document.
    KeepTab {
        /// The fragment of the address.
        fragment: String,
        /// Whether the visitor leaves the page, and may close the tab.
        is_leaving: bool,
    },
    /// Concerns the time axis.
    Time(TimeMsg),
    /// Concerns the space-time diagram.
    Diagram(DiagramMsg),
    /// Concerns the outline.
    Outline(OutlineMsg),
    /// Concerns the verdicts.
    Verdicts(VerdictsMsg),
    /// Concerns the log.
    Log(LogMsg),
    /// Concerns the lesson beside the system.
    Lesson(LessonMsg),
    /// Concerns the tasks of the document.
    Task(TaskMsg),
    /// Measures a group, by its index, under each consistency level.
    Measure(usize),
    /// Concerns links, files and exports.
    Sharing(SharingMsg),
    /// Concerns the visitor's preferences.
    Preferences(PreferencesMsg),
    /// Opens and closes menus, panels and dialogs.
    Panels(PanelsMsg),
}

/// Work for the browser.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Send a request to the engine.
    Send(Box<ToEngine>),
    /// Start a new engine in place of the crashed one.
    RestartEngine,
    /// Give the focus to a card.
    Focus(String),
    /// Give the focus to the canvas.
    FocusCanvas,
    /// Give the focus to the element with this id, once it is on the page.
    FocusElement(String),
    /// Store a text under a key, if the browser allows it.
    Keep(&'static str, String),
    /// Read what the browser keeps under a key, which other tabs may have changed; the answer is a message.
    ReadKept(&'static str),
    /// Keep this while the tab is reloaded, or nothing.
    KeepTab(Option<Box<TabRecord>>),
    /// Send a request to the storage of the visitor's drawings.
    Drawings(DrawingsRequest),
    /// Show this fragment in the address.
    Address {
        /// The fragment, without `#`.
        fragment: String,
        /// Whether it is a new step for the browser's Back button; otherwise it replaces the present address.
        is_new: bool,
    },
    /// Put the selected cards of a drawing on the system's clipboard.
    CopyText(Rc<Scenario>),
    /// Offer a drawing as a file.
    SaveFile(Rc<Scenario>),
    /// Open the link or example that a fragment names.
    OpenNamed(String),
    /// Show the page in this theme.
    Theme(Theme),
    /// Show the page in this language.
    Language(Language),
    /// Show the page with reduced motion, or with all motion.
    LessMotion(bool),
    /// Offer a text as a file with this name.
    Save(String, String),
    /// Append a slice to the file that is being exported, and offer it after the last.
    SaveSlice(FileSlice),
    /// Fetch the lesson at an address relative to the page.
    FetchLesson(String),
    /// Show an answer about the lesson, as soon as the code for it is loaded.
    AnswerLesson(Box<LessonReport>),
    /// Show an answer about the grading, as soon as the code for it is loaded.
    AnswerGrade(Box<GradingReport>),
    /// Put a link to the learner's answer on the system's clipboard.
    CopyAnswer(Rc<Scenario>),
    /// Compute the drawings of the branches, as soon as the code for it is loaded.
    DrawBranches,
    /// Save a picture of the drawing.
    SavePicture {
        /// The format.
        format: PictureFormat,
        /// The cards in the picture; the whole drawing if absent.
        only: Option<BTreeSet<usize>>,
        /// The name of the file, without its extension.
        name: String,
    },
}
