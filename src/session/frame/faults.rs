//! The faults of a run: cut links, crashes, and all others.

use crate::scenario::Scenario;
use crate::session::protocol::{ActiveFault, FaultKind, MarkKind};
use crate::session::run::Run;
use crate::trace::{BrokerChange, Fact, Names, NodeId, facts_about};
use litemap::LiteMap;

/// The kinds of faults that a node or a link can have at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum FaultSlot {
    Disturbance,
    Pause,
    Slowness,
    Clock,
    BusOutage,
    ConsumerGroup,
    InSync,
    Broker(u32),
}

/// A change of the faults: the kind of its mark, the node, and for a link the other end.
type FaultChange = (MarkKind, NodeId, Option<NodeId>);

/// The faults of a run.
#[derive(Clone, Debug, Default)]
pub struct FaultSet {
    cut: LiteMap<(NodeId, NodeId), ()>,
    active: LiteMap<(NodeId, Option<NodeId>, FaultSlot), FaultKind>,
}

impl FaultSet {
    /// Returns the faults of clocks that are wrong from the start, in groups where clocks decide which write is the newest.
    pub fn of_clocks(run: &Run, scenario: &Scenario) -> Self {
        let mut faults = FaultSet::default();
        let engine = run.engine();
        for group in scenario.groups.iter().filter(|group| group.is_ordered_by_clock()) {
            for node in group.members.iter().filter_map(|id| engine.names().find_node(id)) {
                let ahead = engine.clock_ahead(node);
                if ahead != 0 {
                    faults.active.insert((node, None, FaultSlot::Clock), FaultKind::ClockOff { ahead });
                }
            }
        }
        faults
    }

    /// Returns the directed links that are cut.
    pub fn cut(&self) -> Vec<(NodeId, NodeId)> {
        self.cut.keys().copied().collect()
    }

    /// Returns the active faults other than cuts and crashes.
    pub fn active(&self) -> Vec<ActiveFault> {
        let fault = |((node, to, _), kind): (&(NodeId, Option<NodeId>, FaultSlot), &FaultKind)| ActiveFault {
            node: *node,
            to: *to,
            kind: *kind,
        };
        self.active.iter().map(fault).collect()
    }

    /// Observes a fact. Returns the changes: none, one, or two for a healed link, which ends its cut and its disturbance.
    pub fn observe(&mut self, fact: &Fact, names: &Names) -> Vec<FaultChange> {
        let Some((kind, node, to)) = self.change(fact, names) else { return Vec::new() };
        let disturbance = (node, to, FaultSlot::Disturbance);
        if kind == MarkKind::Heal && self.active.remove(&disturbance).is_some() {
            return vec![(MarkKind::FaultEnded, node, to), (kind, node, to)];
        }
        vec![(kind, node, to)]
    }

    /// Applies a fact to the set. Returns the change, except that of a healed link's disturbance.
    fn change(&mut self, fact: &Fact, names: &Names) -> Option<FaultChange> {
        let reader = |subscription| names.subscription(subscription).service;
        let (node, to, slot, kind) = match fact {
            Fact::LinkCut { from, to } => {
                self.cut.insert((*from, *to), ());
                return Some((MarkKind::Cut, *from, Some(*to)));
            }
            Fact::LinkHealed { from, to } => {
                self.cut.remove(&(*from, *to));
                return Some((MarkKind::Heal, *from, Some(*to)));
            }
            Fact::ServiceCrashed { node, .. } => return Some((MarkKind::Crash, *node, None)),
            Fact::ServiceRestarted { node } => return Some((MarkKind::Restart, *node, None)),
            Fact::LinkDisturbed { from, to, .. } => {
                (*from, Some(*to), FaultSlot::Disturbance, Some(FaultKind::Disturbed))
            }
            Fact::NodePaused { node } => (*node, None, FaultSlot::Pause, Some(FaultKind::Paused)),
            Fact::NodeResumed { node } => (*node, None, FaultSlot::Pause, None),
            Fact::ServiceSlowed { node, permille } => {
                let kind = (*permille != 1000).then_some(FaultKind::Slowed { permille: *permille });
                (*node, None, FaultSlot::Slowness, kind)
            }
            Fact::ClockSet { node, offset, drift } => {
                let kind = (*offset != 0 || *drift != 0).then_some(FaultKind::ClockOff { ahead: *offset });
                (*node, None, FaultSlot::Clock, kind)
            }
            Fact::BusStopped { bus, .. } => (*bus, None, FaultSlot::BusOutage, Some(FaultKind::BusStopped)),
            Fact::BusStarted { bus } => (*bus, None, FaultSlot::BusOutage, None),
            Fact::BrokerChanged { bus, broker, change } => {
                let kind = match change {
                    BrokerChange::Stopped | BrokerChange::LostDisk => Some(FaultKind::BrokerDown { broker: *broker }),
                    BrokerChange::Started => None,
                    BrokerChange::Leads => return None,
                };
                (*bus, None, FaultSlot::Broker(*broker), kind)
            }
            Fact::InSyncChanged { bus, brokers, replicas } => {
                let (in_sync, replicas) = (brokers.count_ones(), *replicas);
                let kind = (in_sync < replicas).then_some(FaultKind::OutOfSync { in_sync, replicas });
                (*bus, None, FaultSlot::InSync, kind)
            }
            Fact::ReaderLeft { subscription, .. } => {
                (reader(*subscription), None, FaultSlot::ConsumerGroup, Some(FaultKind::OutOfGroup))
            }
            Fact::ReaderJoined { subscription } => (reader(*subscription), None, FaultSlot::ConsumerGroup, None),
            facts_about!(declarations, requests, messages, publishers, publications, queues, handling, groups)
            | Fact::ConsumerAttached { .. }
            | Fact::ConsumerDetached { .. }
            | Fact::PartitionsReleased { .. } => return None,
        };
        match kind {
            Some(kind) => self.active.insert((node, to, slot), kind),
            None => self.active.remove(&(node, to, slot)),
        };
        Some((if kind.is_some() { MarkKind::Fault } else { MarkKind::FaultEnded }, node, to))
    }
}
