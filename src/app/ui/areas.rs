//! The outlines of replica groups and regions, with their labels.

use crate::app::model::{CanvasItem, Msg, SelectionMsg};
use crate::app::scene::Area;
use crate::app::scene::Scene;
use crate::text;
use web_sys::HtmlElement;
use yew::prelude::*;

/// Draws the outlines, as SVG behind the links.
pub fn outlines(scene: &Scene) -> Html {
    let outline = |area: &Area| {
        let class = if area.region { "region" } else { "hull" };
        html! { <path key={area.id.clone()} {class} d={area.outline.clone()} /> }
    };
    html! { <g>{ for scene.areas.iter().map(outline) }</g> }
}

/// Properties of [`AreaLabel`].
#[derive(Clone, PartialEq, Properties)]
pub struct AreaLabelProps {
    /// The area that it names.
    pub area: Area,
    /// Whether the group is selected.
    pub selected: bool,
    /// Receives messages.
    pub send: Callback<Msg>,
}

/// The name and the summary of an area. The label of a group selects it.
#[component]
pub fn AreaLabel(props: &AreaLabelProps) -> Html {
    let root = use_node_ref();
    let at = props.area.label_at;
    use_effect_with((root.clone(), at.x, at.y), |(root, x, y)| {
        if let Some(element) = root.cast::<HtmlElement>() {
            let _ = element.style().set_property("transform", &format!("translate({x}px, {y}px) translateY(-100%)"));
        }
    });
    let Area { name, description, region, .. } = &props.area;
    if *region {
        return html! { <span ref={root} class="area-label region">{ name }</span> };
    }
    let item = CanvasItem::Node(props.area.id.clone());
    let onclick = props.send.reform(move |_: MouseEvent| Msg::Selection(SelectionMsg::Select(Some(item.clone()))));
    let onpointerdown = Callback::from(|event: PointerEvent| event.stop_propagation());
    html! {
        <button ref={root} class={classes!("area-label", props.selected.then_some("selected"))} {onclick} {onpointerdown}
            aria-label={text!("Replica group {}, {}", name, description)}>
            <b>{ name }</b>{ " " }<span>{ description }</span>
        </button>
    }
}
