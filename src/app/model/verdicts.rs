//! The verdicts: opening them, explaining copies, following a witness through time.

use super::{CanvasItem, Model};
use crate::scenario::Micros;
use crate::session::protocol::Request;
use crate::trace::NodeId;
use std::rc::Rc;

/// What the visitor does with the verdicts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerdictsMsg {
    /// Open or close the verdicts of the whole run.
    Toggle,
    /// Open the verdicts and explain the copies of a service, or of all services.
    Explain(Option<NodeId>),
    /// Mark the steps of the verdict with this title on canvas, timeline and diagram, or remove the marks.
    MarkSteps(String),
    /// Go to an instant and select the nodes that are involved.
    Jump(Micros, Vec<NodeId>),
}

impl Model {
    pub(super) fn update_verdicts(&mut self, msg: VerdictsMsg) {
        match msg {
            VerdictsMsg::Toggle => {
                (self.verdicts.node, self.verdicts.pinned) = (None, None);
                self.open_panel(!self.verdicts.open, |model| &mut model.verdicts.open);
            }
            VerdictsMsg::Explain(node) => {
                (self.verdicts.node, self.verdicts.pinned) = (node, None);
                self.open_panel(true, |model| &mut model.verdicts.open);
            }
            VerdictsMsg::MarkSteps(title) => {
                self.verdicts.toggle_marked(title);
                self.redraw.page = true;
            }
            VerdictsMsg::Jump(at, nodes) => {
                self.verdicts.pinned.get_or_insert(self.run.now);
                self.playback.play(false);
                self.playback.enqueue(Request::Seek { to: at.min(self.run.until) });
                let nodes = nodes.iter().filter_map(|node| self.scene.nodes.get(node.index()));
                self.selection.items = Rc::new(nodes.map(|node| CanvasItem::Node(node.id.to_string())).collect());
                self.redraw.page = true;
            }
        }
    }

    /// Returns the name of the service that the verdicts explain; empty for all services.
    pub fn explained_service(&self) -> Rc<str> {
        self.verdicts.node.map_or_else(|| "".into(), |node| self.name_of(node.index()))
    }
}
