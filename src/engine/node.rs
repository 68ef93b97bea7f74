//! The nodes of a run.

use super::bus::Bus;
use super::client::Client;
use super::consumer::Consumer;
use super::replica::Replica;
use super::service::Service;

/// A node at run time.
#[derive(Clone, Debug)]
pub enum Node {
    /// A service that is in no group.
    Service(Box<Service>),
    /// An event bus.
    Bus(Box<Bus>),
    /// A client.
    Client(Box<Client>),
    /// A member of a replica group.
    Replica(Box<Replica>),
    /// A replica group. It has a name and members, and no behaviour.
    Group,
}

impl Node {
    /// Returns the number of requests, operations and events that the node holds.
    pub fn entries(&self) -> u64 {
        let (busy, queued, pending) = match self {
            Node::Service(service) => service.load(),
            Node::Client(client) => client.load(),
            Node::Replica(replica) => replica.load(),
            Node::Bus(bus) => {
                let counts = bus.counts();
                return counts.queued + counts.in_flight + counts.dead_lettered;
            }
            Node::Group => (0, 0, 0),
        };
        u64::from(busy) + u64::from(queued) + u64::from(pending)
    }

    /// Returns how the node handles events, if it can.
    pub fn consumer(&self) -> Option<&Consumer> {
        match self {
            Node::Service(service) => Some(service.consumer()),
            Node::Replica(replica) => replica.consumer(),
            Node::Bus(_) | Node::Client(_) | Node::Group => None,
        }
    }

    /// Returns whether the node accepts messages.
    #[inline]
    pub fn is_up(&self) -> bool {
        match self {
            Node::Service(service) => service.is_up(),
            Node::Bus(bus) => bus.is_up(),
            Node::Replica(replica) => replica.is_up(),
            Node::Client(_) | Node::Group => true,
        }
    }
}
