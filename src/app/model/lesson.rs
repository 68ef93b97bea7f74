//! The lesson beside the system: opening it, its steps, predictions and their proofs, and the lines of code.

use super::{Effect, KEPT_CODE, KEPT_LESSONS, Model, Msg, NoticeAction, Opening, PreferencesMsg, Redraw};
use crate::app::kept_answers::{self, AnswerChange, Tries};
use crate::app::lesson_view::{LessonState, Prediction, each_block, first_lesson};
use crate::app::texts::Language;
use crate::scenario::{Scenario, json};
use crate::session::protocol::Request;
use crate::session::protocol::lesson::{FactMark, LessonBlock, LessonReport};
use crate::text;
use serde::Serialize;
use std::rc::Rc;

/// An action of the reader on the lesson.
#[derive(Clone, Debug, PartialEq)]
pub enum LessonMsg {
    /// Open the lesson at an address relative to the page, at the step with this id.
    Open(String, Option<String>),
    /// The file was fetched, or not, and why; with the answers that the browser keeps of all lessons, and the programming
    /// language that it keeps.
    Fetched(Result<String, String>, Option<String>, Option<String>),
    /// The answers to all lessons that the browser keeps now: another tab has changed them, or this one is about to.
    Kept(Option<String>),
    /// Show the lesson, and the page, in the language with this code.
    Translate(String),
    /// Show more of the text on a phone, or as much as before.
    Enlarge,
    /// Give the focus to the text of the lesson or the task.
    Enter,
    /// The engine has answered a request about the lesson.
    Received(Box<LessonReport>),
    /// Show or hide the lesson. The first one opens if none is.
    Toggle,
    /// Go to a step, by its index.
    GoTo(usize),
    /// Go to a step, by its id.
    GoToId(String),
    /// Show a scenario on the canvas, by its index.
    OpenScenario(u32),
    /// Go to the next instant at which the run reaches a line of code of this scenario.
    GoToFact(u32, FactMark),
    /// Select a choice of a question.
    Select(u32, u32),
    /// Prove the selected choice.
    Prove(u32),
    /// Ask a question again.
    Again(u32),
    /// Show the run that proves or refutes a choice.
    Show(u32, u32),
    /// Move the slider with a label to a stop.
    Slide(String, usize),
    /// Show the code in a programming language.
    Code(String),
    /// Save the answers as a file.
    Export,
    /// Forget all answers.
    Forget,
    /// Bring forgotten answers back.
    BringBack(Tries),
    /// Take over answers that the host page of an embed has kept.
    Restore(Tries),
}

/// The answers as a file.
#[derive(Serialize)]
struct Results<'a> {
    converge_lesson_results: u32,
    lesson: &'a str,
    title: &'a str,
    right_on_first_try: usize,
    answered: usize,
    questions: Vec<QuestionResult<'a>>,
}

/// The answers to a question.
#[derive(Serialize)]
struct QuestionResult<'a> {
    id: &'a str,
    level: u32,
    ask: &'a str,
    answers: Vec<&'a str>,
    right_on_first_try: bool,
}

