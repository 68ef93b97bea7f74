//! Gestures on the canvas: pan, zoom, select, move, connect, cut. Each gesture ends in at most one change of the drawing,
//! or in one live command for each link that it crosses.

use super::pointer::Clicked;
use super::{CanvasItem, Effect, Model};
use crate::app::geometry::{Point, Rect, point};
use crate::app::gesture::{Gesture, Press, Target, Tool};
use crate::app::guides;
use crate::app::scene::{SceneLink, SceneNode};
use crate::scenario::Command;
use crate::text;
use std::collections::BTreeSet;
use std::rc::Rc;

/// The grid of the canvas, in canvas units.
pub(super) const GRID: f64 = 10.0;
/// How near to a card a link must end to connect to it, px.
const CARD_CATCH: f64 = 20.0;
/// How near to a link a click must be to hit it, px.
const LINK_CATCH: f64 = 8.0;
/// How far a pressed mouse or finger must move to begin a drag, px.
const DRAG_THRESHOLD: (f64, f64) = (4.0, 10.0);

impl Model {
    /// Starts a gesture.
    pub(super) fn press(&mut self, mut press: Press, effects: &mut Vec<Effect>) {
        self.panels.menu = None;
        self.pointer.pressed_at = None;
        if let Some(used) = &mut self.pointer.space {
            (*used, press.pan) = (true, true);
        }
        let second = match &self.pointer.gesture {
            Gesture::Pressed(first) if first.touch && first.id != press.id => Some((first.id, first.at)),
            Gesture::Pan { id, last } if press.touch && *id != press.id => Some((*id, *last)),
            Gesture::None
            | Gesture::Pressed(_)
            | Gesture::Pan { .. }
            | Gesture::Pinch { .. }
            | Gesture::Move { .. }
            | Gesture::Box { .. }
            | Gesture::Connect { .. }
            | Gesture::Cut { .. } => None,
        };
        self.pointer.gesture = match second {
            Some(first) if press.touch => Gesture::Pinch { fingers: [first, (press.id, press.at)] },
            Some(_) | None => Gesture::Pressed(press),
        };
        if let Gesture::Pressed(press) = &self.pointer.gesture {
            match &press.target {
                Target::Empty => effects.push(Effect::FocusCanvas),
                // A browser gives the focus to what a mouse presses, but not to what a finger drags.
                Target::Node(id) | Target::Handle(id) if press.touch => effects.push(Effect::Focus(id.clone())),
                Target::Node(_) | Target::Handle(_) => {}
            }
        }
    }

    /// Continues a gesture.
    pub(super) fn move_pointer(&mut self, id: i32, at: Point, control: bool) {
        self.pointer.hover = Some(at);
        self.redraw.paint = true;
        let world = self.viewport.camera.to_world(at);
        match self.pointer.gesture.clone() {
            Gesture::None => self.follow_hover(world),
            Gesture::Pressed(press) => {
                let threshold = if press.touch { DRAG_THRESHOLD.1 } else { DRAG_THRESHOLD.0 };
                if press.id == id && press.at.distance(at) >= threshold {
                    self.begin(&press, world);
                    if !matches!(self.pointer.gesture, Gesture::Pressed(_)) {
                        self.move_pointer(id, at, control);
                    }
                }
            }
            Gesture::Pan { id: panning, last } if panning == id => {
                self.set_camera(self.viewport.camera.panned(at.x - last.x, at.y - last.y));
                self.pointer.gesture = Gesture::Pan { id, last: at };
            }
            Gesture::Pan { .. } => {}
            Gesture::Pinch { mut fingers } => self.pinch(&mut fingers, id, at),
            Gesture::Move { ids, lead, from, copies, .. } => {
                let by = self.snapped(&lead, (world.x - from.x, world.y - from.y), !control);
                let moved = Gesture::Move { ids, lead, from, by, copies };
                if self.pointer.gesture != moved {
                    self.pointer.gesture = moved;
                    self.redraw.page |= copies;
                    self.update_scene();
                }
            }
            Gesture::Box { from, before, .. } => {
                let area = Rect::between(from, world);
                let inside = self.scene.touched(&area).map(|i| CanvasItem::Node(self.scene.nodes[i].id.to_string()));
                let items = inside.chain(before.iter().cloned()).collect();
                self.select_quietly(items);
                self.pointer.gesture = Gesture::Box { from, to: world, before };
                self.redraw.page = true;
            }
            Gesture::Connect { from, .. } => {
                let over = self.card_near(world, CARD_CATCH / self.viewport.camera.scale).filter(|id| *id != from);
                self.pointer.gesture = Gesture::Connect { from, to: world, over };
                self.redraw.page = true;
            }
            Gesture::Cut { from, .. } => {
                self.pointer.gesture = Gesture::Cut { from, to: world };
                self.redraw.page = true;
            }
        }
    }

