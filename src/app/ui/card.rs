//! Cards of services, buses and clients. A card renders only when its properties change; the painter updates the
//! counters that run with the clock (`data-since`, `data-until`).

use super::card_foot::foot;
use super::client_body::client_body;
use super::icons::{Icon, icon};
use super::update_colour::update_class;
use crate::app::model::{Msg, SelectionMsg};
use crate::app::playback::short;
use crate::app::scene::{NodeKind, SHOWN_ROWS, SHOWN_SUBSCRIPTIONS, SceneNode};
use crate::session::labels;
use crate::session::protocol::{BusView, ClientView, CopyState, QueuedEvent, RowView, ServiceView, SubscriptionView};
use crate::text;
use std::rc::Rc;
use web_sys::{HtmlElement, HtmlInputElement};
use yew::prelude::*;

/// Maximum number of characters of a name that fits on two lines beside a state and the icon of its kind.
const LONG_NAME: usize = 20;

/// Maximum number of characters of a word that fits beside a state and the icon of its kind while text is enlarged.
const LONG_WORD: usize = 8;

/// Width of a letter of a card's name, px.
const NAME_LETTER: usize = 8;

/// Width of a letter of a state, px.
const STATE_LETTER: usize = 7;

/// Width of the icon and the gaps in a card's header, px.
const HEADER_REST: usize = 64;

/// Width of a card up to which the style sheet shows a state without its word, px.
const NARROW: f64 = 200.0;

/// What a card shows of its node.
#[derive(Clone, Debug, PartialEq)]
pub enum View {
    /// Not reported yet.
    Unknown,
    /// A service.
    Service(Rc<ServiceView>),
    /// A bus, with the names of its subscribers, and whether it has a dead-letter queue.
    Bus(Rc<BusView>, Rc<Vec<Rc<str>>>, bool),
    /// A client.
    Client(Rc<ClientView>),
}

/// Properties of [`Card`].
#[derive(Clone, PartialEq, Properties)]
pub struct CardProps {
    /// Its node, position and size.
    pub placed: SceneNode,
    /// The reported state.
    pub view: View,
    /// The active faults, in a few words; empty for none.
    pub active_faults: AttrValue,
    /// Whether it is selected.
    pub selected: bool,
    /// Whether the marked verdict mentions it.
    pub proof: bool,
    /// Whether it is the target of a connection that the visitor is drawing.
    pub aimed: bool,
    /// Whether it is the canvas's tab stop.
    pub tab: bool,
    /// Whether the visitor is renaming it.
    pub renaming: bool,
    /// Whether connections can be drawn from it.
    pub editable: bool,
    /// Whether its state or data differ in the compared branch.
    pub differs: bool,
    /// Receives messages.
    pub send: Callback<Msg>,
}

/// A card.
#[component]
pub fn Card(props: &CardProps) -> Html {
    let root = use_node_ref();
    let rect = props.placed.rect;
    use_effect_with((root.clone(), rect.x, rect.y, rect.w, rect.h), |(root, x, y, w, h)| {
        if let Some(element) = root.cast::<HtmlElement>() {
            let style = element.style();
            let _ = style.set_property("transform", &format!("translate({x}px, {y}px)"));
            let _ = style.set_property("width", &format!("{w}px"));
            let _ = style.set_property("height", &format!("{h}px"));
        }
    });
    let state = match &props.view {
        View::Service(service) => Some(service.state),
        View::Unknown | View::Bus(..) | View::Client(_) => None,
    };
    let kind = match props.placed.kind {
        NodeKind::Service => "service",
        NodeKind::Bus => "bus",
        NodeKind::Client => "client",
        NodeKind::Group => "group",
    };
    let classes = classes!(
        "card",
        kind,
        state.map(|state| format!("is-{}", state.name())),
        props.selected.then_some("selected"),
        props.proof.then_some("proof"),
        props.aimed.then_some("aimed"),
        (!props.active_faults.is_empty()).then_some("troubled"),
        props.differs.then_some("differs"),
    );
    let focused = {
        let (send, id) = (props.send.clone(), props.placed.id.clone());
        Callback::from(move |_: FocusEvent| send.emit(Msg::Selection(SelectionMsg::Focused(id.to_string()))))
    };
    if let Some(state) = state.filter(|_| props.placed.group.is_some()) {
        let title = format!("{}, {}", props.placed.name, labels::copy_state(state));
        return html! {
            <article ref={root} class={classes!(classes, "member", state_class(state))} data-node={props.placed.id.to_string()} {title}
                tabindex={if props.tab { "0" } else { "-1" }} aria-label={description(props)} onfocus={focused}>{ glyph(state) }</article>
        };
    }
    html! {
        <article ref={root} class={classes} data-node={props.placed.id.to_string()}
            tabindex={if props.tab { "0" } else { "-1" }} aria-label={description(props)} onfocus={focused}>
            { head(props, state) }
            { body(&props.view, &props.send) }
            if props.differs { <span class="difference" aria-hidden="true">{ "≠" }</span> }
            if !props.active_faults.is_empty() { <span class="trouble" title={props.active_faults.clone()}>{ icon(Icon::Fault) }<span>{ &props.active_faults }</span></span> }
            if props.editable {
                <span class="handle" data-handle={props.placed.id.to_string()} aria-hidden="true"></span>
            }
        </article>
    }
}

