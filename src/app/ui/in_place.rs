//! The field that edits a value or a latency on the canvas, at the place of its text.

use crate::app::geometry::{Point, point};
use crate::app::model::{InPlace, InPlaceMsg, Model, Msg};
use crate::app::scene::SceneNode;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, HtmlInputElement};
use yew::prelude::*;

/// Draws the field, if something is edited.
pub fn in_place(model: &Model, send: &Callback<Msg>) -> Html {
    let Some(edited) = &model.selection.editing else { return html! {} };
    let at = place(model, edited).unwrap_or_default();
    let key = format!("{edited:?}");
    html! { <Field {key} {at} edited={edited.clone()} text={model.text_in_place(edited)} label={model.label_in_place(edited)} send={send.clone()} /> }
}

/// Returns the middle of the text that is edited, in canvas units.
fn place(model: &Model, edited: &InPlace) -> Option<Point> {
    let scene = &model.scene;
    match edited {
        InPlace::Value { node, key } => {
            let card = &scene.nodes[scene.find(node)?];
            Some(value_place(card, key).unwrap_or_else(|| card.rect.center()))
        }
        InPlace::Latency { from, to } => {
            let (from, to) = (scene.find(from)?, scene.find(to)?);
            let ends = |link: &&crate::app::scene::SceneLink| (link.from, link.to) == (from, to);
            let link = scene.links.iter().find(ends)?;
            Some(link.label_rect(scene.detail).map_or_else(|| link.curve.at(0.5), |rect| rect.center()))
        }
    }
}

/// Returns the middle of a value on a card, in canvas units; none if the card does not show it.
fn value_place(card: &SceneNode, key: &str) -> Option<Point> {
    let document = web_sys::window()?.document()?;
    let list = document.query_selector_all("main [data-node]").ok()?;
    let elements = (0..list.length()).filter_map(|i| list.get(i)?.dyn_into::<Element>().ok());
    let element =
        elements.into_iter().find(|element| element.get_attribute("data-node").as_deref() == Some(&card.id))?;
    let rows = element.query_selector_all("[data-key]").ok()?;
    let mut rows = (0..rows.length()).filter_map(|i| rows.get(i)?.dyn_into::<Element>().ok());
    let row = rows.find(|row| row.get_attribute("data-key").as_deref() == Some(key))?;
    let (value, whole) =
        (row.query_selector(".v").ok()??.get_bounding_client_rect(), element.get_bounding_client_rect());
    if value.width() <= 0.0 || whole.width() <= 0.0 {
        return None;
    }
    let scale = whole.width() / card.rect.w;
    let (x, y) = (value.left() + value.width() / 2.0 - whole.left(), value.top() + value.height() / 2.0 - whole.top());
    Some(point(card.rect.x + x / scale, card.rect.y + y / scale))
}

#[derive(Clone, PartialEq, Properties)]
struct FieldProps {
    edited: InPlace,
    at: Point,
    text: String,
    label: String,
    send: Callback<Msg>,
}

/// The field. Enter and leaving it keep the text, Escape discards it, the arrow keys go to the next value.
#[component]
fn Field(props: &FieldProps) -> Html {
    let field = use_node_ref();
    use_effect_with((), {
        // It stays where it was opened; the text below it may move.
        let (field, at) = (field.clone(), props.at);
        move |_| {
            let Some(input) = field.cast::<HtmlInputElement>() else { return };
            let transform = format!("translate({}px, {}px) translate(-50%, -50%)", at.x, at.y);
            let _ = input.unchecked_ref::<HtmlElement>().style().set_property("transform", &transform);
            let _ = input.focus();
            input.select();
        }
    });
    let finish = {
        let (field, send, edited) = (field.clone(), props.send.clone(), props.edited.clone());
        move |step: i32, leaves: bool| {
            let text = field.cast::<HtmlInputElement>().map(|input| input.value()).unwrap_or_default();
            send.emit(Msg::InPlace(InPlaceMsg::Finish { edited: edited.clone(), text, step, leaves }));
        }
    };
    let on_key = {
        let (send, finish) = (props.send.clone(), finish.clone());
        Callback::from(move |event: KeyboardEvent| {
            event.stop_propagation();
            match event.key().as_str() {
                "Enter" => finish(0, false),
                "ArrowDown" => finish(1, false),
                "ArrowUp" => finish(-1, false),
                "Escape" => send.emit(Msg::InPlace(InPlaceMsg::Cancel)),
                _ => return,
            }
            event.prevent_default();
        })
    };
    let on_blur = Callback::from(move |_: FocusEvent| finish(0, true));
    html! {
        <input ref={field} class="in-place" value={props.text.clone()} maxlength="80" aria-label={props.label.clone()} title={props.label.clone()}
            autocomplete="off" spellcheck="false" onkeydown={on_key} onblur={on_blur} />
    }
}
