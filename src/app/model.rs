//! The page's state. It changes only in [`update`], which returns the effects that the browser must execute.
//!
//! Each submodule has one concern: its part of the model, its messages and its update.

mod branches;
mod document;
mod drawings;
mod edits;
mod engine;
mod gestures;
mod history;
mod in_place;
mod keyboard;
mod lesson;
mod live;
mod log;
mod msg;
mod next_update;
mod notices;
mod outline;
mod panels;
mod playback;
mod pointer;
mod preferences;
mod recovery;
mod reset;
mod selection;
mod sharing;
mod tab_record;
mod task;
mod verdicts;
mod viewport;

pub use self::branches::BranchDrawings;
pub use self::document::{Document, DocumentMsg, FIRST_ADDRESS, NEW_ADDRESS, Opening, Origin};
pub use self::drawings::{Drawings, DrawingsMsg, SaveState};
pub use self::edits::new_card;
pub use self::history::History;
pub use self::in_place::{InPlace, InPlaceMsg};
pub use self::keyboard::KeyboardMsg;
pub use self::lesson::LessonMsg;
pub use self::live::LiveMsg;
pub use self::log::LogMsg;
pub use self::msg::{Effect, Msg};
pub use self::notices::{NoticeAction, Notices};
pub use self::panels::{ContextMenu, Panels, PanelsMsg};
pub use self::playback::PlaybackMsg;
pub use self::pointer::{Pointer, PointerMsg};
pub use self::preferences::{
    KEPT_CODE, KEPT_HINTS, KEPT_KEYS, KEPT_LANGUAGE, KEPT_LAST, KEPT_LESSONS, KEPT_MOTION, KEPT_TAB, KEPT_TASKS,
    KEPT_THEME, KEPT_WORK, Preferences, PreferencesMsg, Theme,
};
pub use self::recovery::{Crash, RunRecord};
pub use self::selection::{Clipboard, Selection, SelectionMsg};
pub use self::sharing::{FileSlice, SharedRun, Sharing, SharingMsg};
pub use self::tab_record::TabRecord;
pub use self::task::TaskMsg;
pub use self::verdicts::VerdictsMsg;
pub use self::viewport::{MESSAGE_GROUPS, MessageGroup, Sizes, Viewport, ViewportMsg};
pub use super::canvas_item::CanvasItem;
pub use super::gesture::Tool;

use super::chrome::{Hidden, Locked};
use super::diagram::Diagram;
use super::gesture::Gesture;
use super::host_feed::HostFeed;
use super::internals::InternalsView;
use super::lesson_view::LessonView;
use super::log_view::LogView;
use super::measurement::Measurement;
use super::outline::Outline;
use super::playback::Playback;
use super::run_view::RunView;
use super::scene::{Layout, Scene};
use super::task_view::TaskView;
use super::time_view::TimeView;
use super::verdicts_view::VerdictsView;
use crate::scenario::Scenario;
use crate::session::protocol::{BranchCommand, BranchList, Request};
use crate::text;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The purpose of the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// The playground.
    #[default]
    App,
    /// An embed that only plays.
    View,
    /// An embed in which updates are published and faults injected, but the drawing does not change.
    Play,
    /// An embed in which the drawing may be changed; the browser does not keep it.
    Edit,
}

impl Mode {
    /// Returns whether the page is a frame in another page.
    pub fn is_embed(self) -> bool {
        self != Mode::App
    }

    /// Returns whether the drawing may be changed.
    pub fn edits(self) -> bool {
        matches!(self, Mode::App | Mode::Edit)
    }
}

/// The visible controls of an embed. The playground has all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Controls {
    /// Canvas, playback controls and timeline; palette and inspector if the drawing may be changed.
    #[default]
    Full,
    /// Canvas and playback controls.
    Transport,
    /// The canvas only.
    None,
}

/// The parts of the page that must be drawn again. The page resets it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Redraw {
    /// The components.
    pub page: bool,
    /// The layers that are painted by hand: messages, timeline, clock.
    pub paint: bool,
}

