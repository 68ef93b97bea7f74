//! The page: it holds the model, carries out effects, and paints by hand what moves with the clock.

mod opening;
mod time;
mod twin;

use super::areas::outlines;
use super::card::{Card, View};
use super::icons::{Icon, icon};
use super::later::{self, Draw, Part};
use super::messages::{Inks, Messages, Sight};
use super::parts::{TransportRefs, banner, chips, publish_hint};
use super::shell;
use super::wires::Wires;
use crate::app::browser::engine::{Answer, Engine};
use crate::app::browser::{address, files, storage, theme};
use crate::app::camera::Camera;
use crate::app::geometry::{Point, Rect, point};
use crate::app::gesture::{Gesture, Press, Target};
use crate::app::keys::{self, Modifiers};
use crate::app::model::{
    self, Controls, Effect, Item, KEPT_BEFORE, KEPT_KEYS, KEPT_MOTION, KEPT_THEME, KEPT_WORK, Mode, Model, Msg, Origin,
    Theme, Tool,
};
use crate::app::outline::Turn;
use crate::app::playback::{clock, short};
use crate::app::run_view::RunView;
use crate::app::scene::{NodeKind, PUBLISH, SHOWN_LANES, Scene};

use std::cell::Cell;
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use web_sys::{
    Element, HtmlCanvasElement, HtmlElement, HtmlInputElement, IntersectionObserver, IntersectionObserverEntry,
    ResizeObserver,
};
use yew::html::Scope;
use yew::prelude::*;

/// Distance between two updates of running counters, ms of true time: of a few, and of many.
const COUNTERS: (f64, f64) = (100.0, 500.0);
/// Distance between two drawings of the components while many cards change, ms of true time: at least, and for each card.
const CARDS: (f64, f64) = (100.0, 1.0);
/// More cards than this are many.
const MANY: usize = 40;
/// Below this zoom, cards show name and state alone.
const FAR: f64 = 0.45;

/// What the page itself hears of.
#[derive(Debug)]
pub enum PageMsg {
    /// For the model.
    Model(Msg),
    /// A frame of the screen.
    Frame(f64),
    /// The engine answered.
    Answer(Answer),
    /// Something was resized.
    Resized,
    /// The page came into sight, or went out of it, as a frame in another page does.
    InSight(bool),
    /// The timeline was scrolled.
    Scrolled,
    /// The address changed.
    Address,
    /// Open the link or example that a fragment names.
    Named(String),
    /// What comes later is here, or could not be fetched.
    Later(Option<Draw>),
}

#[derive(Clone, Default)]
struct Refs {
    canvas: NodeRef,
    messages: NodeRef,
    world: NodeRef,
    wires: NodeRef,
    drafts: NodeRef,
    publish: NodeRef,
    zoom: NodeRef,
    tracks: NodeRef,
    ribbons: NodeRef,
    axis: NodeRef,
    transport: TransportRefs,
    twin: twin::Refs,
}

/// What was painted last, so that nothing is set twice.
#[derive(Default)]
struct Painted {
    wall: f64,
    page: f64,
    counters: f64,
    clock: String,
    zoom: u32,
    far: bool,
    camera: Option<Camera>,
    axis: ((u64, u64), u64),
}

/// What the cards of a scene show.
#[derive(Default)]
struct Looks {
    scene: Rc<Scene>,
    /// Where they were looked at.
    sight: Rect,
    views: Vec<View>,
}

/// Hears whether the page is in sight.
type Seen = Closure<dyn FnMut(js_sys::Array)>;

/// The page.
pub struct Page {
    model: Model,
    engine: Engine,
    refs: Refs,
    inks: Inks,
    messages: Messages,
    /// Something of the palette was just dropped on the canvas.
    dropped: Rc<Cell<bool>>,
    twin_messages: Messages,
    painted: Painted,
    looks: Looks,
    send: Callback<Msg>,
    link: Scope<Page>,
    frame: Closure<dyn FnMut(f64)>,
    frame_asked: bool,
    focus_wanted: Option<String>,
    /// Draws what is not there at first sight, once that was fetched.
    draw: Option<Draw>,
    draw_asked: bool,
    draw_failed: bool,
    address_changed: Option<Closure<dyn FnMut(web_sys::Event)>>,
    observer: Option<(ResizeObserver, Closure<dyn FnMut()>)>,
    in_sight: bool,
    sight: Option<(IntersectionObserver, Seen)>,
}

