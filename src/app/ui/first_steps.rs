//! The first steps to a running system: on an empty canvas with templates, then beside the cards until events can flow.

use crate::app::actions::ActionId;
use crate::app::model::{DocumentMsg, Model, Msg, PreferencesMsg};
use crate::app::templates::TEMPLATES;
use crate::scenario::{Scenario, Service};
use crate::text;
use yew::prelude::*;

/// Returns whether the steps are shown: while the canvas is empty, and, unless they are hidden, while the cards of a drawing
/// without a task are not connected by any event or call.
pub fn has_first_steps(model: &Model) -> bool {
    let is_begun = || model.preferences.hints && is_unconnected(&model.document.scenario);
    model.mode.edits() && model.document.is_open() && (model.scene.nodes.is_empty() || is_begun())
}

fn is_unconnected(scenario: &Scenario) -> bool {
    let is_unused = |of: fn(&Service) -> bool| scenario.services.iter().all(of);
    let has_flow =
        !is_unused(|service| service.publishes.is_empty()) && !is_unused(|service| service.subscribes.is_empty());
    let is_other = !scenario.groups.is_empty() || !scenario.clients.is_empty() || !scenario.tasks.is_empty();
    !has_flow && !is_other && is_unused(|service| service.calls.is_empty())
}

/// Draws the steps.
pub fn first_steps(model: &Model, send: &Callback<Msg>) -> Html {
    let on = |msg: Msg| send.reform(move |_: MouseEvent| msg.clone());
    let add = |id: ActionId, label: &'static str| {
        html! { <button class="line small" title={id.action().tooltip()} onclick={on(id.msg())}>{ label }</button> }
    };
    let templates = TEMPLATES.iter().map(|template| {
        let msg = Msg::Document(DocumentMsg::AddTemplate(template.id.into()));
        html! { <button class="line small" onclick={on(msg)}>{ template.label.get() }</button> }
    });
    let is_empty = model.scene.nodes.is_empty();
    // The words around the two buttons.
    let mut words = text!("Add a {} and a {}, then another service.").split("{}");
    html! {
        <section class={classes!("first-steps", (!is_empty).then_some("beside-cards"))} aria-label={text!("First steps")}>
            if model.preferences.hints {
                <ol>
                    <li>{ words.next().unwrap_or_default() }{ add(ActionId::AddService, text!("service")) }{ words.next().unwrap_or_default() }{ add(ActionId::AddBus, text!("bus")) }{ words.next().unwrap_or_default() }</li>
                    <li>{ text!("Connect them: drag from the dot at a card's edge to another card.") }</li>
                    <li>{ text!("Press “Publish update”, and watch the copy become stale and consistent.") }</li>
                </ol>
            }
            if is_empty {
                <p>{ text!("Or start with a template:") }</p>
                <div class="row">{ for templates }</div>
            }
            if model.preferences.hints {
                <button class="line small" onclick={on(Msg::Preferences(PreferencesMsg::HideHints))}>{ text!("Do not show the steps again") }</button>
            }
        </section>
    }
}
