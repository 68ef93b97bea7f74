//! Edits of the drawing on the canvas: add, delete, rename, move, connect, paste and lay out cards.

use super::gestures::GRID;
use super::{CanvasItem, Effect, Model};
use crate::app::geometry::{Point, Rect, point};
use crate::app::scene::NodeKind;
use crate::app::{drawing, edit};
use crate::scenario::Scenario;
use std::collections::BTreeSet;
use std::rc::Rc;

impl Model {
    /// Adds a card with its middle at a point of the canvas (px), or at the middle of the canvas, and selects it.
    pub(super) fn add(&mut self, kind: NodeKind, at: Option<Point>, effects: &mut Vec<Effect>) {
        if !self.may_edit() {
            return;
        }
        let middle = self.viewport.camera.to_world(at.unwrap_or_else(|| self.viewport.middle()));
        let mut rect = Rect { x: middle.x - 112.0, y: middle.y - 50.0, w: 224.0, h: 110.0 };
        while self.scene.nodes.iter().any(|node| node.rect.grown(9.0).overlaps(&rect)) {
            rect.y += 3.0 * GRID;
        }
        let to_grid = |x: f64| ((x / GRID).round() * GRID) as i32;
        let scenario = &self.document.scenario;
        let is_service = |id: &String| drawing::kind(scenario, id) == Some(NodeKind::Service);
        let target = self.selected_nodes().into_iter().find(is_service);
        match drawing::added(scenario, kind, [to_grid(rect.x), to_grid(rect.y)], target.as_deref()) {
            Ok((scenario, id)) => {
                self.edit(scenario, effects);
                self.select([CanvasItem::Node(id.clone())].into());
                effects.push(Effect::Focus(id));
            }
            Err(why) => self.notify(why),
        }
    }

    /// Deletes the selected items, or the focused card if nothing is selected.
    pub(super) fn delete(&mut self, effects: &mut Vec<Effect>) {
        let mut items = BTreeSet::clone(&self.selection.items);
        if items.is_empty() {
            items.extend(self.focused_node().map(CanvasItem::Node));
        }
        if items.is_empty() || !self.may_edit() {
            return;
        }
        match drawing::removed(&self.document.scenario, items.iter()) {
            Ok(scenario) => {
                self.edit(scenario, effects);
                effects.push(Effect::FocusCanvas);
            }
            Err(why) => self.notify(why),
        }
    }

    /// Deletes an item of the outline; the focus moves to the next row.
    pub(super) fn delete_row(&mut self, item: CanvasItem, effects: &mut Vec<Effect>) {
        let next = self.next_row(&item);
        self.select([item].into());
        let before = self.document.scenario.clone();
        self.delete(effects);
        if let Some(next) = next.filter(|_| !Rc::ptr_eq(&before, &self.document.scenario)) {
            effects.push(Effect::Focus(next));
        }
    }

    /// Returns the row below an item's row, or the one above the last row.
    fn next_row(&self, item: &CanvasItem) -> Option<String> {
        let CanvasItem::Node(id) = item else { return None };
        let nodes = &self.scene.nodes;
        let index = self.scene.find(id)?;
        let next = nodes.get(index + 1).or_else(|| nodes.get(index.checked_sub(1)?))?;
        Some(next.id.to_string())
    }

    pub(super) fn rename(&mut self, id: &str, name: &str, effects: &mut Vec<Effect>) {
        self.try_edit(drawing::renamed(&self.document.scenario, id, name), effects);
    }

    /// Moves cards by a distance in canvas units.
    pub(super) fn move_cards(&mut self, ids: &[String], by: (f64, f64), effects: &mut Vec<Effect>) {
        let mut scenario = Scenario::clone(&self.document.scenario);
        for id in ids {
            let Some(node) = self.scene.find(id) else { continue };
            let rect = self.scene.nodes[node].rect;
            // During a drag the scene already contains the move, so the document's position counts.
            let start = self.document_position(id).unwrap_or(point(rect.x, rect.y));
            let to = [(start.x + by.0).round() as i32, (start.y + by.1).round() as i32];
            drawing::place(&mut scenario, id, to);
        }
        self.edit(scenario, effects);
    }

    fn document_position(&self, id: &str) -> Option<Point> {
        let scenario = &self.document.scenario;
        let services = scenario.services.iter().map(|node| (&node.id, node.position));
        let buses = scenario.buses.iter().map(|node| (&node.id, node.position));
        let clients = scenario.clients.iter().map(|node| (&node.id, node.position));
        let position = services.chain(buses).chain(clients).find(|(other, _)| *other == id)?.1?;
        Some(point(f64::from(position[0]), f64::from(position[1])))
    }

    /// Connects two cards in the way that fits their kinds.
    pub(super) fn connect(&mut self, from: &str, to: &str, effects: &mut Vec<Effect>) {
        match drawing::connected(&self.document.scenario, from, to) {
            Ok(scenario) => {
                self.edit(scenario, effects);
                let name = |id: &str| self.scene.find(id).map_or_else(|| id.into(), |node| self.name_of(node));
                let text = format!("{} and {} are connected", name(from), name(to));
                self.notices.announcer.announce(text);
            }
            Err(why) => self.notify(why),
        }
    }

    /// Pastes the copied cards at a distance from their originals and selects the copies.
    pub(super) fn paste(&mut self, by: [i32; 2], effects: &mut Vec<Effect>) {
        let Some(clipboard) = self.selection.clipboard.clone() else { return };
        if !self.may_edit() {
            return;
        }
        match edit::copy_into(&self.document.scenario, &clipboard.source, &clipboard.nodes, by) {
            Ok((scenario, new)) => {
                self.edit(scenario, effects);
                self.select(new.into_iter().map(CanvasItem::Node).collect());
            }
            Err(why) => self.notify(why),
        }
    }

    /// Pastes copies of the selected cards, without changing the clipboard.
    pub(super) fn duplicate(&mut self, by: [i32; 2], effects: &mut Vec<Effect>) {
        let clipboard = self.selection.clipboard.take();
        self.copy();
        self.paste(by, effects);
        self.selection.clipboard = clipboard;
    }

    /// Lays out all cards, senders to the left of their receivers.
    pub(super) fn tidy(&mut self, effects: &mut Vec<Effect>) {
        if self.may_edit() {
            self.viewport.fitted = true;
            self.edit(drawing::tidied(&self.document.scenario, &self.row_counts()), effects);
        }
    }
}
