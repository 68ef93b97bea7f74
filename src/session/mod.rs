//! One run under control: load, advance, step, seek, act, edit, fork, compare; and the protocol spoken across the worker.
//!
//! A run is a function of its scenario, its live commands and the instant at which it stands. So an edit,
//! an undo or a seek into the past runs the scenario again to that instant, and a link that carries the
//! scenario with the live commands in its script makes the same run anywhere.

mod branches;
pub mod compare;
pub mod export;
mod findings;
mod frame;
mod inside;
pub mod later;
mod loaded;
mod past;
pub mod protocol;
pub mod reasons;
mod run;
pub mod sketch;
pub mod sweep;
pub mod words;

pub use frame::service_view;
pub use run::{Run, merged};

use crate::scenario::{Command, Micros, Scenario, ScenarioError};
use branches::Branches;
use compare::Compared;
use later::{Known, Later, Lesson};
use loaded::{BUDGET, Loaded};
use protocol::{BranchTurn, Frame, FromEngine, Packed, Report, Request, ToEngine, Written};

/// One run under control. The worker, the page's main thread where there is no worker, and native tests
/// call [`Session::handle`]; nothing else drives an engine for the page.
#[derive(Debug)]
pub struct Session {
    open: Option<Open>,
    known: Known,
}

/// A document under control: the branch that is shown, and the one beside it.
#[derive(Debug)]
struct Open {
    /// The document without its branches.
    base: Scenario,
    branches: Branches,
    shown: Loaded,
    other: Option<(usize, Loaded)>,
    /// What was measured last under each consistency of a group.
    measured: Option<Measured>,
}

/// A comparison under way.
#[derive(Debug)]
struct Measured {
    scenario: Scenario,
    group: usize,
    compared: Compared,
}

impl Default for Session {
    /// On the page most of its abilities come later, by [`Session::learn`].
    fn default() -> Self {
        Session { open: None, known: if cfg!(target_arch = "wasm32") { Known::default() } else { Later::new().into() } }
    }
}

impl Session {
    /// Has more abilities from now on.
    pub fn learn(&mut self, known: impl Into<Known>) {
        self.known = self.known.and(known.into());
        if let Some(open) = &mut self.open {
            open.shown.learn(self.known);
        }
    }

    /// What must be learnt to answer this, or to keep the first snapshot, if anything.
    pub fn must_learn(&self, request: &Request) -> Option<Lesson> {
        let open = self.open.as_ref();
        let later = request.comes_later()
            || open.is_some_and(|open| match request {
                Request::Reset => open.branches.are_many(),
                Request::Act { .. } => open.shown.has_future(),
                Request::Advance { .. } => open.shown.is_snapshot_due(),
                _ => false,
            });
        if later && open.is_some() && self.known.later.is_none() {
            return Some(Lesson::Later);
        }
        let runs = match request {
            Request::Load { .. } | Request::Edit { .. } | Request::Describe => true,
            Request::Act { command } => !matches!(command, Command::Operate { .. }),
            _ => false,
        };
        (runs && self.known.runs.is_none()).then_some(Lesson::Runs)
    }

    /// Carries out one request and says what came of it.
    pub fn handle(&mut self, message: ToEngine) -> Vec<FromEngine> {
        let report = self.answer(message.request);
        vec![FromEngine { epoch: message.epoch, report }]
    }

    fn answer(&mut self, request: Request) -> Report {
        let known = self.known;
        match request {
            Request::First => self
                .show(Branches::only(), Scenario::first(), |base, _| Loaded::new(base.clone(), Vec::new(), 0, known)),
            Request::Load { scenario, at } => known.runs().load(self, &scenario, at),
            Request::Edit { scenario } => match &mut self.open {
                Some(open) => known.runs().edit(open, &scenario),
                None => known.runs().load(self, &scenario, 0),
            },
            other => match &mut self.open {
                Some(open) if other == Request::Describe => known.runs().describe(open),
                Some(open) => match known.later.and_then(|later| later.answer(open, &other)) {
                    Some(report) => report,
                    None => open.answer(other),
                },
                None => Report::Refused { errors: vec![ScenarioError::new("", "no scenario is loaded")] },
            },
        }
    }

