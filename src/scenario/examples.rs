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
