//! The buttons for faults above a card: crash, freeze, heal.

use super::icons::{Icon, icon};
use crate::app::actions::ActionId;
use crate::app::faults::{CardFault, card_fault};
use crate::app::geometry::{Point, point};
use crate::app::model::{LiveMsg, Model, Msg};
use crate::app::script::{self, CommandKind};
use crate::text;
use web_sys::HtmlElement;
use yew::prelude::*;

/// The faults, with the actions whose keys do the same.
const FAULTS: [(CardFault, ActionId); 3] = [
    (CardFault::Crash, ActionId::CrashCard),
    (CardFault::Freeze, ActionId::FreezeCard),
    (CardFault::Heal, ActionId::HealCard),
];

/// Height of the row, px.
const HEIGHT: f64 = 34.0;
/// Distance of the row below a card, px: under the publish button or the dead letters.
const BELOW: f64 = 48.0;
/// The same on a narrow page, px: the row is between the card and the next one.
const BELOW_IN_COLUMN: f64 = 6.0;

/// Height of one row of verdict chips, with the distance from the edge of the canvas, px at the browser's usual font size.
const CHIPS: f64 = 40.0;

/// Draws the buttons of the card below the pointer, of the selected card, or of the focused one.
pub fn card_tools(model: &Model, send: &Callback<Msg>) -> Html {
    let Some((card, by_focus)) = model.tools_card() else { return html! {} };
    let node = &model.scene.nodes[card];
    let (id, name) = (node.id.to_string(), &node.name);
    let condition = model.fault_condition(&id);
    let has_fault = model.has_fault(&id);
    let button = |(fault, action): (CardFault, ActionId)| {
        let found = card_fault(&model.document.scenario, &id, fault, &condition);
        let (label, ends) = match (fault, found) {
            (CardFault::Heal, _) => (text!("Heal").to_string(), true),
            (_, Some((label, command))) => (label, script::kind(&command) == CommandKind::Repair),
            (_, None) => return html! {},
        };
        let symbol = match (fault, ends) {
            (CardFault::Crash, false) => Icon::Fault,
            (CardFault::Crash, true) => Icon::Reset,
            (CardFault::Freeze, false) => Icon::Freeze,
            (CardFault::Freeze, true) => Icon::Play,
            (CardFault::Heal, _) => Icon::Heal,
        };
        let keys = action.action().keys();
        // A disabled button would lose the focus.
        let idle = (fault == CardFault::Heal && !has_fault).then_some("true");
        let node = id.clone();
        let onclick = send.reform(move |_: MouseEvent| Msg::Live(LiveMsg::Fault(fault, Some(node.clone()))));
        html! {
            <button key={keys.clone()} class={classes!("icon", (ends && idle.is_none()).then_some("ends"))} title={format!("{label} ({keys})")}
                aria-label={format!("{label}: {name}")} aria-disabled={idle} {onclick}>{ icon(symbol) }</button>
        }
    };
    let camera = model.viewport.camera;
    // The verdict chips are over the upper edge, on a narrow page in one row.
    let (chips, unit) = (model.viewport.overlays.0, model.viewport.unit);
    let covered = if model.viewport.narrow { CHIPS * unit } else { chips };
    let is_cut = camera.to_window(point(node.rect.x, node.rect.y)).y < covered + HEIGHT * camera.scale.max(1.0);
    let below = if model.scene.is_column() { BELOW_IN_COLUMN } else { BELOW };
    let at = point(node.rect.x, if is_cut { node.rect.bottom() + below } else { node.rect.y });
    html! { <CardTools {at} below={is_cut} {by_focus} label={text!("Faults of {}", name)}>{ for FAULTS.map(button) }</CardTools> }
}

#[derive(Clone, PartialEq, Properties)]
struct CardToolsProps {
    at: Point,
    /// Whether the point is the upper left corner, not the lower one.
    below: bool,
    by_focus: bool,
    label: String,
    children: Html,
}

/// The row of buttons, with its lower left corner at the upper left one of its card: the words of active faults are at the
/// right. Where the canvas would cut it off or a chip cover it, it is below the card.
#[component]
fn CardTools(props: &CardToolsProps) -> Html {
    let root = use_node_ref();
    use_effect_with((root.clone(), props.at.x, props.at.y, props.below), |(root, x, y, below)| {
        if let Some(element) = root.cast::<HtmlElement>() {
            let share = if *below { 0 } else { -100 };
            let _ = element.style().set_property("transform", &format!("translate({x}px, {y}px) translateY({share}%)"));
        }
    });
    let class = classes!("card-tools", props.by_focus.then_some("by-focus"));
    html! { <div ref={root} {class} role="group" aria-label={props.label.clone()}>{ props.children.clone() }</div> }
}
