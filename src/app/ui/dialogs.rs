//! The share and help dialogs. They are native `<dialog>` elements, which handle focus and Escape.

use super::animation_options::AnimationOptions;
use super::copied::Copied;
use super::embed_options::EmbedOptions;
use super::icons::{Icon, icon};
use super::qr_code::QrCodeOf;
use crate::app::actions;
use crate::app::browser::{address, files};
use crate::app::kept_drawings::{may_be_scenario, not_a_scenario};
use crate::app::model::{DocumentMsg, DrawingsMsg, Msg, Opening, PanelsMsg, PreferencesMsg, SharedRun, SharingMsg};
use crate::app::picture::PictureFormat;
use crate::app::playback::clock;
use crate::scenario::{Micros, Scenario, ScenarioError, link};
use crate::text;
use std::rc::Rc;
use wasm_bindgen::JsCast;
use web_sys::{HtmlDialogElement, HtmlElement};
use yew::prelude::*;

/// Length in characters above which some chat programs truncate a link.
const LONG: usize = 2_000;
/// Length in characters above which most programs reject a link.
const TOO_LONG: usize = 8_000;

/// Properties of [`Modal`].
#[derive(Clone, PartialEq, Properties)]
pub struct ModalProps {
    /// The heading.
    pub title: &'static str,
    /// Called when the visitor closes the dialog, once or twice: the browser sends `cancel` and then `close`.
    pub on_close: Callback<()>,
    /// The content.
    pub children: Html,
}

/// A dialog over the page.
#[component]
pub fn Modal(props: &ModalProps) -> Html {
    let dialog = use_node_ref();
    {
        let dialog = dialog.clone();
        use_effect_with((), move |()| {
            let opener = web_sys::window().and_then(|window| window.document()?.active_element());
            let dialog = dialog.cast::<HtmlDialogElement>();
            if let Some(dialog) = &dialog {
                let _ = dialog.show_modal();
            }
            // The focus returns to the element that opened the dialog. Behind an open dialog, it could not receive it.
            move || {
                if let Some(dialog) = dialog {
                    dialog.close();
                }
                if let Some(opener) = opener.and_then(|opener| opener.dyn_into::<HtmlElement>().ok()) {
                    let _ = opener.focus();
                }
            }
        });
    }
    let on_close = props.on_close.reform(|_: Event| ());
    let on_button = props.on_close.reform(|_: MouseEvent| ());
    html! {
        <dialog ref={dialog} aria-label={props.title} onclose={on_close.clone()} oncancel={on_close}>
            <header><h2 class="grow">{ props.title }</h2>
                <button class="icon" aria-label={text!("Close")} onclick={on_button}>{ icon(Icon::Close) }</button></header>
            { props.children.clone() }
        </dialog>
    }
}

/// Properties of [`Share`].
#[derive(Clone, PartialEq, Properties)]
pub struct ShareProps {
    /// The notice, which would otherwise be behind the dialog.
    pub notice: Html,
    /// The run as a document, once the engine has described it.
    pub described: Option<Rc<SharedRun>>,
    /// Cards are selected, of which a picture can be saved.
    pub has_selection: bool,
    /// The part of the run that the timeline shows, µs.
    pub interval: (Micros, Micros),
    /// The speed of playback, in virtual seconds per second.
    pub speed: f64,
    /// Receives messages.
    pub send: Callback<Msg>,
}

/// The share dialog: link, embed snippet, files.
#[component]
pub fn Share(props: &ShareProps) -> Html {
    let with_run = use_state(|| true);
    let selection = use_state(|| false);
    let content = match &props.described {
        None => html! { <p class="muted">{ text!("Loading…") }</p> },
        Some(described) => shared(described, &with_run, &selection, props),
    };
    html! {
        <Modal title={text!("Share")} on_close={props.send.reform(|()| Msg::Sharing(SharingMsg::Open(false)))}>
            { props.notice.clone() }
            { content }
            <OpenFile send={props.send.clone()} />
        </Modal>
    }
}

fn shared(
    described: &SharedRun,
    with_run: &UseStateHandle<bool>,
    selection: &UseStateHandle<bool>,
    props: &ShareProps,
) -> Html {
    // Without the run, the script has no live commands.
    let mut scenario = Scenario::clone(&described.scenario);
    if !**with_run {
        scenario.script.truncate(scenario.script.len() - described.live as usize);
    }
    let fragment = link::encode(&scenario).map(|link| {
        if **with_run && described.now > 0 {
            format!("{link}&t={}&digest={}", described.now as f64 / 1000.0, described.digest)
        } else {
            link
        }
    });
    let toggle = {
        let with_run = with_run.clone();
        Callback::from(move |_: Event| with_run.set(!*with_run))
    };
    let json = scenario.to_json();
    let name = files::name_of(&scenario.title);
    let picture = |format: PictureFormat, label: &'static str| {
        let (name, selection) = (name.clone(), **selection);
        let msg = move |_: MouseEvent| Msg::Sharing(SharingMsg::Picture { format, selection, name: name.clone() });
        html! { <button class="line" onclick={props.send.reform(msg)}>{ label }</button> }
    };
    let pictures =
        [picture(PictureFormat::Svg, text!("Picture as SVG")), picture(PictureFormat::Png, text!("Picture as PNG"))];
    let toggle_selection = {
        let selection = selection.clone();
        Callback::from(move |_: Event| selection.set(!*selection))
    };
    let animation = html! { <AnimationOptions interval={props.interval} speed={props.speed} name={name.clone()} send={props.send.clone()} /> };
    let link = match fragment {
        Err(error) => html! { <p class="err" role="alert">{ text!("No link: {}.", error) }</p> },
        Ok(fragment) => link_and_embed(&fragment, &scenario.title, &name),
    };
    let download =
        Callback::from(move |_: MouseEvent| files::download(&format!("{name}.json"), "application/json", &json));
    html! {
        <>
            <label class="check"><input type="checkbox" checked={**with_run} onchange={toggle} />
                { if described.live == 1 { text!("Include the run: 1 live command, at {}", clock(described.now)) } else { text!("Include the run: {} live commands, at {}", described.live, clock(described.now)) } }</label>
            { link }
            <div class="row"><button class="line" onclick={download}>{ text!("Save as JSON") }</button>{ for pictures }</div>
            { animation }
            if props.has_selection {
                <label class="check"><input type="checkbox" checked={**selection} onchange={toggle_selection} />{ text!("Picture of the selected cards only") }</label>
            }
        </>
    }
}

