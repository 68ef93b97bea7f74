//! The dialog of the visitor's drawings: open, rename, duplicate, delete, former versions, files.

use super::dialogs::{Modal, OpenFile};
use crate::app::browser::files;
use crate::app::kept_drawings::{DrawingInfo, DrawingsRequest, Version, imported};
use crate::app::model::{DrawingsMsg, Msg};
use crate::scenario::ScenarioError;
use crate::text;
use std::rc::Rc;
use wasm_bindgen::JsValue;
use web_sys::HtmlInputElement;
use yew::prelude::*;

/// Properties of [`DrawingsDialog`].
#[derive(Clone, PartialEq, Properties)]
pub struct DrawingsDialogProps {
    /// The notice, which would otherwise be behind the dialog.
    pub notice: Html,
    /// Why the storage does not answer, or does not keep the shown drawing.
    pub problem: Option<String>,
    /// All kept drawings, the newest first; absent until they are listed.
    pub list: Option<Rc<Vec<DrawingInfo>>>,
    /// The listed versions of a drawing.
    pub versions: Option<(Rc<str>, Rc<Vec<Version>>)>,
    /// The id of the shown drawing.
    pub shown: Option<Rc<str>>,
    /// Receives messages.
    pub send: Callback<Msg>,
}

/// The dialog.
#[component]
pub fn DrawingsDialog(props: &DrawingsDialogProps) -> Html {
    let renaming = use_state(|| None::<Rc<str>>);
    let line = |text: &'static str| match &props.problem {
        Some(problem) => html! { <p class="err" role="alert">{ problem }</p> },
        None => html! { <p class="muted">{ text }</p> },
    };
    let content = match &props.list {
        None => line(text!("Loading…")),
        Some(list) => {
            let kept: Vec<&DrawingInfo> = list.iter().filter(|info| info.deleted.is_none()).collect();
            if kept.is_empty() {
                line(text!("None yet. A drawing is kept here as soon as you change it."))
            } else {
                html! { <ul class="drawings-list">{ for kept.into_iter().map(|info| row(props, info, &renaming)) }</ul> }
            }
        }
    };
    let request = |request: DrawingsRequest| on(props, DrawingsMsg::Request(request));
    html! {
        <Modal title={text!("My drawings")} on_close={props.send.reform(|()| Msg::Drawings(DrawingsMsg::CloseDialog))}>
            { props.notice.clone() }
            { content }
            <div class="row"><button class="line" onclick={request(DrawingsRequest::ExportAll)}>{ text!("Export all") }</button></div>
            <OpenFile send={props.send.clone()} />
            <ImportAll send={props.send.clone()} />
        </Modal>
    }
}

fn on(props: &DrawingsDialogProps, msg: DrawingsMsg) -> Callback<MouseEvent> {
    props.send.reform(move |_: MouseEvent| Msg::Drawings(msg.clone()))
}

fn row(props: &DrawingsDialogProps, info: &DrawingInfo, renaming: &UseStateHandle<Option<Rc<str>>>) -> Html {
    let (id, name) = (info.id.clone(), info.name());
    let is_shown = props.shown.as_ref() == Some(&id);
    let button = |label: &'static str, msg: DrawingsMsg| {
        html! { <button class="line small" aria-label={format!("{label}: {name}")} onclick={on(props, msg)}>{ label }</button> }
    };
    let start_rename = {
        let (renaming, id) = (renaming.clone(), id.clone());
        Callback::from(move |_: MouseEvent| renaming.set(Some(id.clone())))
    };
    let delete = DrawingsMsg::Request(DrawingsRequest::Delete { id: id.clone(), deleted: true });
    let versions = DrawingsMsg::Request(DrawingsRequest::Versions(id.clone()));
    html! {
        <li key={id.to_string()}>
            if renaming.as_ref() == Some(&id) {
                <RenameForm title={info.title.clone()} on_rename={rename(props, info, renaming)} />
            } else {
                <button class="name" aria-current={is_shown.then_some("true")} onclick={on(props, DrawingsMsg::Open(id.clone()))}>{ &name }</button>
            }
            <span class="muted small">{ if is_shown { text!("open").to_string() } else { local_time(info.at) } }</span>
            <button class="line small" aria-label={text!("Rename: {}", name)} onclick={start_rename}>{ text!("Rename") }</button>
            { button(text!("Duplicate"), DrawingsMsg::Duplicate(id.clone())) }
            { button(text!("Versions"), versions) }
            { button(text!("Delete"), delete) }
            { versions_of(props, &id) }
        </li>
    }
}