impl Component for Page {
    type Message = PageMsg;
    type Properties = ();

    fn create(ctx: &Context<Self>) -> Self {
        let link = ctx.link();
        let engine = Engine::start(link.callback(PageMsg::Answer));
        let frame = {
            let link = link.clone();
            Closure::new(move |wall: f64| link.send_message(PageMsg::Frame(wall)))
        };
        let mut model = Model::default();
        model.theme = storage::kept(KEPT_THEME).map_or(Theme::Auto, |word| Theme::from_word(&word));
        model.reduced_motion = storage::kept(KEPT_MOTION).map_or_else(theme::reduced_motion, |word| word == "less");
        model.single_keys_off = storage::kept(KEPT_KEYS).as_deref() == Some("off");
        theme::less_motion(model.reduced_motion);
        theme::apply(model.theme);
        let mut page = Page {
            model,
            engine,
            refs: Refs::default(),
            inks: Inks::read(),
            messages: Messages::default(),
            dropped: Rc::default(),
            twin_messages: Messages::default(),
            painted: Painted::default(),
            looks: Looks::default(),
            send: link.callback(PageMsg::Model),
            link: link.clone(),
            frame,
            frame_asked: false,
            focus_wanted: None,
            draw: None,
            draw_asked: false,
            draw_failed: false,
            address_changed: None,
            observer: None,
            in_sight: true,
            sight: None,
        };
        page.open_address();
        page.look_at_cards();
        page
    }

    fn update(&mut self, ctx: &Context<Self>, msg: PageMsg) -> bool {
        match msg {
            PageMsg::Model(msg) => {
                let pointer = match &msg {
                    Msg::PointerMove { id, .. } => Some(*id),
                    _ => None,
                };
                // Whoever does something after it could not be fetched, more than to move the pointer, tries again.
                self.draw_asked &= !self.draw_failed || pointer.is_some();
                self.tell(msg);
                self.capture(pointer);
            }
            PageMsg::Answer(Answer::Said(answer)) => self.tell(Msg::Engine(answer.into())),
            PageMsg::Answer(Answer::Failed(why)) => self.tell(Msg::EngineFailed(why)),
            PageMsg::Frame(wall) => {
                self.frame_asked = false;
                self.painted.wall = wall;
                self.tell(Msg::Tick(wall));
                self.paint(wall);
            }
            PageMsg::Resized => {
                self.measure();
                self.model.redraw.paint = true;
            }
            PageMsg::InSight(seen) => self.in_sight = seen,
            PageMsg::Scrolled => self.model.redraw.paint = true,
            PageMsg::Address => self.open_address(),
            PageMsg::Named(fragment) => self.open_named(&fragment),
            PageMsg::Later(Some(draw)) => {
                self.draw = Some(draw);
                self.model.redraw.page = true;
            }
            PageMsg::Later(None) => {
                self.draw_failed = true;
                // Of what has failed at the same time, this matters least.
                if self.model.notice.is_none() {
                    let why = "A part of the page could not be fetched. Is the network there?";
                    self.tell(Msg::EditRefused(why.into()));
                }
            }
        }
        self.ask_frame();
        self.fetch_later(ctx);
        // What comes into sight may have kept an old look.
        self.model.redraw.page |= self.is_crowded() && self.looks.sight != self.sight();
        let distance = CARDS.0.max(CARDS.1 * self.model.scene.nodes.len() as f64);
        if self.is_crowded() && self.painted.wall - self.painted.page < distance {
            // Of many cards some change at every frame of the screen; nobody reads them that fast.
            return false;
        }
        let again = std::mem::take(&mut self.model.redraw.page);
        if again {
            self.painted.page = self.painted.wall;
            self.look_at_cards();
        }
        again
    }

