//! The frame of the page: top bar, palette, description of the scenario.

use super::action_button::{action_button, icon_button};
use super::icons::{Icon, icon};
use crate::app::actions::ActionId;
use crate::app::edit::sentence;
use crate::app::geometry::{Point, point};
use crate::app::model::{DocumentMsg, Model, Msg, PanelsMsg, PointerMsg, SaveState, Theme};
use crate::app::scene::NodeKind;
use crate::app::texts::{language, of_document};
use crate::app::titles::shown_title;
use crate::text;
use std::cell::Cell;
use std::rc::Rc;
use web_sys::Element;
use yew::prelude::*;

/// Draws what the scenario shows, in one line, until the visitor closes it. A button opens the whole note.
pub fn caption(model: &Model, send: &Callback<Msg>) -> Html {
    let scenario = &model.document.scenario;
    let note = of_document(&scenario.note, language());
    let text = match &*model.document.caption {
        "" if scenario.services.is_empty() && scenario.buses.is_empty() => {
            text!("Add services, a bus and clients from the palette, connect them, and publish an update.").into()
        }
        "" => note.split_inclusive(". ").next().unwrap_or_default().trim_end().to_string(),
        caption => sentence(of_document(caption, language())),
    };
    // The task has the same text.
    if text.is_empty() || model.mode.is_embed() || model.panels.caption_closed || model.shows_task() {
        return html! {};
    }
    let on = |msg: PanelsMsg| send.reform(move |_: MouseEvent| Msg::Panels(msg.clone()));
    let open = model.panels.note_open;
    let has_note = note.len() > text.len();
    html! {
        <section class="caption" aria-label={text!("What this scenario shows")}>
            <span><p>{ text }</p>if open && has_note { <p class="note">{ note }</p> }</span>
            if has_note {
                <button class="small" aria-expanded={open.to_string()} onclick={on(PanelsMsg::ToggleNote)}>{ if open { text!("Less") } else { text!("More") } }</button>
            }
            <button class="icon small" title={text!("Close")} aria-label={text!("Close the description")} onclick={on(PanelsMsg::CloseCaption)}>{ icon(Icon::Close) }</button>
        </section>
    }
}

/// Draws the top bar: title, files, examples, lesson, undo, redo, help, share, theme.
pub fn top_bar(model: &Model, send: &Callback<Msg>) -> Html {
    let on = |id: ActionId| send.reform(move |_: MouseEvent| id.msg());
    let title = shown_title(&model.document.scenario.title);
    let theme = match model.preferences.theme {
        Theme::Auto => text!("Theme: system. Switch to dark"),
        Theme::Dark => text!("Theme: dark. Switch to light"),
        Theme::Light => text!("Theme: light. Switch to system"),
    };
    html! {
        <header class="top">
            { brand() }
            <h1 class="title"><button class="title" title={ActionId::EditScenario.action().tooltip()} onclick={on(ActionId::EditScenario)}>{ title }</button></h1>
            { save_state(model) }
            <span class="grow"></span>
            { action_button(ActionId::FileMenu, "", ActionId::FileMenu.action().label().into(), model, send) }
            { action_button(ActionId::Examples, "line", ActionId::Examples.action().label().into(), model, send) }
            { action_button(ActionId::Lesson, "line", html! { <>{ icon(Icon::Lesson) }<span class="word">{ text!("Lesson") }</span></> }, model, send) }
            if model.task().is_some() { { action_button(ActionId::Task, "line", ActionId::Task.action().label().into(), model, send) } }
            { icon_button(ActionId::Undo, Icon::Undo, model, send) }
            { icon_button(ActionId::Redo, Icon::Redo, model, send) }
            { icon_button(ActionId::Help, Icon::Help, model, send) }
            { action_button(ActionId::Share, "line", html! { <>{ icon(Icon::Share) }<span class="word">{ text!("Share") }</span></> }, model, send) }
            <button class="icon" data-action="Theme" title={theme} aria-label={theme} onclick={on(ActionId::Theme)}>{ icon(Icon::Theme) }</button>
        </header>
    }
}

/// Draws whether the drawing is kept.
fn save_state(model: &Model) -> Html {
    let (text, title) = match &model.drawings.state {
        SaveState::Unchanged if model.is_outdated() => {
            (text!("Not saved"), text!("Another tab has changed this drawing. Publications and faults here are not saved, unless you save a copy; an edit is kept as a copy.").to_string())
        }
        SaveState::Unchanged => return html! {},
        SaveState::Saving => (text!("Saving…"), String::new()),
        SaveState::Saved => (text!("Saved"), text!("Every change is kept in this browser").to_string()),
        SaveState::Failed(problem) => (text!("Not saved"), problem.sentence()),
    };
    html! { <span class="saved muted small" {title}>{ text }</span> }
}

