//! Panels, menus and dialogs: which ones are open, and their subjects.

use super::{CanvasItem, Controls, Effect, Model, Redraw};
use crate::app::faults::ItemCondition;
use crate::app::geometry::{Point, point};
use crate::app::minimap::FEW_CARDS;
use crate::app::timeline_rows::TimelineRows;
use crate::app::{drawing, internals};
use crate::session::protocol::FaultKind;
use crate::trace::NodeId;
use std::collections::BTreeSet;
use std::rc::Rc;

/// An open context menu.
#[derive(Clone, Debug, PartialEq)]
pub struct ContextMenu {
    /// Where it was opened, in px from the canvas's corner.
    pub at: Point,
    /// The item that it is about; the canvas if absent.
    pub item: Option<CanvasItem>,
    /// Whether it is the menu of files.
    pub is_file: bool,
}

/// The panels that are open. Panels with much state have separate parts of the model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Panels {
    /// The open context menu.
    pub menu: Option<ContextMenu>,
    /// Whether the menu **More** is open, with the actions that have no button on a small page.
    pub more: bool,
    /// Whether the legend is open.
    pub legend: bool,
    /// Whether the visitor has closed the map of a large drawing.
    pub map_closed: bool,
    /// The large groups whose members have rows in the timeline.
    pub open_rows: BTreeSet<String>,
    /// Whether the whole note of the scenario is shown.
    pub note_open: bool,
    /// Whether the visitor has closed the description of the scenario.
    pub caption_closed: bool,
    /// Whether the help dialog is open.
    pub help: bool,
    /// Whether the command palette is open.
    pub commands: bool,
    /// Whether the gallery of examples is open.
    pub examples: bool,
    /// Whether the list of branches is open.
    pub branches: bool,
    /// Whether the inspector shows the scenario, although nothing is selected.
    pub scenario_inspector: bool,
}

/// Opens and closes panels, menus and dialogs.
#[derive(Clone, Debug, PartialEq)]
pub enum PanelsMsg {
    /// Close the notice.
    DismissNotice,
    /// Open the menu of files: new, open, save.
    OpenFileMenu,
    /// Open the context menu of a card, a link or the canvas.
    OpenMenu {
        /// Where, in px from the canvas's corner.
        at: Point,
        /// The item whose menu opens. If absent, it is the link at that point or the canvas.
        item: Option<CanvasItem>,
    },
    /// Close the context menu.
    CloseMenu,
    /// Open or close the menu with all that has no button on a small page.
    ToggleMore,
    /// Open or close the legend.
    ToggleLegend,
    /// Open or close the map of a large drawing.
    ToggleMap,
    /// Show or hide the rows of a large group's members in the timeline.
    ToggleRows(String),
    /// Show the whole note of the scenario, or its first line.
    ToggleNote,
    /// Close the description of the scenario.
    CloseCaption,
    /// Open the help, or close it if it is open.
    ToggleHelp,
    /// Close the help.
    CloseHelp,
    /// Show the scenario in the inspector.
    InspectScenario,
    /// Open the command palette, or close it.
    ToggleCommands,
    /// Close the command palette.
    CloseCommands,
    /// Open the gallery of examples, or close it.
    ToggleExamples,
    /// Close the gallery of examples.
    CloseExamples,
    /// Show a step of the script in the inspector.
    InspectStep(usize),
    /// Open or close the list of branches.
    ToggleBranches,
    /// Give the focus to the element with this id, a panel that has just opened.
    Focus(&'static str),
}

impl Model {
    pub(super) fn update_panels(&mut self, msg: PanelsMsg, effects: &mut Vec<Effect>) {
        match msg {
            PanelsMsg::DismissNotice => self.dismiss_notice(),
            PanelsMsg::OpenFileMenu => {
                self.panels.menu = Some(ContextMenu { at: point(8.0, 8.0), item: None, is_file: true });
            }
            PanelsMsg::OpenMenu { at, item } => self.open_menu(at, item),
            PanelsMsg::CloseMenu => self.close_menu(effects),
            PanelsMsg::ToggleMore => self.panels.more = !self.panels.more,
            PanelsMsg::ToggleLegend => self.panels.legend = !self.panels.legend,
            PanelsMsg::ToggleMap => self.panels.map_closed = !self.panels.map_closed,
            PanelsMsg::ToggleRows(group) => {
                if !self.panels.open_rows.remove(&group) {
                    self.panels.open_rows.insert(group);
                }
                self.redraw.paint = true;
            }
            PanelsMsg::ToggleNote => self.panels.note_open = !self.panels.note_open,
            PanelsMsg::CloseCaption => self.panels.caption_closed = true,
            PanelsMsg::ToggleHelp => self.panels.help = !self.panels.help,
            PanelsMsg::ToggleCommands => self.panels.commands = !self.panels.commands,
            PanelsMsg::ToggleExamples => self.panels.examples = !self.panels.examples,
            PanelsMsg::CloseHelp => self.panels.help = false,
            PanelsMsg::CloseCommands => self.panels.commands = false,
            PanelsMsg::CloseExamples => self.panels.examples = false,
            PanelsMsg::InspectScenario => {
                self.select(BTreeSet::new());
                self.panels.scenario_inspector = true;
            }
            PanelsMsg::InspectStep(step) => {
                self.select(BTreeSet::new());
                self.panels.scenario_inspector = true;
                effects.push(Effect::FocusElement(format!("field-script-{step}-at_ms")));
            }
            PanelsMsg::Focus(id) => effects.push(Effect::FocusElement(id.into())),
            PanelsMsg::ToggleBranches => {
                self.open_panel(!self.panels.branches, |model| &mut model.panels.branches);
            }
        }
        self.redraw.page = true;
    }