/// Draws the link and the embed snippet of a fragment, with buttons that copy them.
fn link_and_embed(fragment: &str, title: &str, name: &str) -> Html {
    let page = address::page();
    let url = format!("{page}#{fragment}");
    let length = url.chars().count();
    let warning = if length > TOO_LONG {
        text!("Too long for most programs. Save as JSON and send the file.")
    } else if length > LONG {
        text!("Some chat programs truncate links of more than 2,000 characters.")
    } else {
        ""
    };
    html! { <>
        <Copied label={text!("Link")} text={url.clone()} id="share-link" />
        <p class="muted small"><span id="share-length">{ text!("{} characters", length) }</span>{ ". " }{ warning }</p>
        <QrCodeOf address={url} of="link" name={name.to_string()} />
        <EmbedOptions {page} fragment={fragment.to_string()} title={title.to_string()} name={name.to_string()} />
    </> }
}

/// Properties of [`OpenFile`].
#[derive(Clone, PartialEq, Properties)]
pub struct OpenFileProps {
    /// Receives messages.
    pub send: Callback<Msg>,
}

/// Opens a scenario from a file. Errors are listed with their paths; the current drawing stays.
#[component]
pub fn OpenFile(props: &OpenFileProps) -> Html {
    let errors = use_state(Vec::<ScenarioError>::new);
    let onchange = {
        let (errors, send) = (errors.clone(), props.send.clone());
        Callback::from(move |event: Event| {
            let Some(file) = files::chosen(&event) else { return };
            let (errors, send) = (errors.clone(), send.clone());
            let read = |text: String| match may_be_scenario(&text) {
                true => Scenario::from_json(&text),
                false => Err(vec![ScenarioError::new("", not_a_scenario())]),
            };
            files::read(&file, move |text| match text.map(read) {
                Some(Ok(scenario)) => {
                    send.emit(Msg::Document(DocumentMsg::OpenFile(Box::new(Opening::own(scenario)))));
                    send.emit(Msg::Sharing(SharingMsg::Open(false)));
                    send.emit(Msg::Drawings(DrawingsMsg::CloseDialog));
                }
                Some(Err(found)) => errors.set(found),
                None => errors.set(vec![ScenarioError::new("", files::UNREADABLE.get())]),
            });
        })
    };
    html! {
        <div class="open-file"><label for="open-file">{ text!("Open a scenario file") }</label>
            <input id="open-file" type="file" accept=".json,application/json" {onchange} />
            if !errors.is_empty() {
                <ul class="err" role="alert">{ for errors.iter().take(12).map(|error| html! { <li>{ error.to_string() }</li> }) }</ul>
            }
        </div>
    }
}

/// Properties of [`Help`].
#[derive(Clone, PartialEq, Properties)]
pub struct HelpProps {
    /// Whether motion is reduced.
    pub less_motion: bool,
    /// Whether single-key shortcuts are on.
    pub single_keys: bool,
    /// Receives messages.
    pub send: Callback<Msg>,
}

/// Draws a setting that is on or off.
fn check(label: &'static str, on: bool, msg: fn(bool) -> Msg, send: &Callback<Msg>) -> Html {
    let onchange = send.reform(move |_: Event| msg(!on));
    html! { <label class="check"><input type="checkbox" checked={on} {onchange} />{ label }</label> }
}

/// The help dialog: keys, gestures, motion.
#[component]
pub fn Help(props: &HelpProps) -> Html {
    html! {
        <Modal title={text!("Keys, gestures, motion")} on_close={props.send.reform(|()| Msg::Panels(PanelsMsg::CloseHelp))}>
            <p class="muted">{ text!("Shortcuts work while the canvas has the focus.") }</p>
            { check(text!("Single-key shortcuts (P, ., 1 and so on)"), props.single_keys, |value| Msg::Preferences(PreferencesMsg::SingleKeys(value)), &props.send) }
            { check(text!("Reduce motion: messages move in steps"), props.less_motion, |value| Msg::Preferences(PreferencesMsg::ReducedMotion(value)), &props.send) }
            <table><tbody>
                { for actions::help_rows().map(|(effect, keys)| html! { <tr><th scope="row">{ effect }</th><td>{ keys }</td></tr> }) }
            </tbody></table>
        </Modal>
    }
}
