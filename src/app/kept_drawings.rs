//! The visitor's drawings that the browser keeps: their records, and the requests to the storage.

use super::titles::{numbered, shown_title};
use crate::scenario::{Scenario, ScenarioError, json};
use crate::text;
use serde::{Deserialize, Serialize};
use std::rc::Rc;

/// A kept drawing, without its content.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DrawingInfo {
    /// Its id, unique among all tabs.
    pub id: Rc<str>,
    /// The title of its scenario.
    pub title: String,
    /// What it shows, in one line, as [`crate::app::model::Document::caption`]; empty if unknown.
    #[serde(default)]
    pub caption: Rc<str>,
    /// When it was saved, ms since 1970.
    pub at: f64,
    /// Counts the times that it was saved.
    pub revision: u32,
    /// When it was deleted, ms since 1970. It can be restored for a while.
    #[serde(default)]
    pub deleted: Option<f64>,
}

impl DrawingInfo {
    /// Returns the title as the page shows it.
    pub fn name(&self) -> String {
        shown_title(&self.title)
    }
}

/// A former version of a kept drawing: when it was saved, ms since 1970.
#[derive(Clone, Debug, PartialEq)]
pub struct Version {
    /// When it was saved, ms since 1970.
    pub at: f64,
}

/// A request to the storage.
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
        /// The drawing, with its branches and live commands.
        scenario: Rc<Scenario>,
        /// What it shows, in one line.
        caption: Rc<str>,
    },
    /// Keep the drawing that was shown when the page stopped: beside the drawing, unless it is saved already.
    Recover {
        /// The id of the drawing.
        id: Rc<str>,
        /// The shown drawing.
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
        /// Whether to delete it; otherwise, it is restored.
        deleted: bool,
    },
    /// List the former versions of a drawing.
    Versions(Rc<str>),
    /// Write all drawings into one file.
    ExportAll,
    /// Add drawings, all or none. A name that another drawing has receives a number.
    Import {
        /// The beginning of their ids.
        id: Rc<str>,
        /// The drawings.
        drawings: Rc<Vec<Scenario>>,
    },
    /// Write a drawing into a file as it is stored, also if it cannot be read.
    Download(Rc<str>),
}

/// An answer of the storage.
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
        /// Its caption.
        caption: Rc<str>,
    },
    /// A drawing was read.
    Read(DrawingInfo, Box<Scenario>),
    /// The former versions of a drawing, the newest first.
    Versions(Rc<str>, Vec<Version>),
    /// The number of drawings that were added.
    Imported(usize),
    /// A text to offer as a file.
    File(String, String),
}

/// The reason why the storage does not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StorageProblem {
    /// No room is left.
    Full,
    /// The browser has no storage, or refuses it.
    Blocked,
    /// It has not answered for a while.
    Silent,
    /// This browser has no such drawing.
    Missing,
    /// The drawing with this id cannot be read, with the reason.
    Damaged(Rc<str>, String),
    /// The code of the storage could not be fetched.
    NotFetched,
}

impl StorageProblem {
    /// Describes the problem, as a sentence.
    pub fn sentence(&self) -> String {
        match self {
            StorageProblem::Full => text!("This browser has no room left, so the drawing is not kept.").into(),
            StorageProblem::Blocked => text!("This browser does not let the page keep drawings.").into(),
            StorageProblem::Silent => {
                text!("The storage of this browser does not answer, so the drawing is not kept.").into()
            }
            StorageProblem::Missing => {
                text!("This drawing is not in this browser. A drawing is shared by a link or a file.").into()
            }
            StorageProblem::Damaged(_, why) => text!("The drawing cannot be read: {}. It stays in this browser.", why),
            StorageProblem::NotFetched => crate::app::NOT_FETCHED.get().into(),
        }
    }
}

/// Returns a drawing as it is stored: an edit may have left live commands that are not valid in it.
pub fn stored(scenario: &Scenario) -> String {
    let mut scenario = scenario.clone();
    scenario.fit_branches();
    scenario.to_json()
}

/// Returns a title that is not in use: the title itself, or the title with a number. An empty title stays empty.
pub fn unique_title(title: &str, is_taken: impl Fn(&str) -> bool) -> String {
    if title.is_empty() || !is_taken(title) {
        return title.into();
    }
    let stem = numbered(title).map_or(title, |(stem, _)| stem);
    (2..10_000).map(|n| format!("{stem} {n}")).find(|title| !is_taken(title)).unwrap_or_else(|| title.into())
}

