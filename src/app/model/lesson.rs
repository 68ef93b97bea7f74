//! The lesson beside the system: opening it, its steps, predictions and their proofs, and the lines of code.

use super::{Effect, KEPT_LESSONS, Model, Opening, Redraw};
use crate::app::lesson_view::{LessonState, Prediction, Tries, each_block, first_lesson};
use crate::scenario::{Scenario, json};
use crate::session::protocol::Request;
use crate::session::protocol::lesson::{FactMark, LessonBlock, LessonReport};
use crate::text;
use serde::Serialize;
use std::collections::BTreeMap;
use std::rc::Rc;

/// What the reader does with the lesson.
#[derive(Clone, Debug, PartialEq)]
pub enum LessonMsg {
    /// Open the lesson at an address relative to the page, at the step with this id.
    Open(String, Option<String>),
    /// The file was fetched, or not, and why; with the answers that the browser keeps of all lessons.
    Fetched(Result<String, String>, Option<String>),
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
            LessonMsg::Fetched(text, kept) => self.receive_text(text, kept),
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
            LessonMsg::OpenScenario(scenario) => self.open_lesson_scenario(scenario, true),
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
            LessonMsg::Code(language) => self.lesson.code = language,
            LessonMsg::Restore(tries) => {
                self.lesson.tries.clone_from(&tries);
                self.lesson.restored = Some(tries);
            }
            LessonMsg::Export => self.export_answers(effects),
            LessonMsg::Forget => {
                self.lesson.tries.clear();
                self.lesson.again.clear();
                self.lesson.selected.clear();
                self.keep_tries(effects);
            }
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
        let index = step.and_then(|id| page?.steps.iter().position(|step| step.id == id)).unwrap_or(0);
        let is_shown = self.lesson.shown.is_some_and(|(_, number)| number == self.document.number());
        if index != self.lesson.step || !is_shown {
            self.show_step(index);
        }
    }

    fn toggle_lesson(&mut self, effects: &mut Vec<Effect>) {
        if self.lesson.state == LessonState::None {
            effects.push(Effect::Address { fragment: format!("lesson={}", first_lesson()), is_new: true });
            return self.open_lesson(first_lesson().into(), None, effects);
        }
        self.lesson.is_open = !self.lesson.is_open;
        effects.push(match self.lesson.is_open {
            true => Effect::FocusElement("lesson-heading".into()),
            false => Effect::FocusCanvas,
        });
    }

    fn receive_text(&mut self, text: Result<String, String>, kept: Option<String>) {
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
                if !was_ready && let Some(kept) = &self.lesson.kept {
                    self.lesson.tries = all_tries(kept).remove(&page.id).unwrap_or_default();
                }
                if let Some(tries) = self.lesson.restored.take() {
                    self.lesson.tries = tries;
                }
                let wanted = self.lesson.wanted_step.take();
                let index = wanted.and_then(|id| page.steps.iter().position(|step| step.id == id));
                self.lesson.state = LessonState::Ready(Rc::new(*page));
                if !was_ready {
                    self.show_step(index.unwrap_or(0));
                    effects.push(Effect::Address { fragment: self.lesson.fragment(), is_new: false });
                }
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
        self.lesson.tries.entry(asked.id.clone()).or_default().push(choice);
        self.lesson.again.remove(&question);
        self.lesson.wanted_choice = Some((question, choice));
        let prediction = Prediction { question: asked.id.clone(), answer: choice + 1, correct: chosen.right };
        self.lesson.predictions.push(prediction);
        let verdict = if chosen.right { text!("Right") } else { text!("Not right") };
        self.notices.announcer.announce(format!("{verdict}. {}", chosen.because));
        self.keep_tries(effects);
        effects.push(Effect::FocusElement(format!("result-{question}")));
    }

    /// Keeps the answers in the browser, beside those to other lessons.
    fn keep_tries(&mut self, effects: &mut Vec<Effect>) {
        let Some(page) = self.lesson.page().cloned() else { return };
        let mut all = self.lesson.kept.as_deref().map(all_tries).unwrap_or_default();
        all.insert(page.id.clone(), self.lesson.tries.clone());
        let kept = json::pretty(&all);
        self.lesson.kept = Some(kept.clone());
        effects.push(Effect::Keep(KEPT_LESSONS, kept));
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

/// Reads the answers to all lessons, as the browser keeps them. What cannot be read is forgotten.
fn all_tries(kept: &str) -> BTreeMap<String, Tries> {
    json::parse(kept).ok().and_then(|value| json::read(&value).ok()).unwrap_or_default()
}
