//! The script on the timeline: texts of its steps, and the drawing with a step added, moved or removed.

use super::drawing;
use super::edit::validated;
use crate::language::decimal;
use crate::scenario::{Command, Micros, Operation, Scenario, Step};
use crate::text;

/// What a command does to the running system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandKind {
    /// It reads or changes data, or moves or discards events.
    Operation,
    /// It disturbs the system.
    Fault,
    /// It ends faults.
    Repair,
}

/// Returns what a command does to the running system.
pub fn kind(command: &Command) -> CommandKind {
    match command {
        Command::Operate { .. } | Command::Redrive { .. } | Command::Purge { .. } => CommandKind::Operation,
        Command::HealLink { .. }
        | Command::Restart { .. }
        | Command::Resume { .. }
        | Command::StartBus { .. }
        | Command::StartBroker { .. }
        | Command::HealAll => CommandKind::Repair,
        Command::SlowDown { factor, .. } if *factor == 1.0 => CommandKind::Repair,
        Command::SetClock { offset_ms, drift_ppm, .. } if *offset_ms == 0.0 && *drift_ppm == 0.0 => CommandKind::Repair,
        Command::CutLink { .. }
        | Command::DisturbLink { .. }
        | Command::Partition { .. }
        | Command::Crash { .. }
        | Command::Pause { .. }
        | Command::SlowDown { .. }
        | Command::SetClock { .. }
        | Command::JumpClock { .. }
        | Command::StopBus { .. }
        | Command::StopBroker { .. }
        | Command::Rebalance { .. } => CommandKind::Fault,
    }
}

/// Describes an operation in a few words: `write widget`.
fn describe_operation(operation: &Operation) -> String {
    let key = operation.key();
    match operation {
        Operation::Read { .. } => text!("read {}", key),
        Operation::Write { .. } => text!("write {}", key),
        Operation::Add { .. } => text!("add to {}", key),
        Operation::Remove { .. } | Operation::RemoveAt { .. } => text!("remove from {}", key),
        Operation::Put { field, .. } => text!("put {} into {}", field, key),
        Operation::Insert { .. } => text!("insert into {}", key),
        Operation::Increment { by, .. } => text!("add {} to {}", by, key),
        Operation::Delete { .. } => text!("delete {}", key),
        Operation::CompareAndSet { .. } => text!("compare and set {}", key),
    }
}

/// Describes a command in a few words: `cut Inventory – Event bus`.
pub fn describe(scenario: &Scenario, command: &Command) -> String {
    let name = |id: &str| drawing::name(scenario, id).to_string();
    match command {
        Command::Operate { service, operation, poison } => {
            let operation = describe_operation(operation);
            if *poison {
                text!("{} at {}, poisoned", operation, name(service))
            } else {
                text!("{} at {}", operation, name(service))
            }
        }
        Command::CutLink { from, to, one_way: false } => text!("cut {} – {}", name(from), name(to)),
        Command::CutLink { from, to, one_way: true } => text!("cut {} → {}", name(from), name(to)),
        Command::HealLink { from, to, .. } => text!("heal {} – {}", name(from), name(to)),
        Command::DisturbLink { from, to, .. } => text!("disturb {} – {}", name(from), name(to)),
        Command::Partition { groups } => {
            let lists: Vec<String> =
                groups.iter().map(|group| group.iter().map(|id| name(id)).collect::<Vec<_>>().join(", ")).collect();
            text!("partition {}", lists.join(" | "))
        }
        Command::Crash { service, lose_disk: false } => text!("crash {}", name(service)),
        Command::Crash { service, lose_disk: true } => text!("crash {}, lose its disk", name(service)),
        Command::Restart { service } => text!("restart {}", name(service)),
        Command::Pause { node } => text!("freeze {}", name(node)),
        Command::Resume { node } => text!("unfreeze {}", name(node)),
        Command::SlowDown { service, factor } => text!("slow down {} {} ×", name(service), factor),
        Command::SetClock { service, .. } => text!("set the clock of {}", name(service)),
        Command::JumpClock { service, by_ms } => text!("jump the clock of {} by {} ms", name(service), by_ms),
        Command::StopBus { bus, lose_unflushed: false } => text!("stop {}", name(bus)),
        Command::StopBus { bus, lose_unflushed: true } => text!("stop {}, lose unflushed events", name(bus)),
        Command::StartBus { bus } => text!("start {}", name(bus)),
        Command::StopBroker { bus, broker: Some(number), lose_disk: false } => {
            text!("stop broker {} of {}", number, name(bus))
        }
        Command::StopBroker { bus, broker: Some(number), lose_disk: true } => {
            text!("stop broker {} of {}, lose its disk", number, name(bus))
        }
        Command::StopBroker { bus, broker: None, lose_disk: false } => text!("stop the leader of {}", name(bus)),
        Command::StopBroker { bus, broker: None, lose_disk: true } => {
            text!("stop the leader of {}, lose its disk", name(bus))
        }
        Command::StartBroker { bus, broker: Some(number) } => text!("start broker {} of {}", number, name(bus)),
        Command::StartBroker { bus, broker: None } => text!("start the brokers of {}", name(bus)),
        Command::Rebalance { bus } => text!("rebalance {}", name(bus)),
        Command::Redrive { bus, service } => text!("redrive {} for {}", name(bus), name(service)),
        Command::Purge { bus, service } => text!("purge {} for {}", name(bus), name(service)),
        Command::HealAll => text!("heal everything").into(),
    }
}

