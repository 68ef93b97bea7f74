//! The page's state and the only place where it changes: `update(&mut Model, Msg) -> Vec<Effect>`.
//! Effects alone touch the browser, the worker, storage.

use super::announce::Announcer;
use super::camera::Camera;
use super::change::Change;
use super::clipboard::Clipboard;
use super::diagram::Diagram;
use super::faults::ItemCondition;
use super::geometry::{Point, Rect, point};
use super::gesture::Gesture;
use super::internals::{self, InternalsView};
use super::log_view::LogView;
use super::measurement::Measurement;
pub use super::msg::{Effect, Msg, Opening};
use super::outline::Outline;
use super::playback::Playback;
use super::run_view::RunView;
use super::scene::{Layout, NodeKind, Scene};
use super::time_view::TimeView;
use super::verdicts_view::VerdictsView;
use crate::scenario::{Micros, Scenario};
use crate::session::protocol::{BranchCommand, BranchList, FromEngine, MarkKind, Query, Report, Request, ScenarioJson};
use crate::trace::NodeId;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// What the page is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// The playground.
    #[default]
    App,
    /// One scenario in another page, to be looked at: it plays, and nothing is done in it.
    View,
    /// One scenario in another page: it plays, updates are published and faults injected, and the drawing stays.
    Play,
    /// One scenario in another page, where the drawing may be changed; nothing of it is kept.
    Edit,
}

impl Mode {
    /// It is a frame in another page.
    pub fn is_embed(self) -> bool {
        self != Mode::App
    }

    /// The drawing may be changed.
    pub fn edits(self) -> bool {
        matches!(self, Mode::App | Mode::Edit)
    }
}

/// How much of an embed is to be seen. The playground shows all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Controls {
    /// Canvas, transport and timeline; palette and inspector where the drawing may be changed.
    #[default]
    Full,
    /// Canvas and transport.
    Transport,
    /// The canvas alone.
    None,
}

/// What can be selected.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CanvasItem {
    /// A card, by the node's id.
    Node(String),
    /// A wire, by the ids of its ends.
    Link {
        /// Where it starts.
        from: String,
        /// Where it ends.
        to: String,
    },
}

/// What the pointer does on the canvas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Tool {
    /// Select, move, pan.
    #[default]
    Select,
    /// Connect: the first click chooses the source, the second the target.
    Connect {
        /// The source.
        from: Option<String>,
    },
    /// Scissors: cut or heal the wires that are clicked or crossed.
    Cut,
}

/// Light or dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the system says.
    #[default]
    Auto,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// As it is stored.
    pub fn word(self) -> &'static str {
        match self {
            Theme::Auto => "auto",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }

    /// From a stored word.
    pub fn from_word(word: &str) -> Theme {
        match word {
            "light" => Theme::Light,
            "dark" => Theme::Dark,
            _ => Theme::Auto,
        }
    }

    /// The one that the button goes to.
    pub fn following(self) -> Theme {
        match self {
            Theme::Auto => Theme::Dark,
            Theme::Dark => Theme::Light,
            Theme::Light => Theme::Auto,
        }
    }
}

/// Where the scenario on the page came from.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Origin {
    /// An example or a new drawing, or the visitor's own.
    #[default]
    Own,
    /// A link: a preview until the visitor chooses to edit a copy.
    Link,
}

/// Names under which things are kept.
pub const KEPT_WORK: &str = "converge.work";
/// Name under which the drawing is kept that was the visitor's work before this one.
pub const KEPT_BEFORE: &str = "converge.before";
/// The same for the theme.
pub const KEPT_THEME: &str = "converge.theme";
/// The same for less motion: `less` or `full`.
pub const KEPT_MOTION: &str = "converge.motion";
/// The same for keys of a single character: `on` or `off`.
pub const KEPT_KEYS: &str = "converge.keys";

/// What has to be drawn again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Redraw {
    /// The components.
    pub page: bool,
    /// The layers that are painted by hand: messages, timeline, clock.
    pub paint: bool,
}

/// A run as a document, for sharing.
#[derive(Clone, Debug, PartialEq)]
pub struct Described {
    /// The scenario, live commands in its script.
    pub scenario: ScenarioJson,
    /// Digest where it stands.
    pub digest: String,
    /// Where it stands.
    pub now: Micros,
    /// How many live commands there are.
    pub live: u32,
}

