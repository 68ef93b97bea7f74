//! The content of an empty canvas: three steps to a running system, and templates.

use crate::app::actions::ActionId;
use crate::app::model::{DocumentMsg, Model, Msg, PreferencesMsg};
use crate::app::templates::TEMPLATES;
use crate::text;
use yew::prelude::*;

/// Draws the steps.
pub fn empty_canvas(model: &Model, send: &Callback<Msg>) -> Html {
    let on = |msg: Msg| send.reform(move |_: MouseEvent| msg.clone());
    let add = |id: ActionId, label: &'static str| {
        html! { <button class="line small" title={id.action().tooltip()} onclick={on(id.msg())}>{ label }</button> }
    };
    let templates = TEMPLATES.iter().map(|template| {
        let msg = Msg::Document(DocumentMsg::AddTemplate(template.id.into()));
        html! { <button class="line small" onclick={on(msg)}>{ template.label.get() }</button> }
    });
    // The words around the two buttons.
    let mut words = text!("Add a {} and a {}, then another service.").split("{}");
    html! {
        <section class="empty-canvas" aria-label={text!("First steps")}>
            if model.preferences.hints {
                <ol>
                    <li>{ words.next().unwrap_or_default() }{ add(ActionId::AddService, text!("service")) }{ words.next().unwrap_or_default() }{ add(ActionId::AddBus, text!("bus")) }{ words.next().unwrap_or_default() }</li>
                    <li>{ text!("Connect them: drag from the dot at a card's edge to another card.") }</li>
                    <li>{ text!("Press “Publish update”, and watch the copy become stale and consistent.") }</li>
                </ol>
            }
            <p>{ text!("Or start with a template:") }</p>
            <div class="row">{ for templates }</div>
            if model.preferences.hints {
                <button class="line small" onclick={on(Msg::Preferences(PreferencesMsg::HideHints))}>{ text!("Do not show the steps again") }</button>
            }
        </section>
    }
}
