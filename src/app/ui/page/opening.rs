//! Opens drawings: the one that the page's address names, an example, or the visitor's own work.

use super::Page;
use crate::app::browser::address::{self, Address};
use crate::app::browser::documents::{self, OpenError};
use crate::app::browser::{storage, theme};
use crate::app::model::{DocumentMsg, KEPT_BEFORE, KEPT_WORK, Mode, Msg, Opening, Origin, PlaybackMsg};
use crate::app::ui::canvas_2d::CanvasColours;

/// The drawing that the page shows next.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Drawing {
    /// The one that it shows already.
    #[default]
    Unchanged,
    /// The first example.
    First,
    /// A drawing that was read.
    Read(Box<Opening>),
}

/// The result of opening a drawing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Opened {
    drawing: Drawing,
    /// The drawing is the visitor's current work.
    is_work: bool,
    /// What the address sets besides the drawing.
    options: Option<Address>,
    /// A message to the visitor about a drawing that could not be opened.
    problem: Option<String>,
}

/// Opens the drawing that the address names, or else the visitor's own work. With `is_first`, a link that cannot be
/// opened falls back to the visitor's work.
pub async fn open_address(is_first: bool) -> Opened {
    let address = address::read(&address::fragment());
    if address.names_drawing {
        open_fragment(address::fragment(), is_first).await
    } else {
        Opened { options: Some(address), ..open_work().await }
    }
}

/// Opens the link or example that a fragment names.
pub async fn open_fragment(fragment: String, is_first: bool) -> Opened {
    let options = address::read(&fragment);
    match documents::open_link(fragment).await {
        Ok(opening) => Opened { drawing: Drawing::Read(opening), options: Some(options), ..Opened::default() },
        Err(error) => {
            let fallback = if is_first { open_work().await } else { Opened::default() };
            let options = Some(Address { autoplay: false, ..options });
            Opened { options, problem: Some(link_problem(&error)), ..fallback }
        }
    }
}

/// Opens the visitor's own work, or else the first example.
async fn open_work() -> Opened {
    let kept = if address::is_embed() { None } else { storage::kept(KEPT_WORK) };
    let Some(text) = kept else { return Opened { drawing: Drawing::First, ..Opened::default() } };
    match documents::read_document(text).await {
        Ok(opening) => Opened { drawing: Drawing::Read(opening), is_work: true, ..Opened::default() },
        Err(_) => {
            let problem = Some("Your drawing could not be opened. It is kept in this browser.".into());
            Opened { drawing: Drawing::First, problem, ..Opened::default() }
        }
    }
}

/// Opens the visitor's work if the page shows another drawing (`work_is_shown` is false), or else the work before it.
pub async fn open_other(work_is_shown: bool) -> Opened {
    let name = if work_is_shown { KEPT_BEFORE } else { KEPT_WORK };
    let problem = |text: &str| Opened { problem: Some(text.into()), ..Opened::default() };
    let Some(text) = storage::kept(name) else { return problem("You have no previous drawing yet.") };
    match documents::read_document(text).await {
        Ok(opening) => Opened { drawing: Drawing::Read(opening), is_work: !work_is_shown, ..Opened::default() },
        Err(error) => problem(&format!("Your drawing could not be opened: {error}.")),
    }
}

fn link_problem(error: &OpenError) -> String {
    match error {
        OpenError::NotFetched => format!("This link could not be opened: {error}."),
        OpenError::Invalid(problem) => format!("{}.", problem.trim_end_matches('.')),
    }
}

impl Page {
    /// Shows a drawing that was opened, applies the address's options, and reports a problem.
    pub(super) fn show_opened(&mut self, opened: Opened) {
        let Opened { drawing, is_work, options, problem } = opened;
        match drawing {
            Drawing::Unchanged => {}
            Drawing::First => self.update_model(Msg::Document(DocumentMsg::OpenFirst)),
            Drawing::Read(mut opening) => {
                if self.model.mode == Mode::Edit {
                    // A copy in an embed may be changed; the browser keeps nothing of it.
                    opening.origin = Origin::Own;
                }
                self.update_model(Msg::Document(DocumentMsg::Open(opening)));
                self.model.document.is_work = is_work;
            }
        }
        if let Some(options) = options {
            self.apply_options(&options);
        }
        if let Some(problem) = problem {
            self.update_model(Msg::Notify(problem));
        }
    }

    fn apply_options(&mut self, options: &Address) {
        if let Some(theme) = options.theme {
            self.model.preferences.theme = theme;
            theme::apply(theme);
            self.painter.colours = CanvasColours::read();
        }
        if let Some(speed) = options.speed {
            self.update_model(Msg::Playback(PlaybackMsg::Speed(speed)));
        }
        if options.autoplay && !self.model.preferences.reduced_motion {
            self.update_model(Msg::Playback(PlaybackMsg::Toggle));
        }
    }
}