/// The page's state.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// What the page is for.
    pub mode: Mode,
    /// How much of it is to be seen.
    pub controls: Controls,
    /// The drawing.
    pub scenario: Rc<Scenario>,
    /// Where it came from.
    pub origin: Origin,
    pub(super) past: Vec<Rc<Scenario>>,
    pub(super) future: Vec<Rc<Scenario>>,
    /// The run.
    pub run: RunView,
    /// Its clock.
    pub playback: Playback,
    /// The drawing is what is kept as the visitor's work.
    pub kept: bool,
    /// What stands where.
    pub scene: Rc<Scene>,
    /// What is seen of it.
    pub camera: Camera,
    /// The camera follows the drawing until it is moved by hand.
    pub fitted: bool,
    /// Size of the canvas, px.
    pub size: (f64, f64),
    /// One column.
    pub narrow: bool,
    /// What is selected.
    pub selection: Rc<BTreeSet<CanvasItem>>,
    /// The card that the arrow keys start from.
    pub focus: Option<String>,
    /// What the pointer does.
    pub tool: Tool,
    /// What the pointer is doing.
    pub gesture: Gesture,
    /// When the pointer that has not moved yet went down, ms of true time.
    pub(super) pressed_at: Option<f64>,
    /// Space is held, and whether the pointer went down meanwhile.
    pub space: Option<bool>,
    /// Where the pointer is over the canvas.
    pub hover: Option<Point>,
    /// What the wheel does is shown.
    pub wheel_hint: bool,
    /// Keys of a single character do nothing.
    pub single_keys_off: bool,
    /// The card whose name is being typed.
    pub renaming: Option<String>,
    /// The log.
    pub log: LogView,
    /// What was measured of a group under each consistency.
    pub measurement: Measurement,
    /// The verdicts.
    pub verdicts: VerdictsView,
    /// What is inside the selected member of a group.
    pub internals: InternalsView,
    /// The space-time diagram.
    pub diagram: Diagram,
    /// The outline.
    pub outline: Outline,
    /// The branches of the run.
    pub branches: Rc<BranchList>,
    /// Their list is on the page.
    pub branching: bool,
    /// The branch beside the one that is shown.
    pub compared: Option<RunView>,
    /// The stretch of time that timeline and diagram show.
    pub time_view: TimeView,
    /// What the page says to the visitor until it is closed.
    pub notice: Option<String>,
    /// What screen readers are told.
    pub announcement: String,
    pub(super) announcer: Announcer,
    /// Light or dark.
    pub theme: Theme,
    /// Less motion.
    pub reduced_motion: bool,
    /// The run as a document, when asked for.
    pub described: Option<Rc<Described>>,
    expected: Option<String>,
    /// Whether a shared run came out as it was shared.
    pub replayed: Option<bool>,
    /// The open context menu.
    pub menu: Option<(Point, Option<CanvasItem>)>,
    /// The help is open.
    pub help: bool,
    /// The scenario itself is shown in the inspector, where that is not always so.
    pub inspecting: bool,
    /// The share dialog is open.
    pub sharing: bool,
    /// A file to be saved, as soon as the update is over.
    saved: Option<(String, String)>,
    /// What was copied.
    pub clipboard: Option<Clipboard>,
    /// The visitor has published at least once.
    pub published: bool,
    /// What has to be drawn again; whoever draws resets it.
    pub redraw: Redraw,
}

/// Changes the state, and says what has to be done outside.
pub fn update(model: &mut Model, msg: Msg) -> Vec<Effect> {
    let mut effects = Vec::new();
    model.handle(msg, &mut effects);
    if let Some(request) = model.playback.next_request() {
        effects.push(Effect::Send(Box::new(request)));
    }
    effects
}

