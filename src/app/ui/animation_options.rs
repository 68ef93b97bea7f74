//! The part of the share dialog that records an animated picture.

use crate::app::model::{Msg, SharingMsg};
use crate::app::recording::Recording;
use crate::scenario::{self, Micros};
use crate::text;
use web_sys::HtmlInputElement;
use yew::prelude::*;

/// Properties of [`AnimationOptions`].
#[derive(Clone, PartialEq, Properties)]
pub struct AnimationOptionsProps {
    /// The part of the run that the timeline shows, µs.
    pub interval: (Micros, Micros),
    /// The speed of playback, in virtual seconds per second.
    pub speed: f64,
    /// The name of the file, without its extension.
    pub name: String,
    /// Receives messages.
    pub send: Callback<Msg>,
}

fn seconds(time: Micros) -> String {
    (time as f64 / 1e6).to_string()
}

/// The interval of an animated picture, and the button that records it.
#[component]
pub fn AnimationOptions(props: &AnimationOptionsProps) -> Html {
    let ends = use_state(|| (seconds(props.interval.0), seconds(props.interval.1)));
    let input = |id: &'static str,
                 label: &'static str,
                 value: &str,
                 change: fn(&(String, String), String) -> (String, String)| {
        let ends = ends.clone();
        let oninput = Callback::from(move |event: InputEvent| {
            if let Some(input) = event.target_dyn_into::<HtmlInputElement>() {
                ends.set(change(&ends, input.value()));
            }
        });
        html! { <><label for={id}>{ label }</label><input {id} class="number" inputmode="decimal" value={value.to_string()} {oninput} /></> }
    };
    let parsed = |text: &str| {
        scenario::number(text.trim())
            .filter(|seconds| (0.0..=1e9).contains(seconds))
            .map(|seconds| (seconds * 1e6).round() as Micros)
    };
    let interval =
        parsed(&ends.0).zip(parsed(&ends.1)).ok_or_else(|| text!("Times are seconds from 0, such as 1.5.").to_string());
    // The recording itself begins when the dialog is closed.
    let interval = interval.and_then(|ends| Recording::new(ends, props.speed, 0, String::new()).map(|_| ends));
    let record = {
        let (send, name, interval) = (props.send.clone(), props.name.clone(), interval.clone());
        Callback::from(move |_: MouseEvent| {
            if let Ok(interval) = interval {
                send.emit(Msg::Sharing(SharingMsg::Record { interval, name: name.clone() }));
            }
        })
    };
    html! {
        <div class="row animation" role="group" aria-label={text!("Animated picture")}>
            { input("animation-from", text!("From"), &ends.0, |ends, from| (from, ends.1.clone())) }
            { input("animation-to", text!("to"), &ends.1, |ends, to| (ends.0.clone(), to)) }
            <span>{ "s" }</span>
            <button class="line" disabled={interval.is_err()} onclick={record}>{ text!("Animated picture as GIF") }</button>
            if let Err(problem) = interval { <span class="err" role="status">{ problem }</span> }
        </div>
    }
}
