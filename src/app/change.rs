//! Changes of the drawing: every gesture, key, control and row of the outline ends in one [`Change`].

use super::geometry::{Point, Rect, point};
use super::gesture::GRID;
use super::model::{CanvasItem, Effect, KEPT_WORK, Mode, Model, Opening, Origin, Redraw};
use super::scene::NodeKind;
use super::{drawing, edit, script};
use crate::scenario::{Command, Scenario};
use crate::session::protocol::{Request, ScenarioJson};
use std::collections::BTreeSet;
use std::rc::Rc;

/// A change of the drawing; one step of undo at most.
#[derive(Clone, Debug)]
pub enum Change {
    /// An empty drawing, with nothing to undo.
    Empty,
    /// To another drawing.
    To(Box<Scenario>),
    /// None: the drawing as it is becomes what is kept.
    Keep,
    /// Back before the last change.
    Undo,
    /// Forth again.
    Redo,
    /// The run goes on for 5 s beyond its end; something may be done there.
    Extend(Option<Command>),
    /// A card more, with its middle at a point of the canvas (px), or in the middle of what is seen.
    Add(NodeKind, Option<Point>),
    /// Without what is selected, else without the card with the focus.
    Delete,
    /// Without that; the focus goes to the row below.
    DeleteRow(CanvasItem),
    /// A card with another name.
    Rename {
        /// The card.
        id: String,
        /// Its name.
        name: String,
    },
    /// Cards moved.
    Shift {
        /// Which.
        ids: Vec<String>,
        /// How far, in the canvas's units.
        by: (f64, f64),
    },
    /// Two cards connected.
    Connect {
        /// The source.
        from: String,
        /// The target.
        to: String,
    },
    /// Copies of what was copied.
    Paste,
    /// Copies of what is selected, so far aside.
    Duplicate([i32; 2]),
    /// All cards laid out anew.
    Tidy,
    /// A step of the script more, at the instant where the run stands.
    Script(Command),
}

impl Model {
    /// Executes a change.
    pub(super) fn change(&mut self, change: Change, effects: &mut Vec<Effect>) {
        match change {
            Change::Empty => self.open(Opening::own(Scenario::default())),
            Change::To(scenario) => self.edit(*scenario, effects),
            Change::Keep => self.keep(effects),
            Change::Undo => self.undo(effects),
            Change::Redo => self.redo(effects),
            Change::Extend(then) => self.extend(then, effects),
            Change::Add(kind, at) => self.add(kind, at, effects),
            Change::Delete => self.delete(effects),
            Change::DeleteRow(item) => self.delete_row(item, effects),
            Change::Rename { id, name } => {
                self.try_edit(drawing::renamed(&self.scenario, &id, &name), effects);
            }
            Change::Shift { ids, by } => self.shift(&ids, by, effects),
            Change::Connect { from, to } => self.connect(&from, &to, effects),
            Change::Paste => self.paste_aside([40, 40], effects),
            Change::Duplicate(by) => self.duplicate(by, effects),
            Change::Tidy => self.tidy(effects),
            Change::Script(command) => {
                self.try_edit(script::added(&self.scenario, self.run.now, command), effects);
            }
        }
    }

    /// A changed drawing, or why it makes no sense.
    fn try_edit(&mut self, changed: Result<Scenario, String>, effects: &mut Vec<Effect>) {
        match changed {
            Ok(scenario) => self.edit(scenario, effects),
            Err(why) => self.tell(why),
        }
    }

    /// A changed drawing: one step of undo. The run is made again up to the same instant.
    fn edit(&mut self, scenario: Scenario, effects: &mut Vec<Effect>) {
        if scenario == *self.scenario {
            return;
        }
        self.past.push(std::mem::replace(&mut self.scenario, Rc::new(scenario)));
        self.future.clear();
        self.changed(effects);
    }

    fn undo(&mut self, effects: &mut Vec<Effect>) {
        if let Some(before) = self.past.pop() {
            self.future.push(std::mem::replace(&mut self.scenario, before));
            self.changed(effects);
        }
    }

