//! The title of the browser's tab, which names the step of the lesson.

use super::Page;

impl Page {
    /// Shows the step of the lesson in the title, or else the title with which the page was loaded.
    pub(super) fn show_title(&mut self) {
        let Some(document) = web_sys::window().and_then(|window| window.document()) else { return };
        let (own, shown) = self.titles.get_or_insert_with(|| (document.title(), document.title()));
        let title = self.model.lesson_title().map_or_else(|| own.clone(), |lesson| format!("{lesson} · Converge"));
        if *shown != title {
            document.set_title(&title);
            *shown = title;
        }
    }
}
