//! Wires and their labels, as SVG.

use crate::app::geometry::point;
use crate::app::model::Item;
use crate::app::scene::{Scene, Wire};
use crate::session::protocol::Trouble;
use crate::trace::NodeId;
use std::collections::BTreeSet;
use std::rc::Rc;
use yew::prelude::*;

/// Properties of [`Wires`].
#[derive(Clone, PartialEq, Properties)]
pub struct WiresProps {
    /// What stands where.
    pub scene: Rc<Scene>,
    /// Directed links that are cut.
    pub cut: Rc<Vec<(NodeId, NodeId)>>,
    /// What else is wrong.
    pub troubles: Rc<Vec<Trouble>>,
    /// What is selected.
    pub selection: Rc<BTreeSet<Item>>,
    /// The scissors are in hand.
    pub cutting: bool,
}

/// All wires. Drawn again only when the drawing, the cuts or the selection change.
#[component]
pub fn Wires(props: &WiresProps) -> Html {
    html! { <g class={classes!(props.cutting.then_some("cutting"))}>{ for props.scene.wires.iter().enumerate().map(|(i, w)| wire(props, i, w)) }</g> }
}

fn wire(props: &WiresProps, index: usize, wire: &Wire) -> Html {
    let ends = (NodeId(wire.from as u32), NodeId(wire.to as u32));
    let forth = props.cut.contains(&ends);
    let back = props.cut.contains(&(ends.1, ends.0));
    let id = |node: usize| props.scene.nodes[node].id.to_string();
    let selected = props.selection.contains(&Item::Link { from: id(wire.from), to: id(wire.to) });
    let cut = forth || back;
    let of_wire = |trouble: &Trouble| {
        let at = trouble.to.map(|to| (trouble.node, to));
        at == Some(ends) || at == Some((ends.1, ends.0))
    };
    let disturbed = !cut && props.troubles.iter().any(of_wire);
    let classes =
        classes!("wire", disturbed.then_some("disturbed"), cut.then_some("cut"), selected.then_some("selected"));
    let d = wire.curve.svg();
    let middle = wire.curve.at(0.5);
    let marker = if cut { "url(#arrow-cut)" } else { "url(#arrow)" };
    let label = match (forth, back) {
        (true, true) => format!("{}, cut", wire.label),
        (true, false) => format!("{}, cut one way", wire.label),
        (false, true) => format!("{}, way back cut", wire.label),
        (false, false) if disturbed => format!("{}, disturbed", wire.label),
        (false, false) => wire.label.to_string(),
    };
    let steep = {
        let (a, b) = (wire.curve.at(0.0), wire.curve.at(1.0));
        (b.y - a.y).abs() > (b.x - a.x).abs()
    };
    let at = if cut { point(wire.label_at.x, wire.label_at.y - if steep { 0.0 } else { 8.0 }) } else { wire.label_at };
    html! {
        <g key={index}>
            <path class="reach" d={d.clone()} />
            <path class={classes} d={d} marker-end={marker} />
            if cut {
                <g class="scissors" transform={format!("translate({:.1} {:.1})", middle.x, middle.y)}>
                    <circle r="10" />
                    <path d="M-4-4 4 4M4-4-4 4" />
                </g>
            }
            <text class={classes!("wire-label", (cut || disturbed).then_some("cut"))} x={format!("{:.1}", at.x)} y={format!("{:.1}", at.y)}
                text-anchor={if steep { "start" } else { "middle" }}>{ label }</text>
        </g>
    }
}
