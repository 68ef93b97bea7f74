//! The session, in a worker of its own, or on the page's thread where workers are refused.
//!
//! What crosses is bytes, as [`crate::wire`] makes them.

use super::address;
use crate::scenario::ScenarioError;
use crate::session::Session;
use crate::session::later::{Known, Later, Lesson, Runs};
use crate::session::protocol::{FromEngine, Report, Request, ToEngine};
use crate::wire::{self, Wire};
use js_sys::Uint8Array;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use wasm_split_helpers::{SplitLoaderError, wasm_split};
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent, Worker, WorkerOptions, WorkerType};
use yew::Callback;

/// Events that one request runs at most on the page's thread, at first; then as many as fit its time.
const LOCAL_BUDGET: u32 = 2_000;
/// Time for them, ms: half a frame of the screen.
const LOCAL_TIME: f64 = 8.0;

/// Whoever runs the session.
pub struct Engine {
    place: Rc<RefCell<Place>>,
    answers: Callback<Answer>,
}

/// What comes back.
#[derive(Debug)]
pub enum Answer {
    /// An answer of the session.
    Said(Box<FromEngine>),
    /// The worker broke down.
    Failed(String),
}

enum Place {
    Worker { worker: Worker, _heard: Closure<dyn FnMut(MessageEvent)>, _failed: Closure<dyn FnMut(web_sys::Event)> },
    Here(Rc<Local>),
}

struct Local {
    session: RefCell<Session>,
    budget: Cell<u32>,
}

impl Engine {
    /// Starts a worker, or the session on this thread. The first answer is `Ready`.
    pub fn start(answers: Callback<Answer>) -> Engine {
        let place = Rc::new(RefCell::new(Place::Here(Rc::new(Local::new()))));
        match worker(&place, &answers) {
            Ok(worker) => *place.borrow_mut() = worker,
            Err(_) => answers.emit(ready()),
        }
        Engine { place, answers }
    }

    /// Sends a request.
    pub fn send(&self, request: &ToEngine) {
        match &*self.place.borrow() {
            Place::Worker { worker, .. } => {
                if worker.post_message(&crossing(request)).is_err() {
                    self.answers.emit(Answer::Failed("The engine's worker is gone: reload the page.".into()));
                }
            }
            Place::Here(local) => local.clone().later(request.clone(), self.answers.clone()),
        }
    }
}

fn ready() -> Answer {
    Answer::Said(Box::new(FromEngine { epoch: 0, report: Report::Ready }))
}

fn worker(place: &Rc<RefCell<Place>>, answers: &Callback<Answer>) -> Result<Place, JsValue> {
    let folder = address::script_folder().ok_or("no script")?;
    let options = WorkerOptions::new();
    options.set_type(WorkerType::Module);
    let worker = Worker::new_with_options(&format!("{folder}worker.js"), &options)?;
    let is_ready = Rc::new(Cell::new(false));
    let heard = {
        let (answers, is_ready) = (answers.clone(), is_ready.clone());
        Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            let (answer, problem) = crossed(&event);
            if let Some(problem) = problem {
                return answers.emit(Answer::Failed(format!("The engine's answer makes no sense: {problem}")));
            }
            is_ready.set(true);
            answers.emit(Answer::Said(Box::new(answer)));
        })
    };
    let failed = {
        let (answers, place) = (answers.clone(), place.clone());
        Closure::<dyn FnMut(web_sys::Event)>::new(move |event: web_sys::Event| {
            event.prevent_default();
            if is_ready.get() {
                answers.emit(Answer::Failed("The engine stopped: reload the page.".into()));
            } else {
                // Refused, as in a frame without an origin: the session runs here instead. What runs now
                // belongs to the worker's place, so it is left only after this call.
                let (answers, place) = (answers.clone(), place.clone());
                after(move || {
                    *place.borrow_mut() = Place::Here(Rc::new(Local::new()));
                    answers.emit(ready());
                });
            }
        })
    };
    worker.set_onmessage(Some(heard.as_ref().unchecked_ref()));
    worker.set_onerror(Some(failed.as_ref().unchecked_ref()));
    Ok(Place::Worker { worker, _heard: heard, _failed: failed })
}

/// Runs something once this thread has nothing else to do.
fn after(run: impl FnOnce() + 'static) {
    let run = Closure::once_into_js(run);
    if let Some(window) = web_sys::window() {
        let _ = window.set_timeout_with_callback(run.unchecked_ref());
    }
}

