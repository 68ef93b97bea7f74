//! Paints what changes at every animation frame, without rendering the components: the camera, the messages, the
//! timeline, the clock, the counters.

use crate::app::camera::Camera;
use crate::app::detail::{Detail, Level};
use crate::app::minimap;
use crate::app::model::Model;
use crate::app::playback::{clock, short};
use crate::app::ribbon::{Scale, ticks};
use crate::app::ui::canvas_2d::CanvasColours;
use crate::app::ui::message_layer::{CanvasView, MessageLayer};
use crate::app::ui::parts::TransportRefs;
use crate::app::ui::timeline;
use wasm_bindgen::prelude::*;
use web_sys::{Element, HtmlCanvasElement, HtmlElement, HtmlInputElement};
use yew::prelude::*;

/// Time between two updates of the running counters, in ms: of few cards, and of many.
const COUNTER_INTERVAL: (f64, f64) = (100.0, 500.0);
/// Size of the canvas's grid, in units of the drawing.
const GRID: f64 = 20.0;

/// The elements of one drawing: links, cards, messages.
#[derive(Clone, Default)]
pub(super) struct LayerRefs {
    pub(super) links: NodeRef,
    pub(super) world: NodeRef,
    pub(super) messages: NodeRef,
}

/// The elements that the painter changes.
#[derive(Clone, Default)]
pub(super) struct Refs {
    pub(super) canvas: NodeRef,
    pub(super) layers: LayerRefs,
    /// The layers of the compared branch.
    pub(super) compared: LayerRefs,
    pub(super) drafts: NodeRef,
    pub(super) publish: NodeRef,
    pub(super) zoom: NodeRef,
    pub(super) tracks: NodeRef,
    pub(super) ribbons: NodeRef,
    pub(super) axis: NodeRef,
    pub(super) transport: TransportRefs,
}

/// The last painted values, so that an unchanged value is not set again.
#[derive(Default)]
struct Painted {
    counters_at: f64,
    /// The text of the clock, and the end of the run.
    clock: (String, u64),
    zoom_percent: u32,
    detail: Option<Detail>,
    camera: Option<Camera>,
    /// The height of the timeline's rows, and of its visible part, px.
    rows: Option<(f64, f64)>,
    /// The time window of the axis, and its width in px.
    axis: ((u64, u64), u64),
}

/// Paints the page's layers.
pub(super) struct Painter {
    pub(super) refs: Refs,
    pub(super) colours: CanvasColours,
    pub(super) messages: MessageLayer,
    compared_messages: MessageLayer,
    painted: Painted,
}

impl Painter {
    /// Paints everything at the next frame.
    pub(super) fn forget(&mut self) {
        self.painted = Painted::default();
    }

    pub(super) fn new() -> Painter {
        Painter {
            refs: Refs::default(),
            colours: CanvasColours::read(),
            messages: MessageLayer::default(),
            compared_messages: MessageLayer::default(),
            painted: Painted::default(),
        }
    }

    /// Reads the colours of a changed theme; the next frame paints everything.
    pub(super) fn forget_theme(&mut self) {
        self.colours = CanvasColours::read();
        self.painted = Painted::default();
    }

    /// Paints all layers. `time` is that of the animation frame, in ms.
    pub(super) fn paint(&mut self, model: &Model, time: f64) {
        self.paint_camera(model);
        if let Some(canvas) = self.refs.layers.messages.cast::<HtmlCanvasElement>() {
            self.messages.paint(&canvas, &CanvasView::new(model, &model.run, &model.scene), &self.colours);
        }
        self.paint_compared(model);
        self.paint_timeline(model);
        self.paint_transport(model);
        let is_crowded = model.scene.nodes.len() > super::MANY_CARDS;
        let interval = if is_crowded { COUNTER_INTERVAL.1 } else { COUNTER_INTERVAL.0 };
        if time - self.painted.counters_at >= interval {
            self.painted.counters_at = time;
            self.paint_counters(model, "[data-since], [data-until]");
        } else if model.playback.playing() {
            // Only new counters; the others wait for the interval.
            self.paint_counters(model, "[data-since]:empty, [data-until]:empty");
        } else {
            self.paint_counters(model, "[data-since], [data-until]");
        }
    }

