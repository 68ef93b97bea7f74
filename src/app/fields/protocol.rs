//! Fields of replication protocols.

use super::{Field, FieldsAt, latency};
use crate::scenario::{
    Client, Data, Gossip, GossipStyle, Group, Primary, Protocol, Quorum, Raft, RaftReads, ReadRepair, Route, Scenario,
};
use serde_json::{Value as Json, json};

/// Returns the fields of a group's protocol: the kind, then its settings.
pub(super) fn fields(at: &FieldsAt, scenario: &Scenario, index: usize) -> Vec<Field> {
    let group = &scenario.groups[index];
    let place = at.to("protocol");
    let (chosen, settings) = match &group.protocol {
        Protocol::Quorum(settings) => ("leaderless quorum", quorum(&place.to("quorum"), settings)),
        Protocol::Primary(settings) => ("primary and replicas", primary(&place.to("primary"), settings)),
        Protocol::Raft(settings) => ("Raft", raft(&place.to("raft"), settings)),
        Protocol::Chain => ("chain", Vec::new()),
        Protocol::TwoPhase(two_phase) => {
            let help = "Without all votes by then, the coordinator aborts.";
            let timeout = place.to("two_phase").number("timeout_ms", "Timeout", "ms", two_phase.timeout_ms, help);
            ("two-phase commit", vec![timeout])
        }
        Protocol::Gossip(settings) => ("gossip", gossip(&place.to("gossip"), settings)),
    };
    let kinds = kinds(scenario, group);
    let mut fields = vec![at.choice("protocol", "Protocol", kinds, chosen, "The replication protocol.")];
    fields.extend(settings);
    fields
}

/// Returns the protocols that are valid for a group.
fn kinds(scenario: &Scenario, group: &Group) -> Vec<(&'static str, Json)> {
    let mut kinds = vec![
        ("leaderless quorum", json!({ "quorum": {} })),
        ("primary and replicas", json!({ "primary": {} })),
        ("Raft", json!({ "raft": {} })),
        ("chain", json!("chain")),
        ("two-phase commit", json!({ "two_phase": {} })),
        ("gossip", json!({ "gossip": {} })),
    ];
    // Protocols that order all writes support only registers, and clients coordinate only for leaderless quorums.
    let is_register = matches!(group.data, Data::Register { .. });
    kinds.retain(|(label, _)| is_register || matches!(*label, "leaderless quorum" | "gossip"));
    let coordinates = |client: &Client| {
        client.target == group.id && [Some(client.route), client.read_route].contains(&Some(Route::Itself))
    };
    kinds.retain(|(label, _)| *label == "leaderless quorum" || !scenario.clients.iter().any(coordinates));
    kinds
}

fn primary(at: &FieldsAt, primary: &Primary) -> Vec<Field> {
    let acknowledgements = "How many followers must store a write before it is acknowledged; 0: asynchronous.";
    let failover = "A follower takes over after this time without a heartbeat; empty: never.";
    let heartbeat = "How often the primary sends a heartbeat.";
    vec![
        at.number("acknowledgements", "Followers waited for", "", primary.acknowledgements, acknowledgements),
        at.optional("failover_ms", "Failover after", "ms", primary.failover_ms, failover),
        at.number("heartbeat_ms", "Heartbeat", "ms", primary.heartbeat_ms, heartbeat),
    ]
}

fn raft(at: &FieldsAt, raft: &Raft) -> Vec<Field> {
    let kinds = vec![("by ReadIndex", json!("read_index")), ("local, possibly stale", json!("local"))];
    let chosen = match raft.reads {
        RaftReads::ReadIndex => "by ReadIndex",
        RaftReads::Local => "local, possibly stale",
    };
    let election = "A follower becomes a candidate after one to two times this time without a heartbeat.";
    let reads = "Served by the leader after a majority has confirmed it, or by any member.";
    vec![
        at.number("election_ms", "Election timeout", "ms", raft.election_ms, election),
        at.number("heartbeat_ms", "Heartbeat", "ms", raft.heartbeat_ms, "How often the leader sends a heartbeat."),
        at.choice("reads", "Reads", kinds, chosen, reads),
    ]
}