impl Local {
    fn new() -> Local {
        Local { session: RefCell::default(), budget: Cell::new(LOCAL_BUDGET) }
    }

    fn later(self: Rc<Self>, mut request: ToEngine, answers: Callback<Answer>) {
        let lesson = self.session.borrow().must_learn(&request.request);
        if let Some(lesson) = lesson {
            return spawn_local(async move {
                match fetch(lesson).await {
                    Ok(known) => {
                        self.session.borrow_mut().learn(known);
                        self.later(request, answers);
                    }
                    Err(_) => answers.emit(Answer::Said(Box::new(not_fetched(&request)))),
                }
            });
        }
        after(move || {
            if let Request::Advance { budget, .. } = &mut request.request {
                *budget = (*budget).min(self.budget.get());
            }
            let advances = matches!(request.request, Request::Advance { .. });
            let clock = web_sys::window().and_then(|window| window.performance());
            let start = clock.as_ref().map_or(0.0, web_sys::Performance::now);
            let said = self.session.borrow_mut().handle(request);
            let took = clock.map_or(0.0, |clock| clock.now()) - start;
            if advances && took > LOCAL_TIME {
                self.budget.set((self.budget.get() / 2).max(200));
            } else if advances && took < LOCAL_TIME / 4.0 {
                self.budget.set((self.budget.get() * 2).min(100_000));
            }
            for answer in said {
                answers.emit(Answer::Said(Box::new(answer)));
            }
        });
    }
}

fn crossing(what: &impl Wire) -> JsValue {
    Uint8Array::from(wire::written(what).as_slice()).into()
}

fn crossed<T: Wire>(event: &MessageEvent) -> (T, Option<String>) {
    let bytes = event.data().dyn_into::<Uint8Array>().map(|bytes| bytes.to_vec());
    wire::read(&bytes.unwrap_or_default())
}

/// Fetches what the session must learn.
async fn fetch(lesson: Lesson) -> Result<Known, SplitLoaderError> {
    match lesson {
        Lesson::Runs => runs().await,
        Lesson::Later => later().await,
    }
}

#[wasm_split(runs, fallible)]
fn runs() -> Result<Known, SplitLoaderError> {
    Ok(Runs::new().into())
}

#[wasm_split(session, fallible)]
fn later() -> Result<Known, SplitLoaderError> {
    Ok(Later::new().into())
}

/// What is said where that cannot be fetched. The run that is shown goes on.
fn not_fetched(asked: &ToEngine) -> FromEngine {
    let problem = "a part of the engine could not be fetched. Is the network there?";
    let report = match asked.request {
        Request::Load { .. } | Request::Edit { .. } => {
            Report::Refused { errors: vec![ScenarioError::new("", format!("This cannot be run: {problem}"))] }
        }
        _ => Report::Unanswered(format!("This cannot be answered: {problem}")),
    };
    FromEngine { epoch: asked.epoch, report }
}

/// Runs the session in a worker: hears requests, posts answers.
pub fn serve(scope: DedicatedWorkerGlobalScope) {
    let session = Rc::new(RefCell::new(Session::default()));
    let post = {
        let scope = scope.clone();
        Rc::new(move |answer: &FromEngine| {
            // A closed page cannot be answered; nothing is lost by that.
            let _ = scope.post_message(&crossing(answer));
        })
    };
    post(&FromEngine { epoch: 0, report: Report::Ready });
    let heard = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        let (request, problem): (ToEngine, _) = crossed(&event);
        if let Some(problem) = problem {
            // Refused like a scenario that is not sound: the run goes on.
            let errors = vec![ScenarioError::new("", problem)];
            post(&FromEngine { epoch: request.epoch, report: Report::Refused { errors } });
        } else if let Some(lesson) = session.borrow().must_learn(&request.request) {
            // The page asks nothing more before it is answered.
            let (session, post) = (session.clone(), post.clone());
            spawn_local(async move {
                match fetch(lesson).await {
                    Ok(known) => {
                        session.borrow_mut().learn(known);
                        session.borrow_mut().handle(request).iter().for_each(&*post);
                    }
                    Err(_) => post(&not_fetched(&request)),
                }
            });
        } else {
            session.borrow_mut().handle(request).iter().for_each(&*post);
        }
    });
    scope.set_onmessage(Some(heard.as_ref().unchecked_ref()));
    // It listens as long as the worker lives.
    heard.forget();
}
