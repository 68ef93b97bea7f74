//! Edits of the document by the inspector and the clipboard. Pure: each function takes a drawing and returns a valid one,
//! or the reason why the edit is impossible.

use crate::scenario::task_changes;
use crate::scenario::{Bus, Client, Group, Region, Scenario};
use crate::text;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// A path in the document: names of fields and indices of list items.
pub type Path = Vec<String>;

/// Returns whether the tasks of a drawing, if it has any, permit to change a field or a part of it.
pub fn is_permitted(scenario: &Scenario, path: &[String]) -> bool {
    let rule = path_of_rule(scenario, path);
    // The grader does not compare these.
    let is_free = path.first().is_some_and(|field| matches!(&**field, "title" | "note" | "seed"))
        || path.get(2).is_some_and(|field| task_changes::FREE.contains(&&**field));
    is_free || scenario.tasks.is_empty() || scenario.tasks.iter().any(|task| task.permits_part_of(&rule))
}

/// Returns the path of a field as tasks name it: `<id>.<field>` of a node.
pub(super) fn path_of_rule(scenario: &Scenario, path: &[String]) -> String {
    let [list, place, fields @ ..] = path else { return path.join(".") };
    let id = place.parse::<usize>().ok().and_then(|place| match list.as_str() {
        "services" => scenario.services.get(place).map(|node| &node.id),
        "buses" => scenario.buses.get(place).map(|node| &node.id),
        "clients" => scenario.clients.get(place).map(|node| &node.id),
        "groups" => scenario.groups.get(place).map(|node| &node.id),
        _ => None,
    });
    match id {
        Some(id) => std::iter::once(id).chain(fields).map(String::as_str).collect::<Vec<_>>().join("."),
        None => path.join("."),
    }
}

fn ids(scenario: &Scenario) -> BTreeSet<&str> {
    let services = scenario.services.iter().map(|node| node.id.as_str());
    let buses = scenario.buses.iter().map(|node| node.id.as_str());
    let groups = scenario.groups.iter().map(|group| group.id.as_str());
    services.chain(buses).chain(groups).chain(scenario.clients.iter().map(|node| node.id.as_str())).collect()
}

/// Returns the first id of the form `service-3` that is not in use.
fn free_id(scenario: &Scenario, stem: &str) -> String {
    let taken = ids(scenario);
    let number = (1..).find(|n| !taken.contains(format!("{stem}-{n}").as_str())).unwrap_or(1);
    format!("{stem}-{number}")
}

fn all_names(scenario: &Scenario) -> impl Iterator<Item = &str> {
    let services = scenario.services.iter().map(|node| node.name.as_str());
    let buses = scenario.buses.iter().map(|node| node.name.as_str());
    let groups = scenario.groups.iter().map(|group| group.name.as_str());
    services.chain(buses).chain(groups).chain(scenario.clients.iter().map(|node| node.name.as_str()))
}

/// Returns the name of a copy, and takes it: `Inventory 2` if there is an `Inventory`. A card without a name shows its id.
fn free_name(taken: &mut BTreeSet<String>, name: &str) -> String {
    let mut free = name.to_string();
    if !name.is_empty() && taken.contains(name) {
        let numbered = name.rsplit_once(' ').filter(|(_, number)| number.parse::<u32>().is_ok());
        let stem = numbered.map_or(name, |(stem, _)| stem);
        free = (2..).map(|n| format!("{stem} {n}")).find(|name| !taken.contains(name)).unwrap_or_default();
    }
    taken.insert(free.clone());
    free
}