/// Describes the card for screen readers: kind, name, state and links.
fn description(props: &CardProps) -> String {
    let mut name = format!("{} {}", props.placed.kind.word(), props.placed.name);
    match &props.view {
        View::Service(service) => {
            name.push_str(&format!(", {}", labels::copy_state(service.state)));
            if service.behind > 0 {
                name.push_str(&format!(", {}", text!("{} behind", service.behind)));
            }
        }
        View::Bus(bus, ..) => {
            let depth: u32 = bus.subscriptions.iter().map(|subscription| subscription.depth).sum();
            name.push_str(&format!(", {}", text!("{} queued", depth)));
        }
        View::Client(client) => name.push_str(&format!(", {}", text!("{} ok", client.ok))),
        View::Unknown => {}
    }
    if !props.active_faults.is_empty() {
        name.push_str(&format!(", {}", props.active_faults));
    }
    if props.differs {
        name.push_str(&format!(", {}", text!("differs in the compared branch")));
    }
    if !props.placed.connections.is_empty() {
        name.push_str(&format!(", {}", props.placed.connections));
    }
    name
}

fn head(props: &CardProps, state: Option<CopyState>) -> Html {
    let which = match props.placed.kind {
        NodeKind::Service => Icon::Service,
        NodeKind::Bus => Icon::Bus,
        NodeKind::Client => Icon::Client,
        NodeKind::Group => Icon::Group,
    };
    let aside = match (&props.view, state) {
        (_, Some(state)) => badge(state),
        (View::Client(client), None) if client.pending > 0 => {
            html! { <span class="muted small">{ text!("{} pending", client.pending) }</span> }
        }
        _ => html! {},
    };
    let is_long = props.placed.name.chars().count() > LONG_NAME;
    let longest_word = props.placed.name.split([' ', '-', '_']).map(|word| word.chars().count()).max();
    let is_wide = longest_word.is_some_and(|length| length > LONG_WORD);
    let state_word = state.map_or(0, |state| labels::copy_state(state).chars().count());
    // A narrower card does not show the word of its state.
    let width = props.placed.rect.w.max(NARROW) as usize;
    let is_tight =
        longest_word.is_some_and(|length| NAME_LETTER * length + STATE_LETTER * state_word + HEADER_REST > width);
    html! {
        <header class={classes!(is_long.then_some("long"), is_wide.then_some("wide"), is_tight.then_some("tight"))}>
            { icon(which) }
            if props.renaming {
                <NameField name={props.placed.name.clone()} send={props.send.clone()} />
            } else {
                <h2 title={props.placed.name.to_string()}>{ name_with_breaks(&props.placed.name) }</h2>
            }
            { aside }
        </header>
    }
}

/// Draws a name that can also be broken after its underscores.
fn name_with_breaks(name: &str) -> Html {
    let end = |part: &str| {
        if part.ends_with('_') {
            html! { <wbr /> }
        } else {
            html! {}
        }
    };
    name.split_inclusive('_').map(|part| html! { <>{ part }{ end(part) }</> }).collect()
}

/// Draws a state with shape, word and colour.
pub fn badge(state: CopyState) -> Html {
    html! { <span class={classes!("badge", state_class(state))} title={labels::copy_state(state)}>{ glyph(state) }<span class="word">{ labels::copy_state(state) }</span></span> }
}

/// Draws the shape of a state: disc, half disc, two bars, triangle, cross.
pub fn glyph(state: CopyState) -> Html {
    let d = match state {
        CopyState::Consistent => "M5 0a5 5 0 0 1 0 10a5 5 0 0 1 0-10z",
        CopyState::Stale => "M5 0a5 5 0 0 1 0 10a5 5 0 0 1 0-10zM5 1.7a3.3 3.3 0 0 0 0 6.6z",
        CopyState::Conflicted => "M0 0h4v10H0zM6 0h4v10H6z",
        CopyState::Diverged => "M5 0 10 10H0z",
        CopyState::Down => "M1.4 0 5 3.6 8.6 0 10 1.4 6.4 5 10 8.6 8.6 10 5 6.4 1.4 10 0 8.6 3.6 5 0 1.4z",
    };
    html! { <svg class="glyph" viewBox="0 0 10 10" aria-hidden="true"><path {d} /></svg> }
}

