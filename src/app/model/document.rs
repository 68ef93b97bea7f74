//! The document: the drawing, where it came from, and how it is opened, edited and kept.

use super::history::History;
use super::{BranchDrawings, Clipboard, Effect, Mode, Model, Redraw, SaveState};
use crate::app::geometry::Point;
use crate::app::run_view::RunView;
use crate::app::scene::NodeKind;
use crate::app::titles::shown_title;
use crate::app::{drawing, measurement::Measurement, script};
use crate::scenario::{Branch, Command, Micros, Scenario};
use crate::session::protocol::{BranchCommand, BranchList, Request};
use crate::text;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::rc::Rc;

/// Where the scenario on the page came from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// What it shows, in one line, in English or in the lesson's language; empty if unknown.
    pub caption: Rc<str>,
    /// The id under which the browser keeps it, if it does.
    pub drawing: Option<Rc<str>>,
    /// The fragment of its address; none for a document without an address.
    pub address: Option<String>,
    /// A notice to the visitor about it.
    pub notice: Option<String>,
    /// The branch that is compared with the shown one, by its place.
    pub compared: Option<u32>,
    /// The number of the document and its history, if this tab had it before a reload.
    pub past: Option<(u32, History)>,
}

impl Opening {
    /// Compares the branches of a scenario that has two, because their difference is its point.
    pub fn comparing(self) -> Self {
        let Scenario { branches, branch, .. } = &self.scenario;
        let shown = branches.iter().position(|other| other.name == *branch).unwrap_or(0);
        let compared = (branches.len() == 2).then_some(1 - shown.min(1) as u32);
        Opening { compared, ..self }
    }

    /// The visitor's own scenario, at its start.
    pub fn own(scenario: Scenario) -> Self {
        let caption = "".into();
        Opening {
            scenario,
            origin: Origin::Own,
            at: 0,
            digest: None,
            caption,
            drawing: None,
            address: None,
            notice: None,
            compared: None,
            past: None,
        }
    }
}

/// The drawing and its history.
#[derive(Clone, Debug, Default)]
pub struct Document {
    /// The drawing.
    pub scenario: Rc<Scenario>,
    /// Where it came from.
    pub origin: Origin,
    /// What it shows, in one line, in English or in the lesson's language; empty if unknown.
    pub caption: Rc<str>,
    /// The id under which the browser keeps it, if it does.
    pub drawing: Option<Rc<str>>,
    /// The fragment of its address, if it is not kept.
    pub address: String,
    /// The branches of the link or example, with which it was opened. Those of a kept drawing may have live commands of an earlier visit.
    pub(super) opened_branches: Rc<[Branch]>,
    /// Counts the opened documents.
    pub(super) opened: u32,
    /// The changes that can be undone and redone.
    pub history: History,
}

impl Document {
    /// Returns whether a document was opened.
    pub fn is_open(&self) -> bool {
        self.opened > 0
    }

    /// Returns how many documents were opened.
    pub fn number(&self) -> u32 {
        self.opened
    }

    /// Returns the fragment of its address.
    pub fn fragment(&self) -> String {
        self.drawing.as_ref().map_or_else(|| self.address.clone(), |id| format!("d={id}"))
    }

    /// Returns whether there is a change to undo.
    pub fn can_undo(&self) -> bool {
        self.history.undoable().is_some()
    }

    /// Returns whether there is an undone change to redo.
    pub fn can_redo(&self) -> bool {
        self.history.redoable().is_some()
    }
}

/// Opens or changes the drawing. Each is one step of undo.
#[derive(Clone, Debug)]
pub enum DocumentMsg {
    /// Open the first scenario.
    OpenFirst,
    /// Open a scenario.
    Open(Box<Opening>),
    /// Open a scenario from a file, and keep it.
    OpenFile(Box<Opening>),
    /// Open an empty drawing.
    OpenEmpty,
    /// Open the visitor's drawing that was saved last, apart from the shown one.
    OpenOther,
    /// Open an example or a challenge, by the fragment of its address.
    OpenNamed(String),
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
    /// Add the cards of a template, by its id.
    AddTemplate(String),
    /// Delete the selected items, or the focused card if nothing is selected.
    Delete,
    /// Copy the selected cards and delete them.
    Cut,
    /// Paste the copied cards.
    Paste,
    /// Paste all cards of a drawing, which come from the system's clipboard.
    PasteCards(Box<Scenario>),
    /// Duplicate the selected cards.
    Duplicate,
    /// Lay out all cards.
    Tidy,
    /// Let the run last 5 s longer, and play.
    Extend,
    /// Add a step to the script, at the current time.
    AddStep(Command),
}

