//! Edits of the drawing on the canvas. Pure: each returns a valid drawing, or the reason why the edit is impossible.

use super::canvas_item::CanvasItem;
use super::scene::{Layout, NodeKind, Scene};
use crate::scenario::{
    Bus, Call, Client, Command, Group, Invariant, Latency, Link, Promise, Protocol, Publication, Quorum, Scenario,
    ScenarioError, Service, Subscription, Value,
};
use crate::text;
use std::collections::BTreeMap;

/// Limits of the latency of a new link, ms: a message is visible at normal speed.
const NEW_LATENCY_MS: (f64, f64) = (300.0, 600.0);
/// The key of the data of a new service.
const NEW_KEY: &str = "item";
/// The timeout of a new call, ms: longer than the latency of a new link and the response.
const NEW_TIMEOUT_MS: f64 = 2000.0;

/// The changed drawing, or the reason why the change is impossible.
pub type Changed = Result<Scenario, String>;

fn validated(scenario: Scenario) -> Changed {
    let first = |errors: Vec<ScenarioError>| errors.first().map(ToString::to_string).unwrap_or_default();
    scenario.validate().map_err(first)?;
    Ok(scenario)
}

/// Returns the kind of the node with this id.
pub fn kind(scenario: &Scenario, id: &str) -> Option<NodeKind> {
    if scenario.services.iter().any(|service| service.id == id) {
        Some(NodeKind::Service)
    } else if scenario.buses.iter().any(|bus| bus.id == id) {
        Some(NodeKind::Bus)
    } else {
        let client = scenario.clients.iter().any(|client| client.id == id).then_some(NodeKind::Client);
        client.or_else(|| scenario.groups.iter().any(|group| group.id == id).then_some(NodeKind::Group))
    }
}

/// Returns the drawing with a node renamed. An empty name removes it, so that the id is shown.
pub fn renamed(scenario: &Scenario, id: &str, name: &str) -> Changed {
    let mut scenario = scenario.clone();
    let services = scenario.services.iter_mut().map(|service| (&service.id, &mut service.name));
    let buses = scenario.buses.iter_mut().map(|bus| (&bus.id, &mut bus.name));
    let clients = scenario.clients.iter_mut().map(|client| (&client.id, &mut client.name));
    let groups = scenario.groups.iter_mut().map(|group| (&group.id, &mut group.name));
    let slot = services.chain(buses).chain(clients).chain(groups).find(|(other, _)| *other == id).map(|(_, slot)| slot);
    let slot = slot.ok_or(text!("This card no longer exists."))?;
    let name: String = name.trim().chars().take(80).collect();
    *slot = if name == id { String::new() } else { name };
    validated(scenario)
}

/// Returns the name of a node, or its id if it has no name.
pub fn name<'a>(scenario: &'a Scenario, id: &'a str) -> &'a str {
    let services = scenario.services.iter().map(|node| (&node.id, &node.name));
    let buses = scenario.buses.iter().map(|node| (&node.id, &node.name));
    let clients = scenario.clients.iter().map(|node| (&node.id, &node.name));
    let groups = scenario.groups.iter().map(|group| (&group.id, &group.name));
    let mut named = services.chain(buses).chain(clients).chain(groups).filter(|(_, name)| !name.is_empty());
    named.find(|(other, _)| *other == id).map_or(id, |(_, name)| name)
}

/// Returns the ids of the cards that have a position in the document, with their positions.
pub fn positions(scenario: &Scenario) -> impl Iterator<Item = (&str, [i32; 2])> {
    let services = scenario.services.iter().map(|node| (node.id.as_str(), node.position));
    let buses = scenario.buses.iter().map(|node| (node.id.as_str(), node.position));
    let clients = scenario.clients.iter().map(|node| (node.id.as_str(), node.position));
    services.chain(buses).chain(clients).filter_map(|(id, position)| Some((id, position?)))
}

/// Sets the position of a node.
pub fn place(scenario: &mut Scenario, id: &str, to: [i32; 2]) {
    let services = scenario.services.iter_mut().map(|service| (&service.id, &mut service.position));
    let buses = scenario.buses.iter_mut().map(|bus| (&bus.id, &mut bus.position));
    let clients = scenario.clients.iter_mut().map(|client| (&client.id, &mut client.position));
    if let Some((_, position)) = services.chain(buses).chain(clients).find(|(other, _)| *other == id) {
        *position = Some(to);
    }
}

