//! The title of the browser's tab: the step of the lesson, or else the drawing.

use super::Page;
use crate::app::titles::shown_title;

impl Page {
    /// Shows the step of the lesson in the title, or else the name of the drawing, or else the title with which the page was loaded.
    pub(super) fn show_title(&mut self) {
        let Some(document) = web_sys::window().and_then(|window| window.document()) else { return };
        let (own, shown) = self.titles.get_or_insert_with(|| (document.title(), document.title()));
        let model = &self.model;
        let title = match model.lesson_title() {
            Some(lesson) => format!("{lesson} · Converge"),
            None if model.failure.is_none() => format!("{} – Converge", shown_title(&model.document.scenario.title)),
            None => own.clone(),
        };
        if *shown != title {
            document.set_title(&title);
            *shown = title;
        }
    }
}