    fn view(&self, ctx: &Context<Self>) -> Html {
        let (embed, tools) = (self.model.mode.is_embed(), self.model.has_tools());
        html! {
            <div class={classes!("page", embed.then_some("embed"), (embed && tools).then_some("tools"), self.model.panel_open().then_some("with-log"), self.model.other.is_some().then_some("comparing"), self.is_stacked().then_some("stacked"))}>
                if !embed {
                    <a class="skip" href="#canvas" onclick={self.send.reform(|event: MouseEvent| {
                        // The fragment is the scenario's.
                        event.prevent_default();
                        Msg::EnterCanvas
                    })}>{ "To the canvas" }</a>
                    <button class="skip" onclick={self.on(Msg::Outline(Turn::Toggle))}>{ if self.model.outline.open { "Close the outline" } else { "Open the outline" } }</button>
                    { shell::top_bar(&self.model, &self.send) }
                }
                if tools {
                    if !self.model.narrow {
                        { shell::palette(&self.model.tool, &self.dropped, &self.send) }
                    }
                    { self.part(Part::Inspector) }
                    if self.model.about_open() { { shell::about(&self.model, &self.send) } }
                }
                if self.model.origin == Origin::Link && !embed { { banner(&self.send) } }
                { self.canvas(ctx) }
                { self.twin() }
                { self.part(Part::Outline) }
                { self.part(Part::Diagram) }
                if self.model.controls != Controls::None { { self.time(ctx) } }
                { for [Part::Log, Part::Findings, Part::Branches, Part::Share, Part::Help].map(|part| self.part(part)) }
                <div class="sr" role="status" aria-live="polite">{ &self.model.said }</div>
            </div>
        }
    }

    fn rendered(&mut self, ctx: &Context<Self>, first: bool) {
        let awaited = self.model.outline.open && self.draw.is_none();
        if !awaited && let Some(id) = self.focus_wanted.take() {
            self.focus(&id);
        }
        if first {
            self.listen(ctx);
            self.measure();
        }
        self.place_publish();
        self.model.redraw.paint = true;
        self.ask_frame();
    }
}

impl Page {
    /// More cards change than anybody reads.
    fn is_crowded(&self) -> bool {
        self.model.scene.nodes.len() > MANY && self.model.playback.playing()
    }

    /// What of the canvas is in sight.
    fn sight(&self) -> Rect {
        let (camera, (width, height)) = (&self.model.camera, self.model.size);
        Rect::between(camera.to_world(point(0.0, 0.0)), camera.to_world(point(width, height)))
    }

    /// What the cards show now. In a crowd, those out of sight keep what they showed.
    fn look_at_cards(&mut self) {
        let (model, old, sight) = (&self.model, &self.looks, self.sight());
        let keep = self.is_crowded() && Rc::ptr_eq(&old.scene, &model.scene);
        let nodes = model.scene.nodes.iter().enumerate();
        let views = nodes.map(|(node, placed)| match old.views.get(node) {
            Some(view) if keep && !placed.rect.overlaps(&sight) => view.clone(),
            Some(_) | None => self.view_of(&model.run, node, placed.kind),
        });
        self.looks = Looks { scene: model.scene.clone(), sight, views: views.collect() };
    }

    fn tell(&mut self, msg: Msg) {
        let effects = model::update(&mut self.model, msg);
        for effect in effects {
            match effect {
                Effect::Send(request) => self.engine.send(&request),
                // A new card is there once the page is drawn.
                Effect::Focus(id) => {
                    self.focus_wanted = Some(id);
                    self.model.redraw.page = true;
                }
                Effect::FocusCanvas => {
                    self.focus_wanted = Some(String::new());
                    self.model.redraw.page = true;
                }
                Effect::Keep(name, text) => storage::keep(name, &text),
                Effect::SetAside => {
                    if let Some(text) = storage::kept(KEPT_WORK) {
                        storage::keep(KEPT_BEFORE, &text);
                    }
                }
                Effect::OpenOther => self.open_other(),
                Effect::OpenNamed(fragment) => self.open_named(&fragment),
                Effect::Save(name, text) => files::download(&name, "text/plain", &text),
                Effect::LessMotion(less) => theme::less_motion(less),
                Effect::Theme(which) => {
                    theme::apply(which);
                    self.inks = Inks::read();
                    self.painted = Painted::default();
                }
            }
        }
    }

    /// A drag goes on outside the canvas. Not before it is one: a captured pointer's clicks hit no card.
    fn capture(&self, pointer: Option<i32>) {
        let Some(pointer) = pointer else { return };
        if !matches!(self.model.gesture, Gesture::None | Gesture::Pressed(_))
            && let Some(canvas) = self.refs.canvas.cast::<Element>()
            && !canvas.has_pointer_capture(pointer)
        {
            let _ = canvas.set_pointer_capture(pointer);
        }
    }

