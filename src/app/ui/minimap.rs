//! The map of a large drawing. A click or a drag moves the view there.

use super::icons::{Icon, icon};
use crate::app::geometry::{Rect, point};
use crate::app::minimap::{SIZE, extent, paths, view};
use crate::app::model::{Model, Msg, PanelsMsg, ViewportMsg};
use crate::text;
use web_sys::Element;
use yew::prelude::*;

/// Returns the element of the map. An event's current target is the root of the page, where Yew listens.
fn map_of(event: &PointerEvent) -> Option<Element> {
    event.target_dyn_into::<Element>()?.closest(".minimap svg").ok()?
}

/// Draws the map. The painter moves the frame of the visible part.
pub fn minimap(model: &Model, send: &Callback<Msg>) -> Html {
    let extent = extent(&model.scene);
    let visible = view(&model.viewport.camera, model.viewport.size, &extent);
    let close = send.reform(|_: MouseEvent| Msg::Panels(PanelsMsg::ToggleMap));
    let go = move |event: &PointerEvent, send: &Callback<Msg>| {
        let Some(map) = map_of(event) else { return };
        let area = map.get_bounding_client_rect();
        let share = |at: i32, start: f64, length: f64| (f64::from(at) - start) / length.max(1.0);
        let x = extent.x + extent.w * share(event.client_x(), area.left(), area.width());
        let y = extent.y + extent.h * share(event.client_y(), area.top(), area.height());
        send.emit(Msg::Viewport(ViewportMsg::CenterAt(point(x, y))));
    };
    let on_down = {
        let send = send.clone();
        Callback::from(move |event: PointerEvent| {
            event.stop_propagation();
            if let Some(map) = map_of(&event) {
                let _ = map.set_pointer_capture(event.pointer_id());
            }
            go(&event, &send);
        })
    };
    let on_move = {
        let send = send.clone();
        Callback::from(move |event: PointerEvent| {
            event.stop_propagation();
            if event.buttons() & 1 == 1 {
                go(&event, &send);
            }
        })
    };
    let card = |(state, d): &(Option<crate::session::protocol::CopyState>, String)| {
        let class = state.map_or("plain", super::card::state_class);
        html! { <path key={class} {class} d={d.clone()} /> }
    };
    let frame = |r: &Rect| {
        html! { <rect class="view" x={r.x.to_string()} y={r.y.to_string()} width={r.w.to_string()} height={r.h.to_string()} /> }
    };
    html! {
        <div class="minimap">
            <svg viewBox={format!("{} {} {} {}", extent.x, extent.y, extent.w, extent.h)} width={SIZE.0.to_string()} height={SIZE.1.to_string()}
                role="img" aria-label={text!("Map of the drawing")} onpointerdown={on_down} onpointermove={on_move}>
                { for paths(model).iter().map(card) }
                { frame(&visible) }
            </svg>
            <button class="icon small" title={text!("Close the map")} aria-label={text!("Close the map")} onclick={close}>{ icon(Icon::Close) }</button>
        </div>
    }
}
