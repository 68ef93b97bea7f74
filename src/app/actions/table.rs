//! The table of the page's actions.

use super::action::{Action, ActionGroup, ActionId};
use crate::app::diagram::DiagramMsg;
use crate::app::faults::CardFault;
use crate::app::gesture::Tool;
use crate::app::keys::Shortcut;
use crate::app::model::{
    DocumentMsg, DrawingsMsg, InPlaceMsg, KeyboardMsg, LessonMsg, LiveMsg, LogMsg, Mode, Model, Msg, Origin, PanelsMsg,
    PlaybackMsg, PointerMsg, PreferencesMsg, SelectionMsg, SharingMsg, TaskMsg, VerdictsMsg, ViewportMsg,
};
use crate::app::outline::OutlineMsg;
use crate::app::scene::NodeKind;
use crate::scenario::Command;

fn edits(model: &Model) -> bool {
    model.mode.edits() && model.document.origin == Origin::Own
}

fn publishes(model: &Model) -> bool {
    model.mode != Mode::View && !model.locked.publish
}

fn injects(model: &Model) -> bool {
    model.mode != Mode::View && !model.locked.faults
}

fn edits_value(model: &Model) -> bool {
    publishes(model) && !model.target_nodes().is_empty()
}

fn acts_on_card(model: &Model) -> bool {
    injects(model) && !model.target_nodes().is_empty()
}

fn edits_selection(model: &Model) -> bool {
    edits(model) && !model.selected_nodes().is_empty()
}

fn has_run(model: &Model) -> bool {
    model.end_of_run() > 0
}

const fn key(key: &'static str) -> Shortcut {
    Shortcut::new(key)
}

const PLAYBACK: ActionGroup = ActionGroup::Playback;
const RUN: ActionGroup = ActionGroup::Run;
const DRAWING: ActionGroup = ActionGroup::Drawing;
const VIEW: ActionGroup = ActionGroup::View;
const PAGE: ActionGroup = ActionGroup::Page;