    /// Turns a press into the drag that its target and the tool call for.
    fn begin(&mut self, press: &Press, world: Point) {
        let from = self.viewport.camera.to_world(press.at);
        self.pointer.gesture = match (&press.target, &self.pointer.tool) {
            _ if press.pan => Gesture::Pan { id: press.id, last: press.at },
            (_, Tool::Cut) => Gesture::Cut { from, to: world },
            (Target::Handle(id), _) | (Target::Node(id), Tool::Connect { .. }) => {
                if !self.may_edit() {
                    self.pointer.gesture = Gesture::None;
                    return;
                }
                Gesture::Connect { from: id.clone(), to: world, over: None }
            }
            (Target::Empty, _) if press.shift => {
                Gesture::Box { from, to: world, before: BTreeSet::clone(&self.selection.items) }
            }
            (Target::Node(id), Tool::Select) if !self.viewport.narrow && self.mode.edits() => {
                if !self.may_edit() {
                    self.pointer.gesture = Gesture::None;
                    return;
                }
                if !self.selection.items.contains(&CanvasItem::Node(id.clone())) {
                    self.select_quietly([CanvasItem::Node(id.clone())].into());
                }
                let (ids, lead) = (self.with_whole_groups(self.selected_nodes()), id.clone());
                Gesture::Move { ids, lead, from, by: (0.0, 0.0), copies: press.alt }
            }
            (Target::Empty | Target::Node(_), _) => Gesture::Pan { id: press.id, last: press.at },
        };
    }

    /// Ends a gesture.
    pub(super) fn release(&mut self, id: i32, at: Point, effects: &mut Vec<Effect>) {
        let world = self.viewport.camera.to_world(at);
        match std::mem::take(&mut self.pointer.gesture) {
            Gesture::Pressed(press) if press.id == id => self.click(&press, world, effects),
            Gesture::Pinch { fingers } => {
                // The remaining finger pans.
                if let Some((id, last)) = fingers.into_iter().find(|(other, _)| *other != id) {
                    self.pointer.gesture = Gesture::Pan { id, last };
                }
            }
            Gesture::Move { by, copies: true, .. } if by != (0.0, 0.0) => {
                self.duplicate([by.0 as i32, by.1 as i32], effects)
            }
            Gesture::Move { ids, by, .. } => {
                if by == (0.0, 0.0) {
                    self.update_scene();
                } else {
                    self.viewport.fitted = false;
                    self.move_cards(&ids, by, effects);
                }
            }
            Gesture::Connect { from, over, .. } => {
                if let Some(to) = over {
                    self.connect(&from, &to, effects);
                }
            }
            Gesture::Cut { from, .. } => self.cut_across(from, world),
            Gesture::Box { .. } => self.selection.is_quiet = false,
            Gesture::None | Gesture::Pressed(_) | Gesture::Pan { .. } => {}
        }
        self.redraw.page = true;
        self.redraw.paint = true;
    }

    pub(super) fn cancel_gesture(&mut self) {
        let moving = matches!(self.pointer.gesture, Gesture::Move { .. });
        self.pointer.gesture = Gesture::None;
        if moving {
            self.update_scene();
        }
        self.redraw.page = true;
    }

