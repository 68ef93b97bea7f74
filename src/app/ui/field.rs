//! A field of the inspector: label, input with unit, and the error of a refused input.

use crate::app::browser::files;
use crate::app::edit;
use crate::app::fields::{Field, FieldKind, Histogram, parse};
use crate::app::model::{DocumentMsg, Msg};
use crate::scenario::Scenario;
use crate::text;
use std::rc::Rc;
use wasm_bindgen::JsCast;
use web_sys::{HtmlInputElement, HtmlSelectElement, HtmlTextAreaElement};
use yew::prelude::*;

/// The longest chosen label that fits beside the label of its field, in characters.
const MAX_BESIDE: usize = 18;

/// Properties of [`FieldView`].
#[derive(Clone, PartialEq, Properties)]
pub struct FieldProps {
    /// The field.
    pub field: Field,
    /// The drawing that contains it.
    pub scenario: Rc<Scenario>,
    /// Receives the changed drawing.
    pub send: Callback<Msg>,
    /// Prefix of the element's id. The same field may be on the page twice.
    #[prop_or("field")]
    pub scope: &'static str,
    /// Placeholder of an empty text.
    #[prop_or_default]
    pub placeholder: AttrValue,
}

/// A refused input, which stays in the field, and the reason.
#[derive(Clone, Default, PartialEq)]
struct Refused {
    input: String,
    reason: String,
}

/// A field.
#[component]
pub fn FieldView(props: &FieldProps) -> Html {
    let refused = use_state(|| None::<Refused>);
    let field = &props.field;
    // A change elsewhere, such as undo, replaces a refused input.
    {
        let refused = refused.clone();
        use_effect_with(field.text.clone(), move |_| refused.set(None));
    }
    let submit = {
        let (props, refused) = (props.clone(), refused.clone());
        Callback::from(move |input: String| {
            let edited = parse(&props.field.kind, &input).and_then(|value| {
                let field = &props.field;
                edit::set_all(&props.scenario, std::iter::once(&field.path).chain(&field.also), value)
            });
            match edited {
                Ok(changed) => {
                    refused.set(None);
                    if input != props.field.text {
                        props.send.emit(Msg::Document(DocumentMsg::Edit(Box::new(changed))));
                    }
                }
                Err(reason) => refused.set(Some(Refused { input, reason })),
            }
        })
    };
    let id = format!("{}-{}", props.scope, field.path.join("-"));
    let error = format!("{id}-error");
    let load = {
        let (submit, refused, shown) = (submit.clone(), refused.clone(), field.text.clone());
        Callback::from(move |event: Event| {
            let Some(file) = files::chosen(&event) else { return };
            let (submit, refused, input) = (submit.clone(), refused.clone(), shown.clone());
            files::read(&file, move |text| match text {
                Some(text) => submit.emit(text),
                None => refused.set(Some(Refused { input, reason: files::UNREADABLE.get().into() })),
            });
        })
    };
    let control = control(props, &id, refused.as_ref(), &submit);
    let is_locked = !edit::is_permitted(&props.scenario, &field.path);
    let title =
        if is_locked { format!("{} {}", text!("The task locks this field."), field.help) } else { field.help.into() };
    let wide = match &field.kind {
        FieldKind::Note | FieldKind::Numbers | FieldKind::Ids(_) => true,
        // It would be cut off beside its label.
        FieldKind::Choice(_) => field.text.chars().count() > MAX_BESIDE,
        FieldKind::Text | FieldKind::Number { .. } | FieldKind::Value | FieldKind::Groups(_) | FieldKind::Toggle => {
            false
        }
    };
    html! {
        <div class={classes!("field", wide.then_some("wide-field"), is_locked.then_some("locked"))} {title}>
            if matches!(field.kind, FieldKind::Ids(_)) {
                <span class="label" aria-hidden="true">{ &field.label }</span>
            } else {
                <label for={id}>{ &field.label }</label>
            }
            { control }
            if matches!(field.kind, FieldKind::Numbers) {
                <input type="file" accept=".csv,.txt,text/plain" aria-label={text!("Load numbers from a file")} onchange={load} />
                { histogram(&field.text) }
            }
            if let Some(leaves_out) = field.leaves_out { <p class="left-out">{ text!("Not modelled:") }{ " " }{ leaves_out }</p> }
            if let Some(refused) = &*refused { <p class="err" id={error} role="alert">{ &refused.reason }</p> }
        </div>
    }
}

