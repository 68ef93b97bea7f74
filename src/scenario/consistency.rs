//! The same drawing under eventual, read-after-write and strong consistency: one switch of a replica group.

use super::{Group, Protocol, Quorum, Scenario, SessionGuarantee};

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

    /// The consistency that a group, by its place, stands under, if it is one of those.
    pub fn consistency(&self, group: usize) -> Option<Consistency> {
        Consistency::ALL.into_iter().find(|consistency| self.under(group, *consistency) == *self)
    }
}
