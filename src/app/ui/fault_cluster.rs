//! A mark of several steps that are too close for a mark each. It opens a list: of the steps, which open in the inspector, and
//! of a closer look at this part of the run.

use crate::app::fault_marks::{FaultMark, kind};
use crate::app::model::{Msg, PanelsMsg};
use crate::app::script::{self, CommandKind};
use crate::app::time_view::TimeMsg;
use crate::scenario::{Micros, Scenario};
use crate::text;
use std::rc::Rc;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};
use yew::prelude::*;

/// Distance between the mark and its list, and between the list and the edges of the window, px.
const GAP: f64 = 4.0;

/// Properties of [`FaultCluster`].
#[derive(Clone, PartialEq, Properties)]
pub struct FaultClusterProps {
    /// The drawing.
    pub scenario: Rc<Scenario>,
    /// The stretch of time that the axis shows.
    pub window: (Micros, Micros),
    /// The mark.
    pub mark: FaultMark,
    /// Receives messages.
    pub send: Callback<Msg>,
}

/// A mark with the number of its steps.
#[component]
pub fn FaultCluster(props: &FaultClusterProps) -> Html {
    let FaultClusterProps { scenario, window, mark, send } = props;
    let (button, list) = (use_node_ref(), use_node_ref());
    use_effect_with((button.clone(), mark.x), |(button, x)| {
        if let Some(button) = button.cast::<HtmlElement>() {
            let _ = button.style().set_property("left", &format!("{x}px"));
        }
    });
    let id = format!("steps-{}", mark.steps[0]);
    let described: Vec<String> = mark.steps.iter().map(|step| script::described_step(scenario, *step)).collect();
    let count = mark.steps.len();
    let title = text!("{} steps: {}", count, described.join("; "));
    let only_repairs = mark.steps.iter().all(|step| kind(scenario, *step) == CommandKind::Repair);
    let class = classes!("step", "many", only_repairs.then_some("repair"));
    // The browser opens the list after the click.
    let place = {
        let (button, list) = (button.clone(), list.clone());
        Callback::from(move |_: MouseEvent| {
            if let (Some(button), Some(list)) = (button.cast::<Element>(), list.cast::<HtmlElement>()) {
                place_list(&button, &list);
            }
        })
    };
    let open = |step: usize| send.reform(move |_: MouseEvent| Msg::Panels(PanelsMsg::InspectStep(step)));
    let item = |(index, (step, text)): (usize, (&usize, &String))| {
        html! {
            <li key={*step}><button autofocus={index == 0} popovertarget={id.clone()} popovertargetaction="hide" onclick={open(*step)}>{ text }</button></li>
        }
    };
    let closer = mark.closer_look(*window).map(|(from, to)| {
        let look = send.reform(move |_: MouseEvent| Msg::Time(TimeMsg::Show(from, to)));
        html! { <button class="closer" popovertarget={id.clone()} popovertargetaction="hide" onclick={look}>{ text!("Zoom in on these steps") }</button> }
    });
    html! {
        <>
            <button ref={button} {class} popovertarget={id.clone()} aria-haspopup="true" aria-label={title.clone()} {title} onclick={place}><span>{ count }</span></button>
            <div ref={list} id={id.clone()} class="step-list" popover="auto" onkeydown={move_focus()}>
                <ul aria-label={text!("{} steps", count)}>{ for mark.steps.iter().zip(&described).enumerate().map(item) }</ul>
                { closer.unwrap_or_default() }
            </div>
        </>
    }
}

/// Places the list above its mark, inside of the window.
fn place_list(button: &Element, list: &HtmlElement) {
    let Some(window) = web_sys::window() else { return };
    let size = |size: Result<wasm_bindgen::JsValue, _>| size.ok().and_then(|size| size.as_f64()).unwrap_or_default();
    let (width, height) = (size(window.inner_width()), size(window.inner_height()));
    let (rect, style) = (button.get_bounding_client_rect(), list.style());
    let _ = style.set_property("bottom", &format!("{}px", height - rect.top() + GAP));
    let (side, other, distance) = if rect.left() < width / 2.0 {
        ("left", "right", rect.left())
    } else {
        ("right", "left", width - rect.right())
    };
    let _ = style.set_property(side, &format!("{}px", distance.max(GAP)));
    let _ = style.set_property(other, "auto");
}

/// Moves the focus between the buttons of the list by the arrow keys. They do not move a step then.
fn move_focus() -> Callback<KeyboardEvent> {
    Callback::from(|event: KeyboardEvent| {
        let forth = match event.key().as_str() {
            "ArrowDown" => true,
            "ArrowUp" => false,
            _ => return,
        };
        event.prevent_default();
        event.stop_propagation();
        let Some(button) = event.target().and_then(|target| target.dyn_into::<Element>().ok()) else { return };
        let Some(list) = button.closest(".step-list").ok().flatten() else { return };
        let Ok(buttons) = list.query_selector_all("button") else { return };
        let buttons = (0..buttons.length()).filter_map(|index| buttons.get(index)?.dyn_into::<HtmlElement>().ok());
        let buttons: Vec<HtmlElement> = buttons.collect();
        let Some(index) = buttons.iter().position(|other| **other == button) else { return };
        let next = if forth { index + 1 } else { index + buttons.len() - 1 } % buttons.len();
        let _ = buttons[next].focus();
    })
}