/// Draws the input, select or text area of a field.
fn control(props: &FieldProps, id: &str, refused: Option<&Refused>, submit: &Callback<String>) -> Html {
    let (field, id) = (&props.field, id.to_string());
    let shown = refused.map_or(field.text.clone(), |refused| refused.input.clone());
    let bad = refused.is_some();
    let disabled = !edit::is_permitted(&props.scenario, &field.path);
    let described = bad.then(|| format!("{id}-error"));
    let onchange = submit.reform(|event: Event| value_of(&event));
    match &field.kind {
        FieldKind::Toggle => {
            let onchange = submit.reform(|event: Event| {
                let input = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok());
                input.is_some_and(|input| input.checked()).to_string()
            });
            html! { <input id={id.clone()} class="toggle" type="checkbox" checked={field.text == "true"} {disabled} {onchange} /> }
        }
        FieldKind::Choice(choices) => html! {
            <span class={classes!("input", bad.then_some("bad"))}>
                <select id={id.clone()} {disabled} {onchange} aria-invalid={bad.to_string()} aria-describedby={described}>
                    { for choices.iter().map(|(label, _)| html! { <option value={label.clone()} selected={*label == shown}>{ label }</option> }) }
                </select>
            </span>
        },
        FieldKind::Note | FieldKind::Numbers => html! {
            <span class={classes!("input", "tall", bad.then_some("bad"))}>
                <textarea id={id.clone()} rows="4" value={shown} {disabled} {onchange} aria-invalid={bad.to_string()} aria-describedby={described}/>
            </span>
        },
        FieldKind::Ids(nodes) => chosen_nodes(&id, &field.label, nodes, &shown, disabled, submit),
        FieldKind::Text | FieldKind::Value | FieldKind::Groups(_) | FieldKind::Number { .. } => {
            let mode = if matches!(field.kind, FieldKind::Number { .. }) { "decimal" } else { "text" };
            html! {
                <span class={classes!("input", bad.then_some("bad"))}>
                    <input id={id.clone()} type="text" inputmode={mode} value={shown} placeholder={&props.placeholder} {disabled} {onchange} autocomplete="off" spellcheck="false"
                        aria-invalid={bad.to_string()} aria-describedby={described} />
                    if !field.unit.is_empty() { <span class="unit">{ field.unit }</span> }
                </span>
            }
        }
    }
}

/// Draws a check box for each node.
fn chosen_nodes(
    id: &str,
    label: &str,
    nodes: &[(String, String)],
    text: &str,
    disabled: bool,
    submit: &Callback<String>,
) -> Html {
    let chosen: Vec<String> =
        text.split(',').map(|word| word.trim().to_string()).filter(|word| !word.is_empty()).collect();
    let check = |(node, _): &(String, String)| {
        let is_chosen = chosen.contains(node);
        let (node, chosen) = (node.clone(), chosen.clone());
        let onchange = {
            let node = node.clone();
            submit.reform(move |_: Event| {
                let mut changed = chosen.clone();
                if is_chosen {
                    changed.retain(|other| *other != node)
                } else {
                    changed.push(node.clone())
                }
                changed.join(", ")
            })
        };
        html! { <label key={node.clone()} class="check"><input type="checkbox" checked={is_chosen} {disabled} {onchange} />{ node }</label> }
    };
    html! { <span id={id.to_string()} class="nodes" role="group" aria-label={label.to_string()}>{ for nodes.iter().map(check) }</span> }
}

/// Draws the distribution of samples, with their quantiles.
fn histogram(text: &str) -> Html {
    let Some(Histogram { bars, caption }) = Histogram::of(text) else { return html! {} };
    let bar = |(i, height): (usize, &f64)| {
        let (x, y) = (i * 4, format!("{:.1}", 40.0 * (1.0 - height)));
        html! { <rect x={x.to_string()} {y} width="3" height={format!("{:.1}", 40.0 * height)} /> }
    };
    html! {
        <figure class="histogram">
            <svg viewBox="0 0 96 40" preserveAspectRatio="none" aria-hidden="true">{ for bars.iter().enumerate().map(bar) }</svg>
            <figcaption>{ caption }</figcaption>
        </figure>
    }
}

/// Returns the value of the event's input, select or text area.
fn value_of(event: &Event) -> String {
    let Some(target) = event.target() else { return String::new() };
    if let Some(input) = target.dyn_ref::<HtmlInputElement>() {
        input.value()
    } else if let Some(select) = target.dyn_ref::<HtmlSelectElement>() {
        select.value()
    } else {
        target.dyn_ref::<HtmlTextAreaElement>().map(HtmlTextAreaElement::value).unwrap_or_default()
    }
}