    /// Closes the context menu. The focus returns to its card, or to the canvas.
    fn close_menu(&mut self, effects: &mut Vec<Effect>) {
        let Some(menu) = self.panels.menu.take() else { return };
        // A chosen entry may have moved the focus already, or may rename the card.
        if self.selection.renaming.is_none() && !self.outline.open {
            effects.push(match menu.item {
                Some(CanvasItem::Node(id)) => Effect::Focus(id),
                Some(CanvasItem::Link { .. }) | None => Effect::FocusCanvas,
            });
        }
    }

    /// Opens or closes a panel beside the canvas. There is room for one, so the others are closed.
    pub(super) fn open_panel(&mut self, open: bool, panel: fn(&mut Model) -> &mut bool) {
        (self.log.open, self.verdicts.open, self.panels.branches) = (false, false, false);
        *panel(self) = open;
        self.redraw = Redraw { page: true, paint: true };
    }

    /// Opens the context menu of a card, of the link at that point, or of the canvas.
    pub(super) fn open_menu(&mut self, at: Point, item: Option<CanvasItem>) {
        let item = item.or_else(|| self.link_at(at));
        if let Some(item) = item.as_ref().filter(|item| !self.selection.items.contains(*item)) {
            self.select_quietly([item.clone()].into());
        }
        self.panels.menu = Some(ContextMenu { at, item, is_file: false });
        self.redraw.page = true;
    }

    /// Returns whether the log, the verdicts or the branches are open.
    pub fn panel_open(&self) -> bool {
        self.log.open || self.verdicts.open || self.panels.branches
    }

    /// Returns the item that the inspector is about, if exactly one is selected.
    pub fn inspected(&self) -> Option<CanvasItem> {
        if self.selection.items.len() == 1 { self.selection.items.first().cloned() } else { None }
    }

    /// Returns the nodes that the inspector is about, if several of one kind are selected and nothing else.
    pub fn inspected_nodes(&self) -> Vec<String> {
        let nodes = self.selected_nodes();
        let kind = |id: &String| drawing::kind(&self.document.scenario, id);
        let is_same = nodes.iter().all(|id| kind(id).is_some() && kind(id) == nodes.first().and_then(kind));
        if nodes.len() > 1 && nodes.len() == self.selection.items.len() && is_same { nodes } else { Vec::new() }
    }

