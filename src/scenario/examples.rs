//! Examples: scenarios that are part of the program. `tests/examples/` tests each against its description.

use super::{Backoff, Bus, Latency, Link, Publication, Scenario, Service, Subscription, Value};
use std::collections::BTreeMap;

/// An example.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// Stable id, for `#ex=<id>` and `converge examples show <id>`.
    pub id: &'static str,
    /// What it shows.
    pub shows: &'static str,
    /// The virtual time that shows it best, at which the page opens it, ms.
    pub opens_at_ms: u32,
    /// Its subject.
    pub subject: Subject,
    /// The knowledge that it assumes.
    pub level: Difficulty,
}

/// The subject of an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Eventual consistency itself: an update on its way to a copy.
    Pattern,
    /// Delivery: duplicates, order, queues, retries.
    Messaging,
    /// Losses in a crash or on a cut link, and defences against them.
    Failures,
    /// Replicas: quorums, leaders, sessions, gossip.
    Replication,
    /// Concurrent writes of the same key.
    Conflicts,
    /// The behaviour of a named system.
    RealSystems,
}

impl Subject {
    /// All subjects, in the order in which they are learned.
    pub const ALL: [Subject; 6] = [
        Subject::Pattern,
        Subject::Messaging,
        Subject::Failures,
        Subject::Conflicts,
        Subject::Replication,
        Subject::RealSystems,
    ];

    /// Returns its name.
    pub fn name(self) -> &'static str {
        match self {
            Subject::Pattern => "The pattern",
            Subject::Messaging => "Messaging",
            Subject::Failures => "Failures",
            Subject::Replication => "Replication",
            Subject::Conflicts => "Conflicts",
            Subject::RealSystems => "Real systems",
        }
    }
}

/// The knowledge that an example assumes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difficulty {
    /// Nothing.
    Basic,
    /// The basic examples of its subject.
    Intermediate,
    /// A textbook on distributed systems.
    Advanced,
}

impl Difficulty {
    /// All levels, the easiest first.
    pub const ALL: [Difficulty; 3] = [Difficulty::Basic, Difficulty::Intermediate, Difficulty::Advanced];

    /// Returns its name.
    pub fn name(self) -> &'static str {
        match self {
            Difficulty::Basic => "Basic",
            Difficulty::Intermediate => "Intermediate",
            Difficulty::Advanced => "Advanced",
        }
    }
}

macro_rules! examples {
    ($($id:literal at $opens_at_ms:literal in $subject:ident $level:ident: $shows:literal,)*) => {
        /// All examples in the order of the list.
        pub const EXAMPLES: &[Example] = &[$(Example {
            id: $id,
            shows: $shows,
            opens_at_ms: $opens_at_ms,
            subject: Subject::$subject,
            level: Difficulty::$level,
        }),*];

        /// Returns the document of an example. Separate from the list, so that the page can load the documents on demand.
        fn document(id: &str) -> Option<&'static str> {
            match id {
                $($id => Some(include_str!(concat!("examples/", $id, ".json"))),)*
                _ => None,
            }
        }
    };
}

