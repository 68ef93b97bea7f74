//! The sentences about faults and their ends.

use super::{Row, Text, one_node};
use crate::language::{phrase, sentence};
use crate::session::labels::{self, broker_numbers, duration, trimmed};
use crate::trace::{BrokerChange, Fact, facts_about};

impl Text<'_> {
    /// Facts about links.
    pub(super) fn link(&self, fact: &Fact) -> Row {
        match fact {
            Fact::LinkCut { from, to } => self.link_row(from, to, phrase("was cut", "wurde getrennt")),
            Fact::LinkHealed { from, to } => self.link_row(from, to, phrase("was healed", "wurde geheilt")),
            Fact::LinkDisturbed { from, to, loss, duplicate, reorder, delayed } => {
                let chances = [
                    (phrase("loss", "Verlust"), loss),
                    (phrase("duplication", "Verdopplung"), duplicate),
                    (phrase("reordering", "Umordnung"), reorder),
                ];
                let chances = chances.into_iter().filter(|(_, ppm)| **ppm > 0);
                let mut how: Vec<String> =
                    chances.map(|(what, ppm)| format!("{what} {} %", trimmed(f64::from(*ppm) / 1e4))).collect();
                if *delayed {
                    how.push(phrase("delay", "Verzögerung").into());
                }
                self.link_row(from, to, &sentence!("was disturbed: {}", "wurde gestört: {}", how.join(", ")))
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
                let disk = if *lost_disk { phrase(" and lost its disk", " und hat die Platte verloren") } else { "" };
                one_node(at, sentence!("{} crashed{disk}", "{} ist abgestürzt{disk}", self.node(at)))
            }
            Fact::ServiceRestarted { node: at } => {
                one_node(at, sentence!("{} restarted", "{} wurde neu gestartet", self.node(at)))
            }
            Fact::NodePaused { node: at } => {
                one_node(at, sentence!("{} was frozen", "{} wurde eingefroren", self.node(at)))
            }
            Fact::NodeResumed { node: at } => {
                one_node(at, sentence!("{} was unfrozen", "{} wurde aufgetaut", self.node(at)))
            }
            Fact::ServiceSlowed { node: at, permille } => {
                let times = trimmed(f64::from(*permille) / 1000.0);
                one_node(
                    at,
                    sentence!(
                        "{} now takes {times} × the configured time",
                        "{} braucht jetzt {times} × so lange wie eingestellt",
                        self.node(at)
                    ),
                )
            }
            Fact::ClockSet { node: at, offset, drift } => {
                let ahead = if *offset < 0 { phrase("behind", "nach") } else { phrase("ahead", "vor") };
                let (offset, drift) = (duration(offset.unsigned_abs()), trimmed(*drift as f64 / 1000.0));
                one_node(
                    at,
                    sentence!(
                        "clock of {} was set {offset} {ahead}, drift {drift} ppm",
                        "die Uhr von {} geht jetzt {offset} {ahead}, Drift {drift} ppm",
                        self.node(at)
                    ),
                )
            }
            Fact::BusStopped { bus, lost_unflushed } => {
                let lost = if *lost_unflushed {
                    phrase(" and lost its unflushed events", " und hat ungesicherte Events verloren")
                } else {
                    ""
                };
                one_node(bus, sentence!("{} stopped{lost}", "{} wurde angehalten{lost}", self.node(bus)))
            }
            Fact::BusStarted { bus } => one_node(bus, sentence!("{} started", "{} wurde gestartet", self.node(bus))),
            facts_about!(declarations, requests, messages, events, links, brokers, groups) => {
                unreachable!("another subject")
            }
        }
    }

    /// Facts about the brokers of a bus.
    pub(super) fn brokers(&self, fact: &Fact) -> Row {
        match fact {
            Fact::BrokerChanged { bus, broker, change } => {
                let predicate = match change {
                    BrokerChange::Stopped => phrase("stopped", "wurde angehalten"),
                    BrokerChange::LostDisk => {
                        phrase("stopped and lost its disk", "wurde angehalten und hat die Platte verloren")
                    }
                    BrokerChange::Started => phrase("started", "wurde gestartet"),
                    BrokerChange::Leads => phrase("became the leader", "ist jetzt der Leader"),
                };
                one_node(
                    bus,
                    sentence!(
                        "broker {broker} of {} {predicate}",
                        "Broker {broker} von {} {predicate}",
                        self.node(bus)
                    ),
                )
            }
            Fact::InSyncChanged { bus, brokers, replicas } => {
                let numbers = broker_numbers(*brokers, *replicas);
                let (count, list) = (numbers.len(), numbers.join(", "));
                one_node(
                    bus,
                    sentence!(
                        "{}: {count} of {} in sync ({list})",
                        "{}: {count} von {} synchron ({list})",
                        self.node(bus),
                        labels::count((*replicas).into(), phrase("broker", "Broker"), phrase("brokers", "Brokern"))
                    ),
                )
            }
            facts_about!(declarations, requests, messages, events, links, outages, disturbances, groups) => {
                unreachable!("another subject")
            }
        }
    }
}
