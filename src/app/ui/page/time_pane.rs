//! The pane below the canvas: transport, timeline, time axis.

use super::{Page, PageMsg};
use crate::app::model::{Controls, Msg, PlaybackMsg};
use crate::app::time_view::TimeMsg;
use crate::app::ui::icons::{Icon, icon};
use crate::app::ui::lazy_views::LazyView;
use crate::app::ui::parts::transport;
use crate::app::ui::timeline;
use web_sys::{Element, HtmlInputElement};
use yew::html::Scope;
use yew::prelude::*;

impl Page {
    pub(super) fn time_pane(&self, ctx: &Context<Self>) -> Html {
        let (model, refs) = (&self.model, &self.painter.refs);
        let scrub = ctx.link().batch_callback(|event: InputEvent| {
            let input = event.target_dyn_into::<HtmlInputElement>()?;
            let ms = Some(input.value_as_number()).filter(|ms| ms.is_finite())?;
            Some(PageMsg::Model(Msg::Playback(PlaybackMsg::Seek((ms * 1000.0) as u64))))
        });
        let services = model.document.scenario.services.len();
        let names = (0..services).map(|node| html! { <li key={node}>{ &*model.name_of(node) }</li> });
        html! {
            <footer class="time">
                { transport(model, &refs.transport, &self.send, &scrub) }
                if model.controls == Controls::Full {
                <div class={classes!("tracks", (services > 8).then_some("many"))} ref={refs.tracks.clone()} onscroll={ctx.link().callback(|_: Event| PageMsg::Scrolled)}>
                    <ul class="names"><li></li>{ for names }<li class="muted">{ "Faults" }</li></ul>
                    { self.ribbons(ctx.link()) }
                </div>
                <div class="axis">{ self.axis_buttons() }<div ref={refs.axis.clone()} aria-hidden="true"></div></div>
                }
            </footer>
        }
    }

    fn ribbons(&self, link: &Scope<Self>) -> Html {
        let model = &self.model;
        let (ribbons, shown, until) = (self.painter.refs.ribbons.clone(), model.time_view, model.run.until);
        let instant = move |event: &MouseEvent| {
            let rect = ribbons.cast::<Element>()?.get_bounding_client_rect();
            let x = f64::from(event.client_x()) - rect.left() - timeline::MARGIN;
            Some(shown.scale(until, rect.width() - 2.0 * timeline::MARGIN).instant(x))
        };
        let on_down = {
            let instant = instant.clone();
            link.batch_callback(move |event: PointerEvent| {
                if event.button() != 0 {
                    return None;
                }
                if let Some(element) = event.target_dyn_into::<Element>() {
                    let _ = element.set_pointer_capture(event.pointer_id());
                }
                instant(&event).map(|to| PageMsg::Model(Msg::Playback(PlaybackMsg::Seek(to))))
            })
        };
        let on_move = {
            let instant = instant.clone();
            link.batch_callback(move |event: PointerEvent| {
                let to = instant(&event).filter(|_| event.buttons() & 1 == 1)?;
                Some(PageMsg::Model(Msg::Playback(PlaybackMsg::Seek(to))))
            })
        };
        // As on the canvas, Ctrl and the wheel (or a pinch) zoom. A sideways turn pans; any other scrolls the tracks.
        let on_wheel = link.batch_callback(move |event: WheelEvent| {
            let turn = if event.ctrl_key() || event.meta_key() {
                let factor = libm::exp((event.delta_y() * 0.01).clamp(-0.5, 0.5));
                TimeMsg::Zoom(factor, instant(&event)?)
            } else {
                let by = if event.shift_key() { event.delta_x() + event.delta_y() } else { event.delta_x() };
                TimeMsg::Pan(by.clamp(-500.0, 500.0) / 1000.0)
            };
            if turn == TimeMsg::Pan(0.0) {
                return None;
            }
            event.prevent_default();
            Some(PageMsg::Model(Msg::Time(turn)))
        });
        let description =
            format!("Timeline of {} services: {}", model.document.scenario.services.len(), model.run.state_summary());
        html! {
            <div class="ribbons" onwheel={on_wheel}>
                <canvas ref={self.painter.refs.ribbons.clone()} role="img" aria-label={description} onpointerdown={on_down} onpointermove={on_move}></canvas>
                { self.lazy(LazyView::Script) }
            </div>
        }
    }

    fn axis_buttons(&self) -> Html {
        let (shown, now) = (self.model.time_view, self.model.run.now);
        let on = |turn: TimeMsg| self.send.reform(move |_: MouseEvent| Msg::Time(turn));
        html! {
            <span class="names" role="group" aria-label="Time axis">
                <button title="Zoom in (Ctrl+wheel)" aria-label="Zoom the timeline in" onclick={on(TimeMsg::Zoom(0.5, now))}>{ "+" }</button>
                <button title="Zoom out (Ctrl+wheel)" aria-label="Zoom the timeline out" disabled={!shown.is_part()} onclick={on(TimeMsg::Zoom(2.0, now))}>{ "−" }</button>
                <button class={classes!(shown.looping.then_some("on"))} title="Loop the shown part of the run" aria-label="Loop" aria-pressed={shown.looping.to_string()} onclick={on(TimeMsg::Loop)}>{ icon(Icon::Loop) }</button>
            </span>
        }
    }
}
