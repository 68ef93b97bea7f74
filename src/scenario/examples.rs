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
