//! The part of the share dialog that builds the snippet of an embed, with a preview.

use super::copied::Copied;
use super::qr_code::QrCodeOf;
use crate::app::picture::escaped;
use crate::app::texts::{Language, Text, language};
use crate::app::titles::title_in;
use crate::text;
use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

/// The parts of the page that can be hidden: the word in the address, and the label.
const PARTS: [(&str, Text); 7] = [
    ("palette", Text::new("Palette")),
    ("inspector", Text::new("Inspector")),
    ("verdicts", Text::new("Verdicts")),
    ("why", Text::new("Reasons")),
    ("log", Text::new("Log")),
    ("timeline", Text::new("Timeline")),
    ("share", Text::new("Share")),
];

/// An option: the name in the address, the label, and the values with their labels.
type Choice = (&'static str, Text, &'static [(&'static str, Text)]);

/// The options with few values. The first value of each is the default.
const CHOICES: [Choice; 5] = [
    (
        "mode",
        Text::new("Visitors may"),
        &[
            ("play", Text::new("Play, publish, break")),
            ("view", Text::new("Only play")),
            ("edit", Text::new("Also edit")),
        ],
    ),
    (
        "ui",
        Text::new("Controls"),
        &[("full", Text::new("All")), ("controls", Text::new("Playback only")), ("none", Text::new("None"))],
    ),
    (
        "theme",
        Text::new("Theme"),
        &[("auto", Text::new("The system’s")), ("light", Text::new("Light")), ("dark", Text::new("Dark"))],
    ),
    (
        "lang",
        Text::new("Language"),
        &[("", Text::new("The visitor’s")), ("en", Text::new("English")), ("de", Text::new("Deutsch"))],
    ),
    (
        "api",
        Text::new("Messages"),
        &[("", Text::new("None")), ("1", Text::new("With the host page")), ("splice", Text::new("SPLICE"))],
    ),
];

/// Properties of [`EmbedOptions`].
#[derive(Clone, PartialEq, Properties)]
pub struct EmbedOptionsProps {
    /// The address of the playground.
    pub page: String,
    /// The fragment: the link of the drawing, with the time if it includes the run.
    pub fragment: String,
    /// The title of the drawing.
    pub title: String,
    /// The name of files, without extension.
    pub name: String,
}

/// The options of an embed, its snippet, and a preview.
#[component]
pub fn EmbedOptions(props: &EmbedOptionsProps) -> Html {
    let values = use_state(|| CHOICES.map(|(_, _, values)| values[0].0.to_string()));
    let hidden = use_state(Vec::<&'static str>::new);
    let autoplay = use_state(|| false);
    let preview = use_state(|| false);
    let choices = CHOICES.iter().enumerate().map(|(index, (_, label, options))| {
        let onchange = {
            let values = values.clone();
            Callback::from(move |event: Event| {
                let Some(select) = event.target_dyn_into::<HtmlSelectElement>() else { return };
                let mut changed = (*values).clone();
                changed[index] = select.value();
                values.set(changed);
            })
        };
        let option = |(value, label): &(&'static str, Text)| {
            html! { <option value={*value} selected={values[index] == *value}>{ label.get() }</option> }
        };
        html! { <label>{ label.get() }<span class="input"><select {onchange}>{ for options.iter().map(option) }</select></span></label> }
    });
    let parts = PARTS.iter().map(|(word, label)| {
        let (word, hidden) = (*word, hidden.clone());
        let checked = hidden.contains(&word);
        let onchange = Callback::from(move |_: Event| {
            let mut changed = (*hidden).clone();
            match changed.iter().position(|other| *other == word) {
                Some(index) => drop(changed.remove(index)),
                None => changed.push(word),
            }
            hidden.set(changed);
        });
        html! { <label class="check"><input type="checkbox" {checked} {onchange} />{ label.get() }</label> }
    });
    let toggle = |state: &UseStateHandle<bool>| {
        let state = state.clone();
        Callback::from(move |event: Event| {
            state.set(event.target_dyn_into::<HtmlInputElement>().is_some_and(|input| input.checked()));
        })
    };
    let mut fragment = props.fragment.clone();
    for ((name, _, options), value) in CHOICES.iter().zip(values.iter()) {
        if value != options[0].0 {
            fragment += &format!("&{name}={value}");
        }
    }
    if *autoplay {
        fragment += "&autoplay=1";
    }
    if !hidden.is_empty() {
        fragment += &format!("&hide={}", hidden.join(","));
    }
    let address = format!("{}embed/#{fragment}", props.page);
    // Without a choice, the embed is probably shown in the language of its author.
    let language = Language::from_code(&values[3]).unwrap_or_else(language);
    let title = match &*props.title {
        "" => "Converge".into(),
        title => title_in(title, language),
    };
    html! {
        <>
            <details class="embed-options">
                <summary>{ text!("Options of the embed") }</summary>
                <div class="row">{ for choices }</div>
                if values[4].is_empty() {
                    <p class="muted small">{ text!("A plain link or frame reports no grade. For grades choose SPLICE, or let the host page listen to messages.") }</p>
                }
                <fieldset><legend>{ text!("Hide") }</legend><div class="row">{ for parts }</div></fieldset>
                <label class="check"><input type="checkbox" checked={*autoplay} onchange={toggle(&autoplay)} />{ text!("Play at once") }</label>
                <label class="check"><input type="checkbox" checked={*preview} onchange={toggle(&preview)} />{ text!("Preview") }</label>
                if *preview { <iframe key={address.clone()} src={address.clone()} title={text!("Preview of the embed")} width="100%" height="320"></iframe> }
            </details>
            <Copied label={text!("Embed")} text={snippet(&address, &title)} id="share-embed" />
            <QrCodeOf {address} of="embed’s address" name={format!("{}-embed", props.name)} />
        </>
    }
}

/// Returns a plain `<iframe>`, which works in course systems that remove scripts.
fn snippet(address: &str, title: &str) -> String {
    format!(
        "<iframe src=\"{}\" title=\"{}\" width=\"100%\" height=\"480\" style=\"border:0\" loading=\"lazy\" \
         allow=\"fullscreen; clipboard-write\"></iframe>",
        escaped(address),
        escaped(title)
    )
}
