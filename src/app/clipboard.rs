//! Copy, paste and duplicate.

use super::model::{CanvasItem, Model};
use crate::scenario::Scenario;
use std::collections::BTreeSet;
use std::rc::Rc;

/// What was copied: nodes of a drawing as it was then.
#[derive(Clone, Debug)]
pub struct Clipboard {
    pub(super) source: Rc<Scenario>,
    pub(super) nodes: BTreeSet<String>,
}

impl Model {
    /// Ids of the selected cards.
    pub fn chosen_nodes(&self) -> BTreeSet<String> {
        let nodes = self.selection.iter().filter_map(|item| match item {
            CanvasItem::Node(id) => Some(id.clone()),
            CanvasItem::Link { .. } => None,
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
}
