//! The commands for the selected item: the fault palette of the inspector and the context menu.

use super::canvas_item::CanvasItem;
use crate::scenario::{Command, Latency, Scenario};
use crate::session::protocol::{BusView, CopyState, FaultKind, ServiceView};
use crate::text;

/// The condition of an item, which determines the commands that are offered for it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ItemCondition {
    /// Whether the service is down.
    pub down: bool,
    /// Whether the link is cut, in one direction at least.
    pub cut: bool,
    /// Whether the link is disturbed, in one direction at least.
    pub disturbed: bool,
    /// The active faults of the node.
    pub active_faults: Vec<FaultKind>,
}

/// A fault that the buttons above a card inject and end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardFault {
    /// Crash a service or stop a bus; restart or start it if it is down.
    Crash,
    /// Freeze a node, or unfreeze it.
    Freeze,
    /// Heal all faults of a node and of its links.
    Heal,
}

impl ItemCondition {
    /// The condition of a service.
    pub fn of(view: Option<&ServiceView>) -> ItemCondition {
        ItemCondition { down: view.is_some_and(|view| view.state == CopyState::Down), ..ItemCondition::default() }
    }

    fn has(&self, fault: FaultKind) -> bool {
        self.active_faults.contains(&fault)
    }
}

/// Returns the commands for the selected item, with the labels of their buttons.
pub fn faults(scenario: &Scenario, selected: Option<&CanvasItem>, now: &ItemCondition) -> Vec<(String, Command)> {
    match selected {
        None => vec![(text!("Heal everything").into(), Command::HealAll)],
        Some(CanvasItem::Link { from, to }) => link_commands(from, to, now),
        Some(CanvasItem::Node(id)) if scenario.services.iter().any(|service| service.id == *id) => {
            service_commands(id, now)
        }
        Some(CanvasItem::Node(id)) if scenario.buses.iter().any(|bus| bus.id == *id) => bus_commands(scenario, id, now),
        // Faults are injected into the members of a group.
        Some(CanvasItem::Node(id)) if scenario.groups.iter().any(|group| group.id == *id) => Vec::new(),
        Some(CanvasItem::Node(id)) => pause_command(id, now),
    }
}

/// Returns the commands for the dead letters of a bus, for each consumer that has any.
pub fn dead_letters(scenario: &Scenario, bus: &str, view: &BusView) -> Vec<(String, Command)> {
    let with_dead = view.subscriptions.iter().filter(|subscription| subscription.dead > 0);
    let services = with_dead.filter_map(|subscription| scenario.services.get(subscription.service.index()));
    let both = services.flat_map(|to| {
        let (bus, service) = (bus.to_string(), to.id.clone());
        let name = if to.name.is_empty() { &to.id } else { &to.name };
        [
            (
                text!("Redrive dead letters for {}", name),
                Command::Redrive { bus: bus.clone(), service: service.clone() },
            ),
            (text!("Purge dead letters for {}", name), Command::Purge { bus, service }),
        ]
    });
    both.collect()
}

/// Returns the command of a fault button of a card, with its label; none if the fault does not concern this kind of node.
/// Healing takes several commands: see [`healing`].
pub fn card_fault(scenario: &Scenario, id: &str, fault: CardFault, now: &ItemCondition) -> Option<(String, Command)> {
    let item = CanvasItem::Node(id.into());
    match fault {
        CardFault::Crash if scenario.clients.iter().any(|client| client.id == *id) => None,
        CardFault::Crash => faults(scenario, Some(&item), now).into_iter().next(),
        CardFault::Freeze => pause_command(id, now).pop(),
        CardFault::Heal => None,
    }
}

/// Returns the commands that end the faults of a node, apart from those of its links.
pub fn healing(id: &str, now: &ItemCondition) -> Vec<Command> {
    let node = || id.to_string();
    let restart = now.down.then(|| Command::Restart { service: node() });
    let of_fault = |fault: &FaultKind| match fault {
        FaultKind::Paused => Some(Command::Resume { node: node() }),
        FaultKind::Slowed { .. } => Some(Command::SlowDown { service: node(), factor: 1.0 }),
        FaultKind::BusStopped => Some(Command::StartBus { bus: node() }),
        FaultKind::BrokerDown { broker } => Some(Command::StartBroker { bus: node(), broker: Some(*broker) }),
        FaultKind::ClockOff { .. } => Some(Command::SetClock { service: node(), offset_ms: 0.0, drift_ppm: 0.0 }),
        FaultKind::Disturbed | FaultKind::OutOfGroup | FaultKind::OutOfSync { .. } => None,
    };
    restart.into_iter().chain(now.active_faults.iter().filter_map(of_fault)).collect()
}

/// Returns the command that freezes or unfreezes a node.
fn pause_command(id: &str, now: &ItemCondition) -> Vec<(String, Command)> {
    let node = id.to_string();
    if now.has(FaultKind::Paused) {
        vec![(text!("Unfreeze node").into(), Command::Resume { node })]
    } else {
        vec![(text!("Freeze node").into(), Command::Pause { node })]
    }
}

