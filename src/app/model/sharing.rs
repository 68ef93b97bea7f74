//! Sharing: the run as a link or file, and the check that a shared run is reproduced.

use super::{Effect, Model};
use crate::app::picture::PictureFormat;
use crate::scenario::{Micros, Scenario};
use crate::session::protocol::{ExportKind, Query, Request};
use std::collections::BTreeSet;
use std::rc::Rc;

/// A run as a document, for sharing.
#[derive(Clone, Debug, PartialEq)]
pub struct SharedRun {
    /// The scenario, with the live commands in its script.
    pub scenario: Box<Scenario>,
    /// The digest of the trace at `now`.
    pub digest: String,
    /// The virtual time of the run.
    pub now: Micros,
    /// The number of live commands, which are the last steps of the script.
    pub live: u32,
}

/// The state of sharing.
#[derive(Clone, Debug, Default)]
pub struct Sharing {
    /// The share dialog is open.
    pub open: bool,
    /// The run as a document, once the engine has described it.
    pub shared_run: Option<Rc<SharedRun>>,
    /// The digest of the run that was opened from a link, until the run reaches the same instant.
    pub(super) expected_digest: Option<String>,
    /// Whether a run from a link has the digest that it was shared with.
    pub replayed: Option<bool>,
    /// Name and text of a file that the engine has exported.
    pub(super) exported: Option<(String, String)>,
}

/// What the visitor does to share the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SharingMsg {
    /// Open or close the share dialog.
    Open(bool),
    /// Save the run as a text file.
    Export(ExportKind),
    /// Save a picture of the drawing.
    Picture {
        /// The format.
        format: PictureFormat,
        /// Of the selected cards only.
        selection: bool,
        /// The name of the file, without its extension.
        name: String,
    },
}

impl Sharing {
    /// Forgets whether the run is reproduced: it has changed since.
    pub(super) fn forget_replay(&mut self) {
        self.replayed = None;
    }
}

impl Model {
    pub(super) fn update_sharing(&mut self, msg: SharingMsg, effects: &mut Vec<Effect>) {
        match msg {
            SharingMsg::Open(open) => {
                self.sharing.open = open;
                self.sharing.shared_run = None;
                self.redraw.page = true;
                if open {
                    self.playback.play(false);
                    self.playback.enqueue(Request::Query(Query::Describe));
                }
            }
            SharingMsg::Export(kind) => self.playback.enqueue(Request::Query(Query::Export(kind))),
            SharingMsg::Picture { format, selection, name } => {
                let selected: BTreeSet<usize> =
                    self.selected_nodes().iter().filter_map(|id| self.scene.find(id)).collect();
                let only = Some(selected).filter(|selected| selection && !selected.is_empty());
                effects.push(Effect::SavePicture { format, only, name });
            }
        }
    }
}
