//! The list of branches. Each can be shown, compared, renamed, deleted.

use super::icons::{Icon, icon};
use crate::app::drawing;
use crate::app::model::{Msg, PanelsMsg};
use crate::app::script::seconds;
use crate::app::texts::translated;
use crate::scenario::{Branch, Consistency, Scenario};
use crate::session::protocol::{BranchCommand, BranchList};
use crate::text;
use std::rc::Rc;
use web_sys::HtmlInputElement;
use yew::prelude::*;

/// Properties of [`Branches`].
#[derive(Clone, PartialEq, Properties)]
pub struct BranchesProps {
    /// All branches.
    pub branches: Rc<BranchList>,
    /// The drawing.
    pub scenario: Rc<Scenario>,
    /// Receives messages.
    pub send: Callback<Msg>,
}

/// The panel.
#[component]
pub fn Branches(props: &BranchesProps) -> Html {
    let on = |msg: Msg| props.send.reform(move |_: MouseEvent| msg.clone());
    let new = |name: Option<String>, set| on(Msg::Branch(BranchCommand::New { name, set }));
    // Branches in which the first group has another consistency.
    let presets = Consistency::ALL.into_iter().filter(|_| !props.scenario.groups.is_empty()).map(|consistency| {
        let set = props.scenario.settings_with_consistency(0, consistency);
        let name = translated(consistency.name());
        html! { <button class="line small" onclick={new(Some(name.to_string()), set)}>{ name }</button> }
    });
    html! {
        <section class="log verdicts branches" id="panel" tabindex="-1" aria-label={text!("Branches")}>
            <header>
                <h2>{ text!("Branches") }</h2>
                <span class="grow"></span>
                <button class="icon small" aria-label={text!("Close the branches")} onclick={on(Msg::Panels(PanelsMsg::ToggleBranches))}>{ icon(Icon::Close) }</button>
            </header>
            <div class="scroll">
                { props.branches.list.iter().enumerate().map(|(index, branch)| branch_view(props, index as u32, branch)).collect::<Html>() }
                <p class="muted small">{ text!("A live command in the past starts a new branch and keeps the old one. You can also start a branch here:") }</p>
                <div class="row">
                    <button class="line small" onclick={new(None, Default::default())}>{ text!("New branch") }</button>
                    { for presets }
                </div>
            </div>
        </section>
    }
}

/// Returns the path of a setting with the name of its card: `Event bus: ordering`.
fn named(scenario: &Scenario, path: &str) -> String {
    match path.split_once('.') {
        Some((id, rest)) => format!("{}: {rest}", drawing::name(scenario, id)),
        None => path.into(),
    }
}

fn branch_view(props: &BranchesProps, index: u32, branch: &Branch) -> Html {
    let BranchList { list, current, compared } = &*props.branches;
    let (shown, beside) = (*current == index, *compared == Some(index));
    let on = |turn: BranchCommand| props.send.reform(move |_: MouseEvent| Msg::Branch(turn.clone()));
    let rename = props.send.reform(move |event: Event| {
        let name = event.target_dyn_into::<HtmlInputElement>().map(|input| input.value()).unwrap_or_default();
        Msg::Branch(BranchCommand::Rename(index, name))
    });
    let steps = match (branch.script.len(), branch.script.first()) {
        (1, Some(first)) => text!("1 live command, at {} s", seconds(first.at_ms)),
        (n, Some(first)) => text!("{} live commands, the first at {} s", n, seconds(first.at_ms)),
        (_, None) => text!("no live commands").into(),
    };
    let settings = branch.set.keys().map(|path| named(&props.scenario, path)).collect::<Vec<_>>().join(", ");
    html! {
        <article class={classes!("verdict", shown.then_some("shown"))} key={branch.name.clone()}>
            <input aria-label={text!("Branch name")} value={branch.name.clone()} onchange={rename} />
            <p>{ steps }if !settings.is_empty() { { "; " }{ text!("other settings: {}", settings) } }</p>
            <div class="row">
                <button class="line small" aria-pressed={shown.to_string()} disabled={shown} onclick={on(BranchCommand::Show(index))}>{ if shown { text!("Shown") } else { text!("Show") } }</button>
                if !shown {
                    <button class={classes!("line", "small", beside.then_some("on"))} aria-pressed={beside.to_string()}
                        onclick={on(BranchCommand::Compare((!beside).then_some(index)))}>{ text!("Compare") }</button>
                }
                if list.len() > 1 {
                    <button class="line small" onclick={on(BranchCommand::Remove(index))}>{ text!("Delete") }</button>
                }
            </div>
        </article>
    }
}