/// Describes a step with its time: `1.4 s: cut Inventory – Event bus`.
pub fn described_step(scenario: &Scenario, step: usize) -> String {
    let Step { at_ms, command } = &scenario.script[step];
    format!("{} s: {}", seconds(*at_ms), describe(scenario, command))
}

/// Formats a time in ms as seconds with at most three decimals, without the unit: `1.4`.
pub fn seconds(ms: f64) -> String {
    decimal(ms.round() / 1000.0)
}

/// Rounds to whole milliseconds.
fn ms(at: Micros) -> f64 {
    (at as f64 / 1000.0).round()
}

/// Returns the drawing with a step added.
///
/// # Errors
/// Why the drawing would be invalid.
pub fn added(scenario: &Scenario, at: Micros, command: Command) -> Result<Scenario, String> {
    let mut scenario = scenario.clone();
    scenario.script.push(Step { at_ms: ms(at), command });
    validated(scenario)
}

/// Returns the drawing with a step moved to another time within the run.
///
/// # Errors
/// The step does not exist.
pub fn moved(scenario: &Scenario, step: usize, to: Micros) -> Result<Scenario, String> {
    let mut scenario = scenario.clone();
    let until = scenario.until_ms;
    let step = scenario.script.get_mut(step).ok_or(text!("This step does not exist."))?;
    step.at_ms = ms(to).min(until);
    validated(scenario)
}