    /// Gives the focus to a card, or to its row where the outline stands in the canvas's place; to the whole where `id` is
    /// empty or gone.
    fn focus(&self, id: &str) {
        let (place, rows) = match self.model.outline.open {
            true => (self.outline(), "[data-row]"),
            false => (self.refs.canvas.cast(), "[data-node]"),
        };
        let Some(place) = place else { return };
        let all = place.query_selector_all(rows).ok();
        let all = all.iter().flat_map(|list| (0..list.length()).filter_map(|i| list.get(i)));
        let mut all = all.filter_map(|node| node.dyn_into::<Element>().ok());
        let name = &rows[1..rows.len() - 1];
        let row = all.find(|row| row.get_attribute(name).as_deref() == Some(id));
        let field = row.as_ref().and_then(|row| row.query_selector("input").ok().flatten());
        let wanted = field.filter(|_| self.model.outline.open).or(row).unwrap_or(place);
        if let Ok(wanted) = wanted.dyn_into::<HtmlElement>() {
            let _ = wanted.focus();
        }
    }

    /// The outline, where it is open and here.
    fn outline(&self) -> Option<Element> {
        self.refs.canvas.cast::<Element>()?.parent_element()?.query_selector(".outline").ok()?
    }

    fn listen(&mut self, ctx: &Context<Self>) {
        let Some(window) = web_sys::window() else { return };
        let link = ctx.link().clone();
        let hash = Closure::<dyn FnMut(web_sys::Event)>::new(move |_| link.send_message(PageMsg::Address));
        let _ = window.add_event_listener_with_callback("hashchange", hash.as_ref().unchecked_ref());
        self.address_changed = Some(hash);
        let link = ctx.link().clone();
        let resized = Closure::<dyn FnMut()>::new(move || link.send_message(PageMsg::Resized));
        if let Ok(observer) = ResizeObserver::new(resized.as_ref().unchecked_ref()) {
            for part in [&self.refs.canvas, &self.refs.tracks] {
                if let Some(element) = part.cast::<Element>() {
                    observer.observe(&element);
                }
            }
            self.observer = Some((observer, resized));
        }
        self.watch_sight(ctx);
    }

    /// Of many frames on a page only those in sight run.
    fn watch_sight(&mut self, ctx: &Context<Self>) {
        let Some(canvas) = self.refs.canvas.cast::<Element>().filter(|_| self.model.mode.is_embed()) else { return };
        let link = ctx.link().clone();
        let seen = Seen::new(move |entries: js_sys::Array| {
            if let Ok(last) = entries.pop().dyn_into::<IntersectionObserverEntry>() {
                link.send_message(PageMsg::InSight(last.is_intersecting()));
            }
        });
        if let Ok(observer) = IntersectionObserver::new(seen.as_ref().unchecked_ref()) {
            observer.observe(&canvas);
            self.sight = Some((observer, seen));
        }
    }

    fn measure(&mut self) {
        let Some(canvas) = self.refs.canvas.cast::<Element>() else { return };
        let (width, height) = (f64::from(canvas.client_width()), f64::from(canvas.client_height()));
        let window = web_sys::window().and_then(|window| window.inner_width().ok()?.as_f64());
        self.tell(Msg::Resized { width, height, narrow: window.unwrap_or(width) < 720.0 });
    }

    fn ask_frame(&mut self) {
        if self.frame_asked || !self.in_sight || !(self.model.redraw.paint || self.model.is_moving()) {
            return;
        }
        if let Some(window) = web_sys::window() {
            self.frame_asked = window.request_animation_frame(self.frame.as_ref().unchecked_ref()).is_ok();
        }
    }

    /// Draws what moves with the clock or the camera, without the components.
    fn paint(&mut self, wall: f64) {
        if !std::mem::take(&mut self.model.redraw.paint) {
            return;
        }
        self.paint_camera();
        if let Some(canvas) = self.refs.messages.cast::<HtmlCanvasElement>() {
            self.messages.paint(&canvas, &Sight::of(&self.model, &self.model.run), &self.inks);
        }
        self.paint_twin();
        self.paint_timeline();
        self.paint_transport();
        let distance = if self.model.scene.nodes.len() > MANY { COUNTERS.1 } else { COUNTERS.0 };
        if wall - self.painted.counters >= distance {
            self.painted.counters = wall;
            self.paint_counters("[data-since], [data-until]");
        } else if self.model.playback.playing() {
            // Those that have just appeared; the others wait for their turn.
            self.paint_counters("[data-since]:empty, [data-until]:empty");
        } else {
            self.paint_counters("[data-since], [data-until]");
        }
    }

