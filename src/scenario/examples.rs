//! Scenarios that come with the program, each with a test that it shows what it says.

use super::{Backoff, Bus, Latency, Link, Publication, Scenario, Service, Subscription, Value};

/// A scenario that comes with the program.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// Stable id, as in `#ex=<id>` and `converge examples show <id>`.
    pub id: &'static str,
    /// What it shows, in one line.
    pub shows: &'static str,
}

macro_rules! examples {
    ($($id:literal: $shows:literal,)*) => {
        /// All examples, in the order in which they are listed.
        pub const EXAMPLES: &[Example] = &[$(Example { id: $id, shows: $shows }),*];

        /// The document of an example. Apart from the list, since the page has the list at first sight and the documents later.
        fn document(id: &str) -> Option<&'static str> {
            match id {
                $($id => Some(include_str!(concat!("examples/", $id, ".json"))),)*
                _ => None,
            }
        }
    };
}

examples! {
    "first-update": "publish an update and watch a copy go from stale to consistent",
    "inventory-notification": "asynchronous: writes answer at once, copies follow, and a cut link only delays them",
    "inventory-notification-sync": "synchronous: no copy is ever stale, but a write waits for everyone and fails while one is down",
    "before-and-after": "both of these as branches, side by side on the same random numbers",
    "inventory-orders": "order status follows inventory: readers never wait, and a crashed service catches up",
    "lost-event": "an event that is lost and not sent again leaves the copy stale for good",
    "lost-event-retried": "the same event, acknowledged and retried, arrives when the link is well again",
    "duplicate-delivery": "a repeated event doubles a naive increment; an idempotent set and an inbox stay right",
    "reordering": "events out of order: overwrite keeps the old value, set-if-newer the new one",
    "dual-write-crash": "a crash between commit and publish loses the event for good",
    "outbox": "a transactional outbox publishes after the crash what the commit wrote",
    "poison-message": "a poison message jams its key in a FIFO queue; with a dead-letter queue the rest goes on",
    "dead-letter-redrive": "an event that used up its deliveries waits in the dead-letter queue until it is redriven",
    "slow-consumer": "a consumer that is too slow grows a backlog and falls behind, then catches up",
    "retry-storm": "clients that retry after the same waits collide again and again",
    "retry-storm-jitter": "random waits spread the same clients out: fewer calls, done sooner",
    "kafka-commit": "the offset committed before processing loses an event in a crash, after processing repeats one",
    "bus-outage": "a publisher that retries brings its events through an outage of the bus",
    "cart-last-writer-wins": "a shopping cart whose last writer wins loses an acknowledged book",
    "cart-siblings": "the same cart keeps both versions as siblings until somebody merges them",
    "cart-or-set": "the same cart as a set that merges: nothing is lost and nobody decides",
    "viewing-history": "three regions, each writing to its own replica; one is cut off, goes on alone, and catches up",
    "feed-fan-out": "posts reach every follower's feed through change data capture, slow and crashed ones too",
    "global-table-skew": "a clock that lags makes an older write win over a newer one",
    "cassandra-hints": "R = W = 1 with a replica down: hints bring it back, stale reads until then",
    "quorum-inversion": "a strict quorum lets a later read see an older value",
    "quorum-write-back": "reads that write back cure it, for a round trip more",
    "zombie-delete": "a deleted key comes back when repair comes after the tombstones are gone",
    "read-your-writes": "a new photo is not there when its owner looks at a replica nearby",
    "read-your-writes-token": "a version token sends that read on to the primary",
    "failover-loss": "a failover throws away what an asynchronous primary had acknowledged",
    "raft-and-quorum": "the same cut: Raft's minority waits, the leaderless group answers with stale reads",
    "two-phase-blocked": "two-phase commit blocks all participants while its coordinator is down",
    "two-phase-services": "an order, a stock and a payment commit together or not at all; blocked while their coordinator is down",
    "raft-to-views": "change data capture of a Raft group feeds a leaderless group, whoever leads and whoever listens",
    "gossip-rumor": "a rumor spreads among 200 nodes, cheap and not quite to all",
    "oversold": "the last item in stock is sold twice under eventual consistency",
    "oversold-strong": "the same under Raft: sold once",
}

impl Scenario {
    /// The example on which the page opens, `first-update`: built, not read, since the page has what reads documents later.
    pub fn first() -> Scenario {
        let data = || vec![("widget".to_string(), Value::Int(50))];
        let inventory = Service {
            id: "inventory".into(),
            name: "Inventory".into(),
            position: Some([40, 180]),
            data: data().into_iter().collect(),
            publishes: vec![Publication { to: "stock_updated".into(), ..Publication::default() }],
            ..Service::default()
        };
        let subscription = Subscription {
            to: "stock_updated".into(),
            processing: Latency::constant(40.0),
            ack_deadline_ms: 2000.0,
            max_deliveries: Some(5),
            backoff: Backoff::Exponential { base_ms: 200.0, cap_ms: 5000.0 },
            ..Subscription::default()
        };
        let notification = Service {
            id: "notification".into(),
            name: "Notification".into(),
            position: Some([680, 180]),
            data: data().into_iter().collect(),
            subscribes: vec![subscription],
            ..Service::default()
        };
        let link = |from: &str, to: &str, latency| Link {
            from: from.into(),
            to: to.into(),
            latency: Some(latency),
            ..Link::default()
        };
        Scenario {
            title: "Inventory tells Notification".into(),
            note: "Inventory keeps the stock and publishes an event for each change. Notification keeps a copy of its own. \
                   Publish an update and watch the copy go from stale to consistent."
                .into(),
            seed: 7,
            until_ms: 5000.0,
            services: vec![inventory, notification],
            buses: vec![Bus { id: "stock_updated".into(), position: Some([350, 180]), ..Bus::default() }],
            links: vec![
                link("inventory", "stock_updated", Latency::Uniform { low_ms: 150.0, high_ms: 250.0 }),
                link("stock_updated", "notification", Latency::Lognormal { median_ms: 600.0, sigma: 0.3 }),
            ],
            ..Scenario::default()
        }
    }
}

impl Example {
    /// The document.
    pub fn json(&self) -> &'static str {
        document(self.id).expect("every example has a document")
    }

    /// The scenario that the document means.
    pub fn scenario(&self) -> Scenario {
        read(self.id, self.json())
    }
}

fn read(id: &str, json: &str) -> Scenario {
    Scenario::from_json(json).unwrap_or_else(|errors| panic!("the example {id} is not sound: {errors:?}"))
}

/// The example with that id.
pub fn find(id: &str) -> Option<&'static Example> {
    EXAMPLES.iter().find(|example| example.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_opens_on_what_the_first_example_says() {
        assert_eq!(Scenario::first(), EXAMPLES[0].scenario());
    }
}
