//! What is not there at first sight: fetched by the page when it is first needed, in a wasm file of its own, so that the
//! first picture does not wait for it.

use super::areas::AreaLabel;
use super::branches::Branches;
use super::dialogs::{Help, Share};
use super::fault_track::FaultTrack;
use super::findings::Findings;
use super::inspector::Inspector;
use super::log::Log;
use super::{diagram, menu, outline, timeline};
use crate::app::areas::Area;
use crate::app::model::{Item, Model, Msg, Origin};
use js_sys::Array;
use std::cell::Cell;
use wasm_bindgen::prelude::*;
use wasm_split_helpers::{SplitLoaderError, wasm_split};
use web_sys::CssStyleSheet;
use yew::prelude::*;

/// A part of the page that comes later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The inspector of what is selected, or of the scenario.
    Inspector,
    /// The outline.
    Outline,
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
    /// The script's steps under the timeline.
    Script,
    /// The labels of groups and regions.
    Areas,
}

impl Part {
    /// All of them.
    pub const ALL: [Part; 11] = [
        Part::Inspector,
        Part::Outline,
        Part::Diagram,
        Part::Log,
        Part::Findings,
        Part::Branches,
        Part::Share,
        Part::Help,
        Part::Menu,
        Part::Script,
        Part::Areas,
    ];
}

/// Whether a part is to be seen.
pub fn wanted(part: Part, model: &Model) -> bool {
    match part {
        Part::Inspector => model.inspector_open(),
        Part::Outline => model.outline.open,
        Part::Diagram => model.diagram.open,
        Part::Log => model.log.open,
        Part::Findings => model.verdicts.open,
        Part::Branches => model.branching,
        Part::Share => model.sharing,
        Part::Help => model.help,
        Part::Menu => model.menu.is_some(),
        Part::Script => !model.scenario.script.is_empty(),
        Part::Areas => !model.scene.areas.is_empty(),
    }
}

/// Draws a part.
pub type Draw = fn(Part, &Model, &Callback<Msg>) -> Html;

/// Fetches what draws them; once, whoever asks.
#[wasm_split(views, fallible)]
pub fn views() -> Result<Draw, SplitLoaderError> {
    let _ = dress();
    Ok(draw)
}

/// What they look like, which comes with them: so nothing is seen undressed, and the first picture does not wait for it.
const SHEET: &str = include_str!("later.css");

thread_local! {
    static DRESSED: Cell<bool> = const { Cell::new(false) };
}

/// Puts the style sheet behind those of the page.
fn dress() -> Result<(), JsValue> {
    let Some(document) = web_sys::window().and_then(|window| window.document()) else { return Ok(()) };
    if DRESSED.replace(true) {
        return Ok(());
    }
    let sheet = CssStyleSheet::new()?;
    sheet.replace_sync(SHEET)?;
    let all = Array::from(&document.adopted_style_sheets());
    all.push(&sheet);
    document.set_adopted_style_sheets(&all);
    Ok(())
}

fn draw(part: Part, model: &Model, send: &Callback<Msg>) -> Html {
    match part {
        Part::Inspector => inspector(model, send),
        Part::Outline => outline::view(model, send),
        Part::Diagram => diagram::view(model, send),
        Part::Log => html! {
            <Log rows={model.log.shown()} filter={model.log.filter.clone()} older={model.log.has_older()} send={send.clone()} />
        },
        Part::Findings => html! {
            <Findings findings={model.verdicts.findings.clone()} about={model.examined()}
                node={model.verdicts.node} pinned={model.verdicts.pinned} lit={model.verdicts.lit.clone()} send={send.clone()} />
        },
        Part::Branches => html! {
            <Branches branches={model.branches.clone()} scenario={model.scenario.clone()} send={send.clone()} />
        },
        Part::Share => html! { <Share described={model.described.clone()} send={send.clone()} /> },
        Part::Help => html! {
           <Help less_motion={model.reduced_motion} single_keys={model.single_keys()} send={send.clone()} />
        },
        Part::Menu => menu::menu(model, send),
        Part::Script => html! {
            <FaultTrack scenario={model.scenario.clone()} window={model.shown.window(model.run.until)}
                top={timeline::ROW * (model.scenario.services.len() + 1) as f64}
                editable={model.origin == Origin::Own} send={send.clone()} />
        },
        Part::Areas => {
            let label = |area: &Area| {
                let selected = model.selection.contains(&Item::Node(area.id.clone()));
                html! { <AreaLabel key={format!("area-{}", area.id)} area={area.clone()} {selected} send={send.clone()} /> }
            };
            html! { { for model.scene.areas.iter().map(label) } }
        }
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
    let inside = model.inside_wanted().and_then(|node| model.inside.of(node));
    html! {
        <Inspector scenario={model.scenario.clone()} {selected} {view} {bus} {standing} measured={model.measured.clone()} {inside} {editable} send={send.clone()} />
    }
}