    fn paint_camera(&mut self) {
        let camera = self.model.camera;
        if self.painted.camera.replace(camera) == Some(camera) {
            return;
        }
        let transform = format!("translate({} {}) scale({})", camera.x, camera.y, camera.scale);
        for group in [&self.refs.wires, &self.refs.drafts] {
            if let Some(group) = group.cast::<Element>() {
                let _ = group.set_attribute("transform", &transform);
            }
        }
        if let Some(world) = self.refs.world.cast::<HtmlElement>() {
            let transform = format!("translate({}px, {}px) scale({})", camera.x, camera.y, camera.scale);
            let _ = world.style().set_property("transform", &transform);
        }
        if let Some(canvas) = self.refs.canvas.cast::<HtmlElement>() {
            let far = camera.scale < FAR;
            if self.painted.far != far {
                self.painted.far = far;
                let _ = canvas.toggle_attribute_with_force("data-far", far);
            }
            let style = canvas.style();
            let step = 20.0 * camera.scale * if camera.scale < 0.6 { 2.0 } else { 1.0 };
            let _ = style.set_property("background-size", &format!("{step}px {step}px"));
            let _ = style.set_property("background-position", &format!("{}px {}px", camera.x, camera.y));
        }
        if self.painted.zoom != camera.percent()
            && let Some(zoom) = self.refs.zoom.cast::<Element>()
        {
            self.painted.zoom = camera.percent();
            zoom.set_text_content(Some(&format!("{} %", camera.percent())));
        }
    }

    fn paint_transport(&mut self) {
        let run = &self.model.run;
        let text = clock(run.now);
        if self.painted.clock == text {
            return;
        }
        if let Some(clock) = self.refs.transport.clock.cast::<Element>() {
            clock.set_text_content(Some(&text));
        }
        if let Some(scrubber) = self.refs.transport.scrubber.cast::<HtmlInputElement>() {
            let _ = scrubber.set_attribute("max", &(run.until / 1000).to_string());
            scrubber.set_value(&(run.now / 1000).to_string());
            let said = format!("{}, {}", short(run.now), run.said_shortly());
            let _ = scrubber.set_attribute("aria-valuetext", &said);
        }
        self.painted.clock = text;
    }

    fn paint_counters(&self, which: &str) {
        if self.painted.far {
            return;
        }
        let outline = self.model.outline.open.then(|| self.outline()).flatten();
        for world in [self.refs.world.cast(), self.refs.twin.world.cast(), outline].into_iter().flatten() {
            if let Ok(counters) = Element::query_selector_all(&world, which) {
                self.paint_all(&counters);
            }
        }
    }

    fn paint_all(&self, counters: &web_sys::NodeList) {
        for i in 0..counters.length() {
            let Some(counter) = counters.get(i).and_then(|node| node.dyn_into::<Element>().ok()) else { continue };
            let at = |name: &str| counter.get_attribute(name).and_then(|text| text.parse::<u64>().ok());
            let now = self.model.run.now;
            let left = |at: u64| at.saturating_sub(now);
            if let Some(time) = at("data-since").map(|since| now.saturating_sub(since)).or(at("data-until").map(left)) {
                let text = short(time);
                if counter.text_content().as_deref() != Some(&*text) {
                    counter.set_text_content(Some(&text));
                }
            }
        }
    }

    fn place_publish(&self) {
        let (Some(button), Some(publish)) =
            (self.refs.publish.cast::<HtmlElement>(), self.model.scene.publish.as_ref())
        else {
            return;
        };
        let style = button.style();
        let _ = style.set_property("transform", &format!("translate({}px, {}px)", publish.at.x, publish.at.y));
        let _ = style.set_property("min-width", &format!("{}px", PUBLISH.0));
    }
}

