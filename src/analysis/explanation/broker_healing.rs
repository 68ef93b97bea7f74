//! The times from which the brokers of a replicated bus elect a leader, and from which enough of them are in sync.

use crate::analysis::brokers::BusBrokers;
use crate::analysis::run_context::RunContext;
use crate::scenario::{Command, Micros, Step, micros};
use crate::trace::NodeId;

/// The times from which the brokers of a bus serve: now if they do, none if the script does not start enough of them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct BrokerHealing {
    /// The time since which one of them leads or, without a healing, is elected.
    pub led_from: Option<Micros>,
    /// The time at which one of those that are up now is elected, if none leads.
    pub elected_at: Option<Micros>,
    /// The time since which enough of them may be in sync for publications that all brokers in sync have to store.
    pub in_sync_from: Option<Micros>,
}

impl BrokerHealing {
    /// Reads the later steps of the script, and ignores those that stop nodes.
    pub fn new(run: &RunContext, bus: NodeId, brokers: &BusBrokers) -> Self {
        let id = run.names.node(bus);
        let mut steps: Vec<&Step> = run.scenario.script.iter().collect();
        steps.sort_by_key(|step| micros(step.at_ms));
        let (past, later): (Vec<&Step>, Vec<&Step>) = steps.into_iter().partition(|step| micros(step.at_ms) <= run.now);
        let mut is_stopped = is_stopped(&past, id, brokers);
        let mut up = brokers.up;
        // The brokers in sync include stopped ones whose sessions are not over.
        let is_enough = |up: u32| up.count_ones() >= brokers.min_insync();
        let can_elect = !is_stopped && !brokers.is_led() && brokers.can_elect(up);
        let mut healing = BrokerHealing {
            elected_at: can_elect.then(|| brokers.leads_from(run.now, up)),
            led_from: (!is_stopped && (brokers.is_led() || brokers.can_elect(up))).then_some(run.now),
            in_sync_from: (is_enough(up) || !is_stopped && brokers.is_led() && is_enough(brokers.in_sync))
                .then_some(run.now),
        };
        for step in later {
            match &step.command {
                Command::StartBus { bus } if bus == id => is_stopped = false,
                Command::StartBroker { bus, broker } if bus == id => up |= brokers.started_by(*broker),
                Command::HealAll => (is_stopped, up) = (false, brokers.all()),
                _ => continue,
            }
            let at = Some(micros(step.at_ms));
            let led = at.filter(|_| !is_stopped && brokers.can_elect(up)).map(|at| brokers.leads_from(at, up));
            healing.led_from = healing.led_from.or(led);
            let in_sync = |at: &Micros| !is_stopped && brokers.is_led() && is_enough(brokers.in_sync_at(*at));
            healing.in_sync_from = healing.in_sync_from.or(at.filter(|at| is_enough(up) || in_sync(at)));
        }
        healing
    }
}

/// Returns whether a command stopped a bus, and none has started it since. The start of a bus without a leader is not in the
/// trace.
fn is_stopped(past: &[&Step], id: &str, brokers: &BusBrokers) -> bool {
    let Some(stopped_at) = brokers.stopped_at else { return false };
    let starts = |command: &Command| match command {
        Command::StartBus { bus } => bus == id,
        command => *command == Command::HealAll,
    };
    let stops = |step: &&&Step| {
        micros(step.at_ms) == stopped_at && matches!(&step.command, Command::StopBus { bus, .. } if bus == id)
    };
    let since = past.iter().rposition(|step| stops(&step)).unwrap_or(0);
    !past[since..].iter().any(|step| micros(step.at_ms) >= stopped_at && starts(&step.command))
}
