//! Fields of replication protocols.

use super::{Field, FieldsAt, latency};
use crate::scenario::{
    Client, Data, Gossip, GossipStyle, Group, Primary, Protocol, Quorum, Raft, RaftReads, ReadRepair, Route, Scenario,
};
use crate::text;
use serde_json::{Value as Json, json};

/// Returns the fields of a group's protocol: the kind, then its settings.
pub(super) fn fields(at: &FieldsAt, scenario: &Scenario, index: usize) -> Vec<Field> {
    let group = &scenario.groups[index];
    let place = at.to("protocol");
    let (chosen, settings) = match &group.protocol {
        Protocol::Quorum(settings) => (text!("leaderless quorum"), quorum(&place.to("quorum"), settings)),
        Protocol::Primary(settings) => (text!("primary and replicas"), primary(&place.to("primary"), settings)),
        Protocol::Raft(settings) => ("Raft", raft(&place.to("raft"), settings)),
        Protocol::Chain => (text!("chain"), Vec::new()),
        Protocol::TwoPhase(two_phase) => {
            let help = text!("Without all votes by then, the coordinator aborts.");
            let timeout =
                place.to("two_phase").number("timeout_ms", text!("Timeout"), "ms", two_phase.timeout_ms, help);
            (text!("two-phase commit"), vec![timeout])
        }
        Protocol::Gossip(settings) => (text!("gossip"), gossip(&place.to("gossip"), settings)),
    };
    let kinds = kinds(scenario, group);
    let mut fields = vec![at.choice("protocol", text!("Protocol"), kinds, chosen, text!("The replication protocol."))];
    fields.extend(settings);
    fields
}

/// Returns the protocols that are valid for a group.
fn kinds(scenario: &Scenario, group: &Group) -> Vec<(&'static str, Json)> {
    let mut kinds = vec![
        (text!("leaderless quorum"), json!({ "quorum": {} })),
        (text!("primary and replicas"), json!({ "primary": {} })),
        ("Raft", json!({ "raft": {} })),
        (text!("chain"), json!("chain")),
        (text!("two-phase commit"), json!({ "two_phase": {} })),
        (text!("gossip"), json!({ "gossip": {} })),
    ];
    // Protocols that order all writes support only registers, and clients coordinate only for leaderless quorums.
    let is_register = matches!(group.data, Data::Register { .. });
    kinds.retain(|(label, _)| is_register || [text!("leaderless quorum"), text!("gossip")].contains(label));
    let coordinates = |client: &Client| {
        client.target == group.id && [Some(client.route), client.read_route].contains(&Some(Route::Itself))
    };
    kinds.retain(|(label, _)| *label == text!("leaderless quorum") || !scenario.clients.iter().any(coordinates));
    kinds
}

fn primary(at: &FieldsAt, primary: &Primary) -> Vec<Field> {
    let acknowledgements = text!("How many followers must store a write before it is acknowledged; 0: asynchronous.");
    let failover = text!("A follower takes over after this time without a heartbeat; empty: never.");
    let heartbeat = text!("How often the primary sends a heartbeat.");
    vec![
        at.number("acknowledgements", text!("Followers waited for"), "", primary.acknowledgements, acknowledgements),
        at.optional("failover_ms", text!("Failover after"), "ms", primary.failover_ms, failover),
        at.number("heartbeat_ms", text!("Heartbeat"), "ms", primary.heartbeat_ms, heartbeat),
    ]
}

fn raft(at: &FieldsAt, raft: &Raft) -> Vec<Field> {
    let kinds = vec![(text!("by ReadIndex"), json!("read_index")), (text!("local, possibly stale"), json!("local"))];
    let chosen = match raft.reads {
        RaftReads::ReadIndex => text!("by ReadIndex"),
        RaftReads::Local => text!("local, possibly stale"),
    };
    let election = text!("A follower becomes a candidate after one to two times this time without a heartbeat.");
    let reads = text!("Served by the leader after a majority has confirmed it, or by any member.");
    vec![
        at.number("election_ms", text!("Election timeout"), "ms", raft.election_ms, election),
        at.number(
            "heartbeat_ms",
            text!("Heartbeat"),
            "ms",
            raft.heartbeat_ms,
            text!("How often the leader sends a heartbeat."),
        ),
        at.choice("reads", text!("Reads"), kinds, chosen, reads),
    ]
}

