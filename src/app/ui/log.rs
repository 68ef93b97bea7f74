//! The log of the run. Only the visible rows are in the document.

use super::card::update_class;
use super::icons::{Icon, icon};
use crate::app::model::{LogMsg, Msg};
use crate::app::playback::clock;
use crate::session::protocol::LogRow;
use std::rc::Rc;
use web_sys::{HtmlElement, HtmlInputElement};
use yew::prelude::*;

/// Height of a row, px.
const ROW: f64 = 24.0;
/// Rows in the document above and below the visible ones.
const SPARE: usize = 12;

/// Properties of [`Log`].
#[derive(Clone, PartialEq, Properties)]
pub struct LogProps {
    /// The rows, oldest first.
    pub rows: Rc<Vec<Rc<LogRow>>>,
    /// The filter's text.
    pub filter: Rc<str>,
    /// Older rows can be loaded.
    pub older: bool,
    /// Receives messages.
    pub send: Callback<Msg>,
}

/// The log's panel. It follows the newest row until the visitor scrolls away from it.
#[component]
pub fn Log(props: &LogProps) -> Html {
    let list = use_node_ref();
    let visible = use_state_eq(|| (0usize, 40usize));
    let follows = use_mut_ref(|| true);
    let total = props.rows.len();
    {
        let (list, follows) = (list.clone(), follows.clone());
        use_effect_with((total, props.filter.clone()), move |_| {
            if *follows.borrow()
                && let Some(list) = list.cast::<HtmlElement>()
            {
                list.set_scroll_top(list.scroll_height());
            }
        });
    }
    let on_scroll = {
        let (list, visible, follows) = (list.clone(), visible.clone(), follows.clone());
        Callback::from(move |_: Event| {
            let Some(list) = list.cast::<HtmlElement>() else { return };
            let (top, height) = (f64::from(list.scroll_top()), f64::from(list.client_height()));
            *follows.borrow_mut() = top + height + 2.0 * ROW >= f64::from(list.scroll_height());
            visible.set(((top / ROW) as usize, (height / ROW) as usize + 1));
        })
    };
    let on_filter = props.send.reform(|event: InputEvent| {
        Msg::Log(LogMsg::Filter(
            event.target_dyn_into::<HtmlInputElement>().map(|input| input.value()).unwrap_or_default(),
        ))
    });
    let (top, height) = *visible;
    let from = top.saturating_sub(SPARE).min(total.saturating_sub(1));
    let to = (top + height + SPARE).min(total);
    let close = props.send.reform(|_: MouseEvent| Msg::Log(LogMsg::Toggle));
    let older = props.send.reform(|_: MouseEvent| Msg::Log(LogMsg::LoadOlder));
    html! {
        <section class="log" aria-label="Event log">
            <header>
                <h2>{ "Log" }</h2>
                <input type="search" placeholder="Filter" aria-label="Filter the log" value={props.filter.to_string()} oninput={on_filter} />
                <span class="muted small">{ format!("{total} rows") }</span>
                if props.older { <button class="small" onclick={older}>{ "Older" }</button> }
                <span class="grow"></span>
                <button class="icon small" aria-label="Close the log" onclick={close}>{ icon(Icon::Close) }</button>
            </header>
            <ol ref={list} onscroll={on_scroll} tabindex="0" aria-label="Events, oldest first">
                <Space rows={from} />
                { for props.rows[from.min(total)..to].iter().enumerate().map(|(i, entry)| row(entry, from + i + 1, total)) }
                <Space rows={total - to} />
            </ol>
        </section>
    }
}

fn row(entry: &LogRow, position: usize, total: usize) -> Html {
    let lost = matches!(entry.name.as_str(), "message_dropped" | "event_dead_lettered" | "event_discarded");
    let fault = matches!(entry.name.as_str(), "link_cut" | "service_crashed" | "handling_failed" | "operation_refused");
    html! {
        <li key={entry.index} class={classes!((lost || fault).then_some("bad"))} aria-setsize={total.to_string()} aria-posinset={position.to_string()}>
            <span class="at">{ clock(entry.at) }</span>
            <b class={classes!("swatch", entry.update.map_or("none".to_string(), update_class))}></b>
            <span class="text" title={entry.text.clone()}>{ &entry.text }</span>
        </li>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct SpaceProps {
    rows: usize,
}

/// The space of rows that are not in the document.
#[component]
fn Space(props: &SpaceProps) -> Html {
    let root = use_node_ref();
    use_effect_with((root.clone(), props.rows), |(root, rows)| {
        if let Some(element) = root.cast::<HtmlElement>() {
            let _ = element.style().set_property("height", &format!("{}px", *rows as f64 * ROW));
        }
    });
    html! { <li ref={root} class="space" role="presentation" aria-hidden="true"></li> }
}
