//! Replica groups: settings of a protocol that its data, its quorums or its number of members exclude.

use super::Warnings;
use super::clients::writes;
use crate::language::{phrase, sentence};
use crate::scenario::{
    Command, Data, Gossip, Group, Hints, Primary, Protocol, Quorum, Raft, ReadRepair, Route, Step, TwoPhase, presets,
};

impl Warnings<'_> {
    pub(super) fn groups(&mut self) {
        let scenario = self.scenario;
        for (i, group) in scenario.groups.iter().enumerate() {
            let path = format!("groups[{i}]");
            if group.orders_writes() && group.data != Data::default() {
                let problem = phrase(
                    "the clock has no effect: the protocol orders writes by their positions in a log",
                    "die Uhr hat keine Wirkung: das Protokoll ordnet \
                     Schreibvorgänge nach ihren Positionen in einem Log",
                );
                self.warn(format!("{path}.data"), problem);
            }
            let is_alone = group.members.len() == 1;
            match &group.protocol {
                Protocol::Quorum(quorum) => self.quorum(&format!("{path}.protocol.quorum"), group, quorum),
                Protocol::Primary(Primary { failover_ms: Some(_), .. }) if is_alone => {
                    self.no_effect(format!("{path}.protocol.primary.failover_ms"), one_member());
                }
                Protocol::Gossip(Gossip { fan_out, .. })
                    if *fan_out > 1 && *fan_out as usize >= group.members.len() =>
                {
                    let others = group.members.len() - 1;
                    let why = sentence!(
                        "a member contacts no more than {others} others",
                        "ein Mitglied kontaktiert höchstens {others} andere"
                    );
                    self.no_effect(format!("{path}.protocol.gossip.fan_out"), &why);
                }
                Protocol::Primary(_)
                | Protocol::Raft(_)
                | Protocol::Chain
                | Protocol::TwoPhase(_)
                | Protocol::Gossip(_) => {}
            }
            if is_alone {
                self.alone(&format!("{path}.protocol"), &group.protocol);
            }
        }
    }

    /// Warns of settings for messages between the members of a group that has one member.
    fn alone(&mut self, path: &str, protocol: &Protocol) {
        let settings = match protocol {
            Protocol::Primary(primary) => {
                vec![("primary.heartbeat_ms", primary.heartbeat_ms != Primary::default().heartbeat_ms)]
            }
            Protocol::Raft(raft) => vec![("raft.heartbeat_ms", raft.heartbeat_ms != Raft::default().heartbeat_ms)],
            Protocol::TwoPhase(two_phase) => vec![("two_phase.timeout_ms", *two_phase != TwoPhase::default())],
            Protocol::Gossip(gossip) => {
                let default = Gossip::default();
                vec![("gossip.style", gossip.style != default.style), ("gossip.every", gossip.every != default.every)]
            }
            Protocol::Quorum(_) | Protocol::Chain => Vec::new(),
        };
        for (field, _) in settings.into_iter().filter(|(_, is_set)| *is_set) {
            self.no_effect(format!("{path}.{field}"), one_member());
        }
    }

    fn quorum(&mut self, path: &str, group: &Group, quorum: &Quorum) {
        let (members, is_alone) = (group.members.len(), group.members.len() == 1);
        if quorum.tombstone_grace_ms.is_some() && !matches!(group.data, Data::Register { .. }) {
            let why = phrase(
                "only registers keep tombstones with a grace period",
                "nur Register bewahren Tombstones für eine Frist auf",
            );
            self.no_effect(format!("{path}.tombstone_grace_ms"), why);
        }
        if quorum.sloppy && quorum.replicas.is_none_or(|replicas| replicas as usize >= members) {
            let why = phrase(
                "every member is a replica of every key, so no other can stand in",
                "jedes Mitglied ist ein Replikat jedes Schlüssels, also kann kein anderes einspringen",
            );
            self.no_effect(format!("{path}.sloppy"), why);
        }
        self.read_repair(path, group, quorum);
        self.hints(path, group, quorum);
        let settings = [("hints", quorum.hints.is_some()), ("anti_entropy", quorum.anti_entropy.is_some())];
        for (field, _) in settings.into_iter().filter(|(_, is_set)| *is_set && is_alone) {
            self.no_effect(format!("{path}.{field}"), one_member());
        }
    }

    /// Warns of hints that no coordinator keeps: only members keep them, and stand-ins of a sloppy quorum.
    fn hints(&mut self, path: &str, group: &Group, quorum: &Quorum) {
        let Some(hints) = &quorum.hints else { return };
        if quorum.sloppy && hints.window_ms != Hints::default().window_ms {
            let why = phrase(
                "stand-ins of a sloppy quorum always keep hints",
                "die Vertreter eines Sloppy Quorum bewahren Hints immer auf",
            );
            self.no_effect(format!("{path}.hints.window_ms"), why);
        }
        let mut writers = self.scenario.clients.iter().filter(|client| client.target == group.id && writes(client));
        let is_operated = |step: &Step| {
            matches!(&step.command, Command::Operate { service, operation, .. }
                if group.members.contains(service) && !operation.is_read())
        };
        let is_coordinated_by_member = self.scenario.script.iter().any(is_operated)
            || self.scenario.members_of(group).any(|member| !member.subscribes.is_empty())
            || quorum.write_back;
        let (Some(first), false) = (writers.next(), quorum.sloppy || is_coordinated_by_member) else { return };
        if first.route == Route::Itself && writers.all(|client| client.route == Route::Itself) {
            let why = phrase(
                "each client coordinates its own writes, and only a member keeps hints unless the quorum is sloppy",
                "jeder Client koordiniert seine Schreibvorgänge selbst, und ohne \
                 Sloppy Quorum bewahrt nur ein Mitglied Hints auf",
            );
            self.no_effect(format!("{path}.hints"), why);
        }
    }

    fn read_repair(&mut self, path: &str, group: &Group, quorum: &Quorum) {
        let replicas = quorum.replicas.unwrap_or(group.members.len() as u32);
        let why = match quorum.read_repair {
            ReadRepair::None => return,
            _ if presets::of_group(group).is_some() => return,
            _ if replicas == 1 && !quorum.sloppy => phrase("a key has one replica", "ein Schlüssel hat ein Replikat"),
            ReadRepair::Blocking if quorum.write_back => {
                phrase("`write_back` writes every result back", "`write_back` schreibt jedes Ergebnis zurück")
            }
            ReadRepair::Blocking if quorum.read == 1 => phrase(
                "a read waits for one response, which needs no repair",
                "ein Lesevorgang wartet auf eine Antwort, die keine Reparatur braucht",
            ),
            ReadRepair::Async | ReadRepair::Blocking => return,
        };
        self.no_effect(format!("{path}.read_repair"), why);
    }
}

fn one_member() -> &'static str {
    phrase("the group has one member", "die Gruppe hat ein Mitglied")
}
