//! The effect of an event on a service's store and on its inbox.

use super::Service;
use crate::engine::context::Context;
use crate::engine::message::Delivery;
use crate::scenario::{Effect, Micros};
use crate::trace::{Fact, HandlingFailure};

impl Service {
    /// Handles an event, and acknowledges or refuses it.
    pub(super) fn handle(&mut self, now: Micros, delivery: &Delivery, ctx: &mut Context) {
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
        let by = Some(handler.id);
        let (node, value) = (self.node, delivery.update.value.clone());
        ctx.record(Fact::UpdateApplied { update: id, node, key, version, value, changed, by, sum });
        self.consumer.succeed(now, delivery, ctx);
    }
}
