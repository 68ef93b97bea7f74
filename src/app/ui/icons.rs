//! Icons, as strokes in the text's colour on a grid of 20.

use yew::prelude::*;

/// An icon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    /// A service.
    Service,
    /// A bus.
    Bus,
    /// A client.
    Client,
    /// A replica group.
    Group,
    /// Return to the start.
    Reset,
    /// Play.
    Play,
    /// Pause.
    Pause,
    /// The next event.
    Next,
    /// A note; also the dead-letter queue.
    Note,
    /// Close.
    Close,
    /// Scissors.
    Cut,
    /// Messages in flight.
    InFlight,
    /// No problem.
    Check,
    /// A fault.
    Fault,
    /// Undo.
    Undo,
    /// Redo.
    Redo,
    /// Share.
    Share,
    /// Light and dark.
    Theme,
    /// Help.
    Help,
    /// A link.
    Connect,
    /// The space-time diagram.
    Diagram,
    /// The verdicts.
    Verdicts,
    /// The branches.
    Branches,
    /// The log.
    Log,
    /// The outline.
    Outline,
    /// Play a part of the run again and again.
    Loop,
    /// More actions.
    More,
    /// Tidy the layout.
    Tidy,
    /// Freeze a node.
    Freeze,
    /// End faults.
    Heal,
    /// The lesson.
    Lesson,
}

