//! A form that publishes a value at a service.

use crate::app::model::{LiveMsg, Msg};
use crate::scenario::{Command, Operation, Value};
use crate::text;
use web_sys::HtmlInputElement;
use yew::prelude::*;

/// Properties of [`Publisher`].
#[derive(Clone, PartialEq, Properties)]
pub struct PublisherProps {
    /// The id of the service.
    pub service: String,
    /// The keys that it has.
    pub keys: Vec<AttrValue>,
    /// Receives messages.
    pub send: Callback<Msg>,
}

/// A form that publishes a value of a key at a service.
#[component]
pub fn Publisher(props: &PublisherProps) -> Html {
    let (key, value) = (use_node_ref(), use_node_ref());
    let error = use_state(|| None::<&'static str>);
    let first = props.keys.first().cloned().unwrap_or_else(|| "widget".into());
    let onsubmit = {
        let (key, value, error, props) = (key.clone(), value.clone(), error.clone(), props.clone());
        let first = first.clone();
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let text = |of: &NodeRef| of.cast::<HtmlInputElement>().map(|input| input.value()).unwrap_or_default();
            let (mut key, value) = (text(&key).trim().to_string(), text(&value));
            if key.is_empty() {
                key = first.to_string();
            }
            let problem = if key.is_empty() || key.chars().count() > 80 {
                Some(text!("Enter a key of 1 to 80 characters."))
            } else if value.trim().is_empty() || value.chars().count() > 80 {
                Some(text!("Enter a value of 1 to 80 characters."))
            } else {
                None
            };
            error.set(problem);
            if problem.is_none() {
                let operation = Operation::Write { key, value: Value::from_typed(&value) };
                props.send.emit(Msg::Live(LiveMsg::Execute(Command::Operate {
                    service: props.service.clone(),
                    operation,
                    poison: false,
                })));
            }
        })
    };
    html! {
        <section class="publisher"><h3>{ text!("Publish a value") }</h3>
            <form {onsubmit}>
                <input ref={key} aria-label={text!("Key")} placeholder={first} list="keys" autocomplete="off" />
                <datalist id="keys">{ for props.keys.iter().map(|key| html! { <option value={key.clone()} /> }) }</datalist>
                <input ref={value} aria-label={text!("Value")} placeholder={text!("value")} />
                <button class="line">{ text!("Publish") }</button>
            </form>
            if let Some(error) = *error { <p class="err" role="alert">{ error }</p> }
        </section>
    }
}
