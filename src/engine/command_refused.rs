//! Why a command is refused.

use std::fmt;

/// Why a command is invalid in a run. The run is unchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandRefused {
    /// No node has this id.
    NoSuchNode(String),
    /// The node is not a service.
    NotAService(String),
    /// The node is not a bus.
    NotABus(String),
    /// The bus has no brokers.
    NotReplicated(String),
    /// A number is out of its range.
    OutOfRange(String),
    /// The nodes have no link.
    NoSuchLink(String, String),
}

impl fmt::Display for CommandRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CommandRefused::NoSuchNode(id) => write!(f, "no node has the id `{id}`"),
            CommandRefused::NotAService(id) => write!(f, "`{id}` is not a service"),
            CommandRefused::NotABus(id) => write!(f, "`{id}` is not a bus"),
            CommandRefused::NotReplicated(id) => write!(f, "`{id}` is not replicated, so it has no brokers"),
            CommandRefused::OutOfRange(errors) => f.write_str(errors),
            CommandRefused::NoSuchLink(from, to) => write!(f, "no link goes from `{from}` to `{to}`"),
        }
    }
}
