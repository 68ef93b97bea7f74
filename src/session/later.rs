//! What a session can do besides letting a run go on: answer questions (verdicts, reasons, messages, metrics, texts for
//! other tools, the log), keep snapshots, stand at another instant, and branch. The page fetches it when one of these
//! is first needed; native code has it from the start.

use super::Open;
use super::frame::Reporter;
use super::loaded::Loaded;
use super::past::Moment;
use super::protocol::{Report, Request};
use super::run::Run;
use super::{export, findings, inside};
use crate::scenario::Micros;
use crate::wire;

/// These abilities. Whoever names [`Later::new`] brings their code along.
#[derive(Clone, Copy, Debug)]
pub struct Later {
    answer: fn(&mut Open, &Request) -> Option<Report>,
    keep: fn(&Run, &Reporter, usize) -> Moment,
    follow: fn(&mut Loaded, Micros) -> bool,
}

impl Later {
    /// Knows all of them.
    pub fn new() -> Self {
        Later { answer, keep, follow: Loaded::follow }
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

fn keep(run: &Run, reporter: &Reporter, live: usize) -> Moment {
    Moment { run: run.clone(), reporter: reporter.clone(), live }
}

fn answer(open: &mut Open, request: &Request) -> Option<Report> {
    let shown = &mut open.shown;
    let Loaded { run, scenario, live, .. } = &*shown;
    Some(match request {
        Request::Examine { node } => Report::Findings(findings::findings(run, scenario, live, *node)),
        Request::Diagram { from, to } => Report::Arrows(wire::written(&findings::arrows(run, scenario, *from, *to))),
        Request::Measure { group, seed } => open.measure(*group, *seed),
        Request::Charts => Report::Charts(wire::written(&export::charts(run, scenario))),
        Request::Inside { node } => Report::Inside(wire::written(&inside::inside(run, scenario, live, *node))),
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
        Request::Load { .. }
        | Request::Edit { .. }
        | Request::Advance { .. }
        | Request::Step
        | Request::Act { .. }
        | Request::Reset
        | Request::Describe => return None,
    })
}
