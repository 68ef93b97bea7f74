//! Replica groups, regions, and what a client of a group is asked and promised.

use super::{At, Field, Kind, Section, latency, service_ids};
use crate::scenario::json::to_value as to_json;
use crate::scenario::presets::{STORES, of_group};
use crate::scenario::{
    Client, Data, GossipStyle, Group, Merge, Protocol, RaftReads, ReadRepair, Route, Scenario, SessionGuarantee,
    VersionClock,
};
use serde_json::{Value as Json, json};

/// A replica group.
pub(super) fn sections(scenario: &Scenario, i: usize) -> Vec<Section> {
    let group = &scenario.groups[i];
    let at = At::new(&["groups"]).to(i);
    let mut imitates: Vec<(&str, Json)> = STORES
        .iter()
        .map(|store| (store.name, store.group(group)))
        .map(|(name, like)| (name, to_json(&like)))
        .collect();
    imitates.push(("its own", to_json(group)));
    imitates.retain(|(name, _)| {
        let like = STORES.iter().find(|store| store.name == *name).map(|store| store.group(group));
        like.is_none_or(|like| fits(scenario, i, |group| *group = like))
    });
    let store = of_group(group);
    let mut fields = vec![
        at.imitates(imitates, store.map(|store| (store.name, store.leaves_out))),
        at.text("name", "Name", &group.name, "What people see; the id where it is empty."),
        at.ids("members", "Members", &group.members, "Services that hold the same data, with commas."),
    ];
    fields.extend(data(&at, scenario, i));
    vec![
        Section { title: "Replica group".into(), fields, ..Section::default() },
        Section { title: "Protocol".into(), fields: protocol(&at, scenario, i), ..Section::default() },
    ]
}

/// A drawing is sound with another choice of data or protocol; others are not offered.
fn fits(scenario: &Scenario, i: usize, change: impl FnOnce(&mut Group)) -> bool {
    let mut changed = scenario.clone();
    change(&mut changed.groups[i]);
    changed.validate().is_ok()
}

fn data(at: &At, scenario: &Scenario, i: usize) -> Vec<Field> {
    let data = &scenario.groups[i].data;
    let mut kinds = vec![
        ("register, last writer wins", json!({ "register": {} })),
        ("register, siblings", json!("multi_value")),
        ("counter (PN)", json!("counter")),
        ("register, siblings merged", json!({ "merged": { "by": "union" } })),
        ("set (OR)", json!("set")),
        ("set, removals win (RW)", json!("remove_wins_set")),
        ("map", json!("map")),
        ("list (RGA)", json!("sequence")),
    ];
    let of = |label: &str| match label {
        "register, siblings" => Data::MultiValue,
        "counter (PN)" => Data::Counter,
        "register, siblings merged" => Data::Merged { by: Merge::Union },
        "set (OR)" => Data::Set,
        "set, removals win (RW)" => Data::RemoveWinsSet,
        "map" => Data::Map,
        "list (RGA)" => Data::Sequence,
        _ => Data::default(),
    };
    kinds.retain(|(label, _)| fits(scenario, i, |group| group.data = of(label)));
    let (chosen, clock) = match data {
        Data::Register { clock } => ("register, last writer wins", Some(clock)),
        Data::MultiValue => ("register, siblings", None),
        Data::Counter => ("counter (PN)", None),
        Data::Merged { .. } => ("register, siblings merged", None),
        Data::Set => ("set (OR)", None),
        Data::RemoveWinsSet => ("set, removals win (RW)", None),
        Data::Map => ("map", None),
        Data::Sequence => ("list (RGA)", None),
    };
    let mut fields =
        vec![at.choice("data", "Data", kinds, chosen, "What a key holds, and how two versions of it become one.")];
    if let Data::Merged { by } = data {
        let label = |by: Merge| match by {
            Merge::Union => "all elements",
            Merge::Intersection => "common elements",
            Merge::Max => "the greatest",
            Merge::Min => "the least",
        };
        let rules = [Merge::Union, Merge::Intersection, Merge::Max, Merge::Min];
        let rules = rules.map(|by| (label(by), to_json(&by))).to_vec();
        let help = "How siblings become the one value that a read returns.";
        fields.push(at.to("data").to("merged").choice("by", "Merged into", rules, label(*by), help));
    }
    if let Some(clock) = clock {
        let clocks = vec![("wall", json!("wall")), ("Lamport", json!("lamport")), ("hybrid", json!("hybrid"))];
        let chosen = match clock {
            VersionClock::Wall => "wall",
            VersionClock::Lamport => "Lamport",
            VersionClock::Hybrid => "hybrid",
        };
        let help = "Which clock says what is newest. Protocols with a log order by that instead.";
        fields.push(at.to("data").to("register").choice("clock", "Newest by", clocks, chosen, help));
    }
    fields
}

