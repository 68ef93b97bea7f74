//! The contents of the cards.

use super::visible_part;
use crate::app::geometry::Rect;
use crate::app::model::Model;
use crate::app::run_view::RunView;
use crate::app::scene::{NodeKind, SHOWN_SUBSCRIPTIONS, Scene};
use crate::app::ui::card::View;
use std::rc::Rc;

/// The views of all cards of a scene.
#[derive(Default)]
pub(super) struct CardViews {
    scene: Rc<Scene>,
    /// The part of the drawing that was visible at the last update.
    pub(super) visible: Rect,
    views: Vec<View>,
}

impl CardViews {
    /// Returns the view of a node.
    pub(super) fn get(&self, node: usize) -> View {
        self.views.get(node).cloned().unwrap_or(View::Unknown)
    }

    /// Updates the views. In a crowd, invisible cards keep their old view.
    pub(super) fn update(&mut self, model: &Model, is_crowded: bool) {
        let visible = visible_part(model);
        let keeps = is_crowded && Rc::ptr_eq(&self.scene, &model.scene);
        let nodes = model.scene.nodes.iter().enumerate();
        let views = nodes.map(|(node, placed)| match self.views.get(node) {
            Some(view) if keeps && !placed.rect.overlaps(&visible) => view.clone(),
            Some(_) | None => card_view(model, &model.run, node),
        });
        *self = CardViews { scene: model.scene.clone(), visible, views: views.collect() };
    }
}

/// Returns what the card of a node shows of a run.
pub(super) fn card_view(model: &Model, run: &RunView, node: usize) -> View {
    let placed = &model.scene.nodes[node];
    match placed.kind {
        NodeKind::Service => run.services.get(node).cloned().map_or(View::Unknown, View::Service),
        NodeKind::Bus => {
            let Some(bus) = run.buses.get(&(node as u32)) else { return View::Unknown };
            let names = bus
                .subscriptions
                .iter()
                .take(SHOWN_SUBSCRIPTIONS)
                .map(|subscription| model.name_of(subscription.service.index()))
                .collect();
            let mut subscriptions = model.document.scenario.services.iter().flat_map(|service| &service.subscribes);
            let has_dead_letters = subscriptions.any(|subscription| {
                *subscription.to == *placed.id && subscription.max_deliveries.is_some() && subscription.dead_letter
            });
            View::Bus(bus.clone(), Rc::new(names), has_dead_letters)
        }
        NodeKind::Group => View::Unknown,
        NodeKind::Client => run.clients.get(&(node as u32)).cloned().map_or(View::Unknown, View::Client),
    }
}
