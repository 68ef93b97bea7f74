//! What the page is told when it asks for verdicts: guarantees, convergence, and why copies are as they are.

use super::protocol::{DiagramMessage, VerdictStatus, VerdictStep, VerdictSubject, VerdictView};
use super::seekable_run::SeekableRun;
use super::{Run, merged, reasons, words};
use crate::analysis::check::{self, GUARANTEES, Guarantee, Verdict, VerdictMemo};
use crate::analysis::history::{History, HistoryRecorder};
use crate::analysis::{Convergence, Explanation, InvariantStatus, MessageInFlight, Quorums, RunContext};
use crate::scenario::{Micros, Scenario};
use crate::trace::{Fact, MessageId, NodeId, OperationId, Trace, UpdateId};
use std::collections::BTreeMap;

/// Steps of a search, all guarantees together: a part of a second in the browser.
const BUDGET: u64 = 300_000;
/// Copies whose reasons are told at most.
const MOST: usize = 12;

/// Messages of a diagram at most.
const MOST_ARROWS: usize = 1500;

/// The messages that were under way between two instants, by when they were sent; the newest if there are too many.
pub(super) fn messages(run: &Run, scenario: &Scenario, from: Micros, to: Micros) -> Vec<DiagramMessage> {
    let (trace, analysis, names) = (run.engine().trace(), run.analysis(), run.engine().names());
    let mut messages: BTreeMap<MessageId, DiagramMessage> = BTreeMap::new();
    for record in trace.since(trace.oldest()) {
        match &record.fact {
            Fact::MessageSent { message, .. } | Fact::MessageDuplicated { copy: message, .. } if record.at <= to => {
                let Some(info) = analysis.messages.recall(*message) else { continue };
                let update = info.update.map(|update| update.0);
                let label = String::new();
                let MessageInFlight { from, to, kind, .. } = *info;
                let (id, sent, end, dropped, late) = (message.0, record.at, None, false, false);
                messages
                    .insert(*message, DiagramMessage { id, from, to, kind, update, label, sent, end, dropped, late });
            }
            Fact::MessageDelivered { message } | Fact::MessageDropped { message, .. } => {
                if record.at < from {
                    messages.remove(message);
                } else if let Some(message) = messages.get_mut(message) {
                    message.end = Some(record.at);
                    message.dropped = matches!(record.fact, Fact::MessageDropped { .. });
                }
            }
            _ => {}
        }
    }
    let skip = messages.len().saturating_sub(MOST_ARROWS);
    let quorums = Quorums::read(&run.look(scenario));
    let named = messages.values().skip(skip).map(|message| {
        let id = MessageId(message.id);
        let (label, late) = match quorums.response(id) {
            Some((to, late)) => (format!("answer to {}", words::asked(to, analysis, names)), late),
            None => {
                let info = analysis.messages.recall(id);
                (info.map(|info| words::payload(info, analysis, names)).unwrap_or_default(), false)
            }
        };
        DiagramMessage { label, late, ..message.clone() }
    });
    named.collect()
}

/// Everything that can be said of a run so far.
pub(super) fn verdicts(loaded: &mut SeekableRun, node: Option<NodeId>) -> Vec<VerdictView> {
    let SeekableRun { run, scenario, live, checks, .. } = loaded;
    let scenario = merged(scenario, live);
    let look = run.look(&scenario);
    let mut found = Vec::new();
    let copies = look.analysis.staleness.inconsistent_copies().filter(|(at, ..)| node.is_none_or(|node| node == *at));
    found.extend(copies.flat_map(|(node, key, _)| look.explain(node, key)).take(MOST).map(|why| reason(&why, &look)));
    // What follows says why.
    let because = found.is_empty();
    found.insert(0, convergence(run, &look, because));
    found.extend(scenario.invariants.iter().zip(run.invariants()).map(invariant));
    found.extend(checks.guarantees(&look));
    found
}

fn convergence(run: &Run, look: &RunContext, explain: bool) -> VerdictView {
    let verdict = run.convergence(look.scenario);
    let standing = match &verdict {
        Convergence::Converged => VerdictStatus::Holds,
        Convergence::Converging(_) => VerdictStatus::Pending,
        Convergence::WillNotConverge(_) => VerdictStatus::Violated,
        Convergence::Unknown(_) => VerdictStatus::Unknown,
    };
    let (said, because) = reasons::convergence(&verdict, look);
    VerdictView {
        about: VerdictSubject::Convergence,
        title: format!("Convergence: {said}"),
        standing,
        because: if explain { because.join(" ") } else { String::new() },
        steps: Vec::new(),
    }
}

