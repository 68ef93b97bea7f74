//! Changes of the document that the inspector and the clipboard make. Pure: each takes a drawing and gives a sound
//! one, or says in words why not.

use crate::scenario::{Bus, Client, Scenario};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// A place in the document: names of fields, and numbers of places in lists.
pub type Path = Vec<String>;

fn ids(scenario: &Scenario) -> BTreeSet<&str> {
    let services = scenario.services.iter().map(|node| node.id.as_str());
    let buses = scenario.buses.iter().map(|node| node.id.as_str());
    services.chain(buses).chain(scenario.clients.iter().map(|node| node.id.as_str())).collect()
}

/// `service-3`: the first number that is free.
fn free_id(scenario: &Scenario, stem: &str) -> String {
    let taken = ids(scenario);
    let number = (1..).find(|n| !taken.contains(format!("{stem}-{n}").as_str())).unwrap_or(1);
    format!("{stem}-{number}")
}

/// Puts copies of nodes of one drawing into another (or the same), so far aside. What a copy refers to is another
/// copy where there is one, else what has that id in the other drawing. Returns the new ids too.
///
/// # Errors
/// A copy would refer to something that is not there.
pub fn copy_into(
    target: &Scenario,
    source: &Scenario,
    nodes: &BTreeSet<String>,
    by: [i32; 2],
) -> Result<(Scenario, Vec<String>), String> {
    let mut result = target.clone();
    let mut renamed: BTreeMap<String, String> = BTreeMap::new();
    let aside = |position: &mut Option<[i32; 2]>| *position = position.map(|[x, y]| [x + by[0], y + by[1]]);
    // First the names, so that copies can refer to each other in any order.
    for (stem, id) in source
        .services
        .iter()
        .map(|node| ("service", &node.id))
        .chain(source.buses.iter().map(|node| ("bus", &node.id)))
        .chain(source.clients.iter().map(|node| ("client", &node.id)))
        .filter(|(_, id)| nodes.contains(*id))
    {
        let mut taken = result.clone();
        taken.buses.extend(renamed.values().map(|id| Bus { id: id.clone(), ..Bus::default() }));
        renamed.insert(id.clone(), free_id(&taken, stem));
    }
    let new = |id: &String| renamed.get(id).unwrap_or(id).clone();
    let there = |id: &String| renamed.contains_key(id) || ids(target).contains(id.as_str());
    for service in source.services.iter().filter(|node| nodes.contains(&node.id)) {
        let mut service = service.clone();
        service.id = new(&service.id);
        aside(&mut service.position);
        service.calls.retain(|call| there(&call.to));
        service.publishes.retain(|publication| there(&publication.to));
        service.subscribes.retain(|subscription| there(&subscription.to));
        service.calls.iter_mut().for_each(|call| call.to = new(&call.to));
        service.publishes.iter_mut().for_each(|publication| publication.to = new(&publication.to));
        service.subscribes.iter_mut().for_each(|subscription| subscription.to = new(&subscription.to));
        result.services.push(service);
    }
    for bus in source.buses.iter().filter(|node| nodes.contains(&node.id)) {
        let mut bus = Bus { id: new(&bus.id), ..bus.clone() };
        aside(&mut bus.position);
        result.buses.push(bus);
    }
    for client in source.clients.iter().filter(|node| nodes.contains(&node.id) && there(&node.target)) {
        let mut client = Client { id: new(&client.id), target: new(&client.target), ..client.clone() };
        client.reads_from = client.reads_from.as_ref().filter(|from| there(from)).map(new);
        aside(&mut client.position);
        result.clients.push(client);
    }
    for link in source.links.iter().filter(|link| renamed.contains_key(&link.from) || renamed.contains_key(&link.to)) {
        if there(&link.from) && there(&link.to) {
            let mut link = link.clone();
            (link.from, link.to) = (new(&link.from), new(&link.to));
            result.links.push(link);
        }
    }
    Ok((sound(result)?, renamed.into_iter().map(|(_, id)| id).collect()))
}

/// The drawing, if it is sound.
///
/// # Errors
/// What is wrong first, as a sentence.
pub(super) fn sound(scenario: Scenario) -> Result<Scenario, String> {
    match scenario.validate() {
        Ok(()) => Ok(scenario),
        Err(errors) => Err(sentence(&errors[0].problem)),
    }
}

/// With a capital and a full stop, as it stands below a field.
fn sentence(problem: &str) -> String {
    let mut letters = problem.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase().to_string()).unwrap_or_default();
    let stop = if problem.ends_with(['.', '?']) { "" } else { "." };
    format!("{first}{}{stop}", letters.as_str())
}

/// Sets the field at a path; null takes it out, so that it has its default.
///
/// # Errors
/// The document would not be sound; says what is expected there.
pub fn set(scenario: &Scenario, path: &[String], value: Json) -> Result<Scenario, String> {
    change(scenario, path, |place, last| match (place, value) {
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
    })
}

/// Appends to the list at a path.
///
/// # Errors
/// The document would not be sound; says what is expected there.
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

/// Takes the item at a path out of its list, or the field out of its object.
///
/// # Errors
/// The document would not be sound without it.
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

fn change(scenario: &Scenario, path: &[String], how: impl FnOnce(&mut Json, &str)) -> Result<Scenario, String> {
    let mut json = scenario.to_value();
    let Some((last, way)) = path.split_last() else { return Err("There is no such field.".into()) };
    let mut place = &mut json;
    for step in way {
        place = match place {
            // A field that has its default is not written; it appears when something in it is set.
            Json::Object(fields) => fields.entry(step.clone()).or_insert_with(|| Json::Object(serde_json::Map::new())),
            Json::Array(items) => {
                let item = step.parse::<usize>().ok().and_then(|i| items.get_mut(i));
                item.ok_or("That is no longer there.")?
            }
            _ => return Err("There is no such field.".into()),
        };
    }
    how(place, last);
    let changed = Scenario::from_value(&json).map_err(|errors| sentence(&errors[0].problem))?;
    sound(changed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::examples::EXAMPLES;
    use serde_json::json;

    fn path(text: &str) -> Path {
        text.split('/').map(str::to_string).collect()
    }

    #[test]
    fn copies_refer_to_each_other_and_stand_aside() {
        let scenario = EXAMPLES[0].scenario();
        let all: BTreeSet<String> = ids(&scenario).into_iter().map(str::to_string).collect();
        let (doubled, new) = copy_into(&scenario, &scenario, &all, [40, 40]).expect("sound");
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
    fn a_bad_value_is_refused_in_words_and_changes_nothing() {
        let scenario = EXAMPLES[0].scenario();
        let refused = set(&scenario, &path("services/1/subscribes/0/fails"), json!(1.4));
        assert_eq!(refused, Err("A probability from 0 to 1, not 1.4.".into()));
        let refused = set(&scenario, &path("services/0/concurrency"), json!("x"));
        assert!(refused.is_err_and(|why| why.starts_with("Invalid type: string \"x\"")));
    }

    #[test]
    fn a_field_that_has_its_default_can_be_set_and_taken_back() {
        let scenario = EXAMPLES[0].scenario();
        let clock = path("services/0/clock/offset_ms");
        let changed = set(&scenario, &clock, json!(-12.5)).expect("sound");
        assert_eq!(changed.services[0].clock.offset_ms, -12.5);
        assert_eq!(set(&changed, &clock, Json::Null), Ok(scenario.clone()));
        let added = append(&scenario, &path("promises"), json!("converged")).expect("sound");
        assert_eq!(remove(&added, &path("promises/0")), Ok(scenario));
    }
}
