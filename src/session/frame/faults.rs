//! What frames tell of faults: marks of the timeline, cut links, and what is wrong with whom.

use super::FrameBuilder;
use crate::analysis::Analysis;
use crate::scenario::Scenario;
use crate::session::protocol::{Mark, MarkKind};
use crate::session::{Run, words};
use crate::trace::{BrokerChange, Fact, Names, NodeId, Record};

/// Kinds of what can be wrong with a node or a link at the same time.
const DISTURBED: u8 = 0;
const HELD: u8 = 1;
const SLOW: u8 = 2;
const CLOCK: u8 = 3;
const OUT: u8 = 4;
const UNGROUPED: u8 = 5;
const IN_SYNC: u8 = 6;
/// The first of a bus's brokers; the others follow.
const BROKER: u8 = 7;

/// How far a clock is off: `clock −300 ms`.
fn clock(ahead: i64) -> String {
    let sign = if ahead < 0 { "−" } else { "+" };
    format!("clock {sign}{}", words::duration(ahead.unsigned_abs()))
}

impl FrameBuilder {
    /// Notes the clocks that are wrong from the start, in groups where clocks decide which write is the newest.
    pub fn look_at_clocks(&mut self, run: &Run, scenario: &Scenario) {
        let engine = run.engine();
        for group in scenario.groups.iter().filter(|group| group.is_ordered_by_clock()) {
            for node in group.members.iter().filter_map(|id| engine.names().find_node(id)) {
                let ahead = engine.clock_ahead(node);
                if ahead != 0 {
                    self.active_faults.insert((node, None, CLOCK), clock(ahead));
                }
            }
        }
    }

    /// Notes a fault, or the end of one.
    pub(super) fn look_at_fault(&mut self, record: &Record, analysis: &Analysis, names: &Names) {
        match &record.fact {
            Fact::LinkCut { from, to } => {
                self.cut.insert((*from, *to));
                self.mark_fault(record, MarkKind::Cut, *from, Some(*to), analysis, names);
            }
            Fact::LinkHealed { from, to } => {
                self.cut.remove(&(*from, *to));
                if self.active_faults.remove(&(*from, Some(*to), DISTURBED)).is_some() {
                    self.mark_fault(record, MarkKind::FaultEnded, *from, Some(*to), analysis, names);
                }
                self.mark_fault(record, MarkKind::Heal, *from, Some(*to), analysis, names);
            }
            Fact::LinkDisturbed { from, to, .. } => {
                self.trouble(record, (*from, Some(*to), DISTURBED), Some("disturbed".into()), analysis, names);
            }
            Fact::NodePaused { node } => {
                self.trouble(record, (*node, None, HELD), Some("paused".into()), analysis, names);
            }
            Fact::NodeResumed { node } => self.trouble(record, (*node, None, HELD), None, analysis, names),
            Fact::ServiceSlowed { node, permille } => {
                let times = f64::from(*permille) / 1000.0;
                let what = (*permille != 1000).then(|| format!("{times} × as long"));
                self.trouble(record, (*node, None, SLOW), what, analysis, names);
            }
            Fact::ClockSet { node, offset, drift } => {
                let what = clock(*offset);
                let wrong = *offset != 0 || *drift != 0;
                self.trouble(record, (*node, None, CLOCK), wrong.then_some(what), analysis, names);
            }
            Fact::BusStopped { bus, .. } => {
                self.trouble(record, (*bus, None, OUT), Some("out".into()), analysis, names);
            }
            Fact::BusStarted { bus } => self.trouble(record, (*bus, None, OUT), None, analysis, names),
            Fact::BrokerChanged { bus, broker, change } => {
                let at = (*bus, None, BROKER + *broker as u8);
                match change {
                    BrokerChange::Stopped | BrokerChange::LostDisk => {
                        let what = Some(format!("broker {broker} down"));
                        self.trouble(record, at, what, analysis, names);
                    }
                    BrokerChange::Started => self.trouble(record, at, None, analysis, names),
                    BrokerChange::Leads => {}
                }
            }
            Fact::InSyncChanged { bus, brokers, replicas } => {
                let what = format!("{} of {replicas} in sync", brokers.count_ones());
                let lacks = brokers.count_ones() < *replicas;
                self.trouble(record, (*bus, None, IN_SYNC), lacks.then_some(what), analysis, names);
            }
            Fact::ReaderLeft { subscription, .. } => {
                let reader = names.subscription(*subscription).service;
                self.trouble(record, (reader, None, UNGROUPED), Some("out of its group".into()), analysis, names);
            }
            Fact::ReaderJoined { subscription } => {
                let reader = names.subscription(*subscription).service;
                self.trouble(record, (reader, None, UNGROUPED), None, analysis, names);
            }
            Fact::ServiceCrashed { node, .. } => {
                self.mark_fault(record, MarkKind::Crash, *node, None, analysis, names);
            }
            Fact::ServiceRestarted { node } => {
                self.mark_fault(record, MarkKind::Restart, *node, None, analysis, names);
            }
            _ => {}
        }
    }

    /// Takes note of what is wrong with a node or a link, or that it is not any more.
    fn trouble(
        &mut self,
        record: &Record,
        at: (NodeId, Option<NodeId>, u8),
        what: Option<String>,
        analysis: &Analysis,
        names: &Names,
    ) {
        let kind = if what.is_some() { MarkKind::Fault } else { MarkKind::FaultEnded };
        self.mark_fault(record, kind, at.0, at.1, analysis, names);
        match what {
            Some(what) => {
                self.active_faults.insert(at, what);
            }
            None => {
                self.active_faults.remove(&at);
            }
        }
    }

    fn mark_fault(
        &mut self,
        record: &Record,
        kind: MarkKind,
        node: NodeId,
        to: Option<NodeId>,
        analysis: &Analysis,
        names: &Names,
    ) {
        let label = words::sentence(record, analysis, names).text;
        self.mark(Mark { at: record.at, kind, node, to, update: None, label });
    }
}