/// Returns what a new title does: it is kept, unless it is absent.
fn rename(
    props: &DrawingsDialogProps,
    info: &DrawingInfo,
    renaming: &UseStateHandle<Option<Rc<str>>>,
) -> Callback<Option<String>> {
    let (send, renaming, id) = (props.send.clone(), renaming.clone(), info.id.clone());
    Callback::from(move |title: Option<String>| {
        if let Some(title) = title {
            send.emit(Msg::Drawings(DrawingsMsg::Rename(id.clone(), title)));
        }
        renaming.set(None);
    })
}

#[derive(Clone, PartialEq, Properties)]
struct RenameFormProps {
    title: String,
    on_rename: Callback<Option<String>>,
}

/// The field of a drawing's name: it has the focus, with its text selected.
#[component]
fn RenameForm(props: &RenameFormProps) -> Html {
    let input = use_node_ref();
    use_effect_with((), {
        let input = input.clone();
        move |()| {
            if let Some(input) = input.cast::<HtmlInputElement>() {
                let _ = input.focus();
                input.select();
            }
        }
    });
    let onsubmit = {
        let (input, on_rename) = (input.clone(), props.on_rename.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let typed = input.cast::<HtmlInputElement>().map(|input| input.value());
            on_rename.emit(typed.map(|title| title.trim().chars().take(120).collect()));
        })
    };
    let onkeydown = {
        let on_rename = props.on_rename.clone();
        Callback::from(move |event: KeyboardEvent| {
            // Escape closes the field alone, not the dialog.
            if event.key() == "Escape" {
                event.prevent_default();
                on_rename.emit(None);
            }
        })
    };
    html! {
        <form class="rename" {onsubmit}>
            <input ref={input} aria-label={text!("Name of the drawing")} value={props.title.clone()} {onkeydown} />
            <button class="line small">{ text!("Save") }</button>
        </form>
    }
}

fn versions_of(props: &DrawingsDialogProps, id: &Rc<str>) -> Html {
    let Some((of, versions)) = props.versions.as_ref().filter(|(of, _)| of == id) else { return html! {} };
    if versions.is_empty() {
        return html! { <span class="versions muted small">{ text!("No former versions yet. One is kept every minute while you edit.") }</span> };
    }
    let version = |version: &Version| {
        let read = DrawingsRequest::Read { id: of.clone(), version: Some(version.at) };
        html! { <button class="line small" onclick={on(props, DrawingsMsg::Request(read))}>{ local_time(version.at) }</button> }
    };
    html! { <span class="versions">{ for versions.iter().map(version) }</span> }
}

/// Formats a time in the visitor's language and time zone.
fn local_time(at: f64) -> String {
    let date = js_sys::Date::new(&JsValue::from_f64(at));
    String::from(date.to_locale_string("default", &JsValue::UNDEFINED))
}

#[derive(Clone, PartialEq, Properties)]
struct ImportAllProps {
    send: Callback<Msg>,
}

/// Adds all drawings of a file that "Export all" has written. Drawings with errors are not added; the errors are listed.
#[component]
fn ImportAll(props: &ImportAllProps) -> Html {
    let errors = use_state(Vec::<ScenarioError>::new);
    let onchange = {
        let (errors, send) = (errors.clone(), props.send.clone());
        Callback::from(move |event: Event| {
            let Some(file) = files::chosen(&event) else { return };
            let (errors, send) = (errors.clone(), send.clone());
            files::read(&file, move |text| {
                let read = text.ok_or_else(|| ScenarioError::new("", text!("the file cannot be read as text")));
                match read.and_then(|text| imported(&text)) {
                    Ok((drawings, found)) => {
                        if !drawings.is_empty() {
                            send.emit(Msg::Drawings(DrawingsMsg::Import(drawings.into())));
                        }
                        errors.set(found);
                    }
                    Err(error) => errors.set(vec![error]),
                }
            });
        })
    };
    html! {
        <div class="open-file"><label for="import-all">{ text!("Import all drawings of a file") }</label>
            <input id="import-all" type="file" accept=".json,application/json" {onchange} />
            if !errors.is_empty() {
                <div class="err" role="alert">
                    { text!("Not imported:") }
                    <ul>{ for errors.iter().take(12).map(|error| html! { <li>{ error.to_string() }</li> }) }</ul>
                </div>
            }
        </div>
    }
}
