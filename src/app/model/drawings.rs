//! My drawings: every change is saved in the browser, and other tabs are never overwritten.

mod left;

use super::notices::NoticeAction;
use super::{Effect, KEPT_LAST, Mode, Model, Msg, NEW_ADDRESS, Opening, Origin};
use crate::app::kept_drawings::{DrawingInfo, DrawingsAnswer, DrawingsRequest, StorageProblem, Version, unique_title};
use crate::app::titles::{CONFLICTING, shown_title};
use crate::scenario::{Micros, Scenario};
use crate::text;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Whether the shown drawing is kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum SaveState {
    /// The drawing has no changes to keep.
    #[default]
    Unchanged,
    /// The drawing is being saved.
    Saving,
    /// The drawing is saved.
    Saved,
    /// The drawing could not be saved.
    Failed(StorageProblem),
}

/// The kept drawings, and the saves in progress.
#[derive(Clone, Debug, Default)]
pub struct Drawings {
    /// Whether the dialog is open.
    pub open: bool,
    /// All kept drawings, the newest first; absent until they are listed.
    pub list: Option<Rc<Vec<DrawingInfo>>>,
    /// The listed versions of a drawing.
    pub versions: Option<(Rc<str>, Rc<Vec<Version>>)>,
    /// Whether the shown drawing is kept.
    pub state: SaveState,
    /// Distinguishes this tab from others in the ids of new drawings.
    pub tab: u32,
    created: u32,
    /// The drawing that is being saved. One is saved at a time, so each is based on the revision before.
    saving: Option<(Rc<str>, Unsaved)>,
    /// The drawings that wait to be saved.
    waiting: BTreeMap<Rc<str>, Unsaved>,
    /// The drawings that another tab has saved since this tab has read or written them.
    saved_elsewhere: Vec<Rc<str>>,
    /// The last revision of each drawing that this tab has read or written.
    pub(super) revisions: BTreeMap<Rc<str>, u32>,
    /// Whether the previous drawing is opened once the drawings are listed.
    opens_other: bool,
    /// Why the list cannot be read.
    list_problem: Option<StorageProblem>,
    /// The kept drawings that this tab has shown, by the fragments of their addresses, with the instants at which it left them.
    left: Vec<(String, Rc<str>, Micros)>,
    /// Whether the page has left a document on which the visitor has worked.
    has_left: bool,
    /// The shown drawing that was deleted, and the number of its document.
    deleted: Option<(Rc<str>, u32)>,
    /// Whether the visitor knows that nothing is kept.
    is_failure_known: bool,
}

impl Drawings {
    /// Returns why the list cannot be read or the shown drawing is not kept, as a sentence.
    pub fn problem(&self) -> Option<String> {
        let unsaved = if let SaveState::Failed(problem) = &self.state { Some(problem) } else { None };
        self.list_problem.as_ref().or(unsaved).map(StorageProblem::sentence)
    }
}

/// The newest content of a drawing that waits to be saved.
#[derive(Clone, Debug)]
struct Unsaved {
    scenario: Rc<Scenario>,
    caption: Rc<str>,
    /// Whether it was edited, or has become the visitor's own. Otherwise only its live commands and branches have changed.
    is_edited: bool,
}

/// Opens, saves and manages kept drawings.
#[derive(Clone, Debug, PartialEq)]
pub enum DrawingsMsg {
    /// Open the dialog, or close it.
    ToggleDialog,
    /// Close the dialog.
    CloseDialog,
    /// Save the drawing now, also if it is unchanged.
    Save,
    /// Save the drawing under another id, and continue with the copy.
    SaveCopy,
    /// Offer the drawing as a file.
    Download,
    /// Ask the storage.
    Request(DrawingsRequest),
    /// Open a kept drawing.
    Open(Rc<str>),
    /// Give a kept drawing another title.
    Rename(Rc<str>, String),
    /// Duplicate a kept drawing.
    Duplicate(Rc<str>),
    /// Add drawings that were read from a file.
    Import(Rc<Vec<Scenario>>),
    /// A drawing was read to be opened.
    ReadToOpen(DrawingInfo),
    /// The storage has answered.
    Answered(DrawingsAnswer),
    /// A drawing could not be saved.
    NotSaved(StorageProblem),
    /// The storage has not answered another request.
    Failed(StorageProblem),
    /// Another tab has saved a drawing.
    ChangedElsewhere(Rc<str>, u32),
    /// Keep the work on the document that the page has left.
    KeepLeft,
    /// Return to a drawing that the page has left and that is not saved yet, at an instant.
    Return(Rc<str>, Micros),
}

