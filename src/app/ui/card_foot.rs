//! The foot of a service's card: its delay or state in words, its work, and the rows of its outbox and inbox.

use super::update_colour::update_class;
use crate::app::model::{Msg, VerdictsMsg};
use crate::app::status_text;
use crate::session::protocol::{CopyState, ServiceView};
use crate::text;
use yew::prelude::*;

/// Draws the foot.
pub(super) fn foot(service: &ServiceView, send: &Callback<Msg>) -> Html {
    let node = service.node;
    let explain = send.reform(move |_: MouseEvent| Msg::Verdicts(VerdictsMsg::Explain(node)));
    let why = html! { <button class="why" tabindex="-1" title={text!("Explain this state")} onclick={explain}>{ text!("Why?") }</button> };
    let status = status_text::service(service);
    let main = |text: &str| html! { <span class="main" title={text.to_string()}>{ text }</span> };
    let load = html! { <span class="load">{ tables(service) }{ aside(&status) }</span> };
    let stopped = if service.outbox > 0 { text!("stopped") } else { text!("stopped, data kept") };
    match (service.state, service.stale_since) {
        (CopyState::Down, _) => html! { <div class="foot gone">{ main(stopped) }{ load }</div> },
        (CopyState::Stale, Some(since)) => html! {
            <div class="foot behind">
                <span class="main">{ text!("{} behind for", service.behind) }{ " " }<span data-since={since.to_string()}></span></span>
                { load }
                { why }
            </div>
        },
        (CopyState::Diverged, _) => {
            html! { <div class="foot off">{ main(text!("all applied, value differs")) }{ load }{ why }</div> }
        }
        (CopyState::Consistent | CopyState::Conflicted | CopyState::Stale, _) => {
            let rows = service.row_count;
            let rows = if rows == 1 { text!("1 row").to_string() } else { text!("{} rows", rows) };
            html! { <div class="foot muted">{ tables(service) }{ main(&status) }<span class="load">{ aside(&rows) }</span></div> }
        }
    }
}

/// Draws a text that a foot shows if it has room beside the more important one.
fn aside(text: &str) -> Html {
    if text.is_empty() {
        return html! {};
    }
    let eighths = text.chars().count().div_ceil(8).min(6);
    html! { <span class={format!("w{eighths}")} title={text.to_string()}>{ text }</span> }
}

/// Draws the rows of outbox and inbox, as cells in the colours of their updates.
fn tables(service: &ServiceView) -> Html {
    const SHOWN: usize = 4;
    let cell =
        |update: u32, again: bool| html! { <b class={classes!(update_class(update), again.then_some("again"))}></b> };
    let outbox = service.outbox_rows.iter().take(SHOWN).map(|update| cell(*update, false));
    let more = (service.outbox as usize).saturating_sub(SHOWN);
    let inbox = service.inbox.iter().rev().take(SHOWN).rev().map(|row| cell(row.update, row.again));
    html! {
        <>
            if service.outbox > 0 {
                <span class="cells" title={text!("{} in the outbox, not acknowledged by the bus yet", service.outbox)}>
                    { text!("outbox") }{ for outbox }if more > 0 { { format!("+{more}") } }
                </span>
            }
            if !service.inbox.is_empty() {
                <span class="cells" title={text!("Events in the inbox, newest last. A dot marks an event that was delivered again and had no effect.")}>{ text!("inbox") }{ for inbox }</span>
            }
        </>
    }
}
