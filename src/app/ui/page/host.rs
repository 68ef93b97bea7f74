//! The messages between an embed and its host page.

use super::{Page, PageMsg, opening};
use crate::app::browser::host::{self, HostPort};
use crate::app::browser::{address, engine};
use crate::app::host::{HostAction, begin_host_action, end_host_action};
use crate::app::model::{LessonMsg, Mode, Msg, SharingMsg};
use crate::app::scene::Scene;
use crate::app::ui::lazy_views;
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use wasm_split_helpers::SplitLoaderError;
use web_sys::MessageEvent;

/// The room around the drawing, px.
const MARGIN: f64 = 80.0;
/// The minimum and the maximum height that an embed requests, px.
const HEIGHT: (f64, f64) = (320.0, 1_200.0);

/// The connection to the host page of an embed.
#[derive(Default)]
pub(super) struct HostConnection {
    /// The port, once its code is loaded.
    port: Option<Box<dyn HostPort>>,
    /// The messages that arrived before the code was loaded.
    waiting: Vec<(JsValue, String)>,
    /// The result of opening the address, and the unknown parts of it, until the code is loaded.
    opened: Option<(Option<String>, Vec<String>)>,
    /// The embed's own mode, while it is locked.
    unlocked_mode: Option<Mode>,
    /// The drawing and the width of the canvas for which the last height was reported.
    measured: Option<(Rc<Scene>, f64)>,
    is_destroyed: bool,
}

