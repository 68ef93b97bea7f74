//! Executes the model's effects: requests to the engine, storage, focus, files, theme.

use super::{Page, PageMsg, ViewsState, focus, opening};
use crate::app::browser::{address, crash_report, documents, drawings, files, language, storage, theme};
use crate::app::gesture::Gesture;
use crate::app::kept_drawings::{DrawingsAnswer, DrawingsRequest};
use crate::app::model::{
    self, DrawingsMsg, Effect, KEPT_CODE, KEPT_LESSONS, KEPT_TAB, KEPT_TASKS, LessonMsg, Msg, SharingMsg, TaskMsg,
};
use crate::app::picture::PictureFailure;
use crate::app::ui::lazy_views;
use crate::scenario::Scenario;
use crate::text;
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Element, HtmlElement};
use yew::Callback;

impl Page {
    /// Updates the model and executes the effects. The code for actions of the visitor is loaded with the lazy views, so earlier
    /// actions wait for it. All other messages are handled at once.
    pub(super) fn update_model(&mut self, msg: Msg) {
        // A click on a playback control stays behind the actions before it.
        if !self.waiting_actions.is_empty() && matches!(msg, Msg::Playback(_)) {
            return self.waiting_actions.push(msg);
        }
        let effects = match model::update_playing(&mut self.model, msg) {
            Ok(effects) => effects,
            Err(action) if self.views == ViewsState::Loaded => lazy_views::update(&mut self.model, action),
            Err(action) => return self.waiting_actions.push(action),
        };
        crash_report::remember(self.model.run_record());
        for effect in effects {
            self.execute(effect);
        }
        if !self.is_tab_kept && self.model.document.can_undo() {
            // The code that writes the record is then there when the visitor leaves the page.
            self.keep_tab(false);
        }
    }

    /// Executes the actions that have waited for their code.
    pub(super) fn execute_waiting_actions(&mut self) {
        for action in std::mem::take(&mut self.waiting_actions) {
            self.update_model(action);
        }
    }

    /// Keeps the document of this tab, with its history, for a reload. Before the code of actions is loaded, nothing was done.
    pub(super) fn keep_tab(&mut self, is_leaving: bool) {
        if self.views == ViewsState::Loaded && !crash_report::has_crashed() {
            self.is_tab_kept = true;
            self.update_model(Msg::KeepTab { fragment: address::fragment(), is_leaving });
        }
    }

    fn execute(&mut self, effect: Effect) {
        match effect {
            Effect::Send(request) => self.engine.send(&request),
            Effect::RestartEngine => self.engine.restart(),
            // A new card can receive the focus only after the page is rendered.
            Effect::Focus(id) => {
                self.next_focus = Some(id);
                self.model.redraw.page = true;
            }
            Effect::FocusCanvas => {
                self.next_focus = Some(String::new());
                self.model.redraw.page = true;
            }
            Effect::FocusElement(id) => {
                self.next_element = Some(id);
                self.model.redraw.page = true;
            }
            Effect::Keep(name, text) => storage::keep(name, &text),
            Effect::ReadKept(name) => self.receive_kept(name),
            Effect::KeepTab(None) => storage::keep_in_tab(KEPT_TAB, None),
            Effect::KeepTab(Some(record)) => spawn_local(async move {
                if let Ok(text) = documents::write_tab_record(record).await {
                    storage::keep_in_tab(KEPT_TAB, Some(&text));
                }
            }),
            Effect::Drawings(request) => self.request_drawings(request),
            Effect::Address { fragment, is_new } => {
                if !self.model.mode.is_embed() {
                    address::show(&fragment, is_new);
                }
            }
            Effect::CopyText(scenario) => {
                let copied = self.copied.clone();
                spawn_local(async move {
                    if let Ok(text) = documents::write_cards(scenario).await {
                        files::copy(&text, |_| ());
                        *copied.borrow_mut() = Some(text);
                    }
                });
            }
            Effect::SaveFile(scenario) => spawn_local(async move {
                let name = files::name_of(&scenario.title);
                if let Ok(text) = documents::write_document(scenario).await {
                    files::download(&format!("{name}.json"), "application/json", &text);
                }
            }),
            Effect::OpenNamed(fragment) => self.open(opening::open_named(fragment)),
            Effect::FetchLesson(address) => self.fetch_lesson(address),
            Effect::AnswerLesson(report) => {
                self.link.send_message(PageMsg::Model(Msg::Lesson(LessonMsg::Received(report))));
            }
            Effect::AnswerGrade(report) => {
                self.link.send_message(PageMsg::Model(Msg::Task(TaskMsg::Received(report))));
            }
            Effect::CopyAnswer(answer) => self.copy_answer(answer),
            Effect::DrawBranches => self.link.send_message(PageMsg::Model(Msg::DrawBranches)),
            Effect::SavePicture { format, only, name } => {
                self.painter.save_picture(&self.model, format, only.as_ref(), &name, self.picture_failure());
                self.model.redraw.paint = true;
            }
            Effect::Save(name, text) => files::download(&name, "text/plain", &text),
            Effect::SaveSlice(slice) => files::download_slice(&slice),
            Effect::LessMotion(reduced) => theme::set_reduced_motion(reduced),
            Effect::Language(which) => {
                self.text_scroll = focus::text_scroll();
                language::apply(which);
            }
            Effect::Theme(which) => {
                theme::apply(which);
                self.painter.forget_theme();
            }
        }
    }

