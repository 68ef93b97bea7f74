//! Workers behind a bounded queue: shared by services and by members of replica groups.

use super::random::{Sampler, Stream};
use crate::scenario::Micros;
use std::collections::{BTreeMap, VecDeque};

/// The configuration of a worker pool.
#[derive(Clone, Debug)]
pub struct WorkerPoolConfig {
    /// How long a worker processes a request.
    pub service_time: Sampler,
    /// The random numbers of `service_time`.
    pub durations: Stream,
    /// The number of workers.
    pub concurrency: u32,
    /// The capacity of the queue.
    pub queue: u32,
}

/// Workers, the jobs that they process, and the work that waits for them. All of it is lost in a crash.
#[derive(Clone, Debug)]
pub struct WorkerPool<W, J> {
    config: WorkerPoolConfig,
    busy: u32,
    waiting: VecDeque<W>,
    /// The jobs, by id. Ids are never reused, so a timer of a job that has ended finds nothing.
    jobs: BTreeMap<u32, J>,
    next_job: u32,
    /// The factor by which work takes longer than configured.
    slowness: f64,
}

impl<W, J> WorkerPool<W, J> {
    /// Returns a pool whose workers are idle.
    pub fn new(config: WorkerPoolConfig) -> Self {
        let (waiting, jobs) = (VecDeque::new(), BTreeMap::new());
        WorkerPool { config, busy: 0, waiting, jobs, next_job: 0, slowness: 1.0 }
    }

    /// Returns the number of busy workers, blocked ones included.
    pub fn busy(&self) -> u32 {
        self.busy
    }

    /// Returns the length of the queue.
    pub fn queued(&self) -> u32 {
        self.waiting.len() as u32
    }

    /// Returns whether a worker is free.
    pub fn has_free_worker(&self) -> bool {
        self.busy < self.config.concurrency
    }

    /// Returns the number of free workers; negative if work waits for one.
    pub fn spare(&self) -> i64 {
        i64::from(self.config.concurrency) - i64::from(self.busy) - i64::from(self.queued())
    }

    /// Returns whether the queue is full.
    pub fn is_queue_full(&self) -> bool {
        self.queued() >= self.config.queue
    }

    /// Appends work to the queue, which may exceed its capacity for work that is never rejected.
    pub fn enqueue(&mut self, work: W) {
        debug_assert!(!self.has_free_worker(), "work waits only while all workers are busy");
        self.waiting.push_back(work);
        debug_assert!(self.spare() < 0, "work waits for a worker");
    }

    /// Draws the time that a request takes, µs.
    pub fn draw_service_time(&mut self) -> Micros {
        debug_assert!(self.busy <= self.config.concurrency, "a worker has one job");
        let duration = self.config.service_time.draw(&mut self.config.durations);
        debug_assert!(self.slowness > 0.0, "work takes time");
        self.slowed(duration)
    }

    /// Returns how long work takes that takes `duration` as configured, µs.
    pub fn slowed(&self, duration: Micros) -> Micros {
        if self.slowness == 1.0 { duration } else { (duration as f64 * self.slowness).round() as Micros }
    }

    /// Occupies a worker with a job, and returns the job's id.
    pub fn occupy(&mut self, job: J) -> u32 {
        debug_assert!(self.has_free_worker(), "a job needs a free worker");
        self.busy += 1;
        let id = self.next_job;
        self.next_job += 1;
        self.put(id, job);
        debug_assert!(self.jobs.len() <= self.busy as usize, "each job occupies a worker");
        id
    }

    /// Frees a worker, and returns the work that it takes from the queue.
    pub fn release(&mut self) -> Option<W> {
        debug_assert!(self.busy > 0, "only a busy worker is released");
        self.busy -= 1;
        debug_assert!(self.jobs.len() <= self.busy as usize, "the job of a released worker has ended");
        self.waiting.pop_front()
    }

    /// Takes work from the queue if a worker is free.
    pub fn take_waiting(&mut self) -> Option<W> {
        if self.has_free_worker() { self.waiting.pop_front() } else { None }
    }

    /// Panics if an invariant is broken. Called after each event, in debug builds.
    pub fn assert_invariants(&self, up: bool) {
        assert!(self.busy <= self.config.concurrency, "a worker has one job");
        assert!(self.jobs.len() <= self.busy as usize, "each job occupies a worker");
        assert!(self.waiting.is_empty() || !self.has_free_worker(), "work waits only while all workers are busy");
        assert!(up || (self.busy == 0 && self.waiting.is_empty()), "a node that is down does no work");
    }

    /// Returns all jobs in progress.
    pub fn jobs(&self) -> impl Iterator<Item = &J> {
        self.jobs.values()
    }

    /// Removes a job from the table and returns it; its worker stays busy.
    pub fn take(&mut self, id: u32) -> Option<J> {
        self.jobs.remove(&id)
    }

    /// Puts a job into the table under the id that it has.
    pub fn put(&mut self, id: u32, job: J) {
        debug_assert!(id < self.next_job, "ids are given out by `occupy`");
        let previous = self.jobs.insert(id, job);
        debug_assert!(previous.is_none(), "a job is in the table once");
    }

    /// Sets the factor by which work takes longer, and returns whether that changed it.
    pub fn set_slowness(&mut self, factor: f64) -> bool {
        debug_assert!(factor > 0.0, "a factor is positive");
        std::mem::replace(&mut self.slowness, factor) != factor
    }

    /// Loses all work, and returns the jobs in the order of their ids, and the queue.
    pub fn crash(&mut self) -> (impl Iterator<Item = J> + use<W, J>, VecDeque<W>) {
        debug_assert!(self.jobs.len() <= self.busy as usize, "each job occupies a worker");
        debug_assert!(self.waiting.is_empty() || !self.has_free_worker(), "work waits only while all workers are busy");
        self.busy = 0;
        (std::mem::take(&mut self.jobs).into_values(), std::mem::take(&mut self.waiting))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_waits_while_all_workers_are_busy_and_a_slow_pool_takes_longer() {
        let durations = Stream::named(1, "test", "workers");
        let config = WorkerPoolConfig { service_time: Sampler::Constant(100), durations, concurrency: 1, queue: 1 };
        let mut pool: WorkerPool<char, char> = WorkerPool::new(config);
        assert_eq!((pool.draw_service_time(), pool.occupy('a')), (100, 0));
        assert!(!pool.has_free_worker() && !pool.is_queue_full());
        pool.enqueue('b');
        assert!(pool.is_queue_full());
        assert!(pool.set_slowness(2.5) && !pool.set_slowness(2.5));
        assert_eq!((pool.take(0), pool.release(), pool.draw_service_time()), (Some('a'), Some('b'), 250));
        assert_eq!(pool.take(0), None);
    }
}
