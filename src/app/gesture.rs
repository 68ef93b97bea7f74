//! What pointers and keys do on the canvas: pan, zoom, select, move, connect, cut. Every gesture ends in at
//! most one change of the drawing, or one live command for each link that it crosses.

use super::change::Change;
use super::geometry::{Point, Rect, point};
use super::keys::KeyCommand;
use super::model::{CanvasItem, Effect, Model, Tool};
use super::scene::NodeKind;
use crate::scenario::Command;
use crate::session::protocol::Request;
use std::collections::BTreeSet;

/// Grid of the canvas.
pub(super) const GRID: f64 = 10.0;
/// How near a handle or a link counts as hit, px.
const CATCH: f64 = 20.0;
const LINK_CATCH: f64 = 8.0;
/// How long a finger stays where the menu is meant, ms of true time.
const LONG_PRESS: f64 = 500.0;

/// What a pointer went down on.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// The empty canvas.
    Empty,
    /// A card.
    Node(String),
    /// A card's handle, from which links are drawn.
    Handle(String),
}

/// A pointer going down.
#[derive(Clone, Debug, PartialEq)]
pub struct Press {
    /// Which pointer.
    pub id: i32,
    /// Where, px from the canvas's corner.
    pub at: Point,
    /// On what.
    pub target: Target,
    /// Shift adds and draws boxes.
    pub shift: bool,
    /// Ctrl or ⌘ adds.
    pub control: bool,
    /// A finger, which is less exact.
    pub touch: bool,
    /// Alt moves a copy.
    pub alt: bool,
    /// The middle button: pan whatever is below. Space does that too.
    pub pan: bool,
}

/// What the pointer is doing.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Gesture {
    /// Nothing.
    #[default]
    None,
    /// It is down and has not moved yet.
    Pressed(Press),
    /// It moves the view.
    Pan {
        /// Which pointer.
        id: i32,
        /// Where it was last, px.
        last: Point,
    },
    /// Two fingers zoom.
    Pinch {
        /// The fingers and where they were last, px.
        fingers: [(i32, Point); 2],
    },
    /// It moves cards.
    Move {
        /// Which cards.
        ids: Vec<String>,
        /// The card under the pointer, which snaps to the grid.
        lead: String,
        /// Where it started, in the canvas's units.
        from: Point,
        /// How far it came, snapped.
        by: (f64, f64),
        /// Copies go there; the cards stay.
        copies: bool,
    },
    /// It draws a box round what is to be selected.
    Box {
        /// Where it started, in the canvas's units.
        from: Point,
        /// Where it is.
        to: Point,
        /// What was selected before.
        before: BTreeSet<CanvasItem>,
    },
    /// It draws a link.
    Connect {
        /// The source.
        from: String,
        /// Where it is, in the canvas's units.
        to: Point,
        /// The card that it would connect to.
        over: Option<String>,
    },
    /// It draws the line of the scissors.
    Cut {
        /// Where it started, in the canvas's units.
        from: Point,
        /// Where it is.
        to: Point,
    },
}

impl Model {
    /// A pointer went down.
    pub(super) fn press(&mut self, mut press: Press, effects: &mut Vec<Effect>) {
        self.menu = None;
        self.pressed_at = None;
        if let Some(used) = &mut self.space {
            (*used, press.pan) = (true, true);
        }
        let second = match &self.gesture {
            Gesture::Pressed(first) if first.touch && first.id != press.id => Some((first.id, first.at)),
            Gesture::Pan { id, last } if press.touch && *id != press.id => Some((*id, *last)),
            _ => None,
        };
        self.gesture = match second {
            Some(first) if press.touch => Gesture::Pinch { fingers: [first, (press.id, press.at)] },
            _ => Gesture::Pressed(press),
        };
        if let Gesture::Pressed(Press { target: Target::Empty, .. }) = &self.gesture {
            effects.push(Effect::FocusCanvas);
        }
    }