// Components.
impl Page {
    fn canvas(&self, ctx: &Context<Self>) -> Html {
        let model = &self.model;
        let cutting = model.tool == Tool::Cut;
        let classes = classes!(
            "canvas",
            cutting.then_some("cut-tool"),
            matches!(model.tool, Tool::Connect { .. }).then_some("connect-tool"),
            matches!(model.gesture, Gesture::Pan { .. }).then_some("panning"),
            model.space.is_some().then_some("may-pan"),
        );
        let single = model.single_keys();
        let on_key = ctx.link().batch_callback(move |event| key_pressed(&event, single));
        let on_key_up = ctx.link().batch_callback(|event: KeyboardEvent| {
            (event.key() == " " && !is_control(&event)).then_some(PageMsg::Model(Msg::Space(false)))
        });
        let refs = self.refs.canvas.clone();
        let place = move |event: &MouseEvent| place_of(&refs, event);
        let down = {
            let place = place.clone();
            ctx.link().batch_callback(move |event: PointerEvent| pressed(&event, place(&event)))
        };
        let moved = {
            let place = place.clone();
            ctx.link().callback(move |event: PointerEvent| {
                let control = event.ctrl_key() || event.meta_key();
                PageMsg::Model(Msg::PointerMove { id: event.pointer_id(), at: place(&event), control })
            })
        };
        let up = {
            let place = place.clone();
            ctx.link().callback(move |event: PointerEvent| {
                PageMsg::Model(Msg::PointerUp { id: event.pointer_id(), at: place(&event) })
            })
        };
        let wheel = {
            let (place, embed) = (place.clone(), model.mode.is_embed());
            ctx.link().batch_callback(move |event: WheelEvent| turned(&event, place(&event), embed))
        };
        let context = {
            let place = place.clone();
            ctx.link().batch_callback(move |event: MouseEvent| menu_wanted(&event, place(&event)))
        };
        let double = ctx.link().batch_callback(|event: MouseEvent| {
            let id = target_attribute(&event, "data-node")?;
            Some(PageMsg::Model(Msg::Rename(id)))
        });
        let hint = "Arrow keys go from card to card; Enter selects, Enter again renames; with a selection, arrow \
                    keys move it. Space plays, full stop steps, P publishes, question mark helps.";
        html! {
            <main ref={self.refs.canvas.clone()} id="canvas" class={classes} inert={model.outline.open} tabindex={if model.scene.nodes.is_empty() { "0" } else { "-1" }} aria-label="Canvas"
                aria-description={hint} onkeydown={on_key} onkeyup={on_key_up} onpointerdown={down} onpointermove={moved} onpointerup={up}
                onpointercancel={self.send.reform(|_: PointerEvent| Msg::PointerCancel)}
                onpointerleave={self.send.reform(|_: PointerEvent| Msg::PointerLeave)}
                onwheel={wheel} oncontextmenu={context} ondblclick={double}>
                <svg class="wires" aria-hidden="true">
                    { markers() }
                    <g ref={self.refs.wires.clone()}>
                        { outlines(&model.scene) }
                        <Wires scene={model.scene.clone()} cut={model.run.cut.clone()} troubles={model.run.troubles.clone()} selection={model.selection.clone()} {cutting} />
                    </g>
                </svg>
                <div class="world" ref={self.refs.world.clone()}>
                    { self.part(Part::Areas) }
                    { for (0..model.scene.nodes.len()).map(|node| self.card(node)) }
                    { self.publish_button() }
                </div>
                <canvas class="messages" ref={self.refs.messages.clone()} aria-hidden="true"></canvas>
                <svg class="drafts" aria-hidden="true"><g ref={self.refs.drafts.clone()}>{ self.draft() }</g></svg>
                { chips(model) }
                { self.pane_name() }
                { self.wide_publish_button() }
                { self.notice() }
                if model.wheel_hint { <div class="hint">{ "Ctrl + wheel zooms (⌘ on a Mac); drag to look around" }</div> }
                <div class="zoom" role="group" aria-label="Zoom">
                    <button aria-label="Zoom out" onclick={self.on(Msg::Zoom(0.8))}>{ "−" }</button>
                    <button ref={self.refs.zoom.clone()} title="Zoom to 100 %" onclick={self.on(Msg::ZoomActual)}></button>
                    <button aria-label="Zoom in" onclick={self.on(Msg::Zoom(1.25))}>{ "+" }</button>
                    <button onclick={self.on(Msg::Fit)}>{ "Fit" }</button>
                </div>
                { self.part(Part::Menu) }
                if model.mode.is_embed() {
                    <a class="open" href={address::playground()} target="_blank" rel="noopener">{ "Open in playground" }</a>
                }
            </main>
        }
    }

    /// A part that comes later, if it is to be seen and is here.
    fn part(&self, part: Part) -> Html {
        match self.draw {
            Some(draw) if later::wanted(part, &self.model) => draw(part, &self.model, &self.send),
            Some(_) | None => html! {},
        }
    }

    /// Fetches what comes later, when something of it is first wanted.
    fn fetch_later(&mut self, ctx: &Context<Self>) {
        if !self.draw_asked && Part::ALL.into_iter().any(|part| later::wanted(part, &self.model)) {
            (self.draw_asked, self.draw_failed) = (true, false);
            ctx.link().send_future(async { PageMsg::Later(later::views().await.ok()) });
        }
    }