/// Returns whether every card has a position.
pub fn is_placed(scenario: &Scenario) -> bool {
    scenario.services.iter().all(|node| node.position.is_some())
        && scenario.buses.iter().all(|node| node.position.is_some())
        && scenario.clients.iter().all(|node| node.position.is_some())
}

/// Returns the drawing with a position for every card. Cards without one are placed by the automatic layout.
/// `row_counts` holds the number of rows of each service's card.
pub fn all_placed(scenario: &Scenario, row_counts: &[usize]) -> Scenario {
    let mut result = scenario.clone();
    for node in Scene::new(scenario, Layout::Free, row_counts, &BTreeMap::new(), None).nodes {
        place(&mut result, &node.id, [node.rect.x.round() as i32, node.rect.y.round() as i32]);
    }
    result
}

/// Returns the drawing with the automatic layout: senders are left of their receivers.
pub fn tidied(scenario: &Scenario, row_counts: &[usize]) -> Scenario {
    let mut unplaced = scenario.clone();
    unplaced.services.iter_mut().for_each(|node| node.position = None);
    unplaced.buses.iter_mut().for_each(|node| node.position = None);
    unplaced.clients.iter_mut().for_each(|node| node.position = None);
    all_placed(&unplaced, row_counts)
}

/// Returns the drawing with a node added, and its id. A client asks the service `target`, or else the first one.
pub fn added(
    scenario: &Scenario,
    kind: NodeKind,
    at: [i32; 2],
    target: Option<&str>,
) -> Result<(Scenario, String), String> {
    let mut scenario = scenario.clone();
    let (stem, word) = match kind {
        NodeKind::Service => ("service", "Service"),
        NodeKind::Bus => ("bus", "Bus"),
        NodeKind::Client => ("client", "Client"),
        NodeKind::Group => ("group", "Group"),
    };
    let mut n = 1;
    while self::kind(&scenario, &format!("{stem}-{n}")).is_some() {
        n += 1;
    }
    let (id, name, position) = (format!("{stem}-{n}"), format!("{word} {n}"), Some(at));
    match kind {
        NodeKind::Service => {
            let data = BTreeMap::from([(NEW_KEY.to_string(), Value::Int(1))]);
            scenario.services.push(Service { id: id.clone(), name, position, data, ..Service::default() });
        }
        NodeKind::Bus => scenario.buses.push(Bus { id: id.clone(), name, position, ..Bus::default() }),
        NodeKind::Client => {
            let first = || scenario.services.first().map(|service| service.id.clone());
            let target =
                target.map(str::to_string).or_else(first).ok_or(text!("A client needs a service. Add one first."))?;
            let target = group_of(&scenario, &target).map_or(target, |group| scenario.groups[group].id.clone());
            add_client_links(&mut scenario, &id, &target);
            scenario.clients.push(Client { id: id.clone(), name, position, target, ..Client::default() });
        }
        NodeKind::Group => {
            let mut members = Vec::new();
            for (dx, dy) in [(0, 0), (280, 0), (140, 180)] {
                let (with, member) = added(&scenario, NodeKind::Service, [at[0] + dx, at[1] + dy], None)?;
                scenario = with;
                if let Some(service) = scenario.services.last_mut() {
                    service.name = format!("Replica {}", members.len() + 1);
                }
                members.push(member);
            }
            for (from, to) in [(0, 1), (0, 2), (1, 2)] {
                add_visible_latency(&mut scenario, &members[from], &members[to]);
            }
            let protocol = Protocol::Quorum(Quorum { read: 2, write: 2, ..Quorum::default() });
            scenario.groups.push(Group { id: id.clone(), name, members, protocol, ..Group::default() });
        }
    }
    Ok((validated(scenario)?, id))
}