examples! {
    "first-update" at 0 in Pattern Basic: "publish an update and watch a copy change from stale to consistent",
    "inventory-notification" at 2000 in Pattern Basic: "asynchronous: writes answer at once, copies follow, and a cut link only delays them",
    "inventory-notification-sync" at 2500 in Pattern Basic: "synchronous: no copy is ever stale, but a write waits for every service and fails while one is down",
    "before-and-after" at 2500 in Pattern Intermediate: "a synchronous and an asynchronous design as branches, side by side with the same random numbers",
    "inventory-orders" at 2700 in Pattern Basic: "order status follows inventory: readers never wait, and a crashed service catches up",
    "lost-event" at 2500 in Failures Basic: "an event that is lost and not redelivered leaves the copy stale",
    "lost-event-retried" at 2700 in Failures Basic: "an event that is lost on a cut link is redelivered until it is acknowledged, and arrives after the link is healed",
    "duplicate-delivery" at 1500 in Messaging Basic: "a duplicate event doubles a naive increment; an idempotent set and an inbox are unaffected",
    "reordering" at 2100 in Messaging Basic: "events out of order: overwrite keeps the old value, set-if-newer the new one",
    "dual-write-crash" at 2100 in Failures Intermediate: "a crash between commit and publication loses the event",
    "outbox" at 2100 in Failures Intermediate: "a transactional outbox publishes after the crash what the commit wrote",
    "poison-message" at 3750 in Messaging Intermediate: "a poison message blocks its key in a FIFO queue; with a dead-letter queue the others continue",
    "dead-letter-redrive" at 5000 in Messaging Intermediate: "an event over its delivery limit waits in the dead-letter queue until it is redriven",
    "slow-consumer" at 6600 in Messaging Basic: "a slow consumer builds up a backlog and falls behind, then catches up",
    "retry-storm" at 10000 in Messaging Intermediate: "clients that retry after equal waits collide again and again",
    "retry-storm-jitter" at 10000 in Messaging Intermediate: "clients that retry after random waits spread out: fewer calls and sooner finished than with equal waits",
    "kafka-commit" at 5000 in RealSystems Advanced: "an offset committed before processing loses an event in a crash; committed after processing it repeats one",
    "visibility-timeout" at 75000 in RealSystems Advanced: "a visibility timeout of Amazon SQS that is shorter than the handler: the message is received twice and counted twice",
    "consumer-dies" at 1700 in Failures Intermediate: "a dead consumer's message returns to the queue at once and goes to the other worker",
    "poison-fifo-group" at 20000 in Messaging Advanced: "a poison message blocks its group of a FIFO queue for three visibility timeouts, and no other group",
    "cdc-after-loss" at 1200 in Failures Advanced: "change data capture publishes everything after a lost event again, in commit order",
    "bus-outage" at 2250 in Failures Intermediate: "a publisher that retries loses no event in an outage of the bus",
    "cart-last-writer-wins" at 3000 in Conflicts Basic: "a shopping cart with last writer wins loses an acknowledged book",
    "cart-siblings" at 6000 in RealSystems Intermediate: "a shopping cart as in Amazon's Dynamo keeps both versions as siblings until a client merges them",
    "cart-or-set" at 6000 in Conflicts Intermediate: "a shopping cart as a set that merges: nothing is lost, and there is nothing to decide",
    "viewing-history" at 4500 in RealSystems Intermediate: "viewing history as at Netflix in three regions, each with a replica for its writes; one is cut off, continues alone, and catches up",
    "feed-fan-out" at 3000 in RealSystems Intermediate: "posts as at LinkedIn reach each follower's feed through change data capture, also slow and crashed ones",
    "global-table-skew" at 1500 in Conflicts Advanced: "with a slow clock in a global table, as of Amazon DynamoDB, an older write wins over a newer one",
    "cassandra-hints" at 4400 in RealSystems Advanced: "R = W = 1 with a replica down: hints bring it up to date, reads are stale until then",
    "quorum-inversion" at 2500 in Replication Advanced: "with a strict quorum a later read can return an older value",
    "quorum-write-back" at 2500 in Replication Advanced: "reads that write back never return an older value than an earlier read, and take one more round trip",
    "zombie-delete" at 5300 in Conflicts Advanced: "a deleted key comes back when repair comes after the tombstones have expired",
    "read-your-writes" at 1000 in Replication Basic: "a new photo is missing when its owner reads from a nearby replica",
    "read-your-writes-token" at 1000 in Replication Intermediate: "a version token sends the read of a new photo to the primary while the nearby replica lacks it",
    "failover-loss" at 4000 in Replication Advanced: "a failover discards writes that an asynchronous primary has acknowledged",
    "raft-and-quorum" at 4500 in Replication Advanced: "two groups under one cut: Raft's minority waits, the leaderless group answers with stale reads",
    "two-phase-blocked" at 2300 in Failures Intermediate: "two-phase commit blocks all participants while its coordinator is down",
    "two-phase-services" at 3300 in Failures Advanced: "an order, a stock and a payment commit together or not at all, and block while their coordinator is down",
    "raft-to-views" at 6700 in Replication Advanced: "change data capture of a Raft group feeds a leaderless group, while members of both crash",
    "gossip-rumor" at 2600 in Replication Advanced: "a rumor spreads among 200 nodes, cheaply but not to all",
    "simpledb-2010" at 5300 in RealSystems Advanced: "a published measurement of Amazon SimpleDB: a read of a random copy is fresh with probability 1/3 for 450 ms after a write",
    "oversold" at 1500 in Conflicts Basic: "the last item in stock is sold twice under eventual consistency",
    "oversold-strong" at 1500 in Conflicts Intermediate: "the last item in stock is sold once under Raft",
    "bank-transfer" at 1050 in Conflicts Basic: "a bank transfer is paid twice under eventual consistency, and the account is overdrawn",
    "bank-transfer-strong" at 1700 in Conflicts Intermediate: "a bank transfer is paid once under Raft; the second one is refused",
}

impl Scenario {
    /// Returns the example `first-update`, with which the page opens. Built in code, because the page loads the JSON reader
    /// on demand.
    pub fn first() -> Scenario {
        let mut data = BTreeMap::new();
        data.insert("widget".to_string(), Value::Int(50));
        let inventory = Service {
            id: "inventory".into(),
            name: "Inventory".into(),
            position: Some([40, 180]),
            data: data.clone(),
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
            data,
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
            title: "Inventory updates Notification".into(),
            note: "Inventory keeps the stock and publishes an event for each change. Notification keeps a copy. Publish an \
                   update and watch the copy change from stale to consistent."
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
    /// Returns its document.
    pub fn json(&self) -> &'static str {
        document(self.id).expect("each example has a document")
    }

    /// Returns its scenario.
    pub fn scenario(&self) -> Scenario {
        read(self.id, self.json())
    }
}

fn read(id: &str, json: &str) -> Scenario {
    Scenario::from_json(json).unwrap_or_else(|errors| panic!("the example {id} is not valid: {errors:?}"))
}

/// Returns the example with an id.
pub fn find(id: &str) -> Option<&'static Example> {
    EXAMPLES.iter().find(|example| example.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_opens_with_the_first_example() {
        assert_eq!(Scenario::first(), EXAMPLES[0].scenario());
    }
}