    fn on(&self, msg: Msg) -> Callback<MouseEvent> {
        self.send.reform(move |_| msg.clone())
    }

    fn card(&self, node: usize) -> Html {
        let model = &self.model;
        let placed = model.scene.nodes[node].clone();
        let id = placed.id.to_string();
        let tab = match &model.focus {
            Some(focus) if model.scene.find(focus).is_some() => *focus == id,
            Some(_) | None => node == 0,
        };
        let aimed = match (&model.gesture, &model.tool) {
            (Gesture::Connect { over: Some(over), .. }, _) => *over == id,
            (_, Tool::Connect { from: Some(from) }) => *from == id,
            _ => false,
        };
        let proof = model.verdicts.marked().iter().any(|step| step.nodes.iter().any(|it| it.index() == node));
        html! {
            <Card key={id.clone()} view={self.looks.views.get(node).cloned().unwrap_or(View::Unknown)}
                troubles={AttrValue::from(model.run.troubles_of(node))}
                selected={model.selection.contains(&Item::Node(id.clone()))} {proof} {aimed} {tab}
                renaming={model.renaming.as_deref() == Some(&*id)}
                editable={model.mode.edits() && model.origin == Origin::Own && !model.narrow}
                differs={self.differs(node)} {placed} send={self.send.clone()} />
        }
    }

    fn view_of(&self, run: &RunView, node: usize, kind: NodeKind) -> View {
        let scenario = &self.model.scenario;
        match kind {
            NodeKind::Service => run.services.get(node).cloned().map_or(View::Unknown, View::Service),
            NodeKind::Bus => {
                let Some(bus) = run.buses.get(&(node as u32)) else { return View::Unknown };
                let names =
                    bus.lanes.iter().take(SHOWN_LANES).map(|lane| self.model.name_of(lane.service.index())).collect();
                let id = &self.model.scene.nodes[node].id;
                let mut subscriptions = scenario.services.iter().flat_map(|service| &service.subscribes);
                let keeps = subscriptions.any(|s| *s.to == **id && s.max_deliveries.is_some() && s.dead_letter);
                View::Bus(bus.clone(), Rc::new(names), keeps)
            }
            NodeKind::Group => View::Unknown,
            NodeKind::Client => run.clients.get(&(node as u32)).cloned().map_or(View::Unknown, View::Client),
        }
    }

    fn publish_button(&self) -> Html {
        if self.model.scene.publish.is_none() || self.model.narrow || self.model.mode == Mode::View {
            return html! {};
        }
        html! {
            <button ref={self.refs.publish.clone()} class="primary publish" title={publish_hint(&self.model)} onclick={self.on(Msg::Publish)}>
                { "Publish update" }<kbd>{ "P" }</kbd>
            </button>
        }
    }

    fn wide_publish_button(&self) -> Html {
        if !self.model.narrow || self.model.scenario.services.is_empty() || self.model.mode == Mode::View {
            return html! {};
        }
        html! { <button class="primary publish-wide" title={publish_hint(&self.model)} onclick={self.on(Msg::Publish)}>{ "Publish update" }</button> }
    }

    fn notice(&self) -> Html {
        let Some(notice) = &self.model.notice else { return html! {} };
        html! {
            <div class="notice"><span>{ notice }</span>
                <button class="icon small" aria-label="Close" onclick={self.on(Msg::Dismiss)}>{ icon(Icon::Close) }</button>
            </div>
        }
    }

    /// What a gesture is drawing.
    fn draft(&self) -> Html {
        let line = |class: &'static str, a: Point, b: Point| {
            html! { <path {class} d={format!("M{} {}L{} {}", a.x, a.y, b.x, b.y)} /> }
        };
        match &self.model.gesture {
            Gesture::Box { from, to, .. } => {
                let r = Rect::between(*from, *to);
                html! { <rect class="lasso" x={r.x.to_string()} y={r.y.to_string()} width={r.w.to_string()} height={r.h.to_string()} /> }
            }
            Gesture::Connect { from, to, .. } => match self.model.scene.find(from) {
                Some(node) => {
                    let rect = self.model.scene.nodes[node].rect;
                    let start = point(rect.right(), rect.center().y);
                    line("draft", start, *to)
                }
                None => html! {},
            },
            Gesture::Cut { from, to } => line("scissor-line", *from, *to),
            Gesture::Move { ids, by, copies: true, .. } => {
                let rects = ids.iter().filter_map(|id| Some(self.model.scene.nodes[self.model.scene.find(id)?].rect));
                let outline = |r: Rect| format!("M{} {}h{}v{}h{}z", r.x + by.0, r.y + by.1, r.w, r.h, -r.w);
                html! { <path class="draft" d={rects.map(outline).collect::<String>()} /> }
            }
            Gesture::None
            | Gesture::Pressed(_)
            | Gesture::Pan { .. }
            | Gesture::Pinch { .. }
            | Gesture::Move { .. } => {
                html! {}
            }
        }
    }
}