    /// Shows a document from now on.
    fn show(
        &mut self,
        branches: Branches,
        base: Scenario,
        load: impl FnOnce(&Scenario, &Branches) -> (Loaded, bool),
    ) -> Report {
        let (shown, there) = load(&base, &branches);
        self.open.insert(Open { base, branches, shown, other: None, measured: None }).told(there)
    }
}

/// A document that is sound.
fn sound(written: &Written) -> Result<Scenario, Report> {
    let sound = written.read().and_then(|scenario| scenario.validate().map(|()| scenario));
    sound.map_err(|errors| Report::Refused { errors })
}

/// A document that is opened.
fn load(session: &mut Session, written: &Written, at: Micros) -> Report {
    let mut base = match sound(written) {
        Ok(base) => base,
        Err(refused) => return refused,
    };
    let known = session.known;
    session.show(Branches::out_of(&mut base), base, |base, branches| {
        let (scenario, live) = branches.of(base, branches.current);
        Loaded::new(scenario, live, at, known)
    })
}

/// A changed drawing, of which the branches are as they were.
fn edit(open: &mut Open, written: &Written) -> Report {
    let mut scenario = match sound(written) {
        Ok(scenario) => scenario,
        Err(refused) => return refused,
    };
    // The page's list of branches is this one's, before the edit.
    let _ = Branches::out_of(&mut scenario);
    open.branches.list = open.branches.with(&open.shown.live);
    open.base = scenario;
    open.branches.fit(&open.base);
    let at = open.shown.now();
    let compared = open.other.take().map(|(place, _)| place);
    let there = open.show(open.branches.current, at);
    if let Some(place) = compared {
        open.compare(place);
    }
    open.told(there)
}

/// A run as a document.
fn describe(open: &Open) -> Report {
    let (branches, shown) = (&open.branches, &open.shown);
    Report::Run {
        scenario: Written::from(&branches.document(&open.base, &shown.live)),
        digest: shown.run.engine().trace().digest().hex(),
        now: shown.now(),
        live: if branches.are_many() { 0 } else { shown.live.len() as u32 },
    }
}

impl Open {
    fn answer(&mut self, request: Request) -> Report {
        let shown = &mut self.shown;
        match request {
            Request::Advance { to, budget } => {
                let there = shown.advance(to, u64::from(budget));
                self.told(there)
            }
            Request::Step => {
                shown.step();
                self.told(true)
            }
            Request::Reset => {
                let (fresh, there) = Loaded::new(shown.scenario.clone(), Vec::new(), 0, shown.known);
                self.shown = fresh;
                self.told(there)
            }
            Request::Act { command } => {
                let refused = self.act(command);
                self.say(refused)
            }
            Request::First | Request::Load { .. } | Request::Edit { .. } | Request::Describe => {
                unreachable!("answered by the session")
            }
            Request::StepBack
            | Request::NextMark
            | Request::Seek { .. }
            | Request::Branch(_)
            | Request::Log { .. }
            | Request::Diagram { .. }
            | Request::Charts
            | Request::Inside { .. }
            | Request::Measure { .. }
            | Request::Export(_)
            | Request::Examine { .. } => unreachable!("learnt first, by `Session::must_learn`"),
        }
    }

    /// Shows a branch at an instant, whose steps are those of the list.
    fn show(&mut self, place: usize, at: Micros) -> bool {
        self.branches.current = place;
        self.branches.news = true;
        let (scenario, live) = self.branches.of(&self.base, place);
        let (shown, there) = Loaded::new(scenario, live, at, self.shown.known);
        self.shown = shown;
        there
    }

    /// Puts a branch beside the one that is shown.
    fn compare(&mut self, place: usize) {
        let (scenario, live) = self.branches.of(&self.base, place);
        self.other = Some((place, Loaded::new(scenario, live, self.shown.now(), self.shown.known).0));
        self.branches.news = true;
    }

