//! A page for tests, with a session that answers every request at once.

use super::{
    DocumentMsg, Effect, KEPT_LESSONS, LessonMsg, LiveMsg, Model, Msg, Opening, Sizes, TaskMsg, ViewportMsg, update,
};
use crate::lessons::CourseDesk;
use crate::scenario::{Command, Operation};
use crate::session::Session;
use crate::session::protocol::{FromEngine, Report, ToEngine};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// A page of 1,200 × 800 px that shows the first scenario, with its session.
pub(crate) struct TestPage {
    pub model: Model,
    session: Session,
    course: CourseDesk,
    pub restarts: usize,
    /// What the browser keeps, for all tabs.
    pub storage: Rc<RefCell<BTreeMap<&'static str, String>>>,
    /// The effects of the last message, apart from requests.
    pub effects: Vec<Effect>,
}

impl TestPage {
    pub fn new() -> TestPage {
        TestPage::open(Msg::Document(DocumentMsg::OpenFirst))
    }

    /// A page that opens a document at its start.
    pub fn with(opening: Opening) -> TestPage {
        TestPage::open(Msg::Document(DocumentMsg::Open(Box::new(opening))))
    }

    fn open(open: Msg) -> TestPage {
        let (model, session) = (Model::default(), Session::default());
        let course = CourseDesk::default();
        let mut page = TestPage { model, session, course, restarts: 0, storage: Rc::default(), effects: Vec::new() };
        let canvas = (1200.0, 800.0);
        let sizes = Sizes { canvas, room: canvas, unit: 1.0, ..Sizes::default() };
        page.update(Msg::Viewport(ViewportMsg::Resized(sizes)));
        page.update(open);
        page.update(ready());
        page
    }

    pub fn update(&mut self, msg: Msg) {
        let mut kept = Vec::new();
        for effect in update(&mut self.model, msg) {
            if effect == Effect::RestartEngine {
                self.session = Session::default();
                self.restarts += 1;
            } else if let Effect::Send(request) = effect {
                self.answer(*request);
            } else if let Effect::AnswerGrade(report) = effect {
                self.update(Msg::Task(TaskMsg::Received(report)));
            } else if let Effect::AnswerLesson(report) = effect {
                self.update(Msg::Lesson(LessonMsg::Received(report)));
            } else if let Effect::ReadKept(name) = effect {
                let text = self.storage.borrow().get(name).cloned();
                self.update(match name {
                    KEPT_LESSONS => Msg::Lesson(LessonMsg::Kept(text)),
                    _ => Msg::Task(TaskMsg::Kept(text)),
                });
            } else {
                if let Effect::Keep(name, text) = &effect {
                    self.storage.borrow_mut().insert(name, text.clone());
                }
                kept.push(effect);
            }
        }
        self.effects = kept;
    }

    /// Answers requests that were kept back.
    pub fn answer_all(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            if let Effect::Send(request) = effect {
                self.answer(*request);
            }
        }
    }

    /// Grades the drawing in the current task.
    pub fn grade(&mut self) {
        self.update(Msg::Task(TaskMsg::Grade));
        while self.model.tasks.is_running() {
            self.update(Msg::Tick(0.0));
        }
    }

    fn answer(&mut self, request: ToEngine) {
        let answer = match request.request.is_about_course() {
            true => self.course.answer(request, &mut || true),
            false => self.session.handle(request),
        };
        self.update(Msg::Engine(answer.into()));
    }
}

/// The first answer of an engine.
pub(crate) fn ready() -> Msg {
    Msg::Engine(FromEngine { epoch: 0, report: Report::Ready }.into())
}

/// A live command that writes a value at Inventory.
pub(crate) fn write(value: i64) -> Msg {
    let operation = Operation::Write { key: "widget".into(), value: value.into() };
    Msg::Live(LiveMsg::Execute(Command::Operate { service: "inventory".into(), operation, poison: false }))
}
