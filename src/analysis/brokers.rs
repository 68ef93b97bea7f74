//! The brokers of replicated buses, rebuilt from the trace.

use crate::scenario::{CommitRule, Micros, Scenario, micros};
use crate::trace::{BrokerChange, Fact, Names, NodeId, Record, facts_about};
use litemap::LiteMap;

/// The brokers of one bus. Bit n is broker n + 1.
#[derive(Clone, Debug, PartialEq)]
pub struct BusBrokers {
    /// The number of brokers.
    pub replicas: u32,
    /// The brokers that are up.
    pub up: u32,
    /// The brokers in sync. A stopped broker is in sync until its session is over.
    pub in_sync: u32,
    /// The last leader.
    leader: u32,
    commit: CommitRule,
    /// When a command stopped the bus, if it is not started.
    pub stopped_at: Option<Micros>,
    /// The time for which the bus waits for a broker that is down.
    session: Micros,
    /// The brokers that are down, each with the time until which it is still in sync.
    leaving: Vec<(u32, Micros)>,
    /// The time until which no other broker is elected, because the last leader may return.
    waits_until: Option<Micros>,
    /// Whether a broker ever lost its disk.
    pub(super) lost_disk: bool,
}

impl BusBrokers {
    /// Returns whether the last leader is up and leads.
    pub(super) fn is_led(&self) -> bool {
        self.up & self.leader != 0 && (self.commit != CommitRule::Majority || self.has_majority(self.up))
    }

    /// Returns the time from which a broker leads, if these are up from a time on and can elect one.
    pub(super) fn leads_from(&self, at: Micros, up: u32) -> Micros {
        if up & self.leader != 0 { at } else { at.max(self.waits_until.unwrap_or(at)) }
    }

    /// Returns the brokers that are in sync at a time, if nothing changes until then.
    pub(super) fn in_sync_at(&self, at: Micros) -> u32 {
        let gone = self.leaving.iter().filter(|(_, until)| *until <= at);
        gone.fold(self.in_sync, |in_sync, (stopped, _)| in_sync & !stopped)
    }

    /// Notes that a broker stopped, started or leads.
    fn change(&mut self, at: Micros, broker: u32, change: BrokerChange) {
        let was_led = self.is_led();
        match change {
            BrokerChange::Stopped | BrokerChange::LostDisk => {
                self.up &= !bit(broker);
                self.leaving.push((bit(broker), at.saturating_add(self.session)));
            }
            BrokerChange::Started => {
                self.up |= bit(broker);
                self.leaving.retain(|(stopped, _)| *stopped != bit(broker));
            }
            BrokerChange::Leads => self.leader = bit(broker),
        }
        self.lost_disk |= change == BrokerChange::LostDisk;
        let is_abandoned = self.needs_majority() && !self.has_majority(self.up);
        if self.is_led() || is_abandoned {
            self.waits_until = None;
        } else if was_led {
            self.waits_until = Some(at.saturating_add(self.session));
        }
    }

    fn has_majority(&self, up: u32) -> bool {
        up.count_ones() * 2 > self.replicas
    }

    /// Returns whether one of these brokers is elected if they are up.
    pub(super) fn can_elect(&self, up: u32) -> bool {
        match &self.commit {
            CommitRule::Majority => self.has_majority(up),
            CommitRule::InSync(in_sync) => up & self.in_sync != 0 || in_sync.unclean_election && up != 0,
        }
    }

    /// Returns whether the bus elects its leaders by majority.
    pub fn needs_majority(&self) -> bool {
        self.commit == CommitRule::Majority
    }

    /// Returns whether a broker that is not in sync may lead.
    pub fn elects_uncleanly(&self) -> bool {
        matches!(&self.commit, CommitRule::InSync(in_sync) if in_sync.unclean_election)
    }

    /// Returns how many brokers must be in sync so that the bus accepts a publication that all of them have to store.
    pub fn min_insync(&self) -> u32 {
        match &self.commit {
            CommitRule::Majority => 0,
            CommitRule::InSync(in_sync) => in_sync.min_insync,
        }
    }

    /// Returns the brokers that a command starts: one, or all.
    pub(super) fn started_by(&self, broker: Option<u32>) -> u32 {
        broker.map_or(self.all(), bit) & self.all()
    }

    /// Returns all brokers, as bits.
    pub(super) fn all(&self) -> u32 {
        u32::MAX >> (u32::BITS - self.replicas.clamp(1, u32::BITS))
    }
}

/// The brokers of all replicated buses.
#[derive(Clone, Debug, Default)]
pub struct Brokers {
    buses: LiteMap<NodeId, BusBrokers>,
}

fn bit(broker: u32) -> u32 {
    1_u32.checked_shl(broker.saturating_sub(1)).unwrap_or(0)
}

impl Brokers {
    /// Returns the brokers of a run that has not begun: all are up and in sync, and the first one leads.
    pub(super) fn new(scenario: &Scenario, names: &Names) -> Self {
        let brokers = |bus: &crate::scenario::Bus| {
            let replication = bus.replication.as_ref()?;
            let (replicas, commit) = (replication.replicas, replication.commit.clone());
            let mut brokers = BusBrokers {
                replicas,
                up: 0,
                in_sync: 0,
                leader: 1,
                commit,
                stopped_at: None,
                session: micros(replication.session_ms),
                leaving: Vec::new(),
                waits_until: None,
                lost_disk: false,
            };
            (brokers.up, brokers.in_sync) = (brokers.all(), brokers.all());
            Some((names.find_node(&bus.id)?, brokers))
        };
        Brokers { buses: scenario.buses.iter().filter_map(brokers).collect() }
    }

    pub(super) fn observe(&mut self, record: &Record) {
        match &record.fact {
            Fact::BrokerChanged { bus, broker, change } => {
                let Some(brokers) = self.buses.get_mut(bus) else { return };
                brokers.change(record.at, *broker, *change);
            }
            Fact::InSyncChanged { bus, brokers: in_sync, .. } => {
                if let Some(brokers) = self.buses.get_mut(bus) {
                    brokers.in_sync = *in_sync;
                }
            }
            Fact::BusStopped { bus, .. } => {
                // The stop of its leader is recorded first.
                if let Some(brokers) = self.buses.get_mut(bus) {
                    brokers.stopped_at = brokers.is_led().then_some(record.at);
                }
            }
            Fact::BusStarted { bus } => {
                if let Some(brokers) = self.buses.get_mut(bus) {
                    brokers.stopped_at = None;
                }
            }
            facts_about!(declarations, requests, messages, events, links, disturbances, groups)
            | Fact::ServiceCrashed { .. }
            | Fact::ServiceRestarted { .. } => {}
        }
    }

    /// Returns the brokers of a bus, if it is replicated.
    pub fn get(&self, bus: NodeId) -> Option<&BusBrokers> {
        self.buses.get(&bus)
    }

    /// Iterates over all replicated buses.
    pub(super) fn iter(&self) -> impl Iterator<Item = (NodeId, &BusBrokers)> {
        self.buses.iter().map(|(bus, brokers)| (*bus, brokers))
    }
}