impl Page {
    /// Connects to the host page, if the address asks for it.
    pub(super) fn connect_host(&mut self) {
        let options = address::read(&address::fragment()).host;
        let Some(window) = web_sys::window().filter(|_| self.model.mode.is_embed() && options.any()) else { return };
        let link = self.link.clone();
        let parent = window.parent().ok().flatten();
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            // Messages of other frames and windows are ignored.
            if let Some(parent) = &parent
                && event.source().is_some_and(|source| js_sys::Object::is(&source, parent))
            {
                link.send_message(PageMsg::HostPosted(event.data(), event.origin()));
            }
        });
        let link = self.link.clone();
        let on_input = Closure::<dyn FnMut(web_sys::Event)>::new(move |_| link.send_message(PageMsg::Interacted));
        let _ = window.add_event_listener_with_callback("message", on_message.as_ref().unchecked_ref());
        for event in ["pointerdown", "keydown"] {
            let _ = window.add_event_listener_with_callback(event, on_input.as_ref().unchecked_ref());
        }
        // They live as long as the page.
        on_message.forget();
        on_input.forget();
        self.host = Some(HostConnection::default());
        self.link.send_future(async move {
            // A command must be executed at once, so its code must be there.
            let loaded = async {
                lazy_views::load().await?;
                engine::load_requests().await?;
                host::connect(options).await
            };
            PageMsg::HostConnected(loaded.await)
        });
    }

    /// Uses the port, and handles the messages that arrived before its code was loaded.
    pub(super) fn host_connected(&mut self, port: Result<Box<dyn HostPort>, SplitLoaderError>) {
        let Some(connection) = &mut self.host else { return };
        match port {
            Ok(mut port) => {
                if let Some((problem, unknown)) = connection.opened.take() {
                    port.opened(problem.as_deref());
                    port.report_unknown(&unknown);
                }
                connection.port = Some(port);
                let waiting = std::mem::take(&mut connection.waiting);
                self.handle(PageMsg::ViewsLoaded(true));
                for (data, origin) in waiting {
                    self.hear_host(&data, &origin);
                }
            }
            Err(_) => {
                self.update_model(Msg::Notify(crate::app::NOT_FETCHED.get().into()));
            }
        }
    }

    /// Handles a message of the host page.
    pub(super) fn hear_host(&mut self, data: &JsValue, origin: &str) {
        let Some(connection) = self.host.as_mut().filter(|connection| !connection.is_destroyed) else { return };
        let Some(port) = &mut connection.port else {
            connection.waiting.push((data.clone(), origin.into()));
            return;
        };
        for action in port.handle_message(data, origin, &self.model) {
            self.act_for_host(action);
        }
    }

    fn act_for_host(&mut self, action: HostAction) {
        match action {
            HostAction::Update(msg) => {
                let rights = begin_host_action(&mut self.model, &msg);
                self.update_model(msg);
                end_host_action(&mut self.model, rights);
            }
            HostAction::Open(text) if text.starts_with('{') => self.open(opening::open_text(text)),
            // If the link cannot be opened, the present run remains.
            HostAction::Open(link) => self.open(opening::open_fragment(link, false)),
            HostAction::Lock(locks) => {
                let Some(connection) = &mut self.host else { return };
                match (locks, connection.unlocked_mode) {
                    (true, None) => {
                        connection.unlocked_mode = Some(std::mem::replace(&mut self.model.mode, Mode::View))
                    }
                    (false, Some(mode)) => {
                        self.model.mode = mode;
                        connection.unlocked_mode = None;
                    }
                    (true, Some(_)) | (false, None) => {}
                }
                self.model.redraw.page = true;
            }
            HostAction::Destroy => {
                if let Some(connection) = &mut self.host {
                    connection.is_destroyed = true;
                }
            }
        }
    }

    /// Returns the mode of the page, or of a locked embed the one that it will have when it is unlocked.
    pub(super) fn own_mode(&self) -> Mode {
        self.host.as_ref().and_then(|connection| connection.unlocked_mode).unwrap_or(self.model.mode)
    }

    /// Returns whether the host page keeps the visitor from this action.
    pub(super) fn is_locked(&self, msg: &Msg) -> bool {
        self.host.as_ref().is_some_and(|connection| connection.unlocked_mode.is_some())
            && match msg {
                // The page has fetched or measured these itself.
                Msg::Lesson(
                    LessonMsg::Fetched(..)
                    | LessonMsg::Received(_)
                    | LessonMsg::Kept(_)
                    | LessonMsg::Enlarge
                    | LessonMsg::Code(_),
                ) => false,
                Msg::Lesson(_) | Msg::Sharing(SharingMsg::Record { .. }) => true,
                _ => matches!(
                    msg,
                    Msg::Playback(_)
                        | Msg::Live(_)
                        | Msg::Document(_)
                        | Msg::Branch(_)
                        | Msg::Time(_)
                        | Msg::Keyboard(_)
                ),
            }
    }

    /// Reports the result of opening a document.
    pub(super) fn report_opened(&mut self, problem: Option<&String>, unknown: &[String]) {
        let Some(connection) = &mut self.host else { return };
        match &mut connection.port {
            Some(port) => {
                port.opened(problem.map(String::as_str));
                port.report_unknown(unknown);
            }
            None => connection.opened = Some((problem.cloned(), unknown.to_vec())),
        }
    }

    pub(super) fn report_interaction(&mut self) {
        if let Some(port) = self.host.as_mut().and_then(|connection| connection.port.as_mut()) {
            port.interacted();
        }
    }

    /// Posts the events since the last change of the model.
    pub(super) fn serve_host(&mut self) {
        let Some(connection) = self.host.as_mut().filter(|connection| !connection.is_destroyed) else { return };
        let Some(port) = &mut connection.port else { return };
        port.observe(&mut self.model);
        let width = self.model.viewport.size.0;
        let is_same = |(scene, measured): &(Rc<Scene>, f64)| Rc::ptr_eq(scene, &self.model.scene) && *measured == width;
        if !connection.measured.as_ref().is_some_and(is_same) {
            connection.measured = Some((self.model.scene.clone(), width));
            port.report_height(wanted_height(&self.model.scene, self.model.viewport.size));
        }
    }
}

/// Returns the height of the page at which the whole drawing is visible in the present width.
fn wanted_height(scene: &Scene, (width, height): (f64, f64)) -> f64 {
    let bounds = scene.bounds();
    let inner = web_sys::window().and_then(|window| window.inner_height().ok()?.as_f64()).unwrap_or(height);
    let scale = ((width - MARGIN) / bounds.w.max(1.0)).clamp(0.1, 1.0);
    (bounds.h * scale + MARGIN + (inner - height)).clamp(HEIGHT.0, HEIGHT.1)
}
