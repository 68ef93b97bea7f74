//! Edits of the drawing on the canvas: add, delete, rename, move, connect, paste and lay out cards.

use super::gestures::GRID;
use super::{CanvasItem, Clipboard, Effect, Model};
use crate::app::geometry::{Point, Rect, point};
use crate::app::scene::NodeKind;
use crate::app::{drawing, edit, templates};
use crate::scenario::Scenario;
use crate::text;
use std::collections::BTreeSet;
use std::rc::Rc;

/// The size of a card before anything is connected to it, in canvas units.
const NEW_CARD: (f64, f64) = (224.0, 104.0);
/// The size of a new group: three such cards with a row of data each.
const NEW_GROUP: (f64, f64) = (504.0, 304.0);
/// Distance of a template's cards from the others, in canvas units; a template may extend to the left of its origin.
const TEMPLATE_GAP: i32 = 380;
/// How many rings of places around the middle of the canvas are tried for a new card.
const MAX_RING: i32 = 12;
/// How many places are tried for pasted cards.
const MAX_PASTES: i32 = 50;

/// Returns the place of a new card with this middle, on the grid.
pub fn new_card(middle: Point) -> Rect {
    let to_grid = |x: f64| (x / GRID).round() * GRID;
    Rect {
        x: to_grid(middle.x - NEW_CARD.0 / 2.0),
        y: to_grid(middle.y - NEW_CARD.1 / 2.0),
        w: NEW_CARD.0,
        h: NEW_CARD.1,
    }
}

impl Model {
    /// Adds a card with its middle at a point of the canvas (px), or at the middle of the canvas, and selects it.
    pub(super) fn add(&mut self, kind: NodeKind, at: Option<Point>, effects: &mut Vec<Effect>) {
        if !self.may_edit() {
            return;
        }
        let rect = match at {
            // A dropped card stays below the pointer, so the camera stays too.
            Some(at) => {
                self.viewport.fitted = false;
                new_card(self.viewport.camera.to_world(at))
            }
            None => self.free_place(kind),
        };
        let scenario = &self.document.scenario;
        let is_service = |id: &String| drawing::kind(scenario, id) == Some(NodeKind::Service);
        let target = self.selected_nodes().into_iter().find(is_service);
        match drawing::added(scenario, kind, [rect.x as i32, rect.y as i32], target.as_deref()) {
            Ok((scenario, id)) => {
                let change = text!("Added {}", drawing::name(&scenario, &id));
                if !self.edit_and_announce(scenario, change, effects) {
                    return;
                }
                self.select([CanvasItem::Node(id.clone())].into());
                // A group is drawn as the cards of its members.
                let groups = &self.document.scenario.groups;
                let member =
                    groups.iter().find(|group| group.id == id).and_then(|group| group.members.first().cloned());
                effects.push(Effect::Focus(member.unwrap_or(id)));
            }
            Err(why) => self.refuse(why),
        }
    }

    /// Adds the cards of a template to the right of the others, and selects them.
    pub(super) fn add_template(&mut self, id: &str, effects: &mut Vec<Effect>) {
        let Some(template) = templates::find(id).filter(|_| self.may_edit()) else { return };
        let bounds = self.scene.nodes.iter().map(|node| node.rect).reduce(|a, b| a.union(&b));
        let by = bounds.map_or([40, 120], |bounds| [bounds.right() as i32 + TEMPLATE_GAP, bounds.y as i32]);
        match template.add_to(&self.document.scenario, by.map(|part| part / 10 * 10)) {
            Ok((scenario, new)) => {
                if !self.edit_and_announce(scenario, text!("Added {}", template.label.get()), effects) {
                    return;
                }
                effects.extend(new.first().cloned().map(Effect::Focus));
                self.select(new.into_iter().map(CanvasItem::Node).collect());
                self.fit();
            }
            Err(why) => self.refuse(why),
        }
    }

