//! Scenarios that come with the program, each with a test that it shows what it says.

/// A scenario that comes with the program.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// Stable id, as in `#ex=<id>` and `converge examples show <id>`.
    pub id: &'static str,
    /// What it shows, in one line.
    pub shows: &'static str,
    /// The document.
    pub json: &'static str,
}

/// All examples, in the order in which they are listed.
pub const EXAMPLES: &[Example] = &[
    Example {
        id: "first-update",
        shows: "publish an update and watch a copy go from stale to consistent",
        json: include_str!("examples/first-update.json"),
    },
    Example {
        id: "inventory-notification",
        shows: "asynchronous: writes answer at once, copies follow, and a cut link only delays them",
        json: include_str!("examples/inventory-notification.json"),
    },
    Example {
        id: "inventory-notification-sync",
        shows: "synchronous: no copy is ever stale, but a write waits for everyone and fails while one is down",
        json: include_str!("examples/inventory-notification-sync.json"),
    },
    Example {
        id: "before-and-after",
        shows: "both of these as branches, side by side on the same random numbers",
        json: include_str!("examples/before-and-after.json"),
    },
    Example {
        id: "inventory-orders",
        shows: "order status follows inventory: readers never wait, and a crashed service catches up",
        json: include_str!("examples/inventory-orders.json"),
    },
    Example {
        id: "lost-event",
        shows: "an event that is lost and not sent again leaves the copy stale for good",
        json: include_str!("examples/lost-event.json"),
    },
    Example {
        id: "lost-event-retried",
        shows: "the same event, acknowledged and retried, arrives when the link is well again",
        json: include_str!("examples/lost-event-retried.json"),
    },
    Example {
        id: "duplicate-delivery",
        shows: "a repeated event doubles a naive increment; an idempotent set and an inbox stay right",
        json: include_str!("examples/duplicate-delivery.json"),
    },
    Example {
        id: "reordering",
        shows: "events out of order: overwrite keeps the old value, set-if-newer the new one",
        json: include_str!("examples/reordering.json"),
    },
    Example {
        id: "dual-write-crash",
        shows: "a crash between commit and publish loses the event for good",
        json: include_str!("examples/dual-write-crash.json"),
    },
    Example {
        id: "outbox",
        shows: "a transactional outbox publishes after the crash what the commit wrote",
        json: include_str!("examples/outbox.json"),
    },
    Example {
        id: "poison-message",
        shows: "a poison message jams its key in a FIFO queue; with a dead-letter queue the rest goes on",
        json: include_str!("examples/poison-message.json"),
    },
    Example {
        id: "dead-letter-redrive",
        shows: "an event that used up its deliveries waits in the dead-letter queue until it is redriven",
        json: include_str!("examples/dead-letter-redrive.json"),
    },
    Example {
        id: "slow-consumer",
        shows: "a consumer that is too slow grows a backlog and falls behind, then catches up",
        json: include_str!("examples/slow-consumer.json"),
    },
    Example {
        id: "retry-storm",
        shows: "clients that retry after the same waits collide again and again",
        json: include_str!("examples/retry-storm.json"),
    },
    Example {
        id: "retry-storm-jitter",
        shows: "random waits spread the same clients out: fewer calls, done sooner",
        json: include_str!("examples/retry-storm-jitter.json"),
    },
    Example {
        id: "kafka-commit",
        shows: "the offset committed before processing loses an event in a crash, after processing repeats one",
        json: include_str!("examples/kafka-commit.json"),
    },
    Example {
        id: "bus-outage",
        shows: "a publisher that retries brings its events through an outage of the bus",
        json: include_str!("examples/bus-outage.json"),
    },
    Example {
        id: "cart-last-writer-wins",
        shows: "a shopping cart whose last writer wins loses an acknowledged book",
        json: include_str!("examples/cart-last-writer-wins.json"),
    },
    Example {
        id: "cart-siblings",
        shows: "the same cart keeps both versions as siblings until somebody merges them",
        json: include_str!("examples/cart-siblings.json"),
    },
    Example {
        id: "cart-or-set",
        shows: "the same cart as a set that merges: nothing is lost and nobody decides",
        json: include_str!("examples/cart-or-set.json"),
    },
    Example {
        id: "viewing-history",
        shows: "three regions, each writing to its own replica; one is cut off, goes on alone, and catches up",
        json: include_str!("examples/viewing-history.json"),
    },
    Example {
        id: "feed-fan-out",
        shows: "posts reach every follower's feed through change data capture, slow and crashed ones too",
        json: include_str!("examples/feed-fan-out.json"),
    },
    Example {
        id: "global-table-skew",
        shows: "a clock that lags makes an older write win over a newer one",
        json: include_str!("examples/global-table-skew.json"),
    },
    Example {
        id: "cassandra-hints",
        shows: "R = W = 1 with a replica down: hints bring it back, stale reads until then",
        json: include_str!("examples/cassandra-hints.json"),
    },
    Example {
        id: "quorum-inversion",
        shows: "a strict quorum lets a later read see an older value",
        json: include_str!("examples/quorum-inversion.json"),
    },
    Example {
        id: "quorum-write-back",
        shows: "reads that write back cure it, for a round trip more",
        json: include_str!("examples/quorum-write-back.json"),
    },
    Example {
        id: "zombie-delete",
        shows: "a deleted key comes back when repair comes after the tombstones are gone",
        json: include_str!("examples/zombie-delete.json"),
    },
    Example {
        id: "read-your-writes",
        shows: "a new photo is not there when its owner looks at a replica nearby",
        json: include_str!("examples/read-your-writes.json"),
    },
    Example {
        id: "read-your-writes-token",
        shows: "a version token sends that read on to the primary",
        json: include_str!("examples/read-your-writes-token.json"),
    },
    Example {
        id: "failover-loss",
        shows: "a failover throws away what an asynchronous primary had acknowledged",
        json: include_str!("examples/failover-loss.json"),
    },
    Example {
        id: "raft-and-quorum",
        shows: "the same cut: Raft's minority waits, the leaderless group answers with stale reads",
        json: include_str!("examples/raft-and-quorum.json"),
    },
    Example {
        id: "two-phase-blocked",
        shows: "two-phase commit blocks all participants while its coordinator is down",
        json: include_str!("examples/two-phase-blocked.json"),
    },
    Example {
        id: "gossip-rumor",
        shows: "a rumor spreads among 200 nodes, cheap and not quite to all",
        json: include_str!("examples/gossip-rumor.json"),
    },
    Example {
        id: "oversold",
        shows: "the last item in stock is sold twice under eventual consistency",
        json: include_str!("examples/oversold.json"),
    },
    Example {
        id: "oversold-strong",
        shows: "the same under Raft: sold once",
        json: include_str!("examples/oversold-strong.json"),
    },
];

/// The example on which the page opens.
pub const FIRST: &str = "first-update";

impl Example {
    /// The scenario that the document means.
    pub fn scenario(&self) -> super::Scenario {
        super::Scenario::from_json(self.json)
            .unwrap_or_else(|errors| panic!("the example {} is not sound: {errors:?}", self.id))
    }
}

/// The example with that id.
pub fn find(id: &str) -> Option<&'static Example> {
    EXAMPLES.iter().find(|example| example.id == id)
}
