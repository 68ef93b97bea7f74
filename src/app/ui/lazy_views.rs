//! Views that the page loads when they are first shown, from a separate wasm file. The first picture does not wait
//! for them.

use super::areas::AreaLabel;
use super::branches::Branches;
use super::commands_dialog::CommandsDialog;
use super::dialogs::{Help, Share};
use super::drawings_dialog::DrawingsDialog;
use super::fault_track::FaultTrack;
use super::gallery::Gallery;
use super::inspector::{Inspector, Reasons};
use super::log::Log;
use super::parts::notice;
use super::verdicts::Verdicts;
use super::{card_tools, diagram, first_steps, in_place, legend, menu, minimap, outline};
use crate::app::browser::picture;
use crate::app::command_palette;
use crate::app::model::{self, CanvasItem, Effect, Model, Msg, Origin};
use crate::app::picture::{PictureFailure, PictureFormat};
use crate::app::scene::{Area, Scene};
use crate::session::protocol::{VerdictSubject, VerdictView};
use js_sys::Array;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use wasm_bindgen::prelude::*;
use wasm_split_helpers::{SplitLoaderError, wasm_split};
use web_sys::{CssStyleSheet, Element};
use yew::prelude::*;

/// A view whose code is loaded on demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LazyView {
    /// The inspector of the selected item, or of the scenario.
    Inspector,
    /// The outline.
    Outline,
    /// The space-time diagram and the charts.
    Diagram,
    /// The log.
    Log,
    /// The verdicts and their reasons.
    Verdicts,
    /// The list of branches.
    Branches,
    /// The share dialog.
    Share,
    /// The help dialog: keys, gestures, motion.
    Help,
    /// The dialog of the visitor's drawings.
    Drawings,
    /// The command palette.
    Commands,
    /// The gallery of examples.
    Gallery,
    /// The first steps to a running system.
    FirstSteps,
    /// The context menu.
    Menu,
    /// The legend.
    Legend,
    /// The menu with all that has no button on a small page.
    More,
    /// The script's steps below the timeline.
    Script,
    /// The labels of groups and regions.
    Areas,
    /// The buttons for faults above a card.
    CardTools,
    /// The field that edits a value or a latency on the canvas.
    InPlace,
    /// The map of a large drawing.
    Minimap,
}

impl LazyView {
    /// All lazy views.
    pub const ALL: [LazyView; 20] = [
        LazyView::Inspector,
        LazyView::Outline,
        LazyView::Diagram,
        LazyView::Log,
        LazyView::Verdicts,
        LazyView::Branches,
        LazyView::Share,
        LazyView::Help,
        LazyView::Drawings,
        LazyView::Commands,
        LazyView::Gallery,
        LazyView::FirstSteps,
        LazyView::Menu,
        LazyView::Legend,
        LazyView::More,
        LazyView::Script,
        LazyView::Areas,
        LazyView::CardTools,
        LazyView::InPlace,
        LazyView::Minimap,
    ];

    /// Returns whether the page shows this view.
    pub fn is_shown(self, model: &Model) -> bool {
        match self {
            LazyView::Inspector => model.inspector_open(),
            LazyView::Outline => model.outline.open,
            LazyView::Diagram => model.diagram.open,
            LazyView::Log => model.log.open,
            LazyView::Verdicts => model.verdicts.open,
            LazyView::Branches => model.panels.branches,
            LazyView::Share => model.sharing.open,
            LazyView::Help => model.panels.help,
            LazyView::Drawings => model.drawings.open,
            LazyView::Commands => model.panels.commands,
            LazyView::Gallery => model.panels.examples,
            LazyView::FirstSteps => first_steps::has_first_steps(model),
            LazyView::Menu => model.panels.menu.is_some(),
            LazyView::Legend => model.panels.legend,
            LazyView::More => model.panels.more,
            LazyView::Script => !model.document.scenario.script.is_empty(),
            LazyView::Areas => !model.scene.areas.is_empty(),
            LazyView::CardTools => model.tools_card().is_some(),
            LazyView::InPlace => model.selection.editing.is_some(),
            LazyView::Minimap => model.has_map() && !model.panels.map_closed,
        }
    }
}

/// Loads the code of the lazy views and of actions. Both are in one file, but each split function loads it for itself.
///
/// # Errors
/// The code could not be fetched. A later call tries again.
pub async fn load() -> Result<(), SplitLoaderError> {
    load_views().await?;
    load_actions().await?;
    load_pictures().await
}

