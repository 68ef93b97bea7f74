//! Measures one run of a sweep.

use super::figures::{GRID, Sweep};
use super::unended::Reflection;
use crate::analysis::{Analysis, EndedOperation, Notice};
use crate::scenario::Micros;
use crate::session::run::Run;
use crate::trace::{Fact, MessageKind, OperationKind, Outcome, Record, facts_about};
use std::collections::{BTreeMap, BTreeSet};

/// The state of the measurement of a run.
#[derive(Debug)]
pub(super) struct RunObserver {
    end: Micros,
    /// Deliveries of each event that is not finished, by its subscription and its number.
    deliveries: BTreeMap<(u32, u32), u32>,
    /// The events in dead-letter queues, by subscription and number.
    dead_letters: BTreeSet<(u32, u32)>,
    /// The time from the acknowledgement of the oldest update that stale reads lacked until the last of them was issued, by key
    /// and time of that acknowledgement.
    stale_reads: BTreeMap<(u32, Micros), Micros>,
}

impl RunObserver {
    /// Creates an observer of a run that ends at `end`.
    pub(super) fn new(end: Micros) -> RunObserver {
        RunObserver { end, deliveries: BTreeMap::new(), dead_letters: BTreeSet::new(), stale_reads: BTreeMap::new() }
    }

    /// Counts what a record reports.
    pub(super) fn observe(&mut self, sweep: &mut Sweep, record: &Record, analysis: &Analysis) {
        match &record.fact {
            Fact::MessageSent { kind, .. } => match sweep.messages.get_mut(kind_name(*kind)) {
                Some(count) => *count += 1,
                None => {
                    sweep.messages.insert(kind_name(*kind).to_string(), 1);
                }
            },
            Fact::MessageDropped { .. } => sweep.dropped += 1,
            Fact::OperationEnded { operation, .. } => {
                if let Some(ended) = analysis.operations.just_ended(*operation) {
                    count(sweep, ended);
                    if ended.stale {
                        let oldest = (ended.key.0, ended.issued.saturating_sub(ended.stale_for));
                        let last = self.stale_reads.entry(oldest).or_default();
                        *last = (*last).max(ended.stale_for);
                    }
                }
            }
            Fact::EventPublished { subscriptions, .. } => sweep.published += u64::from(*subscriptions),
            Fact::EventRedriven { subscription, event, .. } => self.leave_dead_letters(sweep, subscription.0, *event),
            Fact::EventSent { subscription, event, attempt, .. } => {
                self.deliveries.insert((subscription.0, *event), *attempt);
            }
            Fact::EventAcknowledged { subscription, event, .. } => {
                sweep.acknowledged += 1;
                self.land(sweep, subscription.0, *event);
            }
            Fact::EventDeadLettered { subscription, event, .. } => {
                sweep.dead_lettered += 1;
                self.dead_letters.insert((subscription.0, *event));
                self.land(sweep, subscription.0, *event);
            }
            Fact::EventDiscarded { subscription, event, .. } => {
                sweep.discarded += 1;
                self.leave_dead_letters(sweep, subscription.0, *event);
                self.land(sweep, subscription.0, *event);
            }
            Fact::UpdateApplied { by: Some(_), .. } => {
                sweep.executions += 1;
                sweep.effects += 1;
            }
            Fact::EventWriteEnded { outcome: Outcome::Ok, written, .. } => {
                sweep.executions += 1;
                sweep.effects += u64::from(written.is_some());
            }
            // In a group, whose inbox is at another member, `EventWriteEnded` is counted instead.
            Fact::InboxHit { node, .. } => sweep.executions += u64::from(!analysis.members.is_member(*node)),
            Fact::PublicationLost { .. } | Fact::PublishAbandoned { .. } => sweep.never_published += 1,
            facts_about!(declarations, updates, attachments, faults, groups)
            | Fact::OperationIssued { .. }
            | Fact::ReadServed { .. }
            | Fact::OperationRefused { .. }
            | Fact::MessageDuplicated { .. }
            | Fact::MessageDelivered { .. }
            | Fact::OutboxRowWritten { .. }
            | Fact::OutboxRowPublished { .. }
            | Fact::EventDeduplicated { .. }
            | Fact::PublicationSkipped { .. }
            | Fact::PublishRefused { .. }
            | Fact::PositionLost { .. }
            | Fact::EventQueued { .. }
            | Fact::AcknowledgementExpired { .. }
            | Fact::HandlingFailed { .. }
            | Fact::DeliveryDiscarded { .. }
            | Fact::EventWriteStarted { .. }
            | Fact::EventWriteEnded { .. } => {}
        }
    }

