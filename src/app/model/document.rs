//! The document: the drawing, where it came from, and how it is opened, edited and kept.

use super::{BranchDrawings, Effect, Mode, Model, Redraw};
use crate::app::geometry::Point;
use crate::app::run_view::RunView;
use crate::app::scene::NodeKind;
use crate::app::time_view::TimeView;
use crate::app::{drawing, measurement::Measurement, script};
use crate::scenario::{Command, Micros, Scenario};
use crate::session::protocol::{BranchList, Request};
use std::rc::Rc;

/// Where the scenario on the page came from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// An example, a new drawing, or the visitor's own.
    #[default]
    Own,
    /// A link: a preview until the visitor chooses to edit a copy.
    Link,
}

/// A scenario to open.
#[derive(Clone, Debug, PartialEq)]
pub struct Opening {
    /// The scenario.
    pub scenario: Scenario,
    /// Where it came from.
    pub origin: Origin,
    /// The virtual time to go to.
    pub at: Micros,
    /// The digest at that time of the run that was shared.
    pub digest: Option<String>,
    /// What it shows, in one line; empty if unknown.
    pub caption: Rc<str>,
}

impl Opening {
    /// The visitor's own scenario, at its start.
    pub fn own(scenario: Scenario) -> Self {
        Opening { scenario, origin: Origin::Own, at: 0, digest: None, caption: "".into() }
    }
}

/// The drawing and its history.
#[derive(Clone, Debug, Default)]
pub struct Document {
    /// The drawing.
    pub scenario: Rc<Scenario>,
    /// Where it came from.
    pub origin: Origin,
    /// What it shows, in one line; empty if unknown.
    pub caption: Rc<str>,
    /// The drawing is the one that the browser keeps as the visitor's work.
    pub is_work: bool,
    pub(super) undo: Vec<Rc<Scenario>>,
    pub(super) redo: Vec<Rc<Scenario>>,
}

impl Document {
    /// Returns whether there is a change to undo.
    pub fn can_undo(&self) -> bool {
        !self.undo.is_empty()
    }

    /// Returns whether there is an undone change to redo.
    pub fn can_redo(&self) -> bool {
        !self.redo.is_empty()
    }
}

/// Opens or changes the drawing. Each change is one step of undo.
#[derive(Clone, Debug)]
pub enum DocumentMsg {
    /// Open the first scenario.
    OpenFirst,
    /// Open a scenario.
    Open(Box<Opening>),
    /// Open an empty drawing.
    OpenEmpty,
    /// Open the visitor's drawing that is not shown: the kept one, or the one before it.
    OpenOther,
    /// Open an example, by its id.
    OpenExample(String),
    /// Make the previewed scenario the visitor's own.
    EditCopy,
    /// Replace the drawing by an edited one.
    Edit(Box<Scenario>),
    /// Undo the last change.
    Undo,
    /// Redo the change that was undone last.
    Redo,
    /// Add a card.
    Add {
        /// Its kind.
        kind: NodeKind,
        /// The place of its middle, in px from the canvas's corner; the middle of the canvas if absent.
        at: Option<Point>,
    },
    /// Delete the selected items, or the focused card if nothing is selected.
    Delete,
    /// Copy the selected cards and delete them.
    Cut,
    /// Paste the copied cards.
    Paste,
    /// Duplicate the selected cards.
    Duplicate,
    /// Lay out all cards.
    Tidy,
    /// Let the run last 5 s longer, and play.
    Extend,
    /// Add a step to the script, at the current time.
    AddStep(Command),
}

/// The distance of pasted and duplicated cards from their originals, in canvas units.
const PASTE_OFFSET: [i32; 2] = [40, 40];

impl Model {
    pub(super) fn update_document(&mut self, msg: DocumentMsg, effects: &mut Vec<Effect>) {
        match msg {
            DocumentMsg::OpenFirst => self.open_first(),
            DocumentMsg::Open(opening) => self.open(*opening),
            DocumentMsg::OpenEmpty => self.open(Opening::own(Scenario::default())),
            DocumentMsg::OpenOther => effects.push(Effect::OpenOther),
            DocumentMsg::OpenExample(id) => effects.push(Effect::OpenNamed(format!("ex={id}"))),
            DocumentMsg::EditCopy => {
                self.document.origin = Origin::Own;
                self.keep(effects);
                self.redraw.page = true;
            }
            DocumentMsg::Edit(scenario) => self.edit(*scenario, effects),
            DocumentMsg::Undo => self.undo(effects),
            DocumentMsg::Redo => self.redo(effects),
            DocumentMsg::Add { kind, at } => self.add(kind, at, effects),
            DocumentMsg::Delete => self.delete(effects),
            DocumentMsg::Cut => {
                self.copy();
                self.delete(effects);
            }
            DocumentMsg::Paste => self.paste(PASTE_OFFSET, effects),
            DocumentMsg::Duplicate => self.duplicate(PASTE_OFFSET, effects),
            DocumentMsg::Tidy => self.tidy(effects),
            DocumentMsg::Extend => self.extend(None, effects),
            DocumentMsg::AddStep(command) => {
                self.try_edit(script::added(&self.document.scenario, self.run.now, command), effects);
            }
        }
    }

    pub(super) fn open_first(&mut self) {
        self.clear(Scenario::first(), Origin::Own);
        self.branches = Rc::new(BranchList::only());
        self.playback.enqueue(Request::First);
    }

    pub(super) fn open(&mut self, opening: Opening) {
        let scenario = Box::new(opening.scenario.clone());
        self.clear(opening.scenario, opening.origin);
        self.document.caption = opening.caption;
        self.sharing.expected_digest = opening.digest;
        self.playback.enqueue(Request::Load { scenario, at: opening.at });
    }

    /// Shows another scenario and discards everything about the previous one.
    fn clear(&mut self, scenario: Scenario, origin: Origin) {
        self.sharing.expected_digest = None;
        self.sharing.replayed = None;
        self.notices.notice = None;
        self.document = Document { scenario: Rc::new(scenario), origin, ..Document::default() };
        self.selection.items = Rc::default();
        self.selection.focus = None;
        (self.time_view, self.compared, self.branches) = (TimeView::default(), None, Rc::default());
        self.drawn = BranchDrawings::default();
        self.run = RunView::default();
        self.measurement = Measurement::default();
        self.verdicts.clear();
        self.playback.play(false);
        (self.panels.note_open, self.panels.caption_closed) = (false, false);
        self.viewport.fitted = true;
        self.update_scene();
        self.redraw = Redraw { page: true, paint: true };
    }

    /// Returns whether the drawing may be changed; if not, notifies the visitor of the reason.
    pub(super) fn may_edit(&mut self) -> bool {
        if !self.mode.edits() {
            self.notify("This embed cannot be edited. Open it in the playground to change it.".into());
            return false;
        }
        if self.document.origin == Origin::Link {
            self.notify("This is a preview of a link. Choose “Edit a copy” to change it.".into());
            return false;
        }
        true
    }

    /// Returns whether updates may be published and faults injected; if not, notifies the visitor of the reason.
    pub(super) fn may_act(&mut self) -> bool {
        if self.mode == Mode::View {
            self.notify("This embed only plays. Open it in the playground to publish or inject faults.".into());
        }
        self.mode != Mode::View
    }

    /// Returns the drawing with a position for every card. Cards without one get their place on the canvas.
    pub fn all_placed(&self) -> Rc<Scenario> {
        if drawing::is_placed(&self.document.scenario) {
            return self.document.scenario.clone();
        }
        drawing::all_placed(&self.document.scenario, &self.row_counts()).into()
    }
}
