//! The fields that several selected nodes of one kind have in common. Each sets all of them.

use super::{Field, FieldKind, Section, sections};
use crate::app::canvas_item::CanvasItem;
use crate::app::edit::Path;
use crate::scenario::Scenario;
use crate::text;

/// Returns the sections of several nodes: the fields that all of them have, except name and position. A field with
/// different values is empty, and its label states that they differ.
pub fn shared_sections(scenario: &Scenario, ids: &[String]) -> Vec<Section> {
    let nodes: Vec<(Path, Vec<Section>)> = ids
        .iter()
        .filter_map(|id| Some((path_of(scenario, id)?, sections(scenario, Some(&CanvasItem::Node(id.clone()))))))
        .collect();
    let Some(((at, first), others)) = nodes.split_first() else { return Vec::new() };
    let shared = |section: &Section| {
        let fields = section.fields.iter().filter_map(|field| shared_field(field, &section.title, at, others));
        let fields: Vec<Field> = fields.collect();
        (!fields.is_empty()).then(|| Section { title: section.title.clone(), fields, ..Section::default() })
    };
    first.iter().filter_map(shared).collect()
}

/// Returns a field of the first node that sets the same field of the others; none if another node does not have it.
fn shared_field(field: &Field, title: &str, at: &[String], others: &[(Path, Vec<Section>)]) -> Option<Field> {
    let within = field.path.strip_prefix(at);
    if within.is_some_and(|rest| matches!(rest.first().map(String::as_str), Some("id" | "name" | "position"))) {
        return None;
    }
    let mut shared = field.clone();
    for (other_at, sections) in others {
        // A field outside of the node, such as that of its group, has the same path.
        let path = within.map_or_else(|| field.path.clone(), |rest| [other_at, rest].concat());
        let fields = sections.iter().filter(|section| section.title == title).flat_map(|section| &section.fields);
        let other = fields.into_iter().find(|other| other.path == path && other.label == field.label)?;
        if other.text != field.text {
            shared.text.clear();
        }
        if path != field.path {
            shared.also.push(path);
        }
    }
    if shared.text != field.text {
        shared.label = text!("{} (differs)", field.label);
        // An empty choice must not look like the first one.
        if let FieldKind::Choice(choices) = &mut shared.kind {
            choices.insert(0, (String::new(), serde_json::Value::Null));
        }
    }
    Some(shared)
}

/// Returns the path of a node in the document.
fn path_of(scenario: &Scenario, id: &str) -> Option<Path> {
    let service = scenario.services.iter().position(|node| node.id == id).map(|at| ("services", at));
    let bus = || scenario.buses.iter().position(|node| node.id == id).map(|at| ("buses", at));
    let client = || scenario.clients.iter().position(|node| node.id == id).map(|at| ("clients", at));
    let (list, at) = service.or_else(bus).or_else(client)?;
    Some(vec![list.to_string(), at.to_string()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::edit;
    use serde_json::json;

    #[test]
    fn a_shared_field_sets_all_selected_nodes() {
        let scenario = Scenario::first();
        let ids = ["inventory", "notification"].map(String::from);
        let sections = shared_sections(&scenario, &ids);
        let fields: Vec<&Field> = sections.iter().flat_map(|section| &section.fields).collect();
        assert!(fields.iter().all(|field| !matches!(field.path[2].as_str(), "name" | "position" | "subscribes")));
        let workers = fields.iter().find(|field| field.path[2] == "concurrency").expect("both have workers");
        let paths = || std::iter::once(&workers.path).chain(&workers.also);
        let changed = edit::set_all(&scenario, paths(), json!(7)).expect("valid");
        assert!(changed.services.iter().all(|service| service.concurrency == 7));
        let one = edit::set(&scenario, &workers.path, json!(3)).expect("valid");
        let sections = shared_sections(&one, &ids);
        let differs = sections.iter().flat_map(|section| &section.fields).find(|field| field.path[2] == "concurrency");
        let differs = differs.expect("the field");
        assert!(differs.text.is_empty() && differs.label.ends_with("(differs)"), "{differs:?}");
    }
}
