//! The ways that a run has gone or could go, by name. Which commands belong to the one that is shown, its run knows.

use super::merged;
use super::protocol::BranchList;
use crate::scenario::{Branch, Scenario, Step};
use std::collections::BTreeMap;

/// Branches of one document at most; `validate` holds documents to the same.
const MOST: usize = 16;
/// Characters of a name at most.
const LONGEST: usize = 80;

/// The branches of a document, one of which is shown.
#[derive(Clone, Debug)]
pub(super) struct Branches {
    /// The steps of the one that is shown may be behind its run.
    pub list: Vec<Branch>,
    pub current: usize,
    /// The page has not been told of the last change.
    pub news: bool,
}

impl Branches {
    /// Takes the branches out of a document; one without any is itself the only one.
    pub fn out_of(scenario: &mut Scenario) -> Self {
        let (list, opens) = (std::mem::take(&mut scenario.branches), std::mem::take(&mut scenario.branch));
        if list.is_empty() {
            return Branches::only();
        }
        let current = list.iter().position(|branch| branch.name == opens).unwrap_or(0);
        Branches { list, current, news: true }
    }

    /// Of a document that has none: itself.
    pub fn only() -> Self {
        let main = Branch { name: "Main".into(), ..Branch::default() };
        Branches { list: vec![main], current: 0, news: true }
    }

    /// Whether the document is more than one run.
    pub fn are_many(&self) -> bool {
        self.list.len() > 1 || !self.list[0].set.is_empty()
    }

    /// What is run of a branch: the drawing with its settings, and its steps.
    pub fn of(&self, base: &Scenario, place: usize) -> (Scenario, Vec<Step>) {
        let Branch { set, script, .. } = &self.list[place];
        // A setting that does not fit has been refused or left out before.
        let set_as = |scenario: Scenario, (path, value): (&String, &String)| {
            let changed = scenario.with_setting(path, value);
            changed.unwrap_or(scenario)
        };
        let scenario = set.iter().fold(base.clone(), set_as);
        let live = scenario.valid_steps(script);
        (scenario, live)
    }

    /// Opens a branch that starts as the one that is shown, which keeps its steps.
    pub fn fork(&mut self, live: &[Step], set: BTreeMap<String, String>, name: Option<String>) -> Result<(), String> {
        if self.list.len() >= MOST {
            return Err(format!("There are {MOST} branches already: delete one before the run can part again."));
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
        self.news = true;
        Ok(())
    }

    /// Gives a branch another name.
    pub fn rename(&mut self, place: usize, name: String) -> Result<(), String> {
        let name = self.free_name(name, Some(place))?;
        self.list[place].name = name;
        self.news = true;
        Ok(())
    }

    fn is_free(&self, name: &str, of: Option<usize>) -> bool {
        !self.list.iter().enumerate().any(|(i, branch)| Some(i) != of && branch.name == name)
    }

    fn free_name(&self, name: String, of: Option<usize>) -> Result<String, String> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > LONGEST {
            return Err(format!("A branch has a name of 1 to {LONGEST} characters."));
        }
        if self.is_free(name, of) {
            Ok(name.into())
        } else {
            Err(format!("Another branch is called “{name}” already."))
        }
    }

    /// Leaves out what no longer fits a changed drawing.
    pub fn fit(&mut self, base: &Scenario) {
        let mut document = Scenario { branches: std::mem::take(&mut self.list), ..base.clone() };
        document.fit_branches();
        self.list = document.branches;
        self.news = true;
    }

    /// All branches, given the steps of the one that is shown.
    pub fn with(&self, live: &[Step]) -> Vec<Branch> {
        let mut list = self.list.clone();
        list[self.current].script = live.to_vec();
        list
    }

    /// What the page is told.
    pub fn told(&self, live: &[Step], compared: Option<usize>) -> BranchList {
        let compared = compared.map(|place| place as u32);
        BranchList { list: self.with(live), current: self.current as u32, compared }
    }

    /// The document with its branches; where there is but one, with its steps behind those of the script.
    pub fn document(&self, base: &Scenario, live: &[Step]) -> Scenario {
        if !self.are_many() {
            return merged(base, live);
        }
        Scenario { branches: self.with(live), branch: self.list[self.current].name.clone(), ..base.clone() }
    }
}