impl Model {
    pub(super) fn update_drawings(&mut self, msg: DrawingsMsg, effects: &mut Vec<Effect>) {
        self.redraw.page = true;
        match msg {
            DrawingsMsg::ToggleDialog => {
                self.drawings.open = !self.drawings.open;
                self.drawings.versions = None;
                if self.drawings.open {
                    effects.push(Effect::Drawings(DrawingsRequest::List));
                }
            }
            DrawingsMsg::CloseDialog => self.drawings.open = false,
            DrawingsMsg::Save => self.save_now(effects),
            DrawingsMsg::SaveCopy => {
                if self.mode == Mode::App {
                    self.document.drawing = None;
                    self.document.origin = Origin::Own;
                    self.keep(effects);
                    self.notify(text!("Saved as “{}”. You are editing the copy.", self.title()));
                }
            }
            DrawingsMsg::Download => effects.push(Effect::SaveFile(self.run_record().kept())),
            DrawingsMsg::Request(request) => effects.push(Effect::Drawings(request)),
            DrawingsMsg::Open(id) => effects.push(Effect::Drawings(DrawingsRequest::Read { id, version: None })),
            DrawingsMsg::Rename(id, title) => self.rename_drawing(id, title, effects),
            DrawingsMsg::Duplicate(id) => {
                let copy = self.new_drawing_id();
                effects.push(Effect::Drawings(DrawingsRequest::Duplicate { id, copy }));
            }
            DrawingsMsg::Import(drawings) => {
                let id = self.new_drawing_id();
                effects.push(Effect::Drawings(DrawingsRequest::Import { id, drawings }));
            }
            DrawingsMsg::ReadToOpen(info) => self.note_revision(&info),
            DrawingsMsg::Answered(answer) => self.receive_drawings(answer, effects),
            DrawingsMsg::NotSaved(problem) => self.report_unsaved(problem),
            DrawingsMsg::Failed(StorageProblem::Damaged(id, why)) => {
                self.report_problem(StorageProblem::Damaged(id.clone(), why).sentence());
                let download = Msg::Drawings(DrawingsMsg::Request(DrawingsRequest::Download(id)));
                self.notices.action = Some(NoticeAction { label: text!("Save as a file"), msg: Box::new(download) });
            }
            DrawingsMsg::Failed(problem) => {
                // A list that is read in the background fails without a notice. The dialog shows the reason in place of the list.
                let is_listing = self.drawings.list.is_none() && !std::mem::take(&mut self.drawings.opens_other);
                if is_listing {
                    self.drawings.list_problem = Some(problem);
                } else {
                    self.report_problem(problem.sentence());
                }
            }
            DrawingsMsg::ChangedElsewhere(id, revision) => self.follow_other_tab(id, revision, effects),
            // It is done after every action.
            DrawingsMsg::KeepLeft => {}
            DrawingsMsg::Return(id, at) => self.return_to_unsaved(id, at, effects),
        }
    }

    /// Notes the revision of a drawing that was read or written.
    pub(super) fn note_revision(&mut self, info: &DrawingInfo) {
        self.drawings.revisions.insert(info.id.clone(), info.revision);
        self.drawings.saved_elsewhere.retain(|id| *id != info.id);
    }

    fn title(&self) -> String {
        shown_title(&self.document.scenario.title)
    }

    /// Renames a drawing: the shown one by an edit, another one in the storage.
    fn rename_drawing(&mut self, id: Rc<str>, title: String, effects: &mut Vec<Effect>) {
        if self.document.drawing.as_ref() == Some(&id) {
            let scenario = Scenario { title, ..Scenario::clone(&self.document.scenario) };
            self.edit(scenario, text!("Renamed the drawing"), effects);
        } else {
            effects.push(Effect::Drawings(DrawingsRequest::Rename { id, title }));
        }
    }