/// Copies nodes of one drawing into another (or the same), at a distance `by`. A reference of a copy leads to another copy
/// if there is one, or else to the node with that id in the target. Also returns the new ids.
///
/// # Errors
/// Why the drawing would be invalid.
pub fn copy_into(
    target: &Scenario,
    source: &Scenario,
    nodes: &BTreeSet<String>,
    by: [i32; 2],
) -> Result<(Scenario, Vec<String>), String> {
    let mut result = target.clone();
    let mut renamed: BTreeMap<String, String> = BTreeMap::new();
    let shift = |position: &mut Option<[i32; 2]>| *position = position.map(|[x, y]| [x + by[0], y + by[1]]);
    // A group is copied with its members.
    let is_copied = |group: &&Group| group.members.iter().all(|member| nodes.contains(member));
    // The ids come first, because copies refer to each other in any order.
    for (stem, id) in source
        .services
        .iter()
        .map(|node| ("service", &node.id))
        .chain(source.buses.iter().map(|node| ("bus", &node.id)))
        .chain(source.clients.iter().map(|node| ("client", &node.id)))
        .filter(|(_, id)| nodes.contains(*id))
        .chain(source.groups.iter().filter(is_copied).map(|group| ("group", &group.id)))
    {
        let mut taken = result.clone();
        taken.buses.extend(renamed.values().map(|id| Bus { id: id.clone(), ..Bus::default() }));
        renamed.insert(id.clone(), free_id(&taken, stem));
    }
    let new = |id: &String| renamed.get(id).unwrap_or(id).clone();
    let exists = |id: &String| renamed.contains_key(id) || ids(target).contains(id.as_str());
    let mut names: BTreeSet<String> = all_names(target).map(str::to_string).collect();
    for service in source.services.iter().filter(|node| nodes.contains(&node.id)) {
        let mut service = service.clone();
        service.id = new(&service.id);
        service.name = free_name(&mut names, &service.name);
        shift(&mut service.position);
        service.calls.retain(|call| exists(&call.to));
        service.publishes.retain(|publication| exists(&publication.to));
        service.subscribes.retain(|subscription| exists(&subscription.to));
        service.calls.iter_mut().for_each(|call| call.to = new(&call.to));
        service.publishes.iter_mut().for_each(|publication| publication.to = new(&publication.to));
        service.subscribes.iter_mut().for_each(|subscription| subscription.to = new(&subscription.to));
        result.services.push(service);
    }
    for bus in source.buses.iter().filter(|node| nodes.contains(&node.id)) {
        let mut bus = Bus { id: new(&bus.id), name: free_name(&mut names, &bus.name), ..bus.clone() };
        shift(&mut bus.position);
        result.buses.push(bus);
    }
    for client in source.clients.iter().filter(|node| nodes.contains(&node.id) && exists(&node.target)) {
        let name = free_name(&mut names, &client.name);
        let mut client = Client { id: new(&client.id), name, target: new(&client.target), ..client.clone() };
        client.reads_from = client.reads_from.as_ref().filter(|from| exists(from)).map(new);
        shift(&mut client.position);
        result.clients.push(client);
    }
    for link in source.links.iter().filter(|link| renamed.contains_key(&link.from) || renamed.contains_key(&link.to)) {
        if exists(&link.from) && exists(&link.to) {
            let mut link = link.clone();
            (link.from, link.to) = (new(&link.from), new(&link.to));
            result.links.push(link);
        }
    }
    for group in source.groups.iter().filter(is_copied) {
        let mut group = Group { id: new(&group.id), name: free_name(&mut names, &group.name), ..group.clone() };
        group.members = group.members.iter().map(new).collect();
        result.groups.push(group);
    }
    copy_regions(&mut result, source, &renamed);
    let cards = renamed.into_iter().filter(|(id, _)| nodes.contains(id)).map(|(_, new)| new).collect();
    Ok((validated(result)?, cards))
}

/// Places copies in the regions of their originals.
fn copy_regions(target: &mut Scenario, source: &Scenario, renamed: &BTreeMap<String, String>) {
    for region in &source.regions {
        let copies: Vec<String> = region.nodes.iter().filter_map(|node| renamed.get(node).cloned()).collect();
        if copies.is_empty() {
            continue;
        }
        match target.regions.iter_mut().find(|other| other.id == region.id) {
            Some(other) => other.nodes.extend(copies),
            None => target.regions.push(Region { nodes: copies, ..region.clone() }),
        }
    }
    let ids: BTreeSet<String> = target.regions.iter().map(|region| region.id.clone()).collect();
    for region in &mut target.regions {
        region.latency.retain(|latency| ids.contains(&latency.to));
    }
}

