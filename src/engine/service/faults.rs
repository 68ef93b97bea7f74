//! The effect of faults on a service.

use super::{Job, ReplyTo, Service, Work};
use crate::engine::context::Context;
use crate::engine::store::Store;
use crate::scenario::Micros;
use crate::trace::{Fact, Outcome};

impl Service {
    /// Stops the service. Work in progress is lost, and operations of the page's user end as unknown.
    pub fn crash(&mut self, lose_disk: bool, ctx: &mut Context) {
        debug_assert!(self.up, "only a running service crashes");
        self.up = false;
        ctx.record(Fact::ServiceCrashed { node: self.node, lost_disk: lose_disk });
        let (jobs, queue) = self.workers.crash();
        let in_progress = jobs.filter_map(|job| match job {
            Job::Working(Work::Execute(reply_to, _)) | Job::Locked(reply_to, _) => Some(reply_to),
            Job::Calling(write) | Job::Committing(write) => Some(write.reply_to),
            Job::Working(Work::Apply(..) | Work::Handle(_) | Work::Prepare(..)) => None,
        });
        let queued = queue.into_iter().filter_map(|work| match work {
            Work::Execute(reply_to, _) => Some(reply_to),
            Work::Apply(..) | Work::Handle(_) | Work::Prepare(..) => None,
        });
        for reply_to in in_progress.chain(queued) {
            if let ReplyTo::User(operation) = reply_to {
                ctx.record(Fact::OperationEnded { operation, outcome: Outcome::Unknown });
            }
        }
        self.locks.clear();
        // A shared store is not on the service's disk, so its contents survive.
        let lose_disk = lose_disk && self.shared_store.is_none();
        if let Some(store) = self.shared_store {
            ctx.unlock_all(store);
        }
        self.publishing.crash(lose_disk, ctx);
        self.consumer.crash(lose_disk, ctx);
        self.transactions.crash(lose_disk, ctx);
        if lose_disk {
            self.store = Store::default();
            self.lost_disks += 1;
        }
        debug_assert!(self.workers.busy() == 0, "no work survives a crash");
    }

    /// Starts the service again with the contents of its disk.
    pub fn restart(&mut self, now: Micros, ctx: &mut Context) {
        debug_assert!(!self.up, "only a stopped service restarts");
        self.up = true;
        debug_assert!(self.workers.busy() == 0 && self.locks.is_empty(), "no work survives a crash");
        ctx.record(Fact::ServiceRestarted { node: self.node });
        self.publishing.restart(now, ctx);
        self.consumer.restart(now, ctx);
        self.restart_transactions(now, ctx);
        self.receive(now, ctx);
    }

    /// Sets the factor by which work takes longer than configured.
    pub fn slow_down(&mut self, factor: f64, ctx: &mut Context) {
        debug_assert!(factor > 0.0, "work takes time");
        debug_assert!(ctx.node == self.node, "a command acts on one node");
        if self.workers.set_slowness(factor) {
            let permille = (factor * 1000.0).round() as u32;
            ctx.record(Fact::ServiceSlowed { node: self.node, permille });
        }
    }

    /// Sets the offset and the drift of its clock.
    pub fn set_clock(&mut self, now: Micros, offset: i64, drift_ppm: f64, ctx: &mut Context) {
        ctx.assert_handler(self.node, now);
        (self.clock_offset, self.clock_drift) = (offset, drift_ppm);
        self.record_clock(now, ctx);
    }

    /// Moves its clock by a number of µs.
    pub fn jump_clock(&mut self, now: Micros, by: i64, ctx: &mut Context) {
        ctx.assert_handler(self.node, now);
        self.clock_offset += by;
        self.record_clock(now, ctx);
    }

    fn record_clock(&self, now: Micros, ctx: &mut Context) {
        let drift = (self.clock_drift * 1000.0).round() as i64;
        ctx.record(Fact::ClockSet { node: self.node, offset: self.clock(now) - now as i64, drift });
    }
}
