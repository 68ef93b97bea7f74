//! Publications without a relay whose gap after the commit has not elapsed.

use crate::scenario::{Micros, PublishMode, Scenario, micros};
use crate::trace::{Fact, MessageKind, Names, NodeId, OperationId, Record, SubscriptionId, UpdateId, facts_about};
use litemap::LiteMap;
use std::collections::BTreeSet;

/// The maximum number of publications that are remembered.
const MAX_DELAYED: usize = 1 << 16;

/// A publication that its publisher sends later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct DelayedPublication {
    pub update: UpdateId,
    pub publisher: NodeId,
    pub bus: NodeId,
    /// The end of the gap. A publisher that is paused at that time sends the publication when it is resumed.
    pub due: Micros,
}

/// The gap of a publication of a service, and the events that it forwards.
#[derive(Clone, Copy, Debug)]
struct Gap {
    bus: NodeId,
    length: Micros,
    forward: Option<Forwarded>,
}

/// The events that a publication forwards.
#[derive(Clone, Copy, Debug)]
struct Forwarded {
    /// The bus of the events; with `None`, any bus.
    from: Option<NodeId>,
    /// Whether it publishes the update of the event itself, and no update that the service derives from it.
    is_same: bool,
}

impl Forwarded {
    fn is_from(self, bus: NodeId) -> bool {
        self.from.is_none_or(|from| from == bus)
    }
}

/// The publications whose gap has not elapsed. The trace does not contain the beginning of a gap: it is the commit.
#[derive(Clone, Debug, Default)]
pub struct DelayedPublications {
    /// The gaps of the services that have any.
    gaps: LiteMap<NodeId, Vec<Gap>>,
    /// The bus of each subscription.
    buses: Vec<NodeId>,
    delayed: BTreeSet<DelayedPublication>,
    /// Writes that members with a gap coordinate, and that their group has not acknowledged.
    coordinated: BTreeSet<(OperationId, NodeId, UpdateId)>,
    /// The newest operation that a client or a caller issued. A service commits what it derives from an event under a newer one.
    newest: Option<OperationId>,
    /// The service that applied an event last, and the event's bus.
    applied: Option<(NodeId, NodeId)>,
}

impl DelayedPublications {
    /// Returns the state of a run that has not begun.
    pub(super) fn new(scenario: &Scenario, names: &Names) -> Self {
        let mut gaps: LiteMap<NodeId, Vec<Gap>> = LiteMap::new();
        for (publisher, service) in (0..).map(NodeId).zip(&scenario.services) {
            for publication in &service.publishes {
                let length = micros(publication.gap_ms);
                let Some(bus) = names.find_node(&publication.to).filter(|_| length > 0) else { continue };
                if publication.mode == PublishMode::AfterCommit {
                    let forward = publication.forward.as_ref().map(|forward| Forwarded {
                        from: forward.from.as_ref().and_then(|bus| names.find_node(bus)),
                        is_same: forward.is_same(),
                    });
                    gaps.entry(publisher).or_default().push(Gap { bus, length, forward });
                }
            }
        }
        let buses = names.subscriptions().map(|subscription| names.subscription(subscription).bus).collect();
        DelayedPublications { gaps, buses, ..DelayedPublications::default() }
    }

