//! The origin of a write, which a group that is connected to a bus records.

use crate::scenario::Micros;
use crate::trace::{UpdateId, Version};

/// The event that a member handled by writing it into its group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SourceEvent {
    /// The update that the event carried.
    pub update: UpdateId,
    /// The version of that update at its source.
    pub version: Version,
}

/// The origin of a write in a group whose members publish or subscribe.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WriteMetadata {
    /// Reading of the writer's clock, µs.
    pub writer_clock: i64,
    /// Whether the published event is a poison message.
    pub poison: bool,
    /// The event that was written; `None` for a client's write.
    pub source: Option<SourceEvent>,
    /// When the coordinator assigned the version.
    pub coordinated_at: Micros,
}

/// The version of an update at its source and the clock of its writer, by which `Effect` rules compare updates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SourceVersion {
    /// The version.
    pub version: Version,
    /// Reading of the writer's clock, µs; the minimum if it is unknown.
    pub clock: i64,
}

impl SourceVersion {
    /// Returns the source version of a write that its group ordered under `version`.
    pub fn of(version: Version, metadata: Option<&WriteMetadata>) -> SourceVersion {
        let source = metadata.and_then(|metadata| metadata.source);
        SourceVersion {
            version: source.map_or(version, |source| source.version),
            clock: metadata.map_or(i64::MIN, |metadata| metadata.writer_clock),
        }
    }
}

impl Default for SourceVersion {
    /// The source version of an absent key.
    fn default() -> Self {
        SourceVersion { version: Version::default(), clock: i64::MIN }
    }
}
