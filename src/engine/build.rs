//! Builds the engine of a validated scenario.

mod clients;
mod flow;
mod flows;
mod groups;
mod subscribers;

use super::Engine;
use super::bus::{Attach, Bus, BusConfig, ReplicationConfig, SessionConfig, SubscriptionConfig, TopicConfig};
use super::consumer::{Handler, HandlerAttachment};
use super::inbox::Inbox;
use super::link::LinkConfig;
use super::message::LinkId;
use super::network::Network;
use super::node::Node;
use super::partition_reader::ReaderSessionConfig;
use super::publishing::{ForwardConfig, Mode, Publisher};
use super::random::{Sampler, Stream};
use super::service::{Callee, Service, ServiceConfig};
use super::shared_store::SharedStore;
use super::worker_pool::WorkerPoolConfig;
use crate::scenario::{
    Arrivals, Attachment, Command, ConsumerGroups, Link, Micros, OnFailure, Order, PublishMode, Scenario, Subscription,
    micros,
};
use crate::trace::{Fact, Level, Names, NodeId, SubscriptionId, Version};
use flow::Flow;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Engine {
    /// Returns the engine of a scenario at time 0, with the scenario's seed.
    ///
    /// # Panics
    /// The scenario is invalid (see `Scenario::validate`): it refers to a node that does not exist.
    pub fn new(scenario: &Scenario, level: Level) -> Self {
        Builder::new(scenario).build(level)
    }
}

/// A scenario, with the ids of its nodes, links and subscriptions.
pub(super) struct Builder<'a> {
    scenario: &'a Scenario,
    names: Names,
    network: Network,
    /// The nodes by their ids in the scenario.
    nodes: BTreeMap<String, NodeId>,
    /// The links by sender and receiver.
    links: BTreeMap<(NodeId, NodeId), LinkId>,
    /// The subscriptions by service and index in its list.
    subscriptions: BTreeMap<(NodeId, usize), SubscriptionId>,
    /// The services and indexes of the subscriptions to each bus, in order.
    subscribed: BTreeMap<NodeId, Vec<(usize, usize)>>,
    consumer_groups: ConsumerGroups<'a>,
    /// The queues of the subscriptions that share that of another one.
    queues: BTreeMap<SubscriptionId, SubscriptionId>,
}

impl<'a> Builder<'a> {
    fn new(scenario: &'a Scenario) -> Self {
        let mut builder = Builder {
            scenario,
            names: Names::default(),
            network: Network::default(),
            nodes: BTreeMap::new(),
            links: BTreeMap::new(),
            subscriptions: BTreeMap::new(),
            subscribed: BTreeMap::new(),
            consumer_groups: ConsumerGroups::new(scenario),
            queues: BTreeMap::new(),
        };
        for service in &scenario.services {
            builder.names.add_node(&service.id, &service.name);
        }
        for bus in &scenario.buses {
            builder.names.add_node(&bus.id, &bus.name);
        }
        for client in &scenario.clients {
            builder.names.add_node(&client.id, &client.name);
        }
        for group in &scenario.groups {
            builder.names.add_node(&group.id, &group.name);
        }
        let all = (0..builder.names.node_count() as u32).map(NodeId);
        builder.nodes.extend(all.map(|node| (builder.names.node(node).to_string(), node)));
        for group in &scenario.groups {
            let node = builder.node(&group.id);
            builder.names.set_group(node, node);
            for member in &group.members {
                let member = builder.node(member);
                builder.names.set_group(member, node);
            }
            if scenario.is_connected(group) {
                builder.names.share_keys(node);
            }
        }
        builder.add_links();
        for service in &scenario.services {
            let node = builder.node(&service.id);
            for (index, subscription) in service.subscribes.iter().enumerate() {
                let subscriber = builder.subscriber(node, subscription);
                let (bus, id) = (subscriber.bus, builder.names.add_subscription(subscriber));
                builder.subscriptions.insert((node, index), id);
                builder.subscribed.entry(bus).or_default().push((node.index(), index));
            }
        }
        builder.queues = builder.shared_queues().into_iter().collect();
        builder.name_shared_queues();
        builder.name_relays();
        builder
    }

    fn node(&self, id: &str) -> NodeId {
        *self.nodes.get(id).unwrap_or_else(|| panic!("the scenario was not validated: no node `{id}`"))
    }