fn gossip(at: &FieldsAt, gossip: &Gossip) -> Vec<Field> {
    let styles = vec![
        (text!("push"), json!("push")),
        (text!("pull"), json!("pull")),
        (text!("push-pull"), json!("push_pull")),
        (text!("rumor"), json!({ "rumor": { "lose_interest_after": 1 } })),
    ];
    let (chosen, contacts) = match gossip.style {
        GossipStyle::Push => (text!("push"), None),
        GossipStyle::Pull => (text!("pull"), None),
        GossipStyle::PushPull => (text!("push-pull"), None),
        GossipStyle::Rumor { lose_interest_after } => (text!("rumor"), Some(lose_interest_after)),
    };
    let mut fields =
        vec![at.choice("style", text!("Style"), styles, chosen, text!("In which direction updates travel."))];
    if let Some(contacts) = contacts {
        let help =
            text!("After this many consecutive contacts that already knew a rumor, a member stops spreading it.");
        let place = at.to("style").to("rumor");
        fields.push(place.number("lose_interest_after", text!("Loses interest after"), "", contacts, help));
    }
    fields.extend(latency::fields(at, "every", text!("Time between rounds"), &gossip.every));
    fields.push(at.number(
        "fan_out",
        text!("Fan-out"),
        "",
        gossip.fan_out,
        text!("How many other members in a round."),
    ));
    fields
}

fn quorum(at: &FieldsAt, quorum: &Quorum) -> Vec<Field> {
    let repairs = vec![
        (text!("none"), json!("none")),
        (text!("in the background"), json!("async")),
        (text!("blocking"), json!("blocking")),
    ];
    let repair = match quorum.read_repair {
        ReadRepair::None => text!("none"),
        ReadRepair::Async => text!("in the background"),
        ReadRepair::Blocking => text!("blocking"),
    };
    let replicas = text!("How many members store a key; empty: all.");
    let write_back = text!(
        "Reads write back to W replicas, and writes first ask R replicas for the newest version (ABD): \
                      linearizable if R + W > N."
    );
    let sloppy = text!(
        "The next reachable members replace replicas that do not answer. They count for the quorum and keep \
                  hints."
    );
    let mut fields = vec![
        at.optional("replicas", text!("N: replicas of a key"), "", quorum.replicas.map(f64::from), replicas),
        at.number("read", text!("R: read quorum"), "", quorum.read, text!("How many responses complete a read.")),
        at.number(
            "write",
            text!("W: write quorum"),
            "",
            quorum.write,
            text!("How many acknowledgements commit a write."),
        ),
        at.choice("read_repair", text!("Read repair"), repairs, repair, text!("How a read repairs stale replicas.")),
        at.toggle("write_back", text!("Reads write back"), quorum.write_back, write_back),
        at.toggle("sloppy", text!("Sloppy quorum"), quorum.sloppy, sloppy),
    ];
    fields.extend(repairs_later(at, quorum));
    let grace = text!(
        "How long a tombstone is kept after the deletion; empty: for ever. A repair after that restores the key."
    );
    fields.extend([
        at.number(
            "timeout_ms",
            text!("Replica timeout"),
            "ms",
            quorum.timeout_ms,
            text!("After this time a replica counts as unreachable."),
        ),
        at.optional("tombstone_grace_ms", text!("Tombstones are kept"), "ms", quorum.tombstone_grace_ms, grace),
    ]);
    fields
}

/// Returns the fields of hinted handoff and anti-entropy.
fn repairs_later(at: &FieldsAt, quorum: &Quorum) -> Vec<Field> {
    let kinds = vec![(text!("none"), Json::Null), (text!("kept"), json!({ "window_ms": 60000, "every_ms": 500 }))];
    let chosen = if quorum.hints.is_some() { text!("kept") } else { text!("none") };
    let help = text!("Writes that a replica missed are kept for it and sent later.");
    let mut fields = vec![at.choice("hints", text!("Hinted handoff"), kinds, chosen, help)];
    if let Some(hints) = &quorum.hints {
        let at = at.to("hints");
        let every = text!("How often hints are sent until the replica has them.");
        fields.push(at.number(
            "window_ms",
            text!("Hints are kept"),
            "ms",
            hints.window_ms,
            text!("A coordinator keeps no new hints for a replica that has been unreachable for longer (Cassandra: max_hint_window)."),
        ));
        fields.push(at.number("every_ms", text!("Hints are sent every"), "ms", hints.every_ms, every));
    }
    let kinds = vec![(text!("none"), Json::Null), (text!("Merkle trees"), json!({ "every_ms": 1000, "depth": 4 }))];
    let chosen = if quorum.anti_entropy.is_some() { text!("Merkle trees") } else { text!("none") };
    let help = text!("Replicas compare hashes and exchange different keys.");
    fields.push(at.choice("anti_entropy", text!("Anti-entropy"), kinds, chosen, help));
    if let Some(anti_entropy) = &quorum.anti_entropy {
        let at = at.to("anti_entropy");
        let every = text!("How often each replica compares its tree with another.");
        fields.push(at.number("every_ms", text!("Compared every"), "ms", anti_entropy.every_ms, every));
        fields.push(at.number(
            "depth",
            text!("Depth of the tree"),
            "",
            anti_entropy.depth,
            text!("2^depth leaves share the keys."),
        ));
    }
    fields
}
