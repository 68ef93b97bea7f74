//! Groups whose members publish or subscribe: what their protocol and their data leave possible.

use super::Checker;
use crate::scenario::{Data, Effect, Group, Protocol, PublishMode, Route, Scenario};

impl Checker {
    /// Where events have no meaning for a group, or the way of handling or publishing them none for its protocol.
    pub(super) fn connected(&mut self, scenario: &Scenario) {
        for (i, group) in scenario.groups.iter().enumerate().filter(|(_, group)| scenario.is_connected(group)) {
            let path = format!("groups[{i}]");
            if !matches!(group.data, Data::Register { .. }) {
                let problem = "a register, for a group whose members publish or subscribe: an event says what a key holds as \
                               a whole, and its version";
                self.error(format!("{path}.data"), problem);
            }
            if group.members.len() > Group::MOST_LINKED {
                let problem =
                    format!("at most {} members, for a group whose members publish or subscribe", Group::MOST_LINKED);
                self.error(format!("{path}.members"), problem);
            }
            if let Protocol::Quorum(quorum) = &group.protocol
                && quorum.replicas.is_some_and(|replicas| replicas as usize != group.members.len())
            {
                let problem =
                    "all members, for a group whose members publish or subscribe: each should hold what an event says";
                self.error(format!("{path}.protocol.quorum.replicas"), problem);
            }
            for (j, client) in scenario.clients.iter().enumerate().filter(|(_, client)| client.target == group.id) {
                for (field, route) in [("route", Some(client.route)), ("read_route", client.read_route)] {
                    if route == Some(Route::Itself) {
                        let problem =
                            "another route: what a group publishes or takes from a bus, its members coordinate";
                        self.error(format!("clients[{j}].{field}"), problem);
                    }
                }
            }
            self.events_of_members(scenario, group);
        }
    }

    fn events_of_members(&mut self, scenario: &Scenario, group: &Group) {
        let ordered = group.orders_writes();
        for (i, service) in scenario.services.iter().enumerate().filter(|(_, it)| group.members.contains(&it.id)) {
            for (j, publication) in service.publishes.iter().enumerate() {
                let path = format!("services[{i}].publishes[{j}].mode");
                match publication.mode {
                    PublishMode::BeforeCommit => {
                        let problem = "another mode, for a member of a group: before the group has taken a write in, it has no version";
                        self.error(path, problem);
                    }
                    PublishMode::Outbox { .. } if !ordered => {
                        let problem = "another mode, for a member of a leaderless group or one of gossip: it has no transaction \
                                       that writes the row with the update; `change_data_capture` reads the member's log";
                        self.error(path, problem);
                    }
                    PublishMode::Outbox { .. } | PublishMode::AfterCommit | PublishMode::ChangeDataCapture { .. } => {}
                }
            }
            for (j, subscription) in service.subscribes.iter().enumerate().filter(|_| !ordered) {
                let path = format!("services[{i}].subscribes[{j}]");
                if subscription.effect == Effect::Increment {
                    let problem = "another effect, for a member of a leaderless group or one of gossip: what two members add at \
                                   once, the newer write of the two loses";
                    self.error(format!("{path}.effect"), problem);
                }
                if subscription.inbox.is_some() {
                    let problem = "none, for a member of a leaderless group or one of gossip: it has no transaction that writes \
                                   the row with the effect";
                    self.error(format!("{path}.inbox"), problem);
                }
            }
        }
    }
}
