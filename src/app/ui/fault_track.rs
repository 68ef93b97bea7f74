//! A row of the script's steps in the timeline: its operations, or its faults and repairs. Each can be dragged to another time, moved by arrow keys, deleted, or opened
//! in the inspector. Steps that are close to each other share a mark, which lists them.

use super::fault_cluster::FaultCluster;
use crate::app::fault_marks::{FaultMark, fault_marks, kind, shown_at};
use crate::app::model::{DocumentMsg, Msg, PanelsMsg};
use crate::app::ribbon::Scale;
use crate::app::script::{self, CommandKind};
use crate::scenario::{Micros, Scenario};
use std::cell::Cell;
use std::rc::Rc;
use web_sys::{Element, HtmlElement};
use yew::prelude::*;

/// Properties of [`FaultTrack`].
#[derive(Clone, PartialEq, Properties)]
pub struct FaultTrackProps {
    /// The drawing.
    pub scenario: Rc<Scenario>,
    /// Whether the row has the operations, not the other steps.
    pub operations: bool,
    /// The stretch of time that the axis shows.
    pub window: (Micros, Micros),
    /// Width of the axis, px.
    pub width: f64,
    /// Distance from the top, px.
    pub top: f64,
    /// Whether the drawing can be edited.
    pub editable: bool,
    /// Receives messages.
    pub send: Callback<Msg>,
}

/// The track with a handle for each step, or for several that are close to each other.
#[component]
pub fn FaultTrack(props: &FaultTrackProps) -> Html {
    let root = use_node_ref();
    use_effect_with((root.clone(), props.top), |(root, top)| {
        if let Some(element) = root.cast::<HtmlElement>() {
            let _ = element.style().set_property("top", &format!("{top}px"));
        }
    });
    let scale = Scale { from: props.window.0, until: props.window.1, width: props.width };
    let handle = |mark: FaultMark| match mark.steps[..] {
        [] => html! {},
        [step] => html! { <StepHandle key={step} {step} track={props.clone()} root={root.clone()} /> },
        [first, ..] => html! {
            <FaultCluster key={format!("cluster-{first}")} scenario={props.scenario.clone()} window={props.window} {mark} send={props.send.clone()} />
        },
    };
    let marks = fault_marks(&props.scenario, scale, props.operations);
    let class = classes!("fault-track", props.operations.then_some("operations"));
    html! { <div ref={root.clone()} {class}>{ for marks.into_iter().map(handle) }</div> }
}

#[derive(Clone, PartialEq, Properties)]
struct StepProps {
    step: usize,
    track: FaultTrackProps,
    root: NodeRef,
}

/// Positions the handle of a step.
fn place(handle: &NodeRef, at: Micros, (from, until): (Micros, Micros)) {
    if let Some(element) = handle.cast::<HtmlElement>() {
        let share = Scale { from, until, width: 100.0 }.x(at);
        let _ = element.style().set_property("left", &format!("{share:.4}%"));
        // A hidden handle cannot receive the focus either.
        let _ = element.style().set_property("display", if (0.0..=100.0).contains(&share) { "" } else { "none" });
    }
}

/// Returns the scenario that a key makes of it: the arrow keys move a step by 0.1 s, with Shift by 1 s; Delete and Backspace
/// remove it.
fn edited_by_key(scenario: &Scenario, step: usize, event: &KeyboardEvent) -> Option<Result<Scenario, String>> {
    let at = shown_at(scenario, step);
    let by = if event.shift_key() { 1_000_000 } else { 100_000 };
    match event.key().as_str() {
        "ArrowLeft" => Some(script::moved(scenario, step, at.saturating_sub(by))),
        "ArrowRight" => Some(script::moved(scenario, step, at + by)),
        "Delete" | "Backspace" => Some(script::removed(scenario, step)),
        _ => None,
    }
}

/// Returns the time of the track at a horizontal position of the page.
fn instant_at(track: &Element, x: f64, window: (Micros, Micros)) -> Micros {
    let rect = track.get_bounding_client_rect();
    Scale { from: window.0, until: window.1, width: rect.width() }.instant(x - rect.left())
}

/// The handle of a step.
#[component]
fn StepHandle(props: &StepProps) -> Html {
    let FaultTrackProps { scenario, window, editable, send, .. } = props.track.clone();
    let (step, handle) = (props.step, use_node_ref());
    let at = shown_at(&scenario, step);
    use_effect_with((handle.clone(), at, window), |(handle, at, window)| place(handle, *at, *window));
    // Where the pointer went down, and where it has taken the step.
    let drag = use_mut_ref(|| None::<(f64, Micros)>);
    let is_dragged = use_memo((), |()| Cell::new(false));
    let is_moved = is_dragged.clone();
    let report = send.reform(|edited: Result<Scenario, String>| {
        edited.map_or_else(Msg::Confirm, |scenario| Msg::Document(DocumentMsg::Edit(Box::new(scenario))))
    });
    let down = {
        let drag = drag.clone();
        Callback::from(move |event: PointerEvent| {
            if event.button() == 0 && editable {
                *drag.borrow_mut() = Some((f64::from(event.client_x()), at));
                let _ = event.target_dyn_into::<Element>().map(|track| track.set_pointer_capture(event.pointer_id()));
            }
        })
    };
    let motion = {
        let (drag, handle, root) = (drag.clone(), handle.clone(), props.root.clone());
        Callback::from(move |event: PointerEvent| {
            let mut drag = drag.borrow_mut();
            let (Some((from, now)), Some(track)) = (drag.as_mut(), root.cast::<Element>()) else { return };
            let x = f64::from(event.client_x());
            // A click moves the pointer slightly.
            if (x - *from).abs() > 3.0 || *now != at {
                *now = instant_at(&track, x, window);
                place(&handle, *now, window);
            }
        })
    };
    let up = {
        let (report, scenario) = (report.clone(), scenario.clone());
        Callback::from(move |_: PointerEvent| match drag.borrow_mut().take() {
            Some((_, to)) if to != at => {
                is_moved.set(true);
                report.emit(script::moved(&scenario, step, to));
            }
            Some(_) | None => is_moved.set(false),
        })
    };
    // The click of Enter and Space has no pointer before it.
    let click = Callback::from(move |_: MouseEvent| {
        if !is_dragged.replace(false) {
            send.emit(Msg::Panels(PanelsMsg::InspectStep(step)));
        }
    });
    let key = {
        let scenario = scenario.clone();
        Callback::from(move |event: KeyboardEvent| {
            let Some(edited) = edited_by_key(&scenario, step, &event) else { return };
            event.prevent_default();
            event.stop_propagation();
            if editable {
                report.emit(edited);
            }
        })
    };
    let label = script::described_step(&scenario, step);
    let class = classes!("step", (kind(&scenario, step) == CommandKind::Repair).then_some("repair"));
    html! {
        <button ref={handle} {class} aria-label={label.clone()} title={label}
            onpointerdown={down} onpointermove={motion} onpointerup={up} onclick={click} onkeydown={key}></button>
    }
}
