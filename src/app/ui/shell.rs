//! Round the canvas: top bar, palette, the preview's banner, the context menu.

use super::icons::{Icon, icon};
use crate::app::edit::Placed;
use crate::app::geometry::{Point, point};
use crate::app::model::{Item, Model, Msg, Origin, Theme, Tool};
use crate::scenario::examples::{self, EXAMPLES};
use crate::scenario::{Command, Scenario};
use std::cell::Cell;
use std::rc::Rc;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, HtmlSelectElement};
use yew::prelude::*;

/// Brand, title, examples, undo and redo, share, theme.
pub fn top_bar(model: &Model, send: &Callback<Msg>) -> Html {
    let on = |msg: Msg| send.reform(move |_: MouseEvent| msg.clone());
    let (can_undo, can_redo) = model.steps();
    let title = if model.scenario.title.is_empty() { "Untitled" } else { &model.scenario.title };
    let opened = send.reform(|event: Event| {
        let select = event.target().and_then(|target| target.dyn_into::<HtmlSelectElement>().ok());
        let id = select.as_ref().map(HtmlSelectElement::value).unwrap_or_default();
        if let Some(select) = select {
            select.set_value("");
        }
        let scenario = examples::find(&id).map(|example| example.scenario()).unwrap_or_default();
        Msg::Open { scenario: Box::new(scenario), origin: Origin::Own, at: 0, digest: None }
    });
    let (theme, says) = match model.theme {
        Theme::Auto => (Icon::Theme, "Theme: as the system. Change to dark"),
        Theme::Dark => (Icon::Theme, "Theme: dark. Change to light"),
        Theme::Light => (Icon::Theme, "Theme: light. Change to as the system"),
    };
    html! {
        <header class="top">
            <a class="skip" href="#canvas" onclick={skip(send)}>{ "Skip to the canvas" }</a>
            { brand() }
            <button class="title" title="Title, note, seed and script of the scenario" onclick={on(Msg::Inspect)}>{ title }</button>
            <span class="grow"></span>
            <span class="input examples"><select aria-label="Examples" onchange={opened}>
                <option value="" selected=true disabled=true>{ "Examples" }</option>
                <option value="-">{ "Empty drawing" }</option>
                { for EXAMPLES.iter().map(|example| html! { <option value={example.id} title={example.shows}>{ example.id }</option> }) }
            </select></span>
            <button class="icon" title="Undo (Ctrl+Z)" aria-label="Undo" disabled={!can_undo} onclick={on(Msg::Undo)}>{ icon(Icon::Undo) }</button>
            <button class="icon" title="Redo (Ctrl+Shift+Z)" aria-label="Redo" disabled={!can_redo} onclick={on(Msg::Redo)}>{ icon(Icon::Redo) }</button>
            <button class="icon wide" title="Keys and gestures (?)" aria-label="Help" onclick={on(Msg::Help(true))}>{ icon(Icon::Help) }</button>
            <button class="line" onclick={on(Msg::Share(true))}>{ icon(Icon::Share) }<span class="word">{ "Share" }</span></button>
            <button class="icon" title={says} aria-label={says} onclick={on(Msg::Theme(model.theme.following()))}>{ icon(theme) }</button>
        </header>
    }
}

/// Following the link would change the fragment, which names the scenario.
fn skip(send: &Callback<Msg>) -> Callback<MouseEvent> {
    send.reform(|event: MouseEvent| {
        event.prevent_default();
        Msg::FocusCanvas
    })
}

fn brand() -> Html {
    html! {
        <span class="brand"><svg width="22" height="22" viewBox="0 0 22 22" aria-hidden="true">
            <circle class="from-a" cx="4" cy="5" r="2.5" /><circle class="from-b" cx="4" cy="17" r="2.5" />
            <path d="M6.5 6 14 10M6.5 16 14 12" /><circle class="to" cx="17" cy="11" r="3.5" /></svg><span class="word">{ "Converge" }</span></span>
    }
}

