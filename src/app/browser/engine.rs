//! The session in a worker, or on the page's thread where workers are refused.
//!
//! Messages cross as bytes, see [`encode`].

use super::address;
use crate::session::Session;
use crate::session::protocol::{FromEngine, Query, Report, Request, ToEngine, decode, encode};
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
                if worker.post_message(&to_js(request)).is_err() {
                    self.events.emit(EngineEvent::Crashed("The worker does not receive requests.".into()));
                }
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
            events.emit(match from_js(&event) {
                Ok(answer) => EngineEvent::Answered(Box::new(answer)),
                Err(problem) => EngineEvent::Crashed(format!("The worker's answer is invalid: {problem}")),
            });
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
            let post = move |answer: &FromEngine| events.emit(EngineEvent::Answered(Box::new(answer.clone())));
            let ToEngine { epoch, request } = message;
            let Request::Advance { to, budget } = request else {
                return handle(&self.session, ToEngine { epoch, request }, post);
            };
            let request = Request::Advance { to, budget: budget.min(self.budget.get()) };
            let clock = web_sys::window().and_then(|window| window.performance());
            let start = clock.as_ref().map_or(0.0, web_sys::Performance::now);
            handle(&self.session, ToEngine { epoch, request }, post);
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

/// Executes a request and posts its answer: at once, or for a query when the code that answers queries is loaded.
/// The page sends no other request before it has the answer.
fn handle(session: &Rc<RefCell<Session>>, message: ToEngine, post: impl Fn(&FromEngine) + 'static) {
    let ToEngine { epoch, request } = message;
    let executed = session.borrow_mut().execute(request);
    match executed {
        Ok(report) => post(&FromEngine { epoch, report }),
        Err(query) => {
            let session = session.clone();
            spawn_local(async move {
                let report = answer(session, query).await.unwrap_or_else(|_| {
                    Report::Unanswered("A part of the engine could not be loaded. Check the network connection.".into())
                });
                post(&FromEngine { epoch, report });
            });
        }
    }
}

/// Answers a query. This code is loaded with the first query.
#[wasm_split(answers, fallible)]
fn answer(session: Rc<RefCell<Session>>, query: Query) -> Result<Report, SplitLoaderError> {
    Ok(session.borrow_mut().answer(&query))
}

/// Runs the session in a worker: receives requests, posts answers.
pub fn serve(scope: DedicatedWorkerGlobalScope) {
    let session = Rc::new(RefCell::new(Session::default()));
    let post = {
        let scope = scope.clone();
        move |answer: &FromEngine| {
            // Posting fails only when the page is closed.
            let _ = scope.post_message(&to_js(answer));
        }
    };
    post(&FromEngine { epoch: 0, report: Report::Ready });
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        // Page and worker run the same module, so an invalid message is a bug.
        let message = from_js(&event).unwrap_or_else(|problem| panic!("the page sends valid requests: {problem}"));
        handle(&session, message, post.clone());
    });
    scope.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    // The closure lives as long as the worker.
    on_message.forget();
}
