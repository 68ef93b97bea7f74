//! What stands below the canvas: transport, timeline, axis.

use super::{Page, PageMsg};
use crate::app::model::{Controls, Msg};
use crate::app::ribbon::{Scale, ticks};
use crate::app::shown::Turn;
use crate::app::ui::icons::{Icon, icon};
use crate::app::ui::later::Part;
use crate::app::ui::parts::transport;
use crate::app::ui::timeline;
use wasm_bindgen::prelude::*;
use web_sys::{Element, HtmlCanvasElement, HtmlElement, HtmlInputElement};
use yew::prelude::*;

impl Page {
    pub(super) fn paint_timeline(&mut self) {
        let (Some(tracks), Some(canvas)) =
            (self.refs.tracks.cast::<Element>(), self.refs.ribbons.cast::<HtmlCanvasElement>())
        else {
            return;
        };
        let size = (f64::from(canvas.client_width()), timeline::height(&self.model));
        let _ = canvas.style().set_property("height", &format!("{}px", size.1));
        timeline::paint(&canvas, &self.model, &self.inks, size, f64::from(tracks.scroll_top()));
        let wanted = (self.model.shown.window(self.model.run.until), size.0 as u64);
        if self.painted.axis != wanted
            && let Some(axis) = self.refs.axis.cast::<Element>()
        {
            self.painted.axis = wanted;
            paint_axis(&axis, timeline::scale(&self.model, size.0));
        }
    }

    pub(super) fn time(&self, ctx: &Context<Self>) -> Html {
        let model = &self.model;
        let scrub = ctx.link().batch_callback(|event: InputEvent| {
            let input = event.target_dyn_into::<HtmlInputElement>()?;
            let ms = Some(input.value_as_number()).filter(|ms| ms.is_finite())?;
            Some(PageMsg::Model(Msg::Seek((ms * 1000.0) as u64)))
        });
        let (ribbons, shown, until) = (self.refs.ribbons.clone(), model.shown, model.run.until);
        let instant = move |event: &MouseEvent| {
            let rect = ribbons.cast::<Element>()?.get_bounding_client_rect();
            let x = f64::from(event.client_x()) - rect.left() - timeline::MARGIN;
            Some(shown.scale(until, rect.width() - 2.0 * timeline::MARGIN).instant(x))
        };
        let down = {
            let instant = instant.clone();
            ctx.link().batch_callback(move |event: PointerEvent| {
                if event.button() != 0 {
                    return None;
                }
                if let Some(element) = event.target_dyn_into::<Element>() {
                    let _ = element.set_pointer_capture(event.pointer_id());
                }
                instant(&event).map(|to| PageMsg::Model(Msg::Seek(to)))
            })
        };
        let drag = {
            let instant = instant.clone();
            ctx.link().batch_callback(move |event: PointerEvent| {
                let to = instant(&event).filter(|_| event.buttons() & 1 == 1)?;
                Some(PageMsg::Model(Msg::Seek(to)))
            })
        };
        // As on the canvas: the wheel alone scrolls, with Ctrl (or a pinch) it zooms, sideways it pans.
        let wheel = ctx.link().batch_callback(move |event: WheelEvent| {
            let turn = if event.ctrl_key() || event.meta_key() {
                let factor = libm::exp((event.delta_y() * 0.01).clamp(-0.5, 0.5));
                Turn::Zoom(factor, instant(&event)?)
            } else {
                let by = if event.shift_key() { event.delta_x() + event.delta_y() } else { event.delta_x() };
                Turn::Pan(by.clamp(-500.0, 500.0) / 1000.0)
            };
            let nothing = turn == Turn::Pan(0.0);
            if !nothing {
                event.prevent_default();
            }
            (!nothing).then_some(PageMsg::Model(Msg::Time(turn)))
        });
        let services = model.scenario.services.len();
        let names = (0..services).map(|node| html! { <li key={node}>{ &*model.name_of(node) }</li> });
        let says = format!("Timeline of {services} services: {}", model.run.said_shortly());
        html! {
            <footer class="time">
                { transport(model, &self.refs.transport, &self.send, &scrub) }
                if model.controls == Controls::Full {
                <div class={classes!("tracks", (services > 8).then_some("many"))} ref={self.refs.tracks.clone()} onscroll={ctx.link().callback(|_: Event| PageMsg::Scrolled)}>
                    <ul class="names"><li></li>{ for names }<li class="muted">{ "Faults" }</li></ul>
                    <div class="ribbons" onwheel={wheel}>
                        <canvas ref={self.refs.ribbons.clone()} role="img" aria-label={says} onpointerdown={down} onpointermove={drag}></canvas>
                        { self.part(Part::Script) }
                    </div>
                </div>
                <div class="axis">{ self.axis_buttons() }<div ref={self.refs.axis.clone()} aria-hidden="true"></div></div>
                }
            </footer>
        }
    }

    fn axis_buttons(&self) -> Html {
        let (shown, now) = (self.model.shown, self.model.run.now);
        let on = |turn: Turn| self.send.reform(move |_: MouseEvent| Msg::Time(turn));
        html! {
            <span class="names" role="group" aria-label="Time axis">
                <button title="Show a shorter time (Ctrl+wheel)" aria-label="Zoom the timeline in" onclick={on(Turn::Zoom(0.5, now))}>{ "+" }</button>
                <button title="Show a longer time (Ctrl+wheel)" aria-label="Zoom the timeline out" disabled={!shown.is_part()} onclick={on(Turn::Zoom(2.0, now))}>{ "−" }</button>
                <button class={classes!(shown.looping.then_some("on"))} title="Play what is shown again and again" aria-label="Loop" aria-pressed={shown.looping.to_string()} onclick={on(Turn::Loop)}>{ icon(Icon::UnderWay) }</button>
            </span>
        }
    }
}

/// The axis is a few texts, set by hand because their places are no attributes of the components.
fn paint_axis(axis: &Element, scale: Scale) {
    axis.set_text_content(None);
    let Some(document) = axis.owner_document() else { return };
    for (x, text) in &ticks(scale) {
        let Ok(tick) = document.create_element("span") else { return };
        tick.set_text_content(Some(text));
        let place = if *x < 1.0 {
            "first"
        } else if *x > scale.width - 16.0 {
            "last"
        } else {
            "mid"
        };
        tick.set_class_name(place);
        if let Some(tick) = tick.dyn_ref::<HtmlElement>() {
            let _ = tick.style().set_property("left", &format!("{x}px"));
        }
        let _ = axis.append_child(&tick);
    }
}