/// Returns the drawing without a step.
///
/// # Errors
/// The step does not exist.
pub fn removed(scenario: &Scenario, step: usize) -> Result<Scenario, String> {
    let mut scenario = scenario.clone();
    if step >= scenario.script.len() {
        return Err(text!("This step does not exist.").into());
    }
    scenario.script.remove(step);
    validated(scenario)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::examples::find;

    #[test]
    fn a_step_of_a_write_is_no_fault_and_states_what_happens() {
        let operate = |operation: &str, poison: bool| {
            let operation = serde_json::from_str(operation).expect("an operation");
            Command::Operate { service: "inventory".into(), operation, poison }
        };
        let write = r#"{ "write": { "key": "widget", "value": 7 } }"#;
        let step = |command| Step { at_ms: 100.0, command };
        let script = vec![step(operate(write, false)), step(operate(write, true))];
        let scenario = Scenario { script, ..Scenario::default() };
        assert_eq!(described_step(&scenario, 0), "0.1 s: write widget at inventory");
        assert_eq!(described_step(&scenario, 1), "0.1 s: write widget at inventory, poisoned");
        assert_eq!(kind(&scenario.script[0].command), CommandKind::Operation);
        for (operation, described) in [
            (r#"{ "read": { "key": "k" } }"#, "read k"),
            (r#"{ "add": { "key": "k", "element": 1 } }"#, "add to k"),
            (r#"{ "remove": { "key": "k", "element": 1 } }"#, "remove from k"),
            (r#"{ "put": { "key": "k", "field": "size", "value": 1 } }"#, "put size into k"),
            (r#"{ "insert": { "key": "k", "element": 1 } }"#, "insert into k"),
            (r#"{ "increment": { "key": "k", "by": -2 } }"#, "add -2 to k"),
            (r#"{ "delete": { "key": "k" } }"#, "delete k"),
            (r#"{ "compare_and_set": { "key": "k", "expect": null, "value": 1 } }"#, "compare and set k"),
        ] {
            assert_eq!(describe(&scenario, &operate(operation, false)), format!("{described} at inventory"));
        }
    }

    #[test]
    fn a_step_shows_the_names_of_cards_and_not_their_ids() {
        let mut scenario = find("inventory-notification").expect("the example").scenario();
        scenario.services[0].name = "Stock keeping".into();
        let (from, to) = (scenario.services[0].id.clone(), scenario.buses[0].id.clone());
        scenario.buses[0].name = "The bus".into();
        let groups = vec![vec![from.clone()], vec![to.clone()]];
        for (command, expected) in [
            (Command::CutLink { from: from.clone(), to: to.clone(), one_way: false }, "cut Stock keeping – The bus"),
            (Command::Crash { service: from.clone(), lose_disk: true }, "crash Stock keeping, lose its disk"),
            (Command::Partition { groups }, "partition Stock keeping | The bus"),
            (Command::StopBroker { bus: to.clone(), broker: Some(2), lose_disk: false }, "stop broker 2 of The bus"),
            (Command::Redrive { bus: to, service: from }, "redrive The bus for Stock keeping"),
        ] {
            assert_eq!(describe(&scenario, &command), expected);
        }
    }

    #[test]
    fn what_ends_a_fault_is_no_fault() {
        let service = || "inventory".to_string();
        for (command, expected) in [
            (Command::HealAll, CommandKind::Repair),
            (Command::Restart { service: service() }, CommandKind::Repair),
            (Command::SlowDown { service: service(), factor: 1.0 }, CommandKind::Repair),
            (Command::SlowDown { service: service(), factor: 10.0 }, CommandKind::Fault),
            (Command::SetClock { service: service(), offset_ms: 0.0, drift_ppm: 0.0 }, CommandKind::Repair),
            (Command::SetClock { service: service(), offset_ms: 5.0, drift_ppm: 0.0 }, CommandKind::Fault),
            (Command::Redrive { bus: "bus".into(), service: service() }, CommandKind::Operation),
        ] {
            assert_eq!(kind(&command), expected, "{command:?}");
        }
    }

    #[test]
    fn a_step_can_be_added_moved_and_removed() {
        let scenario = find("lost-event").expect("the example").scenario();
        let crash = Command::Crash { service: "inventory".into(), lose_disk: false };
        let more = added(&scenario, 1_234_567, crash).expect("valid");
        assert_eq!(more.script.last().map(|step| step.at_ms), Some(1235.0));
        let later = moved(&more, 2, 99_000_000).expect("valid");
        assert_eq!(later.script[2].at_ms, later.until_ms);
        assert_eq!(removed(&later, 2), Ok(scenario.clone()));
        assert!(removed(&scenario, 2).is_err());
        let unknown = Command::Restart { service: "nobody".into() };
        assert!(added(&scenario, 0, unknown).expect_err("no such service").contains("nobody"));
    }

    #[test]
    fn a_time_has_at_most_three_decimals() {
        assert_eq!([316.599, 1_400.0, 0.0].map(seconds), ["0.317", "1.4", "0"]);
    }
}
