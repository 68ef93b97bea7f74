//! Groups whose members publish or subscribe: which data, protocols and settings support events.

use super::checker::Checker;
use super::references::Nodes;
use crate::language::{phrase, sentence};
use crate::scenario::{Data, Effect, Group, Protocol, PublishMode, Route, Scenario};

impl Checker {
    /// Checks groups whose members publish or subscribe.
    pub(super) fn connected(&mut self, scenario: &Scenario, nodes: &Nodes) {
        for (i, group) in scenario.groups.iter().enumerate() {
            let mut members = group.members.iter().filter_map(|id| nodes.service(id));
            if !members.any(|(_, member)| member.exchanges_events()) {
                continue;
            }
            let path = format!("groups[{i}]");
            if !matches!(group.data, Data::Register { .. }) {
                let problem = phrase(
                    "must be a register if members publish or subscribe, because \
                     an event has the whole value of a key and its version",
                    "muss ein Register sein, wenn Mitglieder veröffentlichen oder abonnieren, \
                     denn ein Event hat den ganzen Wert eines Schlüssels und seine Version",
                );
                self.error(format!("{path}.data"), problem);
            }
            if group.members.len() > Group::MAX_LINKED {
                let problem = sentence!(
                    "must be at most {} if members publish or subscribe",
                    "darf höchstens {} sein, wenn Mitglieder veröffentlichen oder abonnieren",
                    Group::MAX_LINKED
                );
                self.error(format!("{path}.members"), problem);
            }
            if let Protocol::Quorum(quorum) = &group.protocol
                && quorum.replicas.is_some_and(|replicas| replicas as usize != group.members.len())
            {
                let problem = phrase(
                    "must be all members if members publish or \
                     subscribe, because each applies every event",
                    "müssen alle Mitglieder sein, wenn Mitglieder veröffentlichen \
                     oder abonnieren, denn jedes wendet jedes Event an",
                );
                self.error(format!("{path}.protocol.quorum.replicas"), problem);
            }
            for (j, client) in scenario.clients.iter().enumerate().filter(|(_, client)| client.target == group.id) {
                for (field, route) in [("route", Some(client.route)), ("read_route", client.read_route)] {
                    if route == Some(Route::Itself) {
                        let problem = phrase(
                            "must not be `itself` if members of the group publish or \
                             subscribe, because the members coordinate the writes",
                            "darf nicht `itself` sein, wenn Mitglieder der Gruppe veröffentlichen \
                             oder abonnieren, denn die Mitglieder koordinieren die Schreibvorgänge",
                        );
                        self.error(format!("clients[{j}].{field}"), problem);
                    }
                }
            }
            self.events_of_members(group, nodes);
        }
    }

    fn events_of_members(&mut self, group: &Group, nodes: &Nodes) {
        let ordered = group.orders_writes();
        for (i, service) in group.members.iter().filter_map(|id| nodes.service(id)) {
            for (j, publication) in service.publishes.iter().enumerate() {
                let path = format!("services[{i}].publishes[{j}].mode");
                match publication.mode {
                    PublishMode::BeforeCommit => {
                        let problem = phrase(
                            "must not be `before_commit` for a member of a group, \
                             because a write has no version before the commit",
                            "darf bei einem Mitglied einer Gruppe nicht `before_commit` \
                             sein, denn ein Schreibvorgang hat vor dem Commit keine Version",
                        );
                        self.error(path, problem);
                    }
                    PublishMode::Outbox { .. } if !ordered => {
                        let problem = phrase(
                            "must not be `outbox` for a member of a leaderless or gossip group, which \
                             has no transaction for the row; `change_data_capture` reads the member's log",
                            "darf bei einem Mitglied einer Gruppe ohne Leader oder mit Gossip nicht `outbox` sein, denn \
                             es hat keine Transaktion für die Zeile; `change_data_capture` liest das Log des Mitglieds",
                        );
                        self.error(path, problem);
                    }
                    PublishMode::Outbox { .. } | PublishMode::AfterCommit | PublishMode::ChangeDataCapture { .. } => {}
                }
            }
            for (j, subscription) in service.subscribes.iter().enumerate().filter(|_| !ordered) {
                let path = format!("services[{i}].subscribes[{j}]");
                if subscription.effect == Effect::Increment {
                    let problem = phrase(
                        "must not be `increment` for a member of a leaderless \
                         or gossip group, which loses concurrent increments",
                        "darf bei einem Mitglied einer Gruppe ohne Leader oder mit Gossip \
                         nicht `increment` sein, denn sie verliert nebenläufige Erhöhungen",
                    );
                    self.error(format!("{path}.effect"), problem);
                }
                if subscription.inbox.is_some() {
                    let problem = phrase(
                        "must be absent for a member of a leaderless or \
                         gossip group, which has no transaction for the row",
                        "muss bei einem Mitglied einer Gruppe ohne Leader oder mit \
                         Gossip fehlen, denn es hat keine Transaktion für die Zeile",
                    );
                    self.error(format!("{path}.inbox"), problem);
                }
            }
        }
    }
}