impl Model {
    fn handle(&mut self, msg: Msg, effects: &mut Vec<Effect>) {
        let was_playing = self.playback.playing();
        match msg {
            Msg::Tick(wall) => self.tick(wall),
            Msg::Engine(answer) => {
                let before = self.branches.clone();
                if let Some(answer) = Rc::into_inner(answer) {
                    self.receive(answer);
                }
                self.keep_branches(&before, effects);
                effects.extend(self.saved.take().map(|(name, text)| Effect::Save(name, text)));
            }
            Msg::EngineFailed(why) => self.tell(why),
            Msg::Resized { width, height, narrow } => self.resize(width, height, narrow),
            Msg::OpenFirst => self.open_first(),
            Msg::Open(opening) => self.open(*opening),
            Msg::OpenEmpty => self.change(Change::Empty, effects),
            Msg::OpenOther => effects.push(Effect::OpenOther),
            Msg::OpenExample(id) => effects.push(Effect::OpenNamed(format!("ex={id}"))),
            Msg::LinkFailed(why) => self.tell(why),
            Msg::EditCopy => {
                self.origin = Origin::Own;
                self.change(Change::Keep, effects);
                self.redraw.page = true;
            }
            Msg::Edited(scenario) => self.change(Change::To(scenario), effects),
            Msg::EditRefused(why) => self.tell(why),
            Msg::Add { kind, at } => self.change(Change::Add(kind, at), effects),
            Msg::Delete => self.change(Change::Delete, effects),
            Msg::EnterCanvas => {
                let first = self.focus.clone().or_else(|| self.scene.nodes.first().map(|node| node.id.to_string()));
                effects.push(first.map_or(Effect::FocusCanvas, Effect::Focus));
            }
            Msg::Undo => self.change(Change::Undo, effects),
            Msg::Redo => self.change(Change::Redo, effects),
            Msg::TogglePlay => self.toggle_play(),
            Msg::Pause => self.playback.play(false),
            Msg::Step => {
                self.playback.play(false);
                self.playback.order(Request::Step);
            }
            Msg::StepBack => {
                self.playback.play(false);
                self.playback.order(Request::StepBack);
            }
            Msg::Mark { forward } => self.seek_mark(forward),
            Msg::Space(down) => self.hold_space(down),
            Msg::SingleKeys(on) => {
                self.single_keys_off = !on;
                effects.push(Effect::Keep(KEPT_KEYS, if on { "on" } else { "off" }.into()));
                self.redraw.page = true;
            }
            Msg::WheelPassed => self.redraw.page |= !std::mem::replace(&mut self.wheel_hint, true),
            Msg::Seek(to) => self.playback.order(Request::Seek { to: to.min(self.run.until) }),
            Msg::Reset => {
                self.playback.play(false);
                self.playback.order(Request::Reset);
                self.published = false;
            }
            Msg::Speed(speed) => {
                self.playback.set_speed(speed);
                self.redraw.page = true;
            }
            Msg::Extend => self.change(Change::Extend(None), effects),
            Msg::Publish => self.publish_at(None, effects),
            Msg::Act(command) => {
                if self.may_act() {
                    self.playback.order(Request::Act { command });
                }
            }
            Msg::Script(command) => self.change(Change::Script(command), effects),
            Msg::Key(command) => self.key(command, effects),
            Msg::PointerDown(press) => self.press(press, effects),
            Msg::PointerMove { id, at, control } => self.point_moved(id, at, control),
            Msg::PointerUp { id, at } => self.release(id, at, effects),
            Msg::PointerCancel => self.give_up_gesture(),
            Msg::PointerLeave => {
                self.hover = None;
                self.redraw.paint = true;
                self.redraw.page |= std::mem::take(&mut self.wheel_hint);
            }
            Msg::Wheel { at, dx, dy, zoom } => {
                let camera = if zoom {
                    self.camera.zoomed(libm::exp((-dy * 0.01).clamp(-0.5, 0.5)), at)
                } else {
                    self.camera.panned(-dx, -dy)
                };
                self.look(camera);
                self.redraw.page |= std::mem::take(&mut self.wheel_hint);
            }
            Msg::Zoom(factor) => self.look(self.camera.zoomed(factor, self.middle())),
            Msg::ZoomActual => self.look(self.camera.zoomed(1.0 / self.camera.scale, self.middle())),
            Msg::Fit => self.fit(),
            Msg::Select(item) => {
                self.inspecting = false;
                self.redraw.page = true;
                self.select(item.into_iter().collect());
            }
            Msg::Take(tool) => {
                self.tool = if self.tool == tool { Tool::Select } else { tool };
                self.redraw.page = true;
            }
            Msg::Focused(id) => {
                if self.focus.as_ref() != Some(&id) {
                    self.focus = Some(id);
                    self.redraw.page = true;
                }
            }
            Msg::Rename(id) => {
                if self.may_edit() {
                    self.renaming = Some(id);
                    self.redraw.page = true;
                }
            }
            Msg::Renamed(name) => {
                if let Some(id) = self.renaming.take() {
                    self.redraw.page = true;
                    effects.push(Effect::Focus(id.clone()));
                    if let Some(name) = name {
                        self.change(Change::Rename { id, name }, effects);
                    }
                }
            }
            Msg::Branch(turn) => {
                if self.mode.edits() || matches!(turn, BranchCommand::Show(_) | BranchCommand::Compare(_)) {
                    self.playback.order(Request::Branch(turn));
                }
            }
            Msg::ToggleBranches => {
                self.open_panel(!self.branching, |model| &mut model.branching);
            }
            Msg::Time(turn) => {
                self.time_view.turn(turn, self.run.until);
                self.redraw = Redraw { page: true, paint: true };
            }
            Msg::Export(kind) => self.playback.order(Request::Query(Query::Export(kind))),
            Msg::Diagram(turn) => {
                self.diagram.turn(turn);
                self.redraw.page = true;
            }
            Msg::Outline(turn) => self.outline_turn(turn, effects),
            Msg::Tidy => self.change(Change::Tidy, effects),
            Msg::ToggleVerdicts => {
                (self.verdicts.node, self.verdicts.pinned) = (None, None);
                self.open_panel(!self.verdicts.open, |model| &mut model.verdicts.open);
            }
            Msg::Examine(node) => {
                (self.verdicts.node, self.verdicts.pinned) = (node, None);
                self.open_panel(true, |model| &mut model.verdicts.open);
            }
            Msg::MarkProof(title) => {
                self.verdicts.light(title);
                self.redraw.page = true;
            }
            Msg::Jump(at, nodes) => {
                self.verdicts.pinned.get_or_insert(self.run.now);
                self.playback.play(false);
                self.playback.order(Request::Seek { to: at.min(self.run.until) });
                let items = nodes.iter().filter_map(|node| self.scene.nodes.get(node.index()));
                self.selection = Rc::new(items.map(|placed| CanvasItem::Node(placed.id.to_string())).collect());
                self.redraw.page = true;
            }
            Msg::ToggleLog => {
                self.open_panel(!self.log.open, |model| &mut model.log.open);
            }
            Msg::FilterLog(filter) => {
                self.log.filter_by(filter);
                self.redraw.page = true;
            }
            Msg::OlderLog => {
                if let Some(request) = self.log.older() {
                    self.playback.order(request);
                }
            }
            Msg::Describe => self.playback.order(Request::Query(Query::Describe)),
            Msg::Measure(group) => {
                let request = self.measurement.begin(&self.scenario, group);
                self.playback.order(request);
                self.redraw.page = true;
            }
            Msg::Theme(theme) => {
                self.theme = theme;
                effects.push(Effect::Theme(theme));
                effects.push(Effect::Keep(KEPT_THEME, theme.word().into()));
                self.redraw = Redraw { page: true, paint: true };
            }
            Msg::ReducedMotion(reduced) => {
                self.reduced_motion = reduced;
                effects.push(Effect::LessMotion(reduced));
                effects.push(Effect::Keep(KEPT_MOTION, if reduced { "less" } else { "full" }.into()));
                self.redraw = Redraw { page: true, paint: true };
            }
            Msg::Dismiss => {
                self.notice = None;
                self.redraw.page = true;
            }
            Msg::OpenMenu { at, of } => self.open_menu(at, of),
            Msg::CloseMenu => {
                self.menu = None;
                self.redraw.page = true;
            }
            Msg::Help(open) => {
                self.help = open;
                self.redraw.page = true;
            }
            Msg::Inspect => {
                self.select(BTreeSet::new());
                self.inspecting = true;
                self.redraw.page = true;
            }
            Msg::Share(open) => {
                self.sharing = open;
                self.described = None;
                self.redraw.page = true;
                if open {
                    self.playback.play(false);
                    self.playback.order(Request::Query(Query::Describe));
                }
            }
            Msg::Duplicate => self.change(Change::Duplicate([40, 40]), effects),
        }
        self.redraw.page |= was_playing != self.playback.playing();
    }