/// Gives a new link a latency that is visible at normal speed, unless the drawing sets one: for this link, or by regions.
fn add_visible_latency(scenario: &mut Scenario, from: &str, to: &str) {
    let has_link = scenario.links.iter().any(|link| link.from == from && link.to == to);
    let is_placed = |id: &str| scenario.regions.iter().any(|region| region.nodes.iter().any(|node| node == id));
    if !(has_link || is_placed(from) && is_placed(to)) {
        let latency = Some(Latency::Uniform { low_ms: NEW_LATENCY_MS.0, high_ms: NEW_LATENCY_MS.1 });
        scenario.links.push(Link { from: from.into(), to: to.into(), latency, ..Link::default() });
    }
}

/// Gives the links of a client to its target, a service or all members of a group, a latency that is visible.
fn add_client_links(scenario: &mut Scenario, client: &str, target: &str) {
    let group = scenario.groups.iter().find(|group| group.id == target);
    for to in group.map_or_else(|| vec![target.to_string()], |group| group.members.clone()) {
        add_visible_latency(scenario, client, &to);
    }
}

/// Returns the drawing with two nodes connected in the way that fits their kinds.
pub fn connected(scenario: &Scenario, from: &str, to: &str) -> Changed {
    let (Some(a), Some(b)) = (kind(scenario, from), kind(scenario, to)) else {
        return Err(text!("This card no longer exists.").into());
    };
    let mut scenario = scenario.clone();
    let service = |scenario: &mut Scenario, id: &str| scenario.services.iter().position(|service| service.id == id);
    let gone = text!("This card no longer exists.");
    match (a, b) {
        (NodeKind::Service, NodeKind::Bus) => {
            let i = service(&mut scenario, from).ok_or(gone)?;
            let publishes = &mut scenario.services[i].publishes;
            if publishes.iter().any(|publication| publication.to == to) {
                return Err(text!("This service already publishes to this bus.").into());
            }
            publishes.push(Publication { to: to.into(), ..Publication::default() });
            add_visible_latency(&mut scenario, from, to);
        }
        (NodeKind::Bus, NodeKind::Service) => {
            let i = service(&mut scenario, to).ok_or(gone)?;
            let subscribes = &mut scenario.services[i].subscribes;
            if subscribes.iter().any(|subscription| subscription.to == from) {
                return Err(text!("This service already subscribes to this bus.").into());
            }
            subscribes.push(Subscription { to: from.into(), ..Subscription::default() });
            add_visible_latency(&mut scenario, from, to);
        }
        (NodeKind::Service, NodeKind::Service) if group_of(&scenario, from) != group_of(&scenario, to) => {
            // A service that is connected to a member joins the member's group.
            match (group_of(&scenario, from), group_of(&scenario, to)) {
                (Some(i), None) => scenario.groups[i].members.push(to.into()),
                (None, Some(i)) => scenario.groups[i].members.push(from.into()),
                (Some(_), Some(_)) | (None, None) => {
                    return Err(text!("These services are members of different groups.").into());
                }
            }
        }
        (NodeKind::Service, NodeKind::Service) if group_of(&scenario, from).is_some() => {
            return Err(text!("Members of a group are already connected.").into());
        }
        (NodeKind::Service, NodeKind::Service) => {
            let i = service(&mut scenario, from).ok_or(gone)?;
            let calls = &mut scenario.services[i].calls;
            if calls.iter().any(|call| call.to == to) {
                return Err(text!("This service already calls that service.").into());
            }
            calls.push(Call { to: to.into(), timeout_ms: NEW_TIMEOUT_MS, operation: None });
            add_visible_latency(&mut scenario, from, to);
        }
        (NodeKind::Client, NodeKind::Service) => {
            let target = group_of(&scenario, to).map_or(to, |i| &scenario.groups[i].id).to_string();
            let client = scenario.clients.iter_mut().find(|client| client.id == from).ok_or(gone)?;
            client.target = target.clone();
            client.reads_from = None;
            add_client_links(&mut scenario, from, &target);
        }
        (NodeKind::Group, _) | (_, NodeKind::Group) => {
            return Err(text!("Connect to a member of the group instead.").into());
        }
        (NodeKind::Client, NodeKind::Bus | NodeKind::Client) => {
            return Err(text!("A client asks services. Connect it to a service.").into());
        }
        (NodeKind::Bus, NodeKind::Bus) => {
            return Err(text!("A bus delivers to services. Put a service between the buses.").into());
        }
        (NodeKind::Service | NodeKind::Bus, NodeKind::Client) => {
            return Err(text!("Clients only receive replies. Draw from the client to a service.").into());
        }
    }
    validated(scenario)
}

