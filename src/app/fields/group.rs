//! Fields of replica groups, of their clients, and of regions.

use super::{Field, FieldKind, FieldsAt, Section, latency, service_ids};
use crate::scenario::json::to_value as to_json;
use crate::scenario::presets::{STORES, of_group};
use crate::scenario::{
    Client, Data, GossipStyle, Group, Merge, Protocol, RaftReads, ReadRepair, Route, Scenario, SessionGuarantee,
    VersionClock,
};
use serde_json::{Value as Json, json};

/// Returns the sections of a replica group.
pub(super) fn sections(scenario: &Scenario, i: usize) -> Vec<Section> {
    let group = &scenario.groups[i];
    let at = FieldsAt::new(&["groups"]).to(i);
    let mut imitates: Vec<(&str, Json)> = STORES
        .iter()
        .map(|store| (store.name, store.group(group)))
        .map(|(name, like)| (name, to_json(&like)))
        .collect();
    imitates.push((super::CUSTOM, to_json(group)));
    imitates.retain(|(name, _)| {
        let like = STORES.iter().find(|store| store.name == *name).map(|store| store.group(group));
        like.is_none_or(|like| fits(scenario, i, |group| *group = like))
    });
    let store = of_group(group);
    let mut fields = vec![
        at.imitates(imitates, store.map(|store| (store.name, store.leaves_out))),
        at.text("name", "Name", &group.name, "The name on the page; empty: the id."),
        at.ids("members", "Members", &group.members, "The services that replicate the data, separated by commas."),
    ];
    fields.extend(data(&at, scenario, i));
    vec![
        Section { title: "Replica group".into(), fields, ..Section::default() },
        Section { title: "Protocol".into(), fields: protocol(&at, scenario, i), ..Section::default() },
    ]
}

/// Returns whether the drawing is valid with a changed group. Other choices are not offered.
fn fits(scenario: &Scenario, i: usize, change: impl FnOnce(&mut Group)) -> bool {
    let mut changed = scenario.clone();
    change(&mut changed.groups[i]);
    changed.validate().is_ok()
}

fn data(at: &FieldsAt, scenario: &Scenario, i: usize) -> Vec<Field> {
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
        vec![at.choice("data", "Data", kinds, chosen, "The data type of a key, and how two versions are merged.")];
    if let Data::Merged { by } = data {
        let label = |by: Merge| match by {
            Merge::Union => "all elements",
            Merge::Intersection => "common elements",
            Merge::Max => "the greatest",
            Merge::Min => "the least",
        };
        let rules = [Merge::Union, Merge::Intersection, Merge::Max, Merge::Min];
        let rules = rules.map(|by| (label(by), to_json(&by))).to_vec();
        let help = "How siblings are merged to the value that a read returns.";
        fields.push(at.to("data").to("merged").choice("by", "Merged into", rules, label(*by), help));
    }
    if let Some(clock) = clock {
        let clocks = vec![("wall", json!("wall")), ("Lamport", json!("lamport")), ("hybrid", json!("hybrid"))];
        let chosen = match clock {
            VersionClock::Wall => "wall",
            VersionClock::Lamport => "Lamport",
            VersionClock::Hybrid => "hybrid",
        };
        let help = "The clock that decides which version is newest. Protocols with a log use its order instead.";
        fields.push(at.to("data").to("register").choice("clock", "Newest by", clocks, chosen, help));
    }
    fields
}

fn protocol(at: &FieldsAt, scenario: &Scenario, i: usize) -> Vec<Field> {
    let group = &scenario.groups[i];
    let mut kinds = vec![
        ("leaderless quorum", json!({ "quorum": {} })),
        ("primary and replicas", json!({ "primary": {} })),
        ("Raft", json!({ "raft": {} })),
        ("chain", json!("chain")),
        ("two-phase commit", json!({ "two_phase": {} })),
        ("gossip", json!({ "gossip": {} })),
    ];
    // Protocols that order all writes support only registers, and clients coordinate only for leaderless quorums.
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
            let help = "How many followers must store a write before it is acknowledged; 0: asynchronous.";
            let fields = vec![
                place.number("acknowledgements", "Followers waited for", "", primary.acknowledgements, help),
                place.optional(
                    "failover_ms",
                    "Failover after",
                    "ms",
                    primary.failover_ms,
                    "A follower takes over after this time without a heartbeat; empty: never.",
                ),
                place.number(
                    "heartbeat_ms",
                    "Heartbeat",
                    "ms",
                    primary.heartbeat_ms,
                    "How often the primary sends a heartbeat.",
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
            let help = "A follower becomes a candidate after one to two times this time without a heartbeat.";
            let fields = vec![
                place.number("election_ms", "Election timeout", "ms", raft.election_ms, help),
                place.number(
                    "heartbeat_ms",
                    "Heartbeat",
                    "ms",
                    raft.heartbeat_ms,
                    "How often the leader sends a heartbeat.",
                ),
                place.choice(
                    "reads",
                    "Reads",
                    reads,
                    chosen,
                    "Served by the leader after a majority has confirmed it, or by any member.",
                ),
            ];
            ("Raft", fields)
        }
        Protocol::Chain => ("chain", Vec::new()),
        Protocol::TwoPhase(two_phase) => {
            let help = "Without all votes by then, the coordinator aborts.";
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
            let mut fields = vec![place.choice("style", "Style", styles, chosen, "In which direction updates travel.")];
            if let Some(k) = k {
                let help =
                    "After this many consecutive contacts that already knew a rumor, a member stops to spread it.";
                let place = place.to("style").to("rumor");
                fields.push(place.number("lose_interest_after", "Loses interest after", "", k, help));
            }
            fields.extend(latency::fields(&place, "every", "Time between rounds", &gossip.every));
            fields.push(place.number("fan_out", "Fan-out", "", gossip.fan_out, "How many other members in a round."));
            ("gossip", fields)
        }
    };
    let mut fields = vec![at.choice("protocol", "Protocol", kinds, chosen, "The replication protocol.")];
    fields.extend(details);
    fields
}

