//! Replica groups and regions: members exist, quorums fit, and the protocol supports the data.

use super::checker::{Checker, MAX_MS, MAX_NAME_LENGTH};
use super::references::{Kind, Nodes};
use crate::language::{phrase, sentence};
use crate::scenario::{Arrivals, Client, Data, Group, Protocol, Route, Scenario, Service, SessionGuarantee, Value};
use litemap::LiteMap;
use std::collections::BTreeSet;

/// The maximum number of members of a gossip group.
const MAX_MEMBERS: usize = 10_000;

impl Checker {
    pub(super) fn groups(&mut self, scenario: &Scenario, nodes: &Nodes) {
        let mut taken: LiteMap<&str, &str> = LiteMap::new();
        for (i, group) in scenario.groups.iter().enumerate() {
            let path = format!("groups[{i}]");
            self.text(&format!("{path}.name"), &group.name, MAX_NAME_LENGTH);
            let limit = if matches!(group.protocol, Protocol::Gossip(_)) { MAX_MEMBERS } else { Group::MAX_LINKED };
            if group.members.is_empty() || group.members.len() > limit {
                let problem = sentence!(
                    "must have 1 to {limit} services, not {}",
                    "muss 1 bis {limit} Services haben, nicht {}",
                    group.members.len()
                );
                self.error(format!("{path}.members"), problem);
            }
            for (j, id) in group.members.iter().enumerate() {
                let path = format!("{path}.members[{j}]");
                self.refers(&path, id, Kind::Service, nodes);
                if let Some(other) = taken.insert(id, &group.id) {
                    self.error(
                        &path,
                        sentence!(
                            "`{id}` is already a member of `{other}`",
                            "`{id}` ist schon ein Mitglied von `{other}`"
                        ),
                    );
                }
                if let Some((_, service)) = nodes.service(id) {
                    self.member(&path, service, group);
                }
            }
            self.protocol(&format!("{path}.protocol"), group);
        }
        for (i, service) in scenario.services.iter().enumerate() {
            for (j, call) in service.calls.iter().enumerate().filter(|(_, call)| taken.contains_key(call.to.as_str())) {
                let problem = sentence!(
                    "must be a service outside of groups; `{}` is a member of a group",
                    "muss ein Service außerhalb von Gruppen sein; `{}` ist Mitglied einer Gruppe",
                    call.to
                );
                self.error(format!("services[{i}].calls[{j}].to"), problem);
            }
        }
        for (i, client) in scenario.clients.iter().enumerate() {
            self.client_target(&format!("clients[{i}]"), client, nodes);
            self.count(&format!("clients[{i}].attempts"), client.attempts, 1, 1000);
        }
        self.connected(scenario, nodes);
        self.transactions(scenario, nodes);
        self.regions(scenario, nodes);
    }

    /// Checks that a member has no calls, and that its data fits the group.
    fn member(&mut self, path: &str, service: &Service, group: &Group) {
        let id = &service.id;
        if !service.calls.is_empty() {
            self.error(
                path,
                sentence!(
                    "must be a service without calls; `{id}` has calls",
                    "muss ein Service ohne Aufrufe sein; `{id}` hat Aufrufe"
                ),
            );
        }
        for (key, value) in &service.data {
            let fits = match (&group.data, value) {
                (Data::Register { .. } | Data::MultiValue | Data::Merged { .. }, _) => true,
                (Data::Counter, Value::Int(_)) | (Data::Set | Data::RemoveWinsSet, Value::Set(_)) => true,
                (Data::Map, Value::Map(_)) | (Data::Sequence, Value::List(_)) => true,
                (Data::Counter | Data::Set | Data::RemoveWinsSet | Data::Map | Data::Sequence, _) => false,
            };
            if !fits {
                let expected = match group.data {
                    Data::Register { .. } | Data::MultiValue | Data::Merged { .. } => phrase("anything", "beliebig"),
                    Data::Counter => phrase("whole numbers", "ganze Zahlen"),
                    Data::Set | Data::RemoveWinsSet => phrase("sets, such as [1, 2]", "Mengen, etwa [1, 2]"),
                    Data::Map => {
                        phrase("maps, such as {\"map\": {\"size\": 1}}", "Maps, etwa {\"map\": {\"size\": 1}}")
                    }
                    Data::Sequence => phrase("lists, such as {\"list\": [1, 2]}", "Listen, etwa {\"list\": [1, 2]}"),
                };
                self.error(
                    path,
                    sentence!(
                        "the keys of the group must be {expected}, but `{id}` has {key} = {value}",
                        "die Schlüssel der Gruppe müssen {expected} sein, aber `{id}` hat {key} = {value}"
                    ),
                );
            }
        }
    }