fn protocol(at: &At, scenario: &Scenario, i: usize) -> Vec<Field> {
    let group = &scenario.groups[i];
    let mut kinds = vec![
        ("leaderless quorum", json!({ "quorum": {} })),
        ("primary and replicas", json!({ "primary": {} })),
        ("Raft", json!({ "raft": {} })),
        ("chain", json!("chain")),
        ("two-phase commit", json!({ "two_phase": {} })),
        ("gossip", json!({ "gossip": {} })),
    ];
    // What orders all writes holds registers alone, and a client coordinates for a leaderless quorum alone.
    let register = matches!(group.data, Data::Register { .. });
    kinds.retain(|(label, _)| register || matches!(*label, "leaderless quorum" | "gossip"));
    let itself = |client: &Client| {
        client.target == group.id && [Some(client.route), client.read_route].contains(&Some(Route::Itself))
    };
    kinds.retain(|(label, _)| *label == "leaderless quorum" || !scenario.clients.iter().any(itself));
    let place = at.to("protocol");
    let (chosen, details) = match &group.protocol {
        Protocol::Quorum(_) => ("leaderless quorum", quorum(&place.to("quorum"), group)),
        Protocol::Primary(primary) => {
            let place = place.to("primary");
            let help = "How many followers must have a write before it is acknowledged: 0 is asynchronous.";
            let fields = vec![
                place.number("acknowledgements", "Followers waited for", "", primary.acknowledgements, help),
                place.optional(
                    "failover_ms",
                    "Failover after",
                    "ms",
                    primary.failover_ms,
                    "A follower takes over when it has not heard of the primary for so long; empty: none does.",
                ),
                place.number(
                    "heartbeat_ms",
                    "Heartbeat",
                    "ms",
                    primary.heartbeat_ms,
                    "How often the primary is heard of.",
                ),
            ];
            ("primary and replicas", fields)
        }
        Protocol::Raft(raft) => {
            let place = place.to("raft");
            let reads = vec![("by ReadIndex", json!("read_index")), ("local, possibly stale", json!("local"))];
            let chosen = match raft.reads {
                RaftReads::ReadIndex => "by ReadIndex",
                RaftReads::Local => "local, possibly stale",
            };
            let help = "A follower stands for election after this to twice this without a leader.";
            let fields = vec![
                place.number("election_ms", "Election timeout", "ms", raft.election_ms, help),
                place.number("heartbeat_ms", "Heartbeat", "ms", raft.heartbeat_ms, "How often the leader is heard of."),
                place.choice(
                    "reads",
                    "Reads",
                    reads,
                    chosen,
                    "By the leader, once a majority confirmed it; or by anyone.",
                ),
            ];
            ("Raft", fields)
        }
        Protocol::Chain => ("chain", Vec::new()),
        Protocol::TwoPhase(two_phase) => {
            let help = "Without all promises by then the coordinator aborts.";
            (
                "two-phase commit",
                vec![place.to("two_phase").number("timeout_ms", "Timeout", "ms", two_phase.timeout_ms, help)],
            )
        }
        Protocol::Gossip(gossip) => {
            let place = place.to("gossip");
            let styles = vec![
                ("push", json!("push")),
                ("pull", json!("pull")),
                ("push-pull", json!("push_pull")),
                ("rumor", json!({ "rumor": { "lose_interest_after": 1 } })),
            ];
            let (chosen, k) = match gossip.style {
                GossipStyle::Push => ("push", None),
                GossipStyle::Pull => ("pull", None),
                GossipStyle::PushPull => ("push-pull", None),
                GossipStyle::Rumor { lose_interest_after } => ("rumor", Some(lose_interest_after)),
            };
            let mut fields = vec![place.choice("style", "Style", styles, chosen, "Who tells whom.")];
            if let Some(k) = k {
                let help = "After so many contacts in a row that knew it already, a member tells a rumor no more.";
                let place = place.to("style").to("rumor");
                fields.push(place.number("lose_interest_after", "Loses interest after", "", k, help));
            }
            fields.extend(latency::fields(&place, "every", "Time between rounds", &gossip.every));
            fields.push(place.number("fan_out", "Fan-out", "", gossip.fan_out, "How many others in a round."));
            ("gossip", fields)
        }
    };
    let mut fields = vec![at.choice("protocol", "Protocol", kinds, chosen, "How the members agree.")];
    fields.extend(details);
    fields
}