    fn fetch_lesson(&self, address: String) {
        self.link.send_future(async move {
            let text = files::fetch_lesson(&address).await;
            let (kept, code) = (storage::kept(KEPT_LESSONS), storage::kept(KEPT_CODE));
            PageMsg::Model(Msg::Lesson(LessonMsg::Fetched(text, kept, code)))
        });
    }

    /// Reads what the browser keeps of lessons or tasks.
    fn receive_kept(&mut self, name: &'static str) {
        let text = storage::kept(name);
        self.update_model(match name {
            KEPT_LESSONS => Msg::Lesson(LessonMsg::Kept(text)),
            _ => Msg::Task(TaskMsg::Kept(text)),
        });
    }

    /// Shows the answers and the records that another tab has changed.
    pub(super) fn follow_storage(&mut self) {
        if self.model.lesson.page().is_some() && self.model.lesson.kept != storage::kept(KEPT_LESSONS) {
            self.receive_kept(KEPT_LESSONS);
        }
        if self.model.tasks.kept != storage::kept(KEPT_TASKS) {
            self.receive_kept(KEPT_TASKS);
        }
    }

    /// Copies a link to the learner's answer, and reports whether that was possible.
    fn copy_answer(&self, answer: Rc<Scenario>) {
        let send = self.send.clone();
        spawn_local(async move {
            let report = move |is_copied: bool| {
                let outcome = if is_copied {
                    text!("The link to the answer was copied.")
                } else {
                    text!("The browser does not allow copying.")
                };
                send.emit(Msg::Confirm(outcome.into()));
            };
            match documents::link_of_answer(answer).await {
                Ok(Some(link)) => files::copy(&format!("{}#{link}", address::page()), report),
                Ok(None) | Err(_) => report(false),
            }
        });
    }

    /// Returns the callback that reports a picture that the browser does not save.
    fn picture_failure(&self) -> Callback<PictureFailure> {
        self.send.reform(|failure| Msg::Sharing(SharingMsg::PictureFailed(failure)))
    }

    /// Records a frame of an animated picture when the run is at its instant and the page shows it.
    pub(super) fn record_frame(&mut self) {
        let Some((name, format)) = self.model.due_frame().filter(|_| !self.model.redraw.page) else { return };
        self.painter.save_picture(&self.model, format, None, &name, self.picture_failure());
        self.update_model(Msg::Sharing(SharingMsg::FrameRecorded));
    }

    /// Sends a request to the store of drawings; its answer arrives as a message.
    fn request_drawings(&self, request: DrawingsRequest) {
        let (send, tabs) = (self.send.clone(), self.tabs.clone());
        let is_save = matches!(request, DrawingsRequest::Save { .. });
        spawn_local(async move {
            let msg = match drawings::request(request, Some(send.clone())).await {
                Ok(answer) => {
                    if let DrawingsAnswer::Saved(info) = &answer {
                        tabs.report(info);
                    }
                    DrawingsMsg::Answered(answer)
                }
                Err(problem) if is_save => DrawingsMsg::NotSaved(problem),
                Err(problem) => DrawingsMsg::Failed(problem),
            };
            send.emit(Msg::Drawings(msg));
        });
    }

    /// Captures a pointer that drags, so the drag continues outside the canvas. A pointer that is only pressed is not
    /// captured: its click would not reach the card.
    pub(super) fn capture(&self, pointer: i32) {
        if !matches!(self.model.pointer.gesture, Gesture::None | Gesture::Pressed(_))
            && let Some(canvas) = self.canvas_element()
            && !canvas.has_pointer_capture(pointer)
        {
            let _ = canvas.set_pointer_capture(pointer);
        }
    }

    /// Moves the focus to a node: to its card, or to its row if the outline is open. Without such a node, the canvas or
    /// the outline receives the focus, and in any case the diagram while it covers them.
    pub(super) fn focus(&self, id: &str) {
        let (container, attribute) = match self.model.outline.open {
            true => (self.painter.outline(), "data-row"),
            false => (focus::diagram().or_else(|| self.canvas_element()), "data-node"),
        };
        let Some(container) = container else { return };
        let list = container.query_selector_all(&format!("[{attribute}]")).ok();
        let nodes = list.iter().flat_map(|list| (0..list.length()).filter_map(|i| list.get(i)));
        let mut elements = nodes.filter_map(|node| node.dyn_into::<Element>().ok());
        let target = elements.find(|element| element.get_attribute(attribute).as_deref() == Some(id));
        let field = target.as_ref().and_then(|row| row.query_selector("input").ok().flatten());
        let focused = field.filter(|_| self.model.outline.open).or(target).unwrap_or(container);
        let _ = focused.unchecked_into::<HtmlElement>().focus();
    }
}