    fn save_now(&mut self, effects: &mut Vec<Effect>) {
        if self.mode != Mode::App || self.document.origin == Origin::Link {
            return self.notify(text!("Choose “Edit a copy” to keep this drawing.").into());
        }
        self.drawings.is_failure_known = false;
        self.keep(effects);
        self.notify(text!("“{}” is kept in this browser. Changes are saved as you make them.", self.title()));
    }

    fn new_drawing_id(&mut self) -> Rc<str> {
        self.drawings.created += 1;
        format!("{:08x}-{}", self.drawings.tab, self.drawings.created).into()
    }

    /// Keeps the drawing after an edit. A drawing that is not yet the visitor's own becomes one, with a new title.
    pub(super) fn keep(&mut self, effects: &mut Vec<Effect>) {
        self.keep_change(true, effects);
    }

    /// Keeps the visitor's own drawing after a change of its live commands or branches alone. They are no reason for a copy:
    /// where another tab has saved the drawing since, they belong to this tab's run, and are not kept. An example with a single
    /// branch becomes the visitor's own only with the first edit.
    pub(super) fn keep_run(&mut self, effects: &mut Vec<Effect>) {
        match &self.document.drawing {
            Some(id) if self.drawings.saved_elsewhere.contains(id) => {}
            Some(_) => self.keep_change(false, effects),
            None if self.document.scenario.branches.is_empty() => {}
            None => self.keep_change(true, effects),
        }
    }

    fn keep_change(&mut self, is_edited: bool, effects: &mut Vec<Effect>) {
        let id = match self.document.drawing.clone() {
            Some(id) => id,
            None => {
                let id = self.new_drawing_id();
                self.make_title_unique();
                self.document.drawing = Some(id.clone());
                effects.push(Effect::Address { fragment: format!("d={id}"), is_new: false });
                if self.drawings.list.is_none() {
                    // The titles of the others are needed for the next new drawing.
                    effects.push(Effect::Drawings(DrawingsRequest::List));
                }
                id
            }
        };
        effects.push(Effect::Keep(KEPT_LAST, id.to_string()));
        let (scenario, caption) = (self.run_record().kept(), self.document.caption.clone());
        let is_edited = is_edited || self.drawings.waiting.get(&id).is_some_and(|unsaved| unsaved.is_edited);
        self.drawings.waiting.insert(id, Unsaved { scenario, caption, is_edited });
        self.save_next(effects);
        self.redraw.page = true;
    }

    /// Numbers the title if another kept drawing has the same one.
    fn make_title_unique(&mut self) {
        let title = self.unique_title(&self.document.scenario.title);
        if title != self.document.scenario.title {
            Rc::make_mut(&mut self.document.scenario).title = title;
        }
    }

    /// Returns a title that no listed drawing has: the title itself, or with a number.
    fn unique_title(&self, title: &str) -> String {
        let is_taken = |title: &str| {
            let mut listed = self.drawings.list.iter().flat_map(|list| list.iter());
            listed.any(|info| info.deleted.is_none() && info.title == title)
        };
        unique_title(title, is_taken)
    }

    fn save_next(&mut self, effects: &mut Vec<Effect>) {
        if self.drawings.saving.is_some() {
            return;
        }
        if let Some((id, unsaved)) = self.drawings.waiting.pop_first() {
            let (scenario, caption) = (unsaved.scenario.clone(), unsaved.caption.clone());
            self.drawings.saving = Some((id.clone(), unsaved));
            self.drawings.state = SaveState::Saving;
            let base = self.drawings.revisions.get(&id).copied();
            effects.push(Effect::Drawings(DrawingsRequest::Save { id, base, scenario, caption }));
        }
    }

