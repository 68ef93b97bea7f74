//! The lesson beside the system: the text, the measured numbers, the reader's answers, and the lines of code that the run
//! has reached.

use super::kept_answers::{AnswerChange, Tries};
use super::texts::{self, Language};
use crate::scenario::Micros;
use crate::session::protocol::lesson::{
    FactMark, LessonBlock, LessonMeasurement, LessonPage, LessonProblem, LessonQuery, LessonSpan, MeasuredText,
};
use crate::session::protocol::{Query, Request};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// Returns the address of the lesson that the page offers, relative to the page and in its language.
pub fn first_lesson() -> &'static str {
    match texts::language() {
        Language::English => "lessons/eventual-consistency.md",
        Language::German => "lessons/eventual-consistency.de.md",
    }
}
/// The minimum time between two requests while the run plays, ms of real time, so that the run takes precedence.
const PAUSE: f64 = 60.0;
/// The number of failed attempts after which a request is given up.
const MAX_FAILURES: u32 = 3;
/// The minimum time between two requests for the facts of the run, ms of real time.
const FACTS_INTERVAL: f64 = 50.0;

/// The state of the lesson's file.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum LessonState {
    /// No lesson was opened.
    #[default]
    None,
    /// The file is being fetched or read.
    Loading,
    /// The file could not be fetched, for this reason.
    NotFetched(String),
    /// The file is not a lesson.
    Invalid(Rc<Vec<LessonProblem>>),
    /// The lesson.
    Ready(Rc<LessonPage>),
}

/// An answer of the reader, for the host page of an embed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prediction {
    /// The id of the question.
    pub question: String,
    /// The number of the choice, from 1.
    pub answer: u32,
    /// Whether it is the right one.
    pub correct: bool,
}

/// The times at which the run has reached the lines of the code.
#[derive(Clone, Debug, Default)]
struct FactTimes {
    marks: Vec<FactMark>,
    next: u64,
    reached: Vec<(Micros, u32)>,
    waiting: bool,
    last: f64,
}

/// The lesson.
#[derive(Clone, Debug, Default)]
pub struct LessonView {
    /// Whether the lesson is visible.
    pub is_open: bool,
    /// Its address, relative to the page.
    pub address: Rc<str>,
    /// The state of its file.
    pub state: LessonState,
    /// The text of the file.
    text: Rc<str>,
    /// The step that the address names, until the lesson is read.
    pub wanted_step: Option<String>,
    /// The current step, by its index.
    pub step: usize,
    /// The measurements, by scenario.
    pub measured: BTreeMap<u32, LessonMeasurement>,
    /// The choices that are selected and not proved.
    pub selected: BTreeMap<u32, u32>,
    /// The answers of the reader.
    pub tries: Tries,
    /// The answers to all lessons as the browser keeps them.
    pub kept: Option<String>,
    /// Changes of the answers that the browser does not keep yet.
    pub changes: Vec<AnswerChange>,
    /// Whether a translation is being fetched and read. Until then, the page shows the former text.
    pub is_translating: bool,
    /// Whether a phone shows more of the text.
    pub is_large: bool,
    /// Whether the host page of an embed keeps the answers.
    pub is_hosted: bool,
    /// Answers that the host page of an embed has kept, until the lesson is read.
    pub restored: Option<Tries>,
    /// The questions that the reader answers again.
    pub again: BTreeSet<u32>,
    /// The scenario of the lesson on the canvas, and the number of the document.
    pub shown: Option<(u32, u32)>,
    /// The choice whose run is on the canvas, and what it shows.
    pub shown_choice: Option<(u32, u32, String)>,
    /// The choice whose run is to be shown.
    pub wanted_choice: Option<(u32, u32)>,
    /// The stops of the sliders that were moved, by their labels.
    pub sliders: BTreeMap<String, usize>,
    /// The programming language of the code.
    pub code: String,
    /// Answers for the host page.
    pub predictions: Vec<Prediction>,
    facts: FactTimes,
    needs_reading: bool,
    waiting: bool,
    last: f64,
    /// The number of requests in succession that were given up.
    failures: u32,
}

impl LessonView {
    /// Returns the lesson, if it is read.
    pub fn page(&self) -> Option<&Rc<LessonPage>> {
        if let LessonState::Ready(page) = &self.state { Some(page) } else { None }
    }

