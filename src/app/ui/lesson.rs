//! The lesson and the tasks beside the system. Their code is loaded from a separate wasm file when one is first opened.

mod blocks;
mod code;
mod questions;
mod task;

use super::icons::{Icon, icon};
use crate::app::lesson_view::{LessonState, LessonView, each_block, first_lesson};
use crate::app::lesson_words::LessonWords;
use crate::app::model::{LessonMsg, Model, Msg};
use crate::app::texts::{self, Language};
use crate::app::titles::title_in;
use crate::session::protocol::lesson::{LessonBlock, LessonPage};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use wasm_bindgen::JsCast;
use wasm_split_helpers::{SplitLoaderError, wasm_split};
use web_sys::{Element, HtmlElement};
use yew::prelude::*;

/// The style sheet of the lesson, loaded with its code.
const STYLE_SHEET: &str = include_str!("lesson/lesson.css");

/// Loads the code of lessons and tasks.
///
/// # Errors
/// The code could not be fetched. A later call tries again.
pub async fn load() -> Result<(), SplitLoaderError> {
    load_lesson().await
}

/// A panel of the course.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CoursePanel {
    /// The lesson.
    Lesson,
    /// The tasks of the document.
    Tasks,
}

#[wasm_split(lesson, fallible, preload(load_lesson))]
fn draw_when_loaded(panel: CoursePanel, model: &Model, send: &Callback<Msg>) -> Result<Html, SplitLoaderError> {
    super::lazy_views::adopt_style_sheet("lesson", STYLE_SHEET);
    Ok(match panel {
        CoursePanel::Lesson => View::new(model, send).draw(),
        CoursePanel::Tasks => task::draw(model, send),
    })
}

/// Draws a panel. Call it only after [`load`] has returned `Ok`.
pub fn draw(panel: CoursePanel, model: &Model, send: &Callback<Msg>) -> Html {
    let drawn = pin!(draw_when_loaded(panel, model, send));
    match drawn.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(elements)) => elements,
        Poll::Ready(Err(_)) | Poll::Pending => unreachable!("loaded code is ready at the first poll"),
    }
}

/// The data from which the parts of the lesson are drawn.
#[derive(Clone, Copy)]
struct View<'a> {
    lesson: &'a LessonView,
    /// The code of the lesson's language; of the page's language if there is no lesson.
    language: &'a str,
    words: &'static LessonWords,
    send: &'a Callback<Msg>,
    /// The scenario of the lesson that is on the canvas.
    shown: Option<u32>,
}