fn brand() -> Html {
    html! {
        <span class="brand"><svg width="22" height="22" viewBox="0 0 22 22" aria-hidden="true">
            <circle class="a" cx="4" cy="5" r="2.5" /><circle class="b" cx="4" cy="17" r="2.5" />
            <path d="M6.5 6 14 10M6.5 16 14 12" /><circle class="c" cx="17" cy="11" r="3.5" /></svg><span class="word">{ "Converge" }</span></span>
    }
}

/// Draws the palette: items to add by a click or a drag onto the canvas, and tools. `dropped` is set after a drag has
/// added an item, so the click event that follows it adds no second one.
pub fn palette(model: &Model, dropped: &Rc<Cell<bool>>, send: &Callback<Msg>) -> Html {
    let tool_button = |id: ActionId, symbol: Icon| {
        let content = html! { <>{ icon(symbol) }<span class="word">{ id.action().label() }</span></> };
        action_button(id, "", content, model, send)
    };
    let onpointerdown = Callback::from(|event: PointerEvent| {
        if let Some(button) = event.target_dyn_into::<Element>() {
            let _ = button.set_pointer_capture(event.pointer_id());
        }
    });
    let onpointercancel = send.reform(|_: PointerEvent| Msg::Pointer(PointerMsg::Place(None)));
    let add_button = |kind: NodeKind, symbol: Icon, word: &'static str, id: ActionId| {
        let onpointerup = {
            let (dropped, send) = (dropped.clone(), send.clone());
            Callback::from(move |event: PointerEvent| {
                let at = over_canvas(&event);
                dropped.set(at.is_some());
                send.emit(Msg::Pointer(PointerMsg::Place(None)));
                if at.is_some() {
                    send.emit(Msg::Document(DocumentMsg::Add { kind, at }));
                }
            })
        };
        let onclick = {
            let (dropped, send) = (dropped.clone(), send.clone());
            Callback::from(move |_: MouseEvent| {
                if !dropped.replace(false) {
                    send.emit(Msg::Document(DocumentMsg::Add { kind, at: None }));
                }
            })
        };
        let onpointermove = {
            let send = send.clone();
            Callback::from(move |event: PointerEvent| {
                if event.buttons() & 1 == 1 {
                    let placing = over_canvas(&event).map(|at| (kind, at));
                    send.emit(Msg::Pointer(PointerMsg::Place(placing)));
                }
            })
        };
        let disabled = !model.may_add(kind);
        let title = if disabled {
            text!("The task permits none to be added").into()
        } else {
            text!("{}, or drag onto the canvas", id.action().tooltip())
        };
        html! { <button class="placeable" {title} {disabled} onpointerdown={&onpointerdown} {onpointermove} {onpointerup} onpointercancel={&onpointercancel} {onclick}>{ icon(symbol) }<span class="word">{ word }</span></button> }
    };
    html! {
        <nav class="palette" aria-label={text!("Palette")}>
            { add_button(NodeKind::Service, Icon::Service, text!("Service"), ActionId::AddService) }
            { add_button(NodeKind::Bus, Icon::Bus, text!("Bus"), ActionId::AddBus) }
            { add_button(NodeKind::Client, Icon::Client, text!("Client"), ActionId::AddClient) }
            { add_button(NodeKind::Group, Icon::Group, text!("Group"), ActionId::AddGroup) }
            <hr />
            { tool_button(ActionId::Connect, Icon::Connect) }
            { tool_button(ActionId::Scissors, Icon::Cut) }
            { tool_button(ActionId::Tidy, Icon::Tidy) }
        </nav>
    }
}

/// Returns the position of a pointer over the canvas, in px from its corner.
fn over_canvas(event: &PointerEvent) -> Option<Point> {
    let document = web_sys::window()?.document()?;
    let element = document.element_from_point(event.client_x() as f32, event.client_y() as f32)?;
    let canvas = element.closest("#canvas").ok()??;
    let rect = canvas.get_bounding_client_rect();
    Some(point(f64::from(event.client_x()) - rect.left(), f64::from(event.client_y()) - rect.top()))
}