fn markers() -> Html {
    let arrow = |id: &'static str| {
        html! {
            <marker {id} viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
                <path d="M0 .5 7 4 0 7.5z" />
            </marker>
        }
    };
    html! { <defs>{ arrow("arrow") }{ arrow("arrow-cut") }</defs> }
}

/// The attribute of whatever the event hit, or of what that lies in.
fn target_attribute(event: &web_sys::Event, name: &str) -> Option<String> {
    let element = event.target()?.dyn_into::<Element>().ok()?;
    element.closest(&format!("[{name}]")).ok()??.get_attribute(name)
}

fn is_control(event: &web_sys::Event) -> bool {
    let element = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    element
        .and_then(|element| element.closest("button, a, input, select, textarea, [role=menu], dialog").ok().flatten())
        .is_some()
}

/// Where an event happened, px from the canvas's corner.
fn place_of(canvas: &NodeRef, event: &MouseEvent) -> Point {
    let rect = canvas.cast::<Element>().map(|canvas| canvas.get_bounding_client_rect());
    let (left, top) = rect.map_or((0.0, 0.0), |rect| (rect.left(), rect.top()));
    point(f64::from(event.client_x()) - left, f64::from(event.client_y()) - top)
}

fn pressed(event: &PointerEvent, at: Point) -> Option<PageMsg> {
    if is_control(event) || !matches!(event.button(), 0 | 1) {
        return None;
    }
    let target = match (target_attribute(event, "data-handle"), target_attribute(event, "data-node")) {
        (Some(id), _) => Target::Handle(id),
        (None, Some(id)) => Target::Node(id),
        (None, None) => Target::Empty,
    };
    Some(PageMsg::Model(Msg::PointerDown(Press {
        id: event.pointer_id(),
        at,
        target,
        shift: event.shift_key(),
        control: event.ctrl_key() || event.meta_key(),
        touch: event.pointer_type() == "touch",
        alt: event.alt_key(),
        pan: event.button() == 1,
    })))
}

fn turned(event: &WheelEvent, at: Point, embed: bool) -> Option<PageMsg> {
    let zoom = event.ctrl_key() || event.meta_key();
    if embed && !zoom {
        return Some(PageMsg::Model(Msg::WheelPassed));
    }
    event.prevent_default();
    // Lines and pages, where the browser counts in those, as pixels.
    let unit = match event.delta_mode() {
        1 => 16.0,
        2 => 400.0,
        _ => 1.0,
    };
    let (mut dx, mut dy) = (event.delta_x() * unit, event.delta_y() * unit);
    if event.shift_key() && dx == 0.0 {
        (dx, dy) = (dy, 0.0);
    }
    Some(PageMsg::Model(Msg::Wheel { at, dx, dy, zoom }))
}

fn menu_wanted(event: &MouseEvent, at: Point) -> Option<PageMsg> {
    if is_control(event) {
        return None;
    }
    event.prevent_default();
    let of = target_attribute(event, "data-node").map(Item::Node);
    Some(PageMsg::Model(Msg::OpenMenu { at, of }))
}

fn key_pressed(event: &KeyboardEvent, single: bool) -> Option<PageMsg> {
    if is_control(event) && event.key() != "Escape" {
        return None;
    }
    let (key, code) = (event.key(), event.code());
    let held =
        Modifiers { shift: event.shift_key(), control: event.ctrl_key() || event.meta_key(), alt: event.alt_key() };
    let key = keys::unshifted(&key, &code, held.shift);
    let plain = !held.control && !held.alt;
    if key == " " && plain {
        event.prevent_default();
        return Some(PageMsg::Model(Msg::Space(true)));
    }
    let command = keys::command(key, held).filter(|_| single || !plain || !keys::is_single(key))?;
    event.prevent_default();
    Some(PageMsg::Model(Msg::Key(command)))
}
