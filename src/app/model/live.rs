//! Commands to the running system: the next update of the publish button, and faults.

use super::{Effect, Model};
use crate::app::{drawing, script};
use crate::scenario::Command;

/// Acts on the running system. Each message becomes a live command, unlike an edit of the drawing.
#[derive(Clone, Debug, PartialEq)]
pub enum LiveMsg {
    /// Publish an update at the service with the publish button.
    Publish,
    /// Execute a command.
    Execute(Command),
}

impl Model {
    pub(super) fn update_live(&mut self, msg: LiveMsg, effects: &mut Vec<Effect>) {
        match msg {
            LiveMsg::Publish => self.publish_at(None, effects),
            LiveMsg::Execute(command) => {
                let may = match &command {
                    Command::Operate { .. } => self.may_publish(),
                    _ => self.may_inject(),
                };
                if may {
                    let change = self.describe_command(&command);
                    self.execute_live([command], change);
                }
            }
        }
    }

    /// Returns the service that the publish button writes to: the selected one, or else the first one that publishes
    /// or calls, or else the first member of a group, or else the first one.
    pub fn writer(&self) -> Option<usize> {
        let scenario = &self.document.scenario;
        let services = &scenario.services;
        let selected = || {
            let nodes = self.selected_nodes();
            let id = nodes.first().filter(|_| self.selection.items.len() == 1)?;
            let is_member = drawing::group_of(scenario, id).is_some();
            services.iter().position(|service| service.id == *id && (!service.publishes.is_empty() || is_member))
        };
        let sender = || services.iter().position(|s| !s.publishes.is_empty() || !s.calls.is_empty());
        let member = || {
            let first = scenario.groups.first()?.members.first()?;
            services.iter().position(|service| service.id == *first)
        };
        selected().or_else(sender).or_else(member).or(if services.is_empty() { None } else { Some(0) })
    }

    /// Publishes an update at a service, or at the writer if absent. At the end of the run, extends it first.
    pub(super) fn publish_at(&mut self, service: Option<usize>, effects: &mut Vec<Effect>) {
        if !self.may_publish() {
            return;
        }
        let Some(command) = service.or(self.writer()).and_then(|service| self.next_update_at(service)) else {
            self.notify("There is no service that could publish an update. Add one first.".into());
            return;
        };
        if self.playback.at_end() {
            return self.extend(Some(command), effects);
        }
        let change = self.describe_command(&command);
        self.execute_live([command], change);
        self.playback.play(true);
    }

    /// Describes a command for the history: `Cut Inventory – Event bus`.
    pub(super) fn describe_command(&self, command: &Command) -> String {
        let name = |id: &str| self.scene.find(id).map_or_else(|| id.into(), |node| self.name_of(node).to_string());
        match command {
            Command::Operate { service, .. } => format!("Published at {}", name(service)),
            Command::CutLink { from, to, .. } => format!("Cut {} – {}", name(from), name(to)),
            Command::HealLink { from, to, .. } => format!("Healed {} – {}", name(from), name(to)),
            Command::Crash { service, .. } => format!("Crashed {}", name(service)),
            Command::Restart { service } => format!("Restarted {}", name(service)),
            Command::HealAll => "Healed everything".into(),
            Command::Partition { .. }
            | Command::DisturbLink { .. }
            | Command::SlowDown { .. }
            | Command::SetClock { .. }
            | Command::JumpClock { .. }
            | Command::Pause { .. }
            | Command::Resume { .. }
            | Command::StopBus { .. }
            | Command::StartBus { .. }
            | Command::StopBroker { .. }
            | Command::StartBroker { .. }
            | Command::Rebalance { .. }
            | Command::Redrive { .. }
            | Command::Purge { .. } => script::describe(command),
        }
    }
}