/// Returns the drawing without these items, and without everything that refers to them.
pub fn removed<'a>(scenario: &Scenario, items: impl Iterator<Item = &'a CanvasItem>) -> Changed {
    let mut scenario = scenario.clone();
    for item in items {
        match item {
            CanvasItem::Node(id) => remove_node(&mut scenario, id),
            CanvasItem::Link { from, to } => remove_link(&mut scenario, from, to)?,
        }
    }
    let about = scenario.clone();
    scenario.invariants.retain(|text| Invariant::parse(text, &about).is_ok());
    scenario.fit_branches();
    validated(scenario)
}

/// Returns the index of the group that a service is a member of.
pub fn group_of(scenario: &Scenario, id: &str) -> Option<usize> {
    scenario.groups.iter().position(|group| group.members.iter().any(|member| member == id))
}

/// Removes a member from its group and lowers quorums that are too large. A group without members is removed; its id is
/// returned.
fn leave_group(scenario: &mut Scenario, id: &str) -> Option<String> {
    let i = group_of(scenario, id)?;
    let group = &mut scenario.groups[i];
    group.members.retain(|member| member != id);
    let members = group.members.len() as u32;
    match &mut group.protocol {
        Protocol::Quorum(quorum) => {
            quorum.replicas = quorum.replicas.map(|n| n.min(members));
            let replicas = quorum.replicas.unwrap_or(members);
            (quorum.read, quorum.write) = (quorum.read.min(replicas), quorum.write.min(replicas));
        }
        Protocol::Primary(primary) => {
            primary.acknowledgements = primary.acknowledgements.min(members.saturating_sub(1))
        }
        Protocol::Raft(_) | Protocol::Chain | Protocol::TwoPhase(_) | Protocol::Gossip(_) => {}
    }
    (members == 0).then(|| scenario.groups.remove(i).id)
}

fn remove_node(scenario: &mut Scenario, id: &str) {
    if let Some(group) = leave_group(scenario, id) {
        remove_node(scenario, &group);
    }
    scenario.groups.retain(|group| group.id != id);
    for region in &mut scenario.regions {
        region.nodes.retain(|node| node != id);
    }
    // A client without its service is removed too, with everything that refers to it.
    let orphans: Vec<String> =
        scenario.clients.iter().filter(|client| client.target == id).map(|client| client.id.clone()).collect();
    scenario.services.retain(|service| service.id != id);
    scenario.buses.retain(|bus| bus.id != id);
    scenario.clients.retain(|client| client.id != id && client.target != id);
    for service in &mut scenario.services {
        service.publishes.retain(|publication| publication.to != id);
        service.subscribes.retain(|subscription| subscription.to != id);
        service.calls.retain(|call| call.to != id);
    }
    for client in &mut scenario.clients {
        if client.reads_from.as_deref() == Some(id) {
            client.reads_from = None;
        }
    }
    let gone = |name: &String| name == id || orphans.contains(name);
    scenario.links.retain(|link| !gone(&link.from) && !gone(&link.to));
    scenario.script.retain(|step| !names_of(&step.command).into_iter().any(&gone));
    scenario.promises.retain(|promise| match promise {
        Promise::Stale { service, .. }
        | Promise::Diverged { service, .. }
        | Promise::Conflicted { service, .. }
        | Promise::Consistent { service, .. } => !gone(service),
        Promise::Converged | Promise::AllOperationsOk | Promise::NoStaleReads | Promise::LostUpdates { .. } => true,
    });
}

/// Returns the nodes that a command refers to.
fn names_of(command: &Command) -> Vec<&String> {
    match command {
        Command::Operate { service, .. }
        | Command::Crash { service, .. }
        | Command::Restart { service }
        | Command::SlowDown { service, .. }
        | Command::SetClock { service, .. }
        | Command::JumpClock { service, .. } => vec![service],
        Command::CutLink { from, to, .. }
        | Command::HealLink { from, to, .. }
        | Command::DisturbLink { from, to, .. } => {
            vec![from, to]
        }
        Command::Partition { groups } => groups.iter().flatten().collect(),
        Command::Pause { node } | Command::Resume { node } => vec![node],
        Command::StopBus { bus, .. }
        | Command::StartBus { bus }
        | Command::StopBroker { bus, .. }
        | Command::StartBroker { bus, .. }
        | Command::Rebalance { bus } => vec![bus],
        Command::Redrive { bus, service } | Command::Purge { bus, service } => vec![bus, service],
        Command::HealAll => Vec::new(),
    }
}