    fn click(&mut self, press: &Press, world: Point, effects: &mut Vec<Effect>) {
        let add = press.shift || press.control;
        let hit = match &press.target {
            Target::Node(id) | Target::Handle(id) => Some(Clicked::Card(id.clone(), press.key.clone())),
            Target::Empty => self.link_at(press.at).map(Clicked::Link),
        };
        self.pointer.clicked = [self.pointer.clicked[1].take(), hit];
        match (&press.target, self.pointer.tool.clone()) {
            (Target::Node(id) | Target::Handle(id), Tool::Connect { .. }) => self.choose_end(id.clone(), effects),
            (Target::Empty, Tool::Connect { .. }) => self.pointer.tool = Tool::Connect { from: None },
            (_, Tool::Cut) => match self.link_near(world) {
                Some(link) => self.cut_or_heal(&[link]),
                None => self.refuse(
                    text!("Click a link to cut it, or draw a line across several. Click a cut link to heal it.").into(),
                ),
            },
            (Target::Node(id) | Target::Handle(id), Tool::Select) => {
                effects.push(Effect::Focus(id.clone()));
                self.pick(CanvasItem::Node(id.clone()), add);
            }
            (Target::Empty, Tool::Select) => match self.link_near(world) {
                Some(link) => {
                    let link = &self.scene.links[link];
                    let (from, to) = (&self.scene.nodes[link.from].id, &self.scene.nodes[link.to].id);
                    self.pick(CanvasItem::Link { from: from.to_string(), to: to.to_string() }, add);
                }
                None if !add => self.select(BTreeSet::new()),
                None => {}
            },
        }
    }

    /// Chooses a card with the connect tool: first the source, then the target.
    pub(super) fn choose_end(&mut self, id: String, effects: &mut Vec<Effect>) {
        let Tool::Connect { from } = self.pointer.tool.clone() else { return };
        self.redraw.page = true;
        self.pointer.tool = match from {
            None if !self.may_edit() => return,
            None => {
                let name = self.scene.find(&id).map_or_else(|| "?".into(), |node| self.name_of(node));
                self.notices.announcer.announce(text!("From {}. Choose the card to connect to", name));
                Tool::Connect { from: Some(id) }
            }
            Some(from) => {
                if from != id {
                    self.connect(&from, &id, effects);
                }
                Tool::Connect { from: None }
            }
        };
    }

    /// Selects an item, or toggles it in the selection.
    fn pick(&mut self, item: CanvasItem, add: bool) {
        let mut items = if add { BTreeSet::clone(&self.selection.items) } else { BTreeSet::new() };
        if !items.insert(item.clone()) {
            items.remove(&item);
        }
        self.select(items);
    }

    fn pinch(&mut self, fingers: &mut [(i32, Point); 2], id: i32, at: Point) {
        let Some(moved) = fingers.iter().position(|(other, _)| *other == id) else { return };
        let (before, other) = (fingers[moved].1, fingers[1 - moved].1);
        fingers[moved].1 = at;
        let (old_middle, middle) = (before.mix(other, 0.5), at.mix(other, 0.5));
        let factor = at.distance(other) / before.distance(other).max(1.0);
        let zoomed = self.viewport.camera.zoomed(factor, old_middle);
        self.set_camera(zoomed.panned(middle.x - old_middle.x, middle.y - old_middle.y));
        self.pointer.gesture = Gesture::Pinch { fingers: *fingers };
    }

    /// Returns a distance that puts the card below the pointer on the grid.
    fn snapped(&self, lead: &str, by: (f64, f64), snap: bool) -> (f64, f64) {
        if !snap {
            return (by.0.round(), by.1.round());
        }
        let Some(start) = self.start_of(lead) else { return by };
        let to_grid = |x: f64| (x / GRID).round() * GRID;
        let on_grid = (to_grid(start.x + by.0) - start.x, to_grid(start.y + by.1) - start.y);
        // The edges and the middle of another card attract more than the grid.
        let Some(node) = self.scene.find(lead) else { return on_grid };
        let card = Rect { x: start.x + by.0, y: start.y + by.1, ..self.scene.nodes[node].rect };
        let (x, y) = guides::attraction(&card, &self.resting_cards());
        (x.map_or(on_grid.0, |x| by.0 + x), y.map_or(on_grid.1, |y| by.1 + y))
    }

    /// Returns the places of the cards that are not being dragged.
    fn resting_cards(&self) -> Vec<Rect> {
        let Gesture::Move { ids, .. } = &self.pointer.gesture else { return Vec::new() };
        let is_resting = |id: &str| !ids.iter().any(|other| other == id);
        self.scene.nodes.iter().filter(|node| is_resting(&node.id)).map(|node| node.rect).collect()
    }

    /// Returns the lines along which the dragged card meets other cards.
    pub fn guides(&self) -> Vec<(Point, Point)> {
        let Gesture::Move { lead, copies: false, .. } = &self.pointer.gesture else { return Vec::new() };
        let Some(node) = self.scene.find(lead) else { return Vec::new() };
        guides::guides(&self.scene.nodes[node].rect, &self.resting_cards())
    }