/// Saves a picture of the drawing, whose layers have their places for it.
///
/// # Errors
/// The code could not be fetched.
#[wasm_split(views, fallible, preload(load_pictures))]
fn save_picture_when_loaded(
    canvas: &Element,
    size: (f64, f64),
    only: Option<&BTreeSet<usize>>,
    scene: &Scene,
    file: (&str, PictureFormat),
    on_failure: Callback<PictureFailure>,
) -> Result<(), SplitLoaderError> {
    let includes = |index: &str| only.is_none_or(|only| index.parse().is_ok_and(|index| only.contains(&index)));
    let omits = |element: &Element| {
        if let Some(id) = element.get_attribute("data-node") {
            return scene.find(&id).is_some_and(|node| only.is_some_and(|only| !only.contains(&node)));
        }
        if let Some(ends) = element.get_attribute("data-link") {
            return !ends.split(' ').all(includes);
        }
        only.is_some() && element.matches(".hull, .region, .area-label").unwrap_or(false)
    };
    picture::save_element(canvas, size, &omits, file, on_failure);
    Ok(())
}

/// Saves a picture of the drawing. Call it only after [`load`] has returned `Ok`.
pub fn save_picture(
    canvas: &Element,
    size: (f64, f64),
    only: Option<&BTreeSet<usize>>,
    scene: &Scene,
    file: (&str, PictureFormat),
    on_failure: Callback<PictureFailure>,
) {
    let saved = pin!(save_picture_when_loaded(canvas, size, only, scene, file, on_failure));
    if saved.poll(&mut Context::from_waker(Waker::noop())).is_pending() {
        unreachable!("loaded code is ready at the first poll");
    }
}

/// Returns a view's elements, loading the code of all lazy views before the first.
///
/// # Errors
/// The code could not be fetched. A later call tries again.
#[wasm_split(views, fallible, preload(load_views))]
fn draw_when_loaded(view: LazyView, model: &Model, send: &Callback<Msg>) -> Result<Html, SplitLoaderError> {
    adopt_style_sheet("views", STYLE_SHEET);
    Ok(elements(view, model, send))
}

/// Returns a view's elements. Call it only after [`load`] has returned `Ok`.
pub fn draw(view: LazyView, model: &Model, send: &Callback<Msg>) -> Html {
    let drawn = pin!(draw_when_loaded(view, model, send));
    match drawn.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(elements)) => elements,
        Poll::Ready(Err(_)) | Poll::Pending => unreachable!("loaded code is ready at the first poll"),
    }
}

/// Updates the model, with the code that is loaded together with the lazy views.
///
/// # Errors
/// The code could not be fetched.
#[wasm_split(views, fallible, preload(load_actions))]
fn update_when_loaded(model: &mut Model, msg: Msg) -> Result<Vec<Effect>, SplitLoaderError> {
    Ok(model::update(model, msg))
}

/// Updates the model. Call it only after [`load`] has returned `Ok`.
pub fn update(model: &mut Model, msg: Msg) -> Vec<Effect> {
    let updated = pin!(update_when_loaded(model, msg));
    match updated.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(effects)) => effects,
        Poll::Ready(Err(_)) | Poll::Pending => unreachable!("loaded code is ready at the first poll"),
    }
}

/// The style sheet of the lazy views. It is loaded with them, so none of them is ever shown without its style.
const STYLE_SHEET: &str = include_str!("lazy_views.css");

thread_local! {
    static ADOPTED: RefCell<BTreeSet<&'static str>> = const { RefCell::new(BTreeSet::new()) };
}

/// Adds a style sheet after those of the page, once for each name. A failure leaves the views without it.
pub(super) fn adopt_style_sheet(name: &'static str, rules: &str) {
    if ADOPTED.with_borrow_mut(|adopted| adopted.insert(name)) {
        let _ = try_adopt(rules);
    }
}

fn try_adopt(rules: &str) -> Result<(), JsValue> {
    let Some(document) = web_sys::window().and_then(|window| window.document()) else { return Ok(()) };
    let sheet = CssStyleSheet::new()?;
    sheet.replace_sync(rules)?;
    let sheets = Array::from(&document.adopted_style_sheets());
    sheets.push(&sheet);
    document.set_adopted_style_sheets(&sheets);
    Ok(())
}

/// Returns the verdicts, without the reasons that an embed hides.
fn shown_verdicts(model: &Model) -> Rc<Vec<VerdictView>> {
    if !model.hidden.why {
        return model.verdicts.findings.clone();
    }
    let shown = model.verdicts.findings.iter().filter(|finding| finding.about != VerdictSubject::Copy);
    shown
        .map(|finding| VerdictView { because: String::new(), steps: Vec::new(), ..finding.clone() })
        .collect::<Vec<_>>()
        .into()
}