    fn redo(&mut self, effects: &mut Vec<Effect>) {
        if let Some(after) = self.future.pop() {
            self.past.push(std::mem::replace(&mut self.scenario, after));
            self.changed(effects);
        }
    }

    fn changed(&mut self, effects: &mut Vec<Effect>) {
        self.playback.order(Request::Edit { scenario: ScenarioJson::from(&*self.scenario) });
        // What was asked before the edit will not be answered.
        self.measurement.follow(&self.scenario);
        if let Some(request) = self.measurement.next() {
            self.playback.order(request);
        }
        self.stage();
        let scene = self.scene.clone();
        let there = |item: &CanvasItem| match item {
            CanvasItem::Node(id) => {
                scene.find(id).is_some() || scene.areas.iter().any(|area| !area.region && area.id == *id)
            }
            CanvasItem::Link { from, to } => {
                scene.links.iter().any(|link| *scene.nodes[link.from].id == **from && *scene.nodes[link.to].id == **to)
            }
        };
        if !self.selection.iter().all(there) {
            self.select(self.selection.iter().filter(|item| there(item)).cloned().collect());
        }
        if self.origin == Origin::Own && self.mode == Mode::App {
            self.keep(effects);
        }
        self.redraw = Redraw { page: true, paint: true };
    }

    /// Keeps the drawing as the visitor's work. The drawing that was it before, if that is another, is not lost.
    fn keep(&mut self, effects: &mut Vec<Effect>) {
        if !std::mem::replace(&mut self.kept, true) {
            effects.push(Effect::SetAside);
        }
        effects.push(Effect::Keep(KEPT_WORK, self.scenario.to_json()));
    }

    fn extend(&mut self, then: Option<Command>, effects: &mut Vec<Effect>) {
        let mut scenario = Scenario::clone(&self.scenario);
        scenario.until_ms += 5000.0;
        self.edit(scenario, effects);
        // The answer says so too; until then the clock may go on.
        self.playback.lengthen(5_000_000);
        if let Some(command) = then {
            self.playback.order(Request::Act { command });
        }
        self.playback.play(true);
        self.redraw.page = true;
    }

    /// Deletes what is selected, else the card with the focus.
    fn delete(&mut self, effects: &mut Vec<Effect>) {
        let mut items = BTreeSet::clone(&self.selection);
        if items.is_empty() {
            items.extend(self.focused().map(CanvasItem::Node));
        }
        if items.is_empty() || !self.may_edit() {
            return;
        }
        match drawing::removed(&self.scenario, items.iter()) {
            Ok(scenario) => {
                self.edit(scenario, effects);
                effects.push(Effect::FocusCanvas);
            }
            Err(why) => self.tell(why),
        }
    }

    /// Adds a card with its middle at a point of the canvas, or in the middle of what is seen, and selects it.
    fn add(&mut self, kind: NodeKind, at: Option<Point>, effects: &mut Vec<Effect>) {
        if !self.may_edit() {
            return;
        }
        let middle = self.camera.to_world(at.unwrap_or_else(|| self.middle()));
        let mut at = Rect { x: middle.x - 112.0, y: middle.y - 50.0, w: 224.0, h: 110.0 };
        while self.scene.nodes.iter().any(|node| node.rect.grown(9.0).overlaps(&at)) {
            at.y += 3.0 * GRID;
        }
        let to_grid = |x: f64| ((x / GRID).round() * GRID) as i32;
        let asks =
            self.selected_nodes().into_iter().find(|id| drawing::kind(&self.scenario, id) == Some(NodeKind::Service));
        match drawing::added(&self.scenario, kind, [to_grid(at.x), to_grid(at.y)], asks.as_deref()) {
            Ok((scenario, id)) => {
                self.edit(scenario, effects);
                self.select([CanvasItem::Node(id.clone())].into());
                effects.push(Effect::Focus(id));
            }
            Err(why) => self.tell(why),
        }
    }