/// Returns the drawing if it is valid.
///
/// # Errors
/// The first problem, as a sentence.
pub(super) fn validated(scenario: Scenario) -> Result<Scenario, String> {
    match scenario.validate() {
        Ok(()) => Ok(scenario),
        Err(errors) => Err(sentence(&errors[0].problem)),
    }
}

/// Makes a phrase a sentence, with a capital letter and a full stop.
pub fn sentence(phrase: &str) -> String {
    let mut letters = phrase.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    let stop = if phrase.ends_with(['.', '?']) { "" } else { "." };
    format!("{first}{}{stop}", letters.as_str())
}

/// Sets the field at a path. Null removes it, so that it has its default.
///
/// # Errors
/// Why the document would be invalid, and what is expected there.
pub fn set(scenario: &Scenario, path: &[String], value: Json) -> Result<Scenario, String> {
    change(scenario, path, |place, last| put(place, last, value))
}

/// Sets the fields at several paths to one value.
///
/// # Errors
/// Why the document would be invalid, and what is expected there.
pub fn set_all<'a>(
    scenario: &Scenario,
    paths: impl Iterator<Item = &'a Path>,
    value: Json,
) -> Result<Scenario, String> {
    let mut json = scenario.to_value();
    for path in paths {
        let (place, last) = parent_of(&mut json, path)?;
        put(place, last, value.clone());
    }
    read_changed(&json)
}

fn put(place: &mut Json, last: &str, value: Json) {
    match (place, value) {
        (Json::Object(fields), Json::Null) => {
            fields.remove(last);
        }
        (Json::Object(fields), value) => {
            fields.insert(last.into(), value);
        }
        (Json::Array(items), value) => {
            if let Some(item) = last.parse::<usize>().ok().and_then(|i| items.get_mut(i)) {
                *item = value;
            }
        }
        _ => {}
    }
}

/// Appends an item to the list at a path.
///
/// # Errors
/// Why the document would be invalid, and what is expected there.
pub fn append(scenario: &Scenario, path: &[String], item: Json) -> Result<Scenario, String> {
    change(scenario, path, |place, last| {
        if let Json::Object(fields) = place {
            let list = fields.entry(last.to_string()).or_insert_with(|| Json::Array(Vec::new()));
            if let Json::Array(items) = list {
                items.push(item);
            }
        }
    })
}

/// Removes the item at a path from its list, or the field from its object.
///
/// # Errors
/// Why the document would be invalid without it.
pub fn remove(scenario: &Scenario, path: &[String]) -> Result<Scenario, String> {
    change(scenario, path, |place, last| match place {
        Json::Object(fields) => {
            fields.remove(last);
        }
        Json::Array(items) => {
            if let Some(i) = last.parse::<usize>().ok().filter(|i| *i < items.len()) {
                items.remove(i);
            }
        }
        _ => {}
    })
}

/// Changes the document at the parent of a path. `how` receives the parent and the last step of the path.
fn change(scenario: &Scenario, path: &[String], how: impl FnOnce(&mut Json, &str)) -> Result<Scenario, String> {
    let mut json = scenario.to_value();
    let (place, last) = parent_of(&mut json, path)?;
    how(place, last);
    read_changed(&json)
}

/// Returns the parent of a path, and the last step of the path.
fn parent_of<'a>(json: &'a mut Json, path: &'a [String]) -> Result<(&'a mut Json, &'a str), String> {
    let Some((last, parents)) = path.split_last() else { return Err(text!("This field does not exist.").into()) };
    let mut place = json;
    for step in parents {
        place = match place {
            // A field with its default value is absent from the document. It is added when a part of it is set.
            Json::Object(fields) => fields.entry(step.clone()).or_insert_with(|| Json::Object(serde_json::Map::new())),
            Json::Array(items) => {
                let item = step.parse::<usize>().ok().and_then(|i| items.get_mut(i));
                item.ok_or(text!("This item no longer exists."))?
            }
            _ => return Err(text!("This field does not exist.").into()),
        };
    }
    Ok((place, last))
}

