//! The buttons for faults above a card: crash, freeze, heal.

use super::icons::{Icon, icon};
use crate::app::actions::ActionId;
use crate::app::faults::{CardFault, card_fault};
use crate::app::geometry::{Point, point};
use crate::app::model::{LiveMsg, Model, Msg};
use crate::scenario::Command;
use web_sys::HtmlElement;
use yew::prelude::*;

/// The faults, with the actions whose keys do the same.
const FAULTS: [(CardFault, ActionId); 3] = [
    (CardFault::Crash, ActionId::CrashCard),
    (CardFault::Freeze, ActionId::FreezeCard),
    (CardFault::Heal, ActionId::HealCard),
];

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
            (CardFault::Heal, _) => ("Heal".to_string(), true),
            (_, Some((label, command))) => (label, ends_fault(&command)),
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
    let at = point(node.rect.x, node.rect.y);
    html! { <CardTools {at} {by_focus} label={format!("Faults of {name}")}>{ for FAULTS.map(button) }</CardTools> }
}

fn ends_fault(command: &Command) -> bool {
    matches!(command, Command::Restart { .. } | Command::StartBus { .. } | Command::Resume { .. })
}

#[derive(Clone, PartialEq, Properties)]
struct CardToolsProps {
    at: Point,
    by_focus: bool,
    label: String,
    children: Html,
}

/// The row of buttons, with its lower left corner at a point of the canvas: the words of active faults are at the right.
#[component]
fn CardTools(props: &CardToolsProps) -> Html {
    let root = use_node_ref();
    use_effect_with((root.clone(), props.at.x, props.at.y), |(root, x, y)| {
        if let Some(element) = root.cast::<HtmlElement>() {
            let _ = element.style().set_property("transform", &format!("translate({x}px, {y}px) translateY(-100%)"));
        }
    });
    let class = classes!("card-tools", props.by_focus.then_some("by-focus"));
    html! { <div ref={root} {class} role="group" aria-label={props.label.clone()}>{ props.children.clone() }</div> }
}
