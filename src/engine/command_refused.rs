//! Why a command is refused.

use crate::language::sentence;
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
            CommandRefused::NoSuchNode(id) => {
                f.write_str(&sentence!("no node has the id `{id}`", "kein Knoten hat die Id `{id}`"))
            }
            CommandRefused::NotAService(id) => {
                f.write_str(&sentence!("`{id}` is not a service", "`{id}` ist kein Service"))
            }
            CommandRefused::NotABus(id) => f.write_str(&sentence!("`{id}` is not a bus", "`{id}` ist kein Bus")),
            CommandRefused::NotReplicated(id) => f.write_str(&sentence!(
                "`{id}` is not replicated, so it has no brokers",
                "`{id}` ist nicht repliziert und hat daher keine Broker"
            )),
            CommandRefused::OutOfRange(errors) => f.write_str(errors),
            CommandRefused::NoSuchLink(from, to) => f.write_str(&sentence!(
                "no link goes from `{from}` to `{to}`",
                "keine Verbindung führt von `{from}` nach `{to}`"
            )),
        }
    }
}