/// The page's state.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// The purpose of the page.
    pub mode: Mode,
    /// The visible controls.
    pub controls: Controls,
    /// The parts of the page that an embed hides.
    pub hidden: Hidden,
    /// The actions that the visitor of an embed cannot execute.
    pub locked: Locked,
    /// Why the address could not be opened, if the page therefore shows no drawing.
    pub failure: Option<String>,
    /// The drawing and its history.
    pub document: Document,
    /// The visitor's drawings in the browser.
    pub drawings: Drawings,
    /// The run.
    pub run: RunView,
    /// The clock of the run, and the requests to the engine.
    pub playback: Playback,
    /// The places of cards and links on the canvas.
    pub scene: Rc<Scene>,
    /// The visible part of the canvas.
    pub viewport: Viewport,
    /// The selection, and the item on which the keyboard acts.
    pub selection: Selection,
    /// The tool and the gesture in progress.
    pub pointer: Pointer,
    /// The log.
    pub log: LogView,
    /// The measurement of a group under each consistency level.
    pub measurement: Measurement,
    /// The verdicts.
    pub verdicts: VerdictsView,
    /// The internals of the selected member, client or group.
    pub internals: InternalsView,
    /// The space-time diagram.
    pub diagram: Diagram,
    /// The outline.
    pub outline: Outline,
    /// The branches of the run.
    pub branches: Rc<BranchList>,
    /// The run of the branch that is compared with the current one.
    pub compared: Option<RunView>,
    /// The drawings of the current branch and of the compared one.
    pub drawn: BranchDrawings,
    /// The part of the run that timeline and diagram show.
    pub time_view: TimeView,
    /// Messages to the visitor.
    pub notices: Notices,
    /// The crash of the engine, until it is restarted.
    pub crash: Option<Crash>,
    /// The visitor's preferences.
    pub preferences: Preferences,
    /// Links, files and exports.
    pub sharing: Sharing,
    /// Events for the host page.
    pub host: HostFeed,
    /// The lesson beside the system.
    pub lesson: LessonView,
    /// The tasks of the document.
    pub tasks: TaskView,
    /// Open panels, menus and dialogs.
    pub panels: Panels,
    /// The parts of the page that must be drawn again.
    pub redraw: Redraw,
}

/// Changes the state and returns the effects that the browser must execute.
pub fn update(model: &mut Model, msg: Msg) -> Vec<Effect> {
    update_playing(model, msg).unwrap_or_else(|action| {
        model
            .change(|model, effects| {
                model.execute_action(action, effects);
                Ok(())
            })
            .unwrap_or_default()
    })
}

/// Changes the state as [`update`] does, if the message opens a drawing, plays the run or concerns the viewport.
///
/// # Errors
/// Another message: an action of the visitor.
pub fn update_playing(model: &mut Model, msg: Msg) -> Result<Vec<Effect>, Msg> {
    model.change(|model, effects| model.try_play(msg, effects))
}

impl Model {
    /// Executes a change, and sends the next request to the engine.
    fn change(
        &mut self,
        change: impl FnOnce(&mut Model, &mut Vec<Effect>) -> Result<(), Msg>,
    ) -> Result<Vec<Effect>, Msg> {
        let mut effects = Vec::new();
        let was_playing = self.playback.playing();
        change(self, &mut effects)?;
        self.refit_changed();
        self.redraw.page |= was_playing != self.playback.playing();
        if let Some(request) = self.playback.next_request() {
            effects.push(Effect::Send(Box::new(request)));
        }
        Ok(effects)
    }

    fn try_play(&mut self, msg: Msg, effects: &mut Vec<Effect>) -> Result<(), Msg> {
        match msg {
            Msg::Engine(answer) => {
                if let Some(answer) = Rc::into_inner(answer) {
                    self.receive(answer, effects);
                }
            }
            Msg::Notify(text) => self.report_problem(text),
            Msg::Confirm(text) => self.notify(text),
            Msg::Tick(wall) => self.tick(wall),
            Msg::Drawings(DrawingsMsg::ReadToOpen(info)) => self.note_revision(&info),
            Msg::Document(DocumentMsg::OpenFirst) => self.open_first(),
            Msg::Document(DocumentMsg::Open(opening)) => self.open(*opening),
            Msg::Viewport(msg) => self.update_viewport(msg),
            Msg::Playback(msg) if msg != PlaybackMsg::Reset => self.update_playback(msg),
            action => return Err(action),
        }
        Ok(())
    }

