//! The effect of an event on a service's store and on its inbox.

use super::Service;
use crate::engine::context::Context;
use crate::engine::message::{Delivery, Update};
use crate::engine::store;
use crate::scenario::{Effect, Micros, Value};
use crate::trace::{Fact, HandlingFailure, NodeId, origin_of};
use std::sync::Arc;

impl Service {
    /// Handles an event, and acknowledges or refuses it.
    pub(super) fn handle(&mut self, now: Micros, delivery: &Delivery, ctx: &mut Context) {
        debug_assert!(self.up, "a service that is down handles no events");
        let locked = self.transactions.locks(delivery.update.key);
        let handler = &mut self.consumer.handlers[delivery.subscription as usize];
        let (id, key, version) = (delivery.update.id, delivery.update.key, delivery.update.version);
        // The number is drawn first, so that an inbox does not shift which later events fail.
        let fails = handler.failures.bernoulli(handler.fails);
        if handler.inbox.as_mut().is_some_and(|inbox| inbox.contains(now, id)) {
            ctx.record(Fact::InboxHit {
                node: self.node,
                subscription: handler.id,
                update: id,
                attempt: delivery.attempt,
            });
            return self.consumer.succeed(now, delivery, ctx);
        }
        if delivery.update.poison {
            return self.consumer.fail(delivery, HandlingFailure::Poison, ctx);
        }
        if fails {
            return self.consumer.fail(delivery, HandlingFailure::Failed, ctx);
        }
        if locked {
            return self.consumer.fail(delivery, HandlingFailure::NotWritten, ctx);
        }
        let (effect, bus) = (handler.effect, ctx.network.link(handler.link).to);
        let sum = match self.sum(bus, &delivery.update, effect) {
            Ok(sum) => sum,
            Err(failure) => return self.consumer.fail(delivery, failure, ctx),
        };
        let changed = match sum {
            Some(sum) => {
                self.store.add(&delivery.update, sum);
                true
            }
            None => self.store.apply(&delivery.update, effect),
        };
        let handler = &mut self.consumer.handlers[delivery.subscription as usize];
        if let Some(inbox) = &mut handler.inbox {
            inbox.insert(now, id);
        }
        debug_assert!(self.store.get(key).is_some(), "a key has a row after an event");
        let by = Some(handler.id);
        let (node, value) = (self.node, delivery.update.value.clone());
        ctx.record(Fact::UpdateApplied { update: id, node, key, version, value, changed, by, sum });
        if changed || self.is_to_forward(&delivery.update) {
            self.forward(now, bus, &delivery.update, ctx);
        }
        self.consumer.succeed(now, delivery, ctx);
    }

    /// Returns the sum that an increment would store; `None` for other effects.
    ///
    /// # Errors
    /// The key's value or the difference is not a number, or the sum or a derived number is outside the range of whole numbers.
    fn sum(&self, bus: NodeId, update: &Update, effect: Effect) -> Result<Option<i64>, HandlingFailure> {
        let sum = if effect == Effect::Increment { Some(self.store.sum_with(update)?) } else { None };
        let number = match (sum, &update.value) {
            (Some(sum), _) => Some(sum),
            (None, Value::Int(number)) if self.store.would_change(update, effect) => Some(*number),
            (None, _) if self.is_to_forward(update) => self.store.number(update.key),
            (None, _) => None,
        };
        let can_derive = |number| {
            let mut forwarders = self.publishing.forwarders(bus).into_iter();
            forwarders.all(|(_, forward)| forward.same || derive(number, forward.change).is_some())
        };
        if number.is_none_or(can_derive) { Ok(sum) } else { Err(HandlingFailure::OutOfRange) }
    }

    /// Returns whether another user of the shared store has applied an event that this service has not forwarded.
    fn is_to_forward(&self, update: &Update) -> bool {
        self.shared_store.is_some()
            && self.store.get(update.key).is_some_and(|row| row.version == update.version)
            && self.forwarded.get(&update.key).is_none_or(|forwarded| *forwarded < update.version)
    }

    /// Publishes an event that was applied, or an update that the service derives from it and commits with it.
    fn forward(&mut self, now: Micros, bus: NodeId, update: &Arc<Update>, ctx: &mut Context) {
        debug_assert!(self.store.get(update.key).is_some(), "an event that is forwarded was applied");
        if self.shared_store.is_some() {
            self.forwarded.insert(update.key, update.version);
        }
        for (publisher, forward) in self.publishing.forwarders(bus) {
            if forward.same {
                self.publishing.forward(now, publisher, update, ctx);
                continue;
            }
            let Some(held) = self.store.get(update.key).map(|row| row.value.clone()) else { continue };
            let value = match held {
                Value::Int(number) => {
                    Value::Int(derive(number, forward.change).expect("it was checked before the event was applied"))
                }
                other @ (Value::Text(_) | Value::Set(_) | Value::List(_) | Value::Map(_)) => other,
            };
            let key = forward.key.map_or(update.key, |key| ctx.key(ctx.names.scope(self.node), &key));
            let version = self.store.next_version(key, origin_of(self.node, self.lost_disks));
            let (delta, clock) = (self.store.difference(key, &value), self.clock(now));
            debug_assert!(self.store.get(key).is_none_or(|row| row.version < version), "versions of a key increase");
            let (id, operation, node) = (ctx.next_update(), ctx.next_operation(), self.node);
            self.store.set(key, value.clone(), version, clock);
            let derived = Update { id, key, value: value.clone(), version, clock, delta, poison: false };
            ctx.record(Fact::UpdateCommitted { update: id, operation, node, key, version, value, clock });
            ctx.record(Fact::UpdateAcknowledged { update: id, operation });
            self.publishing.forward(now, publisher, &Arc::new(derived), ctx);
        }
    }
}

/// Returns a number times `times`, plus `plus`; `None` if the result is outside the range of whole numbers.
fn derive(number: i64, (times, plus): (i64, i64)) -> Option<i64> {
    store::sum(number.checked_mul(times)?, plus).ok()
}
