//! Opens drawings: the one that the page's address names, an example, or the visitor's own work.

use super::{Page, PageMsg};
use crate::app::browser::address::{self, Address};
use crate::app::browser::documents::{self, OpenError};
use crate::app::browser::slices::next_task;
use crate::app::browser::{drawings, storage, theme};
use crate::app::copied_cards;
use crate::app::kept_drawings::{DrawingInfo, DrawingsAnswer, DrawingsRequest, StorageProblem};
use crate::app::model::{
    DocumentMsg, DrawingsMsg, KEPT_LAST, KEPT_TAB, KEPT_WORK, LessonMsg, Mode, Msg, NEW_ADDRESS, Opening, Origin,
    PlaybackMsg,
};
use crate::app::ui::canvas_2d::CanvasColours;
use crate::scenario::{Micros, Scenario, link};
use crate::text;
use std::rc::Rc;
use wasm_bindgen_futures::spawn_local;
use web_sys::Element;

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
    /// A drawing that was read from a file.
    File(Box<Opening>),
}

/// The result of opening a drawing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Opened {
    drawing: Drawing,
    /// The record of the drawing, if this browser keeps it.
    kept: Option<DrawingInfo>,
    /// Whether the address follows the drawing, as a step of the browser's history.
    is_new_address: bool,
    /// What the address sets besides the drawing.
    options: Option<Address>,
    /// A message to the visitor about a drawing that could not be opened.
    problem: Option<String>,
    /// Whether an embed shows no drawing instead of the one that could not be opened.
    has_failed: bool,
    /// Why a kept drawing could not be opened.
    storage: Option<StorageProblem>,
    /// The address of the lesson to open, and the id of a step.
    lesson: Option<(String, Option<String>)>,
}

/// Opens the drawing that the address names, or else the one that was changed last. With `is_first`, a drawing that cannot
/// be opened falls back to that.
pub async fn open_address(is_first: bool) -> Opened {
    let address = address::read(&address::fragment());
    if is_first
        && address.lesson.is_none()
        && !address::is_embed()
        && let Some(opened) = open_tab_record().await
    {
        return Opened { options: Some(address), ..opened };
    }
    if let Some(lesson) = address.lesson.clone() {
        let drawing = if is_first { Drawing::First } else { Drawing::Unchanged };
        Opened { drawing, lesson: Some(lesson), options: Some(address), ..Opened::default() }
    } else if address.names_drawing {
        let opened = open_fragment(address::fragment(), is_first).await;
        // An embed shows no other drawing in place of the one that its address names.
        Opened { has_failed: address::is_embed() && opened.problem.is_some(), ..opened }
    } else if address::is_embed() && !address.unknown.is_empty() {
        let problem = text!("This address names no scenario. Unknown: {}.", address.unknown.join(", "));
        Opened { options: Some(address), problem: Some(problem), has_failed: true, ..Opened::default() }
    } else if address.is_new {
        let opening = Opening { address: Some(NEW_ADDRESS.into()), ..Opening::own(Scenario::default()) };
        Opened { drawing: Drawing::Read(Box::new(opening)), options: Some(address), ..Opened::default() }
    } else if let Some(id) = &address.kept {
        match open_kept(id).await {
            Ok(opened) => Opened { options: Some(address), ..opened },
            Err(problem) => {
                let fallback = if is_first { open_last().await } else { Opened::default() };
                Opened { options: Some(address), storage: Some(problem), ..fallback }
            }
        }
    } else {
        Opened { options: Some(address), ..open_last().await }
    }
}

/// Opens what the address names after a step in the browser's history. `left` is the drawing that this tab has left there, and
/// the instant.
pub async fn open_again(left: Option<(Rc<str>, Micros)>) -> Opened {
    if let Some((id, at)) = left
        && let Ok(mut opened) = open_kept(&id).await
        && let Drawing::Read(opening) = &mut opened.drawing
    {
        opening.at = at;
        return Opened { options: Some(address::read(&address::fragment())), ..opened };
    }
    open_address(false).await
}

/// Opens what this tab has kept while it was reloaded.
async fn open_tab_record() -> Option<Opened> {
    let text = storage::kept_in_tab(KEPT_TAB)?;
    let (opening, kept) = drawings::restore(text, address::fragment()).await.ok()?.await?;
    Some(Opened { drawing: Drawing::Read(opening), kept, ..Opened::default() })
}