    /// Begins to open a lesson.
    pub fn load(&mut self, address: &str, step: Option<String>) {
        *self = LessonView {
            is_open: true,
            address: address.into(),
            state: LessonState::Loading,
            wanted_step: step,
            code: std::mem::take(&mut self.code),
            restored: self.restored.take(),
            is_hosted: self.is_hosted,
            ..LessonView::default()
        };
    }

    /// Sets the text of the file, which is read next.
    pub fn set_text(&mut self, text: String) {
        self.text = text.into();
        (self.needs_reading, self.failures) = (true, 0);
    }

    /// Reads the file again in a new engine.
    pub fn read_again(&mut self) {
        self.waiting = false;
        self.facts.waiting = false;
        self.needs_reading |= self.page().is_some();
    }

    /// Returns the fragment of the address of the current step.
    pub fn fragment(&self) -> String {
        let step = self.page().and_then(|page| page.steps.get(self.step));
        let step = step.map_or(String::new(), |step| format!("&step={}", step.id));
        format!("lesson={}{step}", self.address)
    }

    /// Returns the scenarios that buttons in the current step offer, each with its first number in the text of the step.
    fn first_numbers(&self) -> BTreeMap<u32, u32> {
        let mut first = BTreeMap::new();
        let Some((page, step)) = self.page().and_then(|page| Some((page, page.steps.get(self.step)?))) else {
            return first;
        };
        let mut offered = BTreeSet::new();
        each_block(&step.blocks, &mut |block| {
            if let LessonBlock::Scenario(index) = block {
                offered.insert(*index);
            }
        });
        let mut note = |spans: &[LessonSpan]| {
            numbers(spans, &mut |number| {
                let scenario = page.figures.get(number as usize).map(|figure| figure.scenario);
                if let Some(scenario) =
                    scenario.filter(|index| offered.contains(index) && step.scenario != Some(*index))
                {
                    first.entry(scenario).or_insert(number);
                }
            });
        };
        each_block(&step.blocks, &mut |block| match block {
            LessonBlock::Paragraph(spans) => note(spans),
            LessonBlock::Table(_, rows) => rows.iter().flatten().for_each(|cell| note(cell)),
            _ => {}
        });
        first
    }

    /// Returns whether the button of a scenario follows the first of its numbers in the text.
    pub fn is_offered_with_a_number(&self, scenario: u32) -> bool {
        self.first_numbers().contains_key(&scenario)
    }

    /// Returns the index and the title of each scenario whose first number is in a text: its button follows the text.
    pub fn offered_with(&self, spans: &[LessonSpan]) -> Vec<(u32, String)> {
        let mut found = Vec::new();
        let first = self.first_numbers();
        numbers(spans, &mut |number| {
            let of_number = first.iter().find(|(_, other)| **other == number);
            let scenario = of_number.and_then(|(index, _)| Some((index, self.page()?.scenarios.get(*index as usize)?)));
            found.extend(scenario.map(|(index, scenario)| (*index, scenario.title.clone())));
        });
        found
    }

    /// Returns the scenarios that a step measures, with those of the questions in it.
    pub fn scenarios_of(page: &LessonPage, step: usize) -> BTreeSet<u32> {
        let mut found = BTreeSet::new();
        let blocks = page.steps.get(step).map_or(&[] as &[LessonBlock], |step| &step.blocks);
        each_block(blocks, &mut |block| match block {
            LessonBlock::Question(index) => {
                if let Some(question) = page.questions.get(*index as usize) {
                    found.extend(question.choices.iter().map(|choice| choice.scenario));
                }
            }
            LessonBlock::Heading(_, spans) | LessonBlock::Paragraph(spans) => figures(page, spans, &mut found),
            LessonBlock::Table(head, rows) => {
                let cells = head.iter().chain(rows.iter().flatten());
                cells.for_each(|spans| figures(page, spans, &mut found));
            }
            LessonBlock::Slider(slider) => {
                let cells = slider.rows.iter().flat_map(|(_, cells)| cells);
                cells.for_each(|spans| figures(page, spans, &mut found));
            }
            LessonBlock::List(..)
            | LessonBlock::Quote(_)
            | LessonBlock::Code(_)
            | LessonBlock::Rule
            | LessonBlock::Listing(_)
            | LessonBlock::Scenario(_)
            | LessonBlock::Challenge(..) => {}
        });
        found
    }

    /// Returns whether all runs of a scenario are made.
    pub fn is_measured(&self, scenario: u32) -> bool {
        self.measured.get(&scenario).is_some_and(|measured| measured.runs >= measured.of)
    }