    /// Opens or closes a panel beside the canvas, where there is room for one.
    fn open_panel(&mut self, open: bool, which: fn(&mut Model) -> &mut bool) {
        (self.log.open, self.verdicts.open, self.branching) = (false, false, false);
        *which(self) = open;
        self.redraw = Redraw { page: true, paint: true };
    }

    /// Says something to the visitor.
    pub fn tell(&mut self, text: String) {
        self.announcer.say(text.clone());
        self.notice = Some(text);
        self.redraw = Redraw { page: true, paint: true };
    }

    /// Whether the painted layers have to be drawn at the next frame of the screen too.
    pub fn is_moving(&self) -> bool {
        let pressed = matches!(&self.gesture, Gesture::Pressed(press) if press.touch);
        self.playback.playing() || self.announcer.waiting() || self.panel_is_behind() || pressed
    }

    fn panel_is_behind(&self) -> bool {
        self.log.open && self.log.is_behind(self.run.records)
            || self.verdicts.is_behind(&self.run.digest)
            || self.diagram.is_behind(&self.run.digest, self.time_view.window(self.run.until))
            || self.internals.is_behind(self.internals_node(), self.run.records)
    }

    fn tick(&mut self, wall: f64) {
        self.playback.tick(wall);
        self.wait_for_menu(wall);
        if let Some(text) = self.announcer.due(wall) {
            self.announcement = text;
            self.redraw.page = true;
        }
        let internals_node = self.internals_node();
        let digest = &self.run.digest;
        let wants = [
            self.log.want(self.run.records, wall),
            self.verdicts.want(digest, wall),
            self.diagram.want(digest, self.time_view.window(self.run.until), wall),
            self.internals.want(internals_node, self.run.records, wall),
        ];
        wants.into_iter().flatten().for_each(|request| self.playback.order(request));
    }