impl Model {
    pub(super) fn update_lesson(&mut self, msg: LessonMsg, effects: &mut Vec<Effect>) {
        match msg {
            LessonMsg::Open(address, step) => self.open_lesson(address, step, effects),
            LessonMsg::Fetched(text, kept, code) => self.receive_text(text, kept, code),
            LessonMsg::Kept(kept) => self.receive_answers(kept, effects),
            LessonMsg::Translate(language) => self.translate_page(&language, effects),
            LessonMsg::Enlarge => self.lesson.is_large = !self.lesson.is_large,
            LessonMsg::Enter => {
                let heading = if self.shows_lesson() { "lesson-step" } else { "task-heading" };
                effects.push(Effect::FocusElement(heading.into()));
            }
            LessonMsg::Received(report) => self.receive_lesson(*report, effects),
            LessonMsg::Toggle => self.toggle_lesson(effects),
            // The focus stays on the tab.
            LessonMsg::GoTo(step) => self.go_to_step(step, effects),
            LessonMsg::GoToId(id) => {
                let page = self.lesson.page();
                let step = page.and_then(|page| page.steps.iter().position(|step| step.id == id));
                if let Some(step) = step {
                    self.go_to_step(step, effects);
                    effects.push(Effect::FocusElement("lesson-step".into()));
                }
            }
            LessonMsg::OpenScenario(scenario) => {
                self.lesson.is_large = false;
                self.open_lesson_scenario(scenario, true);
            }
            LessonMsg::GoToFact(scenario, mark) => self.go_to_fact(scenario, mark),
            LessonMsg::Select(question, choice) => drop(self.lesson.selected.insert(question, choice)),
            LessonMsg::Prove(question) => self.prove(question, effects),
            LessonMsg::Again(question) => {
                self.lesson.again.insert(question);
                self.lesson.selected.remove(&question);
                effects.push(Effect::FocusElement(format!("question-{question}")));
            }
            LessonMsg::Show(question, choice) => self.lesson.wanted_choice = Some((question, choice)),
            LessonMsg::Slide(label, at) => drop(self.lesson.sliders.insert(label, at)),
            LessonMsg::Code(language) => {
                effects.push(Effect::Keep(KEPT_CODE, language.clone()));
                self.lesson.code = language;
            }
            LessonMsg::Restore(tries) => {
                self.lesson.is_hosted = true;
                self.lesson.tries.clone_from(&tries);
                self.lesson.restored = Some(tries);
            }
            LessonMsg::Export => self.export_answers(effects),
            LessonMsg::Forget => {
                let forgotten = self.lesson.tries.clone();
                self.lesson.again.clear();
                self.lesson.selected.clear();
                self.change_answers(AnswerChange::Replace(Tries::new()), effects);
                self.notify(text!("The answers were forgotten.").into());
                let msg = Box::new(Msg::Lesson(LessonMsg::BringBack(forgotten)));
                self.notices.action = Some(NoticeAction { label: text!("Undo"), msg });
            }
            LessonMsg::BringBack(answers) => self.change_answers(AnswerChange::Replace(answers), effects),
        }
        self.watch_lines();
        self.redraw = Redraw { page: true, paint: true };
    }

    fn open_lesson(&mut self, address: String, step: Option<String>, effects: &mut Vec<Effect>) {
        let is_same = *self.lesson.address == *address && self.lesson.page().is_some();
        self.lesson.is_open = true;
        if !is_same {
            self.lesson.load(&address, step);
            effects.push(Effect::FetchLesson(address));
            return;
        }
        let page = self.lesson.page();
        let found = step.as_ref().and_then(|id| page?.steps.iter().position(|step| step.id == *id));
        let index = found.unwrap_or(0);
        let is_shown = self.lesson.shown.is_some_and(|(_, number)| number == self.document.number());
        if index != self.lesson.step || !is_shown {
            self.show_step(index);
        }
        self.report_unknown_step(step.filter(|_| found.is_none()));
    }

    fn toggle_lesson(&mut self, effects: &mut Vec<Effect>) {
        if self.lesson.state == LessonState::None {
            effects.push(Effect::Address { fragment: format!("lesson={}", first_lesson()), is_new: true });
            return self.open_lesson(first_lesson().into(), None, effects);
        }
        self.lesson.is_open = !self.shows_lesson();
        if self.lesson.is_open {
            self.uncover_text();
            let is_shown = self.lesson.shown.is_some_and(|(_, number)| number == self.document.number());
            if self.lesson.page().is_some() && !is_shown {
                effects.push(Effect::Address { fragment: self.lesson.fragment(), is_new: true });
            }
        }
        effects.push(match self.lesson.is_open {
            true => Effect::FocusElement("lesson-heading".into()),
            false => Effect::FocusCanvas,
        });
    }

    fn receive_text(&mut self, text: Result<String, String>, kept: Option<String>, code: Option<String>) {
        if let Some(code) = code {
            self.lesson.code = code;
        }
        match text {
            Ok(text) => {
                // The answers to this lesson are chosen when its id is known.
                self.lesson.set_text(text);
                self.lesson.kept = kept;
            }
            Err(why) => self.lesson.state = LessonState::NotFetched(why),
        }
    }