    /// Returns the number of runs that were made for a step, and the number of runs that it needs.
    pub fn progress(&self, step: usize) -> (u64, u64) {
        let Some(page) = self.page() else { return (0, 0) };
        let scenarios = Self::scenarios_of(page, step);
        let of = |scenario: &u32| {
            self.measured.get(scenario).map_or((0, page.runs), |measured| (measured.runs, measured.of))
        };
        scenarios.iter().map(of).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    }

    /// Returns a measured number of the text, by its index.
    pub fn figure(&self, index: u32) -> Option<&MeasuredText> {
        let scenario = self.page()?.figures.get(index as usize)?.scenario;
        let figures = &self.measured.get(&scenario)?.figures;
        figures.iter().find(|(other, _)| *other == index).map(|(_, text)| text)
    }

    /// Returns the result of a proof.
    pub fn proof(&self, question: u32, choice: u32) -> Option<&MeasuredText> {
        let scenario = self.scenario_of(question, choice)?;
        let choices = &self.measured.get(&scenario)?.choices;
        choices.iter().find(|(asked, chosen, _)| (*asked, *chosen) == (question, choice)).map(|(_, _, text)| text)
    }

    /// Returns the choices that the reader has proved, the first one first.
    pub fn tries_of(&self, question: u32) -> &[u32] {
        let id = self.page().and_then(|page| page.questions.get(question as usize)).map(|question| &question.id);
        id.and_then(|id| self.tries.get(id)).map_or(&[], Vec::as_slice)
    }

    /// Returns whether the system has proved the answer.
    pub fn is_proved(&self, question: u32) -> bool {
        !self.tries_of(question).is_empty() && !self.again.contains(&question)
    }

    /// Returns the questions that were right on the first try, those that were answered, and all questions.
    pub fn score(&self) -> (usize, usize, usize) {
        let Some(page) = self.page() else { return (0, 0, 0) };
        let mut score = (0, 0, page.questions.len());
        for (index, question) in page.questions.iter().enumerate() {
            if let Some(first) = self.tries_of(index as u32).first() {
                score.1 += 1;
                score.0 += usize::from(question.choices.get(*first as usize).is_some_and(|choice| choice.right));
            }
        }
        score
    }

    /// Returns the next scenario to measure: first for the choice to show, then for the current step, then the others.
    fn next_scenario(&self, page: &LessonPage) -> Option<u32> {
        let wanted = self.wanted_choice.and_then(|(question, choice)| self.scenario_of(question, choice));
        let here = Self::scenarios_of(page, self.step);
        let others = page.figures.iter().map(|figure| figure.scenario);
        wanted.into_iter().chain(here).chain(others).find(|scenario| !self.is_measured(*scenario))
    }

    /// Returns whether there is something to read, to measure or to show.
    pub fn is_behind(&self, records: u64) -> bool {
        let work = self.needs_reading
            || self.wanted_choice.is_some()
            || self.page().is_some_and(|page| self.next_scenario(page).is_some());
        self.is_open
            && self.failures < MAX_FAILURES
            && (work || !self.facts.marks.is_empty() && self.facts.next < records)
    }

    /// Returns the next requests, if it is time for some.
    pub fn next_requests(&mut self, records: u64, plays: bool, wall: f64) -> [Option<Request>; 2] {
        if !self.is_behind(records) {
            return [None, None];
        }
        let mut facts = None;
        if !self.facts.marks.is_empty()
            && !self.facts.waiting
            && self.facts.next < records
            && wall - self.facts.last >= FACTS_INTERVAL
        {
            (self.facts.waiting, self.facts.last) = (true, wall);
            let marks = self.facts.marks.clone();
            facts = Some(Request::Query(Query::Facts { marks, from: self.facts.next }));
        }
        [facts, self.next_lesson_request(plays, wall)]
    }

    fn next_lesson_request(&mut self, plays: bool, wall: f64) -> Option<Request> {
        if self.waiting || plays && wall - self.last < PAUSE {
            return None;
        }
        let query = if self.needs_reading {
            self.needs_reading = false;
            LessonQuery::Open { text: self.text.to_string() }
        } else {
            let page = self.page()?.clone();
            match (self.next_scenario(&page), self.wanted_choice) {
                (Some(scenario), _) => LessonQuery::Measure { scenario },
                (None, Some((question, choice))) => LessonQuery::Show { question, choice },
                (None, None) => return None,
            }
        };
        // A wanted choice needs its own scenario only.
        let query = match self.wanted_choice.filter(|_| !matches!(query, LessonQuery::Open { .. })) {
            Some((question, choice))
                if self.scenario_of(question, choice).is_some_and(|scenario| self.is_measured(scenario)) =>
            {
                LessonQuery::Show { question, choice }
            }
            Some(_) | None => query,
        };
        (self.waiting, self.last) = (true, wall);
        Some(Request::Lesson(query))
    }