/// All actions, in the order of the help.
pub static ACTIONS: &[Action] = &[
    Action::new(PLAYBACK, ActionId::Play, "Play", "Play or pause", &[key(" ")], || Msg::Playback(PlaybackMsg::Toggle))
        .on_if(|model| model.playback.playing()),
    Action::new(PLAYBACK, ActionId::Step, "Next event", "Go to the next event", &[key(".")], || {
        Msg::Playback(PlaybackMsg::Step)
    })
    .enabled_if(has_run),
    Action::new(PLAYBACK, ActionId::StepBack, "Previous event", "Go to the previous event", &[key(",")], || {
        Msg::Playback(PlaybackMsg::StepBack)
    })
    .enabled_if(has_run),
    Action::new(
        PLAYBACK,
        ActionId::NextMark,
        "Next mark",
        "Go to the next mark of the timeline",
        &[key(".").shift()],
        || Msg::Playback(PlaybackMsg::Mark { forward: true }),
    )
    .enabled_if(has_run),
    Action::new(
        PLAYBACK,
        ActionId::PreviousMark,
        "Previous mark",
        "Go to the previous mark of the timeline",
        &[key(",").shift()],
        || Msg::Playback(PlaybackMsg::Mark { forward: false }),
    )
    .enabled_if(has_run),
    Action::new(PLAYBACK, ActionId::Start, "Start", "Go to the start of the run", &[key("Home")], || {
        Msg::Playback(PlaybackMsg::Seek(0))
    })
    .enabled_if(has_run),
    Action::new(PLAYBACK, ActionId::End, "End", "Go to the end of the run", &[key("End")], || {
        Msg::Playback(PlaybackMsg::SeekEnd)
    })
    .enabled_if(has_run),
    Action::new(PLAYBACK, ActionId::Slower, "Slower", "Play at a lower speed", &[key("[")], || {
        Msg::Playback(PlaybackMsg::ShiftSpeed { faster: false })
    }),
    Action::new(PLAYBACK, ActionId::Faster, "Faster", "Play at a higher speed", &[key("]")], || {
        Msg::Playback(PlaybackMsg::ShiftSpeed { faster: true })
    }),
    Action::new(PLAYBACK, ActionId::Reset, "Reset", "Discard the live commands and go to the start", &[], || {
        Msg::Playback(PlaybackMsg::Reset)
    }),
    Action::new(PLAYBACK, ActionId::Extend, "+5 s", "Let the run last 5 s longer, and play", &[], || {
        Msg::Document(DocumentMsg::Extend)
    })
    .enabled_if(|model| model.playback.at_end()),
    Action::new(RUN, ActionId::Publish, "Publish update", "Publish an update", &[key("P")], || {
        Msg::Live(LiveMsg::Publish)
    })
    .enabled_if(|model| publishes(model) && model.writer().is_some()),
    Action::new(RUN, ActionId::CrashCard, "Crash", "Crash the selected nodes, or restart them", &[key("C")], || {
        Msg::Live(LiveMsg::Fault(CardFault::Crash, None))
    })
    .enabled_if(acts_on_card),
    Action::new(
        RUN,
        ActionId::FreezeCard,
        "Freeze node",
        "Freeze the selected nodes, or unfreeze them",
        &[key("F")],
        || Msg::Live(LiveMsg::Fault(CardFault::Freeze, None)),
    )
    .enabled_if(acts_on_card),
    Action::new(
        RUN,
        ActionId::HealCard,
        "Heal",
        "Heal all faults of the selected nodes and their links",
        &[key("H")],
        || Msg::Live(LiveMsg::Fault(CardFault::Heal, None)),
    )
    .enabled_if(acts_on_card),
    Action::new(RUN, ActionId::HealAll, "Heal everything", "Heal all faults", &[], || {
        Msg::Live(LiveMsg::Execute(Command::HealAll))
    })
    .enabled_if(injects),
    Action::new(RUN, ActionId::EditValue, "Edit a value", "Edit a value on the focused card", &[key("V")], || {
        Msg::InPlace(InPlaceMsg::StartFocused)
    })
    .enabled_if(edits_value),
    Action::new(DRAWING, ActionId::Undo, "Undo", "Undo the last change", &[key("Z").control()], || {
        Msg::Document(DocumentMsg::Undo)
    })
    .enabled_if(|model| model.document.can_undo()),
    Action::new(
        DRAWING,
        ActionId::Redo,
        "Redo",
        "Redo the change that was undone last",
        &[key("Z").control().shift(), key("Y").control()],
        || Msg::Document(DocumentMsg::Redo),
    )
    .enabled_if(|model| model.document.can_redo()),
    Action::new(DRAWING, ActionId::SelectAll, "Select all", "Select all cards", &[key("A").control()], || {
        Msg::Selection(SelectionMsg::SelectAll)
    }),
    Action::new(
        DRAWING,
        ActionId::Select,
        "Select",
        "Select the focused card; rename it if it is selected; edit the latency of a selected link",
        &[key("Enter")],
        || Msg::Keyboard(KeyboardMsg::Enter),
    ),
    Action::new(
        DRAWING,
        ActionId::Cancel,
        "Cancel",
        "Cancel the gesture, close the menu, put down the tool, or deselect",
        &[key("Escape")],
        || Msg::Keyboard(KeyboardMsg::Escape),
    ),
    Action::new(DRAWING, ActionId::Rename, "Rename", "Rename the focused card", &[key("F2")], || {
        Msg::Selection(SelectionMsg::RenameFocused)
    })
    .enabled_if(edits),
    Action::new(
        DRAWING,
        ActionId::Delete,
        "Delete",
        "Delete the selection or the focused card",
        &[key("Delete"), key("Backspace")],
        || Msg::Document(DocumentMsg::Delete),
    )
    .enabled_if(edits),
    Action::new(
        DRAWING,
        ActionId::Duplicate,
        "Duplicate",
        "Duplicate the selected cards",
        &[key("D").control()],
        || Msg::Document(DocumentMsg::Duplicate),
    )
    .enabled_if(edits_selection),
    Action::new(DRAWING, ActionId::Copy, "Copy", "Copy the selected cards", &[key("C").control()], || {
        Msg::Selection(SelectionMsg::Copy)
    })
    .enabled_if(|model| !model.selected_nodes().is_empty()),
    Action::new(
        DRAWING,
        ActionId::Cut,
        "Cut cards",
        "Copy the selected cards and delete them",
        &[key("X").control()],
        || Msg::Document(DocumentMsg::Cut),
    )
    .enabled_if(edits_selection),
    Action::new(DRAWING, ActionId::Paste, "Paste", "Paste the copied cards", &[key("V").control()], || {
        Msg::Document(DocumentMsg::Paste)
    })
    .enabled_if(|model| edits(model) && model.selection.has_clipboard()),
    Action::new(DRAWING, ActionId::AddService, "Add a service", "Add a service", &[key("1")], || {
        add(NodeKind::Service)
    })
    .enabled_if(edits),
    Action::new(DRAWING, ActionId::AddBus, "Add a bus", "Add an event bus", &[key("2")], || add(NodeKind::Bus))
        .enabled_if(edits),
    Action::new(DRAWING, ActionId::AddClient, "Add a client", "Add a client", &[key("3")], || add(NodeKind::Client))
        .enabled_if(edits),
    Action::new(DRAWING, ActionId::AddGroup, "Add a replica group", "Add a replica group", &[key("4")], || {
        add(NodeKind::Group)
    })
    .enabled_if(edits),
    Action::new(
        DRAWING,
        ActionId::Connect,
        "Connect",
        "Connect: click a card, then another, or press Enter on both",
        &[key("5")],
        || Msg::Pointer(PointerMsg::TakeTool(Tool::Connect { from: None })),
    )
    .enabled_if(edits)
    .on_if(|model| matches!(model.pointer.tool, Tool::Connect { .. })),
    Action::new(
        RUN,
        ActionId::Scissors,
        "Cut",
        "Cut or heal links: click them, or draw a line across them",
        &[key("6")],
        || Msg::Pointer(PointerMsg::TakeTool(Tool::Cut)),
    )
    .enabled_if(injects)
    .on_if(|model| model.pointer.tool == Tool::Cut),
    Action::new(DRAWING, ActionId::Tidy, "Tidy up", "Lay out all cards", &[key("7")], || {
        Msg::Document(DocumentMsg::Tidy)
    })
    .enabled_if(edits),
    Action::new(VIEW, ActionId::ZoomIn, "Zoom in", "Zoom in", &[key("="), key("+")], || {
        Msg::Viewport(ViewportMsg::Zoom(1.25))
    }),
    Action::new(VIEW, ActionId::ZoomOut, "Zoom out", "Zoom out", &[key("-")], || Msg::Viewport(ViewportMsg::Zoom(0.8))),
    Action::new(VIEW, ActionId::ZoomActual, "Zoom to 100 %", "Zoom to 100 %", &[key("0")], || {
        Msg::Viewport(ViewportMsg::ZoomActual)
    }),
    Action::new(VIEW, ActionId::Fit, "Fit", "Fit the whole drawing into the canvas", &[key("1").shift()], || {
        Msg::Viewport(ViewportMsg::Fit)
    }),
    Action::new(
        VIEW,
        ActionId::FitSelection,
        "Fit the selection",
        "Fit the selected cards into the canvas",
        &[key("2").shift()],
        || Msg::Viewport(ViewportMsg::FitSelection),
    )
    .enabled_if(|model| !model.selected_nodes().is_empty()),
    Action::new(VIEW, ActionId::Map, "Map", "Open or close the map of a large drawing", &[key("M")], || {
        Msg::Panels(PanelsMsg::ToggleMap)
    })
    .enabled_if(Model::has_map)
    .on_if(|model| !model.panels.map_closed),
    Action::new(
        PAGE,
        ActionId::Outline,
        "Outline",
        "Open or close the outline: the canvas as tables",
        &[key("O")],
        || Msg::Outline(OutlineMsg::Toggle),
    )
    .on_if(|model| model.outline.open),
    Action::new(PAGE, ActionId::Diagram, "Diagram", "Open or close the space-time diagram", &[], || {
        Msg::Diagram(DiagramMsg::Toggle)
    })
    .on_if(|model| model.diagram.open),
    Action::new(PAGE, ActionId::Branches, "Branches", "Open or close the list of branches", &[], || {
        Msg::Panels(PanelsMsg::ToggleBranches)
    })
    .on_if(|model| model.panels.branches),
    Action::new(PAGE, ActionId::Verdicts, "Verdicts", "Open or close the verdicts", &[], || {
        Msg::Verdicts(VerdictsMsg::Toggle)
    })
    .enabled_if(|model| !model.hidden.verdicts)
    .on_if(|model| model.verdicts.open),
    Action::new(PAGE, ActionId::Log, "Log", "Open or close the log", &[], || Msg::Log(LogMsg::Toggle))
        .enabled_if(|model| !model.hidden.log)
        .on_if(|model| model.log.open),
    Action::new(
        PAGE,
        ActionId::Menu,
        "Open the menu",
        "Open the menu of the focused card",
        &[key("F10").shift(), key("ContextMenu")],
        || Msg::Keyboard(KeyboardMsg::Menu),
    ),
    Action::new(
        PAGE,
        ActionId::EditScenario,
        "Edit the scenario",
        "Edit the scenario: title, note, seed, script",
        &[],
        || Msg::Panels(PanelsMsg::InspectScenario),
    )
    .enabled_if(Model::has_tools),
    Action::new(PAGE, ActionId::Lesson, "Lesson", "Open or close the lesson on eventual consistency", &[], || {
        Msg::Lesson(LessonMsg::Toggle)
    })
    .on_if(Model::shows_lesson),
    Action::new(PAGE, ActionId::Task, "Task", "Show or hide the task of this drawing", &[], || {
        Msg::Task(TaskMsg::Toggle)
    })
    .enabled_if(|model| model.task().is_some())
    .on_if(Model::shows_task),
    Action::new(PAGE, ActionId::Share, "Share", "Share the run as a link or a file", &[], || {
        Msg::Sharing(SharingMsg::Open(true))
    })
    .enabled_if(|model| !model.hidden.share),
    Action::new(PAGE, ActionId::Theme, "Theme", "Switch between the system's theme, dark and light", &[], || {
        Msg::Preferences(PreferencesMsg::NextTheme)
    }),
    Action::new(PAGE, ActionId::Language, "Language", "Show the page in the next language", &[], || {
        Msg::Preferences(PreferencesMsg::NextLanguage)
    }),
    Action::new(PAGE, ActionId::Legend, "Legend", "Show what shapes mean, and hide kinds of messages", &[], || {
        Msg::Panels(PanelsMsg::ToggleLegend)
    })
    .on_if(|model| model.panels.legend),
    Action::new(PAGE, ActionId::Help, "Help", "Show keys, gestures and motion", &[key("?")], || {
        Msg::Panels(PanelsMsg::ToggleHelp)
    })
    .on_if(|model| model.panels.help),
    Action::new(PAGE, ActionId::Commands, "Actions", "Find and execute any action", &[key("K").control()], || {
        Msg::Panels(PanelsMsg::ToggleCommands)
    })
    .on_if(|model| model.panels.commands),
    Action::new(PAGE, ActionId::FileMenu, "File", "Open the menu of files: new, open, save", &[], || {
        Msg::Panels(PanelsMsg::OpenFileMenu)
    }),
    Action::new(
        PAGE,
        ActionId::MyDrawings,
        "Open…",
        "Open one of my drawings, or a file",
        &[key("O").control()],
        || Msg::Drawings(DrawingsMsg::ToggleDialog),
    )
    .on_if(|model| model.drawings.open),
    Action::new(PAGE, ActionId::Save, "Save", "Keep the drawing in this browser", &[key("S").control()], || {
        Msg::Drawings(DrawingsMsg::Save)
    }),
    Action::new(
        PAGE,
        ActionId::SaveCopy,
        "Save a copy",
        "Keep the drawing under another name, and edit that",
        &[],
        || Msg::Drawings(DrawingsMsg::SaveCopy),
    )
    .enabled_if(|model| model.mode == Mode::App),
    Action::new(PAGE, ActionId::Download, "Save as a file", "Save the drawing as a JSON file", &[], || {
        Msg::Drawings(DrawingsMsg::Download)
    }),
    Action::new(PAGE, ActionId::NewDrawing, "New", "Open an empty drawing", &[], || {
        Msg::Document(DocumentMsg::OpenEmpty)
    }),
    Action::new(PAGE, ActionId::OtherDrawing, "Previous drawing", "Open your previous drawing", &[], || {
        Msg::Document(DocumentMsg::OpenOther)
    }),
    Action::new(
        PAGE,
        ActionId::Examples,
        "Examples",
        "Choose an example by picture, subject and level",
        &[key("E")],
        || Msg::Panels(PanelsMsg::ToggleExamples),
    )
    .on_if(|model| model.panels.examples),
];

fn add(kind: NodeKind) -> Msg {
    Msg::Document(DocumentMsg::Add { kind, at: None })
}
