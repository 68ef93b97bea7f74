//! Tests of the kept drawings: what is saved when, and two tabs.

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
    assert!(scenario.title.ends_with("(conflicting copy)"));
    assert!(page.model.notices.notice.as_ref().is_some_and(|text| text.contains("Another tab")));
}

/// Executes a message to the engine. The effects of the page are those of its answer.
fn act(page: &mut TestPage, msg: Msg) {
    let requests = update(&mut page.model, msg);
    page.answer_all(requests);
}

#[test]
fn live_commands_and_branches_of_a_kept_drawing_are_saved_with_it() {
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
    assert_eq!(saved(&opened).2.branches, [], "a reset discards the live commands");
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

fn commands(page: &TestPage) -> usize {
    page.model.branches.list.iter().map(|branch| branch.script.len()).sum()
}

/// A page with a drawing that is saved in revision 1, and its id.
fn with_saved_drawing() -> (TestPage, Rc<str>) {
    let mut page = TestPage::new();
    add(&mut page);
    let (id, ..) = saved(&page);
    answer(&mut page, DrawingsAnswer::Saved(info(&id, 1)));
    (page, id)
}

fn has_save(page: &TestPage) -> bool {
    page.effects.iter().any(|effect| matches!(effect, Effect::Drawings(DrawingsRequest::Save { .. })))
}

#[test]
fn publishing_in_a_second_tab_of_a_drawing_makes_no_copy_of_it() {
    let (mut page, id) = with_saved_drawing();
    page.update(Msg::Drawings(DrawingsMsg::ChangedElsewhere(id.clone(), 2)));
    assert!(page.model.notices.notice.take().is_some_and(|text| text.contains("an edit is kept as a copy")));
    act(&mut page, write(7));
    assert!(commands(&page) == 1 && !has_save(&page) && page.model.document.drawing == Some(id.clone()));
    page.update(Msg::Drawings(DrawingsMsg::ChangedElsewhere(id.clone(), 3)));
    assert_eq!(page.model.notices.notice, None, "once is enough");
    page.update(Msg::Document(DocumentMsg::Undo));
    assert!(commands(&page) == 0 && !has_save(&page), "to undo a live command is no edit");
    act(&mut page, write(8));
    add(&mut page);
    let (same, base, scenario) = saved(&page);
    assert_eq!((&same, base, scenario.branches[0].script.len()), (&id, Some(1), 1));
    answer(&mut page, DrawingsAnswer::Conflict { id: id.clone(), scenario, caption: "".into() });
    assert!(saved(&page).0 != id, "an edit is kept beside the other tab's");
}

#[test]
fn a_refused_save_of_live_commands_makes_no_copy_of_the_drawing() {
    let (mut page, id) = with_saved_drawing();
    act(&mut page, write(7));
    let (_, _, scenario) = saved(&page);
    answer(&mut page, DrawingsAnswer::Conflict { id: id.clone(), scenario, caption: "".into() });
    assert!(!has_save(&page) && commands(&page) == 1);
    assert_eq!(
        (&page.model.document.drawing, page.model.drawings.state.clone()),
        (&Some(id.clone()), SaveState::Unchanged)
    );
    // After the other tab's drawing was opened, live commands are kept again.
    let read = DrawingsAnswer::Read(info(&id, 2), Box::new(Scenario::first()));
    answer(&mut page, read);
    act(&mut page, write(8));
    assert_eq!(saved(&page).1, Some(2));
}

#[test]
fn a_drawing_keeps_its_own_description_after_another_one_could_not_be_opened() {
    let first = Opening { caption: "The first".into(), ..Opening::own(Scenario::first()) };
    let mut page = TestPage::with(first);
    let mut invalid = Scenario::first();
    invalid.services[1].id = invalid.services[0].id.clone();
    let second = Opening { caption: "The second".into(), ..Opening::own(invalid) };
    page.update(Msg::Document(DocumentMsg::Open(Box::new(second))));
    assert_eq!(&*page.model.document.caption, "The first");
}

#[test]
fn a_storage_that_does_not_answer_is_reported_and_a_later_answer_still_counts() {
    let mut page = TestPage::new();
    add(&mut page);
    let (id, ..) = saved(&page);
    page.update(Msg::Drawings(DrawingsMsg::NotSaved(StorageProblem::Silent)));
    assert_eq!(page.model.drawings.state, SaveState::Failed(StorageProblem::Silent));
    assert_eq!(page.model.notices.action.as_ref().map(|action| action.label), Some("Save as a file"));
    add(&mut page);
    assert!(!has_save(&page), "the first save may still end");
    answer(&mut page, DrawingsAnswer::Saved(info(&id, 1)));
    assert_eq!((saved(&page).1, page.model.notices.notice.is_none()), (Some(1), true));
    answer(&mut page, DrawingsAnswer::Saved(info(&id, 2)));
    assert_eq!(page.model.drawings.state, SaveState::Saved);
}

#[test]
fn a_tab_whose_drawing_is_outdated_shows_that_live_commands_are_not_saved() {
    let (mut page, id) = with_saved_drawing();
    page.update(Msg::Drawings(DrawingsMsg::ChangedElsewhere(id, 2)));
    assert!(page.model.is_outdated());
    assert!(page.model.notices.notice.take().is_some_and(|text| text.contains("unless you save a copy")));
    act(&mut page, write(7));
    assert!(page.model.is_outdated() && !has_save(&page));
    page.update(Msg::Drawings(DrawingsMsg::SaveCopy));
    assert_eq!(saved(&page).2.branches[0].script.len(), 1, "the copy has the live command");
    assert!(!page.model.is_outdated());
}

#[test]
fn the_shown_drawing_is_not_called_saved_after_it_was_deleted_until_it_is_restored() {
    let (mut page, id) = with_saved_drawing();
    let listed = |deleted: Option<f64>| DrawingsAnswer::Listed(vec![DrawingInfo { deleted, ..info(&id, 1) }]);
    answer(&mut page, listed(None));
    answer(&mut page, listed(Some(1.0)));
    assert_eq!((&page.model.drawings.state, &page.model.document.drawing), (&SaveState::Unchanged, &None));
    assert!(page.effects.contains(&Effect::Address { fragment: "new".into(), is_new: false }));
    answer(&mut page, listed(None));
    assert_eq!((&page.model.drawings.state, &page.model.document.drawing), (&SaveState::Saved, &Some(id.clone())));
    assert!(page.effects.contains(&Effect::Address { fragment: format!("d={id}"), is_new: false }));
}

#[test]
fn a_list_that_cannot_be_read_states_the_reason_and_leaves_the_notice() {
    let mut page = TestPage::new();
    add(&mut page);
    page.update(Msg::Drawings(DrawingsMsg::NotSaved(StorageProblem::Blocked)));
    page.update(Msg::Drawings(DrawingsMsg::ToggleDialog));
    page.update(Msg::Drawings(DrawingsMsg::Failed(StorageProblem::Blocked)));
    assert!(page.model.notices.action.is_some(), "a file is still offered");
    assert_eq!(page.model.drawings.problem(), Some(StorageProblem::Blocked.sentence()));
}
