//! The pane below the canvas: transport, timeline, time axis.

use super::{Page, PageMsg};
use crate::app::model::{Controls, Msg, PanelsMsg, PlaybackMsg};
use crate::app::time_view::TimeMsg;
use crate::app::timeline_rows::{Row, TimelineRows};
use crate::app::ui::icons::{Icon, icon};
use crate::app::ui::lazy_views::LazyView;
use crate::app::ui::parts::transport;
use crate::app::ui::timeline;
use crate::session::protocol::CopyState;
use crate::text;
use web_sys::{Element, HtmlElement, HtmlInputElement};
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
        let rows = model.timeline_rows();
        let scrolls = rows.full_height() > timeline::height(model, &rows) + 1.0;
        let names = rows.rows.iter().map(|row| self.row_name(row));
        let has_tracks = model.controls == Controls::Full && !model.hidden.timeline;
        html! {
            <footer class="time">
                if has_tracks { { self.height_handle(&rows) } }
                { transport(model, &refs.transport, &self.send, &scrub) }
                if has_tracks {
                <div class={classes!("tracks", scrolls.then_some("many"))} role="group" aria-label={text!("Timeline")} tabindex={scrolls.then_some("0")} ref={refs.tracks.clone()} onscroll={ctx.link().callback(|_: Event| PageMsg::Scrolled)}>
                    <ul class="names"><li class="muted">{ text!("Updates") }</li>{ for names }<li class="muted">{ text!("Faults") }</li></ul>
                    { self.ribbons(ctx.link()) }
                </div>
                <div class="axis">{ self.axis_buttons() }<div ref={refs.axis.clone()} aria-hidden="true"></div></div>
                }
            </footer>
        }
    }

    /// Draws the name of a row: of a service, or of a large group with a button that shows its members.
    fn row_name(&self, row: &Row) -> Html {
        match row {
            Row::Service(service) => {
                let name = self.model.name_of(*service);
                html! { <li key={*service} title={name.to_string()}>{ &*name }</li> }
            }
            Row::Group { id, name, members, is_open } => {
                let stale = |member: &&usize| {
                    self.model.run.services.get(**member).is_some_and(|service| service.state != CopyState::Consistent)
                };
                let (stale, all) = (members.iter().filter(stale).count(), members.len());
                let title = text!("{}: {} of {} members not consistent", name, stale, all);
                html! {
                    <li key={id.clone()} title={title.clone()}>
                        <button class="fold" aria-expanded={is_open.to_string()} aria-label={title} onclick={self.on(Msg::Panels(PanelsMsg::ToggleRows(id.clone())))}>
                            { if *is_open { "▾ " } else { "▸ " } }{ format!("{name} ({all})") }
                        </button>
                    </li>
                }
            }
        }
    }

    /// Draws the edge by which the timeline's height is changed: by dragging, with the arrow keys, and back by a double click.
    fn height_handle(&self, rows: &TimelineRows) -> Html {
        let height = timeline::height(&self.model, rows);
        let set = |height: Option<f64>| Msg::Time(TimeMsg::Height(height));
        let on_down = Callback::from(|event: PointerEvent| {
            if let Some(element) = event.target_dyn_into::<Element>() {
                let _ = element.set_pointer_capture(event.pointer_id());
            }
        });
        let tracks = self.painter.refs.tracks.clone();
        let on_move = self.link.batch_callback(move |event: PointerEvent| {
            let bottom = tracks.cast::<Element>()?.get_bounding_client_rect().bottom();
            let transport =
                event.target_dyn_into::<Element>()?.next_element_sibling()?.get_bounding_client_rect().height();
            let wanted = bottom - f64::from(event.client_y()) - transport;
            (event.buttons() & 1 == 1).then(|| PageMsg::Model(set(Some(wanted.max(0.0)))))
        });
        let row = rows.height;
        let on_key = self.link.batch_callback(move |event: KeyboardEvent| {
            let height = match event.key().as_str() {
                "ArrowUp" => Some(height + row),
                "ArrowDown" => Some(height - row),
                "Home" => None,
                _ => return None,
            };
            event.prevent_default();
            Some(PageMsg::Model(set(height)))
        });
        html! {
            <div class="time-size" role="separator" tabindex="0" aria-orientation="horizontal" aria-label={text!("Height of the timeline")}
                aria-valuenow={format!("{height:.0}")} aria-valuemin="0" aria-valuemax={format!("{:.0}", rows.full_height())} title={text!("Drag to change the height of the timeline")}
                onpointerdown={on_down} onpointermove={on_move} onkeydown={on_key} ondblclick={self.on(set(None))}></div>
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
            let (instant, scrubber) = (instant.clone(), self.painter.refs.transport.scrubber.clone());
            link.batch_callback(move |event: PointerEvent| {
                if event.button() != 0 {
                    return None;
                }
                let _ = scrubber.cast::<HtmlElement>()?.focus();
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
        // The press would take the focus off the scrubber.
        let keep_focus = |event: MouseEvent| event.prevent_default();
        let description =
            text!("Timeline, services: {}; {}", model.document.scenario.services.len(), model.run.state_summary());
        html! {
            <div class="ribbons" onwheel={on_wheel}>
                <canvas ref={self.painter.refs.ribbons.clone()} role="img" aria-label={description} onpointerdown={on_down} onpointermove={on_move} onmousedown={keep_focus}></canvas>
                { self.lazy(LazyView::Script) }
            </div>
        }
    }

    fn axis_buttons(&self) -> Html {
        let (shown, now) = (self.model.time_view, self.model.run.now);
        let on = |turn: TimeMsg| self.send.reform(move |_: MouseEvent| Msg::Time(turn));
        html! {
            <span class="names" role="group" aria-label={text!("Time axis")}>
                <button title={text!("Zoom in (Ctrl+wheel)")} aria-label={text!("Zoom the timeline in")} onclick={on(TimeMsg::Zoom(0.5, now))}>{ "+" }</button>
                <button title={text!("Zoom out (Ctrl+wheel)")} aria-label={text!("Zoom the timeline out")} disabled={!shown.is_part()} onclick={on(TimeMsg::Zoom(2.0, now))}>{ "−" }</button>
                <button class={classes!(shown.looping.then_some("on"))} title={text!("Loop the shown part of the run")} aria-label={text!("Loop")} aria-pressed={shown.looping.to_string()} onclick={on(TimeMsg::Loop)}>{ icon(Icon::Loop) }</button>
            </span>
        }
    }
}