    fn execute_action(&mut self, action: Msg, effects: &mut Vec<Effect>) {
        // What is below the pointer stays there.
        let is_pointer =
            matches!(action, Msg::Pointer(_) | Msg::Panels(_) | Msg::Document(DocumentMsg::Add { at: Some(_), .. }));
        self.dispatch(action, effects);
        let focused = effects
            .iter()
            .rev()
            .find_map(|effect| if let Effect::Focus(id) = effect { Some(id.clone()) } else { None });
        if let Some(id) = focused.filter(|_| !is_pointer && !self.outline.open) {
            self.reveal_cards(&[id]);
        }
    }

    fn dispatch(&mut self, action: Msg, effects: &mut Vec<Effect>) {
        match action {
            Msg::Playback(PlaybackMsg::Reset) => self.reset(effects),
            Msg::Engine(_) | Msg::Notify(_) | Msg::Confirm(_) | Msg::Tick(_) | Msg::Viewport(_) | Msg::Playback(_) => {}
            Msg::EngineFailed(message) => self.report_crash(message),
            Msg::RestartEngine => self.restart_engine(effects),
            Msg::Keyboard(msg) => self.update_keyboard(msg, effects),
            Msg::Document(msg) => self.update_document(msg, effects),
            Msg::Drawings(msg) => self.update_drawings(msg, effects),
            Msg::Selection(msg) => self.update_selection(msg, effects),
            Msg::InPlace(msg) => self.update_in_place(msg, effects),
            Msg::Pointer(msg) => self.update_pointer(msg, effects),
            Msg::Live(msg) => self.update_live(msg, effects),
            Msg::Branch(command) => self.command_branches(command),
            Msg::DrawBranches => self.draw_branches(),
            Msg::KeepTab { fragment, is_leaving } => {
                effects.push(Effect::KeepTab(self.tab_record(fragment, is_leaving).map(Box::new)));
            }
            Msg::Time(msg) => {
                self.time_view.update(msg, self.run.until);
                self.redraw = Redraw { page: true, paint: true };
            }
            Msg::Diagram(msg) => {
                let was_open = self.diagram.open;
                self.diagram.update(msg);
                if self.diagram.open && !was_open {
                    self.outline.open = false;
                    effects.push(Effect::FocusCanvas);
                }
                self.redraw.page = true;
            }
            Msg::Outline(msg) => self.update_outline(msg, effects),
            Msg::Verdicts(msg) => self.update_verdicts(msg),
            Msg::Log(msg) => self.update_log(msg),
            Msg::Lesson(msg) => self.update_lesson(msg, effects),
            Msg::Task(msg) => self.update_task(msg, effects),
            Msg::Measure(group) => {
                let request = self.measurement.begin(&self.document.scenario, group);
                self.playback.enqueue(request);
                self.redraw.page = true;
            }
            Msg::Sharing(msg) => self.update_sharing(msg, effects),
            Msg::Preferences(msg) => self.update_preferences(msg, effects),
            Msg::Panels(msg) => self.update_panels(msg, effects),
        }
        self.keep_left(effects);
    }

    fn command_branches(&mut self, command: BranchCommand) {
        let change = match &command {
            BranchCommand::Show(_) | BranchCommand::Compare(_) => None,
            BranchCommand::New { .. } => Some(text!("New branch")),
            BranchCommand::Rename(..) => Some(text!("Renamed a branch")),
            BranchCommand::Remove(_) => Some(text!("Deleted a branch")),
        };
        if self.mode.edits() || change.is_none() {
            if let Some(change) = change {
                self.push_step(change.into(), None);
            }
            if let BranchCommand::Remove(index) = command
                && let Some(branch) = self.branches.list.get(index as usize)
            {
                self.notify(text!("Deleted “{}”", branch.name));
            }
            self.sharing.forget_replay();
            self.playback.enqueue(Request::Branch(command));
        }
    }

