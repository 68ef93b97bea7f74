use crate::scenario::{Link, Scenario};
use crate::trace::{Fact, MessageKind, Names, NodeId, Record, UpdateId, facts_about};
use litemap::LiteMap;
use std::collections::BTreeSet;

/// The active faults, each with the number of the record that began it, and the publications that their bus has not accepted.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    down: LiteMap<NodeId, u64>,
    paused: LiteMap<NodeId, u64>,
    cut: LiteMap<(NodeId, NodeId), u64>,
    disturbed: LiteMap<(NodeId, NodeId), u64>,
    /// Links that lose every message because of a disturbance.
    losing: BTreeSet<(NodeId, NodeId)>,
    /// Links that lose every message by their own settings.
    lossy: BTreeSet<(NodeId, NodeId)>,
    /// The chances of links that lose or duplicate messages by their own settings.
    settings: LiteMap<(NodeId, NodeId), Chances>,
    /// The same of links that are disturbed.
    disturbances: LiteMap<(NodeId, NodeId), Chances>,
    /// The factors by which services are slowed down, in thousandths.
    slowed: LiteMap<NodeId, u32>,
    /// Events sent to a bus that has not accepted them, by update, bus and publisher.
    unaccepted: BTreeSet<(UpdateId, NodeId, NodeId)>,
    records: u64,
}

/// The probabilities, in parts per million, that a link loses or duplicates a message.
#[derive(Clone, Copy, Debug, Default)]
struct Chances {
    loss: u32,
    duplicate: u32,
}

/// The loss of every message, in parts per million.
const CERTAIN: u32 = 1_000_000;

impl Faults {
    /// Returns the faults of a run that has not begun.
    pub(super) fn new(scenario: &Scenario, names: &Names) -> Self {
        let node = |id: &str| names.find_node(id);
        let ends = |link: &Link| node(&link.from).zip(node(&link.to));
        let mut faults = Faults::default();
        for link in scenario.links.iter().filter(|link| link.loss > 0.0 || link.duplicate > 0.0) {
            let Some((from, to)) = ends(link) else { continue };
            let is_listed = scenario.links.iter().filter_map(ends).any(|other| other == (to, from));
            let parts = |probability: f64| (probability * f64::from(CERTAIN)).ceil() as u32;
            let chances = Chances { loss: parts(link.loss), duplicate: parts(link.duplicate) };
            // A link that is listed in one direction has the same settings in the other.
            for ends in [Some((from, to)), (!is_listed).then_some((to, from))].into_iter().flatten() {
                faults.settings.insert(ends, chances);
                faults.lossy.extend((link.loss >= 1.0).then_some(ends));
            }
        }
        faults
    }

    pub(super) fn observe(&mut self, record: &Record) {
        let number = self.records;
        self.records += 1;
        match &record.fact {
            Fact::ServiceCrashed { node, .. } | Fact::BusStopped { bus: node, .. } => {
                self.down.insert(*node, number);
                // Retries are volatile: a crash ends them.
                self.unaccepted.retain(|(.., publisher)| publisher != node);
            }
            Fact::ServiceRestarted { node } | Fact::BusStarted { bus: node } => {
                self.down.remove(node);
            }
            Fact::NodePaused { node } => {
                self.paused.insert(*node, number);
            }
            Fact::NodeResumed { node } => {
                self.paused.remove(node);
            }
            Fact::LinkCut { from, to } => {
                self.cut.insert((*from, *to), number);
            }
            Fact::LinkHealed { from, to } => {
                self.cut.remove(&(*from, *to));
                self.disturbed.remove(&(*from, *to));
                self.disturbances.remove(&(*from, *to));
                self.losing.remove(&(*from, *to));
            }
            Fact::ServiceSlowed { node, permille } => {
                self.slowed.insert(*node, *permille);
            }
            Fact::LinkDisturbed { from, to, loss, duplicate, .. } => {
                self.disturbed.insert((*from, *to), number);
                self.disturbances.insert((*from, *to), Chances { loss: *loss, duplicate: *duplicate });
                self.losing.remove(&(*from, *to));
                self.losing.extend((*loss == CERTAIN).then_some((*from, *to)));
            }
            Fact::MessageSent { kind: MessageKind::Publish, from, to, update: Some(update), .. } => {
                self.unaccepted.insert((*update, *to, *from));
            }
            Fact::EventPublished { bus, update, .. } | Fact::EventDeduplicated { bus, update } => {
                let publishers = self.publishers(*update).filter(|(_, to)| to == bus).map(|(publisher, _)| publisher);
                for publisher in publishers.collect::<Vec<_>>() {
                    self.unaccepted.remove(&(*update, *bus, publisher));
                }
            }
            Fact::PublishAbandoned { node, bus, update } | Fact::PublicationLost { node, bus, update } => {
                self.unaccepted.remove(&(*update, *bus, *node));
            }
            facts_about!(declarations, requests, messages, queues, handling, attachments, brokers, groups)
            | Fact::OutboxRowWritten { .. }
            | Fact::OutboxRowPublished { .. }
            | Fact::PositionLost { .. }
            | Fact::PublicationSkipped { .. }
            | Fact::PublishRefused { .. }
            | Fact::ClockSet { .. } => {}
        }
    }