fn quorum(at: &At, group: &Group) -> Vec<Field> {
    let Protocol::Quorum(quorum) = &group.protocol else { return Vec::new() };
    let repairs = vec![("none", json!("none")), ("in the background", json!("async")), ("blocking", json!("blocking"))];
    let chosen = match quorum.read_repair {
        ReadRepair::None => "none",
        ReadRepair::Async => "in the background",
        ReadRepair::Blocking => "blocking",
    };
    let mut fields = vec![
        at.optional(
            "replicas",
            "N: replicas of a key",
            "",
            quorum.replicas.map(f64::from),
            "How many members hold a key; empty is all.",
        ),
        at.number("read", "R: read quorum", "", quorum.read, "How many responses answer a read."),
        at.number("write", "W: write quorum", "", quorum.write, "How many acknowledgements commit a write."),
        at.choice("read_repair", "Read repair", repairs, chosen, "What a read does about replicas that are behind."),
        at.toggle(
            "write_back",
            "Reads write back",
            quorum.write_back,
            "Reads write back to W replicas, writes ask R for the newest version first (ABD): linearizable where R + W > N.",
        ),
        at.toggle(
            "sloppy",
            "Sloppy quorum",
            quorum.sloppy,
            "The next healthy members stand in for replicas that do not answer, and count; they keep hints.",
        ),
    ];
    let hints = vec![("none", Json::Null), ("kept", json!({ "window_ms": 60000, "every_ms": 500 }))];
    let chosen = if quorum.hints.is_some() { "kept" } else { "none" };
    fields.push(at.choice(
        "hints",
        "Hinted handoff",
        hints,
        chosen,
        "What a replica missed is kept for it, and sent later.",
    ));
    if let Some(hints) = &quorum.hints {
        let at = at.to("hints");
        fields.push(at.number("window_ms", "Hints are kept", "ms", hints.window_ms, "Older ones are dropped."));
        fields.push(at.number("every_ms", "Hints are sent every", "ms", hints.every_ms, "Until the replica has them."));
    }
    let trees = vec![("none", Json::Null), ("Merkle trees", json!({ "every_ms": 1000, "depth": 4 }))];
    let chosen = if quorum.anti_entropy.is_some() { "Merkle trees" } else { "none" };
    fields.push(at.choice(
        "anti_entropy",
        "Anti-entropy",
        trees,
        chosen,
        "Replicas compare hashes, and exchange what differs.",
    ));
    if let Some(anti_entropy) = &quorum.anti_entropy {
        let at = at.to("anti_entropy");
        fields.push(at.number(
            "every_ms",
            "ConsistencyMeasurement every",
            "ms",
            anti_entropy.every_ms,
            "By each replica.",
        ));
        fields.push(at.number("depth", "Depth of the tree", "", anti_entropy.depth, "2^depth leaves share the keys."));
    }
    fields.push(at.number("timeout_ms", "Replica timeout", "ms", quorum.timeout_ms, "Then it counts as unreachable."));
    fields.push(at.optional(
        "tombstone_grace_ms",
        "Tombstones are kept",
        "ms",
        quorum.tombstone_grace_ms,
        "How long a deletion is remembered; empty: for ever. Repair after that brings the key back.",
    ));
    fields
}

