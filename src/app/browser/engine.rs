//! The session in a worker, or on the page's thread where workers are refused.
//!
//! Messages cross as bytes, see [`encode`].

use super::address;
use crate::session::Session;
use crate::session::crossing::{CrossingAnswer, CrossingRequest};
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

/// A connection to the session.
pub struct Engine {
    place: Rc<RefCell<Place>>,
    events: Callback<EngineEvent>,
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
#[derive(Default)]
struct Local {
    session: Rc<RefCell<Session>>,
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
        Engine { place, events }
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

    /// Sends a request.
    pub fn send(&self, request: &ToEngine) {
        match &*self.place.borrow() {
            Place::Worker { worker, .. } => {
                let (worker, events) = (worker.clone(), self.events.clone());
                let post = move |request: &CrossingRequest| {
                    if worker.post_message(&to_js(request)).is_err() {
                        events.emit(EngineEvent::Crashed("The worker does not receive requests.".into()));
                    }
                };
                let epoch = request.epoch;
                if matches!(request.request, Request::First) {
                    return post(&CrossingRequest::First { epoch });
                }
                let (request, events) = (request.clone(), self.events.clone());
                spawn_local(async move {
                    match pack_request(request).await {
                        Ok(request) => post(&request),
                        Err(_) => events.emit(EngineEvent::Answered(Box::new(not_fetched(epoch)))),
                    }
                });
            }
            Place::Here(local) => local.clone().handle_later(request.clone(), self.events.clone()),
        }
    }
}

fn ready() -> EngineEvent {
    EngineEvent::Answered(Box::new(FromEngine { epoch: 0, report: Report::Ready }))
}

fn worker(place: &Rc<RefCell<Place>>, events: &Callback<EngineEvent>) -> Result<Place, JsValue> {
    let folder = address::script_folder().ok_or("no script")?;
    let options = WorkerOptions::new();
    options.set_type(WorkerType::Module);
    let worker = Worker::new_with_options(&format!("{folder}worker.js"), &options)?;
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
        Rc::new(Local { budget: Cell::new(LOCAL_BUDGET), ..Local::default() })
    }

    fn handle_later(self: Rc<Self>, message: ToEngine, events: Callback<EngineEvent>) {
        after(move || {
            let ToEngine { epoch, request } = message;
            let Request::Advance { to, budget } = request else {
                return handle_here(&self.session, ToEngine { epoch, request }, events);
            };
            let request = Request::Advance { to, budget: budget.min(self.budget.get()) };
            let clock = web_sys::window().and_then(|window| window.performance());
            let start = clock.as_ref().map_or(0.0, web_sys::Performance::now);
            handle_here(&self.session, ToEngine { epoch, request }, events);
            let took = clock.map_or(0.0, |clock| clock.now()) - start;
            if took > LOCAL_TIME {
                self.budget.set((self.budget.get() / 2).max(200));
            } else if took < LOCAL_TIME / 4.0 {
                self.budget.set((self.budget.get() * 2).min(100_000));
            }
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
    let problem = "A part of the engine could not be loaded. Check the network connection.";
    FromEngine { epoch, report: Report::Unanswered(problem.into()) }
}

/// Fetches the code for all requests but the first.
///
/// # Errors
/// The code could not be fetched. A later call tries again.
pub async fn load_requests() -> Result<(), SplitLoaderError> {
    preload_requests().await
}

/// Packs any request for the worker. This code, like that of the three functions below, is loaded when the page first
/// sends another request than the first.
#[wasm_split(requests, fallible, preload(preload_requests))]
fn pack_request(message: ToEngine) -> Result<CrossingRequest, SplitLoaderError> {
    Ok(CrossingRequest::pack(&message))
}

/// Answers any request, on this thread.
#[wasm_split(requests, fallible)]
fn answer_here(session: Rc<RefCell<Session>>, message: ToEngine) -> Result<FromEngine, SplitLoaderError> {
    Ok(session.borrow_mut().handle(message))
}

/// Answers any request, in the worker.
#[wasm_split(requests, fallible)]
fn answer_in_worker(session: Rc<RefCell<Session>>, bytes: Vec<u8>) -> Result<CrossingAnswer, SplitLoaderError> {
    // Page and worker run the same module, so an invalid message is a bug.
    let message = decode(&bytes).unwrap_or_else(|problem| panic!("the page sends valid requests: {problem}"));
    Ok(CrossingAnswer::pack(session.borrow_mut().handle(message)))
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

/// Executes a request on this thread: at once if it is the first, or when the code for all requests is loaded. The page
/// sends no other request before it has the answer.
fn handle_here(session: &Rc<RefCell<Session>>, message: ToEngine, events: Callback<EngineEvent>) {
    let answered = |answer| EngineEvent::Answered(Box::new(answer));
    let epoch = message.epoch;
    if matches!(message.request, Request::First) {
        let report = session.borrow_mut().open_first();
        return events.emit(answered(FromEngine { epoch, report }));
    }
    let session = session.clone();
    spawn_local(async move {
        let answer = answer_here(session, message).await;
        events.emit(answered(answer.unwrap_or_else(|_| not_fetched(epoch))));
    });
}

/// Executes a request in the worker, as [`handle_here`] does.
fn handle(session: &Rc<RefCell<Session>>, request: CrossingRequest, post: impl Fn(CrossingAnswer) + 'static) {
    match request {
        CrossingRequest::First { epoch } => {
            if let Report::Frame(frame) = session.borrow_mut().open_first() {
                post(CrossingAnswer::Frame { epoch, frame });
            }
        }
        CrossingRequest::Other { epoch, bytes } => {
            let session = session.clone();
            spawn_local(async move {
                let answer = answer_in_worker(session, bytes).await;
                post(answer.unwrap_or(CrossingAnswer::NotFetched { epoch }));
            });
        }
    }
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
    let session = Rc::new(RefCell::new(Session::default()));
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
        let request = from_js(&event).unwrap_or_else(|problem| panic!("the page sends valid requests: {problem}"));
        handle(&session, request, post.clone());
    });
    scope.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    // The closure lives as long as the worker.
    on_message.forget();
}
