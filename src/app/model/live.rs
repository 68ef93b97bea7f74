//! Commands to the running system: the next update of the publish button, and faults.

use super::{CanvasItem, Effect, Mode, Model};
use crate::app::faults::{self, CardFault};
use crate::app::gesture::{Gesture, Tool};
use crate::app::{drawing, script};
use crate::scenario::Command;
use crate::text;

/// Acts on the running system. Each message becomes a live command, unlike an edit of the drawing.
#[derive(Clone, Debug, PartialEq)]
pub enum LiveMsg {
    /// Publish an update at the service with the publish button.
    Publish,
    /// Execute a command.
    Execute(Command),
    /// Inject or end a fault of a card, or of the selected cards if absent.
    Fault(CardFault, Option<String>),
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
            LiveMsg::Fault(fault, node) => {
                let nodes = node.map_or_else(|| self.target_nodes(), |node| vec![node]);
                if self.may_inject() {
                    self.toggle_fault(fault, &nodes);
                }
            }
        }
    }

    /// Injects a fault at nodes, or ends it if all of them have it, as one step of undo.
    fn toggle_fault(&mut self, fault: CardFault, nodes: &[String]) {
        if nodes.is_empty() {
            return self.refuse(text!("Select a card first.").into());
        }
        let commands = if fault == CardFault::Heal { self.healing(nodes) } else { self.fault_commands(fault, nodes) };
        let Some(first) = commands.first() else {
            return self.refuse(match fault {
                CardFault::Crash => text!("A client cannot crash. Freeze it, or cut its link.").into(),
                CardFault::Freeze => text!("Select a card first.").into(),
                CardFault::Heal => text!("Nothing to heal: these nodes and their links have no fault.").into(),
            });
        };
        let change = match commands.len() {
            1 => self.describe_command(first),
            n if fault == CardFault::Heal => text!("Healed {} faults", n),
            n => text!("{} and {} more", self.describe_command(first), n - 1),
        };
        self.notices.announcer.announce(change.clone());
        self.execute_live(commands, change);
    }

    fn fault_commands(&self, fault: CardFault, nodes: &[String]) -> Vec<Command> {
        let scenario = &self.document.scenario;
        let all = nodes.iter().filter_map(|id| {
            let (_, command) = faults::card_fault(scenario, id, fault, &self.fault_condition(id))?;
            Some(command)
        });
        let ends = |command: &Command| {
            matches!(command, Command::Restart { .. } | Command::StartBus { .. } | Command::Resume { .. })
        };
        let (ending, injecting): (Vec<Command>, Vec<Command>) = all.partition(ends);
        if injecting.is_empty() { ending } else { injecting }
    }

    /// Returns the condition of a node.
    pub fn fault_condition(&self, id: &str) -> faults::ItemCondition {
        self.condition(Some(&CanvasItem::Node(id.into())))
    }

    /// Returns the commands that end all faults of nodes and their links.
    fn healing(&self, nodes: &[String]) -> Vec<Command> {
        let mut commands: Vec<Command> =
            nodes.iter().flat_map(|id| faults::healing(id, &self.fault_condition(id))).collect();
        let id = |node: usize| self.scene.nodes[node].id.to_string();
        for link in &self.scene.links {
            let (from, to) = (id(link.from), id(link.to));
            let is_faulty = self.run.is_cut(link.from, link.to) || self.run.is_disturbed(link.from, link.to);
            if is_faulty && (nodes.contains(&from) || nodes.contains(&to)) {
                commands.push(Command::HealLink { from, to, one_way: false });
            }
        }
        commands
    }

    /// Returns whether a node or one of its links has a fault.
    pub fn has_fault(&self, id: &str) -> bool {
        !self.healing(&[id.to_string()]).is_empty()
    }

    /// Returns the nodes that the keys for faults act on: the selected ones, or else the focused one.
    pub fn target_nodes(&self) -> Vec<String> {
        let selected = self.selected_nodes();
        if selected.is_empty() { self.focused_node().into_iter().collect() } else { selected }
    }

    /// Returns the card that has the fault buttons, and whether it has them only because it has the focus.
    pub fn tools_card(&self) -> Option<(usize, bool)> {
        let is_busy = !matches!(self.pointer.gesture, Gesture::None | Gesture::Pressed(_))
            || self.pointer.tool != Tool::Select
            || self.panels.menu.is_some()
            || self.selection.renaming.is_some()
            || self.selection.editing.is_some();
        if is_busy || self.mode == Mode::View || self.locked.faults {
            return None;
        }
        let card = |id: &str| self.scene.find(id);
        let hovered = self.pointer.over.as_deref().and_then(card);
        let only = match self.selection.items.first() {
            Some(CanvasItem::Node(id)) if self.selection.items.len() == 1 => card(id),
            _ => None,
        };
        let focused = || self.selection.focus.as_deref().and_then(card).filter(|_| self.selection.items.is_empty());
        hovered.or(only).map(|card| (card, false)).or_else(|| Some((focused()?, true)))
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
        let sender = || services.iter().position(|service| !service.publishes.is_empty() || !service.calls.is_empty());
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
            self.refuse(text!("No service can publish an update. Add one first.").into());
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
        let name = |id: &str| self.name_of_id(id);
        match command {
            Command::Operate { service, .. } => text!("Published at {}", name(service)),
            Command::CutLink { from, to, .. } => text!("Cut {} – {}", name(from), name(to)),
            Command::HealLink { from, to, .. } => text!("Healed {} – {}", name(from), name(to)),
            Command::Crash { service, .. } => text!("Crashed {}", name(service)),
            Command::Restart { service } => text!("Restarted {}", name(service)),
            Command::HealAll => text!("Healed everything").into(),
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
            | Command::Purge { .. } => script::describe(&self.document.scenario, command),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::model::test_page::TestPage;
    use crate::app::model::{DocumentMsg, InPlaceMsg, Msg, PanelsMsg, SelectionMsg};
    use crate::session::protocol::CopyState;

    fn down(page: &TestPage) -> usize {
        page.model.run.services.iter().filter(|service| service.state == CopyState::Down).count()
    }

    fn fault(page: &mut TestPage, fault: CardFault, node: Option<&str>) {
        page.update(Msg::Live(LiveMsg::Fault(fault, node.map(String::from))));
    }

    #[test]
    fn a_fault_of_several_cards_is_one_step_and_the_same_key_ends_it() {
        let mut page = TestPage::new();
        page.update(Msg::Selection(SelectionMsg::SelectAll));
        fault(&mut page, CardFault::Crash, None);
        assert_eq!(down(&page), 2);
        assert!(page.model.has_fault("stock_updated"), "the bus is stopped");
        page.update(Msg::Document(DocumentMsg::Undo));
        assert_eq!(down(&page), 0);
        fault(&mut page, CardFault::Crash, Some("inventory"));
        assert_eq!(down(&page), 1);
        // Of a mixed selection, the others crash first.
        fault(&mut page, CardFault::Crash, None);
        assert_eq!(down(&page), 2);
        fault(&mut page, CardFault::Crash, None);
        assert_eq!(down(&page), 0);
    }

    #[test]
    fn a_key_for_a_card_asks_to_select_one_where_none_is_selected() {
        let mut page = TestPage::new();
        page.update(Msg::Selection(SelectionMsg::Select(None)));
        for msg in [
            Msg::Live(LiveMsg::Fault(CardFault::Crash, None)),
            Msg::Live(LiveMsg::Fault(CardFault::Freeze, None)),
            Msg::Live(LiveMsg::Fault(CardFault::Heal, None)),
            Msg::InPlace(InPlaceMsg::StartFocused),
        ] {
            page.update(Msg::Panels(PanelsMsg::DismissNotice));
            page.update(msg.clone());
            assert_eq!(page.model.notices.notice.as_deref(), Some("Select a card first."), "{msg:?}");
        }
    }

    #[test]
    fn healing_a_card_ends_its_faults_and_those_of_its_links() {
        let mut page = TestPage::new();
        let (from, to) = ("inventory".to_string(), "stock_updated".to_string());
        for command in [
            Command::CutLink { from, to, one_way: false },
            Command::SlowDown { service: "inventory".into(), factor: 10.0 },
            Command::Crash { service: "notification".into(), lose_disk: false },
        ] {
            page.update(Msg::Live(LiveMsg::Execute(command)));
        }
        fault(&mut page, CardFault::Freeze, Some("inventory"));
        fault(&mut page, CardFault::Heal, Some("inventory"));
        assert!(!page.model.has_fault("inventory") && down(&page) == 1, "the other card stays down");
        fault(&mut page, CardFault::Heal, Some("inventory"));
        assert!(page.model.notices.notice.as_ref().is_some_and(|text| text.starts_with("Nothing to heal")));
    }
}
