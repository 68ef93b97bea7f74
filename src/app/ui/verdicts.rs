//! The verdicts: whether the copies converge, why some do not, and which guarantees hold, each with its witness.

use super::icons::{Icon, icon};
use crate::app::model::{Msg, VerdictsMsg};
use crate::app::playback::clock;
use crate::scenario::Micros;
use crate::session::protocol::{VerdictStatus, VerdictStep, VerdictView};
use crate::text;
use std::rc::Rc;
use yew::prelude::*;

/// Properties of [`Verdicts`].
#[derive(Clone, PartialEq, Properties)]
pub struct VerdictsProps {
    /// The verdicts.
    pub verdicts: Rc<Vec<VerdictView>>,
    /// The instant of the verdicts, while the visitor follows the steps of one.
    pub pinned: Option<Micros>,
    /// The id of the verdict whose steps are marked on canvas, timeline and diagram.
    pub marked: Option<String>,
    /// Receives messages.
    pub send: Callback<Msg>,
}

/// The panel.
#[component]
pub fn Verdicts(props: &VerdictsProps) -> Html {
    let close = props.send.reform(|_: MouseEvent| Msg::Verdicts(VerdictsMsg::Toggle));
    let refresh = props.send.reform(|_: MouseEvent| Msg::Verdicts(VerdictsMsg::Refresh));
    html! {
        <section class="log verdicts" id="panel" tabindex="-1" aria-label={text!("Verdicts")}>
            <header>
                <h2>{ text!("Verdicts") }</h2>
                if let Some(at) = props.pinned {
                    <button class="small refresh" onclick={refresh}>{ text!("As of {} · Refresh", clock(at)) }</button>
                }
                <span class="grow"></span>
                <button class="icon small" aria-label={text!("Close the verdicts")} onclick={close}>{ icon(Icon::Close) }</button>
            </header>
            <div class="scroll" tabindex="0" role="group" aria-label={text!("List of verdicts")}>
                { for props.verdicts.iter().map(|verdict| verdict_view(verdict, props.marked.as_ref(), &props.send)) }
            </div>
        </section>
    }
}

fn verdict_view(verdict: &VerdictView, marked: Option<&String>, send: &Callback<Msg>) -> Html {
    let (class, word) = match verdict.status {
        VerdictStatus::Holds => ("holds", text!("holds")),
        VerdictStatus::Violated => ("violated", text!("violated")),
        VerdictStatus::Pending => ("pending", text!("pending")),
        VerdictStatus::Unknown => ("unknown", text!("unknown")),
    };
    let (on, id) = (marked == Some(&verdict.id), verdict.id.clone());
    let mark = send.reform(move |_: MouseEvent| Msg::Verdicts(VerdictsMsg::MarkSteps(id.clone())));
    // These titles contain the status already.
    let has_status = verdict.title.contains(':') || verdict.title.ends_with('?');
    html! {
        <article class={classes!("verdict", class)} key={verdict.id.clone()}>
            <h3><span class="mark" aria-hidden="true"></span>{ &verdict.title }if !has_status { <em>{ word }</em> }</h3>
            if !verdict.because.is_empty() { <p>{ &verdict.because }</p> }
            if !verdict.steps.is_empty() {
                <button class="small show" aria-pressed={on.to_string()} onclick={mark}>{ text!("Show on canvas and timeline") }</button>
                <ol>{ for verdict.steps.iter().map(|step| step_view(step, send)) }</ol>
            }
        </article>
    }
}

/// Draws a step: its time and its text. A click goes to the time.
pub fn step_view(step: &VerdictStep, send: &Callback<Msg>) -> Html {
    let (at, nodes) = (step.at, step.nodes.clone());
    let onclick = send.reform(move |_: MouseEvent| Msg::Verdicts(VerdictsMsg::Jump(at, nodes.clone())));
    html! { <li><button {onclick}><span class="at">{ clock(step.at) }</span><span>{ &step.text }</span></button></li> }
}
