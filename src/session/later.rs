//! What a session can do besides letting the first scenario go on. The page fetches it when it is first needed, in two
//! parts: what runs any scenario ([`Runs`]); and what answers questions (verdicts, reasons, messages, metrics, texts for
//! other tools, the log), keeps snapshots, stands at another instant, and branches ([`Later`]). Native code has all of it
//! from the start.

use super::frame::{self, LookAtFaults, Reporter};
use super::loaded::Loaded;
use super::past::Moment;
use super::protocol::{Packed, Report, Request, Written};
use super::run::Run;
use super::{Open, Session};
use super::{export, findings, inside};
use crate::analysis::Invariants;
use crate::engine::Repertoire;
use crate::scenario::{Micros, Scenario};

/// What a session has learnt.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known {
    pub(super) runs: Option<Runs>,
    pub(super) later: Option<Later>,
}

/// What there is to learn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lesson {
    /// [`Runs`].
    Runs,
    /// [`Later`], which knows what `Runs` knows as well.
    Later,
}

impl Known {
    /// This and that.
    pub(super) fn and(self, more: Known) -> Known {
        Known { runs: more.runs.or(self.runs), later: more.later.or(self.later) }
    }

    pub(super) fn runs(self) -> Runs {
        self.runs.expect("learnt first, by `Session::must_learn`")
    }
}

impl From<Runs> for Known {
    fn from(runs: Runs) -> Known {
        Known { runs: Some(runs), later: None }
    }
}

impl From<Later> for Known {
    fn from(later: Later) -> Known {
        Known { runs: Some(later.runs), later: Some(later) }
    }
}

/// What runs any scenario: documents, validation, clients, groups, faults, invariants, branches. Whoever names [`Runs::new`] brings
/// its code along.
#[derive(Clone, Copy, Debug)]
pub struct Runs {
    load: fn(&mut Session, &Written, Micros) -> Report,
    edit: fn(&mut Open, &Written) -> Report,
    describe: fn(&Open) -> Report,
    /// What frames tell of faults.
    pub(super) faults: LookAtFaults,
    /// What they tell of clocks that are wrong from the start.
    pub(super) clocks: fn(&mut Reporter, &Run, &Scenario),
    /// What the engine knows.
    pub(super) repertoire: Repertoire,
    /// A scenario's invariants, to be watched.
    pub(super) invariants: fn(&Scenario) -> Invariants,
}

impl Runs {
    /// Knows all of it.
    pub fn new() -> Self {
        Runs {
            load: super::load,
            edit: super::edit,
            describe: super::describe,
            faults: frame::faults::look,
            clocks: frame::faults::look_at_clocks,
            repertoire: Repertoire::new(),
            invariants: Invariants::new,
        }
    }

    pub(super) fn load(self, session: &mut Session, scenario: &Written, at: Micros) -> Report {
        (self.load)(session, scenario, at)
    }

    pub(super) fn edit(self, open: &mut Open, scenario: &Written) -> Report {
        (self.edit)(open, scenario)
    }

    pub(super) fn describe(self, open: &Open) -> Report {
        (self.describe)(open)
    }
}

impl Default for Runs {
    fn default() -> Self {
        Runs::new()
    }
}

/// What answers and goes back in time. Whoever names [`Later::new`] brings its code along.
#[derive(Clone, Copy, Debug)]
pub struct Later {
    runs: Runs,
    answer: fn(&mut Open, &Request) -> Option<Report>,
    keep: fn(&Run, &Reporter, usize) -> Moment,
    follow: fn(&mut Loaded, Micros) -> bool,
}

impl Later {
    /// Knows all of it.
    pub fn new() -> Self {
        Later { runs: Runs::new(), answer, keep, follow: Loaded::follow }
    }

    /// Answers a request; none if nothing of this is needed for it.
    pub(super) fn answer(self, open: &mut Open, request: &Request) -> Option<Report> {
        (self.answer)(open, request)
    }

    /// Keeps a snapshot of a run, which knows of so many live commands.
    pub(super) fn keep(self, run: &Run, reporter: &Reporter, live: usize) -> Moment {
        (self.keep)(run, reporter, live)
    }

    /// Brings a run to the instant of another; whether it is there.
    pub(super) fn follow(self, loaded: &mut Loaded, to: Micros) -> bool {
        (self.follow)(loaded, to)
    }
}

impl Default for Later {
    fn default() -> Self {
        Later::new()
    }
}

impl Request {
    /// Whether it always takes what comes later, as [`Later`] tells.
    pub(super) fn comes_later(&self) -> bool {
        match self {
            Request::StepBack
            | Request::NextMark
            | Request::Seek { .. }
            | Request::Branch(_)
            | Request::Log { .. }
            | Request::Examine { .. }
            | Request::Diagram { .. }
            | Request::Charts
            | Request::Inside { .. }
            | Request::Measure { .. }
            | Request::Export(_) => true,
            Request::First
            | Request::Load { .. }
            | Request::Edit { .. }
            | Request::Advance { .. }
            | Request::Step
            | Request::Act { .. }
            | Request::Reset
            | Request::Describe => false,
        }
    }
}

