//! The branches of a document. The live commands of the shown branch are kept in its run.

use super::protocol::BranchList;
use super::run::merged;
use crate::language::sentence;
use crate::scenario::{Branch, Scenario, Step};
use std::collections::BTreeMap;

/// Limit of the branches of a document, which `validate` also checks.
const MAX: usize = 16;
/// Limit of the characters of a name.
const MAX_LENGTH: usize = 80;

/// The branches of a document, one of which is shown.
#[derive(Clone, Debug)]
pub(super) struct Branches {
    /// All branches. The steps of the shown one may be older than those of its run.
    pub list: Vec<Branch>,
    pub current: usize,
    /// Whether the branches changed since the last frame.
    pub changed: bool,
}

impl Branches {
    /// Takes the branches out of a document. A document without branches has a single one, `Main`.
    pub fn out_of(scenario: &mut Scenario) -> Self {
        let (list, opens) = (std::mem::take(&mut scenario.branches), std::mem::take(&mut scenario.branch));
        if list.is_empty() {
            return Branches::only();
        }
        let current = list.iter().position(|branch| branch.name == opens).unwrap_or(0);
        Branches { list, current, changed: true }
    }

    /// Returns the single branch of a document without branches.
    pub fn only() -> Self {
        Branches { list: BranchList::only().list, current: 0, changed: true }
    }

    /// Returns whether the document describes more than one run.
    pub fn are_many(&self) -> bool {
        self.list.len() > 1 || !self.list[0].set.is_empty()
    }

    /// Returns what a branch runs: the drawing with its settings, and its steps.
    pub fn of(&self, base: &Scenario, index: usize) -> (Scenario, Vec<Step>) {
        let Branch { set, script, .. } = &self.list[index];
        // Invalid settings were refused or removed before.
        let set_as = |scenario: Scenario, (path, value): (&String, &String)| {
            let changed = scenario.with_setting(path, value);
            changed.unwrap_or(scenario)
        };
        let scenario = set.iter().fold(base.clone(), set_as);
        let live = scenario.valid_steps(script);
        (scenario, live)
    }

    /// Creates a branch with the settings of the shown one, which keeps its steps, and shows it.
    pub fn fork(&mut self, live: &[Step], set: BTreeMap<String, String>, name: Option<String>) -> Result<(), String> {
        if self.list.len() >= MAX {
            return Err(sentence!(
                "A document has at most {MAX} branches: delete one to fork again.",
                "Ein Dokument hat höchstens {MAX} Zweige: Lösche einen, um wieder zu verzweigen."
            ));
        }
        self.list[self.current].script = live.to_vec();
        let name = match name {
            Some(name) => self.free_name(name, None)?,
            None => (2..).map(|n| format!("Branch {n}")).find(|name| self.is_free(name, None)).unwrap_or_default(),
        };
        let mut all = self.list[self.current].set.clone();
        all.extend(set);
        self.list.push(Branch { name, set: all, script: Vec::new() });
        self.current = self.list.len() - 1;
        self.changed = true;
        Ok(())
    }

    /// Renames a branch.
    pub fn rename(&mut self, index: usize, name: String) -> Result<(), String> {
        let name = self.free_name(name, Some(index))?;
        self.list[index].name = name;
        self.changed = true;
        Ok(())
    }

    fn is_free(&self, name: &str, of: Option<usize>) -> bool {
        !self.list.iter().enumerate().any(|(i, branch)| Some(i) != of && branch.name == name)
    }

    fn free_name(&self, name: String, of: Option<usize>) -> Result<String, String> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > MAX_LENGTH {
            return Err(sentence!(
                "The name of a branch has 1 to {MAX_LENGTH} characters.",
                "Der Name eines Zweigs hat 1 bis {MAX_LENGTH} Zeichen."
            ));
        }
        if self.is_free(name, of) {
            Ok(name.into())
        } else {
            Err(sentence!("Another branch has the name “{name}”.", "Ein anderer Zweig heißt „{name}“."))
        }
    }

    /// Removes settings and steps that are invalid in a changed drawing.
    pub fn fit(&mut self, base: &Scenario) {
        let mut document = Scenario { branches: std::mem::take(&mut self.list), ..base.clone() };
        document.fit_branches();
        self.list = document.branches;
        self.changed = true;
    }

    /// Returns all branches, with the live commands of the shown one.
    pub fn with(&self, live: &[Step]) -> Vec<Branch> {
        let mut list = self.list.clone();
        list[self.current].script = live.to_vec();
        list
    }

    /// Returns the branches for the page.
    pub fn view(&self, live: &[Step], compared: Option<usize>) -> BranchList {
        let compared = compared.map(|index| index as u32);
        BranchList { list: self.with(live), current: self.current as u32, compared }
    }

    /// Returns the document with its branches; with a single one, with its steps after those of the script.
    pub fn document(&self, base: &Scenario, live: &[Step]) -> Scenario {
        if !self.are_many() {
            return merged(base, live);
        }
        Scenario { branches: self.with(live), branch: self.list[self.current].name.clone(), ..base.clone() }
    }
}