    fn link(&self, from: NodeId, to: NodeId) -> LinkId {
        self.links[&(from, to)]
    }

    fn topic(&self, bus: &str, topic: Option<&str>) -> u32 {
        let node = self.nodes.get(bus).and_then(|node| node.index().checked_sub(self.scenario.services.len()));
        let bus = node.and_then(|index| self.scenario.buses.get(index));
        let index = bus.zip(topic).and_then(|(bus, name)| bus.topics.iter().position(|topic| topic.name == name));
        index.unwrap_or(0) as u32
    }

    /// Returns the pairs of nodes that exchange messages, or whose link the scenario lists or cuts.
    fn pairs(&self) -> Vec<(&'a str, &'a str)> {
        let scenario = self.scenario;
        let mut pairs: Vec<(&str, &str)> = Vec::new();
        for service in &scenario.services {
            let id = service.id.as_str();
            pairs.extend(service.calls.iter().map(|call| (id, call.to.as_str())));
            pairs.extend(service.publishes.iter().map(|publication| (id, publication.to.as_str())));
            pairs.extend(service.subscribes.iter().map(|subscription| (subscription.to.as_str(), id)));
        }
        for client in &scenario.clients {
            match scenario.groups.iter().find(|group| group.id == client.target) {
                Some(group) => pairs.extend(group.members.iter().map(|member| (client.id.as_str(), member.as_str()))),
                None => pairs.push((&client.id, &client.target)),
            }
            pairs.extend(client.reads_from.as_deref().map(|to| (client.id.as_str(), to)));
        }
        for group in scenario.groups.iter().filter(|group| !group.is_wide()) {
            for (i, a) in group.members.iter().enumerate() {
                pairs.extend(group.members[i + 1..].iter().map(|b| (a.as_str(), b.as_str())));
            }
        }
        pairs.extend(scenario.links.iter().map(|link| (link.from.as_str(), link.to.as_str())));
        for step in &scenario.script {
            if let Command::CutLink { from, to, .. }
            | Command::HealLink { from, to, .. }
            | Command::DisturbLink { from, to, .. } = &step.command
            {
                pairs.push((from, to));
            }
        }
        // Sorting once is faster than inserting each pair in order, since a large group has many.
        let mut both: Vec<(&str, &str)> = pairs.into_iter().flat_map(|(a, b)| [(a, b), (b, a)]).collect();
        both.sort_unstable();
        both.dedup();
        both
    }

    fn add_links(&mut self) {
        let scenario = self.scenario;
        let mut listed: BTreeMap<(&str, &str), &Link> = BTreeMap::new();
        listed.extend(scenario.links.iter().map(|link| ((link.from.as_str(), link.to.as_str()), link)));
        let unlisted_links = Link::default();
        let region_latency =
            |from, to| if scenario.regions.is_empty() { None } else { scenario.latency_of_regions(from, to) };
        for (from, to) in self.pairs() {
            let link = listed.get(&(from, to)).or_else(|| listed.get(&(to, from))).copied().unwrap_or(&unlisted_links);
            let ends = (self.nodes[from], self.nodes[to]);
            let config = LinkConfig {
                from: (ends.0, from),
                to: (ends.1, to),
                latency: link
                    .latency
                    .as_ref()
                    .or_else(|| region_latency(from, to))
                    .unwrap_or(&scenario.default_latency),
                loss: link.loss,
                duplicate: link.duplicate,
                fifo: link.fifo,
            };
            let id = self.network.add(scenario.seed, &config);
            self.links.insert(ends, id);
        }
        debug_assert!(self.links.len() == self.network.links().len(), "a pair of nodes has one link in each direction");
        debug_assert!(self.links.len().is_multiple_of(2), "each link has one in the other direction");
        if scenario.groups.iter().any(|group| group.is_wide()) {
            self.network.set_unlisted_links(self.unlisted_links());
        }
    }