    fn receive(&mut self, answer: FromEngine) {
        let was_playing = self.playback.playing();
        match self.playback.receive(answer) {
            None | Some(Report::Ready) => {}
            Some(Report::Frame(mut frame)) => {
                self.take_branches(&mut frame);
                if let Some(why) = &frame.refused {
                    self.tell(why.clone());
                }
                if let Some(why) = frame.halted.clone().filter(|_| self.run.halted.is_none()) {
                    self.playback.play(false);
                    self.tell(why);
                }
                if !frame.more
                    && let Some(expected) = self.expected.take()
                {
                    self.replayed = Some(expected == frame.digest);
                }
                if frame.whole {
                    self.log.forget();
                    self.verdicts.forget();
                    self.diagram.forget();
                    self.internals.forget();
                } else {
                    for mark in &frame.marks {
                        self.published |= mark.kind == MarkKind::Update;
                        self.announcer.mark(mark, self.playback.speed());
                    }
                }
                let heights = self.rows();
                let changes = self.run.take(*frame);
                self.follow(was_playing);
                self.redraw.page |= changes.cards || changes.timeline;
                self.redraw.paint = true;
                if heights != self.rows() {
                    self.stage();
                }
            }
            Some(Report::Log { from, total, oldest, rows }) => {
                self.log.take(from, total, oldest, rows);
                self.redraw.page = true;
            }
            Some(Report::Diagram(arrows)) => {
                self.diagram.take(arrows);
                self.redraw.page = true;
            }
            Some(Report::Charts(charts)) => {
                self.diagram.take_charts(charts);
                self.redraw.page = true;
            }
            Some(Report::Internals(inside)) => {
                self.internals.take(inside);
                self.redraw.page = true;
            }
            Some(Report::Measured { seed, rows }) => {
                if let Some(request) = self.measurement.take(seed, rows) {
                    self.playback.order(request);
                }
                self.redraw.page = true;
            }
            Some(Report::Text { name, text }) => self.saved = Some((name, text)),
            Some(Report::Verdicts(findings)) => {
                self.verdicts.take(findings);
                self.redraw.page = true;
            }
            Some(Report::Document { scenario, digest, now, live }) => {
                self.described = Some(Rc::new(Described { scenario, digest, now, live }));
                self.redraw.page = true;
            }
            Some(Report::Unanswered(why)) => {
                self.verdicts.unanswered();
                self.diagram.unanswered();
                self.internals.unanswered();
                self.log.unanswered();
                self.measurement = Measurement::default();
                self.redraw.page = true;
                self.tell(why);
            }
            Some(Report::Refused { errors }) => {
                let all: Vec<String> = errors.iter().map(ToString::to_string).collect();
                match self.past.pop() {
                    // The run before goes on: ask for all of it, since answers about it were dropped.
                    Some(before) => {
                        self.scenario = before;
                        self.stage();
                        self.playback.order(Request::Seek { to: self.run.now });
                    }
                    // What was opened does not run; the first scenario always does.
                    None => self.open_first(),
                }
                self.tell(all.join("; "));
            }
        }
    }