    /// Returns whether the inspector is open, for the selected item or for the scenario.
    pub fn inspector_open(&self) -> bool {
        // On a phone, the menu leaves no room for it.
        let is_covered = self.viewport.narrow && self.panels.menu.is_some();
        let is_about =
            || !self.selection.is_quiet && (self.inspected().is_some() || !self.inspected_nodes().is_empty());
        self.has_tools() && !self.hidden.inspector && !is_covered && (self.panels.scenario_inspector || is_about())
    }

    /// Returns whether the lesson is visible. On a phone, the inspector covers it.
    pub fn shows_lesson(&self) -> bool {
        self.lesson.is_open && !self.covers_text()
    }

    /// Returns the titles of the step and of the lesson, if it is visible.
    pub fn lesson_title(&self) -> Option<String> {
        let page = self.lesson.page().filter(|_| self.shows_lesson())?;
        Some(format!("{} · {}", page.steps.get(self.lesson.step)?.title, page.title))
    }

    /// Returns whether a lesson or a task is open, even if the inspector covers it.
    pub fn has_text(&self) -> bool {
        self.lesson.is_open || self.tasks.is_open && self.task().is_some() && self.failure.is_none()
    }

    /// Returns whether the inspector covers the lesson or the task.
    pub(super) fn covers_text(&self) -> bool {
        self.viewport.narrow && self.inspector_open()
    }

    /// Closes the inspector if it covers the lesson or the task.
    pub(super) fn uncover_text(&mut self) {
        if self.covers_text() {
            self.select(BTreeSet::new());
            self.panels.scenario_inspector = false;
        }
    }

    /// Returns the node whose internals the inspector shows.
    pub fn internals_node(&self) -> Option<NodeId> {
        let item = self.inspected().filter(|_| self.inspector_open());
        internals::about(&self.document.scenario, &self.scene, item.as_ref())
    }

    /// Returns whether the drawing is large enough for a map. A phone has no room for it.
    pub fn has_map(&self) -> bool {
        self.scene.nodes.len() > FEW_CARDS && !self.viewport.narrow && self.controls == Controls::Full
    }

    /// Returns whether the page has palette and inspector.
    pub fn has_tools(&self) -> bool {
        self.mode.edits() && self.controls == Controls::Full
    }

    /// Returns the rows of the timeline.
    pub fn timeline_rows(&self) -> TimelineRows {
        TimelineRows::new(&self.document.scenario, &self.panels.open_rows, self.viewport.unit)
    }

    /// Returns the name of a node.
    pub fn name_of(&self, node: usize) -> Rc<str> {
        self.scene.nodes.get(node).map_or_else(|| "?".into(), |placed| placed.name.clone())
    }

    /// Returns the name of the card with this id, or the id if it has none.
    pub fn name_of_id(&self, id: &str) -> Rc<str> {
        self.scene.find(id).map_or_else(|| id.into(), |node| self.name_of(node))
    }

    /// Returns the condition of an item in the run.
    pub fn condition(&self, item: Option<&CanvasItem>) -> ItemCondition {
        match item {
            None => ItemCondition::default(),
            Some(CanvasItem::Node(id)) => {
                let Some(node) = self.scene.find(id) else { return ItemCondition::default() };
                let active_faults = self.run.active_faults_of(node).collect();
                ItemCondition { active_faults, ..ItemCondition::of(self.run.services.get(node).map(Rc::as_ref)) }
            }
            Some(CanvasItem::Link { from, to }) => {
                let Some((a, b)) = self.scene.find(from).zip(self.scene.find(to)) else {
                    return ItemCondition::default();
                };
                let (cut, disturbed) = (self.run.is_cut(a, b), self.run.is_disturbed(a, b));
                let active_faults = if disturbed { vec![FaultKind::Disturbed] } else { Vec::new() };
                ItemCondition { cut, disturbed, active_faults, ..ItemCondition::default() }
            }
        }
    }
}