    /// Counts an event no longer as dead-lettered, if it was.
    fn leave_dead_letters(&mut self, sweep: &mut Sweep, subscription: u32, event: u32) {
        sweep.dead_lettered -= u64::from(self.dead_letters.remove(&(subscription, event)));
    }

    fn land(&mut self, sweep: &mut Sweep, subscription: u32, event: u32) {
        if let Some(deliveries) = self.deliveries.remove(&(subscription, event)) {
            sweep.deliveries.add(deliveries.into());
        }
    }

    /// Adds the windows of stale reads at the end of the run.
    pub(super) fn end(self, sweep: &mut Sweep) {
        for took in self.stale_reads.into_values() {
            sweep.stale_read_window_us.add(took);
        }
    }

    /// Counts what the analysis noticed since the last call.
    pub(super) fn notices(&self, sweep: &mut Sweep, run: &mut Run) {
        for (at, notice) in run.analysis_mut().staleness.take_notices() {
            match notice {
                Notice::WindowClosed(_, took) => {
                    sweep.window_us.add(took);
                    sweep.count_everywhere(at - took, Reflection::After(took), self.end);
                }
                Notice::Reflected(took) => sweep.reflect(at - took, Reflection::After(took), self.end),
                Notice::ServiceState(..) | Notice::FirstStale(_) | Notice::AllConsistent => {}
            }
        }
    }
}

/// Counts an operation of a client that ended.
fn count(sweep: &mut Sweep, ended: &EndedOperation) {
    let read = ended.kind == OperationKind::Read;
    let outcomes = if read { &mut sweep.read_outcomes } else { &mut sweep.write_outcomes };
    match ended.outcome {
        Outcome::Ok => outcomes.ok += 1,
        Outcome::Fail => outcomes.fail += 1,
        Outcome::Unknown => outcomes.unknown += 1,
    }
    if ended.outcome != Outcome::Ok {
        return;
    }
    if !read {
        return sweep.write_latency_us.add(ended.took);
    }
    sweep.read_latency_us.add(ended.took);
    sweep.reads.count += 1;
    if ended.stale {
        sweep.reads.stale += 1;
        sweep.reads.k.add(ended.behind.into());
        sweep.reads.t_us.add(ended.stale_for);
    }
    if let Some(since) = ended.since_acknowledged {
        let bin = GRID.partition_point(|t| *t <= since) - 1;
        sweep.reads.fresh[bin].add(!ended.stale);
    }
}

/// Returns the name of a message's kind in a sweep.
fn kind_name(kind: MessageKind) -> &'static str {
    match kind {
        MessageKind::Call => "call",
        MessageKind::Reply => "reply",
        MessageKind::Publish => "publish",
        MessageKind::Delivery => "delivery",
        MessageKind::Acknowledgement => "acknowledgement",
        MessageKind::Refusal => "refusal",
        MessageKind::Replication => "replication",
        MessageKind::Repair => "repair",
        MessageKind::Election => "election",
        MessageKind::Comparison => "comparison",
        MessageKind::Heartbeat => "heartbeat",
        MessageKind::Poll => "poll",
        MessageKind::Connection => "connection",
    }
}
