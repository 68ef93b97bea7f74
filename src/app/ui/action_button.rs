//! Buttons of the page's actions. Label, tooltip, state and message come from the action.

use super::icons::{Icon, icon};
use crate::app::actions::ActionId;
use crate::app::model::{Model, Msg};
use yew::prelude::*;

/// Draws the button of an action.
pub fn action_button(id: ActionId, class: &'static str, content: Html, model: &Model, send: &Callback<Msg>) -> Html {
    let action = id.action();
    let is_on = action.is_on.map(|is_on| is_on(model));
    html! {
        <button data-action={format!("{id:?}")} class={classes!(class, (is_on == Some(true)).then_some("on"))} title={action.tooltip()} aria-label={action.label()}
            aria-pressed={is_on.map(|is_on| is_on.to_string())} disabled={!(action.is_enabled)(model)}
            onclick={send.reform(move |_: MouseEvent| id.msg())}>{ content }</button>
    }
}

/// Draws the button of an action as an icon.
pub fn icon_button(id: ActionId, symbol: Icon, model: &Model, send: &Callback<Msg>) -> Html {
    action_button(id, "icon", icon(symbol), model, send)
}