/// Draws an icon.
pub fn icon(icon: Icon) -> Html {
    let path = match icon {
        Icon::Service => {
            "M4.5 3.500h11a1.5 1.5 0 0 1 1.5 1.500v2.500a1.5 1.5 0 0 1-1.5 1.500h-11a1.5 1.5 0 0 1-1.5-1.500v-2.500a1.5 1.5 0 0 1 1.5-1.500zM4.5 11h11a1.5 1.5 0 0 1 1.5 1.500v2.500a1.5 1.5 0 0 1-1.5 1.500h-11a1.5 1.5 0 0 1-1.5-1.500v-2.500a1.5 1.5 0 0 1 1.5-1.500zM6 6.200h.01M6 13.800h.01"
        }
        Icon::Bus => {
            "M2.5 6.500h15M2.5 13.500h15M6 8h1.500a1 1 0 0 1 1 1v2a1 1 0 0 1-1 1H6a1 1 0 0 1-1-1V9a1 1 0 0 1 1-1zM12 8h1.500a1 1 0 0 1 1 1v2a1 1 0 0 1-1 1H12a1 1 0 0 1-1-1V9a1 1 0 0 1 1-1z"
        }
        Icon::Client => "M13.2 7a3.2 3.2 0 1 1-6.4 0 3.2 3.2 0 0 1 6.4 0zM3.8 17c.6-3.4 3-5 6.2-5s5.6 1.6 6.2 5",
        Icon::Group => {
            "M10 3.500a2 2 0 1 1 0 4 2 2 0 0 1 0-4zM4.500 12.500a2 2 0 1 1 0 4 2 2 0 0 1 0-4zM15.500 12.500a2 2 0 1 1 0 4 2 2 0 0 1 0-4zM8.800 7.200l-3 5.400M11.200 7.200l3 5.400M6.600 14.500h6.800"
        }
        Icon::Reset => "M4 10a6 6 0 1 0 2-4.500M6 2.500v3.200h3.2",
        Icon::Play => "M6 4v12l10-6z",
        Icon::Pause => "M7 4.500v11M13 4.500v11",
        Icon::Next => "M5 4.500v11l7.5-5.500zM15 4.500v11",
        Icon::Note => "M4 3.500h12v9l-4 4H4zM12 16.500v-4h4",
        Icon::Close => "M5 5l10 10M15 5L5 15",
        Icon::Cut => {
            "M7.7 14.500a2.2 2.2 0 1 1-4.4 0 2.2 2.2 0 0 1 4.4 0zM16.7 14.500a2.2 2.2 0 1 1-4.4 0 2.2 2.2 0 0 1 4.4 0zM7 12.8 14.5 3M13 12.8 5.5 3"
        }
        Icon::InFlight => "M6 3h8M6 17h8M7 3v2.500l3 4.500 3-4.500V3M7 17v-2.500l3-4.500 3 4.500V17",
        Icon::Loop => {
            "M4 9V8a2.500 2.500 0 0 1 2.500-2.500H15M13 3l2.500 2.500L13 8M16 11v1a2.500 2.500 0 0 1-2.500 2.500H5M7 17l-2.500-2.500L7 12"
        }
        Icon::More => "M5 10h.01M10 10h.01M15 10h.01",
        Icon::Check => "M4 10.500l4 4 8-9",
        Icon::Undo => "M7 4 3.5 7.5 7 11M3.5 7.5H12a4.5 4.5 0 0 1 0 9H8",
        Icon::Redo => "M13 4l3.5 3.5L13 11M16.5 7.5H8a4.5 4.5 0 0 0 0 9h4",
        Icon::Theme => "M16.5 10a6.5 6.5 0 1 1-13 0 6.5 6.5 0 0 1 13 0zM10 3.5v13M10 5.5l4.5 2M10 9l6 1M10 12.5l5 1",
        Icon::Connect => "M4 16 16 4M10.5 4H16v5.5",
        Icon::Share => {
            "M8.5 11.5a3 3 0 0 0 4.3 0l3-3a3 3 0 0 0-4.3-4.3l-1 1M11.5 8.5a3 3 0 0 0-4.3 0l-3 3a3 3 0 0 0 4.3 4.3l1-1"
        }
        Icon::Help => {
            "M16.5 10a6.5 6.5 0 1 1-13 0 6.5 6.5 0 0 1 13 0zM8 8a2 2 0 1 1 2.8 1.8c-.6.3-.8.7-.8 1.400M10 13.600h.01"
        }
        Icon::Diagram => "M2.5 4.500h15M2.5 15.500h15M4.5 4.500l4 11M8.5 4.500l3.5 11M16 4.500l-3 11",
        Icon::Verdicts => {
            "M10 2.500l6 2.200v4.500c0 4-2.600 6.800-6 8.300-3.400-1.500-6-4.300-6-8.300V4.700zM7.200 9.800l2 2 3.600-4"
        }
        Icon::Branches => {
            "M5.500 3.500v13M5.500 12c6 0 9-2 9-6.500M14.500 2.500a1.500 1.500 0 1 1 0 3 1.500 1.500 0 0 1 0-3z"
        }
        Icon::Log => "M3.500 5.500h.01M3.500 10h.01M3.500 14.500h.01M7 5.500h10M7 10h10M7 14.500h7",
        Icon::Outline => "M3 4h14v12H3zM3 8h14M3 12h14M8 4v12",
        Icon::Tidy => "M3 3.500h5v5H3zM12 3.500h5v5h-5zM3 12h5v4.500H3zM12 12h5v4.500h-5z",
        Icon::Freeze => "M10 2.500v15M3.500 6.300l13 7.400M16.500 6.300l-13 7.400M8 3.500l2 2 2-2M8 16.500l2-2 2 2",
        Icon::Lesson => {
            "M10 5.500C8.500 4 6 3.500 3 3.500v11.500c3 0 5.500.500 7 2 1.500-1.500 4-2 7-2V3.500c-3 0-5.500.500-7 2zM10 5.500v11.500"
        }
        Icon::Heal => "M8 3.500h4V8h4.500v4H12v4.500H8V12H3.500V8H8z",
        Icon::Fault => "M11 2.5 4.5 11.500H9.500L8.5 17.5 15.5 8H10.500z",
    };
    html! { <svg class="i" viewBox="0 0 20 20" aria-hidden="true"><path d={path} /></svg> }
}