fn read_changed(json: &Json) -> Result<Scenario, String> {
    let changed = Scenario::from_value(json).map_err(|errors| sentence(&errors[0].problem))?;
    validated(changed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_permits_the_fields_that_it_names_their_parts_and_names() {
        let scenario = crate::scenario::challenges::find("lost-event").expect("a challenge").scenario();
        let path = |text: &str| -> Path { text.split('/').map(String::from).collect() };
        for permitted in ["services/0/publishes/0/mode", "services/0/publishes", "services/1/name", "title"] {
            assert!(is_permitted(&scenario, &path(permitted)), "{permitted}");
        }
        for refused in ["services/1/subscribes/0/inbox", "services/0/concurrency", "links/0/latency", "until_ms"] {
            assert!(!is_permitted(&scenario, &path(refused)), "{refused}");
        }
        assert!(is_permitted(&Scenario::default(), &path("until_ms")));
    }
    use crate::scenario::examples::EXAMPLES;
    use serde_json::json;

    fn path(text: &str) -> Path {
        text.split('/').map(str::to_string).collect()
    }

    #[test]
    fn copies_refer_to_each_other_and_are_shifted() {
        let scenario = EXAMPLES[0].scenario();
        let all: BTreeSet<String> = ids(&scenario).into_iter().map(str::to_string).collect();
        let (doubled, new) = copy_into(&scenario, &scenario, &all, [40, 40]).expect("valid");
        assert_eq!(new.len(), all.len());
        assert_eq!((doubled.services.len(), doubled.buses.len(), doubled.links.len()), (4, 2, 4));
        let copy = &doubled.services[3];
        assert_eq!(copy.subscribes[0].to, doubled.buses[1].id);
        assert_eq!(copy.position, scenario.services[1].position.map(|[x, y]| [x + 40, y + 40]));
        let (empty, _) =
            copy_into(&Scenario::default(), &scenario, &all, [40, 40]).expect("a paste into an empty drawing");
        assert_eq!(empty.services.len(), 2);
    }

    #[test]
    fn a_copied_group_has_another_name() {
        let scenario = crate::scenario::examples::find("gossip-rumor").expect("an example").scenario();
        let all: BTreeSet<String> = ids(&scenario).into_iter().map(str::to_string).collect();
        let (doubled, _) = copy_into(&scenario, &scenario, &all, [40, 40]).expect("valid");
        let names: Vec<&str> = doubled.groups.iter().map(|group| group.name.as_str()).collect();
        assert_eq!(names, ["Everyone", "Everyone 2"]);
    }

    #[test]
    fn an_invalid_value_is_refused_with_the_expectation() {
        let scenario = EXAMPLES[0].scenario();
        let refused = set(&scenario, &path("services/1/subscribes/0/fails"), json!(1.4));
        assert_eq!(refused, Err("Must be a probability from 0 to 1, not 1.4.".into()));
        let refused = set(&scenario, &path("services/0/concurrency"), json!("x"));
        assert!(refused.is_err_and(|why| why.starts_with("Must be a whole number")));
    }

    #[test]
    fn a_field_with_its_default_can_be_set_and_removed() {
        let scenario = EXAMPLES[0].scenario();
        let clock = path("services/0/clock/offset_ms");
        let changed = set(&scenario, &clock, json!(-12.5)).expect("valid");
        assert_eq!(changed.services[0].clock.offset_ms, -12.5);
        assert_eq!(set(&changed, &clock, Json::Null), Ok(scenario.clone()));
        let added = append(&scenario, &path("promises"), json!("converged")).expect("valid");
        assert_eq!(remove(&added, &path("promises/0")), Ok(scenario));
    }
}
