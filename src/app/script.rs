//! The script on the timeline: texts of its steps, and the drawing with a step added, moved or removed.

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

/// Describes a command in a few words: `cut a – b`.
pub fn describe(command: &Command) -> String {
    match command {
        Command::Operate { service, operation, poison } => {
            let operation = describe_operation(operation);
            if *poison {
                text!("{} at {}, poisoned", operation, service)
            } else {
                text!("{} at {}", operation, service)
            }
        }
        Command::CutLink { from, to, one_way: false } => text!("cut {} – {}", from, to),
        Command::CutLink { from, to, one_way: true } => text!("cut {} → {}", from, to),
        Command::HealLink { from, to, .. } => text!("heal {} – {}", from, to),
        Command::DisturbLink { from, to, .. } => text!("disturb {} – {}", from, to),
        Command::Partition { groups } => {
            let lists: Vec<String> = groups.iter().map(|group| group.join(", ")).collect();
            text!("partition {}", lists.join(" | "))
        }
        Command::Crash { service, lose_disk: false } => text!("crash {}", service),
        Command::Crash { service, lose_disk: true } => text!("crash {}, lose its disk", service),
        Command::Restart { service } => text!("restart {}", service),
        Command::Pause { node } => text!("freeze {}", node),
        Command::Resume { node } => text!("unfreeze {}", node),
        Command::SlowDown { service, factor } => text!("slow down {} {} ×", service, factor),
        Command::SetClock { service, .. } => text!("set the clock of {}", service),
        Command::JumpClock { service, by_ms } => text!("jump the clock of {} by {} ms", service, by_ms),
        Command::StopBus { bus, lose_unflushed: false } => text!("stop {}", bus),
        Command::StopBus { bus, lose_unflushed: true } => text!("stop {}, lose unflushed events", bus),
        Command::StartBus { bus } => text!("start {}", bus),
        Command::StopBroker { bus, broker: Some(number), lose_disk: false } => {
            text!("stop broker {} of {}", number, bus)
        }
        Command::StopBroker { bus, broker: Some(number), lose_disk: true } => {
            text!("stop broker {} of {}, lose its disk", number, bus)
        }
        Command::StopBroker { bus, broker: None, lose_disk: false } => text!("stop the leader of {}", bus),
        Command::StopBroker { bus, broker: None, lose_disk: true } => {
            text!("stop the leader of {}, lose its disk", bus)
        }
        Command::StartBroker { bus, broker: Some(number) } => text!("start broker {} of {}", number, bus),
        Command::StartBroker { bus, broker: None } => text!("start the brokers of {}", bus),
        Command::Rebalance { bus } => text!("rebalance {}", bus),
        Command::Redrive { bus, service } => text!("redrive {} for {}", bus, service),
        Command::Purge { bus, service } => text!("purge {} for {}", bus, service),
        Command::HealAll => text!("heal everything").into(),
    }
}

/// Describes a step with its time: `1.4 s: cut a – b`.
pub fn described_step(scenario: &Scenario, step: usize) -> String {
    let Step { at_ms, command } = &scenario.script[step];
    format!("{} s: {}", seconds(*at_ms), describe(command))
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
            assert_eq!(describe(&operate(operation, false)), format!("{described} at inventory"));
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