    fn build(mut self, level: Level) -> Engine {
        let scenario = self.scenario;
        let mut nodes = Vec::new();
        let groups = self.groups();
        for index in 0..scenario.services.len() {
            let group = groups.iter().find(|group| group.members.contains(&NodeId(index as u32)));
            nodes.push(match group {
                Some(group) => Node::Replica(Box::new(self.member(index, group))),
                None => Node::Service(Box::new(Service::new(self.service(index)))),
            });
        }
        for index in 0..scenario.buses.len() {
            nodes.push(Node::Bus(Box::new(Bus::new(self.bus(index)))));
        }
        for index in 0..scenario.clients.len() {
            nodes.push(Node::Client(Box::new(self.client(index, &groups))));
        }
        nodes.extend(scenario.groups.iter().map(|_| Node::Group));
        let followers = self.followers();
        let (flows, shared_queues) = (self.flows(), self.shared_queues());
        let stores = self.shared_stores();
        let network = std::mem::take(&mut self.network);
        let mut engine = Engine::assemble(network, nodes, self.names, level);
        for Flow { from, to, .. } in &flows {
            engine.ctx.record(Fact::FlowDeclared { from: *from, to: *to });
        }
        for (subscription, queue) in shared_queues {
            engine.ctx.record(Fact::QueueShared { subscription, queue });
        }
        for Flow { from, to, holder } in flows {
            if let Some(holder) = holder {
                engine.ctx.record(Fact::WorkerDeclared { worker: to, holder, from });
            }
        }
        for (node, holder) in stores.iter().flat_map(|users| users[1..].iter().map(|user| (*user, users[0]))) {
            engine.ctx.record(Fact::StoreShared { node, holder });
        }
        engine.ctx.stores = stores.iter().map(|_| SharedStore::default()).collect();
        engine.create_shared_inboxes();
        engine.ctx.followers = followers.into();
        engine.seed_stores(scenario);
        for step in &scenario.script {
            engine.schedule(micros(step.at_ms), step.command.clone());
        }
        for node in 0..engine.nodes.len() as u32 {
            engine.ctx.node = NodeId(node);
            match &mut engine.nodes[node as usize] {
                Node::Client(client) => client.start(&mut engine.ctx),
                Node::Replica(replica) => replica.start(0, &mut engine.ctx),
                Node::Service(service) => service.start(&mut engine.ctx),
                Node::Bus(bus) => bus.start_sessions(&mut engine.ctx),
                Node::Group => {}
            }
        }
        engine
    }

    fn service(&self, index: usize) -> ServiceConfig {
        let (service, seed) = (&self.scenario.services[index], self.scenario.seed);
        let node = NodeId(index as u32);
        let calls = service.calls.iter().map(|call| {
            let (to, timeout, operation) = (self.node(&call.to), micros(call.timeout_ms), call.operation.clone());
            Callee { link: self.link(node, to), timeout, node: to, operation }
        });
        let (publishers, handlers) = self.events(index);
        ServiceConfig {
            node,
            workers: workers(service, seed),
            clock_offset: clock_offset(service, seed),
            clock_drift: service.clock.drift_ppm,
            calls: calls.collect(),
            atomic: service.is_coordinator(),
            shared_store: self.shared_store(index),
            publishers,
            handlers,
        }
    }

