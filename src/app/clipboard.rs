//! What the palette, the keys and the menus do to the drawing: place, delete, duplicate, copy, paste.

use super::edit::{self, Placed};
use super::geometry::{Point, point};
use super::model::{Effect, Item, Model};
use crate::scenario::Scenario;
use std::collections::BTreeSet;
use std::rc::Rc;

/// What was copied: nodes of a drawing as it was then.
#[derive(Clone, Debug)]
pub struct Clipboard {
    source: Rc<Scenario>,
    nodes: BTreeSet<String>,
}

/// Distance of the canvas's grid.
const GRID: f64 = 10.0;

impl Model {
    /// Ids of the selected cards.
    pub fn chosen_nodes(&self) -> BTreeSet<String> {
        let nodes = self.selection.iter().filter_map(|item| match item {
            Item::Node(id) => Some(id.clone()),
            Item::Link { .. } => None,
        });
        nodes.collect()
    }

    /// Places a node with its middle at a point of the canvas, px; where there is none, in the middle of what is seen.
    pub(super) fn place(&mut self, what: Placed, at: Option<Point>, effects: &mut Vec<Effect>) {
        if !self.may_edit() {
            return;
        }
        let seen = self.camera.to_world(at.unwrap_or_else(|| self.middle()));
        let mut corner = point(((seen.x - 106.0) / GRID).round() * GRID, ((seen.y - 50.0) / GRID).round() * GRID);
        // Cards that are placed by clicks do not cover each other.
        let taken = |corner: &Point| {
            self.scene
                .nodes
                .iter()
                .any(|node| (node.rect.x - corner.x).abs() < 30.0 && (node.rect.y - corner.y).abs() < 30.0)
        };
        while taken(&corner) {
            corner = point(corner.x + 4.0 * GRID, corner.y + 4.0 * GRID);
        }
        match edit::add(&self.scenario, what, [corner.x as i32, corner.y as i32]) {
            Ok((scenario, id)) => {
                self.edit(self.pinned(scenario), effects);
                self.select([Item::Node(id.clone())].into());
                effects.push(Effect::Focus(id));
            }
            Err(why) => self.tell(why),
        }
    }

    /// The drawing with the place of every card that was laid out so far, so that a new card does not move the others.
    fn pinned(&self, mut scenario: Scenario) -> Scenario {
        if self.narrow {
            return scenario;
        }
        let place = |id: &str| {
            let node = &self.scene.nodes[self.scene.find(id)?];
            Some([node.rect.x.round() as i32, node.rect.y.round() as i32])
        };
        scenario.services.iter_mut().for_each(|node| node.position = node.position.or_else(|| place(&node.id)));
        scenario.buses.iter_mut().for_each(|node| node.position = node.position.or_else(|| place(&node.id)));
        scenario.clients.iter_mut().for_each(|node| node.position = node.position.or_else(|| place(&node.id)));
        scenario
    }

    /// Deletes what is selected.
    pub(super) fn delete_chosen(&mut self, effects: &mut Vec<Effect>) {
        if self.selection.is_empty() || !self.may_edit() {
            return;
        }
        let links: Vec<(String, String)> = self
            .selection
            .iter()
            .filter_map(|item| match item {
                Item::Link { from, to } => Some((from.clone(), to.clone())),
                Item::Node(_) => None,
            })
            .collect();
        let scenario = edit::delete(&self.scenario, &self.chosen_nodes(), &links);
        self.edit(self.pinned(scenario), effects);
        self.select(BTreeSet::new());
        effects.push(Effect::FocusCanvas);
    }

    /// Copies the selected cards.
    pub(super) fn copy(&mut self) {
        let nodes = self.chosen_nodes();
        if !nodes.is_empty() {
            self.clipboard = Some(Clipboard { source: self.scenario.clone(), nodes });
        }
    }

    /// Puts copies of what was copied beside it, and selects them.
    pub(super) fn paste(&mut self, effects: &mut Vec<Effect>) {
        let Some(clipboard) = self.clipboard.clone() else { return };
        if !self.may_edit() {
            return;
        }
        match edit::copy_into(&self.scenario, &clipboard.source, &clipboard.nodes) {
            Ok((scenario, new)) => {
                self.edit(scenario, effects);
                self.select(new.into_iter().map(Item::Node).collect());
            }
            Err(why) => self.tell(why),
        }
    }

    /// Puts copies of the selected cards beside them; what was copied before stays copied.
    pub(super) fn duplicate(&mut self, effects: &mut Vec<Effect>) {
        let kept = self.clipboard.take();
        self.copy();
        self.paste(effects);
        self.clipboard = kept;
    }
}
