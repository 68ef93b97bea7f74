//! The session in a worker, or on the page's thread where workers are refused.
//!
//! Messages cross as bytes, see [`encode`].

use super::address;
use crate::language::set_language;
use crate::lessons::CourseDesk;
use crate::session::Session;
use crate::session::crossing::{CrossingAnswer, CrossingRequest};
use crate::session::first_frame;
use crate::session::protocol::{FromEngine, Report, Request, ToEngine, decode, encode};
use js_sys::Uint8Array;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use wasm_split_helpers::{SplitLoaderError, wasm_split};
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent, Worker, WorkerOptions, WorkerType};
use yew::Callback;

/// The first limit on the simulated events of one request on the page's thread; it then adapts to [`LOCAL_TIME`].
const LOCAL_BUDGET: u32 = 2_000;
/// The time that one request may take on the page's thread, ms: half a frame of the screen.
const LOCAL_TIME: f64 = 8.0;

/// The maximum time of one request in the worker, ms. The worker handles one request at a time, so a longer one would delay all
/// others.
const WORKER_TIME: f64 = 25.0;

/// Returns the real time, ms, in a window or a worker.
fn clock() -> f64 {
    js_sys::Date::now()
}

/// A connection to the session.
pub struct Engine {
    place: Rc<RefCell<Place>>,
    events: Callback<EngineEvent>,
    /// Whether the page shows the recorded frame of the first scenario, which the session opens before the next request.
    opens_first: Rc<Cell<bool>>,
}

/// An event of the session.
#[derive(Debug)]
pub enum EngineEvent {
    /// The session has answered a request.
    Answered(Box<FromEngine>),
    /// The session has crashed, with the message of its panic.
    Crashed(String),
}

/// Where the session runs.
enum Place {
    Worker {
        worker: Worker,
        _on_message: Closure<dyn FnMut(MessageEvent)>,
        _on_error: Closure<dyn FnMut(web_sys::Event)>,
    },
    Here(Rc<Local>),
}

/// A session on the page's thread.
struct Local {
    budget: Cell<u32>,
}

impl Engine {
    /// Starts a worker, or the session on this thread. The first answer is `Ready`.
    pub fn start(events: Callback<EngineEvent>) -> Engine {
        let place = Rc::new(RefCell::new(Place::Here(Local::new())));
        match worker(&place, &events) {
            Ok(worker) => *place.borrow_mut() = worker,
            Err(_) => events.emit(ready()),
        }
        Engine { place, events, opens_first: Rc::default() }
    }

    /// Replaces a crashed session by a new one. Its first answer is `Ready`.
    pub fn restart(&mut self) {
        if let Place::Worker { worker, .. } = &*self.place.borrow() {
            worker.set_onmessage(None);
            worker.set_onerror(None);
            worker.terminate();
        }
        *self = Engine::start(self.events.clone());
    }

    /// Sends a request. The first scenario's first frame is recorded, so it needs no engine.
    pub fn send(&self, request: &ToEngine) {
        let (epoch, events) = (request.epoch, self.events.clone());
        if matches!(request.request, Request::First) {
            self.opens_first.set(true);
            let report = Report::Frame(Box::new(first_frame()));
            return events.emit(EngineEvent::Answered(Box::new(FromEngine { epoch, report })));
        }
        let request = request.clone();
        // The session opens the first scenario before the next request that it answers.
        let opens_first = if request.request.is_about_course() { Rc::default() } else { self.opens_first.clone() };
        match &*self.place.borrow() {
            Place::Worker { worker, .. } => {
                let worker = worker.clone();
                spawn_local(async move {
                    let Ok(request) = pack_request(request, opens_first.get()).await else {
                        return events.emit(EngineEvent::Answered(Box::new(not_fetched(epoch))));
                    };
                    opens_first.set(false);
                    if worker.post_message(&to_js(&request)).is_err() {
                        events.emit(EngineEvent::Crashed("The worker does not receive requests.".into()));
                    }
                });
            }
            Place::Here(local) => local.clone().handle_later(request, opens_first, events),
        }
    }
}

fn ready() -> EngineEvent {
    EngineEvent::Answered(Box::new(FromEngine { epoch: 0, report: Report::Ready }))
}

