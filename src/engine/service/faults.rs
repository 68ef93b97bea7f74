//! What faults do to a service.

use super::{Awaiting, Job, Service, Work};
use crate::engine::outbox::Outbox;
use crate::engine::store::Store;
use crate::scenario::Micros;
use crate::trace::{Fact, Outcome};

impl Service {
    /// Stops at once. Work under way is gone; the person whose request it was cannot know how it ended.
    pub fn crash(&mut self, lose_disk: bool, out: &mut Outbox) {
        self.up = false;
        out.record(Fact::ServiceCrashed { node: self.plan.node, lost_disk: lose_disk });
        let jobs = std::mem::take(&mut self.jobs);
        let under_way = jobs.into_iter().filter_map(|(_, job)| match job {
            Job::Working(Work::Operate(awaiting, _)) | Job::Locked(awaiting, _) => Some(awaiting),
            Job::Calling(change) | Job::Committing(change) => Some(change.awaiting),
            Job::Working(Work::Apply(..) | Work::Handle(_) | Work::Prepare(..)) => None,
        });
        let waiting = std::mem::take(&mut self.waiting);
        let queued = waiting.into_iter().filter_map(|work| match work {
            Work::Operate(awaiting, _) => Some(awaiting),
            Work::Apply(..) | Work::Handle(_) | Work::Prepare(..) => None,
        });
        for awaiting in under_way.chain(queued) {
            if let Awaiting::Person(operation) = awaiting {
                out.record(Fact::OperationEnded { operation, outcome: Outcome::Unknown });
            }
        }
        self.locks.clear();
        self.publishing.crash(lose_disk, out);
        self.handling.crash(lose_disk);
        self.transactions.crash(lose_disk, out);
        self.busy = 0;
        if lose_disk {
            self.store = Store::default();
        }
    }

    /// Starts again with what the disk holds.
    pub fn restart(&mut self, now: Micros, out: &mut Outbox) {
        self.up = true;
        out.record(Fact::ServiceRestarted { node: self.plan.node });
        self.publishing.restart(now, out);
        self.handling.restart(now, out);
        self.restart_transactions(now, out);
    }

    /// Makes its work take so many times as long as configured.
    pub fn slow_down(&mut self, factor: f64, out: &mut Outbox) {
        if self.slowness != factor {
            self.slowness = factor;
            let permille = (factor * 1000.0).round() as u32;
            out.record(Fact::ServiceSlowed { node: self.plan.node, permille });
        }
    }

    /// Sets its clock: the offset where one is given, else a jump from where it is.
    pub fn set_clock(&mut self, now: Micros, offset: i64, drift_ppm: f64, out: &mut Outbox) {
        (self.plan.clock_offset, self.plan.clock_drift) = (offset, drift_ppm);
        self.tell_clock(now, out);
    }

    /// Lets its clock jump.
    pub fn jump_clock(&mut self, now: Micros, by: i64, out: &mut Outbox) {
        self.plan.clock_offset += by;
        self.tell_clock(now, out);
    }

    fn tell_clock(&self, now: Micros, out: &mut Outbox) {
        let drift = (self.plan.clock_drift * 1000.0).round() as i64;
        out.record(Fact::ClockSet { node: self.plan.node, offset: self.clock(now) - now as i64, drift });
    }
}