    fn paint_camera(&mut self, model: &Model) {
        let camera = model.viewport.camera;
        if self.painted.camera.replace(camera) == Some(camera) {
            return;
        }
        place_layers(&self.refs.layers, camera);
        set_transform(&self.refs.drafts, camera);
        if let Some(canvas) = self.refs.canvas.cast::<HtmlElement>() {
            let detail = model.viewport.detail();
            if self.painted.detail != Some(detail) {
                self.painted.detail = Some(detail);
                show_detail(&canvas, detail);
            }
            let style = canvas.style();
            let step = GRID * camera.scale * if camera.scale < 0.6 { 2.0 } else { 1.0 };
            let _ = style.set_property("background-size", &format!("{step}px {step}px"));
            let _ = style.set_property("background-position", &format!("{}px {}px", camera.x, camera.y));
        }
        if model.has_map() && !model.panels.map_closed {
            self.paint_map(model);
        }
        let percent = model.viewport.percent();
        if self.painted.zoom_percent != percent
            && let Some(zoom) = self.refs.zoom.cast::<Element>()
        {
            self.painted.zoom_percent = percent;
            zoom.set_text_content(Some(&format!("{percent} %")));
        }
    }

    /// Moves the frame of the visible part on the map.
    fn paint_map(&self, model: &Model) {
        let canvas = self.refs.canvas.cast::<Element>();
        let Some(frame) = canvas.and_then(|canvas| canvas.query_selector(".minimap .view").ok()?) else { return };
        let view = minimap::view(&model.viewport.camera, model.viewport.size, &minimap::extent(&model.scene));
        for (name, value) in [("x", view.x), ("y", view.y), ("width", view.w), ("height", view.h)] {
            let _ = frame.set_attribute(name, &value.to_string());
        }
    }

    /// Paints the compared branch under the same camera.
    fn paint_compared(&mut self, model: &Model) {
        let Some(run) = &model.compared else { return };
        place_layers(&self.refs.compared, model.viewport.camera);
        if let Some(canvas) = self.refs.compared.messages.cast::<HtmlCanvasElement>() {
            self.compared_messages.paint(&canvas, &CanvasView::new(model, run, model.compared_scene()), &self.colours);
        }
    }

    fn paint_timeline(&mut self, model: &Model) {
        let (Some(tracks), Some(canvas)) =
            (self.refs.tracks.cast::<Element>(), self.refs.ribbons.cast::<HtmlCanvasElement>())
        else {
            return;
        };
        let rows = model.timeline_rows();
        let size = (f64::from(canvas.client_width()), timeline::height(model, &rows));
        if self.painted.rows != Some((rows.height, size.1)) {
            self.painted.rows = Some((rows.height, size.1));
            let _ = canvas.style().set_property("height", &format!("{}px", size.1));
            if let Some(tracks) = tracks.dyn_ref::<HtmlElement>() {
                let _ = tracks.style().set_property("height", &format!("{}px", size.1));
                let _ = tracks.style().set_property("--row", &format!("{}px", rows.height));
            }
        }
        timeline::paint(&canvas, model, &rows, &self.colours, size, f64::from(tracks.scroll_top()));
        let wanted = (model.time_view.window(model.run.until), size.0 as u64);
        if self.painted.axis != wanted
            && let Some(axis) = self.refs.axis.cast::<Element>()
        {
            self.painted.axis = wanted;
            paint_axis(&axis, timeline::scale(model, size.0));
        }
    }

    fn paint_transport(&mut self, model: &Model) {
        let run = &model.run;
        let shown = (clock(run.now), run.until);
        if self.painted.clock == shown {
            return;
        }
        if let Some(clock) = self.refs.transport.clock.cast::<Element>() {
            clock.set_text_content(Some(&shown.0));
        }
        if let Some(scrubber) = self.refs.transport.scrubber.cast::<HtmlInputElement>() {
            let _ = scrubber.set_attribute("max", &(run.until / 1000).to_string());
            scrubber.set_value(&(run.now / 1000).to_string());
            let value_text = format!("{}, {}", short(run.now), run.state_summary());
            let _ = scrubber.set_attribute("aria-valuetext", &value_text);
        }
        self.painted.clock = shown;
    }