    fn protocol(&mut self, path: &str, group: &Group) {
        let members = group.members.len() as u32;
        match &group.protocol {
            Protocol::Quorum(quorum) => {
                let path = format!("{path}.quorum");
                let replicas = quorum.replicas.unwrap_or(members);
                self.count(&format!("{path}.replicas"), replicas, 1, members.max(1));
                self.count(&format!("{path}.read"), quorum.read, 1, replicas.max(1));
                self.count(&format!("{path}.write"), quorum.write, 1, replicas.max(1));
                self.number(&format!("{path}.timeout_ms"), quorum.timeout_ms, 0.001, MAX_MS);
                if let Some(hints) = &quorum.hints {
                    self.duration(&format!("{path}.hints.window_ms"), hints.window_ms);
                    self.number(&format!("{path}.hints.every_ms"), hints.every_ms, 0.001, MAX_MS);
                }
                if let Some(anti_entropy) = &quorum.anti_entropy {
                    self.number(&format!("{path}.anti_entropy.every_ms"), anti_entropy.every_ms, 0.001, MAX_MS);
                    self.count(&format!("{path}.anti_entropy.depth"), anti_entropy.depth, 0, 20);
                }
                if let Some(grace) = quorum.tombstone_grace_ms {
                    self.duration(&format!("{path}.tombstone_grace_ms"), grace);
                }
                if !matches!(group.data, Data::Register { .. }) && replicas != members {
                    let problem = phrase(
                        "must be all members for data other than registers, \
                         because the coordinator changes its own copy",
                        "müssen bei anderen Daten als Registern alle Mitglieder \
                         sein, denn der Koordinator ändert seine eigene Kopie",
                    );
                    self.error(format!("{path}.replicas"), problem);
                }
                return;
            }
            Protocol::Gossip(gossip) => {
                let path = format!("{path}.gossip");
                self.latency(&format!("{path}.every"), &gossip.every);
                if gossip.every.mean_ms() < 0.001 {
                    self.error(
                        format!("{path}.every"),
                        phrase("must have a mean of at least 0.001 ms", "muss im Mittel mindestens 0.001 ms sein"),
                    );
                }
                self.count(&format!("{path}.fan_out"), gossip.fan_out, 1, MAX_MEMBERS as u32);
                if let crate::scenario::GossipStyle::Rumor { lose_interest_after } = gossip.style {
                    self.count(&format!("{path}.style.rumor.lose_interest_after"), lose_interest_after, 1, 1000);
                }
                return;
            }
            Protocol::Primary(primary) => {
                let path = format!("{path}.primary");
                self.count(&format!("{path}.acknowledgements"), primary.acknowledgements, 0, members.saturating_sub(1));
                self.number(&format!("{path}.heartbeat_ms"), primary.heartbeat_ms, 0.001, MAX_MS);
                if let Some(failover) = primary.failover_ms {
                    self.number(&format!("{path}.failover_ms"), failover, 0.001, MAX_MS);
                }
            }
            Protocol::Raft(raft) => {
                self.number(&format!("{path}.raft.election_ms"), raft.election_ms, 0.001, MAX_MS);
                self.number(&format!("{path}.raft.heartbeat_ms"), raft.heartbeat_ms, 0.001, MAX_MS);
            }
            Protocol::TwoPhase(two_phase) => {
                self.number(&format!("{path}.two_phase.timeout_ms"), two_phase.timeout_ms, 0.001, MAX_MS);
            }
            Protocol::Chain => {}
        }
        if !matches!(group.data, Data::Register { .. }) {
            let problem = phrase(
                "must be `quorum` or `gossip` for data other than registers",
                "muss bei anderen Daten als Registern `quorum` oder `gossip` sein",
            );
            self.error(path, problem);
        }
    }

