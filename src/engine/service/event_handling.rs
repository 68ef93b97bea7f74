//! The effect of an event on a service's store and on its inbox.

use super::Service;
use crate::engine::context::Context;
use crate::engine::message::{Delivery, Update};
use crate::scenario::{Effect, Micros, Value};
use crate::trace::{Fact, HandlingFailure, NodeId};
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
        let (changed, sum) = match handler.effect {
            Effect::Increment => match self.store.add(&delivery.update) {
                Some(sum) => (true, Some(sum)),
                None => return self.consumer.fail(delivery, HandlingFailure::WrongType, ctx),
            },
            effect @ (Effect::SetIfNewer | Effect::Overwrite | Effect::LastWriterWins) => {
                (self.store.apply(&delivery.update, effect), None)
            }
        };
        if let Some(inbox) = &mut handler.inbox {
            inbox.insert(now, id);
        }
        debug_assert!(self.store.get(key).is_some(), "a key has a row after an event");
        let (by, bus) = (Some(handler.id), ctx.network.link(handler.link).to);
        let (node, value) = (self.node, delivery.update.value.clone());
        ctx.record(Fact::UpdateApplied { update: id, node, key, version, value, changed, by, sum });
        if changed || self.is_to_forward(&delivery.update) {
            self.forward(now, bus, &delivery.update, ctx);
        }
        self.consumer.succeed(now, delivery, ctx);
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
                    let (times, plus) = forward.change;
                    Value::Int(number.saturating_mul(times).saturating_add(plus))
                }
                other @ (Value::Text(_) | Value::Set(_) | Value::List(_) | Value::Map(_)) => other,
            };
            let key = forward.key.map_or(update.key, |key| ctx.key(ctx.names.scope(self.node), &key));
            let version = self.store.next_version(key, self.node.0 + 1);
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