#[derive(Clone, PartialEq, Properties)]
pub struct PaletteProps {
    /// What the pointer does.
    pub tool: Tool,
    /// Where to report.
    pub send: Callback<Msg>,
}

/// What can be placed, by click or by dragging it onto the canvas, and the tools.
#[component]
pub fn Palette(props: &PaletteProps) -> Html {
    let tool = |tool: Tool, which: Icon, label: &'static str, key: &'static str, title: &'static str| {
        let on = std::mem::discriminant(&props.tool) == std::mem::discriminant(&tool);
        let onclick = props.send.reform(move |_: MouseEvent| Msg::Take(tool.clone()));
        html! { <button aria-pressed={on.to_string()} title={format!("{title} ({key})")} {onclick}>{ icon(which) }{ label }</button> }
    };
    html! {
        <nav class="palette" aria-label="Palette">
            <PlaceButton what={Placed::Service} key_hint="1" send={props.send.clone()} />
            <PlaceButton what={Placed::Bus} key_hint="2" send={props.send.clone()} />
            <PlaceButton what={Placed::Client} key_hint="3" send={props.send.clone()} />
            <hr />
            { tool(Tool::Connect { from: None }, Icon::Link, "Connect", "4", "Click a card, then the one to connect it to") }
            { tool(Tool::Cut, Icon::Cut, "Cut", "5", "Click links, or draw a line across them, to cut or heal them") }
        </nav>
    }
}

#[derive(Clone, PartialEq, Properties)]
struct PlaceProps {
    what: Placed,
    key_hint: &'static str,
    send: Callback<Msg>,
}

/// A thing of the palette.
#[component]
fn PlaceButton(props: &PlaceProps) -> Html {
    // A drag that ended on the canvas has placed the thing already; the click that follows it does nothing.
    let dragged = use_memo((), |()| Cell::new(false));
    let what = props.what;
    let which = match what {
        Placed::Service => Icon::Service,
        Placed::Bus => Icon::Bus,
        Placed::Client => Icon::Client,
    };
    let onpointerdown = Callback::from(|event: PointerEvent| {
        if let Some(button) = event.target_dyn_into::<Element>() {
            let _ = button.set_pointer_capture(event.pointer_id());
        }
    });
    let onpointerup = {
        let (dragged, send) = (dragged.clone(), props.send.clone());
        Callback::from(move |event: PointerEvent| {
            dragged.set(false);
            if let Some(at) = over_canvas(&event) {
                dragged.set(true);
                send.emit(Msg::Place { what, at: Some(at) });
            }
        })
    };
    let onclick = {
        let (dragged, send) = (Rc::clone(&dragged), props.send.clone());
        Callback::from(move |_: MouseEvent| {
            if !dragged.replace(false) {
                send.emit(Msg::Place { what, at: None });
            }
        })
    };
    let title = format!("Click, or drag onto the canvas ({})", props.key_hint);
    html! { <button class="placeable" {title} {onpointerdown} {onpointerup} {onclick}>{ icon(which) }{ what.word() }</button> }
}

/// Where over the canvas a pointer is, px from its corner.
fn over_canvas(event: &PointerEvent) -> Option<Point> {
    let document = web_sys::window()?.document()?;
    let hit = document.element_from_point(event.client_x() as f32, event.client_y() as f32)?;
    let canvas = hit.closest("#canvas").ok()??;
    let rect = canvas.get_bounding_client_rect();
    Some(point(f64::from(event.client_x()) - rect.left(), f64::from(event.client_y()) - rect.top()))
}

/// Says that a link is only looked at, and how to change that.
pub fn preview_banner(model: &Model, send: &Callback<Msg>) -> Html {
    if model.origin != Origin::Link {
        return html! {};
    }
    html! {
        <div class="preview" role="status">
            <span>{ "Preview of a shared scenario. Your own drawing is kept." }</span>
            <button class="primary" onclick={send.reform(|_| Msg::EditCopy)}>{ "Edit a copy" }</button>
        </div>
    }
}

