//! The verdicts: opening them, explaining copies, following a witness through time.

use super::{CanvasItem, Model};
use crate::scenario::Micros;
use crate::session::protocol::{CopyState, Request};
use crate::trace::NodeId;
use std::rc::Rc;

/// An action of the visitor on the verdicts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerdictsMsg {
    /// Open or close the verdicts of the whole run.
    Toggle,
    /// Explain the copies of a service: in the inspector, or in the verdicts if there is no inspector.
    Explain(NodeId),
    /// Stop following a witness: show the verdicts on the run as it is now.
    Refresh,
    /// Open the verdict with this id and mark its steps.
    Show(String),
    /// Mark the steps of the verdict with this id on canvas, timeline and diagram, or remove the marks.
    MarkSteps(String),
    /// Go to an instant and select the nodes that are involved.
    Jump(Micros, Vec<NodeId>),
}

impl Model {
    pub(super) fn update_verdicts(&mut self, msg: VerdictsMsg) {
        match msg {
            VerdictsMsg::Toggle => {
                self.verdicts.pinned = None;
                self.open_panel(!self.verdicts.open, |model| &mut model.verdicts.open);
            }
            VerdictsMsg::Explain(node) => {
                self.verdicts.pinned = None;
                if let Some(placed) = self.scene.nodes.get(node.index()).filter(|_| self.has_tools()) {
                    self.select([CanvasItem::Node(placed.id.to_string())].into());
                } else {
                    self.open_panel(true, |model| &mut model.verdicts.open);
                }
            }
            VerdictsMsg::Refresh => {
                self.verdicts.pinned = None;
                self.redraw.page = true;
            }
            VerdictsMsg::Show(id) => {
                self.verdicts.pinned = None;
                self.verdicts.mark(id);
                self.open_panel(true, |model| &mut model.verdicts.open);
            }
            VerdictsMsg::MarkSteps(id) => {
                self.verdicts.toggle_marked(id);
                self.redraw.page = true;
            }
            VerdictsMsg::Jump(at, nodes) => {
                self.verdicts.pinned.get_or_insert(self.run.now);
                self.playback.play(false);
                self.playback.enqueue(Request::Seek { to: at.min(self.run.until) });
                // The inspector stays with the copy that it explains.
                if self.verdicts.open {
                    let nodes = nodes.iter().filter_map(|node| self.scene.nodes.get(node.index()));
                    self.selection.items = Rc::new(nodes.map(|node| CanvasItem::Node(node.id.to_string())).collect());
                }
                self.redraw.page = true;
            }
        }
    }

    /// Returns the service whose copies the inspector explains.
    pub fn explained_node(&self) -> Option<NodeId> {
        if self.hidden.why {
            return None;
        }
        let Some(CanvasItem::Node(id)) = self.inspected().filter(|_| self.inspector_open()) else { return None };
        let node = self.scene.find(&id)?;
        let view = self.run.services.get(node)?;
        (view.state != CopyState::Consistent || self.verdicts.pinned.is_some()).then_some(view.node)
    }
}
