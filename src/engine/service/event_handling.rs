//! The effect of an event on a service's store, and its inbox.

use super::Service;
use crate::engine::context::Context;
use crate::engine::message::Delivery;
use crate::scenario::{Effect, Micros};
use crate::trace::{Fact, HandlingFailure};

impl Service {
    pub(super) fn handle(&mut self, now: Micros, delivery: &Delivery, ctx: &mut Context) {
        let locked = self.is_promised(delivery.update.key);
        let handler = &mut self.handling.handlers[delivery.subscription as usize];
        let (id, key, version) = (delivery.update.id, delivery.update.key, delivery.update.version);
        // The number is taken first, so that an inbox does not shift which later events fail.
        let fails = handler.failures.bernoulli(handler.fails);
        if handler.inbox.as_mut().is_some_and(|inbox| inbox.has(now, id)) {
            ctx.record(Fact::InboxHit {
                node: self.config.node,
                subscription: handler.id,
                update: id,
                attempt: delivery.attempt,
            });
        } else if delivery.update.poison {
            return self.handling.fail(delivery, HandlingFailure::Poison, ctx);
        } else if fails {
            return self.handling.fail(delivery, HandlingFailure::Failed, ctx);
        } else if locked {
            return self.handling.fail(delivery, HandlingFailure::NotWritten, ctx);
        } else {
            let (changed, sum) = match handler.effect {
                Effect::Increment => match self.store.add(&delivery.update) {
                    Some(sum) => (true, Some(sum)),
                    None => return self.handling.fail(delivery, HandlingFailure::WrongType, ctx),
                },
                effect @ (Effect::SetIfNewer | Effect::Overwrite | Effect::LastWriterWins) => {
                    (self.store.apply(&delivery.update, effect), None)
                }
            };
            if let Some(inbox) = &mut handler.inbox {
                inbox.write(now, id);
            }
            let by = Some(handler.id);
            let (node, value) = (self.config.node, delivery.update.value.clone());
            ctx.record(Fact::UpdateApplied { update: id, node, key, version, value, changed, by, sum });
        }
        self.handling.succeed(now, delivery, ctx);
    }
}