    /// How many rows each service's card shows.
    pub(super) fn rows(&self) -> Vec<usize> {
        if self.run.services.len() == self.scenario.services.len() {
            self.run.services.iter().map(|service| service.rows.len()).collect()
        } else {
            self.scenario.services.iter().map(|service| service.data.len()).collect()
        }
    }

    /// Works out anew what stands where.
    pub fn stage(&mut self) {
        let layout = if self.narrow { Layout::Column(self.size.0) } else { Layout::Free };
        let writer = if self.narrow { None } else { self.writer() };
        let scene = Scene::new(&self.scenario, layout, &self.rows(), &self.moved(), writer);
        if *self.scene != scene {
            self.scene = Rc::new(scene);
            self.redraw = Redraw { page: true, paint: true };
        }
        if self.fitted && matches!(self.gesture, Gesture::None) {
            self.fit();
        }
    }

    fn moved(&self) -> BTreeMap<String, (f64, f64)> {
        match &self.gesture {
            Gesture::Move { ids, by, copies: false, .. } => ids.iter().map(|id| (id.clone(), *by)).collect(),
            _ => BTreeMap::new(),
        }
    }

    /// Whether keys of a single character act.
    pub fn single_keys(&self) -> bool {
        !self.single_keys_off
    }

    /// To the mark before or after; what lies ahead has to happen first.
    fn seek_mark(&mut self, forward: bool) {
        self.playback.play(false);
        let before = self.run.marks.iter().map(|mark| mark.at).filter(|at| *at < self.run.now).max();
        let request = if forward { Request::NextMark } else { Request::Seek { to: before.unwrap_or(0) } };
        self.playback.order(request);
    }

    pub(super) fn toggle_play(&mut self) {
        if self.playback.at_end() {
            self.playback.order(Request::Seek { to: 0 });
            self.playback.restart(0);
        } else {
            self.playback.play(!self.playback.playing());
        }
        self.redraw.page = true;
    }

    fn open_first(&mut self) {
        self.clear(Scenario::first(), Origin::Own);
        self.playback.order(Request::First);
    }

    pub(super) fn open(&mut self, opening: Opening) {
        self.clear(opening.scenario, opening.origin);
        self.expected = opening.digest;
        self.playback.order(Request::Load { scenario: opening.written, at: opening.at });
    }

    /// Another scenario stands on the page, and nothing is left of the one before.
    fn clear(&mut self, scenario: Scenario, origin: Origin) {
        self.expected = None;
        self.replayed = None;
        self.notice = None;
        self.scenario = Rc::new(scenario);
        self.origin = origin;
        self.kept = false;
        self.past.clear();
        self.future.clear();
        self.selection = Rc::default();
        self.focus = None;
        self.published = false;
        (self.time_view, self.compared, self.branches) = (TimeView::default(), None, Rc::default());
        self.run = RunView::default();
        self.measurement = Measurement::default();
        self.verdicts.clear();
        self.playback.play(false);
        self.fitted = true;
        self.stage();
        self.redraw = Redraw { page: true, paint: true };
    }

    /// Whether the drawing may be changed; says why not.
    pub fn may_edit(&mut self) -> bool {
        if !self.mode.edits() {
            self.tell("This embed cannot be edited: open it in the playground.".into());
            return false;
        }
        if self.origin == Origin::Link {
            self.tell("This is a preview of a link: choose “Edit a copy” to change it.".into());
            return false;
        }
        true
    }

    /// Whether there is something to undo, and to redo.
    pub fn steps(&self) -> (bool, bool) {
        (!self.past.is_empty(), !self.future.is_empty())
    }

    /// Whether updates may be published and faults injected; says why not.
    pub(super) fn may_act(&mut self) -> bool {
        if self.mode == Mode::View {
            self.tell("This embed is to be looked at: open it in the playground to act.".into());
        }
        self.mode != Mode::View
    }

    fn resize(&mut self, width: f64, height: f64, narrow: bool) {
        if self.size == (width, height) && self.narrow == narrow {
            return;
        }
        self.size = (width, height);
        self.narrow = narrow;
        // Also fits, but not below a moving pointer.
        self.stage();
        self.redraw = Redraw { page: true, paint: true };
    }

    /// The middle of the canvas, px.
    pub fn middle(&self) -> Point {
        point(self.size.0 / 2.0, self.size.1 / 2.0)
    }