    fn receive_drawings(&mut self, answer: DrawingsAnswer, effects: &mut Vec<Effect>) {
        match answer {
            DrawingsAnswer::Listed(list) => {
                self.drawings.list_problem = None;
                self.list_drawings(list, effects);
                if std::mem::take(&mut self.drawings.opens_other) {
                    self.open_other(effects);
                }
            }
            DrawingsAnswer::Saved(info) => {
                self.note_revision(&info);
                if self.drawings.saving.take_if(|(id, _)| *id == info.id).is_some() {
                    if self.notices.notice == Some(StorageProblem::Silent.sentence()) {
                        self.dismiss_notice();
                    }
                    self.drawings.state = SaveState::Saved;
                    self.drawings.is_failure_known = false;
                }
                self.put_first_in_list(info);
                self.save_next(effects);
            }
            DrawingsAnswer::Conflict { id, scenario, caption } => {
                let was_edited = self.drawings.saving.take().is_some_and(|(_, unsaved)| unsaved.is_edited);
                let refused = Unsaved { scenario, caption, is_edited: was_edited };
                let newest = self.drawings.waiting.remove(&id).unwrap_or(refused);
                if was_edited || newest.is_edited {
                    self.keep_beside(&id, newest, effects);
                } else {
                    self.report_other_tab(id);
                    self.save_next(effects);
                }
            }
            DrawingsAnswer::Read(info, scenario) => {
                self.note_revision(&info);
                let address = Some(format!("d={}", info.id));
                self.drawings.open = false;
                let (drawing, caption) = (Some(info.id.clone()), info.caption);
                self.open(Opening { drawing, caption, address, ..Opening::own(*scenario) });
                effects.push(Effect::Address { fragment: format!("d={}", info.id), is_new: true });
                effects.push(Effect::FocusCanvas);
            }
            DrawingsAnswer::Versions(id, versions) => self.drawings.versions = Some((id, versions.into())),
            DrawingsAnswer::Imported(count) => {
                let drawings = if count == 1 { text!("1 drawing").into() } else { text!("{} drawings", count) };
                self.notify(text!("Imported {}", drawings));
                effects.push(Effect::Drawings(DrawingsRequest::List));
            }
            DrawingsAnswer::File(name, text) => effects.push(Effect::Save(name, text)),
        }
    }

    /// Updates the list. A drawing that has just been deleted can be restored.
    fn list_drawings(&mut self, list: Vec<DrawingInfo>, effects: &mut Vec<Effect>) {
        let was_listed = |info: &&DrawingInfo| {
            let before = self.drawings.list.iter().flat_map(|list| list.iter());
            info.deleted.is_some() && before.into_iter().any(|other| other.id == info.id && other.deleted.is_none())
        };
        let deleted = list.iter().find(was_listed).cloned();
        let is_kept = |id: &Rc<str>| list.iter().any(|info| info.id == *id && info.deleted.is_none());
        let opened = self.document.opened;
        let restored = self.drawings.deleted.take_if(|(id, of)| *of == opened && is_kept(id));
        self.drawings.list = Some(list.into());
        if let Some((id, _)) = restored.filter(|_| self.document.drawing.is_none()) {
            effects.push(Effect::Address { fragment: format!("d={id}"), is_new: false });
            (self.document.drawing, self.drawings.state) = (Some(id), SaveState::Saved);
        }
        if let Some(info) = deleted {
            if self.document.drawing.as_ref() == Some(&info.id) {
                // A further change would keep it as another drawing.
                self.drawings.deleted = self.document.drawing.take().map(|id| (id, opened));
                self.drawings.state = SaveState::Unchanged;
                self.document.address = NEW_ADDRESS.into();
                effects.push(Effect::Address { fragment: NEW_ADDRESS.into(), is_new: false });
            }
            effects.push(Effect::FocusElement("notice-action".into()));
            let restore = DrawingsMsg::Request(DrawingsRequest::Delete { id: info.id.clone(), deleted: false });
            self.notify(text!("Deleted “{}”", info.name()));
            self.notices.action = Some(NoticeAction { label: text!("Undo"), msg: Box::new(Msg::Drawings(restore)) });
        }
    }

    fn put_first_in_list(&mut self, info: DrawingInfo) {
        if let Some(list) = &mut self.drawings.list {
            let list = Rc::make_mut(list);
            list.retain(|other| other.id != info.id);
            list.insert(0, info);
        }
    }