    pub(super) fn observe(&mut self, record: &Record) {
        if self.gaps.is_empty() {
            return;
        }
        match &record.fact {
            Fact::OperationIssued { operation, .. } => self.newest = self.newest.max(Some(*operation)),
            Fact::OperationRefused { operation, node, .. } => _ = self.take_coordinated(*operation, *node),
            Fact::UpdateCommitted { update, operation, node, .. } => {
                let derived_from = self.applied.filter(|_| Some(*operation) > self.newest).map(|(_, bus)| bus);
                self.delay(record.at, *node, *update, |gap| match derived_from {
                    Some(bus) => gap.forward.is_some_and(|forward| !forward.is_same && forward.is_from(bus)),
                    None => true,
                });
            }
            Fact::UpdateApplied { update, node, by: None, .. } => self.delay(record.at, *node, *update, |_| true),
            Fact::UpdateApplied { update, node, changed, by: Some(by), .. } => {
                self.note_applied(record.at, *node, *update, *by, *changed);
            }
            Fact::WriteCoordinated { update, operation, node, .. } if self.gaps.contains_key(node) => {
                self.coordinated.insert((*operation, *node, *update));
            }
            Fact::UpdateAcknowledged { operation, update } => {
                let first = (*operation, NodeId(0), UpdateId(0));
                let of_operation = self.coordinated.range(first..).take_while(|(of, ..)| of == operation);
                let write = of_operation.copied().find(|(.., coordinated)| coordinated == update);
                if let Some(write @ (_, node, update)) = write {
                    self.coordinated.remove(&write);
                    self.delay(record.at, node, update, |_| true);
                }
            }
            Fact::MessageSent { kind: MessageKind::Reply, from, operation: Some(operation), .. } => {
                if let Some(update) = self.take_coordinated(*operation, *from) {
                    self.delay(record.at, *from, update, |_| true);
                }
            }
            Fact::MessageSent { kind: MessageKind::Publish, from, to, update: Some(update), attempt: 1, .. } => {
                let is_sent = |it: &&DelayedPublication| (it.publisher, it.bus) == (*from, *to) && it.due <= record.at;
                let sent = self.of(*update).find(is_sent).copied();
                if let Some(sent) = sent {
                    self.delayed.remove(&sent);
                }
            }
            Fact::ServiceCrashed { node, .. } => {
                self.delayed.retain(|delayed| delayed.publisher != *node);
                self.coordinated.retain(|(_, coordinator, _)| coordinator != node);
            }
            facts_about!(
                declarations,
                messages,
                events,
                links,
                disturbances,
                brokers,
                repair,
                leaders,
                transactions
            )
            | Fact::ServiceRestarted { .. }
            | Fact::BusStopped { .. }
            | Fact::BusStarted { .. }
            | Fact::ReadServed { .. }
            | Fact::OperationEnded { .. }
            | Fact::UpdateProposed { .. }
            | Fact::KeyPlaced { .. }
            | Fact::WriteCoordinated { .. }
            | Fact::ReplicaStored { .. }
            | Fact::StateMerged { .. }
            | Fact::WriteRolledBack { .. } => {}
        }
    }

    /// Notes that a service applied an event, which it may forward.
    fn note_applied(&mut self, at: Micros, node: NodeId, update: UpdateId, by: SubscriptionId, changed: bool) {
        let Some(bus) = self.buses.get(by.index()).copied() else { return };
        self.applied = Some((node, bus));
        if changed {
            self.delay(at, node, update, |gap| gap.forward.is_some_and(|it| it.is_same && it.is_from(bus)));
        }
    }

    /// Removes a write of an operation that a member coordinates, and returns its update.
    fn take_coordinated(&mut self, operation: OperationId, node: NodeId) -> Option<UpdateId> {
        let all = (operation, node, UpdateId(0))..=(operation, node, UpdateId(u32::MAX));
        let first = self.coordinated.range(all).next().copied()?;
        self.coordinated.remove(&first);
        Some(first.2)
    }

    /// Adds the publications of an update whose gap begins now, among those that a service has.
    fn delay(&mut self, now: Micros, publisher: NodeId, update: UpdateId, publishes: impl Fn(&Gap) -> bool) {
        let gaps = self.gaps.get(&publisher).into_iter().flatten().filter(|gap| publishes(gap));
        self.delayed.extend(gaps.map(|gap| DelayedPublication {
            update,
            publisher,
            bus: gap.bus,
            due: now + gap.length,
        }));
        while self.delayed.len() > MAX_DELAYED {
            self.delayed.pop_first();
        }
    }

    /// Iterates over all delayed publications.
    pub(super) fn iter(&self) -> impl Iterator<Item = &DelayedPublication> {
        self.delayed.iter()
    }

    /// Iterates over the delayed publications of an update.
    pub(super) fn of(&self, update: UpdateId) -> impl Iterator<Item = &DelayedPublication> {
        let first = DelayedPublication { update, publisher: NodeId(0), bus: NodeId(0), due: 0 };
        self.delayed.range(first..).take_while(move |delayed| delayed.update == update)
    }
}