    /// Looks elsewhere, by hand.
    pub fn look(&mut self, camera: Camera) {
        self.camera = camera;
        self.fitted = false;
        self.redraw.paint = true;
    }

    /// Shows everything, and goes on doing so.
    pub fn fit(&mut self) {
        self.fitted = true;
        self.redraw.paint = true;
        self.camera = if self.narrow {
            Camera::default()
        } else {
            // Nothing comes to stand under the zoom buttons below.
            Camera::fitting(self.scene.bounds(), self.size.0, self.size.1 - 20.0, 36.0)
        };
    }

    /// Shows the selected cards.
    pub fn fit_selection(&mut self) {
        let rects =
            self.scene.nodes.iter().filter(|node| self.selection.contains(&CanvasItem::Node(node.id.to_string())));
        if let Some(bounds) = rects.map(|node| node.rect).reduce(|a, b| a.union(&b)) {
            self.look(Camera::fitting(Rect::grown(&bounds, 40.0), self.size.0, self.size.1, 36.0));
        }
    }

    /// How what is selected stands in the run.
    pub fn condition(&self, item: Option<&CanvasItem>) -> ItemCondition {
        match item {
            None => ItemCondition::default(),
            Some(CanvasItem::Node(id)) => {
                let Some(node) = self.scene.find(id) else { return ItemCondition::default() };
                let active_faults = self.run.faults_of(node);
                ItemCondition { active_faults, ..ItemCondition::of(self.run.services.get(node).map(Rc::as_ref)) }
            }
            Some(CanvasItem::Link { from, to }) => {
                let Some((a, b)) = self.scene.find(from).zip(self.scene.find(to)) else {
                    return ItemCondition::default();
                };
                let (cut, disturbed) = (self.run.is_cut(a, b), self.run.is_disturbed(a, b));
                let active_faults = if disturbed { "disturbed".into() } else { String::new() };
                ItemCondition { cut, disturbed, active_faults, ..ItemCondition::default() }
            }
        }
    }

    /// Selects exactly this.
    pub fn select(&mut self, items: BTreeSet<CanvasItem>) {
        if *self.selection == items {
            return;
        }
        let writer = self.writer();
        self.selection = Rc::new(items);
        if writer != self.writer() {
            // The publish button goes along, but the drawing does not jump for that.
            let fitted = std::mem::replace(&mut self.fitted, false);
            self.stage();
            self.fitted = fitted;
        }
        self.redraw.page = true;
    }

    /// The name of a node for people.
    pub fn name_of(&self, node: usize) -> Rc<str> {
        self.scene.nodes.get(node).map_or_else(|| "?".into(), |placed| placed.name.clone())
    }

    /// Whether the log, the verdicts or the branches are on the page.
    pub fn panel_open(&self) -> bool {
        self.log.open || self.verdicts.open || self.branching
    }

    /// What the inspector is about, if it is one thing.
    pub fn inspected(&self) -> Option<CanvasItem> {
        if self.selection.len() == 1 { self.selection.first().cloned() } else { None }
    }

    /// Whether the inspector is on the page: of what is selected, or of the scenario, where it was asked for.
    pub fn inspector_open(&self) -> bool {
        // Over a menu there is no room for it on a phone.
        let hidden = self.narrow && self.menu.is_some();
        self.has_tools() && !hidden && (self.inspecting || self.inspected().is_some())
    }

    /// The node whose inside the inspector shows.
    pub fn internals_node(&self) -> Option<NodeId> {
        if self.inspector_open() {
            internals::about(&self.scenario, &self.scene, self.inspected().as_ref())
        } else {
            None
        }
    }

    /// Whether there are palette and inspector.
    pub fn has_tools(&self) -> bool {
        self.mode.edits() && self.controls == Controls::Full
    }

    /// Whether what the scenario is about is on the page, in the inspector's place: beside the log, and on a phone, there is
    /// no room for it.
    pub fn about_open(&self) -> bool {
        self.has_tools() && !self.inspector_open() && !self.narrow && !self.panel_open()
    }

    /// The service that the verdicts are about; empty for all.
    pub fn examined(&self) -> Rc<str> {
        self.verdicts.node.map_or_else(|| "".into(), |node| self.name_of(node.index()))
    }

    /// What a node is.
    pub fn kind_of(&self, node: usize) -> Option<NodeKind> {
        self.scene.nodes.get(node).map(|placed| placed.kind)
    }
}
