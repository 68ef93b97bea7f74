//! The visitor's drawings that the browser keeps: what is known of them, and what is asked of the storage.

use crate::scenario::Scenario;
use serde::{Deserialize, Serialize};
use std::rc::Rc;

/// A kept drawing, without its content.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DrawingInfo {
    /// Its id, unique among all tabs.
    pub id: Rc<str>,
    /// The title of its scenario.
    pub title: String,
    /// When it was saved, ms since 1970.
    pub at: f64,
    /// Counts the times that it was saved.
    pub revision: u32,
    /// When it was deleted, ms since 1970. It can be restored for a while.
    #[serde(default)]
    pub deleted: Option<f64>,
}

impl DrawingInfo {
    /// Returns the title, or a word for a drawing without one.
    pub fn name(&self) -> &str {
        if self.title.is_empty() { "Untitled" } else { &self.title }
    }
}

/// A former version of a kept drawing: when it was saved, ms since 1970.
#[derive(Clone, Debug, PartialEq)]
pub struct Version {
    /// When it was saved, ms since 1970.
    pub at: f64,
}

/// What is asked of the storage.
#[derive(Clone, Debug, PartialEq)]
pub enum DrawingsRequest {
    /// List all drawings.
    List,
    /// Save a drawing, if the storage has the revision that it is based on.
    Save {
        /// Its id.
        id: Rc<str>,
        /// The last revision that this tab has read or written; absent for a new drawing.
        base: Option<u32>,
        /// The drawing.
        scenario: Rc<Scenario>,
    },
    /// Keep what was shown when the page stopped: beside the drawing, unless it is saved already.
    Recover {
        /// The id of the drawing.
        id: Rc<str>,
        /// What was shown.
        scenario: Rc<Scenario>,
    },
    /// Read a drawing, or one of its former versions, to open it.
    Read {
        /// Its id.
        id: Rc<str>,
        /// The version, by the time when it was saved; the newest if absent.
        version: Option<f64>,
    },
    /// Give a drawing another title.
    Rename {
        /// Its id.
        id: Rc<str>,
        /// The title.
        title: String,
    },
    /// Add a copy of a drawing.
    Duplicate {
        /// The id of the original.
        id: Rc<str>,
        /// The id of the copy.
        copy: Rc<str>,
    },
    /// Delete a drawing, or restore it.
    Delete {
        /// Its id.
        id: Rc<str>,
        /// Delete it.
        deleted: bool,
    },
    /// List the former versions of a drawing.
    Versions(Rc<str>),
    /// Write all drawings into one file.
    ExportAll,
}

/// What the storage answers.
#[derive(Clone, Debug, PartialEq)]
pub enum DrawingsAnswer {
    /// All drawings, the newest first.
    Listed(Vec<DrawingInfo>),
    /// A drawing is saved.
    Saved(DrawingInfo),
    /// A drawing is not saved: another tab has saved it since.
    Conflict {
        /// Its id.
        id: Rc<str>,
        /// The drawing of this tab.
        scenario: Rc<Scenario>,
    },
    /// A drawing was read.
    Read(DrawingInfo, Box<Scenario>),
    /// The former versions of a drawing, the newest first.
    Versions(Rc<str>, Vec<Version>),
    /// A text to offer as a file.
    File(String, String),
}

/// Why the storage does not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StorageProblem {
    /// There is no room left.
    Full,
    /// The browser has no storage, or refuses it.
    Blocked,
    /// There is no such drawing in this browser.
    Missing,
    /// The drawing cannot be read, with the reason.
    Damaged(String),
    /// The code of the storage could not be fetched.
    NotFetched,
}

impl StorageProblem {
    /// Describes the problem, as a sentence.
    pub fn sentence(&self) -> String {
        match self {
            StorageProblem::Full => "This browser has no room left, so the drawing is not kept.".into(),
            StorageProblem::Blocked => "This browser does not let the page keep drawings.".into(),
            StorageProblem::Missing => {
                "This drawing is not in this browser. A drawing is shared by a link or a file.".into()
            }
            StorageProblem::Damaged(why) => format!("The drawing cannot be read: {why}. It stays in this browser."),
            StorageProblem::NotFetched => "A part of the page could not be fetched. Check the network.".into(),
        }
    }
}
