//! Copy, paste and duplicate.

use super::edit;
use super::model::{Effect, Item, Model};
use crate::ordered::Set;
use crate::scenario::Scenario;
use std::rc::Rc;

/// What was copied: nodes of a drawing as it was then.
#[derive(Clone, Debug)]
pub struct Clipboard {
    source: Rc<Scenario>,
    nodes: Set<String>,
}

impl Model {
    /// Ids of the selected cards.
    pub fn chosen_nodes(&self) -> Set<String> {
        let nodes = self.selection.iter().filter_map(|item| match item {
            Item::Node(id) => Some(id.clone()),
            Item::Link { .. } => None,
        });
        nodes.collect()
    }

    /// Copies the selected cards.
    pub(super) fn copy(&mut self) {
        let nodes = self.chosen_nodes();
        if !nodes.is_empty() {
            self.clipboard = Some(Clipboard { source: self.scenario.clone(), nodes });
        }
    }

    /// Puts copies of what was copied beside it, and selects them.
    pub(super) fn paste(&mut self, effects: &mut Vec<Effect>) {
        self.paste_aside([40, 40], effects);
    }

    fn paste_aside(&mut self, by: [i32; 2], effects: &mut Vec<Effect>) {
        let Some(clipboard) = self.clipboard.clone() else { return };
        if !self.may_edit() {
            return;
        }
        match edit::copy_into(&self.scenario, &clipboard.source, &clipboard.nodes, by) {
            Ok((scenario, new)) => {
                self.edit(scenario, effects);
                self.select(new.into_iter().map(Item::Node).collect());
            }
            Err(why) => self.tell(why),
        }
    }

    /// Puts copies of the selected cards so far from them; what was copied before stays copied.
    pub(super) fn duplicate(&mut self, by: [i32; 2], effects: &mut Vec<Effect>) {
        let kept = self.clipboard.take();
        self.copy();
        self.paste_aside(by, effects);
        self.clipboard = kept;
    }
}
