//! The answers to lessons as the browser keeps them. Other tabs change them too, so each change is applied to the answers that
//! are kept then.

use crate::scenario::json;
use crate::session::protocol::lesson::LessonPage;
use std::collections::BTreeMap;

/// The choices that the reader has proved, by question, in order; kept for each lesson.
pub type Tries = BTreeMap<String, Vec<u32>>;

/// A change of the answers to a lesson.
#[derive(Clone, Debug, PartialEq)]
pub enum AnswerChange {
    /// The reader has proved a choice of the question with this id.
    Add(String, u32),
    /// The reader has forgotten the answers, or has taken that back.
    Replace(Tries),
}

impl AnswerChange {
    /// Changes the answers to the lesson.
    pub fn apply(&self, tries: &mut Tries) {
        match self {
            AnswerChange::Add(question, choice) => tries.entry(question.clone()).or_default().push(*choice),
            AnswerChange::Replace(answers) => tries.clone_from(answers),
        }
    }
}

/// Reads the answers to a lesson. What cannot be read is forgotten.
pub fn tries_of(kept: &str, page: &LessonPage) -> Tries {
    take_tries(&mut all_tries(kept), page)
}

/// Changes the answers to a lesson, beside those to other lessons. Returns the text to keep.
pub fn changed(kept: Option<&str>, page: &LessonPage, changes: &[AnswerChange]) -> String {
    let mut all = kept.map(all_tries).unwrap_or_default();
    let mut tries = take_tries(&mut all, page);
    changes.iter().for_each(|change| change.apply(&mut tries));
    all.insert(name(page).into(), tries);
    json::pretty(&all)
}

/// The name under which the answers are kept: the id of the lesson. Translations share their answers: the id of each may end in
/// `-` and its language.
fn name(page: &LessonPage) -> &str {
    let stem = page.id.strip_suffix(&*page.language).and_then(|stem| stem.strip_suffix('-'));
    stem.filter(|stem| !stem.is_empty()).unwrap_or(&page.id)
}

/// Removes the answers to a lesson from those to all lessons, and returns them. They may be under the id of a translation, as
/// earlier versions of the page kept them.
fn take_tries(all: &mut BTreeMap<String, Tries>, page: &LessonPage) -> Tries {
    let own = all.remove(&page.id);
    all.remove(name(page)).or(own).unwrap_or_default()
}

fn all_tries(kept: &str) -> BTreeMap<String, Tries> {
    json::parse(kept).ok().and_then(|value| json::read(&value).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(id: &str, language: &str) -> LessonPage {
        LessonPage { id: id.into(), language: language.into(), ..LessonPage::default() }
    }

    #[test]
    fn the_answers_to_a_lesson_are_those_to_its_translation() {
        let (english, german) = (page("course", "en"), page("course-de", "de"));
        let kept = changed(None, &english, &[AnswerChange::Add("lost".into(), 1)]);
        let kept = changed(Some(&kept), &german, &[AnswerChange::Add("stale".into(), 0)]);
        let expected = Tries::from([("lost".into(), vec![1]), ("stale".into(), vec![0])]);
        assert_eq!((tries_of(&kept, &english), tries_of(&kept, &german)), (expected.clone(), expected));
        // Answers that were kept under the id of the translation.
        let former = r#"{ "course-de": { "lost": [2] } }"#;
        assert_eq!(tries_of(former, &german)["lost"], [2]);
        assert_eq!(tries_of(&changed(Some(former), &german, &[]), &english)["lost"], [2]);
    }
}