    /// Returns the position of a card before the gesture.
    fn start_of(&self, id: &str) -> Option<Point> {
        let rect = self.scene.nodes[self.scene.find(id)?].rect;
        let mut by = (0.0, 0.0);
        if let Gesture::Move { ids, by: moved, copies: false, .. } = &self.pointer.gesture
            && ids.iter().any(|other| other == id)
        {
            by = *moved;
        }
        Some(point(rect.x - by.0, rect.y - by.1))
    }

    /// Adds the other members of large groups, which move together.
    fn with_whole_groups(&self, ids: Vec<String>) -> Vec<String> {
        let group = |id: &String| self.scene.nodes[self.scene.find(id)?].group.clone();
        let groups: Vec<Rc<str>> = ids.iter().filter_map(group).collect();
        if groups.is_empty() {
            return ids;
        }
        let is_other = |node: &&SceneNode| {
            node.group.as_ref().is_some_and(|group| groups.contains(group)) && !ids.iter().any(|id| **id == *node.id)
        };
        let others: Vec<String> = self.scene.nodes.iter().filter(is_other).map(|node| node.id.to_string()).collect();
        ids.into_iter().chain(others).collect()
    }

    fn card_near(&self, at: Point, within: f64) -> Option<String> {
        let inside = self.scene.nodes.iter().rev().find(|node| node.rect.contains(at));
        let near = || self.scene.nodes.iter().rev().find(|node| node.rect.grown(within).contains(at));
        inside.or_else(near).map(|node| node.id.to_string())
    }

    fn link_near(&self, at: Point) -> Option<usize> {
        let within = LINK_CATCH / self.viewport.camera.scale;
        let is_on_label = |link: &SceneLink| link.label_rect(self.scene.detail).is_some_and(|rect| rect.contains(at));
        if let Some(labelled) = self.scene.links.iter().position(is_on_label) {
            return Some(labelled);
        }
        let near = self.scene.links.iter().enumerate().map(|(i, link)| (i, link.curve.distance(at)));
        near.filter(|(_, d)| *d <= within).min_by(|a, b| a.1.total_cmp(&b.1)).map(|(i, _)| i)
    }

    /// Returns the link at a point of the canvas, px.
    pub fn link_at(&self, at: Point) -> Option<CanvasItem> {
        let link = &self.scene.links[self.link_near(self.viewport.camera.to_world(at))?];
        let id = |node: usize| self.scene.nodes[node].id.to_string();
        Some(CanvasItem::Link { from: id(link.from), to: id(link.to) })
    }

    /// Cuts the links that a line crosses; if all of them are cut, heals them.
    fn cut_across(&mut self, from: Point, to: Point) {
        let crossed: Vec<usize> =
            (0..self.scene.links.len()).filter(|link| self.scene.links[*link].curve.crosses(from, to)).collect();
        if crossed.is_empty() {
            self.refuse(text!("The line crosses no link, so nothing was cut.").into());
        }
        let is_cut = |link: &usize| self.run.is_cut(self.scene.links[*link].from, self.scene.links[*link].to);
        let all_cut = crossed.iter().all(is_cut);
        let changed: Vec<usize> = crossed.into_iter().filter(|link| all_cut || !is_cut(link)).collect();
        self.cut_or_heal(&changed);
    }

    /// Cuts links, or heals those that are cut, as one step of undo.
    fn cut_or_heal(&mut self, links: &[usize]) {
        let commands: Vec<Command> = links.iter().map(|link| self.cut_or_heal_command(*link)).collect();
        let Some(first) = commands.first().filter(|_| self.may_inject()) else { return };
        let change = match commands.len() {
            1 => self.describe_command(first),
            n => {
                if matches!(first, Command::CutLink { .. }) {
                    text!("Cut {} links", n)
                } else {
                    text!("Healed {} links", n)
                }
            }
        };
        self.execute_live(commands, change);
    }

    fn cut_or_heal_command(&self, link: usize) -> Command {
        let link = &self.scene.links[link];
        let id = |node: usize| self.scene.nodes[node].id.to_string();
        let (from, to) = (id(link.from), id(link.to));
        if self.run.is_cut(link.from, link.to) {
            Command::HealLink { from, to, one_way: false }
        } else {
            Command::CutLink { from, to, one_way: false }
        }
    }
}
