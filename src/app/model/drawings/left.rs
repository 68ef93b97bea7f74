//! The documents that a tab has left: the work on them is kept, and Back returns to it at the same instant.

use super::{Drawings, Effect, Mode, Model, Origin, Unsaved};
use crate::app::model::{FIRST_ADDRESS, Opening, RunRecord};
use crate::scenario::{Micros, Scenario};
use std::rc::Rc;

impl Drawings {
    /// Returns the drawing that this tab has left at the address with this fragment, and the instant.
    pub fn left_at(&self, fragment: &str) -> Option<(Rc<str>, Micros)> {
        let (_, id, at) = self.left.iter().rfind(|(address, ..)| named(address) == named(fragment))?;
        Some((id.clone(), *at))
    }

    /// Returns whether the newest content of a drawing is not saved yet.
    pub fn is_unsaved(&self, id: &Rc<str>) -> bool {
        self.unsaved(id).is_some()
    }

    fn unsaved(&self, id: &Rc<str>) -> Option<&Unsaved> {
        let saving = self.saving.iter().find(|(saving, _)| saving == id).map(|(_, unsaved)| unsaved);
        self.waiting.get(id).or(saving)
    }

    /// Returns the newest content of all drawings that are not saved yet.
    pub(in crate::app::model) fn unsaved_work(&self) -> Vec<Scenario> {
        let saving = self.saving.iter().filter(|(id, _)| !self.waiting.contains_key(id)).map(|(_, unsaved)| unsaved);
        saving.chain(self.waiting.values()).map(|unsaved| Scenario::clone(&unsaved.scenario)).collect()
    }

    /// Returns whether the page has left a document on which the visitor has worked.
    pub fn has_left(&self) -> bool {
        self.has_left
    }
}

/// Returns what a fragment names; nothing for the first example.
fn named(fragment: &str) -> &str {
    let name = fragment.trim_start_matches('#');
    if name == FIRST_ADDRESS { "" } else { name }
}

impl Model {
    /// Notes that the page leaves a document, if the visitor has worked on it.
    pub(in crate::app::model) fn note_left(&mut self) {
        let has_commands = self.branches.list.iter().any(|branch| !branch.script.is_empty());
        self.drawings.has_left |= self.mode == Mode::App && (self.document.drawing.is_some() || has_commands);
    }

    /// Shows a drawing again that the page has left. The storage may not have it yet.
    pub(super) fn return_to_unsaved(&mut self, id: Rc<str>, at: Micros, effects: &mut Vec<Effect>) {
        let Some(Unsaved { scenario, caption, .. }) = self.drawings.unsaved(&id).cloned() else { return };
        let address = format!("d={id}");
        effects.push(Effect::Address { fragment: address.clone(), is_new: false });
        let (drawing, address) = (Some(id), Some(address));
        self.open(Opening { drawing, caption, address, at, ..Opening::own(Rc::unwrap_or_clone(scenario)) });
    }

    /// Keeps the live commands on the document that the page has left, and notes where to return to. The scenarios of lessons, and
    /// examples that contain branches, are not kept: they open again from the start.
    pub(in crate::app::model) fn keep_left(&mut self, effects: &mut Vec<Effect>) {
        if !std::mem::take(&mut self.drawings.has_left) {
            return;
        }
        let Some(left) = self.document.history.undo.last() else { return };
        let (now, caption) = (left.at.unwrap_or_default(), left.caption.clone());
        let address = left.address.clone();
        let is_shown_again = address.starts_with("lesson=") || !left.scenario.branches.is_empty();
        let id = match left.drawing.clone() {
            Some(id) => id,
            None if left.origin != Origin::Own || is_shown_again => return,
            None => {
                let (scenario, branches) = (left.scenario.clone(), left.branches.clone());
                let scenario = RunRecord { scenario, branches, unanswered: None, until: 0, drawing: None }.kept();
                let id = self.new_drawing_id();
                self.drawings.waiting.insert(id.clone(), Unsaved { scenario, caption, is_edited: true });
                // Undo returns to the kept drawing.
                self.document.history.undo.last_mut().into_iter().for_each(|past| past.drawing = Some(id.clone()));
                self.save_next(effects);
                id
            }
        };
        self.drawings.left.push((format!("d={id}"), id.clone(), now));
        self.drawings.left.push((address, id, now));
    }
}

#[cfg(test)]
mod tests {
    use crate::app::kept_drawings::DrawingsRequest;
    use crate::app::model::test_page::{TestPage, write};
    use crate::app::model::{DocumentMsg, DrawingsMsg, Effect, Msg, PlaybackMsg};

    fn saves(page: &TestPage) -> usize {
        let is_save = |effect: &&Effect| matches!(effect, Effect::Drawings(DrawingsRequest::Save { .. }));
        page.effects.iter().filter(is_save).count()
    }

    #[test]
    fn an_update_that_was_published_on_an_example_is_kept_when_another_drawing_opens() {
        let mut page = TestPage::new();
        page.update(Msg::Playback(PlaybackMsg::Seek(400_000)));
        page.update(write(7));
        assert_eq!(saves(&page), 0, "not yet");
        page.update(Msg::Playback(PlaybackMsg::Seek(900_000)));
        page.update(Msg::Document(DocumentMsg::OpenEmpty));
        assert_eq!(saves(&page), 1);
        let (id, at) = page.model.drawings.left_at("").expect("the first example has an empty address");
        assert_eq!(at, 900_000);
        assert_eq!(page.model.drawings.left_at("#ex=first-update"), Some((id.clone(), at)), "the gallery names it");
        page.update(Msg::Document(DocumentMsg::Undo));
        assert_eq!((page.model.document.drawing.clone(), page.model.run.now), (Some(id), 900_000));
    }

    #[test]
    fn going_back_shows_a_drawing_again_that_is_not_saved_yet() {
        let mut page = TestPage::new();
        page.update(Msg::Playback(PlaybackMsg::Seek(400_000)));
        page.update(write(7));
        let digest = page.model.run.digest.clone();
        page.update(Msg::Document(DocumentMsg::OpenEmpty));
        let (id, at) = page.model.drawings.left_at("").expect("it was left");
        assert!(page.model.drawings.is_unsaved(&id), "the storage has not answered");
        page.update(Msg::Drawings(DrawingsMsg::Return(id.clone(), at)));
        assert_eq!((&page.model.document.drawing, page.model.run.now), (&Some(id), 400_000));
        assert_eq!(page.model.run.digest, digest, "with its live command");
    }

    #[test]
    fn an_example_that_was_only_watched_is_not_kept() {
        let mut page = TestPage::new();
        page.update(Msg::Playback(PlaybackMsg::Seek(400_000)));
        page.update(Msg::Document(DocumentMsg::OpenEmpty));
        assert_eq!((saves(&page), page.model.drawings.left_at("")), (0, None));
    }
}
