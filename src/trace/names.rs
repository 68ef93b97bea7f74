use super::{KeyId, NodeId, NodeSet, SubscriptionId};
use litemap::LiteMap;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The names of a run's nodes and keys in the document.
#[derive(Clone, Debug, Default)]
pub struct Names {
    nodes: Vec<Arc<str>>,
    node_ids: BTreeMap<Arc<str>, NodeId>,
    labels: Vec<Arc<str>>,
    keys: Vec<Arc<str>>,
    key_ids: LiteMap<Option<NodeId>, BTreeMap<Arc<str>, KeyId>>,
    subscriptions: Vec<Subscriber>,
    /// Buses with subscriptions.
    buses: NodeSet,
    /// Services that poll a bus, each with the bus.
    polling: BTreeSet<(NodeId, NodeId)>,
    /// The consumer groups of subscriptions that share a queue.
    consumer_groups: BTreeMap<SubscriptionId, Arc<str>>,
    /// Services that publish from the log of their store, each with its bus.
    log_relays: BTreeSet<(NodeId, NodeId)>,
    groups: LiteMap<NodeId, NodeId>,
    /// Groups that share their keys with services that exchange events with them.
    sharing: NodeSet,
}

/// The ends of a subscription, and how its consumer receives and acknowledges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscriber {
    /// The bus.
    pub bus: NodeId,
    /// Index of the topic in the bus.
    pub topic: u32,
    /// The service.
    pub service: NodeId,
    /// Whether the consumer acknowledges deliveries.
    pub acknowledges: bool,
    /// Whether the consumer polls.
    pub polls: bool,
}

impl Names {
    /// Adds a node with its id and its name in the document; the name may be empty. Ids are assigned in this order.
    pub fn add_node(&mut self, id: &str, name: &str) -> NodeId {
        let id: Arc<str> = id.into();
        self.labels.push(if name.is_empty() { id.clone() } else { name.into() });
        let node = NodeId(self.nodes.len() as u32);
        self.node_ids.insert(id.clone(), node);
        self.nodes.push(id);
        node
    }

    /// Adds a subscription. Ids are assigned in this order.
    pub fn add_subscription(&mut self, subscriber: Subscriber) -> SubscriptionId {
        self.buses.insert(subscriber.bus, ());
        if subscriber.polls {
            self.polling.insert((subscriber.service, subscriber.bus));
        }
        self.subscriptions.push(subscriber);
        SubscriptionId(self.subscriptions.len() as u32 - 1)
    }

    /// Returns the id of a key, which is assigned at its first use. Each group has separate keys, unless it shares them.
    pub fn key_id(&mut self, group: Option<NodeId>, key: &str) -> KeyId {
        if let Some(id) = self.find_key(group, key) {
            return id;
        }
        let id = KeyId(self.keys.len() as u32);
        let key: Arc<str> = key.into();
        self.keys.push(key.clone());
        self.key_ids.entry(group).or_default().insert(key, id);
        id
    }

    /// Returns a node's id in the document.
    pub fn node(&self, node: NodeId) -> &str {
        &self.nodes[node.index()]
    }

    /// Returns a node's name, or its id if it has none.
    pub fn label(&self, node: NodeId) -> &str {
        &self.labels[node.index()]
    }

    /// Returns the node with an id in the document.
    pub fn find_node(&self, id: &str) -> Option<NodeId> {
        self.node_ids.get(id).copied()
    }

    /// Returns a key's name.
    pub fn key(&self, key: KeyId) -> &str {
        &self.keys[key.index()]
    }

    /// Iterates over the names of the keys used so far, in the order of their first use.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|key| &**key)
    }

    /// Returns a key's name, with its group if several groups have a key of that name: `raft/x`.
    pub fn qualified_key(&self, key: KeyId) -> String {
        let name = self.key(key);
        let mut holders = self.key_ids.iter().filter(|(_, keys)| keys.contains_key(name));
        let several = holders.clone().count() > 1;
        let holder = holders.find(|(_, keys)| keys.get(name) == Some(&key)).and_then(|(group, _)| *group);
        match holder.filter(|_| several) {
            Some(group) => format!("{}/{name}", self.node(group)),
            None => name.into(),
        }
    }

    /// Returns the key with a name in a group, or outside of all groups, if the run has used it.
    pub fn find_key(&self, group: Option<NodeId>, key: &str) -> Option<KeyId> {
        self.key_ids.get(&group)?.get(key).copied()
    }

    /// Sets the group of a member.
    pub fn set_group(&mut self, member: NodeId, group: NodeId) {
        self.groups.insert(member, group);
    }

    /// Returns the group of a member; a group belongs to itself.
    pub fn group(&self, node: NodeId) -> Option<NodeId> {
        self.groups.get(&node).copied()
    }

    /// Makes a group share its keys with the services with which it exchanges events.
    pub fn share_keys(&mut self, group: NodeId) {
        self.sharing.insert(group, ());
    }

    /// Returns the group whose keys a node uses; `None` for the keys outside of all groups.
    pub fn scope(&self, node: NodeId) -> Option<NodeId> {
        self.group(node).filter(|group| !self.sharing.contains_key(group))
    }

    /// Returns whether a node is a bus with subscriptions.
    pub fn is_bus(&self, node: NodeId) -> bool {
        self.buses.contains_key(&node)
    }

    /// Returns whether a service polls a bus.
    pub fn polls(&self, service: NodeId, bus: NodeId) -> bool {
        self.polling.contains(&(service, bus))
    }

    /// Names the consumer group whose workers share the queue of a subscription.
    pub fn set_consumer_group(&mut self, subscription: SubscriptionId, group: &str) {
        self.consumer_groups.insert(subscription, group.into());
    }

    /// Returns the name of the consumer group whose workers share the queue of a subscription; none if it has its own.
    pub fn consumer_group(&self, subscription: SubscriptionId) -> Option<&str> {
        self.consumer_groups.get(&subscription).map(|group| &**group)
    }

    /// Notes that a service publishes to a bus from the log of its store.
    pub fn add_log_relay(&mut self, service: NodeId, bus: NodeId) {
        self.log_relays.insert((service, bus));
    }

    /// Returns whether a service publishes to a bus from the log of its store, and not from an outbox.
    pub fn relays_log(&self, service: NodeId, bus: NodeId) -> bool {
        self.log_relays.contains(&(service, bus))
    }

    /// Returns the ends of a subscription, and how its consumer receives and acknowledges.
    pub fn subscription(&self, subscription: SubscriptionId) -> Subscriber {
        self.subscriptions[subscription.index()]
    }

    /// Returns the number of nodes.
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// Returns the number of keys used so far.
    pub fn key_count(&self) -> usize {
        self.keys.len()
    }

    /// Iterates over all subscriptions.
    pub fn subscriptions(&self) -> impl Iterator<Item = SubscriptionId> + use<> {
        (0..self.subscriptions.len() as u32).map(SubscriptionId)
    }

    /// Returns the number of subscriptions.
    pub fn subscription_count(&self) -> usize {
        self.subscriptions.len()
    }
}
