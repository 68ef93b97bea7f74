//! The same drawing under eventual, read-after-write and strong consistency: one switch of a replica group.

use super::json;
use super::{Group, Protocol, Quorum, Scenario, SessionGuarantee};
use std::collections::BTreeMap;

/// What the clients of a group are promised, and what it costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consistency {
    /// One replica answers a read and commits a write; the others follow.
    Eventual,
    /// The same, but a session sees its own writes, by a version token.
    ReadAfterWrite,
    /// A majority answers, reads write back, and writes ask for the newest version first: linearizable.
    Strong,
}

impl Consistency {
    /// All of them, the weakest first.
    pub const ALL: [Consistency; 3] = [Consistency::Eventual, Consistency::ReadAfterWrite, Consistency::Strong];

    /// As people say it.
    pub fn word(self) -> &'static str {
        match self {
            Consistency::Eventual => "eventual",
            Consistency::ReadAfterWrite => "read-after-write",
            Consistency::Strong => "strong",
        }
    }
}

impl Scenario {
    /// The same scenario with a group, by its place, and its clients under another consistency. The group becomes a
    /// leaderless quorum; what else that was set to stays.
    pub fn under(&self, group: usize, consistency: Consistency) -> Scenario {
        let mut scenario = self.clone();
        let Some(Group { id, members, protocol, .. }) = scenario.groups.get_mut(group) else { return scenario };
        let mut quorum = match &*protocol {
            Protocol::Quorum(quorum) => quorum.clone(),
            Protocol::Primary(_)
            | Protocol::Raft(_)
            | Protocol::Chain
            | Protocol::TwoPhase(_)
            | Protocol::Gossip(_) => Quorum::default(),
        };
        let majority = quorum.replicas.unwrap_or(members.len() as u32) / 2 + 1;
        let strong = consistency == Consistency::Strong;
        let waits = if strong { majority } else { 1 };
        (quorum.read, quorum.write, quorum.write_back) = (waits, waits, strong);
        *protocol = Protocol::Quorum(quorum);
        for client in scenario.clients.iter_mut().filter(|client| client.target == *id) {
            client.guarantees = match consistency {
                Consistency::ReadAfterWrite => vec![SessionGuarantee::ReadYourWrites],
                Consistency::Eventual | Consistency::Strong => Vec::new(),
            };
        }
        scenario
    }

    /// What [`Scenario::under`] changes, as the settings of a branch.
    pub fn settings_under(&self, group: usize, consistency: Consistency) -> BTreeMap<String, String> {
        let under = self.under(group, consistency);
        let mut settings = BTreeMap::new();
        let Some(Group { id, protocol, .. }) = under.groups.get(group) else { return settings };
        settings.insert(format!("{id}.protocol"), json::compact(protocol));
        for client in under.clients.iter().filter(|client| client.target == *id) {
            settings.insert(format!("{}.guarantees", client.id), json::compact(&client.guarantees));
        }
        settings
    }

    /// The consistency that a group, by its place, stands under, if it is one of those.
    pub fn consistency(&self, group: usize) -> Option<Consistency> {
        Consistency::ALL.into_iter().find(|consistency| self.under(group, *consistency) == *self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Branch, examples};

    #[test]
    fn a_branch_under_a_consistency_is_the_scenario_under_it() {
        for example in examples::EXAMPLES {
            let scenario = example.scenario();
            for consistency in Consistency::ALL.into_iter().filter(|_| !scenario.groups.is_empty()) {
                let branch =
                    Branch { name: "b".into(), set: scenario.settings_under(0, consistency), ..Branch::default() };
                let document = Scenario { branches: vec![branch], ..scenario.clone() };
                assert_eq!(document.of_branch(Some("b")), Ok(scenario.under(0, consistency)), "{}", example.id);
            }
        }
    }
}
