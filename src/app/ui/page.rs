//! The page's component. It holds the model, turns events into messages, and executes effects.

mod canvas_pane;
mod card_views;
mod comparison_pane;
mod effects;
mod focus;
mod frames;
mod host;
mod input;
mod measure;
mod observers;
pub mod opening;
mod painter;
mod picture;
mod settings;
mod skip_links;
mod time_pane;
mod title;

use super::lazy_views::{self, LazyView};
use super::lesson::{self, CoursePanel};
use super::parts::{banner, crash_banner};
use super::shell;
use crate::app::browser::engine::{Engine, EngineEvent};
use crate::app::browser::host::HostPort;
use crate::app::browser::tabs::Tabs;
use crate::app::browser::{address, files};
use crate::app::geometry::{Rect, point};
use crate::app::model::{Controls, DrawingsMsg, Model, Msg, Origin, PointerMsg};
use crate::app::texts::Language;
use crate::scenario::Scenario;
use crate::text;
use card_views::CardViews;
use focus::LastFocus;
use host::HostConnection;
use observers::Observers;
use opening::Opened;
use painter::Painter;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use wasm_split_helpers::SplitLoaderError;
use web_sys::Element;
use yew::html::Scope;
use yew::prelude::*;

/// Minimum time between two renderings while many cards change, in ms: a base, and an addition per card.
const RENDER_INTERVAL: (f64, f64) = (100.0, 1.0);
/// Above this number of cards, the page renders less often.
const MANY_CARDS: usize = 40;

/// An event that the page handles.
#[derive(Debug)]
pub enum PageMsg {
    /// A message for the model.
    Model(Msg),
    /// An animation frame, with its time in ms.
    Frame(f64),
    /// An event of the engine.
    Engine(EngineEvent),
    /// An element was resized.
    Resized,
    /// The page has become visible or invisible, as a frame in another page.
    Visible(bool),
    /// The timeline was scrolled.
    Scrolled,
    /// The fragment of the address changed.
    AddressChanged,
    /// The visitor leaves the page, or reloads it.
    Left,
    /// The page is shown, perhaps again after the visitor left it.
    Shown,
    /// Another tab has changed what the browser keeps.
    StoredElsewhere,
    /// A drawing was opened.
    Opened(Opened),
    /// The code of the messages to the host page of an embed was fetched.
    HostConnected(Result<Box<dyn HostPort>, SplitLoaderError>),
    /// The host page of an embed has posted a message: its data and its origin.
    HostPosted(JsValue, String),
    /// The pointer or the focus is at the link to the playground.
    PlaygroundNear(Element),
    /// The visitor has pressed a key or a pointer.
    Interacted,
    /// The visitor has pressed a key or clicked, anywhere on the page.
    Acted,
    /// A text or a file was dropped or pasted; none if the file cannot be read.
    Dropped(Option<String>),
    /// A text was pasted outside of a field.
    Pasted(String),
    /// A pasted text was read: the cards that it contains, none if it contains no cards; and the text.
    PastedCards(Option<Box<Scenario>>, String),
    /// The code of the lazy views and of actions was loaded, or could not be fetched.
    ViewsLoaded(bool),
    /// The code of the lesson was loaded, or could not be fetched.
    LessonLoaded(bool),
}

/// Properties of [`Page`].
#[derive(Clone, PartialEq, Properties)]
pub struct PageProps {
    /// The drawing that the page shows first.
    pub opened: Opened,
}

/// Whether the code of the lazy views and of actions is loaded.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ViewsState {
    NotLoaded,
    Loading,
    Loaded,
    /// It could not be fetched; the next action of the visitor tries again.
    Failed,
}

/// The page.
pub struct Page {
    model: Model,
    engine: Engine,
    painter: Painter,
    card_views: CardViews,
    views: ViewsState,
    lesson_views: ViewsState,
    /// Actions of the visitor that wait for their code, oldest first.
    waiting_actions: Vec<Msg>,
    /// What this tab keeps for a reload was written once.
    is_tab_kept: bool,
    /// A pointer has just dropped an item of the palette on the canvas.
    dropped: Rc<Cell<bool>>,
    send: Callback<Msg>,
    link: Scope<Page>,
    on_frame: Closure<dyn FnMut(f64)>,
    frame_is_requested: bool,
    /// Time of the last animation frame, and of the last rendering, in ms.
    frame_time: f64,
    rendered_time: f64,
    /// The node that receives the focus after the next rendering; empty for the canvas.
    next_focus: Option<String>,
    /// The id of the element that receives the focus once it is on the page.
    next_element: Option<String>,
    last_focus: Rc<RefCell<LastFocus>>,
    /// The title of the page without a lesson, and the one that is shown.
    titles: Option<(String, String)>,
    /// How far the text of the lesson is scrolled after the next rendering, in another language.
    text_scroll: Option<f64>,
    /// The tab of the lesson's current step, at the last rendering.
    current_tab: Option<Element>,
    is_visible: bool,
    /// The language in which the page is drawn.
    drawn_language: Language,
    /// The options of the address with which the page started.
    options: address::Address,
    observers: Observers,
    /// The elements of the verdict chips and of the description whose sizes are observed.
    overlays: [Option<Element>; 2],
    tabs: Rc<Tabs>,
    /// The connection to the host page of an embed.
    host: Option<HostConnection>,
    /// The text that this page has put on the system's clipboard.
    copied: Rc<RefCell<Option<String>>>,
}

