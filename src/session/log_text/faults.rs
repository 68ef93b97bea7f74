//! The sentences about faults and their ends.

use super::{Row, Text, one_node};
use crate::session::labels::{duration, trimmed};
use crate::trace::{BrokerChange, Fact, facts_about};

impl Text<'_> {
    /// Facts about links.
    pub(super) fn link(&self, fact: &Fact) -> Row {
        match fact {
            Fact::LinkCut { from, to } => self.link_row(from, to, "was cut"),
            Fact::LinkHealed { from, to } => self.link_row(from, to, "was healed"),
            Fact::LinkDisturbed { from, to, loss, duplicate, reorder, delayed } => {
                let chances = [("loss", loss), ("duplication", duplicate), ("reordering", reorder)];
                let chances = chances.into_iter().filter(|(_, ppm)| **ppm > 0);
                let mut how: Vec<String> =
                    chances.map(|(what, ppm)| format!("{what} {} %", trimmed(f64::from(*ppm) / 1e4))).collect();
                if *delayed {
                    how.push("delay".into());
                }
                self.link_row(from, to, &format!("was disturbed: {}", how.join(", ")))
            }
            facts_about!(declarations, requests, messages, events, outages, disturbances, brokers, groups) => {
                unreachable!("another subject")
            }
        }
    }

    /// Facts about crashes and restarts and pauses, slow work and wrong clocks.
    pub(super) fn node_fault(&self, fact: &Fact) -> Row {
        match fact {
            Fact::ServiceCrashed { node: at, lost_disk } => {
                let disk = if *lost_disk { " and lost its disk" } else { "" };
                one_node(at, format!("{} crashed{disk}", self.node(at)))
            }
            Fact::ServiceRestarted { node: at } => one_node(at, format!("{} restarted", self.node(at))),
            Fact::NodePaused { node: at } => one_node(at, format!("{} was frozen", self.node(at))),
            Fact::NodeResumed { node: at } => one_node(at, format!("{} was unfrozen", self.node(at))),
            Fact::ServiceSlowed { node: at, permille } => {
                let times = trimmed(f64::from(*permille) / 1000.0);
                one_node(at, format!("{} now takes {times} × the configured time", self.node(at)))
            }
            Fact::ClockSet { node: at, offset, drift } => {
                let ahead = if *offset < 0 { "behind" } else { "ahead" };
                let (offset, drift) = (duration(offset.unsigned_abs()), trimmed(*drift as f64 / 1000.0));
                one_node(at, format!("clock of {} was set {offset} {ahead}, drift {drift} ppm", self.node(at)))
            }
            Fact::BusStopped { bus, lost_unflushed } => {
                let lost = if *lost_unflushed { " and lost its unflushed events" } else { "" };
                one_node(bus, format!("{} stopped{lost}", self.node(bus)))
            }
            Fact::BusStarted { bus } => one_node(bus, format!("{} started", self.node(bus))),
            facts_about!(declarations, requests, messages, events, links, brokers, groups) => {
                unreachable!("another subject")
            }
        }
    }

    /// Facts about the brokers of a bus.
    pub(super) fn brokers(&self, fact: &Fact) -> Row {
        match fact {
            Fact::BrokerChanged { bus, broker, change } => {
                let what = match change {
                    BrokerChange::Stopped => "stopped",
                    BrokerChange::LostDisk => "stopped and lost its disk",
                    BrokerChange::Started => "started",
                    BrokerChange::Leads => "became the leader",
                };
                one_node(bus, format!("broker {broker} of {} {what}", self.node(bus)))
            }
            Fact::InSyncChanged { bus, brokers, replicas } => {
                let numbers = (0..*replicas).filter(|at| brokers >> at & 1 == 1);
                let numbers: Vec<String> = numbers.map(|at| (at + 1).to_string()).collect();
                let (count, list) = (numbers.len(), numbers.join(", "));
                one_node(bus, format!("{}: {count} of {replicas} brokers in sync ({list})", self.node(bus)))
            }
            facts_about!(declarations, requests, messages, events, links, outages, disturbances, groups) => {
                unreachable!("another subject")
            }
        }
    }
}
