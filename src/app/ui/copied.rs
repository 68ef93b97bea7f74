//! A text that can be copied.

use crate::app::browser::files;
use crate::text;
use yew::prelude::*;

/// Properties of [`Copied`].
#[derive(Clone, PartialEq, Properties)]
pub struct CopiedProps {
    /// The label of the text.
    pub label: &'static str,
    /// The text.
    pub text: String,
    /// The id of the text's element.
    pub id: &'static str,
}

/// A text with a button that copies it and shows whether that worked.
#[component]
pub fn Copied(props: &CopiedProps) -> Html {
    let label = use_state(|| None::<bool>);
    let area = use_node_ref();
    let onclick = {
        let (label, area, text) = (label.clone(), area.clone(), props.text.clone());
        Callback::from(move |_: MouseEvent| {
            let label = label.clone();
            let area = area.clone();
            files::copy(&text, move |worked| {
                if !worked && let Some(area) = area.cast::<web_sys::HtmlTextAreaElement>() {
                    area.select();
                }
                label.set(Some(worked));
            });
        })
    };
    html! {
        <div class="copied"><label for={props.id}>{ props.label }</label>
            <textarea ref={area} id={props.id} readonly=true rows="3" value={props.text.clone()} spellcheck="false"/>
            <button class="line" aria-live="polite" {onclick}>{ match *label { None => text!("Copy"), Some(true) => text!("Copied"), Some(false) => text!("Press Ctrl+C") } }</button>
        </div>
    }
}