    /// A pointer moved.
    pub(super) fn point_moved(&mut self, id: i32, at: Point, control: bool) {
        self.hover = Some(at);
        self.redraw.paint = true;
        let world = self.camera.to_world(at);
        match self.gesture.clone() {
            Gesture::None => {}
            Gesture::Pressed(press) => {
                let threshold = if press.touch { 10.0 } else { 4.0 };
                if press.id == id && press.at.distance(at) >= threshold {
                    self.begin(&press, world);
                    if !matches!(self.gesture, Gesture::Pressed(_)) {
                        self.point_moved(id, at, control);
                    }
                }
            }
            Gesture::Pan { id: own, last } if own == id => {
                self.look(self.camera.panned(at.x - last.x, at.y - last.y));
                self.gesture = Gesture::Pan { id, last: at };
            }
            Gesture::Pan { .. } => {}
            Gesture::Pinch { mut fingers } => self.pinch(&mut fingers, id, at),
            Gesture::Move { ids, lead, from, copies, .. } => {
                let by = self.snapped(&lead, (world.x - from.x, world.y - from.y), !control);
                let moved = Gesture::Move { ids, lead, from, by, copies };
                if self.gesture != moved {
                    self.gesture = moved;
                    self.redraw.page |= copies;
                    self.stage();
                }
            }
            Gesture::Box { from, before, .. } => {
                let area = Rect::between(from, world);
                let inside = self.scene.touched(&area).map(|i| CanvasItem::Node(self.scene.nodes[i].id.to_string()));
                let items = inside.chain(before.iter().cloned()).collect();
                self.select(items);
                self.gesture = Gesture::Box { from, to: world, before };
                self.redraw.page = true;
            }
            Gesture::Connect { from, .. } => {
                let over = self.card_near(world, CATCH / self.camera.scale).filter(|id| *id != from);
                self.gesture = Gesture::Connect { from, to: world, over };
                self.redraw.page = true;
            }
            Gesture::Cut { from, .. } => {
                self.gesture = Gesture::Cut { from, to: world };
                self.redraw.page = true;
            }
        }
    }

    fn begin(&mut self, press: &Press, world: Point) {
        let from = self.camera.to_world(press.at);
        self.gesture = match (&press.target, &self.tool) {
            _ if press.pan => Gesture::Pan { id: press.id, last: press.at },
            (_, Tool::Cut) => Gesture::Cut { from, to: world },
            (Target::Handle(id), _) | (Target::Node(id), Tool::Connect { .. }) => {
                if !self.may_edit() {
                    self.gesture = Gesture::None;
                    return;
                }
                Gesture::Connect { from: id.clone(), to: world, over: None }
            }
            (Target::Empty, _) if press.shift => {
                Gesture::Box { from, to: world, before: BTreeSet::clone(&self.selection) }
            }
            (Target::Node(id), Tool::Select) if !self.narrow && self.mode.edits() => {
                if !self.may_edit() {
                    self.gesture = Gesture::None;
                    return;
                }
                if !self.selection.contains(&CanvasItem::Node(id.clone())) {
                    self.select([CanvasItem::Node(id.clone())].into());
                }
                let (ids, lead) = (self.selected_nodes(), id.clone());
                Gesture::Move { ids, lead, from, by: (0.0, 0.0), copies: press.alt }
            }
            (Target::Empty | Target::Node(_), _) => Gesture::Pan { id: press.id, last: press.at },
        };
    }

    /// A pointer went up.
    pub(super) fn release(&mut self, id: i32, at: Point, effects: &mut Vec<Effect>) {
        let world = self.camera.to_world(at);
        match std::mem::take(&mut self.gesture) {
            Gesture::Pressed(press) if press.id == id => self.click(&press, world, effects),
            Gesture::Pinch { fingers } => {
                // The finger that stays goes on panning.
                if let Some((id, last)) = fingers.into_iter().find(|(other, _)| *other != id) {
                    self.gesture = Gesture::Pan { id, last };
                }
            }
            Gesture::Move { by, copies: true, .. } if by != (0.0, 0.0) => {
                self.change(Change::Duplicate([by.0 as i32, by.1 as i32]), effects)
            }
            Gesture::Move { ids, by, .. } => {
                if by == (0.0, 0.0) {
                    self.stage();
                } else {
                    self.fitted = false;
                    self.change(Change::Shift { ids, by }, effects);
                }
            }
            Gesture::Connect { from, over, .. } => {
                if let Some(to) = over {
                    self.change(Change::Connect { from, to }, effects);
                }
            }
            Gesture::Cut { from, .. } => self.cut_across(from, world),
            Gesture::None | Gesture::Pressed(_) | Gesture::Pan { .. } | Gesture::Box { .. } => {}
        }
        self.redraw.page = true;
        self.redraw.paint = true;
    }

