//! What faults do to a service.

use super::{Job, ReplyTo, Service, Work};
use crate::engine::context::Context;
use crate::engine::store::Store;
use crate::scenario::Micros;
use crate::trace::{Fact, Outcome};

impl Service {
    /// Stops at once. Work under way is gone; the person whose request it was cannot know how it ended.
    pub fn crash(&mut self, lose_disk: bool, ctx: &mut Context) {
        self.up = false;
        ctx.record(Fact::ServiceCrashed { node: self.config.node, lost_disk: lose_disk });
        let jobs = std::mem::take(&mut self.jobs);
        let under_way = jobs.into_values().filter_map(|job| match job {
            Job::Working(Work::Execute(reply_to, _)) | Job::Locked(reply_to, _) => Some(reply_to),
            Job::Calling(write) | Job::Committing(write) => Some(write.reply_to),
            Job::Working(Work::Apply(..) | Work::Handle(_) | Work::Prepare(..)) => None,
        });
        let waiting = std::mem::take(&mut self.waiting);
        let queued = waiting.into_iter().filter_map(|work| match work {
            Work::Execute(reply_to, _) => Some(reply_to),
            Work::Apply(..) | Work::Handle(_) | Work::Prepare(..) => None,
        });
        for reply_to in under_way.chain(queued) {
            if let ReplyTo::User(operation) = reply_to {
                ctx.record(Fact::OperationEnded { operation, outcome: Outcome::Unknown });
            }
        }
        self.locks.clear();
        self.publishing.crash(lose_disk, ctx);
        self.handling.crash(lose_disk);
        self.transactions.crash(lose_disk, ctx);
        self.busy = 0;
        if lose_disk {
            self.store = Store::default();
        }
    }

    /// Starts again with what the disk holds.
    pub fn restart(&mut self, now: Micros, ctx: &mut Context) {
        self.up = true;
        ctx.record(Fact::ServiceRestarted { node: self.config.node });
        self.publishing.restart(now, ctx);
        self.handling.restart(now, ctx);
        self.restart_transactions(now, ctx);
    }

    /// Makes its work take so many times as long as configured.
    pub fn slow_down(&mut self, factor: f64, ctx: &mut Context) {
        if self.slowness != factor {
            self.slowness = factor;
            let permille = (factor * 1000.0).round() as u32;
            ctx.record(Fact::ServiceSlowed { node: self.config.node, permille });
        }
    }

    /// Sets its clock: the offset where one is given, else a jump from where it is.
    pub fn set_clock(&mut self, now: Micros, offset: i64, drift_ppm: f64, ctx: &mut Context) {
        (self.config.clock_offset, self.config.clock_drift) = (offset, drift_ppm);
        self.record_clock(now, ctx);
    }

    /// Lets its clock jump.
    pub fn jump_clock(&mut self, now: Micros, by: i64, ctx: &mut Context) {
        self.config.clock_offset += by;
        self.record_clock(now, ctx);
    }

    fn record_clock(&self, now: Micros, ctx: &mut Context) {
        let drift = (self.config.clock_drift * 1000.0).round() as i64;
        ctx.record(Fact::ClockSet { node: self.config.node, offset: self.clock(now) - now as i64, drift });
    }
}