    /// Returns the publishers and the handlers of a service.
    fn events(&self, index: usize) -> (Vec<Publisher>, Vec<Handler>) {
        let (service, seed) = (&self.scenario.services[index], self.scenario.seed);
        let node = NodeId(index as u32);
        let publishers = service.publishes.iter().map(|publication| {
            let bus = self.node(&publication.to);
            Publisher {
                link: self.link(node, bus),
                bus,
                topic: self.topic(&publication.to, publication.topic.as_deref()),
                mode: match publication.mode {
                    PublishMode::AfterCommit => Mode::After(micros(publication.gap_ms)),
                    PublishMode::BeforeCommit => Mode::Before(micros(publication.gap_ms)),
                    PublishMode::Outbox { poll_ms, batch } => {
                        Mode::Relay { interval: micros(poll_ms).max(1), batch, log: None }
                    }
                    PublishMode::ChangeDataCapture { poll_ms, batch, flush_ms } => {
                        Mode::Relay { interval: micros(poll_ms).max(1), batch, log: Some(micros(flush_ms)) }
                    }
                },
                acks: publication.acks,
                forward: publication.forward.as_ref().map(|forward| ForwardConfig {
                    from: forward.from.as_ref().map(|bus| self.node(bus)),
                    same: forward.is_same(),
                    key: forward.key.as_deref().map(Arc::from),
                    change: (forward.times, forward.plus),
                }),
                retry: publication.retry.as_ref().map(|retry| (micros(retry.timeout_ms), retry.attempts)),
            }
        });
        let handlers = service.subscribes.iter().enumerate().map(|(i, subscription)| {
            let subscription = &*self.consumer_groups.as_served(subscription);
            let id = self.subscriptions[&(node, i)];
            let entity = format!("{}<-{}", service.id, subscription_name(subscription));
            Handler {
                id,
                queue: self.queues.get(&id).copied().unwrap_or(id),
                link: self.link(node, self.node(&subscription.to)),
                effect: subscription.effect,
                processing: Sampler::new(&subscription.processing),
                durations: Stream::named(seed, "processing", &entity),
                fails: subscription.fails,
                failures: Stream::named(seed, "failure", &entity),
                acknowledge: subscription.acknowledge,
                deadline: micros(subscription.ack_deadline_ms),
                log: subscription.order == Order::Log,
                attach: handler_attachment(subscription),
                refuses: subscription.after_failure() == OnFailure::Refuse,
                commit_every: subscription.commit_every_ms.map(|ms| micros(ms).max(1)),
                session: self.consumer_groups.session(subscription).filter(|_| subscription.order == Order::Log).map(
                    |session| ReaderSessionConfig {
                        heartbeat: micros(session.heartbeat_ms).max(1),
                        max_poll: micros(session.max_poll_ms),
                        max_events: subscription.max_in_flight,
                    },
                ),
                inbox: subscription.inbox.as_ref().map(|inbox| Inbox::new(inbox.window_ms.map(micros))),
            }
        });
        (publishers.collect(), handlers.collect())
    }

    fn bus(&self, index: usize) -> BusConfig {
        let bus = &self.scenario.buses[index];
        let node = self.node(&bus.id);
        let mut subscriptions = Vec::new();
        for (index, at_consumer) in self.subscriptions_to(&bus.id).iter().copied() {
            let (service, consumer) = (&self.scenario.services[index], NodeId(index as u32));
            let subscription = &*self.consumer_groups.as_served(&service.subscribes[at_consumer]);
            subscriptions.push(SubscriptionConfig {
                id: self.subscriptions[&(consumer, at_consumer)],
                consumer,
                group: subscription.group.clone(),
                topic: self.topic(&bus.id, subscription.topic.as_deref()),
                link: self.link(node, consumer),
                at_consumer: at_consumer as u32,
                acknowledge: subscription.acknowledge,
                deadline: micros(subscription.ack_deadline_ms),
                max_deliveries: subscription.max_deliveries,
                limit_counts: subscription.limit,
                backoff: subscription.backoff.clone(),
                waits: Stream::named(
                    self.scenario.seed,
                    "backoff",
                    &format!("{}<-{}", service.id, subscription_name(subscription)),
                ),
                dead_letter: subscription.dead_letter,
                dead_letter_renews_time: subscription.dead_letter_renews_time,
                order: subscription.order,
                attach: attach(subscription),
                late: subscription.late_acknowledgements(),
                max_in_flight: subscription.max_in_flight,
                session: self.consumer_groups.session(subscription).map(SessionConfig::new),
            });
        }
        let topic = |topic: &crate::scenario::Topic| TopicConfig {
            partitions: topic.partitions,
            dedup: topic.dedup_ms.map(micros),
            retention: topic.retention_ms.map(micros),
        };
        let topics = match bus.topics.as_slice() {
            [] => vec![topic(&crate::scenario::Topic::default())],
            topics => topics.iter().map(topic).collect(),
        };
        let (flush, acknowledges_flushed) = (micros(bus.flush_ms), bus.acknowledges_flushed);
        let replication = bus.replication.as_ref().map(|replication| {
            let stream = |broker| Stream::named(self.scenario.seed, "replication", &format!("{}#{broker}", bus.id));
            ReplicationConfig {
                latency: Sampler::new(&replication.latency),
                fetches: (1..=replication.replicas).map(stream).collect(),
                session: micros(replication.session_ms).max(1),
                commit: replication.commit.clone(),
            }
        });
        BusConfig { node, topics, subscriptions, flush, acknowledges_flushed, replication }
    }