    fn receive_lesson(&mut self, report: LessonReport, effects: &mut Vec<Effect>) {
        self.lesson.answered();
        match report {
            LessonReport::Opened(page) => {
                let was_ready = self.lesson.page().is_some();
                if !self.lesson.is_hosted
                    && let Some(kept) = &self.lesson.kept
                {
                    self.lesson.tries = kept_answers::tries_of(kept, &page);
                }
                if let Some(tries) = self.lesson.restored.take() {
                    self.lesson.tries = tries;
                }
                let wanted = self.lesson.wanted_step.take();
                let index = wanted.as_ref().and_then(|id| page.steps.iter().position(|step| step.id == *id));
                let is_translation = std::mem::take(&mut self.lesson.is_translating);
                if is_translation {
                    self.lesson.shown_choice = None;
                    self.lesson.measured.clear();
                }
                self.lesson.state = LessonState::Ready(Rc::new(*page));
                if !was_ready || is_translation {
                    self.show_step(index.unwrap_or(0));
                    effects.push(Effect::Address { fragment: self.lesson.fragment(), is_new: false });
                }
                self.report_unknown_step(wanted.filter(|_| index.is_none()));
            }
            LessonReport::Invalid(problems) => self.lesson.state = LessonState::Invalid(Rc::new(problems)),
            LessonReport::Measured(measured) => drop(self.lesson.measured.insert(measured.scenario, measured)),
            LessonReport::Shown { question, choice, scenario, at, because } => {
                self.lesson.wanted_choice = None;
                self.show_choice((question, choice), *scenario, at, because);
            }
            LessonReport::NotOpen => {
                self.lesson.measured.clear();
                self.lesson.read_again();
            }
        }
    }

    /// Goes to a step, as a step of the browser's history.
    fn go_to_step(&mut self, step: usize, effects: &mut Vec<Effect>) {
        if self.lesson.page().is_none_or(|page| step >= page.steps.len()) {
            return;
        }
        self.show_step(step);
        effects.push(Effect::Address { fragment: self.lesson.fragment(), is_new: true });
    }

    fn show_step(&mut self, step: usize) {
        self.lesson.step = step;
        let scenario = self.lesson.page().and_then(|page| page.steps.get(step)?.scenario);
        if let Some(scenario) = scenario {
            self.open_lesson_scenario(scenario, false);
        }
    }

    fn report_unknown_step(&mut self, unknown: Option<String>) {
        if let Some(step) = unknown {
            self.notify(text!("The lesson has no step {}. This is its first one.", step));
        }
    }

    /// Shows the page, and with it the lesson, in another language.
    fn translate_page(&mut self, language: &str, effects: &mut Vec<Effect>) {
        if Language::from_code(language).is_some_and(|language| language != self.preferences.language) {
            self.update_preferences(PreferencesMsg::NextLanguage, effects);
        }
        self.translate_lesson(language, effects);
    }

    /// Replaces the lesson by its translation, if there is one, at the same step. The text stays until the translation is read.
    pub(super) fn translate_lesson(&mut self, language: &str, effects: &mut Vec<Effect>) {
        if matches!(self.lesson.state, LessonState::NotFetched(_) | LessonState::Invalid(_)) {
            // The reasons are in the former language. The next attempt reports them in this one.
            let (is_open, address) = (self.lesson.is_open, self.lesson.address.to_string());
            let step = self.lesson.wanted_step.take();
            self.open_lesson(address, step, effects);
            self.lesson.is_open = is_open;
        }
        let Some(page) = self.lesson.page().cloned().filter(|page| page.language != language) else { return };
        let Some((_, file)) = page.translations.iter().find(|(other, _)| other == language) else { return };
        let folder = self.lesson.address.rfind('/').map_or("", |end| &self.lesson.address[..=end]);
        let address = format!("{folder}{file}");
        if *self.lesson.address != *address {
            self.lesson.wanted_step = page.steps.get(self.lesson.step).map(|step| step.id.clone());
            (self.lesson.address, self.lesson.is_translating) = (address.as_str().into(), true);
            effects.push(Effect::FetchLesson(address));
        }
    }

    /// Shows a scenario of the lesson from its start, and plays it. One that is on the canvas already stays, unless `again`.
    fn open_lesson_scenario(&mut self, index: u32, again: bool) {
        let is_shown = self.lesson.shown == Some((index, self.document.number()));
        let Some(page) = self.lesson.page().cloned().filter(|_| again || !is_shown) else { return };
        let Some(scenario) = page.scenarios.get(index as usize) else { return };
        let Ok(document) = Scenario::from_json(&scenario.document) else { return };
        let compared = scenario.compare.as_ref();
        let compared = compared.and_then(|name| document.branches.iter().position(|branch| branch.name == *name));
        let address = Some(self.lesson.fragment());
        let compared = compared.map(|branch| branch as u32);
        self.open(Opening { address, compared, ..Opening::own(document) });
        if !self.preferences.reduced_motion {
            self.playback.restart(0);
        }
        self.lesson.shown = Some((index, self.document.number()));
        self.lesson.shown_choice = None;
    }