fn worker(place: &Rc<RefCell<Place>>, events: &Callback<EngineEvent>) -> Result<Place, JsValue> {
    let (script, is_module) = address::worker().ok_or("no script")?;
    let options = WorkerOptions::new();
    options.set_type(if is_module { WorkerType::Module } else { WorkerType::Classic });
    let worker = Worker::new_with_options(&script, &options)?;
    let is_ready = Rc::new(Cell::new(false));
    let on_message = {
        let (events, is_ready) = (events.clone(), is_ready.clone());
        Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            is_ready.set(true);
            // A text is the message of a panic.
            if let Some(message) = event.data().as_string() {
                return events.emit(EngineEvent::Crashed(message));
            }
            match from_js(&event) {
                Ok(answer) => receive(answer, events.clone()),
                Err(problem) => events.emit(invalid(&problem)),
            }
        })
    };
    let on_error = {
        let (events, place) = (events.clone(), place.clone());
        Closure::<dyn FnMut(web_sys::Event)>::new(move |event: web_sys::Event| {
            event.prevent_default();
            if is_ready.get() {
                // After a panic, its message has arrived before this event.
                let message = js_sys::Reflect::get(&event, &"message".into()).ok().and_then(|text| text.as_string());
                events.emit(EngineEvent::Crashed(message.unwrap_or_else(|| "The worker stopped.".into())));
            } else {
                // Workers are refused, as in a frame without an origin: the session runs here instead. This
                // closure belongs to the worker, which must not be dropped before it returns.
                let (events, place) = (events.clone(), place.clone());
                after(move || {
                    *place.borrow_mut() = Place::Here(Local::new());
                    events.emit(ready());
                });
            }
        })
    };
    worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
    Ok(Place::Worker { worker, _on_message: on_message, _on_error: on_error })
}

/// Runs a function when this thread is idle.
fn after(run: impl FnOnce() + 'static) {
    let run = Closure::once_into_js(run);
    if let Some(window) = web_sys::window() {
        let _ = window.set_timeout_with_callback(run.unchecked_ref());
    }
}

impl Local {
    fn new() -> Rc<Local> {
        Rc::new(Local { budget: Cell::new(LOCAL_BUDGET) })
    }

    fn handle_later(self: Rc<Self>, mut message: ToEngine, opens_first: Rc<Cell<bool>>, events: Callback<EngineEvent>) {
        let advances = matches!(message.request, Request::Advance { .. });
        if let Request::Advance { budget, .. } = &mut message.request {
            *budget = (*budget).min(self.budget.get());
        }
        after(move || {
            spawn_local(async move {
                let epoch = message.epoch;
                let clock = web_sys::window().and_then(|window| window.performance());
                let start = clock.as_ref().map_or(0.0, web_sys::Performance::now);
                let answer = match message.request.is_about_course() {
                    true => answer_about_course_here(message).await,
                    false => answer_here(message, opens_first.get()).await,
                };
                let took = clock.map_or(0.0, |clock| clock.now()) - start;
                if answer.is_ok() {
                    opens_first.set(false);
                }
                if advances && took > LOCAL_TIME {
                    self.budget.set((self.budget.get() / 2).max(200));
                } else if advances && took < LOCAL_TIME / 4.0 {
                    self.budget.set((self.budget.get() * 2).min(100_000));
                }
                events.emit(EngineEvent::Answered(Box::new(answer.unwrap_or_else(|_| not_fetched(epoch)))));
            });
        });
    }
}

fn to_js(message: &impl Serialize) -> JsValue {
    Uint8Array::from(encode(message).as_slice()).into()
}

fn from_js<T: DeserializeOwned>(event: &MessageEvent) -> Result<T, String> {
    let bytes = event.data().dyn_into::<Uint8Array>().map_err(|_| "it is not bytes")?;
    decode(&bytes.to_vec())
}

/// The report about a request whose code could not be fetched.
fn not_fetched(epoch: u32) -> FromEngine {
    FromEngine { epoch, report: Report::Unanswered(crate::app::NOT_FETCHED.get().into()) }
}

/// Fetches the code for all requests but the first.
///
/// # Errors
/// The code could not be fetched. A later call tries again.
pub async fn load_requests() -> Result<(), SplitLoaderError> {
    preload_requests().await
}

thread_local! {
    /// The session of this thread. Only code that is loaded on demand uses it, so the page opens without the engine.
    static SESSION: RefCell<Session> = RefCell::default();
    /// The lesson and the answer to a task in this thread.
    static COURSE: RefCell<CourseDesk> = RefCell::default();
}

/// Packs a request for the worker. This code, like that of the three functions below, is loaded on demand.
#[wasm_split(requests, fallible, preload(preload_requests))]
fn pack_request(message: ToEngine, opens_first: bool) -> Result<CrossingRequest, SplitLoaderError> {
    Ok(CrossingRequest::pack(&message, opens_first))
}