#[derive(Clone, PartialEq, Properties)]
pub struct MenuProps {
    /// Where, px from the canvas's corner.
    pub at: Point,
    /// Of what; of the canvas where it is nothing.
    pub of: Option<Item>,
    /// The drawing.
    pub scenario: Rc<Scenario>,
    /// Whether its link is cut or its service is down.
    pub broken: bool,
    /// Where to report.
    pub send: Callback<Msg>,
}

/// The context menu.
#[component]
pub fn Menu(props: &MenuProps) -> Html {
    let menu = use_node_ref();
    {
        let (menu, at) = (menu.clone(), props.at);
        use_effect_with(at, move |at| {
            if let Some(menu) = menu.cast::<HtmlElement>() {
                let parent = menu.parent_element();
                let room = |size: i32, own: i32| f64::from((size - own - 8).max(0));
                let (w, h) = parent.map_or((0, 0), |parent| (parent.client_width(), parent.client_height()));
                let (x, y) = (at.x.min(room(w, menu.offset_width())), at.y.min(room(h, menu.offset_height())));
                let _ = menu.style().set_property("left", &format!("{x}px"));
                let _ = menu.style().set_property("top", &format!("{y}px"));
                if let Ok(Some(first)) = menu.query_selector("button") {
                    let _ = first.dyn_into::<HtmlElement>().map(|button| button.focus());
                }
            }
        });
    }
    let send = props.send.clone();
    let onkeydown = Callback::from(move |event: KeyboardEvent| {
        let step = match event.key().as_str() {
            "ArrowDown" => 1,
            "ArrowUp" => -1,
            "Escape" | "Tab" => {
                send.emit(Msg::CloseMenu);
                0
            }
            _ => return,
        };
        event.prevent_default();
        event.stop_propagation();
        move_focus(&event, step);
    });
    let item = |label: &'static str, msg: Msg| {
        let send = props.send.clone();
        let onclick = Callback::from(move |_: MouseEvent| {
            send.emit(Msg::CloseMenu);
            send.emit(msg.clone());
        });
        html! { <button role="menuitem" {onclick}>{ label }</button> }
    };
    let items = match &props.of {
        None => html! { <>
            { item("Add service", Msg::Place { what: Placed::Service, at: Some(props.at) }) }
            { item("Add bus", Msg::Place { what: Placed::Bus, at: Some(props.at) }) }
            { item("Add client", Msg::Place { what: Placed::Client, at: Some(props.at) }) }
            { item("Fit to view", Msg::Fit) }
            { item("Heal everything", Msg::Act(Command::HealAll)) }
        </> },
        Some(Item::Node(id)) => {
            let service = id.clone();
            let is_service = props.scenario.services.iter().any(|node| node.id == *id);
            html! { <>
                { item("Rename", Msg::Rename(id.clone())) }
                { item("Duplicate", Msg::Duplicate) }
                if is_service && !props.broken { { item("Crash", Msg::Act(Command::Crash { service: service.clone(), lose_disk: false })) } }
                if is_service && props.broken { { item("Restart", Msg::Act(Command::Restart { service })) } }
                { item("Delete", Msg::DeleteChosen) }
            </> }
        }
        Some(Item::Link { from, to }) => {
            let (from, to) = (from.clone(), to.clone());
            html! { <>
                if props.broken {
                    { item("Heal", Msg::Act(Command::HealLink { from, to, one_way: false })) }
                } else {
                    { item("Cut", Msg::Act(Command::CutLink { from, to, one_way: false })) }
                }
                { item("Delete connection", Msg::DeleteChosen) }
            </> }
        }
    };
    html! { <div ref={menu} class="menu" role="menu" {onkeydown} onpointerdown={|event: PointerEvent| event.stop_propagation()}>{ items }</div> }
}

fn move_focus(event: &KeyboardEvent, step: i32) {
    let Some(here) = event.target().and_then(|target| target.dyn_into::<Element>().ok()) else { return };
    let next = if step > 0 { here.next_element_sibling() } else { here.previous_element_sibling() };
    if let Some(next) = next.filter(|_| step != 0).and_then(|next| next.dyn_into::<HtmlElement>().ok()) {
        let _ = next.focus();
    }
}