    /// A live command in the past forks: what lay ahead stays as the branch that it was.
    fn act_in_the_past(&mut self, command: Command) -> Option<String> {
        if let Some(refused) = self.shown.refuses(&command) {
            return Some(refused);
        }
        if let Err(full) = self.branches.fork(&self.shown.live, Default::default(), None) {
            return Some(full);
        }
        self.shown.forget_future();
        self.act(command)
    }

    /// A live command.
    fn act(&mut self, command: Command) -> Option<String> {
        self.branches.news |= self.branches.are_many();
        self.shown.act(command)
    }

    /// Runs a seed more under each consistency of a group; the first begins anew, with the scenario as it is.
    fn measure(&mut self, group: u32, seed: u64) -> Report {
        let scenario = &self.shown.scenario;
        if scenario.groups.get(group as usize).is_none() {
            return Report::Unanswered("There is no such group any more.".into());
        }
        let measured = match &mut self.measured {
            Some(measured) if seed > 1 && measured.group == group as usize => measured,
            place => {
                let (scenario, group) = (scenario.clone(), group as usize);
                let compared = Compared::new(&scenario, group);
                place.insert(Measured { scenario, group, compared })
            }
        };
        measured.compared.run(&measured.scenario, measured.group, seed);
        Report::Measured { seed, rows: Packed::of(&measured.compared.rows()) }
    }

    fn turn(&mut self, turn: BranchTurn) -> Result<(), String> {
        let there = |place: u32, list: &Branches| {
            let place = place as usize;
            if place < list.list.len() { Ok(place) } else { Err("There is no such branch any more.".to_string()) }
        };
        let at = self.shown.now();
        match turn {
            BranchTurn::Show(place) => {
                let place = there(place, &self.branches)?;
                self.branches.list = self.branches.with(&self.shown.live);
                if self.other.as_ref().is_some_and(|(other, _)| *other == place) {
                    // The two change sides.
                    let before = self.branches.current;
                    self.show(place, at);
                    self.compare(before);
                } else {
                    self.show(place, at);
                }
            }
            BranchTurn::New { name, set } => {
                let done = self.shown.done();
                self.branches.fork(&self.shown.live, set, name)?;
                let place = self.branches.current;
                self.branches.list[place].script = done;
                self.show(place, at);
            }
            BranchTurn::Rename(place, name) => self.branches.rename(there(place, &self.branches)?, name)?,
            BranchTurn::Remove(place) => {
                let place = there(place, &self.branches)?;
                if self.branches.list.len() == 1 {
                    return Err("The only branch stays.".into());
                }
                self.other = None;
                self.branches.list = self.branches.with(&self.shown.live);
                self.branches.list.remove(place);
                self.branches.news = true;
                let current = self.branches.current;
                if place == current {
                    self.show(current.saturating_sub(1), at);
                } else if place < current {
                    self.branches.current -= 1;
                }
            }
            BranchTurn::Compare(None) => {
                self.other = None;
                self.branches.news = true;
            }
            BranchTurn::Compare(Some(place)) => {
                let place = there(place, &self.branches)?;
                if place == self.branches.current {
                    return Err("A branch is compared with another one.".into());
                }
                self.compare(place);
            }
        }
        Ok(())
    }

    fn told(&mut self, there: bool) -> Report {
        Report::Frame(Box::new(self.frame(there)))
    }

    fn say(&mut self, refused: Option<String>) -> Report {
        Report::Frame(Box::new(Frame { refused, ..self.frame(true) }))
    }

    /// The branch beside the one that is shown has the same clock.
    fn frame(&mut self, there: bool) -> Frame {
        let mut frame = self.shown.frame(there);
        if let Some((_, other)) = &mut self.other {
            let there = match self.shown.known.later {
                Some(later) => later.follow(other, frame.now),
                None => other.advance(frame.now, BUDGET),
            };
            frame.more |= !there;
            if frame.whole {
                other.reporter.make_whole();
            }
            frame.other = Some(Box::new(other.frame(there)));
        }
        if std::mem::take(&mut self.branches.news) || frame.whole {
            let compared = self.other.as_ref().map(|(place, _)| *place);
            frame.branches = Some(Box::new(self.branches.told(&self.shown.live, compared)));
        }
        frame
    }
}