/// Opens the link or example that a fragment names.
pub async fn open_fragment(fragment: String, is_first: bool) -> Opened {
    let options = address::read(&fragment);
    // An embed shows its run from the start, as does a link that plays at once.
    let at_its_point = !address::is_embed() && !options.autoplay;
    let opened = documents::open_link(fragment, at_its_point).await;
    // Reading a large drawing and showing it are a task each.
    next_task().await;
    match opened {
        Ok(opening) => Opened { drawing: Drawing::Read(opening), options: Some(options), ..Opened::default() },
        Err(error) => {
            let fallback = if is_first && !address::is_embed() { open_last().await } else { Opened::default() };
            let options = Some(Address { autoplay: false, ..options });
            Opened { options, problem: Some(link_problem(&error)), ..fallback }
        }
    }
}

/// Opens the link, the example or the lesson that a fragment names, and shows it in the address.
pub async fn open_named(fragment: String) -> Opened {
    let address = address::read(&fragment);
    if let Some(lesson) = address.lesson.clone() {
        return Opened { lesson: Some(lesson), options: Some(address), ..Opened::default() };
    }
    Opened { is_new_address: true, ..open_fragment(fragment, false).await }
}

/// Opens a text that was dropped, pasted or read from a file: a scenario, or a link to one.
pub async fn open_text(text: String) -> Opened {
    let text = text.trim().to_string();
    if is_link(&text) {
        let fragment = text.split_once('#').map(|(_, fragment)| fragment.to_string());
        return open_named(fragment.unwrap_or(text)).await;
    }
    match documents::read_file(text).await.unwrap_or_else(|error| Err(link_problem(&error.into()))) {
        Ok(opening) => Opened { drawing: Drawing::File(opening), ..Opened::default() },
        Err(problem) => Opened { problem: Some(problem), ..Opened::default() },
    }
}

/// Returns whether a text is a link: a whole address with a fragment, a fragment, or a payload alone.
fn is_link(text: &str) -> bool {
    let is_address = text.split_once('#').is_some_and(|(page, _)| page.is_empty() || page.contains("://"));
    let drawing = link::split(text).drawing.unwrap_or_default();
    is_address || ["1r.", "1d.", "ex=", "challenge="].iter().any(|start| drawing.starts_with(start))
}

/// Returns whether a text is a scenario's document, also one with errors.
fn is_document(text: &str) -> bool {
    text.starts_with('{') && text.contains("\"converge\"")
}

/// Opens a drawing that this browser keeps.
async fn open_kept(id: &str) -> Result<Opened, StorageProblem> {
    match drawings::request(DrawingsRequest::Read { id: id.into(), version: None }, None).await? {
        DrawingsAnswer::Read(info, scenario) if info.deleted.is_none() => {
            let (drawing, caption) = (Some(info.id.clone()), info.caption.clone());
            let opening = Opening { drawing, caption, ..Opening::own(*scenario) };
            Ok(Opened { drawing: Drawing::Read(Box::new(opening)), kept: Some(info), ..Opened::default() })
        }
        DrawingsAnswer::Read(..)
        | DrawingsAnswer::Listed(_)
        | DrawingsAnswer::Saved(_)
        | DrawingsAnswer::Conflict { .. }
        | DrawingsAnswer::Versions(..)
        | DrawingsAnswer::Imported(_)
        | DrawingsAnswer::File(..) => Err(StorageProblem::Missing),
    }
}

/// Opens the drawing that was changed last, or else the first example.
async fn open_last() -> Opened {
    if address::is_embed() {
        return Opened { drawing: Drawing::First, ..Opened::default() };
    }
    if KEPT_WORK.iter().any(|name| storage::kept(name).is_some()) {
        // The first access to the drawings moves the work there.
        let _ = drawings::request(DrawingsRequest::List, None).await;
    }
    let Some(id) = storage::kept(KEPT_LAST) else { return Opened { drawing: Drawing::First, ..Opened::default() } };
    match open_kept(&id).await {
        Ok(opened) => opened,
        // The visitor has deleted it.
        Err(StorageProblem::Missing) => Opened { drawing: Drawing::First, ..Opened::default() },
        Err(problem) => Opened { drawing: Drawing::First, storage: Some(problem), ..Opened::default() },
    }
}

fn link_problem(error: &OpenError) -> String {
    match error {
        OpenError::NotFetched => text!("This link could not be opened: {}.", error),
        OpenError::Invalid(problem) => format!("{}.", problem.trim_end_matches('.')),
    }
}

impl Page {
    /// Pastes a text of the system's clipboard: copied cards into the drawing, or a scenario or a link to open. Otherwise pastes
    /// what was copied on this page.
    pub(super) fn paste(&mut self, text: String) {
        let trimmed = text.trim().to_string();
        if copied_cards::may_be_cards(&trimmed) {
            self.link
                .send_future(async { PageMsg::PastedCards(documents::read_cards(trimmed).await.ok().flatten(), text) });
        } else if is_link(&trimmed) || is_document(&trimmed) {
            self.open_text(trimmed);
        } else {
            self.paste_copied(text);
        }
    }