    pub(super) fn give_up_gesture(&mut self) {
        let moving = matches!(self.gesture, Gesture::Move { .. });
        self.gesture = Gesture::None;
        if moving {
            self.stage();
        }
        self.redraw.page = true;
    }

    fn click(&mut self, press: &Press, world: Point, effects: &mut Vec<Effect>) {
        let add = press.shift || press.control;
        match (&press.target, self.tool.clone()) {
            (Target::Node(id) | Target::Handle(id), Tool::Connect { .. }) => self.choose_end(id.clone(), effects),
            (Target::Empty, Tool::Connect { .. }) => self.tool = Tool::Connect { from: None },
            (_, Tool::Cut) => match self.link_near(world) {
                Some(link) => self.cut_or_heal(link),
                None => self
                    .tell("Click a link to cut it, or draw a line across several; click a cut one to heal it.".into()),
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

    /// Connect: the first card chosen is the source, the second the target.
    fn choose_end(&mut self, id: String, effects: &mut Vec<Effect>) {
        let Tool::Connect { from } = self.tool.clone() else { return };
        self.redraw.page = true;
        self.tool = match from {
            None if !self.may_edit() => return,
            None => {
                let said = format!(
                    "From {}: choose where to",
                    self.scene.find(&id).map_or_else(|| "?".into(), |node| self.name_of(node))
                );
                self.announcer.say(said);
                Tool::Connect { from: Some(id) }
            }
            Some(from) => {
                if from != id {
                    self.change(Change::Connect { from, to: id }, effects);
                }
                Tool::Connect { from: None }
            }
        };
    }

    /// A finger that has stayed for so long asks for the menu.
    pub(super) fn wait_for_menu(&mut self, wall: f64) {
        let Gesture::Pressed(press) = &self.gesture else { return };
        let since = *self.pressed_at.get_or_insert(wall);
        if press.touch && wall - since >= LONG_PRESS {
            let of = match &press.target {
                Target::Node(id) | Target::Handle(id) => Some(CanvasItem::Node(id.clone())),
                Target::Empty => None,
            };
            let at = press.at;
            self.gesture = Gesture::None;
            self.open_menu(at, of);
        }
    }

    /// The context menu of a card, of the link at that point, or of the canvas.
    pub(super) fn open_menu(&mut self, at: Point, of: Option<CanvasItem>) {
        let of = of.or_else(|| self.link_at(at));
        if let Some(item) = of.as_ref().filter(|item| !self.selection.contains(*item)) {
            self.select([item.clone()].into());
        }
        self.menu = Some((at, of));
        self.redraw.page = true;
    }

    /// Space goes down or up: with a drag between it pans, else it plays.
    pub(super) fn hold_space(&mut self, down: bool) {
        match (down, self.space) {
            (true, None) => self.space = Some(false),
            (false, Some(used)) => {
                self.space = None;
                if !used && self.single_keys() {
                    self.toggle_play();
                }
            }
            (true, Some(_)) | (false, None) => {}
        }
        self.redraw.page = true;
    }

    fn pick(&mut self, item: CanvasItem, add: bool) {
        let mut items = if add { BTreeSet::clone(&self.selection) } else { BTreeSet::new() };
        if !items.insert(item.clone()) {
            items.remove(&item);
        }
        self.select(items);
    }

    fn pinch(&mut self, fingers: &mut [(i32, Point); 2], id: i32, at: Point) {
        let Some(moved) = fingers.iter().position(|(other, _)| *other == id) else { return };
        let (before, other) = (fingers[moved].1, fingers[1 - moved].1);
        fingers[moved].1 = at;
        let middle = before.mix(other, 0.5);
        let now = at.mix(other, 0.5);
        let factor = at.distance(other) / before.distance(other).max(1.0);
        self.look(self.camera.zoomed(factor, middle).panned(now.x - middle.x, now.y - middle.y));
        self.gesture = Gesture::Pinch { fingers: *fingers };
    }

    /// How far the cards go, so that the one under the pointer comes to stand on the grid.
    fn snapped(&self, lead: &str, by: (f64, f64), snap: bool) -> (f64, f64) {
        if !snap {
            return (by.0.round(), by.1.round());
        }
        let Some(start) = self.start_of(lead) else { return by };
        let to_grid = |x: f64| (x / GRID).round() * GRID;
        (to_grid(start.x + by.0) - start.x, to_grid(start.y + by.1) - start.y)
    }

    /// Where a card stands without the gesture.
    fn start_of(&self, id: &str) -> Option<Point> {
        let rect = self.scene.nodes[self.scene.find(id)?].rect;
        let by = match &self.gesture {
            Gesture::Move { ids, by, copies: false, .. } if ids.iter().any(|other| other == id) => *by,
            _ => (0.0, 0.0),
        };
        Some(point(rect.x - by.0, rect.y - by.1))
    }

    /// Ids of the selected cards.
    pub fn selected_nodes(&self) -> Vec<String> {
        let nodes = self.selection.iter().filter_map(|item| match item {
            CanvasItem::Node(id) => Some(id.clone()),
            CanvasItem::Link { .. } => None,
        });
        nodes.collect()
    }

    fn card_near(&self, at: Point, within: f64) -> Option<String> {
        let inside = self.scene.nodes.iter().rev().find(|node| node.rect.contains(at));
        let near = || self.scene.nodes.iter().rev().find(|node| node.rect.grown(within).contains(at));
        inside.or_else(near).map(|node| node.id.to_string())
    }

    fn link_near(&self, at: Point) -> Option<usize> {
        let within = LINK_CATCH / self.camera.scale;
        let near = self.scene.links.iter().enumerate().map(|(i, link)| (i, link.curve.distance(at)));
        near.filter(|(_, d)| *d <= within).min_by(|a, b| a.1.total_cmp(&b.1)).map(|(i, _)| i)
    }

    /// The link under a point of the window, as an item.
    pub fn link_at(&self, at: Point) -> Option<CanvasItem> {
        let link = &self.scene.links[self.link_near(self.camera.to_world(at))?];
        let id = |node: usize| self.scene.nodes[node].id.to_string();
        Some(CanvasItem::Link { from: id(link.from), to: id(link.to) })
    }

    fn cut_across(&mut self, from: Point, to: Point) {
        let crossed: Vec<usize> =
            (0..self.scene.links.len()).filter(|i| self.scene.links[*i].curve.crosses(from, to)).collect();
        if crossed.is_empty() {
            self.tell("The line crosses no link: nothing was cut.".into());
        }
        // A line across only cuts; where all are cut already, it heals.
        let all_cut = crossed.iter().all(|i| self.run.is_cut(self.scene.links[*i].from, self.scene.links[*i].to));
        for link in crossed {
            let ends = (self.scene.links[link].from, self.scene.links[link].to);
            if all_cut || !self.run.is_cut(ends.0, ends.1) {
                self.cut_or_heal(link);
            }
        }
    }

    fn cut_or_heal(&mut self, link: usize) {
        let link = &self.scene.links[link];
        let id = |node: usize| self.scene.nodes[node].id.to_string();
        let (from, to) = (id(link.from), id(link.to));
        let command = if self.run.is_cut(link.from, link.to) {
            Command::HealLink { from, to, one_way: false }
        } else {
            Command::CutLink { from, to, one_way: false }
        };
        if self.may_act() {
            self.playback.order(Request::Act { command });
        }
    }

    /// A key of the canvas.
    pub(super) fn key(&mut self, command: KeyCommand, effects: &mut Vec<Effect>) {
        use super::model::Msg;
        let msg = match command {
            KeyCommand::TogglePlay => Msg::TogglePlay,
            KeyCommand::Step => Msg::Step,
            KeyCommand::StepBack => Msg::StepBack,
            KeyCommand::Mark { forward } => Msg::Mark { forward },
            KeyCommand::Outline => Msg::Outline(super::outline::OutlineMsg::Toggle),
            KeyCommand::Home => Msg::Seek(0),
            KeyCommand::End => Msg::Seek(self.run.until),
            KeyCommand::Speed { faster } => {
                self.playback.shift_speed(faster);
                Msg::Speed(self.playback.speed())
            }
            KeyCommand::Publish => Msg::Publish,
            KeyCommand::Zoom { factor } => Msg::Zoom(factor),
            KeyCommand::ZoomActual => Msg::ZoomActual,
            KeyCommand::Fit => Msg::Fit,
            KeyCommand::FitSelection => return self.fit_selection(),
            KeyCommand::SelectAll => {
                let all = self.scene.nodes.iter().map(|node| CanvasItem::Node(node.id.to_string()));
                return self.select(all.collect());
            }
            KeyCommand::Escape => return self.escape(),
            KeyCommand::Undo => Msg::Undo,
            KeyCommand::Redo => Msg::Redo,
            KeyCommand::DiagramMessage { dx, dy, far } => return self.arrow(dx, dy, far, effects),
            KeyCommand::Enter => return self.enter(effects),
            KeyCommand::Rename => match self.focused() {
                Some(id) => Msg::Rename(id),
                None => return,
            },
            KeyCommand::Help => Msg::Help(!self.help),
            KeyCommand::Menu => return self.menu_by_key(),
            KeyCommand::Delete => Msg::Delete,
            KeyCommand::Palette(1) => Msg::Add { kind: NodeKind::Service, at: None },
            KeyCommand::Palette(2) => Msg::Add { kind: NodeKind::Bus, at: None },
            KeyCommand::Palette(3) => Msg::Add { kind: NodeKind::Client, at: None },
            KeyCommand::Palette(4) => Msg::Add { kind: NodeKind::Group, at: None },
            KeyCommand::Palette(5) => Msg::Take(Tool::Connect { from: None }),
            KeyCommand::Palette(6) => Msg::Take(Tool::Cut),
            KeyCommand::Palette(7) => Msg::Tidy,
            KeyCommand::Palette(_) => return,
            KeyCommand::Duplicate => Msg::Duplicate,
            KeyCommand::Copy => return self.copy(),
            KeyCommand::CutOut => {
                self.copy();
                Msg::Delete
            }
            KeyCommand::Paste => return self.change(Change::Paste, effects),
        };
        effects.extend(super::model::update(self, msg));
    }

    /// The card that keys are about: the one with the focus, else the one that is selected.
    pub(super) fn focused(&self) -> Option<String> {
        let there = |id: &String| self.scene.find(id).is_some();
        self.focus.clone().filter(there).or_else(|| self.selected_nodes().into_iter().next())
    }

    fn escape(&mut self) {
        if self.gesture != Gesture::None {
            self.give_up_gesture();
        } else if self.menu.is_some() || self.notice.is_some() {
            self.menu = None;
            self.notice = None;
        } else if self.tool != Tool::Select {
            self.tool = Tool::Select;
        } else {
            self.select(BTreeSet::new());
        }
        self.redraw.page = true;
    }

    /// Arrows nudge what is selected; where nothing is, they walk from card to card.
    fn arrow(&mut self, dx: i32, dy: i32, far: bool, effects: &mut Vec<Effect>) {
        let ids = self.selected_nodes();
        let connects = matches!(self.tool, Tool::Connect { .. });
        if !ids.is_empty() && !self.narrow && !connects {
            if self.may_edit() {
                let step = if far { 5.0 * GRID } else { GRID };
                self.fitted = false;
                let by = (f64::from(dx) * step, f64::from(dy) * step);
                self.change(Change::Shift { ids, by }, effects);
            }
            return;
        }
        let next = match self.focused().and_then(|id| self.scene.find(&id)) {
            Some(from) => self.scene.neighbour(from, dx, dy),
            None => (!self.scene.nodes.is_empty()).then_some(0),
        };
        if let Some(next) = next {
            effects.push(Effect::Focus(self.scene.nodes[next].id.to_string()));
        }
    }

    fn enter(&mut self, effects: &mut Vec<Effect>) {
        let Some(id) = self.focused() else { return };
        if matches!(self.tool, Tool::Connect { .. }) {
            self.choose_end(id, effects);
        } else if self.selection.contains(&CanvasItem::Node(id.clone())) {
            if self.may_edit() {
                self.renaming = Some(id);
                self.redraw.page = true;
            }
        } else {
            self.select([CanvasItem::Node(id)].into());
        }
    }

    fn menu_by_key(&mut self) {
        let id = self.focused();
        let at = id.as_ref().and_then(|id| self.scene.find(id)).map_or(self.middle(), |node| {
            let rect = self.scene.nodes[node].rect;
            self.camera.to_window(point(rect.x + 24.0, rect.y + 40.0))
        });
        self.menu = Some((at, id.map(CanvasItem::Node)));
        self.redraw.page = true;
    }
}