fn keep(run: &Run, reporter: &Reporter, live: usize) -> Moment {
    Moment { run: run.snapshot(), reporter: reporter.clone(), live }
}

fn answer(open: &mut Open, request: &Request) -> Option<Report> {
    let shown = &mut open.shown;
    let Loaded { run, scenario, live, .. } = &*shown;
    Some(match request {
        Request::Examine { node } => Report::Findings(findings::findings(shown, *node)),
        Request::Diagram { from, to } => Report::Arrows(Packed::of(&findings::arrows(run, scenario, *from, *to))),
        Request::Measure { group, seed } => open.measure(*group, *seed),
        Request::Charts => Report::Charts(Packed::of(&export::charts(run, scenario))),
        Request::Inside { node } => Report::Inside(Packed::of(&inside::inside(run, scenario, live, *node))),
        Request::Export(kind) => {
            let (name, text) = export::text(run, scenario, *kind);
            Report::Text { name, text }
        }
        Request::Log { from, count } => shown.log(*from, *count),
        Request::NextMark => {
            let there = shown.seek_next_mark();
            open.told(there)
        }
        Request::StepBack => {
            shown.step_back();
            open.told(true)
        }
        Request::Seek { to } => {
            let there = shown.seek(*to);
            open.told(there)
        }
        // Of several branches none is emptied: the start is where all of them begin.
        Request::Reset if open.branches.are_many() => {
            let there = shown.seek(0);
            open.told(there)
        }
        Request::Act { command } if shown.has_future() => {
            let refused = open.act_in_the_past(command.clone());
            open.say(refused)
        }
        Request::Branch(turn) => {
            let refused = open.turn(turn.clone()).err();
            open.say(refused)
        }
        Request::First
        | Request::Load { .. }
        | Request::Edit { .. }
        | Request::Advance { .. }
        | Request::Step
        | Request::Act { .. }
        | Request::Reset
        | Request::Describe => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Command, Operation, Value, examples};
    use crate::session::protocol::{FromEngine, MarkKind, ToEngine};

    fn ask(session: &mut Session, request: Request) -> Report {
        let FromEngine { report, .. } = session.handle(ToEngine { epoch: 1, request }).remove(0);
        report
    }

    fn bare() -> Session {
        Session { open: None, known: Known::default() }
    }

    fn publish() -> Request {
        let operation = Operation::Write { key: "widget".into(), value: Value::Int(51) };
        Request::Act { command: Command::Operate { service: "inventory".into(), operation, poison: false } }
    }

    fn cut() -> Request {
        let (from, to) = ("inventory".into(), "stock_updated".into());
        Request::Act { command: Command::CutLink { from, to, one_way: false } }
    }

    /// Asks, and learns what must be learnt before; what that was.
    fn told(session: &mut Session, request: Request) -> (Option<Lesson>, Report) {
        let lesson = session.must_learn(&request);
        match lesson {
            Some(Lesson::Runs) => session.learn(Runs::new()),
            Some(Lesson::Later) => session.learn(Later::new()),
            None => {}
        }
        (lesson, ask(session, request))
    }

    #[test]
    fn the_first_scenario_runs_and_takes_updates_with_nothing_learnt() {
        let mut session = bare();
        for request in [Request::First, publish(), Request::Advance { to: 5_000_000, budget: 100_000 }, Request::Reset]
        {
            let (lesson, report) = told(&mut session, request);
            assert_eq!(lesson, None, "{report:?}");
            assert!(matches!(report, Report::Frame(_)), "{report:?}");
        }
    }

    #[test]
    fn a_run_that_learns_on_its_way_is_the_run_that_knew_all_along() {
        let requests = || {
            let ahead = |to| Request::Advance { to, budget: 100_000 };
            [Request::First, publish(), ahead(100_000), cut(), ahead(3_000_000), Request::StepBack, ahead(4_000_000)]
        };
        let (mut learns, mut knows) = (bare(), Session::default());
        let mut lessons = Vec::new();
        for request in requests() {
            let (lesson, report) = told(&mut learns, request.clone());
            lessons.extend(lesson);
            assert_eq!(report, ask(&mut knows, request));
            if lesson == Some(Lesson::Runs) {
                let Report::Frame(frame) = report else { panic!("{report:?}") };
                assert!(frame.marks.iter().any(|mark| mark.kind == MarkKind::Cut), "{:?}", frame.marks);
            }
        }
        assert_eq!(lessons, [Lesson::Runs, Lesson::Later]);
    }

    #[test]
    fn every_example_runs_after_one_lesson_as_it_runs_with_all_of_them() {
        for example in examples::EXAMPLES {
            let load = Request::Load { scenario: Written::from(&example.scenario()), at: 500_000 };
            let mut session = bare();
            let (lesson, report) = told(&mut session, load.clone());
            assert_eq!((lesson, &report), (Some(Lesson::Runs), &ask(&mut Session::default(), load)), "{}", example.id);
            assert!(session.known.later.is_none());
        }
    }
}