    /// Returns the clients whose acknowledged writes others follow, the followers, and their delays.
    fn followers(&self) -> Vec<(NodeId, NodeId, Micros)> {
        let clients = self.scenario.clients.iter();
        let follows = clients.filter_map(|client| match &client.generate.as_ref()?.arrivals {
            Arrivals::After { client: of, ms } => Some((self.node(of), self.node(&client.id), micros(*ms))),
            Arrivals::Poisson { .. } | Arrivals::Periodic { .. } | Arrivals::Closed { .. } => None,
        });
        follows.collect()
    }
}

/// Returns how the bus sees the attachment of a consumer.
fn attach(subscription: &Subscription) -> Attach {
    match subscription.attachment() {
        Attachment::Connection(connection) => Attach::Connection {
            prefetch: connection.prefetch.unwrap_or(u32::MAX),
            heartbeat: connection.heartbeat_ms.map(|ms| micros(ms).max(2)),
            requeue: connection.requeue_on_close,
        },
        Attachment::Polling(polling) => Attach::Polling { wait: micros(polling.wait_ms).max(1) },
    }
}

/// Returns how the consumer sees its attachment.
fn handler_attachment(subscription: &Subscription) -> HandlerAttachment {
    match subscription.attachment() {
        Attachment::Connection(connection) => HandlerAttachment::Connection {
            heartbeat: connection.heartbeat_ms.map(|ms| micros(ms).max(2)),
            reliable: connection.requeue_on_close && subscription.order != Order::Log,
        },
        Attachment::Polling(polling) => HandlerAttachment::Polling {
            batch: polling.batch,
            wait: micros(polling.wait_ms).max(1),
            prefetch: polling.prefetch,
        },
    }
}

/// Returns the configuration of a service's workers.
fn workers(service: &crate::scenario::Service, seed: u64) -> WorkerPoolConfig {
    WorkerPoolConfig {
        service_time: Sampler::new(&service.service_time),
        durations: Stream::named(seed, "service time", &service.id),
        concurrency: service.concurrency,
        queue: service.queue,
    }
}

/// Returns the offset of a service's clock, µs: the configured one, and the random one of this seed.
fn clock_offset(service: &crate::scenario::Service, seed: u64) -> i64 {
    let random = match service.clock.offset_sd_ms {
        0.0 => 0.0,
        sd => sd * Stream::named(seed, "clock", &service.id).normal(),
    };
    ((service.clock.offset_ms + random) * 1000.0).round() as i64
}

/// Returns the name of a subscription's random numbers: by bus and topic, so that the order of the list does not matter.
fn subscription_name(subscription: &crate::scenario::Subscription) -> String {
    match &subscription.topic {
        Some(topic) => format!("{}/{topic}", subscription.to),
        None => subscription.to.clone(),
    }
}

impl Engine {
    /// Moves the inboxes of services that share a store into it.
    fn create_shared_inboxes(&mut self) {
        debug_assert!(self.events == 0, "inboxes are shared before the first event");
        debug_assert!(self.ctx.stores.len() <= self.nodes.len(), "a store has a service");
        for node in &self.nodes {
            if let Node::Service(service) = node {
                service.share_inboxes(&mut self.ctx);
            }
        }
    }

    fn seed_stores(&mut self, scenario: &Scenario) {
        debug_assert!(self.events == 0 && self.ctx.now == 0, "the data is there before the first event");
        for (index, service) in scenario.services.iter().enumerate() {
            for (key, value) in &service.data {
                let node = NodeId(index as u32);
                debug_assert!(index < self.nodes.len(), "the service is a node");
                self.ctx.node = node;
                let key = self.ctx.key(self.ctx.names.scope(node), key);
                let version = Version::counted(1, 0);
                match &mut self.nodes[index] {
                    Node::Service(service) => {
                        service.exchange_store(&mut self.ctx);
                        service.store.set(key, value.clone(), version, i64::MIN);
                        service.exchange_store(&mut self.ctx);
                    }
                    Node::Replica(replica) => replica.place(key, &mut self.ctx),
                    Node::Bus(_) | Node::Client(_) | Node::Group => {}
                }
                self.ctx.record(Fact::Seeded { node, key, value: value.clone(), version });
                if let Node::Replica(replica) = &self.nodes[index] {
                    replica.record_initial_state(key, &mut self.ctx);
                }
            }
        }
    }
}
