//! The log: every record of the run as a list, of which only the rows in sight are in the document.

use super::card::update_class;
use super::icons::{Icon, icon};
use crate::app::model::Msg;
use crate::app::playback::clock;
use crate::session::protocol::LogRow;
use std::rc::Rc;
use web_sys::{HtmlElement, HtmlInputElement};
use yew::prelude::*;

/// Height of a row, px.
const ROW: f64 = 24.0;
/// Rows in the document beyond those in sight.
const SPARE: usize = 12;

/// Properties of [`Log`].
#[derive(Clone, PartialEq, Properties)]
pub struct LogProps {
    /// The rows, oldest first.
    pub rows: Rc<Vec<Rc<LogRow>>>,
    /// What they were filtered by.
    pub filter: Rc<str>,
    /// There are older ones.
    pub older: bool,
    /// Where messages go.
    pub send: Callback<Msg>,
}

/// The log's panel. It stays at the newest row until it is scrolled away from it.
#[component]
pub fn Log(props: &LogProps) -> Html {
    let list = use_node_ref();
    let seen = use_state_eq(|| (0usize, 40usize));
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
        let (list, seen, follows) = (list.clone(), seen.clone(), follows.clone());
        Callback::from(move |_: Event| {
            let Some(list) = list.cast::<HtmlElement>() else { return };
            let (top, height) = (f64::from(list.scroll_top()), f64::from(list.client_height()));
            *follows.borrow_mut() = top + height + 2.0 * ROW >= f64::from(list.scroll_height());
            seen.set(((top / ROW) as usize, (height / ROW) as usize + 1));
        })
    };
    let on_filter = props.send.reform(|event: InputEvent| {
        Msg::FilterLog(event.target_dyn_into::<HtmlInputElement>().map(|input| input.value()).unwrap_or_default())
    });
    let (top, height) = *seen;
    let from = top.saturating_sub(SPARE).min(total.saturating_sub(1));
    let to = (top + height + SPARE).min(total);
    let close = props.send.reform(|_: MouseEvent| Msg::ToggleLog);
    let older = props.send.reform(|_: MouseEvent| Msg::OlderLog);
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
            <ol ref={list} onscroll={on_scroll} tabindex="0" aria-label="What happened, oldest first">
                <Space rows={from} />
                { for props.rows[from.min(total)..to].iter().enumerate().map(|(i, entry)| row(entry, from + i + 1, total)) }
                <Space rows={total - to} />
            </ol>
        </section>
    }
}

fn row(entry: &LogRow, place: usize, total: usize) -> Html {
    let lost = matches!(entry.name.as_str(), "message_dropped" | "event_dead_lettered" | "event_discarded");
    let fault = matches!(entry.name.as_str(), "link_cut" | "service_crashed" | "handling_failed" | "operation_refused");
    html! {
        <li key={entry.index} class={classes!((lost || fault).then_some("bad"))} aria-setsize={total.to_string()} aria-posinset={place.to_string()}>
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

/// Room for rows that are not in the document.
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