    fn tick(&mut self, wall: f64) {
        self.playback.tick(wall);
        self.check_long_press(wall);
        self.speak(wall);
        self.dismiss_expired_notice(wall);
        let internals_node = self.internals_node();
        let (records, digest) = (self.run.records, &self.run.digest);
        let requests = [
            self.log.next_request(records, wall),
            self.verdicts.next_request(digest, self.explained_node(), wall),
            self.diagram.next_request(digest, self.time_view.window(self.run.until), wall),
            self.internals.next_request(internals_node, records, wall),
            self.host.next_request(records, wall),
        ];
        let lesson_requests = self.lesson.next_requests(records, self.playback.playing(), wall);
        let grading = self.tasks.next_request(self.playback.playing(), wall);
        requests
            .into_iter()
            .chain(lesson_requests)
            .chain([grading])
            .flatten()
            .for_each(|request| self.playback.enqueue(request));
    }

    /// Returns whether the model needs the next frame of the screen.
    pub fn is_moving(&self) -> bool {
        let touched = matches!(&self.pointer.gesture, Gesture::Pressed(press) if press.touch);
        let speaks = self.notices.announcer.is_pending() || self.is_notice_temporary();
        self.playback.playing() || speaks || self.panels_are_behind() || touched
    }

    fn panels_are_behind(&self) -> bool {
        let (records, digest) = (self.run.records, &self.run.digest);
        self.log.open && self.log.is_behind(records)
            || self.verdicts.is_behind(digest, self.explained_node())
            || self.diagram.is_behind(digest, self.time_view.window(self.run.until))
            || self.internals.is_behind(self.internals_node(), records)
            || self.host.is_behind(records)
            || self.lesson.is_behind(records)
            || self.tasks.is_running()
    }

    /// Returns how many rows each service's card has.
    fn row_counts(&self) -> Vec<usize> {
        let scenario = &self.document.scenario;
        if self.run.services.len() == scenario.services.len() {
            self.run.services.iter().map(|service| service.rows.len()).collect()
        } else {
            scenario.services.iter().map(|service| service.data.len()).collect()
        }
    }

    /// Computes the places of cards and links.
    fn update_scene(&mut self) {
        let scene = self.scene_of(&self.drawn_scenario());
        if *self.scene != scene {
            self.scene = Rc::new(scene);
            self.redraw = Redraw { page: true, paint: true };
        }
        self.update_compared_scene();
        // The camera must not move while the pointer drags.
        if self.viewport.fitted && matches!(self.pointer.gesture, Gesture::None) {
            self.viewport.must_refit = true;
        }
    }

    fn scene_of(&self, scenario: &Scenario) -> Scene {
        let Viewport { narrow, size, unit, .. } = self.viewport;
        let layout = if narrow { Layout::Column(size.0 / unit) } else { Layout::Free };
        let writer = if narrow { None } else { self.writer() };
        let build = |layout| Scene::new(scenario, layout, &self.row_counts(), &self.drag_offsets(), writer);
        let mut scene = build(layout);
        // If the column has too little room, a smaller drawing shows all cards at once, in the layout that shows them largest.
        if narrow && scene.bounds().bottom() > size.1 / unit {
            let scale = |scene: &Scene| self.viewport.narrow_fit(scene).scale;
            let others = [build(Layout::Free), build(Layout::Grid)];
            let least = if self.has_text() { 0.0 } else { self.viewport.least_overview(&scene) };
            let larger = others.into_iter().filter(|other| scale(other) >= least && scale(other) > scale(&scene));
            scene = larger.max_by(|a, b| scale(a).total_cmp(&scale(b))).unwrap_or(scene);
        }
        scene.place_labels(self.viewport.detail());
        scene
    }

    /// Returns how far the dragged cards are from their places in the document.
    fn drag_offsets(&self) -> BTreeMap<String, (f64, f64)> {
        let mut offsets = BTreeMap::new();
        if let Gesture::Move { ids, by, copies: false, .. } = &self.pointer.gesture {
            offsets.extend(ids.iter().map(|id| (id.clone(), *by)));
        }
        offsets
    }
}

#[cfg(test)]
mod openings;
#[cfg(test)]
pub(crate) mod test_page;
#[cfg(test)]
mod tests;
