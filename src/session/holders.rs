//! The names of the holders of copies: a service, or all services that share its data.

use crate::analysis::RunContext;
use crate::language::sentence;
use crate::trace::{KeyId, NodeId};

/// Returns the name of the holder of a copy: its service, the store that several services use, or the consumer group of its
/// workers. German sentences need the dative.
pub(super) fn holder(node: NodeId, key: KeyId, context: &RunContext) -> String {
    let names = context.names;
    if context.analysis.staleness.holders_of(node, key).len() > 1 {
        let store = context.scenario.services.get(node.index()).and_then(|service| service.store.as_ref());
        if let Some(store) = store {
            return sentence!("store {store}", "dem Speicher {store}");
        }
        let subscriptions = names.subscriptions().filter(|id| names.subscription(*id).service == node);
        let mut groups: Vec<&str> = subscriptions.filter_map(|id| names.consumer_group(id)).collect();
        groups.sort_unstable();
        groups.dedup();
        if let [group] = groups.as_slice() {
            return sentence!("consumer group {group}", "der Consumer-Gruppe {group}");
        }
    }
    names.label(node).into()
}