fn gossip(at: &FieldsAt, gossip: &Gossip) -> Vec<Field> {
    let styles = vec![
        ("push", json!("push")),
        ("pull", json!("pull")),
        ("push-pull", json!("push_pull")),
        ("rumor", json!({ "rumor": { "lose_interest_after": 1 } })),
    ];
    let (chosen, contacts) = match gossip.style {
        GossipStyle::Push => ("push", None),
        GossipStyle::Pull => ("pull", None),
        GossipStyle::PushPull => ("push-pull", None),
        GossipStyle::Rumor { lose_interest_after } => ("rumor", Some(lose_interest_after)),
    };
    let mut fields = vec![at.choice("style", "Style", styles, chosen, "In which direction updates travel.")];
    if let Some(contacts) = contacts {
        let help = "After this many consecutive contacts that already knew a rumor, a member stops to spread it.";
        let place = at.to("style").to("rumor");
        fields.push(place.number("lose_interest_after", "Loses interest after", "", contacts, help));
    }
    fields.extend(latency::fields(at, "every", "Time between rounds", &gossip.every));
    fields.push(at.number("fan_out", "Fan-out", "", gossip.fan_out, "How many other members in a round."));
    fields
}

fn quorum(at: &FieldsAt, quorum: &Quorum) -> Vec<Field> {
    let repairs = vec![("none", json!("none")), ("in the background", json!("async")), ("blocking", json!("blocking"))];
    let repair = match quorum.read_repair {
        ReadRepair::None => "none",
        ReadRepair::Async => "in the background",
        ReadRepair::Blocking => "blocking",
    };
    let replicas = "How many members store a key; empty: all.";
    let write_back = "Reads write back to W replicas, and writes first ask R replicas for the newest version (ABD): \
                      linearizable if R + W > N.";
    let sloppy = "The next reachable members replace replicas that do not answer. They count for the quorum and keep \
                  hints.";
    let mut fields = vec![
        at.optional("replicas", "N: replicas of a key", "", quorum.replicas.map(f64::from), replicas),
        at.number("read", "R: read quorum", "", quorum.read, "How many responses complete a read."),
        at.number("write", "W: write quorum", "", quorum.write, "How many acknowledgements commit a write."),
        at.choice("read_repair", "Read repair", repairs, repair, "How a read repairs stale replicas."),
        at.toggle("write_back", "Reads write back", quorum.write_back, write_back),
        at.toggle("sloppy", "Sloppy quorum", quorum.sloppy, sloppy),
    ];
    fields.extend(repairs_later(at, quorum));
    let grace = "How long a tombstone is kept; empty: for ever. A repair after that restores the key.";
    fields.extend([
        at.number(
            "timeout_ms",
            "Replica timeout",
            "ms",
            quorum.timeout_ms,
            "After this time a replica counts as unreachable.",
        ),
        at.optional("tombstone_grace_ms", "Tombstones are kept", "ms", quorum.tombstone_grace_ms, grace),
    ]);
    fields
}

/// Returns the fields of hinted handoff and anti-entropy.
fn repairs_later(at: &FieldsAt, quorum: &Quorum) -> Vec<Field> {
    let kinds = vec![("none", Json::Null), ("kept", json!({ "window_ms": 60000, "every_ms": 500 }))];
    let chosen = if quorum.hints.is_some() { "kept" } else { "none" };
    let help = "Writes that a replica missed are kept for it and sent later.";
    let mut fields = vec![at.choice("hints", "Hinted handoff", kinds, chosen, help)];
    if let Some(hints) = &quorum.hints {
        let at = at.to("hints");
        let every = "How often hints are sent until the replica has them.";
        fields.push(at.number("window_ms", "Hints are kept", "ms", hints.window_ms, "Older hints are dropped."));
        fields.push(at.number("every_ms", "Hints are sent every", "ms", hints.every_ms, every));
    }
    let kinds = vec![("none", Json::Null), ("Merkle trees", json!({ "every_ms": 1000, "depth": 4 }))];
    let chosen = if quorum.anti_entropy.is_some() { "Merkle trees" } else { "none" };
    let help = "Replicas compare hashes and exchange different keys.";
    fields.push(at.choice("anti_entropy", "Anti-entropy", kinds, chosen, help));
    if let Some(anti_entropy) = &quorum.anti_entropy {
        let at = at.to("anti_entropy");
        let every = "How often each replica compares its tree with another.";
        fields.push(at.number("every_ms", "Compared every", "ms", anti_entropy.every_ms, every));
        fields.push(at.number("depth", "Depth of the tree", "", anti_entropy.depth, "2^depth leaves share the keys."));
    }
    fields
}