    fn delete_row(&mut self, item: CanvasItem, effects: &mut Vec<Effect>) {
        let next = self.row_after(&item);
        self.select([item].into());
        let before = self.scenario.clone();
        self.delete(effects);
        if let Some(next) = next.filter(|_| !Rc::ptr_eq(&before, &self.scenario)) {
            effects.push(Effect::Focus(next));
        }
    }

    /// Where the focus goes when a row is gone: to the one below it, else above.
    fn row_after(&self, item: &CanvasItem) -> Option<String> {
        let CanvasItem::Node(id) = item else { return None };
        let nodes = &self.scene.nodes;
        let place = self.scene.find(id)?;
        let next = nodes.get(place + 1).or_else(|| nodes.get(place.checked_sub(1)?))?;
        Some(next.id.to_string())
    }

    /// Moves cards for good: one step of undo.
    fn shift(&mut self, ids: &[String], by: (f64, f64), effects: &mut Vec<Effect>) {
        let mut scenario = Scenario::clone(&self.scenario);
        for id in ids {
            let Some(node) = self.scene.find(id) else { continue };
            let rect = self.scene.nodes[node].rect;
            // The scene may show the gesture already; what the document says is what moves.
            let start = self.document_position(id).unwrap_or(point(rect.x, rect.y));
            let to = [(start.x + by.0).round() as i32, (start.y + by.1).round() as i32];
            drawing::placed(&mut scenario, id, to);
        }
        self.edit(scenario, effects);
    }

    fn document_position(&self, id: &str) -> Option<Point> {
        let s = &self.scenario;
        let services = s.services.iter().map(|n| (&n.id, n.position));
        let buses = s.buses.iter().map(|n| (&n.id, n.position));
        let clients = s.clients.iter().map(|n| (&n.id, n.position));
        let position = services.chain(buses).chain(clients).find(|(other, _)| *other == id)?.1?;
        Some(point(f64::from(position[0]), f64::from(position[1])))
    }

    /// Connects two cards in the way that makes sense for them.
    fn connect(&mut self, from: &str, to: &str, effects: &mut Vec<Effect>) {
        match drawing::connected(&self.scenario, from, to) {
            Ok(scenario) => {
                self.edit(scenario, effects);
                let name = |id: &str| self.scene.find(id).map_or_else(|| id.into(), |node| self.name_of(node));
                let said = format!("{} and {} are connected", name(from), name(to));
                self.announcer.say(said);
            }
            Err(why) => self.tell(why),
        }
    }

    fn paste_aside(&mut self, by: [i32; 2], effects: &mut Vec<Effect>) {
        let Some(clipboard) = self.clipboard.clone() else { return };
        if !self.may_edit() {
            return;
        }
        match edit::copy_into(&self.scenario, &clipboard.source, &clipboard.nodes, by) {
            Ok((scenario, new)) => {
                self.edit(scenario, effects);
                self.select(new.into_iter().map(CanvasItem::Node).collect());
            }
            Err(why) => self.tell(why),
        }
    }

    /// Puts copies of the selected cards so far from them; what was copied before stays copied.
    fn duplicate(&mut self, by: [i32; 2], effects: &mut Vec<Effect>) {
        let kept = self.clipboard.take();
        self.copy();
        self.paste_aside(by, effects);
        self.clipboard = kept;
    }

    /// Lays all cards out anew, senders left of their receivers: one step of undo.
    fn tidy(&mut self, effects: &mut Vec<Effect>) {
        if self.may_edit() {
            self.fitted = true;
            self.edit(drawing::tidied(&self.scenario, &self.rows()), effects);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::model::{Msg, update};

    #[test]
    fn extending_a_run_goes_on_playing_it() {
        let mut model = Model::default();
        update(&mut model, Msg::OpenFirst);
        let until = model.scenario.until_ms;
        update(&mut model, Msg::Extend);
        assert_eq!(model.scenario.until_ms, until + 5000.0);
        assert!(model.playback.playing());
    }
}