    /// Returns the scenario whose run proves or refutes a choice.
    pub fn scenario_of(&self, question: u32, choice: u32) -> Option<u32> {
        Some(self.page()?.questions.get(question as usize)?.choices.get(choice as usize)?.scenario)
    }

    /// Notes that the last request is answered.
    pub fn answered(&mut self) {
        (self.waiting, self.failures) = (false, 0);
    }

    /// Gives up the pending request: the engine does not answer it, because code for it or for an earlier request could not be
    /// fetched. After some attempts, the page shows why.
    pub fn cancel_request(&mut self, why: &str) {
        self.facts.waiting = false;
        if !std::mem::take(&mut self.waiting) {
            return;
        }
        self.failures += 1;
        self.needs_reading |= self.page().is_none() && !self.text.is_empty();
        if self.failures >= MAX_FAILURES {
            self.wanted_choice = None;
            if self.page().is_none() {
                self.state = LessonState::NotFetched(why.into());
            }
        }
    }

    /// Watches facts of the run.
    pub fn watch(&mut self, marks: Vec<FactMark>) {
        if self.facts.marks != marks {
            self.facts = FactTimes { marks, waiting: self.facts.waiting, ..FactTimes::default() };
        }
    }

    /// Requests the facts again that the run has reached, because the run is at another time.
    pub fn restart_facts(&mut self) {
        (self.facts.next, self.facts.waiting) = (0, false);
        self.facts.reached.clear();
    }

    /// Stores when facts have happened.
    pub fn receive_facts(&mut self, next: u64, reached: &[(Micros, u32)]) {
        if std::mem::take(&mut self.facts.waiting) {
            self.facts.next = next;
            self.facts.reached.extend_from_slice(reached);
        }
    }

    /// Returns how often a line was reached, and whether it is the one that was reached last.
    pub fn reached(&self, mark: &FactMark) -> (usize, bool) {
        let Some(index) = self.facts.marks.iter().position(|other| other == mark) else { return (0, false) };
        let index = index as u32;
        let count = self.facts.reached.iter().filter(|(_, line)| *line == index).count();
        let last = self.facts.reached.last().map(|(at, _)| *at);
        let is_last =
            self.facts.reached.iter().rev().take_while(|(at, _)| Some(*at) == last).any(|(_, line)| *line == index);
        (count, is_last)
    }
}

/// Visits each block, also those in lists and quotations.
pub fn each_block(blocks: &[LessonBlock], visit: &mut dyn FnMut(&LessonBlock)) {
    for block in blocks {
        visit(block);
        match block {
            LessonBlock::List(_, items) => items.iter().for_each(|item| each_block(item, visit)),
            LessonBlock::Quote(inner) => each_block(inner, visit),
            LessonBlock::Heading(..)
            | LessonBlock::Paragraph(_)
            | LessonBlock::Table(..)
            | LessonBlock::Slider(_)
            | LessonBlock::Code(_)
            | LessonBlock::Rule
            | LessonBlock::Listing(_)
            | LessonBlock::Question(_)
            | LessonBlock::Scenario(_)
            | LessonBlock::Challenge(..) => {}
        }
    }
}

/// Visits the numbers in a line, by their indices.
fn numbers(spans: &[LessonSpan], visit: &mut dyn FnMut(u32)) {
    for span in spans {
        match span {
            LessonSpan::Figure(index) => visit(*index),
            LessonSpan::Emphasis(inner)
            | LessonSpan::Strong(inner)
            | LessonSpan::Link(_, inner)
            | LessonSpan::StepLink(_, inner)
            | LessonSpan::TermLink(_, inner) => numbers(inner, visit),
            LessonSpan::Text(_) | LessonSpan::Code(_) | LessonSpan::Break => {}
        }
    }
}

/// Adds the scenarios of the numbers in a line.
fn figures(page: &LessonPage, spans: &[LessonSpan], found: &mut BTreeSet<u32>) {
    numbers(spans, &mut |index| found.extend(page.figures.get(index as usize).map(|figure| figure.scenario)));
}
