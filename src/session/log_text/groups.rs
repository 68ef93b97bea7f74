//! The sentences about groups.

use super::{Row, Text, about_update, one_node};
use crate::trace::{Fact, facts_about};

impl Text<'_> {
    /// Facts about writes at the members of a group.
    pub(super) fn replication(&self, fact: &Fact) -> Row {
        match fact {
            Fact::KeyPlaced { group, key: id, replicas } => {
                let holders: Vec<&str> = replicas.iter().map(|id| self.node(id)).collect();
                let text = format!("{} placed {} on {}", self.node(group), self.key(id), holders.join(", "));
                (text, None, replicas.clone())
            }
            Fact::WriteCoordinated { update, node: at, .. } => {
                about_update(at, update, format!("{} coordinated {}", self.node(at), self.update(update)))
            }
            Fact::ReplicaStored { update, node: at, key: id, value, changed, .. } => {
                let what = match (update, value) {
                    (Some(update), _) => self.update(update),
                    (None, Some(value)) => format!("{} = {value}", self.key(id)),
                    (None, None) => format!("the absence of {}", self.key(id)),
                };
                let text = match changed {
                    true => format!("{} applied {what}", self.node(at)),
                    false => format!("{} ignored {what}: its own version is at least as new", self.node(at)),
                };
                (text, *update, vec![*at])
            }
            Fact::StateMerged { update, node: at, key: id, values, .. } => {
                let values: Vec<String> = values.iter().map(ToString::to_string).collect();
                let values = match values.as_slice() {
                    [] => "absent".to_string(),
                    [one] => one.clone(),
                    siblings => format!("{} siblings: {}", siblings.len(), siblings.join(" | ")),
                };
                let text = format!("{} merged {}; it is now {values}", self.node(at), self.key(id));
                (text, *update, vec![*at])
            }
            Fact::WriteRolledBack { update, node: at, .. } => {
                let text =
                    format!("{} rolled back {}: its leader does not have it", self.node(at), self.update(update));
                about_update(at, update, text)
            }
            facts_about!(declarations, requests, messages, events, faults, repair, leaders, transactions) => {
                unreachable!("another subject")
            }
        }
    }

    /// Facts about repairs.
    pub(super) fn repair(&self, fact: &Fact) -> Row {
        match fact {
            Fact::TombstonePurged { node: at, key: id } => {
                one_node(at, format!("{} purged the tombstone of {}", self.node(at), self.key(id)))
            }
            Fact::HintStored { node: at, replica, key: id, update } => {
                let what = update.as_ref().map_or_else(|| self.key(id).to_string(), |update| self.update(update));
                let text = format!("{} stored a hint for {}: {what}", self.node(at), self.node(replica));
                (text, *update, vec![*at, *replica])
            }
            Fact::HintRemoved { node: at, replica, key: id, delivered } => {
                let why = if *delivered { "delivered" } else { "expired" };
                let text =
                    format!("{} removed its hint of {} for {}: {why}", self.node(at), self.key(id), self.node(replica));
                (text, None, vec![*at, *replica])
            }
            Fact::TreesCompared { node: at, peer, level, compared, differing } => {
                let (at, peer) = (*at, *peer);
                let text = format!(
                    "{} compared {compared} hashes of level {level} with {}: {differing} differ",
                    self.node(&at),
                    self.node(&peer)
                );
                (text, None, vec![at, peer])
            }
            facts_about!(declarations, requests, messages, events, faults, replication, leaders, transactions) => {
                unreachable!("another subject")
            }
        }
    }

    /// Facts about leaders and transactions.
    pub(super) fn leaders_and_transactions(&self, fact: &Fact) -> Row {
        match fact {
            Fact::LeaderElected { node: at, term } => {
                one_node(at, format!("{} became the leader, term {term}", self.node(at)))
            }
            Fact::LeaderSteppedDown { node: at, term } => {
                one_node(at, format!("{} stepped down as leader, term {term}", self.node(at)))
            }
            Fact::LogChanged { node: at, last, committed, term } => {
                let text = format!("log of {} has {last} entries, {committed} committed, term {term}", self.node(at));
                one_node(at, text)
            }
            Fact::WritePromised { update, node: at, key: id } => {
                let text = format!("{} prepared {} and locked {}", self.node(at), self.update(update), self.key(id));
                about_update(at, update, text)
            }
            Fact::PromiseReleased { update, node: at, .. } => {
                let text = format!("{} released the prepared write {}", self.node(at), self.update(update));
                about_update(at, update, text)
            }
            facts_about!(declarations, requests, messages, events, faults, replication, repair) => {
                unreachable!("another subject")
            }
        }
    }
}