fn reason(why: &Explanation, look: &RunContext) -> VerdictView {
    let step = |step: reasons::Step| {
        let nodes = look.trace.get(step.record).map(|record| words::sentence(record, look.analysis, look.names).nodes);
        VerdictStep { at: step.at, text: step.text, nodes: nodes.unwrap_or_default() }
    };
    VerdictView {
        about: VerdictSubject::Copy,
        title: format!("Why {} at {}?", look.names.key(why.key), look.names.label(why.node)),
        standing: if why.prospect.is_hopeful() { VerdictStatus::Pending } else { VerdictStatus::Violated },
        because: reasons::sentence(why, look),
        steps: reasons::steps(why, look).into_iter().map(step).collect(),
    }
}

fn invariant((text, stands): (&String, InvariantStatus)) -> VerdictView {
    let (standing, because, steps) = match stands {
        InvariantStatus::Holds => (VerdictStatus::Holds, String::new(), Vec::new()),
        InvariantStatus::Unknown => (VerdictStatus::Unknown, reasons::NEVER_LOOKED.into(), Vec::new()),
        InvariantStatus::Violated { at, values, nodes, recovered } => {
            let now = if recovered { "It was broken, and is true again." } else { "It is broken." };
            (VerdictStatus::Violated, now.into(), vec![VerdictStep { at, text: values, nodes }])
        }
    };
    VerdictView { about: VerdictSubject::Invariant, title: format!("“{text}”"), standing, because, steps }
}

/// What was checks of a run's operations so far, and what was found of them.
#[derive(Clone, Debug, Default)]
pub(super) struct GuaranteeChecks {
    recorder: HistoryRecorder,
    asked: Vec<(OperationId, NodeId, NodeId)>,
    /// The next record.
    next: u64,
    /// Some were let go before anybody asked.
    missed: bool,
    memo: VerdictMemo,
}

impl GuaranteeChecks {
    /// Hears what is new.
    fn hear(&mut self, trace: &Trace) {
        if trace.oldest() > self.next {
            *self = GuaranteeChecks { missed: true, ..GuaranteeChecks::default() };
        }
        for record in trace.since(self.next) {
            self.recorder.observe(record);
            if let Fact::OperationIssued { operation, by, to, .. } = &record.fact {
                self.asked.push((*operation, *by, *to));
            }
        }
        self.next = trace.total();
    }

    /// The guarantees, from the history that was checks.
    fn guarantees(&mut self, look: &RunContext) -> Vec<VerdictView> {
        self.hear(look.trace);
        let GuaranteeChecks { recorder, asked, missed, memo, .. } = self;
        guarantees(look, recorder, asked, !*missed, memo)
    }
}

fn guarantees(
    look: &RunContext,
    recorder: &HistoryRecorder,
    asked: &[(OperationId, NodeId, NodeId)],
    whole: bool,
    memo: &mut VerdictMemo,
) -> Vec<VerdictView> {
    let names = look.names;
    let history = recorder.history(|key| names.qualified_key(key), |by, _| names.label(by).into());
    let mut finding = |(name, guarantee): &(&str, Guarantee)| {
        let verdict = match whole {
            true => check::check_growing(&history, *guarantee, BUDGET, memo, &|key| recorder.revision(key)),
            false => Verdict::Unknown("the log no longer holds the beginning of the run".into()),
        };
        let (standing, because, operations) = match verdict {
            Verdict::Holds => (VerdictStatus::Holds, String::new(), Vec::new()),
            Verdict::Unknown(why) => (VerdictStatus::Unknown, why, Vec::new()),
            Verdict::Violated(witness) => (VerdictStatus::Violated, witness.sentence, witness.operations),
        };
        let mut title = name.replace('-', " ");
        title[..1].make_ascii_uppercase();
        let steps = operations.into_iter().map(|place| step(&history, place, asked)).collect();
        VerdictView { about: VerdictSubject::Guarantee, title, standing, because, steps }
    };
    // Of groups the log knows what was lost, though clients may never learn of it, or take a stale read for a loss.
    let grouped = asked.iter().all(|(_, _, to)| names.group(*to).is_some());
    let all = GUARANTEES.iter().filter(|(_, guarantee)| *guarantee != Guarantee::Session);
    let of = |of: &(&str, Guarantee)| match lost_updates(look) {
        Some(lost) if of.1 == Guarantee::NoLostUpdate && (grouped || lost.standing == VerdictStatus::Violated) => lost,
        Some(_) | None => finding(of),
    };
    all.map(of).collect()
}

