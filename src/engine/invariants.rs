//! The invariants that debug builds check after every event. Each node checks its own part.

use super::Engine;
use super::node::Node;
use super::queue::ScheduledEvent;

impl Engine {
    /// Panics if an event has broken an invariant of the network or of a node that it changed.
    pub(super) fn assert_invariants(&self, event: ScheduledEvent) {
        let counts = self.ctx.network.counts();
        assert!(counts.conserved(), "every message is delivered, dropped or in flight: {counts:?}");
        assert!(self.ctx.queue.next_at().is_none_or(|at| at >= self.ctx.now), "no event is scheduled in the past");
        match event {
            // A command may change several nodes.
            ScheduledEvent::Command(_) => self.nodes.iter().for_each(Node::assert_invariants),
            ScheduledEvent::Arrival(_) | ScheduledEvent::Timer(..) => {
                self.nodes[self.ctx.node.index()].assert_invariants();
            }
        }
    }
}

impl Node {
    fn assert_invariants(&self) {
        match self {
            Node::Service(service) => service.assert_invariants(),
            Node::Bus(bus) => bus.assert_invariants(),
            Node::Client(client) => client.assert_invariants(),
            Node::Replica(replica) => replica.assert_invariants(),
            Node::Group => {}
        }
    }
}