impl Component for Page {
    type Message = PageMsg;
    type Properties = PageProps;

    fn create(ctx: &Context<Self>) -> Self {
        let link = ctx.link();
        let on_frame = {
            let link = link.clone();
            Closure::new(move |time: f64| link.send_message(PageMsg::Frame(time)))
        };
        let mut page = Page {
            model: settings::initial_model(),
            engine: Engine::start(link.callback(PageMsg::Engine)),
            painter: Painter::new(),
            card_views: CardViews::default(),
            views: ViewsState::NotLoaded,
            lesson_views: ViewsState::NotLoaded,
            waiting_actions: Vec::new(),
            is_tab_kept: false,
            dropped: Rc::default(),
            send: link.callback(PageMsg::Model),
            link: link.clone(),
            on_frame,
            frame_is_requested: false,
            frame_time: 0.0,
            rendered_time: 0.0,
            next_focus: None,
            next_element: None,
            last_focus: Rc::default(),
            text_scroll: None,
            titles: None,
            current_tab: None,
            is_visible: true,
            drawn_language: Language::English,
            options: address::read(&address::fragment()),
            observers: Observers::default(),
            overlays: [None, None],
            copied: Rc::default(),
            host: None,
            tabs: Rc::new(Tabs::open({
                let link = link.clone();
                move |msg| link.send_message(PageMsg::Model(Msg::Drawings(msg)))
            })),
        };
        page.connect_host();
        page.show_opened(ctx.props().opened.clone());
        page.card_views.update(&page.model, false);
        page
    }

    fn update(&mut self, _: &Context<Self>, msg: PageMsg) -> bool {
        self.handle(msg);
        self.serve_host();
        self.observers.single_keys.set(self.model.preferences.single_keys);
        self.request_frame();
        self.load_views();
        self.load_lesson();
        // A card that becomes visible may show an old state.
        let is_crowded = self.is_crowded();
        self.model.redraw.page |= is_crowded && self.card_views.visible != visible_part(&self.model);
        let interval = RENDER_INTERVAL.0.max(RENDER_INTERVAL.1 * self.model.scene.nodes.len() as f64);
        if is_crowded && self.frame_time - self.rendered_time < interval {
            // With many cards, some change in every frame, and rendering all of them each time is too slow.
            return false;
        }
        let renders = std::mem::take(&mut self.model.redraw.page);
        if renders {
            self.rendered_time = self.frame_time;
            self.card_views.update(&self.model, is_crowded);
        }
        renders
    }

    fn view(&self, ctx: &Context<Self>) -> Html {
        let model = &self.model;
        let (embed, tools) = (model.mode.is_embed(), model.has_tools());
        let classes = classes!(
            "page",
            embed.then_some("embed"),
            (embed && tools).then_some("tools"),
            model.panel_open().then_some("with-log"),
            model.inspector_open().then_some("with-inspector"),
            (self.shows_lesson() || self.shows_task()).then_some("with-lesson"),
            model.compared.is_some().then_some("comparing"),
            self.comparison_class(),
        );
        html! {
            // Yew replaces all elements when the key changes with the language.
            <div key={model.preferences.language.code()} class={classes}>
                if !embed {
                    { self.skip_links() }
                    { shell::top_bar(model, &self.send) }
                }
                if tools {
                    if !model.viewport.narrow && !model.hidden.palette {
                        { shell::palette(model, &self.dropped, &self.send) }
                    }
                    { self.lazy(LazyView::Inspector) }
                }
                if model.document.origin == Origin::Link && !embed { { banner(&self.send) } }
                { crash_banner(model, &self.send) }
                { shell::caption(model, &self.send) }
                { self.canvas_pane(ctx) }
                { self.narrow_controls() }
                { self.comparison_pane() }
                { self.lazy(LazyView::Outline) }
                { self.lazy(LazyView::Diagram) }
                if model.controls != Controls::None && model.failure.is_none() { { self.time_pane(ctx) } }
                { for [LazyView::Log, LazyView::Verdicts, LazyView::Branches, LazyView::Share, LazyView::Help, LazyView::More, LazyView::Drawings, LazyView::Commands, LazyView::Gallery].map(|view| self.lazy(view)) }
                if self.shows_lesson() { { lesson::draw(CoursePanel::Lesson, model, &self.send) } }
                if self.shows_task() { { lesson::draw(CoursePanel::Tasks, model, &self.send) } }
                <div class="sr" role="status" aria-live="polite">{ &model.notices.announcement }</div>
            </div>
        }
    }