/// Where a client of a group asks, and what its sessions are promised.
pub(super) fn client(at: &At, client: &Client) -> Vec<Field> {
    let routes = || {
        vec![
            ("its own (sticky)", json!("sticky")),
            ("any", json!("any")),
            ("the nearest", json!("nearest")),
            ("the primary", json!("primary")),
            ("none: it coordinates", json!("itself")),
        ]
    };
    let label = |route: Route| match route {
        Route::Sticky => "its own (sticky)",
        Route::Any => "any",
        Route::Nearest => "the nearest",
        Route::Primary => "the primary",
        Route::Itself => "none: it coordinates",
    };
    let mut reads = vec![("the same", Json::Null)];
    reads.extend(routes());
    let promised = |guarantees: &[SessionGuarantee]| {
        let named = guarantees.iter().map(|guarantee| match guarantee {
            SessionGuarantee::ReadYourWrites => "read your writes",
            SessionGuarantee::MonotonicReads => "monotonic reads",
            SessionGuarantee::MonotonicWrites => "monotonic writes",
            SessionGuarantee::WritesFollowReads => "writes follow reads",
        });
        let named: Vec<&str> = named.collect();
        if named.is_empty() { "nothing".to_string() } else { named.join(", ") }
    };
    use SessionGuarantee::{MonotonicReads, MonotonicWrites, ReadYourWrites, WritesFollowReads};
    let mut sets = vec![
        Vec::new(),
        vec![ReadYourWrites],
        vec![MonotonicReads],
        vec![ReadYourWrites, MonotonicReads],
        vec![ReadYourWrites, MonotonicReads, MonotonicWrites, WritesFollowReads],
    ];
    if !sets.contains(&client.guarantees) {
        sets.push(client.guarantees.clone());
    }
    let labels: Vec<(String, Json)> = sets.iter().map(|set| (promised(set), to_json(set))).collect();
    let guarantees = labels.iter().map(|(label, value)| (label.as_str(), value.clone())).collect();
    let read = client.read_route.map_or("the same", label);
    vec![
        at.choice("route", "Member asked", routes(), label(client.route), "Of a group: which member it asks."),
        at.choice("read_route", "Member read at", reads, read, "Where that is found in another way."),
        at.choice(
            "guarantees",
            "Sessions are promised",
            guarantees,
            &promised(&client.guarantees),
            "By a version token: a read that does not reflect it is asked again elsewhere.",
        ),
    ]
}

/// The regions, each with its latencies: the matrix in one place.
pub(super) fn regions(scenario: &Scenario) -> Vec<Section> {
    let place = At::new(&["regions"]);
    let ids: Vec<String> = scenario.regions.iter().map(|region| region.id.clone()).collect();
    let mut sections = Vec::new();
    for (i, region) in scenario.regions.iter().enumerate() {
        let at = place.to(i);
        let mut fields = vec![
            at.text("name", "Name", &region.name, "What people see; the id where it is empty."),
            at.ids(
                "nodes",
                "Nodes",
                &region.nodes,
                "Services, buses and clients that are near each other, with commas.",
            ),
        ];
        for (j, latency) in region.latency.iter().enumerate() {
            let at = at.to("latency").to(j);
            fields.push(at.id("to", "To region", ids.clone(), &latency.to, "Itself, for links within it."));
            fields.extend(latency::fields(&at, "latency", "Latency", &latency.latency));
        }
        let to = ids.iter().find(|id| !region.latency.iter().any(|latency| latency.to == **id));
        let item = json!({ "to": to.unwrap_or(&region.id), "latency": { "constant": { "ms": 80 } } });
        let adders = vec![at.to("latency").adder("Add latency to a region", item)];
        let title = format!("Region {}", region.id);
        sections.push(Section { title, fields, remove: Some(at.0), adders });
    }
    let free =
        service_ids(scenario).into_iter().find(|id| !scenario.regions.iter().any(|region| region.nodes.contains(id)));
    let item = json!({ "id": format!("region-{}", ids.len() + 1), "nodes": free.into_iter().collect::<Vec<_>>() });
    sections.push(Section {
        title: "Regions".into(),
        adders: vec![place.adder("Add region", item)],
        ..Section::default()
    });
    sections
}

/// A field that holds a list of ids.
impl At {
    pub(super) fn ids(&self, name: &str, label: &str, ids: &[String], help: &'static str) -> Field {
        self.field(name, label, "", Kind::Ids, ids.join(", "), help)
    }
}
