//! Events that a queue keeps and does not deliver: behind another one, or too often over a link that is cut.

use super::prospects::ProspectFinder;
use crate::analysis::prospect::Prospect;
use crate::analysis::subscription_queues::QueuedEvent;
use crate::scenario::{Acknowledge, Backoff, Order, Subscription, micros};
use crate::trace::{SubscriptionId, UpdateId};

impl<'a> ProspectFinder<'a> {
    /// Iterates over the settings of the subscriptions to a queue.
    fn settings(&self, queue: SubscriptionId) -> impl Iterator<Item = (SubscriptionId, &'a Subscription)> {
        let run = self.run;
        run.subscriptions_to(queue).flat_map(move |it| {
            let ends = run.names.subscription(it);
            let service = run.scenario.services.get(ends.service.index());
            let its = service.into_iter().flat_map(|service| &service.subscribes);
            its.filter(move |its| run.names.find_node(&its.to) == Some(ends.bus)).map(move |its| (it, its))
        })
    }

    /// The prospect of an event that a fault stops. Deliveries over a link that is cut may use up their number before it is healed.
    pub(super) fn until_healing(&self, queue: SubscriptionId, event: &QueuedEvent, stopped: Prospect) -> Prospect {
        let Prospect::AfterHealing(at) = stopped else { return stopped };
        let ends = self.run.names.subscription(queue);
        let is_used_up = |settings: &Subscription| {
            let left = settings.max_deliveries.map(|most| most.saturating_sub(event.deliveries));
            let lasts = left.map(|left| micros(settings.ack_deadline_ms).saturating_mul(u64::from(left) + 1));
            settings.backoff == Backoff::None && lasts.is_some_and(|lasts| self.run.now.saturating_add(lasts) < at)
        };
        // A consumer that is not attached is sent nothing.
        let mut attached = self.settings(queue).filter(|(it, _)| self.run.analysis.buses.is_attached(*it));
        let cut = self.run.analysis.faults.cut(ends.bus, ends.service).is_some();
        match cut && attached.any(|(_, settings)| is_used_up(settings)) {
            true => Prospect::Cut(ends.bus, ends.service),
            false => stopped,
        }
    }

    /// What keeps an event back for ever behind an earlier one of its key: the consumer's acknowledgements do not arrive.
    pub(super) fn blocked(&self, queue: SubscriptionId, event: &QueuedEvent, update: UpdateId) -> Option<Prospect> {
        let run = self.run;
        let key = |update: UpdateId| run.analysis.updates.get(update).map(|info| info.key);
        let settings = self.settings(queue);
        let is_ordered = |it: &Subscription| {
            it.order == Order::FifoPerKey && it.acknowledge != Acknowledge::Never && it.max_deliveries.is_none()
        };
        let ordered: Vec<SubscriptionId> = settings.filter(|(_, it)| is_ordered(it)).map(|(it, _)| it).collect();
        let events = &run.analysis.buses.get(queue)?.events;
        let first = events.values().find(|it| key(it.update) == key(update))?;
        if event.deliveries > 0 || first.update == update || ordered.is_empty() {
            return None;
        }
        let mut stopped = None;
        for ends in ordered.into_iter().map(|it| run.names.subscription(it)) {
            stopped = Some(self.work.healing.path(run, ends.service, ends.bus).err()?);
        }
        stopped
    }
}
