//! What a tab keeps of its document while it is reloaded: the drawing with its live commands, the instant, and the history.

use super::history::{History, Past};
use super::{Mode, Model, Opening, Origin};
use crate::scenario::{Command, Scenario, Step, json};
use serde::{Deserialize, Serialize};
use std::rc::Rc;

/// The longest text of a record. A storage of a tab holds about 5 million characters.
const MAX_LENGTH: usize = 3_000_000;

/// The document of a tab, as it was when the tab left the page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TabRecord {
    /// The fragment of the address.
    fragment: String,
    /// The revision of the kept drawing that this tab has read or written last.
    pub revision: Option<u32>,
    /// The drawing with its branches, and its instant.
    present: Past,
    /// The changes that can be undone and redone.
    history: History,
    /// Work that the storage does not have yet when the visitor leaves the page.
    #[serde(skip)]
    pub unsaved: Vec<Scenario>,
}

impl TabRecord {
    /// Returns the id of the drawing, if the browser keeps it.
    pub fn drawing(&self) -> Option<&Rc<str>> {
        self.present.drawing.as_ref()
    }

    /// Returns the drawing with its branches, and so with all live commands.
    pub fn document(&self) -> &Scenario {
        &self.present.scenario
    }

    /// Returns the record as a text. If it is too long, it lacks the oldest steps of the history.
    pub fn to_text(mut self) -> String {
        loop {
            let text = json::pretty(&self);
            if text.len() <= MAX_LENGTH || !self.history.forget_older_half() {
                return text;
            }
        }
    }

    /// Reads a record, if it was written at an address with this fragment.
    pub fn from_text(text: &str, fragment: &str) -> Option<TabRecord> {
        let record: TabRecord = json::read(&json::parse(text).ok()?).ok()?;
        (record.fragment == fragment && record.document().validate().is_ok()).then_some(record)
    }

    /// Returns the document to open.
    pub fn opening(self) -> Opening {
        let Past { scenario, origin, drawing, address, caption, opened, branches, at, .. } = self.present;
        let (at, address, compared) = (at.unwrap_or_default(), Some(address), branches.compared);
        let past = Some((opened, self.history));
        Opening { origin, at, caption, drawing, address, compared, past, ..Opening::own(Rc::unwrap_or_clone(scenario)) }
    }
}

impl Model {
    /// Returns what this tab keeps while it is reloaded; nothing if a reload loses nothing. An embed keeps nothing.
    pub fn tab_record(&self, fragment: String, is_leaving: bool) -> Option<TabRecord> {
        let document = &self.document;
        let has_work = document.drawing.is_some() || document.can_undo() || document.can_redo();
        if self.mode != Mode::App || !has_work {
            return None;
        }
        let mut history = document.history.clone();
        history.forget_unanswered();
        let scenario = self.run_record().kept();
        let present = Past { scenario, ..self.present(Some(self.run.now), String::new()) };
        let revision = document.drawing.as_ref().and_then(|id| self.drawings.revisions.get(id).copied());
        let mut unsaved = Vec::new();
        if is_leaving {
            unsaved = self.drawings.unsaved_work();
            unsaved.extend(self.unsaved_example());
        }
        Some(TabRecord { fragment, revision, present, history, unsaved })
    }

