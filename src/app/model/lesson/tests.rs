//! The lesson beside the system, with an engine that answers at once.

use super::*;
use crate::app::model::test_page::TestPage;
use crate::app::model::{Sizes, ViewportMsg};
use crate::app::texts::{language, set_language};

const ADDRESS: &str = "lessons/course.md";

/// A lesson of two steps with a question each.
fn text(id: &str, head: &str) -> String {
    let question = |id: &str| {
        format!(
            "```question\n{{ \"id\": \"{id}\", \"level\": 1, \"ask\": \"Which?\", \"choices\": [\n\
             {{ \"text\": \"a\", \"right\": true, \"because\": \"b\", \"shown_by\": {{ \"scenario\": \"s\", \"must\": \"messages >= 0\" }} }},\n\
             {{ \"text\": \"c\", \"because\": \"d\", \"shown_by\": {{ \"scenario\": \"s\", \"must\": \"messages >= 0\" }} }} ] }}\n```\n"
        )
    };
    let (lost, meaning) = (question("lost"), question("meaning"));
    format!(
        "---\nlesson: 1\nid: {id}\ntitle: Course\n{head}---\n\n## One {{#one}}\n\n```scenario s ex=first-update until=500\n{{}}\n```\n\n{lost}\n\
         ## Two {{#two}}\n\nText.\n\n{meaning}"
    )
}

fn english() -> String {
    text("course", "translations: de=course.de.md\n")
}

impl TestPage {
    fn lesson(&mut self, msg: LessonMsg) {
        self.update(Msg::Lesson(msg));
    }

    fn read(&mut self, text: &str) {
        let kept = self.storage.borrow().get(KEPT_LESSONS).cloned();
        self.lesson(LessonMsg::Fetched(Ok(text.into()), kept, None));
        (1..4).for_each(|second| self.update(Msg::Tick(f64::from(second) * 1000.0)));
        assert!(self.model.lesson.page().is_some(), "{:?}", self.model.lesson.state);
    }

    fn answer_question(&mut self, question: u32, choice: u32) {
        self.lesson(LessonMsg::Select(question, choice));
        self.lesson(LessonMsg::Prove(question));
    }

    /// Receives the event of the browser that another tab has changed the kept answers.
    fn follow_storage(&mut self) {
        let kept = self.storage.borrow().get(KEPT_LESSONS).cloned();
        self.lesson(LessonMsg::Kept(kept));
    }

    fn answered(&self) -> Vec<&str> {
        self.model.lesson.tries.keys().map(String::as_str).collect()
    }
}

fn opened(step: Option<&str>) -> TestPage {
    let mut page = TestPage::new();
    page.lesson(LessonMsg::Open(ADDRESS.into(), step.map(String::from)));
    page.read(&english());
    page
}

#[test]
fn an_answer_in_one_tab_does_not_remove_one_of_another_tab_which_shows_both() {
    let mut first = opened(None);
    let mut second = opened(None);
    second.storage = first.storage.clone();
    second.answer_question(1, 1);
    // The event of the other tab has not arrived yet.
    first.answer_question(0, 0);
    assert_eq!(first.answered(), ["lost", "meaning"]);
    second.follow_storage();
    assert_eq!((second.answered(), second.model.lesson.tries_of(1)), (vec!["lost", "meaning"], &[1][..]));
    second.lesson(LessonMsg::Forget);
    first.follow_storage();
    assert_eq!(first.answered(), Vec::<&str>::new());
}

#[test]
fn forgotten_answers_are_brought_back_by_undo() {
    let mut page = opened(None);
    page.answer_question(0, 1);
    page.answer_question(1, 0);
    page.lesson(LessonMsg::Forget);
    assert_eq!(page.answered(), Vec::<&str>::new());
    let undo = page.model.notices.action.take().expect("an action");
    page.update(*undo.msg);
    assert_eq!(page.answered(), ["lost", "meaning"]);
    assert!(page.storage.borrow()[KEPT_LESSONS].contains("meaning"));
}

