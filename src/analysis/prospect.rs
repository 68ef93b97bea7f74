use crate::scenario::Micros;
use crate::trace::{DropReason, NodeId, SubscriptionId, UpdateId};

/// How a missing update may still reach a copy, or why it will not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prospect {
    /// A message that carries the update is in flight.
    Arriving {
        /// When it would arrive.
        due: Micros,
    },
    /// The update's event is in the queue of a bus.
    Queued {
        /// The earliest time of its next delivery.
        not_before: Micros,
        /// Deliveries so far.
        deliveries: u32,
        /// Whether it was delivered and is not acknowledged yet.
        delivered: bool,
    },
    /// A service will still publish the event.
    Unpublished(NodeId),
    /// A member of the copy's group handles the event and awaits the group's response.
    BeingHandled(NodeId),
    /// The service promised to commit the update and waits for the decision of this coordinator.
    Promised(NodeId),
    /// This node stores a hint for the copy.
    Hinted(NodeId),
    /// The group's protocol compares or retransmits state until every member has it.
    Repairing,
    /// A read will repair the copy, and clients still read.
    ReadRepair,
    /// This newer update is under way, and a copy that has it needs no older one.
    Superseded(UpdateId),
    /// The primary undoes the update at this node, which alone has it.
    Undone(NodeId),
    /// A fault prevents it until the script heals the fault at this time.
    AfterHealing(Micros),
    /// This node is down, and nothing restarts it.
    Down(NodeId),
    /// The link from the first node to the second is cut, and nothing heals it.
    Cut(NodeId, NodeId),
    /// No member that has the update can reach the copy: links are cut or the members are down.
    CutOff,
    /// The event is in a dead-letter queue.
    DeadLettered(SubscriptionId),
    /// The event is a poison message: every delivery fails.
    Poison(SubscriptionId),
    /// The bus discarded the event.
    Discarded(DropReason),
    /// The event was never published, and will not be.
    NeverPublished(NodeId),
    /// Every update was applied; the copy's value differs for another reason.
    Applied,
    /// Siblings remain until a write replaces them.
    Siblings,
    /// No work that carries the update is pending.
    Lost,
}

impl Prospect {
    /// Returns whether the copy can become consistent without intervention.
    pub fn is_hopeful(self) -> bool {
        match self {
            Prospect::Arriving { .. }
            | Prospect::Queued { .. }
            | Prospect::Unpublished(_)
            | Prospect::BeingHandled(_)
            | Prospect::Promised(_)
            | Prospect::Hinted(_)
            | Prospect::Repairing
            | Prospect::ReadRepair
            | Prospect::Superseded(_)
            | Prospect::Undone(_)
            | Prospect::AfterHealing(_) => true,
            Prospect::Down(_)
            | Prospect::Cut(..)
            | Prospect::CutOff
            | Prospect::DeadLettered(_)
            | Prospect::Poison(_)
            | Prospect::Discarded(_)
            | Prospect::NeverPublished(_)
            | Prospect::Applied
            | Prospect::Siblings
            | Prospect::Lost => false,
        }
    }
}
