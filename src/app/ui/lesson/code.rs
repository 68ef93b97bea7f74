//! The code of a lesson, whose lines light up as the run reaches them.

use super::View;
use crate::app::fact_words::fact_words;
use crate::app::model::LessonMsg;
use crate::session::protocol::lesson::{FactMark, LessonListing, LessonPage};
use yew::prelude::*;

impl View<'_> {
    pub(super) fn listing(self, index: u32) -> Html {
        let Some(page) = self.lesson.page() else { return html! {} };
        let Some(listing) = page.listings.get(index as usize) else { return html! {} };
        let chosen = self.chosen_language(page);
        if listing.language != chosen {
            return html! {};
        }
        let title =
            page.scenarios.get(listing.scenario as usize).map(|scenario| scenario.id.clone()).unwrap_or_default();
        let is_shown = self.shown == Some(listing.scenario);
        let show = self.on(LessonMsg::OpenScenario(listing.scenario));
        html! {
            <figure class="lesson-code">
                <figcaption>
                    <b>{ title }</b>
                    if is_shown { <span class="muted">{ self.words.shown_system }</span> }
                    else { <button class="small line" onclick={show}>{ self.words.show_system }</button> }
                    <span class="grow"></span>
                    { self.languages_of_code(page, &chosen) }
                </figcaption>
                <ol translate="no">{ for listing.lines.iter().map(|(text, mark)| self.line(listing, text, mark.as_ref(), is_shown)) }</ol>
            </figure>
        }
    }

    pub(super) fn chosen_language(self, page: &LessonPage) -> String {
        let has = |language: &str| page.listings.iter().any(|listing| listing.language == language);
        match has(&self.lesson.code) {
            true => self.lesson.code.clone(),
            false => page.listings.first().map(|listing| listing.language.clone()).unwrap_or_default(),
        }
    }

    fn languages_of_code(self, page: &LessonPage, chosen: &str) -> Html {
        let mut languages: Vec<&String> = page.listings.iter().map(|listing| &listing.language).collect();
        languages.sort();
        languages.dedup();
        let button = |language: &String| {
            let name: String =
                language.chars().take(1).flat_map(char::to_uppercase).chain(language.chars().skip(1)).collect();
            html! { <button class="small" aria-pressed={(language == chosen).to_string()} onclick={self.on(LessonMsg::Code(language.clone()))}>{ name }</button> }
        };
        html! { <span class="lesson-languages" role="group" aria-label={self.words.code_language}>{ for languages.into_iter().map(button) }</span> }
    }

    fn line(self, listing: &LessonListing, text: &str, mark: Option<&FactMark>, is_shown: bool) -> Html {
        let code = if text.is_empty() { " " } else { text }.to_string();
        let Some(mark) = mark else { return html! { <li><code>{ code }</code></li> } };
        let (count, is_last) = if is_shown { self.lesson.reached(mark) } else { (0, false) };
        let class = classes!("fact", (count > 0).then_some("reached"), is_last.then_some("lit"));
        let fact = fact_words(&mark.name, self.language());
        html! {
            <li {class} data-fact={mark.name.clone()}>
                <button title={self.words.go_to_line} aria-current={is_last.then_some("step")} onclick={self.on(LessonMsg::GoToFact(listing.scenario, mark.clone()))}>
                    <code>{ code }</code>
                    <span class="fact-name">{ fact }{ if count > 0 { format!(" ×{count}") } else { String::new() } }</span>
                    if is_last { <span class="sr">{ format!(", {}", self.words.now_here) }</span> }
                </button>
            </li>
        }
    }
}
