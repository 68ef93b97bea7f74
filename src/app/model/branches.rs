//! The drawings of branches: a branch may differ from the document in its settings, and so in its links.

use super::Model;
use crate::app::scene::Scene;
use crate::scenario::Scenario;
use std::rc::Rc;

/// The scenarios of the current branch and of the compared one, with their settings.
#[derive(Clone, Debug, Default)]
pub struct BranchDrawings {
    /// The scenario of the current branch; absent if it has no settings.
    current: Option<Rc<Scenario>>,
    /// The scenario of the compared branch.
    compared: Option<Rc<Scenario>>,
    /// The layout of the compared branch.
    compared_scene: Option<Rc<Scene>>,
}

impl BranchDrawings {
    /// Returns whether a branch has settings.
    pub(super) fn is_needed(&self) -> bool {
        self.current.is_some() || self.compared.is_some()
    }
}

impl Model {
    /// Computes the drawings of the branches again, because the document or the branches have changed.
    pub(super) fn draw_branches(&mut self) {
        let scenario = &self.document.scenario;
        let branch = |index: u32| -> Option<Rc<Scenario>> {
            let index = index as usize;
            let has_settings = scenario.branches.get(index).is_some_and(|branch| !branch.set.is_empty());
            if has_settings { scenario.at_branch(index).ok().map(Rc::new) } else { None }
        };
        let base = || Some(scenario.clone());
        let current = branch(self.branches.current);
        let compared = self.branches.compared.and_then(|index| branch(index).or_else(base));
        self.drawn = BranchDrawings { current, compared, compared_scene: None };
        self.update_scene();
        self.redraw.page = true;
    }

    /// Returns the scenario that the canvas shows: that of the current branch, with the positions of the document.
    pub(super) fn drawn_scenario(&self) -> Rc<Scenario> {
        match &self.drawn.current {
            Some(branch) => placed(branch, &self.document.scenario),
            None => self.document.scenario.clone(),
        }
    }

    /// Computes the places of the compared branch's cards and links.
    pub(super) fn update_compared_scene(&mut self) {
        let compared = self.drawn.compared.as_ref().map(|branch| placed(branch, &self.document.scenario));
        self.drawn.compared_scene = compared.map(|scenario| Rc::new(self.scene_of(&scenario)));
    }

    /// Returns the layout of the compared branch.
    pub fn compared_scene(&self) -> &Rc<Scene> {
        self.drawn.compared_scene.as_ref().unwrap_or(&self.scene)
    }
}

/// Returns a branch's scenario with the positions of the document.
fn placed(branch: &Scenario, document: &Scenario) -> Rc<Scenario> {
    let mut placed = branch.clone();
    for (node, original) in placed.services.iter_mut().zip(&document.services) {
        node.position = original.position;
    }
    for (node, original) in placed.buses.iter_mut().zip(&document.buses) {
        node.position = original.position;
    }
    for (node, original) in placed.clients.iter_mut().zip(&document.clients) {
        node.position = original.position;
    }
    Rc::new(placed)
}
