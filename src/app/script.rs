//! The script on the timeline: texts of its steps, and the drawing with a step added, moved or removed.

use super::edit::validated;
use crate::scenario::{Command, Micros, Scenario, Step};

/// Describes a command in a few words: `cut a – b`.
pub fn describe(command: &Command) -> String {
    match command {
        Command::Operate { service, operation, poison } => {
            let poison = if *poison { ", poisoned" } else { "" };
            format!("{} at {service}{poison}", operation.key())
        }
        Command::CutLink { from, to, one_way: false } => format!("cut {from} – {to}"),
        Command::CutLink { from, to, one_way: true } => format!("cut {from} → {to}"),
        Command::HealLink { from, to, .. } => format!("heal {from} – {to}"),
        Command::DisturbLink { from, to, .. } => format!("disturb {from} – {to}"),
        Command::Partition { groups } => {
            let lists: Vec<String> = groups.iter().map(|group| group.join(", ")).collect();
            format!("partition {}", lists.join(" | "))
        }
        Command::Crash { service, lose_disk: false } => format!("crash {service}"),
        Command::Crash { service, lose_disk: true } => format!("crash {service}, lose its disk"),
        Command::Restart { service } => format!("restart {service}"),
        Command::Pause { node } => format!("pause {node}"),
        Command::Resume { node } => format!("resume {node}"),
        Command::SlowDown { service, factor } => format!("slow down {service} {factor} ×"),
        Command::SetClock { service, .. } => format!("set the clock of {service}"),
        Command::JumpClock { service, by_ms } => format!("jump the clock of {service} by {by_ms} ms"),
        Command::StopBus { bus, lose_unflushed: false } => format!("stop {bus}"),
        Command::StopBus { bus, lose_unflushed: true } => format!("stop {bus}, lose unflushed events"),
        Command::StartBus { bus } => format!("start {bus}"),
        Command::StopBroker { bus, broker, lose_disk } => {
            let disk = if *lose_disk { ", lose its disk" } else { "" };
            format!("stop {} of {bus}{disk}", broker.map_or("the leader".into(), |number| format!("broker {number}")))
        }
        Command::StartBroker { bus, broker: Some(number) } => format!("start broker {number} of {bus}"),
        Command::StartBroker { bus, broker: None } => format!("start the brokers of {bus}"),
        Command::Rebalance { bus } => format!("rebalance {bus}"),
        Command::Redrive { bus, service } => format!("redrive {bus} for {service}"),
        Command::Purge { bus, service } => format!("purge {bus} for {service}"),
        Command::HealAll => "heal everything".into(),
    }
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
/// There is no such step.
pub fn moved(scenario: &Scenario, step: usize, to: Micros) -> Result<Scenario, String> {
    let mut scenario = scenario.clone();
    let until = scenario.until_ms;
    let step = scenario.script.get_mut(step).ok_or("There is no such step.")?;
    step.at_ms = ms(to).min(until);
    validated(scenario)
}

/// Returns the drawing without a step.
///
/// # Errors
/// There is no such step.
pub fn removed(scenario: &Scenario, step: usize) -> Result<Scenario, String> {
    let mut scenario = scenario.clone();
    if step >= scenario.script.len() {
        return Err("There is no such step.".into());
    }
    scenario.script.remove(step);
    validated(scenario)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::examples::find;

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
}