/// The fragment of the example with which the page opens. Without a fragment, the page shows it, too.
pub const FIRST_ADDRESS: &str = "ex=first-update";

/// The fragment of the address of a new drawing.
pub const NEW_ADDRESS: &str = "new";
/// The distance of pasted and duplicated cards from their originals, in canvas units.
const PASTE_OFFSET: [i32; 2] = [40, 40];

/// Returns the ids of all cards.
fn all_nodes(scenario: &Scenario) -> BTreeSet<String> {
    let services = scenario.services.iter().map(|node| &node.id);
    let buses = scenario.buses.iter().map(|node| &node.id);
    services.chain(buses).chain(scenario.clients.iter().map(|node| &node.id)).cloned().collect()
}

impl Model {
    pub(super) fn update_document(&mut self, msg: DocumentMsg, effects: &mut Vec<Effect>) {
        // A drawing does not change during a drag. To undo an unfinished drag is to cancel it.
        if self.pointer.gesture.is_drag() {
            self.cancel_gesture();
            if matches!(msg, DocumentMsg::Undo | DocumentMsg::Redo) {
                return;
            }
        }
        match msg {
            DocumentMsg::OpenFirst => self.open_first(),
            DocumentMsg::Open(opening) => self.open(*opening),
            DocumentMsg::OpenFile(opening) => {
                self.open(*opening);
                effects.push(Effect::Address { fragment: NEW_ADDRESS.into(), is_new: true });
                if self.mode == Mode::App {
                    self.keep(effects);
                }
            }
            DocumentMsg::OpenEmpty => {
                self.open(Opening { address: Some(NEW_ADDRESS.into()), ..Opening::own(Scenario::default()) });
                effects.push(Effect::Address { fragment: NEW_ADDRESS.into(), is_new: true });
                effects.push(Effect::FocusCanvas);
            }
            DocumentMsg::OpenOther => self.open_other(effects),
            // The dialog that offers it returns the focus to its button, where the space bar would open it again.
            DocumentMsg::OpenNamed(fragment) => effects.extend([Effect::OpenNamed(fragment), Effect::FocusCanvas]),
            DocumentMsg::EditCopy => {
                self.document.origin = Origin::Own;
                self.keep(effects);
                self.redraw.page = true;
            }
            DocumentMsg::Edit(scenario) => {
                self.edit(*scenario, text!("Changed settings"), effects);
            }
            DocumentMsg::Undo => self.undo(effects),
            DocumentMsg::Redo => self.redo(effects),
            DocumentMsg::Add { kind, at } => self.add(kind, at, effects),
            DocumentMsg::AddTemplate(id) => self.add_template(&id, effects),
            DocumentMsg::Delete => self.delete(effects),
            DocumentMsg::Cut => {
                self.copy();
                self.copy_to_system(effects);
                self.delete(effects);
            }
            DocumentMsg::Paste | DocumentMsg::PasteCards(_) if self.paste_is_locked() => {
                self.refuse(text!("Pasting is not allowed here.").into());
            }
            DocumentMsg::Paste => self.paste(PASTE_OFFSET, effects),
            DocumentMsg::PasteCards(scenario) => {
                let nodes = all_nodes(&scenario);
                self.selection.clipboard = Some(Clipboard { source: Rc::new(*scenario), nodes });
                self.paste(PASTE_OFFSET, effects);
            }
            DocumentMsg::Duplicate => self.duplicate(PASTE_OFFSET, effects),
            DocumentMsg::Tidy => self.tidy(effects),
            DocumentMsg::Extend => self.extend(None, effects),
            DocumentMsg::AddStep(command) => {
                let change = text!("Added to the script: {}", self.describe_command(&command));
                self.try_edit(script::added(&self.document.scenario, self.run.now, command), &change, effects);
            }
        }
    }