    /// Returns a free place for a new card, as near as possible to the middle of the canvas.
    fn free_place(&self, kind: NodeKind) -> Rect {
        let (w, h) = if kind == NodeKind::Group { NEW_GROUP } else { NEW_CARD };
        let sized = |middle: Point| Rect { w, h, ..new_card(middle) };
        let middle = self.viewport.camera.to_world(self.viewport.middle());
        let is_free = |rect: &Rect| !self.scene.nodes.iter().any(|node| node.rect.grown(2.0 * GRID).overlaps(rect));
        let step = (NEW_CARD.0 + 4.0 * GRID, NEW_CARD.1 + 4.0 * GRID);
        // Rings around the middle, the row of the middle first.
        for ring in 0..=MAX_RING {
            let (rows, columns) = (-ring..=ring, -ring..=ring);
            let cells = rows.flat_map(|row| columns.clone().map(move |column| (column, row)));
            let in_ring = cells.filter(|(column, row): &(i32, i32)| column.abs().max(row.abs()) == ring);
            let places = in_ring.map(|(column, row)| {
                sized(point(middle.x + f64::from(column) * step.0, middle.y + f64::from(row) * step.1))
            });
            let cost = |rect: &Rect| middle.distance(rect.center()) + (rect.center().y - middle.y).abs() * 0.1;
            if let Some(place) = places.filter(is_free).min_by(|a, b| cost(a).total_cmp(&cost(b))) {
                return place;
            }
        }
        new_card(middle)
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
                let change = text!("Deleted {}", self.describe_items(&items));
                if self.edit_and_announce(scenario, change, effects) {
                    effects.push(Effect::FocusCanvas);
                }
            }
            Err(why) => self.refuse(why),
        }
    }

    /// Replaces the drawing and announces the change.
    /// Returns whether the drawing is the changed one.
    pub(super) fn edit_and_announce(&mut self, scenario: Scenario, change: String, effects: &mut Vec<Effect>) -> bool {
        let is_edited = self.edit(scenario, &change, effects);
        if is_edited {
            self.notices.announcer.announce(change);
        }
        is_edited
    }

    /// Describes items: `Inventory`, `2 items`.
    pub(super) fn describe_items(&self, items: &BTreeSet<CanvasItem>) -> String {
        let name = |id: &str| self.scene.find(id).map_or_else(|| id.into(), |node| self.name_of(node));
        match items.first() {
            Some(CanvasItem::Node(id)) if items.len() == 1 => name(id).to_string(),
            Some(CanvasItem::Link { from, to }) if items.len() == 1 => {
                text!("the link from {} to {}", name(from), name(to))
            }
            Some(_) | None => text!("{} items", items.len()),
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
        self.try_edit(drawing::renamed(&self.document.scenario, id, name), text!("Renamed a card"), effects);
    }

    /// Moves cards by a distance in canvas units, as one step of undo.
    pub(super) fn move_cards(&mut self, ids: &[String], by: (f64, f64), effects: &mut Vec<Effect>) {
        self.edit(self.with_moved_cards(ids, by), text!("Moved cards"), effects);
    }

    /// Returns the drawing with cards moved by a distance in canvas units.
    pub(super) fn with_moved_cards(&self, ids: &[String], by: (f64, f64)) -> Scenario {
        let mut scenario = Scenario::clone(&self.document.scenario);
        for id in ids {
            let Some(node) = self.scene.find(id) else { continue };
            let rect = self.scene.nodes[node].rect;
            // During a drag the scene already contains the move, so the document's position counts.
            let start = self.document_position(id).unwrap_or(point(rect.x, rect.y));
            let to = [(start.x + by.0).round() as i32, (start.y + by.1).round() as i32];
            drawing::place(&mut scenario, id, to);
        }
        scenario
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
                let name = |id: &str| self.scene.find(id).map_or_else(|| id.into(), |node| self.name_of(node));
                let change = text!("Connected {} and {}", name(from), name(to));
                self.edit_and_announce(scenario, change, effects);
            }
            Err(why) => self.refuse(why),
        }
    }

    /// Pastes the copied cards at a distance from their originals and selects the copies.
    pub(super) fn paste(&mut self, by: [i32; 2], effects: &mut Vec<Effect>) {
        let Some(clipboard) = self.selection.clipboard.clone() else { return };
        let change = |count: usize| match count {
            1 => text!("Pasted 1 card").into(),
            count => text!("Pasted {} cards", count),
        };
        self.add_copies(&clipboard, by, change, effects);
    }

    /// Adds copies of cards at a distance from their originals and selects them. `describe` describes that number of copies.
    fn add_copies(
        &mut self,
        clipboard: &Clipboard,
        by: [i32; 2],
        describe: impl Fn(usize) -> String,
        effects: &mut Vec<Effect>,
    ) {
        if !self.may_edit() {
            return;
        }
        let source = &clipboard.source;
        let taken: BTreeSet<_> = drawing::positions(&self.document.scenario).map(|(_, at)| at).collect();
        let copied = || drawing::positions(source).filter(|(id, _)| clipboard.nodes.contains(*id));
        // A second paste is not exactly on the first.
        let is_taken = |n: i32| copied().any(|(_, [x, y])| taken.contains(&[x + by[0] * n, y + by[1] * n]));
        let times = (1..=MAX_PASTES).find(|n| !is_taken(*n)).unwrap_or(1);
        match edit::copy_into(&self.document.scenario, source, &clipboard.nodes, by.map(|part| part * times)) {
            Ok((scenario, new)) => {
                if !self.edit_and_announce(scenario, describe(new.len()), effects) {
                    return;
                }
                effects.extend(new.first().cloned().map(Effect::Focus));
                self.select(new.iter().cloned().map(CanvasItem::Node).collect());
                self.reveal_cards(&new);
            }
            Err(why) => self.refuse(why),
        }
    }

    /// Adds copies of the selected cards, without changing the clipboard.
    pub(super) fn duplicate(&mut self, by: [i32; 2], effects: &mut Vec<Effect>) {
        let nodes: BTreeSet<String> = self.selected_nodes().into_iter().collect();
        if nodes.is_empty() {
            return;
        }
        let change =
            text!("Duplicated {}", self.describe_items(&nodes.iter().cloned().map(CanvasItem::Node).collect()));
        let copied = Clipboard { source: self.document.scenario.clone(), nodes };
        self.add_copies(&copied, by, |_| change.clone(), effects);
    }

    /// Lays out all cards, senders to the left of their receivers.
    pub(super) fn tidy(&mut self, effects: &mut Vec<Effect>) {
        if self.may_edit() {
            (self.viewport.fitted, self.viewport.fitted_of) = (true, 0);
            let scenario = drawing::tidied(&self.document.scenario, &self.row_counts());
            self.edit_and_announce(scenario, text!("Tidied the layout").into(), effects);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::model::test_page::TestPage;
    use crate::app::model::{DocumentMsg, Msg, SelectionMsg};

    #[test]
    fn cards_that_are_added_one_after_another_cover_no_other_card() {
        use NodeKind::{Bus, Client, Group, Service};
        for order in [[Service, Bus, Group, Client], [Group, Group, Bus, Client], [Bus, Group, Service, Client]] {
            let mut page = TestPage::new();
            page.update(Msg::Document(DocumentMsg::OpenEmpty));
            page.update(Msg::Document(DocumentMsg::Add { kind: Service, at: None }));
            for kind in order {
                page.update(Msg::Document(DocumentMsg::Add { kind, at: None }));
            }
            let nodes = &page.model.scene.nodes;
            for (index, node) in nodes.iter().enumerate() {
                let covers = |other: &&crate::app::scene::SceneNode| other.rect.overlaps(&node.rect);
                assert_eq!(nodes[..index].iter().find(covers).map(|other| &other.id), None, "{order:?}: {}", node.id);
            }
        }
    }

    #[test]
    fn copying_and_duplicating_are_announced_by_name() {
        let mut page = TestPage::new();
        page.update(Msg::Selection(SelectionMsg::Select(Some(CanvasItem::Node("inventory".into())))));
        page.update(Msg::Selection(SelectionMsg::Copy));
        assert_eq!(page.model.notices.announcer.due(0.0).as_deref(), Some("Copied Inventory"));
        page.update(Msg::Document(DocumentMsg::Duplicate));
        assert_eq!(page.model.notices.announcer.due(9000.0).as_deref(), Some("Duplicated Inventory"));
        assert_eq!(page.model.document.history.undoable(), Some("Duplicated Inventory"));
    }

    #[test]
    fn the_focus_goes_to_a_card_of_a_new_group() {
        let mut page = TestPage::new();
        page.update(Msg::Document(DocumentMsg::Add { kind: NodeKind::Group, at: None }));
        let member = page.model.document.scenario.groups[0].members[0].clone();
        assert!(page.effects.contains(&Effect::Focus(member)));
    }
}
