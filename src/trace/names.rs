use super::{KeyId, NodeId, SubscriptionId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What people wrote for the ids of a run.
#[derive(Clone, Debug, Default)]
pub struct Names {
    nodes: Vec<Arc<str>>,
    labels: Vec<Arc<str>>,
    keys: Vec<Arc<str>>,
    key_ids: BTreeMap<Option<NodeId>, BTreeMap<Arc<str>, KeyId>>,
    subscriptions: Vec<Subscriber>,
    groups: BTreeMap<NodeId, NodeId>,
    /// Groups whose keys are those of the services around them.
    connected: BTreeSet<NodeId>,
}

/// The ends of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscriber {
    /// The bus.
    pub bus: NodeId,
    /// Index of the topic in the bus.
    pub topic: u32,
    /// The service.
    pub service: NodeId,
}

impl Names {
    /// Adds a node's id from the document, and its name there, which may be empty; ids are given out in this order.
    pub fn add_node(&mut self, id: &str, name: &str) -> NodeId {
        let id: Arc<str> = id.into();
        self.labels.push(if name.is_empty() { id.clone() } else { name.into() });
        self.nodes.push(id);
        NodeId(self.nodes.len() as u32 - 1)
    }

    /// Adds a subscription; ids are given out in this order.
    pub fn add_subscription(&mut self, subscriber: Subscriber) -> SubscriptionId {
        self.subscriptions.push(subscriber);
        SubscriptionId(self.subscriptions.len() as u32 - 1)
    }

    /// The id of a key, given out at its first mention. The keys of a group are its own, unless it is connected.
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

    /// A node's id in the document.
    pub fn node(&self, node: NodeId) -> &str {
        &self.nodes[node.index()]
    }

    /// What people see on a node's card: its name, or its id where it has none.
    pub fn label(&self, node: NodeId) -> &str {
        &self.labels[node.index()]
    }

    /// The node with that id in the document.
    pub fn find_node(&self, id: &str) -> Option<NodeId> {
        self.nodes.iter().position(|name| &**name == id).map(|i| NodeId(i as u32))
    }

    /// A key as it is written.
    pub fn key(&self, key: KeyId) -> &str {
        &self.keys[key.index()]
    }

    /// A key as it is told apart from those of other groups: `raft/x` where not only the group `raft` has an `x`.
    pub fn key_in_full(&self, key: KeyId) -> String {
        let written = self.key(key);
        let mut holders = self.key_ids.iter().filter(|(_, keys)| keys.contains_key(written));
        let several = holders.clone().count() > 1;
        let holder = holders.find(|(_, keys)| keys.get(written) == Some(&key)).and_then(|(group, _)| *group);
        match holder.filter(|_| several) {
            Some(group) => format!("{}/{written}", self.node(group)),
            None => written.into(),
        }
    }

    /// The key written like that in a group, or outside of all, if the run has mentioned it.
    pub fn find_key(&self, group: Option<NodeId>, key: &str) -> Option<KeyId> {
        self.key_ids.get(&group)?.get(key).copied()
    }

    /// Says which group a service is a member of.
    pub fn set_group(&mut self, member: NodeId, group: NodeId) {
        self.groups.insert(member, group);
    }

    /// The group that a service is a member of; a group is its own.
    pub fn group(&self, node: NodeId) -> Option<NodeId> {
        self.groups.get(&node).copied()
    }

    /// Says that a group publishes or subscribes: its keys are those of the services that it exchanges events with.
    pub fn connect(&mut self, group: NodeId) {
        self.connected.insert(group);
    }

    /// Whose keys a node's are: its group's, or none where they are those outside of all.
    pub fn scope(&self, node: NodeId) -> Option<NodeId> {
        self.group(node).filter(|group| !self.connected.contains(group))
    }

    /// The ends of a subscription.
    pub fn subscription(&self, subscription: SubscriptionId) -> Subscriber {
        self.subscriptions[subscription.index()]
    }

    /// How many nodes there are.
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// How many keys have been mentioned.
    pub fn key_count(&self) -> usize {
        self.keys.len()
    }

    /// How many subscriptions there are.
    pub fn subscription_count(&self) -> usize {
        self.subscriptions.len()
    }
}