    /// Returns the example with its live commands, also those that the engine has not answered yet; none if it has no commands
    /// apart from those with which it was opened, or the storage has it.
    fn unsaved_example(&self) -> Option<Scenario> {
        let document = &self.document;
        if document.drawing.is_some() || document.origin != Origin::Own || document.address.starts_with("lesson=") {
            return None;
        }
        let mut scenario = Scenario::clone(&self.run_record().kept());
        let pending: Vec<Command> = self.playback.pending_commands().cloned().collect();
        if !pending.is_empty() {
            scenario = self.run_record().document();
            let at_ms = self.run.now as f64 / 1e3;
            let branch = scenario.branches.get_mut(self.branches.current as usize);
            // After a later command, they would start a new branch.
            if let Some(branch) = branch.filter(|branch| branch.script.last().is_none_or(|step| step.at_ms <= at_ms)) {
                branch.script.extend(pending.into_iter().map(|command| Step { at_ms, command }));
            }
        }
        let has_commands = scenario.branches.iter().any(|branch| !branch.script.is_empty() || !branch.set.is_empty());
        (has_commands && scenario.branches[..] != document.opened_branches[..]).then_some(scenario)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::model::test_page::{TestPage, write};
    use crate::app::model::{DocumentMsg, Msg, PlaybackMsg};
    use crate::app::scene::NodeKind;

    /// Reloads the page of a tab.
    fn reloaded(page: &TestPage) -> TestPage {
        let text = page.model.tab_record("ex=first-update".into(), false).expect("a record").to_text();
        assert_eq!(TabRecord::from_text(&text, "new"), None, "another address opens another drawing");
        let record = TabRecord::from_text(&text, "ex=first-update").expect("the same address");
        TestPage::with(record.opening())
    }

    fn live_commands(page: &TestPage) -> usize {
        page.model.branches.list.iter().map(|branch| branch.script.len()).sum()
    }

    #[test]
    fn a_reload_keeps_live_commands_their_instants_and_the_history() {
        let mut page = TestPage::new();
        page.update(Msg::Document(DocumentMsg::Add { kind: NodeKind::Bus, at: None }));
        page.update(Msg::Playback(PlaybackMsg::Seek(400_000)));
        page.update(write(7));
        page.update(Msg::Playback(PlaybackMsg::Seek(900_000)));
        let mut again = reloaded(&page);
        assert_eq!((again.model.run.digest.clone(), again.model.run.now), (page.model.run.digest.clone(), 900_000));
        assert_eq!(again.model.document.scenario, page.model.document.scenario);
        again.update(Msg::Document(DocumentMsg::Undo));
        assert_eq!((live_commands(&again), again.model.scene.nodes.len()), (0, 4), "the live command first");
        let mut again = reloaded(&again);
        again.update(Msg::Document(DocumentMsg::Undo));
        assert_eq!((&*again.model.document.scenario, again.model.document.can_undo()), (&Scenario::first(), false));
        again.update(Msg::Document(DocumentMsg::Redo));
        again.update(Msg::Document(DocumentMsg::Redo));
        assert_eq!((again.model.run.digest.clone(), live_commands(&again)), (page.model.run.digest, 1));
    }

    #[test]
    fn a_reload_keeps_the_branches_and_which_one_is_shown() {
        let mut page = TestPage::new();
        page.update(Msg::Playback(PlaybackMsg::Seek(400_000)));
        page.update(write(7));
        page.update(Msg::Playback(PlaybackMsg::Seek(200_000)));
        page.update(write(8));
        assert_eq!(page.model.branches.list.len(), 2);
        let again = reloaded(&page);
        assert_eq!(again.model.branches, page.model.branches);
        assert_eq!(again.model.run.digest, page.model.run.digest);
    }

    #[test]
    fn an_example_with_a_live_command_is_kept_when_its_tab_is_closed() {
        let unsaved = |page: &TestPage, is_leaving: bool| {
            let record = page.model.tab_record(String::new(), is_leaving);
            let commands = |work: &Scenario| work.branches.iter().map(|branch| branch.script.len()).sum::<usize>();
            record.map_or(Vec::new(), |record| record.unsaved.iter().map(commands).collect())
        };
        let mut page = TestPage::new();
        page.update(Msg::Playback(PlaybackMsg::Seek(400_000)));
        page.update(write(7));
        assert_eq!((unsaved(&page, true), unsaved(&page, false)), (vec![1], Vec::<usize>::new()));
        let mut again = reloaded(&page);
        assert_eq!(unsaved(&again, true), [1], "also after a reload");
        again.update(Msg::Document(DocumentMsg::OpenEmpty));
        assert_eq!(unsaved(&again, true), [1], "and when another drawing opens after it");
        page.update(Msg::Document(DocumentMsg::Undo));
        assert_eq!(unsaved(&page, true), [0_usize; 0], "nothing is left to keep");
        page.update(Msg::Document(DocumentMsg::Redo));
        page.update(Msg::Document(DocumentMsg::OpenEmpty));
        assert_eq!(unsaved(&page, true), [1], "the example that was left is being saved");
    }

    #[test]
    fn a_page_on_which_nothing_was_done_starts_afresh() {
        let mut page = TestPage::new();
        page.update(Msg::Playback(PlaybackMsg::Seek(400_000)));
        assert_eq!(page.model.tab_record(String::new(), false), None);
        page.update(write(7));
        page.model.mode = Mode::Play;
        assert_eq!(page.model.tab_record(String::new(), false), None, "an embed keeps nothing");
    }

    #[test]
    fn a_record_that_is_too_long_lacks_the_oldest_steps() {
        let mut page = TestPage::new();
        for _ in 0..120 {
            page.update(Msg::Document(DocumentMsg::Add { kind: NodeKind::Service, at: None }));
        }
        let text = page.model.tab_record(String::new(), false).expect("a record").to_text();
        assert!(text.len() <= MAX_LENGTH, "{}", text.len());
        let record = TabRecord::from_text(&text, "").expect("a record");
        let mut again = TestPage::with(record.opening());
        again.update(Msg::Document(DocumentMsg::Undo));
        assert_eq!(again.model.document.scenario.services.len(), 121);
    }
}
