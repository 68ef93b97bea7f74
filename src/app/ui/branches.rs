//! The list of branches: the ways that the run has gone, by name; each can be shown, compared, renamed, deleted.

use super::icons::{Icon, icon};
use crate::app::model::Msg;
use crate::scenario::{Branch, Consistency, Scenario};
use crate::session::protocol::{BranchList, BranchTurn};
use std::rc::Rc;
use web_sys::HtmlInputElement;
use yew::prelude::*;

/// Properties of [`Branches`].
#[derive(Clone, PartialEq, Properties)]
pub struct BranchesProps {
    /// All of them.
    pub branches: Rc<BranchList>,
    /// The drawing.
    pub scenario: Rc<Scenario>,
    /// Where messages go.
    pub send: Callback<Msg>,
}

/// The panel.
#[component]
pub fn Branches(props: &BranchesProps) -> Html {
    let on = |msg: Msg| props.send.reform(move |_: MouseEvent| msg.clone());
    let new = |name: Option<String>, set| on(Msg::Branch(BranchTurn::New { name, set }));
    // What the first group would be under each consistency, as a branch of its own.
    let under = Consistency::ALL.into_iter().filter(|_| !props.scenario.groups.is_empty()).map(|consistency| {
        let set = props.scenario.settings_under(0, consistency);
        let name = consistency.word().to_string();
        html! { <button class="line small" onclick={new(Some(name.clone()), set)}>{ name }</button> }
    });
    html! {
        <section class="log findings branches" aria-label="Branches">
            <header>
                <h2>{ "Branches" }</h2>
                <span class="grow"></span>
                <button class="icon small" aria-label="Close the branches" onclick={on(Msg::ToggleBranches)}>{ icon(Icon::Close) }</button>
            </header>
            <div class="scroll">
                { for props.branches.list.iter().enumerate().map(|(place, branch)| view(props, place as u32, branch)) }
                <p class="muted small">{ "Acting in the past parts the run: what lay ahead stays here. A branch can also be opened by hand:" }</p>
                <div class="row">
                    <button class="line small" onclick={new(None, Default::default())}>{ "New branch here" }</button>
                    { for under }
                </div>
            </div>
        </section>
    }
}

fn view(props: &BranchesProps, place: u32, branch: &Branch) -> Html {
    let BranchList { list, current, compared } = &*props.branches;
    let (shown, beside) = (*current == place, *compared == Some(place));
    let on = |turn: BranchTurn| props.send.reform(move |_: MouseEvent| Msg::Branch(turn.clone()));
    let rename = props.send.reform(move |event: Event| {
        let name = event.target_dyn_into::<HtmlInputElement>().map(|input| input.value()).unwrap_or_default();
        Msg::Branch(BranchTurn::Rename(place, name))
    });
    let steps = match (branch.script.len(), branch.script.first()) {
        (1, Some(first)) => format!("1 action, at {} s", first.at_ms / 1000.0),
        (n, Some(first)) => format!("{n} actions, the first at {} s", first.at_ms / 1000.0),
        (_, None) => "no actions".into(),
    };
    let settings = branch.set.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>().join(", ");
    html! {
        <article class={classes!("finding", shown.then_some("shown"))} key={branch.name.clone()}>
            <input aria-label="Name of the branch" value={branch.name.clone()} onchange={rename} />
            <p>{ steps }if !settings.is_empty() { { format!("; other settings: {settings}") } }</p>
            <div class="row">
                <button class="line small" aria-pressed={shown.to_string()} disabled={shown} onclick={on(BranchTurn::Show(place))}>{ if shown { "TimeView" } else { "Show" } }</button>
                if !shown {
                    <button class={classes!("line", "small", beside.then_some("on"))} aria-pressed={beside.to_string()}
                        onclick={on(BranchTurn::Compare((!beside).then_some(place)))}>{ "Compare" }</button>
                }
                if list.len() > 1 {
                    <button class="line small" onclick={on(BranchTurn::Remove(place))}>{ "Delete" }</button>
                }
            </div>
        </article>
    }
}