fn remove_link(scenario: &mut Scenario, from: &str, to: &str) -> Result<(), String> {
    if let Some(client) = scenario.clients.iter_mut().find(|client| client.id == from) {
        if client.target == to {
            return Err(text!("A client needs a service. Connect it to another service instead.").into());
        }
        client.reads_from = None;
    }
    for service in &mut scenario.services {
        if service.id == from {
            service.publishes.retain(|publication| publication.to != to);
            service.calls.retain(|call| call.to != to);
        }
        if service.id == to {
            service.subscribes.retain(|subscription| subscription.to != from);
        }
    }
    let ends = |a: &str, b: &str| (a == from && b == to) || (a == to && b == from);
    scenario.links.retain(|link| !ends(&link.from, &link.to));
    scenario.script.retain(|step| {
        let (Command::CutLink { from, to, .. }
        | Command::HealLink { from, to, .. }
        | Command::DisturbLink { from, to, .. }) = &step.command
        else {
            return true;
        };
        !ends(from, to)
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::examples::EXAMPLES;

    fn example(id: &str) -> Scenario {
        crate::scenario::examples::find(id).expect("the example").scenario()
    }

    #[test]
    fn removing_any_card_of_any_example_leaves_a_valid_drawing() {
        for example in EXAMPLES {
            let scenario = example.scenario();
            let services = scenario.services.iter().map(|service| &service.id);
            let all = services
                .chain(scenario.buses.iter().map(|bus| &bus.id))
                .chain(scenario.clients.iter().map(|client| &client.id));
            for id in all {
                let items = [CanvasItem::Node(id.clone())];
                let after = removed(&scenario, items.iter()).unwrap_or_else(|why| panic!("{} {id}: {why}", example.id));
                assert_eq!(kind(&after, id), None);
            }
        }
    }

    #[test]
    fn a_new_service_can_be_connected_and_removed() {
        let before = example("first-update");
        let (scenario, id) = added(&before, NodeKind::Service, [700, 400], None).expect("valid");
        let scenario = connected(&scenario, "stock_updated", &id).expect("valid");
        assert!(connected(&scenario, "stock_updated", &id).is_err(), "twice");
        let link = [CanvasItem::Link { from: "stock_updated".into(), to: id.clone() }];
        assert!(removed(&scenario, link.iter()).expect("valid").services[2].subscribes.is_empty());
        assert_eq!(removed(&scenario, [CanvasItem::Node(id)].iter()).expect("valid"), before);
    }

    #[test]
    fn messages_of_a_new_group_and_its_client_are_visible_at_normal_speed() {
        let (scenario, group) = added(&Scenario::default(), NodeKind::Group, [0, 0], None).expect("valid");
        assert!(scenario.services.iter().all(|service| service.data.len() == 1), "every replica has a row of data");
        let member = scenario.groups[0].members[0].clone();
        let (scenario, client) = added(&scenario, NodeKind::Client, [0, 300], Some(&member)).expect("valid");
        assert_eq!(scenario.clients[0].target, group);
        let ends: Vec<&str> = scenario.links.iter().flat_map(|link| [&*link.from, &*link.to]).collect();
        assert_eq!((ends.len(), ends.iter().filter(|end| **end == client).count()), (12, 3));
        assert!(scenario.links.iter().all(|link| matches!(link.latency, Some(Latency::Uniform { .. }))));
    }

    #[test]
    fn an_impossible_connection_is_refused_with_the_reason() {
        let scenario = example("inventory-notification");
        assert_eq!(
            connected(&scenario, "warehouse", "stock_updated"),
            Err("A client asks services. Connect it to a service.".into())
        );
        assert!(connected(&scenario, "inventory", "warehouse").is_err());
    }

    #[test]
    fn an_empty_name_removes_the_name() {
        let scenario = example("first-update");
        assert_eq!(renamed(&scenario, "inventory", " ").expect("valid").services[0].name, "");
    }
}