    /// Keeps an edited drawing that another tab has changed too beside the other tab's.
    fn keep_beside(&mut self, id: &Rc<str>, newest: Unsaved, effects: &mut Vec<Effect>) {
        let copy = self.new_drawing_id();
        let mut scenario = Scenario::clone(&newest.scenario);
        scenario.title = self.unique_title(&CONFLICTING.behind(&scenario.title));
        let scenario = Rc::new(scenario);
        if self.document.drawing.as_ref() == Some(id) {
            self.document.drawing = Some(copy.clone());
            Rc::make_mut(&mut self.document.scenario).title = scenario.title.clone();
            effects.push(Effect::Address { fragment: format!("d={copy}"), is_new: false });
            effects.push(Effect::Keep(KEPT_LAST, copy.to_string()));
        }
        let title = shown_title(&scenario.title);
        self.report_problem(text!("Another tab has changed this drawing. Your version is kept as “{}”.", title));
        self.drawings.waiting.insert(copy, Unsaved { scenario, ..newest });
        self.save_next(effects);
    }

    fn follow_other_tab(&mut self, id: Rc<str>, revision: u32, effects: &mut Vec<Effect>) {
        if self.drawings.open {
            effects.push(Effect::Drawings(DrawingsRequest::List));
        }
        let is_newer = self.drawings.revisions.get(&id).is_some_and(|known| *known < revision);
        if is_newer {
            self.report_other_tab(id);
        }
    }

    /// Notes that another tab has saved a drawing, and notifies the visitor, once, if it is the shown one.
    fn report_other_tab(&mut self, id: Rc<str>) {
        if self.drawings.saved_elsewhere.contains(&id) {
            return;
        }
        self.drawings.saved_elsewhere.push(id.clone());
        if self.document.drawing.as_ref() != Some(&id) {
            return;
        }
        self.drawings.state = SaveState::Unchanged;
        self.notify(
            text!("Another tab has changed this drawing. Publications and faults here are not saved, unless you save a copy; an edit is kept as a copy.")
                .into(),
        );
        let show = Msg::Drawings(DrawingsMsg::Open(id));
        self.notices.action = Some(NoticeAction { label: text!("Show the change"), msg: Box::new(show) });
    }

    /// Reports that nothing is kept, once, and offers a file.
    fn report_unsaved(&mut self, problem: StorageProblem) {
        // A storage that is only slow may still answer.
        self.drawings.saving.take_if(|_| problem != StorageProblem::Silent);
        self.drawings.state = SaveState::Failed(problem.clone());
        if !std::mem::replace(&mut self.drawings.is_failure_known, true) {
            self.report_problem(problem.sentence());
            let download = Msg::Drawings(DrawingsMsg::Download);
            self.notices.action = Some(NoticeAction { label: text!("Save as a file"), msg: Box::new(download) });
        }
    }

    /// Returns whether another tab has saved the shown drawing since, so that live commands of this tab are not kept.
    pub fn is_outdated(&self) -> bool {
        self.document.drawing.as_ref().is_some_and(|id| self.drawings.saved_elsewhere.contains(id))
    }

    /// Opens the drawing that was saved last, apart from the shown one.
    pub(super) fn open_other(&mut self, effects: &mut Vec<Effect>) {
        if self.drawings.list.is_none() {
            self.drawings.opens_other = true;
            return effects.push(Effect::Drawings(DrawingsRequest::List));
        }
        match self.other_drawing().map(|info| info.id.clone()) {
            Some(id) => effects.push(Effect::Drawings(DrawingsRequest::Read { id, version: None })),
            None => self.notify(text!("You have no previous drawing yet.").into()),
        }
    }

    /// Returns the visitor's drawing that was saved last, apart from the shown one.
    fn other_drawing(&self) -> Option<&DrawingInfo> {
        let list = self.drawings.list.as_ref()?;
        list.iter().find(|info| info.deleted.is_none() && self.document.drawing.as_ref() != Some(&info.id))
    }
}

#[cfg(test)]
mod tests;
