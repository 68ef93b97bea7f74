//! The log of the run. Only the visible rows are in the document.

use super::icons::{Icon, icon};
use super::update_colour::update_class;
use crate::app::log_view::{ROW, visible_rows};
use crate::app::model::{LogMsg, Msg};
use crate::app::playback::clock;
use crate::session::protocol::LogRow;
use crate::text;
use std::rc::Rc;
use web_sys::{HtmlElement, HtmlInputElement};
use yew::prelude::*;

/// Width of a row without its text, px at the default size of the font.
const MARGIN: f64 = 117.0;
/// Width of a letter, px at the default size of the font.
const LETTER: f64 = 6.3;
/// The distance by which the list is scrolled before other rows are drawn, px.
const STEP: f64 = 120.0;

/// Properties of [`Log`].
#[derive(Clone, PartialEq, Properties)]
pub struct LogProps {
    /// The rows, oldest first.
    pub rows: Rc<Vec<Rc<LogRow>>>,
    /// The filter's text.
    pub filter: Rc<str>,
    /// Whether older rows can be loaded.
    pub older: bool,
    /// Receives messages.
    pub send: Callback<Msg>,
}

/// The log's panel. It follows the newest row until the visitor scrolls away from it.
#[component]
pub fn Log(props: &LogProps) -> Html {
    let list = use_node_ref();
    // The upper edge and the height of the visible part, and the number of letters in a line.
    let part = use_state_eq(|| (0.0, 960.0, 30.0));
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
    let measure = {
        let (list, part) = (list.clone(), part.clone());
        move || {
            let Some(list) = list.cast::<HtmlElement>() else { return };
            let (top, height) = (f64::from(list.scroll_top()), f64::from(list.client_height()));
            // In steps, so that scrolling by a few px renders nothing.
            let top = (top / STEP).floor() * STEP;
            part.set((top, height + STEP, ((f64::from(list.client_width()) - MARGIN) / LETTER).floor()));
        }
    };
    {
        let measure = measure.clone();
        use_effect_with(total, move |_| measure());
    }
    let on_scroll = {
        let (list, follows) = (list.clone(), follows.clone());
        Callback::from(move |_: Event| {
            if let Some(list) = list.cast::<HtmlElement>() {
                let end = f64::from(list.scroll_top() + list.client_height());
                *follows.borrow_mut() = end + 2.0 * ROW >= f64::from(list.scroll_height());
            }
            measure();
        })
    };
    let on_filter = props.send.reform(|event: InputEvent| {
        Msg::Log(LogMsg::Filter(
            event.target_dyn_into::<HtmlInputElement>().map(|input| input.value()).unwrap_or_default(),
        ))
    });
    let (top, height, per_line) = *part;
    let visible = visible_rows(&props.rows, top, height, per_line);
    let close = props.send.reform(|_: MouseEvent| Msg::Log(LogMsg::Toggle));
    let older = props.send.reform(|_: MouseEvent| Msg::Log(LogMsg::LoadOlder));
    html! {
        <section class="log" id="panel" tabindex="-1" aria-label={text!("Event log")}>
            <header>
                <h2>{ text!("Log") }</h2>
                <input type="search" placeholder={text!("Filter")} aria-label={text!("Filter the log")} value={props.filter.to_string()} oninput={on_filter} />
                <span class="muted small">{ if total == 1 { text!("1 row").to_string() } else { text!("{} rows", total) } }</span>
                if props.older { <button class="small" onclick={older}>{ text!("Older") }</button> }
                <span class="grow"></span>
                <button class="icon small" aria-label={text!("Close the log")} onclick={close}>{ icon(Icon::Close) }</button>
            </header>
            <ol ref={list} onscroll={on_scroll} tabindex="0" aria-label={text!("Events, oldest first")}>
                <Space height={visible.above} />
                { for props.rows[visible.from..visible.to].iter().enumerate().map(|(i, entry)| row(entry, visible.from + i + 1, total)) }
                <Space height={visible.below} />
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
            <span class="text">{ &entry.text }</span>
        </li>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct SpaceProps {
    height: f64,
}

/// The space of rows that are not in the document.
#[component]
fn Space(props: &SpaceProps) -> Html {
    let root = use_node_ref();
    use_effect_with((root.clone(), props.height), |(root, height)| {
        if let Some(element) = root.cast::<HtmlElement>() {
            let _ = element.style().set_property("height", &format!("{height}px"));
        }
    });
    html! { <li ref={root} class="space" role="presentation" aria-hidden="true"></li> }
}