    /// Pastes what was copied on this page. Where nothing was, reports why the text of the clipboard is not pasted.
    fn paste_copied(&mut self, text: String) {
        if self.model.selection.has_clipboard() {
            self.update_model(Msg::Document(DocumentMsg::Paste));
        } else {
            self.open_text(text);
        }
    }

    /// Opens a text that the visitor has dropped or pasted, if this page allows it.
    pub(super) fn open_text(&mut self, text: String) {
        let refusal = if !self.model.mode.edits() {
            text!("This embed cannot be edited. Open it in the playground to change it.")
        } else if self.model.locked.drawing {
            text!("The drawing of this embed is locked.")
        } else if self.model.locked.paste {
            text!("This embed does not allow pasting.")
        } else {
            return self.open(open_text(text));
        };
        self.update_model(Msg::Confirm(refusal.into()));
    }

    pub(super) fn paste_cards(&mut self, cards: Option<Box<Scenario>>, text: String) {
        let msg = match cards {
            // The page's own copy also knows the links to the cards that were not copied.
            Some(_) if self.copied.borrow().as_deref() == Some(&*text) => DocumentMsg::Paste,
            Some(cards) => DocumentMsg::PasteCards(cards),
            None if is_document(text.trim()) => return self.open_text(text),
            None => return self.paste_copied(text),
        };
        self.update_model(Msg::Document(msg));
    }

    /// Shows a drawing that was opened, applies the address's options, and reports a problem.
    pub(super) fn show_opened(&mut self, opened: Opened) {
        let Opened { drawing, kept, is_new_address, options, problem, has_failed, storage, lesson } = opened;
        let unknown = options.as_ref().map(|options| options.unknown.clone()).unwrap_or_default();
        self.report_opened(problem.as_ref(), &unknown);
        let mut notices: Vec<String> = Vec::new();
        let is_kept = kept.is_some();
        if let Some(info) = kept {
            self.update_model(Msg::Drawings(DrawingsMsg::ReadToOpen(info)));
        }
        match drawing {
            Drawing::Unchanged => {}
            Drawing::First => self.update_model(Msg::Document(DocumentMsg::OpenFirst)),
            Drawing::File(opening) => self.update_model(Msg::Document(DocumentMsg::OpenFile(opening))),
            Drawing::Read(mut opening) => {
                notices.extend(opening.notice.take());
                if self.own_mode() == Mode::Edit {
                    // A copy in an embed may be changed; the browser keeps nothing of it.
                    opening.origin = Origin::Own;
                }
                self.update_model(Msg::Document(DocumentMsg::Open(opening)));
                if (is_new_address || is_kept) && !self.model.mode.is_embed() {
                    address::show(&self.model.document.fragment(), is_new_address);
                }
            }
        }
        if self.model.drawings.has_left() {
            self.update_model(Msg::Drawings(DrawingsMsg::KeepLeft));
        }
        if let Some((lesson, step)) = lesson {
            self.update_model(Msg::Lesson(LessonMsg::Open(lesson, step)));
        }
        if let Some(options) = options {
            self.apply_options(&options);
        }
        if has_failed {
            self.model.playback.play(false);
            self.model.failure = problem;
            self.model.redraw.page = true;
        } else {
            notices.extend(problem);
        }
        if !unknown.is_empty() && !has_failed {
            notices.push(text!("The address has parts that are not known or repeated: {}.", unknown.join(", ")));
        }
        if !notices.is_empty() {
            self.update_model(Msg::Notify(notices.join(" ")));
        }
        match storage {
            // A damaged drawing can be saved as a file.
            Some(problem @ StorageProblem::Damaged(..)) => {
                self.update_model(Msg::Drawings(DrawingsMsg::Failed(problem)));
            }
            Some(problem) => self.update_model(Msg::Notify(problem.sentence())),
            None => {}
        }
    }

    /// Puts the present run into the link to the playground.
    pub(super) fn renew_playground(&self, anchor: Element) {
        if self.model.run.now == 0 && !self.model.document.can_undo() {
            return;
        }
        let (run, now) = (self.model.run_record(), self.model.run.now);
        spawn_local(async move {
            if let Ok(Some(fragment)) = documents::link_of_run(run, now).await {
                let _ = anchor.set_attribute("href", &format!("{}#{fragment}", address::page()));
            }
        });
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