/// Returns the CSS class of a state.
pub fn state_class(state: CopyState) -> &'static str {
    match state {
        CopyState::Consistent => "ok",
        CopyState::Diverged => "diverged",
        CopyState::Conflicted => "conflict",
        CopyState::Stale => "stale",
        CopyState::Down => "down",
    }
}

fn body(view: &View, send: &Callback<Msg>) -> Html {
    match view {
        View::Unknown => html! { <ul class="rows"></ul> },
        View::Service(service) => service_body(service, send),
        View::Bus(bus, names, dead_letters) => bus_body(bus, names, *dead_letters),
        View::Client(client) => client_body(client),
    }
}

fn service_body(service: &ServiceView, send: &Callback<Msg>) -> Html {
    let more = (service.row_count as usize).saturating_sub(SHOWN_ROWS);
    html! {
        <>
            <ul class="rows">
                { for service.rows.iter().map(row) }
                if service.rows.is_empty() {
                    <li class="muted">{ text!("no data yet") }</li>
                }
                if more > 0 {
                    <li class="muted">{ text!("more rows: {}", more) }</li>
                }
            </ul>
            { foot(service, send) }
        </>
    }
}

fn row(row: &RowView) -> Html {
    let old = matches!(row.state, CopyState::Stale | CopyState::Diverged).then_some("old");
    let siblings: Vec<String> = row.siblings.iter().map(ToString::to_string).collect();
    let value = match &row.value {
        _ if siblings.len() > 1 => siblings.join(" | "),
        Some(value) => value.to_string(),
        None => "—".to_string(),
    };
    let swatch = row.update.map(|update| html! { <b class={classes!("swatch", update_class(update))}></b> });
    html! {
        <li key={row.key.clone()} data-key={row.key.clone()}>
            <span class="mono key" title={row.key.clone()}>{ &row.key }</span>
            if row.lost > 0 { { lost_updates(row.lost) } }
            <span class={classes!("v", old, (siblings.len() > 1).then_some("sibling-values"))} title={value.clone()}>{ value }</span>
            <span class="ver">
                { swatch }
                <span title={row.version.map(labels::version).unwrap_or_default()}>{ version(row) }</span>
            </span>
        </li>
    }
}

/// Draws the number of lost updates of a row. A narrow card hides the word.
fn lost_updates(lost: u32) -> Html {
    let text = text!("{} lost", lost);
    let (count, word) = text.split_once(' ').unwrap_or((&text, ""));
    html! {
        <em class={classes!((lost > 9).then_some("many"))} title={text!("Acknowledged updates of this service that were lost: overwritten without being seen, rolled back by its group, or lost with a purged tombstone or a disk")}>
            <b>{ count }</b>{ " " }<span>{ word }</span>
        </em>
    }
}

/// Describes the version of a row: `v3`, `v2:5`, `2 siblings`, `deleted`, `none`.
fn version(row: &RowView) -> String {
    match row.version {
        _ if row.siblings.len() > 1 => text!("{} siblings", row.siblings.len()),
        _ if row.deleted => text!("deleted").into(),
        // The time of a write is shorter than `written at`.
        Some(version) => version.reading().map_or_else(|| labels::version(version), |at| short(at.unsigned_abs())),
        None if row.value.is_some() => String::new(),
        None => text!("none").into(),
    }
}

fn bus_body(bus: &BusView, names: &[Rc<str>], dead_letters: bool) -> Html {
    let more = bus.subscriptions.len().saturating_sub(SHOWN_SUBSCRIPTIONS);
    let topics = bus
        .subscriptions
        .iter()
        .any(|subscription| subscription.partitions > 1 || subscription.topic != bus.subscriptions[0].topic);
    let topic = |subscription: &SubscriptionView| match subscription.partitions {
        1 => subscription.topic.clone(),
        partitions => format!("{} ×{partitions}", subscription.topic),
    };
    let rows = bus.subscriptions.iter().take(SHOWN_SUBSCRIPTIONS).enumerate().map(|(i, subscription)| {
        let name = names.get(i).cloned().unwrap_or_default();
        let topic_title = text!("topic {}, partitions: {}; {}", subscription.topic, subscription.partitions, attachment(subscription));
        html! {
            <div class="lane" key={i}>
                <span class={classes!("consumer", (!subscription.attached).then_some("gone"))} title={format!("{name}: {topic_title}")}>
                    { &*name }
                    if !subscription.attached { <small>{ text!("not attached") }</small> }
                    if topics { <small>{ topic(subscription) }</small> }
                </span>
                <span class="slots">{ for subscription.events.iter().take(6).map(event) }</span>
                { countdown(subscription) }
                <span class="depth">{ subscription.depth }</span>
            </div>
        }
    });
    html! {
        <>
            <div class="rows lanes">
                { for rows }
                if more > 0 {
                    <div class="lane all">{ text!("more subscriptions: {}", more) }</div>
                }
                if bus.subscriptions.is_empty() {
                    <div class="lane all">{ text!("no subscriptions yet") }</div>
                }
            </div>
            { bus_foot(bus, dead_letters) }
        </>
    }
}

