//! Fields of replica groups, of their clients, and of regions.

use super::{Field, FieldsAt, Section, labelled, protocol, service_ids};
use crate::app::drawing;
use crate::scenario::json::to_value as to_json;
use crate::scenario::presets::{STORES, of_group};
use crate::scenario::{Client, Data, Group, Merge, Route, Scenario, SessionGuarantee, VersionClock};
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
    let is_other_member = |id: &String| !group.members.contains(id) && drawing::group_of(scenario, id).is_some();
    let free = service_ids(scenario).into_iter().filter(|id| !is_other_member(id)).collect();
    let candidates = labelled(scenario, free);
    let mut fields = vec![
        at.imitates(imitates, store.map(|store| (store.name, store.leaves_out))),
        at.text("name", "Name", &group.name, "The name on the page; empty: the id."),
        at.ids("members", "Members", candidates, &group.members, "The services that replicate the data."),
    ];
    fields.extend(data(&at, scenario, i));
    vec![
        Section { title: "Replica group".into(), fields, ..Section::default() },
        Section { title: "Protocol".into(), fields: protocol::fields(&at, scenario, i), ..Section::default() },
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