/// What the log says of lost updates, if anything was written.
fn lost_updates(look: &RunContext) -> Option<VerdictView> {
    let lost = look.analysis.lost.all();
    let step = |(at, update, by): &(Micros, UpdateId, UpdateId)| {
        let info = look.analysis.updates.get(*update);
        VerdictStep {
            at: *at,
            text: words::lost_update(*update, *by, look.analysis, look.names),
            nodes: info.map(|info| vec![info.node]).unwrap_or_default(),
        }
    };
    (look.analysis.staleness.acknowledged() > 0).then(|| VerdictView {
        about: VerdictSubject::Guarantee,
        title: "No lost update".into(),
        standing: if lost.is_empty() { VerdictStatus::Holds } else { VerdictStatus::Violated },
        because: match lost.len() {
            0 => String::new(),
            1 => "An acknowledged write is gone, though nobody who had seen it replaced it.".into(),
            n => format!("{n} acknowledged writes are gone, though nobody who had seen them replaced them."),
        },
        steps: lost.iter().take(MOST).map(step).collect(),
    })
}

fn step(history: &History, place: usize, asked: &[(OperationId, NodeId, NodeId)]) -> VerdictStep {
    let operation = &history.operations[place];
    let at = operation.times.map_or(0, |(from, _)| from as u64);
    let ends = asked.iter().find(|(id, ..)| u64::from(id.0) == operation.index);
    VerdictStep {
        at,
        text: check::describe(history, place),
        nodes: ends.map(|(_, by, to)| vec![*by, *to]).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{examples::EXAMPLES, micros};
    use crate::trace::{CHUNK, KeyId, Level, OperationKind};

    fn loaded(scenario: &Scenario) -> SeekableRun {
        SeekableRun::new(scenario.clone(), Vec::new(), 0).0
    }

    #[test]
    fn verdicts_that_follow_a_run_are_those_of_who_asks_once() {
        let mut violated = 0;
        for example in EXAMPLES {
            let scenario = example.scenario();
            let end = micros(scenario.until_ms);
            let mut follows = loaded(&scenario);
            // Forwards in steps, back, and forwards again.
            for part in [1, 2, 3, 5, 6, 8, 4, 7, 8] {
                let at = end / 8 * part;
                follows.seek(at);
                let mut once = loaded(&scenario);
                once.seek(at);
                let found = verdicts(&mut follows, None);
                assert_eq!(found, verdicts(&mut once, None), "{} at {at} µs", example.id);
                violated += found.iter().filter(|it| it.standing == VerdictStatus::Violated).count();
            }
        }
        assert!(violated > 100, "{violated}");
    }

    fn asks(operation: u32) -> Fact {
        let (by, to, kind, key) = (NodeId(1), NodeId(0), OperationKind::Read, KeyId(0));
        Fact::OperationIssued {
            operation: OperationId(operation),
            by,
            session: 0,
            to,
            kind,
            key,
            value: None,
            expected: None,
        }
    }

    #[test]
    fn what_was_heard_stays_known_when_the_log_lets_go_of_it() {
        let (mut trace, mut checks) = (Trace::with_limit(Level::Full, CHUNK), GuaranteeChecks::default());
        let (mut asked, mut late) = (0, GuaranteeChecks::default());
        while trace.oldest() == 0 {
            for _ in 0..CHUNK / 2 {
                trace.push(u64::from(asked), asks(asked));
                asked += 1;
            }
            checks.hear(&trace);
        }
        // As often as one likes.
        checks.hear(&trace);
        assert_eq!((checks.asked.len() as u32, checks.missed), (asked, false));
        late.hear(&trace);
        assert!(late.missed && (late.asked.len() as u32) < asked, "whoever asks only now has missed the beginning");
    }
}