fn elements(view: LazyView, model: &Model, send: &Callback<Msg>) -> Html {
    match view {
        LazyView::Inspector => inspector(model, send),
        LazyView::Outline => outline::view(model, send),
        LazyView::Diagram => diagram::view(model, send),
        LazyView::Log => html! {
            <Log rows={model.log.shown()} filter={model.log.filter.clone()} older={model.log.has_older()} send={send.clone()} />
        },
        LazyView::Verdicts => html! {
            <Verdicts verdicts={shown_verdicts(model)}
                pinned={model.verdicts.pinned} marked={model.verdicts.lit.clone()} send={send.clone()} />
        },
        LazyView::Branches => html! {
            <Branches branches={model.branches.clone()} scenario={model.document.scenario.clone()} send={send.clone()} />
        },
        LazyView::Share => {
            html! { <Share notice={notice(model, send)} described={model.sharing.shared_run.clone()} has_selection={!model.selected_nodes().is_empty()}
            interval={model.time_view.window(model.run.until)} speed={model.playback.speed()} send={send.clone()} /> }
        }
        LazyView::Help => html! {
           <Help less_motion={model.preferences.reduced_motion} single_keys={model.preferences.single_keys} send={send.clone()} />
        },
        LazyView::Drawings => html! {
            <DrawingsDialog notice={notice(model, send)} problem={model.drawings.problem()} list={model.drawings.list.clone()} versions={model.drawings.versions.clone()}
                shown={model.document.drawing.clone()} send={send.clone()} />
        },
        LazyView::Commands => {
            html! { <CommandsDialog commands={Rc::new(command_palette::commands(model))} send={send.clone()} /> }
        }
        LazyView::Gallery => html! { <Gallery tasks={model.tasks.kept.clone()} send={send.clone()} /> },
        LazyView::FirstSteps => first_steps::first_steps(model, send),
        LazyView::Menu => menu::menu(model, send),
        LazyView::Legend => legend::legend(model, send),
        LazyView::More => menu::more(model, send),
        LazyView::Script => {
            let track = |operations: bool, top: f64| {
                html! {
                    <FaultTrack {operations} scenario={model.document.scenario.clone()} window={model.time_view.window(model.run.until)} width={model.viewport.axis_width}
                        {top} editable={model.document.origin == Origin::Own} send={send.clone()} />
                }
            };
            html! { <>{ track(true, 0.0) }{ track(false, timeline_top(model)) }</> }
        }
        LazyView::CardTools => card_tools::card_tools(model, send),
        LazyView::InPlace => in_place::in_place(model, send),
        LazyView::Minimap => minimap::minimap(model, send),
        LazyView::Areas => {
            let label = |area: &Area| {
                let selected = model.selection.items.contains(&CanvasItem::Node(area.id.clone()));
                html! { <AreaLabel key={format!("area-{}", area.id)} area={area.clone()} {selected} send={send.clone()} /> }
            };
            html! { { for model.scene.areas.iter().map(label) } }
        }
    }
}

/// Returns the upper edge of the row of faults, px.
fn timeline_top(model: &Model) -> f64 {
    let rows = model.timeline_rows();
    rows.height * (rows.rows.len() as f64 + 1.5) - 11.0
}

fn inspector(model: &Model, send: &Callback<Msg>) -> Html {
    let selected = model.inspected();
    let (view, bus) = match &selected {
        Some(CanvasItem::Node(id)) => {
            let node = model.scene.find(id);
            let service = node.and_then(|node| model.run.services.get(node).cloned());
            (service, node.and_then(|node| model.run.buses.get(&(node as u32)).cloned()))
        }
        Some(CanvasItem::Link { .. }) | None => (None, None),
    };
    let condition = model.condition(selected.as_ref());
    let editable = model.document.origin == Origin::Own;
    let explained = model.explained_node();
    let reasons = explained.map(|node| model.verdicts.reasons(node).cloned().collect()).unwrap_or_default();
    let reasons = Reasons { all: reasons, pinned: model.verdicts.pinned, is_open: explained.is_some() };
    let internals = model.internals_node().and_then(|node| model.internals.of(node));
    html! {
        <Inspector scenario={model.document.scenario.clone()} {selected} many={model.inspected_nodes()} {view} {bus} {condition} measured={model.measurement.clone()} {internals} {reasons} {editable} send={send.clone()} />
    }
}
