//! Links and their labels, as SVG.

use crate::app::cut_mark::{CUT_MARK, CUT_MARK_RADIUS};
use crate::app::model::CanvasItem;
use crate::app::scene::{Scene, SceneLink, TextAnchor};
use crate::session::protocol::ActiveFault;
use crate::trace::NodeId;
use std::collections::BTreeSet;
use std::rc::Rc;
use yew::prelude::*;

/// Properties of [`Links`].
#[derive(Clone, PartialEq, Properties)]
pub struct LinksProps {
    /// The layout of the drawing.
    pub scene: Rc<Scene>,
    /// The directed links that are cut.
    pub cut: Rc<Vec<(NodeId, NodeId)>>,
    /// The active faults.
    pub active_faults: Rc<Vec<ActiveFault>>,
    /// The selected items.
    pub selection: Rc<BTreeSet<CanvasItem>>,
    /// Whether the cut tool is active.
    pub cutting: bool,
}

/// All links. It renders only when the drawing, the faults or the selection change.
#[component]
pub fn Links(props: &LinksProps) -> Html {
    html! { <g class={classes!(props.cutting.then_some("cutting"))}>{ for props.scene.links.iter().enumerate().map(|(i, l)| link(props, i, l)) }</g> }
}

fn link(props: &LinksProps, index: usize, link: &SceneLink) -> Html {
    let ends = (NodeId(link.from as u32), NodeId(link.to as u32));
    let forward_cut = props.cut.contains(&ends);
    let backward_cut = props.cut.contains(&(ends.1, ends.0));
    let id = |node: usize| props.scene.nodes[node].id.to_string();
    let selected = props.selection.contains(&CanvasItem::Link { from: id(link.from), to: id(link.to) });
    let cut = forward_cut || backward_cut;
    let affects_link = |fault: &ActiveFault| {
        let direction = fault.to.map(|to| (fault.node, to));
        direction == Some(ends) || direction == Some((ends.1, ends.0))
    };
    let disturbed = !cut && props.active_faults.iter().any(affects_link);
    let classes =
        classes!("link", disturbed.then_some("disturbed"), cut.then_some("cut"), selected.then_some("selected"));
    let d = link.curve.svg().to_string();
    let mark = link.curve.at(CUT_MARK);
    let marker = if cut { "url(#arrow-cut)" } else { "url(#arrow)" };
    let is_faulty = cut || disturbed;
    let label = if is_faulty { link.faulty_label((forward_cut, backward_cut)) } else { &link.label };
    let text = link.label_at.map(|at| {
        // Beside the scissors, the label keeps off their circle.
        let aside = match link.label_anchor {
            _ if !cut => 0.0,
            TextAnchor::Start => 7.0,
            TextAnchor::Middle => 0.0,
            TextAnchor::End => -7.0,
        };
        let class = classes!("link-label", is_faulty.then_some("cut"));
        html! { <text {class} x={format!("{:.1}", at.x + aside)} y={format!("{:.1}", at.y)} text-anchor={link.label_anchor.word()}>{ label }</text> }
    });
    html! {
        <g key={index} data-link={format!("{} {}", link.from, link.to)}>
            <path class="reach" d={d.clone()} />
            <path class={classes} d={d} marker-end={marker} />
            if cut {
                <g class="scissors" transform={format!("translate({:.1} {:.1})", mark.x, mark.y)}>
                    <circle r={CUT_MARK_RADIUS.to_string()} />
                    <path d="M-4-4 4 4M4-4-4 4" />
                </g>
            }
            { text.unwrap_or_default() }
        </g>
    }
}