    /// Updates the counters that a selector matches, on the cards and in the outline.
    fn paint_counters(&self, model: &Model, selector: &str) {
        if self.painted.detail.is_some_and(|detail| detail.level < Level::Values) {
            return;
        }
        let outline = model.outline.open.then(|| self.outline()).flatten();
        let worlds = [self.refs.layers.world.cast(), self.refs.compared.world.cast(), outline];
        for world in worlds.into_iter().flatten() {
            let Ok(counters) = Element::query_selector_all(&world, selector) else { continue };
            for i in 0..counters.length() {
                if let Some(counter) = counters.get(i).and_then(|node| node.dyn_into::<Element>().ok()) {
                    paint_counter(&counter, model.run.now);
                }
            }
        }
    }

    /// Returns the outline, if it is open and its code is loaded.
    pub(super) fn outline(&self) -> Option<Element> {
        self.refs.canvas.cast::<Element>()?.parent_element()?.query_selector(".outline").ok()?
    }

    /// Places the publish button beside its service.
    pub(super) fn place_publish(&self, model: &Model) {
        let (Some(button), Some(publish)) = (self.refs.publish.cast::<HtmlElement>(), model.scene.publish.as_ref())
        else {
            return;
        };
        let (style, rect) = (button.style(), publish.rect_at(model.scene.detail));
        let _ = style.set_property("transform", &format!("translate({}px, {}px)", rect.x, rect.y));
        let _ = style.set_property("width", &format!("{}px", rect.w));
        let _ = style.set_property("height", &format!("{}px", rect.h));
    }
}

/// Sets the attributes by which the style sheet chooses what cards show and how large text is.
pub(super) fn show_detail(canvas: &HtmlElement, detail: Detail) {
    let Some(page) = canvas.parent_element().and_then(|page| page.dyn_into::<HtmlElement>().ok()) else { return };
    let _ = page.set_attribute("data-detail", detail.level.word());
    let _ = page.toggle_attribute_with_force("data-small", detail.step > 1);
    let _ = page.style().set_property("--k", &detail.factor().to_string());
}

/// Sets the transform attribute of an SVG group.
fn set_transform(group: &NodeRef, camera: Camera) {
    if let Some(group) = group.cast::<Element>() {
        let transform = format!("translate({} {}) scale({})", camera.x, camera.y, camera.scale);
        let _ = group.set_attribute("transform", &transform);
    }
}

pub(super) fn place_layers(layers: &LayerRefs, camera: Camera) {
    set_transform(&layers.links, camera);
    if let Some(world) = layers.world.cast::<HtmlElement>() {
        let transform = format!("translate({}px, {}px) scale({})", camera.x, camera.y, camera.scale);
        let _ = world.style().set_property("transform", &transform);
    }
}

/// Shows the time since, or until, the instant in the counter's attribute.
fn paint_counter(counter: &Element, now: u64) {
    let instant = |name: &str| counter.get_attribute(name).and_then(|text| text.parse::<u64>().ok());
    let elapsed = instant("data-since").map(|since| now.saturating_sub(since));
    let Some(time) = elapsed.or_else(|| instant("data-until").map(|until| until.saturating_sub(now))) else { return };
    let text = short(time);
    if counter.text_content().as_deref() != Some(&*text) {
        counter.set_text_content(Some(&text));
    }
}

/// Replaces the labels of the time axis.
fn paint_axis(axis: &Element, scale: Scale) {
    axis.set_text_content(None);
    let Some(document) = axis.owner_document() else { return };
    for (x, text) in &ticks(scale) {
        let Ok(tick) = document.create_element("span") else { return };
        tick.set_text_content(Some(text));
        let alignment = if *x < 1.0 {
            "first"
        } else if *x > scale.width - 16.0 {
            "last"
        } else {
            "mid"
        };
        tick.set_class_name(alignment);
        if let Some(tick) = tick.dyn_ref::<HtmlElement>() {
            let _ = tick.style().set_property("left", &format!("{x}px"));
        }
        let _ = axis.append_child(&tick);
    }
}
