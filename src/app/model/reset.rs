//! Reset: the live commands of all branches are discarded, and the run begins again.

use super::{Effect, Mode, Model};
use crate::scenario::Branch;
use crate::session::protocol::{BranchCommand, BranchList, Request};
use crate::text;
use std::rc::Rc;

impl Model {
    /// Discards the live commands and goes to the start, as one step of undo. Without live commands, only goes to the start.
    pub(super) fn reset(&mut self, effects: &mut Vec<Effect>) {
        self.playback.play(false);
        let fresh = self.without_live_commands();
        if fresh.list == self.branches.list && !self.document.history.is_waiting() {
            return self.playback.enqueue(Request::Reset);
        }
        self.push_step(text!("Reset").into(), Some(self.run.now));
        // An embed has no button for it.
        let notice = match self.mode {
            Mode::App => text!("The live commands were discarded. Undo brings them back."),
            Mode::Edit | Mode::Play | Mode::View => text!("The live commands were discarded."),
        };
        self.notify(notice.into());
        if self.branches.list.len() <= 1 {
            self.sharing.forget_replay();
            return self.playback.enqueue(Request::Reset);
        }
        let compared = fresh.compared;
        self.branches = Rc::new(fresh);
        self.document.scenario = Rc::new(self.run_record().document());
        self.playback.enqueue(Request::Load { scenario: Box::new(self.run_record().document()), at: 0 });
        if compared.is_some() {
            self.playback.enqueue(Request::Branch(BranchCommand::Compare(compared)));
        }
        self.follow_change((true, false), effects);
    }

    /// Returns the branches as they were before any live command: those of the opened link or example, those with settings, and
    /// the first one.
    fn without_live_commands(&self) -> BranchList {
        let before = &*self.branches;
        let (mut list, mut places) = (Vec::new(), Vec::new());
        for (place, branch) in before.list.iter().enumerate() {
            let opened = self.document.opened_branches.iter().find(|opened| opened.name == branch.name);
            let is_kept = place == 0 || opened.is_some() || !branch.set.is_empty() || branch.script.is_empty();
            places.push(is_kept.then_some(list.len() as u32));
            if is_kept {
                let script = opened.map(|opened| opened.script.clone()).unwrap_or_default();
                list.push(Branch { script, ..branch.clone() });
            }
        }
        let place = |before: u32| places.get(before as usize).copied().flatten();
        let current = place(before.current).unwrap_or(0);
        let compared = before.compared.and_then(place).filter(|place| *place != current);
        BranchList { list, current, compared }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::model::test_page::{TestPage, write};
    use crate::app::model::{DocumentMsg, Msg, Opening, Origin, PlaybackMsg};
    use crate::scenario::{Command, Scenario, Step, examples};

    fn live_commands(model: &Model) -> usize {
        model.branches.list.iter().map(|branch| branch.script.len()).sum()
    }

    /// A page with a live command, and another one in its past, which has made a second branch.
    fn forked() -> TestPage {
        let mut page = TestPage::with(Opening::own(Scenario::first()));
        page.update(Msg::Playback(PlaybackMsg::Seek(400_000)));
        page.update(write(7));
        page.update(Msg::Playback(PlaybackMsg::Seek(200_000)));
        page.update(write(8));
        page
    }

    #[test]
    fn a_reset_discards_the_live_commands_of_all_branches_and_undo_brings_them_back() {
        let mut page = forked();
        page.update(Msg::Playback(PlaybackMsg::Seek(900_000)));
        let (branches, digest) = (page.model.branches.clone(), page.model.run.digest.clone());
        assert_eq!((branches.list.len(), live_commands(&page.model)), (2, 2));
        page.update(Msg::Playback(PlaybackMsg::Reset));
        assert_eq!((page.model.branches.list.len(), live_commands(&page.model), page.model.run.now), (1, 0, 0));
        assert!(page.model.document.scenario.branches.is_empty());
        assert!(page.model.notices.notice.as_ref().is_some_and(|notice| notice.contains("were discarded")));
        page.update(Msg::Document(DocumentMsg::Undo));
        assert_eq!((&page.model.branches.list, page.model.run.now), (&branches.list, 900_000));
        assert_eq!(page.model.run.digest, digest);
        page.update(Msg::Document(DocumentMsg::Redo));
        assert_eq!((page.model.branches.list.len(), live_commands(&page.model)), (1, 0));
    }

    #[test]
    fn a_reset_keeps_the_branches_of_an_example_and_their_comparison() {
        let example = examples::find("before-and-after").expect("an example");
        let mut page = TestPage::with(Opening::own(example.scenario()).comparing());
        let names = |model: &Model| model.branches.list.iter().map(|branch| branch.name.clone()).collect::<Vec<_>>();
        let before = names(&page.model);
        page.update(Msg::Playback(PlaybackMsg::Seek(400_000)));
        page.update(write(7));
        assert_eq!(live_commands(&page.model), 1);
        page.update(Msg::Playback(PlaybackMsg::Reset));
        assert_eq!((names(&page.model), live_commands(&page.model)), (before, 0));
        assert!(page.model.compared.is_some(), "the branches are still compared");
        let is_undoable = page.model.document.history.undoable().map(String::from);
        page.update(Msg::Playback(PlaybackMsg::Reset));
        assert_eq!(page.model.document.history.undoable().map(String::from), is_undoable, "nothing was discarded");
    }

    #[test]
    fn a_reset_keeps_the_commands_that_the_branches_of_a_link_came_with() {
        let mut scenario = Scenario::first();
        let crash = Command::Crash { service: "inventory".into(), lose_disk: false };
        let script = vec![Step { at_ms: 100.0, command: crash }];
        let other = Branch { name: "Crash".into(), script, ..Branch::default() };
        scenario.branches = vec![Branch { name: "Main".into(), ..Branch::default() }, other];
        scenario.branch = "Main".into();
        let mut page = TestPage::with(Opening { origin: Origin::Link, ..Opening::own(scenario) });
        page.update(Msg::Playback(PlaybackMsg::Seek(400_000)));
        page.update(write(7));
        assert_eq!(live_commands(&page.model), 2);
        page.update(Msg::Playback(PlaybackMsg::Reset));
        assert_eq!((page.model.branches.list.len(), live_commands(&page.model)), (2, 1));
    }
}
