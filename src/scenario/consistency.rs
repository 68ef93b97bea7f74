//! Consistency levels of a replica group, to compare one workload under each of them.

use super::json;
use super::{Group, Protocol, Quorum, Scenario, SessionGuarantee};
use std::collections::BTreeMap;

/// A consistency level of a replica group and its clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consistency {
    /// Eventual: one replica answers a read or acknowledges a write; the others follow.
    Eventual,
    /// Read-after-write: as eventual, but a session reads its own writes, by a version token.
    ReadAfterWrite,
    /// Strong: linearizable, by majorities, reads that write back, and writes that first query the newest version.
    Strong,
}

impl Consistency {
    /// All levels, from the weakest to the strongest.
    pub const ALL: [Consistency; 3] = [Consistency::Eventual, Consistency::ReadAfterWrite, Consistency::Strong];

    /// Returns its name.
    pub fn name(self) -> &'static str {
        match self {
            Consistency::Eventual => "eventual",
            Consistency::ReadAfterWrite => "read-after-write",
            Consistency::Strong => "strong",
        }
    }
}

impl Scenario {
    /// Returns the scenario with the group at an index, and its clients, under a consistency level. The group becomes a
    /// leaderless quorum; other settings of a quorum are kept.
    pub fn with_consistency(&self, group: usize, consistency: Consistency) -> Scenario {
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
        let responses = if strong { majority } else { 1 };
        (quorum.read, quorum.write, quorum.write_back) = (responses, responses, strong);
        *protocol = Protocol::Quorum(quorum);
        for client in scenario.clients.iter_mut().filter(|client| client.target == *id) {
            client.guarantees = match consistency {
                Consistency::ReadAfterWrite => vec![SessionGuarantee::ReadYourWrites],
                Consistency::Eventual | Consistency::Strong => Vec::new(),
            };
        }
        scenario
    }

    /// Returns the changes of [`Scenario::with_consistency`] as settings of a branch.
    pub fn settings_with_consistency(&self, group: usize, consistency: Consistency) -> BTreeMap<String, String> {
        let changed = self.with_consistency(group, consistency);
        let mut settings = BTreeMap::new();
        let Some(Group { id, protocol, .. }) = changed.groups.get(group) else { return settings };
        settings.insert(format!("{id}.protocol"), json::compact(protocol));
        for client in changed.clients.iter().filter(|client| client.target == *id) {
            settings.insert(format!("{}.guarantees", client.id), json::compact(&client.guarantees));
        }
        settings
    }

    /// Returns the consistency level of the group at an index, if its settings are those of a level.
    pub fn consistency(&self, group: usize) -> Option<Consistency> {
        Consistency::ALL.into_iter().find(|consistency| self.with_consistency(group, *consistency) == *self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Branch, examples};

    #[test]
    fn settings_of_a_consistency_level_give_the_same_scenario_as_a_branch() {
        for example in examples::EXAMPLES {
            let scenario = example.scenario();
            for consistency in Consistency::ALL.into_iter().filter(|_| !scenario.groups.is_empty()) {
                let branch = Branch {
                    name: "b".into(),
                    set: scenario.settings_with_consistency(0, consistency),
                    ..Branch::default()
                };
                let document = Scenario { branches: vec![branch], ..scenario.clone() };
                assert_eq!(
                    document.of_branch(Some("b")),
                    Ok(scenario.with_consistency(0, consistency)),
                    "{}",
                    example.id
                );
            }
        }
    }
}