    /// Returns the number of the record that stopped a node, if the node is down.
    pub fn down(&self, node: NodeId) -> Option<u64> {
        self.down.get(&node).copied()
    }

    /// Returns the number of the record that paused a node, if the node is paused.
    pub fn paused(&self, node: NodeId) -> Option<u64> {
        self.paused.get(&node).copied()
    }

    /// Returns whether a node is down or paused, so that it handles nothing.
    pub fn is_stopped(&self, node: NodeId) -> bool {
        self.down.contains_key(&node) || self.paused.contains_key(&node)
    }

    /// Returns the number of the record that cut one direction of a link, if it is cut.
    pub fn cut(&self, from: NodeId, to: NodeId) -> Option<u64> {
        self.cut.get(&(from, to)).copied()
    }

    /// Returns whether messages can arrive over one direction of a link: it is neither cut nor loses every message.
    pub fn passes(&self, from: NodeId, to: NodeId) -> bool {
        let link = (from, to);
        !self.cut.contains_key(&link) && !self.losing.contains(&link) && !self.lossy.contains(&link)
    }

    /// Returns whether one direction of a link loses every message by its own settings, which nothing heals.
    pub fn loses_all(&self, from: NodeId, to: NodeId) -> bool {
        self.lossy.contains(&(from, to))
    }

    fn chances(&self, link: (NodeId, NodeId)) -> impl Iterator<Item = Chances> {
        [&self.settings, &self.disturbances].into_iter().filter_map(move |links| links.get(&link).copied())
    }

    /// Returns whether one direction of a link may lose a message now, or let it pass.
    pub fn may_lose(&self, from: NodeId, to: NodeId) -> bool {
        self.passes(from, to) && self.chances((from, to)).any(|chances| chances.loss > 0)
    }

    /// Returns whether one direction of a link may lose this number of messages in a row. A probability below 1e-6 counts as 0.
    pub fn may_lose_all(&self, from: NodeId, to: NodeId, messages: u32) -> bool {
        let loss = self.chances((from, to)).map(|chances| u64::from(chances.loss)).max().unwrap_or(0);
        let certain = u64::from(CERTAIN);
        let mut lost = certain;
        for _ in 0..messages {
            lost = lost * loss / certain;
            if lost == 0 || loss == certain {
                break;
            }
        }
        self.passes(from, to) && lost > 0
    }

    /// Iterates over the links of which one direction may deliver a message twice now.
    pub fn duplicating(&self) -> impl Iterator<Item = (NodeId, NodeId)> {
        let all = self.settings.iter().chain(self.disturbances.iter());
        all.filter(|(_, chances)| chances.duplicate > 0).map(|(link, _)| *link)
    }

    /// Returns the factor by which the work of a service takes longer than configured.
    pub fn slowness(&self, node: NodeId) -> f64 {
        self.slowed.get(&node).map_or(1.0, |permille| f64::from(*permille) / 1000.0)
    }

    /// Returns the number of the record that disturbed one direction of a link, if it is disturbed.
    pub fn disturbed(&self, from: NodeId, to: NodeId) -> Option<u64> {
        self.disturbed.get(&(from, to)).copied()
    }

    /// Iterates over the publishers that sent an update's event, each with the bus that has not accepted it.
    pub fn publishers(&self, update: UpdateId) -> impl Iterator<Item = (NodeId, NodeId)> {
        let all = (update, NodeId(0), NodeId(0))..=(update, NodeId(u32::MAX), NodeId(u32::MAX));
        self.unaccepted.range(all).map(|(_, bus, publisher)| (*publisher, *bus))
    }
}
