//! The pane that shows the compared branch beside the current one: the same drawing, camera and clock, read-only. Where the
//! canvas has no room for two drawings, tabs show one of them.

use super::Page;
use super::card_views::card_view;
use crate::app::comparison::ComparisonLayout;
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

    /// Returns the class of the page for the places of the two drawings.
    pub(super) fn comparison_class(&self) -> Option<&'static str> {
        match self.model.comparison()? {
            ComparisonLayout::Beside => None,
            ComparisonLayout::Stacked => Some("stacked"),
            ComparisonLayout::Tabs => Some("tabbed"),
        }
    }

    /// Returns whether the tabs of both branches are below the canvas, where they cover no card.
    pub(super) fn has_tabs_below(&self) -> bool {
        self.model.viewport.narrow && self.model.comparison() == Some(ComparisonLayout::Tabs)
    }

    /// Draws the name of the current branch, or the tabs of both branches, if another is compared with it.
    pub(super) fn pane_name(&self) -> Html {
        match self.model.comparison() {
            Some(ComparisonLayout::Tabs) => self.branch_tabs(),
            Some(ComparisonLayout::Beside | ComparisonLayout::Stacked) => {
                html! { <div class="pane-name"><b>{ self.branch_name(Some(self.model.branches.current)) }</b></div> }
            }
            None => html! {},
        }
    }

    /// Draws the tabs of the two branches. The one that is not shown changes sides with the other.
    fn branch_tabs(&self) -> Html {
        let branches = &self.model.branches;
        let mut places: Vec<u32> = branches.compared.into_iter().chain([branches.current]).collect();
        places.sort_unstable();
        let tab = |place: u32| {
            let (shown, name) = (place == branches.current, self.branch_name(Some(place)));
            html! {
                <button key={place} class={classes!(shown.then_some("on"))} aria-pressed={shown.to_string()} title={name.clone()}
                    onclick={self.on(Msg::Branch(BranchCommand::Show(place)))}><span>{ name }</span></button>
            }
        };
        html! {
            <div class="pane-name">
                <span class="seg" role="group" aria-label={text!("Compared branches")}>{ for places.into_iter().map(tab) }</span>
                { self.difference() }
                { self.stop_comparing() }
            </div>
        }
    }

    /// Draws how many services differ between the two branches.
    fn difference(&self) -> Html {
        let services = self.model.scene.nodes.iter().enumerate().filter(|(_, placed)| placed.kind == NodeKind::Service);
        let difference = match services.filter(|(node, _)| self.differs(*node)).count() {
            0 => text!("no difference at this instant").to_string(),
            1 => text!("1 service differs").to_string(),
            n => text!("{} services differ", n),
        };
        html! { <span class="differences" role="status" title={difference.clone()}>{ difference }</span> }
    }

    fn stop_comparing(&self) -> Html {
        html! { <button class="line small" onclick={self.on(Msg::Branch(BranchCommand::Compare(None)))}>{ text!("Stop comparing") }</button> }
    }

    fn branch_name(&self, index: Option<u32>) -> String {
        let branch = index.and_then(|index| self.model.branches.list.get(index as usize));
        branch.map(|branch| branch.name.clone()).unwrap_or_default()
    }

    pub(super) fn comparison_pane(&self) -> Html {
        let (model, refs) = (&self.model, &self.painter.refs.compared);
        let Some(run) = model.compared.as_ref().filter(|_| model.comparison() != Some(ComparisonLayout::Tabs)) else {
            return html! {};
        };
        let (name, scene) = (self.branch_name(model.branches.compared), model.compared_scene());
        let card = |node: usize| {
            let placed = scene.nodes[node].clone();
            let (key, view) = (placed.id.to_string(), card_view(model, run, node));
            html! {
                <Card {key} {view} active_faults={AttrValue::from(run.faults_of(node))}
                    selected=false proof=false aimed=false tab=false renaming=false editable=false differs={self.differs(node)} {placed} send={Callback::noop()} />
            }
        };
        html! {
            <section class="canvas compared" aria-label={text!("Comparison with: {}", name)}>
                <svg class="links" aria-hidden="true"><g ref={refs.links.clone()}>
                    { outlines(scene) }
                    <Links scene={scene.clone()} cut={run.cut.clone()} active_faults={run.active_faults.clone()} selection={model.selection.items.clone()} cutting=false />
                </g></svg>
                <div class="world" ref={refs.world.clone()}>{ for (0..scene.nodes.len()).map(card) }</div>
                <canvas class="messages" ref={refs.messages.clone()} aria-hidden="true"></canvas>
                <div class="pane-name"><b>{ name }</b>{ self.difference() }{ self.stop_comparing() }</div>
            </section>
        }
    }
}