    fn rendered(&mut self, ctx: &Context<Self>, first: bool) {
        let is_loading = self.model.outline.open && self.views != ViewsState::Loaded;
        // A field that has just opened on the canvas keeps the focus.
        let is_typing = self.model.selection.editing.is_some() || self.model.selection.renaming.is_some();
        if !is_loading
            && let Some(id) = self.next_focus.take()
            && !is_typing
        {
            self.focus(&id);
        }
        if self.views == ViewsState::Loaded
            && let Some(id) = self.next_element.take()
        {
            focus::focus_element(&id);
        }
        self.show_title();
        self.text_scroll.take().into_iter().for_each(focus::scroll_text);
        self.current_tab = focus::reveal_current_step(self.current_tab.as_ref());
        self.observe_elements(ctx, first);
        self.observe_overlays();
        self.painter.place_publish(&self.model);
        self.keep_focus();
        self.model.redraw.paint = true;
        self.request_frame();
    }
}

/// Returns the part of the drawing that the canvas shows.
fn visible_part(model: &Model) -> Rect {
    let (camera, (width, height)) = (&model.viewport.camera, model.viewport.size);
    Rect::between(camera.to_world(point(0.0, 0.0)), camera.to_world(point(width, height)))
}

impl Page {
    fn handle(&mut self, msg: PageMsg) {
        match msg {
            PageMsg::Model(msg) => {
                if !self.is_locked(&msg) {
                    self.handle_action(msg);
                }
            }
            PageMsg::Engine(EngineEvent::Answered(answer)) => self.update_model(Msg::Engine(answer.into())),
            PageMsg::Engine(EngineEvent::Crashed(message)) => self.update_model(Msg::EngineFailed(message)),
            PageMsg::Frame(time) => self.show_frame(time),
            PageMsg::Resized => {
                self.measure();
                self.model.redraw.paint = true;
            }
            PageMsg::Visible(visible) => self.is_visible = visible,
            PageMsg::Scrolled => self.model.redraw.paint = true,
            PageMsg::AddressChanged if self.must_reload() => {
                let _ = web_sys::window().map(|window| window.location().reload());
            }
            PageMsg::AddressChanged => match self.model.drawings.left_at(&address::fragment()) {
                Some((id, at)) if self.model.drawings.is_unsaved(&id) => {
                    self.update_model(Msg::Drawings(DrawingsMsg::Return(id, at)));
                }
                left => self.open(opening::open_again(left)),
            },
            PageMsg::Left => self.keep_tab(true),
            PageMsg::Shown => self.keep_tab(false),
            PageMsg::StoredElsewhere => self.follow_storage(),
            PageMsg::Opened(opened) => self.show_opened(opened),
            PageMsg::HostConnected(port) => self.host_connected(port),
            PageMsg::HostPosted(data, origin) => self.hear_host(&data, &origin),
            PageMsg::PlaygroundNear(anchor) => self.renew_playground(anchor),
            PageMsg::Interacted => self.report_interaction(),
            PageMsg::Acted => self.last_focus.borrow_mut().is_checked_again = true,
            PageMsg::Dropped(Some(text)) => self.open_text(text),
            PageMsg::Dropped(None) => self.update_model(Msg::Notify(files::UNREADABLE.get().into())),
            PageMsg::Pasted(text) => self.paste(text),
            PageMsg::PastedCards(cards, text) => self.paste_cards(cards, text),
            PageMsg::ViewsLoaded(true) => {
                self.views = ViewsState::Loaded;
                self.execute_waiting_actions();
                self.model.redraw.page = true;
            }
            PageMsg::LessonLoaded(is_loaded) => self.lesson_loaded(is_loaded),
            PageMsg::ViewsLoaded(false) => {
                self.views = ViewsState::Failed;
                let dropped = std::mem::take(&mut self.waiting_actions);
                let is_change_lost = dropped.iter().any(|action| !matches!(action, Msg::Pointer(_)));
                // A notice about the drawing is more important.
                if is_change_lost || self.model.notices.notice.is_none() {
                    let problem = crate::app::NOT_FETCHED.get();
                    let problem = match is_change_lost {
                        true => format!("{} {problem}", text!("Nothing was changed.")),
                        false => problem.to_string(),
                    };
                    self.update_model(Msg::Notify(problem));
                }
            }
        }
    }