impl<'a> View<'a> {
    fn new(model: &'a Model, send: &'a Callback<Msg>) -> View<'a> {
        let lesson = &model.lesson;
        let language = lesson.page().map_or(texts::language().code(), |page| &page.language);
        let words = LessonWords::of(language);
        let shown = lesson.shown.filter(|(_, number)| *number == model.document.number()).map(|(index, _)| index);
        View { lesson, language, words, send, shown }
    }

    fn on(self, msg: LessonMsg) -> Callback<MouseEvent> {
        self.send.reform(move |_| Msg::Lesson(msg.clone()))
    }

    fn draw(self) -> Html {
        html! {
            <section class={classes!("lesson", self.lesson.is_large.then_some("large"))} id="lesson" tabindex="-1" aria-labelledby="lesson-heading" lang={self.language.to_string()}>
                { self.header() }
                { match &self.lesson.state {
                    LessonState::None | LessonState::Loading => html! { <p class="lesson-note" role="status">{ self.words.loading }</p> },
                    LessonState::NotFetched(why) => self.not_fetched(why),
                    LessonState::Invalid(problems) => html! {
                        <div class="lesson-note" role="alert">
                            <h3>{ self.words.invalid }</h3>
                            <p>{ &*self.lesson.address }</p>
                            <ul class="err">{ for problems.iter().map(|problem| html! { <li>{ format!("{} {}: {}", self.words.line, problem.line, problem.problem) }</li> }) }</ul>
                            { self.further_actions() }
                        </div>
                    },
                    LessonState::Ready(page) => self.ready(page),
                } }
            </section>
        }
    }

    fn header(self) -> Html {
        let title = self.lesson.page().map_or(self.words.lesson, |page| &page.title).to_string();
        html! {
            <header>
                <h2 id="lesson-heading" tabindex="-1">{ title }</h2>
                <span class="grow"></span>
                { self.languages() }
                { enlarge_button(self.lesson.is_large, (self.words.enlarge, self.words.reduce), self.on(LessonMsg::Enlarge)) }
                <button class="icon small" title={self.words.close} aria-label={self.words.close} onclick={self.on(LessonMsg::Toggle)}>{ icon(Icon::Close) }</button>
            </header>
        }
    }

    /// Draws the links to the lesson in other languages.
    fn languages(self) -> Html {
        let Some(page) = self.lesson.page().filter(|page| !page.translations.is_empty()) else { return html! {} };
        let folder = self.lesson.address.rfind('/').map_or("", |end| &self.lesson.address[..=end]);
        let step = page.steps.get(self.lesson.step).map(|step| step.id.clone());
        let link = |(language, file): &(String, String)| {
            let href = format!(
                "#lesson={folder}{file}{}",
                step.as_ref().map_or(String::new(), |step| format!("&step={step}"))
            );
            let (send, code) = (self.send.clone(), language.clone());
            let onclick = Callback::from(move |event: MouseEvent| {
                if !(event.ctrl_key() || event.meta_key() || event.shift_key()) {
                    event.prevent_default();
                    send.emit(Msg::Lesson(LessonMsg::Translate(code.clone())));
                }
            });
            html! { <a class="lesson-language" {href} {onclick} hreflang={language.clone()} lang={language.clone()} aria-label={format!("{}: {language}", self.words.language)}>{ language.to_uppercase() }</a> }
        };
        html! { { for page.translations.iter().map(link) } }
    }

    fn not_fetched(self, why: &str) -> Html {
        let again = LessonMsg::Open(self.lesson.address.to_string(), self.lesson.wanted_step.clone());
        html! {
            <div class="lesson-note" role="alert">
                <h3>{ self.words.not_fetched }</h3>
                <p>{ why }</p>
                <p class="actions">
                    <button class="line" onclick={self.on(again)}>{ self.words.try_again }</button>
                </p>
                { self.further_actions() }
            </div>
        }
    }

    fn further_actions(self) -> Html {
        let first = format!("#lesson={}", first_lesson());
        html! { <p><a href={first}>{ self.words.open_first }</a></p> }
    }

    fn ready(self, page: &LessonPage) -> Html {
        let Some(step) = page.steps.get(self.lesson.step) else { return html! {} };
        let tabs = page.steps.iter().enumerate().map(|(index, step)| self.tab(page, index, &step.title));
        let is_first = self.lesson.step == 0;
        let introduction = if is_first {
            self.blocks(&page.introduction)
        } else {
            html! {}
        };
        html! {
            <>
                <div class="lesson-tabs" role="tablist" aria-label={self.words.steps} onkeydown={tab_key()}>{ for tabs }</div>
                <div class="lesson-text" key={step.id.clone()} id="lesson-panel" role="tabpanel" tabindex="0" aria-labelledby={format!("lesson-tab-{}", self.lesson.step)}>
                    { introduction }
                    <h3 id="lesson-step" tabindex="-1">{ &step.title }</h3>
                    { self.shown_scenario(page) }
                    { self.progress(page) }
                    { self.blocks(&step.blocks) }
                    { self.results(page) }
                    { self.neighbours(page) }
                </div>
                { self.terms(page) }
            </>
        }
    }

    fn tab(self, page: &LessonPage, index: usize, title: &str) -> Html {
        let is_current = index == self.lesson.step;
        let (answered, of) = self.answered_in(page, index);
        let count = if of > 0 { format!("{answered}/{of}") } else { String::new() };
        html! {
            <button key={index} id={format!("lesson-tab-{index}")} role="tab" aria-selected={is_current.to_string()} aria-controls="lesson-panel"
                tabindex={if is_current { "0" } else { "-1" }} onclick={self.on(LessonMsg::GoTo(index))}>
                { title }
                if of > 0 { <span class="muted"><span aria-hidden="true">{ &count }</span><span class="sr">{ format!(", {answered} / {of} {}", self.words.answered) }</span></span> }
            </button>
        }
    }

    /// Returns the number of answered questions in a step, and of all questions in it.
    fn answered_in(self, page: &LessonPage, step: usize) -> (usize, usize) {
        let (mut answered, mut of) = (0, 0);
        each_block(&page.steps[step].blocks, &mut |block| {
            if let LessonBlock::Question(index) = block {
                of += 1;
                answered += usize::from(!self.lesson.tries_of(*index).is_empty());
            }
        });
        (answered, of)
    }

    /// Draws which system of the step is on the canvas, or the button that shows it.
    fn shown_scenario(self, page: &LessonPage) -> Html {
        let Some(index) = page.steps[self.lesson.step].scenario else { return html! {} };
        let title = page.scenarios.get(index as usize).map(|scenario| scenario.title.clone()).unwrap_or_default();
        self.scenario_button(index, &title)
    }

    /// Returns the language of the lesson, in which the titles of examples and challenges are shown too.
    fn language(self) -> Language {
        Language::from_code(self.language).unwrap_or_default()
    }

    fn scenario_button(self, index: u32, title: &str) -> Html {
        let title = title_in(title, self.language());
        // The pressed button remains, so that the keyboard's focus does.
        let is_shown = self.shown == Some(index) && self.lesson.shown_choice.is_none();
        let word = if is_shown { self.words.shown_system } else { self.words.show_system };
        html! { <p class="lesson-system"><button class="line" aria-pressed={is_shown.to_string()} onclick={self.on(LessonMsg::OpenScenario(index))}>{ icon(Icon::Play) }<span>{ format!("{word}: {title}") }</span></button></p> }
    }

    fn progress(self, page: &LessonPage) -> Html {
        let (done, of) = self.lesson.progress(self.lesson.step);
        if of == 0 {
            return html! {};
        }
        if done < of {
            return html! {
                <p class="lesson-progress"><label>{ self.words.measuring }<progress max={of.to_string()} value={done.to_string()}></progress></label></p>
            };
        }
        html! { <p class="lesson-progress muted">{ format!("{} {}", self.words.measured, page.runs) }</p> }
    }

    /// Draws the score, below the questions.
    fn results(self, page: &LessonPage) -> Html {
        let (right, answered, all) = self.lesson.score();
        if self.answered_in(page, self.lesson.step).1 == 0 || answered == 0 {
            return html! {};
        }
        html! {
            <section class="lesson-score" role="group" aria-label={self.words.answered}>
                <p>{ format!("{right} / {all} {}; {answered} {}", self.words.right_first, self.words.answered) }</p>
                <p class="actions">
                    <button class="line" onclick={self.on(LessonMsg::Export)}>{ self.words.export }</button>
                    <button class="line" onclick={self.on(LessonMsg::Forget)}>{ self.words.forget }</button>
                </p>
            </section>
        }
    }

    fn neighbours(self, page: &LessonPage) -> Html {
        let button = |index: Option<usize>, word: &str, class: &'static str| {
            let step = index.and_then(|index| page.steps.get(index));
            step.map(|step| {
                let title = format!("{word}: {}", step.title);
                html! { <button {class} onclick={self.on(LessonMsg::GoToId(step.id.clone()))}>{ title }</button> }
            })
        };
        let here = self.lesson.step;
        html! {
            <p class="lesson-neighbours">
                { button(here.checked_sub(1), self.words.previous, "line") }
                <span class="grow"></span>
                { button(Some(here + 1), self.words.next, "primary") }
            </p>
        }
    }

    /// Draws the meanings of the terms, which the browser shows when their names are clicked.
    fn terms(self, page: &LessonPage) -> Html {
        let term = |term: &crate::session::protocol::lesson::LessonTerm| {
            html! {
                <div key={term.id.clone()} id={format!("term-{}", term.id)} class="lesson-term" popover="auto" role="note" lang={page.language.clone()}>
                    <b>{ &term.term }</b><p>{ &term.meaning }</p>
                    <button class="small line" lang={page.language.clone()} popovertarget={format!("term-{}", term.id)} popovertargetaction="hide">{ self.words.close_term }</button>
                </div>
            }
        };
        html! { { for page.terms.iter().map(term) } }
    }
}

