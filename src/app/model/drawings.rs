//! My drawings: every change is saved in the browser, and other tabs are never overwritten.

use super::notices::NoticeAction;
use super::{Effect, KEPT_LAST, Mode, Model, Msg, Opening, Origin};
use crate::app::kept_drawings::{DrawingInfo, DrawingsAnswer, DrawingsRequest, StorageProblem, Version, unique_title};
use crate::app::titles::{THIS_TAB, shown_title};
use crate::scenario::Scenario;
use crate::text;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Whether the shown drawing is kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum SaveState {
    /// It has no changes to keep.
    #[default]
    Unchanged,
    /// It is being saved.
    Saving,
    /// It is saved.
    Saved,
    /// It could not be saved.
    Failed(StorageProblem),
}

/// The kept drawings, and what is being saved.
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
    saving: Option<Rc<str>>,
    /// The newest content of the drawings that wait to be saved, and their captions.
    waiting: BTreeMap<Rc<str>, (Rc<Scenario>, Rc<str>)>,
    /// The last revision of each drawing that this tab has read or written.
    pub(super) revisions: BTreeMap<Rc<str>, u32>,
    /// Whether the previous drawing is opened once the drawings are listed.
    opens_other: bool,
    /// Whether the visitor knows that nothing is kept.
    is_failure_known: bool,
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
    Learn(DrawingInfo),
    /// The storage has answered.
    Answered(DrawingsAnswer),
    /// A drawing could not be saved.
    NotSaved(StorageProblem),
    /// The storage has not answered another request.
    Failed(StorageProblem),
    /// Another tab has saved a drawing.
    ChangedElsewhere(Rc<str>, u32),
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
            DrawingsMsg::Learn(info) => self.learn_drawing(&info),
            DrawingsMsg::Answered(answer) => self.receive_drawings(answer, effects),
            DrawingsMsg::NotSaved(problem) => self.report_unsaved(problem),
            DrawingsMsg::Failed(StorageProblem::Damaged(id, why)) => {
                self.notify(StorageProblem::Damaged(id.clone(), why).sentence());
                let download = Msg::Drawings(DrawingsMsg::Request(DrawingsRequest::Download(id)));
                self.notices.action = Some(NoticeAction { label: text!("Save as a file"), msg: Box::new(download) });
            }
            DrawingsMsg::Failed(problem) => {
                // A list that is read in the background fails without a notice.
                if self.drawings.list.is_some() || self.drawings.open || self.drawings.opens_other {
                    self.notify(problem.sentence());
                }
            }
            DrawingsMsg::ChangedElsewhere(id, revision) => self.learn_other_tab(id, revision, effects),
        }
    }

    /// Learns the revision of a drawing that was read.
    pub(super) fn learn_drawing(&mut self, info: &DrawingInfo) {
        self.drawings.revisions.insert(info.id.clone(), info.revision);
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

    /// Keeps the drawing in the browser. A drawing that is not yet the visitor's own becomes one, with a new title.
    pub(super) fn keep(&mut self, effects: &mut Vec<Effect>) {
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
        self.drawings.waiting.insert(id, (self.run_record().kept(), self.document.caption.clone()));
        self.save_next(effects);
        self.redraw.page = true;
    }

    /// Numbers the title if another kept drawing has the same one.
    fn make_title_unique(&mut self) {
        let Some(list) = self.drawings.list.clone() else { return };
        let is_taken = |title: &str| list.iter().any(|info| info.deleted.is_none() && info.title == title);
        let title = unique_title(&self.document.scenario.title, is_taken);
        if title != self.document.scenario.title {
            Rc::make_mut(&mut self.document.scenario).title = title;
        }
    }

    fn save_next(&mut self, effects: &mut Vec<Effect>) {
        if self.drawings.saving.is_some() {
            return;
        }
        if let Some((id, (scenario, caption))) = self.drawings.waiting.pop_first() {
            self.drawings.saving = Some(id.clone());
            self.drawings.state = SaveState::Saving;
            let base = self.drawings.revisions.get(&id).copied();
            effects.push(Effect::Drawings(DrawingsRequest::Save { id, base, scenario, caption }));
        }
    }

    fn receive_drawings(&mut self, answer: DrawingsAnswer, effects: &mut Vec<Effect>) {
        match answer {
            DrawingsAnswer::Listed(list) => {
                self.list_drawings(list);
                if std::mem::take(&mut self.drawings.opens_other) {
                    self.open_other(effects);
                }
            }
            DrawingsAnswer::Saved(info) => {
                self.drawings.revisions.insert(info.id.clone(), info.revision);
                if self.drawings.saving.take_if(|saving| *saving == info.id).is_some() {
                    self.drawings.state = SaveState::Saved;
                    self.drawings.is_failure_known = false;
                }
                self.learn_info(info);
                self.save_next(effects);
            }
            DrawingsAnswer::Conflict { id, scenario, caption } => self.keep_beside(&id, (scenario, caption), effects),
            DrawingsAnswer::Read(info, scenario) => {
                self.drawings.revisions.insert(info.id.clone(), info.revision);
                let address = Some(format!("d={}", info.id));
                self.drawings.open = false;
                let (drawing, caption) = (Some(info.id.clone()), info.caption);
                self.open(Opening { drawing, caption, address, ..Opening::own(*scenario) });
                effects.push(Effect::Address { fragment: format!("d={}", info.id), is_new: true });
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

    /// Updates the list. What has just been deleted can be restored.
    fn list_drawings(&mut self, list: Vec<DrawingInfo>) {
        let was_listed = |info: &&DrawingInfo| {
            let before = self.drawings.list.iter().flat_map(|list| list.iter());
            info.deleted.is_some() && before.into_iter().any(|other| other.id == info.id && other.deleted.is_none())
        };
        let deleted = list.iter().find(was_listed).cloned();
        self.drawings.list = Some(list.into());
        if let Some(info) = deleted {
            if self.document.drawing.as_ref() == Some(&info.id) {
                // A further change would keep it as another drawing.
                self.document.drawing = None;
            }
            let restore = DrawingsMsg::Request(DrawingsRequest::Delete { id: info.id.clone(), deleted: false });
            self.notify(text!("Deleted “{}”", info.name()));
            self.notices.action = Some(NoticeAction { label: text!("Undo"), msg: Box::new(Msg::Drawings(restore)) });
        }
    }

    fn learn_info(&mut self, info: DrawingInfo) {
        if let Some(list) = &mut self.drawings.list {
            let list = Rc::make_mut(list);
            list.retain(|other| other.id != info.id);
            list.insert(0, info);
        }
    }

    /// Keeps a drawing that another tab has changed too beside the other tab's.
    fn keep_beside(&mut self, id: &Rc<str>, refused: (Rc<Scenario>, Rc<str>), effects: &mut Vec<Effect>) {
        self.drawings.saving = None;
        let (newest, caption) = self.drawings.waiting.remove(id).unwrap_or(refused);
        let copy = self.new_drawing_id();
        let mut scenario = Scenario::clone(&newest);
        scenario.title = THIS_TAB.behind(&scenario.title);
        let scenario = Rc::new(scenario);
        if self.document.drawing.as_ref() == Some(id) {
            self.document.drawing = Some(copy.clone());
            Rc::make_mut(&mut self.document.scenario).title = scenario.title.clone();
            effects.push(Effect::Address { fragment: format!("d={copy}"), is_new: false });
            effects.push(Effect::Keep(KEPT_LAST, copy.to_string()));
        }
        let title = shown_title(&scenario.title);
        self.notify(text!("Another tab has changed this drawing. Your version is kept as “{}”.", title));
        self.drawings.waiting.insert(copy, (scenario, caption));
        self.save_next(effects);
    }

    fn learn_other_tab(&mut self, id: Rc<str>, revision: u32, effects: &mut Vec<Effect>) {
        if self.drawings.open {
            effects.push(Effect::Drawings(DrawingsRequest::List));
        }
        let is_newer = self.drawings.revisions.get(&id).is_some_and(|known| *known < revision);
        if is_newer && self.document.drawing.as_ref() == Some(&id) {
            self.notify(text!("Another tab has changed this drawing. Changes here are kept beside it.").into());
            let show = Msg::Drawings(DrawingsMsg::Open(id));
            self.notices.action = Some(NoticeAction { label: text!("Show the change"), msg: Box::new(show) });
        }
    }

    /// Reports that nothing is kept, once, and offers a file.
    fn report_unsaved(&mut self, problem: StorageProblem) {
        self.drawings.saving = None;
        self.drawings.state = SaveState::Failed(problem.clone());
        if !std::mem::replace(&mut self.drawings.is_failure_known, true) {
            self.notify(problem.sentence());
            let download = Msg::Drawings(DrawingsMsg::Download);
            self.notices.action = Some(NoticeAction { label: text!("Save as a file"), msg: Box::new(download) });
        }
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
mod tests {
    use super::*;
    use crate::app::model::test_page::{TestPage, write};
    use crate::app::model::{DocumentMsg, PlaybackMsg, update};
    use crate::app::scene::NodeKind;

    fn add(page: &mut TestPage) {
        page.update(Msg::Document(DocumentMsg::Add { kind: NodeKind::Service, at: None }));
    }

    fn saved(page: &TestPage) -> (Rc<str>, Option<u32>, Rc<Scenario>) {
        let requests = page.effects.iter().filter_map(|effect| match effect {
            Effect::Drawings(DrawingsRequest::Save { id, base, scenario, .. }) => {
                Some((id.clone(), *base, scenario.clone()))
            }
            _ => None,
        });
        let all: Vec<_> = requests.collect();
        assert_eq!(all.len(), 1, "{:?}", page.effects);
        all[0].clone()
    }

    fn answer(page: &mut TestPage, answer: DrawingsAnswer) {
        page.update(Msg::Drawings(DrawingsMsg::Answered(answer)));
    }

    fn info(id: &Rc<str>, revision: u32) -> DrawingInfo {
        DrawingInfo { id: id.clone(), title: "T".into(), revision, ..DrawingInfo::default() }
    }

    #[test]
    fn each_edited_drawing_is_kept_under_an_id_of_its_own() {
        let mut page = TestPage::new();
        let mut ids = Vec::new();
        for _ in 0..3 {
            page.update(Msg::Document(DocumentMsg::OpenEmpty));
            add(&mut page);
            let (id, base, scenario) = saved(&page);
            assert_eq!((base, scenario.services.len()), (None, 1));
            assert!(page.effects.contains(&Effect::Address { fragment: format!("d={id}"), is_new: false }));
            answer(&mut page, DrawingsAnswer::Saved(info(&id, 1)));
            ids.push(id);
        }
        ids.dedup();
        assert_eq!(ids.len(), 3);
    }

    #[test]
    fn changes_while_a_save_is_under_way_are_saved_after_it_on_its_revision() {
        let mut page = TestPage::new();
        add(&mut page);
        let (id, ..) = saved(&page);
        add(&mut page);
        add(&mut page);
        let is_save = |effect: &Effect| matches!(effect, Effect::Drawings(DrawingsRequest::Save { .. }));
        assert!(!page.effects.iter().any(is_save), "one at a time");
        answer(&mut page, DrawingsAnswer::Saved(info(&id, 1)));
        let (again, base, scenario) = saved(&page);
        assert_eq!((again, base, scenario.services.len()), (id, Some(1), 5));
    }

    #[test]
    fn a_drawing_that_another_tab_has_changed_is_kept_beside_it() {
        let mut page = TestPage::new();
        add(&mut page);
        let (id, _, scenario) = saved(&page);
        answer(&mut page, DrawingsAnswer::Conflict { id: id.clone(), scenario, caption: "".into() });
        let (copy, base, scenario) = saved(&page);
        assert!(copy != id && base.is_none());
        assert_eq!(page.model.document.drawing.as_ref(), Some(&copy));
        assert!(scenario.title.ends_with("(this tab)"));
        assert!(page.model.notices.notice.as_ref().is_some_and(|text| text.contains("Another tab")));
    }

    /// Executes a message to the engine. The effects of the page are those of its answer.
    fn act(page: &mut TestPage, msg: Msg) {
        let requests = update(&mut page.model, msg);
        page.answer_all(requests);
    }

    #[test]
    fn live_actions_and_branches_of_a_kept_drawing_are_saved_with_it() {
        let mut page = TestPage::new();
        act(&mut page, write(7));
        let is_save = |effect: &Effect| matches!(effect, Effect::Drawings(DrawingsRequest::Save { .. }));
        assert!(!page.effects.iter().any(is_save), "the example has not become the visitor's own");
        add(&mut page);
        let (id, _, scenario) = saved(&page);
        assert_eq!(scenario.branches[0].script.len(), 1);
        answer(&mut page, DrawingsAnswer::Saved(info(&id, 1)));
        act(&mut page, write(8));
        let (again, base, scenario) = saved(&page);
        assert_eq!((again, base, scenario.branches[0].script.len()), (id.clone(), Some(1), 2));
        assert_eq!(page.model.document.scenario.branches, [], "a plain drawing has no branches");
        answer(&mut page, DrawingsAnswer::Saved(info(&id, 2)));
        page.update(Msg::Document(DocumentMsg::Undo));
        assert_eq!(saved(&page).2.branches[0].script.len(), 1);
        let mut opened = TestPage::with(Opening { drawing: Some(id), ..Opening::own(Scenario::clone(&scenario)) });
        assert_eq!(opened.model.branches.list[0].script.len(), 2);
        assert_eq!(opened.model.document.scenario.branches, []);
        assert!(!opened.effects.iter().any(is_save), "opening is no change");
        act(&mut opened, Msg::Playback(PlaybackMsg::Reset));
        assert_eq!(saved(&opened).2.branches, [], "a reset discards the live actions");
    }

    #[test]
    fn a_branch_of_an_example_makes_it_the_visitors_own() {
        let mut page = TestPage::with(Opening::own(Scenario::first()));
        page.update(Msg::Playback(PlaybackMsg::Seek(400_000)));
        page.update(write(7));
        page.update(Msg::Playback(PlaybackMsg::Seek(200_000)));
        page.update(write(8));
        assert_eq!(page.model.branches.list.len(), 2);
        assert!(page.model.document.drawing.is_some());
    }

    #[test]
    fn full_storage_is_reported_once_with_a_file_to_save() {
        let mut page = TestPage::new();
        add(&mut page);
        page.update(Msg::Drawings(DrawingsMsg::NotSaved(StorageProblem::Full)));
        assert!(page.model.notices.notice.take().is_some_and(|text| text.contains("no room")));
        page.update(Msg::Drawings(DrawingsMsg::Failed(StorageProblem::Full)));
        assert_eq!(page.model.notices.action.as_ref().map(|action| action.label), Some("Save as a file"));
        add(&mut page);
        page.update(Msg::Drawings(DrawingsMsg::NotSaved(StorageProblem::Full)));
        assert_eq!(page.model.notices.notice, None, "once is enough");
        assert_eq!(page.model.drawings.state, SaveState::Failed(StorageProblem::Full));
    }

    #[test]
    fn undo_across_drawings_returns_to_the_kept_one() {
        let mut page = TestPage::new();
        add(&mut page);
        let (id, ..) = saved(&page);
        answer(&mut page, DrawingsAnswer::Saved(info(&id, 1)));
        page.update(Msg::Document(DocumentMsg::OpenEmpty));
        assert_eq!(page.model.document.drawing, None);
        page.update(Msg::Document(DocumentMsg::Undo));
        assert_eq!(page.model.document.drawing, Some(id));
        assert_eq!(page.model.document.scenario.services.len(), 3);
    }

    #[test]
    fn a_deleted_drawing_can_be_restored() {
        let mut page = TestPage::new();
        let id: Rc<str> = "a".into();
        answer(&mut page, DrawingsAnswer::Listed(vec![info(&id, 1)]));
        answer(&mut page, DrawingsAnswer::Listed(vec![DrawingInfo { deleted: Some(5.0), ..info(&id, 1) }]));
        let action = page.model.notices.action.clone().expect("an offer to undo");
        let effects = update(&mut page.model, *action.msg);
        assert!(effects.contains(&Effect::Drawings(DrawingsRequest::Delete { id, deleted: false })));
    }
}
