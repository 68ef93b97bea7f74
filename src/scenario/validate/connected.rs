//! Groups whose members publish or subscribe: which data, protocols and settings support events.

use super::checker::Checker;
use super::references::Nodes;
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
                let problem = "must be a register if members publish or subscribe, because an event has the whole value of a \
                               key and its version";
                self.error(format!("{path}.data"), problem);
            }
            if group.members.len() > Group::MOST_LINKED {
                let problem = format!("must be at most {} if members publish or subscribe", Group::MOST_LINKED);
                self.error(format!("{path}.members"), problem);
            }
            if let Protocol::Quorum(quorum) = &group.protocol
                && quorum.replicas.is_some_and(|replicas| replicas as usize != group.members.len())
            {
                let problem = "must be all members if members publish or subscribe, because each applies every event";
                self.error(format!("{path}.protocol.quorum.replicas"), problem);
            }
            for (j, client) in scenario.clients.iter().enumerate().filter(|(_, client)| client.target == group.id) {
                for (field, route) in [("route", Some(client.route)), ("read_route", client.read_route)] {
                    if route == Some(Route::Itself) {
                        let problem = "must not be `itself` if members of the group publish or subscribe, because the \
                                       members coordinate the writes";
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
                        let problem = "must not be `before_commit` for a member of a group, because a write has no version \
                                       before the commit";
                        self.error(path, problem);
                    }
                    PublishMode::Outbox { .. } if !ordered => {
                        let problem = "must not be `outbox` for a member of a leaderless or gossip group, which has no \
                                       transaction for the row; `change_data_capture` reads the member's log";
                        self.error(path, problem);
                    }
                    PublishMode::Outbox { .. } | PublishMode::AfterCommit | PublishMode::ChangeDataCapture { .. } => {}
                }
            }
            for (j, subscription) in service.subscribes.iter().enumerate().filter(|_| !ordered) {
                let path = format!("services[{i}].subscribes[{j}]");
                if subscription.effect == Effect::Increment {
                    let problem = "must not be `increment` for a member of a leaderless or gossip group, which loses \
                                   concurrent increments";
                    self.error(format!("{path}.effect"), problem);
                }
                if subscription.inbox.is_some() {
                    let problem = "must be absent for a member of a leaderless or gossip group, which has no transaction for \
                                   the row";
                    self.error(format!("{path}.inbox"), problem);
                }
            }
        }
    }
}