/// Returns whether a text names the field of the format, and so may be a scenario, possibly with errors.
pub fn may_be_scenario(text: &str) -> bool {
    text.contains("\"converge\"")
}

/// Returns the sentence about a text that is no scenario.
pub fn not_a_scenario() -> String {
    text!(
        "This is not a Converge scenario. Expected at its top level: an object with the field “converge”, the version of the format."
    )
    .into()
}

/// Writes stored drawings as one document: a list. A text that is no JSON becomes a text of the list, so nothing is lost.
pub fn exported(texts: &[String]) -> String {
    let item = |text: &String| if json::parse(text).is_ok() { text.clone() } else { json::compact(text) };
    format!("[\n{}\n]\n", texts.iter().map(item).collect::<Vec<String>>().join(",\n"))
}

/// Reads the document that [`exported`] writes: the valid drawings, and the errors in the others with their paths.
///
/// # Errors
/// The document is not a list.
pub fn imported(text: &str) -> Result<(Vec<Scenario>, Vec<ScenarioError>), ScenarioError> {
    let parsed = json::parse(text.trim_start_matches('\u{feff}'))?;
    let items = parsed.as_array().ok_or_else(|| ScenarioError::new("", "expected a list of scenarios"))?;
    let (mut drawings, mut errors) = (Vec::new(), Vec::new());
    for (index, item) in items.iter().enumerate() {
        let read = if item.is_string() {
            Err(vec![ScenarioError::new(
                "",
                "expected a scenario, not a text: this drawing was damaged when it was exported",
            )])
        } else if item.get("converge").is_none() {
            Err(vec![ScenarioError::new("", not_a_scenario())])
        } else {
            Scenario::from_value(item).and_then(|scenario| scenario.validate().map(|()| scenario))
        };
        let at = |error: ScenarioError| {
            let dot = if error.path.is_empty() { "" } else { "." };
            ScenarioError::new(format!("[{index}]{dot}{}", error.path), error.problem)
        };
        match read {
            Ok(scenario) => drawings.push(scenario),
            Err(found) => errors.extend(found.into_iter().map(at)),
        }
    }
    Ok((drawings, errors))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::examples::EXAMPLES;
    use crate::scenario::{Branch, Command, Step};

    #[test]
    fn exported_drawings_are_imported_unchanged() {
        let all: Vec<Scenario> = EXAMPLES.iter().map(|example| example.scenario()).collect();
        let texts: Vec<String> = all.iter().map(Scenario::to_json).collect();
        assert_eq!(imported(&exported(&texts)), Ok((all, Vec::new())));
        assert_eq!(imported(&exported(&[])), Ok((Vec::new(), Vec::new())));
    }

    #[test]
    fn a_drawing_is_stored_with_the_live_commands_that_are_valid_in_it() {
        let mut scenario = EXAMPLES[0].scenario();
        let service = scenario.services[0].id.clone();
        let step = |service: &str| Step { at_ms: 5.0, command: Command::Restart { service: service.into() } };
        let script = vec![step(&service), step("deleted")];
        scenario.branches = vec![Branch { name: "Main".into(), script, ..Branch::default() }];
        let read = Scenario::from_json(&stored(&scenario)).expect("a valid drawing");
        assert_eq!(read.branches[0].script, [step(&service)]);
        assert_eq!(read.validate(), Ok(()));
    }

    #[test]
    fn a_damaged_drawing_is_kept_in_the_file_and_reported_with_its_place() {
        let good = EXAMPLES[0].scenario();
        let bad = r#"{ "converge": 1, "services": [{ "id": 5 }] }"#.to_string();
        let file = exported(&[good.to_json(), "{ broken".into(), bad]);
        assert!(file.contains("{ broken"));
        let (drawings, errors) = imported(&file).expect("a list");
        assert_eq!(drawings, [good]);
        let paths: Vec<&str> = errors.iter().map(|error| error.path.as_str()).collect();
        assert_eq!(paths, ["[1]", "[2].services[0].id"]);
        assert!(imported("{}").is_err_and(|error| error.problem.contains("list")));
        assert!(imported("[").is_err());
    }

    #[test]
    fn titles_that_are_taken_get_the_next_number() {
        let taken = ["Shop", "Shop 2", "Stock 9"];
        let unique = |title: &str| unique_title(title, |other| taken.contains(&other));
        assert_eq!(["Shop", "Stock 9", "New", ""].map(unique), ["Shop 3", "Stock 2", "New", ""]);
    }
}
