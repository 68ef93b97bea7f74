//! The branch beside the one that is shown: the same drawing under the same camera and clock, to be looked at only.

use super::{FAR, Page};
use crate::app::model::Msg;
use crate::app::run_view::RunView;
use crate::app::scene::NodeKind;
use crate::app::ui::card::Card;
use crate::app::ui::messages::Sight;
use crate::app::ui::wires::Wires;
use crate::session::protocol::BranchTurn;
use web_sys::{Element, HtmlCanvasElement, HtmlElement};
use yew::prelude::*;

#[derive(Clone, Default)]
pub(super) struct Refs {
    pub world: NodeRef,
    wires: NodeRef,
    messages: NodeRef,
}

impl Page {
    /// Whether a service stands otherwise in the two branches.
    pub(super) fn differs(&self, node: usize) -> bool {
        let view = |run: &RunView| run.services.get(node).map(|service| (service.state, service.rows.clone()));
        self.model.other.as_ref().is_some_and(|other| view(other) != view(&self.model.run))
    }

    /// Whether two panes stand one above the other: where the drawing is wider than high, or the page narrow.
    pub(super) fn is_stacked(&self) -> bool {
        let bounds = self.model.scene.bounds();
        self.model.narrow || bounds.w > 1.5 * bounds.h
    }

    /// What the pane is called, where there are two.
    pub(super) fn pane_name(&self) -> Html {
        match &self.model.other {
            Some(_) => {
                html! { <div class="pane-name"><b>{ self.branch_name(Some(self.model.branches.current)) }</b></div> }
            }
            None => html! {},
        }
    }

    fn branch_name(&self, place: Option<u32>) -> String {
        let branch = place.and_then(|place| self.model.branches.list.get(place as usize));
        branch.map(|branch| branch.name.clone()).unwrap_or_default()
    }

    pub(super) fn twin(&self) -> Html {
        let (model, refs) = (&self.model, &self.refs.twin);
        let Some(run) = &model.other else { return html! {} };
        let name = self.branch_name(model.branches.compared);
        let card = |node: usize| {
            let placed = model.scene.nodes[node].clone();
            let (key, view) = (placed.id.to_string(), self.view_of(run, node, placed.kind));
            html! {
                <Card {key} {view} troubles={AttrValue::from(run.troubles_of(node))}
                    selected=false proof=false aimed=false tab=false renaming=false editable=false differs={self.differs(node)} {placed} send={Callback::noop()} />
            }
        };
        let services = model.scene.nodes.iter().enumerate().filter(|(_, placed)| placed.kind == NodeKind::Service);
        let different = services.filter(|(node, _)| self.differs(*node)).count();
        let says = match different {
            0 => "the same at this instant".to_string(),
            1 => "1 service stands otherwise".to_string(),
            n => format!("{n} services stand otherwise"),
        };
        html! {
            <section class="canvas twin" data-far={(model.camera.scale < FAR).then_some("")} aria-label={format!("Compared with: {name}")}>
                <svg class="wires" aria-hidden="true"><g ref={refs.wires.clone()}>
                    <Wires scene={model.scene.clone()} cut={run.cut.clone()} troubles={run.troubles.clone()} selection={model.selection.clone()} cutting=false />
                </g></svg>
                <div class="world" ref={refs.world.clone()}>{ for (0..model.scene.nodes.len()).map(card) }</div>
                <canvas class="messages" ref={refs.messages.clone()} aria-hidden="true"></canvas>
                <div class="pane-name" role="status"><b>{ name }</b><span>{ says }</span>
                    <button class="line small" onclick={self.on(Msg::Branch(BranchTurn::Compare(None)))}>{ "Stop comparing" }</button>
                </div>
            </section>
        }
    }

    pub(super) fn paint_twin(&mut self) {
        let (Some(run), refs) = (&self.model.other, &self.refs.twin) else { return };
        let camera = self.model.camera;
        if let Some(wires) = refs.wires.cast::<Element>() {
            let transform = format!("translate({} {}) scale({})", camera.x, camera.y, camera.scale);
            let _ = wires.set_attribute("transform", &transform);
        }
        if let Some(world) = refs.world.cast::<HtmlElement>() {
            let transform = format!("translate({}px, {}px) scale({})", camera.x, camera.y, camera.scale);
            let _ = world.style().set_property("transform", &transform);
        }
        if let Some(canvas) = refs.messages.cast::<HtmlCanvasElement>() {
            self.twin_messages.paint(&canvas, &Sight::of(&self.model, run), &self.inks);
        }
    }
}
