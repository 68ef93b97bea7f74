//! The pane that shows the compared branch beside the current one: the same drawing, camera and clock, read-only.

use super::Page;
use super::card_views::card_view;
use crate::app::model::Msg;
use crate::app::run_view::RunView;
use crate::app::scene::NodeKind;
use crate::app::ui::areas::outlines;
use crate::app::ui::card::Card;
use crate::app::ui::links::Links;
use crate::session::protocol::BranchCommand;
use crate::text;
use yew::prelude::*;

impl Page {
    /// Returns whether the state or the data of a service differ between the two branches.
    pub(super) fn differs(&self, node: usize) -> bool {
        let view = |run: &RunView| run.services.get(node).map(|service| (service.state, service.rows.clone()));
        self.model.compared.as_ref().is_some_and(|compared| view(compared) != view(&self.model.run))
    }

    /// Returns whether the two panes are one above the other: on a narrow page, or for a wide drawing.
    pub(super) fn is_stacked(&self) -> bool {
        let bounds = self.model.scene.bounds();
        self.model.viewport.narrow || bounds.w > 1.5 * bounds.h
    }

    /// Draws the name of the current branch, if another is compared with it.
    pub(super) fn pane_name(&self) -> Html {
        match &self.model.compared {
            Some(_) => {
                html! { <div class="pane-name"><b>{ self.branch_name(Some(self.model.branches.current)) }</b></div> }
            }
            None => html! {},
        }
    }

    fn branch_name(&self, index: Option<u32>) -> String {
        let branch = index.and_then(|index| self.model.branches.list.get(index as usize));
        branch.map(|branch| branch.name.clone()).unwrap_or_default()
    }

    pub(super) fn comparison_pane(&self) -> Html {
        let (model, refs) = (&self.model, &self.painter.refs.compared);
        let Some(run) = &model.compared else { return html! {} };
        let (name, scene) = (self.branch_name(model.branches.compared), model.compared_scene());
        let card = |node: usize| {
            let placed = scene.nodes[node].clone();
            let (key, view) = (placed.id.to_string(), card_view(model, run, node));
            html! {
                <Card {key} {view} active_faults={AttrValue::from(run.faults_of(node))}
                    selected=false proof=false aimed=false tab=false renaming=false editable=false differs={self.differs(node)} {placed} send={Callback::noop()} />
            }
        };
        let services = model.scene.nodes.iter().enumerate().filter(|(_, placed)| placed.kind == NodeKind::Service);
        let difference = match services.filter(|(node, _)| self.differs(*node)).count() {
            0 => text!("no difference at this instant").to_string(),
            1 => text!("1 service differs").to_string(),
            n => text!("{} services differ", n),
        };
        html! {
            <section class="canvas compared" aria-label={text!("Comparison with: {}", name)}>
                <svg class="links" aria-hidden="true"><g ref={refs.links.clone()}>
                    { outlines(scene) }
                    <Links scene={scene.clone()} cut={run.cut.clone()} active_faults={run.active_faults.clone()} selection={model.selection.items.clone()} cutting=false />
                </g></svg>
                <div class="world" ref={refs.world.clone()}>{ for (0..scene.nodes.len()).map(card) }</div>
                <canvas class="messages" ref={refs.messages.clone()} aria-hidden="true"></canvas>
                <div class="pane-name" role="status"><b>{ name }</b><span>{ difference }</span>
                    <button class="line small" onclick={self.on(Msg::Branch(BranchCommand::Compare(None)))}>{ text!("Stop comparing") }</button>
                </div>
            </section>
        }
    }
}