fn service_commands(id: &str, now: &ItemCondition) -> Vec<(String, Command)> {
    let service = || id.to_string();
    if now.down {
        return vec![(text!("Restart").into(), Command::Restart { service: service() })];
    }
    let mut all = vec![
        (text!("Crash").into(), Command::Crash { service: service(), lose_disk: false }),
        (text!("Crash, lose disk").into(), Command::Crash { service: service(), lose_disk: true }),
    ];
    all.extend(pause_command(id, now));
    if now.active_faults.iter().any(|fault| matches!(fault, FaultKind::Slowed { .. })) {
        all.push((text!("Restore the speed").into(), Command::SlowDown { service: service(), factor: 1.0 }));
    } else {
        all.push((text!("Slow down 10 ×").into(), Command::SlowDown { service: service(), factor: 10.0 }));
    }
    all.push((text!("Set the clock back 1 s").into(), Command::JumpClock { service: service(), by_ms: -1000.0 }));
    all
}

fn bus_commands(scenario: &Scenario, id: &str, now: &ItemCondition) -> Vec<(String, Command)> {
    let bus = || id.to_string();
    let mut all = if now.has(FaultKind::BusStopped) {
        vec![(text!("Start the bus").to_string(), Command::StartBus { bus: bus() })]
    } else {
        vec![
            (text!("Stop the bus").to_string(), Command::StopBus { bus: bus(), lose_unflushed: false }),
            (text!("Stop the bus, lose unflushed").to_string(), Command::StopBus { bus: bus(), lose_unflushed: true }),
        ]
    };
    all.extend(broker_commands(scenario, id, now));
    all.extend(pause_command(id, now));
    if scenario
        .services
        .iter()
        .flat_map(|service| &service.subscribes)
        .any(|subscription| subscription.to == id && subscription.order == crate::scenario::Order::Log)
    {
        all.push((text!("Rebalance").into(), Command::Rebalance { bus: bus() }));
    }
    all
}

/// Returns the commands for the brokers of a replicated bus.
fn broker_commands(scenario: &Scenario, id: &str, now: &ItemCondition) -> Vec<(String, Command)> {
    let bus = || id.to_string();
    let replicas = scenario.buses.iter().find(|bus| bus.id == id).and_then(|bus| bus.replication.as_ref());
    let Some(replicas) = replicas.map(|replication| replication.replicas) else { return Vec::new() };
    let lost = Command::StopBroker { bus: bus(), broker: None, lose_disk: true };
    let commands = (1..=replicas).map(|number| {
        let broker = Some(number);
        if now.has(FaultKind::BrokerDown { broker: number }) {
            (text!("Start broker {}", number), Command::StartBroker { bus: bus(), broker })
        } else {
            (text!("Stop broker {}", number), Command::StopBroker { bus: bus(), broker, lose_disk: false })
        }
    });
    commands.chain([(text!("Stop the leader, lose its disk").to_string(), lost)]).collect()
}

fn link_commands(from: &str, to: &str, now: &ItemCondition) -> Vec<(String, Command)> {
    let ends = || (from.to_string(), to.to_string());
    let cut = |from: &str, to: &str, one_way| Command::CutLink { from: from.into(), to: to.into(), one_way };
    let disturb = |loss: f64, duplicate: f64, reorder: f64, delay_ms: f64| {
        let (from, to) = ends();
        let delay = (delay_ms > 0.0).then_some(Latency::Constant { ms: delay_ms });
        Command::DisturbLink { from, to, one_way: false, loss, duplicate, delay, reorder }
    };
    let mut all = Vec::new();
    if now.cut || now.disturbed {
        let (from, to) = ends();
        all.push((text!("Heal").to_string(), Command::HealLink { from, to, one_way: false }));
    }
    if !now.cut {
        all.extend([
            (text!("Cut").to_string(), cut(from, to, false)),
            (text!("Cut only {} → {}", from, to), cut(from, to, true)),
            (text!("Cut only {} → {}", to, from), cut(to, from, true)),
            (text!("Lose half").to_string(), disturb(0.5, 0.0, 0.0, 0.0)),
            (text!("Duplicate half").to_string(), disturb(0.0, 0.5, 0.0, 0.0)),
            (text!("Reorder half").to_string(), disturb(0.0, 0.0, 0.5, 0.0)),
            (text!("Delay by 1 s").to_string(), disturb(0.0, 0.0, 0.0, 1000.0)),
        ]);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::examples::EXAMPLES;
    use crate::session::Session;
    use crate::session::protocol::{Report, Request, ToEngine};

    #[test]
    fn the_running_system_accepts_every_offered_command() {
        for example in EXAMPLES {
            let scenario = example.scenario();
            let services = scenario.services.iter().map(|node| CanvasItem::Node(node.id.clone()));
            let buses = scenario.buses.iter().map(|node| CanvasItem::Node(node.id.clone()));
            let links =
                scenario.links.iter().map(|link| CanvasItem::Link { from: link.from.clone(), to: link.to.clone() });
            let items: Vec<Option<CanvasItem>> = services.chain(buses).chain(links).map(Some).chain([None]).collect();
            let conditions = [
                ItemCondition::default(),
                ItemCondition {
                    down: true,
                    cut: true,
                    disturbed: true,
                    active_faults: vec![
                        FaultKind::Paused,
                        FaultKind::Slowed { permille: 10_000 },
                        FaultKind::BusStopped,
                    ],
                },
            ];
            let mut session = Session::default();
            let load = Request::Load { scenario: Box::new(scenario.clone()), at: 0 };
            session.handle(ToEngine { epoch: 1, request: load });
            for item in &items {
                for (label, command) in conditions.iter().flat_map(|now| faults(&scenario, item.as_ref(), now)) {
                    let answer = session.handle(ToEngine { epoch: 1, request: Request::Act { command } });
                    let refused = matches!(answer.report, Report::Refused { .. });
                    assert!(!refused, "{}: {item:?}: {label}", example.id);
                }
            }
        }
    }
}