/// Draws the button that shows more of the text on a phone.
fn enlarge_button(is_large: bool, (enlarge, reduce): (&str, &str), onclick: Callback<MouseEvent>) -> Html {
    let word = if is_large { reduce } else { enlarge }.to_string();
    let sign = if is_large { "↓" } else { "↑" };
    html! { <button class="small enlarge" title={word.clone()} aria-label={word} aria-pressed={is_large.to_string()} {onclick}>{ sign }</button> }
}

/// Moves the focus between the tabs with the arrow keys, Home and End. Enter and Space open the tab.
fn tab_key() -> Callback<KeyboardEvent> {
    Callback::from(|event: KeyboardEvent| {
        let Some(tab) = event.target().and_then(|target| target.dyn_into::<Element>().ok()) else { return };
        let Some(list) = tab.closest("[role=tablist]").ok().flatten() else { return };
        let next = match event.key().as_str() {
            "ArrowRight" | "ArrowDown" => tab.next_element_sibling().or_else(|| list.first_element_child()),
            "ArrowLeft" | "ArrowUp" => tab.previous_element_sibling().or_else(|| list.last_element_child()),
            "Home" => list.first_element_child(),
            "End" => list.last_element_child(),
            _ => return,
        };
        event.prevent_default();
        if let Some(next) = next.and_then(|next| next.dyn_into::<HtmlElement>().ok()) {
            let _ = next.focus();
        }
    })
}