#[test]
fn the_translation_keeps_answers_and_step_and_the_page_follows() {
    let mut page = opened(None);
    page.answer_question(0, 0);
    page.lesson(LessonMsg::GoTo(1));
    page.lesson(LessonMsg::Translate("de".into()));
    assert_eq!(language(), Language::German);
    let fetched = page.effects.iter().find(|effect| matches!(effect, Effect::FetchLesson(_)));
    assert_eq!(fetched, Some(&Effect::FetchLesson("lessons/course.de.md".into())));
    assert_eq!(page.model.lesson.page().map(|page| &*page.language), Some("en"), "until the translation is read");
    page.read(&text("course-de", "language: de\ntranslations: en=course.md\n"));
    let lesson = &page.model.lesson;
    assert_eq!((lesson.page().map(|page| &*page.language), lesson.step, lesson.tries_of(0)), (Some("de"), 1, &[0][..]));
    assert_eq!(lesson.fragment(), "lesson=lessons/course.de.md&step=two");
    set_language(Language::English);
}

#[test]
fn each_offered_system_is_placed_at_the_paragraph_item_or_row_that_measures_it_first() {
    let mut page = opened(None);
    page.lesson(LessonMsg::Open("lessons/eventual-consistency.md".into(), Some("break-it".into())));
    page.read(crate::lessons::LESSONS[0].1);
    let lesson = &page.model.lesson;
    let step = &lesson.page().expect("the lesson").steps[lesson.step];
    let (mut offered, mut placed) = (Vec::new(), Vec::new());
    each_block(&step.blocks, &mut |block| match block {
        LessonBlock::Scenario(index) if step.scenario != Some(*index) => offered.push(*index),
        LessonBlock::Paragraph(spans) => placed.extend(lesson.offered_with(spans).into_iter().map(|(index, _)| index)),
        _ => {}
    });
    offered.sort_unstable();
    placed.sort_unstable();
    assert!(!offered.is_empty());
    assert_eq!(offered, placed);
}

#[test]
fn an_unknown_step_is_reported() {
    let page = opened(Some("none"));
    assert_eq!(page.model.lesson.step, 0);
    assert!(page.model.notices.notice.as_ref().is_some_and(|notice| notice.contains("no step none")));
    let page = opened(Some("two"));
    assert_eq!((page.model.notices.notice.clone(), page.model.lesson_title()), (None, Some("Two · Course".into())));
}

#[test]
fn the_address_is_that_of_the_lesson_when_the_reader_returns_from_a_challenge() {
    let mut page = opened(Some("two"));
    let challenge = crate::scenario::challenges::find("lost-event").expect("a challenge").scenario();
    page.update(Msg::Document(crate::app::model::DocumentMsg::Open(Box::new(Opening::own(challenge)))));
    assert!(!page.model.shows_lesson());
    page.lesson(LessonMsg::Toggle);
    let address = Effect::Address { fragment: "lesson=lessons/course.md&step=two".into(), is_new: true };
    assert!(page.model.shows_lesson() && page.effects.contains(&address), "{:?}", page.effects);
}

#[test]
fn on_a_phone_the_inspector_covers_the_lesson_and_the_lesson_closes_the_inspector() {
    let mut page = opened(None);
    let sizes = Sizes { canvas: (390.0, 400.0), room: (390.0, 400.0), unit: 1.0, narrow: true, ..Sizes::default() };
    page.update(Msg::Viewport(ViewportMsg::Resized(sizes)));
    page.update(Msg::Panels(crate::app::model::PanelsMsg::InspectScenario));
    assert!(page.model.inspector_open() && !page.model.shows_lesson());
    page.lesson(LessonMsg::Toggle);
    assert!(!page.model.inspector_open() && page.model.shows_lesson());
    page.lesson(LessonMsg::Toggle);
    assert!(!page.model.shows_lesson());
}
