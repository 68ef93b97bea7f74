/// A consistency guarantee.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Guarantee {
    /// Each operation takes effect at one instant between its invocation and its end (Herlihy and Wing 1990). Checked for each
    /// key, since it is local. O(n log n) for registers whose writes differ; otherwise a search within the budget.
    Linearizable,
    /// A read returns the last value acknowledged before it, or one whose write overlaps it (Lamport 1986). O(n log n).
    Regular,
    /// One order of all operations on a key respects the order of each process (Lamport 1979). A search within the budget.
    Sequential,
    /// Causal memory (Ahamad et al. 1995) over all keys, which are registers; a compare-and-set is a read and a write. If written
    /// values repeat, a search over the sources of reads within the budget.
    Causal,
    /// A process sees its own writes.
    ReadYourWrites,
    /// A process never sees an older state than it has seen before.
    MonotonicReads,
    /// A process that sees a write sees the earlier writes of the writing process.
    MonotonicWrites,
    /// A process that sees a write sees the writes that the writing process had seen before.
    WritesFollowReads,
    /// All four session guarantees. It is unknown if one of them is unknown and none is violated.
    Session,
    /// The result of a read is missing a limited number of acknowledged changes, for a limited time.
    BoundedStaleness {
        /// Maximum number of missing changes.
        versions: Option<u32>,
        /// Maximum time since the acknowledgement of a missing change, µs.
        us: Option<i64>,
    },
    /// No acknowledged change is lost: the servers of a run know it; where only clients are known, the last reads contain it.
    NoLostUpdate,
}

/// The guarantees without parameters, with the names that users write.
pub const GUARANTEES: &[(&str, Guarantee)] = &[
    ("linearizable", Guarantee::Linearizable),
    ("sequential", Guarantee::Sequential),
    ("regular", Guarantee::Regular),
    ("causal", Guarantee::Causal),
    ("session", Guarantee::Session),
    ("read-your-writes", Guarantee::ReadYourWrites),
    ("monotonic-reads", Guarantee::MonotonicReads),
    ("monotonic-writes", Guarantee::MonotonicWrites),
    ("writes-follow-reads", Guarantee::WritesFollowReads),
    ("no-lost-update", Guarantee::NoLostUpdate),
];
