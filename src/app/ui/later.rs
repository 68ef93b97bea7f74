//! What is not there at first sight: fetched by the page when it is first needed, in a wasm file of its own, so that the
//! first picture does not wait for it.

use super::branches::Branches;
use super::dialogs::{Help, Share};
use super::findings::Findings;
use super::inspector::Inspector;
use super::log::Log;
use super::{diagram, menu};
use crate::app::model::{Item, Model, Msg, Origin};
use wasm_split_helpers::wasm_split;
use yew::prelude::*;

/// A part of the page that comes later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The inspector of what is selected, or of the scenario.
    Inspector,
    /// The space-time diagram and the charts.
    Diagram,
    /// The log.
    Log,
    /// Verdicts and reasons.
    Findings,
    /// The branches.
    Branches,
    /// The share dialog.
    Share,
    /// Keys and gestures.
    Help,
    /// The context menu.
    Menu,
}

impl Part {
    /// All of them.
    pub const ALL: [Part; 8] = [
        Part::Inspector,
        Part::Diagram,
        Part::Log,
        Part::Findings,
        Part::Branches,
        Part::Share,
        Part::Help,
        Part::Menu,
    ];
}

/// Whether a part is to be seen.
pub fn wanted(part: Part, model: &Model) -> bool {
    match part {
        Part::Inspector => model.inspector_open(),
        Part::Diagram => model.diagram.open,
        Part::Log => model.log.open,
        Part::Findings => model.verdicts.open,
        Part::Branches => model.branching,
        Part::Share => model.sharing,
        Part::Help => model.help,
        Part::Menu => model.menu.is_some(),
    }
}

/// Draws a part.
pub type Draw = fn(Part, &Model, &Callback<Msg>) -> Html;

/// Fetches what draws them; once, whoever asks.
#[wasm_split(views)]
pub fn views() -> Draw {
    draw
}

fn draw(part: Part, model: &Model, send: &Callback<Msg>) -> Html {
    match part {
        Part::Inspector => inspector(model, send),
        Part::Diagram => diagram::view(model, send),
        Part::Log => html! {
            <Log rows={model.log.shown()} filter={model.log.filter.clone()} older={model.log.has_older()} send={send.clone()} />
        },
        Part::Findings => html! {
            <Findings findings={model.verdicts.findings.clone()} about={model.examined()}
                node={model.verdicts.node} pinned={model.verdicts.pinned} send={send.clone()} />
        },
        Part::Branches => html! {
            <Branches branches={model.branches.clone()} scenario={model.scenario.clone()} send={send.clone()} />
        },
        Part::Share => html! { <Share described={model.described.clone()} send={send.clone()} /> },
        Part::Help => html! { <Help send={send.clone()} /> },
        Part::Menu => menu::menu(model, send),
    }
}

fn inspector(model: &Model, send: &Callback<Msg>) -> Html {
    let selected = model.inspected();
    let (view, bus) = match &selected {
        Some(Item::Node(id)) => {
            let node = model.scene.find(id);
            let service = node.and_then(|node| model.run.services.get(node).cloned());
            (service, node.and_then(|node| model.run.buses.get(&(node as u32)).cloned()))
        }
        Some(Item::Link { .. }) | None => (None, None),
    };
    let standing = model.standing(selected.as_ref());
    let editable = model.origin == Origin::Own;
    html! { <Inspector scenario={model.scenario.clone()} {selected} {view} {bus} {standing} {editable} send={send.clone()} /> }
}