    fn show_choice(&mut self, (question, choice): (u32, u32), scenario: Scenario, at: u64, because: String) {
        let index = self.lesson.scenario_of(question, choice);
        self.lesson.is_large = false;
        let address = Some(self.lesson.fragment());
        self.open(Opening { address, at, caption: because.as_str().into(), ..Opening::own(scenario) });
        self.lesson.shown = index.map(|index| (index, self.document.number()));
        self.lesson.shown_choice = Some((question, choice, because));
    }

    fn go_to_fact(&mut self, scenario: u32, mark: FactMark) {
        self.open_lesson_scenario(scenario, false);
        self.playback.play(false);
        self.playback.enqueue(Request::NextFact(mark));
    }

    /// Watches the facts that the code of the current step waits for, if its scenario is on the canvas.
    fn watch_lines(&mut self) {
        let mut marks: Vec<FactMark> = Vec::new();
        if let Some(page) = self.lesson.page()
            && let Some((shown, number)) = self.lesson.shown
            && number == self.document.number()
            && let Some(step) = page.steps.get(self.lesson.step)
        {
            each_block(&step.blocks, &mut |block| {
                let LessonBlock::Listing(index) = block else { return };
                let listing = page.listings.get(*index as usize).filter(|listing| listing.scenario == shown);
                for mark in
                    listing.iter().flat_map(|listing| listing.lines.iter().filter_map(|(_, mark)| mark.as_ref()))
                {
                    if !marks.contains(mark) {
                        marks.push(mark.clone());
                    }
                }
            });
        }
        self.lesson.watch(marks);
    }

    fn prove(&mut self, question: u32, effects: &mut Vec<Effect>) {
        let Some(page) = self.lesson.page().cloned() else { return };
        let Some(asked) = page.questions.get(question as usize) else { return };
        let Some(choice) = self.lesson.selected.remove(&question) else { return };
        let Some(chosen) = asked.choices.get(choice as usize) else { return };
        self.change_answers(AnswerChange::Add(asked.id.clone(), choice), effects);
        self.lesson.again.remove(&question);
        self.lesson.wanted_choice = Some((question, choice));
        let prediction = Prediction { question: asked.id.clone(), answer: choice + 1, correct: chosen.right };
        self.lesson.predictions.push(prediction);
        let verdict = if chosen.right { text!("Right") } else { text!("Not right") };
        self.notices.announcer.announce(format!("{verdict}. {}", chosen.because));
        effects.push(Effect::FocusElement(format!("result-{question}")));
    }

    /// Changes the answers. Another tab may have changed those that the browser keeps, so they are read first.
    fn change_answers(&mut self, change: AnswerChange, effects: &mut Vec<Effect>) {
        change.apply(&mut self.lesson.tries);
        self.lesson.changes.push(change);
        effects.push(Effect::ReadKept(KEPT_LESSONS));
    }

    fn receive_answers(&mut self, kept: Option<String>, effects: &mut Vec<Effect>) {
        let changes = std::mem::take(&mut self.lesson.changes);
        let Some(page) = self.lesson.page().cloned() else { return };
        if changes.is_empty() {
            self.lesson.kept = kept;
        } else {
            // Nothing can be read where storage does not work.
            let before = kept.or(self.lesson.kept.take());
            let after = kept_answers::changed(before.as_deref(), &page, &changes);
            self.lesson.kept = Some(after.clone());
            effects.push(Effect::Keep(KEPT_LESSONS, after));
        }
        if !self.lesson.is_hosted {
            let kept = self.lesson.kept.as_deref();
            self.lesson.tries = kept.map(|kept| kept_answers::tries_of(kept, &page)).unwrap_or_default();
        }
    }

    fn export_answers(&self, effects: &mut Vec<Effect>) {
        let Some(page) = self.lesson.page() else { return };
        let (right, answered, _) = self.lesson.score();
        let questions = page.questions.iter().enumerate().map(|(index, question)| {
            let chosen = self.lesson.tries_of(index as u32).iter();
            let chosen: Vec<_> = chosen.filter_map(|choice| question.choices.get(*choice as usize)).collect();
            QuestionResult {
                id: &question.id,
                level: question.level,
                ask: &question.ask,
                answers: chosen.iter().map(|choice| choice.text.as_str()).collect(),
                right_on_first_try: chosen.first().is_some_and(|choice| choice.right),
            }
        });
        let results = Results {
            converge_lesson_results: 1,
            lesson: &page.id,
            title: &page.title,
            right_on_first_try: right,
            answered,
            questions: questions.collect(),
        };
        effects.push(Effect::Save(format!("{}-answers.json", page.id), json::pretty(&results)));
    }
}

#[cfg(test)]
mod tests;