/// Answers a request, on this thread.
#[wasm_split(requests, fallible)]
fn answer_here(message: ToEngine, opens_first: bool) -> Result<FromEngine, SplitLoaderError> {
    Ok(answer(message, opens_first))
}

/// Answers a request, in the worker.
#[wasm_split(requests, fallible)]
fn answer_in_worker(request: CrossingRequest) -> Result<CrossingAnswer, SplitLoaderError> {
    // Page and worker run the same module, so an invalid message is a bug.
    let message = decode(&request.bytes).unwrap_or_else(|problem| panic!("the page sends valid requests: {problem}"));
    Ok(CrossingAnswer::pack(answer(message, request.opens_first)))
}

/// Answers a request about the course, on this thread.
#[wasm_split(lesson_engine, fallible)]
fn answer_about_course_here(message: ToEngine) -> Result<FromEngine, SplitLoaderError> {
    Ok(answer_about_course(message))
}

/// Answers a request about the course, in the worker.
#[wasm_split(lesson_engine, fallible)]
fn answer_about_course_in_worker(request: CrossingRequest) -> Result<CrossingAnswer, SplitLoaderError> {
    let message = decode(&request.bytes).unwrap_or_else(|problem| panic!("the page sends valid requests: {problem}"));
    Ok(CrossingAnswer::pack(answer_about_course(message)))
}

/// Answers a request about this thread's lesson or answer.
fn answer_about_course(message: ToEngine) -> FromEngine {
    let mut desk = COURSE.take();
    let until = clock() + if web_sys::window().is_some() { LOCAL_TIME } else { WORKER_TIME };
    let answer = desk.answer(message, &mut || clock() < until);
    COURSE.set(desk);
    answer
}

/// Executes a request in this thread's session. After a panic, the next request finds a new session.
fn answer(message: ToEngine, opens_first: bool) -> FromEngine {
    let mut session = SESSION.take();
    session.set_clock(clock, if web_sys::window().is_some() { LOCAL_TIME } else { WORKER_TIME });
    if opens_first {
        session.handle(ToEngine { epoch: message.epoch, request: Request::First });
    }
    let answer = session.handle(message);
    SESSION.set(session);
    answer
}

/// Reads an answer of the worker.
#[wasm_split(requests, fallible)]
fn read_answer(bytes: Vec<u8>) -> Result<EngineEvent, SplitLoaderError> {
    Ok(match CrossingAnswer::read_other(&bytes) {
        Ok(answer) => EngineEvent::Answered(Box::new(answer)),
        Err(problem) => invalid(&problem),
    })
}

fn invalid(problem: &str) -> EngineEvent {
    EngineEvent::Crashed(format!("The worker's answer is invalid: {problem}"))
}

/// Reports an answer of the worker.
fn receive(answer: CrossingAnswer, events: Callback<EngineEvent>) {
    match answer {
        CrossingAnswer::Ready => events.emit(ready()),
        CrossingAnswer::Frame { epoch, frame } => {
            events.emit(EngineEvent::Answered(Box::new(FromEngine { epoch, report: Report::Frame(frame) })));
        }
        CrossingAnswer::NotFetched { epoch } => events.emit(EngineEvent::Answered(Box::new(not_fetched(epoch)))),
        CrossingAnswer::Other(bytes) => spawn_local(async move {
            let problem = "its code could not be fetched";
            events.emit(read_answer(bytes).await.unwrap_or_else(|_| invalid(problem)));
        }),
    }
}

/// Runs the session in a worker: receives requests, posts answers.
pub fn serve(scope: DedicatedWorkerGlobalScope) {
    let post = {
        let scope = scope.clone();
        move |answer: CrossingAnswer| {
            // Posting fails only when the page is closed.
            let _ = scope.post_message(&to_js(&answer));
        }
    };
    post(CrossingAnswer::Ready);
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        // Page and worker run the same module, so an invalid message is a bug.
        let request: CrossingRequest =
            from_js(&event).unwrap_or_else(|problem| panic!("the page sends valid requests: {problem}"));
        // The texts of the answer are in the page's language.
        set_language(request.language);
        let post = post.clone();
        spawn_local(async move {
            let epoch = request.epoch;
            let answer = match request.is_about_course {
                true => answer_about_course_in_worker(request).await,
                false => answer_in_worker(request).await,
            };
            post(answer.unwrap_or(CrossingAnswer::NotFetched { epoch }));
        });
    });
    scope.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    // The closure lives as long as the worker.
    on_message.forget();
}