/// Draws the foot of a bus: its dead letters and discarded events, or else how many events are queued.
fn bus_foot(bus: &BusView, dead_letters: bool) -> Html {
    let sum = |count: fn(&SubscriptionView) -> u32| bus.subscriptions.iter().map(count).sum::<u32>();
    let (dead, discarded) = (sum(|subscription| subscription.dead), sum(|subscription| subscription.discarded));
    if !(dead_letters || dead > 0 || discarded > 0) {
        return html! { <div class="foot muted"><span>{ text!("{} queued", sum(|subscription| subscription.depth)) }</span></div> };
    }
    let title = if dead > 0 {
        text!("Dead-letter queue: select the bus to redrive or purge")
    } else {
        text!("Dead-letter queue: empty")
    };
    html! {
        <div class={classes!("foot", "dlq", (dead > 0).then_some("full"))} {title}>
            { icon(Icon::Note) }
            <span>{ text!("Dead letters") }</span><b>{ dead }</b>
            if discarded > 0 {
                <span>{ text!("· {} discarded", discarded) }</span>
            }
        </div>
    }
}

/// Describes how a consumer is attached, and how many events it has in flight: "connected, 2 in flight".
pub fn attachment(subscription: &SubscriptionView) -> String {
    let how = match (subscription.attached, subscription.polls) {
        (false, _) => text!("not attached"),
        (true, true) => text!("polling"),
        (true, false) => text!("connected"),
    };
    text!("{}, {} in flight", how, subscription.held)
}

/// Draws the time until the next retry of a subscription without a delivery in flight.
fn countdown(subscription: &SubscriptionView) -> Html {
    let waits = subscription.events.iter().all(|event| !event.in_flight);
    match subscription.events.iter().filter_map(|event| event.not_before).min() {
        Some(at) if waits => {
            html! { <span class="again" title={text!("Time until the next retry")} data-until={at.to_string()}></span> }
        }
        Some(_) | None => html! {},
    }
}

fn event(event: &QueuedEvent) -> Html {
    let waits = if event.in_flight { text!("in flight") } else { text!("waiting") };
    let attempts = match event.deliveries {
        1 => text!("1 delivery attempt").to_string(),
        n => text!("{} delivery attempts", n),
    };
    let title = format!("{}, {waits}, {attempts}", labels::update(&event.update));
    let in_flight = event.in_flight.then_some("sent");
    let again = (event.deliveries > 1).then_some("again");
    let class = classes!(update_class(event.update.update), in_flight, again);
    html! { <b {class} {title}><span class="sr">{ labels::short_update(&event.update) }</span></b> }
}

#[derive(Clone, PartialEq, Properties)]
struct NameFieldProps {
    name: Rc<str>,
    send: Callback<Msg>,
}

/// The field that renames a card. Enter accepts the name, Escape cancels.
#[component]
fn NameField(props: &NameFieldProps) -> Html {
    let field = use_node_ref();
    use_effect_with(field.clone(), |field| {
        if let Some(input) = field.cast::<HtmlInputElement>() {
            let _ = input.focus();
            input.select();
        }
    });
    let on_key = {
        let (send, field) = (props.send.clone(), field.clone());
        Callback::from(move |event: KeyboardEvent| {
            event.stop_propagation();
            match event.key().as_str() {
                "Enter" => send.emit(Msg::Selection(SelectionMsg::FinishRename(
                    field.cast::<HtmlInputElement>().map(|input| input.value()),
                ))),
                "Escape" => send.emit(Msg::Selection(SelectionMsg::FinishRename(None))),
                _ => {}
            }
        })
    };
    let on_blur = {
        let (send, field) = (props.send.clone(), field.clone());
        Callback::from(move |_: FocusEvent| {
            send.emit(Msg::Selection(SelectionMsg::FinishRename(
                field.cast::<HtmlInputElement>().map(|input| input.value()),
            )));
        })
    };
    html! {
        <input ref={field} class="name" value={props.name.to_string()} maxlength="80" aria-label={text!("Name")}
            onkeydown={on_key} onblur={on_blur} />
    }
}
