//! Fields of replica groups, of their clients, and of regions.

use super::{Field, FieldsAt, Section, labelled, protocol, service_ids};
use crate::app::drawing;
use crate::scenario::json::to_value as to_json;
use crate::scenario::presets::{STORES, of_group};
use crate::scenario::{Client, Data, Group, Merge, Route, Scenario, SessionGuarantee, VersionClock};
use crate::text;
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
    imitates.push((super::CUSTOM.get(), to_json(group)));
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
        at.text("name", text!("Name"), &group.name, text!("The name on the page; empty: the id.")),
        at.ids("members", text!("Members"), candidates, &group.members, text!("The services that replicate the data.")),
    ];
    fields.extend(data(&at, scenario, i));
    vec![
        Section { title: text!("Replica group").into(), fields, ..Section::default() },
        Section { title: text!("Protocol").into(), fields: protocol::fields(&at, scenario, i), ..Section::default() },
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
        (text!("register, last writer wins"), json!({ "register": {} }), Data::default()),
        (text!("register, siblings"), json!("multi_value"), Data::MultiValue),
        (text!("counter (PN)"), json!("counter"), Data::Counter),
        (text!("register, siblings merged"), json!({ "merged": { "by": "union" } }), Data::Merged { by: Merge::Union }),
        (text!("set (OR)"), json!("set"), Data::Set),
        (text!("set, removals win (RW)"), json!("remove_wins_set"), Data::RemoveWinsSet),
        (text!("map"), json!("map"), Data::Map),
        (text!("list (RGA)"), json!("sequence"), Data::Sequence),
    ];
    kinds.retain(|(_, _, data)| fits(scenario, i, |group| group.data = data.clone()));
    let kinds = kinds.into_iter().map(|(label, value, _)| (label, value)).collect();
    let (chosen, clock) = match data {
        Data::Register { clock } => (text!("register, last writer wins"), Some(clock)),
        Data::MultiValue => (text!("register, siblings"), None),
        Data::Counter => (text!("counter (PN)"), None),
        Data::Merged { .. } => (text!("register, siblings merged"), None),
        Data::Set => (text!("set (OR)"), None),
        Data::RemoveWinsSet => (text!("set, removals win (RW)"), None),
        Data::Map => (text!("map"), None),
        Data::Sequence => (text!("list (RGA)"), None),
    };
    let mut fields = vec![at.choice(
        "data",
        text!("Data"),
        kinds,
        chosen,
        text!("The data type of a key, and how two versions are merged."),
    )];
    if let Data::Merged { by } = data {
        let label = |by: Merge| match by {
            Merge::Union => text!("all elements"),
            Merge::Intersection => text!("common elements"),
            Merge::Max => text!("the greatest"),
            Merge::Min => text!("the least"),
        };
        let rules = [Merge::Union, Merge::Intersection, Merge::Max, Merge::Min];
        let rules = rules.map(|by| (label(by), to_json(&by))).to_vec();
        let help = text!("How siblings are merged to the value that a read returns.");
        fields.push(at.to("data").to("merged").choice("by", text!("Merged into"), rules, label(*by), help));
    }
    if let Some(clock) = clock {
        let clocks = vec![
            (text!("wall clock"), json!("wall")),
            ("Lamport", json!("lamport")),
            (text!("hybrid"), json!("hybrid")),
        ];
        let chosen = match clock {
            VersionClock::Wall => text!("wall clock"),
            VersionClock::Lamport => "Lamport",
            VersionClock::Hybrid => text!("hybrid"),
        };
        let help = text!("The clock that decides which version is newest. Protocols with a log use its order instead.");
        fields.push(at.to("data").to("register").choice("clock", text!("Newest by"), clocks, chosen, help));
    }
    fields
}

/// Returns the fields of a group's client: routes and session guarantees.
pub(super) fn client(at: &FieldsAt, client: &Client) -> Vec<Field> {
    let routes = || {
        vec![
            (text!("its own (sticky)"), json!("sticky")),
            (text!("any"), json!("any")),
            (text!("the nearest"), json!("nearest")),
            (text!("the primary"), json!("primary")),
            (text!("none: it coordinates"), json!("itself")),
        ]
    };
    let label = |route: Route| match route {
        Route::Sticky => text!("its own (sticky)"),
        Route::Any => text!("any"),
        Route::Nearest => text!("the nearest"),
        Route::Primary => text!("the primary"),
        Route::Itself => text!("none: it coordinates"),
    };
    let mut reads = vec![(text!("the same"), Json::Null)];
    reads.extend(routes());
    let promised = |guarantees: &[SessionGuarantee]| {
        let named = guarantees.iter().map(|guarantee| match guarantee {
            SessionGuarantee::ReadYourWrites => text!("read your writes"),
            SessionGuarantee::MonotonicReads => text!("monotonic reads"),
            SessionGuarantee::MonotonicWrites => text!("monotonic writes"),
            SessionGuarantee::WritesFollowReads => text!("writes follow reads"),
        });
        let named: Vec<&str> = named.collect();
        if named.is_empty() { text!("nothing").to_string() } else { named.join(", ") }
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
    let read = client.read_route.map_or(text!("the same"), label);
    vec![
        at.choice(
            "route",
            text!("Member asked"),
            routes(),
            label(client.route),
            text!("The member that receives its operations."),
        ),
        at.choice(
            "read_route",
            text!("Member read at"),
            reads,
            read,
            text!("The member that receives its reads, if it is another one."),
        ),
        at.choice(
            "guarantees",
            text!("Session guarantees"),
            guarantees,
            &promised(&client.guarantees),
            text!("Implemented by a version token: a read that is older than the token is sent to another member."),
        ),
    ]
}