    fn client_target(&mut self, path: &str, client: &Client, nodes: &Nodes) {
        let Some(group) = nodes.group(&client.target) else {
            self.refers(&format!("{path}.target"), &client.target, Kind::Service, nodes);
            return self.follows(path, client, nodes);
        };
        if client.reads_from.is_some() {
            let problem = phrase(
                "must be absent for a client of a group, which has `read_route` instead",
                "muss bei einem Client einer Gruppe fehlen, der stattdessen `read_route` hat",
            );
            self.error(format!("{path}.reads_from"), problem);
        }
        self.guarantees(path, client, group);
        let routes = [("route", Some(client.route)), ("read_route", client.read_route)];
        for (field, _) in routes.into_iter().filter(|(_, route)| *route == Some(Route::Itself)) {
            let leaderless = matches!(group.protocol, Protocol::Quorum(_));
            let register = matches!(group.data, Data::Register { .. });
            if !leaderless || (!register && field == "route") {
                let problem = phrase(
                    "must not be `itself`: a client coordinates only registers of a leaderless group",
                    "darf nicht `itself` sein: ein Client koordiniert \
                     nur Register einer Gruppe ohne Leader",
                );
                self.error(format!("{path}.{field}"), problem);
            }
        }
        self.follows(path, client, nodes);
    }

    /// Checks that the data type of a group can keep the guarantees of a client's sessions.
    fn guarantees(&mut self, path: &str, client: &Client, group: &Group) {
        if matches!(group.data, Data::Register { .. }) {
            return;
        }
        for (i, guarantee) in client.guarantees.iter().enumerate() {
            let problem = match guarantee {
                SessionGuarantee::ReadYourWrites | SessionGuarantee::MonotonicReads => continue,
                // A write carries what its session has read, and replaces those siblings.
                SessionGuarantee::WritesFollowReads if group.data == Data::MultiValue => continue,
                SessionGuarantee::WritesFollowReads => phrase(
                    "must be absent: changes of this data are not ordered after reads",
                    "muss fehlen: Änderungen dieser Daten werden nicht nach Lesevorgängen geordnet",
                ),
                SessionGuarantee::MonotonicWrites => phrase(
                    "must be absent: without a total order, writes of a session \
                     are not ordered after each other; only registers support it",
                    "muss fehlen: ohne Gesamtordnung werden die Schreibvorgänge einer \
                     Sitzung nicht nacheinander geordnet; nur Register unterstützen das",
                ),
            };
            self.error(format!("{path}.guarantees[{i}]"), problem);
        }
    }

    fn follows(&mut self, path: &str, client: &Client, nodes: &Nodes) {
        if let Some(Arrivals::After { client: of, .. }) = client.generate.as_ref().map(|workload| &workload.arrivals) {
            let path = format!("{path}.generate.arrivals.after.client");
            self.refers(&path, of, Kind::Client, nodes);
            if *of == client.id {
                self.error(path, phrase("must be another client", "muss ein anderer Client sein"));
            }
        }
    }

    fn regions(&mut self, scenario: &Scenario, nodes: &Nodes) {
        let mut placed = BTreeSet::new();
        let all: BTreeSet<&str> = scenario.regions.iter().map(|region| region.id.as_str()).collect();
        let mut ids = BTreeSet::new();
        for (i, region) in scenario.regions.iter().enumerate() {
            let path = format!("regions[{i}]");
            self.key(&format!("{path}.id"), &region.id);
            self.text(&format!("{path}.name"), &region.name, MAX_NAME_LENGTH);
            if !ids.insert(region.id.as_str()) {
                self.error(
                    format!("{path}.id"),
                    sentence!(
                        "another region already has the id `{}`",
                        "eine andere Region hat schon die Id `{}`",
                        region.id
                    ),
                );
            }
            for (j, id) in region.nodes.iter().enumerate() {
                let path = format!("{path}.nodes[{j}]");
                self.node_exists(&path, id, nodes);
                if !placed.insert(id) {
                    self.error(path, sentence!("`{id}` is already in a region", "`{id}` ist schon in einer Region"));
                }
            }
            for (j, latency) in region.latency.iter().enumerate() {
                let path = format!("{path}.latency[{j}]");
                self.latency(&format!("{path}.latency"), &latency.latency);
                if !all.contains(latency.to.as_str()) {
                    self.error(
                        format!("{path}.to"),
                        sentence!("no region has the id `{}`", "keine Region hat die Id `{}`", latency.to),
                    );
                }
            }
        }
    }
}
