//! The verdicts: whether the copies come to agree, why some do not, and which guarantees hold; each with what proves it.

use super::icons::{Icon, icon};
use crate::app::model::Msg;
use crate::app::playback::clock;
use crate::scenario::Micros;
use crate::session::protocol::{Finding, FindingStep, Standing};
use crate::trace::NodeId;
use std::rc::Rc;
use yew::prelude::*;

/// Properties of [`Findings`].
#[derive(Clone, PartialEq, Properties)]
pub struct FindingsProps {
    /// What was found out.
    pub findings: Rc<Vec<Finding>>,
    /// The service that it is about; empty for all.
    pub about: AttrValue,
    /// The same as a number.
    pub node: Option<NodeId>,
    /// They are of that instant, while a story is followed.
    pub pinned: Option<Micros>,
    /// The title of the finding whose steps are marked everywhere.
    pub lit: Option<String>,
    /// Where messages go.
    pub send: Callback<Msg>,
}

/// The panel.
#[component]
pub fn Findings(props: &FindingsProps) -> Html {
    let close = props.send.reform(|_: MouseEvent| Msg::ToggleVerdicts);
    let node = props.node;
    let anew = props.send.reform(move |_: MouseEvent| Msg::Examine(node));
    let all = props.send.reform(|_: MouseEvent| Msg::Examine(None));
    html! {
        <section class="log findings" aria-label="Verdicts">
            <header>
                <h2>{ "Verdicts" }</h2>
                if !props.about.is_empty() {
                    <button class="small" onclick={all}>{ format!("{} only · show all", props.about) }</button>
                }
                if let Some(at) = props.pinned {
                    <button class="small anew" onclick={anew}>{ format!("As of {} · ask now", clock(at)) }</button>
                }
                <span class="grow"></span>
                <button class="icon small" aria-label="Close the verdicts" onclick={close}>{ icon(Icon::Close) }</button>
            </header>
            <div class="scroll" tabindex="0" role="group" aria-label="What holds, and what does not">
                { for props.findings.iter().map(|finding| view(finding, props.lit.as_ref(), &props.send)) }
            </div>
        </section>
    }
}

fn view(finding: &Finding, lit: Option<&String>, send: &Callback<Msg>) -> Html {
    let (class, word) = match finding.standing {
        Standing::Holds => ("holds", "holds"),
        Standing::Violated => ("violated", "violated"),
        Standing::Pending => ("pending", "pending"),
        Standing::Unknown => ("unknown", "unknown"),
    };
    let (on, title) = (lit == Some(&finding.title), finding.title.clone());
    let mark = send.reform(move |_: MouseEvent| Msg::MarkProof(title.clone()));
    // A title that says how it stands needs no second word.
    let told = finding.title.contains(':') || finding.title.ends_with('?');
    html! {
        <article class={classes!("finding", class)} key={finding.title.clone()}>
            <h3><span class="mark" aria-hidden="true"></span>{ &finding.title }if !told { <em>{ word }</em> }</h3>
            if !finding.because.is_empty() { <p>{ &finding.because }</p> }
            if !finding.steps.is_empty() {
                <button class="small show" aria-pressed={on.to_string()} onclick={mark}>{ "Show on canvas and timeline" }</button>
                <ol>{ for finding.steps.iter().map(|step| jump(step, send)) }</ol>
            }
        </article>
    }
}

fn jump(step: &FindingStep, send: &Callback<Msg>) -> Html {
    let (at, nodes) = (step.at, step.nodes.clone());
    let onclick = send.reform(move |_: MouseEvent| Msg::Jump(at, nodes.clone()));
    html! { <li><button {onclick}><span class="at">{ clock(step.at) }</span><span>{ &step.text }</span></button></li> }
}
