//! The legend: the shapes of states and messages. Each kind of message can be hidden.

use super::card::badge;
use super::icons::{Icon, icon};
use crate::app::model::{MESSAGE_GROUPS, MessageGroup, Model, Msg, PanelsMsg, ViewportMsg};
use crate::session::protocol::CopyState;
use crate::text;
use yew::prelude::*;

/// Draws the legend.
pub fn legend(model: &Model, send: &Callback<Msg>) -> Html {
    let close = send.reform(|_: MouseEvent| Msg::Panels(PanelsMsg::ToggleLegend));
    let row = |(index, group): (usize, &MessageGroup)| {
        let shown = !model.viewport.hides_group(index);
        let onchange = send.reform(move |_: Event| Msg::Viewport(ViewportMsg::ToggleMessages(index)));
        html! {
            <li key={group.name.get()}><label><input type="checkbox" checked={shown} {onchange} />{ shape(group.shape) }<span>{ group.name.get() }</span></label></li>
        }
    };
    html! {
        <section class="legend" aria-label={text!("Legend")}>
            <header><h2>{ text!("Legend") }</h2><button class="icon small" title={text!("Close")} aria-label={text!("Close the legend")} onclick={close}>{ icon(Icon::Close) }</button></header>
            <h3>{ text!("Copies") }</h3>
            <ul>{ for CopyState::ALL.into_iter().map(|state| html! { <li key={state.name()}>{ badge(state) }</li> }) }</ul>
            <h3>{ text!("Messages: shown kinds") }</h3>
            <ul>{ for MESSAGE_GROUPS.iter().enumerate().map(row) }</ul>
            <p>{ text!("The colour of a message is that of its update, also in queues, rows and the timeline.") }</p>
        </section>
    }
}

/// Draws the shape of a kind of message.
fn shape(shape: u8) -> Html {
    let content = match shape {
        0 => html! { <rect x="2" y="2" width="12" height="12" rx="3.500" class="full" /> },
        1 => html! { <path d="M14 8 3 3l3 5-3 5z" class="full" /> },
        2 => html! { <path d="M14 8 3 3l3 5-3 5z" class="line" /> },
        3 => html! { <circle cx="8" cy="8" r="4" class="line" /> },
        6 => html! { <path d="M2 6h4V2h4v4h4v4h-4v4H6v-4H2z" class="full" /> },
        _ => html! { <rect x="5.500" y="5.500" width="5" height="5" class="full" /> },
    };
    html! { <svg viewBox="0 0 16 16" class="shape" aria-hidden="true">{ content }</svg> }
}