fn quorum(at: &FieldsAt, group: &Group) -> Vec<Field> {
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
            "How many members store a key; empty: all.",
        ),
        at.number("read", "R: read quorum", "", quorum.read, "How many responses complete a read."),
        at.number("write", "W: write quorum", "", quorum.write, "How many acknowledgements commit a write."),
        at.choice("read_repair", "Read repair", repairs, chosen, "How a read repairs stale replicas."),
        at.toggle(
            "write_back",
            "Reads write back",
            quorum.write_back,
            "Reads write back to W replicas, and writes first ask R replicas for the newest version (ABD): linearizable if R + W > N.",
        ),
        at.toggle(
            "sloppy",
            "Sloppy quorum",
            quorum.sloppy,
            "The next reachable members replace replicas that do not answer. They count for the quorum and keep hints.",
        ),
    ];
    let hints = vec![("none", Json::Null), ("kept", json!({ "window_ms": 60000, "every_ms": 500 }))];
    let chosen = if quorum.hints.is_some() { "kept" } else { "none" };
    fields.push(at.choice(
        "hints",
        "Hinted handoff",
        hints,
        chosen,
        "Writes that a replica missed are kept for it and sent later.",
    ));
    if let Some(hints) = &quorum.hints {
        let at = at.to("hints");
        fields.push(at.number("window_ms", "Hints are kept", "ms", hints.window_ms, "Older ones are dropped."));
        fields.push(at.number(
            "every_ms",
            "Hints are sent every",
            "ms",
            hints.every_ms,
            "How often hints are sent until the replica has them.",
        ));
    }
    let trees = vec![("none", Json::Null), ("Merkle trees", json!({ "every_ms": 1000, "depth": 4 }))];
    let chosen = if quorum.anti_entropy.is_some() { "Merkle trees" } else { "none" };
    fields.push(at.choice(
        "anti_entropy",
        "Anti-entropy",
        trees,
        chosen,
        "Replicas compare hashes and exchange different keys.",
    ));
    if let Some(anti_entropy) = &quorum.anti_entropy {
        let at = at.to("anti_entropy");
        fields.push(at.number(
            "every_ms",
            "ConsistencyMeasurement every",
            "ms",
            anti_entropy.every_ms,
            "How often each replica compares its tree with another.",
        ));
        fields.push(at.number("depth", "Depth of the tree", "", anti_entropy.depth, "2^depth leaves share the keys."));
    }
    fields.push(at.number(
        "timeout_ms",
        "Replica timeout",
        "ms",
        quorum.timeout_ms,
        "After this time a replica counts as unreachable.",
    ));
    fields.push(at.optional(
        "tombstone_grace_ms",
        "Tombstones are kept",
        "ms",
        quorum.tombstone_grace_ms,
        "How long a tombstone is kept; empty: for ever. A repair after that restores the key.",
    ));
    fields
}

/// Returns the fields of a group's client: routes and session guarantees.
pub(super) fn client(at: &FieldsAt, client: &Client) -> Vec<Field> {
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
        at.choice("route", "Member asked", routes(), label(client.route), "The member that receives its operations."),
        at.choice(
            "read_route",
            "Member read at",
            reads,
            read,
            "The member that receives its reads, if it is another one.",
        ),
        at.choice(
            "guarantees",
            "Session guarantees",
            guarantees,
            &promised(&client.guarantees),
            "Implemented by a version token: a read that is older than the token is sent to another member.",
        ),
    ]
}

/// Returns the sections of the regions, each with its latencies.
pub(super) fn regions(scenario: &Scenario) -> Vec<Section> {
    let place = FieldsAt::new(&["regions"]);
    let ids: Vec<String> = scenario.regions.iter().map(|region| region.id.clone()).collect();
    let mut sections = Vec::new();
    for (i, region) in scenario.regions.iter().enumerate() {
        let at = place.to(i);
        let mut fields = vec![
            at.text("name", "Name", &region.name, "The name on the page; empty: the id."),
            at.ids(
                "nodes",
                "Nodes",
                &region.nodes,
                "The services, buses and clients in the region, separated by commas.",
            ),
        ];
        for (j, latency) in region.latency.iter().enumerate() {
            let at = at.to("latency").to(j);
            fields.push(at.id(
                "to",
                "To region",
                ids.clone(),
                &latency.to,
                "The other region, or the same one for links inside it.",
            ));
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

impl FieldsAt {
    /// A field for a list of ids.
    pub(super) fn ids(&self, name: &str, label: &str, ids: &[String], help: &'static str) -> Field {
        self.field(name, label, "", FieldKind::Ids, ids.join(", "), help)
    }
}