    fn lesson_loaded(&mut self, is_loaded: bool) {
        self.lesson_views = if is_loaded { ViewsState::Loaded } else { ViewsState::Failed };
        self.model.redraw.page = true;
        if !is_loaded {
            let problem = if self.model.lesson.is_open {
                text!("The lesson could not be fetched. Check the network.")
            } else {
                text!("The task could not be fetched. Check the network.")
            };
            (self.model.lesson.is_open, self.model.tasks.is_open) = (false, false);
            self.update_model(Msg::Notify(problem.into()));
        }
    }

    /// Handles an action of the visitor.
    fn handle_action(&mut self, msg: Msg) {
        let pointer = if let Msg::Pointer(PointerMsg::Move { id, .. }) = &msg { Some(*id) } else { None };
        if self.views == ViewsState::Failed && pointer.is_none() {
            self.views = ViewsState::NotLoaded;
        }
        self.update_model(msg);
        if let Some(pointer) = pointer {
            self.capture(pointer);
        }
    }

    /// Returns whether an embed has other options in its address than those with which it started. It stores
    /// nothing, so it starts again.
    fn must_reload(&self) -> bool {
        self.model.mode.is_embed() && address::read(&address::fragment()).chrome() != self.options.chrome()
    }

    /// Opens a drawing in the background and shows it.
    fn open(&self, opening: impl Future<Output = Opened> + 'static) {
        self.link.send_future(async { PageMsg::Opened(opening.await) });
    }

    /// Loads the code of the lazy views and of actions when the page first shows such a view, at the first action, or for work
    /// that a reload has restored: it is kept when the page is left.
    fn load_views(&mut self) {
        let has_work = !self.waiting_actions.is_empty() || self.model.document.can_undo();
        let is_needed = has_work || LazyView::ALL.into_iter().any(|view| view.is_shown(&self.model));
        if self.views == ViewsState::NotLoaded && is_needed {
            self.views = ViewsState::Loading;
            self.link.send_future(async { PageMsg::ViewsLoaded(lazy_views::load().await.is_ok()) });
        }
    }

    /// Loads the code of lessons and tasks when one is opened.
    fn load_lesson(&mut self) {
        let is_needed = self.model.has_text();
        if is_needed && matches!(self.lesson_views, ViewsState::NotLoaded | ViewsState::Failed) {
            self.lesson_views = ViewsState::Loading;
            self.link.send_future(async { PageMsg::LessonLoaded(lesson::load().await.is_ok()) });
        }
    }

    fn shows_lesson(&self) -> bool {
        self.model.shows_lesson() && self.lesson_views == ViewsState::Loaded
    }

    fn shows_task(&self) -> bool {
        self.model.shows_task() && self.lesson_views == ViewsState::Loaded
    }

    /// Draws a lazy view if the page shows it and its code is loaded.
    fn lazy(&self, view: LazyView) -> Html {
        if self.views == ViewsState::Loaded && view.is_shown(&self.model) {
            lazy_views::draw(view, &self.model, &self.send)
        } else {
            html! {}
        }
    }

    /// Returns whether so many cards change that the page renders less often.
    fn is_crowded(&self) -> bool {
        self.model.scene.nodes.len() > MANY_CARDS && self.model.playback.playing()
    }

    fn canvas_element(&self) -> Option<Element> {
        self.painter.refs.canvas.cast()
    }

    /// Observes the canvas and the timeline when they are drawn first, and again after a change of the language.
    fn observe_elements(&mut self, ctx: &Context<Self>, first: bool) {
        let language = self.model.preferences.language;
        if !first && self.drawn_language == language {
            return;
        }
        self.drawn_language = language;
        let embed_canvas = self.canvas_element().filter(|_| self.model.mode.is_embed());
        let resized = [self.canvas_element(), self.painter.refs.tracks.cast()].into_iter().flatten();
        if first {
            self.observers = Observers::start(ctx.link(), resized, embed_canvas.as_ref(), &self.last_focus);
        } else {
            self.painter.forget();
            self.observers.replace(resized, embed_canvas.as_ref());
            self.overlays = [None, None];
        }
        self.measure();
    }

    /// Observes the verdict chips and the description when they have appeared, and measures the page when one has gone.
    fn observe_overlays(&mut self) {
        let Some(canvas) = self.canvas_element() else { return };
        let present = measure::overlays(&canvas).map(|element| element.map(Element::from));
        if present != self.overlays {
            present.iter().flatten().for_each(|element| self.observers.observe(element));
            self.overlays = present;
            self.measure();
        }
    }

    /// Returns a callback that sends a message.
    fn on(&self, msg: Msg) -> Callback<MouseEvent> {
        self.send.reform(move |_| msg.clone())
    }
}