    pub(super) fn open_first(&mut self) {
        self.clear(Opening::own(Scenario::first()));
        self.branches = Rc::new(BranchList::only());
        self.playback.enqueue(Request::First);
    }

    pub(super) fn open(&mut self, opening: Opening) {
        let (scenario, at, digest) = (Box::new(opening.scenario.clone()), opening.at, opening.digest.clone());
        let compared = opening.compared;
        self.clear(opening);
        self.sharing.expected_digest = digest;
        self.playback.enqueue(Request::Load { scenario, at });
        if compared.is_some() {
            self.playback.enqueue(Request::Branch(BranchCommand::Compare(compared)));
        }
    }

    /// Shows another scenario, as a step of undo if there is a previous one.
    fn clear(&mut self, opening: Opening) {
        let Opening { scenario, origin, drawing, address, caption, past, .. } = opening;
        if self.document.opened > 0 {
            self.note_left();
            let title = match &*scenario.title {
                "" => text!("an untitled drawing").to_string(),
                title => shown_title(title),
            };
            let change = text!("Opened {}", title);
            self.notices.announcer.announce(change.clone());
            self.push_step(change, Some(self.run.now));
        }
        let is_as_opened = drawing.is_none() && past.is_none();
        let next = (self.document.opened + 1, std::mem::take(&mut self.document.history));
        let (opened, history) = past.unwrap_or(next);
        let address = address.unwrap_or_default();
        let opened_branches = if is_as_opened { scenario.branches.clone().into() } else { Rc::default() };
        let scenario = Rc::new(scenario);
        self.document = Document { scenario, origin, caption, drawing, address, opened_branches, opened, history };
        self.drawings.state = SaveState::default();
        self.notices.notice = None;
        self.failure = None;
        self.forget_run();
    }

    /// Forgets everything about the run of another document.
    pub(super) fn forget_run(&mut self) {
        self.sharing.expected_digest = None;
        self.sharing.forget_replay();
        self.selection.items = Rc::default();
        self.selection.focus = None;
        (self.time_view, self.compared, self.branches) = (self.time_view.of_another_run(), None, Rc::default());
        self.panels.open_rows.clear();
        self.drawn = BranchDrawings::default();
        self.run = RunView::default();
        self.measurement = Measurement::default();
        self.verdicts.clear();
        self.follow_task();
        self.playback.play(false);
        (self.panels.note_open, self.panels.caption_closed) = (false, false);
        self.viewport.fitted = true;
        self.update_scene();
        self.redraw = Redraw { page: true, paint: true };
    }

    /// Returns whether the drawing may be changed; if not, notifies the visitor of the reason.
    pub(super) fn may_edit(&mut self) -> bool {
        if !self.mode.edits() {
            self.refuse(text!("This embed cannot be edited. Open it in the playground to change it.").into());
            return false;
        }
        if self.locked.drawing {
            self.refuse(text!("The drawing of this embed is locked.").into());
            return false;
        }
        if self.document.origin == Origin::Link {
            self.refuse(text!("This is a preview of a link. Choose “Edit a copy” to change it.").into());
            return false;
        }
        true
    }

    /// Returns whether updates may be published; if not, notifies the visitor of the reason.
    pub(super) fn may_publish(&mut self) -> bool {
        self.may_act(self.locked.publish, text!("Publishing is locked in this embed."))
    }

    /// Returns whether faults may be injected; if not, notifies the visitor of the reason.
    pub(super) fn may_inject(&mut self) -> bool {
        self.may_act(self.locked.faults, text!("Faults are locked in this embed."))
    }

    fn may_act(&mut self, is_locked: bool, reason: &str) -> bool {
        if self.mode == Mode::View {
            self.refuse(text!("This embed only plays. Open it in the playground to publish or inject faults.").into());
        } else if is_locked {
            self.refuse(reason.into());
        }
        self.mode != Mode::View && !is_locked
    }

    /// Returns the drawing with a position for every card. Cards without one are placed as on the canvas.
    pub fn all_placed(&self) -> Rc<Scenario> {
        if drawing::is_placed(&self.document.scenario) {
            return self.document.scenario.clone();
        }
        drawing::all_placed(&self.document.scenario, &self.row_counts()).into()
    }
}
